/* SPDX-License-Identifier: Apache-2.0 */
/* vma.c: the tree and list of virtual memory areas of one address space.
 *
 * An AVL tree keyed by address finds a VMA; the list gives the neighbours.
 * Every node carries the largest free gap that lies directly below a VMA of
 * its subtree, so that a free place is found without walking all areas.
 * Depth is bounded by the map count (65530 areas: height under 24), which
 * bounds the recursion.
 *
 * Locking: mm->lock.  Nothing here calls the platform. */
#include "kernel/mm/patch.h"

/* ---- tree ---- */

static int height(const struct vma *v) { return v ? v->node.h : 0; }

struct vma *vma_first(struct mm *mm)
{
	return list_empty(&mm->vmas) ? NULL : list_first(&mm->vmas, struct vma, link);
}

struct vma *vma_next(struct mm *mm, struct vma *v)
{
	return v->link.next == &mm->vmas ? NULL : list_next(v, link);
}

struct vma *vma_prev(struct mm *mm, struct vma *v)
{
	return v->link.prev == &mm->vmas ? NULL : list_entry(v->link.prev, struct vma, link);
}

uint64_t vma_start_gap(const struct vma *v)
{
	if (!(v->flags & VM_GROWSDOWN))
		return v->start;
	return v->start > STACK_GUARD_GAP ? v->start - STACK_GUARD_GAP : 0;
}

static uint64_t gap_below(struct mm *mm, struct vma *v)
{
	struct vma *p = vma_prev(mm, v);
	uint64_t lo = p ? p->end : 0, hi = vma_start_gap(v);

	return hi > lo ? hi - lo : 0;
}

static void node_update(struct mm *mm, struct vma *v)
{
	struct vma *l = v->node.l, *r = v->node.r;
	uint64_t g = gap_below(mm, v);

	v->node.h = 1 + MAX(height(l), height(r));
	if (l && l->node.max_gap > g)
		g = l->node.max_gap;
	if (r && r->node.max_gap > g)
		g = r->node.max_gap;
	v->node.max_gap = g;
}

static struct vma *rotate_right(struct mm *mm, struct vma *v)
{
	struct vma *l = v->node.l;

	v->node.l = l->node.r;
	l->node.r = v;
	node_update(mm, v);
	node_update(mm, l);
	return l;
}

static struct vma *rotate_left(struct mm *mm, struct vma *v)
{
	struct vma *r = v->node.r;

	v->node.r = r->node.l;
	r->node.l = v;
	node_update(mm, v);
	node_update(mm, r);
	return r;
}

static struct vma *rebalance(struct mm *mm, struct vma *v)
{
	int d = height(v->node.l) - height(v->node.r);

	if (d > 1) {
		if (height(v->node.l->node.l) < height(v->node.l->node.r))
			v->node.l = rotate_left(mm, v->node.l);
		return rotate_right(mm, v);
	}
	if (d < -1) {
		if (height(v->node.r->node.r) < height(v->node.r->node.l))
			v->node.r = rotate_right(mm, v->node.r);
		return rotate_left(mm, v);
	}
	node_update(mm, v);
	return v;
}

static struct vma *tree_insert(struct mm *mm, struct vma *n, struct vma *v)
{
	if (!n) {
		v->node.l = v->node.r = NULL;
		node_update(mm, v);
		return v;
	}
	if (v->start < n->start)
		n->node.l = tree_insert(mm, n->node.l, v);
	else
		n->node.r = tree_insert(mm, n->node.r, v);
	return rebalance(mm, n);
}

static struct vma *tree_take_min(struct mm *mm, struct vma *n, struct vma **ret_min)
{
	if (!n->node.l) {
		*ret_min = n;
		return n->node.r;
	}
	n->node.l = tree_take_min(mm, n->node.l, ret_min);
	return rebalance(mm, n);
}

static struct vma *tree_remove(struct mm *mm, struct vma *n, struct vma *v)
{
	KASSERT(n);
	if (n == v) {
		struct vma *l = n->node.l, *r = n->node.r, *m;

		if (!r)
			return l;
		r = tree_take_min(mm, r, &m);
		m->node.l = l;
		m->node.r = r;
		return rebalance(mm, m);
	}
	if (v->start < n->start)
		n->node.l = tree_remove(mm, n->node.l, v);
	else
		n->node.r = tree_remove(mm, n->node.r, v);
	return rebalance(mm, n);
}

/* The gap below v changed: refresh the path from the root to it. */
static void tree_refresh(struct mm *mm, struct vma *n, struct vma *v)
{
	if (n != v)
		tree_refresh(mm, v->start < n->start ? n->node.l : n->node.r, v);
	node_update(mm, n);
}

static void gap_changed(struct mm *mm, struct vma *v)
{
	if (v)
		tree_refresh(mm, mm->root, v);
}

struct vma *mm_find_locked(struct mm *mm, uint64_t addr)
{
	struct vma *n = mm->root, *best = NULL;

	while (n) {
		if (n->end > addr) {
			best = n;
			if (n->start <= addr)
				break;
			n = n->node.l;
		} else {
			n = n->node.r;
		}
	}
	return best;
}

struct vma *vma_intersect(struct mm *mm, uint64_t start, uint64_t end)
{
	struct vma *v = mm_find_locked(mm, start);

	return v && v->start < end ? v : NULL;
}

/* Highest fit inside the subtree.  A subtree whose gaps are all too small is
 * skipped, as are gaps that lie wholly outside [lo, hi). */
static uint64_t gap_search(struct mm *mm, struct vma *n, uint64_t size, uint64_t lo, uint64_t hi)
{
	struct vma *p;
	uint64_t a, b, found;

	if (!n || n->node.max_gap < size)
		return 0;
	if (n->end < hi) {
		found = gap_search(mm, n->node.r, size, lo, hi);
		if (found)
			return found;
	}
	p = vma_prev(mm, n);
	a = MAX(p ? p->end : 0, lo);
	b = MIN(vma_start_gap(n), hi);
	if (b > a && b - a >= size)
		return b - size;
	return n->start > lo ? gap_search(mm, n->node.l, size, lo, hi) : 0;
}

uint64_t vma_find_gap(struct mm *mm, uint64_t size, uint64_t lo, uint64_t hi)
{
	uint64_t a = lo;

	if (!list_empty(&mm->vmas))
		a = MAX(lo, list_last(&mm->vmas, struct vma, link)->end);
	if (hi > a && hi - a >= size)
		return hi - size;
	return gap_search(mm, mm->root, size, lo, hi);
}

/* ---- areas ---- */

static bool backed(const struct vma *v) { return v->file || v->obj.id; }

/* Seals ask whether anybody could still write through a mapping. */
void vma_count_writer(const struct vma *v, bool add)
{
	if (v->file && v->file->inode &&
	    (v->flags & (VM_SHARED | VM_MAYWRITE)) == (VM_SHARED | VM_MAYWRITE))
		__atomic_fetch_add(&v->file->inode->writable_maps, add ? 1 : -1, __ATOMIC_SEQ_CST);
}

struct vma *vma_dup(const struct vma *v)
{
	struct vma *n = kmalloc(sizeof(*n));

	if (!n)
		return NULL;
	*n = *v;
	list_init(&n->link);
	if (n->file)
		file_get(n->file);
	if (n->patch)
		patch_version_get(n->patch);
	vma_count_writer(n, true);
	if (n->objref) {
		obj_ref_get(n->objref);
		__atomic_fetch_add(&n->objref->nattach, 1, __ATOMIC_RELAXED);
		if (n->objref->changed)
			n->objref->changed(n->objref);
	}
	return n;
}

void vma_free(struct vma *v)
{
	vma_count_writer(v, false);
	patch_version_put(v->patch);
	if (v->file)
		file_put(v->file);
	if (v->objref) {
		__atomic_fetch_sub(&v->objref->nattach, 1, __ATOMIC_RELAXED);
		if (v->objref->changed)
			v->objref->changed(v->objref);
		obj_ref_put(v->objref);
	}
	kfree(v);
}

void vma_free_list(struct list *dead)
{
	struct vma *v, *tmp;

	list_for_each_safe(v, tmp, dead, link)
		vma_free(v);
	list_init(dead);
}

/* Sizes that limits look at.  As in Linux, "data" is private writable memory
 * that is no stack. */
static void account(struct mm *mm, uint32_t flags, uint64_t size, bool add)
{
	uint64_t d = add ? size : -size;

	mm->total_size += d;
	if (flags & VM_LOCKED)
		mm->locked_size += d;
	if (flags & VM_GROWSDOWN)
		mm->stack_size += d;
	else if ((flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
		mm->data_size += d;
}

/* For those who remember what they saw. */
static void changed(struct mm *mm)
{
	__atomic_store_n(&mm->changes, mm->changes + 1, __ATOMIC_RELEASE);
}

void vma_insert(struct mm *mm, struct vma *v)
{
	struct vma *next = mm_find_locked(mm, v->start);

	changed(mm);
	list_push_back(next ? &next->link : &mm->vmas, &v->link);
	mm->root = tree_insert(mm, mm->root, v);
	gap_changed(mm, next);
	mm->vma_count++;
	account(mm, v->flags, v->end - v->start, true);
}

void vma_remove(struct mm *mm, struct vma *v)
{
	struct vma *next = vma_next(mm, v);

	changed(mm);
	mm->root = tree_remove(mm, mm->root, v);
	list_del(&v->link);
	gap_changed(mm, next);
	mm->vma_count--;
	account(mm, v->flags, v->end - v->start, false);
}

/* The order among areas must not change.  The offset follows the start. */
void vma_set_range(struct mm *mm, struct vma *v, uint64_t start, uint64_t end)
{
	changed(mm);
	account(mm, v->flags, v->end - v->start, false);
	if (backed(v))
		v->off += start - v->start;
	v->start = start;
	v->end = end;
	account(mm, v->flags, v->end - v->start, true);
	gap_changed(mm, v);
	gap_changed(mm, vma_next(mm, v));
}

void vma_set_flags(struct mm *mm, struct vma *v, uint32_t flags)
{
	changed(mm);
	account(mm, v->flags, v->end - v->start, false);
	v->flags = flags;
	account(mm, v->flags, v->end - v->start, true);
	gap_changed(mm, v);     /* GROWSDOWN has a guard */
}

int vma_split(struct mm *mm, struct vma *v, uint64_t addr)
{
	uint64_t end = v->end;
	struct vma *n;
	int err;

	if (mm->vma_count >= MM_MAX_MAP_COUNT)
		return -ENOMEM;
	err = v->flags & VM_EXEC ? patch_remove_locked(mm, v) : 0;
	if (err)
		return err;
	n = vma_dup(v);
	if (!n)
		return -ENOMEM;
	vma_set_range(mm, v, v->start, addr);
	n->off = backed(n) ? v->off + (addr - v->start) : 0;
	n->start = addr;
	n->end = end;
	vma_insert(mm, n);
	return 0;
}

static bool continues(const struct vma *a, const struct vma *b)
{
	if (a->end != b->start || a->flags != b->flags || a->file != b->file ||
	    a->objref != b->objref || a->obj.id != b->obj.id || a->name != b->name || a->policy != b->policy)
		return false;
	if ((a->flags & VM_SPECIAL) || a->patch != b->patch)
		return false;
	return !backed(a) || a->off + (a->end - a->start) == b->off;
}

/* b is swallowed by a.  Its file reference is never the last one: a has
 * another, so nothing sleeps for long under mm->lock. */
static void join(struct mm *mm, struct vma *a, struct vma *b)
{
	uint64_t end = b->end;

	a->written |= b->written;
	vma_remove(mm, b);
	vma_set_range(mm, a, a->start, end);
	vma_free(b);
}

struct vma *vma_merge(struct mm *mm, struct vma *v)
{
	struct vma *p = vma_prev(mm, v), *n = vma_next(mm, v);

	if (n && continues(v, n))
		join(mm, v, n);
	if (p && continues(p, v)) {
		join(mm, p, v);
		return p;
	}
	return v;
}

int vma_isolate(struct mm *mm, uint64_t start, uint64_t end, struct vma **ret)
{
	struct vma *v = vma_intersect(mm, start, end), *last;
	int err;

	for (struct vma *p = v; p && p->start < end; p = vma_next(mm, p))
		if (p->patch && (p->flags & VM_EXEC))
			cpuid_revoke_locked(mm);
	if (v && v->start < start) {
		err = vma_split(mm, v, start);
		if (err)
			return err;
		v = vma_next(mm, v);
	}
	last = v ? vma_intersect(mm, end - 1, end) : NULL;
	if (last && last->end > end) {
		err = vma_split(mm, last, end);
		if (err) {
			vma_merge(mm, v);
			return err;
		}
	}
	*ret = v;
	return 0;
}
