/* SPDX-License-Identifier: Apache-2.0 */
/* TCP at the edges: a send buffer that grows under a writer, MSG_TRUNC with MSG_PEEK, an
 * attempt that was shut down, a port after the wait for the other side's FIN, TCP_MAXSEG. */
#include "abi.h"
#include "inet.h"

static volatile int sender;

static void *one_more(void *arg)
{
	tell_tid(&sender);
	return (void *)send(*(int *)arg, "x", 1, 0);
}

static void growing(void)
{
	static char b[1 << 18];
	int p[2], n = 1 << 16, more = 1 << 18;
	pthread_t t;
	void *went;

	SAY("-- a send buffer that grows\n");
	tcp_pair(p);
	setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &n, sizeof n);
	while (send(p[0], b, sizeof b, MSG_DONTWAIT) > 0)
		msleep(10);
	pthread_create(&t, NULL, one_more, &p[0]);
	until_asleep(&sender);
	V(setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &more, sizeof more));
	pthread_join(t, &went);
	V((long)went);
	close(p[0]);
	close(p[1]);
}

static void thrown_away(void)
{
	char b[9] = "--------";
	int p[2];

	SAY("-- MSG_TRUNC\n");
	tcp_pair(p);
	V(send(p[0], "abcdef", 6, 0));
	V(recv(p[1], b, 4, MSG_TRUNC | MSG_PEEK));
	SAY("%s\n", b);
	V(recv(p[1], b, 2, MSG_TRUNC));
	V(recv(p[1], b, 8, 0));
	SAY("%s\n", b);
	close(p[0]);
	close(p[1]);
}

/* A connect() that was refused while nobody waited for it. */
static int refused(struct sockaddr_storage *a, socklen_t *n)
{
	int none = socket(inet_family, SOCK_STREAM, 0), s = socket(inet_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct pollfd p = { .fd = s, .events = POLLOUT };

	*n = sizeof *a;
	bind(none, (void *)a, loop_name(a, 0));
	getsockname(none, (void *)a, n);
	V(connect(s, (void *)a, *n));
	poll(&p, 1, -1);
	close(none);
	return s;
}

static void given_up(void)
{
	struct sockaddr_storage a;
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	socklen_t n;
	int s = refused(&a, &n), l = listener(1);
	struct pollfd p = { .events = POLLOUT };

	SAY("-- an attempt that was shut down\n");
	V(shutdown(s, SHUT_RDWR));
	V(connect(s, (void *)&a, n));
	V(dial_with(s, l));
	V(connect(s, &none, sizeof none));
	fcntl(s, F_SETFL, 0);
	V(dial_with(s, l));
	close(s);
	/* One that worked, before anybody asked. */
	s = socket(inet_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	V(dial_with(s, l));
	p.fd = s;
	poll(&p, 1, -1);
	V(shutdown(s, SHUT_RD));
	V(dial_with(s, l));
	close(s);
	close(l);
}

static void after_the_wait(void)
{
	int l = listener(2), c = dial(l), a = accept(l, NULL, NULL), s = socket(inet_family, SOCK_STREAM, 0), v = 1;
	struct pollfd p = { .fd = a };
	struct sockaddr_storage name;
	socklen_t n = sizeof name;
	long long closed;

	SAY("-- the port of who waited for a FIN\n");
	getsockname(c, (void *)&name, &n);
	V(setsockopt(c, IPPROTO_TCP, TCP_LINGER2, &v, sizeof v));
	closed = now_ms();
	close(c);
	V((bind(s, (void *)&name, n) && errno == EADDRINUSE) || now_ms() - closed >= 1000);
	while (bind(s, (void *)&name, n) && errno == EADDRINUSE)
		msleep(20);
	V(send(a, "x", 1, 0));
	poll(&p, 1, -1);
	V(send(a, "x", 1, MSG_NOSIGNAL));
	V(recv(a, &v, 1, 0));
	close(a);
	close(s);
	close(l);
}

static void segments(void)
{
	int l = listener(4), s = socket(inet_family, SOCK_STREAM, 0), n, c;

	SAY("-- TCP_MAXSEG\n");
	V(int_opt(s, IPPROTO_TCP, TCP_MAXSEG));
	n = 500;
	V(setsockopt(s, IPPROTO_TCP, TCP_MAXSEG, &n, sizeof n));
	V(int_opt(s, IPPROTO_TCP, TCP_MAXSEG));
	V(dial_with(s, l));
	c = accept(l, NULL, NULL);
	V(int_opt(s, IPPROTO_TCP, TCP_MAXSEG));
	V(int_opt(c, IPPROTO_TCP, TCP_MAXSEG));
	close(c);
	close(s);
	n = 300;
	V(setsockopt(l, IPPROTO_TCP, TCP_MAXSEG, &n, sizeof n));
	s = dial(l);
	c = accept(l, NULL, NULL);
	V(int_opt(s, IPPROTO_TCP, TCP_MAXSEG));
	V(int_opt(c, IPPROTO_TCP, TCP_MAXSEG));
	close(c);
	close(s);
	close(l);
}

int main(void)
{
	growing();
	thrown_away();
	given_up();
	segments();
	inet_family = AF_INET6;
	given_up();
	segments();
	after_the_wait();
	return 0;
}
