/* SPDX-License-Identifier: Apache-2.0 */
/* stub_posts.c: epoll_ctl and close by the gate that return without a trap: only what was
 * offered, each call once and in order whatever interrupts it, and a mailbox
 * that a sibling rewrites harms nobody. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/escape/stub_harness.h"

#define EVENT (GUEST_STACK + 0x100)

static struct plat_uctx *post_ctx(const char *at)
{
	struct plat_uctx *u = guest_ctx(at);

	u->regs.r15 = plat_syscall_gate();
	u->regs.r10 = EVENT;
	return u;
}

/* One call, then a trap that tells all.  True when it was posted, and returned 0. */
static bool posted(plat_as_t as, struct plat_uctx *u, int epfd, int op, int fd, uint64_t event)
{
	struct plat_trap t;
	bool yes;

	u->regs.rip = guest_at(guest_gate_user);
	u->regs.rax = SYS_epoll_ctl;
	u->regs.rdi = (uint64_t)epfd | 0xabcd00000000;  /* half registers count */
	u->regs.rsi = (uint64_t)op;
	u->regs.rdx = (uint64_t)fd;
	u->regs.r10 = event;
	t = run(as, u);
	CHECK(t.kind == PLAT_TRAP_SYSCALL);
	yes = u->regs.orig_rax == SYS_getpid;
	if (yes) {
		const struct plat_post *p = &u->post[0];

		CHECK(u->post_count == 1 && u->regs.rbx == 0 && !t.gate);
		CHECK(p->epfd == epfd && p->op == op && p->fd == fd);
		return true;
	}
	CHECK(u->post_count == 0 && u->regs.orig_rax == SYS_epoll_ctl && t.gate);
	u->regs.rax = (uint64_t)-22;
	CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL && u->regs.rbx == (uint64_t)-22 && u->post_count == 0);
	return false;
}

static void event_is(plat_as_t as, uint32_t events, uint64_t data)
{
	struct epoll_event e = { .events = events, .data.u64 = data };

	CHECK(plat_copy_out(as, EVENT, &e, sizeof e) == 0);
}

/* Which call guest_post makes. */
static void number_is(plat_as_t as, uint32_t nr) { CHECK(plat_copy_out(as, EVENT + 12, &nr, sizeof nr) == 0); }

static void only_what_was_offered(plat_as_t as, struct plat_uctx *u)
{
	event_is(as, EPOLLIN, 0x123456789abcdef0);
	CHECK(!posted(as, u, 7, EPOLL_CTL_MOD, 9, EVENT));
	CHECK(plat_post_offer(as, u, 7, 9, true));
	CHECK(posted(as, u, 7, EPOLL_CTL_MOD, 9, EVENT));
	CHECK(u->post[0].events == EPOLLIN && u->post[0].data == 0x123456789abcdef0);
	CHECK(!posted(as, u, 8, EPOLL_CTL_MOD, 9, EVENT) && !posted(as, u, 7, EPOLL_CTL_MOD, 10, EVENT));
	CHECK(!posted(as, u, 7, EPOLL_CTL_MOD, 9 + POSTABLE_SLOTS, EVENT) && !posted(as, u, 7, EPOLL_CTL_MOD, -1, EVENT));
	CHECK(!posted(as, u, 7, EPOLL_CTL_ADD, 9, EVENT) && !posted(as, u, 7, 0, 9, EVENT) && !posted(as, u, 7, 4, 9, EVENT));
	CHECK(!posted(as, u, 7, EPOLL_CTL_MOD, 9, 0) && !posted(as, u, 7, EPOLL_CTL_MOD, 9, GUEST_STACK + GUEST_STACK_SIZE - 4));
	CHECK(posted(as, u, 7, EPOLL_CTL_DEL, 9, 0));
	CHECK(!posted(as, u, 7, EPOLL_CTL_DEL, 9, 0) && !posted(as, u, 7, EPOLL_CTL_MOD, 9, EVENT));
	CHECK(!posted(as, u, 7, EPOLL_CTL_ADD, 9, 8) && posted(as, u, 7, EPOLL_CTL_ADD, 9, EVENT));
	event_is(as, EPOLLIN | EPOLLEXCLUSIVE, 1);
	CHECK(!posted(as, u, 7, EPOLL_CTL_MOD, 9, EVENT) && posted(as, u, 7, EPOLL_CTL_DEL, 9, 0));
	CHECK(!posted(as, u, 7, EPOLL_CTL_ADD, 9, EVENT));
	event_is(as, EPOLLIN | EPOLLONESHOT | EPOLLET, 2);
	CHECK(posted(as, u, 7, EPOLL_CTL_ADD, 9, EVENT) && u->post[0].events == (EPOLLIN | EPOLLONESHOT | EPOLLET));
	/* A slot serves one descriptor. */
	CHECK(plat_post_offer(as, u, 7, 9 + POSTABLE_SLOTS, true) && !posted(as, u, 7, EPOLL_CTL_MOD, 9, EVENT));
	CHECK(posted(as, u, 7, EPOLL_CTL_MOD, 9 + POSTABLE_SLOTS, EVENT));
	CHECK(!plat_post_offer(as, u, POSTABLE_EPFD_MAX, 9, true) && !plat_post_offer(as, u, 7, POSTABLE_FD_MAX, true));
	CHECK(!plat_post_offer(as, u, -1, 9, true) && !plat_post_offer(as, u, 7, -1, true));
}

static void offers_end(plat_as_t as, struct plat_uctx *u)
{
	struct plat_uctx *w = post_ctx(guest_gate_user);
	plat_as_t child = { 0 };

	CHECK(plat_post_offer(as, u, 7, 9, true) && plat_post_offer(as, u, 7, 11, true));
	plat_post_withdraw(as, u, 9);
	CHECK(!posted(as, u, 7, EPOLL_CTL_MOD, 9, EVENT) && posted(as, u, 7, EPOLL_CTL_MOD, 11, EVENT));
	u->posts_withdrawn = true;
	CHECK(!posted(as, u, 7, EPOLL_CTL_MOD, 11, EVENT) && !u->posts_withdrawn);
	/* With other answers; they may say that somebody looks at the calls now. */
	CHECK(plat_post_offer(as, u, 7, 9, true));
	u->answers_changed = true;
	CHECK(!posted(as, u, 7, EPOLL_CTL_MOD, 9, EVENT));
	/* They are one context's, and not its child's. */
	CHECK(plat_post_offer(as, u, 7, 9, true));
	plat_uctx_save(u);
	w->regs = u->regs;
	CHECK(plat_as_fork(as, &child) == 0);
	CHECK(!posted(child, w, 7, EPOLL_CTL_MOD, 9, EVENT));
	CHECK(!plat_post_offer(as, w, 7, 9, true));
	plat_as_free(child);
	CHECK(posted(as, u, 7, EPOLL_CTL_MOD, 9, EVENT));
	plat_uctx_save(u);
	plat_uctx_xstate_changed(w);
	CHECK(!posted(as, w, 7, EPOLL_CTL_MOD, 9, EVENT));
	plat_uctx_save(w);
	CHECK(!plat_post_offer(as, u, 7, 9, true));
	CHECK(!posted(as, u, 7, EPOLL_CTL_MOD, 9, EVENT));
	guest_ctx_free(w);
}

/* True when close(fd) was posted, and returned 0. */
static bool closed(plat_as_t as, struct plat_uctx *u, uint64_t fd)
{
	struct plat_trap t;

	u->regs.rip = guest_at(guest_gate_user);
	u->regs.rax = SYS_close;
	u->regs.rdi = fd | 0xabcd00000000;
	t = run(as, u);
	CHECK(t.kind == PLAT_TRAP_SYSCALL);
	if (u->regs.orig_rax == SYS_getpid) {
		CHECK(u->post_count == 1 && u->regs.rbx == 0 && !t.gate);
		CHECK(u->post[0].op == PLAT_POST_CLOSE && u->post[0].fd == (int)fd && !(u->fds.closable >> fd & 1));
		return true;
	}
	CHECK(u->post_count == 0 && u->regs.orig_rax == SYS_close && t.gate);
	u->regs.rax = (uint64_t)-9;
	CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL && u->regs.rbx == (uint64_t)-9 && u->post_count == 0);
	return false;
}

static void closes(plat_as_t as, struct plat_uctx *u)
{
	struct plat_uctx *w = post_ctx(guest_gate_user);
	plat_as_t child = { 0 };

	CHECK(!closed(as, u, 5));
	u->fds.closable = 1ull << 5 | 1ull << 63 | 1;
	CHECK(closed(as, u, 5) && !closed(as, u, 5) && !closed(as, u, 5 + 64) && !closed(as, u, 0xffffffff));
	CHECK(closed(as, u, 63) && closed(as, u, 0) && !closed(as, u, 63) && u->fds.closable == 0);
	/* With something else in the line, and with a frame. */
	u->fds.closable = 1ull << 7;
	CHECK(plat_ride_copy_out(as, u, EVENT, "12345678", 8) && closed(as, u, 7));
	u->fds.closable = 1ull << 8;
	u->regs.rflags ^= 1;
	CHECK(closed(as, u, 8));
	/* Taken away by the kernel, withdrawn, while somebody looks at the calls, another context's. */
	u->fds.closable = 1ull << 5 | 1ull << 6;
	CHECK(closed(as, u, 6));
	u->fds.closable = 0;
	CHECK(!closed(as, u, 5));
	u->fds.closable = 1ull << 5;
	u->posts_withdrawn = true;
	CHECK(!closed(as, u, 5) && !u->posts_withdrawn && u->fds.closable == 0);
	u->fds.closable = 1ull << 5 | 1ull << 6;
	CHECK(closed(as, u, 6));
	u->answers.valid = false;
	u->answers_changed = true;
	CHECK(!closed(as, u, 5));
	u->answers.valid = true;
	u->answers_changed = true;
	CHECK(u->fds.closable == 1ull << 5 && closed(as, u, 5));
	u->fds.closable = 1ull << 5 | 1ull << 6;
	CHECK(closed(as, u, 6));
	plat_uctx_save(u);
	w->regs = u->regs;
	CHECK(plat_as_fork(as, &child) == 0);
	CHECK(!closed(child, w, 5));
	plat_as_free(child);
	plat_uctx_save(u);
	plat_uctx_xstate_changed(w);
	CHECK(!closed(as, w, 5));
	plat_uctx_save(w);
	CHECK(closed(as, u, 5));
	/* Nobody has offered what this mailbox says. */
	__atomic_store_n(&box_of(as)->fds.closable, ~0ull, __ATOMIC_RELAXED);
	u->regs.rip = guest_at(guest_gate_user);
	u->regs.rax = SYS_close;
	u->regs.rdi = 9;
	CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL && u->post_count == 0);
	guest_ctx_free(w);
}

void test_posts(void)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = post_ctx(guest_gate_user);

	only_what_was_offered(as, u);
	offers_end(as, u);
	guest_ctx_free(u);
	plat_as_free(as);
	as = guest_as();
	u = post_ctx(guest_gate_user);
	u->answers.valid = true;
	closes(as, u);
	guest_ctx_free(u);
	plat_as_free(as);
}

/* ---- kicks, and siblings ---------------------------------------------------- */

#define KICKS 3000

/* What came with a trap: calls in order, each once. */
static bool in_order(const struct plat_uctx *u, bool close, uint64_t *count)
{
	for (uint32_t k = 0; k < u->post_count; k++) {
		const struct plat_post *p = &u->post[k];

		++*count;
		if (p->fd != 9 || p->op != (close ? PLAT_POST_CLOSE : EPOLL_CTL_MOD))
			return false;
		if (!close && (p->epfd != 9 || p->data != *count))
			return false;
	}
	return true;
}

/* The next one may be posted. */
static void offer(plat_as_t as, struct plat_uctx *u, bool close)
{
	if (close)
		u->fds.closable |= 1ull << 9;
	else
		plat_post_offer(as, u, 9, 9, true);
}

static void kicks(bool close, uint64_t pause)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = post_ctx(guest_post);
	uint64_t count = 0, calls = 0, returns = 0, v;
	uint32_t nr = close ? SYS_close : SYS_epoll_ctl;

	event_is(as, EPOLLIN, 0);
	number_is(as, nr);
	u->answers.valid = true;
	u->regs.r13 = pause;
	kicks_begin(KICKS, 12000);
	for (uint32_t i = 0; kicks_ask(); i++) {
		struct plat_trap t;
		bool kicked = false;

		do {
			bool ok;

			user_run(as, u, plat_time_mono_ns() + 2 * NSEC_PER_SEC, &t);
			ok = in_order(u, close, &count) && (t.kind == PLAT_TRAP_SYSCALL || t.kind == PLAT_TRAP_KICK);
			if (t.kind == PLAT_TRAP_SYSCALL) {
				calls++;
				count++;
				ok &= u->regs.orig_rax == nr && plat_copy_in(as, &v, EVENT + 4, 8) == 0 && v == count;
				u->regs.rax = 0;
				kicked = kicks_came();
			} else if (t.kind == PLAT_TRAP_KICK) {
				kicked = true;
				returns++;
			}
			offer(as, u, close);
			if (!ok) {
				printf("  kick %u: kind %u at %#lx, call %lu of %lu\n", i, t.kind,
				       (unsigned long)(u->regs.rip - GUEST_CODE), (unsigned long)count,
				       (unsigned long)u->regs.r14);
				failures++;
				_exit(1);
			}
		} while (!kicked);
	}
	kicks_end();
	printf("  %lu calls of %u, %lu of them trapped, %lu kicks answered\n", (unsigned long)count, nr,
	       (unsigned long)calls, (unsigned long)returns);
	CHECK(close ? count > calls + calls / 2 : count > 4 * calls);
	guest_ctx_free(u);
	plat_as_free(as);
}

/* What is taken stays within bounds whatever a sibling writes meanwhile. */
static void scribble(uint64_t offset, uint32_t value)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = post_ctx(guest_post);
	struct plat_trap t = { 0 };

	event_is(as, EPOLLIN, 0);
	number_is(as, value & 1 ? SYS_close : SYS_epoll_ctl);
	u->answers.valid = true;
	run(as, u);
	scribbler_begin(as, offset, value);
	for (unsigned i = 0; i < 20 && t.kind != PLAT_TRAP_DEAD; i++) {
		if (t.kind == PLAT_TRAP_SYSCALL)
			u->regs.rax = 0;
		plat_post_offer(as, u, 9, 9, i & 1);
		u->fds.closable = i & 2 ? 1ull << 9 : 0;
		user_run(as, u, plat_time_mono_ns() + 1000000, &t);
		CHECK(t.kind >= PLAT_TRAP_SYSCALL && t.kind <= PLAT_TRAP_DEAD && u->post_count <= PLAT_POSTS_MAX);
		if (t.kind == PLAT_TRAP_EXCEPTION)
			u->regs.rip = guest_at(guest_post);
	}
	scribbler_end();
	guest_ctx_free(u);
	plat_as_free(as);
}

void test_post_kicks(void)
{
	static const uint32_t values[] = { 0, 1, 14, 15, 16, 0x7fffffff, 0xffffffff };
	const uint64_t words[] = {
		offsetof(struct stub_box, post_count), BOX_POSTS, BOX_POSTS + 12, BOX_POSTS + 16,
		offsetof(struct stub_box, line.trap), offsetof(struct stub_box, fds.closable), BOX_POSTABLE + 9 * sizeof(uint32_t),
	};

	kicks(false, 0);
	kicks(false, 300);
	kicks(true, 0);
	kicks(true, 300);
	for (size_t w = 0; w < ARRAY_SIZE(words); w++)
		for (size_t v = 0; v < ARRAY_SIZE(values); v++)
			scribble(words[w], values[v]);
}
