/* SPDX-License-Identifier: Apache-2.0 */
/* getdents(2), getdents64(2).
 *
 * Records are packed into a kernel buffer while the file system enumerates
 * (with its own locks), then copied out in one go. */
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/internal.h"
#include <linux_abi/dirent.h>
#include <linux_abi/inotify.h>

struct dents {
	struct dir_sink sink;
	uint8_t *buf;
	size_t size, used;
	bool old;
	int err;
};

static bool dents_emit(struct dir_sink *s, const char *name, size_t n, uint64_t ino, uint8_t dtype, int64_t next_pos)
{
	struct dents *d = container_of(s, struct dents, sink);
	size_t head = d->old ? offsetof(struct linux_dirent, name) : offsetof(struct linux_dirent64, name);
	size_t len = align_up(head + n + (d->old ? 2 : 1), 8);
	uint8_t *p = d->buf + d->used;

	if (len > d->size - d->used) {
		if (!d->used)
			d->err = -EINVAL;       /* not even one fits */
		return false;
	}
	memset(p, 0, len);
	if (d->old) {
		struct linux_dirent *e = (struct linux_dirent *)p;

		e->ino = ino;
		e->off = (uint64_t)next_pos;
		e->reclen = (uint16_t)len;
		p[len - 1] = dtype;
	} else {
		struct linux_dirent64 *e = (struct linux_dirent64 *)p;

		e->ino = ino;
		e->off = next_pos;
		e->reclen = (uint16_t)len;
		e->type = dtype;
	}
	memcpy(p + head, name, n);
	d->used += len;
	return true;
}

bool dir_emit_dots(struct file *f, struct dir_sink *s)
{
	struct inode *i = f->inode;

	if (f->pos == 0) {
		if (!s->emit(s, ".", 1, i->ino, DT_DIR, 1))
			return false;
		f->pos = 1;
	}
	if (f->pos == 1) {
		uint64_t ino = i->ino;

		if (f->path.dentry && f->path.mnt && f->path.dentry != f->path.mnt->root) {
			struct dentry *up = dentry_parent_get(f->path.dentry);

			ino = up->inode->ino;
			dentry_put(up);
		}
		if (!s->emit(s, "..", 2, ino, DT_DIR, 2))
			return false;
		f->pos = 2;
	}
	return true;
}

/* The buffer ends before its size: the records that it takes count, and the next call goes on behind them. */
static long dents_some(struct file *f, const struct dents *d, uaddr ubuf, uint64_t before)
{
	size_t done = 0;
	int64_t next = (int64_t)before;

	while (done < d->used) {
		/* Both kinds begin alike: inode number, offset, length. */
		const struct linux_dirent64 *e = (const struct linux_dirent64 *)(d->buf + done);

		if (copy_out(uaddr_add(ubuf, done), e, e->reclen))
			break;
		done += e->reclen;
		next = (int64_t)e->off;
	}
	if (!f->ops->lseek || f->ops->lseek(f, next, SEEK_SET) < 0)
		f->pos = (uint64_t)next;
	return done ? (long)done : -EFAULT;
}

static long dents(int fd, uaddr ubuf, unsigned size, bool old)
{
	struct dents d = { .sink.emit = dents_emit, .old = old };
	struct file *f = fd_get(fd);
	uint64_t pos;
	size_t cap;
	long err;

	if (!f)
		return -EBADF;
	err = -ENOTDIR;
	if (!f->ops || !f->ops->readdir || !f->inode || !S_ISDIR(inode_mode(f->inode)))
		goto out;
	d.buf = kbuf_get(size, &cap);
	d.size = MIN((size_t)size, cap);
	err = -ENOMEM;
	if (!d.buf)
		goto out;
	mutex_lock(&f->pos_lock);
	pos = f->pos;
	err = -ENOENT;
	if (inode_nlink(f->inode))
		err = f->ops->readdir(f, &d.sink);
	if (!err || d.used) {
		err = d.used ? (long)d.used : d.err;
		if (d.used && copy_out(ubuf, d.buf, d.used))
			err = dents_some(f, &d, ubuf, pos);
	}
	mutex_unlock(&f->pos_lock);
	kbuf_put(d.buf, cap);
	notify_path(&f->path, IN_ACCESS | IN_ISDIR);
out:
	file_put(f);
	return err;
}

SYSCALL3(getdents64, int, fd, uaddr, buf, unsigned, size)
{
	return dents(fd, buf, size, false);
}

SYSCALL3(getdents, int, fd, uaddr, buf, unsigned, size)
{
	return dents(fd, buf, size, true);
}
