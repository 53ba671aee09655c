/* SPDX-License-Identifier: Apache-2.0 */
/* The error queue of a socket, which recvmsg(MSG_ERRQUEUE) reads: errors of
 * messages that were sent (IP_RECVERR), when they were sent (SO_TIMESTAMPING), and
 * which calls with MSG_ZEROCOPY are done with their memory.  ip(7),
 * Documentation/networking/timestamping.rst and msg_zerocopy.rst.
 *
 * A message passes the queue and lo's device while the call lasts, and TCP's
 * bytes are taken at once: all three times are those of the call.  Memory is
 * always copied, so that a call with MSG_ZEROCOPY is done when it returns, and says so.
 *
 * Bounds: a queue holds as much as a receive buffer; what comes then is lost,
 * but for calls with MSG_ZEROCOPY, which fail instead (ENOBUFS). */
#include "kernel/net/inet/dgram.h"

#define QUEUE_MAX SOCK_BUF_DEFAULT

void inet_errors_init(struct inet_sock *i) { list_init(&i->errors.queue); }

bool inet_errors_any(struct inet_sock *i)
{
	return __atomic_load_n(&i->errors.bytes, __ATOMIC_RELAXED);
}

static bool is_icmp(const struct dgram *m)
{
	return m->origin == SO_EE_ORIGIN_ICMP || m->origin == SO_EE_ORIGIN_ICMP6;
}

/* lock held */
static void resize(struct inet_errors *e, int64_t by)
{
	__atomic_store_n(&e->bytes, e->bytes + (uint64_t)by, __ATOMIC_RELAXED);
}

static void unlink(struct inet_errors *e, struct dgram *m)
{
	list_del(&m->link);
	resize(e, -(int64_t)dgram_cost(m));
}

void inet_errors_drop(struct inet_sock *i, bool all)
{
	struct inet_errors *e = &i->errors;
	struct dgram *m, *next;
	struct list gone;

	list_init(&gone);
	spin_lock(&e->lock);
	list_for_each_safe(m, next, &e->queue, link)
		if (all || (m->origin != SO_EE_ORIGIN_TIMESTAMPING && m->origin != SO_EE_ORIGIN_ZEROCOPY)) {
			unlink(e, m);
			list_push_back(&gone, &m->link);
		}
	spin_unlock(&e->lock);
	while (!list_empty(&gone)) {
		m = list_first(&gone, struct dgram, link);
		list_del(&m->link);
		dgram_uncharge(m);
		kfree(m);
	}
}

/* m, charged, to the end.  lock held */
static void append(struct inet_errors *e, struct dgram *m)
{
	list_push_back(&e->queue, &m->link);
	resize(e, (int64_t)dgram_cost(m));
}

void inet_errors_add(struct inet_sock *i, struct waitq *wq, struct dgram *m)
{
	struct inet_errors *e = &i->errors;
	size_t n = dgram_cost(m);

	m->time_ns = vfs_now_ns();
	if (!dgram_charge(n)) {
		kfree(m);
		return;
	}
	spin_lock(&e->lock);
	if (e->bytes + n <= QUEUE_MAX) {
		append(e, m);
		m = NULL;
	}
	spin_unlock(&e->lock);
	if (m) {
		dgram_uncharge(m);
		kfree(m);
	} else {
		waitq_wake_all(wq, POLLERR);
	}
}

/* ---- times ---- */

bool inet_wants_stamps(const struct socket *s, const struct sock_control *c, bool *ret_body)
{
	uint32_t ack = s->type == SOCK_STREAM ? SOF_TIMESTAMPING_TX_ACK : 0;

	*ret_body = !(s->tstamping & SOF_TIMESTAMPING_OPT_TSONLY);
	return c->tstamping & (SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_SOFTWARE | ack);
}

void inet_tell_stamps(struct socket *s, struct inet_sock *i, struct waitq *wq, const struct sock_control *c,
		      const struct dgram *head, const struct frame *f, uint32_t id)
{
	static const struct { uint32_t flag, kind; } stamp[] = {
		{ SOF_TIMESTAMPING_TX_SCHED, SCM_TSTAMP_SCHED }, { SOF_TIMESTAMPING_TX_SOFTWARE, SCM_TSTAMP_SND },
		{ SOF_TIMESTAMPING_TX_ACK, SCM_TSTAMP_ACK },
	};
	unsigned count = s->type == SOCK_STREAM ? 3 : 2;

	for (unsigned k = 0; k < count; k++) {
		/* What was acknowledged has no headers any more. */
		size_t at = f && stamp[k].kind == SCM_TSTAMP_ACK ? f->head_size : 0, n = f ? frame_size(f) - at : 0;
		struct dgram *m = c->tstamping & stamp[k].flag ? dgram_msg_new(n) : NULL;

		if (!m)
			continue;
		if (n)
			frame_copy(f, at, m->data, n);
		m->from = head->from;
		m->to = head->to;
		m->ttl = head->ttl;
		m->tos = head->tos;
		m->origin = SO_EE_ORIGIN_TIMESTAMPING;
		m->error = ENOMSG;
		m->info = stamp[k].kind;
		m->data_number = s->tstamping & SOF_TIMESTAMPING_OPT_ID ? id : 0;
		inet_errors_add(i, wq, m);
	}
}

void dgram_stamp(struct socket *s, struct dgram_sock *d, const struct sock_control *c, const struct dgram *g,
		 typeof(frame_ip) *make)
{
	struct frame f;
	bool body;
	uint32_t id;

	if (!inet_wants_stamps(s, c, &body))
		return;
	if (body)
		make(&f, &g->from, &g->to, (uint8_t)d->in.protocol, g->ttl, g->tos, g->data, g->size);
	id = c->have_id ? c->stamp_id : __atomic_fetch_add(&d->in.errors.stamp_next, 1, __ATOMIC_RELAXED);
	inet_tell_stamps(s, &d->in, &d->wq, c, g, body ? &f : NULL, id);
}

/* ---- MSG_ZEROCOPY ---- */

int inet_zerocopy_begin(struct socket *s, struct inet_sock *i, const struct sock_msg *m, struct dgram **ret)
{
	*ret = NULL;
	if (!(m->flags & MSG_ZEROCOPY) || !s->zerocopy || !m->it->left)
		return 0;
	if (__atomic_load_n(&i->errors.bytes, __ATOMIC_RELAXED) > QUEUE_MAX)
		return -ENOBUFS;
	*ret = dgram_msg_new(0);
	if (!*ret)
		return -ENOBUFS;
	if (dgram_charge(dgram_cost(*ret)))
		return 0;
	kfree(*ret);
	*ret = NULL;
	return -ENOBUFS;
}

void inet_zerocopy_end(struct inet_sock *i, struct waitq *wq, struct dgram *note, bool sent)
{
	struct inet_errors *e = &i->errors;
	struct dgram *last;

	if (!note)
		return;
	note->origin = SO_EE_ORIGIN_ZEROCOPY;
	note->code = SO_EE_CODE_ZEROCOPY_COPIED;
	if (sent) {
		spin_lock(&e->lock);
		last = list_empty(&e->queue) ? NULL : container_of(e->queue.prev, struct dgram, link);
		note->info = note->data_number = e->zerocopy_next++;
		if (last && last->origin == SO_EE_ORIGIN_ZEROCOPY && last->data_number + 1 == note->info &&
		    last->info != note->info) {
			last->data_number++;
		} else {
			append(e, note);
			note = NULL;
		}
		spin_unlock(&e->lock);
		waitq_wake_all(wq, POLLERR);
	}
	if (note) {
		dgram_uncharge(note);
		kfree(note);
	}
}

/* ---- reading ---- */

static struct dgram *take(struct inet_sock *i, int32_t *ret_next)
{
	struct inet_errors *e = &i->errors;
	struct dgram *m = NULL, *next;

	*ret_next = -1;
	spin_lock(&e->lock);
	if (!list_empty(&e->queue)) {
		m = list_first(&e->queue, struct dgram, link);
		unlink(e, m);
		next = list_empty(&e->queue) ? NULL : list_first(&e->queue, struct dgram, link);
		if (next && is_icmp(next))
			*ret_next = (int32_t)next->error;
		else if (is_icmp(m))
			*ret_next = 0;
	}
	spin_unlock(&e->lock);
	return m;
}

/* Whose address, and what the receiver wants to know of the packet that told it. */
static void describe(struct socket *s, struct inet_sock *i, const struct dgram *g, struct sock_msg *m,
		     struct sock_addr *offender)
{
	struct dgram icmp = { .from = g->to, .to = g->from, .ttl = net_ttl(i->ns, ip_is_v4(&g->to.ip)),
			      .tos = ip_is_v4(&g->to.ip) ? 0xc0 : 0,
			      .time_ns = g->time_ns };
	struct linux_timespec ts[3] = { ns_timespec(g->time_ns) };
	bool packet = is_icmp(g), own = g->origin == SO_EE_ORIGIN_TIMESTAMPING;

	if (own && i->type != SOCK_STREAM && g->size)
		packet = i->family == AF_INET6 || s->tstamping & SOF_TIMESTAMPING_OPT_CMSG;
	if (!is_icmp(g) && s->tstamp)
		sock_put_times(s, m, own ? g->time_ns : vfs_now_ns(), false);
	if (own && s->tstamping & SOF_TIMESTAMPING_SOFTWARE)
		sock_put_cmsg(m, SOL_SOCKET, s->tstamp_new ? SO_TIMESTAMPING_NEW : SO_TIMESTAMPING, ts, sizeof ts);
	inet_addr_format(i, &(struct endpoint){ .ip = own ? g->from.ip : g->to.ip }, offender);
	if (!packet)
		memset(&offender->u, 0, offender->size);
	else if (own)
		inet_describe(NULL, i, g, m);
	else
		inet_describe(s, i, &icmp, m);
}

long inet_recv_error(struct socket *s, struct inet_sock *i, struct sock_msg *m, int32_t *ret_next)
{
	struct { struct linux_sock_extended_err e; uint8_t offender[28]; } __packed info = { 0 };
	struct dgram *g = take(i, ret_next);
	bool v6 = i->family == AF_INET6;
	struct sock_addr a;
	size_t n, got;

	if (!g)
		return -EAGAIN;
	n = MIN((size_t)g->size, m->it->left);
	got = iter_copy_out(m->it, g->data, n);
	if (n < g->size)
		m->ret_flags |= MSG_TRUNC;
	m->ret_flags |= MSG_ERRQUEUE;
	if (is_icmp(g) || g->origin == SO_EE_ORIGIN_LOCAL)
		inet_addr_format(i, &g->to, &m->name);
	info.e = (struct linux_sock_extended_err){ .err = g->error, .origin = g->origin, .code = g->code, .info = g->info,
						   .data = g->data_number };
	if (g->origin == SO_EE_ORIGIN_LOCAL) {  /* too long, found out here */
		info.e.info = ip_is_v4(&g->to.ip) ? LO_MTU - 1 : LO_MTU;
	} else if (is_icmp(g)) {                /* destination unreachable, port */
		info.e.type = g->origin == SO_EE_ORIGIN_ICMP ? 3 : 1;
		info.e.code = g->origin == SO_EE_ORIGIN_ICMP ? 3 : 4;
	}
	describe(s, i, g, m, &a);
	memcpy(info.offender, &a.u, MIN((size_t)a.size, sizeof info.offender));
	sock_put_cmsg(m, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &info, sizeof info.e + a.size);
	dgram_uncharge(g);
	kfree(g);
	return got < n ? -EFAULT : (long)n;
}
