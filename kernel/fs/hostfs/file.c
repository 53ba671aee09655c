/* SPDX-License-Identifier: Apache-2.0 */
/* hostfs: regular files.
 *
 * A small file that is opened for reading is read from its blob (blob.c) for
 * as long as that is fresh, without a host file.  Later, and for anything but
 * reading, the host file is opened after all; if the name leads elsewhere by
 * then, reading goes on from the snapshot.
 *
 * A node has at most two host file handles, one for reading and one for
 * writing, shared by all who opened it.  When the last open file goes they
 * stay open for a while (the next open is then free); the oldest idle ones
 * are closed, so the number of host descriptors stays bounded.  Written data
 * goes through to the host at once. */
#include "kernel/fs/hostfs/hostfs.h"

/* open_lock held */
static void close_handles_locked(struct hostfs_node *n)
{
	if (n->rfile)
		hc_file_close(n->rfile);
	if (n->wfile)
		hc_file_close(n->wfile);
	n->rfile = 0;
	n->wfile = 0;
	n->wfile_readable = false;
}

void hostfs_close_handles(struct hostfs_node *n)
{
	mutex_lock(&n->open_lock);
	close_handles_locked(n);
	mutex_unlock(&n->open_lock);
}

/* A host file of an object that has no node yet: both in one message. */
static int open_by_name(struct hostfs_node *n, uint64_t *ret_file)
{
	char name[HC_NAME_MAX + 1];
	struct inode *dir, *now;
	int err = hostfs_place(n, name, &dir);

	if (err)
		return err;
	*ret_file = 0;
	err = hostfs_fetch(dir, name, strlen(name), NULL, -1, HOSTFS_TO_MAP, ret_file, &now);
	inode_put(dir);
	if (err)
		return err;
	if (now != n->inode || !*ret_file) {
		if (*ret_file)
			hc_file_close(*ret_file);
		*ret_file = 0;
		err = -ESTALE;
	}
	inode_put(now);
	return err;
}

/* open_lock held: a host file to read or to write. */
static int get_handle(struct hostfs_node *n, bool write)
{
	uint64_t handle;
	int err;

	if (write ? n->wfile : n->rfile || (n->wfile && n->wfile_readable))
		return 0;
	if (!write && !__atomic_load_n(&n->handle, __ATOMIC_RELAXED) && !open_by_name(n, &n->rfile))
		return 0;
	err = hostfs_handle(n, &handle);
	if (err)
		return err;
	if (!write) {
		err = hc_open(handle, HC_OPEN_READ, &n->rfile);
		if (err)
			n->rfile = 0;
	} else {
		err = hc_open(handle, HC_OPEN_READ | HC_OPEN_WRITE, &n->wfile);
		n->wfile_readable = !err;
		if (err == -EACCES)
			err = hc_open(handle, HC_OPEN_WRITE, &n->wfile);
		if (err)
			n->wfile = 0;
	}
	return hostfs_errno(err);
}

static int need_read_handle(struct hostfs_node *n)
{
	int err = 0;

	if (__atomic_load_n(&n->rfile, __ATOMIC_ACQUIRE))
		return 0;
	mutex_lock(&n->open_lock);
	err = get_handle(n, false);
	mutex_unlock(&n->open_lock);
	return err;
}

static void leave_idle(struct hostfs_node *n)
{
	struct hostfs_sb *hs = n->hs;

	spin_lock(&hs->lock);
	if (!list_empty(&n->idle_link)) {
		list_del(&n->idle_link);
		hs->idle_count--;
	}
	spin_unlock(&hs->lock);
}

static void enter_idle(struct hostfs_node *n)
{
	struct hostfs_sb *hs = n->hs;
	struct hostfs_node *old = NULL;

	spin_lock(&hs->lock);
	if (list_empty(&n->idle_link)) {
		list_push_back(&hs->idle, &n->idle_link);
		hs->idle_count++;
	}
	if (hs->idle_count > HOSTFS_IDLE_MAX) {
		old = list_first(&hs->idle, struct hostfs_node, idle_link);
		list_del(&old->idle_link);
		hs->idle_count--;
		if (!ref_get_unless_zero(&old->inode->ref))
			old = NULL;     /* being evicted: closes by itself */
	}
	spin_unlock(&hs->lock);
	if (!old)
		return;
	mutex_lock(&old->open_lock);
	if (!old->opens)
		close_handles_locked(old);
	mutex_unlock(&old->open_lock);
	inode_put(old->inode);
}

void hostfs_keep_open(struct hostfs_node *n, uint64_t file)
{
	bool idle = false;

	mutex_lock(&n->open_lock);
	if (!n->rfile) {
		__atomic_store_n(&n->rfile, file, __ATOMIC_RELEASE);
		file = 0;
		idle = !n->opens;
	}
	mutex_unlock(&n->open_lock);
	if (file)
		hc_file_close(file);
	if (idle)
		enter_idle(n);
}

/* Open for reading only: the contents in one message if they are small, else
 * the host file, and with either what is likely to be opened next.  *ret NULL:
 * open it by its node. */
static int fetch_contents(struct hostfs_node *n, struct hostfs_blob **ret)
{
	struct hostfs_listing *l;
	char name[HC_NAME_MAX + 1];
	struct inode *dir, *now = NULL;
	uint64_t file = 0;
	int64_t e = -1;
	int err;

	*ret = NULL;
	if (inode_size(n->inode) > HC_FETCH_DATA_MAX && __atomic_load_n(&n->handle, __ATOMIC_RELAXED))
		return 0;
	if (hostfs_place(n, name, &dir))
		return 0;
	l = hostfs_listing_get(hostfs_node(dir));
	if (l) {
		e = hostfs_listing_find(l, hostfs_name_hash(name, strlen(name)), name, strlen(name));
		hostfs_credit(&n->hs->file_credit, 1);
	}
	err = hostfs_fetch(dir, name, strlen(name), l, e, HOSTFS_TO_READ, &file, &now);
	if (!err && now != n->inode)
		err = -ESTALE;
	if (!err && !file)
		*ret = hostfs_blob_get(n);
	if (!err && file)
		hostfs_keep_open(n, file);
	else if (file)
		hc_file_close(file);
	if (now)
		inode_put(now);
	hostfs_listing_put(n->hs, l);
	inode_put(dir);
	if (!err || __atomic_load_n(&n->handle, __ATOMIC_RELAXED))
		return 0;               /* the node leads there, whatever the name does */
	if (err == -ENOENT || err == -ESTALE) {
		hostfs_unbind(n->inode);
		err = -ESTALE;          /* the VFS looks the path up once more */
	}
	return err;
}

static void contents_changed(struct hostfs_node *n)
{
	__atomic_fetch_add(&n->hs->changes, 1, __ATOMIC_SEQ_CST);
	hostfs_blob_drop(n);
}

int hostfs_open(struct inode *i, struct file *f)
{
	struct hostfs_node *n = hostfs_node(i);
	unsigned acc = f->flags & O_ACCMODE;
	struct hostfs_blob *b = NULL;
	int err = 0;

	if (S_ISDIR(inode_mode(i))) {
		f->ops = &hostfs_dir_ops;
		return 0;
	}
	/* Names of the host's devices, FIFOs and sockets are seen, none is ever opened.  A FIFO in a
	 * writable directory leads to a pipe of ours. */
	if (S_ISFIFO(inode_mode(i)) && !n->hs->readonly)
		return fifo_open(i, f);
	if (!S_ISREG(inode_mode(i)))
		return S_ISCHR(inode_mode(i)) || S_ISBLK(inode_mode(i)) ? -EACCES : -ENXIO;
	if (acc != O_RDONLY && n->hs->readonly)
		return -EROFS;
	if (acc == O_RDONLY && !__atomic_load_n(&n->rfile, __ATOMIC_RELAXED)) {
		b = hostfs_blob_get(n);
		if (!b && !__atomic_load_n(&n->wfile, __ATOMIC_RELAXED) && hostfs_blob_room(n->hs))
			err = fetch_contents(n, &b);
		if (err)
			return err;
	}
	mutex_lock(&n->open_lock);
	if (acc != O_WRONLY && !b)
		err = get_handle(n, false);
	if (!err && acc != O_RDONLY)
		err = get_handle(n, true);
	if (!err)
		n->opens++;
	mutex_unlock(&n->open_lock);
	if (err)
		return err;
	if (acc != O_RDONLY)
		contents_changed(n);
	leave_idle(n);
	f->priv = b;
	f->ops = &hostfs_file_ops;
	return 0;
}

static void hostfs_release(struct file *f)
{
	struct hostfs_node *n = hostfs_node(f->inode);
	bool idle;

	hostfs_blob_put(n->hs, f->priv);
	f->priv = NULL;
	mutex_lock(&n->open_lock);
	idle = n->opens && --n->opens == 0 && (n->rfile || n->wfile);
	mutex_unlock(&n->open_lock);
	if (idle)
		enter_idle(n);
}

/* The handles of an open file stay while it is open: no lock to use them. */
static uint64_t read_handle(struct hostfs_node *n)
{
	uint64_t r = __atomic_load_n(&n->rfile, __ATOMIC_RELAXED);

	return r ? r : n->wfile;
}

static long read_blob(const struct hostfs_blob *b, struct iter *to, uint64_t *pos)
{
	size_t n = *pos < b->size ? MIN(to->left, b->size - (size_t)*pos) : 0, done = 0;

	if (n)
		done = iter_copy_out(to, b->bytes + *pos, n);
	*pos += done;
	return n && !done ? -EFAULT : (long)done;
}

static long read_contents(struct file *f, struct iter *to, uint64_t *pos)
{
	struct hostfs_node *n = hostfs_node(f->inode);
	struct hostfs_blob *b = f->priv;
	size_t cap, got, total = 0;
	uint8_t *buf;
	int err = 0;

	if (!to->left)
		return 0;
	if (b) {
		if (__atomic_load_n(&n->blob, __ATOMIC_RELAXED) == b &&
		    __atomic_load_n(&b->until_ns, __ATOMIC_RELAXED) > sched_entered_ns())
			return read_blob(b, to, pos);
		err = need_read_handle(n);
		if (err)
			return err == -ESTALE ? read_blob(b, to, pos) : err;
	}
	while ((got = iter_read_file(to, read_handle(n), *pos))) {
		*pos += got;
		total += got;
	}
	if (!to->left)
		return (long)total;
	buf = to->kernel ? NULL : kbuf_get(to->left, &cap);
	if (!buf && !to->kernel)
		return total ? (long)total : -ENOMEM;
	while (to->left) {
		void *there = iter_direct(to, &cap);
		size_t want = MIN(MIN(to->left, cap), (size_t)HC_IO_MAX), put;

		got = 0;
		if (*pos > INT64_MAX - want)
			break;
		err = hc_file_read(read_handle(n), *pos, there ? there : buf, want, &got);
		if (err) {
			err = hostfs_errno(err);
			break;
		}
		if (got > want) {
			err = -EIO;
			break;
		}
		put = there ? got : iter_copy_out(to, buf, got);
		if (there)
			iter_filled(to, got);
		*pos += put;
		total += put;
		if (put < got) {
			err = -EFAULT;
			break;
		}
		if (got < want)
			break;
	}
	kbuf_put(buf, cap);
	return total ? (long)total : err;
}

static long hostfs_read(struct file *f, struct iter *to, uint64_t *pos)
{
	struct hostfs_node *n = hostfs_node(f->inode);
	long got = read_contents(f, to, pos);

	/* The host moved the time of access: asked again, once. */
	if (unlikely(__atomic_load_n(&n->reads_touch, __ATOMIC_RELAXED)) && got > 0) {
		__atomic_store_n(&n->reads_touch, false, __ATOMIC_RELAXED);
		spin_lock(&n->attr_lock);
		n->valid_until_ns = 0;
		spin_unlock(&n->attr_lock);
	}
	return got;
}

static void grow_size(struct hostfs_node *n, uint64_t end)
{
	spin_lock(&n->attr_lock);
	if (n->inode->size < end)
		inode_set_size(n->inode, end);
	n->valid_until_ns = 0;          /* times and blocks changed on the host */
	spin_unlock(&n->attr_lock);
}

static long write_locked(struct file *f, struct iter *from, uint64_t *pos, uint8_t *buf, size_t cap)
{
	struct hostfs_node *n = hostfs_node(f->inode);
	size_t total = 0;
	int err = 0;

	if (file_appends(f, from)) {
		err = hostfs_refresh(f->inode, true);
		if (err)
			return err;
		*pos = inode_size(f->inode);
	}
	while (from->left) {
		size_t want = MIN(from->left, cap), have, done = 0;

		if (*pos > INT64_MAX - want) {
			err = -EFBIG;
			break;
		}
		have = iter_copy_in(from, buf, want);
		if (have)
			err = hc_file_write(n->wfile, *pos, buf, have, &done);
		if (err) {
			err = hostfs_errno(err);
			break;
		}
		if (done > have) {
			err = -EIO;
			break;
		}
		*pos += done;
		total += done;
		if (have < want || done < have) {
			err = have < want ? -EFAULT : -ENOSPC;
			break;
		}
	}
	if (total)
		grow_size(n, *pos);
	return total ? (long)total : err;
}

static long hostfs_write(struct file *f, struct iter *from, uint64_t *pos)
{
	uint8_t *buf;
	size_t cap;
	long ret;

	if (!from->left)
		return 0;
	buf = kbuf_get(from->left, &cap);
	if (!buf)
		return -ENOMEM;
	mutex_lock(&f->inode->lock);
	ret = write_locked(f, from, pos, buf, cap);
	mutex_unlock(&f->inode->lock);
	kbuf_put(buf, cap);
	return ret;
}

static int64_t hostfs_lseek(struct file *f, int64_t off, int whence)
{
	uint64_t r = 0;
	int err;

	if (whence == SEEK_DATA || whence == SEEK_HOLE) {
		if (off < 0)
			return -ENXIO;
		err = f->priv ? need_read_handle(hostfs_node(f->inode)) : 0;
		if (err)
			return err;
		err = hc_file_seek(read_handle(hostfs_node(f->inode)), (uint64_t)off,
				   whence == SEEK_DATA, &r);
		if (err)
			return hostfs_errno(err);
		if (r > INT64_MAX)
			return -EIO;
		f->pos = r;
		return (int64_t)r;
	}
	if (whence == SEEK_END) {
		err = hostfs_refresh(f->inode, true);
		if (err)
			return err;
	}
	return generic_lseek(f, off, whence);
}

/* inode->lock may be held by the caller. */
int hostfs_truncate_node(struct hostfs_node *n, uint64_t size)
{
	struct hc_attr in = { .size = size };
	uint64_t handle;
	int err;

	if (n->hs->readonly)
		return -EROFS;
	if (size > INT64_MAX)
		return -EINVAL;
	err = hostfs_handle(n, &handle);
	if (err)
		return err;
	mutex_lock(&n->open_lock);
	if (n->wfile)
		err = hc_file_truncate(n->wfile, size);
	else
		err = hc_setattr(handle, HC_SET_SIZE, &in, NULL);
	mutex_unlock(&n->open_lock);
	if (err)
		return hostfs_errno(err);
	contents_changed(n);
	spin_lock(&n->attr_lock);
	inode_set_size(n->inode, size);
	n->valid_until_ns = 0;
	spin_unlock(&n->attr_lock);
	return 0;
}

static int hostfs_truncate(struct file *f, uint64_t size)
{
	return hostfs_truncate_node(hostfs_node(f->inode), size);
}

static int hostfs_fallocate(struct file *f, int mode, uint64_t off, uint64_t size)
{
	struct hostfs_node *n = hostfs_node(f->inode);
	int err = hc_file_allocate(n->wfile, (uint32_t)mode, off, size);

	if (err)
		return hostfs_errno(err);
	return hostfs_refresh(f->inode, true);
}

static int hostfs_fsync(struct file *f, bool data_only)
{
	struct hostfs_node *n = hostfs_node(f->inode);

	/* Nothing is held back here: only what others wrote could be dirty. */
	if (!n->wfile)
		return 0;
	return hostfs_errno(hc_file_sync(n->wfile, data_only));
}

/* Without host mappings: the contents of now, in memory of our own.  Right
 * for private mappings of files that hold still, which is what programs and
 * libraries are. */
static int copy_to_object(struct hostfs_node *n)
{
	uint64_t size = inode_size(n->inode), off = 0;
	uint8_t *buf;
	plat_obj_t o;
	int err;

	if (size > UINT64_MAX - PLAT_PAGE_SIZE)
		return -EOVERFLOW;
	buf = kmalloc(HOSTFS_IO_CHUNK);
	if (!buf)
		return -ENOMEM;
	err = plat_obj_new(align_up(size ? size : 1, PLAT_PAGE_SIZE), &o);
	if (err)
		goto out;
	while (off < size) {
		size_t want = MIN(size - off, (uint64_t)HOSTFS_IO_CHUNK), got = 0;

		err = hc_file_read(read_handle(n), off, buf, want, &got);
		if (err || !got || got > want)
			break;
		err = plat_obj_write(o, off, buf, got);
		if (err)
			break;
		off += got;
	}
	if (err) {
		plat_obj_free(o);
		err = hostfs_errno(err);
		goto out;
	}
	n->obj = o;
out:
	kfree(buf);
	return err;
}

static int hostfs_mmap(struct file *f, unsigned prot, unsigned map_flags, uint64_t off,
		       uint64_t size, struct mmap_target *ret)
{
	struct hostfs_node *n = hostfs_node(f->inode);
	bool writes = (map_flags & MAP_TYPE) != MAP_PRIVATE && (f->mode & FMODE_WRITE);
	plat_obj_t *o = writes ? &n->wobj : &n->obj;
	int err = 0;

	mutex_lock(&n->open_lock);
	if (!o->id && !writes)
		err = get_handle(n, false);
	if (!err && !o->id) {
		err = plat_obj_from_host(writes ? n->wfile : read_handle(n), o);
		if (err == -ENODEV && !writes)
			err = copy_to_object(n);
		if (err)
			o->id = 0;
	}
	if (!err)
		*ret = (struct mmap_target){ .obj = *o, .off = off };
	mutex_unlock(&n->open_lock);
	return err;
}

const struct file_ops hostfs_file_ops = {
	.read = hostfs_read,
	.write = hostfs_write,
	.lseek = hostfs_lseek,
	.mmap = hostfs_mmap,
	.fsync = hostfs_fsync,
	.truncate = hostfs_truncate,
	.fallocate = hostfs_fallocate,
	.release = hostfs_release,
	.quiet_close = true,
};
