/* SPDX-License-Identifier: Apache-2.0 */
/* UDP: udp(7).  A message goes into the queue of whoever is bound there; to
 * nobody, it comes back as ECONNREFUSED for a sender that is connected.
 *
 * UDP-Lite (udplite(7)) is the same with ports of its own; how much of a packet
 * its checksum covers is a number only, as there is neither. */
#include "kernel/net/inet/dgram.h"
#include "kernel/net/packet.h"

#define UDP_MAX4 65507u
#define UDP_MAX6 65527u
#define UDP_HEAD 8u
#define UDP_WHOLE6 (LO_MTU - 40u - UDP_HEAD)
#define PMTUDISC_DO 2
#define PMTUDISC_INTERFACE 4
#define GROUP_MAX 32u
#define SEGMENTS_MAX 128u

/* [at, at + n) of g as a message of its own. */
static struct dgram *copy_of(const struct dgram *g, size_t at, size_t n)
{
	struct dgram *c = dgram_msg_new(n);

	if (!c)
		return NULL;
	c->from = g->from;
	c->to = g->to;
	c->ttl = g->ttl;
	c->tos = g->tos;
	c->options = g->options;
	memcpy(c->data, g->data + at, n);
	return c;
}

/* What the receiver's filter leaves of g; false: nothing. */
static bool filter(struct dgram_sock *to, struct dgram *g)
{
	struct frame f;
	size_t keep;

	if (!filter_there(&to->in.filter))
		return true;
	frame_udp(&f, &g->from, &g->to, (uint8_t)to->in.protocol, g->ttl, g->tos, g->data, g->size);
	if (!filter_run(&to->in.filter, &f, f.transport, &keep))
		return false;
	g->size = (uint32_t)(MAX(keep, (size_t)UDP_HEAD) - UDP_HEAD);   /* never less than the header */
	return true;
}

static void deliver(struct dgram_sock *to, struct dgram *g)
{
	if (filter(to, g))
		dgram_deliver(to, g);
	else
		kfree(g);
}

/* To one receiver, in pieces unless it takes them together (UDP_GRO).  A copy
 * of g, which stays. */
static void deliver_copy(struct dgram_sock *to, const struct dgram *g)
{
	size_t piece = g->segment && !to->opt_gro ? g->segment : g->size, at = 0;

	do {
		struct dgram *c = copy_of(g, at, MIN(piece, g->size - at));

		if (!c)
			return;
		c->segment = to->opt_gro ? g->segment : 0;
		deliver(to, c);
		at += piece;
	} while (at < g->size);
}

static void send_group(struct dgram_sock *d, struct dgram *g)
{
	struct inet_sock *to[GROUP_MAX];
	unsigned n = inet_find_udp_group(d->in.ns, d->in.proto, &g->to, &g->from, to, GROUP_MAX);

	for (unsigned k = 0; k < n; k++) {
		deliver_copy(dgram_of(to[k]), g);
		dgram_put(dgram_of(to[k]));
	}
	kfree(g);
}

bool udp_receive(struct netns *ns, const struct dgram *g, bool local)
{
	struct inet_sock *to[GROUP_MAX] = { NULL };
	unsigned n;

	if (local) {
		to[0] = inet_find_udp(ns, PROTO_UDP, &g->to, &g->from, g->data, g->size);
		n = !!to[0];
	} else {
		n = inet_find_udp_group(ns, PROTO_UDP, &g->to, &g->from, to, GROUP_MAX);
	}
	for (unsigned k = 0; k < n; k++) {
		deliver_copy(dgram_of(to[k]), g);
		dgram_put(dgram_of(to[k]));
	}
	return n;
}

/* Raw sockets see the datagram with its header, which is made for them. */
static void show_raw(struct netns *ns, const struct dgram *g)
{
	struct { uint16_t from, to, len, sum; } h = { be16(g->from.port), be16(g->to.port),
						      be16((uint16_t)(g->size + 8)), 0 };
	struct dgram *c = dgram_msg_new(sizeof h + g->size);

	if (!c)
		return;
	c->from = g->from;
	c->to = g->to;
	c->ttl = g->ttl;
	c->tos = g->tos;
	c->options = g->options;
	c->ip_id = frame_number();
	c->ip_frag = 0x4000;            /* do not fragment */
	memcpy(c->data, &h, sizeof h);
	memcpy(c->data + sizeof h, g->data, g->size);
	dgram_to_raw(ns, c, IPPROTO_UDP);
	kfree(c);
}

/* For who looks at lo. */
static void show_frame(const struct dgram_sock *d, const struct dgram *g)
{
	struct frame f;

	frame_udp(&f, &g->from, &g->to, (uint8_t)d->in.protocol, g->ttl, g->tos, g->data, g->size);
	packet_show(d->in.ns, &f);
}

/* Nobody is there: an ICMP message quotes the packet's beginning. */
static void show_refusal(const struct dgram_sock *d, const struct dgram *g)
{
	struct frame about;

	frame_udp(&about, &g->from, &g->to, (uint8_t)d->in.protocol, g->ttl, g->tos, g->data, g->size);
	inet_port_unreachable(d->in.ns, g, &about);
}

static void send_one(struct dgram_sock *d, struct dgram *g, enum net_kind kind)
{
	struct inet_sock *to;
	bool v6 = !ip_is_v4(&g->to.ip);
	struct net_tally *n = &d->in.ns->tally;

	net_tally(&n->packets[v6], 1);
	net_tally(&n->bytes[v6], g->size + (v6 ? 48 : 28));
	net_tally(&dgram_tally(d, v6)->out, 1);
	if (packet_watched(d->in.ns))
		show_frame(d, g);
	if (__atomic_load_n(&d->in.ns->raw_count, __ATOMIC_RELAXED) && d->in.proto == PROTO_UDP)
		show_raw(d->in.ns, g);
	if (v6 && g->options.size && !ip6_headers_fine(&g->options)) {
		kfree(g);
		return;
	}
	if (kind != NET_LOCAL) {
		send_group(d, g);
		return;
	}
	to = inet_find_udp(d->in.ns, d->in.proto, &g->to, &g->from, g->data, g->size);
	if (!to) {
		net_tally(&dgram_tally(d, v6)->no_ports, 1);
		if (packet_watched(d->in.ns) || __atomic_load_n(&d->in.ns->raw_count, __ATOMIC_RELAXED))
			show_refusal(d, g);
		dgram_refused(d, g);
		return;
	}
	if (g->segment && !dgram_of(to)->opt_gro) {
		deliver_copy(dgram_of(to), g);
		kfree(g);
	} else {
		deliver(dgram_of(to), g);
	}
	dgram_put(dgram_of(to));
}

static enum net_kind kind_of(struct dgram_sock *d, const struct dgram *g)
{
	if (ip_is_multicast(&g->to.ip))
		return NET_MULTICAST;
	return net_is_local(d->in.ns, &g->to.ip) ? NET_LOCAL : NET_BROADCAST;
}

/* IPv6 has a larger length than lo takes in one piece: who forbids pieces has that. */
static size_t max_size(const struct dgram_sock *d, const struct endpoint *to)
{
	int32_t discover = d->in.opt[OPT6_MTU_DISCOVER];

	if (ip_is_v4(&to->ip))
		return UDP_MAX4;
	return (discover >= PMTUDISC_DO && discover <= PMTUDISC_INTERFACE) || d->in.opt[OPT6_DONTFRAG] ? UDP_WHOLE6 : UDP_MAX6;
}

/* A message under construction takes n more bytes: a new one that begins as the
 * old does, or the message's own beginning.  cork_lock held. */
static int gather(struct dgram_sock *d, struct sock_msg *m, size_t n, const struct dgram *head, struct dgram **ret)
{
	size_t old = d->pending ? d->pending->size : 0, most = max_size(d, &head->to);
	struct dgram *g;

	if (n > most - MIN(old, most)) {
		if (!ip_is_v4(&head->to.ip) || n <= UINT16_MAX)         /* more is no IPv4 packet at all */
			dgram_too_long(d, &head->to);
		return -EMSGSIZE;
	}
	g = dgram_msg_new(old + n);
	if (!g)
		return -ENOBUFS;
	if (iter_copy_in(m->it, g->data + old, n) != n) {
		kfree(g);
		return -EFAULT;
	}
	if (old)
		memcpy(g->data, d->pending->data, old);
	g->to = head->to;
	g->from = head->from;
	g->ttl = head->ttl;
	g->tos = head->tos;
	g->options = head->options;
	g->segment = head->segment;
	*ret = g;
	return 0;
}

static int check_segments(struct dgram *g)
{
	if (g->segment >= g->size)
		g->segment = 0;
	return g->segment && (g->size + g->segment - 1) / g->segment > SEGMENTS_MAX ? -EINVAL : 0;
}

/* Corked: the first call said where to; what the others say is ignored. */
static long send_corked(struct socket *s, struct dgram_sock *d, struct sock_msg *m, const struct dgram *head,
			const struct sock_control *sc, bool more)
{
	struct dgram *g = NULL;
	long n = (long)m->it->left;
	int err;

	mutex_lock(&d->cork_lock);
	err = gather(d, m, m->it->left, d->pending ? d->pending : head, &g);
	if (!err && more && !dgram_charge(dgram_cost(g))) {
		kfree(g);
		g = NULL;
		err = -ENOBUFS;
	}
	if (d->pending)
		dgram_uncharge(d->pending);
	kfree(d->pending);              /* on failure everything is lost: udp(7) */
	d->pending = g;
	if (!err && !more) {
		err = check_segments(g);
		d->pending = NULL;
		if (err) {
			kfree(g);
		} else {
			dgram_stamp(s, d, sc, g, frame_udp);
			send_one(d, g, kind_of(d, g));
		}
	}
	mutex_unlock(&d->cork_lock);
	return err ? err : n;
}

static void uncork(struct dgram_sock *d)
{
	struct dgram *g;

	mutex_lock(&d->cork_lock);
	g = d->pending;
	d->pending = NULL;
	if (g)
		dgram_uncharge(g);
	mutex_unlock(&d->cork_lock);
	if (g && !check_segments(g))
		send_one(d, g, kind_of(d, g));
	else
		kfree(g);
}

static long udp_sendmsg(struct socket *s, struct sock_msg *m)
{
	struct dgram_sock *d = s->priv;
	bool more = m->flags & MSG_MORE || d->opt_cork;
	struct dgram_control ctl = { 0 };
	struct dgram head = { 0 }, *g;
	size_t n = m->it->left;
	struct sock_control sc;
	struct dgram *note;
	int err = dgram_autobind(d);    /* whatever is said of the message */

	if (!err)
		err = sock_control(s, m, &sc);
	if (err)
		return err;
	if (m->flags & MSG_OOB && s->family == AF_INET)         /* IPv6 does not mind */
		return -EOPNOTSUPP;
	if (n > UINT16_MAX && s->family == AF_INET)
		return -EMSGSIZE;       /* with no word in the error queue, unlike IPv6 */
	if (!d->pending) {
		err = dgram_destination(s, m, true, &head.to, &head.from, &ctl);
		head.ttl = (uint8_t)ctl.ttl;
		head.tos = (uint8_t)ctl.tos;
		head.options = ctl.options;
		if (!err && head.options.size && ip_is_v4(&head.to.ip))
			ip_options_travel(&head.options, &head.from.ip, &head.to.ip);
		head.segment = ctl.segment;
	}
	if (!err && m->flags & MSG_OOB && ip_is_v4(&head.to.ip))
		err = -EOPNOTSUPP;
	if (!err)
		err = dgram_send_check(d);
	if (err)
		return err;
	err = inet_zerocopy_begin(s, &d->in, m, &note);
	if (err)
		return err;
	if (more || d->pending) {
		long ret = send_corked(s, d, m, &head, &sc, more);

		inet_zerocopy_end(&d->in, &d->wq, note, ret >= 0);
		return ret;
	}
	err = gather(d, m, n, &head, &g);
	if (!err) {
		err = check_segments(g);
		if (err)
			kfree(g);
	}
	if (!err) {
		dgram_stamp(s, d, &sc, g, frame_udp);
		send_one(d, g, kind_of(d, g));
	}
	inet_zerocopy_end(&d->in, &d->wq, note, !err);
	return err ? err : (long)n;
}

static bool own_level(int level)
{
	return level == IPPROTO_UDP || level == IPPROTO_UDPLITE;
}

static int udp_setsockopt(struct socket *s, int level, int opt, const void *val, size_t size)
{
	struct dgram_sock *d = s->priv;
	int32_t v;

	if (!own_level(level))
		return dgram_setsockopt(s, level, opt, val, size);
	if (size < sizeof v)
		return -EINVAL;
	memcpy(&v, val, sizeof v);
	switch (opt) {
	case UDP_CORK:
		d->opt_cork = !!v;
		if (!v)
			uncork(d);
		return 0;
	case UDP_SEGMENT:
		if (v < 0 || v > 0xffff)
			return -EINVAL;
		d->opt_segment = (uint16_t)v;
		return 0;
	case UDP_GRO:
		d->opt_gro = !!v;
		return 0;
	case UDP_NO_CHECK6_TX:
	case UDP_NO_CHECK6_RX:
		d->opt_no_check = !!v;
		return 0;
	case UDPLITE_SEND_CSCOV:
	case UDPLITE_RECV_CSCOV:
		if (d->in.proto != PROTO_UDPLITE)
			return -ENOPROTOOPT;
		/* All, or the header at least. */
		d->opt_coverage[opt - UDPLITE_SEND_CSCOV] = v ? MIN(MAX(v, 8), 0xffff) : 0;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int udp_getsockopt(struct socket *s, int level, int opt, void *val, size_t *size)
{
	struct dgram_sock *d = s->priv;

	if (!own_level(level))
		return dgram_getsockopt(s, level, opt, val, size);
	switch (opt) {
	case UDP_CORK: return opt_ret(d->opt_cork, val, size);
	case UDP_SEGMENT: return opt_ret(d->opt_segment, val, size);
	case UDP_GRO: return opt_ret(d->opt_gro, val, size);
	case UDP_NO_CHECK6_TX:
	case UDP_NO_CHECK6_RX: return opt_ret(d->opt_no_check, val, size);
	case UDPLITE_SEND_CSCOV:
	case UDPLITE_RECV_CSCOV:
		return opt_ret(d->opt_coverage[opt - UDPLITE_SEND_CSCOV], val, size);
	case UDP_ENCAP: return opt_ret(0, val, size);
	default: return -ENOPROTOOPT;
	}
}

static const struct sock_ops udp_ops = {
	.bind = dgram_bind,
	.connect = dgram_connect,
	.getname = dgram_getname,
	.sendmsg = udp_sendmsg,
	.recvmsg = dgram_recvmsg,
	.shutdown = dgram_shutdown,
	.setsockopt = udp_setsockopt,
	.getsockopt = udp_getsockopt,
	.poll = dgram_poll,
	.filter = inet_filter,
	.ioctl = dgram_ioctl,
	.attach = dgram_attach,
	.release = dgram_release,
	.out_of_band = true,
	.error_queue = true,
};

int udp_create(struct socket *s)
{
	int proto = s->protocol == IPPROTO_UDPLITE ? PROTO_UDPLITE : PROTO_UDP;

	if (proto == PROTO_UDP)
		s->protocol = IPPROTO_UDP;
	if (netns_need_ports(netns_current(), proto))
		return -ENOMEM;
	s->priv = dgram_new(s, proto);
	if (!s->priv)
		return -ENOMEM;
	s->ops = &udp_ops;
	return 0;
}
