/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams at the edges: an error that outlives connect(), writes without a byte, the time
 * of the last message, in which order bind() complains, what a connection's port excludes. */
#include "abi.h"
#include "inet.h"
#include <linux/sockios.h>

static int udp_at(int family, int port)
{
	int s = socket(family, SOCK_DGRAM, 0);
	struct sockaddr_storage a;

	inet_family = family;
	if (bind(s, (void *)&a, loop_name(&a, port))) { perror("bind"); exit(2); }
	return s;
}

static int pending(int s) { return int_opt(s, SOL_SOCKET, SO_ERROR); }

static void outlived(int family)
{
	int dead = udp_at(family, 0), other = udp_at(family, 0), s = socket(family, SOCK_DGRAM, 0);
	struct sockaddr_storage a;
	socklen_t n = sizeof a;

	SAY("-- an error and connect()\n");
	getsockname(dead, (void *)&a, &n);
	close(dead);
	V(connect(s, (void *)&a, n));
	V(send(s, "x", 1, 0));
	V(dial_with(s, other));
	V(pending(s) == ECONNREFUSED);
	V(pending(s));
	close(s);
	close(other);
}

static void empty_writes(void)
{
	struct iovec none[2] = { { "", 0 }, { "", 0 } };
	int p[2];
	char b;

	SAY("-- without a byte\n");
	udp_pair(p);
	V(writev(p[0], none, 2));
	V(recv(p[1], &b, 1, MSG_DONTWAIT));
	V(write(p[0], "", 0));
	V(recv(p[1], &b, 1, MSG_DONTWAIT));
	V(readv(p[1], none, 2));
	V(preadv(p[1], none, 2, 0));
	close(p[0]);
	close(p[1]);
}

static void times(void)
{
	struct timeval first = { 0, 0 }, then = { 0, 0 };
	char b[8], control[64];
	struct iovec v = { b, sizeof b };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	int p[2], on = 1;

	SAY("-- the time of the last message\n");
	udp_pair(p);
	V(ioctl(p[1], SIOCGSTAMP_OLD, &first));
	V(setsockopt(p[1], SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on));
	V(send(p[0], "a", 1, 0));
	V(recvmsg(p[1], &m, 0));
	V(m.msg_controllen);
	V(ioctl(p[1], SIOCGSTAMP_OLD, &first));
	on = 0;
	V(setsockopt(p[1], SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on));
	V(send(p[0], "b", 1, 0));
	V(recv(p[1], b, 1, 0));
	V(ioctl(p[1], SIOCGSTAMP_OLD, &first));
	V(first.tv_sec != 0);
	on = 1;
	V(setsockopt(p[1], SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on));
	V(send(p[0], "c", 1, 0));
	V(recv(p[1], b, 1, 0));
	V(ioctl(p[1], SIOCGSTAMP_OLD, &then));
	V(memcmp(&first, &then, sizeof then));
	close(p[0]);
	close(p[1]);
}

static void complaints(void)
{
	static const char *const text[] = { "2001:db8::1", "::ffff:10.1.2.3", "fe80::1" };
	int s = udp_at(AF_INET6, 0);

	SAY("-- bind() twice\n");
	for (unsigned k = 0; k < 3; k++) {
		struct sockaddr_in6 a = { .sin6_family = AF_INET6 };

		inet_pton(AF_INET6, text[k], &a.sin6_addr);
		V(bind(s, (void *)&a, sizeof a));
	}
	close(s);
}

static void excluded(int type)
{
	static const struct { int family; const char *ip; } names[] = {
		{ AF_INET, "0.0.0.0" }, { AF_INET, "127.0.0.1" }, { AF_INET6, "::ffff:0.0.0.0" },
		{ AF_INET6, "::ffff:127.0.0.1" }, { AF_INET6, "::" }, { AF_INET6, "::1" },
	};
	struct sockaddr_storage a;
	struct sockaddr_in6 own;
	socklen_t n = sizeof own;
	int l, c;

	SAY("-- beside a connection's port\n");
	inet_family = AF_INET6;
	l = socket(AF_INET6, type, 0);
	bind(l, (void *)&a, loop_name(&a, 0));
	if (type == SOCK_STREAM)
		listen(l, 1);
	c = socket(AF_INET6, type, 0);
	V(dial_with(c, l));
	getsockname(c, (void *)&own, &n);
	for (unsigned k = 0; k < sizeof names / sizeof *names; k++) {
		struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = own.sin6_port };
		struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = own.sin6_port };
		int s = socket(names[k].family, type, 0);

		SAY("%s: ", names[k].ip);
		if (names[k].family == AF_INET) {
			inet_pton(AF_INET, names[k].ip, &a4.sin_addr);
			V(bind(s, (void *)&a4, sizeof a4));
		} else {
			inet_pton(AF_INET6, names[k].ip, &a6.sin6_addr);
			V(bind(s, (void *)&a6, sizeof a6));
		}
		close(s);
	}
	close(c);
	close(l);
}

int main(void)
{
	outlived(AF_INET);
	outlived(AF_INET6);
	empty_writes();
	times();
	complaints();
	if (own_loopback()) {           /* nobody else has the ports */
		excluded(SOCK_DGRAM);
		excluded(SOCK_STREAM);
	}
	return 0;
}
