/* SPDX-License-Identifier: Apache-2.0 */
/* timerfd_create(2).
 *
 * One kernel timer per descriptor.  An interval timer that nobody reads fires
 * once and is wound on when its ticks are taken, so that a short interval
 * costs nothing while nobody looks.  All clocks run on the monotonic one: the
 * wall clock is an offset read when an absolute time is set. */
#include "kernel/ipc/ipc.h"
#include "kernel/syscall/syscall.h"
#include <linux_abi/timerfd.h>

struct timerfd {
	struct ktimer timer;
	int clock;
	struct waitq wq;
	struct spinlock lock;

	/* lock */
	uint64_t expiry_ns;             /* monotonic; 0 = disarmed */
	uint64_t interval_ns;
	uint64_t ticks;
	bool fired;                     /* the timer ran and is not wound on */
	uint32_t settime_flags;
};

static bool is_real(int clock) { return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM; }

static void timer_fired(struct ktimer *k)
{
	struct timerfd *t = container_of(k, struct timerfd, timer);
	bool wake = false;

	spin_lock(&t->lock);
	/* A newer setting may have moved the time away meanwhile. */
	if (t->expiry_ns && !t->fired && plat_time_mono_ns() >= t->expiry_ns) {
		t->fired = true;
		t->ticks++;
		wake = true;
	}
	spin_unlock(&t->lock);
	if (wake)
		waitq_wake(&t->wq, 1, POLL_IN_KEYS);
}

/* Wind on a periodic timer that has fired; lock held.  Returns the deadline to
 * arm, 0 for none: the caller arms after unlocking. */
static uint64_t wind_on(struct timerfd *t)
{
	uint64_t now, missed;

	if (!t->fired || !t->interval_ns)
		return 0;
	now = plat_time_mono_ns();
	missed = now > t->expiry_ns ? (now - t->expiry_ns) / t->interval_ns : 0;
	t->ticks += missed;
	t->expiry_ns += (missed + 1) * t->interval_ns;
	t->fired = false;
	return t->expiry_ns;
}

static bool take(struct timerfd *t, uint64_t *ret)
{
	uint64_t arm;

	spin_lock(&t->lock);
	arm = wind_on(t);
	*ret = t->ticks;
	t->ticks = 0;
	spin_unlock(&t->lock);
	if (arm)
		ktimer_set(&t->timer, arm);
	return *ret != 0;
}

static long timerfd_read(struct file *f, struct iter *to, uint64_t *pos)
{
	struct timerfd *t = f->priv;
	uint64_t v;

	(void)pos;
	if (to->left < sizeof v)
		return -EINVAL;
	if (!take(t, &v)) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(&t->wq, take(t, &v)))
			return -ERESTARTSYS;
	}
	return iter_copy_out(to, &v, sizeof v) == sizeof v ? (long)sizeof v : -EFAULT;
}

static uint32_t timerfd_poll(struct file *f, struct poll_table *pt)
{
	struct timerfd *t = f->priv;

	poll_wait(pt, &t->wq);
	return __atomic_load_n(&t->ticks, __ATOMIC_SEQ_CST) ? POLLIN : 0;
}

static void timerfd_free(void *p)
{
	struct timerfd *t = p;

	(void)ktimer_cancel(&t->timer);
	kfree(t);
}

static void timerfd_release(struct file *f) { timerfd_free(f->priv); }

static long timerfd_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct timerfd *t = f->priv;
	uint64_t v;

	if (cmd != TFD_IOC_SET_TICKS)
		return -ENOTTY;
	if (copy_in(&v, (uaddr){ arg }, sizeof v))
		return -EFAULT;
	if (!v)
		return -EINVAL;
	spin_lock(&t->lock);
	t->ticks = v;
	spin_unlock(&t->lock);
	waitq_wake(&t->wq, 1, POLL_IN_KEYS);
	return 0;
}

static void timerfd_get(struct timerfd *t, struct linux_itimerspec *ret)
{
	uint64_t arm, now = plat_time_mono_ns(), left = 0;

	spin_lock(&t->lock);
	arm = wind_on(t);
	if (t->expiry_ns && !t->fired)
		left = t->expiry_ns > now ? t->expiry_ns - now : 1;
	ret->value = ns_timespec((int64_t)MIN(left, (uint64_t)INT64_MAX));
	ret->interval = ns_timespec((int64_t)t->interval_ns);
	spin_unlock(&t->lock);
	if (arm)
		ktimer_set(&t->timer, arm);
}

static void timerfd_fdinfo(struct file *f, struct sbuf *s)
{
	struct timerfd *t = f->priv;
	struct linux_itimerspec it;

	timerfd_get(t, &it);
	sbuf_printf(s, "clockid: %d\nticks: %llu\nsettime flags: 0%o\nit_value: (%lld, %lld)\nit_interval: (%lld, %lld)\n",
		    t->clock, (unsigned long long)t->ticks, t->settime_flags,
		    (long long)it.value.sec, (long long)it.value.nsec,
		    (long long)it.interval.sec, (long long)it.interval.nsec);
}

static const struct file_ops timerfd_fops = {
	.read = timerfd_read,
	.poll = timerfd_poll,
	.ioctl = timerfd_ioctl,
	.release = timerfd_release,
	.show_fdinfo = timerfd_fdinfo,
	.lseek = noop_lseek,
	.type_name = "anon_inode:[timerfd]",
};

SYSCALL2(timerfd_create, int, clock, int, flags)
{
	struct timerfd *tf;

	if (flags & ~(TFD_NONBLOCK | TFD_CLOEXEC))
		return -EINVAL;
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
		break;
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		return -EPERM;          /* CAP_WAKE_ALARM: nothing to wake here */
	default:
		return -EINVAL;
	}
	tf = kzalloc(sizeof *tf);
	if (!tf)
		return -ENOMEM;
	ktimer_init(&tf->timer, timer_fired);
	tf->clock = clock;
	waitq_init(&tf->wq);
	return ipc_new_fd(&timerfd_fops, tf, timerfd_free, O_RDWR | (flags & TFD_NONBLOCK), flags & TFD_CLOEXEC);
}

static int timerfd_get_file(int fd, struct file **ret)
{
	struct file *f = fd_get(fd);

	if (!f)
		return -EBADF;
	if (f->ops != &timerfd_fops) {
		file_put(f);
		return -EINVAL;
	}
	*ret = f;
	return 0;
}

static void timerfd_set(struct timerfd *t, uint64_t value, uint64_t interval, int flags)
{
	uint64_t now = plat_time_mono_ns(), expiry = 0;

	if (value && (flags & TFD_TIMER_ABSTIME)) {
		uint64_t base = is_real(t->clock) ? plat_time_real_ns() : now;

		expiry = value > base ? now + (value - base) : now;
		if (!expiry || expiry < now)
			expiry = NO_DEADLINE - 1;
	} else if (value && add_overflows(now, value, &expiry)) {
		expiry = NO_DEADLINE - 1;
	}
	(void)ktimer_cancel(&t->timer);
	spin_lock(&t->lock);
	t->expiry_ns = expiry;
	t->interval_ns = interval;
	t->ticks = 0;
	t->fired = false;
	t->settime_flags = (uint32_t)flags;
	spin_unlock(&t->lock);
	if (expiry)
		ktimer_set(&t->timer, expiry);
}

SYSCALL4(timerfd_settime, int, fd, int, flags, uaddr, unew, uaddr, uold)
{
	struct linux_itimerspec new, old;
	int64_t value, interval;
	struct file *f;
	int err;

	if (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
		return -EINVAL;
	err = copy_in(&new, unew, sizeof new);
	if (err)
		return err;
	value = timespec_ns(&new.value);
	interval = timespec_ns(&new.interval);
	if (value < 0 || interval < 0)
		return -EINVAL;
	err = timerfd_get_file(fd, &f);
	if (err)
		return err;
	timerfd_get(f->priv, &old);
	timerfd_set(f->priv, (uint64_t)value, (uint64_t)interval, flags);
	file_put(f);
	return uold.va ? copy_out(uold, &old, sizeof old) : 0;
}

SYSCALL2(timerfd_gettime, int, fd, uaddr, ucur)
{
	struct linux_itimerspec cur;
	struct file *f;
	int err = timerfd_get_file(fd, &f);

	if (err)
		return err;
	timerfd_get(f->priv, &cur);
	file_put(f);
	return copy_out(ucur, &cur, sizeof cur);
}
