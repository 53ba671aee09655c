/* SPDX-License-Identifier: Apache-2.0 */
/* Transient buffers: a few of each size are kept in slots that are taken and
 * filled by one atomic exchange; the heap serves the rest. */
#include "kernel/lib/lib.h"

#define SMALL_SLOTS 8
#define LARGE_SLOTS 2                   /* what an idle kernel keeps: 160 KiB at most */

static void *small_slots[SMALL_SLOTS], *large_slots[LARGE_SLOTS];

void *kbuf_get(size_t want, size_t *ret_size)
{
	bool small = want <= KBUF_SMALL;
	void **slots = small ? small_slots : large_slots;
	unsigned n = small ? SMALL_SLOTS : LARGE_SLOTS;
	void *p = NULL;

	*ret_size = small ? KBUF_SMALL : KBUF_LARGE;
	for (unsigned k = 0; k < n && !p; k++)
		if (__atomic_load_n(&slots[k], __ATOMIC_RELAXED))
			p = __atomic_exchange_n(&slots[k], NULL, __ATOMIC_ACQUIRE);
	if (!p)
		p = kmalloc(*ret_size);
	if (!p && !small) {
		*ret_size = KBUF_SMALL;
		p = kmalloc(KBUF_SMALL);
	}
	return p;
}

void kbuf_put(void *p, size_t size)
{
	bool small = size == KBUF_SMALL;
	void **slots = small ? small_slots : large_slots;
	unsigned n = small ? SMALL_SLOTS : LARGE_SLOTS;

	for (unsigned k = 0; p && k < n; k++) {
		void *none = NULL;

		if (__atomic_compare_exchange_n(&slots[k], &none, p, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return;
	}
	kfree(p);
}
