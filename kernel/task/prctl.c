/* SPDX-License-Identifier: Apache-2.0 */
/* prctl(2), arch_prctl(2), personality(2): switches of one task. */
#include "kernel/security/security.h"
#include "kernel/syscall/syscall.h"
#include "kernel/task/cred.h"
#include "kernel/task/internal.h"
#include <linux_abi/prctl.h>

static long set_name(struct task *t, uint64_t uname)
{
	char name[16] = { 0 };
	long n = copy_in_str(name, (ustr){ uname }, sizeof(name));

	if (n < 0 && n != -ENAMETOOLONG)
		return n;
	name[15] = 0;
	n = (long)strlen(name);
	memset(name + n, 0, sizeof(name) - (size_t)n);  /* what was copied behind the end */
	spin_lock(&t->tg->lock);
	memcpy(t->comm, name, sizeof(t->comm));
	spin_unlock(&t->tg->lock);
	return 0;
}

/* No memory becomes executable that was not, PR_SET_MDWE(2const); for ever. */
static long mm_set_mdwe(struct mm *mm, const uint64_t *a)
{
	uint8_t none = 0;

	if ((a[1] & ~(uint64_t)(PR_MDWE_REFUSE_EXEC_GAIN | PR_MDWE_NO_INHERIT)) || a[1] == PR_MDWE_NO_INHERIT ||
	    a[2] || a[3] || a[4])
		return -EINVAL;
	if (!__atomic_compare_exchange_n(&mm->mdwe, &none, (uint8_t)a[1], false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return none == a[1] ? 0 : -EPERM;
	return 0;
}

static long prctl_mem(struct task *t, int op, const uint64_t *a)
{
	int v;

	switch (op) {
	case PR_GET_DUMPABLE:
		return __atomic_load_n(&t->tg->dumpable, __ATOMIC_RELAXED);
	case PR_SET_DUMPABLE:
		if (a[1] > 1)
			return -EINVAL;
		__atomic_store_n(&t->tg->dumpable, a[1], __ATOMIC_RELAXED);
		return 0;
	case PR_GET_TSC:
		v = PR_TSC_ENABLE;
		return copy_out((uaddr){ a[1] }, &v, sizeof(v));
	case PR_SET_TSC:
		return a[1] == PR_TSC_ENABLE ? 0 : -EINVAL;
	case PR_SET_THP_DISABLE:
		if (a[2] || a[3] || a[4])
			return -EINVAL;
		__atomic_store_n(&t->mm->thp_disabled, !!a[1], __ATOMIC_RELAXED);
		return 0;
	case PR_GET_THP_DISABLE:
		return a[1] || a[2] || a[3] || a[4] ? -EINVAL : __atomic_load_n(&t->mm->thp_disabled, __ATOMIC_RELAXED);
	case PR_SET_MDWE:
		return mm_set_mdwe(t->mm, a);
	case PR_GET_MDWE:
		return a[1] || a[2] || a[3] || a[4] ? -EINVAL : __atomic_load_n(&t->mm->mdwe, __ATOMIC_RELAXED);
	case PR_TASK_PERF_EVENTS_DISABLE:
	case PR_TASK_PERF_EVENTS_ENABLE:
		return 0;               /* there are none */
	case PR_GET_SPECULATION_CTRL:
	case PR_SET_SPECULATION_CTRL:
		return -ENODEV;         /* the host decides */
	case PR_SET_VMA:
		/* Names show up in /proc/PID/maps only: taken and not kept. */
		return a[1] == PR_SET_VMA_ANON_NAME ? 0 : -EINVAL;
	case PR_SET_MM:
		return capable(CAP_SYS_RESOURCE) ? -EINVAL : -EPERM;
	default:
		return -EINVAL;
	}
}

SYSCALL5(prctl, int, op, uint64_t, a1, uint64_t, a2, uint64_t, a3, uint64_t, a4)
{
	const uint64_t a[5] = { (uint64_t)op, a1, a2, a3, a4 };
	struct tgroup *g = t->tg;
	bool handled;
	long r = cred_prctl(t, op, a, &handled);
	uint64_t addr;
	int v;

	if (handled)
		return r;
	switch (op) {
	case PR_SET_PDEATHSIG:
		if (a1 > NSIG)
			return -EINVAL;
		__atomic_store_n(&t->pdeath_signal, (uint32_t)a1, __ATOMIC_RELAXED);
		return 0;
	case PR_GET_PDEATHSIG:
		v = (int)t->pdeath_signal;
		return copy_out((uaddr){ a1 }, &v, sizeof(v));
	case PR_SET_NAME:
		return set_name(t, a1);
	case PR_GET_NAME:
		return copy_out((uaddr){ a1 }, t->comm, sizeof(t->comm));
	case PR_GET_TIMING:
		return 0;
	case PR_SET_TIMING:
		return a1 ? -EINVAL : 0;
	case PR_GET_SECCOMP:
		return t->seccomp_mode;
	case PR_SET_SECCOMP:
		return seccomp_prctl_set(t, a1, a2);
	case PR_SET_SYSCALL_USER_DISPATCH:
		return user_dispatch_set(t, a1, a2, a3, a4);
	case PR_SET_TIMERSLACK:
		__atomic_store_n(&t->timer_slack_ns, a1 ? a1 : TIMER_SLACK_NS, __ATOMIC_RELAXED);
		return 0;
	case PR_GET_TIMERSLACK:
		return (long)MIN(t->timer_slack_ns, (uint64_t)INT64_MAX);
	case PR_SET_CHILD_SUBREAPER:
		spin_lock(&task_list_lock);
		g->is_subreaper = a1 != 0;
		spin_unlock(&task_list_lock);
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		v = g->is_subreaper;
		return copy_out((uaddr){ a1 }, &v, sizeof(v));
	case PR_SET_NO_NEW_PRIVS:
		if (a1 != 1 || a2 || a3 || a4)
			return -EINVAL;
		t->no_new_privs = true;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		return a1 || a2 || a3 || a4 ? -EINVAL : t->no_new_privs;
	case PR_GET_TID_ADDRESS:
		addr = t->clear_child_tid;
		return copy_out((uaddr){ a1 }, &addr, sizeof(addr));
	case PR_MCE_KILL:
		return a1 == 0 && !a2 && !a3 && !a4 ? 0 : -EINVAL;
	case PR_MCE_KILL_GET:
		return a1 || a2 || a3 || a4 ? -EINVAL : 2;      /* the system's default policy */
	case PR_SET_PTRACER:
		return 0;               /* no Yama here: attaching follows the ids */
	default:
		return prctl_mem(t, op, a);
	}
}

SYSCALL2(arch_prctl, int, op, uint64_t, addr)
{
	struct plat_regs *r = &t->uctx.regs;
	uint64_t lo, hi;

	plat_uctx_regs(&t->uctx);
	switch (op) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		plat_as_limits(&lo, &hi);
		if (addr >= hi)
			return -EPERM;
		if (op == ARCH_SET_FS)
			r->fs_base = addr;
		else
			r->gs_base = addr;
		t->uctx.regs_changed = true;
		return 0;
	case ARCH_GET_FS:
		return copy_out((uaddr){ addr }, &r->fs_base, sizeof(r->fs_base));
	case ARCH_GET_GS:
		return copy_out((uaddr){ addr }, &r->gs_base, sizeof(r->gs_base));
	case ARCH_GET_CPUID:
		return 1;
	case ARCH_SET_CPUID:
		return addr ? 0 : -ENODEV;
	default:
		return -EINVAL;
	}
}

SYSCALL1(personality, unsigned, p)
{
	uint32_t old = t->personality;

	if (p != 0xffffffffu)
		t->personality = p;
	return old;
}
