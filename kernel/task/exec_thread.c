/* SPDX-License-Identifier: Apache-2.0 */
/* execve in a process of several threads: the others end, the caller becomes
 * the leader and takes the process's number.
 *
 * tgroup->group_exec marks the phase: no thread can be added (clone.c), a
 * thread that gets SIGKILL then ends alone (task_exit_group).  The wait ends
 * early only when the whole group is killed. */
#include "kernel/task/exec.h"
#include "kernel/task/internal.h"
#include "kernel/task/ptrace.h"

static bool alone(struct task *t)
{
	struct tgroup *g = t->tg;
	bool r;

	spin_lock(&task_list_lock);
	r = g->thread_count == 1;
	spin_unlock(&task_list_lock);
	return r;
}

/* The leader has ended; t takes its place. */
static struct task *take_lead_locked(struct task *t)
{
	struct tgroup *g = t->tg;
	struct task *old = g->leader;

	if (old == t)
		return NULL;
	ptrace_drop_locked(old);
	task_unhash_locked(old);
	task_rehash_locked(t, g->tgid);
	g->leader = t;
	return old;
}

int exec_de_thread(struct task *t)
{
	struct tgroup *g = t->tg;
	struct task *o, *old;
	int err;

	spin_lock(&task_list_lock);
	spin_lock(&g->lock);
	if (g->group_exiting || g->group_exec) {
		spin_unlock(&g->lock);
		spin_unlock(&task_list_lock);
		return -EAGAIN;
	}
	g->group_exec = t;
	spin_unlock(&g->lock);
	list_for_each(o, &g->threads, thread_link)
		if (o != t && !o->exiting)
			task_kill_thread(o);
	spin_unlock(&task_list_lock);

	err = WAIT_EVENT(&g->exit_wait, TASK_KILLABLE, NO_DEADLINE, alone(t));
	spin_lock(&task_list_lock);
	spin_lock(&g->lock);
	g->group_exec = NULL;
	if (g->group_exiting)
		err = -EAGAIN;
	spin_unlock(&g->lock);
	old = err ? NULL : take_lead_locked(t);
	spin_unlock(&task_list_lock);
	if (old)
		task_put(old);
	return err ? -EAGAIN : 0;
}
