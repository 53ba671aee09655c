/* SPDX-License-Identifier: Apache-2.0 */
/* iter.c: cursors over scattered user or kernel memory.
 *
 * An iovec array is read from the task once; its sum is bounded, so that no
 * later arithmetic can overflow.  A short result means a fault; the cursor
 * then stands at the first byte that did not move. */
#include "kernel/mm/internal.h"

#define UIO_MAXIOV 1024u
#define IO_MAX ((1ull << 31) - PAGE_SIZE)

struct user_iovec { uint64_t base, size; };

static void iter_one(struct iter *it, bool kernel, uint64_t base, size_t n)
{
	it->kernel = kernel;
	it->count = 1;
	it->index = 0;
	it->done_in_seg = 0;
	it->left = n;
	it->append = it->nowait = false;
	it->source = NULL;
	it->seg = it->inline_seg;
	it->seg[0] = (struct iter_seg){ base, n };
}

void iter_user(struct iter *it, uaddr buf, size_t n)
{
	iter_one(it, false, buf.va, MIN(n, IO_MAX));
}

void iter_kernel(struct iter *it, void *buf, size_t n)
{
	iter_one(it, true, (uint64_t)(uintptr_t)buf, n);
}

int iter_user_iovec(struct iter *it, uaddr iov, uint64_t count)
{
	_Static_assert(sizeof(struct user_iovec) == sizeof(struct iter_seg), "read in place");
	uint64_t left = 0;
	int err;

	iter_one(it, false, 0, 0);
	it->count = 0;
	if (count > UIO_MAXIOV)
		return -EINVAL;
	if (count > ARRAY_SIZE(it->inline_seg)) {
		it->seg = kmalloc(count * sizeof(*it->seg));
		if (!it->seg) {
			it->seg = it->inline_seg;
			return -ENOMEM;
		}
	}
	err = copy_in(it->seg, iov, count * sizeof(*it->seg));
	for (uint64_t i = 0; !err && i < count; i++) {
		struct iter_seg *s = &it->seg[i];

		if ((int64_t)s->size < 0) {
			err = -EINVAL;
			break;
		}
		if (s->base + s->size > mm_addr_hi || s->base + s->size < s->base) {
			err = -EFAULT;          /* no such range of addresses */
			break;
		}
		/* Linux cuts the sum off at its limit, silently. */
		s->size = MIN(s->size, IO_MAX - left);
		left += s->size;
	}
	if (err) {
		iter_free(it);
		return err;
	}
	it->count = count;
	it->left = left;
	return 0;
}

void iter_free(struct iter *it)
{
	if (it->seg != it->inline_seg)
		kfree(it->seg);
	it->seg = it->inline_seg;
	it->count = 0;
	it->left = 0;
}

/* The next contiguous piece of at most n bytes. */
static size_t next_piece(struct iter *it, size_t n, uint64_t *ret_va)
{
	struct iter_seg *s;

	while (it->index < it->count && it->done_in_seg == it->seg[it->index].size) {
		it->index++;
		it->done_in_seg = 0;
	}
	if (it->index >= it->count)
		return 0;
	s = &it->seg[it->index];
	*ret_va = s->base + it->done_in_seg;
	return MIN(n, s->size - it->done_in_seg);
}

static void advance(struct iter *it, size_t n)
{
	it->done_in_seg += n;
	it->left -= n;
}

void *iter_direct(struct iter *it, size_t *ret_n)
{
	uint64_t va = 0;

	if (!it->kernel)
		return NULL;
	*ret_n = next_piece(it, it->left, &va);
	return (void *)(uintptr_t)va;
}

size_t iter_lend(struct iter *it, size_t n, struct lent **ret, uint8_t **ret_bytes)
{
	size_t got = 0;

	if (it->source && it->source->lend && MIN(n, it->left) >= ITER_LEND_MIN)
		got = it->source->lend(it, MIN(n, it->left), ret, ret_bytes);
	it->left -= got;
	return got;
}

void iter_filled(struct iter *it, size_t n) { advance(it, n); }

/* Several pieces by one copy.  Their bytes; 0: it could not be done so. */
static size_t gather(struct iter *it, void *dst, size_t n)
{
	struct plat_part part[PLAT_PARTS_MAX];
	size_t sum = 0, skip = it->done_in_seg, left;
	unsigned count = 0;

	for (size_t i = it->index; i < it->count && sum < n && count < PLAT_PARTS_MAX; i++, skip = 0) {
		size_t k = MIN(n - sum, it->seg[i].size - skip);

		if (k)
			part[count++] = (struct plat_part){ it->seg[i].base + skip, k };
		sum += k;
	}
	if (count < 2 || !copy_in_parts(dst, part, count))
		return 0;
	for (left = sum; left;) {
		uint64_t va;
		size_t k = next_piece(it, left, &va);

		advance(it, k);
		left -= k;
	}
	return sum;
}

/* The platform has what comes next, and then all of it. */
static bool at_hand(struct iter *it)
{
	uint64_t va;

	return next_piece(it, 1, &va) && plat_copied_ahead(current_task()->mm->as, va);
}

size_t iter_copy_in(struct iter *it, void *dst, size_t n)
{
	bool together = !it->kernel && it->index + 1 < it->count && !at_hand(it);
	size_t done = 0;

	if (unlikely(it->source)) {
		done = it->source->pull(it, dst, MIN(n, it->left));
		it->left -= done;
		return done;
	}
	while (done < n) {
		uint64_t va;
		size_t k = together && it->index + 1 < it->count ? gather(it, (char *)dst + done, n - done) : 0, left = 0;

		if (k) {
			done += k;
			continue;
		}
		together = false;
		k = next_piece(it, n - done, &va);
		if (!k)
			break;
		if (it->kernel)
			memcpy((char *)dst + done, (const void *)(uintptr_t)va, k);
		else
			left = copy_in_partial((char *)dst + done, (uaddr){ va }, k);
		advance(it, k - left);
		done += k - left;
		if (left)
			break;
	}
	return done;
}

size_t iter_copy_out(struct iter *it, const void *src, size_t n)
{
	size_t done = 0;

	while (done < n) {
		uint64_t va;
		size_t k = next_piece(it, n - done, &va), left = 0;

		if (!k)
			break;
		if (it->kernel)
			memcpy((void *)(uintptr_t)va, (const char *)src + done, k);
		else
			left = copy_out_partial((uaddr){ va }, (const char *)src + done, k);
		advance(it, k - left);
		done += k - left;
		if (left)
			break;
	}
	return done;
}

size_t iter_zero(struct iter *it, size_t n)
{
	size_t done = 0;

	while (done < n) {
		uint64_t va;
		size_t k = next_piece(it, n - done, &va), left = 0;

		if (!k)
			break;
		if (it->kernel)
			memset((void *)(uintptr_t)va, 0, k);
		else
			left = copy_out_zeroes((uaddr){ va }, k);
		advance(it, k - left);
		done += k - left;
		if (left)
			break;
	}
	return done;
}

#define VIEW_MIN (16u << 10)            /* where one copy less pays for asking for it */
#define DIRECT_MIN (512u << 10)         /* and for the way to the mapper */
#define REST_NS (1000 * 1000 * 1000ull)

/* While the platform has views of files a timer asks for those not in use. */
static void rest(struct ktimer *t);
static struct ktimer rest_timer = { .fn = rest };
static uint32_t rest_armed;

static void rest_later(void)
{
	if (!__atomic_load_n(&rest_armed, __ATOMIC_RELAXED) && !__atomic_exchange_n(&rest_armed, 1, __ATOMIC_SEQ_CST))
		ktimer_set(&rest_timer, plat_time_mono_ns() + REST_NS);
}

static void rest(__unused_arg struct ktimer *t)
{
	/* First: who makes a view now arms the timer again. */
	__atomic_store_n(&rest_armed, 0, __ATOMIC_SEQ_CST);
	if (plat_views_rest())
		rest_later();
}

size_t iter_read_file(struct iter *it, uint64_t hc_file, uint64_t off)
{
	plat_as_t as;
	uint64_t va;
	size_t want, got = 0;

	if (it->kernel || it->left < VIEW_MIN)
		return 0;
	want = next_piece(it, it->left, &va);
	if (want < VIEW_MIN || off > INT64_MAX - want || va >= mm_addr_hi || want > mm_addr_hi - va)
		return 0;
	memlimit_poke();
	as = current_task()->mm->as;
	if (!plat_view_read(as, va, want, hc_file, off, &got))
		rest_later();
	else if (want < DIRECT_MIN || plat_read_file(as, va, want, hc_file, off, &got))
		return 0;
	got = MIN(got, want);
	advance(it, got);
	return got;
}
