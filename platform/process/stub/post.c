/* SPDX-License-Identifier: Apache-2.0 */
/* post.c: epoll_ctl(2) and close(2) by the gate that need not trap.
 *
 * The kernel has said which calls will succeed (BOX_POSTABLE, closable).  Such a call is
 * left in the mailbox, returns 0, and is done by the kernel at this thread's
 * next trap, whatever that is.  Anything else, and a full mailbox, traps.
 *
 * Trust: table and list are the program's to change: it can lie to itself about
 * a call's success, and post what it could call. */
#include <linux_abi/epoll.h>
#include <linux_abi/syscall_nr.h>
#include "platform/process/sigframe.h"
#include "platform/process/stub_layout.h"

uint64_t stub_copy(uint64_t dst, uint64_t src, uint64_t n);
uint32_t stub_post(struct stub_box *box);
void stub_unpost(struct stub_box *box);
void stub_posted(const struct stub_box *box, struct sigmcontext *m);

static uint32_t *slot_of(struct stub_box *box, uint32_t fd)
{
	return (uint32_t *)((uint8_t *)box + BOX_POSTABLE) + fd % POSTABLE_SLOTS;
}

static struct stub_post *post_of(struct stub_box *box, uint32_t n)
{
	return (struct stub_post *)((uint8_t *)box + BOX_POSTS) + n % POSTS_MAX;
}

static uint32_t post_close(struct stub_box *box)
{
	const uint32_t fd = (uint32_t)box->saved.rdi, n = box->post_count;
	struct stub_post *p = post_of(box, n);

	if (n >= POSTS_MAX || fd >= CLOSABLE_MAX || !(box->closable >> fd & 1))
		return 0;
	p->fd = fd;
	p->op = POST_CLOSE;
	box->closable &= ~(1ull << fd);
	box->post_count = n + 1;
	return 1;
}

static uint32_t post_change(struct stub_box *box)
{
	const uint32_t epfd = (uint32_t)box->saved.rdi, op = (uint32_t)box->saved.rsi, fd = (uint32_t)box->saved.rdx;
	const uint32_t n = box->post_count;
	struct stub_post *p = post_of(box, n);
	uint32_t *slot = slot_of(box, fd);
	bool there;

	if (n >= POSTS_MAX || epfd >= POSTABLE_EPFD_MAX || fd >= POSTABLE_FD_MAX)
		return 0;
	if ((*slot & ~POSTABLE_THERE) != (POSTABLE | epfd << POSTABLE_EPFD_SHIFT | fd / POSTABLE_SLOTS))
		return 0;
	there = *slot & POSTABLE_THERE;
	if (op == EPOLL_CTL_ADD ? there : !there || (op != EPOLL_CTL_MOD && op != EPOLL_CTL_DEL))
		return 0;
	if (op != EPOLL_CTL_DEL && (stub_copy((uint64_t)p, box->saved.r10, sizeof(struct linux_epoll_event)) ||
				    (p->events & (EPOLLEXCLUSIVE | EPOLLWAKEUP))))
		return 0;
	p->fd = fd;
	p->epfd = (uint16_t)epfd;
	p->op = (uint16_t)op;
	if (op != EPOLL_CTL_MOD)
		*slot ^= POSTABLE_THERE;
	box->post_count = n + 1;
	return 1;
}

/* 1: posted.  The registers are in the mailbox. */
uint32_t stub_post(struct stub_box *box)
{
	box->kicked = 0;
	return box->saved.rax == NR_close ? post_close(box) : post_change(box);
}

/* The last one has not been made after all: it traps. */
void stub_unpost(struct stub_box *box)
{
	const struct stub_post *p = post_of(box, --box->post_count);

	if (p->op == POST_CLOSE)
		box->closable |= 1ull << p->fd % CLOSABLE_MAX;
	else if (p->op != EPOLL_CTL_MOD)
		*slot_of(box, p->fd) ^= POSTABLE_THERE;
}

/* The frame of a signal that came while the gate returned from a posted call:
 * as if it had returned. */
void stub_posted(const struct stub_box *box, struct sigmcontext *m)
{
	uint64_t high = box->saved.rip >> GATE_FLAGS_SHIFT;

	m->di = box->saved.rdi;
	m->si = box->saved.rsi;
	m->dx = box->saved.rdx;
	m->r10 = box->saved.r10;
	m->r8 = box->saved.r8;
	m->r9 = box->saved.r9;
	m->sp = box->saved.rsp;
	m->bx = box->saved.rbx;
	m->ax = 0;
	m->ip = m->cx = box->saved.rip << (64 - GATE_FLAGS_SHIFT) >> (64 - GATE_FLAGS_SHIFT);
	m->flags = (m->flags & ~(uint64_t)FLAGS_ARITHMETIC) | (high >> 8 & FLAGS_LAHF) | (high & 1) << FLAG_OF_SHIFT;
}
