/* SPDX-License-Identifier: Apache-2.0 */
/* What a tracer is shown: signals that come during a stop, the stop at the end, calls that it changes at
 * SECCOMP_RET_TRACE, who caused a stop, lengths of register sets. */
#include "abi.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>

static void next(pid_t p)
{
	siginfo_t si;
	unsigned long msg = 0;
	int st;

	V(waitpid(p, &st, 0) == p);
	if (!WIFSTOPPED(st)) {
		printf("%s %d\n", WIFEXITED(st) ? "exited" : "killed", WIFEXITED(st) ? WEXITSTATUS(st) : WTERMSIG(st));
		return;
	}
	printf("stop %d event %d", WSTOPSIG(st), st >> 16);
	if (st >> 16) {
		ptrace(PTRACE_GETEVENTMSG, p, NULL, &msg);
		ptrace(PTRACE_GETSIGINFO, p, NULL, &si);
		printf(" message %#lx code %#x own %d", msg, si.si_code, si.si_pid == p && si.si_uid == getuid());
	}
	printf("\n");
}

static pid_t traced(void (*fn)(void *), void *arg, long options)
{
	pid_t p = fork();

	if (!p) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		fn(arg);
		_exit(7);
	}
	next(p);
	V(ptrace(PTRACE_SETOPTIONS, p, NULL, options));
	return p;
}

/* ---- a signal for the whole process while it is stopped ---- */

static volatile int chld;
static void on_chld(int s) { chld++; }

static void with_child(void *arg)
{
	int *pipes = arg;
	char c;

	signal(SIGCHLD, on_chld);
	if (!fork()) {
		close(pipes[1]);
		_exit(read(pipes[0], &c, 1) == 1);
	}
	raise(SIGSTOP);
	for (int k = 0; k < 50; k++)
		syscall(SYS_getppid);
	_exit(chld);
}

static bool pending(pid_t p, int signo)
{
	unsigned long long set = 0;
	char name[64], line[200];
	FILE *f;

	snprintf(name, sizeof name, "/proc/%d/status", p);
	f = fopen(name, "r");
	while (f && fgets(line, sizeof line, f))
		sscanf(line, "ShdPnd: %llx", &set);
	if (f)
		fclose(f);
	return set >> (signo - 1) & 1;
}

static void lost_signal(void)
{
	int pipes[2];
	pid_t p;

	V(pipe(pipes));
	p = traced(with_child, pipes, 0);
	ptrace(PTRACE_CONT, p, NULL, 0);
	next(p);
	V(write(pipes[1], "x", 1));
	for (int k = 0; k < 5000 && !pending(p, SIGCHLD); k++)
		usleep(1000);
	V(pending(p, SIGCHLD));
	ptrace(PTRACE_CONT, p, NULL, 0);
	next(p);
	ptrace(PTRACE_CONT, p, NULL, SIGCHLD);
	next(p);
	close(pipes[0]);
	close(pipes[1]);
}

/* ---- the stop at the end ---- */

static void who_traces(void)
{
	char line[200];
	FILE *f = fopen("/proc/self/status", "r");
	int pid = -1;

	while (fgets(line, sizeof line, f))
		sscanf(line, "TracerPid: %d", &pid);
	fclose(f);
	printf("traced by %s\n", pid == getppid() ? "parent" : pid ? "another" : "nobody");
	fflush(stdout);
}

static void plain_exit(void *arg) { who_traces(); _exit(9); }
static void thread_exit(void *arg) { syscall(SYS_exit, 10); }
static void segfault(void *arg) { raise(SIGUSR1); }

static void last_stop(void)
{
	static void (*const ways[])(void *) = { plain_exit, thread_exit, segfault };

	for (unsigned k = 0; k < 3; k++) {
		pid_t p = traced(ways[k], NULL, PTRACE_O_TRACEEXIT);

		ptrace(PTRACE_CONT, p, NULL, 0);
		next(p);
		if (k == 2) {
			ptrace(PTRACE_CONT, p, NULL, SIGUSR1);
			next(p);
		}
		ptrace(PTRACE_CONT, p, NULL, 0);
		next(p);
	}
	/* Left in it. */
	pid_t p = traced(plain_exit, NULL, PTRACE_O_TRACEEXIT);
	ptrace(PTRACE_CONT, p, NULL, 0);
	next(p);
	V(ptrace(PTRACE_DETACH, p, NULL, 0));
	next(p);
}

/* ---- calls that the tracer changes ---- */

static void filtered(void *arg)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpid, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | 5),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getuid, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EDOM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof f / sizeof f[0], f };
	long r[5], parent = getppid(), self = getpid();

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
	for (int k = 0; k < 5; k++) {
		r[k] = syscall(SYS_getpid);
		if (r[k] < 0)
			r[k] = -errno;
	}
	printf("itself %d parent %d forbidden %d skipped %ld twice %d\n", r[0] == self, r[1] == parent,
	       r[2] == -EDOM, r[3], r[4] == self);
	_exit(0);
}

static void changed_calls(void)
{
	static const long to[] = { SYS_getpid, SYS_getppid, SYS_getuid, -1, SYS_getpid };
	pid_t p = traced(filtered, NULL, PTRACE_O_TRACESECCOMP);

	for (unsigned k = 0; k < 5; k++) {
		ptrace(PTRACE_CONT, p, NULL, 0);
		next(p);
		if (to[k] == SYS_getpid)
			continue;
		ptrace(PTRACE_POKEUSER, p, offsetof(struct user_regs_struct, orig_rax), to[k]);
		if (to[k] < 0)
			ptrace(PTRACE_POKEUSER, p, offsetof(struct user_regs_struct, rax), 1234l);
	}
	ptrace(PTRACE_CONT, p, NULL, 0);
	next(p);
}

static void register_sets(void)
{
	char buf[4096];
	struct iovec v = { buf, 217 };
	pid_t p = traced(plain_exit, NULL, 0);

	V(ptrace(PTRACE_GETREGSET, p, 1l, &v)); V(v.iov_len);
	v.iov_len = 16; V(ptrace(PTRACE_GETREGSET, p, 1l, &v)); V(v.iov_len);
	v.iov_len = 4000; V(ptrace(PTRACE_GETREGSET, p, 1l, &v)); V(v.iov_len);
	v.iov_len = 12; V(ptrace(PTRACE_GETREGSET, p, 2l, &v)); V(v.iov_len);
	v.iov_len = 13; V(ptrace(PTRACE_GETREGSET, p, 2l, &v)); V(v.iov_len);
	v.iov_len = 12; V(ptrace(PTRACE_GETREGSET, p, 0x202l, &v));
	ptrace(PTRACE_KILL, p, NULL, NULL);
	next(p);
}

/* ---- a signal to go on with, out of a stop at a system call ---- */

static void wants_signal(void *arg)
{
	signal(SIGUSR1, on_chld);
	syscall(SYS_getuid);
	_exit(chld);
}

static void signal_at_calls(void)
{
	struct user_regs_struct r = { .orig_rax = 0 };
	pid_t p = traced(wants_signal, NULL, PTRACE_O_TRACESYSGOOD);
	siginfo_t si;

	while (r.orig_rax != SYS_getuid) {
		ptrace(PTRACE_SYSCALL, p, NULL, 0);
		waitpid(p, NULL, 0);
		ptrace(PTRACE_GETREGS, p, NULL, &r);
	}
	V(ptrace(PTRACE_SYSCALL, p, NULL, SIGUSR1));
	next(p);
	V(ptrace(PTRACE_SYSCALL, p, NULL, 0));
	next(p);
	V(ptrace(PTRACE_GETSIGINFO, p, NULL, &si)); V(si.si_code); V(si.si_pid);
	V(ptrace(PTRACE_CONT, p, NULL, SIGUSR1));
	next(p);
}

int main(void)
{
	lost_signal();
	last_stop();
	changed_calls();
	register_sets();
	signal_at_calls();
	return 0;
}
