/* SPDX-License-Identifier: Apache-2.0 */
/* heap.c: the kernel's heap is the C library's, so that the sanitizers see every
 * block.
 *
 * A block ends with the number of the site, the place in the kernel that asked for
 * it: when blocks are left over, testhost_heap_tell() says whose they are.  Relaxed
 * atomics and no lock: the thread sanitizer must not take the heap for something
 * that puts two CPUs in order. */
#include <errno.h>
#include <malloc.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/testhost/testhost.h"

#define SITES 4096u                     /* a power of two, far more than there are */

static struct site { uintptr_t pc; int64_t blocks, marked; } sites[SITES];
typedef uint32_t site_nr;

void *kmalloc(size_t size);
void *kzalloc(size_t size);
void *krealloc(void *p, size_t size);
void kfree(void *p);
char *kstrdup(const char *s);
char *kstrndup(const char *s, size_t n);
uint64_t kheap_used(void);
void heap_init(void);

void heap_init(void) { }
uint64_t kheap_used(void) { return 0; }

static site_nr site_of(void *caller)
{
	uintptr_t pc = (uintptr_t)caller;
	site_nr s = (site_nr)(pc * 0x9e3779b97f4a7c15ull >> 40) % SITES;

	for (unsigned k = 0; k < SITES; k++, s = (s + 1) % SITES) {
		uintptr_t was = 0;

		if (__atomic_compare_exchange_n(&sites[s].pc, &was, pc, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED) || was == pc)
			return s;
	}
	abort();
}

/* Only here is the end of a block looked at. */
static void *end_of(void *p)
{
	size_t size = malloc_usable_size(p);

	if (size < sizeof(site_nr))
		abort();                /* no block, or freed already */
	return (uint8_t *)p + size - sizeof(site_nr);
}

static void site_put(void *p, site_nr s)
{
	memcpy(end_of(p), &s, sizeof s);
	ASAN_POISON_MEMORY_REGION(end_of(p), sizeof s);
}

static site_nr site_take(void *p)
{
	site_nr s;

	ASAN_UNPOISON_MEMORY_REGION(end_of(p), sizeof s);
	memcpy(&s, end_of(p), sizeof s);
	if (s >= SITES)
		abort();                /* overwritten */
	return s;
}

static void *alloc(size_t size, void *caller)
{
	site_nr s = site_of(caller);
	void *p;

	if (testhost_fails() || posix_memalign(&p, size >= 4096 ? 4096 : 16, size + sizeof s))
		return NULL;
	/* what was there before is not zero */
	memset(p, 0xa5, size);
	site_put(p, s);
	__atomic_fetch_add(&sites[s].blocks, 1, __ATOMIC_RELAXED);
	return p;
}

void *kmalloc(size_t size) { return alloc(size, __builtin_return_address(0)); }

void *kzalloc(size_t size)
{
	void *p = alloc(size, __builtin_return_address(0));

	return p ? memset(p, 0, size) : NULL;
}

void *krealloc(void *p, size_t size)
{
	site_nr s;
	void *q;

	if (!p)
		return alloc(size, __builtin_return_address(0));
	if (testhost_fails())
		return NULL;
	s = site_take(p);
	q = realloc(p, size + sizeof s);
	site_put(q ? q : p, s);
	return q;
}

void kfree(void *p)
{
	if (p)
		__atomic_fetch_sub(&sites[site_take(p)].blocks, 1, __ATOMIC_RELAXED);
	free(p);
}

static char *copy(const char *s, size_t n, void *caller)
{
	char *p = alloc(n + 1, caller);

	if (p) {
		memcpy(p, s, n);
		p[n] = 0;
	}
	return p;
}

char *kstrndup(const char *s, size_t n) { return copy(s, strnlen(s, n), __builtin_return_address(0)); }
char *kstrdup(const char *s) { return copy(s, strlen(s), __builtin_return_address(0)); }

/* -- for tests -- */
uint64_t testhost_live_blocks(void)
{
	int64_t n = 0;

	for (unsigned i = 0; i < SITES; i++)
		n += __atomic_load_n(&sites[i].blocks, __ATOMIC_RELAXED);
	return (uint64_t)n;
}

void testhost_heap_mark(void)
{
	for (unsigned i = 0; i < SITES; i++)
		sites[i].marked = __atomic_load_n(&sites[i].blocks, __ATOMIC_RELAXED);
}

void testhost_heap_tell(void)
{
	for (unsigned i = 0; i < SITES; i++) {
		long long more = __atomic_load_n(&sites[i].blocks, __ATOMIC_RELAXED) - sites[i].marked;
		char where[256];

		if (!more)
			continue;
		__sanitizer_symbolize_pc((void *)(sites[i].pc - 1), "%f %s:%l", where, sizeof where);
		fprintf(stderr, "%+lld blocks: %s\n", more, where);
	}
}
