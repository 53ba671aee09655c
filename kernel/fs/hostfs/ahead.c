/* SPDX-License-Identifier: Apache-2.0 */
/* hostfs: which names to ask for together with one that is wanted.
 *
 * The names after it in its directory's listing; and where a tree is walked,
 * those of the directories that follow its own, as far as their listings are
 * here already.  How far is a matter of credit (hostfs.h): what was asked for
 * in vain soon is asked for no more. */
#include "kernel/fs/hostfs/hostfs.h"
#include <linux_abi/dirent.h>

#define FETCH_FIRST 32u                 /* names of a long directory to begin with */
#define PROBES (4 * HC_FETCH_NAMES)     /* entries that are looked at */
#define UNKNOWN_MAX 16u                 /* directories in a row that nothing is known of */
#define CONTENTS_ROOM (48u << 10)       /* of one answer */
#define CONTENTS_GUESS 2048u            /* of a file whose size is not known */

#define OTHER_DIR_SIZE (1 + sizeof(uint64_t))   /* an empty name and a handle */

struct inode *hostfs_names_next(struct hostfs_names *a, const char **ret_name)
{
	if (!a->text[a->at]) {
		a->at += OTHER_DIR_SIZE;
		a->at_dir++;
	}
	*ret_name = a->text + a->at;
	a->at += strlen(*ret_name) + 1;
	return a->dir[a->at_dir];
}

static bool names_add(struct hostfs_names *a, const char *name, size_t n)
{
	if (a->count == HC_FETCH_NAMES || n + 1 > sizeof(a->text) - a->size)
		return false;
	memcpy(a->text + a->size, name, n);
	a->text[a->size + n] = 0;
	a->size += n + 1;
	a->count++;
	return true;
}

void hostfs_names_init(struct hostfs_names *a, struct inode *dir, const char *name, size_t n)
{
	a->size = a->bytes = a->at = 0;
	a->count = a->at_dir = 0;
	a->dir[0] = dir;
	a->dir_count = 1;
	(void)names_add(a, name, n);
}

void hostfs_names_done(struct hostfs_names *a)
{
	for (unsigned k = 1; k < a->dir_count; k++)
		inode_put(a->dir[k]);
}

/* Is it worth asking for x of d as well?  hs->lock */
static bool wanted_locked(struct hostfs_node *d, const struct hostfs_entry *x, enum hostfs_purpose what,
			  uint64_t now, size_t *ret_bytes)
{
	bool dirs = what == HOSTFS_TO_LIST || what == HOSTFS_TO_DESCEND;
	const struct hostfs_node *n;
	uint64_t size;

	*ret_bytes = 0;
	if (what != HOSTFS_TO_LOOK && x->type != DT_UNKNOWN && x->type != (dirs ? DT_DIR : DT_REG))
		return false;
	n = hostfs_known_locked(d, x, now);
	if (what == HOSTFS_TO_LIST)
		return !(n && __atomic_load_n(&n->listing, __ATOMIC_RELAXED));
	if (what != HOSTFS_TO_READ)
		return !n;
	size = n ? inode_size(n->inode) : CONTENTS_GUESS;
	*ret_bytes = size + sizeof(struct hc_fetched);
	return size <= HC_FETCH_DATA_MAX && !(n && __atomic_load_n(&n->blob, __ATOMIC_RELAXED));
}

/* Up to count entries of d's listing from k on, as a circle.  false: enough. */
static bool add_entries(struct hostfs_node *d, struct hostfs_names *a, const struct hostfs_listing *l, uint32_t from,
			uint32_t count, unsigned max, enum hostfs_purpose what)
{
	uint64_t now = sched_entered_ns();
	bool more = true;
	size_t bytes;

	spin_lock(&d->hs->lock);
	for (uint32_t k = 0; k < count && k <= PROBES && more; k++) {
		const struct hostfs_entry *x = &l->entries[(from + k) % l->count];

		if (a->count >= max)
			more = false;
		else if (wanted_locked(d, x, what, now, &bytes)) {
			more = names_add(a, l->names + x->at, x->size);
			a->bytes += bytes;
		}
	}
	spin_unlock(&d->hs->lock);
	return more && a->count < max;
}

/* The names of a directory whose listing is here; consumes i. */
static bool add_dir(struct hostfs_names *a, struct inode *i, unsigned max, enum hostfs_purpose what)
{
	struct hostfs_node *d = hostfs_node(i);
	struct hostfs_listing *l = hostfs_listing_get(d);
	size_t before = a->size, bytes = a->bytes;
	unsigned count = a->count;
	bool more = true;

	if (l && l->count && hostfs_listing_fresh(l) && a->dir_count < ARRAY_SIZE(a->dir) &&
	    sizeof(a->text) - a->size > OTHER_DIR_SIZE) {
		a->text[a->size] = 0;
		memcpy(a->text + a->size + 1, &d->handle, sizeof(d->handle));
		a->size += OTHER_DIR_SIZE;
		more = add_entries(d, a, l, 0, l->count, max, what);
		if (what == HOSTFS_TO_READ && a->bytes > CONTENTS_ROOM)
			more = false;
	}
	if (a->count > count) {
		if (what != HOSTFS_TO_READ)
			__atomic_store_n(&l->names_ahead, true, __ATOMIC_RELAXED);
		a->dir[a->dir_count++] = i;
	} else {
		a->size = before;
		a->bytes = bytes;
		inode_put(i);
	}
	hostfs_listing_put(d->hs, l);
	return more;
}

/* The directories that follow d in its parent. */
static void add_followers(struct hostfs_node *d, struct hostfs_names *a, unsigned max, unsigned dirs,
			  enum hostfs_purpose what)
{
	char name[HC_NAME_MAX + 1];
	struct hostfs_listing *l;
	struct inode *dir, *i;
	unsigned unknown = 0;
	int64_t e = -1;
	size_t n;

	if (!dirs || hostfs_place(d, name, &dir))
		return;
	n = strlen(name);
	l = hostfs_listing_get(hostfs_node(dir));
	if (l)
		e = hostfs_listing_find(l, hostfs_name_hash(name, n), name, n);
	for (uint32_t k = 1; e >= 0 && k < l->count && k <= PROBES && a->dir_count <= dirs; k++) {
		const struct hostfs_entry *x = &l->entries[((uint32_t)e + k) % l->count];

		if (x->type != DT_DIR && x->type != DT_UNKNOWN)
			continue;
		i = hostfs_known_get(hostfs_node(dir), x);
		unknown = i ? 0 : unknown + 1;
		if (i && !S_ISDIR(inode_mode(i)))
			inode_put(i);
		else if (i ? !add_dir(a, i, max, what) : unknown == UNKNOWN_MAX)
			break;
	}
	hostfs_listing_put(d->hs, l);
	inode_put(dir);
}

void hostfs_names_neighbours(struct hostfs_names *a, struct hostfs_listing *l, uint32_t e, enum hostfs_purpose what,
			     unsigned files, unsigned dirs)
{
	struct hostfs_node *d = hostfs_node(a->dir[0]);
	unsigned max = HC_FETCH_NAMES, trees = (unsigned)__atomic_load_n(&d->hs->tree_credit, __ATOMIC_RELAXED);
	enum hostfs_purpose others = what;

	if (what == HOSTFS_TO_MAP)
		return;
	if (what == HOSTFS_TO_READ)
		max = MIN(max, files + 1);
	else if (what == HOSTFS_TO_LIST)
		max = MIN(max, dirs);
	else if (!__atomic_exchange_n(&l->asked, true, __ATOMIC_RELAXED) && l->count > HC_FETCH_NAMES / 2)
		max = FETCH_FIRST;
	if (!add_entries(d, a, l, (e + 1) % l->count, l->count - 1, max, what) || what == HOSTFS_TO_LIST)
		return;
	if (what == HOSTFS_TO_LOOK) {
		if (!l->together)
			return;
		hostfs_credit(&d->hs->tree_credit, 1);
		if (l->entries[e].type == DT_DIR)
			others = HOSTFS_TO_DESCEND;
		add_followers(d, a, max, MIN(trees, HC_FETCH_DIRS), others);
		hostfs_credit(&d->hs->tree_credit, 1 - (int)a->dir_count);
	} else if (l->together && a->bytes < CONTENTS_ROOM) {
		add_followers(d, a, max, HC_FETCH_DIRS, what);
	}
}
