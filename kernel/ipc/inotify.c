/* SPDX-License-Identifier: Apache-2.0 */
/* inotify(7).
 *
 * A watch hangs on its inode and on its instance; it holds the path, so the
 * inode, its directory entry and the mount stay.  Both lists are under
 * notify_lock; an instance's event queue is under its own lock.  Nothing is
 * looked at while no watch exists anywhere: the hooks in read and write cost
 * one load.
 *
 * Trust: watches are bounded in all, events per instance (then one
 * IN_Q_OVERFLOW stands for the rest). */
#include "kernel/ipc/ipc.h"
#include "kernel/ipc/notify.h"
#include "kernel/syscall/syscall.h"
#include <linux_abi/inotify.h>
#include <linux_abi/ioctl.h>

#define WATCHES_MAX 131072u
#define EVENTS_MAX 16384u
#define NAME_UNIT 16u                   /* names are padded to the record's size */
#define MASK_KNOWN (IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ISDIR | IN_ONLYDIR | \
		    IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_CREATE | IN_MASK_ADD | IN_ONESHOT)

struct event { struct list link; struct linux_inotify_event e; char name[]; };

struct inotify {
	struct spinlock lock;
	struct list events;             /* lock */
	unsigned count;                 /* lock */
	uint64_t bytes;                 /* lock: for FIONREAD */
	bool overflowed;                /* lock: the record is in the queue */
	struct waitq wq;
	struct list watches;            /* notify_lock */
	int32_t next_wd;                /* notify_lock */
};

struct watch {
	struct list inode_link, inst_link;      /* notify_lock */
	struct inotify *inst;           /* or, of dnotify.c: */
	struct dnotify *dn;
	struct path path;               /* counted */
	struct inode *inode;            /* of the path */
	int32_t wd;
	uint32_t mask;                  /* notify_lock */
};

static struct spinlock notify_lock = SPINLOCK_INIT;
static uint32_t watch_count;            /* atomic */

static bool nobody_watches(void) { return !__atomic_load_n(&watch_count, __ATOMIC_RELAXED); }
bool notify_watches_any(void) { return !nobody_watches(); }

/* ---- the queue ---- */

static struct event *event_new(int32_t wd, uint32_t mask, uint32_t cookie, const char *name, size_t n)
{
	size_t padded = name ? align_up(n + 1, NAME_UNIT) : 0;
	struct event *ev = kmalloc(sizeof *ev + padded);

	if (!ev)
		return NULL;
	ev->e = (struct linux_inotify_event){ wd, mask, cookie, (uint32_t)padded };
	if (padded) {
		memset(ev->name, 0, padded);
		memcpy(ev->name, name, n);
	}
	return ev;
}

static bool same(const struct event *a, const struct event *b)
{
	return a->e.wd == b->e.wd && a->e.mask == b->e.mask && a->e.cookie == b->e.cookie &&
	       a->e.len == b->e.len && !memcmp(a->name, b->name, a->e.len);
}

static void queue_event(struct inotify *in, int32_t wd, uint32_t mask, uint32_t cookie,
			const char *name, size_t n)
{
	struct event *ev;

	spin_lock(&in->lock);
	if (in->overflowed) {
		spin_unlock(&in->lock);
		return;
	}
	if (in->count >= EVENTS_MAX) {
		in->overflowed = true;
		ev = event_new(-1, IN_Q_OVERFLOW, 0, NULL, 0);
	} else {
		ev = event_new(wd, mask, cookie, name, n);
	}
	/* What repeats the newest waiting event is one event. */
	if (ev && !list_empty(&in->events) && same(ev, list_last(&in->events, struct event, link))) {
		kfree(ev);
		ev = NULL;
	}
	if (ev) {
		list_push_back(&in->events, &ev->link);
		in->count++;
		in->bytes += sizeof ev->e + ev->e.len;
	}
	spin_unlock(&in->lock);
	if (ev)
		waitq_wake(&in->wq, 1, POLL_IN_KEYS);
}

/* ---- watches ---- */

/* notify_lock held.  The caller frees after unlocking. */
static void unlink_watch(struct watch *w, struct list *dead)
{
	list_del(&w->inode_link);
	list_del(&w->inst_link);
	if (w->dn)
		w->dn->watch = NULL;
	list_push_back(dead, &w->inst_link);
	__atomic_fetch_sub(&watch_count, 1, __ATOMIC_RELAXED);
}

static void free_dead(struct list *dead)
{
	struct watch *w, *tmp;

	list_for_each_safe(w, tmp, dead, inst_link) {
		list_del(&w->inst_link);
		path_put(&w->path);
		kfree(w);
	}
}

/* unlinked: of a directory entry that is no more. */
static void notify(struct inode *i, uint32_t mask, uint32_t cookie, const char *name, size_t n, bool unlinked)
{
	uint32_t what = mask & IN_ALL_EVENTS;
	struct watch *w, *tmp;
	struct list dead;

	list_init(&dead);
	spin_lock(&notify_lock);
	list_for_each_safe(w, tmp, &i->notify, inode_link) {
		struct inotify *in = w->inst;

		if (!(w->mask & what) || (unlinked && (w->mask & IN_EXCL_UNLINK)))
			continue;
		if (w->dn) {            /* of entries, and the directory's attributes */
			if ((name || (what & IN_ATTRIB)) && dnotify_event(w->dn))
				unlink_watch(w, &dead);
			continue;
		}
		queue_event(in, w->wd, mask, cookie, name, n);
		if (w->mask & IN_ONESHOT) {
			queue_event(in, w->wd, IN_IGNORED, 0, NULL, 0);
			unlink_watch(w, &dead);
		}
	}
	spin_unlock(&notify_lock);
	free_dead(&dead);
}

void notify_inode(struct inode *i, uint32_t mask, uint32_t cookie)
{
	if (nobody_watches() || list_empty(&i->notify))
		return;
	if (S_ISDIR(i->mode) && mask & (IN_OPEN | IN_ACCESS | IN_ATTRIB | IN_CLOSE_NOWRITE))
		mask |= IN_ISDIR;
	notify(i, mask, cookie, NULL, 0, false);
}

void notify_child(struct inode *dir, const char *name, size_t n, uint32_t mask, uint32_t cookie)
{
	if (nobody_watches() || list_empty(&dir->notify))
		return;
	notify(dir, mask, cookie, name, n, false);
}

/* The object itself and the directory that it was found in. */
void notify_path(const struct path *p, uint32_t mask)
{
	struct dentry *d = p->dentry, *parent;
	struct inode *i = d ? d->inode : NULL;
	char name[NAME_MAX + 1];
	size_t n;

	if (nobody_watches() || !i)
		return;
	parent = dentry_parent_name(d, name, &n);
	if (parent && parent->inode && !list_empty(&parent->inode->notify))
		notify(parent->inode, mask | (S_ISDIR(i->mode) ? IN_ISDIR : 0), 0, name, n,
		       __atomic_load_n(&d->unhashed, __ATOMIC_RELAXED));
	notify_inode(i, mask, 0);
	if (parent)
		dentry_put(parent);
}

void notify_inode_gone(struct inode *i)
{
	struct watch *w, *tmp;
	struct list dead;

	if (nobody_watches() || list_empty(&i->notify))
		return;
	list_init(&dead);
	spin_lock(&notify_lock);
	list_for_each_safe(w, tmp, &i->notify, inode_link) {
		if (w->dn) {
			unlink_watch(w, &dead);
			continue;
		}
		if (w->mask & IN_DELETE_SELF)
			queue_event(w->inst, w->wd, IN_DELETE_SELF, 0, NULL, 0);
		queue_event(w->inst, w->wd, IN_IGNORED, 0, NULL, 0);
		unlink_watch(w, &dead);
	}
	spin_unlock(&notify_lock);
	free_dead(&dead);
}

/* Nobody has it open: who does ends it by closing it last (file_put()). */
void notify_inode_unlinked(struct inode *i)
{
	if (!__atomic_load_n(&i->readers, __ATOMIC_SEQ_CST) && !__atomic_load_n(&i->deny_write, __ATOMIC_SEQ_CST))
		notify_inode_gone(i);
}

/* ---- for dnotify.c ---- */

int notify_dn_add(struct dnotify *dn, const struct path *path, uint32_t mask, bool again)
{
	struct watch *w = kzalloc(sizeof *w);
	int err = 0;

	if (!w)
		return -ENOMEM;
	spin_lock(&notify_lock);
	if (dn->watch) {
		dn->watch->mask |= mask;
		dn->again |= again;
	} else if (__atomic_load_n(&watch_count, __ATOMIC_RELAXED) > WATCHES_MAX) {
		err = -ENOSPC;
	} else {
		*w = (struct watch){ .dn = dn, .inode = path->dentry->inode, .path = *path, .mask = mask };
		path_get(&w->path);
		list_init(&w->inst_link);
		list_push_back(&w->inode->notify, &w->inode_link);
		__atomic_fetch_add(&watch_count, 1, __ATOMIC_SEQ_CST);
		dn->watch = w;
		dn->again = again;
		w = NULL;
	}
	spin_unlock(&notify_lock);
	kfree(w);
	if (!err)
		closes_settle();
	return err;
}

void notify_dn_remove(struct dnotify *dn)
{
	struct list dead;

	list_init(&dead);
	spin_lock(&notify_lock);
	if (dn->watch)
		unlink_watch(dn->watch, &dead);
	spin_unlock(&notify_lock);
	free_dead(&dead);
}

/* ---- the descriptor ---- */

static struct event *take(struct inotify *in, size_t room, bool *too_small)
{
	struct event *ev = NULL;

	*too_small = false;
	spin_lock(&in->lock);
	if (!list_empty(&in->events)) {
		ev = list_first(&in->events, struct event, link);
		if (sizeof ev->e + ev->e.len > room) {
			*too_small = true;
			ev = NULL;
		} else {
			list_del(&ev->link);
			in->count--;
			in->bytes -= sizeof ev->e + ev->e.len;
			if (ev->e.mask == IN_Q_OVERFLOW)
				in->overflowed = false;
		}
	}
	spin_unlock(&in->lock);
	return ev;
}

static bool has_events(struct inotify *in) { return __atomic_load_n(&in->count, __ATOMIC_SEQ_CST) != 0; }

static long inotify_read(struct file *f, struct iter *to, uint64_t *pos)
{
	struct inotify *in = f->priv;
	struct event *ev;
	bool small;
	long done = 0;

	(void)pos;
	for (;;) {
		ev = take(in, to->left, &small);
		if (ev) {
			size_t n = sizeof ev->e + ev->e.len, got;

			got = iter_copy_out(to, &ev->e, sizeof ev->e);
			got += iter_copy_out(to, ev->name, ev->e.len);
			kfree(ev);
			if (got != n)
				return done ? done : -EFAULT;
			done += (long)n;
			continue;
		}
		if (done)
			return done;
		if (small)
			return -EINVAL;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(&in->wq, has_events(in)))
			return -ERESTARTSYS;
	}
}

static uint32_t inotify_poll(struct file *f, struct poll_table *pt)
{
	struct inotify *in = f->priv;

	poll_wait(pt, &in->wq);
	return has_events(in) ? POLL_IN_KEYS : 0;
}

static long inotify_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct inotify *in = f->priv;
	int32_t n;

	if (cmd != FIONREAD)
		return -ENOTTY;
	n = (int32_t)in->bytes;
	return copy_out((uaddr){ arg }, &n, sizeof n);
}

static void inotify_release(struct file *f)
{
	struct inotify *in = f->priv;
	struct event *ev, *etmp;
	struct watch *w, *tmp;
	struct list dead;

	list_init(&dead);
	spin_lock(&notify_lock);
	list_for_each_safe(w, tmp, &in->watches, inst_link)
		unlink_watch(w, &dead);
	spin_unlock(&notify_lock);
	free_dead(&dead);
	list_for_each_safe(ev, etmp, &in->events, link)
		kfree(ev);
	kfree(in);
}

static const struct file_ops inotify_fops = {
	.lseek = noop_lseek,
	.read = inotify_read,
	.poll = inotify_poll,
	.ioctl = inotify_ioctl,
	.release = inotify_release,
	.type_name = "anon_inode:inotify",
};

bool inotify_is(const struct file *f) { return f->ops == &inotify_fops; }

static long inotify_make(int flags)
{
	struct inotify *in;

	if (flags & ~(int)(IN_NONBLOCK | IN_CLOEXEC))
		return -EINVAL;
	in = kzalloc(sizeof *in);
	if (!in)
		return -ENOMEM;
	list_init(&in->events);
	list_init(&in->watches);
	waitq_init(&in->wq);
	in->next_wd = 1;
	return ipc_new_fd(&inotify_fops, in, kfree, O_RDONLY | (flags & IN_NONBLOCK), flags & IN_CLOEXEC);
}

SYSCALL0(inotify_init) { return inotify_make(0); }
SYSCALL1(inotify_init1, int, flags) { return inotify_make(flags); }

static struct file *inotify_get_file(int fd, int *err)
{
	struct file *f = fd_get(fd);

	*err = 0;
	if (!f) {
		*err = -EBADF;
	} else if (f->ops != &inotify_fops) {
		*err = -EINVAL;
		file_put(f);
		f = NULL;
	}
	return f;
}

/* Consumes the path. */
static long add_watch(struct inotify *in, struct path *p, uint32_t mask)
{
	struct inode *i = p->dentry->inode;
	struct watch *fresh = kzalloc(sizeof *fresh), *w;
	long ret = -ENOMEM;

	if (!fresh)
		goto out;
	spin_lock(&notify_lock);
	list_for_each(w, &i->notify, inode_link)
		if (w->inst == in) {
			ret = mask & IN_MASK_CREATE ? -EEXIST : w->wd;
			if (ret >= 0)
				w->mask = mask & IN_MASK_ADD ? w->mask | mask : mask;
			goto unlock;
		}
	if (__atomic_load_n(&watch_count, __ATOMIC_RELAXED) > WATCHES_MAX || in->next_wd == INT32_MAX) {
		ret = -ENOSPC;
		goto unlock;
	}
	__atomic_fetch_add(&watch_count, 1, __ATOMIC_RELAXED);
	fresh->inst = in;
	fresh->inode = i;
	fresh->path = *p;
	fresh->mask = mask;
	fresh->wd = in->next_wd++;
	ret = fresh->wd;
	list_push_back(&i->notify, &fresh->inode_link);
	list_push_back(&in->watches, &fresh->inst_link);
	fresh = NULL;
	*p = (struct path){ 0 };
unlock:
	spin_unlock(&notify_lock);
out:
	kfree(fresh);
	if (p->dentry)
		path_put(p);
	return ret;
}

/* What was closed before is not watched, what is closed from now on is. */
static long add_watch_settled(struct inotify *in, struct path *p, uint32_t mask)
{
	long ret;

	__atomic_fetch_add(&watch_count, 1, __ATOMIC_SEQ_CST);
	closes_settle();
	ret = add_watch(in, p, mask);
	__atomic_fetch_sub(&watch_count, 1, __ATOMIC_RELAXED);
	return ret;
}

SYSCALL3(inotify_add_watch, int, fd, ustr, name, uint32_t, mask)
{
	struct path p;
	struct file *f;
	long ret;
	int err;

	if (mask & ~MASK_KNOWN || !mask)
		return -EINVAL;
	if ((mask & IN_MASK_ADD) && (mask & IN_MASK_CREATE))
		return -EINVAL;
	f = inotify_get_file(fd, &err);
	if (!f)
		return err;
	ret = path_lookup_user(AT_FDCWD, name, (mask & IN_DONT_FOLLOW ? 0 : LOOKUP_FOLLOW) |
			       (mask & IN_ONLYDIR ? LOOKUP_DIRECTORY : 0), &p);
	if (ret)
		goto out;
	ret = path_permission(&p, MAY_READ);
	if (ret)
		path_put(&p);
	else
		ret = add_watch_settled(f->priv, &p, mask);
out:
	file_put(f);
	return ret;
}

SYSCALL2(inotify_rm_watch, int, fd, int, wd)
{
	struct inotify *in;
	struct watch *w, *tmp;
	struct list dead;
	struct file *f;
	int err;

	f = inotify_get_file(fd, &err);
	if (!f)
		return err;
	in = f->priv;
	list_init(&dead);
	err = -EINVAL;
	spin_lock(&notify_lock);
	list_for_each_safe(w, tmp, &in->watches, inst_link)
		if (w->wd == wd) {
			unlink_watch(w, &dead);
			err = 0;
			break;
		}
	spin_unlock(&notify_lock);
	if (!err)
		queue_event(in, wd, IN_IGNORED, 0, NULL, 0);
	free_dead(&dead);
	file_put(f);
	return err;
}
