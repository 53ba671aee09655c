/* SPDX-License-Identifier: Apache-2.0 */
/* setns(2), membarrier(2). */
#include "kernel/net/net.h"
#include "kernel/syscall/syscall.h"
#include "kernel/task/internal.h"

/* ---- setns ---- */

/* Each takes a reference of its own. */
static int join_uts(struct task *t, struct utsns *ns)
{
	struct utsns *old;

	ref_get(&ns->ref);
	spin_lock(&task_list_lock);
	old = t->utsns;
	t->utsns = ns;
	spin_unlock(&task_list_lock);
	utsns_put(old);
	return 0;
}

/* The caller's root and cwd become the root of the other tree. */
static int join_mounts(struct task *t, struct mntns *ns)
{
	struct path root, cwd, old_root, old_cwd;
	struct mntns *old;
	int err;

	if (ref_read(&t->fs->ref) > 1)
		return -EINVAL;         /* shared with a thread: setns(2) */
	err = mount_root_path(ns, &root);
	if (err)
		return err;
	mntns_get(ns);
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

static int may_join(uint64_t flags)
{
	return !capable(CAP_SYS_ADMIN) || ((flags & CLONE_NEWNS) && !capable(CAP_SYS_CHROOT)) ? -EPERM : 0;
}

/* By a file of /proc/PID/ns. */
static int join_file(struct task *t, uint64_t flag, void *object, uint64_t want)
{
	int err;

	if (want && want != flag)
		return -EINVAL;
	if (flag == CLONE_NEWUSER)
		return -EINVAL;         /* one is in it already */
	err = may_join(flag);
	if (err || !object)             /* there is only one of its kind */
		return err;
	if (flag == CLONE_NEWNET)
		task_enter_netns(netns_get(object));
	return flag == CLONE_NEWNS ? join_mounts(t, object) : flag == CLONE_NEWUTS ? join_uts(t, object) : 0;
}

/* By a pidfd: some of what that process has. */
static int join_task(struct task *t, struct task *o, uint64_t flags)
{
	struct mntns *mnt;
	struct netns *net;
	struct utsns *uts;
	int err = may_join(flags);

	if (!err && !task_may_access(o))
		err = -EPERM;
	if (err)
		return err;
	spin_lock(&task_list_lock);
	mnt = o->mntns ? mntns_get(o->mntns) : NULL;
	uts = o->utsns;
	ref_get(&uts->ref);
	spin_unlock(&task_list_lock);
	net = task_netns_get(o);
	if (!mnt || !net)
		err = -ESRCH;
	if (!err && (flags & CLONE_NEWNS))
		err = join_mounts(t, mnt);
	if (!err && (flags & CLONE_NEWNET))
		task_enter_netns(netns_get(net));
	if (!err && (flags & CLONE_NEWUTS))
		err = join_uts(t, uts);
	if (mnt)
		mntns_put(mnt);
	netns_put(net);
	utsns_put(uts);
	return err;
}

SYSCALL2(setns, int, fd, uint64_t, flags)
{
	struct file *f = fd_get(fd);
	struct tgroup *g;
	struct task *o;
	void *object;
	uint64_t flag;
	int err;

	if (!f)
		return -EBADF;
	if (proc_ns_of(f, &flag, &object)) {
		err = join_file(t, flag, object, flags);
		file_put(f);
		return err;
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
	err = o && o->tg == g ? join_task(t, o, flags) : -ESRCH;
	if (o)
		task_put(o);
	tgroup_put(g);
	return err;
}

/* ---- membarrier ----
 * The caller visits each CPU: what ran there was interrupted, which is the
 * barrier, and goes on by iret, which throws away old instructions too.  Rare enough that no cheaper way is worth a hook. */

#define MB_QUERY 0
#define MB_GLOBAL 1
#define MB_GLOBAL_EXPEDITED 2
#define MB_REGISTER_GLOBAL_EXPEDITED 4
#define MB_PRIVATE_EXPEDITED 8
#define MB_REGISTER_PRIVATE_EXPEDITED 16
#define MB_SYNC_CORE 32
#define MB_REGISTER_SYNC_CORE 64
#define MB_GET_REGISTRATIONS 512

void task_visit_cpus(struct task *t)
{
	uint64_t mask = __atomic_load_n(&t->se.affinity, __ATOMIC_RELAXED);

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		if (cpu == plat_cpu_self() || sched_cpu_idles(cpu))
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
		       MB_PRIVATE_EXPEDITED | MB_REGISTER_PRIVATE_EXPEDITED | MB_SYNC_CORE | MB_REGISTER_SYNC_CORE |
		       MB_GET_REGISTRATIONS;
	case MB_GET_REGISTRATIONS:
		return __atomic_load_n(&t->tg->membarriers, __ATOMIC_RELAXED);
	case MB_REGISTER_GLOBAL_EXPEDITED:
	case MB_REGISTER_PRIVATE_EXPEDITED:
	case MB_REGISTER_SYNC_CORE:
		__atomic_fetch_or(&t->tg->membarriers, (uint32_t)cmd, __ATOMIC_RELAXED);
		return 0;
	case MB_PRIVATE_EXPEDITED:
	case MB_SYNC_CORE:
		if (!(__atomic_load_n(&t->tg->membarriers, __ATOMIC_RELAXED) & (uint32_t)cmd << 1))
			return -EPERM;
		/* fallthrough */
	case MB_GLOBAL:
	case MB_GLOBAL_EXPEDITED:
		task_visit_cpus(t);
		return 0;
	default:
		return -EINVAL;
	}
}
