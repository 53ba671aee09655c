/* SPDX-License-Identifier: Apache-2.0 */
/* Handler tables and pending sets: life, queueing and taking of signals.
 *
 * A pending set is a bit mask plus a queue of siginfo.  A bit may be set with
 * no queue entry (SIGKILL, or no memory for the entry): its siginfo is then
 * made up.  Standard signals have at most one entry, real-time signals one per
 * send in order.  Lock: sighand->lock for all of it.
 *
 * Trust: the number of queued entries is bounded per user (RLIMIT_SIGPENDING
 * and a ceiling of our own); users share a few counters by hash. */
#include "kernel/signal/internal.h"
#include "kernel/signal/queue.h"

#define USER_SLOTS 256
#define QUEUED_MAX 65536u

static uint32_t queued[USER_SLOTS];     /* entries alive, by hashed sender uid; atomic */

static uint32_t *user_slot(uint32_t uid) { return &queued[uid % USER_SLOTS]; }

struct sigqueue *sigqueue_new(uint32_t uid, uint64_t limit)
{
	uint32_t *slot = user_slot(uid);
	struct sigqueue *q;

	if (limit > QUEUED_MAX)
		limit = QUEUED_MAX;
	if (__atomic_fetch_add(slot, 1, __ATOMIC_RELAXED) >= limit)
		goto over;
	q = kmalloc(sizeof *q);
	if (!q)
		goto over;
	q->uid = uid;
	list_init(&q->link);
	return q;
over:
	__atomic_fetch_sub(slot, 1, __ATOMIC_RELAXED);
	return NULL;
}

void sigqueue_free(struct sigqueue *q)
{
	__atomic_fetch_sub(user_slot(q->uid), 1, __ATOMIC_RELAXED);
	kfree(q);
}

struct sighand *sighand_new(void)
{
	struct sighand *s = kzalloc(sizeof *s);

	if (!s)
		return NULL;
	ref_init(&s->ref);
	spin_init(&s->lock);
	waitq_init(&s->signalfd_wait);
	return s;
}

struct sighand *sighand_copy(struct sighand *s)
{
	struct sighand *n = sighand_new();

	if (!n)
		return NULL;
	spin_lock(&s->lock);
	memcpy(n->action, s->action, sizeof n->action);
	spin_unlock(&s->lock);
	return n;
}

struct sighand *sighand_get(struct sighand *s)
{
	ref_get(&s->ref);
	return s;
}

void sighand_put(struct sighand *s)
{
	if (s && ref_put(&s->ref))
		kfree(s);
}

void sighand_exec_reset(struct sighand *s)
{
	spin_lock(&s->lock);
	for (unsigned i = 0; i < NSIG; i++) {
		struct ksigaction *a = &s->action[i];

		if (a->handler != SIG_IGN)
			a->handler = SIG_DFL;
		a->flags = 0;
		a->mask = 0;
		a->restorer = 0;
	}
	spin_unlock(&s->lock);
}

void sigpending_init(struct sigpending *p)
{
	__atomic_store_n(&p->set, 0, __ATOMIC_RELAXED);
	list_init(&p->queue);
}

void sigpending_flush(struct sigpending *p, uint64_t mask)
{
	struct sigqueue *q, *tmp;

	if (!(p->set & mask))
		return;
	__atomic_store_n(&p->set, p->set & ~mask, __ATOMIC_RELAXED);
	list_for_each_safe(q, tmp, &p->queue, link) {
		if (!(mask & SIGMASK(q->info.signo)))
			continue;
		list_del(&q->link);
		sigqueue_free(q);
	}
}

/* Faults of the program first, then by number: signal(7). */
static int next_signo(uint64_t set)
{
	if (set & SIG_SYNC_MASK)
		set &= SIG_SYNC_MASK;
	return __builtin_ctzll(set) + 1;
}

static int take(struct sigpending *p, uint64_t mask, struct linux_siginfo *ret)
{
	struct sigqueue *q, *found = NULL;
	uint64_t set = p->set & mask;
	bool more = false;
	int signo;

	if (!set)
		return 0;
	signo = next_signo(set);
	list_for_each(q, &p->queue, link) {
		if (q->info.signo != signo)
			continue;
		if (found) {
			more = true;
			break;
		}
		found = q;
	}
	if (!more)
		__atomic_store_n(&p->set, p->set & ~SIGMASK(signo), __ATOMIC_RELAXED);
	if (found) {
		*ret = found->info;
		list_del(&found->link);
		sigqueue_free(found);
	} else {
		memset(ret, 0, sizeof *ret);
		ret->signo = signo;
		ret->code = SI_USER;
	}
	return signo;
}

int signal_dequeue_locked(struct task *t, uint64_t mask, struct linux_siginfo *ret)
{
	int signo = take(&t->pending, mask, ret);

	if (!signo)
		signo = take(&t->tg->pending, mask, ret);
	signal_recalc(t);
	return signo;
}

void signal_recalc(struct task *t)
{
	bool p = ((t->pending.set | t->tg->pending.set) & ~t->blocked) != 0 || t->ptrace_interrupt;

	__atomic_store_n(&t->sig_pending_flag, p, __ATOMIC_SEQ_CST);
}

bool signal_stop_holds(struct task *t)
{
	struct tgroup *g = t->tg;

	return __atomic_load_n(&g->stop_signal, __ATOMIC_SEQ_CST) &&
	       __atomic_load_n(&g->stop_gen, __ATOMIC_RELAXED) != __atomic_load_n(&t->stop_through, __ATOMIC_RELAXED);
}

bool signal_pending(struct task *t)
{
	struct tgroup *g = t->tg;

	return __atomic_load_n(&t->sig_pending_flag, __ATOMIC_SEQ_CST) ||
	       signal_stop_holds(t) ||
	       __atomic_load_n(&g->group_exiting, __ATOMIC_SEQ_CST);
}

bool signal_default_fatal(int signo)
{
	return !(SIGMASK(signo) & (SIG_IGNORE_MASK | SIG_STOP_MASK));
}

bool signal_fatal_pending(struct task *t)
{
	enum task_state state;
	uint64_t set;

	if (__atomic_load_n(&t->tg->group_exiting, __ATOMIC_SEQ_CST) && !t->ptrace_exit_stop)
		return true;
	if (!__atomic_load_n(&t->sig_pending_flag, __ATOMIC_SEQ_CST))
		return false;
	set = (__atomic_load_n(&t->pending.set, __ATOMIC_RELAXED) |
	       __atomic_load_n(&t->tg->pending.set, __ATOMIC_RELAXED)) & ~t->blocked;
	if (set & SIGMASK(SIGKILL))
		return true;
	state = __atomic_load_n(&t->se.state, __ATOMIC_RELAXED);
	if (state == TASK_STOPPED || state == TASK_TRACED || tgroup_is_init(t->tg))
		return false;
	/* A hint, read without the lock: the sender set the bit before it woke us. */
	for (; set; set &= set - 1) {
		int signo = __builtin_ctzll(set) + 1;

		if (t->sighand->action[signo - 1].handler == SIG_DFL && signal_default_fatal(signo))
			return true;
	}
	return false;
}

void signal_init_task(struct task *child, struct task *parent, uint64_t clone_flags)
{
	(void)clone_flags;
	sigpending_init(&child->pending);
	child->sig_pending_flag = 0;
	child->restore_sigmask = false;
	child->saved_sigmask = 0;
	memset(&child->restart, 0, sizeof child->restart);
	memset(&child->last_trap, 0, sizeof child->last_trap);
	if (!parent) {
		child->blocked = 0;
		memset(&child->altstack, 0, sizeof child->altstack);
		child->altstack.flags = SS_DISABLE;
		return;
	}
	child->blocked = parent->blocked;
	/* clone(2): a new stack in shared memory must not inherit the
	 * alternate stack; vfork keeps it. */
	child->altstack = parent->altstack;
#define CLONE_VM_BIT 0x100ull
#define CLONE_VFORK_BIT 0x4000ull
	if ((clone_flags & (CLONE_VM_BIT | CLONE_VFORK_BIT)) == CLONE_VM_BIT) {
		memset(&child->altstack, 0, sizeof child->altstack);
		child->altstack.flags = SS_DISABLE;
	}
}
