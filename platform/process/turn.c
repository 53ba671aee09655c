/* SPDX-License-Identifier: Apache-2.0 */
/* turn.c: handing the turn to an app thread and waiting for it.
 *
 * The turn word of a mailbox says who runs.  Waiting spins for a moment while
 * the partner is on another core.  On the same core it yields, which costs a
 * third less than to sleep and be woken; but only while nobody else wants that
 * core, who would get it for a whole slice each time.  place.c says which.
 *
 * A sleeper publishes that before it looks at the word for the last time; the
 * other side writes the word before it looks for sleepers.
 *
 * Trust: the program may write all these words too; that costs a sleep of the
 * caller's limit, or a wake-up that nobody needed. */
#include "platform/process/internal.h"

#define RELAY_PATIENCE(spin) ((spin) / 4)

/* What the thread sleeps on that has the turn, if somebody else was asked to wake
 * it and it has not been looked after since. */
static __thread uint32_t *relayed;

static void wake(uint32_t *word)
{
	stats_count(STATS_STUB_WOKEN);
	futex_wake(word, INT32_MAX);
}

static void yields_store(struct stub_box *box, uint32_t yields)
{
	if (__atomic_load_n(&box->yields, __ATOMIC_RELAXED) != yields)
		__atomic_store_n(&box->yields, yields, __ATOMIC_RELAXED);
}

/* Another program's thread goes on instead of this one, which may spin or yield. */
void turn_over(struct app_thread *th, struct stub_box *box)
{
	if (th->told)
		return;
	th->told = true;
	yields_store(box, 0);
	__atomic_store_n(&box->line.turn, TURN_ROOM, __ATOMIC_RELEASE);
	line_push(&box->line);
}

/* Whether the thread of `last`, on the core where the next one will run, wakes that one and
 * goes to sleep.  False: it sleeps already.  It says so before it looks. */
static bool relay_taken(struct stub_box *last)
{
	return !__atomic_load_n(&last->app_sleeping, __ATOMIC_SEQ_CST) ||
	       !__atomic_exchange_n(&last->relay, 0, __ATOMIC_SEQ_CST);
}

/* It may have been in no state to, or not have wanted to. */
static void relay_ensure(const struct stub_box *box)
{
	if (DEFENCE(RELAY) && relayed && __atomic_load_n(&box->app_sleeping, __ATOMIC_RELAXED))
		wake(relayed);
	relayed = NULL;
}

void turn_give(struct app_thread *th, struct stub_box *box, uint32_t turn, struct stub *last)
{
	uint32_t core = host_cpu(), *word = &process.wake[th->wake_word];
	struct app_thread *before = last ? &last->thread[plat_cpu_self()] : NULL;
	struct stub_box *before_box = last ? stub_box_of(last, plat_cpu_self()) : NULL;
	/* One that seems to be awake waits for room, which the other makes while the turn is given. */
	bool awake = last && !__atomic_load_n(&box->app_sleeping, __ATOMIC_RELAXED), asleep, apart;

	relayed = NULL;
	if (awake)
		turn_over(before, before_box);
	/* A line that is only read stays where it is. */
	if (__atomic_load_n(&box->kern_cpu, __ATOMIC_RELAXED) != core)
		__atomic_store_n(&box->kern_cpu, core, __ATOMIC_RELAXED);
	if (th->told && turn == TURN_RUN)
		box->line.slot |= SLOT_PASSED;
	th->told = false;
	__atomic_store_n(&box->line.turn, turn, __ATOMIC_SEQ_CST);
	line_push(&box->line);
	asleep = __atomic_load_n(&box->app_sleeping, __ATOMIC_SEQ_CST);
	apart = asleep && place_bring(th, box);
	if (asleep)
		__atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
	/* It looks when it makes room. */
	if (apart && last)
		__atomic_store_n(&before_box->relay, th->wake_word + 1, __ATOMIC_SEQ_CST);
	if (last)
		turn_over(before, before_box);
	if (!asleep && last) {
		stats_count(STATS_STUB_AWAKE);
		place_stays(th);
	}
	if (!asleep)
		return;
	if (!apart || !last || !relay_taken(before_box)) {
		wake(word);
		return;
	}
	stats_count(STATS_STUB_RELAYED);
	relayed = word;
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
		if (relayed && now - start > RELAY_PATIENCE(process.spin_cycles))
			relay_ensure(box);
		last = now;
	} while (now - start < limit);
	return false;
}

/* As spin(), for one on this core. */
static bool yield(struct app_thread *th, struct stub_box *box, uint32_t given, uint32_t *ret_turn)
{
	bool may = place_may_yield(th);

	yields_store(box, may);
	for (unsigned i = 0; may && i < YIELDS_MAX; i++) {
		uint64_t start = host_cycles();

		sched_yield();
		may = place_yielded(host_cycles() - start);
		*ret_turn = __atomic_load_n(&box->line.turn, __ATOMIC_ACQUIRE);
		if (*ret_turn != given)
			return true;
	}
	return false;
}

uint32_t turn_wait(struct app_thread *th, struct stub_box *box, uint32_t given, uint64_t limit_ns)
{
	uint32_t turn = __atomic_load_n(&box->line.turn, __ATOMIC_ACQUIRE);
	uint32_t app_core = __atomic_load_n(&box->app_cpu, __ATOMIC_RELAXED);
	bool together = app_core == host_cpu();

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
	relay_ensure(box);
	if (together && given == TURN_RUN && yield(th, box, given, &turn)) {
		stats_count(STATS_WAIT_YIELDED);
		place_back(false);
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
