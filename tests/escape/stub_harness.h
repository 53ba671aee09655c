/* SPDX-License-Identifier: Apache-2.0 */
/* stub_harness.h: shared by the tests of the process platform. */
#ifndef NACRE_TESTS_STUB_HARNESS_H
#define NACRE_TESTS_STUB_HARNESS_H

#include "platform/process/internal.h"

#define GUEST_CODE 0x10000000ul
#define GUEST_STACK 0x20000000ul
#define GUEST_STACK_SIZE 0x10000ul

/* Guest code (stub_guest.S): position independent, copied to GUEST_CODE. */
extern const char guest_begin[], guest_end[];
extern const char guest_getpid[], guest_store[], guest_ud2[], guest_int3[], guest_int80[],
	guest_loop[], guest_vector[], guest_vector_read[], guest_bases[], guest_syscall[],
	guest_jump[], guest_store_loop[], guest_vsyscall[], guest_sysenter[], guest_compat[], guest_poke[], guest_int80_any[],
	guest_gate[], guest_gate_once[], guest_gate_bad[], guest_gate_spin[], guest_gate_user[],
	guest_gate_gs[], guest_gate_flags[], guest_gate_answer[], guest_post[], guest_fds[], guest_masks[], guest_read[],
	guest_cpuid[], guest_cpuid_at[], guest_cpuid_other[], guest_cpuid_loop[], guest_cpuid_loop_at[];

extern unsigned failures;
void check_at(bool ok, const char *what, int line);
#define CHECK(c) check_at(c, #c, __LINE__)

plat_as_t guest_as(void);
struct plat_uctx *guest_ctx(const char *at);
void guest_ctx_free(struct plat_uctx *u);
/* plat_user_run() and all registers. */
void user_run(plat_as_t as, struct plat_uctx *u, uint64_t deadline_ns, struct plat_trap *t);
struct plat_trap run(plat_as_t as, struct plat_uctx *u);        /* at most 5 s */

/* CPU 1 runs u in as until other_stop(). */
void other_run(plat_as_t as, struct plat_uctx *u);
void other_stop(void);
/* CPU 1 calls fn, then waits for orders again; other_call_end() waits for that. */
void other_call(void (*fn)(void));
void other_call_end(void);
extern uint32_t other_syscalls, other_faults;     /* traps of that run so far */

extern int harness_file;        /* what every file handle means; -1: nothing */

void test_attacks(void);
void test_batch(void);
void test_later(void);
void test_read_file(void);
void test_view(void);
void test_first_cpu(void);
void test_gate(void);
void test_ahead(void);
void test_cpuid(void);
void test_gate_kicks(void);
void test_riders(void);
void test_rider_kicks(void);
void test_relay(void);
void test_time(void);
bool relay_refused(void);       /* a thread that does not wake the next one stops that for a second */
void test_posts(void);
void test_grants(void);
void test_grant_kicks(void);
void test_post_kicks(void);
void test_post_fds(void);
void test_post_fds_kicks(void);
void test_post_masks(void);
void test_post_masks_kicks(void);
void test_frames(void);
void test_slots(void);
void test_bench(void);

/* ---- stub_kicks.c: CPU 1 kicks CPU 0 at any moment ---- */
/* One kick for each kicks_ask(), within so many cycles.  The tests go on for so many kicks, or,
 * where the machine is busy, for some seconds. */
void kicks_begin(unsigned count, uint64_t cycles);
bool kicks_ask(void);           /* false: that was enough */
bool kicks_came(void);          /* the one asked for last: said before it is done */
void kicks_end(void);
/* Such kicks while u posts calls: `before` each run of it, and `after`, which says whether
 * what it posted and its trap (a call or a kick) are right.  Most calls must have been posted. */
void kicks_while_posting(plat_as_t as, struct plat_uctx *u, void (*before)(struct plat_uctx *u),
			 bool (*after)(plat_as_t as, struct plat_uctx *u, const struct plat_trap *t));
/* CPU 1: a sibling of the program that writes a value over and over at an offset of CPU 0's mailbox. */
void scribbler_begin(plat_as_t as, uint64_t offset, uint32_t value);
void scribbler_end(void);

static inline uint64_t guest_at(const char *sym) { return GUEST_CODE + (uint64_t)(sym - guest_begin); }
/* The mailbox of CPU 0, where the harness runs programs. */
static inline struct stub_box *box_of(plat_as_t as) { return stub_box_of(stub_find(as.id), 0); }

/* A context that has trapped: by the gate, or by an instruction. */
struct plat_uctx *guest_trapped(plat_as_t as, bool gate);

struct harness_test { const char *name; void (*fn)(void); };
/* Run tests in a sandbox process of its own (names: none is all); its exit
 * status, or HARNESS_HANGS when it had to be killed. */
#define HARNESS_HANGS 124
int harness_run(char **names, unsigned timeout_s);

#ifdef NACRE_TEST_HOOKS
extern const struct harness_test control_tests[];       /* ends with a NULL name */
#endif

#endif
