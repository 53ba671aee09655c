/* SPDX-License-Identifier: Apache-2.0 */
/* A tracer is shown the filters of its tracee: how many, their programs, whether they log. */
#include "abi.h"
#include <linux/filter.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

struct metadata { uint64_t filter_off, flags; };

static long tr(int req, pid_t p, long addr, void *data) { return syscall(SYS_ptrace, req, p, addr, data); }

static void filtered(void)
{
	struct sock_filter one[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct sock_filter two[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct sock_fprog first = { 1, one }, second = { 2, two };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &first);
	syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG, &second);
}

static void look(pid_t p)
{
	struct sock_filter prog[8];
	struct metadata m;

	for (int n = 0; n < 4; n++) {
		memset(prog, 0, sizeof prog);
		V(tr(PTRACE_SECCOMP_GET_FILTER, p, n, NULL));
		V(tr(PTRACE_SECCOMP_GET_FILTER, p, n, prog));
		SAY("%x %x %x\n", prog[0].code, prog[1].code, prog[2].code);
		m = (struct metadata){ n, 77 };
		V(tr(PTRACE_SECCOMP_GET_METADATA, p, sizeof m, &m));
		SAY("%d %d\n", (int)m.filter_off, (int)m.flags);
	}
	m = (struct metadata){ 1, 77 };
	V(tr(PTRACE_SECCOMP_GET_METADATA, p, 8, &m));
	V(tr(PTRACE_SECCOMP_GET_METADATA, p, 7, &m));
	V(tr(PTRACE_SECCOMP_GET_METADATA, p, 100, &m));
	SAY("%d %d\n", (int)m.filter_off, (int)m.flags);
	V(tr(PTRACE_SECCOMP_GET_METADATA, p, sizeof m, NULL));
	V(tr(PTRACE_SECCOMP_GET_FILTER, p, 0, (void *)8));
}

int main(void)
{
	for (int k = 0; k < 2; k++) {
		pid_t p = fork();

		if (!p) {
			tr(PTRACE_TRACEME, 0, 0, NULL);
			if (k)
				filtered();
			raise(SIGSTOP);
			_exit(0);
		}
		wait_say("child", p);
		look(p);
		V(tr(PTRACE_DETACH, p, 0, NULL));
		wait_say("child", p);
	}
	return 0;
}
