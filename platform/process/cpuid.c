/* SPDX-License-Identifier: Apache-2.0 */
/* cpuid.c: what a stub answers to cpuid by itself, the kernel's side: tables in
 * the mailbox of the app thread that asked (stub/cpuid.c).
 *
 * Trust: written, never read.  The program may write them too, and sees what it
 * wrote. */
#include <string.h>

#include "platform/process/internal.h"

STATIC_ASSERT(CPUID_TRAPNO == PLAT_CPUID_TRAPNO && CPUID_ERR == PLAT_CPUID_ERR && CPUID_ANY_CORE == PLAT_CPUID_ANY);

uint32_t plat_cpuid_core(void) { return host_cpu(); }

/* Calls for one address space are serialized by the kernel; the box's thread
 * is stopped or belongs to another CPU, and only sees whole entries. */
void plat_cpuid_offer(plat_as_t as, const uint64_t *sites, unsigned site_count, const struct plat_cpuid *answers,
		      unsigned count)
{
	unsigned cpu = plat_cpu_self();
	struct stub *s = stub_find(as.id);
	struct stub_box *box;

	if (!s || !s->thread[cpu].live)
		return;
	box = stub_box_of(s, cpu);
	site_count = MIN(site_count, (unsigned)CPUID_SITES);
	count = MIN(count, (unsigned)CPUID_ANSWERS);
	__atomic_store_n(&box->cpuid_sites, 0, __ATOMIC_SEQ_CST);
	memcpy(box->cpuid_site, sites, site_count * sizeof(*sites));
	for (unsigned i = 0; i < count; i++) {
		const struct plat_cpuid *a = &answers[i];

		box->cpuid_question[i] = (uint64_t)a->subleaf << 32 | a->leaf;
		box->cpuid_core[i] = a->core;
		box->cpuid_answer[i][0] = a->eax;
		box->cpuid_answer[i][1] = a->ebx;
		box->cpuid_answer[i][2] = a->ecx;
		box->cpuid_answer[i][3] = a->edx;
	}
	__atomic_store_n(&box->cpuid_answers, count, __ATOMIC_RELEASE);
	__atomic_store_n(&box->cpuid_sites, site_count, __ATOMIC_SEQ_CST);
}

void plat_cpuid_revoke(plat_as_t as)
{
	struct stub *s = stub_find(as.id);

	if (!s)
		return;
	for (unsigned cpu = 0; cpu < process.cpu_count; cpu++)
		__atomic_store_n(&stub_box_nr(s, cpu)->cpuid_sites, 0, __ATOMIC_SEQ_CST);
}
