/* SPDX-License-Identifier: Apache-2.0 */
/* futex_robust.c: what a thread leaves behind when it ends or execs: the
 * locks on its robust list are marked, clear_child_tid is zeroed, and one
 * waiter each is woken.
 *
 * Trust: the list is user memory and may be endless, cyclic or nonsense: the
 * walk is bounded by ROBUST_LIST_LIMIT and ends at the first fault.
 * Source: get_robust_list(2), set_tid_address(2). */
#include "kernel/mm/futex.h"

static int load64(struct mm *mm, uint64_t addr, uint64_t *ret)
{
	return mm_copy_in(mm, ret, addr, sizeof(*ret)) ? -EFAULT : 0;
}

static void wake_both(struct mm *mm, uint64_t addr, unsigned n)
{
	struct futex_key k = { 0 };

	if (!futex_key_get(mm, addr, true, &k))
		futex_wake_key(&k, n, FUTEX_BITSET_MATCH_ANY);
	/* A private waiter on shared memory has the other key. */
	if (k.offset != addr || k.owner != (uint64_t)(uintptr_t)mm)
		(void)futex_wake_addr(mm, addr, n);
}

/* One lock of the list.  `pending`: the thread was about to take or drop it,
 * so a word that is already 0 may have waiters that nobody woke. */
static void lock_died(struct task *t, uint64_t addr, bool pi, bool pending)
{
	uint32_t val, prev, next;

	if ((addr & 3) || futex_load(t->mm, addr, &val))
		return;
	if (pending && !pi && !val) {
		wake_both(t->mm, addr, 1);
		return;
	}
	for (unsigned tries = 0; tries < 1000; tries++) {
		if ((val & FUTEX_TID_MASK) != (uint32_t)t->tid)
			return;
		next = (val & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
		if (futex_cmpxchg(t->mm, addr, val, next, &prev))
			return;
		if (prev == val)
			break;
		val = prev;
	}
	if (!pi && (val & FUTEX_WAITERS))
		wake_both(t->mm, addr, 1);
}

static void robust_walk(struct task *t)
{
	struct linux_robust_list_head h;
	uint64_t entry, next = 0, pending;

	if (mm_copy_in(t->mm, &h, t->robust_list, sizeof(h)))
		return;
	pending = h.list_op_pending & ~1ull;
	entry = h.list.next;
	for (unsigned i = 0; i < ROBUST_LIST_LIMIT; i++) {
		uint64_t at = entry & ~1ull;
		int err;

		if (at == t->robust_list)
			break;
		/* The word may be freed as soon as it is released: go on first. */
		err = load64(t->mm, at, &next);
		if (at != pending)
			lock_died(t, at + h.futex_offset, entry & 1, false);
		if (err)
			break;
		entry = next;
	}
	if (pending)
		lock_died(t, pending + h.futex_offset, h.list_op_pending & 1, true);
}

void futex_exit_task(struct task *t)
{
	if (!t->mm)
		return;
	if (t->robust_list)
		robust_walk(t);
	t->robust_list = 0;
	futex_pi_exit(t);
	if (t->clear_child_tid) {
		uint64_t addr = t->clear_child_tid;
		const uint32_t zero = 0;

		t->clear_child_tid = 0;
		/* Of interest only to others that share the memory. */
		if (ref_read(&t->mm->users) > 1 && !mm_copy_out(t->mm, addr, &zero, sizeof(zero)))
			wake_both(t->mm, addr, 1);
	}
}
