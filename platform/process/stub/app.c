/* SPDX-License-Identifier: Apache-2.0 */
/* app.c: an app thread between a trap and the resume.
 *
 * Runs on the alternate signal stack inside the thread's mailbox, so that the
 * host's signal frame is where the kernel can read and rewrite it.  Publishes
 * the trap, hands the turn over, runs the kernel's commands, and returns the
 * frame to resume.  No libc, no vector registers, no global data.
 *
 * Trust: the program can write the mailbox and may call in here with any
 * registers; all it can reach is what its filter lets it do anyway. */
#include "../stub_layout.h"

#define NR_futex 202

uint64_t stub_copy(uint64_t dst, uint64_t src, uint64_t n);
int64_t stub_cmpxchg32(uint64_t addr, uint32_t old, uint32_t val);
int64_t stub_load32(uint64_t addr);
uint64_t stub_trap(struct stub_box *box, uint32_t signo, uint64_t frame);

static inline int64_t host_call(uint64_t nr, const uint64_t *a)
{
	register uint64_t r10 __asm__("r10") = a[3];
	register uint64_t r8 __asm__("r8") = a[4];
	register uint64_t r9 __asm__("r9") = a[5];
	int64_t ret;

	__asm__ volatile("syscall" : "=a"(ret)
			 : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline void futex(uint32_t *word, uint32_t op, uint32_t val)
{
	const uint64_t a[6] = { (uint64_t)word, op, val, 0, 0, 0 };

	host_call(NR_futex, a);
}

/* The CPU number the host keeps in a segment limit, or rdpid. */
static inline uint32_t host_cpu(void)
{
	const struct stub_config *c = (const void *)(STUB_BASE + IMAGE_CONFIG);
	uint64_t v;

	if (c->has_rdpid)
		__asm__ volatile(".byte 0xf3, 0x0f, 0xc7, 0xf8" : "=a"(v));
	else
		__asm__ volatile("lsl %1, %0" : "=r"(v) : "r"(0x7bul));
	return v & 0xfff;
}

static inline uint64_t cycles(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

static uint32_t hand_over(struct stub_box *box)
{
	const struct stub_config *c = (const void *)(STUB_BASE + IMAGE_CONFIG);
	uint32_t cpu = host_cpu();
	uint32_t turn;

	__atomic_store_n(&box->app_cpu, cpu, __ATOMIC_RELAXED);
	__atomic_store_n(&box->turn, TURN_KERNEL, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&box->kern_sleeping, __ATOMIC_SEQ_CST))
		futex(&box->turn, 1, 1);
	/* On one core the partner can only run when we sleep. */
	if (__atomic_load_n(&box->kern_cpu, __ATOMIC_RELAXED) != cpu) {
		uint64_t start = cycles();

		do {
			turn = __atomic_load_n(&box->turn, __ATOMIC_ACQUIRE);
			if (turn != TURN_KERNEL)
				return turn;
			__builtin_ia32_pause();
		} while (cycles() - start < c->spin_cycles);
	}
	__atomic_store_n(&box->app_sleeping, 1, __ATOMIC_SEQ_CST);
	while ((turn = __atomic_load_n(&box->turn, __ATOMIC_SEQ_CST)) == TURN_KERNEL)
		futex(&box->turn, 0, TURN_KERNEL);
	__atomic_store_n(&box->app_sleeping, 0, __ATOMIC_RELEASE);
	return turn;
}

static void run_commands(struct stub_box *box)
{
	uint32_t n = box->cmd_count;

	for (uint32_t i = 0; i < n && i < BOX_CMD_MAX; i++) {
		struct stub_cmd *cmd = &box->cmds[i];

		if (cmd->op < OP_COPY)
			cmd->ret = host_call(cmd->op, cmd->a);
		else if (cmd->op == OP_COPY)
			cmd->ret = stub_copy(cmd->a[0], cmd->a[1], cmd->a[2]);
		else if (cmd->op == OP_CMPXCHG32)
			cmd->ret = stub_cmpxchg32(cmd->a[0], cmd->a[1], cmd->a[2]);
		else
			cmd->ret = stub_load32(cmd->a[0]);
	}
}

uint64_t stub_trap(struct stub_box *box, uint32_t signo, uint64_t frame)
{
	uint32_t turn;

	box->signo = signo;
	box->frame_off = (uint32_t)(frame - (uint64_t)box);
	box->fs_base = __builtin_ia32_rdfsbase64();
	box->gs_base = __builtin_ia32_rdgsbase64();
	do {
		turn = hand_over(box);
		if (box->cmd_count)
			run_commands(box);
	} while (turn != TURN_RUN);
	if (box->set_bases) {
		__builtin_ia32_wrfsbase64(box->new_fs_base);
		__builtin_ia32_wrgsbase64(box->new_gs_base);
	}
	/* rt_sigreturn expects the return address popped. */
	return (uint64_t)box + box->resume_off + 8;
}
