/* SPDX-License-Identifier: Apache-2.0 */
/* prctl(PR_SET_SYSCALL_USER_DISPATCH): also at call sites that were used often
 * before, and for calls that might be answered or put off elsewhere. */
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <ucontext.h>

#include "abi.h"

#define DISPATCH 59

static volatile char selector;
static volatile int caught;
static volatile long caught_nr;

static void on_sys(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;

	selector = 0;
	caught++;
	caught_nr = si->si_syscall;
	if (sig != SIGSYS || si->si_code != 2 || si->si_arch != 0xc000003e ||
	    (long)si->si_call_addr != uc->uc_mcontext.gregs[REG_RIP])
		SAY("an odd signal: %d %d\n", sig, si->si_code);
	uc->uc_mcontext.gregs[REG_RAX] = 4711;
}

/* nr with the selector set, as the program's own calls. */
static long blocked(long nr, long a, long b, long c, long d)
{
	long ret;

	selector = 1;
	ret = syscall(nr, a, b, c, d);
	selector = 0;
	return ret;
}

static void dies(const char *what, char value, bool unreadable)
{
	pid_t p;

	fflush(stdout);
	p = fork();
	if (p == 0) {
		char *bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (prctl(DISPATCH, 1, 0, 0, unreadable ? bad : (char *)&selector))
			_exit(1);
		selector = value;
		syscall(SYS_getppid);
		_exit(2);
	}
	wait_say(what, p);
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = on_sys, .sa_flags = SA_SIGINFO };
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(0), fd = dup(1), pair[2];
	pid_t p;

	sigaction(SIGSYS, &sa, NULL);
	V(prctl(DISPATCH, 0, 1, 0, 0));
	V(prctl(DISPATCH, 1, 1, -1l, 0));
	V(prctl(DISPATCH, 1, 0, 0, -1l));
	V(prctl(DISPATCH, 2, 0, 0, 0));
	if (pipe(pair))
		return 1;
	for (int i = 0; i < 3000; i++) {
		blocked(SYS_getpid, 0, 0, 0, 0);
		blocked(SYS_epoll_ctl, ep, i & 1 ? EPOLL_CTL_DEL : EPOLL_CTL_ADD, pair[0], (long)&ev);
		blocked(SYS_close, dup(1), 0, 0, 0);
	}
	SAY("not yet: %d\n", caught);
	V(prctl(DISPATCH, 1, 0, 0, &selector));
	SAY("getpid %ld, caught %d\n", blocked(SYS_getpid, 0, 0, 0, 0), caught);
	SAY("close %ld, caught %d %d\n", blocked(SYS_close, fd, 0, 0, 0), caught, caught_nr == SYS_close);
	SAY("still open %d\n", fcntl(fd, F_GETFD));
	SAY("epoll_ctl %ld, caught %d\n", blocked(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, pair[0], (long)&ev), caught);
	V(epoll_ctl(ep, EPOLL_CTL_ADD, pair[0], &ev));
	for (int i = 0; i < 3000; i++)
		if (blocked(SYS_getppid, 0, 0, 0, 0) != 4711)
			SAY("call %d went through\n", i);
	SAY("caught %d\n", caught);
	fflush(stdout);
	p = fork();
	if (p == 0) {
		SAY("a child is free: %d\n", blocked(SYS_getpid, 0, 0, 0, 0) == getpid());
		_exit(0);
	}
	wait_say("child", p);
	V(prctl(DISPATCH, 1, 1, -2l, &selector));
	SAY("allowed everywhere: %d\n", blocked(SYS_getpid, 0, 0, 0, 0) == getpid());
	V(prctl(DISPATCH, 0, 0, 0, 0));
	SAY("off: %d\n", blocked(SYS_getpid, 0, 0, 0, 0) == getpid());
	dies("odd selector", 7, false);
	dies("no selector", 0, true);
	return 0;
}
