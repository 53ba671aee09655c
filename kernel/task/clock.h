/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h: POSIX clocks inside kernel/task/. */
#ifndef NACRE_KERNEL_TASK_CLOCK_H
#define NACRE_KERNEL_TASK_CLOCK_H

#include "kernel/task/task.h"
#include <linux_abi/time.h>

/* Now, in ns.  -EINVAL: no such clock (or its process is gone). */
int __must_check clock_read(int32_t id, uint64_t *ret_ns);
/* The parts of a negative id. */
#define CPUCLOCK_PERTHREAD 4
#define CPUCLOCK_KIND 3
#define CPUCLOCK_OF 7             /* whose: also the threads' bit */
#define CPUCLOCK_OF_FILE 3
#define CPUCLOCK_VIRT 1
bool clock_is_wall(int32_t id);         /* REALTIME and its relatives */
bool clock_is_mono(int32_t id);
bool clock_is_cpu(int32_t id);
/* The monotonic deadline of time ns on a wall or monotonic clock. */
uint64_t clock_deadline(int32_t id, uint64_t ns);
uint64_t tgroup_cpu_ns(struct tgroup *g, bool user_only);       /* takes task_list_lock */

/* CPU clocks are looked at, not slept on: at least so far apart. */
#define CPU_CHECK_MIN_NS 4000000ull

#endif
