/* SPDX-License-Identifier: Apache-2.0 */
/* Sending signals.
 *
 * Everything happens under task_list_lock (the threads of the target stay),
 * tgroup->lock (stop state) and sighand->lock (sets and handlers), taken in
 * that order here; callers hold nothing below task_list_lock.  A signal that
 * ends the process is not executed by the sender: a thread of the target
 * finds it on its way to user mode and ends the group there. */
#include "kernel/signal/internal.h"
#include "kernel/signal/queue.h"
#include "kernel/task/ptrace.h"

#define WAKE_SIGNAL (1u << TASK_INTERRUPTIBLE)
#define WAKE_FATAL (WAKE_SIGNAL | (1u << TASK_KILLABLE))
#define WAKE_SIGKILL (WAKE_FATAL | (1u << TASK_STOPPED) | (1u << TASK_TRACED))

void signal_notice(struct task *t, uint32_t states)
{
	__atomic_store_n(&t->sig_pending_flag, 1, __ATOMIC_SEQ_CST);
	task_wake_signal(t, states);
}

/* Under task_list_lock; NULL when every thread has gone. */
static struct sighand *group_sighand(struct tgroup *g)
{
	struct task *t;

	if (g->leader && g->leader->sighand)
		return g->leader->sighand;
	list_for_each(t, &g->threads, thread_link)
		if (t->sighand)
			return t->sighand;
	return NULL;
}

static bool ignored(struct task *t, struct sighand *sh, int signo)
{
	uint64_t h = sh->action[signo - 1].handler;

	if (t && ((t->blocked & SIGMASK(signo)) || task_traced(t)))
		return false;
	if (signo == SIGKILL || signo == SIGSTOP)
		return false;
	return h == SIG_IGN || (h == SIG_DFL && (SIGMASK(signo) & SIG_IGNORE_MASK));
}

static void flush_group(struct tgroup *g, uint64_t mask)
{
	struct task *t;

	sigpending_flush(&g->pending, mask);
	list_for_each(t, &g->threads, thread_link)
		sigpending_flush(&t->pending, mask);
}

/* Job control effects that come with the sending, whether or not the signal
 * is ignored or blocked: signal(7), POSIX. */
static void job_control(struct tgroup *g, int signo)
{
	struct task *t;

	if (SIGMASK(signo) & SIG_STOP_MASK) {
		flush_group(g, SIGMASK(SIGCONT));
		return;
	}
	if (signo != SIGCONT)
		return;
	flush_group(g, SIG_STOP_MASK);
	if (g->stop_signal) {
		if (g->stopped) {
			g->continued = true;
			g->cont_notify = true;
		}
		g->stopped = false;
		g->stop_reported = false;
		g->stop_pending = 0;
		__atomic_store_n(&g->stop_signal, 0, __ATOMIC_SEQ_CST);
	}
	list_for_each(t, &g->threads, thread_link) {
		if (unlikely(task_traced(t)))
			ptrace_continued_locked(t);
		sched_wake(t, 1u << TASK_STOPPED);
	}
}

static bool wants(struct task *t, int signo)
{
	enum task_state state;

	if (__atomic_load_n(&t->exiting, __ATOMIC_RELAXED) || !t->sighand)
		return false;
	if (signo == SIGKILL)
		return true;
	state = __atomic_load_n(&t->se.state, __ATOMIC_RELAXED);
	if (state == TASK_STOPPED || state == TASK_TRACED)
		return false;
	return !(t->blocked & SIGMASK(signo));
}

/* Which thread is to take a signal of the whole group; first (or NULL) before others. */
static struct task *choose(struct tgroup *g, struct task *first, int signo)
{
	struct task *t, *second = NULL;

	if (first && wants(first, signo))
		return first;
	if (g->leader && wants(g->leader, signo))
		return g->leader;
	list_for_each(t, &g->threads, thread_link) {
		if (!wants(t, signo))
			continue;
		if (!t->sig_pending_flag)
			return t;
		second = t;
	}
	return second;
}

/* A timer's signal that still waits counts its expirations: timer_getoverrun(2). */
static bool timer_overrun(struct sigpending *p, const struct linux_siginfo *info)
{
	struct sigqueue *q;

	list_for_each(q, &p->queue, link)
		if (q->info.signo == info->signo && q->timer &&
		    q->info.u.timer.tid == info->u.timer.tid) {
			if (q->info.u.timer.overrun < INT32_MAX)
				q->info.u.timer.overrun++;
			return true;
		}
	return false;
}

static uint32_t sender_uid(const struct linux_siginfo *info)
{
	struct task *cur = current_task();

	(void)info;
	return cur && cur->cred ? cur->cred->uid : 0;
}

static int enqueue(struct tgroup *g, struct sigpending *p, int signo, const struct linux_siginfo *info)
{
	struct sigqueue *q;
	struct linux_siginfo si;
	bool timer;

	if (signo < SIGRTMIN && (p->set & SIGMASK(signo)))
		return 0;
	if (info) {
		si = *info;
	} else {
		memset(&si, 0, sizeof si);
		si.code = SI_KERNEL;
	}
	si.signo = signo;
	timer = si.pad0 == SIGINFO_TIMER;
	si.pad0 = 0;
	if (signo == SIGKILL) {
		__atomic_store_n(&p->set, p->set | SIGMASK(signo), __ATOMIC_RELAXED);
		return 0;
	}
	if (timer && timer_overrun(p, &si))
		return 0;
	q = sigqueue_new(sender_uid(&si), g->rlim[RLIMIT_SIGPENDING].cur);
	if (q) {
		q->info = si;
		q->timer = timer;
		list_push_back(&p->queue, &q->link);
	} else if (signo >= SIGRTMIN && si.code != SI_USER) {
		return -EAGAIN;
	}
	__atomic_store_n(&p->set, p->set | SIGMASK(signo), __ATOMIC_RELAXED);
	return 0;
}

static uint32_t wake_states(struct sighand *sh, int signo)
{
	if (signo == SIGKILL)
		return WAKE_SIGKILL;
	if (sh->action[signo - 1].handler == SIG_DFL && signal_default_fatal(signo))
		return WAKE_FATAL;
	return WAKE_SIGNAL;
}

/* t: for one thread; NULL: for the group, for `first` before others.  task_list_lock held. */
static int send_locked(struct tgroup *g, struct task *t, struct task *first, int signo,
		       const struct linux_siginfo *info)
{
	struct sighand *sh = t ? t->sighand : group_sighand(g);
	struct task *to = NULL, *judge = t ? t : g->leader;
	int err = 0;

	if (!signo_valid(signo))
		return -EINVAL;
	if (!sh || (t && __atomic_load_n(&t->exiting, __ATOMIC_RELAXED)))
		return 0;               /* a zombie: sent, to no effect */
	spin_lock(&g->lock);
	spin_lock(&sh->lock);
	if (g->group_exiting && signo != SIGKILL)
		goto out;
	if (!tgroup_is_init(g))
		job_control(g, signo);
	else if (sh->action[signo - 1].handler == SIG_DFL && (!info || info->code <= 0 || info->code == SI_KERNEL))
		goto out;
	if (ignored(judge, sh, signo)) {
		/* Unless it is blocked by now: it alone can tell. */
		if (!judge || !signal_mask_doubtful(judge))
			goto out;
		to = judge;
	}
	err = enqueue(g, t ? &t->pending : &g->pending, signo, info);
	if (err)
		goto out;
	waitq_wake_all(&sh->signalfd_wait, 0);
	if (!to && t)
		to = wants(t, signo) ? t : NULL;
	else if (!to)
		to = choose(g, first, signo);
	if (signo == SIGKILL && !t) {
		list_for_each(to, &g->threads, thread_link)
			if (wants(to, signo))
				signal_notice(to, WAKE_SIGKILL);
	} else if (to) {
		signal_notice(to, wake_states(sh, signo));
	} else if (t && !(t->blocked & SIGMASK(signo))) {
		/* Stopped: the flag is there when it goes on. */
		__atomic_store_n(&t->sig_pending_flag, 1, __ATOMIC_SEQ_CST);
	}
	signal_mask_recall(g, t);
out:
	spin_unlock(&sh->lock);
	spin_unlock(&g->lock);
	return err;
}

int signal_send_task(struct task *t, int signo, const struct linux_siginfo *info)
{
	int err;

	spin_lock(&task_list_lock);
	err = send_locked(t->tg, t, NULL, signo, info);
	spin_unlock(&task_list_lock);
	return err;
}

int signal_send_group_locked(struct tgroup *g, int signo, const struct linux_siginfo *info)
{
	return send_locked(g, NULL, NULL, signo, info);
}

int signal_send_group(struct tgroup *g, int signo, const struct linux_siginfo *info)
{
	int err;

	spin_lock(&task_list_lock);
	err = send_locked(g, NULL, NULL, signo, info);
	spin_unlock(&task_list_lock);
	return err;
}

int signal_send_group_first_locked(struct tgroup *g, struct task *first, int signo)
{
	return send_locked(g, NULL, first, signo, NULL);
}

struct pgrp_send { int signo; const struct linux_siginfo *info; unsigned count; };

static void send_member(struct tgroup *g, void *arg)
{
	struct pgrp_send *s = arg;

	s->count++;
	(void)send_locked(g, NULL, NULL, s->signo, s->info);
}

int signal_send_pgrp(int32_t pgid, int signo, const struct linux_siginfo *info)
{
	struct pgrp_send s = { signo, info, 0 };

	if (!signo_valid(signo))
		return -EINVAL;
	spin_lock(&task_list_lock);
	pgrp_for_each(pgid, send_member, &s);
	spin_unlock(&task_list_lock);
	return s.count ? 0 : -ESRCH;
}

void signal_force(int signo, const struct linux_siginfo *info)
{
	struct task *t = current_task();
	struct sighand *sh = t->sighand;
	struct ksigaction *a = &sh->action[signo - 1];

	spin_lock(&t->tg->lock);
	spin_lock(&sh->lock);
	if (a->handler == SIG_IGN || (t->blocked & SIGMASK(signo))) {
		a->handler = SIG_DFL;
		t->blocked &= ~SIGMASK(signo);
	}
	/* A fault is never lost to an entry that already waits. */
	if (signo < SIGRTMIN)
		sigpending_flush(&t->pending, SIGMASK(signo));
	(void)enqueue(t->tg, &t->pending, signo, info);
	__atomic_store_n(&t->sig_pending_flag, 1, __ATOMIC_SEQ_CST);
	spin_unlock(&sh->lock);
	spin_unlock(&t->tg->lock);
}

void signal_force_fault(const struct plat_trap *trap)
{
	struct task *t = current_task();
	struct linux_siginfo si;

	memset(&si, 0, sizeof si);
	si.signo = signo_valid(trap->signo) ? trap->signo : SIGSEGV;
	si.code = trap->code > 0 ? trap->code : SI_KERNEL;
	si.u.fault.addr = trap->addr;
	t->last_trap.err = trap->err;
	t->last_trap.trapno = trap->trapno;
	if (trap->kind == PLAT_TRAP_FAULT)
		t->last_trap.cr2 = trap->addr;
	signal_force(si.signo, &si);
}

bool signal_may_send_locked(struct tgroup *g, int signo)
{
	const struct cred *c = current_cred(), *o;
	struct tgroup *self = current_task()->tg;

	if (g == self)
		return true;
	o = g->leader ? g->leader->cred : NULL;
	if (!o)
		return true;            /* on its way out */
	if (c->euid == o->suid || c->euid == o->uid || c->uid == o->suid || c->uid == o->uid)
		return true;
	if (capable(CAP_KILL))
		return true;
	return signo == SIGCONT && g->session == self->session;
}

bool signal_may_send(struct tgroup *g, int signo)
{
	bool ok;

	spin_lock(&task_list_lock);
	ok = signal_may_send_locked(g, signo);
	spin_unlock(&task_list_lock);
	return ok;
}

void signal_retarget_locked(struct task *t, uint64_t mask)
{
	uint64_t set = t->tg->pending.set & mask;
	struct task *o;

	if (!set)
		return;
	list_for_each(o, &t->tg->threads, thread_link) {
		uint64_t take;

		if (o == t || __atomic_load_n(&o->exiting, __ATOMIC_RELAXED) || !o->sighand)
			continue;
		take = set & ~o->blocked;
		if (!take)
			continue;
		set &= ~take;
		if (!o->sig_pending_flag)
			signal_notice(o, WAKE_FATAL);
		if (!set)
			return;
	}
	signal_mask_recall(t->tg, NULL);
}
