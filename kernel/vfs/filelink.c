/* SPDX-License-Identifier: Apache-2.0 */
/* A path for files that have none, so that the links of /proc/PID/fd can be
 * followed to pipes and streams: bash's /dev/fd/63, `> /dev/stderr`.
 *
 * The path is a mount of its own that is attached nowhere; it lives as long as
 * somebody holds it. */
#include "kernel/vfs/internal.h"

int file_link_path(struct file *f, struct path *ret)
{
	struct dentry *d;

	if (f->path.dentry) {
		*ret = f->path;
		path_get(ret);
		return 0;
	}
	if (!f->inode || !f->inode->sb)
		return -ENXIO;
	d = dentry_new(NULL, "", 0, inode_get(f->inode));
	if (!d) {
		inode_put(f->inode);
		return -ENOMEM;
	}
	d->sb = f->inode->sb;
	ret->mnt = mount_new(d->sb, d, 0, "anon");
	if (!ret->mnt) {
		dentry_put(d);
		return -ENOMEM;
	}
	ret->dentry = d;                /* the mount holds one of its own */
	return 0;
}
