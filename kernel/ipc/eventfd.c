/* SPDX-License-Identifier: Apache-2.0 */
/* eventfd(2): a 64-bit counter that can be waited for. */
#include "kernel/ipc/ipc.h"
#include "kernel/syscall/syscall.h"
#include <linux_abi/eventfd.h>

struct eventfd {
	struct spinlock lock;
	uint64_t count;                 /* lock; read freely as a hint */
	bool semaphore;
	struct waitq wq;
};

static bool take(struct eventfd *e, uint64_t *ret)
{
	bool ok;

	spin_lock(&e->lock);
	ok = e->count != 0;
	if (ok) {
		*ret = e->semaphore ? 1 : e->count;
		e->count -= *ret;
	}
	spin_unlock(&e->lock);
	return ok;
}

static bool add(struct eventfd *e, uint64_t v)
{
	bool ok;

	spin_lock(&e->lock);
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
	waitq_wake_all(&e->wq, POLL_OUT_KEYS);
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
	waitq_wake_all(&e->wq, POLL_IN_KEYS);
	return sizeof v;
}

static uint32_t eventfd_poll(struct file *f, struct poll_table *pt)
{
	struct eventfd *e = f->priv;
	uint64_t c;
	uint32_t ev = 0;

	poll_wait(pt, &e->wq);
	c = __atomic_load_n(&e->count, __ATOMIC_SEQ_CST);
	if (c)
		ev |= POLL_IN_KEYS;
	if (c < UINT64_MAX - 1)
		ev |= POLL_OUT_KEYS;
	return ev;
}

static void eventfd_release(struct file *f) { kfree(f->priv); }

static void eventfd_fdinfo(struct file *f, struct sbuf *s)
{
	struct eventfd *e = f->priv;

	sbuf_printf(s, "eventfd-count: %16llx\n", (unsigned long long)e->count);
}

static const struct file_ops eventfd_fops = {
	.read = eventfd_read,
	.write = eventfd_write,
	.poll = eventfd_poll,
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
	waitq_wake_all(&e->wq, POLL_IN_KEYS);
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
