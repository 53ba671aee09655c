/* SPDX-License-Identifier: Apache-2.0 */
/* epoll: level, edge, one-shot, nesting, errors, removal by close. */
#include "abi.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
static void show(int ep, int t) { struct epoll_event e[8]; int n = epoll_wait(ep, e, 8, t); SAY("n %d", n); for (int i = 0; i < n; i++) SAY(" [%#x %d]", e[i].events, e[i].data.fd); SAY("\n"); }
static int empty_set(void) { return epoll_create1(0); }
/* Each watches the one before it. */
static void chain(void)
{
	struct epoll_event e = { EPOLLIN, { .fd = 0 } };
	int set[7] = { epoll_create1(0) };

	for (int i = 1; i < 7; i++) {
		set[i] = epoll_create1(0);
		V(epoll_ctl(set[i], EPOLL_CTL_ADD, set[i - 1], &e));
	}
	V(epoll_ctl(set[0], EPOLL_CTL_ADD, set[4], &e));
	for (int i = 0; i < 7; i++)
		close(set[i]);
}
int main(void)
{
	int fd[2]; pipe(fd); int ep = epoll_create1(EPOLL_CLOEXEC); struct epoll_event e = { EPOLLIN, { .fd = 1 } };
	V(epoll_ctl(ep, EPOLL_CTL_ADD, fd[0], &e)); V(epoll_ctl(ep, EPOLL_CTL_ADD, fd[0], &e)); V(epoll_ctl(ep, EPOLL_CTL_MOD, fd[1], &e)); V(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e)); V(epoll_ctl(ep, EPOLL_CTL_ADD, 77, &e));
	V(epoll_ctl(ep, 9, fd[0], &e)); V(epoll_ctl(fd[0], EPOLL_CTL_ADD, fd[1], &e)); V(epoll_create1(3)); V(epoll_create(0));
	show(ep, 0); write(fd[1], "ab", 2); show(ep, 0); show(ep, 0);
	e.events = EPOLLIN | EPOLLET; V(epoll_ctl(ep, EPOLL_CTL_MOD, fd[0], &e)); show(ep, 0); show(ep, 0); write(fd[1], "c", 1); show(ep, 0); show(ep, 0);
	e.events = EPOLLIN | EPOLLONESHOT; V(epoll_ctl(ep, EPOLL_CTL_MOD, fd[0], &e)); show(ep, 0); show(ep, 0); V(epoll_ctl(ep, EPOLL_CTL_MOD, fd[0], &e)); show(ep, 0);
	e.events = EPOLLIN; epoll_ctl(ep, EPOLL_CTL_MOD, fd[0], &e); int ep2 = epoll_create1(0); e.data.fd = 5; V(epoll_ctl(ep2, EPOLL_CTL_ADD, ep, &e)); show(ep2, 0); V(epoll_ctl(ep, EPOLL_CTL_ADD, ep2, &e));
	struct pollfd p = { ep, POLLIN, 0 }; V(poll(&p, 1, 0)); char b[10]; V(read(fd[0], b, 10)); V(poll(&p, 1, 0)); show(ep2, 0);
	close(fd[1]); show(ep, 0); close(fd[0]); show(ep, 0);
	int ev = eventfd(0, EFD_NONBLOCK); e.events = EPOLLIN | EPOLLOUT; e.data.fd = 9; V(epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e)); show(ep, 0); uint64_t v = 3; write(ev, &v, 8); show(ep, 0); V(epoll_ctl(ep, EPOLL_CTL_DEL, ev, NULL)); V(epoll_ctl(ep, EPOLL_CTL_DEL, ev, NULL)); show(ep, 0);
	enter_tmp(); int f = open("f", O_CREAT | O_RDWR, 0600); V(epoll_ctl(ep, EPOLL_CTL_ADD, f, &e));
	struct epoll_event out; V(epoll_wait(ep, &out, 0, 0)); V(epoll_wait(ep, &out, -1, 0)); V(epoll_wait(f, &out, 1, 0)); V(epoll_wait(empty_set(), (void *)-1, 1, 0)); chain();
	pipe(fd); e.events = EPOLLIN; e.data.fd = 4; epoll_ctl(ep, EPOLL_CTL_ADD, fd[0], &e); pid_t pid = fork(); if (!pid) { msleep(30); write(fd[1], "q", 1); _exit(0); } show(ep, 5000); wait_say("w", pid);
	long long t = now_ms(); int d[2]; pipe(d); int ep3 = epoll_create1(0); show(ep3, 50); SAY("%d\n", now_ms() - t >= 49);
	return 0;
}
