/* SPDX-License-Identifier: Apache-2.0 */
/* ahead.c: copies made ahead that a first one leads to (ahead.h).
 *
 * A vector's parts are copied when all of them fit; else the kernel gets them
 * by one call of the host, which some of them would not spare.
 *
 * Trust: the mailbox may change while it is read, so the addresses may be
 * anything: stub_copy() reads what this process can read, and the copies lie
 * where the local variables say. */
#include <linux_abi/socket.h>

#include "platform/process/stub_layout.h"
#include "platform/process/stub/ahead.h"

#define PARTS_MAX 8u

struct part { uint64_t base, size; };

uint64_t stub_copy(uint64_t dst, uint64_t src, uint64_t n);
void stub_ahead_then(struct stub_ahead *a, uint32_t then, uint32_t n);

/* Where copies go: the last one, its size, how much room there is behind it. */
struct place { struct stub_ahead *last; uint32_t size, room; };

static uint32_t whole(uint32_t size) { return (uint32_t)(offsetof(struct stub_ahead, data) + align_up(size, 8)); }

/* There is room for it. */
static void add(struct place *p, uint64_t addr, uint32_t n)
{
	struct stub_ahead *a = (void *)((uint8_t *)p->last + whole(p->size));

	n -= (uint32_t)stub_copy((uint64_t)a->data, addr, n);
	a->addr = addr;
	a->size = n;
	a->more = 0;
	p->last->more = 1;
	*p = (struct place){ a, n, p->room - whole(n) };
}

static void add_parts(struct place *p)
{
	const struct part *v = (const void *)p->last->data;
	struct part part[PARTS_MAX];
	uint32_t count = p->size / sizeof(*v), sum = 0;

	if (count > PARTS_MAX)
		return;
	for (uint32_t i = 0; i < count; i++) {
		part[i] = v[i];
		if (part[i].size > BOX_AHEAD_MAX)
			return;
		sum += whole((uint32_t)part[i].size);
	}
	if (sum > p->room)
		return;
	for (uint32_t i = 0; i < count; i++)
		if (part[i].size)
			add(p, part[i].base, (uint32_t)part[i].size);
}

/* n bytes of a were copied. */
void stub_ahead_then(struct stub_ahead *a, uint32_t then, uint32_t n)
{
	const struct linux_msghdr *h = (const void *)a->data;
	struct place p = { a, n, BOX_AHEAD_SIZE - whole(n) };

	if (then != THEN_BYTES) {
		uint64_t count = h->iovlen;

		if (n < sizeof(*h) || count == 0 || count > PARTS_MAX)
			return;
		add(&p, h->iov, (uint32_t)(count * sizeof(struct part)));
	}
	if (then != THEN_VECTOR)
		add_parts(&p);
}
