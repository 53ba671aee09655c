/* SPDX-License-Identifier: Apache-2.0 */
/* patch_cpuid.c: the cpuid instructions in a file's text.
 *
 * On most virtual machines cpuid costs 20 us, and a dynamic linker executes
 * dozens.  In a copy of the text each proven one is PATCH_CPUID_TRAP, of the
 * same size, and cpuid.c answers it.  See docs/decisions/0010-cpuid.md.
 *
 * Proof: the two bytes are looked for everywhere, and one pair is accepted
 * when the file's unwind tables name a function around it, of which every
 * instruction can be decoded from its start to its exact end, the pair being
 * one of them (patch_eh.c, patch_decode.c).  In doubt it stays a cpuid.
 *
 * Trust: what is read is hostile, and may change meanwhile: each part is read
 * once, and the caller compares the file's stamp afterwards. */
#include "kernel/mm/patch.h"

#define CHUNK 65536u
#define FUNCTION_MAX 16384u
#define FRAME_BYTES 64u                 /* of a CIE or FDE: what is looked at */

struct scan {
	plat_obj_t obj;
	const struct patch_text *text;
	const struct patch_eh *eh;
	uint8_t *table;                 /* the unwind table, eh->size */
	uint8_t *code;                  /* FUNCTION_MAX */
	uint64_t code_start, code_size; /* the function that is in there; file offsets */
};

/* A CIE or FDE at va; the number of bytes, 0 for none. */
static size_t frame_read(const struct scan *s, uint64_t va, uint8_t *buf)
{
	uint64_t off = va - s->eh->shift;
	size_t n;

	if (off < s->eh->off || off >= s->eh->end)
		return 0;
	n = MIN(s->eh->end - off, (uint64_t)FRAME_BYTES);
	return plat_obj_read(s->obj, off, buf, n) ? 0 : n;
}

/* The function around the pair at file offset off into s->code. */
static bool function_read(struct scan *s, uint64_t off)
{
	uint64_t pc = off + s->eh->text_shift, start, fde, again, cie, size;
	uint8_t buf[FRAME_BYTES];
	size_t n;

	if (off - s->code_start < s->code_size)
		return true;
	if (!patch_eh_search(s->table, s->eh->size, s->eh->va, pc, &start, &fde))
		return false;
	n = frame_read(s, fde, buf);
	if (!patch_eh_fde(buf, n, fde, &cie, &again, &size) || again != start || size > FUNCTION_MAX)
		return false;
	n = frame_read(s, cie, buf);
	if (!patch_eh_cie(buf, n))
		return false;
	start -= s->eh->text_shift;
	if (off - start >= size || start < s->text->off || start > s->text->end || size > s->text->end - start)
		return false;
	s->code_size = 0;
	if (plat_obj_read(s->obj, start, s->code, size))
		return false;
	s->code_start = start;
	s->code_size = size;
	return true;
}

static bool proven(struct scan *s, uint64_t off)
{
	return function_read(s, off) && patch_insn_at(s->code, s->code_size, off - s->code_start, PATCH_CPUID_SIZE);
}

/* The pairs in buf, which holds the text from off; the last byte may be half of
 * one.  The second byte is looked for: it is much rarer in code. */
static unsigned pairs(struct scan *s, const uint8_t *buf, size_t n, uint64_t off, uint64_t *ret, unsigned count)
{
	const uint8_t *p = buf, *end = buf + n;

	while (end - p > 1 && count < PATCH_CPUIDS_MAX) {
		p = memchr(p + 1, 0xa2, (size_t)(end - p - 1));
		if (!p)
			break;
		if (p[-1] == 0x0f && proven(s, off + (uint64_t)(p - 1 - buf)))
			ret[count++] = off + (uint64_t)(p - 1 - buf);
	}
	return count;
}

unsigned patch_cpuid_scan(plat_obj_t obj, const struct patch_text *text, const struct patch_eh *eh, uint64_t *ret)
{
	struct scan s = { .obj = obj, .text = text, .eh = eh };
	uint8_t *buf = kmalloc(CHUNK);
	unsigned count = 0;

	if (!eh->size)
		goto out;
	s.table = kmalloc(eh->size);
	s.code = kmalloc(FUNCTION_MAX);
	if (!buf || !s.table || !s.code || plat_obj_read(obj, eh->va - eh->shift, s.table, eh->size))
		goto out;
	for (uint64_t off = text->off; off + 1 < text->end; off += CHUNK - 1) {
		size_t n = MIN(text->end - off, (uint64_t)CHUNK);

		if (plat_obj_read(obj, off, buf, n))
			break;
		count = pairs(&s, buf, n, off, ret, count);
	}
out:
	kfree(buf);
	kfree(s.table);
	kfree(s.code);
	return count;
}
