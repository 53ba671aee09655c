/* SPDX-License-Identifier: Apache-2.0 */
/* Table trees and text files for proc and sysfs; see pseudo.h.
 * Locks: a text file's private state under file->pos_lock (read) of the VFS
 * and its own mutex for pread. */
#include "kernel/fs/pseudo/pseudo.h"
#include "kernel/task/task.h"
#include <linux_abi/dirent.h>

#define STORE_MAX 4096

static const struct file_ops pseudo_pos_fops;

struct text {
	const struct pseudo_text_ops *ops;
	struct mutex lock;
	struct sbuf s;                  /* lock */
	bool filled;
};

int pseudo_text_open(struct file *f, const struct pseudo_text_ops *ops)
{
	struct text *x = kzalloc(sizeof(*x));

	if (!x)
		return -ENOMEM;
	x->ops = ops;
	mutex_init(&x->lock);
	sbuf_init(&x->s);
	f->priv = x;
	f->ops = ops->pwrite ? &pseudo_pos_fops : &pseudo_text_fops;
	return 0;
}

static int refill(struct file *f, struct text *x)
{
	int err;

	sbuf_free(&x->s);
	sbuf_init(&x->s);
	x->filled = false;
	err = x->ops->fill(f, &x->s);
	if (!err && x->s.failed)
		err = -ENOMEM;
	x->filled = !err;
	return err;
}

static long text_read(struct file *f, struct iter *to, uint64_t *pos)
{
	struct text *x = f->priv;
	size_t n, put;
	int err = 0;

	if (!x->ops->fill)
		return -EINVAL;
	mutex_lock(&x->lock);
	if (*pos == 0 || !x->filled)
		err = refill(f, x);
	if (err || *pos >= x->s.n) {
		mutex_unlock(&x->lock);
		return err;
	}
	n = MIN(to->left, x->s.n - (size_t)*pos);
	put = iter_copy_out(to, x->s.p + *pos, n);
	mutex_unlock(&x->lock);
	*pos += put;
	return put || !n ? (long)put : -EFAULT;
}

static long text_write(struct file *f, struct iter *from, uint64_t *pos)
{
	struct text *x = f->priv;
	size_t n = from->left, k;
	char *buf;
	int err;

	if (!x->ops->store)
		return x->ops->fill ? -EIO : -EINVAL;
	if (n > STORE_MAX)
		return -EINVAL;
	if (!n && x->ops->at_pos)       /* /proc/sys */
		return 0;
	buf = kmalloc(n + 1);
	if (!buf)
		return -ENOMEM;
	if (iter_copy_in(from, buf, n) != n) {
		kfree(buf);
		return -EFAULT;
	}
	for (k = n; k && (buf[k - 1] == '\n' || buf[k - 1] == 0); k--)
		;
	buf[k] = 0;
	err = x->ops->store(f, buf, k);
	kfree(buf);
	if (err)
		return err;
	if (x->ops->at_pos)
		*pos += n;
	return (long)n;
}

static int no_fsync(struct file *f, bool data_only)
{
	return -EINVAL;
}

static void text_release(struct file *f)
{
	struct text *x = f->priv;

	sbuf_free(&x->s);
	kfree(x);
	f->priv = NULL;
}

const struct file_ops pseudo_text_fops = {
	.read = text_read, .write = text_write, .lseek = sizeless_lseek, .release = text_release, .fsync = no_fsync,
	.no_pwrite = true,
};
static const struct file_ops pseudo_pos_fops = {
	.read = text_read, .write = text_write, .lseek = sizeless_lseek, .release = text_release, .fsync = no_fsync,
};

/* ---- trees ---- */

static const struct pseudo_node *node_of(struct inode *i) { return i->priv; }
static const struct inode_ops strict_file_iops, strict_dir_iops;

static int node_fill(struct file *f, struct sbuf *s)
{
	const struct pseudo_node *n = node_of(f->inode);

	if (n->show_arg)
		n->show_arg(s, n->arg);
	else if (n->show)
		n->show(s);
	else
		return -EINVAL;
	return 0;
}

static int node_store(struct file *f, const char *text, size_t n)
{
	const struct pseudo_node *p = node_of(f->inode);

	if (p->store_arg)
		return p->store_arg(text, n, p->arg);
	return p->store ? p->store(text, n) : -EIO;        /* opened in spite of its mode */
}

static const struct pseudo_text_ops node_text = { node_fill, node_store, false, false };
static const struct pseudo_text_ops strict_text = { node_fill, node_store, true, true };

static int node_open(struct inode *i, struct file *f)
{
	return S_ISREG(i->mode) ? pseudo_text_open(f, i->ops == &strict_file_iops ? &strict_text : &node_text) : 0;
}

static int node_lookup(struct inode *dir, const char *name, size_t n, struct inode **ret)
{
	const struct pseudo_node *d = node_of(dir), *c;

	for (c = d->children; c && c->name; c++)
		if (strlen(c->name) == n && !memcmp(c->name, name, n)) {
			int err = pseudo_inode(dir->sb, c, ret);

			if (!err && (c->strict || dir->ops == &strict_dir_iops))
				(*ret)->ops = c->children ? &strict_dir_iops : &strict_file_iops;
			return err;
		}
	return d->lookup ? d->lookup(dir, name, n, ret) : -ENOENT;
}

static long node_readlink(struct inode *i, char *buf, size_t size)
{
	size_t n = strlen(node_of(i)->link);

	n = MIN(n, size);
	memcpy(buf, node_of(i)->link, n);
	return (long)n;
}

int pseudo_setattr(struct inode *i, const struct kattr *a)
{
	/* O_TRUNC by a shell's redirection comes as a size of zero. */
	return (a->mask & (ATTR_MODE | ATTR_UID | ATTR_GID)) ? -EPERM : 0;
}

bool pseudo_emit(struct dir_sink *s, struct file *f, const char *name, uint64_t ino, uint32_t mode)
{
	if (!s->emit(s, name, strlen(name), ino, mode_to_dtype(mode), (int64_t)f->pos + 1))
		return false;
	f->pos++;
	return true;
}

/* The number that stands for a node: its place in the tables. */
static uint64_t node_ino(const struct pseudo_node *n)
{
	return ((uint64_t)(uintptr_t)n >> 4 & 0xfffffff) + 1000000;
}

static int node_readdir(struct file *f, struct dir_sink *s)
{
	const struct pseudo_node *d = node_of(f->inode);
	uint64_t count = 0;

	if (!dir_emit_dots(f, s))
		return 0;
	for (const struct pseudo_node *c = d->children; c && c->name; c++, count++)
		if (f->pos == 2 + count && !pseudo_emit(s, f, c->name, node_ino(c), c->mode))
			return 0;
	return d->readdir ? d->readdir(f, s, 2 + count) : 0;
}

static const struct inode_ops file_iops = { .open = node_open, .setattr = pseudo_setattr };
static bool node_revalidate(struct inode *dir, const char *name, size_t n, struct inode *cached)
{
	const struct pseudo_node *d = node_of(dir);

	return !d->revalidate || d->revalidate(dir, name, n, cached);
}

static const struct inode_ops dir_iops = { .lookup = node_lookup, .revalidate = node_revalidate };

/* proc_sys_permission() of Linux: CAP_DAC_OVERRIDE does not count. */
static int strict_permission(struct inode *i, unsigned may)
{
	const struct cred *c = current_cred();
	uint32_t m = inode_mode(i);

	m >>= !c->fsuid ? 6 : cred_in_group(c, 0) ? 3 : 0;
	return may & ~m ? -EACCES : 0;
}

static const struct inode_ops strict_file_iops = {
	.open = node_open, .setattr = pseudo_setattr, .permission = strict_permission,
};
static const struct inode_ops strict_dir_iops = {
	.lookup = node_lookup, .revalidate = node_revalidate, .permission = strict_permission,
};
static const struct inode_ops link_iops = { .readlink = node_readlink };
static const struct file_ops dir_fops = { .readdir = node_readdir, .lseek = sizeless_lseek };

int pseudo_inode(struct super_block *sb, const struct pseudo_node *n, struct inode **ret)
{
	struct inode *i = inode_new(sb, n->mode);

	if (!i)
		return -ENOMEM;
	i->priv = (void *)(uintptr_t)n;
	i->ino = node_ino(n);
	switch (n->mode & S_IFMT) {
	case S_IFDIR:
		i->nlink = 2;
		i->ops = &dir_iops;
		i->fops = &dir_fops;
		break;
	case S_IFLNK:
		i->ops = &link_iops;
		i->size = strlen(n->link);
		break;
	default:
		i->ops = &file_iops;
		i->fops = &pseudo_text_fops;
	}
	*ret = i;
	return 0;
}

static int pseudo_statfs(struct super_block *sb, struct kstatfs *ret)
{
	*ret = (struct kstatfs){ .type = sb->magic, .bsize = PLAT_PAGE_SIZE, .namelen = NAME_MAX };
	return 0;
}

static const struct super_ops pseudo_super_ops = { .statfs = pseudo_statfs };

int pseudo_super(const struct fs_type *t, uint64_t magic, const struct pseudo_node *root,
		 struct super_block **ret)
{
	struct super_block *sb = super_new(t, &pseudo_super_ops, magic);
	struct inode *i;
	int err;

	if (!sb)
		return -ENOMEM;
	sb->nocache = true;
	err = pseudo_inode(sb, root, &i);
	if (!err)
		err = super_set_root(sb, i);
	if (err) {
		super_put(sb);
		return err;
	}
	*ret = sb;
	return 0;
}
