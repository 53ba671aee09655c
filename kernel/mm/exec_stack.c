/* SPDX-License-Identifier: Apache-2.0 */
/* exec_stack.c: the first stack of a program.
 *
 * From its highest address down: eight zero bytes, the file name, the
 * environment and argument strings, platform name and random bytes, a random
 * gap; then, at the 16-byte aligned stack pointer, argc, argv, envp and the
 * auxiliary vector (System V ABI, x86-64 supplement, "Process
 * Initialization"; getauxval(3)).  All of it is laid out in a kernel buffer
 * and copied out at once: one crossing into the new address space.
 *
 * Trust: counts and strings come from the old program; exec.c has bounded
 * them, the sums are checked again here. */
#include "kernel/mm/exec.h"
#include <linux_abi/auxvec.h>

#define ARGS_MIN_LIMIT (128ull << 10)
#define ARGS_MAX_LIMIT (6ull << 20)
#define STACK_INITIAL (132ull << 10)
#define STACK_MAX_RND (1ull << 34)
#define PLATFORM "x86_64"

static void cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
	__asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
			 : "a"(leaf), "c"(sub));
}

/* Bit 1 of hwcap2: user code may use RDFSBASE and friends; every supported
 * host kernel enables them where the CPU has them. */
static struct { uint32_t hwcap, hwcap2, known; } cpu;

/* A virtual machine's monitor answers cpuid, in tens of microseconds: once. */
static void cpu_ask(void)
{
	uint32_t r[4], hwcap2 = 0;

	if (__atomic_load_n(&cpu.known, __ATOMIC_ACQUIRE))
		return;
	cpuid(0, 0, r);
	if (r[0] >= 7) {
		cpuid(7, 0, r);
		hwcap2 = (r[1] & 1) << 1;
	}
	cpuid(1, 0, r);
	/* Whoever comes at the same time writes the same. */
	__atomic_store_n(&cpu.hwcap, r[3], __ATOMIC_RELAXED);
	__atomic_store_n(&cpu.hwcap2, hwcap2, __ATOMIC_RELAXED);
	__atomic_store_n(&cpu.known, 1, __ATOMIC_RELEASE);
}

static void auxv_fill(struct mm *mm, const struct exec_args *a, const struct exec_layout *l,
		      const struct exec_stack *f)
{
	const uint64_t pairs[][2] = {
		{ AT_SYSINFO_EHDR, mm->vdso_base },
		{ AT_MINSIGSTKSZ, plat_xstate_size() + 1024 },
		{ AT_HWCAP, __atomic_load_n(&cpu.hwcap, __ATOMIC_RELAXED) },
		{ AT_PAGESZ, PAGE_SIZE },
		{ AT_CLKTCK, 100 },
		{ AT_PHDR, l->phdr },
		{ AT_PHENT, 56 },
		{ AT_PHNUM, l->phnum },
		{ AT_BASE, l->base },
		{ AT_FLAGS, 0 },
		{ AT_ENTRY, l->entry },
		{ AT_UID, a->uid },
		{ AT_EUID, a->euid },
		{ AT_GID, a->gid },
		{ AT_EGID, a->egid },
		{ AT_SECURE, a->secure },
		{ AT_RANDOM, f->bottom + f->random },
		{ AT_HWCAP2, __atomic_load_n(&cpu.hwcap2, __ATOMIC_RELAXED) },
		{ AT_EXECFN, f->bottom + f->execfn },
		{ AT_PLATFORM, f->bottom + f->platform },
		{ AT_NULL, 0 },
	};
	_Static_assert(sizeof(pairs) <= sizeof(mm->auxv), "auxiliary vector fits");

	mm->auxv_count = 0;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		if (pairs[i][0] == AT_SYSINFO_EHDR && !pairs[i][1])
			continue;
		mm->auxv[mm->auxv_count++] = pairs[i][0];
		mm->auxv[mm->auxv_count++] = pairs[i][1];
	}
}
#define AUXV_MAX_WORDS 42

/* Pointers to n strings packed at *pos; advances it.  -EINVAL when the block
 * ends early, which exec.c does not let happen. */
static int put_pointers(const struct exec_args *a, const struct exec_stack *f, uint64_t **out,
			unsigned n, size_t *pos)
{
	for (unsigned i = 0; i < n; i++) {
		const char *nul;

		if (*pos >= a->strings_size)
			return -EINVAL;
		nul = memchr(a->strings + *pos, 0, a->strings_size - *pos);
		if (!nul)
			return -EINVAL;
		*(*out)++ = f->bottom + f->strings + *pos;
		*pos = nul - a->strings + 1;
	}
	*(*out)++ = 0;
	return 0;
}

static int plan(const struct exec_args *a, uint64_t top, struct exec_stack *f)
{
	size_t path_size = strlen(a->path) + 1;
	uint64_t words = 1 + (uint64_t)a->argc + 1 + (uint64_t)a->envc + 1 + AUXV_MAX_WORDS;
	uint64_t at, gap, limit = mm_rlimit(RLIMIT_STACK) / 4;

	limit = MAX(MIN(limit, ARGS_MAX_LIMIT), ARGS_MIN_LIMIT);
	if (a->strings_size > limit || words > limit / 8 || a->strings_size + words * 8 > limit ||
	    path_size > PATH_MAX)
		return -E2BIG;
	at = top - 8 - path_size;
	f->execfn = at;
	at -= a->strings_size;
	f->strings = at;
	at = align_down(at - sizeof(PLATFORM), 16);
	f->platform = at;
	at -= 16;
	f->random = at;
	krandom(&gap, sizeof(gap));
	at -= gap % 8192;
	at = align_down(at - words * 8, 16);
	f->bottom = at;
	f->size = top - at;
	/* From addresses to offsets. */
	f->execfn -= at;
	f->strings -= at;
	f->platform -= at;
	f->random -= at;
	return 0;
}

static int fill(struct mm *mm, const struct exec_args *a, const struct exec_layout *l,
		struct exec_stack *f)
{
	uint64_t *w = (uint64_t *)(void *)f->buf;
	size_t pos = 0;
	int err;

	memcpy(f->buf + f->execfn, a->path, strlen(a->path) + 1);
	memcpy(f->buf + f->strings, a->strings, a->strings_size);
	memcpy(f->buf + f->platform, PLATFORM, sizeof(PLATFORM));
	krandom(f->buf + f->random, 16);
	cpu_ask();
	auxv_fill(mm, a, l, f);

	*w++ = a->argc;
	err = put_pointers(a, f, &w, a->argc, &pos);
	if (err)
		return err;
	mm->arg_start = f->bottom + f->strings;
	mm->arg_end = mm->env_start = mm->arg_start + pos;
	err = put_pointers(a, f, &w, a->envc, &pos);
	if (err)
		return err;
	mm->env_end = mm->arg_start + pos;
	memcpy(w, mm->auxv, mm->auxv_count * sizeof(*w));
	return 0;
}

int exec_stack_build(struct mm *mm, const struct exec_args *a, const struct exec_layout *l,
		     struct exec_stack *st)
{
	uint64_t rnd = MIN(STACK_MAX_RND, (mm_addr_hi - mm_addr_lo) / 64);
	uint64_t top = mm_addr_hi - PAGE_SIZE - mm_random_pages(rnd - PAGE_SIZE);
	struct list dead = LIST_INIT(dead);
	struct map_req r = { .name = "[stack]", .flags = VM_READ | VM_WRITE | VM_GROWSDOWN };
	int err;

	err = plan(a, top, st);
	if (err)
		return err;
	if (l->exec_stack)
		r.flags |= VM_EXEC;
	r.size = align_up(st->size, PAGE_SIZE) + STACK_INITIAL;
	r.addr = align_down(top - r.size, PAGE_SIZE);
	r.size = top - r.addr;
	mutex_lock(&mm->lock);
	err = mm_may_expand_locked(mm, r.size, r.flags);
	if (!err)
		err = map_locked(mm, &r, &dead);
	mutex_unlock(&mm->lock);
	if (err)
		return err;
	st->buf = kzalloc(st->size);
	if (!st->buf)
		return -ENOMEM;
	err = fill(mm, a, l, st);
	if (!err)
		mm->start_stack = st->bottom;
	return err;
}

int exec_stack_copy(struct mm *mm, const struct exec_stack *st)
{
	return mm_copy_out(mm, st->bottom, st->buf, st->size) ? -ENOMEM : 0;
}

void exec_stack_free(struct exec_stack *st)
{
	kfree(st->buf);
	st->buf = NULL;
}
