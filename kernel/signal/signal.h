/* SPDX-License-Identifier: Apache-2.0 */
/* signal.h: sending, queueing, delivering signals; job-control stops.
 * Lock: sighand->lock guards handlers and every pending set of the tasks that
 * share the sighand; see sched.h for the order.  Source: kernel/signal/. */
#ifndef NACRE_KERNEL_SIGNAL_H
#define NACRE_KERNEL_SIGNAL_H

#include "kernel/sched/sched.h"
#include <linux_abi/signal.h>           /* SIG*, SA_*, struct linux_siginfo, linux_sigaction … */

struct task;
struct tgroup;
struct plat_trap;
struct plat_post;

#define SIGMASK(n) (1ull << ((n) - 1))
#define SIG_UNBLOCKABLE (SIGMASK(SIGKILL) | SIGMASK(SIGSTOP))

struct ksigaction { uint64_t handler, flags, restorer, mask; };

struct sighand {
	struct ref ref;
	struct spinlock lock;
	struct ksigaction action[NSIG];         /* [signo - 1] */
	struct waitq signalfd_wait;             /* signalfd pollers, sigtimedwait */
};
struct sighand *sighand_new(void);
struct sighand *sighand_copy(struct sighand *s);        /* fork */
struct sighand *sighand_get(struct sighand *s);
void sighand_put(struct sighand *s);                     /* NULL is fine */
void sighand_exec_reset(struct sighand *s);             /* handlers to default, ignored stay */

/* In info.pad0 of what is sent: by a timer of timer_create(2), not by somebody who says so. */
#define SIGINFO_TIMER 1
struct sigqueue { struct list link; struct linux_siginfo info; uint32_t uid; bool timer; };
struct sigpending { uint64_t set; struct list queue; };
void sigpending_init(struct sigpending *p);
void sigpending_flush(struct sigpending *p, uint64_t mask);      /* sighand->lock held */

/* Errors a restartable system call returns; never seen by user space. */
#define ERESTARTSYS 512         /* restart if SA_RESTART, else EINTR */
#define ERESTARTNOINTR 513      /* always restart */
#define ERESTARTNOHAND 514      /* restart only if no handler ran */
#define ERESTART_RESTARTBLOCK 516       /* call task->restart.fn by restart_syscall */

/* Send.  info may be NULL (SI_KERNEL).  0 or -EAGAIN (queue limit, real-time
 * signals only).  Take the locks they need: call with none of sighand->lock or
 * below held.  _locked: task_list_lock is held. */
int signal_send_task(struct task *t, int signo, const struct linux_siginfo *info);
int signal_send_group(struct tgroup *g, int signo, const struct linux_siginfo *info);
int signal_send_group_locked(struct tgroup *g, int signo, const struct linux_siginfo *info);
/* … for the thread `first` (NULL: none) if it does not block it; the kernel's. */
int signal_send_group_first_locked(struct tgroup *g, struct task *first, int signo);
int signal_send_pgrp(int32_t pgid, int signo, const struct linux_siginfo *info);   /* -ESRCH */
/* A fault of the current task: cannot be blocked or ignored away. */
void signal_force(int signo, const struct linux_siginfo *info);
void signal_force_fault(const struct plat_trap *trap);
/* Permission of current to signal g: kill(2). */
bool signal_may_send(struct tgroup *g, int signo);

/* Would a sleep in this state end?  (no lock) */
bool signal_pending(struct task *t);
bool signal_fatal_pending(struct task *t);
void signal_recalc(struct task *t);             /* sighand->lock held */
void signal_set_blocked(uint64_t mask);         /* of current; takes the lock */
/* For sigsuspend-like calls: install mask now, restore after delivery. */
void signal_set_temporary_mask(uint64_t mask);

/* ---- maskpost.c: changes of the mask that need no trap ---- */
/* The current task asked for a change by an ordinary call: it may make more by itself. */
void signal_mask_asked(struct task *t);
/* Before a run in user mode, and after it (behind what was posted).  The second tells whether a signal
 * that the program has let through came before the call that it has trapped with. */
void signal_mask_offer(struct task *t);
bool signal_mask_over(struct task *t);
/* Then: as if that call had not been made yet. */
void signal_before_call(struct task *t);
/* A posted call: true if it was one of these. */
bool signal_post_do(struct task *t, const struct plat_post *p);
/* t may have another mask than t->blocked.  t->sighand->lock held: if so it does not leave its next trap behind
 * before that is free again. */
bool signal_mask_doubtful(struct task *t);
/* Something has just been put into g's pending set (or t's, if not NULL): who might let it through by itself
 * traps, and does so no more.  sighand->lock held, task_list_lock if t is NULL. */
void signal_mask_recall(struct tgroup *g, struct task *t);
/* t's mask is what t->blocked says, and its robust list what it has posted.  May sleep. */
void signal_mask_settle(struct task *t);

/* At the return to user mode: deliver, stop or die.  syscall_ret: whether the
 * task comes from a system call whose result is in regs.rax (restart logic).
 * May not return (death). */
void signal_deliver_user(bool from_syscall);
/* A stop of its group is under way: the current thread is counted as stopped (once); the last tells the parent. */
void signal_stop_count(struct task *t);

/* Take one signal of `mask` from the private, then the shared queue.  The
 * signal number or 0.  sighand->lock held. */
int signal_dequeue_locked(struct task *t, uint64_t mask, struct linux_siginfo *ret);
/* The same without the lock, and what taking a timer's signal entails. */
int signal_take(struct task *t, uint64_t mask, struct linux_siginfo *ret);
/* posix_timer.c: info is a timer's and was just taken: completes its count.
 * g->lock held. */
void posix_timer_taken_locked(struct tgroup *g, struct linux_siginfo *info);

/* A call that used signal_set_temporary_mask() ends: put the old mask back
 * now, unless it was interrupted (then signal_deliver_user() does it after the
 * handler's frame was made). */
void signal_restore_mask_unless(bool interrupted);
/* The default action of this signal ends the process. */
bool signal_default_fatal(int signo);

/* The extended state that was to be loaded from a frame on the way back
 * (task->xstate_in) was not as expected: load it now, or SIGSEGV.  And: have it loaded now. */
void signal_xstate_failed(struct task *t);
void signal_xstate_settle(struct task *t);

/* exec and fork hooks.  Agreement with kernel/task: clone.c sets
 * child->sighand (shared or copied) and initialises tg->pending before
 * signal_init_task(), which sets the child's masks, altstack and private
 * pending set; signal_exit_task() flushes the private pending set and passes
 * on shared signals; task->sighand stays valid until the task's memory is
 * freed (task_put drops it), exec.c resets handlers, altstack and
 * restart.  A thread whose private pending set holds SIGKILL calls
 * task_exit_group(SIGKILL): kernel/task sorts out exec and group exit. */
void signal_init_task(struct task *child, struct task *parent, uint64_t clone_flags);
void signal_exit_task(struct task *t);

#endif
