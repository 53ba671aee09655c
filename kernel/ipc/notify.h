/* SPDX-License-Identifier: Apache-2.0 */
/* notify.h: between inotify.c, which finds events, and dnotify.c. */
#ifndef NACRE_KERNEL_IPC_NOTIFY_H
#define NACRE_KERNEL_IPC_NOTIFY_H

#include "kernel/vfs/vfs.h"

struct watch;
struct dnotify {
	struct list link;               /* dnotify_lock */
	struct file *f;                 /* not counted: its closing ends this */
	struct files *owner;
	int fd;
	bool again;                     /* notify_lock: DN_MULTISHOT */
	struct ktimer timer;
	struct watch *watch;            /* notify_lock; NULL: has had its event */
};

/* notify_lock is held.  True: that was its only event. */
bool dnotify_event(struct dnotify *dn);
/* Watch path's entries, for these events too.  -ENOMEM, -ENOSPC. */
int __must_check notify_dn_add(struct dnotify *dn, const struct path *path, uint32_t mask, bool again);
void notify_dn_remove(struct dnotify *dn);

#endif
