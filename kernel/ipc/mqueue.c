/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX message queues: mq_overview(7).
 *
 * Queues live in one list by name until they are unlinked and closed.  A
 * message is one allocation on a list kept by priority.  Readers and writers
 * sleep on the queue and try anew.
 *
 * Trust: number of queues, messages per queue and message size are bounded as
 * by Linux's defaults, and the bytes of all queues together. */
#include "kernel/ipc/ipc.h"
#include "kernel/net/net.h"
#include "kernel/syscall/syscall.h"
#include <linux_abi/ipc.h>

#define BYTES_MAX (32u << 20)            /* of messages with their heads */
#define PRIO_MAX 32768u

struct mqmsg { uint64_t order; uint32_t prio, size; uint8_t data[]; };

/* Who is to be told of a message (mq_notify(2)).  SIGEV_THREAD: by COOKIE bytes of
 * the asker's, into a netlink socket of its own. */
#define COOKIE 32u
enum { WOKEN_UP = 1, REMOVED = 2 };     /* in the last of them */
struct notice {
	struct tgroup *g;               /* counted; NULL: nobody */
	struct linux_sigevent ev;
	struct file *sock;              /* counted; NULL: no thread */
	uint8_t cookie[COOKIE];
};

struct mqueue {
	struct ref ref;                 /* the name and each open file */
	struct list link;               /* names_lock; empty: unlinked */
	char *name;
	uint32_t uid, gid, mode;
	int64_t maxmsg, msgsize;

	struct spinlock lock;
	struct mqmsg **heap;            /* lock: room for maxmsg; none goes before the one at (i - 1) / 2 */
	int64_t count;                  /* lock */
	uint64_t order;                 /* lock: of the next message */
	uint64_t bytes;                 /* lock */
	unsigned receivers;             /* lock: sleeping in mq_receive */
	struct notice notice;           /* lock */
	struct waitq wq;
};

struct mq_limits mq_limits = { .msg_max = 10, .msg_default = 10, .size_max = 8192, .size_default = 8192,
			       .queues_max = 256 };
static int64_t limit(const uint32_t *v) { return __atomic_load_n(v, __ATOMIC_RELAXED); }

static size_t heap_cost(int64_t maxmsg) { return (size_t)maxmsg * sizeof(struct mqmsg *); }
static size_t cost(size_t size) { return sizeof(struct mqmsg) + size; }

static struct spinlock names_lock = SPINLOCK_INIT;
static struct list names = LIST_INIT(names);    /* names_lock */
static unsigned queue_count;                    /* names_lock */
static uint64_t bytes_total;                    /* atomic */

/* What was asked for is over; no lock held. */
static void notice_end(struct notice *n, uint8_t why)
{
	if (n->sock) {
		n->cookie[COOKIE - 1] = why;
		netlink_give(n->sock, n->cookie, COOKIE);
		file_put(n->sock);
	}
	if (n->g)
		tgroup_put(n->g);
}

/* q->lock held; the caller ends it. */
static struct notice notice_take(struct mqueue *q)
{
	struct notice n = q->notice;

	q->notice = (struct notice){ 0 };
	return n;
}

static void queue_discard(struct mqueue *q)
{
	if (!q)
		return;
	__atomic_fetch_sub(&bytes_total, heap_cost(q->maxmsg), __ATOMIC_RELAXED);
	kfree(q->heap);
	kfree(q->name);
	kfree(q);
}

static void mq_put(struct mqueue *q)
{
	if (!ref_put(&q->ref))
		return;
	for (int64_t i = 0; i < q->count; i++) {
		__atomic_fetch_sub(&bytes_total, cost(q->heap[i]->size), __ATOMIC_RELAXED);
		kfree(q->heap[i]);
	}
	notice_end(&q->notice, REMOVED);
	queue_discard(q);
	spin_lock(&names_lock);
	queue_count--;
	spin_unlock(&names_lock);
}

/* ---- the file ---- */

static uint32_t mq_poll(struct file *f, struct poll_table *pt)
{
	struct mqueue *q = f->priv;
	uint32_t ev = 0;

	poll_wait(pt, &q->wq);
	spin_lock(&q->lock);
	if (q->count)
		ev |= POLL_IN_KEYS;
	if (q->count < q->maxmsg)
		ev |= POLL_OUT_KEYS;
	spin_unlock(&q->lock);
	return ev;
}

static long mq_read(struct file *f, struct iter *to, uint64_t *pos)
{
	struct mqueue *q = f->priv;
	char text[80];
	int n;

	spin_lock(&q->lock);
	n = ksnprintf(text, sizeof text, "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
		      (unsigned long)q->bytes, q->notice.g ? q->notice.ev.notify : 0,
		      q->notice.g ? q->notice.ev.signo : 0, q->notice.g ? q->notice.g->tgid : 0);
	spin_unlock(&q->lock);
	if (*pos >= (uint64_t)n)
		return 0;
	n = (int)iter_copy_out(to, text + *pos, MIN((size_t)n - *pos, to->left));
	*pos += (uint64_t)n;
	return n;
}

static int mq_flush(struct file *f, struct task *t)
{
	struct mqueue *q = f->priv;
	struct notice drop = { 0 };

	spin_lock(&q->lock);
	if (q->notice.g == t->tg)
		drop = notice_take(q);
	spin_unlock(&q->lock);
	notice_end(&drop, REMOVED);
	return 0;
}

static void mq_release(struct file *f) { mq_put(f->priv); }

static const struct file_ops mq_fops = {
	.read = mq_read,
	.poll = mq_poll,
	.flush = mq_flush,
	.release = mq_release,
	.type_name = "mqueue",
};

/* ---- names ---- */

static struct mqueue *find_name(const char *name)
{
	struct mqueue *q;

	list_for_each(q, &names, link)
		if (!strcmp(q->name, name))
			return q;
	return NULL;
}

static long name_in(ustr uname, char *name)
{
	long n = copy_in_str(name, uname, NAME_MAX + 1);

	if (n < 0)
		return n;
	if (!n)
		return -ENOENT;
	return strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..") ? -EACCES : 0;
}

static int permitted(const struct mqueue *q, uint32_t flags)
{
	const struct cred *c = current_cred();
	unsigned bits = q->mode, want;

	want = (flags & O_ACCMODE) == O_RDONLY ? 4 : (flags & O_ACCMODE) == O_WRONLY ? 2 : 6;
	if (c->fsuid == q->uid)
		bits >>= 6;
	else if (cred_in_group(c, q->gid))
		bits >>= 3;
	return (bits & want) == want || capable(CAP_DAC_OVERRIDE) ? 0 : -EACCES;
}

static int queue_new(const char *name, uint32_t mode, uaddr uattr, struct mqueue **ret)
{
	int64_t msg_max = limit(&mq_limits.msg_max), size_max = limit(&mq_limits.size_max);
	struct linux_mq_attr a = { .maxmsg = MIN(limit(&mq_limits.msg_default), msg_max),
				   .msgsize = MIN(limit(&mq_limits.size_default), size_max) };
	bool big = capable(CAP_SYS_RESOURCE);
	struct mqueue *q;

	if (uattr.va && copy_in(&a, uattr, sizeof a))
		return -EFAULT;
	if (a.maxmsg <= 0 || a.msgsize <= 0 || a.maxmsg > (big ? (int64_t)MQ_HARD_MSG : msg_max) ||
	    a.msgsize > (big ? (int64_t)MQ_HARD_SIZE : size_max))
		return -EINVAL;
	q = kzalloc(sizeof *q);
	if (!q)
		return -ENOMEM;
	q->maxmsg = a.maxmsg;
	if (__atomic_add_fetch(&bytes_total, heap_cost(a.maxmsg), __ATOMIC_RELAXED) <= BYTES_MAX) {
		q->name = kstrdup(name);
		q->heap = kmalloc(heap_cost(a.maxmsg));
	}
	if (!q->name || !q->heap) {
		queue_discard(q);
		return -ENOMEM;
	}
	ref_init(&q->ref);
	list_init(&q->link);
	waitq_init(&q->wq);
	q->uid = current_cred()->fsuid;
	q->gid = current_cred()->fsgid;
	q->mode = mode & 0777 & ~__atomic_load_n(&current_task()->fs->umask, __ATOMIC_RELAXED);
	q->msgsize = a.msgsize;
	*ret = q;
	return 0;
}

SYSCALL4(mq_open, ustr, uname, int, flags, uint32_t, mode, uaddr, uattr)
{
	bool big = capable(CAP_SYS_RESOURCE);
	char name[NAME_MAX + 1];
	struct mqueue *fresh = NULL, *q;
	struct file *f;
	long err = name_in(uname, name);
	int fd;

	if (err)
		return err;
	if (flags & O_CREAT) {
		err = queue_new(name, mode, uattr, &fresh);
		if (err)
			return err;
	}
	spin_lock(&names_lock);
	q = find_name(name);
	if (q) {
		err = (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL) ? -EEXIST : permitted(q, (uint32_t)flags);
		if (!err)
			ref_get(&q->ref);
	} else if (!fresh) {
		err = -ENOENT;
	} else if (queue_count >= (big ? MQ_HARD_QUEUES : (uint32_t)limit(&mq_limits.queues_max))) {
		err = -ENOSPC;
	} else {
		q = fresh;
		fresh = NULL;
		ref_get(&q->ref);
		list_push_back(&names, &q->link);
		queue_count++;
	}
	spin_unlock(&names_lock);
	queue_discard(fresh);
	if (err)
		return err;
	err = file_new_anon(&mq_fops, q, (uint32_t)flags & (O_ACCMODE | O_NONBLOCK), NULL, &f);
	if (err) {
		mq_put(q);
		return err;
	}
	fd = fd_add(f, true);           /* close on exec, whatever was asked: mq_overview(7) */
	if (fd < 0)
		file_put(f);
	return fd;
}

SYSCALL1(mq_unlink, ustr, uname)
{
	const struct cred *c = current_cred();
	char name[NAME_MAX + 1];
	struct mqueue *q;
	long err = name_in(uname, name);

	if (err)
		return err;
	spin_lock(&names_lock);
	q = find_name(name);
	if (!q)
		err = -ENOENT;
	else if (c->fsuid != q->uid && !capable(CAP_FOWNER))
		err = -EACCES;
	else
		list_del(&q->link);
	spin_unlock(&names_lock);
	if (!err)
		mq_put(q);
	return err;
}

static struct file *mq_get(int fd, uint32_t mode, int *err)
{
	struct file *f = fd_get(fd);

	*err = 0;
	if (f && (f->ops != &mq_fops || (f->mode & mode) != mode)) {
		file_put(f);
		f = NULL;
	}
	if (!f)
		*err = -EBADF;
	return f;
}

/* CLOCK_REALTIME absolute to a monotonic deadline. */
static int deadline_abs(uaddr uts, uint64_t *ret)
{
	struct linux_timespec ts;
	uint64_t real = plat_time_real_ns();
	int64_t ns;

	*ret = NO_DEADLINE;
	if (!uts.va)
		return 0;
	if (copy_in(&ts, uts, sizeof ts))
		return -EFAULT;
	ns = timespec_ns(&ts);
	if (ns < 0)
		return -EINVAL;
	*ret = plat_time_mono_ns() + ((uint64_t)ns > real ? (uint64_t)ns - real : 0);
	return 0;
}

/* ---- messages ---- */

/* The first message in an empty queue that nobody waits for: tell whoever
 * asked.  q->lock held. */
static struct notice arrived(struct mqueue *q)
{
	return q->count == 1 && !q->receivers ? notice_take(q) : (struct notice){ 0 };
}

static void tell(struct notice *n)
{
	struct linux_siginfo si = { .signo = n->ev.signo, .code = SI_MESGQ };
	struct task *t = current_task();

	if (n->ev.notify == SIGEV_SIGNAL && n->ev.signo) {
		si.u.rt.pid = t->tg->tgid;
		si.u.rt.uid = t->cred->uid;
		si.u.rt.value = n->ev.value;
		(void)signal_send_group(n->g, n->ev.signo, &si);
	}
	notice_end(n, WOKEN_UP);
}

/* Higher priorities go first, then what is older. */
static bool before(const struct mqmsg *a, const struct mqmsg *b)
{
	return a->prio != b->prio ? a->prio > b->prio : a->order < b->order;
}

static void push_locked(struct mqueue *q, struct mqmsg *m)
{
	int64_t i = q->count++;

	m->order = q->order++;
	for (; i && before(m, q->heap[(i - 1) / 2]); i = (i - 1) / 2)
		q->heap[i] = q->heap[(i - 1) / 2];
	q->heap[i] = m;
}

static struct mqmsg *pop_locked(struct mqueue *q)
{
	struct mqmsg *first = q->heap[0], *last = q->heap[--q->count];
	int64_t i = 0, child;

	for (; (child = 2 * i + 1) < q->count; i = child) {
		if (child + 1 < q->count && before(q->heap[child + 1], q->heap[child]))
			child++;
		if (!before(q->heap[child], last))
			break;
		q->heap[i] = q->heap[child];
	}
	q->heap[i] = last;
	return first;
}

static bool try_send(struct mqueue *q, struct mqmsg *m, struct notice *told)
{
	bool ok;

	spin_lock(&q->lock);
	ok = q->count < q->maxmsg;
	if (ok) {
		push_locked(q, m);
		q->bytes += m->size;
		*told = arrived(q);
	}
	spin_unlock(&q->lock);
	return ok;
}

static int wait_error(int err)
{
	return err == -EINTR ? -ERESTARTSYS : err;
}

SYSCALL5(mq_timedsend, int, fd, uaddr, ubuf, size_t, size, unsigned, prio, uaddr, utimeout)
{
	struct notice told = { 0 };
	struct mqmsg *m = NULL;
	struct mqueue *q;
	struct file *f;
	uint64_t deadline;
	int err;

	if (prio >= PRIO_MAX)
		return -EINVAL;
	err = deadline_abs(utimeout, &deadline);
	if (err)
		return err;
	f = mq_get(fd, FMODE_WRITE, &err);
	if (!f)
		return err;
	q = f->priv;
	if (size > (size_t)q->msgsize) {
		err = -EMSGSIZE;
		goto out;
	}
	if (__atomic_fetch_add(&bytes_total, cost(size), __ATOMIC_RELAXED) + cost(size) <= BYTES_MAX)
		m = kmalloc(cost(size));
	if (!m) {
		err = -ENOMEM;
		goto uncharge;
	}
	m->prio = prio;
	m->size = (uint32_t)size;
	err = copy_in(m->data, ubuf, size);
	if (!err && !try_send(q, m, &told)) {
		if (f->flags & O_NONBLOCK)
			err = -EAGAIN;
		else
			err = wait_error(WAIT_EVENT(&q->wq, TASK_INTERRUPTIBLE, deadline, try_send(q, m, &told)));
	}
	if (!err) {
		waitq_wake_all(&q->wq, POLL_IN_KEYS);
		if (told.g)
			tell(&told);
		goto out;
	}
	kfree(m);
uncharge:
	__atomic_fetch_sub(&bytes_total, cost(size), __ATOMIC_RELAXED);
out:
	file_put(f);
	return err;
}

static bool try_recv(struct mqueue *q, struct mqmsg **ret)
{
	bool ok;

	spin_lock(&q->lock);
	ok = q->count > 0;
	if (ok) {
		*ret = pop_locked(q);
		q->bytes -= (*ret)->size;
	}
	spin_unlock(&q->lock);
	return ok;
}

static int recv_wait(struct mqueue *q, uint64_t deadline, struct mqmsg **ret)
{
	int err;

	spin_lock(&q->lock);
	q->receivers++;
	spin_unlock(&q->lock);
	err = WAIT_EVENT(&q->wq, TASK_INTERRUPTIBLE, deadline, try_recv(q, ret));
	spin_lock(&q->lock);
	q->receivers--;
	spin_unlock(&q->lock);
	return wait_error(err);
}

SYSCALL5(mq_timedreceive, int, fd, uaddr, ubuf, size_t, size, uaddr, uprio, uaddr, utimeout)
{
	struct mqmsg *m = NULL;
	struct mqueue *q;
	struct file *f;
	uint64_t deadline;
	uint32_t prio;
	long ret;
	int err = deadline_abs(utimeout, &deadline);

	if (err)
		return err;
	f = mq_get(fd, FMODE_READ, &err);
	if (!f)
		return err;
	q = f->priv;
	if (size < (size_t)q->msgsize) {
		err = -EMSGSIZE;
		goto out;
	}
	if (!try_recv(q, &m))
		err = f->flags & O_NONBLOCK ? -EAGAIN : recv_wait(q, deadline, &m);
out:
	ret = err;
	if (m) {
		waitq_wake_all(&q->wq, POLL_OUT_KEYS);
		prio = m->prio;
		ret = m->size;
		if (copy_out(ubuf, m->data, m->size) || (uprio.va && copy_out(uprio, &prio, sizeof prio)))
			ret = -EFAULT;
		__atomic_fetch_sub(&bytes_total, cost(m->size), __ATOMIC_RELAXED);
		kfree(m);
	}
	file_put(f);
	return ret;
}

static int notice_in(uaddr uevent, struct notice *ret)
{
	struct linux_sigevent *ev = &ret->ev;
	int err;

	if (copy_in(ev, uevent, sizeof *ev))
		return -EFAULT;
	if (ev->notify != SIGEV_NONE && ev->notify != SIGEV_SIGNAL && ev->notify != SIGEV_THREAD)
		return -EINVAL;
	if (ev->notify == SIGEV_SIGNAL && (ev->signo < 0 || ev->signo > NSIG))
		return -EINVAL;
	if (ev->notify != SIGEV_THREAD)
		return 0;
	if (copy_in(ret->cookie, (uaddr){ ev->value }, COOKIE))
		return -EFAULT;
	ret->sock = fd_get(ev->signo);
	if (!ret->sock)
		return -EBADF;
	err = netlink_takes(ret->sock);
	if (err)
		file_put(ret->sock);
	return err;
}

SYSCALL2(mq_notify, int, fd, uaddr, uevent)
{
	struct notice n = { 0 };
	struct mqueue *q;
	struct file *f;
	int err = 0;

	if (uevent.va) {
		err = notice_in(uevent, &n);
		if (err)
			return err;
	}
	f = mq_get(fd, 0, &err);
	if (!f) {
		if (n.sock)
			file_put(n.sock);
		return err;
	}
	q = f->priv;
	spin_lock(&q->lock);
	if (!uevent.va) {
		if (q->notice.g == t->tg)
			n = notice_take(q);
	} else if (q->notice.g) {
		err = -EBUSY;
	} else {
		n.g = tgroup_get(t->tg);
		q->notice = n;
		n = (struct notice){ 0 };
	}
	spin_unlock(&q->lock);
	if (err && n.sock)
		file_put(n.sock);       /* never registered: nothing to tell */
	else
		notice_end(&n, REMOVED);
	file_put(f);
	return err;
}

SYSCALL3(mq_getsetattr, int, fd, uaddr, unew, uaddr, uold)
{
	struct linux_mq_attr new, old;
	struct mqueue *q;
	struct file *f;
	int err;

	if (unew.va) {
		if (copy_in(&new, unew, sizeof new))
			return -EFAULT;
		if (new.flags & ~(int64_t)O_NONBLOCK)
			return -EINVAL;
	}
	f = mq_get(fd, 0, &err);
	if (!f)
		return err;
	q = f->priv;
	memset(&old, 0, sizeof old);
	spin_lock(&q->lock);
	old.maxmsg = q->maxmsg;
	old.msgsize = q->msgsize;
	old.curmsgs = q->count;
	spin_unlock(&q->lock);
	spin_lock(&f->lock);
	old.flags = f->flags & O_NONBLOCK;
	if (unew.va)
		f->flags = (f->flags & ~O_NONBLOCK) | (uint32_t)new.flags;
	spin_unlock(&f->lock);
	file_put(f);
	return uold.va ? copy_out(uold, &old, sizeof old) : 0;
}
