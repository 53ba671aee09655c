/* SPDX-License-Identifier: Apache-2.0 */
/* Packet sockets on lo: rings of version 1 and 3, groups of sockets that share what comes
 * (PACKET_FANOUT), headers for offloads (PACKET_VNET_HDR). packet(7). */
#include "abi.h"
#include "inet.h"
#include "packet.h"
#include <linux/filter.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>

static int in, out;                     /* a pair of UDP sockets */

static void make_pair(void)
{
	struct sockaddr_in a = loopback(0);
	socklen_t n = sizeof a;

	in = socket(AF_INET, SOCK_DGRAM, 0);
	out = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(in, (void *)&a, n) || getsockname(in, (void *)&a, &n) || connect(out, (void *)&a, n))
		_exit(1);
}

static void version1(int type)
{
	struct tpacket_req q = { .tp_block_size = 8192, .tp_block_nr = 1, .tp_frame_size = 4096, .tp_frame_nr = 2 };
	int s = sniffer(type, ETH_P_IP), v = TPACKET_V1;
	struct pollfd p = { .fd = s, .events = POLLIN };
	socklen_t n = sizeof v;
	uint8_t *map;

	V(getsockopt(s, SOL_PACKET, PACKET_HDRLEN, &v, &n));
	SAY("header of %d\n", v);
	V(setsockopt(s, SOL_PACKET, PACKET_RX_RING, &q, sizeof q));
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, s, 0);
	V(map != MAP_FAILED);
	for (int k = 0; k < 3; k++) {
		struct tpacket_hdr *h = (void *)(map + k % 2 * 4096);
		struct sockaddr_ll *ll = (void *)((uint8_t *)h + TPACKET_ALIGN(sizeof *h));

		V((int)send(out, "version one", 11, 0));
		V(poll(&p, 1, 1000));
		SAY("%lx %u of %u, mac %u net %u, kind %u, '%.11s'\n", h->tp_status & 1, h->tp_snaplen, h->tp_len, h->tp_mac,
		    h->tp_net, ll->sll_pkttype, (char *)h + h->tp_net + 28);
		h->tp_status = 0;
	}
	munmap(map, 8192);
	close(s);
}

static void version3_errors(void)
{
	struct tpacket_req3 q = { .tp_block_size = 4096, .tp_block_nr = 2, .tp_frame_size = 2048, .tp_frame_nr = 4 };
	int s = sniffer(SOCK_RAW, ETH_P_IP), v = TPACKET_V3;
	struct tpacket_stats_v3 st;
	socklen_t n = sizeof v;

	V(setsockopt(s, SOL_PACKET, PACKET_VERSION, &(int){ 3 }, sizeof v));
	V(setsockopt(s, SOL_PACKET, PACKET_VERSION, &v, sizeof v));
	V(getsockopt(s, SOL_PACKET, PACKET_HDRLEN, &v, &n));
	SAY("header of %d\n", v);
	V(setsockopt(s, SOL_PACKET, PACKET_RX_RING, &q, sizeof(struct tpacket_req)));
	q.tp_sizeof_priv = 4096;
	V(setsockopt(s, SOL_PACKET, PACKET_RX_RING, &q, sizeof q));
	q.tp_sizeof_priv = 3970;
	V(setsockopt(s, SOL_PACKET, PACKET_RX_RING, &q, sizeof q));
	q.tp_sizeof_priv = 0xffffffff;
	V(setsockopt(s, SOL_PACKET, PACKET_RX_RING, &q, sizeof q));
	q.tp_sizeof_priv = 0;
	q.tp_frame_size = 64;
	q.tp_frame_nr = 128;
	V(setsockopt(s, SOL_PACKET, PACKET_RX_RING, &q, sizeof q));
	q.tp_frame_size = 2048;
	q.tp_frame_nr = 4;
	V(setsockopt(s, SOL_PACKET, PACKET_RX_RING, &q, sizeof q));
	V(setsockopt(s, SOL_PACKET, PACKET_VERSION, &(int){ TPACKET_V2 }, sizeof v));
	n = sizeof st;
	V(getsockopt(s, SOL_PACKET, PACKET_STATISTICS, &st, &n));
	SAY("statistics of %d\n", (int)n);
	close(s);
}

/* All frames that a block has. */
static unsigned block(uint8_t *b, uint64_t *seq, unsigned *bytes)
{
	struct tpacket_block_desc *d = (void *)b;
	struct tpacket3_hdr *h = (void *)(b + d->hdr.bh1.offset_to_first_pkt);
	unsigned n = d->hdr.bh1.num_pkts;

	if (d->version != TPACKET_V3 || d->hdr.bh1.seq_num != ++*seq)
		SAY("version %u, number %llu\n", d->version, (unsigned long long)d->hdr.bh1.seq_num);
	for (unsigned k = 0; k < n; k++) {
		struct sockaddr_ll *ll = (void *)((uint8_t *)h + TPACKET_ALIGN(sizeof *h));

		if (memcmp((uint8_t *)h + h->tp_net + 28, "three", 5) || ll->sll_pkttype != PACKET_HOST || !h->tp_sec)
			SAY("frame %u is wrong\n", k);
		if (h->tp_mac != 82 || h->tp_net != 96 || h->tp_snaplen != h->tp_len)
			SAY("mac %u net %u, %u of %u\n", h->tp_mac, h->tp_net, h->tp_snaplen, h->tp_len);
		if (!h->tp_next_offset != (k == n - 1))
			SAY("frame %u: next %u\n", k, h->tp_next_offset);
		*bytes += h->tp_snaplen;
		h = (void *)((uint8_t *)h + h->tp_next_offset);
	}
	d->hdr.bh1.block_status = TP_STATUS_KERNEL;
	return n;
}

static void version3(void)
{
	struct tpacket_req3 q = { .tp_block_size = 4096, .tp_block_nr = 4, .tp_frame_size = 2048, .tp_frame_nr = 8,
				  .tp_retire_blk_tov = 20, .tp_sizeof_priv = 16 };
	int s = sniffer(SOCK_RAW, ETH_P_IP), v = TPACKET_V3;
	struct pollfd p = { .fd = s, .events = POLLIN };
	struct tpacket_stats_v3 st;
	struct tpacket_block_desc *d;
	socklen_t n = sizeof st;
	unsigned seen = 0, bytes = 0, at = 0;
	uint64_t seq = 0;
	uint8_t *map;

	V(setsockopt(s, SOL_PACKET, PACKET_VERSION, &v, sizeof v));
	V(setsockopt(s, SOL_PACKET, PACKET_RX_RING, &q, sizeof q));
	map = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, s, 0);
	V(map != MAP_FAILED);
	for (int round = 0; round < 10; round++) {
		char text[400] = "three";

		for (int k = 0; k < 8; k++)
			send(out, text, 5 + (size_t)k * 50, 0);
		for (unsigned want = seen + 8; seen < want; at++) {
			d = (void *)(map + at % 4 * 4096);
			while (!(d->hdr.bh1.block_status & TP_STATUS_USER) && poll(&p, 1, 1000) == 1)
				;
			if (!at)
				SAY("private at %u, first at %u\n", d->offset_to_priv, d->hdr.bh1.offset_to_first_pkt);
			if (!(d->hdr.bh1.block_status & TP_STATUS_USER))
				break;
			seen += block((uint8_t *)d, &seq, &bytes);
		}
	}
	SAY("%u frames, %u bytes\n", seen, bytes);
	V(getsockopt(s, SOL_PACKET, PACKET_STATISTICS, &st, &n));
	SAY("%u packets, %u drops\n", st.tp_packets, st.tp_drops);
	for (int k = 0; k < 200; k++)           /* more than all blocks hold */
		send(out, "three", 5, 0), send(out, (char[1000]){ "three" }, 1000, 0);
	n = sizeof st;
	V(getsockopt(s, SOL_PACKET, PACKET_STATISTICS, &st, &n));
	SAY("some lost: %d, all counted: %d\n", st.tp_drops > 0, st.tp_packets == 400);
	V(poll(&p, 1, 1000));
	munmap(map, 4 * 4096);
	close(s);
}

static void fanout(int type)
{
	int s[3], v = 7 | type << 16, total = 0, one = 0, got;
	struct sock_filter second[] = { { BPF_RET | BPF_K, 0, 0, 1 } };
	struct sock_fprog prog = { 1, second };
	socklen_t n = sizeof v;

	for (int k = 0; k < 3; k++) {
		s[k] = sniffer(SOCK_RAW, ETH_P_IP);
		if (setsockopt(s[k], SOL_PACKET, PACKET_FANOUT, &v, sizeof v))
			SAY("fan-out %d: %s\n", type, abi_errno(errno));
	}
	if (type == PACKET_FANOUT_CBPF)
		V(setsockopt(s[2], SOL_PACKET, PACKET_FANOUT_DATA, &prog, sizeof prog));
	for (int k = 0; k < 12; k++)
		send(out, "shared", 6, 0);
	SAY("fan-out %d:", type);
	for (int k = 0; k < 3; k++) {
		got = drain(s[k]);
		total += got;
		if (type == PACKET_FANOUT_HASH)
			one += got == 12;
		else if (type == PACKET_FANOUT_LB || type == PACKET_FANOUT_CBPF)
			SAY(" %d", got);
	}
	SAY(", together %d, to one alone: %d\n", total, one);
	v = 0;
	V(getsockopt(s[0], SOL_PACKET, PACKET_FANOUT, &v, &n));
	SAY("shows %x\n", v);
	for (int k = 0; k < 3; k++)
		close(s[k]);
}

static void fanout_errors(void)
{
	int s = sniffer(SOCK_RAW, ETH_P_IP), t = sniffer(SOCK_RAW, ETH_P_IP), other = sniffer(SOCK_RAW, ETH_P_IPV6);
	int idle = socket(AF_PACKET, SOCK_RAW, 0), v = 9 | PACKET_FANOUT_LB << 16;
	struct sockaddr_ll a = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = 1 };
	struct sock_filter f[] = { { BPF_RET | BPF_K, 0, 0, 0 } };
	struct sock_fprog prog = { 1, f };
	socklen_t n = sizeof v;

	V(getsockopt(s, SOL_PACKET, PACKET_FANOUT, &v, &n));
	SAY("shows %x\n", v);
	v = 9 | PACKET_FANOUT_LB << 16;
	V(setsockopt(idle, SOL_PACKET, PACKET_FANOUT, &v, sizeof v));
	V(setsockopt(s, SOL_PACKET, PACKET_FANOUT, &(int){ 9 | 99 << 16 }, sizeof v));
	V(setsockopt(s, SOL_PACKET, PACKET_FANOUT, &(int){ 9 | 0x1003 << 16 }, sizeof v));
	V(setsockopt(s, SOL_PACKET, PACKET_FANOUT, &v, 2));
	V(setsockopt(s, SOL_PACKET, PACKET_FANOUT, &v, sizeof v));
	V(setsockopt(s, SOL_PACKET, PACKET_FANOUT, &v, sizeof v));
	V(setsockopt(t, SOL_PACKET, PACKET_FANOUT, &(int){ 9 | PACKET_FANOUT_HASH << 16 }, sizeof v));
	V(setsockopt(other, SOL_PACKET, PACKET_FANOUT, &v, sizeof v));
	V(setsockopt(t, SOL_PACKET, PACKET_FANOUT, &v, sizeof v));
	V(bind(s, (void *)&a, sizeof a));
	V(setsockopt(s, SOL_PACKET, PACKET_FANOUT_DATA, &prog, sizeof prog));
	V(setsockopt(other, SOL_PACKET, PACKET_FANOUT_DATA, &prog, sizeof prog));
	V(setsockopt(other, SOL_PACKET, PACKET_FANOUT, &(int){ 9 | 0x2000 << 16 }, sizeof v));
	V(setsockopt(other, SOL_PACKET, PACKET_FANOUT, &(int){ 0x2000 << 16 }, sizeof v));
	close(s);
	close(t);
	close(other);
	close(idle);
}

static void offload_headers(void)
{
	int s = sniffer(SOCK_RAW, ETH_P_IP), d = sniffer(SOCK_DGRAM, ETH_P_IP), on = 1, v;
	struct tpacket_req q = { .tp_block_size = 4096, .tp_block_nr = 1, .tp_frame_size = 2048, .tp_frame_nr = 2 };
	socklen_t n = sizeof v;
	uint8_t b[256];

	V(setsockopt(d, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on));
	V(setsockopt(s, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on));
	V(getsockopt(s, SOL_PACKET, PACKET_VNET_HDR, &v, &n));
	SAY("shows %d\n", v);
	V((int)send(out, "offloaded", 9, 0));
	v = (int)recv(s, b, sizeof b, MSG_DONTWAIT);
	SAY("got %d: %.9s\n", v, b + 10 + 14 + 28);
	V((int)send(s, b, 9, 0));
	V(setsockopt(s, SOL_PACKET, PACKET_VNET_HDR, &(int){ 0 }, sizeof on));
	V(setsockopt(s, SOL_PACKET, PACKET_RX_RING, &q, sizeof q));
	V(setsockopt(s, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on));
	V(setsockopt(s, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on));
	V(getsockopt(s, SOL_PACKET, PACKET_QDISC_BYPASS, &v, &n));
	SAY("shows %d\n", v);
	close(s);
	close(d);
}

int main(void)
{
	if (!own_loopback())
		return 0;
	make_pair();
	version1(SOCK_RAW);
	version1(SOCK_DGRAM);
	version3_errors();
	version3();
	for (int type = PACKET_FANOUT_HASH; type <= PACKET_FANOUT_CBPF; type++)
		fanout(type);
	fanout_errors();
	offload_headers();
	return 0;
}
