/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of directories: mkdir, mknod, symlink, link, unlink, rmdir.
 *
 * The parent is locked, the name looked up again, the checks of
 * path_resolution(7) (write and search permission, sticky directories,
 * read-only mounts) made, then the file system acts and the dentry cache
 * follows.  rename is in rename.c. */
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/internal.h"
#include <linux_abi/inotify.h>

uint32_t current_umask(void)
{
	return __atomic_load_n(&current_task()->fs->umask, __ATOMIC_RELAXED);
}

int may_create(const struct path *dir)
{
	if (!S_ISDIR(inode_mode(dir->dentry->inode)))
		return -ENOTDIR;
	if (!inode_nlink(dir->dentry->inode))
		return -ENOENT;         /* a removed directory */
	if (!dir->dentry->inode->ops->mkdir)
		return -ENOENT;         /* made by the kernel: what is not there cannot be */
	return path_permission(dir, MAY_WRITE | MAY_EXEC);
}

int may_delete(const struct path *dir, struct dentry *victim, bool is_dir)
{
	struct inode *di = dir->dentry->inode, *vi = victim->inode;
	const struct cred *c = current_cred();
	int err;

	if (!vi)
		return -ENOENT;
	if (!di->ops->unlink)
		return -EPERM;          /* made by the kernel, like those of proc */
	err = path_permission(dir, MAY_WRITE | MAY_EXEC);
	if (err)
		return err;
	if ((di->mode & S_ISVTX) && c->fsuid != vi->uid && c->fsuid != di->uid && !capable(CAP_FOWNER))
		return -EPERM;
	if (is_dir && !S_ISDIR(inode_mode(vi)))
		return -ENOTDIR;
	if (!is_dir && S_ISDIR(inode_mode(vi)))
		return -EISDIR;
	if (__atomic_load_n(&victim->mounted, __ATOMIC_RELAXED))
		return -EBUSY;
	return 0;
}

enum make_kind { MAKE_DIR, MAKE_NODE, MAKE_SYMLINK, MAKE_FILE };
struct make {
	enum make_kind kind;
	uint32_t mode;
	uint64_t rdev;
	const char *target;
};

static int make_call(struct inode *di, const char *name, size_t n, const struct make *m, struct inode **ret)
{
	const struct inode_ops *ops = di->ops;
	uint32_t mode = m->mode;

	if (m->kind == MAKE_DIR && ops->mkdir)
		return ops->mkdir(di, name, n, S_IFDIR | (mode & (S_IRWXUGO | S_ISVTX)), ret);
	if (m->kind == MAKE_NODE && ops->mknod)
		return ops->mknod(di, name, n, mode, m->rdev, ret);
	if (m->kind == MAKE_SYMLINK && ops->symlink)
		return ops->symlink(di, name, n, m->target, ret);
	if (m->kind == MAKE_FILE && ops->create)
		return ops->create(di, name, n, mode, ret);
	/* proc and its like: the name is not there, and that is the answer. */
	return di->sb->nocache ? -ENOENT : -EPERM;
}

/* Make an entry at (dfd, name).  The new inode in *ret_inode when given. */
static int make_entry(int dfd, const char *name, const struct make *m, struct path *ret_path)
{
	struct walk w;
	struct dentry *dir, *d = NULL, *spare = NULL;
	struct inode *i;
	int err = walk_init(&w, dfd, name, 0);

	if (!err)
		err = walk_to_last(&w);
	if (err)
		goto out;
	dir = w.cur.dentry;
	if (!S_ISDIR(inode_mode(dir->inode))) {
		err = -ENOTDIR;
		goto out;
	}
	if (!w.last_size || name_is_dots(w.last, w.last_size)) {
		err = -EEXIST;
		goto out;
	}
	err = inode_permission(dir->inode, MAY_EXEC);
	if (err)
		goto out;
	mutex_lock(&dir->inode->lock);
	err = lookup_child_locked(dir, w.last, w.last_size, &d);
	if (!err && d->inode)
		err = -EEXIST;
	else if (!err || err == -ENOENT)
		err = w.trailing && m->kind != MAKE_DIR ? -ENOENT : may_create(&w.cur);
	if (!err && (S_ISCHR(m->mode) || S_ISBLK(m->mode)) && m->kind == MAKE_NODE && !capable(CAP_MKNOD))
		err = -EPERM;
	if (!err) {
		spare = dentry_new(dir, w.last, w.last_size, NULL);
		err = spare ? make_call(dir->inode, w.last, w.last_size, m, &i) : -ENOMEM;
		if (!err)
			dentry_instantiate(spare, i);
	}
	mutex_unlock(&dir->inode->lock);
	if (!err) {
		notify_child(dir->inode, w.last, w.last_size,
			     IN_CREATE | (m->kind == MAKE_DIR ? IN_ISDIR : 0), 0);
		if (ret_path) {
			ret_path->mnt = mount_get(w.cur.mnt);
			ret_path->dentry = dentry_get(spare);
		}
	}
	dentry_put(spare);
	dentry_put(d);
out:
	walk_end(&w);
	return err;
}

/* Kernel-internal: mkdir and plain files for mount targets, sockets for bind. */
int path_make(int dfd, const char *name, uint32_t mode, uint64_t rdev, struct path *ret)
{
	struct make m = {
		.kind = S_ISDIR(mode) ? MAKE_DIR : S_ISREG(mode) ? MAKE_FILE : MAKE_NODE,
		.mode = mode, .rdev = rdev,
	};

	return make_entry(dfd, name, &m, ret);
}

static int make_user(int dfd, ustr uname, const struct make *m)
{
	char *name = NULL;
	int err = name_from_user(uname, &name);

	if (err)
		return err;
	err = make_entry(dfd, name, m, NULL);
	name_put(name);
	return err;
}

static int mkdir_at(int dfd, ustr name, uint32_t mode)
{
	struct make m = { .kind = MAKE_DIR, .mode = mode & ~current_umask() };

	return make_user(dfd, name, &m);
}

SYSCALL2(mkdir, ustr, name, uint32_t, mode)
{
	return mkdir_at(AT_FDCWD, name, mode);
}

SYSCALL3(mkdirat, int, dfd, ustr, name, uint32_t, mode)
{
	return mkdir_at(dfd, name, mode);
}

static int mknod_at(int dfd, ustr name, uint32_t mode, uint32_t dev)
{
	struct make m = { .kind = MAKE_NODE, .rdev = dev };

	m.mode = (mode & S_IFMT) | (mode & S_IALLUGO & ~current_umask());
	switch (mode & S_IFMT) {
	case 0:
	case S_IFREG:
		m.kind = MAKE_FILE;
		m.mode = S_IFREG | (m.mode & S_IALLUGO);
		break;
	case S_IFCHR:
	case S_IFBLK:
		break;
	case S_IFIFO:
	case S_IFSOCK:
		m.rdev = 0;
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	return make_user(dfd, name, &m);
}

SYSCALL3(mknod, ustr, name, uint32_t, mode, uint32_t, dev)
{
	return mknod_at(AT_FDCWD, name, mode, dev);
}

SYSCALL4(mknodat, int, dfd, ustr, name, uint32_t, mode, uint32_t, dev)
{
	return mknod_at(dfd, name, mode, dev);
}

static int symlink_at(ustr utarget, int dfd, ustr name)
{
	struct make m = { .kind = MAKE_SYMLINK };
	char *target = NULL;
	int err = name_from_user(utarget, &target);

	if (err)
		return err;
	if (!*target) {
		name_put(target);
		return -ENOENT;
	}
	m.target = target;
	err = make_user(dfd, name, &m);
	name_put(target);
	return err;
}

SYSCALL2(symlink, ustr, target, ustr, name)
{
	return symlink_at(target, AT_FDCWD, name);
}

SYSCALL3(symlinkat, ustr, target, int, dfd, ustr, name)
{
	return symlink_at(target, dfd, name);
}

/* ---- link ---- */

static int link_locked(const struct path *src, struct walk *w)
{
	struct dentry *dir = w->cur.dentry, *d = NULL, *spare;
	struct inode *target = src->dentry->inode;
	int err = lookup_child_locked(dir, w->last, w->last_size, &d);

	if (!err && d->inode)
		err = -EEXIST;
	else if (err == -ENOENT)
		err = 0;
	dentry_put(d);
	if (err)
		return err;
	if (w->trailing || !dir->inode->ops->mkdir)
		return -ENOENT;         /* as may_create() says, but before the rest */
	if (src->mnt != w->cur.mnt || target->sb != dir->sb)
		return mount_readonly(w->cur.mnt) ? -EROFS : -EXDEV;
	err = mount_readonly(w->cur.mnt) ? -EROFS : sticky_may_link(target);
	if (!err)
		err = may_create(&w->cur);
	if (err)
		return err;
	if (S_ISDIR(inode_mode(target)) || !dir->inode->ops->link)
		return -EPERM;
	spare = dentry_new(dir, w->last, w->last_size, NULL);
	if (!spare)
		return -ENOMEM;
	mutex_lock(&target->lock);
	/* What was removed stays removed; an O_TMPFILE may get its first name. */
	err = inode_nlink(target) || target->linkable ?
	      dir->inode->ops->link(dir->inode, w->last, w->last_size, target) : -ENOENT;
	if (!err)
		target->linkable = false;
	mutex_unlock(&target->lock);
	if (!err)
		dentry_instantiate(spare, inode_get(target));
	dentry_put(spare);
	return err;
}

static int link_at(int odfd, ustr oname, int ndfd, ustr nname, int flags)
{
	struct path src;
	struct walk w;
	char *name = NULL;
	int err;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if ((flags & AT_EMPTY_PATH) && !capable(CAP_DAC_READ_SEARCH))
		return -ENOENT;
	err = path_at_user(odfd, oname, flags & AT_EMPTY_PATH, flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0, &src);
	if (err)
		return err;
	err = name_from_user(nname, &name);
	if (err)
		goto out_src;
	err = walk_init(&w, ndfd, name, 0);
	if (!err)
		err = walk_to_last(&w);
	if (!err && !S_ISDIR(inode_mode(w.cur.dentry->inode)))
		err = -ENOTDIR;
	if (!err && (!w.last_size || name_is_dots(w.last, w.last_size)))
		err = -EEXIST;
	if (!err)
		err = inode_permission(w.cur.dentry->inode, MAY_EXEC);
	if (!err) {
		mutex_lock(&w.cur.dentry->inode->lock);
		err = link_locked(&src, &w);
		mutex_unlock(&w.cur.dentry->inode->lock);
		if (!err) {
			notify_inode(src.dentry->inode, IN_ATTRIB, 0);
			notify_child(w.cur.dentry->inode, w.last, w.last_size, IN_CREATE, 0);
		}
	}
	walk_end(&w);
	name_put(name);
out_src:
	path_put(&src);
	return err;
}

SYSCALL2(link, ustr, oldname, ustr, newname)
{
	return link_at(AT_FDCWD, oldname, AT_FDCWD, newname, 0);
}

SYSCALL5(linkat, int, odfd, ustr, oldname, int, ndfd, ustr, newname, int, flags)
{
	return link_at(odfd, oldname, ndfd, newname, flags);
}

/* ---- unlink, rmdir ---- */

static int remove_locked(struct walk *w, bool is_dir, struct inode **ret_victim)
{
	struct dentry *dir = w->cur.dentry, *d;
	struct inode *di = dir->inode, *vi;
	int err = lookup_child_locked(dir, w->last, w->last_size, &d);

	if (err)
		return err;
	err = may_delete(&w->cur, d, is_dir);
	if (err)
		goto out;
	vi = d->inode;
	if (!is_dir && w->trailing) {
		err = -ENOTDIR;
		goto out;
	}
	mutex_lock(&vi->lock);
	if (is_dir)
		err = di->ops->rmdir ? di->ops->rmdir(di, w->last, w->last_size, vi) : -EPERM;
	else
		err = di->ops->unlink ? di->ops->unlink(di, w->last, w->last_size, vi) : -EPERM;
	mutex_unlock(&vi->lock);
	if (!err) {
		struct dentry *none = dir->sb->nocache ? NULL : dentry_new(dir, w->last, w->last_size, NULL);

		dcache_unhash(d);
		if (none) {             /* the name is often made again */
			dcache_add(none);
			dentry_put(none);
		}
		*ret_victim = inode_get(vi);
	}
out:
	dentry_put(d);
	return err;
}

static int remove_at(int dfd, ustr uname, bool is_dir)
{
	struct inode *victim = NULL;
	char *name = NULL;
	struct walk w;
	int err = name_from_user(uname, &name);

	if (err)
		return err;
	err = walk_init(&w, dfd, name, 0);
	if (!err)
		err = walk_to_last(&w);
	if (!err && !S_ISDIR(inode_mode(w.cur.dentry->inode)))
		err = -ENOTDIR;
	if (!err && !w.last_size)
		err = is_dir ? -EBUSY : -EISDIR;
	if (!err && name_is_dots(w.last, w.last_size))
		err = !is_dir ? -EISDIR : w.last_size == 1 ? -EINVAL : -ENOTEMPTY;
	if (!err)
		err = inode_permission(w.cur.dentry->inode, MAY_EXEC);
	if (!err) {
		mutex_lock(&w.cur.dentry->inode->lock);
		err = remove_locked(&w, is_dir, &victim);
		mutex_unlock(&w.cur.dentry->inode->lock);
	}
	if (!err) {
		closes_settle_of(victim);
		if (!is_dir)
			notify_inode(victim, IN_ATTRIB, 0);     /* the link count */
		if (is_dir || !inode_nlink(victim))
			notify_inode_unlinked(victim);
		notify_child(w.cur.dentry->inode, w.last, w.last_size, IN_DELETE | (is_dir ? IN_ISDIR : 0), 0);
		inode_put(victim);
	}
	walk_end(&w);
	name_put(name);
	return err;
}

SYSCALL1(unlink, ustr, name)
{
	return remove_at(AT_FDCWD, name, false);
}

SYSCALL1(rmdir, ustr, name)
{
	return remove_at(AT_FDCWD, name, true);
}

SYSCALL3(unlinkat, int, dfd, ustr, name, int, flags)
{
	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	return remove_at(dfd, name, flags & AT_REMOVEDIR);
}
