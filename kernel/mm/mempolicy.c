/* SPDX-License-Identifier: Apache-2.0 */
/* mempolicy.c: set_mempolicy(2), get_mempolicy(2), mbind(2), migrate_pages(2),
 * move_pages(2) on a machine of one memory node.
 *
 * Where pages lie is the host's business; a policy is checked, kept and told
 * again.  Kept is one word: the mode with its flags, and whether node 0 is in
 * its set.  A task's word is its own, an area's is under mm->lock. */
#include "kernel/mm/internal.h"
#include "kernel/syscall/syscall.h"
#include <linux_abi/mempolicy.h>

#define SET 0x10000u                    /* there is a policy */
#define NODE0 0x20000u
#define NODES_BITS 1u                   /* what a caller must have room for */
#define MASK_BITS_MAX (PAGE_SIZE * 8)

/* Bits of nodes from user memory: *ret bit 0; others are -EINVAL, as no such node exists. */
static int nodes_in(uaddr mask, uint64_t bits, bool *ret_any, bool *ret)
{
	uint64_t word, words;

	*ret = *ret_any = false;
	bits--;
	if (!mask.va || !bits || bits == UINT64_MAX)
		return 0;
	if (bits > MASK_BITS_MAX)
		return -EINVAL;
	words = (bits + 63) / 64;
	for (uint64_t k = 0; k < words; k++) {
		if (copy_in(&word, uaddr_add(mask, k * 8), sizeof(word)))
			return -EFAULT;
		if (k + 1 == words && bits % 64)
			word &= (1ull << bits % 64) - 1;
		if (!word)
			continue;
		if (k)
			return -EINVAL;
		*ret_any = true;
		*ret = word & 1;
	}
	return 0;
}

static int nodes_out(uaddr mask, uint64_t bits, bool node0)
{
	uint64_t bytes = (align_up(bits - 1, 64)) / 8, word = node0;

	if (!bytes)
		return 0;
	if (bytes > PAGE_SIZE)
		return -EINVAL;
	if (copy_out(mask, &word, sizeof(word)))
		return -EFAULT;
	return bytes > sizeof(word) ? user_zero(uaddr_add(mask, sizeof(word)), bytes - sizeof(word)) : 0;
}

/* The word for a policy.  any: the set is not empty; node0: node 0 is in it. */
static int policy_of(unsigned mode, bool any, bool node0, uint32_t *ret)
{
	unsigned flags = mode & MPOL_MODE_FLAGS;

	mode &= ~MPOL_MODE_FLAGS;
	if (mode >= MPOL_MAX || (flags & MPOL_F_STATIC_NODES && flags & MPOL_F_RELATIVE_NODES))
		return -EINVAL;
	if ((flags & MPOL_F_NUMA_BALANCING) && mode != MPOL_BIND)
		return -EINVAL;
	if (flags & MPOL_F_RELATIVE_NODES)
		node0 = any;            /* folded onto the one there is */
	switch (mode) {
	case MPOL_DEFAULT:
		*ret = 0;
		return any ? -EINVAL : 0;
	case MPOL_LOCAL:
		if (any || (flags & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES)))
			return -EINVAL;
		break;
	case MPOL_PREFERRED:
		if (!any && (flags & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES)))
			return -EINVAL;
		if (any && !node0)
			return -EINVAL;
		if (!any)
			mode = MPOL_LOCAL;
		break;
	default:
		if (!node0)
			return -EINVAL;
	}
	*ret = SET | mode | flags | (node0 ? NODE0 : 0);
	return 0;
}

static int policy_in(unsigned mode, uaddr mask, uint64_t bits, uint32_t *ret)
{
	bool any, node0;
	int err;

	/* The mode is looked at before the set is read. */
	if ((mode & ~MPOL_MODE_FLAGS) >= MPOL_MAX)
		return -EINVAL;
	err = nodes_in(mask, bits, &any, &node0);
	return err ? err : policy_of(mode, any, node0, ret);
}

SYSCALL3(set_mempolicy, unsigned, mode, uaddr, mask, uint64_t, bits)
{
	return policy_in(mode, mask, bits, &t->mempolicy);
}

static int policy_at(struct task *t, uint64_t addr, bool node, uint32_t *ret)
{
	struct mm *mm = t->mm;
	struct vma *v;

	mutex_lock(&mm->lock);
	v = mm_find_locked(mm, addr);
	if (v && v->start > addr)
		v = NULL;
	if (v)
		*ret = v->policy ? v->policy : t->mempolicy;
	mutex_unlock(&mm->lock);
	if (v && node) {
		uint8_t byte;

		return copy_in(&byte, (uaddr){ addr }, 1);      /* whose page there must be */
	}
	return v ? 0 : -EFAULT;
}

SYSCALL5(get_mempolicy, uaddr, umode, uaddr, mask, uint64_t, bits, uint64_t, addr, uint64_t, flags)
{
	uint32_t p = t->mempolicy;
	int mode, err;

	if ((flags & ~(uint64_t)(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED)) || (mask.va && bits < NODES_BITS))
		return -EINVAL;
	if (flags & MPOL_F_MEMS_ALLOWED) {
		if (flags & (MPOL_F_NODE | MPOL_F_ADDR))
			return -EINVAL;
		p = NODE0;
	} else if (flags & MPOL_F_ADDR) {
		err = policy_at(t, addr, flags & MPOL_F_NODE, &p);
		if (err)
			return err;
	} else if (addr) {
		return -EINVAL;
	}
	mode = (int)(p & ~(SET | NODE0));
	if (flags & MPOL_F_NODE) {
		if (!(flags & MPOL_F_ADDR) && (mode & ~MPOL_MODE_FLAGS) != MPOL_INTERLEAVE)
			return -EINVAL;
		mode = 0;               /* the page's node, or the next one */
	}
	if (umode.va && copy_out(umode, &mode, sizeof(mode)))
		return -EFAULT;
	return mask.va ? nodes_out(mask, bits, p & NODE0) : 0;
}

/* Of every page between the two. */
static int bind_locked(struct mm *mm, uint64_t at, uint64_t end, uint32_t policy)
{
	struct vma *v;
	int err;

	for (uint64_t p = at; p < end; p = v->end) {
		v = mm_find_locked(mm, p);
		if (!v || v->start > p)
			return -EFAULT;
	}
	while (at < end) {
		v = mm_find_locked(mm, at);
		if (v->policy != policy && !(v->flags & VM_SPECIAL)) {
			err = vma_isolate(mm, at, MIN(v->end, end), &v);
			if (err)
				return err;
			v->policy = policy;
			v = vma_merge(mm, v);
		}
		at = v->end;
	}
	return 0;
}

SYSCALL6(mbind, uint64_t, addr, size_t, size, unsigned, mode, uaddr, mask, uint64_t, bits, unsigned, flags)
{
	uint64_t end;
	uint32_t p;
	int err;

	if ((mode & ~MPOL_MODE_FLAGS) >= MPOL_MAX)
		return -EINVAL;
	err = policy_in(mode, mask, bits, &p);
	if (err)
		return err;
	if ((flags & ~(MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)) || (addr & (PAGE_SIZE - 1)))
		return -EINVAL;
	if ((flags & MPOL_MF_MOVE_ALL) && !capable(CAP_SYS_NICE))
		return -EPERM;
	if (add_overflows(addr, (uint64_t)size, &end) || (size && !align_up(size, PAGE_SIZE)))
		return -EINVAL;
	if (!size)
		return 0;
	if (!mm_range_ok(addr, size, &end))
		return -EFAULT;
	mutex_lock(&t->mm->lock);
	err = bind_locked(t->mm, addr, end, p);
	mutex_unlock(&t->mm->lock);
	return err;
}

SYSCALL4(set_mempolicy_home_node, uint64_t, addr, uint64_t, size, uint64_t, node, uint64_t, flags)
{
	uint64_t end;
	struct vma *v;
	int err = 0;

	if ((addr & (PAGE_SIZE - 1)) || flags || node)
		return -EINVAL;
	if (!mm_range_ok(addr, size, &end))
		return -EINVAL;
	mutex_lock(&t->mm->lock);
	for (v = vma_intersect(t->mm, addr, end); v && v->start < end; v = vma_next(t->mm, v)) {
		unsigned mode = v->policy & ~(SET | NODE0 | MPOL_MODE_FLAGS);

		if (v->policy && mode != MPOL_BIND && mode != MPOL_PREFERRED_MANY)
			err = -EOPNOTSUPP;
	}
	mutex_unlock(&t->mm->lock);
	return err;
}

/* The address space of a process that may be looked at. */
static int mm_of(struct task *t, int32_t pid, struct mm **ret)
{
	struct task *o;
	int err = 0;

	if (!pid) {
		*ret = mm_get(t->mm);
		return 0;
	}
	o = task_find_get(pid);
	if (!o)
		return -ESRCH;
	if (o->tg != t->tg && !task_may_access(o))
		err = -EPERM;
	*ret = err ? NULL : task_get_mm(o);
	task_put(o);
	return err ? err : *ret ? 0 : -EINVAL;
}

SYSCALL4(migrate_pages, int, pid, uint64_t, bits, uaddr, from, uaddr, to)
{
	bool any, node0, to_any, to_node0;
	struct mm *mm;
	int err = nodes_in(from, bits, &any, &node0);

	if (!err)
		err = nodes_in(to, bits, &to_any, &to_node0);
	if (!err)
		err = mm_of(t, pid, &mm);
	if (err)
		return err;
	mm_put(mm);
	if (to_any && !to_node0 && !capable(CAP_SYS_NICE))
		return -EPERM;
	return to_node0 ? 0 : -EINVAL;
}

/* Where a page lies: node 0, if there is one. */
static int page_status(struct mm *mm, uint64_t addr)
{
	uint8_t here = 0;
	struct vma *v;
	int status;

	mutex_lock(&mm->lock);
	v = mm_find_locked(mm, addr);
	if (!v || v->start > addr || (v->flags & VM_SPECIAL))
		status = -EFAULT;
	else
		status = plat_as_resident(mm->as, align_down(addr, PAGE_SIZE), PAGE_SIZE, &here) || !(here & 1) ?
			 -ENOENT : 0;
	mutex_unlock(&mm->lock);
	return status;
}

SYSCALL6(move_pages, int, pid, uint64_t, count, uaddr, pages, uaddr, nodes, uaddr, status, unsigned, flags)
{
	struct mm *mm;
	int err;

	if (flags & ~(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL))
		return -EINVAL;
	if ((flags & MPOL_MF_MOVE_ALL) && !capable(CAP_SYS_NICE))
		return -EPERM;
	err = mm_of(t, pid, &mm);
	if (err)
		return err;
	for (uint64_t k = 0; k < count && !err; k++) {
		uint64_t addr;
		int node, where;

		err = copy_in(&addr, uaddr_add(pages, k * sizeof(addr)), sizeof(addr));
		if (!err && nodes.va)
			err = copy_in(&node, uaddr_add(nodes, k * sizeof(node)), sizeof(node));
		if (!err && nodes.va && node)
			err = -ENODEV;
		if (err)
			break;
		where = page_status(mm, addr);
		err = copy_out(uaddr_add(status, k * sizeof(where)), &where, sizeof(where));
		if (!err && signal_fatal_pending(t))
			err = -EINTR;
	}
	mm_put(mm);
	return err;
}
