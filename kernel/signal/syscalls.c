/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls of signals: sigaction(2), sigprocmask(2), sigpending(2),
 * sigsuspend(2), sigtimedwait(2), rt_sigqueueinfo(2), kill(2), tkill(2),
 * pause(2), restart_syscall(2). */
#include "kernel/signal/internal.h"
#include "kernel/syscall/syscall.h"
#include <linux_abi/time.h>

#define SIGSET_SIZE 8
#define SA_KNOWN (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_EXPOSE_TAGBITS | SA_RESTORER | \
		  SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND)

static bool becomes_ignored(const struct ksigaction *a, int signo)
{
	return a->handler == SIG_IGN ||
	       (a->handler == SIG_DFL && (SIGMASK(signo) & SIG_IGNORE_MASK));
}

SYSCALL4(rt_sigaction, int, signo, uaddr, uact, uaddr, uold, size_t, setsize)
{
	struct linux_sigaction act, old;
	struct ksigaction *a, new;
	struct task *o;
	int err;

	if (setsize != SIGSET_SIZE || !signo_valid(signo))
		return -EINVAL;
	if (uact.va) {
		if (SIGMASK(signo) & SIG_UNBLOCKABLE)
			return -EINVAL;
		err = copy_in(&act, uact, sizeof act);
		if (err)
			return err;
		new = (struct ksigaction){ act.handler, act.flags & SA_KNOWN, act.restorer,
					   act.mask & ~SIG_UNBLOCKABLE };
	}
	a = &t->sighand->action[signo - 1];
	spin_lock(&task_list_lock);
	spin_lock(&t->sighand->lock);
	old = (struct linux_sigaction){ a->handler, a->flags, a->restorer, a->mask };
	if (uact.va) {
		*a = new;
		/* What is ignored is discarded, also when it waits already. */
		if (becomes_ignored(a, signo)) {
			sigpending_flush(&t->tg->pending, SIGMASK(signo));
			list_for_each(o, &t->tg->threads, thread_link) {
				sigpending_flush(&o->pending, SIGMASK(signo));
				signal_recalc(o);
			}
		}
	}
	spin_unlock(&t->sighand->lock);
	spin_unlock(&task_list_lock);
	return uold.va ? copy_out(uold, &old, sizeof old) : 0;
}

SYSCALL4(rt_sigprocmask, int, how, uaddr, uset, uaddr, uold, size_t, setsize)
{
	uint64_t old = t->blocked, set;
	int err;

	if (setsize != SIGSET_SIZE)
		return -EINVAL;
	if (uset.va) {
		err = copy_in(&set, uset, sizeof set);
		if (err)
			return err;
		signal_mask_asked(t);
		switch (how) {
		case SIG_BLOCK:
			signal_set_blocked(old | set);
			break;
		case SIG_UNBLOCK:
			signal_set_blocked(old & ~set);
			break;
		case SIG_SETMASK:
			signal_set_blocked(set);
			break;
		default:
			return -EINVAL;
		}
	}
	return uold.va ? copy_out(uold, &old, sizeof old) : 0;
}

SYSCALL2(rt_sigpending, uaddr, uset, size_t, setsize)
{
	uint64_t set;

	if (setsize > SIGSET_SIZE)
		return -EINVAL;
	spin_lock(&t->sighand->lock);
	set = (t->pending.set | t->tg->pending.set) & t->blocked;
	spin_unlock(&t->sighand->lock);
	return copy_out(uset, &set, setsize);
}

static int sleep_for_signal(void)
{
	struct waitq q;

	/* Nobody wakes this queue: only signals end the sleep. */
	waitq_init(&q);
	return wait_event_interruptible(&q, false);
}

SYSCALL2(rt_sigsuspend, uaddr, uset, size_t, setsize)
{
	uint64_t set;
	int err;

	if (setsize != SIGSET_SIZE)
		return -EINVAL;
	err = copy_in(&set, uset, sizeof set);
	if (err)
		return err;
	signal_set_temporary_mask(set);
	(void)sleep_for_signal();
	return -ERESTARTNOHAND;
}

SYSCALL0(pause)
{
	(void)sleep_for_signal();
	return -ERESTARTNOHAND;
}

int signal_take(struct task *t, uint64_t mask, struct linux_siginfo *info)
{
	int signo;

	spin_lock(&t->sighand->lock);
	signo = signal_dequeue_locked(t, mask, info);
	spin_unlock(&t->sighand->lock);
	if (signo && info->code == SI_TIMER) {
		spin_lock(&t->tg->lock);
		posix_timer_taken_locked(t->tg, info);
		spin_unlock(&t->tg->lock);
	}
	return signo;
}

static bool take(struct task *t, uint64_t mask, struct linux_siginfo *info, int *signo)
{
	*signo = signal_take(t, mask, info);
	return *signo != 0;
}

SYSCALL4(rt_sigtimedwait, uaddr, uset, uaddr, uinfo, uaddr, utimeout, size_t, setsize)
{
	uint64_t set, deadline = NO_DEADLINE;
	struct linux_timespec ts;
	struct linux_siginfo info;
	int err, signo = 0;
	int64_t ns;

	if (setsize != SIGSET_SIZE)
		return -EINVAL;
	err = copy_in(&set, uset, sizeof set);
	if (err)
		return err;
	set &= ~SIG_UNBLOCKABLE;
	if (utimeout.va) {
		err = copy_in(&ts, utimeout, sizeof ts);
		if (err)
			return err;
		ns = timespec_ns(&ts);
		if (ns < 0)
			return -EINVAL;
		if (add_overflows(plat_time_mono_ns(), (uint64_t)ns, &deadline))
			deadline = NO_DEADLINE;
	}
	err = WAIT_EVENT(&t->sighand->signalfd_wait, TASK_INTERRUPTIBLE, deadline,
			 take(t, set, &info, &signo));
	if (!signo)
		return err == -ETIMEDOUT ? -EAGAIN : -EINTR;
	if (uinfo.va) {
		err = copy_out(uinfo, &info, sizeof info);
		if (err)
			return err;
	}
	return signo;
}

/* ---- sending ---- */

static void user_info(struct task *t, int signo, int code, struct linux_siginfo *si)
{
	memset(si, 0, sizeof *si);
	si->signo = signo;
	si->code = code;
	si->u.kill.pid = t->tg->tgid;
	si->u.kill.uid = t->cred->uid;
}

struct kill_many { int signo; const struct linux_siginfo *info; struct tgroup *self; unsigned found, sent; int err; };

static void kill_member(struct tgroup *g, void *arg)
{
	struct kill_many *k = arg;

	k->found++;
	if (!signal_may_send_locked(g, k->signo)) {
		k->err = -EPERM;
		return;
	}
	k->sent++;
	if (k->signo)
		(void)signal_send_group_locked(g, k->signo, k->info);
}

static long kill_all(struct task *t, int signo, const struct linux_siginfo *info)
{
	struct kill_many k = { signo, info, t->tg, 0, 0, -ESRCH };
	struct tgroup *g;

	spin_lock(&task_list_lock);
	list_for_each(g, &tgroup_list, all_link)
		if (g != t->tg && !tgroup_is_init(g) && g->tgid > 1)
			kill_member(g, &k);
	spin_unlock(&task_list_lock);
	return k.sent ? 0 : k.err;
}

static long kill_pgrp(int32_t pgid, int signo, const struct linux_siginfo *info, struct task *t)
{
	struct kill_many k = { signo, info, t->tg, 0, 0, -ESRCH };

	spin_lock(&task_list_lock);
	pgrp_for_each(pgid, kill_member, &k);
	spin_unlock(&task_list_lock);
	return k.sent ? 0 : k.err;
}

static long kill_one(int32_t pid, int signo, const struct linux_siginfo *info)
{
	struct tgroup *g = NULL;
	struct task *o;
	long ret = -ESRCH;

	/* kill(2) takes any thread's number for its process. */
	o = task_find_get(pid);
	if (o) {
		g = o->tg;
		if (!signal_may_send(g, signo))
			ret = -EPERM;
		else
			ret = signo ? signal_send_group(g, signo, info) : 0;
		task_put(o);
	}
	return ret;
}

SYSCALL2(kill, int, pid, int, signo)
{
	struct linux_siginfo si;

	if (signo && !signo_valid(signo))
		return -EINVAL;
	user_info(t, signo, SI_USER, &si);
	if (pid > 0)
		return kill_one(pid, signo, &si);
	if (pid == -1)
		return kill_all(t, signo, &si);
	if (pid == INT32_MIN)
		return -ESRCH;
	return kill_pgrp(pid ? -pid : t->tg->pgid, signo, &si, t);
}

/* tgid 0: whatever process the thread belongs to. */
static long send_thread(int tgid, int tid, int signo, const struct linux_siginfo *si)
{
	struct task *o;
	long ret;

	if (tid <= 0 || (signo && !signo_valid(signo)))
		return -EINVAL;
	o = task_find_get(tid);
	if (!o)
		return -ESRCH;
	if (tgid && o->tg->tgid != tgid)
		ret = -ESRCH;
	else if (!signal_may_send(o->tg, signo))
		ret = -EPERM;
	else
		ret = signo ? signal_send_task(o, signo, si) : 0;
	task_put(o);
	return ret;
}

SYSCALL3(tgkill, int, tgid, int, tid, int, signo)
{
	struct linux_siginfo si;

	if (tgid <= 0)
		return -EINVAL;
	user_info(t, signo, SI_TKILL, &si);
	return send_thread(tgid, tid, signo, &si);
}

SYSCALL2(tkill, int, tid, int, signo)
{
	struct linux_siginfo si;

	user_info(t, signo, SI_TKILL, &si);
	return send_thread(0, tid, signo, &si);
}

/* Codes that claim to come from the kernel, or from kill(2), may be sent to
 * oneself only. */
static int queue_info(struct task *t, struct linux_siginfo *si, uaddr uinfo, int signo, int32_t pid)
{
	int err = copy_in(si, uinfo, sizeof *si);

	if (err)
		return err;
	si->signo = signo;
	si->pad0 = 0;
	if ((si->code >= 0 || si->code == SI_TKILL) && pid != t->tg->tgid && pid != t->tid)
		return -EPERM;
	return 0;
}

SYSCALL3(rt_sigqueueinfo, int, pid, int, signo, uaddr, uinfo)
{
	struct linux_siginfo si;
	int err = queue_info(t, &si, uinfo, signo, pid);

	if (err)
		return err;
	if (signo && !signo_valid(signo))
		return -EINVAL;
	if (pid <= 0)
		return -ESRCH;
	return kill_one(pid, signo, &si);
}

SYSCALL4(rt_tgsigqueueinfo, int, tgid, int, tid, int, signo, uaddr, uinfo)
{
	struct linux_siginfo si;
	int err;

	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	err = queue_info(t, &si, uinfo, signo, tgid);
	if (err)
		return err;
	return send_thread(tgid, tid, signo, &si);
}

SYSCALL0(restart_syscall)
{
	long (*fn)(struct task *) = t->restart.fn;

	return fn ? fn(t) : -EINTR;
}
