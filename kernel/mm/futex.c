/* SPDX-License-Identifier: Apache-2.0 */
/* futex.c: futex(2): wait queues keyed by a word of user memory.
 *
 * No wake-up is lost because a waiter enters the queue before it reads the
 * word: a waker that changes the word after that read finds it queued, one
 * that changed it earlier made the read differ.  Reading user memory may sleep
 * the CPU, so it happens outside the bucket's lock; a waiter that was woken
 * between entering and reading returns as woken, because its waker has counted
 * it.  A platform may have looked at the word before the trap: that look counts when
 * nobody was to be woken in between, at any word that this may be.
 *
 * Locking: bucket->lock (object spinlock); two buckets in address order. */
#include "kernel/mm/futex.h"
#include "kernel/syscall/syscall.h"

#define BUCKETS 1024u
#define KEY_OF_OBJECT 1u                 /* in futex_key.owner */

static struct futex_bucket buckets[BUCKETS];

/* How often somebody was to be woken: at words of objects; mm->futex_wakes: at the others.
 * Changed under the lock of the word's bucket, before its waiters are looked at. */
static uint64_t shared_wakes __aligned(64);

void futex_init(void)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		spin_init(&buckets[i].lock);
		list_init(&buckets[i].waiters);
	}
	futex_pi_init();
}

void futex_pi_exit(struct task *t)
{
	if (!futex_pi_any())
		return;
	for (unsigned i = 0; i < BUCKETS; i++)
		futex_pi_exit_bucket(&buckets[i], t->tid);
}

/* ---- keys and words ---- */

int futex_key_get(struct mm *mm, uint64_t addr, bool shared, struct futex_key *ret)
{
	struct vma *v;
	int err = 0;

	if (addr & 3)
		return -EINVAL;
	if (addr >= mm_addr_hi)
		return -EFAULT;
	ret->owner = (uint64_t)(uintptr_t)mm;
	ret->offset = addr;
	if (!shared)
		return 0;
	mutex_lock(&mm->lock);
	v = mm_find_locked(mm, addr);
	if (!v || v->start > addr) {
		err = -EFAULT;
	} else if ((v->flags & VM_SHARED) && (v->file || v->objref)) {
		ret->owner = v->file && v->file->inode ? (uint64_t)(uintptr_t)v->file->inode :
			v->file ? (uint64_t)(uintptr_t)v->file : (uint64_t)(uintptr_t)v->objref;
		ret->owner |= KEY_OF_OBJECT;
		ret->offset = v->off + (addr - v->start);
	}
	mutex_unlock(&mm->lock);
	return err;
}

struct futex_bucket *futex_bucket_of(const struct futex_key *k)
{
	return &buckets[hash_u64(k->owner ^ (k->offset * 0x9e3779b97f4a7c15ull)) % BUCKETS];
}

int futex_load(struct mm *mm, uint64_t addr, uint32_t *ret)
{
	int err = plat_user_load32(mm->as, addr, ret);

	if (err && mm_grow_for_copy(mm, addr))
		err = plat_user_load32(mm->as, addr, ret);
	return err;
}

int futex_cmpxchg(struct mm *mm, uint64_t addr, uint32_t old, uint32_t val, uint32_t *ret_prev)
{
	int err = plat_user_cmpxchg32(mm->as, addr, old, val, ret_prev);

	if (err && mm_grow_for_copy(mm, addr))
		err = plat_user_cmpxchg32(mm->as, addr, old, val, ret_prev);
	return err;
}

/* ---- queues ---- */

void futex_enqueue(struct futex_q *q, const struct futex_key *k)
{
	struct futex_bucket *b = futex_bucket_of(k);

	q->key = *k;
	q->bucket = b;
	q->woken = false;
	spin_lock(&b->lock);
	list_push_back(&b->waiters, &q->link);
	spin_unlock(&b->lock);
}

bool futex_dequeue(struct futex_q *q)
{
	for (;;) {
		struct futex_bucket *b = __atomic_load_n(&q->bucket, __ATOMIC_ACQUIRE);
		bool woken;

		spin_lock(&b->lock);
		if (b != q->bucket) {           /* requeued meanwhile */
			spin_unlock(&b->lock);
			continue;
		}
		woken = q->woken;
		if (!woken)
			list_del(&q->link);
		spin_unlock(&b->lock);
		return woken;
	}
}

void futex_wake_q(struct futex_q *q)
{
	list_del(&q->link);
	__atomic_store_n(&q->woken, true, __ATOMIC_RELEASE);
	sched_wake(q->task, WAKE_NORMAL);
}

static unsigned wake_in(struct futex_bucket *b, const struct futex_key *k, unsigned n, uint32_t bitset)
{
	struct futex_q *q, *tmp;
	unsigned woken = 0;

	__atomic_fetch_add(k->owner & KEY_OF_OBJECT ? &shared_wakes : &((struct mm *)(uintptr_t)k->owner)->futex_wakes, 1,
			   __ATOMIC_RELEASE);
	list_for_each_safe(q, tmp, &b->waiters, link) {
		if (woken >= n)
			break;
		if (q->pi || q->target || !futex_key_equal(&q->key, k) || !(q->bitset & bitset))
			continue;
		futex_wake_q(q);
		woken++;
	}
	return woken;
}

unsigned futex_wake_key(const struct futex_key *k, unsigned n, uint32_t bitset)
{
	struct futex_bucket *b = futex_bucket_of(k);
	unsigned woken;

	spin_lock(&b->lock);
	woken = wake_in(b, k, n, bitset);
	spin_unlock(&b->lock);
	return woken;
}

int futex_wake_addr(struct mm *mm, uint64_t addr, unsigned n)
{
	struct futex_key k;
	int err = futex_key_get(mm, addr, false, &k);

	return err ? err : (int)futex_wake_key(&k, n, FUTEX_BITSET_MATCH_ANY);
}

int futex_sleep(struct futex_q *q, uint64_t deadline_ns)
{
	int err = 0;

	for (;;) {
		sched_prepare(TASK_INTERRUPTIBLE);
		if (__atomic_load_n(&q->woken, __ATOMIC_ACQUIRE) || err)
			break;
		err = sched_block(deadline_ns);
	}
	sched_finish();
	return futex_dequeue(q) ? 0 : err;
}

/* ---- operations ---- */

int futex_deadline(uaddr p, bool absolute, bool realtime, uint64_t *ret)
{
	struct linux_timespec ts;
	uint64_t now, ns;
	int64_t v;
	int err;

	*ret = NO_DEADLINE;
	if (!p.va)
		return 0;
	err = copy_in(&ts, p, sizeof(ts));
	if (err)
		return err;
	v = timespec_ns(&ts);
	if (v < 0)
		return -EINVAL;
	ns = v;
	now = plat_time_mono_ns();
	if (absolute && realtime) {
		uint64_t real = plat_time_real_ns();

		ns = ns > real ? ns - real : 0;
		absolute = false;
	}
	if (!absolute && add_overflows(ns, now, &ns))
		ns = NO_DEADLINE;
	*ret = MIN(ns, NO_DEADLINE - 1);
	return 0;
}

/* t is about to run. */
void futex_look_before(struct task *t)
{
	t->futex_look.wakes = __atomic_load_n(&t->mm->futex_wakes, __ATOMIC_ACQUIRE);
	t->futex_look.shared_wakes = __atomic_load_n(&shared_wakes, __ATOMIC_ACQUIRE);
}

/* t, which is queued, has looked at the word itself before the trap.  Had it been queued
 * then: would anybody have woken it until now?  If not, it is as if it had been. */
static bool looked(struct task *t, const struct futex_key *k)
{
	bool same = t->futex_look.same;

	t->futex_look.same = false;
	if (k->owner & KEY_OF_OBJECT)
		return same && __atomic_load_n(&shared_wakes, __ATOMIC_ACQUIRE) == t->futex_look.shared_wakes;
	return same && __atomic_load_n(&t->mm->futex_wakes, __ATOMIC_ACQUIRE) == t->futex_look.wakes;
}

static int wait_once(struct task *t, uint64_t addr, bool shared, uint32_t val, uint32_t bitset,
		     uint64_t deadline)
{
	struct futex_q q = { .task = t, .bitset = bitset };
	struct futex_key k;
	uint32_t cur = val;
	int err;

	if (!bitset)
		return -EINVAL;
	err = futex_key_get(t->mm, addr, shared, &k);
	if (err)
		return err;
	futex_enqueue(&q, &k);
	err = looked(t, &k) ? 0 : futex_load(t->mm, addr, &cur);
	if (!err && cur != val)
		err = -EAGAIN;
	if (err)
		return futex_dequeue(&q) ? 0 : err;
	return futex_sleep(&q, deadline);
}

static long wait_restart(struct task *t);

static long futex_wait(struct task *t, uint64_t addr, bool shared, uint32_t val, uint32_t bitset,
		       uint64_t deadline)
{
	int err = wait_once(t, addr, shared, val, bitset, deadline);

	if (err != -EINTR)
		return err;
	if (deadline == NO_DEADLINE)
		return -ERESTARTSYS;
	t->restart.fn = wait_restart;
	t->restart.a[0] = addr;
	t->restart.a[1] = shared;
	t->restart.a[2] = val;
	t->restart.a[3] = bitset;
	t->restart.a[4] = deadline;
	return -ERESTART_RESTARTBLOCK;
}

static long wait_restart(struct task *t)
{
	const uint64_t *a = t->restart.a;

	return futex_wait(t, a[0], a[1], a[2], a[3], a[4]);
}

/* As Linux, which counts after it has woken: 0 and less are 1. */
static unsigned at_least_one(unsigned n) { return (int)n < 1 ? 1 : n; }

static long futex_wake(struct task *t, uint64_t addr, bool shared, unsigned n, uint32_t bitset)
{
	struct futex_key k;
	int err;

	if (!bitset)
		return -EINVAL;
	err = futex_key_get(t->mm, addr, shared, &k);
	return err ? err : (long)futex_wake_key(&k, at_least_one(n), bitset);
}

void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	if (a > b) {
		struct futex_bucket *c = a;

		a = b;
		b = c;
	}
	spin_lock(&a->lock);
	if (a != b)
		spin_lock(&b->lock);
}

void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

static long futex_requeue(struct task *t, uint64_t addr, uint64_t addr2, bool shared, unsigned nwake,
			  unsigned nmove, bool cmp, uint32_t val)
{
	struct futex_bucket *b1, *b2;
	struct futex_q *q, *tmp;
	struct futex_key k1, k2;
	unsigned woken, moved = 0;
	uint32_t cur;
	int err;

	if ((int)nwake < 0 || (int)nmove < 0)
		return -EINVAL;
	err = futex_key_get(t->mm, addr, shared, &k1);
	if (!err)
		err = futex_key_get(t->mm, addr2, shared, &k2);
	if (err)
		return err;
	if (cmp) {
		err = futex_load(t->mm, addr, &cur);
		if (err)
			return err;
		if (cur != val)
			return -EAGAIN;
	}
	b1 = futex_bucket_of(&k1);
	b2 = futex_bucket_of(&k2);
	futex_lock_two(b1, b2);
	woken = wake_in(b1, &k1, nwake, FUTEX_BITSET_MATCH_ANY);
	if (!futex_key_equal(&k1, &k2)) {
		list_for_each_safe(q, tmp, &b1->waiters, link) {
			if (moved >= nmove)
				break;
			if (q->pi || q->target || !futex_key_equal(&q->key, &k1))
				continue;
			list_del(&q->link);
			q->key = k2;
			__atomic_store_n(&q->bucket, b2, __ATOMIC_RELEASE);
			list_push_back(&b2->waiters, &q->link);
			moved++;
		}
	}
	futex_unlock_two(b1, b2);
	return woken + moved;
}

static int wake_op_value(uint32_t code, uint32_t old, uint32_t *ret)
{
	uint32_t op = (code >> 28) & 7;
	int32_t arg = (int32_t)(code << 8) >> 20;

	if ((code >> 28) & FUTEX_OP_OPARG_SHIFT)
		arg = (int32_t)(1u << (arg & 31));
	switch (op) {
	case FUTEX_OP_SET: *ret = arg; return 0;
	case FUTEX_OP_ADD: *ret = old + (uint32_t)arg; return 0;
	case FUTEX_OP_OR: *ret = old | (uint32_t)arg; return 0;
	case FUTEX_OP_ANDN: *ret = old & ~(uint32_t)arg; return 0;
	case FUTEX_OP_XOR: *ret = old ^ (uint32_t)arg; return 0;
	default: return -ENOSYS;
	}
}

static int wake_op_test(uint32_t code, uint32_t old_u, bool *ret)
{
	int32_t arg = (int32_t)(code << 20) >> 20, old = (int32_t)old_u;

	switch ((code >> 24) & 15) {
	case FUTEX_OP_CMP_EQ: *ret = old == arg; return 0;
	case FUTEX_OP_CMP_NE: *ret = old != arg; return 0;
	case FUTEX_OP_CMP_LT: *ret = old < arg; return 0;
	case FUTEX_OP_CMP_LE: *ret = old <= arg; return 0;
	case FUTEX_OP_CMP_GT: *ret = old > arg; return 0;
	case FUTEX_OP_CMP_GE: *ret = old >= arg; return 0;
	default: return -ENOSYS;
	}
}

static long futex_wake_op(struct task *t, uint64_t addr, uint64_t addr2, bool shared, unsigned n1,
			  unsigned n2, uint32_t code)
{
	struct futex_bucket *b1, *b2;
	struct futex_key k1, k2;
	uint32_t old, prev, val;
	bool also = false;
	long woken;
	int err;

	err = futex_key_get(t->mm, addr, shared, &k1);
	if (!err)
		err = futex_key_get(t->mm, addr2, shared, &k2);
	if (!err)
		err = wake_op_test(code, 0, &also);     /* the code itself */
	if (!err)
		err = futex_load(t->mm, addr2, &prev);
	if (err)
		return err;
	do {
		old = prev;
		err = wake_op_value(code, old, &val);
		if (!err)
			err = futex_cmpxchg(t->mm, addr2, old, val, &prev);
		if (err)
			return err;
		if (signal_fatal_pending(t))
			return -EINTR;
	} while (prev != old);
	(void)wake_op_test(code, old, &also);

	b1 = futex_bucket_of(&k1);
	b2 = futex_bucket_of(&k2);
	futex_lock_two(b1, b2);
	woken = wake_in(b1, &k1, at_least_one(n1), FUTEX_BITSET_MATCH_ANY);
	if (also)
		woken += wake_in(b2, &k2, at_least_one(n2), FUTEX_BITSET_MATCH_ANY);
	futex_unlock_two(b1, b2);
	return woken;
}

SYSCALL6(futex, uint64_t, addr, int, op, uint32_t, val, uint64_t, arg4, uint64_t, addr2, uint32_t, val3)
{
	int cmd = op & FUTEX_CMD_MASK;
	bool shared = !(op & FUTEX_PRIVATE_FLAG), real = op & FUTEX_CLOCK_REALTIME;
	uint64_t deadline = NO_DEADLINE;
	int err = 0;

	if (real && cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_WAIT_REQUEUE_PI && cmd != FUTEX_LOCK_PI2)
		return -ENOSYS;
	switch (cmd) {
	case FUTEX_WAIT:
		err = futex_deadline((uaddr){ arg4 }, false, false, &deadline);
		return err ? err : futex_wait(t, addr, shared, val, FUTEX_BITSET_MATCH_ANY, deadline);
	case FUTEX_WAIT_BITSET:
		err = futex_deadline((uaddr){ arg4 }, true, real, &deadline);
		return err ? err : futex_wait(t, addr, shared, val, val3, deadline);
	case FUTEX_WAKE:
		return futex_wake(t, addr, shared, val, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET:
		return futex_wake(t, addr, shared, val, val3);
	case FUTEX_REQUEUE:
		return futex_requeue(t, addr, addr2, shared, val, (uint32_t)arg4, false, 0);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(t, addr, addr2, shared, val, (uint32_t)arg4, true, val3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(t, addr, addr2, shared, val, (uint32_t)arg4, val3);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		err = futex_deadline((uaddr){ arg4 }, true, cmd == FUTEX_LOCK_PI || real, &deadline);
		return err ? err : futex_lock_pi(t, addr, shared, deadline, false);
	case FUTEX_WAIT_REQUEUE_PI:
		err = futex_deadline((uaddr){ arg4 }, true, real, &deadline);
		return err ? err : futex_wait_requeue_pi(t, addr, val, deadline, addr2, shared);
	case FUTEX_CMP_REQUEUE_PI:
		return val != 1 ? -EINVAL : futex_cmp_requeue_pi(t, addr, addr2, shared, (uint32_t)arg4, val3);
	case FUTEX_TRYLOCK_PI:
		return futex_lock_pi(t, addr, shared, 0, true);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(t, addr, shared);
	default:
		return -ENOSYS;
	}
}

/* ---- futex_waitv ---- */

static int waitv_prepare(struct task *t, const struct linux_futex_waitv *v, unsigned n,
			 struct futex_q *q, unsigned *ret_queued)
{
	for (unsigned i = 0; i < n; i++) {
		struct futex_key k;
		uint32_t cur;
		int err;

		err = futex_key_get(t->mm, v[i].uaddr, !(v[i].flags & FUTEX2_PRIVATE), &k);
		if (err)
			return err;
		q[i].task = t;
		q[i].bitset = FUTEX_BITSET_MATCH_ANY;
		futex_enqueue(&q[i], &k);
		*ret_queued = i + 1;
		err = futex_load(t->mm, v[i].uaddr, &cur);
		if (err)
			return err;
		if (cur != (uint32_t)v[i].val)
			return -EAGAIN;
	}
	return 0;
}

static bool any_woken(const struct futex_q *q, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (__atomic_load_n(&q[i].woken, __ATOMIC_ACQUIRE))
			return true;
	return false;
}

SYSCALL5(futex_waitv, uaddr, waiters, unsigned, n, unsigned, flags, uaddr, timeout, int, clock)
{
	struct linux_futex_waitv *v;
	uint64_t deadline = NO_DEADLINE;
	unsigned queued = 0;
	struct futex_q *q;
	long ret = -1;
	int err;

	if (flags || !n || n > FUTEX_WAITV_MAX || !waiters.va)
		return -EINVAL;
	if (timeout.va && clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME)
		return -EINVAL;
	err = futex_deadline(timeout, true, clock == CLOCK_REALTIME, &deadline);
	if (err)
		return err;
	v = kmalloc(n * sizeof(*v));
	q = kzalloc(n * sizeof(*q));
	err = v && q ? copy_in(v, waiters, n * sizeof(*v)) : -ENOMEM;
	for (unsigned i = 0; !err && i < n; i++)
		if ((v[i].flags & ~(FUTEX2_SIZE_MASK | FUTEX2_PRIVATE)) || v[i].reserved ||
		    (v[i].flags & FUTEX2_SIZE_MASK) != FUTEX2_SIZE_U32)
			err = -EINVAL;
	for (unsigned i = 0; !err && i < n; i++)
		if (v[i].uaddr & 3)
			err = -EINVAL;
	if (!err)
		err = waitv_prepare(t, v, n, q, &queued);
	while (!err) {
		sched_prepare(TASK_INTERRUPTIBLE);
		if (any_woken(q, n))
			break;
		err = sched_block(deadline);
	}
	sched_finish();
	for (unsigned i = 0; i < queued; i++)
		if (futex_dequeue(&q[i]))
			ret = i;
	kfree(v);
	kfree(q);
	if (ret >= 0)
		return ret;
	return err == -EINTR ? -ERESTARTSYS : err;
}
