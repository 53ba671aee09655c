/* SPDX-License-Identifier: Apache-2.0 */
/* Packet sockets: packet(7). */
#ifndef NACRE_LINUX_ABI_PACKET_H
#define NACRE_LINUX_ABI_PACKET_H

#include <base/types.h>

#define ETH_P_ALL 3
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define ETH_ALEN 6

/* protocol in network order */
struct linux_sockaddr_ll { uint16_t family, protocol; int32_t ifindex; uint16_t hatype; uint8_t pkttype, halen; uint8_t addr[8]; };
_Static_assert(sizeof(struct linux_sockaddr_ll) == 20, "sockaddr_ll");

#define PACKET_HOST 0
#define PACKET_BROADCAST 1
#define PACKET_MULTICAST 2
#define PACKET_OUTGOING 4

#define SOL_PACKET 263
#define PACKET_ADD_MEMBERSHIP 1
#define PACKET_DROP_MEMBERSHIP 2
#define PACKET_RX_RING 5
#define PACKET_STATISTICS 6
#define PACKET_AUXDATA 8
#define PACKET_ORIGDEV 9
#define PACKET_VERSION 10
#define PACKET_HDRLEN 11
#define PACKET_RESERVE 12
#define PACKET_TX_RING 13
#define PACKET_LOSS 14
#define PACKET_TIMESTAMP 17
#define PACKET_VNET_HDR 15
#define PACKET_FANOUT 18
#define PACKET_TX_HAS_OFF 19
#define PACKET_QDISC_BYPASS 20
#define PACKET_ROLLOVER_STATS 21
#define PACKET_FANOUT_DATA 22
#define PACKET_IGNORE_OUTGOING 23

/* PACKET_FANOUT: id | (type | flags) << 16 */
#define PACKET_FANOUT_HASH 0
#define PACKET_FANOUT_LB 1
#define PACKET_FANOUT_CPU 2
#define PACKET_FANOUT_ROLLOVER 3
#define PACKET_FANOUT_RND 4
#define PACKET_FANOUT_QM 5
#define PACKET_FANOUT_CBPF 6
#define PACKET_FANOUT_FLAG_ROLLOVER 0x1000
#define PACKET_FANOUT_FLAG_UNIQUEID 0x2000
#define PACKET_FANOUT_FLAG_IGNORE_OUTGOING 0x4000
struct linux_tpacket_rollover_stats { uint64_t all, huge, failed; };
struct linux_virtio_net_hdr { uint8_t flags, gso_type; uint16_t hdr_len, gso_size, csum_start, csum_offset; };

#define PACKET_MR_PROMISC 1
#define PACKET_MR_UNICAST 3
struct linux_packet_mreq { int32_t ifindex; uint16_t type, alen; uint8_t address[8]; };
struct linux_tpacket_stats { uint32_t packets, drops; };
struct linux_tpacket_auxdata { uint32_t status, len, snaplen; uint16_t mac, net, vlan_tci, vlan_tpid; };
_Static_assert(sizeof(struct linux_tpacket_auxdata) == 20, "tpacket_auxdata");

/* Rings. */
#define TPACKET_V1 0
#define TPACKET_V2 1
#define TPACKET_V3 2
#define TP_STATUS_KERNEL 0u
#define TP_STATUS_USER 1u
#define TP_STATUS_LOSING 4u
#define TP_STATUS_SEND_REQUEST 1u       /* to be sent from */
#define TP_STATUS_WRONG_FORMAT 4u
struct linux_tpacket_req { uint32_t block_size, block_nr, frame_size, frame_nr; };
struct linux_tpacket2_hdr {
	uint32_t status, len, snaplen;
	uint16_t mac, net;
	uint32_t sec, nsec;
	uint16_t vlan_tci, vlan_tpid;
	uint8_t padding[4];
};
_Static_assert(sizeof(struct linux_tpacket2_hdr) == 32, "tpacket2_hdr");
struct linux_tpacket1_hdr { uint64_t status; uint32_t len, snaplen; uint16_t mac, net; uint32_t sec, usec; };
_Static_assert(sizeof(struct linux_tpacket1_hdr) == 32, "tpacket_hdr");
/* Version 3: blocks that fill with frames of any size. */
struct linux_tpacket_req3 {
	uint32_t block_size, block_nr, frame_size, frame_nr, retire_blk_tov, sizeof_priv, feature_req_word;
};
struct linux_tpacket3_hdr {
	uint32_t next_offset, sec, nsec, snaplen, len, status;
	uint16_t mac, net;
	uint32_t rxhash, vlan_tci;
	uint16_t vlan_tpid, pad;
	uint8_t padding[8];
};
_Static_assert(sizeof(struct linux_tpacket3_hdr) == 48, "tpacket3_hdr");
struct linux_tpacket_block {
	uint32_t version, offset_to_priv, status, num_pkts, offset_to_first, blk_len;
	uint64_t seq_num;
	uint32_t first_sec, first_nsec, last_sec, last_nsec;
};
_Static_assert(sizeof(struct linux_tpacket_block) == 48, "tpacket_block_desc");
#define TP_STATUS_BLK_TMO 32u
#define TPACKET3_HDRLEN (sizeof(struct linux_tpacket3_hdr) + sizeof(struct linux_sockaddr_ll))
#define TPACKET2_HDRLEN (sizeof(struct linux_tpacket2_hdr) + sizeof(struct linux_sockaddr_ll))

#endif
