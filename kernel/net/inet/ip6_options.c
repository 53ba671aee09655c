/* SPDX-License-Identifier: Apache-2.0 */
/* Extension headers of IPv6: RFC 8200, 3542, ipv6(7).
 *
 * Hop-by-hop and destination options that a program gives, for good or for one message, are
 * carried with the message and told to its receiver.  A message has room for IP_OPTIONS_MAX bytes
 * of them, which is less than Linux has (ENOBUFS).  Routing headers are of kinds that nobody
 * takes (EINVAL); options before a routing header are kept and go nowhere without one.
 * Trust: what a program gives is a copy; its own lengths are checked against the copy's. */
#include "kernel/net/inet/dgram.h"

#define HEADER_MAX 2040u                /* 8 * 255 */
#define PAD1 0
#define PADN 1
#define PADDING_MAX 7u                  /* bytes: RFC 8504, 5.3 */
#define OPTIONS_MAX 8u                  /* max_hbh_opts_number */

/* A header says how long it is. */
static size_t header_size(const uint8_t *h) { return ((size_t)h[1] + 1) * 8; }

/* *ret: its size.  given: the bytes there are. */
static int check(const uint8_t *h, size_t given, size_t *ret)
{
	if (given < 2)
		return -EINVAL;
	*ret = header_size(h);
	return *ret > given ? -EINVAL : *ret > IP_OPTIONS_MAX ? -ENOBUFS : 0;
}

static uint8_t *kept(struct ip6_headers *k, int opt)
{
	return opt == IPV6_HOPOPTS ? k->hop : opt == IPV6_DSTOPTS ? k->dst : k->before_route;
}

bool ip6_is_header(int opt)
{
	return opt == IPV6_HOPOPTS || opt == IPV6_DSTOPTS || opt == IPV6_RTHDRDSTOPTS || opt == IPV6_RTHDR;
}

int ip6_set_header(struct inet_sock *i, int opt, const void *val, size_t size)
{
	struct ip6_headers *fresh = NULL;
	size_t n = 0;
	int err;

	if (opt != IPV6_RTHDR && !capable(CAP_NET_RAW))
		return -EPERM;
	if (size && (size & 7 || size > HEADER_MAX))
		return -EINVAL;
	err = size ? check(val, size, &n) : 0;
	if (err)
		return err;
	if (opt == IPV6_RTHDR)
		return size ? -EINVAL : 0;
	if (size && !__atomic_load_n(&i->headers, __ATOMIC_RELAXED)) {
		fresh = kzalloc(sizeof *fresh);
		if (!fresh)
			return -ENOBUFS;
	}
	spin_lock(&i->ns->lock);
	if (fresh && !i->headers) {
		__atomic_store_n(&i->headers, fresh, __ATOMIC_RELAXED);
		fresh = NULL;
	}
	if (i->headers) {
		memset(kept(i->headers, opt), 0, IP_OPTIONS_MAX);
		memcpy(kept(i->headers, opt), val, n);
		*(opt == IPV6_HOPOPTS ? &i->headers->has_hop : opt == IPV6_DSTOPTS ? &i->headers->has_dst :
		  &i->headers->has_before) = n;
	}
	spin_unlock(&i->ns->lock);
	kfree(fresh);
	return 0;
}

int ip6_get_header(struct inet_sock *i, int opt, void *val, size_t *size)
{
	struct ip6_headers k = { 0 };
	size_t n = 0;

	spin_lock(&i->ns->lock);
	if (i->headers)
		k = *i->headers;
	spin_unlock(&i->ns->lock);
	if (opt == IPV6_HOPOPTS ? k.has_hop : opt == IPV6_DSTOPTS ? k.has_dst : opt == IPV6_RTHDRDSTOPTS && k.has_before)
		n = header_size(kept(&k, opt));
	*size = MIN(*size, n);
	memcpy(val, kept(&k, opt), *size);
	return 0;
}

/* One header more for a message: hop-by-hop first. */
static int add(struct ip_options *p, bool hop, const uint8_t *h, size_t n)
{
	if (hop ? p->hop : p->size > p->hop)
		return -EINVAL;         /* twice */
	if (p->size + n > IP_OPTIONS_MAX)
		return -ENOBUFS;
	if (hop)
		memmove(p->b + n, p->b, p->size);
	memcpy(p->b + (hop ? 0 : p->size), h, n);
	p->size = (uint8_t)(p->size + n);
	if (hop)
		p->hop = (uint8_t)n;
	return 0;
}

int ip6_kept_headers(struct inet_sock *i, struct ip_options *ret)
{
	struct ip6_headers k = { 0 };
	int err = 0;

	*ret = (struct ip_options){ 0 };
	if (!__atomic_load_n(&i->headers, __ATOMIC_RELAXED))
		return 0;
	spin_lock(&i->ns->lock);
	if (i->headers)
		k = *i->headers;
	spin_unlock(&i->ns->lock);
	if (k.has_hop)
		err = add(ret, true, k.hop, header_size(k.hop));
	if (!err && k.has_dst)
		err = add(ret, false, k.dst, header_size(k.dst));
	return err;
}

int ip6_add_header(struct ip_options *p, int type, const uint8_t *data, size_t size)
{
	bool hop = type == IPV6_HOPOPTS || type == IPV6_2292HOPOPTS;
	size_t n;
	int err = check(data, size, &n);

	if (type == IPV6_RTHDR || type == IPV6_2292RTHDR)
		return -EINVAL;
	if (err == -EINVAL)
		return err;
	if (!capable(CAP_NET_RAW))
		return -EPERM;
	return err ? err : type == IPV6_RTHDRDSTOPTS ? 0 : add(p, hop, data, n);
}

/* Would the receiver's kernel take it?  An option that it does not know says what is to happen. */
static bool fine(const uint8_t *h, size_t n)
{
	unsigned padding = 0, count = 0;

	for (size_t at = 2; at < n;) {
		size_t size = h[at] == PAD1 ? 1 : at + 2 <= n ? h[at + 1] + 2u : n;

		if (at + size > n || (h[at] == PADN && size == n))
			return false;
		if (h[at] == PAD1 || h[at] == PADN) {
			padding += (unsigned)size;
			for (size_t k = 2; k < size; k++)
				if (h[at + k])
					return false;
			if (padding > PADDING_MAX)
				return false;
		} else {
			if (h[at] >> 6 || ++count > OPTIONS_MAX)
				return false;
			padding = 0;
		}
		at += size;
	}
	return true;
}

bool ip6_headers_fine(const struct ip_options *p)
{
	return (!p->hop || fine(p->b, p->hop)) && (p->size == p->hop || fine(p->b + p->hop, p->size - p->hop));
}

#define NEXT_DSTOPTS 60

void ip6_describe_headers(const struct inet_sock *i, const struct ip_options *p, struct sock_msg *m)
{
	uint8_t hop[IP_OPTIONS_MAX], dst[IP_OPTIONS_MAX];
	size_t n = p->size - p->hop;

	memcpy(hop, p->b, p->hop);
	memcpy(dst, p->b + p->hop, n);
	if (p->hop)
		hop[0] = n ? NEXT_DSTOPTS : (uint8_t)i->protocol;
	if (n)
		dst[0] = (uint8_t)i->protocol;
	if (p->hop && i->opt[OPT6_HOPOPTS])
		sock_put_cmsg(m, IPPROTO_IPV6, IPV6_HOPOPTS, hop, p->hop);
	if (n && i->opt[OPT6_DSTOPTS])
		sock_put_cmsg(m, IPPROTO_IPV6, IPV6_DSTOPTS, dst, n);
	if (p->hop && i->opt[OPT6_OLD_HOPOPTS])
		sock_put_cmsg(m, IPPROTO_IPV6, IPV6_2292HOPOPTS, hop, p->hop);
	if (n && i->opt[OPT6_OLD_DSTOPTS])
		sock_put_cmsg(m, IPPROTO_IPV6, IPV6_2292DSTOPTS, dst, n);
}
