/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses that cannot be: what connect, bind and send say, in a network name
 * space of its own (root), where only lo is up. */
#include "abi.h"
#include "inet.h"
#include <net/if.h>

static int lo_up(void)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int s = socket(AF_INET, SOCK_DGRAM, 0), err = ioctl(s, SIOCSIFFLAGS, &r);

	close(s);
	return err;
}

static const char *const v4[] = { "10.1.2.3", "192.0.2.1", "255.255.255.255", "224.0.0.1", "239.1.2.3", "127.255.255.255",
				  "127.0.0.0", "0.0.0.0", "240.0.0.1", "169.254.1.1", "0.0.0.5" };
static const char *const v6[] = { "2001:db8::1", "fe80::1", "ff02::1", "ff01::1", "::", "::2", "::ffff:10.1.2.3", "::ffff:0.0.0.0", "fec0::1" };

static void with4(int type, const char *ip)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(9) };
	int s = socket(AF_INET, type, 0);

	inet_pton(AF_INET, ip, &a.sin_addr);
	SAY("%s type %d: connect %s", ip, type, connect(s, (void *)&a, sizeof a) ? abi_errno(errno) : "ok");
	close(s);
	s = socket(AF_INET, type, 0);
	a.sin_port = 0;
	SAY(", bind %s", bind(s, (void *)&a, sizeof a) ? abi_errno(errno) : "ok");
	close(s);
	s = socket(AF_INET, type, 0);
	a.sin_port = htons(9);
	if (type == SOCK_DGRAM)
		SAY(", send %s", sendto(s, "x", 1, 0, (void *)&a, sizeof a) < 0 ? abi_errno(errno) : "ok");
	SAY("\n");
	close(s);
}

static void with6(int type, const char *ip, int scope)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(9), .sin6_scope_id = (uint32_t)scope };
	int s = socket(AF_INET6, type, 0);

	inet_pton(AF_INET6, ip, &a.sin6_addr);
	SAY("%s%%%d type %d: connect %s", ip, scope, type, connect(s, (void *)&a, sizeof a) ? abi_errno(errno) : "ok");
	close(s);
	s = socket(AF_INET6, type, 0);
	a.sin6_port = 0;
	SAY(", bind %s", bind(s, (void *)&a, sizeof a) ? abi_errno(errno) : "ok");
	close(s);
	s = socket(AF_INET6, type, 0);
	a.sin6_port = htons(9);
	if (type == SOCK_DGRAM)
		SAY(", send %s", sendto(s, "x", 1, 0, (void *)&a, sizeof a) < 0 ? abi_errno(errno) : "ok");
	SAY("\n");
	close(s);
}

static void foreign(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int s = socket(AF_INET, SOCK_STREAM, 0);

	SAY("addresses of others\n");
	inet_pton(AF_INET, "10.1.2.3", &a.sin_addr);
	V(bind(s, (void *)&a, sizeof a));
	V(setsockopt(s, IPPROTO_IP, IP_FREEBIND, &(int){ 1 }, sizeof(int)));
	V(bind(s, (void *)&a, sizeof a));
	V(listen(s, 1));
	a = loopback(9);
	V(connect(s, (void *)&a, sizeof a));
	close(s);
	s = socket(AF_INET, SOCK_STREAM, 0);
	inet_pton(AF_INET, "10.1.2.3", &a.sin_addr);
	a.sin_port = 0;
	setsockopt(s, IPPROTO_IP, IP_FREEBIND, &(int){ 1 }, sizeof(int));
	V(bind(s, (void *)&a, sizeof a));
	a = loopback(9);
	V(connect(s, (void *)&a, sizeof a));
	close(s);
	s = socket(AF_INET, SOCK_STREAM, 0);
	V(setsockopt(s, IPPROTO_IP, IP_TRANSPARENT, &(int){ 1 }, sizeof(int)));
	inet_pton(AF_INET, "10.1.2.3", &a.sin_addr);
	a.sin_port = 0;
	V(bind(s, (void *)&a, sizeof a));
	close(s);
	SAY("unprivileged\n");
	if (setresuid(1234, 1234, 1234))
		return;
	s = socket(AF_INET, SOCK_STREAM, 0);
	V(setsockopt(s, IPPROTO_IP, IP_TRANSPARENT, &(int){ 1 }, sizeof(int)));
	V(setsockopt(s, IPPROTO_IP, IP_TRANSPARENT, &(int){ 0 }, sizeof(int)));
	V(setsockopt(s, IPPROTO_IP, IP_FREEBIND, &(int){ 1 }, sizeof(int)));
	V(setsockopt(s, SOL_SOCKET, SO_MARK, &(int){ 1 }, sizeof(int)));
	V(setsockopt(s, SOL_SOCKET, SO_PRIORITY, &(int){ 6 }, sizeof(int)));
	V(setsockopt(s, SOL_SOCKET, SO_PRIORITY, &(int){ 7 }, sizeof(int)));
	V(setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	V(setsockopt(s, SOL_SOCKET, SO_DEBUG, &(int){ 1 }, sizeof(int)));
	V(setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &(int){ 100000 }, sizeof(int)));
	a = loopback(80);
	V(bind(s, (void *)&a, sizeof a));
	a = loopback(1023);
	V(bind(s, (void *)&a, sizeof a));
	a = loopback(1024);
	V(bind(s, (void *)&a, sizeof a));
	close(s);
	V(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	V(socket(AF_PACKET, SOCK_RAW, 0));
	V(socket(AF_PACKET, SOCK_DGRAM, 0));
}

int main(void)
{
	if (geteuid() || unshare(CLONE_NEWNET)) {
		SAY("needs root\n");
		return 0;
	}
	{
		struct sockaddr_in a = loopback(9);
		int s = socket(AF_INET, SOCK_STREAM, 0);

		SAY("lo is down\n");
		V(connect(s, (void *)&a, sizeof a));
		close(s);
		s = socket(AF_INET, SOCK_DGRAM, 0);
		V(sendto(s, "x", 1, 0, (void *)&a, sizeof a));
		close(s);
	}
	V(lo_up());
	for (unsigned i = 0; i < sizeof v4 / sizeof *v4; i++) {
		with4(SOCK_STREAM, v4[i]);
		with4(SOCK_DGRAM, v4[i]);
	}
	for (unsigned i = 0; i < sizeof v6 / sizeof *v6; i++) {
		with6(SOCK_STREAM, v6[i], 0);
		with6(SOCK_DGRAM, v6[i], 0);
	}
	with6(SOCK_DGRAM, "ff02::1", 1);
	with6(SOCK_DGRAM, "fe80::1", 1);
	with6(SOCK_STREAM, "ff02::1", 1);
	with6(SOCK_DGRAM, "ff02::1", 77);
	with6(SOCK_DGRAM, "::1", 77);
	foreign();
	return 0;
}
