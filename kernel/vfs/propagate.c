/* SPDX-License-Identifier: Apache-2.0 */
/* Propagation of mounts: mount_namespaces(7), "shared subtrees".
 *
 * A mount is in at most one peer group and the slave of at most one, both by
 * number.  What is mounted on a mount of a group is mounted on its peers as
 * well, on the slaves of the group, on their peers, and so on: where it
 * propagates to is the closure over the numbers, looked for among all mounts.
 * A group without a mount is no more; its slaves follow its master.
 *
 * Lock: mount_sem, so that trees stand still while copies are made; mount_lock
 * for every change of them. */
#include "kernel/vfs/internal.h"
#include <linux_abi/mount.h>

#define GROUPS_MAX 256u                 /* that one event reaches */

static uint32_t next_group = 1;         /* mount_lock */

/* Groups that receive, the first that of the mount where it happens; and for
 * each, where the copies' groups are numbered from. */
struct reach { unsigned count; struct { uint32_t group, base; } at[GROUPS_MAX]; };

static bool reaches(const struct reach *r, uint32_t group)
{
	for (unsigned k = 0; group && k < r->count; k++)
		if (r->at[k].group == group)
			return true;
	return false;
}

static void find_reach(struct reach *r, const struct mount *p)
{
	struct mount *m;

	r->count = 0;
	if (!p->group)
		return;
	r->at[r->count++].group = p->group;
	for (bool more = true; more;) {
		more = false;
		list_for_each(m, &mounts_all, all_link)
			if (m->group && reaches(r, m->master) && !reaches(r, m->group) && r->count < GROUPS_MAX) {
				r->at[r->count++].group = m->group;
				more = true;
			}
	}
	for (unsigned k = 0; k < r->count; k++)
		r->at[k].base = 0;
}

/* What happens at d of p happens on m too. */
static bool receives(const struct reach *r, const struct mount *m, const struct mount *p, struct dentry *d)
{
	return m != p && m->sb == p->sb && (reaches(r, m->group) || reaches(r, m->master)) &&
	       dcache_is_ancestor(m->root, d);
}

void mount_leave_locked(struct mount *m)
{
	uint32_t group = m->group, master = m->master;
	struct mount *o;

	m->group = m->master = 0;
	if (!group)
		return;
	list_for_each(o, &mounts_all, all_link)
		if (o->group == group)
			return;
	list_for_each(o, &mounts_all, all_link)
		if (o->master == group)
			o->master = master;
}

void mount_set_type_locked(struct mount *m, uint64_t type)
{
	uint32_t group = m->group, master = m->master;
	struct mount *o;

	m->unbindable = type == MS_UNBINDABLE;
	if (type == MS_SHARED) {
		if (!m->group)
			m->group = next_group++;
	} else if (type != MS_SLAVE) {
		mount_leave_locked(m);
	} else if (group) {
		mount_leave_locked(m);
		m->master = master;
		list_for_each(o, &mounts_all, all_link)
			if (o->group == group)
				m->master = group;
	}
}

/* ---- attaching ---- */

/* The group of the copies of branch k on mounts of this group. */
static uint32_t group_of_copies(struct reach *r, const struct mount_tree *t, uint32_t group, unsigned k)
{
	for (unsigned n = 0; group && n < r->count; n++) {
		if (r->at[n].group != group)
			continue;
		if (!n)
			return t->branch[k].m->group;
		if (!r->at[n].base) {
			r->at[n].base = next_group;
			next_group += t->count;
		}
		return r->at[n].base + k;
	}
	return 0;
}

/* A receiver and its copies, one for each branch. */
struct copy { struct mount *on, **m; };

static struct mount **copies_new(const struct mount_tree *t)
{
	struct mount **m = kzalloc(t->count * sizeof(*m));

	for (unsigned k = 0; m && k < t->count; k++) {
		const struct mount *s = t->branch[k].m;

		m[k] = mount_new(s->sb, s->root, s->flags, s->source);
		if (m[k])
			continue;
		while (k--)
			mount_put(m[k]);
		kfree(m);
		return NULL;
	}
	return m;
}

/* Who is to have a copy, counted. */
static int find_receivers(struct reach *r, const struct mount_tree *t, const struct path *at, struct copy **ret,
			  unsigned *ret_count)
{
	struct mount *m;
	unsigned n = 0, cap = 0;
	int err = 0;

	*ret = NULL;
	*ret_count = 0;
	spin_lock(&mount_lock);
	find_reach(r, at->mnt);
	list_for_each(m, &mounts_all, all_link)
		cap += receives(r, m, at->mnt, at->dentry);
	spin_unlock(&mount_lock);
	if (!cap)
		return 0;
	*ret = kzalloc(cap * sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	spin_lock(&mount_lock);
	list_for_each(m, &mounts_all, all_link) {
		bool inside = false;

		for (unsigned k = 0; k < t->count; k++)
			inside |= m == t->branch[k].m;
		if (n < cap && !inside && receives(r, m, at->mnt, at->dentry))
			(*ret)[n++].on = mount_get(m);
	}
	spin_unlock(&mount_lock);
	*ret_count = n;
	for (unsigned k = 0; k < n && !err; k++) {
		(*ret)[k].m = copies_new(t);
		err = (*ret)[k].m ? 0 : -ENOMEM;
	}
	return err;
}

static void copies_free(struct copy *c, unsigned count, const struct mount_tree *t)
{
	for (unsigned n = 0; n < count; n++) {
		for (unsigned k = 0; c[n].m && k < t->count; k++)
			mount_put(c[n].m[k]);
		kfree(c[n].m);
		mount_put(c[n].on);
	}
	kfree(c);
}

/* m on point of parent, below what is there already. */
static void link_below(struct mntns *ns, struct mount *m, struct mount *parent, struct dentry *point)
{
	struct mount *top = mount_child_locked(parent, point);

	if (top) {
		mount_unhash_locked(top);
		/* Its references to the place become m's. */
		__atomic_store_n(&top->parent, mount_get(m), __ATOMIC_RELAXED);
		__atomic_store_n(&top->point, dentry_get(m->root), __ATOMIC_RELAXED);
	} else {
		mount_get(parent);
		dentry_get(point);
	}
	mount_link_locked(ns, m, parent, point);
	if (top)
		mount_hash_locked(top);
}

static void link_copy(struct reach *r, const struct mount_tree *t, struct copy *c, const struct path *at)
{
	const struct mount *on = c->on;
	bool peer = on->group && on->group == at->mnt->group;

	for (unsigned k = 0; k < t->count; k++) {
		const struct mount_branch *b = &t->branch[k];
		struct mount *m = c->m[k];

		m->group = peer ? b->m->group : group_of_copies(r, t, on->group, k);
		m->master = peer ? b->m->master : group_of_copies(r, t, on->master, k);
		m->unbindable = b->m->unbindable;
		if (k)
			link_below(on->ns, m, c->m[b->on], b->point);
		else
			link_below(on->ns, m, c->on, at->dentry);
	}
	kfree(c->m);                    /* they are the tree's now */
	c->m = NULL;
}

/* attached: the tree is in its place already, and only its copies are missing. */
static int graft(const struct mount_tree *t, const struct path *at, bool attached)
{
	struct mntns *ns = at->mnt->ns;
	struct reach *r = kmalloc(sizeof(*r));
	struct copy *c = NULL;
	unsigned n = 0;
	int err = r ? find_receivers(r, t, at, &c, &n) : -ENOMEM;

	if (err)
		goto out;
	mount_lock_change();
	if (!ns || at->mnt->ns != ns)
		err = -EINVAL;
	else if (!attached && ns->count + t->count > MOUNT_MAX)
		err = -ENOSPC;
	for (unsigned k = 0; k < n && !err; k++)
		if (c[k].on->ns && c[k].on->ns->count + (n + 1) * t->count > MOUNT_MAX)
			err = -ENOSPC;
	for (unsigned k = 0; k < t->count && !err; k++) {
		const struct mount_branch *b = &t->branch[k];

		if (at->mnt->group && !b->m->group)
			b->m->group = next_group++;
		if (!attached)
			mount_link_locked(ns, b->m, mount_get(k ? t->branch[b->on].m : at->mnt),
					  dentry_get(k ? b->point : at->dentry));
	}
	for (unsigned k = 0; k < n && !err; k++)
		if (c[k].on->ns)        /* its namespace may have ended */
			link_copy(r, t, &c[k], at);
	mount_unlock_change();
out:
	copies_free(c, n, t);
	kfree(r);
	return err;
}

int mount_graft(const struct mount_tree *tree, const struct path *at)
{
	struct path p = *at;
	bool dir;
	int err;

	path_get(&p);
	mount_descend(&p);
	dir = S_ISDIR(inode_mode(p.dentry->inode));
	err = dir != S_ISDIR(inode_mode(tree->branch[0].m->root->inode)) ? -ENOTDIR : graft(tree, &p, false);
	path_put(&p);
	return err;
}

int mount_spread(struct mount *top, const struct path *to)
{
	struct mount_branch *b = NULL;
	struct mount_tree t = { 0 };
	unsigned cap = 1;
	struct mount *m;
	int err;

	if (!to->mnt->group)
		return 0;
	spin_lock(&mount_lock);
	cap += top->ns ? top->ns->count : 0;
	spin_unlock(&mount_lock);
	b = kmalloc(cap * sizeof(*b));
	if (!b)
		return -ENOMEM;
	t.branch = b;
	b[t.count++] = (struct mount_branch){ .m = mount_get(top) };
	spin_lock(&mount_lock);
	for (unsigned k = 0; k < t.count; k++)
		list_for_each(m, &mounts_all, all_link)
			if (m->parent == b[k].m && t.count < cap)
				b[t.count++] = (struct mount_branch){ mount_get(m), k, m->point };
	spin_unlock(&mount_lock);
	err = graft(&t, to, true);
	for (unsigned k = 0; k < t.count; k++)
		mount_put(b[k].m);
	kfree(b);
	return err;
}

/* ---- detaching ---- */

static void add_victim(struct mount **list, unsigned *n, struct mount *m)
{
	if (m->victim)
		return;
	m->victim = true;
	list[(*n)++] = m;
}

/* Of those that went with others, list[from..]: away with who has other mounts in it. */
static unsigned drop_used(struct mount **list, unsigned from, unsigned n)
{
	struct mount *m;
	unsigned to;

	for (bool more = true; more;) {
		more = false;
		list_for_each(m, &mounts_all, all_link)
			if (!m->victim && m->parent && m->parent->victim && m->point != m->parent->root) {
				m->parent->victim = false;
				more = true;
			}
		to = from;
		for (unsigned k = from; k < n; k++)
			if (list[k]->victim)
				list[to++] = list[k];
		n = to;
	}
	return n;
}

/* Those that lie on it, and then those that went with one of them and have
 * nothing else in them (what covers one comes down to its place); into list, which
 * has room for all mounts, each behind what it lies on. */
static unsigned find_victims(struct reach *r, struct mount *top, struct mount **list)
{
	unsigned n = 0, own;
	struct mount *m;

	add_victim(list, &n, top);
	for (unsigned k = 0; k < n; k++)
		list_for_each(m, &mounts_all, all_link)
			if (m->parent == list[k])
				add_victim(list, &n, m);
	own = n;
	for (unsigned k = 0; k < own; k++) {
		if (!list[k]->parent->group)
			continue;
		find_reach(r, list[k]->parent);
		list_for_each(m, &mounts_all, all_link)
			if (!m->victim && m->parent && m->point == list[k]->point &&
			    receives(r, m->parent, list[k]->parent, m->point))
				add_victim(list, &n, m);
	}
	n = drop_used(list, own, n);
	for (unsigned k = 0; k < n; k++)
		list[k]->victim = false;
	return n;
}

/* Takes m out; what covers it takes its place.  What is to be put then: *ret_rest. */
static void take_out(struct mount *m, struct path *ret_rest)
{
	struct mount *cover = mount_child_locked(m, m->root);
	struct path up;

	mount_unlink_locked(m, &up);
	*ret_rest = up;
	if (!cover)
		return;
	*ret_rest = (struct path){ m, m->root };        /* cover held these */
	mount_unhash_locked(cover);
	__atomic_store_n(&cover->parent, up.mnt, __ATOMIC_RELAXED);
	__atomic_store_n(&cover->point, up.dentry, __ATOMIC_RELAXED);
	mount_hash_locked(cover);
}

int mount_detach(struct mount *m, bool lazy)
{
	struct reach *r = kmalloc(sizeof(*r));
	struct mount **list, *o;
	unsigned cap = 1, n = 0;
	int err = 0;

	spin_lock(&mount_lock);
	list_for_each(o, &mounts_all, all_link)
		cap++;
	spin_unlock(&mount_lock);
	list = kmalloc(cap * sizeof(*list));
	if (!r || !list) {
		err = -ENOMEM;
		goto out;
	}
	mount_lock_change();
	if (!m->ns || !m->parent)
		err = -EINVAL;
	else if (!lazy && ref_read(&m->ref) > 2)
		err = -EBUSY;
	if (!err)
		n = find_victims(r, m, list);
	for (unsigned k = 1; k < n && !err; k++)
		if (!lazy && ref_read(&list[k]->ref) > (mount_child_locked(list[k], list[k]->root) ? 2u : 1u))
			err = -EBUSY;
	while (!err && n) {
		struct mount *leaf = list[--n];
		struct path rest;

		take_out(leaf, &rest);
		mount_unlock_change();
		path_put(&rest);
		mount_put(leaf);        /* the tree's reference */
		mount_lock_change();
	}
	mount_unlock_change();
out:
	kfree(list);
	kfree(r);
	return err;
}
