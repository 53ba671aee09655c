/* SPDX-License-Identifier: Apache-2.0 */
/* stub_ahead.c: what a thread copies into its mailbox before it traps is what the
 * kernel would have read, once, and whatever else lies there is nobody's gain. */
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "tests/escape/stub_harness.h"

static struct plat_uctx *gate_ctx(const char *at)
{
	struct plat_uctx *u = guest_ctx(at);

	u->regs.r15 = plat_syscall_gate();
	return u;
}

static bool by_gate(plat_as_t as) { return (box_of(as)->line.trap & ~TRAP_AHEAD) == TRAP_GATE; }

static void call_with(plat_as_t as, struct plat_uctx *u, uint64_t nr, uint64_t addr, uint64_t size)
{
	u->regs.rip = guest_at(guest_gate_user);
	u->regs.rax = nr;
	u->regs.rdi = 1;
	u->regs.rsi = addr;
	u->regs.rdx = size;
	CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL && by_gate(as) && u->regs.orig_rax == nr);
}

/* Is `addr` known from the mailbox?  The memory itself is made to differ, in
 * a way that the platform does not see. */
static bool known_ahead(plat_as_t as, uint64_t addr, uint8_t expected)
{
	struct iovec local = { &(uint8_t){ (uint8_t)~expected }, 1 }, remote = { (void *)addr, 1 };
	uint8_t v = 0;

	CHECK(process_vm_writev(stub_find(as.id)->pid, &local, 1, &remote, 1, 0) == 1);
	CHECK(plat_copy_in(as, &v, addr, 1) == 0);
	CHECK(v == expected || (v ^ expected) == 0xff);
	local.iov_base = &expected;
	CHECK(process_vm_writev(stub_find(as.id)->pid, &local, 1, &remote, 1, 0) == 1);
	return v == expected;
}

/* With their 0 and not a byte more. */
static void strings_ahead(plat_as_t as, struct plat_uctx *u, uint64_t at, uint64_t end)
{
	static uint8_t data[64], got[64];

	for (unsigned from = 0; from < 9; from++)
		for (unsigned n = 0; n < 40; n++) {
			uint64_t where = n & 1 ? at + from : end - from - n - 1;

			for (unsigned i = 0; i < sizeof(data); i++)
				data[i] = (uint8_t)(i % 3 ? 0x80 + i : i + 1);
			data[n] = 0;
			CHECK(plat_copy_out(as, where, data, n + 1) == 0);
			call_with(as, u, SYS_openat, where, 0);
			CHECK(plat_copied_ahead(as, where) == n + 1 && plat_copied_ahead(as, where + n + 1) == 0);
			CHECK(plat_copy_in(as, got, where, n + 1) == 0 && !memcmp(got, data, n + 1));
		}
}

static void copied_ahead(plat_as_t as)
{
	const uint64_t at = 0x40000000, end = at + 0x2000;
	struct plat_uctx *u = gate_ctx(guest_gate_user), *w = gate_ctx(guest_gate_user);
	static uint8_t data[0x2000], got[0x2000];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 13 + 5);
	CHECK(plat_as_map_anon(as, at, sizeof(data), 3, 0) == 0);
	CHECK(plat_copy_out(as, at, data, sizeof(data)) == 0);
	call_with(as, u, SYS_write, at, 300);
	CHECK(known_ahead(as, at + 7, data[7]));
	CHECK(!known_ahead(as, at + 7, data[7]));               /* each byte once */
	CHECK(!known_ahead(as, at + 3, data[3]) && known_ahead(as, at + 8, data[8]));
	CHECK(known_ahead(as, at + 299, data[299]) && !known_ahead(as, at + 300, data[300]));
	call_with(as, u, SYS_write, at, 300);
	CHECK(plat_copy_in(as, got, at, 301) == 0 && !memcmp(got, data, 301));
	CHECK(plat_copy_in(as, got, at, 300) == 0 && !memcmp(got, data, 300));
	/* By the instruction it is the same, and what ends a handler is there too. */
	for (unsigned i = 0; i < 2; i++) {
		u->regs.rip = guest_at(guest_syscall);
		u->regs.rax = i ? SYS_rt_sigreturn : SYS_write;
		u->regs.rsp = i ? at : GUEST_STACK;
		u->regs.rsi = at;
		u->regs.rdx = 300;
		CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL && !by_gate(as) && u->regs.orig_rax == u->regs.rax);
		CHECK(known_ahead(as, at + 7, data[7]) && known_ahead(as, at + 299, data[299]));
		CHECK(known_ahead(as, at + 300, data[300]) == i);
	}
	u->regs.rsp = GUEST_STACK + GUEST_STACK_SIZE - 64;
	/* A thread's end; nothing where there is no thread area. */
	for (unsigned i = 0; i < 3; i++) {
		u->regs.fs_base = i == 0 ? at : i == 1 ? 0 : UINT64_MAX;
		call_with(as, u, SYS_exit, 0, 0);
		CHECK(known_ahead(as, at + 0x2e0, data[0x2e0]) == (i == 0));
	}
	u->regs.fs_base = 0;
	/* What the kernel writes itself is not hidden by an older copy. */
	call_with(as, u, SYS_write, at, 300);
	CHECK(plat_copy_out(as, at + 200, (uint8_t[]){ 0xaa }, 1) == 0 && !known_ahead(as, at + 10, data[10]));
	CHECK(plat_copy_out(as, at + 200, data + 200, 1) == 0);
	/* It ends with the task's stay on its CPU, and with the next trap. */
	call_with(as, u, SYS_write, at, 300);
	plat_uctx_save(u);
	CHECK(!known_ahead(as, at, data[0]));
	call_with(as, u, SYS_write, at, 300);
	plat_uctx_xstate_changed(u);
	plat_uctx_save(u);
	CHECK(!known_ahead(as, at, data[0]));
	call_with(as, u, SYS_write, at, 300);
	call_with(as, w, SYS_getpid, at, 300);
	CHECK(!known_ahead(as, at, data[0]));
	plat_uctx_save(w);
	/* Strings end with their page; bad pointers and sizes are nobody's loss. */
	call_with(as, u, SYS_openat, end - 20, 0);
	CHECK(known_ahead(as, end - 20, data[sizeof(data) - 20]) && known_ahead(as, end - 1, data[sizeof(data) - 1]));
	strings_ahead(as, u, at, end);
	CHECK(plat_copy_out(as, at, data, sizeof(data)) == 0);
	call_with(as, u, SYS_write, end - 20, 300);
	CHECK(plat_copy_in(as, got, end - 20, 300) == 280 && !memcmp(got, data + sizeof(data) - 20, 20));
	call_with(as, u, SYS_write, 0x50000000, 300);
	CHECK(plat_copy_in(as, got, 0x50000000, 300) == 300);
	call_with(as, u, SYS_write, at, 1ull << 40);
	CHECK(!known_ahead(as, at, data[0]));
	call_with(as, u, SYS_writev, at, 1ull << 60);
	CHECK(!known_ahead(as, at, data[0]));
	call_with(as, u, SYS_openat, UINT64_MAX - 3, 0);
	CHECK(plat_copy_in(as, got, UINT64_MAX - 3, 4) == 4);
	call_with(as, u, SYS_openat, 0x50000000, 0);
	CHECK(plat_copied_ahead(as, 0x50000000) == 0 && plat_copy_in(as, got, 0x50000000, 4) == 4);
	call_with(as, u, SYS_openat, STUB_BASE, 0);
	CHECK(plat_copy_in(as, got, STUB_BASE, 8) == 8);
	CHECK(plat_as_unmap(as, at, sizeof(data)) == 0);
	guest_ctx_free(u);
	guest_ctx_free(w);
}

/* ---- vectors ---- */

#define VECTOR 0x40000000ul
#define HEADER (VECTOR + 0x800)
#define SIZE 0x4000u

static uint8_t mem[SIZE];

static uint8_t byte_at(uint64_t addr) { return mem[addr - VECTOR]; }
static bool known(plat_as_t as, uint64_t addr) { return known_ahead(as, addr, byte_at(addr)); }

static void vector_put(plat_as_t as, const struct iovec *v, unsigned n)
{
	const struct msghdr h = { .msg_iov = (struct iovec *)VECTOR, .msg_iovlen = n };

	memcpy(mem, v, n * sizeof(*v));
	memcpy(mem + (HEADER - VECTOR), &h, sizeof(h));
	CHECK(plat_copy_out(as, VECTOR, mem, SIZE) == 0);
}

/* By writev, and by sendmsg, whose header leads to the vector. */
static void vector_call(plat_as_t as, struct plat_uctx *u, bool header, unsigned n)
{
	if (header)
		call_with(as, u, SYS_sendmsg, HEADER, 0);
	else
		call_with(as, u, SYS_writev, VECTOR, n);
}

static void parts_known(plat_as_t as, struct plat_uctx *u, const struct iovec *v, unsigned n, bool expected)
{
	static uint8_t got[SIZE];

	vector_put(as, v, n);
	for (unsigned header = 0; header < 2; header++) {
		vector_call(as, u, header, n);
		for (unsigned i = 0; i < n; i++) {
			uint64_t at = (uint64_t)v[i].iov_base;

			if (v[i].iov_len)
				CHECK(plat_copied_ahead(as, at) == (expected ? v[i].iov_len : 0));
		}
		vector_call(as, u, header, n);
		/* What is not there hides nothing of what is. */
		CHECK(plat_copied_ahead(as, VECTOR + SIZE - 1) == 0);
		if (header)
			CHECK(known(as, HEADER + sizeof(struct msghdr) - 1) && !known(as, HEADER));
		CHECK(!header || n <= 8 ? known(as, VECTOR) && known(as, VECTOR + n * sizeof(*v) - 1) : true);
		for (unsigned i = 0; i < n; i++) {
			uint64_t at = (uint64_t)v[i].iov_base, end = at + v[i].iov_len;

			if (at == end)
				continue;
			CHECK(known(as, at) == expected && !known(as, at) && (at + 1 == end || known(as, end - 1) == expected));
		}
		vector_call(as, u, header, n);
		for (unsigned i = 0; i < n; i++) {
			CHECK(plat_copy_in(as, got, (uint64_t)v[i].iov_base, v[i].iov_len) == 0);
			CHECK(!memcmp(got, mem + ((uint64_t)v[i].iov_base - VECTOR), v[i].iov_len));
		}
	}
}

#define PART(off, n) { (void *)(VECTOR + (off)), n }

static void vectors(plat_as_t as)
{
	static const struct iovec few[] = { PART(0x1000, 6), PART(0x1100, 0), PART(0x1203, 100), PART(0x1301, 1) };
	static const struct iovec full[] = { PART(0x1000, 2000), PART(0x2001, 1900) };
	static const struct iovec much[] = { PART(0x1000, 2000), PART(0x2001, 2100) };
	static const struct iovec bad[] = { PART(0x1000, 64), { (void *)0x50000000, 64 }, PART(0x1800, 8) };
	static const struct iovec over[] = { PART(0x1000, 8), PART(0x1100, 1ul << 40), PART(0x1200, UINT64_MAX - 15) };
	struct plat_uctx *u = gate_ctx(guest_gate_user);
	struct iovec many[20];
	uint8_t got[64];

	for (unsigned i = 0; i < SIZE; i++)
		mem[i] = (uint8_t)(i * 7 + 3);
	for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct iovec)PART(0x1000 + i * 64, 9 + i);
	CHECK(plat_as_map_anon(as, VECTOR, SIZE, 3, 0) == 0);
	parts_known(as, u, few, ARRAY_SIZE(few), true);
	parts_known(as, u, full, ARRAY_SIZE(full), true);
	parts_known(as, u, many, 8, true);
	parts_known(as, u, many, 9, false);
	parts_known(as, u, many, 20, false);
	parts_known(as, u, much, ARRAY_SIZE(much), false);
	/* What a call reads into is not read. */
	vector_put(as, few, ARRAY_SIZE(few));
	call_with(as, u, SYS_readv, VECTOR, ARRAY_SIZE(few));
	CHECK(known(as, VECTOR) && !known(as, VECTOR + 0x1000));
	call_with(as, u, SYS_recvmsg, HEADER, 0);
	CHECK(known(as, HEADER) && known(as, VECTOR) && !known(as, VECTOR + 0x1000));
	/* What the kernel writes itself is not hidden by an older copy. */
	vector_call(as, u, true, ARRAY_SIZE(few));
	CHECK(known(as, HEADER));
	CHECK(plat_copy_out(as, VECTOR + 0x1203, mem + 0x1203, 1) == 0 && !known(as, VECTOR + 0x1204));
	/* Addresses and sizes that are wrong. */
	vector_put(as, bad, ARRAY_SIZE(bad));
	for (unsigned header = 0; header < 2; header++) {
		vector_call(as, u, header, ARRAY_SIZE(bad));
		CHECK(known(as, VECTOR + 0x1000) && plat_copied_ahead(as, 0x50000000) == 0);
		CHECK(plat_copy_in(as, got, 0x50000000, 64) == 64 && known(as, VECTOR + 0x1800));
	}
	vector_put(as, over, ARRAY_SIZE(over));
	vector_call(as, u, false, ARRAY_SIZE(over));
	CHECK(known(as, VECTOR) && !known(as, VECTOR + 0x1000));
	call_with(as, u, SYS_sendmsg, VECTOR + SIZE - 8, 0);
	CHECK(known(as, VECTOR + SIZE - 8) && plat_copied_ahead(as, VECTOR) == 0);
	CHECK(plat_as_unmap(as, VECTOR, SIZE) == 0);
	guest_ctx_free(u);
}

/* Lists that are no lists, put there after the trap. */
static void forged_lists(plat_as_t as)
{
	static const uint32_t sizes[] = { 0, 1, 8, 4096, BOX_AHEAD_SIZE - 32, BOX_AHEAD_SIZE - 16, 0x7fffffff, 0xfffffff0, UINT32_MAX };
	struct plat_uctx *u = gate_ctx(guest_gate_user);
	uint8_t *place = (uint8_t *)box_of(as) + BOX_DATA, got[8];

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
		for (unsigned j = 0; j < ARRAY_SIZE(sizes); j++) {
			call_with(as, u, SYS_write, GUEST_STACK, 16);
			/* All of it is lists' heads: each says that one follows. */
			for (unsigned k = 0; k < BOX_AHEAD_SIZE / 16; k++) {
				struct stub_ahead *a = (void *)(place + k * 16);

				a->addr = 0x70000000 + k * 0x100000ull;
				a->size = sizes[k ? j : i];
				a->more = 1;
			}
			for (unsigned k = 0; k < BOX_AHEAD_SIZE / 16; k++)
				CHECK(plat_copied_ahead(as, 0x70000000 + k * 0x100000ull) <= BOX_AHEAD_SIZE - 16 * (k + 1));
			CHECK(plat_copied_ahead(as, 0x6fffffff) == 0);
			CHECK(plat_copy_in(as, got, 0x70000000 + BOX_AHEAD_SIZE, 8) == 8);
		}
	plat_uctx_save(u);
	guest_ctx_free(u);
}

void test_ahead(void)
{
	plat_as_t as = guest_as();

	copied_ahead(as);
	vectors(as);
	forged_lists(as);
	plat_as_free(as);
}
