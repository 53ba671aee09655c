/* SPDX-License-Identifier: Apache-2.0 */
/* filter.c: the seccomp programs of a stub's threads.
 *
 * A call from outside the stub's code is the program's own and traps to the
 * kernel.  App threads have both programs, the stricter answer counts: the
 * mapper's holds all checks, the app's takes the mapper's own calls away.
 *
 * Trust: the program may jump to the stub's system call instructions with any
 * registers, so every allowed call must be harmless with every argument that
 * passes here: the range checks keep the stub area out of reach, and nothing
 * an app thread may call takes a descriptor or a path. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "platform/process/internal.h"

#define INSNS_MAX 200
#define APP_MMAP_INSNS 4         /* in build_app() */

struct prog {
	struct sock_filter insn[INSNS_MAX];
	unsigned n;
};

/* A jump that leads to "trap" or "allow" is patched at the end of its call's
 * block; these offsets mark it.  Blocks are short, each has both at its end. */
#define TRAP_MARK 255
#define ALLOW_MARK 254

static void emit(struct prog *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	if (p->n < INSNS_MAX)
		p->insn[p->n] = (struct sock_filter){ code, jt, jf, k };
	p->n++;
}

static void load(struct prog *p, uint32_t off) { emit(p, BPF_LD | BPF_W | BPF_ABS, off, 0, 0); }

static void ret(struct prog *p, uint32_t action)
{
	if (!DEFENCE(TRAP))
		action = SECCOMP_RET_ALLOW;
	emit(p, BPF_RET | BPF_K, action, 0, 0);
}

/* Go on when the accumulator passes, trap otherwise. */
static void need_equal(struct prog *p, uint32_t k) { emit(p, BPF_JMP | BPF_JEQ | BPF_K, k, 0, TRAP_MARK); }
static void need_below(struct prog *p, uint32_t k) { emit(p, BPF_JMP | BPF_JGE | BPF_K, k, TRAP_MARK, 0); }
static void need_no_bits(struct prog *p, uint32_t k) { emit(p, BPF_JMP | BPF_JSET | BPF_K, k, TRAP_MARK, 0); }

static uint32_t arg_lo(unsigned i) { return offsetof(struct seccomp_data, args) + 8 * i; }
static uint32_t arg_hi(unsigned i) { return arg_lo(i) + 4; }

static void arg_equal(struct prog *p, unsigned i, uint64_t v)
{
	load(p, arg_hi(i));
	need_equal(p, (uint32_t)(v >> 32));
	load(p, arg_lo(i));
	need_equal(p, (uint32_t)v);
}

/* All bits outside `optional` equal v; all in the low word. */
static void arg_flags(struct prog *p, unsigned i, uint32_t v, uint32_t optional)
{
	load(p, arg_hi(i));
	need_equal(p, 0);
	load(p, arg_lo(i));
	emit(p, BPF_ALU | BPF_AND | BPF_K, ~optional, 0, 0);
	need_equal(p, v);
}

static void arg_address(struct prog *p, unsigned i)
{
	load(p, arg_hi(i));
	need_below(p, DEFENCE(ADDRESSES) ? USER_HI_HI32 : UINT32_MAX);
}

static void arg_size(struct prog *p, unsigned i)
{
	load(p, arg_hi(i));
	need_below(p, DEFENCE(ADDRESSES) ? SIZE_BOUND_HI32 : UINT32_MAX);
}

static void arg_prot(struct prog *p, unsigned i)
{
	load(p, arg_hi(i));
	need_equal(p, 0);
	load(p, arg_lo(i));
	need_no_bits(p, ~7u);
}

/* One call: the accumulator holds nr before; the block ends in ALLOW or TRAP.
 * Returns the index of the head jump, to be closed by call_end(). */
static unsigned call_begin(struct prog *p, uint32_t nr)
{
	load(p, offsetof(struct seccomp_data, nr));
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 0);
	return p->n - 1;
}

static uint8_t resolve(uint8_t mark, unsigned at, unsigned allow)
{
	if (mark == TRAP_MARK)
		return (uint8_t)(allow + 1 - (at + 1));
	if (mark == ALLOW_MARK)
		return (uint8_t)(allow - (at + 1));
	return mark;
}

static void call_end(struct prog *p, unsigned head)
{
	unsigned allow = p->n;

	ret(p, SECCOMP_RET_ALLOW);
	ret(p, SECCOMP_RET_TRAP);
	if (p->n > INSNS_MAX)
		return;
	for (unsigned i = head + 1; i < allow; i++) {
		struct sock_filter *f = &p->insn[i];

		if (BPF_CLASS(f->code) != BPF_JMP)
			continue;
		f->jt = resolve(f->jt, i, allow);
		f->jf = resolve(f->jf, i, allow);
	}
	p->insn[head].jf = (uint8_t)(p->n - (head + 1));
}

/* Calls from the program trap at once; from here on the caller is the stub's
 * code or somebody who jumped there. */
static void prologue(struct prog *p)
{
	uint32_t ip = offsetof(struct seccomp_data, instruction_pointer);

	load(p, ip + 4);
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, STUB_BASE_HI32, 1, 0);
	ret(p, SECCOMP_RET_TRAP);
	load(p, ip);
	emit(p, BPF_JMP | BPF_JGE | BPF_K, IMAGE_CODE_SIZE, 2, 0);
	load(p, offsetof(struct seccomp_data, arch));
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	ret(p, SECCOMP_RET_TRAP);
}

static void allow_plain(struct prog *p, uint32_t nr) { call_end(p, call_begin(p, nr)); }

static void allow_common(struct prog *p)
{
	unsigned h;

	/* Untimed wait and wake: a timed wait could become restart_syscall. */
	h = call_begin(p, SYS_futex);
	load(p, arg_hi(1));
	need_equal(p, 0);
	load(p, arg_lo(1));
	need_below(p, 2);
	arg_equal(p, 3, 0);
	call_end(p, h);
	allow_plain(p, SYS_rt_sigreturn);
	allow_plain(p, SYS_sched_yield);

	h = call_begin(p, SYS_mprotect);
	arg_address(p, 0);
	arg_size(p, 1);
	arg_prot(p, 2);
	call_end(p, h);

	h = call_begin(p, SYS_munmap);
	arg_address(p, 0);
	arg_size(p, 1);
	call_end(p, h);

	/* In place: both sizes are bounded, so the new end is.  Moving: only to
	 * a place of the caller's choice, never where the host picks one. */
	h = call_begin(p, SYS_mremap);
	arg_address(p, 0);
	arg_size(p, 1);
	arg_size(p, 2);
	load(p, arg_hi(3));
	need_equal(p, 0);
	load(p, arg_lo(3));
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, ALLOW_MARK, 0);
	need_equal(p, MREMAP_MAYMOVE | MREMAP_FIXED);
	arg_address(p, 4);
	call_end(p, h);

	h = call_begin(p, SYS_madvise);
	arg_address(p, 0);
	arg_size(p, 1);
	load(p, arg_hi(2));
	need_equal(p, 0);
	load(p, arg_lo(2));
	need_below(p, 22);
	call_end(p, h);
}

/* Stacked on the mapper's program, which has checked caller and arguments:
 * this one only takes away what is the mapper's own.  It is installed for
 * every app thread, and that costs by its length. */
static void build_app(struct prog *p)
{
	static const uint32_t own[] = {
		SYS_futex, SYS_rt_sigreturn, SYS_sched_yield, SYS_mprotect, SYS_munmap, SYS_mremap, SYS_madvise,
	};
	unsigned h;

	load(p, offsetof(struct seccomp_data, nr));
	for (unsigned i = 0; i < ARRAY_SIZE(own); i++)
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, own[i],
		     (uint8_t)(ARRAY_SIZE(own) - i + APP_MMAP_INSNS - 1), 0);
	h = p->n;
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, TRAP_MARK);
	load(p, arg_lo(3));
	emit(p, BPF_ALU | BPF_AND | BPF_K, ~(uint32_t)(MAP_NORESERVE | MAP_POPULATE), 0, 0);
	need_equal(p, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
	ret(p, SECCOMP_RET_ALLOW);
	ret(p, SECCOMP_RET_TRAP);
	for (unsigned i = h; i < h + APP_MMAP_INSNS; i++)
		p->insn[i].jf = resolve(p->insn[i].jf, i, h + APP_MMAP_INSNS);
}

/* The mapper's mmap: a received descriptor or nothing into the program's
 * range, or the control file into its own place. */
static void mapper_mmap(struct prog *p)
{
	unsigned h = call_begin(p, SYS_mmap), fork_at;

	load(p, arg_hi(0));
	fork_at = p->n;
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, STUB_BASE_HI32, 0, 0);
	need_below(p, USER_HI_HI32);
	arg_size(p, 1);
	arg_prot(p, 2);
	load(p, arg_hi(3));
	need_equal(p, 0);
	load(p, arg_lo(3));
	need_no_bits(p, ~(uint32_t)(MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS |
				    MAP_NORESERVE | MAP_POPULATE));
	emit(p, BPF_JMP | BPF_JSET | BPF_K, MAP_FIXED, 0, TRAP_MARK);
	load(p, arg_lo(4));
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, UINT32_MAX, ALLOW_MARK, 0);
	need_below(p, FD_FREE + MAPPER_FDS_MAX);
	emit(p, BPF_JMP | BPF_JGE | BPF_K, FD_FREE, ALLOW_MARK, TRAP_MARK);
	if (p->n <= INSNS_MAX)
		p->insn[fork_at].jt = (uint8_t)(p->n - (fork_at + 1));
	load(p, arg_lo(0));
	emit(p, BPF_JMP | BPF_JGE | BPF_K, (uint32_t)STUB_CTL, 0, TRAP_MARK);
	load(p, arg_hi(1));
	need_equal(p, 0);
	arg_flags(p, 2, PROT_READ, PROT_WRITE);
	arg_flags(p, 3, MAP_SHARED | MAP_FIXED, 0);
	load(p, arg_lo(4));
	need_equal(p, FD_CTL);
	call_end(p, h);
}

static void build_mapper(struct prog *p)
{
	unsigned h;

	prologue(p);
	allow_common(p);
	mapper_mmap(p);

	h = call_begin(p, SYS_pwrite64);
	load(p, arg_lo(0));
	need_equal(p, FD_CTL);
	arg_equal(p, 2, 2);
	call_end(p, h);

	/* Files are read into the program's memory only. */
	h = call_begin(p, SYS_pread64);
	load(p, arg_lo(0));
	need_below(p, FD_FREE + MAPPER_FDS_MAX);
	emit(p, BPF_JMP | BPF_JGE | BPF_K, FD_FREE, 0, TRAP_MARK);
	arg_address(p, 1);
	arg_size(p, 2);
	call_end(p, h);

	h = call_begin(p, SYS_recvmsg);
	load(p, arg_lo(0));
	need_equal(p, FD_SOCK);
	call_end(p, h);

	h = call_begin(p, SYS_dup2);
	load(p, arg_lo(1));
	need_below(p, FD_SOCK + 1);
	call_end(p, h);

	h = call_begin(p, SYS_close);
	load(p, arg_lo(0));
	emit(p, BPF_JMP | BPF_JGE | BPF_K, FD_FREE, 0, TRAP_MARK);
	call_end(p, h);

	h = call_begin(p, SYS_clone);
	load(p, arg_hi(0));
	need_equal(p, 0);
	load(p, arg_lo(0));
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, MAPPER_FORK_FLAGS, ALLOW_MARK, 0);
	need_equal(p, MAPPER_THREAD_FLAGS);
	call_end(p, h);

	allow_plain(p, SYS_mincore);
	allow_plain(p, SYS_sigaltstack);
	allow_plain(p, SYS_seccomp);
	allow_plain(p, SYS_exit_group);
	ret(p, SECCOMP_RET_TRAP);
}

static int place(uint8_t *image, const struct prog *p, uint32_t head, uint32_t insns, uint32_t end)
{
	struct sock_fprog fprog = {
		.len = (unsigned short)p->n,
		.filter = (struct sock_filter *)(STUB_BASE + insns),
	};
	size_t size = p->n * sizeof(p->insn[0]);

	if (p->n > INSNS_MAX || insns + size > end)
		return -E2BIG;
	memcpy(image + head, &fprog, sizeof(fprog));
	memcpy(image + insns, p->insn, size);
	return 0;
}

int filter_build(uint8_t *image)
{
	struct prog app = { .n = 0 }, mapper = { .n = 0 };
	int err;

	build_app(&app);
	build_mapper(&mapper);
	err = place(image, &app, IMAGE_PROG_APP, IMAGE_INSNS_APP, IMAGE_INSNS_MAPPER);
	if (err)
		return err;
	return place(image, &mapper, IMAGE_PROG_MAPPER, IMAGE_INSNS_MAPPER, IMAGE_SIZE);
}
