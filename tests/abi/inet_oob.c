/* SPDX-License-Identifier: Apache-2.0 */
/* Urgent data: SIGURG, SIOCATMARK, MSG_OOB, SO_OOBINLINE, POLLPRI, a mark that
 * moves. tcp(7), RFC 6093. */
#include "abi.h"
#include "inet.h"
#include <sys/select.h>

static volatile int urg_count;
static void on_urg(int sig) { (void)sig; urg_count++; }

static int at_mark(int s) { int n = -1; return ioctl(s, SIOCATMARK, &n) ? -1 : n; }
static int avail(int s) { int n = -1; return ioctl(s, FIONREAD, &n) ? -1 : n; }

static void say_read(const char *what, int s, int flags)
{
	char b[32] = "";
	int n = (int)recv(s, b, sizeof b - 1, flags | MSG_DONTWAIT);

	if (n < 0)
		SAY("%s: %s\n", what, abi_errno(errno));
	else
		SAY("%s: %d '%.*s'\n", what, n, n, b);
}

static void two_marks(void)
{
	int p[2];

	SAY("two marks\n");
	tcp_pair(p);
	V(send(p[0], "ab", 2, MSG_OOB));
	V(send(p[0], "cd", 2, MSG_OOB));
	V(send(p[0], "ef", 2, 0));
	msleep(20);
	V(avail(p[1]));
	say_read("read to the second mark", p[1], 0);
	V(at_mark(p[1]));
	say_read("urgent byte", p[1], MSG_OOB);
	say_read("again", p[1], MSG_OOB);
	say_read("rest", p[1], 0);
	V(at_mark(p[1]));
	close(p[0]);
	close(p[1]);
}

static void ignored_mark(void)
{
	int p[2];

	SAY("never asked for\n");
	tcp_pair(p);
	V(send(p[0], "xyz", 3, MSG_OOB));
	msleep(20);
	say_read("normal", p[1], 0);
	say_poll("at the mark", p[1]);
	say_read("nothing but the mark", p[1], 0);
	V(send(p[0], "123", 3, 0));
	msleep(20);
	say_poll("behind", p[1]);
	V(at_mark(p[1]));
	say_read("behind", p[1], 0);
	say_poll("read past", p[1]);
	V(at_mark(p[1]));
	say_read("too late", p[1], MSG_OOB);
	close(p[0]);
	close(p[1]);
}

static void peeked(void)
{
	int p[2];

	SAY("peek\n");
	tcp_pair(p);
	V(send(p[0], "pq", 2, MSG_OOB));
	msleep(20);
	say_read("peek urgent", p[1], MSG_OOB | MSG_PEEK);
	say_read("peek urgent", p[1], MSG_OOB | MSG_PEEK);
	say_read("peek", p[1], MSG_PEEK);
	V(recv(p[1], NULL, 0, MSG_OOB | MSG_DONTWAIT));
	say_read("urgent", p[1], MSG_OOB);
	say_poll("taken", p[1]);
	say_read("read", p[1], 0);
	close(p[0]);
	msleep(20);
	say_read("eof, urgent", p[1], MSG_OOB);
	say_read("eof", p[1], 0);
	close(p[1]);
}

static void in_line(void)
{
	int p[2];

	SAY("in line\n");
	tcp_pair(p);
	V(setsockopt(p[1], SOL_SOCKET, SO_OOBINLINE, &(int){ 1 }, sizeof(int)));
	V(send(p[0], "ab!", 3, MSG_OOB));
	V(send(p[0], "cd", 2, 0));
	msleep(20);
	V(avail(p[1]));
	say_poll("in line", p[1]);
	V(at_mark(p[1]));
	say_read("before", p[1], 0);
	V(at_mark(p[1]));
	say_poll("at the mark", p[1]);
	say_read("urgent", p[1], MSG_OOB);
	say_read("from the mark", p[1], 0);
	V(at_mark(p[1]));
	say_poll("after", p[1]);
	close(p[0]);
	close(p[1]);
}

static void select_except(void)
{
	int p[2];
	fd_set e;
	struct timeval tv = { 0, 0 };

	SAY("select\n");
	tcp_pair(p);
	FD_ZERO(&e);
	FD_SET(p[1], &e);
	V(select(p[1] + 1, NULL, NULL, &e, &tv));
	V(send(p[0], "!", 1, MSG_OOB));
	msleep(20);
	FD_ZERO(&e);
	FD_SET(p[1], &e);
	V(select(p[1] + 1, NULL, NULL, &e, &tv));
	V(!!FD_ISSET(p[1], &e));
	close(p[0]);
	close(p[1]);
}

static void signals(void)
{
	int p[2], owner = 0;

	SAY("SIGURG\n");
	signal(SIGURG, on_urg);
	tcp_pair(p);
	V(send(p[0], "!", 1, MSG_OOB));
	msleep(20);
	V(urg_count);
	V(fcntl(p[1], F_SETOWN, getpid()));
	V(fcntl(p[1], F_GETOWN) == getpid());
	V(send(p[0], "!", 1, MSG_OOB));
	msleep(20);
	V(urg_count);
	V(send(p[0], "-", 1, 0));
	msleep(20);
	V(urg_count);
	V(ioctl(p[1], FIOSETOWN, &(int){ 0 }));
	V(ioctl(p[1], SIOCGPGRP, &owner));
	V(owner);
	owner = -getpgrp();
	V(ioctl(p[1], SIOCSPGRP, &owner));
	owner = 0;
	V(ioctl(p[1], FIOGETOWN, &owner));
	V(owner == -getpgrp());
	V(fcntl(p[1], F_SETOWN, 0));
	V(send(p[0], "!", 1, MSG_OOB));
	msleep(20);
	V(urg_count);
	close(p[0]);
	close(p[1]);
}

static void refused(void)
{
	int s = socket(AF_INET, SOCK_STREAM, 0), u = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in a = loopback(9);

	SAY("where it makes no sense\n");
	say_read("unconnected", s, MSG_OOB);
	V(sendto(u, "x", 1, MSG_OOB, (void *)&a, sizeof a));
	say_read("datagram", u, MSG_OOB);
	V(at_mark(u));
	close(s);
	close(u);
}

int main(void)
{
	two_marks();
	ignored_mark();
	peeked();
	in_line();
	select_except();
	signals();
	refused();
	return 0;
}
