/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts and mount namespaces.
 *
 * A mount puts a dentry (usually a super block's root) on another dentry.  The
 * tree of one namespace is a list; children are found through a hash of
 * (parent mount, dentry).  A mount that is attached holds its parent and its
 * mount point; the tree holds the mount.
 *
 * Lock: mount_lock (spin) guards trees, lists, hash and dentry->mounted. */
#include "kernel/vfs/internal.h"

#define MOUNT_HASH 64u

struct spinlock mount_lock = SPINLOCK_INIT;
struct changes mount_changes;
struct mutex mount_sem;
struct list mounts_all = LIST_INIT(mounts_all);
static struct mount *mount_hash[MOUNT_HASH];
static uint32_t next_mount_id = 20;
static uint64_t next_ns_ino = 4026531840ull;

static struct mount **bucket(const struct mount *m, const struct dentry *d)
{
	return &mount_hash[hash_u64((uint64_t)(uintptr_t)m ^ (uint64_t)(uintptr_t)d << 7) % MOUNT_HASH];
}

struct mount *mount_get(struct mount *m)
{
	if (m)
		ref_get(&m->ref);
	return m;
}

static void mount_gone(struct lockless *l)
{
	kfree(container_of(l, struct mount, gone));
}

void mount_put(struct mount *m)
{
	if (!m || !ref_put(&m->ref))
		return;
	dentry_put(m->root);
	super_put(m->sb);
	kfree(m->source);
	lockless_free(&m->gone, mount_gone);
}

void path_get(struct path *p)
{
	mount_get(p->mnt);
	dentry_get(p->dentry);
}

void path_put(struct path *p)
{
	struct path old = *p;

	*p = (struct path){ 0 };
	dentry_put(old.dentry);
	mount_put(old.mnt);
}

struct mount *mount_new(struct super_block *sb, struct dentry *root, unsigned flags, const char *source)
{
	struct mount *m = kzalloc(sizeof(*m));

	if (!m)
		return NULL;
	m->source = kstrdup(source && *source ? source : "none");
	if (!m->source) {
		kfree(m);
		return NULL;
	}
	ref_init(&m->ref);
	ref_get(&sb->ref);
	m->sb = sb;
	m->root = dentry_get(root);
	m->flags = flags;
	m->id = __atomic_fetch_add(&next_mount_id, 1, __ATOMIC_RELAXED);
	list_init(&m->ns_link);
	list_init(&m->all_link);
	return m;
}

struct mntns *mntns_new(void)
{
	struct mntns *ns = kzalloc(sizeof(*ns));

	if (!ns)
		return NULL;
	ref_init(&ns->ref);
	list_init(&ns->mounts);
	ns->ino = __atomic_fetch_add(&next_ns_ino, 1, __ATOMIC_RELAXED);
	return ns;
}

struct mntns *mntns_get(struct mntns *ns)
{
	if (ns)
		ref_get(&ns->ref);
	return ns;
}

/* Under mount_lock, or within lockless_begin(): then it may be wrong unless
 * mount_changes says that nothing changed. */
struct mount *mount_child_locked(struct mount *m, struct dentry *d)
{
	struct mount *c = __atomic_load_n(bucket(m, d), __ATOMIC_ACQUIRE);

	for (unsigned k = 0; c && k < MOUNT_MAX; k++, c = __atomic_load_n(&c->hash_next, __ATOMIC_ACQUIRE))
		if (__atomic_load_n(&c->parent, __ATOMIC_RELAXED) == m &&
		    __atomic_load_n(&c->point, __ATOMIC_RELAXED) == d)
			return c;
	return NULL;
}

void mount_peek(struct path *p)
{
	struct mount *c;

	while (__atomic_load_n(&p->dentry->mounted, __ATOMIC_ACQUIRE) && (c = mount_child_locked(p->mnt, p->dentry)))
		*p = (struct path){ c, c->root };
}

bool mount_descend(struct path *p)
{
	bool moved = false;

	while (__atomic_load_n(&p->dentry->mounted, __ATOMIC_ACQUIRE)) {
		struct mount *c;

		spin_lock(&mount_lock);
		c = mount_get(mount_child_locked(p->mnt, p->dentry));
		spin_unlock(&mount_lock);
		if (!c)
			break;
		path_put(p);
		p->mnt = c;
		p->dentry = dentry_get(c->root);
		moved = true;
	}
	return moved;
}

bool mount_ascend(struct path *p)
{
	struct path up;

	spin_lock(&mount_lock);
	up.mnt = mount_get(p->mnt->parent);
	up.dentry = up.mnt ? dentry_get(p->mnt->point) : NULL;
	spin_unlock(&mount_lock);
	if (!up.mnt)
		return false;
	path_put(p);
	*p = up;
	return true;
}

void mount_hash_locked(struct mount *m)
{
	struct mount **head = bucket(m->parent, m->point);

	__atomic_store_n(&m->hash_next, *head, __ATOMIC_RELEASE);
	m->hash_prev = head;
	if (*head)
		(*head)->hash_prev = &m->hash_next;
	__atomic_store_n(head, m, __ATOMIC_RELEASE);
	__atomic_fetch_add(&m->point->mounted, 1, __ATOMIC_RELEASE);
}

void mount_unhash_locked(struct mount *m)
{
	if (!m->hash_prev)
		return;
	__atomic_store_n(m->hash_prev, m->hash_next, __ATOMIC_RELEASE);
	if (m->hash_next)
		m->hash_next->hash_prev = m->hash_prev;
	m->hash_prev = NULL;
	__atomic_fetch_sub(&m->point->mounted, 1, __ATOMIC_RELEASE);
}

/* The tree changes: a walk that read it meanwhile begins again. */
void mount_lock_change(void)
{
	spin_lock(&mount_lock);
	changes_begin(&mount_changes);
}

void mount_unlock_change(void)
{
	changes_end(&mount_changes);
	spin_unlock(&mount_lock);
}

/* Consumes parent and point; without them m is the namespace's root. */
void mount_link_locked(struct mntns *ns, struct mount *m, struct mount *parent, struct dentry *point)
{
	m->ns = ns;
	list_push_back(&ns->mounts, &m->ns_link);
	list_push_back(&mounts_all, &m->all_link);
	ns->count++;
	if (parent) {
		__atomic_store_n(&m->parent, parent, __ATOMIC_RELAXED);
		__atomic_store_n(&m->point, point, __ATOMIC_RELAXED);
		mount_hash_locked(m);
	} else {
		ns->root = m;
	}
}

/* at: NULL or a path whose references are copied. */
int mount_attach_at(struct mntns *ns, struct mount *m, struct path *at)
{
	struct path p = { 0 };

	if (at && at->dentry) {
		p = *at;
		path_get(&p);
		mount_descend(&p);
		if (S_ISDIR(inode_mode(p.dentry->inode)) != S_ISDIR(inode_mode(m->root->inode))) {
			path_put(&p);
			return -ENOTDIR;
		}
	}
	mount_lock_change();
	if (ns->count >= MOUNT_MAX || (p.mnt && p.mnt->ns != ns)) {
		int err = ns->count >= MOUNT_MAX ? -ENOSPC : -EINVAL;

		mount_unlock_change();
		path_put(&p);
		return err;
	}
	mount_link_locked(ns, m, p.mnt, p.dentry);
	mount_unlock_change();
	return 0;
}

int mount_attach(struct mntns *ns, struct super_block *sb, struct path *at, unsigned flags, const char *source)
{
	struct mount *m = mount_new(sb, sb->root, flags, source);
	int err;

	if (!m)
		return -ENOMEM;
	err = mount_attach_at(ns, m, at);
	if (err)
		mount_put(m);
	return err;
}

void mount_unlink_locked(struct mount *m, struct path *ret_up)
{
	*ret_up = (struct path){ m->parent, m->point };
	mount_unhash_locked(m);
	list_del(&m->ns_link);
	list_del(&m->all_link);
	mount_leave_locked(m);
	if (m->ns) {
		m->ns->count--;
		if (m->ns->root == m)
			m->ns->root = NULL;
	}
	__atomic_store_n(&m->parent, NULL, __ATOMIC_RELAXED);
	__atomic_store_n(&m->point, NULL, __ATOMIC_RELAXED);
	m->ns = NULL;
}

void mntns_put(struct mntns *ns)
{
	if (!ns || !ref_put(&ns->ref))
		return;
	mutex_lock(&mount_sem);
	for (;;) {
		struct mount *m = NULL;
		struct path up = { 0 };

		mount_lock_change();
		if (!list_empty(&ns->mounts)) {
			m = list_last(&ns->mounts, struct mount, ns_link);
			mount_unlink_locked(m, &up);
		}
		mount_unlock_change();
		if (!m)
			break;
		path_put(&up);
		mount_put(m);
	}
	mutex_unlock(&mount_sem);
	kfree(ns);
}

int mount_root_path(struct mntns *ns, struct path *ret)
{
	struct path p;

	spin_lock(&mount_lock);
	p.mnt = mount_get(ns->root);
	spin_unlock(&mount_lock);
	if (!p.mnt)
		return -ENOENT;
	p.dentry = dentry_get(p.mnt->root);
	mount_descend(&p);
	*ret = p;
	return 0;
}

/* A copy of every mount of `from` (attached by the same points), the paths in
 * fs moved over to the copies. */
static int copy_locked(struct mntns *from, struct mntns *ns, struct fs_info *fs)
{
	struct pair { struct mount *old, *new; } *map;
	struct mount *m;
	unsigned n = 0, cap;
	int err = -ENOMEM;

	cap = __atomic_load_n(&from->count, __ATOMIC_RELAXED) + 16;
	map = kzalloc(cap * sizeof(*map));
	if (!map)
		return -ENOMEM;
	spin_lock(&mount_lock);
	list_for_each(m, &from->mounts, ns_link)
		if (n < cap)
			map[n++].old = mount_get(m);
	spin_unlock(&mount_lock);
	for (unsigned k = 0; k < n; k++) {
		struct path at = { 0 };
		struct mount *old = map[k].old;

		spin_lock(&mount_lock);
		for (unsigned j = 0; j < k && old->parent; j++)
			if (map[j].old == old->parent) {
				at.mnt = map[j].new;
				at.dentry = dentry_get(old->point);
			}
		spin_unlock(&mount_lock);
		m = mount_new(old->sb, old->root, old->flags, old->source);
		if (!m) {
			dentry_put(at.dentry);
			goto fail_map;
		}
		err = mount_attach_at(ns, m, at.dentry ? &at : NULL);
		dentry_put(at.dentry);
		if (err) {
			mount_put(m);
			goto fail_map;
		}
		map[k].new = m;
		spin_lock(&mount_lock);
		m->group = old->group;
		m->master = old->master;
		m->unbindable = old->unbindable;
		spin_unlock(&mount_lock);
	}
	if (fs) {
		struct path *paths[2] = { &fs->root, &fs->cwd };

		for (unsigned k = 0; k < n; k++)
			for (unsigned j = 0; j < 2; j++) {
				if (paths[j]->mnt != map[k].old)
					continue;
				spin_lock(&fs->lock);
				paths[j]->mnt = mount_get(map[k].new);
				spin_unlock(&fs->lock);
				mount_put(map[k].old);
			}
	}
	err = 0;
fail_map:
	for (unsigned k = 0; k < n; k++)
		mount_put(map[k].old);
	kfree(map);
	return err;
}

int mntns_copy(struct mntns *from, struct mntns **ret, struct fs_info *fs)
{
	struct mntns *ns = mntns_new();
	int err;

	if (!ns)
		return -ENOMEM;
	mutex_lock(&mount_sem);
	err = copy_locked(from, ns, fs);
	mutex_unlock(&mount_sem);
	if (err)
		mntns_put(ns);
	else
		*ret = ns;
	return err;
}

bool file_reads_touch(const struct file *f, int64_t atime_ns, int64_t changed_ns)
{
	unsigned flags = f->path.mnt ? mount_flags(f->path.mnt) : 0;
	const int64_t day_ns = 86400ll * (int64_t)NSEC_PER_SEC;

	if ((f->flags & O_NOATIME) || (flags & (MNT_NOATIME | MNT_READONLY)))
		return false;
	return (flags & MNT_STRICTATIME) || atime_ns <= changed_ns || vfs_now_ns() - atime_ns >= day_ns;
}

unsigned mount_flags(const struct mount *m)
{
	return __atomic_load_n(&m->flags, __ATOMIC_RELAXED);
}

int path_nameless(struct mount **mnt, struct super_block *sb, const char *name, size_t n,
		  struct inode *i, struct path *ret)
{
	struct mount *m = __atomic_load_n(mnt, __ATOMIC_ACQUIRE);
	struct dentry *d;

	if (!m) {
		struct mount *none = NULL;

		m = mount_new(sb, sb->root, 0, NULL);
		if (!m)
			return -ENOMEM;
		if (!__atomic_compare_exchange_n(mnt, &none, m, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
			mount_put(m);
			m = none;
		}
	}
	d = dentry_new(sb->root, name, n, i);
	if (!d)
		return -ENOMEM;
	*ret = (struct path){ mount_get(m), d };
	return 0;
}

int path_open_nameless(const struct path *p, uint32_t flags, struct file **ret)
{
	return file_open_path(p, flags, false, ret);
}
