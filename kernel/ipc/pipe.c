/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes and FIFOs: pipe(7), fifo(7).  Their bytes are pipe_ring.c's.
 *
 * The pipe hangs on inode->pipe while any file has it open, for anonymous
 * pipes too, so that /proc/PID/fd/N can be opened again. */
#include "kernel/ipc/pipe.h"
#include "kernel/syscall/syscall.h"
#include <linux_abi/ioctl.h>

static struct spinlock table_lock = SPINLOCK_INIT;      /* inode->pipe, pipe.files */

void ipc_raise_sigpipe(void)
{
	struct task *t = current_task();
	struct linux_siginfo si = { .signo = SIGPIPE, .code = SI_USER };

	si.u.kill.pid = t->tg->tgid;
	si.u.kill.uid = t->cred->uid;
	(void)signal_send_task(t, SIGPIPE, &si);
}

static long pipe_read(struct file *f, struct iter *to, uint64_t *pos)
{
	struct pipe *p = f->priv;
	size_t want = to->left;
	long ret = 0;

	(void)pos;
	if (!want)
		return 0;
	mutex_lock(&p->lock);
	for (;;) {
		if (pipe_used(p)) {
			ret = (long)pipe_take(p, to);
			if (!ret)
				ret = -EFAULT;
			break;
		}
		if (!p->writers)
			break;
		if ((f->flags & O_NONBLOCK) || to->nowait) {
			ret = -EAGAIN;
			break;
		}
		mutex_unlock(&p->lock);
		if (wait_event_interruptible(&p->rd, pipe_used(p) || !pipe_load(p->writers)))
			return -ERESTARTSYS;
		mutex_lock(&p->lock);
	}
	mutex_unlock(&p->lock);
	if (ret > 0)
		waitq_wake(&p->wr, 1, POLL_OUT_KEYS);
	return ret;
}

static long pipe_write(struct file *f, struct iter *from, uint64_t *pos)
{
	struct pipe *p = f->priv;
	size_t want = from->left, done = 0, got;
	long err = 0;

	(void)pos;
	if (!want)
		return 0;
	mutex_lock(&p->lock);
	if (p->readers) {
		err = pipe_top_up(p, from, &done);
		if (done)
			waitq_wake(&p->rd, 1, POLL_IN_KEYS);
	}
	while (!err && done < want) {
		if (!p->readers) {
			err = -EPIPE;
			break;
		}
		if (pipe_space(p)) {
			err = pipe_put(p, from, f->flags & O_DIRECT, &got);
			done += got;
			if (got)
				waitq_wake(&p->rd, 1, POLL_IN_KEYS);
			continue;
		}
		if ((f->flags & O_NONBLOCK) || from->nowait) {
			err = -EAGAIN;
			break;
		}
		mutex_unlock(&p->lock);
		if (wait_event_interruptible(&p->wr, pipe_space(p) || !pipe_load(p->readers)))
			return done ? (long)done : -ERESTARTSYS;
		mutex_lock(&p->lock);
	}
	mutex_unlock(&p->lock);
	if (err == -EPIPE)
		ipc_raise_sigpipe();
	return done ? (long)done : err;
}

static uint32_t pipe_poll(struct file *f, struct poll_table *pt)
{
	struct pipe *p = f->priv;
	uint32_t ev = 0;

	if (f->mode & FMODE_READ) {
		poll_wait(pt, &p->rd);
		if (pipe_used(p))
			ev |= POLL_IN_KEYS;
		/* A FIFO opened before any writer came is not hung up. */
		if (!pipe_load(p->writers) && f->pos != pipe_load(p->writer_opens))
			ev |= POLLHUP;
	}
	if (f->mode & FMODE_WRITE) {
		poll_wait(pt, &p->wr);
		if (pipe_space(p))
			ev |= POLL_OUT_KEYS;
		if (!pipe_load(p->readers))
			ev |= POLLERR;
	}
	return ev;
}

static long pipe_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct pipe *p = f->priv;
	int32_t n;

	if (cmd != FIONREAD)
		return -ENOTTY;
	n = (int32_t)pipe_used(p);
	return copy_out((uaddr){ arg }, &n, sizeof n);
}

/* ---- open and close ---- */

static void count(struct pipe *p, uint32_t mode, int step)
{
	if (mode & FMODE_READ)
		pipe_store(p->readers, p->readers + (uint32_t)step);
	if (mode & FMODE_WRITE)
		pipe_store(p->writers, p->writers + (uint32_t)step);
}

static void pipe_leave(struct inode *i, struct pipe *p, uint32_t mode)
{
	bool last;

	mutex_lock(&p->lock);
	count(p, mode, -1);
	mutex_unlock(&p->lock);
	waitq_wake_all(&p->rd, 0);
	waitq_wake_all(&p->wr, 0);
	spin_lock(&table_lock);
	last = --p->files == 0;
	if (last)
		i->pipe = NULL;
	spin_unlock(&table_lock);
	if (last)
		pipe_free(p);
}

static void pipe_release(struct file *f)
{
	pipe_leave(f->inode, f->priv, f->mode);
}

static const struct file_ops pipe_fops = {
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.release = pipe_release,
	.type_name = "pipe",
};

static const struct file_ops fifo_fops = {
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.release = pipe_release,
};

static struct pipe *pipe_join(struct inode *i)
{
	struct pipe *fresh = NULL, *p;

	for (;;) {
		spin_lock(&table_lock);
		p = i->pipe;
		if (!p && fresh) {
			i->pipe = p = fresh;
			fresh = NULL;
		}
		if (p)
			p->files++;
		spin_unlock(&table_lock);
		if (p)
			break;
		fresh = pipe_new();
		if (!fresh)
			return NULL;
	}
	if (fresh)
		pipe_free(fresh);
	return p;
}

int fifo_open(struct inode *i, struct file *f)
{
	bool reads = f->mode & FMODE_READ, writes = f->mode & FMODE_WRITE;
	struct pipe *p = pipe_join(i);
	uint32_t seen;
	int err = 0;

	if (!p)
		return -ENOMEM;
	mutex_lock(&p->lock);
	if (writes && !reads && (f->flags & O_NONBLOCK) && !p->readers) {
		mutex_unlock(&p->lock);
		pipe_leave(i, p, 0);
		return -ENXIO;
	}
	count(p, f->mode, 1);
	if (reads)
		pipe_store(p->reader_opens, p->reader_opens + 1);
	if (writes)
		pipe_store(p->writer_opens, p->writer_opens + 1);
	mutex_unlock(&p->lock);
	waitq_wake(&p->rd, 1, POLL_IN_KEYS);
	waitq_wake(&p->wr, 1, POLL_OUT_KEYS);
	f->pos = UINT64_MAX;
	if (p->pair) {
		/* Both ends have been there. */
	} else if (reads && !writes && !pipe_load(p->writers)) {
		seen = pipe_load(p->writer_opens);
		if (f->flags & O_NONBLOCK)
			f->pos = seen;
		else
			err = wait_event_interruptible(&p->rd, pipe_load(p->writer_opens) != seen || pipe_load(p->writers));
	} else if (writes && !reads && !pipe_load(p->readers)) {
		seen = pipe_load(p->reader_opens);
		err = wait_event_interruptible(&p->wr, pipe_load(p->reader_opens) != seen || pipe_load(p->readers));
	}
	if (err) {
		pipe_leave(i, p, f->mode);
		return -ERESTARTSYS;
	}
	f->priv = p;
	f->ops = f->path.dentry ? &fifo_fops : &pipe_fops;
	f->mode |= FMODE_STREAM;
	return 0;
}

static int pipe_end(struct inode *i, struct pipe *p, uint32_t flags, struct file **ret)
{
	int err = file_new_anon(&pipe_fops, p, flags, i, ret);

	if (err)
		return err;
	(*ret)->mode |= FMODE_STREAM;
	(*ret)->pos = UINT64_MAX;
	mutex_lock(&p->lock);
	count(p, (*ret)->mode, 1);
	mutex_unlock(&p->lock);
	spin_lock(&table_lock);
	p->files++;
	spin_unlock(&table_lock);
	return 0;
}

static int pipe_pair(uint32_t flags, struct file **rd, struct file **wr)
{
	struct inode *i = anon_inode_new(S_IFIFO | 0600);
	struct pipe *p = pipe_new();
	int err = -ENOMEM;

	if (!i || !p)
		goto fail;
	p->pair = true;
	i->pipe = p;
	err = pipe_end(i, p, O_RDONLY | (flags & ~(uint32_t)O_DIRECT), rd);   /* who writes makes packets */
	if (err)
		goto fail;
	err = pipe_end(i, p, O_WRONLY | flags, wr);
	if (err) {
		file_put(*rd);          /* frees the pipe too */
		inode_put(i);
		return err;
	}
	inode_put(i);
	return 0;
fail:
	if (p)
		pipe_free(p);
	if (i) {
		i->pipe = NULL;
		inode_put(i);
	}
	return err;
}

static long do_pipe_call(uaddr ufds, int flags)
{
	struct file *f[2];
	int err;

	if (flags & ~(int)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	err = pipe_pair(flags & (O_NONBLOCK | O_DIRECT), &f[0], &f[1]);
	return err ? err : fd_add_two(f, flags & O_CLOEXEC, ufds);
}

SYSCALL1(pipe, uaddr, ufds) { return do_pipe_call(ufds, 0); }
SYSCALL2(pipe2, uaddr, ufds, int, flags) { return do_pipe_call(ufds, flags); }

/* ---- size, for fcntl ---- */

static struct pipe *pipe_of(struct file *f)
{
	return f->ops == &pipe_fops || f->ops == &fifo_fops ? f->priv : NULL;
}

long pipe_get_size(struct file *f)
{
	struct pipe *p = pipe_of(f);

	return p ? (long)pipe_load(p->size) : -EBADF;
}

static uint32_t size_max = PIPE_MAX;    /* atomic; a power of two */

static uint32_t whole_pages(uint64_t size)
{
	uint32_t n = PIPE_PAGE;

	while (n < size)
		n *= 2;
	return n;
}

uint32_t pipe_size_max(uint32_t set)
{
	if (set > PIPE_MAX)
		return 0;
	if (set)
		__atomic_store_n(&size_max, whole_pages(set), __ATOMIC_RELAXED);
	return __atomic_load_n(&size_max, __ATOMIC_RELAXED);
}

long pipe_set_size(struct file *f, uint64_t size)
{
	struct pipe *p = pipe_of(f);
	uint32_t n;
	int err;

	if (!p)
		return -EBADF;
	if (size > (1u << 31))
		return -EINVAL;
	n = whole_pages(size);
	if (n > PIPE_MAX || (n > pipe_size_max(0) && n > pipe_load(p->size) && !capable(CAP_SYS_RESOURCE)))
		return -EPERM;
	mutex_lock(&p->lock);
	err = pipe_resize(p, n);
	mutex_unlock(&p->lock);
	if (err)
		return err;
	waitq_wake(&p->wr, 1, POLL_OUT_KEYS);
	return n;
}

/* ---- for splice and tee ---- */

long pipe_queued(struct file *f)
{
	struct pipe *p = pipe_of(f);

	return p ? (long)pipe_used(p) : -EBADF;
}

long pipe_room(struct file *f)
{
	struct pipe *p = pipe_of(f);

	return p ? (long)(pipe_space(p) * PIPE_PAGE) : -EBADF;
}

void pipe_skip(struct file *f, size_t n)
{
	struct pipe *p = pipe_of(f);

	mutex_lock(&p->lock);
	pipe_drop(p, MIN(n, pipe_used(p)));
	mutex_unlock(&p->lock);
	waitq_wake(&p->wr, 1, POLL_OUT_KEYS);
}

long pipe_peek(struct file *f, void *buf, size_t n)
{
	struct pipe *p = pipe_of(f);

	if (!p)
		return -EBADF;
	mutex_lock(&p->lock);
	n = pipe_look(p, buf, n);
	mutex_unlock(&p->lock);
	return (long)n;
}
