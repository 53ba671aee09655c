/* SPDX-License-Identifier: Apache-2.0 */
/* SO_REUSEPORT: a group shares a port, connections and datagrams are spread
 * over it, nobody else gets in. socket(7). */
#include "abi.h"
#include "inet.h"

#define N 4
static int on(int s, int opt) { return setsockopt(s, SOL_SOCKET, opt, &(int){ 1 }, sizeof(int)); }

static int member(int type, struct sockaddr_in *a)
{
	int s = socket(AF_INET, type | SOCK_NONBLOCK, 0);

	on(s, SO_REUSEPORT);
	if (bind(s, (void *)a, sizeof *a))
		perror("bind");
	if (type == SOCK_STREAM)
		listen(s, 256);
	*a = name_of(s);
	return s;
}

static void balanced(int type)
{
	struct sockaddr_in a = loopback(0);
	int s[N], got[N] = { 0 }, used = 0, total = 0, c[100];

	SAY("a group of %d, type %d\n", N, type);
	for (int i = 0; i < N; i++)
		s[i] = member(type, &a);
	for (int i = 0; i < 100; i++) {
		c[i] = socket(AF_INET, type, 0);
		if (connect(c[i], (void *)&a, sizeof a))
			perror("connect");
		if (type == SOCK_DGRAM)
			send(c[i], "x", 1, 0);
	}
	for (int i = 0; i < N; i++) {
		int x;
		char b;

		while ((x = type == SOCK_STREAM ? accept(s[i], NULL, NULL) : (int)recv(s[i], &b, 1, 0)) >= 0) {
			got[i]++;
			if (type == SOCK_STREAM)
				close(x);
		}
		used += got[i] > 0;
		total += got[i];
	}
	SAY("total %d, everybody got some: %d\n", total, used == N);
	SAY("one leaves, the others go on\n");
	close(s[0]);
	for (int i = 0; i < 20; i++) {
		int x = socket(AF_INET, type, 0);

		if (connect(x, (void *)&a, sizeof a))
			perror("connect");
		close(x);
	}
	for (int i = 0; i < 100; i++)
		close(c[i]);
	for (int i = 1; i < N; i++)
		close(s[i]);
}

static void strangers(int type)
{
	struct sockaddr_in a = loopback(0), any;
	int s, t;

	SAY("strangers, type %d\n", type);
	s = member(type, &a);
	any = a;
	any.sin_addr.s_addr = 0;
	t = socket(AF_INET, type, 0);
	V(bind(t, (void *)&a, sizeof a));
	V(bind(t, (void *)&any, sizeof any));
	V(on(t, SO_REUSEADDR));
	V(bind(t, (void *)&a, sizeof a));
	V(on(t, SO_REUSEPORT));
	V(bind(t, (void *)&any, sizeof any));
	close(t);
	close(s);
	SAY("set after the bind\n");
	a.sin_port = 0;
	s = socket(AF_INET, type, 0);
	t = socket(AF_INET, type, 0);
	V(bind(s, (void *)&a, sizeof a));
	a = name_of(s);
	V(on(s, SO_REUSEPORT));
	V(on(t, SO_REUSEPORT));
	V(bind(t, (void *)&a, sizeof a));
	close(s);
	close(t);
	if (geteuid() == 0) {
		pid_t p;

		SAY("another user\n");
		a.sin_port = 0;
		s = member(type, &a);
		fflush(stdout);
		p = fork();
		if (!p) {
			t = -1;
			if (setresuid(1234, 1234, 1234))
				_exit(9);
			t = socket(AF_INET, type, 0);
			on(t, SO_REUSEPORT);
			_exit(bind(t, (void *)&a, sizeof a) ? errno == EADDRINUSE : 3);
		}
		wait_say("bind", p);
		close(s);
	}
}

static void listening_only_once(void)
{
	struct sockaddr_in a = loopback(0);
	int s = socket(AF_INET, SOCK_STREAM, 0), t = socket(AF_INET, SOCK_STREAM, 0), u;

	SAY("SO_REUSEADDR is not enough to listen\n");
	on(s, SO_REUSEADDR);
	on(t, SO_REUSEADDR);
	V(bind(s, (void *)&a, sizeof a));
	a = name_of(s);
	V(bind(t, (void *)&a, sizeof a));
	V(listen(s, 1));
	V(listen(t, 1));
	u = socket(AF_INET, SOCK_STREAM, 0);
	V(connect(u, (void *)&a, sizeof a));
	close(s);
	V(listen(t, 1));
	close(t);
	close(u);
}

static void v6_group(void)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = in6addr_any };
	struct sockaddr_in a4 = loopback(0);
	socklen_t n = sizeof a;
	int s = socket(AF_INET6, SOCK_STREAM, 0), t = socket(AF_INET, SOCK_STREAM, 0), u;

	SAY("two families\n");
	on(s, SO_REUSEPORT);
	on(t, SO_REUSEPORT);
	V(bind(s, (void *)&a, sizeof a));
	getsockname(s, (void *)&a, &n);
	a4.sin_port = a.sin6_port;
	a4.sin_addr.s_addr = 0;
	V(bind(t, (void *)&a4, sizeof a4));
	V(listen(s, 5));
	V(listen(t, 5));
	fcntl(s, F_SETFL, O_NONBLOCK);
	fcntl(t, F_SETFL, O_NONBLOCK);
	u = socket(AF_INET, SOCK_STREAM, 0);
	a4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	V(connect(u, (void *)&a4, sizeof a4));
	V(accept(s, NULL, NULL));
	OK(accept(t, NULL, NULL));
	close(s);
	close(t);
	close(u);
}

int main(void)
{
	balanced(SOCK_STREAM);
	balanced(SOCK_DGRAM);
	strangers(SOCK_STREAM);
	strangers(SOCK_DGRAM);
	listening_only_once();
	v6_group();
	return 0;
}
