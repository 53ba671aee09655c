/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler: run queues, blocking, waking, idling.
 *
 * Each CPU has a first-come queue.  A woken task goes to the waker's CPU: when
 * the waker then sleeps (a hand-off through a pipe, futex or socket) it runs at
 * once with no cross-CPU wake-up, which costs ten times a switch here.  When the
 * waker goes on instead, the queued task waits at most SPREAD_NS before an idle
 * CPU is told to take it.  Idle CPUs steal from the others' queues.
 *
 * Packing (docs/decisions/0008-packing.md): a program whose system calls come
 * every few microseconds keeps two of the host's cores busy, its own and that
 * of the kernel's thread which answers.  Two such programs on two CPUs of a
 * machine with two cores wait for each other's threads at every call; on one
 * CPU, in turns, both get more done.  So a task's pace is measured from call to
 * call, and while as many CPUs run as the machine has pairs of cores, a queue in
 * which all have such a pace stays with its CPU, whose running task has it too.
 * Not for long: a task that has kept others waiting for PACK_NS does so no more
 * until it has slept, and whom it wakes goes to an idle CPU at once.
 *
 * A sleeping task is `blocked` from the moment it commits under its wake_lock;
 * a waker that comes earlier only sets the state back to running.  on_cpu stays
 * set until its stack is really left: only its own CPU takes such a task. */
#include "kernel/sched/lockless.h"
#include "kernel/sched/internal.h"
#include "kernel/task/task.h"
#include <stats.h>

#define SLICE_NS 4000000ull
#define SPREAD_NS 50000ull
#define PACK_NS 2000000ull              /* the longest wait that being together is worth */
/* Apart, every call costs two host wake-ups more, some 5 us: together is better
 * for programs that take less than that per call.  A queued one may have been
 * measured apart. */
#define DENSE_NS 8000u
#define DENSE_QUEUED_NS 11000u
#define PACE_SHARE 8u                   /* the latest call's part of the measure is an eighth */
#define PACE_MAX_NS 16000u              /* one that the host held up says nothing alone */

static struct cpu cpus[PLAT_MAX_CPUS];
static unsigned cpu_total = 1, dense_limit = 1;
static uint64_t idle_mask;              /* atomic: CPUs inside plat_cpu_idle */
static void (*event_handler)(uint64_t);

struct cpu *cpu_by_id(unsigned id) { return &cpus[id]; }
struct cpu *cpu_self(void) { return &cpus[plat_cpu_self()]; }
unsigned cpu_count(void) { return cpu_total; }
struct task *current_task(void) { return cpu_self()->current; }

uint64_t sched_entered_ns(void)
{
	const struct task *t = current_task();

	return t ? t->se.last_ns : plat_time_mono_ns();
}

void sched_set_event_handler(void (*fn)(uint64_t)) { event_handler = fn; }

/* ---- queues ---- */

static uint32_t pace_of(const struct task *t) { return __atomic_load_n(&t->se.pace_ns, __ATOMIC_RELAXED); }

/* rq_lock held. */
static void count_queued(struct cpu *c, const struct task *t, int change)
{
	const struct task *first = list_empty(&c->rq) ? t : list_first(&c->rq, struct task, se.rq_link);

	__atomic_store_n(&c->rq_count, c->rq_count + (unsigned)change, __ATOMIC_RELAXED);
	__atomic_store_n(&c->loose_count, c->loose_count + (unsigned)(t->se.loose ? change : 0), __ATOMIC_RELAXED);
	__atomic_store_n(&c->rq_since_ns, first->se.queued_ns, __ATOMIC_RELAXED);
}

static void enqueue(struct cpu *c, struct task *t, bool front)
{
	t->se.queued_ns = plat_time_mono_ns();
	spin_lock(&c->rq_lock);
	t->se.loose = pace_of(t) >= DENSE_QUEUED_NS;
	if (front)
		list_push_front(&c->rq, &t->se.rq_link);
	else
		list_push_back(&c->rq, &t->se.rq_link);
	count_queued(c, t, 1);
	spin_unlock(&c->rq_lock);
}

/* sched_set_affinity() changes it with no lock. */
static uint64_t affinity_of(const struct task *t)
{
	return __atomic_load_n(&t->se.affinity, __ATOMIC_RELAXED);
}

static bool may_run_on(const struct task *t, unsigned cpu)
{
	return affinity_of(t) >> cpu & 1;
}

static void unlink_queued(struct cpu *from, struct task *t)
{
	list_del(&t->se.rq_link);
	count_queued(from, t, -1);
}

static bool kept(const struct cpu *owner, const struct task *t)
{
	return __atomic_load_n(&owner->packs, __ATOMIC_RELAXED) && !t->se.loose &&
	       plat_time_mono_ns() - t->se.queued_ns < PACK_NS;
}

/* Take the first task that `self` may run; `from` is its own or a victim.  A
 * task in its own queue that may no longer run here is handed on: where it may
 * run, nobody looks into this queue while there is other work. */
static struct task *dequeue(struct cpu *from, struct cpu *self)
{
	struct task *t, *stray = NULL, *found = NULL;

	if (!__atomic_load_n(&from->rq_count, __ATOMIC_RELAXED))
		return NULL;
	spin_lock(&from->rq_lock);
	list_for_each(t, &from->rq, se.rq_link) {
		if (!may_run_on(t, self->id)) {
			if (from == self && !stray)
				stray = t;
			continue;
		}
		if (from != self && (__atomic_load_n(&t->se.on_cpu, __ATOMIC_ACQUIRE) || kept(from, t)))
			continue;
		found = t;
		break;
	}
	if (found)
		unlink_queued(from, found);
	if (stray)
		unlink_queued(from, stray);
	spin_unlock(&from->rq_lock);
	if (stray) {
		unsigned to = (unsigned)__builtin_ctzll(affinity_of(stray));

		enqueue(&cpus[to], stray, false);
		plat_cpu_kick(to);
	}
	return found;
}

static struct task *pick(struct cpu *self)
{
	struct task *t = dequeue(self, self);

	for (unsigned i = 1; !t && i < cpu_total; i++)
		if ((t = dequeue(&cpus[(self->id + i) % cpu_total], self)) != NULL)
			stats_bump(&plat_stats()->n[STATS_STEALS], 1);
	return t;
}

/* An idle CPU that t may run on is told to look for work. */
static bool kick_idle(uint64_t mask)
{
	uint64_t idle = __atomic_load_n(&idle_mask, __ATOMIC_SEQ_CST) & mask;

	if (!idle)
		return false;
	plat_cpu_kick((unsigned)__builtin_ctzll(idle));
	return true;
}

/* Where t goes if the current task, which wakes it, is not known for making room: an idle CPU, or NULL. */
static struct cpu *idle_one(const struct cpu *self, const struct task *t)
{
	uint64_t idle;

	if (likely(!self->current || !self->current->se.sleepless))
		return NULL;
	idle = __atomic_load_n(&idle_mask, __ATOMIC_SEQ_CST) & affinity_of(t);
	return idle ? &cpus[__builtin_ctzll(idle)] : NULL;
}

static void make_runnable(struct task *t)
{
	struct cpu *self = cpu_self(), *c = idle_one(self, t);
	unsigned cpu = __atomic_load_n(&t->se.cpu, __ATOMIC_RELAXED);

	c = c ? c : self;
	if (__atomic_load_n(&t->se.on_cpu, __ATOMIC_ACQUIRE) || !may_run_on(t, c->id))
		c = &cpus[may_run_on(t, cpu) || __atomic_load_n(&t->se.on_cpu, __ATOMIC_ACQUIRE) ? cpu
			  : (unsigned)__builtin_ctzll(affinity_of(t))];
	enqueue(c, t, false);
	if (c != self || (__atomic_load_n(&idle_mask, __ATOMIC_SEQ_CST) >> c->id & 1))
		plat_cpu_kick(c->id);
}

bool sched_wake(struct task *t, uint32_t states)
{
	bool queue = false, woken = false;
	enum task_state s;

	spin_lock(&t->se.wake_lock);
	s = __atomic_load_n(&t->se.state, __ATOMIC_SEQ_CST);    /* the task itself takes no lock */
	if (states >> s & 1 && s != TASK_RUNNING) {
		__atomic_store_n(&t->se.state, TASK_RUNNING, __ATOMIC_SEQ_CST);
		woken = true;
		queue = t->se.blocked;
		t->se.blocked = false;
	}
	spin_unlock(&t->se.wake_lock);
	if (queue) {
		stats_bump(&plat_stats()->n[STATS_WAKE_UPS], 1);
		make_runnable(t);
	}
	return woken;
}

/* ---- switching ---- */

/* Written by the task's CPU alone, read by anybody. */
static void count_add(uint64_t *v, uint64_t n)
{
	__atomic_store_n(v, *v + n, __ATOMIC_RELAXED);
}

/* On the new stack: the old one is left for good. */
static void finish_switch(void)
{
	struct cpu *c = cpu_self();
	struct task *prev = c->prev;
	void (*release)(struct task *);

	c->prev = NULL;
	if (!prev)
		return;
	release = prev->se.release;
	__atomic_store_n(&prev->se.on_cpu, 0, __ATOMIC_RELEASE);
	if (release)
		release(prev);
}

/* The recent time may be a little less than what was told before. */
static uint64_t since_last(const struct task *t, uint64_t now) { return now - MIN(t->se.last_ns, now); }

static void account(struct task *t, uint64_t *part, uint64_t now)
{
	uint64_t d = since_last(t, now);

	count_add(&t->se.run_ns, d);
	count_add(part, d);
	__atomic_store_n(&t->se.last_ns, t->se.last_ns + d, __ATOMIC_RELAXED);
}

void sched_account(struct task *t) { account(t, &t->se.sys_ns, plat_time_mono_ns()); }

/* To user mode: the kernel's part of a call ends. */
static void account_user(struct task *t, uint64_t now)
{
	t->se.sys_part_ns = (uint32_t)MIN(since_last(t, now), PACE_MAX_NS);
	account(t, &t->se.sys_ns, now);
}

void sched_user_ended(struct task *t)
{
	uint64_t now = plat_time_recent_ns(), took = MIN(t->se.sys_part_ns + since_last(t, now), PACE_MAX_NS);
	uint32_t pace = t->se.pace_ns;

	account(t, &t->se.user_ns, now);
	__atomic_store_n(&t->se.pace_ns, pace - pace / PACE_SHARE + (uint32_t)took / PACE_SHARE, __ATOMIC_RELAXED);
}

static void account_switch_in(struct task *t, uint64_t now)
{
	__atomic_store_n(&t->se.last_ns, now, __ATOMIC_RELAXED);
	t->se.slice_end_ns = now + SLICE_NS;
}

/* next == NULL: to the idle loop. */
static void switch_to(struct cpu *c, struct task *next)
{
	struct task *prev = c->current;
	void **save = prev ? &prev->se.ksp : &c->idle_sp;
	uint64_t now = plat_time_mono_ns();

	KASSERT(c->spin_depth == 0);
	if (prev) {
		account(prev, &prev->se.sys_ns, now);
		if (prev->uctx.riders)
			plat_riders_flush(&prev->uctx);
		plat_uctx_leave(&prev->uctx, __atomic_load_n(&prev->ptrace, __ATOMIC_RELAXED));
	}
	c->switches++;
	stats_bump(&plat_stats()->n[STATS_SWITCHES], 1);
	c->prev = prev;
	__atomic_store_n(&c->current, next, __ATOMIC_RELAXED);
	__atomic_store_n(&c->need_resched, false, __ATOMIC_RELAXED);
	if (next) {
		/* A task that its old CPU is only just leaving: a few
		 * instructions of that CPU away.  No circle of CPUs that wait
		 * so: each picks before it hands its own task on. */
		while (next != prev && __atomic_load_n(&next->se.on_cpu, __ATOMIC_ACQUIRE))
			plat_relax();
		__atomic_store_n(&next->se.cpu, c->id, __ATOMIC_RELAXED);       /* wakers look, with no lock */
		__atomic_store_n(&next->se.on_cpu, 1, __ATOMIC_RELEASE);
		account_switch_in(next, now);
		plat_uctx_arrive(&next->uctx);
	}
	plat_kstack_switch(save, next ? next->se.ksp : c->idle_sp);
	finish_switch();
}

/* The current task leaves its CPU (it is queued, blocked or dead). */
static void schedule(void)
{
	struct cpu *c = cpu_self();
	struct task *next = pick(c);

	if (next == c->current) {
		account_switch_in(next, plat_time_mono_ns());
		__atomic_store_n(&c->need_resched, false, __ATOMIC_RELAXED);
		return;
	}
	switch_to(c, next);
}

void sched_prepare(enum task_state s)
{
	struct task *t = current_task();

	__atomic_store_n(&t->se.state, s, __ATOMIC_SEQ_CST);
}

void sched_finish(void)
{
	struct task *t = current_task();

	if (__atomic_load_n(&t->se.state, __ATOMIC_ACQUIRE) == TASK_RUNNING)
		return;
	/* Under the lock, so that a waker that saw the old state is through. */
	spin_lock(&t->se.wake_lock);
	__atomic_store_n(&t->se.state, TASK_RUNNING, __ATOMIC_SEQ_CST);
	spin_unlock(&t->se.wake_lock);
}

static void block_timeout(struct ktimer *k)
{
	struct task *t = container_of(k, struct task, se.timeout);

	spin_lock(&t->se.wake_lock);
	t->se.timed_out = true;
	spin_unlock(&t->se.wake_lock);
	sched_wake(t, WAKE_NORMAL);
}

static bool interrupted(struct task *t)
{
	switch (__atomic_load_n(&t->se.state, __ATOMIC_RELAXED)) {
	case TASK_INTERRUPTIBLE:
		return signal_pending(t);
	case TASK_KILLABLE:
	case TASK_STOPPED:
	case TASK_TRACED:
		return signal_fatal_pending(t);
	default:
		return false;
	}
}

int sched_block(uint64_t deadline_ns)
{
	struct task *t = current_task();
	bool timer = deadline_ns != NO_DEADLINE, timed_out = false;

	KASSERT(cpu_self()->spin_depth == 0);
	if (interrupted(t)) {
		sched_finish();
		return -EINTR;
	}
	if (timer) {
		if (plat_time_mono_ns() >= deadline_ns) {
			sched_finish();
			return -ETIMEDOUT;
		}
		t->se.timed_out = false;
		ktimer_set(&t->se.timeout, deadline_ns);
	}
	spin_lock(&t->se.wake_lock);
	if (t->se.state == TASK_RUNNING) {
		spin_unlock(&t->se.wake_lock);
	} else {
		t->se.blocked = true;
		spin_unlock(&t->se.wake_lock);
		count_add(&t->se.nvcsw, 1);
		t->se.sleepless = false;
		schedule();
	}
	if (timer) {
		ktimer_cancel(&t->se.timeout);
		timed_out = t->se.timed_out;
	}
	return timed_out ? -ETIMEDOUT : 0;
}

void sched_yield(void)
{
	struct cpu *c = cpu_self();
	struct task *t = c->current;

	if (!may_run_on(t, c->id)) {
		unsigned to = (unsigned)__builtin_ctzll(affinity_of(t));
		struct task *next = pick(c);

		/* on_cpu keeps the new CPU waiting until this stack is left. */
		enqueue(&cpus[to], t, false);
		plat_cpu_kick(to);
		switch_to(c, next);
		return;
	}
	if (!__atomic_load_n(&c->rq_count, __ATOMIC_RELAXED)) {
		account_switch_in(t, plat_time_mono_ns());
		__atomic_store_n(&c->need_resched, false, __ATOMIC_RELAXED);
		return;
	}
	count_add(&t->se.nivcsw, 1);
	enqueue(c, t, false);
	schedule();
}

void sched_yield_soon(void)
{
	struct cpu *c = cpu_self();

	if (__atomic_load_n(&c->rq_count, __ATOMIC_RELAXED))
		__atomic_store_n(&c->need_resched, true, __ATOMIC_RELAXED);
}

/* ---- task life ---- */

static void task_trampoline(void *arg)
{
	struct { void (*fn)(void *); void *arg; } *start = arg;
	void (*fn)(void *) = start->fn;
	void *fn_arg = start->arg;

	finish_switch();
	current_task()->se.start = NULL;
	kfree(start);
	fn(fn_arg);
	kpanic("a task's function returned");
}

int sched_task_init(struct task *t, void (*fn)(void *), void *arg)
{
	struct { void (*fn)(void *); void *arg; } *start = kmalloc(sizeof *start);
	size_t size;
	int err;

	if (!start)
		return -ENOMEM;
	start->fn = fn;
	start->arg = arg;
	err = plat_kstack_new(&t->se.kstack_top, &size);
	if (err) {
		kfree(start);
		return err;
	}
	spin_init(&t->se.wake_lock);
	list_init(&t->se.rq_link);
	ktimer_init(&t->se.timeout, block_timeout);
	t->se.state = TASK_RUNNING;
	t->se.blocked = false;
	t->se.on_cpu = 0;
	t->se.release = NULL;
	t->se.pace_ns = PACE_MAX_NS;
	if (!t->se.affinity)
		t->se.affinity = cpu_total == 64 ? UINT64_MAX : (1ull << cpu_total) - 1;
	t->se.cpu = plat_cpu_self();
	t->se.start = start;
	t->se.ksp = plat_kstack_prepare(t->se.kstack_top, task_trampoline, start);
	return 0;
}

void sched_task_start(struct task *t)
{
	make_runnable(t);
}

void sched_task_free(struct task *t)
{
	if (t->se.kstack_top)
		plat_kstack_free(t->se.kstack_top);
	t->se.kstack_top = NULL;
	kfree(t->se.start);     /* it never ran */
	t->se.start = NULL;
}

__noreturn void sched_exit(void (*release)(struct task *))
{
	struct cpu *c = cpu_self();
	struct task *t = c->current;

	ktimer_cancel(&t->se.timeout);
	spin_lock(&t->se.wake_lock);
	__atomic_store_n(&t->se.state, TASK_DEAD, __ATOMIC_SEQ_CST);
	spin_unlock(&t->se.wake_lock);
	t->se.release = release;
	switch_to(c, pick(c));
	kpanic("a dead task runs");
}

bool sched_cpu_idles(unsigned cpu) { return __atomic_load_n(&idle_mask, __ATOMIC_SEQ_CST) >> cpu & 1; }

void sched_set_affinity(struct task *t, uint64_t mask)
{
	unsigned cpu = __atomic_load_n(&t->se.cpu, __ATOMIC_RELAXED);

	__atomic_store_n(&t->se.affinity, mask, __ATOMIC_RELAXED);
	if (!may_run_on(t, cpu)) {
		struct cpu *c = &cpus[cpu];

		__atomic_store_n(&c->need_resched, true, __ATOMIC_RELAXED);
		plat_cpu_kick(c->id);
	}
}

uint64_t sched_load_runnable(void)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < cpu_total; i++)
		n += __atomic_load_n(&cpus[i].rq_count, __ATOMIC_RELAXED) +
		     (__atomic_load_n(&cpus[i].current, __ATOMIC_RELAXED) != NULL);
	return n;
}

/* ---- the CPU's own loop ---- */

static void take_events(void)
{
	uint64_t ev = plat_events_take();

	if (ev && event_handler)
		event_handler(ev);
}

static unsigned running_cpus(uint64_t idle)
{
	unsigned n = cpu_total;

	for (; idle; idle &= idle - 1)
		n--;
	return n;
}

/* Others wait for this CPU, which goes on with t: does an idle one take them?
 * Returns when to look again. */
static uint64_t share_out(struct cpu *c, struct task *t, uint64_t now)
{
	uint64_t idle = __atomic_load_n(&idle_mask, __ATOMIC_RELAXED);
	/* Who takes one meanwhile makes this late by one call. */
	uint64_t since = MIN(now, __atomic_load_n(&c->rq_since_ns, __ATOMIC_RELAXED));
	bool dense = !__atomic_load_n(&c->loose_count, __ATOMIC_RELAXED) && pace_of(t) < DENSE_NS &&
		     running_cpus(idle) >= dense_limit, packs;

	t->se.sleepless |= dense && now - since >= PACK_NS;
	packs = dense && !t->se.sleepless;
	if (c->packs != packs)
		__atomic_store_n(&c->packs, packs, __ATOMIC_RELAXED);
	if (!idle)
		return t->se.slice_end_ns;
	if (packs)      /* a call that takes longer changes the pace */
		return MIN(now + SPREAD_NS, since + PACK_NS);
	if (now - since < SPREAD_NS)
		return MIN(since + SPREAD_NS, t->se.slice_end_ns);
	kick_idle(UINT64_MAX);
	return t->se.slice_end_ns;
}

uint64_t sched_user_checkpoint(void)
{
	uint64_t now = plat_time_recent_ns(), deadline;
	struct cpu *c;
	struct task *t;
	bool resched;

	take_events();
	timers_run(cpu_self(), now);
	c = cpu_self();
	t = c->current;
	resched = __atomic_load_n(&c->need_resched, __ATOMIC_RELAXED);
	if (resched || (__atomic_load_n(&c->rq_count, __ATOMIC_RELAXED) && now >= t->se.slice_end_ns)) {
		sched_yield();
		c = cpu_self();
		t = c->current;
		now = plat_time_recent_ns();
	}
	deadline = timers_next(c);
	if (__atomic_load_n(&c->rq_count, __ATOMIC_RELAXED))
		deadline = MIN(deadline, share_out(c, t, now));
	account_user(t, now);
	return deadline;
}

static __noreturn void cpu_loop(void)
{
	struct cpu *c = cpu_self();

	for (;;) {
		struct task *next;

		take_events();
		timers_run(c, plat_time_mono_ns());
		next = pick(c);
		if (!next) {
			/* Announce first, look again, then sleep: who queues
			 * after the announcement kicks. */
			__atomic_fetch_or(&idle_mask, 1ull << c->id, __ATOMIC_SEQ_CST);
			next = pick(c);
			if (!next) {
				uint64_t look_again = lockless_idle();

				plat_cpu_idle(MIN(look_again, timers_next(c)));
			}
			__atomic_fetch_and(&idle_mask, ~(1ull << c->id), __ATOMIC_SEQ_CST);
		}
		if (next)
			switch_to(c, next);
	}
}

static void cpu_entry(unsigned id)
{
	KASSERT(id == plat_cpu_self());
	cpu_loop();
}

__noreturn void sched_start(void (*first)(void), unsigned dense_cpus)
{
	cpu_total = MIN(plat_cpu_count(), (unsigned)PLAT_MAX_CPUS);
	dense_limit = dense_cpus ? dense_cpus : cpu_total;
	for (unsigned i = 0; i < cpu_total; i++) {
		struct cpu *c = &cpus[i];

		c->id = i;
		spin_init(&c->rq_lock);
		spin_init(&c->timer_lock);
		list_init(&c->rq);
		if (!c->timers)
			c->timers_due_ns = NO_DEADLINE;
	}
	first();
	for (unsigned i = 1; i < cpu_total; i++)
		if (plat_cpu_start(i, cpu_entry))
			kpanic("CPU %u did not start", i);
	cpu_loop();
}
