/* SPDX-License-Identifier: Apache-2.0 */
/* Open host files: descriptors received from the gofer, named by handle.
 *
 * A handle is slot and generation, so that a stale one is -EBADF and never
 * another file.  The kernel keeps files of cached inodes open, so there may be
 * more than the host allows descriptors: the least recently used are closed
 * and opened again by their node.  Locking: table_lock for the table; a
 * descriptor in use is counted and stays.
 *
 * One call serves positioned and plain reads here and in hc_stream.c, to keep
 * the allow list short. */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>
#include "host/isolate/isolate.h"
#include "platform/process/hc.h"

HOST_CALLS(sandbox, fcntl, preadv2, pwritev2, fstat, ftruncate, fallocate, fsync, fdatasync,
	   lseek, close);

#define FILES_MAX 65536u

struct file_slot {
	uint32_t gen;           /* odd: an open file; even: free */
	int32_t fd;             /* -1: given back, opened again at the next use */
	uint32_t next_free;
	uint32_t users;         /* calls in flight on fd */
	uint32_t last_use;      /* clock_now at the latest */
	uint32_t flags;         /* HC_OPEN_ of hc_open() */
	uint32_t uid, gid;      /* as the gofer saw them; a chown on the host shows at the next open */
	uint64_t node;
};

static struct hc_lock table_lock;       /* guards all below */
static struct file_slot files[FILES_MAX];
static uint32_t files_used, free_head;  /* free_head: slot + 1, 0 none */
static uint32_t clock_now, open_count, open_max = 256;

void hc_file_init(void)
{
	struct rlimit r;

	/* The other half is for memory objects, stubs and channels. */
	if (!getrlimit(RLIMIT_NOFILE, &r))
		open_max = (uint32_t)MIN(r.rlim_cur / 2, (rlim_t)FILES_MAX);
}

/* Give the least recently used idle descriptors back: an eighth at a time,
 * so that the search over the table is rare. */
static void evict_locked(void)
{
	uint32_t i, age, limit = UINT32_MAX / 2, target = open_max - open_max / 8;

	for (; open_count > target && limit; limit /= 2)
		for (i = 0; i < files_used && open_count > target; i++) {
			age = clock_now - files[i].last_use;
			if (!(files[i].gen & 1) || files[i].fd < 0 || files[i].users || age < limit)
				continue;
			raw(SYS_close, files[i].fd);
			files[i].fd = -1;
			open_count--;
		}
}

void hc_file_give_back(void)
{
	uint32_t saved;

	hc_lock_take(&table_lock);
	saved = open_max;
	open_max = open_count;
	evict_locked();
	open_max = saved;
	hc_lock_release(&table_lock);
}

int hc_file_enter(int fd, uint64_t node, uint32_t flags, const struct hc_attr *attr,
		  uint64_t *ret_file)
{
	struct file_slot *f;
	uint32_t slot;

	hc_lock_take(&table_lock);
	if (free_head) {
		slot = free_head - 1;
		free_head = files[slot].next_free;
	} else if (files_used < FILES_MAX) {
		slot = files_used++;
	} else {
		hc_lock_release(&table_lock);
		raw(SYS_close, fd);
		return -ENFILE;
	}
	f = &files[slot];
	*f = (struct file_slot){
		.gen = f->gen + 1, .fd = fd, .node = node, .flags = flags, .last_use = ++clock_now,
		.uid = attr->uid, .gid = attr->gid,
	};
	*ret_file = ((uint64_t)f->gen << 32) | (slot + 1);
	if (++open_count > open_max)
		evict_locked();
	hc_lock_release(&table_lock);
	return 0;
}

static struct file_slot *find_locked(uint64_t file)
{
	uint32_t slot = (uint32_t)file - 1, gen = (uint32_t)(file >> 32);

	if (slot >= files_used || !(gen & 1) || files[slot].gen != gen)
		return NULL;
	return &files[slot];
}

int hc_file_use(uint64_t file)
{
	struct file_slot *f;
	uint32_t flags;
	uint64_t node;
	int fd, err;

	hc_lock_take(&table_lock);
	f = find_locked(file);
	if (!f) {
		hc_lock_release(&table_lock);
		return -EBADF;
	}
	f->users++;
	f->last_use = ++clock_now;
	fd = f->fd;
	node = f->node;
	flags = f->flags;
	hc_lock_release(&table_lock);
	if (fd >= 0)
		return fd;
	err = hc_node_reopen(node, flags, &fd);
	hc_lock_take(&table_lock);
	if (err) {
		f->users--;
	} else if (f->fd >= 0) {                /* another CPU was faster */
		raw(SYS_close, fd);
		fd = f->fd;
	} else {
		f->fd = fd;
		if (++open_count > open_max)
			evict_locked();
	}
	hc_lock_release(&table_lock);
	return err ? err : fd;
}

void hc_file_unuse(uint64_t file)
{
	hc_lock_take(&table_lock);
	files[(uint32_t)file - 1].users--;
	hc_lock_release(&table_lock);
}

int hc_file_dup(uint64_t file)
{
	int fd = hc_file_use(file);
	long copy;

	if (fd < 0)
		return fd;
	copy = raw(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 0);
	hc_file_unuse(file);
	return (int)copy;
}

void hc_file_close(uint64_t file)
{
	struct file_slot *f;
	int fd = -1;

	views_forget(file);
	hc_lock_take(&table_lock);
	f = find_locked(file);
	if (f) {
		fd = f->fd;
		if (fd >= 0)
			open_count--;
		f->gen++;
		f->fd = -1;
		f->next_free = free_head;
		free_head = (uint32_t)file;
	}
	hc_lock_release(&table_lock);
	if (fd >= 0)
		raw(SYS_close, fd);
}

void hc_file_owner_changed(uint64_t node, const struct hc_attr *attr)
{
	uint32_t i;

	hc_lock_take(&table_lock);
	for (i = 0; i < files_used; i++) {
		if (!(files[i].gen & 1) || files[i].node != node)
			continue;
		files[i].uid = attr->uid;
		files[i].gid = attr->gid;
	}
	hc_lock_release(&table_lock);
}

static int64_t ts_ns(struct timespec t)
{
	int64_t ns;

	if (__builtin_mul_overflow((int64_t)t.tv_sec, 1000000000ll, &ns) ||
	    __builtin_add_overflow(ns, (int64_t)t.tv_nsec, &ns))
		return t.tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

void hc_attr_from_stat(const struct stat *st, struct hc_attr *ret)
{
	*ret = (struct hc_attr){
		.dev = st->st_dev, .ino = st->st_ino, .mode = st->st_mode,
		.nlink = (uint32_t)st->st_nlink, .uid = st->st_uid, .gid = st->st_gid,
		.size = (uint64_t)st->st_size, .blocks = (uint64_t)st->st_blocks,
		.blksize = (uint64_t)st->st_blksize,
		.atime_ns = ts_ns(st->st_atim), .mtime_ns = ts_ns(st->st_mtim),
		.ctime_ns = ts_ns(st->st_ctim), .rdev = st->st_rdev,
	};
}

int hc_fd_getattr(int fd, struct hc_attr *ret_attr)
{
	struct stat st;
	long err = raw(SYS_fstat, fd, &st);

	if (err)
		return (int)err;
	hc_attr_from_stat(&st, ret_attr);
	return 0;
}

/* Between use and unuse: err is the call's result. */
static int done(uint64_t file, long err)
{
	hc_file_unuse(file);
	return (int)err;
}

int hc_file_read(uint64_t file, uint64_t off, void *buf, size_t n, size_t *ret_n)
{
	struct iovec iov = { buf, MIN(n, (size_t)HC_IO_MAX) };
	int fd = off > INT64_MAX ? -EINVAL : hc_file_use(file);
	long got;

	if (fd < 0)
		return fd;
	do
		got = raw(SYS_preadv2, fd, &iov, 1, off, 0, 0);
	while (got == -EINTR);
	if (got < 0)
		return done(file, got);
	*ret_n = (size_t)got;
	return done(file, 0);
}

int hc_file_write(uint64_t file, uint64_t off, const void *buf, size_t n, size_t *ret_n)
{
	struct iovec iov = { (void *)(uintptr_t)buf, MIN(n, (size_t)HC_IO_MAX) };
	int fd = off > INT64_MAX ? -EINVAL : hc_file_use(file);
	long got;

	if (fd < 0)
		return fd;
	do
		got = raw(SYS_pwritev2, fd, &iov, 1, off, 0, 0);
	while (got == -EINTR);
	if (got < 0)
		return done(file, got);
	*ret_n = (size_t)got;
	return done(file, 0);
}

int hc_file_getattr(uint64_t file, struct hc_attr *ret_attr)
{
	struct hc_attr a;
	int fd = hc_file_use(file), err;

	if (fd < 0)
		return fd;
	err = hc_fd_getattr(fd, &a);
	if (err)
		return done(file, err);
	a.uid = files[(uint32_t)file - 1].uid;
	a.gid = files[(uint32_t)file - 1].gid;
	*ret_attr = a;
	return done(file, 0);
}

int hc_file_truncate(uint64_t file, uint64_t size)
{
	int fd = size > INT64_MAX ? -EINVAL : hc_file_use(file);

	return fd < 0 ? fd : done(file, raw(SYS_ftruncate, fd, size));
}

int hc_file_allocate(uint64_t file, uint32_t mode, uint64_t off, uint64_t n)
{
	const uint32_t known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE |
			       FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE;
	int fd;

	if (mode & ~known)
		return -EOPNOTSUPP;
	if (off > INT64_MAX || n > INT64_MAX)
		return -EFBIG;
	fd = hc_file_use(file);
	return fd < 0 ? fd : done(file, raw(SYS_fallocate, fd, mode, off, n));
}

int hc_file_sync(uint64_t file, bool data_only)
{
	int fd = hc_file_use(file);

	if (fd < 0)
		return fd;
	return done(file, data_only ? raw(SYS_fdatasync, fd) : raw(SYS_fsync, fd));
}

int hc_file_seek(uint64_t file, uint64_t off, bool data, uint64_t *ret)
{
	int fd = off > INT64_MAX ? -ENXIO : hc_file_use(file);
	long at;

	if (fd < 0)
		return fd;
	at = raw(SYS_lseek, fd, off, data ? SEEK_DATA : SEEK_HOLE);
	if (at < 0)
		return done(file, at);
	*ret = (uint64_t)at;
	return done(file, 0);
}
