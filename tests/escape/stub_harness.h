/* SPDX-License-Identifier: Apache-2.0 */
/* stub_harness.h: shared by the tests of the process platform. */
#ifndef NACRE_TESTS_STUB_HARNESS_H
#define NACRE_TESTS_STUB_HARNESS_H

#include "platform/process/internal.h"

#define GUEST_CODE 0x10000000ul
#define GUEST_STACK 0x20000000ul
#define GUEST_STACK_SIZE 0x10000ul

/* Guest code (stub_guest.S): position independent, copied to GUEST_CODE. */
extern const char guest_begin[], guest_end[];
extern const char guest_getpid[], guest_store[], guest_ud2[], guest_int3[], guest_int80[],
	guest_loop[], guest_vector[], guest_vector_read[], guest_bases[], guest_syscall[],
	guest_jump[], guest_store_loop[], guest_vsyscall[], guest_sysenter[], guest_compat[];

extern unsigned failures;
void check_at(bool ok, const char *what, int line);
#define CHECK(c) check_at(c, #c, __LINE__)

plat_as_t guest_as(void);
struct plat_uctx *guest_ctx(const char *at);
void guest_ctx_free(struct plat_uctx *u);
struct plat_trap run(plat_as_t as, struct plat_uctx *u);        /* at most 5 s */

/* CPU 1 runs u in as until other_stop(). */
void other_run(plat_as_t as, struct plat_uctx *u);
void other_stop(void);

void test_attacks(void);

#endif
