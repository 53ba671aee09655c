/* SPDX-License-Identifier: Apache-2.0 */
/* clone(2), clone3(2), fork(2), vfork(2).
 *
 * Phases: check the flags; build a task that nobody can see (everything that
 * can fail happens here); publish it under task_list_lock (cannot fail but
 * for a group that is ending); start it.  A signal that is pending makes the
 * call restart, so that a signal to a process group reaches parent and child
 * or comes before the fork.
 * Trust: all arguments are hostile; structures are read once. */
#include "kernel/net/net.h"
#include "kernel/security/security.h"
#include "kernel/syscall/syscall.h"
#include "kernel/task/internal.h"
#include "kernel/task/ptrace.h"

DECLARE_UPTR(up_pid, int32_t);

#define CLONE_NAMESPACES (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | \
			  CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWCGROUP)
#define RFLAGS_TF 0x100ull
#define CLONE_KNOWN (0xffffff00ull & ~CLONE_NEWTIME)
#define CLONE_INTO_CGROUP 0x200000000ull

static long check_flags(const struct clone_args_k *a)
{
	uint64_t f = a->flags;

	if ((f & (CLONE_NEWNS | CLONE_FS)) == (CLONE_NEWNS | CLONE_FS) ||
	    (f & (CLONE_NEWUSER | CLONE_FS)) == (CLONE_NEWUSER | CLONE_FS))
		return -EINVAL;
	if ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && !(f & CLONE_VM))
		return -EINVAL;
	if ((f & CLONE_CLEAR_SIGHAND) && (f & CLONE_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_PIDFD) && (f & (CLONE_DETACHED | CLONE_THREAD)))
		return -EINVAL;
	if ((f & CLONE_PARENT) && tgroup_is_init(current_task()->tg))
		return -EINVAL;
	/* Namespaces that do not exist here say so the way a kernel does that
	 * was configured without them; the rest need privilege. */
	if (f & (CLONE_NEWUSER | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWCGROUP))
		return (f & CLONE_NEWUSER) || capable(CAP_SYS_ADMIN) ? -EINVAL : -EPERM;
	if ((f & (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWNET)) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (a->exit_signal > NSIG)
		return -EINVAL;
	return 0;
}

static long check_limits(struct task *parent)
{
	uint64_t lim = rlimit_cur(RLIMIT_NPROC);
	uint32_t pids = parent->tg->container->pids_limit;
	unsigned n;

	/* As a cgroup's pids.max: for root too, and threads count. */
	if (task_count() >= TASKS_MAX || (pids && task_count() >= pids))
		return -EAGAIN;
	if (task_count() < lim || parent->cred->uid == 0 ||
	    capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN))
		return 0;
	spin_lock(&task_list_lock);
	n = task_count_uid_locked(parent->cred->uid);
	spin_unlock(&task_list_lock);
	return n >= lim ? -EAGAIN : 0;
}

static int copy_mm(struct task *c, struct task *p, uint64_t f)
{
	if (f & CLONE_VM) {
		c->mm = mm_share(p->mm);
		return 0;
	}
	return mm_fork(p->mm, &c->mm);
}

static int copy_files(struct task *c, struct task *p, uint64_t f)
{
	int err = 0;

	if (f & CLONE_FS)
		c->fs = fs_info_get(p->fs);
	else
		c->fs = fs_info_copy(p->fs);
	if (!c->fs)
		return -ENOMEM;
	if (f & CLONE_FILES)
		c->files = files_share(p->files);
	else
		err = files_copy(p->files, &c->files);
	if (err)
		return err;
	if (f & CLONE_NEWNS)
		err = mntns_copy(p->mntns, &c->mntns, c->fs);
	else
		c->mntns = mntns_get(p->mntns);
	return err;
}

static int copy_sighand(struct task *c, struct task *p, uint64_t f)
{
	if (f & CLONE_SIGHAND) {
		c->sighand = sighand_get(p->sighand);
		return 0;
	}
	c->sighand = sighand_copy(p->sighand);
	if (!c->sighand)
		return -ENOMEM;
	if (f & CLONE_CLEAR_SIGHAND)
		for (int i = 0; i < NSIG; i++)
			if (c->sighand->action[i].handler != SIG_IGN)
				c->sighand->action[i] = (struct ksigaction){ 0 };
	return 0;
}

static int copy_group(struct task *c, struct task *p, const struct clone_args_k *a)
{
	struct tgroup *g, *pg = p->tg;

	if (a->flags & CLONE_THREAD) {
		c->tg = tgroup_get(pg);
		return 0;
	}
	g = tgroup_new();
	if (!g)
		return -ENOMEM;
	c->tg = g;
	g->container = pg->container;
	g->leader = c;
	g->exit_signal = (int32_t)a->exit_signal;
	spin_lock(&pg->lock);
	memcpy(g->rlim, pg->rlim, sizeof(g->rlim));
	g->oom_score_adj = pg->oom_score_adj;
	g->oom_score_adj_least = pg->oom_score_adj_least;
	g->dumpable = __atomic_load_n(&pg->dumpable, __ATOMIC_RELAXED);
	spin_unlock(&pg->lock);
	return 0;
}

static void copy_regs(struct task *c, struct task *p, const struct clone_args_k *a)
{
	plat_uctx_save(&p->uctx);
	c->uctx.regs = p->uctx.regs;
	memcpy(c->uctx.xstate, p->uctx.xstate, plat_xstate_size());
	c->uctx.xstate_live = false;
	c->uctx.regs_changed = true;
	c->uctx.regs.rax = 0;
	c->uctx.regs.rflags &= ~RFLAGS_TF;      /* a tracer that steps the parent */
	if (a->stack)
		c->uctx.regs.rsp = a->stack + a->stack_size;
	if (a->flags & CLONE_SETTLS)
		c->uctx.regs.fs_base = a->tls;
}

/* The first thing a new task does: what was sent to it before it ran. */
static void child_entry(void *unused)
{
	struct task *t = current_task();
	int32_t tid = t->tid;

	if (t->set_child_tid)
		(void)!copy_out((uaddr){ t->set_child_tid }, &tid, sizeof(tid));
	signal_deliver_user(false);
	task_user_loop(unused);
}

/* A task of its own that nobody can see yet. */
static int build(struct task *p, const struct clone_args_k *a, struct task **ret)
{
	uint64_t f = a->flags;
	struct task *c = task_new();
	int err;

	if (!c)
		return -ENOMEM;
	c->cred = cred_get(p->cred);
	memcpy(c->comm, p->comm, sizeof(c->comm));
	c->no_new_privs = p->no_new_privs;
	c->kernel_trace = p->kernel_trace;
	c->personality = p->personality;
	c->mempolicy = p->mempolicy;
	c->timer_slack_ns = __atomic_load_n(&p->timer_slack_ns, __ATOMIC_RELAXED);
	c->sched_policy = p->sched_policy;
	c->ioprio = p->ioprio;
	if ((f & CLONE_VM) && !(f & CLONE_VFORK)) {
		c->rseq_addr = 0;       /* rseq(2): a new thread registers anew */
	} else {
		c->rseq_addr = p->rseq_addr;
		c->rseq_len = p->rseq_len;
		c->rseq_sig = p->rseq_sig;
	}
	if (f & CLONE_CHILD_SETTID)
		c->set_child_tid = a->child_tid;
	if (f & CLONE_CHILD_CLEARTID)
		c->clear_child_tid = a->child_tid;
	seccomp_task_fork(c, p);

	err = copy_group(c, p, a);
	if (err)
		goto fail;
	if (f & CLONE_NEWUTS) {
		c->utsns = utsns_copy(p->utsns);
		if (!c->utsns) {
			err = -ENOMEM;
			goto fail;
		}
	} else {
		c->utsns = p->utsns;
		ref_get(&c->utsns->ref);
	}
	c->netns = f & CLONE_NEWNET ? netns_new() : netns_get(p->netns);
	err = c->netns ? copy_files(c, p, f) : -ENOSPC;
	if (err)
		goto fail;
	err = copy_sighand(c, p, f);
	if (err)
		goto fail;
	signal_init_task(c, p, f);
	c->mask_runs = p->mask_runs;
	if (f & CLONE_VFORK) {
		c->vfork = kzalloc(sizeof(*c->vfork));
		if (!c->vfork) {
			err = -ENOMEM;
			goto fail;
		}
		ref_init(&c->vfork->ref);
		waitq_init(&c->vfork->q);
	}
	err = sched_task_init(c, child_entry, NULL);
	if (err)
		goto fail;
	c->se.affinity = __atomic_load_n(&p->se.affinity, __ATOMIC_RELAXED);
	c->se.nice = p->sched_reset_on_fork ? MAX(task_nice(p), 0) : task_nice(p);
	copy_regs(c, p, a);
	/* Last, because it is the dearest and hardest to undo. */
	err = copy_mm(c, p, f);
	if (err)
		goto fail;
	*ret = c;
	return 0;
fail:
	task_free_unstarted(c);
	return err;
}

/* Into the table.  Fails when the group is ending or in exec (its thread
 * count is final then). */
static int publish(struct task *c, struct task *p, const struct clone_args_k *a)
{
	struct tgroup *g = c->tg, *pg = p->tg;
	bool ending;
	int err;

	spin_lock(&task_list_lock);
	spin_lock(&pg->lock);
	ending = pg->group_exiting || (pg->group_exec && pg->group_exec != p);
	spin_unlock(&pg->lock);
	if (ending)
		err = -ERESTARTNOINTR;
	else if (a->set_tid)
		err = pid_take_locked(c->tid = a->set_tid);
	else
		err = pid_alloc_locked(pg->container->pidns, &c->tid);
	if (err) {
		spin_unlock(&task_list_lock);
		return err;
	}
	if (!(a->flags & CLONE_THREAD)) {
		g->tgid = c->tid;
		g->session = session_get(pg->session);
		g->pgid = pg->pgid;
		if (a->flags & CLONE_PARENT) {
			g->parent = pg->parent;
			g->parent_task = pg->parent->leader;
			g->exit_signal = pg->exit_signal;
		} else {
			g->parent = pg;
			g->parent_task = p;
		}
		tgroup_publish_locked(g);
	}
	task_publish_locked(c);
	ptrace_fork_locked(c, p, a);
	spin_unlock(&task_list_lock);
	return 0;
}

static void vfork_wait(struct task *p, struct completion_vfork *v)
{
	__atomic_store_n(&p->wchan, "vfork", __ATOMIC_RELAXED);
	/* Killable: a dying parent does not wait for its child. */
	(void)WAIT_EVENT(&v->q, TASK_KILLABLE, NO_DEADLINE,
			 __atomic_load_n(&v->done, __ATOMIC_ACQUIRE));
	__atomic_store_n(&p->wchan, NULL, __ATOMIC_RELAXED);
	if (ref_put(&v->ref))
		kfree(v);
}

long task_clone(struct task *p, const struct clone_args_k *a)
{
	struct completion_vfork *vfork;
	struct file *pidfd = NULL;
	struct task *c;
	int32_t tid;
	int fd = -1;
	long err;

	err = check_flags(a);
	if (!err)
		err = check_limits(p);
	if (err)
		return err;
	if (signal_pending(p))
		return -ERESTARTNOINTR;
	err = build(p, a, &c);
	if (err)
		return err;
	if (a->flags & CLONE_PIDFD) {
		err = pidfd_new_file(c->tg, 0, &pidfd);
		if (!err) {
			fd = fd_alloc(0, true);
			err = fd < 0 ? fd : copy_out((uaddr){ a->pidfd }, &fd, sizeof(fd));
		}
		if (err)
			goto fail;
	}
	err = publish(c, p, a);
	if (err)
		goto fail;

	/* From here on the call has happened. */
	tid = c->tid;
	vfork = c->vfork;
	if (vfork)
		ref_get(&vfork->ref);
	if (pidfd)
		fd_install(fd, pidfd);
	/* Before the child runs: it may look there too. */
	if (a->flags & CLONE_PARENT_SETTID)
		(void)!copy_out_now((uaddr){ a->parent_tid }, &tid, sizeof(tid));
	sched_task_start(c);
	if (unlikely(p->ptrace))
		ptrace_report_clone(p, tid, a);
	if (vfork) {
		vfork_wait(p, vfork);
		if (unlikely(p->ptrace))
			ptrace_report_vfork_done(p, tid);
	}
	return tid;
fail:
	if (fd >= 0)
		fd_release_unused(fd);
	if (pidfd)
		file_put(pidfd);
	task_free_unstarted(c);
	return err;
}

SYSCALL0(fork)
{
	struct clone_args_k a = { .exit_signal = SIGCHLD };

	return task_clone(t, &a);
}

SYSCALL0(vfork)
{
	struct clone_args_k a = { .flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD };

	return task_clone(t, &a);
}

SYSCALL5(clone, uint64_t, flags, uint64_t, stack, up_pid, parent_tid, up_pid, child_tid, uint64_t, tls)
{
	struct clone_args_k a = {
		.flags = flags & CLONE_KNOWN, .exit_signal = flags & CSIGNAL,
		.stack = stack, .parent_tid = parent_tid.va, .pidfd = parent_tid.va,
		.child_tid = child_tid.va, .tls = tls,
	};

	if ((flags & CLONE_PIDFD) && (flags & CLONE_PARENT_SETTID))
		return -EINVAL;         /* both results share one argument */
	return task_clone(t, &a);
}

SYSCALL2(clone3, uaddr, uargs, size_t, size)
{
	struct linux_clone_args u = { 0 };
	struct clone_args_k a;
	int32_t set_tid = 0;
	int err;

	if (size > PLAT_PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	err = copy_in_struct(&u, sizeof(u), uargs, size);
	if (err)
		return err;
	if (u.flags & CLONE_INTO_CGROUP)
		return size < CLONE_ARGS_SIZE_VER2 ? -EINVAL : -EBADF;  /* no descriptor is a cgroup's */
	if (u.flags & ~(CLONE_KNOWN | CLONE_CLEAR_SIGHAND) || (u.flags & (CLONE_DETACHED | CSIGNAL)))
		return -EINVAL;
	if ((u.flags & (CLONE_THREAD | CLONE_PARENT)) && u.exit_signal)
		return -EINVAL;
	if (!u.set_tid != !u.set_tid_size || u.set_tid_size > 1)        /* one level of names */
		return -EINVAL;
	if (u.set_tid) {
		err = copy_in(&set_tid, (uaddr){ u.set_tid }, sizeof(set_tid));
		if (err)
			return err;
		if (set_tid < 1 || set_tid >= PID_MAX)
			return -EINVAL;
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
	}
	if ((u.stack == 0) != (u.stack_size == 0))
		return -EINVAL;
	if (u.exit_signal > NSIG)
		return -EINVAL;
	a = (struct clone_args_k){
		.flags = u.flags, .pidfd = u.pidfd, .child_tid = u.child_tid,
		.parent_tid = u.parent_tid, .exit_signal = u.exit_signal, .stack = u.stack,
		.stack_size = u.stack_size, .tls = u.tls, .set_tid = set_tid,
	};
	return task_clone(t, &a);
}

SYSCALL1(set_tid_address, uint64_t, addr)
{
	t->clear_child_tid = addr;
	return t->tid;
}
