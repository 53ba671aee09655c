/* SPDX-License-Identifier: Apache-2.0 */
/* mem.c: memory objects and address spaces as tables of pages.
 *
 * Simple, not fast: an object and an address space are hash tables from page
 * number to page.  One lock guards everything. */
#include <hostcall.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <errno.h>
#include "platform/testhost/testhost.h"

#define BUCKETS 1024u
#define MAX_IDS 4096u
/* Where the sanitizer's map of the address space lets programs be. */
#ifdef __SANITIZE_THREAD__
#define KMEM_BASE ((void *)0x4000000000ul)
#else
#define KMEM_BASE ((void *)0x200000000000ul)
#endif
#define KMEM_SIZE (1ul << 30)
#define MAX_MAP (256ul << 20)            /* a page costs an entry each */
#define LO 0x10000ul
#define HI 0x7fffff000000ul

struct page {
	uint64_t nr;
	struct page *next;
	uint8_t *data;                  /* NULL: reads as zero, or as the object says */
	unsigned prot;                  /* address spaces only, as the rest */
	bool shared;
	uint32_t obj;                   /* counted; 0 = anonymous */
	uint64_t obj_page;
};
struct table { struct page *bucket[BUCKETS]; uint64_t count; bool batched; int batch_err; };
struct object { struct table pages; uint64_t size; uint32_t refs; uint64_t change; };

static uint64_t changes;                /* of any object, so that no two states are alike */

static pthread_mutex_t mem_lock = PTHREAD_MUTEX_INITIALIZER;
static struct object *objects[MAX_IDS];
static struct table *spaces[MAX_IDS];

static struct page *find(struct table *t, uint64_t nr)
{
	for (struct page *p = t->bucket[nr % BUCKETS]; p; p = p->next)
		if (p->nr == nr)
			return p;
	return NULL;
}

static struct page *add(struct table *t, uint64_t nr)
{
	struct page *p = calloc(1, sizeof *p);

	if (!p)
		abort();
	p->nr = nr;
	p->next = t->bucket[nr % BUCKETS];
	t->bucket[nr % BUCKETS] = p;
	t->count++;
	return p;
}

static void object_put(uint32_t id);

static void drop(struct table *t, uint64_t nr)
{
	for (struct page **pp = &t->bucket[nr % BUCKETS]; *pp; pp = &(*pp)->next)
		if ((*pp)->nr == nr) {
			struct page *p = *pp;

			*pp = p->next;
			object_put(p->obj);
			free(p->data);
			free(p);
			t->count--;
			return;
		}
}

static void clear(struct table *t)
{
	for (unsigned b = 0; b < BUCKETS; b++)
		while (t->bucket[b])
			drop(t, t->bucket[b]->nr);
}

static void object_put(uint32_t id)
{
	if (id && --objects[id]->refs == 0) {
		clear(&objects[id]->pages);
		free(objects[id]);
		objects[id] = NULL;
	}
}

/* Call fn for each page of t in [addr, addr + size): by the table, since the
 * range may be far larger than what is there. */
static void each(struct table *t, uint64_t addr, uint64_t size, void (*fn)(struct table *, struct page *, unsigned), unsigned arg)
{
	for (unsigned b = 0; b < BUCKETS; b++)
		for (struct page *p = t->bucket[b], *next; p; p = next) {
			next = p->next;
			if (p->nr >= addr >> PLAT_PAGE_SHIFT && p->nr < (addr + size) >> PLAT_PAGE_SHIFT)
				fn(t, p, arg);
		}
}

static void each_drop(struct table *t, struct page *p, unsigned arg) { (void)arg; drop(t, p->nr); }
static void each_protect(struct table *t, struct page *p, unsigned prot) { (void)t; p->prot = prot; }
static void each_discard(struct table *t, struct page *p, unsigned arg)
{
	(void)t;
	(void)arg;
	free(p->data);
	p->data = NULL;
}

static uint8_t *data_of(struct page *p)
{
	if (!p->data && !(p->data = calloc(1, PLAT_PAGE_SIZE)))
		abort();
	return p->data;
}

static uint8_t *object_page(uint32_t id, uint64_t nr, bool make)
{
	struct page *p = find(&objects[id]->pages, nr);

	if (!p && make)
		p = add(&objects[id]->pages, nr);
	return p ? data_of(p) : NULL;
}

static const uint8_t zero_page[PLAT_PAGE_SIZE];

/* The bytes behind a user page, NULL on a fault. */
static uint8_t *resolve(struct table *t, uint64_t addr, bool write, bool force)
{
	struct page *p = find(t, addr >> PLAT_PAGE_SHIFT);

	if (!p || (!force && !(p->prot & (write ? PLAT_PROT_WRITE : PLAT_PROT_READ | PLAT_PROT_EXEC))))
		return NULL;
	if (!p->obj || p->data)
		return data_of(p);
	if (p->obj_page * PLAT_PAGE_SIZE >= objects[p->obj]->size)
		return NULL;
	if (p->shared)
		return object_page(p->obj, p->obj_page, true);
	if (write) {
		const uint8_t *from = object_page(p->obj, p->obj_page, false);

		return memcpy(data_of(p), from ? from : zero_page, PLAT_PAGE_SIZE);
	}
	return object_page(p->obj, p->obj_page, true);
}

/* -- kernel memory -- */
void plat_kmem_range(void **ret_base, size_t *ret_size)
{
	static bool mapped;

	if (!mapped && mmap(KMEM_BASE, KMEM_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) != KMEM_BASE)
		testhost_end(98, "kernel memory cannot be mapped");
	mapped = true;
	*ret_base = KMEM_BASE;
	*ret_size = KMEM_SIZE;
}

void plat_kmem_release(void *start, size_t size) { madvise(start, size, MADV_DONTNEED); }
void plat_kmem_fill(void *start, size_t size) { (void)start; (void)size; }

/* -- objects -- */
#define LOCKED(...) pthread_mutex_lock(&mem_lock); __VA_ARGS__; pthread_mutex_unlock(&mem_lock)

int plat_obj_new(uint64_t size, plat_obj_t *ret)
{
	int err = -ENFILE;

	if (testhost_fails())
		return -ENOMEM;
	pthread_mutex_lock(&mem_lock);
	for (uint32_t i = 1; i < MAX_IDS && err; i++)
		if (!objects[i]) {
			objects[i] = calloc(1, sizeof *objects[i]);
			objects[i]->size = size;
			objects[i]->refs = 1;
			objects[i]->change = ++changes;
			ret->id = i;
			err = 0;
		}
	pthread_mutex_unlock(&mem_lock);
	return err;
}

int plat_obj_from_host(uint64_t hc_file, plat_obj_t *ret) { (void)hc_file; (void)ret; return -ENODEV; }
void plat_obj_free(plat_obj_t o) { LOCKED(object_put(o.id)); }

int plat_obj_resize(plat_obj_t o, uint64_t size)
{
	struct object *ob = objects[o.id];

	if (testhost_fails())
		return -ENOSPC;
	pthread_mutex_lock(&mem_lock);
	if (size < ob->size) {
		for (unsigned b = 0; b < BUCKETS; b++)
			for (struct page *p = ob->pages.bucket[b], *next; p; p = next) {
				next = p->next;
				if (p->nr * PLAT_PAGE_SIZE >= size)
					drop(&ob->pages, p->nr);
				else if ((p->nr + 1) * PLAT_PAGE_SIZE > size && p->data)
					memset(p->data + size % PLAT_PAGE_SIZE, 0, PLAT_PAGE_SIZE - size % PLAT_PAGE_SIZE);
			}
	}
	ob->size = size;
	ob->change = ++changes;
	pthread_mutex_unlock(&mem_lock);
	return 0;
}

static int obj_io(plat_obj_t o, uint64_t off, void *in, const void *out, size_t n)
{
	struct object *ob = objects[o.id];
	int err = 0;

	if (testhost_fails())
		return -EIO;
	pthread_mutex_lock(&mem_lock);
	if (off > ob->size || n > ob->size - off)
		err = -EINVAL;
	for (size_t done = 0, k; !err && done < n; done += k) {
		uint64_t at = off + done;
		uint8_t *p = object_page(o.id, at >> PLAT_PAGE_SHIFT, out != NULL);

		k = MIN(n - done, PLAT_PAGE_SIZE - at % PLAT_PAGE_SIZE);
		if (out)
			memcpy(p + at % PLAT_PAGE_SIZE, (const uint8_t *)out + done, k);
		else
			memcpy((uint8_t *)in + done, p ? p + at % PLAT_PAGE_SIZE : zero_page, k);
	}
	if (out)
		ob->change = ++changes;
	pthread_mutex_unlock(&mem_lock);
	return err;
}

int plat_obj_read(plat_obj_t o, uint64_t off, void *buf, size_t n) { return obj_io(o, off, buf, NULL, n); }
int plat_obj_write(plat_obj_t o, uint64_t off, const void *buf, size_t n) { return obj_io(o, off, NULL, buf, n); }

int plat_obj_punch(plat_obj_t o, uint64_t off, uint64_t n)
{
	uint64_t first = align_up(off, PLAT_PAGE_SIZE), last = align_down(off + n, PLAT_PAGE_SIZE);
	struct table *t = &objects[o.id]->pages;
	struct page *p;

	pthread_mutex_lock(&mem_lock);
	objects[o.id]->change = ++changes;
	if (first < last)
		each(t, first, last - first, each_drop, 0);
	p = off % PLAT_PAGE_SIZE ? find(t, off >> PLAT_PAGE_SHIFT) : NULL;
	if (p)
		memset(data_of(p) + off % PLAT_PAGE_SIZE, 0, MIN(n, PLAT_PAGE_SIZE - off % PLAT_PAGE_SIZE));
	p = (off + n) % PLAT_PAGE_SIZE && last >= first ? find(t, (off + n) >> PLAT_PAGE_SHIFT) : NULL;
	if (p)
		memset(data_of(p), 0, (off + n) % PLAT_PAGE_SIZE);
	pthread_mutex_unlock(&mem_lock);
	return 0;
}

/* Times stand still here: contents are told apart by the change alone. */
int plat_obj_stamp(plat_obj_t o, struct plat_obj_stamp *ret)
{
	if (testhost_fails())
		return -EIO;
	pthread_mutex_lock(&mem_lock);
	*ret = (struct plat_obj_stamp){ .ino = objects[o.id]->change, .size = objects[o.id]->size };
	pthread_mutex_unlock(&mem_lock);
	return 0;
}

uint64_t plat_obj_resident(plat_obj_t o) { return objects[o.id]->pages.count * PLAT_PAGE_SIZE; }

int plat_obj_seek(plat_obj_t o, uint64_t off, bool data, uint64_t *ret)
{
	struct object *ob = objects[o.id];
	uint64_t best = UINT64_MAX;

	pthread_mutex_lock(&mem_lock);
	if (off < ob->size && !data) {
		for (best = off; best < ob->size && find(&ob->pages, best >> PLAT_PAGE_SHIFT);)
			best = (best | (PLAT_PAGE_SIZE - 1)) + 1;
		best = MIN(best, ob->size);
	} else if (off < ob->size) {
		for (unsigned b = 0; b < BUCKETS; b++)
			for (struct page *p = ob->pages.bucket[b]; p; p = p->next)
				if (p->nr >= off >> PLAT_PAGE_SHIFT)
					best = MIN(best, MAX(off, p->nr * PLAT_PAGE_SIZE));
		if (best >= ob->size)
			best = UINT64_MAX;
	}
	pthread_mutex_unlock(&mem_lock);
	if (best == UINT64_MAX)
		return -ENXIO;
	*ret = best;
	return 0;
}

/* -- address spaces -- */
void plat_as_limits(uint64_t *ret_lo, uint64_t *ret_hi) { *ret_lo = LO; *ret_hi = HI; }

int plat_as_new(plat_as_t *ret)
{
	int err = -ENOMEM;

	if (testhost_fails())
		return -ENOMEM;
	pthread_mutex_lock(&mem_lock);
	for (uint32_t i = 1; i < MAX_IDS && err; i++)
		if (!spaces[i]) {
			spaces[i] = calloc(1, sizeof *spaces[i]);
			ret->id = i;
			err = 0;
		}
	pthread_mutex_unlock(&mem_lock);
	return err;
}

void plat_as_free(plat_as_t as)
{
	LOCKED(clear(spaces[as.id]); free(spaces[as.id]); spaces[as.id] = NULL);
}

int plat_as_fork(plat_as_t parent, plat_as_t *ret_child)
{
	int err = plat_as_new(ret_child);

	if (err)
		return err;
	pthread_mutex_lock(&mem_lock);
	for (unsigned b = 0; b < BUCKETS; b++)
		for (struct page *p = spaces[parent.id]->bucket[b]; p; p = p->next) {
			struct page *c = add(spaces[ret_child->id], p->nr);

			c->prot = p->prot;
			c->shared = p->shared;
			c->obj = p->obj;
			c->obj_page = p->obj_page;
			if (c->obj)
				objects[c->obj]->refs++;
			if (p->data)
				memcpy(data_of(c), p->data, PLAT_PAGE_SIZE);
		}
	pthread_mutex_unlock(&mem_lock);
	return 0;
}

/* In a batch the error comes at its end. */
static int refuse(plat_as_t as)
{
	struct table *t = spaces[as.id];

	if (!t->batched)
		return -ENOMEM;
	t->batch_err = -ENOMEM;
	return 0;
}

/* Nothing waits here. */
int plat_as_settle(__unused_arg plat_as_t as) { return 0; }

int plat_as_batch_begin(plat_as_t as)
{
	struct table *t = spaces[as.id];

	if (testhost_fails())
		return -ENOMEM;
	t->batched = true;
	t->batch_err = 0;
	return 0;
}

int plat_as_batch_end(plat_as_t as)
{
	struct table *t = spaces[as.id];

	t->batched = false;
	return t->batch_err;
}

static int map(plat_as_t as, uint64_t addr, uint64_t size, unsigned prot, bool shared, uint32_t obj, uint64_t off)
{
	if (testhost_fails() || size > MAX_MAP)
		return refuse(as);
	if ((addr | size | off) % PLAT_PAGE_SIZE || addr < LO || size > HI - addr)
		testhost_end(98, "the kernel maps outside the user range");
	pthread_mutex_lock(&mem_lock);
	for (uint64_t a = addr; a < addr + size; a += PLAT_PAGE_SIZE) {
		struct page *p;

		drop(spaces[as.id], a >> PLAT_PAGE_SHIFT);
		p = add(spaces[as.id], a >> PLAT_PAGE_SHIFT);
		p->prot = prot;
		p->shared = shared;
		p->obj = obj;
		p->obj_page = (off + (a - addr)) >> PLAT_PAGE_SHIFT;
		if (obj)
			objects[obj]->refs++;
	}
	pthread_mutex_unlock(&mem_lock);
	return 0;
}

int plat_as_map_anon(plat_as_t as, uint64_t addr, uint64_t size, unsigned prot, unsigned flags)
{
	(void)flags;
	return map(as, addr, size, prot, false, 0, 0);
}

int plat_as_map_obj(plat_as_t as, uint64_t addr, uint64_t size, unsigned prot, unsigned flags, plat_obj_t obj, uint64_t off)
{
	return map(as, addr, size, prot, flags & PLAT_MAP_SHARED, obj.id, off);
}

int plat_as_unmap(plat_as_t as, uint64_t addr, uint64_t size)
{
	LOCKED(each(spaces[as.id], addr, size, each_drop, 0));
	return 0;
}

int plat_as_protect(plat_as_t as, uint64_t addr, uint64_t size, unsigned prot)
{
	if (testhost_fails())
		return refuse(as);
	LOCKED(each(spaces[as.id], addr, size, each_protect, prot));
	return 0;
}

int plat_as_move(plat_as_t as, uint64_t src, uint64_t old_size, uint64_t dst, uint64_t new_size)
{
	struct table *t = spaces[as.id];
	struct page last = { .prot = PLAT_PROT_READ | PLAT_PROT_WRITE };

	if (testhost_fails() || MAX(old_size, new_size) > MAX_MAP)
		return -ENOMEM;
	pthread_mutex_lock(&mem_lock);
	for (uint64_t a = 0; a < MAX(old_size, new_size); a += PLAT_PAGE_SIZE) {
		struct page *p = a < old_size ? find(t, (src + a) >> PLAT_PAGE_SHIFT) : NULL, *q;

		if (p) {
			last.prot = p->prot;
			last.shared = p->shared;
			last.obj = p->obj;
			last.obj_page = p->obj_page;
		} else {
			last.obj_page++;
		}
		if (a >= new_size || (p && dst != src)) {
			struct page copy = { 0 };

			if (p) {
				copy.data = p->data;
				p->data = NULL;
				if (p->obj)
					objects[p->obj]->refs++;
				drop(t, p->nr);
			}
			if (a >= new_size) {
				free(copy.data);
				if (p)
					object_put(last.obj);
				continue;
			}
			drop(t, (dst + a) >> PLAT_PAGE_SHIFT);
			q = add(t, (dst + a) >> PLAT_PAGE_SHIFT);
			q->data = copy.data;
		} else if (p) {
			continue;
		} else {
			drop(t, (dst + a) >> PLAT_PAGE_SHIFT);
			q = add(t, (dst + a) >> PLAT_PAGE_SHIFT);
			if (last.obj)
				objects[last.obj]->refs++;
		}
		q->prot = last.prot;
		q->shared = last.shared;
		q->obj = last.obj;
		q->obj_page = last.obj_page;
	}
	pthread_mutex_unlock(&mem_lock);
	return 0;
}

int plat_as_advise(plat_as_t as, uint64_t addr, uint64_t size, int advice)
{
	if (advice == MADV_DONTNEED) {
		LOCKED(each(spaces[as.id], addr, size, each_discard, 0));
	}
	return 0;
}

int plat_as_resident(plat_as_t as, uint64_t addr, uint64_t size, uint8_t *vec)
{
	LOCKED(for (uint64_t a = addr; a < addr + size; a += PLAT_PAGE_SIZE) {
		struct page *p = find(spaces[as.id], a >> PLAT_PAGE_SHIFT);
		*vec++ = p && (p->data || p->obj);
	});
	return 0;
}

uint64_t plat_as_rss(plat_as_t as)
{
	uint64_t n = 0;

	LOCKED(for (unsigned b = 0; b < BUCKETS; b++)
		for (struct page *p = spaces[as.id]->bucket[b]; p; p = p->next)
			n += p->data ? PLAT_PAGE_SIZE : 0);
	return n;
}

static size_t copy(plat_as_t as, uint64_t addr, void *in, const void *out, size_t n, bool force)
{
	size_t done = 0;

	pthread_mutex_lock(&mem_lock);
	while (done < n) {
		uint64_t a = addr + done;
		uint8_t *p = resolve(spaces[as.id], a, out != NULL, force);
		size_t k = MIN(n - done, PLAT_PAGE_SIZE - a % PLAT_PAGE_SIZE);

		if (!p)
			break;
		if (out)
			memcpy(p + a % PLAT_PAGE_SIZE, (const uint8_t *)out + done, k);
		else
			memcpy((uint8_t *)in + done, p + a % PLAT_PAGE_SIZE, k);
		done += k;
	}
	pthread_mutex_unlock(&mem_lock);
	return n - done;
}

size_t plat_copied_ahead(__unused_arg plat_as_t as, __unused_arg uint64_t src) { return 0; }
size_t plat_copy_in(plat_as_t as, void *dst, uint64_t src, size_t n) { return copy(as, src, dst, NULL, n, false); }
size_t plat_copy_out(plat_as_t as, uint64_t dst, const void *src, size_t n) { return copy(as, dst, NULL, src, n, false); }
/* Sometimes not at all. */
bool plat_copy_in_parts(plat_as_t as, void *dst, const struct plat_part *part, unsigned count)
{
	uint8_t *to = dst;

	if (testhost_fails())
		return false;
	for (unsigned i = 0; i < count; to += part[i++].size)
		if (plat_copy_in(as, to, part[i].addr, part[i].size))
			return false;
	return true;
}

/* Page by page through a buffer; sometimes not at all. */
int plat_read_file(plat_as_t as, uint64_t dst, size_t n, uint64_t hc_file, uint64_t off, size_t *ret_n)
{
	static __thread uint8_t page[PLAT_PAGE_SIZE];
	size_t done = 0, got = 0;

	if (testhost_fails())
		return -EAGAIN;
	while (done < n) {
		size_t part = MIN(n - done, sizeof page), left;
		int err = hc_file_read(hc_file, off + done, page, part, &got);

		if (err)
			return err;
		left = plat_copy_out(as, dst + done, page, got);
		done += got - left;
		if (left || got < part)
			break;
	}
	*ret_n = done;
	return 0;
}

static uint32_t views;                  /* rests until they are given up */

int plat_view_read(plat_as_t as, uint64_t dst, size_t n, uint64_t hc_file, uint64_t off, size_t *ret_n)
{
	__atomic_store_n(&views, 2, __ATOMIC_RELAXED);
	return plat_read_file(as, dst, n, hc_file, off, ret_n);
}

bool plat_views_rest(void)
{
	uint32_t n = __atomic_load_n(&views, __ATOMIC_RELAXED);

	if (n)
		__atomic_store_n(&views, n - 1, __ATOMIC_RELAXED);
	return n > 1;
}

size_t plat_copy_out_force(plat_as_t as, uint64_t dst, const void *src, size_t n) { return copy(as, dst, NULL, src, n, true); }

int plat_user_cmpxchg32(plat_as_t as, uint64_t addr, uint32_t old, uint32_t val, uint32_t *ret_prev)
{
	uint8_t *p;

	pthread_mutex_lock(&mem_lock);
	p = resolve(spaces[as.id], addr, true, false);
	if (p) {
		memcpy(ret_prev, p + addr % PLAT_PAGE_SIZE, 4);
		if (*ret_prev == old)
			memcpy(p + addr % PLAT_PAGE_SIZE, &val, 4);
	}
	pthread_mutex_unlock(&mem_lock);
	return p ? 0 : -EFAULT;
}

int plat_user_load32(plat_as_t as, uint64_t addr, uint32_t *ret)
{
	return plat_copy_in(as, ret, addr, 4) ? -EFAULT : 0;
}
