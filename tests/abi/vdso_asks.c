/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of the vDSO that have to ask the kernel: their errors, under a timer's
 * signals, with gs in use, under a filter and under a tracer. */
#include "abi.h"
#include <asm/prctl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>

static volatile int alarms;

static void on_alarm(int sig) { alarms += sig == SIGALRM; }

/* The time of a thread's CPU, read often, never runs backwards. */
static int backwards(void)
{
	struct timespec last = { 0 }, now;
	int bad = 0;

	for (int i = 0; i < 2000; i++, last = now) {
		if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now))
			return -1;
		bad += now.tv_sec < last.tv_sec || (now.tv_sec == last.tv_sec && now.tv_nsec < last.tv_nsec);
	}
	return bad;
}

static void errors(void)
{
	struct timespec t;
	int r = clock_gettime(CLOCK_THREAD_CPUTIME_ID, (struct timespec *)8);

	SAY("bad address: %s\n", r ? abi_errno(errno) : "0");
	r = clock_gettime(12345, &t);
	SAY("no such clock: %s\n", r ? abi_errno(errno) : "0");
	r = clock_getres(CLOCK_THREAD_CPUTIME_ID, &t);
	SAY("resolution: %d %ld\n", r, (long)t.tv_sec);
	SAY("a CPU: %d\n", sched_getcpu() >= 0);
}

static void interrupted(void)
{
	const struct itimerval often = { { 0, 200 }, { 0, 200 } }, off = { { 0, 0 }, { 0, 0 } };
	int bad = 0;

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &often, NULL);
	while (alarms < 20)
		bad |= backwards();
	setitimer(ITIMER_REAL, &off, NULL);
	SAY("under signals: %d\n", bad);
}

static void with_gs(void)
{
	unsigned long was = 0, now = 0, word = 0;
	int bad;

	syscall(SYS_arch_prctl, ARCH_GET_GS, &was);
	syscall(SYS_arch_prctl, ARCH_SET_GS, &word);
	bad = backwards();
	syscall(SYS_arch_prctl, ARCH_GET_GS, &now);
	SAY("with gs: %d, kept %d\n", bad, now == (unsigned long)&word);
	syscall(SYS_arch_prctl, ARCH_SET_GS, was);
}

static int filtered(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_gettime, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 77),
	};
	struct sock_fprog p = { sizeof(f) / sizeof(f[0]), f };
	struct timespec t;

	backwards();
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p);
	return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) ? errno : 0;
}

/* The tracer sees each call on its way in and out, where it was made. */
static void traced(void)
{
	int status, seen = 0, where = 0;
	pid_t pid = fork();

	if (!pid) {
		struct timespec t;

		backwards();
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		for (int i = 0; i < 3; i++)
			clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
	while (!ptrace(PTRACE_SYSCALL, pid, 0, 0) && waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		struct user_regs_struct r;

		if (WSTOPSIG(status) != (SIGTRAP | 0x80) || ptrace(PTRACE_GETREGS, pid, 0, &r) ||
		    r.orig_rax != SYS_clock_gettime)
			continue;
		seen++;
		where += (ptrace(PTRACE_PEEKTEXT, pid, r.rip - 2, 0) & 0xffff) == 0x050f && r.rcx == r.rip;
	}
	SAY("traced: %d stops, %d behind the instruction, exit %d\n", seen, where, WIFEXITED(status));
}

int main(void)
{
	SAY("backwards: %d\n", backwards());
	errors();
	interrupted();
	with_gs();
	traced();
	SAY("filtered: %d\n", filtered());
	return 0;
}
