/* SPDX-License-Identifier: Apache-2.0 */
/* variants: dynamic */
/* A read(2) right after epoll_wait(2) or poll(2) gives what is there when it is made, whatever others did in between, and has
 * happened for them when it has returned, although the reader makes no further call. */
#include "abi.h"
#include "inet.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define WARM 100                        /* by then reads are as cheap as they get */

enum kind { EVENTFD, UNIX, TCP };
static const char *const kind_name[] = { "eventfd", "unix", "tcp" };

static struct shared { int go, done, seen, quit; int (*act)(void); } *sh;
static int in, out, set;                /* what is read, what fills it, the set */
static enum kind kind;
static pid_t helper;
static bool by_poll;
static int step;

static void wait_for(int *word, int v)
{
	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != v)
		sched_yield();
}

/* No system call: what another process has seen or done. */
static int elsewhere(int (*act)(void))
{
	sh->act = act;
	__atomic_store_n(&sh->go, ++step, __ATOMIC_RELEASE);
	while (__atomic_load_n(&sh->done, __ATOMIC_ACQUIRE) != step)
		;
	return sh->seen;
}

static void help(void)
{
	for (int n = 1;; n++) {
		wait_for(&sh->go, n);
		if (sh->quit)
			_exit(0);
		sh->seen = sh->act();
		__atomic_store_n(&sh->done, n, __ATOMIC_RELEASE);
	}
}

/* One more message of one byte each, or of 3. */
static int put(void)
{
	uint64_t three = 3;

	return (int)(kind == EVENTFD ? write(out, &three, 8) : write(out, "abc", 3));
}

static void prepare(void)
{
	struct epoll_event ev;
	struct pollfd p = { .fd = in, .events = POLLIN };
	int n;

	if (by_poll) {
		if (poll(&p, 1, 5000) != 1 || p.revents != POLLIN)
			printf("poll: %#x\n", (unsigned)p.revents);
		return;
	}
	n = epoll_wait(set, &ev, 1, 5000);
	if (n != 1 || !(ev.events & EPOLLIN))
		printf("epoll_wait: %d\n", n);
}

static void say_read(const char *what, int fd, size_t size)
{
	char buf[64] = "";
	ssize_t n = read(fd, buf, size);
	uint64_t v;

	memcpy(&v, buf, sizeof v);

	if (n < 0)
		SAY("%s: %s\n", what, abi_errno(errno));
	else if (kind == EVENTFD)
		SAY("%s: %zd, value %llu\n", what, n, (unsigned long long)v);
	else
		SAY("%s: %zd bytes: %.*s\n", what, n, (int)n, buf);
}

static void take(const char *what) { say_read(what, in, 32); }

static int steal(void)
{
	char buf[32];

	return (int)read(in, buf, sizeof buf);
}

static int readable(void)
{
	struct pollfd p = { .fd = in, .events = POLLIN };

	return poll(&p, 1, 0);
}

static int left(void)
{
	int n = -1;

	return kind == EVENTFD ? readable() : ioctl(in, FIONREAD, &n) ? -1 : n;
}

static int unsent(void)
{
	int n = -1;

	return kind == EVENTFD ? readable() : ioctl(out, TIOCOUTQ, &n) ? -1 : n > 0;
}

static void warm(void)
{
	char buf[32];

	for (int i = 0; i < WARM; i++) {
		put();
		prepare();
		if (read(in, buf, sizeof buf) <= 0)
			printf("warm: %s\n", abi_errno(errno));
	}
}

static void open_all(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int fd[2];

	if (kind == EVENTFD)
		in = out = eventfd(0, 0);
	else if (kind == UNIX)
		socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
	else
		tcp_pair(fd);
	if (kind == TCP)
		setsockopt(fd[1], IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	if (kind != EVENTFD) {
		in = fd[0];
		out = fd[1];
	}
	fcntl(in, F_SETFL, O_RDWR | O_NONBLOCK);
	set = epoll_create1(0);
	epoll_ctl(set, EPOLL_CTL_ADD, in, &ev);
	memset(sh, 0, sizeof *sh);
	step = 0;
}

/* Other processes at the same queue. */
static void others(void)
{
	int n;

	put();
	prepare();
	n = elsewhere(put);
	take("more came");
	put();
	prepare();
	n = elsewhere(steal);
	SAY("stolen: %d\n", n);
	take("nothing left");
	put();
	prepare();
	n = elsewhere(left);
	SAY("left before: %d\n", n > 0);
	take("seen first");
	put();
	prepare();
	take("read");
	n = elsewhere(left);
	SAY("left: %d\n", n);
	put();
	prepare();
	take("read");
	n = elsewhere(unsent);
	SAY("unsent: %d\n", n);
	put();
	prepare();
	take("read");
	n = elsewhere(put);
	take("new after that");
	take("empty");
}

/* Reads that are not as the others. */
static void odd(void)
{
	char buf[32] = "";
	size_t all = kind == EVENTFD ? 8 : 3;

	put();
	prepare();
	say_read("too short", in, all - 1);
	take("the rest");
	put();
	prepare();
	V(syscall(SYS_read, in, 0l, 32l));
	V(syscall(SYS_read, in, 8l, 32l));
	take("after faults");
	put();
	prepare();
	V(read(in, buf, 0));
	take("after nothing");
	take("empty");
	if (kind == EVENTFD)
		return;
	put();
	prepare();
	V(recv(in, buf, sizeof buf, MSG_PEEK));
	V(recv(in, buf, sizeof buf, MSG_DONTWAIT | MSG_NOSIGNAL));
	V(recv(in, buf, sizeof buf, MSG_DONTWAIT));
	put();
	prepare();
	V(recv(in, buf, sizeof buf, MSG_OOB));
	V(recv(in, buf, 3, MSG_WAITALL));
	put();
	send(out, "x", 1, MSG_OOB);
	prepare();
	take("up to the mark");
	take("behind the mark");
}

/* The number means another file. */
static void *replace(void *fd)
{
	dup2(*(int *)fd, in);
	__atomic_store_n(&sh->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void *replace_when_told(void *fd)
{
	wait_for(&sh->go, 1);
	return replace(fd);
}

static void renamed(void)
{
	int other = eventfd(77, 0), keep = dup(in);
	pthread_t t;
	char buf[32] = "";

	pthread_create(&t, NULL, replace_when_told, &other);
	warm();
	put();
	prepare();
	__atomic_store_n(&sh->go, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&sh->done, __ATOMIC_ACQUIRE))
		;
	V(read(in, buf, sizeof buf));
	SAY("the other's value: %d\n", buf[0]);
	pthread_join(t, NULL);
	say_read("still there", keep, 32);
	close(other);
	close(keep);
}

/* Who waits for room, or for an edge, learns at once. */
static int edge_set;
static int edge(void)
{
	struct epoll_event ev;
	int n = epoll_wait(edge_set, &ev, 1, 5000);

	return n == 1 ? (int)(ev.events & EPOLLOUT) : n;
}

static int edge_watch(void)
{
	struct epoll_event ev = { .events = EPOLLOUT | EPOLLET };

	edge_set = epoll_create1(0);
	if (epoll_ctl(edge_set, EPOLL_CTL_ADD, out, &ev))
		return -1;
	return epoll_wait(edge_set, &ev, 1, 5000);
}

static int fill(void)
{
	uint64_t v = UINT64_MAX - 1;

	return (int)write(out, &v, 8);
}

static int left_after_fill(void)
{
	uint64_t v = 0;

	return (int)read(out, &v, 8) == 8 && v == UINT64_MAX - 1;
}

static void waiters(void)
{
	int n;

	if (kind == TCP)
		return;                 /* gives none */
	put();
	prepare();
	n = elsewhere(edge_watch);      /* after a grant */
	SAY("watches: %d\n", n);
	take("read");
	n = elsewhere(edge);
	SAY("edge: %d\n", n);
	put();
	prepare();
	take("read");
	n = elsewhere(edge);
	SAY("edge: %d\n", n);
	if (kind != EVENTFD)
		return;
	fcntl(in, F_SETFL, O_RDWR);     /* both ends block */
	put();
	prepare();
	take("read");
	n = elsewhere(fill);            /* would wait for ever if the 3 were still there */
	SAY("filled: %d\n", n);
	n = elsewhere(left_after_fill);
	SAY("full: %d\n", n);
	fcntl(in, F_SETFL, O_RDWR | O_NONBLOCK);
}

static int end(void)
{
	if (kind != EVENTFD)
		shutdown(out, SHUT_WR);
	return 0;
}

static void ends(void)
{
	if (kind == EVENTFD)
		return;
	put();
	prepare();
	elsewhere(end);
	take("before the end");
	take("the end");
}

static void all_of(void)
{
	SAY("-- %s%s\n", kind_name[kind], by_poll ? ", by poll" : "");
	open_all();
	helper = fork();
	if (!helper)
		help();
	warm();
	others();
	warm();
	odd();
	warm();
	waiters();
	ends();
	sh->quit = 1;
	__atomic_fetch_add(&sh->go, 1, __ATOMIC_RELEASE);
	wait_say("helper", helper);
	close(in);
	close(out);
	close(set);
	open_all();
	renamed();
	close(in);
	close(out);
	close(set);
}

int main(void)
{
	sh = mmap(NULL, sizeof *sh, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (kind = EVENTFD; kind <= TCP; kind++)
		for (int i = 0; i < 2; i++) {
			pid_t one = fork();     /* a table that no other thread has changed yet */

			if (!one) {
				by_poll = i;
				all_of();
				return 0;
			}
			wait_say("all", one);
		}
	return 0;
}
