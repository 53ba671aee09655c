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
	{ IPPROTO_IPV6, IPV6_MULTICAST_IF, OPT6_MC_IF, INT32_MIN, INT32_MAX, 0, false },
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
	{ IPPROTO_IPV6, IPV6_TRANSPARENT, OPT6_TRANSPARENT, 0, 0, 0, true },
	{ IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, OPT6_RECVORIGDST, 0, 0, 0, true },
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

/* SO_BINDTODEVICE, by name; the empty one lets go. */
static int set_device(struct inet_sock *i, const char *name, size_t size)
{
	size_t n = strnlen(name, MIN(size, (size_t)15));
	const char *lo = i->ns->lo.name;

	if (n && (n != strlen(lo) || memcmp(name, lo, n)))
		return -ENODEV;
	if (i->opt[OPT_BOUND_LINK] && !capable(CAP_NET_RAW))
		return -EPERM;
	i->opt[OPT_BOUND_LINK] = n ? LO_INDEX : 0;
	return 0;
}

static int set_socket(struct inet_sock *i, int opt, const void *val, size_t size)
{
	int32_t v;

	if (opt == SO_BINDTODEVICE)
		return set_device(i, val, size);
	if (size < sizeof v)
		return -ENOPROTOOPT;
	memcpy(&v, val, sizeof v);
	switch (opt) {
	case SO_REUSEADDR:
	case SO_REUSEPORT:
		spin_lock(&i->ns->lock);
		*(opt == SO_REUSEADDR ? &i->reuseaddr : &i->reuseport) = v;
		spin_unlock(&i->ns->lock);
		return -ENOPROTOOPT;    /* the layer keeps it, as it does the rest */
	case SO_BINDTOIFINDEX:
		return v && v != LO_INDEX ? -ENODEV : set_device(i, "lo", v ? 2 : 0);
	case SO_PEEK_OFF:
		if (i->proto < 0)
			return -EOPNOTSUPP;
		__atomic_store_n(&i->peek_off, v, __ATOMIC_RELAXED);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int get_socket(struct inet_sock *i, int opt, void *val, size_t *size)
{
	switch (opt) {
	case SO_BINDTODEVICE:
		if (!i->opt[OPT_BOUND_LINK]) {
			*size = 0;
			return 0;
		}
		if (*size < 16)
			return -EINVAL;
		*size = 3;
		memcpy(val, "lo", 3);
		return 0;
	case SO_BINDTOIFINDEX: return opt_ret(i->opt[OPT_BOUND_LINK], val, size);
	case SO_PEEK_OFF:
		return i->proto < 0 ? -EOPNOTSUPP : opt_ret(__atomic_load_n(&i->peek_off, __ATOMIC_RELAXED), val, size);
	default: return -ENOPROTOOPT;
	}
}

size_t inet_peek_offset(const struct inet_sock *i, bool peek)
{
	int32_t off = __atomic_load_n(&i->peek_off, __ATOMIC_RELAXED);

	return peek && off > 0 ? (size_t)off : 0;
}

void inet_peek_move(struct inet_sock *i, bool peek, size_t n)
{
	int32_t off = __atomic_load_n(&i->peek_off, __ATOMIC_RELAXED);
	int64_t to = peek ? (int64_t)off + (int64_t)n : (int64_t)off - (int64_t)n;

	if (off >= 0)
		__atomic_store_n(&i->peek_off, (int32_t)MIN(MAX(to, (int64_t)0), (int64_t)INT32_MAX), __ATOMIC_RELAXED);
}

static int set_mc_link(struct inet_sock *i, const void *val, size_t size)
{
	struct linux_ip_mreqn m = { 0 };
	struct ipaddr ip;

	if (size < 4)
		return -EINVAL;
	if (size >= sizeof m)
		memcpy(&m, val, sizeof m);
	else
		memcpy(&m.address, size >= 8 ? (const uint8_t *)val + 4 : val, sizeof m.address);
	ip = ip_from_v4(be32(m.address));
	if (m.ifindex ? m.ifindex != LO_INDEX : m.address && !net_is_local(i->ns, &ip))
		return -EADDRNOTAVAIL;
	i->mc_addr = m.address;
	i->opt[OPT_MC_IF] = m.ifindex || m.address ? LO_INDEX : 0;
	return 0;
}

static int set_port_range(struct inet_sock *i, const void *val, size_t size)
{
	uint32_t v;

	if (size != sizeof v)
		return -EINVAL;
	memcpy(&v, val, sizeof v);
	if ((v & 0xffff) && v >> 16 && (v & 0xffff) > v >> 16)
		return -EINVAL;
	i->port_first = (uint16_t)v;
	i->port_last = (uint16_t)(v >> 16);
	return 0;
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
	err = inet_set_members(i, level, opt, val, size);
	if (err != -ENOPROTOOPT)
		return err;
	if (level == IPPROTO_IP && opt == IP_MULTICAST_IF)
		return set_mc_link(i, val, size);
	if (level == IPPROTO_IP && opt == IP_LOCAL_PORT_RANGE)
		return set_port_range(i, val, size);
	if (level == IPPROTO_IP && opt == IP_OPTIONS)
		return size ? -EINVAL : 0;
	r = rule(level, opt);
	if (!r)
		return -ENOPROTOOPT;
	err = opt_int(val, size, &v);
	if (err)
		return err;
	if (opt == (level == IPPROTO_IP ? IP_TRANSPARENT : IPV6_TRANSPARENT) && v && !capable(CAP_NET_ADMIN) && !capable(CAP_NET_RAW))
		return -EPERM;
	if (opt == IP_HDRINCL && level == IPPROTO_IP && i->type != SOCK_RAW)
		return -ENOPROTOOPT;
	if (r->index == OPT6_MC_IF && v && v != LO_INDEX)
		return -ENODEV;
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

	if (level == SOL_SOCKET)
		return get_socket(i, opt, val, size);
	if (level != IPPROTO_IP && (level != IPPROTO_IPV6 || i->family != AF_INET6))
		return i->family == AF_INET ? -EOPNOTSUPP : -ENOPROTOOPT;
	if (level == IPPROTO_IPV6 && opt == IPV6_V6ONLY)
		return opt_ret(i->v6only, val, size);
	if (level == IPPROTO_IP ? opt == IP_MTU : opt == IPV6_MTU)
		return i->remote.port ? opt_ret(level == IPPROTO_IP ? LO_MTU - 1 : LO_MTU, val, size) : -ENOTCONN;
	if (level == IPPROTO_IP && opt == IP_MULTICAST_IF)
		return opt_ret((int32_t)i->mc_addr, val, size);
	if (level == IPPROTO_IP && opt == IP_LOCAL_PORT_RANGE)
		return opt_ret((int32_t)((uint32_t)i->port_first | (uint32_t)i->port_last << 16), val, size);
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
