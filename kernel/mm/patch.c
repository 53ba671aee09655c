/* SPDX-License-Identifier: Apache-2.0 */
/* patch.c: address spaces and patched text.
 *
 * A VMA whose `patch` is set is mapped from that version's object instead of
 * its file's; everything else about it stays the file's.  One that can be
 * executed and has patched text covers the text segment exactly; the others
 * are what exec and dynamic linkers map first, and the segments beside the
 * text.  New mappings get the newest version at once; a
 * task whose calls still trap where that version would not let them is moved
 * over after some of them.  To map another version over running code is safe:
 * versions differ in whole instructions, each does the same in all of them,
 * and the trampolines of an older version are in the newer ones.
 *
 * A task is never shown where it really is: what stops it in a trampoline sees
 * the place in the file's text (patch_fix_regs), and who reads its memory from
 * outside sees the file's bytes (mm_copy_in_plain).  Traced address spaces are
 * not patched, and text that was ever writable neither.
 *
 * Locking: mm->lock for the VMAs; patch_file.c's own below it. */
#include "kernel/mm/patch.h"
#include <stats.h>

/* Look at one unpatched call in this many, on average: at intervals that no
 * program's loop agrees with. */
#define SAMPLE 8u
/* Moving over costs about as much as so many trapped calls. */
#define ADOPT_HITS 48u

bool patch_on;
static struct { uint32_t left, seed; } __aligned(64) sampler[PLAT_MAX_CPUS];

void patch_init(void)
{
	patch_on = plat_syscall_gate();
}

/* ---- which areas ---- */

static bool may_patch(const struct mm *mm, const struct vma *v)
{
	return !mm->patch_off && v->file && v->file->inode && S_ISREG(v->file->inode->mode) && v->obj.id &&
	       !v->written && (v->flags & VM_EXEC) && !(v->flags & (VM_WRITE | VM_SHARED | VM_SPECIAL));
}

static bool exact(const struct vma *v, const struct patch_version *p)
{
	return patch_exact(p, v->off, v->end - v->start);
}

static struct vma *area_at(struct mm *mm, uint64_t addr)
{
	struct vma *v = mm_find_locked(mm, addr);

	return v && v->start <= addr ? v : NULL;
}

/* ---- on ---- */

static void put_on_locked(struct mm *mm, struct vma *v, struct patch_version *n)
{
	uint64_t size = v->end - v->start;
	struct patch_version *old = v->patch;

	/* The file was changed in between: jumps taken must not lose their trampolines. */
	if (old && (old == n || old->file_id != n->file_id))
		return;
	if (plat_as_map_obj(mm->as, v->start, size, vma_prot(v->flags), 0, n->obj, v->off)) {
		/* What is there now is undefined; without text, the next
		 * instruction is a fault that nobody can cure. */
		if (plat_as_map_obj(mm->as, v->start, size, vma_prot(v->flags), 0, old ? old->obj : v->obj, v->off))
			(void)plat_as_unmap(mm->as, v->start, size);
		return;
	}
	stats_bump(&plat_stats()->n[STATS_SITES_MOVED], 1);
	mm->patched = true;
	v->patch = patch_version_get(n);
	patch_version_put(old);
}

static void adopt(struct mm *mm, uint64_t rip, struct file *f, plat_obj_t obj)
{
	struct patch_version *n = patch_file_current(f->inode, obj);
	struct vma *v;

	if (!n)
		return;
	mutex_lock(&mm->lock);
	v = area_at(mm, rip);
	if (v && may_patch(mm, v) && v->file->inode == f->inode && v->obj.id == obj.id && exact(v, n))
		put_on_locked(mm, v, n);
	mm->patch_hits = 0;
	mutex_unlock(&mm->lock);
	patch_version_put(n);
}

static void sample(struct task *t)
{
	uint64_t rip = t->uctx.regs.rip - 2, nr = t->uctx.regs.orig_rax, site = 0;
	struct mm *mm = t->mm;
	plat_obj_t obj = { 0 };
	struct file *f = NULL;
	struct vma *v;
	bool made;

	if (mm->patch_off)
		return;
	mutex_lock(&mm->lock);
	v = area_at(mm, rip);
	if (v && may_patch(mm, v)) {
		site = v->off + (rip - v->start);
		obj = v->obj;
		/* Already led to the gate: somebody jumped to the instruction. */
		if (!v->patch || !patch_version_site(v->patch, site))
			f = file_get(v->file);
	}
	mutex_unlock(&mm->lock);
	if (!f)
		return;
	/* Whoever had it made has called enough. */
	if (patch_file_hit(f->inode, obj, site, nr, SAMPLE, &made) &&
	    (__atomic_add_fetch(&mm->patch_hits, SAMPLE, __ATOMIC_RELAXED) >= ADOPT_HITS || made))
		adopt(mm, rip, f, obj);
	file_put(f);
}

void patch_trap_slow(struct task *t)
{
	unsigned cpu = plat_cpu_self();

	if (sampler[cpu].left--)
		return;
	sampler[cpu].seed = sampler[cpu].seed * 1103515245u + 12345u + cpu;
	sampler[cpu].left = (sampler[cpu].seed >> 16) % (2 * SAMPLE - 1);
	sample(t);
}

struct patch_version *patch_for_map(struct inode *i, plat_obj_t obj, uint64_t off, uint64_t size, uint32_t flags,
				    bool loader)
{
	struct patch_version *v;
	bool fits;

	if (!patch_on || (flags & (VM_WRITE | VM_SHARED)) || !((flags & VM_EXEC) || loader) || !i || !obj.id)
		return NULL;
	v = patch_file_current(i, obj);
	if (!v)
		return NULL;
	if (flags & VM_EXEC)
		fits = patch_exact(v, off, size);
	else            /* the whole file, whose segments will get their protection */
		fits = v->full && off <= v->text.page_off && off + size >= v->text.page_end &&
			off + size <= v->quiet;
	if (!fits) {
		patch_version_put(v);
		v = NULL;
	}
	return v;
}

void patch_started(struct mm *mm, uint64_t entry)
{
	plat_obj_t obj = { 0 };
	struct file *f = NULL;
	struct vma *v;

	mutex_lock(&mm->lock);
	v = area_at(mm, entry);
	if (v && may_patch(mm, v) && !v->patch) {
		obj = v->obj;
		f = file_get(v->file);
	}
	mutex_unlock(&mm->lock);
	if (!f)
		return;
	patch_file_started(f->inode, obj);
	file_put(f);
}

/* ---- off ---- */

/* Nobody else can be in a trampoline. */
static bool alone(struct mm *mm)
{
	struct task *t = current_task();

	return t && t->mm == mm && ref_read(&mm->users) == 1;
}

int patch_remove_locked(struct mm *mm, struct vma *v)
{
	struct patch_version *p = v->patch;
	uint64_t size = v->end - v->start, natural = size;
	unsigned prot = vma_prot(v->flags);
	int err = 0;

	if (!p || !patch_in_text(p, v->off, size))
		return 0;
	cpuid_revoke_locked(mm);
	if (exact(v, p) && !alone(mm))
		natural -= PAGE_SIZE;
	if (natural)
		err = plat_as_map_obj(mm->as, v->start, natural, prot, 0, v->obj, v->off);
	if (!err && natural < size)
		err = plat_as_map_obj(mm->as, v->start + natural, PAGE_SIZE, prot, 0, p->obj, p->quiet);
	if (err) {
		(void)plat_as_unmap(mm->as, v->start, size);
		return err;
	}
	stats_bump(&plat_stats()->n[STATS_SITES_BACK], 1);
	/* The last page may be one of ours for good. */
	v->written = natural < size;
	v->patch = NULL;
	patch_version_put(p);
	return 0;
}

void mm_patch_off(struct mm *mm)
{
	struct vma *v;

	mutex_lock(&mm->lock);
	mm->patch_off = true;
	if (mm->patched)
		list_for_each(v, &mm->vmas, link)
			if (patch_remove_locked(mm, v))
				klog("out of memory: text of a traced program lost");
	mutex_unlock(&mm->lock);
}

/* ---- what is seen ---- */

void patch_fix_regs_slow(struct task *t)
{
	struct plat_regs *r = &t->uctx.regs;
	const struct patch_site *s;
	struct vma *v;

	mutex_lock(&t->mm->lock);
	v = area_at(t->mm, r->rip);
	s = v && v->patch ? patch_version_tramp(v->patch, v->off + (r->rip - v->start)) : NULL;
	if (s) {
		r->rip = v->start + (patch_natural(s, v->off + (r->rip - v->start)) - v->off);
		t->uctx.regs_changed = true;
	}
	mutex_unlock(&t->mm->lock);
}

/* buf holds [from, from + n) of the object: put the file's bytes back, from
 * what stood at off (orig NULL: zeroes). */
static void restore(uint8_t *buf, uint64_t from, size_t n, uint64_t off, const uint8_t *orig, size_t size)
{
	uint64_t a = MAX(from, off), b = MIN(from + n, off + size);

	if (a >= b)
		return;
	if (orig)
		memcpy(buf + (a - from), orig + (a - off), b - a);
	else
		memset(buf + (a - from), 0, b - a);
}

static void hide_locked(struct mm *mm, uint8_t *buf, uint64_t addr, size_t n)
{
	static const uint8_t cpuid[PATCH_CPUID_SIZE] = { 0x0f, 0xa2 };
	struct vma *v;

	for (v = vma_intersect(mm, addr, addr + n); v && v->start < addr + n; v = vma_next(mm, v)) {
		const struct patch_version *p = v->patch;
		uint64_t a = MAX(addr, v->start), b = MIN(addr + n, v->end), from;

		if (!p)
			continue;
		from = v->off + (a - v->start);
		for (unsigned i = 0; i < p->count; i++)
			restore(buf + (a - addr), from, b - a, p->site[i].win, p->site[i].orig, p->site[i].first);
		for (unsigned i = 0; i < p->cpuids; i++)
			restore(buf + (a - addr), from, b - a, p->cpuid[i], cpuid, sizeof(cpuid));
		restore(buf + (a - addr), from, b - a, p->text.end, NULL, p->text.page_end - p->text.end);
	}
}

size_t mm_copy_in_plain(struct mm *mm, void *dst, uint64_t src, size_t n)
{
	size_t left;

	if (!__atomic_load_n(&mm->patched, __ATOMIC_RELAXED))
		return mm_copy_in(mm, dst, src, n);
	mutex_lock(&mm->lock);
	left = mm_copy_in(mm, dst, src, n);
	if (left < n)
		hide_locked(mm, dst, src, n - left);
	mutex_unlock(&mm->lock);
	return left;
}
