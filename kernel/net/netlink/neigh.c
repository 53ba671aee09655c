/* SPDX-License-Identifier: Apache-2.0 */
/* NETLINK_ROUTE: neighbours, that is the link addresses that belong to network
 * addresses. ip-neighbour(8).  Nobody is asked for any on lo, so the table holds
 * what programs put there.
 *
 * On a loopback link all IPv4 neighbours are one, 0.0.0.0: arp_constructor() has
 * it so, and a look-up by another address finds nothing.  Lock: netns->lock. */
#include "kernel/net/netlink/netlink.h"

struct neigh_head { uint8_t family, pad1; uint16_t pad2; int32_t index; uint16_t state; uint8_t flags, type; };
_Static_assert(sizeof(struct neigh_head) == 12, "ndmsg");

#define REACHABLE_NS (30 * NSEC_PER_SEC)

static const struct ipaddr *key_of(uint8_t family, const struct ipaddr *ip)
{
	return family == AF_INET ? &ip_any4 : ip;
}

static struct net_neigh *find(struct netns *ns, uint8_t family, const struct ipaddr *ip, bool proxy)
{
	struct net_neigh *n;

	list_for_each(n, &ns->neighbours, link)
		if (n->family == family && n->proxy == proxy && ip_equal(&n->ip, ip))
			return n;
	return NULL;
}

/* What is true of it now: who was not heard of for long is no more known to be there. */
static uint16_t state_of(const struct net_neigh *n)
{
	return n->state == NUD_REACHABLE && plat_time_mono_ns() - n->updated_ns > REACHABLE_NS ? NUD_STALE : n->state;
}

static void put_neigh(struct nl_request *r, const struct net_neigh *n, uint16_t type)
{
	struct neigh_head h = { .family = n->family, .index = n->proxy ? n->index : LO_INDEX, .state = state_of(n),
				.flags = n->flags, .type = RTN_UNICAST };
	uint32_t ticks = (uint32_t)((plat_time_mono_ns() - n->updated_ns) / (NSEC_PER_SEC / 100));
	uint32_t info[4] = { ticks, ticks, ticks, 0 };   /* confirmed, used, updated, references */

	nl_begin(r, type, &h, sizeof h);
	nl_put_ip(r, NDA_DST, &n->ip);
	if (!n->proxy) {
		if (h.state & NUD_VALID)
			nl_attr(r, NDA_LLADDR, n->address, sizeof n->address);
		nl_u32(r, NDA_PROBES, 0);
		nl_attr(r, NDA_CACHEINFO, info, sizeof info);
	}
	if (n->protocol)
		nl_u8(r, NDA_PROTOCOL, n->protocol);
	nl_end(r);
}

static int dump(struct nl_request *r)
{
	struct neigh_head h = { 0 };
	struct net_neigh *copy, *n;
	uint32_t index = 0;
	unsigned count = 0;
	bool proxies;

	memcpy(&h, r->body, r->size >= sizeof h ? sizeof h : MIN(r->size, (size_t)1));
	if (r->strict && (r->size < sizeof h || h.pad1 || h.pad2 || h.index || h.state || h.type))
		return -EINVAL;
	(void)nl_get_u32(r, sizeof h, NDA_IFINDEX, &index);
	proxies = h.flags == NTF_PROXY;
	copy = kmalloc(NEIGHBOURS_MAX * sizeof *copy);
	if (!copy)
		return -ENOBUFS;
	spin_lock(&r->ns->lock);
	list_for_each(n, &r->ns->neighbours, link)
		if (count < NEIGHBOURS_MAX)
			copy[count++] = *n;
	spin_unlock(&r->ns->lock);
	for (int v6 = 0; v6 < 2; v6++)
		for (unsigned k = 0; k < count; k++)
			if (copy[k].family == (v6 ? AF_INET6 : AF_INET) && (!h.family || h.family == copy[k].family) &&
			    copy[k].proxy == proxies && copy[k].state != NUD_NOARP && (!index || index == LO_INDEX))
				put_neigh(r, &copy[k], RTM_NEWNEIGH);
	kfree(copy);
	return 0;
}

/* What all requests about one neighbour say. */
static int decode(struct nl_request *r, struct neigh_head *h, struct ipaddr *ret_ip)
{
	size_t n;

	if (r->size < sizeof *h)
		return -EINVAL;
	memcpy(h, r->body, sizeof *h);
	if (!nl_find(r, sizeof *h, NDA_DST, &n)) {
		r->text = "Network address not specified";
		return -EINVAL;
	}
	if (h->index && h->index != LO_INDEX)
		return -ENODEV;
	if (h->family != AF_INET && h->family != AF_INET6)
		return -EAFNOSUPPORT;
	if (!nl_get_ip(r, sizeof *h, NDA_DST, h->family, ret_ip)) {
		r->text = "Invalid network address";
		return -EINVAL;
	}
	if (!h->index && !(h->flags & NTF_PROXY)) {
		r->text = "No device specified";
		return -EINVAL;
	}
	return 0;
}

static int get(struct nl_request *r)
{
	struct neigh_head h;
	struct ipaddr ip;
	struct net_neigh *n, copy;
	int err = decode(r, &h, &ip);

	if (err)
		return err;
	spin_lock(&r->ns->lock);
	n = find(r->ns, h.family, &ip, h.flags & NTF_PROXY);
	if (n)
		copy = *n;
	spin_unlock(&r->ns->lock);
	if (!n) {
		r->text = h.flags & NTF_PROXY ? "Proxy neighbour entry not found" : "Neighbour entry not found";
		return -ENOENT;
	}
	put_neigh(r, &copy, RTM_NEWNEIGH);
	return 0;
}

/* n becomes what h and address say; other: another link address may replace a
 * valid one. */
static void update(struct net_neigh *n, const struct neigh_head *h, const uint8_t *address, bool other)
{
	if (address && !other && n->state & NUD_VALID && memcmp(n->address, address, sizeof n->address))
		return;
	if (address)
		memcpy(n->address, address, sizeof n->address);
	n->state = h->state;
	n->flags = h->flags & (NTF_PROXY | NTF_ROUTER | NTF_EXT_LEARNED);
	n->updated_ns = plat_time_mono_ns();
}

static int add(struct nl_request *r)
{
	struct net_neigh *fresh = NULL, *n, copy;
	const uint8_t *address, *protocol;
	struct neigh_head h;
	size_t size = 0, psize = 0;
	struct ipaddr ip;
	int err = decode(r, &h, &ip);
	bool proxy, known;

	if (err)
		return err;
	proxy = h.flags & NTF_PROXY;
	address = nl_find(r, sizeof h, NDA_LLADDR, &size);
	protocol = nl_find(r, sizeof h, NDA_PROTOCOL, &psize);
	if (address && size < sizeof copy.address) {
		r->text = "Invalid link address";
		return -EINVAL;
	}
	fresh = kzalloc(sizeof *fresh);
	if (!fresh)
		return -ENOBUFS;
	*fresh = (struct net_neigh){ .family = h.family, .proxy = proxy, .index = (uint8_t)h.index, .state = NUD_NOARP,
				     .ip = proxy ? ip : *key_of(h.family, &ip) };
	spin_lock(&r->ns->lock);
	n = find(r->ns, h.family, &ip, proxy);
	known = n;
	if (known && !proxy && r->h.flags & NLM_F_EXCL)
		err = -EEXIST;
	else if (!known && !proxy && !(r->h.flags & NLM_F_CREATE))
		err = -ENOENT;
	if (!err && !known && !proxy)
		n = find(r->ns, h.family, &fresh->ip, false);
	if (!err && !n && r->ns->neighbour_count == NEIGHBOURS_MAX)
		err = -ENOBUFS;
	if (!err && !n) {
		n = fresh;
		fresh = NULL;
		list_push_front(&r->ns->neighbours, &n->link);
		r->ns->neighbour_count++;
	}
	if (!err) {
		if (proxy)
			n->flags = h.flags;
		else
			update(n, &h, address, !known || r->h.flags & NLM_F_REPLACE);
		if (protocol && psize)
			n->protocol = *protocol;
		if (proxy)
			n->state = 0;
		copy = *n;
	}
	spin_unlock(&r->ns->lock);
	kfree(fresh);
	if (err)
		return err;
	put_neigh(r, &copy, RTM_NEWNEIGH);
	nl_announce(r, RTNLGRP_NEIGH);
	return 0;
}

static int del(struct nl_request *r)
{
	struct neigh_head h;
	struct net_neigh *n;
	struct ipaddr ip;
	int err = decode(r, &h, &ip);

	if (err)
		return err;
	spin_lock(&r->ns->lock);
	n = find(r->ns, h.family, &ip, h.flags & NTF_PROXY);
	if (n) {
		list_del(&n->link);
		r->ns->neighbour_count--;
	}
	spin_unlock(&r->ns->lock);
	if (!n)
		return -ENOENT;
	n->state = NUD_FAILED;
	for (int gone = 0; gone < 2; gone++) {  /* it failed, then it is gone */
		put_neigh(r, n, gone ? RTM_DELNEIGH : RTM_NEWNEIGH);
		nl_announce(r, RTNLGRP_NEIGH);
	}
	kfree(n);
	return 0;
}

int neigh_request(struct nl_request *r)
{
	if (r->h.type == RTM_GETNEIGH)
		return r->dump ? dump(r) : get(r);
	if (!r->admin)
		return -EPERM;
	return r->h.type == RTM_NEWNEIGH ? add(r) : del(r);
}

/* /proc/net/arp */
void net_show_arp(struct netns *ns, struct sbuf *s)
{
	struct net_neigh *n;

	sbuf_printf(s, "IP address       HW type     Flags       HW address            Mask     Device\n");
	spin_lock(&ns->lock);
	list_for_each(n, &ns->neighbours, link) {
		const uint8_t *a = n->address;
		unsigned flags = n->state & NUD_PERMANENT ? 6 : n->state & NUD_VALID ? 2 : 0;

		if (n->family == AF_INET && !n->proxy && n->state && n->state != NUD_NOARP)
			sbuf_printf(s, "0.0.0.0          0x304       0x%x         %02x:%02x:%02x:%02x:%02x:%02x     *        lo\n",
				    flags, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
	spin_unlock(&ns->lock);
}
