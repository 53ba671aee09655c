/* SPDX-License-Identifier: Apache-2.0 */
/* The end of tasks and processes.
 *
 * A thread gives its resources back first (it may sleep there), then leaves
 * the tables under task_list_lock.  The last thread of a group turns it into a
 * zombie, gives its children to a subreaper or to init, and tells the parent.
 * The leader stays in the table until the whole group is reaped, since it
 * bears the process's number.
 * Locks: task_list_lock > tgroup->lock > sighand->lock. */
#include "kernel/ipc/ipc.h"
#include "kernel/security/security.h"
#include "kernel/syscall/syscall.h"
#include "kernel/task/internal.h"
#include "kernel/task/ptrace.h"
#include "kernel/tty/tty.h"

#define WAKE_KILL ((1u << TASK_INTERRUPTIBLE) | (1u << TASK_KILLABLE) | \
		   (1u << TASK_STOPPED) | (1u << TASK_TRACED))

void task_wake_signal(struct task *t, uint32_t states)
{
	if (sched_wake(t, states) || t == current_task())
		return;
	if (__atomic_load_n(&t->se.on_cpu, __ATOMIC_ACQUIRE))
		plat_cpu_kick(__atomic_load_n(&t->se.cpu, __ATOMIC_RELAXED));
}

void task_kill_thread(struct task *t)
{
	spin_lock(&t->sighand->lock);
	/* Written under the lock; stops and blocking look without. */
	__atomic_store_n(&t->pending.set, t->pending.set | SIGMASK(SIGKILL), __ATOMIC_RELAXED);
	signal_recalc(t);
	spin_unlock(&t->sighand->lock);
	task_wake_signal(t, WAKE_KILL);
}

void tgroup_kill_all_locked(struct tgroup *g, int32_t exit_code)
{
	struct task *t;

	if (tgroup_is_init(g))
		return;
	spin_lock(&g->lock);
	if (!g->group_exiting) {
		g->exit_code = exit_code;
		/* Last: who sees it, with no lock, reads the code next. */
		__atomic_store_n(&g->group_exiting, true, __ATOMIC_SEQ_CST);
	}
	g->stopped = false;
	__atomic_store_n(&g->stop_signal, 0, __ATOMIC_SEQ_CST);
	g->stop_pending = 0;
	spin_unlock(&g->lock);
	list_for_each(t, &g->threads, thread_link)
		if (!t->exiting)
			task_kill_thread(t);
}

void tgroup_kill_all(struct tgroup *g, int32_t exit_code)
{
	spin_lock(&task_list_lock);
	tgroup_kill_all_locked(g, exit_code);
	spin_unlock(&task_list_lock);
}

/* ---- telling the parent ---- */

void tgroup_notify_locked(struct tgroup *g, int why, int status)
{
	struct tgroup *p = g->parent;
	struct linux_siginfo si = { .code = why };
	struct child_usage u = { 0 };
	int signo = SIGCHLD;
	struct ksigaction act;
	bool exited = why == CLD_EXITED || why == CLD_KILLED || why == CLD_DUMPED;

	if (!p)
		return;
	spin_lock(&p->leader->sighand->lock);
	act = p->leader->sighand->action[SIGCHLD - 1];
	spin_unlock(&p->leader->sighand->lock);
	if (exited)
		signo = g->exit_signal;
	else if (act.flags & SA_NOCLDSTOP)
		signo = 0;
	if (signo == SIGCHLD && act.handler == SIG_IGN)
		signo = 0;
	if (signo > 0) {
		tgroup_usage_locked(g, &u);
		si.signo = signo;
		si.u.chld.pid = g->tgid;
		si.u.chld.uid = g->leader->cred->uid;
		si.u.chld.status = status;
		si.u.chld.utime = (int64_t)(u.utime_ns / (NSEC_PER_SEC / USER_HZ));
		si.u.chld.stime = (int64_t)(u.stime_ns / (NSEC_PER_SEC / USER_HZ));
		signal_send_group_locked(p, signo, &si);
	}
	waitq_wake_all(&p->child_wait, 0);
}

void tgroup_notify_parent(struct tgroup *g, int why, int status)
{
	spin_lock(&task_list_lock);
	tgroup_notify_locked(g, why, status);
	spin_unlock(&task_list_lock);
}

static void notify_exit_locked(struct tgroup *g)
{
	int status = g->exit_code;

	if (status & 0x7f)
		tgroup_notify_locked(g, status & WSTATUS_CORE ? CLD_DUMPED : CLD_KILLED, status & 0x7f);
	else
		tgroup_notify_locked(g, CLD_EXITED, (status >> 8) & 0xff);
}

/* Does nobody want to wait for g?  wait(2), NOTES. */
static bool autoreap_locked(struct tgroup *g)
{
	struct tgroup *p = g->parent;
	struct ksigaction act;

	if (!p)
		return true;
	if (tgroup_is_init(p))
		return g != task_first_program();
	if (g->exit_signal != SIGCHLD)
		return false;
	spin_lock(&p->leader->sighand->lock);
	act = p->leader->sighand->action[SIGCHLD - 1];
	spin_unlock(&p->leader->sighand->lock);
	return act.handler == SIG_IGN || (act.flags & SA_NOCLDWAIT);
}

void tgroup_reap_locked(struct tgroup *g)
{
	ptrace_drop_locked(g->leader);
	list_del(&g->sibling);
	list_del(&g->all_link);
	g->parent = NULL;
	g->parent_task = NULL;
	task_unhash_locked(g->leader);
}

void tgroup_reaped(struct tgroup *g)
{
	task_put(g->leader);
	tgroup_put(g);
}

/* The parent learns of g's end.  true: nobody waits for it, g is out of the
 * lists and the caller calls tgroup_reaped(). */
bool tgroup_zombie_locked(struct tgroup *g)
{
	bool reap = autoreap_locked(g);

	notify_exit_locked(g);
	if (reap)
		tgroup_reap_locked(g);
	return reap;
}

/* ---- orphans ---- */

static struct tgroup *find_reaper_locked(struct tgroup *g)
{
	struct tgroup *a;

	for (a = g->parent; a; a = a->parent)
		if (a->is_subreaper && !a->zombie && a->thread_count)
			return a;
	return g->container->pidns->init;
}

static void hangup_pgrp(struct tgroup *g, void *arg)
{
	signal_send_group_locked(g, SIGHUP, NULL);
	signal_send_group_locked(g, SIGCONT, NULL);
}

/* setpgid(2): a group that becomes orphaned with stopped members. */
static void check_orphaned_locked(int32_t pgid, const struct tgroup *ignore)
{
	if (pgrp_has_stopped_locked(pgid) && pgrp_orphaned_locked(pgid, ignore))
		pgrp_for_each(pgid, hangup_pgrp, NULL);
}

static void send_pdeath_locked(struct tgroup *child)
{
	struct linux_siginfo si = { .code = SI_USER };
	struct task *t;

	list_for_each(t, &child->threads, thread_link) {
		/* The thread itself sets it, with no lock. */
		si.signo = (int32_t)__atomic_load_n(&t->pdeath_signal, __ATOMIC_RELAXED);
		if (si.signo) {
			si.u.kill.pid = child->parent ? child->parent->tgid : 0;
			signal_send_group_locked(child, si.signo, &si);
		}
	}
}

/* Children made by thread t lose it: prctl(2) PR_SET_PDEATHSIG, and
 * __WNOTHREAD counts them to the leader from now on. */
static void thread_gone_locked(struct task *t)
{
	struct tgroup *c;

	list_for_each(c, &t->tg->children, sibling)
		if (c->parent_task == t) {
			send_pdeath_locked(c);
			c->parent_task = t == t->tg->leader ? NULL : t->tg->leader;
		}
}

/* Zombie children found on the way that nobody waits for go to `reap`. */
static void reparent_children_locked(struct tgroup *g, struct list *reap)
{
	struct tgroup *c, *tmp, *to;

	if (list_empty(&g->children))
		return;
	to = find_reaper_locked(g);
	list_for_each_safe(c, tmp, &g->children, sibling) {
		list_del(&c->sibling);
		c->parent = to;
		c->parent_task = to->leader;
		list_push_back(&to->children, &c->sibling);
		c->exit_signal = SIGCHLD;
		if (c->zombie) {
			if (autoreap_locked(c)) {
				tgroup_reap_locked(c);
				list_push_back(reap, &c->sibling);
			} else {
				notify_exit_locked(c);
			}
		} else if (c->pgid != g->pgid && c->session == g->session) {
			check_orphaned_locked(c->pgid, NULL);
		}
	}
}

/* ---- resources ---- */

void task_vfork_done(struct task *t)
{
	struct completion_vfork *v = t->vfork;

	if (!v)
		return;
	t->vfork = NULL;
	__atomic_store_n(&v->done, 1, __ATOMIC_RELEASE);
	waitq_wake_all(&v->q, 0);
	if (ref_put(&v->ref))
		kfree(v);
}

static void exit_resources(struct task *t)
{
	struct mm *mm = t->mm;
	struct files *files = t->files;
	struct fs_info *fs = t->fs;
	struct mntns *mntns = t->mntns;

	if (mm) {
		copy_out_finish(t);
		ride_over_slow(t);
		futex_exit_task(t);
	}
	spin_lock(&task_list_lock);
	t->mm = NULL;
	t->files = NULL;
	t->fs = NULL;
	t->mntns = NULL;
	spin_unlock(&task_list_lock);
	if (mm) {
		tgroup_left_mm(t, mm);
		task_vfork_done(t);
		plat_uctx_drop(&t->uctx);
		mm_put(mm);
	}
	if (files) {
		files_poster_exits(files, t);
		files_put(files);
	}
	if (fs)
		fs_info_put(fs);
	if (mntns)
		mntns_put(mntns);
}

static void account_exit(struct task *t)
{
	struct child_usage u = { 0 };

	sched_account(t);
	task_usage(t, &u);
	spin_lock(&t->tg->lock);
	usage_add(&t->tg->dead_threads, &u);
	spin_unlock(&t->tg->lock);
}

static void release_task(struct task *t)
{
	sched_task_free(t);
	task_put(t);
}

/* One of several threads ends.  false: it is the last one. */
static bool leave_group(struct task *t)
{
	struct tgroup *g = t->tg;
	bool drop = false;

	spin_lock(&task_list_lock);
	if (g->thread_count == 1) {
		spin_unlock(&task_list_lock);
		return false;
	}
	g->thread_count--;
	account_exit(t);
	thread_gone_locked(t);
	if (t != g->leader) {
		task_unhash_locked(t);
		drop = true;
	}
	waitq_wake_all(&g->exit_wait, 0);
	spin_unlock(&task_list_lock);
	if (drop)
		task_put(t);
	return true;
}

static void group_dead(struct task *t)
{
	struct tgroup *g = t->tg, *c, *tmp;
	struct list reap = LIST_INIT(reap);
	bool reaped;

	itimer_exit(g);
	posix_timers_delete_all(g);
	sem_exit_group(g);
	if (g->session->sid == g->tgid)
		tty_session_exit(t);

	spin_lock(&task_list_lock);
	account_exit(t);
	thread_gone_locked(t);
	g->thread_count = 0;
	reparent_children_locked(g, &reap);
	if (g->parent && g->parent->pgid != g->pgid && g->parent->session == g->session)
		check_orphaned_locked(g->pgid, g);
	if (t != g->leader) {
		task_unhash_locked(t);
		task_put(t);            /* never the last: the running one remains */
	}
	g->zombie = true;
	waitq_wake_all(&g->exit_wait, POLLIN);
	if (unlikely(ptrace_holds_zombie(g))) {
		ptrace_notify_zombie_locked(g);
		reaped = false;
	} else {
		reaped = tgroup_zombie_locked(g);
	}
	spin_unlock(&task_list_lock);

	if (reaped)
		tgroup_reaped(g);
	list_for_each_safe(c, tmp, &reap, sibling) {
		list_del(&c->sibling);
		tgroup_reaped(c);
	}
}

__noreturn void task_exit(int32_t code)
{
	struct task *t = current_task();
	struct tgroup *g = t->tg;
	bool traces;

	if (tgroup_is_init(g))
		kpanic("the init process ended");
	if (unlikely(task_traced(t)))
		ptrace_report_exit(t, code);
	/* The list's lock: who goes through the threads asks of each.  Signals
	 * and futex waiters, which do not take it, read an atomic. */
	spin_lock(&task_list_lock);
	__atomic_store_n(&t->exiting, true, __ATOMIC_SEQ_CST);
	traces = t->ptrace || !list_empty(&t->ptracees);        /* no new ones from now on */
	spin_unlock(&task_list_lock);
	/* The process's status is its leader's unless the group was ended. */
	spin_lock(&g->lock);
	if (t == g->leader && !g->group_exiting)
		g->exit_code = code;
	spin_unlock(&g->lock);
	signal_exit_task(t);
	seccomp_task_exit(t);
	exit_resources(t);
	if (unlikely(traces))
		ptrace_exit(t, code);
	if (!leave_group(t))
		group_dead(t);
	sched_exit(release_task);
}

__noreturn void task_exit_group(int32_t code)
{
	struct task *t = current_task(), *o;
	struct tgroup *g = t->tg;
	bool others = false;

	spin_lock(&task_list_lock);
	spin_lock(&g->lock);
	if (g->group_exiting) {
		code = g->exit_code;
	} else if (g->group_exec && g->group_exec != t) {
		/* Another thread is in execve: only this one ends. */
	} else {
		g->exit_code = code;
		__atomic_store_n(&g->group_exiting, true, __ATOMIC_SEQ_CST);
		others = true;
	}
	g->stopped = false;
	__atomic_store_n(&g->stop_signal, 0, __ATOMIC_SEQ_CST);
	spin_unlock(&g->lock);
	if (others)
		list_for_each(o, &g->threads, thread_link)
			if (o != t && !o->exiting)
				task_kill_thread(o);
	spin_unlock(&task_list_lock);
	task_exit(code);
}

SYSCALL1(exit, int, code)
{
	task_exit(WSTATUS_EXIT(code));
}

SYSCALL1(exit_group, int, code)
{
	task_exit_group(WSTATUS_EXIT(code));
}
