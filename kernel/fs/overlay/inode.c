/* SPDX-License-Identifier: Apache-2.0 */
/* overlay: inodes, their tables, attributes. */
#include "kernel/fs/overlay/overlay.h"

static struct list *bucket(struct list *table, const void *key)
{
	return &table[hash_u64((uint64_t)(uintptr_t)key) % OVL_BUCKETS];
}

/* ---- marks of upper inodes ---- */

bool ovl_mark(struct inode *upper, const char *attr)
{
	return upper->ops->getxattr(upper, attr, NULL, 0) >= 0;
}

int ovl_set_mark(struct inode *upper, const char *attr, const void *v, size_t n)
{
	int err;

	mutex_lock(&upper->lock);
	err = upper->ops->setxattr(upper, attr, v, n, 0);
	mutex_unlock(&upper->lock);
	return err;
}

uint64_t ovl_ino_of_upper(struct inode *upper)
{
	uint64_t ino;

	if (upper->ops->getxattr(upper, OVL_ORIGIN, &ino, sizeof(ino)) == sizeof(ino))
		return ino;
	return OVL_UPPER_INO + upper->ino;
}

/* ---- layers ---- */

int ovl_layer_lookup(struct inode *dir, const char *name, size_t n, struct inode **ret)
{
	int err;

	mutex_lock(&dir->lock);
	err = dir->ops->lookup(dir, name, n, ret);
	mutex_unlock(&dir->lock);
	return err;
}

int ovl_lower_lookup(struct inode *lower_dir, const char *name, size_t n, bool open, struct inode **ret)
{
	const struct inode_ops *ops = lower_dir->ops;
	int err;

	if (ops->revalidate_negative && ops->revalidate_negative(lower_dir, name, n))
		return -ENOENT;
	if (!open || !ops->lookup_open)
		return ovl_layer_lookup(lower_dir, name, n, ret);
	mutex_lock(&lower_dir->lock);
	err = ops->lookup_open(lower_dir, name, n, ret);
	mutex_unlock(&lower_dir->lock);
	return err;
}

bool ovl_lower_has(struct inode *dir, const char *name, size_t n)
{
	struct inode *l;

	if (!ovl_i(dir)->lower || ovl_lower_lookup(ovl_i(dir)->lower, name, n, false, &l))
		return false;
	inode_put(l);
	return true;
}

/* ---- attributes ---- */

void ovl_sync(struct inode *i)
{
	struct ovl_inode *oi = ovl_i(i);
	struct inode *r = ovl_real(oi);

	inode_set_mode(i, inode_mode(r));
	inode_set_owner(i, inode_uid(r), inode_gid(r));
	inode_set_size(i, inode_size(r));
	inode_set_blocks(i, inode_blocks(r));
	inode_set_atime(i, inode_atime(r));
	inode_set_mtime(i, inode_mtime(r));
	inode_set_ctime(i, inode_ctime(r));
	inode_set_btime(i, inode_btime(r));
	if (oi->gone && !ovl_upper(oi))
		return;                 /* the lower object knows nothing of our removal */
	if (!S_ISDIR(inode_mode(i)))
		inode_set_nlink(i, inode_nlink(r));
	else if (inode_nlink(i))          /* removed ones stay at 0 */
		inode_set_nlink(i, oi->lower && ovl_upper(oi) ? 1 : MAX(inode_nlink(r), 1u));
}

int ovl_getattr(struct inode *i, struct kstat *ret)
{
	struct kstat k;
	int err = inode_getattr(ovl_real(ovl_i(i)), &k);

	if (err)
		return err;
	ovl_sync(i);
	k.dev = i->sb->dev;
	k.ino = i->ino;
	k.nlink = inode_nlink(i);
	*ret = k;
	return 0;
}

int ovl_setattr(struct inode *i, const struct kattr *a)
{
	struct inode *u;
	int err = ovl_copy_up(i, !((a->mask & ATTR_SIZE) && a->size == 0));

	if (err)
		return err;
	u = ovl_upper(ovl_i(i));
	mutex_lock(&u->lock);
	err = u->ops->setattr(u, a);
	mutex_unlock(&u->lock);
	ovl_sync(i);
	return err;
}

/* ---- the tables ---- */

void ovl_hash_upper(struct ovl_inode *oi)
{
	spin_lock(&oi->os->lock);
	list_push_back(bucket(oi->os->by_upper, oi->upper), &oi->upper_link);
	spin_unlock(&oi->os->lock);
}

static struct inode *find_locked(struct ovl_super *os, struct inode *upper, struct inode *lower)
{
	struct ovl_inode *oi;

	if (upper)
		list_for_each(oi, bucket(os->by_upper, upper), upper_link)
			if (oi->upper == upper && ref_get_unless_zero(&oi->inode->ref))
				return oi->inode;
	if (lower)
		list_for_each(oi, bucket(os->by_lower, lower), lower_link)
			if (oi->lower == lower && ref_get_unless_zero(&oi->inode->ref))
				return oi->inode;
	return NULL;
}

static struct inode *find(struct ovl_super *os, struct inode *upper, struct inode *lower)
{
	struct inode *i;

	spin_lock(&os->lock);
	i = find_locked(os, upper, lower);
	spin_unlock(&os->lock);
	return i;
}

static const struct inode_ops *ops_for(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR: return &ovl_dir_iops;
	case S_IFREG: return &ovl_file_iops;
	case S_IFLNK: return &ovl_link_iops;
	default: return &ovl_node_iops;
	}
}

static struct inode *make(struct ovl_super *os, struct inode *upper, struct inode *lower,
			  struct inode *parent, const char *name, size_t n)
{
	struct inode *real = upper ? upper : lower, *i;
	struct ovl_inode *oi = kzalloc(sizeof(*oi));
	char *copy = upper ? NULL : kstrndup(name, n);

	i = inode_new(os->sb, real->mode);
	if (!oi || !i || (!upper && !copy)) {
		kfree(oi);
		kfree(copy);
		if (i)
			inode_put(i);
		return NULL;
	}
	oi->inode = i;
	oi->os = os;
	oi->upper = upper;
	oi->lower = lower;
	mutex_init(&oi->copy_up);
	list_init(&oi->upper_link);
	list_init(&oi->lower_link);
	if (!upper) {
		oi->parent = parent ? inode_get(parent) : NULL;
		oi->name = copy;
		oi->name_size = (uint32_t)n;
	}
	i->priv = oi;
	i->rdev = real->rdev;
	i->ino = lower ? lower->ino : ovl_ino_of_upper(real);
	i->ops = ops_for(real->mode);
	i->fops = S_ISDIR(real->mode) ? &ovl_dir_fops : S_ISREG(real->mode) ? &ovl_file_fops : NULL;
	ovl_sync(i);
	return i;
}

int ovl_iget(struct ovl_super *os, struct inode *upper, struct inode *lower, struct inode *parent,
	     const char *name, size_t n, struct inode **ret)
{
	struct inode *i = find(os, upper, lower), *known = NULL;
	int err = 0;

	if (!i) {
		/* An object that is being copied up is in the upper layer a
		 * moment before its inode says so. */
		mutex_lock(&os->commit);
		i = find(os, upper, lower);
		if (!i) {
			i = make(os, upper, lower, parent, name, n);
			if (i) {
				struct ovl_inode *oi = ovl_i(i);

				spin_lock(&os->lock);
				known = find_locked(os, upper, lower);
				if (!known) {
					if (upper)
						list_push_back(bucket(os->by_upper, upper), &oi->upper_link);
					if (lower)
						list_push_back(bucket(os->by_lower, lower), &oi->lower_link);
				}
				spin_unlock(&os->lock);
				upper = lower = NULL;   /* it has them */
				if (known) {
					inode_put(i);
					i = known;
				}
			} else {
				err = -ENOMEM;
			}
		}
		mutex_unlock(&os->commit);
	}
	if (upper)
		inode_put(upper);
	if (lower)
		inode_put(lower);
	if (err)
		return err;
	*ret = i;
	return 0;
}

void ovl_evict(struct inode *i)
{
	struct ovl_inode *oi = ovl_i(i);

	if (!oi)
		return;
	spin_lock(&oi->os->lock);
	list_del(&oi->upper_link);
	list_del(&oi->lower_link);
	spin_unlock(&oi->os->lock);
	if (oi->upper)
		inode_put(oi->upper);
	if (oi->lower)
		inode_put(oi->lower);
	/* The parent's dentry still holds it, as a rule: this does not recurse. */
	if (oi->parent)
		inode_put(oi->parent);
	kfree(oi->name);
	kfree(oi);
}
