/* SPDX-License-Identifier: Apache-2.0 */
/* fault.c: faults that the kernel can cure.
 *
 * Demand paging and copy-on-write are the platform's.  What reaches us is an
 * access outside every mapping (perhaps the stack wants to grow), against the
 * protection, or one that a mapping call on another CPU has made right in the
 * meantime: that one runs again.  The last kind is counted, so that a platform
 * that lost a protection change gets it repeated and a persistent disagreement
 * ends in a signal, not in a loop.
 *
 * Locking: mm->lock. */
#include "kernel/mm/internal.h"

#define STACK_STEP (128ull << 10)       /* grow by this much when there is room */
#define FAULT_REPAIR 8u
#define FAULT_GIVE_UP 64u

/* v is the area above addr.  Lower its start to cover addr. */
static int grow_stack(struct mm *mm, struct vma *v, uint64_t addr)
{
	uint64_t limit = mm_rlimit(RLIMIT_STACK), floor = mm_addr_lo, want, start;
	struct vma *p = vma_prev(mm, v);
	int err;

	start = align_down(addr, PAGE_SIZE);
	if (p)
		floor = p->end + (p->flags & VM_ACCESS && !(p->flags & VM_GROWSDOWN) ?
				  STACK_GUARD_GAP : 0);
	if (limit < v->end && v->end - limit > floor)
		floor = align_up(v->end - limit, PAGE_SIZE);
	if (start < floor)
		return -ENOMEM;
	want = align_down(start, STACK_STEP);
	if (want >= floor && want < start)
		start = want;
	if (mm->total_size + (v->start - start) > mm_rlimit(RLIMIT_AS))
		return -ENOMEM;
	if ((v->flags & VM_LOCKED) && !capable(CAP_IPC_LOCK) &&
	    mm->locked_size + (v->start - start) > mm_rlimit(RLIMIT_MEMLOCK))
		return -ENOMEM;
	err = plat_as_map_anon(mm->as, start, v->start - start, vma_prot(v->flags), 0);
	if (!err)
		vma_set_range(mm, v, start, v->end);
	return err;
}

static bool permits(const struct vma *v, unsigned access)
{
	if (access & PLAT_ACCESS_WRITE)
		return v->flags & VM_WRITE;
	if (access & PLAT_ACCESS_EXEC)
		return v->flags & VM_EXEC;
	return v->flags & VM_ACCESS;
}

/* The area permits the access that the platform refused. */
static bool spurious(struct mm *mm, struct vma *v, uint64_t addr)
{
	if (mm->fault_addr != addr) {
		mm->fault_addr = addr;
		mm->fault_repeats = 0;
	}
	mm->fault_repeats++;
	if (mm->fault_repeats == FAULT_REPAIR &&
	    plat_as_protect(mm->as, align_down(addr, PAGE_SIZE), PAGE_SIZE, vma_prot(v->flags)))
		mm->fault_repeats = FAULT_GIVE_UP;
	if (mm->fault_repeats < FAULT_GIVE_UP)
		return true;
	mm->fault_repeats = 0;
	return false;
}

int mm_fault(struct mm *mm, uint64_t addr, unsigned access, int *ret_signo, int *ret_code)
{
	int signo = SIGSEGV, code = SEGV_MAPERR, settled;
	struct vma *v;

	/* The host found a mapping but no page behind it: past the end of a
	 * file, or a file system that failed. */
	if (*ret_signo == SIGBUS)
		return -EFAULT;
	if (addr >= mm_addr_hi)
		goto bad;
	mutex_lock(&mm->lock);
	v = mm_find_locked(mm, addr);
	if (!v)
		goto bad_unlock;
	if (v->start > addr) {
		if (!(v->flags & VM_GROWSDOWN) || grow_stack(mm, v, addr))
			goto bad_unlock;
	}
	code = SEGV_ACCERR;
	if (!permits(v, access))
		goto bad_unlock;
	if (v->file && v->file->inode &&
	    v->off + (align_down(addr, PAGE_SIZE) - v->start) >=
	    align_up(inode_size(v->file->inode), PAGE_SIZE) && S_ISREG(inode_mode(v->file->inode))) {
		signo = SIGBUS;
		code = BUS_ADRERR;
		goto bad_unlock;
	}
	settled = plat_as_settle(mm->as);
	if (settled < 0) {
		/* The host could not: as when a page cannot be read. */
		signo = SIGBUS;
		code = BUS_ADRERR;
		goto bad_unlock;
	}
	if (!settled && !spurious(mm, v, addr))
		goto bad_unlock;
	mutex_unlock(&mm->lock);
	return 0;
bad_unlock:
	mutex_unlock(&mm->lock);
bad:
	*ret_signo = signo;
	*ret_code = code;
	return -EFAULT;
}

/* A user copy stopped at addr.  True when the stack has grown over it: the
 * copy goes on.  Callers may hold mutexes that are inside mm->lock in name
 * only (nothing under mm->lock takes them). */
bool mm_grow_for_copy(struct mm *mm, uint64_t addr)
{
	struct vma *v;
	bool grown;

	if (addr >= mm_addr_hi || mm->lock.owner == current_task())
		return false;
	mutex_lock(&mm->lock);
	v = mm_find_locked(mm, addr);
	grown = v && v->start > addr && (v->flags & VM_GROWSDOWN) && !grow_stack(mm, v, addr);
	mutex_unlock(&mm->lock);
	return grown;
}
