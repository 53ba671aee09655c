/* SPDX-License-Identifier: Apache-2.0 */
/* stub_harness.c: the process platform with a fake kernel, running small
 * pieces of machine code as programs.
 *
 * Run: stub_harness [TEST...]; without arguments all tests but the figures.  As root it enters
 * a private PID namespace as the product does. */
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/escape/stub_harness.h"

unsigned failures;
static char **wanted;

int hc_init(__unused_arg const struct sandbox_config *cfg) { return 0; }
int harness_file = -1;
int hc_file_dup(__unused_arg uint64_t file) { return harness_file < 0 ? -EBADF : dup(harness_file); }
int hc_file_use(__unused_arg uint64_t file) { return harness_file < 0 ? -EBADF : harness_file; }
void hc_file_unuse(__unused_arg uint64_t file) {}
void hc_file_give_back(void) {}
#ifndef REAL_ISOLATE
int isolate_sandbox(void) { return 0; }
#endif

void check_at(bool ok, const char *what, int line)
{
	if (ok)
		return;
	printf("FAIL line %d: %s\n", line, what);
	failures++;
}

/* ---- guests --------------------------------------------------------------- */

struct plat_uctx *guest_ctx(const char *at)
{
	struct plat_uctx *u = calloc(1, sizeof(*u));

	u->xstate = aligned_alloc(64, align_up(plat_xstate_size(), 64));
	plat_user_init(u);
	u->regs.rip = GUEST_CODE + (uint64_t)(at - guest_begin);
	u->regs.rsp = GUEST_STACK + GUEST_STACK_SIZE - 64;
	return u;
}

void guest_ctx_free(struct plat_uctx *u)
{
	plat_user_end(u);
	free(u->xstate);
	free(u);
}

plat_as_t guest_as(void)
{
	plat_as_t as = { 0 };
	size_t size = (size_t)(guest_end - guest_begin);

	CHECK(plat_as_new(&as) == 0);
	CHECK(plat_as_map_anon(as, GUEST_CODE, align_up(size, 4096), 3, 0) == 0);
	CHECK(plat_copy_out(as, GUEST_CODE, guest_begin, size) == 0);
	CHECK(plat_as_protect(as, GUEST_CODE, align_up(size, 4096), 5) == 0);
	CHECK(plat_as_map_anon(as, GUEST_STACK, GUEST_STACK_SIZE, 3, 0) == 0);
	return as;
}

void user_run(plat_as_t as, struct plat_uctx *u, uint64_t deadline_ns, struct plat_trap *t)
{
	plat_user_run(as, u, deadline_ns, t);
	plat_uctx_regs(u);
}

struct plat_trap run(plat_as_t as, struct plat_uctx *u)
{
	struct plat_trap t;

	user_run(as, u, plat_time_mono_ns() + 5 * NSEC_PER_SEC, &t);
	return t;
}

struct plat_uctx *guest_trapped(plat_as_t as, bool gate)
{
	struct plat_uctx *u = guest_ctx(gate ? guest_gate : guest_getpid);
	struct plat_trap t;

	u->regs.r15 = plat_syscall_gate();
	do {
		t = run(as, u);
	} while (t.kind == PLAT_TRAP_KICK);     /* a late one of somebody else's */
	CHECK(t.kind == PLAT_TRAP_SYSCALL && t.gate == gate);
	plat_uctx_save(u);
	return u;
}

/* ---- tests ---------------------------------------------------------------- */

static void test_getpid(void)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_ctx(guest_getpid);

	for (unsigned i = 0; i < 1000; i++) {
		struct plat_trap t = run(as, u);

		CHECK(t.kind == PLAT_TRAP_SYSCALL && u->regs.orig_rax == 39 && !t.compat);
		if (t.kind != PLAT_TRAP_SYSCALL)
			break;
		CHECK(i == 0 || u->regs.rbx == 1000 + i - 1);
		u->regs.rax = 1000 + i;
	}
	guest_ctx_free(u);
	plat_as_free(as);
}

static void test_fault(void)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_ctx(guest_store);
	struct plat_trap t;
	uint64_t v = 0;

	u->regs.rdi = 0x40000000;
	t = run(as, u);
	CHECK(t.kind == PLAT_TRAP_FAULT && t.addr == 0x40000000 && t.access == PLAT_ACCESS_WRITE);
	CHECK(t.signo == SIGSEGV && t.code == SEGV_MAPERR);
	CHECK(plat_as_map_anon(as, 0x40000000, 4096, 1, 0) == 0);
	t = run(as, u);
	CHECK(t.kind == PLAT_TRAP_FAULT && t.access == (PLAT_ACCESS_WRITE | PLAT_ACCESS_PRESENT));
	CHECK(plat_as_protect(as, 0x40000000, 4096, 3) == 0);
	t = run(as, u);
	CHECK(t.kind == PLAT_TRAP_SYSCALL);
	CHECK(plat_copy_in(as, &v, 0x40000000, 8) == 0 && v == 0x1122334455667788);
	u->regs.rip = GUEST_CODE + (uint64_t)(guest_ud2 - guest_begin);
	t = run(as, u);
	CHECK(t.kind == PLAT_TRAP_EXCEPTION && t.signo == SIGILL);
	u->regs.rip = GUEST_CODE + (uint64_t)(guest_int3 - guest_begin);
	t = run(as, u);
	CHECK(t.kind == PLAT_TRAP_EXCEPTION && t.signo == SIGTRAP && t.trapno == 3);
	u->regs.rip = 0x123456789000;
	t = run(as, u);
	CHECK(t.kind == PLAT_TRAP_FAULT && (t.access & PLAT_ACCESS_EXEC) && t.addr == 0x123456789000);
	u->regs.rip = GUEST_CODE + (uint64_t)(guest_int80 - guest_begin);
	t = run(as, u);
	CHECK(t.kind == PLAT_TRAP_SYSCALL && t.compat && u->regs.orig_rax == 20);
	t = run(as, u);
	CHECK(t.kind == PLAT_TRAP_SYSCALL && !t.compat && u->regs.orig_rax & 0x40000000);     /* x32: a number that the kernel refuses */
	guest_ctx_free(u);
	plat_as_free(as);
}

static void test_copy(void)
{
	plat_as_t as = guest_as();
	static uint8_t a[100000], b[100000];
	uint32_t prev = 7, w = 0;

	for (size_t i = 0; i < sizeof(a); i++)
		a[i] = (uint8_t)(i * 7);
	CHECK(plat_as_map_anon(as, 0x50000000, 0x20000, 3, 0) == 0);
	CHECK(plat_copy_out(as, 0x50000003, a, sizeof(a)) == 0);
	CHECK(plat_copy_in(as, b, 0x50000003, sizeof(b)) == 0 && !memcmp(a, b, sizeof(a)));
	CHECK(plat_copy_in(as, b, 0x50020000 - 100, 200) == 100);
	CHECK(plat_copy_out(as, 0x50020000 - 100, b, 200) == 100);
	CHECK(plat_copy_in(as, b, 0x60000000, 200) == 200);
	CHECK(plat_copy_in(as, b, STUB_CTL, 200) == 200);
	CHECK(plat_as_protect(as, 0x50001000, 0x1000, 1) == 0);
	CHECK(plat_copy_out(as, 0x50000f00, a, 0x200) == 0x100);
	CHECK(plat_copy_out_force(as, 0x50001000, a, 0x200) == 0);
	w = 5;
	CHECK(plat_copy_out(as, 0x50000000, &w, 4) == 0);
	CHECK(plat_user_cmpxchg32(as, 0x50000000, 5, 9, &prev) == 0 && prev == 5);
	CHECK(plat_user_cmpxchg32(as, 0x50000000, 5, 11, &prev) == 0 && prev == 9);
	CHECK(plat_user_load32(as, 0x50000000, &w) == 0 && w == 9);
	CHECK(plat_user_cmpxchg32(as, 0x60000000, 5, 9, &prev) == -EFAULT);
	CHECK(plat_user_load32(as, 0x60000000, &w) == -EFAULT);
	plat_as_free(as);
}

static void test_copy_box(void)
{
	bool before = process.no_vm_access;

	process.no_vm_access = true;
	test_copy();
	process.no_vm_access = before;
}

static void test_memory(void)
{
	plat_as_t as = guest_as();
	plat_obj_t o = { 0 };
	uint64_t v = 42, pos = 0;
	uint8_t vec[16] = { 0 };

	CHECK(plat_obj_new(0x10000, &o) == 0);
	CHECK(plat_obj_write(o, 0x2008, &v, 8) == 0);
	CHECK(plat_obj_write(o, 0xfffc, &v, 8) == -ENXIO);
	CHECK(plat_as_map_obj(as, 0x70000000, 0x4000, 3, PLAT_MAP_SHARED, o, 0x1000) == 0);
	v = 0;
	CHECK(plat_copy_in(as, &v, 0x70001008, 8) == 0 && v == 42);
	v = 43;
	CHECK(plat_copy_out(as, 0x70001010, &v, 8) == 0);
	v = 0;
	CHECK(plat_obj_read(o, 0x2010, &v, 8) == 0 && v == 43);
	CHECK(plat_obj_seek(o, 0, true, &pos) == 0 && pos == 0x2000);
	CHECK(plat_as_move(as, 0x70000000, 0x4000, 0x71000000, 0x4000) == 0);
	CHECK(plat_copy_in(as, &v, 0x71001008, 8) == 0 && v == 42);
	CHECK(plat_copy_in(as, &v, 0x70001008, 8) == 8);
	CHECK(plat_as_resident(as, 0x71000000, 0x4000, vec) == 0 && vec[1] == 1);
	/* a private view, read only: what others write is seen */
	CHECK(plat_as_map_obj(as, 0x72000000, 0x4000, 1, PLAT_MAP_SHARED, o, 0x1000) == 0);
	CHECK(plat_copy_in(as, &v, 0x72001008, 8) == 0 && v == 42);
	v = 44;
	CHECK(plat_obj_write(o, 0x2008, &v, 8) == 0);
	v = 0;
	CHECK(plat_copy_in(as, &v, 0x72001008, 8) == 0 && v == 44);
	CHECK(plat_as_map_obj(as, 0x72000000, 0x4000, 1, PLAT_MAP_SHARED, (plat_obj_t){ 999 }, 0) == -EBADF);
	plat_obj_free(o);
	CHECK(plat_copy_in(as, &v, 0x72001008, 8) == 0 && v == 44);
	CHECK(plat_as_map_anon(as, 0x80000000, 0x8000, 3, 0) == 0);
	v = 1;
	CHECK(plat_copy_out(as, 0x80003000, &v, 8) == 0);
	CHECK(plat_as_protect(as, 0x80002000, 0x1000, 1) == 0);         /* the host splits */
	CHECK(plat_as_move(as, 0x80000000, 0x8000, 0x90000000, 0xc000) == 0);
	v = 0;
	CHECK(plat_copy_in(as, &v, 0x90003000, 8) == 0 && v == 1);
	CHECK(plat_copy_out(as, 0x9000bff8, &v, 8) == 0);
	CHECK(plat_as_move(as, 0x90000000, 0xc000, 0x90000000, 0x10000) == 0);
	CHECK(plat_copy_out(as, 0x9000fff8, &v, 8) == 0);
	CHECK(plat_as_move(as, 0x90000000, 0x10000, 0x90000000, 0x2000) == 0);
	CHECK(plat_copy_out(as, 0x90002000, &v, 8) == 8);
	CHECK(plat_as_advise(as, 0x90000000, 0x2000, MADV_DONTNEED) == 0);
	CHECK(plat_as_unmap(as, USER_LO, USER_HI - USER_LO) == 0);
	CHECK(plat_copy_in(as, &v, GUEST_CODE, 8) == 8);
	plat_as_free(as);
}

static void test_fork(void)
{
	plat_as_t as = guest_as(), child = { 0 }, grand = { 0 };
	struct plat_uctx *u = guest_ctx(guest_store), *c = guest_ctx(guest_store);
	uint64_t v = 5, w = 0;
	struct plat_trap t;

	CHECK(plat_as_map_anon(as, 0x40000000, 4096, 3, 0) == 0);
	CHECK(plat_copy_out(as, 0x40000008, &v, 8) == 0);
	u->regs.rdi = c->regs.rdi = 0x40000000;
	CHECK(plat_as_fork(as, &child) == 0);
	t = run(child, c);
	CHECK(t.kind == PLAT_TRAP_SYSCALL);
	CHECK(plat_as_fork(child, &grand) == 0);
	CHECK(plat_copy_in(child, &w, 0x40000000, 8) == 0 && w == 0x1122334455667788);
	CHECK(plat_copy_in(grand, &w, 0x40000000, 8) == 0 && w == 0x1122334455667788);
	CHECK(plat_copy_in(as, &w, 0x40000000, 8) == 0 && w == 0);
	CHECK(plat_copy_in(child, &w, 0x40000008, 8) == 0 && w == 5);
	plat_as_free(child);
	CHECK(plat_copy_in(grand, &w, 0x40000008, 8) == 0 && w == 5);
	CHECK(plat_copy_in(child, &w, 0x40000008, 8) == 8);
	t = run(child, c);
	CHECK(t.kind == PLAT_TRAP_DEAD);
	t = run(as, u);
	CHECK(t.kind == PLAT_TRAP_SYSCALL);
	plat_as_free(grand);
	plat_as_free(as);
	for (unsigned i = 0; i < 200; i++) {
		CHECK(plat_as_new(&as) == 0);
		CHECK(plat_as_fork(as, &child) == 0);
		plat_as_free(i & 1 ? as : child);
		plat_as_free(i & 1 ? child : as);
	}
	guest_ctx_free(u);
	guest_ctx_free(c);
}

/* CPU 1 waits for orders: kick CPU 0 soon, or run a context. */
enum { ORDER_NONE, ORDER_KICK, ORDER_RUN, ORDER_RUNNING, ORDER_CALL };
static uint32_t order, stop;
uint32_t other_syscalls, other_faults;
static plat_as_t order_as;
static struct plat_uctx *order_ctx;
static void (*order_fn)(void);

static void give_order(uint32_t o)
{
	__atomic_store_n(&order, o, __ATOMIC_SEQ_CST);
	plat_wake32(&order, 1);
}

static void other_cpu(unsigned cpu)
{
	for (;;) {
		uint32_t o = __atomic_load_n(&order, __ATOMIC_SEQ_CST);

		if (o == ORDER_KICK) {
			plat_cpu_idle(plat_time_mono_ns() + 20000000);
			__atomic_store_n(&order, ORDER_NONE, __ATOMIC_SEQ_CST);
			plat_cpu_kick(0);
		} else if (o == ORDER_RUN) {
			struct plat_trap t;

			__atomic_store_n(&order, ORDER_RUNNING, __ATOMIC_SEQ_CST);
			do {
				user_run(order_as, order_ctx, NO_DEADLINE, &t);
				if (t.kind == PLAT_TRAP_SYSCALL)
					__atomic_fetch_add(&other_syscalls, 1, __ATOMIC_SEQ_CST);
				if (t.kind == PLAT_TRAP_FAULT)
					__atomic_fetch_add(&other_faults, 1, __ATOMIC_SEQ_CST);
			} while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST) && t.kind != PLAT_TRAP_DEAD);
			plat_uctx_save(order_ctx);
			while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST))
				plat_cpu_idle(NO_DEADLINE);
			give_order(ORDER_NONE);
		} else if (o == ORDER_CALL) {
			order_fn();
			give_order(ORDER_NONE);
		} else {
			plat_wait32(&order, o);
		}
	}
	(void)cpu;
}

void other_run(plat_as_t as, struct plat_uctx *u)
{
	order_as = as;
	order_ctx = u;
	other_syscalls = other_faults = 0;
	__atomic_store_n(&stop, 0, __ATOMIC_SEQ_CST);
	give_order(ORDER_RUN);
	while (__atomic_load_n(&order, __ATOMIC_SEQ_CST) != ORDER_RUNNING)
		plat_relax();
}

void other_stop(void)
{
	__atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
	plat_cpu_kick(1);
	while (__atomic_load_n(&order, __ATOMIC_SEQ_CST) != ORDER_NONE)
		plat_wait32(&order, ORDER_RUNNING);
}

void other_call(void (*fn)(void))
{
	order_fn = fn;
	give_order(ORDER_CALL);
}

void other_call_end(void)
{
	while (__atomic_load_n(&order, __ATOMIC_SEQ_CST) != ORDER_NONE)
		plat_wait32(&order, ORDER_CALL);
}

/* A busy machine delays any answer, a kick that does not work every one: the shortest counts. */
#define KICK_TRIES 10

static void test_kick(void)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_ctx(guest_loop);
	uint64_t t0, took[3] = { UINT64_MAX, UINT64_MAX, UINT64_MAX };
	struct plat_trap t;

	for (unsigned i = 0; i < KICK_TRIES; i++) {
		t0 = plat_time_mono_ns();
		user_run(as, u, t0 + 30000000, &t);
		CHECK(t.kind == PLAT_TRAP_KICK && u->regs.rip >= GUEST_CODE && u->regs.rip < GUEST_CODE + 4096);
		CHECK(plat_time_mono_ns() - t0 >= 30000000);
		took[2] = MIN(took[2], plat_time_mono_ns() - t0);
	}
	plat_cpu_kick(0);
	user_run(as, u, NO_DEADLINE, &t);
	CHECK(t.kind == PLAT_TRAP_KICK);
	for (unsigned i = 0; i < 2 * KICK_TRIES; i++) {
		give_order(ORDER_KICK);
		t0 = plat_time_mono_ns();
		if (i & 1)
			plat_cpu_idle(NO_DEADLINE);
		else
			user_run(as, u, NO_DEADLINE, &t);
		CHECK(t.kind == PLAT_TRAP_KICK);
		took[i & 1] = MIN(took[i & 1], plat_time_mono_ns() - t0);
	}
	CHECK(took[0] > 10000000 && took[0] < 300000000);
	CHECK(took[1] > 10000000 && took[1] < 300000000);
	CHECK(took[2] < 200000000);
	t0 = plat_time_mono_ns();
	plat_cpu_idle(t0 + 5000000);
	CHECK(plat_time_mono_ns() - t0 >= 5000000);
	guest_ctx_free(u);
	plat_as_free(as);
}

static void test_death(void)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_ctx(guest_getpid), *loop;
	struct plat_trap t;
	uint64_t v;

	CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL);
	kill(stub_find(as.id)->pid, SIGKILL);
	t = run(as, u);
	CHECK(t.kind == PLAT_TRAP_DEAD);
	CHECK(plat_copy_in(as, &v, GUEST_CODE, 8) == 8);
	CHECK(plat_as_map_anon(as, 0x40000000, 4096, 3, 0) == -ESRCH);
	CHECK(plat_as_fork(as, &(plat_as_t){ 0 }) < 0);
	plat_as_free(as);
	as = guest_as();
	loop = guest_ctx(guest_loop);
	if (fork() == 0) {      /* an enemy from outside */
		usleep(30000);
		kill(stub_find(as.id)->pid, SIGKILL);
		_exit(0);
	}
	user_run(as, loop, NO_DEADLINE, &t);
	CHECK(t.kind == PLAT_TRAP_DEAD);
	plat_as_free(as);
	guest_ctx_free(u);
	guest_ctx_free(loop);
}

static void test_xstate(void)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_ctx(guest_vector), *w = guest_ctx(guest_vector);
	uint64_t v[2];

	u->regs.rdi = 0x1111;
	w->regs.rdi = 0x2222;
	CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL);
	plat_uctx_save(u);
	memcpy(v, (uint8_t *)u->xstate + 160 + 16 * 5, 16);
	CHECK(v[0] == 0x1111 && v[1] == 0x1111);
	CHECK(run(as, w).kind == PLAT_TRAP_SYSCALL);
	plat_uctx_save(w);
	CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL && u->regs.rbx == 0x1111 && u->regs.rcx == u->regs.rip);
	plat_uctx_save(u);
	CHECK(run(as, w).kind == PLAT_TRAP_SYSCALL && w->regs.rbx == 0x2222);
	plat_uctx_save(w);
	v[0] = v[1] = 0x3333;
	memcpy((uint8_t *)w->xstate + 160 + 16 * 5, v, 16);
	w->regs.rip = GUEST_CODE + (uint64_t)(guest_vector_read - guest_begin);
	plat_uctx_xstate_changed(w);
	CHECK(run(as, w).kind == PLAT_TRAP_SYSCALL && w->regs.rbx == 0x3333);
	w->regs.fs_base = 0x12345000;
	w->regs.rip = GUEST_CODE + (uint64_t)(guest_bases - guest_begin);
	CHECK(run(as, w).kind == PLAT_TRAP_SYSCALL && w->regs.rbx == 0x12345000 && w->regs.gs_base == 0x777000);
	guest_ctx_free(u);
	guest_ctx_free(w);
	plat_as_free(as);
}

static void switch_fn(void *arg)
{
	void **sp = arg;

	for (;;) {
		sp[2] = (void *)((uintptr_t)sp[2] + 1);
		plat_kstack_switch(&sp[1], sp[0]);
	}
}

static void test_kernel_side(void)
{
	void *base, *top, *sp[3] = { 0 };
	size_t size;
	struct plat_vdso_time vt;
	uint64_t c, ns, t0;
	uint8_t rnd[16] = { 0 };

	plat_kmem_range(&base, &size);
	((char *)base)[size - 1] = 1;
	plat_kmem_release((char *)base + size - 4096, 4096);
	CHECK(((char *)base)[size - 1] == 0);
	CHECK(plat_kstack_new(&top, &size) == 0 && size >= 16384);
	sp[1] = plat_kstack_prepare(top, switch_fn, sp);
	for (unsigned i = 0; i < 3; i++)
		plat_kstack_switch(&sp[0], sp[1]);
	CHECK((uintptr_t)sp[2] == 3);
	plat_kstack_free(top);
	plat_cpu_idle(plat_time_mono_ns() + 10000000);  /* it may be too early to tell */
	CHECK(plat_vdso_time(&vt) == 0);
	plat_cpu_idle(plat_time_mono_ns() + 10000000);
	t0 = plat_time_mono_ns();
	c = host_cycles();
	ns = vt.mono_ns + (uint64_t)(((unsigned __int128)(c - vt.base_cycles) * vt.mult) >> vt.shift);
	CHECK(ns + 20000 > t0 && ns < plat_time_mono_ns() + 20000);
	CHECK(plat_entropy(rnd, sizeof(rnd)) == 0);
	process_events_raise(5);
	CHECK(plat_events_take() == 5 && plat_events_take() == 0);
	plat_cpu_idle(0);
}

/* ---- main ----------------------------------------------------------------- */

static const struct harness_test tests[] = {
	{ "getpid", test_getpid },
	{ "fault", test_fault },
	{ "copy", test_copy },
	{ "copy-box", test_copy_box },
	{ "memory", test_memory },
	{ "batch", test_batch },
	{ "later", test_later },
	{ "first-cpu", test_first_cpu },
	{ "read-file", test_read_file },
	{ "view", test_view },
	{ "fork", test_fork },
	{ "kick", test_kick },
	{ "death", test_death },
	{ "xstate", test_xstate },
	{ "kernel-side", test_kernel_side },
	{ "gate", test_gate },
	{ "ahead", test_ahead },
	{ "cpuid", test_cpuid },
	{ "gate-kicks", test_gate_kicks },
	{ "riders", test_riders },
	{ "rider-kicks", test_rider_kicks },
	{ "relay", test_relay },
	{ "time", test_time },
	{ "posts", test_posts },
	{ "post-kicks", test_post_kicks },
	{ "post-fds", test_post_fds },
	{ "post-fds-kicks", test_post_fds_kicks },
	{ "post-masks", test_post_masks },
	{ "post-masks-kicks", test_post_masks_kicks },
	{ "grants", test_grants },
	{ "grant-kicks", test_grant_kicks },
	{ "frames", test_frames },
	{ "slots", test_slots },
	{ "attacks", test_attacks },
	{ "bench", test_bench },
};

static void run_test(const struct harness_test *t)
{
	bool run_it = !wanted[0] && t->fn != test_bench;        /* figures: when asked for */
	unsigned before = failures;

	for (char **w = wanted; *w; w++)
		run_it |= !strcmp(*w, t->name);
	if (!run_it)
		return;
	plat_cpu_idle(plat_time_mono_ns());     /* takes a kick that an earlier test left */
	t->fn();
#ifdef NACRE_TEST_HOOKS
	if (failures == before)
		return;                 /* the process that watches says so */
#endif
	printf("%s %s\n", failures == before ? "ok  " : "FAIL", t->name);
}

void kernel_main(__unused_arg const struct boot_params *bp)
{
	setlinebuf(stdout);
	plat_cpu_start(1, other_cpu);
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
		run_test(&tests[i]);
#ifdef NACRE_TEST_HOOKS
	for (const struct harness_test *t = control_tests; t->name; t++)
		run_test(t);
#endif
	plat_exit(failures ? 1 : 0);
}

int harness_run(char **names, unsigned timeout_s)
{
	static const struct sandbox_config cfg = {
		.boot = { .version = BOOT_VERSION, .cpu_count = 2, .build_id = "harness" },
		.gofer_fd = -1, .control_fd = -1, .log_fd = 2, .stats_fd = -1,
	};
	pid_t pid;
	int status;

	wanted = names;
	if (unshare(CLONE_NEWPID) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWPID) < 0)
		perror("unshare (going on without)");
	pid = fork();
	if (pid == 0)
		sandbox_main(&cfg);
	for (unsigned ms = 0; waitpid(pid, &status, WNOHANG) == 0; ms += 10) {
		if (ms > timeout_s * 1000) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return HARNESS_HANGS;
		}
		usleep(10000);
	}
	if (WIFSIGNALED(status))
		printf("sandbox killed by signal %d\n", WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

#ifndef NACRE_TEST_HOOKS
int main(__unused_arg int argc, char **argv)
{
	return harness_run(argv + 1, 600);
}
#endif
