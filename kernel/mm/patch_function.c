/* SPDX-License-Identifier: Apache-2.0 */
/* patch_function.c: is this an instruction of the program?
 *
 * Bytes that look like one may be a part of another or of a constant.  Here
 * the file's unwind tables name a function around them, of which every
 * instruction can be decoded from its start to its exact end, and they must be
 * one of them (patch_eh.c, patch_decode.c).  In doubt: no.
 *
 * Trust: what is read is hostile, and may change meanwhile: each part is read
 * once, and the caller compares the file's stamp afterwards. */
#include "kernel/mm/patch.h"

#define FUNCTION_MAX 16384u
#define FRAME_BYTES 64u                 /* of a CIE or FDE: what is looked at */

struct patch_functions {
	plat_obj_t obj;
	const struct patch_text *text;
	const struct patch_eh *eh;
	uint8_t *table;                 /* the unwind table, eh->size */
	uint8_t *code;                  /* FUNCTION_MAX */
	uint64_t code_start, code_size; /* the function that is in there; file offsets */
	bool code_signal;               /* it is a signal's frame */
	uint64_t cie_good;              /* the description last found good; there are few */
	bool signal;                    /* that one is of frames that a signal made */
	const uint8_t *have;            /* text that was read already: */
	uint64_t have_off, have_size;
};

/* A CIE or FDE at va; the number of bytes, 0 for none. */
static size_t frame_read(const struct patch_functions *s, uint64_t va, uint8_t *buf)
{
	uint64_t off = va - s->eh->shift;
	size_t n;

	if (off < s->eh->off || off >= s->eh->end)
		return 0;
	n = MIN(s->eh->end - off, (uint64_t)FRAME_BYTES);
	return plat_obj_read(s->obj, off, buf, n) ? 0 : n;
}

/* The function around file offset off into s->code. */
static bool function_read(struct patch_functions *s, uint64_t off)
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
	if (!s->cie_good || cie != s->cie_good) {
		n = frame_read(s, cie, buf);
		s->cie_good = 0;
		if (!patch_eh_cie(buf, n, &s->signal))
			return false;
		s->cie_good = cie;
	}
	start -= s->eh->text_shift;
	if (off - start >= size || start < s->text->off || start > s->text->end || size > s->text->end - start)
		return false;
	s->code_size = 0;
	s->code_signal = s->signal;
	if (start >= s->have_off && start - s->have_off <= s->have_size && size <= s->have_size - (start - s->have_off))
		memcpy(s->code, s->have + (start - s->have_off), size);
	else if (plat_obj_read(s->obj, start, s->code, size))
		return false;
	s->code_start = start;
	s->code_size = size;
	return true;
}

struct patch_functions *patch_functions_begin(plat_obj_t obj, const struct patch_text *text, const struct patch_eh *eh)
{
	struct patch_functions *s = eh->size ? kzalloc(sizeof(*s)) : NULL;

	if (!s)
		return NULL;
	*s = (struct patch_functions){ .obj = obj, .text = text, .eh = eh, .table = kmalloc(eh->size),
					.code = kmalloc(FUNCTION_MAX) };
	if (s->table && s->code && !plat_obj_read(obj, eh->va - eh->shift, s->table, eh->size))
		return s;
	patch_functions_end(s);
	return NULL;
}

void patch_functions_text(struct patch_functions *s, const uint8_t *text, uint64_t off, uint64_t size)
{
	s->have = text;
	s->have_off = off;
	s->have_size = size;
}

bool patch_insn_proven(struct patch_functions *s, uint64_t off, unsigned size)
{
	return function_read(s, off) && patch_insn_at(s->code, s->code_size, off - s->code_start, size);
}

/* Unwinders look for the byte before a return address: glibc lets the function
 * begin there, in the middle of what fills the gap. */
bool patch_return_proven(struct patch_functions *s, uint64_t off, unsigned size)
{
	return function_read(s, off) && s->code_signal && off - s->code_start <= 1 &&
	       s->code_size == size + (off - s->code_start);
}

void patch_functions_end(struct patch_functions *s)
{
	if (!s)
		return;
	kfree(s->table);
	kfree(s->code);
	kfree(s);
}
