/* SPDX-License-Identifier: Apache-2.0 */
/* frame.c: signal frames of the program, made and taken back by its own thread:
 * the extended state goes between the machine and the program's memory without
 * a detour through the kernel.
 *
 * After a trap by the gate the state is in the registers: one XSAVE or XRSTOR.
 * After a host signal it is in that signal's frame, in the mailbox: a copy.
 * What is written is what Linux writes; what is read must look exactly like
 * that.  Anything else (no mark, another size, other features, what the
 * processor refuses) is the kernel's to judge: it is told, reads the frame itself,
 * and loads or refuses it.  The state is then whatever it is.
 *
 * Trust: the image may change while it is read.  It is then the processor that
 * refuses or not, as for the host's kernel; it loads nothing but what these
 * instructions are asked for, and nothing in here uses those registers. */
#include <linux_abi/signal.h>

#include "platform/process/sigframe.h"

#define ERR_FAULT (-14)
#define ERR_INVALID (-22)
#define SW_AT FP_SW_RESERVED_OFFSET
#define HEADER_AT 512
#define HEADER_END 576
#define MXCSR_AT 24
#define MXCSR_INITIAL 0x1f80
#define LEGACY 3u                       /* x87 and SSE */
#define FEATURE_PKRU (1ull << 9)
#define TAIL_MAX 64                     /* of an image, to the next multiple of this */

struct head {                           /* at SW_AT of an image */
	struct linux_fp_sw_bytes sw;
	uint64_t header[8];
};
STATIC_ASSERT(SW_AT + sizeof(struct head) == HEADER_END);
STATIC_ASSERT(sizeof(struct linux_rt_sigframe) == FRAME_WORDS * sizeof(uint64_t));
STATIC_ASSERT(offsetof(struct linux_rt_sigframe, uc.mcontext) == FRAME_WORD_REGS * sizeof(uint64_t));
STATIC_ASSERT(offsetof(struct linux_sigcontext, rflags) == offsetof(struct stub_load, flags));
STATIC_ASSERT(offsetof(struct linux_sigcontext, rbx) == offsetof(struct stub_load, rbx));

uint64_t stub_copy(uint64_t dst, uint64_t src, uint64_t n);
int64_t stub_xsave(uint64_t to, uint64_t features);
int64_t stub_xrstor(uint64_t from, uint64_t features);
int64_t stub_frame(struct stub_box *box, const struct stub_cmd *cmd);
void stub_load_make(struct stub_box *box, bool as_saved);
extern const uint8_t initial_xstate[];

static inline const struct stub_config *config(void)
{
	return (const void *)(STUB_BASE + IMAGE_CONFIG);
}

static bool put(uint64_t to, const void *from, uint64_t n) { return stub_copy(to, (uint64_t)from, n) == 0; }
static bool get(void *to, uint64_t from, uint64_t n) { return stub_copy((uint64_t)to, from, n) == 0; }

/* Its end: zeroes to the size that the frame tells, and the mark. */
static bool put_tail(uint64_t to)
{
	const struct stub_config *c = config();
	uint8_t tail[TAIL_MAX + sizeof(uint32_t)] = { 0 };
	uint32_t pad = (c->xstate_size - c->host_xstate_size) % TAIL_MAX;
	const uint32_t magic2 = FP_XSTATE_MAGIC2;

	__builtin_memcpy(tail + pad, &magic2, sizeof(magic2));
	return put(to + c->xstate_size - pad, tail, pad + sizeof(magic2));
}

static void describe(struct head *h, uint64_t in_use)
{
	const struct stub_config *c = config();

	*h = (struct head){
		.sw = {
			.magic1 = FP_XSTATE_MAGIC1, .extended_size = c->xstate_size + FP_XSTATE_MAGIC2_SIZE,
			.xfeatures = c->features, .xstate_size = c->xstate_size,
		},
		.header = { in_use },
	};
}

static bool good(const struct head *h)
{
	const struct stub_config *c = config();

	/* Rights to memory that the stub itself may need: not by this way. */
	return h->sw.magic1 == FP_XSTATE_MAGIC1 && h->sw.extended_size == c->xstate_size + FP_XSTATE_MAGIC2_SIZE &&
	       h->sw.xfeatures == c->features && h->sw.xstate_size == c->xstate_size &&
	       !(h->header[0] & ~(c->features & ~FEATURE_PKRU)) && !h->header[1] && !h->header[2];
}

static int64_t out_registers(struct stub_box *box, uint64_t at)
{
	struct head h;

	/* The processor writes but the first word of the header. */
	describe(&h, 0);
	if (!put(at + SW_AT, &h, sizeof(h)) || stub_xsave(at, config()->features) || !put_tail(at))
		return ERR_FAULT;
	box_slot(box, box->slot % SLOTS_MAX)->saved = 0;
	return stub_xrstor((uint64_t)initial_xstate, config()->features);
}

static int64_t out_mailbox(uint8_t *fp, uint64_t at)
{
	const struct stub_config *c = config();
	uint64_t in_use = *(uint64_t *)(fp + HEADER_AT) & c->features;
	struct head h;

	describe(&h, in_use | LEGACY);
	if (!put(at, fp, SW_AT) || !put(at + SW_AT, &h, sizeof(h)) ||
	    !put(at + HEADER_END, fp + HEADER_END, c->host_xstate_size - HEADER_END) || !put_tail(at))
		return ERR_FAULT;
	*(uint64_t *)(fp + HEADER_AT) = 0;
	*(uint32_t *)(fp + MXCSR_AT) = MXCSR_INITIAL;
	return 0;
}

/* What the registers were when the thread came by the gate, rax apart. */
static void load_saved(const struct stub_box *box, struct stub_load *l)
{
	uint64_t at = box->saved.rip, high = at >> GATE_FLAGS_SHIFT, rip = at & ((1ull << GATE_FLAGS_SHIFT) - 1);
	uint64_t flags = (high >> 8 & FLAGS_LAHF) | (high & 1) << FLAG_OF_SHIFT | FLAGS_FIXED;

	*l = (struct stub_load){
		.r8 = box->saved.r8, .r9 = box->saved.r9, .r10 = box->saved.r10, .r11 = flags,
		.r12 = box->saved.r12, .r13 = box->saved.r13, .r14 = box->saved.r14, .r15 = box->saved.r15,
		.rdi = box->saved.rdi, .rsi = box->saved.rsi, .rbp = box->saved.rbp, .rbx = box->saved.rbx,
		.rdx = box->saved.rdx, .rcx = rip, .rsp = box->saved.rsp, .rip = rip, .flags = flags,
	};
}

static void take_given(uint64_t *to, uint64_t count, uint64_t which, const uint64_t *word)
{
	which &= (1ull << count) - 1;
	for (; which; which &= which - 1)
		to[__builtin_ctzll(which)] = *word++;
}

/* What the gate's exit loads: as it was saved, but rax, or as the kernel tells. */
void stub_load_make(struct stub_box *box, bool as_saved)
{
	struct stub_regs *r = box_regs(box);

	load_saved(box, &r->load);
	if (as_saved)
		r->load.rax = box->line.copy.result;
	else
		take_given((uint64_t *)&r->load, LOAD_WORDS, r->given.which, r->given.word);
}

static int64_t frame_out(struct stub_box *box, const struct stub_cmd *cmd, uint8_t *fp)
{
	uint64_t frame[FRAME_WORDS] = { 0 };

	if (!fp)
		load_saved(box, (struct stub_load *)(frame + FRAME_WORD_REGS));
	take_given(frame, FRAME_WORDS, cmd->a[4], (const uint64_t *)((uint8_t *)box + cmd->a[5]));
	if (!put(cmd->a[0], frame, sizeof(frame)))
		return ERR_FAULT;
	return fp ? out_mailbox(fp, cmd->a[3]) : out_registers(box, cmd->a[3]);
}

static int64_t in_mailbox(uint8_t *fp, uint64_t at, const struct head *h)
{
	const struct stub_config *c = config();

	if (!get(fp, at, SW_AT) || !get(fp + HEADER_END, at + HEADER_END, c->host_xstate_size - HEADER_END))
		return ERR_FAULT;
	__builtin_memcpy(fp + HEADER_AT, h->header, sizeof(h->header));
	return *(uint32_t *)(fp + MXCSR_AT) & ~c->mxcsr_mask ? ERR_INVALID : 0;
}

static int64_t in(struct stub_box *box, uint8_t *fp, uint64_t at)
{
	struct head h;
	uint32_t magic2;

	if (!get(&h, at + SW_AT, sizeof(h)) || !get(&magic2, at + config()->xstate_size, sizeof(magic2)))
		return ERR_FAULT;
	if (magic2 != FP_XSTATE_MAGIC2 || !good(&h))
		return ERR_INVALID;
	if (fp)
		return in_mailbox(fp, at, &h);
	box_slot(box, box->slot % SLOTS_MAX)->saved = 0;
	return stub_xrstor(at, config()->features);
}

int64_t stub_frame(struct stub_box *box, const struct stub_cmd *cmd)
{
	uint8_t *fp = cmd->a[1] ? (uint8_t *)box + cmd->a[1] : (uint8_t *)0;

	return cmd->op == OP_XSTATE_IN ? in(box, fp, cmd->a[0]) : frame_out(box, cmd, fp);
}
