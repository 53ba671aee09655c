/* SPDX-License-Identifier: Apache-2.0 */
/* NETLINK_ROUTE: links.  There is lo; it can go up and down and change its MTU.
 * rtnetlink(7). */
#include "kernel/net/netlink/netlink.h"

void link_stats(struct nl_request *r, uint64_t to[LINK_STATS])
{
	struct net_tally n;

	net_traffic(r->ns, &n);
	memset(to, 0, LINK_STATS * sizeof *to);
	to[0] = to[1] = n.packets[0] + n.packets[1];
	to[2] = to[3] = n.bytes[0] + n.bytes[1];
}

static void put_link(struct nl_request *r, const struct net_link *l)
{
	static const uint8_t mac[6];
	bool up = __atomic_load_n(&l->up, __ATOMIC_RELAXED);
	struct linux_ifinfomsg i = { .type = l->type, .index = l->index,
				     .flags = net_link_flags(l) | (up ? IFF_LOWER_UP : 0) };
	uint64_t stats[LINK_STATS];
	uint32_t stats32[24];

	link_stats(r, stats);
	for (unsigned k = 0; k < ARRAY_SIZE(stats32); k++)
		stats32[k] = (uint32_t)stats[k];

	nl_begin(r, RTM_NEWLINK, &i, sizeof i);
	nl_attr(r, IFLA_IFNAME, l->name, strlen(l->name) + 1);
	nl_u32(r, IFLA_TXQLEN, 1000);
	nl_u8(r, IFLA_OPERSTATE, up ? 0 : 2);
	nl_u8(r, IFLA_LINKMODE, 0);
	nl_u32(r, IFLA_MTU, l->mtu);
	nl_u32(r, IFLA_MIN_MTU, 0);
	nl_u32(r, IFLA_MAX_MTU, 0);
	nl_u32(r, IFLA_GROUP, 0);
	nl_u32(r, IFLA_PROMISCUITY, 0);
	nl_u32(r, IFLA_NUM_TX_QUEUES, 1);
	nl_u32(r, IFLA_NUM_RX_QUEUES, 1);
	nl_u32(r, IFLA_ALLMULTI, 0);
	nl_u32(r, IFLA_GSO_MAX_SEGS, 65535);
	nl_u32(r, IFLA_GSO_MAX_SIZE, 65536);
	nl_u32(r, IFLA_GRO_MAX_SIZE, 65536);
	nl_u32(r, IFLA_TSO_MAX_SIZE, 524280);
	nl_u32(r, IFLA_TSO_MAX_SEGS, 65535);
	nl_u8(r, IFLA_CARRIER, 1);
	nl_u32(r, IFLA_CARRIER_UP_COUNT, 0);
	nl_u32(r, IFLA_CARRIER_DOWN_COUNT, 0);
	nl_u8(r, IFLA_PROTO_DOWN, 0);
	nl_u32(r, IFLA_CARRIER_CHANGES, 0);
	nl_attr(r, IFLA_ADDRESS, mac, sizeof mac);
	nl_attr(r, IFLA_BROADCAST, mac, sizeof mac);
	nl_attr(r, IFLA_QDISC, l->was_up ? "noqueue" : "noop", l->was_up ? 8 : 5);
	nl_attr(r, IFLA_STATS64, stats, sizeof stats);
	nl_attr(r, IFLA_STATS, stats32, sizeof stats32);
	nl_end(r);
}

void link_announce(struct nl_request *r)
{
	put_link(r, &r->ns->lo);
	nl_announce(r, RTNLGRP_LINK);
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
	if (r->dump && r->strict && (r->size < sizeof i || i.type || i.flags || i.change || i.index))
		return -EINVAL;
	if (r->dump && i.family == AF_BRIDGE)
		return 0;               /* lo is in none */
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

/* lo's own addresses; of IPv6 only if v6. */
static unsigned own(struct netns *ns, bool v6, struct net_address copy[2])
{
	struct net_address *a;
	unsigned n = 0;

	spin_lock(&ns->lock);
	list_for_each(a, &ns->addresses, link)
		if (n < 2 && a->scope == RT_SCOPE_HOST && !(v6 && ip_is_v4(&a->ip)))
			copy[n++] = *a;
	spin_unlock(&ns->lock);
	return n;
}

/* Going up, lo gets its addresses, and going down loses that of IPv6; who watches is
 * told of everything. */
static int set_up(struct nl_request *r, bool up)
{
	struct net_address copy[2];
	unsigned n;
	int err;

	if (r->ns->lo.up == up)
		return 0;
	n = up ? 0 : own(r->ns, true, copy);
	err = net_link_set_up(r->ns, up);
	if (err)
		return err;
	link_announce(r);
	if (up)
		n = own(r->ns, false, copy);
	for (unsigned k = 0; k < n; k++)
		addr_announce(r, &copy[k], !up);
	return 0;
}

static int set_link(struct nl_request *r)
{
	struct linux_ifinfomsg i;
	uint32_t mtu;
	bool any;
	size_t n;

	if (r->size < sizeof i)
		return -EINVAL;
	memcpy(&i, r->body, sizeof i);
	if (nl_find(r, sizeof i, IFLA_LINKINFO, &n)) {
		r->text = "Unknown device type";
		return -EOPNOTSUPP;
	}
	if (!names_lo(r, &i, &any))
		return -ENODEV;
	if (any)                        /* ip(8) asks so whether RTM_NEWLINK is there */
		return r->h.type == RTM_NEWLINK ? -ENODEV : -EINVAL;
	if (nl_find(r, sizeof i, IFLA_MTU, &n) && n != sizeof mtu)
		return -ERANGE;
	if (nl_get_u32(r, sizeof i, IFLA_MTU, &mtu)) {
		if (mtu > INT32_MAX)
			return -EINVAL;
		r->ns->lo.mtu = mtu;
		link_announce(r);
	}
	if (i.change & IFF_UP || (!i.change && i.flags))
		return set_up(r, i.flags & IFF_UP);
	return 0;
}

/* lo stays. */
static int del_link(struct nl_request *r)
{
	struct linux_ifinfomsg i;
	bool any;

	if (r->size < sizeof i)
		return -EINVAL;
	memcpy(&i, r->body, sizeof i);
	if (!names_lo(r, &i, &any))
		return -ENODEV;
	return any ? -EINVAL : -EOPNOTSUPP;
}

int link_request(struct nl_request *r)
{
	if (r->h.type == RTM_GETLINK)
		return get_link(r);
	if (!r->admin)
		return -EPERM;
	return r->h.type == RTM_DELLINK ? del_link(r) : set_link(r);
}
