/* SPDX-License-Identifier: Apache-2.0 */
/* sigframe.h: the host's signal frame on x86-64.
 *
 * Layout as in the kernel's uapi asm/sigcontext.h and ucontext.h; the place
 * of the frame below the top of the signal stack, its flags and the size of
 * the extended state are learnt from one signal of our own at start.
 * Source: frame.c. */
#ifndef NACRE_PROCESS_SIGFRAME_H
#define NACRE_PROCESS_SIGFRAME_H

#include <base/types.h>

#include "platform/process/stub_layout.h"

struct sigmcontext {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t di, si, bp, bx, dx, ax, cx, sp, ip, flags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2, fpstate, reserved[8];
};

struct sigframe {
	uint64_t pretcode;
	struct {
		uint64_t flags, link;
		uint64_t stack_sp;
		int32_t stack_flags;
		uint32_t pad;
		uint64_t stack_size;
		struct sigmcontext mc;
		uint64_t sigmask;
	} uc;
	int32_t info_signo, info_errno, info_code, info_pad;
	uint64_t info_addr;
	int32_t info_syscall;
	uint32_t info_arch;
	uint8_t info_rest[96];
};
STATIC_ASSERT(offsetof(struct sigframe, uc.mc.ip) == 8 + 168);
STATIC_ASSERT(offsetof(struct sigframe, info_signo) == 8 + 304);

#define FRAME_ARCH_X86_64 0xc000003eu   /* AUDIT_ARCH_X86_64 */
#define FRAME_TRAP_PAGE_FAULT 14

extern struct frame_shape {
	uint32_t frame_off, fp_off;     /* in a mailbox */
	uint64_t uc_flags;
	uint64_t features;              /* XCR0 bits in the frame */
	uint32_t xstate_size;           /* XSAVE image */
	uint32_t extended_size;         /* with the trailing mark */
	uint32_t mxcsr_mask;
	uint32_t slot_count;
	bool grants_fit;                /* below all that */
	uint32_t slot_image[SLOTS_MAX]; /* in a mailbox: extended state of a slot */
} frame_shape;

/* Between a context's XSAVE image and the frame.  What goes into the frame is
 * made acceptable to the host, whatever the image says. */
void frame_xstate_load(uint8_t *frame_fp, const void *xstate);
void frame_xstate_describe(uint8_t *frame_fp);  /* an image that the stub saved there */
void frame_xstate_save(void *xstate, const uint8_t *frame_fp);

#endif
