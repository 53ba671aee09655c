/* SPDX-License-Identifier: Apache-2.0 */
/* obj.c: memory objects are memfds, or host files the gofer handed over.
 *
 * A stub gets a descriptor only for the length of one mmap, and the host's
 * own reference keeps a mapped file alive: a handle can be reused at once.
 *
 * Locking: obj_lock guards the table; host calls run on a counted entry
 * without it. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/process/internal.h"

HOST_CALLS(sandbox, memfd_create, ftruncate, pread64, pwrite64, fallocate, lseek, fstat,
	   newfstatat, close, fcntl);

#define OBJ_MAX 16384

static struct obj {
	int fd;                         /* valid while refs */
	uint32_t refs;
	bool is_file;                   /* a host file: its size is the host's */
	uint64_t size;                  /* of a memfd: nobody else changes it */
} objs[OBJ_MAX];
static pthread_mutex_t obj_lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t obj_top, obj_free_list[OBJ_MAX], obj_free_count;

static int obj_insert(int fd, uint64_t size, bool is_file, plat_obj_t *ret)
{
	uint32_t i = OBJ_MAX;

	pthread_mutex_lock(&obj_lock);
	if (obj_free_count)
		i = obj_free_list[--obj_free_count];
	else if (obj_top < OBJ_MAX)
		i = obj_top++;
	if (i < OBJ_MAX)
		objs[i] = (struct obj){ .fd = fd, .refs = 1, .is_file = is_file, .size = size };
	pthread_mutex_unlock(&obj_lock);
	if (i == OBJ_MAX) {
		close(fd);
		return -ENFILE;
	}
	*ret = (plat_obj_t){ i + 1 };
	return 0;
}

int plat_obj_new(uint64_t size, plat_obj_t *ret)
{
	int fd;

	if (size > INT64_MAX)
		return -EFBIG;
	fd = memfd_create("nacre-obj", MFD_CLOEXEC);
	if (fd < 0)
		return errno == EMFILE ? -ENFILE : -errno;
	if (size && ftruncate(fd, (off_t)size) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return obj_insert(fd, size, false, ret);
}

int plat_obj_from_host(uint64_t hc_file, plat_obj_t *ret)
{
	int fd = hc_file_dup(hc_file), err;
	struct stat st;

	if (fd < 0)
		return fd == -EMFILE ? -ENFILE : fd;
	err = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -ENODEV;
	if (err) {
		close(fd);
		return err;
	}
	return obj_insert(fd, (uint64_t)st.st_size, true, ret);
}

int obj_fd_get(plat_obj_t o)
{
	uint32_t i = o.id - 1;
	int fd = -EBADF;

	pthread_mutex_lock(&obj_lock);
	if (i < obj_top && objs[i].refs) {
		objs[i].refs++;
		fd = objs[i].fd;
	}
	pthread_mutex_unlock(&obj_lock);
	return fd;
}

void obj_fd_put(plat_obj_t o)
{
	uint32_t i = o.id - 1;
	int fd = -1;

	pthread_mutex_lock(&obj_lock);
	if (i < obj_top && objs[i].refs && --objs[i].refs == 0) {
		fd = objs[i].fd;
		obj_free_list[obj_free_count++] = i;
	}
	pthread_mutex_unlock(&obj_lock);
	if (fd >= 0)
		close(fd);
}

void plat_obj_free(plat_obj_t o) { obj_fd_put(o); }

int plat_obj_resize(plat_obj_t o, uint64_t size)
{
	int fd = obj_fd_get(o), err = 0;

	if (fd < 0)
		return fd;
	if (size > INT64_MAX)
		err = -EFBIG;
	else if (ftruncate(fd, (off_t)size) < 0)
		err = -errno;
	if (!err) {
		pthread_mutex_lock(&obj_lock);
		objs[o.id - 1].size = size;
		pthread_mutex_unlock(&obj_lock);
	}
	obj_fd_put(o);
	return err;
}

/* The caller has fd from obj_fd_get(). */
static int obj_size(plat_obj_t o, int fd, uint64_t *ret)
{
	struct stat st;
	bool ask;

	pthread_mutex_lock(&obj_lock);
	*ret = objs[o.id - 1].size;
	ask = objs[o.id - 1].is_file;
	pthread_mutex_unlock(&obj_lock);
	if (!ask)
		return 0;
	if (fstat(fd, &st) < 0)
		return -errno;
	*ret = (uint64_t)st.st_size;
	return 0;
}

int plat_obj_read(plat_obj_t o, uint64_t off, void *buf, size_t n)
{
	int fd = obj_fd_get(o), err = 0;

	if (fd < 0)
		return fd;
	while (n && !err) {
		ssize_t r = pread(fd, buf, n, (off_t)off);

		if (r > 0) {
			buf = (uint8_t *)buf + r;
			off += (size_t)r;
			n -= (size_t)r;
		} else if (r == 0) {
			err = -ENXIO;           /* past the end */
		} else if (errno != EINTR) {
			err = -errno;
		}
	}
	obj_fd_put(o);
	return err;
}

int plat_obj_write(plat_obj_t o, uint64_t off, const void *buf, size_t n)
{
	int fd = obj_fd_get(o), err;
	uint64_t end, size;

	if (fd < 0)
		return fd;
	/* Inside the size only: the host would extend the file. */
	err = obj_size(o, fd, &size);
	if (!err && (add_overflows(off, n, &end) || end > size))
		err = -ENXIO;
	while (n && !err) {
		ssize_t r = pwrite(fd, buf, n, (off_t)off);

		if (r > 0) {
			buf = (const uint8_t *)buf + r;
			off += (size_t)r;
			n -= (size_t)r;
		} else if (r == 0) {
			err = -EIO;
		} else if (errno != EINTR) {
			err = -errno;
		}
	}
	obj_fd_put(o);
	return err;
}

int plat_obj_punch(plat_obj_t o, uint64_t off, uint64_t n)
{
	int fd = obj_fd_get(o), err = 0;

	if (fd < 0)
		return fd;
	if (off > INT64_MAX || n > INT64_MAX)
		err = -EINVAL;
	else if (n && fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)off, (off_t)n) < 0)
		err = -errno;
	obj_fd_put(o);
	return err;
}

uint64_t plat_obj_resident(plat_obj_t o)
{
	int fd = obj_fd_get(o);
	struct stat st;
	uint64_t bytes = 0;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0)
		bytes = (uint64_t)st.st_blocks * 512;
	obj_fd_put(o);
	return bytes;
}

int plat_obj_stamp(plat_obj_t o, struct plat_obj_stamp *ret)
{
	int fd = obj_fd_get(o), err = 0;
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else
		*ret = (struct plat_obj_stamp){
			.ino = st.st_ino ^ (uint64_t)st.st_dev << 40,
			.size = (uint64_t)st.st_size,
			.mtime_ns = st.st_mtim.tv_sec * 1000000000ll + st.st_mtim.tv_nsec,
			.ctime_ns = st.st_ctim.tv_sec * 1000000000ll + st.st_ctim.tv_nsec,
		};
	obj_fd_put(o);
	return err;
}

int plat_obj_seek(plat_obj_t o, uint64_t off, bool data, uint64_t *ret)
{
	int fd = obj_fd_get(o), err = 0;
	off_t r;

	if (fd < 0)
		return fd;
	if (off > INT64_MAX) {
		err = -ENXIO;
	} else {
		r = lseek(fd, (off_t)off, data ? SEEK_DATA : SEEK_HOLE);
		if (r < 0)
			err = -errno;
		else
			*ret = (uint64_t)r;
	}
	obj_fd_put(o);
	return err;
}
