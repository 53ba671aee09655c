/* SPDX-License-Identifier: Apache-2.0 */
/* Inodes and super blocks: life, attributes, permission.
 *
 * Permission is by mode bits of the current task's fsuid/fsgid with the
 * capabilities that override them (path_resolution(7), capabilities(7)).
 * Locks: inode->lock as vfs.h says; counts are atomic. */
#include "kernel/vfs/internal.h"
#include <linux_abi/inotify.h>

static uint32_t next_minor = 1;

struct super_block *super_new(const struct fs_type *t, const struct super_ops *ops, uint64_t magic)
{
	struct super_block *sb = kzalloc(sizeof(*sb));

	if (!sb)
		return NULL;
	ref_init(&sb->ref);
	sb->type = t;
	sb->ops = ops;
	sb->magic = magic;
	sb->dev = MKDEV(0, __atomic_fetch_add(&next_minor, 1, __ATOMIC_RELAXED));
	sb->next_ino = 1;
	return sb;
}

int super_set_root(struct super_block *sb, struct inode *root)
{
	struct dentry *d = dentry_new(NULL, "", 0, root);

	if (!d) {
		inode_put(root);
		return -ENOMEM;
	}
	d->sb = sb;
	sb->root = d;
	return 0;
}

void super_put(struct super_block *sb)
{
	if (!sb || !ref_put(&sb->ref))
		return;
	dcache_drop_sb(sb);
	if (sb->root)
		dentry_put(sb->root);
	if (sb->ops && sb->ops->kill)
		sb->ops->kill(sb);
	kfree(sb);
}

int64_t vfs_now_ns(void)
{
	return (int64_t)plat_time_real_ns();
}

struct inode *inode_new(struct super_block *sb, uint32_t mode)
{
	struct inode *i = kzalloc(sizeof(*i));

	if (!i)
		return NULL;
	ref_init(&i->ref);
	i->sb = sb;
	i->mode = mode;
	i->nlink = 1;
	if (sb)
		i->ino = __atomic_fetch_add(&sb->next_ino, 1, __ATOMIC_RELAXED);
	i->atime_ns = i->mtime_ns = i->ctime_ns = i->btime_ns = vfs_now_ns();
	mutex_init(&i->lock);
	list_init(&i->notify);
	return i;
}

struct inode *inode_get(struct inode *i)
{
	ref_get(&i->ref);
	return i;
}

static void inode_gone(struct lockless *l)
{
	kfree(container_of(l, struct inode, gone));
}

void inode_put(struct inode *i)
{
	if (!ref_put(&i->ref))
		return;
	if (!list_empty(&i->notify))
		notify_inode_gone(i);
	locks_free_inode(i);
	if (i->patch)
		patch_inode_changed(i);
	if (i->ops && i->ops->evict)
		i->ops->evict(i);
	lockless_free(&i->gone, inode_gone);
}

void inode_touch(struct inode *i, uint32_t attr_mask)
{
	int64_t now = vfs_now_ns();

	if (attr_mask & ATTR_ATIME)
		inode_set_atime(i, now);
	if (attr_mask & ATTR_MTIME)
		inode_set_mtime(i, now);
	if (attr_mask & ATTR_CTIME)
		inode_set_ctime(i, now);
}

void inode_init_owner(struct inode *i, const struct inode *dir)
{
	const struct cred *c = current_cred();

	i->uid = c->fsuid;
	if (dir && (dir->mode & S_ISGID)) {
		i->gid = dir->gid;
		if (S_ISDIR(inode_mode(i)))
			i->mode |= S_ISGID;
	} else {
		i->gid = c->fsgid;
	}
}

void inode_apply_attr(struct inode *i, const struct kattr *a)
{
	if (a->mask & ATTR_MODE)
		inode_set_mode(i, a->mode);
	inode_set_owner(i, a->mask & ATTR_UID ? a->uid : i->uid, a->mask & ATTR_GID ? a->gid : i->gid);
	if (a->mask & ATTR_ATIME)
		inode_set_atime(i, a->atime_ns);
	if (a->mask & ATTR_MTIME)
		inode_set_mtime(i, a->mtime_ns);
	inode_set_ctime(i, a->mask & ATTR_CTIME ? a->ctime_ns : vfs_now_ns());
}

void inode_fill_stat(struct inode *i, struct kstat *ret)
{
	*ret = (struct kstat){
		.dev = i->sb ? i->sb->dev : 0, .ino = i->ino, .mode = inode_mode(i),
		.nlink = inode_nlink(i), .uid = inode_uid(i), .gid = inode_gid(i), .rdev = i->rdev,
		.size = inode_size(i), .blksize = 4096, .blocks = inode_blocks(i),
		.atime_ns = inode_atime(i), .mtime_ns = inode_mtime(i),
		.ctime_ns = inode_ctime(i), .btime_ns = inode_btime(i),
	};
}

int inode_getattr(struct inode *i, struct kstat *ret)
{
	if (i->ops && i->ops->getattr)
		return i->ops->getattr(i, ret);
	inode_fill_stat(i, ret);
	return 0;
}

int vfs_getattr(const struct path *p, struct kstat *ret)
{
	return inode_getattr(p->dentry->inode, ret);
}

static int generic_permission(struct inode *i, unsigned may)
{
	const struct cred *c = current_cred();
	uint32_t mode = inode_mode(i), bits;

	if (c->fsuid == inode_uid(i))
		bits = mode >> 6;
	else if (((mode >> 3) ^ mode) & may & 7 ? cred_in_group(c, inode_gid(i)) : false)
		bits = mode >> 3;
	else
		bits = mode;
	if (!(may & ~bits & 7))
		return 0;
	if (S_ISDIR(mode)) {
		if (capable(CAP_DAC_OVERRIDE))
			return 0;
		if (!(may & MAY_WRITE) && capable(CAP_DAC_READ_SEARCH))
			return 0;
		return -EACCES;
	}
	if (may == MAY_READ && capable(CAP_DAC_READ_SEARCH))
		return 0;
	/* Even root executes only what somebody may execute. */
	if ((!(may & MAY_EXEC) || (mode & S_IXUGO)) && capable(CAP_DAC_OVERRIDE))
		return 0;
	return -EACCES;
}

int inode_permission(struct inode *i, unsigned may)
{
	if (i->ops && i->ops->permission)
		return i->ops->permission(i, may);
	return generic_permission(i, may);
}

int path_permission(const struct path *p, unsigned may)
{
	struct inode *i = p->dentry->inode;

	if ((may & MAY_WRITE) && (S_ISREG(inode_mode(i)) || S_ISDIR(inode_mode(i)) || S_ISLNK(inode_mode(i))) &&
	    (mount_readonly(p->mnt) || (i->sb && i->sb->readonly)))
		return -EROFS;
	if ((may & MAY_EXEC) && S_ISREG(inode_mode(i)) && p->mnt && (p->mnt->flags & MNT_NOEXEC))
		return -EACCES;
	return inode_permission(i, may);
}

bool owner_or_capable(const struct inode *i)
{
	return current_cred()->fsuid == inode_uid(i) || capable(CAP_FOWNER);
}

/* chown and chmod rules of chown(2), chmod(2). */
static int attr_may(struct inode *i, const struct kattr *a)
{
	const struct cred *c = current_cred();

	if ((a->mask & ATTR_UID) && (c->fsuid != i->uid || a->uid != i->uid) && !capable(CAP_CHOWN))
		return -EPERM;
	if ((a->mask & ATTR_GID) &&
	    (c->fsuid != i->uid || (a->gid != i->gid && !cred_in_group(c, a->gid))) &&
	    !capable(CAP_CHOWN))
		return -EPERM;
	if ((a->mask & ATTR_MODE) && !owner_or_capable(i))
		return -EPERM;
	return 0;
}

int vfs_setattr(const struct path *p, struct kattr *a)
{
	struct inode *i = p->dentry->inode;
	int err;

	if (mount_readonly(p->mnt) || (i->sb && i->sb->readonly))
		return -EROFS;
	if (!i->ops || !i->ops->setattr)
		return -EPERM;
	mutex_lock(&i->lock);
	if (a->chown && !S_ISDIR(inode_mode(i))) {      /* also one that names nobody */
		uint32_t m = inode_mode(i) & ~S_ISUID;

		if (m & S_IXGRP)
			m &= ~S_ISGID;
		if (m != inode_mode(i)) {
			a->mask |= ATTR_MODE;
			a->mode = m & S_IALLUGO;
		}
	}
	err = attr_may(i, a);
	if (err)
		goto out;
	if ((a->mask & ATTR_MODE) && !a->chown) {
		uint32_t gid = a->mask & ATTR_GID ? a->gid : i->gid;

		if (S_ISLNK(inode_mode(i))) {
			err = -EOPNOTSUPP;
			goto out;
		}
		if ((a->mode & S_ISGID) && !cred_in_group(current_cred(), gid) && !capable(CAP_FSETID))
			a->mode &= ~S_ISGID;
	}
	err = i->ops->setattr(i, a);
out:
	mutex_unlock(&i->lock);
	if (!err)
		notify_path(p, IN_ATTRIB);
	return err;
}

/* Writing to a file takes away its power to change identities. */
void file_remove_privs(struct file *f)
{
	struct inode *i = f->inode;
	uint32_t m = inode_mode(i);
	struct kattr a;

	if (!S_ISREG(m) || !(m & (S_ISUID | S_ISGID)) || capable(CAP_FSETID))
		return;
	m &= ~S_ISUID;
	if (m & S_IXGRP)
		m &= ~S_ISGID;
	if (m == inode_mode(i) || !i->ops || !i->ops->setattr)
		return;
	a = (struct kattr){ .mask = ATTR_MODE, .mode = m & S_IALLUGO };
	mutex_lock(&i->lock);
	(void)i->ops->setattr(i, &a);
	mutex_unlock(&i->lock);
}
