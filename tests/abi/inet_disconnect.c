/* SPDX-License-Identifier: Apache-2.0 */
/* connect() to AF_UNSPEC in every state, and sockets used again. connect(2). */
#include "abi.h"
#include "inet.h"

static int unspec(int s) { return connect(s, &(struct sockaddr){ .sa_family = AF_UNSPEC }, sizeof(struct sockaddr)); }

static void say_name(const char *what, int s)
{
	struct sockaddr_in a;
	socklen_t n = sizeof a;

	if (getsockname(s, (void *)&a, &n))
		SAY("%s: %s\n", what, abi_errno(errno));
	else
		SAY("%s: %s port %d\n", what, inet_ntoa(a.sin_addr), a.sin_port != 0);
}

static void tcp(void)
{
	int s = socket(AF_INET, SOCK_STREAM, 0), l = listener(4), a, t;
	struct sockaddr_in to = name_of(l), me;
	char b[8];

	SAY("fresh\n");
	V(unspec(s));
	SAY("bound\n");
	me = loopback(0);
	V(bind(s, (void *)&me, sizeof me));
	V(unspec(s));
	say_name("still bound", s);
	SAY("connected\n");
	V(connect(s, (void *)&to, sizeof to));
	a = accept(l, NULL, NULL);
	V(write(a, "lost", 4));
	V(unspec(s));
	say_name("bound all the same", s);
	say_poll("disconnected", s);
	V(int_opt(s, SOL_SOCKET, SO_ERROR));
	V(recv(s, b, sizeof b, MSG_DONTWAIT));
	V(send(s, "x", 1, MSG_NOSIGNAL));
	msleep(10);
	V(recv(a, b, sizeof b, 0));
	close(a);
	SAY("again\n");
	V(connect(s, (void *)&to, sizeof to));
	a = accept(l, NULL, NULL);
	V(write(s, "hello", 5));
	V(read(a, b, sizeof b));
	close(a);
	msleep(10);
	V(read(s, b, sizeof b));
	V(unspec(s));
	V(connect(s, (void *)&to, sizeof to));
	close(s);
	close(accept(l, NULL, NULL));

	SAY("never bound\n");
	s = socket(AF_INET, SOCK_STREAM, 0);
	V(connect(s, (void *)&to, sizeof to));
	V(unspec(s));
	V(listen(s, 1));
	say_name("now listening", s);
	SAY("a listener\n");
	V(unspec(s));
	say_name("no longer", s);
	V(tcp_state(s));
	V(accept(s, NULL, NULL));
	close(s);
	close(accept(l, NULL, NULL));

	SAY("after a refusal\n");
	t = listener(1);
	me = name_of(t);
	close(t);
	s = socket(AF_INET, SOCK_STREAM, 0);
	V(connect(s, (void *)&me, sizeof me));
	V(connect(s, (void *)&me, sizeof me));
	V(connect(s, (void *)&to, sizeof to));
	V(connect(s, (void *)&to, sizeof to));
	close(s);
	close(l);
}

static void udp(void)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0), r = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in me = loopback(0), to;
	char b[8];

	SAY("datagrams\n");
	bind(r, (void *)&me, sizeof me);
	to = name_of(r);
	V(unspec(s));
	V(send(s, "x", 1, 0));
	V(connect(s, (void *)&to, sizeof to));
	say_name("connected", s);
	V(send(s, "x", 1, 0));
	V(recv(r, b, sizeof b, 0));
	V(unspec(s));
	say_name("not any more", s);
	V(send(s, "x", 1, 0));
	V(getpeername(s, (void *)&me, &(socklen_t){ sizeof me }));
	SAY("bound before\n");
	close(s);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	me = loopback(0);
	bind(s, (void *)&me, sizeof me);
	me = name_of(s);
	V(connect(s, (void *)&to, sizeof to));
	V(unspec(s));
	say_name("bound by the kernel's choice", s);
	close(s);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	V(bind(s, (void *)&me, sizeof me));
	V(connect(s, (void *)&to, sizeof to));
	V(unspec(s));
	say_name("bound", s);
	SAY("what came before the connect is kept, from others after it is not\n");
	me = name_of(s);
	V(sendto(r, "1", 1, 0, (void *)&me, sizeof me));
	V(connect(s, (void *)&(struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(9),
						     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, sizeof me));
	V(sendto(r, "2", 1, 0, (void *)&me, sizeof me));
	V(recv(s, b, sizeof b, MSG_DONTWAIT));
	V(recv(s, b, sizeof b, MSG_DONTWAIT));
	SAY("port 0\n");
	close(s);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	to.sin_port = 0;
	V(connect(s, (void *)&to, sizeof to));
	V(send(s, "x", 1, 0));
	V(sendto(s, "x", 1, 0, (void *)&to, sizeof to));
	V(getpeername(s, (void *)&me, &(socklen_t){ sizeof me }));
	close(s);
	close(r);
}

int main(void)
{
	tcp();
	udp();
	return 0;
}
