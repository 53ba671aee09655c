/* SPDX-License-Identifier: Apache-2.0 */
/* elf.c: load an ELF image into a fresh address space.
 *
 * Phases: read and check the headers of the program and of its interpreter;
 * map the segments; place break, vDSO and stack; write what is not from the
 * file.  Nothing of the calling program changes, and on any error the half-made
 * address space is dropped.
 *
 * All mappings go to the platform as one batch (platform.h), and what must be
 * written into them waits for its end: the stack's contents, and the part of
 * a segment's last file page that is bss.
 *
 * Trust: the file is hostile.  Header counts are bounded, every sum is
 * checked, segments outside the file or the address range are refused.
 * Source: elf(5), System V ABI. */
#include "kernel/mm/exec.h"
#include <linux_abi/elf.h>

#define PHDRS_MAX_SIZE 65536u
#define BRK_RND (32ull << 20)
#define PIE_ALIGN_MAX (1ull << 30)

#define HEAD_SIZE 1024u                  /* nearly always holds all of the headers */

struct image {
	struct file *file;
	uint64_t file_size;
	uint8_t head[HEAD_SIZE];        /* the file's first bytes, read at once */
	size_t head_size;
	struct elf64_ehdr eh;
	struct elf64_phdr *ph;
	uint64_t lo, hi;                /* of all PT_LOAD, page-aligned, unbiased */
	uint64_t align;
	uint64_t bias;
};

#define CLEARS_MAX 4

struct loading {
	struct image prog, interp;      /* interp.file NULL: none */
	struct exec_stack stack;
	unsigned clears;
	struct { uint64_t at, size; } clear[CLEARS_MAX];        /* less than a page each */
};

static int image_head(struct image *im)
{
	long n = file_read_kernel(im->file, im->head, sizeof(im->head), 0);

	if (n < 0)
		return (int)n;
	im->head_size = (size_t)n;
	return 0;
}

static int read_exact(const struct image *im, void *buf, size_t n, uint64_t off)
{
	size_t done = off < im->head_size ? MIN(n, im->head_size - off) : 0;

	memcpy(buf, im->head + (done ? off : 0), done);
	while (done < n) {
		long k = file_read_kernel(im->file, (char *)buf + done, n - done, off + done);

		if (k < 0)
			return k;
		if (!k)
			return -ENOEXEC;
		done += k;
	}
	return 0;
}

static int check_header(const struct elf64_ehdr *e)
{
	if (memcmp(e->ident, ELF_MAGIC, 4) || e->ident[EI_CLASS] != ELFCLASS64 ||
	    e->ident[EI_DATA] != ELFDATA2LSB)
		return -ENOEXEC;
	if (e->machine != EM_X86_64 || (e->type != ET_EXEC && e->type != ET_DYN))
		return -ENOEXEC;
	if (e->phentsize != sizeof(struct elf64_phdr) || !e->phnum ||
	    e->phnum * sizeof(struct elf64_phdr) > PHDRS_MAX_SIZE)
		return -ENOEXEC;
	return 0;
}

static int check_segment(struct image *im, const struct elf64_phdr *p)
{
	uint64_t end, fend;

	if (p->filesz > p->memsz || add_overflows(p->vaddr, p->memsz, &end) || end > mm_addr_hi)
		return -ENOEXEC;
	if (((p->vaddr ^ p->offset) & (PAGE_SIZE - 1)) && p->filesz)
		return -ENOEXEC;
	if (add_overflows(p->offset, p->filesz, &fend) || (p->filesz && fend > im->file_size))
		return -ENOEXEC;
	end = align_up(end, PAGE_SIZE);
	im->lo = MIN(im->lo, align_down(p->vaddr, PAGE_SIZE));
	im->hi = MAX(im->hi, end);
	if (p->align > im->align && p->align <= PIE_ALIGN_MAX && !(p->align & (p->align - 1)))
		im->align = p->align;
	return 0;
}

static int image_read(struct image *im, struct file *f)
{
	struct kstat st;
	size_t size;
	int err;

	im->file = f;
	if (!f->inode)
		return -EACCES;
	err = inode_getattr(f->inode, &st);
	if (err)
		return err;
	im->file_size = st.size;
	err = image_head(im);
	if (!err)
		err = read_exact(im, &im->eh, sizeof(im->eh), 0);
	if (err)
		return err;
	err = check_header(&im->eh);
	if (err)
		return err;
	size = im->eh.phnum * sizeof(*im->ph);
	if (im->eh.phoff > im->file_size || size > im->file_size - im->eh.phoff)
		return -ENOEXEC;
	im->ph = kmalloc(size);
	if (!im->ph)
		return -ENOMEM;
	err = read_exact(im, im->ph, size, im->eh.phoff);
	im->lo = UINT64_MAX;
	im->align = PAGE_SIZE;
	for (unsigned i = 0; !err && i < im->eh.phnum; i++)
		if (im->ph[i].type == PT_LOAD && im->ph[i].memsz)
			err = check_segment(im, &im->ph[i]);
	if (!err && im->lo >= im->hi)
		err = -ENOEXEC;
	return err;
}

/* The interpreter of im, opened for execution, or NULL. */
static int interp_open(const struct image *im, struct file **ret)
{
	const struct elf64_phdr *p = NULL;
	char *path;
	int err;

	*ret = NULL;
	for (unsigned i = 0; !p && i < im->eh.phnum; i++)
		if (im->ph[i].type == PT_INTERP)
			p = &im->ph[i];
	if (!p)
		return 0;
	if (p->filesz < 2 || p->filesz > PATH_MAX || p->offset > im->file_size)
		return -ENOEXEC;
	path = kmalloc(p->filesz);
	if (!path)
		return -ENOMEM;
	err = read_exact(im, path, p->filesz, p->offset);
	if (!err && path[p->filesz - 1])
		err = -ENOEXEC;
	if (!err)
		err = path_open_exec(AT_FDCWD, path, 0, ret);
	kfree(path);
	return err;
}

static int map_anon(struct mm *mm, uint64_t start, uint64_t end, unsigned prot)
{
	int64_t r;

	if (start >= end)
		return 0;
	r = mm_map(mm, start, end - start, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	return r < 0 ? (int)r : 0;
}

static unsigned segment_prot(const struct elf64_phdr *p)
{
	return (p->flags & PF_R ? PROT_READ : 0) | (p->flags & PF_W ? PROT_WRITE : 0) |
		(p->flags & PF_X ? PROT_EXEC : 0);
}

/* Does q's file part go on where p's ends, in memory and in the file alike?
 * Then one mapping of the file serves both and the protection is changed
 * afterwards, which is far cheaper for most platforms than a second mapping. */
static bool continues(const struct elf64_phdr *p, const struct elf64_phdr *q)
{
	return q->type == PT_LOAD && p->filesz && q->filesz && p->filesz == p->memsz &&
		q->vaddr - q->offset == p->vaddr - p->offset && q->vaddr >= p->vaddr &&
		align_down(q->vaddr, PAGE_SIZE) == align_up(p->vaddr + p->filesz, PAGE_SIZE);
}

/* ---- writes that wait for the mappings ---- */

static int clears_do(struct mm *mm, struct loading *ld)
{
	static const char zeroes[PAGE_SIZE];

	for (unsigned i = 0; i < ld->clears; i++)
		if (mm_copy_out(mm, ld->clear[i].at, zeroes, ld->clear[i].size))
			return -EFAULT;
	ld->clears = 0;
	return 0;
}

static int clears_settle(struct mm *mm, struct loading *ld)
{
	int err;

	if (!ld->clears)
		return 0;
	err = mm_batch_settle(mm);
	return err ? err : clears_do(mm, ld);
}

static int clear_later(struct mm *mm, struct loading *ld, uint64_t at, uint64_t size)
{
	int err = ld->clears == CLEARS_MAX ? clears_settle(mm, ld) : 0;

	if (err)
		return err;
	ld->clear[ld->clears].at = at;
	ld->clear[ld->clears++].size = size;
	return 0;
}

/* A segment that overlaps an earlier one has the last word. */
static int clears_before(struct mm *mm, struct loading *ld, uint64_t start, uint64_t end)
{
	for (unsigned i = 0; i < ld->clears; i++)
		if (ld->clear[i].at < end && start < ld->clear[i].at + ld->clear[i].size)
			return clears_settle(mm, ld);
	return 0;
}

/* ---- segments ---- */

/* Segments i.. that continue each other, mapped at once with the protection
 * of the first.  *ret_mapped: one past the last of them. */
static int map_run(struct mm *mm, struct loading *ld, const struct image *im, unsigned i,
		   unsigned *ret_mapped)
{
	const struct elf64_phdr *p = &im->ph[i], *last = p;
	uint64_t start, end;
	int64_t r;
	int err;

	while (++i < im->eh.phnum && continues(last, &im->ph[i]))
		last = &im->ph[i];
	*ret_mapped = i;
	start = align_down(im->bias + p->vaddr, PAGE_SIZE);
	end = align_up(im->bias + last->vaddr + last->filesz, PAGE_SIZE);
	err = clears_before(mm, ld, start, end);
	if (err)
		return err;
	r = mm_map(mm, start, end - start, segment_prot(p),
		   MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE, im->file,
		   align_down(p->offset, PAGE_SIZE));
	return r < 0 ? (int)r : 0;
}

/* The file part is mapped already: its protection and the bss. */
static int finish_segment(struct mm *mm, struct loading *ld, const struct image *im,
			  const struct elf64_phdr *p)
{
	uint64_t va = im->bias + p->vaddr, page = align_down(va, PAGE_SIZE);
	uint64_t fend = va + p->filesz, fpage = align_up(fend, PAGE_SIZE);
	uint64_t mend = align_up(va + p->memsz, PAGE_SIZE);
	unsigned prot = segment_prot(p);
	int err;

	if (!p->filesz) {
		err = clears_before(mm, ld, page, mend);
		return err ? err : map_anon(mm, page, mend, prot);
	}
	if (im->file->inode->patch && prot == (PROT_READ | PROT_EXEC)) {
		/* Perhaps from a copy of the text; else this is the same. */
		int64_t r = mm_map(mm, page, fpage - page, prot, MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE,
				   im->file, align_down(p->offset, PAGE_SIZE));

		err = r < 0 ? (int)r : 0;
	} else {
		err = mm_protect(mm, page, fpage - page, prot);
	}
	if (err)
		return err;
	/* The rest of the last page is bss, not file.  A segment that cannot
	 * be written keeps the file's bytes, as in Linux. */
	if (p->memsz > p->filesz && fpage > fend && (prot & PROT_WRITE))
		err = clear_later(mm, ld, fend, fpage - fend);
	if (!err)
		err = clears_before(mm, ld, fpage, mend);
	return err ? err : map_anon(mm, fpage, mend, prot);
}

static int image_map(struct mm *mm, struct loading *ld, const struct image *im)
{
	unsigned mapped = 0;

	for (unsigned i = 0; i < im->eh.phnum; i++) {
		const struct elf64_phdr *p = &im->ph[i];
		int err = 0;

		if (p->type != PT_LOAD || !p->memsz)
			continue;
		if (p->filesz && i >= mapped)
			err = map_run(mm, ld, im, i, &mapped);
		if (!err)
			err = finish_segment(mm, ld, im, p);
		if (err)
			return err;
	}
	return 0;
}

/* A free place in the mmap area that suits the image's alignment. */
static int place_high(struct mm *mm, struct image *im)
{
	uint64_t size, at;
	int err;

	if (add_overflows(im->hi - im->lo, im->align - PAGE_SIZE, &size) || size > mm_addr_hi)
		return -ENOMEM;
	mutex_lock(&mm->lock);
	err = mm_find_place_locked(mm, 0, size, 0, &at);
	mutex_unlock(&mm->lock);
	if (err)
		return err;
	im->bias = align_up(at, im->align) - align_down(im->lo, im->align);
	/* An odd lowest address may have pushed the end out: fall back. */
	if (im->bias + im->lo < at || im->bias + im->hi > at + size)
		im->bias = at - im->lo;
	return 0;
}

/* Position-independent programs live at two thirds of the range, so that the
 * break below the mmap area has room; in a full range where Linux has them: sanitizers expect
 * 0x550000000000 to 0x568000000000. */
#define LINUX_DYN_BASE 0x555555554000ull
#define FULL_RANGE (1ull << 46)
static int place_pie(struct image *im)
{
	uint64_t range = mm_addr_hi - mm_addr_lo;
	uint64_t base = range >= FULL_RANGE ? LINUX_DYN_BASE : mm_addr_hi / 3 * 2;
	uint64_t at = base + mm_random_pages(MIN(1ull << 40, range / 16));

	at = align_up(at, im->align);
	im->bias = at - align_down(im->lo, im->align);
	if (im->hi - im->lo > range / 8)
		return -ENOMEM;
	return 0;
}

static void note_ranges(struct mm *mm, const struct image *im)
{
	uint64_t sc = UINT64_MAX, ec = 0, sd = 0, ed = 0;

	for (unsigned i = 0; i < im->eh.phnum; i++) {
		const struct elf64_phdr *p = &im->ph[i];
		uint64_t s = im->bias + p->vaddr;

		if (p->type != PT_LOAD)
			continue;
		sc = MIN(sc, s);
		sd = MAX(sd, s);
		if (p->flags & PF_X)
			ec = MAX(ec, s + p->filesz);
		ed = MAX(ed, s + p->filesz);
	}
	mm->start_code = sc;
	mm->end_code = ec;
	mm->start_data = sd;
	mm->end_data = ed;
}

static uint64_t phdr_addr(const struct image *im)
{
	for (unsigned i = 0; i < im->eh.phnum; i++) {
		const struct elf64_phdr *p = &im->ph[i];

		if (p->type == PT_LOAD && im->eh.phoff >= p->offset &&
		    im->eh.phoff - p->offset < p->filesz)
			return im->bias + p->vaddr + (im->eh.phoff - p->offset);
	}
	return 0;
}

static bool wants_exec_stack(const struct image *im)
{
	for (unsigned i = 0; i < im->eh.phnum; i++)
		if (im->ph[i].type == PT_GNU_STACK)
			return im->ph[i].flags & PF_X;
	return false;
}

static int place_and_map(struct mm *mm, struct loading *ld)
{
	struct image *im = &ld->prog, *in = &ld->interp;
	int err = 0;

	if (im->eh.type == ET_DYN)
		err = in->file ? place_pie(im) : place_high(mm, im);
	if (!err)
		err = image_map(mm, ld, im);
	if (err || !in->file)
		return err;
	/* An interpreter that is not relocatable goes where it says. */
	if (in->eh.type == ET_DYN)
		err = place_high(mm, in);
	return err ? err : image_map(mm, ld, in);
}

static int load(struct mm *mm, const struct exec_args *a, struct loading *ld, struct exec_image *ret)
{
	struct image *im = &ld->prog, *in = &ld->interp;
	struct exec_layout l = { .phnum = im->eh.phnum, .exec_stack = wants_exec_stack(im) };
	uint64_t brk;
	int err;

	err = mm_batch_begin(mm);
	if (!err)
		err = place_and_map(mm, ld);
	if (err)
		return err;
	note_ranges(mm, im);
	brk = im->bias + im->hi;
	if (im->eh.type == ET_DYN && !in->file)
		brk = align_down(mm_addr_hi / 3 * 2, PAGE_SIZE);
	mm->brk_start = mm->brk = brk + mm_random_pages(BRK_RND);

	err = vdso_map(mm, &mm->vdso_base);
	if (err)
		return err;
	l.phdr = phdr_addr(im);
	l.base = in->file ? in->bias : 0;
	l.entry = im->bias + im->eh.entry;
	err = exec_stack_build(mm, a, &l, &ld->stack);
	if (!err)
		err = mm_batch_end(mm);
	if (!err)
		err = clears_do(mm, ld);
	if (!err)
		err = exec_stack_copy(mm, &ld->stack);
	if (err)
		return err;
	mm->own_loader = !in->file;
	if (patch_on)
		patch_started(mm, in->file ? in->bias + in->eh.entry : l.entry);
	ret->entry = in->file ? in->bias + in->eh.entry : l.entry;
	if (ret->entry >= mm_addr_hi)
		return -ENOEXEC;
	ret->sp = ld->stack.bottom;
	return 0;
}

int mm_exec_load(const struct exec_args *a, struct exec_image *ret)
{
	struct loading *ld = kzalloc(sizeof(*ld));
	struct file *interp = NULL;
	struct mm *mm = NULL;
	int err;

	if (!ld)
		return -ENOMEM;
	err = image_read(&ld->prog, a->file);
	if (!err)
		err = interp_open(&ld->prog, &interp);
	if (!err && interp) {
		err = image_read(&ld->interp, interp);
		if (err == -ENOEXEC)
			err = -ELIBBAD;
	}
	if (!err)
		err = mm_new(&mm);
	if (!err)
		err = load(mm, a, ld, ret);
	/* The host took the new stub away: for want of memory, if anything. */
	if (err == -ESRCH)
		err = -ENOMEM;
	if (!err) {
		mm->exe_file = file_get(a->file);
		mm->dumpable = !a->secure;
		ret->mm = mm;
		ret->secure = a->secure;
	} else if (mm) {
		mm_put(mm);
	}
	exec_stack_free(&ld->stack);
	kfree(ld->prog.ph);
	kfree(ld->interp.ph);
	kfree(ld);
	if (interp)
		file_put(interp);
	return err;
}
