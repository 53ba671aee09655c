/* SPDX-License-Identifier: Apache-2.0 */
/* handoff.c: the bare hand-off of a system call to another process and back,
 * with nothing else: what the process platform's figures are compared with.
 *
 * A child traps getpid by seccomp (RET_TRAP, SIGSYS handler) or calls the same
 * function directly (as a patched call site does); it publishes a sequence
 * number in a shared page, the parent answers with the next.  Either side
 * waits by futex ("futex"), by spinning ("spin"), or spins up to 50 us while
 * the other side is on another CPU and then sleeps ("adaptive").
 *
 *   handoff PLACE…      same (one core, futex), apart (two cores, spin),
 *                       free (unpinned, adaptive)
 * Prints "handoff PLACE-trap NS" and "handoff PLACE-call NS": medians of one
 * round trip, over batches. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define BATCHES 101
#define BATCH 100
#define SPIN_NS 50000

enum { WAIT_FUTEX, WAIT_SPIN, WAIT_ADAPTIVE };

/* One direction: who waits sleeps only after saying so. */
struct side {
	_Atomic uint32_t seq, sleeping;
	_Atomic uint32_t cpu;           /* where the publisher ran last */
} __attribute__((aligned(64)));

static struct page { struct side request, reply; uint64_t sample[BATCHES]; } *page;
static int policy;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void die(const char *what)
{
	perror(what);
	_exit(1);
}

static void publish(struct side *s)
{
	atomic_store(&s->cpu, (uint32_t)sched_getcpu());
	atomic_fetch_add(&s->seq, 1);
	if (policy != WAIT_SPIN && atomic_exchange(&s->sleeping, 0))
		syscall(SYS_futex, &s->seq, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void await(struct side *s, uint32_t old, struct side *mine)
{
	uint64_t end = 0;

	if (policy == WAIT_SPIN) {
		while (atomic_load(&s->seq) == old)
			__builtin_ia32_pause();
		return;
	}
	if (policy == WAIT_ADAPTIVE)
		end = now_ns() + SPIN_NS;
	while (end && atomic_load(&s->seq) == old) {
		for (int i = 0; i < 32 && atomic_load(&s->seq) == old; i++)
			__builtin_ia32_pause();
		if ((uint32_t)sched_getcpu() == atomic_load(&s->cpu) || now_ns() > end)
			break;
		atomic_store(&mine->cpu, (uint32_t)sched_getcpu());
	}
	while (atomic_load(&s->seq) == old) {
		atomic_store(&s->sleeping, 1);
		if (atomic_load(&s->seq) == old)
			syscall(SYS_futex, &s->seq, FUTEX_WAIT, old, NULL, NULL, 0);
	}
}

static void round_trip(void)
{
	uint32_t old = atomic_load(&page->reply.seq);

	publish(&page->request);
	await(&page->reply, old, &page->request);
}

static void on_trap(int sig, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	int saved = errno;

	round_trip();
	errno = saved;
	u->uc_mcontext.gregs[REG_RAX] = 1;
}

static void trap_getpid(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };
	struct sigaction sa = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };

	sigaction(SIGSYS, &sa, NULL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
		die("seccomp");
}

static void app(bool trap)
{
	if (trap)
		trap_getpid();
	for (int i = -10; i < BATCHES; i++) {
		uint64_t t0 = now_ns();

		for (int k = 0; k < BATCH; k++) {
			if (trap)
				syscall(SYS_getpid);
			else
				round_trip();
		}
		if (i >= 0)
			page->sample[i] = (now_ns() - t0) / BATCH;
	}
	_exit(0);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The n-th CPU we may use, or -1. */
static int nth_cpu(int n)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		die("sched_getaffinity");
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set) && n-- == 0)
			return i;
	return -1;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		die("sched_setaffinity");
}

static void scenario(const char *place, bool trap)
{
	int mine = -1, theirs = -1, status;
	pid_t pid, keeper;

	policy = WAIT_ADAPTIVE;
	if (!strcmp(place, "same")) {
		policy = WAIT_FUTEX;
		mine = theirs = nth_cpu(0);
	} else if (!strcmp(place, "apart")) {
		policy = WAIT_SPIN;
		mine = nth_cpu(0);
		theirs = nth_cpu(1);
		if (theirs < 0)
			return;
	}
	memset(page, 0, sizeof(*page));
	/* A process of its own, so that pinning it does not outlive the scenario. */
	keeper = fork();
	if (keeper < 0)
		die("fork");
	if (keeper) {
		waitpid(keeper, &status, 0);
		if (status) {
			printf("handoff %s-%s failed\n", place, trap ? "trap" : "call");
			return;
		}
		qsort(page->sample, BATCHES, sizeof(page->sample[0]), compare);
		printf("handoff %s-%s %llu\n", place, trap ? "trap" : "call",
		       (unsigned long long)page->sample[BATCHES / 2]);
		return;
	}
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (theirs >= 0)
			pin(theirs);
		app(trap);
	}
	if (mine >= 0)
		pin(mine);
	for (uint32_t k = 0; k < (BATCHES + 10) * BATCH; k++) {
		await(&page->request, k, &page->reply);
		publish(&page->reply);
	}
	waitpid(pid, &status, 0);
	_exit(status != 0);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		die("mmap");
	for (int i = 1; i < argc; i++) {
		scenario(argv[i], true);
		scenario(argv[i], false);
	}
	return 0;
}
