/* SPDX-License-Identifier: Apache-2.0 */
/* describe.c: who runs on this CPU, for the report of a crash.
 *
 * Called by the platform when nothing can be relied on any more: reads what
 * lies there, without a lock. */
#include "kernel/lib/lib.h"
#include "kernel/sched/sched.h"
#include "kernel/task/task.h"

void kernel_describe(char *buf, size_t size)
{
	const struct task *t = current_task();

	if (t)
		ksnprintf(buf, size, "%d (%.15s)", t->tid, t->comm);
	else
		ksnprintf(buf, size, "none (idle)");
}
