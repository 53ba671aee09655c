/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox's standard streams as open files.
 *
 * A stream is a pipe, socket, file or device of the host that never blocks:
 * -EAGAIN means sleep until the stream's event (events.c).  Because one armed
 * condition raises one event, every sleeper arms anew before it sleeps.
 *
 * Trust: lengths and attributes from the host are clamped; an unknown error
 * is EIO. */
#include "kernel/fs/dev/dev.h"
#include "kernel/signal/signal.h"
#include "kernel/task/task.h"
#include "kernel/tty/tty.h"

#include <boot.h>
#include <hostcall.h>

#define CHUNK (64u << 10)

static struct stream {
	uint32_t n;
	bool ready;
	struct inode *inode;            /* shared by stdio_open of the same stream */
	struct waitq wq;
} streams[3];

static struct stream *stream_of(struct file *f) { return f->inode->priv; }

void stdio_stream_event(unsigned n)
{
	if (n < ARRAY_SIZE(streams) && streams[n].ready)
		waitq_wake_all(&streams[n].wq, 0);
}

static int stream_errno(int err)
{
	switch (-err) {
	case 0: case EPIPE: case EIO: case ENOSPC: case EFBIG: case ESPIPE:
	case EINVAL: case EBADF: case EDQUOT: case EISDIR:
		return err;
	default:
		return -EIO;
	}
}

static int wait_ready(struct file *f, uint32_t cond)
{
	struct stream *s = stream_of(f);
	int err;

	if (f->flags & O_NONBLOCK)
		return -EAGAIN;
	cond |= HC_POLL_HUP | HC_POLL_ERR;
	err = wait_event_interruptible(&s->wq, hc_stream_poll(s->n, cond) & cond);
	return err ? -ERESTARTSYS : 0;
}

static long stream_read(struct file *f, struct iter *to, uint64_t *pos_unused)
{
	size_t cap = MIN(to->left, (size_t)CHUNK), got = 0, put;
	uint8_t *buf;
	int err;

	if (!cap)
		return 0;
	buf = kmalloc(cap);
	if (!buf)
		return -ENOMEM;
	for (;;) {
		err = hc_stream_read(stream_of(f)->n, buf, cap, &got);
		if (err != -EAGAIN)
			break;
		err = wait_ready(f, HC_POLL_IN);
		if (err) {
			kfree(buf);
			return err;
		}
	}
	err = got > cap ? -EIO : stream_errno(err);
	put = err ? 0 : iter_copy_out(to, buf, got);
	kfree(buf);
	if (err)
		return err;
	return put || !got ? (long)put : -EFAULT;
}

/* Write all of buf, waiting as needed.  *ret_done counts also on failure. */
static int push(struct file *f, const uint8_t *buf, size_t n, size_t *ret_done)
{
	int err = 0;

	*ret_done = 0;
	while (*ret_done < n && !err) {
		size_t done = 0;

		err = hc_stream_write(stream_of(f)->n, buf + *ret_done, n - *ret_done, &done);
		if (err == -EAGAIN) {
			err = wait_ready(f, HC_POLL_OUT);
			continue;
		}
		err = done > n - *ret_done ? -EIO : stream_errno(err);
		if (!err && !done)
			err = -EIO;
		if (!err)
			*ret_done += done;
	}
	return err;
}

static long stream_write(struct file *f, struct iter *from, uint64_t *pos_unused)
{
	size_t cap = MIN(from->left, (size_t)CHUNK), total = 0;
	uint8_t *buf;
	int err = 0;

	if (!cap)
		return 0;
	buf = kmalloc(cap);
	if (!buf)
		return -ENOMEM;
	while (from->left && !err) {
		size_t want = MIN(from->left, cap), have = iter_copy_in(from, buf, want), done;

		err = push(f, buf, have, &done);
		total += done;
		if (!err && have < want)
			err = -EFAULT;
	}
	kfree(buf);
	if (err == -EPIPE && !total)
		signal_send_task(current_task(), SIGPIPE, NULL);
	return total ? (long)total : err;
}

static int64_t stream_lseek(struct file *f, int64_t off, int whence)
{
	uint64_t r = 0;
	int err;

	if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END)
		return -EINVAL;
	err = hc_stream_seek(stream_of(f)->n, off, whence, &r);
	if (err)
		return stream_errno(err);
	if (r > INT64_MAX)
		return -EIO;
	f->pos = r;
	return (int64_t)r;
}

/* Files: plain reads and writes move the offset that the host keeps, which
 * others may share (2>&1); positioned ones put it back. */
static long file_move(struct file *f, struct iter *it, uint64_t *pos,
		      long (*move)(struct file *, struct iter *, uint64_t *))
{
	uint32_t n = stream_of(f)->n;
	uint64_t saved = 0, at = 0;
	long ret;

	if (pos == &f->pos) {
		ret = move(f, it, NULL);
		if (ret > 0)
			*pos += (uint64_t)ret;
		return ret;
	}
	if (*pos > INT64_MAX || hc_stream_seek(n, 0, SEEK_CUR, &saved) ||
	    hc_stream_seek(n, (int64_t)*pos, SEEK_SET, &at))
		return -EIO;
	ret = move(f, it, NULL);
	if (hc_stream_seek(n, (int64_t)MIN(saved, (uint64_t)INT64_MAX), SEEK_SET, &at))
		ret = -EIO;
	if (ret > 0)
		*pos += (uint64_t)ret;
	return ret;
}

static long file_read(struct file *f, struct iter *to, uint64_t *pos)
{
	return file_move(f, to, pos, stream_read);
}

static long file_write(struct file *f, struct iter *from, uint64_t *pos)
{
	return file_move(f, from, pos, stream_write);
}

static uint32_t stream_poll(struct file *f, struct poll_table *pt)
{
	struct stream *s = stream_of(f);
	uint32_t arm = HC_POLL_HUP | HC_POLL_ERR, have, ev = 0;

	poll_wait(pt, &s->wq);
	if (f->mode & FMODE_READ)
		arm |= HC_POLL_IN;
	if (f->mode & FMODE_WRITE)
		arm |= HC_POLL_OUT;
	have = hc_stream_poll(s->n, pt ? arm : 0);
	if ((have & HC_POLL_IN) && (f->mode & FMODE_READ))
		ev |= POLLIN | POLLRDNORM;
	if ((have & HC_POLL_OUT) && (f->mode & FMODE_WRITE))
		ev |= POLLOUT | POLLWRNORM;
	if (have & HC_POLL_HUP)
		ev |= POLLHUP;
	if (have & HC_POLL_ERR)
		ev |= POLLERR;
	return ev;
}

static const struct file_ops stream_fops = {
	.read = stream_read,
	.write = stream_write,
	.poll = stream_poll,
};

static const struct file_ops stream_file_fops = {
	.read = file_read,
	.write = file_write,
	.lseek = stream_lseek,
};

static void set_ops(struct file *f, const struct inode *i)
{
	bool reg = S_ISREG(i->mode);

	f->ops = reg ? &stream_file_fops : &stream_fops;
	f->mode |= reg ? FMODE_SEEK : FMODE_STREAM;
}

static int stream_getattr(struct inode *i, struct kstat *ret)
{
	struct stream *s = i->priv;
	struct hc_attr a;

	inode_fill_stat(i, ret);
	if (!hc_stream_getattr(s->n, &a)) {
		ret->size = MIN(a.size, (uint64_t)INT64_MAX);
		ret->blocks = MIN(a.blocks, (uint64_t)INT64_MAX);
		ret->mtime_ns = a.mtime_ns;
		ret->rdev = a.rdev;
		/* Programs compare numbers to see whether 1 and 2 are one
		 * file, or the output is an input. */
		ret->ino = a.ino ? a.ino : i->ino;
	}
	return 0;
}

/* Again through /proc/self/fd/N or /dev/stdout. */
static int stream_open(struct inode *i, struct file *f)
{
	set_ops(f, i);
	return 0;
}

static int stream_permission(struct inode *i, unsigned may)
{
	return may & MAY_EXEC ? -EACCES : 0;
}

static int stream_setattr(struct inode *i, const struct kattr *a)
{
	/* O_TRUNC of a redirection through /dev/stdout, fchmod of an output:
	 * the host's object stays as it is. */
	return a->mask & (ATTR_UID | ATTR_GID) ? -EPERM : 0;
}

static const struct inode_ops stream_iops = {
	.getattr = stream_getattr,
	.setattr = stream_setattr,
	.permission = stream_permission,
	.open = stream_open,
};

static int stream_inode(struct stream *s, uint32_t n)
{
	struct hc_attr a = { .mode = S_IFIFO | 0600 };
	uint32_t type;

	if (s->inode)
		return 0;
	if (hc_stream_getattr(n, &a))
		a.mode = S_IFIFO | 0600;
	type = a.mode & S_IFMT;
	if (type != S_IFREG && type != S_IFCHR && type != S_IFSOCK)
		type = S_IFIFO;
	s->inode = anon_inode_new(type | (a.mode & 0777));
	if (!s->inode)
		return -ENOMEM;
	s->n = n;
	waitq_init(&s->wq);
	s->inode->ops = &stream_iops;
	s->inode->fops = &stream_fops;
	s->inode->priv = s;
	s->inode->rdev = a.rdev;
	s->ready = true;
	return 0;
}

static int open_named(const char *name, uint32_t flags, const struct file_ops *fallback, struct file **ret)
{
	int err = path_open(AT_FDCWD, name, flags | O_NOCTTY, 0, 0, ret);

	if (err && fallback)
		err = file_new_anon(fallback, NULL, flags, NULL, ret);
	return err;
}

static int open_terminal(const struct boot_params *bp, struct file **ret)
{
	struct tty *t;
	int err = tty_host_init(bp, &t);

	if (err)
		return err;
	err = open_named("/dev/pts/0", O_RDWR, NULL, ret);
	if (err)                        /* a root without /dev */
		err = inode_open_internal(t->inode, O_RDWR | O_NOCTTY, ret);
	return err;
}

int stdio_open(unsigned n, const struct boot_params *bp, struct file **ret)
{
	struct stream *s;
	int err;

	if (n >= ARRAY_SIZE(streams))
		return -EINVAL;
	if (bp->stdio[n] == BOOT_STDIO_TTY)
		return open_terminal(bp, ret);
	if (bp->stdio[n] != BOOT_STDIO_STREAM)
		return open_named("/dev/null", O_RDWR, &null_fops, ret);
	s = &streams[n];
	err = stream_inode(s, n);
	if (err)
		return err;
	/* The host's null device is ours: it cannot be polled, and needs no host. */
	if (S_ISCHR(s->inode->mode) && s->inode->rdev == MKDEV(1, 3))
		return open_named("/dev/null", n == 0 ? O_RDONLY : O_WRONLY, &null_fops, ret);
	err = file_new_anon(&stream_fops, NULL, n == 0 ? O_RDONLY : O_WRONLY, s->inode, ret);
	if (!err)
		set_ops(*ret, s->inode);
	return err;
}
