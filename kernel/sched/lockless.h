/* SPDX-License-Identifier: Apache-2.0 */
/* lockless.h: reading shared structures without locks or counts.
 *
 * Between lockless_begin() and lockless_end() a CPU may follow pointers to
 * objects that another CPU takes out of their structure at the same time: the
 * memory of what was taken out and given to lockless_free() stays until every
 * CPU that was reading then has ended.  Such a section must not sleep (it
 * counts as a spinlock held), must not be nested, and must be short.  Source:
 * kernel/sched/lockless.c.
 *
 * struct changes counts changes of a structure under its writers' lock, so
 * that a reader can tell that all it read belongs together. */
#ifndef NACRE_KERNEL_LOCKLESS_H
#define NACRE_KERNEL_LOCKLESS_H

#include "kernel/sched/sched.h"

/* Inside the object that is freed; readers never look at it. */
struct lockless { struct lockless *next; void (*free)(struct lockless *l); };

void lockless_begin(void);
void lockless_end(void);
/* Nobody can find the object any more; free(l) is called when nobody can be
 * looking at it: now or later, on this CPU.  It must not sleep. */
void lockless_free(struct lockless *l, void (*free)(struct lockless *l));
/* This CPU has nothing to do: free what waits, if that is possible now.  When to
 * do it again, NO_DEADLINE when nothing waits: an idle CPU may stay so for ever. */
uint64_t lockless_idle(void);

struct changes { uint32_t n; };                 /* odd: being changed */

/* Writers, under their lock. */
static inline void changes_begin(struct changes *c) { __atomic_fetch_add(&c->n, 1, __ATOMIC_SEQ_CST); }
static inline void changes_end(struct changes *c) { __atomic_fetch_add(&c->n, 1, __ATOMIC_SEQ_CST); }
/* Readers: what was read by acquire loads since changes_now() is of one state
 * if changes_none(). */
static inline uint32_t changes_now(const struct changes *c) { return __atomic_load_n(&c->n, __ATOMIC_SEQ_CST); }
static inline bool changes_none(const struct changes *c, uint32_t since)
{
	return !(since & 1) && __atomic_load_n(&c->n, __ATOMIC_SEQ_CST) == since;
}

#endif
