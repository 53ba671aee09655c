/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/ns: the name spaces of a task, namespaces(7).
 *
 * Each link leads to a file outside every tree whose inode number stands for
 * the name space: two tasks share one when the numbers are equal.  The files
 * can be opened, asked for their kind and entered (setns(2)): a file keeps its
 * name space alive. */
#include "kernel/fs/proc/proc.h"
#include "kernel/net/net.h"
#include "kernel/task/internal.h"
#include "kernel/vfs/vfs.h"
#include <linux_abi/ioctl.h>
#include <linux_abi/sched.h>

#define NS_INO_BASE 4026531834ull
#define NSFS_MAGIC 0x6e736673

struct kind {
	const char *name;
	uint64_t flag;                  /* CLONE_NEW… */
	uint64_t fixed_ino;             /* there is only one; 0: of the object */
};
static const struct kind kinds[] = {
	{ "cgroup", CLONE_NEWCGROUP, NS_INO_BASE + 1 },
	{ "ipc", CLONE_NEWIPC, NS_INO_BASE + 5 },
	{ "mnt", CLONE_NEWNS, 0 },
	{ "net", CLONE_NEWNET, 0 },
	{ "pid", CLONE_NEWPID, NS_INO_BASE + 2 },
	{ "time", CLONE_NEWTIME, NS_INO_BASE },
	{ "user", CLONE_NEWUSER, NS_INO_BASE + 3 },
	{ "uts", CLONE_NEWUTS, 0 },
};
enum { K_CGROUP, K_IPC, K_MNT, K_NET, K_PID, K_TIME, K_USER, K_UTS };

static uint64_t number(struct task *t, unsigned k)
{
	const void *object = k == K_MNT ? (void *)t->mntns : (void *)t->utsns;

	if (k == K_NET)
		return NS_INO_BASE + 6 + (t->netns->id ? 2000000 + t->netns->id : 0);
	if (kinds[k].fixed_ino)
		return kinds[k].fixed_ino;
	return NS_INO_BASE + 1000 + hash_u64((uint64_t)(uintptr_t)object) % 1000000;
}

struct ns_inode {
	const struct kind *kind;
	void *object;                   /* counted; NULL: there is only one */
};

static void *object_get(struct task *t, unsigned k)
{
	void *r = NULL;

	if (k == K_NET)
		return task_netns_get(t);
	spin_lock(&task_list_lock);
	if (k == K_MNT && t->mntns)
		r = mntns_get(t->mntns);
	else if (k == K_UTS && t->utsns)
		ref_get(&((struct utsns *)(r = t->utsns))->ref);
	spin_unlock(&task_list_lock);
	return r;
}

static void object_put(uint64_t flag, void *o)
{
	if (!o)
		return;
	if (flag == CLONE_NEWNS)
		mntns_put(o);
	else if (flag == CLONE_NEWNET)
		netns_put(o);
	else
		utsns_put(o);
}

static void ns_evict(struct inode *i)
{
	struct ns_inode *n = i->priv;

	if (n)
		object_put(n->kind->flag, n->object);
	kfree(n);
	i->priv = NULL;
}

static long ns_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	const struct ns_inode *n = f->inode->priv;

	switch (cmd) {
	case NS_GET_NSTYPE:
		return (long)n->kind->flag;
	case NS_GET_USERNS: case NS_GET_PARENT:
		return -EPERM;          /* out of sight: ioctl_ns(2) */
	case NS_GET_OWNER_UID:
		return -EINVAL;
	default:
		return -ENOTTY;
	}
}

static const struct file_ops ns_fops = { .ioctl = ns_ioctl };
/* ip-netns(8) keeps name spaces so.  One of mounts could keep itself. */
static const struct inode_ops ns_iops = { .evict = ns_evict, .bindable = true };
static const struct inode_ops ns_mnt_iops = { .evict = ns_evict };

bool proc_ns_of(struct file *f, uint64_t *ret_flag, void **ret_object)
{
	struct ns_inode *n = f->ops == &ns_fops ? f->inode->priv : NULL;

	if (!n)
		return false;
	*ret_flag = n->kind->flag;
	*ret_object = n->object;
	return true;
}

static void ns_show_root(const struct inode *root, struct sbuf *s)
{
	const struct ns_inode *n = root->priv;

	sbuf_printf(s, "%s:[%llu]", n->kind->name, (unsigned long long)root->ino);
}

static const struct super_ops ns_super_ops = { .show_root = ns_show_root };
static const struct fs_type nsfs_type = { .name = "nsfs", .nodev = true };

static struct super_block *nsfs(void)
{
	static struct super_block *sb;
	struct super_block *have = __atomic_load_n(&sb, __ATOMIC_ACQUIRE), *mine;

	if (have)
		return have;
	mine = super_new(&nsfs_type, &ns_super_ops, NSFS_MAGIC);
	if (mine && !__atomic_compare_exchange_n(&sb, &have, mine, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		super_put(mine);
		return have;
	}
	return mine;
}

static int ns_path(struct task *t, unsigned k, struct path *ret)
{
	struct super_block *sb = nsfs();
	struct inode *i = sb ? inode_new(sb, S_IFREG | 0444) : NULL;
	struct ns_inode *n = i ? kzalloc(sizeof(*n)) : NULL;
	int err;

	if (!n) {
		inode_put(i);
		return -ENOMEM;
	}
	n->kind = &kinds[k];
	n->object = object_get(t, k);
	i->ino = number(t, k);
	i->ops = k == K_MNT ? &ns_mnt_iops : &ns_iops;
	i->fops = &ns_fops;
	i->priv = n;
	err = inode_link_path(i, ret);
	inode_put(i);
	return err;
}

static long ns_text(struct task *t, unsigned k, char *buf, size_t size)
{
	int n = ksnprintf(buf, size, "%s:[%llu]", kinds[k].name, (unsigned long long)number(t, k));

	return (long)MIN((size_t)n, size);
}

#define NS_FUNCS(id, k) \
	static int path_##id(struct task *t, struct path *ret) { return ns_path(t, k, ret); } \
	static long text_##id(struct task *t, char *b, size_t n) { return ns_text(t, k, b, n); }
NS_FUNCS(cgroup, K_CGROUP)
NS_FUNCS(ipc, K_IPC)
NS_FUNCS(mnt, K_MNT)
NS_FUNCS(net, K_NET)
NS_FUNCS(pid, K_PID)
NS_FUNCS(time, K_TIME)
NS_FUNCS(user, K_USER)
NS_FUNCS(uts, K_UTS)

#define NS(nm, id) { .name = nm, .mode = S_IFLNK | 0777, .link = path_##id, .link_text = text_##id }
const struct pid_entry pid_ns_entries[] = {
	NS("cgroup", cgroup), NS("ipc", ipc), NS("mnt", mnt), NS("net", net), NS("pid", pid),
	NS("pid_for_children", pid), NS("time", time), NS("time_for_children", time),
	NS("user", user), NS("uts", uts),
	{ .name = NULL },
};
