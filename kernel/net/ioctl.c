/* SPDX-License-Identifier: Apache-2.0 */
/* Interface requests of any socket: netdevice(7).  "lo:x" is lo with the address
 * that has this label. */
#include "kernel/net/route.h"
#include "kernel/task/task.h"
#include <linux_abi/netlink.h>

static void put_addr(struct linux_ifreq *r, const struct ipaddr *ip)
{
	struct linux_sockaddr_in sin = { .family = AF_INET, .addr = be32(ip_v4(ip)) };

	memcpy(r->data, &sin, sizeof sin);
}

static void put_int(struct linux_ifreq *r, int32_t v) { memcpy(r->data, &v, sizeof v); }

static long conf(struct netns *ns, uint64_t arg)
{
	struct linux_ifconf c;
	struct linux_ifreq *r;
	struct net_address *a;
	int err = copy_in(&c, (uaddr){ arg }, sizeof c);
	size_t n = 0, fit;

	if (err)
		return err;
	r = kzalloc(ADDRESSES_MAX * sizeof *r);
	if (!r)
		return -ENOMEM;
	spin_lock(&ns->lock);
	list_for_each(a, &ns->addresses, link)
		if (ip_is_v4(&a->ip) && n < ADDRESSES_MAX) {
			kstrlcpy(r[n].name, a->label, sizeof r[n].name);
			put_addr(&r[n++], &a->ip);
		}
	spin_unlock(&ns->lock);
	fit = c.buf ? MIN(n, (size_t)MAX(c.size, 0) / sizeof *r) : n;
	if (c.buf)
		err = copy_out((uaddr){ c.buf }, r, fit * sizeof *r);
	kfree(r);
	c.size = (int32_t)(fit * sizeof *r);
	return err ? err : copy_out((uaddr){ arg }, &c, sizeof c);
}

/* The address that a request means: by label, else the first. */
static bool labelled(struct netns *ns, const char *label, struct net_address *ret)
{
	struct net_address *a;
	bool found = false;

	spin_lock(&ns->lock);
	list_for_each(a, &ns->addresses, link)
		if (!found && ip_is_v4(&a->ip) && !strcmp(a->label, label)) {
			*ret = *a;
			found = true;
		}
	spin_unlock(&ns->lock);
	return found;
}

static uint32_t mask_of(unsigned prefix) { return prefix ? UINT32_MAX << (32 - prefix) : 0; }

static int add(struct netns *ns, struct net_address *a, const char *label)
{
	a->broadcast = ip_any4;
	a->flags = IFA_F_PERMANENT;
	a->valid = a->preferred = UINT32_MAX;
	a->scope = a->ip.b[12] == 127 ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
	kstrlcpy(a->label, label, sizeof a->label);
	return net_address_add(ns, a);
}

/* SIOCSIFADDR and SIOCSIFNETMASK: another address takes the labelled one's place. */
static int set_addr(struct netns *ns, unsigned cmd, const char *label, const struct linux_ifreq *r)
{
	struct net_address old, a = { .prefix = 32 }, gone;
	bool have = labelled(ns, label, &old);
	struct linux_sockaddr_in sin;
	uint32_t v;

	memcpy(&sin, r->data, sizeof sin);
	v = be32(sin.addr);
	if (sin.family != AF_INET)
		return -EINVAL;
	if (cmd == SIOCSIFNETMASK) {
		if (!have)
			return -EADDRNOTAVAIL;
		if (~v & (~v + 1))
			return -EINVAL;         /* not a prefix */
		a = old;
		for (a.prefix = 0; a.prefix < 32 && v & 0x80000000u >> a.prefix; )
			a.prefix++;
	} else {
		uint8_t first = (uint8_t)(v >> 24);

		if (v && (first >> 4 >= 0xe || !first))
			return -EINVAL;
		a.ip = ip_from_v4(v);
		a.prefix = first < 128 ? 8 : first < 192 ? 16 : 24;     /* by class */
	}
	if (have && net_address_del(ns, &old.ip, old.prefix, &gone))
		return -EADDRNOTAVAIL;
	return cmd == SIOCSIFADDR && !v ? 0 : add(ns, &a, label);
}

/* An address with a label of its own goes when its "link" goes down: devinet_ioctl(). */
static int set_alias(struct netns *ns, const char *label, bool up)
{
	struct net_address a, gone;

	if (!labelled(ns, label, &a))
		return -EADDRNOTAVAIL;
	return up || !net_address_del(ns, &a.ip, a.prefix, &gone) ? 0 : -EADDRNOTAVAIL;
}

static long set(struct netns *ns, unsigned cmd, const char *label, const struct linux_ifreq *r)
{
	int16_t flags;
	int32_t v;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	memcpy(&flags, r->data, sizeof flags);
	memcpy(&v, r->data, sizeof v);
	switch (cmd) {
	case SIOCSIFFLAGS:
		if (strchr(label, ':'))
			return set_alias(ns, label, flags & IFF_UP);
		return net_link_set_up(ns, flags & IFF_UP);
	case SIOCSIFMTU:
		if (v < 0)
			return -EINVAL;
		ns->lo.mtu = (uint32_t)v;
		return 0;
	case SIOCSIFTXQLEN: return v < 0 ? -EINVAL : 0;
	case SIOCSIFADDR:
	case SIOCSIFNETMASK: return set_addr(ns, cmd, label, r);
	default: return -EOPNOTSUPP;
	}
}

static long get(struct netns *ns, unsigned cmd, const char *label, struct linux_ifreq *r)
{
	int16_t flags = (int16_t)net_link_flags(&ns->lo);
	uint16_t family = ns->lo.type;
	struct net_address a;
	struct ipaddr mask;

	memset(r->data, 0, sizeof r->data);
	switch (cmd) {
	case SIOCGIFFLAGS:
		memcpy(r->data, &flags, sizeof flags);
		return 0;
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
	case SIOCGIFNETMASK:
	case SIOCGIFBRDADDR:
		if (!labelled(ns, label, &a))
			return -EADDRNOTAVAIL;
		mask = ip_from_v4(mask_of(a.prefix));
		put_addr(r, cmd == SIOCGIFNETMASK ? &mask : cmd == SIOCGIFBRDADDR ? &a.broadcast : &a.ip);
		return 0;
	case SIOCGIFHWADDR:
		memcpy(r->data, &family, sizeof family);
		return 0;
	case SIOCGIFMTU: put_int(r, (int32_t)ns->lo.mtu); return 0;
	case SIOCGIFINDEX: put_int(r, ns->lo.index); return 0;
	case SIOCGIFTXQLEN: put_int(r, 1000); return 0;
	case SIOCGIFMETRIC: put_int(r, 0); return 0;
	case SIOCGIFMAP: return 0;
	}
	return -ENOTTY;
}

/* Only IPv4 knows these: the sockets of other families pass them on to the devices. */
static bool asks_ipv4(unsigned cmd)
{
	return cmd == SIOCGIFADDR || cmd == SIOCGIFDSTADDR || cmd == SIOCGIFNETMASK || cmd == SIOCGIFBRDADDR;
}

static bool is_set(unsigned cmd)
{
	return cmd == SIOCSIFFLAGS || cmd == SIOCSIFMTU || cmd == SIOCSIFTXQLEN || cmd == SIOCSIFADDR ||
	       cmd == SIOCSIFNETMASK || cmd == SIOCSIFNAME || cmd == SIOCSIFHWADDR;
}

long net_ioctl(struct socket *s, unsigned cmd, uint64_t arg)
{
	struct netns *ns = netns_current();
	struct linux_ifreq r;
	char label[16];
	int32_t index;
	uint64_t data;
	long err;

	if (cmd == SIOCGIFCONF)
		return conf(ns, arg);
	if (cmd < SIOCATMARK || cmd > 0x89ff || (asks_ipv4(cmd) && s->family != AF_INET && s->family != AF_PACKET))
		return -ENOTTY;
	err = copy_in(&r, (uaddr){ arg }, sizeof r);
	if (err)
		return err;
	if (cmd < SIOCGIFNAME)
		return -ENOTTY;
	r.name[sizeof r.name - 1] = 0;
	if (cmd == SIOCGIFNAME) {
		memcpy(&index, r.data, sizeof index);
		if (index != ns->lo.index)
			return -ENODEV;
		memset(r.name, 0, sizeof r.name);
		kstrlcpy(r.name, ns->lo.name, sizeof r.name);
		return copy_out((uaddr){ arg }, &r, sizeof r);
	}
	if (cmd >= SIOCPROTOPRIVATE && cmd < SIOCDEVPRIVATE)
		return -ENOTTY;
	memcpy(label, r.name, sizeof label);
	for (char *p = r.name; *p; p++)
		if (*p == ':')
			*p = 0;
	if (strcmp(r.name, ns->lo.name))
		return -ENODEV;
	memcpy(r.name, label, sizeof label);
	if (cmd == SIOCETHTOOL) {
		memcpy(&data, r.data, sizeof data);
		return net_ethtool(data);
	}
	if (is_set(cmd))
		return set(ns, cmd, label, &r);
	err = get(ns, cmd, label, &r);
	return err ? err : copy_out((uaddr){ arg }, &r, sizeof r);
}
