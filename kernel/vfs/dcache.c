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
 * Inodes are let go outside it (eviction may sleep).
 *
 * dcache_peek() reads the hash with no lock (lockless.h): chains are linked so
 * that every moment shows a whole one to somebody who goes along it; who
 * stands on a dentry that leaves finds the way on, perhaps in another chain,
 * and then misses at worst.  A dentry's memory, its names and its inode's
 * stay while somebody may look.  Parent and name of a hashed dentry change in
 * dcache_move() only, and dcache_moves tells. */
#include "kernel/vfs/internal.h"

#define HASH_BITS 13
#define HASH_SIZE (1u << HASH_BITS)
#define DENTRY_MAX 50000u               /* bounded: names are made by hostile programs */
#define PRUNE_BATCH 256
#define PEEK_MAX 64

struct spinlock dcache_lock = SPINLOCK_INIT;
static struct dentry **buckets;
struct changes dcache_moves;
static struct list lru = LIST_INIT(lru);        /* oldest first; every hashed dentry */
static unsigned hashed_count;

void dcache_init(void)
{
	buckets = kzalloc(HASH_SIZE * sizeof(*buckets));
	KASSERT(buckets);
}

static uint32_t name_hash(const struct dentry *parent, const char *name, size_t n)
{
	return hash_bytes(name, n) ^ hash_u64((uint64_t)(uintptr_t)parent);
}

static struct dentry **chain(uint32_t hash)
{
	return &buckets[hash & (HASH_SIZE - 1)];
}

/* Names that a rename gives have this in front of them. */
struct name_head { struct lockless gone; };

char *dentry_name_new(const char *name, size_t n)
{
	struct name_head *h = kmalloc(sizeof(*h) + n + 1);

	if (!h)
		return NULL;
	memcpy(h + 1, name, n);
	((char *)(h + 1))[n] = 0;
	return (char *)(h + 1);
}

void dentry_name_free(char *name)
{
	kfree(name ? (struct name_head *)name - 1 : NULL);
}

static void name_gone(struct lockless *l)
{
	kfree(container_of(l, struct name_head, gone));
}

static bool own_name(const struct dentry *d)
{
	return d->name == (const char *)(d + 1);
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

static void dentry_gone(struct lockless *l)
{
	struct dentry *d = container_of(l, struct dentry, gone);

	if (!own_name(d))
		dentry_name_free(d->name);
	kfree(d);
}

/* Nobody has a reference any more.  Returns the parent, whose reference is the
 * caller's now. */
static struct dentry *dentry_end(struct dentry *d)
{
	struct dentry *parent;

	spin_lock(&dcache_lock);
	parent = d->parent == d ? NULL : d->parent;
	list_del(&d->child_link);
	spin_unlock(&dcache_lock);
	if (d->inode)
		inode_put(d->inode);
	lockless_free(&d->gone, dentry_gone);
	return parent;
}

void dentry_put(struct dentry *d)
{
	while (d && ref_put(&d->ref))
		d = dentry_end(d);
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
	struct dentry *d, *found = NULL;

	spin_lock(&dcache_lock);
	for (d = *chain(h); d; d = d->hash_next) {
		if (d->hash == h && d->parent == parent && d->name_size == n &&
		    !memcmp(d->name, name, n)) {
			found = dentry_get(d);
			dentry_mark(d);
			break;
		}
	}
	spin_unlock(&dcache_lock);
	return found;
}

struct dentry *dcache_peek(struct dentry *parent, const char *name, size_t n, uint32_t moves)
{
	uint32_t h = name_hash(parent, name, n);
	struct dentry *d = __atomic_load_n(chain(h), __ATOMIC_ACQUIRE);

	/* Bounded: somebody who renames all the time could lead us round. */
	for (unsigned k = 0; d && k < PEEK_MAX; k++, d = __atomic_load_n(&d->hash_next, __ATOMIC_ACQUIRE)) {
		const char *text;
		uint32_t size;

		if (__atomic_load_n(&d->hash, __ATOMIC_RELAXED) != h ||
		    __atomic_load_n(&d->parent, __ATOMIC_ACQUIRE) != parent)
			continue;
		text = __atomic_load_n(&d->name, __ATOMIC_ACQUIRE);
		size = __atomic_load_n(&d->name_size, __ATOMIC_ACQUIRE);
		if (!changes_none(&dcache_moves, moves))
			return NULL;            /* text and size may not be of one name */
		if (size == n && !memcmp(text, name, n)) {
			dentry_mark(d);
			return d;
		}
	}
	return NULL;
}

/* Takes d out of the hash; the caller drops the cache's reference. */
static bool unhash_locked(struct dentry *d)
{
	if (dentry_unhashed(d) || d->parent == d)
		return false;
	__atomic_store_n(&d->unhashed, true, __ATOMIC_RELAXED);
	/* hash_next stays: a reader may be here. */
	__atomic_store_n(d->hash_prev, d->hash_next, __ATOMIC_RELEASE);
	if (d->hash_next)
		d->hash_next->hash_prev = d->hash_prev;
	list_del(&d->lru_link);
	__atomic_store_n(&hashed_count, hashed_count - 1, __ATOMIC_RELAXED);
	return true;
}

static void hash_locked(struct dentry *d)
{
	struct dentry **head, *next;

	__atomic_store_n(&d->hash, name_hash(d->parent, d->name, d->name_size), __ATOMIC_RELAXED);
	head = chain(d->hash);
	next = *head;
	__atomic_store_n(&d->hash_next, next, __ATOMIC_RELEASE);
	d->hash_prev = head;
	if (next)
		next->hash_prev = &d->hash_next;
	__atomic_store_n(head, d, __ATOMIC_RELEASE);    /* now it is seen */
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
		if ((!sb && __atomic_load_n(&d->used, __ATOMIC_RELAXED)) || !ref_end(&d->ref)) {
			if (!sb) {
				__atomic_store_n(&d->used, false, __ATOMIC_RELAXED);
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
		dentry_put(dentry_end(d));
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
	changes_begin(&dcache_moves);
	was = unhash_locked(d);
	old_parent = d->parent;
	old_name = own_name(d) ? NULL : d->name;
	list_del(&d->child_link);
	__atomic_store_n(&d->parent, parent, __ATOMIC_RELEASE);
	list_push_back(&parent->children, &d->child_link);
	__atomic_store_n(&d->name, new_name, __ATOMIC_RELEASE);
	__atomic_store_n(&d->name_size, (uint32_t)n, __ATOMIC_RELEASE);
	__atomic_store_n(&d->lease_ns, 0, __ATOMIC_RELAXED);
	hash_locked(d);
	changes_end(&dcache_moves);
	spin_unlock(&dcache_lock);
	if (!was)
		dentry_get(d);          /* it had lost its place; the cache holds it again */
	if (old_name)
		lockless_free(&((struct name_head *)old_name - 1)->gone, name_gone);
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
