/* SPDX-License-Identifier: Apache-2.0 */
/* ptrace.h: the hooks of tracing in the life of a task.  Each costs one load
 * while nobody traces.  Source: kernel/task/ptrace*.c. */
#ifndef NACRE_KERNEL_TASK_PTRACE_H
#define NACRE_KERNEL_TASK_PTRACE_H

#include "kernel/task/task.h"

/* At entry of a system call of a traced task (t->ptrace is set; regs are final
 * afterwards; rax holds -ENOSYS).  true: skip the call, regs.rax is the result. */
bool ptrace_syscall_enter(struct task *t);
void ptrace_syscall_exit(struct task *t);

/* task_list_lock held: a new task of a traced one may start traced. */
void ptrace_fork_locked(struct task *child, struct task *parent, const struct clone_args_k *a);
/* The parent reports the new task to its tracer (may stop); later, the end of
 * a vfork child's use of its memory. */
void ptrace_report_clone(struct task *parent, int32_t tid, const struct clone_args_k *a);
void ptrace_report_vfork_done(struct task *parent, int32_t tid);
/* The task is about to end with this wait status (may stop). */
void ptrace_report_exit(struct task *t, int32_t code);
void ptrace_exit(struct task *t, int32_t code);       /* t ends: as tracee and as tracer */
void ptrace_report_exec(struct task *t, int32_t old_tid);
/* task_list_lock held: t (no longer anybody's business) is traced no more. */
void ptrace_drop_locked(struct task *t);
int32_t ptrace_tracer_tid(struct task *t);      /* TracerPid of /proc; 0: none */

/* ---- signals (kernel/signal/deliver.c, current task, t->ptrace was set) ---- */
/* A signal is about to be acted on: the tracer may change it.  The signal to
 * act on, 0 for none. */
int ptrace_signal_stop(struct task *t, int signo, struct linux_siginfo *info);
/* A PTRACE_INTERRUPT or the start of a seized child: true when it stopped. */
bool ptrace_interrupt_stop(struct task *t);
/* The process stops: report it.  false: nobody traces (any more); else t runs on, as the tracer wants. */
bool ptrace_group_stop(struct task *t);
/* task_list_lock, the group's and the sighand's held: SIGCONT is sent to t's process. */
void ptrace_continued_locked(struct task *t);
bool ptrace_suspends_seccomp(struct task *t);   /* PTRACE_O_SUSPEND_SECCOMP */
/* seccomp(2) RET_TRACE: -ENOSYS result when nobody listens.  true: skip. */
bool ptrace_seccomp_stop(struct task *t, uint32_t data, long *ret);

/* ---- wait ---- */
struct wait_req {                       /* kernel/task/wait.c */
	unsigned options;
	int idtype;
	int32_t id;
	struct tgroup *group;           /* P_PIDFD; counted */
	bool nonblock;
	/* results */
	int32_t pid, why, status;
	uint32_t uid;
	struct child_usage usage;
	struct tgroup *reaped;          /* leaves the table after unlocking */
};
/* task_list_lock held: look for a stopped or dead tracee.  found: what the
 * scan of the children says so far (0 or -ECHILD).  Returns 1, 0, -ECHILD. */
int ptrace_wait_locked(struct wait_req *r, int found);
/* task_list_lock held: the parent is the tracer, which sees the stops of tracees only. */
bool ptrace_by_parent(struct tgroup *g);
/* Its tracer, another process than its parent, must see the zombie first. */
bool ptrace_holds_zombie(struct tgroup *g);
/* Tell that tracer about the zombie; g's parent learns it afterwards. */
void ptrace_notify_zombie_locked(struct tgroup *g);

#endif
