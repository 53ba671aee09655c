/* SPDX-License-Identifier: Apache-2.0 */
/* Between user mode and the kernel: the loop every task lives in, and the
 * dispatch of system calls. */
#include "kernel/ipc/grant.h"
#include "kernel/ipc/ipc.h"
#include "kernel/mm/mm.h"
#include "kernel/security/security.h"
#include "kernel/syscall/strace.h"
#include "kernel/syscall/syscall.h"
#include "kernel/task/ptrace.h"
#include <linux_abi/syscall_nr.h>
#include <stats.h>

static long call(struct task *t, uint64_t nr)
{
	const struct syscall_entry *e;
	long ret;

	if (nr >= syscall_table_size || !syscall_table[nr].fn)
		return -ENOSYS;
	e = &syscall_table[nr];
	ret = e->fn(t, t->syscall_args);
	KASSERT(cpu_self()->spin_depth == 0);
	return ret;
}

/* Others read these with no lock (/proc, usage): single words, never torn. */
static void set_syscall_nr(struct task *t, int32_t nr)
{
	__atomic_store_n(&t->syscall_nr, nr, __ATOMIC_RELAXED);
}

static void set_syscall_args(struct task *t, const struct plat_regs *r)
{
	const uint64_t a[6] = { r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9 };

	for (unsigned i = 0; i < ARRAY_SIZE(a); i++)
		__atomic_store_n(&t->syscall_args[i], a[i], __ATOMIC_RELAXED);
}

/* As Linux: 32 bits count. */
static uint64_t number(const struct plat_regs *r)
{
	return (uint64_t)(int64_t)(int32_t)r->orig_rax;
}

void syscall_dispatch(struct task *t)
{
	struct plat_regs *r = &t->uctx.regs;
	uint64_t nr = number(r), start = 0;
	bool traced = t->kernel_trace, timed = plat_stats_timed();
	long ret = -ENOSYS;

	if (unlikely(t->user_dispatch.on) && user_dispatch(t))
		return;
	set_syscall_nr(t, (int32_t)nr);
	r->rax = (uint64_t)-ENOSYS;
	if (unlikely(task_traced(t))) {
		if (ptrace_syscall_enter(t)) {
			ret = SYSCALL_NO_RESULT;
			goto out;
		}
		nr = number(r);
	}
	set_syscall_nr(t, (int32_t)nr);
	set_syscall_args(t, r);
	if (unlikely(t->seccomp_mode)) {
		if (seccomp_check(t, &ret))
			goto out;
		if (task_traced(t)) {   /* the tracer may have changed the call */
			nr = number(r);
			set_syscall_nr(t, (int32_t)nr);
			set_syscall_args(t, r);
		}
	}
	/* As Linux: what is in rax, which a tracer may have put there. */
	if (unlikely(nr == UINT64_MAX)) {
		ret = SYSCALL_NO_RESULT;
		goto out;
	}
	if (nr < STATS_CALLS)
		stats_bump(&plat_stats()->call[nr].count, 1);
	if (unlikely(traced || timed))
		start = plat_time_mono_ns();
	if (unlikely(traced))
		strace_enter(t, nr);
	ret = call(t, nr);
	if (unlikely(timed) && nr < STATS_CALLS)
		stats_bump(&plat_stats()->call[nr].time_ns, plat_time_mono_ns() - start);
	if (unlikely(traced))
		strace_exit(t, nr, ret, plat_time_mono_ns() - start);
out:
	if (ret != SYSCALL_NO_RESULT)
		r->rax = (uint64_t)ret;
	if (unlikely(task_traced(t)))
		ptrace_syscall_exit(t);
	set_syscall_nr(t, -1);
}

static void handle_fault(struct task *t, const struct plat_trap *trap)
{
	int signo = trap->signo, code = trap->code;
	struct plat_trap tr = *trap;

	if (!mm_fault(t->mm, trap->addr, trap->access, &signo, &code))
		return;
	tr.signo = signo;
	tr.code = code;
	signal_force_fault(&tr);
}

static bool may_answer(const struct task *t)
{
	return !t->seccomp_mode && !t->user_dispatch.on && !task_traced(t) && !t->kernel_trace;
}

/* What the platform may answer without asking: nothing that a filter, a tracer
 * or --strace is to see.  A task's credentials are immutable, their address
 * tells them apart: only the task itself changes them, between two runs. */
static void answers_refresh(struct task *t)
{
	struct plat_answers *a = &t->uctx.answers;
	const struct cred *c = t->cred;

	*a = (struct plat_answers){
		.valid = may_answer(t),
		.pid = (uint32_t)t->tg->tgid, .tid = (uint32_t)t->tid,
		.uid = c->uid, .euid = c->euid, .gid = c->gid, .egid = c->egid,
	};
	t->answers_cred = c;
	t->uctx.answers_changed = true;
}

static bool answers_current(const struct task *t)
{
	return t->answers_cred == t->cred && t->uctx.answers.tid == (uint32_t)t->tid &&
	       t->uctx.answers.valid == may_answer(t);
}

static enum stats_id entry_kind(const struct plat_trap *trap)
{
	static const uint8_t kinds[] = {
		[PLAT_TRAP_SYSCALL] = STATS_ENTRY_TRAPPED, [PLAT_TRAP_FAULT] = STATS_ENTRY_FAULT,
		[PLAT_TRAP_EXCEPTION] = STATS_ENTRY_EXCEPTION, [PLAT_TRAP_KICK] = STATS_ENTRY_KICK,
		[PLAT_TRAP_DEAD] = STATS_ENTRY_DEAD,
		[PLAT_TRAP_RIDER] = STATS_ENTRY_RIDER,
	};

	if (trap->kind == PLAT_TRAP_SYSCALL && trap->gate)
		return STATS_ENTRY_GATE;
	return trap->kind < ARRAY_SIZE(kinds) ? kinds[trap->kind] : STATS_ENTRY_DEAD;
}

__noreturn void task_user_loop(void *unused)
{
	(void)unused;
	for (;;) {
		struct task *t = current_task();
		struct plat_trap trap;
		bool from_syscall = false, signal_first;
		uint64_t deadline;

		/* A signal may have come while the task waited for its CPU:
		 * nobody kicks a task that is only queued. */
		while (deadline = sched_user_checkpoint(), unlikely(signal_pending(t)))
			signal_deliver_user(false);
		if (unlikely(!answers_current(t)))
			answers_refresh(t);
		futex_look_before(t);
		if (t->grants_due)
			grants_make(t);
		if (unlikely(t->mask_runs))
			signal_mask_offer(t);
		plat_user_run(t->mm->as, &t->uctx, deadline, &trap);
		sched_user_ended(t);
		stats_bump(&plat_stats()->n[entry_kind(&trap)], 1);
		if (t->granted)
			grants_over(t);
		if (unlikely(t->uctx.post_count))
			epoll_posts_do(t);
		signal_first = unlikely(__atomic_load_n(&t->mask_own, __ATOMIC_RELAXED)) && signal_mask_over(t);
		if (unlikely(t->ride.kind) && !t->uctx.riders && trap.kind != PLAT_TRAP_RIDER)
			ride_over_slow(t);
		if (unlikely(t->xstate_in.at) && !t->uctx.riders && trap.kind != PLAT_TRAP_RIDER)
			t->xstate_in.at = 0;
		t->futex_look.same = trap.word;
		switch (trap.kind) {
		case PLAT_TRAP_SYSCALL:
			if (unlikely(signal_first)) {
				signal_before_call(t);
				break;
			}
			from_syscall = true;
			if (!trap.gate)
				patch_trap(t);
			if (unlikely(trap.compat))
				t->uctx.regs.rax = (uint64_t)-ENOSYS;
			else
				syscall_dispatch(t);
			break;
		case PLAT_TRAP_FAULT:
			patch_fix_regs(t, t->mm);
			handle_fault(t, &trap);
			break;
		case PLAT_TRAP_EXCEPTION:
			if (cpuid_trap(t, t->mm, &trap))
				break;
			patch_fix_regs(t, t->mm);
			signal_force_fault(&trap);
			break;
		case PLAT_TRAP_RIDER:
			copy_out_failed(t, &trap);
			break;
		case PLAT_TRAP_KICK:
			patch_fix_regs(t, t->mm);
			break;
		case PLAT_TRAP_DEAD:
			/* The host or an attack took the memory: to the rest
			 * of the sandbox this process was killed. */
			task_exit_group(SIGKILL);
		default:
			kpanic("trap %u from the platform", trap.kind);
		}
		signal_deliver_user(from_syscall);
	}
}
