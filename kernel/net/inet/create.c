/* SPDX-License-Identifier: Apache-2.0 */
/* socket(AF_INET or AF_INET6, …): which protocol it is. */
#include "kernel/net/inet/inet.h"

/* May the caller send echo requests without a raw socket?  ping_group_range: icmp(7). */
static bool may_ping(void)
{
	struct netns *ns = netns_current();
	const struct cred *c = current_cred();
	uint32_t first, last;

	spin_lock(&ns->lock);
	first = ns->ping_groups[0];
	last = ns->ping_groups[1];
	spin_unlock(&ns->lock);
	if (c->egid >= first && c->egid <= last)
		return true;
	for (uint32_t k = 0; k < c->ngroups; k++)
		if (c->groups[k] >= first && c->groups[k] <= last)
			return true;
	return false;
}

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
			return may_ping() ? ping_create(s) : -EACCES;
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
