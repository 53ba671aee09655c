/* SPDX-License-Identifier: Apache-2.0 */
/* Private to kernel/net/netlink/: answers are built as text, then queued. */
#ifndef NACRE_KERNEL_NETLINK_H
#define NACRE_KERNEL_NETLINK_H

#include "kernel/net/route.h"
#include "kernel/task/task.h"
#include <linux_abi/netlink.h>

/* One request and the answer under way. */
struct nl_request {
	struct linux_nlmsghdr h;
	const uint8_t *body;            /* h.len - header bytes, kernel copy */
	size_t size;
	struct netns *ns;
	uint32_t pid;                   /* of the asking socket */
	struct sbuf out;
	size_t open;                    /* where the message being built starts */
	bool dump, strict, admin;       /* admin: of the sender and the socket's opener */
	const char *text;               /* why it failed, in words; or NULL */
};
/* A message of this type with a fixed part; attributes follow; nl_end(). */
void nl_begin(struct nl_request *r, uint16_t type, const void *fixed, size_t size);
void nl_bytes(struct nl_request *r, const void *p, size_t n);   /* padded to 4 */
void nl_attr(struct nl_request *r, uint16_t type, const void *p, size_t n);
static inline void nl_u32(struct nl_request *r, uint16_t type, uint32_t v) { nl_attr(r, type, &v, sizeof v); }
static inline void nl_u8(struct nl_request *r, uint16_t type, uint8_t v) { nl_attr(r, type, &v, sizeof v); }
void nl_end(struct nl_request *r);
/* Attributes up to nl_nest_end() are inside one of this type; returns what that takes. */
size_t nl_nest(struct nl_request *r, uint16_t type);
void nl_nest_end(struct nl_request *r, size_t nest);
/* The attribute `type` behind `fixed` bytes of the body; NULL: none. */
const void *nl_find(const struct nl_request *r, size_t fixed, uint16_t type, size_t *ret_size);

/* What was built in r goes to the members of a group, not into the answer. */
void nl_announce(struct nl_request *r, unsigned group);

/* A dump of a family that has none of its own is one of all. */
static inline uint8_t nl_family(uint8_t f) { return f == AF_INET || f == AF_INET6 ? f : AF_UNSPEC; }
/* 0 or the error of the answer.  A dump's error comes in its last message. */
int route_request(struct nl_request *r);        /* route.c */
int diag_request(struct nl_request *r);         /* diag.c */
int generic_request(struct nl_request *r);      /* generic.c */
int addr_request(struct nl_request *r);         /* addr.c: RTM_*ADDR */
int rule_request(struct nl_request *r);         /* rule.c: RTM_*RULE */
int link_request(struct nl_request *r);         /* link.c: RTM_*LINK */
int neigh_request(struct nl_request *r);        /* neigh.c: RTM_*NEIGH */
int empty_request(struct nl_request *r);        /* empty.c: of which lo has nothing, or one thing */
int table_request(struct nl_request *r);        /* tables.c: RTM_GETNEIGHTBL, RTM_GETSTATS */
/* lo's counters, as struct rtnl_link_stats64. */
#define LINK_STATS 25u
void link_stats(struct nl_request *r, uint64_t to[LINK_STATS]);
void link_announce(struct nl_request *r);
void addr_announce(struct nl_request *r, const struct net_address *a, bool gone);
/* A number or an address in an attribute; false: absent or of another size. */
bool nl_get_u32(const struct nl_request *r, size_t fixed, uint16_t type, uint32_t *ret);
bool nl_get_ip(const struct nl_request *r, size_t fixed, uint16_t type, uint8_t family, struct ipaddr *ret);
void nl_put_ip(struct nl_request *r, uint16_t type, const struct ipaddr *ip);

#endif
