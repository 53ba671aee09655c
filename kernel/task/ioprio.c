/* SPDX-License-Identifier: Apache-2.0 */
/* ioprio_get(2), ioprio_set(2).
 *
 * There is no block layer below: a priority is checked, remembered, inherited
 * and shown, and changes nothing.  Lock: task_list_lock for walks. */
#include "kernel/syscall/syscall.h"
#include "kernel/task/internal.h"

enum { WHO_PROCESS = 1, WHO_PGRP, WHO_USER };
enum { CLASS_NONE, CLASS_RT, CLASS_BE, CLASS_IDLE };
#define CLASS_SHIFT 13
#define LEVELS 8

struct prio_visit {
	bool set, found;
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

static void visit(struct task *o, struct prio_visit *v)
{
	if (v->set && !may_set_locked(o))
		v->err = -EPERM;
	else if (v->set)
		__atomic_store_n(&o->ioprio, v->prio, __ATOMIC_RELAXED);
	else
		v->prio = v->found ? MIN(v->prio, effective(o)) : effective(o);
	v->found = true;
}

static void visit_group(struct tgroup *g, void *arg)
{
	struct task *o;

	if (!g->zombie)
		list_for_each(o, &g->threads, thread_link)
			visit(o, arg);
}

static int walk(struct task *t, int which, int who, struct prio_visit *v)
{
	struct tgroup *g;
	struct task *o;
	int err = 0;

	spin_lock(&task_list_lock);
	switch (which) {
	case WHO_PROCESS:
		o = who ? task_find_locked(who) : t;
		if (o)
			visit(o, v);
		if (o && !v->set)       /* of one task: what it was given */
			v->prio = __atomic_load_n(&o->ioprio, __ATOMIC_RELAXED);
		break;
	case WHO_PGRP:
		pgrp_for_each(who ? who : t->tg->pgid, visit_group, v);
		break;
	case WHO_USER:
		list_for_each(g, &tgroup_list, all_link)
			if (g->leader->cred->uid == (who ? (uint32_t)who : t->cred->uid))
				visit_group(g, v);
		break;
	default:
		err = -EINVAL;
	}
	spin_unlock(&task_list_lock);
	if (err)
		return err;
	return v->found ? v->err : -ESRCH;
}

SYSCALL2(ioprio_get, int, which, int, who)
{
	struct prio_visit v = { 0 };
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
