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

#define MOUNT_HASH 1024u

struct spinlock mount_lock = SPINLOCK_INIT;
struct changes mount_changes;
struct mutex mount_sem;
unsigned mounts_count;
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
	if (m->group || m->master) {    /* it never came into a tree */
		spin_lock(&mount_lock);
		mount_leave_locked(m);
		spin_unlock(&mount_lock);
	}
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
	list_init(&m->children);
	list_init(&m->child_link);
	list_init(&m->peers);
	list_init(&m->slaves);
	list_init(&m->slave_link);
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
	list_push_back(&m->parent->children, &m->child_link);
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
	list_del(&m->child_link);
}

struct mount *mount_next(struct mount *m, struct mount *top, bool skip)
{
	if (!skip && !list_empty(&m->children))
		return list_first(&m->children, struct mount, child_link);
	for (; m != top; m = m->parent)
		if (m->child_link.next != &m->parent->children)
			return list_next(m, child_link);
	return NULL;
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
	ns->count++;
	mounts_count++;
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
	mount_leave_locked(m);
	if (m->ns) {
		m->ns->count--;
		mounts_count--;
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

/* m's copy in ns, on the copy of what m lies on. */
static int copy_one(struct mntns *ns, struct mount *m, bool top)
{
	struct path at = { top ? NULL : m->parent->twin, top ? NULL : m->point };
	struct mount *n = mount_new(m->sb, m->root, m->flags, m->source);
	int err = n ? mount_attach_at(ns, n, &at) : -ENOMEM;

	if (err) {
		mount_put(n);
		return err;
	}
	m->twin = n;
	spin_lock(&mount_lock);
	mount_join_locked(n, m);
	n->unbindable = m->unbindable;
	spin_unlock(&mount_lock);
	return 0;
}

/* A copy of every mount of `from` (attached by the same points), the paths in
 * fs moved over to the copies. */
static int copy_locked(struct mntns *from, struct mntns *ns, struct fs_info *fs)
{
	struct path *paths[2] = { &fs->root, &fs->cwd };
	struct mount *m, *top = from->root;
	int err = 0;

	for (m = top; m && !err; m = mount_next(m, top, false))
		err = copy_one(ns, m, m == top);
	for (unsigned j = 0; j < 2 && fs && !err; j++) {
		struct mount *old = paths[j]->mnt;

		if (!old || !old->twin)
			continue;
		spin_lock(&fs->lock);
		paths[j]->mnt = mount_get(old->twin);
		spin_unlock(&fs->lock);
		mount_put(old);
	}
	for (m = top; m; m = mount_next(m, top, false))
		m->twin = NULL;
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
	int err = file_open_path(p, flags, false, ret);

	if (!err)
		file_no_writer(*ret);
	return err;
}
