/* SPDX-License-Identifier: Apache-2.0 */
/* TTL and type of service that one message asks for; names of interfaces. */
#include "abi.h"
#include <netinet/in.h>
#include <arpa/inet.h>
#include <net/if.h>
static int one(int s, struct sockaddr *to, socklen_t n, int level, int type, int v, int size)
{
	char c[64] = { 0 };
	struct iovec io = { "x", 1 };
	struct msghdr m = { .msg_name = to, .msg_namelen = n, .msg_iov = &io, .msg_iovlen = 1, .msg_control = c, .msg_controllen = CMSG_SPACE(size) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	h->cmsg_level = level; h->cmsg_type = type; h->cmsg_len = CMSG_LEN(size); memcpy(CMSG_DATA(h), &v, size);
	return sendmsg(s, &m, 0);
}
static void get(int s)
{
	char c[256], b[4];
	struct iovec io = { b, 4 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c };
	if (recvmsg(s, &m, MSG_DONTWAIT) != 1) { SAY("nothing\n"); return; }
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		int v = 0; memcpy(&v, CMSG_DATA(h), h->cmsg_len - CMSG_LEN(0) < 4 ? 1 : 4);
		SAY("  %d/%d = %d\n", h->cmsg_level, h->cmsg_type, v);
	}
}
int main(void)
{
	int on = 1, r = socket(AF_INET, SOCK_DGRAM, 0), s = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }; socklen_t n = sizeof a;
	bind(r, (void *)&a, n); getsockname(r, (void *)&a, &n);
	setsockopt(r, IPPROTO_IP, IP_RECVTTL, &on, 4); setsockopt(r, IPPROTO_IP, IP_RECVTOS, &on, 4);
	V(one(s, (void *)&a, n, IPPROTO_IP, IP_TTL, 9, 4)); get(r);
	V(one(s, (void *)&a, n, IPPROTO_IP, IP_TOS, 8, 4)); get(r);
	V(one(s, (void *)&a, n, IPPROTO_IP, IP_TOS, 16, 1)); get(r);
	V(one(s, (void *)&a, n, IPPROTO_IP, IP_TTL, 0, 4)); V(one(s, (void *)&a, n, IPPROTO_IP, IP_TTL, 256, 4));
	int r6 = socket(AF_INET6, SOCK_DGRAM, 0), s6 = socket(AF_INET6, SOCK_DGRAM, 0);
	struct sockaddr_in6 b = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback }; n = sizeof b;
	bind(r6, (void *)&b, n); getsockname(r6, (void *)&b, &n);
	setsockopt(r6, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, 4); setsockopt(r6, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, 4);
	V(one(s6, (void *)&b, n, IPPROTO_IPV6, IPV6_HOPLIMIT, 3, 4)); get(r6);
	V(one(s6, (void *)&b, n, IPPROTO_IPV6, IPV6_HOPLIMIT, -1, 4)); get(r6);
	V(one(s6, (void *)&b, n, IPPROTO_IPV6, IPV6_TCLASS, 4, 4)); get(r6);
	V(one(s6, (void *)&b, n, IPPROTO_IPV6, IPV6_HOPLIMIT, 256, 4)); V(one(s6, (void *)&b, n, IPPROTO_IPV6, IPV6_HOPLIMIT, -2, 4)); V(one(s6, (void *)&b, n, IPPROTO_IPV6, IPV6_HOPLIMIT, 3, 2));
	char name[IF_NAMESIZE] = "";
	V(if_nametoindex("lo")); V(if_nametoindex("nosuch")); V(if_indextoname(1, name) != NULL); SAY("%s\n", name);
	return 0;
}
