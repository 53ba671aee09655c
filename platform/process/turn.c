/* SPDX-License-Identifier: Apache-2.0 */
/* turn.c: handing the turn to an app thread and waiting for it.
 *
 * The turn word of a mailbox says who runs.  Waiting spins for a moment while
 * the partner is on another core and sleeps at once when it is not; place.c
 * says which core that is.  A sleeper publishes that before it looks at the
 * word for the last time; the other side writes the word before it looks for
 * sleepers.
 *
 * Trust: the program may write all these words too; that costs a sleep of the
 * caller's limit, or a wake-up that nobody needed. */
#include "platform/process/internal.h"

void turn_give(struct app_thread *th, struct stub_box *box, uint32_t turn)
{
	uint32_t core = host_cpu();

	/* A line that is only read stays where it is. */
	if (__atomic_load_n(&box->kern_cpu, __ATOMIC_RELAXED) != core)
		__atomic_store_n(&box->kern_cpu, core, __ATOMIC_RELAXED);
	__atomic_store_n(&box->line.turn, turn, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&box->app_sleeping, __ATOMIC_SEQ_CST))
		return;
	stats_count(STATS_STUB_WOKEN);
	place_bring(th, box);
	futex_wake(&box->line.turn, 1);
}

/* Returns whether the word has changed. */
static bool spin(struct stub_box *box, uint32_t given, uint32_t *ret_turn)
{
	uint64_t start = host_cycles(), last = start, now, limit = place_patience();

	do {
		__builtin_ia32_pause();
		*ret_turn = __atomic_load_n(&box->line.turn, __ATOMIC_ACQUIRE);
		if (*ret_turn != given)
			return true;
		now = host_cycles();
		if (now - last > process.spin_cycles) {
			place_disturbed();
			return false;
		}
		last = now;
	} while (now - start < limit);
	return false;
}

uint32_t turn_wait(struct stub_box *box, uint32_t given, uint64_t limit_ns)
{
	uint32_t turn = __atomic_load_n(&box->line.turn, __ATOMIC_ACQUIRE);
	uint32_t app_core = __atomic_load_n(&box->app_cpu, __ATOMIC_RELAXED);
	bool together = app_core == host_cpu();

	if (given == TURN_RUN)
		place_called();
	if (turn != given) {
		stats_count(STATS_WAIT_NONE);
		if (together && given == TURN_RUN)
			place_back(true);
		return turn;
	}
	if (together && given == TURN_RUN)
		together = !place_together(box);
	if (!together && spin(box, given, &turn)) {
		stats_count(STATS_WAIT_SPUN);
		place_spun();
		return turn;
	}
	if (!together && given == TURN_RUN)
		place_follow(box, app_core);
	if (limit_ns == 0)
		limit_ns = plat_time_mono_ns() + PATROL_NS;
	stats_count(STATS_WAIT_SLEPT);
	__atomic_store_n(&box->kern_sleeping, 1, __ATOMIC_SEQ_CST);
	while ((turn = __atomic_load_n(&box->line.turn, __ATOMIC_SEQ_CST)) == given)
		if (futex_wait(&box->line.turn, given, limit_ns) == -ETIMEDOUT)
			break;
	__atomic_store_n(&box->kern_sleeping, 0, __ATOMIC_RELAXED);
	if (given == TURN_RUN)
		place_back(false);
	return turn;
}
