/* SPDX-License-Identifier: Apache-2.0 */
/* The gofer's operations that change a writable root.  The dispatch in ops.c
 * has refused read-only roots before any of these runs.
 *
 * New entries get the owner that the kernel asks for where this process may
 * give it, else they stay the caller's own.  Set-user-id and set-group-id
 * bits are never put on files: a program inside must not leave a way to more
 * rights behind on the host.  Devices are never made; sockets and FIFOs are names,
 * which mean something to programs inside only. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "host/gofer/ops.h"
#include "host/isolate/isolate.h"

HOST_CALLS(gofer, openat, mkdirat, mknodat, symlinkat, linkat, unlinkat, renameat2, fchownat,
	   fchmodat, utimensat, ftruncate, renameat, setxattr, removexattr);

static uint32_t safe_mode(uint32_t mode)
{
	return mode & 01777;
}

/* Best effort: without the right the entry stays the caller's. */
static void give_to(int dirfd, const char *name, uint32_t uid, uint32_t gid)
{
	if (uid == ops_own_uid && gid == ops_own_gid)
		return;
	if (fchownat(dirfd, name, uid, gid, AT_SYMLINK_NOFOLLOW | (name[0] ? 0 : AT_EMPTY_PATH)))
		return;
}

static void set_times(struct gofer_call *c, struct node *n)
{
	struct timespec t[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_OMIT } };
	const int64_t ns[2] = { c->req.attr.atime_ns, c->req.attr.mtime_ns };
	const uint32_t bit[2] = { HC_SET_ATIME, HC_SET_MTIME };
	unsigned i;

	for (i = 0; i < 2; i++) {
		if (!(c->req.mask & bit[i]))
			continue;
		t[i].tv_sec = ns[i] / 1000000000;
		t[i].tv_nsec = ns[i] % 1000000000;
		if (t[i].tv_nsec < 0) {
			t[i].tv_nsec += 1000000000;
			t[i].tv_sec--;
		}
	}
	if (utimensat(n->fd, "", t, AT_EMPTY_PATH))
		c->rep.err = -errno;
}

static int set_size(struct node *n, uint64_t size)
{
	int fd, err = 0;

	if (n->type != S_IFREG)
		return n->type == S_IFDIR ? -EISDIR : -EINVAL;
	if (size > INT64_MAX)
		return -EINVAL;
	fd = ops_reopen(n, O_WRONLY);
	if (fd < 0)
		return fd;
	if (ftruncate(fd, (off_t)size))
		err = -errno;
	close(fd);
	return err;
}

void op_setattr(struct gofer_call *c, struct node *n)
{
	const struct hc_attr *a = &c->req.attr;
	uint32_t mask = c->req.mask;
	char name[OPS_FD_NAME];
	int64_t btime_ns;
	struct stat st;

	if (mask & ~(HC_SET_MODE | HC_SET_UID | HC_SET_GID | HC_SET_SIZE | HC_SET_ATIME |
		     HC_SET_MTIME)) {
		c->rep.err = -EINVAL;
		return;
	}
	if (mask & HC_SET_SIZE)
		c->rep.err = set_size(n, a->size);
	if (!c->rep.err && mask & (HC_SET_UID | HC_SET_GID) &&
	    fchownat(n->fd, "", mask & HC_SET_UID ? a->uid : (uid_t)-1,
		     mask & HC_SET_GID ? a->gid : (gid_t)-1, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		c->rep.err = -errno;
	if (!c->rep.err && mask & HC_SET_MODE) {
		uint32_t mode = n->type == S_IFDIR ? a->mode & 03777 : safe_mode(a->mode);

		if (n->type == S_IFLNK)
			c->rep.err = -EOPNOTSUPP;
		else if (fchmodat(AT_FDCWD, ops_fd_name(n, name), mode, 0))
			c->rep.err = -errno;
	}
	if (!c->rep.err && mask & (HC_SET_ATIME | HC_SET_MTIME))
		set_times(c, n);
	if (!c->rep.err) {
		c->rep.err = ops_stat(n->fd, "", AT_EMPTY_PATH, &st, &btime_ns);
		if (!c->rep.err)
			ops_attr(&st, btime_ns, false, &c->rep.attr);
	}
}

void op_setxattr(struct gofer_call *c, struct node *n)
{
	uint32_t f = c->req.flags;
	char name[OPS_FD_NAME];
	int err;

	if (f != 0 && f != HC_XATTR_CREATE && f != HC_XATTR_REPLACE && f != HC_XATTR_REMOVE) {
		c->rep.err = -EINVAL;
		return;
	}
	if (!ops_xattr_ok(c->name) || (n->type != S_IFREG && n->type != S_IFDIR)) {
		c->rep.err = -EPERM;
		return;
	}
	ops_fd_name(n, name);
	/* HC_XATTR_ values are XATTR_CREATE and XATTR_REPLACE. */
	err = f == HC_XATTR_REMOVE ? removexattr(name, c->name) :
	      setxattr(name, c->name, c->name2, c->req.name2_size, (int)f);
	if (err)
		c->rep.err = -errno;
}

static bool need_dir(struct gofer_call *c, const struct node *dir)
{
	if (dir->type == S_IFDIR)
		return true;
	c->rep.err = -ENOTDIR;
	return false;
}

void op_create(struct gofer_call *c, struct node *dir)
{
	uint32_t f = c->req.flags;
	int acc, fd;

	if (!need_dir(c, dir))
		return;
	if (f & ~(HC_OPEN_READ | HC_OPEN_WRITE)) {
		c->rep.err = -EINVAL;
		return;
	}
	acc = f == HC_OPEN_READ ? O_RDONLY : f == HC_OPEN_WRITE ? O_WRONLY : O_RDWR;
	fd = openat(dir->fd, c->name, acc | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY,
		    safe_mode(c->req.mode));
	if (fd < 0) {
		c->rep.err = -errno;
		return;
	}
	give_to(fd, "", c->req.uid, c->req.gid);
	c->rep.err = ops_enter_name(dir, c->name, &c->rep.node, &c->rep.attr);
	if (!c->rep.err && f)
		c->fd = fd;
	else
		close(fd);
}

void op_mkdir(struct gofer_call *c, struct node *dir)
{
	if (!need_dir(c, dir))
		return;
	if (mkdirat(dir->fd, c->name, c->req.mode & 01777)) {
		c->rep.err = -errno;
		return;
	}
	give_to(dir->fd, c->name, c->req.uid, c->req.gid);
	c->rep.err = ops_enter_name(dir, c->name, &c->rep.node, &c->rep.attr);
}

void op_mknod(struct gofer_call *c, struct node *dir)
{
	uint32_t type = c->req.mode & S_IFMT;

	if (!need_dir(c, dir))
		return;
	if (type != S_IFSOCK && type != S_IFIFO) {
		c->rep.err = -EPERM;
		return;
	}
	if (mknodat(dir->fd, c->name, type | (c->req.mode & 0777), 0)) {
		c->rep.err = -errno;
		return;
	}
	give_to(dir->fd, c->name, c->req.uid, c->req.gid);
	c->rep.err = ops_enter_name(dir, c->name, &c->rep.node, &c->rep.attr);
}

void op_symlink(struct gofer_call *c, struct node *dir)
{
	if (!need_dir(c, dir))
		return;
	if (symlinkat(c->name2, dir->fd, c->name)) {
		c->rep.err = -errno;
		return;
	}
	give_to(dir->fd, c->name, c->req.uid, c->req.gid);
	c->rep.err = ops_enter_name(dir, c->name, &c->rep.node, &c->rep.attr);
}

/* req.node is the object, req.node2 the directory. */
void op_link(struct gofer_call *c, struct node *n)
{
	char fd_name[OPS_FD_NAME];
	struct node *dir;
	int err = node_pin(c->req.node2, &dir);

	if (err) {
		c->rep.err = err;
		return;
	}
	if (dir->root != n->root || !dir->writable || dir->hollow)
		c->rep.err = -EXDEV;
	else if (n->type == S_IFDIR)
		c->rep.err = -EPERM;
	else if (need_dir(c, dir) &&
		 linkat(AT_FDCWD, ops_fd_name(n, fd_name), dir->fd, c->name, AT_SYMLINK_FOLLOW))
		c->rep.err = -errno;
	node_unpin(dir);
}

void op_unlink(struct gofer_call *c, struct node *dir)
{
	if (c->req.flags > 1)
		c->rep.err = -EINVAL;
	else if (need_dir(c, dir) &&
		 unlinkat(dir->fd, c->name, c->req.flags ? AT_REMOVEDIR : 0))
		c->rep.err = -errno;
}

/* Remember where what is now called name has gone, for reopening it. */
static void note_place(struct node *dir, const char *name)
{
	struct stat st;

	if (!fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW))
		node_moved(dir, name, st.st_dev, st.st_ino);
}

void op_rename(struct gofer_call *c, struct node *dir)
{
	struct node *to;
	int err;

	if (c->req.flags & ~(HC_RENAME_NOREPLACE | HC_RENAME_EXCHANGE) ||
	    c->req.flags == (HC_RENAME_NOREPLACE | HC_RENAME_EXCHANGE)) {
		c->rep.err = -EINVAL;
		return;
	}
	err = node_pin(c->req.node2, &to);
	if (err) {
		c->rep.err = err;
		return;
	}
	if (to->root != dir->root || !to->writable || to->hollow) {
		c->rep.err = -EXDEV;
	} else if (need_dir(c, dir) && need_dir(c, to)) {
		/* HC_RENAME_ values are RENAME_NOREPLACE and RENAME_EXCHANGE. */
		if (renameat2(dir->fd, c->name, to->fd, c->name2, c->req.flags)) {
			c->rep.err = -errno;
		} else {
			note_place(to, c->name2);
			if (c->req.flags & HC_RENAME_EXCHANGE)
				note_place(dir, c->name);
		}
	}
	node_unpin(to);
}
