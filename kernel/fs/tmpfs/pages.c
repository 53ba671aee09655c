/* SPDX-License-Identifier: Apache-2.0 */
/* pages.c: the bytes of a medium-sized tmpfs file, in kernel memory.
 *
 * A file is an array of chunks from the heap, whose pages exist one by one: a
 * bit each.  A page that does not exist reads as zero and counts for nothing,
 * so holes, their ends and the space in use are those of Linux.  Reads and
 * writes copy between chunk and program directly, with no call of the host
 * besides; a file that is mapped or grows past TMPFS_PAGES_MAX moves into a
 * memory object (data.c), which bounds the array and that one copy.
 *
 * The memory of a chunk that will surely be filled is asked for at once, which
 * is cheaper than a fault for each page.
 *
 * sendfile() lends the memory of a chunk instead of a copy: who holds it sees
 * what is written to the file later, as on Linux, but keeps what is cut off.
 *
 * fallocate() counts pages that do not exist yet; they read as holes.
 *
 * The bytes of an existing page past the file's size are zero.  What a chunk
 * holds in a page that does not exist is anything.
 *
 * Lock: inode->lock. */
#include "kernel/fs/tmpfs/internal.h"

#define CHUNK TMPFS_CHUNK
#define CHUNK_PAGES (CHUNK / PLAT_PAGE_SIZE)
#define FIRST_CHUNKS 8u
#define FILL_FROM (4 * CHUNK)            /* at most a quarter more than is charged can be in use so */
_Static_assert(CHUNK_PAGES <= 32, "a bit for each page");
_Static_assert(CHUNK <= ITER_LEND_BLOCK, "lent as a whole");

/* Bits of the pages that [from, to) of a chunk touches; not empty. */
static uint32_t pages_of(size_t from, size_t to)
{
	unsigned first = from / PLAT_PAGE_SIZE, last = (to - 1) / PLAT_PAGE_SIZE;

	return (uint32_t)((2ull << last) - (1ull << first));
}

static uint64_t bytes_of(uint32_t pages)
{
	uint64_t n = 0;

	for (; pages; pages &= pages - 1)
		n += PLAT_PAGE_SIZE;
	return n;
}

static struct tmpfs_chunk *chunk_at(struct tmpfs_data *d, uint64_t pos)
{
	return pos / CHUNK < d->chunk_count ? &d->chunk[pos / CHUNK] : NULL;
}

/* A table for `count` chunks.  What is more than a file's share of its inode's
 * cost counts against the limit: a file may be nearly all hole. */
static uint64_t table_cost(const struct tmpfs_inode *ti, unsigned count)
{
	uint64_t cost = count > FIRST_CHUNKS ? (count - FIRST_CHUNKS) * sizeof(struct tmpfs_chunk) : 0;

	return tmpfs_sb(ti->sb)->by_pages ? align_down(cost, PLAT_PAGE_SIZE) : cost;
}

static int table_grow(struct tmpfs_inode *ti, unsigned count)
{
	struct tmpfs_data *d = &ti->data;
	uint64_t cost = table_cost(ti, count) - table_cost(ti, d->chunk_count);
	struct tmpfs_chunk *c;

	if (tmpfs_charge(ti, cost))
		return -ENOSPC;
	c = krealloc(d->chunk, count * sizeof(*c));
	if (!c) {
		tmpfs_uncharge(ti, cost);
		return -ENOMEM;
	}
	memset(c + d->chunk_count, 0, (count - d->chunk_count) * sizeof(*c));
	d->chunk = c;
	d->chunk_count = count;
	return 0;
}

/* A table that pos has a place in. */
static int table_reach(struct tmpfs_inode *ti, uint64_t pos)
{
	unsigned nr = (unsigned)(pos / CHUNK), count = MAX(ti->data.chunk_count, FIRST_CHUNKS);

	while (count <= nr)
		count *= 2;
	return count > ti->data.chunk_count ? table_grow(ti, count) : 0;
}

/* The chunk of pos, with memory; n bytes are written there. */
static int chunk_make(struct tmpfs_inode *ti, uint64_t pos, size_t n, struct tmpfs_chunk **ret)
{
	struct tmpfs_data *d = &ti->data;
	unsigned nr = (unsigned)(pos / CHUNK);
	int err = table_reach(ti, pos);
	struct tmpfs_chunk *c;

	if (err)
		return err;
	c = &d->chunk[nr];
	if (!c->bytes) {
		c->bytes = kmalloc(CHUNK);
		/* All of it now, or soon: the file has come here without holes. */
		if (c->bytes && (n == CHUNK || (pos % CHUNK == 0 && pos >= FILL_FROM && d->charged >= pos)))
			plat_kmem_fill(c->bytes, CHUNK);
	}
	*ret = c;
	return c->bytes ? 0 : -ENOMEM;
}

static void bytes_free(struct tmpfs_chunk *c)
{
	if (c->lent)
		lent_put(c->lent);
	else
		kfree(c->bytes);
}

/* What others hold of a chunk stays as it is when pages of it go.  (Without
 * memory for that, they see what the file has.) */
static void chunk_own(struct tmpfs_chunk *c)
{
	uint8_t *mine;

	if (!c->lent || ref_read(&c->lent->ref) == 1)
		return;
	mine = kmalloc(CHUNK);
	if (!mine)
		return;
	memcpy(mine, c->bytes, CHUNK);
	lent_put(c->lent);
	c->lent = NULL;
	c->bytes = mine;
}

/* No page of c exists: give its memory back. */
static void chunk_drop(struct tmpfs_chunk *c)
{
	bytes_free(c);
	*c = (struct tmpfs_chunk){ .promised = c->promised };
}

int tmpfs_pages_begin(struct inode *i)
{
	struct tmpfs_data *d = &tmpfs_i(i)->data;
	size_t n = MIN((uint64_t)d->cap, i->size);
	uint64_t need = align_up(n, PLAT_PAGE_SIZE), had = d->charged;
	struct tmpfs_chunk *c;
	int err;

	if (need > had && tmpfs_data_charge(i, need - had))
		return -ENOSPC;
	if (n) {
		err = chunk_make(tmpfs_i(i), 0, n, &c);
		if (err) {
			if (need > had)
				tmpfs_data_uncharge(i, need - had);
			return err;
		}
		memcpy(c->bytes, d->small, n);
		memset(c->bytes + n, 0, need - n);
		c->present = pages_of(0, n);
	}
	if (had > need)
		tmpfs_data_uncharge(i, had - need);
	kfree(d->small);
	d->small = NULL;
	d->cap = 0;
	d->paged = true;
	return 0;
}

void tmpfs_pages_free(struct tmpfs_inode *ti)
{
	struct tmpfs_data *d = &ti->data;

	tmpfs_uncharge(ti, table_cost(ti, d->chunk_count));
	for (unsigned k = 0; k < d->chunk_count; k++)
		bytes_free(&d->chunk[k]);
	kfree(d->chunk);
	d->chunk = NULL;
	d->chunk_count = 0;
	d->paged = false;
}

/* How many bytes from pos on, within its chunk and at most n, are alike: in
 * pages that exist, or in a hole. */
static size_t run_at(const struct tmpfs_chunk *c, uint64_t pos, size_t n, bool *ret_data)
{
	size_t off = pos % CHUNK, end = MIN(CHUNK, off + n);
	uint32_t bits = c ? c->present >> off / PLAT_PAGE_SIZE : 0;
	unsigned alike;

	*ret_data = bits & 1;
	bits = *ret_data ? ~bits : bits;
	alike = bits ? (unsigned)__builtin_ctz(bits) : CHUNK_PAGES;
	return MIN(end, align_down(off, PLAT_PAGE_SIZE) + alike * PLAT_PAGE_SIZE) - off;
}

/* The same for data, as far as it lies in one piece of memory: chunks that were
 * taken in a row often do, and one copy is cheaper than several. */
static size_t data_at(struct tmpfs_data *d, const struct tmpfs_chunk *c, uint64_t pos, size_t n, bool *ret_data)
{
	size_t part = run_at(c, pos, n, ret_data);

	while (*ret_data && part < n && (pos + part) % CHUNK == 0) {
		const struct tmpfs_chunk *next = chunk_at(d, pos + part);

		if (!next || !(next->present & 1) || next->bytes != c->bytes + CHUNK)
			break;
		part += run_at(next, pos + part, n - part, ret_data);
		c = next;
	}
	return part;
}

size_t tmpfs_pages_read(struct tmpfs_data *d, struct iter *to, uint64_t pos, size_t n)
{
	size_t done = 0;

	while (done < n) {
		struct tmpfs_chunk *c = chunk_at(d, pos + done);
		bool data;
		size_t part = data_at(d, c, pos + done, n - done, &data);
		size_t moved = data ? iter_copy_out(to, c->bytes + (pos + done) % CHUNK, part) : iter_zero(to, part);

		done += moved;
		if (moved < part)
			break;
	}
	return done;
}

size_t tmpfs_pages_lend(struct tmpfs_data *d, uint64_t pos, size_t n, struct lent **ret, uint8_t **ret_bytes)
{
	struct tmpfs_chunk *c = chunk_at(d, pos);
	bool data;
	size_t part = run_at(c, pos, n, &data);

	if (!data || part < ITER_LEND_MIN)
		return 0;
	if (!c->lent)
		c->lent = lent_new(c->bytes);
	if (!c->lent)
		return 0;
	ref_get(&c->lent->ref);
	*ret = c->lent;
	*ret_bytes = c->bytes + pos % CHUNK;
	return part;
}

/* How much of [off, off + n) may be written, counting the pages that are new
 * in it: all, or what the limit leaves room for.  0: nothing. */
static size_t charge_pages(struct inode *i, const struct tmpfs_chunk *c, size_t off, size_t n)
{
	size_t end = off + n, at;

	if (!tmpfs_data_charge(i, bytes_of(pages_of(off, end) & ~(c->present | c->promised))))
		return n;
	for (at = align_down(off, PLAT_PAGE_SIZE); at < end; at += PLAT_PAGE_SIZE)
		if (!((c->present | c->promised) & pages_of(at, at + 1)) && tmpfs_data_charge(i, PLAT_PAGE_SIZE))
			break;
	return at > off ? MIN(at, end) - off : 0;
}

/* Into one chunk.  New pages get zeroes around what is written. */
static size_t write_part(struct inode *i, struct tmpfs_chunk *c, struct iter *from, size_t off, size_t n)
{
	size_t end = off + n, moved, stop;
	size_t head = align_down(off, PLAT_PAGE_SIZE), tail = align_up(end, PLAT_PAGE_SIZE);
	uint32_t fresh = pages_of(off, end) & ~c->present;

	if (fresh & pages_of(head, head + 1))
		memset(c->bytes + head, 0, off - head);
	if (fresh & pages_of(end - 1, end))
		memset(c->bytes + end, 0, tail - end);
	moved = iter_copy_in(from, c->bytes + off, n);
	if (likely(moved == n)) {
		c->present |= fresh;
		c->promised &= ~fresh;
		return n;
	}
	/* A copy that faulted: the pages behind it stay holes, and what it may
	 * have left behind the last byte is nobody's. */
	stop = off + moved;
	if (moved)
		c->present |= fresh & pages_of(off, stop);
	c->promised &= ~c->present;
	tmpfs_data_uncharge(i, bytes_of(fresh & ~(c->present | c->promised)));
	if (moved && (fresh & pages_of(stop - 1, stop)))
		memset(c->bytes + stop, 0, align_up(stop, PLAT_PAGE_SIZE) - stop);
	return moved;
}

size_t tmpfs_pages_write(struct inode *i, struct iter *from, uint64_t pos, size_t n, int *ret_err)
{
	size_t done = 0;

	*ret_err = 0;
	while (done < n && !*ret_err) {
		uint64_t at = pos + done;
		size_t part = MIN(n - done, CHUNK - at % CHUNK), room, moved;
		struct tmpfs_chunk *c;

		*ret_err = chunk_make(tmpfs_i(i), at, part, &c);
		if (*ret_err)
			break;
		room = charge_pages(i, c, at % CHUNK, part);
		moved = room ? write_part(i, c, from, at % CHUNK, room) : 0;
		if (!c->present)
			chunk_drop(c);
		done += moved;
		if (moved < part)
			*ret_err = moved < room ? -EFAULT : -ENOSPC;
	}
	/* Bytes of a page that existed before, which the failed copy may have changed. */
	if (*ret_err == -EFAULT && pos + n > MAX(i->size, pos + done))
		tmpfs_pages_clear(i, MAX(i->size, pos + done), pos + n);
	return done;
}

void tmpfs_pages_clear(struct inode *i, uint64_t from, uint64_t to)
{
	struct tmpfs_data *d = &tmpfs_i(i)->data;

	while (from < to && from / CHUNK < d->chunk_count) {
		struct tmpfs_chunk *c = chunk_at(d, from);
		size_t off = from % CHUNK, end = (size_t)MIN((uint64_t)CHUNK, off + (to - from));
		size_t first = align_up(off, PLAT_PAGE_SIZE), last = align_down(end, PLAT_PAGE_SIZE);
		uint32_t whole = first < last ? pages_of(first, last) : 0, gone = whole & c->present;

		from += end - off;
		tmpfs_data_uncharge(i, bytes_of(whole & c->promised));
		c->promised &= ~whole;
		if (!c->present)
			continue;
		c->present &= ~gone;
		tmpfs_data_uncharge(i, bytes_of(gone));
		if (!c->present) {
			chunk_drop(c);
			continue;
		}
		chunk_own(c);
		if (gone)
			plat_kmem_release(c->bytes + first, last - first);
		if (off < first && (c->present & pages_of(off, off + 1)))
			memset(c->bytes + off, 0, MIN(first, end) - off);
		if (last < end && last >= first && (c->present & pages_of(last, end)))
			memset(c->bytes + last, 0, end - last);
	}
}

int tmpfs_pages_promise(struct inode *i, uint64_t from, uint64_t to)
{
	struct tmpfs_inode *ti = tmpfs_i(i);
	struct tmpfs_data *d = &ti->data;
	int err = table_reach(ti, to - 1);
	uint64_t bytes = 0;

	if (err)
		return err;
	for (unsigned pass = 0; pass < 2; pass++) {
		for (uint64_t pos = from; pos < to; pos = align_down(pos, CHUNK) + CHUNK) {
			struct tmpfs_chunk *c = chunk_at(d, pos);
			uint32_t pages = pages_of(pos % CHUNK, (size_t)MIN((uint64_t)CHUNK, pos % CHUNK + (to - pos)));

			pages &= ~(c->present | c->promised);
			bytes += pass ? 0 : bytes_of(pages);
			c->promised |= pass ? pages : 0;
		}
		if (!pass && tmpfs_data_charge(i, bytes))
			return -ENOSPC;
	}
	return 0;
}

int tmpfs_pages_store(struct tmpfs_data *d, uint64_t size, plat_obj_t o)
{
	uint64_t pos = 0;
	int err = 0;

	while (!err && pos < size && pos / CHUNK < d->chunk_count) {
		struct tmpfs_chunk *c = chunk_at(d, pos);
		bool data;
		size_t n = run_at(c, pos, (size_t)MIN((uint64_t)CHUNK, size - pos), &data);

		if (data)
			err = plat_obj_write(o, pos, c->bytes + pos % CHUNK, n);
		pos += n;
	}
	return err;
}

uint64_t tmpfs_pages_seek(struct tmpfs_data *d, uint64_t from, uint64_t size, bool want_data)
{
	while (from < size) {
		bool data;
		size_t n = run_at(chunk_at(d, from), from, (size_t)MIN((uint64_t)CHUNK, size - from), &data);

		if (data == want_data)
			return from;
		from += n;
	}
	return size;
}
