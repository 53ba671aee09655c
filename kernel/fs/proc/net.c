/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/net: the network of the reader's name space, proc(5).  Sockets are
 * listed by kernel/net; tables that are empty here have their headings. */
#include "kernel/fs/proc/proc.h"
#include "kernel/net/net.h"

static void show_dev(struct sbuf *s)
{
	const struct net_link *lo = &netns_current()->lo;
	unsigned long long bytes = lo->rx_bytes, packets = lo->rx_packets;

	sbuf_printf(s, "Inter-|   Receive                                                |  Transmit\n"
		    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"
		    "    lo: %7llu %7llu    0    0    0     0          0         0 %8llu %7llu    0    0    0     0       0          0\n",
		    bytes, packets, bytes, packets);
}

static void show_tcp(struct sbuf *s)
{
	sbuf_printf(s, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n");
	net_show_tcp(s, false);
}

static void show_tcp6(struct sbuf *s)
{
	sbuf_printf(s, "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n");
	net_show_tcp(s, true);
}

#define DGRAM_HEAD4 "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
#define DGRAM_HEAD6 "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"

static void show_udp(struct sbuf *s)
{
	sbuf_printf(s, DGRAM_HEAD4);
	net_show_udp(s, false);
}

static void show_udp6(struct sbuf *s)
{
	sbuf_printf(s, DGRAM_HEAD6);
	net_show_udp(s, true);
}

static void show_raw(struct sbuf *s)
{
	sbuf_printf(s, DGRAM_HEAD4);
	net_show_raw(s, false);
}

static void show_raw6(struct sbuf *s)
{
	sbuf_printf(s, DGRAM_HEAD6);
	net_show_raw(s, true);
}

static void show_udplite(struct sbuf *s) { sbuf_printf(s, DGRAM_HEAD4); }

static void show_unix(struct sbuf *s)
{
	sbuf_printf(s, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	net_show_unix(s);
}

static void show_route(struct sbuf *s)
{
	sbuf_printf(s, "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n");
}

static void show_arp(struct sbuf *s)
{
	sbuf_printf(s, "IP address       HW type     Flags       HW address            Mask     Device\n");
}

static void show_if_inet6(struct sbuf *s)
{
	if (netns_current()->lo.up)
		sbuf_printf(s, "00000000000000000000000000000001 01 80 10 80       lo\n");
}

static void show_nothing(struct sbuf *s)
{
}

static void show_netlink(struct sbuf *s)
{
	sbuf_printf(s, "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n");
	net_show_netlink(s);
}

static void show_packet(struct sbuf *s)
{
	sbuf_printf(s, "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n");
}

static void show_protocols(struct sbuf *s)
{
	sbuf_printf(s, "protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re sp bi br ha uh gp em\n"
		    "UNIX      1024       0      -1   NI       0   yes  kernel      n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n\n");
}

static const struct pseudo_node nodes[] = {
	PSEUDO_FILE("dev", show_dev), PSEUDO_FILE("tcp", show_tcp), PSEUDO_FILE("tcp6", show_tcp6),
	PSEUDO_FILE("udp", show_udp), PSEUDO_FILE("udp6", show_udp6), PSEUDO_FILE("raw", show_raw),
	PSEUDO_FILE("raw6", show_raw6), PSEUDO_FILE("udplite", show_udplite), PSEUDO_FILE("unix", show_unix), PSEUDO_FILE("route", show_route), PSEUDO_FILE("arp", show_arp),
	PSEUDO_FILE("if_inet6", show_if_inet6), PSEUDO_FILE("ipv6_route", show_nothing),
	PSEUDO_FILE("netlink", show_netlink), PSEUDO_FILE("packet", show_packet),
	PSEUDO_FILE("protocols", show_protocols),
	{ .name = NULL },
};

const struct pseudo_node proc_net = PSEUDO_DIR("net", nodes);
