/* SPDX-License-Identifier: Apache-2.0 */
/* Errors that come back to datagram sockets: IP_RECVERR, IPV6_RECVERR,
 * MSG_ERRQUEUE, SO_ERROR, poll. ip(7). */
#include "abi.h"
#include "inet.h"
#include <linux/errqueue.h>

static struct sockaddr_in dead4(void)
{
	struct sockaddr_in a = loopback(0);
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	bind(s, (void *)&a, sizeof a);
	a = name_of(s);
	close(s);
	return a;
}

static void say_queue(int s, int room)
{
	char b[8] = "", c[256];
	struct sockaddr_storage from;
	struct iovec v = { b, (size_t)room };
	struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &v, .msg_iovlen = 1,
			    .msg_control = c, .msg_controllen = sizeof c };
	ssize_t n = recvmsg(s, &m, MSG_ERRQUEUE);

	if (n < 0) {
		SAY("queue: %s\n", abi_errno(errno));
		return;
	}
	SAY("queue: %zd '%.*s' flags %x family %d namelen %d\n", n, (int)n, b, m.msg_flags, from.ss_family, m.msg_namelen);
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		struct sock_extended_err *e = (void *)CMSG_DATA(h);
		struct sockaddr *o = SO_EE_OFFENDER(e);

		SAY("cmsg %d %d len %d: %s origin %d type %d code %d info %u data %u offender %d\n", h->cmsg_level,
		    h->cmsg_type, (int)h->cmsg_len, abi_errno((int)e->ee_errno), e->ee_origin, e->ee_type, e->ee_code,
		    e->ee_info, e->ee_data, o->sa_family);
	}
}

static void plain(void)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in a = dead4();
	char b[4];

	SAY("not asked for, unconnected\n");
	V(sendto(s, "x", 1, 0, (void *)&a, sizeof a));
	msleep(10);
	say_poll("unconnected", s);
	V(int_opt(s, SOL_SOCKET, SO_ERROR));
	SAY("connected\n");
	V(connect(s, (void *)&a, sizeof a));
	V(send(s, "x", 1, 0));
	msleep(10);
	say_poll("refused", s);
	V(send(s, "x", 1, 0));
	say_poll("told", s);
	V(send(s, "x", 1, 0));
	msleep(10);
	V(recv(s, b, 1, MSG_DONTWAIT));
	V(recv(s, b, 1, MSG_DONTWAIT));
	V(send(s, "x", 1, 0));
	msleep(10);
	V(int_opt(s, SOL_SOCKET, SO_ERROR));
	V(int_opt(s, SOL_SOCKET, SO_ERROR));
	say_queue(s, 8);
	close(s);
}

static void asked(void)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in a = dead4();
	char b[4];

	SAY("IP_RECVERR\n");
	V(setsockopt(s, IPPROTO_IP, IP_RECVERR, &(int){ 1 }, sizeof(int)));
	V(sendto(s, "hello", 5, 0, (void *)&a, sizeof a));
	msleep(10);
	say_poll("one", s);
	say_queue(s, 8);
	say_poll("taken", s);
	say_queue(s, 8);
	V(sendto(s, "1", 1, 0, (void *)&a, sizeof a));
	msleep(10);
	V(sendto(s, "2", 1, 0, (void *)&a, sizeof a));
	V(sendto(s, "3", 1, 0, (void *)&a, sizeof a));
	msleep(10);
	V(recv(s, b, 1, MSG_DONTWAIT));
	say_poll("two", s);
	say_queue(s, 0);
	say_queue(s, 8);
	say_poll("none", s);
	V(int_opt(s, SOL_SOCKET, SO_ERROR));
	V(sendto(s, "5", 1, 0, (void *)&a, sizeof a));
	msleep(10);
	SAY("switched off: emptied\n");
	V(setsockopt(s, IPPROTO_IP, IP_RECVERR, &(int){ 0 }, sizeof(int)));
	say_queue(s, 8);
	close(s);
}

static void six(void)
{
	int s = socket(AF_INET6, SOCK_DGRAM, 0);
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback, .sin6_port = dead4().sin_port };

	SAY("IPV6_RECVERR\n");
	V(setsockopt(s, IPPROTO_IPV6, IPV6_RECVERR, &(int){ 1 }, sizeof(int)));
	V(sendto(s, "six", 3, 0, (void *)&a, sizeof a));
	msleep(10);
	say_poll("one", s);
	say_queue(s, 8);
	inet_pton(AF_INET6, "::ffff:127.0.0.1", &a.sin6_addr);
	V(sendto(s, "map", 3, 0, (void *)&a, sizeof a));
	msleep(10);
	say_queue(s, 8);
	V(setsockopt(s, IPPROTO_IP, IP_RECVERR, &(int){ 1 }, sizeof(int)));
	V(sendto(s, "map", 3, 0, (void *)&a, sizeof a));
	msleep(10);
	say_queue(s, 8);
	close(s);
}

static void too_long(void)
{
	static char big[66000];
	int s = socket(AF_INET, SOCK_DGRAM, 0), mapped, v;
	struct sockaddr_in a = dead4();
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = a.sin_port };

	inet_pton(AF_INET6, "::ffff:127.0.0.1", &a6.sin6_addr);
	SAY("too long\n");
	V(setsockopt(s, IPPROTO_IP, IP_RECVERR, &(int){ 1 }, sizeof(int)));
	V(sendto(s, big, 65508, 0, (void *)&a, sizeof a));
	say_queue(s, 8);
	/* By an IPv6 socket, too, what is no packet of IPv4 at all is not told. */
	mapped = socket(AF_INET6, SOCK_DGRAM, 0);
	V(setsockopt(mapped, IPPROTO_IP, IP_RECVERR, &(int){ 1 }, sizeof(int)));
	V(sendto(mapped, big, 65508, 0, (void *)&a6, sizeof a6));
	say_queue(mapped, 8);
	V(sendto(mapped, big, 65536, 0, (void *)&a6, sizeof a6));
	say_queue(mapped, 8);
	close(mapped);
	v = -1;
	V(int_opt(s, IPPROTO_IP, IP_MTU));
	V(connect(s, (void *)&a, sizeof a));
	V(int_opt(s, IPPROTO_IP, IP_MTU) >= 65535);
	V(int_opt(s, IPPROTO_IP, IP_MTU_DISCOVER));
	(void)v;
	close(s);
}

static void tcp_queue(void)
{
	int s = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in a = dead4();

	SAY("a stream has none of it\n");
	V(setsockopt(s, IPPROTO_IP, IP_RECVERR, &(int){ 1 }, sizeof(int)));
	V(connect(s, (void *)&a, sizeof a));
	say_queue(s, 8);
	close(s);
}

/* How much of what was sent the error brings back. */
static void quoted(int family)
{
	static char b[60000];
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(9), .sin6_addr = in6addr_loopback };
	struct sockaddr_in four = loopback(9);
	int s = socket(family, SOCK_DGRAM, 0), one = 1;

	setsockopt(s, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, family == AF_INET ? IP_RECVERR : IPV6_RECVERR, &one, sizeof one);
	V(connect(s, family == AF_INET ? (void *)&four : (void *)&six, family == AF_INET ? sizeof four : sizeof six));
	for (int n = 500; n <= 60000; n = n < 1400 ? n + 17 : n * 3) {
		struct iovec io = { b, sizeof b };
		struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };
		ssize_t sent = send(s, b, (size_t)n, 0);

		msleep(1);
		SAY("%zd of %d: ", recvmsg(s, &m, MSG_ERRQUEUE | MSG_DONTWAIT), (int)sent);
		SAY("flags %x\n", m.msg_flags);
	}
	close(s);
}

/* What the header of the ICMP message says comes along. */
static void header_of_icmp(int family)
{
	int s = socket(family, SOCK_DGRAM, 0), level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, one = 1;
	char b[64], c[256];
	struct iovec v = { b, sizeof b };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c };
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback, .sin6_port = htons(9) };
	struct sockaddr_in to4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(9) };

	SAY("header of the message, family %d\n", family);
	setsockopt(s, level, family == AF_INET ? IP_RECVERR : IPV6_RECVERR, &one, sizeof one);
	setsockopt(s, level, family == AF_INET ? IP_RECVTTL : IPV6_RECVHOPLIMIT, &one, sizeof one);
	if (family == AF_INET)
		connect(s, (void *)&to4, sizeof to4);
	else
		connect(s, (void *)&to, sizeof to);
	V(send(s, "x", 1, 0));
	V(recvmsg(s, &m, MSG_ERRQUEUE));
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h))
		SAY("level %d type %d length %d first %d\n", h->cmsg_level, h->cmsg_type, (int)h->cmsg_len, *(int *)(void *)CMSG_DATA(h));
	close(s);
}

int main(void)
{
	quoted(AF_INET);
	quoted(AF_INET6);
	plain();
	asked();
	six();
	too_long();
	tcp_queue();
	header_of_icmp(AF_INET);
	header_of_icmp(AF_INET6);
	return 0;
}
