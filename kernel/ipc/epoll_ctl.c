/* SPDX-License-Identifier: Apache-2.0 */
/* epoll(7): the interest list.
 *
 * Items are found by (file, descriptor) in a hash table that grows, and hang
 * on their file so that its last close removes them.  Sets may watch sets:
 * before that an edge is checked for loops and for depth, all under
 * epoll_links_lock, which also keeps a set alive while a file that it watches
 * goes away.
 *
 * Trust: items are bounded in all (each costs kernel memory and outlives the
 * descriptor when the file was duplicated). */
#include "kernel/ipc/epoll.h"
#include "kernel/syscall/syscall.h"

#define DEPTH_MAX 4                      /* EP_MAX_NESTS */

struct mutex epoll_links_lock;
static uint32_t init_state;             /* 0, 1 being done, 2 done */
uint32_t epoll_items;
static uint64_t visit_now;              /* epoll_links_lock */

void epoll_init_once(void)
{
	uint32_t v = 0;

	if (__atomic_load_n(&init_state, __ATOMIC_ACQUIRE) == 2)
		return;
	if (__atomic_compare_exchange_n(&init_state, &v, 1, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		mutex_init(&epoll_links_lock);
		__atomic_store_n(&init_state, 2, __ATOMIC_RELEASE);
		return;
	}
	while (__atomic_load_n(&init_state, __ATOMIC_ACQUIRE) != 2)
		plat_relax();
}

/* ---- the table ---- */

static struct list *bucket(struct epoll *ep, const struct file *f, int fd)
{
	return &ep->buckets[hash_u64((uint64_t)(uintptr_t)f + (uint64_t)fd) & (ep->bucket_count - 1)];
}

static struct epitem *find(struct epoll *ep, const struct file *f, int fd)
{
	struct epitem *i;

	list_for_each(i, bucket(ep, f, fd), hash_link)
		if (i->file == f && i->fd == fd)
			return i;
	return NULL;
}

/* A table that cannot grow is only slower. */
static void grow(struct epoll *ep)
{
	unsigned n = ep->bucket_count * 2, old = ep->bucket_count;
	struct list *b, *prev = ep->buckets;
	struct epitem *i, *tmp;

	if (ep->item_count <= old)
		return;
	b = kmalloc(n * sizeof *b);
	if (!b)
		return;
	for (unsigned k = 0; k < n; k++)
		list_init(&b[k]);
	ep->buckets = b;
	ep->bucket_count = n;
	for (unsigned k = 0; k < old; k++)
		list_for_each_safe(i, tmp, &prev[k], hash_link) {
			list_del(&i->hash_link);
			list_push_back(bucket(ep, i->file, i->fd), &i->hash_link);
		}
	kfree(prev);
}

/* ---- items ---- */

struct adding { struct poll_table pt; struct epitem *item; bool failed; };

static void add_queue(struct poll_table *pt, struct waitq *q)
{
	struct adding *a = container_of(pt, struct adding, pt);
	struct epitem *i = a->item;
	struct epwait *e;

	if (i->inline_count < EP_INLINE_WAITS) {
		e = &i->waits[i->inline_count++];
	} else {
		e = kmalloc(sizeof *e);
		if (!e) {
			a->failed = true;
			return;
		}
		e->next = i->more;
		i->more = e;
	}
	e->item = i;
	waiter_init(&e->w);
	e->w.fn = epitem_woken;
	e->w.exclusive = i->events & EPOLLEXCLUSIVE;
	waitq_add(q, &e->w);
}

void epitem_remove(struct epitem *i)
{
	struct epoll *ep = i->ep;
	struct epwait *e, *next;

	/* First no more callbacks, then no more links. */
	for (unsigned k = 0; k < i->inline_count; k++)
		waitq_del(&i->waits[k].w);
	for (e = i->more; e; e = next) {
		next = e->next;
		waitq_del(&e->w);
		kfree(e);
	}
	spin_lock(&i->file->lock);
	list_del(&i->file_link);
	spin_unlock(&i->file->lock);
	spin_lock(&ep->ready_lock);
	list_del(&i->ready_link);
	spin_unlock(&ep->ready_lock);
	list_del(&i->hash_link);
	ep->item_count--;
	__atomic_fetch_sub(&epoll_items, 1, __ATOMIC_RELAXED);
	kfree(i);
}

void epoll_items_free(struct epoll *ep)
{
	struct epitem *i, *tmp;

	mutex_lock(&ep->lock);
	for (unsigned k = 0; k < ep->bucket_count; k++)
		list_for_each_safe(i, tmp, &ep->buckets[k], hash_link)
			epitem_remove(i);
	mutex_unlock(&ep->lock);
}

void epoll_file_gone(struct file *f)
{
	mutex_lock(&epoll_links_lock);
	while (!list_empty(&f->epoll_links)) {
		struct epitem *i = list_first(&f->epoll_links, struct epitem, file_link);
		struct epoll *ep = i->ep;

		mutex_lock(&ep->lock);
		/* A concurrent EPOLL_CTL_DEL needs a reference to f: none left. */
		epitem_remove(i);
		mutex_unlock(&ep->lock);
	}
	mutex_unlock(&epoll_links_lock);
}

static int insert(struct epoll *ep, struct file *f, int fd, const struct linux_epoll_event *ev)
{
	struct adding a = { .pt = { add_queue } };
	struct epitem *i;

	if (__atomic_fetch_add(&epoll_items, 1, __ATOMIC_RELAXED) >= EPOLL_ITEMS_MAX) {
		__atomic_fetch_sub(&epoll_items, 1, __ATOMIC_RELAXED);
		return -ENOSPC;
	}
	i = kzalloc(sizeof *i);
	if (!i) {
		__atomic_fetch_sub(&epoll_items, 1, __ATOMIC_RELAXED);
		return -ENOMEM;
	}
	i->ep = ep;
	i->file = f;
	i->fd = fd;
	i->events = ev->events | EPOLLERR | EPOLLHUP;
	i->data = ev->data;
	list_init(&i->ready_link);
	ep->item_count++;
	list_push_back(bucket(ep, f, fd), &i->hash_link);
	spin_lock(&f->lock);
	list_push_back(&f->epoll_links, &i->file_link);
	spin_unlock(&f->lock);
	grow(ep);
	a.item = i;
	if (epitem_poll(i, &a.pt) && !a.failed)
		epitem_make_ready(i);
	if (a.failed) {
		epitem_remove(i);
		return -ENOMEM;
	}
	return 0;
}

static int modify(struct epoll *ep, struct epitem *i, const struct linux_epoll_event *ev)
{
	if ((i->events | ev->events) & EPOLLEXCLUSIVE)
		return -EINVAL;
	spin_lock(&ep->ready_lock);
	epitem_set_events(i, ev->events | EPOLLERR | EPOLLHUP);
	i->data = ev->data;
	spin_unlock(&ep->ready_lock);
	if (epitem_poll(i, NULL))
		epitem_make_ready(i);
	return 0;
}

/* ---- sets that watch sets ---- */

/* How many levels hang below ep; -ELOOP when `banned` is among them.  Every
 * set is looked at once per check. */
static int depth_below(struct epoll *ep, const struct epoll *banned, unsigned level)
{
	struct epitem *i;
	int deepest = 0;

	if (ep == banned || level > DEPTH_MAX)
		return -ELOOP;
	if (ep->visit == visit_now)
		return (int)ep->height;
	mutex_lock(&ep->lock);
	for (unsigned k = 0; k < ep->bucket_count && deepest >= 0; k++)
		list_for_each(i, &ep->buckets[k], hash_link) {
			int d;

			if (i->file->ops != &epoll_fops)
				continue;
			d = depth_below(i->file->priv, banned, level + 1);
			if (d < 0) {
				deepest = d;
				break;
			}
			deepest = MAX(deepest, d + 1);
		}
	mutex_unlock(&ep->lock);
	if (deepest >= 0) {
		ep->visit = visit_now;
		ep->height = (unsigned)deepest;
	}
	return deepest;
}

static int depth_above(struct epoll *ep, unsigned level)
{
	struct epitem *i;
	int deepest = 0;

	if (level > DEPTH_MAX)
		return -ELOOP;
	if (ep->visit == visit_now)
		return (int)ep->height;
	spin_lock(&ep->self->lock);
	list_for_each(i, &ep->self->epoll_links, file_link) {
		int d = depth_above(i->ep, level + 1);

		if (d < 0) {
			deepest = d;
			break;
		}
		deepest = MAX(deepest, d + 1);
	}
	spin_unlock(&ep->self->lock);
	if (deepest >= 0) {
		ep->visit = visit_now;
		ep->height = (unsigned)deepest;
	}
	return deepest;
}

static int check_nesting(struct epoll *ep, struct epoll *target)
{
	int below, above;

	visit_now++;
	below = depth_below(target, ep, 0);
	if (below < 0)
		return below;
	visit_now++;
	above = depth_above(ep, 0);
	if (above < 0)
		return above;
	return below + above + 1 > DEPTH_MAX ? -ELOOP : 0;
}

/* ---- the call ---- */

static int exclusive_ok(int op, const struct linux_epoll_event *ev, const struct file *f)
{
	if (!(ev->events & EPOLLEXCLUSIVE))
		return 0;
	if (op != EPOLL_CTL_ADD || f->ops == &epoll_fops)
		return -EINVAL;
	if (ev->events & ~(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE))
		return -EINVAL;
	return 0;
}

static int ctl(struct file *ef, int op, int fd, struct file *f, const struct linux_epoll_event *ev)
{
	struct epoll *ep = ef->priv;
	bool nesting = op == EPOLL_CTL_ADD && f->ops == &epoll_fops;
	struct epitem *i;
	int err = 0;

	if (nesting) {
		mutex_lock(&epoll_links_lock);
		err = check_nesting(ep, f->priv);
		if (err)
			goto out;
	}
	mutex_lock(&ep->lock);
	i = find(ep, f, fd);
	switch (op) {
	case EPOLL_CTL_ADD:
		err = i ? -EEXIST : insert(ep, f, fd, ev);
		break;
	case EPOLL_CTL_DEL:
		if (i)
			epitem_remove(i);
		else
			err = -ENOENT;
		break;
	case EPOLL_CTL_MOD:
		err = i ? modify(ep, i, ev) : -ENOENT;
		break;
	default:
		err = -EINVAL;
	}
	mutex_unlock(&ep->lock);
out:
	if (nesting)
		mutex_unlock(&epoll_links_lock);
	return err;
}

static int ctl_checked(struct file *ef, int op, int fd, struct file *f, const struct linux_epoll_event *ev)
{
	int err;

	if (!f->ops || !f->ops->poll)
		return -EPERM;
	if (ef->ops != &epoll_fops || ef == f)
		return -EINVAL;
	err = exclusive_ok(op, ev, f);
	if (err)
		return err;
	epoll_use(ef->priv);
	return ctl(ef, op, fd, f, ev);
}

int epoll_change(int epfd, int op, int fd, const struct linux_epoll_event *ev, bool posted)
{
	struct fd_use set = fd_use(epfd), one = fd_use(fd);
	int err = set.file && one.file ? ctl_checked(set.file, op, fd, one.file, ev) : -EBADF;

	if (!err && !posted)
		epoll_offer(set, one, epfd, op, fd, ev);
	fd_done(one);
	fd_done(set);
	return err;
}

SYSCALL4(epoll_ctl, int, epfd, int, op, int, fd, uaddr, uevent)
{
	struct linux_epoll_event ev = { 0, 0 };
	int err = op == EPOLL_CTL_DEL ? 0 : copy_in(&ev, uevent, sizeof ev);

	return err ? err : epoll_change(epfd, op, fd, &ev, false);
}
