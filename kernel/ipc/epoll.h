/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by epoll.c (items, waiting) and epoll_ctl.c (the interest list). */
#ifndef NACRE_KERNEL_IPC_EPOLL_H
#define NACRE_KERNEL_IPC_EPOLL_H

#include "kernel/ipc/ipc.h"
#include <linux_abi/epoll.h>

/* LOCKS: epoll_links_lock (mutex) > epoll.lock (mutex; nested sets: the outer
 * before the inner) > file->lock; wait queue of a file > epoll.ready_lock >
 * epoll's own wait queues. */
#define EP_PRIVATE (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)
#define EP_INLINE_WAITS 2
#define EPOLL_ITEMS_MAX 262144u

struct epitem;

struct epwait {                         /* one queue of one watched file */
	struct waiter w;
	struct epitem *item;
	struct epwait *next;            /* heap ones */
};

struct epitem {
	struct epoll *ep;
	struct file *file;              /* not counted: epoll_file_gone() */
	int fd;
	uint64_t data;
	uint32_t events;                /* ready_lock to write */
	struct list hash_link;          /* ep->lock */
	struct list file_link;          /* file->lock */
	struct list ready_link;         /* ready_lock */
	unsigned inline_count;
	struct epwait waits[EP_INLINE_WAITS];
	struct epwait *more;
};

struct epoll {
	struct mutex lock;
	struct list *buckets;           /* lock; by file and fd */
	unsigned bucket_count, item_count;      /* lock */
	struct spinlock ready_lock;
	struct list ready;
	bool scanning;                  /* ready_lock; its items are off for a moment, in the hands of lock's owner */
	struct waitq wq;                /* epoll_wait() */
	struct waitq poll_wq;           /* whoever polls the epoll file itself */
	struct file *self;              /* our own file; not counted */
	struct task *poster;            /* atomic, compared only: who was offered to post changes */
	bool posts_off;                 /* atomic: nobody will be */
	uint64_t visit;                 /* epoll_links_lock: marks of the loop check */
	unsigned height;
};

extern struct mutex epoll_links_lock;
extern uint32_t epoll_items;            /* atomic: in all sets */
extern const struct file_ops epoll_fops;

/* Present readiness of an item, masked by what it asks for. */
uint32_t epitem_poll(struct epitem *i, struct poll_table *pt);
/* ready_lock held; read without it too. */
static inline void epitem_set_events(struct epitem *i, uint32_t events)
{
	__atomic_store_n(&i->events, events, __ATOMIC_RELAXED);
}
/* Put it on the ready list if it asks for anything, and wake sleepers. */
void epitem_make_ready(struct epitem *i);
bool epitem_woken(struct waiter *w, uint32_t key);
/* epoll_ctl(2), the event already here. */
int epoll_change(int epfd, int op, int fd, const struct linux_epoll_event *ev, bool posted);
/* Such a call has been made by the current task. */
void epoll_offer(struct fd_use set, struct fd_use one, int epfd, int op, int fd, const struct linux_epoll_event *ev);
/* The current task is about to use ep: what another has posted is done, and it posts no more.
 * No lock held; may sleep. */
void epoll_take_over(struct epoll *ep);
static inline void epoll_use(struct epoll *ep)
{
	struct task *p = __atomic_load_n(&ep->poster, __ATOMIC_SEQ_CST);

	if (unlikely(p && p != current_task()))
		epoll_take_over(ep);
}
/* Unlink from everything and free; ep->lock held. */
void epitem_remove(struct epitem *i);
void epoll_items_free(struct epoll *ep);        /* epoll_links_lock held */
void epoll_init_once(void);

#endif
