/* SPDX-License-Identifier: Apache-2.0 */
/* Unix sockets: sending and receiving.
 *
 * A message is one allocation, copied from the sender before any lock is
 * taken, put on the receiver's queue, copied out from there.  A stream is a
 * queue of messages read as bytes.  What a sender has in flight counts against
 * its own send buffer, and all queues together against a bound of the kernel's.
 *
 * Descriptors end a stream read: bytes after them are left for the next. */
#include "kernel/net/unix/unix.h"

#define CHUNK_MAX (32768u - (unsigned)sizeof(struct unix_msg))
#define QUEUED_MAX (512u << 20)

static uint64_t queued_total;           /* charge of all messages; atomic */

#define load(x) __atomic_load_n(&(x), __ATOMIC_SEQ_CST)

static bool has_room(struct unix_sock *u) { return load(u->wmem) < load(u->sndbuf); }

bool unix_writable(struct unix_sock *u) { return load(u->wmem) * 4 <= load(u->sndbuf); }

/* ---- messages ---- */

void unix_msg_free(struct unix_msg *m)
{
	struct unix_sock *from = m->from;

	if (m->scm)
		scm_free(unix_scm_take(&m->scm));
	__atomic_fetch_sub(&queued_total, m->charge, __ATOMIC_RELAXED);
	__atomic_fetch_sub(&from->wmem, m->charge, __ATOMIC_SEQ_CST);
	waitq_wake_all(&from->wq, POLLOUT | POLLWRNORM);
	unix_put(from);
	unix_addr_put(m->name);
	kfree(m);
}

void unix_purge(struct unix_sock *u)
{
	struct unix_msg *m;

	for (;;) {
		spin_lock(&u->lock);
		m = list_empty(&u->queue) ? NULL : list_first(&u->queue, struct unix_msg, link);
		if (m) {
			list_del(&m->link);
			u->queued -= m->size - m->off;
		}
		spin_unlock(&u->lock);
		if (!m)
			return;
		unix_msg_free(m);
	}
}

/* n bytes from the iter; takes over sm->scm on success. */
static int msg_new(struct unix_sock *u, struct sock_msg *sm, size_t n, struct unix_msg **ret)
{
	uint32_t charge = (uint32_t)(n + sizeof(struct unix_msg));
	struct unix_msg *m;

	if (__atomic_fetch_add(&queued_total, charge, __ATOMIC_RELAXED) > QUEUED_MAX) {
		__atomic_fetch_sub(&queued_total, charge, __ATOMIC_RELAXED);
		return -ENOBUFS;
	}
	m = kmalloc(sizeof *m + n);
	if (!m) {
		__atomic_fetch_sub(&queued_total, charge, __ATOMIC_RELAXED);
		return -ENOBUFS;
	}
	memset(m, 0, sizeof *m);
	list_init(&m->link);
	m->charge = charge;
	m->size = (uint32_t)n;
	m->from = unix_get(u);
	m->name = unix_addr_get(u);
	m->cred = sm->cred;
	__atomic_fetch_add(&u->wmem, charge, __ATOMIC_SEQ_CST);
	if (iter_copy_in(sm->it, m->data, n) != n) {
		unix_msg_free(m);
		return -EFAULT;
	}
	if (sm->scm) {
		if (!unix_scm_charge(sm->scm)) {
			unix_msg_free(m);
			return -ETOOMANYREFS;
		}
		m->scm = sm->scm;
		sm->scm = NULL;
	}
	*ret = m;
	return 0;
}

/* Consumes m on success. */
static int deliver(struct unix_sock *u, struct unix_sock *to, struct unix_msg *m)
{
	int err = 0;

	spin_lock(&to->lock);
	if (to->dead)
		err = unix_is_dgram(to) ? -ECONNREFUSED : -EPIPE;
	else if (to->shutdown & UNIX_SHUT_RCV)
		err = -EPIPE;
	else if (unix_is_dgram(to) && to->peer && to->peer != u)
		err = -EPERM;
	if (!err) {
		list_push_back(&to->queue, &m->link);
		to->queued += m->size;
	}
	spin_unlock(&to->lock);
	if (!err)
		waitq_wake_all(&to->wq, POLLIN | POLLRDNORM);
	return err;
}

/* ---- sending ---- */

static bool send_can_go(struct unix_sock *u)
{
	return has_room(u) || (load(u->shutdown) & UNIX_SHUT_SEND);
}

static int wait_room(struct socket *s, struct unix_sock *u, struct sock_msg *m, uint64_t deadline)
{
	int err;

	if (send_can_go(u))
		return 0;
	if (m->nonblock)
		return -EAGAIN;
	err = WAIT_EVENT(&u->wq, TASK_INTERRUPTIBLE, deadline, send_can_go(u));
	return err ? sock_wait_error(err, s->sndtimeo_ns) : 0;
}

static int send_one(struct socket *s, struct unix_sock *u, struct unix_sock *to,
		    struct sock_msg *sm, size_t n, uint64_t deadline)
{
	struct unix_msg *m;
	int err = wait_room(s, u, sm, deadline);

	if (err)
		return err;
	if (load(u->shutdown) & UNIX_SHUT_SEND)
		return -EPIPE;
	err = msg_new(u, sm, n, &m);
	if (err)
		return err;
	err = deliver(u, to, m);
	if (err)
		unix_msg_free(m);
	return err;
}

static long send_stream(struct socket *s, struct unix_sock *u, struct sock_msg *sm)
{
	uint64_t deadline = sock_deadline(s->sndtimeo_ns);
	struct unix_sock *to;
	long done = 0;
	int err = 0;

	if (sm->name.size)
		return u->state == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
	if (load(u->shutdown) & UNIX_SHUT_SEND)
		return -EPIPE;
	to = unix_peer_get(u);
	if (!to)
		return -ENOTCONN;
	while (sm->it->left && !err) {
		size_t n = MIN(sm->it->left, (size_t)CHUNK_MAX);

		err = send_one(s, u, to, sm, n, deadline);
		if (!err)
			done += (long)n;
	}
	unix_put(to);
	return done ? done : err;
}

static long send_packet(struct socket *s, struct unix_sock *u, struct sock_msg *sm)
{
	uint64_t deadline = sock_deadline(s->sndtimeo_ns);
	struct unix_sock *to = NULL;
	size_t n = sm->it->left;
	bool named = unix_is_dgram(u) && sm->name.size;
	int err;

	if (n > (size_t)load(u->sndbuf) - 32)
		return -EMSGSIZE;
	if (named) {
		err = unix_find(&sm->name, &to);
		if (err)
			return err;
		if (to->type != u->type)
			err = -EPROTOTYPE;
	} else {
		to = unix_peer_get(u);
		if (!to)
			return -ENOTCONN;
		err = 0;
	}
	if (!err && s->passcred && !load(u->addr))
		err = unix_autobind(u);
	if (!err)
		err = send_one(s, u, to, sm, n, deadline);
	if (err == -ECONNREFUSED && !named) {
		struct unix_sock *gone = NULL;

		spin_lock(&u->lock);
		if (u->peer == to) {
			gone = to;
			u->peer = NULL;
			u->state = UNIX_OPEN;
		}
		spin_unlock(&u->lock);
		unix_put(gone);
	}
	unix_put(to);
	return err ? err : (long)n;
}

long unix_sendmsg(struct socket *s, struct sock_msg *m)
{
	struct unix_sock *u = s->priv;

	return unix_is_stream(u) ? send_stream(s, u, m) : send_packet(s, u, m);
}

/* ---- receiving ---- */

static struct unix_msg *first(struct unix_sock *u)
{
	struct unix_msg *m;

	spin_lock(&u->lock);
	m = list_empty(&u->queue) ? NULL : list_first(&u->queue, struct unix_msg, link);
	spin_unlock(&u->lock);
	return m;
}

/* read_lock held: what follows m stays as well. */
static struct unix_msg *next(struct unix_sock *u, struct unix_msg *m)
{
	struct unix_msg *n;

	spin_lock(&u->lock);
	n = m->link.next == &u->queue ? NULL : list_next(m, link);
	spin_unlock(&u->lock);
	return n;
}

static void remove(struct unix_sock *u, struct unix_msg *m)
{
	spin_lock(&u->lock);
	list_del(&m->link);
	u->queued -= m->size - m->off;
	spin_unlock(&u->lock);
	unix_msg_free(m);
}

/* Something to read, or nothing will ever come.  *err: the verdict then. */
static bool readable(struct unix_sock *u, bool *end, int *err)
{
	bool ready = true;

	*end = false;
	*err = 0;
	spin_lock(&u->lock);
	if (!list_empty(&u->queue)) {
		;
	} else if (u->error) {
		*err = -u->error;
		u->error = 0;
	} else if (u->shutdown & UNIX_SHUT_RCV) {
		*end = true;
	} else {
		ready = false;
	}
	spin_unlock(&u->lock);
	return ready;
}

/* Wait for data with read_lock held (dropped meanwhile).  1: end of file. */
static int wait_data(struct socket *s, struct unix_sock *u, struct sock_msg *m, uint64_t deadline)
{
	bool end;
	int err, werr;

	if (readable(u, &end, &err))
		return err ? err : end;
	if (m->nonblock)
		return -EAGAIN;
	mutex_unlock(&u->read_lock);
	werr = WAIT_EVENT(&u->wq, TASK_INTERRUPTIBLE, deadline, readable(u, &end, &err));
	mutex_lock(&u->read_lock);
	if (werr)
		return sock_wait_error(werr, s->rcvtimeo_ns);
	return err ? err : end;
}

/* The descriptors of a message become the reader's, or copies when peeking. */
static void take_scm(struct unix_msg *m, struct sock_msg *sm, bool peek)
{
	struct scm *c;

	if (!m->scm || sm->scm)
		return;
	if (!peek) {
		sm->scm = unix_scm_take(&m->scm);
		return;
	}
	c = scm_new();
	if (!c)
		return;
	for (unsigned i = 0; i < m->scm->count; i++)
		c->files[c->count++] = file_get(m->scm->files[i]);
	sm->scm = c;
}

static void take_sender(struct unix_msg *m, struct sock_msg *sm)
{
	sm->cred = m->cred;
	sm->have_cred = true;
	if (m->name)
		sm->name = m->name->a;
}

static bool same_sender(const struct unix_msg *m, const struct sock_msg *sm)
{
	return m->cred.pid == sm->cred.pid && m->cred.uid == sm->cred.uid && m->cred.gid == sm->cred.gid;
}

/* Bytes of the stream that are here.  *stop: descriptors came along, or the
 * user's memory ended. */
static size_t read_here(struct socket *s, struct unix_sock *u, struct sock_msg *sm, bool *stop)
{
	bool peek = sm->flags & MSG_PEEK, more = true;
	struct unix_msg *m = first(u), *n;
	size_t done = 0;

	while (m && more && sm->it->left && !*stop) {
		size_t want = MIN((size_t)(m->size - m->off), sm->it->left), got;

		if (sm->have_cred && s->passcred && !same_sender(m, sm)) {
			*stop = true;
			break;
		}
		got = iter_copy_out(sm->it, m->data + m->off, want);
		done += got;
		if (got < want) {
			*stop = true;
			if (!got)
				break;
		}
		take_sender(m, sm);
		if (m->scm) {
			take_scm(m, sm, peek);
			*stop = true;
		}
		n = next(u, m);
		if (!peek) {
			spin_lock(&u->lock);
			m->off += (uint32_t)got;
			u->queued -= got;
			more = m->off == m->size;
			spin_unlock(&u->lock);
			if (more)
				remove(u, m);
		}
		m = n;
	}
	return done;
}

static long recv_stream(struct socket *s, struct unix_sock *u, struct sock_msg *sm)
{
	uint64_t deadline = sock_deadline(s->rcvtimeo_ns);
	size_t done = 0, target;
	bool stop = false, faulted = false;
	int w = 0;

	if (u->state != UNIX_CONNECTED)
		return -EINVAL;
	target = sm->flags & MSG_WAITALL && !(sm->flags & MSG_PEEK) ? sm->it->left :
		 MIN((size_t)s->rcvlowat, sm->it->left);
	if (!sm->it->left)
		return 0;
	mutex_lock(&u->read_lock);
	for (;;) {
		size_t got;
		bool had = first(u) != NULL;

		got = read_here(s, u, sm, &stop);
		done += got;
		faulted = had && !got && stop && !done;
		if (done >= target || stop)
			break;
		if (sm->flags & MSG_PEEK && done)
			break;
		w = wait_data(s, u, sm, deadline);
		if (w)
			break;
	}
	mutex_unlock(&u->read_lock);
	if (done)
		return (long)done;
	if (faulted)
		return -EFAULT;
	return w < 0 ? w : 0;
}

static long recv_packet(struct socket *s, struct unix_sock *u, struct sock_msg *sm)
{
	uint64_t deadline = sock_deadline(s->rcvtimeo_ns);
	bool peek = sm->flags & MSG_PEEK;
	struct unix_msg *m;
	size_t n, got;
	long ret;
	int w;

	if (u->type == SOCK_SEQPACKET && u->state != UNIX_CONNECTED)
		return -ENOTCONN;
	mutex_lock(&u->read_lock);
	while (!(m = first(u))) {
		w = wait_data(s, u, sm, deadline);
		if (w) {
			mutex_unlock(&u->read_lock);
			return w < 0 ? w : 0;
		}
	}
	n = MIN((size_t)m->size, sm->it->left);
	got = iter_copy_out(sm->it, m->data, n);
	ret = got < n ? -EFAULT : sm->flags & MSG_TRUNC ? (long)m->size : (long)n;
	if (n < m->size)
		sm->ret_flags |= MSG_TRUNC;
	if (ret >= 0) {
		take_sender(m, sm);
		take_scm(m, sm, peek);
	}
	if (!peek)
		remove(u, m);
	mutex_unlock(&u->read_lock);
	return ret;
}

long unix_recvmsg(struct socket *s, struct sock_msg *m)
{
	struct unix_sock *u = s->priv;

	return unix_is_stream(u) ? recv_stream(s, u, m) : recv_packet(s, u, m);
}
