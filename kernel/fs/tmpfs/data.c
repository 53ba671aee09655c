/* SPDX-License-Identifier: Apache-2.0 */
/* tmpfs file data.
 *
 * Small files live in a heap buffer; what lies past its end reads as zero.
 * Larger ones live in pages of the heap (pages.c).  A file that is mapped or
 * grows past TMPFS_PAGES_MAX moves once into a memory object, which mappings
 * and read/write share from then on.  Bytes of buffer, pages and object past the
 * file's size are zero at all times.
 *
 * The object's use of memory is charged by guess at each write and corrected
 * by asking the object when the guess has grown (CHARGE_SLACK) or the limit is
 * near: mappings fill pages that no system call sees.
 *
 * Lock: inode->lock, also across the copy from and to user memory (a user
 * copy takes no lock of ours). */
#include "kernel/fs/tmpfs/internal.h"
#include "kernel/task/task.h"

#define SMALL_MAX TMPFS_CHUNK
#define CHARGE_SLACK (1u << 20)
#define GROW_STEP (1u << 20)
#define SIZE_MAX_FILE ((uint64_t)INT64_MAX & ~(PLAT_PAGE_SIZE - 1))

static struct tmpfs_data *data_of(const struct inode *i)
{
	return &tmpfs_i(i)->data;
}

int tmpfs_data_charge(struct inode *i, uint64_t n)
{
	struct tmpfs_inode *ti = tmpfs_i(i);
	int err = tmpfs_charge(ti, n);

	if (!err)
		ti->data.charged += n;
	return err;
}

void tmpfs_data_uncharge(struct inode *i, uint64_t n)
{
	tmpfs_uncharge(tmpfs_i(i), n);
	data_of(i)->charged -= n;
}

void tmpfs_data_sync_charge(struct inode *i)
{
	struct tmpfs_inode *ti = tmpfs_i(i);
	struct tmpfs_super *ts = tmpfs_sb(ti->sb);
	uint64_t now = plat_obj_resident(ti->data.obj);

	/* The object says what it is: above the limit too (mapped pages). */
	spin_lock(&ts->lock);
	ts->used += now - ti->data.charged;
	spin_unlock(&ts->lock);
	ti->charged += now - ti->data.charged;
	ti->data.charged = now;
	ti->data.unsynced = 0;
}

static int charge_write(struct inode *i, uint64_t n)
{
	struct tmpfs_data *d = data_of(i);

	if (d->unsynced > CHARGE_SLACK)
		tmpfs_data_sync_charge(i);
	if (tmpfs_data_charge(i, n)) {
		tmpfs_data_sync_charge(i);
		if (tmpfs_data_charge(i, n))
			return -ENOSPC;
	}
	d->unsynced += n;
	return 0;
}

void tmpfs_data_free(struct tmpfs_inode *ti)
{
	kfree(ti->data.small);
	tmpfs_pages_free(ti);
	if (ti->data.has_obj)
		plat_obj_free(ti->data.obj);
}

/* Room for `end` bytes in the heap buffer. */
static int small_reserve(struct inode *i, uint64_t end)
{
	struct tmpfs_data *d = data_of(i);
	bool by_pages = tmpfs_sb(i->sb)->by_pages;
	size_t cap = d->cap ? d->cap : 64;
	uint64_t more = 0, counts;
	uint8_t *p;
	int err;

	if (end <= d->cap && (!by_pages || end <= d->charged))
		return 0;
	while (cap < end)
		cap *= 2;
	counts = by_pages ? align_up(end, PLAT_PAGE_SIZE) : cap;
	more = counts > d->charged ? counts - d->charged : 0;
	err = tmpfs_data_charge(i, more);
	if (err || cap == d->cap)
		return err;
	p = krealloc(d->small, cap);
	if (!p) {
		tmpfs_data_uncharge(i, more);
		return -ENOMEM;
	}
	memset(p + d->cap, 0, cap - d->cap);
	d->small = p;
	d->cap = cap;
	return 0;
}

/* Would a file that ends at or is written from `pos` have a page that nobody
 * wrote?  The small buffer knows none. */
static bool hole_before(const struct inode *i, uint64_t pos)
{
	return align_up(pos, PLAT_PAGE_SIZE) > align_up(i->size, PLAT_PAGE_SIZE);
}

static int obj_grow(struct inode *i, uint64_t end)
{
	struct tmpfs_data *d = data_of(i);
	uint64_t want = align_up(end, PLAT_PAGE_SIZE);
	int err;

	if (want <= d->obj_size)
		return 0;
	/* Unmapped, extra room costs nothing and saves a call per write. */
	if (!d->mapped)
		want = align_up(end, GROW_STEP);
	err = plat_obj_resize(d->obj, want);
	if (err)
		return err;
	d->obj_size = want;
	return 0;
}

/* Move the data into a memory object. */
static int to_object(struct inode *i)
{
	struct tmpfs_data *d = data_of(i);
	uint64_t size = align_up(i->size, PLAT_PAGE_SIZE);
	size_t n = MIN((uint64_t)d->cap, i->size);
	plat_obj_t o;
	int err;

	if (d->has_obj)
		return 0;
	err = plat_obj_new(size, &o);
	if (err)
		return err;
	if (d->paged)
		err = tmpfs_pages_store(d, i->size, o);
	else if (n)
		err = plat_obj_write(o, 0, d->small, n);
	if (err) {
		plat_obj_free(o);
		return err;
	}
	tmpfs_pages_free(tmpfs_i(i));
	kfree(d->small);
	d->small = NULL;
	d->cap = 0;
	d->obj = o;
	d->obj_size = size;
	d->has_obj = true;
	tmpfs_data_sync_charge(i);
	return 0;
}

int tmpfs_data_resize(struct inode *i, uint64_t size)
{
	struct tmpfs_data *d = data_of(i);
	int err = 0;

	if (size > SIZE_MAX_FILE)
		return -EFBIG;
	if (size < i->size && (d->seals & F_SEAL_SHRINK))
		return -EPERM;
	if (size > i->size && (d->seals & F_SEAL_GROW))
		return -EPERM;
	if (!d->has_obj && !d->paged && size <= TMPFS_PAGES_MAX && (size > SMALL_MAX || hole_before(i, size))) {
		err = tmpfs_pages_begin(i);
		if (err)
			return err;
	}
	if (d->paged && size <= TMPFS_PAGES_MAX) {
		/* Also what fallocate() has promised behind the end. */
		if (size <= i->size)
			tmpfs_pages_clear(i, size, MAX(align_up(i->size, PLAT_PAGE_SIZE), d->chunk_count * TMPFS_CHUNK));
		if (!size)
			tmpfs_pages_free(tmpfs_i(i));
		inode_set_size(i, size);
		return 0;
	}
	if (!d->has_obj && !d->paged && size <= SMALL_MAX) {
		if (size < d->cap)
			memset(d->small + size, 0, d->cap - size);
		if (!size && d->cap) {
			kfree(d->small);
			d->small = NULL;
			tmpfs_data_uncharge(i, d->charged);
			d->cap = 0;
		}
		if (tmpfs_sb(i->sb)->by_pages && align_up(size, PLAT_PAGE_SIZE) < d->charged)
			tmpfs_data_uncharge(i, d->charged - align_up(size, PLAT_PAGE_SIZE));
		inode_set_size(i, size);
		return 0;
	}
	err = to_object(i);
	if (err)
		return err;
	if (size > i->size) {
		err = obj_grow(i, size);
	} else if (size < i->size) {
		uint64_t keep = align_up(size, PLAT_PAGE_SIZE);

		if (size < keep)
			err = plat_obj_punch(d->obj, size, keep - size);
		if (!err)
			err = plat_obj_resize(d->obj, keep);
		if (!err)
			d->obj_size = keep;
		tmpfs_data_sync_charge(i);
	}
	if (!err)
		inode_set_size(i, size);
	return err;
}

/* ---- reading and writing ---- */

static void touch_atime(struct file *f)
{
	struct inode *i = f->inode;

	if (file_reads_touch(f, i->atime_ns, MAX(i->mtime_ns, i->ctime_ns)))
		inode_touch(i, ATTR_ATIME);
}

static long read_locked(struct inode *i, struct iter *to, uint64_t *pos, uint8_t *bounce, size_t cap)
{
	struct tmpfs_data *d = data_of(i);
	size_t total = 0;

	while (to->left && *pos < i->size) {
		size_t n = MIN((uint64_t)to->left, i->size - *pos), moved;

		if (d->has_obj) {
			size_t room = cap;
			void *there = iter_direct(to, &room);
			int err;

			n = MIN(n, room);
			err = plat_obj_read(d->obj, *pos, there ? there : bounce, n);
			if (err)
				return total ? (long)total : err;
			moved = there ? n : iter_copy_out(to, bounce, n);
			if (there)
				iter_filled(to, n);
		} else if (d->paged) {
			moved = tmpfs_pages_read(d, to, *pos, n);
		} else if (*pos < d->cap) {
			n = MIN(n, d->cap - *pos);
			moved = iter_copy_out(to, d->small + *pos, n);
		} else {
			moved = iter_zero(to, n);
		}
		total += moved;
		*pos += moved;
		if (moved < n)
			return total ? (long)total : -EFAULT;
	}
	return (long)total;
}

static long tmpfs_read(struct file *f, struct iter *to, uint64_t *pos)
{
	struct inode *i = f->inode;
	struct tmpfs_data *d = data_of(i);
	uint8_t *bounce = NULL;
	size_t cap = 0;
	long n;

	mutex_lock(&i->lock);
	if (d->has_obj && to->left && *pos < i->size && !to->kernel) {
		bounce = kbuf_get(MIN((uint64_t)to->left, i->size - *pos), &cap);
		if (!bounce) {
			mutex_unlock(&i->lock);
			return -ENOMEM;
		}
	}
	n = read_locked(i, to, pos, bounce, cap);
	touch_atime(f);
	mutex_unlock(&i->lock);
	kbuf_put(bounce, cap);
	return n;
}

static size_t tmpfs_lend(struct file *f, uint64_t pos, size_t n, struct lent **ret, uint8_t **ret_bytes)
{
	struct inode *i = f->inode;
	size_t got = 0;

	mutex_lock(&i->lock);
	if (data_of(i)->paged && pos < i->size)
		got = tmpfs_pages_lend(data_of(i), pos, MIN((uint64_t)n, i->size - pos), ret, ret_bytes);
	if (got)
		touch_atime(f);
	mutex_unlock(&i->lock);
	return got;
}

static long write_small(struct inode *i, struct iter *from, uint64_t *pos)
{
	struct tmpfs_data *d = data_of(i);
	size_t n = from->left, moved;
	int err = small_reserve(i, *pos + n);

	if (err)
		return err;
	moved = iter_copy_in(from, d->small + *pos, n);
	if (*pos + moved > i->size)
		inode_set_size(i, *pos + moved);
	/* A copy that faulted may have left bytes behind the new end. */
	if (moved < n && i->size < d->cap)
		memset(d->small + i->size, 0, d->cap - i->size);
	*pos += moved;
	return moved ? (long)moved : -EFAULT;
}

/* -ENOMEM: not in the heap. */
static long write_pages(struct inode *i, struct iter *from, uint64_t *pos)
{
	int err = data_of(i)->paged ? 0 : tmpfs_pages_begin(i);
	size_t n;

	if (err)
		return err;
	n = tmpfs_pages_write(i, from, *pos, from->left, &err);
	*pos += n;
	if (n && *pos > i->size)
		inode_set_size(i, *pos);
	return n ? (long)n : err;
}

static long write_obj(struct inode *i, struct iter *from, uint64_t *pos)
{
	struct tmpfs_data *d = data_of(i);
	size_t cap, total = 0;
	uint8_t *bounce = kbuf_get(from->left, &cap);
	int err = bounce ? to_object(i) : -ENOMEM;

	while (!err && from->left) {
		size_t n = MIN(from->left, cap), moved;

		err = charge_write(i, align_up(n, PLAT_PAGE_SIZE));
		if (!err)
			err = obj_grow(i, *pos + n);
		if (err)
			break;
		moved = iter_copy_in(from, bounce, n);
		if (moved)
			err = plat_obj_write(d->obj, *pos, bounce, moved);
		if (err)
			break;
		*pos += moved;
		total += moved;
		if (*pos > i->size)
			inode_set_size(i, *pos);
		if (moved < n)
			err = -EFAULT;
	}
	/* Grown for bytes that never came: a mapping must not see past the end. */
	if (d->has_obj && d->mapped && d->obj_size > align_up(i->size, PLAT_PAGE_SIZE) &&
	    !plat_obj_resize(d->obj, align_up(i->size, PLAT_PAGE_SIZE)))
		d->obj_size = align_up(i->size, PLAT_PAGE_SIZE);
	kbuf_put(bounce, cap);
	return total ? (long)total : err;
}

static long tmpfs_write(struct file *f, struct iter *from, uint64_t *pos)
{
	struct inode *i = f->inode;
	struct tmpfs_data *d = data_of(i);
	uint64_t end;
	long n;

	if (!from->left)
		return 0;
	mutex_lock(&i->lock);
	if (file_appends(f, from))
		*pos = i->size;
	if (d->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) {
		n = -EPERM;
	} else if (*pos >= SIZE_MAX_FILE) {
		n = -EFBIG;
	} else {
		uint64_t whole = align_down(i->size, PLAT_PAGE_SIZE);
		bool grows = *pos + MIN((uint64_t)from->left, SIZE_MAX_FILE - *pos) > i->size && (d->seals & F_SEAL_GROW);

		/* Linux goes by pages: those that end within the file are written. */
		from->left = MIN((uint64_t)from->left, (grows ? MAX(whole, *pos) : SIZE_MAX_FILE) - *pos);
		end = *pos + from->left;
		if (!from->left)
			n = -EPERM;
		else if (!d->has_obj && !d->paged && end <= SMALL_MAX && !hole_before(i, align_down(*pos, PLAT_PAGE_SIZE)))
			n = write_small(i, from, pos);
		else if (!d->has_obj && end <= TMPFS_PAGES_MAX)
			n = write_pages(i, from, pos);
		else
			n = -EFBIG;
		if (n == -ENOSPC && !d->has_obj && !d->paged)   /* as much as there is room for */
			n = write_pages(i, from, pos);
		if (n == -EFBIG || n == -ENOMEM)        /* for the heap */
			n = write_obj(i, from, pos);
	}
	if (n > 0)
		inode_touch(i, ATTR_MTIME | ATTR_CTIME);
	mutex_unlock(&i->lock);
	return n;
}

static int64_t tmpfs_lseek(struct file *f, int64_t off, int whence)
{
	struct inode *i = f->inode;
	struct tmpfs_data *d = data_of(i);
	uint64_t to;
	int err;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return generic_lseek(f, off, whence);
	mutex_lock(&i->lock);
	if (!d->has_obj && !d->paged) {
		mutex_unlock(&i->lock);
		return generic_lseek(f, off, whence);
	}
	if (off < 0 || (uint64_t)off >= i->size) {
		err = -ENXIO;
	} else if (d->paged) {
		to = tmpfs_pages_seek(d, (uint64_t)off, i->size, whence == SEEK_DATA);
		err = 0;
	} else {
		err = plat_obj_seek(d->obj, (uint64_t)off, whence == SEEK_DATA, &to);
	}
	if (!err && to >= i->size) {
		to = i->size;
		if (whence == SEEK_DATA)
			err = -ENXIO;
	}
	mutex_unlock(&i->lock);
	if (err)
		return err;
	f->pos = to;
	return (int64_t)to;
}

static int tmpfs_mmap(struct file *f, unsigned prot, unsigned map_flags, uint64_t off, uint64_t size,
		      struct mmap_target *ret)
{
	struct inode *i = f->inode;
	struct tmpfs_data *d = data_of(i);
	uint64_t exact;
	int err;

	mutex_lock(&i->lock);
	if ((d->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) &&
	    (map_flags & MAP_TYPE) != MAP_PRIVATE && (prot & PROT_WRITE)) {
		err = -EPERM;
		goto out;
	}
	err = to_object(i);
	if (err)
		goto out;
	touch_atime(f);
	exact = align_up(i->size, PLAT_PAGE_SIZE);
	if (d->obj_size != exact) {
		err = plat_obj_resize(d->obj, exact);
		if (err)
			goto out;
		d->obj_size = exact;
	}
	d->mapped = true;
	*ret = (struct mmap_target){
		.obj = d->obj, .off = off,
		.no_write = d->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE),
	};
out:
	mutex_unlock(&i->lock);
	return err;
}

static void tmpfs_mmap_written(struct file *f)
{
	inode_touch(f->inode, ATTR_MTIME | ATTR_CTIME);
}

static int tmpfs_fallocate(struct file *f, int mode, uint64_t off, uint64_t n)
{
	struct inode *i = f->inode;
	struct tmpfs_data *d = data_of(i);
	uint64_t end = off + n;
	int err;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if (end > SIZE_MAX_FILE)
		return -EFBIG;
	mutex_lock(&i->lock);
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
		uint64_t stop = MIN(end, align_up(i->size, PLAT_PAGE_SIZE));

		err = d->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE) ? -EPERM : 0;
		if (!err && off < stop) {
			if (!d->has_obj && !d->paged && align_down(stop, PLAT_PAGE_SIZE) > align_up(off, PLAT_PAGE_SIZE))
				err = tmpfs_pages_begin(i);
			if (err)
				;
			else if (d->has_obj)
				err = plat_obj_punch(d->obj, off, stop - off);
			else if (d->paged)
				tmpfs_pages_clear(i, off, stop);
			else if (off < d->cap)
				memset(d->small + off, 0, MIN(stop, (uint64_t)d->cap) - off);
		}
	} else if (end > i->size && (d->seals & F_SEAL_GROW)) {
		err = -EPERM;
	} else if (!d->has_obj && end <= TMPFS_PAGES_MAX) {
		err = d->paged ? 0 : tmpfs_pages_begin(i);
		if (!err)
			err = tmpfs_pages_promise(i, off, end);
	} else {
		/* Of an object: by the limit, not by pages. */
		struct tmpfs_super *ts = tmpfs_sb(i->sb);

		spin_lock(&ts->lock);
		err = end > i->size && (end - i->size > ts->limit || ts->used > ts->limit - (end - i->size)) ?
		      -ENOSPC : 0;
		spin_unlock(&ts->lock);
	}
	if (!err && !(mode & FALLOC_FL_KEEP_SIZE) && end > i->size)
		err = tmpfs_data_resize(i, end);
	if (!err)
		inode_touch(i, ATTR_MTIME | ATTR_CTIME);
	mutex_unlock(&i->lock);
	return err;
}

/* ---- memfd ---- */

static long tmpfs_seals(struct file *f, unsigned cmd, uint32_t seals)
{
	struct inode *i = f->inode;
	struct tmpfs_data *d = data_of(i);
	long ret = 0;

	if (!d->may_seal)
		return -EINVAL;
	mutex_lock(&i->lock);
	if (seals & F_SEAL_EXEC && inode_mode(i) & 0111)        /* what runs is not written any more */
		seals |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
	if (cmd == F_GET_SEALS)
		ret = d->seals;
	else if (!(f->mode & FMODE_WRITE))
		ret = -EPERM;
	else if (seals & ~(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
			   F_SEAL_FUTURE_WRITE | F_SEAL_EXEC))
		ret = -EINVAL;
	else if (d->seals & F_SEAL_SEAL)
		ret = -EPERM;
	else if ((seals & F_SEAL_WRITE) && !(d->seals & F_SEAL_WRITE) &&
		 __atomic_load_n(&i->writable_maps, __ATOMIC_SEQ_CST))
		ret = -EBUSY;
	else
		d->seals |= seals;
	mutex_unlock(&i->lock);
	return ret;
}

const struct file_ops tmpfs_file_fops = {
	.read = tmpfs_read, .write = tmpfs_write, .lend = tmpfs_lend, .lseek = tmpfs_lseek, .mmap = tmpfs_mmap, .mmap_written = tmpfs_mmap_written,
	.fallocate = tmpfs_fallocate, .seals = tmpfs_seals, .quiet_close = true,
};

/* Nameless files belong to one internal super block, which is never shown. */
static struct super_block *hidden_sb;
static struct mount *hidden_mnt;

int tmpfs_new_file(const char *name, uint64_t size, uint32_t flags, struct file **ret)
{
	struct super_block *sb = __atomic_load_n(&hidden_sb, __ATOMIC_ACQUIRE);
	char text[NAME_MAX + 8];
	struct inode *i;
	struct path p;
	int err, n;

	if (!sb) {
		struct super_block *none = NULL;

		err = tmpfs_new_super(UINT64_MAX / 2, 01777, &sb);
		if (err)
			return err;
		if (!__atomic_compare_exchange_n(&hidden_sb, &none, sb, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
			super_put(sb);
			sb = none;
		}
	}
	i = tmpfs_inode_new(sb, sb->root->inode, S_IFREG | 0777, &err);
	if (!i)
		return err;
	i->nlink = 0;
	tmpfs_i(i)->data.may_seal = true;
	if (flags & (TMPFS_FILE_SEALS | TMPFS_FILE_NOEXEC))
		tmpfs_i(i)->data.seals = flags & TMPFS_FILE_NOEXEC ? F_SEAL_EXEC : 0;
	err = tmpfs_data_resize(i, size);
	if (err) {
		inode_put(i);
		return err;
	}
	n = ksnprintf(text, sizeof(text), "%s", name);
	err = path_nameless(&hidden_mnt, sb, text, MIN((size_t)n, sizeof(text) - 1), i, &p);
	if (err) {
		inode_put(i);
		return err;
	}
	err = path_open_nameless(&p, O_RDWR, ret);
	path_put(&p);
	return err;
}
