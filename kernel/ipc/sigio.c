/* SPDX-License-Identifier: Apache-2.0 */
/* Signals about files: O_ASYNC, F_SETOWN, F_SETSIG, SIGURG (fcntl(2)).
 *
 * A file in O_ASYNC has waiters of its own on the queues that its poll
 * operation names, as one in an epoll set has.  A wake-up comes under the
 * queue's lock, where no signal can be sent (order in sched.h): it notes what
 * happened and arms a timer that is due at once; that sends.
 *
 * Lock: sigio_lock (mutex) orders switching on and off.  file->lock guards the
 * owner.  The timer's function never runs after sigio_off(), so it may use the
 * file, which file_put() switches off before anything else ends. */
#include "kernel/ipc/ipc.h"
#include "kernel/task/task.h"
#include <linux_abi/fcntl.h>
#include <linux_abi/poll.h>

#define QUEUES_MAX 4u
#define POLL_IN_CODE 1
#define POLL_OUT_CODE 2
#define POLL_MSG_CODE 3
#define POLL_HUP_CODE 6

struct sigio {
	struct poll_table pt;           /* first */
	struct file *f;
	int fd;
	unsigned count;
	uint32_t happened;              /* POLL*; atomic */
	struct ktimer timer;
	struct sigio_waiter { struct waiter w; struct sigio *s; } at[QUEUES_MAX];
};

static struct mutex sigio_lock;

static bool may_signal(const struct file_owner *o, struct tgroup *g)
{
	const struct cred *c = g->leader ? g->leader->cred : NULL;

	return !c || !o->euid || o->euid == c->suid || o->euid == c->uid || o->uid == c->suid || o->uid == c->uid;
}

struct to_group { const struct file_owner *o; int signo; const struct linux_siginfo *info; };

static void send_member(struct tgroup *g, void *arg)
{
	struct to_group *a = arg;

	if (may_signal(a->o, g))
		signal_send_group_locked(g, a->signo, a->info);
}

/* A queue that is full: the plain signal all the same. */
static void send_owner(const struct file_owner *o, int signo, const struct linux_siginfo *info)
{
	struct to_group a = { o, signo, info };
	struct task *t;

	if (o->pid < 0) {
		spin_lock(&task_list_lock);
		pgrp_for_each(-o->pid, send_member, &a);
		spin_unlock(&task_list_lock);
		return;
	}
	t = o->pid ? task_find_get(o->pid) : NULL;
	if (!t)
		return;
	if (may_signal(o, t->tg)) {
		int err = o->type == F_OWNER_TID ? signal_send_task(t, signo, info) : signal_send_group(t->tg, signo, info);

		if (err && signo != SIGIO)
			signal_send_group(t->tg, SIGIO, NULL);
	}
	task_put(t);
}

static void snapshot(struct file *f, struct file_owner *ret, int *ret_sig)
{
	spin_lock(&f->lock);
	*ret = f->owner;
	*ret_sig = f->sigio;
	spin_unlock(&f->lock);
}

static void announce(struct ktimer *timer)
{
	struct sigio *s = container_of(timer, struct sigio, timer);
	uint32_t what = __atomic_exchange_n(&s->happened, 0, __ATOMIC_ACQ_REL);
	struct linux_siginfo info = { 0 };
	struct file_owner o;
	int sig;

	snapshot(s->f, &o, &sig);
	if (!sig) {
		send_owner(&o, SIGIO, NULL);
		return;
	}
	info.signo = sig;
	info.u.poll.fd = s->fd;
	if (what & POLLHUP) {
		info.code = POLL_HUP_CODE;
		info.u.poll.band = POLLHUP | POLLERR;
	} else if (what & (POLLIN | POLLRDNORM)) {
		info.code = POLL_IN_CODE;
		info.u.poll.band = POLLIN | POLLRDNORM;
	} else {
		info.code = POLL_OUT_CODE;
		info.u.poll.band = POLLOUT | POLLWRNORM | POLLWRBAND;
	}
	send_owner(&o, sig, &info);
}

static bool woken(struct waiter *w, uint32_t key)
{
	struct sigio *s = container_of(w, struct sigio_waiter, w)->s;
	bool writer = S_ISFIFO(inode_mode(s->f->inode)) && !(s->f->mode & FMODE_READ);  /* every read is told */

	/* Elsewhere room matters to who found none; an end without POLLHUP is data's. */
	if (key && !writer && !(key & (POLLIN | POLLHUP | POLLPRI | POLL_SPACE_KEY)))
		return false;
	__atomic_fetch_or(&s->happened, key ? key : writer ? POLLOUT | POLLWRNORM : POLLIN | POLLRDNORM, __ATOMIC_ACQ_REL);
	ktimer_set(&s->timer, 0);
	return false;
}

static void enqueue(struct poll_table *pt, struct waitq *q)
{
	struct sigio *s = container_of(pt, struct sigio, pt);
	struct sigio_waiter *w;

	if (s->count == QUEUES_MAX)
		return;
	w = &s->at[s->count++];
	w->s = s;
	waiter_init(&w->w);
	w->w.task = NULL;
	w->w.fn = woken;
	waitq_add(q, &w->w);
}

static int sigio_on(struct file *f, int fd)
{
	struct sigio *s;

	if (!f->ops || !f->ops->poll)
		return 0;
	s = kzalloc(sizeof *s);
	if (!s)
		return -ENOMEM;
	s->pt.queue = enqueue;
	s->f = f;
	s->fd = fd;
	ktimer_init(&s->timer, announce);
	f->async = s;
	f->ops->poll(f, &s->pt);
	return 0;
}

static void sigio_off(struct file *f)
{
	struct sigio *s = f->async;

	f->async = NULL;
	for (unsigned i = 0; i < s->count; i++)
		waitq_del(&s->at[i].w);
	ktimer_cancel(&s->timer);
	kfree(s);
}

void sigio_init(void) { mutex_init(&sigio_lock); }

int sigio_set(struct file *f, int fd, bool on)
{
	int err = 0;

	mutex_lock(&sigio_lock);
	if (on && !f->async)
		err = sigio_on(f, fd);
	else if (!on && f->async)
		sigio_off(f);
	mutex_unlock(&sigio_lock);
	return err;
}

void sigio_file_gone(struct file *f) { sigio_off(f); }

void sigio_urgent(struct file *f)
{
	struct file_owner o;
	int sig;

	snapshot(f, &o, &sig);
	send_owner(&o, SIGURG, NULL);
}

void sigio_message(struct file *f, int fd)
{
	struct linux_siginfo info = { .code = POLL_MSG_CODE };
	struct file_owner o;
	int sig;

	snapshot(f, &o, &sig);
	info.signo = sig;
	info.u.poll.fd = fd;
	info.u.poll.band = POLLIN | POLLRDNORM | POLLMSG;
	send_owner(&o, sig ? sig : SIGIO, sig ? &info : NULL);
}

/* ---- owners ---- */

void file_own_unowned(struct file *f)
{
	const struct cred *c = current_cred();

	spin_lock(&f->lock);
	if (!f->owner.pid)
		f->owner = (struct file_owner){ .pid = current_task()->tg->tgid, .type = F_OWNER_PID,
						 .uid = c->uid, .euid = c->euid };
	spin_unlock(&f->lock);
}

static void mark_found(struct tgroup *g, void *arg)
{
	(void)g;
	*(bool *)arg = true;
}

static bool exists(const struct file_owner *o)
{
	struct task *t;
	bool found = false;

	if (o->pid < 0) {
		spin_lock(&task_list_lock);
		pgrp_for_each(-o->pid, mark_found, &found);
		spin_unlock(&task_list_lock);
		return found;
	}
	t = task_find_get(o->pid);
	if (t)
		task_put(t);
	return t;
}

int file_set_owner(struct file *f, int32_t who, uint32_t type)
{
	const struct cred *c = current_cred();
	struct file_owner o = { .pid = who, .type = type, .uid = c->uid, .euid = c->euid };

	if (who == INT32_MIN)
		return -EINVAL;
	if (who && !exists(&o))
		return -ESRCH;
	spin_lock(&f->lock);
	f->owner = o;
	spin_unlock(&f->lock);
	return 0;
}
