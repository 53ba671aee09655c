/* SPDX-License-Identifier: Apache-2.0 */
/* overlay: renamed directories keep the lower directory that they merge with.
 *
 * The layers are objects, not paths, and all of it dies with the super block:
 * a table from the upper to the lower directory is all that a rename needs.
 * The upper one is marked opaque, so its new name is never sought below.
 * Lock: ovl_super.lock. */
#include "kernel/fs/overlay/overlay.h"

static struct list *bucket(struct ovl_super *os, const struct inode *upper)
{
	return &os->redirect[hash_u64((uint64_t)(uintptr_t)upper) % OVL_BUCKETS];
}

static struct ovl_redirect *find_locked(struct ovl_super *os, const struct inode *upper)
{
	struct ovl_redirect *r;

	list_for_each(r, bucket(os, upper), link)
		if (r->upper == upper)
			return r;
	return NULL;
}

int ovl_redirect_add(struct ovl_super *os, struct inode *upper, struct inode *lower)
{
	struct ovl_redirect *r = kzalloc(sizeof(*r));
	bool known;

	if (!r)
		return -ENOMEM;
	r->upper = upper;
	r->lower = lower;
	spin_lock(&os->lock);
	known = find_locked(os, upper);
	if (!known) {
		inode_get(upper);
		inode_get(lower);
		list_push_back(bucket(os, upper), &r->link);
	}
	spin_unlock(&os->lock);
	if (known)
		kfree(r);
	return 0;
}

struct inode *ovl_redirect_find(struct ovl_super *os, struct inode *upper)
{
	struct ovl_redirect *r;
	struct inode *l = NULL;

	spin_lock(&os->lock);
	r = find_locked(os, upper);
	if (r)
		l = inode_get(r->lower);
	spin_unlock(&os->lock);
	return l;
}

static void entry_free(struct ovl_redirect *r)
{
	inode_put(r->upper);
	inode_put(r->lower);
	kfree(r);
}

void ovl_redirect_drop(struct ovl_super *os, struct inode *upper)
{
	struct ovl_redirect *r;

	spin_lock(&os->lock);
	r = find_locked(os, upper);
	if (r)
		list_del(&r->link);
	spin_unlock(&os->lock);
	if (r)
		entry_free(r);
}

void ovl_redirect_free(struct ovl_super *os)
{
	for (unsigned k = 0; k < OVL_BUCKETS; k++)
		while (!list_empty(&os->redirect[k])) {
			struct ovl_redirect *r = list_first(&os->redirect[k], struct ovl_redirect, link);

			list_del(&r->link);
			entry_free(r);
		}
}
