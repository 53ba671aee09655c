/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/sys/net: what can be set is the caller's name space's own and acts at
 * once; the rest says how this kernel is. ip-sysctl, proc(5). */
#include "kernel/fs/proc/proc.h"
#include "kernel/net/net.h"

#define CONST(fn, text) static void show_##fn(struct sbuf *s) { sbuf_printf(s, "%s\n", text); }
CONST(zero, "0")
CONST(one, "1")
CONST(two, "2")
CONST(ttl, "64")
CONST(fin_timeout, "60")
CONST(keepalive_time, "7200")
CONST(keepalive_intvl, "75")
CONST(keepalive_probes, "9")
CONST(retries2, "15")
CONST(syn_retries, "6")
CONST(somaxconn, "4096")
CONST(mem_default, "212992")
CONST(tcp_rmem, "4096\t131072\t6291456")
CONST(tcp_wmem, "4096\t16384\t4194304")
CONST(congestion, "cubic")
CONST(congestions, "reno cubic")
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

#define END { .name = NULL }
#define F(n, fn) { .name = (n), .mode = S_IFREG | 0644, .show = (fn) }

static const struct pseudo_node core_nodes[] = {
	F("somaxconn", show_somaxconn), F("rmem_default", show_mem_default), F("rmem_max", show_mem_default),
	F("wmem_default", show_mem_default), F("wmem_max", show_mem_default), F("optmem_max", show_mem_default), END,
};
static const struct pseudo_node ipv4_nodes[] = {
	PSEUDO_RW("ip_local_port_range", show_port_range, store_port_range),
	PSEUDO_RW("ip_unprivileged_port_start", show_privileged, store_privileged),
	PSEUDO_RW("ip_nonlocal_bind", show_nonlocal, store_nonlocal),
	F("ip_forward", show_zero), F("ip_default_ttl", show_ttl), F("tcp_rmem", show_tcp_rmem),
	F("tcp_wmem", show_tcp_wmem), F("tcp_syncookies", show_one), F("tcp_tw_reuse", show_two),
	F("tcp_max_syn_backlog", show_somaxconn), F("tcp_fin_timeout", show_fin_timeout),
	F("tcp_keepalive_time", show_keepalive_time), F("tcp_keepalive_intvl", show_keepalive_intvl),
	F("tcp_keepalive_probes", show_keepalive_probes), F("tcp_retries2", show_retries2),
	F("tcp_syn_retries", show_syn_retries), F("tcp_fastopen", show_one), F("tcp_timestamps", show_one),
	F("tcp_sack", show_one), F("tcp_window_scaling", show_one), F("tcp_congestion_control", show_congestion),
	F("tcp_available_congestion_control", show_congestions), F("tcp_allowed_congestion_control", show_congestions),
	F("ping_group_range", show_ping_groups), END,
};
static const struct pseudo_node conf_nodes[] = { F("disable_ipv6", show_zero), F("forwarding", show_zero), END };
static const struct pseudo_node confs_nodes[] = {
	PSEUDO_DIR("all", conf_nodes), PSEUDO_DIR("default", conf_nodes), PSEUDO_DIR("lo", conf_nodes), END,
};
static const struct pseudo_node ipv6_nodes[] = {
	PSEUDO_RW("bindv6only", show_v6only, store_v6only), PSEUDO_DIR("conf", confs_nodes), END,
};
static const struct pseudo_node unix_nodes[] = { PSEUDO_RW("max_dgram_qlen", show_dgram_qlen, store_dgram_qlen), END };

const struct pseudo_node proc_sys_net_children[] = {
	PSEUDO_DIR("core", core_nodes), PSEUDO_DIR("ipv4", ipv4_nodes), PSEUDO_DIR("ipv6", ipv6_nodes),
	PSEUDO_DIR("unix", unix_nodes), END,
};
