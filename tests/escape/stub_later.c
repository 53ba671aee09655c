/* SPDX-License-Identifier: Apache-2.0 */
/* stub_later.c: mappings that wait until somebody needs them (later.c). */
#include <sys/mman.h>

#include "tests/escape/stub_harness.h"

#define AT 0x70000000ul
#define WAITS (PLAT_MAP_LATER | PLAT_MAP_NEW)
#define BAD_OFF (INT64_MAX & ~0xfffull)         /* no file reaches it: EOVERFLOW */

static plat_obj_t obj;

static bool waiting(plat_as_t as) { return stub_find(as.id)->later; }

/* What dynamic linkers do: the range, two segments over it, one to write to. */
static void reserve(plat_as_t as)
{
	CHECK(plat_as_map_obj(as, AT, 0x4000, PROT_READ, WAITS, obj, 0) == 0);
	CHECK(plat_as_protect(as, AT + 0x1000, 0x1000, PROT_READ | PROT_EXEC) == 0);
	CHECK(plat_as_map_obj(as, AT + 0x2000, 0x1000, PROT_READ, PLAT_MAP_LATER, obj, 0x1000) == 0);
	CHECK(waiting(as));
}

static uint64_t word(plat_as_t as, uint64_t at)
{
	uint64_t v = UINT64_MAX;

	(void)!plat_copy_in(as, &v, at, 8);
	return v;
}

/* Each of these finds everything mapped. */
static void check_needs(void)
{
	plat_as_t as = guest_as(), child;
	uint8_t vec[4];
	uint32_t prev;
	uint64_t v = 5;

	reserve(as);
	CHECK(word(as, AT + 0x2000) == 101 && !waiting(as));
	CHECK(plat_copy_out(as, AT, &v, 8) == 8 && word(as, AT + 0x3000) == 103);
	CHECK(plat_as_unmap(as, AT, 0x4000) == 0);

	reserve(as);
	CHECK(plat_as_map_obj(as, AT + 0x3000, 0x1000, 3, 0, obj, 0x3000) == 0 && !waiting(as));
	CHECK(plat_copy_out(as, AT + 0x3000, &v, 8) == 0 && word(as, AT + 0x3000) == 5);
	CHECK(plat_as_unmap(as, AT, 0x4000) == 0);

	reserve(as);
	CHECK(plat_as_protect(as, AT + 0x3000, 0x1000, 3) == 0 && !waiting(as));
	CHECK(plat_user_cmpxchg32(as, AT + 0x3000, 103, 9, &prev) == 0 && prev == 103);
	CHECK(plat_as_unmap(as, AT, 0x4000) == 0);

	reserve(as);
	CHECK(plat_user_cmpxchg32(as, AT, 0, 9, &prev) == -EFAULT && !waiting(as));
	CHECK(plat_as_unmap(as, AT, 0x4000) == 0);
	reserve(as);
	CHECK(plat_user_load32(as, AT + 0x1000, &prev) == 0 && prev == 101 && !waiting(as));
	CHECK(plat_as_unmap(as, AT, 0x4000) == 0);
	reserve(as);
	CHECK(plat_as_resident(as, AT, 0x4000, vec) == 0 && !waiting(as));
	CHECK(plat_as_unmap(as, AT, 0x4000) == 0);
	reserve(as);
	CHECK(plat_as_advise(as, AT, 0x1000, MADV_DONTNEED) == 0 && !waiting(as));
	CHECK(plat_as_move(as, AT, 0x1000, AT + 0x10000, 0x1000) == 0 && word(as, AT + 0x10000) == 100);
	CHECK(plat_as_unmap(as, AT, 0x4000) == 0);

	reserve(as);
	CHECK(plat_as_fork(as, &child) == 0 && !waiting(as) && !waiting(child));
	CHECK(word(child, AT + 0x2000) == 101 && word(child, AT + 0x3000) == 103);
	plat_as_free(child);
	CHECK(plat_as_unmap(as, AT, 0x4000) == 0);
	/* It goes with what waits. */
	reserve(as);
	plat_as_free(as);
}

/* What is about other places goes past, what is about a part of it waits too,
 * what crosses its border does not. */
static void check_order(void)
{
	plat_as_t as = guest_as();

	reserve(as);
	CHECK(plat_as_map_anon(as, AT + 0x4000, 0x1000, 3, 0) == 0 && waiting(as));
	CHECK(word(as, AT + 0x4000) == 0 && waiting(as));
	CHECK(plat_as_unmap(as, AT, 0x1000) == 0);
	CHECK(plat_as_map_anon(as, AT + 0x3000, 0x1000, 3, 0) == 0 && waiting(as));
	CHECK(word(as, AT + 0x3000) == 0 && !waiting(as));
	CHECK(word(as, AT) == UINT64_MAX && word(as, AT + 0x1000) == 101);
	CHECK(plat_as_unmap(as, AT, 0x5000) == 0);

	reserve(as);
	CHECK(plat_as_map_anon(as, AT + 0x3000, 0x2000, 3, 0) == 0 && !waiting(as));
	CHECK(word(as, AT + 0x3000) == 0 && word(as, AT + 0x2000) == 101);
	CHECK(plat_as_unmap(as, AT, 0x5000) == 0);

	/* Another range: the first one is mapped, the second waits. */
	reserve(as);
	CHECK(plat_as_map_obj(as, AT + 0x10000, 0x1000, 1, WAITS, obj, 0) == 0 && waiting(as));
	CHECK(stub_find(as.id)->later->lo == AT + 0x10000 && stub_find(as.id)->later->count == 1);
	CHECK(word(as, AT + 0x10000) == 100 && word(as, AT) == 100);
	/* More than one list holds. */
	CHECK(plat_as_unmap(as, AT, 0x20000) == 0);
	CHECK(plat_as_map_obj(as, AT, 0x4000, 1, WAITS, obj, 0) == 0);
	for (unsigned i = 0; i < 3 * BATCH_MAX; i++)
		CHECK(plat_as_protect(as, AT + 0x1000 * (i % 4), 0x1000, i & 1 ? 1 : 5) == 0);
	CHECK(waiting(as) && plat_as_settle(as) == 1 && plat_as_settle(as) == 0 && word(as, AT) == 100);
	plat_as_free(as);
}

/* The program touches it; the call runs again after the kernel settled. */
static void check_fault(void)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_ctx(guest_store);
	struct plat_trap t;

	reserve(as);
	CHECK(plat_as_map_obj(as, AT + 0x10000, 0x1000, 3, WAITS, obj, 0) == 0);
	u->regs.rdi = AT + 0x10000;
	t = run(as, u);
	CHECK(t.kind == PLAT_TRAP_FAULT && t.addr == AT + 0x10000 && waiting(as));
	CHECK(plat_as_settle(as) == 1);
	t = run(as, u);
	CHECK(t.kind == PLAT_TRAP_SYSCALL);
	CHECK(word(as, AT + 0x10000) == 0x1122334455667788);
	guest_ctx_free(u);
	plat_as_free(as);
}

/* The host refuses one of them: who waits no longer is told, the range is
 * without mappings, the stub lives. */
static void check_errors(void)
{
	plat_as_t as = guest_as(), child;

	reserve(as);
	CHECK(plat_as_map_obj(as, AT, 0x1000, 1, PLAT_MAP_LATER, obj, BAD_OFF) == 0);
	CHECK(plat_as_map_obj(as, AT + 0x3000, 0x1000, 3, 0, obj, 0) == -EOVERFLOW && !waiting(as));
	CHECK(word(as, AT) == UINT64_MAX && word(as, AT + 0x3000) == UINT64_MAX);
	CHECK(plat_as_map_obj(as, AT, 0x1000, 1, WAITS, obj, BAD_OFF) == 0);
	CHECK(plat_as_settle(as) == -EOVERFLOW && plat_as_settle(as) == 0);
	CHECK(plat_as_map_obj(as, AT, 0x1000, 1, WAITS, obj, BAD_OFF) == 0 && word(as, AT) == UINT64_MAX);
	CHECK(plat_as_map_obj(as, AT, 0x1000, 1, WAITS, obj, BAD_OFF) == 0);
	CHECK(plat_as_fork(as, &child) == 0 && word(as, AT) == UINT64_MAX && word(child, AT) == UINT64_MAX);
	plat_as_free(child);
	/* Arguments are looked at when they are given. */
	CHECK(plat_as_map_obj(as, AT, 0x1000, 9, WAITS, obj, 0) == -EINVAL);
	CHECK(plat_as_map_obj(as, USER_HI - 0x1000, 0x2000, 1, WAITS, obj, 0) == -EINVAL);
	CHECK(plat_as_map_obj(as, AT, 0x1000, 1, WAITS, (plat_obj_t){ 999 }, 0) == -EBADF);
	reserve(as);
	CHECK(word(as, AT) == 100);
	CHECK(plat_as_unmap(as, AT, 0x4000) == 0);
	reserve(as);
	kill(stub_find(as.id)->pid, SIGKILL);
	CHECK(word(as, AT) == UINT64_MAX);
	CHECK(plat_as_settle(as) <= 0 && plat_as_settle(as) == 0);
	plat_as_free(as);
	CHECK(plat_as_settle(as) == -ESRCH);
}

/* Two CPUs need it at once: who finds nothing waiting finds it mapped. */
static plat_as_t shared;
static uint64_t other_word;

static void other_reads(void) { other_word = word(shared, AT + 0x2000); }

static void check_race(void)
{
	shared = guest_as();
	for (unsigned i = 0; i < 100; i++) {
		reserve(shared);
		other_call(other_reads);
		CHECK(word(shared, AT + 0x1000) == 101);
		other_call_end();
		CHECK(other_word == 101);
		CHECK(plat_as_unmap(shared, AT, 0x4000) == 0);
	}
	plat_as_free(shared);
}

void test_later(void)
{
	bool no_vm_access = process.no_vm_access;

	CHECK(plat_obj_new(0x4000, &obj) == 0);
	for (uint64_t i = 0; i < 4; i++) {
		uint64_t v = 100 + i;

		CHECK(plat_obj_write(obj, i * 0x1000, &v, 8) == 0);
	}
	check_needs();
	process.no_vm_access = true;    /* copies by the stub's own thread */
	check_needs();
	process.no_vm_access = no_vm_access;
	check_order();
	check_fault();
	check_errors();
	check_race();
	plat_obj_free(obj);
}
