/* SPDX-License-Identifier: Apache-2.0 */
/* devpts: /dev/pts, a directory that shows the terminals that are, and ptmx.
 *
 * The terminals are one table for the whole sandbox (kernel/tty), so every
 * mount shows the same ones; an inode belongs to its terminal and is handed
 * out to any mount.  Names come and go with the terminals: dentries are
 * always asked again. */
#include "kernel/fs/devpts/devpts.h"
#include "kernel/tty/tty.h"
#include "kernel/task/task.h"
#include <linux_abi/dirent.h>

#define INO_ROOT 1
#define INO_PTMX 2
#define INO_FIRST 3
#define GID_TTY 5
#define PTMX_NAME "ptmx"

/* The first super block gives terminals their st_dev. */
static struct super_block *first_sb;

static int node_setattr(struct inode *i, const struct kattr *a)
{
	if (a->mask & ATTR_SIZE)
		return a->size ? -EINVAL : 0;   /* O_TRUNC of a terminal does nothing */
	inode_apply_attr(i, a);
	return 0;
}

static int node_open(struct inode *i, struct file *f)
{
	return chrdev_open(i, f);
}

static const struct inode_ops node_iops = { .setattr = node_setattr, .open = node_open };

int devpts_make_inode(struct tty *t)
{
	struct inode *i;

	if (!first_sb)
		return -ENXIO;
	i = inode_new(first_sb, S_IFCHR | 0620);
	if (!i)
		return -ENOMEM;
	i->ino = INO_FIRST + (uint64_t)t->index;
	i->rdev = MKDEV(TTY_MAJOR_PTS, t->index);
	i->ops = &node_iops;
	i->uid = current_task() ? current_cred()->fsuid : 0;
	i->gid = GID_TTY;
	t->inode = i;
	return 0;
}

static int parse_index(const char *name, size_t n)
{
	uint64_t v;

	if (!n || n > 4 || (n > 1 && name[0] == '0') || kparse_u64(name, n, &v) || v >= TTY_MAX)
		return -1;
	return (int)v;
}

static int pts_lookup(struct inode *dir, const char *name, size_t n, struct inode **ret)
{
	struct tty *t;
	int err = -ENOENT;

	if (n == strlen(PTMX_NAME) && !memcmp(name, PTMX_NAME, n)) {
		struct inode *i = inode_new(dir->sb, S_IFCHR | 0666);

		if (!i)
			return -ENOMEM;
		i->ino = INO_PTMX;
		i->rdev = MKDEV(5, 2);
		i->ops = &node_iops;
		*ret = i;
		return 0;
	}
	t = tty_by_index_get(parse_index(name, n));
	if (!t)
		return -ENOENT;
	if (!t->inode && t->host)
		err = devpts_make_inode(t);
	if (t->inode) {
		*ret = inode_get(t->inode);
		err = 0;
	}
	tty_put(t);
	return err;
}

static bool pts_revalidate(struct inode *dir, const char *name, size_t n, struct inode *cached)
{
	struct tty *t;
	bool same;

	if (cached->ino == INO_PTMX)
		return true;
	t = tty_by_index_get(parse_index(name, n));
	same = t && t->inode == cached;
	tty_put(t);
	return same;
}

static int pts_readdir(struct file *f, struct dir_sink *s)
{
	char name[16];

	if (!dir_emit_dots(f, s))
		return 0;
	if (f->pos == 2) {
		if (!s->emit(s, PTMX_NAME, strlen(PTMX_NAME), INO_PTMX, DT_CHR, 3))
			return 0;
		f->pos = 3;
	}
	for (;;) {
		int k = tty_next_index((int)MIN(f->pos - 3, (uint64_t)TTY_MAX));

		if (k < 0)
			return 0;
		ksnprintf(name, sizeof(name), "%d", k);
		if (!s->emit(s, name, strlen(name), INO_FIRST + (uint64_t)k, DT_CHR, k + 4))
			return 0;
		f->pos = (uint64_t)k + 4;
	}
}

static const struct inode_ops dir_iops = { .lookup = pts_lookup, .revalidate = pts_revalidate };
static const struct file_ops dir_fops = { .readdir = pts_readdir, .lseek = generic_lseek };

static int pts_statfs(struct super_block *sb, struct kstatfs *ret)
{
	*ret = (struct kstatfs){ .type = DEVPTS_SUPER_MAGIC, .bsize = PLAT_PAGE_SIZE, .namelen = NAME_MAX };
	return 0;
}

static void pts_kill(struct super_block *sb)
{
	/* Terminals may outlive the mount; their inodes' sb must not. */
	KASSERT(sb != first_sb);
}

static void pts_show(struct super_block *sb, struct sbuf *s)
{
	sbuf_printf(s, ",gid=%d,mode=620,ptmxmode=666", GID_TTY);
}

static const struct super_ops pts_super_ops = {
	.statfs = pts_statfs, .kill = pts_kill, .show_options = pts_show,
};

static int pts_mount(const struct fs_type *t, const char *source, const char *data,
		     const void *arg, struct super_block **ret)
{
	struct super_block *sb = super_new(t, &pts_super_ops, DEVPTS_SUPER_MAGIC);
	struct inode *root;
	int err;

	if (!sb)
		return -ENOMEM;
	sb->nocache = true;
	root = inode_new(sb, S_IFDIR | 0755);
	if (!root) {
		super_put(sb);
		return -ENOMEM;
	}
	root->ino = INO_ROOT;
	root->nlink = 2;
	root->ops = &dir_iops;
	root->fops = &dir_fops;
	err = super_set_root(sb, root);
	if (err) {
		super_put(sb);
		return err;
	}
	if (!first_sb) {
		ref_get(&sb->ref);      /* kept for ever */
		first_sb = sb;
	}
	*ret = sb;
	return 0;
}

const struct fs_type devpts_type = { .name = "devpts", .nodev = true, .mount = pts_mount };
