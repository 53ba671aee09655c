/* SPDX-License-Identifier: Apache-2.0 */
/* advise.c: madvise(2), process_madvise(2), mincore(2), msync(2).
 *
 * Advice is applied area by area; holes are skipped and reported as ENOMEM at
 * the end, as Linux does.  Locking: mm->lock, dropped around calls to files. */
#include "kernel/mm/internal.h"
#include "kernel/mm/ride.h"
#include "kernel/syscall/syscall.h"

#define FALLOC_FL_KEEP_SIZE_ 1
#define FALLOC_FL_PUNCH_HOLE_ 2

static int change_flags(struct mm *mm, struct vma *v, uint64_t s, uint64_t e, uint32_t set,
			uint32_t clear)
{
	uint32_t flags = (v->flags | set) & ~clear;
	int err;

	if (flags == v->flags)
		return 0;
	err = vma_isolate(mm, s, e, &v);
	if (err)
		return err;
	vma_set_flags(mm, v, flags);
	vma_merge(mm, v);
	return 0;
}

static bool private_anon(const struct vma *v) { return !v->file && !v->obj.id; }

/* MADV_REMOVE: the backing goes too.  Files are asked without mm->lock, which
 * is inside their locks; the range is looked up anew afterwards. */
static int remove_backing(struct mm *mm, struct vma *v, uint64_t s, uint64_t e)
{
	uint64_t off = v->off + (s - v->start);
	struct file *f = v->file;
	int err;

	if (private_anon(v))
		return -EINVAL;
	if ((v->flags & (VM_SHARED | VM_MAYWRITE)) != (VM_SHARED | VM_MAYWRITE))
		return -EACCES;
	if (v->flags & VM_LOCKED)
		return -EINVAL;
	if (!f)
		return plat_obj_punch(v->obj, off, e - s);
	if (!f->ops->fallocate)
		return -EOPNOTSUPP;
	file_get(f);
	mutex_unlock(&mm->lock);
	err = f->ops->fallocate(f, FALLOC_FL_PUNCH_HOLE_ | FALLOC_FL_KEEP_SIZE_, off, e - s);
	file_put(f);
	mutex_lock(&mm->lock);
	return err;
}

static int advise_one(struct mm *mm, struct vma *v, uint64_t s, uint64_t e, int advice)
{
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
		if ((v->flags & VM_SPECIAL) || (advice == MADV_DONTNEED && (v->flags & VM_LOCKED)))
			return -EINVAL;
		return ride_advise(mm, s, e, MADV_DONTNEED) ? 0 : plat_as_advise(mm->as, s, e - s, MADV_DONTNEED);
	case MADV_FREE:
		if (!private_anon(v) || (v->flags & VM_LOCKED))
			return -EINVAL;
		return ride_advise(mm, s, e, MADV_FREE) ? 0 : plat_as_advise(mm->as, s, e - s, MADV_FREE);
	case MADV_REMOVE:
		return remove_backing(mm, v, s, e);
	case MADV_DONTFORK:
		return change_flags(mm, v, s, e, VM_DONTFORK, 0);
	case MADV_DOFORK:
		return v->flags & VM_SPECIAL ? -EINVAL : change_flags(mm, v, s, e, 0, VM_DONTFORK);
	case MADV_WIPEONFORK:
		return !private_anon(v) ? -EINVAL : change_flags(mm, v, s, e, VM_WIPEONFORK, 0);
	case MADV_KEEPONFORK:
		return change_flags(mm, v, s, e, 0, VM_WIPEONFORK);
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		if (!(v->flags & (advice == MADV_POPULATE_READ ? VM_ACCESS : VM_WRITE)))
			return -EINVAL;
		/* fallthrough */
	case MADV_WILLNEED:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
	case MADV_COLD:
	case MADV_PAGEOUT:
		/* Hints: a host without them is no error. */
		(void)plat_as_advise(mm->as, s, e - s, advice);
		return 0;
	default:
		return 0;
	}
}

/* What is dropped goes by one call for neighbours, such as a thread's stack and
 * its guard. */
static uint64_t piece_end(struct mm *mm, struct vma *v, uint64_t end, int advice)
{
	uint64_t stop = v->end;

	while (advice == MADV_DONTNEED && stop < end && !(v->flags & (VM_SPECIAL | VM_LOCKED))) {
		v = vma_next(mm, v);
		if (!v || v->start != stop || (v->flags & (VM_SPECIAL | VM_LOCKED)))
			break;
		stop = v->end;
	}
	return MIN(stop, end);
}

static bool advice_known(int a)
{
	return (a >= MADV_NORMAL && a <= MADV_DONTNEED) || (a >= MADV_FREE && a <= MADV_COLLAPSE);
}

long mm_advise(struct mm *mm, uint64_t addr, size_t size, int advice)
{
	uint64_t end, at = addr;
	bool hole = false;
	int err = 0;

	if (!advice_known(advice) || advice == MADV_COLLAPSE)
		return -EINVAL;
	if (addr & (PAGE_SIZE - 1))
		return -EINVAL;
	if (!mm_range_ok(addr, size, &end))
		return size > mm_addr_hi ? -EINVAL : -ENOMEM;
	if (end == addr)
		return 0;
	mutex_lock(&mm->lock);
	while (at < end && !err) {
		struct vma *v = vma_intersect(mm, at, end);
		uint64_t stop;

		if (!v || v->start > at)
			hole = true;
		if (!v)
			break;
		at = MAX(at, v->start);
		stop = piece_end(mm, v, end, advice);
		if (stop < end)
			ride_end(current_task());       /* several calls, in order */
		err = advise_one(mm, v, at, stop, advice);
		at = stop;
	}
	mutex_unlock(&mm->lock);
	if (advice == MADV_WILLNEED || advice >= MADV_POPULATE_READ)
		memlimit_poke();
	return err ? err : hole ? -ENOMEM : 0;
}

SYSCALL3(madvise, uint64_t, addr, size_t, size, int, advice)
{
	long err;

	ride_allow(t);
	err = mm_advise(t->mm, addr, size, advice);
	ride_end(t);
	return err;
}

SYSCALL3(mincore, uint64_t, addr, size_t, size, uaddr, vec)
{
	const uint64_t batch = 1024;            /* pages per round */
	struct mm *mm = t->mm;
	uint64_t end, pages, done = 0;
	uint8_t *buf;
	long err = 0;

	if (addr & (PAGE_SIZE - 1))
		return -EINVAL;
	if (!mm_range_ok(addr, size, &end))
		return -ENOMEM;
	pages = (end - addr) >> PAGE_SHIFT;
	buf = kmalloc(batch);
	if (!buf)
		return -ENOMEM;
	while (done < pages && !err) {
		uint64_t n = MIN(batch, pages - done), s = addr + (done << PAGE_SHIFT);
		uint64_t e = s + (n << PAGE_SHIFT), at;

		mutex_lock(&mm->lock);
		for (at = s; at < e && !err; ) {
			struct vma *v = mm_find_locked(mm, at);

			if (!v || v->start > at)
				err = -ENOMEM;
			else
				at = v->end;
		}
		if (!err)
			err = plat_as_resident(mm->as, s, e - s, buf);
		mutex_unlock(&mm->lock);
		if (!err)
			err = copy_out(uaddr_add(vec, done), buf, n);
		done += n;
		if (signal_fatal_pending(t))
			err = -EINTR;
	}
	kfree(buf);
	return err;
}

SYSCALL3(msync, uint64_t, addr, size_t, size, unsigned, flags)
{
	struct mm *mm = t->mm;
	uint64_t end, at = addr;
	bool hole = false;
	long err = 0;

	if ((flags & ~(MS_ASYNC | MS_SYNC | MS_INVALIDATE)) || (addr & (PAGE_SIZE - 1)))
		return -EINVAL;
	if ((flags & MS_ASYNC) && (flags & MS_SYNC))
		return -EINVAL;
	if (size && !align_up(size, PAGE_SIZE))
		return 0;               /* Linux rounds up to nothing */
	if (!mm_range_ok(addr, size, &end))
		return -ENOMEM;
	mutex_lock(&mm->lock);
	while (at < end && !err) {
		struct vma *v = vma_intersect(mm, at, end);
		struct file *f;

		if (!v || v->start > at)
			hole = true;
		if (!v)
			break;
		if ((flags & MS_INVALIDATE) && (v->flags & VM_LOCKED)) {
			err = -EBUSY;
			break;
		}
		at = v->end;
		f = v->file;
		/* Who asks for it has written: mmap(2) wants the times to tell by now. */
		if (f && (v->flags & (VM_SHARED | VM_WRITE)) == (VM_SHARED | VM_WRITE) && f->ops->mmap_written)
			f->ops->mmap_written(f);
		if (!f || !(flags & MS_SYNC) || !(v->flags & VM_SHARED) || !f->ops->fsync)
			continue;
		file_get(f);
		mutex_unlock(&mm->lock);
		err = f->ops->fsync(f, true);
		file_put(f);
		mutex_lock(&mm->lock);
	}
	mutex_unlock(&mm->lock);
	return err ? err : hole ? -ENOMEM : 0;
}
