/* SPDX-License-Identifier: Apache-2.0 */
/* Filters that ask another process: SECCOMP_RET_USER_NOTIF, seccomp_unotify(2).
 *
 * A listener is shared by its filter and by the file that was made with it.
 * The call that is asked about lies on the stack of its task, in the
 * listener's list, until the task itself takes it out; whoever finds it there
 * by its id does so under the listener's lock.  A descriptor that the file's
 * holder sends (SECCOMP_IOCTL_NOTIF_ADDFD) lies likewise on the sender's
 * stack, in the call's list; the asking task installs it, as only it may
 * change its table, and the sender waits until it has.
 *
 * Locking: listener->lock for everything in it; no other lock but those of
 * wait queues is taken under it. */
#include "kernel/mm/mm.h"
#include "kernel/security/security.h"
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/vfs.h"
#include <linux_abi/ioctl.h>

struct listener {
	struct ref ref;
	struct spinlock lock;
	struct list calls;              /* struct call.link, oldest first */
	uint64_t next_id;
	bool closed;                    /* the file is gone */
	bool orphaned;                  /* no task has the filter any more */
	struct waitq q;                 /* receivers and pollers */
};

enum call_state { ASKED, RECEIVED, ANSWERED };

struct call {
	struct list link;
	uint64_t id;
	const struct linux_seccomp_data *data;
	int32_t tid;
	enum call_state state;
	bool news;                      /* look again */
	int64_t val;
	int32_t error;
	uint32_t flags;
	struct list fds;                /* struct sent_fd.link */
	struct waitq q;                 /* its task */
};

struct sent_fd {
	struct list link;               /* in call->fds, or empty */
	struct file *file;              /* the sender's reference */
	uint32_t flags, fd, fd_flags;
	bool done;
	long ret;
	struct waitq q;                 /* the sender */
};

struct listener *listener_new(void)
{
	struct listener *l = kzalloc(sizeof(*l));

	if (!l)
		return NULL;
	ref_init(&l->ref);
	list_init(&l->calls);
	waitq_init(&l->q);
	return l;
}

static void listener_put(struct listener *l)
{
	if (ref_put(&l->ref))
		kfree(l);
}

void listener_orphan(struct listener *l)
{
	spin_lock(&l->lock);
	l->orphaned = true;
	spin_unlock(&l->lock);
	waitq_wake_all(&l->q, 0);
	listener_put(l);
}

/* ---- the task that is asked about ---- */

static void install(struct call *c, struct listener *l, struct sent_fd *s)
{
	bool cloexec = s->fd_flags & O_CLOEXEC;
	struct file *f = s->file;
	long ret;

	list_del(&s->link);
	spin_unlock(&l->lock);
	file_get(f);
	if (s->flags & SECCOMP_ADDFD_FLAG_SETFD) {
		ret = files_replace(s->fd, f, cloexec);
		ret = ret ? ret : (long)s->fd;
	} else {
		ret = fd_add(f, cloexec);
	}
	if (ret < 0)
		file_put(f);
	spin_lock(&l->lock);
	if (s->flags & SECCOMP_ADDFD_FLAG_SEND) {
		if (ret < 0) {
			c->state = RECEIVED;
		} else {
			c->val = ret;
			c->error = 0;
			c->flags = 0;
		}
	}
	s->ret = ret;
	s->done = true;
	waitq_wake_all(&s->q, 0);
}

static bool has_news(struct listener *l, struct call *c)
{
	bool r;

	spin_lock(&l->lock);
	r = c->news;
	spin_unlock(&l->lock);
	return r;
}

/* l->lock held, but not while it sleeps.  0: answered; -ERESTARTSYS: a signal came first. */
static int await_answer(struct listener *l, struct call *c, bool wait_killable)
{
	int err;

	while (c->state != ANSWERED || !list_empty(&c->fds)) {
		bool killable = wait_killable && c->state == RECEIVED;

		c->news = false;
		if (!list_empty(&c->fds)) {
			install(c, l, list_first(&c->fds, struct sent_fd, link));
			continue;
		}
		spin_unlock(&l->lock);
		if (killable)
			err = WAIT_EVENT(&c->q, TASK_KILLABLE, NO_DEADLINE, has_news(l, c));
		else
			err = WAIT_EVENT(&c->q, TASK_INTERRUPTIBLE, NO_DEADLINE, has_news(l, c));
		spin_lock(&l->lock);
		/* What was received meanwhile is not interrupted, if the filter wants it so. */
		if (err && !(wait_killable && !killable && c->state == RECEIVED))
			return c->state == ANSWERED ? 0 : -ERESTARTSYS;
	}
	return 0;
}

int listener_ask(struct listener *l, bool wait_killable, const struct linux_seccomp_data *d, long *ret)
{
	struct task *t = current_task();
	struct call c = { .data = d, .tid = t->tid, .state = ASKED };
	struct sent_fd *s;
	int err = -ENOSYS;

	list_init(&c.fds);
	waitq_init(&c.q);
	spin_lock(&l->lock);
	if (!l->closed) {
		c.id = ++l->next_id;
		list_push_back(&l->calls, &c.link);
		waitq_wake_all(&l->q, POLLIN | POLLRDNORM);
		err = await_answer(l, &c, wait_killable);
		list_del(&c.link);
		while (!list_empty(&c.fds)) {
			s = list_first(&c.fds, struct sent_fd, link);
			list_del(&s->link);
			s->ret = -ESRCH;
			s->done = true;
			waitq_wake_all(&s->q, 0);
		}
	}
	spin_unlock(&l->lock);
	if (!err && (c.flags & SECCOMP_USER_NOTIF_FLAG_CONTINUE))
		return 0;
	*ret = err ? err : c.error ? c.error : (long)c.val;
	/* Who answers may say "restart", which means something only when a signal has come. */
	if (!err && *ret <= -ERESTARTSYS && *ret >= -ERESTART_RESTARTBLOCK && !signal_pending(t))
		t->uctx.regs.orig_rax = UINT64_MAX;
	return 1;
}

/* ---- the file ---- */

static void tell(struct call *c)
{
	c->news = true;
	waitq_wake_all(&c->q, 0);
}

static struct call *find(struct listener *l, uint64_t id)
{
	struct call *c;

	list_for_each(c, &l->calls, link)
		if (c->id == id)
			return c;
	return NULL;
}

static struct call *next_asked(struct listener *l)
{
	struct call *c;

	list_for_each(c, &l->calls, link)
		if (c->state == ASKED)
			return c;
	return NULL;
}

static bool receivable(struct listener *l)
{
	bool r;

	spin_lock(&l->lock);
	r = next_asked(l) || l->orphaned;
	spin_unlock(&l->lock);
	return r;
}

static long receive(struct listener *l, uaddr u)
{
	struct linux_seccomp_notif n;
	struct call *c;
	long err = copy_in(&n, u, sizeof(n));

	if (err)
		return err;
	for (size_t i = 0; i < sizeof(n); i++)
		if (((const uint8_t *)&n)[i])
			return -EINVAL;
	if (wait_event_interruptible(&l->q, receivable(l)))
		return -ERESTARTSYS;
	spin_lock(&l->lock);
	c = next_asked(l);
	if (c) {
		n.id = c->id;
		n.pid = (uint32_t)c->tid;
		n.data = *c->data;
		c->state = RECEIVED;
		tell(c);
		waitq_wake_all(&l->q, POLLOUT | POLLWRNORM);
	}
	spin_unlock(&l->lock);
	if (!c)
		return -ENOENT;
	err = copy_out(u, &n, sizeof(n));
	if (!err)
		return 0;
	/* Nobody has it: another may. */
	spin_lock(&l->lock);
	c = find(l, n.id);
	if (c && c->state == RECEIVED) {
		c->state = ASKED;
		tell(c);
		waitq_wake_all(&l->q, POLLIN | POLLRDNORM);
	}
	spin_unlock(&l->lock);
	return err;
}

/* With l->lock held when 0. */
static int lock_received(struct listener *l, uint64_t id, struct call **ret)
{
	spin_lock(&l->lock);
	*ret = find(l, id);
	if (*ret && (*ret)->state == RECEIVED)
		return 0;
	spin_unlock(&l->lock);
	return *ret ? -EINPROGRESS : -ENOENT;
}

static long answer(struct listener *l, uaddr u)
{
	struct linux_seccomp_notif_resp r;
	struct call *c;
	long err = copy_in(&r, u, sizeof(r));

	if (err)
		return err;
	if (r.flags & ~SECCOMP_USER_NOTIF_FLAG_CONTINUE)
		return -EINVAL;
	if (r.flags && (r.error || r.val))
		return -EINVAL;
	err = lock_received(l, r.id, &c);
	if (err)
		return err;
	c->state = ANSWERED;
	c->val = r.val;
	c->error = r.error;
	c->flags = r.flags;
	tell(c);
	spin_unlock(&l->lock);
	return 0;
}

static long id_valid(struct listener *l, uaddr u)
{
	struct call *c;
	uint64_t id;
	int err = copy_in(&id, u, sizeof(id));

	if (err)
		return err;
	if (lock_received(l, id, &c))
		return -ENOENT;
	spin_unlock(&l->lock);
	return 0;
}

static bool sent_done(struct listener *l, struct sent_fd *s)
{
	bool r;

	spin_lock(&l->lock);
	r = s->done;
	spin_unlock(&l->lock);
	return r;
}

static long send_fd(struct listener *l, struct sent_fd *s, uint64_t id)
{
	struct call *c;
	int err = lock_received(l, id, &c);

	if (err)
		return err;
	if (s->flags & SECCOMP_ADDFD_FLAG_SEND) {
		if (!list_empty(&c->fds)) {
			spin_unlock(&l->lock);
			return -EBUSY;
		}
		c->state = ANSWERED;    /* until it fails */
	}
	list_push_back(&c->fds, &s->link);
	tell(c);
	spin_unlock(&l->lock);
	if (!wait_event_interruptible(&s->q, sent_done(l, s)))
		return s->ret;
	spin_lock(&l->lock);
	err = !s->done && !list_empty(&s->link) ? -ERESTARTSYS : 0;
	if (err) {
		list_del(&s->link);
		c = find(l, id);
		if (c && (s->flags & SECCOMP_ADDFD_FLAG_SEND))
			c->state = RECEIVED;
	}
	spin_unlock(&l->lock);
	if (err)
		return err;
	/* It is being installed. */
	wait_event(&s->q, sent_done(l, s));
	return s->ret;
}

static long add_fd(struct listener *l, uaddr u, size_t size)
{
	struct linux_seccomp_notif_addfd a = { 0 };
	struct sent_fd s;
	long err;

	if (size < sizeof(a) || size >= PLAT_PAGE_SIZE)
		return -EINVAL;
	err = copy_in_struct(&a, sizeof(a), u, size);
	if (err)
		return err;
	if ((a.newfd_flags & ~(uint32_t)O_CLOEXEC) ||
	    (a.flags & ~(SECCOMP_ADDFD_FLAG_SETFD | SECCOMP_ADDFD_FLAG_SEND)) ||
	    (a.newfd && !(a.flags & SECCOMP_ADDFD_FLAG_SETFD)))
		return -EINVAL;
	s = (struct sent_fd){ .flags = a.flags, .fd = a.newfd, .fd_flags = a.newfd_flags };
	s.file = fd_get((int)a.srcfd);
	if (!s.file)
		return -EBADF;
	list_init(&s.link);
	waitq_init(&s.q);
	err = send_fd(l, &s, a.id);
	file_put(s.file);
	return err;
}

static long listener_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct listener *l = f->priv;
	uaddr u = { arg };

	switch (cmd) {
	case SECCOMP_IOCTL_NOTIF_RECV:
		return receive(l, u);
	case SECCOMP_IOCTL_NOTIF_SEND:
		return answer(l, u);
	case SECCOMP_IOCTL_NOTIF_ID_VALID:
	case SECCOMP_IOCTL_NOTIF_ID_VALID_OLD:
		return id_valid(l, u);
	}
	/* May grow: any size, and as Linux any direction. */
	if ((cmd & SECCOMP_IOCTL_KIND) == (SECCOMP_IOCTL_NOTIF_ADDFD & SECCOMP_IOCTL_KIND))
		return add_fd(l, u, (cmd & SECCOMP_IOCTL_SIZE) >> 16);
	return -EINVAL;
}

static uint32_t listener_poll(struct file *f, struct poll_table *pt)
{
	struct listener *l = f->priv;
	uint32_t ev = 0;
	struct call *c;

	poll_wait(pt, &l->q);
	spin_lock(&l->lock);
	list_for_each(c, &l->calls, link) {
		if (c->state == ASKED)
			ev |= POLLIN | POLLRDNORM;
		else if (c->state == RECEIVED)
			ev |= POLLOUT | POLLWRNORM;
	}
	if (l->orphaned)
		ev |= POLLHUP;
	spin_unlock(&l->lock);
	return ev;
}

/* Nobody will answer any more. */
static void listener_release(struct file *f)
{
	struct listener *l = f->priv;
	struct call *c;

	spin_lock(&l->lock);
	l->closed = true;
	list_for_each(c, &l->calls, link)
		if (c->state != ANSWERED) {
			c->state = ANSWERED;
			c->error = -ENOSYS;
			c->val = 0;
			c->flags = 0;
			tell(c);
		}
	spin_unlock(&l->lock);
	listener_put(l);
}

static const struct file_ops listener_fops = {
	.ioctl = listener_ioctl,
	.poll = listener_poll,
	.release = listener_release,
	.type_name = "anon_inode:seccomp notify",
};

int listener_file(struct listener *l, struct file **ret)
{
	int err = file_new_anon(&listener_fops, l, O_RDWR, NULL, ret);

	if (!err)
		ref_get(&l->ref);
	return err;
}
