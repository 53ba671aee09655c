/* SPDX-License-Identifier: Apache-2.0 */
/* stat family, statx, statfs, readlink, access. */
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/internal.h"

static int stat_out(uaddr to, const struct kstat *k)
{
	struct linux_timespec a = ns_timespec(k->atime_ns), m = ns_timespec(k->mtime_ns), c = ns_timespec(k->ctime_ns);
	struct linux_stat s = {
		.dev = k->dev, .ino = k->ino, .nlink = k->nlink, .mode = k->mode,
		.uid = k->uid, .gid = k->gid, .rdev = k->rdev, .size = (int64_t)k->size,
		.blksize = (int64_t)k->blksize, .blocks = (int64_t)k->blocks,
		.atime = (uint64_t)a.sec, .atime_nsec = (uint64_t)a.nsec,
		.mtime = (uint64_t)m.sec, .mtime_nsec = (uint64_t)m.nsec,
		.ctime = (uint64_t)c.sec, .ctime_nsec = (uint64_t)c.nsec,
	};

	return copy_out(to, &s, sizeof(s));
}

/* ret_mnt_id, ret_mnt_root may be NULL. */
static int stat_at(int dfd, ustr name, int at_flags, struct kstat *k, uint64_t *ret_mnt_id, bool *ret_mnt_root)
{
	struct path p = { 0 };
	struct file *f = NULL;
	int err;

	if (at_flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	if ((at_flags & AT_EMPTY_PATH) && dfd != AT_FDCWD) {
		char c = 0;

		/* fstat by another name, also of files without a path. */
		if (name.va && copy_in(&c, (uaddr){ name.va }, 1))
			return -EFAULT;
		if (!c) {
			f = fd_get_any(dfd);
			if (!f)
				return -EBADF;
			err = inode_getattr(f->inode, k);
			p = f->path;
			goto out;
		}
	}
	err = path_at_user(dfd, name, at_flags, at_flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	err = vfs_getattr(&p, k);
out:
	if (ret_mnt_id) {
		*ret_mnt_id = p.mnt ? p.mnt->id : 0;
		*ret_mnt_root = p.mnt && p.mnt->root == p.dentry;
	}
	if (f)
		file_put(f);
	else
		path_put(&p);
	return err;
}

static int stat_user(int dfd, ustr name, int at_flags, uaddr to)
{
	struct kstat k;
	int err = stat_at(dfd, name, at_flags, &k, NULL, NULL);

	return err ? err : stat_out(to, &k);
}

SYSCALL2(stat, ustr, name, uaddr, st)
{
	return stat_user(AT_FDCWD, name, 0, st);
}

SYSCALL2(lstat, ustr, name, uaddr, st)
{
	return stat_user(AT_FDCWD, name, AT_SYMLINK_NOFOLLOW, st);
}

SYSCALL4(newfstatat, int, dfd, ustr, name, uaddr, st, int, flags)
{
	return stat_user(dfd, name, flags, st);
}

SYSCALL2(fstat, int, fd, uaddr, st)
{
	struct file *f = fd_get_any(fd);
	struct kstat k;
	int err;

	if (!f)
		return -EBADF;
	err = inode_getattr(f->inode, &k);
	file_put(f);
	return err ? err : stat_out(st, &k);
}

static struct linux_statx_timestamp xtime(int64_t ns)
{
	struct linux_timespec t = ns_timespec(ns);

	return (struct linux_statx_timestamp){ .sec = t.sec, .nsec = (uint32_t)t.nsec };
}

SYSCALL5(statx, int, dfd, ustr, name, int, flags, unsigned, mask, uaddr, to)
{
	struct linux_statx s;
	struct kstat k;
	uint64_t mnt_id;
	bool mnt_root;
	int err;

	if ((mask & STATX__RESERVED) || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	err = stat_at(dfd, name, flags, &k, &mnt_id, &mnt_root);
	if (err)
		return err;
	s = (struct linux_statx){
		.mask = STATX_BASIC_STATS | STATX_MNT_ID | (k.btime_ns ? STATX_BTIME : 0),
		.blksize = (uint32_t)k.blksize, .nlink = k.nlink, .uid = k.uid, .gid = k.gid,
		.mode = (uint16_t)k.mode, .ino = k.ino, .size = k.size, .blocks = k.blocks,
		.attributes = mnt_root ? STATX_ATTR_MOUNT_ROOT : 0,
		.attributes_mask = STATX_ATTR_MOUNT_ROOT,
		.atime = xtime(k.atime_ns), .btime = xtime(k.btime_ns),
		.ctime = xtime(k.ctime_ns), .mtime = xtime(k.mtime_ns),
		.rdev_major = MAJOR(k.rdev), .rdev_minor = MINOR(k.rdev),
		.dev_major = MAJOR(k.dev), .dev_minor = MINOR(k.dev), .mnt_id = mnt_id,
	};
	return copy_out(to, &s, sizeof(s));
}

/* ---- statfs ---- */

/* kind: the type of what has no name. */
static int statfs_out(struct super_block *sb, const struct mount *m, uint32_t kind, uaddr to)
{
	struct kstatfs k = { .type = sb->magic, .bsize = 4096, .namelen = NAME_MAX };
	struct linux_statfs s;
	int err = sb->ops && sb->ops->statfs ? sb->ops->statfs(sb, &k) : 0;

	if (err)
		return err;
	if (!m && (S_ISFIFO(kind) || S_ISSOCK(kind)))
		k.type = S_ISFIFO(kind) ? PIPEFS_MAGIC : SOCKFS_MAGIC;
	s = (struct linux_statfs){
		.type = (int64_t)k.type, .bsize = (int64_t)k.bsize, .frsize = (int64_t)k.bsize,
		.blocks = k.blocks, .bfree = k.bfree, .bavail = k.bavail, .files = k.files,
		.ffree = k.ffree, .namelen = (int64_t)k.namelen,
		.fsid = { (int32_t)sb->dev, 0 }, .flags = ST_VALID,
	};
	if (m) {
		if (mount_readonly(m))
			s.flags |= ST_RDONLY;
		if (m->flags & MNT_NOSUID)
			s.flags |= ST_NOSUID;
		if (m->flags & MNT_NODEV)
			s.flags |= ST_NODEV;
		if (m->flags & MNT_NOEXEC)
			s.flags |= ST_NOEXEC;
		if (m->flags & MNT_NOSYMFOLLOW)
			s.flags |= ST_NOSYMFOLLOW;
		if (m->flags & MNT_NODIRATIME)
			s.flags |= ST_NODIRATIME;
		s.flags |= m->flags & MNT_NOATIME ? ST_NOATIME : m->flags & MNT_STRICTATIME ? 0 : ST_RELATIME;
	}
	return copy_out(to, &s, sizeof(s));
}

SYSCALL2(statfs, ustr, name, uaddr, to)
{
	struct path p;
	int err = path_lookup_user(AT_FDCWD, name, LOOKUP_FOLLOW, &p);

	if (err)
		return err;
	err = statfs_out(p.dentry->sb, p.mnt, 0, to);
	path_put(&p);
	return err;
}

SYSCALL2(fstatfs, int, fd, uaddr, to)
{
	struct file *f = fd_get_any(fd);
	int err;

	if (!f)
		return -EBADF;
	err = f->inode && f->inode->sb ? statfs_out(f->inode->sb, f->path.mnt, inode_mode(f->inode), to) : -ENOSYS;
	file_put(f);
	return err;
}

/* ---- readlink ---- */

static long link_text(const struct path *p, char *buf, size_t size)
{
	struct inode *i = p->dentry->inode;

	if (!S_ISLNK(inode_mode(i)))
		return -EINVAL;
	if (i->ops->readlink)
		return i->ops->readlink(i, buf, size);
	if (i->ops->get_link_path) {
		struct path to;
		char *s;
		int err = i->ops->get_link_path(i, &to);

		if (err)
			return err;
		s = path_name(&to, NULL, buf, size, &err);
		path_put(&to);
		if (err)
			return err;
		memmove(buf, s, strlen(s));
		return (long)(buf + size - 1 - s);
	}
	return -EINVAL;
}

static long readlink_at(int dfd, ustr name, uaddr ubuf, int size)
{
	struct path p;
	char *buf, first;
	size_t cap;
	long n;

	if (size <= 0)
		return -EINVAL;
	n = path_at_user(dfd, name, AT_EMPTY_PATH, 0, &p);
	if (n)
		return n;
	buf = kbuf_get(PATH_MAX, &cap);
	if (!buf) {
		path_put(&p);
		return -ENOMEM;
	}
	n = link_text(&p, buf, PATH_MAX);
	if (n == -EINVAL && !copy_in(&first, (uaddr){ name.va }, 1) && !first)
		n = -ENOENT;            /* a descriptor's name must be a link's */
	path_put(&p);
	if (n > 0) {
		n = MIN(n, (long)size);
		if (copy_out(ubuf, buf, (size_t)n))
			n = -EFAULT;
	}
	kbuf_put(buf, cap);
	return n;
}

SYSCALL3(readlink, ustr, name, uaddr, buf, int, size)
{
	return readlink_at(AT_FDCWD, name, buf, size);
}

SYSCALL4(readlinkat, int, dfd, ustr, name, uaddr, buf, int, size)
{
	return readlink_at(dfd, name, buf, size);
}

/* ---- access ---- */

/* access(2) asks with the real ids: a copy of the credentials stands in while
 * the path is walked. */
static struct cred *swap_cred(struct task *t, struct cred *c)
{
	struct cred *old;

	spin_lock(&task_list_lock);
	old = t->cred;
	t->cred = c;
	spin_unlock(&task_list_lock);
	return old;
}

static int access_at(struct task *t, int dfd, ustr name, int mode, int flags)
{
	const struct cred *c = current_cred();
	struct cred *old = NULL, *mine;
	struct path p;
	int err;

	if ((mode & ~(R_OK | W_OK | X_OK)) || (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		return -EINVAL;
	if (!(flags & AT_EACCESS) && (c->uid != c->fsuid || c->gid != c->fsgid)) {
		mine = cred_copy(c, c->ngroups);
		if (!mine)
			return -ENOMEM;
		mine->fsuid = c->uid;
		mine->fsgid = c->gid;
		mine->cap_effective = c->uid ? 0 : c->cap_permitted;
		old = swap_cred(t, mine);
	}
	err = path_at_user(dfd, name, flags, flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &p);
	if (!err) {
		if (mode)
			err = path_permission(&p, (unsigned)mode);
		path_put(&p);
	}
	if (old)
		cred_put(swap_cred(t, old));
	return err;
}

SYSCALL2(access, ustr, name, int, mode)
{
	return access_at(t, AT_FDCWD, name, mode, 0);
}

SYSCALL3(faccessat, int, dfd, ustr, name, int, mode)
{
	return access_at(t, dfd, name, mode, 0);
}

SYSCALL4(faccessat2, int, dfd, ustr, name, int, mode, int, flags)
{
	return access_at(t, dfd, name, mode, flags);
}
