/* SPDX-License-Identifier: Apache-2.0 */
/* sched_*(2), getpriority(2), getcpu(2).
 *
 * There is one policy; BATCH and IDLE are remembered, real-time ones are
 * refused, as to a program without the right.  nice is remembered and shown. */
#include "kernel/syscall/syscall.h"
#include "kernel/task/internal.h"

SYSCALL0(sched_yield)
{
	sched_yield();
	return 0;
}

/* pid 0: the caller.  Counted. */
static struct task *target(struct task *t, int32_t pid)
{
	return pid ? (pid < 0 ? NULL : task_find_get(pid)) : task_get(t);
}

static bool may_schedule(struct task *o)
{
	const struct cred *me = current_cred();
	struct cred *c = task_get_cred(o);
	bool ok = me->euid == c->euid || me->euid == c->uid;

	cred_put(c);
	return ok || capable(CAP_SYS_NICE);
}

static uint64_t cpu_mask(void)
{
	return cpu_count() == 64 ? UINT64_MAX : (1ull << cpu_count()) - 1;
}

SYSCALL3(sched_setaffinity, int, pid, unsigned, size, uaddr, umask)
{
	uint64_t mask = 0;
	struct task *o;
	int err = copy_in(&mask, umask, MIN(size, (unsigned)sizeof(mask)));

	if (err)
		return err;
	o = target(t, pid);
	if (!o)
		return -ESRCH;
	mask &= cpu_mask();
	if (!may_schedule(o))
		err = -EPERM;
	else if (!mask)
		err = -EINVAL;
	else
		sched_set_affinity(o, mask);
	task_put(o);
	return err;
}

SYSCALL3(sched_getaffinity, int, pid, unsigned, size, uaddr, umask)
{
	uint64_t mask;
	struct task *o;
	int err;

	if (size < sizeof(mask) || size % sizeof(mask))
		return -EINVAL;
	o = target(t, pid);
	if (!o)
		return -ESRCH;
	mask = __atomic_load_n(&o->se.affinity, __ATOMIC_RELAXED) & cpu_mask();
	task_put(o);
	err = copy_out(umask, &mask, sizeof(mask));
	return err ? err : (long)sizeof(mask);
}

/* RLIMIT_NICE counts up from 20 - nice. */
static bool may_have_nice(struct task *o, int nice)
{
	return (uint64_t)(20 - nice) <= __atomic_load_n(&o->tg->rlim[RLIMIT_NICE].cur, __ATOMIC_RELAXED) || capable(CAP_SYS_NICE);
}

static int set_policy(struct task *o, uint32_t policy, int32_t priority)
{
	bool reset = policy & SCHED_RESET_ON_FORK;

	policy &= ~(uint32_t)SCHED_RESET_ON_FORK;
	switch (policy) {
	case SCHED_OTHER:
	case SCHED_BATCH:
	case SCHED_IDLE:
		if (priority)
			return -EINVAL;
		if (!may_schedule(o))
			return -EPERM;
		if (o->sched_reset_on_fork && !reset && !capable(CAP_SYS_NICE))
			return -EPERM;
		/* Out of IDLE is like a better nice. */
		if (o->sched_policy == SCHED_IDLE && policy != SCHED_IDLE && !may_have_nice(o, task_nice(o)))
			return -EPERM;
		o->sched_policy = policy;
		o->sched_reset_on_fork = reset;
		return 0;
	case SCHED_FIFO:
	case SCHED_RR:
		return priority < 1 || priority > 99 ? -EINVAL : -EPERM;
	case SCHED_DEADLINE:
		return -EPERM;
	default:
		return -EINVAL;
	}
}

SYSCALL3(sched_setscheduler, int, pid, int, policy, uaddr, uparam)
{
	struct linux_sched_param p;
	struct task *o;
	int err;

	if (policy < 0 || pid < 0 || !uparam.va)
		return -EINVAL;
	err = copy_in(&p, uparam, sizeof(p));
	if (err)
		return err;
	/* Its parameters do not fit into a sched_param. */
	if ((policy & ~SCHED_RESET_ON_FORK) == SCHED_DEADLINE)
		return -EINVAL;
	o = target(t, pid);
	if (!o)
		return -ESRCH;
	err = set_policy(o, (uint32_t)policy, p.priority);
	task_put(o);
	return err;
}

SYSCALL2(sched_setparam, int, pid, uaddr, uparam)
{
	struct linux_sched_param p;
	struct task *o;
	int err;

	if (pid < 0 || !uparam.va)
		return -EINVAL;
	err = copy_in(&p, uparam, sizeof(p));
	if (err)
		return err;
	o = target(t, pid);
	if (!o)
		return -ESRCH;
	err = p.priority ? -EINVAL : may_schedule(o) ? 0 : -EPERM;
	task_put(o);
	return err;
}

SYSCALL1(sched_getscheduler, int, pid)
{
	struct task *o;
	long r;

	if (pid < 0)
		return -EINVAL;
	o = target(t, pid);
	if (!o)
		return -ESRCH;
	r = o->sched_policy | (o->sched_reset_on_fork ? SCHED_RESET_ON_FORK : 0);
	task_put(o);
	return r;
}

SYSCALL2(sched_getparam, int, pid, uaddr, uparam)
{
	struct linux_sched_param p = { 0 };
	struct task *o;

	if (pid < 0 || !uparam.va)
		return -EINVAL;
	o = target(t, pid);
	if (!o)
		return -ESRCH;
	task_put(o);
	return copy_out(uparam, &p, sizeof(p));
}

SYSCALL3(sched_setattr, int, pid, uaddr, uattr, unsigned, flags)
{
	struct linux_sched_attr a = { 0 };
	struct task *o;
	uint32_t size;
	int nice, err;

	if (flags || pid < 0 || !uattr.va)
		return -EINVAL;
	err = copy_in(&size, uattr, sizeof(size));
	if (err)
		return err;
	if (!size)
		size = SCHED_ATTR_SIZE_VER0;
	if (size < SCHED_ATTR_SIZE_VER0 || size > PLAT_PAGE_SIZE) {
		size = sizeof(a);       /* what would fit */
		(void)!copy_out(uattr, &size, sizeof(size));
		return -E2BIG;
	}
	err = copy_in_struct(&a, sizeof(a), uattr, size);
	if (err == -E2BIG) {
		size = sizeof(a);
		(void)!copy_out(uattr, &size, sizeof(size));
	}
	if (err)
		return err;
	if ((a.policy & (1u << 31 | SCHED_RESET_ON_FORK)) || (a.flags & ~SCHED_FLAG_ALL))
		return -EINVAL;
	if (a.flags & SCHED_FLAG_UTIL_CLAMP)
		return -EOPNOTSUPP;
	o = target(t, pid);
	if (!o)
		return -ESRCH;
	nice = MAX(MIN(a.nice, 19), -20);
	if (a.flags & SCHED_FLAG_KEEP_POLICY)
		a.policy = o->sched_policy;
	if ((a.flags & SCHED_FLAG_KEEP_PARAMS) || a.policy == SCHED_IDLE)
		nice = task_nice(o);
	if ((a.policy == SCHED_OTHER || a.policy == SCHED_BATCH) &&
	    nice < task_nice(o) && !may_have_nice(o, nice))
		err = -EPERM;
	else
		err = set_policy(o, a.policy | (a.flags & SCHED_FLAG_RESET_ON_FORK ? SCHED_RESET_ON_FORK : 0),
				 (int32_t)a.priority);
	if (!err)
		task_set_nice(o, nice);
	task_put(o);
	return err;
}

SYSCALL4(sched_getattr, int, pid, uaddr, uattr, unsigned, size, unsigned, flags)
{
	struct linux_sched_attr a = { .size = sizeof(a) };
	struct task *o;

	if (flags || pid < 0 || !uattr.va || size < SCHED_ATTR_SIZE_VER0 || size > PLAT_PAGE_SIZE)
		return -EINVAL;
	o = target(t, pid);
	if (!o)
		return -ESRCH;
	a.policy = o->sched_policy;
	a.flags = o->sched_reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0;
	a.nice = task_nice(o);
	task_put(o);
	a.size = MIN(size, (uint32_t)sizeof(a));
	return copy_out(uattr, &a, a.size);
}

static long prio_bound(int policy, long rt)
{
	switch (policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		return rt;
	case SCHED_OTHER:
	case SCHED_BATCH:
	case SCHED_IDLE:
	case SCHED_DEADLINE:
		return 0;
	default:
		return -EINVAL;
	}
}

SYSCALL1(sched_get_priority_max, int, policy)
{
	return prio_bound(policy, 99);
}

SYSCALL1(sched_get_priority_min, int, policy)
{
	return prio_bound(policy, 1);
}

SYSCALL2(sched_rr_get_interval, int, pid, uaddr, uts)
{
	struct linux_timespec ts = { 0, 4000000 };
	struct task *o;

	if (pid < 0)
		return -EINVAL;
	o = target(t, pid);
	if (!o)
		return -ESRCH;
	task_put(o);
	return copy_out(uts, &ts, sizeof(ts));
}

/* ---- nice ---- */

struct prio_walk {
	bool set;
	int nice, best;                 /* best: the lowest nice seen */
	bool found;
	int err;
};

static bool may_nice_locked(struct tgroup *g)
{
	const struct cred *me = current_cred(), *c = g->leader->cred;

	return me->euid == c->euid || me->euid == c->uid || capable(CAP_SYS_NICE);
}

static void visit(struct task *o, void *arg)
{
	struct prio_walk *w = arg;

	w->found = true;
	if (!w->set) {
		w->best = MIN(w->best, task_nice(o));
	} else if (!may_nice_locked(o->tg)) {
		w->err = -EPERM;
	} else if (w->nice < task_nice(o) && !may_have_nice(o, w->nice)) {
		w->err = -EACCES;
	} else {
		task_set_nice(o, w->nice);
	}
}

static int walk(struct task *t, int which, int who, struct prio_walk *w)
{
	int err = task_for_each_of(t, which, who, visit, w);

	if (err)
		return err;
	return w->found ? w->err : -ESRCH;
}

SYSCALL2(getpriority, int, which, int, who)
{
	struct prio_walk w = { .best = 20 };
	int err = walk(t, which, who, &w);

	return err ? err : 20 - w.best;         /* getpriority(2), NOTES: 40..1 */
}

SYSCALL3(setpriority, int, which, int, who, int, prio)
{
	struct prio_walk w = { .set = true, .nice = MAX(MIN(prio, 19), -20) };

	return walk(t, which, who, &w);
}

SYSCALL3(getcpu, uaddr, ucpu, uaddr, unode, uaddr, unused)
{
	uint32_t cpu = plat_cpu_self(), node = 0;
	int err = 0;

	if (ucpu.va)
		err = copy_out(ucpu, &cpu, sizeof(cpu));
	if (!err && unode.va)
		err = copy_out(unode, &node, sizeof(node));
	return err;
}
