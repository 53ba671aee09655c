/* SPDX-License-Identifier: Apache-2.0 */
/* Record locks (fcntl), private to kernel/vfs/. */
#ifndef NACRE_KERNEL_VFS_LOCKS_H
#define NACRE_KERNEL_VFS_LOCKS_H

#include "kernel/vfs/vfs.h"

struct flock_ctx {
	struct spinlock lock;
	struct list posix;              /* lock: by start; POSIX and OFD */
	struct list flock;              /* lock */
	struct list leases;             /* lock: lease.c */
	unsigned count;                 /* lock */
	unsigned lease_count;           /* lock to change it; atomic */
	bool dnotify;                   /* a directory that F_NOTIFY has named; atomic */
	struct waitq wait;
};
struct flock_ctx *flock_ctx_get(struct inode *i, bool make);    /* NULL: none, or no memory */

/* lease.c.  fd is for the signal.  A file that is opened, or cut: those that have a
 * lease are told, and waited for.  -EAGAIN (nonblock), -ERESTARTSYS. */
long lease_get(struct file *f);
int lease_set(struct file *f, int fd, uint64_t type);
void lease_release(struct flock_ctx *c, struct file *f);
int __must_check lease_break_slow(struct inode *i, bool write, bool nonblock);
static inline int __must_check lease_break(struct inode *i, bool write, bool nonblock)
{
	return likely(!__atomic_load_n(&i->flocks, __ATOMIC_ACQUIRE)) ? 0 : lease_break_slow(i, write, nonblock);
}
int dnotify_fcntl(struct file *f, int fd, uint32_t arg);

/* F_GETLK: *l becomes the first conflicting lock or F_UNLCK. */
int locks_get(struct file *f, struct linux_flock *l, bool ofd);
int locks_set(struct file *f, const struct linux_flock *l, bool ofd, bool wait);

#endif
