/* SPDX-License-Identifier: Apache-2.0 */
/* ride.h: memory calls that the platform makes on the task's way back.
 * Source: ride.c, which says when.  Callers hold mm->lock where a mm is
 * passed; true: the change rides, and the caller changes the areas.  It does
 * not for callers that have not allowed it in their system call. */
#ifndef NACRE_KERNEL_MM_RIDE_H
#define NACRE_KERNEL_MM_RIDE_H

#include "kernel/mm/internal.h"

bool ride_map(struct mm *mm, uint64_t start, uint64_t end, unsigned prot, unsigned plat_flags);
bool ride_unmap(struct mm *mm, struct vma *v, uint64_t start, uint64_t end);
/* The areas of the unmap that rides, if one does: kept until it is over. */
bool ride_keep(struct list *dead);
bool ride_protect(struct mm *mm, const struct vma *v, uint64_t start, uint64_t end, unsigned prot);
bool ride_advise(struct mm *mm, uint64_t start, uint64_t end, int advice);
/* The areas are made what they were, the call's result the error. */
void ride_failed(struct task *t, int err);

/* Between these, one memory call of the current task's system call may ride:
 * the last thing that the call does to its address space. */
static inline void ride_allow(struct task *t) { t->ride.allowed = true; }
static inline void ride_end(struct task *t) { t->ride.allowed = false; }

#endif
