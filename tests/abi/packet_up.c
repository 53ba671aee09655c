/* SPDX-License-Identifier: Apache-2.0 */
/* What packet sockets send comes in: for IPv4 if accept_local and route_localnet say so,
 * for IPv6 always; with good checksums, whole, and for our link address. */
#include "abi.h"
#include "inet.h"
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>

static int packet_type, port;
static struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = 1, .sll_halen = 6 };

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static uint32_t add(uint32_t sum, const void *p, size_t n)
{
	uint16_t w;

	for (size_t k = 0; k + 1 < n; k += 2) {
		memcpy(&w, (const char *)p + k, 2);
		sum += w;
	}
	return sum;
}

static void setting(const char *name, const char *v)
{
	char path[99];
	int f;

	snprintf(path, sizeof path, "/proc/sys/net/ipv4/conf/lo/%s", name);
	f = open(path, O_RDWR);
	V(write(f, v, 1));
	close(f);
}

enum flaw { NONE, BAD_SUM, BAD_HEAD, CUT, FRAGMENT, NOT_OURS };

/* Six bytes in a datagram, for IPv4. */
static size_t make4(char *b, const char *from, enum flaw flaw)
{
	struct iphdr h = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP, .tot_len = htons(34) };
	struct udphdr u = { .source = htons(40000), .dest = htons((uint16_t)port), .len = htons(14) };
	uint32_t sum;

	h.saddr = inet_addr(from);
	h.daddr = htonl(INADDR_LOOPBACK);
	h.frag_off = flaw == FRAGMENT ? htons(0x2000) : 0;
	h.check = fold(add(0, &h, sizeof h)) + (flaw == BAD_HEAD);
	sum = add(add(add(htons(IPPROTO_UDP) + u.len, &h.saddr, 8), &u, sizeof u), "upward", 6);
	u.check = fold(sum) + (flaw == BAD_SUM);
	memcpy(b, &h, sizeof h);
	memcpy(b + sizeof h, &u, sizeof u);
	memcpy(b + sizeof h + sizeof u, "upward", 6);
	return 34 - (flaw == CUT);
}

static size_t make6(char *b)
{
	struct ip6_hdr h = { .ip6_src = in6addr_loopback, .ip6_dst = in6addr_loopback };
	struct udphdr u = { .source = htons(40000), .dest = htons((uint16_t)port), .len = htons(14) };

	h.ip6_vfc = 0x60;
	h.ip6_plen = htons(14);
	h.ip6_nxt = IPPROTO_UDP;
	h.ip6_hops = 64;
	u.check = fold(add(add(add(htons(IPPROTO_UDP) + u.len, &h.ip6_src, 32), &u, sizeof u), "upward", 6));
	memcpy(b, &h, sizeof h);
	memcpy(b + sizeof h, &u, sizeof u);
	memcpy(b + sizeof h + sizeof u, "upward", 6);
	return sizeof h + 14;
}

static void push(int family, const char *from, enum flaw flaw)
{
	int s = socket(AF_PACKET, packet_type, 0), u = socket(family, SOCK_DGRAM, 0);
	uint16_t type = htons(family == AF_INET ? ETH_P_IP : ETH_P_IPV6);
	char frame[128] = { 0 }, b[16];
	size_t n, head = packet_type == SOCK_RAW ? ETH_HLEN : 0;
	struct sockaddr_storage a;
	struct sockaddr_in *in = (void *)&a;
	socklen_t size;

	inet_family = family;
	bind(u, (void *)&a, loop_name(&a, 0));
	size = sizeof a;
	getsockname(u, (void *)&a, &size);
	port = ntohs(in->sin_port);
	n = head + (family == AF_INET ? make4(frame + head, from, flaw) : make6(frame + head));
	if (head) {
		memcpy(frame + 12, &type, 2);
		frame[0] = flaw == NOT_OURS ? 2 : 0;
	}
	to.sll_protocol = type;
	SAY("%s, flaw %d: ", from, flaw);
	V(sendto(s, frame, n, 0, (void *)&to, sizeof to) == (ssize_t)n);
	size = sizeof a;
	msleep(20);
	V(recvfrom(u, b, sizeof b, MSG_DONTWAIT, (void *)&a, &size));
	V(ntohs(in->sin_port) == 40000);
	close(s);
	close(u);
}

static void all(void)
{
	push(AF_INET, "127.0.0.1", NONE);
	push(AF_INET, "10.9.8.7", NONE);
	push(AF_INET, "224.0.0.1", NONE);
	push(AF_INET, "0.0.0.0", NONE);
	push(AF_INET6, "::1", NONE);
}

int main(void)
{
	if (!own_loopback())
		return 0;
	for (int k = 0; k < 2; k++) {
		packet_type = k ? SOCK_RAW : SOCK_DGRAM;
		SAY("-- %s\n", k ? "raw" : "cooked");
		setting("accept_local", "0");
		setting("route_localnet", "0");
		all();
		setting("accept_local", "1");
		all();
		setting("route_localnet", "1");
		all();
		for (int flaw = BAD_SUM; flaw <= NOT_OURS - !k; flaw++)
			push(AF_INET, "127.0.0.1", (enum flaw)flaw);
		setting("accept_local", "0");
		all();
	}
	return 0;
}
