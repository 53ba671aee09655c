/* SPDX-License-Identifier: Apache-2.0 */
/* frame.c: the shape of the host's signal frame, and extended state in it.
 *
 * The host writes a frame in XSAVE standard format followed by a mark; in the
 * 48 software bytes at 464 it says which features and how many bytes.  Giving
 * the same description back makes rt_sigreturn restore all of it. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/process/internal.h"
#include "platform/process/sigframe.h"

#define FP_MXCSR 24
#define FP_MXCSR_MASK 28
#define FP_SW 464
#define FP_XSTATE_BV 512
#define FP_XHEADER_END 576
#define FP_MAGIC1 0x46505853u
#define FP_MAGIC2 0x46505845u
#define MXCSR_MASK_DEFAULT 0xffbfu
#define STACK_USED 0x1000               /* of a mailbox's signal stack, beside frames */
#define AMX_FEATURES (3ull << 17)       /* tile configuration is in every frame; never for programs */

struct fp_sw { uint32_t magic1, extended_size; uint64_t features; uint32_t xstate_size, pad[7]; };
STATIC_ASSERT(sizeof(struct fp_sw) == 48);

struct frame_shape frame_shape;

static uint8_t *learn_area;
static int learn_err;

static void on_learn(__unused_arg int signo, __unused_arg siginfo_t *si, void *context)
{
	const struct sigframe *f = (const void *)((uint8_t *)context - offsetof(struct sigframe, uc));
	const uint8_t *fp = (const uint8_t *)f->uc.mc.fpstate;
	struct fp_sw sw;

	memcpy(&sw, fp + FP_SW, sizeof(sw));
	memcpy(&frame_shape.mxcsr_mask, fp + FP_MXCSR_MASK, 4);
	if (sw.magic1 != FP_MAGIC1) {
		learn_err = -ENOSYS;            /* no XSAVE */
		return;
	}
	frame_shape.frame_off = (uint32_t)((const uint8_t *)f - learn_area);
	frame_shape.fp_off = (uint32_t)(fp - learn_area);
	frame_shape.uc_flags = f->uc.flags;
	frame_shape.features = sw.features & ~AMX_FEATURES;
	frame_shape.xstate_size = sw.xstate_size;
	frame_shape.extended_size = sw.extended_size;
}

/* The first where a frame that resumes a trap by the gate has room for it, the others below the
 * signal stack, of which little is used but two frames. */
static void slots_place(void)
{
	uint32_t size = (uint32_t)align_up(frame_shape.extended_size, 64), n = 1;
	uint32_t end = frame_shape.frame_off - (BOX_SIZE - frame_shape.frame_off) - STACK_USED;

	frame_shape.slot_image[0] = frame_shape.fp_off - GATE_BELOW;
	for (uint32_t at = BOX_STACK; n < SLOTS_MAX && at + size <= end && end < BOX_SIZE; at += size)
		frame_shape.slot_image[n++] = at;
	frame_shape.slot_count = n;
}

int frame_init(void)
{
	struct sigaction sa = { .sa_sigaction = on_learn, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	struct sigaction old_sa;
	stack_t ss, old_ss;
	uint8_t *map = mmap(NULL, 2 * BOX_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return -ENOMEM;
	/* A stack placed in an aligned area as it is in a mailbox. */
	learn_area = (uint8_t *)align_up((uintptr_t)map, BOX_SIZE);
	ss = (stack_t){ .ss_sp = learn_area + BOX_STACK, .ss_size = BOX_STACK_SIZE };
	learn_err = -EIO;
	if (sigaltstack(&ss, &old_ss) == 0 && sigaction(KICK_SIGNAL, &sa, &old_sa) == 0) {
		learn_err = 0;
		if (syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), KICK_SIGNAL) < 0)
			learn_err = -errno;
		sigaction(KICK_SIGNAL, &old_sa, NULL);
		old_ss.ss_flags &= SS_DISABLE;
		sigaltstack(&old_ss, NULL);
	}
	munmap(map, 2 * BOX_SIZE);
	if (learn_err)
		return learn_err;
	if (!frame_shape.mxcsr_mask)
		frame_shape.mxcsr_mask = MXCSR_MASK_DEFAULT;
	if (frame_shape.frame_off < BOX_GRANT_DATA + GATE_BELOW ||
	    frame_shape.xstate_size < FP_XHEADER_END ||
	    frame_shape.fp_off + frame_shape.extended_size > BOX_SIZE)
		return -ENOSYS;
	slots_place();
	frame_shape.grants_fit = frame_shape.frame_off >= BOX_GRANTS_END + GATE_BELOW;
	return 0;
}

void frame_xstate_describe(uint8_t *frame_fp)
{
	const struct fp_sw sw = {
		.magic1 = FP_MAGIC1, .extended_size = frame_shape.extended_size,
		.features = frame_shape.features, .xstate_size = frame_shape.xstate_size,
	};
	const uint32_t magic2 = FP_MAGIC2;

	memcpy(frame_fp + FP_SW, &sw, sizeof(sw));
	memset(frame_fp + FP_XSTATE_BV + 8, 0, FP_XHEADER_END - FP_XSTATE_BV - 8);
	memcpy(frame_fp + frame_shape.xstate_size, &magic2, 4);
}

void frame_xstate_load(uint8_t *frame_fp, const void *xstate)
{
	uint64_t features;
	uint32_t mxcsr;

	memcpy(&features, (const uint8_t *)xstate + FP_XSTATE_BV, 8);
	features &= frame_shape.features;
	memcpy(&mxcsr, (const uint8_t *)xstate + FP_MXCSR, 4);
	mxcsr &= frame_shape.mxcsr_mask;
	memcpy(frame_fp, xstate, frame_shape.xstate_size);
	memcpy(frame_fp + FP_MXCSR, &mxcsr, 4);
	memcpy(frame_fp + FP_XSTATE_BV, &features, 8);
	frame_xstate_describe(frame_fp);
}

void frame_xstate_save(void *xstate, const uint8_t *frame_fp)
{
	memcpy(xstate, frame_fp, frame_shape.xstate_size);
	memset((uint8_t *)xstate + FP_SW, 0, sizeof(struct fp_sw));
}

size_t plat_xstate_size(void) { return align_up(frame_shape.xstate_size, 64); }
uint64_t plat_xstate_features(void) { return frame_shape.features; }

void plat_user_init(struct plat_uctx *u)
{
	const uint16_t fcw = 0x37f;
	const uint32_t mxcsr = 0x1f80;
	const uint64_t bv = 3;
	uint8_t *x = u->xstate;

	memset(&u->regs, 0, sizeof(u->regs));
	u->regs.cs = 0x33;
	u->regs.ss = 0x2b;
	u->regs.rflags = 0x202;
	u->regs_changed = true;
	u->riders = false;
	u->rider_err = 0;
	u->answers = (struct plat_answers){ .valid = false };
	u->answers_changed = true;
	plat_uctx_drop(u);
	u->xstate_live = u->regs_partial = false;
	u->cookie = 0;
	if (!x)
		return;
	memset(x, 0, plat_xstate_size());
	memcpy(x, &fcw, sizeof(fcw));
	memcpy(x + FP_MXCSR, &mxcsr, sizeof(mxcsr));
	memcpy(x + FP_MXCSR_MASK, &frame_shape.mxcsr_mask, 4);
	memcpy(x + FP_XSTATE_BV, &bv, sizeof(bv));
}
