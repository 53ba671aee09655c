/* SPDX-License-Identifier: Apache-2.0 */
/* A path for files that have none, so that the links of /proc/PID/fd can be
 * followed to pipes and streams: bash's /dev/fd/63, `> /dev/stderr`.
 *
 * The path is a mount of its own that is attached nowhere; it lives as long as
 * somebody holds it. */
#include "kernel/vfs/internal.h"

int inode_link_path(struct inode *i, struct path *ret)
{
	struct dentry *d = dentry_new(NULL, "", 0, inode_get(i));

	if (!d) {
		inode_put(i);
		return -ENOMEM;
	}
	d->sb = i->sb;
	ret->mnt = mount_new(d->sb, d, 0, d->sb && d->sb->type ? d->sb->type->name : "anon");
	if (!ret->mnt) {
		dentry_put(d);
		return -ENOMEM;
	}
	ret->dentry = d;                /* the mount holds one of its own */
	return 0;
}

int file_link_path(struct file *f, struct path *ret)
{
	if (f->path.dentry) {
		*ret = f->path;
		path_get(ret);
		return 0;
	}
	return f->inode && f->inode->sb ? inode_link_path(f->inode, ret) : -ENXIO;
}
