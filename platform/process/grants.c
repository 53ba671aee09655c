/* SPDX-License-Identifier: Apache-2.0 */
/* grants.c: reads that the gate answers, the kernel's side (stub/grant.c).
 *
 * A grant lies in the mailbox of the CPU on which its context is about to run.
 * One bit of a word there decides whether the program has used it or the kernel,
 * on any CPU, has ended it: whoever takes it away.
 *
 * Trust: the word is the program's to change; what it can say is that it has, or has not,
 * read what it may read. */
#include "platform/process/internal.h"
#include "platform/process/sigframe.h"

static struct stub_grants *grants_of(struct stub_box *box)
{
	return (struct stub_grants *)((uint8_t *)box + BOX_GRANTS);
}

STATIC_ASSERT(GRANTS_MAX == PLAT_GRANTS_MAX && PLAT_GRANT_MAX < 1u << (32 - GRANT_SIZE_SHIFT));

uint8_t *plat_grant_place(plat_as_t as, struct plat_uctx *u, size_t n)
{
	unsigned cpu = plat_cpu_self();
	struct stub *s = stub_find(as.id);
	struct stub_box *box;

	if (!frame_shape.grants_fit || !s || !s->thread[cpu].live || !is_owner(&s->thread[cpu], u) ||
	    u->grant_count >= GRANTS_MAX || n > PLAT_GRANT_MAX || n > BOX_GRANT_DATA_SIZE - u->grant_bytes)
		return NULL;
	s->ctl->grants_used = true;
	box = stub_box_of(s, cpu);
	u->grant_ready = &grants_of(box)->ready;
	return grant_is_small(u->grant_count, n) ? grants_of(box)->small : (uint8_t *)box + BOX_GRANT_DATA + u->grant_bytes;
}

void plat_grants_expect(plat_as_t as, struct plat_uctx *u, unsigned nr)
{
	unsigned cpu = plat_cpu_self();
	struct stub *s = stub_find(as.id);
	uint8_t *box;

	if (!frame_shape.grants_fit || !s || !s->thread[cpu].live)
		return;
	box = (uint8_t *)stub_box_of(s, cpu);
	if (nr == 0)
		prefetch_write(box + BOX_GRANTS);
	prefetch_write(box + BOX_GRANT_DATA + nr * 64);
}

bool plat_grant_add(struct plat_uctx *u, int fd, size_t n)
{
	struct stub_grants *g = container_of(u->grant_ready, struct stub_grants, ready);
	unsigned nr = u->grant_count;

	if (fd < 0 || fd >= 1 << GRANT_SIZE_SHIFT)
		return false;
	__atomic_store_n(&g->word[nr], (uint32_t)fd | (uint32_t)n << GRANT_SIZE_SHIFT, __ATOMIC_RELAXED);
	if (nr == 0)    /* the thread is parked: what a program has left here goes */
		__atomic_store_n(&g->ready, 1, __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_or(&g->ready, 1u << nr, __ATOMIC_SEQ_CST);
	u->grant_count = nr + 1;
	if (!grant_is_small(nr, n))
		u->grant_bytes += (uint32_t)align_up(n, 64);
	return true;
}

bool plat_grant_end(struct plat_uctx *u, unsigned nr)
{
	return __atomic_fetch_and(u->grant_ready, ~(1u << nr), __ATOMIC_SEQ_CST) >> nr & 1;
}

void plat_grants_over(struct plat_uctx *u)
{
	if (u->grant_count)
		__atomic_store_n(u->grant_ready, 0, __ATOMIC_RELAXED);
	u->grant_count = u->grant_bytes = 0;
}
