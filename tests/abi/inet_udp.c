/* SPDX-License-Identifier: Apache-2.0 */
/* UDP on loopback: boundaries, names, connected sockets, errors that come
 * back, flags, ancillary data, shutdown. */
#include "abi.h"
#include "inet.h"
#include <linux/errqueue.h>

static int bound(void)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in a = loopback(0);

	bind(s, (void *)&a, sizeof a);
	return s;
}

static void messages(void)
{
	int s = bound(), c = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in to = name_of(s), from, mine;
	socklen_t n = sizeof from;
	char b[64], *big = calloc(1, 70000);

	say_poll("empty", s);
	V(recv(s, b, sizeof b, MSG_DONTWAIT));
	V(send(c, "x", 1, 0));
	V(sendto(c, "hello", 5, 0, (void *)&to, sizeof to));
	V(sendto(c, "", 0, 0, (void *)&to, sizeof to));
	V(sendto(c, "longer message", 14, 0, (void *)&to, sizeof to));
	say_poll("three", s);
	V(ioctl(s, FIONREAD, &n));
	V(n);
	n = sizeof from;
	V(recvfrom(s, b, sizeof b, MSG_PEEK, (void *)&from, &n));
	mine = name_of(c);
	V(from.sin_port == mine.sin_port && from.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
	V(mine.sin_addr.s_addr);
	V(recv(s, b, sizeof b, 0));
	V(recv(s, b, sizeof b, 0));
	V(recv(s, b, 6, MSG_TRUNC));
	V(recv(s, b, 6, MSG_DONTWAIT));
	V(sendto(c, big, 65507, 0, (void *)&to, sizeof to));
	V(sendto(c, big, 65508, 0, (void *)&to, sizeof to));
	V(recv(s, big, 70000, 0));
	V(sendto(c, "x", 1, MSG_OOB, (void *)&to, sizeof to));
	to.sin_port = 0;
	V(sendto(c, "x", 1, 0, (void *)&to, sizeof to));
	V(sendto(c, "x", 1, 0, (void *)&to, 3));
	V(listen(s, 1));
	V(accept(s, NULL, NULL));
	V(shutdown(s, SHUT_RD));
	to.sin_port = htons(9);
	to.sin_addr.s_addr = htonl(0x7fffffff);
	V(sendto(c, "x", 1, 0, (void *)&to, sizeof to));
	close(s);
	close(c);
	free(big);
}

static void connected(void)
{
	int s = bound(), c = bound(), other = bound();
	struct sockaddr_in to = name_of(s), me = name_of(c), gone;
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	socklen_t n = sizeof gone;
	char b[16];

	V(getpeername(c, (void *)&gone, &n));
	V(connect(c, (void *)&to, sizeof to));
	V(getpeername(c, (void *)&gone, &n));
	V(send(c, "one", 3, 0));
	V(write(c, "two", 3));
	V(recv(s, b, sizeof b, 0));
	V(recv(s, b, sizeof b, 0));
	V(sendto(other, "not for you", 11, 0, (void *)&me, sizeof me));
	V(recv(c, b, sizeof b, MSG_DONTWAIT));
	V(sendto(s, "for you", 7, 0, (void *)&me, sizeof me));
	V(recv(c, b, sizeof b, MSG_DONTWAIT));
	close(s);
	V(send(c, "x", 1, 0));
	msleep(10);
	say_poll("refused", c);
	V(int_opt(c, SOL_SOCKET, SO_ERROR));
	V(send(c, "x", 1, 0));
	msleep(10);
	V(send(c, "x", 1, 0));
	V(recv(c, b, sizeof b, MSG_DONTWAIT));
	V(recv(c, b, sizeof b, MSG_DONTWAIT));
	V(shutdown(c, SHUT_WR));
	V(send(c, "x", 1, MSG_NOSIGNAL));
	V(shutdown(c, SHUT_RDWR));
	say_poll("shut", c);
	V(recv(c, b, sizeof b, 0));
	V(connect(c, &none, sizeof none));
	V(getpeername(c, (void *)&gone, &n));
	close(c);
	close(other);
}

static void error_queue(void)
{
	int s = bound(), c = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in to = name_of(s), from;
	char b[16], ctl[256];
	struct iovec v = { b, sizeof b };
	struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &v, .msg_iovlen = 1,
			    .msg_control = ctl, .msg_controllen = sizeof ctl };
	struct cmsghdr *h;

	close(s);
	V(setsockopt(c, IPPROTO_IP, IP_RECVERR, &(int){ 1 }, sizeof(int)));
	V(recvmsg(c, &m, MSG_ERRQUEUE));
	V(sendto(c, "lost", 4, 0, (void *)&to, sizeof to));
	msleep(10);
	say_poll("error", c);
	V(recvmsg(c, &m, MSG_ERRQUEUE));
	V(m.msg_flags);
	V(from.sin_port == to.sin_port);
	h = CMSG_FIRSTHDR(&m);
	if (h) {
		struct sock_extended_err *e = (void *)CMSG_DATA(h);

		SAY("%d %d: %s %d %d %d\n", h->cmsg_level, h->cmsg_type, abi_errno((int)e->ee_errno), e->ee_origin,
		    e->ee_type, e->ee_code);
	}
	say_poll("taken", c);
	close(c);
}

static void ancillary(void)
{
	int s = bound(), c = bound();
	struct sockaddr_in to = name_of(s);
	char b[16], ctl[512];
	struct iovec v = { b, sizeof b };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof ctl };

	V(setsockopt(s, IPPROTO_IP, IP_PKTINFO, &(int){ 1 }, sizeof(int)));
	V(setsockopt(s, IPPROTO_IP, IP_RECVTTL, &(int){ 1 }, sizeof(int)));
	V(setsockopt(s, IPPROTO_IP, IP_RECVTOS, &(int){ 1 }, sizeof(int)));
	V(setsockopt(c, IPPROTO_IP, IP_TOS, &(int){ 0x10 }, sizeof(int)));
	V(sendto(c, "x", 1, 0, (void *)&to, sizeof to));
	V(recvmsg(s, &m, 0));
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		SAY("level %d type %d size %d", h->cmsg_level, h->cmsg_type, (int)h->cmsg_len);
		if (h->cmsg_type == IP_TTL)
			SAY(" ttl %d", *(int *)CMSG_DATA(h));
		if (h->cmsg_type == IP_TOS)
			SAY(" tos %d", *(unsigned char *)CMSG_DATA(h));
		if (h->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo *i = (void *)CMSG_DATA(h);

			SAY(" if %d %s", i->ipi_ifindex, inet_ntoa(i->ipi_addr));
		}
		SAY("\n");
	}
	m.msg_controllen = 20;
	V(sendto(c, "x", 1, 0, (void *)&to, sizeof to));
	V(recvmsg(s, &m, 0));
	V(m.msg_flags & MSG_CTRUNC);
	close(s);
	close(c);
}

static void many(void)
{
	int s = bound(), c = bound();
	struct sockaddr_in to = name_of(s), from[4];
	char b[4][8];
	struct iovec v[4];
	struct mmsghdr m[4];
	struct timespec soon = { 0, 20000000 };

	memset(m, 0, sizeof m);
	for (int i = 0; i < 4; i++) {
		snprintf(b[i], 8, "msg %d", i);
		v[i] = (struct iovec){ b[i], 5 };
		m[i].msg_hdr = (struct msghdr){ .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &v[i], .msg_iovlen = 1 };
	}
	V(sendmmsg(c, m, 3, 0));
	V(m[0].msg_len + m[1].msg_len + m[2].msg_len);
	for (int i = 0; i < 4; i++) {
		v[i].iov_len = 8;
		m[i].msg_hdr.msg_name = &from[i];
		m[i].msg_hdr.msg_namelen = sizeof from[i];
	}
	V(recvmmsg(s, m, 4, MSG_WAITFORONE, NULL));
	SAY("%.5s %.5s %.5s\n", b[0], b[1], b[2]);
	V(recvmmsg(s, m, 4, MSG_DONTWAIT, NULL));
	V(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ 0, 30000 }, sizeof(struct timeval)));
	V(recv(s, b[0], 8, 0));
	V(recvmmsg(s, m, 1, 0, &soon));
	close(s);
	close(c);
}

static void overflow(void)
{
	int s = bound(), c = bound(), n = 0;
	struct sockaddr_in to = name_of(s);
	static char b[1000];
	bool all = true;

	V(setsockopt(s, SOL_SOCKET, SO_RCVBUF, &(int){ 4096 }, sizeof(int)));
	V(int_opt(s, SOL_SOCKET, SO_RCVBUF));
	for (int i = 0; i < 100; i++)
		all &= sendto(c, b, sizeof b, 0, (void *)&to, sizeof to) == sizeof b;
	while (recv(s, b, sizeof b, MSG_DONTWAIT) > 0)
		n++;
	V(all);
	V(n > 0 && n < 100);
	close(s);
	close(c);
}

static void six(void)
{
	int s = socket(AF_INET6, SOCK_DGRAM, 0), c = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in6 a = { .sin6_family = AF_INET6 }, from;
	struct sockaddr_in to;
	socklen_t n = sizeof a;
	char b[64];

	V(bind(s, (void *)&a, sizeof a));
	getsockname(s, (void *)&a, &n);
	to = loopback(ntohs(a.sin6_port));
	V(sendto(c, "four", 4, 0, (void *)&to, sizeof to));
	n = sizeof from;
	V(recvfrom(s, b, sizeof b, 0, (void *)&from, &n));
	SAY("%s\n", inet_ntop(AF_INET6, &from.sin6_addr, b, sizeof b));
	a.sin6_addr = in6addr_loopback;
	V(sendto(s, "six", 3, 0, (void *)&a, sizeof a));
	V(recvfrom(s, b, sizeof b, 0, (void *)&from, &n));
	SAY("%s\n", inet_ntop(AF_INET6, &from.sin6_addr, b, sizeof b));
	close(s);
	close(c);
}

int main(void)
{
	messages();
	connected();
	error_queue();
	ancillary();
	many();
	overflow();
	six();
	return 0;
}
