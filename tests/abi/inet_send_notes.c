/* SPDX-License-Identifier: Apache-2.0 */
/* What the error queue says of messages that were sent: SO_TIMESTAMPING,
 * MSG_ZEROCOPY; the options and the ancillary data for it, SO_TXTIME. */
#include "abi.h"
#include "inet.h"
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/ip_icmp.h>

#define STAMPS (SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_TX_SOFTWARE)

static int one = 1;

static void wait_err(int s)
{
	struct pollfd p = { .fd = s };

	poll(&p, 1, 1000);
}

/* Is the body the packet that was sent: how many bytes before the text? */
static void say_body(const char *b, ssize_t n, const char *text)
{
	size_t len = strlen(text);

	if (n <= 0)
		return;
	if ((size_t)n >= len && !memcmp(b + n - len, text, len))
		SAY("  body ends with '%s'\n", text);
	else
		SAY("  another body\n");
}

static bool say_note(int s, const char *text)
{
	char b[2048] = "", c[512];
	struct sockaddr_storage from = { 0 };
	struct iovec v = { b, sizeof b };
	struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &v, .msg_iovlen = 1,
			    .msg_control = c, .msg_controllen = sizeof c };
	ssize_t n = recvmsg(s, &m, MSG_ERRQUEUE);

	if (n < 0)
		return false;
	SAY("note: flags %x namelen %d %s\n", m.msg_flags, (int)m.msg_namelen, n ? "with a body" : "alone");
	say_body(b, n, text);
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		struct sock_extended_err *e = (void *)CMSG_DATA(h);
		struct timespec *t = (void *)CMSG_DATA(h);

		SAY("  cmsg %d %d len %d", h->cmsg_level, h->cmsg_type, (int)h->cmsg_len);
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_TIMESTAMPING)
			SAY(": %s\n", t[0].tv_sec && !t[1].tv_sec && !t[2].tv_sec ? "a time" : "no time");
		else if ((h->cmsg_level == SOL_IP && h->cmsg_type == IP_RECVERR) ||
			 (h->cmsg_level == SOL_IPV6 && h->cmsg_type == IPV6_RECVERR))
			SAY(": error %d origin %d type %d code %d info %u data %u offender %d\n", (int)e->ee_errno, e->ee_origin,
			    e->ee_type, e->ee_code, e->ee_info, e->ee_data, SO_EE_OFFENDER(e)->sa_family);
		else
			SAY("\n");
	}
	return true;
}

static void say_notes(int s, const char *text)
{
	wait_err(s);
	while (say_note(s, text))
		;
}

static void send_with(int s, const char *text, int type, const void *p, size_t n, int flags)
{
	_Alignas(8) char c[64] = "";
	struct iovec v = { (char *)text, strlen(text) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = CMSG_SPACE(n) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = type;
	h->cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(h), p, n);
	SAY("ancillary type %d size %zu: ", type, n);
	V(sendmsg(s, &m, flags));
}

static void pair(int type, int ret[2])
{
	struct sockaddr_storage a;
	socklen_t n = loop_name(&a, 0);

	ret[1] = socket(inet_family, type, 0);
	bind(ret[1], (void *)&a, n);
	n = sizeof a;
	getsockname(ret[1], (void *)&a, &n);
	ret[0] = socket(inet_family, type, 0);
	if (type == SOCK_STREAM) {
		int l = ret[1];

		listen(l, 1);
		connect(ret[0], (void *)&a, n);
		ret[1] = accept(l, NULL, NULL);
		close(l);
	} else {
		connect(ret[0], (void *)&a, n);
	}
}

static void stamps(int type, int flags)
{
	int p[2];

	pair(type, p);
	SAY("--- family %d type %d flags %x\n", inet_family, type, flags);
	V(setsockopt(p[0], SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags));
	V(send(p[0], "one", 3, 0));
	say_notes(p[0], "one");
	V(send(p[0], "second", 6, 0));
	say_notes(p[0], "second");
	close(p[0]);
	close(p[1]);
}

static void all_stamps(void)
{
	stamps(SOCK_DGRAM, STAMPS);
	stamps(SOCK_DGRAM, STAMPS | SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_TX_SCHED);
	stamps(SOCK_DGRAM, STAMPS | SOF_TIMESTAMPING_OPT_TSONLY | SOF_TIMESTAMPING_OPT_CMSG);
	stamps(SOCK_DGRAM, STAMPS | SOF_TIMESTAMPING_OPT_CMSG);
	stamps(SOCK_DGRAM, SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY);
	stamps(SOCK_STREAM, STAMPS | SOF_TIMESTAMPING_OPT_TSONLY | SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_TX_SCHED |
			    SOF_TIMESTAMPING_TX_ACK);
	stamps(SOCK_STREAM, SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_TX_ACK);
	stamps(SOCK_STREAM, STAMPS);
}

static void by_message(void)
{
	int p[2], flags = SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY | SOF_TIMESTAMPING_OPT_ID;
	uint32_t want = SOF_TIMESTAMPING_TX_SCHED, wrong = SOF_TIMESTAMPING_OPT_ID;
	uint64_t when = 1;

	SAY("--- asked for by messages\n");
	pair(SOCK_DGRAM, p);
	V(setsockopt(p[0], SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags));
	send_with(p[0], "x", SO_TIMESTAMPING, &want, sizeof want, 0);
	V(send(p[0], "x", 1, 0));
	send_with(p[0], "x", SO_TIMESTAMPING, &want, sizeof want, 0);
	say_notes(p[0], "x");
	send_with(p[0], "x", SO_TIMESTAMPING, &wrong, sizeof wrong, 0);
	send_with(p[0], "x", SO_TIMESTAMPING, &want, 2, 0);
	send_with(p[0], "x", SO_TXTIME, &when, sizeof when, 0);
	send_with(p[0], "x", SO_KEEPALIVE, &want, sizeof want, 0);
	send_with(p[0], "x", SCM_RIGHTS, &want, sizeof want, 0);
	close(p[0]);
	close(p[1]);
}

static int get_int(int s, int opt)
{
	socklen_t n = sizeof(int);
	int v = -1;

	return getsockopt(s, SOL_SOCKET, opt, &v, &n) ? -2 : v;
}

static void zero_copy(int type)
{
	int p[2], v;
	char b[64];

	SAY("--- MSG_ZEROCOPY family %d type %d\n", inet_family, type);
	pair(type, p);
	V(send(p[0], "asks for nothing", 4, MSG_ZEROCOPY));
	say_notes(p[0], "");
	for (v = -1; v < 3; v++)
		V(setsockopt(p[0], SOL_SOCKET, SO_ZEROCOPY, &v, sizeof v));
	V(setsockopt(p[0], SOL_SOCKET, SO_ZEROCOPY, &one, sizeof one));
	V(get_int(p[0], SO_ZEROCOPY));
	V(send(p[0], "abcd", 4, MSG_ZEROCOPY));
	recv(p[1], b, sizeof b, 0);
	say_notes(p[0], "");
	for (int k = 0; k < 5; k++) {
		send(p[0], "abcd", 4, MSG_ZEROCOPY);
		recv(p[1], b, sizeof b, 0);
		wait_err(p[0]);
		msleep(2);
	}
	say_notes(p[0], "");
	V(send(p[0], "abcd", 0, MSG_ZEROCOPY));
	V(send(p[0], NULL, 4, MSG_ZEROCOPY));
	V(send(p[0], "abcd", 4, 0));
	close(p[0]);
	close(p[1]);
}

static void options(void)
{
	static const struct { int family, type; } kinds[] = { { AF_UNIX, SOCK_STREAM }, { AF_INET, SOCK_DGRAM },
							      { AF_INET6, SOCK_STREAM } };
	struct { int clock; uint32_t flags; } t = { CLOCK_MONOTONIC, 1 };
	uint64_t when = 1;
	socklen_t n = sizeof t;
	int s, v;

	for (unsigned k = 0; k < 3; k++) {
		s = socket(kinds[k].family, kinds[k].type, 0);
		SAY("--- options family %d type %d\n", kinds[k].family, kinds[k].type);
		V(setsockopt(s, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof one));
		V(get_int(s, SO_ZEROCOPY));
		v = SOF_TIMESTAMPING_OPT_STATS;
		V(setsockopt(s, SOL_SOCKET, SO_TIMESTAMPING, &v, sizeof v));
		v |= SOF_TIMESTAMPING_OPT_TSONLY;
		V(setsockopt(s, SOL_SOCKET, SO_TIMESTAMPING, &v, sizeof v));
		t.flags = 4;
		V(setsockopt(s, SOL_SOCKET, SO_TXTIME, &t, sizeof t));
		t.flags = 1;
		V(setsockopt(s, SOL_SOCKET, SO_TXTIME, &t, 4));
		V(setsockopt(s, SOL_SOCKET, SO_TXTIME, &t, sizeof t));
		t.flags = 0;
		V(getsockopt(s, SOL_SOCKET, SO_TXTIME, &t, &n));
		SAY("clock %d flags %u size %d\n", t.clock, t.flags, (int)n);
		close(s);
	}
	int p[2];
	pair(SOCK_DGRAM, p);
	V(setsockopt(p[0], SOL_SOCKET, SO_TXTIME, &t, sizeof t));
	send_with(p[0], "x", SO_TXTIME, &when, sizeof when, 0);
	send_with(p[0], "x", SO_TXTIME, &when, 4, 0);
	close(p[0]);
	close(p[1]);
}

/* Turning IP_RECVERR off drops errors only. */
static void kept(void)
{
	int p[2], flags = STAMPS | SOF_TIMESTAMPING_OPT_TSONLY, off = 0;

	SAY("--- notes stay\n");
	pair(SOCK_DGRAM, p);
	setsockopt(p[0], SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags);
	setsockopt(p[0], SOL_IP, IP_RECVERR, &one, sizeof one);
	close(p[1]);
	V(send(p[0], "x", 1, 0));
	msleep(10);
	V(setsockopt(p[0], SOL_IP, IP_RECVERR, &off, sizeof off));
	say_notes(p[0], "x");
	V(get_int(p[0], SO_ERROR));
	close(p[0]);
}

int main(void)
{
	all_stamps();
	by_message();
	zero_copy(SOCK_DGRAM);
	zero_copy(SOCK_STREAM);
	options();
	kept();
	inet_family = AF_INET6;
	stamps(SOCK_DGRAM, STAMPS | SOF_TIMESTAMPING_OPT_ID);
	stamps(SOCK_STREAM, STAMPS | SOF_TIMESTAMPING_OPT_TSONLY | SOF_TIMESTAMPING_OPT_ID);
	zero_copy(SOCK_STREAM);
	return 0;
}
