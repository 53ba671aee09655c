/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes of tmpfs inodes: a short list each, bounded in number
 * and charged to the limit.  The VFS has checked name space and permission. */
#include "kernel/fs/tmpfs/internal.h"

#define XATTR_COUNT_MAX 128u

static struct tmpfs_xattr *find(struct tmpfs_inode *ti, const char *name)
{
	struct tmpfs_xattr *x;

	list_for_each(x, &ti->xattrs, link)
		if (!strcmp(x->name, name))
			return x;
	return NULL;
}

static uint64_t cost(const char *name, size_t n)
{
	return strlen(name) + n + 64;
}

static void drop(struct tmpfs_xattr *x)
{
	kfree(x->name);
	kfree(x->value);
	kfree(x);
}

void tmpfs_xattrs_free(struct tmpfs_inode *ti)
{
	while (!list_empty(&ti->xattrs)) {
		struct tmpfs_xattr *x = list_first(&ti->xattrs, struct tmpfs_xattr, link);

		list_del(&x->link);
		drop(x);
	}
}

long tmpfs_getxattr(struct inode *i, const char *name, void *buf, size_t size)
{
	struct tmpfs_xattr *x;
	long n = -ENODATA;

	mutex_lock(&i->lock);
	x = find(tmpfs_i(i), name);
	if (x) {
		n = (long)x->size;
		if (size && size < x->size)
			n = -ERANGE;
		else if (size)
			memcpy(buf, x->value, x->size);
	}
	mutex_unlock(&i->lock);
	return n;
}

long tmpfs_listxattr(struct inode *i, void *buf, size_t size)
{
	struct tmpfs_xattr *x;
	size_t n = 0;
	long ret;

	mutex_lock(&i->lock);
	list_for_each(x, &tmpfs_i(i)->xattrs, link) {
		size_t len = strlen(x->name) + 1;

		if (n + len <= size)
			memcpy((char *)buf + n, x->name, len);
		n += len;
	}
	ret = size && n > size ? -ERANGE : (long)n;
	mutex_unlock(&i->lock);
	return ret;
}

int tmpfs_setxattr(struct inode *i, const char *name, const void *v, size_t n, int flags)
{
	struct tmpfs_inode *ti = tmpfs_i(i);
	struct tmpfs_xattr *old = find(ti, name), *x;
	int err;

	if (old && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!old && (flags & XATTR_REPLACE))
		return -ENODATA;
	if (!old && ti->xattr_count >= XATTR_COUNT_MAX)
		return -ENOSPC;
	x = kzalloc(sizeof(*x));
	if (!x)
		return -ENOMEM;
	x->name = kstrdup(name);
	x->value = kmalloc(n ? n : 1);
	err = x->name && x->value ? tmpfs_charge(ti, cost(name, n)) : -ENOMEM;
	if (err) {
		drop(x);
		return err;
	}
	memcpy(x->value, v, n);
	x->size = n;
	if (old) {
		list_del(&old->link);
		tmpfs_uncharge(ti, cost(old->name, old->size));
		drop(old);
	} else {
		ti->xattr_count++;
	}
	list_push_back(&ti->xattrs, &x->link);
	inode_touch(i, ATTR_CTIME);
	return 0;
}

int tmpfs_removexattr(struct inode *i, const char *name)
{
	struct tmpfs_inode *ti = tmpfs_i(i);
	struct tmpfs_xattr *x = find(ti, name);

	if (!x)
		return -ENODATA;
	list_del(&x->link);
	ti->xattr_count--;
	tmpfs_uncharge(ti, cost(x->name, x->size));
	drop(x);
	inode_touch(i, ATTR_CTIME);
	return 0;
}
