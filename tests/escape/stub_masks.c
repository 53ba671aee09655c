/* SPDX-License-Identifier: Apache-2.0 */
/* stub_masks.c: sigprocmask and set_robust_list by the gate that return without a trap: only with
 * leave, each made once whatever interrupts it, and a list that nobody allowed does nothing. */
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/escape/stub_harness.h"

#define TRAPPED (-1000)
#define BUF GUEST_STACK
#define MAY (PLAT_MAY_MASK | PLAT_MAY_ROBUST)
#define UNBLOCKABLE (1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1))

static struct plat_uctx *masks_ctx(const char *at)
{
	struct plat_uctx *u = guest_ctx(at);

	u->regs.r15 = plat_syscall_gate();
	u->regs.r14 = BUF;
	u->answers.valid = true;
	return u;
}

/* One call, then a trap that tells all: the call's result, or TRAPPED. */
static long call(plat_as_t as, struct plat_uctx *u, uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	u->regs.rip = guest_at(guest_gate_user);
	u->regs.rax = nr;
	u->regs.rdi = a;
	u->regs.rsi = b;
	u->regs.rdx = c;
	u->regs.r10 = d;
	CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL);
	if (u->regs.orig_rax == SYS_getpid)
		return (long)u->regs.rbx;
	CHECK(u->post_count == 0 && u->regs.orig_rax == nr);
	u->regs.rax = 0;
	CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL && u->post_count == 0);
	return TRAPPED;
}

static uint64_t word(plat_as_t as, uint64_t at)
{
	uint64_t v = 0;

	CHECK(plat_copy_in(as, &v, at, sizeof v) == 0);
	return v;
}

static void words(plat_as_t as, uint64_t set, uint64_t old)
{
	const uint64_t w[2] = { set, old };

	CHECK(plat_copy_out(as, BUF, w, sizeof w) == 0);
}

/* mask: what is posted; was: what it was before. */
static bool posts(plat_as_t as, struct plat_uctx *u, int how, uint64_t set, uint64_t was, uint64_t mask)
{
	bool ok;

	words(as, set, ~0ull);
	ok = call(as, u, SYS_rt_sigprocmask, (uint64_t)how | 0xabcd00000000, BUF, BUF + 8, 8) == 0 && word(as, BUF + 8) == was &&
	     u->post_count == 1 && u->post[0].op == PLAT_POST_MASK && u->post[0].data == mask;
	u->sigmask.blocked = mask & ~UNBLOCKABLE;
	return ok;
}

static void leave(plat_as_t as, struct plat_uctx *u)
{
	words(as, 0x200, ~0ull);
	CHECK(call(as, u, SYS_rt_sigprocmask, SIG_BLOCK, BUF, BUF + 8, 8) == TRAPPED && word(as, BUF + 8) == ~0ull);
	CHECK(call(as, u, SYS_set_robust_list, BUF, 24, 0, 0) == TRAPPED);
	u->sigmask = (struct plat_sigmask){ 0x4001, MAY };
	CHECK(posts(as, u, SIG_BLOCK, 0x200, 0x4001, 0x4201) && posts(as, u, SIG_UNBLOCK, 0x8000000000004000, 0x4201, 0x201));
	CHECK(posts(as, u, SIG_SETMASK, ~0ull, 0x201, ~0ull) && posts(as, u, SIG_SETMASK, 0, ~UNBLOCKABLE, 0));
	CHECK(posts(as, u, SIG_BLOCK, 1, 0, 1));
	/* Asked only: an answer. */
	CHECK(call(as, u, SYS_rt_sigprocmask, 99, 0, BUF + 8, 8) == TRAPPED);
	CHECK(call(as, u, SYS_rt_sigprocmask, SIG_BLOCK, 0, BUF + 8, 8) == 0 && u->post_count == 0 && word(as, BUF + 8) == 1);
	CHECK(call(as, u, SYS_set_robust_list, BUF, 24, 0, 0) == 0 && u->post_count == 1);
	CHECK(u->post[0].op == PLAT_POST_ROBUST && u->post[0].data == BUF);
	/* Errors are the kernel's. */
	CHECK(call(as, u, SYS_set_robust_list, BUF, 23, 0, 0) == TRAPPED);
	CHECK(call(as, u, SYS_rt_sigprocmask, 3, BUF, 0, 8) == TRAPPED && call(as, u, SYS_rt_sigprocmask, SIG_BLOCK, BUF, 0, 4) == TRAPPED);
	CHECK(call(as, u, SYS_rt_sigprocmask, SIG_BLOCK, 16, 0, 8) == TRAPPED);
	CHECK(call(as, u, SYS_rt_sigprocmask, SIG_BLOCK, BUF, 16, 8) == TRAPPED);
	CHECK(call(as, u, SYS_rt_sigprocmask, SIG_BLOCK, STUB_CTL, 16, 8) == TRAPPED);
	/* Withdrawn, and given again. */
	plat_mask_withdraw(as, 0);
	CHECK(call(as, u, SYS_rt_sigprocmask, SIG_BLOCK, BUF, 0, 8) == TRAPPED && call(as, u, SYS_set_robust_list, BUF, 24, 0, 0) == TRAPPED);
	u->sigmask_again = true;
	CHECK(posts(as, u, SIG_SETMASK, 0x400, 1, 0x400) && !u->sigmask_again);
	u->sigmask.may = PLAT_MAY_ROBUST;
	CHECK(call(as, u, SYS_rt_sigprocmask, SIG_BLOCK, BUF, 0, 8) == TRAPPED && call(as, u, SYS_set_robust_list, BUF, 24, 0, 0) == 0);
	u->sigmask.may = 0;
	CHECK(call(as, u, SYS_rt_sigprocmask, SIG_BLOCK, BUF, 0, 8) == TRAPPED && call(as, u, SYS_set_robust_list, BUF, 24, 0, 0) == TRAPPED);
}

/* Each context of the mailbox has its own. */
static void two(plat_as_t as, struct plat_uctx *u)
{
	struct plat_uctx *v = masks_ctx(guest_gate_user);

	u->sigmask = (struct plat_sigmask){ 0x10, MAY };
	v->sigmask = (struct plat_sigmask){ 0x20, PLAT_MAY_MASK };
	for (unsigned i = 0; i < 3; i++) {
		CHECK(posts(as, u, SIG_SETMASK, 0x10 + i + 1, 0x10 + i, 0x10 + i + 1));
		CHECK(posts(as, v, SIG_SETMASK, 0x20 + i + 1, 0x20 + i, 0x20 + i + 1));
		CHECK(call(as, v, SYS_set_robust_list, BUF, 24, 0, 0) == TRAPPED);
	}
	v->sigmask.may = 0;
	CHECK(call(as, v, SYS_rt_sigprocmask, SIG_BLOCK, BUF, 0, 8) == TRAPPED);
	CHECK(posts(as, u, SIG_SETMASK, 0, 0x13, 0));
	guest_ctx_free(v);
}

/* The mailbox says what nobody has allowed. */
static void forged(plat_as_t as, struct plat_uctx *u)
{
	static const struct stub_post list[] = {
		{ .op = POST_MASK, .data = { 1, 2 } }, { .op = POST_ROBUST, .data = { 3, 4 } }, { .op = POST_ANSWER },
	};
	struct stub_box *box = box_of(as);

	for (uint64_t may = 0; may <= MAY; may++) {
		unsigned n = 0;

		u->sigmask = (struct plat_sigmask){ 0, may };
		CHECK(call(as, u, SYS_rt_sigprocmask, 99, 0, 0, 8) == TRAPPED);
		memset(&box->sigmask, 0xff, sizeof box->sigmask);
		memcpy((uint8_t *)box + BOX_POSTS, list, sizeof list);
		box->post_count = ARRAY_SIZE(list);
		u->regs.rip = guest_at(guest_gate_user);
		u->regs.rax = SYS_getppid;
		CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL);
		for (uint32_t k = 0; k < u->post_count; k++)
			n |= u->post[k].op == PLAT_POST_MASK ? 1 : u->post[k].op == PLAT_POST_ROBUST ? 2 : 0;
		CHECK(n == may);
	}
}

void test_post_masks(void)
{
	void (*const part[])(plat_as_t, struct plat_uctx *) = { leave, two, forged };

	for (size_t i = 0; i < ARRAY_SIZE(part); i++) {
		plat_as_t as = guest_as();
		struct plat_uctx *u = masks_ctx(guest_gate_user);

		part[i](as, u);
		guest_ctx_free(u);
		plat_as_free(as);
	}
}

/* ---- kicks ------------------------------------------------------------------ */

static uint64_t kicked_mask;

static void before(struct plat_uctx *u) { u->sigmask = (struct plat_sigmask){ kicked_mask, MAY }; }

/* A call that has trapped is made as the kernel would. */
static bool after(plat_as_t as, struct plat_uctx *u, const struct plat_trap *t)
{
	uint64_t set, old;
	bool ok = true;

	for (uint32_t k = 0; k < u->post_count; k++) {
		ok &= u->post[k].op == PLAT_POST_MASK && u->post[k].data == (kicked_mask ^ 0x200);
		kicked_mask = u->post[k].data;
	}
	if (t->kind != PLAT_TRAP_SYSCALL)
		return ok;
	if (u->regs.orig_rax != SYS_rt_sigprocmask)
		return false;
	set = word(as, u->regs.rsi);
	old = kicked_mask;
	kicked_mask = u->regs.rdi == SIG_BLOCK ? old | set : set;
	u->regs.rax = 0;
	return ok && plat_copy_out(as, u->regs.rdx, &old, sizeof old) == 0;
}

static void kicks(uint64_t pause)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = masks_ctx(guest_masks);

	u->regs.r13 = pause;
	kicked_mask = 0;
	kicks_while_posting(as, u, before, after);
	guest_ctx_free(u);
	plat_as_free(as);
}

/* A sibling that rewrites the leave, the mask and what is posted harms nobody else. */
static void scribble(uint64_t offset, uint32_t value)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = masks_ctx(guest_masks);
	struct plat_trap t = { 0 };

	scribbler_begin(as, offset, value);
	for (unsigned i = 0; i < 20 && t.kind != PLAT_TRAP_DEAD; i++) {
		u->sigmask = (struct plat_sigmask){ 0, i % 4 ? MAY : 0 };
		user_run(as, u, plat_time_mono_ns() + 1000000, &t);
		CHECK(t.kind >= PLAT_TRAP_SYSCALL && t.kind <= PLAT_TRAP_DEAD && u->post_count <= PLAT_POSTS_MAX);
		for (uint32_t k = 0; k < u->post_count; k++)
			CHECK(i % 4 || (u->post[k].op != PLAT_POST_MASK && u->post[k].op != PLAT_POST_ROBUST));
		if (t.kind == PLAT_TRAP_EXCEPTION || t.kind == PLAT_TRAP_FAULT)
			u->regs.rip = guest_at(guest_masks);
	}
	scribbler_end();
	guest_ctx_free(u);
	plat_as_free(as);
}

void test_post_masks_kicks(void)
{
	static const uint32_t values[] = { 0, 1, 3, 15, 18, 0x130000, 0x7fffffff, 0xffffffff };
	const uint64_t at[] = {
		offsetof(struct stub_box, post_op), offsetof(struct stub_box, post_count), BOX_POSTS + 4, BOX_POSTS + 16,
		offsetof(struct stub_box, sigmask.blocked), offsetof(struct stub_box, sigmask.may),
		offsetof(struct stub_box, mask_given), BOX_POSTS,
	};

	kicks(0);
	kicks(300);
	for (size_t w = 0; w < ARRAY_SIZE(at); w++)
		for (size_t v = 0; v < ARRAY_SIZE(values); v++)
			scribble(at[w], values[v]);
}
