/* SPDX-License-Identifier: Apache-2.0 */
/* nanosleep(2), clock_nanosleep(2).
 *
 * A relative sleep that a stop and continue interrupts goes on through
 * restart_syscall(2) with its first deadline; what is left is reported only
 * when a handler ran. */
#include "kernel/syscall/syscall.h"
#include "kernel/task/clock.h"
#include "kernel/task/internal.h"

DECLARE_UPTR(up_timespec, struct linux_timespec);

static int sleep_until(struct task *t, uint64_t deadline)
{
	int err;

	__atomic_store_n(&t->wchan, "nanosleep", __ATOMIC_RELAXED);
	do {
		sched_prepare(TASK_INTERRUPTIBLE);
		err = sched_block(deadline);
	} while (!err);                 /* woken for nothing */
	sched_finish();
	__atomic_store_n(&t->wchan, NULL, __ATOMIC_RELAXED);
	return err == -ETIMEDOUT ? 0 : err;
}

/* restart.a: deadline, address for the rest. */
static long sleep_restartable(struct task *t)
{
	uint64_t deadline = t->restart.a[0], now;
	uaddr urem = { t->restart.a[1] };
	struct linux_timespec ts;
	int err = sleep_until(t, deadline);

	if (!err)
		return 0;
	now = plat_time_mono_ns();
	if (now >= deadline)
		return 0;
	if (urem.va) {
		ts = ns_timespec((int64_t)(deadline - now));
		if (copy_out(urem, &ts, sizeof(ts)))
			return -EFAULT;
	}
	t->restart.fn = sleep_restartable;
	t->restart.a[0] = deadline;
	t->restart.a[1] = urem.va;
	return -ERESTART_RESTARTBLOCK;
}

static long sleep_relative(struct task *t, uint64_t ns, up_timespec urem)
{
	uint64_t deadline;

	if (add_overflows(plat_time_mono_ns(), ns, &deadline))
		deadline = NO_DEADLINE - 1;
	t->restart.a[0] = deadline;
	t->restart.a[1] = urem.va;
	return sleep_restartable(t);
}

/* Until a process has used so much CPU time; looked at as CPU timers do.  a[0]: the
 * clock's value to wait for, a[1]: address for the rest, a[2]: the clock. */
static long cpu_sleep_restartable(struct task *t)
{
	uint64_t deadline = t->restart.a[0], now;
	uaddr urem = { t->restart.a[1] };
	int32_t id = (int32_t)t->restart.a[2];
	struct linux_timespec ts;
	int err;

	for (;;) {
		uint64_t at;

		err = clock_read(id, &now);
		if (err || now >= deadline)
			return err;
		at = plat_time_mono_ns() + MAX((deadline - now) / cpu_count(), CPU_CHECK_MIN_NS);
		err = sleep_until(t, at);
		if (err)
			break;
	}
	if (urem.va) {
		ts = ns_timespec((int64_t)(deadline - now));
		if (copy_out(urem, &ts, sizeof(ts)))
			return -EFAULT;
	}
	t->restart.fn = cpu_sleep_restartable;
	t->restart.a[0] = deadline;
	t->restart.a[1] = urem.va;
	t->restart.a[2] = (uint32_t)id;
	return -ERESTART_RESTARTBLOCK;
}

static long sleep_cpu(struct task *t, int32_t id, uint64_t ns, bool absolute, uaddr urem)
{
	int32_t pid = ~(id >> 3);
	uint64_t now;
	long err;

	if (id < 0 && (id & CPUCLOCK_PERTHREAD) && (!pid || pid == t->tid))
		return -EINVAL;         /* it would not run while it sleeps */
	err = clock_read(id, &now);
	if (err)
		return err;
	if (absolute)
		urem.va = 0;
	else if (add_overflows(now, ns, &ns))
		ns = UINT64_MAX;
	t->restart.a[0] = ns;
	t->restart.a[1] = urem.va;
	t->restart.a[2] = (uint32_t)id;
	err = cpu_sleep_restartable(t);
	return absolute && err == -ERESTART_RESTARTBLOCK ? -ERESTARTNOHAND : err;
}

SYSCALL2(nanosleep, up_timespec, ureq, up_timespec, urem)
{
	struct linux_timespec ts;
	int64_t ns;
	int err = copy_in_obj(&ts, ureq);

	if (err)
		return err;
	ns = timespec_ns(&ts);
	if (ns < 0)
		return -EINVAL;
	return sleep_relative(t, (uint64_t)ns, urem);
}

SYSCALL4(clock_nanosleep, int, id, int, flags, up_timespec, ureq, up_timespec, urem)
{
	struct linux_timespec ts;
	int64_t ns;
	int err;

	if (id == CLOCK_THREAD_CPUTIME_ID || id == CLOCK_MONOTONIC_RAW || id == CLOCK_MONOTONIC_COARSE ||
	    id == CLOCK_REALTIME_COARSE || (id < 0 && (id & CPUCLOCK_OF) == CPUCLOCK_OF_FILE))
		return -EOPNOTSUPP;
	if (!clock_is_wall(id) && !clock_is_mono(id) && !clock_is_cpu(id))
		return -EINVAL;
	err = copy_in_obj(&ts, ureq);
	if (err)
		return err;
	ns = timespec_ns(&ts);
	if (ns < 0)
		return -EINVAL;
	if (clock_is_cpu(id))
		return sleep_cpu(t, id, (uint64_t)ns, flags & TIMER_ABSTIME, (uaddr){ urem.va });
	if (!(flags & TIMER_ABSTIME))
		return sleep_relative(t, (uint64_t)ns, urem);
	err = sleep_until(t, clock_deadline(id, (uint64_t)ns));
	return err ? -ERESTARTNOHAND : 0;
}
