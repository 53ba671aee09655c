/* SPDX-License-Identifier: Apache-2.0 */
/* A receiver that does not read: full buffers, time-outs, TCP_USER_TIMEOUT,
 * SIOCOUTQ, writability that comes back. */
#include "abi.h"
#include "inet.h"
#include <linux/sockios.h>

static char big[1 << 18];

static int bufs(int s, int n)
{
	return setsockopt(s, SOL_SOCKET, SO_SNDBUF, &n, sizeof n) | setsockopt(s, SOL_SOCKET, SO_RCVBUF, &n, sizeof n);
}

static long fill(int s)
{
	long total = 0, n;

	fcntl(s, F_SETFL, O_NONBLOCK);
	for (;;) {
		n = send(s, big, sizeof big, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { s, POLLOUT, 0 };

			if (poll(&p, 1, 100) <= 0)
				break;
			continue;
		}
		if (n < 0)
			break;
		total += n;
	}
	fcntl(s, F_SETFL, 0);
	return total;
}

static long drain(int s)
{
	long total = 0, n;

	for (;;) {
		struct pollfd p = { s, POLLIN, 0 };

		if (poll(&p, 1, 300) <= 0)
			break;
		n = recv(s, big, sizeof big, MSG_DONTWAIT);
		if (n <= 0)
			break;
		total += n;
	}
	return total;
}

static void full(void)
{
	int p[2], q;
	long in, out;

	tcp_pair(p);
	V(bufs(p[0], 20000));
	V(bufs(p[1], 20000));
	V(int_opt(p[0], SOL_SOCKET, SO_SNDBUF));
	V(int_opt(p[1], SOL_SOCKET, SO_RCVBUF));
	in = fill(p[0]);
	SAY("took some: %d, bounded: %d\n", in > 10000, in < 3000000);
	say_poll("full", p[0]);
	V(ioctl(p[0], SIOCOUTQ, &q));
	SAY("unsent: %d\n", q > 0);
	out = drain(p[1]);
	SAY("all of it came: %d\n", in == out);
	say_poll("empty again", p[0]);
	V(ioctl(p[0], SIOCOUTQ, &q));
	V(q);
	V(send(p[0], "x", 1, MSG_DONTWAIT));
	close(p[0]);
	close(p[1]);
}

static void user_timeout(void)
{
	int p[2];
	long long t;

	SAY("TCP_USER_TIMEOUT\n");
	tcp_pair(p);
	bufs(p[0], 20000);
	bufs(p[1], 20000);
	V(setsockopt(p[0], IPPROTO_TCP, TCP_USER_TIMEOUT, &(int){ 700 }, sizeof(int)));
	fill(p[0]);
	t = now_ms();
	V(poll(&(struct pollfd){ p[0], 0, 0 }, 1, 8000));
	t = now_ms() - t;
	SAY("in time: %d\n", t < 6000);
	say_poll("timed out", p[0]);
	V(int_opt(p[0], SOL_SOCKET, SO_ERROR));
	V(tcp_state(p[0]));
	V(send(p[0], "x", 1, MSG_NOSIGNAL));
	close(p[0]);
	close(p[1]);
}

static void partial(void)
{
	int p[2];
	long n;

	SAY("a write that times out half way\n");
	tcp_pair(p);
	bufs(p[0], 20000);
	setsockopt(p[0], SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){ 0, 200000 }, sizeof(struct timeval));
	fill(p[0]);
	recv(p[1], big, 200000, 0);
	drain(p[1]);
	{
		size_t huge = 64 << 20;
		char *m = mmap(NULL, huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		n = send(p[0], m, huge, 0);
		SAY("partial: %d\n", n > 0 && n < (long)huge);
		munmap(m, huge);
	}
	close(p[1]);
	msleep(20);
	V(send(p[0], "x", 1, MSG_NOSIGNAL));
	close(p[0]);
}

static void low_water(void)
{
	int p[2], n;
	char b[16];
	struct pollfd f;

	SAY("SO_RCVLOWAT\n");
	tcp_pair(p);
	V(setsockopt(p[1], SOL_SOCKET, SO_RCVLOWAT, &(int){ 5 }, sizeof(int)));
	V(int_opt(p[1], SOL_SOCKET, SO_RCVLOWAT));
	write(p[0], "abc", 3);
	msleep(20);
	say_poll("three of five", p[1]);
	V(recv(p[1], b, sizeof b, MSG_DONTWAIT));
	write(p[0], "abc", 3);
	write(p[0], "de", 2);
	msleep(20);
	f = (struct pollfd){ p[1], POLLIN, 0 };
	V(poll(&f, 1, 0));
	V(ioctl(p[1], FIONREAD, &n));
	V(n);
	write(p[0], "x", 1);
	V(recv(p[1], b, sizeof b, 0));
	write(p[0], "yz", 2);
	shutdown(p[0], SHUT_WR);
	msleep(20);
	say_poll("two and the end", p[1]);
	V(recv(p[1], b, sizeof b, 0));
	V(setsockopt(p[1], SOL_SOCKET, SO_RCVLOWAT, &(int){ 0 }, sizeof(int)));
	V(int_opt(p[1], SOL_SOCKET, SO_RCVLOWAT));
	V(setsockopt(p[1], SOL_SOCKET, SO_SNDLOWAT, &(int){ 5 }, sizeof(int)));
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	full();
	user_timeout();
	partial();
	low_water();
	return 0;
}
