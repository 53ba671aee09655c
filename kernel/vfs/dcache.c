/* SPDX-License-Identifier: Apache-2.0 */
/* The dentry cache: names that were looked up, found or not found.
 *
 * A hashed dentry is held by the cache with one reference; when there are too
 * many, those go that nobody else holds and nobody found since the last time
 * they were looked at (a lookup only sets a mark: it moves nothing).  A
 * child holds its parent, so only leaves go.  A dentry that left the hash lives
 * until its last holder (an open file, a working directory) lets go.
 *
 * Lock: dcache_lock guards the hash, the LRU, parents, names and children.
 * Inodes are let go outside it (eviction may sleep). */
#include "kernel/vfs/internal.h"

#define HASH_BITS 13
#define HASH_SIZE (1u << HASH_BITS)
#define DENTRY_MAX 50000u               /* bounded: names are made by hostile programs */
#define PRUNE_BATCH 256

struct spinlock dcache_lock = SPINLOCK_INIT;
static struct list *buckets;
static struct list lru = LIST_INIT(lru);        /* oldest first; every hashed dentry */
static unsigned hashed_count;

void dcache_init(void)
{
	buckets = kmalloc(HASH_SIZE * sizeof(*buckets));
	KASSERT(buckets);
	for (unsigned i = 0; i < HASH_SIZE; i++)
		list_init(&buckets[i]);
}

static uint32_t name_hash(const struct dentry *parent, const char *name, size_t n)
{
	return hash_bytes(name, n) ^ hash_u64((uint64_t)(uintptr_t)parent);
}

struct dentry *dentry_new(struct dentry *parent, const char *name, size_t n, struct inode *inode)
{
	struct dentry *d = kzalloc(sizeof(*d) + n + 1);

	if (!d)
		return NULL;
	ref_init(&d->ref);
	d->inode = inode;
	d->name = (char *)(d + 1);
	memcpy(d->name, name, n);
	d->name_size = n;
	d->unhashed = true;     /* nobody else sees it yet */
	list_init(&d->hash_link);
	list_init(&d->child_link);
	list_init(&d->children);
	list_init(&d->lru_link);
	if (parent) {
		d->sb = parent->sb;
		d->parent = dentry_get(parent);
		spin_lock(&dcache_lock);
		list_push_back(&parent->children, &d->child_link);
		spin_unlock(&dcache_lock);
	} else {
		d->parent = d;
		d->unhashed = false;    /* a root is never deleted */
	}
	return d;
}

struct dentry *dentry_get(struct dentry *d)
{
	if (d)
		ref_get(&d->ref);
	return d;
}

void dentry_put(struct dentry *d)
{
	while (d && ref_put(&d->ref)) {
		struct dentry *parent;

		spin_lock(&dcache_lock);
		parent = d->parent == d ? NULL : d->parent;
		list_del(&d->child_link);
		spin_unlock(&dcache_lock);
		if (d->inode)
			inode_put(d->inode);
		if (d->name != (char *)(d + 1))
			kfree(d->name);
		kfree(d);
		d = parent;
	}
}

struct dentry *dentry_parent_get(struct dentry *d)
{
	struct dentry *p;

	spin_lock(&dcache_lock);
	p = dentry_get(d->parent);
	spin_unlock(&dcache_lock);
	return p;
}

struct dentry *dentry_parent_name(struct dentry *d, char *name, size_t *ret_n)
{
	struct dentry *p = NULL;

	spin_lock(&dcache_lock);
	if (d->parent && d->parent != d && d->name && d->name_size <= NAME_MAX) {
		p = dentry_get(d->parent);
		memcpy(name, d->name, d->name_size);
		*ret_n = d->name_size;
	}
	spin_unlock(&dcache_lock);
	return p;
}

struct dentry *dcache_find(struct dentry *parent, const char *name, size_t n)
{
	uint32_t h = name_hash(parent, name, n);
	struct list *b = &buckets[h & (HASH_SIZE - 1)];
	struct dentry *d, *found = NULL;

	spin_lock(&dcache_lock);
	list_for_each(d, b, hash_link) {
		if (d->hash == h && d->parent == parent && d->name_size == n &&
		    !memcmp(d->name, name, n)) {
			found = dentry_get(d);
			d->used = true;
			break;
		}
	}
	spin_unlock(&dcache_lock);
	return found;
}

/* Takes d out of the hash; the caller drops the cache's reference. */
static bool unhash_locked(struct dentry *d)
{
	if (dentry_unhashed(d) || d->parent == d)
		return false;
	__atomic_store_n(&d->unhashed, true, __ATOMIC_RELAXED);
	list_del(&d->hash_link);
	list_del(&d->lru_link);
	__atomic_store_n(&hashed_count, hashed_count - 1, __ATOMIC_RELAXED);
	return true;
}

static void hash_locked(struct dentry *d)
{
	d->hash = name_hash(d->parent, d->name, d->name_size);
	list_push_front(&buckets[d->hash & (HASH_SIZE - 1)], &d->hash_link);
	list_push_back(&lru, &d->lru_link);
	__atomic_store_n(&d->unhashed, false, __ATOMIC_RELAXED);
	__atomic_store_n(&hashed_count, hashed_count + 1, __ATOMIC_RELAXED);   /* read without the lock */
}

/* Drop up to PRUNE_BATCH old entries that only the cache holds.  sb: of this
 * super block only.  Returns how many went. */
static unsigned prune(struct super_block *sb)
{
	struct dentry *d, *tmp;
	struct list gone = LIST_INIT(gone);
	unsigned n = 0, seen = 0;

	spin_lock(&dcache_lock);
	list_for_each_safe(d, tmp, &lru, lru_link) {
		if (n == PRUNE_BATCH || (!sb && ++seen > 4 * PRUNE_BATCH))
			break;
		if (sb && d->sb != sb)
			continue;
		if (ref_read(&d->ref) != 1 || (!sb && d->used)) {
			if (!sb) {
				d->used = false;
				list_del(&d->lru_link);
				list_push_back(&lru, &d->lru_link);
			}
			continue;
		}
		unhash_locked(d);
		list_push_back(&gone, &d->lru_link);
		n++;
	}
	spin_unlock(&dcache_lock);
	while (!list_empty(&gone)) {
		d = list_first(&gone, struct dentry, lru_link);
		list_del(&d->lru_link);
		dentry_put(d);
	}
	return n;
}

void dcache_add(struct dentry *d)
{
	dentry_get(d);
	spin_lock(&dcache_lock);
	hash_locked(d);
	spin_unlock(&dcache_lock);
	if (__atomic_load_n(&hashed_count, __ATOMIC_RELAXED) > DENTRY_MAX)
		prune(NULL);
}

void dcache_unhash(struct dentry *d)
{
	bool was;

	spin_lock(&dcache_lock);
	was = unhash_locked(d);
	spin_unlock(&dcache_lock);
	if (was)
		dentry_put(d);
}

void dcache_move(struct dentry *d, struct dentry *parent, char *new_name, size_t n)
{
	struct dentry *old_parent;
	char *old_name;
	bool was;

	dentry_get(parent);
	spin_lock(&dcache_lock);
	was = unhash_locked(d);
	old_parent = d->parent;
	old_name = d->name;
	list_del(&d->child_link);
	d->parent = parent;
	list_push_back(&parent->children, &d->child_link);
	d->name = new_name;
	d->name_size = n;
	hash_locked(d);
	spin_unlock(&dcache_lock);
	if (!was)
		dentry_get(d);          /* it had lost its place; the cache holds it again */
	if (old_name != (char *)(d + 1))
		kfree(old_name);
	dentry_put(old_parent);
}

bool dcache_is_ancestor(struct dentry *a, struct dentry *b)
{
	bool yes = false;

	spin_lock(&dcache_lock);
	for (;; b = b->parent) {
		if (a == b) {
			yes = true;
			break;
		}
		if (b->parent == b)
			break;
	}
	spin_unlock(&dcache_lock);
	return yes;
}

void dcache_drop_sb(struct super_block *sb)
{
	while (prune(sb))
		;
}
