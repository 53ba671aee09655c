/* SPDX-License-Identifier: Apache-2.0 */
/* usercopy.c: bytes between the kernel and a task's memory.
 *
 * The platform moves them and obeys the mapping's protection; here is the
 * range check, and the growth of a stack that the kernel touches first.  Each
 * byte is read once: what was copied in is what gets checked and used.
 *
 * Most of what a system call writes is looked at by nobody before the call
 * returns.  Small copies to private anonymous memory that is writable by the
 * VMAs therefore ride on the task's way back (plat_ride_copy_out): they cannot
 * fail, so the call's other effects need not wait for them.  Only a thread
 * that changes the mapping meanwhile, or a program that plays with its stub,
 * can make them; then the call says EFAULT, as if the change had come first.
 *
 * Locking: none needed; mm->lock only when a copy hits the stack's edge. */
#include "kernel/mm/patch.h"
#include "kernel/mm/ride.h"
#include <stats.h>

static bool range_bad(uint64_t va, size_t n)
{
	uint64_t end;

	return add_overflows(va, n, &end) || end > mm_addr_hi;
}

/* A copy is put down to the system call that the task is in. */
static void count_copy(size_t n, size_t left, bool out)
{
	struct stats_slot *st = plat_stats();
	struct task *t = current_task();

	stats_bump(&st->n[out ? STATS_COPIES_OUT : STATS_COPIES_IN], 1);
	if (unlikely(left))
		stats_bump(&st->n[STATS_COPY_FAILS], 1);
	if (t && t->syscall_nr >= 0 && t->syscall_nr < STATS_CALLS)
		stats_bump(out ? &st->call[t->syscall_nr].out : &st->call[t->syscall_nr].in, n - left);
}

size_t mm_copy_in(struct mm *mm, void *dst, uint64_t src, size_t n)
{
	size_t left, done = 0;

	if (!n)
		return 0;
	if (range_bad(src, n))
		return n;
	for (;;) {
		left = plat_copy_in(mm->as, (char *)dst + done, src + done, n - done);
		if (left > n - done)
			left = n - done;
		done = n - left;
		if (likely(!left) || !mm_grow_for_copy(mm, src + done)) {
			count_copy(n, left, false);
			return left;
		}
	}
}

size_t mm_copy_out(struct mm *mm, uint64_t dst, const void *src, size_t n)
{
	size_t left, done = 0;

	if (!n)
		return 0;
	if (range_bad(dst, n))
		return n;
	for (;;) {
		left = plat_copy_out(mm->as, dst + done, (const char *)src + done, n - done);
		if (left > n - done)
			left = n - done;
		done = n - left;
		if (likely(!left) || !mm_grow_for_copy(mm, dst + done)) {
			count_copy(n, left, true);
			return left;
		}
	}
}

/* One page at a time, made writable besides what it is for that moment only;
 * mm->lock keeps other changes of the protection away. */
static size_t force_part(struct mm *mm, uint64_t dst, const void *src, size_t n)
{
	uint64_t page = align_down(dst, PAGE_SIZE);
	struct vma *v = mm_find_locked(mm, dst);
	size_t left = n;
	unsigned prot;

	if (!v || v->start > dst || ((v->flags & VM_SHARED) && !(v->flags & VM_WRITE)))
		return n;
	if (patch_remove_locked(mm, v))
		return n;
	v->written = true;
	prot = vma_prot(v->flags);
	v->flags &= ~VM_PRISTINE;
	if (plat_as_protect(mm->as, page, PAGE_SIZE, prot | PLAT_PROT_READ | PLAT_PROT_WRITE))
		return n;
	left = plat_copy_out(mm->as, dst, src, n);
	if (plat_as_protect(mm->as, page, PAGE_SIZE, prot))
		return n;
	return left;
}

size_t mm_copy_out_force(struct mm *mm, uint64_t dst, const void *src, size_t n)
{
	size_t left;

	if (!n)
		return 0;
	if (range_bad(dst, n))
		return n;
	left = plat_copy_out(mm->as, dst, src, n);
	mutex_lock(&mm->lock);
	while (left) {
		uint64_t at = dst + (n - left);
		size_t part = MIN(left, (size_t)(PAGE_SIZE - at % PAGE_SIZE));
		size_t rest = force_part(mm, at, (const char *)src + (n - left), part);

		left -= part - rest;
		if (rest)
			break;
	}
	mutex_unlock(&mm->lock);
	return left;
}

size_t copy_in_partial(void *dst, uaddr src, size_t n)
{
	memlimit_poke();
	return mm_copy_in(current_task()->mm, dst, src.va, n);
}

bool copy_in_parts(void *dst, const struct plat_part *part, unsigned count)
{
	size_t n = 0;

	memlimit_poke();
	for (unsigned i = 0; i < count; n += part[i++].size)
		if (range_bad(part[i].addr, part[i].size))
			return false;
	if (!plat_copy_in_parts(current_task()->mm->as, dst, part, count))
		return false;
	count_copy(n, 0, false);
	return true;
}

/* The area around the last copy that rode is remembered while none changes. */
static bool rides_at(struct task *t, uint64_t at, size_t n)
{
	struct mm *mm = t->mm;
	struct rider_area *r = &t->rider_area;
	uint64_t end;
	struct vma *v;

	if (add_overflows(at, n, &end))
		return false;
	if (r->mm != mm || r->changes != __atomic_load_n(&mm->changes, __ATOMIC_ACQUIRE) ||
	    at < r->start || end > r->end) {
		if (!mutex_trylock(&mm->lock))
			return false;
		v = mm_find_locked(mm, at);
		*r = (struct rider_area){ .mm = mm, .changes = mm->changes };
		if (v && v->start <= at && !v->obj.id &&
		    (v->flags & (VM_WRITE | VM_EXEC | VM_SHARED | VM_SPECIAL)) == VM_WRITE) {
			r->start = v->start;
			r->end = v->end;
		}
		mutex_unlock(&mm->lock);
	}
	return at >= r->start && end <= r->end;
}

size_t copy_out_partial(uaddr dst, const void *src, size_t n)
{
	struct task *t = current_task();

	memlimit_poke();
	if (n && n <= PLAT_RIDER_MAX && rides_at(t, dst.va, n) &&
	    plat_ride_copy_out(t->mm->as, &t->uctx, dst.va, src, n)) {
		count_copy(n, 0, true);
		return 0;
	}
	return mm_copy_out(t->mm, dst.va, src, n);
}

static char zeroes[PLAT_RIDE_ZERO_MAX];         /* never written to: one page of the host */

size_t copy_out_zeroes(uaddr dst, size_t n)
{
	struct task *t = current_task();
	size_t left = n;

	while (left) {
		size_t k = MIN(left, sizeof(zeroes)), not;

		memlimit_poke();
		if (rides_at(t, dst.va, k) && plat_ride_zero(t->mm->as, &t->uctx, dst.va, k)) {
			count_copy(k, 0, true);
			not = 0;
		} else {
			not = mm_copy_out(t->mm, dst.va, zeroes, k);
		}
		dst = uaddr_add(dst, k - not);
		left -= k - not;
		if (not)
			break;
	}
	return left;
}

bool copy_out_frame(uint64_t at, const uint64_t *frame, uint64_t xstate_at, size_t n)
{
	struct task *t = current_task();

	if (!rides_at(t, at, n) || !plat_ride_frame_out(t->mm->as, &t->uctx, at, frame, xstate_at))
		return false;
	count_copy(n, 0, true);
	return true;
}

int copy_out_now(uaddr dst, const void *src, size_t n)
{
	return mm_copy_out(current_task()->mm, dst.va, src, n) ? -EFAULT : 0;
}

void copy_out_finish(struct task *t)
{
	if (t->uctx.riders)
		plat_riders_flush(&t->uctx);
}

/* A memory call that rode is the one that failed: no copy rides with it, but
 * the frame of a handler, which comes after ride_settle().
 * A result belongs to the call that is over, unless a handler's frame came
 * after it: that holds the call's registers already. */
void copy_out_failed(struct task *t, const struct plat_trap *trap)
{
	struct plat_regs *r = &t->uctx.regs;

	if (t->xstate_in.at) {
		signal_xstate_failed(t);
	} else if (t->ride.kind) {
		ride_failed(t, trap->code);
	} else if (r->orig_rax != UINT64_MAX) {
		r->rax = (uint64_t)-EFAULT;
		t->uctx.regs_changed = true;
	} else if (trap->addr == r->rsp) {
		signal_force(SIGSEGV, NULL);    /* the frame itself */
	}
}

/* The tail that could not be read is zeroed: no caller can leak what its
 * buffer held before. */
int copy_in(void *dst, uaddr src, size_t n)
{
	size_t left = copy_in_partial(dst, src, n);

	if (likely(!left))
		return 0;
	memset((char *)dst + (n - left), 0, left);
	return -EFAULT;
}

int copy_out(uaddr dst, const void *src, size_t n)
{
	return copy_out_partial(dst, src, n) ? -EFAULT : 0;
}

int user_zero(uaddr dst, size_t n)
{
	return copy_out_zeroes(dst, n) ? -EFAULT : 0;
}

int copy_in_struct(void *dst, size_t size, uaddr src, size_t usize)
{
	/* In words, from the first: what lies behind one that is not zero need not be readable. */
	for (size_t off = size, n; off < usize; off += n) {
		uint64_t word = 0;
		int err;

		n = MIN(usize - off, sizeof(word));
		err = copy_in(&word, uaddr_add(src, off), n);
		if (err)
			return err;
		if (word)
			return -E2BIG;
	}
	memset(dst, 0, size);
	return copy_in(dst, src, MIN(size, usize));
}

/* Most strings are short: the first read is what the platform has at hand, or
 * small, later ones go to the end of a page.  No read crosses a page, so that a string just below an unmapped
 * page is read whole. */
#define STRING_STEP 256
long copy_in_str(char *buf, ustr src, size_t size)
{
	size_t done = 0, step = plat_copied_ahead(current_task()->mm->as, src.va);

	if (!step)
		step = STRING_STEP;
	while (done < size) {
		uint64_t va = src.va + done;
		size_t n = MIN(size - done, PAGE_SIZE - (va & (PAGE_SIZE - 1)));
		size_t left;
		char *nul;

		if (va < src.va)
			return -EFAULT;
		n = MIN(n, step);
		left = copy_in_partial(buf + done, (uaddr){ va }, n);
		nul = memchr(buf + done, 0, n - left);
		if (nul)
			return nul - buf;
		if (left)
			return -EFAULT;
		done += n;
		step = PAGE_SIZE;
	}
	return -ENAMETOOLONG;
}
