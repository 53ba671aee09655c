/* SPDX-License-Identifier: Apache-2.0 */
/* place.c: on which of the host's cores the threads of a virtual CPU run.
 *
 * A virtual CPU's kernel thread, the app thread that it runs and the mapper that it
 * waits for work in turn, never at once.  Left alone, the host wakes each of
 * them on whatever core is idle, and an idle core takes 35 to 50 us to wake in a
 * virtual machine, where a switch on the same core takes 2.  So:
 *
 * together   all are limited to one core, the home.  The kernel thread goes to
 *            where the program is; a sleeper is brought to the kernel thread.
 * apart      while system calls come densely, the kernel thread leaves the core
 *            to the programs and spins on another for the next call, which then
 *            costs 0.4 us.
 *
 * Going apart costs a slow wake-up, so DENSE_CALLS must have come first; if it
 * took long to get another core, it is not tried again for a while.  Spinning
 * in vain for its whole length ends it.  Apart, the next program is woken by the
 * thread of the one before it (turn.c), on their core.
 *
 * The host's balancer keeps its hand on the program: an app thread is limited
 * only from the moment it is woken until it has run for a while (RELEASE), and
 * the kernel thread is free while its CPU is idle.
 *
 * Trust: the core that an app thread claims to be on is checked against those we may
 * use; a lie makes that program slow.  Its thread id was proven to be of its
 * own process.  All of this is a hint: failures are ignored. */
#include <sched.h>
#include <sys/syscall.h>

#include "platform/process/internal.h"

HOST_CALLS(sandbox, sched_setaffinity, sched_setattr, sched_yield, tgkill);

#define DENSE_CALLS 24
#define SPUN_CALLS 24
#define SLICE_NS 100000
#define AWAY_FROM(core) (-2 - (core))   /* and back */
/* In lengths of a spin. */
#define DENSE_GAP(spin) ((spin) / 2)
#define RETRY_FIRST(spin) ((spin) * 64)
#define RETRY_LAST(spin) ((spin) * 1024)
#define ARRIVAL(spin) ((spin) * 4)
#define WAKING(spin) ((spin) * 4)       /* for one that has to be woken on another core */
#define RELEASE(spin) ((spin) * 64)

static cpu_set_t allowed;
static bool off;                        /* one core only, or the host forbids it */
static bool alone;                      /* the sandbox is a group of its own to the host's scheduler */

/* This virtual CPU's. */
static __thread struct {
	int32_t home;                   /* where its kernel thread may run: core, ANYWHERE, AWAY_FROM(core) */
	int32_t claim;                  /* the core where its program is, if no other CPU's is; or ANYWHERE */
	uint32_t dense;                 /* calls in a row that came soon, together */
	uint32_t spun;                  /* calls that came while spinning, since one did not */
	uint64_t given;                 /* cycles: when the program was last waited for */
	bool woken_apart;               /* it has just been woken, on another core */
	uint64_t retry, retry_after;    /* cycles: not to go apart before; the pause before that */
	uint32_t yielded;               /* yields in a row that came back soon */
	uint64_t yield_retry, yield_after;      /* the same for yielding */
} mine = { .home = ANYWHERE, .claim = ANYWHERE };

/* Whose home a core is: CPU + 1. */
static uint32_t claims[CPU_SETSIZE];

/* linux/sched/types.h and glibc's sched.h exclude each other. */
static struct {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
} short_slice;

static void shorten_slice(pid_t tid)
{
	if (short_slice.size && syscall(SYS_sched_setattr, tid, &short_slice, 0))
		short_slice.size = 0;
}

/* Before threads exist: they inherit it. */
void places_init(bool scheduled_alone)
{
	alone = scheduled_alone;
	CPU_ZERO(&allowed);
	off = sched_getaffinity(0, sizeof(allowed), &allowed) || CPU_COUNT(&allowed) < 2;
	if (syscall(SYS_sched_getattr, 0, &short_slice, sizeof(short_slice), 0) < 0 || short_slice.policy != SCHED_OTHER)
		short_slice.size = 0;
	short_slice.runtime = SLICE_NS;
}

bool place_chooses(void) { return !off; }

/* A kernel thread does little at a time, and the program waits for it: a short
 * slice is what makes the host let it go first when it wakes up.  Hosts before
 * 6.12 have other reasons to do that, and ignore it. */
void place_kernel_thread(void)
{
	shorten_slice(0);
}

static bool limit(pid_t tid, int32_t core)
{
	cpu_set_t set = allowed;

	if (off)
		return false;
	if (core >= 0) {
		CPU_ZERO(&set);
		CPU_SET(core, &set);
	} else if (core != ANYWHERE) {
		CPU_CLR(AWAY_FROM(core), &set);
	}
	stats_count(STATS_PLACED);
	if (!syscall(SYS_sched_setaffinity, tid, sizeof(set), &set))
		return true;
	off = errno == EPERM || errno == ENOSYS;
	return false;
}

static bool claim(int32_t core)
{
	uint32_t nobody = 0;

	if (mine.claim == core)
		return true;
	if (mine.claim != ANYWHERE)
		__atomic_store_n(&claims[mine.claim], 0, __ATOMIC_RELEASE);
	mine.claim = ANYWHERE;
	if (core == ANYWHERE || !__atomic_compare_exchange_n(&claims[core], &nobody, plat_cpu_self() + 1, false,
							     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	mine.claim = core;
	return true;
}

static void may_run(int32_t where)
{
	if (mine.home != where && limit(0, where))
		mine.home = where;
}

/* Two CPUs on one core would leave another idle: then the host shall choose. */
static bool settle(int32_t core)
{
	bool ours = claim(core);

	may_run(ours ? core : ANYWHERE);
	return ours;
}

/* ---- the kernel thread ---------------------------------------------------- */

/* Idle: whoever wakes this CPU may find it a better core. */
void place_idle(void)
{
	claim(ANYWHERE);
	may_run(ANYWHERE);
}

static void pause_longer(uint64_t now)
{
	mine.retry_after = MIN(MAX(2 * mine.retry_after, RETRY_FIRST(process.spin_cycles)),
			       RETRY_LAST(process.spin_cycles));
	mine.retry = now + mine.retry_after;
}

static bool is_apart(void) { return mine.home < ANYWHERE && mine.claim == AWAY_FROM(mine.home); }

bool place_apart(void) { return is_apart(); }

/* Leave this core to the program.  Returns whether that was done. */
static bool part(void)
{
	uint64_t now = host_cycles(), there;

	if (off || mine.dense < DENSE_CALLS || now < mine.retry || !claim((int32_t)host_cpu()))
		return false;
	mine.dense = 0;
	mine.spun = 0;
	may_run(AWAY_FROM(mine.claim));
	there = host_cycles();
	if (there - now > ARRIVAL(process.spin_cycles))
		pause_longer(there);
	else
		mine.retry_after = 0;
	return (int32_t)host_cpu() != mine.claim;
}

/* The program, which runs on this core, is about to be waited for.  Returns
 * whether this thread has left the core to it. */
bool place_together(struct stub_box *box)
{
	uint32_t core = host_cpu();

	mine.given = host_cycles();
	if (off)
		return false;
	if (mine.dense >= DENSE_CALLS) {
		/* It shall spin until this thread has arrived. */
		__atomic_store_n(&box->kern_cpu, CORE_NOWHERE, __ATOMIC_SEQ_CST);
		if (part())
			return true;
		__atomic_store_n(&box->kern_cpu, core, __ATOMIC_SEQ_CST);
	}
	settle((int32_t)core);
	return false;
}

/* It is back.  at_once: it took the core for that before this thread waited. */
void place_back(bool at_once)
{
	if (at_once || host_cycles() - mine.given < DENSE_GAP(process.spin_cycles))
		mine.dense++;
	else
		mine.dense = 0;
	if (at_once)
		part();
}

/* For how many cycles to spin for it. */
uint64_t place_patience(void)
{
	bool woken = mine.woken_apart;

	mine.woken_apart = false;
	return woken ? WAKING(process.spin_cycles) : process.spin_cycles;
}

void place_spun(void)
{
	mine.spun++;
}

/* Spinning was in vain: be where the program is when it needs the kernel,
 * unless that was the exception. */
void place_follow(struct stub_box *box, uint32_t app_core)
{
	uint32_t spun = mine.spun;

	mine.dense = 0;
	mine.spun = 0;
	mine.given = 0;
	if (off || app_core >= CPU_SETSIZE || !CPU_ISSET(app_core, &allowed) || (is_apart() && spun >= SPUN_CALLS))
		return;
	/* First, so that it does not spin for a thread that waits for its core. */
	__atomic_store_n(&box->kern_cpu, app_core, __ATOMIC_RELAXED);
	settle((int32_t)app_core);
}

/* With slices of unlike length the one with the shorter would be picked again. */
bool place_may_yield(struct app_thread *th)
{
	if (host_cycles() < mine.yield_retry)
		return false;
	if (!th->sliced && th->placeable)
		shorten_slice((pid_t)th->tid);
	th->sliced = true;
	return true;
}

/* If it took long, the program computes or somebody else had the core, for a
 * slice of the host's: then less and less is tried.  Where nobody else is in this
 * sandbox's group a yield gives nothing away. */
bool place_yielded(uint64_t took)
{
	if (took < process.spin_cycles || (alone && mine.claim == (int32_t)host_cpu())) {
		if (++mine.yielded >= YIELDED_SOON)
			mine.yield_after = 0;
		return true;
	}
	mine.yielded = 0;
	mine.yield_after = MIN(MAX(2 * mine.yield_after, YIELD_RETRY_FIRST(process.spin_cycles)),
			       YIELD_RETRY_LAST(process.spin_cycles));
	mine.yield_retry = host_cycles() + mine.yield_after;
	return false;
}

/* Somebody else had this core while the kernel thread spun on it. */
void place_disturbed(void)
{
	pause_longer(host_cycles());
}

/* ---- threads of stubs ----------------------------------------------------- */

/* A new app thread; it has the limits of the mapper that made it. */
void place_thread_init(const struct stub *s, struct app_thread *th)
{
	th->home = s->mapper_home;
	th->placeable = !syscall(SYS_tgkill, s->pid, th->tid, 0);
	th->sliced = false;
}

static void thread_limit(struct app_thread *th, int32_t core)
{
	if (th->placeable && th->home != core && limit((pid_t)th->tid, core))
		th->home = core;
}

/* An app thread that sleeps is about to be woken: here, or where this CPU's
 * programs run while this thread spins for them. */
bool place_bring(struct app_thread *th, struct stub_box *box)
{
	bool apart = is_apart();
	int32_t core = apart ? mine.claim : (int32_t)host_cpu();

	if (off)
		return false;
	if (!apart && !settle(core)) {
		thread_limit(th, ANYWHERE);
		return false;
	}
	mine.woken_apart = apart;
	thread_limit(th, core);
	th->brought = host_cycles();
	__atomic_store_n(&box->app_cpu, (uint32_t)core, __ATOMIC_RELAXED);
	return apart;
}

/* One that had only made room goes on. */
void place_stays(struct app_thread *th)
{
	if (th->home != ANYWHERE && th->home == mine.claim)
		th->brought = host_cycles();
}

/* It has run for a while.  Returns whether it is still limited. */
bool place_release(struct app_thread *th, bool now)
{
	if (th->home == ANYWHERE)
		return false;
	if (!now && host_cycles() - th->brought < RELEASE(process.spin_cycles))
		return true;
	thread_limit(th, ANYWHERE);
	return false;
}

/* The mapper of s is about to be given work that this CPU waits for. */
void place_mapper(struct stub *s)
{
	int32_t core = (int32_t)host_cpu();

	if (off)
		return;
	if (!settle(core))
		core = ANYWHERE;
	if (s->mapper_home != core && limit(s->pid, core))
		s->mapper_home = core;
}
