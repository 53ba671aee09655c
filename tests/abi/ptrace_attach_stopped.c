/* SPDX-License-Identifier: Apache-2.0 */
/* A process that was stopped when its tracer attached is the tracer's at once: requests work without a wait(2). */
#include "abi.h"
#include <linux/ptrace.h>

#define ROUNDS 40

static long tr(int req, pid_t p, long addr, long data) { return syscall(SYS_ptrace, req, p, addr, data); }

static void round_of(int request, int *works, int *waited)
{
	pid_t p = fork();
	long word;
	int st;

	if (!p)
		for (;;)
			pause();
	kill(p, SIGSTOP);
	if (waitpid(p, &st, WUNTRACED) != p || tr(request, p, 0, 0)) {
		SAY("no start: %s\n", abi_errno(errno));
		exit(1);
	}
	*works += tr(PTRACE_PEEKUSR, p, 0, (long)&word) == 0;
	*waited += waitpid(p, &st, WNOHANG | __WALL) == p && WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP;
	tr(PTRACE_DETACH, p, 0, 0);
	kill(p, SIGKILL);
	while (waitpid(p, &st, __WALL) == p && WIFSTOPPED(st))
		;
}

int main(void)
{
	const struct { const char *name; int request; } kind[] = { { "attached", PTRACE_ATTACH }, { "seized", PTRACE_SEIZE } };

	for (unsigned k = 0; k < 2; k++) {
		int works = 0, waited = 0;

		for (int i = 0; i < ROUNDS; i++)
			round_of(kind[k].request, &works, &waited);
		SAY("%s: %d of %d answered, %d of %d seen\n", kind[k].name, works, ROUNDS, waited, ROUNDS);
	}
	return 0;
}
