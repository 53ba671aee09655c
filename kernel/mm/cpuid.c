/* SPDX-License-Identifier: Apache-2.0 */
/* cpuid.c: the answers to cpuid instructions of patched text.
 *
 * A copy of a file's text has "int $PLAT_CPUID_VECTOR" where the file has
 * cpuid (patch_cpuid.c).  What the processor answers is kept, so that it is
 * asked once for each question instead of once in each program; but for leaves
 * that tell one core from another.  What is kept is the same for all programs.
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
#define RFLAGS_TF 0x100u

struct answer { uint32_t leaf, sub, a, b, c, d; };

static struct spinlock cpuid_lock = SPINLOCK_INIT;
static struct answer kept[KEPT_MAX];
static unsigned kept_count, kept_next;

static void ask(struct answer *q)
{
	__asm__ volatile("cpuid" : "=a"(q->a), "=b"(q->b), "=c"(q->c), "=d"(q->d) : "0"(q->leaf), "2"(q->sub));
}

/* Topology, and the kind of core. */
static bool of_core(uint32_t leaf)
{
	return leaf == 0xb || leaf == 0x1f || leaf == 0x1a || leaf == 0x8000001e || leaf == 0x80000026;
}

static bool find(struct answer *q)
{
	bool found = false;

	spin_lock(&cpuid_lock);
	for (unsigned i = 0; i < kept_count && !found; i++)
		if (kept[i].leaf == q->leaf && kept[i].sub == q->sub) {
			*q = kept[i];
			found = true;
		}
	spin_unlock(&cpuid_lock);
	return found;
}

static void keep(const struct answer *q)
{
	spin_lock(&cpuid_lock);
	if (kept_count < KEPT_MAX) {
		kept[kept_count++] = *q;
	} else {
		kept[kept_next] = *q;
		kept_next = (kept_next + 1) % KEPT_MAX;
	}
	spin_unlock(&cpuid_lock);
}

static void answer(struct answer *q)
{
	if (!of_core(q->leaf) && find(q))
		return;
	ask(q);
	if (!of_core(q->leaf))
		keep(q);
}

/* Does the area show cpuid's stand-in at rip? */
static bool is_site(const struct vma *v, uint64_t rip)
{
	return v->patch && patch_version_cpuid(v->patch, v->off + (rip - v->start));
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
	struct mm *mm = t->mm;
	struct answer q;
	struct vma *v;
	bool site;

	if (trap->signo != SIGSEGV)
		return false;
	mutex_lock(&mm->lock);
	v = mm_find_locked(mm, r->rip);
	site = v && v->start <= r->rip && is_site(v, r->rip);
	mutex_unlock(&mm->lock);
	if (!site)
		return gone(mm, r->rip);
	q = (struct answer){ .leaf = (uint32_t)r->rax, .sub = (uint32_t)r->rcx };
	answer(&q);
	r->rax = q.a;
	r->rbx = q.b;
	r->rcx = q.c;
	r->rdx = q.d;
	r->rip += PATCH_CPUID_SIZE;
	t->uctx.regs_changed = true;
	stats_bump(&plat_stats()->n[STATS_CPUID_ANSWERED], 1);
	if (unlikely(r->rflags & RFLAGS_TF))
		stepped(t);
	return true;
}
