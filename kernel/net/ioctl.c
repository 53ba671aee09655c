/* SPDX-License-Identifier: Apache-2.0 */
/* Interface requests of any socket: netdevice(7). */
#include "kernel/net/route.h"
#include "kernel/task/task.h"

static void put_addr(struct linux_ifreq *r, uint32_t host_order)
{
	struct linux_sockaddr_in sin = { .family = AF_INET, .addr = be32(host_order) };

	memcpy(r->data, &sin, sizeof sin);
}

static void put_int(struct linux_ifreq *r, int32_t v) { memcpy(r->data, &v, sizeof v); }

static long conf(struct netns *ns, uint64_t arg)
{
	struct linux_ifconf c;
	struct linux_ifreq r = { .name = "lo" };
	int err = copy_in(&c, (uaddr){ arg }, sizeof c);
	bool some = ns->lo.up;

	if (err)
		return err;
	put_addr(&r, 0x7f000001);
	if (!c.buf) {
		c.size = some ? sizeof r : 0;
	} else if (some && c.size >= (int32_t)sizeof r) {
		if (copy_out((uaddr){ c.buf }, &r, sizeof r))
			return -EFAULT;
		c.size = sizeof r;
	} else {
		c.size = 0;
	}
	return copy_out((uaddr){ arg }, &c, sizeof c);
}

static long set_flags(struct netns *ns, const struct linux_ifreq *r)
{
	int16_t flags;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	memcpy(&flags, r->data, sizeof flags);
	return net_link_set_up(ns, flags & IFF_UP);
}

static long get(struct netns *ns, unsigned cmd, struct linux_ifreq *r)
{
	int16_t flags = (int16_t)net_link_flags(&ns->lo);
	uint16_t family = ns->lo.type;

	memset(r->data, 0, sizeof r->data);
	switch (cmd) {
	case SIOCGIFFLAGS:
		memcpy(r->data, &flags, sizeof flags);
		return 0;
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
	case SIOCGIFNETMASK:
		if (!ns->lo.up)
			return -EADDRNOTAVAIL;
		put_addr(r, cmd == SIOCGIFNETMASK ? 0xff000000 : 0x7f000001);
		return 0;
	case SIOCGIFBRDADDR:
		if (!ns->lo.up)
			return -EADDRNOTAVAIL;
		put_addr(r, 0);
		return 0;
	case SIOCGIFHWADDR:
		memcpy(r->data, &family, sizeof family);
		return 0;
	case SIOCGIFMTU: put_int(r, (int32_t)ns->lo.mtu); return 0;
	case SIOCGIFINDEX: put_int(r, ns->lo.index); return 0;
	case SIOCGIFTXQLEN: put_int(r, 1000); return 0;
	case SIOCGIFMETRIC: put_int(r, 0); return 0;
	case SIOCGIFMAP: return 0;
	case SIOCETHTOOL: return -EOPNOTSUPP;
	}
	return -ENOTTY;
}

long net_ioctl(struct socket *s, unsigned cmd, uint64_t arg)
{
	struct netns *ns = netns_current();
	struct linux_ifreq r;
	int32_t index;
	long err;

	if (cmd == SIOCGIFCONF)
		return conf(ns, arg);
	if (cmd < SIOCGIFNAME || cmd > 0x89ff)
		return -ENOTTY;
	err = copy_in(&r, (uaddr){ arg }, sizeof r);
	if (err)
		return err;
	r.name[sizeof r.name - 1] = 0;
	if (cmd == SIOCGIFNAME) {
		memcpy(&index, r.data, sizeof index);
		if (index != ns->lo.index)
			return -ENODEV;
		memset(r.name, 0, sizeof r.name);
		kstrlcpy(r.name, ns->lo.name, sizeof r.name);
	} else if (strcmp(r.name, ns->lo.name)) {
		return -ENODEV;
	} else if (cmd == SIOCSIFFLAGS) {
		return set_flags(ns, &r);
	} else {
		err = get(ns, cmd, &r);
		if (err)
			return err;
	}
	return copy_out((uaddr){ arg }, &r, sizeof r);
}
