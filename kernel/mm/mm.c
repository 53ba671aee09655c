/* SPDX-License-Identifier: Apache-2.0 */
/* mm.c: the life of an address space: new, fork, last put.
 *
 * Every mm with users is on mm_list, for the memory limit.  Two counts: users
 * (tasks and short visitors) keep the mappings, ref keeps the struct. */
#include "kernel/mm/internal.h"
#include <linux_abi/prctl.h>

uint64_t mm_addr_lo, mm_addr_hi;
struct spinlock mm_list_lock = SPINLOCK_INIT;
struct list mm_list = LIST_INIT(mm_list);

void mm_init(void)
{
	plat_as_limits(&mm_addr_lo, &mm_addr_hi);
	mm_addr_lo = align_up(MAX(mm_addr_lo, MM_MIN_ADDR), PAGE_SIZE);
	mm_addr_hi = align_down(mm_addr_hi, PAGE_SIZE);
	KASSERT(mm_addr_hi > mm_addr_lo + (1ull << 30));
	futex_init();
	patch_init();
}

uint64_t mm_rlimit(unsigned res)
{
	if (current_task())
		return rlimit_cur(res);
	return res == RLIMIT_STACK ? 8ull << 20 : RLIM_INFINITY;
}

uint64_t mm_random_pages(uint64_t max_bytes)
{
	uint64_t r;

	if (max_bytes < 2 * PAGE_SIZE)
		return 0;
	krandom(&r, sizeof(r));
	return align_down(r % max_bytes, PAGE_SIZE);
}

/* The mmap area lies below the stack's greatest extent, at a random distance.
 * The spans shrink with a small address range.  2^38 (26 bits): no lower than 0x7e8000000000 with
 * some hundred GB to map, which is where ThreadSanitizer expects a program's memory to begin. */
void mm_set_layout(struct mm *mm)
{
	uint64_t range = mm_addr_hi - mm_addr_lo;
	uint64_t gap = mm_rlimit(RLIMIT_STACK), rnd = MIN(1ull << 38, range / 16);
	uint64_t stack_rnd = MIN(1ull << 34, range / 64);

	gap = MIN(gap, range / 6 * 5 - rnd - stack_rnd);
	gap = MAX(gap, 128ull << 20) + STACK_GUARD_GAP;
	mm->mmap_top = mm_addr_hi;
	mm->mmap_base = align_down(mm_addr_hi - stack_rnd - gap - mm_random_pages(rnd), PAGE_SIZE);
}

static struct mm *mm_alloc(void)
{
	struct mm *mm = kzalloc(sizeof(*mm));

	if (!mm)
		return NULL;
	ref_init(&mm->users);
	ref_init(&mm->ref);
	mutex_init(&mm->lock);
	list_init(&mm->vmas);
	list_init(&mm->all_link);
	mm->dumpable = true;
	/* The program of a traced task is looked at and changed. */
	if (current_task() && current_task()->mm) {
		uint8_t mdwe = __atomic_load_n(&current_task()->mm->mdwe, __ATOMIC_RELAXED);

		mm->mdwe = mdwe & PR_MDWE_NO_INHERIT ? 0 : mdwe;
	}
	mm->patch_off = current_task() && current_task()->ptrace;
	return mm;
}

static void mm_publish(struct mm *mm)
{
	spin_lock(&mm_list_lock);
	list_push_back(&mm_list, &mm->all_link);
	spin_unlock(&mm_list_lock);
}

int mm_new(struct mm **ret)
{
	struct mm *mm = mm_alloc();
	int err;

	if (!mm)
		return -ENOMEM;
	err = plat_as_new(&mm->as);
	if (err) {
		kfree(mm);
		return err;
	}
	mm_set_layout(mm);
	mm_publish(mm);
	*ret = mm;
	return 0;
}

int mm_batch_begin(struct mm *mm)
{
	int err = plat_as_batch_begin(mm->as);

	mm->batching = !err;
	return err;
}

int mm_batch_end(struct mm *mm)
{
	if (!mm->batching)
		return 0;
	mm->batching = false;
	return plat_as_batch_end(mm->as);
}

int mm_batch_settle(struct mm *mm)
{
	int err;

	if (!mm->batching)
		return 0;
	err = mm_batch_end(mm);
	return err ? err : mm_batch_begin(mm);
}

struct mm *mm_get(struct mm *mm)
{
	ref_get(&mm->users);
	return mm;
}

struct mm *mm_share(struct mm *mm)
{
	mutex_lock(&mm->lock);
	(void)!plat_as_settle(mm->as);   /* what failed is not there, for both */
	mm_get(mm);
	mutex_unlock(&mm->lock);
	return mm;
}

void mm_put(struct mm *mm)
{
	struct vma *v, *tmp;

	if (!ref_put(&mm->users))
		return;
	if (__atomic_load_n(&mm->aio_contexts, __ATOMIC_RELAXED))
		aio_mm_gone(mm);
	spin_lock(&mm_list_lock);
	while (__atomic_load_n(&memlimit_scanning, __ATOMIC_ACQUIRE)) {
		spin_unlock(&mm_list_lock);
		plat_wait32(&memlimit_scanning, 1);
		spin_lock(&mm_list_lock);
	}
	list_del(&mm->all_link);
	spin_unlock(&mm_list_lock);

	plat_as_free(mm->as);
	/* Nobody can reach the tree any more: take the list apart. */
	list_for_each_safe(v, tmp, &mm->vmas, link)
		vma_free(v);
	if (mm->exe_file)
		file_put(mm->exe_file);
	if (ref_put(&mm->ref))
		kfree(mm);
}

/* The child's platform copy has every mapping of the parent; what the parent
 * excluded from fork goes now. */
static int fork_vmas(struct mm *parent, struct mm *mm)
{
	struct vma *v, *n;
	int err;

	list_for_each(v, &parent->vmas, link) {
		uint64_t size = v->end - v->start;

		if (v->flags & VM_DONTFORK) {
			err = plat_as_unmap(mm->as, v->start, size);
			if (err)
				return err;
			continue;
		}
		if (v->flags & VM_WIPEONFORK) {
			err = plat_as_map_anon(mm->as, v->start, size, vma_prot(v->flags), 0);
			if (err)
				return err;
		}
		n = vma_dup(v);
		if (!n)
			return -ENOMEM;
		n->flags &= ~VM_LOCKED;
		vma_insert(mm, n);
	}
	return 0;
}

int mm_fork(struct mm *parent, struct mm **ret)
{
	struct mm *mm = mm_alloc();
	int err;

	if (!mm)
		return -ENOMEM;
	mutex_lock(&parent->lock);
	err = plat_as_fork(parent->as, &mm->as);
	if (err) {
		mutex_unlock(&parent->lock);
		kfree(mm);
		return err;
	}
	mm->patch_off = parent->patch_off;
	mm->own_loader = parent->own_loader;
	mm->patched = parent->patched;
	mm->brk_start = parent->brk_start;
	mm->brk = parent->brk;
	mm->mmap_base = parent->mmap_base;
	mm->mmap_top = parent->mmap_top;
	mm->start_code = parent->start_code;
	mm->end_code = parent->end_code;
	mm->start_data = parent->start_data;
	mm->end_data = parent->end_data;
	mm->start_stack = parent->start_stack;
	mm->arg_start = parent->arg_start;
	mm->arg_end = parent->arg_end;
	mm->env_start = parent->env_start;
	mm->env_end = parent->env_end;
	mm->vdso_base = parent->vdso_base;
	memcpy(mm->auxv, parent->auxv, sizeof(mm->auxv));
	mm->auxv_count = parent->auxv_count;
	mm->dumpable = parent->dumpable;
	mm->thp_disabled = parent->thp_disabled;
	if (parent->exe_file)
		mm->exe_file = file_get(parent->exe_file);
	mm_publish(mm);
	err = fork_vmas(parent, mm);
	mutex_unlock(&parent->lock);
	if (err) {
		mm_put(mm);
		return err;
	}
	*ret = mm;
	return 0;
}

/* ---- counted objects ---- */

int obj_ref_new(uint64_t size, struct obj_ref **ret)
{
	struct obj_ref *o = kzalloc(sizeof(*o));
	int err;

	if (!o)
		return -ENOMEM;
	err = plat_obj_new(size, &o->obj);
	if (err) {
		kfree(o);
		/* Whatever the host has run out of, a program sees memory. */
		return err == -ENFILE || err == -EFBIG ? -ENOMEM : err;
	}
	ref_init(&o->ref);
	o->size = size;
	*ret = o;
	return 0;
}

struct obj_ref *obj_ref_get(struct obj_ref *o)
{
	ref_get(&o->ref);
	return o;
}

void obj_ref_put(struct obj_ref *o)
{
	if (!ref_put(&o->ref))
		return;
	plat_obj_free(o->obj);
	kfree(o);
}
