/* SPDX-License-Identifier: Apache-2.0 */
/* hostfs: listings: all names of a directory in one piece.
 *
 * A fresh listing answers readdir and says which names do not exist; a stale
 * one still tells which names are worth asking for together.  Once made, a
 * listing does not change; a directory of ours that changes drops it.  Names
 * come from the host: each is checked.  Bytes are bounded by the super block's
 * HOSTFS_LISTINGS_MAX, with those that open directories hold: beyond that
 * directories are streamed. */
#include "kernel/fs/hostfs/hostfs.h"
#include "kernel/task/task.h"

#define TOGETHER_CREDIT 6

static void listing_free(struct hostfs_listing *l)
{
	kfree(l->entries);
	kfree(l->index);
	kfree(l->names);
	kfree(l);
}

void hostfs_listing_put(struct hostfs_sb *hs, struct hostfs_listing *l)
{
	if (!l || !ref_put(&l->ref))
		return;
	__atomic_fetch_sub(&hs->listing_bytes, l->bytes, __ATOMIC_RELAXED);
	listing_free(l);
}

struct hostfs_listing *hostfs_listing_get(struct hostfs_node *d)
{
	struct hostfs_listing *l;

	spin_lock(&d->attr_lock);
	l = d->listing;
	if (l)
		ref_get(&l->ref);
	spin_unlock(&d->attr_lock);
	return l;
}

bool hostfs_listing_fresh(const struct hostfs_listing *l)
{
	return __atomic_load_n(&l->until_ns, __ATOMIC_RELAXED) > sched_entered_ns();
}

static void replace(struct hostfs_node *d, struct hostfs_listing *l)
{
	struct hostfs_listing *old;

	spin_lock(&d->attr_lock);
	old = d->listing;
	d->listing = l;
	spin_unlock(&d->attr_lock);
	hostfs_listing_put(d->hs, old);
}

/* Our own hand changed the directory: the rest of it still is a good hint. */
void hostfs_listing_drop(struct hostfs_node *d)
{
	struct hostfs_listing *l = hostfs_listing_get(d);

	if (!l)
		return;
	__atomic_store_n(&l->until_ns, 0, __ATOMIC_RELAXED);
	hostfs_listing_put(d->hs, l);
}

/* ---- making ---- */

struct builder { struct hostfs_listing *l; uint32_t room; size_t used, names_room; };

/* Room for what a message of this many bytes can hold. */
static bool reserve(struct builder *b, size_t size)
{
	uint32_t more = (uint32_t)(size / sizeof(struct hc_dirent));
	void *p;

	if (b->room - b->l->count < more) {
		p = krealloc(b->l->entries, (b->room + more) * sizeof(*b->l->entries));
		if (!p)
			return false;
		b->l->entries = p;
		b->room += more;
	}
	if (b->names_room - b->used < size) {
		p = krealloc(b->l->names, b->names_room + size);
		if (!p)
			return false;
		b->l->names = p;
		b->names_room += size;
	}
	return true;
}

/* Returns the cookie to go on with. */
static uint64_t add_all(struct builder *b, const uint8_t *p, size_t size)
{
	struct hc_dirent d;
	uint64_t cookie = 0;
	size_t at = 0;

	while (size - at >= sizeof(d)) {
		const char *name = (const char *)p + at + sizeof(d);

		memcpy(&d, p + at, sizeof(d));
		if (d.name_size > size - at - sizeof(d))
			break;          /* cut short: nothing after it can be trusted */
		at = MIN(at + (size_t)align_up(sizeof(d) + d.name_size, 8), size);
		cookie = d.next_cookie;
		if (!hostfs_check_name(name, d.name_size))
			continue;
		b->l->entries[b->l->count++] = (struct hostfs_entry){
			.ino = d.ino ? d.ino : 1, .hash = hostfs_name_hash(name, d.name_size),
			.at = (uint32_t)b->used, .type = d.type & 15, .size = (uint8_t)d.name_size,
		};
		memcpy(b->l->names + b->used, name, d.name_size);
		b->used += d.name_size;
	}
	return cookie;
}

static bool finish(struct hostfs_node *d, struct builder *b)
{
	struct hostfs_listing *l = b->l;
	uint32_t slot;
	void *p;

	for (l->slots = 8; l->slots < 2 * l->count; l->slots *= 2)
		;
	l->index = kzalloc(l->slots * sizeof(*l->index));
	if (!l->index)
		return false;
	for (uint32_t k = 0; k < l->count; k++) {
		for (slot = l->entries[k].hash & (l->slots - 1); l->index[slot]; slot = (slot + 1) & (l->slots - 1))
			;
		l->index[slot] = k + 1;
	}
	/* Give back what was reserved in vain; failing to is no harm. */
	p = krealloc(l->entries, MAX(l->count, 1u) * sizeof(*l->entries));
	l->entries = p ? p : l->entries;
	p = krealloc(l->names, MAX(b->used, (size_t)1));
	l->names = p ? p : l->names;
	l->bytes = sizeof(*l) + l->count * sizeof(*l->entries) + l->slots * sizeof(*l->index) + b->used;
	l->until_ns = plat_time_mono_ns() + HOSTFS_VALID_NS;
	__atomic_fetch_add(&d->hs->listing_bytes, l->bytes, __ATOMIC_RELAXED);
	return true;
}

/* The oldest go until the rest fits. */
static void make_room(struct hostfs_sb *hs)
{
	struct hostfs_node *n;

	while (__atomic_load_n(&hs->listing_bytes, __ATOMIC_RELAXED) > HOSTFS_LISTINGS_MAX) {
		spin_lock(&hs->lock);
		if (list_empty(&hs->listings)) {
			spin_unlock(&hs->lock);
			return;
		}
		n = list_first(&hs->listings, struct hostfs_node, listing_link);
		list_del(&n->listing_link);
		if (!ref_get_unless_zero(&n->inode->ref))
			n = NULL;
		spin_unlock(&hs->lock);
		if (!n)
			continue;
		replace(n, NULL);
		inode_put(n->inode);
	}
}

/* d keeps l; the caller's reference stays. */
static void keep(struct hostfs_node *d, struct hostfs_listing *l)
{
	ref_get(&l->ref);
	replace(d, l);
	spin_lock(&d->hs->lock);
	list_del(&d->listing_link);
	list_push_back(&d->hs->listings, &d->listing_link);
	spin_unlock(&d->hs->lock);
	make_room(d->hs);
}

static struct hostfs_listing *listing_new(void)
{
	struct hostfs_listing *l = kzalloc(sizeof(*l));

	if (l)
		ref_init(&l->ref);
	return l;
}

void hostfs_listing_take(struct hostfs_node *d, const uint8_t *p, size_t size)
{
	struct builder b = { .l = listing_new() };

	if (!b.l)
		return;
	if (!reserve(&b, MAX(size, sizeof(struct hc_dirent)))) {
		listing_free(b.l);
		return;
	}
	add_all(&b, p, size);
	if (!finish(d, &b)) {
		listing_free(b.l);
		return;
	}
	b.l->ahead = b.l->together = true;
	keep(d, b.l);
	hostfs_listing_put(d->hs, b.l);
}

static int ask(struct hostfs_node *d, struct builder *b)
{
	uint64_t cookie = 0;
	bool end = false;
	size_t cap, got;
	uint8_t *buf = kbuf_get(KBUF_LARGE, &cap);
	int err = buf ? 0 : -ENOMEM;

	while (!err && !end) {
		err = hc_readdir(d->handle, cookie, buf, cap, &got, &end);
		if (!err && (got > cap || (!got && !end)))
			err = -EIO;
		if (!err && !reserve(b, MAX(got, sizeof(struct hc_dirent))))
			err = -ENOMEM;
		if (!err)
			cookie = add_all(b, buf, got);
		/* Also ends a host that never does. */
		if (!err && b->l->count > HOSTFS_LISTING_MAX)
			err = -E2BIG;
		if (!err && signal_fatal_pending(current_task()))
			err = -EINTR;
	}
	kbuf_put(buf, cap);
	return err == -E2BIG ? err : hostfs_errno(err);
}

/* The fresh one, counted, or NULL. */
static struct hostfs_listing *fresh_get(struct hostfs_node *d)
{
	struct hostfs_listing *l = hostfs_listing_get(d);

	if (l && hostfs_listing_fresh(l)) {
		if (__atomic_exchange_n(&l->ahead, false, __ATOMIC_RELAXED))
			hostfs_credit(&d->hs->dir_credit, 2);
		return l;
	}
	hostfs_listing_put(d->hs, l);
	return NULL;
}

/* Directories are being listed one after another: take d's neighbours along. */
static struct hostfs_listing *list_with_neighbours(struct hostfs_node *d)
{
	struct hostfs_listing *l;
	char name[HC_NAME_MAX + 1];
	struct inode *dir, *now;
	uint64_t file = 0;
	int64_t e = -1;

	if (__atomic_load_n(&d->hs->dir_credit, __ATOMIC_RELAXED) < TOGETHER_CREDIT || hostfs_place(d, name, &dir))
		return NULL;
	l = hostfs_listing_get(hostfs_node(dir));
	if (l)
		e = hostfs_listing_find(l, hostfs_name_hash(name, strlen(name)), name, strlen(name));
	if (e >= 0 && !hostfs_fetch(dir, name, strlen(name), l, e, HOSTFS_TO_LIST, &file, &now))
		inode_put(now);
	if (file)
		hc_file_close(file);            /* not asked for */
	hostfs_listing_put(d->hs, l);
	inode_put(dir);
	return fresh_get(d);
}

int hostfs_list(struct hostfs_node *d, struct hostfs_listing **ret)
{
	struct builder b = { 0 };
	uint32_t changes;
	int err;

	*ret = fresh_get(d);
	if (!*ret) {
		hostfs_credit(&d->hs->dir_credit, 1);
		*ret = list_with_neighbours(d);
	}
	if (*ret)
		return 0;
	make_room(d->hs);
	if (__atomic_load_n(&d->hs->listing_bytes, __ATOMIC_RELAXED) > HOSTFS_LISTINGS_MAX)
		return -E2BIG;          /* open directories hold that much */
	changes = hostfs_changes(d->hs);
	b.l = listing_new();
	if (!b.l)
		return -ENOMEM;
	err = ask(d, &b);
	if (!err && !finish(d, &b))
		err = -ENOMEM;
	if (err) {
		listing_free(b.l);
		return err;
	}
	keep(d, b.l);
	if (changes != hostfs_changes(d->hs))
		__atomic_store_n(&b.l->until_ns, 0, __ATOMIC_RELAXED);
	*ret = b.l;
	return 0;
}

int64_t hostfs_listing_find(const struct hostfs_listing *l, uint32_t hash, const char *name, size_t n)
{
	uint32_t slot = hash & (l->slots - 1);

	for (; l->index[slot]; slot = (slot + 1) & (l->slots - 1)) {
		const struct hostfs_entry *e = &l->entries[l->index[slot] - 1];

		if (e->hash == hash && e->size == n && !memcmp(l->names + e->at, name, n))
			return l->index[slot] - 1;
	}
	return -1;
}
