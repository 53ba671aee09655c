/* SPDX-License-Identifier: Apache-2.0 */
/* shm.c: System V shared memory: shmget, shmat, shmdt, shmctl.
 *
 * A segment is a counted memory object in a table of fixed size; an
 * identifier is the slot plus a sequence number, so that a stale one is
 * noticed.  The mappings count themselves (obj_ref.nattach) and tell us; a
 * segment that is marked for removal goes with its last mapping.
 *
 * Locking: shm_lock (spinlock) guards the table and the segments.  References
 * to objects are dropped outside it, as that may sleep the CPU.
 * Source: shmget(2), shmop(2), shmctl(2), svipc(7). */
#include "kernel/ipc/ipc.h"
#include "kernel/ipc/sysv.h"
#include "kernel/mm/internal.h"
#include "kernel/syscall/syscall.h"
#include <linux_abi/ipc.h>

#define LLU(v) ((unsigned long long)(v))
#define SHMMNI 4096u
#define SHMMAX (UINT64_MAX - (1ull << 24))
#define SIZE_MAX_HERE (1ull << 46)
#define SHMLBA 4096ull

struct segment {
	struct obj_ref *o;
	uint64_t size;
	int32_t id, key;
	uint32_t uid, gid, cuid, cgid, mode;    /* mode: permission bits and SHM_DEST … */
	int64_t atime, dtime, ctime;
	int32_t cpid, lpid;
};

static struct spinlock shm_lock = SPINLOCK_INIT;
static struct segment *table[SHMMNI];
static uint16_t seq[SHMMNI];
static unsigned used, top;              /* top: one past the highest slot ever used */
static uint64_t total_pages;

static int64_t now_sec(void) { return plat_time_real_ns() / NSEC_PER_SEC; }

/* shm_lock held: whatever is in the slot of id, or NULL. */
static struct segment *at_locked(int32_t id)
{
	return id >= 0 && sysv_slot(id) < SHMMNI ? table[sysv_slot(id)] : NULL;
}

static struct segment *find_locked(int32_t id)
{
	struct segment *s = at_locked(id);

	return s && s->id == id ? s : NULL;
}

static struct segment *find_key_locked(int32_t key)
{
	for (unsigned i = 0; i < top; i++)
		if (table[i] && table[i]->key == key && !(table[i]->mode & SHM_DEST))
			return table[i];
	return NULL;
}

static bool owner_of(const struct segment *s)
{
	uint32_t euid = current_cred()->euid;

	return euid == s->uid || euid == s->cuid || capable(CAP_SYS_ADMIN);
}

/* want: 4 read, 2 write, 1 execute, as in a file mode. */
static bool permitted(const struct segment *s, unsigned want)
{
	const struct cred *c = current_cred();
	unsigned bits;

	if (c->euid == s->uid || c->euid == s->cuid)
		bits = s->mode >> 6;
	else if (c->egid == s->gid || c->egid == s->cgid || cred_in_group(c, s->gid) ||
		 cred_in_group(c, s->cgid))
		bits = s->mode >> 3;
	else
		bits = s->mode;
	return (bits & want) == want || capable(CAP_IPC_OWNER);
}

/* Out of the table; the caller drops the returned reference after unlocking. */
static struct obj_ref *remove_locked(struct segment *s)
{
	struct obj_ref *o = s->o;
	unsigned slot = sysv_slot(s->id);

	o->priv = NULL;
	table[slot] = NULL;
	seq[slot]++;
	used--;
	total_pages -= s->size >> PAGE_SHIFT;
	kfree(s);
	return o;
}

/* A mapping came or went. */
static void attach_changed(struct obj_ref *o)
{
	struct obj_ref *drop = NULL;
	struct segment *s;

	spin_lock(&shm_lock);
	s = o->priv;
	if (s) {
		struct task *t = current_task();

		if (t)
			s->lpid = t->tg->tgid;
		if ((s->mode & SHM_DEST) && !__atomic_load_n(&o->nattach, __ATOMIC_RELAXED))
			drop = remove_locked(s);
	}
	spin_unlock(&shm_lock);
	if (drop)
		obj_ref_put(drop);
}

static int create(int32_t key, uint64_t size, int flags, struct segment **ret)
{
	const struct cred *c = current_cred();
	struct segment *s;
	int err;

	if (!size || size > SHMMAX)
		return -EINVAL;
	if (size > SIZE_MAX_HERE)
		return -ENOMEM;
	s = kzalloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	err = obj_ref_new(align_up(size, PAGE_SIZE), &s->o);
	if (err) {
		kfree(s);
		return err;
	}
	s->o->changed = attach_changed;
	s->o->priv = s;
	s->size = size;
	s->key = key;
	s->uid = s->cuid = c->euid;
	s->gid = s->cgid = c->egid;
	s->mode = flags & 0777;
	s->ctime = now_sec();
	s->cpid = current_task()->tg->tgid;
	*ret = s;
	return 0;
}

static int install_locked(struct segment *s)
{
	for (unsigned i = 0; i < SHMMNI; i++) {
		if (table[i])
			continue;
		table[i] = s;
		s->id = (int32_t)((seq[i] & SYSV_SEQ_MAX) << SYSV_SHIFT | i);
		used++;
		top = MAX(top, i + 1);
		total_pages += s->size >> PAGE_SHIFT;
		return s->id;
	}
	return -ENOSPC;
}

static int open_locked(const struct segment *s, uint64_t size, int flags)
{
	if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
		return -EEXIST;
	if (size > s->size)
		return -EINVAL;
	if (!permitted(s, ((flags >> 6) | (flags >> 3) | flags) & 6))
		return -EACCES;
	return s->id;
}

SYSCALL3(shmget, int, key, size_t, size, int, flags)
{
	struct segment *s, *new = NULL;
	int ret;

	if (flags & SHM_HUGETLB)
		return -ENOMEM;
	if (key == IPC_PRIVATE || (flags & IPC_CREAT)) {
		spin_lock(&shm_lock);
		s = key == IPC_PRIVATE ? NULL : find_key_locked(key);
		spin_unlock(&shm_lock);
		if (!s) {
			ret = create(key, size, flags, &new);
			if (ret)
				return ret;
		}
	}
	spin_lock(&shm_lock);
	s = key == IPC_PRIVATE ? NULL : find_key_locked(key);
	if (s) {
		ret = open_locked(s, size, flags);
	} else if (new) {
		ret = install_locked(new);
		if (ret >= 0)
			new = NULL;
	} else {
		ret = -ENOENT;
	}
	spin_unlock(&shm_lock);
	if (new) {
		new->o->priv = NULL;
		obj_ref_put(new->o);
		kfree(new);
	}
	return ret;
}

SYSCALL3(shmat, int, id, uint64_t, addr, int, flags)
{
	struct map_req r = { .flags = VM_SHARED | VM_READ | VM_MAYWRITE };
	struct list dead = LIST_INIT(dead);
	struct mm *mm = t->mm;
	struct segment *s;
	uint64_t end;
	int err = 0;

	if (addr & (SHMLBA - 1)) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		addr = align_down(addr, SHMLBA);
	}
	if ((flags & SHM_REMAP) && !addr)
		return -EINVAL;
	if (flags & SHM_RDONLY)
		r.flags &= ~VM_MAYWRITE;
	else
		r.flags |= VM_WRITE;
	if (flags & SHM_EXEC)
		r.flags |= VM_EXEC;

	spin_lock(&shm_lock);
	s = find_locked(id);
	if (!s)
		err = -EINVAL;
	else if (!permitted(s, (flags & SHM_RDONLY ? 4 : 6) | (flags & SHM_EXEC ? 1 : 0)))
		err = -EACCES;
	else {
		r.objref = obj_ref_get(s->o);
		r.obj = s->o->obj;
		r.size = s->o->size;
		s->atime = now_sec();
	}
	spin_unlock(&shm_lock);
	if (err)
		return err;

	mutex_lock(&mm->lock);
	r.addr = addr;
	if (!addr)
		err = mm_find_place_locked(mm, 0, r.size, 0, &r.addr);
	else if (addr < mm_addr_lo || !mm_range_ok(addr, r.size, &end) ||
		 (!(flags & SHM_REMAP) && vma_intersect(mm, addr, end)))
		err = -EINVAL;
	if (!err)
		err = mm_may_expand_locked(mm, r.size, r.flags);
	if (!err)
		err = map_locked(mm, &r, &dead);
	mutex_unlock(&mm->lock);
	vma_free_list(&dead);
	obj_ref_put(r.objref);
	return err ? err : (long)r.addr;
}

SYSCALL1(shmdt, uint64_t, addr)
{
	struct list dead = LIST_INIT(dead);
	struct obj_ref *o = NULL;
	struct mm *mm = t->mm;
	struct vma *v;
	uint64_t at, end;
	int err = 0;

	if (addr & (SHMLBA - 1))
		return -EINVAL;
	mutex_lock(&mm->lock);
	/* The first piece of the attach that began at addr names the object; it
	 * may have been split or partly unmapped since. */
	for (v = mm_find_locked(mm, addr); v && !o; v = vma_next(mm, v)) {
		if (v->objref && v->objref->changed == attach_changed && v->start - v->off == addr)
			o = obj_ref_get(v->objref);
		else if (v->start - addr > SIZE_MAX_HERE)
			break;
	}
	end = o ? addr + o->size : addr;
	for (at = addr; o && !err; ) {
		v = vma_intersect(mm, at, end);
		if (!v)
			break;
		at = v->end;
		if (v->objref == o && v->start - v->off == addr)
			err = unmap_locked(mm, v->start, v->end, &dead);
	}
	mutex_unlock(&mm->lock);
	vma_free_list(&dead);
	if (!o)
		return -EINVAL;
	spin_lock(&shm_lock);
	if (o->priv)
		((struct segment *)o->priv)->dtime = now_sec();
	spin_unlock(&shm_lock);
	obj_ref_put(o);
	return err;
}

/* ---- control ---- */

static void fill_ds(const struct segment *s, struct linux_shmid_ds *d)
{
	*d = (struct linux_shmid_ds){
		.perm = { .key = s->key, .uid = s->uid, .gid = s->gid, .cuid = s->cuid,
			  .cgid = s->cgid, .mode = s->mode, .seq = (uint32_t)s->id >> SYSV_SHIFT },
		.segsz = s->size, .atime = s->atime, .dtime = s->dtime, .ctime = s->ctime,
		.cpid = s->cpid, .lpid = s->lpid,
		.nattch = __atomic_load_n(&s->o->nattach, __ATOMIC_RELAXED),
	};
}

void sysvipc_show_shm(struct sbuf *s)
{
	struct linux_shmid_ds d;
	bool there;
	int32_t id = 0;

	sbuf_printf(s, "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid"
		    "      atime      dtime      ctime                   rss                  swap\n");
	for (unsigned i = 0; i < SHMMNI; i++) {
		spin_lock(&shm_lock);
		if (i >= top) {
			spin_unlock(&shm_lock);
			break;
		}
		there = table[i] != NULL;
		if (there) {
			fill_ds(table[i], &d);
			id = table[i]->id;
		}
		spin_unlock(&shm_lock);
		if (there)
			sbuf_printf(s, "%10d %10d  %4o %21llu %5u %5u  %5llu %5u %5u %5u %5u %10llu %10llu %10llu %21llu %21u\n",
				    d.perm.key, id, d.perm.mode, LLU(d.segsz), (unsigned)d.cpid, (unsigned)d.lpid,
				    LLU(d.nattch), d.perm.uid, d.perm.gid, d.perm.cuid, d.perm.cgid, LLU(d.atime),
				    LLU(d.dtime), LLU(d.ctime), LLU(align_up(d.segsz, PAGE_SIZE)), 0u);
	}
}

static long ctl_stat(int id, int cmd, uaddr buf)
{
	struct linux_shmid_ds d;
	struct segment *s;
	long ret = 0;

	spin_lock(&shm_lock);
	if (cmd == IPC_STAT)
		s = find_locked(id);
	else
		s = at_locked(id);
	if (!s)
		ret = -EINVAL;
	else if (cmd != SHM_STAT_ANY && !permitted(s, 4))
		ret = -EACCES;
	else {
		fill_ds(s, &d);
		ret = cmd == IPC_STAT ? 0 : s->id;
	}
	spin_unlock(&shm_lock);
	if (ret >= 0 && copy_out(buf, &d, sizeof(d)))
		ret = -EFAULT;
	return ret;
}

static long ctl_change(int id, int cmd, uaddr buf)
{
	struct linux_shmid_ds d = { .segsz = 0 };
	struct obj_ref *drop = NULL;
	struct segment *s;
	long ret = 0;

	if (cmd == IPC_SET && copy_in(&d, buf, sizeof(d)))
		return -EFAULT;
	spin_lock(&shm_lock);
	s = find_locked(id);
	if (!s) {
		ret = -EINVAL;
	} else if (!owner_of(s)) {
		ret = -EPERM;
	} else if (cmd == IPC_SET) {
		s->uid = d.perm.uid;
		s->gid = d.perm.gid;
		s->mode = (s->mode & ~0777u) | (d.perm.mode & 0777);
		s->ctime = now_sec();
	} else if (cmd == IPC_RMID) {
		s->mode |= SHM_DEST;
		s->key = IPC_PRIVATE;
		if (!__atomic_load_n(&s->o->nattach, __ATOMIC_RELAXED))
			drop = remove_locked(s);
	} else if (cmd == SHM_LOCK) {
		s->mode |= SHM_LOCKED;
	} else {
		s->mode &= ~(unsigned)SHM_LOCKED;
	}
	spin_unlock(&shm_lock);
	if (drop)
		obj_ref_put(drop);
	return ret;
}

static long ctl_info(int cmd, uaddr buf)
{
	struct linux_shm_info si = { 0 };
	long highest;
	int err;

	spin_lock(&shm_lock);
	si.used_ids = used;
	si.shm_tot = si.shm_rss = total_pages;
	highest = top ? top - 1 : 0;
	spin_unlock(&shm_lock);
	if (cmd == IPC_INFO) {
		struct linux_shminfo l = { .shmmax = SHMMAX, .shmmin = 1, .shmmni = SHMMNI,
					     .shmseg = SHMMNI, .shmall = SHMMAX };

		err = copy_out(buf, &l, sizeof(l));
	} else {
		err = copy_out(buf, &si, sizeof(si));
	}
	return err ? err : highest;
}

SYSCALL3(shmctl, int, id, int, cmd, uaddr, buf)
{
	cmd &= ~IPC_64;
	switch (cmd) {
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return ctl_stat(id, cmd, buf);
	case IPC_SET:
	case IPC_RMID:
	case SHM_LOCK:
	case SHM_UNLOCK:
		return ctl_change(id, cmd, buf);
	case IPC_INFO:
	case SHM_INFO:
		return ctl_info(cmd, buf);
	default:
		return -EINVAL;
	}
}
