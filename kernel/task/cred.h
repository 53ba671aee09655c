/* SPDX-License-Identifier: Apache-2.0 */
/* cred.h: publishing changed credentials, inside kernel/task/. */
#ifndef NACRE_KERNEL_TASK_CRED_H
#define NACRE_KERNEL_TASK_CRED_H

#include "kernel/task/task.h"

void cred_commit(struct task *t, struct cred *new);     /* consumes new */
/* prctl(2): PR_CAPBSET_*, PR_CAP_AMBIENT, PR_*SECUREBITS, PR_*KEEPCAPS. */
long cred_prctl(struct task *t, int op, const uint64_t *a, bool *ret_handled);

#endif
