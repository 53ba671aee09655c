/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of one direction of a connection.
 *
 * One writer and one reader at a time.  Small writes share a chunk; the last
 * chunk of a queue that ran empty stays when it is small, so that a
 * conversation of short messages allocates nothing.  Each piece of a copy from
 * or to a program is a call of the platform's, so large writes get large
 * chunks, whose bytes are a power of two: as many as programs write. */
#include "kernel/net/inet/tcp.h"

#define CHUNK_SMALL (4096u - sizeof(struct tcp_chunk))  /* these lie behind their head */
#define CHUNK_MIDDLE (16384u - sizeof(struct tcp_chunk))
#define CHUNK_LARGE 32768u              /* larger heap blocks go back to the host when freed */
#define KEEP_MAX CHUNK_SMALL
#define LENT_MAX (1u << 20)

static uint64_t total;                  /* what all chunks keep in use; atomic */

uint64_t tcp_queue_total(void) { return __atomic_load_n(&total, __ATOMIC_RELAXED); }

struct tcp_chunk *tcp_chunk_new(size_t want)
{
	uint32_t cap = want > CHUNK_MIDDLE ? CHUNK_LARGE : want > CHUNK_SMALL ? CHUNK_MIDDLE : CHUNK_SMALL;
	struct tcp_chunk *c = kmalloc(cap == CHUNK_LARGE ? sizeof *c : sizeof *c + cap);
	uint8_t *data;

	if (!c)
		return NULL;
	data = cap == CHUNK_LARGE ? kmalloc(cap) : (uint8_t *)(c + 1);
	if (!data) {
		kfree(c);
		return NULL;
	}
	*c = (struct tcp_chunk){ .cap = cap, .data = data };
	__atomic_fetch_add(&total, cap, __ATOMIC_RELAXED);
	return c;
}

/* What it counts for.  Of lent memory the whole block stays, whatever becomes
 * of the file. */
static uint64_t keeps(const struct tcp_chunk *c)
{
	return c->lent ? align_up(c->cap, ITER_LEND_BLOCK) : c->cap;
}

struct tcp_chunk *tcp_chunk_lent(struct iter *it, size_t n)
{
	struct tcp_chunk *c = kmalloc(sizeof *c);

	if (!c)
		return NULL;
	*c = (struct tcp_chunk){ 0 };
	c->cap = (uint32_t)iter_lend(it, MIN(n, (size_t)LENT_MAX), &c->lent, &c->data);
	if (!c->cap) {
		kfree(c);
		return NULL;
	}
	__atomic_fetch_add(&total, keeps(c), __ATOMIC_RELAXED);
	return c;
}

void tcp_chunk_free(struct tcp_chunk *c)
{
	__atomic_fetch_sub(&total, keeps(c), __ATOMIC_RELAXED);
	if (c->lent)
		lent_put(c->lent);
	else if (c->cap == CHUNK_LARGE)
		kfree(c->data);
	kfree(c);
}

void tcp_chunks_free(struct tcp_chunk *c)
{
	while (c) {
		struct tcp_chunk *next = c->next;

		tcp_chunk_free(c);
		c = next;
	}
}

/* tcp_poll() looks with no lock. */
static void set_bytes(struct tcp_queue *q, uint64_t n) { __atomic_store_n(&q->bytes, n, __ATOMIC_RELAXED); }

struct tcp_chunk *tcp_queue_purge(struct tcp_queue *q)
{
	struct tcp_chunk *c = q->head, **at = &c;

	if (!q->writing) {
		q->head = q->tail = NULL;
	} else {
		while (*at != q->tail)
			at = &(*at)->next;
		*at = NULL;
		q->head = q->tail;
		q->head->r = q->head->w;
	}
	set_bytes(q, 0);
	q->held = 0;
	return c;
}

struct tcp_chunk *tcp_queue_whole(const struct tcp_queue *q)
{
	struct tcp_chunk *c = q->head;

	return c && c == q->tail && !q->held && !c->lent && c->cap <= KEEP_MAX ? c : NULL;
}

struct tcp_chunk *tcp_queue_tail(struct tcp_queue *q, size_t n)
{
	struct tcp_chunk *c = q->tail;

	if (!c || c->lent)
		return NULL;
	/* Read empty: nobody looks into it before w moves. */
	if (c->r == c->w)
		c->r = c->w = 0;
	/* The rest of a chunk is not worth a copy of its own. */
	if (c->w == c->cap || (n > CHUNK_SMALL && c->cap - c->w <= CHUNK_SMALL))
		return NULL;
	q->writing = true;
	return c;
}

void tcp_queue_append(struct tcp_queue *q, struct tcp_chunk *c)
{
	if (q->tail)
		q->tail->next = c;
	else
		q->head = c;
	q->tail = c;
	q->writing = true;
}

void tcp_queue_wrote(struct tcp_queue *q, size_t n)
{
	q->tail->w += (uint32_t)n;
	set_bytes(q, q->bytes + n);
	q->writing = false;
}

void tcp_queue_read(struct tcp_queue *q, size_t n, struct tcp_chunk **ret_free)
{
	struct tcp_chunk *c;

	/* What was kept empty is not where the next byte is. */
	while (n && q->head->r == q->head->w && q->head->next)
		tcp_queue_read(q, 0, ret_free);
	c = q->head;
	KASSERT(n <= c->w - c->r);
	c->r += (uint32_t)n;
	set_bytes(q, q->bytes - n);
	if (c->r < c->w)
		return;
	if (c->next) {
		q->head = c->next;
	} else if (!q->writing && c->cap > KEEP_MAX) {
		q->head = q->tail = NULL;
	} else {
		return;
	}
	c->next = *ret_free;
	*ret_free = c;
}
