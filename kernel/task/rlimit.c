/* SPDX-License-Identifier: Apache-2.0 */
/* Resource limits: getrlimit(2), setrlimit(2), prlimit(2).  Lock: tgroup->lock. */
#include "kernel/syscall/syscall.h"
#include "kernel/task/internal.h"

DECLARE_UPTR(up_rlimit64, struct linux_rlimit64);

#define NOFILE_MAX 1048576ull

uint64_t rlimit_cur(unsigned res)
{
	return __atomic_load_n(&current_task()->tg->rlim[res].cur, __ATOMIC_RELAXED);
}

static long set_limit(struct tgroup *g, unsigned res, const struct linux_rlimit64 *r)
{
	struct linux_rlimit64 *l = &g->rlim[res];
	long err = 0;

	if (r->cur > r->max)
		return -EINVAL;
	if (res == RLIMIT_NOFILE && r->max > NOFILE_MAX)
		return -EPERM;
	spin_lock(&g->lock);
	if (r->max > l->max && !capable(CAP_SYS_RESOURCE))
		err = -EPERM;
	else
		*l = *r;
	spin_unlock(&g->lock);
	if (!err && res == RLIMIT_CPU && r->cur != RLIM_INFINITY)
		cpu_timer_start(g);
	if (!err && res == RLIMIT_NOFILE)
		closes_settle();        /* nobody duplicates descriptors by an old limit */
	return err;
}

SYSCALL2(getrlimit, unsigned, res, up_rlimit64, ur)
{
	struct linux_rlimit64 r;

	if (res >= RLIM_NLIMITS)
		return -EINVAL;
	spin_lock(&t->tg->lock);
	r = t->tg->rlim[res];
	spin_unlock(&t->tg->lock);
	return copy_out_obj(ur, &r);
}

SYSCALL2(setrlimit, unsigned, res, up_rlimit64, ur)
{
	struct linux_rlimit64 r;
	int err;

	if (res >= RLIM_NLIMITS)
		return -EINVAL;
	err = copy_in_obj(&r, ur);
	return err ? err : set_limit(t->tg, res, &r);
}

/* prlimit(2), NOTES: all ids of the target must be the caller's real ones. */
static bool may_prlimit(struct task *o)
{
	const struct cred *me = current_cred();
	struct cred *c = task_get_cred(o);
	bool ok = me->uid == c->uid && me->uid == c->euid && me->uid == c->suid &&
		  me->gid == c->gid && me->gid == c->egid && me->gid == c->sgid;

	cred_put(c);
	return ok || capable(CAP_SYS_RESOURCE);
}

SYSCALL4(prlimit64, int, pid, unsigned, res, up_rlimit64, unew, up_rlimit64, uold)
{
	struct linux_rlimit64 new, old;
	struct task *o;
	long err = 0;

	if (res >= RLIM_NLIMITS)
		return -EINVAL;
	if (unew.va) {
		err = copy_in_obj(&new, unew);
		if (err)
			return err;
	}
	if (pid == 0 || pid == t->tid) {
		o = task_get(t);
	} else {
		o = task_find_get(pid);
		if (!o)
			return -ESRCH;
		if (o->tg != t->tg && (o->tg->zombie || !may_prlimit(o))) {
			err = o->tg->zombie ? -ESRCH : -EPERM;
			goto out;
		}
	}
	spin_lock(&o->tg->lock);
	old = o->tg->rlim[res];
	spin_unlock(&o->tg->lock);
	if (unew.va)
		err = set_limit(o->tg, res, &new);
	if (!err && uold.va)
		err = copy_out_obj(uold, &old);
out:
	task_put(o);
	return err;
}
