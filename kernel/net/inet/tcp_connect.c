/* SPDX-License-Identifier: Apache-2.0 */
/* TCP: listening, connecting, accepting.
 *
 * A connection is made by the one who connects, and waits in the listener's
 * accept queue.  When that is full the connector joins the listener's
 * syn_queue; accept() sets up the first of those.  (Linux drops the SYN, which
 * is sent again after a second.)  It waits there as long as Linux would send
 * SYNs: two programs may wait for each other so.
 *
 * With TCP_DEFER_ACCEPT at the listener, or with TCP_QUICKACK off or
 * TCP_DEFER_ACCEPT at the connector (its ACK waits for something to go with),
 * the connection is deferred: nobody can accept it yet, and a reset undoes it. */
#include "kernel/net/inet/tcp.h"
#include "kernel/net/packet.h"
#include "kernel/net/settings.h"

#define ACK_DELAY_NS (200 * NSEC_PER_MSEC)
#define SYN_STEP_MAX_NS (120 * NSEC_PER_SEC)

/* ---- listening ---- */

int tcp_listen(struct socket *s, int backlog)
{
	struct tcp_sock *t = s->priv;
	struct endpoint any = { .ip = t->in.local.ip };
	int err = 0;

	if (t->state != TCP_CLOSE && t->state != TCP_LISTEN)
		return -EINVAL;
	if (t->connecting || t->given_up)
		return -EINVAL;
	if (!inet_has_port(&t->in)) {
		err = inet_bind_port(&t->in, &any, false);
		if (err)
			return err;
	}
	err = inet_listen_port(&t->in, true);
	if (err)
		return err;
	tcp_lock(t);
	if ((t->state != TCP_CLOSE && t->state != TCP_LISTEN) || t->peer || t->connecting) {
		spin_unlock(&t->lock);
		inet_listen_port(&t->in, false);
		return -EINVAL;
	}
	t->state = TCP_LISTEN;
	t->backlog = (unsigned)backlog;
	if (!t->opt[TCP_FASTOPEN] && tcp_fastopen_all(t))
		t->opt[TCP_FASTOPEN] = backlog;
	t->shutdown = 0;
	spin_unlock(&t->lock);
	return 0;
}

static struct tcp_sock *pop(struct tcp_sock *l, struct list *q)
{
	struct tcp_sock *t = NULL;

	tcp_lock(l);
	if (!list_empty(q)) {
		t = list_first(q, struct tcp_sock, link);
		list_del(&t->link);
	}
	spin_unlock(&l->lock);
	return t;
}

/* The connector is no longer in the queue of l; drops what the queue held. */
static void syn_leave(struct tcp_sock *t)
{
	struct tcp_sock *l;

	tcp_lock(t);
	l = t->listener;
	t->listener = NULL;
	t->syn_queued = false;
	spin_unlock(&t->lock);
	tcp_put(l);
}

/* c waits for data no longer; what it held of the listener is dropped. */
static struct tcp_sock *defers_take(struct tcp_sock *c)
{
	struct tcp_sock *l;

	tcp_lock(c);
	l = c->defers;
	c->defers = NULL;
	spin_unlock(&c->lock);
	return l;
}

static void defers_steal(struct tcp_sock *c) { tcp_put(defers_take(c)); }

void tcp_defer_done(struct tcp_sock *c)
{
	struct tcp_sock *l = defers_take(c);

	if (!l)
		return;
	tcp_lock(l);
	/* Not in a list: not there yet (establish() will see that defers is
	 * gone) or no longer. */
	if (!list_empty(&c->link)) {
		list_del(&c->link);
		list_push_back(&l->accept_queue, &c->link);
	}
	spin_unlock(&l->lock);
	waitq_wake(&l->wq, 1, POLLIN | POLLRDNORM);
	tcp_put(l);
}

void tcp_listener_close(struct tcp_sock *l)
{
	struct tcp_sock *t;

	tcp_lock(l);
	if (l->state != TCP_LISTEN) {
		spin_unlock(&l->lock);
		return;
	}
	l->state = TCP_CLOSE;
	l->accept_count = 0;
	spin_unlock(&l->lock);
	while ((t = pop(l, &l->accept_queue)) != NULL)
		tcp_abort(t);
	while ((t = pop(l, &l->deferred)) != NULL) {
		defers_steal(t);
		tcp_abort(t);
	}
	while ((t = pop(l, &l->syn_queue)) != NULL) {
		syn_leave(t);
		tcp_receive_rst(t, NULL);
		tcp_put(t);
	}
	inet_listen_port(&l->in, false);
	inet_release_chosen_port(&l->in);
	waitq_wake_all(&l->wq, 0);
}

void tcp_syn_cancel(struct tcp_sock *t)
{
	struct tcp_sock *l;
	bool mine = false;

	tcp_lock(t);
	l = t->listener;
	t->listener = NULL;
	if (t->state == TCP_SYN_SENT && (l || t->lazy))
		t->state = TCP_CLOSE;
	t->lazy = false;
	spin_unlock(&t->lock);
	if (!l)
		return;
	tcp_lock(l);
	if (!list_empty(&t->link)) {
		list_del(&t->link);
		mine = true;
	}
	spin_unlock(&l->lock);
	if (mine) {
		tcp_lock(t);
		t->syn_queued = false;
		spin_unlock(&t->lock);
		tcp_put(t);             /* the queue's */
	}
	tcp_put(l);
}

/* ---- setting up ---- */

/* A place in l's accept queue, or one in the queue before it (-EAGAIN). */
static int reserve(struct tcp_sock *l, struct tcp_sock *t)
{
	int err = 0;

	/* Before it can be found in the queue.  It may still be in another one
	 * when threads connect and disconnect the same socket at once. */
	tcp_lock(t);
	if (t->syn_queued || t->state != TCP_SYN_SENT) {
		err = -ECONNREFUSED;
	} else {
		t->listener = tcp_get(l);
		t->syn_queued = true;
	}
	spin_unlock(&t->lock);
	if (err)
		return err;
	tcp_lock(l);
	if (l->state != TCP_LISTEN) {
		err = -ECONNREFUSED;
	} else if (l->accept_count > l->backlog) {
		err = -EAGAIN;
		list_push_back(&l->syn_queue, &tcp_get(t)->link);
	} else {
		l->accept_count++;
	}
	spin_unlock(&l->lock);
	if (err != -EAGAIN)
		syn_leave(t);
	return err;
}

static struct tcp_sock *child_new(struct tcp_sock *l, struct tcp_sock *t)
{
	struct socket like = { .family = l->in.family, .type = l->in.type, .protocol = l->in.protocol };
	struct tcp_sock *c = tcp_new(&like);

	if (!c)
		return NULL;
	if (c->in.ns != l->in.ns) {
		struct netns *wrong = c->in.ns;

		spin_lock(&wrong->lock);
		list_del(&c->in.all_link);
		spin_unlock(&wrong->lock);
		c->in.ns = netns_get(l->in.ns);
		spin_lock(&l->in.ns->lock);
		list_push_back(&l->in.ns->all, &c->in.all_link);
		spin_unlock(&l->in.ns->lock);
		netns_put(wrong);
	}
	c->in.uid = l->in.uid;
	c->in.reuseaddr = l->in.reuseaddr;
	c->in.reuseport = l->in.reuseport;
	c->in.v6only = l->in.v6only;
	memcpy(c->in.opt, l->in.opt, sizeof c->in.opt);
	memcpy(c->opt, l->opt, sizeof c->opt);
	c->notsent = l->notsent;
	c->congestion = l->congestion;
	c->rcvbuf = l->rcvbuf;
	c->sndbuf = l->sndbuf;
	c->oobinline = l->oobinline;
	c->keepalive = l->keepalive;
	c->in.local = t->in.remote;
	c->in.remote = t->in.local;
	c->state = TCP_ESTABLISHED;
	c->start_ns = plat_time_mono_ns();
	c->mss = tcp_mss(t, l);
	c->peer = tcp_get(t);
	if (t->fast)
		tcp_fastopen_meet(t, c, l);
	/* These are the listener's own: tcp(7). */
	c->opt[TCP_DEFER_ACCEPT] = c->opt[TCP_FASTOPEN] = c->opt[TCP_FASTOPEN_CONNECT] = 0;
	if (l->opt[TCP_DEFER_ACCEPT] || t->opt[TCP_DEFER_ACCEPT] || !t->opt[TCP_QUICKACK])
		c->defers = tcp_get(l);
	return c;
}

/* t, which is in SYN_SENT, gets its connection; a place in l's accept queue is
 * reserved, and free again after an error.  -ECANCELED: t gave up. */
static int establish(struct tcp_sock *t, struct tcp_sock *l)
{
	struct tcp_sock *c = child_new(l, t);
	bool dead = false, refused;

	if (c) {
		inet_add_child(&c->in);
		tcp_lock(t);
		dead = t->state != TCP_SYN_SENT;
		if (!dead) {
			t->state = TCP_ESTABLISHED;
			t->start_ns = c->start_ns;
			t->mss = c->mss;
			t->shutdown = 0;
			t->done = false;
			t->peer = tcp_get(c);
		}
		spin_unlock(&t->lock);
	}
	tcp_lock(l);
	refused = l->state != TCP_LISTEN;
	if (c && !dead && !refused)
		list_push_back(c->defers ? &l->deferred : &l->accept_queue, &tcp_get(c)->link);
	else if (!refused)
		l->accept_count--;
	spin_unlock(&l->lock);
	if (!c)
		return -ENOMEM;
	if (dead || refused)
		defers_steal(c);
	if (dead) {                     /* t gave up meanwhile: c never was */
		c->state = TCP_CLOSE;
		tcp_abort(c);
		return -ECANCELED;
	}
	if (refused) {
		tcp_abort(c);
		return -ECONNREFUSED;
	}
	net_tally(&t->in.ns->tally.passive_opens, 1);
	if (c->defers) {
		uint64_t delay = (uint64_t)l->opt[TCP_DEFER_ACCEPT] * NSEC_PER_SEC;

		tcp_timer_set(c, TCP_TIMER_DEFER, plat_time_mono_ns() + (delay ? delay : ACK_DELAY_NS));
	}
	tcp_put(c);
	if (packet_watched(t->in.ns))
		tcp_show_connect(t, true);
	waitq_wake(&l->wq, 1, POLLIN | POLLRDNORM);
	waitq_wake_all(&t->wq, POLLOUT | POLLWRNORM);
	return 0;
}

/* False: it took no place, others may have one. */
static bool admit(struct tcp_sock *l, struct tcp_sock *t)
{
	int err = reserve(l, t);

	if (!err)
		err = establish(t, l);
	if (err && err != -EAGAIN && err != -ECANCELED)
		tcp_receive_rst(t, NULL);
	return !err || err == -EAGAIN;
}

/* There is room again: for the first that waits for it and can use it. */
static void next_syn(struct tcp_sock *l)
{
	struct tcp_sock *t;
	bool admitted = false;

	while (!admitted && (t = pop(l, &l->syn_queue)) != NULL) {
		syn_leave(t);
		admitted = admit(l, t);
		tcp_put(t);
	}
}

void tcp_defer_reset(struct tcp_sock *c)
{
	struct tcp_sock *l = defers_take(c);
	bool mine;

	if (!l)
		return;
	tcp_lock(l);
	mine = !list_empty(&c->link);
	if (mine) {
		list_del(&c->link);
		if (l->state == TCP_LISTEN)
			l->accept_count--;
	}
	spin_unlock(&l->lock);
	if (mine) {
		tcp_abort(c);
		next_syn(l);
	}
	tcp_put(l);
}

void tcp_ack_now(struct tcp_sock *t)
{
	struct tcp_sock *c = tcp_peer_get(t);
	bool waits;

	if (!c)
		return;
	tcp_lock(c);
	waits = c->defers && !c->defers->opt[TCP_DEFER_ACCEPT];
	spin_unlock(&c->lock);
	if (waits)
		tcp_defer_done(c);
	tcp_put(c);
}

/* ---- connecting ---- */

static bool settled(struct tcp_sock *t) { return t->state != TCP_SYN_SENT; }

/* The SYN came back to its sender: a simultaneous open with itself (RFC 9293,
 * 3.5). */
static bool connect_self(struct tcp_sock *t)
{
	bool self = t->in.local.port == t->in.remote.port && ip_equal(&t->in.local.ip, &t->in.remote.ip);

	if (!self)
		return false;
	tcp_lock(t);
	if (t->state == TCP_SYN_SENT) {
		t->state = TCP_ESTABLISHED;
		t->start_ns = plat_time_mono_ns();
		t->mss = tcp_mss(t, t);
		t->shutdown = 0;
		t->done = false;
		t->peer = tcp_get(t);
	}
	spin_unlock(&t->lock);
	waitq_wake_all(&t->wq, POLLOUT | POLLWRNORM);
	return true;
}

/* When the last SYN would have gone unanswered, after so many (TCP_SYNCNT): they go a second
 * apart at first (tcp_syn_linear_timeouts), then twice as late each time (RFC 6298, 2). */
static uint64_t syn_deadline(const struct tcp_sock *t)
{
	uint64_t most = (uint64_t)t->opt[TCP_USER_TIMEOUT] * NSEC_PER_MSEC, at = 0, step = NSEC_PER_SEC;
	unsigned linear = (unsigned)net_setting(t->in.ns, SET_ipv4_tcp_syn_linear_timeouts);
	unsigned retries = (unsigned)t->opt[TCP_SYNCNT];
	uint64_t doubled = ((2ull << MIN(retries, 6u)) - 1) * NSEC_PER_SEC;

	doubled += (retries - MIN(retries, 6u)) * SYN_STEP_MAX_NS;
	for (unsigned sent = 0;; sent++) {
		if (sent > linear)
			step = MIN(2 * step, SYN_STEP_MAX_NS);
		at += step;
		if (sent && most && at >= most)
			return MAX(most, at - step);
		if (sent >= retries + linear || (sent && !most && at >= doubled))
			return at;
	}
}

static int send_syn(struct tcp_sock *t)
{
	struct inet_sock *li = inet_find_listener(t->in.ns, &t->in.remote, &t->in.local);
	struct tcp_sock *l;

	if (!li) {
		bool self = connect_self(t);

		if (packet_watched(t->in.ns))
			tcp_show_connect(t, self);
		if (!self)
			tcp_receive_rst(t, NULL);
		return 0;
	}
	l = tcp_of(li);
	tcp_timer_clear(t, TCP_TIMER_SYN);
	if (!admit(l, t))
		next_syn(l);
	if (!settled(t))
		tcp_timer_set(t, TCP_TIMER_SYN, plat_time_mono_ns() + syn_deadline(t));
	tcp_put(l);
	return 0;
}

/* The result of an attempt, told once.  One that failed leaves nothing that was chosen for it. */
static int outcome(struct tcp_sock *t)
{
	int err = 0;

	tcp_lock(t);
	if (t->state == TCP_CLOSE && !t->peer) {
		err = t->error ? -t->error : -ECONNABORTED;
		t->error = 0;
		t->shutdown = 0;
	}
	t->connecting = err;
	spin_unlock(&t->lock);
	if (!err)
		return 0;
	spin_lock(&t->in.ns->lock);
	if (!t->in.addr_locked)
		t->in.local.ip = t->in.family == AF_INET ? ip_any4 : ip_any6;
	spin_unlock(&t->in.ns->lock);
	tcp_lock(t);
	t->connecting = false;          /* the next attempt comes after this */
	spin_unlock(&t->lock);
	return err;
}

static int wait_connected(struct socket *s, struct tcp_sock *t)
{
	int err = WAIT_EVENT(&t->wq, TASK_INTERRUPTIBLE, sock_deadline(s->sndtimeo_ns), settled(t));

	if (!err)
		return outcome(t);
	if (err == -ETIMEDOUT)
		return -EINPROGRESS;
	return sock_wait_error(err, s->sndtimeo_ns);
}

int tcp_connect_lazy(struct socket *s, struct tcp_sock *t, bool nonblock)
{
	send_syn(t);
	return nonblock ? -EINPROGRESS : wait_connected(s, t);
}

static int attempt(struct socket *s, struct tcp_sock *t, const struct endpoint *to, bool nonblock)
{
	struct endpoint dst = *to;
	enum net_kind kind;
	struct ipaddr src;
	int err = net_route(t->in.ns, &dst.ip, inet_bound_link(&t->in), &src, &kind);

	if (err)
		return err;
	if (kind != NET_LOCAL)
		return -ENETUNREACH;
	if (t->in.addr_locked && !net_is_local(t->in.ns, &t->in.local.ip) && !t->in.opt[OPT_TRANSPARENT] &&
	    !t->in.opt[OPT6_TRANSPARENT])
		return -ENETUNREACH;
	spin_lock(&t->in.ns->lock);
	if (!t->in.addr_locked)
		t->in.local.ip = src;
	t->in.remote = dst;
	spin_unlock(&t->in.ns->lock);
	if (ip_is_v4(&t->in.local.ip) != ip_is_v4(&dst.ip))
		return -EAFNOSUPPORT;
	err = inet_bind_connect(&t->in);
	if (err)
		return err;
	if (t->opt[TCP_FASTOPEN_CONNECT] && tcp_fastopen_begin(t, &dst.ip)) {
		tcp_lock(t);
		t->lazy = t->state == TCP_SYN_SENT;
		spin_unlock(&t->lock);
		return 0;
	}
	return tcp_connect_lazy(s, t, nonblock);
}

/* One attempt at a time: the state is taken first. */
static int start(struct socket *s, struct tcp_sock *t, const struct endpoint *to, bool nonblock)
{
	int err = 0;

	tcp_lock(t);
	if (t->state != TCP_CLOSE || t->peer || t->connecting)
		err = -EISCONN;
	if (!err) {
		t->state = TCP_SYN_SENT;
		t->connecting = true;
		t->error = 0;
		t->shutdown = 0;
		t->done = false;
	}
	spin_unlock(&t->lock);
	if (err)
		return err;
	net_tally(&t->in.ns->tally.active_opens, 1);
	err = attempt(s, t, to, nonblock);
	tcp_lock(t);
	if (err && t->state == TCP_SYN_SENT && err != -EINPROGRESS && !t->syn_queued) {
		t->state = TCP_CLOSE;
		t->connecting = false;
	}
	spin_unlock(&t->lock);
	return err;
}

static int unconnect(struct socket *s)
{
	struct tcp_sock *t = s->priv;

	if (t->state == TCP_LISTEN)
		tcp_listener_close(t);
	tcp_disconnect(t);
	return 0;
}

int tcp_connect(struct socket *s, const struct sock_addr *a, bool nonblock)
{
	struct tcp_sock *t = s->priv;
	struct endpoint to;
	bool connecting, given_up;
	uint8_t state;
	int err;

	if (a->size >= sizeof(uint16_t) && a->u.family == AF_UNSPEC)
		return unconnect(s);
	tcp_lock(t);
	state = t->state;
	connecting = t->connecting;
	given_up = t->given_up;
	spin_unlock(&t->lock);
	if (given_up)
		return -EINVAL;
	if (connecting) {
		if (state != TCP_SYN_SENT)
			return outcome(t);
		return !nonblock ? wait_connected(s, t) : t->lazy ? -EISCONN : -EALREADY;
	}
	if (state != TCP_CLOSE || t->peer)
		return -EISCONN;
	err = inet_addr_parse(&t->in, a, false, &to);
	if (err)
		return err;
	if (ip_is_multicast(&to.ip) || ip_is_broadcast(&to.ip))
		return -ENETUNREACH;
	if (to.ip.b[0] == 0xfe && (to.ip.b[1] & 0xc0) == 0x80 && !to.scope && !inet_bound_link(&t->in))
		return -EINVAL;         /* link-local: on which one? */
	return start(s, t, &to, nonblock);
}

/* ---- accepting ---- */

static bool take(struct tcp_sock *l, struct tcp_sock **ret, int *err)
{
	*ret = NULL;
	*err = 0;
	tcp_lock(l);
	if (l->state != TCP_LISTEN) {
		*err = -EINVAL;
	} else if (!list_empty(&l->accept_queue)) {
		*ret = list_first(&l->accept_queue, struct tcp_sock, link);
		list_del(&(*ret)->link);
		l->accept_count--;
	}
	spin_unlock(&l->lock);
	return *ret || *err;
}

int tcp_accept(struct socket *s, struct socket *fresh, bool nonblock)
{
	struct tcp_sock *l = s->priv, *c;
	int err, werr;

	if (!take(l, &c, &err)) {
		if (nonblock)
			return -EAGAIN;
		werr = WAIT_EVENT(&l->wq, TASK_INTERRUPTIBLE, sock_deadline(s->rcvtimeo_ns), take(l, &c, &err));
		if (werr)
			return sock_wait_error(werr, s->rcvtimeo_ns);
	}
	if (err)
		return err;
	next_syn(l);
	fresh->ops = &tcp_ops;
	fresh->priv = c;                /* the queue's reference */
	fresh->rcvtimeo_ns = s->rcvtimeo_ns;
	fresh->sndtimeo_ns = s->sndtimeo_ns;
	fresh->sndbuf = s->sndbuf;
	fresh->rcvbuf = s->rcvbuf;
	fresh->rcvlowat = s->rcvlowat;
	fresh->incoming_cpu = 0;
	fresh->mark = s->mark;
	fresh->zerocopy = s->zerocopy;
	fresh->tstamping = s->tstamping;
	fresh->tstamp = s->tstamp;
	fresh->tstamp_new = s->tstamp_new;
	fresh->txtime = s->txtime;
	fresh->timed_sends = s->timed_sends;
	fresh->linger = s->linger;
	fresh->reuseaddr = s->reuseaddr;
	fresh->reuseport = s->reuseport;
	fresh->keepalive = s->keepalive;
	fresh->broadcast = s->broadcast;
	fresh->oobinline = s->oobinline;
	fresh->dontroute = s->dontroute;
	return 0;
}
