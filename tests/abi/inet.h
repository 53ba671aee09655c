/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of IP sockets share. */
#ifndef ABI_INET_H
#define ABI_INET_H
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

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

__attribute__((unused)) static int listener(int backlog)
{
	int s = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in a = loopback(0);

	if (bind(s, (void *)&a, sizeof a) || listen(s, backlog)) { perror("listener"); exit(2); }
	return s;
}

__attribute__((unused)) static int dial(int l)
{
	int s = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in a = name_of(l);

	if (connect(s, (void *)&a, sizeof a)) { perror("dial"); exit(2); }
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
