/* SPDX-License-Identifier: Apache-2.0 */
/* socket(AF_INET or AF_INET6, …): which protocol it is. */
#include "kernel/net/inet/inet.h"

int inet_create(struct socket *s)
{
	int p = s->protocol;
	bool v6 = s->family == AF_INET6;

	if (p < 0 || p >= 512)
		return -EINVAL;
	switch (s->type) {
	case SOCK_STREAM:
		return !p || p == IPPROTO_TCP ? tcp_create(s) : -EPROTONOSUPPORT;
	case SOCK_DGRAM:
		if (!p || p == IPPROTO_UDP || p == IPPROTO_UDPLITE)
			return udp_create(s);
		if (p == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
			return ping_create(s);
		return -EPROTONOSUPPORT;
	case SOCK_RAW:
		if (!p)
			return -EPROTONOSUPPORT;
		if (!capable(CAP_NET_RAW))
			return -EPERM;
		return ping_create(s);
	default:
		return -ESOCKTNOSUPPORT;
	}
}
