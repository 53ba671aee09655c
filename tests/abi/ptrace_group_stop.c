/* SPDX-License-Identifier: Apache-2.0 */
/* Stops of a whole process under a tracer: attaching to one that is stopped, running on out of the stop, listening
 * until it ends, asking again meanwhile, and what is left when the tracer lets go. */
#include "abi.h"
#include <linux/ptrace.h>

static long tr(int req, pid_t p, long addr, long data) { return syscall(SYS_ptrace, req, p, addr, data); }

static void next(pid_t p)
{
	int st = 0;

	if (waitpid(p, &st, __WALL) != p)
		printf("wait: %s\n", abi_errno(errno));
	else if (WIFSTOPPED(st))
		printf("stop %d event %d\n", WSTOPSIG(st), st >> 16);
	else
		printf("%s %d\n", WIFEXITED(st) ? "exited" : "killed", WIFEXITED(st) ? WEXITSTATUS(st) : WTERMSIG(st));
}

static char state_of(pid_t p)
{
	char name[64], line[200], c = '?';
	FILE *f;

	snprintf(name, sizeof name, "/proc/%d/status", p);
	f = fopen(name, "r");
	while (f && fgets(line, sizeof line, f))
		sscanf(line, "State: %c", &c);
	if (f)
		fclose(f);
	return c;
}

static void becomes(pid_t p, char want)
{
	for (int k = 0; k < 5000 && state_of(p) != want; k++)
		usleep(1000);
	printf("state %c\n", state_of(p));
}

static pid_t sleeper(void)
{
	pid_t p = fork();

	if (!p)
		for (;;)
			pause();
	/* In a group that is not orphaned SIGTSTP and SIGTTIN stop. */
	V(setpgid(p, p));
	return p;
}

/* A process that its parent sees stopped. */
static pid_t stopped(int signo)
{
	pid_t p = sleeper();
	int st;

	kill(p, signo);
	V(waitpid(p, &st, WUNTRACED) == p && WIFSTOPPED(st));
	return p;
}

static void end(pid_t p)
{
	kill(p, SIGKILL);
	for (int st; waitpid(p, &st, __WALL) == p;)
		if (!WIFSTOPPED(st)) {
			printf("end %d\n", WTERMSIG(st));
			return;
		}
}

static void seized(void)
{
	pid_t p = stopped(SIGTSTP);
	siginfo_t si;

	V(tr(PTRACE_SEIZE, p, 0, 0));
	next(p);
	V(tr(PTRACE_GETSIGINFO, p, 0, (long)&si));
	V(tr(PTRACE_LISTEN, p, 0, 0));
	becomes(p, 't');
	V(tr(PTRACE_GETSIGINFO, p, 0, (long)&si));
	V(tr(PTRACE_INTERRUPT, p, 0, 0));
	next(p);
	V(tr(PTRACE_LISTEN, p, 0, 0));
	V(kill(p, SIGCONT));
	next(p);
	V(tr(PTRACE_CONT, p, 0, 0));
	next(p);
	V(tr(PTRACE_LISTEN, p, 0, 0));
	V(tr(PTRACE_CONT, p, 0, SIGCONT));
	becomes(p, 'S');
	/* Now stopped again, and run on out of it. */
	V(kill(p, SIGSTOP));
	next(p);
	V(tr(PTRACE_CONT, p, 0, SIGSTOP));
	next(p);
	V(tr(PTRACE_CONT, p, 0, 0));
	becomes(p, 'S');
	V(tr(PTRACE_INTERRUPT, p, 0, 0));
	next(p);
	V(tr(PTRACE_DETACH, p, 0, 0));
	becomes(p, 'T');
	V(kill(p, SIGCONT));
	becomes(p, 'S');
	end(p);
}

static void attached(void)
{
	pid_t p = stopped(SIGSTOP);

	V(tr(PTRACE_ATTACH, p, 0, 0));
	next(p);
	V(tr(PTRACE_LISTEN, p, 0, 0));
	V(tr(PTRACE_CONT, p, 0, 0));
	next(p);
	V(tr(PTRACE_CONT, p, 0, 0));
	becomes(p, 'S');
	/* Let in, the signal stops it once more. */
	V(kill(p, SIGTTIN));
	next(p);
	V(tr(PTRACE_CONT, p, 0, SIGTTIN));
	next(p);
	V(tr(PTRACE_DETACH, p, 0, 0));
	becomes(p, 'T');
	V(kill(p, SIGCONT));
	becomes(p, 'S');
	end(p);
}

/* The tracer ends while its tracee runs through a stop: the stop holds again. */
static void left(void)
{
	pid_t p = stopped(SIGSTOP), t = fork();

	if (!t) {
		V(tr(PTRACE_SEIZE, p, 0, 0));
		next(p);
		V(tr(PTRACE_CONT, p, 0, 0));
		becomes(p, 'S');
		_exit(3);
	}
	next(t);
	becomes(p, 'T');
	end(p);
}

int main(void)
{
	seized();
	attached();
	left();
	return 0;
}
