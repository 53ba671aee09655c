/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/net: the sandbox's network as far as there is one, the loopback
 * interface.  The files have their headings, so that tools find nothing rather
 * than fail. */
#include "kernel/fs/proc/proc.h"

static void show_dev(struct sbuf *s)
{
	sbuf_printf(s, "Inter-|   Receive                                                |  Transmit\n"
		    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"
		    "    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\n");
}

static void show_tcp(struct sbuf *s)
{
	sbuf_printf(s, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n");
}

static void show_tcp6(struct sbuf *s)
{
	sbuf_printf(s, "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n");
}

static void show_udp(struct sbuf *s)
{
	sbuf_printf(s, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n");
}

static void show_unix(struct sbuf *s)
{
	sbuf_printf(s, "Num       RefCount Protocol Flags    Type St Inode Path\n");
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
	sbuf_printf(s, "00000000000000000000000000000001 01 80 10 80       lo\n");
}

static void show_nothing(struct sbuf *s)
{
}

static void show_netlink(struct sbuf *s)
{
	sbuf_printf(s, "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n");
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
	PSEUDO_FILE("udp", show_udp), PSEUDO_FILE("udp6", show_tcp6), PSEUDO_FILE("raw", show_udp),
	PSEUDO_FILE("unix", show_unix), PSEUDO_FILE("route", show_route), PSEUDO_FILE("arp", show_arp),
	PSEUDO_FILE("if_inet6", show_if_inet6), PSEUDO_FILE("ipv6_route", show_nothing),
	PSEUDO_FILE("netlink", show_netlink), PSEUDO_FILE("packet", show_packet),
	PSEUDO_FILE("protocols", show_protocols),
	{ .name = NULL },
};

const struct pseudo_node proc_net = PSEUDO_DIR("net", nodes);
