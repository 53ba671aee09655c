/* SPDX-License-Identifier: Apache-2.0 */
/* uname(2), sethostname(2), setdomainname(2), sysinfo(2), unshare(2). */
#include "kernel/net/net.h"
#include "kernel/syscall/syscall.h"
#include "kernel/task/internal.h"
#include <linux_abi/prctl.h>
#include <linux_abi/utsname.h>

DECLARE_UPTR(up_utsname, struct linux_utsname);
DECLARE_UPTR(up_sysinfo, struct linux_sysinfo);

SYSCALL1(uname, up_utsname, un)
{
	struct linux_utsname u = { .sysname = UTS_SYSNAME, .release = UTS_RELEASE,
				   .version = UTS_VERSION, .machine = UTS_MACHINE };

	if ((t->personality & PER_MASK) == PER_LINUX32)
		memcpy(u.machine, "i686", sizeof("i686"));
	if (t->personality & UNAME26)
		memcpy(u.release, UTS_RELEASE_26, sizeof(UTS_RELEASE_26));
	spin_lock(&t->utsns->lock);
	memcpy(u.nodename, t->utsns->hostname, sizeof(u.nodename));
	memcpy(u.domainname, t->utsns->domainname, sizeof(u.domainname));
	spin_unlock(&t->utsns->lock);
	return copy_out_obj(un, &u);
}

static long set_uts(struct task *t, char *field, uaddr name, int len)
{
	char buf[UTS_LEN + 1] = { 0 };
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (len < 0 || len > UTS_LEN)
		return -EINVAL;
	err = copy_in(buf, name, (size_t)len);
	if (err)
		return err;
	spin_lock(&t->utsns->lock);
	memcpy(field, buf, sizeof(buf));
	spin_unlock(&t->utsns->lock);
	return 0;
}

SYSCALL2(sethostname, uaddr, name, int, len)
{
	return set_uts(t, t->utsns->hostname, name, len);
}

SYSCALL2(setdomainname, uaddr, name, int, len)
{
	return set_uts(t, t->utsns->domainname, name, len);
}

#define TOTAL_WITHOUT_LIMIT (16ull << 30)
#define MM_BATCH 64u

void memory_totals(struct container *c, uint64_t *ret_total, uint64_t *ret_free)
{
	uint64_t used = kheap_used(), total = c->memory_limit ? c->memory_limit : TOTAL_WITHOUT_LIMIT;
	uint64_t after = 0;
	struct mm *mm[MM_BATCH];
	unsigned n;

	do {
		struct tgroup *g;

		n = 0;
		spin_lock(&task_list_lock);
		list_for_each(g, &tgroup_list, all_link) {
			if (g->start_order <= after || g->container != c)
				continue;
			after = g->start_order;
			if (g->leader->mm)
				mm[n++] = mm_get(g->leader->mm);
			if (n == MM_BATCH)
				break;
		}
		spin_unlock(&task_list_lock);
		for (unsigned i = 0; i < n; i++) {
			used += mm_rss(mm[i]);
			mm_put(mm[i]);
		}
	} while (n == MM_BATCH);
	*ret_total = total;
	*ret_free = total - MIN(used, total);
}

SYSCALL1(sysinfo, up_sysinfo, ui)
{
	struct container *c = t->tg->container;
	struct linux_sysinfo s = { .mem_unit = 1 };

	s.uptime = (int64_t)(plat_time_mono_ns() / NSEC_PER_SEC);
	s.loads[0] = sched_load_runnable() << 16;
	memory_totals(c, &s.totalram, &s.freeram);
	s.procs = (uint16_t)MIN(task_count(), 65535u);
	return copy_out_obj(ui, &s);
}

static int unshare_uts(struct task *t)
{
	struct utsns *n = utsns_copy(t->utsns), *old;

	if (!n)
		return -ENOMEM;
	spin_lock(&task_list_lock);
	old = t->utsns;
	t->utsns = n;
	spin_unlock(&task_list_lock);
	utsns_put(old);
	return 0;
}

static int unshare_net(struct task *t)
{
	struct netns *n = netns_new(), *old;

	if (!n)
		return -ENOSPC;         /* too many: unshare(2) */
	spin_lock(&task_list_lock);
	old = t->netns;
	t->netns = n;
	spin_unlock(&task_list_lock);
	netns_put(old);
	return 0;
}

static int unshare_fs(struct task *t)
{
	struct fs_info *n, *old;

	if (ref_read(&t->fs->ref) == 1)
		return 0;
	n = fs_info_copy(t->fs);
	if (!n)
		return -ENOMEM;
	spin_lock(&task_list_lock);
	old = t->fs;
	t->fs = n;
	spin_unlock(&task_list_lock);
	fs_info_put(old);
	return 0;
}

static int unshare_mounts(struct task *t)
{
	struct mntns *n, *old;
	int err = mntns_copy(t->mntns, &n, t->fs);

	if (err)
		return err;
	spin_lock(&task_list_lock);
	old = t->mntns;
	t->mntns = n;
	spin_unlock(&task_list_lock);
	mntns_put(old);
	return 0;
}

SYSCALL1(unshare, uint64_t, flags)
{
	const uint64_t absent = CLONE_NEWUSER | CLONE_NEWIPC | CLONE_NEWPID |
				CLONE_NEWCGROUP | CLONE_NEWTIME;
	int err = 0;

	if (flags & ~(absent | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_FS | CLONE_FILES | CLONE_VM |
		      CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM))
		return -EINVAL;
	if (flags & absent)             /* not there, as on a kernel without them */
		return (flags & CLONE_NEWUSER) || capable(CAP_SYS_ADMIN) ? -EINVAL : -EPERM;
	if ((flags & (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWNET)) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if ((flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) && t->tg->thread_count > 1)
		return -EINVAL;
	if ((flags & (CLONE_SIGHAND | CLONE_VM)) && ref_read(&t->mm->users) > 1)
		return -EINVAL;
	if (flags & (CLONE_FS | CLONE_NEWNS))
		err = unshare_fs(t);
	if (!err && (flags & CLONE_FILES))
		err = files_unshare(t);
	if (!err && (flags & CLONE_NEWUTS))
		err = unshare_uts(t);
	if (!err && (flags & CLONE_NEWNET))
		err = unshare_net(t);
	if (!err && (flags & CLONE_NEWNS))
		err = unshare_mounts(t);
	return err;
}
