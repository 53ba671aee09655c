/* SPDX-License-Identifier: Apache-2.0 */
/* Who may bind what: ports, addresses, SO_REUSEADDR, SO_REUSEPORT, two
 * families, TIME_WAIT. */
#include "abi.h"
#include "inet.h"

static int sock(int family, int type) { return socket(family, type, 0); }
static int on(int s, int opt) { return setsockopt(s, SOL_SOCKET, opt, &(int){ 1 }, sizeof(int)); }
static int bind4(int s, const char *ip, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	inet_pton(AF_INET, ip, &a.sin_addr);
	return bind(s, (void *)&a, sizeof a);
}
static int bind6(int s, const char *ip, int port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };

	inet_pton(AF_INET6, ip, &a.sin6_addr);
	return bind(s, (void *)&a, sizeof a);
}
static int port_of(int s)
{
	struct sockaddr_in6 a;
	socklen_t n = sizeof a;

	getsockname(s, (void *)&a, &n);
	return ntohs(a.sin6_port);
}

static void names(void)
{
	int s = sock(AF_INET, SOCK_STREAM), t;
	struct sockaddr_in a = loopback(0);

	V(bind(s, (void *)&a, 4));
	V(bind4(s, "192.0.2.1", 0));
	a.sin_family = AF_INET6;
	V(bind(s, (void *)&a, sizeof a));
	a.sin_family = AF_UNSPEC;
	V(bind(s, (void *)&a, sizeof a));
	V(bind4(s, "127.0.0.7", 0));
	V(port_of(s) >= 32768 && port_of(s) < 61000);
	V(bind4(s, "127.0.0.1", 0));
	t = sock(AF_INET, SOCK_STREAM);
	V(bind4(t, "127.0.0.8", port_of(s)));
	close(t);
	t = sock(AF_INET, SOCK_STREAM);
	V(bind4(t, "127.0.0.7", port_of(s)));
	V(bind4(t, "0.0.0.0", port_of(s)));
	close(s);
	V(bind4(t, "0.0.0.0", port_of(s)));
	close(t);
	s = sock(AF_INET6, SOCK_STREAM);
	V(bind6(s, "2001:db8::1", 0));
	V(bind4(s, "127.0.0.1", 0));
	close(s);
}

static void reuse(int type)
{
	int s, t, p;

	SAY("reuse, type %d\n", type);
	s = sock(AF_INET, type);
	t = sock(AF_INET, type);
	V(on(s, SO_REUSEADDR));
	V(bind4(s, "127.0.0.1", 0));
	p = port_of(s);
	V(bind4(t, "127.0.0.1", p));
	V(on(t, SO_REUSEADDR));
	V(bind4(t, "127.0.0.1", p));
	if (type == SOCK_STREAM) {
		V(listen(s, 1));
		V(listen(t, 1));
	}
	close(s);
	close(t);
	s = sock(AF_INET, type);
	t = sock(AF_INET, type);
	V(on(s, SO_REUSEPORT));
	V(bind4(s, "0.0.0.0", 0));
	p = port_of(s);
	V(bind4(t, "127.0.0.1", p));
	V(on(t, SO_REUSEPORT));
	V(bind4(t, "0.0.0.0", p));
	if (type == SOCK_STREAM) {
		V(listen(s, 1));
		V(listen(t, 1));
	}
	close(s);
	close(t);
}

static void families(int type)
{
	int s, t, p;

	SAY("families, type %d\n", type);
	s = sock(AF_INET6, type);
	V(bind6(s, "::", 0));
	p = port_of(s);
	t = sock(AF_INET, type);
	V(bind4(t, "0.0.0.0", p));
	V(bind4(t, "127.0.0.1", p));
	close(t);
	t = sock(AF_INET6, type);
	V(bind6(t, "::1", p));
	V(setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 1 }, sizeof(int)));
	close(s);
	close(t);
	s = sock(AF_INET6, type);
	V(setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 1 }, sizeof(int)));
	V(int_opt(s, IPPROTO_IPV6, IPV6_V6ONLY));
	V(bind6(s, "::ffff:127.0.0.1", 0));
	V(bind6(s, "::", 0));
	t = sock(AF_INET, type);
	V(bind4(t, "0.0.0.0", port_of(s)));
	close(s);
	close(t);
	s = sock(AF_INET6, type);
	V(bind6(s, "::ffff:127.0.0.1", 0));
	t = sock(AF_INET, type);
	V(bind4(t, "127.0.0.1", port_of(s)));
	close(s);
	close(t);
}

static void say_name(const char *what, int s, bool peer)
{
	struct sockaddr_in6 a;
	socklen_t n = sizeof a;
	char b[64] = "?";

	if (peer ? getpeername(s, (void *)&a, &n) : getsockname(s, (void *)&a, &n)) {
		SAY("%s: %s\n", what, abi_errno(errno));
		return;
	}
	if (a.sin6_family == AF_INET)
		inet_ntop(AF_INET, &((struct sockaddr_in *)&a)->sin_addr, b, sizeof b);
	else
		inet_ntop(AF_INET6, &a.sin6_addr, b, sizeof b);
	SAY("%s: %d %s %d\n", what, a.sin6_family, b, (int)n);
}

static void dual_stack(void)
{
	int s = sock(AF_INET6, SOCK_STREAM), c, a;
	struct sockaddr_in to;
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };

	V(bind6(s, "::", 0));
	V(listen(s, 4));
	to = loopback(port_of(s));
	c = sock(AF_INET, SOCK_STREAM);
	V(connect(c, (void *)&to, sizeof to));
	a = accept(s, NULL, NULL);
	say_name("client", c, false);
	say_name("client's peer", c, true);
	say_name("server", a, false);
	say_name("server's peer", a, true);
	V(write(c, "x", 1));
	V(read(a, &(char){ 0 }, 1));
	close(c);
	close(a);
	c = sock(AF_INET6, SOCK_STREAM);
	to6.sin6_port = htons((uint16_t)port_of(s));
	inet_pton(AF_INET6, "::ffff:127.0.0.1", &to6.sin6_addr);
	V(connect(c, (void *)&to6, sizeof to6));
	a = accept(s, NULL, NULL);
	say_name("mapped client", c, false);
	say_name("mapped server's peer", a, true);
	close(c);
	close(a);
	c = sock(AF_INET6, SOCK_STREAM);
	to6.sin6_addr = in6addr_any;
	V(connect(c, (void *)&to6, sizeof to6));
	say_name("to ::", c, true);
	close(c);
	c = sock(AF_INET, SOCK_STREAM);
	to.sin_addr.s_addr = 0;
	V(connect(c, (void *)&to, sizeof to));
	say_name("to 0.0.0.0", c, true);
	say_name("from", c, false);
	close(c);
	c = sock(AF_INET, SOCK_STREAM);
	to.sin_addr.s_addr = htonl(0x7f010203);
	V(connect(c, (void *)&to, sizeof to));
	say_name("to 127.1.2.3", c, true);
	say_name("from", c, false);
	close(c);
	c = sock(AF_INET, SOCK_STREAM);
	V(bind4(c, "127.0.0.9", 0));
	V(connect(c, (void *)&to, sizeof to));
	say_name("from a bound one", c, false);
	V(connect(c, (void *)&to, sizeof to));
	close(c);
	close(s);
	c = sock(AF_INET6, SOCK_STREAM);
	V(setsockopt(c, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 1 }, sizeof(int)));
	inet_pton(AF_INET6, "::ffff:127.0.0.1", &to6.sin6_addr);
	V(connect(c, (void *)&to6, sizeof to6));
	close(c);
}

static void time_wait(void)
{
	int s = listener(3), c = dial(s), a = accept(s, NULL, NULL), p = port_of(s), t;

	close(a);                       /* the server closes first: TIME_WAIT is its */
	msleep(10);
	close(c);
	close(s);
	t = sock(AF_INET, SOCK_STREAM);
	V(bind4(t, "127.0.0.1", p));
	close(t);
	t = sock(AF_INET, SOCK_STREAM);
	V(on(t, SO_REUSEADDR));
	V(bind4(t, "127.0.0.1", p));
	close(t);
	SAY("with SO_REUSEADDR on the listener\n");
	s = sock(AF_INET, SOCK_STREAM);
	on(s, SO_REUSEADDR);
	bind4(s, "127.0.0.1", 0);
	listen(s, 3);
	p = port_of(s);
	c = dial(s);
	a = accept(s, NULL, NULL);
	close(s);
	t = sock(AF_INET, SOCK_STREAM);
	V(bind4(t, "127.0.0.1", p));    /* the accepted one has it still */
	close(t);
	t = sock(AF_INET, SOCK_STREAM);
	on(t, SO_REUSEADDR);
	V(bind4(t, "127.0.0.1", p));
	V(listen(t, 1));
	close(t);
	close(a);
	close(c);
}

int main(void)
{
	names();
	reuse(SOCK_STREAM);
	reuse(SOCK_DGRAM);
	families(SOCK_STREAM);
	families(SOCK_DGRAM);
	dual_stack();
	time_wait();
	return 0;
}
