/* SPDX-License-Identifier: Apache-2.0 */
/* ICMP echo and raw sockets: icmp(7), raw(7).
 *
 * Datagram ("ping") sockets send an echo request, which is answered at once.
 * A raw packet is seen by every raw socket of its protocol, IPv4 ones with an IP
 * header before it, and answered (answer.c). */
#include "kernel/net/inet/dgram.h"
#include "kernel/net/packet.h"

#define DONT_FRAGMENT 0x4000u
#define ICMP_HEAD 8u
#define RAW_MAX 64u

struct echo { uint8_t type, code; uint16_t sum, id, seq; };
struct ip4 { uint8_t vihl, tos; uint16_t len, id, frag; uint8_t ttl, proto; uint16_t sum; uint32_t src, dst; };
struct ip6 { uint8_t head[4]; uint16_t len; uint8_t next, hops; uint8_t src[16], dst[16]; };
_Static_assert(sizeof(struct ip4) == 20 && sizeof(struct ip6) == 40, "headers");

static uint16_t checksum(const void *p, size_t n)
{
	const uint8_t *b = p;
	uint32_t sum = 0;

	for (; n > 1; n -= 2, b += 2)
		sum += (uint32_t)b[0] | (uint32_t)b[1] << 8;
	if (n)
		sum += b[0];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static int32_t word(const int32_t *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }

/* Is g of a kind that the socket does not want (ICMP_FILTER, ICMPV6_FILTER), or broken
 * (IPV6_CHECKSUM)? */
static bool filtered(const struct inet_sock *o, const struct dgram *g)
{
	const struct dgram_sock *d = dgram_of((struct inet_sock *)o);
	uint8_t type = g->size ? g->data[0] : 0;

	if (o->protocol == IPPROTO_ICMP && g->size < ICMP_HEAD)
		return true;
	if (o->protocol == IPPROTO_ICMP)
		return type < 32 && d->icmp_filter[0] & 1u << type;
	if (o->protocol == IPPROTO_ICMPV6)
		return d->icmp_filter[type / 32] & 1u << type % 32;
	return o->family == AF_INET6 && word(&d->opt_checksum) >= 0 && !inet_sum_fine(g, o->protocol, g->size);
}

/* What the socket's filter leaves of c, which is g as the socket sees it; false: nothing. */
static bool filter(struct dgram_sock *d, const struct dgram *g, struct dgram *c, int protocol)
{
	size_t shown = ip_is_v4(&g->to.ip) ? g->options.size : 0, keep;
	struct frame f;

	if (!filter_there(&d->in.filter))
		return true;
	frame_ip(&f, &g->from, &g->to, (uint8_t)protocol, g->ttl, g->tos, g->data, g->size);
	/* The frame shows no options: who keeps all of it keeps them too. */
	if (!filter_run(&d->in.filter, &f, frame_size(&f) + shown - c->size, &keep))
		return false;
	if (keep + shown < c->size)
		c->size = (uint32_t)keep;
	return true;
}

/* A copy of g for each raw socket of the protocol. */
void dgram_to_raw(struct netns *ns, const struct dgram *g, int protocol)
{
	struct inet_sock *to[RAW_MAX], *o;
	bool v4 = ip_is_v4(&g->to.ip);
	size_t head = v4 ? sizeof(struct ip4) + g->options.size : 0;
	uint16_t id = g->ip_id || g->ip_frag & DONT_FRAGMENT || !v4 ? g->ip_id : frame_number();
	unsigned n = 0;

	spin_lock(&ns->lock);
	list_for_each(o, &ns->all, all_link)
		if (n < RAW_MAX && o->type == SOCK_RAW && o->protocol == protocol && (o->family == AF_INET) == v4 &&
		    (ip_is_any(&o->local.ip) || ip_equal(&o->local.ip, &g->to.ip)) &&
		    (ip_is_any(&o->remote.ip) || ip_equal(&o->remote.ip, &g->from.ip)) && !filtered(o, g) &&
		    ref_get_unless_zero(&o->ref))
			to[n++] = o;
	spin_unlock(&ns->lock);
	for (unsigned k = 0; k < n; k++) {
		struct dgram *c = dgram_msg_new(head + g->size);

		if (c) {
			if (v4) {
				struct ip4 h = { .vihl = (uint8_t)(0x40 | head / 4), .tos = g->tos, .len = be16((uint16_t)(head + g->size)), .id = be16(id),
						 .frag = be16(g->ip_frag), .ttl = g->ttl, .proto = (uint8_t)protocol, .src = be32(ip_v4(&g->from.ip)),
						 .dst = be32(ip_v4(&g->to.ip)) };

				memcpy(c->data, &h, sizeof h);
				memcpy(c->data + sizeof h, g->options.b, g->options.size);
				h.sum = checksum(c->data, head);
				memcpy(c->data, &h, sizeof h);
			}
			memcpy(c->data + head, g->data, g->size);
			c->from = g->from;
			c->to = g->to;
			c->from.port = 0;
			c->ttl = g->ttl;
			if (!v4)
				c->options = g->options;
			if (filter(dgram_of(to[k]), g, c, protocol))
				dgram_deliver(dgram_of(to[k]), c);
			else
				kfree(c);
		}
		dgram_put(dgram_of(to[k]));
	}
}

/* A packet that a program made, header and all (IP_HDRINCL): what the kernel
 * fills in is filled in, and g becomes its contents.  *ret_lost: nobody takes it. */
static int take_header(struct dgram *g, int *ret_protocol, bool *ret_lost)
{
	struct ip6 h6;
	struct ip4 h;
	size_t head;

	if (!ip_is_v4(&g->to.ip)) {
		if (g->size < sizeof h6)
			return -EINVAL;
		memcpy(&h6, g->data, sizeof h6);
		*ret_protocol = h6.next;
		g->ttl = h6.hops;
		g->tos = (uint8_t)(h6.head[0] << 4 | h6.head[1] >> 4);
		*ret_lost = h6.head[0] >> 4 != 6;
		memcpy(g->from.ip.b, h6.src, sizeof h6.src);
		memcpy(g->to.ip.b, h6.dst, sizeof h6.dst);
		g->size -= (uint32_t)sizeof h6;
		memmove(g->data, g->data + sizeof h6, g->size);
		return 0;
	}
	if (g->size < sizeof h)
		return -EINVAL;
	memcpy(&h, g->data, sizeof h);
	head = (size_t)(h.vihl & 15) * 4;
	if (head < sizeof h || head > g->size)
		return -EINVAL;
	*ret_lost = h.vihl >> 4 != 4;
	if (head > sizeof h && ip_options_parse(&g->options, g->data + sizeof h, head - sizeof h))
		*ret_lost = true;
	*ret_protocol = h.proto;
	g->ip_id = be16(h.id);
	g->ip_frag = be16(h.frag);
	g->ttl = h.ttl;
	g->tos = h.tos;
	if (h.src)
		g->from.ip = ip_from_v4(be32(h.src));
	g->to.ip = ip_from_v4(be32(h.dst));     /* the name said only by which way */
	g->size -= (uint32_t)head;
	memmove(g->data, g->data + head, g->size);
	return 0;
}

/* What a ping socket calls its port: the number of its echoes. */
static void choose_number(struct dgram_sock *d)
{
	static uint16_t last;

	spin_lock(&d->in.ns->lock);
	while (!d->in.local.port)
		d->in.local.port = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
	spin_unlock(&d->in.ns->lock);
}

static bool number_taken(struct dgram_sock *d, uint16_t port)
{
	struct inet_sock *o;

	list_for_each(o, &d->in.ns->all, all_link)
		if (o != &d->in && o->proto < 0 && o->type == SOCK_DGRAM && o->local.port == port &&
		    !(o->reuseaddr && d->in.reuseaddr))
			return true;
	return false;
}

/* ping_bind(): an address of this host, once. */
static int ping_bind(struct dgram_sock *d, const struct sock_addr *a)
{
	struct endpoint e;
	int err = inet_addr_parse(&d->in, a, true, &e);
	bool v6 = d->in.family == AF_INET6;

	if (err)
		return err;
	if (v6 && (ip_is_v4(&e.ip) || ip_is_multicast(&e.ip) || (inet_needs_scope(&e.ip) && !e.scope)))
		return -EINVAL;
	if (!ip_is_any(&e.ip) && !net_is_local(d->in.ns, &e.ip) && !d->in.opt[v6 ? OPT6_FREEBIND : OPT_FREEBIND] &&
	    !d->in.opt[v6 ? OPT6_TRANSPARENT : OPT_TRANSPARENT])
		return -EADDRNOTAVAIL;
	spin_lock(&d->in.ns->lock);
	if (d->in.local.port)
		err = -EINVAL;
	else if (e.port && number_taken(d, e.port))
		err = -EADDRINUSE;
	if (!err) {
		d->in.local = e;
		d->in.addr_locked = !ip_is_any(&e.ip);
		d->in.port_locked = e.port;
	}
	spin_unlock(&d->in.ns->lock);
	if (!err)
		choose_number(d);
	return err;
}

static int icmp_bind(struct socket *s, const struct sock_addr *a)
{
	struct dgram_sock *d = s->priv;
	struct endpoint e;

	if (s->type == SOCK_DGRAM)
		return ping_bind(d, a);
	if (s->family == AF_INET6 && !inet_addr_parse(&d->in, a, true, &e) && ip_is_v4(&e.ip))
		return -EADDRNOTAVAIL;
	return dgram_bind(s, a);
}

static int icmp_connect(struct socket *s, const struct sock_addr *a, bool nonblock)
{
	if (s->type == SOCK_DGRAM && (a->size < sizeof(uint16_t) || a->u.family != AF_UNSPEC))
		choose_number(s->priv);
	return dgram_connect(s, a, nonblock);
}

static long send_ping(struct dgram_sock *d, struct dgram *g)
{
	struct echo *e = (struct echo *)(void *)g->data;
	int protocol = d->in.protocol;
	struct dgram *r;
	long n = (long)g->size;

	if (!inet_is_echo(g, protocol)) {
		kfree(g);
		return -EINVAL;
	}
	choose_number(d);
	spin_lock(&d->in.ns->lock);
	e->id = be16(d->in.local.port);
	spin_unlock(&d->in.ns->lock);
	inet_sum(g, protocol, offsetof(struct echo, sum), g->size);
	inet_pass(d->in.ns, g, protocol);
	r = inet_echo_reply(d->in.ns, g, protocol);
	kfree(g);
	if (!r)
		return n;
	inet_pass(d->in.ns, r, protocol);
	r->from.port = 0;
	dgram_deliver(d, r);
	return n;
}

static long send_raw(struct dgram_sock *d, struct dgram *g)
{
	int protocol = d->in.protocol, at = word(&d->opt_checksum), err = 0;
	struct ipaddr way = g->to.ip;
	bool lost = false;
	long n = (long)g->size;

	if (d->in.opt[d->in.family == AF_INET ? OPT_HDRINCL : OPT6_HDRINCL]) {
		err = take_header(g, &protocol, &lost);
	} else if (d->in.family == AF_INET) {
		g->ip_frag = d->in.opt[OPT_MTU_DISCOVER] ? DONT_FRAGMENT : 0;  /* IP_PMTUDISC_DONT */
		g->ip_id = frame_number();
	} else if (at >= 0) {
		if ((uint32_t)at + 2 > g->size)
			err = -EINVAL;
		else
			inet_sum(g, protocol, (size_t)at, g->size);
	}
	lost |= ip_is_v4(&g->to.ip) != ip_is_v4(&way);
	lost |= d->in.family == AF_INET6 && g->options.size && !ip6_headers_fine(&g->options);
	if (!err && !lost)
		inet_pass(d->in.ns, g, protocol);
	if (!err && !lost && ip_equal(&g->to.ip, &way))
		inet_answer(d->in.ns, g, protocol);
	kfree(g);
	return err ? err : n;
}

/* The port of a raw socket's destination is its protocol, or 0: rawv6_sendmsg(). */
static bool strange_port(const struct socket *s, const struct sock_msg *m, const struct endpoint *to)
{
	return s->type == SOCK_RAW && s->family == AF_INET6 && m->name.size && to->port && s->protocol != IPPROTO_RAW &&
	       to->port != s->protocol;
}

static long icmp_sendmsg(struct socket *s, struct sock_msg *m)
{
	struct dgram_sock *d = s->priv;
	bool v6 = s->family == AF_INET6, headed = d->in.opt[v6 ? OPT6_HDRINCL : OPT_HDRINCL];
	bool made = s->type == SOCK_RAW && !headed;     /* the header is the kernel's */
	size_t n = m->it->left;
	struct dgram_control ctl;
	struct endpoint to, from;
	struct sock_control sc;
	struct dgram *g;
	int err = sock_control(s, m, &sc);

	if (err)
		return err;
	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (n > (v6 || headed ? UINT16_MAX : UINT16_MAX - sizeof(struct ip4)))
		return -EMSGSIZE;
	if (s->type == SOCK_DGRAM && n < sizeof(struct echo))
		return -EINVAL;
	err = dgram_destination(s, m, false, &to, &from, &ctl);
	if (!err && strange_port(s, m, &to))
		err = -EINVAL;
	if (!err && headed && n < (ip_is_v4(&to.ip) ? sizeof(struct ip4) : sizeof(struct ip6)))
		err = -EINVAL;
	/* Its type is read before there is a packet, and such a packet asks for no errors. */
	if (!err && made && n < 2 && s->protocol == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		err = -EFAULT;
	if (!err && !made)
		err = dgram_send_check(d);
	if (err)
		return err;
	g = dgram_msg_new(n);
	if (!g)
		return -ENOBUFS;
	if (iter_copy_in(m->it, g->data, n) != n) {
		kfree(g);
		return -EFAULT;
	}
	g->to = to;
	g->from = from;
	g->ttl = (uint8_t)ctl.ttl;
	g->tos = (uint8_t)ctl.tos;
	g->options = ctl.options;
	if (g->options.size && !v6)
		ip_options_travel(&g->options, &from.ip, &to.ip);
	dgram_stamp(s, d, &sc, g, frame_ip);
	return s->type == SOCK_RAW ? send_raw(d, g) : send_ping(d, g);
}

static bool is_filter(const struct socket *s, int level, int opt)
{
	return s->type == SOCK_RAW && ((level == SOL_RAW && opt == ICMP_FILTER && s->protocol == IPPROTO_ICMP) ||
				       (level == SOL_ICMPV6 && opt == ICMPV6_FILTER && s->protocol == IPPROTO_ICMPV6));
}

/* The levels of raw sockets: an option that the protocol has not, or none at all. */
static int raw_level(const struct socket *s, int level, int opt)
{
	if (s->type != SOCK_RAW || is_filter(s, level, opt))
		return 0;
	if (level == SOL_RAW)
		return s->family == AF_INET && opt == ICMP_FILTER ? -EOPNOTSUPP : -ENOPROTOOPT;
	return level == SOL_ICMPV6 && s->family == AF_INET6 && s->protocol != IPPROTO_ICMPV6 ? -EOPNOTSUPP : 0;
}

/* Options of raw sockets of IPv6: RFC 3542, 3. */
static bool is_raw6(const struct socket *s, int level, int opt)
{
	return s->type == SOCK_RAW && s->family == AF_INET6 && (level == SOL_RAW || level == IPPROTO_IPV6) &&
	       (opt == IPV6_CHECKSUM || opt == IPV6_HDRINCL);
}

static int set_raw6(struct dgram_sock *d, int level, int opt, const void *val, size_t size)
{
	int32_t v;

	if (size < sizeof v)
		return -EINVAL;
	memcpy(&v, val, sizeof v);
	if (opt == IPV6_HDRINCL) {
		d->in.opt[OPT6_HDRINCL] = !!v;
		return 0;
	}
	if ((d->in.protocol == IPPROTO_ICMPV6 && level == IPPROTO_IPV6) || (v > 0 && v & 1))
		return -EINVAL;
	__atomic_store_n(&d->opt_checksum, v < 0 ? -1 : v, __ATOMIC_RELAXED);
	return 0;
}

static int icmp_setsockopt(struct socket *s, int level, int opt, const void *val, size_t size)
{
	struct dgram_sock *d = s->priv;
	int err;

	if (is_filter(s, level, opt)) {
		memcpy(d->icmp_filter, val, MIN(size, level == SOL_RAW ? sizeof d->icmp_filter[0] : sizeof d->icmp_filter));
		return 0;
	}
	if (is_raw6(s, level, opt))
		return set_raw6(d, level, opt, val, size);
	err = raw_level(s, level, opt);
	if (err)
		return level == SOL_RAW && s->family == AF_INET6 && size < sizeof(int32_t) ? -EINVAL : err;
	return dgram_setsockopt(s, level, opt, val, size);
}

static int icmp_getsockopt(struct socket *s, int level, int opt, void *val, size_t *size)
{
	struct dgram_sock *d = s->priv;
	int err;

	if (is_raw6(s, level, opt))
		return opt_ret(opt == IPV6_HDRINCL ? d->in.opt[OPT6_HDRINCL] : word(&d->opt_checksum), val, size);
	err = raw_level(s, level, opt);
	if (err)
		return err;
	if (!is_filter(s, level, opt))
		return dgram_getsockopt(s, level, opt, val, size);
	*size = MIN(*size, level == SOL_RAW ? sizeof d->icmp_filter[0] : sizeof d->icmp_filter);
	memcpy(val, d->icmp_filter, *size);
	return 0;
}

static const struct sock_ops icmp_ops = {
	.bind = icmp_bind,
	.connect = icmp_connect,
	.getname = dgram_getname,
	.sendmsg = icmp_sendmsg,
	.recvmsg = dgram_recvmsg,
	.shutdown = dgram_shutdown,
	.setsockopt = icmp_setsockopt,
	.getsockopt = icmp_getsockopt,
	.poll = dgram_poll,
	.filter = inet_filter,
	.ioctl = dgram_ioctl,
	.attach = dgram_attach,
	.release = dgram_release,
	.out_of_band = true,
	.error_queue = true,
};

int ping_create(struct socket *s)
{
	struct dgram_sock *d = dgram_new(s, -1);

	if (!d)
		return -ENOMEM;
	s->priv = d;
	s->reuseaddr = d->in.reuseaddr = true;  /* raw sockets share, and ping sockets their numbers */
	d->opt_checksum = s->type == SOCK_RAW && s->protocol == IPPROTO_ICMPV6 ? (int32_t)offsetof(struct echo, sum) : -1;
	d->in.opt[s->family == AF_INET ? OPT_HDRINCL : OPT6_HDRINCL] = s->type == SOCK_RAW && s->protocol == IPPROTO_RAW;
	s->ops = &icmp_ops;
	return 0;
}
