/* SPDX-License-Identifier: Apache-2.0 */
/* Open file descriptions: life, anonymous ones, kernel-internal I/O.
 *
 * A description that writes to a regular file counts down inode->deny_write, a
 * description opened for execution counts it up: the two exclude each other
 * (ETXTBSY). */
#include "kernel/vfs/internal.h"
#include <linux_abi/inotify.h>

/* Anonymous inodes belong to this super block, which no mount ever shows. */
static struct super_block anon_sb = { .magic = ANON_INODE_FS_MAGIC, .next_ino = 1 };
static struct inode *anon_shared;

/* Pipes and sockets have attributes of their own; what all others share nobody changes. */
int anon_setattr(struct inode *i, const struct kattr *a)
{
	if (i == anon_shared)
		return -EPERM;
	if (a->mask & ATTR_SIZE)
		return -EINVAL;
	inode_apply_attr(i, a);
	return 0;
}

static const struct inode_ops anon_iops = { .setattr = anon_setattr };

void files_anon_init(void)
{
	sigio_init();
	ref_init(&anon_sb.ref);
	anon_sb.dev = MKDEV(0, 0xe);
	anon_shared = anon_inode_new(0600);
	KASSERT(anon_shared);
}

struct inode *anon_inode_new(uint32_t mode)
{
	struct inode *i = inode_new(&anon_sb, mode & S_IALLUGO ? mode : mode | 0600);

	if (i) {
		i->ops = &anon_iops;
		i->uid = current_task() ? current_cred()->fsuid : 0;
		i->gid = current_task() ? current_cred()->fsgid : 0;
	}
	return i;
}

bool inode_is_anon(const struct inode *i)
{
	return i->sb == &anon_sb;
}

struct file *file_alloc(void)
{
	struct file *f = kzalloc(sizeof(*f));

	if (!f)
		return NULL;
	ref_init(&f->ref);
	mutex_init(&f->pos_lock);
	list_init(&f->epoll_links);
	f->cred = cred_get((struct cred *)current_cred());
	return f;
}

int file_new_anon(const struct file_ops *ops, void *priv, uint32_t flags, struct inode *inode, struct file **ret)
{
	struct file *f = file_alloc();

	if (!f)
		return -ENOMEM;
	f->ops = ops;
	f->priv = priv;
	f->flags = flags & ~(O_CLOEXEC | O_CREAT | O_EXCL | O_TRUNC);
	f->inode = inode_get(inode ? inode : anon_shared);
	if ((flags & O_ACCMODE) != O_WRONLY)
		f->mode |= FMODE_READ;
	if ((flags & O_ACCMODE) != O_RDONLY)
		f->mode |= FMODE_WRITE;
	*ret = f;
	return 0;
}

struct file *file_get(struct file *f)
{
	ref_get(&f->ref);
	return f;
}

void file_put(struct file *f)
{
	if (!f || !ref_put(&f->ref))
		return;
	if (!list_empty(&f->epoll_links))
		epoll_file_gone(f);
	if (f->async)
		sigio_file_gone(f);
	locks_release_file(f);
	if (f->path.dentry && f->ops && !(f->mode & FMODE_PATH))
		notify_path(&f->path, f->mode & FMODE_WRITE ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
	if (f->ops && f->ops->release)
		f->ops->release(f);
	if (f->mode & FMODE_WRITER)
		__atomic_fetch_add(&f->inode->deny_write, 1, __ATOMIC_ACQ_REL);
	if (f->mode & FMODE_EXEC)
		__atomic_fetch_sub(&f->inode->deny_write, 1, __ATOMIC_ACQ_REL);
	if (f->mode & FMODE_READER)
		__atomic_fetch_sub(&f->inode->readers, 1, __ATOMIC_SEQ_CST);
	if (f->path.dentry && !(f->mode & FMODE_PATH) && f->inode && dentry_unhashed(f->path.dentry) &&
	    (S_ISDIR(inode_mode(f->inode)) || !inode_nlink(f->inode)))
		notify_inode_unlinked(f->inode);
	if (f->close_offered)
		__atomic_fetch_sub(&f->inode->close_offers, 1, __ATOMIC_RELAXED);
	if (f->inode)
		inode_put(f->inode);
	/* Last: the mount may be what keeps the inode's super block. */
	if (f->path.dentry)
		path_put(&f->path);
	cred_put(f->cred);
	kfree(f);
}

/* Move inode->deny_write by step (+1 execution, -1 writer) unless the other
 * side is present. */
static int deny_write_step(struct inode *i, int step)
{
	int32_t v = __atomic_load_n(&i->deny_write, __ATOMIC_RELAXED);

	do {
		if (step > 0 ? v < 0 : v > 0)
			return -ETXTBSY;
	} while (!__atomic_compare_exchange_n(&i->deny_write, &v, v + step, false,
					      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	return 0;
}

void file_no_writer(struct file *f)
{
	if (!(f->mode & FMODE_WRITER))
		return;
	f->mode &= ~FMODE_WRITER;
	__atomic_fetch_add(&f->inode->deny_write, 1, __ATOMIC_ACQ_REL);
}

/* Fill f for inode i (path may be empty) and let the file system open it. */
static int file_setup(struct file *f, struct inode *i, uint32_t flags, bool exec)
{
	const struct inode_ops *ops = i->ops;
	int err = 0;

	f->inode = inode_get(i);
	f->flags = flags & ~(O_CREAT | O_EXCL | O_CLOEXEC);
	if (flags & O_PATH) {
		f->mode = FMODE_PATH;
		return 0;
	}
	if ((flags & O_ACCMODE) == O_RDONLY || (flags & O_ACCMODE) == O_RDWR)    /* 3: neither, for ioctl only */
		f->mode |= FMODE_READ;
	if ((flags & O_ACCMODE) == O_WRONLY || (flags & O_ACCMODE) == O_RDWR)
		f->mode |= FMODE_WRITE;
	if (S_ISREG(inode_mode(i)) || S_ISDIR(inode_mode(i)))
		f->mode |= FMODE_SEEK;
	if (S_ISREG(inode_mode(i)) && (f->mode & FMODE_WRITE)) {
		err = deny_write_step(i, -1);
		if (err)
			return err;
		f->mode |= FMODE_WRITER;
	} else if (exec) {
		err = deny_write_step(i, 1);
		if (err)
			return err;
		f->mode |= FMODE_EXEC;
	}
	if (S_ISREG(inode_mode(i)) ? (f->mode & (FMODE_READ | FMODE_WRITE)) == FMODE_READ : true) {
		__atomic_fetch_add(&i->readers, 1, __ATOMIC_SEQ_CST);   /* before it looks for leases */
		f->mode |= FMODE_READER;
	}
	f->ops = i->fops;
	if (ops && ops->open)
		err = ops->open(i, f);
	else if (S_ISCHR(inode_mode(i)))
		err = chrdev_open(i, f);
	else if (S_ISFIFO(inode_mode(i)))
		err = fifo_open(i, f);
	else if (S_ISSOCK(inode_mode(i)) || S_ISBLK(inode_mode(i)))
		err = -ENXIO;
	if (err) {
		f->ops = NULL;          /* not opened: no release */
		return err;
	}
	/* The driver looked at O_TRUNC and O_NOCTTY; they are not a state. */
	f->flags &= ~(O_TRUNC | O_NOCTTY);
	return f->ops ? 0 : -ENXIO;
}

int file_open_path(const struct path *p, uint32_t flags, bool exec, struct file **ret)
{
	struct file *f = file_alloc();
	int err;

	if (!f)
		return -ENOMEM;
	f->path = *p;
	path_get(&f->path);
	err = file_setup(f, p->dentry->inode, flags, exec);
	if (err) {
		file_put(f);
		return err;
	}
	*ret = f;
	return 0;
}

int inode_open_internal(struct inode *i, uint32_t flags, struct file **ret)
{
	struct file *f = file_alloc();
	int err;

	if (!f)
		return -ENOMEM;
	err = file_setup(f, i, flags, false);
	if (err) {
		file_put(f);
		return err;
	}
	*ret = f;
	return 0;
}

long file_read_kernel(struct file *f, void *buf, size_t n, uint64_t pos)
{
	struct iter it;

	if (!(f->mode & FMODE_READ))
		return -EBADF;
	if (!f->ops || !f->ops->read)
		return S_ISDIR(inode_mode(f->inode)) ? -EISDIR : -EINVAL;
	iter_kernel(&it, buf, n);
	return f->ops->read(f, &it, &pos);
}

long file_write_kernel(struct file *f, const void *buf, size_t n, uint64_t pos)
{
	struct iter it;

	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if (!f->ops || !f->ops->write)
		return -EINVAL;
	iter_kernel(&it, (void *)(uintptr_t)buf, n);
	return f->ops->write(f, &it, &pos);
}

int file_mmap(struct file *f, unsigned prot, unsigned map_flags, uint64_t off, uint64_t size, struct mmap_target *ret)
{
	if (!f->ops || !f->ops->mmap)
		return -ENODEV;
	if ((prot & PROT_EXEC) && f->path.mnt && (f->path.mnt->flags & MNT_NOEXEC))
		return -EPERM;
	return f->ops->mmap(f, prot, map_flags, off, size, ret);
}

int64_t noop_lseek(struct file *f, int64_t off, int whence)
{
	return (int64_t)f->pos;
}

int64_t sizeless_lseek(struct file *f, int64_t off, int whence)
{
	int64_t to = off;

	if (whence == SEEK_CUR ? add_overflows((int64_t)f->pos, off, &to) : whence != SEEK_SET)
		return -EINVAL;
	if (to < 0)
		return -EINVAL;
	f->pos = (uint64_t)to;
	return to;
}

int64_t generic_lseek(struct file *f, int64_t off, int whence)
{
	int64_t size = (int64_t)inode_size(f->inode), to;

	switch (whence) {
	case SEEK_SET:
		to = off;
		break;
	case SEEK_CUR:
		if (add_overflows((int64_t)f->pos, off, &to))
			return -EINVAL;
		break;
	case SEEK_END:
		if (add_overflows(size, off, &to))
			return -EINVAL;
		break;
	case SEEK_DATA:
		if (off < 0 || off >= size)
			return -ENXIO;
		to = off;
		break;
	case SEEK_HOLE:
		if (off < 0 || off >= size)
			return -ENXIO;
		to = size;
		break;
	default:
		return -EINVAL;
	}
	if (to < 0)
		return -EINVAL;
	f->pos = (uint64_t)to;
	return to;
}
