/* SPDX-License-Identifier: Apache-2.0 */
/* cpuid.c: the answers to cpuid instructions of patched text.
 *
 * A copy of a file's text has "int $PLAT_CPUID_VECTOR" where the file has
 * cpuid (patch_scan.c).  What the processor answers is kept, so that it is
 * asked once for each question instead of once in each program, and once on each
 * core for leaves that tell one core from another.  What is kept is the same for all programs,
 * and with the first question of a program all of it goes to the platform, which
 * may answer the others in the program's own process (plat_cpuid_offer).  That
 * ends before any text of the program changes.
 *
 * Trust: the trap's registers are the program's; any program can fill the
 * table with questions nobody asks, and then the processor is asked again.
 * Locking: cpuid_lock, a leaf. */
#include "kernel/mm/patch.h"
#include "kernel/signal/signal.h"
#include "kernel/task/task.h"
#include <linux_abi/signal.h>
#include <stats.h>

#define KEPT_MAX 128u
#define KEPT_CORES_MAX 48u              /* of those that are a core's */
#define ASKED_AT_ONCE (1u << 20)        /* cycles: nobody is moved to another core and back so quickly */
#define SITES_MAX 96u                   /* offered to the platform, of all files of a program */
#define RFLAGS_TF 0x100u

static struct spinlock cpuid_lock = SPINLOCK_INIT;
static struct plat_cpuid kept[KEPT_MAX];
static unsigned kept_count, kept_next, kept_cores;

/* False: it is not known which core has answered. */
static bool ask(struct plat_cpuid *q)
{
	uint64_t start = __builtin_ia32_rdtsc();

	__asm__ volatile("cpuid" : "=a"(q->eax), "=b"(q->ebx), "=c"(q->ecx), "=d"(q->edx) : "0"(q->leaf), "2"(q->subleaf));
	return q->core == PLAT_CPUID_ANY ||
	       (q->core == plat_cpuid_core() && __builtin_ia32_rdtsc() - start < ASKED_AT_ONCE);
}

/* Topology, and the kind of core. */
static bool of_core(uint32_t leaf)
{
	return leaf == 0xb || leaf == 0x1f || leaf == 0x1a || leaf == 0x8000001e || leaf == 0x80000026;
}

static bool find(struct plat_cpuid *q)
{
	bool found = false;

	spin_lock(&cpuid_lock);
	for (unsigned i = 0; i < kept_count && !found; i++)
		if (kept[i].leaf == q->leaf && kept[i].subleaf == q->subleaf && kept[i].core == q->core) {
			*q = kept[i];
			found = true;
		}
	spin_unlock(&cpuid_lock);
	return found;
}

static void keep(const struct plat_cpuid *q)
{
	spin_lock(&cpuid_lock);
	kept_cores += q->core != PLAT_CPUID_ANY;
	if (kept_count < KEPT_MAX) {
		kept[kept_count++] = *q;
	} else {
		kept[kept_next] = *q;
		kept_next = (kept_next + 1) % KEPT_MAX;
	}
	spin_unlock(&cpuid_lock);
}

static void answer(struct plat_cpuid *q)
{
	if (PLAT_CPUID_FLAT(q->leaf))
		q->subleaf = 0;
	q->core = of_core(q->leaf) ? plat_cpuid_core() : PLAT_CPUID_ANY;
	if (find(q))
		return;
	if (ask(q) && (q->core == PLAT_CPUID_ANY || kept_cores < KEPT_CORES_MAX))
		keep(q);
}

/* Does the area show cpuid's stand-in at rip? */
static bool is_site(const struct vma *v, uint64_t rip)
{
	return v->patch && patch_version_cpuid(v->patch, v->off + (rip - v->start));
}

static unsigned add_sites(const struct vma *v, uint64_t *site, unsigned count)
{
	const struct patch_version *p = v->patch;

	for (unsigned i = 0; i < p->cpuids && count < SITES_MAX; i++)
		if (p->cpuid[i] - v->off < v->end - v->start)
			site[count++] = v->start + (p->cpuid[i] - v->off);
	return count;
}

/* What the program asks next need not come here; first is where it asked. */
static void offer_locked(struct mm *mm, const struct vma *first)
{
	uint64_t site[SITES_MAX];
	unsigned count = add_sites(first, site, 0);
	struct vma *v;

	list_for_each(v, &mm->vmas, link)
		if (v != first && v->patch && (v->flags & VM_EXEC))
			count = add_sites(v, site, count);
	mm->cpuid_offered = true;
	spin_lock(&cpuid_lock);
	plat_cpuid_offer(mm->as, site, count, kept, kept_count);
	spin_unlock(&cpuid_lock);
}

void cpuid_revoke_slow(struct mm *mm)
{
	plat_cpuid_revoke(mm->as);
	mm->cpuid_offered = false;
}

/* The trap was of patched text that another thread has meanwhile given back:
 * what is there now is to be executed. */
static bool gone(struct mm *mm, uint64_t rip)
{
	uint8_t now[PATCH_CPUID_SIZE];

	return mm_copy_in(mm, now, rip, sizeof(now)) == 0 && now[0] == 0x0f && now[1] == 0xa2;
}

/* A program that steps itself stops behind the instruction. */
static void stepped(struct task *t)
{
	const struct plat_trap step = {
		.kind = PLAT_TRAP_EXCEPTION, .signo = SIGTRAP, .code = TRAP_TRACE,
		.addr = t->uctx.regs.rip, .trapno = 1,
	};

	signal_force_fault(&step);
}

bool cpuid_trap_slow(struct task *t, const struct plat_trap *trap)
{
	struct plat_regs *r = &t->uctx.regs;
	struct plat_cpuid q = { .leaf = (uint32_t)r->rax, .subleaf = (uint32_t)r->rcx };
	struct mm *mm = t->mm;
	struct vma *v;
	bool site;

	if (trap->signo != SIGSEGV)
		return false;
	mutex_lock(&mm->lock);
	v = mm_find_locked(mm, r->rip);
	site = v && v->start <= r->rip && is_site(v, r->rip);
	if (site) {
		answer(&q);
		offer_locked(mm, v);
	}
	mutex_unlock(&mm->lock);
	if (!site)
		return gone(mm, r->rip);
	r->rax = q.eax;
	r->rbx = q.ebx;
	r->rcx = q.ecx;
	r->rdx = q.edx;
	r->rip += PATCH_CPUID_SIZE;
	t->uctx.regs_changed = true;
	stats_bump(&plat_stats()->n[STATS_CPUID_ANSWERED], 1);
	if (unlikely(r->rflags & RFLAGS_TF))
		stepped(t);
	return true;
}
