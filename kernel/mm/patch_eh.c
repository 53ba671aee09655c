/* SPDX-License-Identifier: Apache-2.0 */
/* patch_eh.c: where the function that holds an address begins and ends, as an
 * ELF file's unwind tables say.
 *
 * PT_GNU_EH_FRAME is a table of function addresses in order, each with its
 * frame description (FDE) in .eh_frame; that tells the function's size.  Only
 * the encodings that linkers make are understood: offsets of 4 bytes.
 * Source: Linux Standard Base, Core, 10.6; DWARF 4, 6.4.1.
 *
 * Trust: all bytes and numbers are the file's, hostile.  Addresses are only
 * compared and subtracted; nothing outside the spans is read. */
#include "kernel/mm/patch.h"

#define ENC_UDATA4 0x03
#define ENC_PCREL_SDATA4 0x1b
#define ENC_DATAREL_SDATA4 0x3b
#define ENC_INDIRECT 0x80
#define EH_HEAD 12u                     /* version, encodings, frame's address, count */
#define EH_ENTRY 8u

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t get_rel(const uint8_t *p, uint64_t base) { return base + (uint64_t)(int64_t)(int32_t)get32(p); }

void patch_eh_find(const struct elf64_ehdr *eh, const struct elf64_phdr *ph, uint64_t file_size,
		   const struct patch_text *text, struct patch_eh *ret)
{
	struct patch_eh e = { 0 };
	uint64_t end;

	*ret = e;
	for (unsigned i = 0; i < eh->phnum; i++)
		if (ph[i].type == PT_GNU_EH_FRAME) {
			e.va = ph[i].vaddr;
			e.size = ph[i].filesz;
		}
	if (e.size < EH_HEAD || e.size > PATCH_EH_MAX)
		return;
	for (unsigned i = 0; i < eh->phnum; i++) {
		const struct elf64_phdr *p = &ph[i];

		if (p->type != PT_LOAD || add_overflows(p->offset, p->filesz, &end) || end > file_size)
			continue;
		if ((p->flags & PF_X) && p->offset == text->off)
			e.text_shift = p->vaddr - p->offset;
		/* The frames are in the same segment as the table. */
		if (e.va - p->vaddr < p->filesz && e.size <= p->filesz - (e.va - p->vaddr)) {
			e.off = p->offset;
			e.end = end;
			e.shift = p->vaddr - p->offset;
		}
	}
	if (e.end)
		*ret = e;
}

bool patch_eh_search(const uint8_t *table, size_t n, uint64_t va, uint64_t pc, uint64_t *ret_start, uint64_t *ret_fde)
{
	size_t count, lo = 0, hi;
	const uint8_t *e;

	if (n < EH_HEAD || table[0] != 1 || table[1] != ENC_PCREL_SDATA4 || table[2] != ENC_UDATA4 ||
	    table[3] != ENC_DATAREL_SDATA4)
		return false;
	count = get32(table + 8);
	if (!count || count > (n - EH_HEAD) / EH_ENTRY)
		return false;
	/* The last one that starts at pc or before; a table out of order finds another. */
	hi = count;
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if ((int64_t)(get_rel(table + EH_HEAD + mid * EH_ENTRY, va) - pc) <= 0)
			lo = mid;
		else
			hi = mid;
	}
	e = table + EH_HEAD + lo * EH_ENTRY;
	*ret_start = get_rel(e, va);
	*ret_fde = get_rel(e + 4, va);
	return pc >= *ret_start;
}

/* *at moves past a LEB128 number of a few bytes. */
static bool leb(const uint8_t *p, size_t n, size_t *at, uint8_t *ret_first)
{
	size_t start = *at;

	while (*at < n && *at - start < 4)
		if (!(p[(*at)++] & 0x80)) {
			*ret_first = p[start];
			return true;
		}
	return false;
}

bool patch_eh_cie(const uint8_t *p, size_t n, bool *ret_signal)
{
	size_t at = 9, aug, end;
	uint8_t first;

	if (n < 12 || get32(p + 4) || p[8] != 1 || p[at] != 'z')
		return false;
	n = MIN(n, (uint64_t)get32(p) + 4);
	aug = at + 1;
	if (n <= aug)
		return false;
	while (at < n && p[at])
		at++;
	end = at++;
	*ret_signal = memchr(p + aug, 'S', end - aug);
	/* Alignment of code and data, the return address' register, the size. */
	if (!leb(p, n, &at, &first) || !leb(p, n, &at, &first) || ++at > n || !leb(p, n, &at, &first))
		return false;
	for (; aug < end; aug++) {
		if (at >= n)
			return false;
		switch (p[aug]) {
		case 'R':
			return p[at] == ENC_PCREL_SDATA4;
		case 'P':               /* a personality: 4 bytes, if encoded so */
			if ((p[at] & ~ENC_INDIRECT) != ENC_PCREL_SDATA4 && p[at] != ENC_UDATA4)
				return false;
			at += 5;
			break;
		case 'L':
			at++;
			break;
		case 'S':               /* a signal's frame: nothing follows */
			break;
		default:
			return false;
		}
	}
	return false;
}

bool patch_eh_fde(const uint8_t *p, size_t n, uint64_t va, uint64_t *ret_cie, uint64_t *ret_start, uint64_t *ret_size)
{
	if (n < 16 || get32(p) < 12 || get32(p) == UINT32_MAX || !get32(p + 4))
		return false;
	*ret_cie = va + 4 - get32(p + 4);
	*ret_start = get_rel(p + 8, va + 8);
	*ret_size = get32(p + 12);
	return true;
}
