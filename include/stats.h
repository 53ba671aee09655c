/* SPDX-License-Identifier: Apache-2.0 */
/* stats.h: counters of work done, which noise on the machine does not reach.
 *
 * One slot for each thread of the sandbox that counts: each virtual CPU has
 * one, and a few threads of the platform.  Only the owner writes its slot, so
 * that counting is a load, an addition and a store without a lock; readers
 * add the slots up and may see sums that are a moment old.
 *
 * The process platform keeps the slots in memory that the monitor can read
 * (struct stats_area), for `nacre do --stats` and `nacre stats`.  Readers
 * treat all of it as hostile: it is numbers to print, nothing else. */
#ifndef NACRE_STATS_H
#define NACRE_STATS_H

#include <base/types.h>

/* name, heading, text; sums, but for those marked peak. */
#define STATS_LIST(X) \
	/* entries into the kernel, by how the program came */ \
	X(ENTRY_GATE, entries, "system call by the gate") \
	X(ENTRY_TRAPPED, entries, "system call by the instruction, trapped") \
	X(ENTRY_FAULT, entries, "memory fault") \
	X(ENTRY_EXCEPTION, entries, "other exception") \
	X(CPUID_ANSWERED, entries, "cpuid answered, of these") \
	X(ENTRY_KICK, entries, "kick") \
	X(ENTRY_DEAD, entries, "address space gone") \
	X(ENTRY_RIDER, entries, "a copy on the way back failed") \
	X(POSTS, entries, "calls that came with the next entry") \
	X(GRANTS, entries, "reads that could be answered without an entry") \
	X(GRANTS_USED, entries, "of these were made") \
	/* call sites led to the gate (kernel/mm/patch.h) */ \
	X(SITES_PROVEN, sites, "call sites proven") \
	X(SITES_REFUSED, sites, "call sites refused") \
	X(SITES_CPUID, sites, "cpuid instructions proven") \
	X(SITES_COPIES, sites, "copies of a file's text made") \
	X(SITES_MAPPED, sites, "mappings made from such a copy") \
	X(SITES_MOVED, sites, "running programs moved to a newer copy") \
	X(SITES_BACK, sites, "texts shown as in the file again") \
	/* waiting for a stub's thread, and what it took */ \
	X(WAIT_NONE, handoffs, "answer was there") \
	X(WAIT_SPUN, handoffs, "answer came while spinning") \
	X(WAIT_YIELDED, handoffs, "answered by yielding, on one core") \
	X(WAIT_SLEPT, handoffs, "had to sleep for the answer") \
	X(STUB_WOKEN, handoffs, "stub thread had to be woken") \
	X(STUB_RELAYED, handoffs, "stub thread woken by the one before it on its core") \
	X(STUB_AWAKE, handoffs, "stub thread still awake after another had run in between") \
	X(STUB_COMMANDS, handoffs, "lists of commands for a stub's thread") \
	X(MAPPER_LISTS, handoffs, "lists of calls for a mapper") \
	X(STUBS_MADE, handoffs, "stubs made") \
	X(PLACED, handoffs, "threads limited to a core of the host, or freed again") \
	/* scheduler */ \
	X(SWITCHES, scheduler, "switches between tasks or to idle") \
	X(STEALS, scheduler, "tasks taken from another CPU's queue") \
	X(WAKE_UPS, scheduler, "tasks woken") \
	X(IDLE_SLEEPS, scheduler, "idle CPU went to sleep") \
	X(KICKS, scheduler, "kicks sent") \
	/* walks along paths */ \
	X(WALK_QUICK, walks, "runs of components that the caches knew") \
	X(WALK_STEP, walks, "single steps beside these") \
	/* memory */ \
	X(COPIES_IN, copies, "copies from user memory") \
	X(COPIES_OUT, copies, "copies to user memory") \
	X(COPY_FAILS, copies, "copies that met a bad address") \
	X(VIEW_READS, copies, "reads of a host file that is mapped") \
	X(RIDERS, copies, "copies that rode on the order to run") \
	X(RIDERS_EARLY, copies, "lists of those that had to go before it") \
	X(KERNEL_MEMORY_PEAK, memory, "kernel memory at its highest, bytes (peak)")

enum stats_id {
#define X(name, group, text) STATS_##name,
	STATS_LIST(X)
#undef X
	STATS_COUNT
};

#define STATS_CALLS 512                 /* system calls of the host and of the kernel: by number */
#define STATS_GOFER_OPS 64              /* enum hc_op */

struct stats_call {
	uint64_t count, time_ns;        /* time_ns: only when asked for; waiting included */
	uint64_t in, out;               /* bytes copied from and to the program's memory */
};

struct stats_slot {
	uint64_t n[STATS_COUNT];
	uint64_t gofer[STATS_GOFER_OPS];        /* messages to the gofer */
	uint64_t host[STATS_CALLS];             /* host calls of the sandbox process */
	uint64_t stub[STATS_CALLS];             /* host calls that stubs were told to make */
	struct stats_call call[STATS_CALLS];    /* system calls served */
} __aligned(64);

#define STATS_MAGIC 0x7374617473657261ull
#define STATS_SLOTS 68                  /* PLAT_MAX_CPUS and other threads */

struct stats_area {
	uint64_t magic;
	uint64_t timed;                 /* written by the monitor: time system calls */
	struct stats_slot slot[STATS_SLOTS];
};

static inline void stats_bump(uint64_t *v, uint64_t n)
{
	__atomic_store_n(v, __atomic_load_n(v, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

static inline void stats_peak(uint64_t *v, uint64_t n)
{
	if (n > __atomic_load_n(v, __ATOMIC_RELAXED))
		__atomic_store_n(v, n, __ATOMIC_RELAXED);
}

#endif
