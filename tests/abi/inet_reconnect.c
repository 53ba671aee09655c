/* SPDX-License-Identifier: Apache-2.0 */
/* Which of its own addresses a socket keeps over connections, one after another, and what
 * of the two protocols goes together; in which order bind() and send() complain. */
#include "abi.h"
#include "inet.h"

static const char *text(const struct sockaddr_storage *a)
{
	static char b[2][80];
	static int turn;
	char ip[60] = "";
	int port;

	turn = !turn;
	if (a->ss_family == AF_INET) {
		inet_ntop(AF_INET, &((const struct sockaddr_in *)a)->sin_addr, ip, sizeof ip);
		port = ntohs(((const struct sockaddr_in *)a)->sin_port);
	} else {
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)a)->sin6_addr, ip, sizeof ip);
		port = ntohs(((const struct sockaddr_in6 *)a)->sin6_port);
	}
	snprintf(b[turn], sizeof b[turn], "%s port %s", ip, port ? "some" : "none");
	return b[turn];
}

static socklen_t name(struct sockaddr_storage *ret, const char *ip, int port)
{
	memset(ret, 0, sizeof *ret);
	if (!strchr(ip, ':')) {
		struct sockaddr_in *a = (void *)ret;

		a->sin_family = AF_INET;
		a->sin_port = htons((uint16_t)port);
		inet_pton(AF_INET, ip, &a->sin_addr);
		return sizeof *a;
	}
	struct sockaddr_in6 *a = (void *)ret;

	a->sin6_family = AF_INET6;
	a->sin6_port = htons((uint16_t)port);
	inet_pton(AF_INET6, ip, &a->sin6_addr);
	return sizeof *a;
}

static void where(int s)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof a;

	getsockname(s, (void *)&a, &n);
	SAY("  here %s", text(&a));
	n = sizeof a;
	if (getpeername(s, (void *)&a, &n)) SAY(", there nobody\n");
	else SAY(", there %s\n", text(&a));
}

static void to(int s, const char *ip, int port)
{
	struct sockaddr_storage a;
	socklen_t n = name(&a, ip, port);

	SAY("connect %s %s: %s\n", ip, port ? "some" : "none", connect(s, (void *)&a, n) ? abi_errno(errno) : "ok");
	where(s);
}

static void apart(int s)
{
	struct sockaddr a = { .sa_family = AF_UNSPEC };

	V(connect(s, &a, sizeof a));
	where(s);
}

static void at(int s, const char *ip, int port)
{
	struct sockaddr_storage a;
	socklen_t n = name(&a, ip, port);

	SAY("bind %s: %s\n", ip, bind(s, (void *)&a, n) ? abi_errno(errno) : "ok");
}

static void send_to(int s, const char *ip, int port, int flags)
{
	struct sockaddr_storage a;
	socklen_t n = name(&a, ip, port);

	SAY("sendto %s%s: %s\n", ip, flags ? " urgently" : "",
	    sendto(s, "x", 1, flags, (void *)&a, n) == 1 ? "ok" : abi_errno(errno));
}

static int port_of(int s)
{
	struct sockaddr_in6 a;
	socklen_t n = sizeof a;

	getsockname(s, (void *)&a, &n);
	return ntohs(a.sin6_port);
}

static void datagrams(int port)
{
	int s = socket(AF_INET6, SOCK_DGRAM, 0);

	SAY("-- IPv4 first\n");
	to(s, "::ffff:127.0.0.1", port);
	to(s, "::", port);
	to(s, "::1", port);
	to(s, "::ffff:127.0.0.2", port);
	send_to(s, "::1", port, 0);
	V(send(s, "x", 1, MSG_OOB));
	to(s, "::", 0);
	V(send(s, "x", 1, 0));
	V(write(s, "", 0));
	apart(s);
	SAY("-- IPv6 first\n");
	to(s, "::1", port);
	send_to(s, "127.0.0.1", port, 0);
	V(send(s, "x", 1, MSG_OOB));
	to(s, "::1", port);
	close(s);

	s = socket(AF_INET6, SOCK_DGRAM, 0);
	SAY("-- bound to IPv4\n");
	at(s, "::ffff:127.0.0.1", 0);
	to(s, "::1", port);
	send_to(s, "::1", port, 0);
	send_to(s, "::ffff:127.0.0.1", port, 0);
	to(s, "::", port);
	close(s);

	s = socket(AF_INET, SOCK_DGRAM, 0);
	SAY("-- an IPv4 socket\n");
	send_to(s, "::1", port, MSG_OOB);
	where(s);
	send_to(s, "::1", port, 0);
	to(s, "127.0.0.1", port);
	to(s, "127.0.0.2", port);
	to(s, "127.0.0.1", 0);
	V(send(s, "x", 1, 0));
	apart(s);
	close(s);
}

static void streams(int port)
{
	int s = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0), l = socket(AF_INET, SOCK_STREAM, 0);

	SAY("-- streams\n");
	/* Only datagrams of IPv6 may be pointed at a plain IPv4 address. */
	to(s, "127.0.0.1", port);
	V(int_opt(s, SOL_SOCKET, SO_ERROR));
	at(s, "::ffff:127.0.0.1", 0);
	to(s, "::1", port);
	close(s);

	s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	SAY("-- nobody there\n");
	to(s, "127.0.0.1", 0);
	to(s, "127.0.0.1", 0);
	at(s, "0.0.0.0", 0);
	where(s);
	close(s);
	s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	to(s, "127.0.0.1", 0);
	V(shutdown(s, SHUT_WR));
	V(int_opt(s, SOL_SOCKET, SO_ERROR));
	V(listen(s, 1));
	to(s, "127.0.0.1", 0);
	close(s);

	SAY("-- bound twice\n");
	at(l, "127.0.0.1", 0);
	at(l, "10.1.1.1", 0);
	at(l, "127.0.0.2", 0);
	V(listen(l, 1));
	at(l, "10.1.1.1", 0);
	close(l);
	l = socket(AF_INET6, SOCK_STREAM, 0);
	at(l, "::1", 0);
	at(l, "2001:db8::1", 0);
	close(l);
}

int main(void)
{
	int sink = socket(AF_INET6, SOCK_DGRAM, 0);

	if (!own_loopback())
		return 0;
	close(sink);
	sink = socket(AF_INET6, SOCK_DGRAM, 0);
	at(sink, "::", 0);
	datagrams(port_of(sink));
	streams(port_of(sink));
	return 0;
}
