/* SPDX-License-Identifier: Apache-2.0 */
/* strace.h: decoded system calls on the log stream (nacre --strace). */
#ifndef NACRE_KERNEL_STRACE_H
#define NACRE_KERNEL_STRACE_H

#include "kernel/task/task.h"

/* Around a system call of the current task.  enter captures what the call may
 * change or never return from (execve, exit). */
void strace_enter(struct task *t, uint64_t nr);
void strace_exit(struct task *t, uint64_t nr, long ret, uint64_t took_ns);

#endif
