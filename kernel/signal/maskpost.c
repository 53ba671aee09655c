/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of the signal mask that need no trap.
 *
 * A thread's start and end, fork(3) and most uses of signals in libraries block
 * signals for a moment and let them through again.  A task that does so by an
 * ordinary call may do it by itself for a while: the platform keeps the mask and
 * hands a change over with the next trap ("posted", plat_sigmask), and the head of the
 * robust list likewise.
 *
 * Nobody may be able to tell.  While the task is in user mode with that leave (mask_own),
 * t->blocked is what it was when the run began.  So:
 *  - leave is given only while nothing waits that the task could let through;
 *  - who then puts something into a pending set takes the leave away, and makes the tasks
 *    that had it trap (signal_mask_recall): a change behind that is an ordinary call;
 *  - what would be ignored unless blocked is kept, for the task alone, which traps
 *    and knows (signal_mask_doubtful);
 *  - what a posted change lets through comes before the call that the task traps with,
 *    which has not been made then (signal_mask_over);
 *  - who shows the mask makes the task trap first (signal_mask_settle).
 * Filters, tracers and --strace see every call: such tasks have no leave.
 *
 * The orders of stores and looks: the task says mask_own, then looks for what waits;
 * a sender puts it there, then looks for mask_own.  The task takes mask_own away, then looks
 * for doubt; a sender says doubt, then looks for mask_own, all with the lock held, so that
 * the task stays on its CPU.  The platform tells the program of its leave, then looks for a
 * kick; a sender kicks, then takes the leave away. */
#include "kernel/signal/internal.h"
#include "kernel/task/internal.h"

#define RUNS 256u                       /* without a change, before leave ends */

static bool own(const struct task *t) { return __atomic_load_n(&t->mask_own, __ATOMIC_SEQ_CST); }
static void own_store(struct task *t, bool v) { __atomic_store_n(&t->mask_own, v, __ATOMIC_SEQ_CST); }
static void runs_store(struct task *t, uint32_t n) { __atomic_store_n(&t->mask_runs, n, __ATOMIC_RELAXED); }

void signal_mask_asked(struct task *t)
{
	runs_store(t, RUNS);
}

static uint64_t waiting(const struct task *t)
{
	return __atomic_load_n(&t->pending.set, __ATOMIC_RELAXED) |
	       __atomic_load_n(&t->tg->pending.set, __ATOMIC_RELAXED);
}

/* True: somebody had doubts, and has done by now what it does about them. */
static bool own_end(struct task *t)
{
	own_store(t, false);
	if (likely(!__atomic_load_n(&t->mask_doubt, __ATOMIC_SEQ_CST)))
		return false;
	__atomic_store_n(&t->mask_doubt, 0, __ATOMIC_RELAXED);
	spin_lock(&t->sighand->lock);
	spin_unlock(&t->sighand->lock);
	return true;
}

void signal_mask_offer(struct task *t)
{
	struct plat_sigmask *m = &t->uctx.sigmask;
	uint32_t left = t->mask_runs - 1;

	m->may = 0;
	runs_store(t, left);
	if (!left || !t->uctx.answers.valid)
		return;
	if (!__atomic_load_n(&t->tg->mask_leave, __ATOMIC_RELAXED))
		__atomic_store_n(&t->tg->mask_leave, true, __ATOMIC_RELAXED);
	own_store(t, true);
	if (waiting(t)) {
		(void)own_end(t);
		return;
	}
	m->blocked = t->blocked;
	m->may = PLAT_MAY_MASK | PLAT_MAY_ROBUST;
}

bool signal_mask_over(struct task *t)
{
	bool changed = t->mask_posted;

	t->mask_posted = false;
	if (own_end(t)) {
		t->uctx.sigmask_again = true;
		changed = true;
	}
	return changed && signal_pending(t);
}

bool signal_post_do(struct task *t, const struct plat_post *p)
{
	switch (p->op) {
	case PLAT_POST_MASK:
		runs_store(t, RUNS);
		t->mask_posted = true;
		signal_set_blocked(p->data);
		return true;
	case PLAT_POST_ROBUST:
		t->robust_list = p->data;
		return true;
	default:
		return false;
	}
}

bool signal_mask_doubtful(struct task *t)
{
	if (!__atomic_load_n(&t->mask_runs, __ATOMIC_RELAXED))
		return false;
	__atomic_store_n(&t->mask_doubt, 1, __ATOMIC_SEQ_CST);
	return own(t);
}

static void recall(struct task *t)
{
	uint32_t cpu;

	if (t == current_task() || !signal_mask_doubtful(t))
		return;
	cpu = __atomic_load_n(&t->se.cpu, __ATOMIC_RELAXED);
	plat_cpu_kick(cpu);
	plat_mask_withdraw(t->mm->as, cpu);
}

void signal_mask_recall(struct tgroup *g, struct task *t)
{
	struct task *o;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&g->mask_leave, __ATOMIC_RELAXED))
		return;
	if (t) {
		recall(t);
		return;
	}
	list_for_each(o, &g->threads, thread_link)
		recall(o);
}

void signal_mask_settle(struct task *t)
{
	if (t != current_task() && own(t))
		task_visit_cpus(current_task());
}
