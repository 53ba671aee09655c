/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive circular doubly linked list.  The caller locks. */
#ifndef NACRE_BASE_LIST_H
#define NACRE_BASE_LIST_H

#include <base/types.h>

struct list { struct list *next, *prev; };

#define LIST_INIT(l) { &(l), &(l) }

static inline void list_init(struct list *l) { l->next = l->prev = l; }
static inline bool list_empty(const struct list *l) { return l->next == l; }

static inline void list_insert_(struct list *n, struct list *prev, struct list *next)
{
	n->prev = prev;
	n->next = next;
	prev->next = n;
	next->prev = n;
}

/* Insert n as the first / last element of the list headed by h (or right
 * after / before the element h). */
static inline void list_push_front(struct list *h, struct list *n) { list_insert_(n, h, h->next); }
static inline void list_push_back(struct list *h, struct list *n) { list_insert_(n, h->prev, h); }

/* Leaves n an empty list of its own, so that removing twice is harmless and
 * list_empty(n) says whether it is linked. */
static inline void list_del(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

/* Move all of src to the end of dst. */
static inline void list_splice_back(struct list *dst, struct list *src)
{
	if (list_empty(src))
		return;
	src->next->prev = dst->prev;
	dst->prev->next = src->next;
	src->prev->next = dst;
	dst->prev = src->prev;
	list_init(src);
}

#define list_entry(p, type, member) container_of(p, type, member)
#define list_first(h, type, member) list_entry((h)->next, type, member)
#define list_last(h, type, member) list_entry((h)->prev, type, member)
#define list_next(e, member) list_entry((e)->member.next, __typeof__(*(e)), member)

#define list_for_each(e, h, member)                                          \
	for (e = list_first(h, __typeof__(*(e)), member); &(e)->member != (h); \
	     e = list_next(e, member))
/* Safe against removal of e itself. */
#define list_for_each_safe(e, tmp, h, member)                                \
	for (e = list_first(h, __typeof__(*(e)), member), tmp = list_next(e, member); \
	     &(e)->member != (h); e = tmp, tmp = list_next(tmp, member))

#endif
