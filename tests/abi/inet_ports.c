/* SPDX-License-Identifier: Apache-2.0 */
/* Ephemeral ports: their range, running out of them, IP_BIND_ADDRESS_NO_PORT,
 * a connection to oneself, TIME_WAIT and who may take its port. ip(7). */
#include "abi.h"
#include "inet.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif
#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif

static int port_of(int s) { return ntohs(name_of(s).sin_port); }
static int on(int s, int level, int opt) { return setsockopt(s, level, opt, &(int){ 1 }, sizeof(int)); }
static int bind_to(int s, uint32_t ip, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(ip) };

	return bind(s, (void *)&a, sizeof a);
}

static void no_port(void)
{
	int l = listener(4), s = socket(AF_INET, SOCK_STREAM, 0), v;
	struct sockaddr_in to = name_of(l);

	V(on(s, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT));
	V(int_opt(s, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT));
	V(bind_to(s, 0x7f000005, 0));
	V(port_of(s));
	SAY("%s\n", inet_ntoa(name_of(s).sin_addr));
	V(connect(s, (void *)&to, sizeof to));
	V(port_of(s) != 0);
	SAY("%s\n", inet_ntoa(name_of(s).sin_addr));
	close(s);
	s = socket(AF_INET, SOCK_STREAM, 0);
	on(s, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
	bind_to(s, 0x7f000005, 0);
	V(listen(s, 1));
	V(port_of(s) != 0);
	close(s);
	s = socket(AF_INET, SOCK_STREAM, 0);
	V(on(s, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT));
	V(bind_to(s, 0x7f000005, 0));
	V(bind_to(s, 0x7f000006, 0));
	close(s);
	close(l);
	s = socket(AF_INET, SOCK_STREAM, 0);
	v = 40000 | 40003 << 16;
	V(setsockopt(s, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &v, sizeof v));
	V(int_opt(s, IPPROTO_IP, IP_LOCAL_PORT_RANGE) == v);
	v = 40003 | 40000 << 16;
	V(setsockopt(s, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &v, sizeof v));
	V(bind_to(s, 0x7f00004d, 0));
	V(port_of(s) >= 40000 && port_of(s) <= 40003);
	close(s);
}

static void run_out(int type)
{
	int s[6], v = 40100 | 40103 << 16;

	SAY("four ports, type %d\n", type);
	for (int i = 0; i < 6; i++) {
		s[i] = socket(AF_INET, type, 0);
		setsockopt(s[i], IPPROTO_IP, IP_LOCAL_PORT_RANGE, &v, sizeof v);
		if (bind_to(s[i], 0x7f00004e, 0))
			SAY("%d: %s\n", i, abi_errno(errno));
		else
			SAY("%d: in range %d\n", i, port_of(s[i]) >= 40100 && port_of(s[i]) <= 40103);
	}
	for (int i = 0; i < 6; i++)
		close(s[i]);
	if (type != SOCK_STREAM)
		return;
	SAY("the same by connect\n");
	{
		int l = listener(16);
		struct sockaddr_in to = name_of(l);

		for (int i = 0; i < 6; i++) {
			s[i] = socket(AF_INET, type, 0);
			setsockopt(s[i], IPPROTO_IP, IP_LOCAL_PORT_RANGE, &v, sizeof v);
			if (connect(s[i], (void *)&to, sizeof to))
				SAY("%d: %s\n", i, abi_errno(errno));
			else
				SAY("%d: in range %d\n", i, port_of(s[i]) >= 40100 && port_of(s[i]) <= 40103);
		}
		SAY("the same ports to another listener\n");
		close(l);
		for (int i = 0; i < 6; i++)
			close(s[i]);
	}
}

/* A port that the kernel chooses is nobody else's, whatever may be shared. */
static void not_shared(int opt)
{
	int s[3], v = 40130 | 40131 << 16;

	SAY("chosen ports, option %d\n", opt);
	for (int i = 0; i < 3; i++) {
		s[i] = socket(AF_INET, SOCK_STREAM, 0);
		on(s[i], SOL_SOCKET, opt);
		setsockopt(s[i], IPPROTO_IP, IP_LOCAL_PORT_RANGE, &v, sizeof v);
		V(bind_to(s[i], 0x7f00004f, 0));
	}
	V(bind_to(s[2], 0x7f00004f, 40130));
	for (int i = 0; i < 3; i++)
		close(s[i]);
}

static void myself(void)
{
	int s = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in me;
	char b[8];

	SAY("connected to itself\n");
	V(bind_to(s, INADDR_LOOPBACK, 0));
	me = name_of(s);
	V(connect(s, (void *)&me, sizeof me));
	V(tcp_state(s));
	V(write(s, "echo", 4));
	V(read(s, b, sizeof b));
	say_poll("self", s);
	V(shutdown(s, SHUT_WR));
	msleep(10);
	V(read(s, b, sizeof b));
	say_poll("self, shut", s);
	V(send(s, "x", 1, MSG_NOSIGNAL));
	V(close(s));
	SAY("a datagram socket\n");
	s = socket(AF_INET, SOCK_DGRAM, 0);
	V(bind_to(s, INADDR_LOOPBACK, 0));
	me = name_of(s);
	V(connect(s, (void *)&me, sizeof me));
	V(write(s, "echo", 4));
	V(read(s, b, sizeof b));
	close(s);
}

static void time_wait(void)
{
	int l = listener(4), c, a, p = port_of(l), t;
	struct sockaddr_in to = name_of(l);

	SAY("TIME_WAIT\n");
	c = dial(l);
	a = accept(l, NULL, NULL);
	close(a);
	msleep(10);
	close(c);
	close(l);
	msleep(10);
	t = socket(AF_INET, SOCK_STREAM, 0);
	V(bind_to(t, INADDR_LOOPBACK, p));
	V(on(t, SOL_SOCKET, SO_REUSEADDR));
	V(bind_to(t, INADDR_LOOPBACK, p));
	V(listen(t, 1));
	c = socket(AF_INET, SOCK_STREAM, 0);
	V(connect(c, (void *)&to, sizeof to));
	close(c);
	close(t);
	SAY("the client closes first: its port\n");
	l = listener(4);
	to = name_of(l);
	c = socket(AF_INET, SOCK_STREAM, 0);
	V(bind_to(c, INADDR_LOOPBACK, 0));
	p = port_of(c);
	V(connect(c, (void *)&to, sizeof to));
	a = accept(l, NULL, NULL);
	close(c);
	msleep(10);
	close(a);
	msleep(10);
	c = socket(AF_INET, SOCK_STREAM, 0);
	V(bind_to(c, INADDR_LOOPBACK, p));
	V(on(c, SOL_SOCKET, SO_REUSEADDR));
	V(bind_to(c, INADDR_LOOPBACK, p));
	close(c);
	close(l);
}

static void same_pair(void)
{
	int l = listener(4), c, d;
	struct sockaddr_in to = name_of(l);

	SAY("two of the same four numbers\n");
	c = socket(AF_INET, SOCK_STREAM, 0);
	d = socket(AF_INET, SOCK_STREAM, 0);
	on(c, SOL_SOCKET, SO_REUSEADDR);
	on(d, SOL_SOCKET, SO_REUSEADDR);
	V(bind_to(c, INADDR_LOOPBACK, 0));
	V(bind_to(d, INADDR_LOOPBACK, port_of(c)));
	V(connect(c, (void *)&to, sizeof to));
	V(connect(d, (void *)&to, sizeof to));
	V(connect(d, (void *)&to, sizeof to));
	close(c);
	close(d);
	SAY("while it listens\n");
	c = socket(AF_INET, SOCK_STREAM, 0);
	on(c, SOL_SOCKET, SO_REUSEADDR);
	V(bind_to(c, INADDR_LOOPBACK, ntohs(to.sin_port)));
	close(c);
	close(l);
}

int main(void)
{
	no_port();
	run_out(SOCK_STREAM);
	run_out(SOCK_DGRAM);
	not_shared(SO_REUSEADDR);
	not_shared(SO_REUSEPORT);
	myself();
	time_wait();
	same_pair();
	return 0;
}
