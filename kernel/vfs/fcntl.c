/* SPDX-License-Identifier: Apache-2.0 */
/* dup family, fcntl(2), the ioctl(2) dispatch. */
#include "kernel/ipc/ipc.h"
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/internal.h"
#include "kernel/vfs/locks.h"
#include <linux_abi/ioctl.h>

uint32_t file_getfl(const struct file *f)
{
	bool opened = f->path.dentry || S_ISREG(inode_mode(f->inode));

	return f->flags | (opened && !(f->mode & FMODE_PATH) ? O_LARGEFILE : 0);
}

static int dup_from(int fd, unsigned min, bool cloexec)
{
	struct file *f = fd_get_any(fd);
	int n;

	if (!f)
		return -EBADF;
	n = fd_alloc(min, cloexec);
	if (n < 0) {
		file_put(f);
		return n;
	}
	fd_install(n, f);
	fd_offer_close(n, f);
	return n;
}

SYSCALL1(dup, int, fd)
{
	return dup_from(fd, 0, false);
}

static int dup_to(int oldfd, int newfd, bool cloexec)
{
	struct file *f = fd_get_any(oldfd);
	int err;

	if (!f)
		return -EBADF;
	err = newfd < 0 ? -EBADF : files_replace((unsigned)newfd, f, cloexec);
	if (err) {
		file_put(f);
		return err;
	}
	return newfd;
}

SYSCALL2(dup2, int, oldfd, int, newfd)
{
	if (oldfd == newfd) {
		struct file *f = fd_get_any(oldfd);

		if (!f)
			return -EBADF;
		file_put(f);
		return newfd;
	}
	return dup_to(oldfd, newfd, false);
}

SYSCALL3(dup3, int, oldfd, int, newfd, unsigned, flags)
{
	if ((flags & ~O_CLOEXEC) || oldfd == newfd)
		return -EINVAL;
	return dup_to(oldfd, newfd, flags & O_CLOEXEC);
}

#define SETFL_MASK (O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME)

/* Whether f tells of events by a signal; elsewhere O_ASYNC stays off. */
static bool has_sigio(struct file *f)
{
	uint32_t m = inode_mode(f->inode);

	return S_ISSOCK(m) || S_ISFIFO(m) || (S_ISCHR(m) && f->ops && f->ops->poll) || inotify_is(f);
}

static int set_flags(struct file *f, int fd, uint32_t want)
{
	uint32_t flags;
	int err;

	spin_lock(&f->lock);
	flags = (f->flags & ~SETFL_MASK) | (want & SETFL_MASK);
	spin_unlock(&f->lock);
	if (!has_sigio(f))
		flags &= ~(uint32_t)O_ASYNC;
	if ((flags & O_NOATIME) && !(f->flags & O_NOATIME) && !owner_or_capable(f->inode))
		return -EPERM;
	if ((flags & O_DIRECT) && !S_ISREG(inode_mode(f->inode)) && pipe_queued(f) < 0)
		return -EINVAL;
	if (f->ops && f->ops->set_flags) {
		err = f->ops->set_flags(f, flags);
		if (err)
			return err;
	}
	if ((flags ^ f->flags) & O_ASYNC) {
		err = sigio_set(f, fd, flags & O_ASYNC);
		if (err)
			return err;
	}
	spin_lock(&f->lock);
	f->flags = flags;
	spin_unlock(&f->lock);
	fd_flags_changed(&current_task()->uctx);
	return 0;
}

static long owner_ex(struct file *f, bool set, uaddr arg)
{
	struct linux_f_owner_ex ex;
	struct file_owner o;

	if (set) {
		if (copy_in(&ex, arg, sizeof(ex)))
			return -EFAULT;
		if (ex.type < F_OWNER_TID || ex.type > F_OWNER_PGRP)
			return -EINVAL;
		if (ex.pid < 0)
			return -ESRCH;
		return file_set_owner(f, ex.type == F_OWNER_PGRP ? -ex.pid : ex.pid, ex.type);
	}
	o = f->owner;
	ex.type = (int32_t)o.type;
	ex.pid = o.pid < 0 ? -o.pid : o.pid;
	return copy_out(arg, &ex, sizeof(ex));
}

static long owner_ids(struct file *f, uaddr arg)
{
	uint32_t ids[2] = { f->owner.uid, f->owner.euid };

	return copy_out(arg, ids, sizeof ids);
}

static long flock_cmd(struct file *f, unsigned cmd, uaddr arg)
{
	struct linux_flock l;
	bool ofd = cmd >= F_OFD_GETLK;
	long err;

	if (copy_in(&l, arg, sizeof(l)))
		return -EFAULT;
	if (cmd == F_GETLK || cmd == F_OFD_GETLK) {
		err = locks_get(f, &l, ofd);
		return err ? err : copy_out(arg, &l, sizeof(l));
	}
	return locks_set(f, &l, ofd, cmd == F_SETLKW || cmd == F_OFD_SETLKW);
}

#define HINT_MAX 5u                     /* RWH_WRITE_LIFE_EXTREME */

static long life_hint(struct file *f, bool set, uaddr arg)
{
	uint64_t v = __atomic_load_n(&f->inode->write_hint, __ATOMIC_RELAXED);

	if (!set)
		return copy_out(arg, &v, sizeof v);
	if (copy_in(&v, arg, sizeof v))
		return -EFAULT;
	if (v > HINT_MAX)
		return -EINVAL;
	if (inode_uid(f->inode) != current_cred()->fsuid && !capable(CAP_FOWNER))
		return -EPERM;
	__atomic_store_n(&f->inode->write_hint, (uint8_t)v, __ATOMIC_RELAXED);
	return 0;
}

static long special(struct file *f, unsigned cmd, uint64_t arg)
{
	switch (cmd) {
	case F_GETPIPE_SZ:
		return pipe_get_size(f);
	case F_SETPIPE_SZ:
		return pipe_set_size(f, arg);
	case F_ADD_SEALS:
		if (!(f->mode & FMODE_WRITE))
			return -EPERM;
		/* fallthrough */
	case F_GET_SEALS:
		return f->ops && f->ops->seals ? f->ops->seals(f, cmd, (uint32_t)arg) : -EINVAL;
	case F_GET_RW_HINT:
	case F_SET_RW_HINT:
		return life_hint(f, cmd == F_SET_RW_HINT, (uaddr){ arg });
	default:
		return -EINVAL;
	}
}

static long do_fcntl_file(struct file *f, int fd, unsigned cmd, uint64_t arg)
{
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if (arg >= rlimit_cur(RLIMIT_NOFILE))
			return -EINVAL;
		return dup_from(fd, (unsigned)arg, cmd == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return files_cloexec(current_task()->files, fd) ? FD_CLOEXEC : 0;
	case F_SETFD:
		return files_set_cloexec(fd, arg & FD_CLOEXEC);
	case F_GETFL:
		return (long)file_getfl(f);
	}
	if (f->mode & FMODE_PATH)
		return -EBADF;
	switch (cmd) {
	case F_SETFL:
		return set_flags(f, fd, (uint32_t)arg);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return flock_cmd(f, cmd, (uaddr){ arg });
	case F_SETOWN:
		return file_set_owner(f, (int32_t)arg, (int32_t)arg < 0 ? F_OWNER_PGRP : F_OWNER_PID);
	case F_GETOWN:
		return f->owner.pid;
	case F_SETOWN_EX:
	case F_GETOWN_EX:
		return owner_ex(f, cmd == F_SETOWN_EX, (uaddr){ arg });
	case F_GETOWNER_UIDS:
		return owner_ids(f, (uaddr){ arg });
	case F_SETSIG:
		if (arg > NSIG)
			return -EINVAL;
		f->sigio = (int32_t)arg;
		return 0;
	case F_GETSIG:
		return f->sigio;
	case F_GETLEASE:
		return lease_get(f);
	case F_SETLEASE:
		return lease_set(f, fd, arg);
	case F_NOTIFY:
		return dnotify_fcntl(f, fd, (uint32_t)arg);
	default:
		return special(f, cmd, arg);
	}
}

SYSCALL3(fcntl, int, fd, unsigned, cmd, uint64_t, arg)
{
	struct file *f = fd_get_any(fd);
	long ret;

	if (!f)
		return -EBADF;
	if (cmd == F_DUPFD_QUERY) {
		struct file *o = fd_get_any((int)arg);

		ret = o == f;
		if (o)
			file_put(o);
		else
			ret = -EBADF;
	} else {
		ret = do_fcntl_file(f, fd, cmd, arg);
		if (ret >= 0)
			fd_offer_fcntl(fd, f, cmd);
	}
	file_put(f);
	return ret;
}

/* ---- ioctl ---- */

/* FICLONE: no file system here shares blocks; what is wrong otherwise comes first. */
static long clone_from(struct file *out, int fd)
{
	struct file *in = fd_get(fd);
	long err = -EOPNOTSUPP;

	if (!in)
		return -EBADF;
	if (in->inode->sb != out->inode->sb)
		err = -EXDEV;
	else if (S_ISDIR(inode_mode(in->inode)) || S_ISDIR(inode_mode(out->inode)))
		err = -EISDIR;
	else if (!S_ISREG(inode_mode(in->inode)) || !S_ISREG(inode_mode(out->inode)))
		err = -EINVAL;
	else if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE) || (out->flags & O_APPEND))
		err = -EBADF;
	file_put(in);
	return err;
}

static long generic_ioctl(struct file *f, int fd, unsigned cmd, uint64_t arg, bool *handled)
{
	int32_t v;

	*handled = true;
	switch (cmd) {
	case FIOCLEX:
		return files_set_cloexec(fd, true);
	case FIONCLEX:
		return files_set_cloexec(fd, false);
	case FIONBIO:
	case FIOASYNC: {
		uint32_t bit = cmd == FIONBIO ? O_NONBLOCK : O_ASYNC;

		if (copy_in(&v, (uaddr){ arg }, sizeof(v)))
			return -EFAULT;
		if (bit == O_ASYNC && v && !has_sigio(f))
			return -ENOTTY;
		return set_flags(f, fd, v ? f->flags | bit : f->flags & ~bit);
	}
	case FIONREAD:
		if (S_ISREG(inode_mode(f->inode))) {
			struct kstat k;
			int err = inode_getattr(f->inode, &k);

			if (err)
				return err;
			v = (int32_t)(uint32_t)(k.size - f->pos);       /* what fits, as on Linux */
			return copy_out((uaddr){ arg }, &v, sizeof(v));
		}
		break;
	case FIGETBSZ:
		v = (int32_t)PLAT_PAGE_SIZE;
		return copy_out((uaddr){ arg }, &v, sizeof(v));
	case FICLONE:
		return clone_from(f, (int)arg);
	case FIOQSIZE:
		if (S_ISREG(inode_mode(f->inode)) || S_ISDIR(inode_mode(f->inode))) {
			uint64_t size = inode_size(f->inode);

			return copy_out((uaddr){ arg }, &size, sizeof(size));
		}
		break;
	}
	*handled = false;
	return 0;
}

SYSCALL3(ioctl, int, fd, unsigned, cmd, uint64_t, arg)
{
	struct file *f = fd_get(fd);
	bool handled;
	long ret;

	if (!f)
		return -EBADF;
	ret = generic_ioctl(f, fd, cmd, arg, &handled);
	if (!handled)
		ret = f->ops && f->ops->ioctl ? f->ops->ioctl(f, cmd, arg) : -ENOTTY;
	file_put(f);
	return ret;
}
