/* SPDX-License-Identifier: Apache-2.0 */
/* stub_bench.c: figures of the process platform alone: `stub_harness bench`. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/escape/stub_harness.h"

static int cmp64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

#define ROUNDS 20000
static uint64_t sample_ns[ROUNDS];

static void pin(pid_t tid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	if (cpu >= 0)
		CPU_SET(cpu, &set);
	else
		for (int i = 0; i < 64; i++)
			CPU_SET(i, &set);
	sched_setaffinity(tid, sizeof(set), &set);
}

static void figure(const char *name, unsigned n)
{
	qsort(sample_ns, n, 8, cmp64);
	printf("%-44s median %8.2f us  p10 %8.2f  p90 %8.2f\n", name, sample_ns[n / 2] / 1e3,
	       sample_ns[n / 10] / 1e3, sample_ns[n * 9 / 10] / 1e3);
}

static void bench_place(const char *name, int kernel_cpu, int stub_cpu)
{
	plat_as_t as = guest_as(), child;
	struct plat_uctx *u = guest_ctx(guest_getpid);
	char label[80];
	unsigned n = 4000;

	run(as, u);
	pin(0, kernel_cpu);
	pin(stub_find(as.id)->pid, stub_cpu);
	pin((pid_t)stub_find(as.id)->thread[0].tid, stub_cpu);
	for (unsigned i = 0; i < n; i++) {
		uint64_t t0 = plat_time_mono_ns();
		struct plat_trap t;

		user_run(as, u, NO_DEADLINE, &t);
		sample_ns[i] = plat_time_mono_ns() - t0;
	}
	snprintf(label, sizeof(label), "getpid round trip, %s", name);
	figure(label, n);
	u->regs.rip = GUEST_CODE + (uint64_t)(guest_gate_once - guest_begin);
	u->regs.r15 = plat_syscall_gate();
	for (unsigned i = 0; i < n; i++) {
		uint64_t t0 = plat_time_mono_ns();
		struct plat_trap t;

		user_run(as, u, NO_DEADLINE, &t);
		sample_ns[i] = plat_time_mono_ns() - t0;
	}
	snprintf(label, sizeof(label), "getpid by the gate, %s", name);
	figure(label, n);
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t t0 = plat_time_mono_ns();

		CHECK(plat_as_map_anon(as, 0x40000000, 4096, 3, 0) == 0);
		CHECK(plat_as_unmap(as, 0x40000000, 4096) == 0);
		sample_ns[i] = plat_time_mono_ns() - t0;
	}
	snprintf(label, sizeof(label), "map_anon+unmap 4K, %s", name);
	figure(label, 1000);
	/* As a program does it: trap, fork, first trap of the child, back. */
	for (unsigned i = 0; i < 300; i++) {
		struct plat_uctx *c = guest_ctx(guest_getpid);
		uint64_t t0 = plat_time_mono_ns();

		run(as, u);
		CHECK(plat_as_fork(as, &child) == 0);
		run(child, c);
		plat_as_free(child);
		sample_ns[i] = plat_time_mono_ns() - t0;
		guest_ctx_free(c);
	}
	snprintf(label, sizeof(label), "trap+fork+child trap+free, %s", name);
	figure(label, 300);
	for (unsigned i = 0; i < 300; i++) {
		struct plat_uctx *c = guest_ctx(guest_getpid);
		uint64_t t0 = plat_time_mono_ns();

		run(as, u);
		CHECK(plat_as_new(&child) == 0);
		run(child, c);          /* faults: nothing is mapped */
		plat_as_free(child);
		sample_ns[i] = plat_time_mono_ns() - t0;
		guest_ctx_free(c);
	}
	snprintf(label, sizeof(label), "trap+new+first trap+free, %s", name);
	figure(label, 300);
	plat_obj_t o = { 0 };
	CHECK(plat_obj_new(0x10000, &o) == 0);
	for (unsigned i = 0; i < 300; i++) {
		uint64_t t0 = plat_time_mono_ns();

		run(as, u);
		CHECK(plat_as_map_obj(as, 0x41000000, 0x10000, 3, PLAT_MAP_SHARED, o, 0) == 0);
		sample_ns[i] = plat_time_mono_ns() - t0;
	}
	plat_obj_free(o);
	snprintf(label, sizeof(label), "trap+map_obj, %s", name);
	figure(label, 300);
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t t0 = plat_time_mono_ns(), v;

		CHECK(plat_copy_in(as, &v, GUEST_CODE, 8) == 0);
		sample_ns[i] = plat_time_mono_ns() - t0;
	}
	snprintf(label, sizeof(label), "copy_in 8 bytes, %s", name);
	figure(label, 1000);
	pin(0, -1);
	guest_ctx_free(u);
	plat_as_free(as);
}

void test_bench(void)
{
	bench_place("unpinned", -1, -1);
	bench_place("same core", 1, 1);
	bench_place("different cores", 0, 1);
}
