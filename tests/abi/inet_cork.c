/* SPDX-License-Identifier: Apache-2.0 */
/* Data held back: MSG_MORE, TCP_CORK, UDP_CORK, and what TCP_NODELAY lets go. */
#include "abi.h"
#include "inet.h"
#include <linux/sockios.h>
#include <netinet/udp.h>

static int avail(int s) { int n = -1; return ioctl(s, FIONREAD, &n) ? -1 : n; }
static int tcp_opt(int s, int opt, int v) { return setsockopt(s, IPPROTO_TCP, opt, &v, sizeof v); }

static void tcp_cork(void)
{
	int p[2];
	char b[16];

	tcp_pair(p);
	V(tcp_opt(p[0], TCP_CORK, 1));
	V(int_opt(p[0], IPPROTO_TCP, TCP_CORK));
	V(write(p[0], "held", 4));
	msleep(30);
	V(avail(p[1]));
	say_poll("corked", p[1]);
	V(write(p[0], "back", 4));
	V(avail(p[1]));
	V(tcp_opt(p[0], TCP_CORK, 0));
	msleep(10);
	V(avail(p[1]));
	V(read(p[1], b, sizeof b));
	SAY("after a while it goes all the same\n");
	V(tcp_opt(p[0], TCP_CORK, 1));
	V(write(p[0], "held", 4));
	msleep(500);
	V(avail(p[1]));
	SAY("TCP_NODELAY pushes\n");
	V(read(p[1], b, sizeof b));
	V(write(p[0], "held", 4));
	V(tcp_opt(p[0], TCP_NODELAY, 1));
	msleep(10);
	V(avail(p[1]));
	V(read(p[1], b, sizeof b));
	SAY("FIN pushes\n");
	V(write(p[0], "end", 3));
	V(avail(p[1]));
	V(shutdown(p[0], SHUT_WR));
	msleep(10);
	V(avail(p[1]));
	V(read(p[1], b, sizeof b));
	V(read(p[1], b, sizeof b));
	close(p[0]);
	close(p[1]);
}

static void tcp_more(void)
{
	int p[2];
	char b[16];

	SAY("MSG_MORE\n");
	tcp_pair(p);
	V(send(p[0], "ab", 2, MSG_MORE));
	msleep(30);
	V(avail(p[1]));
	V(send(p[0], "cd", 2, 0));
	msleep(10);
	V(avail(p[1]));
	V(read(p[1], b, sizeof b));
	V(send(p[0], "ef", 2, MSG_MORE));
	V(send(p[0], "gh", 2, MSG_MORE));
	msleep(30);
	V(avail(p[1]));
	msleep(500);
	V(avail(p[1]));
	V(read(p[1], b, sizeof b));
	V(send(p[0], "ij", 2, MSG_MORE));
	V(close(p[0]));
	msleep(10);
	V(read(p[1], b, sizeof b));
	V(read(p[1], b, sizeof b));
	close(p[1]);
	SAY("much with MSG_MORE\n");
	tcp_pair(p);
	{
		static char big[200000];

		V(send(p[0], big, sizeof big, MSG_MORE));
		msleep(30);
		V(avail(p[1]) > 100000);
		V(avail(p[1]) < 200000);
	}
	close(p[0]);
	close(p[1]);
}

static void udp_cork(void)
{
	int p[2], one = 1, zero = 0;
	char b[32];
	struct sockaddr_in other = loopback(9);

	SAY("UDP\n");
	udp_pair(p);
	V(send(p[0], "ab", 2, MSG_MORE));
	V(recv(p[1], b, sizeof b, MSG_DONTWAIT));
	V(send(p[0], "cd", 2, 0));
	V(recv(p[1], b, sizeof b, MSG_DONTWAIT));
	SAY("%.4s\n", b);
	V(setsockopt(p[0], IPPROTO_UDP, UDP_CORK, &one, sizeof one));
	V(int_opt(p[0], IPPROTO_UDP, UDP_CORK));
	V(send(p[0], "1", 1, 0));
	V(send(p[0], "2", 1, 0));
	V(sendto(p[0], "3", 1, 0, (void *)&other, sizeof other));
	V(recv(p[1], b, sizeof b, MSG_DONTWAIT));
	V(ioctl(p[0], SIOCOUTQ, &one));
	V(setsockopt(p[0], IPPROTO_UDP, UDP_CORK, &zero, sizeof zero));
	V(recv(p[1], b, sizeof b, MSG_DONTWAIT));
	SAY("%.3s\n", b);
	V(recv(p[1], b, sizeof b, MSG_DONTWAIT));
	SAY("uncorked with nothing\n");
	one = 1;
	V(setsockopt(p[0], IPPROTO_UDP, UDP_CORK, &one, sizeof one));
	V(setsockopt(p[0], IPPROTO_UDP, UDP_CORK, &zero, sizeof zero));
	V(recv(p[1], b, sizeof b, MSG_DONTWAIT));
	SAY("too much\n");
	{
		static char big[40000];

		V(send(p[0], big, sizeof big, MSG_MORE));
		V(send(p[0], big, sizeof big, MSG_MORE));
		V(send(p[0], "x", 1, 0));
		V(recv(p[1], big, sizeof big, MSG_DONTWAIT | MSG_TRUNC));
		V(recv(p[1], b, sizeof b, MSG_DONTWAIT));
	}
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	tcp_cork();
	tcp_more();
	udp_cork();
	return 0;
}
