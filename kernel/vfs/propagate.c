/* SPDX-License-Identifier: Apache-2.0 */
/* Propagation of mounts: mount_namespaces(7), "shared subtrees".
 *
 * A mount is in at most one peer group and the slave of at most one.  What is
 * mounted on a mount of a group is mounted on its peers as well, on the slaves
 * of the group, on their peers, and so on.  Peers are a ring; the slaves of a
 * group are in lists that its members keep, and go to another member or to the
 * group's own master when theirs leaves.  All peers have the same master.
 *
 * An event goes once through the mounts that it reaches, breadth first, and
 * notes in them how it came there.
 *
 * Lock: mount_sem, so that trees and groups stand still and notes can be made;
 * mount_lock for every change of them. */
#include "kernel/vfs/internal.h"
#include <linux_abi/mount.h>

#define STEPS_MAX 10000u                /* then another task may have the CPU */

static uint32_t new_group(void)
{
	static uint32_t last;           /* mount_lock */

	return ++last ? last : ++last;
}

/* ---- groups ---- */

void mount_join_locked(struct mount *m, struct mount *o)
{
	m->group = o->group;
	if (o->group)
		list_push_back(&o->peers, &m->peers);
	m->master = o->master;
	if (o->master)
		list_push_back(&o->slave_link, &m->slave_link);
}

static void follow_locked(struct mount *m, struct mount *master)
{
	m->master = master->group;
	list_push_back(&master->slaves, &m->slave_link);
}

static void leave_group_locked(struct mount *m)
{
	struct mount *s, *tmp;

	if (!list_empty(&m->peers)) {
		list_splice_back(&list_first(&m->peers, struct mount, peers)->slaves, &m->slaves);
		list_del(&m->peers);
	}
	list_for_each_safe(s, tmp, &m->slaves, slave_link) {
		s->master = m->master;
		if (!m->master)
			list_del(&s->slave_link);
	}
	list_splice_back(&m->slave_link, &m->slaves);
	m->group = 0;
}

void mount_leave_locked(struct mount *m)
{
	leave_group_locked(m);
	list_del(&m->slave_link);
	m->master = 0;
}

void mount_set_type_locked(struct mount *m, uint64_t type)
{
	struct mount *peer = list_first(&m->peers, struct mount, peers);

	m->unbindable = type == MS_UNBINDABLE;
	if (type == MS_SHARED) {
		if (!m->group)
			m->group = new_group();
	} else if (type != MS_SLAVE) {
		mount_leave_locked(m);
	} else if (m->group && peer != m) {
		mount_leave_locked(m);
		follow_locked(m, peer);
	} else {
		leave_group_locked(m);
	}
}

/* ---- where an event goes ---- */

/* m's group is reached from that of up; behind *tail. */
static void reach_group(struct mount *m, struct mount *up, struct mount **tail)
{
	struct mount *x = m;

	do {
		x->reach = (struct mount_reach){ .first = m, .up = up };
		if (*tail)
			(*tail)->reach.next = x;
		*tail = x;
		x = list_next(x, peers);
	} while (x != m);
}

/* From p, which has a group, on: a list by reach.next.  reach.first: the
 * first of the same group, or the slave itself; reach.up: the first of the
 * group that it is the slave of, NULL in p's own.  Until reach_end(). */
static void reach_begin(struct mount *p)
{
	struct mount *tail = NULL, *s;

	reach_group(p, NULL, &tail);
	for (struct mount *m = p; m; m = m->reach.next)
		list_for_each(s, &m->slaves, slave_link)
			if (!s->reach.first)
				reach_group(s, m->reach.first, &tail);
}

static void reach_end(struct mount *p)
{
	for (struct mount *m = p, *next; m; m = next) {
		next = m->reach.next;
		m->reach = (struct mount_reach){ 0 };
	}
}

/* What happens at d of p happens on m too, which p reaches; not on what is only coming. */
static bool receives(const struct mount *m, const struct mount *p, struct dentry *d)
{
	return m != p && m->ns && m->sb == p->sb && dcache_is_ancestor(m->root, d);
}

/* ---- attaching ---- */

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

/* Who is to have a copy of t, in the order of reach; -ENOSPC when that is too much for a namespace.
 * reach.up becomes the nearest group above that has copies. */
static int find_receivers(const struct mount_tree *t, const struct path *at, struct copy **ret, unsigned *ret_count)
{
	struct mount *m, *p = at->mnt;
	unsigned n = 0, cap = 0;
	int err = 0;

	for (m = p; m; m = m->reach.next)
		cap++;
	*ret = kmalloc(cap * sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	for (unsigned k = 0; k < t->count; k++)
		t->branch[k].m->twin = p;               /* a tree that has been moved is no place for itself */
	for (m = p; m; m = m->reach.next) {
		struct mount *up = m->reach.up;

		if (up && up != p && !up->reach.copies)
			m->reach.up = up->reach.up;
		if (m->twin || !receives(m, p, at->dentry))
			continue;
		m->reach.first->reach.copies = &p;      /* some: the real ones follow */
		(*ret)[n++] = (struct copy){ .on = m };
		m->ns->coming += t->count;
		if (m->ns->count + m->ns->coming > MOUNT_MAX)
			err = -ENOSPC;
	}
	for (unsigned k = 0; k < t->count; k++)
		t->branch[k].m->twin = NULL;
	for (unsigned k = 0; k < n; k++) {
		(*ret)[k].on->ns->coming = 0;
		(*ret)[k].on->reach.first->reach.copies = NULL;
	}
	*ret_count = n;
	return err;
}

static int make_copies(const struct mount_tree *t, struct copy *c, unsigned count)
{
	for (unsigned k = 0; k < count; k++) {
		c[k].m = copies_new(t);
		if (!c[k].m)
			return -ENOMEM;
	}
	return 0;
}

static void copies_free(struct copy *c, unsigned count, const struct mount_tree *t, bool used)
{
	for (unsigned n = 0; n < count; n++) {
		for (unsigned k = 0; c[n].m && !used && k < t->count; k++)
			mount_put(c[n].m[k]);
		kfree(c[n].m);
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

/* m, the copy of branch k on `on`, gets the groups that it has there. */
static void group_copy(struct mount *m, const struct mount *on, const struct mount_branch *b, unsigned k)
{
	const struct mount *first = on->reach.first, *up = first->reach.up;

	m->unbindable = b->m->unbindable;
	if (!up) {
		mount_join_locked(m, b->m);
	} else if (on->group && first->reach.copies) {
		mount_join_locked(m, first->reach.copies[k]);
	} else {
		if (on->group)
			m->group = new_group();
		follow_locked(m, up->reach.copies ? up->reach.copies[k] : b->m);
	}
}

static void link_copy(const struct mount_tree *t, struct copy *c, const struct path *at)
{
	struct mount *on = c->on;

	for (unsigned k = 0; k < t->count; k++) {
		const struct mount_branch *b = &t->branch[k];

		group_copy(c->m[k], on, b, k);
		link_below(on->ns, c->m[k], k ? c->m[b->on] : on, k ? b->point : at->dentry);
	}
	if (on->reach.first->reach.up)
		on->reach.first->reach.copies = c->m;
}

/* attached: the tree is in its place already, and only its copies are missing. */
static int graft(const struct mount_tree *t, const struct path *at, bool attached)
{
	struct mount *p = at->mnt;
	struct mntns *ns = p->ns;
	struct copy *c = NULL;
	unsigned n = 0;
	int err = 0;

	if (!ns)
		return -EINVAL;
	ns->coming = attached ? 0 : t->count;
	if (ns->count + ns->coming > MOUNT_MAX)
		err = -ENOSPC;
	if (p->group && !err) {
		reach_begin(p);
		err = find_receivers(t, at, &c, &n);
		if (!err)
			err = make_copies(t, c, n);
	}
	ns->coming = 0;
	if (!err) {
		mount_lock_change();
		for (unsigned k = 0; k < t->count; k++) {
			const struct mount_branch *b = &t->branch[k];

			if (p->group && !b->m->group)
				b->m->group = new_group();
			if (!attached)
				mount_link_locked(ns, b->m, mount_get(k ? t->branch[b->on].m : p),
						  dentry_get(k ? b->point : at->dentry));
		}
		for (unsigned k = 0; k < n; k++)
			link_copy(t, &c[k], at);
		mount_unlock_change();
	}
	copies_free(c, n, t, !err);
	if (p->group)
		reach_end(p);
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
	struct mount_tree t = { 0 };
	int err;

	if (!to->mnt->group || !top->ns)
		return 0;
	t.branch = kmalloc(top->ns->count * sizeof(*t.branch));
	if (!t.branch)
		return -ENOMEM;
	for (struct mount *m = top; m; m = mount_next(m, top, false)) {
		t.branch[t.count] = (struct mount_branch){ m, m == top ? 0 : m->parent->at - 1, m->point };
		m->at = ++t.count;
	}
	err = graft(&t, to, true);
	kfree(t.branch);
	return err;
}

/* ---- detaching ---- */

static void add_victim(struct mount **list, unsigned *n, struct mount *m)
{
	if (!m || m->victim)
		return;
	m->victim = true;
	list[(*n)++] = m;
}

/* What went with m: at its place in the mounts that its parent reaches. */
static void add_copies(struct mount **list, unsigned *n, const struct mount *m, unsigned *steps)
{
	struct mount *p = m->parent;

	if (!p->group)
		return;
	reach_begin(p);
	for (struct mount *o = p; o; o = o->reach.next) {
		if (!list_empty(&o->children) && receives(o, p, m->point))
			add_victim(list, n, mount_child_locked(o, m->point));
		if (!(++*steps % STEPS_MAX))
			sched_yield();
	}
	reach_end(p);
}

/* v stays, and so does what it lies in. */
static void spare(struct mount *v)
{
	for (; v->victim; v = v->parent) {
		v->victim = false;
		if (v->point == v->parent->root)
			break;
	}
}

/* Of those that went with others, list[from..]: away with who has other mounts in it (what covers
 * one comes down to its place). */
static unsigned drop_used(struct mount **list, unsigned from, unsigned n)
{
	struct mount *c;
	unsigned to = from;

	for (unsigned k = from; k < n; k++)
		list_for_each(c, &list[k]->children, child_link)
			if (!c->victim && c->point != list[k]->root)
				spare(list[k]);
	for (unsigned k = from; k < n; k++)
		if (list[k]->victim)
			list[to++] = list[k];
	return to;
}

/* Those that lie on it, and then those that went with one of them and have
 * nothing else in them; into list, each behind what it lies on.  There is room for
 * all mounts twice. */
static unsigned find_victims(struct mount *top, struct mount **list, unsigned room)
{
	struct mount **found = list + room, *c;
	unsigned n = 0, own, count = 0, steps = 0;

	for (struct mount *m = top; m; m = mount_next(m, top, false))
		add_victim(found, &n, m);
	own = n;
	for (unsigned k = 0; k < own; k++)
		add_copies(found, &n, found[k], &steps);
	n = drop_used(found, own, n);
	for (unsigned k = 0; k < n; k++)
		if (!found[k]->parent->victim)
			list[count++] = found[k];
	for (unsigned k = 0; k < count; k++)
		list_for_each(c, &list[k]->children, child_link)
			if (c->victim)
				list[count++] = c;
	for (unsigned k = 0; k < n; k++)
		found[k]->victim = false;
	return count;
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
	unsigned room = __atomic_load_n(&mounts_count, __ATOMIC_RELAXED), n = 0;
	struct mount **list = kmalloc(2 * room * sizeof(*list));
	int err = 0;

	if (!list)
		return -ENOMEM;
	if (!m->ns || !m->parent)
		err = -EINVAL;
	else if (!lazy && ref_read(&m->ref) > 2)
		err = -EBUSY;
	if (!err)
		n = find_victims(m, list, room);
	mount_lock_change();
	for (unsigned k = 0; k < n && !err; k++)
		if (!lazy && list[k] != m &&
		    ref_read(&list[k]->ref) > (mount_child_locked(list[k], list[k]->root) ? 2u : 1u))
			err = -EBUSY;
	if (!err && !lazy && ref_read(&m->ref) > 2)
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
	kfree(list);
	return err;
}
