/* SPDX-License-Identifier: Apache-2.0 */
/* overlay: open regular files.
 *
 * An open overlay file holds an open file of the layer that has the data and
 * passes everything on.  When the file is copied up while it is open for
 * reading, reads go to the copy from then on; mappings keep what they mapped,
 * so the old file stays open until the end. */
#include "kernel/fs/overlay/overlay.h"

struct ovl_file {
	struct file *real;              /* current; read with acquire */
	struct file *lower;             /* the one before copy-up, if there was one */
	bool is_upper;
};

static struct file *real_file(struct file *f)
{
	struct ovl_file *of = f->priv;
	struct ovl_inode *oi = ovl_i(f->inode);
	struct inode *u;
	struct file *n, *old;

	if (likely(__atomic_load_n(&of->is_upper, __ATOMIC_ACQUIRE)))
		return of->real;
	u = ovl_upper(oi);
	if (likely(!u))
		return __atomic_load_n(&of->real, __ATOMIC_ACQUIRE);
	if (inode_open_internal(u, f->flags & ~(O_ACCMODE | O_TRUNC), &n))
		return __atomic_load_n(&of->real, __ATOMIC_ACQUIRE);
	spin_lock(&f->lock);
	if (!of->is_upper) {
		of->lower = of->real;
		__atomic_store_n(&of->real, n, __ATOMIC_RELEASE);
		__atomic_store_n(&of->is_upper, true, __ATOMIC_RELEASE);
		old = NULL;
	} else {
		old = n;
	}
	spin_unlock(&f->lock);
	if (old)
		file_put(old);
	return __atomic_load_n(&of->real, __ATOMIC_ACQUIRE);
}

int ovl_open(struct inode *i, struct file *f)
{
	struct ovl_inode *oi = ovl_i(i);
	struct ovl_file *of;
	struct inode *r;
	int err = 0;

	if (S_ISDIR(inode_mode(i)))
		return 0;
	if ((f->flags & O_ACCMODE) != O_RDONLY || (f->flags & O_TRUNC))
		err = ovl_copy_up(i, !(f->flags & O_TRUNC));
	if (err)
		return err;
	of = kzalloc(sizeof(*of));
	if (!of)
		return -ENOMEM;
	r = ovl_real(oi);
	of->is_upper = r != oi->lower;
	err = inode_open_internal(r, f->flags & ~O_TRUNC, &of->real);
	if (err) {
		kfree(of);
		return err;
	}
	f->priv = of;
	return 0;
}

static long ovl_read(struct file *f, struct iter *to, uint64_t *pos)
{
	struct file *r = real_file(f);

	return r->ops->read(r, to, pos);
}

static long ovl_write(struct file *f, struct iter *from, uint64_t *pos)
{
	struct file *r = real_file(f);
	long n = r->ops->write(r, from, pos);

	inode_set_size(f->inode, inode_size(r->inode));
	inode_set_mtime(f->inode, inode_mtime(r->inode));
	inode_set_ctime(f->inode, inode_ctime(r->inode));
	return n;
}

static size_t ovl_lend(struct file *f, uint64_t pos, size_t n, struct lent **ret, uint8_t **ret_bytes)
{
	struct file *r = real_file(f);

	return r->ops->lend ? r->ops->lend(r, pos, n, ret, ret_bytes) : 0;
}

static int64_t ovl_lseek(struct file *f, int64_t off, int whence)
{
	struct file *r = real_file(f);
	int64_t n;

	r->pos = f->pos;
	n = r->ops->lseek(r, off, whence);
	if (n >= 0)
		f->pos = (uint64_t)n;
	return n;
}

static int ovl_mmap(struct file *f, unsigned prot, unsigned map_flags, uint64_t off, uint64_t size,
		    struct mmap_target *ret)
{
	struct file *r = real_file(f);

	return r->ops->mmap ? r->ops->mmap(r, prot, map_flags, off, size, ret) : -ENODEV;
}

static void ovl_mmap_written(struct file *f)
{
	struct file *r = real_file(f);

	if (r->ops->mmap_written)
		r->ops->mmap_written(r);
}

static int ovl_fsync(struct file *f, bool data_only)
{
	struct file *r = real_file(f);

	return r->ops->fsync ? r->ops->fsync(r, data_only) : 0;
}

static int ovl_fallocate(struct file *f, int mode, uint64_t off, uint64_t n)
{
	struct file *r = real_file(f);
	int err = r->ops->fallocate ? r->ops->fallocate(r, mode, off, n) : -EOPNOTSUPP;

	ovl_sync(f->inode);
	return err;
}

static int ovl_set_flags(struct file *f, uint32_t flags)
{
	struct file *r = real_file(f);

	spin_lock(&r->lock);
	r->flags = flags;
	spin_unlock(&r->lock);
	return 0;
}

static void ovl_release(struct file *f)
{
	struct ovl_file *of = f->priv;

	file_put(of->real);
	file_put(of->lower);
	kfree(of);
}

const struct file_ops ovl_file_fops = {
	.read = ovl_read, .write = ovl_write, .lend = ovl_lend, .lseek = ovl_lseek, .mmap = ovl_mmap,
	.mmap_written = ovl_mmap_written,
	.fsync = ovl_fsync, .fallocate = ovl_fallocate, .set_flags = ovl_set_flags,
	.release = ovl_release, .quiet_close = true,
};
