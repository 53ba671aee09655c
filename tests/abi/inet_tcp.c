/* SPDX-License-Identifier: Apache-2.0 */
/* TCP on loopback: states, half close, reset, backlog, poll in every state. */
#include "abi.h"
#include "inet.h"

static void fresh(void)
{
	int s = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in a;
	socklen_t n = sizeof a;
	char c;

	say_poll("fresh", s);
	V(tcp_state(s));
	V(send(s, "x", 1, MSG_NOSIGNAL));
	V(recv(s, &c, 1, 0));
	V(shutdown(s, SHUT_RDWR));
	say_poll("fresh, shut", s);
	V(getpeername(s, (void *)&a, &n));
	V(accept(s, NULL, NULL));
	V(getsockname(s, (void *)&a, &n));
	SAY("%s %d %d\n", inet_ntoa(a.sin_addr), ntohs(a.sin_port), (int)n);
	V(close(s));
	V(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	V(socket(AF_INET, SOCK_SEQPACKET, 0));
	V(socket(AF_INET, 77, 0));
	V(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
}

static void listening(void)
{
	int l = listener(2), c;
	struct sockaddr_in a = name_of(l);

	say_poll("listener", l);
	V(tcp_state(l));
	V(fcntl(l, F_SETFL, O_NONBLOCK));
	V(accept(l, NULL, NULL));
	V(connect(l, (void *)&a, sizeof a));
	c = dial(l);
	say_poll("listener with one", l);
	V(int_opt(l, SOL_SOCKET, SO_ACCEPTCONN));
	V(int_opt(c, SOL_SOCKET, SO_ACCEPTCONN));
	V(send(l, "x", 1, MSG_NOSIGNAL));
	V(recv(l, &(char){ 0 }, 1, 0));
	V(ioctl(l, FIONREAD, &(int){ 0 }));
	/* closing the listener resets who was not accepted */
	close(l);
	msleep(20);
	say_poll("client of a closed listener", c);
	V(recv(c, &(char){ 0 }, 1, 0));
	V(recv(c, &(char){ 0 }, 1, 0));
	V(connect(c, (void *)&a, sizeof a));
	close(c);
	c = socket(AF_INET, SOCK_STREAM, 0);
	V(connect(c, (void *)&a, sizeof a));
	say_poll("after refusal", c);
	V(int_opt(c, SOL_SOCKET, SO_ERROR));
	close(c);
}

static void half_close(void)
{
	int p[2];
	char b[16];

	tcp_pair(p);
	say_poll("connected", p[0]);
	V(write(p[0], "last", 4));
	V(shutdown(p[0], SHUT_WR));
	msleep(150);                    /* delayed acknowledgement */
	V(tcp_state(p[0]));
	V(tcp_state(p[1]));
	say_poll("shut for writing", p[0]);
	say_poll("its peer", p[1]);
	V(send(p[0], "x", 1, MSG_NOSIGNAL));
	V(read(p[1], b, sizeof b));
	V(read(p[1], b, sizeof b));
	V(write(p[1], "back", 4));
	V(read(p[0], b, sizeof b));
	V(shutdown(p[1], SHUT_WR));
	msleep(20);
	say_poll("both shut, first", p[0]);
	say_poll("both shut, second", p[1]);
	V(tcp_state(p[0]));
	V(tcp_state(p[1]));
	V(read(p[0], b, sizeof b));
	V(shutdown(p[0], SHUT_RDWR));
	close(p[0]);
	close(p[1]);

	SAY("shutdown for reading\n");
	tcp_pair(p);
	V(shutdown(p[0], SHUT_RD));
	say_poll("shut for reading", p[0]);
	V(recv(p[0], b, sizeof b, MSG_DONTWAIT));
	V(send(p[1], "more", 4, MSG_NOSIGNAL));
	msleep(20);
	V(recv(p[0], b, sizeof b, MSG_DONTWAIT));
	V(recv(p[0], b, sizeof b, MSG_DONTWAIT));
	close(p[0]);
	close(p[1]);
}

static void peer_closes(void)
{
	int p[2];
	char b[64];

	tcp_pair(p);
	V(write(p[0], "bye", 3));
	close(p[0]);
	msleep(20);
	say_poll("peer closed, data left", p[1]);
	V(tcp_state(p[1]));
	V(send(p[1], "into the void", 13, MSG_NOSIGNAL));
	msleep(20);
	say_poll("after writing to it", p[1]);
	V(send(p[1], "x", 1, MSG_NOSIGNAL));
	V(send(p[1], "x", 1, MSG_NOSIGNAL));
	V(read(p[1], b, sizeof b));
	V(read(p[1], b, sizeof b));
	V(tcp_state(p[1]));
	close(p[1]);

	SAY("peer closes with unread data\n");
	tcp_pair(p);
	V(write(p[1], "never read", 10));
	msleep(20);
	close(p[0]);
	msleep(20);
	say_poll("reset", p[1]);
	V(int_opt(p[1], SOL_SOCKET, SO_ERROR));
	V(int_opt(p[1], SOL_SOCKET, SO_ERROR));
	V(read(p[1], b, sizeof b));
	V(send(p[1], "x", 1, MSG_NOSIGNAL));
	close(p[1]);

	SAY("linger 0\n");
	tcp_pair(p);
	V(write(p[0], "data", 4));
	V(setsockopt(p[0], SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger)));
	close(p[0]);
	msleep(20);
	say_poll("reset by linger", p[1]);
	V(read(p[1], b, sizeof b));
	V(read(p[1], b, sizeof b));
	V(read(p[1], b, sizeof b));
	close(p[1]);
}

static void nonblocking_connect(void)
{
	int l = listener(5), c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), a;
	struct sockaddr_in to = name_of(l), dead = to;

	V(connect(c, (void *)&to, sizeof to));
	msleep(20);
	say_poll("connecting", c);
	V(int_opt(c, SOL_SOCKET, SO_ERROR));
	V(connect(c, (void *)&to, sizeof to));
	V(connect(c, (void *)&to, sizeof to));
	a = accept(l, NULL, NULL);
	V(recv(c, &(char){ 0 }, 1, 0));
	close(a);
	close(c);
	close(l);
	c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	V(connect(c, (void *)&dead, sizeof dead));
	msleep(20);
	say_poll("refused", c);
	V(int_opt(c, SOL_SOCKET, SO_ERROR));
	V(int_opt(c, SOL_SOCKET, SO_ERROR));
	say_poll("refused, told", c);
	close(c);
	c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	V(connect(c, (void *)&dead, sizeof dead));
	msleep(20);
	V(connect(c, (void *)&dead, sizeof dead));
	close(c);
	SAY("bad names\n");
	c = socket(AF_INET, SOCK_STREAM, 0);
	V(connect(c, (void *)&to, 8));
	V(connect(c, (void *)&(struct sockaddr_un){ .sun_family = AF_UNIX }, sizeof to));
	close(c);
}

static void disconnect(void)
{
	int p[2];
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	tcp_pair(p);
	V(connect(p[0], &none, sizeof none));
	msleep(20);
	say_poll("disconnected", p[0]);
	say_poll("its peer", p[1]);
	V(read(p[1], &(char){ 0 }, 1));
	V(tcp_state(p[0]));
	close(p[0]);
	close(p[1]);
}

static void backlog(void)
{
	int l = listener(1), c[4], n = 0;
	struct sockaddr_in to = name_of(l);

	for (int i = 0; i < 4; i++) {
		c[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(c[i], (void *)&to, sizeof to);
	}
	msleep(50);
	for (int i = 0; i < 2; i++)
		if (ready(c[i]) & POLLOUT)
			n++;
	SAY("of the first two connected: %d\n", n);
	for (int i = 0; i < 2; i++)
		close(accept(l, NULL, NULL));
	for (int i = 0; i < 4; i++)
		close(c[i]);
	close(l);
}

static void urgent(void)
{
	int p[2], n;
	char b[16];

	tcp_pair(p);
	V(recv(p[1], b, 1, MSG_OOB));
	V(send(p[0], "abc!", 4, MSG_OOB));
	V(send(p[0], "de", 2, 0));
	msleep(20);
	say_poll("urgent", p[1]);
	V(ioctl(p[1], SIOCATMARK, &n));
	V(n);
	V(recv(p[1], b, sizeof b, 0));
	SAY("%.3s\n", b);
	V(ioctl(p[1], SIOCATMARK, &n));
	V(n);
	V(recv(p[1], b, sizeof b, MSG_OOB));
	SAY("%c\n", b[0]);
	V(recv(p[1], b, sizeof b, MSG_OOB));
	V(recv(p[1], b, sizeof b, 0));
	SAY("%.2s\n", b);
	close(p[0]);
	close(p[1]);
	SAY("in line\n");
	tcp_pair(p);
	V(setsockopt(p[1], SOL_SOCKET, SO_OOBINLINE, &(int){ 1 }, sizeof(int)));
	V(send(p[0], "abc!", 4, MSG_OOB));
	V(send(p[0], "de", 2, 0));
	msleep(20);
	V(recv(p[1], b, sizeof b, 0));
	V(recv(p[1], b, sizeof b, MSG_OOB));
	V(recv(p[1], b, sizeof b, 0));
	SAY("%.3s\n", b);
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	fresh();
	listening();
	half_close();
	peer_closes();
	nonblocking_connect();
	disconnect();
	backlog();
	urgent();
	return 0;
}
