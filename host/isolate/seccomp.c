/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp filter of a host-side process, built from its allow list.
 *
 * x86-64 only: another architecture's entry and the x32 numbers kill.  The
 * numbers are searched as a binary tree, so that a call costs about six
 * comparisons.  What is not listed kills the process; with isolate_debug the
 * number is printed first. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "host/isolate/isolate.h"
#include "host/isolate/lists.h"

#define CALLS_MAX 100u
STATIC_ASSERT(SECCOMP_FILTER_MAX == 3 * CALLS_MAX + 16);

bool isolate_debug;

struct builder { struct sock_filter *f; size_t n; int nrs[CALLS_MAX]; uint32_t deny; };

static void emit(struct builder *b, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	b->f[b->n++] = (struct sock_filter)BPF_JUMP(code, k, jt, jf);
}

/* Decide numbers [lo, hi), which are sorted. */
static void emit_range(struct builder *b, size_t lo, size_t hi)
{
	size_t mid, jump, i;

	if (hi - lo <= 3) {
		for (i = lo; i < hi; i++) {
			emit(b, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)b->nrs[i], 0, 1);
			emit(b, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
		}
		emit(b, BPF_RET | BPF_K, b->deny, 0, 0);
		return;
	}
	mid = lo + (hi - lo) / 2;
	/* >= nrs[mid]: over the lower half by an unconditional jump, whose
	 * distance is not limited to a byte. */
	emit(b, BPF_JMP | BPF_JGE | BPF_K, (uint32_t)b->nrs[mid], 0, 1);
	jump = b->n;
	emit(b, BPF_JMP | BPF_JA, 0, 0, 0);
	emit_range(b, lo, mid);
	b->f[jump].k = (uint32_t)(b->n - jump - 1);
	emit_range(b, mid, hi);
}

static int cmp_int(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void debug_report(int sig, siginfo_t *info, void *ctx)
{
	char text[] = "nacre: host call 0000 is not in this process's list\n";
	unsigned nr = (unsigned)info->si_syscall, i;

	(void)sig;
	(void)ctx;
	for (i = 0; i < 4; i++, nr /= 10)
		text[20 - i] = (char)('0' + nr % 10);
	(void)!write(2, text, sizeof(text) - 1);
	_exit(125);
}

size_t seccomp_build(const struct isolate_call *calls, size_t count,
		     struct sock_filter *filter)
{
	struct builder b = { .f = filter, .deny = SECCOMP_RET_KILL_PROCESS };
	size_t i;

	for (i = 0; i < count; i++)
		b.nrs[i] = calls[i].nr;
	if (isolate_debug) {
		b.deny = SECCOMP_RET_TRAP;
		b.nrs[count++] = SYS_write;
		b.nrs[count++] = SYS_exit_group;
	}
	qsort(b.nrs, count, sizeof(b.nrs[0]), cmp_int);
	emit(&b, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
	emit(&b, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	emit(&b, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
	emit(&b, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	emit_range(&b, 0, count);
	return b.n;
}

int seccomp_install(const struct isolate_call *calls, size_t count)
{
	struct sock_filter filter[SECCOMP_FILTER_MAX];
	struct sock_fprog prog = { .filter = filter };
	struct sigaction sa = { .sa_sigaction = debug_report, .sa_flags = SA_SIGINFO };

	if (count > CALLS_MAX - 2)
		return -E2BIG;
	if (isolate_debug)
		sigaction(SIGSYS, &sa, NULL);
	prog.len = (unsigned short)seccomp_build(calls, count, filter);

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog))
		return -errno;
	return 0;
}
