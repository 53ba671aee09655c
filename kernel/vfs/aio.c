/* SPDX-License-Identifier: Apache-2.0 */
/* Asynchronous input and output of Linux: io_setup(2), io_submit(2), io_getevents(2), io_cancel(2), io_destroy(2).
 *
 * What is submitted is done at once, in the caller's time, as Linux does it for files read through its cache:
 * the event is there when io_submit() returns.  Programs see the order and the results of Linux, not its overlap.
 *
 * A context is named by the address of a page that is mapped for it: libaio looks there for a ring of events
 * before it asks the kernel, and finds none.  Contexts belong to an address space and end with it.
 *
 * Lock: aio_lock for the list and everything in a context but its wait queue.  References: the list's and one of
 * each call under way.  Trust: events are bounded in all (EVENTS_MAX), each place taken when a request starts. */
#include "kernel/ipc/ipc.h"
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/internal.h"
#include <linux_abi/aio.h>
#include <linux_abi/mman.h>

#define SETUP_MAX (0x10000000u / sizeof(struct linux_io_event))
#define EVENTS_MAX 65536u               /* /proc/sys/fs/aio-max-nr */

struct aio_context {
	struct ref ref;
	struct list link;
	struct mm *mm;                  /* not counted: aio_mm_gone() */
	uint64_t id;
	bool dead;                      /* set under aio_lock */
	uint32_t size, used;            /* places; used: events and requests under way */
	uint32_t first, ready;          /* of the events, which go round */
	struct waitq wq;
	struct linux_io_event events[];
};

static struct spinlock aio_lock = SPINLOCK_INIT;
static struct list contexts = LIST_INIT(contexts);
static uint32_t events_total;           /* aio_lock */

static void put(struct aio_context *c)
{
	if (ref_put(&c->ref))
		kfree(c);
}

/* Out of the list; the caller drops the list's reference. */
static void kill_locked(struct aio_context *c)
{
	list_del(&c->link);
	__atomic_store_n(&c->dead, true, __ATOMIC_RELAXED);
	events_total -= c->size;
	__atomic_fetch_sub(&c->mm->aio_contexts, 1, __ATOMIC_RELAXED);
}

static struct aio_context *find_locked(uint64_t id)
{
	struct mm *mm = current_task()->mm;
	struct aio_context *c;

	list_for_each(c, &contexts, link)
		if (c->id == id && c->mm == mm)
			return c;
	return NULL;
}

static struct aio_context *get(uint64_t id)
{
	struct aio_context *c;

	spin_lock(&aio_lock);
	c = find_locked(id);
	if (c)
		ref_get(&c->ref);
	spin_unlock(&aio_lock);
	return c;
}

void aio_mm_gone(struct mm *mm)
{
	struct aio_context *c, *tmp;
	struct list dead;

	list_init(&dead);
	spin_lock(&aio_lock);
	list_for_each_safe(c, tmp, &contexts, link)
		if (c->mm == mm) {
			kill_locked(c);
			list_push_back(&dead, &c->link);
		}
	spin_unlock(&aio_lock);
	list_for_each_safe(c, tmp, &dead, link)
		put(c);
}

static int insert(struct aio_context *c)
{
	int err = 0;

	spin_lock(&aio_lock);
	if (events_total + c->size > EVENTS_MAX) {
		err = -EAGAIN;
	} else {
		events_total += c->size;
		list_push_back(&contexts, &c->link);
		__atomic_fetch_add(&c->mm->aio_contexts, 1, __ATOMIC_RELAXED);
	}
	spin_unlock(&aio_lock);
	return err;
}

SYSCALL2(io_setup, uint32_t, count, uaddr, uctx)
{
	struct aio_context *c;
	uint64_t id;
	int64_t page;
	int err = copy_in(&id, uctx, sizeof(id));

	if (err)
		return err;
	if (id || !count || count > SETUP_MAX)
		return -EINVAL;
	if (count > EVENTS_MAX)
		return -EAGAIN;
	c = kzalloc(sizeof(*c) + count * sizeof(c->events[0]));
	if (!c)
		return -ENOMEM;
	ref_init(&c->ref);
	waitq_init(&c->wq);
	c->mm = t->mm;
	c->size = count;
	page = mm_map(t->mm, 0, PLAT_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
	err = page < 0 ? (int)page : 0;
	c->id = (uint64_t)page;
	if (!err) {
		err = copy_out(uctx, &c->id, sizeof(c->id));
		if (!err)
			err = insert(c);
		if (err)
			(void)mm_unmap(t->mm, (uint64_t)page, PLAT_PAGE_SIZE);
	}
	if (err)
		kfree(c);
	return err;
}

SYSCALL1(io_destroy, uint64_t, id)
{
	struct aio_context *c;

	spin_lock(&aio_lock);
	c = find_locked(id);
	if (c)
		kill_locked(c);
	spin_unlock(&aio_lock);
	if (!c)
		return -EINVAL;
	(void)mm_unmap(t->mm, c->id, PLAT_PAGE_SIZE);
	waitq_wake_all(&c->wq, 0);
	put(c);
	return 0;
}

/* ---- requests ---- */

static bool reserve(struct aio_context *c)
{
	bool ok;

	spin_lock(&aio_lock);
	ok = !c->dead && c->used < c->size;
	c->used += ok;
	spin_unlock(&aio_lock);
	return ok;
}

static void cancel_place(struct aio_context *c)
{
	spin_lock(&aio_lock);
	c->used--;
	spin_unlock(&aio_lock);
}

static void complete(struct aio_context *c, const struct linux_io_event *ev)
{
	spin_lock(&aio_lock);
	c->events[(c->first + c->ready++) % c->size] = *ev;
	spin_unlock(&aio_lock);
	waitq_wake_all(&c->wq, 0);
}

static int transfer(struct file *f, const struct linux_iocb *cb, long *res)
{
	bool write = cb->opcode == IOCB_CMD_PWRITE || cb->opcode == IOCB_CMD_PWRITEV;
	bool vector = cb->opcode == IOCB_CMD_PREADV || cb->opcode == IOCB_CMD_PWRITEV;
	bool seeks = file_has_positions(f);
	uint64_t nowhere = 0;
	struct iter it;
	int err;

	if (!(f->mode & (write ? FMODE_WRITE : FMODE_READ)))
		return -EBADF;
	if (cb->rw_flags & ~(uint32_t)(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND))
		return -EOPNOTSUPP;
	if (seeks && cb->offset < 0)
		return -EINVAL;
	if (vector) {
		err = iter_user_iovec(&it, (uaddr){ cb->buf }, cb->nbytes);
		if (err)
			return err;
	} else {
		iter_user(&it, (uaddr){ cb->buf }, MIN(cb->nbytes, FILE_RW_MAX));
	}
	it.append = cb->rw_flags & RWF_APPEND;
	it.nowait = cb->rw_flags & RWF_NOWAIT;
	*res = seeks ? file_rw_at(f, &it, cb->offset, write) : file_rw(f, &it, &nowhere, write);
	if (vector)
		iter_free(&it);
	if (*res == -ERESTARTSYS || *res == -ERESTARTNOHAND || *res == -ERESTARTNOINTR)
		*res = -EINTR;
	return 0;
}

/* An error: the request was not taken.  0: *res is what its event tells. */
static int perform(struct file *f, const struct linux_iocb *cb, long *res)
{
	switch (cb->opcode) {
	case IOCB_CMD_PREAD:
	case IOCB_CMD_PWRITE:
	case IOCB_CMD_PREADV:
	case IOCB_CMD_PWRITEV:
		return transfer(f, cb, res);
	case IOCB_CMD_FSYNC:
	case IOCB_CMD_FDSYNC:
		if (cb->buf || cb->offset || cb->nbytes || cb->rw_flags)
			return -EINVAL;
		*res = file_sync(f, cb->opcode == IOCB_CMD_FDSYNC);
		return *res == -EINVAL ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

static int submit_one(struct aio_context *c, uint64_t ucb)
{
	struct file *f = NULL, *notify = NULL;
	struct linux_io_event ev = { 0 };
	const uint32_t key = 0;
	struct linux_iocb cb;
	int err = copy_in(&cb, (uaddr){ ucb }, sizeof(cb));

	if (err)
		return err;
	if (cb.reserved2 || (int64_t)cb.nbytes < 0)
		return -EINVAL;
	if (!reserve(c))
		return -EAGAIN;
	f = fd_get((int)cb.fildes);
	if (!f)
		err = -EBADF;
	if (!err && (cb.flags & IOCB_FLAG_RESFD)) {
		notify = fd_get((int)cb.resfd);
		err = !notify ? -EBADF : eventfd_is(notify) ? 0 : -EINVAL;
	}
	if (!err)
		err = copy_out((uaddr){ ucb + offsetof(struct linux_iocb, key) }, &key, sizeof(key));
	if (!err)
		err = perform(f, &cb, &ev.res);
	if (err) {
		cancel_place(c);
	} else {
		ev.data = cb.data;
		ev.obj = ucb;
		complete(c, &ev);
		if (notify)
			eventfd_signal(notify);
	}
	if (notify)
		file_put(notify);
	if (f)
		file_put(f);
	return err;
}

SYSCALL3(io_submit, uint64_t, id, int64_t, count, uaddr, ulist)
{
	struct aio_context *c = get(id);
	int64_t n = 0;
	int err = 0;

	if (!c)
		return -EINVAL;
	if (count < 0)
		err = -EINVAL;
	for (; !err && n < MIN(count, (int64_t)c->size); n++) {
		uint64_t ucb;

		err = copy_in(&ucb, uaddr_add(ulist, (uint64_t)n * sizeof(ucb)), sizeof(ucb));
		if (!err)
			err = submit_one(c, ucb);
		if (err)
			break;
	}
	put(c);
	return n ? (long)n : err;
}

/* Every request is over when it was submitted: there is none to cancel. */
SYSCALL3(io_cancel, uint64_t, id, uaddr, ucb, uaddr, uresult)
{
	uint32_t key;
	int err = copy_in(&key, uaddr_add(ucb, offsetof(struct linux_iocb, key)), sizeof(key));

	return err ? err : -EINVAL;
}

/* ---- events ---- */

static bool take(struct aio_context *c, struct linux_io_event *ret)
{
	bool ok;

	spin_lock(&aio_lock);
	ok = c->ready;
	if (ok) {
		*ret = c->events[c->first];
		c->first = (c->first + 1) % c->size;
		c->ready--;
		c->used--;
	}
	spin_unlock(&aio_lock);
	return ok;
}

static bool has_news(struct aio_context *c)
{
	bool r;

	spin_lock(&aio_lock);
	r = c->dead || c->ready;
	spin_unlock(&aio_lock);
	return r;
}

static long get_events(struct aio_context *c, int64_t least, int64_t most, uaddr uevents, uint64_t deadline)
{
	struct linux_io_event ev;
	int64_t n = 0;
	int err = 0;

	while (n < most && !err) {
		if (take(c, &ev)) {
			err = copy_out(uaddr_add(uevents, (uint64_t)n * sizeof(ev)), &ev, sizeof(ev));
			n += !err;
		} else if (n >= least || __atomic_load_n(&c->dead, __ATOMIC_RELAXED)) {
			break;
		} else {
			err = WAIT_EVENT(&c->wq, TASK_INTERRUPTIBLE, deadline, has_news(c));
			if (err == -ETIMEDOUT)
				break;
		}
	}
	return n || err == -ETIMEDOUT ? (long)n : err;
}

SYSCALL5(io_getevents, uint64_t, id, int64_t, least, int64_t, most, uaddr, uevents, uaddr, utimeout)
{
	struct aio_context *c;
	uint64_t deadline;
	long ret = deadline_from_user(utimeout, &deadline);

	if (ret)
		return ret;
	c = get(id);
	if (!c)
		return -EINVAL;
	ret = least < 0 || most < 0 || least > most ? -EINVAL : get_events(c, least, most, uevents, deadline);
	put(c);
	return ret;
}
