/* SPDX-License-Identifier: Apache-2.0 */
/* Raw and ping sockets at the edges: sending after shutdown(), lengths, broken ICMP, ports of
 * IPv6, headers of the program's own; numbers and addresses of ping sockets. */
#include "abi.h"
#include "inet.h"
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>

static char big[65536];

static int raw(int family, int protocol)
{
	int s = socket(family, SOCK_RAW, protocol);

	if (s < 0) { perror("raw"); exit(2); }
	inet_family = family;
	return s;
}

static ssize_t send_to(int s, const void *p, size_t n, int port)
{
	struct sockaddr_storage a;
	socklen_t size = loop_name(&a, port);

	return sendto(s, p, n, 0, (void *)&a, size);
}

/* On a busy host what was sent over lo comes a moment later. */
static ssize_t recv_soon(int s, void *b, size_t n)
{
	poll(&(struct pollfd){ .fd = s, .events = POLLIN }, 1, 200);
	return recv(s, b, n, MSG_DONTWAIT);
}

static void drain(const char *what, int s)
{
	ssize_t n;

	SAY("%s:", what);
	while ((n = recv_soon(s, big, sizeof big)) >= 0)
		SAY(" %zd", n);
	SAY("\n");
}

static void shut(int family, int protocol)
{
	int s = raw(family, protocol);
	struct sockaddr_storage a;
	socklen_t n = loop_name(&a, 0);

	SAY("-- raw %d of %d\n", protocol, family);
	V(connect(s, (void *)&a, n));
	V(shutdown(s, SHUT_RDWR));
	V(send(s, "abc", 3, 0));
	drain("after shutdown", s);
	close(s);
	s = raw(family, protocol);
	V(send_to(s, "abc", 3, 99));
	V(send_to(s, "abc", 3, protocol));
	drain("ports", s);
	V(send_to(s, big, 65515, 0));
	V(send_to(s, big, 65516, 0));
	V(send_to(s, big, 65535, 0));
	V(send_to(s, big, 65536, 0));
	V(int_opt(s, SOL_SOCKET, SO_REUSEADDR));
	close(s);
}

static void broken(void)
{
	struct icmphdr h = { .type = ICMP_ECHO };
	int s = raw(AF_INET, IPPROTO_ICMP), six;

	SAY("-- broken ICMP\n");
	V(send_to(s, &h, 0, 0));
	V(send_to(s, &h, 1, 0));
	V(send_to(s, &h, 2, 0));
	V(send_to(s, &h, 7, 0));
	V(send_to(s, &h, 8, 0));
	drain("seen", s);
	close(s);
	six = raw(AF_INET6, IPPROTO_ICMPV6);
	V(send_to(six, &h, 1, 0));
	V(send_to(six, &h, 3, 0));
	close(six);
}

/* A header and a datagram from a port to the same. */
static size_t packet(char *b, int port, const char *to, int id, int frag, int vihl)
{
	struct iphdr h = { .ttl = 7, .protocol = IPPROTO_UDP, .id = htons((uint16_t)id), .frag_off = htons((uint16_t)frag) };
	uint16_t u[4] = { htons((uint16_t)port), htons((uint16_t)port), htons(12), 0 };

	memcpy(&h, &(uint8_t){ (uint8_t)vihl }, 1);
	h.daddr = inet_addr(to);
	memcpy(b, &h, sizeof h);
	memcpy(b + sizeof h, u, sizeof u);
	memcpy(b + sizeof h + sizeof u, "abcd", 4);
	return sizeof h + sizeof u + 4;
}

static void own_header(const char *to, int id, int frag, int vihl)
{
	int s = raw(AF_INET, IPPROTO_RAW), see = raw(AF_INET, IPPROTO_UDP), u = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in a = loopback(0);
	struct iphdr h;
	char b[64];
	ssize_t n;

	SAY("-- to %s, id %d, frag %x, begins %x\n", to, id, frag, vihl);
	bind(u, (void *)&a, sizeof a);
	n = (ssize_t)packet(b, ntohs(name_of(u).sin_port), to, id, frag, vihl);
	V(send_to(s, b, (size_t)n, 0));
	V(n = recv_soon(see, b, sizeof b));
	if (n > 0) {
		memcpy(&h, b, sizeof h);
		SAY("len %d id %s frag %x to %s\n", ntohs(h.tot_len), !h.id ? "none" : ntohs(h.id) == id ? "own" : "some",
		    ntohs(h.frag_off), inet_ntoa((struct in_addr){ h.daddr }));
	}
	V(recv_soon(u, b, sizeof b));
	close(s);
	close(see);
	close(u);
}

static void echo(int family, int level, int tos, int want_tos, int want_info)
{
	int protocol = family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6, s = socket(family, SOCK_DGRAM, protocol), v = 42;
	char b[16] = { family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST }, control[128];
	struct iovec io = { b, sizeof b };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };

	SAY("-- echo %d\n", family);
	inet_family = family;
	V(setsockopt(s, level, tos, &v, sizeof v));
	V(setsockopt(s, level, want_tos, &v, sizeof v));
	V(setsockopt(s, level, want_info, &v, sizeof v));
	V(send_to(s, b, sizeof b, 0));
	V(recvmsg(s, &m, 0));
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		SAY("%d %d:", c->cmsg_level, c->cmsg_type);
		for (size_t k = 0; k < c->cmsg_len - sizeof *c; k++)
			SAY(" %d", CMSG_DATA(c)[k]);
		SAY("\n");
	}
	close(s);
}

static void numbers(int family)
{
	static const char *const names[2][7] = {
		{ "0.0.0.0", "127.0.0.9", "255.255.255.255", "127.255.255.255", "224.0.2.1", "192.168.1.1", NULL },
		{ "::", "::1", "::ffff:127.0.0.1", "ff02::1", "fe80::1", "2001:db8::1", NULL },
	};
	int protocol = family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6, s = socket(family, SOCK_DGRAM, protocol), t, no = 0;
	struct sockaddr_storage a;
	struct sockaddr_in *in = (void *)&a;
	socklen_t n;

	SAY("-- numbers of ping sockets %d\n", family);
	inet_family = family;
	n = loop_name(&a, 0);
	V(int_opt(s, SOL_SOCKET, SO_REUSEADDR));
	V(bind(s, (void *)&a, n));
	getsockname(s, (void *)&a, &n);
	V(in->sin_port != 0);
	V(bind(s, (void *)&a, n));
	t = socket(family, SOCK_DGRAM, protocol);
	V(bind(t, (void *)&a, n));
	close(t);
	t = socket(family, SOCK_DGRAM, protocol);
	V(setsockopt(t, SOL_SOCKET, SO_REUSEADDR, &no, sizeof no));
	V(bind(t, (void *)&a, n));
	close(t);
	close(s);
	s = socket(family, SOCK_DGRAM, protocol);
	n = loop_name(&a, 0);
	V(connect(s, (void *)&a, n));
	getsockname(s, (void *)&a, &n);
	V(in->sin_port != 0);
	close(s);
	for (unsigned k = 0; names[family == AF_INET6][k]; k++) {
		const char *name = names[family == AF_INET6][k];

		n = loop_name(&a, 0);
		inet_pton(family, name, family == AF_INET ? (void *)&in->sin_addr : &((struct sockaddr_in6 *)&a)->sin6_addr);
		s = socket(family, SOCK_DGRAM, protocol);
		t = socket(family, SOCK_RAW, protocol);
		SAY("%s: ", name);
		V(bind(s, (void *)&a, n));
		SAY("raw: ");
		V(bind(t, (void *)&a, n));
		close(s);
		close(t);
	}
}

int main(void)
{
	int f;

	if (!own_loopback())
		return 0;
	f = open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY);
	if (write(f, "0 2147483647", 12) < 0 && errno == EBADF)
		perror("ping_group_range");
	close(f);
	shut(AF_INET, 200);
	shut(AF_INET6, 200);
	shut(AF_INET6, IPPROTO_UDP);
	broken();
	own_header("127.0.0.1", 0, 0, 0x45);
	own_header("127.0.0.1", 77, 0x4000, 0x45);
	own_header("127.0.0.1", 0, 0x4000, 0x45);
	own_header("42.0.0.0", 0, 0, 0x45);
	own_header("127.0.0.1", 0, 0, 0x46);
	own_header("127.0.0.1", 0, 0, 0x65);
	own_header("127.0.0.1", 0, 0, 0x44);
	echo(AF_INET, IPPROTO_IP, IP_TOS, IP_RECVTOS, IP_PKTINFO);
	echo(AF_INET6, IPPROTO_IPV6, IPV6_TCLASS, IPV6_RECVTCLASS, IPV6_RECVPKTINFO);
	numbers(AF_INET);
	numbers(AF_INET6);
	return 0;
}
