/* SPDX-License-Identifier: Apache-2.0 */
/* cpu.c: virtual CPUs are threads of the sandbox process.
 *
 * All threads are made before the lock-down and wait for their start.  A CPU
 * is in one of three places: the kernel, idle (asleep on its kick word), or
 * user mode (asleep on a mailbox while a stub's thread runs).  Who kicks sets
 * the word first and then looks where the CPU is; the CPU says where it goes
 * first and then looks at the word; so one of them sees the other.  The word
 * is cleared when idle or user_run returns. */
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/process/internal.h"

HOST_CALLS(sandbox, tgkill);

static struct cpu {
	uint32_t kick __aligned(64);
	uint32_t idle;
	uint64_t user;                  /* pid << 32 | tid of the stub thread, 0: none */
	uint32_t start;
	void (*entry)(unsigned cpu);
} cpus[PLAT_MAX_CPUS];

static __thread unsigned cpu_index;
static uint64_t event_bits;

unsigned plat_cpu_count(void) { return process.cpu_count; }
unsigned plat_cpu_self(void) { return cpu_index; }

/* libc makes host calls of its own at the start of a thread, which the
 * lock-down will not allow: it waits until all threads have come here. */
static uint32_t threads_ready;

void thread_ready(void)
{
	report_thread_init();
	__atomic_fetch_add(&threads_ready, 1, __ATOMIC_SEQ_CST);
	futex_wake(&threads_ready, 1);
}

void threads_await(uint32_t n)
{
	uint32_t v;

	while ((v = __atomic_load_n(&threads_ready, __ATOMIC_SEQ_CST)) < n)
		futex_wait(&threads_ready, v, NO_DEADLINE);
}

static void *cpu_thread(void *arg)
{
	cpu_index = (unsigned)(uintptr_t)arg;
	stats_thread(cpu_index);
	rseq_forget();
	place_kernel_thread();
	thread_ready();
	while (!__atomic_load_n(&cpus[cpu_index].start, __ATOMIC_ACQUIRE))
		futex_wait(&cpus[cpu_index].start, 0, NO_DEADLINE);
	cpus[cpu_index].entry(cpu_index);
	plat_panic("a CPU returned from its entry");
}

int cpus_init(void)
{
	for (unsigned i = 1; i < process.cpu_count; i++) {
		pthread_t t;
		int err = pthread_create(&t, NULL, cpu_thread, (void *)(uintptr_t)i);

		if (err)
			return -err;
	}
	return 0;
}

int plat_cpu_start(unsigned cpu, void (*entry)(unsigned cpu))
{
	if (cpu == 0 || cpu >= process.cpu_count)
		return -EINVAL;
	cpus[cpu].entry = entry;
	if (__atomic_exchange_n(&cpus[cpu].start, 1, __ATOMIC_RELEASE))
		return -EBUSY;
	futex_wake(&cpus[cpu].start, 1);
	return 0;
}

void plat_cpu_idle(uint64_t deadline_ns)
{
	struct cpu *c = &cpus[cpu_index];

	if (!__atomic_load_n(&c->kick, __ATOMIC_RELAXED))
		place_idle();
	__atomic_store_n(&c->idle, 1, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&c->kick, __ATOMIC_SEQ_CST)) {
		stats_count(STATS_IDLE_SLEEPS);
		futex_wait(&c->kick, 0, deadline_ns);
	}
	__atomic_store_n(&c->idle, 0, __ATOMIC_RELAXED);
	__atomic_exchange_n(&c->kick, 0, __ATOMIC_SEQ_CST);
}

void plat_cpu_kick(unsigned cpu)
{
	struct cpu *c = &cpus[cpu];
	uint64_t user;

	if (__atomic_exchange_n(&c->kick, 1, __ATOMIC_SEQ_CST))
		return;
	stats_count(STATS_KICKS);
	if (__atomic_load_n(&c->idle, __ATOMIC_SEQ_CST)) {
		futex_wake(&c->kick, 1);
		return;
	}
	/* The thread may have handed back meanwhile: then the signal is stale
	 * and plat_user_run() swallows it. */
	user = __atomic_load_n(&c->user, __ATOMIC_SEQ_CST);
	if (user)
		syscall(SYS_tgkill, (pid_t)(user >> 32), (pid_t)(uint32_t)user, KICK_SIGNAL);
}

bool cpu_kick_pending(unsigned cpu)
{
	return __atomic_load_n(&cpus[cpu].kick, __ATOMIC_SEQ_CST);
}

void cpu_kick_clear(unsigned cpu)
{
	if (__atomic_load_n(&cpus[cpu].kick, __ATOMIC_RELAXED))
		__atomic_exchange_n(&cpus[cpu].kick, 0, __ATOMIC_SEQ_CST);
}

void cpu_user_set(unsigned cpu, pid_t pid, uint32_t tid)
{
	__atomic_store_n(&cpus[cpu].user, (uint64_t)(uint32_t)pid << 32 | tid, __ATOMIC_SEQ_CST);
}

/* Who sees it late sends a kick that nobody needed. */
void cpu_user_clear(unsigned cpu) { __atomic_store_n(&cpus[cpu].user, 0, __ATOMIC_RELEASE); }

void plat_wait32(uint32_t *word, uint32_t val)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, val, NULL, NULL, 0);
}

void plat_wake32(uint32_t *word, unsigned n)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

void process_events_raise(uint64_t bits)
{
	__atomic_fetch_or(&event_bits, bits, __ATOMIC_SEQ_CST);
	plat_cpu_kick(0);
}

uint64_t plat_events_take(void)
{
	if (!__atomic_load_n(&event_bits, __ATOMIC_SEQ_CST))
		return 0;
	return __atomic_exchange_n(&event_bits, 0, __ATOMIC_SEQ_CST);
}
