/* SPDX-License-Identifier: Apache-2.0 */
/* vdso.c: the kernel's side of the vDSO.
 *
 * One memory object, made once and mapped into every program: the vvar page
 * with the clock parameters, then the image.  The mapping is private, so that a
 * patched call site stays the program's own, and never writable: the vvar page,
 * which nobody can copy by writing, therefore goes on showing the object.
 *
 * New parameters never let the clock that programs saw run backwards: where
 * the old ones had run ahead, the new base starts there and the rate is
 * lowered so that the lead is gone when the parameters expire.
 *
 * Locking: `updating` keeps writers apart; readers use the sequence number.
 * Trust: programs can only read the page. */
#include "kernel/mm/internal.h"
#include "kernel/mm/vdso/vvar.h"

extern const uint8_t vdso_image[];
extern const size_t vdso_image_size;

#define MAX_LEAD_NS (2 * 1000 * 1000ull)

static plat_obj_t obj;                  /* id 0: programs run without */
static uint64_t image_size;             /* whole pages */
static struct vvar now;                 /* what the page holds; `updating` */
static uint64_t due;                    /* cycles: when to write it again; atomic, stored under `updating` */
static uint32_t updating;

static uint64_t cycles(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence\n\trdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

static void publish(const struct vvar *next)
{
	uint32_t seq = now.seq + 1;
	int err;

	err = plat_obj_write(obj, 0, &seq, sizeof(seq));
	if (!err)
		err = plat_obj_write(obj, sizeof(seq), (const char *)next + sizeof(seq),
				     sizeof(*next) - sizeof(seq));
	seq++;
	if (!seq)
		seq = 2;
	if (!err)
		err = plat_obj_write(obj, 0, &seq, sizeof(seq));
	if (err)
		return;         /* seq stays odd: readers trap after some tries */
	now = *next;
	now.seq = seq;
}

/* How far the clock of the old parameters is ahead at the new base. */
static uint64_t lead_ns(const struct plat_vdso_time *p)
{
	uint64_t shown;

	if (!now.valid || p->base_cycles < now.base_cycles)
		return 0;
	/* Nobody was shown anything past the old limit. */
	shown = MIN(p->base_cycles, now.limit_cycles) - now.base_cycles;
	shown = now.mono_ns + (uint64_t)((unsigned __int128)shown * now.mult >> now.shift);
	return shown > p->mono_ns ? shown - p->mono_ns : 0;
}

static void refresh(void)
{
	struct vvar next = { .valid = 0, .gate = plat_syscall_gate() };
	struct plat_vdso_time p;
	uint64_t lead, span;

	int err = plat_vdso_time(&p);

	if (err || p.shift > 63 || p.limit_cycles <= p.base_cycles) {
		if (now.valid || !now.seq)
			publish(&next);
		__atomic_store_n(&due, err == -EAGAIN ? 0 : UINT64_MAX, __ATOMIC_RELAXED);
		return;
	}
	lead = lead_ns(&p);
	if (lead > MAX_LEAD_NS)
		lead = 0;               /* a step of the clock, not a drift */
	span = (uint64_t)((unsigned __int128)(p.limit_cycles - p.base_cycles) * p.mult >> p.shift);
	if (lead && span > 2 * lead)
		p.mult -= (uint32_t)(p.mult * lead / span);     /* lead < 2^21: fits */
	next.valid = 1;
	next.base_cycles = p.base_cycles;
	next.limit_cycles = p.limit_cycles;
	next.mono_ns = p.mono_ns + lead;
	next.real_ns = p.real_ns + lead;
	next.mult = p.mult;
	next.shift = p.shift;
	publish(&next);
	__atomic_store_n(&due, p.limit_cycles, __ATOMIC_RELAXED);
}

void vdso_update(void)
{
	/* A stale look costs one more or one missing refresh. */
	if (!obj.id || cycles() < __atomic_load_n(&due, __ATOMIC_RELAXED))
		return;
	if (__atomic_exchange_n(&updating, 1, __ATOMIC_ACQUIRE))
		return;
	refresh();
	__atomic_store_n(&updating, 0, __ATOMIC_RELEASE);
}

void vdso_init(void)
{
	image_size = align_up(vdso_image_size, PAGE_SIZE);
	if (plat_obj_new(PAGE_SIZE + image_size, &obj) ||
	    plat_obj_write(obj, PAGE_SIZE, vdso_image, vdso_image_size)) {
		obj.id = 0;
		klog("vdso: no memory object for the image: programs run without it");
		return;
	}
	refresh();
}

static int add_area(struct mm *mm, uint64_t addr, uint64_t size, uint32_t flags, uint64_t off,
		    const char *name)
{
	struct vma *v = kzalloc(sizeof(*v));

	if (!v)
		return -ENOMEM;
	list_init(&v->link);
	v->start = addr;
	v->end = addr + size;
	v->flags = flags | VM_SPECIAL;
	v->obj = obj;
	v->off = off;
	v->name = name;
	vma_insert(mm, v);
	return 0;
}

/* Called for a fresh address space only: on failure it is dropped whole. */
int vdso_map(struct mm *mm, uint64_t *ret_base)
{
	uint64_t at;
	int err;

	*ret_base = 0;
	if (!obj.id)
		return 0;
	vdso_update();
	mutex_lock(&mm->lock);
	err = mm_find_place_locked(mm, 0, PAGE_SIZE + image_size, 0, &at);
	if (!err)
		err = plat_as_map_obj(mm->as, at, PAGE_SIZE + image_size,
				      PLAT_PROT_READ | PLAT_PROT_EXEC, 0, obj, 0);
	if (!err)
		err = add_area(mm, at, PAGE_SIZE, VM_READ, 0, "[vvar]");
	if (!err)
		err = add_area(mm, at + PAGE_SIZE, image_size, VM_READ | VM_EXEC, PAGE_SIZE, "[vdso]");
	mutex_unlock(&mm->lock);
	if (!err)
		*ret_base = at + PAGE_SIZE;
	return err;
}
