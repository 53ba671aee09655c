/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of packet sockets share. */
#ifndef ABI_PACKET_H
#define ABI_PACKET_H
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <sys/mman.h>

#define TYPE 0x88b5                     /* for experiments: nobody else's */

/* Of lo. */
__attribute__((unused)) static int sniffer(int type, int protocol)
{
	struct sockaddr_ll a = { .sll_family = AF_PACKET, .sll_protocol = htons((uint16_t)protocol), .sll_ifindex = 1 };
	int s = socket(AF_PACKET, type, 0);

	if (bind(s, (void *)&a, sizeof a))
		_exit(1);
	return s;
}

__attribute__((unused)) static int drain(int s)
{
	char b[256];
	int n = 0;

	while (recv(s, b, sizeof b, MSG_DONTWAIT) > 0)
		n++;
	return n;
}
#endif
