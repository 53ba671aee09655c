/* SPDX-License-Identifier: Apache-2.0 */
/* Packet sockets: packet(7). */
#ifndef NACRE_LINUX_ABI_PACKET_H
#define NACRE_LINUX_ABI_PACKET_H

#include <base/types.h>

#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define ETH_P_ALL 3

#define PACKET_HOST 0
#define PACKET_BROADCAST 1
#define PACKET_MULTICAST 2
#define PACKET_OUTGOING 4

#endif
