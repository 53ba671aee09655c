/* SPDX-License-Identifier: Apache-2.0 */
/* patch.h: system call instructions in program text led to the platform's
 * gate.  See docs/decisions/0004-patched-text.md.
 *
 * For a file whose text makes many system calls the kernel keeps a copy of
 * the text as a memory object, in which the instruction before each proven
 * site is a jump to a trampoline behind the text; processes map the copy in
 * the file's place.  The copy is never written to after it was first mapped.
 *
 * In the same copies cpuid is replaced by an instruction that traps quicker
 * than cpuid does on a virtual machine (docs/decisions/0010-cpuid.md).
 *
 * patch_elf.c, patch_proof.c, patch_emit.c, patch_decode.c and patch_eh.c are
 * pure functions on bytes (hostile ones); patch_file.c keeps what is known of
 * each file; patch.c moves address spaces onto the copies and off them again;
 * cpuid.c answers. */
#ifndef NACRE_KERNEL_MM_PATCH_H
#define NACRE_KERNEL_MM_PATCH_H

#include "kernel/mm/internal.h"
#include <linux_abi/elf.h>

#define PATCH_TEXT_MAX (8ull << 20)     /* bytes of text in one file */
#define PATCH_FULL_MAX (4ull << 20)     /* files that are copied whole */
#define PATCH_PHDRS_MAX 64u
#define PATCH_NR_ANY 0xffffu
#define PATCH_COMMON_MAX 176u           /* sites that nobody was seen at yet */
#define PATCH_SITES_MAX 240u            /* what fits behind the text, about */
#define PATCH_LOOKBACK 40u              /* bytes before a site that are looked at */
#define PATCH_STEPS 8u                  /* instructions from the window to the site */
#define PATCH_TRAMPOLINE_MAX 64u
#define PATCH_EH_MAX (1u << 20)         /* bytes of an unwind table */
#define PATCH_CPUIDS_MAX 64u            /* in one file */
#define PATCH_CPUID_SIZE 2u             /* of cpuid and of what replaces it */
#define PATCH_SLOT_SIZE 8u              /* the gate's address, before the trampolines */

/* ---- patch_elf.c: the executable segment of an ELF file ---- */
struct patch_text {                     /* file offsets */
	uint64_t off, end;              /* the segment */
	uint64_t page_off, page_end;    /* as it is mapped */
};
/* The one executable segment, if it can be patched: not writable, alone in
 * its pages, with room behind it. */
bool patch_text_find(const struct elf64_ehdr *eh, const struct elf64_phdr *ph, uint64_t file_size,
		     struct patch_text *ret);
static inline uint64_t patch_slot(const struct patch_text *t) { return align_up(t->end, 8); }

/* ---- patch_proof.c: may the instruction before a system call go? ---- */
struct patch_proof {
	uint8_t back;                   /* the window starts so many bytes before the site */
	uint8_t count;                  /* instructions from there to the site */
	uint8_t len[PATCH_STEPS];       /* their sizes; the first gives way */
	uint8_t rip;                    /* a bit for each that ends with a displacement from rip */
	bool compare;                   /* the first is a compare with memory near rip, the second its jump */
	uint16_t nr;                    /* where the window says it; otherwise PATCH_NR_ANY */
};
/* code: n bytes that end with the system call instruction; at_start: nothing
 * executable comes before them; nr: the number it was executed with, or
 * PATCH_NR_ANY: what the window says. */
bool patch_prove(const uint8_t *code, size_t n, bool at_start, uint64_t nr, struct patch_proof *ret);

/* Is it the return from a signal handler, in the one form that libraries use?  Only
 * what also is a function of its own that the unwind tables call a signal's frame may
 * be patched: unwinders that find no table compare the bytes. */
bool patch_prove_return(const uint8_t *code, size_t n, struct patch_proof *ret);

/* ---- patch_emit.c: jumps and trampolines ---- */
struct patch_site {
	uint64_t site, win;             /* file offsets: the instruction, the window */
	uint64_t tramp;                 /* and the trampoline */
	uint8_t tramp_size, first;      /* sizes; first: of the replaced instruction */
	uint8_t steps;
	struct { uint8_t at, natural; } step[PATCH_STEPS + 2];  /* trampoline offset, window offset */
	uint8_t orig[8];                /* what was in the window */
};
/* Make the trampoline for a proven site at file offset tramp; code and n as
 * for patch_prove().  Bytes written to out, 0 when it cannot be. */
size_t patch_emit(const struct patch_text *t, const uint8_t *code, size_t n, const struct patch_proof *p,
		  uint64_t site, uint64_t tramp, uint8_t *out, size_t room, struct patch_site *ret);
/* The jump that replaces the window's first instruction: s->first bytes. */
void patch_jump(const struct patch_site *s, uint8_t *out);
/* Where a task that stands at off inside a trampoline is in the file's text. */
uint64_t patch_natural(const struct patch_site *s, uint64_t off);

/* ---- patch_decode.c: all of a function's instructions ---- */
/* Size of the instruction at p, at most n bytes; 0: unknown, invalid, cut off. */
unsigned patch_insn_size(const uint8_t *p, size_t n);
/* The function is whole instructions, one of them of this size at `want`. */
bool patch_insn_at(const uint8_t *code, size_t n, size_t want, unsigned size);

/* ---- patch_eh.c: functions, by the unwind tables ---- */
struct patch_eh {                       /* size 0: none that is understood */
	uint64_t va, size;              /* of the table */
	uint64_t off, end;              /* file offsets of the segment that it is in */
	uint64_t shift, text_shift;     /* address less offset, there and in the text */
};
void patch_eh_find(const struct elf64_ehdr *eh, const struct elf64_phdr *ph, uint64_t file_size,
		   const struct patch_text *text, struct patch_eh *ret);
/* The function that pc may be in, by the table of n bytes at va: where it starts
 * and the address of its frame description. */
bool patch_eh_search(const uint8_t *table, size_t n, uint64_t va, uint64_t pc, uint64_t *ret_start, uint64_t *ret_fde);
/* A frame description at va: its CIE, the function's start and size. */
bool patch_eh_fde(const uint8_t *p, size_t n, uint64_t va, uint64_t *ret_cie, uint64_t *ret_start, uint64_t *ret_size);
/* Do this CIE's descriptions hold what patch_eh_fde() takes them for?  *ret_signal: of
 * frames that a signal made. */
bool patch_eh_cie(const uint8_t *p, size_t n, bool *ret_signal);

/* ---- patch_function.c: is it an instruction? ---- */
struct patch_functions;
/* NULL: nothing can be proven in this file. */
struct patch_functions *patch_functions_begin(plat_obj_t obj, const struct patch_text *text, const struct patch_eh *eh);
/* size bytes of the text from file offset off need not be read again; until the next such call. */
void patch_functions_text(struct patch_functions *s, const uint8_t *text, uint64_t off, uint64_t size);
/* Is there an instruction of this size at file offset off, which lies in the text? */
bool patch_insn_proven(struct patch_functions *s, uint64_t off, unsigned size);
/* Are these bytes all of a function that is a signal's frame to unwinders? */
bool patch_return_proven(struct patch_functions *s, uint64_t off, unsigned size);
void patch_functions_end(struct patch_functions *s);

/* ---- patch_scan.c: what a text holds that nobody has to execute first ---- */
struct patch_found {
	unsigned cpuids;
	uint64_t cpuid[PATCH_CPUIDS_MAX];       /* file offsets of proven cpuid instructions, in order */
	unsigned sites;
	struct { uint64_t off; uint16_t nr, rank; } site[PATCH_COMMON_MAX];     /* proven call sites, by rank */
};
/* sites_max: of call sites, those of the most frequent calls. */
void patch_scan(plat_obj_t obj, const struct patch_text *text, const struct patch_eh *eh, unsigned sites_max,
		struct patch_found *ret);
/* The first 0f 05 or 0f a2 that begins at p or later and ends at `end` or before; or NULL. */
const uint8_t *patch_next_pair(const uint8_t *p, const uint8_t *end);

/* ---- patch_file.c ---- */
/* One state of a file's copy.  Constant once made; counted by VMAs. */
struct patch_version {
	struct ref ref;
	uint64_t file_id;               /* of the patch_file; versions of one share trampolines */
	plat_obj_t obj;                 /* at the file's offsets; full: all of the file */
	bool full;
	uint64_t bytes;                 /* memory it takes */
	uint64_t quiet;                 /* offset of a last text page without jumps */
	struct patch_text text;
	unsigned cpuids;
	uint64_t cpuid[PATCH_CPUIDS_MAX];       /* file offsets, in order: the same in all versions */
	unsigned count;
	struct patch_site site[];       /* in order of their trampolines */
};
struct patch_version *patch_version_get(struct patch_version *v);
void patch_version_put(struct patch_version *v);
const struct patch_site *patch_version_site(const struct patch_version *v, uint64_t site);
bool patch_version_cpuid(const struct patch_version *v, uint64_t off);
/* The trampoline that off lies in, or NULL. */
const struct patch_site *patch_version_tramp(const struct patch_version *v, uint64_t off);

/* A system call instruction at file offset site was executed with number nr
 * in a mapping of obj, for about the weight-th time; the caller has the file
 * open.  Learns, and may make a new version (sleeps).  True when the newest
 * version would spare that trap; *ret_made: because it was made just now. */
bool patch_file_hit(struct inode *i, plat_obj_t obj, uint64_t site, uint64_t nr, unsigned weight, bool *ret_made);
/* obj is the first that runs in a new program, for all of them the dynamic
 * linker.  May make a version for the sake of its cpuids (sleeps). */
void patch_file_started(struct inode *i, plat_obj_t obj);
/* The newest version for a mapping of obj, or NULL; counted.  Looks whether
 * the file is still what was copied. */
struct patch_version *patch_file_current(struct inode *i, plat_obj_t obj);
uint64_t patch_memory(void);            /* bytes in all versions */
void patch_limit_memory(uint64_t limit); /* at boot: of the whole sandbox */

/* ---- patch.c ---- */
/* A private mapping that is to be made, with these VM_ flags: the version to
 * map instead of obj, counted, or NULL.  loader: a dynamic linker or exec
 * maps the file to run it. */
struct patch_version *patch_for_map(struct inode *i, plat_obj_t obj, uint64_t off, uint64_t size, uint32_t flags,
				    bool loader);
static inline bool patch_in_text(const struct patch_version *p, uint64_t off, uint64_t size)
{
	return off < p->text.page_end && off + size > p->text.page_off;
}
static inline bool patch_exact(const struct patch_version *p, uint64_t off, uint64_t size)
{
	return off == p->text.page_off && size == p->text.page_end - p->text.page_off;
}
/* mm->lock held: v, if it shows patched text, shows the file itself from now
 * on; jumps that other tasks have taken still lead somewhere.  Before its
 * contents change, or a part of it goes its own way while tasks can run it. */
int __must_check patch_remove_locked(struct mm *mm, struct vma *v);

/* ---- cpuid.c ---- */
/* mm->lock held: the program's text is about to change. */
void cpuid_revoke_slow(struct mm *mm);
static inline void cpuid_revoke_locked(struct mm *mm)
{
	if (mm->cpuid_offered)
		cpuid_revoke_slow(mm);
}

#endif
