/* SPDX-License-Identifier: Apache-2.0 */
/* futex_pi.c: futexes whose word holds the owner's thread id: FUTEX_LOCK_PI,
 * TRYLOCK_PI, UNLOCK_PI, and who waits for a condition and is moved from there to
 * such a word: WAIT_REQUEUE_PI, CMP_REQUEUE_PI.
 *
 * The protocol of the word is Linux's; waiters get the lock in order of
 * arrival and directly from the previous owner.  Priorities are not inherited
 * (the scheduler has no priority to lend).
 *
 * Locking: pi_lock[] (mutex, by key) makes "change the word, change the
 * queue" one step; user memory may be touched under it.  Inside it
 * bucket->lock as usual. */
#include "kernel/mm/futex.h"

#define PI_LOCKS 64u

static struct mutex pi_locks[PI_LOCKS];
static uint32_t pi_sleepers;            /* exit looks for orphans only when there are any */

void futex_pi_init(void)
{
	for (unsigned i = 0; i < PI_LOCKS; i++)
		mutex_init(&pi_locks[i]);
}

static struct mutex *pi_lock_of(const struct futex_key *k)
{
	return &pi_locks[hash_u64(k->owner + k->offset) % PI_LOCKS];
}

static bool tid_alive(int32_t tid)
{
	struct task *o = task_find_get(tid);
	bool alive = o && !__atomic_load_n(&o->exiting, __ATOMIC_SEQ_CST);

	if (o)
		task_put(o);
	return alive;
}

/* The first waiter on k; *ret_more: another one is behind it. */
static struct futex_q *first_waiter(struct futex_bucket *b, const struct futex_key *k, bool *ret_more)
{
	struct futex_q *q, *first = NULL;

	*ret_more = false;
	list_for_each(q, &b->waiters, link) {
		if (!q->pi || !futex_key_equal(&q->key, k))
			continue;
		if (first) {
			*ret_more = true;
			break;
		}
		first = q;
	}
	return first;
}

/* 1: got it; 0: must wait (WAITERS is set, *ret_owner); or an error.  An
 * owner known to be dead, `dead`, is succeeded with the mark for it. */
static int try_word(struct task *t, uint64_t addr, bool try_only, int32_t dead, int32_t *ret_owner)
{
	uint32_t tid = t->tid, val, prev, next;
	int err = futex_load(t->mm, addr, &val);

	while (!err) {
		uint32_t owner = val & FUTEX_TID_MASK;
		bool take = !owner || (dead && owner == (uint32_t)dead);

		if (owner == tid)
			return -EDEADLK;
		if (take) {
			next = (val & (FUTEX_OWNER_DIED | FUTEX_WAITERS)) | tid;
			if (owner)
				next |= FUTEX_OWNER_DIED;
		} else if (!tid_alive(owner)) {
			return -ESRCH;
		} else if (try_only) {
			return -EAGAIN;
		} else {
			*ret_owner = owner;
			next = val | FUTEX_WAITERS;
			if (next == val)
				return 0;
		}
		err = futex_cmpxchg(t->mm, addr, val, next, &prev);
		if (!err && prev == val)
			return take;
		val = prev;
		if (!err && signal_fatal_pending(t))
			err = -EINTR;
	}
	return err;
}

static int pi_sleep(struct futex_q *q, uint64_t deadline)
{
	int err = 0;

	for (;;) {
		sched_prepare(TASK_INTERRUPTIBLE);
		if (__atomic_load_n(&q->woken, __ATOMIC_ACQUIRE) ||
		    __atomic_load_n(&q->owner_died, __ATOMIC_ACQUIRE) || err)
			break;
		err = sched_block(deadline);
	}
	sched_finish();
	return err;
}

static long lock_pi_loop(struct task *t, uint64_t addr, const struct futex_key *k, uint64_t deadline,
			 bool try_only, int32_t dead)
{
	struct futex_q q = { .task = t, .bitset = FUTEX_BITSET_MATCH_ANY, .pi = true };
	struct mutex *m = pi_lock_of(k);
	bool woken;
	int err;

	for (;;) {
		mutex_lock(m);
		err = try_word(t, addr, try_only, dead, &q.owner_tid);
		if (!err) {
			q.owner_died = false;
			futex_enqueue(&q, k);
			/* Began to exit in between, and may not have seen us. */
			if (!tid_alive(q.owner_tid))
				q.owner_died = true;
		}
		mutex_unlock(m);
		if (err)
			return err < 0 ? err : 0;
		err = pi_sleep(&q, deadline);
		mutex_lock(m);
		woken = futex_dequeue(&q);
		mutex_unlock(m);
		if (woken)
			return 0;       /* the word is ours already */
		if (!q.owner_died)
			return err == -EINTR ? -ERESTARTNOINTR : err;
		dead = q.owner_tid;
	}
}

long futex_lock_pi(struct task *t, uint64_t addr, bool shared, uint64_t deadline, bool try_only)
{
	struct futex_key k;
	long ret;
	int err;

	err = futex_key_get(t->mm, addr, shared, &k);
	if (err)
		return err;
	__atomic_fetch_add(&pi_sleepers, 1, __ATOMIC_SEQ_CST);
	ret = lock_pi_loop(t, addr, &k, deadline, try_only, 0);
	__atomic_fetch_sub(&pi_sleepers, 1, __ATOMIC_SEQ_CST);
	return ret;
}

/* Give the word to the next waiter, or clear it.  The pi lock is held, so no
 * waiter comes or goes. */
static int hand_over(struct task *t, uint64_t addr, const struct futex_key *k)
{
	struct futex_bucket *b = futex_bucket_of(k);
	uint32_t val, prev, next = 0;
	struct futex_q *q, *o;
	bool more;
	int err;

	err = futex_load(t->mm, addr, &val);
	if (err)
		return err;
	if ((val & FUTEX_TID_MASK) != (uint32_t)t->tid)
		return -EPERM;
	spin_lock(&b->lock);
	q = first_waiter(b, k, &more);
	spin_unlock(&b->lock);
	if (q)
		next = (uint32_t)q->task->tid | (more ? FUTEX_WAITERS : 0);
	do {
		prev = val;
		err = futex_cmpxchg(t->mm, addr, prev, next, &val);
		if (!err && signal_fatal_pending(t))
			err = -EINTR;
		if (err)
			return err;
	} while (val != prev);
	if (!q)
		return 0;
	spin_lock(&b->lock);
	list_for_each(o, &b->waiters, link)
		if (o->pi && futex_key_equal(&o->key, k))
			o->owner_tid = q->task->tid;
	futex_wake_q(q);
	spin_unlock(&b->lock);
	return 0;
}

long futex_unlock_pi(struct task *t, uint64_t addr, bool shared)
{
	struct futex_key k;
	struct mutex *m;
	int err;

	err = futex_key_get(t->mm, addr, shared, &k);
	if (err)
		return err;
	m = pi_lock_of(&k);
	mutex_lock(m);
	err = hand_over(t, addr, &k);
	mutex_unlock(m);
	return err;
}

/* ---- waiting for a condition, then for the word ---- */

static long wait_to_be_moved(struct task *t, uint64_t addr, uint32_t val, uint64_t deadline, const struct futex_key *k,
			     uint64_t addr2, const struct futex_key *target)
{
	struct futex_q q = { .task = t, .bitset = FUTEX_BITSET_MATCH_ANY, .target = target };
	struct mutex *m = pi_lock_of(target);
	bool woken, moved;
	uint32_t cur;
	int err;

	futex_enqueue(&q, k);
	err = futex_load(t->mm, addr, &cur);
	if (!err && cur != val)
		err = -EAGAIN;
	if (!err)
		err = pi_sleep(&q, deadline);
	mutex_lock(m);
	woken = futex_dequeue(&q);
	moved = q.pi;
	mutex_unlock(m);
	if (woken)
		return 0;               /* the word is ours */
	if (moved && !err)              /* its owner died */
		return lock_pi_loop(t, addr2, target, deadline, false, q.owner_tid);
	/* Who was moved would find another value and get EAGAIN anyway. */
	return err == -EINTR ? moved ? -EAGAIN : -ERESTARTNOINTR : err;
}

long futex_wait_requeue_pi(struct task *t, uint64_t addr, uint32_t val, uint64_t deadline, uint64_t addr2, bool shared)
{
	struct futex_key k, target;
	long ret;
	int err;

	if (addr == addr2)
		return -EINVAL;
	err = futex_key_get(t->mm, addr2, shared, &target);
	if (!err)
		err = futex_key_get(t->mm, addr, shared, &k);
	if (err)
		return err;
	if (futex_key_equal(&k, &target))
		return -EINVAL;
	__atomic_fetch_add(&pi_sleepers, 1, __ATOMIC_SEQ_CST);
	ret = wait_to_be_moved(t, addr, val, deadline, &k, addr2, &target);
	__atomic_fetch_sub(&pi_sleepers, 1, __ATOMIC_SEQ_CST);
	return ret;
}

/* Up to n waiters go from one queue to the other.  How many, or -EINVAL: the
 * next one waits for something else.  pi lock held. */
static long move_waiters(const struct futex_key *from, const struct futex_key *to, uint64_t n)
{
	struct futex_bucket *b1 = futex_bucket_of(from), *b2 = futex_bucket_of(to);
	struct futex_q *q, *tmp;
	uint64_t moved = 0;
	bool wrong = false;

	futex_lock_two(b1, b2);
	list_for_each_safe(q, tmp, &b1->waiters, link) {
		if (moved == n)
			break;
		if (!futex_key_equal(&q->key, from))
			continue;
		wrong = q->pi || !q->target || !futex_key_equal(q->target, to);
		if (wrong)
			break;
		list_del(&q->link);
		q->key = *to;
		q->pi = true;
		__atomic_store_n(&q->bucket, b2, __ATOMIC_RELEASE);
		list_push_back(&b2->waiters, &q->link);
		moved++;
	}
	futex_unlock_two(b1, b2);
	return wrong && !moved ? -EINVAL : (long)moved;
}

/* Everybody in the queue of the word knows its owner; gone: it ended, and they look for
 * themselves. */
static void tell_owner(const struct futex_key *k, int32_t owner, bool gone)
{
	struct futex_bucket *b = futex_bucket_of(k);
	struct futex_q *q;

	spin_lock(&b->lock);
	list_for_each(q, &b->waiters, link) {
		if (!q->pi || !futex_key_equal(&q->key, k))
			continue;
		q->owner_tid = owner;
		if (gone) {
			__atomic_store_n(&q->owner_died, true, __ATOMIC_RELEASE);
			sched_wake(q->task, WAKE_NORMAL);
		}
	}
	spin_unlock(&b->lock);
}

/* Waiters have come to a word that may be free: the first gets it then.  pi lock
 * held, so that nobody leaves. */
static int settle(struct task *t, uint64_t addr, const struct futex_key *k)
{
	struct futex_bucket *b = futex_bucket_of(k);
	uint32_t val, prev, next, owner;
	struct futex_q *q;
	bool more;
	int err = futex_load(t->mm, addr, &val);

	do {
		if (!err && signal_fatal_pending(t))
			err = -EINTR;
		if (err)
			return err;
		owner = val & FUTEX_TID_MASK;
		spin_lock(&b->lock);
		q = first_waiter(b, k, &more);
		spin_unlock(&b->lock);
		if (!q)
			return 0;
		next = owner ? val | FUTEX_WAITERS :
		       (val & FUTEX_OWNER_DIED) | (uint32_t)q->task->tid | (more ? FUTEX_WAITERS : 0);
		prev = val;
		err = futex_cmpxchg(t->mm, addr, prev, next, &val);
	} while (err || val != prev);
	if (owner) {
		tell_owner(k, (int32_t)owner, false);
		if (!tid_alive((int32_t)owner))         /* and may not have seen them */
			tell_owner(k, (int32_t)owner, true);
		return 0;
	}
	tell_owner(k, q->task->tid, false);
	spin_lock(&b->lock);
	futex_wake_q(q);
	spin_unlock(&b->lock);
	return 0;
}

long futex_cmp_requeue_pi(struct task *t, uint64_t addr, uint64_t addr2, bool shared, unsigned nmove, uint32_t val)
{
	struct futex_key k, to;
	struct mutex *m;
	uint32_t cur;
	long n;
	int err;

	if ((int)nmove < 0 || addr == addr2)
		return -EINVAL;
	err = futex_key_get(t->mm, addr, shared, &k);
	if (!err)
		err = futex_key_get(t->mm, addr2, shared, &to);
	if (err)
		return err;
	if (futex_key_equal(&k, &to))
		return -EINVAL;
	m = pi_lock_of(&to);
	mutex_lock(m);
	err = futex_load(t->mm, addr, &cur);
	if (!err && cur != val)
		err = -EAGAIN;
	if (!err)       /* both words can be reached before anybody moves */
		err = futex_load(t->mm, addr2, &cur);
	n = err ? err : move_waiters(&k, &to, (uint64_t)nmove + 1);
	if (n > 0)
		err = settle(t, addr2, &to);
	if (n > 0 && err)       /* they look for themselves */
		tell_owner(&to, 0, true);
	mutex_unlock(m);
	return err && n > 0 ? err : n;
}

/* Called when t->exiting is set: waiters that come now see that themselves. */
void futex_pi_exit_bucket(struct futex_bucket *b, int32_t tid)
{
	struct futex_q *q;

	spin_lock(&b->lock);
	list_for_each(q, &b->waiters, link) {
		if (!q->pi || q->owner_tid != tid)
			continue;
		__atomic_store_n(&q->owner_died, true, __ATOMIC_RELEASE);
		sched_wake(q->task, WAKE_NORMAL);
	}
	spin_unlock(&b->lock);
}

bool futex_pi_any(void)
{
	return __atomic_load_n(&pi_sleepers, __ATOMIC_SEQ_CST);
}
