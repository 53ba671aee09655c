/* SPDX-License-Identifier: Apache-2.0 */
/* Multicast groups of a socket, with the sources that it wants or does not
 * want: ip(7), ipv6(7), RFC 3678.  Everything is bounded: groups of a socket,
 * sources of a group, for which there is room when there are some.  Lock: ns->lock. */
#include "kernel/net/inet/inet.h"

struct change { struct ipaddr group, source; bool v6, sourced, include, add; };

/* Made before the lock is taken: room for the first sources of a group and for all. */
struct rooms { struct ipaddr *some, *all; };

static struct membership *find(struct inet_sock *i, const struct ipaddr *group)
{
	for (unsigned k = 0; k < i->member_count; k++)
		if (ip_equal(&i->members[k].group, group))
			return &i->members[k];
	return NULL;
}

bool inet_wants_group(const struct inet_sock *i, const struct endpoint *to, const struct ipaddr *from)
{
	const struct membership *m = find((struct inet_sock *)i, &to->ip);
	bool listed = false;

	if (!m)
		return i->opt[ip_is_v4(&to->ip) ? OPT_MC_ALL : OPT6_MC_ALL];
	for (unsigned k = 0; k < m->count; k++)
		listed |= ip_equal(&m->source[k], from);
	return listed == m->include;
}

static int join(struct inet_sock *i, const struct ipaddr *group, bool include)
{
	struct membership *m;

	if (find(i, group))
		return -EADDRINUSE;
	if (i->member_count == MEMBERSHIPS_MAX)
		return -ENOBUFS;
	m = &i->members[i->member_count++];
	memset(m, 0, sizeof *m);
	m->group = *group;
	m->include = include;
	return 0;
}

static void leave(struct inet_sock *i, struct membership *m)
{
	kfree(m->source);
	*m = i->members[--i->member_count];
}

void inet_members_free(struct inet_sock *i)
{
	while (i->member_count)
		leave(i, &i->members[0]);
	kfree(i->members);
}

static bool rooms_make(struct rooms *r)
{
	r->some = kmalloc(SOURCES4_MAX * sizeof(*r->some));
	r->all = kmalloc(SOURCES_MAX * sizeof(*r->all));
	return r->some && r->all;
}

static void rooms_free(struct rooms *r)
{
	kfree(r->some);
	kfree(r->all);
}

/* Another source for m, which has fewer than SOURCES_MAX. */
static void append(struct membership *m, const struct ipaddr *source, struct rooms *r)
{
	struct ipaddr **fresh = m->room ? &r->all : &r->some, *old = m->source;

	if (m->count == m->room) {
		if (old)
			memcpy(*fresh, old, m->count * sizeof(*old));
		m->source = *fresh;
		m->room = m->room ? SOURCES_MAX : SOURCES4_MAX;
		*fresh = old;
	}
	m->source[m->count++] = *source;
}

static int change_source(struct inet_sock *i, const struct change *c, struct rooms *rooms)
{
	struct membership *m = find(i, &c->group);
	unsigned at;

	if (!m && c->include && c->add) {       /* to want a source is to join */
		int err = join(i, &c->group, true);

		if (err)
			return err;
		m = find(i, &c->group);
	}
	if (!m)
		return -EINVAL;
	if (m->include != c->include) {
		if (m->filtered)
			return -EINVAL;
		m->include = c->include;
	}
	for (at = 0; at < m->count; at++)
		if (ip_equal(&m->source[at], &c->source))
			break;
	if (!c->add) {
		if (at == m->count)
			return -EADDRNOTAVAIL;
		m->source[at] = m->source[--m->count];
		if (!m->count && m->include)
			leave(i, m);
		return 0;
	}
	if (at < m->count)
		return -EADDRNOTAVAIL;
	if (m->count == (c->v6 ? SOURCES_MAX : SOURCES4_MAX))
		return -ENOBUFS;
	append(m, &c->source, rooms);
	m->filtered = true;
	return 0;
}

static int change(struct inet_sock *i, const struct change *c)
{
	struct membership *fresh = kmalloc(MEMBERSHIPS_MAX * sizeof *fresh), *m;
	struct rooms rooms = { 0 };
	int err;

	if (!fresh || (c->sourced && c->add && !rooms_make(&rooms))) {
		rooms_free(&rooms);
		kfree(fresh);
		return -ENOBUFS;
	}
	spin_lock(&i->ns->lock);
	if (!i->members) {
		i->members = fresh;
		fresh = NULL;
	}
	if (c->sourced) {
		err = change_source(i, c, &rooms);
	} else if (c->add) {
		err = join(i, &c->group, false);
	} else {
		m = find(i, &c->group);
		err = m ? 0 : -EADDRNOTAVAIL;
		if (m)
			leave(i, m);
	}
	spin_unlock(&i->ns->lock);
	rooms_free(&rooms);
	kfree(fresh);
	return err;
}

/* ---- decoding ---- */

/* The link that the request names, by number or address; neither: the one on
 * the way to the group. */
static int check_link(struct inet_sock *i, int32_t index, uint32_t address, const struct ipaddr *group)
{
	struct ipaddr ip = ip_from_v4(be32(address)), dst = *group, src;
	enum net_kind kind;

	if (index)
		return index == LO_INDEX ? 0 : -ENODEV;
	if (address)
		return net_is_local(i->ns, &ip) ? 0 : -ENODEV;
	return net_route(i->ns, &dst, 0, &src, &kind) ? -ENODEV : 0;
}

static int group_v4(struct inet_sock *i, const void *val, size_t size, struct change *c)
{
	struct linux_ip_mreqn m = { 0 };
	int err;

	if (size < 8)
		return -EINVAL;
	memcpy(&m, val, MIN(size, sizeof m));
	c->group = ip_from_v4(be32(m.group));
	if (c->add && !ip_is_multicast(&c->group))
		return -EINVAL;
	err = check_link(i, m.ifindex, m.address, &c->group);
	return err && !c->add && (m.ifindex || m.address) ? -EADDRNOTAVAIL : err;
}

static int source_v4(struct inet_sock *i, const void *val, size_t size, struct change *c)
{
	struct { uint32_t group, address, source; } m;

	if (size < sizeof m)
		return -EINVAL;
	memcpy(&m, val, sizeof m);
	c->group = ip_from_v4(be32(m.group));
	c->source = ip_from_v4(be32(m.source));
	c->sourced = true;
	if (!ip_is_multicast(&c->group))
		return -EINVAL;
	return check_link(i, 0, m.address, &c->group);
}

static int group_v6(struct inet_sock *i, const void *val, size_t size, struct change *c)
{
	struct linux_ipv6_mreq m;

	if (size < sizeof m)
		return -EINVAL;
	memcpy(&m, val, sizeof m);
	memcpy(c->group.b, m.group, sizeof c->group.b);
	if (c->group.b[0] != 0xff)
		return -EINVAL;
	if (!c->add && m.ifindex && m.ifindex != LO_INDEX)
		return -EADDRNOTAVAIL;  /* nobody is a member there */
	return check_link(i, m.ifindex, 0, &c->group);
}

static int storage(int level, bool sourced, const void *p, struct ipaddr *ret)
{
	struct linux_sockaddr_in sin;
	struct linux_sockaddr_in6 sin6;

	memcpy(&sin, p, sizeof sin);
	if (level == IPPROTO_IP && sin.family != AF_INET)
		return sourced ? -EADDRNOTAVAIL : -EINVAL;
	if (level == IPPROTO_IP) {
		*ret = ip_from_v4(be32(sin.addr));
		return 0;
	}
	memcpy(&sin6, p, sizeof sin6);
	if (sin6.family != AF_INET6)
		return -EADDRNOTAVAIL;
	memcpy(ret->b, sin6.addr, sizeof ret->b);
	return 0;
}

/* struct group_req, struct group_source_req: the number of the link, padding, one
 * or two struct sockaddr_storage. */
static int general(struct inet_sock *i, int level, bool sourced, const void *val, size_t size, struct change *c)
{
	const uint8_t *p = val;
	int32_t index;
	int err;

	if (size < 8 + (sourced ? 2u : 1u) * sizeof(struct linux_sockaddr_storage))
		return -EINVAL;
	memcpy(&index, p, sizeof index);
	err = storage(level, sourced, p + 8, &c->group);
	if (!err && sourced)
		err = storage(level, sourced, p + 8 + sizeof(struct linux_sockaddr_storage), &c->source);
	if (err)
		return err;
	c->sourced = sourced;
	if (!ip_is_multicast(&c->group))
		return -EINVAL;
	return check_link(i, index, 0, &c->group);
}

/* ---- the whole list of a group: struct ip_msfilter, struct group_filter ---- */

#define MSF_HEAD 16u
#define GF_HEAD 144u
#define STORAGE sizeof(struct linux_sockaddr_storage)

/* The fixed part of either form; the links named must be there. */
struct list_head { struct ipaddr group; uint32_t include, count; int32_t index; uint32_t address; size_t head, each; };

static int decode_head(int level, int opt, const uint8_t *p, size_t size, struct list_head *ret)
{
	struct { uint32_t group, address, mode, count; } msf;
	int err;

	*ret = (struct list_head){ .head = opt == IP_MSFILTER ? MSF_HEAD : GF_HEAD, .each = opt == IP_MSFILTER ? 4 : STORAGE };
	if (size < ret->head)
		return -EINVAL;
	if (opt == IP_MSFILTER) {
		memcpy(&msf, p, sizeof msf);
		ret->group = ip_from_v4(be32(msf.group));
		ret->address = msf.address;
		ret->include = msf.mode;
		ret->count = msf.count;
	} else {
		memcpy(&ret->index, p, sizeof ret->index);
		memcpy(&ret->include, p + 8 + STORAGE, sizeof ret->include);
		memcpy(&ret->count, p + 12 + STORAGE, sizeof ret->count);
		err = storage(level, true, p + 8, &ret->group);
		if (err)
			return err;
	}
	return 0;
}

static int set_list(struct inet_sock *i, int level, int opt, const uint8_t *p, size_t size)
{
	unsigned most = level == IPPROTO_IP ? SOURCES4_MAX : SOURCES_MAX;
	struct membership *m, fresh, old = { 0 };
	struct list_head h;
	int err = decode_head(level, opt, p, size, &h);

	if (err)
		return err;
	if (h.count > most)
		return -ENOBUFS;
	if (size < h.head + h.count * h.each || !ip_is_multicast(&h.group) || h.include > 1)
		return -EINVAL;
	err = check_link(i, h.index, h.address, &h.group);
	if (err)
		return err;
	fresh = (struct membership){ .group = h.group, .include = h.include, .filtered = h.include || h.count,
				     .count = (uint8_t)h.count, .room = (uint8_t)h.count };
	fresh.source = h.count ? kmalloc(h.count * sizeof(*fresh.source)) : NULL;
	if (h.count && !fresh.source)
		return -ENOBUFS;
	for (unsigned k = 0; k < h.count && !err; k++) {
		const uint8_t *at = p + h.head + k * h.each;
		uint32_t v4;

		if (opt == IP_MSFILTER) {
			memcpy(&v4, at, sizeof v4);
			fresh.source[k] = ip_from_v4(be32(v4));
		} else {
			err = storage(level, true, at, &fresh.source[k]);
		}
	}
	if (!err) {
		spin_lock(&i->ns->lock);
		m = i->members ? find(i, &h.group) : NULL;
		if (!m)
			err = -EINVAL;
		else if (h.include && !h.count)
			leave(i, m);    /* nobody is wanted any more */
		else {
			old = *m;
			*m = fresh;
			fresh.source = NULL;
		}
		spin_unlock(&i->ns->lock);
	}
	kfree(fresh.source);
	kfree(old.source);
	return err;
}

int inet_get_members(struct inet_sock *i, int level, int opt, void *val, size_t *size)
{
	struct membership *m, copy;
	struct ipaddr *source;
	struct list_head h;
	uint8_t *p = val;
	unsigned n;
	uint32_t v;
	int err;

	if (opt != MCAST_MSFILTER && (opt != IP_MSFILTER || level != IPPROTO_IP))
		return -ENOPROTOOPT;
	err = decode_head(level, opt, p, *size, &h);
	if (err)
		return err;
	if (!ip_is_multicast(&h.group))
		return -EINVAL;
	err = check_link(i, h.index, h.address, &h.group);
	if (err)
		return err;
	source = kmalloc(SOURCES_MAX * sizeof(*source));
	if (!source)
		return -ENOBUFS;
	spin_lock(&i->ns->lock);
	m = i->members ? find(i, &h.group) : NULL;
	if (m) {
		copy = *m;
		if (m->count)
			memcpy(source, m->source, m->count * sizeof(*source));
	}
	spin_unlock(&i->ns->lock);
	if (!m) {
		kfree(source);
		return -EADDRNOTAVAIL;
	}
	n = MIN(MIN(h.count, (uint32_t)copy.count), (unsigned)((*size - h.head) / h.each));
	v = copy.include;
	memcpy(p + h.head - 8, &v, sizeof v);
	v = copy.count;
	memcpy(p + h.head - 4, &v, sizeof v);
	for (unsigned k = 0; k < n; k++) {
		struct inet_sock as = { .family = level == IPPROTO_IP ? AF_INET : AF_INET6 };
		struct sock_addr a;

		inet_addr_format(&as, &(struct endpoint){ .ip = source[k] }, &a);
		if (opt == IP_MSFILTER) {
			memcpy(p + h.head + k * h.each, source[k].b + 12, 4);
		} else {
			memset(p + h.head + k * h.each, 0, h.each);
			memcpy(p + h.head + k * h.each, &a.u, MIN((size_t)a.size, h.each));
		}
	}
	*size = h.head + n * h.each;
	kfree(source);
	return 0;
}

int inet_set_members(struct inet_sock *i, int level, int opt, const void *val, size_t size)
{
	struct change c = { .v6 = level == IPPROTO_IPV6 };
	bool v4 = level == IPPROTO_IP;
	int err;

	switch (opt) {
	case IP_MSFILTER:
	case MCAST_MSFILTER:
		return opt == IP_MSFILTER && !v4 ? -ENOPROTOOPT : set_list(i, level, opt, val, size);
	case MCAST_JOIN_GROUP:
	case MCAST_LEAVE_GROUP:
		c.add = opt == MCAST_JOIN_GROUP;
		err = general(i, level, false, val, size, &c);
		break;
	case MCAST_JOIN_SOURCE_GROUP:
	case MCAST_LEAVE_SOURCE_GROUP:
	case MCAST_BLOCK_SOURCE:
	case MCAST_UNBLOCK_SOURCE:
		c.add = opt == MCAST_JOIN_SOURCE_GROUP || opt == MCAST_BLOCK_SOURCE;
		c.include = opt == MCAST_JOIN_SOURCE_GROUP || opt == MCAST_LEAVE_SOURCE_GROUP;
		err = general(i, level, true, val, size, &c);
		break;
	case IP_ADD_SOURCE_MEMBERSHIP:
	case IP_DROP_SOURCE_MEMBERSHIP:
	case IP_BLOCK_SOURCE:
	case IP_UNBLOCK_SOURCE:
		if (!v4)
			return -ENOPROTOOPT;
		c.add = opt == IP_ADD_SOURCE_MEMBERSHIP || opt == IP_BLOCK_SOURCE;
		c.include = opt == IP_ADD_SOURCE_MEMBERSHIP || opt == IP_DROP_SOURCE_MEMBERSHIP;
		err = source_v4(i, val, size, &c);
		break;
	default:
		if (opt != (v4 ? IP_ADD_MEMBERSHIP : IPV6_ADD_MEMBERSHIP) &&
		    opt != (v4 ? IP_DROP_MEMBERSHIP : IPV6_DROP_MEMBERSHIP))
			return -ENOPROTOOPT;
		if (v4 && i->type == SOCK_STREAM)
			return -EPROTO;
		if (!v4 && i->type == SOCK_STREAM && size >= sizeof(struct linux_ipv6_mreq))
			return -EPROTO;
		c.add = opt == (v4 ? IP_ADD_MEMBERSHIP : IPV6_ADD_MEMBERSHIP);
		err = v4 ? group_v4(i, val, size, &c) : group_v6(i, val, size, &c);
	}
	if (err)
		return err;
	return i->type == SOCK_STREAM ? -EPROTO : change(i, &c);
}
