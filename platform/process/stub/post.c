/* SPDX-License-Identifier: Apache-2.0 */
/* post.c: epoll_ctl(2), close(2), fcntl(2), sigprocmask(2) and set_robust_list(2) by the gate that need not trap.
 *
 * The kernel has said which calls will succeed (BOX_POSTABLE, fds).  Such a call is
 * left in the mailbox, returns, and is done by the kernel at this thread's
 * next trap, whatever that is.  Anything else, and a full mailbox, traps.
 * F_GETFL and what the mask is are only answered.
 *
 * Trust: table and list are the program's to change: it can lie to itself about
 * a call's success, and post what it could call. */
#include <linux_abi/epoll.h>
#include <linux_abi/fcntl.h>
#include <linux_abi/signal.h>
#include <linux_abi/syscall_nr.h>
#include "platform/process/sigframe.h"
#include "platform/process/stub_layout.h"

#define STUB_UNBLOCKABLE (1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1))
#define ROBUST_HEAD_SIZE 24

uint64_t stub_copy(uint64_t dst, uint64_t src, uint64_t n);
uint32_t stub_post(struct stub_box *box);
void stub_unpost(struct stub_box *box);
void stub_returned(const struct stub_box *box, struct sigmcontext *m, bool made);

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

	if (n >= POSTS_MAX || fd >= CLOSABLE_MAX || !(box->fds.closable >> fd & 1))
		return 0;
	p->fd = fd;
	p->op = POST_CLOSE;
	p->events = box->fds.flagged >> fd & 1; /* for stub_unpost() */
	box->fds.closable &= ~(1ull << fd);
	box->fds.flagged &= ~(1ull << fd);
	box->fds.free |= 1ull << fd & ~FDS_FREE;
	box->post_count = n + 1;
	return 1;
}

/* To the lowest free number from rdx on. */
static uint32_t post_dup(struct stub_box *box, struct stub_post *p, uint32_t fd, uint32_t cloexec)
{
	const uint64_t from = box->saved.rdx, free = box->fds.free;
	uint64_t fits = from < CLOSABLE_MAX - 1 ? (free & ~FDS_FREE) >> from << from : 0, new = fits & -fits;

	if (!(free & FDS_FREE) || !new)
		return 0;
	p->epfd = (uint16_t)__builtin_ctzll(new);
	p->events = cloexec;
	p->op = POST_DUP;
	box->post_result = p->epfd;
	box->fds.free &= ~new;
	box->fds.closable |= new;
	box->fds.flagged |= box->fds.flagged >> fd & 1 ? new : 0;
	return 1;
}

static uint32_t post_fcntl(struct stub_box *box)
{
	const uint32_t fd = (uint32_t)box->saved.rdi, cmd = (uint32_t)box->saved.rsi, n = box->post_count;
	struct stub_post *p = post_of(box, n);

	if (fd >= CLOSABLE_MAX || !(box->fds.closable >> fd & 1))
		return 0;
	if (cmd == F_GETFL && box->fds.flagged >> fd & 1) {
		box->post_result = box->fds.flags;
		box->post_op = POST_ANSWER;
		return 1;
	}
	if (n >= POSTS_MAX)
		return 0;
	p->fd = fd;
	if (cmd == F_SETFD) {
		p->op = POST_SETFD;
		p->epfd = box->saved.rdx & FD_CLOEXEC;
	} else if ((cmd != F_DUPFD && cmd != F_DUPFD_CLOEXEC) ||
		   !post_dup(box, p, fd, cmd == F_DUPFD_CLOEXEC ? FD_CLOEXEC : 0)) {
		return 0;
	}
	box->post_op = p->op;
	box->post_count = n + 1;
	return 1;
}

static void post_word(struct stub_box *box, uint32_t op, uint64_t word)
{
	struct stub_post *p = post_of(box, box->post_count);

	p->op = (uint16_t)op;
	p->data[0] = (uint32_t)word;
	p->data[1] = (uint32_t)(word >> 32);
	box->post_op = op;
	box->post_count++;
}

static uint32_t post_mask(struct stub_box *box)
{
	const uint64_t set = box->saved.rsi, old = box->saved.rdx;
	uint64_t was = box->sigmask.blocked, mask = was, given = 0;

	if (box->post_count >= POSTS_MAX || !(box->sigmask.may & MAY_MASK) || box->saved.r10 != sizeof(mask))
		return 0;
	if (set && stub_copy((uint64_t)&given, set, sizeof(given)))
		return 0;
	switch ((uint32_t)box->saved.rdi) {
	case SIG_BLOCK:
		mask |= given;
		break;
	case SIG_UNBLOCK:
		mask &= ~given;
		break;
	case SIG_SETMASK:
		mask = given;
		break;
	default:
		return 0;
	}
	if (old && stub_copy(old, (uint64_t)&was, sizeof(was)))
		return 0;
	box->post_op = POST_ANSWER;
	if (!set)
		return 1;
	post_of(box, box->post_count)->events = (uint32_t)was;  /* for stub_unpost() */
	post_of(box, box->post_count)->fd = (uint32_t)(was >> 32);
	box->mask_given = given;
	box->sigmask.blocked = mask & ~STUB_UNBLOCKABLE;
	post_word(box, POST_MASK, mask);
	return 1;
}

/* The old mask may have been written where the new one was. */
static void unpost_mask(struct stub_box *box, const struct stub_post *p)
{
	const uint64_t set = box->saved.rsi;
	uint64_t now = box->mask_given;

	box->sigmask.blocked = (uint64_t)p->fd << 32 | p->events;
	if (!stub_copy((uint64_t)&now, set, sizeof(now)) && now != box->mask_given)
		stub_copy(set, (uint64_t)&box->mask_given, sizeof(now));
}

static uint32_t post_robust(struct stub_box *box)
{
	if (box->post_count >= POSTS_MAX || !(box->sigmask.may & MAY_ROBUST) || box->saved.rsi != ROBUST_HEAD_SIZE)
		return 0;
	post_word(box, POST_ROBUST, box->saved.rdi);
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

/* 1: posted, with post_result.  The registers are in the mailbox. */
uint32_t stub_post(struct stub_box *box)
{
	box->kicked = 0;
	box->post_result = 0;
	box->post_op = POST_CLOSE;
	switch (box->saved.rax) {
	case NR_close:
		return post_close(box);
	case NR_fcntl:
		return post_fcntl(box);
	case NR_rt_sigprocmask:
		return post_mask(box);
	case NR_set_robust_list:
		return post_robust(box);
	default:
		return post_change(box);
	}
}

/* The last one has not been made after all: it traps. */
void stub_unpost(struct stub_box *box)
{
	const struct stub_post *p;
	uint64_t bit, new;

	if (box->post_op == POST_ANSWER)
		return;
	p = post_of(box, --box->post_count);
	bit = 1ull << p->fd % CLOSABLE_MAX;
	new = 1ull << p->epfd % CLOSABLE_MAX;
	switch (p->op) {
	case POST_CLOSE:
		box->fds.closable |= bit;
		box->fds.flagged |= p->events & 1 ? bit : 0;
		box->fds.free &= ~bit | FDS_FREE;
		break;
	case POST_DUP:
		box->fds.closable &= ~new;
		box->fds.flagged &= ~new;
		box->fds.free |= new;
		break;
	case POST_MASK:
		unpost_mask(box, p);
		break;
	case EPOLL_CTL_ADD:
	case EPOLL_CTL_DEL:
		*slot_of(box, p->fd) ^= POSTABLE_THERE;
	}
}

/* The frame of a signal that came while the gate returned from a call without a trap: as
 * if it had returned, or (not made) as if it were about to be made. */
void stub_returned(const struct stub_box *box, struct sigmcontext *m, bool made)
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
	m->ax = made ? box->post_result : box->saved.rax;
	m->cx = box->saved.rip << (64 - GATE_FLAGS_SHIFT) >> (64 - GATE_FLAGS_SHIFT);
	m->ip = made ? m->cx : m->cx - 2;
	m->flags = (m->flags & ~(uint64_t)FLAGS_ARITHMETIC) | (high >> 8 & FLAGS_LAHF) | (high & 1) << FLAG_OF_SHIFT;
}
