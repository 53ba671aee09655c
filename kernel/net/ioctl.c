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

static bool wrong_family(const struct linux_ifreq *r)
{
	uint16_t family;

	memcpy(&family, r->data, sizeof family);
	return family != AF_INET;
}

/* The caller may. */
static long set(struct netns *ns, unsigned cmd, const char *label, const struct linux_ifreq *r)
{
	int16_t flags;
	int32_t v;

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
	case SIOCSIFNAME:               /* lo keeps its name */
	case SIOCSIFHWADDR: return r->data[0] ? -EOPNOTSUPP : -EINVAL;
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

/* Requests about addresses: of IPv4, and only its sockets and those of packets know them. */
static bool about_ipv4(unsigned cmd) { return cmd >= SIOCGIFADDR && cmd <= SIOCSIFNETMASK; }

static bool is_get(unsigned cmd)
{
	return cmd == SIOCGIFFLAGS || cmd == SIOCGIFMETRIC || cmd == SIOCGIFMTU || cmd == SIOCGIFHWADDR ||
	       cmd == SIOCGIFINDEX || cmd == SIOCGIFTXQLEN || cmd == SIOCGIFMAP || cmd == SIOCGIFADDR ||
	       cmd == SIOCGIFDSTADDR || cmd == SIOCGIFBRDADDR || cmd == SIOCGIFNETMASK;
}

static bool is_set(unsigned cmd)
{
	return cmd == SIOCSIFFLAGS || cmd == SIOCSIFMTU || cmd == SIOCSIFTXQLEN || cmd == SIOCSIFADDR ||
	       cmd == SIOCSIFNETMASK || cmd == SIOCSIFNAME || cmd == SIOCSIFHWADDR || cmd == SIOCSIFDSTADDR ||
	       cmd == SIOCSIFBRDADDR;
}

/* What other devices know and lo does not, from SIOCSIFMETRIC on: dev_ioctl(). */
static const struct { uint16_t first, last; int16_t err; bool guarded; } foreign[] = {
	{ 0x891e, 0x891e, EOPNOTSUPP, true },           /* SIOCSIFMETRIC */
	{ 0x8929, 0x8929, EINVAL, false },              /* SIOCGIFSLAVE */
	{ 0x8930, 0x8932, EINVAL, true },               /* SIOCSIFSLAVE, SIOC{ADD,DEL}MULTI */
	{ 0x8937, 0x8937, EINVAL, true },               /* SIOCSIFHWBROADCAST */
	{ 0x8947, 0x8949, EOPNOTSUPP, true },           /* SIOC{GMIIPHY,GMIIREG,SMIIREG} */
	{ 0x894a, 0x894a, EOPNOTSUPP, false },          /* SIOCWANDEV */
	{ 0x8971, 0x8971, EOPNOTSUPP, true },           /* SIOCSIFMAP */
	{ 0x8990, 0x8992, EOPNOTSUPP, true },           /* SIOCBOND… */
	{ 0x8993, 0x8994, EOPNOTSUPP, false },
	{ 0x8995, 0x8995, EOPNOTSUPP, true },
	{ 0x89b1, 0x89b1, EOPNOTSUPP, false },          /* SIOCGHWTSTAMP */
	{ SIOCDEVPRIVATE, SIOCDEVPRIVATE + 15, EOPNOTSUPP, false },
};

static int foreign_request(unsigned cmd)
{
	for (unsigned k = 0; k < ARRAY_SIZE(foreign); k++)
		if (cmd >= foreign[k].first && cmd <= foreign[k].last)
			return (int)k;
	return -1;
}

/* By number, for any link. */
static long name_of_link(struct netns *ns, uint64_t arg, struct linux_ifreq *r)
{
	int32_t index;

	memcpy(&index, r->data, sizeof index);
	if (index != ns->lo.index)
		return -ENODEV;
	memset(r->name, 0, sizeof r->name);
	kstrlcpy(r->name, ns->lo.name, sizeof r->name);
	return copy_out((uaddr){ arg }, r, sizeof *r);
}

static bool is_lo(struct netns *ns, const char *label)
{
	size_t n = 0;

	while (label[n] && label[n] != ':')
		n++;
	return n == strlen(ns->lo.name) && !memcmp(label, ns->lo.name, n);
}

/* SIOCSIFADDR and SIOCDIFADDR of an IPv6 socket: struct in6_ifreq. */
static long change_ipv6(struct netns *ns, unsigned cmd, uint64_t arg)
{
	struct { uint8_t addr[16]; uint32_t prefix; int32_t index; } r;
	struct net_address a = { .broadcast = ip_any4, .flags = IFA_F_PERMANENT, .valid = UINT32_MAX, .preferred = UINT32_MAX,
				 .label = "lo" }, gone;
	int err = capable(CAP_NET_ADMIN) ? copy_in(&r, (uaddr){ arg }, sizeof r) : -EPERM;

	if (err)
		return err;
	memcpy(a.ip.b, r.addr, sizeof a.ip.b);
	if (r.index != ns->lo.index)
		return -ENODEV;
	if (r.prefix > 128 || ip_is_v4(&a.ip))
		return -EINVAL;
	a.prefix = (uint8_t)r.prefix;
	a.scope = ip_equal(&a.ip, &ip_loop6) ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
	return cmd == SIOCSIFADDR ? net_address_add(ns, &a) : net_address_del(ns, &a.ip, a.prefix, &gone);
}

long net_ioctl(struct socket *s, unsigned cmd, uint64_t arg)
{
	bool ipv4 = s->family == AF_INET || s->family == AF_PACKET;
	struct netns *ns = netns_current();
	struct linux_ifreq r;
	uint64_t data;
	long err;
	int k;

	if (cmd == SIOCGIFCONF)
		return conf(ns, arg);
	if (cmd < 0x8900 || cmd > 0x89ff)
		return -ENOTTY;
	if (s->family == AF_INET6 && (cmd == SIOCSIFADDR || cmd == SIOCDIFADDR))
		return change_ipv6(ns, cmd, arg);
	if (s->family == AF_INET6 && cmd == SIOCSIFDSTADDR)
		return -ENODEV;                 /* of a tunnel, and there is none */
	err = copy_in(&r, (uaddr){ arg }, sizeof r);
	if (err)
		return err;
	if (cmd == SIOCGIFNAME)
		return name_of_link(ns, arg, &r);
	if (ipv4 && (cmd == SIOCSIFPFLAGS || cmd == SIOCGIFPFLAGS))
		return -EINVAL;
	k = foreign_request(cmd);
	if ((!is_get(cmd) && !is_set(cmd) && cmd != SIOCETHTOOL && k < 0) || (about_ipv4(cmd) && !ipv4))
		return -ENOTTY;
	if ((is_set(cmd) || (k >= 0 && foreign[k].guarded)) && !capable(CAP_NET_ADMIN))
		return -EPERM;
	r.name[sizeof r.name - 1] = 0;
	if (cmd == SIOCETHTOOL) {
		memcpy(&data, r.data, sizeof data);
		return copy_in(&k, (uaddr){ data }, sizeof k) ? -EFAULT : is_lo(ns, r.name) ? net_ethtool(data) : -ENODEV;
	}
	if (about_ipv4(cmd) && is_set(cmd) && wrong_family(&r))
		return -EINVAL;
	if (!is_lo(ns, r.name))
		return -ENODEV;
	if (k >= 0)
		return -foreign[k].err;
	if (is_set(cmd))
		return set(ns, cmd, r.name, &r);
	err = get(ns, cmd, r.name, &r);
	return err ? err : copy_out((uaddr){ arg }, &r, sizeof r);
}
