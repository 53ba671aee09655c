/* SPDX-License-Identifier: Apache-2.0 */
/* /sys/class/net/lo: the link of the reader's name space. */
#include "kernel/fs/sys/sys.h"
#include "kernel/net/net.h"

#define END { .name = NULL }
#define TEXT(fn, text) static void fn(struct sbuf *s) { sbuf_printf(s, "%s\n", text); }
TEXT(show_zero, "0")
TEXT(show_one, "1")
TEXT(show_two, "2")
TEXT(show_six, "6")
TEXT(show_mac, "00:00:00:00:00:00")
TEXT(show_zero_hex, "0x0")
TEXT(show_queue, "1000")
TEXT(show_type, "772")
TEXT(show_event, "INTERFACE=lo\nIFINDEX=1")

static void show_nothing(__unused_arg struct sbuf *s) { }
static bool up(void) { return __atomic_load_n(&netns_current()->lo.up, __ATOMIC_RELAXED); }
static void show_flags(struct sbuf *s) { sbuf_printf(s, "0x%x\n", up() ? IFF_LOOPBACK | IFF_UP : IFF_LOOPBACK); }
static void show_state(struct sbuf *s) { sbuf_printf(s, up() ? "unknown\n" : "down\n"); }
static void show_mtu(struct sbuf *s) { sbuf_printf(s, "%u\n", netns_current()->lo.mtu); }

enum { PACKETS, BYTES };
static void show_traffic(struct sbuf *s, uint64_t which)
{
	struct net_tally n;
	const uint64_t *v = which == BYTES ? n.bytes : n.packets;

	net_traffic(netns_current(), &n);
	sbuf_printf(s, "%llu\n", (unsigned long long)(v[0] + v[1]));
}

#define ZERO(name) PSEUDO_FILE(name, show_zero)
#define COUNT(nm, which) { .name = nm, .mode = S_IFREG | 0444, .show_arg = show_traffic, .arg = which }
static const struct pseudo_node statistics[] = {
	COUNT("rx_bytes", BYTES), COUNT("rx_packets", PACKETS), COUNT("tx_bytes", BYTES), COUNT("tx_packets", PACKETS),
	ZERO("collisions"), ZERO("multicast"), ZERO("rx_compressed"), ZERO("rx_crc_errors"), ZERO("rx_dropped"),
	ZERO("rx_errors"), ZERO("rx_fifo_errors"), ZERO("rx_frame_errors"), ZERO("rx_length_errors"),
	ZERO("rx_missed_errors"), ZERO("rx_nohandler"), ZERO("rx_over_errors"), ZERO("tx_aborted_errors"),
	ZERO("tx_carrier_errors"), ZERO("tx_compressed"), ZERO("tx_dropped"), ZERO("tx_errors"),
	ZERO("tx_fifo_errors"), ZERO("tx_heartbeat_errors"), ZERO("tx_window_errors"), END,
};
static const struct pseudo_node rx0[] = { ZERO("rps_cpus"), ZERO("rps_flow_cnt"), END };
static const struct pseudo_node tx0[] = { ZERO("tx_maxrate"), ZERO("tx_timeout"), ZERO("xps_cpus"), ZERO("xps_rxqs"), END };
static const struct pseudo_node queues[] = { PSEUDO_DIR("rx-0", rx0), PSEUDO_DIR("tx-0", tx0), END };

const struct pseudo_node sysfs_lo_nodes[] = {
	PSEUDO_FILE("address", show_mac), PSEUDO_FILE("broadcast", show_mac), PSEUDO_FILE("addr_len", show_six),
	PSEUDO_FILE("mtu", show_mtu), PSEUDO_FILE("type", show_type), PSEUDO_FILE("operstate", show_state),
	PSEUDO_FILE("flags", show_flags), PSEUDO_FILE("ifindex", show_one), PSEUDO_FILE("iflink", show_one),
	PSEUDO_FILE("carrier", show_one), PSEUDO_FILE("tx_queue_len", show_queue), PSEUDO_FILE("uevent", show_event),
	PSEUDO_FILE("ifalias", show_nothing), PSEUDO_FILE("dev_id", show_zero_hex), PSEUDO_FILE("name_assign_type", show_two),
	{ .name = "duplex", .mode = S_IFREG | 0444 }, { .name = "speed", .mode = S_IFREG | 0444 },      /* EINVAL */
	ZERO("addr_assign_type"), ZERO("carrier_changes"), ZERO("carrier_down_count"), ZERO("carrier_up_count"),
	ZERO("dev_port"), ZERO("dormant"), ZERO("gro_flush_timeout"), ZERO("link_mode"), ZERO("napi_defer_hard_irqs"),
	ZERO("netdev_group"), ZERO("proto_down"), ZERO("testing"), ZERO("threaded"), PSEUDO_DIR("statistics", statistics),
	PSEUDO_DIR("queues", queues), PSEUDO_LINK("subsystem", "../../../../class/net"), END,
};
