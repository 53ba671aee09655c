/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h: what the files of kernel/task/ share and nobody else uses. */
#ifndef NACRE_KERNEL_TASK_INTERNAL_H
#define NACRE_KERNEL_TASK_INTERNAL_H

#include "kernel/mm/mm.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"
#include <linux_abi/errno.h>
#include <linux_abi/sched.h>
#include <linux_abi/wait.h>

#define PID_MAX 4194304
#define PID_RESERVED 300                /* after a wrap the low pids stay unused */
#define TASKS_MAX 32000u                /* kernel stacks are not free */
#define USER_HZ 100

/* What a vfork parent sleeps on.  Counted: either side may go first. */
struct completion_vfork {
	struct ref ref;
	uint32_t done;
	struct waitq q;
};

/* ---- table.c: the pid hash, lists of groups, lifetime of the structs ---- */
void task_table_init(void);
struct task *task_new(void);                    /* xstate included; NULL without memory */
void task_free_unstarted(struct task *t);       /* one that was never published */
struct tgroup *tgroup_new(void);
int pid_alloc_locked(struct pidns *ns, int32_t *ret);
int pid_take_locked(int32_t pid);       /* this one: -EEXIST, -EINVAL */
void task_publish_locked(struct task *t);       /* into hash and its group's list */
void tgroup_publish_locked(struct tgroup *g);
void task_unhash_locked(struct task *t);
void task_rehash_locked(struct task *t, int32_t tid);
unsigned task_count(void);
unsigned task_count_uid_locked(uint32_t uid);
struct session *session_new(int32_t sid);
struct session *session_get(struct session *s);
void session_put(struct session *s);
struct utsns *utsns_copy(struct utsns *from);
void utsns_put(struct utsns *ns);
void container_init(const struct boot_params *bp);

/* ---- exit.c ---- */
void task_vfork_done(struct task *t);
void task_kill_thread(struct task *t);          /* task_list_lock: SIGKILL for one thread */
/* task_list_lock held, g is a zombie: out of every list.  The caller drops
 * the table's references with tgroup_reaped() after unlocking. */
void tgroup_reap_locked(struct tgroup *g);
void tgroup_reaped(struct tgroup *g);
bool tgroup_zombie_locked(struct tgroup *g);    /* true: call tgroup_reaped() */

/* ---- sessions.c ---- */
bool pgrp_orphaned_locked(int32_t pgid, const struct tgroup *ignore);
bool pgrp_has_stopped_locked(int32_t pgid);
/* Calls fn with task_list_lock held for each task that PRIO_PROCESS, PRIO_PGRP or
 * PRIO_USER and who name; who 0: t's own.  -EINVAL: another `which`. */
int __must_check task_for_each_of(struct task *t, int which, int who, void (*fn)(struct task *o, void *arg), void *arg);

/* ---- usage.c ---- */
void task_usage(struct task *t, struct child_usage *u);         /* adds */
void tgroup_usage_locked(struct tgroup *g, struct child_usage *u);      /* task_list_lock; adds */
/* t leaves the address space: what was resident counts for its process.  May sleep. */
void tgroup_left_mm(struct task *t, struct mm *mm);
void usage_to_linux(const struct child_usage *u, struct linux_rusage *ret);

/* ---- timers: itimer.c, posix_timer.c ---- */
void itimer_init(struct tgroup *g);
void itimer_exit(struct tgroup *g);             /* no lock held */
void cpu_timer_start(struct tgroup *g);         /* RLIMIT_CPU was set */
void posix_timers_delete_all(struct tgroup *g);

/* ---- pidfd.c ---- */
struct tgroup *pidfd_group_get(struct file *f); /* NULL: not a pidfd */
/* Of an open /proc/PID/ns file: its CLONE_NEW flag and the object, borrowed,
 * NULL when there is only one.  kernel/fs/proc. */
bool proc_ns_of(struct file *f, uint64_t *ret_flag, void **ret_object);
int proc_dir_group_get(struct file *f, struct tgroup **ret);    /* kernel/fs/proc/proc.h */

/* ---- boot.c ---- */
struct tgroup *task_first_program(void);        /* its end ends the sandbox */

#endif
