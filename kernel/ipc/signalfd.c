/* SPDX-License-Identifier: Apache-2.0 */
/* signalfd(2): signals of the reading task as records.
 *
 * Whoever reads or polls sees its own signals, so the queue to wait on belongs
 * to the current task's handler table.  A poller (epoll) may stay on that
 * queue after the process has gone: the file keeps a reference to each table
 * it was ever polled with, a bounded number. */
#include "kernel/ipc/ipc.h"
#include "kernel/syscall/syscall.h"
#include <linux_abi/signalfd.h>

#define TABLES_MAX 16

struct signalfd {
	uint64_t mask;
	struct spinlock lock;
	unsigned count;                 /* lock */
	struct sighand *tables[TABLES_MAX];     /* lock to add */
};

static bool take(struct task *t, struct signalfd *s, struct linux_siginfo *info)
{
	return signal_take(t, __atomic_load_n(&s->mask, __ATOMIC_RELAXED), info) != 0;
}

static void to_record(const struct linux_siginfo *i, struct linux_signalfd_siginfo *r)
{
	memset(r, 0, sizeof *r);
	r->signo = (uint32_t)i->signo;
	r->err = i->err;
	r->code = i->code;
	if (i->code == SI_TIMER) {
		r->tid = (uint32_t)i->u.timer.tid;
		r->overrun = (uint32_t)i->u.timer.overrun;
		r->value_ptr = i->u.timer.value;
		r->value_int = (int32_t)i->u.timer.value;
		return;
	}
	if (i->code > 0 && i->code != SI_KERNEL) {
		switch (i->signo) {
		case SIGSEGV: case SIGBUS: case SIGILL: case SIGFPE: case SIGTRAP:
			r->addr = i->u.fault.addr;
			return;
		case SIGIO:
			r->band = (uint32_t)i->u.poll.band;
			r->fd = i->u.poll.fd;
			return;
		case SIGSYS:
			r->call_addr = i->u.sys.call_addr;
			r->syscall = i->u.sys.syscall;
			r->arch = i->u.sys.arch;
			return;
		case SIGCHLD:
			r->pid = (uint32_t)i->u.chld.pid;
			r->uid = i->u.chld.uid;
			r->status = i->u.chld.status;
			r->utime = (uint64_t)i->u.chld.utime;
			r->stime = (uint64_t)i->u.chld.stime;
			return;
		default:
			break;
		}
	}
	r->pid = (uint32_t)i->u.rt.pid;
	r->uid = i->u.rt.uid;
	if (i->code < 0 && i->code != SI_TKILL) {
		r->value_ptr = i->u.rt.value;
		r->value_int = (int32_t)i->u.rt.value;
	}
}

static long signalfd_read(struct file *f, struct iter *to, uint64_t *pos)
{
	struct signalfd *s = f->priv;
	struct task *t = current_task();
	struct linux_signalfd_siginfo r;
	struct linux_siginfo info;
	long done = 0;

	(void)pos;
	if (to->left < sizeof r)
		return -EINVAL;
	while (to->left >= sizeof r) {
		if (!take(t, s, &info)) {
			if (done)
				break;
			if (f->flags & O_NONBLOCK)
				return -EAGAIN;
			if (wait_event_interruptible(&t->sighand->signalfd_wait, take(t, s, &info)))
				return -ERESTARTSYS;
		}
		to_record(&info, &r);
		if (iter_copy_out(to, &r, sizeof r) != sizeof r)
			return done ? done : -EFAULT;
		done += (long)sizeof r;
	}
	return done;
}

/* May a poller wait on sh's queue?  Keeps sh alive for it. */
static bool remember(struct signalfd *s, struct sighand *sh)
{
	bool ok = false;

	spin_lock(&s->lock);
	for (unsigned i = 0; i < s->count; i++)
		ok |= s->tables[i] == sh;
	if (!ok && s->count < TABLES_MAX) {
		s->tables[s->count++] = sighand_get(sh);
		ok = true;
	}
	spin_unlock(&s->lock);
	return ok;
}

static uint32_t signalfd_poll(struct file *f, struct poll_table *pt)
{
	struct signalfd *s = f->priv;
	struct task *t = current_task();
	uint64_t set;

	if (pt && remember(s, t->sighand))
		poll_wait(pt, &t->sighand->signalfd_wait);
	spin_lock(&t->sighand->lock);
	set = (t->pending.set | t->tg->pending.set) & s->mask;
	spin_unlock(&t->sighand->lock);
	return set ? POLLIN : 0;
}

static void signalfd_free(void *p)
{
	struct signalfd *s = p;

	for (unsigned i = 0; i < s->count; i++)
		sighand_put(s->tables[i]);
	kfree(s);
}

static void signalfd_release(struct file *f) { signalfd_free(f->priv); }

static void signalfd_fdinfo(struct file *f, struct sbuf *s)
{
	struct signalfd *sf = f->priv;

	sbuf_printf(s, "sigmask:\t%016llx\n", (unsigned long long)sf->mask);
}

static const struct file_ops signalfd_fops = {
	.read = signalfd_read,
	.poll = signalfd_poll,
	.release = signalfd_release,
	.show_fdinfo = signalfd_fdinfo,
	.lseek = noop_lseek,
	.type_name = "anon_inode:[signalfd]",
};

static long signalfd_call(struct task *t, int fd, uaddr umask, size_t size, int flags)
{
	struct signalfd *s;
	struct file *f;
	uint64_t mask;
	int err;

	if (size != sizeof mask || flags & ~(SFD_NONBLOCK | SFD_CLOEXEC))
		return -EINVAL;
	err = copy_in(&mask, umask, sizeof mask);
	if (err)
		return err;
	mask &= ~SIG_UNBLOCKABLE;
	if (fd == -1) {
		s = kzalloc(sizeof *s);
		if (!s)
			return -ENOMEM;
		s->mask = mask;
		return ipc_new_fd(&signalfd_fops, s, signalfd_free, O_RDWR | (flags & SFD_NONBLOCK),
				  flags & SFD_CLOEXEC);
	}
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	if (f->ops != &signalfd_fops) {
		file_put(f);
		return -EINVAL;
	}
	s = f->priv;
	__atomic_store_n(&s->mask, mask, __ATOMIC_RELAXED);
	waitq_wake_all(&t->sighand->signalfd_wait, 0);
	file_put(f);
	return fd;
}

SYSCALL3(signalfd, int, fd, uaddr, umask, size_t, size) { return signalfd_call(t, fd, umask, size, 0); }
SYSCALL4(signalfd4, int, fd, uaddr, umask, size_t, size, int, flags)
{
	return signalfd_call(t, fd, umask, size, flags);
}
