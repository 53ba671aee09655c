/* SPDX-License-Identifier: Apache-2.0 */
/* SIGPIPE and who gets it; calls that a signal interrupts or restarts. */
#include "unix.h"
static volatile int pipes, alarms; static int p[2]; static char big[500000];
static void on_pipe(int s) { (void)s; pipes++; }
static void on_alarm(int s) { (void)s; alarms++; }
static void arm(int ms) { struct itimerval it = { { 0, 0 }, { ms / 1000, ms % 1000 * 1000 } }; setitimer(ITIMER_REAL, &it, NULL); }
static void handler(int flags) { struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = flags }; sigaction(SIGALRM, &sa, NULL); }
static void *later(void *x) { msleep(90); write(p[0], x, 3); return NULL; }
#define PIPES() do { SAY("  SIGPIPE %d\n", pipes); pipes = 0; } while (0)
int main(void)
{
	enter_tmp(); char b[16]; pthread_t t; struct iovec io = { "x", 1 }; struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 }; sigset_t set; sigemptyset(&set); sigaddset(&set, SIGALRM); signal(SIGPIPE, on_pipe);
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM }; for (int i = 0; i < 3; i++) { upair(types[i], p); close(p[1]); V(write(p[0], "x", 1)); PIPES(); V(send(p[0], "x", 1, MSG_NOSIGNAL)); PIPES(); V(sendmsg(p[0], &m, 0)); PIPES(); V(sendmsg(p[0], &m, MSG_NOSIGNAL)); PIPES(); V(writev(p[0], &io, 1)); PIPES(); close(p[0]); upair(types[i], p); shutdown(p[0], SHUT_WR); V(send(p[0], "x", 1, 0)); PIPES(); V(send(p[0], "", 0, 0)); PIPES(); close(p[0]); close(p[1]); }
	if (!fork()) { signal(SIGPIPE, SIG_DFL); upair(SOCK_STREAM, p); close(p[1]); write(p[0], "x", 1); _exit(0); } int st; wait(&st); say_status("default", st);
	/* restart or EINTR, with and without a time-out */
	upair(SOCK_STREAM, p); handler(0); arm(40); V(read(p[1], b, 9)); arm(40); V(recv(p[1], b, 9, MSG_WAITALL)); write(p[0], "ab", 2); arm(40); V(recv(p[1], b, 9, MSG_WAITALL)); arm(40); V(epoll_wait(epoll_create1(0), &(struct epoll_event){ 0 }, 1, 1000)); struct pollfd q = { p[1], POLLIN, 0 }; arm(40); V(poll(&q, 1, 1000)); handler(SA_RESTART); arm(40); pthread_sigmask(SIG_BLOCK, &set, NULL); pthread_create(&t, NULL, later, "cde"); pthread_sigmask(SIG_UNBLOCK, &set, NULL); V(read(p[1], b, 9)); pthread_join(t, NULL); SAY("alarms %d\n", alarms); settime(p[1], SO_RCVTIMEO, 1000); arm(40); V(read(p[1], b, 9)); settime(p[1], SO_RCVTIMEO, 0);
	int l = ulisten(SOCK_STREAM, "l", 3); handler(0); arm(40); V(accept(l, NULL, NULL)); settime(l, SO_RCVTIMEO, 1000); handler(SA_RESTART); arm(40); V(accept(l, NULL, NULL));
	handler(0); ssize_t n; arm(60); n = write(p[0], big, sizeof big); SAY("partial %d\n", n > 0 && n < (ssize_t)sizeof big); arm(40); V(write(p[0], big, 10)); settime(p[0], SO_SNDTIMEO, 40); V(write(p[0], big, 10)); while (recv(p[1], big, sizeof big, MSG_DONTWAIT) > 0) ; n = write(p[0], big, sizeof big); SAY("partial by time %d\n", n > 0 && n < (ssize_t)sizeof big);
	/* a kill while blocked ends it at once and leaves the stream whole */
	upair(SOCK_STREAM, p); pid_t k = fork(); if (!k) { close(p[1]); write(p[0], big, sizeof big); _exit(0); } close(p[0]); msleep(60); kill(k, SIGKILL); wait_say("killed", k); long all = 0; while ((n = read(p[1], big, sizeof big)) > 0) all += n; SAY("some %d then %zd\n", all > 0 && all < (long)sizeof big, n); return 0;
}
