/* SPDX-License-Identifier: Apache-2.0 */
/* TCP: life and death of sockets; what FIN and RST do (RFC 9293, tcp(7)). */
#include "kernel/net/inet/tcp.h"
#include "kernel/net/packet.h"

struct tcp_sock *tcp_new(struct socket *s)
{
	struct tcp_sock *t = kzalloc(sizeof *t);

	if (!t)
		return NULL;
	inet_sock_init(&t->in, s, PROTO_TCP);
	waitq_init(&t->wq);
	mutex_init(&t->read_lock);
	mutex_init(&t->write_lock);
	list_init(&t->accept_queue);
	list_init(&t->syn_queue);
	list_init(&t->deferred);
	list_init(&t->link);
	tcp_timers_init(t);
	t->state = TCP_CLOSE;
	tcp_opt_defaults(t);
	inet_sock_publish(&t->in);
	return t;
}

struct tcp_sock *tcp_get(struct tcp_sock *t)
{
	ref_get(&t->in.ref);
	return t;
}

/* A socket that was connected sent a segment to open (its peer: to accept) and one to close besides those with data. */
void tcp_tally(const struct tcp_sock *t, struct net_tally *to)
{
	bool v6 = !ip_is_v4(&t->in.local.ip);
	uint64_t n = t->segs_out + (t->start_ns ? 3 : 0);

	net_tally(&to->tcp_segments, n);
	net_tally(&to->packets[v6], n);
	net_tally(&to->bytes[v6], t->bytes_sent + n * (v6 ? 72 : 52));
}

void tcp_put(struct tcp_sock *t)
{
	while (t && ref_put(&t->in.ref)) {
		struct tcp_sock *peer = t->peer;        /* only after a lost race */

		tcp_tally(t, &t->in.ns->tally);
		inet_sock_fini(&t->in);
		tcp_chunks_free(tcp_queue_purge(&t->rq));
		kfree(t);
		t = peer;
	}
}

struct tcp_sock *tcp_peer_get(struct tcp_sock *t)
{
	struct tcp_sock *p;

	tcp_lock(t);
	p = t->peer;
	if (p)
		tcp_get(p);
	spin_unlock(&t->lock);
	return p;
}

/* t is in TCP_CLOSE for good.  Gives back the port that nobody asked for by
 * bind(), and an orphan lets go of everything. */
static void tcp_over(struct tcp_sock *t)
{
	struct tcp_sock *peer = NULL;
	bool orphan;

	tcp_lock(t);
	orphan = t->orphan;
	if (orphan) {
		peer = t->peer;
		t->peer = NULL;
	}
	spin_unlock(&t->lock);
	if (orphan)
		inet_release_port(&t->in);
	else
		inet_release_chosen_port(&t->in);
	tcp_put(peer);
}

void tcp_receive_fin(struct tcp_sock *t, struct tcp_sock *from)
{
	bool over = false, news;

	tcp_lock(t);
	if (!tcp_connected(t->state) || t->done || t->peer != from) {
		spin_unlock(&t->lock);
		return;
	}
	news = t->rq.held;
	t->rq.held = 0;                 /* the FIN is behind all of it */
	t->fin_due = !tcp_fits(t);
	if (t->fin_due) {
		spin_unlock(&t->lock);
		if (news)
			waitq_wake_all(&t->wq, POLLIN | POLLRDNORM);
		return;
	}
	t->done = true;
	t->shutdown |= TCP_SHUT_RCV;
	if (t->state == TCP_ESTABLISHED) {
		t->state = TCP_CLOSE_WAIT;
	} else {                        /* FIN_WAIT2: we closed first and wait */
		t->state = TCP_CLOSE;
		t->shutdown = TCP_SHUT_BOTH;
		over = true;
	}
	spin_unlock(&t->lock);
	if (from && packet_watched(t->in.ns))
		tcp_show(from, t, FRAME_FIN | FRAME_ACK, NULL, 0);
	if (over && !inet_gone(&t->in, plat_time_mono_ns()))
		inet_time_wait_add(&t->in);
	if (t->defers)
		tcp_defer_done(t);
	waitq_wake_all(&t->wq, 0);
	if (over)
		tcp_over(t);
}

/* t's connection, in this state, was reset; own: by its other side, which resets its own end. */
static void tally_reset(struct tcp_sock *t, uint8_t state, bool own)
{
	struct net_tally *n = &t->in.ns->tally;

	net_tally(&n->out_resets, 1);
	if (state == TCP_SYN_SENT)
		net_tally(&n->attempt_fails, 1);
	else
		net_tally(&n->estab_resets, (unsigned)(state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT) +
			  (own && state != TCP_CLOSE_WAIT));
}

void tcp_receive_rst(struct tcp_sock *t, struct tcp_sock *from)
{
	uint8_t state;

	tcp_lock(t);
	if (t->state == TCP_CLOSE || t->state == TCP_LISTEN || t->peer != from) {
		spin_unlock(&t->lock);
		return;
	}
	state = t->state;
	t->error = state == TCP_SYN_SENT ? ECONNREFUSED : state == TCP_CLOSE_WAIT ? EPIPE : ECONNRESET;
	t->state = TCP_CLOSE;
	t->shutdown = TCP_SHUT_BOTH;
	spin_unlock(&t->lock);
	tally_reset(t, state, from);
	if (from && packet_watched(t->in.ns))
		tcp_show(from, t, FRAME_RST | FRAME_ACK, NULL, 0);
	waitq_wake_all(&t->wq, 0);
	tcp_over(t);
	if (t->defers)
		tcp_defer_reset(t);
}

void tcp_give_up(struct tcp_sock *t, bool syn)
{
	bool was;

	tcp_lock(t);
	was = syn ? t->state == TCP_SYN_SENT : tcp_connected(t->state);
	if (was) {
		t->error = ETIMEDOUT;
		t->state = TCP_CLOSE;
		t->shutdown = TCP_SHUT_BOTH;
	}
	spin_unlock(&t->lock);
	if (!was)
		return;
	if (syn) {
		tcp_syn_cancel(t);
		net_tally(&t->in.ns->tally.attempt_fails, 1);
	}
	waitq_wake_all(&t->wq, 0);
	tcp_over(t);
}

/* Our FIN, by shutdown() or close().  lock held; true: it has to be told to the
 * peer. */
static bool send_fin_locked(struct tcp_sock *t)
{
	if (t->state == TCP_ESTABLISHED) {
		t->state = TCP_FIN_WAIT2;
	} else if (t->state == TCP_CLOSE_WAIT) {
		t->state = TCP_CLOSE;
		t->shutdown = TCP_SHUT_BOTH;
	} else {
		return false;
	}
	t->shutdown |= TCP_SHUT_SEND;
	return true;
}

static void send_fin(struct tcp_sock *t)
{
	struct tcp_sock *peer = NULL;
	bool fin, over;

	tcp_lock(t);
	fin = send_fin_locked(t);
	over = fin && t->state == TCP_CLOSE;
	/* Taken with the change of state: whoever sees that may let go of it. */
	if (fin)
		peer = tcp_get(t->peer);
	spin_unlock(&t->lock);
	if (fin)
		tcp_receive_fin(peer, t);
	tcp_put(peer);
	if (over)
		tcp_over(t);
}

int tcp_shutdown(struct socket *s, int how)
{
	struct tcp_sock *t = s->priv;
	uint8_t mask = how == SHUT_RD ? TCP_SHUT_RCV : how == SHUT_WR ? TCP_SHUT_SEND : TCP_SHUT_BOTH;
	int err = 0;

	tcp_lock(t);
	switch ((unsigned)t->state) {
	case TCP_LISTEN:
		spin_unlock(&t->lock);
		if (mask & TCP_SHUT_RCV)
			tcp_listener_close(t);
		else
			waitq_wake_all(&t->wq, 0);
		return 0;
	case TCP_SYN_SENT:
		spin_unlock(&t->lock);
		tcp_disconnect(t);
		return 0;
	case TCP_CLOSE:
		err = -ENOTCONN;        /* seen by poll(2) all the same */
		t->given_up |= t->connecting;
	}
	t->connecting = false;
	t->shutdown |= mask;
	spin_unlock(&t->lock);
	if (!err && mask & TCP_SHUT_SEND)
		send_fin(t);
	waitq_wake_all(&t->wq, 0);
	return err;
}

void tcp_disconnect(struct tcp_sock *t)
{
	struct tcp_sock *peer;
	struct tcp_chunk *c;
	bool reset, hopeful = t->state == TCP_SYN_SENT, never = t->state == TCP_CLOSE && !t->peer;

	tcp_syn_cancel(t);
	mutex_lock(&t->read_lock);
	tcp_lock(t);
	reset = tcp_connected(t->state);
	peer = t->peer;
	t->peer = NULL;
	t->state = TCP_CLOSE;
	t->shutdown = 0;
	t->done = t->fin_read = false;
	t->fin_due = t->connecting = t->given_up = false;
	t->fast = FAST_NOT;
	t->fast_data = t->syn_data = false;
	if (reset || hopeful)
		t->error = ECONNRESET;
	t->urg_here = t->urg_valid = false;
	memset(t->due, 0, sizeof t->due);
	c = tcp_queue_purge(&t->rq);
	spin_unlock(&t->lock);
	mutex_unlock(&t->read_lock);
	tcp_chunks_free(c);
	if (peer && reset)
		tcp_receive_rst(peer, t);
	tcp_put(peer);
	spin_lock(&t->in.ns->lock);
	memset(&t->in.remote, 0, sizeof t->in.remote);
	t->in.remote.ip = t->in.family == AF_INET ? ip_any4 : ip_any6;
	if (!t->in.addr_locked)
		t->in.local.ip = t->in.remote.ip;
	spin_unlock(&t->in.ns->lock);
	if (!never)
		inet_release_chosen_port(&t->in);
	waitq_wake_all(&t->wq, 0);
}

/* Also for connections that were never accepted. */
static void tcp_close(struct tcp_sock *t, bool hard)
{
	struct tcp_sock *peer;
	struct tcp_chunk *c;
	bool reset = false, fin = false, over, waited, waits;

	tcp_syn_cancel(t);
	if (t->state == TCP_LISTEN)
		tcp_listener_close(t);
	tcp_timers_off(t);
	tcp_lock(t);
	t->orphan = true;
	if (tcp_connected(t->state)) {
		/* Unread data is lost: the sender learns it (RFC 2525, 2.17). */
		reset = hard || t->rq.bytes;
		if (reset)
			t->state = TCP_CLOSE;
		else
			fin = send_fin_locked(t);
	}
	over = t->state == TCP_CLOSE;
	waits = t->state == TCP_FIN_WAIT2;
	t->shutdown = TCP_SHUT_BOTH;
	waited = t->full || t->awaited;
	c = tcp_queue_purge(&t->rq);
	peer = t->peer ? tcp_get(t->peer) : NULL;
	spin_unlock(&t->lock);
	tcp_chunks_free(c);
	if (waits)
		inet_gone_after(&t->in, (uint64_t)MAX(t->opt[TCP_LINGER2], 0) * NSEC_PER_SEC);
	if (peer && reset)
		tcp_receive_rst(peer, t);
	else if (peer && fin)
		tcp_receive_fin(peer, t);
	if (peer && waited)
		waitq_wake_all(&peer->wq, 0);   /* a writer that waits for room */
	tcp_put(peer);
	if (over)
		tcp_over(t);
}

void tcp_abort(struct tcp_sock *t)
{
	tcp_close(t, true);
	tcp_put(t);
}

/* SO_LINGER: the FIN is sent, and close() waits until the peer's buffer holds
 * all, or until the time is up.  A process on its way out does not wait. */
static void linger(struct tcp_sock *t, uint32_t seconds)
{
	bool lost;

	tcp_lock(t);
	lost = !tcp_connected(t->state) || t->rq.bytes;
	spin_unlock(&t->lock);
	if (lost || current_task()->exiting)
		return;
	send_fin(t);
	(void)WAIT_EVENT(&t->wq, TASK_INTERRUPTIBLE, sock_deadline(seconds * NSEC_PER_SEC), !tcp_unsent(t));
}

void tcp_release(struct socket *s)
{
	struct tcp_sock *t = s->priv;

	if (!t)
		return;
	tcp_lock(t);
	t->file = NULL;
	spin_unlock(&t->lock);
	if (s->linger.onoff && s->linger.linger)
		linger(t, (uint32_t)s->linger.linger);
	tcp_close(t, s->linger.onoff && !s->linger.linger);
	tcp_put(t);
}
