/* SPDX-License-Identifier: Apache-2.0 */
/* rtnetlink: links, addresses, routes and rules are shown, added and removed, in
 * a name space of its own. rtnetlink(7). */
#include "abi.h"
#include "netlink.h"

static void address(int s, bool add, const char *ip, int prefix, int flags, const char *brd)
{
	struct req r;
	struct ifaddrmsg *a = req_new(&r, add ? RTM_NEWADDR : RTM_DELADDR, NLM_F_ACK | flags, sizeof *a);

	a->ifa_family = strchr(ip, ':') ? AF_INET6 : AF_INET;
	a->ifa_prefixlen = (unsigned char)prefix;
	a->ifa_index = 1;
	req_ip(&r, IFA_LOCAL, ip);
	req_ip(&r, IFA_ADDRESS, ip);
	if (brd)
		req_ip(&r, IFA_BROADCAST, brd);
	SAY("%s address %s/%d\n", add ? "add" : "del", ip, prefix);
	ask(s, &r);
}

static void route(int s, bool add, const char *ip, int prefix, int type, int table, int flags, const char *via)
{
	struct req r;
	struct rtmsg *m = req_new(&r, add ? RTM_NEWROUTE : RTM_DELROUTE, NLM_F_ACK | flags, sizeof *m);

	m->rtm_family = strchr(ip, ':') ? AF_INET6 : AF_INET;
	m->rtm_dst_len = (unsigned char)prefix;
	m->rtm_table = (unsigned char)table;
	m->rtm_type = (unsigned char)(add || type ? type : 0);
	m->rtm_protocol = add ? RTPROT_BOOT : 0;
	m->rtm_scope = type == RTN_LOCAL ? RT_SCOPE_HOST : via ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	if (!add)
		m->rtm_scope = RT_SCOPE_NOWHERE;
	if (prefix)
		req_ip(&r, RTA_DST, ip);
	if (via)
		req_ip(&r, RTA_GATEWAY, via);
	if (type == RTN_UNICAST || type == RTN_LOCAL)
		req_u32(&r, RTA_OIF, 1);
	SAY("%s route %s/%d type %d table %d\n", add ? "add" : "del", ip, prefix, type, table);
	ask(s, &r);
}

static void rule(int s, bool add, const char *from, int len, unsigned priority, int table, int action)
{
	struct req r;
	struct fib_rule_hdr *m = req_new(&r, add ? RTM_NEWRULE : RTM_DELRULE, NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0), sizeof *m);

	m->family = strchr(from, ':') ? AF_INET6 : AF_INET;
	m->src_len = (unsigned char)len;
	m->table = (unsigned char)table;
	m->action = (unsigned char)action;
	if (len)
		req_ip(&r, FRA_SRC, from);
	if (priority)
		req_u32(&r, FRA_PRIORITY, priority);
	SAY("%s rule from %s/%d priority %u\n", add ? "add" : "del", from, len, priority);
	ask(s, &r);
}

static void lookup(int s, const char *ip)
{
	struct req r;
	struct rtmsg *m = req_new(&r, RTM_GETROUTE, 0, sizeof *m);

	m->rtm_family = strchr(ip, ':') ? AF_INET6 : AF_INET;
	m->rtm_dst_len = m->rtm_family == AF_INET ? 32 : 128;
	req_ip(&r, RTA_DST, ip);
	SAY("which way to %s\n", ip);
	ask(s, &r);
}

static void try_bind(const char *ip)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int s = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, ip, &a.sin_addr);
	SAY("bind to %s: %s\n", ip, bind(s, (void *)&a, sizeof a) ? abi_errno(errno) : "ok");
	close(s);
}

static void try_connect(const char *ip)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(9) };
	int s = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, ip, &a.sin_addr);
	SAY("connect to %s: %s\n", ip, connect(s, (void *)&a, sizeof a) ? abi_errno(errno) : "ok");
	close(s);
}

/* Families without a table of their own, and a way to nowhere in particular. */
static void families(int s)
{
	static const uint8_t which[] = { AF_UNSPEC, AF_INET, AF_INET6, AF_BRIDGE, 200 };
	struct rtmsg *m;
	struct req r;

	for (unsigned k = 0; k < sizeof which; k++) {
		SAY("family %u\n", which[k]);
		if (which[k] != AF_INET6) {
			dump(s, "addresses", RTM_GETADDR, which[k]);
			dump(s, "routes", RTM_GETROUTE, which[k]);
		}
		m = req_new(&r, RTM_GETROUTE, 0, sizeof *m);
		m->rtm_family = which[k];
		ask(s, &r);
		m = req_new(&r, RTM_NEWROUTE, NLM_F_ACK, sizeof *m);
		m->rtm_family = which[k];
		m->rtm_dst_len = 99;
		if (which[k] != AF_INET && which[k] != AF_INET6)
			ask(s, &r);
	}
	lookup(s, "0.0.0.0");
}

int main(void)
{
	int s;

	if (!own_net())
		return 0;
	s = nl_open(NETLINK_ROUTE, 0);
	SAY("down\n");
	dump(s, "links", RTM_GETLINK, AF_UNSPEC);
	dump(s, "addresses", RTM_GETADDR, AF_UNSPEC);
	dump(s, "routes", RTM_GETROUTE, AF_INET);
	dump(s, "rules", RTM_GETRULE, AF_INET);
	dump(s, "rules", RTM_GETRULE, AF_INET6);
	SAY("up\n");
	link_up(s, true);
	dump(s, "links", RTM_GETLINK, AF_UNSPEC);
	dump(s, "addresses", RTM_GETADDR, AF_UNSPEC);
	dump(s, "addresses", RTM_GETADDR, AF_INET6);
	dump(s, "routes", RTM_GETROUTE, AF_INET);
	families(s);

	address(s, true, "10.1.1.1", 24, NLM_F_CREATE | NLM_F_EXCL, NULL);
	address(s, true, "10.1.1.1", 24, NLM_F_CREATE | NLM_F_EXCL, NULL);
	address(s, true, "10.1.1.2", 24, NLM_F_CREATE | NLM_F_EXCL, NULL);
	address(s, true, "10.2.2.2", 32, NLM_F_CREATE | NLM_F_EXCL, NULL);
	address(s, true, "10.3.3.3", 16, NLM_F_CREATE | NLM_F_EXCL, "10.3.255.255");
	address(s, true, "10.4.4.4", 33, NLM_F_CREATE | NLM_F_EXCL, NULL);
	dump(s, "addresses", RTM_GETADDR, AF_INET);
	dump(s, "routes", RTM_GETROUTE, AF_INET);
	lookup(s, "10.1.1.77");
	lookup(s, "10.2.2.2");
	lookup(s, "127.0.0.1");
	lookup(s, "192.0.2.9");
	try_bind("10.1.1.1");
	try_bind("10.1.1.99");
	try_bind("10.5.5.5");
	try_connect("10.2.2.2");
	try_connect("10.6.6.6");
	address(s, false, "10.1.1.2", 24, 0, NULL);
	address(s, false, "10.1.1.2", 24, 0, NULL);
	address(s, false, "10.1.1.1", 24, 0, NULL);
	address(s, false, "10.3.3.3", 16, 0, NULL);
	dump(s, "addresses", RTM_GETADDR, AF_INET);

	route(s, true, "10.8.0.0", 16, RTN_LOCAL, RT_TABLE_LOCAL, NLM_F_CREATE | NLM_F_EXCL, NULL);
	route(s, true, "10.8.0.0", 16, RTN_LOCAL, RT_TABLE_LOCAL, NLM_F_CREATE | NLM_F_EXCL, NULL);
	route(s, true, "10.9.0.0", 16, RTN_UNREACHABLE, RT_TABLE_MAIN, NLM_F_CREATE | NLM_F_EXCL, NULL);
	route(s, true, "10.10.0.0", 16, RTN_PROHIBIT, RT_TABLE_MAIN, NLM_F_CREATE | NLM_F_EXCL, NULL);
	route(s, true, "10.11.0.0", 16, RTN_BLACKHOLE, RT_TABLE_MAIN, NLM_F_CREATE | NLM_F_EXCL, NULL);
	route(s, true, "10.12.0.0", 16, RTN_UNICAST, RT_TABLE_MAIN, NLM_F_CREATE | NLM_F_EXCL, NULL);
	route(s, true, "0.0.0.0", 0, RTN_UNICAST, RT_TABLE_MAIN, NLM_F_CREATE | NLM_F_EXCL, "192.0.2.1");
	route(s, true, "10.12.0.1", 16, RTN_UNICAST, RT_TABLE_MAIN, NLM_F_CREATE | NLM_F_EXCL, NULL);
	dump(s, "routes", RTM_GETROUTE, AF_INET);
	try_bind("10.8.1.2");
	try_connect("10.8.1.2");
	try_connect("10.9.1.2");
	try_connect("10.10.1.2");
	try_connect("10.11.1.2");
	lookup(s, "10.8.7.6");
	lookup(s, "10.9.7.6");
	route(s, false, "10.8.0.0", 16, RTN_LOCAL, RT_TABLE_LOCAL, 0, NULL);
	route(s, false, "10.9.0.0", 16, 0, RT_TABLE_MAIN, 0, NULL);
	route(s, false, "10.9.0.0", 16, 0, RT_TABLE_MAIN, 0, NULL);
	route(s, true, "2001:db8::", 32, RTN_UNREACHABLE, RT_TABLE_MAIN, NLM_F_CREATE | NLM_F_EXCL, NULL);
	route(s, false, "2001:db8::", 32, 0, RT_TABLE_MAIN, 0, NULL);

	rule(s, true, "10.1.0.0", 16, 1000, 100, FR_ACT_TO_TBL);
	rule(s, true, "10.1.0.0", 16, 1000, 100, FR_ACT_TO_TBL);
	rule(s, true, "0.0.0.0", 0, 0, 101, FR_ACT_TO_TBL);
	dump(s, "rules", RTM_GETRULE, AF_INET);
	rule(s, false, "10.1.0.0", 16, 1000, 100, FR_ACT_TO_TBL);
	rule(s, false, "10.1.0.0", 16, 1000, 100, FR_ACT_TO_TBL);
	rule(s, false, "0.0.0.0", 0, 0, 101, FR_ACT_TO_TBL);
	dump(s, "rules", RTM_GETRULE, AF_INET);

	address(s, true, "fd00::1", 64, NLM_F_CREATE | NLM_F_EXCL, NULL);
	address(s, true, "fd00::1", 64, NLM_F_CREATE | NLM_F_EXCL, NULL);
	dump(s, "addresses", RTM_GETADDR, AF_INET6);
	address(s, false, "fd00::1", 64, 0, NULL);
	address(s, false, "fd00::1", 64, 0, NULL);
	SAY("down again\n");
	link_up(s, false);
	dump(s, "addresses", RTM_GETADDR, AF_UNSPEC);
	dump(s, "routes", RTM_GETROUTE, AF_INET);
	SAY("an ordinary user\n");
	if (setresuid(1234, 1234, 1234))
		return 1;
	link_up(s, true);
	address(s, true, "10.1.1.1", 24, NLM_F_CREATE | NLM_F_EXCL, NULL);
	route(s, true, "10.9.0.0", 16, RTN_UNREACHABLE, RT_TABLE_MAIN, NLM_F_CREATE | NLM_F_EXCL, NULL);
	rule(s, true, "10.1.0.0", 16, 1000, 100, FR_ACT_TO_TBL);
	close(s);
	s = nl_open(NETLINK_ROUTE, 0);
	link_up(s, true);
	dump(s, "links", RTM_GETLINK, AF_UNSPEC);
	return 0;
}
