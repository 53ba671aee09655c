/* SPDX-License-Identifier: Apache-2.0 */
/* UDP over IPv4 and IPv6, ICMP echo and netlink: every operation in every state. */
#include "states.h"
#include "inet.h"
#include <linux/errqueue.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

static int protocol;

static int one(int type)
{
	struct sockaddr_storage a;
	int s = socket(inet_family, type, protocol);

	bind(s, (void *)&a, loop_name(&a, 0));
	return s;
}

static void fresh(struct inst *i) { i->s = socket(inet_family, i->type, protocol); }
static void bound(struct inst *i) { i->s = one(i->type); }
static void connected(struct inst *i) { i->s = one(i->type); i->peer = one(i->type); dial_with(i->s, i->peer); }
static void both(struct inst *i) { connected(i); dial_with(i->peer, i->s); }
static void drop(struct inst *i) { close(i->peer); i->peer = -1; }
static void with_data(struct inst *i) { both(i); (void)!write(i->peer, "data", 4); }
static void with_two(struct inst *i) { with_data(i); (void)!write(i->peer, "more", 4); }
static void empty_message(struct inst *i) { both(i); send(i->peer, "", 0, 0); }
static void shut_rd(struct inst *i) { both(i); shutdown(i->s, SHUT_RD); }
static void shut_wr(struct inst *i) { both(i); shutdown(i->s, SHUT_WR); }
static void shut_both(struct inst *i) { with_data(i); shutdown(i->s, SHUT_RDWR); }
static void refused(struct inst *i) { connected(i); drop(i); send(i->s, "x", 1, NB); }
static void refused_told(struct inst *i) { refused(i); int_opt(i->s, SOL_SOCKET, SO_ERROR); }
static void refused_queue(struct inst *i)
{
	connected(i);
	drop(i);
	setsockopt(i->s, inet_family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, inet_family == AF_INET ? IP_RECVERR : IPV6_RECVERR,
		   &(int){ 1 }, sizeof(int));
	send(i->s, "x", 1, NB);
}
static void unconnected(struct inst *i)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	with_data(i);
	connect(i->s, &none, sizeof none);
}
static void rcv_full(struct inst *i)
{
	static char b[4096];

	both(i);
	setsockopt(i->s, SOL_SOCKET, SO_RCVBUF, &(int){ 1 }, sizeof(int));
	for (int k = 0; k < 10; k++)
		(void)!write(i->peer, b, sizeof b);
}
static void corked(struct inst *i)
{
	both(i);
	setsockopt(i->s, IPPROTO_UDP, 1, &(int){ 1 }, sizeof(int));
	send(i->s, "held", 4, 0);
}
static void peeked(struct inst *i) { with_data(i); setsockopt(i->s, SOL_SOCKET, SO_PEEK_OFF, &(int){ 2 }, sizeof(int)); }
static const struct state udp[] = {
	{ "fresh", fresh }, { "bound", bound }, { "connected", connected }, { "both connected", both }, { "with data", with_data },
	{ "with two", with_two }, { "empty message", empty_message }, { "shut for reading", shut_rd },
	{ "shut for writing", shut_wr }, { "shut for both", shut_both }, { "refused", refused },
	{ "refused and told", refused_told }, { "error queued", refused_queue }, { "unconnected", unconnected },
	{ "full", rcv_full }, { "peek offset", peeked }, { "corked", corked },
};

static void op_connect(struct inst *i)
{
	struct sockaddr_storage a;
	socklen_t n = loop_name(&a, 9);

	SAY("%s", res(connect(i->s, (void *)&a, n)));
	SAY(" %s", res(connect(i->s, (void *)&a, 3)));
}
static void op_bind(struct inst *i)
{
	struct sockaddr_storage a;
	socklen_t n = loop_name(&a, 0);

	SAY("%s", res(bind(i->s, (void *)&a, n)));
}
static void op_errqueue(struct inst *i)
{
	char b[64], ctl[256];
	struct iovec io = { b, sizeof b };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof ctl };

	SAY("%s", res(recvmsg(i->s, &m, MSG_ERRQUEUE)));
	SAY(" flags %x then %x", m.msg_flags, bits(i->s));
}
static void op_sendto(struct inst *i)
{
	struct sockaddr_storage a;
	int t = one(i->type);
	socklen_t n = sizeof a;

	getsockname(t, (void *)&a, &n);
	SAY("%s", res(sendto(i->s, "to", 2, NB, (void *)&a, n)));
	a.ss_family = 77;
	SAY(" %s", res(sendto(i->s, "to", 2, NB, (void *)&a, n)));
	SAY(" %s", res(sendto(i->s, "to", 2, NB, (void *)&a, 3)));
	close(t);
}
static const struct op more[] = { { "connect", op_connect }, { "bind", op_bind }, { "errors", op_errqueue }, { "sendto", op_sendto } };

/* ---- netlink ---- */

static void nl_fresh(struct inst *i) { i->s = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE); }
static void ask(struct inst *i)
{
	struct { struct nlmsghdr h; struct rtgenmsg g; } q = {
		{ sizeof q, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 }, { AF_UNSPEC }
	};

	(void)!write(i->s, &q, sizeof q);
}
static void nl_bound(struct inst *i)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = 1 };

	nl_fresh(i);
	bind(i->s, (void *)&a, sizeof a);
}
static const struct state nl[] = { { "fresh", nl_fresh }, { "bound", nl_bound } };
static void op_ask(struct inst *i)
{
	char b[8192];

	ask(i);
	SAY("%x", bits(i->s));
	SAY(" %s", some(recv(i->s, b, sizeof b, NB)));
}
static const struct op nl_more[] = { { "ask", op_ask } };

int main(void)
{
	all_states("udp", SOCK_DGRAM, udp, LEN(udp), 5, more, LEN(more));
	protocol = IPPROTO_UDPLITE;
	all_states("udplite", SOCK_DGRAM, udp, 8, 5, more, LEN(more));
	protocol = 0;
	inet_family = AF_INET6;
	all_states("udp6", SOCK_DGRAM, udp, LEN(udp) - 1, 5, more, LEN(more));
	all_states("netlink", SOCK_RAW, nl, LEN(nl), 1, nl_more, LEN(nl_more));
	return 0;
}
