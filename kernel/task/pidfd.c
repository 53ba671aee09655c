/* SPDX-License-Identifier: Apache-2.0 */
/* pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2).
 *
 * A pidfd's file holds a reference on the thread group; it is readable when
 * the group is a zombie or reaped. */
#include "kernel/syscall/syscall.h"
#include "kernel/task/internal.h"

#define PIDFD_NONBLOCK O_NONBLOCK

static uint32_t pidfd_poll(struct file *f, struct poll_table *pt)
{
	struct tgroup *g = f->priv;

	poll_wait(pt, &g->exit_wait);
	return __atomic_load_n(&g->zombie, __ATOMIC_ACQUIRE) ? POLLIN | POLLRDNORM : 0;
}

static void pidfd_release(struct file *f)
{
	tgroup_put(f->priv);
}

static void pidfd_fdinfo(struct file *f, struct sbuf *s)
{
	struct tgroup *g = f->priv;
	int pid = g->parent ? g->tgid : -1;

	sbuf_printf(s, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static long pidfd_read(struct file *f, struct iter *to, uint64_t *pos)
{
	return -EINVAL;
}

static const struct file_ops pidfd_ops = {
	.read = pidfd_read,
	.poll = pidfd_poll,
	.release = pidfd_release,
	.show_fdinfo = pidfd_fdinfo,
	.type_name = "anon_inode:[pidfd]",
};

int pidfd_new_file(struct tgroup *g, uint32_t flags, struct file **ret)
{
	int err = file_new_anon(&pidfd_ops, g, O_RDWR | flags, NULL, ret);

	if (!err)
		tgroup_get(g);
	return err;
}

struct tgroup *pidfd_group_get(struct file *f)
{
	return f->ops == &pidfd_ops ? tgroup_get(f->priv) : NULL;
}

static int group_of_fd(int fd, struct tgroup **ret)
{
	struct file *f = fd_get(fd);

	if (!f)
		return -EBADF;
	*ret = pidfd_group_get(f);
	file_put(f);
	return *ret ? 0 : -EBADF;
}

/* Signals may also be sent through an open /proc/PID. */
static int group_of_fd_or_dir(int fd, struct tgroup **ret)
{
	struct file *f = fd_get(fd);
	int err;

	if (!f)
		return -EBADF;
	*ret = pidfd_group_get(f);
	err = *ret ? 0 : proc_dir_group_get(f, ret);
	file_put(f);
	return err;
}

SYSCALL2(pidfd_open, int, pid, unsigned, flags)
{
	struct tgroup *g;
	struct file *f;
	int err;

	if (flags & ~(unsigned)PIDFD_NONBLOCK || pid <= 0)
		return -EINVAL;
	g = tgroup_find_get(pid);
	if (!g) {
		struct task *o = task_find_get(pid);

		if (o)
			task_put(o);
		return o ? -EINVAL : -ESRCH;    /* a thread that leads no process */
	}
	err = pidfd_new_file(g, flags, &f);
	tgroup_put(g);
	if (err)
		return err;
	err = fd_add(f, true);
	if (err < 0)
		file_put(f);
	return err;
}

SYSCALL4(pidfd_send_signal, int, fd, int, signo, uaddr, uinfo, unsigned, flags)
{
	struct linux_siginfo si = { 0 };
	struct tgroup *g;
	long err;

	if (flags)
		return -EINVAL;
	err = group_of_fd_or_dir(fd, &g);
	if (err)
		return err;
	if (uinfo.va) {
		err = copy_in(&si, uinfo, sizeof(si));
		si.pad0 = 0;
		if (!err && si.signo != signo)
			err = -EINVAL;
		/* Only oneself may pretend to be the kernel or kill(2). */
		if (!err && g != t->tg && (si.code >= 0 || si.code == SI_TKILL))
			err = -EPERM;
	} else {
		si.signo = signo;
		si.code = SI_USER;
		si.u.kill.pid = t->tg->tgid;
		si.u.kill.uid = t->cred->uid;
	}
	if (!err && (signo < 0 || signo > NSIG))
		err = -EINVAL;
	if (!err && (g->zombie && !g->parent))
		err = -ESRCH;
	if (!err && !signal_may_send(g, signo))
		err = -EPERM;
	if (!err && signo)
		err = signal_send_group(g, signo, &si);
	tgroup_put(g);
	return err;
}

SYSCALL3(pidfd_getfd, int, pidfd, int, fd, unsigned, flags)
{
	struct files *files;
	struct tgroup *g;
	struct task *o;
	struct file *f;
	long err;

	if (flags)
		return -EINVAL;
	err = group_of_fd(pidfd, &g);
	if (err)
		return err;
	o = task_find_get(g->tgid);
	if (!o || o->tg != g) {
		err = -ESRCH;
		goto out;
	}
	err = -EPERM;
	if (!task_may_access(o))
		goto out;
	err = -ESRCH;
	files = task_get_files(o);
	if (!files)
		goto out;
	f = files_lookup_get(files, fd);
	if (f)
		epoll_seen(files, f);
	files_put(files);
	err = -EBADF;
	if (!f)
		goto out;
	err = fd_add(f, true);
	if (err < 0)
		file_put(f);
out:
	if (o)
		task_put(o);
	tgroup_put(g);
	return err;
}
