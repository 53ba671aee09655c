/* SPDX-License-Identifier: Apache-2.0 */
/* UDP_SEGMENT, UDP_GRO, UDP-Lite and protocols that are not there. */
#include "abi.h"
#include "inet.h"
#include <netinet/udp.h>
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef SOL_UDP
#define SOL_UDP 17
#endif

static char big[70000];

static void drain(int s)
{
	int n, count = 0;
	long sum = 0;

	msleep(10);
	SAY("got");
	while ((n = (int)recv(s, big, sizeof big, MSG_DONTWAIT)) >= 0) {
		if (count++ < 6)
			SAY(" %d", n);
		sum += n;
	}
	SAY(", %d messages, %ld bytes\n", count, sum);
}

static long with(int s, size_t n, unsigned short seg)
{
	char c[64] = "";
	struct iovec v = { big, n };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = CMSG_SPACE(sizeof seg) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_UDP;
	h->cmsg_type = UDP_SEGMENT;
	h->cmsg_len = CMSG_LEN(sizeof seg);
	memcpy(CMSG_DATA(h), &seg, sizeof seg);
	return sendmsg(s, &m, 0);
}

static void segments(void)
{
	int p[2];

	udp_pair(p);
	V(int_opt(p[0], SOL_UDP, UDP_SEGMENT));
	V(with(p[0], 1000, 300));
	drain(p[1]);
	V(with(p[0], 200, 300));
	drain(p[1]);
	V(with(p[0], 600, 300));
	drain(p[1]);
	V(with(p[0], 65000, 100));
	drain(p[1]);
	V(with(p[0], 600, 0));
	drain(p[1]);
	V(setsockopt(p[0], SOL_UDP, UDP_SEGMENT, &(int){ 500 }, sizeof(int)));
	V(int_opt(p[0], SOL_UDP, UDP_SEGMENT));
	V(send(p[0], big, 1200, 0));
	drain(p[1]);
	V(setsockopt(p[0], SOL_UDP, UDP_SEGMENT, &(int){ 70000 }, sizeof(int)));
	V(setsockopt(p[0], SOL_UDP, UDP_SEGMENT, &(int){ -1 }, sizeof(int)));
	V(setsockopt(p[0], SOL_UDP, UDP_SEGMENT, &(int){ 0 }, sizeof(int)));
	V(send(p[0], big, 1200, 0));
	drain(p[1]);
	close(p[0]);
	close(p[1]);
}

static void coalesced(void)
{
	int p[2];
	char c[64];
	struct iovec v = { big, sizeof big };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c };
	struct cmsghdr *h;

	SAY("UDP_GRO\n");
	udp_pair(p);
	V(int_opt(p[1], SOL_UDP, UDP_GRO));
	V(setsockopt(p[1], SOL_UDP, UDP_GRO, &(int){ 1 }, sizeof(int)));
	V(int_opt(p[1], SOL_UDP, UDP_GRO));
	V(with(p[0], 1000, 300));
	msleep(10);
	V(recvmsg(p[1], &m, 0));
	h = CMSG_FIRSTHDR(&m);
	V(h && h->cmsg_level == SOL_UDP && h->cmsg_type == UDP_GRO);
	if (h)
		SAY("%d len %d\n", *(int *)CMSG_DATA(h), (int)h->cmsg_len);
	V(send(p[0], "x", 1, 0));
	m.msg_controllen = sizeof c;
	V(recvmsg(p[1], &m, 0));
	V(CMSG_FIRSTHDR(&m) != NULL);
	close(p[0]);
	close(p[1]);
}

static void others(void)
{
	int s;

	SAY("not there\n");
	V(socket(AF_INET, SOCK_SEQPACKET, 0));
	V(socket(AF_INET, SOCK_RDM, 0));
	V(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	V(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
	V(socket(AF_INET, SOCK_STREAM, 77));
	V(socket(AF_INET, SOCK_STREAM, -1));
	V(socket(AF_INET, SOCK_STREAM, 5000));
	V(socket(AF_INET6, SOCK_STREAM, IPPROTO_UDP));
	V(socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMP));
	V(socket(AF_INET, 0, 0));
	V(socket(AF_INET, 11, 0));
	V(socket(-1, SOCK_STREAM, 0));
	V(socket(46, SOCK_STREAM, 0));
	V(socket(AF_IPX, SOCK_DGRAM, 0));
	V(socketpair(AF_INET, SOCK_STREAM, 0, (int[2]){ 0 }));
	V(socketpair(AF_INET, SOCK_DGRAM, 0, (int[2]){ 0 }));
	s = socket(AF_INET, SOCK_DGRAM, 0);
	V(listen(s, 1));
	V(accept(s, NULL, NULL));
	V(int_opt(s, SOL_UDP, 1));
	V(int_opt(s, SOL_UDP, 99));
	V(int_opt(s, SOL_UDP, 101));
	V(int_opt(s, IPPROTO_TCP, TCP_NODELAY));
	V(setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)));
	close(s);
}

int main(void)
{
	segments();
	coalesced();
	others();
	return 0;
}
