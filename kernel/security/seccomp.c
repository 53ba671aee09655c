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
#include <linux_abi/syscall_nr.h>

#define CHAIN_INSNS_MAX 32768u          /* as Linux: four more are counted per filter */
#define FILTER_COST 4u

struct seccomp_filter {
	struct ref ref;
	struct seccomp_filter *prev;    /* counted */
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

/* ---- the check ---- */

static uint32_t run_chain(struct seccomp_filter *f, const struct linux_seccomp_data *d)
{
	uint32_t best = SECCOMP_RET_ALLOW;

	for (; f; f = f->prev) {
		uint32_t r = bpf_run(f->prog, f->count, d);

		/* The strictest action wins; as a signed number it is the least. */
		if ((int32_t)(r & SECCOMP_RET_ACTION_FULL) < (int32_t)(best & SECCOMP_RET_ACTION_FULL))
			best = r;
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
	uint32_t action = run_chain(__atomic_load_n(&t->seccomp, __ATOMIC_ACQUIRE), &d);
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
		/* fallthrough */
	case SECCOMP_RET_USER_NOTIF:    /* nobody listens */
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

static long set_filter(struct task *t, uint64_t flags, uint64_t uprog)
{
	struct seccomp_filter *f;
	long err;

	if (flags & ~(uint64_t)(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG |
				SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_TSYNC_ESRCH))
		return -EINVAL;
	if (t->seccomp_mode == SECCOMP_MODE_STRICT)
		return -EINVAL;
	err = read_filter(t, uprog, &f);
	if (err)
		return err;
	f->chain_cost = f->count + FILTER_COST + (t->seccomp ? t->seccomp->chain_cost : 0);
	if (f->chain_cost > CHAIN_INSNS_MAX)
		err = -ENOMEM;
	else
		err = attach(t, f, flags & SECCOMP_FILTER_FLAG_TSYNC, flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH);
	if (err)
		kfree(f);
	return err;
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

SYSCALL3(seccomp, unsigned, op, unsigned, flags, uint64_t, arg)
{
	switch (op) {
	case SECCOMP_SET_MODE_STRICT:
		return flags || arg ? -EINVAL : set_strict(t);
	case SECCOMP_SET_MODE_FILTER:
		return set_filter(t, flags, arg);
	case SECCOMP_GET_ACTION_AVAIL:
		return action_avail(flags, arg);
	default:
		return -EINVAL;
	}
}
