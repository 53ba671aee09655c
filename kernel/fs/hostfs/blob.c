/* SPDX-License-Identifier: Apache-2.0 */
/* hostfs: contents of small files, that came with a message (fetch in
 * lookup.c) and are read without asking the host.
 *
 * A blob is a snapshot: it is believed as long as the attributes are, and
 * longer when new attributes show that the file has not changed since.  A file
 * that is open keeps the one it was opened with (file.c).  Our own writing
 * drops it.  Their bytes are bounded over the whole super block, also those
 * that only open files hold: beyond that files are opened on the host. */
#include "kernel/fs/hostfs/hostfs.h"

#define SETTLED_NS (2 * (int64_t)NSEC_PER_SEC)  /* no host's time stamps are coarser */

void hostfs_blob_put(struct hostfs_sb *hs, struct hostfs_blob *b)
{
	if (!b || !ref_put(&b->ref))
		return;
	__atomic_fetch_sub(&hs->blob_bytes, sizeof(*b) + b->size, __ATOMIC_RELAXED);
	kfree(b);
}

bool hostfs_blob_room(const struct hostfs_sb *hs)
{
	return __atomic_load_n(&hs->blob_bytes, __ATOMIC_RELAXED) < HOSTFS_BLOBS_MAX;
}

struct hostfs_blob *hostfs_blob_get(struct hostfs_node *n)
{
	struct hostfs_blob *b;

	spin_lock(&n->attr_lock);
	b = n->blob;
	if (b && __atomic_load_n(&b->until_ns, __ATOMIC_RELAXED) > sched_entered_ns())
		ref_get(&b->ref);
	else
		b = NULL;
	spin_unlock(&n->attr_lock);
	if (b && __atomic_exchange_n(&b->ahead, false, __ATOMIC_RELAXED))
		hostfs_credit(&n->hs->file_credit, 2);
	return b;
}

void hostfs_blob_drop(struct hostfs_node *n)
{
	struct hostfs_blob *b;

	spin_lock(&n->attr_lock);
	b = n->blob;
	__atomic_store_n(&n->blob, NULL, __ATOMIC_RELAXED);
	spin_unlock(&n->attr_lock);
	hostfs_blob_put(n->hs, b);
}

struct hostfs_blob *hostfs_blob_check_locked(struct hostfs_node *n, const struct hc_attr *a)
{
	struct hostfs_blob *b = n->blob;
	const struct inode *i = n->inode;

	if (!b)
		return NULL;
	if (b->settled && i->size == a->size && i->mtime_ns == a->mtime_ns && i->ctime_ns == a->ctime_ns) {
		__atomic_store_n(&b->until_ns, plat_time_mono_ns() + HOSTFS_VALID_NS, __ATOMIC_RELAXED);
		return NULL;
	}
	__atomic_store_n(&n->blob, NULL, __ATOMIC_RELAXED);
	return b;
}

/* The oldest go until the rest fits; what open files hold stays counted. */
static void make_room(struct hostfs_sb *hs, size_t size)
{
	struct hostfs_node *n;

	while (__atomic_load_n(&hs->blob_bytes, __ATOMIC_RELAXED) + size > HOSTFS_BLOBS_MAX) {
		spin_lock(&hs->lock);
		if (list_empty(&hs->blobs)) {
			spin_unlock(&hs->lock);
			return;
		}
		n = list_first(&hs->blobs, struct hostfs_node, blob_link);
		list_del(&n->blob_link);
		if (!ref_get_unless_zero(&n->inode->ref))
			n = NULL;       /* being evicted: drops it by itself */
		spin_unlock(&hs->lock);
		if (!n)
			continue;
		hostfs_blob_drop(n);
		inode_put(n->inode);
	}
}

void hostfs_blob_take(struct hostfs_node *n, const struct hc_attr *a, const uint8_t *p, size_t size, bool ahead)
{
	struct hostfs_sb *hs = n->hs;
	struct hostfs_blob *b, *old;
	int64_t changed = MAX(a->ctime_ns, a->mtime_ns);

	make_room(hs, sizeof(*b) + size);
	b = hostfs_blob_room(hs) ? kmalloc(sizeof(*b) + size) : NULL;
	if (!b)
		return;
	ref_init(&b->ref);
	b->size = size;
	b->ahead = ahead;
	b->settled = changed < vfs_now_ns() - SETTLED_NS;
	b->until_ns = plat_time_mono_ns() + HOSTFS_VALID_NS;
	memcpy(b->bytes, p, size);
	__atomic_fetch_add(&hs->blob_bytes, sizeof(*b) + size, __ATOMIC_RELAXED);
	old = b;
	mutex_lock(&n->open_lock);
	if (!n->wfile && !n->wobj.id) {
		spin_lock(&n->attr_lock);
		old = n->blob;
		__atomic_store_n(&n->blob, b, __ATOMIC_RELAXED);
		spin_unlock(&n->attr_lock);
		spin_lock(&hs->lock);
		list_del(&n->blob_link);
		list_push_back(&hs->blobs, &n->blob_link);
		spin_unlock(&hs->lock);
	}
	mutex_unlock(&n->open_lock);
	hostfs_blob_put(hs, old);
}
