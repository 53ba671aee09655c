/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of tasks, process groups, sessions: getpid(2) … setsid(2).
 * Lock: task_list_lock for groups and sessions. */
#include "kernel/syscall/syscall.h"
#include "kernel/task/internal.h"

void pgrp_for_each(int32_t pgid, void (*fn)(struct tgroup *g, void *arg), void *arg)
{
	struct tgroup *g, *tmp;

	list_for_each_safe(g, tmp, &tgroup_list, all_link)
		if (g->pgid == pgid)
			fn(g, arg);
}

struct each_task { void (*fn)(struct task *o, void *arg); void *arg; };

static void each_thread(struct tgroup *g, void *arg)
{
	struct each_task *e = arg;
	struct task *o;

	if (!g->zombie)
		list_for_each(o, &g->threads, thread_link)
			e->fn(o, e->arg);
}

int task_for_each_of(struct task *t, int which, int who, void (*fn)(struct task *o, void *arg), void *arg)
{
	struct each_task e = { fn, arg };
	struct tgroup *g;
	struct task *o;
	int err = 0;

	spin_lock(&task_list_lock);
	switch (which) {
	case PRIO_PROCESS:
		o = who ? task_find_locked(who) : t;
		if (o)
			fn(o, arg);
		break;
	case PRIO_PGRP:
		pgrp_for_each(who ? who : t->tg->pgid, each_thread, &e);
		break;
	case PRIO_USER:
		list_for_each(g, &tgroup_list, all_link)
			if (g->leader->cred->uid == (who ? (uint32_t)who : t->cred->uid))
				each_thread(g, &e);
		break;
	default:
		err = -EINVAL;
	}
	spin_unlock(&task_list_lock);
	return err;
}

/* POSIX: no member has a parent in the same session but another group. */
bool pgrp_orphaned_locked(int32_t pgid, const struct tgroup *ignore)
{
	struct tgroup *g;

	list_for_each(g, &tgroup_list, all_link) {
		if (g->pgid != pgid || g == ignore || g->zombie || !g->parent || tgroup_is_init(g->parent))
			continue;
		if (g->parent->pgid != pgid && g->parent->session == g->session)
			return false;
	}
	return true;
}

bool pgrp_is_orphaned(int32_t pgid)
{
	bool r;

	spin_lock(&task_list_lock);
	r = pgrp_orphaned_locked(pgid, NULL);
	spin_unlock(&task_list_lock);
	return r;
}

bool pgrp_has_stopped_locked(int32_t pgid)
{
	struct tgroup *g;

	list_for_each(g, &tgroup_list, all_link)
		if (g->pgid == pgid && g->stopped)
			return true;
	return false;
}

SYSCALL0(getpid)
{
	return t->tg->tgid;
}

SYSCALL0(gettid)
{
	return t->tid;
}

SYSCALL0(getppid)
{
	long r;

	spin_lock(&task_list_lock);
	r = t->tg->parent ? t->tg->parent->tgid : 0;
	spin_unlock(&task_list_lock);
	return r;
}

/* pid 0: the caller.  task_list_lock held; NULL: ESRCH. */
static struct tgroup *group_locked(struct task *t, int32_t pid)
{
	struct task *o;

	if (pid == 0)
		return t->tg;
	o = task_find_locked(pid);
	return o && o->tg->tgid == pid ? o->tg : NULL;
}

static bool pgrp_in_session_locked(int32_t pgid, const struct session *s)
{
	struct tgroup *g;

	list_for_each(g, &tgroup_list, all_link)
		if (g->pgid == pgid && g->session == s)
			return true;
	return false;
}

static long setpgid_locked(struct task *t, int32_t pid, int32_t pgid)
{
	struct tgroup *g = group_locked(t, pid);

	if (!g)
		return -ESRCH;
	if (pgid == 0)
		pgid = g->tgid;
	if (g != t->tg) {
		if (g->parent != t->tg)
			return -ESRCH;
		if (g->session != t->tg->session)
			return -EPERM;
		if (g->execed)
			return -EACCES;
	}
	if (g->session->sid == g->tgid)
		return -EPERM;
	if (pgid != g->tgid && !pgrp_in_session_locked(pgid, t->tg->session))
		return -EPERM;
	g->pgid = pgid;
	return 0;
}

SYSCALL2(setpgid, int, pid, int, pgid)
{
	long r;

	if (pgid < 0 || (!pgid && pid < 0))     /* no group: the process's own number */
		return -EINVAL;
	if (pid < 0)
		return -ESRCH;
	spin_lock(&task_list_lock);
	r = setpgid_locked(t, pid, pgid);
	spin_unlock(&task_list_lock);
	return r;
}

static long get_group_number(struct task *t, int32_t pid, bool session)
{
	struct task *o;
	long r = -ESRCH;

	if (pid < 0)
		return -ESRCH;
	spin_lock(&task_list_lock);
	o = pid ? task_find_locked(pid) : t;
	if (o)
		r = session ? o->tg->session->sid : o->tg->pgid;
	spin_unlock(&task_list_lock);
	return r;
}

SYSCALL1(getpgid, int, pid)
{
	return get_group_number(t, pid, false);
}

SYSCALL0(getpgrp)
{
	return get_group_number(t, 0, false);
}

SYSCALL1(getsid, int, pid)
{
	return get_group_number(t, pid, true);
}

SYSCALL0(setsid)
{
	struct tgroup *g = t->tg, *o;
	struct session *s = session_new(g->tgid), *old;
	bool taken = false;

	if (!s)
		return -ENOMEM;
	spin_lock(&task_list_lock);
	list_for_each(o, &tgroup_list, all_link)
		if (o->pgid == g->tgid)
			taken = true;
	if (taken) {
		spin_unlock(&task_list_lock);
		session_put(s);
		return -EPERM;
	}
	old = g->session;
	g->session = s;
	g->pgid = g->tgid;
	spin_unlock(&task_list_lock);
	session_put(old);
	return g->tgid;
}
