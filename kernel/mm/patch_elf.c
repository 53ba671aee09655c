/* SPDX-License-Identifier: Apache-2.0 */
/* patch_elf.c: which part of an ELF file may be patched.
 *
 * Trust: the headers are hostile; the caller has bounded their number and
 * read all of them.  Whatever is odd means no. */
#include "kernel/mm/patch.h"

/* Room for the gate's address and one trampoline at least. */
#define SLACK_MIN (2 * PATCH_SLOT_SIZE + PATCH_TRAMPOLINE_MAX)

static bool segment_ok(const struct elf64_phdr *p, uint64_t file_size, struct patch_text *ret)
{
	uint64_t end;

	if ((p->flags & (PF_R | PF_W | PF_X)) != (PF_R | PF_X) || p->filesz != p->memsz || !p->filesz)
		return false;
	if (add_overflows(p->offset, p->filesz, &end) || end > file_size)
		return false;
	if (p->filesz > PATCH_TEXT_MAX || ((p->vaddr ^ p->offset) & (PAGE_SIZE - 1)))
		return false;
	ret->off = p->offset;
	ret->end = end;
	ret->page_off = align_down(p->offset, PAGE_SIZE);
	ret->page_end = align_up(end, PAGE_SIZE);
	return ret->page_end > end && ret->page_end - end >= SLACK_MIN;
}

/* q's file part shares no page with the text: nothing but the text is mapped
 * from where jumps and trampolines will be. */
static bool apart(const struct elf64_phdr *q, const struct patch_text *t)
{
	uint64_t end;

	if (!q->filesz)
		return true;
	if (add_overflows(q->offset, q->filesz, &end) || end > INT64_MAX)
		return false;
	return align_up(end, PAGE_SIZE) <= t->page_off || align_down(q->offset, PAGE_SIZE) >= t->page_end;
}

bool patch_text_find(const struct elf64_ehdr *eh, const struct elf64_phdr *ph, uint64_t file_size,
		     struct patch_text *ret)
{
	const struct elf64_phdr *text = NULL;
	struct patch_text t;

	if (memcmp(eh->ident, ELF_MAGIC, 4) || eh->ident[EI_CLASS] != ELFCLASS64 ||
	    eh->ident[EI_DATA] != ELFDATA2LSB || eh->machine != EM_X86_64 ||
	    (eh->type != ET_EXEC && eh->type != ET_DYN) || file_size > INT64_MAX - PAGE_SIZE)
		return false;
	for (unsigned i = 0; i < eh->phnum; i++) {
		if (ph[i].type != PT_LOAD || !(ph[i].flags & PF_X))
			continue;
		if (text)
			return false;
		text = &ph[i];
	}
	if (!text || !segment_ok(text, file_size, &t))
		return false;
	for (unsigned i = 0; i < eh->phnum; i++)
		if (&ph[i] != text && ph[i].type == PT_LOAD && !apart(&ph[i], &t))
			return false;
	*ret = t;
	return true;
}
