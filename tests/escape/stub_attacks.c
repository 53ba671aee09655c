/* SPDX-License-Identifier: Apache-2.0 */
/* stub_attacks.c: hostile programs against the process platform.
 *
 * Each attack must end as an ordinary trap of the program or as its death;
 * whatever happens, the sandbox answers and other programs stay as they are.
 * Run by stub_harness.c on CPU 0; CPU 1 helps (other_run). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "platform/process/sigframe.h"
#include "tests/escape/stub_harness.h"

extern const uint8_t process_stub_image[], process_stub_image_end[];

#define SYSCALL_NUMBERS 600
#define DATA 0x30000000ul

/* uretprobe and uprobe: x86 hosts from 6.14 on do not ask seccomp about them;
 * outside the host's own trampoline they end in SIGILL or an error. */
static bool unfiltered_by_host(uint64_t nr) { return nr == 335 || nr == 336; }

static bool app_allows(uint64_t nr)
{
	return nr == SYS_futex || nr == SYS_rt_sigreturn || nr == SYS_sched_yield || nr == SYS_mmap || nr == SYS_munmap ||
	       nr == SYS_mprotect || nr == SYS_mremap || nr == SYS_madvise;
}

/* Is the address space still whole and obedient? */
static void still_well(plat_as_t as)
{
	struct plat_uctx *u = guest_ctx(guest_getpid);
	struct plat_trap t = run(as, u);

	CHECK(t.kind == PLAT_TRAP_SYSCALL && u->regs.orig_rax == SYS_getpid);
	guest_ctx_free(u);
}

static void every_number_from_guest(void)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_ctx(guest_syscall);

	for (uint64_t nr = 0; nr < SYSCALL_NUMBERS; nr++) {
		struct plat_trap t;

		u->regs.rip = guest_at(guest_syscall);
		u->regs.rax = nr;
		t = run(as, u);
		if (unfiltered_by_host(nr))
			continue;
		if (t.kind != PLAT_TRAP_SYSCALL || u->regs.orig_rax != nr) {
			printf("  number %lu: kind %u\n", (unsigned long)nr, t.kind);
			failures++;
			break;
		}
	}
	/* The other entries: a compat or x32 call never reaches the host. */
	for (uint64_t nr = 0; nr < SYSCALL_NUMBERS; nr++) {
		const uint64_t x32 = 0x40000000 | nr;
		struct plat_trap t;

		u->regs.rip = guest_at(guest_syscall);
		u->regs.rax = x32;
		t = run(as, u);
		if (t.kind != PLAT_TRAP_SYSCALL || u->regs.orig_rax != x32) {
			printf("  x32 number %lu: kind %u\n", (unsigned long)nr, t.kind);
			failures++;
			break;
		}
		u->regs.rip = guest_at(guest_int80_any);
		u->regs.rax = nr;
		t = run(as, u);
		/* A host without 32-bit calls faults instead. */
		if (t.kind != PLAT_TRAP_FAULT && t.kind != PLAT_TRAP_EXCEPTION &&
		    (t.kind != PLAT_TRAP_SYSCALL || !t.compat || u->regs.orig_rax != nr)) {
			printf("  int80 number %lu: kind %u\n", (unsigned long)nr, t.kind);
			failures++;
			break;
		}
	}
	guest_ctx_free(u);
	still_well(as);
	plat_as_free(as);
}

/* Offsets of the system call instructions in the image, even unintended. */
static unsigned gadgets(uint64_t *at, unsigned max)
{
	size_t size = (size_t)(process_stub_image_end - process_stub_image);
	unsigned n = 0;

	for (size_t i = 0; i + 1 < size && n < max; i++)
		if (process_stub_image[i] == 0x0f && process_stub_image[i + 1] == 0x05)
			at[n++] = STUB_BASE + i;
	return n;
}

static bool gadget_traps(plat_as_t as, struct plat_uctx *u, uint64_t at, uint64_t nr, const uint64_t a[6])
{
	struct plat_trap t;

	u->regs.rip = guest_at(guest_jump);
	u->regs.r15 = at;
	u->regs.rax = nr;
	u->regs.rdi = a[0];
	u->regs.rsi = a[1];
	u->regs.rdx = a[2];
	u->regs.r10 = a[3];
	u->regs.r8 = a[4];
	u->regs.r9 = a[5];
	t = run(as, u);
	return t.kind == PLAT_TRAP_SYSCALL && u->regs.orig_rax == nr && u->regs.rip == at + 2;
}

static void every_number_from_stub(void)
{
	static const uint64_t none[6];
	uint64_t at[64];
	unsigned n = gadgets(at, 64);
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_ctx(guest_jump);

	CHECK(n >= 10);
	for (unsigned g = 0; g < n; g++)
		for (uint64_t nr = 0; nr < SYSCALL_NUMBERS; nr++)
			if (!app_allows(nr) && !unfiltered_by_host(nr) &&
			    !gadget_traps(as, u, at[g], nr, none)) {
				printf("  number %lu at %#lx\n", (unsigned long)nr, (unsigned long)at[g]);
				failures++;
				goto out;
			}
	CHECK(gadget_traps(as, u, at[0], 0x40000000 | SYS_getpid, none));        /* x32 */
out:
	guest_ctx_free(u);
	still_well(as);
	plat_as_free(as);
}

/* Allowed calls with arguments that would reach the stub area. */
static void memory_calls_on_stub_area(void)
{
	const uint64_t big = USER_TOP;
	const struct { uint64_t nr, a[6]; } bad[] = {
		{ SYS_munmap, { STUB_BASE, 0x1000 } },
		{ SYS_munmap, { STUB_CTL, 0x10000 } },
		{ SYS_munmap, { USER_HI, 0x1000 } },
		{ SYS_munmap, { 0, big } },
		{ SYS_munmap, { USER_HI - 0x1000, 0x00f000001000 } },
		{ SYS_munmap, { UINT64_MAX - 0xfff, 0x1000 } },
		{ SYS_mprotect, { STUB_BASE, 0x1000, 7 } },
		{ SYS_mprotect, { STUB_CTL, 0x1000, 3 } },
		{ SYS_mprotect, { 0x10000, big, 3 } },
		{ SYS_mprotect, { 0x10000, 0x1000, 0x01000000 } },
		{ SYS_mmap, { STUB_BASE, 0x1000, 7, 0x32, UINT64_MAX, 0 } },
		{ SYS_mmap, { STUB_CTL + CTL_ACK, 0x1000, 3, 0x32, UINT64_MAX, 0 } },
		{ SYS_mmap, { USER_HI - 0x1000, 0x00f000002000, 3, 0x32, UINT64_MAX, 0 } },
		{ SYS_mmap, { 0, 0x1000, 3, 0x22, UINT64_MAX, 0 } },
		{ SYS_mmap, { DATA, 0x1000, 3, 0x11, FD_CTL, 0 } },     /* the control file, writable */
		{ SYS_mmap, { DATA, 0x1000, 3, 0x12, FD_CTL, 0 } },
		{ SYS_mmap, { DATA, 0x1000, 3, 0x31, UINT64_MAX, 0 } }, /* shared anonymous */
		{ SYS_mmap, { DATA, 0x1000, 3, 0x132, UINT64_MAX, 0 } },        /* grows down */
		{ SYS_mmap, { DATA, 0x1000, 3, 0x40032, UINT64_MAX, 0 } },      /* huge pages */
		{ SYS_mremap, { STUB_CTL + CTL_ACK, 0x1000, 0x1000, 3, DATA } },
		{ SYS_mremap, { DATA, 0x1000, 0x1000, 3, STUB_BASE } },
		{ SYS_mremap, { DATA, 0x1000, 0x1000, 3, STUB_CTL } },
		{ SYS_mremap, { DATA, 0x1000, 0x2000, 1, 0 } },
		{ SYS_mremap, { DATA, 0x1000, 0x1000, 7, DATA + 0x10000 } },
		{ SYS_mremap, { DATA, 0x1000, 0x00f000000000, 0, 0 } },
		{ SYS_madvise, { STUB_BASE, 0x1000, 4 } },
		{ SYS_madvise, { STUB_CTL, 0x1000, 9 } },
		{ SYS_madvise, { DATA, 0x1000, 100 } },
		{ SYS_futex, { DATA, 9, 0, 0 } },
		{ SYS_futex, { DATA, 128, 0, 0 } },
		{ SYS_futex, { DATA, 0, 0, DATA } },
		{ SYS_futex, { DATA, 0x100000000, 0, 0 } },
		{ SYS_futex, { DATA, 6, 0, 0 } },
	};
	uint64_t at[64];
	unsigned n = gadgets(at, 64);
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_ctx(guest_jump);

	CHECK(plat_as_map_anon(as, DATA, 0x10000, 3, 0) == 0);
	for (unsigned g = 0; g < n; g++)
		for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
			if (!gadget_traps(as, u, at[g], bad[i].nr, bad[i].a)) {
				printf("  case %zu at %#lx\n", i, (unsigned long)at[g]);
				failures++;
				goto out;
			}
out:
	guest_ctx_free(u);
	still_well(as);
	plat_as_free(as);
}

/* Allowed calls inside the program's range: it may hurt itself only. */
static void memory_calls_on_itself(void)
{
	const struct { uint64_t nr, a[6]; } own[] = {
		{ SYS_munmap, { 0x10000, 0x7effffff0000 & ~0xf00000000fffull } },
		{ SYS_munmap, { GUEST_CODE, 0x1000 } },
		{ SYS_mprotect, { GUEST_STACK, 0x1000, 0 } },
		{ SYS_mmap, { 0x7efffffff000, 0x00efffffff00 & ~0xfffull, 3, 0x4032, UINT64_MAX, 0 } },
		{ SYS_rt_sigreturn, { 0 } },
		{ SYS_futex, { STUB_CTL, 1, INT32_MAX, 0 } },
		{ SYS_futex, { STUB_CTL + CTL_ACK, 1, INT32_MAX, 0 } },
	};
	uint64_t at[64];
	unsigned n = gadgets(at, 64);
	plat_as_t witness = guest_as();

	for (unsigned g = 0; g < n; g++)
		for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
			plat_as_t as = guest_as();
			struct plat_uctx *u = guest_ctx(guest_jump);
			struct plat_trap t;

			u->regs.r15 = at[g];
			u->regs.rax = own[i].nr;
			u->regs.rdi = own[i].a[0];
			u->regs.rsi = own[i].a[1];
			u->regs.rdx = own[i].a[2];
			u->regs.r10 = own[i].a[3];
			u->regs.r8 = own[i].a[4];
			u->regs.r9 = own[i].a[5];
			user_run(as, u, plat_time_mono_ns() + 2000000, &t);
			CHECK(t.kind >= PLAT_TRAP_SYSCALL && t.kind <= PLAT_TRAP_DEAD);
			guest_ctx_free(u);
			plat_as_free(as);
		}
	still_well(witness);
	plat_as_free(witness);
}

static void forged_pages(void)
{
	const uint64_t read_only[] = {
		STUB_BASE, STUB_BASE + IMAGE_PROG_APP, STUB_CTL + CTL_CMD, STUB_CTL + CTL_ACK,
	};
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_ctx(guest_store);

	for (size_t i = 0; i < ARRAY_SIZE(read_only); i++) {
		struct plat_trap t;

		u->regs.rip = guest_at(guest_store);
		u->regs.rdi = read_only[i];
		t = run(as, u);
		CHECK(t.kind == PLAT_TRAP_FAULT && t.addr == read_only[i] &&
		      t.access == (PLAT_ACCESS_WRITE | PLAT_ACCESS_PRESENT));
	}
	guest_ctx_free(u);
	still_well(as);
	plat_as_free(as);
}

/* A frame of the program's own for the stub's rt_sigreturn. */
static void forged_sigreturn(uint64_t sigmask, uint64_t alt_sp, const char *then, bool must_die)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_ctx(guest_jump);
	struct sigframe f;
	struct plat_trap t;
	uint64_t t0;

	memset(&f, 0, sizeof(f));
	f.uc.flags = 6;
	f.uc.stack_sp = alt_sp;
	f.uc.stack_size = 0x4000;
	f.uc.mc.ip = guest_at(then);
	f.uc.mc.sp = GUEST_STACK + 0x8000;
	f.uc.mc.cs = 0x33;
	f.uc.mc.ss = 0x2b;
	f.uc.mc.ax = SYS_getpid;
	f.uc.mc.flags = 0x202;
	f.uc.sigmask = sigmask;
	CHECK(plat_copy_out(as, GUEST_STACK + 0x1000, &f, sizeof(f)) == 0);
	CHECK(plat_as_map_anon(as, DATA, 0x10000, 3, 0) == 0);
	u->regs.r15 = STUB_BASE + ((const struct stub_image *)process_stub_image)->signal_return;
	u->regs.rsp = GUEST_STACK + 0x1008;
	/* On a busy machine the first kick may come before the deed. */
	for (unsigned tries = 0; tries < 5; tries++) {
		t0 = plat_time_mono_ns();
		user_run(as, u, t0 + 10000000, &t);
		CHECK(plat_time_mono_ns() - t0 < 4 * NSEC_PER_SEC);
		if (t.kind != PLAT_TRAP_KICK)
			break;
	}
	CHECK(!must_die || t.kind == PLAT_TRAP_DEAD);
	guest_ctx_free(u);
	plat_as_free(as);
}

static void odd_stacks_and_entries(void)
{
	const uint64_t stacks[] = {
		0, 1, 0x1000, STUB_BASE + 8, STUB_CTL, STUB_CTL + CTL_BOX(0) + 64,
		STUB_CTL + CTL_BOX(0) + BOX_SIZE, STUB_CTL + CTL_BOX(0) + BOX_STACK + 0x100,
		STUB_CTL + CTL_BOX(0) + 0xf2f8, STUB_CTL + CTL_BOX(1) + 0xf000, UINT64_MAX, 0x800000000000,
	};
	const char *const entries[] = { guest_getpid, guest_ud2, guest_loop, guest_int80, guest_vsyscall,
		guest_sysenter, guest_compat };

	for (size_t i = 0; i < ARRAY_SIZE(stacks); i++)
		for (size_t k = 0; k < ARRAY_SIZE(entries); k++) {
			plat_as_t as = guest_as();
			struct plat_uctx *u = guest_ctx(entries[k]);
			struct plat_trap t;

			u->regs.rsp = stacks[i];
			for (unsigned turns = 0; turns < 3; turns++)
				user_run(as, u, plat_time_mono_ns() + 2000000, &t);
			CHECK(t.kind >= PLAT_TRAP_SYSCALL && t.kind <= PLAT_TRAP_DEAD);
			guest_ctx_free(u);
			plat_as_free(as);
		}
	/* Into every byte of the stub's code. */
	for (uint64_t off = 0; off < (uint64_t)(process_stub_image_end - process_stub_image) && off < 0x900; off++) {
		plat_as_t as = guest_as();
		struct plat_uctx *u = guest_ctx(guest_jump);
		struct plat_trap t;

		u->regs.r15 = STUB_BASE + off;
		u->regs.rbx = STUB_CTL;
		u->regs.r14 = STUB_CTL + CMD_LIST;
		u->regs.r13 = 1;
		u->regs.rdi = 11;
		u->regs.rcx = guest_at(guest_getpid);
		u->regs.rax = off & 2 ? STUB_CTL + CTL_BOX(0) : off;
		u->regs.rsp = off & 1 ? STUB_CTL + CTL_BOX(0) + 0xe008 : GUEST_STACK + 0x8000;
		user_run(as, u, plat_time_mono_ns() + 1000000, &t);
		CHECK(t.kind >= PLAT_TRAP_SYSCALL && t.kind <= PLAT_TRAP_DEAD);
		guest_ctx_free(u);
		plat_as_free(as);
	}
}

/* A sibling on CPU 1 scribbles over the mailbox of CPU 0 meanwhile. */
static void scribble(const char *at, uint64_t offset, uint32_t value)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_ctx(at), *enemy = guest_ctx(guest_store_loop);
	struct plat_trap t = { 0 };
	uint64_t t0 = plat_time_mono_ns(), v;

	u->regs.r15 = plat_syscall_gate();
	run(as, u);
	enemy->regs.rdi = STUB_CTL + CTL_BOX(0) + offset;
	enemy->regs.rsi = value;
	other_run(as, enemy);
	for (unsigned i = 0; i < 50 && t.kind != PLAT_TRAP_DEAD; i++) {
		user_run(as, u, plat_time_mono_ns() + 3000000, &t);
		CHECK(t.kind >= PLAT_TRAP_SYSCALL && t.kind <= PLAT_TRAP_DEAD);
		if (i & 1) {
			u->regs.rip = guest_at(at);
			u->regs.r15 = plat_syscall_gate();
		}
		if (i % 5 == 4)
			plat_uctx_save(u);
		if (plat_as_map_anon(as, DATA, 0x1000, 3, 0))
			break;
		if (plat_copy_in(as, &v, DATA, 8))
			break;
		if (plat_time_mono_ns() - t0 > 30 * NSEC_PER_SEC)
			break;
	}
	other_stop();
	if (plat_time_mono_ns() - t0 > 30 * NSEC_PER_SEC) {
		printf("  scribble at %#lx took %.1f s\n", (unsigned long)offset, (plat_time_mono_ns() - t0) / 1e9);
		failures++;
	}
	plat_as_free(as);
	guest_ctx_free(u);
	guest_ctx_free(enemy);
}

static void scribbles(void)
{
	static const uint32_t values[] = { 0, 1, 2, 3, 4, 0xffffffff };
	const uint64_t words[] = {
		offsetof(struct stub_box, line.turn), offsetof(struct stub_box, app_sleeping),
		offsetof(struct stub_box, kern_sleeping), offsetof(struct stub_box, line.trap),
		offsetof(struct stub_box, relay),
		offsetof(struct stub_box, frame_off), offsetof(struct stub_box, resume_off),
		offsetof(struct stub_box, line.order), offsetof(struct stub_box, cmds),
		offsetof(struct stub_box, line.rip), offsetof(struct stub_box, line.rip) + 4,
		offsetof(struct stub_box, line.arg), offsetof(struct stub_box, line.copy.to),
		offsetof(struct stub_box, saved.rip), offsetof(struct stub_box, saved.rip) + 4,
		offsetof(struct stub_box, saved.rsp), offsetof(struct stub_box, saved.rbx),
		offsetof(struct stub_box, fs_base), offsetof(struct stub_box, kicked),
		BOX_DATA + offsetof(struct stub_ahead, addr), BOX_DATA + offsetof(struct stub_ahead, size),
		BOX_DATA + offsetof(struct stub_ahead, more),
		BOX_SLOTS + offsetof(struct stub_slot, saved), BOX_GATE_STACK - 16,
		offsetof(struct stub_box, slot), BOX_SLOTS, BOX_SLOTS + offsetof(struct stub_slot, fs_base),
		BOX_SLOTS + SLOT_SIZE + offsetof(struct stub_slot, saved), frame_shape.slot_image[1] + 512,
		frame_shape.fp_off - GATE_BELOW + 512, frame_shape.frame_off - GATE_BELOW + 8 + 168,
		offsetof(struct stub_box, cmds) + 8, frame_shape.frame_off + 8 + 168,
		frame_shape.frame_off + 8 + 160, frame_shape.frame_off + 8 + 296,
		frame_shape.fp_off + 512, frame_shape.fp_off + 464, frame_shape.fp_off + 24,
		frame_shape.frame_off - 64,
	};

	for (size_t w = 0; w < ARRAY_SIZE(words); w++)
		for (size_t v = 0; v < ARRAY_SIZE(values); v++)
			scribble((w + v) & 1 ? guest_getpid : guest_gate_once, words[w], values[v]);
}

/* gs at a sibling's mailbox: the gate forges a trap of the sibling's, which it
 * could have written by hand, and waits in vain for an answer of its own. */
static void gate_of_a_sibling(void)
{
	plat_as_t as = guest_as(), witness = guest_as();
	struct plat_uctx *u = guest_ctx(guest_gate_gs), *sibling = guest_ctx(guest_loop);
	uint64_t t0 = plat_time_mono_ns();
	struct plat_trap t;

	other_run(as, sibling);
	u->regs.r15 = plat_syscall_gate();
	u->regs.rdi = STUB_CTL + CTL_BOX(1);
	for (unsigned i = 0; i < 10; i++)
		user_run(as, u, plat_time_mono_ns() + 10000000, &t);
	other_stop();
	CHECK(t.kind >= PLAT_TRAP_SYSCALL && t.kind <= PLAT_TRAP_DEAD);
	CHECK(plat_time_mono_ns() - t0 < 10 * NSEC_PER_SEC);
	still_well(witness);
	plat_as_free(witness);
	plat_as_free(as);
	guest_ctx_free(u);
	guest_ctx_free(sibling);
}

/* Death from outside at any moment of any operation. */
static void killed_anywhere(void)
{
	plat_as_t witness = guest_as();

	for (unsigned i = 0; i < 400; i++) {
		plat_as_t as = guest_as(), child = { 0 };
		struct plat_uctx *u = guest_ctx(guest_getpid), *c = guest_ctx(guest_getpid);
		plat_obj_t o = { 0 };
		struct plat_trap t;
		pid_t victim = stub_find(as.id)->pid, killer;
		uint64_t v;

		CHECK(plat_obj_new(0x2000, &o) == 0);
		killer = fork();
		if (killer == 0) {
			uint64_t until = plat_time_mono_ns() + i * 2500;

			while (plat_time_mono_ns() < until)
				;
			kill(victim, SIGKILL);
			_exit(0);
		}
		for (unsigned k = 0; k < 3; k++) {
			user_run(as, u, plat_time_mono_ns() + NSEC_PER_SEC, &t);
			(void)!plat_as_map_anon(as, DATA, 0x4000, 3, 0);
			(void)!plat_as_map_obj(as, DATA + 0x10000, 0x2000, 3, PLAT_MAP_SHARED, o, 0);
			(void)!plat_copy_in(as, &v, DATA, 8);
			if (plat_as_fork(as, &child) == 0) {
				user_run(child, c, plat_time_mono_ns() + NSEC_PER_SEC, &t);
				CHECK(t.kind == PLAT_TRAP_SYSCALL || t.kind == PLAT_TRAP_KICK);
				plat_as_free(child);
			}
		}
		plat_obj_free(o);
		plat_as_free(as);
		guest_ctx_free(u);
		guest_ctx_free(c);
	}
	still_well(witness);
	plat_as_free(witness);
}

#define ATTACK(call) do { \
	uint64_t t0_ = plat_time_mono_ns(); unsigned f_ = failures; \
	call; \
	printf("  %s %-60s %6.2f s\n", f_ == failures ? "held" : "LOST", #call, \
	       (plat_time_mono_ns() - t0_) / 1e9); \
} while (0)

void test_attacks(void)
{
	ATTACK(every_number_from_guest());
	ATTACK(every_number_from_stub());
	ATTACK(memory_calls_on_stub_area());
	ATTACK(memory_calls_on_itself());
	ATTACK(forged_pages());
	ATTACK(forged_sigreturn(~0ull, 0, guest_loop, true));
	ATTACK(forged_sigreturn(~0ull, 0, guest_getpid, true));
	ATTACK(forged_sigreturn(0, DATA, guest_getpid, true));
	ATTACK(forged_sigreturn(0, STUB_CTL + CTL_BOX(0), guest_getpid, false));
	ATTACK(forged_sigreturn(0, STUB_CTL + CTL_SCRATCH, guest_loop, false));
	ATTACK(odd_stacks_and_entries());
	ATTACK(gate_of_a_sibling());
	ATTACK(killed_anywhere());
	ATTACK(scribbles());
}
