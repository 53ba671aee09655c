/* SPDX-License-Identifier: Apache-2.0 */
/* mount(2), umount2(2), pivot_root(2), and how /proc shows mounts.
 *
 * Where a mount propagates to: propagate.c.  The kernel-internal file systems (host trees and the
 * overlay above them) cannot be mounted from inside. */
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/internal.h"
#include <linux_abi/mount.h>

/* was: of the mount that gets them; what says nothing about access times leaves those as they were. */
static unsigned flags_of(uint64_t ms, unsigned was)
{
	static const uint32_t map[][2] = {
		{ MS_RDONLY, MNT_READONLY }, { MS_NOSUID, MNT_NOSUID }, { MS_NODEV, MNT_NODEV }, { MS_NOEXEC, MNT_NOEXEC },
		{ MS_NOSYMFOLLOW, MNT_NOSYMFOLLOW },
	};
	unsigned flags = 0;

	for (unsigned k = 0; k < ARRAY_SIZE(map); k++)
		if (ms & map[k][0])
			flags |= map[k][1];
	if ((ms & MS_REMOUNT) && !(ms & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)))
		return flags | (was & (MNT_NOATIME | MNT_NODIRATIME | MNT_STRICTATIME));
	if (ms & MS_STRICTATIME)
		flags |= MNT_STRICTATIME;
	else if (ms & MS_NOATIME)
		flags |= MNT_NOATIME;
	return flags | (ms & MS_NODIRATIME ? MNT_NODIRATIME : 0);
}

static bool mount_below(struct mount *m, struct mount *top)
{
	for (; m; m = m->parent)
		if (m == top)
			return true;
	return false;
}

/* One new mount, consumed. */
static int graft_one(struct mount *m, const struct path *at)
{
	struct mount_branch b = { .m = m };
	struct mount_tree tree = { 1, &b };
	int err;

	if (!m)
		return -ENOMEM;
	err = mount_graft(&tree, at);
	if (err)
		mount_put(m);
	return err;
}

static int mount_fs(struct path *at, const char *type, const char *source, const char *data, uint64_t ms)
{
	const struct fs_type *ft = fs_type_find(type);
	struct super_block *sb;
	int err;

	if (!ft || ft == &hostfs_type || ft == &overlay_type)
		return -ENODEV;
	err = ft->mount(ft, source, data, NULL, &sb);
	if (err)
		return err;
	mutex_lock(&mount_sem);
	err = graft_one(mount_new(sb, sb->root, flags_of(ms, 0), source), at);
	mutex_unlock(&mount_sem);
	super_put(sb);
	return err;
}

/* A mount like m, of its peer group, showing what is below root. */
static struct mount *mount_like(struct mount *m, struct dentry *root)
{
	struct mount *n = mount_new(m->sb, root, mount_flags(m), m->source);

	if (!n)
		return NULL;
	spin_lock(&mount_lock);
	mount_join_locked(n, m);
	spin_unlock(&mount_lock);
	return n;
}

/* The mounts on `from` as new ones, each behind what it lies on; unbindable ones and what is on
 * them left out. */
static int copy_tree(const struct path *from, struct mount_tree *t, unsigned cap)
{
	struct mount *m, *top = from->mnt;
	bool skip;

	for (m = top; m && t->count < cap; m = mount_next(m, top, skip)) {
		struct mount_branch *b = &t->branch[t->count];

		skip = m != top && (m->unbindable ||
				    (m->parent == top && !dcache_is_ancestor(from->dentry, m->point)));
		if (skip)
			continue;
		*b = (struct mount_branch){ mount_like(m, m == top ? from->dentry : m->root), 0, NULL };
		if (!b->m)
			return -ENOMEM;
		if (m != top) {
			b->on = m->parent->at - 1;
			b->point = m->point;
		}
		m->at = ++t->count;
	}
	return 0;
}

static int bind_tree(const struct path *from, struct path *at)
{
	unsigned cap = from->mnt->ns->count;
	struct mount_tree tree = { .branch = kmalloc(cap * sizeof(*tree.branch)) };
	int err = tree.branch ? copy_tree(from, &tree, cap) : -ENOMEM;

	if (!err)
		err = mount_graft(&tree, at);
	for (unsigned k = 0; k < tree.count && err; k++)
		mount_put(tree.branch[k].m);
	kfree(tree.branch);
	return err;
}

static int bind(const char *source, struct path *at, uint64_t ms)
{
	struct path from;
	int err = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &from);

	if (err)
		return err;
	mutex_lock(&mount_sem);
	if (from.mnt->unbindable || (!from.mnt->ns && !from.dentry->inode->ops->bindable))
		err = -EINVAL;
	else if (S_ISDIR(inode_mode(from.dentry->inode)) != S_ISDIR(inode_mode(at->dentry->inode)))
		err = -ENOTDIR;
	else if ((ms & MS_REC) && from.mnt->ns)         /* outside all trees nothing lies on it */
		err = bind_tree(&from, at);
	else
		err = graft_one(mount_like(from.mnt, from.dentry), at);
	mutex_unlock(&mount_sem);
	path_put(&from);
	return err;
}

/* mount(2), MS_SHARED and so on: of one mount, or with MS_REC of all below it too. */
static int set_type(struct path *at, uint64_t ms)
{
	uint64_t type = ms & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE);
	struct mount *m;
	int err;

	if ((ms & ~(type | MS_REC | MS_SILENT)) || (type & (type - 1)) || at->dentry != at->mnt->root)
		return -EINVAL;
	mutex_lock(&mount_sem);
	mount_lock_change();
	/* One that is in no tree must have no group: it may go away at any time. */
	err = at->mnt->ns ? 0 : -EINVAL;
	for (m = at->mnt; m && !err; m = ms & MS_REC ? mount_next(m, at->mnt, false) : NULL)
		mount_set_type_locked(m, type);
	mount_unlock_change();
	mutex_unlock(&mount_sem);
	return err;
}

static int remount(struct path *at, uint64_t ms)
{
	if (at->dentry != at->mnt->root)
		return -EINVAL;
	/* A super block that was read-only from the start stays so: its flag is
	 * not touched. */
	__atomic_store_n(&at->mnt->flags, flags_of(ms, mount_flags(at->mnt)), __ATOMIC_RELAXED);
	return 0;
}

static void relink(struct mount *m, const struct path *at, struct path *ret_old)
{
	*ret_old = (struct path){ m->parent, m->point };
	mount_unhash_locked(m);
	__atomic_store_n(&m->parent, at ? at->mnt : NULL, __ATOMIC_RELAXED);
	__atomic_store_n(&m->point, at ? at->dentry : NULL, __ATOMIC_RELAXED);
	if (at)
		mount_hash_locked(m);
}

static bool unbindable_below(struct mount *top)
{
	for (struct mount *m = top; m; m = mount_next(m, top, false))
		if (m->unbindable)
			return true;
	return false;
}

static int may_move(struct task *t, const struct path *from, const struct path *to)
{
	if (from->dentry != from->mnt->root || !from->mnt->parent || from->mnt->ns != t->mntns ||
	    to->mnt->ns != t->mntns || from->mnt->parent->group)
		return -EINVAL;
	if (S_ISDIR(inode_mode(from->dentry->inode)) != S_ISDIR(inode_mode(to->dentry->inode)))
		return -ENOTDIR;
	if (to->mnt->group && unbindable_below(from->mnt))
		return -EINVAL;
	return mount_below(to->mnt, from->mnt) ? -ELOOP : 0;
}

static int move(struct task *t, const char *source, struct path *at)
{
	struct path from, old = { 0 }, to = *at;
	int err = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &from);

	if (err)
		return err;
	path_get(&to);
	mutex_lock(&mount_sem);
	mount_lock_change();
	err = may_move(t, &from, &to);
	if (!err)
		relink(from.mnt, &to, &old);
	mount_unlock_change();
	if (!err)
		err = mount_spread(from.mnt, at);       /* without memory: not everywhere */
	mutex_unlock(&mount_sem);
	if (old.dentry)
		path_put(&old);
	else
		path_put(&to);
	path_put(&from);
	return err;
}

static int opt_string(uaddr p, char **ret)
{
	*ret = NULL;
	return p.va ? name_from_user((ustr){ p.va }, ret) : 0;
}

SYSCALL5(mount, uaddr, usource, ustr, utarget, uaddr, utype, uint64_t, flags, uaddr, udata)
{
	char *source = NULL, *type = NULL, *data = NULL;
	struct path at;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if ((flags & 0xffff0000ul) == 0xc0ed0000ul)
		flags &= 0xffff;        /* the old magic */
	err = path_lookup_user(AT_FDCWD, utarget, LOOKUP_FOLLOW, &at);
	if (err)
		return err;
	err = opt_string(usource, &source);
	if (!err)
		err = opt_string(utype, &type);
	if (!err && udata.va && !(flags & (MS_BIND | MS_MOVE)))
		err = opt_string(udata, &data);
	if (err)
		goto out;
	if (flags & MS_REMOUNT)
		err = remount(&at, flags);
	else if (flags & MS_BIND)
		err = source ? bind(source, &at, flags) : -EINVAL;
	else if (flags & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE))
		err = set_type(&at, flags);
	else if (flags & MS_MOVE)
		err = source ? move(t, source, &at) : -EINVAL;
	else
		err = type ? mount_fs(&at, type, source ? source : "none", data, flags) : -EINVAL;
out:
	path_put(&at);
	name_put(source);
	name_put(type);
	name_put(data);
	return err;
}

SYSCALL2(umount2, ustr, name, int, flags)
{
	struct path p;
	int err;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	if ((flags & MNT_EXPIRE) && (flags & (MNT_FORCE | MNT_DETACH)))
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = path_lookup_user(AT_FDCWD, name, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	if (p.dentry != p.mnt->root) {
		err = -EINVAL;
	} else {
		/* The cache alone must not make it look busy. */
		dcache_drop_sb(p.mnt->sb);
		closes_settle();
		mutex_lock(&mount_sem);
		if ((flags & MNT_EXPIRE) && ref_read(&p.mnt->ref) > 2)
			err = -EBUSY;
		else if ((flags & MNT_EXPIRE) && !p.mnt->expiring)
			err = -EAGAIN;
		else
			err = mount_detach(p.mnt, flags & MNT_DETACH);
		p.mnt->expiring = err == -EAGAIN;
		mutex_unlock(&mount_sem);
	}
	path_put(&p);
	return err;
}

/* Everybody whose root or directory was the old root gets the new one. */
static void replace_root(const struct path *old, const struct path *new)
{
	struct tgroup *g;

	spin_lock(&task_list_lock);
	list_for_each(g, &tgroup_list, all_link) {
		struct task *o;

		list_for_each(o, &g->threads, thread_link) {
			struct fs_info *fs = o->fs;
			struct path *slots[2];

			if (!fs)
				continue;
			slots[0] = &fs->root;
			slots[1] = &fs->cwd;
			spin_lock(&fs->lock);
			for (unsigned k = 0; k < 2; k++) {
				if (!path_equal(slots[k], old))
					continue;
				/* The caller holds old: these are not the last. */
				*slots[k] = *new;
				path_get(slots[k]);
				KASSERT(!ref_put(&old->dentry->ref));
				KASSERT(!ref_put(&old->mnt->ref));
			}
			spin_unlock(&fs->lock);
		}
	}
	spin_unlock(&task_list_lock);
}

SYSCALL2(pivot_root, ustr, unew, ustr, uold)
{
	struct path new, put, root, old_n = { 0 }, old_r = { 0 }, at;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = path_lookup_user(AT_FDCWD, unew, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &new);
	if (err)
		return err;
	err = path_lookup_user(AT_FDCWD, uold, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &put);
	if (err)
		goto out_new;
	spin_lock(&t->fs->lock);
	root = t->fs->root;
	path_get(&root);
	spin_unlock(&t->fs->lock);
	at = put;
	path_get(&at);
	mutex_lock(&mount_sem);
	mount_lock_change();
	if (new.mnt == root.mnt || put.mnt == root.mnt)
		err = -EBUSY;
	else if (new.dentry != new.mnt->root || root.dentry != root.mnt->root || root.mnt->parent ||
		 !new.mnt->parent || new.mnt->ns != t->mntns || put.mnt->ns != t->mntns ||
		 root.mnt->ns != t->mntns || !mount_below(put.mnt, new.mnt) || put.mnt->group ||
		 new.mnt->parent->group)
		err = -EINVAL;
	if (!err) {
		relink(new.mnt, NULL, &old_n);
		relink(root.mnt, &at, &old_r);
		t->mntns->root = new.mnt;
	}
	mount_unlock_change();
	mutex_unlock(&mount_sem);
	if (err) {
		path_put(&at);
	} else {
		replace_root(&root, &new);
		path_put(&old_n);
		path_put(&old_r);
	}
	path_put(&root);
	path_put(&put);
out_new:
	path_put(&new);
	return err;
}

/* ---- what /proc shows ---- */

static void escaped(struct sbuf *s, const char *p)
{
	for (; *p; p++) {
		if (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\\' || *p == '#')
			sbuf_printf(s, "\\%03o", (unsigned)(unsigned char)*p);
		else
			sbuf_write(s, p, 1);
	}
}

static void options(struct sbuf *s, unsigned flags)
{
	sbuf_printf(s, "%s%s%s%s%s%s%s", flags & MNT_READONLY ? "ro" : "rw", flags & MNT_NOSUID ? ",nosuid" : "",
		    flags & MNT_NODEV ? ",nodev" : "", flags & MNT_NOEXEC ? ",noexec" : "",
		    flags & MNT_NODIRATIME ? flags & MNT_NOATIME ? ",noatime,nodiratime" : ",nodiratime" :
		    flags & MNT_NOATIME ? ",noatime" : "",
		    flags & (MNT_NOATIME | MNT_STRICTATIME) ? "" : ",relatime", flags & MNT_NOSYMFOLLOW ? ",nosymfollow" : "");
}

/* The mount's root within its file system. */
static const char *inner_root(struct mount *m, char *buf, size_t size)
{
	char *at = buf + size;
	struct dentry *d = m->root;

	*--at = 0;
	spin_lock(&dcache_lock);
	for (; d->parent != d && (size_t)(at - buf) > d->name_size + 1u; d = d->parent) {
		at -= d->name_size;
		memcpy(at, d->name, d->name_size);
		*--at = '/';
	}
	spin_unlock(&dcache_lock);
	return *at ? at : "/";
}

static void show_one(struct mount *m, const struct path *root, bool mountinfo, struct sbuf *s, char *buf, int parent)
{
	struct path p = { m, m->root };
	unsigned flags = mount_flags(m);
	const char *name;
	int err;

	if (mountinfo) {
		sbuf_printf(s, "%u %d %u:%u ", m->id, parent, (unsigned)(m->sb->dev >> 8 & 0xfff),
			    (unsigned)((m->sb->dev & 0xff) | (m->sb->dev >> 12 & 0xfff00)));
		if (m->sb->ops && m->sb->ops->show_root)
			m->sb->ops->show_root(m->root->inode, s);
		else
			escaped(s, inner_root(m, buf, PATH_MAX));
		sbuf_printf(s, " ");
	} else {
		escaped(s, m->source);
		sbuf_printf(s, " ");
	}
	name = path_name(&p, root, buf, PATH_MAX, &err);
	escaped(s, err ? "/" : name);
	sbuf_printf(s, " ");
	if (mountinfo) {
		options(s, flags);
		if (m->group)
			sbuf_printf(s, " shared:%u", m->group);
		if (m->master)
			sbuf_printf(s, " master:%u", m->master);
		if (m->unbindable)
			sbuf_printf(s, " unbindable");
		sbuf_printf(s, " - %s ", m->sb->type->name);
		escaped(s, m->source);
		sbuf_printf(s, " %s", m->sb->readonly ? "ro" : "rw");
	} else {
		sbuf_printf(s, "%s ", m->sb->type->name);
		options(s, flags);
	}
	if (m->sb->ops && m->sb->ops->show_options)
		m->sb->ops->show_options(m->sb, s);
	sbuf_printf(s, mountinfo ? "\n" : " 0 0\n");
}

void mounts_show(struct mntns *ns, const struct path *root, bool mountinfo, struct sbuf *s)
{
	unsigned cap = __atomic_load_n(&ns->count, __ATOMIC_RELAXED) + 16, n = 0;
	struct mount **all = kmalloc(cap * sizeof(*all)), *m;
	char *buf = kmalloc(PATH_MAX);

	if (!all || !buf) {
		s->failed = true;
		goto out;
	}
	spin_lock(&mount_lock);
	list_for_each(m, &ns->mounts, ns_link)
		if (n < cap)
			all[n++] = mount_get(m);
	spin_unlock(&mount_lock);
	for (unsigned k = 0; k < n; k++) {
		struct path p = { all[k], all[k]->root };
		const char *name;
		int err, parent;

		name = path_name(&p, root, buf, PATH_MAX, &err);
		if (!err && *name == '/') {
			spin_lock(&mount_lock);
			parent = all[k]->parent ? (int)all[k]->parent->id : 1;
			spin_unlock(&mount_lock);
			show_one(all[k], root, mountinfo, s, buf, parent);
		}
		mount_put(all[k]);
	}
out:
	kfree(all);
	kfree(buf);
}
