/* SPDX-License-Identifier: Apache-2.0 */
/* close(2) and fcntl(2) that need not trap.
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
 * Who walks trees duplicates the descriptors of directories, asks for their flags and
 * marks them for exec.  What is said of close holds for these as well: of the descriptors
 * that may be closed so, F_SETFD may be posted; F_DUPFD too, when the task has duplicated
 * one (the platform then knows which numbers are free, and which is the lowest); and F_GETFL is
 * answered there when it has asked for one, for files with the same flags.
 *
 * Offers cost little, but those that bring nothing end. */
#include "kernel/task/task.h"
#include "kernel/vfs/internal.h"

#define IN_VAIN_MAX 64

static bool offered_ever;               /* atomic */

/* Those whose flags are like this one's. */
static void offer_flags(struct task *t, int fd, const struct file *f)
{
	struct plat_fds *fds = &t->uctx.fds;
	uint32_t flags = file_getfl(f);

	if (fds->flags != flags)
		fds->flagged = 0;
	fds->flags = flags;
	fds->flagged |= 1ull << fd;
}

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
	t->uctx.fds.closable |= 1ull << fd;
	if (t->asks_flags)
		offer_flags(t, fd, f);
	t->closes_in_vain++;
}

void fd_offer_fcntl(int fd, const struct file *f, unsigned cmd)
{
	struct task *t = current_task();

	if (!t->uctx.regs_partial || (unsigned)fd >= PLAT_CLOSABLE_MAX || !(t->uctx.fds.closable >> fd & 1))
		return;
	if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC) {
		files_tell_free();
	} else if (cmd == F_GETFL) {
		t->asks_flags = true;
		offer_flags(t, fd, f);
	}
}

static void dup_posted(int fd, unsigned to, bool cloexec)
{
	struct file *f = fd_get_any(fd);

	/* What the platform thinks of the new one holds if it is offered now. */
	current_task()->uctx.fds.closable &= ~(1ull << to % PLAT_CLOSABLE_MAX);
	current_task()->uctx.fds.flagged &= ~(1ull << to % PLAT_CLOSABLE_MAX);
	if (!f)
		return;
	if (files_install_at(to, f, cloexec))
		file_put(f);
	else
		fd_offer_close((int)to, f);
}

bool fd_post_do(const struct plat_post *p)
{
	struct task *t = current_task();

	switch (p->op) {
	case PLAT_POST_CLOSE:
		t->closes_in_vain = MAX(t->closes_in_vain - 2, -IN_VAIN_MAX);
		(void)fd_close(p->fd);
		return true;
	case PLAT_POST_SETFD:
		(void)files_set_cloexec(p->fd, p->epfd & FD_CLOEXEC);
		return true;
	case PLAT_POST_DUP:
		dup_posted(p->fd, (unsigned)p->epfd, p->events & FD_CLOEXEC);
		return true;
	default:
		return false;
	}
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
