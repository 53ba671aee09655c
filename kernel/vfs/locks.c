/* SPDX-License-Identifier: Apache-2.0 */
/* File locks: POSIX record locks, open-file-description locks, flock(2).
 *
 * One context per inode, made by its first lock, holds a list of locks sorted
 * by start.  A POSIX lock belongs to a descriptor table, an OFD lock to an open
 * file; flock locks are whole-file locks of an open file in a list of their own
 * (the two kinds do not see each other, flock(2)).  Ranges are [start, end],
 * end inclusive.
 *
 * Whoever waits sleeps on the context and tries again when anything is
 * unlocked.  Deadlock among POSIX waiters is looked for at most DEADLOCK_DEPTH
 * steps far, fcntl(2) EDEADLK.
 *
 * Lock: flock_ctx.lock (spin) guards both lists; waiter_lock the table of POSIX
 * waiters.  New nodes are allocated before the lock is taken. */
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/internal.h"
#include "kernel/vfs/locks.h"

#define LOCKS_PER_INODE 65536u
#define DEADLOCK_DEPTH 10
#define END_MAX INT64_MAX

struct flk {
	struct list link;
	const void *owner;              /* struct files or struct file */
	bool ofd;
	int16_t type;                   /* F_RDLCK, F_WRLCK */
	int32_t pid;
	int64_t start, end;
};

/* POSIX waiters, for the deadlock search: who waits for whom. */
struct waiting { struct list link; const void *owner, *blocker; };
static struct spinlock waiter_lock = SPINLOCK_INIT;
static struct list waiters = LIST_INIT(waiters);

struct flock_ctx *flock_ctx_get(struct inode *i, bool make)
{
	struct flock_ctx *c = __atomic_load_n(&i->flocks, __ATOMIC_ACQUIRE), *none = NULL;

	if (c || !make)
		return c;
	c = kzalloc(sizeof(*c));
	if (!c)
		return NULL;
	list_init(&c->posix);
	list_init(&c->flock);
	list_init(&c->leases);
	waitq_init(&c->wait);
	if (!__atomic_compare_exchange_n(&i->flocks, &none, c, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		kfree(c);
		c = none;
	}
	return c;
}

void locks_free_inode(struct inode *i)
{
	struct flock_ctx *c = i->flocks;

	if (!c)
		return;
	while (!list_empty(&c->posix)) {
		struct flk *l = list_first(&c->posix, struct flk, link);

		list_del(&l->link);
		kfree(l);
	}
	kfree(c);
	i->flocks = NULL;
}

static bool same_owner(const struct flk *a, const struct flk *b)
{
	return a->owner == b->owner && a->ofd == b->ofd;
}

/* What keeps `want` out; of F_UNLCK what the same owner has there (F_OFD_GETLK). */
static struct flk *conflict_locked(struct flock_ctx *c, const struct flk *want)
{
	bool own = want->type == F_UNLCK;
	struct flk *l;

	list_for_each(l, &c->posix, link) {
		if (l->start > want->end || l->end < want->start || same_owner(l, want) != own)
			continue;
		if (own || l->type == F_WRLCK || want->type == F_WRLCK)
			return l;
	}
	return NULL;
}

/* Behind the last lock of want's owner, or of all. */
static struct list *own_end(struct flock_ctx *c, const struct flk *want)
{
	struct flk *l;
	bool own = false;

	list_for_each(l, &c->posix, link) {
		if (own && !same_owner(l, want))
			return &l->link;
		own |= same_owner(l, want);
	}
	return &c->posix;
}

/* Among its owner's, which end before `end`. */
static void insert_locked(struct flock_ctx *c, struct flk *n, struct list *end)
{
	for (; end->prev != &c->posix; end = end->prev) {
		struct flk *l = container_of(end->prev, struct flk, link);

		if (!same_owner(l, n) || l->start <= n->start)
			break;
	}
	list_insert_(&n->link, end->prev, end);
	c->count++;
}

static void remove_locked(struct flock_ctx *c, struct flk *l, struct list *gone)
{
	list_del(&l->link);
	list_push_back(gone, &l->link);
	c->count--;
}

/* Apply want (F_UNLCK too): own locks in its range give way or are split with
 * the spare; neighbours of the same type are joined.  *spare and *node are used
 * up (NULLed) as needed. */
static void apply_locked(struct flock_ctx *c, const struct flk *want, struct flk **node, struct flk **spare,
			 struct list *gone)
{
	struct flk *l, *tmp, *n = NULL;
	int64_t start = want->start, end = want->end;
	struct list *own = own_end(c, want);

	list_for_each_safe(l, tmp, &c->posix, link) {
		bool touches;

		if (!same_owner(l, want))
			continue;
		touches = want->type == l->type &&
			  ((l->end != END_MAX && l->end + 1 == start) || (end != END_MAX && end + 1 == l->start));
		if ((l->end < start || l->start > end) && !touches)
			continue;
		if (want->type == l->type) {
			start = MIN(start, l->start);
			end = MAX(end, l->end);
			remove_locked(c, l, gone);
			continue;
		}
		if (l->start < want->start && l->end > want->end) {
			struct flk *right = *spare;

			*spare = NULL;
			*right = *l;
			right->start = want->end + 1;
			l->end = want->start - 1;
			insert_locked(c, right, own);
			break;
		}
		if (l->start < want->start) {
			l->end = want->start - 1;
		} else if (l->end > want->end) {
			list_del(&l->link);
			c->count--;
			l->start = want->end + 1;
			insert_locked(c, l, own);
		} else {
			remove_locked(c, l, gone);
		}
	}
	if (want->type == F_UNLCK)
		return;
	n = *node;
	*node = NULL;
	*n = *want;
	n->start = start;
	n->end = end;
	insert_locked(c, n, own);
}

static void free_list(struct list *gone)
{
	while (!list_empty(gone)) {
		struct flk *l = list_first(gone, struct flk, link);

		list_del(&l->link);
		kfree(l);
	}
}

/* Would waiting for blocker close a circle?  waiter_lock held. */
static bool deadlock_locked(const void *owner, const void *blocker)
{
	for (unsigned depth = 0; depth < DEADLOCK_DEPTH; depth++) {
		struct waiting *w;
		const void *next = NULL;

		if (blocker == owner)
			return true;
		list_for_each(w, &waiters, link)
			if (w->owner == blocker) {
				next = w->blocker;
				break;
			}
		if (!next)
			return false;
		blocker = next;
	}
	return false;
}

static int range_of(struct file *f, const struct linux_flock *l, struct flk *ret)
{
	int64_t base = 0, start, end;

	switch (l->whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		base = (int64_t)f->pos;
		break;
	case SEEK_END: {
		struct kstat k;
		int err = inode_getattr(f->inode, &k);

		if (err)
			return err;
		base = (int64_t)k.size;
		break;
	}
	default:
		return -EINVAL;
	}
	if (add_overflows(base, l->start, &start))
		return -EOVERFLOW;
	if (l->len > 0) {
		if (add_overflows(start, l->len - 1, &end))
			return -EOVERFLOW;
	} else if (l->len < 0) {
		end = start - 1;
		start += l->len;
	} else {
		end = END_MAX;
	}
	if (start < 0 || end < start)
		return -EINVAL;
	ret->start = start;
	ret->end = end;
	return 0;
}

static int want_of(struct file *f, const struct linux_flock *l, bool ofd, struct flk *w)
{
	struct task *t = current_task();
	int err;

	*w = (struct flk){
		.owner = ofd ? (const void *)f : (const void *)t->files,
		.ofd = ofd, .type = l->type, .pid = ofd ? -1 : t->tg->tgid,
	};
	err = range_of(f, l, w);
	if (!err && l->type != F_RDLCK && l->type != F_WRLCK && l->type != F_UNLCK)
		err = -EINVAL;
	return err;
}

int locks_get(struct file *f, struct linux_flock *l, bool ofd)
{
	struct flock_ctx *c = flock_ctx_get(f->inode, false);
	struct flk want, *hit;
	int err;

	if (!ofd && l->type != F_RDLCK && l->type != F_WRLCK)
		return -EINVAL;
	err = want_of(f, l, ofd, &want);
	if (err)
		return err;
	if (ofd && l->pid)
		return -EINVAL;
	l->type = F_UNLCK;
	if (!c)
		return 0;
	spin_lock(&c->lock);
	hit = conflict_locked(c, &want);
	if (hit)
		*l = (struct linux_flock){
			.type = hit->type, .whence = SEEK_SET, .start = hit->start,
			.len = hit->end == END_MAX ? 0 : hit->end - hit->start + 1, .pid = hit->pid,
		};
	spin_unlock(&c->lock);
	return 0;
}

/* One try: 0, -EAGAIN with the blocker's owner in *ret_blocker. */
static int try_set(struct flock_ctx *c, const struct flk *want, const void **ret_blocker)
{
	struct flk *node = kzalloc(sizeof(*node)), *spare = kzalloc(sizeof(*spare)), *hit = NULL;
	struct list gone = LIST_INIT(gone);
	int err = 0;

	if (!node || !spare) {
		kfree(node);
		kfree(spare);
		return -ENOLCK;
	}
	spin_lock(&c->lock);
	if (want->type != F_UNLCK)
		hit = conflict_locked(c, want);
	if (hit) {
		*ret_blocker = hit->ofd ? NULL : hit->owner;
		err = -EAGAIN;
	} else if (want->type != F_UNLCK && c->count >= LOCKS_PER_INODE) {
		err = -ENOLCK;
	} else {
		apply_locked(c, want, &node, &spare, &gone);
	}
	spin_unlock(&c->lock);
	kfree(node);
	kfree(spare);
	free_list(&gone);
	/* A lock may also have become weaker. */
	if (!err)
		waitq_wake_all(&c->wait, 0);
	return err;
}

int locks_set(struct file *f, const struct linux_flock *l, bool ofd, bool wait)
{
	struct flock_ctx *c;
	struct flk want;
	struct waiting me;
	const void *blocker = NULL;
	struct waiter w;
	int err = want_of(f, l, ofd, &want);

	if (err)
		return err;
	if ((l->type == F_RDLCK && !(f->mode & FMODE_READ)) || (l->type == F_WRLCK && !(f->mode & FMODE_WRITE)))
		return -EBADF;
	if (ofd && l->pid)
		return -EINVAL;
	c = flock_ctx_get(f->inode, want.type != F_UNLCK);
	if (!c)
		return want.type == F_UNLCK ? 0 : -ENOLCK;
	/* Closes release it from now on, and not later than they return. */
	files_posts_end(current_task()->files, false);
	err = try_set(c, &want, &blocker);
	if (err != -EAGAIN || !wait)
		return err;
	me.owner = want.owner;
	list_init(&me.link);
	waiter_init(&w);
	waitq_add(&c->wait, &w);
	for (;;) {
		sched_prepare(TASK_INTERRUPTIBLE);
		err = try_set(c, &want, &blocker);
		if (err != -EAGAIN)
			break;
		spin_lock(&waiter_lock);
		list_del(&me.link);
		me.blocker = blocker;
		if (!ofd && blocker && deadlock_locked(me.owner, blocker))
			err = -EDEADLK;
		else if (!ofd && blocker)
			list_push_back(&waiters, &me.link);
		spin_unlock(&waiter_lock);
		if (err == -EDEADLK)
			break;
		err = sched_block(NO_DEADLINE);
		if (err) {
			err = -ERESTARTSYS;
			break;
		}
	}
	sched_finish();
	waitq_del(&w);
	spin_lock(&waiter_lock);
	list_del(&me.link);
	spin_unlock(&waiter_lock);
	return err;
}

static void release_owner(struct flock_ctx *c, const void *owner, bool ofd)
{
	struct list gone = LIST_INIT(gone);
	struct flk *l, *tmp;

	spin_lock(&c->lock);
	list_for_each_safe(l, tmp, &c->posix, link)
		if (l->owner == owner && l->ofd == ofd)
			remove_locked(c, l, &gone);
	if (ofd) {
		list_for_each_safe(l, tmp, &c->flock, link)
			if (l->owner == owner)
				remove_locked(c, l, &gone);
	}
	spin_unlock(&c->lock);
	if (!list_empty(&gone)) {
		free_list(&gone);
		waitq_wake_all(&c->wait, 0);
	}
}

void locks_release_posix(struct file *f, struct files *owner)
{
	struct flock_ctx *c = flock_ctx_get(f->inode, false);

	if (c)
		release_owner(c, owner, false);
	if (c && __atomic_load_n(&c->dnotify, __ATOMIC_ACQUIRE))
		dnotify_close(f, owner);
}

/* F_NOTIFY ends with the descriptor: where there is a lock context, closes look. */
int dnotify_fcntl(struct file *f, int fd, uint32_t arg)
{
	struct flock_ctx *c = flock_ctx_get(f->inode, true);

	if (!c)
		return -ENOMEM;
	__atomic_store_n(&c->dnotify, true, __ATOMIC_RELEASE);
	files_posts_end(current_task()->files, false);
	return dnotify_set(f, fd, arg);
}

void locks_release_file(struct file *f)
{
	struct flock_ctx *c = f->inode ? flock_ctx_get(f->inode, false) : NULL;

	if (!c)
		return;
	release_owner(c, f, true);
	lease_release(c, f);
	if (__atomic_load_n(&c->dnotify, __ATOMIC_ACQUIRE))
		dnotify_close(f, NULL);
}

/* ---- flock ---- */

static int try_flock(struct flock_ctx *c, struct file *f, int16_t type)
{
	struct flk *n = type == F_UNLCK ? NULL : kzalloc(sizeof(*n)), *l, *tmp;
	struct list gone = LIST_INIT(gone);
	int err = 0;

	if (type != F_UNLCK && !n)
		return -ENOLCK;
	spin_lock(&c->lock);
	list_for_each_safe(l, tmp, &c->flock, link) {
		if (l->owner == f) {
			/* A conversion gives the old one up first, flock(2). */
			remove_locked(c, l, &gone);
		} else if (type == F_WRLCK || (type == F_RDLCK && l->type == F_WRLCK)) {
			err = -EAGAIN;
		}
	}
	if (!err && n) {
		n->owner = f;
		n->type = type;
		n->ofd = true;
		list_push_back(&c->flock, &n->link);
		c->count++;
		n = NULL;
	}
	spin_unlock(&c->lock);
	kfree(n);
	if (!list_empty(&gone)) {
		free_list(&gone);
		waitq_wake_all(&c->wait, 0);
	}
	return err;
}

SYSCALL2(flock, int, fd, int, op)
{
	struct file *f;
	struct flock_ctx *c;
	int16_t type;
	int err;

	if (op & LOCK_MAND)
		return 0;               /* Linux has forgotten what these were, but says yes */
	switch (op & ~LOCK_NB) {
	case LOCK_SH: type = F_RDLCK; break;
	case LOCK_EX: type = F_WRLCK; break;
	case LOCK_UN: type = F_UNLCK; break;
	default: return -EINVAL;
	}
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	c = flock_ctx_get(f->inode, true);
	if (!c) {
		file_put(f);
		return -ENOLCK;
	}
	files_posts_end(current_task()->files, false);
	err = try_flock(c, f, type);
	if (err == -EAGAIN && !(op & LOCK_NB)) {
		err = wait_event_interruptible(&c->wait, (err = try_flock(c, f, type)) != -EAGAIN) ? -ERESTARTSYS : err;
	}
	file_put(f);
	return err;
}
