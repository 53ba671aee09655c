/* SPDX-License-Identifier: Apache-2.0 */
/* mm.h: address spaces of tasks, user copies, ELF images, futexes, vDSO.
 *
 * The VMAs are the truth about an address space; the platform makes them so.
 * Lock: mm->lock (a mutex) guards the VMA tree and every plat_as_map, unmap,
 * protect, move, advise of it.  User copies take no lock.
 * Source: kernel/mm/. */
#ifndef NACRE_KERNEL_MM_H
#define NACRE_KERNEL_MM_H

#include "kernel/sched/sched.h"
#include <linux_abi/mman.h>             /* PROT_*, MAP_*, MADV_*, MREMAP_* … */

struct file;
struct task;
struct vma;
struct boot_params;
struct patch_version;

struct mm {
	struct ref users;               /* tasks; the last put unmaps everything */
	struct ref ref;                 /* memory of the struct */
	plat_as_t as;
	struct mutex lock;

	/* lock */
	struct vma *root;               /* tree by address */
	struct list vmas;               /* in address order */
	unsigned vma_count;
	uint64_t changes;               /* atomic: of areas, so far; also read with no lock */
	uint64_t total_size, locked_size, data_size, stack_size;
	uint64_t brk_start, brk, mmap_base, mmap_top;
	uint64_t start_code, end_code, start_data, end_data, start_stack;
	uint64_t arg_start, arg_end, env_start, env_end;
	uint64_t vdso_base;
	bool own_loader;                /* no interpreter: what text it maps it may read, as valgrind does */
	struct file *exe_file;          /* /proc/PID/exe */
	uint64_t auxv[64];
	unsigned auxv_count;            /* words */
	uint64_t max_rss;               /* atomic: mm_peak_rss() */
	uint32_t def_flags;             /* mlockall MCL_FUTURE */
	bool dumpable;
	uint8_t mdwe;                   /* PR_SET_MDWE: PR_MDWE_; atomic */
	bool thp_disabled;              /* PR_SET_THP_DISABLE: remembered only; atomic */
	bool batching;                  /* exec only: the platform keeps the mapping calls */
	bool patch_off;                 /* traced, once: text is the file's */
	bool patched;                   /* some VMA has had a patch; also read with no lock */
	bool cpuid_offered;             /* the platform answers cpuid by itself; lock */
	uint32_t patch_hits;            /* atomic: kernel/mm/patch.c */
	uint64_t fault_addr;            /* mm_fault: the last one that found nothing wrong */
	unsigned fault_repeats;
	uint64_t futex_wakes;           /* atomic: kernel/mm/futex.c */
	uint32_t aio_contexts;          /* atomic: of kernel/vfs/aio.c */

	struct list all_link;           /* mm_list_lock: every mm with users */
	uint64_t scan_rss;              /* memlimit scan only */
	uint64_t rss_counted, rss_until_ns;     /* lock: mm_rss(), good until then */
};

#define VM_READ PROT_READ
#define VM_WRITE PROT_WRITE
#define VM_EXEC PROT_EXEC
#define VM_SHARED 0x8u
#define VM_GROWSDOWN 0x100u
#define VM_LOCKED 0x2000u
#define VM_DONTFORK 0x20000u
#define VM_NORESERVE 0x200000u
#define VM_WIPEONFORK 0x400000u
#define VM_MAYWRITE 0x20u               /* a shared mapping of a file opened for writing */
#define VM_PRISTINE 0x1000u             /* private, of an object, and never could be written or executed:
					 * shows the object's pages, and nothing else of it was used */
#define VM_SPECIAL 0x800u               /* vdso, vvar */

struct vma {
	uint64_t start, end;
	uint32_t flags;
	uint64_t off;                   /* byte offset in file or object */
	struct file *file;              /* counted; NULL for anonymous */
	plat_obj_t obj;                 /* what is mapped; 0 for private anonymous */
	struct obj_ref *objref;         /* counted owner of obj for shared anonymous */
	const char *name;               /* "[stack]", "[vdso]", NULL */
	struct patch_version *patch;    /* mapped from this copy of the text; counted; kernel/mm/patch.h */
	uint32_t policy;                /* kernel/mm/mempolicy.c; 0: none of its own */
	bool written;                   /* private: pages may differ from the file's */
	struct list link;               /* mm->vmas */
	struct { struct vma *l, *r; int h; uint64_t max_gap; } node;
};

/* A counted memory object that no file owns: shared anonymous memory, SysV
 * segments.  nattach counts the VMAs that map it. */
struct obj_ref {
	struct ref ref;
	plat_obj_t obj;
	uint64_t size;
	uint32_t nattach;
	/* A VMA came or went (nattach is already changed).  May sleep; may run
	 * under mm->lock.  NULL for plain shared memory. */
	void (*changed)(struct obj_ref *o);
	void *priv;
};
int __must_check obj_ref_new(uint64_t size, struct obj_ref **ret);
struct obj_ref *obj_ref_get(struct obj_ref *o);
void obj_ref_put(struct obj_ref *o);            /* may sleep the CPU */

/* A fresh, empty address space.  -ENOMEM. */
int __must_check mm_new(struct mm **ret);
int __must_check mm_fork(struct mm *parent, struct mm **ret);
struct mm *mm_get(struct mm *mm);       /* a user */
struct mm *mm_share(struct mm *mm);     /* a user that may run in it: nothing waits any more (PLAT_MAP_LATER) */
void mm_put(struct mm *mm);             /* may sleep */
/* Bytes that are resident between two page addresses; mm->lock held. */
uint64_t mm_rss_range_locked(struct mm *mm, uint64_t start, uint64_t end);
/* madvise(2) of any address space. */
long mm_advise(struct mm *mm, uint64_t addr, size_t size, int advice);

/* Map: file may be NULL.  addr is a hint unless MAP_FIXED.  Returns the
 * address or -errno.  Takes mm->lock. */
int64_t mm_map(struct mm *mm, uint64_t addr, uint64_t size, unsigned prot,
	       unsigned map_flags, struct file *file, uint64_t off);
int mm_unmap(struct mm *mm, uint64_t addr, uint64_t size);
void aio_mm_gone(struct mm *mm);        /* kernel/vfs/aio.c: mm ends and has contexts */
int mm_protect(struct mm *mm, uint64_t addr, uint64_t size, unsigned prot);
struct vma *mm_find_locked(struct mm *mm, uint64_t addr);  /* first vma with end > addr */
/* A fault at addr that the kernel may cure (stack growth, a file mapping that
 * can be repaired).  0: run on; else the signal to send is in *ret_signo and
 * *ret_code (SEGV_MAPERR, SEGV_ACCERR, BUS_ADRERR).  On entry they hold what
 * the platform reported; a SIGBUS of the host stays as it is. */
int mm_fault(struct mm *mm, uint64_t addr, unsigned access, int *ret_signo, int *ret_code);
uint64_t mm_rss(struct mm *mm);
uint64_t mm_peak_rss(const struct mm *mm);       /* the most that was ever counted */
/* The peak, of a task that leaves mm after ran_ns of CPU time: never 0.  May sleep. */
uint64_t mm_last_rss(struct mm *mm, uint64_t ran_ns);

/* ---- user copies (of the current task) ---- */
/* 0 or -EFAULT. */
int __must_check copy_in(void *dst, uaddr src, size_t n);
int __must_check copy_out(uaddr dst, const void *src, size_t n);
/* A structure that may be shorter or longer (usize) than ours (size): zeros fill up;
 * -E2BIG: the caller's has more, and not all zeros. */
int __must_check copy_in_struct(void *dst, size_t size, uaddr src, size_t usize);
/* Bytes not copied: for calls that report partial success. */
size_t __must_check copy_in_partial(void *dst, uaddr src, size_t n);
/* Up to PLAT_PARTS_MAX parts by one copy; false: not done, or not all. */
bool __must_check copy_in_parts(void *dst, const struct plat_part *part, unsigned count);
size_t __must_check copy_out_partial(uaddr dst, const void *src, size_t n);
/* These are made at once if another could miss them, and on the way back to
 * the program if only it will look: then they are sure to succeed.  For what
 * other threads look at before this call returns: */
int __must_check copy_out_now(uaddr dst, const void *src, size_t n);
/* The platform could not make one after all (PLAT_TRAP_RIDER). */
void copy_out_failed(struct task *t, const struct plat_trap *trap);
/* A memory call of the current task rides on its next run (kernel/mm/ride.c):
 * that is over, the task has run; or it is to be done now, result and all. */
void ride_over_slow(struct task *t);
void ride_settle_slow(struct task *t);
/* The current task leaves its CPU or its address space. */
void copy_out_finish(struct task *t);
/* A handler's frame with the task's extended state, n bytes in all: on its way back to
 * user mode (plat_ride_frame_out()).  False: not this way. */
bool __must_check copy_out_frame(uint64_t at, const uint64_t *frame, uint64_t xstate_at, size_t n);
int __must_check user_zero(uaddr dst, size_t n);
size_t __must_check copy_out_zeroes(uaddr dst, size_t n);       /* bytes not zeroed */
/* A string with its NUL into buf.  Length without NUL, -EFAULT,
 * -ENAMETOOLONG when there is no NUL in size bytes. */
long __must_check copy_in_str(char *buf, ustr src, size_t size);
/* Typed: the pointee of p must be the type of *obj. */
#define copy_in_obj(obj, p) ({                                               \
	_Static_assert(__builtin_types_compatible_p(__typeof__(*(obj)), __typeof__(*(p)._pointee[0])), "pointee"); \
	copy_in((obj), (uaddr){ (p).va }, sizeof(*(obj))); })
#define copy_out_obj(p, obj) ({                                              \
	_Static_assert(__builtin_types_compatible_p(__typeof__(*(obj)), __typeof__(*(p)._pointee[0])), "pointee"); \
	copy_out((uaddr){ (p).va }, (obj), sizeof(*(obj))); })
/* Other address spaces (proc, ptrace, process_vm_readv): bytes not copied. */
size_t __must_check mm_copy_in(struct mm *mm, void *dst, uint64_t src, size_t n);
size_t __must_check mm_copy_out(struct mm *mm, uint64_t dst, const void *src, size_t n);
/* As mm_copy_out(), but through the write protection of private mappings:
 * ptrace's breakpoints, /proc/PID/mem. */
size_t __must_check mm_copy_out_force(struct mm *mm, uint64_t dst, const void *src, size_t n);

/* For those who look from outside: program text as in its file. */
size_t __must_check mm_copy_in_plain(struct mm *mm, void *dst, uint64_t src, size_t n);

/* ---- patched text: kernel/mm/patch.c ---- */
extern bool patch_on;
void patch_trap_slow(struct task *t);
void patch_fix_regs_slow(struct task *t);
/* The current task's system call instruction has trapped. */
static inline void patch_trap(struct task *t)
{
	if (patch_on)
		patch_trap_slow(t);
}
/* The current task has stopped elsewhere: rip becomes what it would be in
 * text that is not patched. */
static inline void patch_fix_regs(struct task *t, struct mm *mm)
{
	if (mm->patched)
		patch_fix_regs_slow(t);
}
/* The current task has met an exception: true when it was a cpuid in patched
 * text, which is done now (cpuid.c). */
bool cpuid_trap_slow(struct task *t, const struct plat_trap *trap);
static inline bool cpuid_trap(struct task *t, struct mm *mm, const struct plat_trap *trap)
{
	return trap->trapno == PLAT_CPUID_TRAPNO && trap->err == PLAT_CPUID_ERR && mm->patched &&
	       cpuid_trap_slow(t, trap);
}
/* A program starts at entry: kernel/mm/patch.c learns what runs often. */
void patch_started(struct mm *mm, uint64_t entry);
/* i is about to be changed in ways that leave no trace, or to go. */
struct inode;
void patch_inode_changed(struct inode *i);
/* The address space is traced from now on. */
void mm_patch_off(struct mm *mm);

/* ---- scatter/gather of a system call ----
 * Everything that moves bytes between a task and a file goes through an
 * iter: user memory (iovec) or kernel memory.  It points into itself: never
 * copy one by value. */
struct iter {
	bool kernel;                    /* base addresses are kernel pointers */
	unsigned count, index;
	size_t done_in_seg;             /* of segment index */
	size_t left;                    /* total bytes still to move */
	bool append, nowait;            /* of this call: as O_APPEND, O_NONBLOCK (RWF_) */
	const struct iter_source *source;       /* set: the bytes come from it */
	struct iter_seg { uint64_t base; size_t size; } *seg;
	struct iter_seg inline_seg[8];
};
/* pull copies up to n bytes; fewer: there are no more.  lend (optional) gives up
 * to n bytes, not few, that lie together in memory of the source's, with a
 * reference; 0: copy. */
struct iter_source {
	size_t (*pull)(struct iter *it, void *dst, size_t n);
	size_t (*lend)(struct iter *it, size_t n, struct lent **ret, uint8_t **ret_bytes);
};
#define ITER_LEND_MIN 16384u            /* so that little does not keep much memory: */
#define ITER_LEND_BLOCK 65536ul         /* at most that much each */
void iter_user(struct iter *it, uaddr buf, size_t n);
void iter_kernel(struct iter *it, void *buf, size_t n);
/* Reads and checks an iovec array (at most 1024 entries, sum <= 2^31-4096).
 * iter_free() afterwards. */
int __must_check iter_user_iovec(struct iter *it, uaddr iov, uint64_t count);
void iter_free(struct iter *it);
/* Move up to n bytes and advance.  Returns bytes moved: short = fault. */
size_t iter_copy_in(struct iter *it, void *dst, size_t n);       /* from the task */
size_t iter_copy_out(struct iter *it, const void *src, size_t n); /* to the task */
size_t iter_zero(struct iter *it, size_t n);
size_t iter_lend(struct iter *it, size_t n, struct lent **ret, uint8_t **ret_bytes);
/* Kernel memory, of which *ret_n bytes lie together: who fills it himself then
 * calls iter_filled().  NULL: user memory. */
void *iter_direct(struct iter *it, size_t *ret_n);
void iter_filled(struct iter *it, size_t n);
/* A large piece of a host file at off straight to the task, in one copy.
 * Bytes moved; 0: none this way, copy (and see what is wrong). */
size_t iter_read_file(struct iter *it, uint64_t hc_file, uint64_t off);

/* ---- exec: images ---- */
struct exec_image {                     /* result of mm_exec_load */
	struct mm *mm;
	uint64_t entry, sp;
	bool secure;                    /* AT_SECURE */
};
struct exec_args {                      /* built by kernel/task/exec.c */
	char *path;                     /* as given, also for a script: AT_EXECFN */
	bool nameless;                  /* a descriptor was given, and no name */
	struct file *file;              /* opened for execution: a script's interpreter */
	char *strings;                  /* argv then envp, NUL-separated, packed */
	size_t strings_size;
	unsigned argc, envc;
	bool secure;
	uint32_t uid, euid, gid, egid;
};
/* Build a new address space for an ELF image (static, PIE, with interpreter).
 * -ENOEXEC, -ELIBBAD, -ENOMEM, -E2BIG … ; nothing of the caller changes. */
int __must_check mm_exec_load(const struct exec_args *a, struct exec_image *ret);

/* ---- futex hooks ---- */
void futex_exit_task(struct task *t);   /* robust list, clear_child_tid wake */
void futex_look_before(struct task *t); /* about to run: its word about a futex's counts from here */
int futex_wake_addr(struct mm *mm, uint64_t addr, unsigned n);   /* private key */

/* ---- vDSO ---- */
void vdso_init(void);
int __must_check vdso_map(struct mm *mm, uint64_t *ret_base);
void vdso_update(void);                 /* the clock parameters ran out */

/* Memory limit of the container (own accounting when the host has none):
 * called when tasks enter the kernel for memory and from a bounded timer. */
void memlimit_init(const struct boot_params *bp);

void mm_init(void);

#endif
