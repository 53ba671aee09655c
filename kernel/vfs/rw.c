/* SPDX-License-Identifier: Apache-2.0 */
/* read, write and their vector and positioned forms, lseek.
 *
 * A seekable description moves its position under pos_lock, so that two
 * threads do not read the same bytes.  Everything passes one function,
 * file_rw(), which applies the rules common to all files: access mode,
 * RLIMIT_FSIZE, loss of set-id bits, events. */
#include "kernel/fs/dev/dev.h"
#include "kernel/ipc/ipc.h"
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/internal.h"
#include <linux_abi/inotify.h>

#define USER_SPAN (1ull << 47)           /* no address of a program lies behind it */

static bool is_reg(const struct file *f)
{
	return f->inode && S_ISREG(inode_mode(f->inode));
}

/* RLIMIT_FSIZE: shortens the write or refuses it with SIGXFSZ. */
static int limit_size(struct file *f, struct iter *it, uint64_t pos)
{
	uint64_t limit = rlimit_cur(RLIMIT_FSIZE);

	if (limit == RLIM_INFINITY)
		return 0;
	if (file_appends(f, it))
		pos = inode_size(f->inode);
	if (pos >= limit) {
		signal_send_task(current_task(), SIGXFSZ, NULL);
		return -EFBIG;
	}
	it->left = MIN(it->left, limit - pos);
	return 0;
}

long file_rw(struct file *f, struct iter *it, uint64_t *pos, bool write)
{
	struct io_count *count = &current_task()->io;
	int64_t end;
	long n;

	if (!(f->mode & (write ? FMODE_WRITE : FMODE_READ)))
		return -EBADF;
	if ((int64_t)*pos >= 0 && add_overflows((int64_t)*pos, (int64_t)it->left, &end))
		return -EINVAL;
	if (!f->ops || (write ? !f->ops->write : !f->ops->read))
		return f->inode && S_ISDIR(inode_mode(f->inode)) ? -EISDIR : -EINVAL;
	if (!write) {
		n = f->ops->read(f, it, pos);
		count->rchar += n > 0 ? (uint64_t)n : 0;
		count->syscr++;
		return n;
	}
	if (is_reg(f)) {
		int err;

		if ((int64_t)*pos < 0)
			return -EINVAL;
		err = it->left ? limit_size(f, it, *pos) : 0;
		if (err)
			return err;
		file_remove_privs(f);
	}
	n = f->ops->write(f, it, pos);
	count->wchar += n > 0 ? (uint64_t)n : 0;
	count->syscw++;
	return n;
}

void rw_notify(struct file *f, long n, bool write)
{
	if (n <= 0 || !f->path.dentry)
		return;
	notify_path(&f->path, write ? IN_MODIFY : IN_ACCESS);
}

/* With the description's own position. */
static long rw_cur(struct file *f, struct iter *it, bool write)
{
	uint64_t none = 0;
	long n;

	it->left = MIN(it->left, FILE_RW_MAX);
	if (f->mode & FMODE_SEEK) {
		mutex_lock(&f->pos_lock);
		n = file_rw(f, it, &f->pos, write);
		mutex_unlock(&f->pos_lock);
	} else {
		n = file_rw(f, it, &none, write);
	}
	rw_notify(f, n, write);
	return n;
}

bool file_has_positions(const struct file *f)
{
	return (f->mode & FMODE_SEEK) || (f->ops && f->ops->lseek && f->ops->lseek != noop_lseek);
}

long file_rw_at(struct file *f, struct iter *it, int64_t off, bool write)
{
	uint64_t pos = (uint64_t)off;
	long n;

	if (off < 0)
		return -EINVAL;
	if (!file_has_positions(f))
		return -ESPIPE;
	if (write && f->ops && f->ops->no_pwrite)
		return f->mode & FMODE_WRITE ? -ESPIPE : -EBADF;
	it->left = MIN(it->left, FILE_RW_MAX);
	n = file_rw(f, it, &pos, write);
	rw_notify(f, n, write);
	return n;
}

/* No such range of addresses: told also when not a byte would go there.  How the file was
 * opened comes first: file_rw() says so. */
static int range_error(const struct file *f, uaddr buf, size_t n, bool write)
{
	if (n <= USER_SPAN && buf.va <= USER_SPAN - n)
		return 0;
	return f->mode & (write ? FMODE_WRITE : FMODE_READ) ? -EFAULT : 0;
}

static long rw_buf(int fd, uaddr buf, size_t n, bool write)
{
	struct fd_use u = fd_use(fd);
	struct iter it;
	long ret;

	if (!u.file)
		return -EBADF;
	ret = range_error(u.file, buf, n, write);
	if (!ret) {
		iter_user(&it, buf, n);
		ret = rw_cur(u.file, &it, write);
	}
	fd_done(u);
	return ret;
}

SYSCALL3(read, int, fd, uaddr, buf, size_t, n)
{
	return rw_buf(fd, buf, n, false);
}

SYSCALL3(write, int, fd, uaddr, buf, size_t, n)
{
	return rw_buf(fd, buf, n, true);
}

static long prw_buf(int fd, uaddr buf, size_t n, int64_t off, bool write)
{
	struct fd_use u;
	struct iter it;
	long ret;

	if (off < 0)
		return -EINVAL;
	u = fd_use(fd);
	if (!u.file)
		return -EBADF;
	ret = file_has_positions(u.file) ? range_error(u.file, buf, n, write) : 0;
	if (!ret) {
		iter_user(&it, buf, MIN(n, FILE_RW_MAX));
		ret = file_rw_at(u.file, &it, off, write);
	}
	fd_done(u);
	return ret;
}

SYSCALL4(pread64, int, fd, uaddr, buf, size_t, n, int64_t, off)
{
	return prw_buf(fd, buf, n, off, false);
}

SYSCALL4(pwrite64, int, fd, uaddr, buf, size_t, n, int64_t, off)
{
	return prw_buf(fd, buf, n, off, true);
}

/* Vectors without a byte: nothing is asked of the file, but whether it could be; not even a datagram goes. */
static long rwv_nothing(const struct file *f, bool at, bool write)
{
	if (at && !file_has_positions(f))
		return -ESPIPE;
	if (!(f->mode & (write ? FMODE_WRITE : FMODE_READ)))
		return -EBADF;
	if (write)
		return f->ops && f->ops->write ? 0 : -EINVAL;
	return (f->ops && f->ops->read) || S_ISDIR(inode_mode(f->inode)) ? 0 : -EINVAL;
}

/* off -1: the current position. */
static long rwv(int fd, uaddr iov, uint64_t count, bool at, int64_t off, unsigned rwf, bool write)
{
	struct fd_use u;
	struct file *f;
	struct iter it;
	long ret;

	if (at && off < 0)
		return -EINVAL;
	u = fd_use(fd);
	f = u.file;
	if (!f)
		return -EBADF;
	if (at && !file_has_positions(f)) {
		fd_done(u);
		return -ESPIPE;
	}
	/* Pipes and memory know how not to wait. */
	if ((rwf & RWF_NOWAIT) && !is_reg(f) && pipe_queued(f) < 0 && f->ops != &null_fops && f->ops != &zero_fops) {
		fd_done(u);
		return -EOPNOTSUPP;
	}
	ret = iter_user_iovec(&it, iov, count);
	if (!ret) {
		it.append = rwf & RWF_APPEND;
		it.nowait = rwf & RWF_NOWAIT;
		if (!it.left)
			ret = rwv_nothing(f, at, write);
		else
			ret = at ? file_rw_at(f, &it, off, write) : rw_cur(f, &it, write);
		iter_free(&it);
	}
	fd_done(u);
	return ret;
}

SYSCALL3(readv, int, fd, uaddr, iov, uint64_t, count)
{
	return rwv(fd, iov, count, false, 0, 0, false);
}

SYSCALL3(writev, int, fd, uaddr, iov, uint64_t, count)
{
	return rwv(fd, iov, count, false, 0, 0, true);
}

SYSCALL5(preadv, int, fd, uaddr, iov, uint64_t, count, int64_t, off, uint64_t, off_high)
{
	return rwv(fd, iov, count, true, off, 0, false);
}

SYSCALL5(pwritev, int, fd, uaddr, iov, uint64_t, count, int64_t, off, uint64_t, off_high)
{
	return rwv(fd, iov, count, true, off, 0, true);
}

static long rwv2(int fd, uaddr iov, uint64_t count, int64_t off, unsigned rwf, bool write)
{
	if (rwf & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND))
		return -EOPNOTSUPP;
	return rwv(fd, iov, count, off != -1, off, rwf, write);
}

SYSCALL6(preadv2, int, fd, uaddr, iov, uint64_t, count, int64_t, off, uint64_t, off_high, unsigned, rwf)
{
	return rwv2(fd, iov, count, off, rwf, false);
}

SYSCALL6(pwritev2, int, fd, uaddr, iov, uint64_t, count, int64_t, off, uint64_t, off_high, unsigned, rwf)
{
	return rwv2(fd, iov, count, off, rwf, true);
}

SYSCALL3(lseek, int, fd, int64_t, off, unsigned, whence)
{
	struct file *f = fd_get(fd);
	int64_t ret;

	if (!f)
		return -EBADF;
	if (whence > SEEK_HOLE) {
		ret = -EINVAL;
	} else if (!f->ops || !f->ops->lseek) {
		ret = -ESPIPE;
	} else {
		mutex_lock(&f->pos_lock);
		ret = f->ops->lseek(f, off, (int)whence);
		mutex_unlock(&f->pos_lock);
	}
	file_put(f);
	return ret;
}
