/* SPDX-License-Identifier: Apache-2.0 */
/* rss.c: how much memory an address space has resident.
 *
 * A platform that knows says so (plat_as_rss).  Where it does not, the
 * kernel asks page by page for the areas that can hold private pages, and
 * takes small ones as wholly resident.  Pages that fork() still shares are
 * counted in each process, as in Linux's RSS; file pages are not counted.
 * Counting a gigabyte takes milliseconds: who asks again and again, of one
 * process or of all, gets an answer that is a little old instead of taking
 * more than a part of the time for it.
 *
 * Locking: mm->lock. */
#include "kernel/mm/internal.h"

#define BATCH_PAGES 32768ull
#define SMALL_AREA (64ull << 10)
#define WORTH_COUNTING_NS (10 * 1000 * 1000ull)
#define COUNT_SHARE 10u                 /* a count is good for so many times what it took */

static uint64_t count_range(struct mm *mm, uint64_t start, uint64_t end, uint8_t *vec)
{
	uint64_t pages = 0;

	while (start < end) {
		uint64_t n = MIN((end - start) >> PAGE_SHIFT, BATCH_PAGES);

		if (plat_as_resident(mm->as, start, n << PAGE_SHIFT, vec))
			break;
		for (uint64_t i = 0; i < n; i++)
			pages += vec[i] & 1;
		start += n << PAGE_SHIFT;
	}
	return pages << PAGE_SHIFT;
}

uint64_t mm_rss_range_locked(struct mm *mm, uint64_t start, uint64_t end)
{
	uint8_t *vec = kmalloc(BATCH_PAGES);
	uint64_t n = vec ? count_range(mm, start, end, vec) : 0;

	kfree(vec);
	return n;
}

/* ask: of large areas too, which the platform must be asked about. */
static uint64_t count_areas(struct mm *mm, bool ask)
{
	uint8_t *vec = NULL;
	uint64_t sum = 0;
	struct vma *v;

	list_for_each(v, &mm->vmas, link) {
		uint64_t size = v->end - v->start;

		if (!(v->flags & VM_WRITE) || ((v->flags & VM_SHARED) && v->file))
			continue;
		if (size <= SMALL_AREA || v->file) {
			sum += v->flags & VM_SHARED ? 0 : size;
			continue;
		}
		if (!ask)
			continue;
		if (!vec)
			vec = kmalloc(BATCH_PAGES);
		if (!vec)
			break;
		sum += count_range(mm, v->start, v->end, vec);
	}
	kfree(vec);
	return sum;
}

static uint64_t count_locked(struct mm *mm)
{
	uint64_t began_ns = plat_time_mono_ns(), now_ns;

	if (began_ns < mm->rss_until_ns)
		return mm->rss_counted;
	mm->rss_counted = count_areas(mm, true);
	now_ns = plat_time_mono_ns();
	mm->rss_until_ns = now_ns + COUNT_SHARE * (now_ns - began_ns);
	return mm->rss_counted;
}

/* The peak is an atomic of its own: whoever counts raises it, with no lock. */
static void note_peak(struct mm *mm, uint64_t rss)
{
	uint64_t old = mm_peak_rss(mm);

	while (rss > old && !__atomic_compare_exchange_n(&mm->max_rss, &old, rss, true, __ATOMIC_RELAXED,
							 __ATOMIC_RELAXED))
		;
}

uint64_t mm_peak_rss(const struct mm *mm)
{
	return __atomic_load_n(&mm->max_rss, __ATOMIC_RELAXED);
}

uint64_t mm_rss(struct mm *mm)
{
	uint64_t rss = plat_as_rss(mm->as);

	if (!rss) {
		bool held = mm->lock.owner && mm->lock.owner == current_task();

		if (!held)
			mutex_lock(&mm->lock);
		rss = count_locked(mm);
		if (!held)
			mutex_unlock(&mm->lock);
	}
	note_peak(mm, rss);
	return rss;
}

/* From a timer: the last count when the lock is taken. */
uint64_t mm_rss_nosleep(struct mm *mm)
{
	uint64_t rss = plat_as_rss(mm->as);

	if (!rss) {
		if (!mutex_trylock(&mm->lock))
			return __atomic_load_n(&mm->scan_rss, __ATOMIC_RELAXED);
		rss = count_locked(mm);
		mutex_unlock(&mm->lock);
	}
	note_peak(mm, rss);
	return rss;
}

uint64_t mm_last_rss(struct mm *mm, uint64_t ran_ns)
{
	uint64_t rss = plat_as_rss(mm->as);

	if (!rss && ran_ns >= WORTH_COUNTING_NS && ref_read(&mm->users) == 1) {
		(void)mm_rss(mm);
	} else if (!rss && !mm_peak_rss(mm)) {
		mutex_lock(&mm->lock);
		rss = count_areas(mm, false);
		mutex_unlock(&mm->lock);
	}
	note_peak(mm, rss);
	return mm_peak_rss(mm);
}
