/* SPDX-License-Identifier: Apache-2.0 */
/* Open host files: descriptors received from the gofer, named by handle.
 *
 * A handle is slot and generation, so that a stale one is -EBADF and never
 * another file.  Locking: the free list under table_lock; a slot's descriptor
 * is read without it, since the kernel closes a file only after its last
 * user is done (a stale handle is our own bug, caught by the generation).
 *
 * One call serves positioned and plain reads here and in hc_stream.c, to keep
 * the allow list short. */
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>
#include "host/isolate/isolate.h"
#include "platform/process/hc.h"

HOST_CALLS(sandbox, preadv2, pwritev2, fstat, ftruncate, fallocate, fsync, fdatasync,
	   lseek, close);

#define FILES_MAX 65536u        /* more than RLIMIT_NOFILE is on ordinary hosts */

struct file_slot {
	uint32_t gen;
	int32_t fd;
	uint32_t next_free;
	uint32_t uid, gid;      /* as the gofer saw them; a chown on the host shows at the next open */
	uint64_t node;
};

static struct hc_lock table_lock;
static struct file_slot files[FILES_MAX];
static uint32_t files_used, free_head;  /* free_head: slot + 1, 0 none */

int hc_file_enter(int fd, uint64_t node, const struct hc_attr *attr, uint64_t *ret_file)
{
	uint32_t slot, gen;

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
	gen = files[slot].gen + 1;
	files[slot].fd = fd;
	files[slot].node = node;
	files[slot].uid = attr->uid;
	files[slot].gid = attr->gid;
	__atomic_store_n(&files[slot].gen, gen, __ATOMIC_RELEASE);
	hc_lock_release(&table_lock);
	*ret_file = ((uint64_t)gen << 32) | (slot + 1);
	return 0;
}

/* Odd generations are open files, even ones free slots. */
int hc_file_fd(uint64_t file)
{
	uint32_t slot = (uint32_t)file - 1, gen = (uint32_t)(file >> 32);

	if (slot >= FILES_MAX || !(gen & 1) ||
	    __atomic_load_n(&files[slot].gen, __ATOMIC_ACQUIRE) != gen)
		return -EBADF;
	return files[slot].fd;
}

void hc_file_close(uint64_t file)
{
	uint32_t slot = (uint32_t)file - 1;
	int fd;

	hc_lock_take(&table_lock);
	fd = hc_file_fd(file);
	if (fd >= 0) {
		__atomic_store_n(&files[slot].gen, files[slot].gen + 1, __ATOMIC_RELEASE);
		files[slot].fd = -1;
		files[slot].next_free = free_head;
		free_head = slot + 1;
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

int hc_file_read(uint64_t file, uint64_t off, void *buf, size_t n, size_t *ret_n)
{
	struct iovec iov = { buf, MIN(n, (size_t)HC_IO_MAX) };
	int fd = hc_file_fd(file);
	long got;

	if (fd < 0)
		return fd;
	if (off > INT64_MAX)
		return -EINVAL;
	do
		got = raw(SYS_preadv2, fd, &iov, 1, off, 0, 0);
	while (got == -EINTR);
	if (got < 0)
		return (int)got;
	*ret_n = (size_t)got;
	return 0;
}

int hc_file_write(uint64_t file, uint64_t off, const void *buf, size_t n, size_t *ret_n)
{
	struct iovec iov = { (void *)(uintptr_t)buf, MIN(n, (size_t)HC_IO_MAX) };
	int fd = hc_file_fd(file);
	long got;

	if (fd < 0)
		return fd;
	if (off > INT64_MAX)
		return -EINVAL;
	do
		got = raw(SYS_pwritev2, fd, &iov, 1, off, 0, 0);
	while (got == -EINTR);
	if (got < 0)
		return (int)got;
	*ret_n = (size_t)got;
	return 0;
}

int hc_file_getattr(uint64_t file, struct hc_attr *ret_attr)
{
	int fd = hc_file_fd(file), err;

	if (fd < 0)
		return fd;
	err = hc_fd_getattr(fd, ret_attr);
	if (err)
		return err;
	ret_attr->uid = files[(uint32_t)file - 1].uid;
	ret_attr->gid = files[(uint32_t)file - 1].gid;
	return 0;
}

int hc_file_truncate(uint64_t file, uint64_t size)
{
	int fd = hc_file_fd(file);

	if (fd < 0)
		return fd;
	if (size > INT64_MAX)
		return -EINVAL;
	return (int)raw(SYS_ftruncate, fd, size);
}

int hc_file_allocate(uint64_t file, uint32_t mode, uint64_t off, uint64_t n)
{
	const uint32_t known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE |
			       FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE;
	int fd = hc_file_fd(file);

	if (fd < 0)
		return fd;
	if (mode & ~known)
		return -EOPNOTSUPP;
	if (off > INT64_MAX || n > INT64_MAX)
		return -EFBIG;
	return (int)raw(SYS_fallocate, fd, mode, off, n);
}

int hc_file_sync(uint64_t file, bool data_only)
{
	int fd = hc_file_fd(file);

	if (fd < 0)
		return fd;
	return (int)(data_only ? raw(SYS_fdatasync, fd) : raw(SYS_fsync, fd));
}

int hc_file_seek(uint64_t file, uint64_t off, bool data, uint64_t *ret)
{
	int fd = hc_file_fd(file);
	long at;

	if (fd < 0)
		return fd;
	if (off > INT64_MAX)
		return -ENXIO;
	at = raw(SYS_lseek, fd, off, data ? SEEK_DATA : SEEK_HOLE);
	if (at < 0)
		return (int)at;
	*ret = (uint64_t)at;
	return 0;
}
