/* SPDX-License-Identifier: Apache-2.0 */
/* timer_create(2) and its relatives.
 *
 * A timer is a counted object on tgroup->posix_timers; a kernel timer drives
 * it, also for CPU clocks (looked at when they could be due at the earliest).
 * While the signal of an earlier expiry is still pending, further ones are
 * counted as overruns.
 * Locks: list, values under tgroup->lock; the kernel timer is set and
 * cancelled without it. */
#include "kernel/syscall/syscall.h"
#include "kernel/task/clock.h"
#include "kernel/task/internal.h"

DECLARE_UPTR(up_sigevent, struct linux_sigevent);
DECLARE_UPTR(up_itimerspec, struct linux_itimerspec);
DECLARE_UPTR(up_timer_id, int32_t);

#define OVERRUN_MAX INT32_MAX
#define TIMERS_PER_PROCESS 4096u

struct ptimer {
	struct ref ref;
	struct list link;               /* tg->lock; empty: deleted */
	struct tgroup *tg;              /* outlives it: deleted at exit */
	struct task *target;            /* SIGEV_THREAD_ID; counted */
	struct task *measured;          /* whose time a thread's clock counts; counted */
	struct ktimer k;
	int32_t id, clock;
	int32_t notify, signo;
	uint64_t value;
	uint64_t due_ns, interval_ns;   /* tg->lock; due on its clock, 0 = disarmed */
	int32_t overrun, overrun_last;  /* tg->lock */
};

static void ptimer_put(struct ptimer *p)
{
	if (!ref_put(&p->ref))
		return;
	if (p->target)
		task_put(p->target);
	if (p->measured)
		task_put(p->measured);
	kfree(p);
}

static void arm(struct ptimer *p, uint64_t due, uint64_t now_on_clock)
{
	uint64_t at = due;

	if (clock_is_cpu(p->clock)) {
		uint64_t left = due > now_on_clock ? due - now_on_clock : 0;

		at = plat_time_mono_ns() + MAX(left / cpu_count(), CPU_CHECK_MIN_NS);
	} else {
		at = clock_deadline(p->clock, due);
	}
	ktimer_set(&p->k, at);
}

static uint64_t now_of(struct ptimer *p)
{
	struct child_usage u = { 0 };

	if (p->clock == CLOCK_PROCESS_CPUTIME_ID)
		return tgroup_cpu_ns(p->tg, false);
	if (clock_is_cpu(p->clock)) {
		task_usage(p->measured, &u);
		return u.utime_ns + u.stime_ns;
	}
	return clock_is_wall(p->clock) ? plat_time_real_ns() : plat_time_mono_ns();
}

static bool still_pending(struct ptimer *p)
{
	struct task *t = p->target ? p->target : p->tg->leader;
	uint64_t set;

	spin_lock(&t->sighand->lock);
	set = p->notify == SIGEV_THREAD_ID ? t->pending.set : p->tg->pending.set;
	spin_unlock(&t->sighand->lock);
	return set & SIGMASK(p->signo);
}

static void send(struct ptimer *p, int32_t overrun)
{
	struct linux_siginfo si = { .signo = p->signo, .code = SI_TIMER, .pad0 = SIGINFO_TIMER };

	si.u.timer.tid = p->id;
	si.u.timer.overrun = overrun;
	si.u.timer.value = p->value;
	if (p->notify == SIGEV_THREAD_ID)
		signal_send_task(p->target, p->signo, &si);
	else
		signal_send_group(p->tg, p->signo, &si);
}

static void fire(struct ktimer *k)
{
	struct ptimer *p = container_of(k, struct ptimer, k);
	bool pending, deliver = false;
	uint64_t now = now_of(p), due, missed = 0;
	int32_t overrun = 0;

	spin_lock(&task_list_lock);     /* the leader stays */
	pending = p->notify != SIGEV_NONE && still_pending(p);
	spin_unlock(&task_list_lock);
	spin_lock(&p->tg->lock);
	due = p->due_ns;
	if (!due || list_empty(&p->link)) {
		spin_unlock(&p->tg->lock);
		return;
	}
	if (now >= due) {
		if (p->interval_ns) {
			missed = (now - due) / p->interval_ns;
			p->due_ns = due + (missed + 1) * p->interval_ns;
		} else {
			p->due_ns = 0;
		}
		missed = MIN(missed + (pending ? 1 : 0), (uint64_t)OVERRUN_MAX - (uint64_t)p->overrun);
		p->overrun += (int32_t)missed;
		if (!pending) {
			deliver = true;
			overrun = p->overrun;
			p->overrun = 0;
		}
	}
	due = p->due_ns;
	spin_unlock(&p->tg->lock);
	if (deliver && p->notify != SIGEV_NONE)
		send(p, overrun);
	if (due)
		arm(p, due, now);
}

/* What came while its signal waited belongs to that signal. */
void posix_timer_taken_locked(struct tgroup *g, struct linux_siginfo *info)
{
	struct ptimer *p;

	list_for_each(p, &g->posix_timers, link) {
		if (p->id != info->u.timer.tid)
			continue;
		p->overrun_last = info->u.timer.overrun + MIN(p->overrun, INT32_MAX - info->u.timer.overrun);
		p->overrun = 0;
		info->u.timer.overrun = p->overrun_last;
		break;
	}
}

static struct ptimer *find_get(struct task *t, int32_t id)
{
	struct ptimer *p, *found = NULL;

	spin_lock(&t->tg->lock);
	list_for_each(p, &t->tg->posix_timers, link)
		if (p->id == id) {
			ref_get(&p->ref);
			found = p;
			break;
		}
	spin_unlock(&t->tg->lock);
	return found;
}

void posix_timers_delete_all(struct tgroup *g)
{
	for (;;) {
		struct ptimer *p = NULL;

		spin_lock(&g->lock);
		if (!list_empty(&g->posix_timers)) {
			p = list_first(&g->posix_timers, struct ptimer, link);
			list_del(&p->link);
			p->due_ns = 0;
		}
		spin_unlock(&g->lock);
		if (!p)
			return;
		ktimer_cancel(&p->k);
		ptimer_put(p);
	}
}

static int decode(struct task *t, struct ptimer *p, up_sigevent uev)
{
	struct linux_sigevent ev = { .signo = SIGALRM, .notify = SIGEV_SIGNAL };
	int err;

	if (uev.va) {
		err = copy_in_obj(&ev, uev);
		if (err)
			return err;
	} else {
		ev.value = (uint64_t)p->id;
	}
	p->notify = ev.notify;
	p->signo = ev.signo;
	p->value = ev.value;
	if (ev.notify == SIGEV_NONE)
		return 0;
	if (ev.notify != SIGEV_SIGNAL && ev.notify != SIGEV_THREAD_ID && ev.notify != SIGEV_THREAD)
		return -EINVAL;
	if (ev.signo < 1 || ev.signo > NSIG)
		return -EINVAL;
	if (ev.notify == SIGEV_THREAD_ID) {
		p->target = task_find_get(ev.u.tid);
		if (!p->target || p->target->tg != t->tg)
			return -EINVAL;
	}
	return 0;
}

/* Library functions name the caller's CPU clocks, and those of its threads, by
 * numbers made of pids: turned into the two plain names. */
static int own_cpu_clock(struct task *t, int *clock, struct task **ret_measured)
{
	int32_t pid = ~(*clock >> 3);
	bool thread = *clock & CPUCLOCK_PERTHREAD;
	struct task *o;

	if ((*clock & CPUCLOCK_KIND) == CPUCLOCK_KIND)
		return -EINVAL;
	if ((*clock & CPUCLOCK_KIND) == CPUCLOCK_VIRT)
		return -EOPNOTSUPP;
	*clock = thread ? CLOCK_THREAD_CPUTIME_ID : CLOCK_PROCESS_CPUTIME_ID;
	if (!pid)
		return 0;
	o = task_find_get(pid);
	if (!o || (thread && o->tg != t->tg)) {
		task_put(o);
		return -EINVAL;
	}
	if (thread) {
		*ret_measured = o;
		return 0;
	}
	thread = o->tg == t->tg;
	task_put(o);
	return thread ? 0 : -EOPNOTSUPP;
}

SYSCALL3(timer_create, int, clock, up_sigevent, uev, up_timer_id, uid)
{
	struct tgroup *g = t->tg;
	struct ptimer *p, *o;
	struct task *measured = NULL;
	unsigned n = 0;
	int err = clock < 0 ? own_cpu_clock(t, &clock, &measured) : 0;

	if (err)
		return err;
	if (!clock_is_wall(clock) && !clock_is_mono(clock) &&
	    clock != CLOCK_PROCESS_CPUTIME_ID && clock != CLOCK_THREAD_CPUTIME_ID)
		return -EINVAL;
	if (clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE)
		return -EOPNOTSUPP;
	p = kzalloc(sizeof(*p));
	if (!p) {
		task_put(measured);
		return -ENOMEM;
	}
	p->measured = measured;
	ref_init(&p->ref);
	list_init(&p->link);
	p->tg = g;
	p->clock = clock;
	ktimer_init(&p->k, fire);
	spin_lock(&g->lock);
	p->id = g->next_timer_id++;
	if (g->next_timer_id < 0)
		g->next_timer_id = 0;
	list_for_each(o, &g->posix_timers, link)
		n++;
	spin_unlock(&g->lock);
	err = n >= TIMERS_PER_PROCESS ? -EAGAIN : decode(t, p, uev);
	if (!err && clock == CLOCK_THREAD_CPUTIME_ID && !p->measured)
		p->measured = task_get(t);
	if (!err)
		err = copy_out_obj(uid, &p->id);
	if (err) {
		ptimer_put(p);
		return err;
	}
	spin_lock(&g->lock);
	list_push_back(&g->posix_timers, &p->link);
	spin_unlock(&g->lock);
	return 0;
}

static void read_values(struct ptimer *p, struct linux_itimerspec *v)
{
	uint64_t now = now_of(p), due, interval;

	spin_lock(&p->tg->lock);
	due = p->due_ns;
	interval = p->interval_ns;
	spin_unlock(&p->tg->lock);
	v->interval = ns_timespec((int64_t)interval);
	v->value = ns_timespec(due ? (int64_t)(due > now ? due - now : 1) : 0);
}

SYSCALL2(timer_gettime, int, id, up_itimerspec, uv)
{
	struct ptimer *p = find_get(t, id);
	struct linux_itimerspec v;

	if (!p)
		return -EINVAL;
	read_values(p, &v);
	ptimer_put(p);
	return copy_out_obj(uv, &v);
}

SYSCALL4(timer_settime, int, id, int, flags, up_itimerspec, unew, up_itimerspec, uold)
{
	struct linux_itimerspec v, old;
	int64_t value, interval;
	uint64_t due = 0, now;
	struct ptimer *p;
	int err = unew.va ? copy_in_obj(&v, unew) : -EINVAL;

	if (err)
		return err;
	value = timespec_ns(&v.value);
	interval = timespec_ns(&v.interval);
	if (value < 0 || interval < 0)
		return -EINVAL;
	p = find_get(t, id);
	if (!p)
		return -EINVAL;
	read_values(p, &old);
	spin_lock(&t->tg->lock);
	p->due_ns = 0;                  /* a fire() under way does nothing */
	spin_unlock(&t->tg->lock);
	ktimer_cancel(&p->k);
	now = now_of(p);
	if (value)
		due = (flags & TIMER_ABSTIME) ? (uint64_t)value : now + (uint64_t)value;
	spin_lock(&t->tg->lock);
	p->due_ns = due;
	p->interval_ns = (uint64_t)interval;
	p->overrun = p->overrun_last = 0;
	spin_unlock(&t->tg->lock);
	if (due)
		arm(p, due, now);
	ptimer_put(p);
	return uold.va ? copy_out_obj(uold, &old) : 0;
}

SYSCALL1(timer_getoverrun, int, id)
{
	struct ptimer *p = find_get(t, id);
	long r;

	if (!p)
		return -EINVAL;
	r = p->overrun_last;
	ptimer_put(p);
	return r;
}

SYSCALL1(timer_delete, int, id)
{
	struct ptimer *p = find_get(t, id);

	if (!p)
		return -EINVAL;
	spin_lock(&t->tg->lock);
	if (list_empty(&p->link)) {
		spin_unlock(&t->tg->lock);
		ptimer_put(p);
		return -EINVAL;
	}
	list_del(&p->link);
	p->due_ns = 0;
	spin_unlock(&t->tg->lock);
	ktimer_cancel(&p->k);
	ptimer_put(p);
	ptimer_put(p);
	return 0;
}
