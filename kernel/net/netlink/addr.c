/* SPDX-License-Identifier: Apache-2.0 */
/* NETLINK_ROUTE: addresses of lo are shown, added, removed. rtnetlink(7). */
#include "kernel/net/netlink/netlink.h"

#define SHOWN_MAX ADDRESSES_MAX

static void put_addr(struct nl_request *r, const struct net_address *a, uint16_t type)
{
	bool v4 = ip_is_v4(&a->ip);
	struct linux_ifaddrmsg m = { .family = v4 ? AF_INET : AF_INET6, .prefixlen = a->prefix, .flags = (uint8_t)a->flags,
				     .scope = a->scope, .index = LO_INDEX };
	struct linux_ifa_cacheinfo c = { a->preferred, a->valid, 0, 0 };

	nl_begin(r, type, &m, sizeof m);
	nl_put_ip(r, IFA_ADDRESS, &a->ip);
	if (v4) {
		nl_put_ip(r, IFA_LOCAL, &a->ip);
		if (!ip_is_any(&a->broadcast))
			nl_put_ip(r, IFA_BROADCAST, &a->broadcast);
		nl_attr(r, IFA_LABEL, a->label, strlen(a->label) + 1);
	}
	nl_attr(r, IFA_CACHEINFO, &c, sizeof c);
	nl_u32(r, IFA_FLAGS, a->flags);
	nl_end(r);
}

void addr_announce(struct nl_request *r, const struct net_address *a, bool gone)
{
	put_addr(r, a, gone ? RTM_DELADDR : RTM_NEWADDR);
	nl_announce(r, ip_is_v4(&a->ip) ? RTNLGRP_IPV4_IFADDR : RTNLGRP_IPV6_IFADDR);
}

static int dump_addr(struct nl_request *r)
{
	struct linux_ifaddrmsg m = { 0 };
	struct net_address *copy, *a;
	unsigned n = 0;

	memcpy(&m, r->body, MIN(r->size, sizeof m));
	if (r->strict) {
		if (r->size < sizeof m || m.prefixlen || m.flags || m.scope)
			return -EINVAL;
		if (m.index && m.index != LO_INDEX)
			return -ENODEV;
	}
	if (m.index && m.index != LO_INDEX && r->strict)
		return 0;
	copy = kmalloc(SHOWN_MAX * sizeof *copy);
	if (!copy)
		return -ENOBUFS;
	spin_lock(&r->ns->lock);
	list_for_each(a, &r->ns->addresses, link)
		if (n < SHOWN_MAX)
			copy[n++] = *a;
	spin_unlock(&r->ns->lock);
	/* IPv4, then IPv6, there the wider scope first. */
	for (int pass = 0; pass < 3; pass++)
		for (unsigned k = 0; k < n; k++) {
			bool v4 = ip_is_v4(&copy[k].ip);

			if ((v4 ? 0 : copy[k].scope == RT_SCOPE_HOST ? 2 : 1) == pass &&
			    (!nl_family(m.family) || m.family == (v4 ? AF_INET : AF_INET6)))
				put_addr(r, &copy[k], RTM_NEWADDR);
		}
	kfree(copy);
	return 0;
}

static int decode(struct nl_request *r, struct linux_ifaddrmsg *m, struct net_address *a)
{
	struct linux_ifa_cacheinfo c;
	const char *label;
	const void *p;
	uint32_t flags;
	size_t n;

	if (r->size < sizeof *m)
		return -EINVAL;
	memcpy(m, r->body, sizeof *m);
	if ((m->family != AF_INET && m->family != AF_INET6) || m->prefixlen > (m->family == AF_INET ? 32 : 128))
		return m->family == AF_INET || m->family == AF_INET6 ? -EINVAL : -EOPNOTSUPP;
	*a = (struct net_address){ .prefix = m->prefixlen, .scope = m->scope, .flags = m->flags | IFA_F_PERMANENT,
				   .broadcast = ip_any4, .valid = UINT32_MAX, .preferred = UINT32_MAX };
	if (!nl_get_ip(r, sizeof *m, IFA_LOCAL, m->family, &a->ip) &&
	    !nl_get_ip(r, sizeof *m, IFA_ADDRESS, m->family, &a->ip))
		return -EINVAL;
	if (m->family == AF_INET)
		(void)nl_get_ip(r, sizeof *m, IFA_BROADCAST, AF_INET, &a->broadcast);
	if (nl_get_u32(r, sizeof *m, IFA_FLAGS, &flags))
		a->flags = flags | IFA_F_PERMANENT;
	p = nl_find(r, sizeof *m, IFA_CACHEINFO, &n);
	if (p && n == sizeof c) {
		memcpy(&c, p, sizeof c);
		if (!c.valid || c.prefered > c.valid)
			return -EINVAL;
		a->valid = c.valid;
		a->preferred = c.prefered;
		if (c.valid != UINT32_MAX)
			a->flags &= ~(uint32_t)IFA_F_PERMANENT;
	}
	label = nl_find(r, sizeof *m, IFA_LABEL, &n);
	if (label)
		kstrlcpy(a->label, label, MIN(sizeof a->label, n));
	else
		kstrlcpy(a->label, r->ns->lo.name, sizeof a->label);
	if (m->family == AF_INET6 && ip_equal(&a->ip, &ip_loop6))
		a->scope = RT_SCOPE_HOST;
	return m->index == LO_INDEX ? 0 : -ENODEV;
}

static int add_addr(struct nl_request *r)
{
	struct linux_ifaddrmsg m;
	struct net_address a;
	int err = decode(r, &m, &a);

	if (err)
		return err;
	if (ip_is_any(&a.ip) || ip_is_multicast(&a.ip))
		return m.family == AF_INET ? -EINVAL : -EADDRNOTAVAIL;
	err = net_address_add(r->ns, &a);
	if (err == -EEXIST && !(r->h.flags & NLM_F_EXCL) && r->h.flags & NLM_F_REPLACE)
		err = 0;
	if (!err)
		addr_announce(r, &a, false);
	return err;
}

static int del_addr(struct nl_request *r)
{
	struct linux_ifaddrmsg m;
	struct net_address a, gone;
	int err = decode(r, &m, &a);

	if (!err)
		err = net_address_del(r->ns, &a.ip, a.prefix, &gone);
	if (!err)
		addr_announce(r, &gone, true);
	return err;
}

int addr_request(struct nl_request *r)
{
	if (r->h.type == RTM_GETADDR)
		return r->dump ? dump_addr(r) : -EOPNOTSUPP;
	if (!r->admin)
		return -EPERM;
	return r->h.type == RTM_NEWADDR ? add_addr(r) : del_addr(r);
}
