/* SPDX-License-Identifier: Apache-2.0 */
/* Raw sockets and ping sockets: ICMP echo, headers, filters, protocols of one's
 * own, permissions. raw(7), icmp(7). */
#include "abi.h"
#include "inet.h"
#include <linux/icmp.h>
#include <netinet/ip.h>

static unsigned short sum(const void *p, int n)
{
	const unsigned short *w = p;
	unsigned s = 0;

	for (; n > 1; n -= 2)
		s += *w++;
	if (n)
		s += *(const unsigned char *)w;
	s = (s >> 16) + (s & 0xffff);
	return (unsigned short)~(s + (s >> 16));
}

static void get(const char *what, int s)
{
	unsigned char b[256];
	struct sockaddr_in from = { 0 };
	socklen_t n = sizeof from;
	int got;

	msleep(5);
	got = (int)recvfrom(s, b, sizeof b, MSG_DONTWAIT, (void *)&from, &n);
	if (got < 0) {
		SAY("%s: %s\n", what, abi_errno(errno));
		return;
	}
	SAY("%s: %d from %s port %d, first %02x, protocol %d, then %02x\n", what, got, inet_ntoa(from.sin_addr),
	    ntohs(from.sin_port), b[0], b[0] == 0x45 ? b[9] : -1, b[0] == 0x45 ? b[20] : b[1]);
}

static void echo(void)
{
	struct { struct icmphdr h; char data[8]; } m = { .h = { .type = ICMP_ECHO, .un.echo = { htons(77), htons(1) } }, .data = "payload" };
	int s = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), t = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), f;
	struct sockaddr_in a = loopback(0);

	m.h.checksum = sum(&m, sizeof m);
	V(sendto(s, &m, sizeof m, 0, (void *)&a, sizeof a));
	get("own request", s);
	get("own reply", s);
	get("own nothing", s);
	get("other's request", t);
	get("other's reply", t);
	SAY("a filter for replies only\n");
	f = ~(1 << ICMP_ECHOREPLY);
	V(setsockopt(t, SOL_RAW, 1, &f, sizeof f));
	f = 0;
	V(getsockopt(t, SOL_RAW, 1, &f, &(socklen_t){ sizeof f }));
	V(f == ~(1 << ICMP_ECHOREPLY));
	V(sendto(s, &m, sizeof m, 0, (void *)&a, sizeof a));
	get("filtered", t);
	get("filtered", t);
	SAY("connected\n");
	V(connect(s, (void *)&a, sizeof a));
	V(send(s, &m, sizeof m, 0));
	get("request", s);
	SAY("a wrong checksum is not answered\n");
	while (recv(s, &f, sizeof f, MSG_DONTWAIT) > 0)
		;
	m.h.checksum ^= 0x55;
	V(send(s, &m, sizeof m, 0));
	get("request", s);
	get("no reply", s);
	close(s);
	close(t);
}

static void own_header(void)
{
	struct { struct iphdr ip; char data[8]; } m = { .ip = { .version = 4, .ihl = 5, .ttl = 33, .protocol = 253,
		.saddr = htonl(0x7f000009), .daddr = htonl(0x7f000001) }, .data = "own" };
	int s = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), t = socket(AF_INET, SOCK_RAW, 253), u;
	struct sockaddr_in a = loopback(0);
	unsigned char b[64];

	SAY("headers made by the program\n");
	V(int_opt(s, IPPROTO_IP, IP_HDRINCL));
	V(int_opt(t, IPPROTO_IP, IP_HDRINCL));
	V(sendto(s, &m, sizeof m, 0, (void *)&a, sizeof a));
	msleep(5);
	V(recv(t, b, sizeof b, MSG_DONTWAIT));
	SAY("ttl %d length %d from %d.%d checksum %d\n", b[8], b[2] << 8 | b[3], b[12], b[15], sum(b, 20));
	V(sendto(s, &m, 10, 0, (void *)&a, sizeof a));
	m.ip.ihl = 15;
	V(sendto(s, &m, sizeof m, 0, (void *)&a, sizeof a));
	get("the sender hears nothing", s);
	SAY("a protocol of one's own\n");
	u = socket(AF_INET, SOCK_RAW, 253);
	V(sendto(u, "hello", 5, 0, (void *)&a, sizeof a));
	get("received", t);
	get("also by the sender", u);
	V(sendto(u, b, 0, 0, (void *)&a, sizeof a));
	get("empty", t);
	a.sin_port = htons(99);
	V(bind(u, (void *)&a, sizeof a));
	a = loopback(0);
	a.sin_addr.s_addr = htonl(0x7f000002);
	V(sendto(t, "elsewhere", 9, 0, (void *)&a, sizeof a));
	while (recv(u, b, sizeof b, MSG_DONTWAIT) > 0)
		SAY("bound one got %d.%d\n", b[16], b[19]);
	V(int_opt(u, SOL_SOCKET, SO_PROTOCOL));
	V(int_opt(u, SOL_SOCKET, SO_TYPE));
	V(listen(u, 1));
	close(s);
	close(t);
	close(u);
}

static void udp_is_seen(void)
{
	int r = socket(AF_INET, SOCK_RAW, IPPROTO_UDP), u = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in a = loopback(0);
	unsigned char b[128];

	SAY("a raw UDP socket sees datagrams\n");
	bind(u, (void *)&a, sizeof a);
	a = name_of(u);
	V(sendto(u, "dgram", 5, 0, (void *)&a, sizeof a));
	msleep(5);
	V(recv(r, b, sizeof b, MSG_DONTWAIT));
	SAY("protocol %d, length %d, to its port %d\n", b[9], b[24] << 8 | b[25], (b[22] << 8 | b[23]) == ntohs(a.sin_port));
	close(r);
	close(u);
}

static void six(void)
{
	struct { unsigned char type, code; unsigned short sum, id, seq; char data[4]; } m = { .type = 128, .id = 5, .data = "six" };
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	int s = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	unsigned char b[64];

	SAY("IPv6\n");
	V(sendto(s, &m, sizeof m, 0, (void *)&a, sizeof a));
	msleep(5);
	V(recv(s, b, sizeof b, MSG_DONTWAIT));
	SAY("type %d\n", b[0]);
	V(recv(s, b, sizeof b, MSG_DONTWAIT));
	SAY("type %d\n", b[0]);
	close(s);
}

static void allowed(void)
{
	SAY("permissions\n");
	V(socket(AF_INET, SOCK_RAW, 0));
	V(socket(AF_INET, SOCK_RAW, 256));
	if (setresuid(1234, 1234, 1234))
		return;
	V(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	V(socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
	V(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
	V(socket(AF_INET, SOCK_RAW, 0));
}

/* Where a port would be there is the protocol; in /proc/net/raw too. */
static void number(void)
{
	int s = socket(AF_INET, SOCK_RAW, 201);
	struct sockaddr_in a = name_of(s);
	char line[256];
	FILE *f;

	if (s < 0)
		return;
	V(ntohs(a.sin_port));
	a = loopback(77);
	V(bind(s, (void *)&a, sizeof a));
	V(ntohs(name_of(s).sin_port));
	V(connect(s, (void *)&a, sizeof a));
	f = fopen("/proc/net/raw", "r");
	while (f && fgets(line, sizeof line, f))
		if (strstr(line, ":00C9 "))
			SAY("%.32s\n", strchr(line, ':') + 2);
	if (f)
		fclose(f);
	close(s);
}

int main(void)
{
	if (!own_loopback())
		return 0;
	echo();
	own_header();
	udp_is_seen();
	six();
	number();
	allowed();
	return 0;
}
