/* SPDX-License-Identifier: Apache-2.0 */
/* The first tree: what boot_params asks for, mounted in order.
 *
 * A target that does not exist is made, with its parents, where the tree below
 * it can be written; a file target (something to hide) becomes a file.
 * /dev/pts and /dev/shm are mounts of their own in the device file system. */
#include "kernel/fs/tmpfs/tmpfs.h"
#include "kernel/vfs/internal.h"
#include <boot.h>

static int make_super(const struct boot_params *bp, const struct boot_mount *bm, struct super_block **ret, unsigned *ret_flags, const char **ret_source)
{
	const struct fs_type *t;
	int err;

	*ret_flags = 0;
	switch (bm->kind) {
	case BOOT_MOUNT_HOST:
		t = &hostfs_type;
		*ret_source = "host";
		break;
	case BOOT_MOUNT_OVERLAY:
		t = &overlay_type;
		*ret_source = "overlay";
		break;
	case BOOT_MOUNT_TMPFS:
		*ret_source = "tmpfs";
		*ret_flags = MNT_NOSUID | MNT_NODEV;
		err = tmpfs_new_super(bm->size, bm->mode ? bm->mode & S_IALLUGO : 0755, ret);
		if (!err) {
			/* For the program to use, whoever it runs as. */
			(*ret)->root->inode->uid = bp->uid;
			(*ret)->root->inode->gid = bp->gid;
		}
		return err;
	case BOOT_MOUNT_PROC:
		t = &proc_type;
		*ret_source = "proc";
		*ret_flags = MNT_NOSUID | MNT_NODEV | MNT_NOEXEC;
		break;
	case BOOT_MOUNT_SYSFS:
		t = &sysfs_type;
		*ret_source = "sysfs";
		*ret_flags = MNT_NOSUID | MNT_NODEV | MNT_NOEXEC;
		break;
	case BOOT_MOUNT_DEV:
		t = &devtmpfs_type;
		*ret_source = "dev";
		*ret_flags = MNT_NOSUID;
		break;
	default:
		return -EINVAL;
	}
	return t->mount(t, *ret_source, NULL, bm, ret);
}

/* Every missing directory of name; its last part too. */
static int make_dirs(const char *name)
{
	char *s = kstrdup(name);
	int err = s ? 0 : -ENOMEM;

	for (char *p = s; !err && p && *p;) {
		char *slash = strchr(p + 1, '/');

		if (slash)
			*slash = 0;
		err = path_make(AT_FDCWD, s, S_IFDIR | 0755, 0, NULL);
		if (err == -EEXIST)
			err = 0;
		if (slash)
			*slash = '/';
		p = slash;
	}
	kfree(s);
	return err;
}

/* An empty object that nobody may use, root neither, of the kind of what it
 * hides. */
static int hide_permission(struct inode *i, unsigned may)
{
	return may ? -EACCES : 0;
}

static const struct inode_ops hide_iops = { .permission = hide_permission };
static const struct file_ops hide_fops = { 0 };
static const struct super_ops hide_sops = { 0 };

static int hide(struct mntns *ns, struct path *at)
{
	struct super_block *sb = super_new(&tmpfs_type, &hide_sops, TMPFS_MAGIC);
	struct inode *i = sb ? inode_new(sb, at->dentry->inode->mode & S_IFMT) : NULL;
	int err;

	if (!i) {
		if (sb)
			super_put(sb);
		return -ENOMEM;
	}
	i->ops = &hide_iops;
	i->fops = &hide_fops;
	sb->readonly = true;
	err = super_set_root(sb, i);
	if (!err)
		err = mount_attach(ns, sb, at, MNT_READONLY | MNT_NOEXEC, "none");
	super_put(sb);
	return err;
}

static int mount_one(const struct boot_params *bp, const struct boot_mount *bm, struct mntns *ns)
{
	struct super_block *sb;
	struct path at;
	const char *source;
	unsigned flags;
	int err = path_lookup(AT_FDCWD, bm->target, LOOKUP_FOLLOW, &at);

	if (err == -ENOENT && bm->kind == BOOT_MOUNT_HIDE)
		return 0;               /* nothing there to hide */
	if (err == -ENOENT) {
		err = make_dirs(bm->target);
		if (!err)
			err = path_lookup(AT_FDCWD, bm->target, LOOKUP_FOLLOW, &at);
	}
	if (err)
		return err;
	if (bm->kind == BOOT_MOUNT_HIDE) {
		err = hide(ns, &at);
	} else {
		err = make_super(bp, bm, &sb, &flags, &source);
		if (!err) {
			struct mount *m = NULL;

			if (bm->readonly)
				flags |= MNT_READONLY;
			/* A host tree may be a single file. */
			m = mount_new(sb, sb->root, flags, source);
			err = m ? mount_attach_at(ns, m, &at) : -ENOMEM;
			if (err)
				mount_put(m);
			super_put(sb);
		}
	}
	path_put(&at);
	return err;
}

/* What belongs into a device file system. */
static int mount_in_dev(const struct boot_mount *bm, struct mntns *ns, const char *name)
{
	char target[512];
	struct super_block *sb;
	struct path at;
	bool pts = !strcmp(name, "pts");
	int err;

	if ((size_t)ksnprintf(target, sizeof(target), "%s/%s", bm->target, name) >= sizeof(target))
		return -ENAMETOOLONG;
	err = path_lookup(AT_FDCWD, target, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &at);
	if (err)
		return err;
	err = pts ? devpts_type.mount(&devpts_type, name, NULL, NULL, &sb) : tmpfs_new_super(0, 01777, &sb);
	if (!err) {
		err = mount_attach(ns, sb, &at, MNT_NOSUID | (pts ? MNT_NOEXEC : MNT_NODEV),
				   pts ? "devpts" : "shm");
		super_put(sb);
	}
	path_put(&at);
	return err;
}

int vfs_boot_mounts(const struct boot_params *bp, struct mntns *ns, struct fs_info *fs)
{
	struct super_block *sb;
	struct path root, cwd;
	const char *source;
	unsigned flags;
	int err;

	if (!bp->mount_count)
		return -EINVAL;
	err = make_super(bp, &bp->mounts[0], &sb, &flags, &source);
	if (err)
		return err;
	err = mount_attach(ns, sb, NULL, bp->mounts[0].readonly ? MNT_READONLY : 0, source);
	super_put(sb);
	if (!err)
		err = mount_root_path(ns, &root);
	if (err)
		return err;
	fs_info_init(fs, &root);
	path_put(&root);
	for (size_t k = 1; k < bp->mount_count; k++) {
		err = mount_one(bp, &bp->mounts[k], ns);
		if (!err && bp->mounts[k].kind == BOOT_MOUNT_DEV)
			err = mount_in_dev(&bp->mounts[k], ns, "pts");
		if (!err && bp->mounts[k].kind == BOOT_MOUNT_DEV)
			err = mount_in_dev(&bp->mounts[k], ns, "shm");
		if (err) {
			klog("mount %s: error %d", bp->mounts[k].target, -err);
			return err;
		}
	}
	if (bp->cwd && !path_lookup(AT_FDCWD, bp->cwd, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &cwd)) {
		struct path old;

		spin_lock(&fs->lock);
		old = fs->cwd;
		fs->cwd = cwd;
		spin_unlock(&fs->lock);
		path_put(&old);
	}
	return 0;
}
