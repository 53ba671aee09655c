/* SPDX-License-Identifier: Apache-2.0 */
/* Record locks (fcntl), private to kernel/vfs/. */
#ifndef NACRE_KERNEL_VFS_LOCKS_H
#define NACRE_KERNEL_VFS_LOCKS_H

#include "kernel/vfs/vfs.h"

/* F_GETLK: *l becomes the first conflicting lock or F_UNLCK. */
int locks_get(struct file *f, struct linux_flock *l, bool ofd);
int locks_set(struct file *f, const struct linux_flock *l, bool ofd, bool wait);

#endif
