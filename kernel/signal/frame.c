/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of a signal handler on the user stack, and the way back.
 *
 * Layout (x86-64, growing down): red zone of 128 bytes, extended state
 * (64-byte aligned, with Linux's magic words), struct linux_rt_sigframe whose
 * address is 8 below a multiple of 16.
 *
 * Trust: everything that sigreturn reads is the program's word.  Segments and
 * the privileged part of rflags are ours; the extended state's header and
 * MXCSR are checked, because loading a bad one would fault in the machine and
 * not in the program. */
#include "kernel/signal/internal.h"
#include "kernel/syscall/syscall.h"

#define RED_ZONE 128
#define USER_CS 0x33
#define USER_SS 0x2b
#define EFLAGS_USER 0x50dd5ull          /* AC OF DF TF SF ZF AF PF CF RF */
#define EFLAGS_CLEAR 0x10500ull         /* RF DF TF, at the entry of a handler */
#define EFLAGS_DF 0x400ull
#define EFLAGS_TF 0x100ull
#define EFLAGS_RF 0x10000ull
#define XSTATE_LEGACY 512
#define XSTATE_HEADER 64
#define XSTATE_MIN (XSTATE_LEGACY + XSTATE_HEADER)
#define XSTATE_CHECKED 3                /* words of the header that the processor looks at */
#define XFEATURE_FPSSE 3ull
#define FCW_DEFAULT 0x37f
#define MXCSR_DEFAULT 0x1f80u
#define MXCSR_VALID 0xffffu
#define MXCSR_OFFSET 24

STATIC_ASSERT(PLAT_UCONTEXT_SIZE == sizeof(struct linux_ucontext));
STATIC_ASSERT(EFLAGS_CLEAR == (EFLAGS_DF | EFLAGS_TF | EFLAGS_RF));

/* ---- alternate stack ---- */

static bool on_altstack(const struct task *t, uint64_t sp)
{
	if (t->altstack.flags & SS_AUTODISARM)
		return false;
	return sp > t->altstack.sp && sp - t->altstack.sp <= t->altstack.size;
}

static uint32_t altstack_state(const struct task *t, uint64_t sp)
{
	if (!t->altstack.size)
		return SS_DISABLE;
	return on_altstack(t, sp) ? SS_ONSTACK : 0;
}

static void altstack_reset(struct task *t)
{
	t->altstack.sp = t->altstack.size = 0;
	t->altstack.flags = SS_DISABLE;
}

static int altstack_set(struct task *t, const struct linux_stack *ss, uint64_t sp)
{
	uint32_t mode = ss->flags & ~SS_AUTODISARM;

	if (on_altstack(t, sp))
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode == SS_DISABLE) {
		t->altstack.sp = t->altstack.size = 0;
		t->altstack.flags = ss->flags;
		return 0;
	}
	if (ss->size < MINSIGSTKSZ)
		return -ENOMEM;
	t->altstack.sp = ss->sp;
	t->altstack.size = ss->size;
	t->altstack.flags = ss->flags;
	return 0;
}

SYSCALL2(sigaltstack, uaddr, uss, uaddr, uoss)
{
	struct linux_stack ss, old;
	uint64_t sp;
	int err;

	plat_uctx_regs(&t->uctx);
	sp = t->uctx.regs.rsp;
	old = (struct linux_stack){
		.sp = t->altstack.sp,
		.size = t->altstack.size,
		.flags = altstack_state(t, sp) | (t->altstack.flags & SS_AUTODISARM),
	};
	if (uss.va) {
		err = copy_in(&ss, uss, sizeof ss);
		if (err)
			return err;
		err = altstack_set(t, &ss, sp);
		if (err)
			return err;
	}
	return uoss.va ? copy_out(uoss, &old, sizeof old) : 0;
}

/* ---- extended state ---- */

static void xstate_reset(struct task *t)
{
	uint8_t *x = t->uctx.xstate;
	uint16_t fcw = FCW_DEFAULT;
	uint32_t mxcsr = MXCSR_DEFAULT;

	memset(x, 0, plat_xstate_size());
	memcpy(x, &fcw, sizeof fcw);
	memcpy(x + MXCSR_OFFSET, &mxcsr, sizeof mxcsr);
	plat_uctx_xstate_changed(&t->uctx);
}

/* The whole image as a frame carries it, plat_xstate_size() bytes and the
 * closing magic word, into `to`. */
static void xstate_image(struct task *t, uint8_t *to)
{
	size_t size = plat_xstate_size();
	uint32_t magic2 = FP_XSTATE_MAGIC2;
	struct linux_fp_sw_bytes sw = {
		.magic1 = FP_XSTATE_MAGIC1,
		.extended_size = (uint32_t)size + FP_XSTATE_MAGIC2_SIZE,
		.xfeatures = plat_xstate_features(),
		.xstate_size = (uint32_t)size,
	};
	uint64_t bv;

	if (t->uctx.xstate_live)
		plat_uctx_save(&t->uctx);
	memcpy(to, t->uctx.xstate, size);
	memcpy(to + FP_SW_RESERVED_OFFSET, &sw, sizeof sw);
	/* The legacy parts are always there to be looked at and changed. */
	memcpy(&bv, to + XSTATE_LEGACY, sizeof bv);
	bv |= XFEATURE_FPSSE;
	memcpy(to + XSTATE_LEGACY, &bv, sizeof bv);
	memcpy(to + size, &magic2, sizeof magic2);
}

/* Does the image of n bytes carry a whole XSAVE area?  Its size; otherwise
 * only the legacy 512 bytes count. */
static size_t image_size(const uint8_t *image, size_t n)
{
	struct linux_fp_sw_bytes sw;
	uint32_t magic2;

	memcpy(&sw, image + FP_SW_RESERVED_OFFSET, sizeof sw);
	if (sw.magic1 != FP_XSTATE_MAGIC1 || sw.xstate_size < XSTATE_MIN ||
	    sw.xstate_size > plat_xstate_size() || sw.xstate_size > sw.extended_size ||
	    sw.xstate_size + sizeof magic2 > n)
		return XSTATE_LEGACY;
	memcpy(&magic2, image + sw.xstate_size, sizeof magic2);
	return magic2 == FP_XSTATE_MAGIC2 ? sw.xstate_size : XSTATE_LEGACY;
}

/* Load the image into the task if the machine will take it. */
static int image_load(struct task *t, const uint8_t *image, size_t n)
{
	uint8_t *x = t->uctx.xstate;
	struct linux_fp_sw_bytes sw;
	uint64_t header[8];
	uint32_t mxcsr;
	size_t size;

	if (n < XSTATE_LEGACY)
		return -EFAULT;
	memcpy(&mxcsr, image + MXCSR_OFFSET, sizeof mxcsr);
	if (mxcsr & ~MXCSR_VALID)
		return -EFAULT;
	size = image_size(image, n);
	memset(header, 0, sizeof header);
	header[0] = XFEATURE_FPSSE;
	if (size > XSTATE_LEGACY) {
		memcpy(&sw, image + FP_SW_RESERVED_OFFSET, sizeof sw);
		memcpy(header, image + XSTATE_LEGACY, sizeof header);
		for (unsigned i = 1; i < XSTATE_CHECKED; i++)
			if (header[i])
				return -EFAULT;
		if (header[0] & ~plat_xstate_features())
			return -EFAULT;
		header[0] &= sw.xfeatures;
	}
	memcpy(x, image, size);
	memcpy(x + XSTATE_LEGACY, header, sizeof header);
	return 0;
}

/* The extended state at `at`: 0, or -errno with the state reset. */
static int xstate_pop(struct task *t, uint64_t at)
{
	size_t most = plat_xstate_size() + FP_XSTATE_MAGIC2_SIZE;
	uint8_t *image;
	int err;

	xstate_reset(t);
	if (!at)
		return 0;
	if (at & 63)
		return -EFAULT;
	image = kmalloc(most);
	if (!image)
		return -ENOMEM;
	/* Read once: what is checked is what is loaded. */
	err = image_load(t, image, most - copy_in_partial(image, (uaddr){ at }, most));
	kfree(image);
	return err;
}

void signal_xstate_failed(struct task *t)
{
	uint64_t at = t->xstate_in.at;

	t->xstate_in.at = 0;
	if (!xstate_pop(t, at))
		return;
	t->altstack = t->xstate_in.altstack;
	signal_force(SIGSEGV, NULL);
}

void signal_xstate_settle(struct task *t)
{
	copy_out_finish(t);
	if (!t->uctx.rider_err) {
		t->xstate_in.at = 0;
		return;
	}
	t->uctx.rider_err = 0;
	signal_xstate_failed(t);
}

/* ---- the frame ---- */

static bool frame_place(struct task *t, const struct ksigaction *ka,
			uint64_t *ret_frame, uint64_t *ret_fp)
{
	uint64_t sp = t->uctx.regs.rsp - RED_ZONE, frame, fp;
	size_t xsize = plat_xstate_size() + FP_XSTATE_MAGIC2_SIZE;
	bool on_alt = on_altstack(t, t->uctx.regs.rsp), entering = false;

	if (ka->flags & SA_ONSTACK && altstack_state(t, t->uctx.regs.rsp) == 0) {
		sp = t->altstack.sp + t->altstack.size;
		entering = true;
	}
	fp = align_down(sp - xsize, 64);
	frame = align_down(fp - sizeof(struct linux_rt_sigframe), 16) - 8;
	if (frame > sp)
		return false;
	/* An overflow of the alternate stack must not run into what lies below. */
	if ((on_alt || entering) && (frame <= t->altstack.sp || frame - t->altstack.sp > t->altstack.size))
		return false;
	*ret_frame = frame;
	*ret_fp = fp;
	return true;
}

static void frame_fill(struct task *t, struct linux_rt_sigframe *f, const struct linux_siginfo *info,
		       const struct ksigaction *ka, uint64_t oldmask, uint64_t fp)
{
	const struct plat_regs *r = &t->uctx.regs;
	struct linux_sigcontext *sc = &f->uc.mcontext;

	memset(f, 0, sizeof *f);
	f->pretcode = ka->restorer;
	f->info = *info;
	f->uc.flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	f->uc.stack.sp = t->altstack.sp;
	f->uc.stack.size = t->altstack.size;
	f->uc.stack.flags = t->altstack.flags;
	if (!t->altstack.size)
		f->uc.stack.flags |= SS_DISABLE;
	f->uc.sigmask = oldmask;
	*sc = (struct linux_sigcontext){
		.r8 = r->r8, .r9 = r->r9, .r10 = r->r10, .r11 = r->r11,
		.r12 = r->r12, .r13 = r->r13, .r14 = r->r14, .r15 = r->r15,
		.rdi = r->rdi, .rsi = r->rsi, .rbp = r->rbp, .rbx = r->rbx,
		.rdx = r->rdx, .rax = r->rax, .rcx = r->rcx, .rsp = r->rsp,
		.rip = r->rip, .rflags = r->rflags,
		.cs = USER_CS, .ss = USER_SS,
		.err = t->last_trap.err, .trapno = t->last_trap.trapno,
		.cr2 = t->last_trap.cr2, .oldmask = oldmask, .fpstate = fp,
	};
}

/* The frame and the extended state behind it: by the task itself on its way
 * back, or by one copy. */
static bool frame_write(struct task *t, const struct linux_rt_sigframe *f, uint64_t at, uint64_t fp)
{
	size_t size = fp + plat_xstate_size() + FP_XSTATE_MAGIC2_SIZE - at;
	uint8_t *image;
	bool ok;

	if (copy_out_frame(at, (const uint64_t *)f, fp, size))
		return true;
	image = kmalloc(size);
	if (!image)
		return false;
	memset(image, 0, fp - at);
	memcpy(image, f, sizeof *f);
	xstate_image(t, image + (fp - at));
	ok = !copy_out((uaddr){ at }, image, size);
	kfree(image);
	if (ok)
		xstate_reset(t);
	return ok;
}

bool signal_frame_push(struct task *t, int signo, const struct linux_siginfo *info,
		       const struct ksigaction *ka, uint64_t oldmask)
{
	struct plat_regs *r = &t->uctx.regs;
	struct linux_rt_sigframe f;
	uint64_t at, fp;

	plat_uctx_regs(&t->uctx);
	/* The frame holds the call's result: it must be final. */
	if (unlikely(t->ride.kind))
		ride_settle_slow(t);
	/* No return path without a restorer: the x86-64 ABI demands it. */
	if (!(ka->flags & SA_RESTORER))
		return false;
	if (!frame_place(t, ka, &at, &fp))
		return false;
	frame_fill(t, &f, info, ka, oldmask, fp);
	if (!frame_write(t, &f, at, fp))
		return false;
	if (t->altstack.flags & SS_AUTODISARM)
		altstack_reset(t);
	r->rdi = (uint64_t)signo;
	r->rsi = at + offsetof(struct linux_rt_sigframe, info);
	r->rdx = at + offsetof(struct linux_rt_sigframe, uc);
	r->rax = 0;
	r->rip = ka->handler;
	r->rsp = at;
	r->rflags &= ~EFLAGS_CLEAR;
	r->cs = USER_CS;
	r->ss = USER_SS;
	r->orig_rax = UINT64_MAX;
	t->uctx.regs_changed = true;
	return true;
}

static void regs_restore(struct task *t, const struct linux_sigcontext *sc)
{
	struct plat_regs *r = &t->uctx.regs;

	r->r8 = sc->r8; r->r9 = sc->r9; r->r10 = sc->r10; r->r11 = sc->r11;
	r->r12 = sc->r12; r->r13 = sc->r13; r->r14 = sc->r14; r->r15 = sc->r15;
	r->rdi = sc->rdi; r->rsi = sc->rsi; r->rbp = sc->rbp; r->rbx = sc->rbx;
	r->rdx = sc->rdx; r->rax = sc->rax; r->rcx = sc->rcx; r->rsp = sc->rsp;
	r->rip = sc->rip;
	r->rflags = (r->rflags & ~EFLAGS_USER) | (sc->rflags & EFLAGS_USER);
	r->cs = USER_CS;
	r->ss = USER_SS;
	r->orig_rax = UINT64_MAX;
	t->uctx.regs_changed = true;
}

SYSCALL0(rt_sigreturn)
{
	struct linux_ucontext uc;
	uint64_t at, fp;

	plat_uctx_regs(&t->uctx);
	at = t->uctx.regs.rsp - sizeof(uint64_t) + offsetof(struct linux_rt_sigframe, uc);
	if (copy_in(&uc, (uaddr){ at }, sizeof uc))
		goto bad;
	signal_set_blocked(uc.sigmask);
	regs_restore(t, &uc.mcontext);
	t->xstate_in.altstack = t->altstack;
	fp = uc.mcontext.fpstate;
	if (fp && plat_ride_xstate_in(t->mm->as, &t->uctx, fp))
		t->xstate_in.at = fp;
	else if (xstate_pop(t, fp))
		goto bad;
	/* As Linux: a stack that cannot be set again is no reason to die. */
	(void)altstack_set(t, &uc.stack, t->uctx.regs.rsp);
	return SYSCALL_NO_RESULT;
bad:
	t->uctx.regs.orig_rax = UINT64_MAX;
	signal_force(SIGSEGV, NULL);
	return SYSCALL_NO_RESULT;
}
