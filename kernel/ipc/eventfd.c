/* SPDX-License-Identifier: Apache-2.0 */
/* eventfd(2): a 64-bit counter that can be waited for. */
#include "kernel/ipc/grant.h"
#include "kernel/ipc/ipc.h"
#include "kernel/syscall/syscall.h"
#include <linux_abi/eventfd.h>

struct eventfd {
	struct spinlock lock;
	uint64_t count;                 /* lock */
	struct grant *grant;            /* lock; its value is still in count */
	bool semaphore;
	struct waitq wq;
};

static uint64_t next_value(const struct eventfd *e) { return e->semaphore ? MIN(e->count, (uint64_t)1) : e->count; }

/* lock held: with this the counter is what it is. */
static void settle(struct eventfd *e)
{
	struct grant *g = e->grant;

	e->grant = NULL;
	if (grant_used(g))
		e->count -= next_value(e);
}

static void lock(struct eventfd *e)
{
	spin_lock(&e->lock);
	if (unlikely(e->grant))
		settle(e);
}

static bool take(struct eventfd *e, uint64_t *ret)
{
	bool ok;

	lock(e);
	ok = e->count != 0;
	if (ok) {
		*ret = next_value(e);
		e->count -= *ret;
	}
	spin_unlock(&e->lock);
	return ok;
}

static bool add(struct eventfd *e, uint64_t v)
{
	bool ok;

	lock(e);
	ok = UINT64_MAX - 1 - e->count >= v;
	if (ok)
		e->count += v;
	spin_unlock(&e->lock);
	return ok;
}

static long eventfd_read(struct file *f, struct iter *to, uint64_t *pos)
{
	struct eventfd *e = f->priv;
	uint64_t v = 0;

	(void)pos;
	if (to->left < sizeof v)
		return -EINVAL;
	if (!take(e, &v)) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(&e->wq, take(e, &v)))
			return -ERESTARTSYS;
	}
	waitq_wake(&e->wq, 1, POLL_OUT_KEYS);
	return iter_copy_out(to, &v, sizeof v) == sizeof v ? (long)sizeof v : -EFAULT;
}

static long eventfd_write(struct file *f, struct iter *from, uint64_t *pos)
{
	struct eventfd *e = f->priv;
	uint64_t v;

	(void)pos;
	if (from->left < sizeof v)
		return -EINVAL;
	if (iter_copy_in(from, &v, sizeof v) != sizeof v)
		return -EFAULT;
	if (v == UINT64_MAX)
		return -EINVAL;
	if (!add(e, v)) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(&e->wq, add(e, v)))
			return -ERESTARTSYS;
	}
	waitq_wake(&e->wq, 1, POLL_IN_KEYS);
	return sizeof v;
}

static uint32_t eventfd_poll(struct file *f, struct poll_table *pt)
{
	struct eventfd *e = f->priv;
	uint64_t c;
	uint32_t ev = 0;

	poll_wait(pt, &e->wq);
	lock(e);
	c = e->count;
	spin_unlock(&e->lock);
	if (c)
		ev |= POLLIN;
	if (c < UINT64_MAX - 1)
		ev |= POLLOUT;
	return ev;
}

/* A read would wake who waits for room or wants to hear of it. */
static bool eventfd_grant(struct file *f, struct grant *g)
{
	struct eventfd *e = f->priv;
	uint8_t *to = NULL;

	lock(e);
	if (e->count && e->count < UINT64_MAX - 1)
		to = grant_place(g, sizeof e->count);
	if (to) {
		uint64_t v = next_value(e);

		memcpy(to, &v, sizeof v);
		if (grant_give(g, sizeof v))
			e->grant = g;
		else
			to = NULL;
	}
	if (to && waitq_asks(&e->wq, POLL_OUT_KEYS))
		settle(e);
	spin_unlock(&e->lock);
	return to;
}

static void eventfd_grant_over(struct file *f, struct grant *g)
{
	struct eventfd *e = f->priv;

	spin_lock(&e->lock);
	if (e->grant == g)
		settle(e);
	spin_unlock(&e->lock);
}

static void eventfd_release(struct file *f) { kfree(f->priv); }

static void eventfd_fdinfo(struct file *f, struct sbuf *s)
{
	struct eventfd *e = f->priv;

	uint64_t c;

	lock(e);
	c = e->count;
	spin_unlock(&e->lock);
	sbuf_printf(s, "eventfd-count: %16llx\n", (unsigned long long)c);
}

static const struct file_ops eventfd_fops = {
	.read = eventfd_read,
	.write = eventfd_write,
	.poll = eventfd_poll,
	.grant = eventfd_grant,
	.grant_over = eventfd_grant_over,
	.release = eventfd_release,
	.show_fdinfo = eventfd_fdinfo,
	.lseek = noop_lseek,
	.type_name = "anon_inode:[eventfd]",
};

bool eventfd_is(const struct file *f) { return f->ops == &eventfd_fops; }

void eventfd_signal(struct file *f)
{
	struct eventfd *e = f->priv;

	(void)add(e, 1);                /* full: whoever reads it has news enough */
	waitq_wake(&e->wq, 1, POLL_IN_KEYS);
}

static long eventfd_make(unsigned count, int flags)
{
	struct eventfd *e;

	if (flags & ~(EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC))
		return -EINVAL;
	e = kzalloc(sizeof *e);
	if (!e)
		return -ENOMEM;
	e->count = count;
	e->semaphore = flags & EFD_SEMAPHORE;
	waitq_init(&e->wq);
	return ipc_new_fd(&eventfd_fops, e, kfree, O_RDWR | (flags & EFD_NONBLOCK), flags & EFD_CLOEXEC);
}

SYSCALL1(eventfd, unsigned, count) { return eventfd_make(count, 0); }
SYSCALL2(eventfd2, unsigned, count, int, flags) { return eventfd_make(count, flags); }
