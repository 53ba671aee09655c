/* SPDX-License-Identifier: Apache-2.0 */
/* waitid: WNOWAIT, P_PIDFD, P_PGID, WCONTINUED, siginfo, errors. */
#include "abi.h"
#ifndef P_PIDFD
#define P_PIDFD 3
#endif
static pid_t child(int code) { pid_t p = fork(); if (!p) { if (code < 0) for (;;) pause(); _exit(code); } return p; }
static char many[4 << 20];
static pid_t big_child(size_t n)
{
	pid_t p = fork();
	struct timespec t = { 0 };
	if (p)
		return p;
	memset(mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, n);
	while (t.tv_sec == 0 && t.tv_nsec < 50000000)
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	_exit(0);
}
static void show(const char *what, int r, siginfo_t *si, pid_t p)
{
	if (r) { printf("%s: %s\n", what, abi_errno(errno)); return; }
	printf("%s: signo %d code %d status %d pid %s uid %d errno %d\n", what, si->si_signo, si->si_code, si->si_status,
	       si->si_pid == p ? "child" : si->si_pid ? "other" : "0", si->si_uid == getuid(), si->si_errno);
}
int main(void)
{
	siginfo_t si;
	struct rusage ru;
	pid_t p = child(7);
	int fd, st;
	/* Linux counts each CPU's first pages late: with few, the size may be 0. */
	memset(many, 1, sizeof many);
	memset(&si, 0x55, sizeof si);
	show("nowait", waitid(P_PID, p, &si, WEXITED | WNOWAIT), &si, p);
	show("nowait again", waitid(P_ALL, 0, &si, WEXITED | WNOWAIT | WNOHANG), &si, p);
	show("reap", waitid(P_PID, p, &si, WEXITED), &si, p);
	show("gone", waitid(P_PID, p, &si, WEXITED), &si, p);
	p = child(-1);
	memset(&si, 0x55, sizeof si);
	show("nohang nothing", waitid(P_PID, p, &si, WEXITED | WNOHANG), &si, p);
	V(waitid(P_PID, p, &si, 0));
	V(waitid(P_PID, p, &si, WNOHANG));
	V(waitid(P_PID, p, &si, 0x40 | WEXITED));
	V(waitid(9, p, &si, WEXITED | WNOHANG));
	V(waitid(P_PID, 0, &si, WEXITED | WNOHANG));
	V(waitid(P_PID, -1, &si, WEXITED | WNOHANG));
	V(waitid(P_PGID, -1, &si, WEXITED | WNOHANG));
	V(waitid(P_PIDFD, -1, &si, WEXITED | WNOHANG));
	V(waitid(P_PIDFD, 0, &si, WEXITED | WNOHANG));
	kill(p, SIGSTOP);
	show("stopped", waitid(P_PID, p, &si, WSTOPPED | WNOWAIT), &si, p);
	show("stopped", waitid(P_PID, p, &si, WSTOPPED), &si, p);
	show("stopped once", waitid(P_PID, p, &si, WSTOPPED | WNOHANG), &si, p);
	kill(p, SIGCONT);
	show("continued", waitid(P_PGID, 0, &si, WCONTINUED), &si, p);
	fd = syscall(SYS_pidfd_open, p, 0);
	kill(p, SIGTERM);
	show("pidfd", waitid(P_PIDFD, fd, &si, WEXITED), &si, p);
	V(waitid(P_PIDFD, fd, &si, WEXITED));
	p = child(-1);
	fd = syscall(SYS_pidfd_open, p, O_NONBLOCK);
	V(waitid(P_PIDFD, fd, &si, WEXITED));
	kill(p, SIGKILL);
	memset(&ru, 0, sizeof ru);
	V(syscall(SYS_waitid, P_PID, p, NULL, WEXITED, &ru));
	V(ru.ru_maxrss > 0);
	/* One that ends at once has been somewhere; one that had much had it. */
	p = child(0);
	V(wait4(p, &st, 0, &ru) == p);
	V(ru.ru_maxrss > 0);
	p = big_child(50 << 20);
	V(wait4(p, &st, 0, &ru) == p);
	V(ru.ru_maxrss >= 48 << 10);
	V(getrusage(RUSAGE_CHILDREN, &ru));
	V(ru.ru_maxrss >= 48 << 10);
	p = child(3);
	V(syscall(SYS_waitid, P_PID, p, 8L, WEXITED | WNOWAIT, NULL));
	V(wait4(-1, &st, WNOHANG | 0x100, NULL));
	V(wait4(INT_MIN, &st, 0, NULL));
	V(wait4(p, (int *)8, 0, NULL));
	V(wait4(p, NULL, 0, NULL));
	p = child(4);
	V(wait4(-getpgrp(), &st, __WALL, NULL) == p);
	p = child(5);
	V(wait4(p, &st, __WCLONE, NULL));
	V(wait4(0, &st, __WNOTHREAD, NULL) == p);
	return 0;
}
