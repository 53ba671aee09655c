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

#define XSTATE_POLL_NS (200 * 1000ull)
#define XSTATE_NS (10 * NSEC_PER_SEC)

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
	th->gate_regs = *r;
	th->at_gate = true;
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
	regs_rest(&th->gate_regs, &rest);
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
bool gate_resumable(struct app_thread *th, const struct plat_regs *r)
{
	struct plat_regs *g = &th->gate_regs;

	if (!th->at_gate || r->rip >= USER_HI)
		return false;
	g->rax = r->rax;
	g->orig_rax = r->orig_rax;
	return !memcmp(g, r, sizeof(*g));
}

/* May the gate's exit load these, all of them? */
bool gate_loadable(const struct app_thread *th, const struct plat_regs *r)
{
	return th->at_gate && r->rip < USER_HI && !(r->rflags & FLAGS_ODD) && !r->gs_base &&
	       r->fs_base == th->gate_regs.fs_base;
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
uint64_t gate_words(const struct app_thread *th, uint64_t *word, const struct stub_load *want)
{
	struct stub_load have = load_of(&th->gate_regs);
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

void gate_load(const struct app_thread *th, struct stub_box *box, const struct plat_regs *r)
{
	struct stub_regs *to = box_regs(box);
	struct stub_load want = load_of(r);

	to->given.which = gate_words(th, to->given.word, &want);
}

/* ---- answers -------------------------------------------------------------- */

static void answers_clear(struct stub_box *box)
{
	for (unsigned nr = 0; nr < ANSWER_NUMBERS; nr++)
		__atomic_store_n(&box->answer_valid[nr], 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* The context that is about to run has other answers than what is there. */
void answers_store(const struct stub *s, struct stub_box *box, const struct plat_answers *a)
{
	const struct { uint32_t nr, value; } list[] = {
		{ SYS_getpid, a->pid }, { SYS_gettid, a->tid }, { SYS_getuid, a->uid },
		{ SYS_geteuid, a->euid }, { SYS_getgid, a->gid }, { SYS_getegid, a->egid },
	};

	if (!a->valid || __atomic_load_n(&s->answers_off, __ATOMIC_RELAXED)) {
		answers_clear(box);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		__atomic_store_n(&box->answer[list[i].nr], list[i].value, __ATOMIC_RELAXED);
		__atomic_store_n(&box->answer_valid[list[i].nr], 1, __ATOMIC_RELAXED);
	}
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

/* ---- extended state ------------------------------------------------------- */

/* Until the thread has saved its extended state after a trap by the gate. */
int gate_xstate_await(struct stub *s, const struct app_thread *th, struct stub_box *box)
{
	uint64_t start = host_cycles(), end_ns;
	bool saved;

	if (!th->below || __atomic_load_n(&box->xsaved, __ATOMIC_ACQUIRE))
		return 0;
	do {
		__builtin_ia32_pause();
		if (__atomic_load_n(&box->xsaved, __ATOMIC_ACQUIRE))
			return 0;
	} while (host_cycles() - start < process.spin_cycles);
	/* It lost its core in between; too rare to be woken for. */
	end_ns = plat_time_mono_ns() + XSTATE_NS;
	while (!(saved = __atomic_load_n(&box->xsaved, __ATOMIC_ACQUIRE))) {
		uint64_t now_ns = plat_time_mono_ns();

		if (stub_dead(s) || (DEFENCE(XSTATE_BOUND) && now_ns >= end_ns))
			break;
		futex_wait(&box->xsaved, 0, now_ns + XSTATE_POLL_NS);
	}
	if (saved)
		return 0;
	stub_kill(s);
	return -ESRCH;
}
