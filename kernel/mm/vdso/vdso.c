/* SPDX-License-Identifier: Apache-2.0 */
/* vdso.c: clock calls that run inside the program.
 *
 * Compiled and linked apart from the kernel (meson.build): a shared object
 * whose only segment is mapped into every program, right above the vvar page.
 * Source of the interface: vdso(7).
 *
 * A reading is the base time plus scaled cycles since the base.  Past
 * limit_cycles the parameters are too old and the call traps; the kernel then
 * fills in new ones.  The page is replaced under a sequence number. */
#include "vvar.h"

#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_MONOTONIC_RAW 4
#define CLOCK_REALTIME_COARSE 5
#define CLOCK_MONOTONIC_COARSE 6
#define CLOCK_BOOTTIME 7
#define NR_gettimeofday 96
#define NR_time 201
#define NR_clock_gettime 228
#define NR_clock_getres 229
#define NR_getcpu 309
#define NSEC 1000000000ull

struct ts { int64_t sec, nsec; };
struct tv { int64_t sec, usec; };

extern const volatile struct vvar vvar_page __attribute__((visibility("hidden")));

/* By the gate, which rcx tells the instruction it stands for (decision 0003).
 * A call that is restarted, and one that the gate cannot take, executes it. */
static inline long syscall3(long nr, long a, long b, long c)
{
	long ret;

	__asm__ volatile("cmpq $0,%[gate]\n\t"
			 "je 1f\n\t"
			 "lea 2f(%%rip),%%rcx\n\t"
			 "jmp *%[gate]\n"
			 "1:\tsyscall\n"
			 "2:"
			 : "=a"(ret)
			 : "0"(nr), "D"(a), "S"(b), "d"(c), [gate] "m"(vvar_page.gate)
			 : "rcx", "r11", "memory", "cc");
	return ret;
}

/* No earlier load may see a later time: the counter is read in order. */
static inline uint64_t cycles(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence\n\trdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

/* 0 when the kernel has to be asked. */
static inline int read_clock(int real, uint64_t *ret_ns)
{
	const volatile struct vvar *v = &vvar_page;

	for (int tries = 0; tries < 16; tries++) {
		uint32_t seq = v->seq, mult, shift;
		uint64_t base, limit, ns, now;

		if (!seq)
			return 0;
		if (seq & 1) {
			__builtin_ia32_pause();
			continue;
		}
		__asm__ volatile("" : : : "memory");
		if (!v->valid)
			return 0;
		base = v->base_cycles;
		limit = v->limit_cycles;
		mult = v->mult;
		shift = v->shift & 63;
		ns = real ? v->real_ns : v->mono_ns;
		now = cycles();
		if (v->seq != seq)
			continue;
		if (now < base || now >= limit)
			return 0;
		*ret_ns = ns + (uint64_t)((unsigned __int128)(now - base) * mult >> shift);
		return 1;
	}
	return 0;
}

int __vdso_clock_gettime(int clock, struct ts *ts)
{
	uint64_t ns;
	int ok = 0;

	if (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW ||
	    clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_BOOTTIME)
		ok = read_clock(0, &ns);
	else if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
		ok = read_clock(1, &ns);
	if (!ok)
		return syscall3(NR_clock_gettime, clock, (long)ts, 0);
	ts->sec = ns / NSEC;
	ts->nsec = ns % NSEC;
	return 0;
}

int __vdso_clock_getres(int clock, struct ts *res)
{
	return syscall3(NR_clock_getres, clock, (long)res, 0);
}

int __vdso_gettimeofday(struct tv *tv, void *tz)
{
	uint64_t ns;

	if (tz || !read_clock(1, &ns))
		return syscall3(NR_gettimeofday, (long)tv, (long)tz, 0);
	if (tv) {
		tv->sec = ns / NSEC;
		tv->usec = ns % NSEC / 1000;
	}
	return 0;
}

int64_t __vdso_time(int64_t *t)
{
	uint64_t ns;

	if (!read_clock(1, &ns))
		return syscall3(NR_time, (long)t, 0, 0);
	if (t)
		*t = ns / NSEC;
	return ns / NSEC;
}

long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
	return syscall3(NR_getcpu, (long)cpu, (long)node, 0);
}

int clock_gettime(int, struct ts *) __attribute__((weak, alias("__vdso_clock_gettime")));
int clock_getres(int, struct ts *) __attribute__((weak, alias("__vdso_clock_getres")));
int gettimeofday(struct tv *, void *) __attribute__((weak, alias("__vdso_gettimeofday")));
int64_t time(int64_t *) __attribute__((weak, alias("__vdso_time")));
long getcpu(unsigned *, unsigned *, void *) __attribute__((weak, alias("__vdso_getcpu")));
