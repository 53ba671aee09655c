/* SPDX-License-Identifier: Apache-2.0 */
/* ptrace(2): requests of a tracer.
 *
 * Most need the tracee stopped: it is, and stays, as long as only its tracer
 * (one thread, busy here) and SIGKILL can let it go; after a SIGKILL it reads
 * nothing that a request may still write. */
#include "kernel/security/security.h"
#include "kernel/syscall/syscall.h"
#include "kernel/task/internal.h"
#include "kernel/task/ptrace_state.h"

#define USER_DEBUGREG 848u
#define USER_SIZE 912u
#define FPREGS_SIZE 512u
#define EFLAGS_USER 0x50dd5u            /* what a tracer may change: status flags, TF, DF, RF, AC */


/* ---- attaching ---- */

static bool may_attach(struct task *o)
{
	struct task *t = current_task();

	return o->tg != t->tg && !tgroup_is_init(o->tg) && o->mm && task_may_access(o);
}

static void text_as_in_file(struct task *o)
{
	struct mm *mm = task_get_mm(o);

	if (!mm)
		return;
	mm_patch_off(mm);
	mm_put(mm);
}

static int check_options(const struct task *t, uint64_t options)
{
	if (options & ~(uint64_t)PTRACE_O_MASK)
		return -EINVAL;
	/* Who is itself filtered does not free others of their filters. */
	if ((options & PTRACE_O_SUSPEND_SECCOMP) &&
	    (!capable(CAP_SYS_ADMIN) || t->seccomp_mode || ptrace_suspends_seccomp(current_task())))
		return -EPERM;
	return 0;
}

static bool gone_over(struct task *t, struct task *o)
{
	bool r;

	spin_lock(&task_list_lock);
	r = !o->ptrace || o->ptrace->tracer != t || o->ptrace->stopped || o->exiting;
	spin_unlock(&task_list_lock);
	return r;
}

/* One that was stopped is its tracer's as soon as that has attached. */
static void goes_over(struct task *t, struct task *o)
{
	/* A fatal signal ends the wait; what it is worth then nobody asks. */
	(void)WAIT_EVENT(&t->tg->child_wait, TASK_KILLABLE, NO_DEADLINE, gone_over(t, o));
}

static long attach(struct task *t, struct task *o, bool seize, uint64_t addr, uint64_t data)
{
	bool stopped = false;
	long err;

	if (seize && (addr || (data & ~(uint64_t)PTRACE_O_MASK)))
		return -EIO;
	err = seize ? check_options(t, data) : 0;
	if (err)
		return err;
	err = -EPERM;
	if (!may_attach(o))
		return -EPERM;
	spin_lock(&task_list_lock);
	if (!o->ptrace && !o->exiting)
		err = ptrace_attach_locked(o, t, seize, seize ? (uint32_t)data : 0);
	if (!err && __atomic_load_n(&o->tg->stop_signal, __ATOMIC_RELAXED)) {
		stopped = __atomic_load_n(&o->se.state, __ATOMIC_RELAXED) == TASK_STOPPED;
		spin_lock(&o->sighand->lock);
		ptrace_want_stop_locked(o);
		spin_unlock(&o->sighand->lock);
	}
	spin_unlock(&task_list_lock);
	if (!err)
		text_as_in_file(o);
	if (!err && !seize)
		signal_send_task(o, SIGSTOP, NULL);
	if (!err && stopped)
		goes_over(t, o);
	return err;
}

static long traceme(struct task *t)
{
	long err = -EPERM;

	spin_lock(&task_list_lock);
	if (!t->ptrace && t->tg->parent && !tgroup_is_init(t->tg->parent))
		err = ptrace_attach_locked(t, t->tg->parent_task && !t->tg->parent_task->exiting ?
					   t->tg->parent_task : t->tg->parent->leader, false, 0);
	spin_unlock(&task_list_lock);
	if (!err)
		text_as_in_file(t);
	return err;
}

/* ---- letting go ---- */

static long resume(struct task *o, enum ptrace_mode mode, uint64_t signo)
{
	long err = -ESRCH;

	if (signo > NSIG)
		return -EIO;
	spin_lock(&task_list_lock);
	if (o->ptrace && o->ptrace->stopped) {
		o->ptrace->mode = mode;
		o->ptrace->inject = (int32_t)signo;
		o->ptrace->stopped = false;
		sched_wake(o, 1u << TASK_TRACED);
		err = 0;
	}
	spin_unlock(&task_list_lock);
	return err;
}

static long listen(struct task *o)
{
	long err = -ESRCH;

	spin_lock(&task_list_lock);
	if (o->ptrace && o->ptrace->stopped) {
		err = -EIO;
		if (o->ptrace->seized && o->ptrace->code >> 8 == PTRACE_EVENT_STOP) {
			o->ptrace->mode = PT_CONT;
			o->ptrace->listening = true;
			o->ptrace->stopped = false;
			/* What came since is told at once. */
			if (o->ptrace_interrupt) {
				spin_lock(&o->sighand->lock);
				ptrace_want_stop_locked(o);
				spin_unlock(&o->sighand->lock);
			}
			err = 0;
		}
	}
	spin_unlock(&task_list_lock);
	return err;
}

static long detach(struct task *o, uint64_t signo)
{
	if (signo > NSIG)
		return -EIO;
	spin_lock(&task_list_lock);
	o->ptrace_detach_signal = (int32_t)signo;
	ptrace_drop_locked(o);
	spin_unlock(&task_list_lock);
	return 0;
}

static long interrupt(struct task *o)
{
	long err = -ESRCH;

	spin_lock(&task_list_lock);
	if (o->ptrace && o->ptrace->tracer == current_task() && !o->exiting) {
		err = o->ptrace->seized ? 0 : -EIO;
		spin_lock(&o->sighand->lock);
		if (!err)
			ptrace_want_stop_locked(o);
		spin_unlock(&o->sighand->lock);
	}
	spin_unlock(&task_list_lock);
	return err;
}

/* ---- registers ---- */

static void put_regs(struct task *o, const struct plat_regs *n)
{
	struct plat_regs *r = &o->uctx.regs;
	uint64_t lo, hi, flags = r->rflags, cs = r->cs, ss = r->ss, fs = r->fs_base, gs = r->gs_base;

	plat_as_limits(&lo, &hi);
	*r = *n;
	/* What a program could not set for itself stays. */
	r->rflags = (flags & ~(uint64_t)EFLAGS_USER) | (n->rflags & EFLAGS_USER);
	r->cs = cs;
	r->ss = ss;
	if (r->fs_base >= hi)
		r->fs_base = fs;
	if (r->gs_base >= hi)
		r->gs_base = gs;
	o->uctx.regs_changed = true;
}

static long peek_user(struct task *o, uint64_t off, uint64_t data)
{
	uint64_t v = 0;

	if (off % 8 || off >= USER_SIZE)
		return -EIO;
	if (off < sizeof(struct plat_regs))
		memcpy(&v, (const char *)&o->uctx.regs + off, sizeof(v));
	return copy_out((uaddr){ data }, &v, sizeof(v));
}

static long poke_user(struct task *o, uint64_t off, uint64_t v)
{
	struct plat_regs n = o->uctx.regs;

	if (off % 8 || off >= USER_SIZE)
		return -EIO;
	if (off >= USER_DEBUGREG)
		return v ? -EIO : 0;    /* no hardware breakpoints */
	if (off >= sizeof(n))
		return -EIO;
	memcpy((char *)&n + off, &v, sizeof(v));
	put_regs(o, &n);
	return 0;
}

/* Copies in and out bounded by what exists; iovec length is updated. */
static long regset(struct task *o, uint64_t type, uint64_t uiov, bool set)
{
	struct { uint64_t base, size; } iov;
	struct plat_regs regs = o->uctx.regs;
	size_t size;
	void *p;
	int err = copy_in(&iov, (uaddr){ uiov }, sizeof(iov));

	if (err)
		return err;
	switch (type) {
	case NT_PRSTATUS:
		p = &regs;
		size = sizeof(regs);
		break;
	case NT_PRFPREG:
		p = o->uctx.xstate;
		size = FPREGS_SIZE;
		break;
	case NT_X86_XSTATE:
		p = o->uctx.xstate;
		size = plat_xstate_size();
		break;
	default:
		return -EINVAL;
	}
	if (iov.size % sizeof(uint64_t))
		return -EINVAL;
	size = MIN(size, iov.size);
	if (set) {
		if (type == NT_X86_XSTATE)
			return -EINVAL; /* headers would need checking; FP state goes by NT_PRFPREG */
		err = copy_in(p, (uaddr){ iov.base }, size);
		if (!err && type == NT_PRSTATUS)
			put_regs(o, &regs);
		else
			plat_uctx_xstate_changed(&o->uctx);
	} else {
		err = copy_out((uaddr){ iov.base }, p, size);
	}
	iov.size = size;
	return err ? err : copy_out((uaddr){ uiov }, &iov, sizeof(iov));
}

static long fpregs(struct task *o, uint64_t data, bool set)
{
	int err;

	if (!set)
		return copy_out((uaddr){ data }, o->uctx.xstate, FPREGS_SIZE);
	/* A wrong MXCSR would fault when loaded: its reserved bits stay clear. */
	err = copy_in(o->uctx.xstate, (uaddr){ data }, FPREGS_SIZE);
	((uint32_t *)o->uctx.xstate)[6] &= 0xffbfu;
	plat_uctx_xstate_changed(&o->uctx);
	return err;
}

static long syscall_info(struct task *o, uint64_t size, uint64_t data)
{
	const struct plat_regs *r = &o->uctx.regs;
	struct linux_ptrace_syscall_info i = {
		.op = o->ptrace->syscall_op, .arch = 0xc000003eu,
		.instruction_pointer = r->rip, .stack_pointer = r->rsp,
	};
	const uint64_t args[6] = { r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9 };
	size_t full = offsetof(struct linux_ptrace_syscall_info, entry);
	int err;

	switch (i.op) {
	case PTRACE_SYSCALL_INFO_ENTRY:
		i.entry.nr = (uint64_t)(int32_t)r->orig_rax;
		memcpy(i.entry.args, args, sizeof(args));
		full += sizeof(i.entry);
		break;
	case PTRACE_SYSCALL_INFO_EXIT:
		i.exit.rval = (int64_t)r->rax;
		i.exit.is_error = r->rax >= (uint64_t)-4095;
		full = offsetof(struct linux_ptrace_syscall_info, exit.is_error) + 1;
		break;
	case PTRACE_SYSCALL_INFO_SECCOMP:
		i.seccomp.nr = (uint64_t)(int32_t)r->orig_rax;
		memcpy(i.seccomp.args, args, sizeof(args));
		i.seccomp.ret_data = (uint32_t)o->ptrace->message;
		full = offsetof(struct linux_ptrace_syscall_info, seccomp.ret_data) + 4;
		break;
	}
	err = copy_out((uaddr){ data }, &i, MIN(size, full));
	return err ? err : (long)full;
}

/* ---- memory ---- */

static long peek(struct task *o, uint64_t addr, uint64_t data)
{
	uint64_t v;

	if (mm_copy_in_plain(o->mm, &v, addr, sizeof(v)))
		return -EIO;
	return copy_out((uaddr){ data }, &v, sizeof(v));
}

static long poke(struct task *o, uint64_t addr, uint64_t v)
{
	return mm_copy_out_force(o->mm, addr, &v, sizeof(v)) ? -EIO : 0;
}

/* ---- dispatch ---- */

static long get_siginfo(struct task *o, uint64_t data, bool set)
{
	struct linux_siginfo si;
	bool has;
	int err;

	if (set) {
		err = copy_in(&si, (uaddr){ data }, sizeof(si));
		if (err)
			return err;
	}
	spin_lock(&task_list_lock);
	has = o->ptrace && o->ptrace->has_info;
	if (has) {
		if (set)
			o->ptrace->info = si;
		else
			si = o->ptrace->info;
	}
	spin_unlock(&task_list_lock);
	if (!has)
		return -EINVAL;
	return set ? 0 : copy_out((uaddr){ data }, &si, sizeof(si));
}

/* What waits in one of the queues: copied out one by one, as the queue may change. */
static long peek_siginfo(struct task *o, uint64_t args, uint64_t data)
{
	struct { uint64_t from; uint32_t flags; int32_t count; } a;
	struct linux_siginfo si;
	int32_t n = 0;

	if (copy_in(&a, (uaddr){ args }, sizeof a))
		return -EFAULT;
	if (a.flags & ~PTRACE_PEEKSIGINFO_SHARED || a.count < 0)
		return -EINVAL;
	for (; n < a.count && !signal_fatal_pending(current_task()); n++) {
		uint64_t at = 0;
		struct sigqueue *q;
		bool found = false;

		spin_lock(&o->sighand->lock);
		list_for_each(q, a.flags ? &o->tg->pending.queue : &o->pending.queue, link) {
			found = at++ == a.from + (uint64_t)n;
			if (found) {
				si = q->info;
				break;
			}
		}
		spin_unlock(&o->sighand->lock);
		if (!found)
			break;
		if (copy_out((uaddr){ data + (uint64_t)n * sizeof si }, &si, sizeof si))
			return n ? n : -EFAULT;
	}
	return n;
}

static long sigmask(struct task *o, uint64_t size, uint64_t data, bool set)
{
	uint64_t mask = o->blocked;
	int err;

	if (size != sizeof(mask))
		return -EINVAL;
	if (!set)
		return copy_out((uaddr){ data }, &mask, sizeof(mask));
	err = copy_in(&mask, (uaddr){ data }, sizeof(mask));
	if (err)
		return err;
	spin_lock(&o->sighand->lock);
	o->blocked = mask & ~SIG_UNBLOCKABLE;
	signal_recalc(o);
	spin_unlock(&o->sighand->lock);
	return 0;
}

static long stopped_request(struct task *o, uint64_t req, uint64_t addr, uint64_t data)
{
	struct plat_regs regs;
	uint64_t v;
	int err;

	switch (req) {
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
		return peek(o, addr, data);
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA:
		return poke(o, addr, data);
	case PTRACE_PEEKUSER:
		return peek_user(o, addr, data);
	case PTRACE_POKEUSER:
		return poke_user(o, addr, data);
	case PTRACE_GETREGS:
		return copy_out((uaddr){ data }, &o->uctx.regs, sizeof(regs));
	case PTRACE_SETREGS:
		err = copy_in(&regs, (uaddr){ data }, sizeof(regs));
		if (!err)
			put_regs(o, &regs);
		return err;
	case PTRACE_GETFPREGS:
		return fpregs(o, data, false);
	case PTRACE_SETFPREGS:
		return fpregs(o, data, true);
	case PTRACE_GETREGSET:
		return regset(o, addr, data, false);
	case PTRACE_SETREGSET:
		return regset(o, addr, data, true);
	case PTRACE_SETOPTIONS:
		err = check_options(current_task(), data);
		if (err)
			return err;
		o->ptrace->options = (uint32_t)data;
		return 0;
	case PTRACE_GETEVENTMSG:
		v = o->ptrace->message;
		return copy_out((uaddr){ data }, &v, sizeof(v));
	case PTRACE_GETSIGINFO:
		return get_siginfo(o, data, false);
	case PTRACE_SETSIGINFO:
		return get_siginfo(o, data, true);
	case PTRACE_PEEKSIGINFO:
		return peek_siginfo(o, addr, data);
	case PTRACE_GETSIGMASK:
		return sigmask(o, addr, data, false);
	case PTRACE_SETSIGMASK:
		return sigmask(o, addr, data, true);
	case PTRACE_GET_SYSCALL_INFO:
		return syscall_info(o, addr, data);
	case PTRACE_SECCOMP_GET_FILTER:
		return seccomp_tell_filter(o, addr, data);
	case PTRACE_SECCOMP_GET_METADATA:
		return seccomp_tell_metadata(o, addr, data);
	case PTRACE_CONT:
		return resume(o, PT_CONT, data);
	case PTRACE_SYSCALL:
		return resume(o, PT_SYSCALL, data);
	case PTRACE_SINGLESTEP:
		return resume(o, PT_STEP, data);
	case PTRACE_SYSEMU:
		return resume(o, PT_SYSEMU, data);
	case PTRACE_SYSEMU_SINGLESTEP:
		return resume(o, PT_SYSEMU_STEP, data);
	case PTRACE_LISTEN:
		return listen(o);
	case PTRACE_DETACH:
		return detach(o, data);
	default:
		return -EIO;
	}
}

/* Is o ours, and stopped where `stopped` asks for it? */
static bool ours(struct task *t, struct task *o, bool stopped)
{
	bool ok;

	spin_lock(&task_list_lock);
	ok = o->ptrace && o->ptrace->tracer == t && (!stopped || o->ptrace->stopped);
	spin_unlock(&task_list_lock);
	/* It published the stop just before it left its CPU. */
	while (ok && stopped && __atomic_load_n(&o->se.on_cpu, __ATOMIC_ACQUIRE)) {
		if (signal_fatal_pending(o))
			return false;
		plat_relax();
	}
	return ok;
}

SYSCALL4(ptrace, uint64_t, req, int, pid, uint64_t, addr, uint64_t, data)
{
	struct task *o;
	long r = -ESRCH;

	if (req == PTRACE_TRACEME)
		return traceme(t);
	o = task_find_get(pid);
	if (!o)
		return -ESRCH;
	if (req == PTRACE_ATTACH || req == PTRACE_SEIZE) {
		r = attach(t, o, req == PTRACE_SEIZE, addr, data);
	} else if (req == PTRACE_KILL) {
		if (ours(t, o, false))
			r = signal_send_task(o, SIGKILL, NULL);
	} else if (req == PTRACE_INTERRUPT) {
		r = interrupt(o);
	} else if (ours(t, o, true) && o->mm) {
		r = stopped_request(o, req, addr, data);
	}
	task_put(o);
	return r;
}
