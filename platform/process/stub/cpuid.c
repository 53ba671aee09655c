/* SPDX-License-Identifier: Apache-2.0 */
/* cpuid.c: cpuid in patched text, answered in the signal handler.
 *
 * The kernel has left in the mailbox where the stand-in is cpuid and what the
 * processor says, or this core of it; the frame of the fault becomes that of a cpuid just done, and
 * is returned to.  Anything else is a trap for the kernel.  Kicks are blocked
 * meanwhile and come right after it.
 *
 * Trust: tables and frame are the program's to change: it can lie to itself
 * about its processor.  No index goes beyond the tables. */
#include <platform.h>

#include "platform/process/sigframe.h"

#define FLAG_TF 0x100u
#define FLAG_RF 0x10000u                /* set by any fault */

uint32_t stub_cpuid(const struct stub_box *box, struct sigframe *frame);
uint32_t stub_host_cpu(void);

static bool is_site(const struct stub_box *box, uint64_t ip)
{
	uint32_t n = __atomic_load_n(&box->cpuid_sites, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < n && i < CPUID_SITES; i++)
		if (box->cpuid_site[i] == ip)
			return true;
	return false;
}

/* 1: done. */
uint32_t stub_cpuid(const struct stub_box *box, struct sigframe *frame)
{
	struct sigmcontext *m = &frame->uc.mc;
	uint32_t leaf = (uint32_t)m->ax, n;
	uint64_t question = (PLAT_CPUID_FLAT(leaf) ? 0 : m->cx << 32) | leaf;

	if ((m->flags & FLAG_TF) || !is_site(box, m->ip))
		return 0;
	n = __atomic_load_n(&box->cpuid_answers, __ATOMIC_ACQUIRE);
	for (uint32_t i = 0; i < n && i < CPUID_ANSWERS; i++) {
		if (box->cpuid_question[i] != question ||
		    (box->cpuid_core[i] != CPUID_ANY_CORE && box->cpuid_core[i] != stub_host_cpu()))
			continue;
		m->ax = box->cpuid_answer[i][0];
		m->bx = box->cpuid_answer[i][1];
		m->cx = box->cpuid_answer[i][2];
		m->dx = box->cpuid_answer[i][3];
		m->ip += 2;
		m->flags &= ~(uint64_t)FLAG_RF;
		return 1;
	}
	return 0;
}
