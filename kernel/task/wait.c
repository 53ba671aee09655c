/* SPDX-License-Identifier: Apache-2.0 */
/* wait4(2), waitid(2): children that ended, stopped or went on.
 *
 * The caller sleeps on its process's child_wait; each wake-up scans the
 * children under task_list_lock.  Traced tasks are in the same scan
 * (ptrace_wait_locked).  Results are taken under the lock and copied out
 * after it. */
#include "kernel/syscall/syscall.h"
#include "kernel/task/internal.h"
#include "kernel/task/ptrace.h"

DECLARE_UPTR(up_int, int32_t);
DECLARE_UPTR(up_rusage, struct linux_rusage);

static bool child_eligible(const struct wait_req *r, struct tgroup *c)
{
	bool clone_child = c->exit_signal != SIGCHLD;

	switch (r->idtype) {
	case P_PID:
		if (c->tgid != r->id)
			return false;
		break;
	case P_PGID:
		if (c->pgid != r->id)
			return false;
		break;
	case P_PIDFD:
		if (c != r->group)
			return false;
		break;
	}
	if ((r->options & __WNOTHREAD) && c->parent_task != current_task())
		return false;
	return (r->options & __WALL) || clone_child == !!(r->options & __WCLONE);
}

static void fill(struct wait_req *r, struct tgroup *c, int why, int status)
{
	r->pid = c->tgid;
	r->uid = c->leader->cred->uid;
	r->why = why;
	r->status = status;
	tgroup_usage_locked(c, &r->usage);
}

static bool take_zombie(struct wait_req *r, struct tgroup *c)
{
	struct tgroup *self = current_task()->tg;
	int s = c->exit_code;

	fill(r, c, (s & 0x7f) ? (s & WSTATUS_CORE ? CLD_DUMPED : CLD_KILLED) : CLD_EXITED, s);
	usage_add(&r->usage, &c->cusage);       /* wait4 reports the whole subtree it reaped */
	if (r->options & WNOWAIT)
		return true;
	spin_lock(&self->lock);
	usage_add(&self->cusage, &r->usage);
	spin_unlock(&self->lock);
	tgroup_reap_locked(c);
	r->reaped = c;
	return true;
}

static bool take_stopped(struct wait_req *r, struct tgroup *c)
{
	bool take = false;

	spin_lock(&c->lock);
	if (c->stopped && !c->stop_reported && (r->options & WUNTRACED)) {
		if (!(r->options & WNOWAIT))
			c->stop_reported = true;
		take = true;
		r->status = WSTATUS_STOP(c->stop_signal);
		r->why = CLD_STOPPED;
	} else if (c->continued && (r->options & WCONTINUED)) {
		if (!(r->options & WNOWAIT))
			c->continued = false;
		take = true;
		r->status = WSTATUS_CONTINUED;
		r->why = CLD_CONTINUED;
	}
	spin_unlock(&c->lock);
	if (take)
		fill(r, c, r->why, r->status);
	return take;
}

/* 1: something was taken; 0: nothing yet; -ECHILD. */
static int scan(struct wait_req *r)
{
	struct tgroup *c, *self = current_task()->tg;
	int ret = -ECHILD;

	spin_lock(&task_list_lock);
	list_for_each(c, &self->children, sibling) {
		if (!child_eligible(r, c))
			continue;
		ret = 0;
		if (c->zombie && !ptrace_holds_zombie(c)) {
			if (!(r->options & WEXITED) || !take_zombie(r, c))
				continue;
			ret = 1;
			break;
		}
		if (!c->zombie && !ptrace_by_parent(c) && take_stopped(r, c)) {
			ret = 1;
			break;
		}
	}
	if (ret != 1)
		ret = ptrace_wait_locked(r, ret);
	spin_unlock(&task_list_lock);
	if (r->reaped)
		tgroup_reaped(r->reaped);
	return ret;
}

/* 1, 0 (WNOHANG and nothing), or an error. */
static long do_wait(struct wait_req *r)
{
	struct task *t = current_task();
	struct waiter w;
	int ret, err = 0;

	ret = scan(r);
	if (ret || (r->options & WNOHANG))
		return ret;
	waiter_init(&w);
	waitq_add(&t->tg->child_wait, &w);
	__atomic_store_n(&t->wchan, "do_wait", __ATOMIC_RELAXED);
	for (;;) {
		sched_prepare(TASK_INTERRUPTIBLE);
		ret = scan(r);
		if (ret)
			break;
		err = sched_block(NO_DEADLINE);
		if (err) {
			ret = -ERESTARTSYS;
			break;
		}
	}
	sched_finish();
	__atomic_store_n(&t->wchan, NULL, __ATOMIC_RELAXED);
	waitq_del(&w);
	return ret;
}

SYSCALL4(wait4, int, pid, up_int, ustatus, int, options, up_rusage, uru)
{
	struct wait_req r = { 0 };
	struct linux_rusage ru;
	long ret;
	int err = 0;

	if ((unsigned)options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WALL | __WCLONE))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	r.options = (unsigned)options | WEXITED;
	if (pid == -1) {
		r.idtype = P_ALL;
	} else if (pid < 0) {
		r.idtype = P_PGID;
		r.id = -pid;
	} else if (pid == 0) {
		r.idtype = P_PGID;
		r.id = t->tg->pgid;
	} else {
		r.idtype = P_PID;
		r.id = pid;
	}
	ret = do_wait(&r);
	if (ret <= 0)
		return ret;
	if (ustatus.va)
		err = copy_out_obj(ustatus, &r.status);
	if (!err && uru.va) {
		usage_to_linux(&r.usage, &ru);
		err = copy_out_obj(uru, &ru);
	}
	return err ? err : r.pid;
}

static int waitid_status(const struct wait_req *r)
{
	switch (r->why) {
	case CLD_EXITED:
		return (r->status >> 8) & 0xff;
	case CLD_CONTINUED:
		return SIGCONT;
	case CLD_STOPPED:
	case CLD_TRAPPED:
		return r->status >> 8;
	default:
		return r->status & 0x7f;
	}
}

SYSCALL5(waitid, int, idtype, int, id, uaddr, uinfo, int, options, up_rusage, uru)
{
	struct wait_req r = { .options = (unsigned)options, .idtype = idtype, .id = id };
	struct linux_siginfo si = { 0 };
	struct linux_rusage ru;
	struct file *f = NULL;
	long ret;
	int err = 0;

	if ((unsigned)options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED |
				  __WNOTHREAD | __WALL | __WCLONE))
		return -EINVAL;
	if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	switch (idtype) {
	case P_ALL:
		break;
	case P_PID:
		if (id <= 0)
			return -EINVAL;
		break;
	case P_PGID:
		if (id < 0)
			return -EINVAL;
		if (id == 0)
			r.id = t->tg->pgid;
		break;
	case P_PIDFD:
		if (id < 0)
			return -EINVAL;
		f = fd_get(id);
		if (!f)
			return -EBADF;
		r.group = pidfd_group_get(f);
		if (r.group && (f->flags & O_NONBLOCK) && !(options & WNOHANG)) {
			r.options |= WNOHANG;
			r.nonblock = true;
		}
		file_put(f);
		if (!r.group)
			return -EBADF;
		break;
	default:
		return -EINVAL;
	}
	ret = do_wait(&r);
	if (r.group)
		tgroup_put(r.group);
	if (ret == 0 && r.nonblock)
		ret = -EAGAIN;
	if (ret < 0)
		return ret;
	if (ret > 0) {
		si.signo = SIGCHLD;
		si.code = r.why;
		si.u.chld.pid = r.pid;
		si.u.chld.uid = r.uid;
		si.u.chld.status = waitid_status(&r);
		if (uru.va) {
			usage_to_linux(&r.usage, &ru);
			err = copy_out_obj(uru, &ru);
		}
	}
	if (!err && uinfo.va)           /* without a child all fields read zero */
		err = copy_out(uinfo, &si, sizeof(si));
	return err;
}
