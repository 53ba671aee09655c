/* SPDX-License-Identifier: Apache-2.0 */
/* Ids that are asked for again and again, from one call site each: right after
 * fork, thread creation, a change of user, under a filter, under a tracer. */
#include "abi.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

static struct ids { long pid, tid, uid, euid, gid, egid; } first;

__attribute__((noinline)) static struct ids ask(void)
{
	struct ids i = { 0 };

	/* Often enough that whatever makes a call quicker has happened. */
	for (int n = 0; n < 50; n++)
		i = (struct ids){ syscall(SYS_getpid), syscall(SYS_gettid), getuid(), geteuid(), getgid(), getegid() };
	return i;
}

static void *thread(void *arg)
{
	struct ids i = ask();

	SAY("thread: same process %d, other thread %d, same users %d\n", i.pid == first.pid, i.tid != first.tid,
	    i.uid == first.uid && i.euid == first.euid && i.gid == first.gid && i.egid == first.egid);
	return arg;
}

/* getpid is refused by number, uid by another. */
static int filter_install(unsigned flags)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpid, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getuid, 2, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 77),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 78),
	};
	struct sock_fprog p = { sizeof(f) / sizeof(f[0]), f };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p);
}

static volatile int step;

static long errno_of(long nr)
{
	long r = syscall(nr);

	return r < 0 ? errno : 0;
}

/* Runs while another thread puts the filter on all. */
static void *filtered(void *arg)
{
	while (!step)
		ask();
	SAY("synchronized: %ld %ld %ld\n", errno_of(SYS_getpid), errno_of(SYS_getuid), errno_of(SYS_gettid));
	return arg;
}

static void under_tracer(void)
{
	pid_t p = fork();
	int st, seen = 0;

	if (p == 0) {
		ask();
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		for (int n = 0; n < 20; n++)
			syscall(SYS_getpid);
		_exit(0);
	}
	waitpid(p, &st, 0);
	ptrace(PTRACE_SETOPTIONS, p, NULL, PTRACE_O_TRACESYSGOOD);
	while (ptrace(PTRACE_SYSCALL, p, NULL, NULL) == 0 && waitpid(p, &st, 0) == p && WIFSTOPPED(st))
		if (WSTOPSIG(st) == (SIGTRAP | 0x80) &&
		    ptrace(PTRACE_PEEKUSER, p, 15 * 8, NULL) == SYS_getpid)
			seen++;
	SAY("traced: %d stops\n", seen);
}

int main(void)
{
	pthread_t t;
	pid_t p;
	int st;

	first = ask();
	SAY("pid is tid: %d\n", first.pid == first.tid);
	p = fork();
	if (p == 0) {
		struct ids i = ask();
		pid_t q = fork();

		if (q)
			waitpid(q, &st, 0);
		SAY(q ? "child: %d %d\n" : "grandchild: %d %d\n", i.pid != first.pid, ask().pid == (q ? i.pid : getpid()));
		_exit(0);
	}
	waitpid(p, &st, 0);
	SAY("parent as before: %d\n", ask().pid == first.pid);
	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, NULL);
	SAY("main thread as before: %d\n", ask().tid == first.tid);
	if (vfork() == 0) {
		/* Shares the memory and the thread that ran its parent. */
		_exit(syscall(SYS_getpid) != first.pid ? 0 : 1);
	}
	wait(&st);
	SAY("vfork: %d, then as before: %d\n", WEXITSTATUS(st), ask().pid == first.pid);
	under_tracer();
	p = fork();
	if (p == 0) {
		ask();
		filter_install(0);
		for (int n = 0; n < 3; n++)
			SAY("filtered: %ld %ld %ld\n", errno_of(SYS_getpid), errno_of(SYS_getuid), errno_of(SYS_getgid));
		if (fork() == 0) {
			SAY("inherited: %ld\n", errno_of(SYS_getpid));
			_exit(0);
		}
		wait(&st);
		_exit(0);
	}
	waitpid(p, &st, 0);
	p = fork();
	if (p == 0) {
		pthread_create(&t, NULL, filtered, NULL);
		usleep(20000);
		SAY("install: %d\n", filter_install(SECCOMP_FILTER_FLAG_TSYNC));
		step = 1;
		pthread_join(t, NULL);
		_exit(0);
	}
	waitpid(p, &st, 0);
	if (first.uid == 0) {
		struct ids i;

		syscall(SYS_setresgid, 11, 12, 13);
		syscall(SYS_setresuid, 21, 22, 0);
		i = ask();
		SAY("%ld %ld %ld %ld\n", i.uid, i.euid, i.gid, i.egid);
		syscall(SYS_setresuid, -1, 0, -1);
		syscall(SYS_setresuid, 0xfffffffe, 24, -1);
		i = ask();
		SAY("%ld %ld %ld %ld\n", i.uid, i.euid, i.gid, i.egid);
	}
	return 0;
}
