/* SPDX-License-Identifier: Apache-2.0 */
/* kmem.c: the kernel's memory and its stacks.
 *
 * Both are reserved at fixed addresses before the lock-down and committed by
 * touching.  Stacks are slots of one region, the lowest page of each being a
 * guard; a freed slot keeps its pages for the next one. */
#include <sys/mman.h>

#include "platform/process/internal.h"

HOST_CALLS(sandbox, madvise, mprotect);

#define KMEM_BASE 0x100000000000ul
#define KMEM_SIZE (64ul << 30)
#define KMEM_SIZE_MIN (1ul << 30)
#define KSTACK_BASE 0x180000000000ul
#define KSTACK_SIZE 32768ul
#define KSTACK_SLOT (KSTACK_SIZE + PLAT_PAGE_SIZE)
#define KSTACK_MAX 24576u

static size_t kmem_size;
static pthread_mutex_t kstack_lock = PTHREAD_MUTEX_INITIALIZER;
static void *kstack_free;               /* list through the topmost word */
static unsigned kstack_used;

int kmem_init(void)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
	void *p = MAP_FAILED;

	/* A limit on address space (RLIMIT_AS) may leave less. */
	for (kmem_size = KMEM_SIZE; kmem_size >= KMEM_SIZE_MIN; kmem_size /= 2) {
		p = mmap((void *)KMEM_BASE, kmem_size, PROT_READ | PROT_WRITE, flags, -1, 0);
		if (p == (void *)KMEM_BASE)
			break;
	}
	if (p != (void *)KMEM_BASE)
		return -ENOMEM;
	madvise(p, kmem_size, MADV_DONTDUMP);
	/* Where huge pages are given unasked the heap would start with megabytes. */
	madvise(p, kmem_size, MADV_NOHUGEPAGE);
	p = mmap((void *)KSTACK_BASE, KSTACK_SLOT * KSTACK_MAX, PROT_NONE, flags, -1, 0);
	if (p != (void *)KSTACK_BASE)
		return -ENOMEM;
	return 0;
}

void plat_kmem_range(void **ret_base, size_t *ret_size)
{
	*ret_base = (void *)KMEM_BASE;
	*ret_size = kmem_size;
}

void plat_kmem_release(void *start, size_t size)
{
	if (size)
		madvise(start, size, MADV_DONTNEED);
}

/* linux/mman.h since 5.14: older hosts refuse it, and each page is a fault. */
#define POPULATE_WRITE 23

void plat_kmem_fill(void *start, size_t size)
{
	madvise(start, size, POPULATE_WRITE);
}

int plat_kstack_new(void **ret_top, size_t *ret_size)
{
	uint8_t *top;

	pthread_mutex_lock(&kstack_lock);
	top = kstack_free;
	if (top) {
		kstack_free = ((void **)top)[-1];
	} else if (kstack_used < KSTACK_MAX) {
		uint8_t *slot = (uint8_t *)KSTACK_BASE + KSTACK_SLOT * kstack_used;

		if (!mprotect(slot + PLAT_PAGE_SIZE, KSTACK_SIZE, PROT_READ | PROT_WRITE)) {
			kstack_used++;
			top = slot + KSTACK_SLOT;
		}
	}
	pthread_mutex_unlock(&kstack_lock);
	if (!top)
		return -ENOMEM;
	*ret_top = top;
	*ret_size = KSTACK_SIZE;
	return 0;
}

void plat_kstack_free(void *top)
{
	pthread_mutex_lock(&kstack_lock);
	((void **)top)[-1] = kstack_free;
	kstack_free = top;
	pthread_mutex_unlock(&kstack_lock);
}
