/* SPDX-License-Identifier: Apache-2.0 */
/* Every option of every kind of socket: what it is at first, what it takes, of which size, and
 * what it shows then. socket(7), ip(7), ipv6(7), tcp(7), udp(7), netlink(7). */
#include "abi.h"
#include <linux/netlink.h>
#include <netinet/in.h>

static const struct kind { const char *name; int family, type, protocol; } kinds[] = {
	{ "tcp4", AF_INET, SOCK_STREAM, 0 }, { "tcp6", AF_INET6, SOCK_STREAM, 0 }, { "udp4", AF_INET, SOCK_DGRAM, 0 },
	{ "udp6", AF_INET6, SOCK_DGRAM, 0 }, { "raw4", AF_INET, SOCK_RAW, IPPROTO_UDP },
	{ "icmp4", AF_INET, SOCK_RAW, IPPROTO_ICMP }, { "raw6", AF_INET6, SOCK_RAW, IPPROTO_UDP },
	{ "icmp6", AF_INET6, SOCK_RAW, IPPROTO_ICMPV6 }, { "unix stream", AF_UNIX, SOCK_STREAM, 0 },
	{ "unix datagram", AF_UNIX, SOCK_DGRAM, 0 }, { "route", AF_NETLINK, SOCK_RAW, NETLINK_ROUTE },
	{ "uevent", AF_NETLINK, SOCK_DGRAM, NETLINK_KOBJECT_UEVENT },
};
/* 0 ends a list.  Not here: what depends on the machine (limits of buffers), what Linux may have been built
 * without, and what Nacre has not. */
static const struct level { const char *name; int level; unsigned char opts[64]; } levels[] = {
	{ "SOCKET", SOL_SOCKET, { 1, 2, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16, 20, 21, 27, 29, 34, 35, 36, 37, 40, 41, 43,
		44, 45, 46, 47, 49, 53, 56, 62, 63, 64, 65, 69, 70, 72, 74 } },
	{ "IP", IPPROTO_IP, { 1, 2, 3, 6, 7, 8, 10, 11, 12, 13, 14, 15, 18, 19, 20, 21, 22, 23, 24, 25, 26, 32, 33, 34, 35,
		37, 38, 39, 40, 42, 43, 44, 45, 46, 47, 49, 50, 51, 52 } },
	{ "IPV6", IPPROTO_IPV6, { 2, 3, 4, 5, 8, 11, 16, 18, 19, 20, 21, 23, 24, 25, 26, 29, 30, 31, 33, 49, 51, 53, 54, 55, 56, 57, 58,
		59, 60, 61, 62, 66, 67, 70, 72, 73, 74, 75, 76, 77, 78 } },
	{ "TCP", IPPROTO_TCP, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 17, 18, 23, 25, 27, 28, 30, 34, 36 } },
	{ "UDP", IPPROTO_UDP, { 1, 10, 11, 101, 102, 103, 104 } },
	{ "UDPLITE", IPPROTO_UDPLITE, { 1, 2, 10, 11 } },
	{ "RAW", 255, { 1, 2 } }, { "ICMPV6", IPPROTO_ICMPV6, { 2 } },
	{ "NETLINK", SOL_NETLINK, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 } },
};

static void get(int s, int level, int opt, int size)
{
	unsigned char b[300];
	socklen_t n = (socklen_t)size;

	memset(b, 0xee, sizeof b);
	printf(" get %d:", size);
	if (getsockopt(s, level, opt, b, &n)) {
		printf("%s", abi_errno(errno));
		return;
	}
	printf("%d=", (int)n);
	for (socklen_t i = 0; i < n && i < 12; i++)
		printf("%02x", b[i]);
}

static void set(int s, int level, int opt, int value, int size)
{
	char b[300] = { 0 };

	memcpy(b, &value, sizeof value);
	printf(" set %d/%d:%s", value, size, setsockopt(s, level, opt, b, (socklen_t)size) ? abi_errno(errno) : "ok");
	get(s, level, opt, 4);
}

int main(void)
{
	static const int values[] = { 1, 0, -1, 2, 255, 256, 8192 };

	for (const struct kind *k = kinds; k < kinds + sizeof kinds / sizeof kinds[0]; k++)
		for (const struct level *l = levels; l < levels + sizeof levels / sizeof levels[0]; l++)
			for (const unsigned char *o = l->opts; *o; o++) {
				int s = socket(k->family, k->type, k->protocol);

				if (s < 0) {
					SAY("%s: %s\n", k->name, abi_errno(errno));
					goto next;
				}
				SAY("%s %s %d:", k->name, l->name, *o);
				for (int size = 0; size <= 256; size = size ? size * 4 : 1)
					get(s, l->level, *o, size);
				for (unsigned i = 0; i < sizeof values / sizeof values[0]; i++)
					set(s, l->level, *o, values[i], 4);
				for (int size = 0; size < 4; size++)
					set(s, l->level, *o, 1, size);
				set(s, l->level, *o, 1, 8);
				SAY("\n");
				close(s);
				next:;
			}
	return 0;
}
