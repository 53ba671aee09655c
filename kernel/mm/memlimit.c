/* SPDX-License-Identifier: Apache-2.0 */
/* memlimit.c: the container's memory limit where no cgroup enforces it.
 *
 * A scan sums the resident memory of all address spaces (rss.c).  Scans happen from a timer while programs run, and are
 * asked for by calls that want memory.  When the sum is over the limit the
 * largest process dies of SIGKILL, never the sandbox.  The reaction time is
 * the scan interval: the limit can be exceeded by what fits in between.  An
 * idle sandbox is not scanned: the timer is armed again only by the next
 * system call that touches user memory.
 *
 * Locking: `memlimit_scanning` keeps address spaces on mm_list (mm_put waits
 * for it), so that the platform can be asked without a spinlock. */
#include "kernel/mm/patch.h"
#include <boot.h>

#define INTERVAL_MIN_NS (5 * 1000 * 1000ull)
#define INTERVAL_MAX_NS (100 * 1000 * 1000ull)
#define SCAN_SHARE 10u                  /* at most a tenth of the time goes into scans */
#define IDLE_SCANS 3u                   /* scans without a poke before resting */

bool memlimit_on;
uint32_t memlimit_scanning;

static struct ktimer timer;
static uint64_t limit;
static uint32_t armed, quiet;

/* Sum of all, and scan_rss of each. */
static uint64_t scan(void)
{
	uint64_t sum = patch_memory();
	struct list *l;

	__atomic_store_n(&memlimit_scanning, 1, __ATOMIC_SEQ_CST);
	spin_lock(&mm_list_lock);
	l = mm_list.next;
	spin_unlock(&mm_list_lock);
	/* Additions go to the end; removals wait. */
	while (l != &mm_list) {
		struct mm *mm = list_entry(l, struct mm, all_link);
		uint64_t rss = mm_rss_nosleep(mm);

		/* mm_rss_nosleep() of others reads it, with no lock. */
		__atomic_store_n(&mm->scan_rss, rss, __ATOMIC_RELAXED);
		sum += rss;
		l = __atomic_load_n(&l->next, __ATOMIC_ACQUIRE);
	}
	__atomic_store_n(&memlimit_scanning, 0, __ATOMIC_RELEASE);
	plat_wake32(&memlimit_scanning, UINT32_MAX);
	return sum;
}

static uint64_t weight(const struct tgroup *g, const struct mm *mm)
{
	int64_t w = (int64_t)mm->scan_rss + (int64_t)(limit / 1000) * g->oom_score_adj;

	if (g->oom_score_adj <= -1000)
		return 0;
	return w > 0 ? (uint64_t)w : 1;
}

static void kill_largest(uint64_t sum)
{
	struct tgroup *g, *victim = NULL;
	uint64_t best = 0, rss = 0;
	char comm[16] = "";
	bool dying = false;
	struct task *t;

	spin_lock(&task_list_lock);
	list_for_each(g, &tgroup_list, all_link) {
		struct mm *mm = NULL;

		list_for_each(t, &g->threads, thread_link) {
			mm = t->mm;
			if (mm)
				break;
		}
		if (!mm || !mm->scan_rss)
			continue;
		if (g->limit_kill) {            /* one at a time */
			dying = true;
			continue;
		}
		if (weight(g, mm) <= best)
			continue;
		best = weight(g, mm);
		rss = mm->scan_rss;
		victim = g;
		memcpy(comm, t->comm, sizeof(comm));
	}
	if (dying || !victim) {
		spin_unlock(&task_list_lock);
		return;
	}
	tgroup_get(victim);
	victim->limit_kill = sum;
	if (victim->container)
		__atomic_fetch_add(&victim->container->oom_kills, 1, __ATOMIC_RELAXED);
	(void)signal_send_group_locked(victim, SIGKILL, NULL);
	spin_unlock(&task_list_lock);
	klog("memory limit: %llu MB in use of %llu MB allowed: killed process %d (%s), the largest with %llu MB",
	     (unsigned long long)(sum >> 20), (unsigned long long)(limit >> 20), victim->tgid, comm,
	     (unsigned long long)(rss >> 20));
	tgroup_put(victim);
}

static void tick(struct ktimer *t)
{
	uint64_t began = plat_time_mono_ns(), sum = scan(), now = plat_time_mono_ns();
	uint64_t next = INTERVAL_MAX_NS;

	if (sum > limit)
		kill_largest(sum);
	/* The closer to the limit, the more often: 1 GB/s is about what a
	 * program can touch. */
	if (sum > limit / 2)
		next = sum >= limit ? INTERVAL_MIN_NS : (limit - sum) / 4;
	next = MIN(MAX(next, INTERVAL_MIN_NS), INTERVAL_MAX_NS);
	next = MAX(next, SCAN_SHARE * (now - began));
	if (sched_load_runnable())
		__atomic_store_n(&quiet, 0, __ATOMIC_RELAXED);
	if (__atomic_add_fetch(&quiet, 1, __ATOMIC_RELAXED) > IDLE_SCANS) {
		__atomic_store_n(&armed, 0, __ATOMIC_RELEASE);
		return;
	}
	ktimer_set(t, now + next);
}

void memlimit_poke_slow(void)
{
	__atomic_store_n(&quiet, 0, __ATOMIC_RELAXED);
	if (__atomic_load_n(&armed, __ATOMIC_RELAXED) ||
	    __atomic_exchange_n(&armed, 1, __ATOMIC_ACQUIRE))
		return;
	ktimer_set(&timer, plat_time_mono_ns() + INTERVAL_MIN_NS);
}

void memlimit_init(const struct boot_params *bp)
{
	ktimer_init(&timer, tick);
	if (bp->memory_limit)
		patch_limit_memory(bp->memory_limit);
	if (!bp->memory_limit || bp->memory_by_cgroup)
		return;
	limit = bp->memory_limit;
	memlimit_on = true;
}
