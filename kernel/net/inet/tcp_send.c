/* SPDX-License-Identifier: Apache-2.0 */
/* TCP: bytes from a program into the queue of the peer.
 *
 * A queue takes what the receiver's and the sender's buffer sizes add up to.
 * When all queues together hold much, each may hold little: the kernel's
 * memory is bounded by the number of sockets.
 *
 * Bytes that TCP_CORK or MSG_MORE hold back are in the peer's queue, but it
 * does not see them (tcp_queue.held) until tcp_push(), a full segment or the
 * timer after 200 ms. */
#include "kernel/net/inet/dgram.h"
#include "kernel/net/inet/tcp.h"
#include "kernel/net/packet.h"

#define AUTO_LIMIT (2u << 20)           /* sizes nobody set */
#define PRESSURE (96u << 20)
#define PRESSURE_LIMIT 65536u
#define PRESSURE_HIGH (192u << 20)
#define PRESSURE_LEAST 2048u            /* so that everybody goes on */
#define HELD_NS (200 * NSEC_PER_MSEC)
#define COPY_PIECE 32768u               /* what Linux copies at once */
#define READER_FIRST 262144u            /* more leaves the processor's cache before it is read */

/* Free bytes in the queue of `to`, which holds so many, for a sender with this buffer. */
static uint64_t room_beside(const struct tcp_sock *to, uint64_t bytes, int32_t sndbuf)
{
	int32_t rcvbuf = __atomic_load_n(&to->rcvbuf, __ATOMIC_RELAXED);
	uint64_t limit = (rcvbuf ? (uint64_t)rcvbuf : AUTO_LIMIT / 2) + (sndbuf ? (uint64_t)sndbuf : AUTO_LIMIT / 2);

	if (tcp_queue_total() > PRESSURE)
		limit = MIN(limit, (uint64_t)(tcp_queue_total() > PRESSURE_HIGH ? PRESSURE_LEAST : PRESSURE_LIMIT));
	return limit > bytes ? limit - bytes : 0;
}

uint64_t tcp_room(struct tcp_sock *to, int32_t sndbuf) { return room_beside(to, to->rq.bytes, sndbuf); }

/* A third free, of all or of what the program gave the sender. */
static bool roomy_beside(const struct tcp_sock *to, uint64_t bytes, int32_t sndbuf)
{
	uint64_t enough = sndbuf ? MIN(bytes / 2, (uint64_t)sndbuf / 3) : bytes / 2;

	return room_beside(to, bytes, sndbuf) >= enough + 1;
}

bool tcp_roomy(struct tcp_sock *to, int32_t sndbuf) { return roomy_beside(to, to->rq.bytes, sndbuf); }

/* lock of `to` held */
static uint64_t unsent_to(const struct tcp_sock *to)
{
	uint64_t own = (uint64_t)(to->rcvbuf ? to->rcvbuf : to->rcvbuf_first);

	return MAX(to->rq.held, to->rq.bytes > own ? to->rq.bytes - own : 0);
}

uint64_t tcp_unsent(struct tcp_sock *t)
{
	struct tcp_sock *p = tcp_peer_get(t);
	uint64_t n;

	if (!p)
		return 0;
	tcp_lock(p);
	n = p->orphan || p->state == TCP_CLOSE ? 0 : unsent_to(p);
	if (n)
		p->awaited = true;
	spin_unlock(&p->lock);
	tcp_put(p);
	return n;
}

void tcp_push(struct tcp_sock *t)
{
	struct tcp_sock *p = tcp_peer_get(t);
	bool any;

	if (!p)
		return;
	tcp_lock(p);
	any = p->rq.held;
	p->rq.held = 0;
	spin_unlock(&p->lock);
	if (any)
		waitq_wake(&p->wq, 1, POLLIN | POLLRDNORM);
	tcp_put(p);
}

bool tcp_can_write_at_once(const struct tcp_sock *t)
{
	const struct tcp_sock *p = t->peer;

	return !p || (t->notsent <= 0 &&
		      roomy_beside(p, __atomic_load_n(&p->rq.bytes, __ATOMIC_RELAXED), t->sndbuf));
}

bool tcp_can_write(struct tcp_sock *t)
{
	struct tcp_sock *p = tcp_peer_get(t);
	int32_t low = t->notsent;
	bool ok;

	if (!p)
		return true;
	tcp_lock(p);
	ok = p->orphan || tcp_roomy(p, t->sndbuf);
	if (!ok)
		p->full = true;
	if (ok && low > 0 && unsent_to(p) >= (uint64_t)low) {
		ok = false;
		p->awaited = true;
	}
	spin_unlock(&p->lock);
	tcp_put(p);
	return ok;
}

static bool can_send(struct tcp_sock *t, struct tcp_sock *peer)
{
	bool ok;

	tcp_lock(t);
	ok = t->error || t->shutdown & TCP_SHUT_SEND || t->state == TCP_CLOSE;
	spin_unlock(&t->lock);
	if (ok)
		return true;
	tcp_lock(peer);
	ok = peer->orphan || tcp_roomy(peer, t->sndbuf);
	if (!ok)
		peer->full = true;
	spin_unlock(&peer->lock);
	return ok;
}

static int send_state(struct tcp_sock *t, struct tcp_sock **ret_peer)
{
	int err = 0;

	tcp_lock(t);
	if (t->error) {
		err = -t->error;
		t->error = 0;
	} else if (t->shutdown & TCP_SHUT_SEND || !tcp_connected(t->state) || !t->peer) {
		err = -EPIPE;
	} else if (ret_peer) {
		*ret_peer = tcp_get(t->peer);
	}
	spin_unlock(&t->lock);
	return err;
}

/* The byte just appended is urgent; lock of its receiver held.  An older one
 * that was not read becomes part of the stream (only readers take bytes out). */
static void mark_urgent(struct tcp_sock *peer, uint8_t byte)
{
	peer->urg_seq = peer->rcv_seq - 1;
	peer->urg_byte = byte;
	peer->urg_here = peer->urg_valid = true;
}

/* Remember since when the receiver is behind: TCP_USER_TIMEOUT. */
static void watch_stall(struct tcp_sock *t, uint64_t peer_read_seq)
{
	if (!t->due[TCP_TIMER_STALL])
		t->stall_seq = peer_read_seq;
	tcp_timer_set(t, TCP_TIMER_STALL, plat_time_mono_ns() + (uint64_t)t->opt[TCP_USER_TIMEOUT] * NSEC_PER_MSEC);
}

/* Times of what is sent: SO_TIMESTAMPING. */
struct stamps { struct sock_control c; bool wanted, body; struct frame f; uint8_t *copy; };

/* The segment that is told of is the last one. */
static void keep_body(struct stamps *st, struct tcp_sock *t, struct tcp_sock *peer, const uint8_t *p, size_t n)
{
	struct frame_tcp head = { .flags = FRAME_PSH | FRAME_ACK };
	size_t keep = n - (n - 1) / TCP_MSS * TCP_MSS;

	tcp_numbers(t, peer, n - keep, &head);
	kfree(st->copy);
	st->copy = kmalloc(keep);
	if (!st->copy)
		return;
	memcpy(st->copy, p + n - keep, keep);
	frame_tcp(&st->f, &t->in.local, &t->in.remote, &head, st->copy, keep);
}

static void tell_stamps(struct socket *s, struct tcp_sock *t, struct stamps *st)
{
	struct dgram head = { .from = t->in.local, .to = t->in.remote, .ttl = net_ttl(t->in.ns, ip_is_v4(&t->in.remote.ip)) };
	uint32_t first = __atomic_load_n(&t->in.errors.stamp_next, __ATOMIC_RELAXED);

	inet_tell_stamps(s, &t->in, &t->wq, &st->c, &head, st->copy ? &st->f : NULL, (uint32_t)t->bytes_sent - 1 - first);
}

/* One piece into the peer's queue: bytes moved, 0: full, or an error.  hold: the
 * last part of a segment is not to be seen yet. */
static long send_piece(struct tcp_sock *t, struct tcp_sock *peer, struct sock_msg *m, bool hold, struct stamps *st)
{
	struct tcp_chunk *c, *fresh = NULL;
	size_t n, got;
	uint64_t room, seq, queued;
	bool gone, behind, defers, lends;

	tcp_lock(peer);
	/* Closed, or another thread disconnected one of us and it is somebody
	 * else's by now. */
	gone = peer->orphan || peer->state == TCP_CLOSE || peer->peer != t;
	/* Shut both ways: what comes is answered by RST (RFC 1122, 4.2.2.13). */
	gone |= peer->state == TCP_FIN_WAIT2 && peer->shutdown & TCP_SHUT_RCV;
	room = gone ? 0 : tcp_room(peer, t->sndbuf);
	seq = peer->read_seq;
	queued = peer->rq.bytes;
	n = MIN((uint64_t)m->it->left, room);
	lends = m->it->source && n >= ITER_LEND_MIN;
	c = room && !lends ? tcp_queue_tail(&peer->rq, n) : NULL;
	spin_unlock(&peer->lock);
	if (gone) {
		/* What arrives at a closed socket is answered by RST; a buffer's worth
		 * is sent before that is seen. */
		n = MIN(m->it->left, t->sndbuf ? (size_t)t->sndbuf : (size_t)AUTO_LIMIT);
		m->it->left = 0;
		tcp_receive_rst(peer, t);
		tcp_receive_rst(t, peer);
		return (long)n;
	}
	if (!room) {
		if (t->opt[TCP_USER_TIMEOUT])
			watch_stall(t, seq);
		return 0;
	}
	if (lends)
		c = fresh = tcp_chunk_lent(m->it, n);
	lends = c && lends;
	if (!c) {
		c = fresh = tcp_chunk_new(MIN(MAX(n, queued), room));
		if (!c)
			return -ENOBUFS;
	}
	n = MIN(n, (size_t)(c->cap - c->w));
	got = lends ? n : iter_copy_in(m->it, c->data + c->w, n);
	if (got < n)                    /* a fault: a piece is copied whole or not at all */
		got -= got % COPY_PIECE;
	if (got && packet_watched(t->in.ns))
		tcp_show(t, peer, FRAME_PSH | FRAME_ACK, c->data + c->w, got);
	if (got && st->body)
		keep_body(st, t, peer, c->data + c->w, got);
	tcp_lock(peer);
	if (fresh && got)
		tcp_queue_append(&peer->rq, fresh);
	if (got || !fresh)
		tcp_queue_wrote(&peer->rq, got);
	fresh = got ? NULL : fresh;
	peer->rcv_seq += got;
	peer->rq.held = hold ? (peer->rq.held + got) % TCP_MSS : 0;
	if (got && m->flags & MSG_OOB && !m->it->left)
		mark_urgent(peer, c->data[c->w - 1]);
	gone = peer->orphan;
	if (gone)
		fresh = tcp_queue_purge(&peer->rq);
	behind = unsent_to(peer) > peer->rq.held;
	defers = peer->defers;
	spin_unlock(&peer->lock);
	tcp_chunks_free(fresh);
	if (!got)
		return -EFAULT;
	t->bytes_sent += got;
	t->last_sent_ns = peer->last_received_ns = sched_entered_ns();
	t->segs_out++;
	peer->segs_in++;
	if (defers)
		tcp_defer_done(peer);
	if (behind && t->opt[TCP_USER_TIMEOUT])
		watch_stall(t, seq);
	if (gone)
		tcp_receive_rst(t, peer);
	return (long)got;
}

static void tell_urgent(struct tcp_sock *peer)
{
	struct file *f;

	tcp_lock(peer);
	f = peer->file && ref_get_unless_zero(&peer->file->ref) ? peer->file : NULL;
	spin_unlock(&peer->lock);
	if (!f)
		return;
	sigio_urgent(f);
	file_put(f);
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
	bool hold = (m->flags & MSG_MORE || t->opt[TCP_CORK]) && !(m->flags & MSG_OOB);
	uint32_t key = POLLIN | POLLRDNORM | (m->flags & MSG_OOB ? POLLPRI : 0);
	uint64_t deadline = sock_deadline(s->sndtimeo_ns);
	long done = 0, n = 0;
	struct dgram *note = NULL;
	struct stamps st = { 0 };
	int err = sock_control(s, m, &st.c);

	if (err)
		return err;
	st.wanted = inet_wants_stamps(s, &st.c, &st.body);
	st.body &= st.wanted;
	if (m->flags & MSG_FASTOPEN || unlikely(t->lazy))
		err = tcp_fastopen_send(s, t, m);
	if (!err)
		err = wait_connect(s, t, m, deadline);
	if (!err)
		err = send_state(t, &peer);
	if (!err)
		err = inet_zerocopy_begin(s, &t->in, m, &note);
	if (err || !peer) {
		tcp_put(peer);
		return err;
	}
	mutex_lock(&t->write_lock);
	while (m->it->left) {
		n = done ? send_state(t, NULL) : 0;
		if (n)
			break;
		n = send_piece(t, peer, m, hold, &st);
		if (n > 0) {
			done += n;
			if (!hold || tcp_queue_seen(&peer->rq))
				waitq_wake(&peer->wq, 1, key);
			if (t->state == TCP_CLOSE)
				break;  /* went to a closed socket */
			continue;
		}
		if (n < 0)
			break;
		if (m->nonblock) {
			n = can_send(t, peer) ? send_state(t, NULL) : -EAGAIN;
			if (n)
				break;
			continue;
		}
		mutex_unlock(&t->write_lock);
		n = WAIT_EVENT(&t->wq, TASK_INTERRUPTIBLE, deadline, can_send(t, peer));
		mutex_lock(&t->write_lock);
		if (n) {
			n = sock_wait_error((int)n, s->sndtimeo_ns);
			break;
		}
		n = send_state(t, NULL);
		if (n)
			break;
	}
	if (st.wanted && done)
		tell_stamps(s, t, &st);
	inet_zerocopy_end(&t->in, &t->wq, note, done);
	kfree(st.copy);
	mutex_unlock(&t->write_lock);
	if (hold && done)
		tcp_timer_set(t, TCP_TIMER_FLUSH, plat_time_mono_ns() + HELD_NS);
	else if (!hold && t->due[TCP_TIMER_FLUSH])
		tcp_timer_clear(t, TCP_TIMER_FLUSH);
	if (done && m->flags & MSG_OOB)
		tell_urgent(peer);
	/* Who reads them may be waiting for this CPU. */
	if (__atomic_load_n(&peer->rq.bytes, __ATOMIC_RELAXED) >= READER_FIRST)
		sched_yield_soon();
	tcp_put(peer);
	return done ? done : n;
}
