/* SPDX-License-Identifier: Apache-2.0 */
/* PTRACE_PEEKSIGINFO: what waits for a tracee, its own and its process's. ptrace(2). */
#include "abi.h"
#include <sys/ptrace.h>

#define R(what, e) do { errno = 0; long r_ = (long)(e); \
	SAY("%s: %ld %s\n", what, r_, r_ < 0 ? abi_errno(errno) : ""); } while (0)

static void peek(pid_t c, uint64_t from, unsigned flags, int count)
{
	struct { uint64_t from; uint32_t flags; int32_t count; } a = { from, flags, count };
	siginfo_t si[8];
	long n;

	memset(si, 0, sizeof si);
	n = ptrace((int)0x4209, c, &a, si);
	SAY("from %d flags %u count %d: %ld %s\n", (int)from, flags, count, n, n < 0 ? abi_errno(errno) : "");
	for (long k = 0; k < n; k++)
		SAY("  signal %d code %d value %d\n", si[k].si_signo, si[k].si_code, si[k].si_code == SI_QUEUE ? si[k].si_value.sival_int : 0);
}

int main(void)
{
	pid_t c = fork();
	int st;

	if (!c) {
		sigset_t all;

		sigfillset(&all);
		sigprocmask(SIG_BLOCK, &all, NULL);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		for (int k = 0; k < 3; k++)
			sigqueue(getpid(), SIGRTMIN + k, (union sigval){ .sival_int = 70 + k });
		kill(getpid(), SIGUSR1);
		raise(SIGUSR2);
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(c, &st, 0);
	say_status("child", st);
	peek(c, 0, 0, 8);
	peek(c, 0, 1, 8);
	peek(c, 1, 1, 2);
	peek(c, 9, 1, 2);
	peek(c, 0, 1, 0);
	peek(c, 0, 1, -1);
	peek(c, 0, 2, 1);
	peek(c, UINT64_MAX, 1, 1);
	R("nowhere", ptrace((int)0x4209, c, 8, 8));
	R("to nowhere", ptrace((int)0x4209, c, &(struct { uint64_t a, b; }){ 0, (1ull << 32) | 1 }, 8));
	kill(c, SIGKILL);
	waitpid(c, &st, 0);
	say_status("child", st);
	return 0;
}
