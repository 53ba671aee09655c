/* SPDX-License-Identifier: Apache-2.0 */
/* map.c: mmap(2), munmap(2), and the placement of mappings.
 *
 * A request is checked and its file asked for a memory object before
 * mm->lock is taken (file locks are outer).  Under the lock: choose the
 * place, make VMA borders, tell the platform, commit the VMAs.  VMAs that were
 * replaced are freed after the lock is dropped, because the last put of a
 * file may sleep and take file locks. */
#include "kernel/mm/patch.h"
#include "kernel/mm/ride.h"
#include <stats.h>
#include "kernel/syscall/syscall.h"

#define COPY_FALLBACK_MAX (1ull << 30)

bool mm_range_ok(uint64_t addr, uint64_t size, uint64_t *ret_end)
{
	uint64_t end;

	if ((addr & (PAGE_SIZE - 1)) || size > mm_addr_hi || add_overflows(addr, size, &end))
		return false;
	end = align_up(end, PAGE_SIZE);
	if (end > mm_addr_hi)
		return false;
	*ret_end = end;
	return true;
}

int mm_may_expand_locked(struct mm *mm, uint64_t size, uint32_t flags)
{
	if (mm->vma_count >= MM_MAX_MAP_COUNT)
		return -ENOMEM;
	if (mm->total_size + size > mm_rlimit(RLIMIT_AS))
		return -ENOMEM;
	if ((flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE &&
	    mm->data_size + size > mm_rlimit(RLIMIT_DATA))
		return -ENOMEM;
	return 0;
}

/* Locked memory against RLIMIT_MEMLOCK. */
static int may_lock(struct mm *mm, uint64_t size)
{
	uint64_t limit;

	if (capable(CAP_IPC_LOCK))
		return 0;
	limit = mm_rlimit(RLIMIT_MEMLOCK);
	if (!limit)
		return -EPERM;
	return mm->locked_size + size > limit ? -EAGAIN : 0;
}

int mm_find_place_locked(struct mm *mm, uint64_t hint, uint64_t size, unsigned map_flags,
			 uint64_t *ret)
{
	uint64_t lo = mm_addr_lo, hi = mm->mmap_base, end, at;
	struct vma *v;

	if (map_flags & MAP_32BIT) {
		hi = MIN(hi, 0x80000000ull);
		hint = 0;
	}
	if (hint) {
		hint = MAX(align_up(hint, PAGE_SIZE), lo);
		if (mm_range_ok(hint, size, &end)) {
			v = mm_find_locked(mm, hint);
			if (!v || end <= vma_start_gap(v)) {
				struct vma *p = v ? vma_prev(mm, v) :
					list_empty(&mm->vmas) ? NULL :
					list_last(&mm->vmas, struct vma, link);

				if (!p || p->end <= hint) {
					*ret = hint;
					return 0;
				}
			}
		}
	}
	at = vma_find_gap(mm, size, lo, hi);
	/* Below the stack everything is taken: look above the usual area. */
	if (!at && !(map_flags & MAP_32BIT))
		at = vma_find_gap(mm, size, lo, mm_addr_hi);
	if (!at)
		return -ENOMEM;
	*ret = at;
	return 0;
}

static void remove_range(struct mm *mm, struct vma *v, uint64_t end, struct list *dead)
{
	while (v && v->start < end) {
		struct vma *next = vma_next(mm, v);

		vma_remove(mm, v);
		list_push_back(dead, &v->link);
		v = next;
	}
}

int unmap_locked(struct mm *mm, uint64_t start, uint64_t end, struct list *dead)
{
	struct vma *v;
	int err;

	if (!vma_intersect(mm, start, end))
		return 0;
	err = vma_isolate(mm, start, end, &v);
	if (err)
		return err;
	err = ride_unmap(mm, v, start, end) ? 0 : plat_as_unmap(mm->as, start, end - start);
	if (err)
		return err;
	remove_range(mm, v, end, dead);
	ride_keep(dead);
	return 0;
}

static bool never_changed(uint32_t flags)
{
	return !(flags & (VM_SHARED | VM_WRITE | VM_EXEC));
}

/* What dynamic linkers do: reserve the range by mapping the whole file, then
 * map its segments over that.  The range that shows these bytes of the object
 * already, unchanged, only needs the protection; mapping is far dearer on most
 * platforms.  False: map. */
static bool map_in_place(struct mm *mm, const struct map_req *r, uint64_t end)
{
	struct vma *v = r->obj.id ? mm_find_locked(mm, r->addr) : NULL;
	uint32_t flags = r->flags | (never_changed(r->flags) ? VM_PRISTINE : 0);

	if (!v || v->start > r->addr || v->end < end || !(v->flags & VM_PRISTINE) ||
	    (r->flags & VM_SHARED) || r->plat_flags || v->file != r->file || v->objref != r->objref ||
	    v->obj.id != r->obj.id || v->off + (r->addr - v->start) != r->off ||
	    ((v->flags ^ flags) & ~(VM_ACCESS | VM_PRISTINE)))
		return false;
	if (v->patch != r->patch && (r->patch || patch_in_text(v->patch, r->off, r->size)))
		return false;
	if (vma_isolate(mm, r->addr, end, &v))
		return false;
	if (((v->flags ^ flags) & VM_ACCESS) && !ride_protect(mm, v, r->addr, end, vma_prot(flags)) &&
	    plat_as_protect(mm->as, r->addr, r->size, vma_prot(flags))) {
		vma_merge(mm, v);
		return false;
	}
	v->written |= !!(flags & VM_WRITE);
	vma_set_flags(mm, v, flags);
	vma_merge(mm, v);
	return true;
}

int map_locked(struct mm *mm, const struct map_req *r, struct list *dead)
{
	uint64_t end = r->addr + r->size;
	struct vma *v, *old = NULL;
	unsigned pf = r->plat_flags;
	int err;

	if (map_in_place(mm, r, end))
		return 0;
	v = kzalloc(sizeof(*v));
	if (!v)
		return -ENOMEM;
	if (vma_intersect(mm, r->addr, end)) {
		err = vma_isolate(mm, r->addr, end, &old);
		if (err) {
			kfree(v);
			return err;
		}
	}
	if (r->flags & VM_SHARED)
		pf |= PLAT_MAP_SHARED;
	if ((r->flags & VM_SHARED) && (r->flags & VM_MAYWRITE))
		pf |= PLAT_MAP_MAYWRITE;
	/* Another thread could look at the range while what waited is made. */
	if (r->loader && !(r->flags & (VM_SHARED | VM_WRITE | VM_LOCKED)) && ref_read(&mm->users) == 1)
		pf |= PLAT_MAP_LATER | (old ? 0 : PLAT_MAP_NEW);
	if (r->obj.id)
		err = plat_as_map_obj(mm->as, r->addr, r->size, vma_prot(r->flags), pf,
				      r->patch ? r->patch->obj : r->obj, r->off);
	else if (ride_map(mm, r->addr, end, vma_prot(r->flags), pf))
		err = 0;
	else
		err = plat_as_map_anon(mm->as, r->addr, r->size, vma_prot(r->flags), pf);
	if (old && old->start < end)
		remove_range(mm, old, end, dead);
	if (err) {
		/* What the range holds now is undefined. */
		(void)plat_as_unmap(mm->as, r->addr, r->size);
		kfree(v);
		return err;
	}
	list_init(&v->link);
	v->start = r->addr;
	v->end = end;
	v->flags = r->flags | (r->obj.id && never_changed(r->flags) ? VM_PRISTINE : 0);
	v->obj = r->obj;
	v->off = r->off;
	v->name = r->name;
	v->policy = r->policy;
	v->file = r->file ? file_get(r->file) : NULL;
	v->written = v->flags & VM_WRITE;
	if (r->patch) {
		stats_bump(&plat_stats()->n[STATS_SITES_MAPPED], 1);
		v->patch = patch_version_get(r->patch);
		mm->patched = true;
	}
	vma_count_writer(v, true);
	if (r->objref) {
		v->objref = obj_ref_get(r->objref);
		__atomic_fetch_add(&r->objref->nattach, 1, __ATOMIC_RELAXED);
		if (r->objref->changed)
			r->objref->changed(r->objref);
	}
	vma_insert(mm, v);
	vma_merge(mm, v);
	return 0;
}

/* ---- mmap ---- */

static int check_flags(unsigned prot, unsigned flags, uint64_t addr, uint64_t size, uint64_t off,
		       bool file)
{
	unsigned type = flags & MAP_TYPE;
	uint64_t end;

	if (type != MAP_SHARED && type != MAP_PRIVATE && type != MAP_SHARED_VALIDATE)
		return -EINVAL;
	if (type == MAP_SHARED_VALIDATE && !file)
		return -EINVAL;
	if (type == MAP_SHARED_VALIDATE && (flags & ~MAP_KNOWN))
		return -EOPNOTSUPP;
	if (off & (PAGE_SIZE - 1))
		return -EINVAL;
	if (flags & MAP_HUGETLB)
		return file ? -EINVAL : -ENOMEM;        /* none are reserved */
	if (file && (add_overflows(off, size, &end) || end > INT64_MAX))
		return -EOVERFLOW;
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (addr & (PAGE_SIZE - 1))
			return -EINVAL;
		if (addr < mm_addr_lo)
			return -EPERM;
		if (!mm_range_ok(addr, size, &end))
			return -ENOMEM;
	}
	return 0;
}

/* What the open mode of the file allows. */
static int check_file(struct file *f, unsigned prot, unsigned flags)
{
	if (!(f->mode & FMODE_READ))
		return -EACCES;
	if ((flags & MAP_TYPE) != MAP_PRIVATE && (prot & PROT_WRITE) && !(f->mode & FMODE_WRITE))
		return -EACCES;
	return 0;
}

/* The host cannot map this file: its bytes go to private memory.  The mapping
 * is new, so that nobody has seen it yet; the lock is not needed for copying. */
static int copy_file(struct mm *mm, uint64_t addr, uint64_t size, struct file *f, uint64_t off)
{
	const size_t chunk = 65536;
	char *buf = kmalloc(chunk);
	uint64_t at = 0;
	int err = 0;

	if (!buf)
		return -ENOMEM;
	err = mm_batch_settle(mm);
	while (!err && at < size) {
		long n = file_read_kernel(f, buf, MIN(chunk, size - at), off + at);

		if (n <= 0) {
			err = n;
			break;
		}
		if (mm_copy_out_force(mm, addr + at, buf, n)) {
			err = -ENOMEM;
			break;
		}
		at += n;
	}
	kfree(buf);
	return err;
}

static int64_t map_commit(struct mm *mm, struct map_req *r, unsigned flags, uint64_t hint)
{
	struct list dead = LIST_INIT(dead);
	int err;

	mutex_lock(&mm->lock);
	if (mm->def_flags & VM_LOCKED)
		r->flags |= VM_LOCKED;
	if (mm->patch_off)
		r->patch = NULL;
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		r->addr = hint;
		err = (flags & MAP_FIXED_NOREPLACE) &&
			vma_intersect(mm, hint, hint + r->size) ? -EEXIST : 0;
	} else {
		err = mm_find_place_locked(mm, hint, r->size, flags, &r->addr);
	}
	if (!err)
		err = mm_may_expand_locked(mm, r->size, r->flags);
	if (!err && (r->flags & VM_LOCKED))
		err = may_lock(mm, r->size);
	if (!err)
		err = map_locked(mm, r, &dead);
	mutex_unlock(&mm->lock);
	vma_free_list(&dead);
	memlimit_poke();
	return err ? err : (int64_t)r->addr;
}

int64_t mm_map(struct mm *mm, uint64_t addr, uint64_t size, unsigned prot,
	       unsigned flags, struct file *file, uint64_t off)
{
	struct mmap_target target = { .anonymous = true };
	struct map_req r = { .flags = prot & VM_ACCESS };
	bool shared = (flags & MAP_TYPE) != MAP_PRIVATE, copy = false;
	struct patch_version *patch = NULL;
	struct obj_ref *o = NULL;
	struct inode *writer = NULL;
	int64_t ret;
	int err;

	if (!size)
		return -EINVAL;
	if (size > mm_addr_hi)
		return -ENOMEM;
	size = align_up(size, PAGE_SIZE);
	if ((prot & (PROT_WRITE | PROT_EXEC)) == (PROT_WRITE | PROT_EXEC) &&
	    __atomic_load_n(&mm->mdwe, __ATOMIC_RELAXED))
		return -EACCES;
	err = check_flags(prot, flags, addr, size, off, file);
	if (err)
		return err;
	if (flags & MAP_GROWSDOWN) {
		if (file || shared)
			return -EINVAL;
		r.flags |= VM_GROWSDOWN;
	}
	if (flags & MAP_LOCKED)
		r.flags |= VM_LOCKED;
	if (flags & MAP_NORESERVE)
		r.plat_flags |= PLAT_MAP_NORESERVE;
	if (flags & (MAP_POPULATE | MAP_LOCKED))
		r.plat_flags |= PLAT_MAP_POPULATE;
	if (shared)
		r.flags |= VM_SHARED;
	if (file) {
		err = check_file(file, prot, flags);
		if (err)
			return err;
		/* Counted from before the file is asked: a seal that is set
		 * meanwhile sees it, or we see the seal. */
		if (shared && (file->mode & FMODE_WRITE))
			writer = file->inode;
		if (writer) {
			__atomic_fetch_add(&writer->writable_maps, 1, __ATOMIC_SEQ_CST);
			patch_inode_changed(writer);
		}
		err = file_mmap(file, prot & VM_ACCESS, flags, off, size, &target);
		copy = err == -ENODEV && !shared && file->inode && file->ops->mmap &&
			S_ISREG(file->inode->mode) && size <= COPY_FALLBACK_MAX;
		if (err && !copy) {
			ret = err;
			goto out;
		}
		if (!target.anonymous && !copy) {
			r.file = file;
			r.loader = flags & MAP_DENYWRITE;
			r.obj = target.obj;
			r.off = target.off;
			if (!mm->patch_off && !mm->own_loader)
				patch = patch_for_map(file->inode, r.obj, r.off, size, r.flags,
						      flags & MAP_DENYWRITE);
			r.patch = patch;
		}
		if (shared && (file->mode & FMODE_WRITE) && !target.no_write)
			r.flags |= VM_MAYWRITE;
	}
	if (!r.file && shared) {
		ret = obj_ref_new(size, &o);
		if (ret)
			goto out;
		r.objref = o;
		r.obj = o->obj;
		r.flags |= VM_MAYWRITE;
	}
	r.size = size;
	ret = map_commit(mm, &r, flags, addr);
	patch_version_put(patch);
	if (o)
		obj_ref_put(o);
	if (copy && ret >= 0) {
		err = copy_file(mm, ret, size, file, off);
		if (err) {
			(void)mm_unmap(mm, ret, size);
			ret = err;
		}
	}
out:
	if (writer)
		__atomic_fetch_sub(&writer->writable_maps, 1, __ATOMIC_SEQ_CST);
	return ret;
}

int mm_unmap(struct mm *mm, uint64_t addr, uint64_t size)
{
	struct list dead = LIST_INIT(dead);
	uint64_t end;
	int err;

	if (!size || !mm_range_ok(addr, size, &end))
		return -EINVAL;
	mutex_lock(&mm->lock);
	err = unmap_locked(mm, addr, end, &dead);
	mutex_unlock(&mm->lock);
	vma_free_list(&dead);
	return err;
}

SYSCALL6(mmap, uint64_t, addr, size_t, size, unsigned, prot, unsigned, flags, int, fd, uint64_t, off)
{
	struct file *f = NULL;
	int64_t ret;

	if (off & (PAGE_SIZE - 1))
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS)) {
		f = fd_get(fd);
		if (!f)
			return -EBADF;
	} else {
		off = 0;
	}
	ride_allow(t);
	ret = mm_map(t->mm, addr, size, prot, flags, f, off);
	ride_end(t);
	if (f)
		file_put(f);
	return ret;
}

SYSCALL2(munmap, uint64_t, addr, size_t, size)
{
	int err;

	ride_allow(t);
	err = mm_unmap(t->mm, addr, size);
	ride_end(t);
	return err;
}
