/* SPDX-License-Identifier: Apache-2.0 */
/* Ancillary data of datagrams, received and sent: IP_PKTINFO, IP_TOS, IP_TTL,
 * IP_RECVORIGDSTADDR, their IPv6 twins, time stamps, SO_RXQ_OVFL. */
#include "abi.h"
#include "inet.h"
#include <linux/net_tstamp.h>
#ifndef IPV6_RECVORIGDSTADDR
#define IPV6_RECVORIGDSTADDR 74
#endif

static int on(int s, int level, int opt) { return setsockopt(s, level, opt, &(int){ 1 }, sizeof(int)); }

static void say_cmsg(struct cmsghdr *h)
{
	char ip[64];

	SAY("cmsg %d %d len %d", h->cmsg_level, h->cmsg_type, (int)h->cmsg_len);
	if (h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo *p = (void *)CMSG_DATA(h);

		SAY(": if %d spec %s", p->ipi_ifindex, inet_ntoa(p->ipi_spec_dst));
		SAY(" addr %s", inet_ntoa(p->ipi_addr));
	} else if (h->cmsg_level == IPPROTO_IPV6 && h->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo *p = (void *)CMSG_DATA(h);

		SAY(": if %d %s", p->ipi6_ifindex, inet_ntop(AF_INET6, &p->ipi6_addr, ip, sizeof ip));
	} else if (h->cmsg_len == CMSG_LEN(4)) {
		SAY(": %d", *(int *)CMSG_DATA(h));
	} else if (h->cmsg_len == CMSG_LEN(1)) {
		SAY(": %d", *(unsigned char *)CMSG_DATA(h));
	} else if (h->cmsg_level == SOL_SOCKET) {
		SAY(": set %d", *(long *)CMSG_DATA(h) > 1000000);
	} else {
		SAY(": family %d", ((struct sockaddr *)CMSG_DATA(h))->sa_family);
	}
	SAY("\n");
}

static void get(int s, size_t room)
{
	char b[16], c[512] = "", ip[64] = "-";
	struct sockaddr_storage from = { 0 };
	struct iovec v = { b, sizeof b };
	struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &v, .msg_iovlen = 1,
			    .msg_control = c, .msg_controllen = room };
	ssize_t n = recvmsg(s, &m, MSG_DONTWAIT);

	if (n < 0) {
		SAY("receive: %s\n", abi_errno(errno));
		return;
	}
	if (from.ss_family == AF_INET)
		inet_ntop(AF_INET, &((struct sockaddr_in *)&from)->sin_addr, ip, sizeof ip);
	else
		inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&from)->sin6_addr, ip, sizeof ip);
	SAY("receive: %zd from %s flags %x control %d\n", n, ip, m.msg_flags, (int)m.msg_controllen);
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h))
		say_cmsg(h);
}

static long put(int s, const void *to, size_t size, int level, int type, const void *data, size_t n)
{
	char c[256] = "";
	struct iovec v = { "data", 4 };
	struct msghdr m = { .msg_name = (void *)to, .msg_namelen = (socklen_t)size, .msg_iov = &v, .msg_iovlen = 1,
			    .msg_control = c, .msg_controllen = CMSG_SPACE(n) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = level;
	h->cmsg_type = type;
	h->cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(h), data, n);
	return sendmsg(s, &m, 0);
}

static void four(void)
{
	int r = socket(AF_INET, SOCK_DGRAM, 0), s = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in a = loopback(0);
	struct in_pktinfo pi = { 0 };

	a.sin_addr.s_addr = 0;
	bind(r, (void *)&a, sizeof a);
	a = name_of(r);
	a.sin_addr.s_addr = htonl(0x7f000203);
	V(on(r, IPPROTO_IP, IP_PKTINFO));
	V(on(r, IPPROTO_IP, IP_RECVTOS));
	V(on(r, IPPROTO_IP, IP_RECVTTL));
	V(on(r, IPPROTO_IP, IP_RECVORIGDSTADDR));
	V(sendto(s, "x", 1, 0, (void *)&a, sizeof a));
	get(r, 512);
	V(sendto(s, "x", 1, 0, (void *)&a, sizeof a));
	get(r, 40);
	V(sendto(s, "x", 1, 0, (void *)&a, sizeof a));
	get(r, 0);
	SAY("chosen by the message\n");
	V(put(s, &a, sizeof a, IPPROTO_IP, IP_TOS, &(unsigned char){ 8 }, 1));
	get(r, 512);
	V(put(s, &a, sizeof a, IPPROTO_IP, IP_TTL, &(int){ 5 }, 4));
	get(r, 512);
	V(put(s, &a, sizeof a, IPPROTO_IP, IP_TTL, &(int){ 0 }, 4));
	V(put(s, &a, sizeof a, IPPROTO_IP, IP_TTL, &(int){ 256 }, 4));
	pi.ipi_spec_dst.s_addr = htonl(0x7f000809);
	V(put(s, &a, sizeof a, IPPROTO_IP, IP_PKTINFO, &pi, sizeof pi));
	get(r, 512);
	pi.ipi_spec_dst.s_addr = 0;
	pi.ipi_ifindex = 1;
	V(put(s, &a, sizeof a, IPPROTO_IP, IP_PKTINFO, &pi, sizeof pi));
	get(r, 0);
	pi.ipi_ifindex = 77;
	V(put(s, &a, sizeof a, IPPROTO_IP, IP_PKTINFO, &pi, sizeof pi));
	pi.ipi_ifindex = 0;
	pi.ipi_spec_dst.s_addr = htonl(0x0a000001);
	V(put(s, &a, sizeof a, IPPROTO_IP, IP_PKTINFO, &pi, sizeof pi));
	V(put(s, &a, sizeof a, IPPROTO_IP, IP_PKTINFO, &pi, 4));
	V(put(s, &a, sizeof a, IPPROTO_IP, 99, &pi, 4));
	V(put(s, &a, sizeof a, IPPROTO_IPV6, IPV6_HOPLIMIT, &(int){ 5 }, 4));
	V(put(s, &a, sizeof a, SOL_SOCKET, 99, &pi, 4));
	close(r);
	close(s);
}

static void six(void)
{
	int r = socket(AF_INET6, SOCK_DGRAM, 0), s = socket(AF_INET6, SOCK_DGRAM, 0);
	struct sockaddr_in6 a = { .sin6_family = AF_INET6 };
	struct sockaddr_in a4;
	struct in6_pktinfo pi = { 0 };
	socklen_t n = sizeof a;
	int f;

	SAY("IPv6\n");
	bind(r, (void *)&a, sizeof a);
	getsockname(r, (void *)&a, &n);
	a4 = loopback(ntohs(a.sin6_port));
	a.sin6_addr = in6addr_loopback;
	V(on(r, IPPROTO_IPV6, IPV6_RECVPKTINFO));
	V(on(r, IPPROTO_IPV6, IPV6_RECVHOPLIMIT));
	V(on(r, IPPROTO_IPV6, IPV6_RECVTCLASS));
	V(on(r, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR));
	V(sendto(s, "x", 1, 0, (void *)&a, sizeof a));
	get(r, 512);
	V(put(s, &a, sizeof a, IPPROTO_IPV6, IPV6_HOPLIMIT, &(int){ 9 }, 4));
	get(r, 512);
	V(put(s, &a, sizeof a, IPPROTO_IPV6, IPV6_TCLASS, &(int){ 32 }, 4));
	get(r, 512);
	V(put(s, &a, sizeof a, IPPROTO_IPV6, IPV6_HOPLIMIT, &(int){ 256 }, 4));
	V(put(s, &a, sizeof a, IPPROTO_IPV6, IPV6_HOPLIMIT, &(int){ -1 }, 4));
	get(r, 0);
	V(put(s, &a, sizeof a, IPPROTO_IPV6, IPV6_TCLASS, &(int){ 300 }, 4));
	pi.ipi6_addr = in6addr_loopback;
	pi.ipi6_ifindex = 1;
	V(put(s, &a, sizeof a, IPPROTO_IPV6, IPV6_PKTINFO, &pi, sizeof pi));
	get(r, 0);
	inet_pton(AF_INET6, "2001:db8::1", &pi.ipi6_addr);
	V(put(s, &a, sizeof a, IPPROTO_IPV6, IPV6_PKTINFO, &pi, sizeof pi));
	pi.ipi6_addr = in6addr_any;
	pi.ipi6_ifindex = 77;
	V(put(s, &a, sizeof a, IPPROTO_IPV6, IPV6_PKTINFO, &pi, sizeof pi));
	V(put(s, &a, sizeof a, IPPROTO_IPV6, 99, &pi, 4));
	SAY("an IPv4 datagram at an IPv6 socket\n");
	V(on(r, IPPROTO_IP, IP_PKTINFO));
	V(on(r, IPPROTO_IP, IP_RECVTTL));
	f = socket(AF_INET, SOCK_DGRAM, 0);
	V(sendto(f, "x", 1, 0, (void *)&a4, sizeof a4));
	get(r, 512);
	close(f);
	close(r);
	close(s);
}

static void stamps(void)
{
	static const struct { const char *name; int opt, v; } o[] = {
		{ "SO_TIMESTAMP", SO_TIMESTAMP, 1 }, { "SO_TIMESTAMPNS", SO_TIMESTAMPNS, 1 },
		{ "SO_TIMESTAMPING", SO_TIMESTAMPING, SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE },
		{ "SO_RXQ_OVFL", SO_RXQ_OVFL, 1 },
	};
	struct sockaddr_in a;

	for (unsigned i = 0; i < sizeof o / sizeof *o; i++) {
		int r = socket(AF_INET, SOCK_DGRAM, 0);

		SAY("%s\n", o[i].name);
		V(int_opt(r, SOL_SOCKET, o[i].opt));
		V(setsockopt(r, SOL_SOCKET, o[i].opt, &o[i].v, sizeof o[i].v));
		V(int_opt(r, SOL_SOCKET, o[i].opt) == o[i].v);
		a = loopback(0);
		bind(r, (void *)&a, sizeof a);
		a = name_of(r);
		sendto(r, "x", 1, 0, (void *)&a, sizeof a);
		msleep(5);
		get(r, 512);
		close(r);
	}
	{
		int r = socket(AF_INET, SOCK_DGRAM, 0);
		static char big[4000];

		SAY("losses are counted\n");
		V(setsockopt(r, SOL_SOCKET, SO_RXQ_OVFL, &(int){ 1 }, sizeof(int)));
		V(setsockopt(r, SOL_SOCKET, SO_RCVBUF, &(int){ 5000 }, sizeof(int)));
		a = loopback(0);
		bind(r, (void *)&a, sizeof a);
		a = name_of(r);
		for (int i = 0; i < 20; i++)
			sendto(r, big, sizeof big, 0, (void *)&a, sizeof a);
		for (int i = 0; i < 20; i++) {
			char c[64];
			struct iovec v = { big, sizeof big };
			struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c };
			struct cmsghdr *h;

			if (recvmsg(r, &m, MSG_DONTWAIT) < 0)
				break;
			h = CMSG_FIRSTHDR(&m);
			if (!i)
				SAY("first: %s\n", h ? "count" : "none");
		}
		sendto(r, "x", 1, 0, (void *)&a, sizeof a);
		{
			char c[64];
			struct iovec v = { big, sizeof big };
			struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c };
			struct cmsghdr *h;

			V(recvmsg(r, &m, 0));
			h = CMSG_FIRSTHDR(&m);
			SAY("later: %d\n", h && *(int *)CMSG_DATA(h) > 5);
		}
		close(r);
	}
}

int main(void)
{
	four();
	six();
	stamps();
	return 0;
}
