/* SPDX-License-Identifier: Apache-2.0 */
/* close() with SO_LINGER, shutdown and resets: who sees what. */
#include "abi.h"
#include "inet.h"

static char big[1 << 20];

static int linger(int s, int on, int sec)
{
	struct linger l = { on, sec };

	return setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof l);
}

static void fill(int s)
{
	fcntl(s, F_SETFL, O_NONBLOCK);
	while (send(s, big, sizeof big, MSG_NOSIGNAL) > 0)
		;
}

/* The receiver does not read: close() waits as long as it is told. */
static void waits(void)
{
	int p[2];
	long long t;
	struct linger l;
	socklen_t n = sizeof l;

	tcp_pair(p);
	V(linger(p[0], 1, 1));
	V(getsockopt(p[0], SOL_SOCKET, SO_LINGER, &l, &n));
	SAY("%d %d %d\n", l.l_onoff, l.l_linger, (int)n);
	fill(p[0]);
	fcntl(p[0], F_SETFL, 0);
	t = now_ms();
	V(close(p[0]));
	t = now_ms() - t;
	SAY("waited about a second: %d\n", t > 800 && t < 2500);
	close(p[1]);

	SAY("nothing unsent: at once\n");
	tcp_pair(p);
	V(linger(p[0], 1, 3));
	V(write(p[0], "x", 1));
	t = now_ms();
	V(close(p[0]));
	SAY("at once: %d\n", now_ms() - t < 700);
	V(recv(p[1], big, 1, 0));
	V(recv(p[1], big, 1, 0));
	close(p[1]);
}

static void read_by_child(void)
{
	int p[2], ready[2];
	long long t;
	pid_t c;

	SAY("ends when the reader has caught up\n");
	tcp_pair(p);
	V(linger(p[0], 1, 4));
	setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &(int){ 40000 }, sizeof(int));
	setsockopt(p[1], SOL_SOCKET, SO_RCVBUF, &(int){ 40000 }, sizeof(int));
	fill(p[0]);
	fcntl(p[0], F_SETFL, 0);
	pipe(ready);
	c = fork();
	if (!c) {
		close(p[0]);
		write(ready[1], "x", 1);
		msleep(300);
		while (read(p[1], big, sizeof big) > 0)
			;
		_exit(0);
	}
	close(p[1]);
	read(ready[0], big, 1);
	t = now_ms();
	V(close(p[0]));
	t = now_ms() - t;
	SAY("%d\n", t > 200);
	wait_say("reader", c);
}

static void hard(void)
{
	int p[2];

	SAY("RST\n");
	tcp_pair(p);
	V(write(p[0], "data", 4));
	V(linger(p[0], 1, 0));
	V(close(p[0]));
	msleep(10);
	say_poll("reset", p[1]);
	V(send(p[1], "x", 1, MSG_NOSIGNAL));
	V(send(p[1], "x", 1, MSG_NOSIGNAL));
	V(int_opt(p[1], SOL_SOCKET, SO_ERROR));
	V(recv(p[1], big, 10, 0));
	V(shutdown(p[1], SHUT_RDWR));
	V(getpeername(p[1], (void *)big, &(socklen_t){ 100 }));
	close(p[1]);

	SAY("shut down before the linger\n");
	tcp_pair(p);
	V(shutdown(p[0], SHUT_WR));
	V(linger(p[0], 1, 0));
	V(close(p[0]));
	msleep(10);
	say_poll("peer", p[1]);
	V(recv(p[1], big, 10, 0));
	V(recv(p[1], big, 10, 0));
	close(p[1]);

	SAY("the peer closed first\n");
	tcp_pair(p);
	close(p[1]);
	msleep(10);
	V(linger(p[0], 1, 0));
	V(close(p[0]));

	SAY("negative linger, short option\n");
	p[0] = socket(AF_INET, SOCK_STREAM, 0);
	V(linger(p[0], 1, -1));
	V(setsockopt(p[0], SOL_SOCKET, SO_LINGER, &(int){ 1 }, sizeof(int)));
	V(linger(p[0], 5, 7));
	{
		struct linger l = { 9, 9 };
		socklen_t n = sizeof l;

		V(getsockopt(p[0], SOL_SOCKET, SO_LINGER, &l, &n));
		SAY("%d %d\n", l.l_onoff, l.l_linger);
	}
	close(p[0]);
}

static void reset_with_waiters(void)
{
	int p[2], st;
	pid_t c;

	SAY("a blocked reader and a blocked writer see the reset\n");
	for (int writer = 0; writer < 2; writer++) {
		tcp_pair(p);
		c = fork();
		if (!c) {
			close(p[0]);
			signal(SIGPIPE, SIG_IGN);
			if (writer) {
				fill(p[1]);
				fcntl(p[1], F_SETFL, 0);
				_exit(write(p[1], big, sizeof big) < 0 ? errno : 0);
			}
			_exit(read(p[1], big, 1) < 0 ? errno : 0);
		}
		close(p[1]);
		msleep(150);
		linger(p[0], 1, 0);
		close(p[0]);
		waitpid(c, &st, 0);
		SAY("%s\n", WIFEXITED(st) ? abi_errno(WEXITSTATUS(st)) : "killed");
	}
}

int main(void)
{
	waits();
	read_by_child();
	hard();
	reset_with_waiters();
	return 0;
}
