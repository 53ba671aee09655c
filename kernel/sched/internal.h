/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of kernel/sched/ share. */
#ifndef NACRE_KERNEL_SCHED_INTERNAL_H
#define NACRE_KERNEL_SCHED_INTERNAL_H

#include "kernel/sched/sched.h"

struct cpu *cpu_by_id(unsigned id);
void timers_run(struct cpu *c, uint64_t now);   /* those that are due */
/* The earliest deadline. */
static inline uint64_t timers_next(const struct cpu *c) { return __atomic_load_n(&c->timers_due_ns, __ATOMIC_RELAXED); }

#endif
