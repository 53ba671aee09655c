/* SPDX-License-Identifier: Apache-2.0 */
/* setns(2) through a pidfd, membarrier(2). */
#include "kernel/net/net.h"
#include "kernel/syscall/syscall.h"
#include "kernel/task/internal.h"

/* ---- setns ---- */

static int join_uts(struct task *t, struct task *o)
{
	struct utsns *old, *ns;

	spin_lock(&task_list_lock);
	ns = o->utsns;
	ref_get(&ns->ref);
	old = t->utsns;
	t->utsns = ns;
	spin_unlock(&task_list_lock);
	utsns_put(old);
	return 0;
}

/* The caller's root and cwd become the root of the other tree. */
static int join_mounts(struct task *t, struct task *o)
{
	struct path root, cwd, old_root, old_cwd;
	struct mntns *ns, *old;
	int err;

	if (ref_read(&t->fs->ref) > 1)
		return -EINVAL;         /* shared with a thread: setns(2) */
	spin_lock(&task_list_lock);
	ns = o->mntns ? mntns_get(o->mntns) : NULL;
	spin_unlock(&task_list_lock);
	if (!ns)
		return -ESRCH;
	err = mount_root_path(ns, &root);
	if (err) {
		mntns_put(ns);
		return err;
	}
	cwd = root;
	path_get(&cwd);
	spin_lock(&task_list_lock);
	old = t->mntns;
	t->mntns = ns;
	spin_unlock(&task_list_lock);
	spin_lock(&t->fs->lock);
	old_root = t->fs->root;
	old_cwd = t->fs->cwd;
	t->fs->root = root;
	t->fs->cwd = cwd;
	spin_unlock(&t->fs->lock);
	path_put(&old_root);
	path_put(&old_cwd);
	mntns_put(old);
	return 0;
}

/* By a file of /proc/PID/ns: networks only; net is consumed. */
static int join_file(uint64_t kind, struct netns *net, uint64_t flags)
{
	int err = (flags && flags != kind) || !net ? -EINVAL : capable(CAP_SYS_ADMIN) ? 0 : -EPERM;

	if (err)
		netns_put(net);
	else
		task_enter_netns(net);
	return err;
}

SYSCALL2(setns, int, fd, uint64_t, flags)
{
	struct file *f = fd_get(fd);
	struct netns *net;
	uint64_t kind;
	struct tgroup *g;
	struct task *o;
	int err = 0;

	if (!f)
		return -EBADF;
	if (proc_ns_file(f, &kind, &net)) {
		file_put(f);
		return join_file(kind, net, flags);
	}
	g = pidfd_group_get(f);
	file_put(f);
	if (!g)
		return -EINVAL;
	if (!flags || (flags & ~(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWNET))) {
		tgroup_put(g);
		return -EINVAL;
	}
	o = task_find_get(g->tgid);
	if (!o || o->tg != g)
		err = -ESRCH;
	else if (!capable(CAP_SYS_ADMIN) || !task_may_access(o) ||
		 ((flags & CLONE_NEWNS) && !capable(CAP_SYS_CHROOT)))
		err = -EPERM;
	if (!err && (flags & CLONE_NEWNS))
		err = join_mounts(t, o);
	if (!err && (flags & CLONE_NEWUTS))
		err = join_uts(t, o);
	if (!err && (flags & CLONE_NEWNET))
		task_enter_netns(task_netns_get(o));
	if (o)
		task_put(o);
	tgroup_put(g);
	return err;
}

/* ---- membarrier ----
 * The caller visits each CPU: what ran there was interrupted, which is the
 * barrier.  Rare enough that no cheaper way is worth a hook. */

#define MB_QUERY 0
#define MB_GLOBAL 1
#define MB_GLOBAL_EXPEDITED 2
#define MB_REGISTER_GLOBAL_EXPEDITED 4
#define MB_PRIVATE_EXPEDITED 8
#define MB_REGISTER_PRIVATE_EXPEDITED 16

static void visit_cpus(struct task *t)
{
	uint64_t mask = __atomic_load_n(&t->se.affinity, __ATOMIC_RELAXED);

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		if (cpu == plat_cpu_self())
			continue;
		sched_set_affinity(t, 1ull << cpu);
		while (plat_cpu_self() != cpu)
			sched_yield();
	}
	sched_set_affinity(t, mask);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

SYSCALL3(membarrier, int, cmd, unsigned, flags, int, cpu)
{
	if (flags)
		return -EINVAL;
	switch (cmd) {
	case MB_QUERY:
		return MB_GLOBAL | MB_GLOBAL_EXPEDITED | MB_REGISTER_GLOBAL_EXPEDITED |
		       MB_PRIVATE_EXPEDITED | MB_REGISTER_PRIVATE_EXPEDITED;
	case MB_REGISTER_GLOBAL_EXPEDITED:
		return 0;
	case MB_REGISTER_PRIVATE_EXPEDITED:
		t->tg->membarrier_registered = true;
		return 0;
	case MB_PRIVATE_EXPEDITED:
		if (!t->tg->membarrier_registered)
			return -EPERM;
		/* fallthrough */
	case MB_GLOBAL:
	case MB_GLOBAL_EXPEDITED:
		visit_cpus(t);
		return 0;
	default:
		return -EINVAL;
	}
}
