/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/sys/net: what can be set is the caller's name space's own and acts at
 * once; the rest says how this kernel is. ip-sysctl, proc(5). */
#include "kernel/fs/proc/sysctl_net.h"

#define CONST(fn, text) static void show_##fn(struct sbuf *s) { sbuf_printf(s, "%s\n", text); }
CONST(zero, "0")
CONST(optmem, "131072")
CONST(congestions, "reno cubic")
CONST(ratemask6, "0-1,3-127")
CONST(igmp_memberships, "20")
CONST(igmp_sources, "10")
CONST(tcp_hash, "-262144")
CONST(udp_hash, "-16384")

static void show_port_range(struct sbuf *s)
{
	struct netns *ns = netns_current();

	sbuf_printf(s, "%u\t%u\n", ns->port_first, ns->port_last);
}

static void show_privileged(struct sbuf *s) { sbuf_printf(s, "%u\n", netns_current()->port_privileged); }
static void show_nonlocal(struct sbuf *s) { sbuf_printf(s, "%d\n", netns_current()->nonlocal_bind); }
static void show_v6only(struct sbuf *s) { sbuf_printf(s, "%d\n", netns_current()->v6only); }

/* A number from 0 to max. */
static int number(const char *text, size_t n, size_t *at, uint64_t max, uint64_t *ret)
{
	int64_t v;

	if (sysctl_number(text, n, at, &v) || v < 0 || (uint64_t)v > max)
		return -EINVAL;
	*ret = (uint64_t)v;
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
	size_t at = 0;
	int64_t v;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	return sysctl_number(text, n, &at, &v) ? -EINVAL : net_set(netns_current(), (enum net_setting)arg, v);
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
#define ARG(n, arg_, sh, st) { .name = (n), .mode = S_IFREG | 0644, .show_arg = (sh), .store_arg = (st), .arg = (arg_) }
#define MEM(n, which) ARG(n, which, sysctl_sock_mem_show, sysctl_sock_mem_store)
#define THREE(n, first) ARG(n, first, sysctl_three_show, sysctl_three_store)
#define FLUSH { .name = "flush", .mode = S_IFREG | 0200, .store = store_flush }

static const struct pseudo_node core_nodes[] = {
	MEM("rmem_default", SOCK_RMEM_DEFAULT), MEM("rmem_max", SOCK_RMEM_MAX), MEM("wmem_default", SOCK_WMEM_DEFAULT),
	MEM("wmem_max", SOCK_WMEM_MAX), F("optmem_max", show_optmem), F("rps_default_mask", show_zero),
	SETTINGS_CORE(KEPT, core) END,
};

/* ---- net.ipv4 ---- */

static const struct pseudo_node route4_nodes[] = { SETTINGS_ROUTE4(KEPT, route4) FLUSH, END };
#define CONF4(G) { SETTINGS_CONF4(KEPT, G) PSEUDO_FILE("mc_forwarding", show_zero), END }
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
	PSEUDO_RW("ip_default_ttl", sysctl_ttl_show, sysctl_ttl_store),
	PSEUDO_RW("ip_local_reserved_ports", sysctl_reserved_ports_show, sysctl_reserved_ports_store),
	THREE("tcp_rmem", SET_tcp_mem_rmem0), THREE("tcp_wmem", SET_tcp_mem_wmem0),
	{ .name = "tcp_fastopen_key", .mode = S_IFREG | 0600, .show = sysctl_fastopen_key_show,
	  .store = sysctl_fastopen_key_store },
	F("tcp_stdurg", show_zero),
	PSEUDO_RW("tcp_congestion_control", sysctl_congestion_show, sysctl_congestion_store),
	PSEUDO_FILE("tcp_available_congestion_control", show_congestions),
	F("tcp_allowed_congestion_control", show_congestions),
	PSEUDO_RW("ping_group_range", sysctl_ping_groups_show, sysctl_ping_groups_store),
	F("igmp_max_memberships", show_igmp_memberships), F("igmp_max_msf", show_igmp_sources),
	PSEUDO_FILE("tcp_ehash_entries", show_tcp_hash), PSEUDO_FILE("udp_hash_entries", show_udp_hash),
	SETTINGS_IPV4(KEPT, ipv4) PSEUDO_DIR("conf", conf4_nodes), PSEUDO_DIR("neigh", neigh4_nodes),
	PSEUDO_DIR("route", route4_nodes), END,
};

/* ---- net.ipv6 ---- */

static const struct pseudo_node route6_nodes[] = { SETTINGS_ROUTE6(KEPT, route6) FLUSH, END };
static const struct pseudo_node icmp6_nodes[] = { SETTINGS_ICMP6(KEPT, icmp6) F("ratemask", show_ratemask6), END };
#define CONF6(G) { SETTINGS_CONF6(KEPT, G) PSEUDO_FILE("mc_forwarding", show_zero), \
	ARG("disable_ipv6", SET_##G##_disable_ipv6, show_kept, sysctl_disable6_store), END }
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
