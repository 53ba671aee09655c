/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/sys/net: what can be set is the caller's name space's own and acts at
 * once; the rest says how this kernel is. ip-sysctl, proc(5). */
#include "kernel/fs/proc/proc.h"
#include "kernel/net/settings.h"

#define CONST(fn, text) static void show_##fn(struct sbuf *s) { sbuf_printf(s, "%s\n", text); }
CONST(none, "")
CONST(zero, "0")
CONST(one, "1")
CONST(two, "2")
CONST(ttl, "64")
CONST(mem_default, "212992")
CONST(tcp_rmem, "4096\t131072\t6291456")
CONST(tcp_wmem, "4096\t16384\t4194304")
CONST(congestion, "cubic")
CONST(congestions, "reno cubic")
CONST(notsent, "4294967295")
CONST(ratemask6, "0-1,3-127")
CONST(igmp_memberships, "20")
CONST(igmp_sources, "10")
CONST(tcp_hash, "-262144")
CONST(udp_hash, "-16384")
CONST(ping_groups, "0\t2147483647")

static void show_port_range(struct sbuf *s)
{
	struct netns *ns = netns_current();

	sbuf_printf(s, "%u\t%u\n", ns->port_first, ns->port_last);
}

static void show_privileged(struct sbuf *s) { sbuf_printf(s, "%u\n", netns_current()->port_privileged); }
static void show_nonlocal(struct sbuf *s) { sbuf_printf(s, "%d\n", netns_current()->nonlocal_bind); }
static void show_v6only(struct sbuf *s) { sbuf_printf(s, "%d\n", netns_current()->v6only); }

/* A number at *at; -EINVAL.  Blanks before it are skipped. */
static int number(const char *text, size_t n, size_t *at, uint64_t max, uint64_t *ret)
{
	size_t from;

	while (*at < n && (text[*at] == ' ' || text[*at] == '\t'))
		++*at;
	for (from = *at; *at < n && text[*at] >= '0' && text[*at] <= '9'; )
		++*at;
	if (*at == from || kparse_u64(text + from, *at - from, ret) || *ret > max)
		return -EINVAL;
	return 0;
}

static int store_one(const char *text, size_t n, uint64_t max, uint64_t *ret)
{
	size_t at = 0;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	return number(text, n, &at, max, ret);
}

static int store_port_range(const char *text, size_t n)
{
	struct netns *ns = netns_current();
	uint64_t first, last;
	size_t at = 0;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (number(text, n, &at, 65535, &first) || number(text, n, &at, 65535, &last))
		return -EINVAL;
	if (!first || last < first || first < ns->port_privileged)
		return -EINVAL;
	spin_lock(&ns->lock);
	ns->port_first = (uint16_t)first;
	ns->port_last = (uint16_t)last;
	spin_unlock(&ns->lock);
	return 0;
}

static int store_privileged(const char *text, size_t n)
{
	struct netns *ns = netns_current();
	uint64_t v;
	int err = store_one(text, n, 65535, &v);

	if (err)
		return err;
	if (v > ns->port_first)
		return -EINVAL;         /* chosen ports are for everybody */
	ns->port_privileged = (uint16_t)v;
	return 0;
}

static int store_nonlocal(const char *text, size_t n)
{
	uint64_t v;
	int err = store_one(text, n, 1, &v);

	if (!err)
		netns_current()->nonlocal_bind = v;
	return err;
}

static int store_v6only(const char *text, size_t n)
{
	uint64_t v;
	int err = store_one(text, n, 1, &v);

	if (!err)
		netns_current()->v6only = v;
	return err;
}

#define DGRAM_QLEN_MAX 4096u            /* Linux takes any; a queue here stays bounded */

static void show_dgram_qlen(struct sbuf *s)
{
	sbuf_printf(s, "%u\n", __atomic_load_n(&netns_current()->dgram_qlen, __ATOMIC_RELAXED));
}

static int store_dgram_qlen(const char *text, size_t n)
{
	uint64_t v;
	int err = store_one(text, n, DGRAM_QLEN_MAX, &v);

	if (!err)
		__atomic_store_n(&netns_current()->dgram_qlen, (unsigned)v, __ATOMIC_RELAXED);
	return err;
}

/* ---- what a name space keeps ---- */

static void show_kept(struct sbuf *s, uint64_t arg)
{
	sbuf_printf(s, "%lld\n", (long long)net_setting(netns_current(), (enum net_setting)arg));
}

static int store_kept(const char *text, size_t n, uint64_t arg)
{
	bool minus = n && *text == '-';
	uint64_t v;
	int err = store_one(text + minus, n - minus, INT64_MAX, &v);

	return err ? err : net_set(netns_current(), (enum net_setting)arg, minus ? -(int64_t)v : (int64_t)v);
}

static int store_flush(const char *text, size_t n)
{
	uint64_t v;

	return store_one(text, n, INT32_MAX, &v);       /* no route is remembered */
}

#define END { .name = NULL }
#define F(n, fn) { .name = (n), .mode = S_IFREG | 0644, .show = (fn) }
#define KEPT(G, nm, ...) \
	{ .name = #nm, .mode = S_IFREG | 0644, .show_arg = show_kept, .store_arg = store_kept, .arg = SET_##G##_##nm },
#define FLUSH { .name = "flush", .mode = S_IFREG | 0200, .store = store_flush }

static const struct pseudo_node core_nodes[] = {
	F("rmem_default", show_mem_default), F("rmem_max", show_mem_default), F("wmem_default", show_mem_default),
	F("wmem_max", show_mem_default), F("optmem_max", show_mem_default), F("rps_default_mask", show_zero),
	SETTINGS_CORE(KEPT, core) END,
};

/* ---- net.ipv4 ---- */

static const struct pseudo_node route4_nodes[] = { SETTINGS_ROUTE4(KEPT, route4) FLUSH, END };
#define CONF4(G) { SETTINGS_CONF4(KEPT, G) F("mc_forwarding", show_zero), END }
static const struct pseudo_node conf4_all[] = CONF4(conf4_all), conf4_default[] = CONF4(conf4_default),
				conf4_lo[] = CONF4(conf4_lo);
static const struct pseudo_node conf4_nodes[] = {
	PSEUDO_DIR("all", conf4_all), PSEUDO_DIR("default", conf4_default), PSEUDO_DIR("lo", conf4_lo), END,
};
#define NEIGH(G) { SETTINGS_NEIGH(KEPT, G) END }
static const struct pseudo_node neigh4_default[] = NEIGH(neigh4_default), neigh4_lo[] = NEIGH(neigh4_lo);
static const struct pseudo_node neigh4_nodes[] = {
	PSEUDO_DIR("default", neigh4_default), PSEUDO_DIR("lo", neigh4_lo), END,
};
static const struct pseudo_node ipv4_nodes[] = {
	PSEUDO_RW("ip_local_port_range", show_port_range, store_port_range),
	PSEUDO_RW("ip_unprivileged_port_start", show_privileged, store_privileged),
	PSEUDO_RW("ip_nonlocal_bind", show_nonlocal, store_nonlocal),
	F("ip_default_ttl", show_ttl), F("ip_local_reserved_ports", show_none), F("tcp_rmem", show_tcp_rmem),
	F("tcp_wmem", show_tcp_wmem), F("tcp_tw_reuse", show_two), F("tcp_fastopen", show_one),
	F("tcp_notsent_lowat", show_notsent), F("tcp_abort_on_overflow", show_zero), F("tcp_stdurg", show_zero),
	F("tcp_congestion_control", show_congestion), F("tcp_available_congestion_control", show_congestions),
	F("tcp_allowed_congestion_control", show_congestions), F("ping_group_range", show_ping_groups),
	F("igmp_max_memberships", show_igmp_memberships), F("igmp_max_msf", show_igmp_sources),
	PSEUDO_FILE("tcp_ehash_entries", show_tcp_hash), PSEUDO_FILE("udp_hash_entries", show_udp_hash),
	SETTINGS_IPV4(KEPT, ipv4) PSEUDO_DIR("conf", conf4_nodes), PSEUDO_DIR("neigh", neigh4_nodes),
	PSEUDO_DIR("route", route4_nodes), END,
};

/* ---- net.ipv6 ---- */

static const struct pseudo_node route6_nodes[] = { SETTINGS_ROUTE6(KEPT, route6) FLUSH, END };
static const struct pseudo_node icmp6_nodes[] = { SETTINGS_ICMP6(KEPT, icmp6) F("ratemask", show_ratemask6), END };
#define CONF6(G) { SETTINGS_CONF6(KEPT, G) F("disable_ipv6", show_zero), F("mc_forwarding", show_zero), END }
static const struct pseudo_node conf6_all[] = CONF6(conf6_all), conf6_default[] = CONF6(conf6_default),
				conf6_lo[] = CONF6(conf6_lo);
static const struct pseudo_node conf6_nodes[] = {
	PSEUDO_DIR("all", conf6_all), PSEUDO_DIR("default", conf6_default), PSEUDO_DIR("lo", conf6_lo), END,
};
static const struct pseudo_node neigh6_default[] = NEIGH(neigh6_default), neigh6_lo[] = NEIGH(neigh6_lo);
static const struct pseudo_node neigh6_nodes[] = {
	PSEUDO_DIR("default", neigh6_default), PSEUDO_DIR("lo", neigh6_lo), END,
};
static const struct pseudo_node ipv6_nodes[] = {
	PSEUDO_RW("bindv6only", show_v6only, store_v6only), PSEUDO_RW("ip_nonlocal_bind", show_nonlocal, store_nonlocal),
	SETTINGS_IPV6(KEPT, ipv6) PSEUDO_DIR("conf", conf6_nodes), PSEUDO_DIR("icmp", icmp6_nodes),
	PSEUDO_DIR("neigh", neigh6_nodes), PSEUDO_DIR("route", route6_nodes), END,
};
static const struct pseudo_node unix_nodes[] = { PSEUDO_RW("max_dgram_qlen", show_dgram_qlen, store_dgram_qlen), END };

const struct pseudo_node proc_sys_net_children[] = {
	PSEUDO_DIR("core", core_nodes), PSEUDO_DIR("ipv4", ipv4_nodes), PSEUDO_DIR("ipv6", ipv6_nodes),
	PSEUDO_DIR("unix", unix_nodes), END,
};
