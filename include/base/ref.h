/* SPDX-License-Identifier: Apache-2.0 */
/* Reference counts.  A count that reaches zero never rises again. */
#ifndef NACRE_BASE_REF_H
#define NACRE_BASE_REF_H

#include <base/types.h>

struct ref { uint32_t n; };

static inline void ref_init(struct ref *r) { __atomic_store_n(&r->n, 1, __ATOMIC_RELAXED); }
static inline uint32_t ref_read(const struct ref *r) { return __atomic_load_n(&r->n, __ATOMIC_RELAXED); }
static inline void ref_get(struct ref *r) { __atomic_fetch_add(&r->n, 1, __ATOMIC_RELAXED); }

/* The caller has the only reference, and what was done with others is over. */
static inline bool ref_is_only(const struct ref *r) { return __atomic_load_n(&r->n, __ATOMIC_ACQUIRE) == 1; }

/* For lookups that race with the last put: false when the count was zero. */
static inline bool ref_get_unless_zero(struct ref *r)
{
	uint32_t n = ref_read(r);

	while (n)
		if (__atomic_compare_exchange_n(&r->n, &n, n + 1, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	return false;
}

/* true when there was one reference: now there is none, and none can be had. */
static inline bool __must_check ref_end(struct ref *r)
{
	uint32_t one = 1;

	return __atomic_compare_exchange_n(&r->n, &one, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* true when this was the last reference: the caller frees. */
static inline bool __must_check ref_put(struct ref *r)
{
	return __atomic_fetch_sub(&r->n, 1, __ATOMIC_ACQ_REL) == 1;
}

#endif
