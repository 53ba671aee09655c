/* SPDX-License-Identifier: Apache-2.0 */
/* Packet sockets at their bounds: rings whose frames have no room for data, network headers
 * beyond what 16 bits say, buffers shorter than the header for offloads, places in fan-out
 * groups; and a connected socket in a group that shares a port by a program.  packet(7). */
#include "abi.h"
#include "inet.h"
#include "packet.h"
#include <linux/filter.h>

#ifndef PACKET_FANOUT_FLAG_IGNORE_OUTGOING
#define PACKET_FANOUT_FLAG_IGNORE_OUTGOING 0x4000
#endif

static int in, out;                     /* a pair of UDP sockets */

static void *ring(int s, int version, int reserve, struct tpacket_req3 q)
{
	size_t size = version == TPACKET_V3 ? sizeof q : sizeof(struct tpacket_req);
	void *map;

	q.tp_frame_nr = q.tp_block_size / q.tp_frame_size * q.tp_block_nr;
	V(setsockopt(s, SOL_PACKET, PACKET_VERSION, &version, sizeof version));
	V(setsockopt(s, SOL_PACKET, PACKET_RESERVE, &reserve, sizeof reserve));
	V(setsockopt(s, SOL_PACKET, PACKET_RX_RING, &q, size));
	map = mmap(NULL, (size_t)q.tp_block_size * q.tp_block_nr, PROT_READ | PROT_WRITE, MAP_SHARED, s, 0);
	V(map != MAP_FAILED);
	return map;
}

static void statistics(int s)
{
	struct tpacket_stats st;
	socklen_t n = sizeof st;

	V(getsockopt(s, SOL_PACKET, PACKET_STATISTICS, &st, &n));
	SAY("%u packets, %u drops\n", st.tp_packets, st.tp_drops);
}

/* A frame of 64 bytes: the data would begin behind it. */
static void small_frames(int type)
{
	int s = sniffer(type, ETH_P_IP);
	struct tpacket2_hdr *h = ring(s, TPACKET_V2, 0, (struct tpacket_req3){ 4096, 1, 64, 0, 0, 0, 0 });

	for (int k = 0; k < 3; k++)
		V((int)send(out, "small", 5, 0));
	for (int k = 0; k < 3; k++, h += 2)
		SAY("%x %u of %u, mac %u net %u\n", h->tp_status & 1, h->tp_snaplen, h->tp_len, h->tp_mac, h->tp_net);
	statistics(s);
	close(s);
}

/* The second frame would end where its block does: it goes to the next. */
static void full_blocks(void)
{
	int s = sniffer(SOCK_RAW, ETH_P_IP);
	uint8_t *map = ring(s, TPACKET_V3, 0, (struct tpacket_req3){ 4096, 2, 80, 0, 1000000, 3792, 0 });
	struct tpacket_block_desc *d = (void *)map;

	V((int)send(out, "", 0, 0));
	V((int)send(out, "", 0, 0));
	SAY("%u: %u frames from %u on, %u bytes\n", d->hdr.bh1.block_status & 1, d->hdr.bh1.num_pkts,
	    d->hdr.bh1.offset_to_first_pkt, d->hdr.bh1.blk_len);
	close(s);
}

/* Where the header would be does not fit the 16 bits that tell it. */
static void far_headers(int version, int reserve)
{
	int s = sniffer(SOCK_RAW, ETH_P_IP);
	struct tpacket2_hdr *h = ring(s, version, reserve, (struct tpacket_req3){ 1 << 18, 1, 1 << 17, 0, 1, 0, 0 });

	V((int)send(out, "far", 3, 0));
	if (version == TPACKET_V2)
		SAY("%x net %u\n", h->tp_status & 1, h->tp_net);
	statistics(s);
	close(s);
}

static void short_buffers(void)
{
	int s = sniffer(SOCK_RAW, ETH_P_IP), on = 1;
	uint8_t b[100];

	V(setsockopt(s, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on));
	V((int)send(out, "one", 3, 0));
	V((int)send(out, "two", 3, 0));
	V((int)recv(s, b, 9, MSG_DONTWAIT));
	V((int)recv(s, b, 10, MSG_DONTWAIT));
	V((int)recv(s, b, sizeof b, MSG_DONTWAIT));
	close(s);
}

static void say_all(int *s, int count)
{
	for (int k = 0; k < count; k++)
		if (s[k] >= 0)
			SAY(" %d:%d", k, drain(s[k]));
	SAY("\n");
}

/* Places are in the order of joining; the last takes the place of who leaves. */
static void places(int type)
{
	struct sock_filter f[] = { { BPF_RET | BPF_K, 0, 0, 1 } };
	struct sock_fprog prog = { 1, f };
	int s[4], order[] = { 2, 0, 3, 1 }, v = 11 | type << 16;

	for (int k = 0; k < 4; k++)
		s[k] = sniffer(SOCK_RAW, ETH_P_IP);
	for (int k = 0; k < 4; k++)
		V(setsockopt(s[order[k]], SOL_PACKET, PACKET_FANOUT, &v, sizeof v));
	if (type == PACKET_FANOUT_CBPF)
		V(setsockopt(s[3], SOL_PACKET, PACKET_FANOUT_DATA, &prog, sizeof prog));
	for (int k = 0; k < 4; k++)
		drain(s[k]);
	for (int k = 0; k < 5; k++)
		send(out, "place", 5, 0);
	say_all(s, 4);
	close(s[0]);                    /* the second */
	s[0] = -1;
	for (int k = 0; k < 4; k++)
		send(out, "place", 5, 0);
	say_all(s, 4);
	for (int k = 1; k < 4; k++)
		close(s[k]);
}

/* In a group the group's flag says whether what goes out is seen. */
static void outgoing(int flag)
{
	int s = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), on = 1, v = 12 | flag << 16;

	V(setsockopt(s, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on));
	V(setsockopt(s, SOL_PACKET, PACKET_FANOUT, &v, sizeof v));
	drain(s);
	V((int)send(out, "seen", 4, 0));
	SAY("seen %d\n", drain(s));
	close(s);
}

/* What a connected member's peer sends is the member's, whatever the program says. */
static void connected(void)
{
	struct sock_filter f[] = { { BPF_RET | BPF_K, 0, 0, 0 } };
	struct sock_fprog prog = { 1, f };
	struct sockaddr_in a = loopback(0), me;
	int s[3], on = 1, peer = socket(AF_INET, SOCK_DGRAM, 0), other = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t n = sizeof a;

	V(bind(peer, (void *)&a, sizeof a));
	for (int k = 0; k < 3; k++) {
		s[k] = socket(AF_INET, SOCK_DGRAM, 0);
		setsockopt(s[k], SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
		V(bind(s[k], (void *)&a, sizeof a));
		if (!k)
			getsockname(s[0], (void *)&a, &n);
	}
	V(setsockopt(s[1], SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog, sizeof prog));
	me = name_of(peer);
	V(connect(s[2], (void *)&me, sizeof me));
	V((int)sendto(peer, "mine", 4, 0, (void *)&a, sizeof a));
	V((int)sendto(other, "any", 3, 0, (void *)&a, sizeof a));
	say_all(s, 3);
	for (int k = 0; k < 3; k++)
		close(s[k]);
	close(peer);
	close(other);
}

int main(void)
{
	struct sockaddr_in a = loopback(0);

	connected();
	if (!own_loopback())
		return 0;
	in = socket(AF_INET, SOCK_DGRAM, 0);
	out = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(in, (void *)&a, sizeof a))
		_exit(1);
	a = name_of(in);
	if (connect(out, (void *)&a, sizeof a))
		_exit(1);
	small_frames(SOCK_RAW);
	small_frames(SOCK_DGRAM);
	full_blocks();
	for (int version = TPACKET_V2; version <= TPACKET_V3; version++) {
		far_headers(version, version == TPACKET_V3 ? 65535 - 96 : 65535 - 80);
		far_headers(version, version == TPACKET_V3 ? 65536 - 96 : 65536 - 80);
	}
	short_buffers();
	places(PACKET_FANOUT_LB);
	places(PACKET_FANOUT_CBPF);
	outgoing(0);
	outgoing(PACKET_FANOUT_FLAG_IGNORE_OUTGOING);
	connected();
	return 0;
}
