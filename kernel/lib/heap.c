/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel heap: buddy pages below, size-class slabs above.
 *
 * The kernel's memory is one region at a fixed address (plat_kmem_range).  Its
 * head holds one struct page_info per page, so that the size of an allocation
 * is found from its address.  Pages beyond `frontier` have never been used and
 * cost nothing.  Blocks of 2^order pages are kept on a list per order; a slab
 * is one block cut into objects of one class, its free objects chained through
 * their first word.
 *
 * Locks: one spinlock per class, page_lock for blocks below it.  The leaves of
 * the lock order: callable under any spinlock. */
#include "kernel/lib/lib.h"
#include "kernel/sched/sched.h"
#include <stats.h>

#define MAX_ORDER 16                    /* 256 MiB: the largest allocation */
#define GROW_ORDER 9                    /* the frontier moves by 2 MiB */
#define RELEASE_ORDER 4                 /* free blocks from 64 KiB up go back to the host */
#define NO_PAGE UINT32_MAX

enum page_kind { PAGE_UNUSED, PAGE_FREE, PAGE_SLAB, PAGE_BLOCK, PAGE_INNER };

struct page_info {
	uint8_t kind, order, class, clean;      /* clean: known to read as zero */
	uint16_t inuse;
	uint16_t pad;
	uint32_t next, prev;                    /* free list or partial list */
	void *free;                             /* slab: chain of free objects */
};

static const uint16_t class_size[] = {
	16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1344, 2032,
};
#define CLASS_COUNT ARRAY_SIZE(class_size)

static struct class {
	struct spinlock lock;
	uint32_t partial;                       /* slabs with free objects */
	uint8_t order;
} classes[CLASS_COUNT];
static uint8_t class_of[2048 / 16 + 1];

static struct spinlock page_lock;
static uint8_t *region;
static struct page_info *info;
static uint32_t page_count, frontier;
static uint32_t free_list[MAX_ORDER + 1];
static uint64_t used_bytes;

static inline void *page_addr(uint32_t i) { return region + (uint64_t)i * PLAT_PAGE_SIZE; }
static inline uint32_t page_index(const void *p)
{
	return (uint32_t)(((const uint8_t *)p - region) >> PLAT_PAGE_SHIFT);
}

static void list_add_page(uint32_t *head, uint32_t i)
{
	info[i].next = *head;
	info[i].prev = NO_PAGE;
	if (*head != NO_PAGE)
		info[*head].prev = i;
	*head = i;
}

static void list_del_page(uint32_t *head, uint32_t i)
{
	if (info[i].prev != NO_PAGE)
		info[info[i].prev].next = info[i].next;
	else
		*head = info[i].next;
	if (info[i].next != NO_PAGE)
		info[info[i].next].prev = info[i].prev;
}

/* page_lock held.  Merges with free buddies. */
static void block_free_locked(uint32_t i, unsigned order, bool clean)
{
	while (order < MAX_ORDER) {
		uint32_t b = i ^ (1u << order);

		if (b >= frontier || info[b].kind != PAGE_FREE || info[b].order != order)
			break;
		list_del_page(&free_list[order], b);
		clean = clean && info[b].clean;
		info[b].kind = PAGE_INNER;
		info[i].kind = PAGE_INNER;
		i = MIN(i, b);
		order++;
	}
	info[i].kind = PAGE_FREE;
	info[i].order = (uint8_t)order;
	info[i].clean = clean;
	list_add_page(&free_list[order], i);
}

static bool grow_locked(unsigned order)
{
	unsigned o = MAX(order, (unsigned)GROW_ORDER);
	uint64_t start = align_up(frontier, 1ul << o), end = start + (1ul << o);

	if (end > page_count)
		return false;
	/* The pages skipped for alignment become blocks of their own. */
	while (frontier < start) {
		unsigned k = (unsigned)__builtin_ctz(frontier);
		uint32_t at = frontier;

		while (at + (1ul << k) > start)
			k--;
		frontier += 1u << k;
		block_free_locked(at, k, true);
	}
	frontier = (uint32_t)end;
	block_free_locked((uint32_t)start, o, true);
	return true;
}

static uint32_t block_alloc(unsigned order, bool *ret_clean)
{
	unsigned o;
	uint32_t i = NO_PAGE;

	spin_lock(&page_lock);
	for (;;) {
		for (o = order; o <= MAX_ORDER && free_list[o] == NO_PAGE; o++)
			;
		if (o <= MAX_ORDER || !grow_locked(order))
			break;
	}
	if (o <= MAX_ORDER) {
		bool clean;

		i = free_list[o];
		clean = info[i].clean;
		list_del_page(&free_list[o], i);
		while (o > order) {
			o--;
			info[i + (1u << o)] = (struct page_info){
				.kind = PAGE_FREE, .order = (uint8_t)o, .clean = clean };
			list_add_page(&free_list[o], i + (1u << o));
		}
		info[i] = (struct page_info){ .kind = PAGE_BLOCK, .order = (uint8_t)order };
		*ret_clean = clean;
		used_bytes += PLAT_PAGE_SIZE << order;
		stats_peak(&plat_stats()->n[STATS_KERNEL_MEMORY_PEAK], used_bytes);
	}
	spin_unlock(&page_lock);
	return i;
}

static void block_free(uint32_t i, unsigned order)
{
	bool clean = order >= RELEASE_ORDER;

	if (clean)
		plat_kmem_release(page_addr(i), PLAT_PAGE_SIZE << order);
	spin_lock(&page_lock);
	used_bytes -= PLAT_PAGE_SIZE << order;
	block_free_locked(i, order, clean);
	spin_unlock(&page_lock);
}

static void *slab_alloc(unsigned c)
{
	struct class *k = &classes[c];
	struct page_info *pi;
	void *p;

	spin_lock(&k->lock);
	if (k->partial == NO_PAGE) {
		bool clean;
		uint32_t i = block_alloc(k->order, &clean);
		size_t size = class_size[c], bytes = PLAT_PAGE_SIZE << k->order;
		uint8_t *base;

		if (i == NO_PAGE) {
			spin_unlock(&k->lock);
			return NULL;
		}
		base = page_addr(i);
		for (unsigned j = 0; j < 1u << k->order; j++)
			info[i + j] = (struct page_info){ .kind = j ? PAGE_INNER : PAGE_SLAB,
				.class = (uint8_t)c, .order = (uint8_t)j };
		for (size_t off = (bytes / size) * size; off; off -= size) {
			void **o = (void **)(base + off - size);

			*o = info[i].free;
			info[i].free = o;
		}
		list_add_page(&k->partial, i);
	}
	pi = &info[k->partial];
	p = pi->free;
	pi->free = *(void **)p;
	pi->inuse++;
	if (!pi->free)
		list_del_page(&k->partial, k->partial);
	spin_unlock(&k->lock);
	return p;
}

static void slab_free(uint32_t i, void *p)
{
	unsigned c = info[i].class;
	struct class *k = &classes[c];
	struct page_info *pi = &info[i];

	spin_lock(&k->lock);
	KASSERT(pi->inuse);
	*(void **)p = pi->free;
	if (!pi->free)
		list_add_page(&k->partial, i);
	pi->free = p;
	/* One empty slab stays for the next allocation. */
	if (--pi->inuse == 0 && !(k->partial == i && pi->next == NO_PAGE)) {
		list_del_page(&k->partial, i);
		block_free(i, k->order);
	}
	spin_unlock(&k->lock);
}

static inline unsigned size_class(size_t size) { return class_of[(size + 15) / 16]; }

static unsigned size_order(size_t size)
{
	size_t pages = (size + PLAT_PAGE_SIZE - 1) >> PLAT_PAGE_SHIFT;

	return pages <= 1 ? 0 : 64u - (unsigned)__builtin_clzl(pages - 1);
}

static void *heap_alloc(size_t size, bool zero)
{
	bool clean = false;
	uint32_t i;
	void *p;

	if (!size)
		size = 1;
	if (size <= class_size[CLASS_COUNT - 1]) {
		p = slab_alloc(size_class(size));
		if (p && zero)
			memset(p, 0, size);
		return p;
	}
	if (size > PLAT_PAGE_SIZE << MAX_ORDER)
		return NULL;
	i = block_alloc(size_order(size), &clean);
	if (i == NO_PAGE)
		return NULL;
	p = page_addr(i);
	if (zero && !clean)
		memset(p, 0, size);
	return p;
}

void *kmalloc(size_t size) { return heap_alloc(size, false); }
void *kzalloc(size_t size) { return heap_alloc(size, true); }

/* The head page of the slab or block that holds p. */
static uint32_t head_page(const void *p)
{
	uint32_t i = page_index(p);

	KASSERT((const uint8_t *)p >= region && i < frontier);
	if (info[i].kind == PAGE_INNER)
		i -= info[i].order;     /* slabs record the distance to their head */
	KASSERT(info[i].kind == PAGE_SLAB || info[i].kind == PAGE_BLOCK);
	return i;
}

void kfree(void *p)
{
	uint32_t i;

	if (!p)
		return;
	i = head_page(p);
	if (info[i].kind == PAGE_SLAB)
		slab_free(i, p);
	else
		block_free(i, info[i].order);
}

void *krealloc(void *p, size_t size)
{
	size_t old;
	uint32_t i;
	void *q;

	if (!p)
		return kmalloc(size);
	i = head_page(p);
	old = info[i].kind == PAGE_SLAB ? class_size[info[i].class] : PLAT_PAGE_SIZE << info[i].order;
	if (size <= old && size > old / 4)
		return p;
	q = kmalloc(size);
	if (!q)
		return NULL;
	memcpy(q, p, MIN(old, size));
	kfree(p);
	return q;
}

char *kstrndup(const char *s, size_t n)
{
	char *d = kmalloc(n + 1);

	if (d) {
		memcpy(d, s, n);
		d[n] = 0;
	}
	return d;
}

char *kstrdup(const char *s) { return kstrndup(s, strlen(s)); }

uint64_t kheap_used(void) { return __atomic_load_n(&used_bytes, __ATOMIC_RELAXED); }

void heap_init(void);
void heap_init(void)
{
	size_t size;
	void *base;
	unsigned c = 0;

	plat_kmem_range(&base, &size);
	page_count = (uint32_t)MIN(size >> PLAT_PAGE_SHIFT, (size_t)1 << 30);
	region = base;
	info = base;
	/* Page 0 is never handed out, so the frontier's ctz is defined. */
	frontier = (uint32_t)(align_up((uint64_t)page_count * sizeof *info, PLAT_PAGE_SIZE) >> PLAT_PAGE_SHIFT);
	for (unsigned o = 0; o <= MAX_ORDER; o++)
		free_list[o] = NO_PAGE;
	for (unsigned i = 0; i < ARRAY_SIZE(class_of); i++) {
		if (i * 16 > class_size[c] && c + 1 < CLASS_COUNT)
			c++;
		class_of[i] = (uint8_t)c;
	}
	for (unsigned k = 0; k < CLASS_COUNT; k++) {
		classes[k].partial = NO_PAGE;
		classes[k].order = class_size[k] > 512 ? 2 : 0;
	}
}
