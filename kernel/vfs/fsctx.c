/* SPDX-License-Identifier: Apache-2.0 */
/* A task's root, working directory and umask. */
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/internal.h"

void fs_info_init(struct fs_info *f, const struct path *root)
{
	f->root = *root;
	path_get(&f->root);
	f->cwd = *root;
	path_get(&f->cwd);
}

struct fs_info *fs_info_copy(struct fs_info *f)
{
	struct fs_info *n = kzalloc(sizeof(*n));

	if (!n)
		return NULL;
	ref_init(&n->ref);
	n->umask = 022;
	if (!f)
		return n;
	spin_lock(&f->lock);
	n->root = f->root;
	n->cwd = f->cwd;
	n->umask = f->umask;
	path_get(&n->root);
	path_get(&n->cwd);
	spin_unlock(&f->lock);
	return n;
}

struct fs_info *fs_info_get(struct fs_info *f)
{
	if (f)
		ref_get(&f->ref);
	return f;
}

void fs_info_put(struct fs_info *f)
{
	if (!f || !ref_put(&f->ref))
		return;
	if (f->root.dentry)
		path_put(&f->root);
	if (f->cwd.dentry)
		path_put(&f->cwd);
	kfree(f);
}

void fs_paths(struct path *root, struct path *cwd)
{
	struct fs_info *fs = current_task()->fs;

	spin_lock(&fs->lock);
	*root = fs->root;
	path_get(root);
	if (cwd) {
		*cwd = fs->cwd;
		path_get(cwd);
	}
	spin_unlock(&fs->lock);
}

/* Takes p's references. */
static void set_path(struct fs_info *fs, struct path *slot, struct path *p)
{
	struct path old;

	spin_lock(&fs->lock);
	old = *slot;
	*slot = *p;
	spin_unlock(&fs->lock);
	path_put(&old);
	*p = (struct path){ 0 };
}

SYSCALL1(umask, uint32_t, mask)
{
	return (long)__atomic_exchange_n(&t->fs->umask, mask & S_IRWXUGO, __ATOMIC_RELAXED);
}

static int change(struct task *t, struct path *p, bool root)
{
	int err;

	if (!S_ISDIR(inode_mode(p->dentry->inode)))
		err = -ENOTDIR;
	else
		err = inode_permission(p->dentry->inode, MAY_EXEC);
	if (!err && root && !capable(CAP_SYS_CHROOT))
		err = -EPERM;
	if (err)
		path_put(p);
	else
		set_path(t->fs, root ? &t->fs->root : &t->fs->cwd, p);
	return err;
}

SYSCALL1(chdir, ustr, name)
{
	struct path p;
	int err = path_lookup_user(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	return err ? err : change(t, &p, false);
}

SYSCALL1(fchdir, int, fd)
{
	struct file *f = fd_get_any(fd);
	struct path p;

	if (!f)
		return -EBADF;
	p = f->path;
	if (!p.dentry) {
		file_put(f);
		return -ENOTDIR;
	}
	path_get(&p);
	file_put(f);
	return change(t, &p, false);
}

SYSCALL1(chroot, ustr, name)
{
	struct path p;
	int err = path_lookup_user(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	return err ? err : change(t, &p, true);
}

SYSCALL2(getcwd, uaddr, ubuf, size_t, size)
{
	char *buf = kmalloc(PATH_MAX + 16), *s;
	struct path cwd;
	long n;
	int err;

	if (!buf)
		return -ENOMEM;
	spin_lock(&t->fs->lock);
	cwd = t->fs->cwd;
	path_get(&cwd);
	spin_unlock(&t->fs->lock);
	s = path_name(&cwd, NULL, buf, PATH_MAX + 16, &err);
	if (!err && dentry_unhashed(cwd.dentry))
		err = -ENOENT;          /* removed under us: getcwd(2) */
	path_put(&cwd);
	if (err) {
		kfree(buf);
		return err;
	}
	n = (long)strlen(s) + 1;
	if ((size_t)n > size)
		n = -ERANGE;
	else if (copy_out(ubuf, s, (size_t)n))
		n = -EFAULT;
	kfree(buf);
	return n;
}
