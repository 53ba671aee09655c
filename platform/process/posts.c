/* SPDX-License-Identifier: Apache-2.0 */
/* posts.c: calls that programs post, the kernel's side (stub/post.c).
 *
 * Offers lie in the mailbox of the CPU on which their context runs, and are good
 * while it stays loaded there.  A context that has moved on has none; the
 * kernel makes them anew as it sees further calls.
 *
 * Trust: what comes back is the program's word, copied once; the kernel does it
 * as that program's call. */
#include <linux_abi/epoll.h>
#include <string.h>

#include "platform/process/internal.h"

static uint32_t *slots(struct stub_box *box)
{
	return (uint32_t *)((uint8_t *)box + BOX_POSTABLE);
}

/* This CPU's thread of u's address space, if u is loaded there. */
static struct app_thread *loaded_here(plat_as_t as, const struct plat_uctx *u, struct stub_box **ret)
{
	unsigned cpu = plat_cpu_self();
	struct stub *s = stub_find(as.id);

	if (!s || !s->thread[cpu].live || !is_owner(&s->thread[cpu], u))
		return NULL;
	*ret = stub_box_of(s, cpu);
	return &s->thread[cpu];
}

bool plat_post_offer(plat_as_t as, struct plat_uctx *u, int epfd, int fd, bool there)
{
	struct stub_box *box;
	struct app_thread *th = loaded_here(as, u, &box);
	uint32_t word = POSTABLE | (uint32_t)epfd << POSTABLE_EPFD_SHIFT | (uint32_t)fd / POSTABLE_SLOTS;

	if (!th || epfd < 0 || epfd >= POSTABLE_EPFD_MAX || fd < 0 || fd >= POSTABLE_FD_MAX)
		return false;
	th->postable = true;
	__atomic_store_n(&slots(box)[fd % POSTABLE_SLOTS], word | (there ? POSTABLE_THERE : 0), __ATOMIC_RELAXED);
	return true;
}

void plat_post_withdraw(plat_as_t as, struct plat_uctx *u, int fd)
{
	struct stub_box *box;
	struct app_thread *th = loaded_here(as, u, &box);

	if (!th)
		__atomic_store_n(&u->posts_withdrawn, true, __ATOMIC_RELAXED);
	else if (th->postable)
		__atomic_store_n(&slots(box)[fd % POSTABLE_SLOTS], 0, __ATOMIC_RELAXED);
}

void plat_mask_withdraw(plat_as_t as, unsigned cpu)
{
	struct stub *s = stub_find(as.id);

	if (s && __atomic_load_n(&s->thread[cpu].live, __ATOMIC_RELAXED))
		__atomic_store_n(&stub_box_of(s, cpu)->sigmask.may, 0, __ATOMIC_SEQ_CST);
}

void posts_clear(struct app_thread *th, struct stub_box *box)
{
	th->postable = false;
	memset(slots(box), 0, BOX_POSTABLE_SIZE);
}

#define TOLD (sizeof(uint64_t) * 3)     /* of struct plat_fds, with an order; the flags rarely change */
STATIC_ASSERT(sizeof(struct plat_fds) == sizeof(struct stub_fds) && TOLD <= COPY_INLINE);
STATIC_ASSERT(offsetof(struct plat_fds, flags) == TOLD && FDS_FREE == PLAT_FDS_FREE);
STATIC_ASSERT(POST_MASK == PLAT_POST_MASK && POST_ROBUST == PLAT_POST_ROBUST);
STATIC_ASSERT(MAY_MASK == PLAT_MAY_MASK && MAY_ROBUST == PLAT_MAY_ROBUST);
STATIC_ASSERT(POST_CLOSE == PLAT_POST_CLOSE && POST_SETFD == PLAT_POST_SETFD && POST_DUP == PLAT_POST_DUP);

/* The thread is told which calls about descriptors it may post: in the line, if
 * there is room. */
void fds_tell(const struct stub *s, unsigned cpu, struct stub_box *box, const struct plat_uctx *u)
{
	const struct plat_fds none = { 0 }, *fds = u->answers.valid ? &u->fds : &none;
	struct app_thread *th = &s->thread[cpu];

	if (!fds_differ(&th->fds, fds))
		return;
	if (th->fds.flags != fds->flags)
		__atomic_store_n(&box->fds.flags, fds->flags, __ATOMIC_RELAXED);
	th->fds = *fds;
	if (!th->rider_count && (th->order & ORDER_FAST)) {
		box->line.copy.to = stub_box_va(s, cpu) + offsetof(struct stub_box, fds);
		memcpy(box->line.copy.data, fds, TOLD);
		th->order |= (uint16_t)(TOLD << ORDER_COPY_SHIFT);
	} else {
		memcpy(&box->fds, fds, TOLD);
	}
}

/* What posting this has made of what the thread may post; false: it might not. */
static bool fds_post(struct plat_fds *f, const struct plat_post *p)
{
	const uint32_t fd = (uint32_t)p->fd, to = (uint32_t)p->epfd;
	const uint64_t bit = fd < CLOSABLE_MAX ? 1ull << fd : 0, new = to < CLOSABLE_MAX - 1 ? 1ull << to : 0;

	if (!(f->closable & bit))
		return false;
	switch (p->op) {
	case PLAT_POST_CLOSE:
		f->closable &= ~bit;
		f->flagged &= ~bit;
		f->free |= bit & ~FDS_FREE;
		return true;
	case PLAT_POST_DUP:
		if (!(f->free & FDS_FREE) || !(f->free & new))
			return false;
		f->free &= ~new;
		f->closable |= new;
		f->flagged |= f->flagged & bit ? new : 0;
		return true;
	default:
		return p->op == PLAT_POST_SETFD;
	}
}

/* Might that have been posted? */
static bool offered(struct app_thread *th, struct plat_uctx *u, const struct plat_post *p)
{
	switch (p->op) {
	case PLAT_POST_CLOSE: case PLAT_POST_SETFD: case PLAT_POST_DUP:
		return fds_post(&u->fds, p) && (fds_post(&th->fds, p) || true);
	case PLAT_POST_MASK:
		th->sigmask.blocked = p->data;
		return th->sigmask.may & PLAT_MAY_MASK;
	case PLAT_POST_ROBUST:
		return th->sigmask.may & PLAT_MAY_ROBUST;
	default:
		return true;            /* epoll_change() looks */
	}
}

void posts_take(struct app_thread *th, struct plat_uctx *u, const struct stub_box *box, unsigned n)
{
	const struct stub_post *list = (const void *)((const uint8_t *)box + BOX_POSTS);
	unsigned count = 0;

	for (unsigned i = 0; i < n && i < POSTS_MAX; i++) {
		const struct stub_post *p = &list[i];
		struct plat_post *to = &u->post[count];

		*to = (struct plat_post){
			.epfd = __atomic_load_n(&p->epfd, __ATOMIC_RELAXED), .op = __atomic_load_n(&p->op, __ATOMIC_RELAXED),
			.fd = (int32_t)__atomic_load_n(&p->fd, __ATOMIC_RELAXED),
			.events = __atomic_load_n(&p->events, __ATOMIC_RELAXED),
			.data = __atomic_load_n(&p->data[0], __ATOMIC_RELAXED) |
				(uint64_t)__atomic_load_n(&p->data[1], __ATOMIC_RELAXED) << 32,
		};
		count += offered(th, u, to);
	}
	u->post_count = count;
}
