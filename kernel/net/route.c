/* SPDX-License-Identifier: Apache-2.0 */
/* Routing: which route an address takes.  Rules choose tables, in a table the
 * longest prefix wins, then the smallest metric (ip-rule(8), ip-route(8)).
 *
 * The only link is lo: what a route sends out there and is not local comes to
 * nobody, which is told at once. */
#include "kernel/net/route.h"
#include "kernel/task/task.h"
#include <linux_abi/netlink.h>

/* ---- rules and routes that programs add ---- */

static bool same_route(const struct net_rt *a, const struct net_rt *b)
{
	return a->family == b->family && a->table == b->table && a->dst_len == b->dst_len && a->tos == b->tos &&
	       a->metric == b->metric && ip_equal(&a->dst, &b->dst);
}

int route_add(struct netns *ns, const struct net_rt *r, bool create, bool replace, bool excl)
{
	struct net_rt *n = kmalloc(sizeof *n), *o, *old = NULL;
	int err = 0;

	if (!n)
		return -ENOMEM;
	*n = *r;
	list_init(&n->link);
	spin_lock(&ns->lock);
	list_for_each(o, &ns->routes, link)
		if (!old && same_route(o, r))
			old = o;
	if (old && !replace && (excl || r->family == AF_INET))
		err = -EEXIST;
	else if (!old && !create)
		err = -ENOENT;
	else if (!old && ns->route_count == ROUTES_MAX)
		err = -ENOBUFS;
	if (!err) {
		if (old && replace)
			list_del(&old->link);
		else
			ns->route_count++;
		list_push_back(&ns->routes, &n->link);
	}
	spin_unlock(&ns->lock);
	kfree(err ? n : replace ? old : NULL);
	return err;
}

int route_del(struct netns *ns, const struct net_rt *r, struct net_rt *ret)
{
	struct net_rt *o, *hit = NULL;

	spin_lock(&ns->lock);
	list_for_each(o, &ns->routes, link)
		if (!hit && o->family == r->family && o->table == r->table && o->dst_len == r->dst_len &&
		    ip_equal(&o->dst, &r->dst) && (!r->metric || o->metric == r->metric) &&
		    (!r->type || r->family == AF_INET6 || o->type == r->type) && (!r->protocol || o->protocol == r->protocol) &&
		    (!r->oif || o->oif == r->oif))
			hit = o;
	if (hit) {
		*ret = *hit;
		list_del(&hit->link);
		ns->route_count--;
	}
	spin_unlock(&ns->lock);
	kfree(hit);
	return hit ? 0 : -ESRCH;
}

void route_link_down(struct netns *ns, int family)
{
	struct net_neigh *n, *next_n;
	struct net_rt *r, *next;
	struct list gone;

	list_init(&gone);
	spin_lock(&ns->lock);
	list_for_each_safe(n, next_n, &ns->neighbours, link)
		if (!n->proxy && (!family || n->family == family)) {
			list_del(&n->link);
			kfree(n);
			ns->neighbour_count--;
		}
	list_for_each_safe(r, next, &ns->routes, link)
		if (r->oif && r->type == RTN_UNICAST && (!family || r->family == family)) {
			list_del(&r->link);
			list_push_back(&gone, &r->link);
			ns->route_count--;
		}
	spin_unlock(&ns->lock);
	while (!list_empty(&gone)) {
		r = list_first(&gone, struct net_rt, link);
		list_del(&r->link);
		kfree(r);
	}
}

static bool same_rule(const struct net_rule *o, const struct net_rule *r, bool whole)
{
	return o->family == r->family && (whole || !r->action || o->action == r->action) &&
	       (whole ? o->table == r->table : !r->table || o->table == r->table) &&
	       (whole ? o->priority == r->priority : !r->priority || o->priority == r->priority) &&
	       ((!whole && !r->src_len) || (o->src_len == r->src_len && ip_equal(&o->src, &r->src))) &&
	       ((!whole && !r->dst_len) || (o->dst_len == r->dst_len && ip_equal(&o->dst, &r->dst))) &&
	       ((!whole && !r->mark) || o->mark == r->mark) && ((!whole && !r->iif[0]) || !strcmp(o->iif, r->iif)) &&
	       ((!whole && !r->oif[0]) || !strcmp(o->oif, r->oif));
}

int rule_add(struct netns *ns, const struct net_rule *r)
{
	struct net_rule *n = kmalloc(sizeof *n), *o;
	struct list *at;
	int err = 0;

	if (!n)
		return -ENOMEM;
	*n = *r;
	list_init(&n->link);
	spin_lock(&ns->lock);
	if (!n->priority) {             /* before the second rule of the family */
		bool first = true;

		n->priority = 0;
		list_for_each(o, &ns->rules, link) {
			if (o->family != n->family)
				continue;
			if (!first) {
				n->priority = o->priority ? o->priority - 1 : 0;
				break;
			}
			first = false;
		}
	}
	at = &ns->rules;
	list_for_each(o, &ns->rules, link) {
		if (same_rule(o, n, true))
			err = -EEXIST;
		if (at == &ns->rules && o->priority > n->priority)
			at = &o->link;
	}
	if (!err && ns->rule_count == RULES_MAX)
		err = -ENOBUFS;
	if (!err) {
		list_push_back(at, &n->link);   /* before *at */
		ns->rule_count++;
	}
	spin_unlock(&ns->lock);
	if (err)
		kfree(n);
	return err;
}

int rule_del(struct netns *ns, const struct net_rule *r, struct net_rule *ret)
{
	struct net_rule *o, *hit = NULL;

	spin_lock(&ns->lock);
	list_for_each(o, &ns->rules, link)
		if (!hit && same_rule(o, r, false))
			hit = o;
	if (hit) {
		*ret = *hit;
		list_del(&hit->link);
		ns->rule_count--;
	}
	spin_unlock(&ns->lock);
	kfree(hit);
	return hit ? 0 : -ENOENT;
}

int route_init(struct netns *ns)
{
	static const struct net_rule first[] = {
		{ .family = AF_INET, .table = RT_TABLE_LOCAL, .priority = 0 },
		{ .family = AF_INET6, .table = RT_TABLE_LOCAL, .priority = 0 },
		{ .family = AF_INET, .table = RT_TABLE_MAIN, .priority = 32766 },
		{ .family = AF_INET6, .table = RT_TABLE_MAIN, .priority = 32766 },
		{ .family = AF_INET, .table = RT_TABLE_DEFAULT, .priority = 32767 },
	};

	for (unsigned k = 0; k < ARRAY_SIZE(first); k++) {
		struct net_rule *n = kmalloc(sizeof *n);

		if (!n)
			return -ENOMEM;
		*n = first[k];
		n->action = FR_ACT_TO_TBL;
		n->protocol = RTPROT_KERNEL;
		n->src = n->dst = n->family == AF_INET ? ip_any4 : ip_any6;
		list_init(&n->link);
		list_push_back(&ns->rules, &n->link);
		ns->rule_count++;
	}
	return 0;
}

void route_drop_all(struct netns *ns)
{
	while (!list_empty(&ns->addresses)) {
		struct net_address *a = list_first(&ns->addresses, struct net_address, link);

		list_del(&a->link);
		kfree(a);
	}
	while (!list_empty(&ns->routes)) {
		struct net_rt *r = list_first(&ns->routes, struct net_rt, link);

		list_del(&r->link);
		kfree(r);
	}
	while (!list_empty(&ns->rules)) {
		struct net_rule *r = list_first(&ns->rules, struct net_rule, link);

		list_del(&r->link);
		kfree(r);
	}
	while (!list_empty(&ns->neighbours)) {
		struct net_neigh *n = list_first(&ns->neighbours, struct net_neigh, link);

		list_del(&n->link);
		kfree(n);
	}
}

/* ---- looking up ---- */

struct look { const struct ipaddr *dst; uint32_t table; struct net_rt best; bool found; };

static bool consider(const struct net_rt *r, void *arg)
{
	struct look *l = arg;

	if (r->table != l->table || (r->family == AF_INET) != ip_is_v4(l->dst) ||
	    !ip_in_prefix(l->dst, &r->dst, r->dst_len))
		return false;
	if (l->found && (r->dst_len < l->best.dst_len ||
			 (r->dst_len == l->best.dst_len && r->metric >= l->best.metric)))
		return false;
	l->best = *r;
	l->found = true;
	return false;
}

static bool look_in_table(struct netns *ns, struct look *l)
{
	struct net_address *a;
	struct net_rt *r;

	if (__atomic_load_n(&ns->lo.up, __ATOMIC_RELAXED))
		list_for_each(a, &ns->addresses, link)
			route_kernel_each(ns, a, consider, l);
	list_for_each(r, &ns->routes, link)
		consider(r, l);
	return l->found;
}

static bool rule_matches(const struct net_rule *r, const struct ipaddr *dst, const struct ipaddr *src)
{
	bool yes = (r->family == AF_INET) == ip_is_v4(dst);

	if (!yes)
		return false;
	if (r->dst_len && !ip_in_prefix(dst, &r->dst, r->dst_len))
		yes = false;
	if (r->src_len && (!src || !ip_in_prefix(src, &r->src, r->src_len)))
		yes = false;
	/* Marks are not looked at, and what we route comes from ourselves. */
	if (r->mark || (r->iif[0] && strcmp(r->iif, "lo")) || r->oif[0])
		yes = false;
	return yes != r->invert;
}

int route_find(struct netns *ns, const struct ipaddr *dst, const struct ipaddr *src, struct net_rt *ret)
{
	struct look l = { .dst = dst };
	struct net_rule *r;
	int err = -ENETUNREACH;

	spin_lock(&ns->lock);
	list_for_each(r, &ns->rules, link) {
		if (!rule_matches(r, dst, src))
			continue;
		if (r->action == FR_ACT_BLACKHOLE || r->action == FR_ACT_UNREACHABLE || r->action == FR_ACT_PROHIBIT) {
			err = r->action == FR_ACT_PROHIBIT ? -EACCES : r->action == FR_ACT_BLACKHOLE ? -EINVAL : -ENETUNREACH;
			break;
		}
		if (r->action != FR_ACT_TO_TBL)
			continue;
		l.table = r->table;
		if (look_in_table(ns, &l)) {
			*ret = l.best;
			err = 0;
			break;
		}
	}
	spin_unlock(&ns->lock);
	return err;
}

static bool loopback(const struct ipaddr *a)
{
	return ip_is_v4(a) ? a->b[12] == 127 : ip_equal(a, &ip_loop6);
}

/* Nothing was ever added: the common case needs no lock. */
static bool plain(struct netns *ns)
{
	return __atomic_load_n(&ns->lo.up, __ATOMIC_ACQUIRE) && ns->address_count == 2 && !ns->lacks_loopback &&
	       !ns->route_count && ns->rule_count == 5;
}

/* The first address of IPv4 that is good beyond this host, or none: inet_select_addr(). */
static struct ipaddr wide_address(struct netns *ns)
{
	struct ipaddr found = ip_any4;
	struct net_address *a;

	spin_lock(&ns->lock);
	list_for_each(a, &ns->addresses, link)
		if (ip_is_any(&found) && ip_is_v4(&a->ip) && a->scope == RT_SCOPE_UNIVERSE)
			found = a->ip;
	spin_unlock(&ns->lock);
	return found;
}

static bool has_ipv6(struct netns *ns)
{
	struct net_address *a;
	bool any = false;

	spin_lock(&ns->lock);
	list_for_each(a, &ns->addresses, link)
		any |= !ip_is_v4(&a->ip);
	spin_unlock(&ns->lock);
	return any;
}

int net_route(struct netns *ns, struct ipaddr *dst, int32_t link, struct ipaddr *ret_src, enum net_kind *ret_kind)
{
	struct net_rt r;
	bool v4;
	int err;

	*ret_kind = NET_LOCAL;
	if (ip_is_any(dst))
		*dst = ip_is_v4(dst) ? ip_loop4 : ip_loop6;
	v4 = ip_is_v4(dst);
	*ret_src = v4 ? ip_loop4 : ip_loop6;
	if (link && link != LO_INDEX)
		return -ENETUNREACH;
	/* On a link that the program names, IPv4 needs no route for these. */
	if (v4 && link && __atomic_load_n(&ns->lo.up, __ATOMIC_RELAXED) && (ip_is_multicast(dst) || ip_is_broadcast(dst))) {
		*ret_kind = ip_is_multicast(dst) ? NET_MULTICAST : NET_BROADCAST;
		*ret_src = wide_address(ns);
		return 0;
	}
	if (loopback(dst) && plain(ns) && !(v4 && ip_v4(dst) == 0x7fffffff))
		return 0;
	err = route_find(ns, dst, NULL, &r);
	/* A source is looked for before the way: ip6_dst_lookup_tail(). */
	if (err == -ENETUNREACH && !v4 && !ip_is_multicast(dst) && !has_ipv6(ns))
		err = -EADDRNOTAVAIL;
	if (err)
		return err;
	if (!ip_is_any(&r.prefsrc))
		*ret_src = r.prefsrc;
	else if (r.type == RTN_LOCAL)
		*ret_src = *dst;
	switch (r.type) {
	case RTN_LOCAL: return 0;
	case RTN_BROADCAST: *ret_kind = NET_BROADCAST; return 0;
	case RTN_UNREACHABLE: return v4 ? -EHOSTUNREACH : -ENETUNREACH;
	case RTN_PROHIBIT: return -EACCES;
	case RTN_BLACKHOLE: return -EINVAL;
	case RTN_MULTICAST: *ret_kind = NET_MULTICAST; return 0;
	default:
		if (!ip_is_multicast(dst))
			return -ENETUNREACH;    /* out on lo, back, and ours not: nobody answers */
		*ret_kind = NET_MULTICAST;
		return 0;
	}
}

static bool local_type(struct netns *ns, const struct ipaddr *a, uint8_t *ret_type)
{
	struct look l = { .dst = a, .table = RT_TABLE_LOCAL };

	spin_lock(&ns->lock);
	look_in_table(ns, &l);
	spin_unlock(&ns->lock);
	*ret_type = l.best.type;
	return l.found;
}

bool net_is_local(struct netns *ns, const struct ipaddr *a)
{
	uint8_t type;

	if (loopback(a) && plain(ns))
		return !ip_is_v4(a) || ip_v4(a) != 0x7fffffff;
	return local_type(ns, a, &type) && type == RTN_LOCAL;
}

bool net_may_bind(struct netns *ns, const struct ipaddr *a)
{
	uint8_t type;

	if (ip_is_any(a) || ip_is_multicast(a) || ip_is_broadcast(a))
		return true;
	if (loopback(a) && plain(ns))
		return true;
	return local_type(ns, a, &type) && (type == RTN_LOCAL || type == RTN_BROADCAST);
}
