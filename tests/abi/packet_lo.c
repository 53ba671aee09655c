/* SPDX-License-Identifier: Apache-2.0 */
/* Packet sockets on lo: names, options, who sees UDP, TCP and ICMP and what of it, filters, what is sent
 * there. packet(7). In a network name space of its own (root): the packets of other programs, who fill the
 * buffers, are not on that lo. */
#include "abi.h"
#include "inet.h"
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>

static int port;

/* The next IPv4 packet from or to our port, or an ICMP one about it. */
static void tell(int s, const char *who, size_t head, int wait_ms)
{
	struct pollfd p = { s, POLLIN, 0 };

	while (poll(&p, 1, wait_ms) == 1) {
		unsigned char b[2000];
		struct sockaddr_ll ll = { 0 };
		socklen_t size = sizeof ll;
		long n = recvfrom(s, b, sizeof b, 0, (void *)&ll, &size);
		struct iphdr ip;
		unsigned char *t = b + head + sizeof ip;
		int from, to;

		if (n < (long)(head + sizeof ip + 8))
			continue;
		memcpy(&ip, b + head, sizeof ip);
		from = t[0] << 8 | t[1];
		to = t[2] << 8 | t[3];
		if (ip.protocol == IPPROTO_ICMP && n >= (long)(head + sizeof ip + 8 + sizeof ip + 8))
			to = t[8 + sizeof ip + 2] << 8 | t[8 + sizeof ip + 3];   /* of the packet that it is about */
		if (ip.version != 4 || (from != port && to != port))
			continue;
		SAY("%s: name %d family %d protocol %x link %d type %d kind %d address %d; %ld bytes, length %d protocol %d ttl %d tos %d",
		    who, (int)size, ll.sll_family, ntohs(ll.sll_protocol), ll.sll_ifindex, ll.sll_hatype, ll.sll_pkttype,
		    ll.sll_halen, n, ntohs(ip.tot_len), ip.protocol, ip.ttl, ip.tos);
		if (head)
			SAY(" link %d %x%02x", b[0] | b[5] | b[6] | b[11], b[12], b[13]);
		if (ip.protocol == IPPROTO_UDP)
			SAY(" udp to us %d length %d '%.*s'", to == port, t[4] << 8 | t[5], (int)(n - head - 28), t + 8);
		else if (ip.protocol == IPPROTO_ICMP)
			SAY(" icmp %d %d about %d", t[0], t[1], t[8 + 9]);
		SAY("\n");
		return;
	}
	SAY("%s: nothing\n", who);
}

static int sniffer(int type, int protocol, int link)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons((unsigned short)protocol), .sll_ifindex = link };
	int s = socket(AF_PACKET, type, htons((unsigned short)protocol));

	if (s < 0) {
		SAY("%s\n", abi_errno(errno));
		exit(0);
	}
	if (link)
		OK(bind(s, (void *)&ll, sizeof ll));
	return s;
}

static void names(void)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_ifindex = 1 };
	socklen_t n = sizeof ll;
	int s = sniffer(SOCK_RAW, ETH_P_IP, 0), v;

	V(getsockname(s, (void *)&ll, &n));
	SAY("%d %x %d %d %d\n", (int)n, ntohs(ll.sll_protocol), ll.sll_ifindex, ll.sll_hatype, ll.sll_halen);
	ll = (struct sockaddr_ll){ .sll_family = AF_PACKET, .sll_ifindex = 1 };
	V(bind(s, (void *)&ll, 1));
	V(bind(s, (void *)&ll, sizeof ll - 1));
	V(bind(s, (void *)&ll, sizeof ll));
	n = sizeof ll;
	V(getsockname(s, (void *)&ll, &n));
	SAY("%d %x %d %d %d\n", (int)n, ntohs(ll.sll_protocol), ll.sll_ifindex, ll.sll_hatype, ll.sll_halen);
	V(bind(s, (void *)&ll, sizeof ll));
	ll.sll_ifindex = 12345;
	V(bind(s, (void *)&ll, sizeof ll));
	ll.sll_family = AF_INET;
	V(bind(s, (void *)&ll, sizeof ll));
	V(getpeername(s, (void *)&ll, &n));
	V(listen(s, 1));
	V(accept(s, NULL, NULL));
	V(shutdown(s, SHUT_RD));
	V(connect(s, (void *)&ll, sizeof ll));
	V(int_opt(s, SOL_SOCKET, SO_TYPE));
	V(int_opt(s, SOL_SOCKET, SO_DOMAIN));
	V(int_opt(s, SOL_PACKET, PACKET_AUXDATA));
	v = 5;
	V(setsockopt(s, SOL_PACKET, PACKET_AUXDATA, &v, sizeof v));
	V(int_opt(s, SOL_PACKET, PACKET_AUXDATA));
	V(int_opt(s, SOL_PACKET, PACKET_VERSION));
	V(setsockopt(s, SOL_PACKET, PACKET_VERSION, &v, sizeof v));
	v = TPACKET_V2;
	V(setsockopt(s, SOL_PACKET, PACKET_VERSION, &v, sizeof v));
	V(int_opt(s, SOL_PACKET, PACKET_VERSION));
	V(setsockopt(s, SOL_PACKET, 99, &v, sizeof v));
	V(int_opt(s, SOL_PACKET, 99));
	V(setsockopt(s, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &(struct packet_mreq){ 1, PACKET_MR_PROMISC, 0, { 0 } }, sizeof(struct packet_mreq)));
	V(setsockopt(s, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &(struct packet_mreq){ 1, PACKET_MR_PROMISC, 0, { 0 } }, sizeof(struct packet_mreq)));
	V(setsockopt(s, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &(struct packet_mreq){ 999, PACKET_MR_PROMISC, 0, { 0 } }, sizeof(struct packet_mreq)));
	close(s);
	V(socket(AF_PACKET, SOCK_STREAM, 0));
	V(socket(AF_PACKET, SOCK_SEQPACKET, 0));
}

static void seen(void)
{
	int p[2], all, ip, cooked, none, out;
	struct sockaddr_in to;
	int one = 1;

	udp_pair(p);
	to = name_of(p[1]);
	port = ntohs(to.sin_port);
	all = sniffer(SOCK_RAW, ETH_P_ALL, 1);
	ip = sniffer(SOCK_RAW, ETH_P_IP, 0);
	cooked = sniffer(SOCK_DGRAM, ETH_P_IP, 1);
	none = sniffer(SOCK_DGRAM, 0x0200, 0);
	out = sniffer(SOCK_DGRAM, ETH_P_ALL, 0);
	setsockopt(out, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
	V(setsockopt(p[0], IPPROTO_IP, IP_TOS, &(int){ 0x10 }, sizeof(int)));
	V(send(p[0], "hello", 5, 0));
	tell(all, "all, going out", 14, 1000);
	tell(all, "all, coming in", 14, 1000);
	tell(ip, "ip", 14, 1000);
	tell(cooked, "cooked", 0, 1000);
	tell(out, "without outgoing", 0, 1000);
	tell(none, "another protocol", 0, 50);
	SAY("a filter: nothing but longer ones, and of these 40 bytes\n");
	{
		struct sock_filter f[] = { BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 40, 0, 1),
					   BPF_STMT(BPF_RET | BPF_K, 40), BPF_STMT(BPF_RET | BPF_K, 0) };
		struct sock_fprog prog = { 4, f };

		V(setsockopt(cooked, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog));
	}
	V(send(p[0], "short", 5, 0));
	V(send(p[0], "much longer than that", 21, 0));
	tell(cooked, "filtered", 0, 1000);
	close(p[1]);
	V(send(p[0], "to nobody", 9, 0));
	while (recv(ip, &to, 1, MSG_DONTWAIT) > 0) ;
	V(send(p[0], "to nobody", 9, 0));
	V(send(p[0], "to nobody", 9, 0));
	tell(ip, "refused", 14, 1000);
	tell(ip, "refusal", 14, 1000);
	close(p[0]);
	close(all);
	close(ip);
	close(cooked);
	close(none);
	close(out);
}

/* Segments: the flags are told, and what adds up. */
static void stream(void)
{
	int p[2], s = sniffer(SOCK_DGRAM, ETH_P_IP, 1), l = listener(1), data = 0, fins = 0;
	struct pollfd pf = { s, POLLIN, 0 };
	unsigned char b[200], handshake[4] = { 0 };
	unsigned at = 0;
	uint32_t first = 0, last = 0;

	port = ntohs(name_of(l).sin_port);
	p[0] = dial(l);
	p[1] = accept(l, NULL, NULL);
	V(send(p[0], "0123456789", 10, 0));
	V(recv(p[1], b, 10, MSG_WAITALL));
	V(send(p[0], "abcde", 5, 0));
	V(recv(p[1], b, 5, MSG_WAITALL));
	close(p[0]);
	msleep(20);
	close(p[1]);
	close(l);
	while (poll(&pf, 1, 200) == 1) {
		long n = recv(s, b, sizeof b, MSG_TRUNC);
		unsigned char *t = b + 20;
		uint32_t seq = (uint32_t)t[4] << 24 | t[5] << 16 | t[6] << 8 | t[7];
		int len = (b[2] << 8 | b[3]) - 20 - (t[12] >> 4) * 4;

		if (n < 40 || b[9] != IPPROTO_TCP || ((t[0] << 8 | t[1]) != port && (t[2] << 8 | t[3]) != port))
			continue;
		if (at < 3)
			handshake[at++] = t[13];
		if ((t[2] << 8 | t[3]) != port)
			continue;
		if (t[13] & 2)
			first = seq;
		data += len;
		if (t[13] & 1) {
			fins++;
			last = seq + (uint32_t)len;
		}
	}
	SAY("handshake %x %x %x, %d bytes, %d FIN at %u\n", handshake[0], handshake[1], handshake[2], data, fins, last - first);
	close(s);
}

/* Frames in shared memory, version 2. */
static void ring(void)
{
	struct tpacket_req3 q = { .tp_block_size = 4096, .tp_block_nr = 1, .tp_frame_size = 2048, .tp_frame_nr = 2 };
	int s = sniffer(SOCK_RAW, ETH_P_IP, 0), p[2], v = TPACKET_V3 + 1;
	struct pollfd pf = { s, POLLIN, 0 };
	socklen_t n = sizeof v;
	unsigned char *map;

	SAY("ring\n");
	V(getsockopt(s, SOL_PACKET, PACKET_HDRLEN, &v, &n));
	v = TPACKET_V2;
	V(getsockopt(s, SOL_PACKET, PACKET_HDRLEN, &v, &n));
	V(v);
	v = TPACKET_V2;
	V(setsockopt(s, SOL_PACKET, PACKET_VERSION, &v, sizeof v));
	V(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, s, 0) == MAP_FAILED);
	V(setsockopt(s, SOL_PACKET, PACKET_RX_RING, &q, sizeof(struct tpacket_req) - 1));
	q.tp_frame_nr = 3;
	V(setsockopt(s, SOL_PACKET, PACKET_RX_RING, &q, sizeof q));
	q.tp_frame_nr = 2;
	q.tp_block_size = 4000;
	V(setsockopt(s, SOL_PACKET, PACKET_RX_RING, &q, sizeof q));
	q.tp_block_size = 4096;
	V(setsockopt(s, SOL_PACKET, PACKET_RX_RING, &q, sizeof q));
	V(setsockopt(s, SOL_PACKET, PACKET_RX_RING, &q, sizeof q));
	V(setsockopt(s, SOL_PACKET, PACKET_VERSION, &v, sizeof v));
	V(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, s, 0) == MAP_FAILED);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, s, 0);
	V(map != MAP_FAILED);
	udp_pair(p);
	port = ntohs(name_of(p[1]).sin_port);
	for (int i = 0, seen = 0; i < 200 && seen < 3; i++) {
		struct tpacket2_hdr *h = (void *)(map + i % 2 * 2048);
		struct sockaddr_ll *ll = (void *)(map + i % 2 * 2048 + TPACKET_ALIGN(sizeof *h));
		unsigned char *ip = map + i % 2 * 2048 + 80;

		if (!h->tp_status && send(p[0], "through the ring", 16, 0) != 16)
			SAY("send: %s\n", abi_errno(errno));
		poll(&pf, 1, 1000);
		if (ip[9] == IPPROTO_UDP && (ip[22] << 8 | ip[23]) == port) {
			SAY("status %d length %d of %d, link at %d, net at %d, time %d; kind %d protocol %x '%.16s'\n", h->tp_status & 1,
			    h->tp_snaplen, h->tp_len, h->tp_mac, h->tp_net, h->tp_sec > 1000000000, ll->sll_pkttype,
			    ntohs(ll->sll_protocol), ip + 28);
			seen++;
		}
		h->tp_status = 0;
	}
	q = (struct tpacket_req3){ 0 };
	V(setsockopt(s, SOL_PACKET, PACKET_RX_RING, &q, sizeof q));
	munmap(map, 4096);
	close(s);
	close(p[0]);
	close(p[1]);
}

static void sent(void)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(0x88b5), .sll_ifindex = 1, .sll_halen = 6 };
	int s = socket(AF_PACKET, SOCK_DGRAM, 0), r = sniffer(SOCK_RAW, 0x88b5, 1);
	struct sockaddr_ll from = { 0 };
	socklen_t n = sizeof from;
	char b[64] = { 0 };

	V(send(s, "x", 1, 0));
	V(sendto(s, "payload", 7, 0, (void *)&ll, sizeof ll));
	V(recvfrom(r, b, sizeof b, MSG_DONTWAIT, (void *)&from, &n));
	SAY("%x '%s' kind %d\n", ntohs(from.sll_protocol), b + 14, from.sll_pkttype);
	V(recv(r, b, sizeof b, MSG_DONTWAIT));
	V(sendto(s, "payload", 7, 0, (void *)&ll, 5));
	V(send(r, "short", 5, 0));
	V(send(r, b, 14 + 7, 0));
	V(recv(r, b, 4, MSG_DONTWAIT | MSG_TRUNC));
	close(s);
	close(r);
}

int main(void)
{
	struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int s;

	if (!geteuid()) {
		V(unshare(CLONE_NEWNET));
		s = socket(AF_INET, SOCK_DGRAM, 0);
		V(ioctl(s, SIOCSIFFLAGS, &up));
		close(s);
	}
	names();
	seen();
	stream();
	ring();
	sent();
	return 0;
}
