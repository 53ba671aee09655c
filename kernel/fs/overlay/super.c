/* SPDX-License-Identifier: Apache-2.0 */
/* overlay: super block. */
#include "kernel/fs/overlay/overlay.h"
#include "kernel/fs/tmpfs/tmpfs.h"
#include <boot.h>

static int ovl_statfs(struct super_block *sb, struct kstatfs *ret)
{
	struct ovl_super *os = sb->priv;
	int err = os->upper_sb->ops->statfs(os->upper_sb, ret);

	ret->type = OVERLAYFS_SUPER_MAGIC;
	return err;
}

static void os_free(struct ovl_super *os)
{
	for (unsigned k = 0; k < OVL_BUCKETS; k++)
		while (!list_empty(&os->index[k])) {
			struct ovl_index *x = list_first(&os->index[k], struct ovl_index, link);

			list_del(&x->link);
			inode_put(x->upper);
			kfree(x);
		}
	ovl_redirect_free(os);
	if (os->whiteout)
		inode_put(os->whiteout);
	super_put(os->upper_sb);
	super_put(os->lower_sb);
	kfree(os);
}

static void ovl_kill(struct super_block *sb)
{
	if (sb->priv)
		os_free(sb->priv);
}

static const struct super_ops ovl_sops = { .statfs = ovl_statfs, .kill = ovl_kill };

static int ovl_mount(const struct fs_type *t, const char *source, const char *data, const void *arg,
		     struct super_block **ret)
{
	const struct boot_mount *bm = arg;
	struct boot_mount below;
	struct super_block *sb;
	struct ovl_super *os;
	struct kattr a;
	struct inode *root, *lower, *upper;
	int err;

	if (!bm)
		return -ENODEV;         /* not from inside: mount(2) */
	sb = super_new(&overlay_type, &ovl_sops, OVERLAYFS_SUPER_MAGIC);
	os = kzalloc(sizeof(*os));
	if (!sb || !os) {
		kfree(sb);
		kfree(os);
		return -ENOMEM;
	}
	os->sb = sb;
	mutex_init(&os->commit);
	for (unsigned k = 0; k < OVL_BUCKETS; k++) {
		list_init(&os->by_upper[k]);
		list_init(&os->by_lower[k]);
		list_init(&os->index[k]);
		list_init(&os->redirect[k]);
	}
	sb->priv = os;
	below = *bm;
	below.readonly = true;
	err = hostfs_type.mount(&hostfs_type, source, NULL, &below, &os->lower_sb);
	if (err)
		goto fail;
	lower = os->lower_sb->root->inode;
	err = -ENOTDIR;
	if (!S_ISDIR(lower->mode))
		goto fail;
	err = tmpfs_new_super(bm->size, 0755, &os->upper_sb);
	if (err)
		goto fail;
	upper = os->upper_sb->root->inode;
	a = (struct kattr){
		.mask = ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_ATIME | ATTR_MTIME,
		.mode = lower->mode & S_IALLUGO, .uid = lower->uid, .gid = lower->gid,
		.atime_ns = inode_atime(lower), .mtime_ns = inode_mtime(lower),
	};
	err = upper->ops->setattr(upper, &a);
	if (!err)
		err = ovl_iget(os, inode_get(upper), inode_get(lower), NULL, "", 0, &root);
	if (!err)
		err = super_set_root(sb, root);
	if (err)
		goto fail;
	*ret = sb;
	return 0;
fail:
	super_put(sb);
	return err;
}

const struct fs_type overlay_type = { .name = "overlay", .nodev = true, .mount = ovl_mount };
