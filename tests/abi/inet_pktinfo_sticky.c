/* SPDX-License-Identifier: Apache-2.0 */
/* IPV6_PKTINFO as an option of the socket: the device that datagrams go by. */
#include "abi.h"
#include <arpa/inet.h>
#include <netinet/in.h>

static void set(int s, const char *addr, unsigned link)
{
	struct in6_pktinfo pi = { .ipi6_ifindex = link };

	inet_pton(AF_INET6, addr, &pi.ipi6_addr);
	SAY("%s %u: ", addr, link);
	V(setsockopt(s, IPPROTO_IPV6, IPV6_PKTINFO, &pi, sizeof pi));
}

static void all(int type)
{
	int s = socket(AF_INET6, type, 0), v4 = socket(AF_INET, type, 0);
	struct in6_pktinfo pi = { 0 };
	socklen_t n = sizeof pi;

	SAY("-- type %d\n", type);
	V(getsockopt(s, IPPROTO_IPV6, IPV6_PKTINFO, &pi, &n)); V(n);
	set(s, "::1", 0); set(s, "::1", 1); set(s, "::1", 9999); set(s, "2001:db8::1", 0); set(s, "::ffff:127.0.0.2", 0);
	V(getsockopt(s, IPPROTO_IPV6, IPV6_PKTINFO, &pi, &n)); V(n);
	V(setsockopt(s, IPPROTO_IPV6, IPV6_PKTINFO, &pi, 4));
	V(setsockopt(s, IPPROTO_IPV6, IPV6_PKTINFO, &pi, 0));
	V(setsockopt(v4, IPPROTO_IPV6, IPV6_PKTINFO, &pi, sizeof pi));
	close(s); close(v4);
}

int main(void)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT }, from;
	int a = socket(AF_INET6, SOCK_DGRAM, 0), b = socket(AF_INET6, SOCK_DGRAM, 0);
	socklen_t n = sizeof to;
	char c;

	all(SOCK_DGRAM); all(SOCK_STREAM);
	V(bind(a, (void *)&to, sizeof to)); getsockname(a, (void *)&to, &n);
	set(b, "::1", 1);
	V(sendto(b, "x", 1, 0, (void *)&to, sizeof to));
	n = sizeof from; V(recvfrom(a, &c, 1, 0, (void *)&from, &n)); V(IN6_IS_ADDR_LOOPBACK(&from.sin6_addr));
	set(b, "::", 9999);
	V(sendto(b, "x", 1, 0, (void *)&to, sizeof to)); V(connect(b, (void *)&to, sizeof to)); V(send(b, "x", 1, MSG_DONTWAIT));
	set(b, "2001:db8::1", 0);
	V(sendto(b, "x", 1, 0, (void *)&to, sizeof to));
	V(setsockopt(b, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3)); set(b, "::", 2); set(b, "::", 1); set(b, "::", 0);
	return 0;
}
