/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of /proc/PID/net about the kernel's own work: the tries of IPv4 routes, and
 * statistics per CPU of what does not happen here (no packet waits for a soft interrupt, no
 * route is cached), whose columns monitors look up. */
#include "kernel/fs/proc/net.h"
#include "kernel/fs/proc/proc.h"
#include "kernel/net/route.h"
#include <linux_abi/netlink.h>

/* ---- fib_trie ---- */

#define LEAVES_MAX 512u
#define LOOPBACK_NET 0x7f000000u

struct leaf { uint32_t dst; uint8_t len, scope, type; };
struct leaves { struct leaf *l; unsigned n; };

static bool collect(const struct net_rt *r, void *arg)
{
	struct leaves *v = arg;
	struct leaf x = { ip_v4(&r->dst), r->dst_len, r->scope, r->type };
	unsigned k;

	if (r->family != AF_INET || v->n == LEAVES_MAX)
		return false;
	for (k = v->n; k && (v->l[k - 1].dst > x.dst || (v->l[k - 1].dst == x.dst && v->l[k - 1].len < x.len)); k--)
		;
	memmove(v->l + k + 1, v->l + k, (v->n - k) * sizeof x);
	v->l[k] = x;
	v->n++;
	return false;
}

static int routes_of(struct netns *ns, struct leaves *v)
{
	struct net_address *a;
	struct net_rt *r;

	v->n = 0;
	v->l = kmalloc((LEAVES_MAX + 1) * sizeof *v->l);
	if (!v->l)
		return -ENOMEM;
	spin_lock(&ns->lock);
	if (__atomic_load_n(&ns->lo.up, __ATOMIC_RELAXED))
		list_for_each(a, &ns->addresses, link)
			if (ip_is_v4(&a->ip))
				route_kernel_each(ns, a, collect, v);
	list_for_each(r, &ns->routes, link)
		(void)collect(r, v);
	spin_unlock(&ns->lock);
	return 0;
}

static const char *scope_name(uint8_t scope)
{
	switch (scope) {
	case RT_SCOPE_HOST: return "host";
	case RT_SCOPE_LINK: return "link";
	case 0: return "universe";
	default: return "nowhere";
	}
}

static const char *type_name(uint8_t type)
{
	static const char *const names[] = { "UNSPEC", "UNICAST", "LOCAL", "BROADCAST", "ANYCAST", "MULTICAST", "BLACKHOLE",
					     "UNREACHABLE", "PROHIBIT" };

	return type < ARRAY_SIZE(names) ? names[type] : "UNSPEC";
}

static void put_dst(struct sbuf *s, uint32_t a)
{
	sbuf_printf(s, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
}

/* One prefix a line below its address, and 127.0.0.0 with 127.0.0.1 in a node of their own: as Linux has the
 * routes of lo. */
static void trie(struct sbuf *s, const char *name, const struct leaves *v)
{
	bool only = true, pair = false, inside;

	for (unsigned k = 0; k < v->n; k++) {
		only &= v->l[k].dst >> 24 == LOOPBACK_NET >> 24;
		pair |= v->l[k].dst == LOOPBACK_NET + 1;
	}
	sbuf_printf(s, "%s:\n  +-- ", name);
	put_dst(s, only ? LOOPBACK_NET : 0);
	sbuf_printf(s, "/%d 2 0 2\n", only ? 8 : 0);
	for (unsigned k = 0; k < v->n; k++) {
		const struct leaf *l = &v->l[k];
		bool first = !k || v->l[k - 1].dst != l->dst;

		inside = pair && l->dst >> 1 == LOOPBACK_NET >> 1;
		if (inside && first && l->dst == LOOPBACK_NET)
			sbuf_printf(s, "     +-- 127.0.0.0/31 1 0 0\n");
		if (first) {
			sbuf_printf(s, inside ? "        |-- " : "     |-- ");
			put_dst(s, l->dst);
			sbuf_printf(s, "\n");
		}
		sbuf_printf(s, "%s/%u %s %s\n", inside ? "           " : "        ", l->len, scope_name(l->scope), type_name(l->type));
	}
}

int pid_net_fib_trie(struct task *t, struct sbuf *s)
{
	struct netns *ns = task_netns_get(t);
	struct leaves v;
	int err = routes_of(ns, &v);

	netns_put(ns);
	if (err)
		return err;
	if (v.n) {                      /* both names lead to one trie */
		trie(s, "Main", &v);
		trie(s, "Local", &v);
	}
	kfree(v.l);
	return 0;
}

int pid_net_fib_triestat(struct task *t, struct sbuf *s)
{
	struct netns *ns = task_netns_get(t);
	unsigned addresses = 0;
	struct leaves v;
	int err = routes_of(ns, &v);

	netns_put(ns);
	if (err)
		return err;
	for (unsigned k = 0; k < v.n; k++)
		addresses += !k || v.l[k - 1].dst != v.l[k].dst;
	sbuf_printf(s, "Basic info: size of leaf: 48 bytes, size of tnode: 40 bytes.\n");
	for (int k = 0; v.n && k < 2; k++)
		sbuf_printf(s, "%s:\n\tAver depth:     1.66\n\tMax depth:      2\n\tLeaves:         %u\n\tPrefixes:       %u\n"
			    "\tInternal nodes: 2\n\t  1: 1  2: 1\n\tPointers: 6\nNull ptrs: 2\nTotal size: 1  kB\n",
			    k ? "Local" : "Main", addresses, v.n);
	kfree(v.l);
	return 0;
}

/* ---- statistics per CPU ---- */

int pid_net_softnet_stat(__unused_arg struct task *t, struct sbuf *s)
{
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		for (int k = 0; k < 12; k++)
			sbuf_printf(s, "00000000 ");
		sbuf_printf(s, "%08x 00000000 00000000\n", cpu);
	}
	return 0;
}

/* A heading, and a line of zeros for each CPU. */
static int zeros(struct sbuf *s, const char *heading)
{
	sbuf_printf(s, "%s\n", heading);
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		for (const char *p = heading; *p; p++)
			if (*p != ' ' && (!p[1] || p[1] == ' '))
				sbuf_printf(s, "%s00000000", p - heading > 8 ? " " : "");
		sbuf_printf(s, "\n");
	}
	return 0;
}

static int rt_cache(__unused_arg struct task *t, struct sbuf *s)
{
	return zeros(s, "entries  in_hit   in_slow_tot in_slow_mc in_no_route in_brd   in_martian_dst in_martian_src out_hit  "
		     "out_slow_tot out_slow_mc gc_total gc_ignored gc_goal_miss gc_dst_overflow in_hlist_search out_hlist_search");
}

static int neighbours(__unused_arg struct task *t, struct sbuf *s)
{
	return zeros(s, "entries  allocs   destroys hash_grows lookups  hits     res_failed rcv_probes_mcast rcv_probes_ucast "
		     "periodic_gc_runs forced_gc_runs unresolved_discards table_fulls");
}

const struct pid_entry pid_net_stat_entries[] = {
	{ .name = "rt_cache", .mode = S_IFREG | 0444, .fill = rt_cache },
	{ .name = "arp_cache", .mode = S_IFREG | 0444, .fill = neighbours },
	{ .name = "ndisc_cache", .mode = S_IFREG | 0444, .fill = neighbours },
	{ .name = NULL },
};

int pid_net_rt6_stats(__unused_arg struct task *t, struct sbuf *s)
{
	sbuf_printf(s, "0001 0001 0005 0001 0000 0000 0000\n");
	return 0;
}
