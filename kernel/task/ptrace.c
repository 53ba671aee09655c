/* SPDX-License-Identifier: Apache-2.0 */
/* The hooks of ptrace(2).  Nobody can be traced yet: the system call answers
 * ENOSYS, so that task->ptrace stays NULL and nothing here has work. */
#include "kernel/task/internal.h"
#include "kernel/task/ptrace.h"

bool ptrace_syscall_enter(struct task *t) { return false; }
void ptrace_syscall_exit(struct task *t) { }
void ptrace_fork_locked(struct task *child, struct task *parent, uint64_t clone_flags) { }
void ptrace_report_clone(struct task *parent, struct task *child, uint64_t clone_flags) { }
void ptrace_report_exit(struct task *t, int32_t code) { }
void ptrace_report_exec(struct task *t, int32_t old_tid) { }
void ptrace_exit(struct task *t) { }
int ptrace_wait_locked(struct wait_req *r, int found) { return found; }
bool ptrace_holds_zombie(struct tgroup *g) { return false; }
