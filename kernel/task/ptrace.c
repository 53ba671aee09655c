/* SPDX-License-Identifier: Apache-2.0 */
/* Being traced: stops of a tracee, its links to the tracer, waiting for it.
 *
 * A tracee stops itself: it publishes what happened, tells the tracer, and
 * sleeps as TASK_TRACED until a request lets it go or SIGKILL comes.  ptrace(2)
 * describes every kind of stop. */
#include "kernel/task/internal.h"
#include "kernel/task/ptrace_state.h"

#define RFLAGS_TF 0x100u
#define SYSGOOD 0x80u

/* ---- links ---- */

void ptrace_drop_locked(struct task *t)
{
	struct ptrace_state *p = t->ptrace;

	if (!p)
		return;
	list_del(&p->link);
	__atomic_store_n(&t->ptrace, NULL, __ATOMIC_RELAXED);
	t->ptrace_interrupt = false;
	if (p->step_flag)
		t->uctx.regs.rflags &= ~(uint64_t)RFLAGS_TF;
	if (p->stopped || p->listening)
		sched_wake(t, 1u << TASK_TRACED);
	/* A stop of the process holds it again. */
	if (t->stop_through && __atomic_load_n(&t->tg->stop_signal, __ATOMIC_RELAXED)) {
		__atomic_store_n(&t->stop_through, 0, __ATOMIC_SEQ_CST);
		task_wake_signal(t, 1u << TASK_INTERRUPTIBLE);
	}
	kfree(p);
}

/* task_list_lock held: t is to stop for its tracer on its way to user mode, or goes over to that from
 * a stop that it is in without being asked about it. */
void ptrace_want_stop_locked(struct task *t)
{
	struct ptrace_state *p = t->ptrace;
	bool listening = p->listening;

	t->ptrace_interrupt = true;
	__atomic_store_n(&t->sig_pending_flag, 1, __ATOMIC_SEQ_CST);
	p->listening = false;
	if (listening)
		sched_wake(t, 1u << TASK_TRACED);
	else if (!p->stopped)
		task_wake_signal(t, (1u << TASK_INTERRUPTIBLE) | (1u << TASK_STOPPED));
}

void ptrace_continued_locked(struct task *t)
{
	if (t->ptrace && t->ptrace->seized)
		ptrace_want_stop_locked(t);
}

int ptrace_attach_locked(struct task *t, struct task *tracer, bool seized, uint32_t options)
{
	struct ptrace_state *p;

	/* One that exits has let go of its tracees, or is about to. */
	if (tracer->exiting)
		return -EPERM;
	p = kzalloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->tracer = tracer;
	p->tracee = t;
	p->seized = seized;
	p->options = options;
	list_push_back(&tracer->ptracees, &p->link);
	__atomic_store_n(&t->ptrace, p, __ATOMIC_RELAXED);
	return 0;
}

int32_t ptrace_tracer_tid(struct task *t)
{
	int32_t r;

	spin_lock(&task_list_lock);
	r = t->ptrace ? t->ptrace->tracer->tg->tgid : 0;
	spin_unlock(&task_list_lock);
	return r;
}

/* ---- stopping ---- */

static void tell_tracer_locked(struct task *t, int why, int status)
{
	struct tgroup *g = t->ptrace->tracer->tg;
	struct linux_siginfo si = { .signo = SIGCHLD, .code = why };

	si.u.chld.pid = t->tid;
	si.u.chld.uid = t->cred->uid;
	si.u.chld.status = status;
	signal_send_group_locked(g, SIGCHLD, &si);
	waitq_wake_all(&g->child_wait, 0);
}

/* Other deadly signals are the tracer's to decide about. */
static bool killed(struct task *t)
{
	return (__atomic_load_n(&t->tg->group_exiting, __ATOMIC_ACQUIRE) && !t->ptrace_exit_stop) ||
	       ((__atomic_load_n(&t->pending.set, __ATOMIC_RELAXED) |
		 __atomic_load_n(&t->tg->pending.set, __ATOMIC_RELAXED)) & SIGMASK(SIGKILL));
}

struct stop {
	uint32_t code;
	uint64_t message;
	const struct linux_siginfo *info;
	uint8_t syscall_op;
};

/* Stop the current task for its tracer.  The signal to go on with (for stops
 * that carry one), also in *ret_info what the tracer made of it. */
static int stop_here(struct task *t, const struct stop *s, struct linux_siginfo *ret_info)
{
	struct ptrace_state *p;
	int signo = s->syscall_op ? 0 : (int)(s->code & 0x7f);  /* unless the tracer says otherwise */
	bool done;

	plat_uctx_regs(&t->uctx);
	spin_lock(&task_list_lock);
	p = t->ptrace;
	if (!p || killed(t)) {
		spin_unlock(&task_list_lock);
		return p ? 0 : signo;
	}
	if (p->step_flag) {
		p->step_flag = false;
		t->uctx.regs.rflags &= ~(uint64_t)RFLAGS_TF;
	}
	p->code = s->code;
	p->message = s->message;
	p->syscall_op = s->syscall_op;
	p->has_info = s->info;
	if (s->info)
		p->info = *s->info;
	p->inject = signo;
	p->reported = false;
	p->stopped = true;
	t->ptrace_detach_signal = p->inject;
	tell_tracer_locked(t, CLD_TRAPPED, (int)(s->code & 0x7f));
	spin_unlock(&task_list_lock);

	__atomic_store_n(&t->wchan, "ptrace_stop", __ATOMIC_RELAXED);
	for (;;) {
		sched_prepare(TASK_TRACED);
		spin_lock(&task_list_lock);
		done = !t->ptrace || !(t->ptrace->stopped || t->ptrace->listening);
		spin_unlock(&task_list_lock);
		if (done || sched_block(NO_DEADLINE))
			break;
	}
	sched_finish();
	__atomic_store_n(&t->wchan, NULL, __ATOMIC_RELAXED);
	spin_lock(&task_list_lock);
	p = t->ptrace;
	signo = t->ptrace_detach_signal;
	if (p) {
		/* Woken by SIGKILL: nothing else is acted on any more. */
		signo = p->stopped || p->listening ? 0 : p->inject;
		p->stopped = p->listening = false;
		if (ret_info && p->has_info)
			*ret_info = p->info;
		if (p->mode == PT_STEP || p->mode == PT_SYSEMU_STEP) {
			p->step_flag = true;
			t->uctx.regs.rflags |= RFLAGS_TF;
			t->uctx.regs_changed = true;
		}
	}
	spin_unlock(&task_list_lock);
	/* Signals of the whole process that came meanwhile found nobody to take them. */
	spin_lock(&t->sighand->lock);
	signal_recalc(t);
	spin_unlock(&t->sighand->lock);
	return signo;
}

/* A stop that no signal caused tells who stopped. */
static struct linux_siginfo stop_info(const struct task *t, unsigned code)
{
	struct linux_siginfo si = { .signo = SIGTRAP, .code = (int32_t)code };

	si.u.kill.pid = t->tid;
	si.u.kill.uid = t->cred->uid;
	return si;
}

static void event_stop(struct task *t, unsigned event, uint64_t message)
{
	struct linux_siginfo si = stop_info(t, SIGTRAP | event << 8);
	struct stop s = { .code = SIGTRAP | event << 8, .message = message, .info = &si };

	stop_here(t, &s, NULL);
}

static bool wants(struct task *t, uint32_t option)
{
	bool r;

	spin_lock(&task_list_lock);
	r = t->ptrace && (t->ptrace->options & option);
	spin_unlock(&task_list_lock);
	return r;
}

/* ---- system calls ---- */

static bool syscall_stop(struct task *t, uint8_t op)
{
	struct linux_siginfo si = stop_info(t, SIGTRAP);
	struct stop s = { .code = SIGTRAP, .info = &si, .syscall_op = op };
	bool want;
	int signo;

	spin_lock(&task_list_lock);
	want = t->ptrace && (t->ptrace->mode == PT_SYSCALL ||
			     (op == PTRACE_SYSCALL_INFO_ENTRY && t->ptrace->mode >= PT_SYSEMU));
	if (want && (t->ptrace->options & PTRACE_O_TRACESYSGOOD)) {
		s.code |= SYSGOOD;
		si.code |= SYSGOOD;
	}
	s.message = op;
	spin_unlock(&task_list_lock);
	if (!want)
		return false;
	signo = stop_here(t, &s, NULL);
	if (signo)
		signal_send_task(t, signo, NULL);
	return true;
}

bool ptrace_syscall_enter(struct task *t)
{
	bool emulated;

	spin_lock(&task_list_lock);
	emulated = t->ptrace && t->ptrace->mode >= PT_SYSEMU;
	spin_unlock(&task_list_lock);
	return syscall_stop(t, PTRACE_SYSCALL_INFO_ENTRY) && (emulated || killed(t));
}

void ptrace_syscall_exit(struct task *t)
{
	struct linux_siginfo si = { .signo = SIGTRAP, .code = TRAP_BRKPT };
	bool step;

	syscall_stop(t, PTRACE_SYSCALL_INFO_EXIT);
	/* A step over the call ends here: the flag would only trap after the
	 * next instruction. */
	spin_lock(&task_list_lock);
	step = t->ptrace && t->ptrace->step_flag && t->ptrace->mode != PT_SYSEMU_STEP;
	spin_unlock(&task_list_lock);
	if (!step)
		return;
	si.u.fault.addr = t->uctx.regs.rip;
	signal_force(SIGTRAP, &si);
}

bool ptrace_suspends_seccomp(struct task *t) { return wants(t, PTRACE_O_SUSPEND_SECCOMP); }

bool ptrace_seccomp_stop(struct task *t, uint32_t data, long *ret)
{
	struct linux_siginfo si = stop_info(t, SIGTRAP | PTRACE_EVENT_SECCOMP << 8);
	struct stop s = { .code = SIGTRAP | PTRACE_EVENT_SECCOMP << 8, .message = data, .info = &si,
			  .syscall_op = PTRACE_SYSCALL_INFO_SECCOMP };

	if (!wants(t, PTRACE_O_TRACESECCOMP)) {
		*ret = -ENOSYS;
		return true;
	}
	stop_here(t, &s, NULL);
	/* The tracer may have made it -1: skipped, rax is the result. */
	if ((int32_t)t->uctx.regs.orig_rax < 0 || killed(t)) {
		*ret = (long)t->uctx.regs.rax;
		return true;
	}
	return false;
}

/* ---- fork, exec, exit ---- */

static unsigned clone_event(const struct clone_args_k *a)
{
	if (a->flags & CLONE_UNTRACED)
		return 0;
	if (a->flags & CLONE_VFORK)
		return PTRACE_EVENT_VFORK;
	return a->exit_signal == SIGCHLD && !(a->flags & CLONE_THREAD) ? PTRACE_EVENT_FORK
								        : PTRACE_EVENT_CLONE;
}

void ptrace_fork_locked(struct task *c, struct task *parent, const struct clone_args_k *a)
{
	struct ptrace_state *p = parent->ptrace;
	unsigned event = clone_event(a);

	if (!p || !event || !((p->options & 1u << event) || (a->flags & CLONE_PTRACE)))
		return;
	if (ptrace_attach_locked(c, p->tracer, p->seized, p->options))
		return;
	spin_lock(&c->sighand->lock);
	if (p->seized)
		c->ptrace_interrupt = true;
	else
		c->pending.set |= SIGMASK(SIGSTOP);
	c->sig_pending_flag = 1;
	spin_unlock(&c->sighand->lock);
}

void ptrace_report_clone(struct task *parent, int32_t tid, const struct clone_args_k *a)
{
	unsigned event = clone_event(a);

	if (event && wants(parent, 1u << event))
		event_stop(parent, event, (uint64_t)tid);
}

void ptrace_report_vfork_done(struct task *parent, int32_t tid)
{
	if (wants(parent, PTRACE_O_TRACEVFORKDONE))
		event_stop(parent, PTRACE_EVENT_VFORK_DONE, (uint64_t)tid);
}

void ptrace_report_exec(struct task *t, int32_t old_tid)
{
	bool seized;

	if (wants(t, PTRACE_O_TRACEEXEC)) {
		event_stop(t, PTRACE_EVENT_EXEC, (uint64_t)old_tid);
		return;
	}
	spin_lock(&task_list_lock);
	seized = !t->ptrace || t->ptrace->seized;
	spin_unlock(&task_list_lock);
	if (!seized)
		signal_send_task(t, SIGTRAP, NULL);
}

void ptrace_report_exit(struct task *t, int32_t code)
{
	if (!wants(t, PTRACE_O_TRACEEXIT))
		return;
	t->ptrace_exit_stop = true;
	event_stop(t, PTRACE_EVENT_EXIT, (uint64_t)code);
	t->ptrace_exit_stop = false;
}

bool ptrace_by_parent(struct tgroup *g)
{
	struct ptrace_state *p = g->leader->ptrace;

	return p && p->tracer->tg == g->parent;
}

bool ptrace_holds_zombie(struct tgroup *g)
{
	struct ptrace_state *p = g->leader->ptrace;

	return p && p->tracer->tg != g->parent;
}

void ptrace_notify_zombie_locked(struct tgroup *g)
{
	int s = g->exit_code;

	g->leader->ptrace->reported = false;
	tell_tracer_locked(g->leader, s & 0x7f ? CLD_KILLED : CLD_EXITED, s & 0x7f ? s & 0x7f : s >> 8 & 0xff);
}

/* The next one; *ret_reaped is set when that took a zombie out of the table. */
static bool let_go_of_one(struct task *t, struct tgroup **ret_reaped)
{
	struct ptrace_state *p;
	struct task *o;

	if (list_empty(&t->ptracees))
		return false;
	p = list_first(&t->ptracees, struct ptrace_state, link);
	o = p->tracee;
	if (!o) {
		list_del(&p->link);
		kfree(p);
		return true;
	}
	if (p->options & PTRACE_O_EXITKILL)
		tgroup_kill_all_locked(o->tg, SIGKILL);
	ptrace_drop_locked(o);
	if (o->tg->zombie && o->tg->leader == o && o->tg->parent != t->tg &&
	    tgroup_zombie_locked(o->tg))
		*ret_reaped = o->tg;
	return true;
}

static void let_go_of_tracees(struct task *t)
{
	bool more;

	do {
		struct tgroup *reaped = NULL;

		spin_lock(&task_list_lock);
		more = let_go_of_one(t, &reaped);
		spin_unlock(&task_list_lock);
		if (reaped)
			tgroup_reaped(reaped);
	} while (more);
}

/* A thread's number is free from now on; what the tracer waits for stays. */
static void leave_dead_locked(struct task *t, int32_t code)
{
	struct ptrace_state *p = t->ptrace;

	tell_tracer_locked(t, code & 0x7f ? CLD_KILLED : CLD_EXITED, code & 0x7f ? code & 0x7f : code >> 8 & 0xff);
	p->tracee = NULL;
	p->dead_tid = t->tid;
	p->dead_status = code;
	__atomic_store_n(&t->ptrace, NULL, __ATOMIC_RELAXED);
}

void ptrace_exit(struct task *t, int32_t code)
{
	let_go_of_tracees(t);
	spin_lock(&task_list_lock);
	if (t->ptrace) {
		struct tgroup *tracer = t->ptrace->tracer->tg;

		/* A process that its tracer is no parent of stays linked until
		 * the tracer has seen its end. */
		if (t != t->tg->leader)
			leave_dead_locked(t, code);
		else if (tracer == t->tg->parent)
			ptrace_drop_locked(t);
	}
	spin_unlock(&task_list_lock);
}

/* ---- signals ---- */

int ptrace_signal_stop(struct task *t, int signo, struct linux_siginfo *info)
{
	struct stop s = { .code = (uint32_t)signo, .info = info };
	int r = stop_here(t, &s, info);

	if (r != signo) {
		*info = (struct linux_siginfo){ .signo = r, .code = SI_USER };
		info->u.kill.pid = t->tg->tgid;
	}
	return r;
}

bool ptrace_interrupt_stop(struct task *t)
{
	bool seized;

	if (!t->ptrace_interrupt)
		return false;
	t->ptrace_interrupt = false;
	spin_lock(&t->sighand->lock);
	signal_recalc(t);
	spin_unlock(&t->sighand->lock);
	if (ptrace_group_stop(t))
		return true;
	spin_lock(&task_list_lock);
	seized = t->ptrace && t->ptrace->seized;
	spin_unlock(&task_list_lock);
	if (seized)
		event_stop(t, PTRACE_EVENT_STOP, 0);
	return true;
}

bool ptrace_group_stop(struct task *t)
{
	struct tgroup *g = t->tg;
	struct stop s = { 0 };
	struct linux_siginfo si;
	uint32_t gen = 0;

	spin_lock(&task_list_lock);
	if (t->ptrace) {
		spin_lock(&g->lock);
		s.code = (uint32_t)g->stop_signal;
		gen = g->stop_gen;
		spin_unlock(&g->lock);
		if (s.code && t->ptrace->seized)
			s.code |= PTRACE_EVENT_STOP << 8;
	}
	spin_unlock(&task_list_lock);
	if (!s.code)
		return false;
	if (s.code >> 8) {
		si = stop_info(t, s.code);
		si.signo = (int32_t)(s.code & 0x7f);
		s.info = &si;
	}
	signal_stop_count(t);
	stop_here(t, &s, NULL);
	spin_lock(&task_list_lock);
	if (t->ptrace)
		__atomic_store_n(&t->stop_through, gen, __ATOMIC_SEQ_CST);
	spin_unlock(&task_list_lock);
	return true;
}

/* ---- wait ---- */

static bool match(const struct wait_req *r, struct task *o)
{
	switch (r->idtype) {
	case P_PID:
		return o->tid == r->id;
	case P_PGID:
		return o->tg->pgid == r->id;
	case P_PIDFD:
		return o->tg == r->group && o == o->tg->leader;
	default:
		return true;
	}
}

static int take_dead(struct wait_req *r, struct ptrace_state *p, int found)
{
	if (r->idtype == P_PGID || r->idtype == P_PIDFD || (r->idtype == P_PID && r->id != p->dead_tid))
		return found;
	if (!(r->options & WEXITED))
		return 0;
	r->pid = p->dead_tid;
	r->why = p->dead_status & 0x7f ? CLD_KILLED : CLD_EXITED;
	r->status = p->dead_status;
	if (!(r->options & WNOWAIT)) {
		list_del(&p->link);
		kfree(p);
	}
	return 1;
}

/* 1 when there was something to take from tracee o. */
static int wait_thread(struct wait_req *r, struct task *o, int found)
{
	struct ptrace_state *p = o->ptrace;
	struct tgroup *g = o->tg;

	if (!match(r, o))
		return found;
	if (p->stopped && !p->reported) {
		if (!(r->options & WNOWAIT)) {
			p->reported = true;
			/* It has the signal: only it can give it back. */
			p->inject = o->ptrace_detach_signal = 0;
		}
		r->pid = o->tid;
		r->uid = o->cred->uid;
		r->why = CLD_TRAPPED;
		r->status = (int32_t)WSTATUS_STOP(p->code);
		task_usage(o, &r->usage);
		return 1;
	}
	if (g->zombie && o == g->leader && (r->options & WEXITED) && ptrace_holds_zombie(g)) {
		r->pid = g->tgid;
		r->uid = o->cred->uid;
		r->why = g->exit_code & 0x7f ? CLD_KILLED : CLD_EXITED;
		r->status = g->exit_code;
		tgroup_usage_locked(g, &r->usage);
		if (!(r->options & WNOWAIT)) {
			ptrace_drop_locked(o);
			if (tgroup_zombie_locked(g))
				r->reaped = g;
		}
		return 1;
	}
	return 0;
}

int ptrace_wait_locked(struct wait_req *r, int found)
{
	struct task *self = current_task(), *w;

	list_for_each(w, &self->tg->threads, thread_link) {
		struct ptrace_state *p;

		if ((r->options & __WNOTHREAD) && w != self)
			continue;
		list_for_each(p, &w->ptracees, link) {
			found = p->tracee ? wait_thread(r, p->tracee, found) : take_dead(r, p, found);
			if (found == 1)
				return 1;
		}
	}
	return found;
}
