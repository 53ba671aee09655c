/* SPDX-License-Identifier: Apache-2.0 */
/* TCP: bytes from socket to socket, and readiness.
 *
 * A queue takes what the receiver's and the sender's buffer sizes add up to.
 * When all queues together hold much, each may hold little: the kernel's
 * memory is bounded by the number of sockets. */
#include "kernel/net/inet/tcp.h"

#define AUTO_LIMIT (2u << 20)           /* sizes nobody set */
#define PRESSURE (96u << 20)
#define PRESSURE_LIMIT 65536u

/* Free bytes in the queue of `to` for a sender with this buffer. */
uint64_t tcp_room(struct tcp_sock *to, int32_t sndbuf)
{
	uint64_t limit = (to->rcvbuf ? (uint64_t)to->rcvbuf : AUTO_LIMIT / 2) +
			 (sndbuf ? (uint64_t)sndbuf : AUTO_LIMIT / 2);

	if (tcp_queue_total() > PRESSURE)
		limit = MIN(limit, (uint64_t)PRESSURE_LIMIT);
	return limit > to->rq.bytes ? limit - to->rq.bytes : 0;
}

/* A third free: worth waking a writer for. */
static bool roomy(struct tcp_sock *to, int32_t sndbuf)
{
	return tcp_room(to, sndbuf) >= to->rq.bytes / 2 + 1;
}

/* ---- sending ---- */

static bool can_send(struct tcp_sock *t, struct tcp_sock *peer)
{
	bool ok;

	spin_lock(&t->lock);
	ok = t->error || t->shutdown & TCP_SHUT_SEND || t->state == TCP_CLOSE;
	spin_unlock(&t->lock);
	if (ok)
		return true;
	spin_lock(&peer->lock);
	ok = peer->orphan || roomy(peer, t->sndbuf);
	if (!ok)
		peer->full = true;
	spin_unlock(&peer->lock);
	return ok;
}

static int send_state(struct tcp_sock *t)
{
	int err = 0;

	spin_lock(&t->lock);
	if (t->error) {
		err = -t->error;
		t->error = 0;
	} else if (t->shutdown & TCP_SHUT_SEND || !tcp_connected(t->state)) {
		err = -EPIPE;
	}
	spin_unlock(&t->lock);
	return err;
}

static void mark_urgent(struct tcp_sock *peer, uint8_t byte)
{
	/* The byte that was just appended. */
	peer->urg_seq = peer->rcv_seq - 1;
	peer->urg_byte = byte;
	peer->urg_here = peer->urg_valid = true;
}

/* One piece into the peer's queue: bytes moved, 0: full, or an error. */
static long send_piece(struct tcp_sock *t, struct tcp_sock *peer, struct sock_msg *m)
{
	struct tcp_chunk *c, *fresh = NULL;
	size_t n, got;
	uint64_t room;
	bool gone;

	spin_lock(&peer->lock);
	gone = peer->orphan || peer->state == TCP_CLOSE;
	room = gone ? 0 : tcp_room(peer, t->sndbuf);
	c = room ? tcp_queue_tail(&peer->rq) : NULL;
	spin_unlock(&peer->lock);
	if (gone) {
		/* What arrives at a closed socket is answered by RST. */
		n = m->it->left;
		tcp_receive_rst(peer, t);
		tcp_receive_rst(t, peer);
		return (long)n;
	}
	if (!room)
		return 0;
	if (!c) {
		fresh = tcp_chunk_new(MIN((uint64_t)m->it->left, room));
		if (!fresh)
			return -ENOBUFS;
		c = fresh;
	}
	n = MIN((uint64_t)m->it->left, MIN((uint64_t)(c->cap - c->w), room));
	got = iter_copy_in(m->it, c->data + c->w, n);
	spin_lock(&peer->lock);
	if (fresh && got)
		tcp_queue_append(&peer->rq, fresh);
	if (got || !fresh)
		tcp_queue_wrote(&peer->rq, got);
	peer->rcv_seq += got;
	if (got && m->flags & MSG_OOB && !m->it->left)
		mark_urgent(peer, c->data[c->w - 1]);
	gone = peer->orphan;
	fresh = got ? gone ? tcp_queue_purge(&peer->rq) : NULL : fresh;
	spin_unlock(&peer->lock);
	tcp_chunks_free(fresh);
	if (!got)
		return -EFAULT;
	t->bytes_sent += got;
	if (gone)
		tcp_receive_rst(t, peer);
	return (long)got;
}

static int wait_connect(struct socket *s, struct tcp_sock *t, struct sock_msg *m, uint64_t deadline)
{
	int err;

	if (t->state != TCP_SYN_SENT)
		return 0;
	if (m->nonblock)
		return -EAGAIN;
	err = WAIT_EVENT(&t->wq, TASK_INTERRUPTIBLE, deadline, t->state != TCP_SYN_SENT);
	return err ? sock_wait_error(err, s->sndtimeo_ns) : 0;
}

long tcp_sendmsg(struct socket *s, struct sock_msg *m)
{
	struct tcp_sock *t = s->priv, *peer = NULL;
	uint64_t deadline = sock_deadline(s->sndtimeo_ns);
	long done = 0, n = 0;
	int err = wait_connect(s, t, m, deadline);

	if (!err)
		err = send_state(t);
	if (!err)
		peer = tcp_peer_get(t);
	if (!err && !peer)
		err = -EPIPE;
	if (err)
		return err;
	mutex_lock(&t->write_lock);
	while (m->it->left) {
		n = send_state(t);
		if (n)
			break;
		n = send_piece(t, peer, m);
		if (n > 0) {
			done += n;
			waitq_wake_all(&peer->wq, m->flags & MSG_OOB ? POLLIN | POLLRDNORM | POLLPRI :
							POLLIN | POLLRDNORM);
			if (t->state == TCP_CLOSE)
				break;  /* went to a closed socket */
			continue;
		}
		if (n < 0)
			break;
		if (m->nonblock) {
			if (can_send(t, peer))
				continue;
			n = -EAGAIN;
			break;
		}
		mutex_unlock(&t->write_lock);
		n = WAIT_EVENT(&t->wq, TASK_INTERRUPTIBLE, deadline, can_send(t, peer));
		mutex_lock(&t->write_lock);
		if (n) {
			n = sock_wait_error((int)n, s->sndtimeo_ns);
			break;
		}
	}
	mutex_unlock(&t->write_lock);
	tcp_put(peer);
	return done ? done : n;
}

/* ---- receiving ---- */

static bool readable_locked(struct tcp_sock *t)
{
	return t->rq.bytes > (t->urg_here && t->urg_seq == t->read_seq && !t->oobinline ? 1u : 0u);
}

/* Data, or nothing will ever come.  *ret: the verdict then, 1 = end of file. */
static bool can_recv(struct tcp_sock *t, uint64_t want, int *ret)
{
	bool ready = true;

	*ret = 0;
	spin_lock(&t->lock);
	if (readable_locked(t) && (t->rq.bytes >= want || t->urg_here)) {
		;
	} else if (t->done) {
		*ret = 1;
	} else if (t->error) {
		*ret = -t->error;
		t->error = 0;
	} else if (t->shutdown & TCP_SHUT_RCV) {
		*ret = 1;
	} else if (t->state == TCP_CLOSE || t->state == TCP_LISTEN) {
		*ret = t->peer ? 1 : -ENOTCONN;
	} else {
		ready = false;
	}
	if (*ret && readable_locked(t))
		*ret = 0;
	spin_unlock(&t->lock);
	return ready;
}

/* Step over an urgent byte that is not part of the stream, and say how far
 * reading may go before the mark. */
static uint64_t before_mark(struct tcp_sock *t, bool first, struct tcp_chunk **ret_free)
{
	if (!t->urg_here)
		return UINT64_MAX;
	if (t->urg_seq > t->read_seq)
		return t->urg_seq - t->read_seq;
	if (!first)
		return 0;
	if (t->urg_seq == t->read_seq && !t->oobinline && t->rq.bytes) {
		tcp_queue_read(&t->rq, 1, ret_free);
		t->read_seq++;
	}
	t->urg_here = t->urg_seq >= t->read_seq && !t->oobinline;
	if (!t->urg_here && t->oobinline)
		t->urg_valid = false;
	return UINT64_MAX;
}

/* What is here; read_lock held. */
static size_t read_here(struct tcp_sock *t, struct sock_msg *m, bool *fault)
{
	bool peek = m->flags & MSG_PEEK, wake = false;
	struct tcp_chunk *c, *freed = NULL;
	size_t done = 0, skip = 0;

	while (m->it->left) {
		size_t n, got;
		uint32_t from;
		uint64_t mark;

		spin_lock(&t->lock);
		mark = before_mark(t, !done, &freed);
		if (!peek)
			while (t->rq.head && t->rq.head->r == t->rq.head->w && t->rq.head->next)
				tcp_queue_read(&t->rq, 0, &freed);
		c = t->rq.head;
		for (size_t k = skip; c; c = c->next) {
			if (k < c->w - c->r) {
				skip = k;
				break;
			}
			k -= c->w - c->r;
		}
		from = c ? c->r + (uint32_t)(peek ? skip : 0) : 0;
		n = c ? MIN((uint64_t)(c->w - from), MIN((uint64_t)m->it->left, mark)) : 0;
		spin_unlock(&t->lock);
		if (!n)
			break;
		if (m->flags & MSG_TRUNC && !peek) {    /* tcp(7): thrown away */
			got = n;
			m->it->left -= n;
		} else {
			got = iter_copy_out(m->it, c->data + from, n);
		}
		if (peek) {
			done += got;
			skip = done;
		} else {
			spin_lock(&t->lock);
			if (got)
				tcp_queue_read(&t->rq, got, &freed);
			t->read_seq += got;
			if (t->full && t->rq.bytes < AUTO_LIMIT && t->peer && roomy(t, t->peer->sndbuf)) {
				t->full = false;
				wake = true;
			}
			spin_unlock(&t->lock);
			done += got;
		}
		if (got < n) {
			*fault = true;
			break;
		}
		if (wake) {
			struct tcp_sock *p = tcp_peer_get(t);

			if (p)
				waitq_wake_all(&p->wq, POLLOUT | POLLWRNORM);
			tcp_put(p);
			wake = false;
		}
		tcp_chunks_free(freed);
		freed = NULL;
	}
	tcp_chunks_free(freed);
	return done;
}

static long recv_urgent(struct tcp_sock *t, struct sock_msg *m)
{
	uint8_t byte = 0;
	long err = 0;

	spin_lock(&t->lock);
	if (t->state == TCP_CLOSE && !t->peer)
		err = -ENOTCONN;
	else if (t->oobinline || !t->urg_here || (!t->urg_valid && !(t->done)))
		err = -EINVAL;
	else if (!t->urg_valid)
		err = -EINVAL;
	else
		byte = t->urg_byte;
	if (!err && !(m->flags & MSG_PEEK))
		t->urg_valid = false;
	spin_unlock(&t->lock);
	if (err)
		return err;
	m->ret_flags |= MSG_OOB;
	if (!m->it->left) {
		m->ret_flags |= MSG_TRUNC;
		return 0;
	}
	return iter_copy_out(m->it, &byte, 1) ? 1 : -EFAULT;
}

long tcp_recvmsg(struct socket *s, struct sock_msg *m)
{
	struct tcp_sock *t = s->priv;
	uint64_t deadline = sock_deadline(s->rcvtimeo_ns), target;
	bool fault = false, wait_all = m->flags & MSG_WAITALL && !(m->flags & MSG_PEEK);
	size_t done = 0;
	int verdict = 0, err = 0;

	if (t->state == TCP_LISTEN)
		return -ENOTCONN;
	if (m->flags & MSG_OOB)
		return recv_urgent(t, m);
	if (!m->it->left)
		return 0;
	target = m->flags & MSG_WAITALL ? m->it->left : MIN((size_t)s->rcvlowat, m->it->left);
	mutex_lock(&t->read_lock);
	for (;;) {
		bool ready = can_recv(t, m->flags & MSG_PEEK ? target : 1, &verdict);

		if (ready && !verdict)
			done += read_here(t, m, &fault);
		if (verdict || fault || !m->it->left || done >= target)
			break;
		if (done && !wait_all && m->flags & MSG_PEEK)
			break;
		if (ready && !done)
			continue;       /* an urgent byte was stepped over */
		if (m->nonblock) {
			err = -EAGAIN;
			break;
		}
		mutex_unlock(&t->read_lock);
		err = WAIT_EVENT(&t->wq, TASK_INTERRUPTIBLE, deadline,
				 can_recv(t, m->flags & MSG_PEEK ? target : 1, &verdict));
		mutex_lock(&t->read_lock);
		if (err) {
			err = sock_wait_error(err, s->rcvtimeo_ns);
			break;
		}
		if (verdict)
			break;
	}
	mutex_unlock(&t->read_lock);
	if (done)
		return (long)done;
	if (fault)
		return -EFAULT;
	return verdict < 0 ? verdict : err;
}

/* ---- readiness ---- */

static bool writable(struct tcp_sock *t)
{
	struct tcp_sock *p = tcp_peer_get(t);
	bool ok;

	if (!p)
		return true;
	spin_lock(&p->lock);
	ok = p->orphan || roomy(p, t->sndbuf);
	if (!ok)
		p->full = true;
	spin_unlock(&p->lock);
	tcp_put(p);
	return ok;
}

uint32_t tcp_poll(struct socket *s, struct poll_table *pt)
{
	struct tcp_sock *t = s->priv;
	uint32_t ev = 0;
	bool room;

	poll_wait(pt, &t->wq);
	room = writable(t);
	spin_lock(&t->lock);
	if (t->state == TCP_LISTEN) {
		if (!list_empty(&t->accept_queue))
			ev = POLLIN | POLLRDNORM;
		spin_unlock(&t->lock);
		return ev;
	}
	if (t->shutdown == TCP_SHUT_BOTH || t->state == TCP_CLOSE)
		ev |= POLLHUP;
	if (t->shutdown & TCP_SHUT_RCV)
		ev |= POLLIN | POLLRDNORM | POLLRDHUP;
	if (t->state != TCP_SYN_SENT) {
		if (readable_locked(t) && t->rq.bytes >= MIN((uint64_t)s->rcvlowat, (uint64_t)AUTO_LIMIT))
			ev |= POLLIN | POLLRDNORM;
		if (t->shutdown & TCP_SHUT_SEND || room)
			ev |= POLLOUT | POLLWRNORM;
		if (t->urg_here && t->urg_valid)
			ev |= POLLPRI;
	}
	if (t->error)
		ev |= POLLERR;
	spin_unlock(&t->lock);
	return ev;
}
