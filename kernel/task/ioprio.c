/* SPDX-License-Identifier: Apache-2.0 */
/* ioprio_get(2), ioprio_set(2).
 *
 * There is no block layer below: a priority is checked, remembered, inherited
 * and shown, and changes nothing. */
#include "kernel/syscall/syscall.h"
#include "kernel/task/internal.h"

enum { WHO_PROCESS = 1 };             /* the others follow as in PRIO_ */
enum { CLASS_NONE, CLASS_RT, CLASS_BE, CLASS_IDLE };
#define CLASS_SHIFT 13
#define LEVELS 8

struct prio_visit {
	bool set, found;
	bool one;                       /* of one task: what it was given, not what follows from that */
	uint32_t prio;                  /* to set; or the best that was seen */
	int err;
};

/* What a task without one has: by its nice value. */
static uint32_t effective(struct task *o)
{
	uint32_t p = __atomic_load_n(&o->ioprio, __ATOMIC_RELAXED);

	return p ? p : CLASS_BE << CLASS_SHIFT | (uint32_t)(task_nice(o) + 20) / 5;
}

static bool may_set_locked(struct task *o)
{
	const struct cred *me = current_cred();

	return o->cred->uid == me->euid || o->cred->uid == me->uid || capable(CAP_SYS_NICE);
}

static void visit(struct task *o, void *arg)
{
	struct prio_visit *v = arg;

	if (v->set && !may_set_locked(o))
		v->err = -EPERM;
	else if (v->set)
		__atomic_store_n(&o->ioprio, v->prio, __ATOMIC_RELAXED);
	else if (v->one)
		v->prio = __atomic_load_n(&o->ioprio, __ATOMIC_RELAXED);
	else
		v->prio = v->found ? MIN(v->prio, effective(o)) : effective(o);
	v->found = true;
}

static int walk(struct task *t, int which, int who, struct prio_visit *v)
{
	int err = which < WHO_PROCESS ? -EINVAL : task_for_each_of(t, which - WHO_PROCESS, who, visit, v);

	if (err)
		return err;
	return v->found ? v->err : -ESRCH;
}

SYSCALL2(ioprio_get, int, which, int, who)
{
	struct prio_visit v = { .one = which == WHO_PROCESS };
	int err = walk(t, which, who, &v);

	return err ? err : (long)v.prio;
}

SYSCALL3(ioprio_set, int, which, int, who, int, prio)
{
	struct prio_visit v = { .set = true, .prio = (uint32_t)prio };
	uint32_t level = (uint32_t)prio & ((1u << CLASS_SHIFT) - 1);

	switch (prio >> CLASS_SHIFT) {
	case CLASS_RT:
		if (!capable(CAP_SYS_ADMIN) && !capable(CAP_SYS_NICE))
			return -EPERM;
		/* fallthrough */
	case CLASS_BE:
		if (level >= LEVELS)
			return -EINVAL;
		break;
	case CLASS_IDLE:
		break;
	case CLASS_NONE:
		if (level)
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}
	return walk(t, which, who, &v);
}
