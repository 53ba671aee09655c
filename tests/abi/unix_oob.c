/* SPDX-License-Identifier: Apache-2.0 */
/* Urgent data on Unix streams. */
#include "unix.h"
static int p[2], mark; static volatile int urg;
static void on_urg(int s) { (void)s; urg++; }
#define MARK() do { ioctl(p[1], SIOCATMARK, &mark); SAY("  mark %d pri %d\n", mark, !!(revents(p[1], POLLPRI) & POLLPRI)); } while (0)
static void again(void) { close(p[0]); close(p[1]); upair(SOCK_STREAM, p); }
int main(void)
{
	char b[64]; int n; upair(SOCK_STREAM, p); signal(SIGPIPE, SIG_IGN);
	V(recv(p[1], b, 1, MSG_OOB)); V(recv(p[1], b, 1, MSG_OOB | MSG_DONTWAIT)); V(send(p[0], "", 0, MSG_OOB)); V(send(p[0], "hello", 5, MSG_OOB)); MARK(); V(ioctl(p[1], FIONREAD, &n)); SAY("%d\n", n); V(recv(p[1], b, 1, MSG_OOB | MSG_PEEK)); SAY("%.1s\n", b); V(recv(p[1], b, 9, MSG_OOB)); SAY("%.1s\n", b); MARK(); V(recv(p[1], b, 9, MSG_OOB)); V(recv(p[1], b, 9, 0)); SAY("%.4s\n", b); MARK(); V(recv(p[1], b, 9, MSG_DONTWAIT)); MARK();
	again(); send(p[0], "ab!", 3, MSG_OOB); send(p[0], "cd", 2, 0); V(recv(p[1], b, 9, MSG_PEEK)); V(recv(p[1], b, 9, 0)); MARK(); V(recv(p[1], b, 9, MSG_PEEK)); SAY("%.2s\n", b); V(recv(p[1], b, 9, 0)); SAY("%.2s\n", b); MARK(); V(recv(p[1], b, 1, MSG_OOB)); V(recv(p[1], b, 9, MSG_DONTWAIT));
	again(); send(p[0], "ab!", 3, MSG_OOB); send(p[0], "cd", 2, 0); V(recv(p[1], b, 9, 0)); V(recv(p[1], b, 9, MSG_OOB)); SAY("%.1s\n", b); MARK(); V(recv(p[1], b, 9, 0)); MARK();
	again(); send(p[0], "one1", 4, MSG_OOB); send(p[0], "two2", 4, MSG_OOB); V(recv(p[1], b, 20, 0)); SAY("%.7s\n", b); MARK(); V(recv(p[1], b, 1, MSG_OOB)); SAY("%.1s\n", b); V(recv(p[1], b, 9, MSG_DONTWAIT));
	again(); send(p[0], "x", 1, MSG_OOB); V(recv(p[1], b, 1, MSG_OOB)); send(p[0], "y", 1, MSG_OOB); V(recv(p[1], b, 1, MSG_OOB)); V(recv(p[1], b, 9, MSG_DONTWAIT | MSG_PEEK)); send(p[0], "rest", 4, 0); V(recv(p[1], b, 9, 0)); SAY("%.4s\n", b);
	again(); setint(p[1], SO_OOBINLINE, 1); send(p[0], "in!", 3, MSG_OOB); send(p[0], "line", 4, 0); V(recv(p[1], b, 1, MSG_OOB)); V(recv(p[1], b, 9, 0)); MARK(); V(recv(p[1], b, 9, MSG_PEEK)); V(recv(p[1], b, 9, 0)); SAY("%.5s\n", b); MARK();
	again(); send(p[0], "u", 1, MSG_OOB); V(revents(p[1], POLLIN)); V(recv(p[1], b, 9, MSG_DONTWAIT | MSG_PEEK)); V(recv(p[1], b, 9, MSG_DONTWAIT)); V(recv(p[1], b, 1, MSG_OOB)); send(p[0], "u", 1, MSG_OOB); shutdown(p[0], SHUT_WR); V(recv(p[1], b, 9, 0)); V(recv(p[1], b, 9, 0));
	again(); send(p[0], "u", 1, MSG_OOB); recv(p[1], b, 1, MSG_OOB); close(p[1]); V(recv(p[0], b, 1, 0)); p[1] = dup(p[0]); again(); send(p[0], "u", 1, MSG_OOB); close(p[1]); V(recv(p[0], b, 1, 0)); p[1] = dup(p[0]); again(); V(recv(p[1], (void *)1, 1, MSG_OOB)); send(p[0], "u", 1, MSG_OOB); V(recv(p[1], (void *)1, 1, MSG_OOB));
	again(); signal(SIGURG, on_urg); V(fcntl(p[1], F_SETOWN, getpid())); send(p[0], "abc", 3, MSG_OOB); SAY("urg %d\n", urg); send(p[0], "abc", 3, 0); SAY("urg %d\n", urg); struct got g = recv_all(p[1], b, 1, 0, MSG_OOB); say_got("flags", g); int ep = epoll_create1(0); struct epoll_event ev = { EPOLLPRI, { 0 } }; epoll_ctl(ep, EPOLL_CTL_ADD, p[1], &ev); V(epoll_wait(ep, &ev, 1, 0)); send(p[0], "q", 1, MSG_OOB); V(epoll_wait(ep, &ev, 1, 0)); SAY("%x\n", ev.events); return 0;
}
