/* SPDX-License-Identifier: Apache-2.0 */
/* EPOLLEXCLUSIVE: one event of any kind of file wakes one of many sets, and everybody
 * who waits in another way, whether he came before or after them. */
#include "unix.h"
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>

#define SETS 4
static int fd, giver, woken, others;
static volatile int tid[SETS + 2];
static unsigned kind_events;

static void *in_set(void *x)
{
	struct epoll_event e = { kind_events | EPOLLEXCLUSIVE | EPOLLET, { 0 } };
	int ep = epoll_create1(0), got;

	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
	tell_tid(x);
	got = epoll_wait(ep, &e, 1, -1);
	close(ep);
	if (got == 1)
		__sync_fetch_and_add(&woken, 1);
	return x;
}
static void *in_poll(void *x)
{
	struct pollfd p = { fd, (short)kind_events, 0 };

	tell_tid(x);
	if (poll(&p, 1, -1) == 1)
		__sync_fetch_and_add(&others, 1);
	return x;
}
static void until(volatile int *what, int n)
{
	for (int i = 0; i < 3000 && *what < n; i++)
		msleep(5);
}
static void begin(pthread_t *t, int i, void *(*fn)(void *))
{
	tid[i] = 0;
	pthread_create(&t[i], NULL, fn, (void *)&tid[i]);
	until_asleep(&tid[i]);
}

static struct sockaddr_in in = { .sin_family = AF_INET };
static struct sockaddr_un un_name;
static socklen_t size;
static void named(int s, void *a, socklen_t n)
{
	size = n;
	bind(s, a, a == (void *)&un_name ? sizeof(sa_family_t) : n);
	getsockname(s, a, &size);
	listen(s, 20);
}

static void make(const char *k)
{
	int p[2], s;

	kind_events = EPOLLIN;
	giver = -1;
	switch (k[0]) {
	case 'p': (void)!pipe(p); fd = p[0]; giver = p[1]; break;
	case 's': upair(SOCK_STREAM, p); fd = p[0]; giver = p[1]; break;
	case 'd': upair(SOCK_DGRAM, p); fd = p[0]; giver = p[1]; break;
	case 'l': fd = usock(SOCK_STREAM); un_name.sun_family = AF_UNIX; named(fd, &un_name, sizeof un_name); break;
	case 't': fd = socket(AF_INET, SOCK_STREAM, 0); in.sin_port = 0; in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		named(fd, &in, sizeof in); break;
	case 'c': s = socket(AF_INET, SOCK_STREAM, 0); in.sin_port = 0; in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		named(s, &in, sizeof in); giver = socket(AF_INET, SOCK_STREAM, 0); connect(giver, (void *)&in, size);
		fd = accept(s, NULL, NULL); close(s); break;
	case 'u': fd = socket(AF_INET, SOCK_DGRAM, 0); in.sin_port = 0; in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		named(fd, &in, sizeof in); giver = socket(AF_INET, SOCK_DGRAM, 0); break;
	case 'e': fd = eventfd(0, EFD_NONBLOCK); break;
	case 'i': fd = inotify_init1(IN_NONBLOCK); inotify_add_watch(fd, ".", IN_CREATE); break;
	case 'm': fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK); break;
	}
}
static void event(const char *k, int nr)
{
	struct itimerspec t = { { 0, 0 }, { 0, 1 } };
	uint64_t v = 1;
	char name[16];
	int s;

	switch (k[0]) {
	case 'l': s = usock(SOCK_STREAM); connect(s, (void *)&un_name, size); break;
	case 't': s = socket(AF_INET, SOCK_STREAM, 0); connect(s, (void *)&in, size); break;
	case 'u': sendto(giver, "x", 1, 0, (void *)&in, size); break;
	case 'e': (void)!write(fd, &v, 8); break;
	case 'i': snprintf(name, sizeof name, "%c%d", k[1], nr); close(open(name, O_CREAT, 0600)); break;
	case 'm': timerfd_settime(fd, 0, &t, NULL); break;
	default: (void)!write(giver, "x", 1);
	}
}

int main(void)
{
	static const char *const kinds[] = { "pipe", "stream", "datagrams", "listener", "tcp listener", "connected tcp", "udp",
		"eventfd", "inotify", "mtimer" };
	pthread_t t[SETS + 2];

	enter_tmp();
	for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		SAY("%s:", kinds[k]);
		make(kinds[k]);
		woken = others = 0;
		begin(t, SETS, in_poll);
		for (int i = 0; i < SETS; i++)
			begin(t, i, in_set);
		begin(t, SETS + 1, in_poll);
		for (int i = 0; i < SETS; i++) {
			event(kinds[k], i);
			until(&woken, i + 1);
			if (!i)
				until(&others, 2);
			msleep(10);             /* for one too many */
			SAY(" %d", woken);
		}
		for (int i = 0; i < SETS + 2; i++)
			pthread_join(t[i], NULL);
		SAY(", others %d\n", others);
	}
	return 0;
}
