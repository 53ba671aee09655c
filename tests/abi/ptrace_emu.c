/* SPDX-License-Identifier: Apache-2.0 */
/* A tracer that does the system calls itself, signals given at system-call
 * stops, a tracer that dies, and other things that count only as Linux counts. */
#include <linux/futex.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "abi.h"

#define SYSEMU 31
#define SYSEMU_STEP 32

static void on_usr1(int sig, siginfo_t *si, void *ctx)
{
	(void)ctx;
	SAY("handler of %d, code %x\n", sig, (unsigned)si->si_code);
}

static void emulated(void)
{
	struct user_regs_struct r;
	struct sigaction sa = { .sa_sigaction = on_usr1, .sa_flags = SA_SIGINFO };
	pid_t p;
	int st;

	fflush(stdout);
	p = fork();
	if (p == 0) {
		sigaction(SIGUSR1, &sa, NULL);
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		SAY("emulated: %ld\n", syscall(SYS_getuid));
		SAY("skipped, but seen to the end: %ld\n", syscall(SYS_getuid));
		SAY("not emulated: %d\n", syscall(SYS_getuid) == getuid());
		_exit(0);
	}
	waitpid(p, &st, 0);
	OK(ptrace(SYSEMU, p, 0, 0));
	waitpid(p, &st, 0);
	say_status("entry", st);
	ptrace(PTRACE_GETREGS, p, 0, &r);
	SAY("call %lld, result %lld\n", (long long)r.orig_rax, (long long)r.rax);
	r.rax = 4711;
	ptrace(PTRACE_SETREGS, p, 0, &r);
	do {
		ptrace(PTRACE_SYSCALL, p, 0, 0);
		waitpid(p, &st, 0);
		ptrace(PTRACE_GETREGS, p, 0, &r);
	} while (r.orig_rax != SYS_write);
	SAY("an exit that follows says %lld\n", (long long)r.rax);
	ptrace(PTRACE_SYSCALL, p, 0, 0);
	waitpid(p, &st, 0);
	ptrace(SYSEMU, p, 0, 0);
	waitpid(p, &st, 0);
	ptrace(PTRACE_GETREGS, p, 0, &r);
	SAY("call %lld\n", (long long)r.orig_rax);
	ptrace(PTRACE_SYSCALL, p, 0, 0);
	waitpid(p, &st, 0);
	ptrace(PTRACE_GETREGS, p, 0, &r);
	SAY("its exit: %lld %lld\n", (long long)r.orig_rax, (long long)r.rax);
	/* A signal from a stop that no signal caused. */
	ptrace(PTRACE_SYSCALL, p, 0, SIGUSR1);
	waitpid(p, &st, 0);
	say_status("then", st);
	ptrace(PTRACE_CONT, p, 0, WSTOPSIG(st) == SIGUSR1 ? SIGUSR1 : 0);
	wait_say("tracee", p);
}

/* The tracer has seen the stop and dies. */
static void tracer_dies(bool seize)
{
	char state = '?';
	int st;
	pid_t victim = fork(), tracer;

	if (victim == 0)
		for (;;)
			pause();
	tracer = fork();
	if (tracer == 0) {
		ptrace(seize ? PTRACE_SEIZE : PTRACE_ATTACH, victim, 0, 0);
		if (seize)
			ptrace(PTRACE_INTERRUPT, victim, 0, 0);
		waitpid(victim, &st, 0);
		_exit(0);
	}
	waitpid(tracer, NULL, 0);
	for (int i = 0; i < 200 && state != 'S' && state != 'T'; i++) {
		usleep(10000);
		state = thread_state(victim);
	}
	SAY("tracer died, %s: %c\n", seize ? "seized" : "attached", state);
	kill(victim, SIGKILL);
	wait_say("victim", victim);
}

struct peek_args { uint64_t off; uint32_t flags; int32_t nr; };

static void peeked(void)
{
	siginfo_t si[10] = { 0 };
	struct peek_args a = { 0, 1, 10 };
	sigset_t set;
	pid_t p;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	p = fork();
	if (p == 0)
		for (;;)
			pause();
	for (int i = 0; i < 5; i++) {
		si[0].si_code = SI_TIMER;
		si[0].si_value.sival_int = i;
		syscall(SYS_rt_sigqueueinfo, p, SIGRTMIN + 1, si);
	}
	ptrace(PTRACE_ATTACH, p, 0, 0);
	waitpid(p, NULL, 0);
	V(ptrace(0x4209, p, &a, si));
	SAY("the last: %d\n", si[4].si_value.sival_int);
	a.off = 3;
	V(ptrace(0x4209, p, &a, si));
	a.nr = -1;
	V(ptrace(0x4209, p, &a, si));
	kill(p, SIGKILL);
	waitpid(p, NULL, 0);
}

static void counts(void)
{
	int *w = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), id;
	struct sigevent ev = { .sigev_notify = SIGEV_NONE };
	long n;
	pid_t p = fork();

	if (p == 0) {
		syscall(SYS_futex, w, FUTEX_WAIT, 0, NULL);
		_exit(0);
	}
	do {
		n = syscall(SYS_futex, w, FUTEX_WAKE, 0);
	} while (n == 0);
	SAY("a wake of none wakes %ld\n", n);
	wait_say("woken", p);
	V(syscall(SYS_timer_create, CLOCK_MONOTONIC_RAW, &ev, &id));
	V(syscall(SYS_timer_create, CLOCK_REALTIME_COARSE, &ev, &id));
	V(syscall(SYS_process_vm_readv, -1, NULL, 0, NULL, 0, 0));
}

int main(void)
{
	emulated();
	tracer_dies(false);
	tracer_dies(true);
	peeked();
	counts();
	return 0;
}
