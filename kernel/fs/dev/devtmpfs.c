/* SPDX-License-Identifier: Apache-2.0 */
/* devtmpfs: a tmpfs that is born with the sandbox's device nodes.  pts and shm
 * are empty directories for devpts and a tmpfs of their own. */
#include "kernel/fs/dev/dev.h"
#include "kernel/fs/tmpfs/tmpfs.h"

#define DEV_LIMIT (64ull << 20)

static const struct { const char *name; uint32_t mode; uint64_t rdev; } nodes[] = {
	{ "null", 0666, MKDEV(1, 3) },
	{ "zero", 0666, MKDEV(1, 5) },
	{ "full", 0666, MKDEV(1, 7) },
	{ "random", 0666, MKDEV(1, 8) },
	{ "urandom", 0666, MKDEV(1, 9) },
	{ "tty", 0666, MKDEV(5, 0) },
	{ "console", 0620, MKDEV(5, 1) },
};

static const struct { const char *name, *target; } links[] = {
	{ "fd", "/proc/self/fd" },
	{ "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" },
	{ "stderr", "/proc/self/fd/2" },
	{ "ptmx", "pts/ptmx" },
};

static const struct { const char *name; uint32_t mode; } dirs[] = {
	{ "pts", 0755 },
	{ "shm", 01777 },
	{ "mqueue", 01777 },
};

static int populate(struct inode *root)
{
	struct inode *i;
	int err = 0;

	for (size_t n = 0; n < ARRAY_SIZE(nodes) && !err; n++) {
		err = root->ops->mknod(root, nodes[n].name, strlen(nodes[n].name),
				       S_IFCHR | nodes[n].mode, nodes[n].rdev, &i);
		if (!err)
			inode_put(i);
	}
	for (size_t n = 0; n < ARRAY_SIZE(links) && !err; n++) {
		err = root->ops->symlink(root, links[n].name, strlen(links[n].name), links[n].target, &i);
		if (!err)
			inode_put(i);
	}
	for (size_t n = 0; n < ARRAY_SIZE(dirs) && !err; n++) {
		err = root->ops->mkdir(root, dirs[n].name, strlen(dirs[n].name),
				       S_IFDIR | dirs[n].mode, &i);
		if (!err)
			inode_put(i);
	}
	return err;
}

static int dev_mount(const struct fs_type *t, const char *source, const char *data,
		     const void *arg, struct super_block **ret)
{
	struct super_block *sb;
	struct inode *root;
	int err = tmpfs_new_super(DEV_LIMIT, 0755, &sb);

	if (err)
		return err;
	sb->type = t;
	root = sb->root->inode;
	mutex_lock(&root->lock);
	err = populate(root);
	mutex_unlock(&root->lock);
	if (err) {
		super_put(sb);
		return err;
	}
	*ret = sb;
	return 0;
}

const struct fs_type devtmpfs_type = { .name = "devtmpfs", .nodev = true, .mount = dev_mount };
