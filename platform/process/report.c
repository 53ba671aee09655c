/* SPDX-License-Identifier: Apache-2.0 */
/* report.c: words to the operator, and the two ends of a sandbox.
 *
 * A fault of the sandbox process itself is a bug of ours: every thread has a
 * signal stack, and the handler prints the same report as plat_panic().  The
 * exit status reaches the monitor by message; the exit of the process takes
 * the PID namespace, and so every stub, with it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <ucontext.h>
#include <unistd.h>

#include "host/monitor/control.h"
#include "platform/process/internal.h"

HOST_CALLS(sandbox, write, sendto, exit_group, sigaltstack, rt_sigaction, rt_sigprocmask, rt_sigreturn);

#define PANIC_STATUS 125
#define TRACE_MAX 32
#define LOSSES_TOLD 16
#define REPORT_STACK 16384

extern const char __executable_start[];
/* A test of the platform alone has no kernel. */
#pragma weak kernel_describe

void plat_log(const char *text, size_t size)
{
	if (process.log_fd >= 0 && write(process.log_fd, text, size) < 0)
		return;                         /* may drop */
}

void reportf(const char *fmt, ...)
{
	char line[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n > 0)
		plat_log(line, MIN((size_t)n, sizeof(line) - 1));
}

/* A program can bring its own process to this as often as it likes. */
void report_loss(const char *cause, int status)
{
	static uint32_t told;

	if (__atomic_load_n(&told, __ATOMIC_RELAXED) >= LOSSES_TOLD ||
	    __atomic_fetch_add(&told, 1, __ATOMIC_RELAXED) >= LOSSES_TOLD)
		return;
	if (cause)
		reportf("nacre: a program's process was ended: %s\n", cause);
	else
		reportf("nacre: a program's process was ended by the host: signal or status %d\n", status);
}

__noreturn static void end(int status)
{
	struct control_msg msg = { .type = CONTROL_EXIT, .a = (uint32_t)status & 0xff };

	if (process.control_fd >= 0)
		send(process.control_fd, &msg, sizeof(msg), MSG_NOSIGNAL | MSG_DONTWAIT);
	_exit(status);
}

void plat_exit(int status)
{
	end(status & 0xff);
}

/* Frame pointers are followed upwards only, within one stack's size. */
static void trace(uintptr_t ip, uintptr_t fp)
{
	for (unsigned i = 0; i < TRACE_MAX && ip; i++) {
		uintptr_t next;

		reportf("  at %#lx (+%#lx)\n", (unsigned long)ip,
			(unsigned long)(ip - (uintptr_t)__executable_start));
		if (!fp || fp % 8)
			break;
		next = ((uintptr_t *)fp)[0];
		ip = ((uintptr_t *)fp)[1];
		if (next <= fp || next - fp > (1u << 16))
			fp = 0;
		else
			fp = next;
	}
}

static uint32_t panicking;

__noreturn static void panic_at(const char *cause, uintptr_t ip, uintptr_t fp)
{
	char who[64] = "";

	/* A second one, or one while tracing: no more words. */
	if (__atomic_fetch_add(&panicking, 1, __ATOMIC_SEQ_CST))
		end(PANIC_STATUS);
	reportf("nacre: kernel panic on CPU %u: %s\n", plat_cpu_self(), cause);
	trace(ip, fp);
	reportf("  build %s\n", process.build_id ? process.build_id : "unknown");
	/* Last: what the kernel says of itself now may fault again. */
	if (kernel_describe)
		kernel_describe(who, sizeof(who));
	if (who[0])
		reportf("  task %s\n", who);
	end(PANIC_STATUS);
}

void plat_panic(const char *cause)
{
	uintptr_t *fp = __builtin_frame_address(0);

	panic_at(cause, (uintptr_t)__builtin_return_address(0), fp[0]);
}

static void on_fault(int signo, siginfo_t *si, void *context)
{
	const ucontext_t *uc = context;
	char cause[96];

	snprintf(cause, sizeof(cause), "signal %d (code %d) at address %#lx", signo, si->si_code,
		 (unsigned long)si->si_addr);
	panic_at(cause, (uintptr_t)uc->uc_mcontext.gregs[REG_RIP],
		 (uintptr_t)uc->uc_mcontext.gregs[REG_RBP]);
}

void report_thread_init(void)
{
	stack_t ss = { .ss_size = REPORT_STACK };
	void *p = mmap(NULL, REPORT_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return;
	ss.ss_sp = p;
	sigaltstack(&ss, NULL);
}

int report_init(void)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGTRAP, SIGABRT };
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	sigfillset(&sa.sa_mask);
	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++)
		if (sigaction(fatal[i], &sa, NULL) < 0)
			return -errno;
	signal(SIGPIPE, SIG_IGN);
	report_thread_init();
	return 0;
}
