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

#define XSTATE_POLL_NS (200 * 1000ull)
#define XSTATE_NS (10 * NSEC_PER_SEC)

uint64_t plat_syscall_gate(void)
{
	const struct stub_image *image = (const void *)process_stub_image;

	return STUB_BASE + image->gate;
}

#define BOX_READ(field) __atomic_load_n(&box->field, __ATOMIC_RELAXED)

void gate_regs_read(struct app_thread *th, const struct stub_box *box, struct plat_regs *r)
{
	uint64_t at = BOX_READ(rip), nr = BOX_READ(rax);
	uint64_t rip = at & ((1ull << GATE_FLAGS_SHIFT) - 1), high = at >> GATE_FLAGS_SHIFT;
	uint64_t flags = (high >> 8 & FLAGS_LAHF) | (high & 1) << FLAG_OF_SHIFT | RFLAGS_FIXED;

	*r = (struct plat_regs){
		.r15 = BOX_READ(r15), .r14 = BOX_READ(r14), .r13 = BOX_READ(r13), .r12 = BOX_READ(r12),
		.rbp = BOX_READ(rbp), .rbx = BOX_READ(rbx), .r11 = flags, .r10 = BOX_READ(r10),
		.r9 = BOX_READ(r9), .r8 = BOX_READ(r8), .rax = nr, .rcx = rip, .rdx = BOX_READ(rdx),
		.rsi = BOX_READ(rsi), .rdi = BOX_READ(rdi), .orig_rax = nr,
		.rip = rip, .cs = CS_USER, .rflags = flags, .rsp = BOX_READ(rsp), .ss = SS_USER,
		.fs_base = base_valid(BOX_READ(fs_base)),
	};
	th->gate_regs = *r;
	th->at_gate = true;
	ahead_take(th, box);
}

/* What the thread says it has copied before a system call. */
void ahead_take(struct app_thread *th, const struct stub_box *box)
{
	uint32_t size = BOX_READ(ahead_size);

	th->ahead_addr = BOX_READ(ahead_addr);
	if (DEFENCE(AHEAD))
		size = MIN(size, (uint32_t)BOX_AHEAD_SIZE);
	if (add_overflows(th->ahead_addr, size, &th->ahead_end))
		ahead_drop(th);
	th->ahead_off = BOX_DATA;
}

/* Memory of the program that its thread copied into the mailbox before it
 * trapped: good until the task gives up the CPU, each byte once. */
bool ahead_copy_in(struct app_thread *th, const struct stub_box *box, void *dst, uint64_t src, size_t n)
{
	uint64_t skip;

	if (src < th->ahead_addr || src >= th->ahead_end || n > th->ahead_end - src)
		return false;
	skip = src - th->ahead_addr;
	memcpy(dst, (const uint8_t *)box + th->ahead_off + skip, n);
	th->ahead_addr += skip + n;
	th->ahead_off += (uint32_t)(skip + n);
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
