/* SPDX-License-Identifier: Apache-2.0 */
/* TCP: bytes from a socket's queue to the program, urgent data, readiness.
 *
 * Urgent data is one byte of the stream, the last one sent with MSG_OOB (tcp(7),
 * RFC 6093).  Reading stops before it, at the mark; the next read steps over
 * it, or with SO_OOBINLINE takes it as any other. */
#include "kernel/net/inet/tcp.h"

#define LOWAT_MAX (2u << 20)

static bool at_mark_locked(const struct tcp_sock *t) { return t->urg_here && t->urg_seq == t->read_seq; }

/* What a read would give. */
static uint64_t readable_locked(const struct tcp_sock *t)
{
	uint64_t n = tcp_queue_seen(&t->rq);

	return n && at_mark_locked(t) && !t->oobinline ? n - 1 : n;
}

/* Data behind the first `skip` bytes, or nothing will ever come.  *ret: the
 * verdict then, 1 = end of file. */
static bool can_recv(struct tcp_sock *t, uint64_t skip, uint64_t want, int *ret)
{
	bool ready = true;
	uint64_t n;

	*ret = 0;
	tcp_lock(t);
	n = readable_locked(t);
	n -= MIN(n, skip);
	if (n && (n >= want || t->urg_here)) {
		;
	} else if (t->done) {
		*ret = n ? 0 : 1;
	} else if (t->error) {
		if (!n) {
			*ret = -t->error;
			t->error = 0;
		}
	} else if (t->shutdown & TCP_SHUT_RCV) {
		*ret = n ? 0 : 1;
	} else if (t->state == TCP_CLOSE || t->state == TCP_LISTEN) {
		*ret = n ? 0 : t->peer ? 1 : -ENOTCONN;
	} else {
		ready = false;
	}
	spin_unlock(&t->lock);
	return ready;
}

/* A reader that stands before an urgent byte which is not part of the stream
 * goes past it.  lock held; returns how many bytes a look ahead skips. */
static unsigned pass_mark(struct tcp_sock *t, bool peek, struct tcp_chunk **ret_free)
{
	if (!at_mark_locked(t) || t->oobinline || !tcp_queue_seen(&t->rq))
		return 0;
	if (peek)
		return 1;
	tcp_queue_read(&t->rq, 1, ret_free);
	t->read_seq++;
	t->urg_here = t->urg_valid = false;
	return 0;
}

static void pass_lone_mark(struct tcp_sock *t)
{
	struct tcp_chunk *freed = NULL;

	tcp_lock(t);
	pass_mark(t, false, &freed);
	spin_unlock(&t->lock);
	tcp_chunks_free(freed);
}

/* Where byte number `skip` of the queue is, and how much follows it there. */
static struct tcp_chunk *find(struct tcp_sock *t, size_t skip, uint32_t *ret_from, size_t *ret_n)
{
	uint64_t seen = tcp_queue_seen(&t->rq);
	struct tcp_chunk *c;
	size_t k = skip;

	for (c = t->rq.head; c; c = c->next) {
		if (k < c->w - c->r)
			break;
		k -= c->w - c->r;
	}
	*ret_from = c ? c->r + (uint32_t)k : 0;
	*ret_n = c && seen > skip ? MIN((uint64_t)(c->w - *ret_from), seen - skip) : 0;
	return c;
}

/* n bytes were read; true: a writer or a closer waits for that.  lock held */
static bool consumed(struct tcp_sock *t, size_t n, struct tcp_chunk **ret_free)
{
	bool wake = false;

	if (n)
		tcp_queue_read(&t->rq, n, ret_free);
	t->read_seq += n;
	if (t->urg_here && t->read_seq > t->urg_seq)
		t->urg_here = t->urg_valid = false;
	if (t->full && t->peer && tcp_roomy(t, t->peer->sndbuf)) {
		t->full = false;
		wake = true;
	}
	if (t->awaited && tcp_fits(t)) {
		t->awaited = false;
		wake = true;
	}
	return wake;
}

static void wake_writer(struct tcp_sock *t)
{
	struct tcp_sock *p = tcp_peer_get(t);

	if (p)
		waitq_wake(&p->wq, 1, POLLOUT | POLLWRNORM);
	tcp_put(p);
}

/* The FIN that waited behind more than our buffer holds. */
static void late_fin(struct tcp_sock *t)
{
	struct tcp_sock *p = tcp_peer_get(t);

	if (p)
		tcp_receive_fin(t, p);
	tcp_put(p);
}

/* What is here; read_lock held. */
static size_t read_here(struct tcp_sock *t, struct sock_msg *m, bool *fault)
{
	bool peek = m->flags & MSG_PEEK, more = true, wake, fin;
	struct tcp_chunk *c, *freed = NULL;
	size_t done = 0, skip = 0, off = inet_peek_offset(&t->in, peek), n, got;
	uint32_t from;

	while (m->it->left && more) {
		tcp_lock(t);
		if (!done)
			skip = off + pass_mark(t, peek, &freed);
		if (!peek)
			while (t->rq.head && t->rq.head->r == t->rq.head->w && t->rq.head->next)
				tcp_queue_read(&t->rq, 0, &freed);
		c = find(t, skip, &from, &n);
		if (t->urg_here && t->urg_seq >= t->read_seq + skip && (done || t->urg_seq != t->read_seq + skip))
			n = MIN((uint64_t)n, t->urg_seq - t->read_seq - skip);
		spin_unlock(&t->lock);
		n = MIN(n, m->it->left);
		if (!n)
			break;
		if (m->flags & MSG_TRUNC) {             /* tcp(7): thrown away, looked at or not */
			got = n;
			m->it->left -= n;
		} else {
			got = iter_copy_out(m->it, c->data + from, n);
			if (got < n) {          /* a buffer is taken whole or not at all */
				*fault = true;
				break;
			}
		}
		done += got;
		wake = fin = false;
		if (peek) {
			skip += got;
		} else {
			tcp_lock(t);
			wake = consumed(t, got, &freed);
			fin = t->fin_due && tcp_fits(t);
			more = tcp_queue_seen(&t->rq);
			spin_unlock(&t->lock);
		}
		if (wake)
			wake_writer(t);
		if (fin)
			late_fin(t);
		tcp_chunks_free(freed);
		freed = NULL;
	}
	tcp_chunks_free(freed);
	inet_peek_move(&t->in, peek, done);
	return done;
}

static long recv_urgent(struct tcp_sock *t, struct sock_msg *m)
{
	uint8_t byte = 0;
	long err = 0;

	tcp_lock(t);
	if (t->oobinline || !t->urg_here || !t->urg_valid)
		err = -EINVAL;
	else if (t->state == TCP_CLOSE && !t->done)
		err = -ENOTCONN;
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

/* TCP_INQ: what is left, an end of file counting as one. */
static void tell_rest(struct tcp_sock *t, struct sock_msg *m)
{
	int32_t n;

	tcp_lock(t);
	n = (int32_t)tcp_queue_seen(&t->rq) + t->done;
	spin_unlock(&t->lock);
	sock_put_cmsg(m, IPPROTO_TCP, TCP_INQ, &n, sizeof n);
}

static bool at_mark(struct tcp_sock *t)
{
	bool yes;

	if (!t->urg_here)
		return false;
	tcp_lock(t);
	yes = at_mark_locked(t);
	spin_unlock(&t->lock);
	return yes;
}

static bool has_bytes(struct tcp_sock *t)
{
	bool yes;

	tcp_lock(t);
	yes = t->rq.bytes > t->rq.held;
	spin_unlock(&t->lock);
	return yes;
}

long tcp_recvmsg(struct socket *s, struct sock_msg *m)
{
	struct tcp_sock *t = s->priv;
	uint64_t deadline = sock_deadline(s->rcvtimeo_ns), target;
	bool fault = false, peek = m->flags & MSG_PEEK;
	size_t done = 0;
	int verdict = 0, err = 0;

	if (m->flags & MSG_ERRQUEUE)
		return inet_recv_error(s, &t->in, m, &verdict);
	if (t->state == TCP_LISTEN)
		return -ENOTCONN;
	if (m->flags & MSG_OOB)
		return recv_urgent(t, m);
	/* A read of nothing waits for something all the same. */
	target = MAX(m->flags & MSG_WAITALL ? m->it->left : MIN((size_t)s->rcvlowat, m->it->left), (size_t)1);
	if (!m->it->left && has_bytes(t))
		return 0;
	mutex_lock(&t->read_lock);
	/* Bytes come before any verdict. */
	if (!peek && !t->urg_here)
		done = read_here(t, m, &fault);
	while (!fault && done < target && !(done && at_mark(t))) {
		size_t off = inet_peek_offset(&t->in, peek);
		uint64_t want = peek && !m->nonblock && !err ? target : 1;
		bool ready = can_recv(t, off, want, &verdict);

		if (ready && !verdict)
			done += read_here(t, m, &fault);
		else if (!ready && !peek && t->urg_here)
			pass_lone_mark(t);
		if (verdict || fault || (ready && !m->it->left) || done >= target || (done && (peek || at_mark(t))))
			break;
		if (m->nonblock)
			err = -EAGAIN;
		if (err)
			break;
		mutex_unlock(&t->read_lock);
		err = WAIT_EVENT(&t->wq, TASK_INTERRUPTIBLE, deadline, can_recv(t, off, want, &verdict));
		mutex_lock(&t->read_lock);
		if (err)
			err = sock_wait_error(err, s->rcvtimeo_ns);
		if (err && !peek)       /* a look takes less than it wished for */
			break;
		if (verdict)
			break;
	}
	mutex_unlock(&t->read_lock);
	if (verdict == 1 && !peek && t->done)
		t->fin_read = true;
	if (done && sock_wants_times(s))
		sock_put_times(s, m, vfs_now_ns() - (int64_t)(plat_time_mono_ns() - t->last_received_ns), true);
	if (t->opt[TCP_INQ] && (done || verdict == 1))
		tell_rest(t, m);
	if (done)
		return (long)done;
	if (fault)
		return -EFAULT;
	return verdict < 0 ? verdict : err;
}

/* ---- reads in advance ---- */

void tcp_grant_settle(struct tcp_sock *t)
{
	struct grant *g = t->grant;
	struct tcp_chunk *none = NULL;

	t->grant = NULL;
	if (!grant_used(g))
		return;
	tcp_queue_read(&t->rq, g->size, &none);
	t->read_seq += g->size;
	KASSERT(!none);
}

/* Nobody waits for what a read makes room for, and nothing but bytes is there. */
bool tcp_grant(struct socket *s, struct grant *g)
{
	struct tcp_sock *t = s->priv;
	struct tcp_chunk *c;
	uint8_t *to = NULL;

	if (!mutex_trylock(&t->read_lock))
		return false;
	tcp_lock(t);
	c = tcp_queue_whole(&t->rq);
	if (c && !t->full && !t->awaited && !t->fin_due && !t->urg_here && t->rq.bytes >= (uint64_t)s->rcvlowat &&
	    __atomic_load_n(&t->in.peek_off, __ATOMIC_RELAXED) < 0)
		to = grant_place(g, t->rq.bytes);
	if (to) {
		memcpy(to, c->data + c->r, t->rq.bytes);
		if (grant_give(g, t->rq.bytes))
			t->grant = g;
		else
			to = NULL;
	}
	spin_unlock(&t->lock);
	mutex_unlock(&t->read_lock);
	return to;
}

void tcp_grant_over(struct socket *s, struct grant *g)
{
	struct tcp_sock *t = s->priv;

	spin_lock(&t->lock);
	if (t->grant == g)
		tcp_grant_settle(t);
	spin_unlock(&t->lock);
}

/* ---- readiness ---- */

uint32_t tcp_poll(struct socket *s, struct poll_table *pt)
{
	struct tcp_sock *t = s->priv;
	uint32_t ev = 0;
	bool room;

	poll_wait(pt, &t->wq);
	tcp_lock(t);
	room = tcp_can_write_at_once(t);
	if (!room) {
		spin_unlock(&t->lock);
		room = tcp_can_write(t);
		tcp_lock(t);
	}
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
		if (readable_locked(t) >= MIN((uint64_t)s->rcvlowat, (uint64_t)LOWAT_MAX))
			ev |= POLLIN | POLLRDNORM;
		if (t->shutdown & TCP_SHUT_SEND || room)
			ev |= POLLOUT | POLLWRNORM;
		if (t->urg_here && t->urg_valid)
			ev |= POLLPRI;
	} else if (t->lazy) {
		ev |= POLLOUT | POLLWRNORM;
	}
	if (t->error || inet_errors_any(&t->in))
		ev |= POLLERR;
	spin_unlock(&t->lock);
	return ev;
}
