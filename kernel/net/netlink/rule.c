/* SPDX-License-Identifier: Apache-2.0 */
/* NETLINK_ROUTE: rules, which choose the routing table. ip-rule(8). */
#include "kernel/net/netlink/netlink.h"

struct rule_head { uint8_t family, dst_len, src_len, tos, table, res1, res2, action; uint32_t flags; };
_Static_assert(sizeof(struct rule_head) == 12, "fib_rule_hdr");

static void put_rule(struct nl_request *r, const struct net_rule *u, uint16_t type)
{
	struct rule_head h = { .family = u->family, .dst_len = u->dst_len, .src_len = u->src_len, .tos = u->tos,
			       .table = u->table < 256 ? (uint8_t)u->table : 252, .action = u->action,
			       .flags = u->invert ? FIB_RULE_INVERT : 0 };

	nl_begin(r, type, &h, sizeof h);
	nl_u32(r, FRA_TABLE, u->table);
	nl_u32(r, FRA_SUPPRESS_PREFIXLEN, UINT32_MAX);
	nl_u8(r, FRA_PROTOCOL, u->protocol);
	if (u->priority)
		nl_u32(r, FRA_PRIORITY, u->priority);
	if (u->mark || u->mask) {
		nl_u32(r, FRA_FWMARK, u->mark);
		nl_u32(r, FRA_FWMASK, u->mask);
	}
	if (u->iif[0])
		nl_attr(r, FRA_IIFNAME, u->iif, strlen(u->iif) + 1);
	if (u->oif[0])
		nl_attr(r, FRA_OIFNAME, u->oif, strlen(u->oif) + 1);
	if (u->dst_len)
		nl_put_ip(r, FRA_DST, &u->dst);
	if (u->src_len)
		nl_put_ip(r, FRA_SRC, &u->src);
	nl_end(r);
}

static int dump_rules(struct nl_request *r)
{
	uint8_t family = r->size ? r->body[0] : 0;
	struct net_rule *copy, *u;
	unsigned n = 0;

	if (r->strict && r->size < sizeof(struct rule_head))
		return -EINVAL;
	copy = kmalloc(RULES_MAX * sizeof *copy);
	if (!copy)
		return -ENOBUFS;
	spin_lock(&r->ns->lock);
	list_for_each(u, &r->ns->rules, link)
		if (n < RULES_MAX)
			copy[n++] = *u;
	spin_unlock(&r->ns->lock);
	for (int v6 = 0; v6 < 2; v6++)
		for (unsigned k = 0; k < n; k++)
			if (copy[k].family == (v6 ? AF_INET6 : AF_INET) && (!family || family == copy[k].family))
				put_rule(r, &copy[k], RTM_NEWRULE);
	kfree(copy);
	return 0;
}

static void get_name(struct nl_request *r, uint16_t type, char *ret, size_t room)
{
	size_t n;
	const char *p = nl_find(r, sizeof(struct rule_head), type, &n);

	if (p)
		kstrlcpy(ret, p, MIN(room, n));
}

static int decode(struct nl_request *r, struct net_rule *u)
{
	struct rule_head h;
	const uint8_t *p;
	uint8_t most;
	size_t n;

	if (r->size < sizeof h)
		return -EINVAL;
	memcpy(&h, r->body, sizeof h);
	if (h.family != AF_INET && h.family != AF_INET6)
		return -EAFNOSUPPORT;
	most = h.family == AF_INET ? 32 : 128;
	*u = (struct net_rule){ .family = h.family, .action = h.action, .src_len = h.src_len, .dst_len = h.dst_len,
				.tos = h.tos, .table = h.table, .mask = 0, .invert = h.flags & FIB_RULE_INVERT };
	u->src = u->dst = h.family == AF_INET ? ip_any4 : ip_any6;
	if (h.src_len > most || h.dst_len > most ||
	    (h.src_len && !nl_get_ip(r, sizeof h, FRA_SRC, h.family, &u->src)) ||
	    (h.dst_len && !nl_get_ip(r, sizeof h, FRA_DST, h.family, &u->dst)))
		return -EINVAL;
	(void)nl_get_u32(r, sizeof h, FRA_TABLE, &u->table);
	(void)nl_get_u32(r, sizeof h, FRA_PRIORITY, &u->priority);
	if (nl_get_u32(r, sizeof h, FRA_FWMARK, &u->mark))
		u->mask = UINT32_MAX;
	(void)nl_get_u32(r, sizeof h, FRA_FWMASK, &u->mask);
	p = nl_find(r, sizeof h, FRA_PROTOCOL, &n);
	u->protocol = p && n == 1 ? *p : 0;
	get_name(r, FRA_IIFNAME, u->iif, sizeof u->iif);
	get_name(r, FRA_OIFNAME, u->oif, sizeof u->oif);
	return 0;
}

int rule_request(struct nl_request *r)
{
	struct net_rule u, gone;
	int err;

	if (r->h.type == RTM_GETRULE)
		return r->dump ? dump_rules(r) : -EOPNOTSUPP;
	if (!r->admin)
		return -EPERM;
	err = decode(r, &u);
	if (err)
		return err;
	if (r->h.type == RTM_NEWRULE) {
		if (u.action == FR_ACT_TO_TBL && !u.table)
			return -EINVAL;
		err = rule_add(r->ns, &u);
		gone = u;
	} else {
		err = rule_del(r->ns, &u, &gone);
	}
	if (err)
		return err;
	put_rule(r, &gone, r->h.type);
	nl_announce(r, u.family == AF_INET ? RTNLGRP_IPV4_RULE : RTNLGRP_IPV6_RULE);
	return 0;
}
