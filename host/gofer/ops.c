/* SPDX-License-Identifier: Apache-2.0 */
/* The gofer's operations that only read, and the dispatch of all.
 *
 * How it works: names are single components looked up with openat2() beneath
 * a held directory; nothing is ever followed.  A held object is opened again
 * through the gofer's own /proc/self/fd (its working directory), so a rename
 * on the host cannot exchange it between check and use.
 *
 * Other mounts of the host are crossed, except kernel interfaces (proc, sysfs,
 * cgroups, ...): those appear as empty directories to mount over.  Regular
 * files and directories are opened; sockets, FIFOs and devices never are.
 *
 * Trust: every field of a request is hostile. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "host/gofer/ops.h"
#include "host/isolate/isolate.h"

HOST_CALLS(gofer, openat, close, newfstatat, statx, fstatfs, readlinkat, getdents64, lseek,
	   getxattr, listxattr, fchdir);

/* Kernel interfaces: what they show is the host's, not the program's. */
static const uint32_t forbidden_fs[] = {
	0x9fa0,         /* proc */
	0x62656572,     /* sysfs */
	0x27e0eb,       /* cgroup */
	0x63677270,     /* cgroup2 */
	0x1cd1,         /* devpts */
	0x64626720,     /* debugfs */
	0x74726163,     /* tracefs */
	0x73636673,     /* securityfs */
	0xcafe4a11,     /* bpf */
	0x62656570,     /* configfs */
	0x6165676c,     /* pstore */
	0x19800202,     /* mqueue */
	0x42494e4d,     /* binfmt_misc */
	0xde5e81e4,     /* efivarfs */
	0x65735543,     /* fusectl */
	0x6e736673,     /* nsfs */
	0xf97cff8c,     /* selinuxfs */
	0x43415d53,     /* smackfs */
	0x7655821,      /* resctrl */
	0x50494446,     /* pidfs */
	0x6c6f6f70,     /* binder */
};

bool ops_name_ok(const char *name, size_t size)
{
	if (size < 1 || size > HC_NAME_MAX)
		return false;
	if (memchr(name, '/', size) || memchr(name, 0, size))
		return false;
	return !(name[0] == '.' && (size == 1 || (size == 2 && name[1] == '.')));
}

static const char *fd_name(int fd, char buf[OPS_FD_NAME])
{
	snprintf(buf, OPS_FD_NAME, "%d", fd);
	return buf;
}

const char *ops_fd_name(const struct node *n, char buf[OPS_FD_NAME])
{
	return fd_name(n->fd, buf);
}

int ops_reopen_fd(int fd, int flags)
{
	char name[OPS_FD_NAME];
	int got = openat(AT_FDCWD, fd_name(fd, name), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return got < 0 ? -errno : got;
}

int ops_reopen(const struct node *n, int flags)
{
	int fd;

	if (n->type != S_IFREG && n->type != S_IFDIR)
		return -EACCES;
	if (n->hollow)
		return -EACCES;
	if (n->type == S_IFREG)
		return ops_reopen_fd(n->fd, flags);
	fd = openat(n->fd, ".", flags | O_CLOEXEC | O_NOFOLLOW | O_DIRECTORY);
	return fd < 0 ? -errno : fd;
}

static int64_t ts_ns(struct timespec t)
{
	int64_t ns;

	if (__builtin_mul_overflow((int64_t)t.tv_sec, 1000000000ll, &ns) ||
	    __builtin_add_overflow(ns, (int64_t)t.tv_nsec, &ns))
		return t.tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

void ops_attr(const struct stat *st, int64_t btime_ns, bool hollow, struct hc_attr *ret)
{
	*ret = (struct hc_attr){
		.dev = st->st_dev, .ino = st->st_ino,
		.mode = hollow ? (S_IFDIR | 0555) : st->st_mode,
		.nlink = (uint32_t)st->st_nlink, .uid = st->st_uid, .gid = st->st_gid,
		.size = (uint64_t)st->st_size, .blocks = (uint64_t)st->st_blocks,
		.blksize = (uint64_t)st->st_blksize,
		.atime_ns = ts_ns(st->st_atim), .mtime_ns = ts_ns(st->st_mtim),
		.ctime_ns = ts_ns(st->st_ctim), .btime_ns = btime_ns, .rdev = st->st_rdev,
	};
	if (hollow) {
		ret->uid = ret->gid = 0;
		ret->size = 0;
		ret->nlink = 2;
	}
}

static struct timespec from_statx(struct statx_timestamp t)
{
	return (struct timespec){ .tv_sec = t.tv_sec, .tv_nsec = t.tv_nsec };
}

int ops_stat(int dirfd, const char *name, int flags, struct stat *ret, int64_t *ret_btime_ns)
{
	struct statx x;

	if (statx(dirfd, name, flags, STATX_BASIC_STATS | STATX_BTIME, &x))
		return -errno;
	*ret = (struct stat){
		.st_dev = makedev(x.stx_dev_major, x.stx_dev_minor), .st_ino = x.stx_ino,
		.st_mode = x.stx_mode, .st_nlink = x.stx_nlink, .st_uid = x.stx_uid, .st_gid = x.stx_gid,
		.st_rdev = makedev(x.stx_rdev_major, x.stx_rdev_minor), .st_size = (off_t)x.stx_size,
		.st_blksize = x.stx_blksize, .st_blocks = (blkcnt_t)x.stx_blocks,
		.st_atim = from_statx(x.stx_atime), .st_mtim = from_statx(x.stx_mtime),
		.st_ctim = from_statx(x.stx_ctime),
	};
	*ret_btime_ns = x.stx_mask & STATX_BTIME ? ts_ns(from_statx(x.stx_btime)) : 0;
	return 0;
}

static bool fs_forbidden(int fd)
{
	struct statfs fs;
	size_t i;

	if (fstatfs(fd, &fs))
		return true;
	for (i = 0; i < ARRAY_SIZE(forbidden_fs); i++)
		if ((uint32_t)fs.f_type == forbidden_fs[i])
			return true;
	return false;
}

int ops_enter_fd(struct node *dir, const char *name, int fd, uint64_t *ret_node,
		 struct hc_attr *ret_attr)
{
	struct stat st;
	int64_t btime_ns;
	bool hollow = false;
	int err = ops_stat(fd, "", AT_EMPTY_PATH, &st, &btime_ns);

	if (err) {
		close(fd);
		return err;
	}
	if (st.st_dev != dir->dev && fs_forbidden(fd)) {
		if (!S_ISDIR(st.st_mode)) {
			close(fd);
			return -EACCES;
		}
		hollow = true;
	}
	err = node_enter(dir, name, fd, &st, hollow, ret_node);
	if (!err)
		ops_attr(&st, btime_ns, hollow, ret_attr);
	return err;
}

int ops_enter_name(struct node *dir, const char *name, uint64_t *ret_node,
		   struct hc_attr *ret_attr)
{
	int fd = node_open_path(dir->fd, name);

	return fd < 0 ? fd : ops_enter_fd(dir, name, fd, ret_node, ret_attr);
}

static void op_lookup(struct gofer_call *c, struct node *dir)
{
	if (dir->type != S_IFDIR)
		c->rep.err = -ENOTDIR;
	else if (dir->hollow)
		c->rep.err = -ENOENT;
	else
		c->rep.err = ops_enter_name(dir, c->name, &c->rep.node, &c->rep.attr);
}

static void op_getattr(struct gofer_call *c, struct node *n)
{
	struct stat st;
	int64_t btime_ns;

	c->rep.err = ops_stat(n->fd, "", AT_EMPTY_PATH, &st, &btime_ns);
	if (!c->rep.err)
		ops_attr(&st, btime_ns, n->hollow, &c->rep.attr);
}

static void op_readlink(struct gofer_call *c, struct node *n)
{
	size_t room = MIN((size_t)c->req.size, (size_t)HC_LINK_MAX);
	ssize_t got;

	if (n->type != S_IFLNK || !room) {
		c->rep.err = -EINVAL;
		return;
	}
	got = readlinkat(n->fd, "", (char *)c->data, room);
	if (got < 0)
		c->rep.err = -errno;
	else
		c->data_size = (size_t)got;
}

/* The host's record, as getdents64(2) documents it. */
struct host_dirent { uint64_t ino; int64_t off; uint16_t reclen; uint8_t type; char name[]; };

static size_t dirents_convert(uint8_t *out, size_t room, const uint8_t *in, size_t in_size)
{
	size_t used = 0, at = 0;

	while (at + offsetof(struct host_dirent, name) < in_size) {
		const struct host_dirent *d = (const void *)(in + at);
		size_t name_size = strnlen(d->name, d->reclen - offsetof(struct host_dirent, name));
		size_t need = align_up(sizeof(struct hc_dirent) + name_size, 8);
		struct hc_dirent e = {
			.ino = d->ino, .next_cookie = (uint64_t)d->off,
			.name_size = (uint16_t)name_size, .type = d->type,
		};

		at += d->reclen;
		if (!ops_name_ok(d->name, name_size))
			continue;               /* ".", "..", or a broken file system's name */
		if (need > room - used)
			break;                  /* cannot happen: in is 3/4 of room */
		memset(out + used, 0, need);
		memcpy(out + used, &e, sizeof(e));
		memcpy(out + used + sizeof(e), d->name, name_size);
		used += need;
	}
	return used;
}

int ops_list(int fd, uint8_t *out, size_t room, size_t *ret_size, bool *ret_end)
{
	uint8_t in[8192] __aligned(8);
	size_t used = 0, want;
	long got = 1;

	/* The host's smallest record has 24 bytes, ours 32: an entry grows by a
	 * third at the most.  The longest has 280. */
	while (got > 0) {
		want = MIN(sizeof(in), (room - used) / 4 * 3);
		if (want < 512)
			break;
		got = syscall(SYS_getdents64, fd, in, want);
		if (got > 0)
			used += dirents_convert(out + used, room - used, in, (size_t)got);
	}
	if (got < 0 && !used)
		return -errno;
	*ret_size = used;
	*ret_end = got == 0;
	return 0;
}

static void op_readdir(struct gofer_call *c, struct node *n)
{
	size_t room = MIN((size_t)c->req.size, (size_t)HC_DIRENT_BATCH);
	bool end = true;
	int fd;

	if (n->type != S_IFDIR) {
		c->rep.err = -ENOTDIR;
		return;
	}
	c->rep.end = 1;
	if (n->hollow)
		return;                         /* empty */
	fd = ops_reopen(n, O_RDONLY);
	if (fd < 0)
		c->rep.err = fd;
	else if (room < 1024)
		c->rep.err = -EINVAL;
	else if (c->req.cookie && lseek(fd, (off_t)c->req.cookie, SEEK_SET) < 0)
		c->rep.err = -errno;
	else
		c->rep.err = ops_list(fd, c->data, room, &c->data_size, &end);
	c->rep.end = end;
	if (fd >= 0)
		close(fd);
}

static void op_open(struct gofer_call *c, struct node *n)
{
	uint32_t f = c->req.flags;
	struct stat st;
	int64_t btime_ns;
	int acc;

	if (f & ~(HC_OPEN_READ | HC_OPEN_WRITE) || !f) {
		c->rep.err = -EINVAL;
		return;
	}
	if (n->type != S_IFREG) {
		c->rep.err = n->type == S_IFDIR ? -EISDIR : -EACCES;
		return;
	}
	if ((f & HC_OPEN_WRITE) && !n->writable) {
		c->rep.err = -EROFS;
		return;
	}
	acc = f == HC_OPEN_READ ? O_RDONLY : f == HC_OPEN_WRITE ? O_WRONLY : O_RDWR;
	c->fd = ops_reopen(n, acc);
	if (c->fd < 0) {
		c->rep.err = c->fd;
		c->fd = -1;
		return;
	}
	c->rep.err = ops_stat(c->fd, "", AT_EMPTY_PATH, &st, &btime_ns);
	if (c->rep.err)
		return;
	if (!S_ISREG(st.st_mode)) {      /* cannot happen: a second look is cheap */
		c->rep.err = -EACCES;
	} else {
		ops_attr(&st, btime_ns, false, &c->rep.attr);
	}
}

static void op_statfs(struct gofer_call *c, struct node *n)
{
	struct statfs fs;

	if (fstatfs(n->fd, &fs)) {
		c->rep.err = -errno;
		return;
	}
	c->rep.statfs = (struct hc_statfs){
		.blocks = fs.f_blocks, .bfree = fs.f_bfree, .bavail = fs.f_bavail,
		.files = fs.f_files, .ffree = fs.f_ffree, .bsize = (uint32_t)fs.f_bsize,
		.namelen = (uint32_t)fs.f_namelen, .type = (uint64_t)fs.f_type,
	};
}

/* Only user attributes leave the host: the others are policy of the host's
 * kernel (capabilities, labels), which means nothing inside. */
bool ops_xattr_ok(const char *name)
{
	return !strncmp(name, "user.", 5) && name[5];
}

static void op_getxattr(struct gofer_call *c, struct node *n)
{
	size_t room = MIN((size_t)c->req.size, (size_t)HC_XATTR_MAX);
	char fd_name[OPS_FD_NAME];
	ssize_t got;

	if (!ops_xattr_ok(c->name) || (n->type != S_IFREG && n->type != S_IFDIR) || n->hollow) {
		c->rep.err = -ENODATA;
		return;
	}
	if (!room) {
		c->rep.err = -ERANGE;
		return;
	}
	got = getxattr(ops_fd_name(n, fd_name), c->name, c->data, room);
	if (got < 0)
		c->rep.err = -errno;
	else
		c->data_size = (size_t)got;
}

static void op_listxattr(struct gofer_call *c, struct node *n)
{
	char fd_name[OPS_FD_NAME];
	ssize_t got;
	size_t at, out = 0, len;

	if ((n->type != S_IFREG && n->type != S_IFDIR) || n->hollow)
		return;
	got = listxattr(ops_fd_name(n, fd_name), (char *)c->data, GOFER_DATA_MAX);
	if (got < 0) {
		c->rep.err = errno == EOPNOTSUPP ? 0 : -errno;
		return;
	}
	for (at = 0; at < (size_t)got; at += len) {
		len = strnlen((char *)c->data + at, (size_t)got - at) + 1;
		if (at + len > (size_t)got)
			break;
		if (!ops_xattr_ok((char *)c->data + at))
			continue;
		memmove(c->data + out, c->data + at, len);
		out += len;
	}
	if (out > c->req.size)
		c->rep.err = -ERANGE;
	else
		c->data_size = out;
}

#define NAME_NONE 0             /* name_size must be 0 */
#define NAME_ENTRY 1            /* a single component */
#define NAME_XATTR 2

static const struct {
	void (*fn)(struct gofer_call *c, struct node *n);
	uint8_t name, name2;    /* name2: 1 a component, 2 a link target, 3 checked by the operation */
	bool writes;
} op_table[HC_OP_COUNT] = {
	[HC_OP_LOOKUP] = { op_lookup, NAME_ENTRY, 0, false },
	[HC_OP_GETATTR] = { op_getattr, NAME_NONE, 0, false },
	[HC_OP_SETATTR] = { op_setattr, NAME_NONE, 0, true },
	[HC_OP_READLINK] = { op_readlink, NAME_NONE, 0, false },
	[HC_OP_READDIR] = { op_readdir, NAME_NONE, 0, false },
	[HC_OP_OPEN] = { op_open, NAME_NONE, 0, false },
	[HC_OP_CREATE] = { op_create, NAME_ENTRY, 0, true },
	[HC_OP_MKDIR] = { op_mkdir, NAME_ENTRY, 0, true },
	[HC_OP_MKNOD] = { op_mknod, NAME_ENTRY, 0, true },
	[HC_OP_SYMLINK] = { op_symlink, NAME_ENTRY, 2, true },
	[HC_OP_LINK] = { op_link, NAME_ENTRY, 0, true },
	[HC_OP_UNLINK] = { op_unlink, NAME_ENTRY, 0, true },
	[HC_OP_RENAME] = { op_rename, NAME_ENTRY, 1, true },
	[HC_OP_STATFS] = { op_statfs, NAME_NONE, 0, false },
	[HC_OP_GETXATTR] = { op_getxattr, NAME_XATTR, 0, false },
	[HC_OP_LISTXATTR] = { op_listxattr, NAME_NONE, 0, false },
	[HC_OP_SETXATTR] = { op_setxattr, NAME_XATTR, 3, true },
	[HC_OP_FETCH] = { op_fetch, NAME_NONE, 3, false },
};

static int names_check(const struct gofer_call *c, unsigned name, unsigned name2)
{
	size_t n1 = c->req.name_size, n2 = c->req.name2_size;

	switch (name) {
	case NAME_NONE:
		if (n1)
			return -EINVAL;
		break;
	case NAME_ENTRY:
		if (!ops_name_ok(c->name, n1))
			return -EINVAL;
		break;
	default:
		if (!n1 || strlen(c->name) != n1)
			return -EINVAL;
	}
	if (name2 == 0 && n2)
		return -EINVAL;
	if (name2 == 1 && !ops_name_ok(c->name2, n2))
		return -EINVAL;
	if (name2 == 2 && (!n2 || strlen(c->name2) != n2))
		return -EINVAL;
	return 0;
}

/* req.node, and more handles in place of a second name. */
static void forget(struct gofer_call *c)
{
	uint64_t handle;
	size_t at;

	if (c->req.name2_size % sizeof(handle)) {
		c->rep.err = -EINVAL;
		return;
	}
	c->rep.err = node_forget(c->req.node);
	for (at = 0; at < c->req.name2_size; at += sizeof(handle)) {
		memcpy(&handle, c->name2 + at, sizeof(handle));
		if (node_forget(handle))
			c->rep.err = -ESTALE;
	}
}

void ops_run(struct gofer_call *c)
{
	uint32_t op = c->req.op;
	struct node *n;
	int err;

	if (op == HC_OP_FORGET) {
		forget(c);
		return;
	}
	if (op >= HC_OP_COUNT || !op_table[op].fn) {
		c->rep.err = -EOPNOTSUPP;
		return;
	}
	err = names_check(c, op_table[op].name, op_table[op].name2);
	if (!err)
		err = node_pin(c->req.node, &n);
	if (err) {
		c->rep.err = err;
		return;
	}
	if (op_table[op].writes && (!n->writable || n->hollow))
		c->rep.err = -EROFS;
	else
		op_table[op].fn(c, n);
	node_unpin(n);
}

uint32_t ops_own_uid, ops_own_gid;

int ops_prepare(void)
{
	int fd;

	ops_own_uid = geteuid();
	ops_own_gid = getegid();
	fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int ops_enter(int procfd)
{
	return fchdir(procfd) ? -errno : 0;
}
