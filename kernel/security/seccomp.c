/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp(2) for programs inside: strict mode, filters, thread sync.
 *
 * A filter is immutable once attached and holds a reference on the one before
 * it; a task's pointer is written by the task itself, or under task_list_lock
 * by a sibling's TSYNC (the task reads it once per call).  Filters that TSYNC
 * replaced stay alive through the new chain, which contains them. */
#include "kernel/mm/mm.h"
#include "kernel/security/security.h"
#include "kernel/syscall/syscall.h"
#include "kernel/task/ptrace.h"
#include "kernel/vfs/vfs.h"
#include <linux_abi/syscall_nr.h>

#define CHAIN_INSNS_MAX 32768u          /* as Linux: four more are counted per filter */
#define FILTER_COST 4u

struct seccomp_filter {
	struct ref ref;
	struct seccomp_filter *prev;    /* counted */
	struct listener *listener;      /* counted; NULL: asks nobody */
	bool wait_killable, log;
	unsigned count;
	unsigned chain_cost;
	struct linux_sock_filter prog[];
};

static struct seccomp_filter *filter_get(struct seccomp_filter *f)
{
	if (f)
		ref_get(&f->ref);
	return f;
}

static void filter_put(struct seccomp_filter *f)
{
	while (f && ref_put(&f->ref)) {
		struct seccomp_filter *prev = f->prev;

		if (f->listener)
			listener_orphan(f->listener);
		kfree(f);
		f = prev;
	}
}

void seccomp_task_fork(struct task *child, struct task *parent)
{
	spin_lock(&task_list_lock);
	child->seccomp = filter_get(parent->seccomp);
	child->seccomp_mode = parent->seccomp_mode;
	child->no_new_privs = parent->no_new_privs;
	spin_unlock(&task_list_lock);
}

void seccomp_task_free(struct task *t)
{
	filter_put(t->seccomp);
}

/* Who listens to its filters learns that it does not ask any more. */
void seccomp_task_exit(struct task *t)
{
	struct seccomp_filter *f;

	spin_lock(&task_list_lock);
	f = t->seccomp;
	t->seccomp = NULL;
	spin_unlock(&task_list_lock);
	filter_put(f);
}

/* ---- the check ---- */

static uint32_t run_chain(struct seccomp_filter *f, const struct linux_seccomp_data *d,
			  struct seccomp_filter **ret_match)
{
	uint32_t best = SECCOMP_RET_ALLOW;

	for (; f; f = f->prev) {
		uint32_t r = bpf_run(f->prog, f->count, d);

		/* The strictest action wins; as a signed number it is the least. */
		if ((int32_t)(r & SECCOMP_RET_ACTION_FULL) < (int32_t)(best & SECCOMP_RET_ACTION_FULL)) {
			best = r;
			*ret_match = f;
		}
	}
	return best;
}

static void send_sigsys(struct task *t, const struct linux_seccomp_data *d, uint32_t reason)
{
	struct linux_siginfo si = { .signo = SIGSYS, .code = SYS_SECCOMP, .err = (int32_t)reason };

	si.u.sys.call_addr = d->instruction_pointer;
	si.u.sys.syscall = d->nr;
	si.u.sys.arch = d->arch;
	signal_force(SIGSYS, &si);
}

/* again: the tracer was asked, and may have made another call of it; it is not asked twice. */
static int check_filter(struct task *t, long *ret, bool again)
{
	const struct plat_regs *r = &t->uctx.regs;
	struct linux_seccomp_data d = {
		.nr = (int32_t)r->orig_rax, .arch = AUDIT_ARCH_X86_64, .instruction_pointer = r->rip,
		.args = { r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9 },
	};
	struct seccomp_filter *match = NULL;
	uint32_t action = run_chain(__atomic_load_n(&t->seccomp, __ATOMIC_ACQUIRE), &d, &match);
	uint32_t data = action & SECCOMP_RET_DATA;

	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
		return 0;
	case SECCOMP_RET_ERRNO:
		*ret = -(long)MIN(data, 4095u);
		return 1;
	case SECCOMP_RET_TRAP:
		send_sigsys(t, &d, data);
		*ret = d.nr;            /* rax as it was before the call */
		return 1;
	case SECCOMP_RET_TRACE:
		if (again)
			return 0;
		if (t->ptrace)
			return ptrace_seccomp_stop(t, data, ret) || check_filter(t, ret, true);
		*ret = -ENOSYS;
		return 1;
	case SECCOMP_RET_USER_NOTIF:
		if (match->listener)
			return listener_ask(match->listener, match->wait_killable, &d, ret);
		*ret = -ENOSYS;
		return 1;
	case SECCOMP_RET_KILL_THREAD:
		if (t->tg->thread_count > 1)
			task_exit(SIGSYS);
		/* fallthrough */
	default:
		task_exit_group(SIGSYS);
	}
}

int seccomp_check(struct task *t, long *ret)
{
	if (unlikely(task_traced(t)) && ptrace_suspends_seccomp(t))
		return 0;
	if (t->seccomp_mode == SECCOMP_MODE_STRICT) {
		switch (t->syscall_nr) {
		case NR_read:
		case NR_write:
		case NR_exit:
		case NR_rt_sigreturn:
			return 0;
		}
		task_exit(SIGKILL);
	}
	return check_filter(t, ret, false);
}

/* ---- attaching ---- */

static long set_strict(struct task *t)
{
	if (t->seccomp_mode == SECCOMP_MODE_FILTER)
		return -EINVAL;
	t->seccomp_mode = SECCOMP_MODE_STRICT;
	return 0;
}

static int read_filter(struct task *t, uint64_t uprog, struct seccomp_filter **ret)
{
	struct linux_sock_fprog p;
	struct seccomp_filter *f;
	int err = copy_in(&p, (uaddr){ uprog }, sizeof(p));

	if (err)
		return err;
	if (!p.len || p.len > BPF_MAXINSNS)
		return -EINVAL;
	if (!t->no_new_privs && !capable(CAP_SYS_ADMIN))
		return -EACCES;
	f = kmalloc(sizeof(*f) + p.len * sizeof(f->prog[0]));
	if (!f)
		return -ENOMEM;
	ref_init(&f->ref);
	f->prev = NULL;
	f->listener = NULL;
	f->wait_killable = f->log = false;
	f->count = p.len;
	err = copy_in(f->prog, (uaddr){ p.filter }, p.len * sizeof(f->prog[0]));
	if (!err)
		err = bpf_validate(f->prog, f->count);
	if (err) {
		kfree(f);
		return err;
	}
	*ret = f;
	return 0;
}

static bool in_chain(const struct seccomp_filter *anc, const struct seccomp_filter *f)
{
	for (; f; f = f->prev)
		if (f == anc)
			return true;
	return !anc;
}

/* The thread that cannot take our chain, or 0.  task_list_lock held. */
static int32_t sync_blocker(struct task *t)
{
	struct task *o;

	list_for_each(o, &t->tg->threads, thread_link) {
		if (o == t || o->exiting)
			continue;
		if (o->seccomp_mode == SECCOMP_MODE_STRICT || !in_chain(o->seccomp, t->seccomp))
			return o->tid;
	}
	return 0;
}

static long attach(struct task *t, struct seccomp_filter *f, bool tsync, bool esrch)
{
	struct task *o;
	bool posts = false;
	int32_t tid = 0;

	spin_lock(&task_list_lock);
	if (tsync)
		tid = sync_blocker(t);
	if (tid) {
		spin_unlock(&task_list_lock);
		return esrch ? -ESRCH : tid;
	}
	f->prev = t->seccomp;           /* our reference passes on */
	__atomic_store_n(&t->seccomp, f, __ATOMIC_RELEASE);
	t->seccomp_mode = SECCOMP_MODE_FILTER;
	if (tsync)
		list_for_each(o, &t->tg->threads, thread_link) {
			struct seccomp_filter *old = o->seccomp;

			if (o == t || o->exiting)
				continue;
			ref_get(&f->ref);
			__atomic_store_n(&o->seccomp, f, __ATOMIC_RELEASE);
			o->seccomp_mode = SECCOMP_MODE_FILTER;
			posts |= __atomic_load_n(&o->posts, __ATOMIC_RELAXED);
			if (t->no_new_privs)
				o->no_new_privs = true;
			filter_put(old);        /* alive in the chain of f */
		}
	spin_unlock(&task_list_lock);
	/* Threads that run now must not be answered past their new filter. */
	if (tsync)
		plat_answers_revoke(t->mm->as);
	if (posts)
		task_visit_cpus(t);
	return 0;
}

static bool has_listener(const struct seccomp_filter *f)
{
	for (; f; f = f->prev)
		if (f->listener)
			return true;
	return false;
}

/* With a descriptor for f's listener: that is the result. */
static long attach_listener(struct task *t, struct seccomp_filter *f, uint64_t flags)
{
	struct file *file;
	long err;
	int fd;

	f->wait_killable = flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	if (has_listener(t->seccomp))
		return -EBUSY;
	f->listener = listener_new();
	if (!f->listener)
		return -ENOMEM;
	fd = fd_alloc(0, true);
	err = fd < 0 ? fd : listener_file(f->listener, &file);
	if (!err) {
		err = attach(t, f, flags & SECCOMP_FILTER_FLAG_TSYNC, flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH);
		if (!err) {
			fd_install(fd, file);
			return fd;
		}
		file_put(file);
	}
	if (fd >= 0)
		fd_release_unused(fd);
	listener_orphan(f->listener);
	f->listener = NULL;
	return err;
}

static bool flags_valid(uint64_t flags)
{
	if (flags & ~(uint64_t)(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG |
				SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_NEW_LISTENER |
				SECCOMP_FILTER_FLAG_TSYNC_ESRCH | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV))
		return false;
	/* A result that is a thread or a descriptor: not both. */
	if ((flags & SECCOMP_FILTER_FLAG_TSYNC) && (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) &&
	    !(flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH))
		return false;
	return !(flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) || (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER);
}

static long set_filter(struct task *t, uint64_t flags, uint64_t uprog)
{
	bool listens = flags & SECCOMP_FILTER_FLAG_NEW_LISTENER;
	struct seccomp_filter *f;
	long ret;

	if (!flags_valid(flags) || t->seccomp_mode == SECCOMP_MODE_STRICT)
		return -EINVAL;
	ret = read_filter(t, uprog, &f);
	if (ret)
		return ret;
	f->log = flags & SECCOMP_FILTER_FLAG_LOG;
	f->chain_cost = f->count + FILTER_COST + (t->seccomp ? t->seccomp->chain_cost : 0);
	if (f->chain_cost > CHAIN_INSNS_MAX)
		ret = -ENOMEM;
	else if (listens)
		ret = attach_listener(t, f, flags);
	else
		ret = attach(t, f, flags & SECCOMP_FILTER_FLAG_TSYNC, flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH);
	/* Not attached: an error, or the thread that is in the way. */
	if (listens ? ret < 0 : ret != 0)
		kfree(f);
	return ret;
}

static long notif_sizes(uint64_t flags, uint64_t usizes)
{
	const struct linux_seccomp_notif_sizes s = {
		sizeof(struct linux_seccomp_notif), sizeof(struct linux_seccomp_notif_resp),
		sizeof(struct linux_seccomp_data),
	};

	return flags ? -EINVAL : copy_out((uaddr){ usizes }, &s, sizeof(s));
}

static long action_avail(uint64_t flags, uint64_t uaction)
{
	uint32_t action;
	int err;

	if (flags)
		return -EINVAL;
	err = copy_in(&action, (uaddr){ uaction }, sizeof(action));
	if (err)
		return err;
	switch (action) {
	case SECCOMP_RET_KILL_PROCESS:
	case SECCOMP_RET_KILL_THREAD:
	case SECCOMP_RET_TRAP:
	case SECCOMP_RET_ERRNO:
	case SECCOMP_RET_USER_NOTIF:
	case SECCOMP_RET_TRACE:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_ALLOW:
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

long seccomp_prctl_set(struct task *t, uint64_t mode, uint64_t filter)
{
	switch (mode) {
	case SECCOMP_MODE_STRICT:
		return set_strict(t);
	case SECCOMP_MODE_FILTER:
		return set_filter(t, 0, filter);
	default:
		return -EINVAL;
	}
}

/* ---- what a tracer is shown ---- */

/* Filter number n of o's, the oldest is 0; counted. */
static long filter_nth(struct task *o, uint64_t n, struct seccomp_filter **ret)
{
	struct seccomp_filter *f;
	uint64_t count = 0;
	long err = -EINVAL;

	if (!capable(CAP_SYS_ADMIN) || current_task()->seccomp_mode)
		return -EACCES;
	spin_lock(&task_list_lock);
	if (o->seccomp_mode == SECCOMP_MODE_FILTER) {
		for (f = o->seccomp; f; f = f->prev)
			count++;
		err = n < count ? 0 : -ENOENT;
	}
	if (!err) {
		for (f = o->seccomp; count > n + 1; count--)
			f = f->prev;
		*ret = filter_get(f);
	}
	spin_unlock(&task_list_lock);
	return err;
}

long seccomp_tell_filter(struct task *o, uint64_t n, uint64_t ubuf)
{
	struct seccomp_filter *f;
	long ret = filter_nth(o, n, &f);

	if (ret)
		return ret;
	if (ubuf)
		ret = copy_out((uaddr){ ubuf }, f->prog, f->count * sizeof(f->prog[0]));
	if (!ret)
		ret = (long)f->count;
	filter_put(f);
	return ret;
}

long seccomp_tell_metadata(struct task *o, uint64_t size, uint64_t ubuf)
{
	struct { uint64_t n, flags; } m = { 0, 0 };
	struct seccomp_filter *f;
	long ret;

	if (!capable(CAP_SYS_ADMIN) || current_task()->seccomp_mode)
		return -EACCES;
	size = MIN(size, sizeof(m));
	if (size < sizeof(m.n))
		return -EINVAL;
	ret = copy_in(&m.n, (uaddr){ ubuf }, sizeof(m.n));
	if (!ret)
		ret = filter_nth(o, m.n, &f);
	if (ret)
		return ret;
	m.flags = f->log ? SECCOMP_FILTER_FLAG_LOG : 0;
	filter_put(f);
	ret = copy_out((uaddr){ ubuf }, &m, size);
	return ret ? ret : (long)size;
}

SYSCALL3(seccomp, unsigned, op, unsigned, flags, uint64_t, arg)
{
	switch (op) {
	case SECCOMP_SET_MODE_STRICT:
		return flags || arg ? -EINVAL : set_strict(t);
	case SECCOMP_SET_MODE_FILTER:
		return set_filter(t, flags, arg);
	case SECCOMP_GET_ACTION_AVAIL:
		return action_avail(flags, arg);
	case SECCOMP_GET_NOTIF_SIZES:
		return notif_sizes(flags, arg);
	default:
		return -EINVAL;
	}
}
