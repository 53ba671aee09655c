/* SPDX-License-Identifier: Apache-2.0 */
/* hostfs: names to inodes.
 *
 * A binding says that a name led to an inode a moment ago.  A name that is
 * not bound any more is asked for alone where nothing is known about the
 * directory, and together with its neighbours where a listing tells them: a
 * program that lists a directory goes on to ask for all of it.  The inodes of
 * the neighbours are held for a while (hostfs_hold), found by (device, inode)
 * of the listing, and used if they are still bound to the name. */
#include "kernel/fs/hostfs/hostfs.h"

#define ALONE_CREDIT 8u         /* files are being read: take a single one's contents along */

uint32_t hostfs_name_hash(const char *name, size_t n)
{
	return hash_bytes(name, n) | 1;
}

/* Until when the name is known not to be there; perhaps in the past. */
static uint64_t neg_until(struct hostfs_node *d, uint32_t hash)
{
	uint64_t until = 0;

	spin_lock(&d->attr_lock);
	for (unsigned k = 0; d->neg && k < HOSTFS_NEG_SLOTS; k++)
		if (d->neg[k].hash == hash)
			until = d->neg[k].until_ns;
	spin_unlock(&d->attr_lock);
	return until;
}

static void neg_remember(struct hostfs_node *d, uint32_t hash)
{
	struct hostfs_neg *slot;

	spin_lock(&d->attr_lock);
	if (!d->neg)
		d->neg = kzalloc(HOSTFS_NEG_SLOTS * sizeof(*d->neg));
	if (!d->neg) {                  /* it will be asked again, that is all */
		spin_unlock(&d->attr_lock);
		return;
	}
	slot = &d->neg[0];
	for (unsigned k = 0; k < HOSTFS_NEG_SLOTS; k++) {
		if (d->neg[k].hash == hash) {
			slot = &d->neg[k];
			break;
		}
		if (d->neg[k].until_ns < slot->until_ns)
			slot = &d->neg[k];
	}
	*slot = (struct hostfs_neg){ hash, plat_time_mono_ns() + HOSTFS_VALID_NS };
	spin_unlock(&d->attr_lock);
}

static uint32_t bind_key(const struct hostfs_node *d, uint32_t hash)
{
	return hash ^ hash_u64(d->ino);
}

void hostfs_bind(struct inode *i, struct hostfs_node *d, uint32_t hash)
{
	struct hostfs_node *n = hostfs_node(i);

	spin_lock(&n->attr_lock);
	__atomic_store_n(&n->bind_hash, bind_key(d, hash), __ATOMIC_RELAXED);
	__atomic_store_n(&n->bind_until_ns, plat_time_mono_ns() + HOSTFS_VALID_NS, __ATOMIC_RELAXED);
	spin_unlock(&n->attr_lock);
}

void hostfs_unbind(struct inode *i)
{
	__atomic_store_n(&hostfs_node(i)->bind_until_ns, 0, __ATOMIC_RELAXED);
}

static bool bound(const struct hostfs_node *n, uint32_t key, uint64_t now)
{
	return __atomic_load_n(&n->bind_hash, __ATOMIC_RELAXED) == key &&
	       __atomic_load_n(&n->bind_until_ns, __ATOMIC_RELAXED) > now;
}

void hostfs_credit(int *credit, int change)
{
	int now = __atomic_load_n(credit, __ATOMIC_RELAXED) + change;

	/* Two at once may lose one: it is a guess anyway. */
	__atomic_store_n(credit, MIN(MAX(now, 0), HOSTFS_CREDIT_MAX), __ATOMIC_RELAXED);
}

struct hostfs_node *hostfs_known_locked(struct hostfs_node *d, const struct hostfs_entry *e, uint64_t now)
{
	uint32_t key = bind_key(d, e->hash);
	struct hostfs_node *n;

	list_for_each(n, hostfs_bucket(d->hs, d->dev, e->ino), link)
		if (n->ino == e->ino && n->dev == d->dev && bound(n, key, now))
			return n;
	return NULL;
}

struct inode *hostfs_known_get(struct hostfs_node *d, const struct hostfs_entry *e)
{
	struct hostfs_node *n;
	struct inode *i;

	spin_lock(&d->hs->lock);
	n = hostfs_known_locked(d, e, sched_entered_ns());
	i = n && ref_get_unless_zero(&n->inode->ref) ? n->inode : NULL;
	spin_unlock(&d->hs->lock);
	return i;
}

/* ---- many at a time ---- */

/* One answer; i: its inode. */
static int take_one(struct inode *dir, const char *name, size_t n, const struct hc_fetched *r,
		    const uint8_t *data, enum hostfs_purpose what, struct inode **ret)
{
	struct hostfs_node *d = hostfs_node(dir);
	struct inode *i;
	int err;

	if (r->err) {
		if (r->err == -ENOENT)
			neg_remember(d, hostfs_name_hash(name, n));
		return hostfs_errno(r->err);
	}
	err = hostfs_iget(d->hs, dir, name, n, r->node, &r->attr, &i);
	if (err)
		return err;
	hostfs_bind(i, d, hostfs_name_hash(name, n));
	if (what == HOSTFS_TO_MAP)
		;                       /* nothing may come along: the caller holds the open_lock */
	else if ((r->flags & HC_FETCHED_DATA) && S_ISREG(inode_mode(i)) && r->data_size == r->attr.size)
		hostfs_blob_take(hostfs_node(i), &r->attr, data, r->data_size, what != HOSTFS_TO_READ);
	else if ((r->flags & HC_FETCHED_DATA) && S_ISLNK(inode_mode(i)) && r->data_size && !memchr(data, 0, r->data_size))
		hostfs_link_keep(hostfs_node(i), (const char *)data, r->data_size);
	else if ((r->flags & HC_FETCHED_LIST) && S_ISDIR(inode_mode(i)))
		hostfs_listing_take(hostfs_node(i), data, r->data_size);
	*ret = i;
	return 0;
}

/* Our own hand changed something while the host was asked: it may be this. */
static void distrust(struct inode *i)
{
	struct hostfs_node *n = hostfs_node(i);

	__atomic_store_n(&n->valid_until_ns, 0, __ATOMIC_RELAXED);
	hostfs_unbind(i);
	if (S_ISDIR(inode_mode(i)))
		hostfs_listing_drop(n);
	else
		hostfs_blob_drop(n);
}

/* The first answer goes to *ret, what came with it into the caches. */
static int take_all(struct hostfs_sb *hs, struct hostfs_names *a, const uint8_t *p, size_t size, uint32_t changes,
		    enum hostfs_purpose what, struct inode **ret)
{
	int err = -EIO, files = 0, dirs = 0;
	struct hc_fetched r;
	size_t at = 0;

	for (unsigned k = 0; k < a->count && size - at >= sizeof(r); k++) {
		const char *name;
		struct inode *dir = hostfs_names_next(a, &name), *i = NULL;
		int e;

		memcpy(&r, p + at, sizeof(r));
		at += sizeof(r);
		if (r.data_size > size - at)
			break;
		e = take_one(dir, name, strlen(name), &r, p + at, what, &i);
		at = MIN(at + (size_t)align_up(r.data_size, 8), size);
		files += what != HOSTFS_TO_READ && (r.flags & HC_FETCHED_DATA) && S_ISREG(r.attr.mode);
		dirs += !!(r.flags & HC_FETCHED_LIST);
		if (i && changes != hostfs_changes(hs)) {
			distrust(i);
			hostfs_end_leases(dir);
		}
		if (what == HOSTFS_TO_READ)     /* the others are not */
			what = HOSTFS_TO_LOOK;
		if (!k) {
			err = e;
			if (!e)
				*ret = i;
		} else if (!e) {
			hostfs_hold(hs, i);
			inode_put(i);
		}
	}
	hostfs_credit(&hs->file_credit, -files);
	hostfs_credit(&hs->dir_credit, -dirs);
	return err;
}

int hostfs_fetch(struct inode *dir, const char *name, size_t n, struct hostfs_listing *l, int64_t e,
		 enum hostfs_purpose what, uint64_t *ret_file, struct inode **ret)
{
	static const uint32_t flags[] = {
		[HOSTFS_TO_LOOK] = 0, [HOSTFS_TO_LIST] = 0,
		[HOSTFS_TO_READ] = HC_FETCH_OPEN, [HOSTFS_TO_MAP] = HC_FETCH_FILE,
	};
	struct hostfs_node *d = hostfs_node(dir);
	struct hostfs_sb *hs = d->hs;
	uint32_t changes = hostfs_changes(hs);
	unsigned files = (unsigned)__atomic_load_n(&hs->file_credit, __ATOMIC_RELAXED);
	unsigned dirs = (unsigned)__atomic_load_n(&hs->dir_credit, __ATOMIC_RELAXED);
	struct hostfs_names *a = kmalloc(sizeof(*a));
	size_t cap = 0, got;
	uint8_t *buf = kbuf_get(KBUF_LARGE, &cap);
	int err = -ENOMEM;

	if (!a || !buf)
		goto out;
	if (!hostfs_blob_room(hs) || what == HOSTFS_TO_LIST)
		files = 0;
	hostfs_names_init(a, dir, name, n);
	if (e >= 0) {
		hostfs_names_neighbours(a, l, (uint32_t)e, what, files, dirs);
	} else {
		files = files > ALONE_CREDIT;   /* the name itself */
		dirs = 0;
	}
	err = hc_fetch(d->handle, a->text, a->size, flags[what], (uint16_t)files,
		       what == HOSTFS_TO_READ ? 0 : (uint16_t)dirs, buf, cap, &got, ret_file);
	if (err)
		err = hostfs_errno(err);
	else
		err = got > cap ? -EIO : take_all(hs, a, buf, got, changes, what, ret);
	hostfs_names_done(a);
out:
	kfree(a);
	kbuf_put(buf, cap);
	return err;
}

static int lookup(struct inode *dir, const char *name, size_t n, enum hostfs_purpose what, struct inode **ret)
{
	struct hostfs_node *d = hostfs_node(dir);
	struct hostfs_listing *l;
	uint64_t file = 0;
	int64_t e = -1;
	int err = 0;

	if (n > HC_NAME_MAX)
		return -ENAMETOOLONG;
	if (!hostfs_check_name(name, n))
		return -ENOENT;
	l = hostfs_listing_get(d);
	if (l)
		e = hostfs_listing_find(l, hostfs_name_hash(name, n), name, n);
	if (l && e < 0 && hostfs_listing_fresh(l)) {
		err = -ENOENT;
	} else {
		*ret = e >= 0 ? hostfs_known_get(d, &l->entries[e]) : NULL;
		if (*ret && __atomic_load_n(&l->names_ahead, __ATOMIC_RELAXED)) {
			__atomic_store_n(&l->names_ahead, false, __ATOMIC_RELAXED);
			hostfs_credit(&d->hs->tree_credit, 2);
		}
		if (!*ret)
			err = hostfs_fetch(dir, name, n, l, e, what, &file, ret);
		if (file && !err && what == HOSTFS_TO_READ)
			hostfs_keep_open(hostfs_node(*ret), file);
		else if (file)
			hc_file_close(file);    /* not asked for */
	}
	hostfs_listing_put(d->hs, l);
	return err;
}

int hostfs_lookup(struct inode *dir, const char *name, size_t n, struct inode **ret)
{
	return lookup(dir, name, n, HOSTFS_TO_LOOK, ret);
}

int hostfs_lookup_open(struct inode *dir, const char *name, size_t n, struct inode **ret)
{
	return lookup(dir, name, n, HOSTFS_TO_READ, ret);
}

bool hostfs_revalidate(struct inode *dir, const char *name, size_t n, struct inode *cached)
{
	struct hostfs_node *d = hostfs_node(dir);
	struct inode *now;
	bool same;

	if (bound(hostfs_node(cached), bind_key(d, hostfs_name_hash(name, n)), sched_entered_ns()))
		return true;
	if (hostfs_lookup(dir, name, n, &now))
		return false;
	same = now == cached;
	inode_put(now);
	return same;
}

bool hostfs_revalidate_negative(struct inode *dir, const char *name, size_t n)
{
	struct hostfs_node *d = hostfs_node(dir);
	uint32_t hash = hostfs_name_hash(name, n);
	struct hostfs_listing *l = hostfs_listing_get(d);
	bool known = l && hostfs_listing_fresh(l) && hostfs_listing_find(l, hash, name, n) < 0;

	hostfs_listing_put(d->hs, l);
	return known || neg_until(d, hash) > sched_entered_ns();
}

uint64_t hostfs_lease_ns(struct inode *dir, const char *name, size_t n, struct inode *cached)
{
	struct hostfs_node *d = hostfs_node(dir), *c = cached ? hostfs_node(cached) : NULL;
	uint32_t hash = hostfs_name_hash(name, n);
	struct hostfs_listing *l;
	uint64_t until = 0;

	if (c) {
		spin_lock(&c->attr_lock);
		if (__atomic_load_n(&c->bind_hash, __ATOMIC_RELAXED) == bind_key(d, hash))
			until = __atomic_load_n(&c->bind_until_ns, __ATOMIC_RELAXED);
		spin_unlock(&c->attr_lock);
		return until;
	}
	l = hostfs_listing_get(d);
	if (l && hostfs_listing_find(l, hash, name, n) < 0)
		until = __atomic_load_n(&l->until_ns, __ATOMIC_RELAXED);
	hostfs_listing_put(d->hs, l);
	return MAX(until, neg_until(d, hash));
}

void hostfs_end_leases(struct inode *dir)
{
	__atomic_fetch_add(&dir->names_changed, 1, __ATOMIC_SEQ_CST);
}
