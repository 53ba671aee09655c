/* SPDX-License-Identifier: Apache-2.0 */
/* stub_frames.c: signal frames that the program's thread makes and takes back
 * itself are what the kernel said, the extended state goes through them
 * unchanged, and a hostile program gains nothing by it. */
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "platform/process/sigframe.h"
#include "tests/escape/stub_harness.h"

#define AT 0x40000000ul
#define AREA 0x4000ul
#define BAD 0x50000000ul
#define FP (AT + 512)
#define SW 464
#define HEADER 512
#define MXCSR 24
#define XMM5 (160 + 5 * 16)
#define REGS(field) (BOX_LOAD + offsetof(struct stub_regs, field))
#define XMM5_VALUE 0x10aull             /* guest_gate's */

static bool peek(plat_as_t as, uint64_t at, void *buf, size_t n)
{
	struct iovec local = { buf, n }, remote = { (void *)at, n };

	return process_vm_readv(stub_find(as.id)->pid, &local, 1, &remote, 1, 0) == (ssize_t)n;
}

static void poke(plat_as_t as, uint64_t at, const void *buf, size_t n)
{
	struct iovec local = { (void *)buf, n }, remote = { (void *)at, n };

	CHECK(process_vm_writev(stub_find(as.id)->pid, &local, 1, &remote, 1, 0) == (ssize_t)n);
}

static void flip(plat_as_t as, uint64_t at, uint8_t bits)
{
	uint8_t b = 0;

	CHECK(peek(as, at, &b, 1));
	b ^= bits;
	poke(as, at, &b, 1);
}

/* All ways to go on: as it was, with other registers, by a frame. */
static void answer(struct plat_uctx *u, bool gate, unsigned how)
{
	if (gate)
		u->regs.rax = 1000 + u->regs.r14;
	if (how % 3 == 1)
		u->regs.r11 ^= 1;
	if (how % 3 == 2)
		u->regs.fs_base ^= 0x1000;
}

/* Some words zero, the registers' as they are or not. */
static void make_frame(const struct plat_uctx *u, uint64_t f[FRAME_WORDS], unsigned seed)
{
	const struct plat_regs *r = &u->regs;
	const uint64_t regs[LOAD_WORDS] = {
		r->r8, r->r9, r->r10, r->r11, r->r12, r->r13, r->r14, r->r15, r->rdi, r->rsi, r->rbp, r->rbx, r->rdx,
		r->rax, r->rcx, r->rsp, r->rip, r->rflags,
	};

	for (unsigned i = 0; i < FRAME_WORDS; i++)
		f[i] = (seed * 7 + i) % 3 ? 0 : 0x9e3779b97f4a7c15ull * (seed + i);
	for (unsigned i = 0; i < LOAD_WORDS; i++)
		if ((seed + i) % 5)
			f[FRAME_WORD_REGS + i] = (seed + i) % 4 ? regs[i] : 0;
}

static bool image_good(plat_as_t as, uint64_t fp, bool gate)
{
	static uint8_t x[16384];
	uint32_t magic[3] = { 0 }, size = (uint32_t)plat_xstate_size();
	uint64_t xmm5;

	if (!peek(as, fp, x, size + 4))
		return false;
	memcpy(&magic[0], x + SW, 8);
	memcpy(&magic[2], x + size, 4);
	memcpy(&xmm5, x + XMM5, 8);
	return magic[0] == 0x46505853 && magic[1] == size + 4 && magic[2] == 0x46505845 && (x[HEADER] & 3) == 3 &&
	       (!gate || xmm5 == XMM5_VALUE);
}

/* The state goes out and comes back by one order: guest_gate sees no difference. */
static void round_trips(plat_as_t as, bool gate)
{
	struct plat_uctx *u = guest_trapped(as, gate);
	uint64_t f[FRAME_WORDS], got[FRAME_WORDS];

	for (unsigned i = 0; i < 120; i++) {
		uint64_t at = AT + i % 2 * 8, fp = FP + i % 7 * 64;

		make_frame(u, f, i);
		CHECK(plat_ride_frame_out(as, u, at, f, fp) && plat_ride_xstate_in(as, u, fp) && u->riders);
		if (i % 11 == 5)
			plat_riders_flush(u);
		if (i % 13 == 7)
			plat_uctx_save(u);
		answer(u, gate, i);
		CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL && !u->riders);
		CHECK(peek(as, at, got, sizeof(got)) && !memcmp(got, f, sizeof(f)) && image_good(as, fp, gate));
	}
	/* In two halves: in between the state is the initial one. */
	for (unsigned i = 0; i < 60; i++) {
		uint64_t xmm5;

		make_frame(u, f, i);
		CHECK(plat_ride_frame_out(as, u, AT, f, FP));
		plat_uctx_save(u);
		memcpy(&xmm5, (uint8_t *)u->xstate + XMM5, 8);
		CHECK(!u->riders && !xmm5 && image_good(as, FP, gate));
		if (i & 1)
			plat_uctx_xstate_changed(u);
		if (plat_ride_xstate_in(as, u, FP)) {
			CHECK(!(i & 1));
		} else {
			CHECK(i & 1);
			CHECK(peek(as, FP, u->xstate, plat_xstate_size()));
		}
		answer(u, gate, i);
		CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL);
	}
	plat_uctx_save(u);
	guest_ctx_free(u);
}

/* A frame that cannot be written: nothing runs, the state is what it was. */
static void no_room(plat_as_t as, bool gate)
{
	const uint64_t places[] = { BAD, AT + AREA - 128, AT + AREA - 512, AT + AREA - 512 - 576, AT - 64, AT - 512 };
	struct plat_uctx *u = guest_trapped(as, gate);
	uint64_t f[FRAME_WORDS];
	struct plat_regs before;
	struct plat_trap t;

	for (unsigned i = 0; i < 60; i++) {
		uint64_t at = places[i % ARRAY_SIZE(places)];

		make_frame(u, f, i);
		answer(u, gate, i / 6);
		before = u->regs;
		CHECK(plat_ride_frame_out(as, u, at, f, at + 512));
		if (i % 4 == 3) {
			plat_riders_flush(u);
			CHECK(u->rider_err == -EFAULT);
		}
		t = run(as, u);
		CHECK(t.kind == PLAT_TRAP_RIDER && t.addr == at && t.code == -EFAULT && !u->riders);
		CHECK(!memcmp(&before, &u->regs, sizeof(before)));
		if (i % 5 == 1)
			plat_uctx_save(u);
		CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL);
	}
	plat_uctx_save(u);
	guest_ctx_free(u);
}

/* Images that are not as the thread writes them are not taken. */
static void broken(plat_as_t as, bool gate)
{
	const uint32_t size = (uint32_t)plat_xstate_size();
	const struct { uint32_t at; uint8_t bits; } breaks[] = {
		{ SW, 1 }, { SW + 4, 4 }, { SW + 8, 1 }, { SW + 16, 0x40 }, { size, 1 }, { HEADER + 7, 0x20 },
		{ HEADER + 15, 0x80 }, { HEADER + 16, 1 }, { MXCSR + 2, 1 },
	};
	struct plat_uctx *u = guest_trapped(as, gate);
	uint8_t *state = malloc(size);
	uint64_t f[FRAME_WORDS] = { 1 };
	struct plat_trap t;

	for (unsigned i = 0; i < 5 * ARRAY_SIZE(breaks); i++) {
		unsigned k = i % ARRAY_SIZE(breaks);

		plat_uctx_save(u);
		memcpy(state, u->xstate, size);
		CHECK(plat_ride_frame_out(as, u, AT, f, FP));
		plat_riders_flush(u);
		flip(as, FP + breaks[k].at, breaks[k].bits);
		CHECK(plat_ride_xstate_in(as, u, i % 4 == 1 ? BAD : FP));
		answer(u, gate, i / 4);
		if (i % 3 == 2)
			plat_uctx_save(u);
		t = run(as, u);
		CHECK(t.kind == PLAT_TRAP_RIDER && t.addr == (i % 4 == 1 ? BAD : FP) && t.code < 0 && !u->riders);
		memcpy(u->xstate, state, size);
		plat_uctx_xstate_changed(u);
		CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL);
	}
	free(state);
	plat_uctx_save(u);
	guest_ctx_free(u);
}

static void refused(plat_as_t as)
{
	struct plat_uctx *u = guest_trapped(as, true), *w = guest_ctx(guest_gate);
	uint64_t f[FRAME_WORDS] = { 1 };
	unsigned n = 0;

	CHECK(!plat_ride_frame_out(as, u, AT, f, FP + 8) && !plat_ride_xstate_in(as, u, FP + 8));
	CHECK(!plat_ride_frame_out(as, u, AT, f, AT - 64) && !plat_ride_frame_out(as, u, AT, f, STUB_CTL));
	CHECK(!plat_ride_frame_out(as, u, STUB_CTL, f, STUB_CTL + 512) && !plat_ride_xstate_in(as, u, STUB_CTL));
	CHECK(!plat_ride_frame_out(as, u, USER_HI - 1024, f, USER_HI - 512) && !plat_ride_xstate_in(as, u, USER_HI - 512));
	CHECK(!plat_ride_xstate_in(as, u, UINT64_MAX - 63) && !plat_ride_xstate_in(as, u, 0) && !u->riders);
	/* Another's state is not in the thread. */
	CHECK(!plat_ride_frame_out(as, w, AT, f, FP) && !plat_ride_xstate_in(as, w, FP) && !w->riders);
	while (n < 100 && plat_ride_frame_out(as, u, AT, f, FP))
		n++;
	CHECK(n == RIDERS_MAX && !plat_ride_xstate_in(as, u, FP));
	plat_riders_flush(u);
	CHECK(!u->riders && !u->rider_err);
	plat_uctx_save(u);
	guest_ctx_free(u);
	guest_ctx_free(w);
}

/* A kick came between its slot and its order to run: its state is not yet where the thread has its own. */
static void not_yet_run(plat_as_t as, bool gate)
{
	struct plat_uctx *u = guest_trapped(as, gate);
	uint64_t f[FRAME_WORDS] = { 1 };
	struct plat_trap t;

	plat_uctx_save(u);
	plat_uctx_xstate_changed(u);
	plat_cpu_kick(0);
	plat_user_run(as, u, NO_DEADLINE, &t);
	CHECK(t.kind == PLAT_TRAP_KICK && u->xstate_live);
	CHECK(!plat_ride_frame_out(as, u, AT, f, FP) && !plat_ride_xstate_in(as, u, FP) && !u->riders);
	answer(u, gate, 0);
	CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL);
	plat_uctx_save(u);
	guest_ctx_free(u);
}

static plat_as_t pulled;
static uint32_t pulling;

/* CPU 1: the memory comes and goes. */
static void puller(void)
{
	static const unsigned prots[] = { 0, 3, 1, 3 };

	for (unsigned i = 0; __atomic_load_n(&pulling, __ATOMIC_ACQUIRE); i++)
		CHECK(plat_as_protect(pulled, AT + (i & 4 ? 0x1000 : 0), 0x1000, prots[i % 4]) == 0);
	CHECK(plat_as_protect(pulled, AT, AREA, 3) == 0);
}

static void memory_pulled_away(void)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_trapped(as, true);
	uint8_t *state = malloc(plat_xstate_size());
	uint64_t f[FRAME_WORDS] = { 1 };
	struct plat_trap t = { .kind = PLAT_TRAP_SYSCALL };
	unsigned ran = 0, failed = 0;

	CHECK(plat_as_map_anon(as, AT, AREA, 3, 0) == 0);
	plat_uctx_save(u);
	memcpy(state, u->xstate, plat_xstate_size());
	pulled = as;
	pulling = 1;
	other_call(puller);
	for (unsigned i = 0; (i < 4000 || (failed < 20 && i < 1000000)) && t.kind != PLAT_TRAP_DEAD; i++) {
		CHECK(plat_ride_frame_out(as, u, AT + 0x800, f, AT + 0xe00) && plat_ride_xstate_in(as, u, AT + 0xe00));
		answer(u, true, i);
		user_run(as, u, plat_time_mono_ns() + 2 * NSEC_PER_SEC, &t);
		ran += t.kind == PLAT_TRAP_SYSCALL;
		if (t.kind != PLAT_TRAP_RIDER)
			continue;
		failed++;
		memcpy(u->xstate, state, plat_xstate_size());
		plat_uctx_xstate_changed(u);
		user_run(as, u, plat_time_mono_ns() + 2 * NSEC_PER_SEC, &t);
		CHECK(t.kind == PLAT_TRAP_SYSCALL || t.kind == PLAT_TRAP_KICK);
	}
	__atomic_store_n(&pulling, 0, __ATOMIC_RELEASE);
	other_call_end();
	CHECK(t.kind != PLAT_TRAP_DEAD);
	CHECK(ran && failed);
	free(state);
	plat_as_free(as);
	guest_ctx_free(u);
}

/* A sibling writes into the image, or into the mailbox, over and over. */
static void scribbled(uint64_t at, uint32_t value)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_trapped(as, true), *enemy = guest_ctx(guest_store_loop);
	struct plat_trap t = { .kind = PLAT_TRAP_SYSCALL };
	uint64_t f[FRAME_WORDS];

	CHECK(plat_as_map_anon(as, AT, AREA, 3, 0) == 0);
	enemy->regs.rdi = at;
	enemy->regs.rsi = value;
	other_run(as, enemy);
	for (unsigned i = 0; i < 300 && t.kind != PLAT_TRAP_DEAD; i++) {
		make_frame(u, f, i);
		(void)!plat_ride_frame_out(as, u, AT, f, FP);
		(void)!plat_ride_xstate_in(as, u, FP);
		answer(u, true, i);
		if (i % 16 == 7)
			plat_riders_flush(u);
		user_run(as, u, plat_time_mono_ns() + 20000000, &t);
		CHECK(t.kind >= PLAT_TRAP_SYSCALL && t.kind <= PLAT_TRAP_RIDER);
		CHECK(t.kind != PLAT_TRAP_RIDER || t.addr == AT || t.addr == FP);
		if (t.kind == PLAT_TRAP_EXCEPTION || t.kind == PLAT_TRAP_FAULT)
			u->regs.rip = guest_at(guest_gate);
	}
	other_stop();
	plat_as_free(as);
	guest_ctx_free(u);
	guest_ctx_free(enemy);
}

void test_frames(void)
{
	static const uint32_t image[] = {
		MXCSR, XMM5, SW, SW + 4, SW + 8, HEADER, HEADER + 4, HEADER + 8, HEADER + 12, HEADER + 16,
	};
	static const uint32_t box[] = {
		offsetof(struct stub_box, cmds[0].op), offsetof(struct stub_box, cmds[0].a[0]) + 4,
		offsetof(struct stub_box, cmds[0].a[1]), offsetof(struct stub_box, cmds[0].a[3]),
		offsetof(struct stub_box, cmds[0].a[4]), offsetof(struct stub_box, cmds[0].a[4]) + 4,
		offsetof(struct stub_box, cmds[0].a[5]), offsetof(struct stub_box, cmds[0].a[5]) + 4,
		offsetof(struct stub_box, cmds[1].a[0]) + 4, offsetof(struct stub_box, cmds[1].a[1]),
		REGS(given.which), REGS(given.word[1]), REGS(load.rsp), REGS(load.rip), REGS(load.flags),
		offsetof(struct stub_box, saved.rip), offsetof(struct stub_box, saved.rip) + 4,
		BOX_SLOTS + offsetof(struct stub_slot, saved), BOX_COPY_REST,
	};
	plat_as_t as = guest_as();

	CHECK(plat_as_map_anon(as, AT, AREA, 3, 0) == 0);
	for (unsigned gate = 0; gate < 2; gate++) {
		round_trips(as, gate);
		no_room(as, gate);
		broken(as, gate);
		not_yet_run(as, gate);
	}
	refused(as);
	plat_as_free(as);
	memory_pulled_away();
	for (size_t i = 0; i < ARRAY_SIZE(image); i++)
		scribbled(FP + image[i], 0xffffffff);
	scribbled(FP + HEADER, 0);
	scribbled(FP + SW, 0);
	for (size_t i = 0; i < ARRAY_SIZE(box); i++)
		scribbled(STUB_CTL + CTL_BOX(0) + box[i], i & 1 ? 0xffffffff : 0x7ff0);
	scribbled(STUB_CTL + CTL_BOX(0) + offsetof(struct stub_box, line.trap), TRAP_GATE | ORDER_LOAD << 16);
}
