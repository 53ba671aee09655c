/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that somebody else closes or replaces while a call uses them;
 * the same calls when nobody else has the table. */
/* variants: static */
#include "abi.h"
#include <sys/epoll.h>

static int p[2], s[2], ep;
static char c;
static int sleeper;                     /* 0: does not call yet */

static void settle(void) { until_asleep(&sleeper); }
static void calls(void) { tell_tid(&sleeper); }

static void *reads(void *fd)
{
	calls();
	return (void *)read((int)(long)fd, &c, 1);
}

static void *waits(void *fd)
{
	struct epoll_event ev;

	calls();
	return (void *)(long)epoll_wait((int)(long)fd, &ev, 1, -1);
}

static void *receives(void *fd)
{
	calls();
	return (void *)recv((int)(long)fd, &c, 1, 0);
}

static int sharer(void *fd)
{
	settle();
	return close((int)(long)fd);
}

/* A thread sleeps in call(fd); fd is closed; then there is something. */
static void closed_under(const char *what, void *(*call)(void *), int fd, int from)
{
	pthread_t t;
	void *ret;

	sleeper = 0;
	pthread_create(&t, NULL, call, (void *)(long)fd);
	settle();
	SAY("%s: close %d", what, close(fd));
	SAY(", write %zd", write(from, "x", 1));
	pthread_join(t, &ret);
	SAY(", the call %ld\n", (long)ret);
}

/* A process that has the table, and nothing else in common, closes it. */
static void closed_by_process(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	int q[2];
	pid_t child;

	pipe(q);
	sleeper = getpid();             /* the child has a copy */
	child = clone(sharer, stack + sizeof stack, CLONE_FILES | SIGCHLD, (void *)(long)q[1]);
	V(read(q[0], &c, 1));
	V(write(q[1], "x", 1));
	wait_say("process", child);
	close(q[0]);
}

static void alone(const char *what)
{
	struct epoll_event ev = { .events = EPOLLIN }, got = { 0 };

	pipe(p);
	ep = epoll_create1(0);
	SAY("%s\n", what);
	V(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev));
	V(epoll_ctl(ep, EPOLL_CTL_ADD, 4000, &ev));
	V(epoll_ctl(p[0], EPOLL_CTL_ADD, ep, &ev));
	V(write(p[1], "y", 1));
	V(epoll_wait(ep, &got, 1, -1));
	V(read(p[0], &c, 1));
	V(epoll_wait(ep, &got, 1, 0));
	V(epoll_wait(p[0], &got, 1, 0));
	V(recv(p[0], &c, 1, 0));
	V(read(-1, &c, 1));
	V(write(4000, &c, 1));
	V(close(p[0]));
	V(read(p[0], &c, 1));
	close(p[1]);
	close(ep);
}

int main(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int path = open("/", O_PATH);

	V(read(path, &c, 1));
	V(write(path, &c, 1));
	V(recv(path, &c, 1, 0));
	alone("alone");
	pipe(p);
	closed_under("read", reads, p[0], p[1]);
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	closed_under("recv", receives, s[0], s[1]);
	pipe(p);
	ep = epoll_create1(0);
	epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev);
	closed_under("epoll_wait", waits, ep, p[1]);
	alone("alone again");
	closed_by_process();
	alone("and again");
	return 0;
}
