/* SPDX-License-Identifier: Apache-2.0 */
/* stub_slots.c: contexts that take turns on a mailbox's thread, more of them than it has
 * slots, on one CPU and on two: each finds its registers and extended state again,
 * wherever they have been meanwhile.  guest_gate looks at its own after each call. */
#include <stdlib.h>
#include <string.h>

#include "platform/process/sigframe.h"
#include "tests/escape/stub_harness.h"

#define CONTEXTS 12
#define STACK_EACH 0x1000
#define AT 0x40000000ul
#define XMM(u, nr) ((uint64_t *)((uint8_t *)(u)->xstate + 160 + 16 * (nr)))

static struct context {
	struct plat_uctx *u;
	uint64_t calls, fs, xmm7, at;
	bool by_gate, other;            /* which CPU has it */
} contexts[CONTEXTS];
static plat_as_t as;

static unsigned below(uint64_t *seed, unsigned n)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(*seed >> 33) % n;
}

static void context_new(struct context *c, unsigned nr)
{
	struct plat_uctx *u = guest_ctx(guest_gate);

	*c = (struct context){ .u = u, .by_gate = true, .fs = 0x10000000 + nr * 0x10000, .at = AT + nr * 64 };
	u->regs.r15 = plat_syscall_gate();
	u->regs.rsp = GUEST_STACK + (nr + 1) * STACK_EACH - 64;
	u->regs.fs_base = c->fs;
	u->answers = (struct plat_answers){ .valid = false, .tid = nr };
}

/* What the kernel may do with a context that has a CPU. */
static void change(struct context *c, uint64_t *seed)
{
	struct plat_uctx *u = c->u;

	switch (below(seed, 12)) {
	case 0:                         /* registers */
		plat_uctx_regs(u);
		u->regs.r14 += 5;
		c->calls += 5;
		break;
	case 1:                         /* such that a frame is needed */
		plat_uctx_regs(u);
		c->fs ^= 0x1000;
		u->regs.fs_base = c->fs;
		break;
	case 2:                         /* extended state */
		plat_uctx_save(u);
		*XMM(u, 7) = c->xmm7 = *seed;
		*(uint64_t *)((uint8_t *)u->xstate + 512) |= 2;
		plat_uctx_xstate_changed(u);
		break;
	case 3:                         /* by the gate, or by the instruction */
		plat_uctx_regs(u);
		c->by_gate = !c->by_gate;
		u->regs.r15 = c->by_gate ? plat_syscall_gate() : u->regs.rip - 2;
		break;
	}
}

static void look(struct context *c, uint64_t *seed)
{
	struct plat_uctx *u = c->u;

	if (below(seed, 3) == 0) {
		plat_uctx_regs(u);
		CHECK(u->regs.r14 == c->calls && u->regs.fs_base == c->fs && u->regs.r13 == 0x10a);
	}
	if (below(seed, 4) == 0) {
		plat_uctx_save(u);
		CHECK(*XMM(u, 6) == u->regs.rsp && *XMM(u, 7) == c->xmm7 && *XMM(u, 5) == 0x10a);
	}
}

static void turn(struct context *c, uint64_t *seed)
{
	struct plat_uctx *u = c->u;
	struct plat_trap t;
	uint64_t v = *seed, got;
	bool ride;

	plat_uctx_arrive(u);
	if (c->calls) {
		look(c, seed);
		change(c, seed);
		u->regs.rax = 1000 + c->calls;
	}
	ride = below(seed, 4) == 0 && plat_ride_copy_out(as, u, c->at, &v, 8);
	do {
		plat_user_run(as, u, plat_time_mono_ns() + 5 * NSEC_PER_SEC, &t);
	} while (t.kind == PLAT_TRAP_KICK);
	c->calls++;
	CHECK(t.kind == PLAT_TRAP_SYSCALL && t.gate == c->by_gate);
	CHECK(!ride || (plat_copy_in(as, &got, c->at, 8) == 0 && got == v));
	look(c, seed);
	plat_uctx_leave(u, below(seed, 10) == 0);
}

/* Some take most of the turns, as threads of a program do. */
static void turns(bool other, unsigned count, uint64_t seed)
{
	while (count--) {
		struct context *c = &contexts[below(&seed, below(&seed, 3) ? 4 : CONTEXTS)];

		if (c->other == other)
			turn(c, &seed);
	}
}

static uint64_t other_seed;

static void other_turns(void) { turns(true, 200, other_seed); }

/* The answer to gettid is that of the context that runs. */
static void answers(void)
{
	uint32_t tid[] = { 77, 78, 79 };
	struct plat_uctx *u[ARRAY_SIZE(tid)];
	struct plat_trap t;

	for (unsigned i = 0; i < ARRAY_SIZE(u); i++) {
		u[i] = guest_ctx(guest_gate_answer);
		u[i]->regs.r15 = plat_syscall_gate();
		u[i]->regs.rbx = 186;
		u[i]->regs.r13 = tid[i];
		u[i]->answers = (struct plat_answers){ .valid = true, .pid = 5, .tid = tid[i] };
	}
	for (unsigned i = 0; i < 60; i++) {
		struct plat_uctx *w = u[i % ARRAY_SIZE(u)];

		if (i == 30) {
			w->answers.tid = w->regs.r13 = tid[0] = 1234;
			w->regs.rip = GUEST_CODE + (uint64_t)(guest_gate_answer - guest_begin);
			w->answers_changed = true;
		}
		plat_user_run(as, w, plat_time_mono_ns() + 300000, &t);
		/* The call that a kick met is the kernel's. */
		if (t.kind == PLAT_TRAP_SYSCALL)
			w->regs.rax = tid[i % ARRAY_SIZE(tid)];
		else
			CHECK(t.kind == PLAT_TRAP_KICK);
		plat_uctx_save(w);
		CHECK(w->regs.r14 > i / ARRAY_SIZE(u));
		plat_uctx_leave(w, false);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(u); i++)
		guest_ctx_free(u[i]);
}

/* Contexts end, and their slots serve others. */
static void ends(void)
{
	uint64_t seed = 5;

	for (unsigned round = 0; round < 40; round++)
		for (unsigned i = 0; i < CONTEXTS; i++) {
			if (below(&seed, 3) == 0) {
				if (below(&seed, 2))
					plat_uctx_drop(contexts[i].u);
				guest_ctx_free(contexts[i].u);
				context_new(&contexts[i], i);
			}
			turn(&contexts[i], &seed);
		}
}

void test_slots(void)
{
	uint64_t seed = 7;

	as = guest_as();
	CHECK(plat_as_map_anon(as, AT, 4096, 3, 0) == 0);
	CHECK(frame_shape.slot_count > 1 && frame_shape.slot_count < CONTEXTS);
	for (unsigned i = 0; i < CONTEXTS; i++)
		context_new(&contexts[i], i);
	turns(false, 4000, 1);
	for (unsigned round = 0; round < 100; round++) {
		for (unsigned i = 0; i < CONTEXTS; i++)
			contexts[i].other = below(&seed, 2);
		other_seed = seed + 1;
		other_call(other_turns);
		turns(false, 200, seed);
		other_call_end();
	}
	for (unsigned i = 0; i < CONTEXTS; i++) {
		contexts[i].other = false;
		plat_uctx_arrive(contexts[i].u);
	}
	ends();
	answers();
	for (unsigned i = 0; i < CONTEXTS; i++)
		guest_ctx_free(contexts[i].u);
	plat_as_free(as);
}
