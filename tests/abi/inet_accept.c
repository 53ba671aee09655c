/* SPDX-License-Identifier: Apache-2.0 */
/* accept, accept4: flags, what is inherited, connections that ended before,
 * queues that overflow, TCP_DEFER_ACCEPT. accept(2), listen(2). */
#include "abi.h"
#include "inet.h"

static void flags(void)
{
	int l = listener(8), a, c[4];
	struct sockaddr_in n;
	socklen_t len;

	for (int i = 0; i < 4; i++)
		c[i] = dial(l);
	a = accept4(l, NULL, NULL, SOCK_NONBLOCK);
	V(fcntl(a, F_GETFL) == (O_RDWR | O_NONBLOCK));
	V(fcntl(a, F_GETFD));
	close(a);
	fcntl(l, F_SETFL, O_NONBLOCK);
	len = sizeof n;
	a = accept4(l, (void *)&n, &len, SOCK_CLOEXEC);
	V(fcntl(a, F_GETFL) == O_RDWR);
	V(fcntl(a, F_GETFD));
	V(len);
	V(n.sin_port == name_of(c[1]).sin_port);
	close(a);
	V(accept4(l, NULL, NULL, 1));
	len = 4;
	a = accept(l, (void *)&n, &len);
	V(len);
	close(a);
	len = sizeof n;
	V(accept(l, (void *)1, &len));
	V(accept(l, NULL, NULL));
	V(accept(-1, NULL, NULL));
	V(accept(0, NULL, NULL));
	for (int i = 0; i < 4; i++)
		close(c[i]);
	close(l);
}

static void inherits(void)
{
	static const struct { const char *name; int level, opt, v; } o[] = {
		{ "KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1 }, { "OOBINLINE", SOL_SOCKET, SO_OOBINLINE, 1 },
		{ "REUSEADDR", SOL_SOCKET, SO_REUSEADDR, 1 }, { "BROADCAST", SOL_SOCKET, SO_BROADCAST, 1 },
		{ "RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, 7 }, { "PRIORITY", SOL_SOCKET, SO_PRIORITY, 3 },
		{ "RCVBUF", SOL_SOCKET, SO_RCVBUF, 30000 }, { "SNDBUF", SOL_SOCKET, SO_SNDBUF, 30000 },
		{ "TOS", IPPROTO_IP, IP_TOS, 16 }, { "TTL", IPPROTO_IP, IP_TTL, 33 },
		{ "NODELAY", IPPROTO_TCP, TCP_NODELAY, 1 }, { "CORK", IPPROTO_TCP, TCP_CORK, 1 },
	};
	int l = listener(8), c, a;
	struct linger g = { 1, 3 };
	socklen_t n = sizeof g;

	SAY("inherited\n");
	for (unsigned i = 0; i < sizeof o / sizeof *o; i++)
		setsockopt(l, o[i].level, o[i].opt, &o[i].v, sizeof o[i].v);
	setsockopt(l, SOL_SOCKET, SO_LINGER, &g, sizeof g);
	setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ 5, 0 }, sizeof(struct timeval));
	c = dial(l);
	a = accept(l, NULL, NULL);
	for (unsigned i = 0; i < sizeof o / sizeof *o; i++)
		SAY("%s %d\n", o[i].name, int_opt(a, o[i].level, o[i].opt));
	g = (struct linger){ 0, 0 };
	getsockopt(a, SOL_SOCKET, SO_LINGER, &g, &n);
	SAY("linger %d %d\n", g.l_onoff, g.l_linger);
	V(int_opt(a, SOL_SOCKET, SO_ACCEPTCONN));
	V(int_opt(a, SOL_SOCKET, SO_TYPE));
	V(int_opt(a, SOL_SOCKET, SO_PROTOCOL));
	V(int_opt(a, SOL_SOCKET, SO_DOMAIN));
	close(a);
	close(c);
	close(l);
}

static void ended_before(void)
{
	int l = listener(8), c, a;
	char b[8];

	SAY("the client left before\n");
	c = dial(l);
	V(write(c, "bye", 3));
	close(c);
	msleep(10);
	a = accept(l, NULL, NULL);
	V(a >= 0);
	V(read(a, b, sizeof b));
	V(read(a, b, sizeof b));
	close(a);
	SAY("by a reset\n");
	c = dial(l);
	setsockopt(c, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
	close(c);
	msleep(10);
	say_poll("listener", l);
	a = accept(l, NULL, NULL);
	V(a >= 0);
	V(getpeername(a, (void *)b, &(socklen_t){ 0 }));
	V(read(a, b, sizeof b));
	V(read(a, b, sizeof b));
	close(a);
	close(l);
}

static void overflow(void)
{
	int l = listener(2), c[8], n = 0, got = 0, a;
	struct sockaddr_in to = name_of(l);

	SAY("overflow\n");
	for (int i = 0; i < 8; i++) {
		c[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(c[i], (void *)&to, sizeof to);
	}
	msleep(50);
	for (int i = 0; i < 3; i++)
		n += !!(ready(c[i]) & POLLOUT);
	SAY("the first three connected: %d\n", n);
	say_poll("the eighth", c[7]);
	V(tcp_state(c[7]));
	fcntl(l, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 20 && got < 8; i++) {
		while ((a = accept(l, NULL, NULL)) >= 0) {
			got++;
			close(a);
		}
		msleep(20);
	}
	SAY("the first came: %d\n", got >= 3);
	for (int i = 0; i < 8; i++)
		close(c[i]);
	SAY("listen again\n");
	V(listen(l, 1));
	V(listen(l, 0));
	V(listen(l, -1));
	close(l);
	SAY("backlog 0\n");
	l = listener(0);
	c[0] = dial(l);
	a = accept(l, NULL, NULL);
	V(a >= 0);
	close(a);
	close(c[0]);
	close(l);
}

static void deferred(void)
{
	int l = listener(4), c, a;
	char b[8];

	SAY("TCP_DEFER_ACCEPT\n");
	V(setsockopt(l, IPPROTO_TCP, TCP_DEFER_ACCEPT, &(int){ 3 }, sizeof(int)));
	V(int_opt(l, IPPROTO_TCP, TCP_DEFER_ACCEPT));
	c = dial(l);
	msleep(50);
	say_poll("silent client", c);
	say_poll("listener", l);
	V(write(c, "hi", 2));
	msleep(30);
	say_poll("listener, data", l);
	a = accept(l, NULL, NULL);
	V(read(a, b, sizeof b));
	close(a);
	close(c);
	c = dial(l);
	close(c);
	msleep(30);
	say_poll("listener, FIN", l);
	fcntl(l, F_SETFL, O_NONBLOCK);
	V(accept(l, NULL, NULL) >= 0);
	c = dial(l);
	setsockopt(c, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
	close(c);
	msleep(30);
	say_poll("listener, RST", l);
	V(accept(l, NULL, NULL) >= 0);
	close(l);
}

/* A connector whose ACK waits for something to go with. */
static void ack_waits(int opt, int value)
{
	static const char *const ways[] = { "reset", "data", "half close", "quick after all", "nothing" };
	struct linger hard = { 1, 0 };
	struct sockaddr_in sa;
	socklen_t n = sizeof sa;
	int l = listener(4), c;

	getsockname(l, (struct sockaddr *)&sa, &n);
	for (int way = 0; way < 5; way++) {
		SAY("client's option %d, %s\n", opt, ways[way]);
		c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		V(setsockopt(c, IPPROTO_TCP, opt, &value, sizeof value));
		V(connect(c, (struct sockaddr *)&sa, sizeof sa));
		say_poll("client", c);
		say_poll("listener", l);
		if (way == 0) {
			setsockopt(c, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
			close(c);
			msleep(400);
			say_poll("listener, RST", l);
			continue;
		}
		if (way == 1)
			V(write(c, "hi", 2));
		if (way == 2)
			V(shutdown(c, SHUT_WR));
		if (way == 3)
			V(setsockopt(c, IPPROTO_TCP, TCP_QUICKACK, &(int){ 1 }, sizeof(int)));
		msleep(way == 4 ? 600 : 30);
		say_poll("listener", l);
		close(accept(l, NULL, NULL));
		close(c);
	}
	close(l);
}

static void blocked(void)
{
	int l = listener(4), st;
	pid_t p;

	SAY("closed by a time-out and a signal\n");
	setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ 0, 50000 }, sizeof(struct timeval));
	V(accept(l, NULL, NULL));
	setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ 0, 0 }, sizeof(struct timeval));
	fflush(stdout);
	p = fork();
	if (!p) {
		accept(l, NULL, NULL);
		_exit(errno == EINVAL ? 7 : 8);
	}
	msleep(100);
	V(shutdown(l, SHUT_RD));
	waitpid(p, &st, 0);
	say_status("accept", st);
	V(tcp_state(l));
	V(listen(l, 3));
	V(tcp_state(l));
	close(l);
}

int main(void)
{
	flags();
	inherits();
	ended_before();
	overflow();
	deferred();
	ack_waits(TCP_QUICKACK, 0);
	ack_waits(TCP_DEFER_ACCEPT, 5);
	blocked();
	return 0;
}
