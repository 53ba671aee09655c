/* SPDX-License-Identifier: Apache-2.0 */
/* epoll(7): waiting.
 *
 * Each watched file's wait queues hold an entry whose callback puts the item
 * on the ready list.  epoll_wait takes items off, asks the file anew, reports,
 * and puts level-triggered ones back at the end.  An item is off the list
 * before its file is asked, so that a wake-up in between puts it back: an edge
 * is never lost. */
#include "kernel/ipc/epoll.h"
#include "kernel/ipc/grant.h"
#include "kernel/syscall/syscall.h"
#include "kernel/task/task.h"

#define EVENTS_MAX (INT32_MAX / (int)sizeof(struct linux_epoll_event))
#define SEND_PART 32u                   /* events that are copied out together */

/* Perhaps: what somebody looks at just now may be ready afterwards. */
static bool has_ready(struct epoll *ep)
{
	bool any;

	spin_lock(&ep->ready_lock);
	any = !list_empty(&ep->ready) || ep->scanning;
	spin_unlock(&ep->ready_lock);
	return any;
}

uint32_t epitem_poll(struct epitem *i, struct poll_table *pt)
{
	return i->file->ops->poll(i->file, pt) & i->events;
}

static bool asks_for(uint32_t events, uint32_t key)
{
	return (events & ~EP_PRIVATE) && (!key || (key & events));
}

/* Who sleeps in epoll_wait() or polls the set looks at the list under its lock. */
static bool wake_waiters(struct epoll *ep)
{
	if (!waitq_idle(&ep->poll_wq))
		waitq_wake_all(&ep->poll_wq, POLL_IN_KEYS);
	return !waitq_idle(&ep->wq) && waitq_wake(&ep->wq, 1, POLL_IN_KEYS) != 0;
}

/* True when a sleeper was woken. */
static bool push_ready(struct epitem *i, uint32_t key)
{
	struct epoll *ep = i->ep;
	bool live;

	spin_lock(&ep->ready_lock);
	live = asks_for(i->events, key);
	if (live && list_empty(&i->ready_link))
		list_push_back(&ep->ready, &i->ready_link);
	spin_unlock(&ep->ready_lock);
	return live && wake_waiters(ep);
}

void epitem_make_ready(struct epitem *i) { (void)push_ready(i, 0); }

bool epitem_woken(struct waiter *w, uint32_t key)
{
	struct epwait *e = container_of(w, struct epwait, w);

	/* A change of the mask that this misses is followed by a look at the
	 * file, which the waker has changed before it came here. */
	if (!asks_for(__atomic_load_n(&e->item->events, __ATOMIC_RELAXED), key))
		return false;
	return push_ready(e->item, key);
}

bool waitq_asks(struct waitq *q, uint32_t key)
{
	struct waiter *w;
	bool yes = false;

	if (!__atomic_fetch_add(&q->count, 0, __ATOMIC_SEQ_CST))
		return false;
	spin_lock(&q->lock);
	list_for_each(w, &q->waiters, link)
		yes |= w->fn != epitem_woken ||
		       asks_for(__atomic_load_n(&container_of(w, struct epwait, w)->item->events, __ATOMIC_RELAXED), key);
	spin_unlock(&q->lock);
	return yes;
}

/* ep->lock held from here to scan_end(), ready_lock in both. */
static void scan_begin(struct epoll *ep, struct list *tx)
{
	list_init(tx);
	list_splice_back(tx, &ep->ready);
	ep->scanning = true;
}

/* What was not taken was there first. */
static void scan_end(struct epoll *ep, struct list *tx)
{
	list_splice_back(tx, &ep->ready);
	list_splice_back(&ep->ready, tx);
	ep->scanning = false;
}

/* ep->lock and ready_lock held.  Take what is ready now off the list, in small parts. */
static unsigned pop(struct list *tx, struct epitem **ret, unsigned max)
{
	unsigned n = 0;

	while (n < max && !list_empty(tx)) {
		ret[n] = list_first(tx, struct epitem, ready_link);
		list_del(&ret[n++]->ready_link);
	}
	return n;
}

/* The n items of part that have events now, in its front; what they are, in ev. */
static unsigned ask(struct epitem **part, struct linux_epoll_event *ev, unsigned n)
{
	unsigned live = 0;

	for (unsigned k = 0; k < n; k++) {
		uint32_t is = epitem_poll(part[k], NULL);

		if (!is)
			continue;
		ev[live] = (struct linux_epoll_event){ is, part[k]->data };
		part[live++] = part[k];
	}
	return live;
}

/* ready_lock held.  Of the live items in part the user has the first `sent`. */
static void put_back(struct epoll *ep, struct list *tx, struct epitem **part, unsigned live, unsigned sent)
{
	for (unsigned k = 0; k < sent; k++) {
		struct epitem *i = part[k];

		if (i->events & EPOLLONESHOT)
			epitem_set_events(i, i->events & EP_PRIVATE);
		else if (!(i->events & EPOLLET) && list_empty(&i->ready_link))
			list_push_back(&ep->ready, &i->ready_link);
	}
	for (unsigned k = live; k > sent; k--)
		if (list_empty(&part[k - 1]->ready_link))
			list_push_front(tx, &part[k - 1]->ready_link);
}

/* Up to max events to the user.  Their number, or -EFAULT for none. */
static int send_events(struct epoll *ep, uaddr uevents, unsigned max)
{
	struct linux_epoll_event ev[SEND_PART];
	struct epitem *part[SEND_PART];
	struct list tx;
	bool more, fault = false;
	unsigned n = 0, got;

	if (current_task()->grants_due)
		grant_wishes_over();
	mutex_lock(&ep->lock);
	spin_lock(&ep->ready_lock);
	scan_begin(ep, &tx);
	while (!fault && (got = pop(&tx, part, MIN(max - n, SEND_PART)))) {
		unsigned live, sent = 0;

		spin_unlock(&ep->ready_lock);
		live = ask(part, ev, got);
		if (live)
			sent = (unsigned)(live * sizeof *ev - copy_out_partial(uaddr_add(uevents, n * sizeof *ev), ev,
									       live * sizeof *ev)) / sizeof *ev;
		for (unsigned k = 0; k < sent; k++)
			if (ev[k].events & EPOLLIN)
				grant_wish(part[k]->file, part[k]->fd);
		fault = sent < live;
		n += sent;
		spin_lock(&ep->ready_lock);
		put_back(ep, &tx, part, live, sent);
	}
	scan_end(ep, &tx);
	more = !list_empty(&ep->ready);
	spin_unlock(&ep->ready_lock);
	mutex_unlock(&ep->lock);
	if (more && !waitq_idle(&ep->wq))
		waitq_wake(&ep->wq, 1, POLL_IN_KEYS);
	return n ? (int)n : fault ? -EFAULT : 0;
}

/* Sleepers are exclusive: one event wakes one of them. */
static int sleep_ready(struct epoll *ep, uint64_t deadline)
{
	struct waiter w;
	int err = 0;

	waiter_init(&w);
	w.exclusive = true;
	waitq_add(&ep->wq, &w);
	for (;;) {
		sched_prepare(TASK_INTERRUPTIBLE);
		if (has_ready(ep)) {
			err = 0;
			break;
		}
		if (err)
			break;
		err = sched_block(deadline);
	}
	sched_finish();
	waitq_del(&w);
	return err;
}

static long wait_for_events(struct epoll *ep, uaddr uevents, int max, uint64_t deadline)
{
	int err, n;

	for (;;) {
		n = has_ready(ep) ? send_events(ep, uevents, (unsigned)max) : 0;
		if (n || !deadline)
			return n;
		err = sleep_ready(ep, deadline);
		if (err)
			return err == -ETIMEDOUT ? 0 : err;
	}
}

#define ADDRESS_MAX 0x7ffffffff000ull   /* of a program, on Linux */

static long wait_call(int epfd, uaddr uevents, int max, uint64_t deadline)
{
	struct fd_use u;
	long ret;

	if (max <= 0 || max > EVENTS_MAX)
		return -EINVAL;
	if (uevents.va > ADDRESS_MAX - (uint64_t)max * sizeof(struct linux_epoll_event))
		return -EFAULT;         /* also where nothing will be written */
	u = fd_use(epfd);
	if (!u.file)
		return -EBADF;
	if (u.file->ops == &epoll_fops) {
		epoll_use(u.file->priv);
		ret = wait_for_events(u.file->priv, uevents, max, deadline);
	} else {
		ret = -EINVAL;
	}
	fd_done(u);
	return ret;
}

static uint64_t deadline_ms(int ms)
{
	if (ms < 0)
		return NO_DEADLINE;
	return ms ? plat_time_mono_ns() + (uint64_t)ms * 1000000 : 0;
}

SYSCALL4(epoll_wait, int, epfd, uaddr, uevents, int, max, int, timeout_ms)
{
	return wait_call(epfd, uevents, max, deadline_ms(timeout_ms));
}

static long pwait(int epfd, uaddr uevents, int max, uint64_t deadline, uaddr umask, size_t size)
{
	uint64_t mask;
	long ret;

	if (umask.va) {
		if (size != sizeof mask)
			return -EINVAL;
		if (copy_in(&mask, umask, sizeof mask))
			return -EFAULT;
		signal_set_temporary_mask(mask);
	}
	ret = wait_call(epfd, uevents, max, deadline);
	signal_restore_mask_unless(ret == -EINTR);
	return ret;
}

SYSCALL6(epoll_pwait, int, epfd, uaddr, uevents, int, max, int, timeout_ms, uaddr, umask, size_t, size)
{
	return pwait(epfd, uevents, max, deadline_ms(timeout_ms), umask, size);
}

SYSCALL6(epoll_pwait2, int, epfd, uaddr, uevents, int, max, uaddr, utimeout, uaddr, umask, size_t, size)
{
	uint64_t deadline;
	int err = deadline_from_user(utimeout, &deadline);

	return err ? err : pwait(epfd, uevents, max, deadline, umask, size);
}

/* Is an event there for a poller of the epoll file?  Items that turn out not
 * to be ready leave the list. */
static uint32_t epoll_poll(struct file *f, struct poll_table *pt)
{
	struct epoll *ep = f->priv;
	struct list tx;
	struct epitem *i;
	bool found = false;

	epoll_use(ep);
	poll_wait(pt, &ep->poll_wq);
	if (!has_ready(ep))
		return 0;
	mutex_lock(&ep->lock);
	spin_lock(&ep->ready_lock);
	scan_begin(ep, &tx);
	while (!found && pop(&tx, &i, 1)) {
		spin_unlock(&ep->ready_lock);
		found = epitem_poll(i, NULL);
		spin_lock(&ep->ready_lock);
		if (found && list_empty(&i->ready_link))
			list_push_front(&tx, &i->ready_link);
	}
	scan_end(ep, &tx);
	spin_unlock(&ep->ready_lock);
	mutex_unlock(&ep->lock);
	return found ? POLL_IN_KEYS : 0;
}

static void epoll_free(void *p)
{
	struct epoll *ep = p;

	kfree(ep->buckets);
	kfree(ep);
}

static void epoll_release(struct file *f)
{
	struct epoll *ep = f->priv;

	mutex_lock(&epoll_links_lock);
	epoll_items_free(ep);
	mutex_unlock(&epoll_links_lock);
	epoll_free(ep);
}

static void epoll_fdinfo(struct file *f, struct sbuf *s)
{
	struct epoll *ep = f->priv;
	struct epitem *i;

	mutex_lock(&ep->lock);
	for (unsigned b = 0; b < ep->bucket_count; b++)
		list_for_each(i, &ep->buckets[b], hash_link)
			sbuf_printf(s, "tfd: %8d events: %8x data: %16llx\n", i->fd, i->events,
				    (unsigned long long)i->data);
	mutex_unlock(&ep->lock);
}

const struct file_ops epoll_fops = {
	.poll = epoll_poll,
	.release = epoll_release,
	.show_fdinfo = epoll_fdinfo,
	.lseek = noop_lseek,
	.type_name = "anon_inode:[eventpoll]",
};

#define BUCKETS_FIRST 16u

static long epoll_make(int flags)
{
	struct epoll *ep;
	struct file *f;
	int fd, err;

	if (flags & ~EPOLL_CLOEXEC)
		return -EINVAL;
	ep = kzalloc(sizeof *ep);
	if (!ep)
		return -ENOMEM;
	ep->buckets = kmalloc(BUCKETS_FIRST * sizeof *ep->buckets);
	if (!ep->buckets) {
		kfree(ep);
		return -ENOMEM;
	}
	ep->bucket_count = BUCKETS_FIRST;
	for (unsigned i = 0; i < BUCKETS_FIRST; i++)
		list_init(&ep->buckets[i]);
	mutex_init(&ep->lock);
	list_init(&ep->ready);
	waitq_init(&ep->wq);
	waitq_init(&ep->poll_wq);
	epoll_init_once();
	err = file_new_anon(&epoll_fops, ep, O_RDWR, NULL, &f);
	if (err) {
		epoll_free(ep);
		return err;
	}
	ep->self = f;
	fd = fd_add(f, flags & EPOLL_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

SYSCALL1(epoll_create1, int, flags) { return epoll_make(flags); }
SYSCALL1(epoll_create, int, size) { return size <= 0 ? -EINVAL : epoll_make(0); }
