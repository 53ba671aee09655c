/* SPDX-License-Identifier: Apache-2.0 */
/* NETLINK_ROUTE: routes, and where requests of the protocol go.  The kernel's
 * own routes follow from the addresses (kernel/net/addr.c). rtnetlink(7). */
#include "kernel/net/netlink/netlink.h"

#define SHOWN_MAX (ROUTES_MAX + 5 * ADDRESSES_MAX)

static void put_route(struct nl_request *r, const struct net_rt *t, uint16_t type)
{
	struct linux_rtmsg m = { .family = t->family, .dst_len = t->dst_len, .src_len = t->src_len, .tos = t->tos,
				 .table = t->table < 256 ? (uint8_t)t->table : 252, .protocol = t->protocol,
				 .scope = t->scope, .type = t->type };

	nl_begin(r, type, &m, sizeof m);
	nl_u32(r, RTA_TABLE, t->table);
	if (t->dst_len)
		nl_put_ip(r, RTA_DST, &t->dst);
	if (t->metric || t->family == AF_INET6)
		nl_u32(r, RTA_PRIORITY, t->metric);
	if (!ip_is_any(&t->prefsrc))
		nl_put_ip(r, RTA_PREFSRC, &t->prefsrc);
	if (t->oif)
		nl_u32(r, RTA_OIF, t->oif);
	if (t->family == AF_INET6)
		nl_u8(r, RTA_PREF, 0);  /* medium: RFC 4191 */
	nl_end(r);
}

/* ---- all of them ---- */

struct all { struct net_rt *r; unsigned n; bool down; };

static bool collect(const struct net_rt *r, void *arg)
{
	struct all *a = arg;

	/* What a link that is down still has: its IPv4 addresses. */
	if (a->down && (r->family != AF_INET || r->type != RTN_LOCAL))
		return false;
	if (a->n < SHOWN_MAX)
		a->r[a->n++] = *r;
	return false;
}

/* Table by table, by address, the longer prefix first. */
static bool before(const struct net_rt *a, const struct net_rt *b)
{
	int c = memcmp(&a->dst, &b->dst, sizeof a->dst);

	if (a->family != b->family)
		return a->family < b->family;
	if (a->table != b->table)
		return a->table < b->table;
	if (c || a->dst_len != b->dst_len)
		return c ? c < 0 : a->dst_len > b->dst_len;
	return a->metric < b->metric;
}

static void sort(struct net_rt *r, unsigned n)
{
	for (unsigned gap = n / 2; gap; gap /= 2)
		for (unsigned k = gap; k < n; k++) {
			struct net_rt t = r[k];
			unsigned j = k;

			for (; j >= gap && before(&t, &r[j - gap]); j -= gap)
				r[j] = r[j - gap];
			r[j] = t;
		}
}

static int dump_routes(struct nl_request *r)
{
	struct linux_rtmsg m = { 0 };
	struct all all = { 0 };
	struct net_address *a;
	struct net_rt *t;

	memcpy(&m, r->body, MIN(r->size, sizeof m));
	if (m.family == RTNL_FAMILY_IPMR || m.family == RTNL_FAMILY_IP6MR)
		return 0;               /* nobody forwards to groups */
	if (r->strict && (r->size < sizeof m || m.dst_len || m.src_len || m.tos || m.scope))
		return -EINVAL;
	all.r = kmalloc(SHOWN_MAX * sizeof *all.r);
	if (!all.r)
		return -ENOBUFS;
	spin_lock(&r->ns->lock);
	all.down = !r->ns->lo.up;
	list_for_each(a, &r->ns->addresses, link)
		route_kernel_each(r->ns, a, collect, &all);
	all.down = false;
	list_for_each(t, &r->ns->routes, link)
		collect(t, &all);
	spin_unlock(&r->ns->lock);
	sort(all.r, all.n);
	for (unsigned k = 0; k < all.n; k++)
		if ((!nl_family(m.family) || m.family == all.r[k].family) && (!r->strict || !m.table || m.table == all.r[k].table))
			put_route(r, &all.r[k], RTM_NEWROUTE);
	kfree(all.r);
	return 0;
}

/* ip route get */
static int find_route(struct nl_request *r)
{
	struct linux_rtmsg m;
	struct net_rt t = { 0 };
	struct linux_rtmsg a;
	struct ipaddr src, from, asked;
	enum net_kind kind;
	bool sends;
	int err;

	if (!r->size || !nl_family(r->body[0]))
		return -EOPNOTSUPP;
	if (r->size < sizeof m)
		return -EINVAL;
	memcpy(&m, r->body, sizeof m);
	if (!nl_get_ip(r, sizeof m, RTA_DST, m.family, &t.dst))
		t.dst = m.family == AF_INET ? ip_any4 : ip_any6;
	if (ip_equal(&t.dst, &ip_any6))
		return -ENETUNREACH;
	asked = t.dst;
	err = net_route(r->ns, &t.dst, 0, &src, &kind);
	if (err)
		return err;
	a = (struct linux_rtmsg){ .family = m.family, .flags = m.family == AF_INET ? RTM_F_CLONED | RTCF_LOCAL : 0, .dst_len = m.family == AF_INET ? 32 : 128,
				  .table = m.family == AF_INET ? RT_TABLE_MAIN : RT_TABLE_LOCAL,
				  .protocol = m.family == AF_INET ? 0 : RTPROT_KERNEL,
				  .type = kind == NET_BROADCAST ? RTN_BROADCAST : kind == NET_MULTICAST ? RTN_MULTICAST :
					  RTN_LOCAL };
	/* Who asks for a sender is told of it, and of no other. */
	sends = nl_get_ip(r, sizeof m, RTA_SRC, m.family, &from);
	if (!sends && m.family == AF_INET6)
		from = ip_any6;
	if (sends || m.family == AF_INET6)
		a.src_len = a.dst_len;
	nl_begin(r, RTM_NEWROUTE, &a, sizeof a);
	nl_u32(r, RTA_TABLE, a.table);
	nl_put_ip(r, RTA_DST, &asked);
	if (a.src_len)
		nl_put_ip(r, RTA_SRC, &from);
	nl_u32(r, RTA_OIF, LO_INDEX);
	if (!sends || m.family == AF_INET6)
		nl_put_ip(r, RTA_PREFSRC, &src);
	if (m.family == AF_INET) {
		nl_u32(r, RTA_UID, current_cred()->euid);
	} else {
		nl_u32(r, RTA_PRIORITY, 0);
		nl_u8(r, RTA_PREF, 0);
	}
	nl_end(r);
	return 0;
}

/* ---- changes ---- */

static int decode(struct nl_request *r, struct net_rt *t)
{
	struct linux_rtmsg m;
	struct ipaddr gateway;
	uint8_t most;

	if (r->size < sizeof m)
		return -EINVAL;
	memcpy(&m, r->body, sizeof m);
	if (m.family != AF_INET && m.family != AF_INET6)
		return -EOPNOTSUPP;
	most = m.family == AF_INET ? 32 : 128;
	*t = (struct net_rt){ .family = m.family, .dst_len = m.dst_len, .tos = m.tos, .protocol = m.protocol,
			      .scope = m.scope, .type = m.type, .table = m.table ? m.table : RT_TABLE_MAIN };
	t->dst = t->prefsrc = m.family == AF_INET ? ip_any4 : ip_any6;
	if (m.dst_len > most || m.src_len > most || m.type > RTN_THROW)
		return -EINVAL;
	if (m.src_len)                  /* source-dependent routes: rules do that */
		return -EINVAL;
	if (!nl_get_ip(r, sizeof m, RTA_DST, m.family, &t->dst) && m.dst_len)
		return -EINVAL;
	(void)nl_get_ip(r, sizeof m, RTA_PREFSRC, m.family, &t->prefsrc);
	(void)nl_get_u32(r, sizeof m, RTA_OIF, &t->oif);
	(void)nl_get_u32(r, sizeof m, RTA_PRIORITY, &t->metric);
	(void)nl_get_u32(r, sizeof m, RTA_TABLE, &t->table);
	if (m.family == AF_INET6 && !t->metric && r->h.type == RTM_NEWROUTE)
		t->metric = 1024;
	if (t->oif && t->oif != LO_INDEX)
		return -ENODEV;
	/* Bits behind the prefix. */
	if (m.family == AF_INET && m.dst_len < 32 && ip_v4(&t->dst) << m.dst_len) {
		r->text = "Invalid prefix for given prefix length";
		return -EINVAL;
	}
	if (r->h.type == RTM_NEWROUTE && nl_get_ip(r, sizeof m, RTA_GATEWAY, m.family, &gateway)) {
		r->text = "Nexthop has invalid gateway";
		return m.family == AF_INET ? -ENETUNREACH : -EHOSTUNREACH;      /* there is none but ourselves */
	}
	return 0;
}

static int new_route(struct nl_request *r)
{
	struct net_rt t;
	int err = decode(r, &t);

	if (err)
		return err;
	if (!t.type || t.type == RTN_BROADCAST || t.type == RTN_ANYCAST)
		t.type = t.type ? t.type : RTN_UNICAST;
	if ((t.type == RTN_UNICAST || t.type == RTN_LOCAL) && !t.oif)
		return t.family == AF_INET ? -ENODEV : -EINVAL;
	if (!ip_is_any(&t.prefsrc) && !net_is_local(r->ns, &t.prefsrc))
		return -EINVAL;
	if (t.family == AF_INET6 && !t.oif)
		t.oif = LO_INDEX;
	/* IPv6 only warns who does not say NLM_F_CREATE: fib6_add_1(). */
	err = route_add(r->ns, &t, r->h.flags & NLM_F_CREATE || (t.family == AF_INET6 && !(r->h.flags & NLM_F_REPLACE)),
			r->h.flags & NLM_F_REPLACE, r->h.flags & NLM_F_EXCL);
	if (err)
		return err;
	put_route(r, &t, RTM_NEWROUTE);
	nl_announce(r, t.family == AF_INET ? RTNLGRP_IPV4_ROUTE : RTNLGRP_IPV6_ROUTE);
	return 0;
}

static int del_route(struct nl_request *r)
{
	struct net_rt t, gone;
	int err = decode(r, &t);

	if (!err)
		err = route_del(r->ns, &t, &gone);
	if (err)
		return err;
	put_route(r, &gone, RTM_DELROUTE);
	nl_announce(r, t.family == AF_INET ? RTNLGRP_IPV4_ROUTE : RTNLGRP_IPV6_ROUTE);
	return 0;
}

int route_request(struct nl_request *r)
{
	switch (r->h.type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
	case RTM_SETLINK:
	case RTM_GETLINK: return link_request(r);
	case RTM_NEWADDR:
	case RTM_DELADDR:
	case RTM_GETADDR: return addr_request(r);
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
	case RTM_GETNEIGH: return neigh_request(r);
	case RTM_NEWRULE:
	case RTM_DELRULE:
	case RTM_GETRULE: return rule_request(r);
	case RTM_GETROUTE: return r->dump ? dump_routes(r) : find_route(r);
	case RTM_NEWROUTE: return r->admin ? new_route(r) : -EPERM;
	case RTM_DELROUTE: return r->admin ? del_route(r) : -EPERM;
	default: return empty_request(r);
	}
}
