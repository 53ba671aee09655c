/* SPDX-License-Identifier: Apache-2.0 */
/* tmpfs directories: a hash of names plus a list in order of creation.
 *
 * Every name gets a cookie that only grows, so a directory stream that stands
 * at a cookie goes on correctly whatever was added or removed meanwhile.
 * Lock: the directory's inode->lock, held by the VFS for changes and lookup. */
#include "kernel/fs/tmpfs/internal.h"
#include <linux_abi/dirent.h>

#define LINK_MAX 65000u

static struct tmpfs_entry *find(struct tmpfs_dir *d, const char *name, size_t n)
{
	uint32_t h = hash_bytes(name, n);
	struct tmpfs_entry *e;

	if (!d->bucket_count)
		return NULL;
	list_for_each(e, &d->buckets[h & (d->bucket_count - 1)], hash)
		if (e->name_hash == h && e->name_size == n && !memcmp(e->name, name, n))
			return e;
	return NULL;
}

/* Twice the buckets when they are full; failing to grow is only slower. */
static int grow(struct tmpfs_dir *d)
{
	unsigned want = d->bucket_count ? d->bucket_count * 2 : 8;
	struct list *b;
	struct tmpfs_entry *e;

	if (d->bucket_count && d->count < d->bucket_count * 2)
		return 0;
	b = kmalloc(want * sizeof(*b));
	if (!b)
		return d->bucket_count ? 0 : -ENOMEM;
	for (unsigned k = 0; k < want; k++)
		list_init(&b[k]);
	list_for_each(e, &d->order, order)
		list_push_back(&b[e->name_hash & (want - 1)], &e->hash);
	kfree(d->buckets);
	d->buckets = b;
	d->bucket_count = want;
	return 0;
}

/* Consumes inode on success. */
static int insert(struct inode *dir, const char *name, size_t n, struct inode *inode)
{
	struct tmpfs_dir *d = &tmpfs_i(dir)->dir;
	struct tmpfs_entry *e = kzalloc(sizeof(*e) + n);
	int err = e ? grow(d) : -ENOMEM;

	if (err) {
		kfree(e);
		return err;
	}
	e->inode = inode;
	e->name_hash = hash_bytes(name, n);
	e->name_size = (uint8_t)n;
	memcpy(e->name, name, n);
	e->cookie = ++d->next_cookie;
	list_push_back(&d->buckets[e->name_hash & (d->bucket_count - 1)], &e->hash);
	list_push_back(&d->order, &e->order);
	d->count++;
	inode_set_size(dir, dir->size + 20);
	return 0;
}

static void erase(struct inode *dir, struct tmpfs_entry *e)
{
	list_del(&e->hash);
	list_del(&e->order);
	tmpfs_i(dir)->dir.count--;
	inode_set_size(dir, dir->size - 20);
	inode_put(e->inode);
	kfree(e);
}

/* Names left in a directory mean that the whole tree dies: it is taken apart
 * through a work list, not by recursion. */
void tmpfs_dir_free(struct tmpfs_inode *ti)
{
	struct tmpfs_super *ts = tmpfs_sb(ti->sb);
	bool mine;

	kfree(ti->dir.buckets);
	spin_lock(&ts->lock);
	list_splice_back(&ts->pending, &ti->dir.order);
	mine = !ts->draining;
	ts->draining = true;
	spin_unlock(&ts->lock);
	while (mine) {
		struct tmpfs_entry *e = NULL;

		spin_lock(&ts->lock);
		if (list_empty(&ts->pending)) {
			ts->draining = false;
			mine = false;
		} else {
			e = list_first(&ts->pending, struct tmpfs_entry, order);
			list_del(&e->order);
		}
		spin_unlock(&ts->lock);
		if (e) {
			inode_put(e->inode);
			kfree(e);
		}
	}
}

static int tmpfs_lookup(struct inode *dir, const char *name, size_t n, struct inode **ret)
{
	struct tmpfs_entry *e = find(&tmpfs_i(dir)->dir, name, n);

	if (!e)
		return -ENOENT;
	*ret = inode_get(e->inode);
	return 0;
}

static int add_new(struct inode *dir, const char *name, size_t n, struct inode *i, struct inode **ret)
{
	int err = find(&tmpfs_i(dir)->dir, name, n) ? -EEXIST : insert(dir, name, n, i);

	if (err) {
		inode_put(i);
		return err;
	}
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
	*ret = inode_get(i);
	return 0;
}

static int tmpfs_mknod(struct inode *dir, const char *name, size_t n, uint32_t mode, uint64_t rdev, struct inode **ret)
{
	int err;
	struct inode *i = tmpfs_inode_new(dir->sb, dir, mode, &err);

	if (!i)
		return err;
	i->rdev = rdev;
	return add_new(dir, name, n, i, ret);
}

static int tmpfs_create(struct inode *dir, const char *name, size_t n, uint32_t mode, struct inode **ret)
{
	return tmpfs_mknod(dir, name, n, mode, 0, ret);
}

static int tmpfs_mkdir(struct inode *dir, const char *name, size_t n, uint32_t mode, struct inode **ret)
{
	int err = tmpfs_mknod(dir, name, n, S_IFDIR | (mode & S_IALLUGO), 0, ret);

	if (!err)
		inode_set_nlink(dir, dir->nlink + 1);
	return err;
}

#define SHORT_LINK 128u                 /* with its NUL it takes a page of its own on Linux */
static int tmpfs_symlink(struct inode *dir, const char *name, size_t n, const char *target, struct inode **ret)
{
	int err;
	struct inode *i = tmpfs_inode_new(dir->sb, dir, S_IFLNK | 0777, &err);

	if (!i)
		return err;
	tmpfs_i(i)->target = kstrdup(target);
	if (!tmpfs_i(i)->target) {
		inode_put(i);
		return -ENOMEM;
	}
	i->size = strlen(target);
	if (tmpfs_sb(dir->sb)->by_pages && i->size >= SHORT_LINK && tmpfs_charge(tmpfs_i(i), PLAT_PAGE_SIZE)) {
		inode_put(i);
		return -ENOSPC;
	}
	return add_new(dir, name, n, i, ret);
}

static int tmpfs_tmpfile(struct inode *dir, uint32_t mode, struct inode **ret)
{
	int err;
	struct inode *i = tmpfs_inode_new(dir->sb, dir, S_IFREG | (mode & S_IALLUGO), &err);

	if (!i)
		return err;
	i->nlink = 0;
	*ret = i;
	return 0;
}

static int tmpfs_link(struct inode *dir, const char *name, size_t n, struct inode *target)
{
	int err;

	if (target->nlink >= LINK_MAX)
		return -EMLINK;
	if (find(&tmpfs_i(dir)->dir, name, n))
		return -EEXIST;
	err = insert(dir, name, n, target);
	if (err)
		return err;
	inode_get(target);
	inode_set_nlink(target, target->nlink + 1);
	inode_touch(target, ATTR_CTIME);
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
	return 0;
}

static int tmpfs_unlink(struct inode *dir, const char *name, size_t n, struct inode *victim)
{
	struct tmpfs_entry *e = find(&tmpfs_i(dir)->dir, name, n);

	if (!e || e->inode != victim)
		return -ENOENT;
	inode_set_nlink(victim, victim->nlink - 1);
	inode_touch(victim, ATTR_CTIME);
	erase(dir, e);
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
	return 0;
}

static int tmpfs_rmdir(struct inode *dir, const char *name, size_t n, struct inode *victim)
{
	struct tmpfs_entry *e = find(&tmpfs_i(dir)->dir, name, n);

	if (!e || e->inode != victim)
		return -ENOENT;
	if (tmpfs_i(victim)->dir.count)
		return -ENOTEMPTY;
	inode_set_nlink(victim, 0);
	inode_set_nlink(dir, dir->nlink - 1);
	erase(dir, e);
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
	return 0;
}

/* All four inodes are locked. */
static int tmpfs_rename(struct inode *odir, const char *on, size_t onn, struct inode *src,
			struct inode *ndir, const char *nn, size_t nnn, struct inode *dst, unsigned flags)
{
	struct tmpfs_entry *oe = find(&tmpfs_i(odir)->dir, on, onn);
	struct tmpfs_entry *ne = find(&tmpfs_i(ndir)->dir, nn, nnn);
	bool dir = S_ISDIR(src->mode);
	int err;

	if (!oe || oe->inode != src || (ne ? ne->inode : NULL) != dst)
		return -ENOENT;
	if (flags & RENAME_EXCHANGE) {
		if (!ne)
			return -ENOENT;
		ne->inode = src;
		oe->inode = dst;
		inode_set_nlink(odir, odir->nlink + S_ISDIR(dst->mode) - dir);
		inode_set_nlink(ndir, ndir->nlink + dir - S_ISDIR(dst->mode));
		inode_touch(dst, ATTR_CTIME);
		goto done;
	}
	if (ne) {
		if (S_ISDIR(dst->mode)) {
			if (tmpfs_i(dst)->dir.count)
				return -ENOTEMPTY;
			inode_set_nlink(dst, 0);
			inode_set_nlink(ndir, ndir->nlink - 1);
		} else {
			inode_set_nlink(dst, dst->nlink - 1);
		}
		inode_touch(dst, ATTR_CTIME);
		inode_get(src);
		inode_put(ne->inode);
		ne->inode = src;
	} else {
		err = insert(ndir, nn, nnn, src);
		if (err)
			return err;
		inode_get(src);
	}
	if (dir) {
		inode_set_nlink(odir, odir->nlink - 1);
		inode_set_nlink(ndir, ndir->nlink + 1);
	}
	erase(odir, oe);
done:
	inode_touch(src, ATTR_CTIME);
	inode_touch(odir, ATTR_MTIME | ATTR_CTIME);
	inode_touch(ndir, ATTR_MTIME | ATTR_CTIME);
	return 0;
}

static long tmpfs_readlink(struct inode *i, char *buf, size_t size)
{
	size_t n = MIN((size_t)i->size, size);

	memcpy(buf, tmpfs_i(i)->target, n);
	return (long)n;
}

static int tmpfs_readdir(struct file *f, struct dir_sink *s)
{
	struct inode *i = f->inode;
	struct tmpfs_entry *e;

	if (!dir_emit_dots(f, s))
		return 0;
	mutex_lock(&i->lock);
	list_for_each(e, &tmpfs_i(i)->dir.order, order) {
		if (e->cookie < (int64_t)f->pos)
			continue;
		if (!s->emit(s, e->name, e->name_size, e->inode->ino, mode_to_dtype(e->inode->mode), e->cookie + 1))
			break;
		f->pos = (uint64_t)e->cookie + 1;
	}
	mutex_unlock(&i->lock);
	return 0;
}

#define TMPFS_ATTR_OPS \
	.getattr = tmpfs_getattr, .setattr = tmpfs_setattr, .getxattr = tmpfs_getxattr, \
	.listxattr = tmpfs_listxattr, .setxattr = tmpfs_setxattr, .removexattr = tmpfs_removexattr, \
	.evict = tmpfs_evict

const struct inode_ops tmpfs_dir_iops = {
	.lookup = tmpfs_lookup, .create = tmpfs_create, .mkdir = tmpfs_mkdir,
	.mknod = tmpfs_mknod, .symlink = tmpfs_symlink, .link = tmpfs_link,
	.unlink = tmpfs_unlink, .rmdir = tmpfs_rmdir, .rename = tmpfs_rename,
	.tmpfile = tmpfs_tmpfile, TMPFS_ATTR_OPS,
};
const struct inode_ops tmpfs_file_iops = { TMPFS_ATTR_OPS };
const struct inode_ops tmpfs_node_iops = { TMPFS_ATTR_OPS };
const struct inode_ops tmpfs_link_iops = { .readlink = tmpfs_readlink, TMPFS_ATTR_OPS };
const struct file_ops tmpfs_dir_fops = { .readdir = tmpfs_readdir, .lseek = sizeless_lseek,
	.quiet_close = true };
