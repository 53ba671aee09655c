/* SPDX-License-Identifier: Apache-2.0 */
/* CPU time and resource usage: getrusage(2), times(2).
 *
 * A task's counters are written by its CPU and read without a lock (a torn
 * view is at most a slice old). */
#include "kernel/syscall/syscall.h"
#include "kernel/task/internal.h"

DECLARE_UPTR(up_rusage, struct linux_rusage);

struct linux_tms { int64_t utime, stime, cutime, cstime; };
DECLARE_UPTR(up_tms, struct linux_tms);

void usage_add(struct child_usage *to, const struct child_usage *from)
{
	to->utime_ns += from->utime_ns;
	to->stime_ns += from->stime_ns;
	to->maxrss_kb = MAX(to->maxrss_kb, from->maxrss_kb);
	to->minflt += from->minflt;
	to->majflt += from->majflt;
	to->nvcsw += from->nvcsw;
	to->nivcsw += from->nivcsw;
	to->io.rchar += from->io.rchar;
	to->io.wchar += from->io.wchar;
	to->io.syscr += from->io.syscr;
	to->io.syscw += from->io.syscw;
}

/* The task counts while we look. */
static uint64_t count_read(const uint64_t *v)
{
	return __atomic_load_n(v, __ATOMIC_RELAXED);
}

void task_usage(struct task *t, struct child_usage *u)
{
	struct child_usage one = {
		.utime_ns = count_read(&t->se.user_ns), .stime_ns = count_read(&t->se.sys_ns),
		.minflt = count_read(&t->minflt), .majflt = count_read(&t->majflt),
		.nvcsw = count_read(&t->se.nvcsw), .nivcsw = count_read(&t->se.nivcsw),
		.io = { count_read(&t->io.rchar), count_read(&t->io.wchar), count_read(&t->io.syscr), count_read(&t->io.syscw) },
	};

	/* What a running one has used since its CPU last looked. */
	if (__atomic_load_n(&t->se.on_cpu, __ATOMIC_RELAXED) && __atomic_load_n(&t->se.state, __ATOMIC_RELAXED) == TASK_RUNNING) {
		uint64_t now = plat_time_mono_ns(), last = __atomic_load_n(&t->se.last_ns, __ATOMIC_RELAXED);

		if (now > last)
			*(__atomic_load_n(&t->syscall_nr, __ATOMIC_RELAXED) == -1 ? &one.utime_ns : &one.stime_ns) += now - last;
	}
	usage_add(u, &one);
}

void tgroup_usage_locked(struct tgroup *g, struct child_usage *u)
{
	struct task *t;

	spin_lock(&g->lock);
	usage_add(u, &g->dead_threads);
	spin_unlock(&g->lock);
	if (g->zombie)
		return;
	list_for_each(t, &g->threads, thread_link)
		if (!t->exiting || t->mm)
			task_usage(t, u);
}

void tgroup_left_mm(struct task *t, struct mm *mm)
{
	uint64_t ran_ns = count_read(&t->se.user_ns) + count_read(&t->se.sys_ns), kb = mm_last_rss(mm, ran_ns) / 1024;

	spin_lock(&t->tg->lock);
	t->tg->dead_threads.maxrss_kb = MAX(t->tg->dead_threads.maxrss_kb, kb);
	spin_unlock(&t->tg->lock);
}

void usage_to_linux(const struct child_usage *u, struct linux_rusage *ret)
{
	*ret = (struct linux_rusage){
		.utime = { (int64_t)(u->utime_ns / NSEC_PER_SEC),
			   (int64_t)(u->utime_ns % NSEC_PER_SEC / NSEC_PER_USEC) },
		.stime = { (int64_t)(u->stime_ns / NSEC_PER_SEC),
			   (int64_t)(u->stime_ns % NSEC_PER_SEC / NSEC_PER_USEC) },
		.maxrss = (int64_t)u->maxrss_kb,
		.minflt = (int64_t)u->minflt, .majflt = (int64_t)u->majflt,
		.nvcsw = (int64_t)u->nvcsw, .nivcsw = (int64_t)u->nivcsw,
	};
}

/* Of the whole process, live and dead threads. */
static void self_usage(struct task *t, struct child_usage *u)
{
	sched_account(t);
	spin_lock(&task_list_lock);
	tgroup_usage_locked(t->tg, u);
	spin_unlock(&task_list_lock);
}

SYSCALL2(getrusage, int, who, up_rusage, uru)
{
	struct child_usage u = { 0 };
	struct linux_rusage ru;

	switch (who) {
	case RUSAGE_SELF:
		self_usage(t, &u);
		u.maxrss_kb = MAX(u.maxrss_kb, MAX(mm_peak_rss(t->mm), mm_rss(t->mm)) / 1024);
		break;
	case RUSAGE_THREAD:
		sched_account(t);
		task_usage(t, &u);
		u.maxrss_kb = MAX(mm_peak_rss(t->mm), mm_rss(t->mm)) / 1024;
		break;
	case RUSAGE_CHILDREN:
		spin_lock(&t->tg->lock);
		u = t->tg->cusage;
		spin_unlock(&t->tg->lock);
		break;
	default:
		return -EINVAL;
	}
	usage_to_linux(&u, &ru);
	return copy_out_obj(uru, &ru);
}

SYSCALL1(times, up_tms, utms)
{
	const uint64_t tick = NSEC_PER_SEC / USER_HZ;
	struct child_usage u = { 0 }, c;
	struct linux_tms tms;
	int err;

	if (utms.va) {
		self_usage(t, &u);
		spin_lock(&t->tg->lock);
		c = t->tg->cusage;
		spin_unlock(&t->tg->lock);
		tms = (struct linux_tms){
			(int64_t)(u.utime_ns / tick), (int64_t)(u.stime_ns / tick),
			(int64_t)(c.utime_ns / tick), (int64_t)(c.stime_ns / tick),
		};
		err = copy_out_obj(utms, &tms);
		if (err)
			return err;
	}
	return (long)(plat_time_mono_ns() / tick);
}
