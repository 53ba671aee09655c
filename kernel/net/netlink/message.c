/* SPDX-License-Identifier: Apache-2.0 */
/* Netlink messages: building answers, finding attributes in requests. */
#include "kernel/net/netlink/netlink.h"

void nl_bytes(struct nl_request *r, const void *p, size_t n)
{
	static const uint8_t zero[4];

	sbuf_write(&r->out, p, n);
	if (r->out.n % 4)
		sbuf_write(&r->out, zero, 4 - r->out.n % 4);
}

void nl_begin(struct nl_request *r, uint16_t type, const void *fixed, size_t size)
{
	struct linux_nlmsghdr h = { 0, type, r->dump ? NLM_F_MULTI : 0, r->h.seq, r->pid };

	r->open = r->out.n;
	sbuf_write(&r->out, &h, sizeof h);
	nl_bytes(r, fixed, size);
}

void nl_attr(struct nl_request *r, uint16_t type, const void *p, size_t n)
{
	struct linux_nlattr a = { (uint16_t)(sizeof a + n), type };

	sbuf_write(&r->out, &a, sizeof a);
	nl_bytes(r, p, n);
}

size_t nl_nest(struct nl_request *r, uint16_t type)
{
	struct linux_nlattr a = { sizeof a, type };
	size_t at = r->out.n;

	sbuf_write(&r->out, &a, sizeof a);
	return at;
}

void nl_nest_end(struct nl_request *r, size_t nest)
{
	uint16_t len = (uint16_t)(r->out.n - nest);

	if (!r->out.failed)
		memcpy(r->out.p + nest, &len, sizeof len);
}

void nl_end(struct nl_request *r)
{
	uint32_t len = (uint32_t)(r->out.n - r->open);

	if (!r->out.failed)
		memcpy(r->out.p + r->open, &len, sizeof len);
}

const void *nl_find(const struct nl_request *r, size_t fixed, uint16_t type, size_t *ret_size)
{
	size_t at = align_up(fixed, 4);
	struct linux_nlattr a;

	while (at + sizeof a <= r->size) {
		memcpy(&a, r->body + at, sizeof a);
		if (a.len < sizeof a || a.len > r->size - at)
			return NULL;
		if ((a.type & 0x3fff) == type) {
			*ret_size = a.len - sizeof a;
			return r->body + at + sizeof a;
		}
		at += align_up(a.len, 4);
	}
	return NULL;
}

bool nl_get_u32(const struct nl_request *r, size_t fixed, uint16_t type, uint32_t *ret)
{
	size_t n;
	const void *p = nl_find(r, fixed, type, &n);

	if (!p || n != sizeof *ret)
		return false;
	memcpy(ret, p, sizeof *ret);
	return true;
}

bool nl_get_ip(const struct nl_request *r, size_t fixed, uint16_t type, uint8_t family, struct ipaddr *ret)
{
	size_t n;
	const void *p = nl_find(r, fixed, type, &n);
	uint32_t v4;

	if (!p || n != (family == AF_INET ? sizeof v4 : sizeof *ret))
		return false;
	if (family == AF_INET) {
		memcpy(&v4, p, sizeof v4);
		*ret = ip_from_v4(be32(v4));
	} else {
		memcpy(ret, p, sizeof *ret);
	}
	return true;
}

void nl_put_ip(struct nl_request *r, uint16_t type, const struct ipaddr *ip)
{
	if (ip_is_v4(ip))
		nl_attr(r, type, ip->b + 12, 4);
	else
		nl_attr(r, type, ip->b, sizeof ip->b);
}
