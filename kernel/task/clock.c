/* SPDX-License-Identifier: Apache-2.0 */
/* Reading clocks: clock_gettime(2), gettimeofday(2), time(2), adjtimex(2).
 *
 * The wall clock and the monotonic clock are the platform's; nobody inside
 * sets them.  CPU clocks are sums of the scheduler's counters.  A negative
 * clock id names another task's CPU clock: ~pid in the upper bits, 4 for a
 * thread, the kind in the low two (clock_getcpuclockid(3)). */
#include "kernel/task/clock.h"
#include "kernel/syscall/syscall.h"
#include "kernel/task/internal.h"

DECLARE_UPTR(up_timespec, struct linux_timespec);
DECLARE_UPTR(up_timeval, struct linux_timeval);

struct linux_timezone { int32_t minuteswest, dsttime; };

bool clock_is_wall(int32_t id)
{
	return id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE || id == CLOCK_TAI ||
	       id == CLOCK_REALTIME_ALARM;
}

bool clock_is_mono(int32_t id)
{
	return id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_RAW || id == CLOCK_MONOTONIC_COARSE ||
	       id == CLOCK_BOOTTIME || id == CLOCK_BOOTTIME_ALARM;
}

bool clock_is_cpu(int32_t id)
{
	return id < 0 || id == CLOCK_PROCESS_CPUTIME_ID || id == CLOCK_THREAD_CPUTIME_ID;
}

uint64_t tgroup_cpu_ns(struct tgroup *g, bool user_only)
{
	struct child_usage u = { 0 };

	spin_lock(&task_list_lock);
	tgroup_usage_locked(g, &u);
	spin_unlock(&task_list_lock);
	return u.utime_ns + (user_only ? 0 : u.stime_ns);
}

static int read_foreign(int32_t id, uint64_t *ret)
{
	int32_t pid = ~(id >> 3);
	bool user_only = (id & CPUCLOCK_KIND) == CPUCLOCK_VIRT;
	struct child_usage u = { 0 };
	struct task *o = pid ? task_find_get(pid) : task_get(current_task());

	if ((id & CPUCLOCK_KIND) == CPUCLOCK_KIND || !o) {
		task_put(o);
		return -EINVAL;
	}
	if (id & CPUCLOCK_PERTHREAD) {
		if (o->tg != current_task()->tg) {
			task_put(o);
			return -EINVAL;
		}
		task_usage(o, &u);
		*ret = u.utime_ns + (user_only ? 0 : u.stime_ns);
	} else {
		*ret = tgroup_cpu_ns(o->tg, user_only);
	}
	task_put(o);
	return 0;
}

int clock_read(int32_t id, uint64_t *ret)
{
	struct task *t = current_task();
	struct child_usage u = { 0 };

	if (clock_is_mono(id)) {
		*ret = plat_time_mono_ns();
	} else if (clock_is_wall(id)) {
		*ret = plat_time_real_ns();
	} else if (id == CLOCK_PROCESS_CPUTIME_ID) {
		*ret = tgroup_cpu_ns(t->tg, false);
	} else if (id == CLOCK_THREAD_CPUTIME_ID) {
		task_usage(t, &u);
		*ret = u.utime_ns + u.stime_ns;
	} else if (id < 0) {
		return read_foreign(id, ret);
	} else {
		return -EINVAL;
	}
	return 0;
}

uint64_t clock_deadline(int32_t id, uint64_t ns)
{
	uint64_t real, mono;

	if (!clock_is_wall(id))
		return ns;
	mono = plat_time_mono_ns();
	real = plat_time_real_ns();
	if (ns <= real)
		return mono;
	return add_overflows(mono, ns - real, &mono) ? NO_DEADLINE - 1 : mono;
}

SYSCALL2(clock_gettime, int, id, up_timespec, uts)
{
	struct linux_timespec ts;
	uint64_t ns;
	int err = clock_read(id, &ns);

	if (err)
		return err;
	vdso_update();          /* perhaps why the program had to ask us */
	ts = ns_timespec((int64_t)ns);
	return copy_out_obj(uts, &ts);
}

SYSCALL2(clock_getres, int, id, up_timespec, uts)
{
	bool coarse = id == CLOCK_REALTIME_COARSE || id == CLOCK_MONOTONIC_COARSE;
	struct linux_timespec ts = { 0, coarse ? 4000000 : 1 };
	uint64_t ns;
	int err = clock_read(id, &ns);

	if (err)
		return err;
	return uts.va ? copy_out_obj(uts, &ts) : 0;
}

SYSCALL2(clock_settime, int, id, up_timespec, uts)
{
	struct linux_timespec ts;
	uint64_t ns;
	int err;

	if (id >= 0 && id != CLOCK_REALTIME)
		return -EINVAL;
	err = copy_in_obj(&ts, uts);
	if (err)
		return err;
	if (id < 0) {
		err = clock_read(id, &ns);
		return err ? err : -EPERM;
	}
	return timespec_ns(&ts) < 0 ? -EINVAL : -EPERM;
}

SYSCALL2(gettimeofday, up_timeval, utv, uaddr, utz)
{
	struct linux_timezone tz = { 0, 0 };
	uint64_t ns = plat_time_real_ns();
	struct linux_timeval tv = { (int64_t)(ns / NSEC_PER_SEC),
				    (int64_t)(ns % NSEC_PER_SEC / NSEC_PER_USEC) };
	int err = 0;

	vdso_update();
	if (utv.va)
		err = copy_out_obj(utv, &tv);
	if (!err && utz.va)
		err = copy_out(utz, &tz, sizeof(tz));
	return err;
}

SYSCALL2(settimeofday, up_timeval, utv, uaddr, utz)
{
	struct linux_timezone tz;
	struct linux_timeval tv;
	int err = 0;

	if (utv.va) {
		err = copy_in_obj(&tv, utv);
		if (!err && (tv.usec < 0 || tv.usec >= 1000000 || tv.sec < 0))
			err = -EINVAL;
	}
	if (!err && utz.va)
		err = copy_in(&tz, utz, sizeof(tz));
	return err ? err : -EPERM;
}

SYSCALL1(time, uaddr, ut)
{
	int64_t s = (int64_t)(plat_time_real_ns() / NSEC_PER_SEC);
	int err = ut.va ? copy_out(ut, &s, sizeof(s)) : 0;

	return err ? err : s;
}

struct linux_timex {
	uint32_t modes, pad0;
	int64_t offset, freq, maxerror, esterror;
	int32_t status, pad1;
	int64_t constant, precision, tolerance;
	struct linux_timeval time;
	int64_t tick, ppsfreq, jitter;
	int32_t shift, pad2;
	int64_t stabil, jitcnt, calcnt, errcnt, stbcnt;
	int32_t tai, pad3[11];
};
_Static_assert(sizeof(struct linux_timex) == 208, "timex");

#define STA_UNSYNC 0x40
#define ADJ_TICK 0x4000
#define ADJ_ADJTIME 0x8000u
#define ADJ_OFFSET_SINGLESHOT 0x8001u
#define ADJ_OFFSET_SS_READ 0xa001
#define TICK_LEAST 9000                 /* of the 10000 us of a tick, a tenth less or more */
#define TICK_MOST 11000
#define TIME_ERROR 5

/* Reading works; the clock is the host's to steer. */
static long read_timex(uaddr ux)
{
	struct linux_timex x;
	uint64_t ns = plat_time_real_ns();
	int err = copy_in(&x, ux, sizeof(x));

	if (err)
		return err;
	if ((x.modes & ADJ_ADJTIME) && !(x.modes & ADJ_OFFSET_SINGLESHOT & ~ADJ_ADJTIME))
		return -EINVAL;
	if ((x.modes & ADJ_TICK) && capable(CAP_SYS_TIME) && (x.tick < TICK_LEAST || x.tick > TICK_MOST))
		return -EINVAL;
	if (x.modes && x.modes != ADJ_OFFSET_SS_READ)
		return -EPERM;
	x = (struct linux_timex){
		.maxerror = 16000000, .esterror = 16000000, .status = STA_UNSYNC,
		.constant = 2, .precision = 1, .tolerance = 32768000, .tick = 10000,
		.time = { (int64_t)(ns / NSEC_PER_SEC), (int64_t)(ns % NSEC_PER_SEC / NSEC_PER_USEC) },
	};
	err = copy_out(ux, &x, sizeof(x));
	return err ? err : TIME_ERROR;
}

SYSCALL1(adjtimex, uaddr, ux)
{
	return read_timex(ux);
}

SYSCALL2(clock_adjtime, int, id, uaddr, ux)
{
	if (id == CLOCK_REALTIME)
		return read_timex(ux);
	return clock_is_cpu(id) || clock_is_wall(id) || clock_is_mono(id) ? -EOPNOTSUPP : -EINVAL;
}
