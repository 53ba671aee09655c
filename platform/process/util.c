/* SPDX-License-Identifier: Apache-2.0 */
/* util.c: futexes in memory shared with stubs, the cycle counter. */
#include <linux/futex.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "platform/process/internal.h"

/* A timed wait that a stop signal interrupts goes on as restart_syscall. */
HOST_CALLS(sandbox, futex, restart_syscall);

#define RSEQ_AREA_SIZE 32       /* libc's __rseq_size may be less than what it registered */

/* 0, -EAGAIN, -ETIMEDOUT, -EINTR.  The deadline is of plat_time_mono_ns(). */
int futex_wait(uint32_t *word, uint32_t val, uint64_t deadline_ns)
{
	struct timespec ts, *tsp = NULL;

	if (deadline_ns != NO_DEADLINE) {
		uint64_t host_ns = time_to_host(MIN(deadline_ns, (uint64_t)INT64_MAX / 2));

		ts.tv_sec = (time_t)(host_ns / NSEC_PER_SEC);
		ts.tv_nsec = (long)(host_ns % NSEC_PER_SEC);
		tsp = &ts;
	}
	if (syscall(SYS_futex, word, FUTEX_WAIT_BITSET, val, tsp, NULL, FUTEX_BITSET_MATCH_ANY) < 0)
		return -errno;
	return 0;
}

void futex_wake(uint32_t *word, uint32_t n)
{
	syscall(SYS_futex, word, FUTEX_WAKE, n, NULL, NULL, 0);
}

/* The host writes into the area that libc registers whenever the thread comes
 * back from a switch, 0.1 us each time; nobody here reads it. */
void rseq_forget(void)
{
	uint8_t *area = (uint8_t *)__builtin_thread_pointer() + __rseq_offset;

	if (__rseq_size && syscall(SYS_rseq, area, __rseq_size, RSEQ_FLAG_UNREGISTER, RSEQ_SIG))
		syscall(SYS_rseq, area, RSEQ_AREA_SIZE, RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
}

uint32_t host_cpu(void)
{
	uint64_t v;

	if (process.has_rdpid)
		__asm__ volatile(".byte 0xf3, 0x0f, 0xc7, 0xf8" : "=a"(v));    /* rdpid %rax */
	else
		__asm__ volatile("lsl %1, %0" : "=r"(v) : "r"(0x7bul) : "cc");
	return v & 0xfff;
}
