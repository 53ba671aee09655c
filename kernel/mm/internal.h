/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h: what the files of kernel/mm/ share and nobody else uses.
 * Everything with _locked in its name, and all of the VMA tree, needs
 * mm->lock. */
#ifndef NACRE_KERNEL_MM_INTERNAL_H
#define NACRE_KERNEL_MM_INTERNAL_H

#include "kernel/mm/mm.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

#define PAGE_SIZE PLAT_PAGE_SIZE
#define PAGE_SHIFT PLAT_PAGE_SHIFT
#define MM_MAX_MAP_COUNT 65530u         /* sysctl vm.max_map_count */
#define MM_MIN_ADDR 65536ull            /* sysctl vm.mmap_min_addr */
#define STACK_GUARD_GAP (256ull * PAGE_SIZE)
#define VM_ACCESS (VM_READ | VM_WRITE | VM_EXEC)

/* Lowest and one past the highest address of tasks, constant after mm_init. */
extern uint64_t mm_addr_lo, mm_addr_hi;

/* vma.c */
struct vma *vma_first(struct mm *mm);           /* NULL when empty */
struct vma *vma_next(struct mm *mm, struct vma *v);
struct vma *vma_prev(struct mm *mm, struct vma *v);
/* The first VMA that intersects [start, end), or NULL. */
struct vma *vma_intersect(struct mm *mm, uint64_t start, uint64_t end);
uint64_t vma_start_gap(const struct vma *v);    /* with the guard below a stack */
struct vma *vma_dup(const struct vma *v);       /* own references; NULL: no memory */
void vma_count_writer(const struct vma *v, bool add);
void vma_free(struct vma *v);                   /* drops references; may sleep */
void vma_free_list(struct list *dead);
void vma_insert(struct mm *mm, struct vma *v);  /* accounts; cannot fail */
void vma_remove(struct mm *mm, struct vma *v);  /* accounts; keeps v */
void vma_set_range(struct mm *mm, struct vma *v, uint64_t start, uint64_t end);
void vma_set_flags(struct mm *mm, struct vma *v, uint32_t flags);
/* Cut v at addr: v keeps the lower part.  -ENOMEM. */
int __must_check vma_split(struct mm *mm, struct vma *v, uint64_t addr);
/* Join v with neighbours it continues; returns what v has become. */
struct vma *vma_merge(struct mm *mm, struct vma *v);
/* Make VMA borders at start and end.  *ret is the first VMA inside, or NULL. */
int __must_check vma_isolate(struct mm *mm, uint64_t start, uint64_t end, struct vma **ret);
/* Highest free range of size bytes within [lo, hi); 0 when there is none. */
uint64_t vma_find_gap(struct mm *mm, uint64_t size, uint64_t lo, uint64_t hi);
/* Page protection that the platform gets for these VM_ flags. */
static inline unsigned vma_prot(uint32_t flags)
{
	/* The processor lets a program read what it may write or run; then it can be read for the program too. */
	return (flags & VM_ACCESS) | (flags & VM_ACCESS ? VM_READ : 0);
}

/* map.c */
struct map_req {
	uint64_t addr, size;
	uint32_t flags;                 /* VM_ */
	unsigned plat_flags;            /* PLAT_MAP_NORESERVE, _POPULATE */
	struct file *file;              /* borrowed; the VMA takes its own reference */
	struct obj_ref *objref;         /* likewise */
	plat_obj_t obj;
	uint64_t off;
	const char *name;
	uint32_t policy;                /* as in struct vma */
	struct patch_version *patch;    /* borrowed: mapped in the place of obj */
	bool loader;                    /* a dynamic linker or exec maps a segment: touched later */
};
/* Place a mapping at exactly req->addr, replacing what is there.  Replaced
 * VMAs go to dead, which the caller frees after unlocking.  No limit checks. */
int __must_check map_locked(struct mm *mm, const struct map_req *req, struct list *dead);
int __must_check unmap_locked(struct mm *mm, uint64_t start, uint64_t end, struct list *dead);
/* RLIMIT_AS, RLIMIT_DATA, map count for a growth by size bytes. */
int __must_check mm_may_expand_locked(struct mm *mm, uint64_t size, uint32_t flags);
/* A free place; hint 0 for none.  -ENOMEM. */
int __must_check mm_find_place_locked(struct mm *mm, uint64_t hint, uint64_t size,
				      unsigned map_flags, uint64_t *ret);
uint64_t mm_rlimit(unsigned res);       /* of current; generous without one */
/* Page-aligned, inside the task's range, no overflow: end in *ret_end. */
bool __must_check mm_range_ok(uint64_t addr, uint64_t size, uint64_t *ret_end);

/* mm.c */
/* While an image is loaded nobody else knows the mm, and its mappings go to
 * the platform as a batch.  settle: what was kept has happened, or its error. */
int __must_check mm_batch_begin(struct mm *mm);
int __must_check mm_batch_settle(struct mm *mm);
int __must_check mm_batch_end(struct mm *mm);
extern struct spinlock mm_list_lock;
extern struct list mm_list;
void mm_set_layout(struct mm *mm);      /* mmap_base, mmap_top: random */
uint64_t mm_random_pages(uint64_t max_bytes);   /* page-aligned, < max_bytes */

/* fault.c: make [.., addr] part of the stack if it may grow there. */
bool mm_grow_for_copy(struct mm *mm, uint64_t addr);

/* rss.c */
uint64_t mm_rss_nosleep(struct mm *mm);

/* memlimit.c */
extern bool memlimit_on;
void memlimit_poke_slow(void);
static inline void memlimit_poke(void)
{
	if (unlikely(memlimit_on))
		memlimit_poke_slow();
}
extern uint32_t memlimit_scanning;      /* while set, no mm leaves mm_list */

void futex_init(void);
void patch_init(void);

#endif
