/* SPDX-License-Identifier: Apache-2.0 */
/* program.h: for programs of the fake machine that stop at the first surprise. */
#ifndef NACRE_UNIT_PROGRAM_H
#define NACRE_UNIT_PROGRAM_H

#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "platform/testhost/testhost.h"

static inline int fail(int line, long value)
{
	char b[64];
	int n = snprintf(b, sizeof b, "line %d: %ld\n", line, value);
	uint64_t p = u_page() + 8192;

	u_put(p, b, (size_t)n);
	u(SYS_write, 2, p, n);
	return 1;
}
/* Under injected failures any call may fail; only the kernel must stay whole. */
#define IS(e, v) do { long got_ = (long)(e); if (got_ != (long)(v)) return fail(__LINE__, got_); } while (0)
#define GOOD(e) ({ long got_ = (long)(e); if (got_ < 0) return fail(__LINE__, got_); got_; })

static inline uint64_t S(const char *s) { return u_str(u_page(), s); }
static inline uint64_t S2(const char *s) { return u_str(u_page() + 2048, s); }

#endif
