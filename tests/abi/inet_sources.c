/* SPDX-License-Identifier: Apache-2.0 */
/* The whole list of sources of a multicast group: IP_MSFILTER, MCAST_MSFILTER, and
 * that it decides what arrives. RFC 3678. */
#include "abi.h"
#include "inet.h"

#define GROUP4 "239.7.7.7"
#define GROUP6 "ff15::7"
#define R(what, e) do { errno = 0; long r_ = (long)(e); \
	SAY("%s: %ld %s\n", what, r_, r_ < 0 ? abi_errno(errno) : ""); } while (0)

static struct in_addr ip(const char *t) { struct in_addr a; inet_pton(AF_INET, t, &a); return a; }

static void address(struct sockaddr_storage *to, int family, const char *text)
{
	memset(to, 0, sizeof *to);
	to->ss_family = (sa_family_t)family;
	inet_pton(family, text, family == AF_INET ? (void *)&((struct sockaddr_in *)to)->sin_addr :
		  (void *)&((struct sockaddr_in6 *)to)->sin6_addr);
}

static int set4(int s, const char *group, unsigned mode, unsigned count, int size)
{
	char b[512] = { 0 }, t[32];
	struct ip_msfilter *f = (void *)b;

	f->imsf_multiaddr = ip(group);
	f->imsf_interface = ip("127.0.0.1");
	f->imsf_fmode = mode;
	f->imsf_numsrc = count;
	for (unsigned k = 0; k < count && k < 20; k++) {
		snprintf(t, sizeof t, "127.0.0.%u", k + 1);
		f->imsf_slist[k] = ip(t);
	}
	return setsockopt(s, IPPROTO_IP, IP_MSFILTER, b, size < 0 ? IP_MSFILTER_SIZE(count) : (socklen_t)size);
}

static void show4(int s, const char *group, unsigned room)
{
	char b[512] = { 0 };
	struct ip_msfilter *f = (void *)b;
	socklen_t n = sizeof b;

	f->imsf_multiaddr = ip(group);
	f->imsf_interface = ip("127.0.0.1");
	f->imsf_numsrc = room;
	if (getsockopt(s, IPPROTO_IP, IP_MSFILTER, b, &n)) {
		SAY("  %s\n", abi_errno(errno));
		return;
	}
	SAY("  %u bytes, mode %u, %u:", n, f->imsf_fmode, f->imsf_numsrc);
	for (unsigned k = 0; k < f->imsf_numsrc && k < room; k++)
		SAY(" %s", inet_ntoa(f->imsf_slist[k]));
	SAY("\n");
}

static int setg(int s, int family, const char *group, unsigned link, unsigned mode, unsigned count, int size)
{
	static char b[20000];
	struct group_filter *f = (void *)b;
	char t[32];

	memset(b, 0, sizeof b);
	f->gf_interface = link;
	f->gf_fmode = mode;
	f->gf_numsrc = count;
	address(&f->gf_group, family, group);
	for (unsigned k = 0; k < count; k++) {
		snprintf(t, sizeof t, family == AF_INET ? "127.0.0.%u" : "::%u", k + 1);
		address(&f->gf_slist[k], family, t);
	}
	return setsockopt(s, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, MCAST_MSFILTER, b,
			  size < 0 ? GROUP_FILTER_SIZE(count) : (socklen_t)size);
}

static void showg(int s, int family, const char *group, unsigned room)
{
	static char b[20000];
	struct group_filter *f = (void *)b;
	socklen_t n = sizeof b;
	char t[64];

	memset(b, 0, sizeof b);
	f->gf_interface = 1;
	f->gf_numsrc = room;
	address(&f->gf_group, family, group);
	if (getsockopt(s, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, MCAST_MSFILTER, b, &n)) {
		SAY("  %s\n", abi_errno(errno));
		return;
	}
	SAY("  %u bytes, mode %u, %u:", n, f->gf_fmode, f->gf_numsrc);
	for (unsigned k = 0; k < f->gf_numsrc && k < room && k < 4; k++) {
		struct sockaddr_in6 *a = (void *)&f->gf_slist[k];

		inet_ntop(family, family == AF_INET ? (void *)&((struct sockaddr_in *)(void *)a)->sin_addr :
			  (void *)&a->sin6_addr, t, sizeof t);
		SAY(" %s", t);
	}
	SAY("\n");
}

static void lists4(void)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0), t = socket(AF_INET, SOCK_STREAM, 0);
	struct ip_mreqn m = { ip(GROUP4), ip("127.0.0.1"), 0 };
	struct ip_mreq_source src = { ip(GROUP4), ip("127.0.0.1"), ip("127.0.0.9") };

	SAY("IPv4\n");
	show4(s, GROUP4, 4);
	R("not a member", set4(s, GROUP4, MCAST_INCLUDE, 1, -1));
	setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof m);
	show4(s, GROUP4, 4);
	R("two excluded", set4(s, GROUP4, MCAST_EXCLUDE, 2, -1));
	show4(s, GROUP4, 4);
	show4(s, GROUP4, 1);
	show4(s, GROUP4, 0);
	showg(s, AF_INET, GROUP4, 4);
	showg(s, AF_INET, GROUP4, 1);
	R("no head", set4(s, GROUP4, 0, 2, 12));
	R("short", set4(s, GROUP4, 0, 2, 20));
	R("mode 7", set4(s, GROUP4, 7, 1, -1));
	R("too many", set4(s, GROUP4, 0, 11, -1));
	R("the most", set4(s, GROUP4, 0, 10, -1));
	show4(s, GROUP4, 10);
	R("no group", set4(s, "10.0.0.1", 0, 1, -1));
	R("another group", set4(s, "239.7.7.8", 0, 1, -1));
	R("three included", set4(s, GROUP4, MCAST_INCLUDE, 3, -1));
	R("block", setsockopt(s, IPPROTO_IP, IP_BLOCK_SOURCE, &src, sizeof src));
	R("one more", setsockopt(s, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &src, sizeof src));
	show4(s, GROUP4, 5);
	R("none included", set4(s, GROUP4, MCAST_INCLUDE, 0, -1));
	show4(s, GROUP4, 4);
	setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof m);
	R("general", setg(s, AF_INET, GROUP4, 1, MCAST_EXCLUDE, 2, -1));
	showg(s, AF_INET, GROUP4, 4);
	R("no such link", setg(s, AF_INET, GROUP4, 9, 1, 1, -1));
	R("general, short", setg(s, AF_INET, GROUP4, 1, 1, 2, 300));
	R("general, too many", setg(s, AF_INET, GROUP4, 1, 1, 11, -1));
	R("a stream", set4(t, GROUP4, 0, 1, -1));
	show4(t, GROUP4, 3);
	close(s);
	close(t);
}

static void lists6(void)
{
	int s = socket(AF_INET6, SOCK_DGRAM, 0);
	struct group_req g = { .gr_interface = 1 };

	SAY("IPv6\n");
	address(&g.gr_group, AF_INET6, GROUP6);
	showg(s, AF_INET6, GROUP6, 4);
	R("join", setsockopt(s, IPPROTO_IPV6, MCAST_JOIN_GROUP, &g, sizeof g));
	showg(s, AF_INET6, GROUP6, 4);
	R("two excluded", setg(s, AF_INET6, GROUP6, 1, MCAST_EXCLUDE, 2, -1));
	showg(s, AF_INET6, GROUP6, 4);
	R("three included", setg(s, AF_INET6, GROUP6, 1, MCAST_INCLUDE, 3, -1));
	showg(s, AF_INET6, GROUP6, 4);
	R("the most", setg(s, AF_INET6, GROUP6, 1, MCAST_INCLUDE, 64, -1));
	showg(s, AF_INET6, GROUP6, 64);
	R("too many", setg(s, AF_INET6, GROUP6, 1, MCAST_INCLUDE, 65, -1));
	R("no group", setg(s, AF_INET6, "::1", 1, 1, 1, -1));
	R("another group", setg(s, AF_INET6, "ff15::8", 1, 1, 1, -1));
	R("none included", setg(s, AF_INET6, GROUP6, 1, MCAST_INCLUDE, 0, -1));
	showg(s, AF_INET6, GROUP6, 4);
	R("leave", setsockopt(s, IPPROTO_IPV6, MCAST_LEAVE_GROUP, &g, sizeof g));
	close(s);
}

static void filtering(void)
{
	int r = socket(AF_INET, SOCK_DGRAM, 0), s = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct ip_mreqn m = { ip(GROUP4), ip("127.0.0.1"), 0 };
	socklen_t n = sizeof a;
	char b[8];

	SAY("what arrives from 127.0.0.1\n");
	bind(r, (void *)&a, sizeof a);
	getsockname(r, (void *)&a, &n);
	a.sin_addr = ip(GROUP4);
	setsockopt(r, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof m);
	m.imr_multiaddr.s_addr = 0;
	setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &m, sizeof m);
	for (int mode = 0; mode < 2; mode++) {
		R("list", set4(r, GROUP4, (unsigned)mode, 1, -1));
		R("send", sendto(s, "x", 1, 0, (void *)&a, sizeof a));
		msleep(5);
		R("recv", recv(r, b, sizeof b, MSG_DONTWAIT));
	}
	close(r);
	close(s);
}

int main(void)
{
	lists4();
	lists6();
	filtering();
	return 0;
}
