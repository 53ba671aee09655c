/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc/PID tells of an address space: maps, smaps, statm, cmdline,
 * environ, auxv, exe, mem.
 *
 * mm->lock is held while the VMAs are walked; the text goes to kernel memory,
 * so no user copy happens under it. */
#include "kernel/fs/proc/proc.h"

#define ARGS_MAX (2u << 20)
#define NAME_COLUMN 73u                 /* in a line of maps, if what is before is no longer */

static void show_name(const struct vma *v, char *buf, struct sbuf *s)
{
	char *at;
	int err = 0;

	if (v->file && v->file->path.dentry && v->file->path.dentry->name_size) {
		at = path_name(&v->file->path, NULL, buf, PATH_MAX, &err);
		if (!err)
			sbuf_printf(s, "%s", at);
	} else if (v->file && v->file->ops && v->file->ops->type_name) {
		sbuf_printf(s, "%s", v->file->ops->type_name);
	} else if (v->name) {
		sbuf_printf(s, "%s", v->name);
	} else if (v->objref) {
		sbuf_printf(s, "/dev/zero (deleted)");
	}
}

static bool is_heap(const struct mm *mm, const struct vma *v)
{
	return !v->file && !v->name && v->start < mm->brk && v->end > mm->brk_start;
}

static void show_vma(const struct mm *mm, const struct vma *v, char *buf, struct sbuf *s)
{
	struct inode *i = v->file ? v->file->inode : NULL;
	uint64_t dev = i && i->sb ? i->sb->dev : 0;
	size_t from = s->n;

	/* A space follows the inode's number also where there is no name (proc(5)). */
	sbuf_printf(s, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ",
		    (unsigned long long)v->start, (unsigned long long)v->end,
		    v->flags & VM_READ ? 'r' : '-', v->flags & VM_WRITE ? 'w' : '-',
		    v->flags & VM_EXEC ? 'x' : '-', v->flags & VM_SHARED ? 's' : 'p',
		    (unsigned long long)(v->file ? v->off : 0), (unsigned)(dev >> 8 & 0xfff),
		    (unsigned)(dev & 0xff), (unsigned long long)(i ? i->ino : 0));
	if (v->file || v->name || v->objref || is_heap(mm, v)) {
		do
			sbuf_write(s, " ", 1);
		while (!s->failed && s->n - from < NAME_COLUMN);
		if (is_heap(mm, v))
			sbuf_printf(s, "[heap]");
		else
			show_name(v, buf, s);
	}
	sbuf_write(s, "\n", 1);
}

struct smaps { uint64_t size, rss, shared_clean, shared_dirty, private_clean, private_dirty, anonymous, locked; };

/* What is resident is asked of the platform; whether a page was written is
 * not known: what may be written counts as dirty. */
static void add_vma(struct mm *mm, const struct vma *v, struct smaps *m)
{
	uint64_t rss = v->flags & (VM_READ | VM_WRITE | VM_EXEC) ? mm_rss_range_locked(mm, v->start, v->end) : 0;
	bool dirty = v->flags & VM_WRITE, shared = v->flags & VM_SHARED;

	m->size += v->end - v->start;
	m->rss += rss;
	*(shared ? dirty ? &m->shared_dirty : &m->shared_clean : dirty ? &m->private_dirty : &m->private_clean) += rss;
	m->anonymous += shared || (v->file && !dirty) ? 0 : rss;
	m->locked += v->flags & VM_LOCKED ? rss : 0;
}

static void show_numbers(const struct smaps *m, struct sbuf *s, bool rollup)
{
	const struct { const char *name; uint64_t n; } lines[] = {
		{ "Rss:", m->rss }, { "Pss:", m->rss }, { "Pss_Dirty:", m->private_dirty + m->shared_dirty },
		{ rollup ? "Pss_Anon:" : NULL, m->anonymous }, { rollup ? "Pss_File:" : NULL, m->rss - m->anonymous },
		{ rollup ? "Pss_Shmem:" : NULL, 0 },
		{ "Shared_Clean:", m->shared_clean }, { "Shared_Dirty:", m->shared_dirty },
		{ "Private_Clean:", m->private_clean }, { "Private_Dirty:", m->private_dirty },
		{ "Referenced:", m->rss }, { "Anonymous:", m->anonymous }, { "KSM:", 0 }, { "LazyFree:", 0 },
		{ "AnonHugePages:", 0 }, { "ShmemPmdMapped:", 0 }, { "FilePmdMapped:", 0 }, { "Shared_Hugetlb:", 0 },
		{ "Private_Hugetlb:", 0 }, { "Swap:", 0 }, { "SwapPss:", 0 }, { "Locked:", m->locked },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (lines[i].name)
			sbuf_printf(s, "%-16s%8llu kB\n", lines[i].name, (unsigned long long)lines[i].n >> 10);
}

static void show_details(struct mm *mm, const struct vma *v, struct sbuf *s)
{
	struct smaps m = { 0 };

	add_vma(mm, v, &m);
	sbuf_printf(s, "%-16s%8llu kB\nKernelPageSize: %8u kB\nMMUPageSize:    %8u kB\n", "Size:",
		    (unsigned long long)m.size >> 10, 4, 4);
	show_numbers(&m, s, false);
	sbuf_printf(s, "THPeligible:    %8u\nVmFlags:%s%s%s%s mr mw me%s%s%s \n", 0,
		    v->flags & VM_READ ? " rd" : "", v->flags & VM_WRITE ? " wr" : "",
		    v->flags & VM_EXEC ? " ex" : "", v->flags & VM_SHARED ? " sh" : "",
		    v->flags & VM_LOCKED ? " lo" : "", v->flags & VM_DONTFORK ? " dc" : "",
		    v->flags & VM_WIPEONFORK ? " wf" : "");
}

/* The page of old calls, which the host's kernel emulates (its calls come here as any other). */
static void show_vsyscall(struct sbuf *s, bool details)
{
	static const struct smaps none;

	sbuf_printf(s, "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n");
	if (!details)
		return;
	sbuf_printf(s, "%-16s%8u kB\nKernelPageSize: %8u kB\nMMUPageSize:    %8u kB\n", "Size:", 4, 4, 4);
	show_numbers(&none, s, false);
	sbuf_printf(s, "THPeligible:    %8u\nVmFlags: ex \n", 0);
}

static int walk(struct task *t, struct sbuf *s, bool details)
{
	struct mm *mm = task_get_mm(t);
	struct vma *v;
	char *buf;

	if (!mm)
		return 0;
	buf = kmalloc(PATH_MAX);
	if (!buf) {
		mm_put(mm);
		return -ENOMEM;
	}
	mutex_lock(&mm->lock);
	list_for_each(v, &mm->vmas, link) {
		show_vma(mm, v, buf, s);
		if (details)
			show_details(mm, v, s);
		if (s->failed)
			break;
	}
	mutex_unlock(&mm->lock);
	mm_put(mm);
	kfree(buf);
	show_vsyscall(s, details);
	return 0;
}

int pid_maps(struct task *t, struct sbuf *s) { return walk(t, s, false); }
int pid_smaps(struct task *t, struct sbuf *s) { return walk(t, s, true); }

void pid_mem_numbers(struct task *t, struct mem_numbers *ret)
{
	struct mm *mm = task_get_mm(t);
	struct vma *v;

	*ret = (struct mem_numbers){ 0 };
	if (!mm)
		return;
	mutex_lock(&mm->lock);
	list_for_each(v, &mm->vmas, link) {
		uint64_t n = v->end - v->start;

		ret->size += n;
		if ((v->flags & VM_GROWSDOWN) || (v->name && !strcmp(v->name, "[stack]")))
			ret->stack += n;
		else if ((v->flags & VM_WRITE) && !(v->flags & VM_SHARED))
			ret->data += n;
		else if ((v->flags & VM_EXEC) && v->file)
			ret->lib += n;
	}
	ret->text = mm->end_code > mm->start_code ? mm->end_code - mm->start_code : 0;
	ret->lib -= MIN(ret->lib, ret->text);
	ret->locked = mm->locked_size;
	mutex_unlock(&mm->lock);
	ret->rss = mm_rss(mm);
	ret->peak_rss = MAX(mm_peak_rss(mm), ret->rss);
	mm_put(mm);
}

int pid_smaps_rollup(struct task *t, struct sbuf *s)
{
	struct mm *mm = task_get_mm(t);
	uint64_t lo = 0, hi = 0;
	struct smaps m = { 0 };
	struct vma *v;

	if (!mm)
		return -ESRCH;
	mutex_lock(&mm->lock);
	list_for_each(v, &mm->vmas, link) {
		lo = lo ? lo : v->start;
		hi = v->end;
		add_vma(mm, v, &m);
	}
	mutex_unlock(&mm->lock);
	mm_put(mm);
	sbuf_printf(s, "%08llx-%08llx ---p 00000000 00:00 0                          [rollup]\n",
		    (unsigned long long)lo, (unsigned long long)hi);
	show_numbers(&m, s, true);
	return 0;
}

int pid_statm(struct task *t, struct sbuf *s)
{
	struct mem_numbers m;

	pid_mem_numbers(t, &m);
	sbuf_printf(s, "%llu %llu %u %llu 0 %llu 0\n", (unsigned long long)m.size >> 12,
		    (unsigned long long)m.rss >> 12, 0, (unsigned long long)m.text >> 12,
		    (unsigned long long)(m.data + m.stack) >> 12);
	return 0;
}

/* A program that writes a title over its arguments, and on into its environment,
 * has no NUL at their end: then the page from their start on, to its first NUL
 * (proc(5), cmdline).  buf holds a page. */
static bool title(struct mm *mm, uint8_t *buf, size_t *ret_n)
{
	uint8_t last;
	size_t n;

	if (mm->arg_end <= mm->arg_start || mm_copy_in(mm, &last, mm->arg_end - 1, 1) || !last)
		return false;
	n = PLAT_PAGE_SIZE - mm_copy_in(mm, buf, mm->arg_start, PLAT_PAGE_SIZE);
	*ret_n = MIN(strnlen((char *)buf, n) + 1, n);
	return true;
}

/* A piece of the program's own memory, as it is now. */
static int copy_range(struct task *t, struct sbuf *s, bool env)
{
	struct mm *mm = task_get_mm(t);
	uint64_t from, to;
	uint8_t *buf;
	size_t n;

	if (!mm) {
		/* The first process is the kernel's own; without a command line it would
		 * pass for a thread of the kernel, which no container begins with. */
		if (!env && tgroup_is_init(t->tg))
			sbuf_write(s, "init", sizeof("init"));
		return 0;
	}
	buf = kmalloc(PLAT_PAGE_SIZE);
	if (!buf) {
		mm_put(mm);
		return -ENOMEM;
	}
	if (!env && title(mm, buf, &n)) {
		sbuf_write(s, buf, n);
		goto out;
	}
	from = env ? mm->env_start : mm->arg_start;
	to = env ? mm->env_end : mm->arg_end;
	if (to > from)
		to = MIN(to, from + ARGS_MAX);
	while (from < to && !s->failed) {
		size_t left;

		n = (size_t)MIN(to - from, (uint64_t)PLAT_PAGE_SIZE);
		left = mm_copy_in(mm, buf, from, n);
		sbuf_write(s, buf, n - MIN(left, n));
		if (left)
			break;
		from += n;
	}
out:
	kfree(buf);
	mm_put(mm);
	return 0;
}

int pid_cmdline(struct task *t, struct sbuf *s) { return copy_range(t, s, false); }
int pid_environ(struct task *t, struct sbuf *s) { return copy_range(t, s, true); }

int pid_auxv(struct task *t, struct sbuf *s)
{
	struct mm *mm = task_get_mm(t);

	if (!mm)
		return 0;
	sbuf_write(s, mm->auxv, MIN(mm->auxv_count, (unsigned)ARRAY_SIZE(mm->auxv)) * sizeof(mm->auxv[0]));
	mm_put(mm);
	return 0;
}

int pid_exe(struct task *t, struct path *ret)
{
	struct mm *mm = task_get_mm(t);
	struct file *f = NULL;
	int err = -ENOENT;

	if (!mm)
		return err;
	mutex_lock(&mm->lock);
	if (mm->exe_file)
		f = file_get(mm->exe_file);
	mutex_unlock(&mm->lock);
	if (f) {
		err = file_link_path(f, ret);
		file_put(f);
	}
	mm_put(mm);
	return err;
}

/* ---- /proc/PID/mem ---- */

static long mem_move(struct file *f, struct iter *it, uint64_t *pos, bool write)
{
	struct task *t = pid_task_get(f->inode);
	struct mm *mm = t && pid_may(t, true) ? task_get_mm(t) : NULL;
	size_t total = 0;
	uint8_t *buf;

	if (t)
		task_put(t);
	if (!mm)
		return 0;
	buf = kmalloc(PLAT_PAGE_SIZE);
	if (!buf) {
		mm_put(mm);
		return -ENOMEM;
	}
	while (it->left) {
		size_t n = MIN(it->left, (size_t)PLAT_PAGE_SIZE), done;

		if (write) {
			n = iter_copy_in(it, buf, n);
			done = n - MIN(n, mm_copy_out_force(mm, *pos, buf, n));
		} else {
			done = n - MIN(n, mm_copy_in_plain(mm, buf, *pos, n));
			done = iter_copy_out(it, buf, done);
		}
		*pos += done;
		total += done;
		if (!done || done < n)
			break;
	}
	kfree(buf);
	mm_put(mm);
	return total ? (long)total : -EIO;
}

static long mem_read(struct file *f, struct iter *to, uint64_t *pos)
{
	return to->left ? mem_move(f, to, pos, false) : 0;
}

static long mem_write(struct file *f, struct iter *from, uint64_t *pos)
{
	return from->left ? mem_move(f, from, pos, true) : 0;
}

static int64_t mem_lseek(struct file *f, int64_t off, int whence)
{
	if (whence == SEEK_CUR)
		off += (int64_t)f->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	f->pos = (uint64_t)off;
	return off;
}

const struct file_ops pid_mem_fops = { .read = mem_read, .write = mem_write, .lseek = mem_lseek };
