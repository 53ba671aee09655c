/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/fd and fdinfo. */
#include "kernel/fs/proc/proc.h"
#include <linux_abi/dirent.h>

static struct file *file_of(struct inode *i)
{
	struct task *t = pid_task_get(i);
	struct files *fs;
	struct file *f = NULL;

	if (!t)
		return NULL;
	fs = pid_may(t, true) ? task_get_files(t) : NULL;
	if (fs) {
		f = files_lookup_get(fs, pid_ref(i)->fd);
		files_put(fs);
	}
	task_put(t);
	return f;
}

static int fd_path(struct inode *i, struct path *ret)
{
	struct file *f = file_of(i);
	int err;

	if (!f)
		return -ENOENT;
	err = file_link_path(f, ret);
	file_put(f);
	return err;
}

/* "pipe:[5]", "socket:[7]", "anon_inode:[eventfd]", or a name. */
static long file_text(struct file *f, char *buf, size_t size)
{
	const char *type = f->ops ? f->ops->type_name : NULL;
	unsigned long long ino = f->inode ? f->inode->ino : 0;
	uint32_t mode = f->inode ? f->inode->mode : 0;
	bool named = f->path.dentry && f->path.mnt && f->path.dentry->name_size;
	char *at;
	int err = 0;

	if (named || (f->path.dentry && !type && S_ISDIR(mode))) {
		at = path_name(&f->path, NULL, buf, size, &err);
		if (err)
			return err;
		memmove(buf, at, strlen(at) + 1);
		return (long)strlen(buf);
	}
	if (type && (strchr(type, ':') || type[0] == '/'))
		return ksnprintf(buf, size, "%s", type);
	if (type)
		return ksnprintf(buf, size, "%s:[%llu]", type, ino);
	if (S_ISFIFO(mode))
		return ksnprintf(buf, size, "pipe:[%llu]", ino);
	if (S_ISSOCK(mode))
		return ksnprintf(buf, size, "socket:[%llu]", ino);
	if (S_ISCHR(mode) && MAJOR(f->inode->rdev) == 136)
		return ksnprintf(buf, size, "/dev/pts/%u", (unsigned)MINOR(f->inode->rdev));
	if (S_ISCHR(mode) && f->inode->rdev == MKDEV(1, 3))
		return ksnprintf(buf, size, "/dev/null");
	return ksnprintf(buf, size, "anon_inode:[stream]");
}

static long fd_readlink(struct inode *i, char *buf, size_t size)
{
	struct file *f = file_of(i);
	char *tmp;
	long n;

	if (!f)
		return -ENOENT;
	tmp = kmalloc(PATH_MAX);
	n = tmp ? file_text(f, tmp, PATH_MAX) : -ENOMEM;
	if (n > 0) {
		n = MIN(n, (long)size);
		memcpy(buf, tmp, (size_t)n);
	}
	kfree(tmp);
	file_put(f);
	return n;
}

const struct inode_ops pid_fd_link_iops = {
	.readlink = fd_readlink, .get_link_path = fd_path, .evict = pid_evict,
};

static int parse_fd(const char *name, size_t n)
{
	uint64_t v;

	if (!n || n > 8 || (n > 1 && name[0] == '0') || kparse_u64(name, n, &v))
		return -1;
	return (int)v;
}

/* The mode of a link tells how the file is open. */
static uint32_t link_mode(const struct file *f)
{
	return S_IFLNK | (f->mode & FMODE_READ ? 0500 : 0) | (f->mode & FMODE_WRITE ? 0300 : 0);
}

static int lookup(struct inode *dir, const char *name, size_t n, bool info, struct inode **ret)
{
	struct task *t = pid_task_get(dir);
	int fd = parse_fd(name, n), err = -ENOENT;
	struct files *fs;
	struct file *f;

	if (!t)
		return -ENOENT;
	if (!pid_may(t, true))
		err = -EACCES;
	fs = err == -ENOENT && fd >= 0 ? task_get_files(t) : NULL;
	f = fs ? files_lookup_get(fs, fd) : NULL;
	if (f) {
		err = pid_inode(dir->sb, t, NULL, pid_ref(dir)->thread, fd, info,
				info ? S_IFREG | 0444 : link_mode(f), ret);
		file_put(f);
	}
	if (fs)
		files_put(fs);
	task_put(t);
	return err;
}

static int fd_lookup(struct inode *dir, const char *name, size_t n, struct inode **ret)
{
	return lookup(dir, name, n, false, ret);
}

static int fdinfo_lookup(struct inode *dir, const char *name, size_t n, struct inode **ret)
{
	return lookup(dir, name, n, true, ret);
}

static bool revalidate(struct inode *dir, const char *name, size_t n, struct inode *cached)
{
	struct file *f = file_of(cached);

	if (f && !pid_ref(cached)->fdinfo)
		cached->mode = link_mode(f);
	if (f)
		file_put(f);
	return f;
}

static int fd_readdir(struct file *f, struct dir_sink *s)
{
	struct pid_ref *r = pid_ref(f->inode);
	uint32_t mode = r->e->dir_iops == &pid_fd_dir_iops ? S_IFLNK : S_IFREG;
	struct task *t = pid_task_get(f->inode);
	struct files *fs;
	char name[16];
	int fd;

	if (!t)
		return -ENOENT;
	fs = pid_may(t, true) ? task_get_files(t) : NULL;
	task_put(t);
	if (!fs)
		return -EACCES;
	if (!dir_emit_dots(f, s))
		goto out;
	while ((fd = files_next_fd(fs, (int)MIN(f->pos - 2, (uint64_t)INT32_MAX))) >= 0) {
		ksnprintf(name, sizeof(name), "%d", fd);
		if (!s->emit(s, name, strlen(name), f->inode->ino + 4096 + (uint64_t)fd * 2,
			     mode_to_dtype(mode), (int64_t)fd + 3))
			break;
		f->pos = (uint64_t)fd + 3;
	}
out:
	files_put(fs);
	return 0;
}

/* The size is the number of open descriptors. */
static int fd_dir_getattr(struct inode *i, struct kstat *ret)
{
	struct task *t = pid_task_get(i);
	struct files *fs = t ? task_get_files(t) : NULL;

	inode_fill_stat(i, ret);
	for (int fd = 0; fs && (fd = files_next_fd(fs, fd)) >= 0; fd++)
		ret->size++;
	if (fs)
		files_put(fs);
	if (t)
		task_put(t);
	return 0;
}

const struct inode_ops pid_fd_dir_iops = {
	.lookup = fd_lookup, .getattr = fd_dir_getattr, .revalidate = revalidate, .evict = pid_evict,
};
/* Anybody sees that the directory is there (its mode), and no more. */
static int fdinfo_permission(struct inode *i, unsigned may)
{
	struct task *t = pid_task_get(i);
	bool ok = t && pid_may(t, true);
	int err = t ? -EACCES : -ESRCH;

	if (t)
		task_put(t);
	return !ok ? err : may & MAY_WRITE && !capable(CAP_DAC_OVERRIDE) ? -EACCES : 0;
}

const struct inode_ops pid_fdinfo_dir_iops = {
	.permission = fdinfo_permission, .lookup = fdinfo_lookup, .revalidate = revalidate, .evict = pid_evict,
};
const struct file_ops pid_fd_dir_fops = { .readdir = fd_readdir, .lseek = generic_lseek };

int pid_fdinfo_fill(struct task *t, int fd, struct sbuf *s)
{
	struct files *fs = task_get_files(t);
	struct file *f = fs && pid_may(t, true) ? files_lookup_get(fs, fd) : NULL;

	if (f) {
		uint32_t flags = file_getfl(f) | (files_cloexec(fs, fd) ? O_CLOEXEC : 0);

		sbuf_printf(s, "pos:\t%llu\nflags:\t0%o\nmnt_id:\t%d\nino:\t%llu\n",
			    (unsigned long long)f->pos, flags, 1,
			    (unsigned long long)(f->inode ? f->inode->ino : 0));
		epoll_seen(fs, f);
		if (f->ops && f->ops->show_fdinfo)
			f->ops->show_fdinfo(f, s);
		file_put(f);
	}
	if (fs)
		files_put(fs);
	return f ? 0 : -ENOENT;
}
