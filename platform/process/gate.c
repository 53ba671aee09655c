/* SPDX-License-Identifier: Apache-2.0 */
/* gate.c: traps by the stub's gate, the kernel's side.
 *
 * Patched call sites jump to the gate (stub/entry.S), which leaves the
 * registers in the mailbox instead of a signal frame.  The extended state stays
 * in the thread's registers and is copied to the place of a frame (GATE_BELOW
 * the usual one) while the kernel already works.  When nothing but rax has
 * changed, the thread goes on with the registers it has; anything else goes
 * through a whole new frame, as after a signal.
 *
 * Trust: registers are read once, by value, and made valid as those of a
 * frame.  A forged trap by the gate is as good as a forged frame: it says
 * something about the forger's own process.  What the kernel compares on
 * resume is its own copy. */
#include <string.h>
#include <sys/syscall.h>

#include "platform/process/internal.h"
#include "platform/process/sigframe.h"
#include "platform/process/stub/ahead.h"

uint64_t plat_syscall_gate(void)
{
	const struct stub_image *image = (const void *)process_stub_image;

	return STUB_BASE + image->gate;
}

#define BOX_READ(field) __atomic_load_n(&box->field, __ATOMIC_RELAXED)

/* Those of the call; the others when somebody asks. */
void gate_regs_read(struct app_thread *th, const struct stub_box *box, struct plat_regs *r)
{
	uint64_t at = BOX_READ(line.rip), nr = BOX_READ(line.nr);
	uint64_t rip = at & ((1ull << GATE_FLAGS_SHIFT) - 1), high = at >> GATE_FLAGS_SHIFT;
	uint64_t flags = (high >> 8 & FLAGS_LAHF) | (high & 1) << FLAG_OF_SHIFT | RFLAGS_FIXED;

	if (unlikely(nr == NR_LONG))
		nr = BOX_READ(saved.rax);
	*r = (struct plat_regs){
		.rdi = BOX_READ(line.arg[0]), .rsi = BOX_READ(line.arg[1]), .rdx = BOX_READ(line.arg[2]),
		.r10 = BOX_READ(line.arg[3]), .r8 = BOX_READ(line.arg[4]), .r9 = BOX_READ(line.arg[5]),
		.r11 = flags, .rax = nr, .rcx = rip, .orig_rax = nr,
		.rip = rip, .cs = CS_USER, .rflags = flags, .ss = SS_USER,
	};
	slot_now(th)->gate_regs = *r;
	slot_now(th)->at_gate = true;
}

static void regs_rest(struct plat_regs *to, const struct plat_regs *from)
{
	to->rsp = from->rsp;
	to->rbx = from->rbx;
	to->rbp = from->rbp;
	to->r12 = from->r12;
	to->r13 = from->r13;
	to->r14 = from->r14;
	to->r15 = from->r15;
	to->fs_base = from->fs_base;
}

/* The thread's own lines of the mailbox: it does not touch them while parked. */
void gate_regs_rest(struct app_thread *th, const struct stub_box *box, struct plat_regs *r)
{
	const struct plat_regs rest = {
		.rsp = BOX_READ(saved.rsp), .rbx = BOX_READ(saved.rbx), .rbp = BOX_READ(saved.rbp),
		.r12 = BOX_READ(saved.r12), .r13 = BOX_READ(saved.r13), .r14 = BOX_READ(saved.r14),
		.r15 = BOX_READ(saved.r15), .fs_base = base_valid(BOX_READ(fs_base)),
	};

	regs_rest(r, &rest);
	regs_rest(&slot_now(th)->gate_regs, &rest);
}

/* The same of a context that the thread does not have at the moment. */
void gate_regs_parked(struct slot *slot, const struct stub_slot *from, struct plat_regs *r)
{
	enum { RSP = (BOX_RSP - BOX_RIP) / 8, RBX, RBP, R12, R13, R14, R15 };
	const uint64_t *word = from->word;
	const struct plat_regs rest = {
		.rsp = __atomic_load_n(&word[RSP], __ATOMIC_RELAXED), .rbx = __atomic_load_n(&word[RBX], __ATOMIC_RELAXED),
		.rbp = __atomic_load_n(&word[RBP], __ATOMIC_RELAXED), .r12 = __atomic_load_n(&word[R12], __ATOMIC_RELAXED),
		.r13 = __atomic_load_n(&word[R13], __ATOMIC_RELAXED), .r14 = __atomic_load_n(&word[R14], __ATOMIC_RELAXED),
		.r15 = __atomic_load_n(&word[R15], __ATOMIC_RELAXED),
		.fs_base = base_valid(__atomic_load_n(&from->fs_base, __ATOMIC_RELAXED)),
	};

	regs_rest(r, &rest);
	regs_rest(&slot->gate_regs, &rest);
}

/* There is a copy for call nr.  A path will be wanted for sure, very soon. */
void ahead_announce(struct app_thread *th, const struct stub_box *box, uint64_t nr)
{
	th->ahead_waits = true;
	if (nr < ARRAY_SIZE(ahead_table) && ahead_table[nr].kind == AHEAD_STRING)
		__builtin_prefetch((const uint8_t *)box + BOX_DATA);
}

/* What the thread says it has copied, at `at`: read once.  Whatever it says, the
 * next one lies behind it, and all in their place. */
static struct ahead_at ahead_at(const struct stub_box *box, uint32_t at)
{
	const struct stub_ahead *a = (const void *)((const uint8_t *)box + at);
	const uint32_t limit = BOX_DATA + BOX_AHEAD_SIZE, head = offsetof(struct stub_ahead, data);
	struct ahead_at ret = { .addr = __atomic_load_n(&a->addr, __ATOMIC_RELAXED), .off = at + head };
	uint64_t size = __atomic_load_n(&a->size, __ATOMIC_RELAXED), next;

	if (DEFENCE(AHEAD))
		size = MIN(size, (uint64_t)(limit - ret.off));
	if (add_overflows(ret.addr, size, &ret.end))
		return (struct ahead_at){ 0 };
	next = align_up(ret.off + size, 8);
	if (__atomic_load_n(&a->more, __ATOMIC_RELAXED) && next + head <= limit)
		ret.next = (uint32_t)next;
	return ret;
}

/* Fetched when it is wanted: not every call reads it (a write to /dev/null). */
size_t ahead_find(struct app_thread *th, const struct stub_box *box, uint64_t src, size_t n)
{
	struct ahead_at a;

	if (th->ahead_waits)
		th->ahead = ahead_at(box, BOX_DATA);
	th->ahead_waits = false;
	a = th->ahead;
	while (src < a.addr || src >= a.end || n > a.end - src) {
		if (!a.next)
			return 0;
		a = ahead_at(box, a.next);
	}
	th->ahead = a;
	return a.end - src;
}

/* Memory of the program that its thread copied into the mailbox before it
 * trapped: good until the task gives up the CPU, each byte once. */
bool ahead_copy_in(struct app_thread *th, const struct stub_box *box, void *dst, uint64_t src, size_t n)
{
	struct ahead_at *a = &th->ahead;
	uint64_t skip;

	if (!ahead_find(th, box, src, n))
		return false;
	skip = src - a->addr;
	memcpy(dst, (const uint8_t *)box + a->off + skip, n);
	a->addr += skip + n;
	a->off += (uint32_t)(skip + n);
	return true;
}

/* May the thread go on with the registers that it has, but for rax? */
bool gate_resumable(struct slot *slot, const struct plat_regs *r)
{
	struct plat_regs *g = &slot->gate_regs;

	if (!slot->at_gate || r->rip >= USER_HI)
		return false;
	g->rax = r->rax;
	g->orig_rax = r->orig_rax;
	return !memcmp(g, r, sizeof(*g));
}

/* May the gate's exit load these, all of them? */
bool gate_loadable(const struct slot *slot, const struct plat_regs *r)
{
	return slot->at_gate && r->rip < USER_HI && !(r->rflags & FLAGS_ODD) && !r->gs_base &&
	       r->fs_base == slot->gate_regs.fs_base;
}

static struct stub_load load_of(const struct plat_regs *r)
{
	return (struct stub_load){
		.r8 = r->r8, .r9 = r->r9, .r10 = r->r10, .r11 = r->r11,
		.r12 = r->r12, .r13 = r->r13, .r14 = r->r14, .r15 = r->r15,
		.rdi = r->rdi, .rsi = r->rsi, .rbp = r->rbp, .rbx = r->rbx,
		.rdx = r->rdx, .rax = r->rax, .rcx = r->rcx, .rsp = r->rsp, .rip = r->rip,
		.flags = (r->rflags & RFLAGS_USER) | RFLAGS_FIXED,
	};
}

/* Those registers that the thread must be told go to word; which they are. */
uint64_t gate_words(const struct slot *slot, uint64_t *word, const struct stub_load *want)
{
	struct stub_load have = load_of(&slot->gate_regs);
	const uint64_t *h = (const uint64_t *)&have, *w = (const uint64_t *)want;
	uint64_t which = 0;

	have.rax = 0;                   /* the call's number, when it trapped */
	for (unsigned i = 0; i < LOAD_WORDS; i++)
		if (h[i] != w[i]) {
			which |= 1ull << i;
			*word++ = w[i];
		}
	return which;
}

void gate_load(const struct slot *slot, struct stub_box *box, const struct plat_regs *r)
{
	struct stub_regs *to = box_regs(box);
	struct stub_load want = load_of(r);

	to->given.which = gate_words(slot, to->given.word, &want);
}

/* ---- answers -------------------------------------------------------------- */

static void answers_clear(struct stub_box *box)
{
	for (unsigned nr = 0; nr < ANSWER_NUMBERS; nr++)
		__atomic_store_n(&box->answer_valid[nr], 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* The context that is about to run may have other answers than what is there. */
void answers_store(const struct stub *s, struct app_thread *th, struct stub_box *box, const struct plat_answers *a)
{
	struct plat_answers *there = &th->answers;
	const struct { uint32_t nr, value, there; } list[] = {
		{ SYS_getpid, a->pid, there->pid }, { SYS_gettid, a->tid, there->tid },
		{ SYS_getuid, a->uid, there->uid }, { SYS_geteuid, a->euid, there->euid },
		{ SYS_getgid, a->gid, there->gid }, { SYS_getegid, a->egid, there->egid },
	};
	const bool valid = there->valid;

	if (!a->valid || __atomic_load_n(&s->answers_off, __ATOMIC_RELAXED)) {
		if (valid)
			answers_clear(box);
		there->valid = false;
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		if (!valid || list[i].value != list[i].there)
			__atomic_store_n(&box->answer[list[i].nr], list[i].value, __ATOMIC_RELAXED);
		if (!valid)
			__atomic_store_n(&box->answer_valid[list[i].nr], 1, __ATOMIC_RELAXED);
	}
	*there = *a;
	if (valid)
		return;
	/* Either this sees the revocation or the revoker clears after this. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&s->answers_off, __ATOMIC_SEQ_CST))
		answers_clear(box);
}

void plat_answers_revoke(plat_as_t as)
{
	struct stub *s = stub_find(as.id);

	if (!s)
		return;
	__atomic_store_n(&s->answers_off, true, __ATOMIC_SEQ_CST);
	for (unsigned cpu = 0; cpu < process.cpu_count; cpu++)
		answers_clear(stub_box_nr(s, cpu));
}
