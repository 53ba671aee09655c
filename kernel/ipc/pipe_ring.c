/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of slots in a pipe.
 *
 * A pipe is a ring of slots of up to a page, as in Linux, where what a write
 * leaves over whole pages goes into the rest of the last slot if it fits: that
 * decides when a pipe is full, and what is lost or kept when a copy meets bad
 * memory, since a slot goes in or out whole then.  Slots lie in chunks that
 * exist only while they hold data: a page each (one spare is kept), or
 * BIG_CHUNK for who writes much at once, since every piece of a copy is a call
 * of the platform's.  An empty pipe may change between the two.  head and tail
 * count slots for ever, under the mutex; what follows from them is published
 * for poll and for sleepers' conditions.  Writes of up to PIPE_BUF bytes need
 * one slot at most, and so go in whole.
 *
 * A writer with O_DIRECT marks its slots as packets: nothing is added to one,
 * and a read takes one at most, with what it has no room for. */
#include "kernel/ipc/pipe.h"
#include "kernel/task/task.h"

#define BIG_CHUNK 32768u                /* the heap keeps freed blocks of this size */
#define BIG_WRITE 16384u

static uint32_t slots(const struct pipe *p) { return p->size / PIPE_PAGE; }
static uint32_t per_chunk(const struct pipe *p) { return p->chunk / PIPE_PAGE; }
static uint32_t at(const struct pipe *p, uint64_t slot) { return slot & (slots(p) - 1); }

/* After a change of head or tail: they also move together, when the pipe is
 * empty, which nobody without the lock may see in between. */
static void publish(struct pipe *p, uint64_t filled)
{
	pipe_store(p->filled, filled);
	pipe_store(p->held, p->head - p->tail);
}

struct pipe *pipe_new(void)
{
	struct pipe *p = kzalloc(sizeof *p);

	if (!p)
		return NULL;
	p->size = capable(CAP_SYS_RESOURCE) ? PIPE_DEFAULT : MIN(PIPE_DEFAULT, pipe_size_max(0));
	p->chunk = PIPE_PAGE;
	p->chunks = kzalloc(slots(p) * sizeof *p->chunks);
	p->fill = kzalloc(slots(p) * sizeof *p->fill);
	if (!p->chunks || !p->fill) {
		kfree(p->chunks);
		kfree(p->fill);
		kfree(p);
		return NULL;
	}
	mutex_init(&p->lock);
	waitq_init(&p->rd);
	waitq_init(&p->wr);
	return p;
}

static void chunks_free(uint8_t **chunks, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		kfree(chunks[i]);
	kfree(chunks);
}

void pipe_free(struct pipe *p)
{
	chunks_free(p->chunks, slots(p));
	kfree(p->fill);
	kfree(p->packet);
	kfree(p->spare);
	kfree(p);
}

static uint8_t **chunk_of(struct pipe *p, uint64_t slot)
{
	return &p->chunks[at(p, slot) / per_chunk(p)];
}

static bool is_packet(const struct pipe *p, uint64_t slot) { return p->packet && p->packet[at(p, slot)]; }

static uint8_t *bytes_of(struct pipe *p, uint64_t slot)
{
	return *chunk_of(p, slot) + at(p, slot) % per_chunk(p) * PIPE_PAGE;
}

static uint8_t *chunk_new(struct pipe *p)
{
	uint8_t *c = p->spare;

	if (p->chunk != PIPE_PAGE)
		return kmalloc(p->chunk);
	p->spare = NULL;
	return c ? c : kmalloc(PIPE_PAGE);
}

static void chunk_drop(struct pipe *p, uint8_t **s)
{
	if (p->spare || p->chunk != PIPE_PAGE)
		kfree(*s);
	else
		p->spare = *s;
	*s = NULL;
}

/* ---- bytes in and out; lock held ---- */

/* The slot at tail is empty. */
static void leave_slot(struct pipe *p)
{
	uint8_t **c = chunk_of(p, p->tail);

	p->begun = 0;
	p->tail++;
	if (p->head == p->tail) {               /* the next write starts on a chunk of its own */
		p->head = p->tail = align_up(p->tail, per_chunk(p));
		chunk_drop(p, c);
	} else if (!(p->tail & (per_chunk(p) - 1)) && p->head <= p->tail - per_chunk(p) + slots(p)) {
		chunk_drop(p, c);               /* over, and the other end has not come round to it */
	}
}

/* n bytes of one run have gone; bad memory came next: only whole slots. */
static size_t consume(struct pipe *p, size_t n, bool whole)
{
	size_t done = 0;

	while (done < n) {
		size_t here = p->fill[at(p, p->tail)] - p->begun;

		if (n - done < here) {
			if (whole)
				break;
			p->begun += (uint32_t)(n - done);
			return n;
		}
		done += here;
		leave_slot(p);
	}
	return done;
}

/* The bytes from tail on that lie together. */
static size_t run(const struct pipe *p)
{
	uint64_t slot = p->tail;
	size_t n = p->fill[at(p, slot)] - p->begun;

	if (is_packet(p, slot))
		return n;
	while (p->fill[at(p, slot)] == PIPE_PAGE && ++slot != p->head && (slot & (per_chunk(p) - 1)) &&
	       !is_packet(p, slot))
		n += p->fill[at(p, slot)];
	return n;
}

size_t pipe_take(struct pipe *p, struct iter *to)
{
	size_t done = 0;

	while (p->head != p->tail && to->left) {
		bool packet = is_packet(p, p->tail);
		size_t whole = run(p), n = MIN(whole, to->left), got = iter_copy_out(to, bytes_of(p, p->tail) + p->begun, n);

		if (packet && got == n) {       /* the rest of it is lost */
			leave_slot(p);
			publish(p, p->filled - done - whole);
			return done + n;
		}
		done += consume(p, got, got < n);
		if (got < n)
			break;
	}
	publish(p, p->filled - done);
	return done;
}

void pipe_drop(struct pipe *p, size_t n)
{
	publish(p, p->filled - consume(p, n, false));
}

/* What is over whole pages into the rest of the last slot, if it fits. */
int pipe_top_up(struct pipe *p, struct iter *from, size_t *ret_done)
{
	size_t part = from->left & (PIPE_PAGE - 1);
	uint16_t *fill;

	if (!part || p->head == p->tail || is_packet(p, p->head - 1))
		return 0;
	fill = &p->fill[at(p, p->head - 1)];
	if (*fill + part > PIPE_PAGE)
		return 0;
	if (iter_copy_in(from, bytes_of(p, p->head - 1) + *fill, part) < part)
		return -EFAULT;
	*fill = (uint16_t)(*fill + part);
	publish(p, p->filled + part);
	*ret_done = part;
	return 0;
}

/* As much as there are slots for. */
int pipe_put(struct pipe *p, struct iter *from, bool packets, size_t *ret_done)
{
	size_t done = 0;
	int err = 0;

	*ret_done = 0;
	if (p->head == p->tail) {
		/* No chunk is left: their size may change. */
		p->chunk = from->left >= BIG_WRITE && p->size >= BIG_CHUNK ? BIG_CHUNK : PIPE_PAGE;
		p->head = p->tail = align_up(p->tail, per_chunk(p));
	}
	if (packets && !p->packet) {
		p->packet = kzalloc(slots(p));
		if (!p->packet)
			return -ENOMEM;
	}
	while (from->left && p->head - p->tail < slots(p) && !err) {
		uint64_t space = slots(p) - (p->head - p->tail), here = per_chunk(p) - (p->head & (per_chunk(p) - 1));
		size_t n = MIN(MIN(space, here) * PIPE_PAGE, from->left), got;
		uint8_t **c = chunk_of(p, p->head);
		bool fresh = !*c;

		if (fresh)
			*c = chunk_new(p);
		if (!*c) {
			err = -ENOMEM;
			break;
		}
		got = iter_copy_in(from, bytes_of(p, p->head), n);
		if (got < n) {
			err = -EFAULT;
			got = align_down(got, PIPE_PAGE);
			if (fresh && !got)
				chunk_drop(p, c);
		}
		done += got;
		for (size_t part; got; got -= part) {
			part = MIN(got, PIPE_PAGE);
			if (p->packet)
				p->packet[at(p, p->head)] = packets;
			p->fill[at(p, p->head++)] = (uint16_t)part;
		}
	}
	publish(p, p->filled + done);
	*ret_done = done;
	return err;
}

int pipe_resize(struct pipe *p, uint32_t size)
{
	uint32_t count = size / PIPE_PAGE;
	uint8_t **n, *packet;
	uint16_t *fill;

	/* What is there moves to pages; its slots must fit. */
	if (p->head - p->tail > count)
		return -EBUSY;
	n = kzalloc(count * sizeof *n);
	fill = kzalloc(count * sizeof *fill);
	packet = p->packet ? kzalloc(count) : NULL;
	if (!n || !fill || (p->packet && !packet))
		goto nomem;
	for (uint64_t s = p->tail; s < p->head; s++) {
		uint32_t to = s & (count - 1);

		fill[to] = p->fill[at(p, s)];
		if (packet)
			packet[to] = is_packet(p, s);
		n[to] = kmalloc(PIPE_PAGE);
		if (!n[to])
			goto nomem;
		memcpy(n[to], bytes_of(p, s), fill[to]);
	}
	chunks_free(p->chunks, slots(p));
	kfree(p->fill);
	kfree(p->packet);
	p->chunks = n;
	p->fill = fill;
	p->packet = packet;
	p->chunk = PIPE_PAGE;
	pipe_store(p->size, size);
	return 0;
nomem:
	if (n)
		chunks_free(n, count);
	kfree(fill);
	kfree(packet);
	return -ENOMEM;
}

size_t pipe_look(struct pipe *p, uint8_t *to, size_t n)
{
	size_t done = 0;

	for (uint64_t s = p->tail; s < p->head && done < n; s++) {
		uint32_t off = s == p->tail ? p->begun : 0;
		size_t step = MIN(n - done, (size_t)p->fill[at(p, s)] - off);

		memcpy(to + done, bytes_of(p, s) + off, step);
		done += step;
	}
	return done;
}
