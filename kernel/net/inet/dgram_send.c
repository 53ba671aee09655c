/* SPDX-License-Identifier: Apache-2.0 */
/* Message sockets: where a message goes, and what the sender says about it in
 * ancillary data (ip(7), ipv6(7)). */
#include "kernel/net/inet/dgram.h"

static int pktinfo4(struct dgram_sock *d, const struct sock_cmsg *c, struct dgram_control *ret)
{
	struct linux_in_pktinfo pi;

	if (c->size != sizeof pi)
		return -EINVAL;
	memcpy(&pi, c->data, sizeof pi);
	if (pi.ifindex && pi.ifindex != LO_INDEX)
		return -ENODEV;
	ret->link = pi.ifindex;
	ret->from = ip_from_v4(be32(pi.spec_dst));
	ret->have_from = pi.spec_dst;
	return ret->have_from && !net_is_local(d->in.ns, &ret->from) && !d->in.opt[OPT_FREEBIND] &&
	       !d->in.opt[OPT_TRANSPARENT] ? -ENETUNREACH : 0;
}

static int pktinfo6(struct dgram_sock *d, const struct sock_cmsg *c, struct dgram_control *ret)
{
	struct linux_in6_pktinfo pi;

	if (c->size < sizeof pi)
		return -EINVAL;
	memcpy(&pi, c->data, sizeof pi);
	if (pi.ifindex && pi.ifindex != LO_INDEX)
		return -ENODEV;
	ret->link = (int32_t)pi.ifindex;
	memcpy(ret->from.b, pi.addr, sizeof ret->from.b);
	ret->have_from = !ip_is_any(&ret->from);
	return ret->have_from && !net_is_local(d->in.ns, &ret->from) && !d->in.opt[OPT6_FREEBIND] &&
	       !d->in.opt[OPT6_TRANSPARENT] ? -EINVAL : 0;
}

/* A number that is the TTL or the type of service. */
static int number(bool v4, const struct sock_cmsg *c, struct dgram_control *ret)
{
	bool is_ttl = c->type == (v4 ? IP_TTL : IPV6_HOPLIMIT);
	int32_t v;

	if (c->size == sizeof v)
		memcpy(&v, c->data, sizeof v);
	else if (v4 && !is_ttl && c->size == 1)
		v = c->data[0];
	else
		return -EINVAL;
	if (v > 255 || v < (v4 ? is_ttl : -1))
		return -EINVAL;
	if (v >= 0)                     /* else: as the socket says */
		*(is_ttl ? &ret->ttl : &ret->tos) = v;
	return 0;
}

int dgram_control(struct dgram_sock *d, const struct sock_msg *m, bool v4, struct dgram_control *ret)
{
	int level = v4 ? IPPROTO_IP : IPPROTO_IPV6, err = 0;
	struct ip_options own = { 0 };  /* take the place of all that the socket has */
	uint16_t segment;

	memset(ret, 0, sizeof *ret);
	if (v4 && __atomic_load_n(&d->in.options.size, __ATOMIC_RELAXED)) {
		spin_lock(&d->in.ns->lock);
		ret->options = d->in.options;
		spin_unlock(&d->in.ns->lock);
	}
	if (!v4)
		err = ip6_kept_headers(&d->in, &ret->options);
	ret->ttl = v4 ? inet_ttl(&d->in) : d->in.opt[OPT6_HOPS];
	ret->tos = d->in.opt[v4 ? OPT_TOS : OPT6_TCLASS];
	ret->segment = d->opt_segment;
	for (unsigned i = 0; !err && i < m->cmsg_count; i++) {
		const struct sock_cmsg *c = &m->cmsg[i];

		if (c->level == IPPROTO_UDP && d->in.proto == PROTO_UDP) {
			if (c->type != UDP_SEGMENT || c->size != sizeof segment)
				return -EINVAL;
			memcpy(&segment, c->data, sizeof segment);
			ret->segment = segment;
			continue;
		}
		if (c->level != level)
			continue;
		if (c->type == (v4 ? IP_TTL : IPV6_HOPLIMIT) || c->type == (v4 ? IP_TOS : IPV6_TCLASS))
			err = number(v4, c, ret);
		else if (c->type == (v4 ? IP_PKTINFO : IPV6_PKTINFO))
			err = v4 ? pktinfo4(d, c, ret) : pktinfo6(d, c, ret);
		else if (v4 && c->type == IP_RETOPTS)
			err = ip_options_parse(&ret->options, c->data, MIN(c->size, (size_t)IP_OPTIONS_MAX));
		else if (!v4 && (ip6_is_header(c->type) || (c->type >= IPV6_2292HOPOPTS && c->type <= IPV6_2292RTHDR)))
			err = ip6_add_header(&own, c->type, c->data, c->size);
		else if (v4 || c->type != IPV6_DONTFRAG)
			err = -EINVAL;
	}
	if (own.size)
		ret->options = own;
	return err;
}

int dgram_send_check(struct dgram_sock *d)
{
	int err = 0;

	spin_lock(&d->lock);
	if (d->error) {
		err = -d->error;
		d->error = 0;
	} else if (d->shutdown & DGRAM_SHUT_SEND) {
		err = -EPIPE;
	}
	spin_unlock(&d->lock);
	return err;
}

int dgram_autobind(struct dgram_sock *d)
{
	struct endpoint e = { .ip = d->in.local.ip };
	int err;

	if (d->in.hashed || d->in.proto < 0)
		return 0;
	err = inet_bind_port(&d->in, &e, false);
	return err == -EINVAL ? 0 : err;        /* another thread was faster */
}

/* A group, or everybody, is on the link whose address the socket has: ip_route_output_key(). */
static bool by_own_address(const struct dgram_sock *d, const struct ipaddr *to)
{
	return ip_is_v4(to) && (ip_is_multicast(to) || ip_is_broadcast(to)) && !ip_is_any(&d->in.local.ip) &&
	       ip_is_v4(&d->in.local.ip) && net_is_local(d->in.ns, &d->in.local.ip);
}

int dgram_route(struct socket *s, struct dgram_sock *d, struct endpoint *to, int32_t link, struct ipaddr *ret_src)
{
	enum net_kind kind;
	int err;

	if (!link)
		link = inet_bound_link(&d->in);
	if (!link && !ip_is_v4(&to->ip) && d->in.proto == PROTO_UDP)
		link = d->in.sticky_link;
	if (!link && ip_is_multicast(&to->ip))
		link = d->in.opt[ip_is_v4(&to->ip) ? OPT_MC_IF : OPT6_MC_IF];
	if (!link && inet_needs_scope(&to->ip))
		link = (int32_t)to->scope;
	if (!link && by_own_address(d, &to->ip))
		link = LO_INDEX;
	err = net_route(d->in.ns, &to->ip, link, ret_src, &kind);
	if (!err && kind == NET_BROADCAST && !s->broadcast)
		err = -EACCES;
	if (!err && kind == NET_MULTICAST && d->in.mc_addr && ip_is_v4(&to->ip))
		*ret_src = ip_from_v4(be32(d->in.mc_addr));
	return err;
}

/* The name of a message's receiver: true, there is one.  AF_UNSPEC is the family
 * of the socket for UDP over IPv4, and no name for UDP over IPv6. */
static bool named(const struct dgram_sock *d, const struct sock_msg *m, bool ports, struct sock_addr *ret, int *err)
{
	*err = 0;
	*ret = m->name;
	if (!ports || ret->size < sizeof(uint16_t))
		return ret->size;
	if (d->in.family == AF_INET && ret->u.family == AF_UNSPEC)
		ret->u.family = AF_INET;
	if (d->in.family == AF_INET6) {
		if (ret->u.family == AF_UNSPEC)
			return false;
		if (ret->u.family != AF_INET && ret->u.family != AF_INET6)
			*err = -EINVAL;
	}
	return true;
}

int dgram_destination(struct socket *s, const struct sock_msg *m, bool ports, struct endpoint *ret_to,
		      struct endpoint *ret_from, struct dgram_control *ret_ctl)
{
	struct dgram_sock *d = s->priv;
	struct ipaddr src;
	int err = ports ? dgram_autobind(d) : 0;
	struct sock_addr name;

	if (err)
		return err;
	if (named(d, m, ports, &name, &err)) {
		if (!err)
			err = inet_addr_parse(&d->in, &name, false, ret_to);
		if (err)
			return err;
		if (ports && !ret_to->port)
			return -EINVAL;
	} else {
		if (!d->in.remote.port && ip_is_any(&d->in.remote.ip))
			return -EDESTADDRREQ;
		*ret_to = d->in.remote;
		if (ports && !ret_to->port && d->in.family == AF_INET6 && ip_is_v4(&ret_to->ip))
			return -EINVAL;
	}
	err = dgram_control(d, m, ip_is_v4(&ret_to->ip), ret_ctl);
	if (!err)
		err = dgram_route(s, d, ret_to, ret_ctl->link, &src);
	if (err)
		return err;
	*ret_from = d->in.local;
	if (ret_ctl->have_from)
		ret_from->ip = ret_ctl->from;
	else if (ip_is_any(&ret_from->ip) || ip_is_multicast(&ret_from->ip) || ip_is_broadcast(&ret_from->ip))
		ret_from->ip = src;
	else if (d->chose6 && ip_is_v4(&ret_from->ip) != ip_is_v4(&ret_to->ip))
		ret_from->ip = src;
	if (ip_is_v4(&ret_from->ip) && !ip_is_v4(&ret_to->ip))
		return -EAFNOSUPPORT;
	return ip_is_v4(&ret_from->ip) == ip_is_v4(&ret_to->ip) ? 0 : -EINVAL;
}
