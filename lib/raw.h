/* SPDX-License-Identifier: Apache-2.0 */
/* raw.h: host system calls without libc's errno.
 *
 * The sandbox's CPU threads run kernel code on stacks of the kernel's own;
 * nothing there may depend on thread-local storage.  These return the
 * result or a negative errno, as the kernel gives it.  x86-64. */
#ifndef NACRE_LIB_RAW_H
#define NACRE_LIB_RAW_H

#include <stdint.h>
#include <sys/syscall.h>

static inline long raw_call6(long nr, long a, long b, long c, long d, long e, long f)
{
	long ret;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall" : "=a"(ret)
			 : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

#define RAW_PICK(_0, _1, _2, _3, _4, _5, _6, name, ...) name
#define RAW_0(n) raw_call6(n, 0, 0, 0, 0, 0, 0)
#define RAW_1(n, a) raw_call6(n, (long)(a), 0, 0, 0, 0, 0)
#define RAW_2(n, a, b) raw_call6(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define RAW_3(n, a, b, c) raw_call6(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define RAW_4(n, a, b, c, d) raw_call6(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define RAW_5(n, a, b, c, d, e) \
	raw_call6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define RAW_6(n, a, b, c, d, e, f) \
	raw_call6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
/* raw(__NR_close, fd) */
#define raw(...) RAW_PICK(__VA_ARGS__, RAW_6, RAW_5, RAW_4, RAW_3, RAW_2, RAW_1, RAW_0)(__VA_ARGS__)

#endif
