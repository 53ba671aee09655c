/* SPDX-License-Identifier: Apache-2.0 */
/* stub_riders.c: copies that ride on the order to run are made once and
 * before it, or the program does not run; whatever comes between, and
 * whatever a hostile program does to the mailbox in which they wait. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "platform/process/sigframe.h"
#include "tests/escape/stub_harness.h"

#define AT 0x40000000ul
#define AREA 0x4000ul
#define BAD 0x50000000ul

/* The memory as it is, past the platform. */
static void peek(plat_as_t as, uint64_t at, void *buf, size_t n)
{
	struct iovec local = { buf, n }, remote = { (void *)at, n };

	CHECK(process_vm_readv(stub_find(as.id)->pid, &local, 1, &remote, 1, 0) == (ssize_t)n);
}

static void poke(plat_as_t as, uint64_t at, const void *buf, size_t n)
{
	struct iovec local = { (void *)buf, n }, remote = { (void *)at, n };

	CHECK(process_vm_writev(stub_find(as.id)->pid, &local, 1, &remote, 1, 0) == (ssize_t)n);
}

static uint64_t word(plat_as_t as, uint64_t at)
{
	uint64_t v = 0;

	peek(as, at, &v, sizeof(v));
	return v;
}

static bool ride(plat_as_t as, struct plat_uctx *u, uint64_t at, uint64_t v)
{
	return plat_ride_copy_out(as, u, at, &v, sizeof(v));
}

static void answer(struct plat_uctx *u, bool gate, bool frame)
{
	if (gate)
		u->regs.rax = 1000 + u->regs.r14;
	if (frame)
		u->regs.fs_base ^= 0x1000;      /* not as it was: resumed by a frame */
}

static void all_sizes(plat_as_t as, bool gate)
{
	const size_t sizes[] = { 1, 7, 8, 24, 25, 64, 88, 144, 152, 255, 256, 4095, 4096 };
	struct plat_uctx *u = guest_trapped(as, gate);
	static uint8_t data[AREA], got[AREA], was[AREA];

	for (unsigned round = 0; round < 8 * ARRAY_SIZE(sizes); round++) {
		size_t n = sizes[round % ARRAY_SIZE(sizes)], at = round * 13;

		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = (uint8_t)(i * 7 + round);
		peek(as, AT, was, AREA);
		CHECK(plat_ride_copy_out(as, u, AT + at, data, n) && u->riders);
		peek(as, AT, got, AREA);
		CHECK(!memcmp(got, was, AREA));         /* not yet */
		memcpy(was + at, data, n);
		answer(u, gate, round & 8);
		CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL && !u->riders);
		peek(as, AT, got, AREA);
		CHECK(!memcmp(got, was, AREA));
		/* Once. */
		poke(as, AT + at, &(uint8_t){ (uint8_t)~data[0] }, 1);
		answer(u, gate, round & 16);
		CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL);
		peek(as, AT + at, got, 1);
		CHECK((got[0] ^ data[0]) == 0xff);
	}
	plat_uctx_save(u);
	guest_ctx_free(u);
}

/* As an order instead of bytes: alone, beside copies, flushed, early by who looks, failing. */
static void zeroes(plat_as_t as, bool gate)
{
	static const size_t sizes[] = { 1, 8, 511, 512, 4096, AREA - 16 };
	static uint8_t got[AREA], was[AREA];
	struct plat_uctx *u = guest_trapped(as, gate);
	struct plat_trap t;

	CHECK(!plat_ride_zero(as, u, AT, PLAT_RIDE_ZERO_MAX + 1) && !plat_ride_zero(as, u, STUB_CTL + CTL_BOX(0), 8));
	CHECK(!plat_ride_zero(as, u, USER_HI - 4, 8) && !u->riders);
	for (unsigned round = 0; round < 8 * ARRAY_SIZE(sizes); round++) {
		size_t n = sizes[round % ARRAY_SIZE(sizes)], at = round % 8;
		unsigned way = round / ARRAY_SIZE(sizes);

		memset(was, (int)round + 1, sizeof(was));
		poke(as, AT, was, AREA);
		CHECK((way != 1 || ride(as, u, AT + AREA - 8, 4711)) && plat_ride_zero(as, u, AT + at, n) && u->riders);
		CHECK(way != 2 || ride(as, u, AT + AREA - 8, 4711));
		peek(as, AT, got, AREA);
		CHECK(!memcmp(got, was, AREA));         /* not yet */
		memset(was + at, 0, n);
		if (way == 1 || way == 2)
			memcpy(was + AREA - 8, &(uint64_t){ 4711 }, 8);
		if (way == 3)
			plat_riders_flush(u);
		if (way == 4)
			CHECK(plat_copy_in(as, got, AT + at, 1) == 0 && got[0] == 0 && !u->riders);
		if (way == 5)
			CHECK(plat_copy_out(as, AT + at, memset(was + at, 7, 1), 1) == 0 && !u->riders);
		answer(u, gate, round & 1);
		CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL && !u->riders);
		peek(as, AT, got, AREA);
		CHECK(!memcmp(got, was, AREA));
	}
	/* The part that fits. */
	poke(as, AT + AREA - 8, &(uint64_t){ ~0ull }, 8);
	answer(u, gate, false);
	CHECK(plat_ride_zero(as, u, AT + AREA - 4, 4096));
	t = run(as, u);
	CHECK(t.kind == PLAT_TRAP_RIDER && t.addr == AT + AREA - 4 && t.code == -EFAULT && word(as, AT + AREA - 8) >> 32 == 0);
	CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL);
	plat_uctx_save(u);
	guest_ctx_free(u);
}

/* Short ones lie in the order or the list, long ones behind. */
static void mixed(plat_as_t as, bool gate)
{
	static uint8_t data[300], got[300];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + 1);
	for (unsigned first = 0; first < 8; first++) {
		struct plat_uctx *u = guest_trapped(as, gate);
		size_t at = 0;

		for (unsigned i = 0; i < 3; i++) {
			size_t n = first >> i & 1 ? 8 + i : 70 + i;

			CHECK(plat_ride_copy_out(as, u, AT + at, data + at, n));
			at += n;
		}
		answer(u, gate, false);
		CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL && !u->riders);
		peek(as, AT, got, at);
		CHECK(!memcmp(got, data, at));
		plat_uctx_save(u);
		guest_ctx_free(u);
	}
}

/* What another context left is made first, by commands of its own, and does not
 * change how this one goes on. */
static void others_first(plat_as_t as)
{
	struct plat_uctx *u = guest_trapped(as, true), *w = guest_ctx(guest_gate);
	bool before = process.no_vm_access;

	process.no_vm_access = true;
	for (unsigned i = 0; i < 3; i++) {
		uint64_t calls = u->regs.r14;

		CHECK(ride(as, w, AT + 8, 77 + i));
		answer(u, true, false);
		CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL && u->regs.r14 == calls + 1);
		CHECK(word(as, AT + 8) == 77 + i && !w->riders);
	}
	process.no_vm_access = before;
	plat_uctx_save(u);
	guest_ctx_free(u);
	guest_ctx_free(w);
}

/* Long copies do not ride to another core. */
static void far_away(plat_as_t as)
{
	struct plat_uctx *u = guest_trapped(as, true);
	struct stub_box *box = stub_box_of(stub_find(as.id), 0);
	size_t before = process.rider_apart;
	static uint8_t data[1024];

	process.rider_apart = 384;
	box->app_cpu = CORE_NOWHERE;
	CHECK(!plat_ride_copy_out(as, u, AT, data, 385) && !u->riders);
	CHECK(plat_ride_copy_out(as, u, AT, data, 384));
	plat_riders_flush(u);
	process.rider_apart = before;
	plat_uctx_save(u);
	guest_ctx_free(u);
}

/* What there is no place for, or no right to, is not taken. */
static void refused(plat_as_t as)
{
	struct plat_uctx *u = guest_trapped(as, true), *w = guest_ctx(guest_gate);
	static uint8_t data[PLAT_RIDER_MAX + 1];
	unsigned n = 0;

	CHECK(!plat_ride_copy_out(as, u, AT, data, sizeof(data)) && !u->riders);
	CHECK(!ride(as, u, STUB_BASE, 1) && !ride(as, u, STUB_CTL + CTL_BOX(0), 1) && !ride(as, u, USER_HI - 4, 1));
	CHECK(!ride(as, u, UINT64_MAX - 3, 1) && !ride(as, u, 0, 1) && !u->riders);
	while (n < 100 && ride(as, u, AT + n * 8, n))
		n++;
	CHECK(n == RIDERS_MAX && !ride(as, w, AT, 1) && !w->riders);
	answer(u, true, false);
	CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL);
	for (unsigned i = 0; i < n; i++)
		CHECK(word(as, AT + i * 8) == i);
	CHECK(plat_ride_copy_out(as, u, AT, data, PLAT_RIDER_MAX) && !plat_ride_copy_out(as, u, AT, data, 25));
	CHECK(!ride(as, w, AT, 1));
	plat_riders_flush(u);
	plat_uctx_save(u);
	guest_ctx_free(u);
	guest_ctx_free(w);
}

/* Who looks earlier sees it. */
static void seen_early(plat_as_t as, bool gate)
{
	struct plat_uctx *u = guest_trapped(as, gate), *w = guest_ctx(guest_getpid);
	plat_as_t child = { 0 };
	uint64_t v = 0;
	uint32_t prev;

	for (unsigned i = 1; i < 40; i++) {
		CHECK(ride(as, u, AT, i) && plat_copy_in(as, &v, AT + 8, 8) == 0 && u->riders == !process.no_vm_access);
		CHECK(plat_copy_in(as, &v, AT, 8) == 0 && v == i && !u->riders);
		/* A later one that did not ride is the later one. */
		CHECK(ride(as, u, AT, i) && plat_copy_out(as, AT + 4, &i, 4) == 0 && !u->riders);
		CHECK(word(as, AT) == (i | (uint64_t)i << 32));
		CHECK(ride(as, u, AT, i) && plat_user_load32(as, AT, &prev) == 0 && prev == i && !u->riders);
		CHECK(ride(as, u, AT, i) && plat_user_cmpxchg32(as, AT, i, 9, &prev) == 0 && prev == i && !u->riders);
		CHECK(word(as, AT) == 9);
		CHECK(ride(as, u, AT, i) && plat_as_protect(as, AT, AREA, 3) == 0 && word(as, AT) == i && !u->riders);
		CHECK(ride(as, u, AT, i + 1));
		plat_riders_flush(u);
		CHECK(word(as, AT) == i + 1 && !u->riders);
		/* The kernel forgot that it left: another context's run. */
		CHECK(ride(as, u, AT, i + 2));
		plat_uctx_save(u);
		CHECK(run(as, w).kind == PLAT_TRAP_SYSCALL && word(as, AT) == i + 2 && !u->riders);
		plat_uctx_save(w);
		answer(u, gate, false);
		CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL);
	}
	CHECK(ride(as, u, AT, 77) && plat_as_fork(as, &child) == 0 && word(child, AT) == 77);
	plat_uctx_save(u);
	plat_as_free(child);
	guest_ctx_free(u);
	guest_ctx_free(w);
}

/* One that fails keeps the program from running; nothing of it is lost. */
static void failing(plat_as_t as, bool gate)
{
	struct plat_uctx *u = guest_trapped(as, gate), *w = guest_trapped(as, true);
	struct plat_regs before;
	struct plat_trap t;

	plat_uctx_save(w);
	for (unsigned i = 0; i < 60; i++) {
		bool early = i % 5 == 4;

		if (i % 3 == 0) {
			/* Its state comes by a frame. */
			answer(w, true, false);
			CHECK(run(as, w).kind == PLAT_TRAP_SYSCALL);
			plat_uctx_save(w);
		}
		answer(u, gate, i & 8);
		before = u->regs;
		CHECK(ride(as, u, AT, i) && ride(as, u, BAD + i * 8, i) && ride(as, u, AT + 8, i));
		if (early) {
			plat_riders_flush(u);
			plat_uctx_save(u);
			CHECK(!u->riders && word(as, AT) == i);
		}
		t = run(as, u);
		CHECK(t.kind == PLAT_TRAP_RIDER && t.addr == BAD + i * 8 && t.code == -EFAULT && !u->riders);
		CHECK(!memcmp(&before, &u->regs, sizeof(before)) && word(as, AT) == i && word(as, AT + 8) == i);
		if (i % 4 == 1) {
			plat_uctx_save(u);
			plat_uctx_xstate_changed(u);
		}
		CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL);    /* guest_gate looks at all of its registers */
		plat_uctx_save(u);
	}
	/* Across the end of a mapping: the part that fits is there. */
	answer(u, gate, false);
	CHECK(ride(as, u, AT + AREA - 4, 0x1122334455667788));
	t = run(as, u);
	CHECK(t.kind == PLAT_TRAP_RIDER && t.addr == AT + AREA - 4 && word(as, AT + AREA - 8) >> 32 == 0x55667788);
	CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL);
	plat_uctx_save(u);
	guest_ctx_free(u);
	guest_ctx_free(w);
}

static bool there(plat_as_t as, uint64_t at)
{
	uint8_t b;
	struct iovec local = { &b, 1 }, remote = { (void *)at, 1 };

	return process_vm_readv(stub_find(as.id)->pid, &local, 1, &remote, 1, 0) == 1;
}

static bool writable(plat_as_t as, uint64_t at)
{
	uint8_t b = 3;
	struct iovec local = { &b, 1 }, remote = { (void *)at, 1 };

	return process_vm_writev(stub_find(as.id)->pid, &local, 1, &remote, 1, 0) == 1;
}

#define M 0x48000000ul

/* Memory calls ride too, in order with copies; a copy that does not ride comes after. */
static void memory_calls(plat_as_t as, bool gate)
{
	struct plat_uctx *u = guest_trapped(as, gate);
	struct plat_regs before;
	struct plat_trap t;
	uint64_t v;

	for (unsigned i = 1; i < 50; i++) {
		CHECK(plat_ride_map_anon(as, u, M, 0x2000, 3, 0) && u->riders && !there(as, M));
		CHECK(ride(as, u, M + 8, i) && plat_ride_protect(as, u, M, 0x1000, 1));
		answer(u, gate, i & 2);
		CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL && !u->riders);
		CHECK(word(as, M + 8) == i && !writable(as, M) && writable(as, M + 0x1000));
		CHECK(plat_ride_advise(as, u, M + 0x1000, 0x1000, 4) && word(as, M + 0x1000) == 3);
		answer(u, gate, i & 4);
		CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL && word(as, M + 0x1000) == 0);
		/* Who looks, at anything, looks afterwards. */
		CHECK(plat_ride_unmap(as, u, M, 0x1000));
		CHECK(plat_copy_in(as, &v, M, 8) == 8 && !u->riders && !u->rider_err && !there(as, M));
		CHECK(plat_ride_map_anon(as, u, M, 0x1000, 3, 0) && plat_as_protect(as, M, 0x2000, 1) == 0 && !u->riders);
		CHECK(there(as, M) && !writable(as, M));
		CHECK(plat_ride_unmap(as, u, M, 0x2000));
		plat_riders_flush(u);
		CHECK(!u->riders && !u->rider_err && !there(as, M));
		/* Refused by the host: nothing runs. */
		answer(u, gate, i & 8);
		before = u->regs;
		CHECK(ride(as, u, AT, i) && plat_ride_protect(as, u, M, 0x1000, 1));
		if (i & 1) {
			plat_riders_flush(u);
			CHECK(u->rider_err == -ENOMEM);
		}
		t = run(as, u);
		CHECK(t.kind == PLAT_TRAP_RIDER && t.code == -ENOMEM && t.addr == M && !u->rider_err && word(as, AT) == i);
		CHECK(!memcmp(&before, &u->regs, sizeof(before)) && run(as, u).kind == PLAT_TRAP_SYSCALL);
	}
	/* Nothing of ours, nothing that is too large or odd. */
	CHECK(!plat_ride_unmap(as, u, STUB_BASE, 0x1000) && !plat_ride_protect(as, u, STUB_CTL, 0x1000, 3));
	CHECK(!plat_ride_map_anon(as, u, USER_HI - 0x1000, 0x2000, 3, 0) && !plat_ride_unmap(as, u, M + 1, 0x1000));
	CHECK(!plat_ride_map_anon(as, u, M, 0x1000, 8, 0) && !plat_ride_map_anon(as, u, M, 0x1000, 3, PLAT_MAP_SHARED));
	CHECK(!plat_ride_advise(as, u, M, 0x1000, 22) && !plat_ride_advise(as, u, M, 0x1000, -1));
	CHECK(!plat_ride_unmap(as, u, M, SIZE_BOUND) && !plat_ride_unmap(as, u, M, 0) && !u->riders);
	plat_uctx_save(u);
	guest_ctx_free(u);
}

/* To the first run of an address space, whose thread is not there yet. */
static void newborn(plat_as_t as)
{
	for (unsigned i = 0; i < 6; i++) {
		struct plat_uctx *u = guest_ctx(guest_getpid);
		uint8_t much[64] = { 0 };
		plat_as_t child;

		CHECK(plat_as_fork(as, &child) == 0);
		CHECK(ride(child, u, AT, 100 + i) && !plat_ride_copy_out(child, u, AT, much, sizeof(much)));
		CHECK(ride(child, u, AT + 8, 200 + i));
		if (i & 1)
			plat_riders_flush(u);
		CHECK(run(child, u).kind == PLAT_TRAP_SYSCALL);
		CHECK(word(child, AT) == 100 + i && word(child, AT + 8) == 200 + i);
		plat_as_free(child);
		guest_ctx_free(u);
	}
}

/* Its memory cannot be reached by the host's copies. */
static void by_mailbox(plat_as_t as)
{
	bool before = process.no_vm_access;

	process.no_vm_access = true;
	for (unsigned gate = 0; gate < 2; gate++) {
		all_sizes(as, gate);
		mixed(as, gate);
		zeroes(as, gate);
		seen_early(as, gate);
		failing(as, gate);
	}
	newborn(as);
	process.no_vm_access = before;
}

/* ---- a hostile program ------------------------------------------------------ */

/* A sibling on the other CPU writes into the mailbox, over and over.  riding:
 * something is there to be written to. */
static void scribbled(uint64_t offset, uint32_t value, bool riding)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_trapped(as, true), *enemy = guest_ctx(guest_store_loop);
	struct plat_trap t = { .kind = PLAT_TRAP_SYSCALL };

	CHECK(plat_as_map_anon(as, AT, AREA, 3, 0) == 0);
	enemy->regs.rdi = STUB_CTL + CTL_BOX(0) + offset;
	enemy->regs.rsi = value;
	other_run(as, enemy);
	for (unsigned i = 0; i < 300 && t.kind != PLAT_TRAP_DEAD; i++) {
		uint8_t data[64];

		memset(data, 0x5a, sizeof(data));
		answer(u, true, i & 1);
		if (riding && i % 3 == 2) {
			(void)!plat_ride_unmap(as, u, AT, 0x1000);
			(void)!plat_ride_map_anon(as, u, AT, 0x1000, 3, 0);
		} else if (riding) {
			(void)!ride(as, u, AT, i);
			(void)!plat_ride_copy_out(as, u, AT + 64, data, sizeof(data));
		}
		if (i % 16 == 7)
			plat_riders_flush(u);
		user_run(as, u, plat_time_mono_ns() + 20000000, &t);
		CHECK(t.kind >= PLAT_TRAP_SYSCALL && t.kind <= PLAT_TRAP_RIDER);
		/* It never tells the kernel other addresses than the kernel's. */
		CHECK(t.kind != PLAT_TRAP_RIDER || (riding && (t.addr == AT || t.addr == AT + 64)));
		if (t.kind == PLAT_TRAP_EXCEPTION || t.kind == PLAT_TRAP_FAULT)
			u->regs.rip = guest_at(guest_gate);
	}
	other_stop();
	plat_as_free(as);
	guest_ctx_free(u);
	guest_ctx_free(enemy);
}

/* What one program's copies left in its mailbox is not there for the next
 * one that gets it. */
static void leftovers(void)
{
	static uint8_t data[4096];
	unsigned reused = 0;

	memset(data, 0xa5, sizeof(data));
	for (unsigned i = 0; i < 20 && !reused; i++) {
		plat_as_t as = guest_as(), next;
		struct plat_uctx *u = guest_trapped(as, i & 1);
		struct ctl *ctl = stub_find(as.id)->ctl;
		uint8_t *box;

		CHECK(plat_as_map_anon(as, AT, AREA, 3, 0) == 0);
		CHECK(plat_ride_copy_out(as, u, AT, data, sizeof(data)));
		answer(u, i & 1, false);
		CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL);
		plat_uctx_save(u);
		guest_ctx_free(u);
		stub_box_of(stub_find(as.id), 0)->tid = 0;      /* whatever the program says about itself */
		plat_as_free(as);
		plat_cpu_idle(plat_time_mono_ns() + 20000000);
		for (unsigned k = 0; k < 3 && !reused; k++) {
			next = guest_as();
			box = (uint8_t *)stub_box_of(stub_find(next.id), 0);
			reused = stub_find(next.id)->ctl == ctl;
			for (size_t at = BOX_DATA; reused && at < BOX_DATA + BOX_DATA_SIZE; at++)
				reused += box[at] != 0;
			plat_as_free(next);
		}
	}
	CHECK(reused == 1);
}

void test_riders(void)
{
	static const uint32_t values[] = { SYS_exit_group, SYS_openat, SYS_munmap, OP_COPY, OP_ZERO, OP_LOAD32, OP_FRAME_OUT, OP_XSTATE_IN,
					  0xffffffff };
	plat_as_t as = guest_as();

	process.rider_apart = SIZE_MAX;         /* wherever the threads are */
	CHECK(plat_as_map_anon(as, AT, AREA, 3, 0) == 0);
	for (unsigned gate = 0; gate < 2; gate++) {
		all_sizes(as, gate);
		mixed(as, gate);
		zeroes(as, gate);
		seen_early(as, gate);
		failing(as, gate);
		memory_calls(as, gate);
	}
	refused(as);
	far_away(as);
	others_first(as);
	newborn(as);
	by_mailbox(as);
	plat_as_free(as);
	leftovers();
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		scribbled(offsetof(struct stub_box, cmds), values[i], true);
	scribbled(offsetof(struct stub_box, line.trap), TRAP_RIDERS, true);
	scribbled(offsetof(struct stub_box, line.trap), TRAP_RIDERS, false);
	scribbled(offsetof(struct stub_box, line.trap), 0xffffffff, true);      /* and the order */
	scribbled(offsetof(struct stub_box, line.trap), TRAP_GATE, true);
	for (size_t at = offsetof(struct stub_box, line.rip); at <= offsetof(struct stub_box, line.copy.data); at += 8)
		scribbled(at, 0xfffffff0, true);
	scribbled(offsetof(struct stub_box, cmds[0].a[0]), (uint32_t)STUB_CTL, true);
	scribbled(offsetof(struct stub_box, cmds[0].a[0]) + 4, 0x7ff0, true);
	scribbled(offsetof(struct stub_box, cmds[1].a[1]) + 4, 0xffff, true);
	scribbled(offsetof(struct stub_box, cmds[1].a[2]) + 4, 0xffff, true);
	scribbled(offsetof(struct stub_box, cmds[0].ret), 0xfffffff2, true);
	scribbled(offsetof(struct stub_box, line.trap), TRAP_GATE | (ORDER_ZERO | ORDER_FAST) << 16, true);
	scribbled(offsetof(struct stub_box, line.trap), TRAP_GATE | 0xff01u << 16, true);
	scribbled(BOX_COPY_REST, 0xffffffff, true);
	scribbled(BOX_DATA + BOX_AHEAD_SIZE, 0xffffffff, true);
}

/* ---- kicks -------------------------------------------------------------------- */

#define KICKS 3000

/* A kick at any moment: what rides is made once, or waits for the next run. */
static void kicks(bool gate)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_trapped(as, gate);
	unsigned waited = 0, failed = 0, undone = 0;
	static uint8_t data[2048];
	static const uint64_t frame[FRAME_WORDS] = { 1 };

	CHECK(plat_as_map_anon(as, AT, AREA, 3, 0) == 0);
	kicks_begin(KICKS, 9000);
	for (uint32_t i = 0; kicks_ask(); i++) {
		bool bad = i % 7 == 3;
		struct plat_trap t;

		if (gate)
			u->regs.rax = 1000 + u->regs.r14;
		memset(data, (int)i, sizeof(data));
		CHECK(ride(as, u, AT, i) && plat_ride_copy_out(as, u, AT + 64, data, sizeof(data)));
		CHECK(!bad || ride(as, u, BAD, i));
		/* The extended state, out and in: guest_gate looks at it. */
		CHECK(plat_ride_frame_out(as, u, AT + 0x2000, frame, AT + 0x2200) && plat_ride_xstate_in(as, u, AT + 0x2200));
		/* A second time it would fail. */
		CHECK(i & 1 ? plat_ride_map_anon(as, u, M, 0x2000, 3, 0) && plat_ride_protect(as, u, M + 0x1000, 0x1000, 1) :
		      plat_ride_map_anon(as, u, M, 0x1000, 3, 0) && plat_ride_protect(as, u, M, 0x1000, 1) &&
		      plat_ride_unmap(as, u, M, 0x1000));
		do {
			user_run(as, u, plat_time_mono_ns() + 2 * NSEC_PER_SEC, &t);
			waited += t.kind == PLAT_TRAP_KICK && u->riders;
		} while (t.kind == PLAT_TRAP_KICK && u->riders);
		CHECK(there(as, M) == (i & 1) && there(as, M + 0x1000) == (i & 1));
		CHECK(!(i & 1) || (!writable(as, M + 0x1000) && plat_as_unmap(as, M, 0x2000) == 0));
		CHECK(!u->riders && word(as, AT) == i && (uint8_t)word(as, AT + 64 + sizeof(data) - 8) == (uint8_t)i);
		CHECK((t.kind == PLAT_TRAP_RIDER) == bad);
		failed += t.kind == PLAT_TRAP_RIDER;
		undone += t.kind == PLAT_TRAP_KICK && stub_box_of(stub_find(as.id), 0)->line.trap == TRAP_UNRUN;
		/* From here on only what the program itself does: nothing. */
		poke(as, AT, &(uint64_t){ ~(uint64_t)i }, 8);
		while (t.kind != PLAT_TRAP_SYSCALL && t.kind != PLAT_TRAP_DEAD)
			user_run(as, u, plat_time_mono_ns() + 2 * NSEC_PER_SEC, &t);
		CHECK(t.kind == PLAT_TRAP_SYSCALL && word(as, AT) == ~(uint64_t)i);
		if (t.kind != PLAT_TRAP_SYSCALL)
			_exit(1);
	}
	kicks_end();
	printf("  by the %s: %u waited for the next run, %u failed, %u made and then not run\n",
	       gate ? "gate" : "instruction", waited, failed, undone);
	plat_as_free(as);
	guest_ctx_free(u);
}

void test_rider_kicks(void)
{
	process.rider_apart = SIZE_MAX;
	kicks(true);
	kicks(false);
}
