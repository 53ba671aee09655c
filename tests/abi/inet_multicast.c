/* SPDX-License-Identifier: Apache-2.0 */
/* Multicast and broadcast on lo: memberships, sources, IP_MULTICAST_*,
 * SO_BROADCAST. ip(7), ipv6(7). */
#include "abi.h"
#include "inet.h"
#include <net/if.h>

#define GROUP "239.7.7.7"
#define OTHER "239.7.7.8"

static struct in_addr ip(const char *t) { struct in_addr a; inet_pton(AF_INET, t, &a); return a; }

static int receiver(int port, struct sockaddr_in *name)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	if (bind(s, (void *)&a, sizeof a))
		perror("bind");
	if (name)
		*name = name_of(s);
	return s;
}

static int join(int s, const char *group, const char *local, int index, int opt)
{
	struct ip_mreqn m = { .imr_multiaddr = ip(group), .imr_address = ip(local), .imr_ifindex = index };

	return setsockopt(s, IPPROTO_IP, opt, &m, sizeof m);
}

static void got(const char *who, int s)
{
	char b[16];
	int n = 0;

	msleep(5);
	while (recv(s, b, sizeof b, MSG_DONTWAIT) > 0)
		n++;
	SAY("%s: %d\n", who, n);
}

static long out(int s, const char *to, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = ip(to) };

	return sendto(s, "multi", 5, 0, (void *)&a, sizeof a);
}

static void memberships(void)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0), t;
	struct ip_mreq_source src = { .imr_multiaddr = ip(GROUP), .imr_interface = ip("127.0.0.1"), .imr_sourceaddr = ip("127.0.0.1") };
	struct group_req g = { .gr_interface = 1 };
	struct group_source_req gs = { .gsr_interface = 1 };
	struct sockaddr_in *a = (void *)&g.gr_group;

	V(join(s, GROUP, "127.0.0.1", 0, IP_ADD_MEMBERSHIP));
	V(join(s, GROUP, "127.0.0.1", 0, IP_ADD_MEMBERSHIP));
	V(join(s, GROUP, "0.0.0.0", 1, IP_ADD_MEMBERSHIP));
	V(join(s, "10.0.0.1", "127.0.0.1", 0, IP_ADD_MEMBERSHIP));
	V(join(s, OTHER, "0.0.0.0", 77, IP_ADD_MEMBERSHIP));
	V(join(s, OTHER, "0.0.0.0", 1, IP_DROP_MEMBERSHIP));
	V(join(s, GROUP, "127.0.0.1", 0, IP_DROP_MEMBERSHIP));
	V(join(s, GROUP, "127.0.0.1", 0, IP_DROP_MEMBERSHIP));
	V(setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &src, 4));
	V(setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &src, 8));
	SAY("sources\n");
	V(setsockopt(s, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &src, sizeof src));
	V(join(s, GROUP, "127.0.0.1", 0, IP_DROP_MEMBERSHIP));
	V(setsockopt(s, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &src, sizeof src));
	V(setsockopt(s, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &src, sizeof src));
	V(setsockopt(s, IPPROTO_IP, IP_BLOCK_SOURCE, &src, sizeof src));
	V(setsockopt(s, IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, &src, sizeof src));
	V(setsockopt(s, IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, &src, sizeof src));
	V(join(s, GROUP, "127.0.0.1", 0, IP_ADD_MEMBERSHIP));
	V(setsockopt(s, IPPROTO_IP, IP_BLOCK_SOURCE, &src, sizeof src));
	V(setsockopt(s, IPPROTO_IP, IP_BLOCK_SOURCE, &src, sizeof src));
	V(setsockopt(s, IPPROTO_IP, IP_UNBLOCK_SOURCE, &src, sizeof src));
	V(setsockopt(s, IPPROTO_IP, IP_UNBLOCK_SOURCE, &src, sizeof src));
	V(setsockopt(s, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &src, sizeof src));
	SAY("by the general names\n");
	*a = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = ip(OTHER) };
	V(setsockopt(s, IPPROTO_IP, MCAST_JOIN_GROUP, &g, sizeof g));
	V(setsockopt(s, IPPROTO_IP, MCAST_LEAVE_GROUP, &g, sizeof g));
	gs.gsr_group = g.gr_group;
	gs.gsr_source = g.gr_group;
	((struct sockaddr_in *)&gs.gsr_source)->sin_addr = ip("127.0.0.1");
	V(setsockopt(s, IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, &gs, sizeof gs));
	V(setsockopt(s, IPPROTO_IP, MCAST_LEAVE_SOURCE_GROUP, &gs, sizeof gs));
	t = socket(AF_INET, SOCK_STREAM, 0);
	V(join(t, GROUP, "127.0.0.1", 0, IP_ADD_MEMBERSHIP));
	close(t);
	close(s);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	SAY("the most groups of a socket\n");
	{
		int n;
		char g[32];

		for (n = 0; n < 100; n++) {
			snprintf(g, sizeof g, "239.9.9.%d", n + 1);
			if (join(s, g, "127.0.0.1", 0, IP_ADD_MEMBERSHIP))
				break;
		}
		SAY("%d, then %s\n", n, abi_errno(errno));
	}
	close(s);
}

static void delivery(void)
{
	struct sockaddr_in me;
	int a = receiver(0, &me), p = ntohs(me.sin_port), b = receiver(p, NULL), c = receiver(p, NULL);
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	struct ip_mreqn lo = { .imr_ifindex = 1 };
	struct ip_mreq_source src = { .imr_multiaddr = ip(GROUP), .imr_interface = ip("127.0.0.1"), .imr_sourceaddr = ip("127.0.0.5") };

	SAY("delivery\n");
	V(join(a, GROUP, "127.0.0.1", 0, IP_ADD_MEMBERSHIP));
	V(join(b, GROUP, "127.0.0.1", 0, IP_ADD_MEMBERSHIP));
	lo.imr_address = ip("127.0.0.1");
	V(setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &lo, sizeof lo));
	V(setsockopt(c, IPPROTO_IP, IP_MULTICAST_ALL, &(int){ 0 }, sizeof(int)));
	V(out(s, GROUP, p));
	got("a", a);
	got("b", b);
	got("c", c);
	SAY("IP_MULTICAST_ALL\n");
	V(setsockopt(c, IPPROTO_IP, IP_MULTICAST_ALL, &(int){ 1 }, sizeof(int)));
	V(out(s, GROUP, p));
	got("a", a);
	got("c", c);
	SAY("IP_MULTICAST_LOOP\n");
	V(setsockopt(s, IPPROTO_IP, IP_MULTICAST_LOOP, &(int){ 0 }, sizeof(int)));
	V(out(s, GROUP, p));
	got("a", a);
	V(setsockopt(s, IPPROTO_IP, IP_MULTICAST_LOOP, &(int){ 1 }, sizeof(int)));
	SAY("a blocked source\n");
	src.imr_sourceaddr = ip("127.0.0.1");
	V(setsockopt(a, IPPROTO_IP, IP_BLOCK_SOURCE, &src, sizeof src));
	V(out(s, GROUP, p));
	got("a", a);
	got("b", b);
	V(setsockopt(a, IPPROTO_IP, IP_UNBLOCK_SOURCE, &src, sizeof src));
	V(out(s, GROUP, p));
	got("a", a);
	got("b", b);
	got("c", c);
	SAY("one source only\n");
	V(join(a, GROUP, "127.0.0.1", 0, IP_DROP_MEMBERSHIP));
	src.imr_sourceaddr = ip("127.0.0.5");
	V(setsockopt(a, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &src, sizeof src));
	V(out(s, GROUP, p));
	got("a", a);
	src.imr_sourceaddr = ip("127.0.0.1");
	V(setsockopt(a, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &src, sizeof src));
	V(out(s, GROUP, p));
	got("a", a);
	SAY("a connected sender\n");
	{
		struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)p), .sin_addr = ip(GROUP) };

		V(connect(s, (void *)&to, sizeof to));
		V(send(s, "x", 1, 0));
		got("a", a);
	}
	close(a);
	close(b);
	close(c);
	close(s);
}

static void options(void)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0), v;
	struct ip_mreqn m = { .imr_ifindex = 1 };
	struct in_addr a = ip("127.0.0.1");
	socklen_t n = sizeof a;

	SAY("options\n");
	V(int_opt(s, IPPROTO_IP, IP_MULTICAST_TTL));
	V(int_opt(s, IPPROTO_IP, IP_MULTICAST_LOOP));
	V(int_opt(s, IPPROTO_IP, IP_MULTICAST_ALL));
	V(setsockopt(s, IPPROTO_IP, IP_MULTICAST_TTL, &(unsigned char){ 7 }, 1));
	V(int_opt(s, IPPROTO_IP, IP_MULTICAST_TTL));
	V(setsockopt(s, IPPROTO_IP, IP_MULTICAST_TTL, &(int){ 256 }, 4));
	V(setsockopt(s, IPPROTO_IP, IP_MULTICAST_TTL, &(int){ -1 }, 4));
	V(setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &a, sizeof a));
	a.s_addr = 0;
	V(getsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &a, &n));
	SAY("%s\n", inet_ntoa(a));
	V(setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &m, sizeof m));
	V(getsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &a, &n));
	SAY("%s\n", inet_ntoa(a));
	a = ip("10.0.0.1");
	V(setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &a, sizeof a));
	m.imr_ifindex = 77;
	V(setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &m, sizeof m));
	V(setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &v, 2));
	close(s);
	SAY("IPv6\n");
	s = socket(AF_INET6, SOCK_DGRAM, 0);
	V(int_opt(s, IPPROTO_IPV6, IPV6_MULTICAST_HOPS));
	V(int_opt(s, IPPROTO_IPV6, IPV6_MULTICAST_LOOP));
	V(int_opt(s, IPPROTO_IPV6, IPV6_MULTICAST_IF));
	V(setsockopt(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, &(int){ 1 }, 4));
	V(int_opt(s, IPPROTO_IPV6, IPV6_MULTICAST_IF));
	V(setsockopt(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, &(int){ 77 }, 4));
	V(setsockopt(s, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &(int){ 300 }, 4));
	V(setsockopt(s, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &(int){ -1 }, 4));
	V(setsockopt(s, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &(int){ 2 }, 4));
	{
		struct ipv6_mreq g = { .ipv6mr_interface = 1 };

		inet_pton(AF_INET6, "ff15::7", &g.ipv6mr_multiaddr);
		V(setsockopt(s, IPPROTO_IPV6, IPV6_JOIN_GROUP, &g, sizeof g));
		V(setsockopt(s, IPPROTO_IPV6, IPV6_JOIN_GROUP, &g, sizeof g));
		V(setsockopt(s, IPPROTO_IPV6, IPV6_LEAVE_GROUP, &g, sizeof g));
		V(setsockopt(s, IPPROTO_IPV6, IPV6_LEAVE_GROUP, &g, sizeof g));
		g.ipv6mr_interface = 77;
		V(setsockopt(s, IPPROTO_IPV6, IPV6_JOIN_GROUP, &g, sizeof g));
		g.ipv6mr_interface = 1;
		g.ipv6mr_multiaddr = in6addr_loopback;
		V(setsockopt(s, IPPROTO_IPV6, IPV6_JOIN_GROUP, &g, sizeof g));
		V(setsockopt(s, IPPROTO_IPV6, IPV6_JOIN_GROUP, &g, 8));
	}
	close(s);
}

static void broadcast(void)
{
	struct sockaddr_in me;
	int a = receiver(0, &me), p = ntohs(me.sin_port), b = receiver(p, NULL);
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	SAY("broadcast\n");
	V(out(s, "127.255.255.255", p));
	V(setsockopt(s, SOL_SOCKET, SO_BROADCAST, &(int){ 1 }, sizeof(int)));
	V(out(s, "127.255.255.255", p));
	got("a", a);
	got("b", b);
	close(a);
	close(b);
	close(s);
}

int main(void)
{
	memberships();
	delivery();
	options();
	broadcast();
	return 0;
}
