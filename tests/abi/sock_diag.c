/* SPDX-License-Identifier: Apache-2.0 */
/* sock_diag(7): what ss(8) asks for, in a name space of its own: TCP in its
 * states, UDP, a filter, one socket by its addresses, Unix sockets. */
#include "abi.h"
#include "inet.h"
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <net/if.h>

static int nl;
static int known[16], known_port[16], known_count;

/* Ports differ from run to run: they have the number of the socket. */
static int number(int port)
{
	for (int i = 0; i < known_count; i++)
		if (known_port[i] == port)
			return i + 1;
	return port ? -1 : 0;
}
static void know(int s) { known[known_count] = s; known_port[known_count++] = ntohs(name_of(s).sin_port); }

static void say_inet(struct inet_diag_msg *m, int n)
{
	char src[64], dst[64];
	int fam = m->idiag_family;

	SAY("  state %d family %d %s #%d - %s #%d queues %u %u uid %u inode %d", m->idiag_state, fam,
	    inet_ntop(fam, m->id.idiag_src, src, sizeof src), number(ntohs(m->id.idiag_sport)),
	    inet_ntop(fam, m->id.idiag_dst, dst, sizeof dst), number(ntohs(m->id.idiag_dport)), m->idiag_rqueue,
	    m->idiag_wqueue, m->idiag_uid, m->idiag_inode != 0);
	for (struct rtattr *a = (void *)(m + 1); RTA_OK(a, n); a = RTA_NEXT(a, n)) {
		if (a->rta_type == INET_DIAG_SHUTDOWN) SAY(" shutdown %d", *(unsigned char *)RTA_DATA(a));
		if (a->rta_type == INET_DIAG_SKV6ONLY) SAY(" v6only %d", *(unsigned char *)RTA_DATA(a));
		if (a->rta_type == INET_DIAG_CONG) SAY(" cong %d", RTA_PAYLOAD(a) > 1);
		if (a->rta_type == INET_DIAG_INFO) SAY(" info of %d", ((struct tcp_info *)RTA_DATA(a))->tcpi_state);
	}
	SAY("\n");
}

static void answers(bool is_unix, ino_t mine)
{
	static char b[65536] __attribute__((aligned(8)));

	for (;;) {
		int n;

		if (poll(&(struct pollfd){ nl, POLLIN, 0 }, 1, 300) <= 0) {
			SAY("  silence\n");
			return;
		}
		n = (int)recv(nl, b, sizeof b, 0);
		for (struct nlmsghdr *h = (void *)b; NLMSG_OK(h, (unsigned)n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_type == NLMSG_DONE)
				return;
			if (h->nlmsg_type == NLMSG_ERROR) {
				SAY("  %s\n", abi_errno(-((struct nlmsgerr *)NLMSG_DATA(h))->error));
				return;
			}
			if (!is_unix) {
				say_inet(NLMSG_DATA(h), (int)NLMSG_PAYLOAD(h, sizeof(struct inet_diag_msg)));
			} else {
				struct unix_diag_msg *m = NLMSG_DATA(h);
				int len = (int)NLMSG_PAYLOAD(h, sizeof *m);

				if (mine && m->udiag_ino != mine)
					continue;
				SAY("  unix type %d state %d", m->udiag_type, m->udiag_state);
				for (struct rtattr *a = (void *)(m + 1); RTA_OK(a, len); a = RTA_NEXT(a, len)) {
					if (a->rta_type == UNIX_DIAG_NAME)
						SAY(" name %d '%.*s'", (int)RTA_PAYLOAD(a), (int)RTA_PAYLOAD(a) - 1, (char *)RTA_DATA(a) + 1);
					if (a->rta_type == UNIX_DIAG_PEER) SAY(" peer");
					if (a->rta_type == UNIX_DIAG_SHUTDOWN) SAY(" shutdown %d", *(unsigned char *)RTA_DATA(a));
					if (a->rta_type == UNIX_DIAG_UID) SAY(" uid %u", *(unsigned *)RTA_DATA(a));
					if (a->rta_type == UNIX_DIAG_RQLEN) SAY(" rqueue %u", *(unsigned *)RTA_DATA(a));
				}
				SAY("\n");
			}
			if (!(h->nlmsg_flags & NLM_F_MULTI))
				return;
		}
	}
}

static void list(const char *what, int family, int protocol, unsigned states, int ext)
{
	struct { struct nlmsghdr h; struct inet_diag_req_v2 r; } q = {
		.h = { sizeof q, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 },
		.r = { .sdiag_family = (unsigned char)family, .sdiag_protocol = (unsigned char)protocol,
		       .idiag_ext = (unsigned char)ext, .idiag_states = states } };

	SAY("%s\n", what);
	send(nl, &q, sizeof q, 0);
	answers(false, 0);
}

static void filtered(int port)
{
	struct { struct nlmsghdr h; struct inet_diag_req_v2 r; struct rtattr a; struct inet_diag_bc_op op[4]; } q = {
		.h = { sizeof q, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 },
		.r = { .sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP, .idiag_states = ~0u },
		.a = { RTA_LENGTH(sizeof q.op), INET_DIAG_REQ_BYTECODE },
		/* sport >= port && sport <= port; the end of it plus 4 refuses */
		.op = { { INET_DIAG_BC_S_GE, 8, 20 }, { 0, 0, (unsigned short)port },
			{ INET_DIAG_BC_S_LE, 8, 12 }, { 0, 0, (unsigned short)port } } };

	SAY("one port\n");
	send(nl, &q, sizeof q, 0);
	answers(false, 0);
}

/* A protocol that does not fit into its field is named apart. */
static void by_protocol(unsigned protocol)
{
	struct { struct nlmsghdr h; struct inet_diag_req_v2 r; struct rtattr a; unsigned protocol; } q = {
		.h = { sizeof q, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 },
		.r = { .sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP, .idiag_states = ~0u },
		.a = { RTA_LENGTH(sizeof q.protocol), INET_DIAG_REQ_PROTOCOL }, .protocol = protocol };
	static char b[65536] __attribute__((aligned(8)));
	int count = 0, n;

	send(nl, &q, sizeof q, 0);
	for (bool more = true; more && poll(&(struct pollfd){ nl, POLLIN, 0 }, 1, 300) > 0;) {
		n = (int)recv(nl, b, sizeof b, 0);
		for (struct nlmsghdr *h = (void *)b; NLMSG_OK(h, (unsigned)n); h = NLMSG_NEXT(h, n)) {
			more &= h->nlmsg_type != NLMSG_DONE && h->nlmsg_type != NLMSG_ERROR;
			count += h->nlmsg_type == SOCK_DIAG_BY_FAMILY;
		}
	}
	SAY("sockets of protocol %u: %d\n", protocol, count);
}

static void one(const char *what, int family, int protocol, int sport, int dport)
{
	struct { struct nlmsghdr h; struct inet_diag_req_v2 r; } q = {
		.h = { sizeof q, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 1, 0 },
		.r = { .sdiag_family = (unsigned char)family, .sdiag_protocol = (unsigned char)protocol, .idiag_states = ~0u } };

	q.r.id.idiag_sport = htons((unsigned short)sport);
	q.r.id.idiag_dport = htons((unsigned short)dport);
	q.r.id.idiag_src[0] = htonl(INADDR_LOOPBACK);
	q.r.id.idiag_dst[0] = dport ? htonl(INADDR_LOOPBACK) : 0;
	q.r.id.idiag_cookie[0] = q.r.id.idiag_cookie[1] = ~0u;
	SAY("%s\n", what);
	send(nl, &q, sizeof q, 0);
	answers(false, 0);
}

static void unix_list(const char *what, ino_t ino)
{
	struct { struct nlmsghdr h; struct unix_diag_req r; } q = {
		.h = { sizeof q, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 },
		.r = { .sdiag_family = AF_UNIX, .udiag_states = ~0u, .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN |
				    UDIAG_SHOW_UID } };

	SAY("%s\n", what);
	send(nl, &q, sizeof q, 0);
	answers(true, ino);
}

static ino_t ino_of(int s) { struct stat st; fstat(s, &st); return st.st_ino; }

int main(void)
{
	struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	struct sockaddr_un n = { .sun_family = AF_UNIX, .sun_path = "\0diag-test" };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in a = loopback(0);
	int l, c, s, u, p[2], x;

	if (geteuid() || unshare(CLONE_NEWNET)) {
		SAY("needs root\n");
		return 0;
	}
	x = socket(AF_INET, SOCK_DGRAM, 0);
	ioctl(x, SIOCSIFFLAGS, &up);
	close(x);
	nl = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
	list("nothing", AF_INET, IPPROTO_TCP, ~0u, 0);
	l = listener(7);
	know(l);
	list("a listener", AF_INET, IPPROTO_TCP, ~0u, 0);
	by_protocol(IPPROTO_TCP);
	by_protocol(262);               /* MPTCP */
	c = dial(l);
	know(c);
	list("waiting to be accepted: listener", AF_INET, IPPROTO_TCP, 1 << TCP_LISTEN, 0);
	s = accept(l, NULL, NULL);
	write(c, "hello", 5);
	msleep(60);
	list("established", AF_INET, IPPROTO_TCP, 1 << TCP_LISTEN, 0);
	filtered(known_port[1]);
	one("one of them", AF_INET, IPPROTO_TCP, known_port[0], known_port[1]);
	one("the listener", AF_INET, IPPROTO_TCP, known_port[0], 0);
	one("nobody", AF_INET, IPPROTO_TCP, 1, 2);
	shutdown(c, SHUT_WR);
	msleep(60);
	list("CLOSE_WAIT, with information", AF_INET, IPPROTO_TCP, 1 << TCP_CLOSE_WAIT,
	     1 << (INET_DIAG_INFO - 1) | 1 << (INET_DIAG_CONG - 1));
	list("FIN_WAIT2", AF_INET, IPPROTO_TCP, 1 << TCP_FIN_WAIT2, 0);
	read(s, (char[8]){ 0 }, 8);
	close(s);
	msleep(30);
	list("TIME_WAIT", AF_INET, IPPROTO_TCP, 1 << TCP_TIME_WAIT, 0);
	close(c);
	close(l);
	SAY("UDP\n");
	u = socket(AF_INET, SOCK_DGRAM, 0);
	bind(u, (void *)&a, sizeof a);
	know(u);
	list("bound", AF_INET, IPPROTO_UDP, ~0u, 0);
	a = name_of(u);
	connect(u, (void *)&a, sizeof a);
	list("connected", AF_INET, IPPROTO_UDP, ~0u, 0);
	close(u);
	SAY("IPv6\n");
	l = socket(AF_INET6, SOCK_STREAM, 0);
	bind(l, (void *)&a6, sizeof a6);
	listen(l, 3);
	know(l);
	list("listener", AF_INET6, IPPROTO_TCP, ~0u, 0);
	list("not of IPv4", AF_INET, IPPROTO_TCP, 1 << TCP_LISTEN, 0);
	close(l);
	list("no such protocol", AF_INET, 77, ~0u, 0);
	list("no such family", 44, 6, ~0u, 0);
	SAY("Unix\n");
	socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	write(p[0], "abc", 3);
	unix_list("a pair", ino_of(p[1]));
	close(p[0]);
	close(p[1]);
	l = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	bind(l, (void *)&n, 2 + 10);
	listen(l, 4);
	unix_list("a listener", ino_of(l));
	return 0;
}
