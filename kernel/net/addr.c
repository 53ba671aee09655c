/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of lo, and the routes that follow from them.
 *
 * A prefix on a loopback link is local as a whole in IPv4 (127.0.0.2 is ours
 * because 127.0.0.1/8 is there), in IPv6 only the address itself. */
#include "kernel/net/route.h"
#include "kernel/net/settings.h"
#include <linux_abi/netlink.h>

bool ip_in_prefix(const struct ipaddr *ip, const struct ipaddr *net, unsigned prefix)
{
	unsigned at, bits;

	if (ip_is_v4(ip) != ip_is_v4(net))
		return false;
	at = ip_is_v4(ip) ? 12 : 0;
	for (bits = prefix; bits >= 8; bits -= 8, at++)
		if (ip->b[at] != net->b[at])
			return false;
	return !bits || !((ip->b[at] ^ net->b[at]) & (0xff00 >> bits & 0xff));
}

static struct ipaddr network(const struct ipaddr *ip, unsigned prefix)
{
	unsigned first = ip_is_v4(ip) ? 12 : 0;
	struct ipaddr n = *ip;

	for (unsigned bit = prefix; bit < (16 - first) * 8; bit++)
		n.b[first + bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
	return n;
}

struct net_address *net_address_find_locked(struct netns *ns, const struct ipaddr *ip)
{
	struct net_address *a;

	list_for_each(a, &ns->addresses, link)
		if (ip_equal(&a->ip, ip))
			return a;
	return NULL;
}

int net_address_add(struct netns *ns, const struct net_address *a)
{
	struct net_address *n = kmalloc(sizeof *n), *o;
	int err = 0;

	if (!n)
		return -ENOMEM;
	*n = *a;
	list_init(&n->link);
	if (!ip_is_v4(&a->ip) && net_setting(ns, SET_conf6_lo_disable_ipv6))
		err = -EACCES;
	spin_lock(&ns->lock);
	list_for_each(o, &ns->addresses, link)
		if (ip_equal(&o->ip, &a->ip) && (o->prefix == a->prefix || !ip_is_v4(&a->ip)))
			err = -EEXIST;
	if (!err && ns->address_count == ADDRESSES_MAX)
		err = -ENOBUFS;
	/* One of several in a prefix is secondary. */
	if (ip_is_v4(&n->ip))
		list_for_each(o, &ns->addresses, link)
			if (o->prefix == n->prefix && ip_in_prefix(&n->ip, &o->ip, o->prefix) &&
			    !(o->flags & IFA_F_SECONDARY))
				n->flags |= IFA_F_SECONDARY;
	if (!err) {
		struct list *at = &ns->addresses;

		/* Secondary ones are at the end. */
		if (!(n->flags & IFA_F_SECONDARY))
			list_for_each(o, &ns->addresses, link)
				if (at == &ns->addresses && o->flags & IFA_F_SECONDARY)
					at = &o->link;
		list_push_back(at, &n->link);
		ns->address_count++;
	}
	spin_unlock(&ns->lock);
	if (err)
		kfree(n);
	return err;
}

/* Lock held: out of the list, to be freed without it. */
static void withdraw(struct netns *ns, struct net_address *a, struct list *gone)
{
	list_del(&a->link);
	list_push_back(gone, &a->link);
	ns->address_count--;
	ns->lacks_loopback |= ip_equal(&a->ip, &ip_loop4) || ip_equal(&a->ip, &ip_loop6);
}

static void free_addresses(struct list *gone)
{
	while (!list_empty(gone)) {
		struct net_address *a = list_first(gone, struct net_address, link);

		list_del(&a->link);
		kfree(a);
	}
}

int net_address_del(struct netns *ns, const struct ipaddr *ip, uint8_t prefix, struct net_address *ret)
{
	struct net_address *a, *next, *hit = NULL;
	struct list gone;

	list_init(&gone);
	spin_lock(&ns->lock);
	list_for_each(a, &ns->addresses, link)
		if (!hit && ip_equal(&a->ip, ip) && a->prefix == prefix)
			hit = a;
	if (hit) {
		*ret = *hit;
		withdraw(ns, hit, &gone);
	}
	/* Those that depend on it go with it. */
	if (hit && ip_is_v4(ip) && !(hit->flags & IFA_F_SECONDARY))
		list_for_each_safe(a, next, &ns->addresses, link)
			if (a->flags & IFA_F_SECONDARY && a->prefix == prefix && ip_in_prefix(&a->ip, ip, prefix))
				withdraw(ns, a, &gone);
	spin_unlock(&ns->lock);
	free_addresses(&gone);
	return hit ? 0 : -EADDRNOTAVAIL;
}

static int lo_address(struct netns *ns, const struct ipaddr *ip, uint8_t prefix)
{
	struct net_address a = { .ip = *ip, .broadcast = ip_any4, .prefix = prefix, .scope = RT_SCOPE_HOST,
				 .flags = IFA_F_PERMANENT, .valid = UINT32_MAX, .preferred = UINT32_MAX, .label = "lo" };
	int err = net_address_add(ns, &a);

	return err == -EEXIST ? 0 : err;
}

/* A link that goes down keeps its IPv4 addresses only. */
static void forget_ipv6(struct netns *ns)
{
	struct net_address *a, *next;
	struct list gone;

	list_init(&gone);
	spin_lock(&ns->lock);
	list_for_each_safe(a, next, &ns->addresses, link)
		if (!ip_is_v4(&a->ip))
			withdraw(ns, a, &gone);
	spin_unlock(&ns->lock);
	free_addresses(&gone);
}

int net_link_use_ipv6(struct netns *ns)
{
	if (!net_setting(ns, SET_conf6_lo_disable_ipv6))
		return __atomic_load_n(&ns->lo.up, __ATOMIC_RELAXED) ? lo_address(ns, &ip_loop6, 128) : 0;
	forget_ipv6(ns);
	route_link_down(ns, AF_INET6);
	return 0;
}

int net_link_set_up(struct netns *ns, bool up)
{
	bool any4 = false;
	struct net_address *a;
	int err = 0;

	if (ns->lo.up == up)
		return 0;
	if (!up) {
		route_link_down(ns, 0);
		forget_ipv6(ns);
	} else {
		spin_lock(&ns->lock);
		list_for_each(a, &ns->addresses, link)
			any4 |= ip_is_v4(&a->ip);
		spin_unlock(&ns->lock);
		if (!any4)
			err = lo_address(ns, &ip_loop4, 8);
		if (!err && !net_setting(ns, SET_conf6_lo_disable_ipv6))
			err = lo_address(ns, &ip_loop6, 128);
	}
	if (err)
		return err;
	ns->lo.was_up |= up;
	__atomic_store_n(&ns->lo.up, up, __ATOMIC_RELEASE);
	return 0;
}

static bool same_prefix(const struct net_address *a, const struct net_address *b)
{
	return a->prefix == b->prefix && ip_in_prefix(&a->ip, &b->ip, b->prefix);
}

static struct ipaddr primary_of(struct netns *ns, const struct net_address *a)
{
	struct net_address *o;

	list_for_each(o, &ns->addresses, link)
		if (!(o->flags & IFA_F_SECONDARY) && same_prefix(a, o))
			return o->ip;
	return a->ip;
}

bool route_kernel_each(struct netns *ns, const struct net_address *a, bool (*fn)(const struct net_rt *r, void *arg),
		       void *arg)
{
	bool v4 = ip_is_v4(&a->ip), secondary = a->flags & IFA_F_SECONDARY;
	struct net_rt r = { .family = v4 ? AF_INET : AF_INET6, .table = RT_TABLE_LOCAL, .protocol = RTPROT_KERNEL,
			    .scope = v4 ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE, .type = RTN_LOCAL, .oif = LO_INDEX,
			    .prefsrc = v4 ? a->ip : ip_any6 };

	if (!v4) {
		struct net_rt m = r;

		r.dst = a->ip;
		r.dst_len = 128;
		m.table = RT_TABLE_MAIN;
		m.type = RTN_UNICAST;
		m.metric = 256;
		m.dst = network(&a->ip, a->prefix);
		m.dst_len = a->prefix;
		/* The address that lo was born with has no route of its prefix. */
		return (!ip_equal(&a->ip, &ip_loop6) && fn(&m, arg)) || fn(&r, arg);
	}
	if (!secondary && a->prefix && a->prefix < 32) {
		r.dst = network(&a->ip, a->prefix);
		r.dst_len = a->prefix;
		if (fn(&r, arg))
			return true;
	}
	r.dst = a->ip;
	r.dst_len = 32;
	if (secondary)
		r.prefsrc = primary_of(ns, a);
	if (fn(&r, arg))
		return true;
	r.type = RTN_BROADCAST;
	r.scope = RT_SCOPE_LINK;
	if (!ip_is_any(&a->broadcast) && !ip_is_broadcast(&a->broadcast)) {
		r.dst = a->broadcast;
		if (fn(&r, arg))
			return true;
	}
	if (secondary || a->prefix >= 31 || !a->prefix)
		return false;
	r.dst = ip_from_v4(ip_v4(&a->ip) | UINT32_MAX >> a->prefix);
	return !ip_equal(&r.dst, &a->broadcast) && fn(&r, arg);
}
