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
#define PACKET_LOSS 14
#define PACKET_TIMESTAMP 17
#define PACKET_IGNORE_OUTGOING 23

#define PACKET_MR_PROMISC 1
#define PACKET_MR_UNICAST 3
struct linux_packet_mreq { int32_t ifindex; uint16_t type, alen; uint8_t address[8]; };
struct linux_tpacket_stats { uint32_t packets, drops; };
struct linux_tpacket_auxdata { uint32_t status, len, snaplen; uint16_t mac, net, vlan_tci, vlan_tpid; };
_Static_assert(sizeof(struct linux_tpacket_auxdata) == 20, "tpacket_auxdata");

/* Rings, version 2. */
#define TPACKET_V1 0
#define TPACKET_V2 1
#define TP_STATUS_KERNEL 0u
#define TP_STATUS_USER 1u
#define TP_STATUS_LOSING 4u
struct linux_tpacket_req { uint32_t block_size, block_nr, frame_size, frame_nr; };
struct linux_tpacket2_hdr {
	uint32_t status, len, snaplen;
	uint16_t mac, net;
	uint32_t sec, nsec;
	uint16_t vlan_tci, vlan_tpid;
	uint8_t padding[4];
};
_Static_assert(sizeof(struct linux_tpacket2_hdr) == 32, "tpacket2_hdr");
#define TPACKET2_HDRLEN (sizeof(struct linux_tpacket2_hdr) + sizeof(struct linux_sockaddr_ll))

#endif
