/* SPDX-License-Identifier: Apache-2.0 */
/* chmod, chown, utimens and truncate families, fallocate, fsync, sync. */
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/internal.h"
#include "kernel/vfs/locks.h"
#include <linux_abi/inotify.h>

/* The path of a descriptor, for the f* calls; anonymous files have an inode
 * alone, which a path of NULL mount stands for.  *ret_f keeps it alive. */
static int fd_setattr(int fd, struct kattr *a)
{
	struct file *f = fd_get(fd);
	struct dentry stand_in = { 0 };
	struct path p;
	int err;

	if (!f)
		return -EBADF;
	p = f->path;
	if (!p.dentry) {
		stand_in.inode = f->inode;
		p.dentry = &stand_in;
	}
	err = vfs_setattr(&p, a);
	file_put(f);
	return err;
}

static int at_setattr(int dfd, ustr name, int flags, struct kattr *a)
{
	struct path p;
	int err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = path_at_user(dfd, name, flags, flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	err = vfs_setattr(&p, a);
	path_put(&p);
	return err;
}

SYSCALL2(chmod, ustr, name, uint32_t, mode)
{
	struct kattr a = { .mask = ATTR_MODE, .mode = mode & S_IALLUGO };

	return at_setattr(AT_FDCWD, name, 0, &a);
}

SYSCALL2(fchmod, int, fd, uint32_t, mode)
{
	struct kattr a = { .mask = ATTR_MODE, .mode = mode & S_IALLUGO };

	return fd_setattr(fd, &a);
}

SYSCALL3(fchmodat, int, dfd, ustr, name, uint32_t, mode)
{
	struct kattr a = { .mask = ATTR_MODE, .mode = mode & S_IALLUGO };

	return at_setattr(dfd, name, 0, &a);
}

SYSCALL4(fchmodat2, int, dfd, ustr, name, uint32_t, mode, int, flags)
{
	struct kattr a = { .mask = ATTR_MODE, .mode = mode & S_IALLUGO };

	return at_setattr(dfd, name, flags, &a);
}

static struct kattr own(uint32_t uid, uint32_t gid)
{
	struct kattr a = { .uid = uid, .gid = gid, .chown = true };

	if (uid != UINT32_MAX)
		a.mask |= ATTR_UID;
	if (gid != UINT32_MAX)
		a.mask |= ATTR_GID;
	return a;
}

SYSCALL3(chown, ustr, name, uint32_t, uid, uint32_t, gid)
{
	struct kattr a = own(uid, gid);

	return at_setattr(AT_FDCWD, name, 0, &a);
}

SYSCALL3(lchown, ustr, name, uint32_t, uid, uint32_t, gid)
{
	struct kattr a = own(uid, gid);

	return at_setattr(AT_FDCWD, name, AT_SYMLINK_NOFOLLOW, &a);
}

SYSCALL3(fchown, int, fd, uint32_t, uid, uint32_t, gid)
{
	struct kattr a = own(uid, gid);

	return fd_setattr(fd, &a);
}

SYSCALL5(fchownat, int, dfd, ustr, name, uint32_t, uid, uint32_t, gid, int, flags)
{
	struct kattr a = own(uid, gid);

	return at_setattr(dfd, name, flags, &a);
}

/* ---- times ---- */

/* ts NULL: both now.  Explicit times need ownership, "now" write permission. */
static int times_apply(const struct path *p, const struct linux_timespec *ts)
{
	struct inode *i = p->dentry->inode;
	struct kattr a = { 0 };
	int64_t now = vfs_now_ns();
	bool all_now = !ts || (ts[0].nsec == UTIME_NOW && ts[1].nsec == UTIME_NOW);

	for (unsigned k = 0; k < 2; k++) {
		int64_t v = now;

		if (ts && ts[k].nsec == UTIME_OMIT)
			continue;
		if (ts && ts[k].nsec != UTIME_NOW)
			v = ts[k].sec > INT64_MAX / (int64_t)NSEC_PER_SEC - 1 ? INT64_MAX :
			    ts[k].sec < INT64_MIN / (int64_t)NSEC_PER_SEC + 1 ? INT64_MIN :
			    ts[k].sec * (int64_t)NSEC_PER_SEC + ts[k].nsec;
		if (k) {
			a.mask |= ATTR_MTIME;
			a.mtime_ns = v;
		} else {
			a.mask |= ATTR_ATIME;
			a.atime_ns = v;
		}
	}
	if (!a.mask)
		return 0;
	if (mount_readonly(p->mnt) || (i->sb && i->sb->readonly))
		return -EROFS;
	if (all_now) {
		if (!owner_or_capable(i)) {
			int err = path_permission(p, MAY_WRITE);

			if (err)
				return err;
		}
	} else if (!owner_or_capable(i)) {
		return -EPERM;
	}
	return vfs_setattr(p, &a);
}

static bool timespec_valid(const struct linux_timespec *ts)
{
	return ts->nsec == UTIME_NOW || ts->nsec == UTIME_OMIT ||
	       (ts->nsec >= 0 && ts->nsec < (int64_t)NSEC_PER_SEC);
}

static int times_at(int dfd, ustr name, const struct linux_timespec *ts, int flags)
{
	struct path p;
	int err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!name.va && dfd != AT_FDCWD) {
		struct file *f = flags ? NULL : fd_get(dfd);
		struct dentry stand_in = { 0 };

		if (flags)
			return -EINVAL;
		if (!f)
			return -EBADF;
		p = f->path;
		if (!p.dentry) {
			stand_in.inode = f->inode;
			p.dentry = &stand_in;
		}
		err = times_apply(&p, ts);
		file_put(f);
		return err;
	}
	err = path_at_user(dfd, name, flags, flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	err = times_apply(&p, ts);
	path_put(&p);
	return err;
}

SYSCALL4(utimensat, int, dfd, ustr, name, uaddr, uts, int, flags)
{
	struct linux_timespec ts[2];

	if (!uts.va)
		return times_at(dfd, name, NULL, flags);
	if (copy_in(ts, uts, sizeof(ts)))
		return -EFAULT;
	if (ts[0].nsec == UTIME_OMIT && ts[1].nsec == UTIME_OMIT)
		return 0;               /* not even the name is looked at */
	if (!timespec_valid(&ts[0]) || !timespec_valid(&ts[1]))
		return -EINVAL;
	return times_at(dfd, name, ts, flags);
}

static int timevals_at(int dfd, ustr name, uaddr utv)
{
	struct linux_timeval tv[2];
	struct linux_timespec ts[2];

	if (!utv.va)
		return times_at(dfd, name, NULL, 0);
	if (copy_in(tv, utv, sizeof(tv)))
		return -EFAULT;
	for (unsigned k = 0; k < 2; k++) {
		if (tv[k].usec < 0 || tv[k].usec >= 1000000)
			return -EINVAL;
		ts[k] = (struct linux_timespec){ tv[k].sec, tv[k].usec * 1000 };
	}
	return times_at(dfd, name, ts, 0);
}

SYSCALL2(utimes, ustr, name, uaddr, utv)
{
	return timevals_at(AT_FDCWD, name, utv);
}

SYSCALL3(futimesat, int, dfd, ustr, name, uaddr, utv)
{
	return timevals_at(dfd, name, utv);
}

SYSCALL2(utime, ustr, name, uaddr, utb)
{
	int64_t t2[2];
	struct linux_timespec ts[2];

	if (!utb.va)
		return times_at(AT_FDCWD, name, NULL, 0);
	if (copy_in(t2, utb, sizeof(t2)))
		return -EFAULT;
	ts[0] = (struct linux_timespec){ t2[0], 0 };
	ts[1] = (struct linux_timespec){ t2[1], 0 };
	return times_at(AT_FDCWD, name, ts, 0);
}

/* ---- size ---- */

static int size_allowed(int64_t size)
{
	if ((uint64_t)size > rlimit_cur(RLIMIT_FSIZE)) {
		signal_send_task(current_task(), SIGXFSZ, NULL);
		return -EFBIG;
	}
	return 0;
}

SYSCALL2(truncate, ustr, name, int64_t, size)
{
	struct path p;
	struct inode *i;
	int err;

	if (size < 0)
		return -EINVAL;
	err = path_lookup_user(AT_FDCWD, name, LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	i = p.dentry->inode;
	if (S_ISDIR(inode_mode(i)))
		err = -EISDIR;
	else if (!S_ISREG(inode_mode(i)))
		err = -EINVAL;
	else
		err = path_permission(&p, MAY_WRITE);
	if (!err && __atomic_load_n(&i->deny_write, __ATOMIC_RELAXED) > 0)
		err = -ETXTBSY;
	if (!err)
		err = lease_break(i, true, false);
	if (!err)
		err = size_allowed(size);
	if (!err)
		err = vfs_truncate_inode(i, (uint64_t)size, NULL);
	if (!err)
		notify_path(&p, IN_MODIFY);
	path_put(&p);
	return err;
}

SYSCALL2(ftruncate, int, fd, int64_t, size)
{
	struct file *f;
	int err;

	if (size < 0)
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	if (!S_ISREG(inode_mode(f->inode)) || !(f->mode & FMODE_WRITE)) {
		err = -EINVAL;
	} else {
		err = size_allowed(size);
		if (!err) {
			file_remove_privs(f);
			err = vfs_truncate_inode(f->inode, (uint64_t)size, f);
		}
	}
	file_put(f);
	return err;
}

SYSCALL4(fallocate, int, fd, int, mode, int64_t, off, int64_t, n)
{
	struct file *f;
	int64_t end;
	int err;

	if (off < 0 || n <= 0)
		return -EINVAL;
	if (add_overflows(off, n, &end))
		return -EFBIG;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	if (!(f->mode & FMODE_WRITE))
		err = -EBADF;
	else if (S_ISFIFO(inode_mode(f->inode)))
		err = -ESPIPE;
	else if (S_ISDIR(inode_mode(f->inode)))
		err = -EISDIR;
	else if (!S_ISREG(inode_mode(f->inode)))
		err = -ENODEV;
	else if (!f->ops->fallocate)
		err = -EOPNOTSUPP;
	else if ((mode & FALLOC_FL_PUNCH_HOLE) && !(mode & FALLOC_FL_KEEP_SIZE))
		err = -EOPNOTSUPP;
	else
		err = mode & FALLOC_FL_KEEP_SIZE ? 0 : size_allowed(end);
	if (!err)
		err = f->ops->fallocate(f, mode, (uint64_t)off, (uint64_t)n);
	if (!err)
		notify_path(&f->path, IN_MODIFY);
	file_put(f);
	return err;
}

/* ---- durability ---- */

int file_sync(struct file *f, bool data_only)
{
	if (f->ops && f->ops->fsync)
		return f->ops->fsync(f, data_only);
	return S_ISREG(inode_mode(f->inode)) || S_ISDIR(inode_mode(f->inode)) ? 0 : -EINVAL;
}

static int sync_fd(int fd, bool data_only)
{
	struct file *f = fd_get(fd);
	int err;

	if (!f)
		return -EBADF;
	err = file_sync(f, data_only);
	file_put(f);
	return err;
}

SYSCALL1(fsync, int, fd)
{
	return sync_fd(fd, false);
}

SYSCALL1(fdatasync, int, fd)
{
	return sync_fd(fd, true);
}

SYSCALL4(sync_file_range, int, fd, int64_t, off, int64_t, n, unsigned, flags)
{
	struct file *f = fd_get(fd);
	uint32_t type = f ? inode_mode(f->inode) & S_IFMT : 0;

	file_put(f);
	if (!f)
		return -EBADF;
	if ((flags & ~SYNC_FILE_RANGE_ALL) || off < 0 || n < 0)
		return -EINVAL;
	if (type != S_IFREG && type != S_IFBLK && type != S_IFDIR && type != S_IFLNK)
		return -ESPIPE;
	return sync_fd(fd, true);
}

/* Nothing of the kernel's own is written late: each write has reached the
 * host or lives in memory. */
SYSCALL0(sync)
{
	return 0;
}

SYSCALL1(syncfs, int, fd)
{
	struct file *f = fd_get(fd);

	if (!f)
		return -EBADF;
	file_put(f);
	return 0;
}

SYSCALL4(fadvise64, int, fd, int64_t, off, int64_t, n, int, advice)
{
	struct file *f = fd_get(fd);
	int err = 0;

	if (!f)
		return -EBADF;
	if (S_ISFIFO(inode_mode(f->inode)))
		err = -ESPIPE;
	else if (n < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE)
		err = -EINVAL;
	file_put(f);
	return err;
}

SYSCALL3(readahead, int, fd, int64_t, off, size_t, n)
{
	struct file *f = fd_get(fd);
	int err = 0;

	if (!f)
		return -EBADF;
	if (!(f->mode & FMODE_READ))
		err = -EBADF;
	else if (!S_ISREG(inode_mode(f->inode)))
		err = -EINVAL;
	file_put(f);
	return err;
}
