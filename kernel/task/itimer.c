/* SPDX-License-Identifier: Apache-2.0 */
/* setitimer(2), getitimer(2), alarm(2), RLIMIT_CPU.
 *
 * ITIMER_REAL is a kernel timer.  The CPU-time ones and RLIMIT_CPU need no
 * hook in the scheduler: a timer looks at the process's CPU time when the
 * limit could be reached at the earliest (all CPUs busy with it) and sets
 * itself again, so a process without them costs nothing.
 * Locks: values under tgroup->lock; timers are set and cancelled without it. */
#include "kernel/syscall/syscall.h"
#include "kernel/task/clock.h"
#include "kernel/task/internal.h"

DECLARE_UPTR(up_itimerval, struct linux_itimerval);

#define ITIMER_REAL 0
#define ITIMER_VIRTUAL 1
#define ITIMER_PROF 2

/* ---- real time ---- */

static void real_fire(struct ktimer *k)
{
	struct itimer *it = container_of(k, struct itimer, t);
	uint64_t now, next;

	signal_send_group(it->tg, SIGALRM, NULL);
	spin_lock(&it->tg->lock);
	next = it->interval_ns;
	spin_unlock(&it->tg->lock);
	if (!next)
		return;
	now = plat_time_mono_ns();
	/* In step with the first one; missed ones count once. */
	next = k->deadline_ns + next * (1 + (now > k->deadline_ns ? (now - k->deadline_ns) / next : 0));
	ktimer_set(k, next);
}

/* ---- CPU time ---- */

static bool cpu_slot(uint64_t *slot, uint64_t used, uint64_t *ret_left)
{
	bool fired = false;

	if (!slot[0])
		return false;
	if (used >= slot[0]) {
		fired = true;
		slot[0] = slot[1] ? used + slot[1] : 0;
	}
	if (slot[0])
		*ret_left = MIN(*ret_left, slot[0] - used);
	return fired;
}

/* A limit set from inside, in seconds; what does not fit is never reached. */
static uint64_t seconds_ns(uint64_t s)
{
	return s > INT64_MAX / NSEC_PER_SEC ? INT64_MAX : s * NSEC_PER_SEC;
}

/* A profiler's sample: for the thread that has used most since it was last asked. */
static void send_to_busiest(struct tgroup *g, int signo)
{
	struct task *o, *first = NULL;
	uint64_t most = 0;

	spin_lock(&task_list_lock);
	list_for_each(o, &g->threads, thread_link) {
		struct child_usage u = { 0 };
		uint64_t used;

		task_usage(o, &u);
		used = u.utime_ns + u.stime_ns;
		if (used > o->cpu_asked_ns && used - o->cpu_asked_ns > most) {
			most = used - o->cpu_asked_ns;
			first = o;
		}
	}
	if (first)
		first->cpu_asked_ns += most;
	signal_send_group_first_locked(g, first, signo);
	spin_unlock(&task_list_lock);
}

static void cpu_check(struct ktimer *k)
{
	struct tgroup *g = container_of(k, struct tgroup, cpu_timer);
	uint64_t user = tgroup_cpu_ns(g, true), all = tgroup_cpu_ns(g, false);
	uint64_t left = NO_DEADLINE, soft, hard;
	bool virt, prof, xcpu = false, kill = false;

	spin_lock(&g->lock);
	virt = cpu_slot(g->itimer_virt_ns, user, &left);
	prof = cpu_slot(g->itimer_prof_ns, all, &left);
	soft = g->rlim[RLIMIT_CPU].cur;
	hard = g->rlim[RLIMIT_CPU].max;
	if (soft != RLIM_INFINITY) {
		uint64_t at = MAX(seconds_ns(soft), g->cpu_warned_ns);

		if (all >= at) {
			/* setrlimit(2): SIGXCPU once a second from there on. */
			xcpu = true;
			at = g->cpu_warned_ns = all + NSEC_PER_SEC;
		}
		left = MIN(left, at - all);
	}
	if (hard != RLIM_INFINITY) {
		kill = all >= seconds_ns(hard);
		if (!kill)
			left = MIN(left, seconds_ns(hard) - all);
	}
	spin_unlock(&g->lock);
	if (virt)
		send_to_busiest(g, SIGVTALRM);
	if (prof)
		send_to_busiest(g, SIGPROF);
	if (kill)
		signal_send_group(g, SIGKILL, NULL);
	else if (xcpu)
		signal_send_group(g, SIGXCPU, NULL);
	if (left != NO_DEADLINE && !kill && !g->zombie)
		ktimer_set(k, plat_time_mono_ns() + MAX(left / cpu_count(), CPU_CHECK_MIN_NS));
}

void cpu_timer_start(struct tgroup *g)
{
	ktimer_set(&g->cpu_timer, 0);
}

void itimer_init(struct tgroup *g)
{
	g->real_timer.tg = g;
	ktimer_init(&g->real_timer.t, real_fire);
	ktimer_init(&g->cpu_timer, cpu_check);
	list_init(&g->posix_timers);
}

void itimer_exit(struct tgroup *g)
{
	spin_lock(&g->lock);
	g->real_timer.interval_ns = 0;
	g->itimer_virt_ns[0] = g->itimer_prof_ns[0] = 0;
	g->rlim[RLIMIT_CPU] = (struct linux_rlimit64){ RLIM_INFINITY, RLIM_INFINITY };
	spin_unlock(&g->lock);
	ktimer_cancel(&g->real_timer.t);
	ktimer_cancel(&g->cpu_timer);
}

/* ---- system calls ---- */

static uint64_t *slot_of(struct tgroup *g, int which)
{
	return which == ITIMER_VIRTUAL ? g->itimer_virt_ns : g->itimer_prof_ns;
}

static void get_values(struct tgroup *g, int which, uint64_t *value, uint64_t *interval)
{
	uint64_t now;

	if (which == ITIMER_REAL) {
		now = plat_time_mono_ns();
		spin_lock(&g->lock);
		*interval = g->real_timer.interval_ns;
		*value = 0;
		if (g->real_timer.t.armed) {
			uint64_t d = g->real_timer.t.deadline_ns;

			*value = d > now ? d - now : NSEC_PER_USEC;
		}
		spin_unlock(&g->lock);
		return;
	}
	now = tgroup_cpu_ns(g, which == ITIMER_VIRTUAL);
	spin_lock(&g->lock);
	*value = slot_of(g, which)[0];
	*interval = slot_of(g, which)[1];
	spin_unlock(&g->lock);
	if (*value)
		*value = *value > now ? *value - now : NSEC_PER_USEC;
}

static void set_values(struct tgroup *g, int which, uint64_t value, uint64_t interval)
{
	uint64_t at = 0;

	if (which == ITIMER_REAL) {
		spin_lock(&g->lock);
		g->real_timer.interval_ns = 0;
		spin_unlock(&g->lock);
		ktimer_cancel(&g->real_timer.t);
		if (!value)
			return;
		spin_lock(&g->lock);
		g->real_timer.interval_ns = interval;
		spin_unlock(&g->lock);
		if (add_overflows(plat_time_mono_ns(), value, &at))
			at = NO_DEADLINE - 1;
		ktimer_set(&g->real_timer.t, at);
		return;
	}
	if (value && add_overflows(tgroup_cpu_ns(g, which == ITIMER_VIRTUAL), value, &at))
		at = NO_DEADLINE - 1;
	spin_lock(&g->lock);
	slot_of(g, which)[0] = at;
	slot_of(g, which)[1] = interval;
	spin_unlock(&g->lock);
	if (value)
		cpu_timer_start(g);
}

static struct linux_timeval to_timeval(uint64_t ns)
{
	ns += NSEC_PER_USEC - 1;        /* never report an armed timer as 0 */
	return (struct linux_timeval){ (int64_t)(ns / NSEC_PER_SEC),
				       (int64_t)(ns % NSEC_PER_SEC / NSEC_PER_USEC) };
}

static int from_timeval(const struct linux_timeval *tv, uint64_t *ret)
{
	struct linux_timespec ts = { .sec = tv->sec };
	int64_t ns;

	if (tv->usec < 0 || tv->usec >= 1000000)
		return -EINVAL;
	ts.nsec = tv->usec * 1000;
	ns = timespec_ns(&ts);
	if (ns < 0)
		return -EINVAL;
	*ret = (uint64_t)ns;
	return 0;
}

static int put_values(struct tgroup *g, int which, up_itimerval uv)
{
	uint64_t value, interval;
	struct linux_itimerval v;

	get_values(g, which, &value, &interval);
	v.value = value ? to_timeval(value) : (struct linux_timeval){ 0, 0 };
	v.interval = interval ? to_timeval(interval) : (struct linux_timeval){ 0, 0 };
	return copy_out_obj(uv, &v);
}

SYSCALL2(getitimer, int, which, up_itimerval, uv)
{
	if ((unsigned)which > ITIMER_PROF)
		return -EINVAL;
	return put_values(t->tg, which, uv);
}

SYSCALL3(setitimer, int, which, up_itimerval, unew, up_itimerval, uold)
{
	struct linux_itimerval v = { 0 };
	uint64_t value, interval;
	int err;

	if ((unsigned)which > ITIMER_PROF)
		return -EINVAL;
	if (unew.va) {
		err = copy_in_obj(&v, unew);
		if (err)
			return err;
	}
	err = from_timeval(&v.value, &value);
	if (!err)
		err = from_timeval(&v.interval, &interval);
	if (err)
		return err;
	if (uold.va) {
		err = put_values(t->tg, which, uold);
		if (err)
			return err;
	}
	set_values(t->tg, which, value, interval);
	return 0;
}

SYSCALL1(alarm, unsigned, seconds)
{
	uint64_t value, interval;

	get_values(t->tg, ITIMER_REAL, &value, &interval);
	set_values(t->tg, ITIMER_REAL, seconds * NSEC_PER_SEC, 0);
	/* Rounded to the nearest second, but an armed timer is never 0. */
	if (!value)
		return 0;
	return (long)MAX((value + NSEC_PER_SEC / 2) / NSEC_PER_SEC, 1ul);
}
