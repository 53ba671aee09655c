/* SPDX-License-Identifier: Apache-2.0 */
/* Which way a message to a group or to everybody goes, and from which address: by the sender's
 * address, IP_MULTICAST_IF, SO_BINDTODEVICE, or none. */
#include "abi.h"
#include "inet.h"

#define GROUP "224.0.2.1"

static struct sockaddr_in named(const char *ip, int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = inet_addr(ip) };
}

static int at(const char *ip)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in a = named(ip, 0);

	if (bind(s, (void *)&a, sizeof a)) { perror(ip); exit(2); }
	return s;
}

static void send_to(int s, const char *ip, int receiver)
{
	struct sockaddr_in to = named(ip, ntohs(name_of(receiver).sin_port)), from = { 0 };
	socklen_t n = sizeof from;
	char b[4];

	SAY("to %s: ", ip);
	V(sendto(s, "m", 1, 0, (void *)&to, sizeof to));
	if (recvfrom(receiver, b, sizeof b, MSG_DONTWAIT, (void *)&from, &n) < 0)
		SAY("  %s\n", abi_errno(errno));
	else
		SAY("  from %s\n", inet_ntoa(from.sin_addr));
}

static void ways(const char *what, const char *address, const char *bound)
{
	struct ip_mreqn join = { .imr_multiaddr.s_addr = inet_addr(GROUP), .imr_ifindex = 1 }, by = { 0 };
	int r = at("0.0.0.0"), s = bound ? at(bound) : socket(AF_INET, SOCK_DGRAM, 0), on = 1;

	SAY("-- %s, bound to %s\n", what, bound ? bound : "nothing");
	V(setsockopt(r, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof join));
	V(setsockopt(s, SOL_SOCKET, SO_BROADCAST, &on, sizeof on));
	if (!strcmp(what, "index"))
		by.imr_ifindex = 1;
	if (address)
		by.imr_address.s_addr = inet_addr(address);
	if (!strcmp(what, "device"))
		V(setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2));
	else if (strcmp(what, "nothing"))
		V(setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof by));
	send_to(s, GROUP, r);
	send_to(s, "255.255.255.255", r);
	send_to(s, "127.0.0.1", r);
	close(r);
	close(s);
}

static void leave(void)
{
	static const char *const names[][2] = {
		{ "0.0.0.0", "0.0.0.0" }, { GROUP, "0.0.0.0" }, { GROUP, "127.0.0.1" }, { "10.0.0.1", "127.0.0.1" },
		{ "10.0.0.1", "0.0.0.0" }, { GROUP, "10.0.0.1" },
	};
	struct ipv6_mreq six = { .ipv6mr_interface = 77 };
	int s = at("0.0.0.0"), s6 = socket(AF_INET6, SOCK_DGRAM, 0);

	SAY("-- leaving where we never were\n");
	for (unsigned k = 0; k < sizeof names / sizeof *names; k++) {
		struct ip_mreq m = { { inet_addr(names[k][0]) }, { inet_addr(names[k][1]) } };

		SAY("%s on %s: ", names[k][0], names[k][1]);
		V(setsockopt(s, IPPROTO_IP, IP_DROP_MEMBERSHIP, &m, sizeof m));
	}
	inet_pton(AF_INET6, "ff02::5", &six.ipv6mr_multiaddr);
	V(setsockopt(s6, IPPROTO_IPV6, IPV6_LEAVE_GROUP, &six, sizeof six));
	six.ipv6mr_interface = 1;
	V(setsockopt(s6, IPPROTO_IPV6, IPV6_LEAVE_GROUP, &six, sizeof six));
	close(s);
	close(s6);
}

static void all(void)
{
	static const char *const bound[] = { NULL, "127.0.0.1", "0.0.0.0", GROUP, "255.255.255.255" };

	for (unsigned k = 0; k < sizeof bound / sizeof *bound; k++) {
		ways("nothing", NULL, bound[k]);
		ways("address", "127.0.0.1", bound[k]);
		ways("index", NULL, bound[k]);
		ways("device", NULL, bound[k]);
	}
}

int main(void)
{
	struct ifreq r = { .ifr_name = "lo:9" };
	struct sockaddr_in a = named("10.4.4.4", 0);
	int s;

	if (!own_loopback())
		return 0;
	all();
	leave();
	SAY("-- with an address that others know\n");
	s = socket(AF_INET, SOCK_DGRAM, 0);
	memcpy(&r.ifr_addr, &a, sizeof a);
	V(ioctl(s, SIOCSIFADDR, &r));
	ways("index", NULL, NULL);
	ways("device", NULL, "0.0.0.0");
	close(s);
	return 0;
}
