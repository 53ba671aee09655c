/* SPDX-License-Identifier: Apache-2.0 */
/* Syscall user dispatch: prctl(PR_SET_SYSCALL_USER_DISPATCH).
 *
 * Calls made outside a range of addresses become SIGSYS when a byte of the
 * program's says so: for programs that run foreign code (Wine).  It comes
 * before tracers and filters, which never see such a call. */
#include "kernel/mm/mm.h"
#include "kernel/syscall/syscall.h"
#include "kernel/task/task.h"
#include <linux_abi/prctl.h>
#include <linux_abi/seccomp.h>

long user_dispatch_set(struct task *t, uint64_t mode, uint64_t start, uint64_t size, uint64_t selector)
{
	uint64_t lo, hi;

	if (mode == PR_SYS_DISPATCH_OFF) {
		if (start || size || selector)
			return -EINVAL;
		t->user_dispatch = (struct user_dispatch){ .on = false };
		return 0;
	}
	if (mode != PR_SYS_DISPATCH_ON || (start && start + size <= start))
		return -EINVAL;
	plat_as_limits(&lo, &hi);
	if (selector >= hi)
		return -EFAULT;
	t->user_dispatch = (struct user_dispatch){ true, start, size, selector };
	return 0;
}

bool user_dispatch(struct task *t)
{
	const struct user_dispatch *d = &t->user_dispatch;
	struct plat_regs *r = &t->uctx.regs;
	struct linux_siginfo si = { .signo = SIGSYS, .code = SYS_USER_DISPATCH };
	uint8_t state;

	if (r->rip - d->start < d->size)
		return false;
	if (d->selector) {
		if (copy_in(&state, (uaddr){ d->selector }, sizeof(state)))
			task_exit_group(SIGSEGV);
		if (state == SYSCALL_DISPATCH_FILTER_ALLOW)
			return false;
		if (state != SYSCALL_DISPATCH_FILTER_BLOCK)
			task_exit_group(SIGSYS);
	}
	si.u.sys.call_addr = r->rip;
	si.u.sys.syscall = (int32_t)r->orig_rax;
	si.u.sys.arch = AUDIT_ARCH_X86_64;
	r->rax = r->orig_rax;           /* as before the call */
	signal_force(SIGSYS, &si);
	return true;
}
