/* SPDX-License-Identifier: Apache-2.0 */
/* TCP fast open: what may be sent before there is a connection, cookies, what both ends
 * are told. tcp(7), RFC 7413. */
#include "abi.h"
#include "inet.h"
#ifndef TCP_FASTOPEN_KEY
#define TCP_FASTOPEN_KEY 33
#endif
#ifndef TCP_FASTOPEN_NO_COOKIE
#define TCP_FASTOPEN_NO_COOKIE 34
#endif

static void sysctl(const char *name, const char *v)
{
	char path[96];
	int f;

	snprintf(path, sizeof path, "/proc/sys/net/ipv4/%s", name);
	f = open(path, O_WRONLY);
	if (f < 0 || write(f, v, strlen(v)) < 0)
		SAY("%s: %s\n", name, abi_errno(errno));
	close(f);
}

static int set(int s, int opt, int v) { return setsockopt(s, IPPROTO_TCP, opt, &v, sizeof v); }

static void options(const char *who, int s)
{
	struct tcp_info i = { 0 };
	socklen_t n = sizeof i;

	getsockopt(s, IPPROTO_TCP, TCP_INFO, &i, &n);
	SAY("%s: state %d, data with the SYN %d, failed %d\n", who, i.tcpi_state, !!(i.tcpi_options & 32),
	    ((unsigned char *)&i)[7] >> 1 & 3);
}

/* A new client sends three bytes at once to l. */
static void go(const char *what, int l, int flags, int no_cookie, struct sockaddr_in *a)
{
	int c = socket(AF_INET, SOCK_STREAM | flags, 0), s, n;
	char b[8];

	if (no_cookie)
		V(set(c, TCP_FASTOPEN_NO_COOKIE, 1));
	errno = 0;
	n = (int)sendto(c, "abc", 3, MSG_FASTOPEN, (void *)a, sizeof *a);
	SAY("%s: sent %d %s\n", what, n, n < 0 ? abi_errno(errno) : "");
	s = accept(l, NULL, NULL);
	if (s < 0) {
		SAY("accept: %s\n", abi_errno(errno));
		return;
	}
	ready(c);
	V(connect(c, (void *)a, sizeof *a));
	options("client", c);
	options("server", s);
	if (n > 0) {
		n = (int)recv(s, b, sizeof b, 0);
		SAY("got %d\n", n);
	}
	V(send(c, "d", 1, 0));
	V(recv(s, b, sizeof b, 0));
	close(c);
	V(recv(s, b, sizeof b, 0));
	close(s);
}

static void lazy(int l, struct sockaddr_in *a)
{
	int c = socket(AF_INET, SOCK_STREAM, 0), s;
	struct sockaddr_in name = { 0 };
	socklen_t n = sizeof name;
	char b[8];

	SAY("lazy\n");
	V(set(c, TCP_FASTOPEN_CONNECT, 2));
	V(set(c, TCP_FASTOPEN_CONNECT, 1));
	V(connect(c, (void *)a, sizeof *a));
	SAY("state %d\n", tcp_state(c));
	say_poll("lazy", c);
	V(getpeername(c, (void *)&name, &n));
	fcntl(c, F_SETFL, O_NONBLOCK);
	V(connect(c, (void *)a, sizeof *a));
	fcntl(c, F_SETFL, 0);
	V(recv(c, b, 1, MSG_DONTWAIT));
	V(accept4(l, NULL, NULL, 0));
	V(send(c, "xyz", 3, MSG_DONTWAIT));
	fcntl(l, F_SETFL, 0);
	s = accept(l, NULL, NULL);
	fcntl(l, F_SETFL, O_NONBLOCK);
	options("client", c);
	options("server", s);
	V(recv(s, b, sizeof b, 0));
	V(set(c, TCP_FASTOPEN_CONNECT, 0));
	close(c);
	close(s);
	c = socket(AF_INET, SOCK_STREAM, 0);
	V(set(c, TCP_FASTOPEN_CONNECT, 1));
	V(connect(c, (void *)a, sizeof *a));
	V(shutdown(c, SHUT_WR));
	SAY("state %d\n", tcp_state(c));
	close(c);
	c = socket(AF_INET, SOCK_STREAM, 0);
	V(set(c, TCP_FASTOPEN_CONNECT, 1));
	V(connect(c, (void *)a, sizeof *a));
	name.sin_family = AF_UNSPEC;
	V(connect(c, (void *)&name, sizeof name));
	SAY("state %d\n", tcp_state(c));
	V(connect(c, (void *)a, sizeof *a));
	V(write(c, "w", 1));
	fcntl(l, F_SETFL, 0);
	s = accept(l, NULL, NULL);
	V(recv(s, b, sizeof b, 0));
	close(c);
	close(s);
	c = socket(AF_INET, SOCK_STREAM, 0);
	V(set(c, TCP_FASTOPEN_CONNECT, 1));
	V(connect(c, (void *)a, sizeof *a));
	close(c);
	fcntl(l, F_SETFL, O_NONBLOCK);
	V(accept(l, NULL, NULL));
}

static void key(int l)
{
	unsigned char k[32], b[40];
	socklen_t n = sizeof b;

	for (int i = 0; i < 32; i++)
		k[i] = (unsigned char)i;
	V(setsockopt(l, IPPROTO_TCP, TCP_FASTOPEN_KEY, k, 15));
	V(setsockopt(l, IPPROTO_TCP, TCP_FASTOPEN_KEY, k, 32));
	V(getsockopt(l, IPPROTO_TCP, TCP_FASTOPEN_KEY, b, &n));
	SAY("%d %d\n", (int)n, memcmp(k, b, 32));
	n = 5;
	V(getsockopt(l, IPPROTO_TCP, TCP_FASTOPEN_KEY, b, &n));
	SAY("%d\n", (int)n);
	/* The name space's, when the socket has none. */
	l = socket(AF_INET, SOCK_STREAM, 0);
	sysctl("tcp_fastopen_key", "00000001-00000002-00000003-00000004");
	n = sizeof b;
	V(getsockopt(l, IPPROTO_TCP, TCP_FASTOPEN_KEY, b, &n));
	SAY("%d %d %d\n", (int)n, b[0], b[12]);
	close(l);
}

int main(void)
{
	struct sockaddr_in a, none = loopback(9), un = { .sin_family = AF_UNSPEC };
	int l, c;

	if (!own_loopback())
		return 0;
	l = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	a = loopback(0);
	bind(l, (void *)&a, sizeof a);
	a = name_of(l);
	V(set(l, TCP_FASTOPEN, -1));
	V(listen(l, 5));

	sysctl("tcp_fastopen", "0");
	c = socket(AF_INET, SOCK_STREAM, 0);
	V(sendto(c, "a", 1, MSG_FASTOPEN, (void *)&a, sizeof a));
	V(set(c, TCP_FASTOPEN_CONNECT, 1));
	sysctl("tcp_fastopen", "1");
	V(sendto(c, "a", 1, MSG_FASTOPEN, (void *)&un, sizeof un));
	V(sendto(c, "a", 1, MSG_FASTOPEN, NULL, 0));
	V(sendto(c, "a", 1, MSG_FASTOPEN, (void *)&a, 3));
	V(sendto(c, "a", 1, MSG_FASTOPEN, (void *)&none, sizeof none));
	close(c);
	fcntl(l, F_SETFL, 0);
	go("listener without", l, 0, 0, &a);
	go("listener without, at once", l, SOCK_NONBLOCK, 0, &a);
	sysctl("tcp_fastopen", "3");
	V(set(l, TCP_FASTOPEN, 5));
	SAY("%d\n", int_opt(l, IPPROTO_TCP, TCP_FASTOPEN));
	go("asks for a cookie, at once", l, SOCK_NONBLOCK, 0, &a);
	go("has one, at once", l, SOCK_NONBLOCK, 0, &a);
	go("has one", l, 0, 0, &a);
	go("without a cookie", l, SOCK_NONBLOCK, 1, &a);
	sysctl("tcp_fastopen", "515");
	go("none is needed", l, SOCK_NONBLOCK, 1, &a);
	sysctl("tcp_fastopen", "3");
	fcntl(l, F_SETFL, O_NONBLOCK);
	lazy(l, &a);
	c = socket(AF_INET, SOCK_STREAM, 0);
	V(sendto(c, "a", 1, MSG_FASTOPEN, (void *)&a, sizeof a));
	V(sendto(c, "a", 1, MSG_FASTOPEN, (void *)&a, sizeof a));
	V(set(c, TCP_FASTOPEN_CONNECT, 1));
	V(set(c, TCP_FASTOPEN, 1));
	V(set(c, TCP_FASTOPEN_NO_COOKIE, 1));
	close(c);
	key(l);
	return 0;
}
