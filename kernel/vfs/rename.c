/* SPDX-License-Identifier: Apache-2.0 */
/* rename(2), renameat2(2).
 *
 * Renames of directories could build cycles, so one mutex serializes renames
 * that cross directories; under it ancestry is stable.  The two parents are
 * locked ancestor first (address order when unrelated), then the victims. */
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/internal.h"
#include <linux_abi/inotify.h>

static struct mutex rename_mutex;
static uint32_t move_cookie;

void rename_init(void)
{
	mutex_init(&rename_mutex);
}

struct side {
	struct walk w;
	struct dentry *dir, *child;
};

static void lock_parents(struct dentry *a, struct dentry *b)
{
	if (a->inode == b->inode) {
		mutex_lock(&a->inode->lock);
		return;
	}
	mutex_lock(&rename_mutex);
	if (dcache_is_ancestor(b, a) || (!dcache_is_ancestor(a, b) && b->inode < a->inode)) {
		struct dentry *t = a;

		a = b;
		b = t;
	}
	mutex_lock(&a->inode->lock);
	mutex_lock(&b->inode->lock);
}

static void unlock_parents(struct dentry *a, struct dentry *b)
{
	mutex_unlock(&a->inode->lock);
	if (a->inode == b->inode)
		return;
	mutex_unlock(&b->inode->lock);
	mutex_unlock(&rename_mutex);
}

static int check(struct side *o, struct side *n, unsigned flags)
{
	struct inode *oi = o->child->inode, *ni = n->child ? n->child->inode : NULL;
	bool dir = S_ISDIR(inode_mode(oi));
	int err;

	if ((flags & RENAME_NOREPLACE) && ni)
		return -EEXIST;
	if ((flags & RENAME_EXCHANGE) && !ni)
		return -ENOENT;
	if (!dir && o->w.trailing)
		return -ENOTDIR;
	if (n->w.trailing && !(flags & RENAME_EXCHANGE ? S_ISDIR(inode_mode(ni)) : dir))
		return -ENOTDIR;
	/* An ancestor may not go below itself, nor be replaced by what is in it. */
	if (dir && dcache_is_ancestor(o->child, n->dir))
		return -EINVAL;
	if (n->child && ni && dcache_is_ancestor(n->child, o->dir))
		return flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	if (oi == ni)
		return mount_readonly(o->w.cur.mnt) || oi->sb->readonly ? -EROFS : 0;
	err = may_delete(&o->w.cur, o->child, dir);
	if (err)
		return err;
	if (!ni) {
		err = may_create(&n->w.cur);
	} else if (flags & RENAME_EXCHANGE) {
		err = may_delete(&n->w.cur, n->child, S_ISDIR(inode_mode(ni)));
	} else {
		err = may_delete(&n->w.cur, n->child, dir);
	}
	if (err)
		return err;
	/* Moving a directory changes its "..": that needs write permission. */
	if (dir && o->dir != n->dir) {
		err = inode_permission(oi, MAY_WRITE);
		if (err)
			return err;
	}
	return 0;
}

/* Both parents are locked.  *ret_moved: something was done. */
static int rename_locked(struct side *o, struct side *n, unsigned flags, bool *ret_moved)
{
	const struct inode_ops *ops = o->dir->inode->ops;
	struct inode *oi, *ni, *first, *second;
	char *name_n = NULL, *name_o = NULL;
	int err;

	err = lookup_child_locked(o->dir, o->w.last, o->w.last_size, &o->child);
	if (err)
		return err;
	if (!o->child->inode)
		return -ENOENT;
	err = lookup_child_locked(n->dir, n->w.last, n->w.last_size, &n->child);
	if (err && err != -ENOENT)
		return err;
	err = check(o, n, flags);
	if (err)
		return err;
	oi = o->child->inode;
	ni = n->child ? n->child->inode : NULL;
	if (oi == ni)
		return 0;               /* two links of one file: nothing to do */
	if (!ops->rename)
		return -EPERM;
	name_n = dentry_name_new(n->w.last, n->w.last_size);
	name_o = dentry_name_new(o->w.last, o->w.last_size);
	if (!name_n || !name_o) {
		dentry_name_free(name_n);
		dentry_name_free(name_o);
		return -ENOMEM;
	}
	first = ni && ni < oi ? ni : oi;
	second = first == oi ? ni : oi;
	mutex_lock(&first->lock);
	if (second)
		mutex_lock(&second->lock);
	err = ops->rename(o->dir->inode, o->w.last, o->w.last_size, oi,
			  n->dir->inode, n->w.last, n->w.last_size, ni, flags);
	if (second)
		mutex_unlock(&second->lock);
	mutex_unlock(&first->lock);
	if (err) {
		dentry_name_free(name_n);
		dentry_name_free(name_o);
		return err;
	}
	*ret_moved = true;
	if (flags & RENAME_EXCHANGE) {
		dcache_move(o->child, n->dir, name_n, n->w.last_size);
		dcache_move(n->child, o->dir, name_o, o->w.last_size);
		return 0;
	}
	dentry_name_free(name_o);
	if (n->child)
		dcache_unhash(n->child);
	dcache_move(o->child, n->dir, name_n, n->w.last_size);
	return 0;
}

/* One name's way to the other; `replaced`: what the new name stood for. */
static void tell_move(struct side *o, struct side *n, struct inode *moved, struct inode *replaced)
{
	uint32_t cookie = __atomic_add_fetch(&move_cookie, 1, __ATOMIC_RELAXED);
	uint32_t isdir = S_ISDIR(inode_mode(moved)) ? IN_ISDIR : 0;

	notify_child(o->dir->inode, o->w.last, o->w.last_size, IN_MOVED_FROM | isdir, cookie);
	notify_child(n->dir->inode, n->w.last, n->w.last_size, IN_MOVED_TO | isdir, cookie);
	if (replaced)
		notify_inode(replaced, IN_ATTRIB, 0);   /* the link count */
	notify_inode(moved, IN_MOVE_SELF, 0);
}

static void tell(struct side *o, struct side *n, struct inode *moved, struct inode *other, unsigned flags)
{
	if (flags & RENAME_EXCHANGE) {
		tell_move(o, n, moved, NULL);
		tell_move(n, o, other, NULL);
		return;
	}
	if (other)
		closes_settle_of(other);
	tell_move(o, n, moved, other);
	if (other && (S_ISDIR(inode_mode(other)) || !inode_nlink(other)))
		notify_inode_unlinked(other);
}

static int side_init(struct side *s, int dfd, const char *name)
{
	int err = walk_init(&s->w, dfd, name, 0);

	if (!err)
		err = walk_to_last(&s->w);
	if (err)
		return err;
	s->dir = s->w.cur.dentry;
	if (!S_ISDIR(inode_mode(s->dir->inode)))
		return -ENOTDIR;
	return inode_permission(s->dir->inode, MAY_EXEC);
}

static bool no_name(const struct side *s) { return !s->w.last_size || name_is_dots(s->w.last, s->w.last_size); }

static int rename_names(int odfd, const char *oname, int ndfd, const char *nname, unsigned flags)
{
	struct side *o = kzalloc(2 * sizeof(*o)), *n;
	bool moved = false;
	int err;

	if (!o)
		return -ENOMEM;
	n = o + 1;
	err = side_init(o, odfd, oname);
	if (!err)
		err = side_init(n, ndfd, nname);
	if (!err && (o->w.cur.mnt != n->w.cur.mnt || o->dir->sb != n->dir->sb))
		err = -EXDEV;
	if (!err && no_name(o))
		err = -EBUSY;
	if (!err && no_name(n))
		err = flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	if (!err) {
		lock_parents(o->dir, n->dir);
		err = rename_locked(o, n, flags, &moved);
		unlock_parents(o->dir, n->dir);
		if (moved)
			tell(o, n, o->child->inode, n->child ? n->child->inode : NULL, flags);
	}
	dentry_put(o->child);
	dentry_put(n->child);
	walk_end(&o->w);
	walk_end(&n->w);
	kfree(o);
	return err;
}

static int rename_at(int odfd, ustr uold, int ndfd, ustr unew, unsigned flags)
{
	char *oname = NULL, *nname = NULL;
	int err;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if ((flags & RENAME_NOREPLACE) && (flags & RENAME_EXCHANGE))
		return -EINVAL;
	err = name_from_user(uold, &oname);
	if (!err)
		err = name_from_user(unew, &nname);
	if (!err)
		err = rename_names(odfd, oname, ndfd, nname, flags);
	name_put(oname);
	name_put(nname);
	return err;
}

SYSCALL2(rename, ustr, oldname, ustr, newname)
{
	return rename_at(AT_FDCWD, oldname, AT_FDCWD, newname, 0);
}

SYSCALL4(renameat, int, odfd, ustr, oldname, int, ndfd, ustr, newname)
{
	return rename_at(odfd, oldname, ndfd, newname, 0);
}

SYSCALL5(renameat2, int, odfd, ustr, oldname, int, ndfd, ustr, newname, unsigned, flags)
{
	return rename_at(odfd, oldname, ndfd, newname, flags);
}
