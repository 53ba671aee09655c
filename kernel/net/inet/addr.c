/* SPDX-License-Identifier: Apache-2.0 */
/* Socket addresses of the two IP families and the kernel's one form. */
#include "kernel/net/inet/inet.h"

static int parse4(const struct inet_sock *i, const struct sock_addr *a, bool for_bind, struct endpoint *ret)
{
	struct linux_sockaddr_in sin;

	if (a->size < sizeof sin)
		return -EINVAL;
	memcpy(&sin, &a->u, sizeof sin);
	/* An address that is all zero but not marked: old programs bind so. */
	if (sin.family != AF_INET && !(for_bind && sin.family == AF_UNSPEC && !sin.addr))
		return -EAFNOSUPPORT;
	if (i->family == AF_INET6 && i->v6only)
		return -ENETUNREACH;
	*ret = (struct endpoint){ .ip = ip_from_v4(be32(sin.addr)), .port = be16(sin.port) };
	return 0;
}

int inet_addr_parse(const struct inet_sock *i, const struct sock_addr *a, bool for_bind, struct endpoint *ret)
{
	struct linux_sockaddr_in6 sin6;

	if (a->size < sizeof(uint16_t))
		return -EINVAL;
	if (i->family == AF_INET)
		return parse4(i, a, for_bind, ret);
	/* A datagram socket of IPv6 may be pointed at an IPv4 address. */
	if (a->u.family == AF_INET && !for_bind && i->type != SOCK_STREAM)
		return parse4(i, a, for_bind, ret);
	if (a->size < 24)               /* without the scope: RFC 2133 */
		return -EINVAL;
	if (a->u.family != AF_INET6)
		return -EAFNOSUPPORT;
	memset(&sin6, 0, sizeof sin6);
	memcpy(&sin6, &a->u, MIN((size_t)a->size, sizeof sin6));
	*ret = (struct endpoint){ .port = be16(sin6.port), .scope = sin6.scope };
	memcpy(ret->ip.b, sin6.addr, sizeof ret->ip.b);
	/* The host itself, by the protocol of the socket's own address. */
	if (!for_bind && ip_is_any(&ret->ip) && ip_is_v4(&i->local.ip))
		ret->ip = ip_any4;
	if (ip_is_v4(&ret->ip) && i->v6only)
		return for_bind ? -EINVAL : -ENETUNREACH;
	return 0;
}

void inet_addr_format(const struct inet_sock *i, const struct endpoint *e, struct sock_addr *ret)
{
	struct linux_sockaddr_in6 sin6 = { .family = AF_INET6, .port = be16(e->port), .scope = e->scope };
	struct linux_sockaddr_in sin = { .family = AF_INET, .port = be16(e->port), .addr = be32(ip_v4(&e->ip)) };

	memset(ret, 0, sizeof *ret);
	if (i->family == AF_INET) {
		ret->size = sizeof sin;
		memcpy(&ret->u, &sin, sizeof sin);
	} else {
		memcpy(sin6.addr, e->ip.b, sizeof sin6.addr);
		ret->size = sizeof sin6;
		memcpy(&ret->u, &sin6, sizeof sin6);
	}
}

int inet_getname_common(struct inet_sock *i, bool peer, bool connected, struct sock_addr *ret)
{
	struct endpoint e;

	if (peer && !connected)
		return -ENOTCONN;
	spin_lock(&i->ns->lock);
	e = peer ? i->remote : i->local;
	spin_unlock(&i->ns->lock);
	if (!peer && i->type == SOCK_RAW)
		e.port = (uint16_t)i->protocol;         /* what inet_create() calls its number */
	inet_addr_format(i, &e, ret);
	return 0;
}
