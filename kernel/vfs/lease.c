/* SPDX-License-Identifier: Apache-2.0 */
/* Leases: F_SETLEASE of fcntl(2).
 *
 * Who holds one is told by a signal when another open(2) or truncate(2) is in
 * its way; the other waits until the lease is given up or weakened, at most
 * lease-break-time, or is told EWOULDBLOCK.
 *
 * A lease belongs to an open file and hangs on the inode's lock context; file_put()
 * takes it away.  An opener is counted (file.c) before it looks for leases, a
 * lease is on the list before the openers are counted: one of them sees the other.
 *
 * Lock: flock_ctx.lock. */
#include "kernel/vfs/internal.h"
#include "kernel/vfs/locks.h"

#define LEASES_PER_INODE 4096u

struct lease {
	struct list link;
	struct file *f;                 /* not counted: it ends before the file does */
	int fd;
	int16_t type;                   /* F_RDLCK, F_WRLCK */
	bool ending, weakening;         /* asked to become F_UNLCK, F_RDLCK */
	bool to_tell;                   /* the signal is not sent yet */
	uint64_t end_ns;                /* when it is taken; NO_DEADLINE: never */
};

static uint32_t break_time_s = 45;      /* atomic */

uint32_t lease_break_time(void) { return __atomic_load_n(&break_time_s, __ATOMIC_RELAXED); }
void lease_break_time_set(uint32_t s) { __atomic_store_n(&break_time_s, s, __ATOMIC_RELAXED); }

static struct lease *lease_of(struct flock_ctx *c, const struct file *f)
{
	struct lease *l;

	list_for_each(l, &c->leases, link)
		if (l->f == f)
			return l;
	return NULL;
}

static void count_leases(struct flock_ctx *c, int by)
{
	__atomic_store_n(&c->lease_count, c->lease_count + by, __ATOMIC_SEQ_CST);
}

static void take_away(struct flock_ctx *c, struct lease *l)
{
	list_del(&l->link);
	count_leases(c, -1);
}

static int16_t target(const struct lease *l)
{
	return l->ending ? F_UNLCK : l->weakening ? F_RDLCK : l->type;
}

/* What was to be given up by now is. */
static void expire(struct flock_ctx *c, struct list *gone)
{
	uint64_t now = plat_time_mono_ns();
	struct lease *l, *tmp;

	list_for_each_safe(l, tmp, &c->leases, link) {
		if (!(l->ending || l->weakening) || now < l->end_ns)
			continue;
		if (l->ending) {
			take_away(c, l);
			list_push_back(gone, &l->link);
		} else {
			l->type = F_RDLCK;
			l->weakening = false;
		}
	}
}

static void free_leases(struct list *gone)
{
	struct lease *l, *tmp;

	list_for_each_safe(l, tmp, gone, link)
		kfree(l);
}

long lease_get(struct file *f)
{
	struct flock_ctx *c = flock_ctx_get(f->inode, false);
	struct list gone = LIST_INIT(gone);
	struct lease *l;
	long type = F_UNLCK;

	if (!c)
		return type;
	spin_lock(&c->lock);
	expire(c, &gone);
	l = lease_of(c, f);
	if (l)
		type = target(l);
	spin_unlock(&c->lock);
	free_leases(&gone);
	return type;
}

/* Whom has the inode open in a way that the lease excludes? */
static bool others_open(struct file *f, int16_t type)
{
	int32_t writers = -MIN(__atomic_load_n(&f->inode->deny_write, __ATOMIC_SEQ_CST), 0);
	uint32_t readers = __atomic_load_n(&f->inode->readers, __ATOMIC_SEQ_CST);

	if (type == F_RDLCK)
		return writers;
	return writers != !!(f->mode & FMODE_WRITE) || readers != !!(f->mode & FMODE_READER);
}

static int lease_add(struct file *f, int fd, int16_t type)
{
	struct flock_ctx *c = flock_ctx_get(f->inode, true);
	struct lease *fresh = kzalloc(sizeof(*fresh)), *l, *mine, *spare = fresh;
	struct list gone = LIST_INIT(gone);
	int err = 0;

	if (!c || !fresh) {
		kfree(fresh);
		return -ENOMEM;
	}
	files_posts_end(current_task()->files, false);
	closes_settle();
	spin_lock(&c->lock);
	expire(c, &gone);
	mine = lease_of(c, f);
	list_for_each(l, &c->leases, link)
		if (l != mine && (type == F_WRLCK || l->ending))
			err = -EAGAIN;
	if (!mine && c->lease_count >= LEASES_PER_INODE)
		err = -ENOLCK;
	if (!err && !mine) {
		*fresh = (struct lease){ .f = f, .fd = fd, .type = type };
		list_push_back(&c->leases, &fresh->link);
		count_leases(c, 1);
		spare = NULL;
	}
	if (!err && others_open(f, type)) {
		err = -EAGAIN;
		if (!mine) {
			take_away(c, fresh);
			spare = fresh;
		}
	}
	if (!err && mine) {
		mine->type = type;
		mine->ending = mine->weakening = mine->to_tell = false;
	}
	spin_unlock(&c->lock);
	kfree(spare);
	free_leases(&gone);
	waitq_wake_all(&c->wait, 0);
	if (!err)
		file_own_unowned(f);
	return err;
}

static int lease_drop(struct file *f)
{
	struct flock_ctx *c = flock_ctx_get(f->inode, false);
	struct lease *l;

	if (!c)
		return -EAGAIN;
	spin_lock(&c->lock);
	l = lease_of(c, f);
	if (l)
		take_away(c, l);
	spin_unlock(&c->lock);
	if (!l)
		return -EAGAIN;
	kfree(l);
	waitq_wake_all(&c->wait, 0);
	spin_lock(&f->lock);
	f->owner = (struct file_owner){ 0 };
	f->sigio = 0;
	spin_unlock(&f->lock);
	return 0;
}

int lease_set(struct file *f, int fd, uint64_t type)
{
	if (type != F_RDLCK && type != F_WRLCK && type != F_UNLCK)
		return -EINVAL;
	if (current_cred()->fsuid != inode_uid(f->inode) && !capable(CAP_LEASE))
		return -EACCES;
	if (!S_ISREG(inode_mode(f->inode)))
		return -EINVAL;
	return type == F_UNLCK ? lease_drop(f) : lease_add(f, fd, (int16_t)type);
}

void lease_release(struct flock_ctx *c, struct file *f)
{
	struct lease *l;

	if (!__atomic_load_n(&c->lease_count, __ATOMIC_SEQ_CST))
		return;
	spin_lock(&c->lock);
	l = lease_of(c, f);
	if (l)
		take_away(c, l);
	spin_unlock(&c->lock);
	kfree(l);
	if (l)
		waitq_wake_all(&c->wait, 0);
}

/* Ask those in the way to go.  When the first of them must have: *ret_until; 0: nobody is. */
static void ask(struct flock_ctx *c, bool write, uint64_t *ret_until)
{
	uint32_t s = lease_break_time();
	uint64_t until = s ? plat_time_mono_ns() + s * NSEC_PER_SEC : NO_DEADLINE;
	struct lease *l;

	*ret_until = 0;
	list_for_each(l, &c->leases, link) {
		if (!write && l->type == F_RDLCK)
			continue;
		if (write ? !l->ending : !(l->ending || l->weakening)) {
			l->to_tell = true;
			l->end_ns = until;
			if (write)
				l->ending = true;
			else
				l->weakening = true;
		}
		if (!*ret_until || l->end_ns < *ret_until)
			*ret_until = l->end_ns;
	}
}

/* The next holder who waits for its signal, counted. */
static struct file *next_to_tell(struct flock_ctx *c, int *ret_fd)
{
	struct file *f = NULL;
	struct lease *l;

	spin_lock(&c->lock);
	list_for_each(l, &c->leases, link) {
		if (!l->to_tell)
			continue;
		l->to_tell = false;
		if (ref_get_unless_zero(&l->f->ref)) {
			f = l->f;
			*ret_fd = l->fd;
			break;
		}
	}
	spin_unlock(&c->lock);
	return f;
}

static uint64_t in_the_way(struct flock_ctx *c, bool write)
{
	struct list gone = LIST_INIT(gone);
	uint64_t until;
	struct file *f;
	int fd;

	spin_lock(&c->lock);
	expire(c, &gone);
	ask(c, write, &until);
	spin_unlock(&c->lock);
	free_leases(&gone);
	while ((f = next_to_tell(c, &fd))) {
		sigio_message(f, fd);
		file_put(f);
	}
	return until;
}

/* The same without telling anybody: in the past, if somebody is to be told. */
static uint64_t still_there(struct flock_ctx *c, bool write)
{
	struct list gone = LIST_INIT(gone);
	uint64_t until = 0;
	struct lease *l;

	spin_lock(&c->lock);
	expire(c, &gone);
	list_for_each(l, &c->leases, link) {
		uint64_t end = (write ? l->ending : l->ending || l->weakening) ? l->end_ns : 1;

		if ((write || l->type == F_WRLCK) && (!until || end < until))
			until = end;
	}
	spin_unlock(&c->lock);
	free_leases(&gone);
	return until;
}

int lease_break_slow(struct inode *i, bool write, bool nonblock)
{
	struct flock_ctx *c = flock_ctx_get(i, false);
	uint64_t until;
	struct waiter w;
	int err = 0;

	if (!c || !__atomic_load_n(&c->lease_count, __ATOMIC_SEQ_CST))
		return 0;
	until = in_the_way(c, write);
	if (!until)
		return 0;
	if (nonblock)
		return -EAGAIN;
	waiter_init(&w);
	waitq_add(&c->wait, &w);
	for (;;) {
		until = in_the_way(c, write);
		sched_prepare(TASK_INTERRUPTIBLE);
		if (until)
			until = still_there(c, write);
		if (!until)
			break;
		err = sched_block(until);
		if (err == -EINTR)
			break;
		sched_finish();
	}
	sched_finish();
	waitq_del(&w);
	return until ? -ERESTARTSYS : 0;
}
