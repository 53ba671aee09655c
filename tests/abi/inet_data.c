/* SPDX-License-Identifier: Apache-2.0 */
/* TCP data: flags, full buffers, timeouts, SIGPIPE, sendfile and splice,
 * epoll level and edge, options that programs set. */
#include "abi.h"
#include "inet.h"
#include <sys/epoll.h>
#include <sys/sendfile.h>

static int nonblock(int s) { return fcntl(s, F_SETFL, fcntl(s, F_GETFL) | O_NONBLOCK); }
static void both(int p[2]) { close(p[0]); close(p[1]); }

static void flags(void)
{
	int p[2], n;
	char b[32];

	tcp_pair(p);
	V(recv(p[1], b, sizeof b, MSG_DONTWAIT));
	V(send(p[0], "abcdef", 6, 0));
	msleep(10);
	V(recv(p[1], b, 3, MSG_PEEK));
	V(recv(p[1], b, sizeof b, MSG_PEEK));
	V(ioctl(p[1], FIONREAD, &n));
	V(n);
	V(recv(p[1], b, 0, 0));
	V(recv(p[1], NULL, 2, MSG_TRUNC));
	V(recv(p[1], b, sizeof b, 0));
	SAY("%.4s\n", b);
	V(sendto(p[0], "x", 1, 0, (void *)&(struct sockaddr_in){ .sin_family = AF_INET }, sizeof(struct sockaddr_in)));
	V(recv(p[1], b, 1, 0));
	V(send(p[0], NULL, 0, 0));
	V(send(p[0], (void *)8, 4, 0));
	V(send(p[0], "12345678", 8, 0));
	V(recv(p[1], (void *)8, 4, 0));
	V(recv(p[1], b, sizeof b, 0));
	V(recv(p[1], b, 4, MSG_ERRQUEUE));
	both(p);

	SAY("wait for all\n");
	tcp_pair(p);
	if (!fork()) {
		for (int i = 0; i < 4; i++) {
			write(p[0], "part", 4);
			msleep(5);
		}
		_exit(0);
	}
	V(recv(p[1], b, 12, MSG_WAITALL));
	close(p[0]);
	V(recv(p[1], b, 12, MSG_WAITALL));
	wait(NULL);
	both(p);
}

static void timeouts(void)
{
	int p[2], l = listener(1);
	struct timeval tv = { 0, 50000 };
	char b[4];
	long long t;

	tcp_pair(p);
	V(setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
	t = now_ms();
	V(recv(p[0], b, 4, 0));
	V(now_ms() - t >= 45);
	V(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
	V(accept(l, NULL, NULL));
	V(setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ 0, 1000000 }, sizeof tv));
	both(p);
	close(l);
}

static void full(void)
{
	int p[2], st;
	static char b[65536];
	long sent = 0, got = 0, n;
	struct timeval tv = { 0, 50000 };

	tcp_pair(p);
	nonblock(p[0]);
	while ((n = send(p[0], b, sizeof b, 0)) > 0)
		sent += n;
	V(errno == EAGAIN);
	V(sent > 65536);
	say_poll("full", p[0]);
	V(ioctl(p[0], TIOCOUTQ, &st) == 0 && st > 0);
	fcntl(p[0], F_SETFL, 0);
	V(setsockopt(p[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv));
	V(send(p[0], b, sizeof b, 0));
	shutdown(p[0], SHUT_WR);
	while ((n = read(p[1], b, sizeof b)) > 0)
		got += n;
	V(got == sent);
	msleep(10);
	say_poll("drained", p[0]);
	both(p);
	SAY("a writer that waits\n");
	tcp_pair(p);
	if (!fork()) {
		close(p[1]);
		for (int i = 0; i < 200; i++)
			if (write(p[0], b, sizeof b) != sizeof b)
				_exit(1);
		_exit(0);
	}
	close(p[0]);
	for (got = 0; (n = read(p[1], b, 10000)) > 0; got += n)
		;
	V(got == 200l * 65536);
	wait(&st);
	say_status("writer", st);
	close(p[1]);
	SAY("the reader goes away\n");
	tcp_pair(p);
	if (!fork()) {
		close(p[1]);
		signal(SIGPIPE, SIG_IGN);
		while (write(p[0], b, sizeof b) > 0)
			;
		_exit(errno == ECONNRESET ? 3 : errno == EPIPE ? 4 : 5);
	}
	close(p[0]);
	msleep(50);
	close(p[1]);
	wait(&st);
	say_status("writer", st);
}

static void sigpipe(void)
{
	int p[2], st;

	tcp_pair(p);
	shutdown(p[0], SHUT_WR);
	if (!fork()) {
		send(p[0], "x", 1, MSG_NOSIGNAL);
		write(p[0], "x", 1);
		_exit(0);
	}
	wait(&st);
	say_status("writer", st);
	both(p);
}

static void files(void)
{
	int p[2], f, q[2];
	char b[64] = "";
	off_t off = 2;

	enter_tmp();
	f = open("f", O_RDWR | O_CREAT, 0600);
	write(f, "0123456789", 10);
	tcp_pair(p);
	V(sendfile(p[0], f, &off, 5));
	V(off);
	V(recv(p[1], b, sizeof b, 0));
	SAY("%.5s\n", b);
	pipe(q);
	V(write(p[0], "spliced", 7));
	msleep(10);
	V(splice(p[1], NULL, q[1], NULL, 100, 0));
	V(read(q[0], b, sizeof b));
	SAY("%.7s\n", b);
	V(write(q[1], "back", 4));
	V(splice(q[0], NULL, p[1], NULL, 4, 0));
	V(read(p[0], b, sizeof b));
	V(lseek(p[0], 0, SEEK_SET));
	V(pread(p[0], b, 1, 0));
	V(ftruncate(p[0], 0));
	both(p);
	unlink("f");
}

static void say_events(const char *what, int e)
{
	struct epoll_event v[4];
	int n = epoll_wait(e, v, 4, 20);

	SAY("%s: %d", what, n);
	for (int i = 0; i < n; i++)
		SAY(" [%d%s%s%s%s%s]", v[i].data.fd, v[i].events & EPOLLIN ? " IN" : "", v[i].events & EPOLLOUT ? " OUT" : "",
		    v[i].events & EPOLLRDHUP ? " RDHUP" : "", v[i].events & EPOLLHUP ? " HUP" : "",
		    v[i].events & EPOLLERR ? " ERR" : "");
	SAY("\n");
}

static void watch(uint32_t mode)
{
	int p[2], e = epoll_create1(0), l = listener(4), c;
	struct epoll_event ev = { EPOLLIN | EPOLLOUT | EPOLLRDHUP | mode, { .fd = 1 } };
	char b[16];
	static char big[65536];

	SAY("epoll %s\n", mode & EPOLLET ? "edge" : mode & EPOLLONESHOT ? "one shot" : "level");
	tcp_pair(p);
	nonblock(p[0]);
	V(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev));
	say_events("start", e);
	say_events("again", e);
	write(p[1], "abc", 3);
	say_events("data", e);
	say_events("data again", e);
	read(p[0], b, 1);
	say_events("partly read", e);
	write(p[1], "d", 1);
	say_events("more", e);
	read(p[0], b, sizeof b);
	while (write(p[0], big, sizeof big) > 0)
		;
	say_events("full", e);
	while (recv(p[1], big, sizeof big, MSG_DONTWAIT) > 0)
		msleep(1);
	msleep(20);
	say_events("drained", e);
	shutdown(p[1], SHUT_WR);
	say_events("peer shut", e);
	if (mode & EPOLLONESHOT) {
		V(epoll_ctl(e, EPOLL_CTL_MOD, p[0], &ev));
		say_events("armed", e);
	}
	close(p[1]);
	write(p[0], "x", 1);
	msleep(10);
	say_events("peer gone", e);
	close(p[0]);
	ev.data.fd = 2;
	ev.events = EPOLLIN | mode;
	V(epoll_ctl(e, EPOLL_CTL_ADD, l, &ev));
	say_events("listener", e);
	c = dial(l);
	say_events("one waits", e);
	close(dial(l));
	say_events("two wait", e);
	close(accept(l, NULL, NULL));
	close(accept(l, NULL, NULL));
	say_events("taken", e);
	close(c);
	close(l);
	close(e);
}

static void opt(int s, int level, int name, int v)
{
	SAY("option %d/%d: was %d, ", level, name, int_opt(s, level, name));
	SAY("set %s, ", setsockopt(s, level, name, &v, sizeof v) ? abi_errno(errno) : "ok");
	SAY("is %d\n", int_opt(s, level, name));
}

static void options(void)
{
	int p[2], s = socket(AF_INET, SOCK_STREAM, 0), v = 1;
	socklen_t n;
	char name[16];
	struct linger lg = { 1, 5 };

	opt(s, IPPROTO_TCP, TCP_NODELAY, 5);
	opt(s, IPPROTO_TCP, TCP_CORK, 1);
	opt(s, IPPROTO_TCP, TCP_KEEPIDLE, 30);
	opt(s, IPPROTO_TCP, TCP_KEEPIDLE, 0);
	opt(s, IPPROTO_TCP, TCP_KEEPINTVL, 10);
	opt(s, IPPROTO_TCP, TCP_KEEPCNT, 3);
	opt(s, IPPROTO_TCP, TCP_KEEPCNT, 200);
	opt(s, IPPROTO_TCP, TCP_SYNCNT, 2);
	opt(s, IPPROTO_TCP, TCP_USER_TIMEOUT, 1000);
	opt(s, IPPROTO_TCP, TCP_USER_TIMEOUT, -1);
	opt(s, IPPROTO_TCP, 99, 1);
	opt(s, SOL_SOCKET, SO_REUSEADDR, 1);
	opt(s, SOL_SOCKET, SO_REUSEPORT, 7);
	opt(s, SOL_SOCKET, SO_KEEPALIVE, 1);
	opt(s, SOL_SOCKET, SO_BROADCAST, 1);
	opt(s, SOL_SOCKET, SO_OOBINLINE, 1);
	opt(s, SOL_SOCKET, SO_PRIORITY, 3);
	opt(s, SOL_SOCKET, SO_RCVLOWAT, 0);
	opt(s, SOL_SOCKET, SO_RCVBUF, 10000);
	opt(s, SOL_SOCKET, SO_SNDBUF, 1);
	opt(s, SOL_SOCKET, SO_TYPE, 1);
	opt(s, IPPROTO_IP, IP_TTL, 10);
	opt(s, IPPROTO_IP, IP_TTL, 300);
	opt(s, IPPROTO_IP, IP_TTL, -1);
	opt(s, IPPROTO_IP, IP_TOS, 0x10);
	opt(s, IPPROTO_IP, IP_MTU_DISCOVER, 2);
	opt(s, IPPROTO_IP, 250, 2);
	V(int_opt(s, SOL_SOCKET, SO_DOMAIN));
	V(int_opt(s, SOL_SOCKET, SO_PROTOCOL));
	V(int_opt(s, IPPROTO_IP, IP_MTU));
	V(int_opt(s, IPPROTO_IPV6, IPV6_V6ONLY));
	V(setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &v, 2));
	V(setsockopt(s, SOL_SOCKET, SO_LINGER, &lg, sizeof lg));
	n = sizeof lg;
	V(getsockopt(s, SOL_SOCKET, SO_LINGER, &lg, &n));
	SAY("%d %d %d\n", lg.l_onoff, lg.l_linger, (int)n);
	n = 2;
	V(getsockopt(s, SOL_SOCKET, SO_TYPE, name, &n));
	V(n);
	close(s);
	tcp_pair(p);
	V(tcp_state(p[0]));
	V(int_opt(p[0], IPPROTO_TCP, TCP_NODELAY));
	V(int_opt(p[0], SOL_SOCKET, SO_ERROR));
	V(getpeername(p[0], NULL, NULL));
	V(bind(p[0], (void *)&(struct sockaddr_in){ .sin_family = AF_INET }, sizeof(struct sockaddr_in)));
	V(listen(p[0], 1));
	both(p);
	SAY("what accept hands on\n");
	s = listener(1);
	opt(s, IPPROTO_TCP, TCP_NODELAY, 1);
	opt(s, SOL_SOCKET, SO_KEEPALIVE, 1);
	nonblock(s);
	p[0] = dial(s);
	msleep(10);
	p[1] = accept4(s, NULL, NULL, SOCK_CLOEXEC);
	V(int_opt(p[1], IPPROTO_TCP, TCP_NODELAY));
	V(int_opt(p[1], SOL_SOCKET, SO_KEEPALIVE));
	V(fcntl(p[1], F_GETFL) & O_NONBLOCK);
	V(fcntl(p[1], F_GETFD));
	both(p);
	close(s);
}

int main(void)
{
	flags();
	timeouts();
	full();
	sigpipe();
	files();
	watch(0);
	watch(EPOLLET);
	watch(EPOLLONESHOT);
	options();
	return 0;
}
