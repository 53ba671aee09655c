/* SPDX-License-Identifier: Apache-2.0 */
/* overlay: lookup and changes of directories.
 *
 * The VFS holds the overlay directory's lock; upper directories are changed
 * under their own lock.  New directories are opaque at once: nothing below can
 * shine through, and lookups in them never ask the lower layer. */
#include "kernel/fs/overlay/overlay.h"
#include "kernel/fs/tmpfs/tmpfs.h"

static struct ovl_super *os_of(struct inode *i)
{
	return ovl_i(i)->os;
}

/* ---- lookup ---- */

static struct inode *index_find(struct ovl_super *os, uint64_t lower_ino)
{
	struct ovl_index *x;
	struct inode *u = NULL;

	spin_lock(&os->lock);
	list_for_each(x, &os->index[hash_u64(lower_ino) % OVL_BUCKETS], link)
		if (x->lower_ino == lower_ino) {
			u = inode_get(x->upper);
			break;
		}
	spin_unlock(&os->lock);
	return u;
}

static int lookup(struct inode *dir, const char *name, size_t n, bool open, struct inode **ret)
{
	struct ovl_inode *od = ovl_i(dir);
	struct inode *updir = ovl_upper(od), *u = NULL, *l = NULL;
	int err;

	if (updir) {
		err = ovl_layer_lookup(updir, name, n, &u);
		if (err && err != -ENOENT)
			return err;
		if (!err && ovl_is_whiteout(u)) {
			inode_put(u);
			return -ENOENT;
		}
	}
	if (u && S_ISDIR(u->mode) && ovl_mark(u, OVL_OPAQUE)) {
		l = ovl_redirect_find(od->os, u);
	} else if (od->lower && (!u || S_ISDIR(u->mode))) {
		err = ovl_lower_lookup(od->lower, name, n, open, &l);
		if (err && err != -ENOENT) {
			if (u)
				inode_put(u);
			return err;
		}
		if (!err && u && !S_ISDIR(l->mode)) {
			inode_put(l);
			l = NULL;
		}
		if (err)
			l = NULL;
	}
	if (!u && !l)
		return -ENOENT;
	if (!u && !S_ISDIR(l->mode) && inode_nlink(l) > 1) {
		u = index_find(od->os, l->ino);
		if (u) {
			inode_put(l);
			l = NULL;
		}
	}
	return ovl_iget(od->os, u, l, dir, name, n, ret);
}

static int ovl_lookup(struct inode *dir, const char *name, size_t n, struct inode **ret)
{
	return lookup(dir, name, n, false, ret);
}

static int ovl_lookup_open(struct inode *dir, const char *name, size_t n, struct inode **ret)
{
	return lookup(dir, name, n, true, ret);
}

/* Upper names change by our hand only; what is below may be the host's. */
static bool ovl_revalidate(struct inode *dir, const char *name, size_t n, struct inode *cached)
{
	struct inode *ld = ovl_i(dir)->lower;
	struct ovl_inode *oi = ovl_i(cached);

	if (ovl_upper(oi) || !ld || !ld->ops->revalidate)
		return true;
	if (!ld->ops->revalidate(ld, name, n, oi->lower))
		return ovl_upper(oi);   /* copied up meanwhile: it is ours */
	ovl_sync(cached);
	return true;
}

static bool ovl_revalidate_negative(struct inode *dir, const char *name, size_t n)
{
	struct ovl_inode *od = ovl_i(dir);
	struct inode *updir = ovl_upper(od), *u;

	if (!od->lower || !od->lower->ops->revalidate_negative)
		return true;
	if (od->lower->ops->revalidate_negative(od->lower, name, n))
		return true;
	if (updir && !ovl_layer_lookup(updir, name, n, &u)) {
		bool white = ovl_is_whiteout(u);

		inode_put(u);
		return white;
	}
	return false;
}

static uint64_t ovl_lease_ns(struct inode *dir, const char *name, size_t n, struct inode *cached)
{
	struct inode *ld = ovl_i(dir)->lower;
	struct ovl_inode *oi = cached ? ovl_i(cached) : NULL;
	uint64_t until;

	if ((oi && ovl_upper(oi)) || !ld)
		return UINT64_MAX;
	if (!ld->ops->lease_ns)
		return 0;
	until = ld->ops->lease_ns(ld, name, n, oi ? oi->lower : NULL);
	if (cached)
		ovl_sync(cached);       /* no older than what the lease is for */
	return until;
}

/* ---- whiteouts ---- */

/* Remove the whiteout at name, if there is one; upper dir's lock is held. */
static bool take_whiteout_locked(struct inode *updir, const char *name, size_t n)
{
	struct inode *w;
	bool was = false;

	if (updir->ops->lookup(updir, name, n, &w))
		return false;
	if (ovl_is_whiteout(w))
		was = !updir->ops->unlink(updir, name, n, w);
	inode_put(w);
	return was;
}

/* Upper dir's lock is held, the name is free in it. */
static int put_whiteout_locked(struct ovl_super *os, struct inode *updir, const char *name, size_t n)
{
	int err;

	for (unsigned tries = 0;; tries++) {
		if (!os->whiteout || tries) {
			struct inode *w = tmpfs_node_new(os->upper_sb, S_IFWHT, &err);

			if (!w)
				return err;
			if (os->whiteout)
				inode_put(os->whiteout);
			os->whiteout = w;
		}
		err = updir->ops->link(updir, name, n, os->whiteout);
		if (err != -EMLINK || tries)
			return err;
	}
}

/* ---- making ---- */

typedef int (*maker)(struct inode *updir, const char *name, size_t n, const void *arg, struct inode **ret);

static int fn_link(struct inode *d, const char *name, size_t n, const void *arg, struct inode **ret);

static int make_in(struct inode *dir, const char *name, size_t n, maker fn, const void *arg, bool opaque,
		   struct inode **ret)
{
	struct ovl_super *os = os_of(dir);
	struct inode *updir, *u;
	bool white;
	int err = ovl_copy_up(dir, true);

	if (err)
		return err;
	updir = ovl_upper(ovl_i(dir));
	mutex_lock(&os->commit);
	mutex_lock(&updir->lock);
	white = take_whiteout_locked(updir, name, n);
	err = fn(updir, name, n, arg, &u);
	if (!err && opaque && ovl_i(dir)->lower) {
		err = ovl_set_mark(u, OVL_OPAQUE, "y", 1);
		if (err) {
			(void)updir->ops->rmdir(updir, name, n, u);
			inode_put(u);
		}
	}
	if (err && white)
		(void)put_whiteout_locked(os, updir, name, n);
	mutex_unlock(&updir->lock);
	mutex_unlock(&os->commit);
	if (!err)
		err = ovl_iget(os, u, NULL, dir, name, n, ret);
	if (!err)
		ovl_i(*ret)->pure_dir = white || fn == fn_link ? NULL : dir;
	ovl_sync(dir);
	return err;
}

struct node_arg { uint32_t mode; uint64_t rdev; };

static int fn_create(struct inode *d, const char *name, size_t n, const void *arg, struct inode **ret)
{
	const struct node_arg *a = arg;

	return d->ops->create(d, name, n, a->mode, ret);
}

static int fn_mkdir(struct inode *d, const char *name, size_t n, const void *arg, struct inode **ret)
{
	const struct node_arg *a = arg;

	return d->ops->mkdir(d, name, n, a->mode, ret);
}

static int fn_mknod(struct inode *d, const char *name, size_t n, const void *arg, struct inode **ret)
{
	const struct node_arg *a = arg;

	return d->ops->mknod(d, name, n, a->mode, a->rdev, ret);
}

static int fn_symlink(struct inode *d, const char *name, size_t n, const void *arg, struct inode **ret)
{
	return d->ops->symlink(d, name, n, arg, ret);
}

static int fn_link(struct inode *d, const char *name, size_t n, const void *arg, struct inode **ret)
{
	struct inode *u = (struct inode *)(uintptr_t)arg;
	int err;

	mutex_lock(&u->lock);
	err = d->ops->link(d, name, n, u);
	mutex_unlock(&u->lock);
	if (!err)
		*ret = inode_get(u);
	return err;
}

static int ovl_create(struct inode *dir, const char *name, size_t n, uint32_t mode, struct inode **ret)
{
	struct node_arg a = { mode, 0 };

	return make_in(dir, name, n, fn_create, &a, false, ret);
}

static int ovl_mkdir(struct inode *dir, const char *name, size_t n, uint32_t mode, struct inode **ret)
{
	struct node_arg a = { mode, 0 };

	return make_in(dir, name, n, fn_mkdir, &a, true, ret);
}

static int ovl_mknod(struct inode *dir, const char *name, size_t n, uint32_t mode, uint64_t rdev, struct inode **ret)
{
	struct node_arg a = { mode, rdev };

	return make_in(dir, name, n, fn_mknod, &a, false, ret);
}

static int ovl_symlink(struct inode *dir, const char *name, size_t n, const char *target, struct inode **ret)
{
	return make_in(dir, name, n, fn_symlink, target, false, ret);
}

static int ovl_link(struct inode *dir, const char *name, size_t n, struct inode *target)
{
	struct inode *same;
	int err = ovl_copy_up(target, true);

	if (!err)
		err = make_in(dir, name, n, fn_link, ovl_upper(ovl_i(target)), false, &same);
	if (err)
		return err;
	inode_put(same);
	ovl_sync(target);
	return 0;
}

static int ovl_tmpfile(struct inode *dir, uint32_t mode, struct inode **ret)
{
	struct inode *updir, *u;
	int err = ovl_copy_up(dir, true);

	if (err)
		return err;
	updir = ovl_upper(ovl_i(dir));
	mutex_lock(&updir->lock);
	err = updir->ops->tmpfile(updir, mode, &u);
	mutex_unlock(&updir->lock);
	return err ? err : ovl_iget(os_of(dir), u, NULL, dir, "", 0, ret);
}

/* ---- removing ---- */

static void name_gone(struct inode *victim, struct inode *dir, const char *name, size_t n)
{
	struct ovl_inode *oi = ovl_i(victim);

	if (oi->parent == dir && oi->name && oi->name_size == n && !memcmp(oi->name, name, n))
		oi->gone = true;
}

static int remove_name(struct inode *dir, const char *name, size_t n, struct inode *victim, bool is_dir)
{
	struct ovl_super *os = os_of(dir);
	struct inode *updir, *u, *entry;
	bool below = ovl_i(victim)->pure_dir != dir && ovl_lower_has(dir, name, n);
	int err = ovl_copy_up(dir, true);

	if (err)
		return err;
	updir = ovl_upper(ovl_i(dir));
	if (is_dir) {
		if (!ovl_dir_empty(victim, &err))
			return err ? err : -ENOTEMPTY;
		u = ovl_upper(ovl_i(victim));
		if (u) {
			err = ovl_clean_whiteouts(u);
			if (err)
				return err;
		}
	}
	mutex_lock(&os->commit);
	u = ovl_upper(ovl_i(victim));
	mutex_lock(&updir->lock);
	/* A name that shares a copy with another (index) has no entry above. */
	if (u && !updir->ops->lookup(updir, name, n, &entry)) {
		mutex_lock(&u->lock);
		err = is_dir ? updir->ops->rmdir(updir, name, n, u) : updir->ops->unlink(updir, name, n, u);
		mutex_unlock(&u->lock);
		inode_put(entry);
	} else if (u && inode_nlink(u)) {
		inode_set_nlink(u, inode_nlink(u) - 1);
	}
	if (!err && below)
		err = put_whiteout_locked(os, updir, name, n);
	if (!err) {
		inode_touch(updir, ATTR_MTIME | ATTR_CTIME);
		name_gone(victim, dir, name, n);
	}
	mutex_unlock(&updir->lock);
	mutex_unlock(&os->commit);
	if (err)
		return err;
	if (is_dir) {
		inode_set_nlink(victim, 0);
		if (u)
			ovl_redirect_drop(os, u);
	} else if (u) {
		ovl_sync(victim);
	} else if (inode_nlink(victim)) {
		inode_set_nlink(victim, inode_nlink(victim) - 1);
	}
	ovl_sync(dir);
	return 0;
}

static int ovl_unlink(struct inode *dir, const char *name, size_t n, struct inode *victim)
{
	return remove_name(dir, name, n, victim, false);
}

static int ovl_rmdir(struct inode *dir, const char *name, size_t n, struct inode *victim)
{
	return remove_name(dir, name, n, victim, true);
}

/* ---- rename ---- */

/* Make an object ready to get another name: all of it that the name stands for
 * must hang on the upper object. */
static int movable(struct inode *i)
{
	struct ovl_inode *oi = ovl_i(i);
	int err = ovl_copy_up(i, true);

	if (err || !S_ISDIR(inode_mode(i)))
		return err;
	if (oi->lower)
		err = ovl_redirect_add(oi->os, ovl_upper(oi), oi->lower);
	if (!err && !ovl_mark(ovl_upper(oi), OVL_OPAQUE))
		err = ovl_set_mark(ovl_upper(oi), OVL_OPAQUE, "y", 1);
	return err;
}

static int rename_prepare(struct inode *odir, struct inode *src, struct inode *ndir, struct inode *dst, bool exchange)
{
	int err = movable(src);

	if (!err && dst && exchange)
		err = movable(dst);
	if (!err)
		err = ovl_copy_up(odir, true);
	if (!err)
		err = ovl_copy_up(ndir, true);
	if (!err && dst && !exchange && S_ISDIR(dst->mode)) {
		if (!ovl_dir_empty(dst, &err))
			return err ? err : -ENOTEMPTY;
		if (ovl_upper(ovl_i(dst)))
			err = ovl_clean_whiteouts(ovl_upper(ovl_i(dst)));
	}
	return err;
}

static int ovl_rename(struct inode *odir, const char *on, size_t onn, struct inode *src,
		      struct inode *ndir, const char *nn, size_t nnn, struct inode *dst, unsigned flags)
{
	struct ovl_super *os = os_of(odir);
	struct inode *uo, *un, *us, *entry = NULL;
	bool exchange = flags & RENAME_EXCHANGE;
	bool below = !exchange && ovl_i(src)->pure_dir != odir && ovl_lower_has(odir, on, onn);
	int err = rename_prepare(odir, src, ndir, dst, exchange);

	if (err)
		return err;
	uo = ovl_upper(ovl_i(odir));
	un = ovl_upper(ovl_i(ndir));
	us = ovl_upper(ovl_i(src));
	mutex_lock(&os->commit);
	mutex_lock(&uo->lock);
	if (un != uo)
		mutex_lock(&un->lock);
	/* A name that shares its copy (index) must be a link of its own first. */
	if (uo->ops->lookup(uo, on, onn, &entry)) {
		err = uo->ops->link(uo, on, onn, us);
		if (!err && inode_nlink(us))
			inode_set_nlink(us, inode_nlink(us) - 1);
	} else {
		inode_put(entry);
	}
	entry = NULL;
	if (!err && exchange && un->ops->lookup(un, nn, nnn, &entry)) {
		struct inode *ud = ovl_upper(ovl_i(dst));

		err = un->ops->link(un, nn, nnn, ud);
		if (!err && inode_nlink(ud))
			inode_set_nlink(ud, inode_nlink(ud) - 1);
		if (!err)
			entry = inode_get(ud);
	} else if (!err && !exchange) {
		if (un->ops->lookup(un, nn, nnn, &entry))
			entry = NULL;   /* nothing above: it hides what is below */
	}
	if (!err)
		err = uo->ops->rename(uo, on, onn, us, un, nn, nnn, entry, flags & RENAME_EXCHANGE);
	if (!err) {
		/* A free name that no whiteout covered is not below either. */
		ovl_i(src)->pure_dir = entry || dst ? NULL : ndir;
		if (dst)
			ovl_i(dst)->pure_dir = NULL;
	}
	if (!err && dst && !exchange)
		name_gone(dst, ndir, nn, nnn);
	if (!err && below)
		err = put_whiteout_locked(os, uo, on, onn);
	if (un != uo)
		mutex_unlock(&un->lock);
	mutex_unlock(&uo->lock);
	mutex_unlock(&os->commit);
	if (entry)
		inode_put(entry);
	if (err)
		return err;
	if (dst && !exchange) {
		if (S_ISDIR(dst->mode)) {
			inode_set_nlink(dst, 0);
			if (ovl_upper(ovl_i(dst)))
				ovl_redirect_drop(os, ovl_upper(ovl_i(dst)));
		} else if (ovl_upper(ovl_i(dst))) {
			ovl_sync(dst);
		} else if (inode_nlink(dst)) {
			inode_set_nlink(dst, inode_nlink(dst) - 1);
		}
	}
	ovl_sync(src);
	ovl_sync(odir);
	ovl_sync(ndir);
	return 0;
}

/* ---- the rest ---- */

static long ovl_readlink(struct inode *i, char *buf, size_t size)
{
	struct inode *r = ovl_real(ovl_i(i));

	return r->ops->readlink(r, buf, size);
}

static bool own_xattr(const char *name)
{
	return !strncmp(name, OVL_XATTR, sizeof(OVL_XATTR) - 1);
}

static long ovl_getxattr(struct inode *i, const char *name, void *buf, size_t size)
{
	struct inode *r = ovl_real(ovl_i(i));

	if (own_xattr(name))
		return -ENODATA;
	return r->ops->getxattr ? r->ops->getxattr(r, name, buf, size) : -EOPNOTSUPP;
}

static long ovl_listxattr(struct inode *i, void *buf, size_t size)
{
	struct inode *r = ovl_real(ovl_i(i));
	long n = r->ops->listxattr ? r->ops->listxattr(r, buf, size) : 0;
	char *out = buf, *in = buf;

	if (n <= 0 || !size)
		return n;
	while (in < (char *)buf + n) {
		size_t len = strnlen(in, (size_t)((char *)buf + n - in)) + 1;

		if (in + len > (char *)buf + n)
			break;
		if (!own_xattr(in)) {
			memmove(out, in, len);
			out += len;
		}
		in += len;
	}
	return out - (char *)buf;
}

static int change_xattr(struct inode *i, const char *name, const void *v, size_t n, int flags, bool set)
{
	struct inode *u;
	int err;

	if (own_xattr(name))
		return -EPERM;
	err = ovl_copy_up(i, true);
	if (err)
		return err;
	u = ovl_upper(ovl_i(i));
	mutex_lock(&u->lock);
	err = set ? u->ops->setxattr(u, name, v, n, flags) : u->ops->removexattr(u, name);
	mutex_unlock(&u->lock);
	ovl_sync(i);
	return err;
}

static int ovl_setxattr(struct inode *i, const char *name, const void *v, size_t n, int flags)
{
	return change_xattr(i, name, v, n, flags, true);
}

static int ovl_removexattr(struct inode *i, const char *name)
{
	return change_xattr(i, name, NULL, 0, 0, false);
}

#define OVL_ATTR_OPS \
	.getattr = ovl_getattr, .setattr = ovl_setattr, .getxattr = ovl_getxattr, \
	.listxattr = ovl_listxattr, .setxattr = ovl_setxattr, .removexattr = ovl_removexattr, \
	.evict = ovl_evict

const struct inode_ops ovl_dir_iops = {
	.lookup = ovl_lookup, .lookup_open = ovl_lookup_open, .create = ovl_create, .mkdir = ovl_mkdir, .mknod = ovl_mknod,
	.symlink = ovl_symlink, .link = ovl_link, .unlink = ovl_unlink, .rmdir = ovl_rmdir,
	.rename = ovl_rename, .tmpfile = ovl_tmpfile, .open = ovl_open,
	.revalidate = ovl_revalidate, .revalidate_negative = ovl_revalidate_negative, .lease_ns = ovl_lease_ns,
	OVL_ATTR_OPS,
};
const struct inode_ops ovl_file_iops = { .open = ovl_open, OVL_ATTR_OPS };
const struct inode_ops ovl_node_iops = { OVL_ATTR_OPS };
const struct inode_ops ovl_link_iops = { .readlink = ovl_readlink, OVL_ATTR_OPS };
