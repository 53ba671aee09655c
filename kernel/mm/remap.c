/* SPDX-License-Identifier: Apache-2.0 */
/* remap.c: mremap(2) and brk(2).
 *
 * Growth in place maps the additional range; the host joins it with its
 * neighbour.  A move is the platform's: pages keep their contents without
 * being copied.  Locking: mm->lock. */
#include "kernel/mm/patch.h"
#include "kernel/mm/ride.h"
#include "kernel/syscall/syscall.h"

struct remap {
	uint64_t old, old_size, new, new_size;
	unsigned flags;
};

static struct map_req req_like(const struct vma *v, uint64_t from, uint64_t addr, uint64_t size)
{
	return (struct map_req){
		.addr = addr, .size = size, .flags = v->flags, .file = v->file,
		.objref = v->objref, .obj = v->obj,
		.off = v->file || v->obj.id ? v->off + (from - v->start) : 0,
		.name = v->name, .policy = v->policy,
	};
}

static int grow_limits(struct mm *mm, const struct vma *v, uint64_t delta)
{
	int err = mm_may_expand_locked(mm, delta, v->flags);

	if (!err && (v->flags & VM_LOCKED) && !capable(CAP_IPC_LOCK) &&
	    mm->locked_size + delta > mm_rlimit(RLIMIT_MEMLOCK))
		err = -EAGAIN;
	return err;
}

static int64_t grow_in_place(struct mm *mm, struct vma *v, const struct remap *r, struct list *dead)
{
	struct map_req q = req_like(v, v->end, v->end, r->new_size - r->old_size);
	int err = map_locked(mm, &q, dead);

	return err ? err : (int64_t)r->old;
}

/* Old size 0: another view of a shared mapping. */
static int64_t duplicate(struct mm *mm, struct vma *v, const struct remap *r, struct list *dead)
{
	struct map_req q;
	int err;

	if (!(v->flags & VM_SHARED) || !(r->flags & MREMAP_MAYMOVE))
		return -EINVAL;
	q = req_like(v, r->old, r->new, r->new_size);
	if (!(r->flags & MREMAP_FIXED)) {
		err = mm_find_place_locked(mm, 0, r->new_size, 0, &q.addr);
		if (err)
			return err;
	}
	err = grow_limits(mm, v, r->new_size);
	if (!err)
		err = map_locked(mm, &q, dead);
	return err ? err : (int64_t)q.addr;
}

static int64_t move(struct mm *mm, struct vma *v, const struct remap *r, struct list *dead)
{
	uint64_t at = r->new, moved = MIN(r->old_size, r->new_size);
	struct vma *n;
	int err;

	if (!(r->flags & MREMAP_FIXED)) {
		/* With MREMAP_DONTUNMAP the new address is a hint. */
		err = mm_find_place_locked(mm, r->flags & MREMAP_DONTUNMAP ? at : 0, r->new_size, 0, &at);
		if (err)
			return err;
	} else {
		err = unmap_locked(mm, at, at + r->new_size, dead);
		if (err)
			return err;
	}
	/* A shrinking move drops the tail first. */
	if (r->old_size > moved) {
		err = unmap_locked(mm, r->old + moved, r->old + r->old_size, dead);
		if (err)
			return err;
	}
	err = vma_isolate(mm, r->old, r->old + moved, &v);
	if (err)
		return err;
	n = vma_dup(v);
	if (!n)
		return -ENOMEM;
	err = plat_as_move(mm->as, r->old, moved, at, r->new_size);
	if (err) {
		list_push_back(dead, &n->link);
		vma_merge(mm, v);
		return err;
	}
	if (r->flags & MREMAP_DONTUNMAP) {
		unsigned pf = !(v->flags & VM_SHARED) ? 0 :
			      PLAT_MAP_SHARED | (v->flags & VM_MAYWRITE ? PLAT_MAP_MAYWRITE : 0);

		err = v->obj.id ? plat_as_map_obj(mm->as, r->old, moved, vma_prot(v->flags), pf, v->obj, v->off) :
				  plat_as_map_anon(mm->as, r->old, moved, vma_prot(v->flags), 0);
		n->flags &= ~VM_LOCKED;
	}
	if (!(r->flags & MREMAP_DONTUNMAP) || err) {
		vma_remove(mm, v);
		list_push_back(dead, &v->link);
	}
	n->start = at;
	n->end = at + r->new_size;
	vma_insert(mm, n);
	vma_merge(mm, n);
	return at;
}

static int64_t remap_locked(struct mm *mm, const struct remap *r, struct list *dead)
{
	struct vma *v = mm_find_locked(mm, r->old), *next;
	uint64_t delta;
	int64_t ret;
	int err;

	if (!v || v->start > r->old)
		return -EFAULT;
	/* As Linux: moved as a whole or not at all. */
	if ((v->flags & VM_SPECIAL) &&
	    (r->old != v->start || r->old_size != v->end - v->start || r->new_size != r->old_size))
		return -EINVAL;
	err = patch_remove_locked(mm, v);
	if (err)
		return err;
	if (!r->old_size)
		return duplicate(mm, v, r, dead);
	if (!(r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && r->new_size <= r->old_size) {
		err = r->new_size == r->old_size ? 0 :
			unmap_locked(mm, r->old + r->new_size, r->old + r->old_size, dead);
		return err ? err : (int64_t)r->old;
	}
	if (r->old_size > v->end - r->old)
		return -EFAULT;
	if ((r->flags & MREMAP_DONTUNMAP) && v->file && !v->obj.id)
		return -EINVAL;
	delta = r->new_size > r->old_size ? r->new_size - r->old_size : 0;
	err = grow_limits(mm, v, r->flags & MREMAP_DONTUNMAP ? r->new_size : delta);
	if (err)
		return err;
	if (!(r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && r->old + r->old_size == v->end) {
		next = vma_next(mm, v);
		if (r->old + r->new_size <= (next ? vma_start_gap(next) : mm_addr_hi)) {
			ret = grow_in_place(mm, v, r, dead);
			if (ret >= 0)
				return ret;
		}
	}
	if (!(r->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	return move(mm, v, r, dead);
}

SYSCALL5(mremap, uint64_t, addr, size_t, old_size, size_t, new_size, unsigned, flags, uint64_t, new_addr)
{
	struct remap r = { .old = addr, .new = new_addr, .flags = flags };
	struct list dead = LIST_INIT(dead);
	uint64_t old_end, new_end = 0;
	int64_t ret;

	if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
		return -EINVAL;
	if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && !(flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((flags & MREMAP_DONTUNMAP) && old_size != new_size)
		return -EINVAL;
	if ((addr & (PAGE_SIZE - 1)) || !new_size || new_size > mm_addr_hi)
		return -EINVAL;
	if (!mm_range_ok(addr, old_size, &old_end))
		return -EFAULT;
	r.old_size = align_up(old_size, PAGE_SIZE);
	r.new_size = align_up(new_size, PAGE_SIZE);
	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
		if (!mm_range_ok(new_addr, new_size, &new_end) || ((flags & MREMAP_FIXED) && new_addr < mm_addr_lo))
			return -EINVAL;
		if (new_addr < old_end && addr < new_end)
			return -EINVAL;
	}
	mutex_lock(&t->mm->lock);
	ret = remap_locked(t->mm, &r, &dead);
	mutex_unlock(&t->mm->lock);
	vma_free_list(&dead);
	memlimit_poke();
	return ret;
}

/* remap_file_pages(2), as Linux emulates it: the range gets a mapping of its own.
 * It must lie in shared mappings of one file. */
static int remap_pages_locked(struct mm *mm, uint64_t start, uint64_t end, uint64_t off, struct list *dead)
{
	struct vma *v = mm_find_locked(mm, start);
	struct map_req q;

	if (!v || v->start > start || !(v->flags & VM_SHARED) || (v->flags & VM_SPECIAL))
		return -EINVAL;
	q = req_like(v, start, start, end - start);
	q.off = off;
	for (struct vma *p = v; p->end < end; ) {
		struct vma *next = vma_next(mm, p);

		if (!next || next->start != p->end || next->file != v->file || next->objref != v->objref ||
		    next->flags != v->flags)
			return -EINVAL;
		p = next;
	}
	return map_locked(mm, &q, dead);
}

SYSCALL5(remap_file_pages, uint64_t, start, size_t, size, unsigned, prot, uint64_t, pgoff, unsigned, flags)
{
	struct list dead = LIST_INIT(dead);
	uint64_t end, off, off_end;
	int err;

	start = align_down(start, PAGE_SIZE);
	size = align_down(size, PAGE_SIZE);
	if (prot || !size || !mm_range_ok(start, size, &end) || pgoff > UINT64_MAX >> PAGE_SHIFT)
		return -EINVAL;
	off = pgoff << PAGE_SHIFT;
	if (add_overflows(off, size, &off_end) || off_end > INT64_MAX)
		return -EINVAL;
	mutex_lock(&t->mm->lock);
	err = remap_pages_locked(t->mm, start, end, off, &dead);
	mutex_unlock(&t->mm->lock);
	vma_free_list(&dead);
	return err;
}

/* ---- brk ----
 * The break is an exact byte address; the mapping covers whole pages. */

static int brk_grow(struct mm *mm, uint64_t old, uint64_t new, struct list *dead)
{
	struct map_req r = {
		.addr = old, .size = new - old, .name = "[heap]",
		.flags = VM_READ | VM_WRITE | (mm->def_flags & VM_LOCKED),
	};
	struct vma *v = mm_find_locked(mm, old);
	int err;

	if (v && new > (vma_start_gap(v) > old ? vma_start_gap(v) : v->start))
		return -ENOMEM;
	err = mm_may_expand_locked(mm, new - old, r.flags);
	return err ? err : map_locked(mm, &r, dead);
}

SYSCALL1(brk, uint64_t, addr)
{
	struct list dead = LIST_INIT(dead);
	struct mm *mm = t->mm;
	uint64_t old, new, ret, limit;
	int err = 0;

	mutex_lock(&mm->lock);
	limit = mm_rlimit(RLIMIT_DATA);
	if (addr < mm->brk_start || addr > mm_addr_hi - PAGE_SIZE)
		goto out;
	if (limit != RLIM_INFINITY &&
	    addr - mm->brk_start + (mm->end_data - mm->start_data) > limit)
		goto out;
	old = align_up(mm->brk, PAGE_SIZE);
	new = align_up(addr, PAGE_SIZE);
	ride_allow(t);
	if (new > old)
		err = brk_grow(mm, old, new, &dead);
	else if (new < old)
		err = unmap_locked(mm, new, old, &dead);
	ride_end(t);
	if (t->ride.kind)
		t->ride.brk = mm->brk;
	if (!err)
		mm->brk = addr;
out:
	ret = mm->brk;
	mutex_unlock(&mm->lock);
	vma_free_list(&dead);
	memlimit_poke();
	return ret;
}
