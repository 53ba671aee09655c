/* SPDX-License-Identifier: Apache-2.0 */
/* overlay: copying lower objects to the upper layer.
 *
 * Parents first, then the object.  A regular file is made without a name,
 * filled, and linked last, so that nobody sees half a file; the long copy runs
 * under the object's own copy_up mutex only, the short commit (link and
 * publish) under ovl_super.commit. */
#include "kernel/fs/overlay/overlay.h"
#include "kernel/fs/tmpfs/tmpfs.h"

#define CHUNK (256u << 10)

static int copy_data(struct inode *lower, struct inode *upper)
{
	struct file *in, *out;
	uint8_t *buf = kmalloc(CHUNK);
	uint64_t pos = 0;
	int err;

	if (!buf)
		return -ENOMEM;
	err = inode_open_internal(lower, O_RDONLY, &in);
	if (err)
		goto out_buf;
	err = inode_open_internal(upper, O_WRONLY, &out);
	if (err)
		goto out_in;
	for (;;) {
		long n = file_read_kernel(in, buf, CHUNK, pos), w;

		if (n <= 0) {
			err = (int)n;
			break;
		}
		w = file_write_kernel(out, buf, (size_t)n, pos);
		if (w != n) {
			err = w < 0 ? (int)w : -ENOSPC;
			break;
		}
		pos += (uint64_t)n;
		if (signal_fatal_pending(current_task())) {
			err = -EINTR;
			break;
		}
	}
	file_put(out);
out_in:
	file_put(in);
out_buf:
	kfree(buf);
	return err;
}

/* user.* only: the rest means something to the host, not here. */
static void copy_xattrs(struct inode *lower, struct inode *upper)
{
	char *names, *value;
	long n;

	if (!lower->ops->listxattr || !lower->ops->getxattr)
		return;
	names = kmalloc(4096);
	value = kmalloc(4096);
	n = names && value ? lower->ops->listxattr(lower, names, 4096) : 0;
	for (long k = 0; k < n;) {
		size_t len = strnlen(names + k, (size_t)(n - k));
		long size;

		if (k + (long)len >= n)
			break;
		if (!strncmp(names + k, "user.", 5)) {
			size = lower->ops->getxattr(lower, names + k, value, 4096);
			if (size >= 0)
				(void)ovl_set_mark(upper, names + k, value, (size_t)size);
		}
		k += (long)len + 1;
	}
	kfree(names);
	kfree(value);
}

static int copy_attrs(struct inode *lower, struct inode *upper)
{
	struct kattr a = {
		.mask = ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_ATIME | ATTR_MTIME | ATTR_CTIME,
		.mode = lower->mode & S_IALLUGO, .uid = lower->uid, .gid = lower->gid,
		.atime_ns = inode_atime(lower), .mtime_ns = inode_mtime(lower), .ctime_ns = inode_ctime(lower),
	};
	uint64_t ino = lower->ino;
	int err;

	err = ovl_set_mark(upper, OVL_ORIGIN, &ino, sizeof(ino));
	if (err)
		return err;
	mutex_lock(&upper->lock);
	err = upper->ops->setattr(upper, &a);
	mutex_unlock(&upper->lock);
	return err;
}

/* commit is held: make the named object in the upper parent (not for regular
 * files). */
static int make_named(struct ovl_inode *oi, struct inode *updir, struct inode **ret)
{
	struct inode *l = oi->lower;
	int err;

	if (S_ISDIR(l->mode)) {
		err = updir->ops->mkdir(updir, oi->name, oi->name_size, S_IFDIR | (l->mode & S_IALLUGO), ret);
	} else if (S_ISLNK(l->mode)) {
		char *text = kmalloc(PATH_MAX);
		long n = text ? l->ops->readlink(l, text, PATH_MAX - 1) : -ENOMEM;

		if (n >= 0) {
			text[n] = 0;
			n = updir->ops->symlink(updir, oi->name, oi->name_size, text, ret);
		}
		kfree(text);
		err = (int)n;
	} else {
		err = updir->ops->mknod(updir, oi->name, oi->name_size, l->mode, l->rdev, ret);
	}
	return err;
}

/* Every name of a lower file with several leads to the copy from now on. */
static int index_add(struct ovl_inode *oi, struct inode *upper)
{
	struct ovl_super *os = oi->os;
	struct ovl_index *x = kzalloc(sizeof(*x));

	if (!x)
		return -ENOMEM;
	x->lower_ino = oi->lower->ino;
	x->upper = inode_get(upper);
	spin_lock(&os->lock);
	list_push_back(&os->index[hash_u64(x->lower_ino) % OVL_BUCKETS], &x->link);
	spin_unlock(&os->lock);
	return 0;
}

static void publish(struct ovl_inode *oi, struct inode *upper)
{
	__atomic_store_n(&oi->upper, upper, __ATOMIC_RELEASE);
	ovl_hash_upper(oi);
}

static int copy_up_file(struct ovl_inode *oi, struct inode *updir, bool data)
{
	struct inode *l = oi->lower, *u;
	bool linked = inode_nlink(l) > 1;
	int err = 0;

	u = tmpfs_node_new(oi->os->upper_sb, S_IFREG | (l->mode & S_IALLUGO), &err);
	if (!u)
		return err;
	if (data && inode_size(l))
		err = copy_data(l, u);
	if (!err) {
		copy_xattrs(l, u);
		err = copy_attrs(l, u);
	}
	if (!err && updir) {
		if (linked)
			u->nlink = inode_nlink(l) - 1;
		mutex_lock(&oi->os->commit);
		if (linked)
			err = index_add(oi, u);
		mutex_lock(&updir->lock);
		mutex_lock(&u->lock);
		if (!err && !oi->gone)
			err = updir->ops->link(updir, oi->name, oi->name_size, u);
		mutex_unlock(&u->lock);
		mutex_unlock(&updir->lock);
		if (!err)
			publish(oi, u);
		mutex_unlock(&oi->os->commit);
	} else if (!err) {
		publish(oi, u);
	}
	if (err)
		inode_put(u);
	return err;
}

static int copy_up_other(struct ovl_inode *oi, struct inode *updir)
{
	struct inode *u;
	int err;

	if (!updir || oi->gone)
		return -ENOENT;         /* removed: nobody will look for it again */
	mutex_lock(&oi->os->commit);
	mutex_lock(&updir->lock);
	err = make_named(oi, updir, &u);
	mutex_unlock(&updir->lock);
	if (!err) {
		copy_xattrs(oi->lower, u);
		(void)copy_attrs(oi->lower, u);
		publish(oi, u);
	}
	mutex_unlock(&oi->os->commit);
	return err;
}

static int copy_up_one(struct ovl_inode *oi, bool data)
{
	struct inode *updir = oi->parent ? ovl_upper(ovl_i(oi->parent)) : NULL;
	int64_t atime = 0, mtime = 0;
	int err = 0;

	mutex_lock(&oi->copy_up);
	if (!ovl_upper(oi)) {
		struct kstat k;

		/* What the lower object is now, not when it was looked up. */
		err = inode_getattr(oi->lower, &k);
		if (!err && updir) {
			atime = inode_atime(updir);
			mtime = inode_mtime(updir);
		}
		if (!err)
			err = S_ISREG(oi->lower->mode) ? copy_up_file(oi, updir, data) : copy_up_other(oi, updir);
		if (!err && updir) {
			/* Copying up is not a change of the directory. */
			inode_set_atime(updir, atime);
			inode_set_mtime(updir, mtime);
		}
		if (!err)
			ovl_sync(oi->inode);
	}
	mutex_unlock(&oi->copy_up);
	return err;
}

int ovl_copy_up(struct inode *i, bool data)
{
	struct ovl_inode *oi = ovl_i(i);

	while (!ovl_upper(oi)) {
		struct ovl_inode *p = oi;
		int err;

		/* The topmost ancestor that is still below only. */
		while (p->parent && !ovl_upper(ovl_i(p->parent)))
			p = ovl_i(p->parent);
		err = copy_up_one(p, p == oi ? data : true);
		if (err)
			return err;
	}
	return 0;
}
