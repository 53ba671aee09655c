/* SPDX-License-Identifier: Apache-2.0 */
/* stub_steps.c: attacks at exact steps of the process platform.
 *
 * test_step() is called by it at the steps of hooks.h; here it stands in for a
 * hostile program (or a killer from outside) that strikes right then: it writes
 * the mailbox as any thread of the program could, lets an app thread on CPU 1
 * try to write what the program cannot, or kills. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/process/sigframe.h"
#include "tests/escape/stub_steps.h"

/* ---- the hook --------------------------------------------------------------- */

struct step_hook hook;

void test_step(struct stub *s, enum test_step step)
{
	void (*act)(struct stub *) = hook.act;

	if (!act || plat_cpu_self() != 0 || step != hook.step)
		return;
	if (s->id != hook.id && !((step == STEP_BORN || step == STEP_THREAD) && s->parent_id == hook.id))
		return;
	if (hook.skip) {
		hook.skip--;
		return;
	}
	hook.act = NULL;
	hook.hit = true;
	act(s);
}

void arm(plat_as_t as, enum test_step step, void (*act)(struct stub *s))
{
	hook.hit = false;
	hook.id = as.id;
	hook.as = as;
	hook.step = step;
	hook.act = act;
}

void act_kill(struct stub *s)
{
	kill(s->pid, SIGKILL);
	for (unsigned i = 0; hook.wait_dead && i < 2000 && !__atomic_load_n(&s->dead, __ATOMIC_SEQ_CST); i++)
		usleep(1000);
}

void act_write(struct stub *s)
{
	__atomic_store_n((uint32_t *)((uint8_t *)stub_box_of(s, 0) + hook.offset), hook.value, __ATOMIC_SEQ_CST);
}

/* An app thread of the same stub tries to write `value` at `offset` of the
 * control file, from inside. */
static struct plat_uctx *enemy;

void enemy_prepare(plat_as_t as)
{
	enemy = guest_ctx(guest_poke);
	enemy->regs.rdi = GUEST_STACK;
	other_run(as, enemy);
	for (unsigned i = 0; i < 2000 && !__atomic_load_n(&other_syscalls, __ATOMIC_SEQ_CST); i++)
		usleep(1000);
	other_stop();
	CHECK(other_syscalls);
}

void act_enemy(struct stub *s)
{
	(void)s;
	enemy->regs.rip = GUEST_CODE + (uint64_t)(guest_poke - guest_begin);
	enemy->regs.rdi = STUB_CTL + hook.offset;
	enemy->regs.rsi = hook.value;
	other_run(hook.as, enemy);
	for (unsigned i = 0; i < 20000 && !__atomic_load_n(&other_syscalls, __ATOMIC_SEQ_CST) &&
	     !__atomic_load_n(&other_faults, __ATOMIC_SEQ_CST); i++)
		usleep(100);
	other_stop();
	hook.enemy_writes = other_syscalls;
	hook.enemy_faults = other_faults;
}

/* ---- one of everything ------------------------------------------------------ */

static bool kind_valid(const struct plat_trap *t)
{
	return t->kind >= PLAT_TRAP_SYSCALL && t->kind <= PLAT_TRAP_RIDER;
}

static bool err_valid(int err) { return err <= 0 && err >= -4095; }

/* Every kind of work with a stub; results are judged by shape only. */
static void work(plat_as_t as)
{
	struct plat_uctx *u = guest_ctx(guest_getpid), *c = guest_ctx(guest_getpid);
	struct plat_uctx *g = guest_ctx(guest_gate_once);
	struct plat_trap t;
	plat_as_t child = { 0 };
	plat_obj_t o = { 0 };
	uint8_t vec[4];
	uint64_t v;
	uint32_t w;

	CHECK(plat_obj_new(0x4000, &o) == 0);
	g->regs.r15 = plat_syscall_gate();
	for (unsigned i = 0; i < 2; i++) {
		user_run(as, g, plat_time_mono_ns() + NSEC_PER_SEC, &t);
		CHECK(kind_valid(&t));
		plat_uctx_save(g);
		user_run(as, u, plat_time_mono_ns() + NSEC_PER_SEC, &t);
		CHECK(kind_valid(&t));
		CHECK(err_valid(plat_as_map_anon(as, DATA, 0x4000, 3, 0)));
		CHECK(err_valid(plat_as_map_obj(as, DATA + 0x10000, 0x4000, 3, PLAT_MAP_SHARED, o, 0)));
		CHECK(err_valid(plat_as_batch_begin(as)));
		CHECK(err_valid(plat_as_map_obj(as, DATA + 0x20000, 0x4000, 3, 0, o, 0)));
		CHECK(err_valid(plat_as_map_anon(as, DATA + 0x22000, 0x1000, 3, 0)));
		CHECK(err_valid(plat_as_batch_end(as)));
		CHECK(err_valid(plat_as_resident(as, DATA, 0x4000, vec)));
		v = i;
		(void)!plat_ride_copy_out(as, g, DATA + 64, &v, 8);
		(void)!plat_ride_copy_out(as, g, DATA + 128, vec, sizeof(vec));
		(void)!plat_ride_protect(as, g, DATA + 0x3000, 0x1000, 1);
		user_run(as, g, plat_time_mono_ns() + NSEC_PER_SEC, &t);
		CHECK(kind_valid(&t));
		(void)!plat_ride_copy_out(as, g, DATA + 64, &v, 8);
		plat_riders_flush(g);
		plat_uctx_save(g);
		(void)!plat_copy_in(as, &v, DATA, 8);
		(void)!plat_user_cmpxchg32(as, DATA, 0, 1, &w);
		if (plat_as_fork(as, &child) == 0) {
			user_run(child, c, plat_time_mono_ns() + NSEC_PER_SEC, &t);
			CHECK(kind_valid(&t));
			plat_as_free(child);
		}
	}
	plat_obj_free(o);
	guest_ctx_free(u);
	guest_ctx_free(c);
	guest_ctx_free(g);
}

static void witness_check(plat_as_t as)
{
	struct plat_uctx *u = guest_ctx(guest_getpid);

	CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL && u->regs.orig_rax == SYS_getpid);
	guest_ctx_free(u);
}

static void at_each_step(void (*act)(struct stub *s), const char *what, uint64_t bound_ns, unsigned skips)
{
	plat_as_t witness = guest_as();

	for (enum test_step step = 0; step < STEP_COUNT; step++)
		for (unsigned skip = 0; skip < skips; skip++) {
			plat_as_t as = guest_as();
			uint64_t t0 = plat_time_mono_ns(), took;

			hook.skip = skip;
			arm(as, step, act);
			work(as);
			hook.act = NULL;
			took = plat_time_mono_ns() - t0;
			if (took > bound_ns || (skip == 0 && !hook.hit)) {
				printf("  %s at step %u (%u): %s, %.1f s\n", what, step, skip,
				       hook.hit ? "hit" : "step not reached", took / 1e9);
				failures++;
			}
			plat_as_free(as);
			witness_check(witness);
		}
	plat_as_free(witness);
}

void killed_at_each_step(void)
{
	for (unsigned wait = 0; wait < 2; wait++) {
		hook.wait_dead = wait;
		at_each_step(act_kill, "kill", 6 * NSEC_PER_SEC, 4);
	}
}

void mailbox_forged_at_each_step(void)
{
	const struct { uint64_t offset; uint32_t value; } words[] = {
		{ offsetof(struct stub_box, line.turn), TURN_KERNEL },
		{ offsetof(struct stub_box, line.turn), TURN_DEAD },
		{ offsetof(struct stub_box, line.turn), TURN_ROOM },
		{ offsetof(struct stub_box, line.turn), 0x80000000 },
		{ offsetof(struct stub_box, kern_sleeping), 1 },
		{ offsetof(struct stub_box, kern_cpu), 0xffffffff },
		{ offsetof(struct stub_box, app_cpu), 0xffffffff },
		{ offsetof(struct stub_box, relay), 0xffffffff },
		{ offsetof(struct stub_box, yields), 0xffffffff },
		{ offsetof(struct stub_box, room.retry) + 4, 0xffffffff },
		{ offsetof(struct stub_box, room.after) + 4, 0xffffffff },
		{ offsetof(struct stub_box, room.sure), 0xffff },
		{ offsetof(struct stub_box, line.slot), SLOT_PASSED },
		{ offsetof(struct stub_box, line.trap), 0xffffffff },
		{ offsetof(struct stub_box, line.trap), TRAP_GATE },
		{ offsetof(struct stub_box, line.trap), TRAP_UNRUN },
		{ offsetof(struct stub_box, line.trap), TRAP_RIDERS },
		{ offsetof(struct stub_box, line.trap), TRAP_GATE | (uint32_t)NR_LONG << 16 },
		{ offsetof(struct stub_box, line.trap), TRAP_AHEAD | TRAP_GATE | ORDER_FAST << 16 },
		{ offsetof(struct stub_box, line.rip) + 4, 0xffffffff },
		{ offsetof(struct stub_box, line.copy.to) + 4, 0xffffffff },
		{ offsetof(struct stub_box, saved.rip) + 4, 0xffffffff },
		{ offsetof(struct stub_box, saved.rsp) + 4, 0xffffffff },
		{ offsetof(struct stub_box, fs_base) + 4, 0x12345678 },
		{ BOX_SLOTS + offsetof(struct stub_slot, saved), 0 },
		{ BOX_SLOTS + offsetof(struct stub_slot, word) + 4, 0xffffffff },       /* rip */
		{ BOX_SLOTS + offsetof(struct stub_slot, fs_base) + 4, 0xffffffff },
		{ offsetof(struct stub_box, slot), 0xffffffff },
		{ offsetof(struct stub_box, slot), 1 },
		{ offsetof(struct stub_box, line.trap), 0xffff },                /* the slot */
		{ frame_shape.slot_image[1] + 24, 0xffffffff },                 /* MXCSR */
		{ frame_shape.slot_image[1] + 520, 0xffffffff },                /* XCOMP_BV */
		{ offsetof(struct stub_box, kicked), 1 },
		{ BOX_DATA + offsetof(struct stub_ahead, size), 0xffffffff },
		{ BOX_DATA + offsetof(struct stub_ahead, more), 0xffffffff },
		{ BOX_DATA + offsetof(struct stub_ahead, addr) + 4, 0xffffffff },
		{ frame_shape.fp_off - GATE_BELOW + 512, 0xffffffff },           /* saved by the gate */
		{ offsetof(struct stub_box, frame_off), 0xfffffff8 },
		{ offsetof(struct stub_box, resume_off), 0x100 },
		{ offsetof(struct stub_box, tid), 1 },
		{ offsetof(struct stub_box, line.trap), 0xfffe0000 },            /* the order */
		{ offsetof(struct stub_box, cmds), SYS_exit_group },
		{ offsetof(struct stub_box, cmds[0].a[0]) + 4, 0xffffffff },
		{ offsetof(struct stub_box, cmds[0].ret), 0xffffffff },
		{ offsetof(struct stub_box, cmds[0].ret) + 4, 0x7fffffff },
		{ frame_shape.frame_off + 8 + 168, 0 },                         /* rip */
		{ frame_shape.frame_off + 8 + 184, 0x23 },                      /* cs: compat */
		{ frame_shape.frame_off + offsetof(struct sigframe, uc.mc.fpstate), 0x10000 },
		{ frame_shape.fp_off + 464, 0xffffffff },                       /* extended state's mark */
		{ frame_shape.fp_off + 24, 0xffffffff },                        /* MXCSR */
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		char what[40];

		hook.offset = words[i].offset;
		hook.value = words[i].value;
		snprintf(what, sizeof(what), "box %#lx=%#x", (unsigned long)hook.offset, hook.value);
		at_each_step(act_write, what, 25 * NSEC_PER_SEC, 1);
	}
}

/* The acknowledgement and the command page, from inside, at each step. */
void ack_forged_at_each_step(void)
{
	const uint64_t words[] = { CTL_ACK + ACK_WORD, CTL_ACK + ACK_VALUE, CTL_CMD + CMD_SEQ, CTL_CMD + CMD_LIST };

	for (enum test_step step = 0; step < STEP_COUNT; step++)
		for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
			plat_as_t as = guest_as();

			/* A child that is being born obeys its parent's enemy not at all. */
			if (step == STEP_BORN || step == STEP_THREAD) {
				plat_as_free(as);
				continue;
			}
			enemy_prepare(as);
			hook.offset = words[i];
			hook.value = 0;
			hook.skip = 0;
			hook.enemy_faults = hook.enemy_writes = 0;
			arm(as, step, act_enemy);
			work(as);
			hook.act = NULL;
			if (!hook.hit || hook.enemy_writes || !hook.enemy_faults) {
				printf("  word %#lx at step %u: %s, %u writes, %u faults\n", (unsigned long)words[i],
				       step, hook.hit ? "hit" : "not reached", hook.enemy_writes, hook.enemy_faults);
				failures++;
			}
			plat_as_free(as);
			guest_ctx_free(enemy);
		}
}

/* A mask or a stack put into the frame after the kernel wrote it. */
void frame_forged_before_resume(void)
{
	static const struct { uint64_t offset; uint32_t value; } words[] = {
		{ offsetof(struct sigframe, uc.sigmask), 0xffffffff },
		{ offsetof(struct sigframe, uc.stack_sp), DATA },
		{ offsetof(struct sigframe, uc.stack_flags), 2 },               /* SS_DISABLE */
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		plat_as_t as = guest_as();
		struct plat_uctx *u = guest_ctx(guest_loop);
		struct plat_trap t;
		uint64_t t0 = plat_time_mono_ns();

		hook.offset = frame_shape.frame_off + words[i].offset;
		hook.value = words[i].value;
		arm(as, STEP_RESUME, act_write);
		for (unsigned n = 0; n < 4; n++)
			user_run(as, u, plat_time_mono_ns() + 20000000, &t);
		CHECK(hook.hit && plat_time_mono_ns() - t0 < 5 * NSEC_PER_SEC);
		CHECK(t.kind == PLAT_TRAP_DEAD || t.kind == PLAT_TRAP_KICK);
		guest_ctx_free(u);
		plat_as_free(as);
	}
}
