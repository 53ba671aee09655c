/* SPDX-License-Identifier: Apache-2.0 */
/* F_NOTIFY of fcntl(2): signals about the entries of an open directory.
 *
 * Each is a watch among those of inotify, which finds the events; it ends when
 * its process closes the directory, and by its first event without DN_MULTISHOT.
 * An event comes under notify_lock, where no signal can be sent: a timer that
 * is due at once does, as for O_ASYNC.
 *
 * Lock: dnotify_lock (mutex) guards the list; the watch and the mask are
 * notify_lock's, in inotify.c. */
#include "kernel/ipc/ipc.h"
#include "kernel/ipc/notify.h"
#include "kernel/task/task.h"
#include <linux_abi/inotify.h>

#define MARKS_MAX 65536u

static struct mutex dnotify_lock;
static struct list marks = LIST_INIT(marks);    /* dnotify_lock */
static unsigned mark_count;                     /* dnotify_lock */

void dnotify_init(void) { mutex_init(&dnotify_lock); }

static void tell(struct ktimer *timer)
{
	struct dnotify *dn = container_of(timer, struct dnotify, timer);

	sigio_message(dn->f, dn->fd);
}

bool dnotify_event(struct dnotify *dn)
{
	ktimer_set(&dn->timer, 0);
	return !dn->again;
}

static uint32_t mask_of(uint32_t arg)
{
	static const uint32_t map[][2] = {
		{ DN_ACCESS, IN_ACCESS }, { DN_MODIFY, IN_MODIFY }, { DN_CREATE, IN_CREATE | IN_MOVED_TO },
		{ DN_DELETE, IN_DELETE | IN_MOVED_FROM }, { DN_RENAME, IN_MOVED_FROM }, { DN_ATTRIB, IN_ATTRIB },
	};
	uint32_t mask = 0;

	for (unsigned k = 0; k < ARRAY_SIZE(map); k++)
		if (arg & map[k][0])
			mask |= map[k][1];
	return mask;
}

static void drop(struct dnotify *dn)
{
	list_del(&dn->link);
	mark_count--;
	notify_dn_remove(dn);
	ktimer_cancel(&dn->timer);
	kfree(dn);
}

void dnotify_close(struct file *f, struct files *owner)
{
	struct dnotify *dn, *tmp;

	mutex_lock(&dnotify_lock);
	list_for_each_safe(dn, tmp, &marks, link)
		if (dn->f == f && (!owner || dn->owner == owner))
			drop(dn);
	mutex_unlock(&dnotify_lock);
}

static int add(struct file *f, int fd, uint32_t arg)
{
	struct files *owner = current_task()->files;
	struct dnotify *dn = NULL, *o;
	int err;

	list_for_each(o, &marks, link)
		if (o->f == f && o->owner == owner)
			dn = o;
	if (!dn) {
		if (mark_count >= MARKS_MAX)
			return -ENOSPC;
		dn = kzalloc(sizeof(*dn));
		if (!dn)
			return -ENOMEM;
		dn->f = f;
		dn->owner = owner;
		ktimer_init(&dn->timer, tell);
		list_push_back(&marks, &dn->link);
		mark_count++;
	}
	dn->fd = fd;
	err = notify_dn_add(dn, &f->path, mask_of(arg), arg & DN_MULTISHOT);
	if (err && !dn->watch)
		drop(dn);
	return err;
}

int dnotify_set(struct file *f, int fd, uint32_t arg)
{
	int err;

	if (!(arg & ~DN_MULTISHOT)) {
		dnotify_close(f, current_task()->files);
		return 0;
	}
	if (!S_ISDIR(inode_mode(f->inode)))
		return -ENOTDIR;
	mutex_lock(&dnotify_lock);
	err = add(f, fd, arg);
	mutex_unlock(&dnotify_lock);
	if (!err)
		file_own_unowned(f);
	return err;
}
