/* SPDX-License-Identifier: Apache-2.0 */
/* close(2) that need not trap.
 *
 * Programs open, read and close many files, and the close of one that was
 * opened for reading only does nothing that anybody sees at once.  So the platform is told
 * which descriptors a task may close by itself (uctx.closable); it returns 0 and hands
 * them over with the task's next trap, where they are closed first of all.
 *
 * Nobody may be able to tell.  Offered are files of file systems that say so
 * (quiet_close), in a table that one task has, whose description was never in
 * another, while nothing watches (inotify) and the file has no locks.  What could tell
 * ends the offers and visits all CPUs, so that what was closed has been closed:
 * - another task looks at the table, or shares it (files_settle(), files_posts_end());
 * - the description gets known elsewhere: fork, SCM_RIGHTS, pidfd_getfd(2) (epoll_seen());
 * - a lock is taken, which a close would release (by the task itself, so nobody is visited);
 * - inotify_add_watch(2), umount(2), and the removal of a name of a file that is open
 *   so, whose space would be kept (closes_settle()).
 * Filters, tracers and --strace see every call: such tasks get no offers.
 *
 * Offers cost little, but those that bring nothing end. */
#include "kernel/task/task.h"
#include "kernel/vfs/internal.h"

#define IN_VAIN_MAX 64

static bool offered_ever;               /* atomic */

void fd_offer_close(int fd, struct file *f)
{
	struct task *t = current_task();
	struct inode *i = f->inode;

	/* regs_partial: the call came by the gate, so its close will. */
	if (!t->uctx.regs_partial || !t->uctx.answers.valid || t->closes_in_vain >= IN_VAIN_MAX)
		return;
	if (fd >= PLAT_CLOSABLE_MAX || !f->ops || !f->ops->quiet_close || (f->mode & (FMODE_WRITE | FMODE_EXEC)) ||
	    __atomic_load_n(&f->shared, __ATOMIC_RELAXED))
		return;
	if (__atomic_load_n(&i->flocks, __ATOMIC_RELAXED) || notify_watches_any() || !files_post_claim_alone(t))
		return;
	if (!f->close_offered) {
		f->close_offered = true;
		__atomic_fetch_add(&i->close_offers, 1, __ATOMIC_SEQ_CST);
	}
	if (!__atomic_load_n(&offered_ever, __ATOMIC_RELAXED))
		__atomic_store_n(&offered_ever, true, __ATOMIC_SEQ_CST);
	/* Either this sees that the last name is gone, or who removes it sees the count. */
	if (!inode_nlink(i))
		return;
	t->uctx.closable |= 1ull << fd;
	t->closes_in_vain++;
}

void fd_close_posted(int fd)
{
	struct task *t = current_task();

	t->closes_in_vain = MAX(t->closes_in_vain - 2, -IN_VAIN_MAX);
	(void)fd_close(fd);
}

void closes_settle(void)
{
	struct tgroup *g;
	struct task *t;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&offered_ever, __ATOMIC_SEQ_CST))
		return;
	spin_lock(&task_list_lock);
	list_for_each(g, &tgroup_list, all_link)
		list_for_each(t, &g->threads, thread_link)
			__atomic_store_n(&t->uctx.posts_withdrawn, true, __ATOMIC_SEQ_CST);
	spin_unlock(&task_list_lock);
	task_visit_cpus(current_task());
}
