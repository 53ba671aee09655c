/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes: xattr(7) name spaces and permissions, the system calls. */
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/internal.h"
#include <linux_abi/inotify.h>
#include <linux_abi/xattr.h>

static bool prefix(const char *name, const char *p)
{
	return !strncmp(name, p, strlen(p));
}

/* What has the attributes: of a file without a name (sockets, pipes) p is empty. */
struct target { struct path p; struct file *file; struct inode *i; };

static void target_end(struct target *g)
{
	if (g->file)
		file_put(g->file);
	else
		path_put(&g->p);
}

static int xattr_may(const struct target *g, const char *name, bool write)
{
	const struct path *p = &g->p;
	struct inode *i = g->i;

	if (write && p->dentry && (mount_readonly(p->mnt) || (i->sb && i->sb->readonly)))
		return -EROFS;
	if (prefix(name, "trusted."))
		return capable(CAP_SYS_ADMIN) ? 0 : write ? -EPERM : -ENODATA;
	if (prefix(name, "security."))
		return !write || capable(CAP_SYS_ADMIN) || (!strcmp(name, "security.capability") && capable(CAP_SETFCAP)) ?
		       0 : -EPERM;
	if (prefix(name, "user.")) {
		if (!name[5])
			return -EINVAL;
		if (!S_ISREG(inode_mode(i)) && !S_ISDIR(inode_mode(i)))
			return write ? -EPERM : -ENODATA;
		if (S_ISDIR(inode_mode(i)) && (inode_mode(i) & S_ISVTX) && write && !owner_or_capable(i))
			return -EPERM;
		return inode_permission(i, write ? MAY_WRITE : MAY_READ);
	}
	/* Of a socket itself, also by its link in /proc/PID/fd: not of a name that one is bound to. */
	if (!write && S_ISSOCK(inode_mode(i)) && (!p->dentry || inode_is_anon(i)) && prefix(name, "system."))
		return 0;
	return -EOPNOTSUPP;             /* ACLs among others */
}

static int name_in(char *buf, ustr name)
{
	long n = copy_in_str(buf, name, XATTR_NAME_MAX + 1);

	if (n == -ENAMETOOLONG || n == 0)
		return -ERANGE;
	return n < 0 ? (int)n : 0;
}

/* fd < 0: by path. */
static int target(int fd, ustr name, bool follow, struct target *ret)
{
	int err;

	*ret = (struct target){ 0 };
	if (fd < 0) {
		err = path_lookup_user(AT_FDCWD, name, follow ? LOOKUP_FOLLOW : 0, &ret->p);
		if (!err)
			ret->i = ret->p.dentry->inode;
		return err;
	}
	ret->file = fd_get(fd);
	if (!ret->file)
		return -EBADF;
	ret->p = ret->file->path;
	ret->i = ret->p.dentry ? ret->p.dentry->inode : ret->file->inode;
	if (ret->i)
		return 0;
	file_put(ret->file);
	return -EOPNOTSUPP;
}

static int valid_fd(int fd)
{
	return fd < 0 ? -EBADF : 0;
}

static long xattr_set(int fd, ustr path, bool follow, ustr uname, uaddr value, size_t n, int flags)
{
	char name[XATTR_NAME_MAX + 1];
	struct inode *i;
	struct target g;
	uint8_t *v;
	long err;

	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	err = name_in(name, uname);
	if (err)
		return err;
	if (n > XATTR_SIZE_MAX)
		return -E2BIG;
	v = kmalloc(n ? n : 1);
	if (!v)
		return -ENOMEM;
	err = n && copy_in(v, value, n) ? -EFAULT : 0;
	if (!err)
		err = target(fd, path, follow, &g);
	if (err)
		goto out;
	i = g.i;
	err = xattr_may(&g, name, true);
	if (!err && !(i->ops && i->ops->setxattr))
		err = -EOPNOTSUPP;
	if (!err) {
		mutex_lock(&i->lock);
		err = i->ops->setxattr(i, name, v, n, flags);
		mutex_unlock(&i->lock);
		if (!err && g.p.dentry)
			notify_path(&g.p, IN_ATTRIB);
	}
	target_end(&g);
out:
	kfree(v);
	return err;
}

static long xattr_get(int fd, ustr path, bool follow, ustr uname, uaddr value, size_t size)
{
	char name[XATTR_NAME_MAX + 1];
	struct inode *i;
	struct target g;
	uint8_t *v = NULL;
	long err = name_in(name, uname);

	if (err)
		return err;
	size = MIN(size, (size_t)XATTR_SIZE_MAX);
	err = target(fd, path, follow, &g);
	if (err)
		return err;
	i = g.i;
	err = xattr_may(&g, name, false);
	if (!err && !(i->ops && i->ops->getxattr))
		err = -EOPNOTSUPP;
	if (!err) {
		v = kmalloc(size ? size : 1);
		err = v ? i->ops->getxattr(i, name, v, size) : -ENOMEM;
		if (err > 0 && size && copy_out(value, v, (size_t)err))
			err = -EFAULT;
	}
	target_end(&g);
	kfree(v);
	return err;
}

static long xattr_list(int fd, ustr path, bool follow, uaddr list, size_t size)
{
	struct inode *i;
	struct target g;
	char *v, *out;
	long n = target(fd, path, follow, &g), kept = 0;

	if (n)
		return n;
	i = g.i;
	if (!i->ops || !i->ops->listxattr) {
		target_end(&g);
		return 0;
	}
	v = kmalloc(XATTR_LIST_MAX);
	n = v ? i->ops->listxattr(i, v, XATTR_LIST_MAX) : -ENOMEM;
	target_end(&g);
	if (n == -EOPNOTSUPP)
		n = 0;
	if (n <= 0) {
		kfree(v);
		return n;
	}
	/* Names of trusted attributes are not for everybody. */
	out = v;
	for (long k = 0; k < n;) {
		size_t len = strnlen(v + k, (size_t)(n - k)) + 1;

		if (k + (long)len > n)
			break;
		if (!prefix(v + k, "trusted.") || capable(CAP_SYS_ADMIN)) {
			memmove(out, v + k, len);
			out += len;
		}
		k += (long)len;
	}
	kept = out - v;
	if (size && (size_t)kept > size)
		kept = -ERANGE;
	else if (size && kept && copy_out(list, v, (size_t)kept))
		kept = -EFAULT;
	kfree(v);
	return kept;
}

static long xattr_remove(int fd, ustr path, bool follow, ustr uname)
{
	char name[XATTR_NAME_MAX + 1];
	struct inode *i;
	struct target g;
	long err = name_in(name, uname);

	if (!err)
		err = target(fd, path, follow, &g);
	if (err)
		return err;
	i = g.i;
	err = xattr_may(&g, name, true);
	if (!err && !(i->ops && i->ops->removexattr))
		err = -EOPNOTSUPP;
	if (!err) {
		mutex_lock(&i->lock);
		err = i->ops->removexattr(i, name);
		mutex_unlock(&i->lock);
		if (!err && g.p.dentry)
			notify_path(&g.p, IN_ATTRIB);
	}
	target_end(&g);
	return err;
}

SYSCALL5(setxattr, ustr, path, ustr, name, uaddr, value, size_t, n, int, flags)
{
	return xattr_set(-1, path, true, name, value, n, flags);
}

SYSCALL5(lsetxattr, ustr, path, ustr, name, uaddr, value, size_t, n, int, flags)
{
	return xattr_set(-1, path, false, name, value, n, flags);
}

SYSCALL5(fsetxattr, int, fd, ustr, name, uaddr, value, size_t, n, int, flags)
{
	long err = valid_fd(fd);

	return err ? err : xattr_set(fd, (ustr){ 0 }, false, name, value, n, flags);
}

SYSCALL4(getxattr, ustr, path, ustr, name, uaddr, value, size_t, size)
{
	return xattr_get(-1, path, true, name, value, size);
}

SYSCALL4(lgetxattr, ustr, path, ustr, name, uaddr, value, size_t, size)
{
	return xattr_get(-1, path, false, name, value, size);
}

SYSCALL4(fgetxattr, int, fd, ustr, name, uaddr, value, size_t, size)
{
	long err = valid_fd(fd);

	return err ? err : xattr_get(fd, (ustr){ 0 }, false, name, value, size);
}

SYSCALL3(listxattr, ustr, path, uaddr, list, size_t, size)
{
	return xattr_list(-1, path, true, list, size);
}

SYSCALL3(llistxattr, ustr, path, uaddr, list, size_t, size)
{
	return xattr_list(-1, path, false, list, size);
}

SYSCALL3(flistxattr, int, fd, uaddr, list, size_t, size)
{
	long err = valid_fd(fd);

	return err ? err : xattr_list(fd, (ustr){ 0 }, false, list, size);
}

SYSCALL2(removexattr, ustr, path, ustr, name)
{
	return xattr_remove(-1, path, true, name);
}

SYSCALL2(lremovexattr, ustr, path, ustr, name)
{
	return xattr_remove(-1, path, false, name);
}

SYSCALL2(fremovexattr, int, fd, ustr, name)
{
	long err = valid_fd(fd);

	return err ? err : xattr_remove(fd, (ustr){ 0 }, false, name);
}
