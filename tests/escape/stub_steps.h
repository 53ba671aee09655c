/* SPDX-License-Identifier: Apache-2.0 */
/* stub_steps.h: one attack at one step, and attacks at each.  For builds with NACRE_TEST_HOOKS. */
#ifndef NACRE_TESTS_STUB_STEPS_H
#define NACRE_TESTS_STUB_STEPS_H

#include "tests/escape/stub_harness.h"

#define DATA 0x30000000ul

extern struct step_hook {
	void (*act)(struct stub *s);
	uint32_t id;
	enum test_step step;
	unsigned skip;
	bool hit;
	uint64_t offset;
	uint32_t value;
	bool wait_dead;
	plat_as_t as;
	uint32_t enemy_writes, enemy_faults;
} hook;

/* The next time that CPU 0 is at this step of as, act is called, once. */
void arm(plat_as_t as, enum test_step step, void (*act)(struct stub *s));
void act_kill(struct stub *s);
void act_write(struct stub *s);         /* hook.value at hook.offset of the mailbox */
/* The program's own try at hook.offset of the control file, by a thread that
 * enemy_prepare() made. */
void enemy_prepare(plat_as_t as);
void act_enemy(struct stub *s);

void killed_at_each_step(void);
void mailbox_forged_at_each_step(void);
void ack_forged_at_each_step(void);
void frame_forged_before_resume(void);

#endif
