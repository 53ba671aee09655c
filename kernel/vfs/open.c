/* SPDX-License-Identifier: Apache-2.0 */
/* open(2), openat2(2), creat(2), close(2), close_range(2); opening for exec.
 *
 * An open with O_CREAT walks to the parent, then tries the cached child, then
 * looks again and creates with the directory locked. */
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/internal.h"
#include "kernel/vfs/locks.h"
#include <linux_abi/inotify.h>

#define OPEN_KNOWN (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | \
		    O_SYNC | O_ASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | \
		    O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE_BIT)

static unsigned may_of_flags(uint32_t flags)
{
	static const uint8_t may[4] = { MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE };

	return may[flags & O_ACCMODE] | (flags & O_TRUNC ? MAY_WRITE : 0);
}

int vfs_truncate_inode(struct inode *i, uint64_t size, struct file *f)
{
	int err;

	if (f && f->ops && f->ops->truncate) {
		err = f->ops->truncate(f, size);
	} else {
		struct kattr a = { .mask = ATTR_SIZE, .size = size };

		if (!i->ops || !i->ops->setattr)
			return -EINVAL;
		mutex_lock(&i->lock);
		err = i->ops->setattr(i, &a);
		mutex_unlock(&i->lock);
	}
	if (!err && f && f->path.dentry)
		notify_path(&f->path, IN_MODIFY);
	return err;
}

static void notify_open(const struct path *p)
{
	notify_path(p, IN_OPEN);
}

/* Open what the walk has found. */
int dentry_open(const struct path *p, uint32_t flags, bool created, struct file **ret)
{
	struct inode *i = p->dentry->inode;
	struct file *f;
	int err;

	if (S_ISLNK(inode_mode(i)) && !(flags & O_PATH))
		return -ELOOP;
	if ((flags & O_DIRECTORY) && !S_ISDIR(inode_mode(i)))
		return -ENOTDIR;
	if (!(flags & O_PATH)) {
		unsigned may = may_of_flags(flags);

		if (S_ISDIR(inode_mode(i)) && ((may & MAY_WRITE) || (flags & O_CREAT)))
			return -EISDIR;
		if ((S_ISCHR(inode_mode(i)) || S_ISBLK(inode_mode(i))) && p->mnt && (p->mnt->flags & MNT_NODEV))
			return -EACCES;
		if (!created) {
			err = path_permission(p, may);
			if (err)
				return err;
		}
		if ((flags & O_NOATIME) && !owner_or_capable(i))
			return -EPERM;
	}
	if (!S_ISREG(inode_mode(i)) || created)
		flags &= ~O_TRUNC;
	err = file_open_path(p, flags, false, &f);
	if (err)
		return err;
	if (!(flags & O_PATH) && !created) {
		err = lease_break(i, (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC), flags & O_NONBLOCK);
		if (err) {
			file_put(f);
			return err;
		}
	}
	if (!(flags & O_PATH))
		notify_open(p);
	if ((flags & O_TRUNC) && !(flags & O_PATH)) {
		file_remove_privs(f);
		err = vfs_truncate_inode(f->inode, 0, f);
		if (err) {
			file_put(f);
			return err;
		}
	}
	*ret = f;
	return 0;
}

static int open_tmpfile(int dfd, const char *name, uint32_t flags, uint32_t mode, unsigned lookup, struct file **ret)
{
	struct path dir, p;
	struct inode *i;
	int err;

	if (!(flags & O_ACCMODE))
		return -EINVAL;
	err = path_lookup(dfd, name, lookup | LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &dir);
	if (err)
		return err;
	err = path_permission(&dir, MAY_WRITE | MAY_EXEC);
	if (!err && (!dir.dentry->inode->ops->tmpfile))
		err = -EOPNOTSUPP;
	if (err)
		goto out;
	mutex_lock(&dir.dentry->inode->lock);
	err = dir.dentry->inode->ops->tmpfile(dir.dentry->inode, mode & ~current_umask() & S_IALLUGO, &i);
	mutex_unlock(&dir.dentry->inode->lock);
	if (err)
		goto out;
	{
		char text[24];
		int n = ksnprintf(text, sizeof(text), "#%llu", (unsigned long long)i->ino);

		p.dentry = dentry_new(dir.dentry, text, (size_t)n, i);
	}
	if (!p.dentry) {
		inode_put(i);
		err = -ENOMEM;
		goto out;
	}
	p.mnt = mount_get(dir.mnt);
	i->linkable = !(flags & O_EXCL);
	err = dentry_open(&p, flags & ~(O_TMPFILE | O_CREAT | O_TRUNC), true, ret);
	if (!err)
		(*ret)->flags |= flags & O_TMPFILE;
	path_put(&p);
out:
	path_put(&dir);
	return err;
}

/* dir->lock is held; `d` says that the name is free.  The new child in *ret. */
static int create_locked(const struct path *dir, const char *name, size_t n, uint32_t mode, struct dentry **ret)
{
	struct inode *di = dir->dentry->inode, *i;
	struct dentry *spare;
	int err = may_create(dir);

	if (err)
		return err;
	if (!di->ops->create)
		return -EACCES;
	spare = dentry_new(dir->dentry, name, n, NULL);
	if (!spare)
		return -ENOMEM;
	err = di->ops->create(di, name, n, S_IFREG | (mode & ~current_umask() & S_IALLUGO), &i);
	if (err) {
		dentry_put(spare);
		return err;
	}
	dentry_instantiate(spare, i);
	*ret = spare;
	return 0;
}

static int open_create(struct walk *w, uint32_t flags, uint32_t mode, struct file **ret)
{
	for (;;) {
		struct dentry *d = NULL, *dir;
		struct path p;
		bool created = false;
		int err = walk_to_last(w);

		if (err)
			return err;
		if (!w->last_size || name_is_dots(w->last, w->last_size))
			return flags & O_EXCL ? -EEXIST : -EISDIR;
		dir = w->cur.dentry;
		if (!S_ISDIR(inode_mode(dir->inode)))
			return -ENOTDIR;
		if (w->need_dir)
			return -EISDIR;
		err = inode_permission(dir->inode, MAY_EXEC);
		if (err)
			return err;
		err = lookup_child(dir, w->last, w->last_size, false, &d);
		if (err && err != -ENOENT)
			return err;
		if (err || !d->inode) {
			if (!err)
				dentry_put(d);
			d = NULL;
			mutex_lock(&dir->inode->lock);
			err = lookup_child_locked(dir, w->last, w->last_size, &d);
			if (err == -ENOENT || (!err && !d->inode)) {
				if (d)
					dentry_put(d);
				err = create_locked(&w->cur, w->last, w->last_size, mode, &d);
				created = !err;
			}
			mutex_unlock(&dir->inode->lock);
			if (err)
				return err;
		}
		if (created)
			notify_child(dir->inode, w->last, w->last_size, IN_CREATE, 0);
		else if (flags & O_EXCL) {
			dentry_put(d);
			return -EEXIST;
		}
		if (S_ISLNK(inode_mode(d->inode))) {
			if (flags & O_NOFOLLOW) {
				dentry_put(d);
				return -ELOOP;
			}
			err = sticky_may_follow(dir->inode, d->inode);
			if (!err)
				err = walk_follow(w, d->inode);
			dentry_put(d);
			if (err < 0)
				return err;
			if (err == 2)
				return dentry_open(&w->cur, flags, false, ret);
			continue;
		}
		p.mnt = mount_get(w->cur.mnt);
		p.dentry = d;
		err = created ? 0 : sticky_may_open(dir->inode, d->inode);
		if (mount_descend(&p) && (w->flags & LOOKUP_NO_XDEV))
			err = -EXDEV;
		if (!err)
			err = dentry_open(&p, flags, created, ret);
		path_put(&p);
		return err;
	}
}

static int open_once(int dfd, const char *name, uint32_t flags, uint32_t mode, unsigned lookup, struct file **ret)
{
	struct path p;
	struct walk w;
	int err;

	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if (flags & O_TMPFILE_BIT) {
		if ((flags & O_TMPFILE) != O_TMPFILE || (flags & O_CREAT))
			return -EINVAL;
		return open_tmpfile(dfd, name, flags, mode, lookup, ret);
	}
	if ((flags & O_CREAT) && (flags & O_DIRECTORY))
		return -EINVAL;
	if (!(flags & O_NOFOLLOW))
		lookup |= LOOKUP_FOLLOW;
	if (!(flags & O_CREAT)) {
		if (flags & O_DIRECTORY)
			lookup |= LOOKUP_DIRECTORY;
		else if ((flags & (O_ACCMODE | O_PATH | O_TRUNC)) == O_RDONLY)
			lookup |= LOOKUP_OPEN;
		err = path_lookup(dfd, name, lookup, &p);
		if (err)
			return err == -ENOTDIR && (flags & O_NOFOLLOW) ? -ENOTDIR : err;
		err = dentry_open(&p, flags, false, ret);
		path_put(&p);
		return err;
	}
	err = walk_init(&w, dfd, name, lookup);
	if (!err)
		err = open_create(&w, flags, mode, ret);
	walk_end(&w);
	return err;
}

static int open_exec_once(int dfd, const char *name, int at_flags, unsigned lookup, struct file **ret)
{
	struct path p;
	int err;

	if (at_flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	if (!*name && (at_flags & AT_EMPTY_PATH) && dfd != AT_FDCWD) {
		struct file *f = fd_get_any(dfd);

		if (!f)
			return -EBADF;
		if (!f->path.dentry) {
			file_put(f);
			return -EACCES;
		}
		p = f->path;
		path_get(&p);
		file_put(f);
	} else {
		err = path_lookup(dfd, name, lookup | LOOKUP_OPEN |
				  (at_flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
				  (at_flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0), &p);
		if (err)
			return err;
	}
	if (S_ISLNK(inode_mode(p.dentry->inode)))
		err = -ELOOP;
	else if (!S_ISREG(inode_mode(p.dentry->inode)))
		err = -EACCES;
	else
		err = path_permission(&p, MAY_EXEC);
	if (!err)
		err = file_open_path(&p, O_RDONLY, true, ret);
	path_put(&p);
	return err;
}

/* A path that was right a moment ago may lead to an object that its file
 * system cannot find any more; looked up again it leads to the present one. */
int path_open(int dfd, const char *name, uint32_t flags, uint32_t mode, unsigned lookup, struct file **ret)
{
	int err = open_once(dfd, name, flags, mode, lookup, ret);

	return err == -ESTALE ? open_once(dfd, name, flags, mode, lookup | LOOKUP_ASK, ret) : err;
}

int path_open_exec(int dfd, const char *name, int at_flags, struct file **ret)
{
	int err = open_exec_once(dfd, name, at_flags, 0, ret);

	return err == -ESTALE ? open_exec_once(dfd, name, at_flags, LOOKUP_ASK, ret) : err;
}

/* ---- system calls ---- */

int open_user(int dfd, ustr name, uint32_t flags, uint32_t mode, unsigned lookup)
{
	char *s = NULL;
	struct file *f;
	int fd, err;

	fd = fd_alloc(0, flags & O_CLOEXEC);
	if (fd < 0)
		return fd;
	err = name_from_user(name, &s);
	if (!err) {
		err = path_open(dfd, s, flags & OPEN_KNOWN, mode, lookup, &f);
		name_put(s);
	}
	if (err) {
		fd_release_unused(fd);
		return err;
	}
	fd_install(fd, f);
	fd_offer_close(fd, f);
	return fd;
}

SYSCALL3(open, ustr, name, uint32_t, flags, uint32_t, mode)
{
	return open_user(AT_FDCWD, name, flags, mode, 0);
}

SYSCALL4(openat, int, dfd, ustr, name, uint32_t, flags, uint32_t, mode)
{
	return open_user(dfd, name, flags, mode, 0);
}

SYSCALL2(creat, ustr, name, uint32_t, mode)
{
	return open_user(AT_FDCWD, name, O_WRONLY | O_CREAT | O_TRUNC, mode, 0);
}

SYSCALL4(openat2, int, dfd, ustr, name, uaddr, uhow, size_t, size)
{
	static const unsigned map[][2] = {
		{ RESOLVE_NO_XDEV, LOOKUP_NO_XDEV },
		{ RESOLVE_NO_MAGICLINKS, LOOKUP_NO_MAGICLINKS },
		{ RESOLVE_NO_SYMLINKS, LOOKUP_NO_SYMLINKS },
		{ RESOLVE_BENEATH, LOOKUP_BENEATH },
		{ RESOLVE_IN_ROOT, LOOKUP_IN_ROOT },
	};
	struct linux_open_how how;
	unsigned lookup = 0;
	int err;

	if (size < sizeof(how))
		return -EINVAL;
	if (size > PLAT_PAGE_SIZE)
		return -E2BIG;
	err = copy_in_struct(&how, sizeof(how), uhow, size);
	if (err)
		return err;
	if (how.flags & ~(uint64_t)OPEN_KNOWN)
		return -EINVAL;
	if ((how.mode & ~(uint64_t)S_IALLUGO) || (how.mode && !(how.flags & (O_CREAT | O_TMPFILE_BIT))))
		return -EINVAL;
	if ((how.flags & O_PATH) && (how.flags & ~(uint64_t)(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)))
		return -EINVAL;
	for (unsigned k = 0; k < ARRAY_SIZE(map); k++)
		if (how.resolve & map[k][0]) {
			lookup |= map[k][1];
			how.resolve &= ~(uint64_t)map[k][0];
		}
	if ((how.resolve & ~(uint64_t)RESOLVE_CACHED) || ((lookup & LOOKUP_BENEATH) && (lookup & LOOKUP_IN_ROOT)))
		return -EINVAL;
	if (how.resolve)
		return -EAGAIN;
	if (lookup & (LOOKUP_NO_SYMLINKS))
		lookup |= LOOKUP_NO_MAGICLINKS;
	return open_user(dfd, name, (uint32_t)how.flags, (uint32_t)how.mode, lookup);
}

SYSCALL1(close, int, fd)
{
	int err = fd_close(fd);

	return err == -ERESTARTSYS || err == -ERESTARTNOINTR || err == -ERESTARTNOHAND ? -EINTR : err;
}

SYSCALL3(close_range, unsigned, first, unsigned, last, unsigned, flags)
{
	struct files *fs;
	int fd, err;

	if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) || first > last)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE) {
		err = files_unshare(t);
		if (err)
			return err;
	}
	fs = t->files;
	if (first > INT32_MAX)
		return 0;
	for (fd = (int)first; (fd = files_next_fd(fs, fd)) >= 0 && (unsigned)fd <= last; fd++) {
		if (flags & CLOSE_RANGE_CLOEXEC)
			files_set_cloexec(fd, true);
		else
			(void)fd_close(fd);
	}
	return 0;
}
