/* SPDX-License-Identifier: Apache-2.0 */
/* stub_kicks.c: what CPU 1 does to the program of CPU 0: kicks at random moments, writes into its mailbox. */
#include <stdio.h>

#include "tests/escape/stub_harness.h"

#define ENOUGH_NS (8 * NSEC_PER_SEC)    /* of a busy machine, where each kick may cost time slices */

static uint32_t asked, done, over;      /* atomic */
static unsigned kicks_max;
static uint64_t delay, delay_max, end_ns;
static uint32_t state;

/* CPU 1: for each number that appears, a kick after the asked time. */
static void kicker(void)
{
	for (uint32_t seen = 0;; seen++) {
		uint64_t start;

		while (__atomic_load_n(&asked, __ATOMIC_ACQUIRE) == seen) {
			if (__atomic_load_n(&over, __ATOMIC_ACQUIRE))
				return;
			plat_relax();
		}
		start = host_cycles();
		while (host_cycles() - start < __atomic_load_n(&delay, __ATOMIC_RELAXED))
			plat_relax();
		/* First said, then done: who has seen it may meet it later. */
		__atomic_store_n(&done, seen + 1, __ATOMIC_RELEASE);
		plat_cpu_kick(0);
	}
}

void kicks_begin(unsigned count, uint64_t cycles)
{
	asked = done = over = 0;
	kicks_max = count;
	delay_max = cycles;
	state = 12345;
	end_ns = plat_time_mono_ns() + ENOUGH_NS;
	other_call(kicker);
}

bool kicks_ask(void)
{
	if (asked == kicks_max || plat_time_mono_ns() > end_ns)
		return false;
	state = state * 1103515245 + 12345;
	__atomic_store_n(&delay, (state >> 16) % delay_max, __ATOMIC_RELAXED);
	__atomic_store_n(&asked, asked + 1, __ATOMIC_RELEASE);
	return true;
}

bool kicks_came(void) { return __atomic_load_n(&done, __ATOMIC_ACQUIRE) == asked; }

void kicks_end(void)
{
	__atomic_store_n(&over, 1, __ATOMIC_RELEASE);
	other_call_end();
}

#define POSTING_KICKS 4000

void kicks_while_posting(plat_as_t as, struct plat_uctx *u, void (*before)(struct plat_uctx *u),
			 bool (*after)(plat_as_t as, struct plat_uctx *u, const struct plat_trap *t))
{
	uint64_t calls = 0, count = 0;
	bool ok = true;

	kicks_begin(POSTING_KICKS, 12000);
	while (ok && kicks_ask()) {
		struct plat_trap t;
		bool kicked;

		do {
			before(u);
			user_run(as, u, plat_time_mono_ns() + 2 * NSEC_PER_SEC, &t);
			kicked = t.kind == PLAT_TRAP_KICK || kicks_came();
			count += u->post_count;
			calls += t.kind == PLAT_TRAP_SYSCALL;
			ok = (t.kind == PLAT_TRAP_SYSCALL || t.kind == PLAT_TRAP_KICK) && after(as, u, &t);
		} while (ok && !kicked);
		if (!ok)
			printf("  kind %u at %#lx, call %lu\n", t.kind, (unsigned long)(u->regs.rip - GUEST_CODE),
			       (unsigned long)u->regs.orig_rax);
	}
	kicks_end();
	CHECK(ok);
	printf("  %lu posted, %lu trapped\n", (unsigned long)count, (unsigned long)calls);
	CHECK(count > 4 * calls);
}

static struct plat_uctx *scribbler;

void scribbler_begin(plat_as_t as, uint64_t offset, uint32_t value)
{
	scribbler = guest_ctx(guest_store_loop);
	scribbler->regs.rdi = STUB_CTL + ((uint64_t)box_of(as) - (uint64_t)stub_find(as.id)->ctl->base) + offset;
	scribbler->regs.rsi = value;
	other_run(as, scribbler);
}

void scribbler_end(void)
{
	other_stop();
	guest_ctx_free(scribbler);
}
