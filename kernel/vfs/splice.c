/* SPDX-License-Identifier: Apache-2.0 */
/* sendfile, copy_file_range, splice, tee, vmsplice.
 *
 * Most copy through a kernel buffer, a chunk at a time; a stream socket has a
 * file read straight into its own, or takes the file's memory.  Nothing is taken from a source that the
 * target did not accept: a regular source goes by its position, a pipe is
 * peeked and then drained by what was written. */
#include "kernel/fs/dev/dev.h"
#include "kernel/ipc/ipc.h"
#include "kernel/net/socket.h"
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/internal.h"

#define COPY_MAX 0x7ffff000ul

static bool is_reg(struct file *f) { return S_ISREG(inode_mode(f->inode)); }

static long read_into(struct file *f, void *buf, size_t n, uint64_t *pos)
{
	struct iter it;

	iter_kernel(&it, buf, n);
	return file_rw(f, &it, pos, false);
}

static long write_from(struct file *f, void *buf, size_t n, uint64_t *pos)
{
	struct iter it;

	iter_kernel(&it, buf, n);
	return file_rw(f, &it, pos, true);
}

/* Step back (n < 0: on) over what the target did not take.  A file's own
 * position may also live at the host (standard streams): lseek moves both. */
static void unread(struct file *f, uint64_t *pos, long n)
{
	if (pos != &f->pos || !f->ops->lseek || f->ops->lseek(f, -n, SEEK_CUR) < 0)
		*pos -= (uint64_t)n;
}

/* From a seekable file at *ipos to out at *opos.  once: until the file gives
 * less than asked, for who found room for count bytes in whole pages. */
static long copy_loop(struct file *in, uint64_t *ipos, struct file *out, uint64_t *opos, size_t count, bool once)
{
	size_t cap, total = 0;
	uint8_t *buf = kbuf_get(count, &cap);
	long n = 0;

	if (!buf)
		return -ENOMEM;
	while (total < count) {
		size_t want = MIN(count - total, cap);
		long w;

		n = read_into(in, buf, want, ipos);
		if (n <= 0)
			break;
		w = write_from(out, buf, (size_t)n, opos);
		if (w < n)
			unread(in, ipos, n - MAX(w, 0L));
		if (w <= 0) {
			n = w;
			break;
		}
		total += (size_t)w;
		if (w < n || (once && (size_t)n < want) || signal_pending(current_task()))
			break;
	}
	kbuf_put(buf, cap);
	return total ? (long)total : n;
}

/* ---- from a file to a stream socket ---- */

struct file_iter { struct iter it; struct file *f; uint64_t *pos; size_t read; };

static size_t pull(struct iter *it, void *dst, size_t n)
{
	struct file_iter *fi = container_of(it, struct file_iter, it);
	long got = read_into(fi->f, dst, n, fi->pos);

	if (got <= 0)
		return 0;
	fi->read += (size_t)got;
	return (size_t)got;
}

static size_t lend(struct iter *it, size_t n, struct lent **ret, uint8_t **ret_bytes)
{
	struct file_iter *fi = container_of(it, struct file_iter, it);
	size_t got = fi->f->ops->lend ? fi->f->ops->lend(fi->f, *fi->pos, n, ret, ret_bytes) : 0;

	*fi->pos += got;
	fi->read += got;
	return got;
}

static const struct iter_source from_file = { .pull = pull, .lend = lend };

/* What the file holds of count bytes, as one write.  0: not this way. */
static long send_straight(struct file *in, uint64_t *ipos, struct file *out, size_t count)
{
	struct file_iter fi = { .f = in, .pos = ipos };
	uint64_t size = inode_size(in->inode), none = 0;
	long n;

	if (!is_reg(in) || *ipos >= size || !file_is_socket(out) || socket_of(out)->type != SOCK_STREAM)
		return 0;
	iter_kernel(&fi.it, NULL, MIN(count, size - *ipos));
	fi.it.source = &from_file;
	n = file_rw(out, &fi.it, &none, true);
	/* Less when the socket broke off, more when its peer is gone and nobody
	 * asked for the bytes. */
	if ((size_t)MAX(n, 0L) != fi.read)
		unread(in, ipos, (long)fi.read - MAX(n, 0L));
	return n == -EFAULT ? 0 : n;    /* the file has less, or cannot be read */
}

static long send_file(struct file *in, uint64_t *ipos, struct file *out, uint64_t *opos, size_t count)
{
	uint64_t size = inode_size(in->inode), there = size > *ipos ? size - *ipos : 0;
	long n = send_straight(in, ipos, out, count), more;

	if (n < 0 || (size_t)n == count || (n && (uint64_t)n < there))
		return n;
	more = copy_loop(in, ipos, out, opos, count - (size_t)n, false);
	return n && more < 0 ? n : n + more;
}

/* A position argument: from user memory, or the file's own (locked). */
struct pos_arg { struct file *f; uaddr user; uint64_t given; uint64_t *pos; bool own; };

static int pos_begin(struct pos_arg *p, struct file *f, uaddr user)
{
	int64_t v;

	*p = (struct pos_arg){ .f = f, .user = user, .pos = &p->given };
	if (user.va) {
		if (copy_in(&v, user, sizeof(v)))
			return -EFAULT;
		if (!file_has_positions(f))
			return -ESPIPE;
		p->given = (uint64_t)v;
		return 0;
	}
	p->own = f->mode & FMODE_SEEK;
	if (p->own) {
		mutex_lock(&f->pos_lock);
		p->pos = &f->pos;
	}
	return 0;
}

static int pos_end(struct pos_arg *p)
{
	if (p->own) {
		mutex_unlock(&p->f->pos_lock);
	} else if (p->user.va) {
		return copy_out(p->user, &p->given, sizeof(p->given));
	}
	return 0;
}

/* Both for reading and writing; else -EBADF. */
static int modes_ok(const struct file *in, const struct file *out)
{
	return (in->mode & FMODE_READ) && (out->mode & FMODE_WRITE) ? 0 : -EBADF;
}

/* Both descriptors; else -EBADF. */
static int fds_both(int in_fd, int out_fd, struct file **in, struct file **out)
{
	*in = fd_get(in_fd);
	*out = fd_get(out_fd);
	if (*in && *out)
		return 0;
	file_put(*in);
	file_put(*out);
	return -EBADF;
}

static int fds_get(int in_fd, int out_fd, struct file **in, struct file **out)
{
	int err = fds_both(in_fd, out_fd, in, out);

	if (err || !modes_ok(*in, *out))
		return err;
	file_put(*in);
	file_put(*out);
	return -EBADF;
}

/* Both positions; the own ones locked in address order. */
static int both_begin(struct pos_arg *a, struct file *in, uaddr uin, struct pos_arg *b, struct file *out, uaddr uout)
{
	int err;

	if (in == out && !uin.va && !uout.va) {
		/* One position read twice; the reader's is written back last. */
		err = pos_begin(a, in, uin);
		if (!err)
			*b = (struct pos_arg){ .f = out, .pos = &b->given, .given = *a->pos };
		return err;
	}
	if (in < out) {
		err = pos_begin(a, in, uin);
		if (err)
			return err;
		err = pos_begin(b, out, uout);
		if (err && a->own)
			mutex_unlock(&in->pos_lock);
	} else {
		err = pos_begin(b, out, uout);
		if (err)
			return err;
		err = pos_begin(a, in, uin);
		if (err && b->own)
			mutex_unlock(&out->pos_lock);
	}
	return err;
}

static bool negative(const struct pos_arg *p) { return p->user.va && (int64_t)p->given < 0; }

SYSCALL6(copy_file_range, int, in_fd, uaddr, uin, int, out_fd, uaddr, uout, size_t, count, unsigned, flags)
{
	struct file *in, *out;
	struct pos_arg ip, op;
	uint64_t end;
	long n;

	if (flags)
		return -EINVAL;
	n = fds_both(in_fd, out_fd, &in, &out);
	if (n)
		return n;
	if (S_ISDIR(inode_mode(in->inode)) || S_ISDIR(inode_mode(out->inode)))
		n = -EISDIR;
	else if (!is_reg(in) || !is_reg(out))
		n = -EINVAL;
	else if (modes_ok(in, out) || (out->flags & O_APPEND))
		n = -EBADF;
	else if (in->inode->sb != out->inode->sb)
		n = -EXDEV;
	else
		n = both_begin(&ip, in, uin, &op, out, uout);
	if (!n) {
		if (add_overflows(*ip.pos, count, &end) || add_overflows(*op.pos, count, &end)) {
			n = -EOVERFLOW;
		} else if (negative(&ip) || negative(&op)) {
			n = -EINVAL;
		} else {
			uint64_t size = inode_size(in->inode);

			count = *ip.pos < size ? MIN(MIN(count, COPY_MAX), size - *ip.pos) : 0;
			if (in->inode == out->inode && *ip.pos < *op.pos + count && *op.pos < *ip.pos + count)
				n = -EINVAL;    /* what is there overlaps */
			else if (count)
				n = *op.pos > INT64_MAX - count ? -EFBIG :
				    copy_loop(in, ip.pos, out, op.pos, count, false);
		}
		if (pos_end(&op) | pos_end(&ip))
			n = -EFAULT;
	}
	rw_notify(in, n, false);
	rw_notify(out, n, true);
	file_put(in);
	file_put(out);
	return n;
}

/* ---- pipes ---- */

/* Wait until f shows one of the events; -EAGAIN if it may not block. */
static int wait_for(struct file *f, uint32_t events, bool nonblock)
{
	struct poll_wait_set *set;
	int err = 0;

	if (file_poll(f, NULL) & (events | POLLERR | POLLHUP))
		return 0;
	if (nonblock)
		return -EAGAIN;
	set = kmalloc(sizeof(*set));
	if (!set)
		return -ENOMEM;
	poll_wait_set_init(set);
	if (!(file_poll(f, set) & (events | POLLERR | POLLHUP))) {
		while (!err && !(file_poll(f, NULL) & (events | POLLERR | POLLHUP)))
			err = poll_wait_set_sleep(set, NO_DEADLINE);
	}
	poll_wait_set_free(set);
	kfree(set);
	return err == -EINTR ? -ERESTARTSYS : err;
}

/* From a pipe to anything. */
static long from_pipe(struct file *in, struct file *out, uint64_t *opos, size_t count, bool nonblock)
{
	size_t cap, total = 0;
	uint8_t *buf = kbuf_get(count, &cap);
	long n = 0;

	if (!buf)
		return -ENOMEM;
	while (total < count) {
		size_t want;
		long w;

		if (!total) {
			n = wait_for(in, POLLIN, nonblock);
			if (n)
				break;
		}
		want = MIN(count - total, cap);
		n = pipe_peek(in, buf, want);
		if (n <= 0)
			break;
		w = write_from(out, buf, (size_t)n, opos);
		if (w <= 0) {
			n = w;
			break;
		}
		pipe_skip(in, (size_t)w);
		total += (size_t)w;
		if (w < n || (size_t)n < want || signal_pending(current_task()))
			break;
	}
	kbuf_put(buf, cap);
	return total ? (long)total : n;
}

/* Room in a pipe, waiting for some.  One that nobody reads is the first thing said. */
static long wait_room(struct file *p, bool nonblock)
{
	for (;;) {
		long room = pipe_room(p);
		int err;

		if (file_poll(p, NULL) & POLLERR) {
			ipc_raise_sigpipe();
			return -EPIPE;
		}
		if (room > 0)
			return room;
		err = wait_for(p, POLLOUT, nonblock);
		if (err)
			return err;
	}
}

static long to_pipe(struct file *in, uint64_t *ipos, struct file *out, size_t count, bool nonblock)
{
	long room = wait_room(out, nonblock), n;
	uint64_t none = 0;
	struct iter it;
	uint8_t *buf;
	size_t cap;

	if (room < 0)
		return room;
	if (file_has_positions(in))
		return copy_loop(in, ipos, out, &none, MIN(count, (size_t)room), true);
	if (nonblock && !S_ISSOCK(inode_mode(in->inode))) {
		n = wait_for(in, POLLIN, true);
		if (n)
			return n;
	}
	count = MIN(count, (size_t)room);
	buf = kbuf_get(count, &cap);
	if (!buf)
		return -ENOMEM;
	count = MIN(count, cap);
	iter_kernel(&it, buf, count);
	it.nowait = nonblock;           /* a socket knows best why there is nothing */
	n = file_rw(in, &it, &none, false);
	if (n > 0)
		n = write_from(out, buf, (size_t)n, &none);
	kbuf_put(buf, cap);
	return n;
}

static bool is_pipe(struct file *f) { return pipe_queued(f) >= 0; }

/* Past what a position can say. */
static bool too_far(const struct pos_arg *p, size_t count)
{
	int64_t end;

	return p->user.va && ((int64_t)p->given < 0 || add_overflows((int64_t)p->given, (int64_t)count, &end));
}

/* Descriptors of events and the null device have nothing to give, and a full one takes nothing. */
static bool can_splice(struct file *f, bool from)
{
	uint32_t m = inode_mode(f->inode);

	if (f->ops == (from ? &null_fops : &full_fops))
		return false;
	return S_ISREG(m) || S_ISFIFO(m) || S_ISSOCK(m) || S_ISDIR(m) || S_ISCHR(m);
}

/* What sendfile(2) says of its source before it looks at the target, as on Linux. */
static int sendfile_source(struct file *in, bool at, int64_t off, size_t count)
{
	int64_t end;

	if (!in || !(in->mode & FMODE_READ))
		return -EBADF;
	if (at && !file_has_positions(in))
		return -ESPIPE;
	return (int64_t)count < 0 || (at && (off < 0 || add_overflows(off, (int64_t)count, &end))) ? -EINVAL : 0;
}

SYSCALL4(sendfile, int, out_fd, int, in_fd, uaddr, uoff, size_t, count)
{
	struct file *in, *out = NULL;
	struct pos_arg ip, op;
	int64_t off = 0;
	long n;

	if (uoff.va && copy_in(&off, uoff, sizeof off))
		return -EFAULT;
	in = fd_get(in_fd);
	n = sendfile_source(in, uoff.va, off, count);
	if (n)
		goto out;
	out = fd_get(out_fd);
	count = MIN(count, COPY_MAX);
	if (!out || modes_ok(in, out))
		n = -EBADF;
	else if (!is_pipe(out) && (out->flags & O_APPEND))
		n = -EINVAL;
	else if (!is_pipe(out) && !(in->mode & FMODE_SEEK) && !(in->ops && in->ops->lseek))
		n = -EINVAL;
	else if (!count)
		n = 0;
	else if (!can_splice(in, true) || is_pipe(in) || S_ISDIR(inode_mode(in->inode)) || !can_splice(out, false))
		n = -EINVAL;
	else
		n = both_begin(&ip, in, uoff, &op, out, (uaddr){ 0 });
	if (n || !out || !count)
		goto out;
	/* A pipe takes what it has room for, anything else all. */
	if (is_pipe(out))
		n = to_pipe(in, ip.pos, out, count, out->flags & O_NONBLOCK);
	else
		n = send_file(in, ip.pos, out, op.pos, count);
	(void)pos_end(&op);
	if (pos_end(&ip))
		n = -EFAULT;
	rw_notify(in, n, false);
	rw_notify(out, n, true);
out:
	file_put(in);
	file_put(out);
	return n;
}

SYSCALL6(splice, int, in_fd, uaddr, uin, int, out_fd, uaddr, uout, size_t, count, unsigned, flags)
{
	struct file *in, *out;
	struct pos_arg ip, op;
	bool nonblock;
	long n;

	if (!count)
		return 0;
	if (flags & ~(SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT))
		return -EINVAL;
	n = fds_both(in_fd, out_fd, &in, &out);
	if (n)
		return n;
	count = MIN(count, COPY_MAX);
	nonblock = flags & SPLICE_F_NONBLOCK;
	if ((is_pipe(in) && uin.va) || (is_pipe(out) && uout.va))
		n = -ESPIPE;
	else if (modes_ok(in, out))
		n = -EBADF;
	else if (!is_pipe(in) && !is_pipe(out))
		n = -EINVAL;
	else if ((uin.va && !file_has_positions(in)) || (uout.va && !file_has_positions(out)))
		n = -EINVAL;
	else if (in->inode == out->inode || (out->flags & O_APPEND) || S_ISDIR(inode_mode(in->inode)))
		n = -EINVAL;
	else if (!can_splice(in, true) || !can_splice(out, false))
		n = -EINVAL;
	else
		n = both_begin(&ip, in, uin, &op, out, uout);
	if (!n && (too_far(&ip, count) || too_far(&op, count))) {
		(void)pos_end(&op);
		(void)pos_end(&ip);
		n = -EINVAL;
	} else if (!n) {
		if (is_pipe(in)) {
			long room = INT64_MAX;

			/* Of two pipes the first is looked at first. */
			if (is_pipe(out)) {
				room = wait_for(in, POLLIN, nonblock || (in->flags & O_NONBLOCK));
				if (!room)
					room = wait_room(out, nonblock || (out->flags & O_NONBLOCK));
			}
			n = room < 0 ? room : from_pipe(in, out, op.pos, MIN(count, (size_t)room),
							nonblock || (in->flags & O_NONBLOCK));
		} else {
			n = to_pipe(in, ip.pos, out, count, nonblock || (out->flags & O_NONBLOCK));
		}
		if (pos_end(&op) | pos_end(&ip))
			n = -EFAULT;
	}
	rw_notify(out, n, true);
	rw_notify(in, n, false);
	file_put(in);
	file_put(out);
	return n;
}

SYSCALL4(tee, int, in_fd, int, out_fd, size_t, count, unsigned, flags)
{
	bool nonblock = flags & SPLICE_F_NONBLOCK;
	struct file *in, *out;
	uint64_t none = 0;
	size_t cap;
	uint8_t *buf;
	long n;

	if (flags & ~(SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT))
		return -EINVAL;
	if (!count)
		return 0;
	n = fds_get(in_fd, out_fd, &in, &out);
	if (n)
		return n;
	if (!is_pipe(in) || !is_pipe(out) || in->inode == out->inode) {
		n = -EINVAL;
		goto out;
	}
	n = wait_for(in, POLLIN, nonblock || (in->flags & O_NONBLOCK));
	if (!n)
		n = wait_room(out, nonblock || (out->flags & O_NONBLOCK));
	if (n < 0)
		goto out;
	count = MIN(count, (size_t)n);
	buf = kbuf_get(count, &cap);
	n = buf ? pipe_peek(in, buf, MIN(count, cap)) : -ENOMEM;
	if (n > 0)
		n = write_from(out, buf, (size_t)n, &none);
	kbuf_put(buf, cap);
out:
	file_put(in);
	file_put(out);
	return n;
}

SYSCALL4(vmsplice, int, fd, uaddr, iov, uint64_t, count, unsigned, flags)
{
	struct file *f = fd_get(fd);
	uint64_t none = 0;
	struct iter it;
	long n;

	if (f && (flags & ~(SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT))) {
		file_put(f);
		return -EINVAL;
	}
	if (!f)
		return -EBADF;
	n = f->mode & (FMODE_READ | FMODE_WRITE) ? iter_user_iovec(&it, iov, count) : -EBADF;
	if (!n) {
		bool write = f->mode & FMODE_WRITE;

		if (it.left && !is_pipe(f))
			n = -EBADF;

		if (!n && it.left && write && (flags & SPLICE_F_NONBLOCK)) {
			n = wait_room(f, true);
			if (n > 0) {
				it.left = MIN(it.left, (size_t)n);
				n = 0;
			}
		}
		if (!n)
			n = it.left ? file_rw(f, &it, &none, write) : 0;
		iter_free(&it);
	}
	file_put(f);
	return n;
}
