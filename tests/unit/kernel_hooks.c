/* SPDX-License-Identifier: Apache-2.0 */
/* What the hosted runner does to a running kernel.  Built as kernel code. */
#include "kernel/sched/lockless.h"
#include "kernel/task/task.h"
#include "tests/unit/unit.h"

void unit_kill_all(void)
{
	struct tgroup *g;

	spin_lock(&task_list_lock);
	list_for_each(g, &tgroup_list, all_link)
		if (!tgroup_is_init(g) && !g->zombie)
			tgroup_kill_all_locked(g, 9);
	spin_unlock(&task_list_lock);
}

/* For a report: takes no lock, everything may be in any state. */
__attribute__((no_sanitize("thread"))) void unit_dump_tasks(void (*print)(const char *line))
{
	struct tgroup *g;
	struct task *t;
	char b[240];

	list_for_each(g, &tgroup_list, all_link) {
		ksnprintf(b, sizeof(b), "process %d%s%s\n", g->tgid, g->zombie ? " zombie" : "", g->stopped ? " stopped" : "");
		print(b);
		list_for_each(t, &g->threads, thread_link) {
			const uint64_t *a = t->syscall_args;

			ksnprintf(b, sizeof(b), "  thread %d state %d%s on_cpu %u call %d (%llx, %llx, %llx, %llx, %llx, %llx)%s%s\n",
				  t->tid, (int)t->se.state, t->se.blocked ? " blocked" : "", t->se.on_cpu, t->syscall_nr,
				  (unsigned long long)a[0], (unsigned long long)a[1], (unsigned long long)a[2],
				  (unsigned long long)a[3], (unsigned long long)a[4], (unsigned long long)a[5],
				  t->se.timeout.armed ? " timer" : "", t->sig_pending_flag ? " signal" : "");
			print(b);
		}
	}
}

void unit_lockless(bool begin)
{
	if (begin)
		lockless_begin();
	else
		lockless_end();
}
