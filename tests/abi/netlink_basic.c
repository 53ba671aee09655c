/* SPDX-License-Identifier: Apache-2.0 */
/* Netlink as a transport: names, acknowledgements, errors with and without the
 * request, extended text, strict checking, several requests in one message,
 * truncated reads, groups and what is announced to them. netlink(7). */
#include "abi.h"
#include "netlink.h"
#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12
#endif

static int opt(int s, int o, int v) { return setsockopt(s, SOL_NETLINK, o, &v, sizeof v); }
static int get(int s, int o) { int v = -7; socklen_t n = sizeof v; return getsockopt(s, SOL_NETLINK, o, &v, &n) ? -1 : v; }

static void names(void)
{
	int s = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), t;
	struct sockaddr_nl a = { .nl_family = AF_NETLINK };
	socklen_t n = sizeof a;

	V(getsockname(s, (void *)&a, &n));
	SAY("family %d pid %u groups %u len %d\n", a.nl_family, a.nl_pid, a.nl_groups, (int)n);
	V(bind(s, (void *)&a, 4));
	a.nl_family = AF_INET;
	V(bind(s, (void *)&a, sizeof a));
	a.nl_family = AF_NETLINK;
	V(bind(s, (void *)&a, sizeof a));
	getsockname(s, (void *)&a, &n);
	V(a.nl_pid == (unsigned)getpid());
	t = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE);
	V(bind(t, (void *)&a, sizeof a));
	a.nl_pid = 0;
	V(bind(t, (void *)&a, sizeof a));
	getsockname(t, (void *)&a, &n);
	V(a.nl_pid != (unsigned)getpid() && a.nl_pid != 0);
	a.nl_pid = 12345678;
	V(bind(t, (void *)&a, sizeof a));
	V(getpeername(t, (void *)&a, &n));
	SAY("peer pid %u groups %u\n", a.nl_pid, a.nl_groups);
	say_poll_none:
	V(listen(s, 1));
	V(shutdown(s, SHUT_RD));
	V(send(s, "x", 1, 0));
	close(s);
	close(t);
	V(socket(AF_NETLINK, SOCK_STREAM, 0));
	V(socket(AF_NETLINK, SOCK_RAW, 99));
	V(socket(AF_NETLINK, SOCK_RAW, 31));
	V(socket(AF_NETLINK, SOCK_RAW, -1));
	V(socketpair(AF_NETLINK, SOCK_RAW, 0, (int[2]){ 0 }));
	if (0)
		goto say_poll_none;
}

static void errors(void)
{
	int s = nl_open(NETLINK_ROUTE, 0);
	struct req r, big[2];
	struct ifinfomsg *i;
	char b[4096];
	int n;

	SAY("errors\n");
	req_new(&r, 999, NLM_F_ACK, 16);
	ask(s, &r);
	req_new(&r, RTM_GETLINK, 0, 4);
	ask(s, &r);
	req_new(&r, NLMSG_NOOP, NLM_F_ACK, 0);
	ask(s, &r);
	req_new(&r, RTM_GETADDR, 0, sizeof(struct ifaddrmsg));
	ask(s, &r);
	i = req_new(&r, RTM_GETLINK, 0, sizeof *i);
	i->ifi_index = 77;
	ask(s, &r);
	i = req_new(&r, RTM_GETLINK, 0, sizeof *i);
	req_attr(&r, IFLA_IFNAME, "nolink", 7);
	ask(s, &r);
	i = req_new(&r, RTM_GETLINK, NLM_F_ACK, sizeof *i);
	req_attr(&r, IFLA_IFNAME, "lo", 3);
	ask(s, &r);
	say_answer(s, 20);
	SAY("not a request\n");
	i = req_new(&r, RTM_GETLINK, 0, sizeof *i);
	r.h.nlmsg_flags = 0;
	send(s, &r, r.h.nlmsg_len, 0);
	say_answer(s, 20);
	SAY("lengths that lie\n");
	i = req_new(&r, RTM_GETLINK, NLM_F_ACK, sizeof *i);
	V(send(s, &r, 10, 0));
	V(send(s, &r, 20, 0));
	r.h.nlmsg_len = 8;
	V(send(s, &r, 32, 0));
	say_answer(s, 20);
	SAY("an error carries the request, unless capped\n");
	i = req_new(&r, RTM_GETLINK, 0, sizeof *i);
	i->ifi_index = 77;
	req_attr(&r, IFLA_IFNAME, "0123456789", 11);
	send(s, &r, r.h.nlmsg_len, 0);
	n = (int)recv(s, b, sizeof b, 0);
	SAY("%d\n", n == (int)(NLMSG_HDRLEN + 4 + r.h.nlmsg_len));
	V(opt(s, NETLINK_CAP_ACK, 1));
	V(get(s, NETLINK_CAP_ACK));
	send(s, &r, r.h.nlmsg_len, 0);
	n = (int)recv(s, b, sizeof b, 0);
	SAY("%d flags %x\n", n, ((struct nlmsghdr *)b)->nlmsg_flags);
	V(opt(s, NETLINK_EXT_ACK, 1));
	V(get(s, NETLINK_EXT_ACK));
	SAY("two requests in one\n");
	req_new(&big[0], RTM_GETLINK, NLM_F_ACK, sizeof *i);
	i = NLMSG_DATA(&big[0].h);
	i->ifi_index = 1;
	memcpy(b, &big[0], big[0].h.nlmsg_len);
	req_new(&big[1], RTM_GETLINK, 0, sizeof *i);
	i = NLMSG_DATA(&big[1].h);
	i->ifi_index = 78;
	memcpy(b + big[0].h.nlmsg_len, &big[1], big[1].h.nlmsg_len);
	V(send(s, b, big[0].h.nlmsg_len + big[1].h.nlmsg_len, 0));
	say_answer(s, 20);
	close(s);
}

static void strict(void)
{
	int s = nl_open(NETLINK_ROUTE, 0);
	struct req r;
	struct ifaddrmsg *a;
	struct ifinfomsg *i;

	SAY("strict\n");
	V(opt(s, NETLINK_GET_STRICT_CHK, 1));
	V(get(s, NETLINK_GET_STRICT_CHK));
	a = req_new(&r, RTM_GETADDR, NLM_F_DUMP, sizeof *a);
	a->ifa_prefixlen = 8;
	ask(s, &r);
	a = req_new(&r, RTM_GETADDR, NLM_F_DUMP, sizeof *a);
	a->ifa_index = 77;
	ask(s, &r);
	a = req_new(&r, RTM_GETADDR, NLM_F_DUMP, sizeof *a);
	a->ifa_family = AF_INET;
	a->ifa_index = 1;
	ask(s, &r);
	req_new(&r, RTM_GETADDR, NLM_F_DUMP, 1);
	ask(s, &r);
	i = req_new(&r, RTM_GETLINK, NLM_F_DUMP, sizeof *i);
	i->ifi_flags = 1;
	ask(s, &r);
	close(s);
}

static void truncated(void)
{
	int s = nl_open(NETLINK_ROUTE, 0);
	struct req r;
	struct ifinfomsg *i = req_new(&r, RTM_GETLINK, 0, sizeof *i);
	char b[8192];
	struct iovec v = { b, 16 };
	struct sockaddr_nl from;
	struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &v, .msg_iovlen = 1 };
	ssize_t whole;

	SAY("truncated\n");
	i->ifi_index = 1;
	send(s, &r, r.h.nlmsg_len, 0);
	whole = recv(s, b, 0, MSG_PEEK | MSG_TRUNC);
	V(whole > 100);
	V(recvmsg(s, &m, MSG_PEEK));
	SAY("flags %x from pid %u namelen %d\n", m.msg_flags, from.nl_pid, m.msg_namelen);
	V(recvmsg(s, &m, MSG_TRUNC) == whole);
	V(recv(s, b, sizeof b, MSG_DONTWAIT));
	V(poll(&(struct pollfd){ s, POLLIN, 0 }, 1, 0));
	SAY("no buffer left\n");
	V(setsockopt(s, SOL_SOCKET, SO_RCVBUF, &(int){ 1 }, sizeof(int)));
	for (int k = 0; k < 50; k++)
		send(s, &r, r.h.nlmsg_len, MSG_DONTWAIT);
	{
		int err = 0;

		for (int k = 0; k < 60 && !err; k++)
			if (recv(s, b, sizeof b, MSG_DONTWAIT) < 0)
				err = errno;
		SAY("%s\n", abi_errno(err));
	}
	close(s);
}

static void change(int s, int type, int flags, const char *ip, int prefix)
{
	struct req r;
	struct ifaddrmsg *a = req_new(&r, type, NLM_F_ACK | flags, sizeof *a);

	a->ifa_family = AF_INET;
	a->ifa_prefixlen = (unsigned char)prefix;
	a->ifa_index = 1;
	req_ip(&r, IFA_LOCAL, ip);
	ask(s, &r);
}

static void groups(void)
{
	int s = nl_open(NETLINK_ROUTE, 0), w, x;
	struct req r;
	struct rtmsg *m;

	SAY("groups\n");
	w = nl_open(NETLINK_ROUTE, RTMGRP_LINK | RTMGRP_IPV4_IFADDR);
	x = nl_open(NETLINK_ROUTE, 0);
	V(opt(x, NETLINK_ADD_MEMBERSHIP, RTNLGRP_IPV4_ROUTE));
	V(opt(x, NETLINK_ADD_MEMBERSHIP, 0));
	V(opt(x, NETLINK_ADD_MEMBERSHIP, 1000));
	{
		unsigned char bits[8] = { 0 };
		socklen_t n = sizeof bits;

		V(getsockopt(x, SOL_NETLINK, 9, bits, &n));
		SAY("member of %02x, %d\n", bits[0], n >= 4);
	}
	link_up(s, true);
	SAY("the watcher\n");
	say_answer(w, 100);
	change(s, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, "10.1.1.1", 32);
	change(s, RTM_DELADDR, 0, "10.1.1.1", 32);
	say_answer(w, 100);
	m = req_new(&r, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, sizeof *m);
	m->rtm_family = AF_INET;
	m->rtm_dst_len = 8;
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_type = RTN_UNREACHABLE;
	m->rtm_protocol = RTPROT_STATIC;
	req_ip(&r, RTA_DST, "20.0.0.0");
	SAY("a route\n");
	while (recv(x, r.body + 512, 64, MSG_DONTWAIT) > 0)
		;
	ask(s, &r);
	say_answer(x, 100);
	V(opt(x, NETLINK_DROP_MEMBERSHIP, RTNLGRP_IPV4_ROUTE));
	r.h.nlmsg_type = RTM_DELROUTE;
	r.h.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	ask(s, &r);
	say_answer(x, 50);
	link_up(s, false);
	SAY("the watcher\n");
	say_answer(w, 100);
	close(s);
	close(w);
	close(x);
}

int main(void)
{
	names();
	errors();
	if (!own_net())
		return 0;
	{
		int s = nl_open(NETLINK_ROUTE, 0);

		link_up(s, true);
		strict();
		truncated();
		link_up(s, false);
		close(s);
	}
	if (unshare(CLONE_NEWNET))
		return 1;
	groups();
	return 0;
}
