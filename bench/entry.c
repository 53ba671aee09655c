/* SPDX-License-Identifier: Apache-2.0 */
/* entry.c: entering the kernel by every path, and the calls of the vDSO. */
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "micro.h"

static uint64_t run_getpid_libc(unsigned n)
{
	while (n--)
		bench_check(getpid(), "getpid");
	return 0;
}

static uint64_t run_getpid_syscall(unsigned n)
{
	while (n--)
		bench_check(syscall(SYS_getpid), "getpid");
	return 0;
}

static long raw(long nr, long a, long b)
{
	long r;

	__asm__ volatile("syscall" : "=a"(r) : "a"(nr), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return r;
}

static uint64_t run_getpid_raw(unsigned n)
{
	while (n--)
		bench_check(raw(SYS_getpid, 0, 0), "getpid");
	return 0;
}

/* One that no stub can answer by itself: the kernel's own path. */
static uint64_t run_getpgid(unsigned n)
{
	while (n--)
		bench_check(getpgid(0), "getpgid");
	return 0;
}

static uint64_t run_clock_vdso(unsigned n)
{
	struct timespec ts;

	while (n--)
		bench_check(clock_gettime(CLOCK_MONOTONIC, &ts), "clock_gettime");
	return 0;
}

static uint64_t run_clock_raw(unsigned n)
{
	struct timespec ts;

	while (n--)
		bench_check(raw(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&ts), "clock_gettime");
	return 0;
}

static uint64_t run_timeofday(unsigned n)
{
	struct timeval tv;

	while (n--)
		bench_check(gettimeofday(&tv, NULL), "gettimeofday");
	return 0;
}

const struct bench bench_entry[] = {
	{ "getpid-libc", NULL, run_getpid_libc, NULL, 0 },
	{ "getpid-syscall", NULL, run_getpid_syscall, NULL, 0 },
	{ "getpid-raw", NULL, run_getpid_raw, NULL, 0 },
	{ "getpgid", NULL, run_getpgid, NULL, 0 },
	{ "clock_gettime-vdso", NULL, run_clock_vdso, NULL, 0 },
	{ "clock_gettime-raw", NULL, run_clock_raw, NULL, 0 },
	{ "gettimeofday-vdso", NULL, run_timeofday, NULL, 0 },
	{ NULL, NULL, NULL, NULL, 0 },
};
