/* SPDX-License-Identifier: Apache-2.0 */
/* Options of the levels SOL_IP and SOL_IPV6: ip(7), ipv6(7).  Most are numbers
 * that say how packets look; there are none on lo, so the number is kept, and
 * shows where a program can see it (ancillary data of a receiver). */
#include "kernel/net/inet/inet.h"

/* SWITCH: on or off.  FILLED: an empty value is wrong, where others take it for 0.  RESET: -1 is the initial
 * value.  INT: a whole int, or 0 is meant (LAX) or it is wrong. */
enum { SWITCH = 1, FILLED = 2, RESET = 4, INT = 8, LAX = 16, RAW_ONLY = 32, NO_STREAM = 64, FAMILY_V4 = 128 };
struct opt_rule { uint8_t level, opt, index; int32_t min, max, initial; uint8_t kind; };

#define SWITCH4(name, index) { IPPROTO_IP, name, index, 0, 0, 0, SWITCH }
#define SWITCH6(name, index) { IPPROTO_IPV6, name, index, 0, 0, 0, SWITCH | INT }
static const struct opt_rule rules[] = {
	{ IPPROTO_IP, IP_TOS, OPT_TOS, INT32_MIN, INT32_MAX, 0, 0 },
	{ IPPROTO_IP, IP_TTL, OPT_TTL, 1, 255, -1, FILLED | RESET },       /* -1: the name space's */
	{ IPPROTO_IP, IP_HDRINCL, OPT_HDRINCL, 0, 0, 0, SWITCH | RAW_ONLY },
	SWITCH4(IP_RECVOPTS, OPT_RECVOPTS), SWITCH4(IP_RETOPTS, OPT_RETOPTS), SWITCH4(IP_PKTINFO, OPT_PKTINFO),
	{ IPPROTO_IP, IP_MTU_DISCOVER, OPT_MTU_DISCOVER, 0, 5, 1, 0 },
	SWITCH4(IP_RECVERR, OPT_RECVERR), SWITCH4(IP_RECVTTL, OPT_RECVTTL), SWITCH4(IP_RECVTOS, OPT_RECVTOS),
	{ IPPROTO_IP, IP_FREEBIND, OPT_FREEBIND, 0, 0, 0, SWITCH | FILLED },
	{ IPPROTO_IP, IP_TRANSPARENT, OPT_TRANSPARENT, 0, 0, 0, SWITCH | FILLED },
	SWITCH4(IP_RECVORIGDSTADDR, OPT_RECVORIGDST),
	{ IPPROTO_IP, IP_MINTTL, OPT_MINTTL, 0, 255, 0, FILLED },
	{ IPPROTO_IP, IP_NODEFRAG, OPT_NODEFRAG, 0, 0, 0, SWITCH | RAW_ONLY },
	SWITCH4(IP_BIND_ADDRESS_NO_PORT, OPT_BIND_NO_PORT),
	{ IPPROTO_IP, IP_MULTICAST_TTL, OPT_MC_TTL, 0, 255, 1, FILLED | RESET | NO_STREAM },
	{ IPPROTO_IP, IP_MULTICAST_LOOP, OPT_MC_LOOP, 0, 0, 1, SWITCH | FILLED },
	{ IPPROTO_IP, IP_MULTICAST_ALL, OPT_MC_ALL, 0, 1, 1, FILLED | FAMILY_V4 },
	SWITCH4(IP_PASSSEC, OPT_PASSSEC), SWITCH4(IP_CHECKSUM, OPT_CHECKSUM),
	{ IPPROTO_IP, IP_RECVFRAGSIZE, OPT_RECVFRAGSIZE, 0, 0, 0, SWITCH | NO_STREAM },
	{ IPPROTO_IP, IP_RECVERR_RFC4884, OPT_RFC4884, 0, 1, 0, 0 },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, OPT6_HOPS, 0, 255, 64, INT | RESET },
	{ IPPROTO_IPV6, IPV6_MULTICAST_IF, OPT6_MC_IF, INT32_MIN, INT32_MAX, 0, INT | NO_STREAM },
	{ IPPROTO_IPV6, IPV6_MULTICAST_HOPS, OPT6_MC_HOPS, 0, 255, 1, INT | RESET | NO_STREAM },
	{ IPPROTO_IPV6, IPV6_MULTICAST_LOOP, OPT6_MC_LOOP, 0, 1, 1, INT },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, OPT6_MTU_DISCOVER, 0, 5, 1, INT },
	SWITCH6(IPV6_RECVERR, OPT6_RECVERR),
	{ IPPROTO_IPV6, IPV6_MULTICAST_ALL, OPT6_MC_ALL, 0, 0, 1, SWITCH | INT },
	SWITCH6(IPV6_ROUTER_ALERT_ISOLATE, OPT6_ALERT_ISOLATE),
	{ IPPROTO_IPV6, IPV6_RECVERR_RFC4884, OPT6_RFC4884, 0, 1, 0, INT },
	SWITCH6(IPV6_RECVPKTINFO, OPT6_RECVPKTINFO), SWITCH6(IPV6_RECVHOPLIMIT, OPT6_RECVHOPLIMIT),
	SWITCH6(IPV6_2292PKTINFO, OPT6_OLD_PKTINFO), SWITCH6(IPV6_2292HOPLIMIT, OPT6_OLD_HOPLIMIT),
	SWITCH6(IPV6_2292HOPOPTS, OPT6_OLD_HOPOPTS), SWITCH6(IPV6_2292DSTOPTS, OPT6_OLD_DSTOPTS),
	SWITCH6(IPV6_2292RTHDR, OPT6_OLD_RTHDR), SWITCH6(IPV6_RECVHOPOPTS, OPT6_HOPOPTS),
	SWITCH6(IPV6_RECVDSTOPTS, OPT6_DSTOPTS), SWITCH6(IPV6_RECVRTHDR, OPT6_RTHDR),
	SWITCH6(IPV6_RECVPATHMTU, OPT6_PATHMTU),
	SWITCH6(IPV6_FLOWINFO, OPT6_FLOWINFO), SWITCH6(IPV6_FLOWINFO_SEND, OPT6_FLOWINFO_SEND),
	{ IPPROTO_IPV6, IPV6_DONTFRAG, OPT6_DONTFRAG, 0, 0, 0, SWITCH | LAX },
	SWITCH6(IPV6_RECVTCLASS, OPT6_RECVTCLASS),
	{ IPPROTO_IPV6, IPV6_TCLASS, OPT6_TCLASS, 0, 255, 0, INT | RESET },
	{ IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, OPT6_AUTOFLOW, 0, 0, 1, SWITCH | LAX },
	{ IPPROTO_IPV6, IPV6_MINHOPCOUNT, OPT6_MINHOPS, 0, 255, 0, INT },
	{ IPPROTO_IPV6, IPV6_RECVFRAGSIZE, OPT6_RECVFRAGSIZE, 0, 0, 0, SWITCH | LAX },
	SWITCH6(IPV6_FREEBIND, OPT6_FREEBIND), SWITCH6(IPV6_TRANSPARENT, OPT6_TRANSPARENT),
	SWITCH6(IPV6_RECVORIGDSTADDR, OPT6_RECVORIGDST),
};

static const struct opt_rule *rule(int level, int opt)
{
	for (unsigned k = 0; k < ARRAY_SIZE(rules); k++)
		if (rules[k].level == level && rules[k].opt == opt)
			return &rules[k];
	return NULL;
}

/* RFC 5014: at most one of each kind. */
#define PREFER_TMP 0x1
#define PREFER_PUBLIC 0x2
#define PREFER_PUBTMP_DEFAULT 0x100
#define PREFER_COA 0x4
#define PREFER_HOME 0x400
#define PREFER_CGA 0x8
#define PREFER_NONCGA 0x800

void inet_opt_defaults(struct inet_sock *i)
{
	for (unsigned k = 0; k < ARRAY_SIZE(rules); k++)
		i->opt[rules[k].index] = rules[k].kind & FAMILY_V4 && i->family != AF_INET ? 0 : rules[k].initial;
	i->opt[OPT6_PREFER] = PREFER_PUBTMP_DEFAULT | PREFER_HOME;
}

int opt_ret(int32_t v, void *val, size_t *size)
{
	*size = MIN(*size, sizeof v);
	memcpy(val, &v, *size);
	return 0;
}

/* ---- set and get ---- */

struct filter_slot *inet_filter(struct socket *s) { return &((struct inet_sock *)s->priv)->filter; }

static int set_v6only(struct inet_sock *i, const void *val, size_t size)
{
	int32_t v;

	if (size < sizeof v || i->family != AF_INET6)
		return -EINVAL;
	memcpy(&v, val, sizeof v);
	if (i->hashed || i->type == SOCK_RAW)
		return -EINVAL;
	i->v6only = v;
	return 0;
}

/* A link that is not there is not an error: nothing comes by it. */
static int set_link(struct inet_sock *i, int32_t index)
{
	if (i->opt[OPT_BOUND_LINK] && !capable(CAP_NET_RAW))
		return -EPERM;
	if (index < 0)
		return -EINVAL;
	i->opt[OPT_BOUND_LINK] = index;
	return 0;
}

/* SO_BINDTODEVICE, by name; the empty one lets go. */
static int set_device(struct inet_sock *i, const char *name, size_t size)
{
	size_t n = strnlen(name, MIN(size, (size_t)15));
	const char *lo = i->ns->lo.name;

	if (n && (n != strlen(lo) || memcmp(name, lo, n)))
		return -ENODEV;
	return set_link(i, n ? LO_INDEX : 0);
}

static int set_socket(struct inet_sock *i, int opt, const void *val, size_t size)
{
	int32_t v;

	if (opt == SO_BINDTODEVICE)
		return set_device(i, val, size);
	if (size < sizeof v)
		return -ENOPROTOOPT;
	if (opt == SO_ATTACH_REUSEPORT_CBPF)
		return inet_reuse_attach(i, val, size);
	if (opt == SO_DETACH_REUSEPORT_BPF)
		return inet_reuse_detach(i);
	memcpy(&v, val, sizeof v);
	switch (opt) {
	case SO_REUSEADDR:
	case SO_REUSEPORT:
		spin_lock(&i->ns->lock);
		*(opt == SO_REUSEADDR ? &i->reuseaddr : &i->reuseport) = v;
		spin_unlock(&i->ns->lock);
		return -ENOPROTOOPT;    /* the layer keeps it, as it does the rest */
	case SO_BINDTOIFINDEX:
		return set_link(i, v);
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
		if (i->opt[OPT_BOUND_LINK] != LO_INDEX)
			return -ENODEV;
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

	if (size < 4 || i->type == SOCK_STREAM)
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

static int set_options(struct inet_sock *i, const void *val, size_t size)
{
	struct ip_options p;
	int err = ip_options_parse(&p, val, size);

	if (err)
		return err;
	spin_lock(&i->ns->lock);
	i->options = p;
	spin_unlock(&i->ns->lock);
	return 0;
}

static int get_options(struct inet_sock *i, void *val, size_t *size)
{
	spin_lock(&i->ns->lock);
	*size = MIN(*size, (size_t)i->options.size);
	memcpy(val, i->options.b, *size);
	spin_unlock(&i->ns->lock);
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

static int set_unicast_link(struct inet_sock *i, int level, const void *val, size_t size)
{
	uint32_t v;

	if (size != sizeof v)
		return -EINVAL;
	memcpy(&v, val, sizeof v);
	v = be32(v);                    /* in network order, as few options are */
	if (v && v != LO_INDEX)
		return -EADDRNOTAVAIL;
	if (v && inet_bound_link(i) && inet_bound_link(i) != (int32_t)v)
		return -EINVAL;
	i->opt[level == IPPROTO_IP ? OPT_UNICAST_IF : OPT6_UNICAST_IF] = (int32_t)v;
	return 0;
}

/* Linux keeps the address too and asks nothing of it. */
static int set_sticky_info(struct inet_sock *i, const void *val, size_t size)
{
	struct linux_in6_pktinfo pi;

	if (size < sizeof pi)
		return -EINVAL;
	memcpy(&pi, val, sizeof pi);
	if (inet_bound_link(i) && inet_bound_link(i) != (int32_t)pi.ifindex)
		return -EINVAL;
	i->sticky_link = (int32_t)pi.ifindex;
	return 0;
}

static bool one_at_most(int32_t v) { return !(v & (v - 1)); }

static int set_preferences(struct inet_sock *i, const void *val, size_t size)
{
	int32_t v, shown;

	if (size < sizeof v)
		return -EINVAL;
	memcpy(&v, val, sizeof v);
	if (!one_at_most(v & (PREFER_TMP | PREFER_PUBLIC | PREFER_PUBTMP_DEFAULT)) ||
	    !one_at_most(v & (PREFER_COA | PREFER_HOME)) || !one_at_most(v & (PREFER_CGA | PREFER_NONCGA)))
		return -EINVAL;
	shown = v & (PREFER_TMP | PREFER_PUBLIC);
	shown = shown ? shown : PREFER_PUBTMP_DEFAULT;
	i->opt[OPT6_PREFER] = shown | (v & PREFER_COA ? PREFER_COA : PREFER_HOME);
	return 0;
}

/* The largest fragment to send; on lo nothing is cut. */
static int set_mtu(const void *val, size_t size)
{
	int32_t v;

	if (size < sizeof v)
		return -EINVAL;
	memcpy(&v, val, sizeof v);
	return v && (v < 1280 || v > LO_MTU) ? -EINVAL : 0;
}

/* A stream's ECN bits are TCP's own. */
static int32_t class_bits(const struct inet_sock *i, int32_t v)
{
	return i->type == SOCK_STREAM ? v & 0xfc : v & 0xff;
}

/* What of a queue's priority the type of service says: rt_tos2priority(). */
static int32_t tos_priority(int32_t tos)
{
	static const uint8_t of[] = { 0, 2, 6, 4 };

	return of[(tos & 0x1e) >> 3];
}

static int set_number(struct socket *s, struct inet_sock *i, const struct opt_rule *r, const void *val, size_t size)
{
	int32_t v = 0;

	if (r->kind & RAW_ONLY && i->type != SOCK_RAW)
		return -ENOPROTOOPT;
	if (r->kind & NO_STREAM && i->type == SOCK_STREAM)
		return r->level == IPPROTO_IP ? -EINVAL : -ENOPROTOOPT;
	if (size >= sizeof v)
		memcpy(&v, val, sizeof v);
	else if (r->kind & INT || (r->kind & FILLED && !size))
		return -EINVAL;
	else if (size && !(r->kind & LAX))
		v = *(const uint8_t *)val;      /* ip(7): a byte will do */
	if ((r->index == OPT_TRANSPARENT || r->index == OPT6_TRANSPARENT) && v && !capable(CAP_NET_ADMIN) &&
	    !capable(CAP_NET_RAW))
		return -EPERM;
	if (r->index == OPT6_MC_IF && v && v != LO_INDEX)
		return -ENODEV;
	if (r->kind & SWITCH)
		v = !!v;
	else if (v == -1 && r->kind & RESET)
		v = r->initial;
	else if (v < r->min || v > r->max)
		return -EINVAL;
	if (r->index == OPT_TOS || r->index == OPT6_TCLASS)
		v = class_bits(i, v);
	if (r->index == OPT_TOS)
		s->priority = tos_priority(v);
	i->opt[r->index] = v;
	return 0;
}

/* IPV6_ADDRFORM: a connection to an IPv4 address becomes a socket of IPv4. */
static int change_family(struct socket *s, struct inet_sock *i, const void *val, size_t size)
{
	int32_t v;
	int err = 0;

	if (size < sizeof v)
		return -EINVAL;
	memcpy(&v, val, sizeof v);
	if (v != AF_INET)
		return -EINVAL;
	if (i->proto < 0)
		return -ENOPROTOOPT;
	spin_lock(&i->ns->lock);
	if (!i->remote.port)
		err = -ENOTCONN;
	else if (i->v6only || !ip_is_v4(&i->remote.ip))
		err = -EADDRNOTAVAIL;
	if (!err)
		i->family = s->family = AF_INET;
	spin_unlock(&i->ns->lock);
	return err;
}

static bool known_level(const struct inet_sock *i, int level)
{
	if (level == IPPROTO_IPV6)
		return i->family == AF_INET6;
	return level == IPPROTO_IP && !(i->family == AF_INET6 && i->type == SOCK_RAW);
}

int inet_setsockopt_common(struct socket *s, struct inet_sock *i, int level, int opt, const void *val, size_t size)
{
	const struct opt_rule *r;
	int err;

	if (level == SOL_SOCKET)
		return set_socket(i, opt, val, size);
	if (!known_level(i, level))
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
	if (level == IPPROTO_IP && opt == IP_ROUTER_ALERT && (i->type != SOCK_RAW || i->protocol == IPPROTO_RAW))
		return -EINVAL;         /* of raw sockets alone, and nothing is forwarded to these */
	if (level == IPPROTO_IP && opt == IP_OPTIONS)
		return set_options(i, val, size);
	if (level == IPPROTO_IPV6 && opt == IPV6_MTU)
		return set_mtu(val, size);
	if (opt == (level == IPPROTO_IP ? IP_UNICAST_IF : IPV6_UNICAST_IF))
		return set_unicast_link(i, level, val, size);
	if (level == IPPROTO_IPV6 && opt == IPV6_PKTINFO)
		return set_sticky_info(i, val, size);
	if (level == IPPROTO_IPV6 && opt == IPV6_ADDR_PREFERENCES)
		return set_preferences(i, val, size);
	if (level == IPPROTO_IPV6 && ip6_is_header(opt))
		return ip6_set_header(i, opt, val, size);
	if (level == IPPROTO_IPV6 && opt == IPV6_ADDRFORM)
		return change_family(s, i, val, size);
	r = rule(level, opt);
	return r ? set_number(s, i, r, val, size) : -ENOPROTOOPT;
}

/* struct ip6_mtuinfo */
static int get_path_mtu(struct inet_sock *i, void *val, size_t *size)
{
	struct { struct linux_sockaddr_in6 to; uint32_t mtu; } info = { .to = { .family = AF_INET6 }, .mtu = LO_MTU };

	if (*size < sizeof info)
		return -EINVAL;
	if (!i->remote.port)
		return -ENOTCONN;
	memcpy(info.to.addr, i->remote.ip.b, sizeof info.to.addr);
	*size = sizeof info;
	memcpy(val, &info, sizeof info);
	return 0;
}

int inet_getsockopt_common(struct socket *s, struct inet_sock *i, int level, int opt, void *val, size_t *size)
{
	const struct opt_rule *r;
	int32_t v;
	int err;

	if (level == SOL_SOCKET)
		return get_socket(i, opt, val, size);
	if (!known_level(i, level))
		return i->family == AF_INET ? -EOPNOTSUPP : -ENOPROTOOPT;
	err = inet_get_members(i, level, opt, val, size);
	if (err != -ENOPROTOOPT)
		return err;
	if (level == IPPROTO_IPV6 && opt == IPV6_V6ONLY)
		return opt_ret(i->v6only, val, size);
	if (level == IPPROTO_IP ? opt == IP_MTU : opt == IPV6_MTU)
		return i->remote.port ? opt_ret(level == IPPROTO_IP ? LO_MTU - 1 : LO_MTU, val, size) : -ENOTCONN;
	if (level == IPPROTO_IP && opt == IP_MULTICAST_IF)
		return opt_ret((int32_t)i->mc_addr, val, size);
	if (level == IPPROTO_IP && opt == IP_LOCAL_PORT_RANGE)
		return opt_ret((int32_t)((uint32_t)i->port_first | (uint32_t)i->port_last << 16), val, size);
	if (level == IPPROTO_IP && opt == IP_OPTIONS)
		return get_options(i, val, size);
	if (opt == (level == IPPROTO_IP ? IP_ROUTER_ALERT : IPV6_ROUTER_ALERT))
		return opt_ret(0, val, size);
	if (level == IPPROTO_IPV6 && opt == IPV6_ADDRFORM)
		return i->proto < 0 && i->type == SOCK_DGRAM ? -ENOPROTOOPT : !i->remote.port ? -ENOTCONN : opt_ret(AF_INET6, val, size);
	if (opt == (level == IPPROTO_IP ? IP_UNICAST_IF : IPV6_UNICAST_IF))
		return opt_ret((int32_t)be32((uint32_t)i->opt[level == IPPROTO_IP ? OPT_UNICAST_IF : OPT6_UNICAST_IF]), val, size);
	if (level == IPPROTO_IP && opt == IP_PROTOCOL)
		return opt_ret(i->type == SOCK_RAW ? i->protocol : i->local.port, val, size);
	if (level == IPPROTO_IPV6 && opt == IPV6_ADDR_PREFERENCES)
		return opt_ret(i->opt[OPT6_PREFER], val, size);
	if (level == IPPROTO_IPV6 && opt == IPV6_PATHMTU)
		return get_path_mtu(i, val, size);
	if (level == IPPROTO_IPV6 && ip6_is_header(opt))
		return ip6_get_header(i, opt, val, size);
	r = rule(level, opt);
	if (!r)
		return -ENOPROTOOPT;
	v = r->index == OPT_TTL ? inet_ttl(i) : i->opt[r->index];
	/* A caller with less than an int gets a byte: ip(7). */
	if (level == IPPROTO_IP && *size < sizeof(int32_t) && *size > 0) {
		uint8_t c = (uint8_t)v;

		*size = 1;
		memcpy(val, &c, 1);
		return 0;
	}
	return opt_ret(v, val, size);
}
