/* SPDX-License-Identifier: Apache-2.0 */
/* hostfs: names, attributes and changes of the tree.  Every change goes
 * straight to the host; a read-only root refuses here and again at the host
 * side. */
#include "kernel/fs/hostfs/hostfs.h"
#include "kernel/task/task.h"

/* dir's entries change by our own hand: forget what we believed about it. */
static void dir_changed(struct inode *dir)
{
	struct hostfs_node *d = hostfs_node(dir);

	__atomic_fetch_add(&d->hs->changes, 1, __ATOMIC_SEQ_CST);
	hostfs_end_leases(dir);
	spin_lock(&d->attr_lock);
	d->valid_until_ns = 0;
	if (d->neg)
		memset(d->neg, 0, HOSTFS_NEG_SLOTS * sizeof(*d->neg));
	spin_unlock(&d->attr_lock);
	hostfs_listing_drop(d);
}

static void attr_changed(struct inode *i)
{
	if (i)
		__atomic_store_n(&hostfs_node(i)->valid_until_ns, 0, __ATOMIC_RELAXED);
}

static int adopt(struct inode *dir, const char *name, size_t n, uint64_t node,
		 const struct hc_attr *a, struct inode **ret)
{
	struct hostfs_node *d = hostfs_node(dir);
	int err = hostfs_iget(d->hs, dir, name, n, node, a, ret);

	if (!err)
		hostfs_bind(*ret, d, hostfs_name_hash(name, n));
	return err;
}

/* New objects belong to the caller; a set-group-ID directory passes on its
 * group, and the bit itself to directories: inode(7). */
static void owner_of_new(struct inode *dir, uint32_t *mode, uint32_t *uid, uint32_t *gid)
{
	const struct cred *c = current_cred();

	*uid = c->fsuid;
	*gid = c->fsgid;
	if (dir->mode & S_ISGID) {
		*gid = dir->gid;
		if (S_ISDIR(*mode))
			*mode |= S_ISGID;
	}
	*mode &= S_IFMT | S_IALLUGO;
}

static int hostfs_create(struct inode *dir, const char *name, size_t n, uint32_t mode, struct inode **ret)
{
	uint64_t node, file = 0;
	uint32_t uid, gid;
	struct hc_attr a;
	int err;

	if (!hostfs_check_name(name, n))
		return n > HC_NAME_MAX ? -ENAMETOOLONG : -EINVAL;
	mode = S_IFREG | (mode & S_IALLUGO);
	owner_of_new(dir, &mode, &uid, &gid);
	err = hc_create(hostfs_node(dir)->handle, name, n, mode & S_IALLUGO, uid, gid,
			HC_OPEN_READ | HC_OPEN_WRITE, &node, &a, &file);
	if (err)
		return hostfs_errno(err);
	dir_changed(dir);
	err = adopt(dir, name, n, node, &a, ret);
	if (file) {
		/* Keep the handle: open(O_CREAT) asks for it next, and mode
		 * bits such as 0444 would refuse a second open. */
		struct hostfs_node *x = err ? NULL : hostfs_node(*ret);

		if (x) {
			mutex_lock(&x->open_lock);
			if (!x->wfile) {
				x->wfile = file;
				x->wfile_readable = true;
				file = 0;
			}
			mutex_unlock(&x->open_lock);
		}
		if (file)
			hc_file_close(file);
	}
	return err;
}

static int hostfs_mkdir(struct inode *dir, const char *name, size_t n, uint32_t mode, struct inode **ret)
{
	uint32_t uid, gid;
	struct hc_attr a;
	uint64_t node;
	int err;

	if (!hostfs_check_name(name, n))
		return n > HC_NAME_MAX ? -ENAMETOOLONG : -EINVAL;
	mode = S_IFDIR | (mode & S_IALLUGO);
	owner_of_new(dir, &mode, &uid, &gid);
	err = hc_mkdir(hostfs_node(dir)->handle, name, n, mode & S_IALLUGO, uid, gid, &node, &a);
	if (err)
		return hostfs_errno(err);
	dir_changed(dir);
	return adopt(dir, name, n, node, &a, ret);
}

static int hostfs_mknod(struct inode *dir, const char *name, size_t n, uint32_t mode,
			uint64_t rdev, struct inode **ret)
{
	uint32_t uid, gid;
	struct hc_attr a;
	uint64_t node;
	int err;

	if (S_ISREG(mode))
		return hostfs_create(dir, name, n, mode, ret);
	if (!S_ISFIFO(mode) && !S_ISSOCK(mode))         /* devices of the host are not ours to make */
		return -EPERM;
	if (!hostfs_check_name(name, n))
		return n > HC_NAME_MAX ? -ENAMETOOLONG : -EINVAL;
	owner_of_new(dir, &mode, &uid, &gid);
	err = hc_mknod(hostfs_node(dir)->handle, name, n, mode & (S_IFMT | S_IALLUGO), uid, gid, &node, &a);
	if (err)
		return hostfs_errno(err);
	dir_changed(dir);
	return adopt(dir, name, n, node, &a, ret);
}

static int hostfs_symlink(struct inode *dir, const char *name, size_t n, const char *target, struct inode **ret)
{
	uint32_t uid, gid, mode = S_IFLNK | 0777;
	size_t size = strlen(target);
	struct hc_attr a;
	uint64_t node;
	int err;

	if (!hostfs_check_name(name, n))
		return n > HC_NAME_MAX ? -ENAMETOOLONG : -EINVAL;
	if (size > HC_LINK_MAX)
		return -ENAMETOOLONG;
	owner_of_new(dir, &mode, &uid, &gid);
	err = hc_symlink(hostfs_node(dir)->handle, name, n, target, size, uid, gid, &node, &a);
	if (err)
		return hostfs_errno(err);
	dir_changed(dir);
	return adopt(dir, name, n, node, &a, ret);
}

static int hostfs_link(struct inode *dir, const char *name, size_t n, struct inode *target)
{
	uint64_t handle;
	int err = hostfs_handle(hostfs_node(target), &handle);

	if (err)
		return err;
	err = hc_link(handle, hostfs_node(dir)->handle, name, n);
	if (err)
		return hostfs_errno(err);
	dir_changed(dir);
	attr_changed(target);
	return 0;
}

/* i, which may be open, is about to lose its name: from then on only its node
 * leads to it.  Failing here means that it had lost it already. */
static void hold_nameless(struct inode *i)
{
	struct hostfs_node *n = i ? hostfs_node(i) : NULL;
	uint64_t handle;

	if (n && __atomic_load_n(&n->opens, __ATOMIC_RELAXED) && hostfs_handle(n, &handle))
		return;
}

static int remove_name(struct inode *dir, const char *name, size_t n, struct inode *victim, bool is_dir)
{
	int err;

	hold_nameless(victim);
	err = hc_unlink(hostfs_node(dir)->handle, name, n, is_dir);
	if (err)
		return hostfs_errno(err);
	dir_changed(dir);
	if (victim) {
		/* The host may not answer for it any more: keep count here. */
		spin_lock(&hostfs_node(victim)->attr_lock);
		if (is_dir)
			inode_set_nlink(victim, 0);
		else if (victim->nlink)
			inode_set_nlink(victim, victim->nlink - 1);
		spin_unlock(&hostfs_node(victim)->attr_lock);
		hostfs_unlinked(hostfs_node(victim));
	}
	return 0;
}

static int hostfs_unlink(struct inode *dir, const char *name, size_t n, struct inode *victim)
{
	return remove_name(dir, name, n, victim, false);
}

static int hostfs_rmdir(struct inode *dir, const char *name, size_t n, struct inode *victim)
{
	return remove_name(dir, name, n, victim, true);
}

static int hostfs_rename(struct inode *odir, const char *on, size_t onn, struct inode *src,
			 struct inode *ndir, const char *nn, size_t nnn, struct inode *dst, unsigned flags)
{
	int err;

	if (flags & ~(HC_RENAME_NOREPLACE | HC_RENAME_EXCHANGE))
		return -EINVAL;
	if (!(flags & HC_RENAME_EXCHANGE))
		hold_nameless(dst);
	err = hc_rename(hostfs_node(odir)->handle, on, onn, hostfs_node(ndir)->handle, nn, nnn, flags);
	if (err)
		return hostfs_errno(err);
	dir_changed(odir);
	dir_changed(ndir);
	attr_changed(src);
	if (src) {
		hostfs_set_place(hostfs_node(src), ndir, nn, nnn);
		hostfs_bind(src, hostfs_node(ndir), hostfs_name_hash(nn, nnn));
	}
	if (dst && (flags & HC_RENAME_EXCHANGE)) {
		attr_changed(dst);
		hostfs_set_place(hostfs_node(dst), odir, on, onn);
		hostfs_bind(dst, hostfs_node(odir), hostfs_name_hash(on, onn));
		return 0;
	}
	if (dst) {
		spin_lock(&hostfs_node(dst)->attr_lock);
		inode_set_nlink(dst, S_ISDIR(dst->mode) || !dst->nlink ? 0 : dst->nlink - 1);
		spin_unlock(&hostfs_node(dst)->attr_lock);
		hostfs_unlinked(hostfs_node(dst));
	}
	return 0;
}

/* The target of an inode never changes (a new target is a new inode), so a
 * short one is kept: /bin and /lib are links on most machines, and each path
 * through them would cost a message to the gofer. */
#define LINK_TEXT_MAX 128

static size_t link_cached(struct hostfs_node *node, char *buf, size_t size)
{
	size_t n = 0;

	spin_lock(&node->attr_lock);
	if (node->link_text) {
		n = MIN(strlen(node->link_text), size);
		memcpy(buf, node->link_text, n);
	}
	spin_unlock(&node->attr_lock);
	return n;
}

void hostfs_link_keep(struct hostfs_node *node, const char *text, size_t n)
{
	char *copy = n <= LINK_TEXT_MAX ? kmalloc(n + 1) : NULL;

	if (!copy)
		return;
	memcpy(copy, text, n);
	copy[n] = 0;
	spin_lock(&node->attr_lock);
	if (!node->link_text) {
		node->link_text = copy;
		copy = NULL;
	}
	spin_unlock(&node->attr_lock);
	kfree(copy);
}

static long hostfs_readlink(struct inode *i, char *buf, size_t size)
{
	struct hostfs_node *node = hostfs_node(i);
	size_t n = link_cached(node, buf, size);
	uint64_t handle;
	int err;

	if (n)
		return (long)n;
	err = hostfs_handle(node, &handle);
	if (err)
		return err;
	err = hc_readlink(handle, buf, MIN(size, (size_t)HC_LINK_MAX), &n);
	if (err)
		return hostfs_errno(err);
	if (n < 1 || n > size || memchr(buf, 0, n))
		return -EIO;
	if (n < size)                           /* complete */
		hostfs_link_keep(node, buf, n);
	return (long)n;
}

static int hostfs_getattr(struct inode *i, struct kstat *ret)
{
	struct hostfs_node *n = hostfs_node(i);
	int err = inode_nlink(i) ? hostfs_refresh(i, false) : 0;

	if (err)
		return err;
	spin_lock(&n->attr_lock);
	*ret = (struct kstat){
		.dev = i->sb->dev, .ino = i->ino, .mode = inode_mode(i), .nlink = inode_nlink(i),
		.uid = i->uid, .gid = i->gid, .rdev = i->rdev, .size = i->size,
		.blksize = PLAT_PAGE_SIZE, .blocks = i->blocks, .atime_ns = i->atime_ns,
		.mtime_ns = i->mtime_ns, .ctime_ns = i->ctime_ns, .btime_ns = n->btime_ns ? n->btime_ns : i->ctime_ns,
	};
	spin_unlock(&n->attr_lock);
	return 0;
}

static int hostfs_setattr(struct inode *i, const struct kattr *a)
{
	struct hostfs_node *n = hostfs_node(i);
	struct hc_attr in = { 0 }, out;
	uint32_t mask = 0;
	uint64_t handle;
	int err;

	if (n->hs->readonly)
		return -EROFS;
	if (a->mask & ATTR_SIZE) {
		err = hostfs_truncate_node(n, a->size);
		if (err)
			return err;
	}
	mask |= a->mask & ATTR_MODE ? HC_SET_MODE : 0;
	mask |= a->mask & ATTR_UID ? HC_SET_UID : 0;
	mask |= a->mask & ATTR_GID ? HC_SET_GID : 0;
	mask |= a->mask & ATTR_ATIME ? HC_SET_ATIME : 0;
	/* The host set the time of a truncation itself. */
	mask |= (a->mask & ATTR_MTIME) && !(a->mask & ATTR_SIZE) ? HC_SET_MTIME : 0;
	if (!mask)
		return 0;
	in.mode = a->mode & S_IALLUGO;
	in.uid = a->uid;
	in.gid = a->gid;
	in.atime_ns = a->atime_ns;
	in.mtime_ns = a->mtime_ns;
	err = hostfs_handle(n, &handle);
	if (err)
		return err;
	err = hc_setattr(handle, mask, &in, &out);
	if (err)
		return hostfs_errno(err);
	if (hostfs_check_attr(&out) || ((out.mode ^ inode_mode(i)) & S_IFMT)) {
		attr_changed(i);
		return 0;
	}
	hostfs_apply_attr(n, &out);
	return 0;
}

static long clamp_xattr(int err, size_t n, size_t size)
{
	if (err)
		return hostfs_errno(err);
	if (n > HC_XATTR_MAX)
		return -EIO;
	if (size && n > size)
		return -ERANGE;
	return (long)n;
}

static long hostfs_getxattr(struct inode *i, const char *name, void *buf, size_t size)
{
	uint64_t handle;
	size_t n = 0, room = size ? MIN(size, (size_t)HC_XATTR_MAX) : HC_XATTR_MAX;
	void *all = NULL;
	int err;

	/* The host's labels, capabilities and access lists mean nothing
	 * inside, and ls asks for them at every file. */
	if (!strncmp(name, "system.", 7))
		return -EOPNOTSUPP;
	if (strncmp(name, "user.", 5))
		return -ENODATA;
	err = hostfs_handle(hostfs_node(i), &handle);
	if (err)
		return err;
	/* Who wants to know the size only has no room: the host tells it with the value. */
	if (!size)
		buf = all = kmalloc(room);
	if (!buf)
		return -ENOMEM;
	err = hc_getxattr(handle, name, buf, room, &n);
	kfree(all);
	return clamp_xattr(err, n, size);
}

static int change_xattr(struct inode *i, const char *name, const void *v, size_t n, uint32_t flags)
{
	struct hostfs_node *node = hostfs_node(i);
	uint64_t handle;
	int err;

	if (node->hs->readonly)
		return -EROFS;
	if (strncmp(name, "user.", 5))
		return -EOPNOTSUPP;
	err = hostfs_handle(node, &handle);
	if (err)
		return err;
	err = hostfs_errno(hc_setxattr(handle, name, v, n, flags));
	if (!err)
		attr_changed(i);
	return err;
}

static int hostfs_setxattr(struct inode *i, const char *name, const void *v, size_t n, int flags)
{
	return change_xattr(i, name, v, n, (uint32_t)flags & (HC_XATTR_CREATE | HC_XATTR_REPLACE));
}

static int hostfs_removexattr(struct inode *i, const char *name)
{
	return change_xattr(i, name, NULL, 0, HC_XATTR_REMOVE);
}

static long hostfs_listxattr(struct inode *i, void *buf, size_t size)
{
	uint64_t handle;
	size_t n = 0;
	int err = hostfs_handle(hostfs_node(i), &handle);

	if (err)
		return err;
	err = hc_listxattr(handle, buf, MIN(size, (size_t)HC_XATTR_MAX), &n);
	return clamp_xattr(err, n, size);
}

const struct inode_ops hostfs_inode_ops = {
	.lookup = hostfs_lookup,
	.lookup_open = hostfs_lookup_open,
	.create = hostfs_create,
	.mkdir = hostfs_mkdir,
	.mknod = hostfs_mknod,
	.symlink = hostfs_symlink,
	.link = hostfs_link,
	.unlink = hostfs_unlink,
	.rmdir = hostfs_rmdir,
	.rename = hostfs_rename,
	.readlink = hostfs_readlink,
	.getattr = hostfs_getattr,
	.setattr = hostfs_setattr,
	.getxattr = hostfs_getxattr,
	.listxattr = hostfs_listxattr,
	.setxattr = hostfs_setxattr,
	.removexattr = hostfs_removexattr,
	.open = hostfs_open,
	.evict = hostfs_evict,
	.revalidate = hostfs_revalidate,
	.revalidate_negative = hostfs_revalidate_negative,
	.lease_ns = hostfs_lease_ns,
};
