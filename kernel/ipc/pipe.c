/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes and FIFOs: pipe(7), fifo(7).
 *
 * A pipe is a ring of slots of up to a page, as in Linux, where what a write
 * leaves over whole pages goes into the rest of the last slot if it fits: that
 * decides when a pipe is full, and what is lost or kept when a copy meets bad
 * memory, since a slot goes in or out whole then.  Slots lie in chunks that
 * exist only while they hold data: a page each (one spare is kept), or
 * BIG_CHUNK for who writes much at once, since every piece of a copy is a call
 * of the platform's.  An empty pipe may change between the two.  head and tail
 * count slots for ever, under the mutex; what follows from them is published
 * for poll and for sleepers' conditions.  Writes of up to PIPE_BUF bytes need
 * one slot at most, and so go in whole.
 *
 * A writer with O_DIRECT marks its slots as packets: nothing is added to one,
 * and a read takes one at most, with what it has no room for.
 *
 * The pipe hangs on inode->pipe while any file has it open, for anonymous
 * pipes too, so that /proc/PID/fd/N can be opened again. */
#include "kernel/ipc/ipc.h"
#include "kernel/syscall/syscall.h"
#include <linux_abi/ioctl.h>

#define PIPE_DEFAULT 65536u
#define PIPE_MAX (1u << 20)             /* fs.pipe-max-size */
#define PIPE_PAGE 4096u
#define BIG_CHUNK 32768u                /* the heap keeps freed blocks of this size */
#define BIG_WRITE 16384u

struct pipe {
	struct mutex lock;

	/* lock */
	uint64_t head, tail;            /* slots begun, emptied */
	uint32_t begun;                 /* bytes read of the slot at tail */
	uint16_t *fill;                 /* by slot: bytes, with those read */
	uint8_t *packet;                /* by slot, of those in use: whether one; NULL: none ever */
	/* lock; read without it */
	uint64_t filled;                /* bytes in it */
	uint64_t held;                  /* slots in use */
	uint32_t size;                  /* power of two, at least a page */
	uint32_t chunk;                 /* PIPE_PAGE or BIG_CHUNK */
	uint8_t **chunks;               /* size / PIPE_PAGE slots, size / chunk of them in use */
	uint8_t *spare;                 /* a page */
	uint32_t readers, writers;      /* open files */
	uint32_t reader_opens, writer_opens;    /* ever: FIFO rendezvous */

	struct waitq rd, wr;
	unsigned files;                 /* table_lock */
	bool pair;                      /* made by pipe(2): opening it by /proc/PID/fd never waits */
};

static struct spinlock table_lock = SPINLOCK_INIT;      /* inode->pipe, pipe.files */

#define load(x) __atomic_load_n(&(x), __ATOMIC_SEQ_CST)
#define store(x, v) __atomic_store_n(&(x), (v), __ATOMIC_SEQ_CST)

static uint64_t used(const struct pipe *p) { return load(p->filled); }

static uint32_t slots(const struct pipe *p) { return p->size / PIPE_PAGE; }
static uint32_t per_chunk(const struct pipe *p) { return p->chunk / PIPE_PAGE; }
static uint32_t at(const struct pipe *p, uint64_t slot) { return slot & (slots(p) - 1); }

/* After a change of head or tail: they also move together, when the pipe is
 * empty, which nobody without the lock may see in between. */
static void publish(struct pipe *p, uint64_t filled)
{
	store(p->filled, filled);
	store(p->held, p->head - p->tail);
}

static struct pipe *pipe_new(void)
{
	struct pipe *p = kzalloc(sizeof *p);

	if (!p)
		return NULL;
	p->size = PIPE_DEFAULT;
	p->chunk = PIPE_PAGE;
	p->chunks = kzalloc(slots(p) * sizeof *p->chunks);
	p->fill = kzalloc(slots(p) * sizeof *p->fill);
	if (!p->chunks || !p->fill) {
		kfree(p->chunks);
		kfree(p->fill);
		kfree(p);
		return NULL;
	}
	mutex_init(&p->lock);
	waitq_init(&p->rd);
	waitq_init(&p->wr);
	return p;
}

static void chunks_free(uint8_t **chunks, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		kfree(chunks[i]);
	kfree(chunks);
}

static void pipe_free(struct pipe *p)
{
	chunks_free(p->chunks, slots(p));
	kfree(p->fill);
	kfree(p->packet);
	kfree(p->spare);
	kfree(p);
}

static uint8_t **chunk_of(struct pipe *p, uint64_t slot)
{
	return &p->chunks[at(p, slot) / per_chunk(p)];
}

static bool is_packet(const struct pipe *p, uint64_t slot) { return p->packet && p->packet[at(p, slot)]; }

static uint8_t *bytes_of(struct pipe *p, uint64_t slot)
{
	return *chunk_of(p, slot) + at(p, slot) % per_chunk(p) * PIPE_PAGE;
}

static uint8_t *chunk_new(struct pipe *p)
{
	uint8_t *c = p->spare;

	if (p->chunk != PIPE_PAGE)
		return kmalloc(p->chunk);
	p->spare = NULL;
	return c ? c : kmalloc(PIPE_PAGE);
}

static void chunk_drop(struct pipe *p, uint8_t **s)
{
	if (p->spare || p->chunk != PIPE_PAGE)
		kfree(*s);
	else
		p->spare = *s;
	*s = NULL;
}

/* ---- bytes in and out; lock held ---- */

/* The slot at tail is empty. */
static void leave_slot(struct pipe *p)
{
	uint8_t **c = chunk_of(p, p->tail);

	p->begun = 0;
	p->tail++;
	if (p->head == p->tail) {               /* the next write starts on a chunk of its own */
		p->head = p->tail = align_up(p->tail, per_chunk(p));
		chunk_drop(p, c);
	} else if (!(p->tail & (per_chunk(p) - 1)) && p->head <= p->tail - per_chunk(p) + slots(p)) {
		chunk_drop(p, c);               /* over, and the other end has not come round to it */
	}
}

/* n bytes of one run have gone; bad memory came next: only whole slots. */
static size_t consume(struct pipe *p, size_t n, bool whole)
{
	size_t done = 0;

	while (done < n) {
		size_t here = p->fill[at(p, p->tail)] - p->begun;

		if (n - done < here) {
			if (whole)
				break;
			p->begun += (uint32_t)(n - done);
			return n;
		}
		done += here;
		leave_slot(p);
	}
	return done;
}

/* The bytes from tail on that lie together. */
static size_t run(const struct pipe *p)
{
	uint64_t slot = p->tail;
	size_t n = p->fill[at(p, slot)] - p->begun;

	if (is_packet(p, slot))
		return n;
	while (p->fill[at(p, slot)] == PIPE_PAGE && ++slot != p->head && (slot & (per_chunk(p) - 1)) &&
	       !is_packet(p, slot))
		n += p->fill[at(p, slot)];
	return n;
}

static size_t take(struct pipe *p, struct iter *to)
{
	size_t done = 0;

	while (p->head != p->tail && to->left) {
		bool packet = is_packet(p, p->tail);
		size_t whole = run(p), n = MIN(whole, to->left), got = iter_copy_out(to, bytes_of(p, p->tail) + p->begun, n);

		if (packet && got == n) {       /* the rest of it is lost */
			leave_slot(p);
			publish(p, p->filled - done - whole);
			return done + n;
		}
		done += consume(p, got, got < n);
		if (got < n)
			break;
	}
	publish(p, p->filled - done);
	return done;
}

/* What is over whole pages into the rest of the last slot, if it fits. */
static int top_up(struct pipe *p, struct iter *from, size_t *ret_done)
{
	size_t part = from->left & (PIPE_PAGE - 1);
	uint16_t *fill;

	if (!part || p->head == p->tail || is_packet(p, p->head - 1))
		return 0;
	fill = &p->fill[at(p, p->head - 1)];
	if (*fill + part > PIPE_PAGE)
		return 0;
	if (iter_copy_in(from, bytes_of(p, p->head - 1) + *fill, part) < part)
		return -EFAULT;
	*fill = (uint16_t)(*fill + part);
	publish(p, p->filled + part);
	*ret_done = part;
	return 0;
}

/* As much as there are slots for. */
static int put(struct pipe *p, struct iter *from, bool packets, size_t *ret_done)
{
	size_t done = 0;
	int err = 0;

	*ret_done = 0;
	if (p->head == p->tail) {
		/* No chunk is left: their size may change. */
		p->chunk = from->left >= BIG_WRITE && p->size >= BIG_CHUNK ? BIG_CHUNK : PIPE_PAGE;
		p->head = p->tail = align_up(p->tail, per_chunk(p));
	}
	if (packets && !p->packet) {
		p->packet = kzalloc(slots(p));
		if (!p->packet)
			return -ENOMEM;
	}
	while (from->left && p->head - p->tail < slots(p) && !err) {
		uint64_t space = slots(p) - (p->head - p->tail), here = per_chunk(p) - (p->head & (per_chunk(p) - 1));
		size_t n = MIN(MIN(space, here) * PIPE_PAGE, from->left), got;
		uint8_t **c = chunk_of(p, p->head);
		bool fresh = !*c;

		if (fresh)
			*c = chunk_new(p);
		if (!*c) {
			err = -ENOMEM;
			break;
		}
		got = iter_copy_in(from, bytes_of(p, p->head), n);
		if (got < n) {
			err = -EFAULT;
			got = align_down(got, PIPE_PAGE);
			if (fresh && !got)
				chunk_drop(p, c);
		}
		done += got;
		for (size_t part; got; got -= part) {
			part = MIN(got, PIPE_PAGE);
			if (p->packet)
				p->packet[at(p, p->head)] = packets;
			p->fill[at(p, p->head++)] = (uint16_t)part;
		}
	}
	publish(p, p->filled + done);
	*ret_done = done;
	return err;
}

/* Slots that are free. */
static uint64_t room(const struct pipe *p)
{
	uint64_t held = load(p->held), all = load(p->size) / PIPE_PAGE;

	return held >= all ? 0 : all - held;
}

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
		if (used(p)) {
			ret = (long)take(p, to);
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
		if (wait_event_interruptible(&p->rd, used(p) || !load(p->writers)))
			return -ERESTARTSYS;
		mutex_lock(&p->lock);
	}
	mutex_unlock(&p->lock);
	if (ret > 0)
		waitq_wake_all(&p->wr, POLL_OUT_KEYS);
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
		err = top_up(p, from, &done);
		if (done)
			waitq_wake_all(&p->rd, POLL_IN_KEYS);
	}
	while (!err && done < want) {
		if (!p->readers) {
			err = -EPIPE;
			break;
		}
		if (room(p)) {
			err = put(p, from, f->flags & O_DIRECT, &got);
			done += got;
			if (got)
				waitq_wake_all(&p->rd, POLL_IN_KEYS);
			continue;
		}
		if ((f->flags & O_NONBLOCK) || from->nowait) {
			err = -EAGAIN;
			break;
		}
		mutex_unlock(&p->lock);
		if (wait_event_interruptible(&p->wr, room(p) || !load(p->readers)))
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
		if (used(p))
			ev |= POLL_IN_KEYS;
		/* A FIFO opened before any writer came is not hung up. */
		if (!load(p->writers) && f->pos != load(p->writer_opens))
			ev |= POLLHUP;
	}
	if (f->mode & FMODE_WRITE) {
		poll_wait(pt, &p->wr);
		if (room(p))
			ev |= POLL_OUT_KEYS;
		if (!load(p->readers))
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
	n = (int32_t)used(p);
	return copy_out((uaddr){ arg }, &n, sizeof n);
}

/* ---- open and close ---- */

static void count(struct pipe *p, uint32_t mode, int step)
{
	if (mode & FMODE_READ)
		store(p->readers, p->readers + (uint32_t)step);
	if (mode & FMODE_WRITE)
		store(p->writers, p->writers + (uint32_t)step);
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
		store(p->reader_opens, p->reader_opens + 1);
	if (writes)
		store(p->writer_opens, p->writer_opens + 1);
	mutex_unlock(&p->lock);
	waitq_wake_all(&p->rd, POLL_IN_KEYS);
	waitq_wake_all(&p->wr, POLL_OUT_KEYS);
	f->pos = UINT64_MAX;
	if (p->pair) {
		/* Both ends have been there. */
	} else if (reads && !writes && !load(p->writers)) {
		seen = load(p->writer_opens);
		if (f->flags & O_NONBLOCK)
			f->pos = seen;
		else
			err = wait_event_interruptible(&p->rd, load(p->writer_opens) != seen || load(p->writers));
	} else if (writes && !reads && !load(p->readers)) {
		seen = load(p->reader_opens);
		err = wait_event_interruptible(&p->wr, load(p->reader_opens) != seen || load(p->readers));
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
	struct file *rd, *wr;
	int fds[2], err;

	if (flags & ~(int)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	err = pipe_pair(flags & (O_NONBLOCK | O_DIRECT), &rd, &wr);
	if (err)
		return err;
	fds[0] = fd_alloc(0, flags & O_CLOEXEC);
	if (fds[0] < 0) {
		err = fds[0];
		goto put;
	}
	fds[1] = fd_alloc(0, flags & O_CLOEXEC);
	if (fds[1] < 0) {
		err = fds[1];
		fd_release_unused(fds[0]);
		goto put;
	}
	err = copy_out(ufds, fds, sizeof fds);
	if (err) {
		fd_release_unused(fds[0]);
		fd_release_unused(fds[1]);
		goto put;
	}
	fd_install(fds[0], rd);
	fd_install(fds[1], wr);
	return 0;
put:
	file_put(rd);
	file_put(wr);
	return err;
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

	return p ? (long)load(p->size) : -EBADF;
}

static int resize(struct pipe *p, uint32_t size)
{
	uint32_t count = size / PIPE_PAGE;
	uint8_t **n, *packet;
	uint16_t *fill;

	/* What is there moves to pages; its slots must fit. */
	if (p->head - p->tail > count)
		return -EBUSY;
	n = kzalloc(count * sizeof *n);
	fill = kzalloc(count * sizeof *fill);
	packet = p->packet ? kzalloc(count) : NULL;
	if (!n || !fill || (p->packet && !packet))
		goto nomem;
	for (uint64_t s = p->tail; s < p->head; s++) {
		uint32_t to = s & (count - 1);

		fill[to] = p->fill[at(p, s)];
		if (packet)
			packet[to] = is_packet(p, s);
		n[to] = kmalloc(PIPE_PAGE);
		if (!n[to])
			goto nomem;
		memcpy(n[to], bytes_of(p, s), fill[to]);
	}
	chunks_free(p->chunks, slots(p));
	kfree(p->fill);
	kfree(p->packet);
	p->chunks = n;
	p->fill = fill;
	p->packet = packet;
	p->chunk = PIPE_PAGE;
	store(p->size, size);
	return 0;
nomem:
	if (n)
		chunks_free(n, count);
	kfree(fill);
	kfree(packet);
	return -ENOMEM;
}

long pipe_set_size(struct file *f, uint64_t size)
{
	struct pipe *p = pipe_of(f);
	uint32_t n = PIPE_PAGE;
	int err;

	if (!p)
		return -EBADF;
	if (size > (1u << 31))
		return -EINVAL;
	if (size > PIPE_MAX)
		return -EPERM;
	while (n < size)
		n *= 2;
	mutex_lock(&p->lock);
	err = resize(p, n);
	mutex_unlock(&p->lock);
	if (err)
		return err;
	waitq_wake_all(&p->wr, POLL_OUT_KEYS);
	return n;
}

/* ---- for splice and tee ---- */

long pipe_queued(struct file *f)
{
	struct pipe *p = pipe_of(f);

	return p ? (long)used(p) : -EBADF;
}

long pipe_room(struct file *f)
{
	struct pipe *p = pipe_of(f);

	return p ? (long)(room(p) * PIPE_PAGE) : -EBADF;
}

void pipe_skip(struct file *f, size_t n)
{
	struct pipe *p = pipe_of(f);

	mutex_lock(&p->lock);
	n = consume(p, MIN(n, used(p)), false);
	publish(p, p->filled - n);
	mutex_unlock(&p->lock);
	waitq_wake_all(&p->wr, POLL_OUT_KEYS);
}

long pipe_peek(struct file *f, void *buf, size_t n)
{
	struct pipe *p = pipe_of(f);
	uint8_t *to = buf;

	if (!p)
		return -EBADF;
	mutex_lock(&p->lock);
	for (uint64_t s = p->tail; s < p->head && n; s++) {
		uint32_t off = s == p->tail ? p->begun : 0;
		size_t step = MIN(n, (size_t)p->fill[at(p, s)] - off);

		memcpy(to, bytes_of(p, s) + off, step);
		to += step;
		n -= step;
	}
	mutex_unlock(&p->lock);
	return to - (uint8_t *)buf;
}
