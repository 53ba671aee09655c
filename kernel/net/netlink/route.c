/* SPDX-License-Identifier: Apache-2.0 */
/* NETLINK_ROUTE: links, addresses, routes, rules; setting a link up or down.
 * rtnetlink(7).  The tables are those of a Linux whose only link is lo. */
#include "kernel/net/netlink/netlink.h"
#include "kernel/net/route.h"

#define FOREVER UINT32_MAX

/* ---- links ---- */

static void put_link(struct nl_request *r, const struct net_link *l)
{
	static const uint8_t mac[6];
	bool up = __atomic_load_n(&l->up, __ATOMIC_RELAXED);
	struct linux_ifinfomsg i = { .type = l->type, .index = l->index,
				     .flags = net_link_flags(l) | (up ? IFF_LOWER_UP : 0) };
	uint64_t stats[24] = { l->rx_packets, l->rx_packets, l->rx_bytes, l->rx_bytes };

	nl_begin(r, RTM_NEWLINK, &i, sizeof i);
	nl_attr(r, IFLA_IFNAME, l->name, strlen(l->name) + 1);
	nl_u32(r, IFLA_TXQLEN, 1000);
	nl_u8(r, IFLA_OPERSTATE, up ? 0 : 2);
	nl_u8(r, IFLA_LINKMODE, 0);
	nl_u32(r, IFLA_MTU, l->mtu);
	nl_u32(r, IFLA_GROUP, 0);
	nl_u32(r, IFLA_PROMISCUITY, 0);
	nl_u32(r, IFLA_NUM_TX_QUEUES, 1);
	nl_u32(r, IFLA_NUM_RX_QUEUES, 1);
	nl_u8(r, IFLA_CARRIER, 1);
	nl_attr(r, IFLA_QDISC, up ? "noqueue" : "noop", up ? 8 : 5);
	nl_attr(r, IFLA_STATS64, stats, sizeof stats);
	nl_attr(r, IFLA_ADDRESS, mac, sizeof mac);
	nl_attr(r, IFLA_BROADCAST, mac, sizeof mac);
	nl_end(r);
}

/* Is the link that the request names lo?  Nothing named: *ret_any. */
static bool names_lo(struct nl_request *r, const struct linux_ifinfomsg *i, bool *ret_any)
{
	const char *lo = r->ns->lo.name;
	const char *name;
	size_t n;

	*ret_any = false;
	if (i->index)
		return i->index == r->ns->lo.index;
	name = nl_find(r, sizeof *i, IFLA_IFNAME, &n);
	if (!name)
		name = nl_find(r, sizeof *i, IFLA_ALT_IFNAME, &n);
	if (!name) {
		*ret_any = true;
		return true;
	}
	return strnlen(name, n) == strlen(lo) && !memcmp(name, lo, strlen(lo));
}

static int get_link(struct nl_request *r)
{
	struct linux_ifinfomsg i = { 0 };
	bool any;

	memcpy(&i, r->body, MIN(r->size, sizeof i));
	if (r->dump) {
		put_link(r, &r->ns->lo);
		return 0;
	}
	if (r->size < sizeof i)
		return -EINVAL;
	if (!names_lo(r, &i, &any))
		return -ENODEV;
	if (any)
		return -EINVAL;
	put_link(r, &r->ns->lo);
	return 0;
}

static int set_link(struct nl_request *r)
{
	struct linux_ifinfomsg i;
	bool any;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (r->size < sizeof i)
		return -EINVAL;
	memcpy(&i, r->body, sizeof i);
	if (!names_lo(r, &i, &any))
		return -ENODEV;
	if (any)
		return -EINVAL;
	if (i.change & IFF_UP || (!i.change && i.flags))
		return net_link_set_up(r->ns, i.flags & IFF_UP);
	return 0;
}

/* ---- addresses ---- */

static void put_addr(struct nl_request *r, bool v6)
{
	struct linux_ifaddrmsg a = { .family = v6 ? AF_INET6 : AF_INET, .prefixlen = v6 ? 128 : 8,
				     .flags = IFA_F_PERMANENT, .scope = RT_SCOPE_HOST, .index = LO_INDEX };
	struct linux_ifa_cacheinfo c = { FOREVER, FOREVER, 0, 0 };
	uint32_t v4 = be32(0x7f000001);

	nl_begin(r, RTM_NEWADDR, &a, sizeof a);
	if (v6) {
		nl_attr(r, IFA_ADDRESS, &ip_loop6, sizeof ip_loop6);
	} else {
		nl_u32(r, IFA_ADDRESS, v4);
		nl_u32(r, IFA_LOCAL, v4);
		nl_attr(r, IFA_LABEL, "lo", 3);
	}
	nl_attr(r, IFA_CACHEINFO, &c, sizeof c);
	nl_u32(r, IFA_FLAGS, IFA_F_PERMANENT);
	nl_end(r);
}

static int get_addr(struct nl_request *r)
{
	struct linux_ifaddrmsg a = { 0 };

	memcpy(&a, r->body, MIN(r->size, sizeof a));
	if (!r->dump)
		return -EOPNOTSUPP;
	if (!r->ns->lo.up || (a.index && a.index != LO_INDEX))
		return 0;
	if (a.family != AF_INET6)
		put_addr(r, false);
	if (a.family != AF_INET)
		put_addr(r, true);
	return 0;
}

/* ---- routes ---- */

struct route { uint8_t family, table, dst_len, scope, type; uint32_t dst4, src4, metric; };

static const struct route routes[] = {
	{ AF_INET, RT_TABLE_LOCAL, 8, RT_SCOPE_HOST, RTN_LOCAL, 0x7f000000, 0x7f000001, 0 },
	{ AF_INET, RT_TABLE_LOCAL, 32, RT_SCOPE_HOST, RTN_LOCAL, 0x7f000001, 0x7f000001, 0 },
	{ AF_INET, RT_TABLE_LOCAL, 32, RT_SCOPE_LINK, RTN_BROADCAST, 0x7fffffff, 0x7f000001, 0 },
	{ AF_INET6, RT_TABLE_MAIN, 128, RT_SCOPE_UNIVERSE, RTN_UNICAST, 0, 0, 256 },
	{ AF_INET6, RT_TABLE_LOCAL, 128, RT_SCOPE_UNIVERSE, RTN_LOCAL, 0, 0, 0 },
};

static void put_route(struct nl_request *r, const struct route *t)
{
	struct linux_rtmsg m = { .family = t->family, .dst_len = t->dst_len, .table = t->table,
				 .protocol = RTPROT_KERNEL, .scope = t->scope, .type = t->type };

	nl_begin(r, RTM_NEWROUTE, &m, sizeof m);
	nl_u32(r, RTA_TABLE, t->table);
	if (t->family == AF_INET)
		nl_u32(r, RTA_DST, be32(t->dst4));
	else
		nl_attr(r, RTA_DST, &ip_loop6, sizeof ip_loop6);
	if (t->family == AF_INET6)
		nl_u32(r, RTA_PRIORITY, t->metric);
	nl_u32(r, RTA_OIF, LO_INDEX);
	if (t->src4)
		nl_u32(r, RTA_PREFSRC, be32(t->src4));
	nl_end(r);
}

/* ip route get */
static int find_route(struct nl_request *r, const struct linux_rtmsg *m)
{
	bool v6 = m->family == AF_INET6;
	struct ipaddr dst, src;
	struct linux_rtmsg a;
	const void *p;
	enum net_kind kind;
	uint32_t v4;
	size_t n;
	int err;

	p = nl_find(r, sizeof *m, RTA_DST, &n);
	if (!p || n != (v6 ? sizeof dst : sizeof v4))
		return -EINVAL;
	if (v6) {
		memcpy(&dst, p, sizeof dst);
	} else {
		memcpy(&v4, p, sizeof v4);
		dst = ip_from_v4(be32(v4));
	}
	err = net_route(r->ns, &dst, 0, &src, &kind);
	if (err)
		return err;
	a = (struct linux_rtmsg){ .family = m->family, .dst_len = v6 ? 128 : 32, .table = RT_TABLE_LOCAL,
				  .protocol = v6 ? RTPROT_KERNEL : 0, .type = RTN_LOCAL };
	nl_begin(r, RTM_NEWROUTE, &a, sizeof a);
	nl_u32(r, RTA_TABLE, RT_TABLE_LOCAL);
	nl_attr(r, RTA_DST, v6 ? dst.b : dst.b + 12, v6 ? 16 : 4);
	nl_u32(r, RTA_OIF, LO_INDEX);
	nl_attr(r, RTA_PREFSRC, v6 ? src.b : src.b + 12, v6 ? 16 : 4);
	nl_end(r);
	return 0;
}

static int get_route(struct nl_request *r)
{
	struct linux_rtmsg m = { 0 };

	memcpy(&m, r->body, MIN(r->size, sizeof m));
	if (!r->dump)
		return r->size < sizeof m ? -EINVAL : find_route(r, &m);
	if (!r->ns->lo.up)
		return 0;
	for (unsigned k = 0; k < ARRAY_SIZE(routes); k++)
		if (!m.family || m.family == routes[k].family)
			put_route(r, &routes[k]);
	return 0;
}

/* ---- rules: ip-rule(8) ---- */

static void put_rule(struct nl_request *r, uint8_t family, uint8_t table, uint32_t priority)
{
	struct linux_rtmsg m = { .family = family, .table = table, .type = FR_ACT_TO_TBL };

	nl_begin(r, RTM_NEWRULE, &m, sizeof m);
	nl_u32(r, FRA_TABLE, table);
	nl_u32(r, FRA_SUPPRESS_PREFIXLEN, UINT32_MAX);
	if (priority)
		nl_u32(r, FRA_PRIORITY, priority);
	nl_end(r);
}

static int get_rule(struct nl_request *r)
{
	uint8_t family = r->size ? r->body[0] : 0;

	if (!r->dump)
		return -EOPNOTSUPP;
	for (unsigned f = 0; f < 2; f++) {
		uint8_t af = f ? AF_INET6 : AF_INET;

		if (family && family != af)
			continue;
		put_rule(r, af, RT_TABLE_LOCAL, 0);
		put_rule(r, af, RT_TABLE_MAIN, 32766);
		if (af == AF_INET)
			put_rule(r, af, 253, 32767);
	}
	return 0;
}

int route_request(struct nl_request *r)
{
	switch (r->h.type) {
	case RTM_GETLINK: return get_link(r);
	case RTM_NEWLINK:
	case RTM_SETLINK: return set_link(r);
	case RTM_GETADDR: return get_addr(r);
	case RTM_GETROUTE: return get_route(r);
	case RTM_GETRULE: return get_rule(r);
	case RTM_GETNEIGH:
	case RTM_GETNEIGHTBL:
	case RTM_GETQDISC: return r->dump ? 0 : -EOPNOTSUPP;
	case RTM_GETNSID: return -EOPNOTSUPP;
	default: return -EOPNOTSUPP;
	}
}
