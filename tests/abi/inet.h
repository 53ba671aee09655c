/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of IP sockets share. */
#ifndef ABI_INET_H
#define ABI_INET_H
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

/* A network name space of its own, with lo up; or says why not. */
__attribute__((unused)) static bool own_loopback(void)
{
	struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int s;

	if (geteuid() || unshare(CLONE_NEWNET)) {
		SAY("needs root\n");
		return false;
	}
	s = socket(AF_INET, SOCK_DGRAM, 0);
	ioctl(s, SIOCSIFFLAGS, &up);
	close(s);
	return true;
}

__attribute__((unused)) static struct sockaddr_in name_of(int s)
{
	struct sockaddr_in a = { 0 };
	socklen_t n = sizeof a;

	getsockname(s, (void *)&a, &n);
	return a;
}

__attribute__((unused)) static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* Of the sockets below; inet_mapped: IPv6 ones whose addresses are IPv4's. */
__attribute__((unused)) static int inet_family = AF_INET, inet_mapped;

__attribute__((unused)) static socklen_t loop_name(struct sockaddr_storage *a, int port)
{
	struct sockaddr_in6 *a6 = (void *)a;

	memset(a, 0, sizeof *a);
	if (inet_family == AF_INET) {
		*(struct sockaddr_in *)a = loopback(port);
		return sizeof(struct sockaddr_in);
	}
	a6->sin6_family = AF_INET6;
	a6->sin6_port = htons((uint16_t)port);
	if (inet_mapped)
		inet_pton(AF_INET6, "::ffff:127.0.0.1", &a6->sin6_addr);
	else
		a6->sin6_addr = in6addr_loopback;
	return sizeof *a6;
}

__attribute__((unused)) static int listener(int backlog)
{
	int s = socket(inet_family, SOCK_STREAM, 0);
	struct sockaddr_storage a;

	if (bind(s, (void *)&a, loop_name(&a, 0)) || listen(s, backlog)) { perror("listener"); exit(2); }
	return s;
}

/* connect() to the name that another socket has. */
__attribute__((unused)) static int dial_with(int s, int l)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof a;

	getsockname(l, (void *)&a, &n);
	return connect(s, (void *)&a, n);
}

__attribute__((unused)) static int dial(int l)
{
	int s = socket(inet_family, SOCK_STREAM, 0);

	if (dial_with(s, l)) { perror("dial"); exit(2); }
	return s;
}

__attribute__((unused)) static void tcp_pair(int p[2])
{
	int l = listener(1);

	p[0] = dial(l);
	p[1] = accept(l, NULL, NULL);
	if (p[1] < 0) { perror("accept"); exit(2); }
	close(l);
}

/* p[0] is connected to p[1]. */
__attribute__((unused)) static void udp_pair(int p[2])
{
	struct sockaddr_in a = loopback(0);

	p[0] = socket(AF_INET, SOCK_DGRAM, 0);
	p[1] = socket(AF_INET, SOCK_DGRAM, 0);
	bind(p[1], (void *)&a, sizeof a);
	a = name_of(p[1]);
	connect(p[0], (void *)&a, sizeof a);
}

__attribute__((unused)) static int int_opt(int s, int level, int opt)
{
	int v = -77;
	socklen_t n = sizeof v;

	return getsockopt(s, level, opt, &v, &n) ? -1 : v;
}

__attribute__((unused)) static int tcp_state(int s)
{
	struct tcp_info i = { 0 };
	socklen_t n = sizeof i;

	return getsockopt(s, IPPROTO_TCP, TCP_INFO, &i, &n) ? -1 : i.tcpi_state;
}

__attribute__((unused)) static int ready(int s)
{
	struct pollfd p = { s, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0 };

	poll(&p, 1, 0);
	return p.revents;
}

__attribute__((unused)) static void say_poll(const char *what, int s)
{
	int r = ready(s);

	printf("poll %s:%s%s%s%s%s%s%s\n", what, r & POLLIN ? " IN" : "", r & POLLOUT ? " OUT" : "",
	       r & POLLPRI ? " PRI" : "", r & POLLERR ? " ERR" : "", r & POLLHUP ? " HUP" : "",
	       r & POLLRDHUP ? " RDHUP" : "", r & POLLNVAL ? " NVAL" : "");
}
#endif
