/* SPDX-License-Identifier: Apache-2.0 */
/* Spinlocks, wait queues, mutexes.
 *
 * Virtual CPUs are host threads and may lose their core at any moment, so a
 * spinlock spins shortly and then sleeps on its word (0 free, 1 held, 2 held
 * and somebody sleeps). */
#include "kernel/sched/sched.h"
#include "kernel/task/task.h"

#define SPIN_TRIES 200

void spin_lock(struct spinlock *l)
{
	uint32_t v = 0;

	if (likely(__atomic_compare_exchange_n(&l->word, &v, 1, false,
					       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)))
		goto held;
	for (int i = 0; i < SPIN_TRIES; i++) {
		plat_relax();
		v = 0;
		if (__atomic_load_n(&l->word, __ATOMIC_RELAXED) == 0 &&
		    __atomic_compare_exchange_n(&l->word, &v, 1, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			goto held;
	}
	while (__atomic_exchange_n(&l->word, 2, __ATOMIC_ACQUIRE) != 0)
		plat_wait32(&l->word, 2);
held:
	cpu_self()->spin_depth++;
}

bool spin_trylock(struct spinlock *l)
{
	uint32_t v = 0;

	if (!__atomic_compare_exchange_n(&l->word, &v, 1, false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	cpu_self()->spin_depth++;
	return true;
}

void spin_unlock(struct spinlock *l)
{
	uint32_t was;

	cpu_self()->spin_depth--;
	was = __atomic_exchange_n(&l->word, 0, __ATOMIC_RELEASE);
	KASSERT(was != 0);
	if (unlikely(was == 2))
		plat_wake32(&l->word, 1);
}

void waitq_init(struct waitq *q)
{
	spin_init(&q->lock);
	q->count = 0;
	list_init(&q->waiters);
}

void waiter_init(struct waiter *w)
{
	*w = (struct waiter){ .task = current_task() };
	list_init(&w->link);
}

/* q->lock held; wakers look without it. */
static void count_waiters(struct waitq *q, int32_t change)
{
	uint32_t n = __atomic_load_n(&q->count, __ATOMIC_RELAXED);

	__atomic_store_n(&q->count, n + (uint32_t)change, __ATOMIC_RELAXED);
}

/* Exclusive waiters come last: a wake-up that ends with one has passed all others. */
void waitq_add(struct waitq *q, struct waiter *w)
{
	struct list *behind = &q->waiters;

	spin_lock(&q->lock);
	count_waiters(q, 1);
	w->q = q;
	while (!w->exclusive && behind->prev != &q->waiters && container_of(behind->prev, struct waiter, link)->exclusive)
		behind = behind->prev;
	list_push_back(behind, &w->link);
	spin_unlock(&q->lock);
}

void waitq_del(struct waiter *w)
{
	struct waitq *q = w->q;

	if (!q)
		return;
	spin_lock(&q->lock);
	count_waiters(q, -1);
	list_del(&w->link);
	w->q = NULL;
	spin_unlock(&q->lock);
}

unsigned waitq_wake(struct waitq *q, unsigned n, uint32_t key)
{
	struct waiter *w, *tmp;
	unsigned woken = 0, exclusive = 0;

	/* Looked at after the waker's change of the state, as a waiter looks at
	 * that after it has added itself: by locked instructions, both. */
	if (!__atomic_fetch_add(&q->count, 0, __ATOMIC_SEQ_CST))
		return 0;
	spin_lock(&q->lock);
	list_for_each_safe(w, tmp, &q->waiters, link) {
		bool did = w->fn ? w->fn(w, key) : sched_wake(w->task, WAKE_NORMAL);

		woken += did;
		if (did && w->exclusive && n && ++exclusive >= n)
			break;
	}
	spin_unlock(&q->lock);
	return woken;
}

/* 0 free, 1 held, 2 held and somebody may wait. */
void mutex_init(struct mutex *m)
{
	m->word = 0;
	m->owner = NULL;
	waitq_init(&m->q);
}

/* Written by the holder; read by others only to find their own mistake. */
static void set_owner(struct mutex *m, struct task *t)
{
	__atomic_store_n(&m->owner, t, __ATOMIC_RELAXED);
}

bool mutex_trylock(struct mutex *m)
{
	uint32_t v = 0;

	if (!__atomic_compare_exchange_n(&m->word, &v, 1, false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	set_owner(m, current_task());
	return true;
}

bool sched_may_sleep(void)
{
	const struct cpu *c = cpu_self();

	return !c->spin_depth && !c->timer_running;
}

void mutex_lock(struct mutex *m)
{
	struct waiter w;

	KASSERT(sched_may_sleep());
	if (likely(mutex_trylock(m)))
		return;
	/* Only set-up code runs without a task, and nobody competes with it. */
	KASSERT(current_task());
	KASSERT(__atomic_load_n(&m->owner, __ATOMIC_RELAXED) != current_task());
	waiter_init(&w);
	w.exclusive = true;
	waitq_add(&m->q, &w);
	for (;;) {
		sched_prepare(TASK_UNINTERRUPTIBLE);
		if (__atomic_exchange_n(&m->word, 2, __ATOMIC_SEQ_CST) == 0)
			break;
		/* No deadline and no signal ends this sleep: only a wake-up. */
		if (sched_block(NO_DEADLINE))
			kpanic("mutex sleep ended early");
	}
	sched_finish();
	waitq_del(&w);
	set_owner(m, current_task());
}

void mutex_unlock(struct mutex *m)
{
	set_owner(m, NULL);
	if (__atomic_exchange_n(&m->word, 0, __ATOMIC_SEQ_CST) == 2)
		waitq_wake(&m->q, 1, 0);
}
