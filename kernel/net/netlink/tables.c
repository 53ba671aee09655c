/* SPDX-License-Identifier: Apache-2.0 */
/* NETLINK_ROUTE: the tables of neighbours with what is set about them, and counters of links.
 * lo has no neighbours to ask, so the tables are empty and nothing of that ever acts.
 * rtnetlink(7), ip-ntable(8), ip-stats(8). */
#include "kernel/net/netlink/netlink.h"
#include "kernel/net/settings.h"

/* Attributes of 32 bits and of 64 (milliseconds) in Linux' order; from: a setting, and what it is
 * multiplied by. */
#define PARAM(a, wide, name, by) { a, wide, SET_neigh4_lo_##name, SET_neigh6_lo_##name, by }
static const struct param { uint8_t attr; bool wide; uint16_t v4, v6, by; } params[] = {
	PARAM(NDTPA_QUEUE_LENBYTES, false, unres_qlen_bytes, 1), PARAM(NDTPA_QUEUE_LEN, false, unres_qlen, 1),
	PARAM(NDTPA_PROXY_QLEN, false, proxy_qlen, 1), PARAM(NDTPA_APP_PROBES, false, app_solicit, 1),
	PARAM(NDTPA_UCAST_PROBES, false, ucast_solicit, 1), PARAM(NDTPA_MCAST_PROBES, false, mcast_solicit, 1),
	PARAM(NDTPA_MCAST_REPROBES, false, mcast_resolicit, 1),
	PARAM(NDTPA_REACHABLE_TIME, true, base_reachable_time_ms, 1),
	PARAM(NDTPA_BASE_REACHABLE_TIME, true, base_reachable_time_ms, 1),
	PARAM(NDTPA_GC_STALETIME, true, gc_stale_time, 1000),
	PARAM(NDTPA_DELAY_PROBE_TIME, true, delay_first_probe_time, 1000),
	PARAM(NDTPA_RETRANS_TIME, true, retrans_time_ms, 1), PARAM(NDTPA_ANYCAST_DELAY, true, anycast_delay, 10),
	PARAM(NDTPA_PROXY_DELAY, true, proxy_delay, 10), PARAM(NDTPA_LOCKTIME, true, locktime, 10),
	PARAM(NDTPA_INTERVAL_PROBE_TIME_MS, true, interval_probe_time_ms, 1),
};

static void put_u64(struct nl_request *r, uint16_t type, uint64_t v) { nl_attr(r, type, &v, sizeof v); }

static void put_params(struct nl_request *r, bool v6, uint32_t index)
{
	size_t nest = nl_nest(r, NDTA_PARMS);

	if (index)
		nl_u32(r, NDTPA_IFINDEX, index);
	nl_u32(r, NDTPA_REFCNT, 1);
	for (unsigned k = 0; k < ARRAY_SIZE(params); k++) {
		const struct param *p = &params[k];
		uint64_t v = (uint64_t)net_setting(r->ns, (enum net_setting)(v6 ? p->v6 : p->v4)) * p->by;

		if (p->wide)
			put_u64(r, p->attr, v);
		else
			nl_u32(r, p->attr, (uint32_t)v);
	}
	nl_nest_end(r, nest);
}

/* The table with its defaults, or (index) what counts for a link. */
static void put_table(struct nl_request *r, bool v6, uint32_t index)
{
	struct { uint8_t family, pad[3]; } h = { .family = v6 ? AF_INET6 : AF_INET };
	struct { uint16_t key_len, entry_size; uint32_t rest[7]; } config = { .key_len = v6 ? 16 : 4, .entry_size = 336 };
	static const uint64_t stats[11];

	nl_begin(r, RTM_NEWNEIGHTBL, &h, sizeof h);
	nl_attr(r, NDTA_NAME, v6 ? "ndisc_cache" : "arp_cache", v6 ? 12 : 10);
	if (!index) {
		put_u64(r, NDTA_GC_INTERVAL, 30000);
		nl_u32(r, NDTA_THRESH1, 128);
		nl_u32(r, NDTA_THRESH2, 512);
		nl_u32(r, NDTA_THRESH3, 1024);
		nl_attr(r, NDTA_CONFIG, &config, sizeof config);
		nl_attr(r, NDTA_STATS, stats, sizeof stats);
	}
	put_params(r, v6, index);
	nl_end(r);
}

static int dump_tables(struct nl_request *r)
{
	uint8_t family = r->size ? r->body[0] : 0;

	for (int v6 = 0; v6 < 2; v6++)
		if (!family || family == (v6 ? AF_INET6 : AF_INET)) {
			put_table(r, v6, 0);
			put_table(r, v6, LO_INDEX);
		}
	return 0;
}

static void put_stats(struct nl_request *r, uint32_t mask)
{
	struct linux_if_stats_msg h = { .index = LO_INDEX, .mask = mask };
	uint64_t stats[LINK_STATS];
	size_t nest, info, l3;

	nl_begin(r, RTM_NEWSTATS, &h, sizeof h);
	if (mask & 1u << (IFLA_STATS_LINK_64 - 1)) {
		link_stats(r, stats);
		nl_attr(r, IFLA_STATS_LINK_64, stats, sizeof stats);
	}
	if (mask & 1u << (IFLA_STATS_LINK_OFFLOAD_XSTATS - 1)) {        /* no hardware counts */
		nest = nl_nest(r, IFLA_STATS_LINK_OFFLOAD_XSTATS);
		info = nl_nest(r, NLA_F_NESTED | IFLA_OFFLOAD_XSTATS_HW_S_INFO);
		l3 = nl_nest(r, NLA_F_NESTED | IFLA_OFFLOAD_XSTATS_L3_STATS);
		nl_u8(r, IFLA_OFFLOAD_XSTATS_HW_S_INFO_REQUEST, 0);
		nl_u8(r, IFLA_OFFLOAD_XSTATS_HW_S_INFO_USED, 0);
		nl_nest_end(r, l3);
		nl_nest_end(r, info);
		nl_nest_end(r, nest);
	}
	if (mask & 1u << (IFLA_STATS_AF_SPEC - 1))
		nl_nest_end(r, nl_nest(r, IFLA_STATS_AF_SPEC));
	nl_end(r);
}

static int get_stats(struct nl_request *r)
{
	struct linux_if_stats_msg m;

	if (r->size < sizeof m) {
		r->text = r->dump ? "Invalid header for stats dump" : "Invalid header for stats get";
		return -EINVAL;
	}
	memcpy(&m, r->body, sizeof m);
	if (r->strict && (m.pad1 || m.pad2 || (r->dump && m.index)))
		return -EINVAL;
	if (!r->dump && m.index != LO_INDEX)
		return m.index > 0 ? -ENODEV : -EINVAL;
	if (!m.mask) {
		r->text = r->dump ? "Filter mask must be set for stats dump" : "Filter mask must be set for stats get";
		return -EINVAL;
	}
	put_stats(r, m.mask);
	return 0;
}

int table_request(struct nl_request *r)
{
	if (r->h.type == RTM_GETSTATS)
		return get_stats(r);
	return r->dump ? dump_tables(r) : -EOPNOTSUPP;
}
