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

static struct list *bucket(struct hostfs_sb *hs, uint64_t dev, uint64_t ino)
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

void hostfs_apply_attr(struct hostfs_node *n, const struct hc_attr *a)
{
	struct inode *i = n->inode;

	spin_lock(&n->attr_lock);
	i->mode = (i->mode & S_IFMT) | (a->mode & S_IALLUGO);
	i->nlink = a->nlink;
	i->uid = a->uid;
	i->gid = a->gid;
	i->size = a->size;
	i->blocks = a->blocks;
	i->atime_ns = a->atime_ns;
	i->mtime_ns = a->mtime_ns;
	i->ctime_ns = a->ctime_ns;
	n->valid_until_ns = plat_time_mono_ns() + HOSTFS_VALID_NS;
	spin_unlock(&n->attr_lock);
}

static struct inode *find_known(struct hostfs_sb *hs, uint64_t dev, uint64_t ino)
{
	struct hostfs_node *n;
	struct list *b = bucket(hs, dev, ino);

	list_for_each(n, b, link)
		if (n->ino == ino && n->dev == dev && ref_get_unless_zero(&n->inode->ref))
			return n->inode;
	return NULL;
}

static int use_known(struct inode *i, uint64_t node, const struct hc_attr *a, struct inode **ret)
{
	hc_forget(node);                /* we hold one of our own */
	if ((i->mode ^ a->mode) & S_IFMT) {
		/* The number was given to another kind of object: the old
		 * inode must not answer for it any more. */
		struct hostfs_node *n = hostfs_node(i);

		spin_lock(&n->hs->lock);
		list_del(&n->link);
		spin_unlock(&n->hs->lock);
		inode_put(i);
		return -ESTALE;
	}
	hostfs_apply_attr(hostfs_node(i), a);
	*ret = i;
	return 0;
}

int hostfs_iget(struct hostfs_sb *hs, uint64_t node, const struct hc_attr *a, struct inode **ret)
{
	struct hostfs_node *n = NULL;
	struct inode *i, *known;
	int err = hostfs_check_attr(a);

	if (!node)
		return -EIO;
	if (err)
		goto out_forget;
	spin_lock(&hs->lock);
	known = find_known(hs, a->dev, a->ino);
	spin_unlock(&hs->lock);
	if (known)
		return use_known(known, node, a, ret);

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
	list_init(&n->link);
	list_init(&n->idle_link);
	spin_init(&n->attr_lock);
	mutex_init(&n->open_lock);
	i->priv = n;
	i->ino = inside_ino(hs, a);
	i->rdev = a->rdev;
	i->ops = &hostfs_inode_ops;
	i->fops = S_ISDIR(a->mode) ? &hostfs_dir_ops : &hostfs_file_ops;
	hostfs_apply_attr(n, a);

	spin_lock(&hs->lock);
	known = find_known(hs, a->dev, a->ino);
	if (!known)
		list_push_back(bucket(hs, a->dev, a->ino), &n->link);
	spin_unlock(&hs->lock);
	if (known) {                    /* another lookup was faster */
		n->handle = 0;
		inode_put(i);
		return use_known(known, node, a, ret);
	}
	*ret = i;
	return 0;

out_free:
	kfree(n);
out_forget:
	hc_forget(node);
	return err;
}

void hostfs_evict(struct inode *i)
{
	struct hostfs_node *n = hostfs_node(i);

	if (!n)
		return;
	spin_lock(&n->hs->lock);
	list_del(&n->link);
	if (!list_empty(&n->idle_link)) {
		list_del(&n->idle_link);
		n->hs->idle_count--;
	}
	spin_unlock(&n->hs->lock);
	hostfs_close_handles(n);
	if (n->obj.id)
		plat_obj_free(n->obj);
	if (n->wobj.id)
		plat_obj_free(n->wobj);
	if (n->handle)
		hc_forget(n->handle);
	i->priv = NULL;
	hs_put(n->hs);
	kfree(n->neg);
	kfree(n->link_text);
	kfree(n);
}

int hostfs_refresh(struct inode *i, bool force)
{
	struct hostfs_node *n = hostfs_node(i);
	struct hc_attr a;
	uint64_t file;
	int err;

	if (!force && plat_time_mono_ns() < __atomic_load_n(&n->valid_until_ns, __ATOMIC_RELAXED))
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
	if (err)
		err = hc_getattr(n->handle, &a);
	if (err)
		return hostfs_errno(err);
	err = hostfs_check_attr(&a);
	if (err)
		return err;
	if ((a.mode ^ i->mode) & S_IFMT)
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

static void hostfs_kill(struct super_block *sb)
{
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
	for (size_t n = 0; n < HOSTFS_BUCKETS; n++)
		list_init(&hs->table[n]);
	sb->priv = hs;
	sb->readonly = bm->readonly;
	err = hostfs_iget(hs, bm->hc_root, &a, &root);
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
