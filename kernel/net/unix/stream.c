/* SPDX-License-Identifier: Apache-2.0 */
/* Unix stream sockets: sending and receiving.
 *
 * A stream is a queue of messages read as bytes.  A large write becomes several
 * messages that are queued together, with one wake-up.  Descriptors end a read:
 * bytes after them are left for the next.
 *
 * Urgent data (MSG_OOB) is a message of one byte that u->oob points at.  A
 * read stops in front of it, and the next one drops it unless SO_OOBINLINE; a
 * read with MSG_OOB takes the byte but leaves the empty message as the mark. */
#include "kernel/net/unix/unix.h"

#define BATCH_MAX 131072u               /* bytes that one wake-up may wait for */

/* ---- sending ---- */

/* Takes all of batch, or nothing. */
static int deliver(struct unix_sock *to, struct list *batch, bool oob)
{
	struct unix_msg *m;
	int err = 0;

	spin_lock(&to->lock);
	while (unlikely(unix_granted(to))) {
		spin_unlock(&to->lock);
		unix_settle_slow(to);
		spin_lock(&to->lock);
	}
	if (to->dead || to->shutdown & UNIX_SHUT_RCV) {
		err = -EPIPE;
	} else {
		list_for_each(m, batch, link) {
			to->queued += m->size;
			__atomic_store_n(&to->queue_count, to->queue_count + 1, __ATOMIC_SEQ_CST);
			if (oob)
				to->oob = m;
		}
		list_splice_back(&to->queue, batch);
	}
	spin_unlock(&to->lock);
	if (!err)
		waitq_wake(&to->rd, 1, POLL_IN_KEYS | (oob ? POLLPRI : 0));
	return err;
}

/* The message of one piece, appended to batch. */
static int add_piece(struct unix_sock *u, struct unix_sock *to, struct sock_msg *sm, size_t n, struct list *batch)
{
	struct unix_msg *m;
	int err = unix_msg_new(u, to, sm, n, &m);

	if (!err)
		list_push_back(batch, &m->link);
	return err;
}

/* Up to `limit` bytes of the iter.  Their number, or an error for none. */
static long send_batch(struct socket *s, struct unix_sock *u, struct unix_sock *to, struct sock_msg *sm,
		       size_t limit, bool oob, uint64_t deadline)
{
	size_t piece = MIN((size_t)UNIX_PIECE, (size_t)unix_load(u->sndbuf) / 2 - 64);
	struct list batch;
	size_t done = 0;
	int err = unix_wait_room(s, u, sm, deadline), sent;

	if (err)
		return err;
	list_init(&batch);
	while (!err && done < limit && (!done || unix_has_room(u))) {
		size_t n = MIN(limit - done, piece);

		err = add_piece(u, to, sm, n, &batch);
		if (!err)
			done += n;
	}
	if (!done)
		return err;
	sent = deliver(to, &batch, oob);
	while (!list_empty(&batch)) {
		struct unix_msg *m = list_first(&batch, struct unix_msg, link);

		list_del(&m->link);
		unix_msg_free(m);
	}
	return sent ? sent : (long)done;
}

/* SIGURG to whom the receiver's owner named. */
static void urgent(struct unix_sock *to)
{
	struct file *f;

	spin_lock(&to->lock);
	f = to->sfile;
	if (f && !ref_get_unless_zero(&f->ref))
		f = NULL;
	spin_unlock(&to->lock);
	if (!f)
		return;
	sigio_urgent(f);
	file_put(f);
}

long unix_send_stream(struct socket *s, struct unix_sock *u, struct sock_msg *sm)
{
	uint64_t deadline = sock_deadline(s->sndtimeo_ns);
	bool oob = sm->flags & MSG_OOB;
	struct unix_sock *to;
	long done = 0, n = 0;

	if (oob && !sm->it->left)
		return -EOPNOTSUPP;
	if (sm->name.size)
		return unix_load(u->state) == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
	to = unix_peer_get(u);
	if (!to)
		return -ENOTCONN;
	unix_settle(to);
	if (unix_load(u->shutdown) & UNIX_SHUT_SEND)
		n = -EPIPE;
	while (n >= 0 && sm->it->left > oob) {
		n = send_batch(s, u, to, sm, MIN(sm->it->left - oob, (size_t)BATCH_MAX), false, deadline);
		if (n > 0)
			done += n;
	}
	if (n >= 0 && oob) {
		n = send_batch(s, u, to, sm, 1, true, deadline);
		if (n > 0) {
			done++;
			urgent(to);
		}
	}
	unix_put(to);
	return done ? done : n;
}

/* ---- receiving ---- */

/* Is there what a reader at `off` waits for, or will nothing ever come?  The
 * urgent byte is not part of the stream unless inline. */
static bool readable(struct socket *s, struct unix_sock *u, uint32_t off, bool *end, int *err)
{
	bool ready = true;

	*end = false;
	*err = 0;
	spin_lock(&u->lock);
	if (u->queued - (u->oob && !s->oobinline) > off)
		;
	else if (u->error)
		*err = -u->error;
	else if (u->shutdown & UNIX_SHUT_RCV)
		*end = true;
	else
		ready = false;
	spin_unlock(&u->lock);
	return ready;
}

/* Nothing to read is here: wait, with read_lock dropped.  1: end of file. */
static int wait_data(struct socket *s, struct unix_sock *u, struct sock_msg *m, uint32_t off, uint64_t deadline)
{
	bool end;
	int err, werr = 0;

	if (!readable(s, u, off, &end, &err)) {
		if (m->nonblock)
			return -EAGAIN;
		mutex_unlock(&u->read_lock);
		werr = WAIT_EVENT(&u->rd, TASK_INTERRUPTIBLE, deadline, readable(s, u, off, &end, &err));
		mutex_lock(&u->read_lock);
	}
	if (werr)
		return sock_wait_error(werr, s->rcvtimeo_ns);
	return err ? unix_take_error(u) : end;
}

static bool same_sender(const struct unix_msg *m, const struct sock_msg *sm)
{
	return m->cred.pid == sm->cred.pid && m->cred.uid == sm->cred.uid && m->cred.gid == sm->cred.gid;
}

/* What a reader that has `done` bytes sees at m: m, a later message, or NULL
 * for a stop.  Marks that were passed go. */
static struct unix_msg *at_mark(struct socket *s, struct unix_sock *u, struct unix_msg *m, bool peek, size_t done)
{
	struct unix_msg *drop = NULL, *next;

	spin_lock(&u->lock);
	next = m->link.next == &u->queue ? NULL : list_next(m, link);
	if (m->off == m->size && m != u->oob) {
		/* Taken by MSG_OOB; still a boundary unless another follows. */
		if (done && (!u->oob || next == u->oob)) {
			m = NULL;
		} else {
			drop = peek ? NULL : m;
			m = next;
			next = m && m->link.next != &u->queue ? list_next(m, link) : NULL;
		}
	}
	if (m && m == u->oob) {
		if (done) {
			m = NULL;
		} else if (!s->oobinline) {
			if (!peek) {
				spin_unlock(&u->lock);
				if (drop)
					unix_msg_remove(u, drop);
				unix_msg_remove(u, m);
				return next;
			}
			m = next;
		} else if (!peek) {
			u->oob = NULL;
		}
	}
	spin_unlock(&u->lock);
	if (drop)
		unix_msg_remove(u, drop);
	return m;
}

/* What a reader comes to; m: NULL at the end of the queue. */
struct place {
	struct unix_msg *m;
	bool special;                   /* the urgent byte, or what MSG_OOB left of it */
};

/* u->lock held. */
static struct place place_at(struct unix_sock *u, struct list *at)
{
	struct unix_msg *m = at == &u->queue ? NULL : list_entry(at, struct unix_msg, link);

	return (struct place){ m, m && (m == u->oob || m->off == m->size) };
}

static struct place first_place(struct unix_sock *u)
{
	struct place p;

	spin_lock(&u->lock);
	p = place_at(u, u->queue.next);
	spin_unlock(&u->lock);
	return p;
}

static struct place next_place(struct unix_sock *u, struct unix_msg *m)
{
	struct place p;

	spin_lock(&u->lock);
	p = place_at(u, m->link.next);
	spin_unlock(&u->lock);
	return p;
}

/* Bytes were read from m: the rest stays, or it goes.  What comes next. */
static struct place consume(struct unix_sock *u, struct unix_msg *m, size_t n)
{
	struct place next;
	bool over;

	spin_lock(&u->lock);
	m->off += (uint32_t)n;
	u->queued -= n;
	next = place_at(u, m->link.next);
	over = m->off == m->size;
	if (over)
		(void)unix_msg_unlink(u, m);
	spin_unlock(&u->lock);
	if (over)
		unix_msg_free(m);
	return next;
}

/* Bytes of the stream that are here.  *stop: descriptors or a mark came, or
 * the user's memory ended (*fault).  *had: something is. */
static size_t read_here(struct socket *s, struct unix_sock *u, struct sock_msg *sm, size_t done, bool *stop, bool *fault,
			bool *had)
{
	bool peek = sm->flags & MSG_PEEK;
	uint32_t skip = unix_peek_offset(u, sm);
	size_t start = done;
	struct place at;

	unix_settle(u);                 /* read_lock: no other comes before it is dropped */
	at = first_place(u);

	*had = at.m;
	while (at.m && !*stop) {
		struct unix_msg *m = at.m;
		size_t n;
		bool more;

		if (at.special) {
			m = at_mark(s, u, m, peek, done);
			if (!m) {
				*stop = done;
				break;
			}
		}
		if (skip >= m->size - m->off) {
			skip -= m->size - m->off;
			at = next_place(u, m);
			continue;
		}
		if (sm->have_cred && unix_load(u->pass) && !same_sender(m, sm)) {
			*stop = true;
			break;
		}
		n = MIN((size_t)(m->size - m->off - skip), sm->it->left);
		if (iter_copy_out(sm->it, m->data + m->off + skip, n) < n) {
			*stop = *fault = true;
			break;
		}
		done += n;
		unix_take_sender(m, sm);
		unix_peek_move(u, peek, n);
		if (m->scm) {
			unix_take_scm(m, sm, peek);
			*stop = true;
		}
		more = n == m->size - m->off - skip;
		at = peek ? next_place(u, m) : consume(u, m, n);
		skip = 0;
		if (!more || !sm->it->left)
			break;
	}
	return done - start;
}

static long recv_urgent(struct socket *s, struct unix_sock *u, struct sock_msg *sm)
{
	struct unix_msg *m;
	long ret = 1;

	mutex_lock(&u->read_lock);
	unix_settle(u);
	spin_lock(&u->lock);
	m = s->oobinline ? NULL : u->oob;
	if (m && !(sm->flags & MSG_PEEK))
		u->oob = NULL;
	spin_unlock(&u->lock);
	if (!m) {
		ret = -EINVAL;
	} else {
		if (iter_copy_out(sm->it, m->data, 1) != 1)
			ret = -EFAULT;
		if (!(sm->flags & MSG_PEEK)) {
			spin_lock(&u->lock);
			m->off = m->size;
			u->queued--;
			spin_unlock(&u->lock);
		}
		sm->ret_flags |= MSG_OOB;
	}
	mutex_unlock(&u->read_lock);
	return ret;
}

long unix_recv_stream(struct socket *s, struct unix_sock *u, struct sock_msg *sm)
{
	uint64_t deadline = sock_deadline(s->rcvtimeo_ns);
	size_t done = 0, target, lowat = (size_t)__atomic_load_n(&s->rcvlowat, __ATOMIC_RELAXED);
	bool stop = false, fault = false;
	int w = 0;

	if (unix_load(u->state) != UNIX_CONNECTED)
		return -EINVAL;
	if (sm->flags & MSG_OOB)
		return recv_urgent(s, u, sm);
	target = MAX(sm->flags & MSG_WAITALL ? sm->it->left : MIN(lowat, sm->it->left), (size_t)1);
	mutex_lock(&u->read_lock);
	for (;;) {
		size_t left = sm->it->left;
		bool had;

		done += read_here(s, u, sm, done, &stop, &fault, &had);
		if (done >= target || stop || (had && !left))
			break;
		if (sm->flags & MSG_PEEK && done)
			break;
		w = wait_data(s, u, sm, unix_peek_offset(u, sm), deadline);
		if (w)
			break;
	}
	mutex_unlock(&u->read_lock);
	if (done)
		return (long)done;
	if (fault)
		return -EFAULT;
	return w < 0 ? w : 0;
}

/* ---- reads in advance ---- */

void unix_settle_slow(struct unix_sock *u)
{
	struct unix_msg *m = NULL;

	spin_lock(&u->lock);
	if (u->grant) {
		struct grant *g = u->grant;

		__atomic_store_n(&u->grant, NULL, __ATOMIC_RELEASE);
		if (grant_used(g)) {
			m = list_first(&u->queue, struct unix_msg, link);
			KASSERT(m->size - m->off == g->size);
			(void)unix_msg_unlink(u, m);
		}
	}
	spin_unlock(&u->lock);
	if (m)
		unix_msg_free(m);
}

/* One message of plain bytes, whose sender waits for nothing. */
static struct unix_msg *grantable(const struct socket *s, struct unix_sock *u)
{
	struct unix_msg *m;

	if (!unix_is_stream(u) || u->state != UNIX_CONNECTED || u->queue_count != 1 || u->oob || u->peek_off >= 0)
		return NULL;
	m = list_first(&u->queue, struct unix_msg, link);
	return !m->scm && m->off < m->size && m->size - m->off >= (uint32_t)s->rcvlowat ? m : NULL;
}

bool unix_grant(struct socket *s, struct grant *g)
{
	struct unix_sock *u = s->priv;
	struct unix_msg *m;
	uint8_t *to = NULL;

	if (!mutex_trylock(&u->read_lock))
		return false;
	unix_settle(u);
	spin_lock(&u->lock);
	m = grantable(s, u);
	if (m)
		to = grant_place(g, m->size - m->off);
	if (to) {
		memcpy(to, m->data + m->off, m->size - m->off);
		if (grant_give(g, m->size - m->off))
			__atomic_store_n(&u->grant, g, __ATOMIC_RELEASE);
		else
			to = NULL;
	}
	/* Whoever comes to wait there looks for grants afterwards. */
	if (to && waitq_asks(&m->from->wr, POLL_OUT_KEYS)) {
		__atomic_store_n(&u->grant, NULL, __ATOMIC_RELEASE);
		(void)grant_used(g);
	}
	spin_unlock(&u->lock);
	mutex_unlock(&u->read_lock);
	return to;
}

void unix_grant_over(struct socket *s, struct grant *g)
{
	struct unix_sock *u = s->priv;

	if (__atomic_load_n(&u->grant, __ATOMIC_ACQUIRE) == g)
		unix_settle_slow(u);
}
