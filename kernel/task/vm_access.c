/* SPDX-License-Identifier: Apache-2.0 */
/* process_vm_readv(2), process_vm_writev(2), process_madvise(2), kcmp(2).
 *
 * Data goes through a bounded kernel buffer; a fault on either side ends the
 * transfer with what was moved so far. */
#include "kernel/ipc/ipc.h"
#include "kernel/syscall/syscall.h"
#include "kernel/task/internal.h"

#define CHUNK 16384ul
#define REMOTE_MAX 1024ul

struct remote_seg { uint64_t base, size; };

static int read_segs(uaddr uvec, uint64_t count, struct remote_seg **ret)
{
	struct remote_seg *v;
	int err;

	if (count > REMOTE_MAX)
		return -EINVAL;
	v = kmalloc(MAX(count, 1ul) * sizeof(*v));
	if (!v)
		return -ENOMEM;
	err = copy_in(v, uvec, count * sizeof(*v));
	for (uint64_t i = 0; !err && i < count; i++)
		if ((int64_t)v[i].size < 0)
			err = -EINVAL;
	if (err)
		kfree(v);
	else
		*ret = v;
	return err;
}

/* Bytes moved; short when either side faults. */
static size_t move_seg(struct mm *mm, struct iter *local, const struct remote_seg *s, uint8_t *buf, bool write)
{
	size_t done = 0;

	while (done < s->size && local->left) {
		size_t n = MIN(MIN(s->size - done, CHUNK), local->left), got;

		if (write) {
			got = iter_copy_in(local, buf, n);
			got -= MIN(got, mm_copy_out(mm, s->base + done, buf, got));
		} else {
			got = n - mm_copy_in_plain(mm, buf, s->base + done, n);
			got = iter_copy_out(local, buf, got);
		}
		done += got;
		if (got < n)
			break;
	}
	return done;
}

static long transfer(struct task *t, int pid, uaddr lvec, uint64_t lcount, uaddr rvec, uint64_t rcount,
		     uint64_t flags, bool write)
{
	struct remote_seg *segs = NULL;
	struct mm *mm = NULL;
	uint8_t *buf = NULL;
	struct task *o;
	struct iter it;
	long done = 0;
	int err;

	if (flags)
		return -EINVAL;
	err = iter_user_iovec(&it, lvec, lcount);
	if (err)
		return err;
	if (!it.left)                   /* nobody is looked for */
		goto out;
	err = read_segs(rvec, rcount, &segs);
	if (err || !rcount)
		goto out;
	o = task_find_get(pid);
	if (!o) {
		err = -ESRCH;
		goto out;
	}
	if (task_may_access(o))
		mm = task_get_mm(o);
	else
		err = -EPERM;
	task_put(o);
	if (!mm) {
		err = err ? err : -ESRCH;
		goto out;
	}
	buf = kmalloc(CHUNK);
	if (!buf) {
		err = -ENOMEM;
		goto out;
	}
	for (uint64_t i = 0; i < rcount && it.left; i++) {
		size_t want = MIN(segs[i].size, it.left), n = move_seg(mm, &it, &segs[i], buf, write);

		done += (long)n;
		if (n < want) {
			err = -EFAULT;
			break;
		}
	}
out:
	if (mm)
		mm_put(mm);
	kfree(buf);
	kfree(segs);
	iter_free(&it);
	return done ? done : err;
}

SYSCALL6(process_vm_readv, int, pid, uaddr, lvec, uint64_t, lcount, uaddr, rvec, uint64_t, rcount, uint64_t, flags)
{
	return transfer(t, pid, lvec, lcount, rvec, rcount, flags, false);
}

SYSCALL6(process_vm_writev, int, pid, uaddr, lvec, uint64_t, lcount, uaddr, rvec, uint64_t, rcount, uint64_t, flags)
{
	return transfer(t, pid, lvec, lcount, rvec, rcount, flags, true);
}

/* Bytes advised; the first failure ends it. */
static long advise_segs(struct mm *mm, const struct remote_seg *s, uint64_t count, int advice)
{
	long done = 0;

	for (uint64_t i = 0; i < count; i++) {
		long err = mm_advise(mm, s[i].base, s[i].size, advice);

		if (err)
			return done ? done : err;
		done += (long)s[i].size;
	}
	return done;
}

SYSCALL5(process_madvise, int, pidfd, uaddr, uvec, uint64_t, count, int, advice, unsigned, flags)
{
	struct remote_seg *segs;
	struct tgroup *g;
	struct task *o;
	struct file *f;
	struct mm *mm;
	long ret;

	if (flags)
		return -EINVAL;
	ret = read_segs(uvec, count, &segs);
	if (ret)
		return ret;
	f = fd_get(pidfd);
	g = f ? pidfd_group_get(f) : NULL;
	file_put(f);
	if (!g) {
		kfree(segs);
		return -EBADF;
	}
	o = task_find_get(g->tgid);
	mm = o && o->tg == g ? task_get_mm(o) : NULL;
	ret = -ESRCH;
	if (mm && !task_may_access(o))
		ret = -EPERM;
	else if (mm && mm != t->mm && advice != MADV_WILLNEED && advice != MADV_COLD && advice != MADV_PAGEOUT)
		ret = -EINVAL;
	else if (mm && mm != t->mm && !capable(CAP_SYS_NICE))
		ret = -EPERM;
	else if (mm)    /* hints about others' memory are checked and dropped */
		ret = advise_segs(mm, segs, count, mm == t->mm ? advice : MADV_NORMAL);
	if (mm)
		mm_put(mm);
	if (o)
		task_put(o);
	tgroup_put(g);
	kfree(segs);
	return ret;
}

#define KCMP_FILE 0
#define KCMP_VM 1
#define KCMP_FILES 2
#define KCMP_FS 3
#define KCMP_SIGHAND 4
#define KCMP_IO 5
#define KCMP_SYSVSEM 6

/* An order that says nothing about addresses. */
static long order(const void *a, const void *b)
{
	uint32_t ha, hb;

	if (a == b)
		return 0;
	ha = hash_u64((uint64_t)(uintptr_t)a);
	hb = hash_u64((uint64_t)(uintptr_t)b);
	return ha == hb ? 3 : ha < hb ? 1 : 2;
}

static struct file *file_of(struct task *o, uint64_t fd)
{
	struct files *fs = task_get_files(o);
	struct file *f;

	if (!fs)
		return NULL;
	f = fd > INT32_MAX ? NULL : files_lookup_get(fs, (int)fd);
	files_put(fs);
	return f;
}

static long compare(struct task *a, struct task *b, int type, uint64_t i1, uint64_t i2)
{
	struct file *fa, *fb;
	long r;

	switch (type) {
	case KCMP_FILE:
		fa = file_of(a, i1);
		fb = file_of(b, i2);
		r = fa && fb ? order(fa, fb) : -EBADF;
		if (fa)
			file_put(fa);
		if (fb)
			file_put(fb);
		return r;
	case KCMP_VM:
		return order(a->mm, b->mm);
	case KCMP_FILES:
		return order(a->files, b->files);
	case KCMP_FS:
		return order(a->fs, b->fs);
	case KCMP_SIGHAND:
		return order(a->sighand, b->sighand);
	case KCMP_IO:
		return 0;               /* nobody has a context of its own */
	case KCMP_SYSVSEM:              /* lists of what is to be undone: none is like none */
		return order(sem_has_undo(a->tg) ? a->tg : NULL, sem_has_undo(b->tg) ? b->tg : NULL);
	default:
		return -EINVAL;
	}
}

SYSCALL5(kcmp, int, pid1, int, pid2, int, type, uint64_t, i1, uint64_t, i2)
{
	struct task *a = task_find_get(pid1), *b = task_find_get(pid2);
	long r = -ESRCH;

	if (a && b)
		r = task_may_access(a) && task_may_access(b) ? compare(a, b, type, i1, i2) : -EPERM;
	if (a)
		task_put(a);
	if (b)
		task_put(b);
	return r;
}
