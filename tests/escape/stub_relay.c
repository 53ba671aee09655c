/* SPDX-License-Identifier: Apache-2.0 */
/* stub_relay.c: the thread that makes room on a core wakes the next one there,
 * or yields to it; one that does not, whatever its mailbox says, holds nobody up for long. */
#include <sched.h>
#include <stdio.h>

#include "tests/escape/stub_harness.h"

#define TURN 6                          /* calls before the other program's turn */
#define HONEST_ROUNDS 200
#define LIAR_ROUNDS 50
#define LIMIT_NS (30 * NSEC_PER_SEC)
#define LAST_LOOK_NS (5 * 1000 * 1000ull)
#define ROUND_NS (PATROL_NS * 2 / 3)    /* without patience: until the patrol; a loaded machine takes a part of that */

static uint64_t relayed(void) { return stats_mine->n[STATS_STUB_RELAYED]; }
static uint64_t woken(void) { return stats_mine->n[STATS_STUB_WOKEN]; }
static uint64_t stayed(void) { return stats_mine->n[STATS_STUB_AWAKE]; }

/* Its thread makes room by sleeping, from its next order on. */
static void sleeps(plat_as_t as)
{
	stub_box_of(stub_find(as.id), 0)->room.retry = UINT64_MAX;
}

static void call_of(plat_as_t as, struct plat_uctx *u)
{
	struct plat_trap t;

	u->regs.rax = 1000 + u->regs.r14;
	do {
		t = run(as, u);
	} while (t.kind == PLAT_TRAP_KICK);     /* a late one of somebody else's */
	CHECK(t.kind == PLAT_TRAP_SYSCALL);
}

static void turn_of(plat_as_t as, struct plat_uctx *u)
{
	for (unsigned i = 0; i < TURN; i++)
		call_of(as, u);
}

/* Until n turns were relayed to a sleeper: not on a core that others want as well. */
static void until_relayed(plat_as_t a, struct plat_uctx *u, plat_as_t b, struct plat_uctx *w, uint64_t n)
{
	uint64_t from = relayed(), end_ns = plat_time_mono_ns() + LIMIT_NS;

	while (relayed() - from < n && plat_time_mono_ns() < end_ns) {
		turn_of(a, u);
		turn_of(b, w);
		sleeps(a);
		sleeps(b);
	}
	CHECK(relayed() - from >= n);
}

/* Where each call is followed by the other program's turn, room is made before it is asked for. */
static void until_early(plat_as_t a, struct plat_uctx *u, plat_as_t b, struct plat_uctx *w, unsigned n)
{
	const struct stub_box *box = stub_box_of(stub_find(a.id), 0);
	uint64_t end_ns = plat_time_mono_ns() + LIMIT_NS;
	unsigned early = 0;

	while (early < n && plat_time_mono_ns() < end_ns) {
		call_of(a, u);
		call_of(b, w);
		early += __atomic_load_n(&box->room.early, __ATOMIC_RELAXED);
	}
	CHECK(early >= n);
}

/* Those that yield need not be woken, whatever they say of how that went. */
static void until_stayed(plat_as_t a, struct plat_uctx *u, plat_as_t b, struct plat_uctx *w, uint64_t n)
{
	struct stub_box *box = stub_box_of(stub_find(a.id), 0);
	uint64_t from = stayed(), end_ns = plat_time_mono_ns() + LIMIT_NS;

	for (uint64_t i = 0; stayed() - from < n && plat_time_mono_ns() < end_ns; i++) {
		turn_of(a, u);
		turn_of(b, w);
		box->room.retry = i % 16 ? 0 : UINT64_MAX;
		box->room.after = i % 16 ? UINT64_MAX - i : 0;
		box->room.soon = (uint8_t)-i;
		/* Every other call makes room before anybody asks for it. */
		box->room.call = (uint32_t)box->saved.rax | (uint32_t)box->saved.rdi << 16;
		box->room.sure = i % 2 ? UINT16_MAX : 0;
		box->room.need = (uint16_t)(i % 3);
	}
	CHECK(stayed() - from >= n);
}

/* It says so, looks a last time whether it was asked for something, and sleeps. */
static void sleeping_await(const struct stub_box *box)
{
	uint64_t end_ns = plat_time_mono_ns() + NSEC_PER_SEC;
	uint32_t never = 0;

	while (!__atomic_load_n(&box->app_sleeping, __ATOMIC_ACQUIRE) && plat_time_mono_ns() < end_ns)
		sched_yield();
	futex_wait(&never, 0, plat_time_mono_ns() + LAST_LOOK_NS);
}

/* It sleeps and says that it does not: it will not see what it is asked. */
static void lie(plat_as_t a, struct plat_uctx *u)
{
	struct stub_box *box = stub_box_of(stub_find(a.id), 0);

	turn_of(a, u);
	sleeping_await(box);
	__atomic_store_n(&box->app_sleeping, 0, __ATOMIC_SEQ_CST);
}

static void lies(plat_as_t a, struct plat_uctx *u, plat_as_t b, struct plat_uctx *w)
{
	struct stub_box *box = stub_box_of(stub_find(a.id), 0);
	uint64_t from = relayed(), was_woken = woken(), longest = 0, end_ns = plat_time_mono_ns() + LIMIT_NS;

	while (relayed() - from < LIAR_ROUNDS && plat_time_mono_ns() < end_ns) {
		uint64_t t0;

		until_relayed(a, u, b, w, 1);
		lie(a, u);
		t0 = plat_time_mono_ns();
		turn_of(b, w);
		longest = MAX(longest, plat_time_mono_ns() - t0);
		__atomic_store_n(&box->app_sleeping, 1, __ATOMIC_SEQ_CST);
	}
	CHECK(relayed() - from >= LIAR_ROUNDS && woken() > was_woken);
	if (longest > ROUND_NS) {
		printf("  the other program waited %.1f ms\n", longest / 1e6);
		failures++;
	}
}

bool relay_refused(void)
{
	plat_as_t a = guest_as(), b = guest_as();
	struct plat_uctx *u = guest_ctx(guest_gate), *w = guest_ctx(guest_gate);
	uint64_t from, end_ns = plat_time_mono_ns() + LIMIT_NS / 3;
	struct plat_trap t = { .kind = PLAT_TRAP_SYSCALL };

	u->regs.r15 = w->regs.r15 = plat_syscall_gate();
	do {
		until_relayed(a, u, b, w, 1);
		lie(a, u);
		from = relayed();
		w->regs.rax = 1000 + w->regs.r14;
		user_run(b, w, plat_time_mono_ns() + NSEC_PER_SEC, &t);
	} while (relayed() == from && t.kind == PLAT_TRAP_SYSCALL && plat_time_mono_ns() < end_ns);
	CHECK(relayed() > from);
	return t.kind != PLAT_TRAP_SYSCALL;
}

/* Asked to wake nobody, or a thread that does not want to be woken. */
static void forged(plat_as_t a, struct plat_uctx *u, plat_as_t b, struct plat_uctx *w)
{
	static const uint32_t words[] = { 1, WAKE_WORDS, WAKE_WORDS + 1, 0x7fffffff, 0xffffffff };
	struct stub_box *box = stub_box_of(stub_find(a.id), 0);

	for (unsigned i = 0; i < 5 * ARRAY_SIZE(words); i++) {
		turn_of(a, u);
		__atomic_store_n(&box->relay, words[i % ARRAY_SIZE(words)], __ATOMIC_SEQ_CST);
		turn_of(b, w);
	}
}

void test_relay(void)
{
	plat_as_t a = guest_as(), b = guest_as();
	struct plat_uctx *u = guest_ctx(guest_gate), *w = guest_ctx(guest_gate);

	u->regs.r15 = w->regs.r15 = plat_syscall_gate();
	if (place_chooses()) {
		until_early(a, u, b, w, HONEST_ROUNDS);
		until_stayed(a, u, b, w, HONEST_ROUNDS);
		until_relayed(a, u, b, w, HONEST_ROUNDS);
		lies(a, u, b, w);
	}
	forged(a, u, b, w);
	guest_ctx_free(u);
	guest_ctx_free(w);
	plat_as_free(a);
	plat_as_free(b);
}
