/* SPDX-License-Identifier: Apache-2.0 */
/* Netlink at the edges: names of sockets, links that are not there, the end of a dump, IPv6
 * routes without NLM_F_CREATE, what going down tells. */
#include "abi.h"
#include "netlink.h"

static int named(int s, unsigned pid, bool dial)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_pid = pid };

	return (dial ? connect : bind)(s, (void *)&a, sizeof a);
}

static void names(void)
{
	int s = nl_open(NETLINK_ROUTE, 0), t = nl_open(NETLINK_ROUTE, 0);
	struct sockaddr_nl a;
	socklen_t n = sizeof a;

	SAY("-- names\n");
	getsockname(t, (void *)&a, &n);
	V(named(t, 0, false));
	V(named(t, a.nl_pid, false));
	V(named(t, 5, false));
	V(named(t, 0, true));
	V(named(t, 4000000, true));
	getpeername(t, (void *)&a, &n);
	V(a.nl_pid);
	V(send(t, "12345678901234567890", 20, 0));
	V(named(t, 0, true));
	V(send(t, "1", 1, 0));
	close(s);
	close(t);
}

static void link_named(int s, int type, int index, const char *name)
{
	struct req r;
	struct ifinfomsg *i = req_new(&r, type, NLM_F_ACK, sizeof *i);

	i->ifi_index = index;
	if (name)
		req_attr(&r, IFLA_IFNAME, name, strlen(name) + 1);
	SAY("type %d index %d name %s: ", type, index, name ? name : "none");
	ask(s, &r);
}

static void links(int s)
{
	struct ifinfomsg *i;
	struct req r;

	SAY("-- links\n");
	link_named(s, RTM_DELLINK, 1, NULL);
	link_named(s, RTM_DELLINK, 0, "lo");
	link_named(s, RTM_DELLINK, 1234590, NULL);
	link_named(s, RTM_DELLINK, 0, "nodevice");
	link_named(s, RTM_DELLINK, 0, NULL);
	i = req_new(&r, RTM_NEWLINK, NLM_F_ACK, sizeof *i);
	i->ifi_index = 1;
	req_attr(&r, IFLA_MTU, "x", 1);
	ask(s, &r);
	req_new(&r, RTM_GETLINK, NLM_F_ACK, 0);
	ask(s, &r);
}

/* Each datagram: does it hold the end, and that alone? */
static void ends(int s)
{
	char b[16384] __attribute__((aligned(8)));
	struct req r;
	bool over = false;

	SAY("-- the end of a dump\n");
	*(char *)req_new(&r, RTM_GETADDR, NLM_F_DUMP, 1) = AF_UNSPEC;
	send(s, &r, r.h.nlmsg_len, 0);
	while (!over) {
		ssize_t n = recv(s, b, sizeof b, 0);
		unsigned count = 0;

		if (n < 0)
			break;
		for (struct nlmsghdr *h = (void *)b; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n), count++)
			over |= h->nlmsg_type == NLMSG_DONE;
		SAY("%s, %s\n", count > 1 ? "several" : "one", over ? "the end" : "more");
	}
}

static void route(int s, int type, int flags, int kind)
{
	struct req r;
	struct rtmsg *m = req_new(&r, type, NLM_F_ACK | flags, sizeof *m);

	*m = (struct rtmsg){ .rtm_family = AF_INET6, .rtm_dst_len = 64, .rtm_table = RT_TABLE_MAIN,
			     .rtm_protocol = RTPROT_BOOT, .rtm_type = (unsigned char)kind };
	req_ip(&r, RTA_DST, "2001:db8::");
	if (kind == RTN_UNICAST)
		req_u32(&r, RTA_OIF, 1);
	ask(s, &r);
}

static void routes(int s)
{
	SAY("-- routes of IPv6\n");
	route(s, RTM_NEWROUTE, NLM_F_REPLACE, RTN_UNICAST);
	route(s, RTM_NEWROUTE, 0, RTN_UNICAST);
	route(s, RTM_NEWROUTE, NLM_F_EXCL, RTN_UNICAST);
	route(s, RTM_DELROUTE, 0, RTN_UNREACHABLE);
	route(s, RTM_DELROUTE, 0, RTN_UNICAST);
}

static void told(int s)
{
	int w = nl_open(NETLINK_ROUTE, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
	char b[16384] __attribute__((aligned(8)));
	ssize_t n;

	SAY("-- lo goes down and up\n");
	for (int up = 0; up < 2; up++) {
		unsigned seen = 0;

		link_up(s, up);
		msleep(50);
		while ((n = recv(w, b, sizeof b, MSG_DONTWAIT)) > 0)
			for (struct nlmsghdr *h = (void *)b; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n))
				seen |= 1u << (h->nlmsg_type - RTM_BASE);
		SAY("link %d address %d gone %d\n", seen >> (RTM_NEWLINK - RTM_BASE) & 1, seen >> (RTM_NEWADDR - RTM_BASE) & 1,
		    seen >> (RTM_DELADDR - RTM_BASE) & 1);
	}
	close(w);
}

int main(void)
{
	int s;

	if (!own_net())
		return 0;
	names();
	s = nl_open(NETLINK_ROUTE, 0);
	link_up(s, true);
	links(s);
	ends(s);
	routes(s);
	told(s);
	return 0;
}
