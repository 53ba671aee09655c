/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/net: the network of that task's name space, proc(5).  Sockets are
 * listed by kernel/net; tables that are empty here have their headings. */
#include "kernel/fs/proc/net.h"
#include "kernel/fs/proc/proc.h"
#include "kernel/net/route.h"
#include <linux_abi/netlink.h>

static void show_dev(struct netns *ns, struct sbuf *s)
{
	unsigned long long bytes, packets;
	struct net_tally n;

	net_traffic(ns, &n);
	bytes = n.bytes[0] + n.bytes[1];
	packets = n.packets[0] + n.packets[1];
	sbuf_printf(s, "Inter-|   Receive                                                |  Transmit\n"
		    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"
		    "    lo: %7llu %7llu    0    0    0     0          0         0 %8llu %7llu    0    0    0     0       0          0\n",
		    bytes, packets, bytes, packets);
}

/* Some tables have lines of one width: seq_setwidth(). */
#define TCP_WIDTH 149u
#define DGRAM_WIDTH 127u

static void pad_lines(struct sbuf *s, size_t width)
{
	struct sbuf wide;
	size_t n;

	sbuf_init(&wide);
	for (const char *p = s->p, *end; !s->failed && p < s->p + s->n; p = end + 1) {
		end = memchr(p, '\n', (size_t)(s->p + s->n - p));
		if (!end)
			break;
		n = (size_t)(end - p);
		sbuf_printf(&wide, "%.*s%*s\n", (int)n, p, n < width ? (int)(width - n) : 0, "");
	}
	if (!wide.failed) {
		s->n = 0;
		sbuf_write(s, wide.p, wide.n);
	}
	s->failed |= wide.failed;
	sbuf_free(&wide);
}

static void show_tcp(struct netns *ns, struct sbuf *s)
{
	sbuf_printf(s, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n");
	net_show_tcp(ns, s, false);
	pad_lines(s, TCP_WIDTH);
}

static void show_tcp6(struct netns *ns, struct sbuf *s)
{
	sbuf_printf(s, "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n");
	net_show_tcp(ns, s, true);
}

#define DGRAM_HEAD4 "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
#define DGRAM_HEAD6 "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"

static void show_udp(struct netns *ns, struct sbuf *s)
{
	sbuf_printf(s, " " DGRAM_HEAD4);
	net_show_udp(ns, PROTO_UDP, s, false);
	pad_lines(s, DGRAM_WIDTH);
}

static void show_udp6(struct netns *ns, struct sbuf *s)
{
	sbuf_printf(s, DGRAM_HEAD6);
	net_show_udp(ns, PROTO_UDP, s, true);
}

static void show_raw(struct netns *ns, struct sbuf *s)
{
	sbuf_printf(s, DGRAM_HEAD4);
	net_show_raw(ns, s, false);
}

static void show_raw6(struct netns *ns, struct sbuf *s)
{
	sbuf_printf(s, DGRAM_HEAD6);
	net_show_raw(ns, s, true);
}

static void show_udplite(struct netns *ns, struct sbuf *s)
{
	sbuf_printf(s, " " DGRAM_HEAD4);
	net_show_udp(ns, PROTO_UDPLITE, s, false);
	pad_lines(s, DGRAM_WIDTH);
}

static void show_udplite6(struct netns *ns, struct sbuf *s)
{
	sbuf_printf(s, DGRAM_HEAD6);
	net_show_udp(ns, PROTO_UDPLITE, s, true);
}

static void show_icmp(struct netns *ns, struct sbuf *s)
{
	sbuf_printf(s, DGRAM_HEAD4);
	net_show_icmp(ns, s, false);
	pad_lines(s, DGRAM_WIDTH);
}

static void show_icmp6(struct netns *ns, struct sbuf *s)
{
	sbuf_printf(s, DGRAM_HEAD6);
	net_show_icmp(ns, s, true);
}

static void show_arp(struct netns *ns, struct sbuf *s)
{
	net_show_arp(ns, s);
}

static void show_unix(struct netns *ns, struct sbuf *s)
{
	sbuf_printf(s, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	net_show_unix(ns, s);
}

static void route_line(struct sbuf *s, const struct net_rt *r)
{
	uint32_t mask = r->dst_len ? be32(UINT32_MAX << (32 - r->dst_len)) : 0;
	bool reject = r->type == RTN_UNREACHABLE || r->type == RTN_PROHIBIT || r->type == RTN_BLACKHOLE;

	sbuf_printf(s, "%s\t%08X\t00000000\t%04X\t0\t0\t%u\t%08X\t0\t0\t0\n", reject ? "*" : "lo", be32(ip_v4(&r->dst)),
		    1u | (r->dst_len == 32 ? 4u : 0u) | (reject ? 0x200u : 0u), r->metric, mask);
}

/* The main table; a name space that nothing was done with has none. */
static void show_route(struct netns *ns, struct sbuf *s)
{
	struct net_rt *r;

	if (!ns->lo.was_up)
		return;
	sbuf_printf(s, "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n");
	spin_lock(&ns->lock);
	list_for_each(r, &ns->routes, link)
		if (r->family == AF_INET && r->table == RT_TABLE_MAIN)
			route_line(s, r);
	spin_unlock(&ns->lock);
	pad_lines(s, DGRAM_WIDTH);
}

static void show_if_inet6(struct netns *ns, struct sbuf *s)
{
	struct net_address *a;

	spin_lock(&ns->lock);
	list_for_each(a, &ns->addresses, link) {
		if (ip_is_v4(&a->ip))
			continue;
		for (unsigned k = 0; k < sizeof a->ip.b; k++)
			sbuf_printf(s, "%02x", a->ip.b[k]);
		sbuf_printf(s, " %02x %02x %02x %02x %8s\n", LO_INDEX, a->prefix, a->scope == RT_SCOPE_HOST ? 0x10 : 0,
			    a->flags & 0xff, ns->lo.name);
	}
	spin_unlock(&ns->lock);
}

static void show_sockstat(struct netns *ns, struct sbuf *s)
{
	struct net_counts c = net_count(ns);

	sbuf_printf(s, "sockets: used %u\nTCP: inuse %u orphan %u tw %u alloc %u mem %u\nUDP: inuse %u mem %u\n"
		    "UDPLITE: inuse 0\nRAW: inuse %u\nFRAG: inuse 0 memory 0\n", c.all, c.tcp4, c.orphans, c.waiting,
		    c.tcp4 + c.tcp6, (unsigned)(c.tcp_bytes >> 12), c.udp4, 0u, c.raw4);
}

static void show_sockstat6(struct netns *ns, struct sbuf *s)
{
	struct net_counts c = net_count(ns);

	sbuf_printf(s, "TCP6: inuse %u\nUDP6: inuse %u\nUDPLITE6: inuse 0\nRAW6: inuse %u\nFRAG6: inuse 0 memory 0\n",
		    c.tcp6, c.udp6, c.raw6);
}

static void show_netlink(struct netns *ns, struct sbuf *s)
{
	sbuf_printf(s, "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n");
	net_show_netlink(ns, s);
}

static void show_packet(struct netns *ns, struct sbuf *s)
{
	sbuf_printf(s, "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n");
	net_show_packet(ns, s);
}

static int fill(struct task *t, struct sbuf *s, void (*show)(struct netns *ns, struct sbuf *s))
{
	struct netns *ns = task_netns_get(t);

	show(ns, s);
	netns_put(ns);
	return 0;
}

#define FILL(fn) static int fill_##fn(struct task *t, struct sbuf *s) { return fill(t, s, show_##fn); }
FILL(arp)
FILL(dev)
FILL(if_inet6)
FILL(netlink)
FILL(packet)
FILL(raw)
FILL(raw6)
FILL(route)
FILL(sockstat)
FILL(sockstat6)
FILL(tcp)
FILL(tcp6)
FILL(udp)
FILL(udp6)
FILL(udplite)
FILL(udplite6)
FILL(icmp)
FILL(icmp6)
FILL(unix)

#define NET(nm, fn) { .name = nm, .mode = S_IFREG | 0444, .fill = fill_##fn }
const struct pid_entry pid_net_entries[] = {
	NET("dev", dev),
	NET("tcp", tcp),
	NET("tcp6", tcp6),
	NET("udp", udp),
	NET("udp6", udp6),
	NET("raw", raw),
	NET("raw6", raw6),
	NET("udplite", udplite),
	NET("udplite6", udplite6),
	NET("icmp", icmp),
	NET("icmp6", icmp6),
	NET("unix", unix),
	NET("route", route),
	NET("arp", arp),
	NET("if_inet6", if_inet6),
	NET("netlink", netlink),
	NET("packet", packet),
	NET("sockstat", sockstat),
	NET("sockstat6", sockstat6),
	{ .name = "stat", .mode = S_IFDIR | 0555, .dir_iops = &pid_dir_iops, .dir_fops = &pid_dir_fops,
	  .children = pid_net_stat_entries },
#define ROW(nm) { .name = #nm, .mode = S_IFREG | 0444, .fill = pid_net_##nm },
	PID_NET_TABLES(ROW)
	{ .name = NULL },
};
