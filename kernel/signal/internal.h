/* SPDX-License-Identifier: Apache-2.0 */
/* Shared inside kernel/signal/. */
#ifndef NACRE_KERNEL_SIGNAL_INTERNAL_H
#define NACRE_KERNEL_SIGNAL_INTERNAL_H

#include "kernel/signal/signal.h"
#include "kernel/task/task.h"

#define SIG_STOP_MASK (SIGMASK(SIGSTOP) | SIGMASK(SIGTSTP) | SIGMASK(SIGTTIN) | SIGMASK(SIGTTOU))
#define SIG_IGNORE_MASK (SIGMASK(SIGCONT) | SIGMASK(SIGCHLD) | SIGMASK(SIGWINCH) | SIGMASK(SIGURG))
#define SIG_SYNC_MASK (SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | \
		       SIGMASK(SIGFPE) | SIGMASK(SIGSYS))

static inline bool signo_valid(int signo) { return signo >= 1 && signo <= NSIG; }

/* Permission of current; task_list_lock held. */
bool signal_may_send_locked(struct tgroup *g, int signo);

/* Build the handler's frame on the user stack and point regs at it.  false:
 * the stack is unusable (the caller forces SIGSEGV). */
bool signal_frame_push(struct task *t, int signo, const struct linux_siginfo *info,
		       const struct ksigaction *ka, uint64_t oldmask);

/* Set the flag of t and interrupt it; states: bit mask for sched_wake(). */
void signal_notice(struct task *t, uint32_t states);

/* Shared signals of `mask` that t does not take any more go to other threads.
 * task_list_lock and sighand->lock held. */
void signal_retarget_locked(struct task *t, uint64_t mask);

/* Does a stop of its group hold t, which no tracer let run through it? */
bool signal_stop_holds(struct task *t);
/* The current thread's part in such a stop. */
void signal_stop_here(struct task *t);

#endif
