/* SPDX-License-Identifier: Apache-2.0 */
/* route.h: addresses of the link, routes, rules; what netlink shows and
 * changes and net_route() answers from.
 *
 * The kernel's own routes follow from the addresses and are made up when asked
 * for (route_kernel_each()); stored are those that a program added.  All lists
 * are bounded.  Lock: netns->lock, held by the caller of the _locked forms.
 * Source: kernel/net/route.c, kernel/net/addr.c. */
#ifndef NACRE_KERNEL_NET_ROUTE_H
#define NACRE_KERNEL_NET_ROUTE_H

#include "kernel/net/net.h"

#define ADDRESSES_MAX 256u
#define ROUTES_MAX 1024u
#define RULES_MAX 256u
#define NEIGHBOURS_MAX 256u

struct net_address {
	struct list link;
	struct ipaddr ip, broadcast;    /* broadcast: any4 when none */
	uint8_t prefix, scope;          /* prefix as in its own family */
	uint32_t flags;                 /* IFA_F_ */
	uint32_t valid, preferred;      /* seconds; UINT32_MAX: for ever */
	char label[16];
};

struct net_rt {
	struct list link;
	uint8_t family, dst_len, src_len, tos, protocol, scope, type;
	uint32_t table, metric, oif;
	struct ipaddr dst, prefsrc;     /* prefsrc "any": none */
};

struct net_rule {
	struct list link;
	uint8_t family, action, src_len, dst_len, protocol, tos;
	uint32_t table, priority, mark, mask;
	struct ipaddr src, dst;
	char iif[16], oif[16];
	bool invert;
};

struct net_neigh {
	struct list link;
	uint8_t family, flags, protocol, index; /* index: of a proxy's link, or 0 */
	uint16_t state;                 /* NUD_ */
	bool proxy;
	uint8_t address[6];
	struct ipaddr ip;
	uint64_t updated_ns;
};

int __must_check route_init(struct netns *ns);          /* the three rules of each family */
void route_drop_all(struct netns *ns);

/* addr.c: -EEXIST, -EADDRNOTAVAIL, -ENOMEM, -ENOBUFS */
int __must_check net_address_add(struct netns *ns, const struct net_address *a);
int __must_check net_address_del(struct netns *ns, const struct ipaddr *ip, uint8_t prefix, struct net_address *ret);
/* Up or down; lo gets its addresses when it goes up. */
int __must_check net_link_set_up(struct netns *ns, bool up);
/* As disable_ipv6 of lo says now. */
int __must_check net_link_use_ipv6(struct netns *ns);
struct net_address *net_address_find_locked(struct netns *ns, const struct ipaddr *ip);
bool ip_in_prefix(const struct ipaddr *ip, const struct ipaddr *net, unsigned prefix);  /* one family */
/* The kernel's routes for a; fn returns true to end.  Lock held. */
bool route_kernel_each(struct netns *ns, const struct net_address *a,
		       bool (*fn)(const struct net_rt *r, void *arg), void *arg);

/* route.c */
int __must_check route_add(struct netns *ns, const struct net_rt *r, bool create, bool replace, bool excl);
int __must_check route_del(struct netns *ns, const struct net_rt *r, struct net_rt *ret);      /* -ESRCH */
void route_link_down(struct netns *ns, int family);     /* routes and neighbours over it go; 0: of all families */
int __must_check rule_add(struct netns *ns, const struct net_rule *r);
int __must_check rule_del(struct netns *ns, const struct net_rule *r, struct net_rule *ret);   /* -ENOENT */
/* What a look-up finds: a copy.  -ENETUNREACH. */
int __must_check route_find(struct netns *ns, const struct ipaddr *dst, const struct ipaddr *src, struct net_rt *ret);

#endif
