/* SPDX-License-Identifier: Apache-2.0 */
/* hostcall.h: all that the kernel may ask of the host.
 *
 * Every call is listed here with fixed-width arguments; there is no ioctl and
 * no free-form buffer.  Both sides validate: the host treats each argument as
 * hostile (the kernel may have been taken over), the kernel treats each result
 * as hostile (hostcall wrappers clamp lengths, allow-list errnos, check
 * handles; see kernel/lib/hc.c).
 *
 * Handles are 64-bit numbers chosen by the host side; 0 is none.  A node
 * handle names a file-system object beneath a root, held by identity (device,
 * inode); a file handle is an open regular file.  Names are single
 * components: no '/', not "." or "..", 1..255 bytes; the host side checks.
 *
 * Calls return 0 or a negative errno and may sleep the CPU for as long as the
 * host's file system takes (CAVEATS.md).  Streams never block: they answer
 * -EAGAIN and raise an event when that changes.
 *
 * The same enum numbers the operations of the wire protocol between sandbox
 * and gofer (host/gofer/gofer.h). */
#ifndef NACRE_HOSTCALL_H
#define NACRE_HOSTCALL_H

#include <base/types.h>

#define HC_VERSION 3
#define HC_NAME_MAX 255
#define HC_LINK_MAX 4095
#define HC_XATTR_MAX 65536
#define HC_IO_MAX (1u << 20)            /* bytes per read or write call */
#define HC_DIRENT_BATCH 65536

enum hc_op {
	HC_OP_LOOKUP = 1, HC_OP_GETATTR, HC_OP_SETATTR, HC_OP_READLINK,
	HC_OP_READDIR, HC_OP_OPEN, HC_OP_CREATE, HC_OP_MKDIR, HC_OP_SYMLINK,
	HC_OP_LINK, HC_OP_UNLINK, HC_OP_RENAME, HC_OP_STATFS, HC_OP_GETXATTR,
	HC_OP_LISTXATTR, HC_OP_SETXATTR, HC_OP_FORGET, HC_OP_MKNOD,
	HC_OP_FETCH,
	HC_OP_COUNT
};

struct hc_attr {
	uint64_t dev, ino;              /* identity beneath this root */
	uint32_t mode;                  /* type and permission bits */
	uint32_t nlink, uid, gid;
	uint64_t size, blocks;          /* blocks of 512 bytes */
	uint64_t blksize;
	int64_t atime_ns, mtime_ns, ctime_ns;
	int64_t btime_ns;               /* birth: tells a reused number; 0: not known */
	uint64_t rdev;
};

struct hc_statfs { uint64_t blocks, bfree, bavail, files, ffree; uint32_t bsize, namelen; uint64_t type; };

/* -- nodes (through the gofer) -- */
/* Look name up in dir.  Sockets, FIFOs and devices are found (they have
 * attributes) but cannot be opened unless policy names them. */
int __must_check hc_lookup(uint64_t dir, const char *name, size_t name_size,
			   uint64_t *ret_node, struct hc_attr *ret_attr);
int __must_check hc_getattr(uint64_t node, struct hc_attr *ret_attr);

#define HC_SET_MODE 1u
#define HC_SET_UID 2u
#define HC_SET_GID 4u
#define HC_SET_SIZE 8u
#define HC_SET_ATIME 16u
#define HC_SET_MTIME 32u
/* Writable roots only (-EROFS); ret_attr may be NULL. */
int __must_check hc_setattr(uint64_t node, uint32_t mask, const struct hc_attr *attr,
			    struct hc_attr *ret_attr);
/* ret_size <= size; not NUL-terminated. */
int __must_check hc_readlink(uint64_t node, char *buf, size_t size, size_t *ret_size);

/* Packed records: hc_dirent header, then name (name_size bytes), padded to 8.
 * cookie 0 starts; the record's next_cookie continues after it.  *ret_end: no
 * entry follows these.  "." and ".." are not reported. */
struct hc_dirent { uint64_t ino; uint64_t next_cookie; uint16_t name_size; uint8_t type; uint8_t pad[5]; };
int __must_check hc_readdir(uint64_t dir, uint64_t cookie, void *buf, size_t size, size_t *ret_size,
			    bool *ret_end);

/* Several names of one directory in one message: attributes of each, and what
 * will probably be asked for next.  names: NUL-terminated, one after another;
 * an empty one is followed by the 8 bytes of another directory's handle, in
 * which those after it are.
 * The answer is one hc_fetched per name in their order, each followed by
 * data_size bytes padded to 8; fewer when the room is used up (at least one).
 *  - regular files: the whole contents (HC_FETCHED_DATA) if they are small, of
 *    the first name if HC_FETCH_OPEN is set, and of files_ahead others.
 *  - the first name with HC_FETCH_OPEN that is a bigger regular file or, since
 *    such are mapped, an executable format, or any with HC_FETCH_FILE:
 *    HC_FETCHED_FILE, opened for reading, *ret_file and a node handle.
 *  - directories: a node handle; all entries as hc_readdir() packs them
 *    (HC_FETCHED_LIST), if they are few, of dirs_ahead directories.
 *  - symbolic links: their text (HC_FETCHED_DATA), not NUL-terminated.
 * Other names come without a node handle (0): hc_lookup() gives one. */
#define HC_FETCH_OPEN 1u
#define HC_FETCH_FILE 2u
#define HC_FETCH_NAMES 256u             /* per message, and HC_LINK_MAX bytes of them */
#define HC_FETCH_DIRS 64u               /* other directories */
#define HC_FETCH_DATA_MAX 32768u
#define HC_FETCH_LIST_MAX 8192u
#define HC_FETCHED_DATA 1u
#define HC_FETCHED_LIST 2u
#define HC_FETCHED_FILE 4u
struct hc_fetched {
	int32_t err;                    /* -ENOENT …: no attributes */
	uint32_t flags;
	uint64_t node;
	uint32_t data_size, pad;
	struct hc_attr attr;
};
int __must_check hc_fetch(uint64_t dir, const char *names, size_t names_size, uint32_t flags,
			  uint16_t files_ahead, uint16_t dirs_ahead,
			  void *buf, size_t size, size_t *ret_size, uint64_t *ret_file);

/* Open a regular file.  The file handle is released by hc_file_close(). */
#define HC_OPEN_READ 1u
#define HC_OPEN_WRITE 2u
int __must_check hc_open(uint64_t node, uint32_t flags, uint64_t *ret_file);
/* Writable roots: make entries.  -EEXIST, -ENOSPC, -EROFS … */
int __must_check hc_create(uint64_t dir, const char *name, size_t name_size, uint32_t mode,
			   uint32_t uid, uint32_t gid, uint32_t open_flags,
			   uint64_t *ret_node, struct hc_attr *ret_attr, uint64_t *ret_file);
int __must_check hc_mkdir(uint64_t dir, const char *name, size_t name_size, uint32_t mode,
			  uint32_t uid, uint32_t gid, uint64_t *ret_node, struct hc_attr *ret_attr);
/* A name for a Unix socket or a FIFO of the sandbox (type in mode: S_IFSOCK,
 * S_IFIFO); the host never connects to one or opens it. */
int __must_check hc_mknod(uint64_t dir, const char *name, size_t name_size, uint32_t mode,
			  uint32_t uid, uint32_t gid, uint64_t *ret_node, struct hc_attr *ret_attr);
int __must_check hc_symlink(uint64_t dir, const char *name, size_t name_size,
			    const char *target, size_t target_size,
			    uint32_t uid, uint32_t gid, uint64_t *ret_node, struct hc_attr *ret_attr);
int __must_check hc_link(uint64_t node, uint64_t dir, const char *name, size_t name_size);
int __must_check hc_unlink(uint64_t dir, const char *name, size_t name_size, bool is_dir);
#define HC_RENAME_NOREPLACE 1u
#define HC_RENAME_EXCHANGE 2u
int __must_check hc_rename(uint64_t olddir, const char *oldname, size_t oldname_size,
			   uint64_t newdir, const char *newname, size_t newname_size, uint32_t flags);
int __must_check hc_statfs(uint64_t node, struct hc_statfs *ret);
int __must_check hc_getxattr(uint64_t node, const char *name, void *buf, size_t size, size_t *ret_size);
/* Writable roots: flags as setxattr(2), or HC_XATTR_REMOVE (no value).  Values
 * of more than HC_XATTR_SET_MAX bytes: -ENOSPC. */
#define HC_XATTR_CREATE 1u
#define HC_XATTR_REPLACE 2u
#define HC_XATTR_REMOVE 4u
#define HC_XATTR_SET_MAX HC_LINK_MAX
int __must_check hc_setxattr(uint64_t node, const char *name, const void *value, size_t size, uint32_t flags);
int __must_check hc_listxattr(uint64_t node, void *buf, size_t size, size_t *ret_size);
/* The kernel no longer names this node (the lookup count drops by one).  lazily:
 * it may stay open on the host for a while. */
void hc_forget(uint64_t node, bool lazily);

/* -- open files (descriptors held by the sandbox; no gofer involved) -- */
int __must_check hc_file_read(uint64_t file, uint64_t off, void *buf, size_t n, size_t *ret_n);
int __must_check hc_file_write(uint64_t file, uint64_t off, const void *buf, size_t n, size_t *ret_n);
int __must_check hc_file_getattr(uint64_t file, struct hc_attr *ret_attr);
int __must_check hc_file_truncate(uint64_t file, uint64_t size);
int __must_check hc_file_allocate(uint64_t file, uint32_t mode, uint64_t off, uint64_t n);
int __must_check hc_file_sync(uint64_t file, bool data_only);
int __must_check hc_file_seek(uint64_t file, uint64_t off, bool data, uint64_t *ret);   /* SEEK_DATA / SEEK_HOLE */
void hc_file_close(uint64_t file);

/* -- streams: what the sandbox was given as 0, 1, 2 (and the strace log, 3) -- */
#define HC_STREAM_STDIN 0u
#define HC_STREAM_STDOUT 1u
#define HC_STREAM_STDERR 2u
#define HC_STREAM_LOG 3u
#define HC_STREAM_COUNT 4u
#define HC_POLL_IN 1u
#define HC_POLL_OUT 2u
#define HC_POLL_HUP 4u
#define HC_POLL_ERR 8u
/* -EAGAIN: nothing now.  ret_n 0: end of file.  -EPIPE on a closed reader
 * (no signal is raised on the host side). */
int __must_check hc_stream_read(uint32_t stream, void *buf, size_t n, size_t *ret_n);
int __must_check hc_stream_write(uint32_t stream, const void *buf, size_t n, size_t *ret_n);
/* Present readiness (HC_POLL_).  With arm != 0 the event of this stream is
 * raised once when one of the armed conditions becomes (or is) true. */
uint32_t hc_stream_poll(uint32_t stream, uint32_t arm);
/* Regular files given as stdio keep their offset: lseek semantics.  -ESPIPE */
int __must_check hc_stream_seek(uint32_t stream, int64_t off, int whence, uint64_t *ret);
int __must_check hc_stream_getattr(uint32_t stream, struct hc_attr *ret_attr);
int __must_check hc_tty_size(uint16_t *ret_rows, uint16_t *ret_cols);

/* Bits of plat_events_take(). */
#define HC_EVENT_STREAM(n) (1ull << (n))        /* stream n's armed condition */
#define HC_EVENT_WINCH (1ull << 8)
#define HC_EVENT_TERM (1ull << 9)               /* the monitor asks for an orderly end */
#define HC_EVENT_SIGNAL(n) (1ull << (32 + (n))) /* forward signal n (1..31) to the init program's foreground group */

#endif
