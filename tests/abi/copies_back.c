/* SPDX-License-Identifier: Apache-2.0 */
/* What a system call writes to the program's memory is there when it returns,
 * for everybody who may look then; where it cannot be written, the call fails
 * and has taken nothing. */
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <ucontext.h>

#include "abi.h"

static char *area;              /* two pages, a hole behind */
static int fd[2];

static void left_in_pipe(const char *what)
{
	char b[64] = { 0 };
	ssize_t n = read(fd[0], b, sizeof(b));

	SAY("%s: %zd left: %s\n", what, n, n > 0 ? b : abi_errno(errno));
}

/* Memory that cannot be written, or only in part. */
static void no_place(void)
{
	V(mprotect(area + 4096, 4096, PROT_READ));
	V(write(fd[1], "0123456789", 10));
	V(read(fd[0], area + 4096, 10));
	left_in_pipe("read-only");
	V(write(fd[1], "0123456789", 10));
	V(read(fd[0], area + 8192, 10));
	left_in_pipe("hole");
	V(mprotect(area + 4096, 4096, PROT_NONE));
	V(fstat(0, (struct stat *)(area + 4096 - 8)));
	V(mprotect(area + 4096, 4096, PROT_READ | PROT_WRITE));
	/* Writable again: the same addresses, at once. */
	V(write(fd[1], "0123456789", 10));
	V(read(fd[0], area + 4096 - 4, 10));
	SAY("%.10s\n", area + 4096 - 4);
	V(munmap(area + 4096, 4096));
	V(write(fd[1], "0123456789", 10));
	V(read(fd[0], area + 4096, 10));
	left_in_pipe("unmapped");
	SAY("back %d\n", mmap(area + 4096, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	    area + 4096);
	V(write(fd[1], "0123456789", 10));
	V(read(fd[0], area + 4096 - 4, 10));
	SAY("%.10s\n", area + 4096 - 4);
}

/* Several results of one call, and calls in a row at one place. */
static void in_order(void)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = 0x1122334455667788 }, got[4];
	struct iovec iov[8];
	uint64_t v;
	int ep = epoll_create1(0), e = eventfd(0, EFD_NONBLOCK);

	V(epoll_ctl(ep, EPOLL_CTL_ADD, e, &ev));
	for (unsigned i = 1; i < 500; i++) {
		v = i;
		if (write(e, &v, 8) != 8 || epoll_wait(ep, got, 4, -1) != 1 || got[0].data.u64 != ev.data.u64 ||
		    read(e, &v, 8) != 8 || v != i)
			SAY("wrong at %u: %llu\n", i, (unsigned long long)v);
	}
	/* Overlapping places: the last one counts. */
	for (unsigned i = 0; i < 8; i++)
		iov[i] = (struct iovec){ area + 100 + i, 8 };
	V(write(fd[1], "aaaaaaaabbbbbbbbccccccccddddddddeeeeeeeeffffffffgggggggghhhhhhhh", 64));
	V(readv(fd[0], iov, 8));
	SAY("%.15s\n", area + 100);
	/* More than a list holds. */
	for (unsigned i = 0; i < 64; i++) {
		char c = (char)('A' + i % 26);

		(void)!write(fd[1], &c, 1);
	}
	for (unsigned i = 0; i < 8; i++)
		iov[i] = (struct iovec){ area + i * 300, 8 };
	V(readv(fd[0], iov, 8));
	for (unsigned i = 0; i < 8; i++)
		SAY("%.8s ", area + i * 300);
	SAY("\n");
	close(ep);
	close(e);
}

/* Children see what was there when they were made. */
static void children(void)
{
	int status;

	for (unsigned i = 0; i < 3; i++) {
		char c = (char)('x' + i);
		pid_t pid;

		V(write(fd[1], &c, 1));
		V(read(fd[0], area + 50, 1));
		pid = i == 1 ? (pid_t)syscall(SYS_clone, SIGCHLD | CLONE_CHILD_SETTID, 0, 0, area + 64, 0) : fork();
		if (pid == 0)
			_exit(area[50] == c && (i != 1 || *(int *)(area + 64) == getpid()) ? 0 : 1);
		V(waitpid(pid, &status, 0) == pid);
		SAY("child saw it: %d, parent's tid word is its own: %d\n", WEXITSTATUS(status) == 0, *(int *)(area + 64) != pid);
	}
}

/* A thread looks into its own word, and its parent into that, at once. */
static volatile int tid_word, tid_seen;

static int thread_main(void *arg)
{
	(void)arg;
	tid_seen = tid_word == (int)syscall(SYS_gettid);
	return 0;
}

static void thread_words(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	unsigned right = 0;

	for (unsigned i = 0; i < 50; i++) {
		volatile int ctid = -1;

		tid_word = tid_seen = 0;
		int tid = clone(thread_main, stack + sizeof(stack), CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
				CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID,
				NULL, &tid_word, NULL, &ctid);
		bool mine = tid_word == tid;

		while (ctid)
			sched_yield();
		right += mine && tid_seen;
	}
	SAY("thread words right: %u\n", right);
}

/* Another thread takes the place away while calls write to it. */
static volatile bool stop;

static void *changer(void *arg)
{
	char *at = arg;

	while (!stop) {
		mprotect(at, 4096, PROT_READ);
		mprotect(at, 4096, PROT_READ | PROT_WRITE);
		munmap(at, 4096);
		mmap(at, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	}
	return NULL;
}

static void changed_meanwhile(void)
{
	char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned odd = 0;
	pthread_t t;
	int zero = open("/dev/zero", O_RDONLY);

	pthread_create(&t, NULL, changer, at);
	for (unsigned i = 0; i < 20000; i++) {
		ssize_t n = i & 1 ? read(zero, at + 8, 100) : syscall(SYS_clock_gettime, CLOCK_REALTIME, at + 200);

		odd += !(n == (i & 1 ? 100 : 0) || (n == -1 && errno == EFAULT));
	}
	stop = true;
	pthread_join(t, NULL);
	SAY("neither done nor EFAULT: %u\n", odd);
	munmap(at, 4096);
	close(zero);
}

/* A tracer at the call's end sees its result. */
static void traced(void)
{
	unsigned long got;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		if (write(fd[1], "tracedok", 8) != 8)
			_exit(1);
		_exit(read(fd[0], area + 16, 8) != 8);
	}
	waitpid(pid, &status, 0);
	for (unsigned i = 0; i < 40; i++) {
		struct user_regs_struct r;

		ptrace(PTRACE_SYSCALL, pid, 0, 0);
		waitpid(pid, &status, 0);
		if (!WIFSTOPPED(status))
			break;
		ptrace(PTRACE_GETREGS, pid, 0, &r);
		if (r.orig_rax != SYS_read || (long)r.rax != 8)
			continue;
		got = (unsigned long)ptrace(PTRACE_PEEKDATA, pid, area + 16, 0);
		SAY("tracer reads %.8s\n", (char *)&got);
	}
	SAY("tracee ended %d\n", WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A handler whose frame lies where a result has just been written, and a
 * result written by the call that a handler interrupts. */
static volatile unsigned handled;
static char *alt;

static void on_usr1(int signo, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;

	handled += signo == SIGUSR1 && si->si_pid == getpid() && (char *)uc > alt && (char *)uc < alt + 65536;
}

static void frames(void)
{
	struct sigaction sa = { .sa_sigaction = on_usr1, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t ss = { .ss_size = 65536 };
	struct timespec ts;
	unsigned right = 0;

	alt = ss.ss_sp = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sigaltstack(&ss, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	for (unsigned i = 0; i < 300; i++) {
		char *at = alt + 65536 - 64 - i * 8;

		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, at);
		syscall(SYS_kill, getpid(), SIGUSR1);
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
		right += handled == i + 1 && ts.tv_nsec < 1000000000;
	}
	SAY("handlers right: %u\n", right);
	/* No place for the frame. */
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		mprotect(alt, 65536, PROT_READ);
		raise(SIGUSR1);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	SAY("no frame: signal %d\n", WTERMSIG(status));
}

int main(void)
{
	area = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(area + 8192, 4096);
	if (pipe(fd))
		return 1;
	no_place();
	in_order();
	children();
	thread_words();
	changed_meanwhile();
	traced();
	frames();
	return 0;
}
