/* SPDX-License-Identifier: Apache-2.0 */
/* ptrace_state.h: shared by kernel/task/ptrace*.c.
 *
 * The state hangs on the tracee; everything in it is guarded by
 * task_list_lock.  It goes away with the link to the tracer: whoever holds no
 * lock reads task->ptrace anew each time. */
#ifndef NACRE_KERNEL_TASK_PTRACE_STATE_H
#define NACRE_KERNEL_TASK_PTRACE_STATE_H

#include "kernel/task/ptrace.h"
#include <linux_abi/ptrace.h>

/* SYSEMU: the tracer does the system calls. */
enum ptrace_mode { PT_CONT, PT_SYSCALL, PT_STEP, PT_SYSEMU, PT_SYSEMU_STEP };

struct ptrace_state {
	struct task *tracer;            /* not counted: its exit drops us */
	struct task *tracee;            /* whose task->ptrace this is; NULL: a thread that ended */
	int32_t dead_tid, dead_status;  /* … and that the tracer has yet to learn of */
	struct list link;               /* tracer->ptracees */
	uint32_t options;
	bool seized;
	enum ptrace_mode mode;          /* how it was resumed */
	bool stopped, reported;
	bool listening;                 /* PTRACE_LISTEN: still asleep, but not to be asked */
	bool step_flag;                 /* we set the trap flag */
	uint32_t code;                  /* signal | event << 8 */
	uint64_t message;
	struct linux_siginfo info;
	bool has_info;
	int32_t inject;                 /* the signal to act on after the stop */
	uint8_t syscall_op;             /* PTRACE_SYSCALL_INFO_ of this stop */
	uint32_t seccomp_data;
};

int __must_check ptrace_attach_locked(struct task *t, struct task *tracer, bool seized, uint32_t options);
void ptrace_want_stop_locked(struct task *t);

#endif
