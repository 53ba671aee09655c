/* SPDX-License-Identifier: Apache-2.0 */
/* IP sockets for sock_diag(7).  References are collected under the name space's
 * lock, the sockets looked at without it. */
#include "kernel/net/diag.h"
#include "kernel/net/inet/dgram.h"
#include "kernel/net/inet/tcp.h"

static void put(struct inet_sock *i)
{
	if (i->proto == PROTO_TCP)
		tcp_put(tcp_of(i));
	else
		dgram_put(dgram_of(i));
}

static void names(const struct inet_sock *i, struct inet_diag *d)
{
	spin_lock(&i->ns->lock);
	d->local = i->local;
	d->remote = i->remote;
	d->port_locked = i->port_locked;
	spin_unlock(&i->ns->lock);
	d->family = i->family;
	d->proto = i->proto;
	d->uid = i->uid;
	d->ino = __atomic_load_n(&i->ino, __ATOMIC_RELAXED);
	d->v6only = i->v6only;
	d->tos = (uint8_t)i->opt[i->family == AF_INET ? OPT_TOS : OPT6_TCLASS];
}

/* NULL info: nobody wants it. */
static void tell_tcp(struct tcp_sock *t, struct tcp_info_k *info, inet_diag_fn fn, void *arg)
{
	struct inet_diag d = { .congestion = tcp_congestion_name(t) };

	names(&t->in, &d);
	d.wqueue = (uint32_t)tcp_unsent(t);
	tcp_lock(t);
	d.state = t->state;
	d.rqueue = t->state == TCP_LISTEN ? t->accept_count : (uint32_t)tcp_queue_seen(&t->rq);
	d.rqueue += t->done && !t->fin_read;    /* the FIN counts */
	if (t->state == TCP_LISTEN)
		d.wqueue = t->backlog;
	d.shutdown = t->shutdown;
	d.expires_ms = tcp_keepalive_ms(t);
	d.timer = d.expires_ms ? 2 : 0;
	if (t->orphan)
		d.ino = 0;
	d.rcvbuf = tcp_rcvbuf(t);
	d.sndbuf = tcp_sndbuf(t);
	spin_unlock(&t->lock);
	if (info) {
		tcp_fill_info(t, info);
		d.info = info;
		d.info_size = sizeof *info;
	}
	if (d.state != TCP_CLOSE && !inet_gone(&t->in, plat_time_mono_ns()))
		fn(&d, arg);
}

static void tell_udp(struct dgram_sock *u, inet_diag_fn fn, void *arg)
{
	struct inet_diag d = { 0 };

	names(&u->in, &d);
	spin_lock(&u->lock);
	d.rqueue = (uint32_t)u->queued;
	d.shutdown = u->shutdown;
	d.rcvbuf = u->rcvbuf;
	spin_unlock(&u->lock);
	d.state = d.remote.port ? TCP_ESTABLISHED : TCP_CLOSE;
	if (u->in.hashed)
		fn(&d, arg);
}

static int tell_waiting(struct netns *ns, inet_diag_fn fn, void *arg)
{
	uint64_t now = plat_time_mono_ns();
	unsigned n = ns->time_wait_count, k = 0;
	struct time_wait *copy = n ? kmalloc(n * sizeof *copy) : NULL, *w;

	if (!copy)
		return n ? -ENOMEM : 0;
	spin_lock(&ns->lock);
	list_for_each(w, &ns->time_wait, age_link)
		if (k < n && w->end_ns > now)
			copy[k++] = *w;
	spin_unlock(&ns->lock);
	for (unsigned i = 0; i < k; i++) {
		struct inet_diag d = { .family = copy[i].family, .state = TCP_TIME_WAIT, .timer = 3,
				       .expires_ms = (uint32_t)((copy[i].end_ns - now) / NSEC_PER_MSEC),
				       .local = copy[i].local, .remote = copy[i].remote };

		fn(&d, arg);
	}
	kfree(copy);
	return 0;
}

int inet_diag_each(struct netns *ns, int proto, bool want_info, inet_diag_fn fn, void *arg)
{
	struct tcp_info_k *info = want_info && proto == PROTO_TCP ? kmalloc(sizeof *info) : NULL;
	struct inet_sock **all, *i;
	unsigned n = 0, k = 0;

	spin_lock(&ns->lock);
	list_for_each(i, &ns->all, all_link)
		n += i->proto == proto;
	spin_unlock(&ns->lock);
	all = kmalloc((n + 1) * sizeof *all);
	if (!all || (want_info && proto == PROTO_TCP && !info)) {
		kfree(all);
		kfree(info);
		return -ENOMEM;
	}
	spin_lock(&ns->lock);
	list_for_each(i, &ns->all, all_link)
		if (i->proto == proto && k < n && ref_get_unless_zero(&i->ref))
			all[k++] = i;
	spin_unlock(&ns->lock);
	for (n = 0; n < k; n++) {
		if (proto == PROTO_TCP)
			tell_tcp(tcp_of(all[n]), info, fn, arg);
		else
			tell_udp(dgram_of(all[n]), fn, arg);
		put(all[n]);
	}
	kfree(all);
	kfree(info);
	return proto == PROTO_TCP ? tell_waiting(ns, fn, arg) : 0;
}
