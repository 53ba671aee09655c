/* SPDX-License-Identifier: Apache-2.0 */
/* Job control: sessions and their terminal, credentials(7), ioctl_tty(2).
 * Lock: task_list_lock for session->tty, tty->session, tty->pgrp. */
#include "kernel/tty/tty.h"
#include "kernel/signal/signal.h"
#include "kernel/task/task.h"

#define HANDLER_IGNORE 1ull

void tty_signal_pgrp(struct tty *t, int signo)
{
	int32_t pgrp = __atomic_load_n(&t->pgrp, __ATOMIC_RELAXED);

	if (pgrp)
		signal_send_pgrp(pgrp, signo, NULL);
}

struct tty *tty_of_current_get(void)
{
	struct session *s;
	struct tty *t = NULL;

	spin_lock(&task_list_lock);
	s = current_task()->tg->session;
	if (s && s->tty)
		t = tty_get(s->tty);
	spin_unlock(&task_list_lock);
	return t;
}

static bool ignored_or_blocked(struct task *t, int signo)
{
	return (t->blocked & SIGMASK(signo)) ||
	       t->sighand->action[signo - 1].handler == HANDLER_IGNORE;
}

int tty_check_job(struct tty *t, int signo)
{
	struct task *me = current_task();
	int32_t pgid, front;
	bool mine;

	spin_lock(&task_list_lock);
	mine = me->tg->session && me->tg->session->tty == t;
	pgid = me->tg->pgid;
	front = t->pgrp;
	spin_unlock(&task_list_lock);
	if (!mine || !front || front == pgid)
		return 0;
	if (ignored_or_blocked(me, signo))
		return signo == SIGTTIN ? -EIO : 0;
	if (pgrp_is_orphaned(pgid))
		return -EIO;
	signal_send_pgrp(pgid, signo, NULL);
	return -ERESTARTSYS;
}

int tty_set_controlling(struct tty *t, bool force)
{
	struct tgroup *g = current_task()->tg;
	struct tty *drop = NULL;
	int err = -EPERM;

	spin_lock(&task_list_lock);
	if (!g->session || g->session->sid != g->tgid)
		goto out;
	if (g->session->tty) {
		err = g->session->tty == t ? 0 : -EPERM;
		goto out;
	}
	if (t->session) {
		if (!force || !capable(CAP_SYS_ADMIN))
			goto out;
		t->session->tty = NULL;
		drop = t;
	}
	t->session = g->session;
	t->pgrp = g->pgid;
	g->session->tty = tty_get(t);
	err = 0;
out:
	spin_unlock(&task_list_lock);
	tty_put(drop);
	return err;
}

/* task_list_lock held; returns the reference that the session had. */
static struct tty *detach_locked(struct session *s)
{
	struct tty *t = s->tty;

	s->tty = NULL;
	if (t && t->session == s) {
		t->session = NULL;
		t->pgrp = 0;
	}
	return t;
}

/* The leader gives the terminal up: who was in front is told. */
static void leave(struct task *who)
{
	struct tgroup *g = who->tg;
	struct tty *t = NULL;
	int32_t pgrp = 0;

	spin_lock(&task_list_lock);
	if (g->session && g->session->sid == g->tgid && g->session->tty) {
		pgrp = g->session->tty->pgrp;
		t = detach_locked(g->session);
	}
	spin_unlock(&task_list_lock);
	if (!t)
		return;
	if (pgrp) {
		signal_send_pgrp(pgrp, SIGHUP, NULL);
		signal_send_pgrp(pgrp, SIGCONT, NULL);
	}
	waitq_wake_all(&t->in_wait, 0);
	tty_put(t);
}

void tty_drop_controlling(void)
{
	leave(current_task());
}

void tty_session_exit(struct task *t)
{
	leave(t);
}
