/* SPDX-License-Identifier: Apache-2.0 */
/* variants: dynamic */
/* Whoever looks at the registers of a call that writes few bytes sees those that the call
 * makes no use of, too: a handler, a filter, a tracer. */
#include "abi.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <ucontext.h>

#define TIMES 600                       /* by then these calls are as cheap as they get */
#define A4 0x1111111111111111
#define A5 0x2222222222222222
#define A6 0x3333333333333333

static unsigned good;

static long small_write(int fd, unsigned n, long last)
{
	return syscall(SYS_write, fd, "0123456789abcdefghijklmnopq", n, A4, A5, last);
}

static void on_pipe(int sig, siginfo_t *si, void *p)
{
	const greg_t *r = ((ucontext_t *)p)->uc_mcontext.gregs;

	(void)sig;
	(void)si;
	good += r[REG_R10] == A4 && r[REG_R8] == A5 && r[REG_R9] == A6 && r[REG_RAX] == -EPIPE;
}

static void handlers(void)
{
	struct sigaction sa = { .sa_sigaction = on_pipe, .sa_flags = SA_SIGINFO };
	int p[2];

	if (pipe(p) || sigaction(SIGPIPE, &sa, NULL))
		printf("pipe: %s\n", abi_errno(errno));
	close(p[0]);
	for (unsigned i = 0; i < TIMES; i++)
		small_write(p[1], 1 + i % 27, A6);
	printf("a handler saw them %u times of %u\n", good, TIMES);
	close(p[1]);
}

/* Bytes arrive whole, whatever their number, and from wherever. */
static void bytes(void)
{
	static char page[3 * 4096] __attribute__((aligned(4096)));
	char *volatile nowhere = (char *)16;
	unsigned wrong = 0;
	char got[64];
	int p[2], s[2];

	if (pipe(p) || socketpair(AF_UNIX, SOCK_DGRAM, 0, s))
		printf("pipe: %s\n", abi_errno(errno));
	mprotect(page + 8192, 4096, PROT_NONE);
	for (unsigned i = 0; i < 8192; i++)
		page[i] = (char)(i * 7 + i / 256);
	for (unsigned i = 0; i < TIMES; i++) {
		unsigned n = 1 + i % 30;
		char *from = i & 1 ? page + 4096 - n / 2 : page + i;

		if (write(p[1], from, n) != n || read(p[0], got, sizeof got) != n || memcmp(got, from, n))
			wrong++;
		if (send(s[0], from, n, 0) != n || recv(s[1], got, sizeof got, 0) != n || memcmp(got, from, n))
			wrong++;
	}
	for (unsigned n = 1; n < 30; n++) {
		if (write(p[1], nowhere, n) != -1 || errno != EFAULT)
			wrong++;
		if (send(s[0], page + 8192 - n / 2, n, 0) != -1 || errno != EFAULT)
			wrong++;
	}
	printf("bytes wrong: %u\n", wrong);
}

static void filters(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[5])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)A6, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[3]) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)A4, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof code / sizeof *code, code };
	unsigned refused = 0, let = 0;
	int null = open("/dev/null", O_WRONLY);

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		printf("filter: %s\n", abi_errno(errno));
	for (unsigned i = 0; i < TIMES; i++) {
		refused += small_write(null, 1 + i % 27, A6) == -1 && errno == EXDEV;
		let += small_write(null, 1 + i % 27, 0) == 1 + i % 27;
	}
	printf("a filter refused %u, let %u\n", refused, let);
}

static void tracers(void)
{
	unsigned seen = 0, status;
	pid_t pid = fork();

	if (!pid) {
		int null = open("/dev/null", O_WRONLY);

		for (unsigned i = 0; i < TIMES; i++)
			small_write(null, 8, A6);
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		for (unsigned i = 0; i < 20; i++)
			small_write(null, 1 + i, A6);
		_exit(0);
	}
	while (waitpid(pid, (int *)&status, 0) == pid && WIFSTOPPED(status)) {
		struct user_regs_struct r;

		if (ptrace(PTRACE_GETREGS, pid, 0, &r) == 0)
			seen += r.orig_rax == SYS_write && r.r10 == A4 && r.r8 == A5 && r.r9 == A6;
		ptrace(PTRACE_SYSCALL, pid, 0, 0);
	}
	printf("a tracer saw them %u times, end %#x\n", seen, status);
}

int main(void)
{
	bytes();
	handlers();
	tracers();
	filters();
	return 0;
}
