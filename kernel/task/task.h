/* SPDX-License-Identifier: Apache-2.0 */
/* task.h: tasks, thread groups, containers, credentials, rlimits, wait.
 *
 * Linux's model: a task is a thread; a thread group is a process.  Objects
 * that clone() may share (mm, files, fs, sighand) are counted objects of their
 * own.  All tasks belong to a container from the first one on.
 *
 * References: task_get/put and tgroup_get/put keep the memory; a task that has
 * exited stays findable until it is reaped.  Fields are grouped under the lock
 * that guards them; "self" = only the task itself writes, others may read
 * where noted.  Source: kernel/task/. */
#ifndef NACRE_KERNEL_TASK_H
#define NACRE_KERNEL_TASK_H

#include "kernel/sched/sched.h"
#include "kernel/signal/signal.h"
#include <linux_abi/resource.h>

struct mm;
struct files;
struct fs_info;
struct mntns;
struct netns;
struct file;
struct tty;
struct seccomp_filter;
struct boot_params;

/* ---- credentials: immutable once published; copy, change, commit ---- */
struct cred {
	struct ref ref;
	uint32_t uid, euid, suid, fsuid;
	uint32_t gid, egid, sgid, fsgid;
	uint64_t cap_permitted, cap_effective, cap_inheritable, cap_bounding, cap_ambient;
	uint32_t securebits;
	uint32_t ngroups;
	uint32_t groups[];
};
struct cred *cred_get(struct cred *c);
void cred_put(struct cred *c);
/* A private copy with room for ngroups groups; NULL without memory. */
struct cred *cred_copy(const struct cred *c, uint32_t ngroups);
bool cred_in_group(const struct cred *c, uint32_t gid);          /* fsgid and groups */
/* The current task's credentials: borrowed, valid for this system call. */
const struct cred *current_cred(void);
bool capable(unsigned cap);             /* CAP_* in the effective set of current */
#define CAP_CHOWN 0
#define CAP_DAC_OVERRIDE 1
#define CAP_DAC_READ_SEARCH 2
#define CAP_FOWNER 3
#define CAP_FSETID 4
#define CAP_KILL 5
#define CAP_SETGID 6
#define CAP_SETUID 7
#define CAP_SETPCAP 8
#define CAP_LINUX_IMMUTABLE 9
#define CAP_NET_BIND_SERVICE 10
#define CAP_NET_ADMIN 12
#define CAP_NET_BROADCAST 11
#define CAP_NET_RAW 13
#define CAP_IPC_LOCK 14
#define CAP_IPC_OWNER 15
#define CAP_SYS_CHROOT 18
#define CAP_SYS_PTRACE 19
#define CAP_SYS_ADMIN 21
#define CAP_SYS_BOOT 22
#define CAP_SYS_NICE 23
#define CAP_SYSLOG 34
#define CAP_SYS_RESOURCE 24
#define CAP_SYS_TIME 25
#define CAP_SYS_TTY_CONFIG 26
#define CAP_MKNOD 27
#define CAP_LEASE 28
#define CAP_SETFCAP 31
#define CAP_LAST 40
#define CAP_FULL_SET ((1ull << (CAP_LAST + 1)) - 1)

/* ---- containers and namespaces ---- */
struct utsns { struct ref ref; struct spinlock lock; char hostname[65], domainname[65]; };
struct pidns { struct ref ref; struct pidns *parent; unsigned level; struct tgroup *init; int32_t next_pid; uint64_t ino; };

struct container {
	struct ref ref;
	uint32_t id;
	struct mntns *mntns;
	struct utsns *utsns;
	struct pidns *pidns;
	uint64_t memory_limit;          /* 0 = none */
	uint64_t oom_kills;
	uint32_t pids_limit;            /* tasks; 0 = none */
	uint64_t hc_epoch;              /* reserved for restore */
};
/* What sysinfo(2) and /proc/meminfo say: the limit (or a round number where
 * there is none) and what the processes have left of it.  May sleep. */
void memory_totals(struct container *c, uint64_t *ret_total, uint64_t *ret_free);
extern struct container *container0;    /* the only one for now */

/* ---- thread groups (processes) ---- */
struct session { struct ref ref; int32_t sid; struct tty *tty; /* task_list_lock */ int32_t tty_pgrp_unused; };

/* Reads and writes, in bytes and calls: /proc/PID/io. */
struct io_count { uint64_t rchar, wchar, syscr, syscw; };
struct child_usage { uint64_t utime_ns, stime_ns, maxrss_kb, minflt, majflt, nvcsw, nivcsw; struct io_count io; };

struct tgroup {
	struct ref ref;
	struct container *container;

	/* task_list_lock */
	int32_t tgid;
	struct task *leader;
	struct list threads;            /* task.thread_link */
	unsigned thread_count;          /* live ones */
	bool mask_leave;                /* atomic: a thread has changed its signal mask by itself, or may have */
	struct tgroup *parent;          /* NULL for init */
	struct task *parent_task;       /* for __WNOTHREAD; may be NULL */
	struct list children;           /* tgroup.sibling */
	struct list sibling;
	struct session *session;
	int32_t pgid;
	struct list all_link;           /* every process of the system, by age */
	bool zombie;                    /* every thread is gone; waits to be reaped */
	bool is_subreaper;
	bool execed;                    /* since fork: setpgid() by the parent is EACCES */
	int32_t exit_signal;            /* to the parent; 0 = none, -1 threads */

	struct spinlock lock;           /* the rest */
	bool group_exiting;             /* exit_group or a fatal signal: exit_code is final */
	int32_t exit_code;              /* wait status */
	struct task *group_exec;        /* the thread that is in execve */
	struct sigpending pending;      /* shared; sighand->lock */
	int32_t stop_signal;            /* job control; 0 = not stopped */
	unsigned stop_pending;          /* threads that have yet to stop */
	bool stopped, stop_reported;    /* wait4 WUNTRACED */
	uint32_t stop_gen;              /* one more for every stop (kernel/signal) */
	bool cont_notify;               /* the first thread to go on tells the parent */
	bool continued;                 /* wait4 WCONTINUED */
	struct linux_rlimit64 rlim[RLIM_NLIMITS];
	struct child_usage cusage;      /* reaped children */
	struct child_usage dead_threads;
	uint64_t start_ns;              /* monotonic */
	uint64_t start_order;
	struct itimer { struct ktimer t; uint64_t interval_ns; struct tgroup *tg; } real_timer;
	uint64_t itimer_virt_ns[2], itimer_prof_ns[2];   /* value, interval; CPU time */
	struct ktimer cpu_timer;        /* looks at those and RLIMIT_CPU */
	uint64_t cpu_warned_ns;         /* next SIGXCPU at this CPU time */
	struct list posix_timers;
	int32_t next_timer_id;
	int32_t oom_score_adj, oom_score_adj_least;
	bool dumpable;                  /* atomic */
	bool no_setpgid;
	uint32_t membarriers;           /* MB_REGISTER_: which it may ask for; atomic */
	uint64_t limit_kill;            /* why it was killed: memory limit */

	struct waitq child_wait;        /* wait4 sleepers of this process */
	struct waitq exit_wait;         /* pidfd pollers, de_thread */
};

/* ---- tasks (threads) ---- */
struct task {
	struct sched_entity se;         /* kernel/sched */
	struct ref ref;
	struct plat_uctx uctx;          /* self */

	/* constant after creation */
	int32_t tid;
	struct tgroup *tg;
	struct list thread_link;        /* task_list_lock: tg->threads */
	struct list hash_link;          /* task_list_lock: by tid */

	/* self writes; others take task_list_lock or a reference through the
	 * *_get_task() helpers */
	struct mm *mm;                  /* NULL after exit_mm */
	struct files *files;
	struct fs_info *fs;
	struct mntns *mntns;
	struct utsns *utsns;
	struct netns *netns;            /* kernel/net/net.h */
	struct sighand *sighand;
	struct cred *cred;

	/* signals: kernel/signal */
	struct sigpending pending;      /* sighand->lock */
	uint64_t blocked;               /* self writes under sighand->lock */
	uint64_t saved_sigmask;         /* sigsuspend, ppoll: restored after delivery */
	bool restore_sigmask;
	uint32_t sig_pending_flag;      /* recalculated under sighand->lock; read freely */
	uint32_t mask_runs;             /* kernel/signal/maskpost.c: self: so many more runs in which it may change the mask itself */
	bool mask_posted;               /* self: it has, in the last one */
	uint32_t mask_own, mask_doubt;  /* atomic: such a run is under way; somebody has found it so */
	struct linux_sigaltstack_k { uint64_t sp, size; uint32_t flags; } altstack;
	struct { bool same; uint64_t wakes, shared_wakes; } futex_look; /* its own: kernel/mm/futex.c */
	struct restart { long (*fn)(struct task *t); uint64_t a[6]; } restart;  /* restart_syscall(2) */

	/* self */
	char comm[16];                  /* tg->lock to write */
	uint64_t set_child_tid, clear_child_tid;        /* user addresses */
	uint64_t robust_list;           /* user address of the head */
	uint64_t rseq_addr;
	uint32_t rseq_len, rseq_sig;
	struct completion_vfork *vfork; /* the parent that waits for our exec or exit */
	bool no_new_privs;
	bool in_exec, exiting;
	bool kernel_trace;              /* --strace */
	uint32_t pdeath_signal;
	uint32_t personality;
	uint32_t sched_policy;          /* SCHED_OTHER, BATCH, IDLE: remembered only */
	uint32_t ioprio;                /* as given, 0: none; shown only; atomic */
	uint64_t timer_slack_ns;        /* atomic */
	uint32_t mempolicy;             /* kernel/mm/mempolicy.c; its own */
#define TIMER_SLACK_NS 50000
	bool sched_reset_on_fork;
	uint64_t minflt, majflt;
	struct io_count io;             /* self writes; others read freely */
	int32_t syscall_nr;             /* being served; -1 outside; atomic, as the arguments */
	uint64_t syscall_args[6];
	struct seccomp_filter *seccomp;
	uint32_t seccomp_mode;
	/* self: calls outside these addresses go by the byte at selector (kernel/syscall/user_dispatch.c) */
	struct user_dispatch { bool on; uint64_t start, size, selector; } user_dispatch;
	const struct cred *answers_cred;        /* self: what uctx.answers was made of */
	int32_t post_credit;            /* self: what offers to post have brought (kernel/ipc/epoll_post.c) */
	bool posts;                     /* atomic: was offered to */
	struct task_grants *grants;             /* self: reads answered in advance (kernel/ipc/grant.h) */
	bool grants_due, granted;               /* self: there are wishes; grants */
	int32_t closes_in_vain;         /* self: offers to close that brought nothing (kernel/vfs/closepost.c) */
	bool asks_flags;                /* self: has asked for F_GETFL of a file that it may close by posting */
	/* self: the memory call that rides on the next run (kernel/mm/ride.c) */
	struct mem_ride {
		enum mem_ride_kind { RIDE_NONE, RIDE_MAP, RIDE_UNMAP, RIDE_PROTECT, RIDE_ADVISE } kind;
		bool allowed;
		uint32_t flags;                 /* PROTECT: of the area, before */
		uint64_t start, end;
		uint64_t brk;                   /* before, of brk(2); else 0 */
		struct list gone;               /* UNMAP: areas */
	} ride;
	/* self: private memory that can be written (kernel/mm/usercopy.c) */
	struct rider_area { const struct mm *mm; uint64_t changes, start, end; } rider_area;
	/* self: extended state that is loaded from a signal's frame on the way back, and what
	 * the alternate stack was before (kernel/signal/frame.c); at 0: none */
	struct { uint64_t at; struct linux_sigaltstack_k altstack; } xstate_in;
	struct ptrace_state *ptrace;    /* NULL: nobody traces; task_list_lock to write */
	struct list ptracees;           /* whom it traces; task_list_lock */
	int32_t ptrace_detach_signal;   /* goes on with this when the tracer let go; task_list_lock */
	bool ptrace_interrupt;          /* a stop is wanted; with sig_pending_flag */
	/* of job control's stops (tgroup->stop_gen): the last that counted it as stopped (tgroup->lock), and
	 * one that its tracer let it run through (itself, task_list_lock; anybody reads) */
	uint32_t stop_counted, stop_through;
	uint64_t cpu_asked_ns;          /* CPU time at its last signal about that (itimer.c); task_list_lock */
	bool ptrace_exit_stop;          /* its own; stopped at its end: only SIGKILL counts, not that the group ends */
	struct { uint64_t err, trapno, cr2; } last_trap;        /* for the next sigcontext (kernel/signal) */
	const char *wchan;              /* what it sleeps on, for /proc */
};

/* The kernel's own pid 1: reaps orphans, no signal reaches it. */
static inline bool tgroup_is_init(const struct tgroup *g)
{
	return g->container->pidns->init == g;
}
static inline int task_nice(const struct task *t) { return __atomic_load_n(&t->se.nice, __ATOMIC_RELAXED); }
static inline void task_set_nice(struct task *t, int nice) { __atomic_store_n(&t->se.nice, nice, __ATOMIC_RELAXED); }
/* Without the lock: may change at once. */
static inline bool task_traced(const struct task *t) { return __atomic_load_n(&t->ptrace, __ATOMIC_RELAXED) != NULL; }
static inline bool task_is_leader(const struct task *t) { return t->tg->leader == t; }

extern struct spinlock task_list_lock;
extern struct list tgroup_list;         /* tgroup.all_link, task_list_lock */

/* CPU time and counts of a process so far, added to u; task_list_lock held
 * (kernel/task/usage.c; wanted by proc). */
void tgroup_usage_locked(struct tgroup *g, struct child_usage *u);
void usage_add(struct child_usage *to, const struct child_usage *from);

/* The calling task runs on each CPU: what ran there has been in the kernel since.  Sleeps. */
void task_visit_cpus(struct task *t);
struct task *task_get(struct task *t);
void task_put(struct task *t);
struct tgroup *tgroup_get(struct tgroup *g);
void tgroup_put(struct tgroup *g);
/* With a reference, or NULL. */
struct task *task_find_get(int32_t tid);
struct tgroup *tgroup_find_get(int32_t tgid);
/* A pidfd's file, with no descriptor yet (pidfd.c). */
int __must_check pidfd_new_file(struct tgroup *g, uint32_t flags, struct file **ret);
struct task *task_find_locked(int32_t tid);     /* task_list_lock held; no reference */
/* The resources of another task, with a reference, NULL when it has exited. */
struct mm *task_get_mm(struct task *t);
struct files *task_get_files(struct task *t);
struct fs_info *task_get_fs(struct task *t);
struct cred *task_get_cred(struct task *t);
/* May current look into t (proc, process_vm_readv, ptrace)? */
bool task_may_access(struct task *t);

/* Call fn for every process in a group (0: none); task_list_lock is held. */
void pgrp_for_each(int32_t pgid, void (*fn)(struct tgroup *g, void *arg), void *arg);
bool pgrp_is_orphaned(int32_t pgid);    /* takes task_list_lock */

uint64_t rlimit_cur(unsigned res);      /* of current; RLIM_INFINITY = UINT64_MAX */

/* ---- life ---- */
struct clone_args_k {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	uint64_t cgroup;
	int32_t set_tid;                /* 0: any number */
};
long task_clone(struct task *parent, const struct clone_args_k *a);
/* The calling thread ends; when last in its group the process becomes a
 * zombie. */
__noreturn void task_exit(int32_t code);
/* Mark the whole group as ending with this wait status and wake everyone:
 * every live thread gets SIGKILL into its private pending set.  No effect on
 * the init process.  No lock held; the _locked form: task_list_lock only. */
void tgroup_kill_all(struct tgroup *g, int32_t exit_code);
void tgroup_kill_all_locked(struct tgroup *g, int32_t exit_code);
/* Make t look at its signals soon: end its sleep if its state is in `states`,
 * or interrupt user mode. */
void task_wake_signal(struct task *t, uint32_t states);
__noreturn void task_exit_group(int32_t code);
/* Tell the parent: SIGCHLD and wake wait4.  why: CLD_*.  No lock held. */
void tgroup_notify_parent(struct tgroup *g, int why, int status);
void tgroup_notify_locked(struct tgroup *g, int why, int status);       /* task_list_lock held */

/* execve: argv/envp already copied (kernel/task/exec.h). */
struct exec_args;
int __must_check task_exec(struct task *t, struct exec_args *args);

/* Host events: pass signo on to the first program (its terminal's foreground
 * group belongs to the tty).  SIGTERM for HC_EVENT_TERM. */
void task_init_forward_signal(int signo);

/* Boot: the first process from boot_params; runs the init role (pid 1 reaps
 * orphans in the kernel, the user's program is pid 2 or, when it asks, 1). */
void task_init_boot(const struct boot_params *bp);

/* The main loop of every task in user mode (kernel/syscall/entry.c). */
__noreturn void task_user_loop(void *unused);

#endif
