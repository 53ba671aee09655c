/* SPDX-License-Identifier: Apache-2.0 */
/* Options of the levels SOL_IP and SOL_IPV6: ip(7), ipv6(7).  Most are numbers
 * that say how packets look; there are none on lo, so the number is kept, and
 * shows where a program can see it (ancillary data of a receiver). */
#include "kernel/net/inet/inet.h"

struct opt_rule { uint8_t level, opt, index; int32_t min, max, initial; bool flag; };

static const struct opt_rule rules[] = {
	{ IPPROTO_IP, IP_TOS, OPT_TOS, 0, 255, 0, false },
	{ IPPROTO_IP, IP_TTL, OPT_TTL, 1, 255, 64, false },
	{ IPPROTO_IP, IP_HDRINCL, OPT_HDRINCL, 0, 0, 0, true },
	{ IPPROTO_IP, IP_RECVOPTS, OPT_RECVOPTS, 0, 0, 0, true },
	{ IPPROTO_IP, IP_RETOPTS, OPT_RETOPTS, 0, 0, 0, true },
	{ IPPROTO_IP, IP_PKTINFO, OPT_PKTINFO, 0, 0, 0, true },
	{ IPPROTO_IP, IP_MTU_DISCOVER, OPT_MTU_DISCOVER, 0, 5, 1, false },
	{ IPPROTO_IP, IP_RECVERR, OPT_RECVERR, 0, 0, 0, true },
	{ IPPROTO_IP, IP_RECVTTL, OPT_RECVTTL, 0, 0, 0, true },
	{ IPPROTO_IP, IP_RECVTOS, OPT_RECVTOS, 0, 0, 0, true },
	{ IPPROTO_IP, IP_FREEBIND, OPT_FREEBIND, 0, 0, 0, true },
	{ IPPROTO_IP, IP_TRANSPARENT, OPT_TRANSPARENT, 0, 0, 0, true },
	{ IPPROTO_IP, IP_RECVORIGDSTADDR, OPT_RECVORIGDST, 0, 0, 0, true },
	{ IPPROTO_IP, IP_MINTTL, OPT_MINTTL, 0, 255, 0, false },
	{ IPPROTO_IP, IP_NODEFRAG, OPT_NODEFRAG, 0, 0, 0, true },
	{ IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, OPT_BIND_NO_PORT, 0, 0, 0, true },
	{ IPPROTO_IP, IP_MULTICAST_TTL, OPT_MC_TTL, 0, 255, 1, false },
	{ IPPROTO_IP, IP_MULTICAST_LOOP, OPT_MC_LOOP, 0, 0, 1, true },
	{ IPPROTO_IP, IP_MULTICAST_ALL, OPT_MC_ALL, 0, 1, 1, false },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, OPT6_HOPS, 0, 255, 64, false },
	{ IPPROTO_IPV6, IPV6_MULTICAST_IF, OPT6_MC_IF, 0, LO_INDEX, 0, false },
	{ IPPROTO_IPV6, IPV6_MULTICAST_HOPS, OPT6_MC_HOPS, 0, 255, 1, false },
	{ IPPROTO_IPV6, IPV6_MULTICAST_LOOP, OPT6_MC_LOOP, 0, 1, 1, false },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, OPT6_MTU_DISCOVER, 0, 5, 1, false },
	{ IPPROTO_IPV6, IPV6_RECVERR, OPT6_RECVERR, 0, 0, 0, true },
	{ IPPROTO_IPV6, IPV6_MULTICAST_ALL, OPT6_MC_ALL, 0, 1, 1, false },
	{ IPPROTO_IPV6, IPV6_RECVPKTINFO, OPT6_RECVPKTINFO, 0, 0, 0, true },
	{ IPPROTO_IPV6, IPV6_RECVHOPLIMIT, OPT6_RECVHOPLIMIT, 0, 0, 0, true },
	{ IPPROTO_IPV6, IPV6_DONTFRAG, OPT6_DONTFRAG, 0, 0, 0, true },
	{ IPPROTO_IPV6, IPV6_RECVTCLASS, OPT6_RECVTCLASS, 0, 0, 0, true },
	{ IPPROTO_IPV6, IPV6_TCLASS, OPT6_TCLASS, 0, 255, 0, false },
	{ IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, OPT6_AUTOFLOW, 0, 0, 0, true },
	{ IPPROTO_IPV6, IPV6_FREEBIND, OPT6_FREEBIND, 0, 0, 0, true },
};

static const struct opt_rule *rule(int level, int opt)
{
	for (unsigned k = 0; k < ARRAY_SIZE(rules); k++)
		if (rules[k].level == level && rules[k].opt == opt)
			return &rules[k];
	return NULL;
}

void inet_opt_defaults(struct inet_sock *i)
{
	for (unsigned k = 0; k < ARRAY_SIZE(rules); k++)
		i->opt[rules[k].index] = rules[k].initial;
}

int opt_int(const void *val, size_t size, int32_t *ret)
{
	uint8_t c;

	if (size >= sizeof *ret) {
		memcpy(ret, val, sizeof *ret);
	} else if (size >= 1) {         /* ip(7): a byte will do */
		memcpy(&c, val, 1);
		*ret = c;
	} else {
		return -EINVAL;
	}
	return 0;
}

int opt_ret(int32_t v, void *val, size_t *size)
{
	*size = MIN(*size, sizeof v);
	memcpy(val, &v, *size);
	return 0;
}

/* ---- multicast groups ---- */

static int group_of(int level, const void *val, size_t size, struct ipaddr *ret)
{
	struct linux_ipv6_mreq m6;
	uint32_t g;

	if (level == IPPROTO_IPV6) {
		if (size < sizeof m6)
			return -EINVAL;
		memcpy(&m6, val, sizeof m6);
		memcpy(ret->b, m6.group, sizeof ret->b);
	} else {
		if (size < 8)
			return -EINVAL;
		memcpy(&g, val, sizeof g);
		*ret = ip_from_v4(be32(g));
	}
	return ip_is_multicast(ret) ? 0 : -EINVAL;
}

static int join(struct inet_sock *i, const struct ipaddr *g)
{
	struct membership *m = kmalloc(MEMBERSHIPS_MAX * sizeof *m), *spare = m;
	int err = 0;

	if (!m)
		return -ENOBUFS;
	spin_lock(&i->ns->lock);
	if (!i->members) {
		i->members = m;
		spare = NULL;
	}
	for (unsigned k = 0; k < i->member_count; k++)
		if (ip_equal(&i->members[k].group, g))
			err = -EADDRINUSE;
	if (!err && i->member_count == MEMBERSHIPS_MAX)
		err = -ENOBUFS;
	if (!err)
		i->members[i->member_count++].group = *g;
	spin_unlock(&i->ns->lock);
	kfree(spare);
	return err;
}

static int leave(struct inet_sock *i, const struct ipaddr *g)
{
	int err = -EADDRNOTAVAIL;

	spin_lock(&i->ns->lock);
	for (unsigned k = 0; k < i->member_count; k++) {
		if (!ip_equal(&i->members[k].group, g))
			continue;
		i->members[k] = i->members[--i->member_count];
		err = 0;
		break;
	}
	spin_unlock(&i->ns->lock);
	return err;
}

static int set_group(struct inet_sock *i, int level, bool add, const void *val, size_t size)
{
	struct ipaddr g;
	int err = group_of(level, val, size, &g);

	if (err)
		return err;
	if (i->type == SOCK_STREAM)
		return -EPROTO;
	return add ? join(i, &g) : leave(i, &g);
}

/* ---- set and get ---- */

static int set_v6only(struct inet_sock *i, const void *val, size_t size)
{
	int32_t v;

	if (size < sizeof v || i->family != AF_INET6)
		return -EINVAL;
	memcpy(&v, val, sizeof v);
	if (i->hashed)
		return -EINVAL;
	i->v6only = v;
	return 0;
}

static int set_socket(struct inet_sock *i, int opt, const void *val, size_t size)
{
	int32_t v;

	if ((opt == SO_REUSEADDR || opt == SO_REUSEPORT) && size >= sizeof v) {
		memcpy(&v, val, sizeof v);
		spin_lock(&i->ns->lock);
		*(opt == SO_REUSEADDR ? &i->reuseaddr : &i->reuseport) = v;
		spin_unlock(&i->ns->lock);
	}
	return -ENOPROTOOPT;            /* the layer keeps the rest */
}

int inet_setsockopt_common(struct socket *s, struct inet_sock *i, int level, int opt, const void *val, size_t size)
{
	const struct opt_rule *r;
	int32_t v;
	int err;

	if (level == SOL_SOCKET)
		return set_socket(i, opt, val, size);
	if (level != IPPROTO_IP && level != IPPROTO_IPV6)
		return -ENOPROTOOPT;
	if (level == IPPROTO_IPV6 && i->family != AF_INET6)
		return -ENOPROTOOPT;
	if (level == IPPROTO_IPV6 && opt == IPV6_V6ONLY)
		return set_v6only(i, val, size);
	if (level == IPPROTO_IP ? opt == IP_ADD_MEMBERSHIP || opt == IP_DROP_MEMBERSHIP :
				  opt == IPV6_ADD_MEMBERSHIP || opt == IPV6_DROP_MEMBERSHIP)
		return set_group(i, level, opt == (level == IPPROTO_IP ? IP_ADD_MEMBERSHIP : IPV6_ADD_MEMBERSHIP),
				 val, size);
	if (level == IPPROTO_IP && opt == IP_MULTICAST_IF) {
		if (size < 4)
			return -EINVAL;
		i->opt[OPT_MC_IF] = LO_INDEX;
		return 0;
	}
	if (level == IPPROTO_IP && opt == IP_OPTIONS)
		return size ? -EINVAL : 0;
	r = rule(level, opt);
	if (!r)
		return -ENOPROTOOPT;
	err = opt_int(val, size, &v);
	if (err)
		return err;
	if (opt == IP_TRANSPARENT && level == IPPROTO_IP && v && !capable(CAP_NET_ADMIN) && !capable(CAP_NET_RAW))
		return -EPERM;
	if (opt == IP_HDRINCL && level == IPPROTO_IP && i->type != SOCK_RAW)
		return -ENOPROTOOPT;
	if (r->flag)
		v = !!v;
	else if (v == -1 && r->index != OPT_TOS)
		v = r->initial;         /* back to the default */
	else if (r->index == OPT_TOS)
		v &= 0xff;
	else if (v < r->min || v > r->max)
		return -EINVAL;
	i->opt[r->index] = v;
	return 0;
}

int inet_getsockopt_common(struct socket *s, struct inet_sock *i, int level, int opt, void *val, size_t *size)
{
	const struct opt_rule *r;

	if (level != IPPROTO_IP && (level != IPPROTO_IPV6 || i->family != AF_INET6))
		return i->family == AF_INET ? -EOPNOTSUPP : -ENOPROTOOPT;
	if (level == IPPROTO_IPV6 && opt == IPV6_V6ONLY)
		return opt_ret(i->v6only, val, size);
	if (level == IPPROTO_IP ? opt == IP_MTU : opt == IPV6_MTU)
		return i->remote.port ? opt_ret(LO_MTU, val, size) : -ENOTCONN;
	if (level == IPPROTO_IP && opt == IP_MULTICAST_IF)
		return opt_ret(0, val, size);
	if (level == IPPROTO_IP && opt == IP_OPTIONS) {
		*size = 0;
		return 0;
	}
	r = rule(level, opt);
	if (!r)
		return -ENOPROTOOPT;
	/* A caller with less than an int gets a byte: ip(7). */
	if (level == IPPROTO_IP && *size < sizeof(int32_t) && *size > 0) {
		uint8_t c = (uint8_t)i->opt[r->index];

		*size = 1;
		memcpy(val, &c, 1);
		return 0;
	}
	return opt_ret(i->opt[r->index], val, size);
}
