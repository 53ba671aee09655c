/* SPDX-License-Identifier: Apache-2.0 */
/* stub_grants.c: reads that the gate answers (stub/grant.c): only what was granted, each once, whatever interrupts it and
 * whoever ends it meanwhile; and a mailbox that a sibling rewrites harms nobody. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/escape/stub_harness.h"

#define BUF (GUEST_STACK + 0x100)

static struct plat_uctx *read_ctx(const char *at)
{
	struct plat_uctx *u = guest_ctx(at);

	u->regs.r15 = plat_syscall_gate();
	u->regs.r10 = BUF;
	return u;
}

static bool grant(plat_as_t as, struct plat_uctx *u, int fd, const void *p, size_t n)
{
	uint8_t *to = plat_grant_place(as, u, n);

	if (!to)
		return false;
	memcpy(to, p, n);
	return plat_grant_add(u, fd, n);
}

/* One call; what it returned without a trap, or -1. */
static long call(plat_as_t as, struct plat_uctx *u, uint64_t nr, uint64_t fd, uint64_t buf, uint64_t n, uint64_t flags,
		 uint64_t addr)
{
	struct plat_trap t;

	u->regs.rip = guest_at(guest_gate_user);
	u->regs.rax = nr;
	u->regs.rdi = fd | 0xabcd00000000;      /* half registers count */
	u->regs.rsi = buf;
	u->regs.rdx = n;
	u->regs.r10 = flags;
	u->regs.r8 = addr;
	t = run(as, u);
	CHECK(t.kind == PLAT_TRAP_SYSCALL);
	if (u->regs.orig_rax == SYS_getpid)
		return (long)u->regs.rbx;
	CHECK(u->regs.orig_rax == nr && t.gate);
	u->regs.rax = (uint64_t)-11;
	CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL && u->regs.rbx == (uint64_t)-11);
	return -1;
}

static long read_call(plat_as_t as, struct plat_uctx *u, int fd, size_t n)
{
	return call(as, u, SYS_read, (uint64_t)fd, BUF, n, 0, 0);
}

static bool holds(plat_as_t as, const void *want, size_t n)
{
	char have[PLAT_GRANT_MAX];

	return plat_copy_in(as, have, BUF, n) == 0 && !memcmp(have, want, n);
}

/* A grant of 3 bytes for 9 that the call must leave alone. */
static bool left_alone(plat_as_t as, struct plat_uctx *u, uint64_t nr, int fd, uint64_t buf, uint64_t n, uint64_t flags,
		       uint64_t addr)
{
	bool ok = grant(as, u, 9, "abc", 3) && call(as, u, nr, (uint64_t)fd, buf, n, flags, addr) == -1 &&
		  plat_grant_end(u, 0) && !plat_grant_end(u, 0);

	plat_grants_over(u);
	return ok;
}

static void only_what_was_granted(plat_as_t as, struct plat_uctx *u)
{
	run(as, u);
	CHECK(read_call(as, u, 9, 64) == -1);
	CHECK(grant(as, u, 9, "abc", 3) && read_call(as, u, 9, 64) == 3 && holds(as, "abc", 3));
	CHECK(!plat_grant_end(u, 0) && read_call(as, u, 9, 64) == -1);
	plat_grants_over(u);
	CHECK(left_alone(as, u, SYS_read, 10, BUF, 64, 0, 0) && left_alone(as, u, SYS_read, -1, BUF, 64, 0, 0));
	CHECK(left_alone(as, u, SYS_read, 9 + (1 << 20), BUF, 64, 0, 0) && left_alone(as, u, SYS_read, 9, BUF, 2, 0, 0));
	CHECK(left_alone(as, u, SYS_read, 9, 0, 64, 0, 0) && left_alone(as, u, SYS_read, 9, BUF, 0, 0, 0));
	CHECK(left_alone(as, u, SYS_read, 9, GUEST_STACK + GUEST_STACK_SIZE - 1, 64, 0, 0));
	CHECK(left_alone(as, u, SYS_write, 9, BUF, 64, 0, 0) && left_alone(as, u, SYS_pread64, 9, BUF, 64, 0, 0));
	CHECK(left_alone(as, u, SYS_recvfrom, 9, BUF, 64, MSG_PEEK, 0));
	CHECK(left_alone(as, u, SYS_recvfrom, 9, BUF, 64, MSG_DONTWAIT | MSG_OOB, 0));
	CHECK(left_alone(as, u, SYS_recvfrom, 9, BUF, 64, MSG_TRUNC, 0) && left_alone(as, u, SYS_recvfrom, 9, BUF, 64, 0, BUF));
	CHECK(grant(as, u, 9, "de", 2) && call(as, u, SYS_recvfrom, 9, BUF, 2, MSG_DONTWAIT | MSG_NOSIGNAL, 0) == 2);
	CHECK(holds(as, "de", 2) && !plat_grant_end(u, 0));
	plat_grants_over(u);
	/* Ended before, and over. */
	CHECK(grant(as, u, 9, "abc", 3) && plat_grant_end(u, 0) && read_call(as, u, 9, 64) == -1 && !plat_grant_end(u, 0));
	plat_grants_over(u);
	CHECK(grant(as, u, 9, "abc", 3));
	plat_grants_over(u);
	CHECK(read_call(as, u, 9, 64) == -1);
}

static void many(plat_as_t as, struct plat_uctx *u)
{
	static uint8_t bytes[PLAT_GRANTS_MAX][PLAT_GRANT_MAX];
	static const size_t sizes[PLAT_GRANTS_MAX] = { 8, 9, 63, 64, 65, 128, 1, 1000, 300, 301, 2, PLAT_GRANT_MAX };

	for (unsigned i = 0; i < PLAT_GRANTS_MAX; i++) {
		memset(bytes[i], (int)(i + 1), sizeof bytes[i]);
		CHECK(grant(as, u, (int)(100 + i), bytes[i], sizes[i]));
	}
	CHECK(!plat_grant_place(as, u, 1));
	CHECK(plat_grant_end(u, 3) && read_call(as, u, 103, 2000) == -1);
	for (unsigned i = PLAT_GRANTS_MAX; i-- > 0;)
		if (i != 3)
			CHECK(read_call(as, u, (int)(100 + i), 2000) == (long)sizes[i] && holds(as, bytes[i], sizes[i]));
	for (unsigned i = 0; i < PLAT_GRANTS_MAX; i++)
		CHECK(!plat_grant_end(u, i));
	plat_grants_over(u);
	for (unsigned i = 0; i < 4; i++)
		CHECK(grant(as, u, 9, bytes[i], PLAT_GRANT_MAX));
	CHECK(!plat_grant_place(as, u, 1));
	plat_grants_over(u);
	CHECK(!plat_grant_place(as, u, PLAT_GRANT_MAX + 1));
	CHECK(plat_grant_place(as, u, 1) && !plat_grant_add(u, 1 << 20, 1) && !plat_grant_add(u, -1, 1));
	plat_grants_over(u);
}

/* Not another context's. */
static void whose(plat_as_t as, struct plat_uctx *u)
{
	struct plat_uctx *w = read_ctx(guest_gate_user);

	CHECK(!plat_grant_place(as, w, 1));
	plat_uctx_save(u);
	w->regs = u->regs;
	plat_uctx_xstate_changed(w);
	CHECK(read_call(as, w, 9, 64) == -1 && !plat_grant_place(as, u, 1));
	guest_ctx_free(w);
}

void test_grants(void)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = read_ctx(guest_gate_user);

	only_what_was_granted(as, u);
	many(as, u);
	whose(as, u);
	guest_ctx_free(u);
	plat_as_free(as);
}

/* ---- kicks, somebody who ends them, and siblings ------------------------------ */

#define KICKS 3000

static struct rival { struct plat_uctx *u; uint64_t now, busy, won; bool stop; } rival;

/* Ends the grant that there is now, sooner or later. */
static void *rival_run(void *arg)
{
	uint64_t x = 1, seq;

	while (!__atomic_load_n(&rival.stop, __ATOMIC_SEQ_CST)) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		for (uint64_t i = 0; i < x >> 54; i++)
			__builtin_ia32_pause();
		__atomic_store_n(&rival.busy, 1, __ATOMIC_SEQ_CST);
		seq = __atomic_load_n(&rival.now, __ATOMIC_SEQ_CST);
		if (seq && plat_grant_end(rival.u, 0))
			__atomic_store_n(&rival.won, seq, __ATOMIC_SEQ_CST);
		__atomic_store_n(&rival.busy, 0, __ATOMIC_SEQ_CST);
	}
	return arg;
}

static void rival_rests(void)
{
	__atomic_store_n(&rival.now, 0, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&rival.busy, __ATOMIC_SEQ_CST))
		sched_yield();
}

static void kicks(uint64_t pause, bool with_rival)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = read_ctx(guest_read);
	uint64_t seq = 0, sum = 0, used = 0, calls = 0, returns = 0, lost = 0, v = 0;
	pthread_t thread;

	u->regs.r13 = pause;
	rival = (struct rival){ .u = u };
	if (with_rival)
		pthread_create(&thread, NULL, rival_run, NULL);
	kicks_begin(KICKS, 12000);
	while (kicks_ask()) {
		struct plat_trap t;
		bool kicked = false, ok, mine, there;

		do {
			seq++;
			there = grant(as, u, 9, &seq, sizeof seq);
			if (there && with_rival)
				__atomic_store_n(&rival.now, seq, __ATOMIC_SEQ_CST);
			user_run(as, u, plat_time_mono_ns() + 2 * NSEC_PER_SEC, &t);
			rival_rests();
			mine = there && plat_grant_end(u, 0);
			plat_grants_over(u);
			ok = t.kind == PLAT_TRAP_SYSCALL || t.kind == PLAT_TRAP_KICK;
			if (there && rival.won == seq) {
				ok &= !mine;
				lost++;
			} else if (there && !mine) {
				sum += seq;
				used++;
			}
			if (t.kind == PLAT_TRAP_SYSCALL) {
				const uint64_t none = 0;

				calls++;
				ok &= u->regs.orig_rax == SYS_read && plat_copy_in(as, &v, BUF + 16, 8) == 0 && v == sum;
				ok &= plat_copy_out(as, BUF, &none, 8) == 0;
				u->regs.rax = 8;
				kicked = kicks_came();
			} else {
				kicked = true;
				returns++;
			}
			if (!ok) {
				printf("  kind %u at %#lx, sum %lu of %lu\n", t.kind, (unsigned long)(u->regs.rip - GUEST_CODE),
				       (unsigned long)v, (unsigned long)sum);
				failures++;
				_exit(1);
			}
		} while (!kicked);
	}
	kicks_end();
	__atomic_store_n(&rival.stop, true, __ATOMIC_SEQ_CST);
	if (with_rival)
		pthread_join(thread, NULL);
	printf("  %lu reads granted, %lu trapped, %lu ended by another thread, %lu kicks answered\n", (unsigned long)used,
	       (unsigned long)calls, (unsigned long)lost, (unsigned long)returns);
	CHECK(used > calls / 4);
	guest_ctx_free(u);
	plat_as_free(as);
}

static void scribble(uint64_t offset, uint32_t value)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = read_ctx(guest_read);
	struct plat_trap t = { 0 };
	uint64_t v = 5;

	run(as, u);
	scribbler_begin(as, offset, value);
	for (unsigned i = 0; i < 20 && t.kind != PLAT_TRAP_DEAD; i++) {
		if (t.kind == PLAT_TRAP_SYSCALL)
			u->regs.rax = 8;
		for (int k = 0; k < 3; k++)
			(void)grant(as, u, 9 + k, &v, sizeof v);
		user_run(as, u, plat_time_mono_ns() + 1000000, &t);
		for (unsigned k = 0; k < u->grant_count; k++)
			(void)plat_grant_end(u, k);
		plat_grants_over(u);
		CHECK(t.kind >= PLAT_TRAP_SYSCALL && t.kind <= PLAT_TRAP_DEAD);
		if (t.kind == PLAT_TRAP_EXCEPTION || t.kind == PLAT_TRAP_FAULT)
			u->regs.rip = guest_at(guest_read);
	}
	scribbler_end();
	guest_ctx_free(u);
	plat_as_free(as);
}

void test_grant_kicks(void)
{
	static const uint32_t values[] = { 0, 1, 15, 0x800009, 0xfff00009, 0x7fffffff, 0xffffffff };
	const uint64_t words[] = {
		BOX_GRANTS, BOX_GRANTS + 4, BOX_GRANTS + 8, BOX_GRANTS + 56, offsetof(struct stub_box, post_result),
		offsetof(struct stub_box, grant_nr), BOX_GRANT_DATA,
	};

	kicks(0, false);
	kicks(300, false);
	kicks(300, true);
	for (size_t w = 0; w < ARRAY_SIZE(words); w++)
		for (size_t v = 0; v < ARRAY_SIZE(values); v++)
			scribble(words[w], values[v]);
}
