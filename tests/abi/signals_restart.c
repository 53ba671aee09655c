/* SPDX-License-Identifier: Apache-2.0 */
/* SA_RESTART, EINTR, sigsuspend, ppoll masks, pause. */
#include "abi.h"
static volatile sig_atomic_t n; static void h(int s) { n++; }
static pid_t later(int sig, int ms, int fd) { pid_t me = getpid(), p = fork(); if (!p) { msleep(ms); kill(me, sig); if (fd >= 0) { msleep(ms); write(fd, "x", 1); } _exit(0); } return p; }
int main(void)
{
	int fd[2]; pipe(fd); char c; pid_t p;
	struct sigaction sa = { .sa_handler = h, .sa_flags = SA_RESTART }; sigaction(SIGUSR1, &sa, NULL);
	sa.sa_flags = 0; sigaction(SIGUSR2, &sa, NULL);
	p = later(SIGUSR1, 30, fd[1]); V(read(fd[0], &c, 1)); SAY("n %d\n", n); waitpid(p, NULL, 0);
	p = later(SIGUSR2, 30, -1); V(read(fd[0], &c, 1)); SAY("n %d\n", n); waitpid(p, NULL, 0);
	p = later(SIGUSR1, 30, -1); struct pollfd pf = { fd[0], POLLIN, 0 }; V(poll(&pf, 1, 3000)); waitpid(p, NULL, 0);
	p = later(SIGUSR1, 30, -1); V(pause()); waitpid(p, NULL, 0);
	p = later(SIGUSR1, 30, -1); struct timespec ts = { 5, 0 }, rem; V(nanosleep(&ts, &rem)); SAY("rem %d\n", rem.tv_sec >= 4); waitpid(p, NULL, 0);
	sigset_t s, e; sigemptyset(&s); sigaddset(&s, SIGUSR1); sigemptyset(&e); sigprocmask(SIG_BLOCK, &s, NULL);
	n = 0; kill(getpid(), SIGUSR1); V(sigsuspend(&e)); SAY("n %d\n", n); sigset_t now; sigprocmask(0, NULL, &now); SAY("blocked %d\n", sigismember(&now, SIGUSR1));
	n = 0; kill(getpid(), SIGUSR1); struct timespec t2 = { 1, 0 }; V(ppoll(&pf, 1, &t2, &e)); SAY("n %d\n", n);
	n = 0; kill(getpid(), SIGUSR1); fd_set r; FD_ZERO(&r); FD_SET(fd[0], &r); V(pselect(fd[0] + 1, &r, NULL, NULL, &t2, &e)); SAY("n %d\n", n);
	p = later(SIGUSR2, 30, -1); V(waitpid(p, NULL, 0) == p || errno == EINTR); while (wait(NULL) > 0) ;
	V(write(-1, "x", 1)); signal(SIGPIPE, h); close(fd[0]); n = 0; V(write(fd[1], "x", 1)); SAY("sigpipe %d\n", n);
	return 0;
}
