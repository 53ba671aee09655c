/* SPDX-License-Identifier: Apache-2.0 */
/* NETLINK_ROUTE: objects that are always the same here, and those of which there
 * are none: queues, policies, next hops.  rtnetlink(7), ip-netconf(8),
 * ip-addrlabel(8). */
#include "kernel/net/netlink/netlink.h"

/* What can be set about forwarding: nothing is forwarded. */
static void put_conf(struct nl_request *r, uint8_t family, int32_t index)
{
	struct { uint8_t family, pad[3]; } h = { .family = family };

	nl_begin(r, RTM_NEWNETCONF, &h, sizeof h);
	nl_u32(r, NETCONFA_IFINDEX, (uint32_t)index);
	nl_u32(r, NETCONFA_FORWARDING, 0);
	if (family == AF_INET)
		nl_u32(r, NETCONFA_RP_FILTER, 0);
	nl_u32(r, NETCONFA_MC_FORWARDING, 0);
	if (family == AF_INET)
		nl_u32(r, NETCONFA_BC_FORWARDING, 0);
	nl_u32(r, NETCONFA_PROXY_NEIGH, 0);
	nl_u32(r, NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN, 0);
	nl_end(r);
}

static int dump_conf(struct nl_request *r)
{
	uint8_t family = r->size ? nl_family(r->body[0]) : 0;

	for (int v6 = 0; v6 < 2; v6++) {
		uint8_t f = v6 ? AF_INET6 : AF_INET;

		if (family && family != f)
			continue;
		put_conf(r, f, LO_INDEX);
		put_conf(r, f, NETCONFA_IFINDEX_ALL);
		put_conf(r, f, NETCONFA_IFINDEX_DEFAULT);
	}
	return 0;
}

static int get_conf(struct nl_request *r)
{
	uint8_t family = r->size ? r->body[0] : 0;
	uint32_t index;

	if (family != AF_INET && family != AF_INET6)
		return -EOPNOTSUPP;
	if (!nl_get_u32(r, 4, NETCONFA_IFINDEX, &index))
		return -EINVAL;
	if (index != LO_INDEX && index != (uint32_t)NETCONFA_IFINDEX_ALL && index != (uint32_t)NETCONFA_IFINDEX_DEFAULT)
		return family == AF_INET ? -ENODEV : -EINVAL;
	put_conf(r, family, (int32_t)index);
	return 0;
}

/* RFC 6724's table, with which sources are chosen. */
static int dump_labels(struct nl_request *r)
{
	static const struct { uint8_t len, label, b[12]; } labels[] = {
		{ 128, 0, { 0 } },                                      /* ::1, see below */
		{ 96, 3, { 0 } }, { 96, 4, { [10] = 0xff, 0xff } },
		{ 32, 6, { 0x20, 0x01 } }, { 28, 7, { 0x20, 0x01, 0x00, 0x10 } }, { 16, 12, { 0x3f, 0xfe } },
		{ 16, 2, { 0x20, 0x02 } }, { 10, 11, { 0xfe, 0xc0 } }, { 7, 5, { 0xfc } }, { 0, 1, { 0 } },
	};

	for (unsigned k = 0; k < ARRAY_SIZE(labels); k++) {
		struct { uint8_t family, pad, prefix, flags; uint32_t index, seq; } h = { .family = AF_INET6,
											  .prefix = labels[k].len };
		uint8_t address[16] = { 0 };

		memcpy(address, labels[k].b, sizeof labels[k].b);
		address[15] = labels[k].len == 128;
		nl_begin(r, RTM_NEWADDRLABEL, &h, sizeof h);
		nl_attr(r, IFAL_ADDRESS, address, sizeof address);
		nl_u32(r, IFAL_LABEL, labels[k].label);
		nl_end(r);
	}
	return 0;
}

/* lo keeps no queue, which is a discipline too. */
static int dump_queues(struct nl_request *r)
{
	struct { uint8_t family, pad[3]; int32_t index; uint32_t handle, parent, info; } h = {
		.index = LO_INDEX, .parent = UINT32_MAX, .info = 2
	};
	static const uint8_t none[40];  /* what never waits is not counted */
	size_t nest;

	if (!__atomic_load_n(&r->ns->lo.was_up, __ATOMIC_RELAXED))
		return 0;
	nl_begin(r, RTM_NEWQDISC, &h, sizeof h);
	nl_attr(r, TCA_KIND, "noqueue", 8);
	nl_u8(r, TCA_HW_OFFLOAD, 0);
	nest = nl_nest(r, TCA_STATS2);
	nl_attr(r, TCA_STATS_BASIC, none, 16);
	nl_attr(r, TCA_STATS_QUEUE, none, 20);
	nl_nest_end(r, nest);
	nl_attr(r, TCA_STATS, none, 40);
	nl_end(r);
	return 0;
}

int empty_request(struct nl_request *r)
{
	switch (r->h.type) {
	case RTM_GETNETCONF: return r->dump ? dump_conf(r) : get_conf(r);
	case RTM_GETNEIGHTBL:
	case RTM_GETSTATS: return table_request(r);
	case RTM_GETMDB:
	case RTM_GETACTION: return r->dump ? 0 : -EINVAL;
	case RTM_GETADDRLABEL: return r->dump ? dump_labels(r) : -EOPNOTSUPP;
	case RTM_GETQDISC: return r->dump ? dump_queues(r) : -EOPNOTSUPP;
	case RTM_GETTCLASS:
	case RTM_GETTFILTER:
	case RTM_GETCHAIN:
	case RTM_GETNEXTHOP:
	case RTM_GETTUNNEL: return r->dump ? 0 : -EOPNOTSUPP;
	default: return -EOPNOTSUPP;
	}
}
