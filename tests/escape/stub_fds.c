/* SPDX-License-Identifier: Apache-2.0 */
/* stub_fds.c: fcntl by the gate that returns without a trap: duplicates get the lowest
 * number that is free, only descriptors that were offered are touched, each call is
 * made once whatever interrupts it, and a list that nobody offered does nothing. */
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/escape/stub_harness.h"

#define TRAPPED (-1000)

static uint64_t bit(unsigned fd) { return 1ull << fd; }

static struct plat_uctx *fds_ctx(const char *at)
{
	struct plat_uctx *u = guest_ctx(at);

	u->regs.r15 = plat_syscall_gate();
	u->answers.valid = true;
	return u;
}

/* One call, then a trap that tells all: the call's result, or TRAPPED. */
static long call(plat_as_t as, struct plat_uctx *u, uint64_t nr, uint64_t fd, uint64_t cmd, uint64_t arg)
{
	struct plat_trap t;

	u->regs.rip = guest_at(guest_gate_user);
	u->regs.rax = nr;
	u->regs.rdi = fd | 0xabcd00000000;
	u->regs.rsi = cmd | 0xabcd00000000;
	u->regs.rdx = arg;
	t = run(as, u);
	CHECK(t.kind == PLAT_TRAP_SYSCALL);
	if (u->regs.orig_rax == SYS_getpid)
		return (long)u->regs.rbx;
	CHECK(u->post_count == 0 && u->regs.orig_rax == nr && t.gate);
	u->regs.rax = 0;
	CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL && u->post_count == 0);
	return TRAPPED;
}

static bool came(const struct plat_uctx *u, int op, int fd, int to, unsigned events)
{
	const struct plat_post *p = &u->post[0];

	return u->post_count == 1 && p->op == op && p->fd == fd && p->epfd == to && p->events == events;
}

static void duplicates(plat_as_t as, struct plat_uctx *u)
{
	CHECK(call(as, u, SYS_fcntl, 5, F_DUPFD, 0) == TRAPPED);
	u->fds.closable = bit(5) | bit(9);
	CHECK(call(as, u, SYS_fcntl, 5, F_DUPFD, 0) == TRAPPED);
	u->fds.free = bit(4) | bit(7) | bit(62);        /* not said to be good */
	CHECK(call(as, u, SYS_fcntl, 5, F_DUPFD, 0) == TRAPPED);
	u->fds.free |= PLAT_FDS_FREE;
	CHECK(call(as, u, SYS_fcntl, 6, F_DUPFD, 0) == TRAPPED && call(as, u, SYS_fcntl, 5 + 64, F_DUPFD, 0) == TRAPPED);
	CHECK(call(as, u, SYS_fcntl, 5, F_DUPFD, 63) == TRAPPED && call(as, u, SYS_fcntl, 5, F_DUPFD, 64) == TRAPPED);
	CHECK(call(as, u, SYS_fcntl, 5, F_DUPFD, UINT64_MAX) == TRAPPED && call(as, u, SYS_fcntl, 5, F_DUPFD, bit(32)) == TRAPPED);
	CHECK(call(as, u, SYS_fcntl, 5, F_DUPFD, 5) == 7 && came(u, PLAT_POST_DUP, 5, 7, 0));
	CHECK(u->fds.closable == (bit(5) | bit(7) | bit(9)) && u->fds.free == (PLAT_FDS_FREE | bit(4) | bit(62)));
	CHECK(call(as, u, SYS_fcntl, 7, F_DUPFD_CLOEXEC, 0) == 4 && came(u, PLAT_POST_DUP, 7, 4, FD_CLOEXEC));
	CHECK(call(as, u, SYS_fcntl, 4, F_DUPFD, 8) == 62 && call(as, u, SYS_fcntl, 4, F_DUPFD, 0) == TRAPPED);
	/* What is closed is free. */
	CHECK(call(as, u, SYS_close, 5, 0, 0) == 0 && u->post[0].op == PLAT_POST_CLOSE && u->post[0].fd == 5);
	CHECK(call(as, u, SYS_fcntl, 9, F_DUPFD, 0) == 5 && call(as, u, SYS_fcntl, 5, F_DUPFD, 0) == TRAPPED);
	CHECK(u->fds.closable == (bit(4) | bit(5) | bit(7) | bit(9) | bit(62)) && u->fds.free == PLAT_FDS_FREE);
}

static void flags(plat_as_t as, struct plat_uctx *u)
{
	u->fds = (struct plat_fds){ .closable = bit(3) | bit(8), .free = PLAT_FDS_FREE | bit(6), .flags = 0x38800 };
	CHECK(call(as, u, SYS_fcntl, 3, F_GETFL, 0) == TRAPPED);
	u->fds.flagged = bit(3) | bit(2);
	CHECK(call(as, u, SYS_fcntl, 3, F_GETFL, 0) == 0x38800 && u->post_count == 0);
	CHECK(call(as, u, SYS_fcntl, 8, F_GETFL, 0) == TRAPPED && call(as, u, SYS_fcntl, 2, F_GETFL, 0) == TRAPPED);
	CHECK(call(as, u, SYS_fcntl, 3, F_DUPFD, 0) == 6 && call(as, u, SYS_fcntl, 6, F_GETFL, 0) == 0x38800);
	u->fds.flags = 0x8800;
	CHECK(call(as, u, SYS_fcntl, 6, F_GETFL, 0) == 0x8800);
	CHECK(call(as, u, SYS_fcntl, 8, F_SETFD, 0xfffffffffffffffe) == 0 && came(u, PLAT_POST_SETFD, 8, 0, 0));
	CHECK(call(as, u, SYS_fcntl, 8, F_SETFD, 3) == 0 && came(u, PLAT_POST_SETFD, 8, FD_CLOEXEC, 0));
	CHECK(call(as, u, SYS_fcntl, 2, F_SETFD, 1) == TRAPPED);
	for (uint64_t cmd = 4; cmd < 1100; cmd += cmd < 40 ? 1 : 15)
		CHECK(cmd == F_DUPFD_CLOEXEC || call(as, u, SYS_fcntl, 3, cmd, 0) == TRAPPED);
	CHECK(call(as, u, SYS_fcntl, 3, F_GETFD, 0) == TRAPPED);
	/* Withdrawn, and while somebody looks at the calls. */
	u->posts_withdrawn = true;
	CHECK(call(as, u, SYS_fcntl, 3, F_GETFL, 0) == TRAPPED && !u->fds.closable && !u->fds.free && !u->fds.flagged);
	u->fds = (struct plat_fds){ .closable = bit(3), .free = PLAT_FDS_FREE | bit(6), .flagged = bit(3), .flags = 1 };
	u->answers.valid = false;
	u->answers_changed = true;
	CHECK(call(as, u, SYS_fcntl, 3, F_GETFL, 0) == TRAPPED && call(as, u, SYS_fcntl, 3, F_DUPFD, 0) == TRAPPED);
	CHECK(call(as, u, SYS_fcntl, 3, F_SETFD, 0) == TRAPPED);
	u->answers.valid = true;
	u->answers_changed = true;
	CHECK(call(as, u, SYS_fcntl, 3, F_GETFL, 0) == 1 && call(as, u, SYS_fcntl, 3, F_DUPFD, 0) == 6);
}

/* The mailbox says what nobody has offered: what comes of it is what was. */
static void forged(plat_as_t as, struct plat_uctx *u)
{
	static const struct stub_post list[] = {
		{ .op = POST_CLOSE, .fd = 4 }, { .op = POST_CLOSE, .fd = 67 }, { .op = POST_CLOSE, .fd = 0x80000003 },
		{ .op = POST_DUP, .fd = 4, .epfd = 6 }, { .op = POST_DUP, .fd = 3, .epfd = 5 },
		{ .op = POST_DUP, .fd = 3, .epfd = 63 }, { .op = POST_DUP, .fd = 3, .epfd = 64 + 6 }, { .op = POST_DUP, .fd = 3, .epfd = 0xffff },
		{ .op = POST_SETFD, .fd = 6 }, { .op = POST_SETFD, .fd = 0xffffffff },
		{ .op = POST_DUP, .fd = 3, .epfd = 6 },         /* the one that may */
		{ .op = POST_DUP, .fd = 3, .epfd = 6 }, { .op = POST_CLOSE, .fd = 3 }, { .op = POST_SETFD, .fd = 3, .epfd = 1 },
	};
	struct stub_box *box = box_of(as);

	u->fds = (struct plat_fds){ .closable = bit(3), .free = PLAT_FDS_FREE | bit(6) };
	CHECK(call(as, u, SYS_fcntl, 9, F_GETFL, 0) == TRAPPED);
	memset(&box->fds, 0xff, sizeof box->fds);
	memcpy((uint8_t *)box + BOX_POSTS, list, sizeof list);
	box->post_count = ARRAY_SIZE(list);
	u->regs.rip = guest_at(guest_gate_user);
	u->regs.rax = SYS_getppid;
	CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL && u->post_count == 2);
	CHECK(u->post[0].op == PLAT_POST_DUP && u->post[0].fd == 3 && u->post[0].epfd == 6);
	CHECK(u->post[1].op == PLAT_POST_CLOSE && u->post[1].fd == 3);
	CHECK(u->fds.closable == bit(6) && u->fds.free == (PLAT_FDS_FREE | bit(3)));
}

void test_post_fds(void)
{
	void (*const part[])(plat_as_t, struct plat_uctx *) = { duplicates, flags, forged };

	for (size_t i = 0; i < ARRAY_SIZE(part); i++) {
		plat_as_t as = guest_as();
		struct plat_uctx *u = fds_ctx(guest_gate_user);

		part[i](as, u);
		guest_ctx_free(u);
		plat_as_free(as);
	}
}

/* ---- kicks ------------------------------------------------------------------ */

#define FLAGS 0x12345

/* guest_fds duplicates 9 to 4 and closes that, in turns; the next one is closed. */
static bool one(int op, int fd, int to, bool *close)
{
	bool ok = *close ? op == PLAT_POST_CLOSE && fd == 4 : op == PLAT_POST_DUP && fd == 9 && to == 4;

	*close = !*close;
	return ok;
}

static bool to_close;                   /* is the next call */

static void offer(struct plat_uctx *u)
{
	u->fds = (struct plat_fds){ .closable = bit(9), .free = PLAT_FDS_FREE | bit(4), .flagged = bit(9), .flags = FLAGS };
}

static void before(struct plat_uctx *u) { (void)u; }

/* A call that has trapped is made as the kernel would. */
static bool after(plat_as_t as, struct plat_uctx *u, const struct plat_trap *t)
{
	bool dup = u->regs.orig_rax == SYS_fcntl && u->regs.rsi == F_DUPFD, ok = true;

	(void)as;
	for (uint32_t k = 0; k < u->post_count; k++)
		ok &= one(u->post[k].op, u->post[k].fd, u->post[k].epfd, &to_close);
	ok &= u->fds.closable == (to_close ? bit(9) | bit(4) : bit(9));
	if (t->kind != PLAT_TRAP_SYSCALL)
		return ok;
	u->regs.rax = dup ? 4 : 0;
	if (u->regs.orig_rax == SYS_fcntl && u->regs.rsi == F_GETFL) {
		u->regs.rax = FLAGS;
		return ok;
	}
	ok &= one(dup ? PLAT_POST_DUP : u->regs.orig_rax == SYS_close ? PLAT_POST_CLOSE : -1, (int)u->regs.rdi, 4, &to_close);
	offer(u);
	if (dup) {
		u->fds.closable |= bit(4);
		u->fds.free ^= bit(4);
	}
	return ok;
}

static void kicks(uint64_t pause)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = fds_ctx(guest_fds);

	u->regs.r13 = pause;
	u->regs.r12 = FLAGS;
	offer(u);
	to_close = false;
	kicks_while_posting(as, u, before, after);
	guest_ctx_free(u);
	plat_as_free(as);
}

/* A sibling that rewrites what was offered and what is posted harms nobody else. */
static void scribble(uint64_t offset, uint32_t value)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = fds_ctx(guest_fds);
	struct plat_trap t = { 0 };

	u->regs.r12 = FLAGS;
	offer(u);
	scribbler_begin(as, offset, value);
	for (unsigned i = 0; i < 20 && t.kind != PLAT_TRAP_DEAD; i++) {
		user_run(as, u, plat_time_mono_ns() + 1000000, &t);
		CHECK(t.kind >= PLAT_TRAP_SYSCALL && t.kind <= PLAT_TRAP_DEAD && u->post_count <= PLAT_POSTS_MAX);
		for (uint32_t k = 0; k < u->post_count; k++)
			CHECK(u->post[k].fd == 9 || u->post[k].fd == 4);
		CHECK(!(u->fds.closable & ~(bit(9) | bit(4))));
		if (t.kind == PLAT_TRAP_EXCEPTION || t.kind == PLAT_TRAP_FAULT)
			u->regs.rip = guest_at(guest_fds);
		offer(u);
	}
	scribbler_end();
	guest_ctx_free(u);
	plat_as_free(as);
}

void test_post_fds_kicks(void)
{
	static const uint32_t values[] = { 0, 1, 3, 15, 17, 0x10000, 0x7fffffff, 0xffffffff };
	const uint64_t words[] = {
		offsetof(struct stub_box, post_op), offsetof(struct stub_box, post_result), BOX_POSTS + 12, BOX_POSTS + 16,
		offsetof(struct stub_box, fds.closable), offsetof(struct stub_box, fds.free), offsetof(struct stub_box, fds.free) + 4,
		offsetof(struct stub_box, fds.flagged), offsetof(struct stub_box, fds.flags),
	};

	kicks(0);
	kicks(300);
	for (size_t w = 0; w < ARRAY_SIZE(words); w++)
		for (size_t v = 0; v < ARRAY_SIZE(values); v++)
			scribble(words[w], values[v]);
}
