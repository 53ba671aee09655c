/* SPDX-License-Identifier: Apache-2.0 */
/* ptrace.h: hooks for traced tasks; called only when task->ptrace is set. */
#ifndef NACRE_KERNEL_PTRACE_H
#define NACRE_KERNEL_PTRACE_H

#include <base/types.h>

struct task;

/* At entry of a system call (regs are final afterwards; rax holds -ENOSYS).
 * true: skip the call, regs.rax is the result. */
bool ptrace_syscall_enter(struct task *t);
void ptrace_syscall_exit(struct task *t);

#endif
