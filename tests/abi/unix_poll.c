/* SPDX-License-Identifier: Apache-2.0 */
/* poll and epoll on Unix sockets in every state: level, edge, one-shot,
 * exclusive; halves that are shut down. */
#include "unix.h"
static int p[2]; static char big[500000];
static void ev(const char *what, int ep) { struct epoll_event e[8]; int n = epoll_wait(ep, e, 8, 0); SAY("%s: %d", what, n); for (int i = 0; i < n; i++) SAY(" %d:%x", (int)e[i].data.u32, e[i].events); SAY("\n"); }
static int add(int ep, int fd, unsigned events, unsigned tag) { struct epoll_event e = { events, { .u32 = tag } }; return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e); }
static int mod(int ep, int fd, unsigned events, unsigned tag) { struct epoll_event e = { events, { .u32 = tag } }; return epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e); }
static int ready[2]; static volatile int woken;
static void *waiter(void *x) { struct epoll_event e; int ep = *(int *)x; write(ready[1], "r", 1); if (epoll_wait(ep, &e, 1, 400) == 1) __sync_fetch_and_add(&woken, 1); return NULL; }
static void states(int type)
{
	char b[16]; int how;
	for (how = SHUT_RD; how <= SHUT_RDWR; how++) { upair(type, p); POLL(p[0]); send(p[1], "x", 1, 0); POLL(p[0]); shutdown(p[0], how); POLL(p[0]); POLL(p[1]); recv(p[0], b, 9, MSG_DONTWAIT); POLL(p[0]); close(p[1]); POLL(p[0]); close(p[0]); }
	upair(type, p); while (send(p[0], big, 2000, MSG_DONTWAIT) > 0) ; POLL(p[0]); POLL(p[1]); recv(p[1], big, 2000, 0); POLL(p[0]); while (recv(p[1], big, sizeof big, MSG_DONTWAIT) > 0) ; POLL(p[0]); POLL(p[1]); close(p[0]); POLL(p[1]); close(p[1]);
}
int main(void)
{
	enter_tmp(); signal(SIGPIPE, SIG_IGN); char b[16]; states(SOCK_STREAM); states(SOCK_SEQPACKET); states(SOCK_DGRAM);
	int s = usock(SOCK_STREAM); POLL(s); ubind(s, "l"); POLL(s); listen(s, 5); POLL(s); int c = uclient(SOCK_STREAM, "l"); POLL(s); POLL(c); int a = accept(s, NULL, NULL); POLL(s); POLL(a); shutdown(s, SHUT_RD); POLL(s); int d = usock(SOCK_DGRAM); POLL(d); ubind(d, "d"); POLL(d);
	/* level */
	upair(SOCK_STREAM, p); int ep = epoll_create1(0); add(ep, p[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP, 1); ev("idle", ep); write(p[1], "abc", 3); ev("data", ep); ev("data again", ep); read(p[0], b, 1); ev("some read", ep); read(p[0], b, 9); ev("all read", ep); mod(ep, p[0], EPOLLIN, 2); ev("only in", ep); mod(ep, p[0], 0, 3); write(p[1], "x", 1); ev("none", ep); shutdown(p[1], SHUT_WR); ev("none, rdhup", ep); close(p[1]); ev("none, hup", ep); mod(ep, p[0], EPOLLIN, 4); ev("in, hup", ep); close(p[0]); ev("gone", ep);
	/* edge */
	upair(SOCK_STREAM, p); add(ep, p[0], EPOLLIN | EPOLLET, 1); ev("et idle", ep); write(p[1], "abc", 3); ev("et data", ep); ev("et again", ep); write(p[1], "d", 1); ev("et more", ep); read(p[0], b, 2); ev("et some read", ep); mod(ep, p[0], EPOLLIN | EPOLLET, 1); ev("et mod", ep); read(p[0], b, 9); mod(ep, p[0], EPOLLIN | EPOLLOUT | EPOLLET, 1); ev("et out", ep); ev("et out again", ep); write(p[1], "e", 1); ev("et data", ep); shutdown(p[1], SHUT_WR); ev("et shut", ep); ev("et shut again", ep); close(p[1]); ev("et hup", ep); close(p[0]);
	upair(SOCK_STREAM, p); add(ep, p[0], EPOLLOUT | EPOLLET, 1); ev("et out", ep); while (send(p[0], big, 4000, MSG_DONTWAIT) > 0) ; ev("full", ep); while (recv(p[1], big, sizeof big, MSG_DONTWAIT) > 0) ; ev("empty", ep); ev("empty again", ep); write(p[0], "x", 1); read(p[1], b, 1); ev("one read", ep); close(p[0]); close(p[1]);
	/* one shot */
	upair(SOCK_STREAM, p); add(ep, p[0], EPOLLIN | EPOLLONESHOT, 1); write(p[1], "a", 1); ev("once", ep); write(p[1], "b", 1); ev("never", ep); mod(ep, p[0], EPOLLIN | EPOLLONESHOT, 2); ev("armed", ep); ev("never", ep); read(p[0], b, 9); mod(ep, p[0], EPOLLIN | EPOLLONESHOT, 3); ev("armed, empty", ep); close(p[1]); ev("closed", ep); ev("never", ep); close(p[0]);
	/* duplicates, two sets, the last descriptor */
	upair(SOCK_STREAM, p); int e2 = epoll_create1(0), dp = dup(p[0]); add(ep, p[0], EPOLLIN, 1); V(add(ep, p[0], EPOLLIN, 1)); V(add(ep, dp, EPOLLIN | EPOLLET, 2)); add(e2, dp, EPOLLIN, 3); write(p[1], "x", 1); struct epoll_event two[2]; V(epoll_wait(ep, two, 2, 0)); SAY("sum %d\n", two[0].data.u32 + two[1].data.u32); ev("level only", ep); ev("other set", e2); close(p[0]); ev("by the dup", ep); V(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL)); close(dp); ev("nothing", ep); ev("nothing", e2); close(p[1]);
	/* listeners; exclusive: one event wakes one of two sets */
	int l = ulisten(SOCK_STREAM, "l2", 9), x1 = epoll_create1(0), x2 = epoll_create1(0); V(add(x1, l, EPOLLIN | EPOLLEXCLUSIVE, 1)); V(add(x2, l, EPOLLIN | EPOLLEXCLUSIVE, 2)); V(mod(x1, l, EPOLLIN, 1)); V(add(ep, l, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 1)); V(add(ep, x1, EPOLLIN | EPOLLEXCLUSIVE, 1)); pipe(ready); pthread_t t1, t2; pthread_create(&t1, NULL, waiter, &x1); pthread_create(&t2, NULL, waiter, &x2); read(ready[0], b, 1); read(ready[0], b, 1); msleep(100); c = uclient(SOCK_STREAM, "l2"); msleep(100); SAY("woken %d\n", woken); pthread_join(t1, NULL); pthread_join(t2, NULL); ev("x1", x1); ev("x2", x2); close(accept(l, NULL, NULL)); ev("x1", x1);
	/* order: who was ready longest comes first, and level goes to the end */
	int q[3][2]; for (int i = 0; i < 3; i++) { upair(SOCK_STREAM, q[i]); add(e2, q[i][0], EPOLLIN, (unsigned)i); } write(q[2][1], "x", 1); write(q[0][1], "x", 1); write(q[1][1], "x", 1); ev("order", e2); struct epoll_event one; for (int i = 0; i < 4; i++) { epoll_wait(e2, &one, 1, 0); SAY("next %d\n", one.data.u32); } add(ep, e2, EPOLLIN, 9); ev("nested", ep); read(q[0][0], b, 1); read(q[1][0], b, 1); read(q[2][0], b, 1); ev("nested idle", ep);
	return 0;
}
