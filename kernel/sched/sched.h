/* SPDX-License-Identifier: Apache-2.0 */
/* sched.h: locks, wait queues, run queues, timers.
 *
 * N CPUs run kernel code in parallel; the kernel is not preemptible: a task
 * leaves its CPU only in sched_block(), sched_yield() or at the return to user
 * mode.  Interrupt-like work (timers, host events, kicks) is taken when idle
 * and between traps, never in the middle of kernel code: a lock needs no
 * "interrupts off".
 *
 * LOCK ORDER (outer first).  Take downwards only.
 *   mutexes (may sleep):  file->pos_lock > vfs rename > inode->lock (parent before child)
 *                         > mm->lock > tty/pipe/socket object mutexes
 *   spinlocks:            task_list_lock > tgroup->lock > sighand->lock
 *                         > files->lock, fs->lock > object spinlocks
 *                         > waitq->lock > task->wake_lock > cpu->rq_lock > timer base > heap
 * No user copy, no host call, no allocation that can fail late, no sleeping
 * under a spinlock (checked: cpu->spin_depth).
 *
 * Source: kernel/sched/. */
#ifndef NACRE_KERNEL_SCHED_H
#define NACRE_KERNEL_SCHED_H

#include "kernel/lib/lib.h"

struct task;

/* ---- spinlocks (adaptive: spin shortly, then sleep the CPU thread) ---- */
struct spinlock { uint32_t word; };
#define SPINLOCK_INIT { 0 }
static inline void spin_init(struct spinlock *l) { l->word = 0; }
void spin_lock(struct spinlock *l);
bool spin_trylock(struct spinlock *l);
void spin_unlock(struct spinlock *l);

/* ---- wait queues ----
 * A waiter is on the sleeper's stack (or in a poll table).  The pattern:
 *
 *	struct waiter w;
 *	waiter_init(&w);
 *	waitq_add(&q, &w);
 *	for (;;) {
 *		sched_prepare(TASK_INTERRUPTIBLE);   // before the test: no lost wake-up
 *		if (condition) break;
 *		err = sched_block(deadline_ns);      // 0 woken, -EINTR signal, -ETIMEDOUT
 *		if (err) break;
 *	}
 *	sched_finish();
 *	waitq_del(&w);
 *
 * or WAIT_EVENT() below, which is exactly that. */
struct waitq {
	struct spinlock lock;
	uint32_t count;                 /* lock to change it: of waiters */
	struct list waiters;
};
#define WAITQ_INIT(q) { SPINLOCK_INIT, 0, LIST_INIT((q).waiters) }

struct waiter {
	struct list link;               /* q->lock */
	struct waitq *q;
	struct task *task;              /* woken when fn is NULL */
	bool exclusive;                 /* waitq_wake() stops after n of these */
	/* Called under q->lock in place of the plain wake-up (epoll).  key is
	 * the waker's event mask (POLL*), 0 = any.  Returns true when it
	 * consumed the wake-up (counts against n). */
	bool (*fn)(struct waiter *w, uint32_t key);
};

void waitq_init(struct waitq *q);
void waiter_init(struct waiter *w);             /* for the current task */
void waitq_add(struct waitq *q, struct waiter *w);
void waitq_del(struct waiter *w);               /* harmless when not queued */
/* Wake all non-exclusive and up to n exclusive waiters; n = 0: all.  Returns
 * how many were woken. */
unsigned waitq_wake(struct waitq *q, unsigned n, uint32_t key);
static inline void waitq_wake_all(struct waitq *q, uint32_t key) { waitq_wake(q, 0, key); }
/* Nobody waits: for a waker whose last change was made under the lock under
 * which every waiter, being in the queue, looks at the state. */
static inline bool waitq_idle(const struct waitq *q) { return !__atomic_load_n(&q->count, __ATOMIC_ACQUIRE); }

enum task_state {
	TASK_RUNNING,           /* on a CPU or a run queue */
	TASK_INTERRUPTIBLE,     /* woken by waitq, deadline, any deliverable signal */
	TASK_UNINTERRUPTIBLE,   /* waitq and deadline only; short waits */
	TASK_KILLABLE,          /* waitq, deadline, fatal signals */
	TASK_STOPPED,           /* job control; SIGCONT or SIGKILL */
	TASK_TRACED,
	TASK_DEAD,
};

void sched_prepare(enum task_state s);
/* Sleep until woken.  0, -EINTR (a signal is pending that this state yields
 * to; returned at once if it already is), -ETIMEDOUT at deadline_ns
 * (monotonic; NO_DEADLINE). */
int __must_check sched_block(uint64_t deadline_ns);
void sched_finish(void);                /* back to TASK_RUNNING */
/* Make t runnable if its state is in `states` (bit mask 1u << state).  True
 * when it was asleep. */
bool sched_wake(struct task *t, uint32_t states);
#define WAKE_NORMAL ((1u << TASK_INTERRUPTIBLE) | (1u << TASK_UNINTERRUPTIBLE) | (1u << TASK_KILLABLE))

/* Sleep until cond; yields 0, -EINTR or -ETIMEDOUT.  cond is evaluated with
 * no lock of ours held; it may take spinlocks. */
#define WAIT_EVENT(q, state, deadline, cond) ({                             \
	struct waiter w_;                                                   \
	int err_ = 0;                                                       \
	waiter_init(&w_);                                                   \
	waitq_add((q), &w_);                                                \
	for (;;) {                                                          \
		sched_prepare(state);                                       \
		if (cond) { err_ = 0; break; }                              \
		if (err_) break;                                            \
		err_ = sched_block(deadline);                               \
	}                                                                   \
	sched_finish();                                                     \
	waitq_del(&w_);                                                     \
	err_; })
#define wait_event(q, cond) \
	((void)WAIT_EVENT(q, TASK_UNINTERRUPTIBLE, NO_DEADLINE, cond))
#define wait_event_interruptible(q, cond) \
	WAIT_EVENT(q, TASK_INTERRUPTIBLE, NO_DEADLINE, cond)

/* ---- sleeping mutex ---- */
struct mutex { uint32_t word; struct task *owner; struct waitq q; };
void mutex_init(struct mutex *m);
void mutex_lock(struct mutex *m);
bool mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m);

/* ---- timers ----
 * fn runs on the timer's CPU between traps or from idle, with no lock held; it
 * must not sleep.  It may re-arm its own timer. */
struct ktimer {
	void (*fn)(struct ktimer *t);
	/* timer base lock of `cpu` */
	uint64_t deadline_ns;
	unsigned cpu;
	bool armed;
	struct ktimer *child, *sibling, *prev;  /* pairing heap */
};
void ktimer_init(struct ktimer *t, void (*fn)(struct ktimer *));
void ktimer_set(struct ktimer *t, uint64_t deadline_ns);        /* (re)arm */
bool ktimer_cancel(struct ktimer *t);   /* true: was armed; fn is not running on return
					 * unless called from fn itself */

/* ---- CPUs and switching ---- */
struct sched_entity {                   /* inside struct task */
	enum task_state state;          /* self writes with sequential order; wake_lock */
	bool blocked;                   /* wake_lock: committed to sleep, not queued */
	bool timed_out;                 /* wake_lock */
	struct spinlock wake_lock;
	struct list rq_link;            /* cpu->rq_lock */
	void *ksp;                      /* saved kernel stack pointer */
	void *kstack_top;
	void *start;                    /* what it runs, until it does */
	unsigned cpu;                   /* where it runs or ran last */
	uint32_t on_cpu;                /* 1 from being picked until switched away from */
	uint64_t affinity;              /* bit per CPU, at least one bit valid */
	int nice;                       /* atomic */
	uint64_t slice_end_ns;
	uint64_t run_ns, user_ns, sys_ns, last_ns;   /* CPU time; written by its CPU */
	uint64_t nvcsw, nivcsw;
	uint64_t queued_ns;             /* since when it waits on a run queue */
	bool loose;                     /* rq_lock, while queued: its calls do not come densely */
	bool sleepless;                 /* its CPU's: since it last slept it has kept others waiting for long */
	uint32_t pace_ns, sys_part_ns;  /* its CPU's: from call to call of late; the kernel's part of the last */
	struct ktimer timeout;
	void (*release)(struct task *); /* set by sched_exit */
};

struct cpu {
	unsigned id;
	struct task *current;
	uint32_t spin_depth;
	bool need_resched;              /* any CPU sets it, then kicks */

	/* private to kernel/sched/ */
	struct spinlock rq_lock;
	struct list rq;                 /* rq_lock: sched_entity.rq_link, first runs next */
	unsigned rq_count;              /* rq_lock; read freely as a hint */
	unsigned loose_count;           /* the same */
	uint64_t rq_since_ns;           /* the same: since when the first waits */
	bool packs;                     /* atomic: what is queued here is better off waiting for this CPU */
	void *idle_sp;                  /* the CPU's own stack, while a task runs */
	struct task *prev;              /* whom we just switched away from */
	struct spinlock timer_lock;
	struct ktimer *timers;          /* timer_lock: the earliest */
	uint64_t timers_due_ns;         /* timer_lock to change: its deadline */
	struct ktimer *timer_running;   /* timer_lock; read by the CPU itself without */
	uint64_t switches;
} __aligned(64);
struct cpu *cpu_self(void);
unsigned cpu_count(void);
struct task *current_task(void);        /* NULL on an idle CPU */
/* For assertions, where a sleep is rare: no spinlock is held and no timer's function runs. */
bool sched_may_sleep(void);
/* When the current task entered the kernel or last got its CPU (monotonic):
 * "now" to within the work of this call, without a clock. */
uint64_t sched_entered_ns(void);

/* A new task becomes runnable for the first time at fn(arg) on its own kernel
 * stack (sched_task_init made it).  fn does not return. */
int __must_check sched_task_init(struct task *t, void (*fn)(void *), void *arg);
void sched_task_start(struct task *t);
/* The current task is over: switches away for good; `release` is called for
 * it on another stack afterwards (frees the kernel stack, drops the last
 * reference). */
__noreturn void sched_exit(void (*release)(struct task *t));
void sched_task_free(struct task *t);   /* kernel stack */

void sched_yield(void);                 /* to the end of its queue */
void sched_yield_soon(void);            /* the same on the current task's way to user mode */
/* At each return to user mode: takes timers and host events that are due,
 * switches when need_resched, accounts the kernel's time.  Returns the deadline
 * for plat_user_run(). */
uint64_t sched_user_checkpoint(void);
void sched_user_ended(struct task *t);  /* back from user mode */
void sched_set_affinity(struct task *t, uint64_t mask);
/* No task runs on that CPU; one that will sees all that was stored before, with a full barrier after it. */
bool sched_cpu_idles(unsigned cpu);
void sched_account(struct task *t);     /* the kernel's time up to now */
uint64_t sched_load_runnable(void);     /* tasks running or queued now */

/* CPU 0 has called this from kernel_main(); first() is run as the first task's
 * set-up on CPU 0, then every CPU schedules for ever. */
__noreturn void sched_start(void (*first)(void), unsigned dense_cpus);

/* Host events (HC_EVENT_): the handler runs as timers do.  One for the kernel:
 * kernel/task/boot.c sets it and hands events on. */
void sched_set_event_handler(void (*fn)(uint64_t events));

#endif
