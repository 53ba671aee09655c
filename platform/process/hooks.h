/* SPDX-License-Identifier: Apache-2.0 */
/* hooks.h: where tests/escape reaches into the process platform.
 *
 * NACRE_TEST_HOOKS is set for one test program only (hosted-stub-controls).
 * There each defence can be switched off, to show that its attack then works,
 * and a hook stands in for a hostile program that strikes at an exact step.
 * In the product all of this is nothing. */
#ifndef NACRE_PROCESS_HOOKS_H
#define NACRE_PROCESS_HOOKS_H

enum test_step {
	STEP_POST,              /* list written, not announced */
	STEP_POSTED,            /* announced, no answer awaited yet */
	STEP_ANSWERED,          /* answer seen */
	STEP_FORKED,            /* child's pid about to be read */
	STEP_BORN,              /* child recorded */
	STEP_THREAD,            /* before a new app thread is awaited */
	STEP_COMMANDS,          /* commands written, app thread not woken */
	STEP_COMMANDED,         /* app thread woken */
	STEP_RESULTS,           /* its results about to be read */
	STEP_RESUME,            /* frame written, turn not given */
	STEP_RUNNING,           /* turn given */
	STEP_BACK,              /* turn is back, nothing read */
	STEP_FRAME,             /* frame's place and signal believed, registers not read */
	STEP_READ,              /* registers read */
	STEP_COPY,              /* before each copy of the host's */
	STEP_COUNT
};

#ifdef NACRE_TEST_HOOKS
enum test_defence {
	DEF_NONE, DEF_TRAP, DEF_ADDRESSES, DEF_ACK_READONLY, DEF_FRAME_PLACE, DEF_KICK_BOUND,
	DEF_SIGNO, DEF_XSTATE_BOUND, DEF_AHEAD, DEF_RELAY, DEF_DEATH, DEF_GENERATION, DEF_CLOSE, DEF_RANGE, DEF_COUNT
};
extern enum test_defence test_off;      /* the one that is off */
struct stub;
void test_step(struct stub *s, enum test_step step);
#define DEFENCE(name) (test_off != DEF_##name)
#else
#define DEFENCE(name) true
#define test_step(s, step) ((void)0)
#endif

#endif
