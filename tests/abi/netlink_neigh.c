/* SPDX-License-Identifier: Apache-2.0 */
/* Neighbours of lo: added, changed, shown, announced and deleted. ip-neighbour(8). */
#include "abi.h"
#include "netlink.h"

static void say_neigh(struct nlmsghdr *h)
{
	struct ndmsg *d = NLMSG_DATA(h);
	struct rtattr *a = (struct rtattr *)((char *)d + NLMSG_ALIGN(sizeof *d));
	int n = (int)NLMSG_PAYLOAD(h, sizeof *d);

	SAY("  type %d family %d link %d state %x flags %x", h->nlmsg_type, d->ndm_family, d->ndm_ifindex, d->ndm_state,
	    d->ndm_flags);
	for (; RTA_OK(a, n); a = RTA_NEXT(a, n)) {
		unsigned char *p = RTA_DATA(a);

		if (a->rta_type == NDA_DST)
			SAY(" dst %s", nl_ip(d->ndm_family, p));
		if (a->rta_type == NDA_LLADDR)
			SAY(" at %02x..%02x", p[0], p[5]);
	}
	SAY("\n");
}

/* The answer to what was sent, or what was announced meanwhile. */
static void say_all(int s)
{
	static char b[16384] __attribute__((aligned(8)));
	struct pollfd p = { s, POLLIN, 0 };

	while (poll(&p, 1, 50) > 0) {
		int n = (int)recv(s, b, sizeof b, 0);

		for (struct nlmsghdr *h = (void *)b; NLMSG_OK(h, (unsigned)n); h = NLMSG_NEXT(h, n))
			if (h->nlmsg_type == RTM_NEWNEIGH || h->nlmsg_type == RTM_DELNEIGH)
				say_neigh(h);
			else
				say_message(h);
	}
}

static void about(int s, int type, int flags, const char *ip, const char *address, int state)
{
	struct req r;
	struct ndmsg *d = req_new(&r, type, flags, sizeof *d);

	d->ndm_family = ip && !strchr(ip, ':') ? AF_INET : AF_INET6;
	d->ndm_ifindex = 1;
	d->ndm_state = (unsigned short)state;
	if (ip)
		req_ip(&r, NDA_DST, ip);
	if (address)
		req_attr(&r, NDA_LLADDR, address, 6);
	SAY("type %d flags %x %s state %x\n", type, flags, ip ? ip : "-", state);
	if (send(s, &r, r.h.nlmsg_len, 0) > 0)
		say_all(s);
}

static void wrong(int s)
{
	struct req r;
	struct ndmsg *d = req_new(&r, RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE, sizeof *d);

	SAY("no link, another link, a short address, no family\n");
	d->ndm_family = AF_INET;
	req_ip(&r, NDA_DST, "10.0.0.9");
	send(s, &r, r.h.nlmsg_len, 0);
	say_all(s);
	d->ndm_ifindex = 77;
	send(s, &r, r.h.nlmsg_len, 0);
	say_all(s);
	d->ndm_ifindex = 1;
	d->ndm_family = AF_UNIX;
	send(s, &r, r.h.nlmsg_len, 0);
	say_all(s);
	d->ndm_family = AF_INET;
	req_attr(&r, NDA_LLADDR, "ab", 2);
	send(s, &r, r.h.nlmsg_len, 0);
	say_all(s);
}

int main(void)
{
	int new = NLM_F_ACK | NLM_F_CREATE, s, w;

	if (!own_net())
		return 0;
	s = nl_open(NETLINK_ROUTE, 0);
	link_up(s, true);
	w = nl_open(NETLINK_ROUTE, 1 << (RTNLGRP_NEIGH - 1));
	about(s, RTM_NEWNEIGH, new | NLM_F_EXCL, "fe80::1", "abcdef", NUD_PERMANENT);
	about(s, RTM_NEWNEIGH, new | NLM_F_EXCL, "fe80::1", "abcdef", NUD_PERMANENT);
	about(s, RTM_NEWNEIGH, NLM_F_ACK, "fe80::2", "abcdef", NUD_PERMANENT);
	about(s, RTM_NEWNEIGH, new | NLM_F_REPLACE, "fe80::1", "ABCDEF", NUD_STALE);
	about(s, RTM_NEWNEIGH, new, "fe80::3", NULL, NUD_PERMANENT);
	about(s, RTM_GETNEIGH, 0, "fe80::1", NULL, 0);
	about(s, RTM_GETNEIGH, 0, "fe80::9", NULL, 0);
	about(s, RTM_NEWNEIGH, new | NLM_F_EXCL, "10.0.0.1", "abcdef", NUD_PERMANENT);
	about(s, RTM_NEWNEIGH, new | NLM_F_EXCL, "10.0.0.2", "ABCDEF", NUD_PERMANENT);
	about(s, RTM_GETNEIGH, 0, "10.0.0.1", NULL, 0);
	about(s, RTM_GETNEIGH, NLM_F_DUMP, "10.0.0.1", NULL, 0);
	about(s, RTM_DELNEIGH, NLM_F_ACK, "10.0.0.1", NULL, 0);
	about(s, RTM_DELNEIGH, NLM_F_ACK, "fe80::1", NULL, 0);
	about(s, RTM_DELNEIGH, NLM_F_ACK, "fe80::1", NULL, 0);
	about(s, RTM_DELNEIGH, NLM_F_ACK, NULL, NULL, 0);
	wrong(s);
	SAY("announced\n");
	say_all(w);
	return 0;
}
