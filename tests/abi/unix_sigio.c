/* SPDX-License-Identifier: Apache-2.0 */
/* SIGIO and SIGURG: F_SETOWN, F_SETSIG, O_ASYNC, FIOASYNC, SIOCSPGRP. */
#include "unix.h"
static volatile int count, last, code, fd_seen, band;
static void on(int s, siginfo_t *i, void *c) { (void)c; count++; last = s; code = i->si_code; fd_seen = i->si_fd; band = (int)i->si_band; }
static void say(const char *what) { SAY("%s: %d\n", what, count); count = 0; }
static void say_info(const char *what, int fd) { SAY("%s: %d signal %d code %d fd %d band %x\n", what, count, last - SIGRTMIN, code, fd_seen == fd, band); count = 0; }
int main(void)
{
	struct sigaction sa = { .sa_sigaction = on, .sa_flags = SA_SIGINFO | SA_RESTART }; int p[2], v; char b[16]; struct f_owner_ex ex; static char big[300000];
	signal(SIGPIPE, SIG_IGN); sigaction(SIGIO, &sa, NULL); sigaction(SIGURG, &sa, NULL); sigaction(SIGRTMIN + 1, &sa, NULL); upair(SOCK_STREAM, p);
	V(fcntl(p[0], F_GETOWN)); V(fcntl(p[0], F_GETSIG)); V(fcntl(p[0], F_GETOWN_EX, &ex)); SAY("%d %d\n", ex.type, ex.pid); V(fcntl(p[0], F_SETFL, O_ASYNC)); V(!!(fcntl(p[0], F_GETFL) & O_ASYNC)); write(p[1], "x", 1); say("no owner"); V(fcntl(p[0], F_SETOWN, getpid())); V(fcntl(p[0], F_GETOWN) == getpid()); write(p[1], "x", 1); say("data"); write(p[1], "x", 1); say("more"); read(p[0], b, 9); say("read");
	V(fcntl(p[0], F_SETFL, 0)); write(p[1], "x", 1); say("off"); v = 1; V(ioctl(p[0], FIOASYNC, &v)); V(!!(fcntl(p[0], F_GETFL) & O_ASYNC)); write(p[1], "x", 1); say("on again"); V(fcntl(p[0], F_SETSIG, SIGRTMIN + 1)); V(fcntl(p[0], F_GETSIG) == SIGRTMIN + 1); write(p[1], "x", 1); say_info("rt", p[0]); V(fcntl(p[0], F_SETSIG, 65)); V(fcntl(p[0], F_SETSIG, -1));
	shutdown(p[1], SHUT_WR); say_info("shut", p[0]); close(p[1]); say_info("closed", p[0]); close(p[0]); upair(SOCK_STREAM, p); fcntl(p[0], F_SETOWN, getpid()); fcntl(p[0], F_SETSIG, SIGRTMIN + 1); fcntl(p[0], F_SETFL, O_ASYNC | O_NONBLOCK); while (send(p[0], big, 4000, MSG_DONTWAIT) > 0) ; say("filled"); while (recv(p[1], big, sizeof big, MSG_DONTWAIT) > 0) ; SAY("room %d\n", count > 0); say_info("", p[0]); write(p[0], "x", 1); read(p[1], b, 1); say("one read");
	V(fcntl(p[0], F_SETOWN, -getpgrp())); V(fcntl(p[0], F_GETOWN) == -getpgrp()); ex.type = F_OWNER_TID; ex.pid = (int)syscall(SYS_gettid); V(fcntl(p[0], F_SETOWN_EX, &ex)); ex.pid = 0; V(fcntl(p[0], F_GETOWN_EX, &ex)); SAY("%d %d\n", ex.type, ex.pid == getpid()); write(p[1], "x", 1); say("thread"); ex.type = 7; V(fcntl(p[0], F_SETOWN_EX, &ex)); V(fcntl(p[0], F_SETOWN, 99999999)); V(fcntl(p[0], F_SETOWN, 0)); V(fcntl(p[0], F_GETOWN)); write(p[1], "x", 1); say("nobody"); v = getpid(); V(ioctl(p[0], SIOCSPGRP, &v)); v = 0; V(ioctl(p[0], SIOCGPGRP, &v)); SAY("%d\n", v == getpid()); v = -getpgrp(); V(ioctl(p[0], FIOSETOWN, &v)); V(ioctl(p[0], FIOGETOWN, &v)); SAY("%d\n", v == -getpgrp());
	/* a duplicate keeps it; a child's event reaches the owner; the last close ends it */
	fcntl(p[0], F_SETOWN, getpid()); v = dup(p[0]); close(p[0]); write(p[1], "x", 1); say("by the dup"); if (!fork()) { write(p[1], "c", 1); _exit(0); } wait(NULL); say("by a child"); close(v); write(p[1], "x", 1); say("gone"); close(p[1]);
	/* pipes and listeners */
	pipe(p); fcntl(p[0], F_SETOWN, getpid()); fcntl(p[0], F_SETFL, O_ASYNC); write(p[1], "x", 1); say("pipe"); enter_tmp(); int l = ulisten(SOCK_STREAM, "l", 3); fcntl(l, F_SETOWN, getpid()); fcntl(l, F_SETFL, O_ASYNC); int c = uclient(SOCK_STREAM, "l"); say("connection"); fcntl(c, F_SETOWN, getpid()); send(c, "u", 1, MSG_OOB); int a = accept(l, NULL, NULL); send(a, "u", 1, MSG_OOB); say("urgent"); int f = open("reg", O_CREAT | O_RDWR, 0600); V(fcntl(f, F_SETOWN, getpid())); V(fcntl(f, F_SETFL, O_ASYNC)); write(f, "x", 1); say("regular");
	return 0;
}
