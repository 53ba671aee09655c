/* SPDX-License-Identifier: Apache-2.0 */
/* hostfs: super block, the table of known inodes, attribute cache.
 * See hostfs.h for locking and trust. */
#include "kernel/fs/hostfs/hostfs.h"

#include <boot.h>

static void hs_put(struct hostfs_sb *hs)
{
	if (ref_put(&hs->ref))
		kfree(hs);
}

struct list *hostfs_bucket(struct hostfs_sb *hs, uint64_t dev, uint64_t ino)
{
	return &hs->table[(hash_u64(ino) ^ hash_u64(dev)) % HOSTFS_BUCKETS];
}

/* Programs tell files apart by (st_dev, st_ino) and the tree has one st_dev:
 * objects of other host devices get numbers of their own. */
static uint64_t inside_ino(const struct hostfs_sb *hs, const struct hc_attr *a)
{
	uint64_t ino = a->ino;

	if (a->dev != hs->root_dev)
		ino ^= (uint64_t)(hash_u64(a->dev) | 1) << 32;
	return ino ? ino : 1;
}

/* Does the next read move the time of access? mount(8), relatime. */
static bool reads_move(const struct hc_attr *a)
{
	const int64_t day_ns = 86400ll * (int64_t)NSEC_PER_SEC;

	return a->atime_ns <= MAX(a->mtime_ns, a->ctime_ns) || vfs_now_ns() - day_ns >= a->atime_ns;
}

void hostfs_apply_attr(struct hostfs_node *n, const struct hc_attr *a)
{
	struct inode *i = n->inode;
	struct hostfs_blob *old;

	spin_lock(&n->attr_lock);
	old = hostfs_blob_check_locked(n, a);
	inode_set_mode(i, a->mode);
	inode_set_owner(i, a->uid, a->gid);
	inode_set_nlink(i, a->nlink);
	inode_set_size(i, a->size);
	inode_set_blocks(i, a->blocks);
	inode_set_atime(i, a->atime_ns);
	inode_set_mtime(i, a->mtime_ns);
	inode_set_ctime(i, a->ctime_ns);
	__atomic_store_n(&n->reads_touch, !n->hs->readonly && reads_move(a), __ATOMIC_RELAXED);
	n->valid_until_ns = plat_time_mono_ns() + HOSTFS_VALID_NS;
	spin_unlock(&n->attr_lock);
	hostfs_blob_put(n->hs, old);
}

/* ---- where an object is ---- */

static struct inode *find_known(struct hostfs_sb *hs, uint64_t dev, uint64_t ino)
{
	struct hostfs_node *n;
	struct list *b = hostfs_bucket(hs, dev, ino);

	list_for_each(n, b, link)
		if (n->ino == ino && n->dev == dev && ref_get_unless_zero(&n->inode->ref))
			return n->inode;
	return NULL;
}

static bool same_object(const struct hostfs_node *n, const struct hc_attr *a)
{
	return n->ino == a->ino && n->dev == a->dev && !((n->inode->mode ^ a->mode) & S_IFMT) &&
	       (n->btime_ns == a->btime_ns || !n->btime_ns || !a->btime_ns);
}

/* hs->lock.  A node whose number was given to another object leaves the table:
 * it answers for itself only. */
static struct inode *find_same(struct hostfs_sb *hs, const struct hc_attr *a)
{
	struct hostfs_node *n, *tmp;

	list_for_each_safe(n, tmp, hostfs_bucket(hs, a->dev, a->ino), link) {
		if (n->ino != a->ino || n->dev != a->dev)
			continue;
		if (!same_object(n, a))
			list_del(&n->link);
		else if (ref_get_unless_zero(&n->inode->ref))
			return n->inode;
	}
	return NULL;
}

void hostfs_unlinked(struct hostfs_node *n)
{
	bool held;

	hostfs_unbind(n->inode);
	hostfs_set_place(n, NULL, NULL, 0);
	if (inode_nlink(n->inode))
		return;
	spin_lock(&n->hs->lock);
	list_del(&n->link);             /* the host may reuse its number */
	held = !list_empty(&n->recent_link);
	if (held) {
		list_del(&n->recent_link);
		n->hs->recent_count--;
	}
	spin_unlock(&n->hs->lock);
	if (held)                       /* never the last: the caller has one */
		inode_put(n->inode);
}

void hostfs_set_place(struct hostfs_node *n, struct inode *dir, const char *name, size_t size)
{
	char *copy = NULL;
	struct inode *old;
	bool same;

	struct hostfs_node *d = dir ? hostfs_node(dir) : NULL;

	if (S_ISDIR(n->inode->mode))
		dir = NULL;
	spin_lock(&n->attr_lock);
	if (d) {
		n->dir_dev = d->dev;
		n->dir_ino = d->ino;
	}
	same = n->dir == dir && !d == !n->name && (!d || (strlen(n->name) == size && !memcmp(n->name, name, size)));
	spin_unlock(&n->attr_lock);
	if (same)
		return;
	if (d)
		copy = kstrndup(name, size);
	dir = copy && dir ? inode_get(dir) : NULL;
	spin_lock(&n->attr_lock);
	old = n->dir;
	n->dir = dir;
	name = n->name;
	n->name = copy;
	spin_unlock(&n->attr_lock);
	kfree((void *)(uintptr_t)name);
	if (old)
		inode_put(old);
}

int hostfs_place(struct hostfs_node *n, char name[HC_NAME_MAX + 1], struct inode **ret_dir)
{
	struct inode *dir = NULL;
	uint64_t dev, ino;
	bool known;

	spin_lock(&n->attr_lock);
	known = n->name;
	if (known)
		kstrlcpy(name, n->name, HC_NAME_MAX + 1);
	if (n->dir)
		dir = inode_get(n->dir);
	dev = n->dir_dev;
	ino = n->dir_ino;
	spin_unlock(&n->attr_lock);
	if (known && !dir) {
		spin_lock(&n->hs->lock);
		dir = find_known(n->hs, dev, ino);
		spin_unlock(&n->hs->lock);
	}
	*ret_dir = dir;
	return dir ? 0 : -ESTALE;
}

int hostfs_handle(struct hostfs_node *n, uint64_t *ret)
{
	char name[HC_NAME_MAX + 1];
	uint64_t none = 0, node;
	struct inode *dir;
	struct hc_attr a;
	int err;

	*ret = __atomic_load_n(&n->handle, __ATOMIC_ACQUIRE);
	if (*ret)
		return 0;
	err = hostfs_place(n, name, &dir);
	if (err)
		return err;
	err = hc_lookup(hostfs_node(dir)->handle, name, strlen(name), &node, &a);
	inode_put(dir);
	if (err)
		return err == -ENOENT ? -ESTALE : hostfs_errno(err);
	if (!same_object(n, &a)) {
		hostfs_unbind(n->inode);
		hc_forget(node, true);
		return -ESTALE;
	}
	*ret = node;
	if (!__atomic_compare_exchange_n(&n->handle, &none, node, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		hc_forget(node, true);
		*ret = none;
	}
	return 0;
}

void hostfs_hold(struct hostfs_sb *hs, struct inode *i)
{
	struct hostfs_node *n = hostfs_node(i), *old = NULL;

	spin_lock(&hs->lock);
	if (list_empty(&n->recent_link)) {
		inode_get(i);
		hs->recent_count++;
	} else {
		list_del(&n->recent_link);
	}
	list_push_back(&hs->recent, &n->recent_link);
	if (hs->recent_count > HOSTFS_RECENT_MAX) {
		old = list_first(&hs->recent, struct hostfs_node, recent_link);
		list_del(&old->recent_link);
		hs->recent_count--;
	}
	spin_unlock(&hs->lock);
	if (old)
		inode_put(old->inode);
}

/* Found again; dir may be NULL. */
static int use_known(struct inode *i, uint64_t node, const struct hc_attr *a, struct inode *dir,
		     const char *name, size_t size, struct inode **ret)
{
	struct hostfs_node *n = hostfs_node(i);
	uint64_t none = 0;

	if (node && !__atomic_compare_exchange_n(&n->handle, &none, node, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		hc_forget(node, true);  /* we hold one of our own */
	hostfs_apply_attr(n, a);
	if (dir)
		hostfs_set_place(n, dir, name, size);
	*ret = i;
	return 0;
}

int hostfs_iget(struct hostfs_sb *hs, struct inode *dir, const char *name, size_t name_size,
		uint64_t node, const struct hc_attr *a, struct inode **ret)
{
	struct hostfs_node *n = NULL;
	struct inode *i, *known;
	int err = hostfs_check_attr(a);

	if (!err && !node && (S_ISDIR(a->mode) || !dir))
		err = -EIO;
	if (err)
		goto out_forget;
	spin_lock(&hs->lock);
	known = find_same(hs, a);
	spin_unlock(&hs->lock);
	if (known)
		return use_known(known, node, a, dir, name, name_size, ret);
	err = -ENOMEM;
	n = kzalloc(sizeof(*n));
	i = n ? inode_new(hs->sb, a->mode) : NULL;
	if (!i)
		goto out_free;
	n->inode = i;
	n->hs = hs;
	ref_get(&hs->ref);
	n->handle = node;
	n->dev = a->dev;
	n->ino = a->ino;
	n->btime_ns = a->btime_ns;
	list_init(&n->link);
	list_init(&n->idle_link);
	list_init(&n->recent_link);
	list_init(&n->blob_link);
	list_init(&n->listing_link);
	spin_init(&n->attr_lock);
	mutex_init(&n->open_lock);
	i->priv = n;
	i->ino = inside_ino(hs, a);
	i->rdev = a->rdev;
	i->ops = &hostfs_inode_ops;
	i->fops = S_ISDIR(a->mode) ? &hostfs_dir_ops : &hostfs_file_ops;
	hostfs_apply_attr(n, a);
	if (dir)
		hostfs_set_place(n, dir, name, name_size);

	spin_lock(&hs->lock);
	known = find_same(hs, a);
	if (!known)
		list_push_back(hostfs_bucket(hs, a->dev, a->ino), &n->link);
	spin_unlock(&hs->lock);
	if (known) {                    /* another lookup was faster */
		n->handle = 0;
		inode_put(i);
		return use_known(known, node, a, dir, name, name_size, ret);
	}
	*ret = i;
	return 0;

out_free:
	kfree(n);
out_forget:
	if (node)
		hc_forget(node, true);
	return err;
}

void hostfs_evict(struct inode *i)
{
	struct hostfs_node *n = hostfs_node(i);

	if (!n)
		return;
	spin_lock(&n->hs->lock);
	list_del(&n->link);
	list_del(&n->blob_link);
	list_del(&n->listing_link);
	if (!list_empty(&n->idle_link)) {
		list_del(&n->idle_link);
		n->hs->idle_count--;
	}
	spin_unlock(&n->hs->lock);
	hostfs_close_handles(n);
	hostfs_blob_put(n->hs, n->blob);
	hostfs_listing_put(n->hs, n->listing);
	if (n->obj.id)
		plat_obj_free(n->obj);
	if (n->wobj.id)
		plat_obj_free(n->wobj);
	if (n->handle)          /* what was deleted must go from the host's disk now */
		hc_forget(n->handle, n->hs->readonly);
	/* Only files have it: this does not recurse. */
	if (n->dir)
		inode_put(n->dir);
	i->priv = NULL;
	hs_put(n->hs);
	kfree(n->name);
	kfree(n->neg);
	kfree(n->link_text);
	kfree(n);
}

int hostfs_refresh(struct inode *i, bool force)
{
	struct hostfs_node *n = hostfs_node(i);
	struct hc_attr a;
	uint64_t file, handle;
	int err;

	if (!force && sched_entered_ns() < __atomic_load_n(&n->valid_until_ns, __ATOMIC_RELAXED))
		return 0;
	/* An open file answers without the gofer, also when it was unlinked. */
	mutex_lock(&n->open_lock);
	file = n->wfile ? n->wfile : n->rfile;
	err = file ? hc_file_getattr(file, &a) : -ENOENT;
	mutex_unlock(&n->open_lock);
	if (!err) {
		/* The sandbox's own view of owners is that of its user
		 * namespace: the gofer's is the right one. */
		a.uid = i->uid;
		a.gid = i->gid;
	}
	if (err) {
		err = hostfs_handle(n, &handle);
		if (err == -ESTALE)
			return 0;       /* lost its name on the host: it is what it was */
		if (!err)
			err = hc_getattr(handle, &a);
	}
	if (err)
		return hostfs_errno(err);
	err = hostfs_check_attr(&a);
	if (err)
		return err;
	if ((a.mode ^ inode_mode(i)) & S_IFMT)
		return -ESTALE;
	hostfs_apply_attr(n, &a);
	return 0;
}

static int hostfs_statfs(struct super_block *sb, struct kstatfs *ret)
{
	struct hc_statfs s;
	int err = hc_statfs(hostfs_node(sb->root->inode)->handle, &s);

	if (err)
		return hostfs_errno(err);
	ret->type = s.type ? s.type : HOSTFS_MAGIC;
	ret->bsize = s.bsize >= 512 && s.bsize <= (1u << 24) ? s.bsize : PLAT_PAGE_SIZE;
	ret->blocks = s.blocks;
	ret->bfree = s.bfree;
	ret->bavail = s.bavail;
	ret->files = s.files;
	ret->ffree = s.ffree;
	ret->namelen = NAME_MAX;
	return 0;
}

static void drop_recent(struct hostfs_sb *hs)
{
	struct hostfs_node *n;

	for (;;) {
		spin_lock(&hs->lock);
		n = list_empty(&hs->recent) ? NULL : list_first(&hs->recent, struct hostfs_node, recent_link);
		if (n)
			list_del(&n->recent_link);
		spin_unlock(&hs->lock);
		if (!n)
			return;
		inode_put(n->inode);
	}
}

static void hostfs_kill(struct super_block *sb)
{
	if (sb->priv)
		drop_recent(sb->priv);
	/* Open files may still hold inodes: the last one frees it. */
	if (sb->priv)
		hs_put(sb->priv);
	sb->priv = NULL;
}

static const struct super_ops hostfs_super_ops = {
	.statfs = hostfs_statfs,
	.kill = hostfs_kill,
};

static int hostfs_mount(const struct fs_type *t, const char *source, const char *data,
			const void *arg, struct super_block **ret)
{
	const struct boot_mount *bm = arg;
	struct super_block *sb;
	struct hostfs_sb *hs;
	struct inode *root;
	struct hc_attr a;
	int err;

	if (!bm)
		return -EPERM;          /* mount(2) has no roots to give */
	err = hc_getattr(bm->hc_root, &a);
	if (err)
		return hostfs_errno(err);
	hs = kzalloc(sizeof(*hs));
	if (!hs)
		return -ENOMEM;
	sb = super_new(t, &hostfs_super_ops, HOSTFS_MAGIC);
	if (!sb) {
		kfree(hs);
		return -ENOMEM;
	}
	ref_init(&hs->ref);
	hs->sb = sb;
	hs->root_dev = a.dev;
	hs->readonly = bm->readonly;
	spin_init(&hs->lock);
	list_init(&hs->idle);
	list_init(&hs->recent);
	list_init(&hs->blobs);
	list_init(&hs->listings);
	hs->file_credit = hs->dir_credit = hs->tree_credit = 4;
	for (size_t n = 0; n < HOSTFS_BUCKETS; n++)
		list_init(&hs->table[n]);
	sb->priv = hs;
	sb->readonly = bm->readonly;
	err = hostfs_iget(hs, NULL, "", 0, bm->hc_root, &a, &root);
	if (!err)
		err = super_set_root(sb, root);
	if (err) {
		super_put(sb);
		return err;
	}
	*ret = sb;
	return 0;
}

const struct fs_type hostfs_type = { .name = "hostfs", .nodev = true, .mount = hostfs_mount };
