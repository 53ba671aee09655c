/* SPDX-License-Identifier: Apache-2.0 */
/* protect.c: mprotect(2), mlock(2) and friends: calls that change the flags of
 * a range of areas.
 *
 * Linux applies such a change area by area and stops with ENOMEM at the first
 * hole; so do we.  Locking: mm->lock. */
#include "kernel/mm/patch.h"
#include "kernel/mm/ride.h"
#include "kernel/syscall/syscall.h"

static int protect_one(struct mm *mm, struct vma *v, uint64_t start, uint64_t end, unsigned prot)
{
	uint32_t flags = (v->flags & ~VM_ACCESS) | prot;
	int err;

	if ((prot & VM_EXEC) && ((prot & VM_WRITE) || !(v->flags & VM_EXEC)) &&
	    __atomic_load_n(&mm->mdwe, __ATOMIC_RELAXED))
		return -EACCES;
	if (flags == v->flags)
		return 0;
	if (prot & (VM_WRITE | VM_EXEC))
		flags &= ~VM_PRISTINE;
	if ((prot & VM_WRITE) &&
	    ((v->flags & VM_SPECIAL) || ((v->flags & (VM_SHARED | VM_MAYWRITE)) == VM_SHARED)))
		return -EACCES;
	if ((flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE && !(v->flags & VM_WRITE) &&
	    mm->data_size + (end - start) > mm_rlimit(RLIMIT_DATA))
		return -ENOMEM;
	err = vma_isolate(mm, start, end, &v);
	if (err)
		return err;
	if (v->patch && ((prot & VM_WRITE) || ((prot & VM_EXEC) && !patch_exact(v->patch, v->off, end - start))))
		err = patch_remove_locked(mm, v);
	v->written |= !!(prot & VM_WRITE);
	if (!err && !ride_protect(mm, v, start, end, vma_prot(prot)))
		err = plat_as_protect(mm->as, start, end - start, vma_prot(prot));
	if (!err)
		vma_set_flags(mm, v, flags);
	vma_merge(mm, v);
	return err;
}

static int protect_range(struct mm *mm, uint64_t at, uint64_t end, unsigned prot)
{
	while (at < end) {
		struct vma *v = mm_find_locked(mm, at);
		uint64_t stop;
		int err;

		if (!v || v->start > at)
			return -ENOMEM;
		stop = MIN(v->end, end);
		if (stop < end)
			ride_end(current_task());       /* several calls, in order */
		err = protect_one(mm, v, at, stop, prot);
		if (err)
			return err;
		at = stop;
	}
	return 0;
}

int mm_protect(struct mm *mm, uint64_t addr, uint64_t size, unsigned prot)
{
	struct vma *v;
	uint64_t end;
	int err;

	if (addr & (PAGE_SIZE - 1))
		return -EINVAL;
	if (!size)
		return 0;
	if (!mm_range_ok(addr, size, &end))
		return -ENOMEM;
	mutex_lock(&mm->lock);
	if (prot & PROT_GROWSDOWN) {
		v = vma_intersect(mm, addr, end);
		err = -ENOMEM;
		if (!v)
			goto out;
		err = -EINVAL;
		if (!(v->flags & VM_GROWSDOWN))
			goto out;
		addr = v->start;
	}
	err = protect_range(mm, addr, end, prot & VM_ACCESS);
out:
	mutex_unlock(&mm->lock);
	return err;
}

static int protect_call(struct task *t, uint64_t addr, uint64_t size, unsigned prot)
{
	int err;

	ride_allow(t);
	err = mm_protect(t->mm, addr, size, prot);
	ride_end(t);
	return err;
}

SYSCALL3(mprotect, uint64_t, addr, size_t, size, unsigned, prot)
{
	if ((prot & (PROT_GROWSDOWN | PROT_GROWSUP)) == (PROT_GROWSDOWN | PROT_GROWSUP))
		return -EINVAL;
	if (prot & ~(VM_ACCESS | PROT_SEM | PROT_GROWSDOWN | PROT_GROWSUP))
		return -EINVAL;
	if (size && (prot & PROT_GROWSUP))
		return -EINVAL;
	return protect_call(t, addr, size, prot);
}

SYSCALL4(pkey_mprotect, uint64_t, addr, size_t, size, unsigned, prot, int, pkey)
{
	if (pkey != -1)
		return -EINVAL;         /* no key can be allocated */
	if (prot & ~(VM_ACCESS | PROT_SEM))
		return -EINVAL;
	return protect_call(t, addr, size, prot);
}

/* No processor with keys is offered. */
SYSCALL2(pkey_alloc, unsigned long, flags, unsigned long, rights)
{
	return flags || (rights & ~3ul) ? -EINVAL : -ENOSPC;
}

SYSCALL1(pkey_free, int, pkey)
{
	return -EINVAL;
}

/* ---- memory locking ----
 * What is locked is a promise about paging that the host keeps or not; the
 * flag, the accounting and the pre-faulting are ours. */

static int lock_range(struct mm *mm, uint64_t at, uint64_t end, bool lock, bool populate)
{
	while (at < end) {
		struct vma *v = mm_find_locked(mm, at);
		uint32_t flags;
		uint64_t stop;
		int err;

		if (!v || v->start > at)
			return -ENOMEM;
		stop = MIN(v->end, end);
		flags = lock ? v->flags | VM_LOCKED : v->flags & ~VM_LOCKED;
		if (flags != v->flags && !(v->flags & VM_SPECIAL)) {
			err = vma_isolate(mm, at, stop, &v);
			if (err)
				return err;
			vma_set_flags(mm, v, flags);
			vma_merge(mm, v);
		}
		if (lock && populate)
			(void)plat_as_advise(mm->as, at, stop - at,
					     (flags & (VM_WRITE | VM_SHARED)) == VM_WRITE ?
					     MADV_POPULATE_WRITE : MADV_POPULATE_READ);
		at = stop;
	}
	return 0;
}

static uint64_t locked_in(struct mm *mm, uint64_t start, uint64_t end)
{
	uint64_t sum = 0;
	struct vma *v;

	for (v = vma_intersect(mm, start, end); v && v->start < end; v = vma_next(mm, v))
		if (v->flags & VM_LOCKED)
			sum += MIN(v->end, end) - MAX(v->start, start);
	return sum;
}

static long do_lock(struct mm *mm, uint64_t addr, uint64_t size, bool onfault)
{
	uint64_t end, limit, start = align_down(addr, PAGE_SIZE);
	long err;

	if (add_overflows(size, addr - start, &size))
		return -EINVAL;
	limit = mm_rlimit(RLIMIT_MEMLOCK);
	if (!limit && !capable(CAP_IPC_LOCK))
		return -EPERM;
	if (!align_up(size, PAGE_SIZE))
		return 0;               /* also of what Linux rounds up to nothing */
	if (!mm_range_ok(start, size, &end))
		return add_overflows(start, size, &end) ? -EINVAL : -ENOMEM;
	mutex_lock(&mm->lock);
	err = -ENOMEM;
	if (capable(CAP_IPC_LOCK) ||
	    mm->locked_size + (end - start) - locked_in(mm, start, end) <= limit)
		err = lock_range(mm, start, end, true, !onfault);
	mutex_unlock(&mm->lock);
	memlimit_poke();
	return err;
}

SYSCALL2(mlock, uint64_t, addr, size_t, size)
{
	return do_lock(t->mm, addr, size, false);
}

SYSCALL3(mlock2, uint64_t, addr, size_t, size, unsigned, flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return do_lock(t->mm, addr, size, flags & MLOCK_ONFAULT);
}

SYSCALL2(munlock, uint64_t, addr, size_t, size)
{
	uint64_t end, start = align_down(addr, PAGE_SIZE);
	long err;

	if (add_overflows(size, addr - start, &size))
		return -EINVAL;
	if (!align_up(size, PAGE_SIZE))
		return 0;
	if (!mm_range_ok(start, size, &end))
		return -ENOMEM;
	mutex_lock(&t->mm->lock);
	err = lock_range(t->mm, start, end, false, false);
	mutex_unlock(&t->mm->lock);
	return err;
}

/* Every area; lock_range() is called per area because holes are no error
 * here, and it may merge what it was given, so go on by address. */
static void lock_all(struct mm *mm, bool lock, bool populate)
{
	struct vma *v;
	uint64_t at = 0;

	while ((v = mm_find_locked(mm, at))) {
		at = v->end;
		(void)lock_range(mm, v->start, v->end, lock, populate);
	}
}

SYSCALL1(mlockall, unsigned, flags)
{
	struct mm *mm = t->mm;
	uint64_t limit = mm_rlimit(RLIMIT_MEMLOCK);
	long err = 0;

	if (!flags || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
		return -EINVAL;
	if (!limit && !capable(CAP_IPC_LOCK))
		return -EPERM;
	mutex_lock(&mm->lock);
	if ((flags & MCL_CURRENT) && mm->total_size > limit && !capable(CAP_IPC_LOCK))
		err = -ENOMEM;
	if (!err) {
		mm->def_flags = flags & MCL_FUTURE ? VM_LOCKED : 0;
		if (flags & MCL_CURRENT)
			lock_all(mm, true, !(flags & MCL_ONFAULT));
	}
	mutex_unlock(&mm->lock);
	return err;
}

SYSCALL0(munlockall)
{
	mutex_lock(&t->mm->lock);
	t->mm->def_flags = 0;
	lock_all(t->mm, false, false);
	mutex_unlock(&t->mm->lock);
	return 0;
}
