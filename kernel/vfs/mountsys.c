/* SPDX-License-Identifier: Apache-2.0 */
/* mount(2), umount2(2), pivot_root(2), and how /proc shows mounts.
 *
 * Propagation is private everywhere: the flags that set it are accepted and
 * change nothing.  The kernel-internal file systems (host trees and the
 * overlay above them) cannot be mounted from inside. */
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/internal.h"
#include <linux_abi/mount.h>

static unsigned flags_of(uint64_t ms)
{
	return (ms & MS_RDONLY ? MNT_READONLY : 0) | (ms & MS_NOSUID ? MNT_NOSUID : 0) |
	       (ms & MS_NODEV ? MNT_NODEV : 0) | (ms & MS_NOEXEC ? MNT_NOEXEC : 0);
}

static int mount_fs(struct task *t, struct path *at, const char *type, const char *source, const char *data,
		    uint64_t ms)
{
	const struct fs_type *ft = fs_type_find(type);
	struct super_block *sb;
	int err;

	if (!ft || ft == &hostfs_type || ft == &overlay_type)
		return -ENODEV;
	err = ft->mount(ft, source, data, NULL, &sb);
	if (err)
		return err;
	err = mount_attach(t->mntns, sb, at, flags_of(ms), source);
	super_put(sb);
	return err;
}

struct copied { struct mount *old, *new; };

/* The mounts on `top` (below dentry `under`), in mount order, counted. */
static unsigned collect(struct mntns *ns, struct mount *top, struct dentry *under, struct copied *map, unsigned cap)
{
	struct mount *m;
	unsigned n = 1;

	map[0].old = mount_get(top);
	spin_lock(&mount_lock);
	for (bool more = true; more;) {
		more = false;
		list_for_each(m, &ns->mounts, ns_link) {
			bool have = false, below = false;

			for (unsigned k = 0; k < n; k++) {
				have |= map[k].old == m;
				below |= map[k].old == m->parent &&
					 (k || dcache_is_ancestor(under, m->point));
			}
			if (!have && below && n < cap) {
				map[n++].old = mount_get(m);
				more = true;
			}
		}
	}
	spin_unlock(&mount_lock);
	return n;
}

static int bind_tree(struct task *t, const struct path *from, struct path *at)
{
	unsigned cap = __atomic_load_n(&t->mntns->count, __ATOMIC_RELAXED) + 1, n;
	struct copied *map = kzalloc(cap * sizeof(*map));
	int err = 0;

	if (!map)
		return -ENOMEM;
	n = collect(t->mntns, from->mnt, from->dentry, map, cap);
	for (unsigned k = 0; k < n && !err; k++) {
		struct mount *old = map[k].old;
		struct path on = *at;

		if (k) {
			spin_lock(&mount_lock);
			on = (struct path){ 0 };
			for (unsigned j = 0; j < k && old->parent; j++)
				if (map[j].old == old->parent)
					on = (struct path){ map[j].new, dentry_get(old->point) };
			spin_unlock(&mount_lock);
			if (!on.dentry)
				continue;
		}
		map[k].new = mount_new(old->sb, k ? old->root : from->dentry, old->flags, old->source);
		err = map[k].new ? mount_attach_at(t->mntns, map[k].new, &on) : -ENOMEM;
		if (err && map[k].new) {
			mount_put(map[k].new);
			map[k].new = NULL;
		}
		if (k)
			dentry_put(on.dentry);
	}
	for (unsigned k = 0; k < n; k++)
		mount_put(map[k].old);
	kfree(map);
	return err;
}

static int bind(struct task *t, const char *source, struct path *at, uint64_t ms)
{
	struct path from;
	struct mount *m;
	int err = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &from);

	if (err)
		return err;
	if (S_ISDIR(inode_mode(from.dentry->inode)) != S_ISDIR(inode_mode(at->dentry->inode))) {
		err = -ENOTDIR;
	} else if (ms & MS_REC) {
		err = bind_tree(t, &from, at);
	} else {
		m = mount_new(from.mnt->sb, from.dentry, from.mnt->flags, from.mnt->source);
		err = m ? mount_attach_at(t->mntns, m, at) : -ENOMEM;
		if (err)
			mount_put(m);
	}
	path_put(&from);
	return err;
}

static int remount(struct path *at, uint64_t ms)
{
	if (at->dentry != at->mnt->root)
		return -EINVAL;
	/* A super block that was read-only from the start stays so: its flag is
	 * not touched. */
	__atomic_store_n(&at->mnt->flags, flags_of(ms), __ATOMIC_RELAXED);
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

static bool mount_below(struct mount *m, struct mount *top)
{
	for (; m; m = m->parent)
		if (m == top)
			return true;
	return false;
}

static int move(struct task *t, const char *source, struct path *at)
{
	struct path from, old = { 0 }, to = *at;
	int err = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &from);

	if (err)
		return err;
	err = -EINVAL;
	path_get(&to);
	mount_lock_change();
	if (from.dentry == from.mnt->root && from.mnt->parent && from.mnt->ns == t->mntns &&
	    to.mnt->ns == t->mntns) {
		err = mount_below(to.mnt, from.mnt) ? -ELOOP :
		      S_ISDIR(inode_mode(from.dentry->inode)) != S_ISDIR(inode_mode(to.dentry->inode)) ? -ENOTDIR : 0;
		if (!err)
			relink(from.mnt, &to, &old);
	}
	mount_unlock_change();
	if (err)
		path_put(&to);
	else
		path_put(&old);
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
		err = source ? bind(t, source, &at, flags) : -EINVAL;
	else if (flags & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE))
		err = at.dentry == at.mnt->root ? 0 : -EINVAL;
	else if (flags & MS_MOVE)
		err = source ? move(t, source, &at) : -EINVAL;
	else
		err = type ? mount_fs(t, &at, type, source ? source : "none", data, flags) : -EINVAL;
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
		err = mount_detach(p.mnt, flags & MNT_DETACH);
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
	mount_lock_change();
	if (new.mnt == root.mnt || put.mnt == root.mnt)
		err = -EBUSY;
	else if (new.dentry != new.mnt->root || root.dentry != root.mnt->root || root.mnt->parent ||
		 !new.mnt->parent || new.mnt->ns != t->mntns || put.mnt->ns != t->mntns ||
		 root.mnt->ns != t->mntns || !mount_below(put.mnt, new.mnt))
		err = -EINVAL;
	if (!err) {
		relink(new.mnt, NULL, &old_n);
		relink(root.mnt, &at, &old_r);
		t->mntns->root = new.mnt;
	}
	mount_unlock_change();
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
	sbuf_printf(s, "%s%s%s%s", flags & MNT_READONLY ? "ro" : "rw", flags & MNT_NOSUID ? ",nosuid" : "",
		    flags & MNT_NODEV ? ",nodev" : "", flags & MNT_NOEXEC ? ",noexec" : "");
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
