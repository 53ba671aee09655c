/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of epoll sets that need no trap ("posted").
 *
 * An event loop calls epoll_ctl(2) several times for a request, nearly always
 * with success, and looks at the effect in its next call at the earliest.  Once
 * a task has changed an item by a call of the ordinary way, the platform is
 * told which further changes of that item succeed; it may then return 0 at
 * once and hand them over with the task's next trap (plat_post_offer()).
 *
 * Nobody may be able to tell: an offer holds while nobody but this task can
 * use the set (its file has one reference, and no set watches it), or
 * change the table of descriptors.  Whoever does (another thread; a fork, a message
 * or pidfd_getfd(2) that passes the set on; /proc) first ends the offers and visits all
 * CPUs: whatever ran in user mode has then trapped, and what it posted is done.
 * Filters, tracers and --strace see every call: such tasks get no offers.
 *
 * A posted call that fails was not offered, which concerns the program that made
 * it only; but one that finds no memory must not be lost: its process ends. */
#include "kernel/ipc/epoll.h"
#include "kernel/task/task.h"
#include <stats.h>

#define CREDIT_FIRST 64
#define CREDIT_MAX 256

void epoll_posts_do(struct task *t)
{
	uint32_t n = MIN(t->uctx.post_count, PLAT_POSTS_MAX);

	t->uctx.post_count = 0;
	if (!t->uctx.answers.valid)
		return;
	stats_bump(&plat_stats()->n[STATS_POSTS], n);
	for (uint32_t i = 0; i < n; i++) {
		const struct plat_post *p = &t->uctx.post[i];
		/* Taking out needs no event: what lies there is left from another post. */
		const struct linux_epoll_event none = { 0, 0 }, given = { p->events, p->data };
		const struct linux_epoll_event *ev = p->op == EPOLL_CTL_DEL ? &none : &given;
		int err;

		if (fd_post_do(p) || signal_post_do(t, p))
			continue;
		if (!t->posts)
			continue;
		t->post_credit = MIN(t->post_credit + 1, CREDIT_MAX);
		err = epoll_change(p->epfd, p->op, p->fd, ev, true);
		if (err == -ENOMEM || err == -ENOSPC)
			task_exit_group(SIGKILL);
	}
}

/* Offers cost: those that bring nothing end. */
static bool worth_it(struct task *t, int op)
{
	if (!t->posts) {
		/* A set that is only added to has no use for them. */
		if (op == EPOLL_CTL_ADD)
			return false;
		t->post_credit = CREDIT_FIRST;
		__atomic_store_n(&t->posts, true, __ATOMIC_RELAXED);
	}
	return t->post_credit > 0;
}

static bool offer(struct task *t, struct fd_use set, struct fd_use one, int epfd, int op, int fd,
		  const struct linux_epoll_event *ev)
{
	struct epoll *ep = set.file->priv;

	if (!t->uctx.answers.valid || __atomic_load_n(&ep->posts_off, __ATOMIC_RELAXED) || !worth_it(t, op))
		return false;
	if (one.file->ops == &epoll_fops || (op != EPOLL_CTL_DEL && (ev->events & (EPOLLEXCLUSIVE | EPOLLWAKEUP))) ||
	    __atomic_load_n(&epoll_items, __ATOMIC_RELAXED) > EPOLL_ITEMS_MAX / 2)
		return false;
	/* Either this sees who else uses the set, or they see this. */
	__atomic_store_n(&ep->poster, t, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (ref_read(&set.file->ref) != 1u + set.counted || !list_empty(&set.file->epoll_links))
		return false;
	if (!files_post_claim(epfd, set.file, fd, one.file) ||
	    !plat_post_offer(t->mm->as, &t->uctx, epfd, fd, op != EPOLL_CTL_DEL))
		return false;
	t->post_credit--;
	return true;
}

void epoll_offer(struct fd_use set, struct fd_use one, int epfd, int op, int fd, const struct linux_epoll_event *ev)
{
	struct task *t = current_task();

	if (op == EPOLL_CTL_ADD && one.file->ops == &epoll_fops) {
		struct epoll *inner = one.file->priv;

		/* Its items are what others may see through the outer one. */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (__atomic_load_n(&inner->poster, __ATOMIC_SEQ_CST))
			epoll_take_over(inner);
	}
	if (!offer(t, set, one, epfd, op, fd, ev) && t->posts)
		plat_post_withdraw(t->mm->as, &t->uctx, fd);
}

void epoll_take_over(struct epoll *ep)
{
	bool foreign = __atomic_load_n(&ep->poster, __ATOMIC_SEQ_CST) != current_task();

	__atomic_store_n(&ep->posts_off, true, __ATOMIC_SEQ_CST);
	files_posts_end(current_task()->files, foreign);
	__atomic_store_n(&ep->poster, NULL, __ATOMIC_SEQ_CST);
}

void epoll_fd_gone(int fd, const struct file *f)
{
	struct task *t = current_task();

	if (f->ops == &epoll_fops)
		__atomic_store_n(&t->uctx.posts_withdrawn, true, __ATOMIC_RELAXED);
	else if (t->mm)
		plat_post_withdraw(t->mm->as, &t->uctx, fd);
}

void epoll_seen(struct files *fs, struct file *f)
{
	struct epoll *ep = f->ops == &epoll_fops ? f->priv : NULL;

	__atomic_store_n(&f->shared, true, __ATOMIC_RELAXED);
	if (f->close_offered || (ep && __atomic_load_n(&ep->poster, __ATOMIC_SEQ_CST)))
		files_posts_end(fs, false);
}
