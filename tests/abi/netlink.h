/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of netlink share: requests built by hand, answers in words.
 * Only attributes that are printed by name are compared: a newer Linux adds
 * others. */
#ifndef ABI_NETLINK_H
#define ABI_NETLINK_H
#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

struct req { struct nlmsghdr h; char body[1024]; };

__attribute__((unused)) static int nl_open(int protocol, unsigned groups)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int s = socket(AF_NETLINK, SOCK_RAW, protocol);

	if (s >= 0 && bind(s, (void *)&a, sizeof a))
		perror("bind");
	return s;
}

__attribute__((unused)) static void *req_new(struct req *r, int type, int flags, size_t fixed)
{
	static unsigned seq = 100;

	memset(r, 0, sizeof *r);
	r->h.nlmsg_len = NLMSG_LENGTH(fixed);
	r->h.nlmsg_type = (unsigned short)type;
	r->h.nlmsg_flags = (unsigned short)(NLM_F_REQUEST | flags);
	r->h.nlmsg_seq = seq++;
	return NLMSG_DATA(&r->h);
}

__attribute__((unused)) static void req_attr(struct req *r, int type, const void *p, size_t n)
{
	struct rtattr *a = (void *)((char *)r + NLMSG_ALIGN(r->h.nlmsg_len));

	a->rta_type = (unsigned short)type;
	a->rta_len = (unsigned short)RTA_LENGTH(n);
	memcpy(RTA_DATA(a), p, n);
	r->h.nlmsg_len = NLMSG_ALIGN(r->h.nlmsg_len) + RTA_ALIGN(a->rta_len);
}
__attribute__((unused)) static void req_ip(struct req *r, int type, const char *ip)
{
	char b[16];
	int v6 = strchr(ip, ':') != NULL;

	inet_pton(v6 ? AF_INET6 : AF_INET, ip, b);
	req_attr(r, type, b, v6 ? 16 : 4);
}
__attribute__((unused)) static void req_u32(struct req *r, int type, unsigned v) { req_attr(r, type, &v, 4); }

static const char *nl_ip(int family, const void *p)
{
	static char b[64];

	return inet_ntop(family, p, b, sizeof b);
}

static void say_attrs(int type, int family, struct rtattr *a, int n)
{
	for (; RTA_OK(a, n); a = RTA_NEXT(a, n)) {
		int t = a->rta_type & NLA_TYPE_MASK;
		unsigned v = 0;

		if (RTA_PAYLOAD(a) == 4)
			memcpy(&v, RTA_DATA(a), 4);
		switch (type) {
		case RTM_NEWLINK:
		case RTM_DELLINK:
			if (t == IFLA_IFNAME) SAY(" name %s", (char *)RTA_DATA(a));
			if (t == IFLA_MTU) SAY(" mtu %u", v);
			if (t == IFLA_TXQLEN) SAY(" qlen %u", v);
			if (t == IFLA_OPERSTATE) SAY(" oper %d", *(unsigned char *)RTA_DATA(a));
			if (t == IFLA_QDISC) SAY(" qdisc %s", (char *)RTA_DATA(a));
			if (t == IFLA_ADDRESS) SAY(" mac %d", (int)RTA_PAYLOAD(a));
			break;
		case RTM_NEWADDR:
		case RTM_DELADDR:
			if (t == IFA_ADDRESS) SAY(" address %s", nl_ip(family, RTA_DATA(a)));
			if (t == IFA_LOCAL) SAY(" local %s", nl_ip(family, RTA_DATA(a)));
			if (t == IFA_BROADCAST) SAY(" brd %s", nl_ip(family, RTA_DATA(a)));
			if (t == IFA_LABEL) SAY(" label %s", (char *)RTA_DATA(a));
			if (t == IFA_FLAGS && family == AF_INET) SAY(" flags %x", v);
			break;
		case RTM_NEWROUTE:
		case RTM_DELROUTE:
			if (t == RTA_DST) SAY(" dst %s", nl_ip(family, RTA_DATA(a)));
			if (t == RTA_PREFSRC) SAY(" src %s", nl_ip(family, RTA_DATA(a)));
			if (t == RTA_OIF) SAY(" oif %u", v);
			if (t == RTA_TABLE) SAY(" table %u", v);
			if (t == RTA_PRIORITY) SAY(" metric %u", v);
			break;
		case RTM_NEWRULE:
		case RTM_DELRULE:
			if (t == FRA_PRIORITY) SAY(" priority %u", v);
			if (t == FRA_TABLE) SAY(" table %u", v);
			if (t == FRA_SRC) SAY(" from %s", nl_ip(family, RTA_DATA(a)));
			if (t == FRA_DST) SAY(" to %s", nl_ip(family, RTA_DATA(a)));
			break;
		}
	}
}

/* One message in a line; false: it was the last. */
static bool say_message(struct nlmsghdr *h)
{
	int type = h->nlmsg_type;

	if (type == NLMSG_DONE) {
		SAY("  done %d\n", *(int *)NLMSG_DATA(h));
		return false;
	}
	if (type == NLMSG_ERROR) {
		struct nlmsgerr *e = NLMSG_DATA(h);

		SAY("  %s%s", e->error ? abi_errno(-e->error) : "ack", h->nlmsg_flags & NLM_F_CAPPED ? ", capped" : "");
		if (h->nlmsg_flags & NLM_F_ACK_TLVS)
			SAY(", with text");
		SAY("\n");
		return false;
	}
	SAY("  type %d%s", type, h->nlmsg_flags & NLM_F_MULTI ? " multi" : "");
	if (type == RTM_NEWLINK || type == RTM_DELLINK) {
		struct ifinfomsg *i = NLMSG_DATA(h);

		SAY(" link %d type %d flags %x", i->ifi_index, i->ifi_type, i->ifi_flags);
		say_attrs(type, 0, IFLA_RTA(i), (int)IFLA_PAYLOAD(h));
	} else if (type == RTM_NEWADDR || type == RTM_DELADDR) {
		struct ifaddrmsg *i = NLMSG_DATA(h);

		SAY(" family %d /%d scope %d link %d", i->ifa_family, i->ifa_prefixlen, i->ifa_scope, i->ifa_index);
		say_attrs(type, i->ifa_family, IFA_RTA(i), (int)IFA_PAYLOAD(h));
	} else if (type == RTM_NEWROUTE || type == RTM_DELROUTE) {
		struct rtmsg *i = NLMSG_DATA(h);

		SAY(" family %d /%d type %d scope %d protocol %d", i->rtm_family, i->rtm_dst_len, i->rtm_type, i->rtm_scope,
		    i->rtm_protocol);
		say_attrs(type, i->rtm_family, RTM_RTA(i), (int)RTM_PAYLOAD(h));
	} else if (type == RTM_NEWRULE || type == RTM_DELRULE) {
		struct fib_rule_hdr *i = NLMSG_DATA(h);

		SAY(" family %d action %d from /%d to /%d", i->family, i->action, i->src_len, i->dst_len);
		say_attrs(type, i->family, (struct rtattr *)((char *)i + NLMSG_ALIGN(sizeof *i)),
			  (int)NLMSG_PAYLOAD(h, sizeof *i));
	}
	SAY("\n");
	return true;
}

/* Everything up to the end of the answer; wait_ms: until it is quiet. */
__attribute__((unused)) static void say_answer(int s, int wait_ms)
{
	static char b[65536] __attribute__((aligned(8)));
	bool more = true;

	while (more) {
		struct pollfd p = { s, POLLIN, 0 };
		int n;

		if (poll(&p, 1, wait_ms ? wait_ms : 500) <= 0) {
			if (!wait_ms)
				SAY("  silence\n");
			return;
		}
		n = (int)recv(s, b, sizeof b, 0);
		if (n < 0) {
			SAY("  %s\n", abi_errno(errno));
			return;
		}
		for (struct nlmsghdr *h = (void *)b; NLMSG_OK(h, (unsigned)n); h = NLMSG_NEXT(h, n)) {
			bool multi = h->nlmsg_flags & NLM_F_MULTI;

			if (!say_message(h) || (!multi && !wait_ms))
				more = wait_ms;
		}
	}
}

__attribute__((unused)) static void ask(int s, struct req *r)
{
	if (send(s, r, r->h.nlmsg_len, 0) < 0)
		SAY("  send: %s\n", abi_errno(errno));
	else
		say_answer(s, 0);
}

__attribute__((unused)) static void dump(int s, const char *what, int type, int family)
{
	struct req r;
	struct rtgenmsg *g = req_new(&r, type, NLM_F_DUMP, type == RTM_GETLINK ? sizeof(struct ifinfomsg) :
				     type == RTM_GETADDR ? sizeof(struct ifaddrmsg) : sizeof(struct rtmsg));

	SAY("%s, family %d\n", what, family);
	g->rtgen_family = (unsigned char)family;
	ask(s, &r);
}

__attribute__((unused)) static void link_up(int s, bool up)
{
	struct req r;
	struct ifinfomsg *i = req_new(&r, RTM_NEWLINK, NLM_F_ACK, sizeof *i);

	i->ifi_index = 1;
	i->ifi_change = IFF_UP;
	i->ifi_flags = up ? IFF_UP : 0;
	ask(s, &r);
}

/* A network name space of our own, lo down; false: not allowed. */
__attribute__((unused)) static bool own_net(void)
{
	if (geteuid() == 0 && unshare(CLONE_NEWNET) == 0)
		return true;
	SAY("needs root\n");
	return false;
}
#endif
