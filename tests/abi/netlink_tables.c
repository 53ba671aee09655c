/* SPDX-License-Identifier: Apache-2.0 */
/* NETLINK_ROUTE: RTM_GETNEIGHTBL, RTM_GETNETCONF for one link, RTM_GETSTATS, and dumps of what lo
 * has nothing of. rtnetlink(7), ip-ntable(8), ip-netconf(8). */
#include "abi.h"
#include "inet.h"
#include "netlink.h"
#include <linux/netconf.h>
#include <linux/if_bridge.h>

#define TUNNELS 122                     /* RTM_GETTUNNEL */

/* A message whole, but for attributes that another machine has other values of. */
static void say_bytes(const struct rtattr *a, int n, unsigned depth)
{
	for (; RTA_OK(a, n); a = RTA_NEXT(a, n)) {
		const unsigned char *p = RTA_DATA(a);
		unsigned v = 0;

		memcpy(&v, p, RTA_PAYLOAD(a) < 4 ? RTA_PAYLOAD(a) : 4);
		SAY("%*s%x of %zu:", 4 + (int)depth * 2, "", a->rta_type, RTA_PAYLOAD(a));
		if (depth || RTA_PAYLOAD(a) <= 12)
			SAY(" %u\n", v);
		else
			SAY("\n");
	}
}

static void say_parts(struct nlmsghdr *h, size_t fixed, int nested)
{
	struct rtattr *a = (void *)((char *)NLMSG_DATA(h) + fixed);
	int n = (int)h->nlmsg_len - NLMSG_LENGTH((int)fixed);

	SAY("  type %d family %d\n", h->nlmsg_type, *(unsigned char *)NLMSG_DATA(h));
	for (; RTA_OK(a, n); a = RTA_NEXT(a, n)) {
		if (a->rta_type != nested) {
			SAY("   %d of %zu\n", a->rta_type, RTA_PAYLOAD(a));
			continue;
		}
		SAY("   %d:\n", nested);
		say_bytes(RTA_DATA(a), (int)RTA_PAYLOAD(a), 1);
	}
}

static void tables(int s, int family)
{
	static char b[65536] __attribute__((aligned(8)));
	struct req r;
	struct ndtmsg *m = req_new(&r, RTM_GETNEIGHTBL, NLM_F_DUMP, sizeof *m);
	bool more = true;

	m->ndtm_family = (unsigned char)family;
	SAY("tables, family %d\n", family);
	send(s, &r, r.h.nlmsg_len, 0);
	while (more) {
		int n = (int)recv(s, b, sizeof b, 0);

		for (struct nlmsghdr *h = (void *)b; NLMSG_OK(h, (unsigned)n); h = NLMSG_NEXT(h, n)) {
			more = h->nlmsg_type != NLMSG_DONE;
			if (!more)
				break;
			struct rtattr *a = (void *)((char *)NLMSG_DATA(h) + sizeof *m);
			int left = (int)h->nlmsg_len - NLMSG_LENGTH((int)sizeof *m);

			SAY("  family %d\n", *(unsigned char *)NLMSG_DATA(h));
			for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
				int in = (int)RTA_PAYLOAD(a);

				SAY("   %d of %d%s%s\n", a->rta_type, in, a->rta_type == NDTA_NAME ? " " : "",
				    a->rta_type == NDTA_NAME ? (char *)RTA_DATA(a) : "");
				if (a->rta_type != NDTA_PARMS)
					continue;
				for (struct rtattr *p = RTA_DATA(a); RTA_OK(p, in); p = RTA_NEXT(p, in))
					SAY("    %d of %zu: %d\n", p->rta_type, RTA_PAYLOAD(p),
					    p->rta_type == NDTPA_REACHABLE_TIME || p->rta_type == NDTPA_LOCKTIME ?
					    -1 : *(int *)RTA_DATA(p));
			}
		}
	}
}

static void ask_for(int s, const char *what, struct req *r, size_t fixed, int nested)
{
	static char b[65536] __attribute__((aligned(8)));
	struct nlmsghdr *h = (void *)b;

	SAY("%s\n", what);
	send(s, r, r->h.nlmsg_len, 0);
	if (recv(s, b, sizeof b, 0) < 0)
		SAY("  %s\n", abi_errno(errno));
	else if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE)
		say_message(h);
	else
		say_parts(h, fixed, nested);
}

static void conf(int s, int family, int index)
{
	struct req r;
	struct netconfmsg *m = req_new(&r, RTM_GETNETCONF, 0, sizeof *m);
	char what[40];

	m->ncm_family = (unsigned char)family;
	if (index)
		req_u32(&r, NETCONFA_IFINDEX, (unsigned)index);
	snprintf(what, sizeof what, "conf of %d, family %d", index, family);
	ask_for(s, what, &r, sizeof *m, 0);
}

static void stats(int s, int index, unsigned mask, size_t size)
{
	struct req r;
	struct if_stats_msg *m = req_new(&r, RTM_GETSTATS, 0, size);
	char what[40];

	if (size == sizeof *m) {
		m->ifindex = (unsigned)index;
		m->filter_mask = mask;
	}
	snprintf(what, sizeof what, "stats of %d, mask %x", index, mask);
	ask_for(s, what, &r, sizeof *m, IFLA_STATS_LINK_OFFLOAD_XSTATS);
}

static void nothing(int s, const char *what, int type, int family, size_t size, int flags)
{
	struct req r;

	*(unsigned char *)req_new(&r, type, flags, size) = (unsigned char)family;
	ask_for(s, what, &r, 0, 0);
}

int main(void)
{
	int s;

	if (!own_loopback())
		return 0;
	s = nl_open(NETLINK_ROUTE, 0);
	tables(s, AF_UNSPEC);
	tables(s, AF_INET6);
	tables(s, AF_BRIDGE);
	nothing(s, "one table", RTM_GETNEIGHTBL, AF_INET, sizeof(struct ndtmsg), 0);
	for (int f = 0; f < 3; f++)
		for (int i = -3; i < 3; i++)
			conf(s, (int[]){ AF_UNSPEC, AF_INET, AF_INET6 }[f], i == 2 ? 9999 : i);
	stats(s, 1, 0, sizeof(struct if_stats_msg));
	stats(s, 1, 1, sizeof(struct if_stats_msg));
	stats(s, 1, 6, sizeof(struct if_stats_msg));
	stats(s, 1, 8, sizeof(struct if_stats_msg));
	stats(s, 1, 31, sizeof(struct if_stats_msg));
	stats(s, 0, 1, sizeof(struct if_stats_msg));
	stats(s, 9999, 1, sizeof(struct if_stats_msg));
	stats(s, 1, 0, 4);
	nothing(s, "bridges' groups", RTM_GETMDB, AF_BRIDGE, 8, NLM_F_DUMP);
	nothing(s, "one", RTM_GETMDB, AF_BRIDGE, 8, 0);
	nothing(s, "tunnels", TUNNELS, AF_BRIDGE, 8, NLM_F_DUMP);
	nothing(s, "one", TUNNELS, AF_BRIDGE, 8, 0);
	nothing(s, "routes of groups", RTM_GETROUTE, RTNL_FAMILY_IPMR, sizeof(struct rtmsg), NLM_F_DUMP);
	nothing(s, "routes of groups", RTM_GETROUTE, RTNL_FAMILY_IP6MR, sizeof(struct rtmsg), NLM_F_DUMP);
	return 0;
}
