/* SPDX-License-Identifier: Apache-2.0 */
/* futex.h: between futex.c (queues, waiting, waking), futex_pi.c (ownership
 * futexes) and futex_robust.c (exit). */
#ifndef NACRE_KERNEL_MM_FUTEX_H
#define NACRE_KERNEL_MM_FUTEX_H

#include "kernel/mm/internal.h"
#include <linux_abi/futex.h>

/* What a futex word is, whatever address it is seen at: (mm, address) for
 * private memory, (inode or object, offset) for shared.  Compared only, never
 * followed: a sleeper's own mapping keeps the object alive, and a recycled
 * pointer could cause no more than a spurious wake-up. */
struct futex_key { uint64_t owner, offset; };

struct futex_bucket { struct spinlock lock; struct list waiters; };

/* A sleeper, on its stack.  link, key, bucket, woken: bucket->lock of the
 * bucket it is in.  Whoever wakes it unlinks it, sets woken and wakes the task
 * under that lock; the sleeper takes the lock before it leaves, so that q
 * outlives every use. */
struct futex_q {
	struct list link;
	struct futex_key key;
	struct futex_bucket *bucket;
	struct task *task;
	uint32_t bitset;
	bool woken;
	bool pi;                        /* never woken by FUTEX_WAKE */
	bool owner_died;                /* PI: look at the word again */
	int32_t owner_tid;              /* PI: who holds the word */
	const struct futex_key *target; /* FUTEX_WAIT_REQUEUE_PI: where it may be moved to; NULL: another call */
};

/* -EINVAL (alignment), -EFAULT (nothing mapped). */
int __must_check futex_key_get(struct mm *mm, uint64_t addr, bool shared, struct futex_key *ret);
static inline bool futex_key_equal(const struct futex_key *a, const struct futex_key *b)
{ return a->owner == b->owner && a->offset == b->offset; }
struct futex_bucket *futex_bucket_of(const struct futex_key *k);

void futex_enqueue(struct futex_q *q, const struct futex_key *k);
/* True when it had been woken. */
bool futex_dequeue(struct futex_q *q);
/* bucket->lock held. */
void futex_wake_q(struct futex_q *q);
unsigned futex_wake_key(const struct futex_key *k, unsigned n, uint32_t bitset);
/* Sleep until woken: 0, -EINTR, -ETIMEDOUT.  Dequeues. */
int __must_check futex_sleep(struct futex_q *q, uint64_t deadline_ns);

/* User words, with growth of the stack where needed. */
int __must_check futex_load(struct mm *mm, uint64_t addr, uint32_t *ret);
int __must_check futex_cmpxchg(struct mm *mm, uint64_t addr, uint32_t old, uint32_t val, uint32_t *ret_prev);

/* A timeout as a monotonic deadline.  -EFAULT, -EINVAL. */
int __must_check futex_deadline(uaddr ts, bool absolute, bool realtime, uint64_t *ret);

long futex_lock_pi(struct task *t, uint64_t addr, bool shared, uint64_t deadline_ns, bool try_only);
long futex_unlock_pi(struct task *t, uint64_t addr, bool shared);
long futex_wait_requeue_pi(struct task *t, uint64_t addr, uint32_t val, uint64_t deadline_ns, uint64_t addr2, bool shared);
long futex_cmp_requeue_pi(struct task *t, uint64_t addr, uint64_t addr2, bool shared, unsigned nmove, uint32_t val);
void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b);
void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b);
/* For every bucket when a thread ends and futex_pi_any(). */
void futex_pi_exit_bucket(struct futex_bucket *b, int32_t tid);
bool futex_pi_any(void);
void futex_pi_exit(struct task *t);     /* futex.c: over all buckets */
void futex_pi_init(void);

#endif
