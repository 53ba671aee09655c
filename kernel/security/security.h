/* SPDX-License-Identifier: Apache-2.0 */
/* security.h: seccomp inside the sandbox.  Source: kernel/security/. */
#ifndef NACRE_KERNEL_SECURITY_H
#define NACRE_KERNEL_SECURITY_H

#include <base/types.h>

struct task;

/* Before each system call of a task that has filters.  0: go on; otherwise the
 * call is skipped and *ret is its result.  May end the task. */
int seccomp_check(struct task *t, long *ret);

#endif
