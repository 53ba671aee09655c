/* SPDX-License-Identifier: Apache-2.0 */
/* Reading without locks: when may the memory of a removed object be reused?
 *
 * `epoch` only grows.  A reader publishes the epoch in which it began; 0 means
 * that it is not reading.  Objects wait in a list per CPU: `fresh` ones without
 * a stamp; when enough have come they become `old`, with the epoch of that
 * moment as their stamp, and the epoch moves on.  They go when every CPU
 * either does not read or began after the stamp.
 *
 * Why that is enough: the object was unlinked before the epoch moved.  A CPU
 * seen with a later epoch loaded that epoch, hence sees the unlinking.  A CPU
 * seen as not reading has either ended, and its reads are done, or has not
 * published yet: publishing is a full barrier (an exchange: a locked
 * instruction on x86), so its reads come after our look, which comes after the
 * unlinking.
 *
 * The lists belong to their CPU and the kernel is not preemptible: no lock. */
#include "kernel/sched/lockless.h"

/* Sections take microseconds; one that a CPU is stuck in was interrupted by the host. */
#define LOOK_AGAIN_NS (10 * NSEC_PER_MSEC)

struct waiting { struct lockless *first, **end; };

static struct reader {
	uint64_t since;                 /* atomic */
	struct waiting fresh, old;
	uint64_t stamp;                 /* of old */
	unsigned count;                 /* of fresh */
} __aligned(64) readers[PLAT_MAX_CPUS];
static uint64_t epoch __aligned(64) = 1;

void lockless_begin(void)
{
	struct cpu *c = cpu_self();

	KASSERT(!c->spin_depth);
	c->spin_depth = 1;
	__atomic_exchange_n(&readers[c->id].since, __atomic_load_n(&epoch, __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST);
}

void lockless_end(void)
{
	struct cpu *c = cpu_self();

	__atomic_store_n(&readers[c->id].since, 0, __ATOMIC_RELEASE);
	c->spin_depth--;
}

static bool anyone_since(uint64_t stamp)
{
	for (unsigned i = 0; i < cpu_count(); i++) {
		uint64_t since = __atomic_load_n(&readers[i].since, __ATOMIC_SEQ_CST);

		if (since && since <= stamp)
			return true;
	}
	return false;
}

/* Frees what is old, if that is possible. */
static bool try_old(struct reader *r)
{
	struct lockless *l = r->old.first;

	if (l && anyone_since(r->stamp))
		return false;
	r->old.first = NULL;
	while (l) {
		struct lockless *next = l->next;

		l->free(l);
		l = next;
	}
	return true;
}

/* Looking at every CPU is worth it when as many objects wait. */
static void try(struct reader *r, unsigned enough)
{
	if (!try_old(r) || r->count < enough)
		return;
	r->old = r->fresh;
	r->fresh.first = NULL;
	r->count = 0;
	r->stamp = __atomic_fetch_add(&epoch, 1, __ATOMIC_SEQ_CST);
	try_old(r);
}

void lockless_free(struct lockless *l, void (*free)(struct lockless *l))
{
	struct reader *r = &readers[plat_cpu_self()];

	l->next = NULL;
	l->free = free;
	if (!r->fresh.first)
		r->fresh.end = &r->fresh.first;
	*r->fresh.end = l;
	r->fresh.end = &l->next;
	r->count++;
	if (r->count >= cpu_count() / 2)
		try(r, cpu_count() / 2);
}

uint64_t lockless_idle(void)
{
	struct reader *r = &readers[plat_cpu_self()];

	if (likely(!r->count && !r->old.first))
		return NO_DEADLINE;
	try(r, 1);
	return r->count || r->old.first ? plat_time_mono_ns() + LOOK_AGAIN_NS : NO_DEADLINE;
}
