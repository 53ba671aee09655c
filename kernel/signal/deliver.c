/* SPDX-License-Identifier: Apache-2.0 */
/* On the way to user mode: handlers, stops, death, restart of system calls.
 *
 * signal_deliver_user() goes round until nothing is left to do: a handler's
 * frame may be pushed on top of another one's, as on Linux.
 *
 * Stops: the thread that takes a stopping signal makes the whole group stop
 * (stop_signal != 0) under tgroup->lock and sighand->lock, the same two that a
 * SIGCONT takes, so that no continue falls between taking and stopping.  Each
 * thread counts itself in once per stop_gen; the last one tells the parent. */
#include "kernel/signal/internal.h"
#include "kernel/task/ptrace.h"
#include <linux_abi/syscall_nr.h>

#define SYSCALL_INSN_SIZE 2

/* ---- masks ---- */

void signal_set_blocked(uint64_t mask)
{
	struct task *t = current_task();
	uint64_t newly;

	mask &= ~SIG_UNBLOCKABLE;
	if (mask == t->blocked)
		return;
	newly = mask & ~t->blocked;
	spin_lock(&t->sighand->lock);
	if (!(newly & t->tg->pending.set)) {
		t->blocked = mask;
		signal_recalc(t);
		spin_unlock(&t->sighand->lock);
		return;
	}
	spin_unlock(&t->sighand->lock);
	/* Another thread may have to take what waits. */
	spin_lock(&task_list_lock);
	spin_lock(&t->sighand->lock);
	t->blocked = mask;
	signal_recalc(t);
	signal_retarget_locked(t, newly);
	spin_unlock(&t->sighand->lock);
	spin_unlock(&task_list_lock);
}

void signal_set_temporary_mask(uint64_t mask)
{
	struct task *t = current_task();

	t->saved_sigmask = t->blocked;
	t->restore_sigmask = true;
	signal_set_blocked(mask);
}

void signal_restore_mask_unless(bool interrupted)
{
	struct task *t = current_task();

	if (interrupted || !t->restore_sigmask)
		return;
	t->restore_sigmask = false;
	signal_set_blocked(t->saved_sigmask);
}

/* The group's lock held, and a stop is under way: t is stopped, or gone.  Its signal if t was the last. */
static int count_locked(struct task *t)
{
	struct tgroup *g = t->tg;

	if (t->stop_counted == g->stop_gen)
		return 0;
	t->stop_counted = g->stop_gen;
	if (g->stop_pending)
		g->stop_pending--;
	if (g->stop_pending || g->stopped)
		return 0;
	g->stopped = true;
	return g->stop_signal;
}

/* ---- exit ---- */

void signal_exit_task(struct task *t)
{
	struct tgroup *g = t->tg;
	bool finished = false;
	int signo = 0;

	spin_lock(&task_list_lock);
	spin_lock(&g->lock);
	spin_lock(&t->sighand->lock);
	sigpending_flush(&t->pending, UINT64_MAX);
	t->blocked = UINT64_MAX;
	signal_retarget_locked(t, UINT64_MAX);
	t->sig_pending_flag = 0;
	/* The others may have waited for this thread only. */
	if (g->stop_signal && !g->group_exiting) {
		signo = count_locked(t);
		finished = signo;
	}
	spin_unlock(&t->sighand->lock);
	spin_unlock(&g->lock);
	spin_unlock(&task_list_lock);
	if (finished)
		tgroup_notify_parent(g, CLD_STOPPED, signo);
}

/* ---- stops ---- */

/* SIGKILL goes through a stop; it waits in either set. */
static bool kill_pending(const struct task *t)
{
	return (__atomic_load_n(&t->pending.set, __ATOMIC_RELAXED) |
		__atomic_load_n(&t->tg->pending.set, __ATOMIC_RELAXED)) & SIGMASK(SIGKILL);
}

/* tgroup->lock and sighand->lock held; task_list_lock too. */
static void start_stop(struct task *t, int signo)
{
	struct tgroup *g = t->tg;
	struct task *o;
	unsigned n = 0;

	if (g->group_exiting)
		return;
	if (g->stop_signal) {
		/* A tracer let t run through that stop; this one holds it. */
		if (t->stop_through == g->stop_gen) {
			__atomic_store_n(&t->stop_through, 0, __ATOMIC_SEQ_CST);
			__atomic_store_n(&g->stop_signal, signo, __ATOMIC_SEQ_CST);
		}
		return;
	}
	list_for_each(o, &g->threads, thread_link)
		if (!o->exiting)
			n++;
	g->stop_gen++;
	g->stop_pending = n;
	g->stopped = g->stop_reported = g->continued = g->cont_notify = false;
	__atomic_store_n(&g->stop_signal, signo, __ATOMIC_SEQ_CST);
	list_for_each(o, &g->threads, thread_link)
		if (o != t && !o->exiting)
			task_wake_signal(o, 1u << TASK_INTERRUPTIBLE);
}

void signal_stop_count(struct task *t)
{
	struct tgroup *g = t->tg;
	int signo = 0;

	spin_lock(&g->lock);
	if (g->stop_signal && !g->group_exiting)
		signo = count_locked(t);
	spin_unlock(&g->lock);
	if (!signo)
		return;
	/* A tracer learns it as such. */
	spin_lock(&task_list_lock);
	if (!ptrace_by_parent(g))
		tgroup_notify_locked(g, CLD_STOPPED, signo);
	spin_unlock(&task_list_lock);
}

/* Whoever comes first after SIGCONT. */
static void tell_continued(struct tgroup *g)
{
	bool notify;

	spin_lock(&g->lock);
	notify = g->cont_notify && !g->group_exiting;
	g->cont_notify = false;
	spin_unlock(&g->lock);
	if (notify)
		tgroup_notify_parent(g, CLD_CONTINUED, SIGCONT);
}

void signal_stop_here(struct task *t)
{
	struct tgroup *g = t->tg;
	bool over = false;

	while (!over) {
		signal_stop_count(t);
		sched_prepare(TASK_STOPPED);
		spin_lock(&g->lock);
		over = !g->stop_signal || g->group_exiting || kill_pending(t) || t->ptrace_interrupt;
		spin_unlock(&g->lock);
		if (!over && sched_block(NO_DEADLINE))
			break;          /* a fatal signal */
	}
	sched_finish();
	spin_lock(&t->sighand->lock);
	signal_recalc(t);
	spin_unlock(&t->sighand->lock);
	tell_continued(g);
}

/* ---- restart ---- */

static void rewind(struct task *t, uint64_t nr)
{
	t->uctx.regs.rax = nr;
	t->uctx.regs.rip -= SYSCALL_INSN_SIZE;
	t->uctx.regs_changed = true;
}

void signal_before_call(struct task *t)
{
	rewind(t, t->uctx.regs.orig_rax);
}

/* What an interrupted system call answers; ka: the handler that runs, or NULL. */
static void fix_restart(struct task *t, const struct ksigaction *ka)
{
	struct plat_regs *r = &t->uctx.regs;

	switch ((int64_t)r->rax) {
	case -ERESTART_RESTARTBLOCK:
		if (ka)
			r->rax = (uint64_t)-EINTR;
		else
			rewind(t, NR_restart_syscall);
		break;
	case -ERESTARTNOHAND:
		if (ka)
			r->rax = (uint64_t)-EINTR;
		else
			rewind(t, r->orig_rax);
		break;
	case -ERESTARTSYS:
		if (ka && !(ka->flags & SA_RESTART))
			r->rax = (uint64_t)-EINTR;
		else
			rewind(t, r->orig_rax);
		break;
	case -ERESTARTNOINTR:
		rewind(t, r->orig_rax);
		break;
	default:
		break;
	}
}

/* ---- delivery ---- */

static void run_handler(struct task *t, int signo, const struct linux_siginfo *info,
			const struct ksigaction *ka)
{
	uint64_t oldmask = t->blocked, mask;

	if (t->restore_sigmask) {
		oldmask = t->saved_sigmask;
		t->restore_sigmask = false;
	}
	if (!signal_frame_push(t, signo, info, ka, oldmask)) {
		if (signo == SIGSEGV) {
			spin_lock(&t->sighand->lock);
			t->sighand->action[SIGSEGV - 1].handler = SIG_DFL;
			spin_unlock(&t->sighand->lock);
		}
		signal_force(SIGSEGV, NULL);
		return;
	}
	mask = t->blocked | ka->mask;
	if (!(ka->flags & SA_NODEFER))
		mask |= SIGMASK(signo);
	signal_set_blocked(mask);
}

enum outcome { NOTHING, AGAIN, HANDLER, FATAL, ORPHAN_CHECK, TRACED };

/* What this signal does to t.  All three locks held. */
static enum outcome decide(struct task *t, int signo, int orphaned, struct ksigaction *ka)
{
	struct tgroup *g = t->tg;
	struct sighand *sh = t->sighand;

	*ka = sh->action[signo - 1];
	if (signo == SIGKILL)
		return FATAL;
	if (signo != SIGSTOP && ka->handler == SIG_IGN)
		return AGAIN;
	if (signo != SIGSTOP && ka->handler != SIG_DFL) {
		if (ka->flags & SA_RESETHAND)
			sh->action[signo - 1].handler = SIG_DFL;
		return HANDLER;
	}
	if ((SIGMASK(signo) & SIG_IGNORE_MASK) || tgroup_is_init(g))
		return AGAIN;
	if (SIGMASK(signo) & SIG_STOP_MASK) {
		if (signo == SIGSTOP || orphaned == 0)
			start_stop(t, signo);
		return AGAIN;
	}
	return FATAL;
}

/* Take one signal and say what is to be done; orphaned: -1 not known yet. */
static enum outcome take_one(struct task *t, int orphaned, int *ret_signo,
			     struct linux_siginfo *info, struct ksigaction *ka)
{
	struct tgroup *g = t->tg;
	struct sighand *sh = t->sighand;
	enum outcome what = AGAIN;
	uint64_t set;
	int signo;

	spin_lock(&task_list_lock);
	spin_lock(&g->lock);
	spin_lock(&sh->lock);
	set = (t->pending.set | g->pending.set) & ~t->blocked;
	if ((set & SIG_STOP_MASK & ~SIGMASK(SIGSTOP)) && orphaned < 0) {
		what = ORPHAN_CHECK;
		goto out;
	}
	signo = signal_dequeue_locked(t, ~t->blocked, info);
	if (signo && info->code == SI_TIMER)
		posix_timer_taken_locked(g, info);
	*ret_signo = signo;
	if (!signo) {
		what = NOTHING;
		goto out;
	}
	if (unlikely(task_traced(t)) && signo != SIGKILL)
		what = TRACED;
	else
		what = decide(t, signo, orphaned, ka);
out:
	spin_unlock(&sh->lock);
	spin_unlock(&g->lock);
	spin_unlock(&task_list_lock);
	return what;
}

/* The tracer has its say first. */
static enum outcome traced_one(struct task *t, int orphaned, int *signo, struct linux_siginfo *info,
			       struct ksigaction *ka)
{
	struct tgroup *g = t->tg;
	enum outcome what;

	*signo = ptrace_signal_stop(t, *signo, info);
	if (!*signo)
		return AGAIN;
	if (orphaned < 0)
		orphaned = pgrp_is_orphaned(g->pgid);
	spin_lock(&task_list_lock);
	spin_lock(&g->lock);
	spin_lock(&t->sighand->lock);
	what = decide(t, *signo, orphaned, ka);
	spin_unlock(&t->sighand->lock);
	spin_unlock(&g->lock);
	spin_unlock(&task_list_lock);
	return what;
}

void signal_deliver_user(bool from_syscall)
{
	struct task *t = current_task();
	struct tgroup *g = t->tg;
	struct linux_siginfo info;
	struct ksigaction ka;
	int orphaned = -1, signo = 0;
	enum outcome what;

	if (from_syscall && (int32_t)t->uctx.regs.orig_rax < 0)
		from_syscall = false;   /* sigreturn: rax is the program's */
	if (unlikely(t->xstate_in.at) && signal_pending(t))
		signal_xstate_settle(t);
	while (signal_pending(t)) {
		if (__atomic_load_n(&g->group_exiting, __ATOMIC_ACQUIRE))
			task_exit_group(g->exit_code);
		if (unlikely(t->ptrace_interrupt) && ptrace_interrupt_stop(t)) {
			tell_continued(g);
			continue;
		}
		if (signal_stop_holds(t) && !kill_pending(t)) {
			if (likely(!task_traced(t)) || !ptrace_group_stop(t))
				signal_stop_here(t);
			continue;
		}
		what = take_one(t, orphaned, &signo, &info, &ka);
		if (unlikely(what == TRACED))
			what = traced_one(t, orphaned, &signo, &info, &ka);
		switch (what) {
		case NOTHING:
			if (signal_stop_holds(t) || t->ptrace_interrupt ||
			    __atomic_load_n(&g->group_exiting, __ATOMIC_ACQUIRE))
				continue;
			goto none;
		case AGAIN:
		case TRACED:
			break;
		case ORPHAN_CHECK:
			orphaned = pgrp_is_orphaned(g->pgid);
			continue;
		case FATAL:
			task_exit_group(signo);
		case HANDLER:
			if (from_syscall)
				fix_restart(t, &ka);
			from_syscall = false;
			run_handler(t, signo, &info, &ka);
			break;
		}
		orphaned = -1;
	}
none:
	if (from_syscall)
		fix_restart(t, NULL);
	signal_restore_mask_unless(false);
}
