/* SPDX-License-Identifier: Apache-2.0 */
/* ride.c: memory calls that the platform makes on the task's way back.
 *
 * The areas change at once; the platform is told what to do when the task runs
 * again, by the same message.  That is the last moment at which nobody can
 * tell: the address space has no other user (advice excepted), and what else
 * the kernel does with it in between comes after it.  One such change per system call; a
 * second one, or a copy, makes the platform do the first at once.
 *
 * The host may refuse (too many mappings, no memory).  Then the areas become
 * what they were and the call returns the error; a place whose mapping was to
 * be replaced is empty, as always.  So only changes ride that can be undone:
 * new private anonymous memory, removal of such (its areas are kept so long),
 * protection or contents of one area; and removal of whole private mappings of
 * files, which the host has no reason to refuse: their areas go at once, for
 * others may wait for a file's locks and space.
 *
 * Locking: as the calls, mm->lock; the record is the task's own. */
#include "kernel/mm/ride.h"

#define RIDE_AREAS_MAX 8
#define RIDE_FILES 1u                   /* flags of an unmap: cannot be undone */

static bool may(struct mm *mm)
{
	struct task *t = current_task();

	return t && t->ride.allowed && t->mm == mm && !t->ride.kind && !mm->batching &&
	       !task_traced(t) && !t->kernel_trace;
}

static bool may_alone(struct mm *mm)
{
	return ref_read(&mm->users) == 1 && may(mm);
}

static void record(enum mem_ride_kind kind, uint64_t start, uint64_t end, uint32_t flags)
{
	struct mem_ride *r = &current_task()->ride;

	r->kind = kind;
	r->start = start;
	r->end = end;
	r->flags = flags;
}

bool ride_map(struct mm *mm, uint64_t start, uint64_t end, unsigned prot, unsigned plat_flags)
{
	struct task *t = current_task();

	if (!may_alone(mm) || !plat_ride_map_anon(mm->as, &t->uctx, start, end - start, prot, plat_flags))
		return false;
	record(RIDE_MAP, start, end, 0);
	return true;
}

/* Parts of one mapping: the host would have to split it. */
static bool cut_apart(const struct vma *a, const struct vma *b)
{
	return a->file && a->file == b->file && a->end == b->start && a->off + (a->end - a->start) == b->off;
}

/* v: the first of the areas that make up the range, which is about to go. */
bool ride_unmap(struct mm *mm, struct vma *v, uint64_t start, uint64_t end)
{
	struct task *t = current_task();
	struct vma *near = v ? vma_prev(mm, v) : NULL;
	uint32_t files = 0;
	unsigned n = 0;

	if (!may_alone(mm) || (near && cut_apart(near, v)))
		return false;
	for (; v && v->start < end; v = near) {
		if ((v->flags & (VM_SPECIAL | VM_SHARED)) || ++n > RIDE_AREAS_MAX)
			return false;
		files |= v->file || v->obj.id ? RIDE_FILES : 0;
		near = vma_next(mm, v);
		if (near && near->start >= end && cut_apart(v, near))
			return false;
	}
	if (!plat_ride_unmap(mm->as, &t->uctx, start, end - start))
		return false;
	record(RIDE_UNMAP, start, end, files);
	list_init(&t->ride.gone);
	return true;
}

bool ride_keep(struct list *dead)
{
	struct mem_ride *r = &current_task()->ride;
	struct vma *v, *tmp;

	if (r->kind != RIDE_UNMAP || (r->flags & RIDE_FILES) || !list_empty(&r->gone))
		return false;
	list_for_each_safe(v, tmp, dead, link) {
		list_del(&v->link);
		list_push_back(&r->gone, &v->link);
	}
	return true;
}

bool ride_protect(struct mm *mm, const struct vma *v, uint64_t start, uint64_t end, unsigned prot)
{
	struct task *t = current_task();

	if (!may_alone(mm) || v->start != start || v->end != end || (v->flags & (VM_SHARED | VM_SPECIAL)) ||
	    !plat_ride_protect(mm->as, &t->uctx, start, end - start, prot))
		return false;
	record(RIDE_PROTECT, start, end, v->flags);
	return true;
}

/* Changes no area: as if the call had come after whatever other users do to the
 * range before it returns. */
bool ride_advise(struct mm *mm, uint64_t start, uint64_t end, int advice)
{
	struct task *t = current_task();

	if (!may(mm) || !plat_ride_advise(mm->as, &t->uctx, start, end - start, advice))
		return false;
	record(RIDE_ADVISE, start, end, 0);
	return true;
}

/* The areas as they were; false: it cannot be said any more what is mapped. */
static bool undo_locked(struct mm *mm, struct mem_ride *r, struct list *dead)
{
	struct vma *v, *tmp;

	if (r->brk)
		mm->brk = r->brk;
	switch (r->kind) {
	case RIDE_MAP:
		return !unmap_locked(mm, r->start, r->end, dead);
	case RIDE_UNMAP:
		if ((r->flags & RIDE_FILES) || vma_intersect(mm, r->start, r->end))
			return false;
		list_for_each_safe(v, tmp, &r->gone, link) {
			list_del(&v->link);
			vma_insert(mm, v);
			vma_merge(mm, v);
		}
		return true;
	case RIDE_PROTECT:
		if (vma_isolate(mm, r->start, r->end, &v))
			return false;
		if (!v || v->start != r->start || v->end != r->end)
			return false;
		vma_set_flags(mm, v, r->flags);
		vma_merge(mm, v);
		return true;
	default:
		return true;
	}
}

void ride_over_slow(struct task *t)
{
	struct mem_ride *r = &t->ride;

	if (r->kind == RIDE_UNMAP)
		vma_free_list(&r->gone);
	r->kind = RIDE_NONE;
	r->brk = 0;
}

void ride_failed(struct task *t, int err)
{
	struct mem_ride *r = &t->ride;
	struct list dead = LIST_INIT(dead);
	struct mm *mm = t->mm;
	bool ok;

	mutex_lock(&mm->lock);
	ok = undo_locked(mm, r, &dead);
	t->uctx.regs.rax = r->brk ? r->brk : (uint64_t)(int64_t)err;
	mutex_unlock(&mm->lock);
	t->uctx.regs_changed = true;
	vma_free_list(&dead);
	if (!ok)
		signal_force(SIGKILL, NULL);
	ride_over_slow(t);
}

void ride_settle_slow(struct task *t)
{
	int err;

	copy_out_finish(t);
	err = t->uctx.rider_err;
	t->uctx.rider_err = 0;
	if (err)
		ride_failed(t, err);
	else
		ride_over_slow(t);
}
