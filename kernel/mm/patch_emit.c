/* SPDX-License-Identifier: Apache-2.0 */
/* patch_emit.c: the code that takes a proven window's place.
 *
 * The window's first instruction becomes a jump to a trampoline behind the
 * text of the same segment.  There stand the window's instructions, moved;
 * then rcx, which a system call loses anyway, gets the address after the
 * site, and a jump leads to the gate, whose address lies behind the text too:
 * position independent, no stack, no flags.
 *
 * Each trampoline offset where a task can be stopped has its place in the
 * file's own text, from where going on does the same: patch_natural(). */
#include "kernel/mm/patch.h"

#define JUMP_SIZE 5u

static bool put_rel32(uint8_t *at, uint64_t from, uint64_t to)
{
	int64_t d = (int64_t)(to - from);

	if (d != (int32_t)d)
		return false;
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)((uint64_t)d >> 8 * i);
	return true;
}

static int32_t get_rel32(const uint8_t *p)
{
	return (int32_t)(p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24);
}

struct emit {
	uint8_t *out;
	size_t room, used;
	uint64_t at;                    /* file offset of out */
	struct patch_site *site;
};

/* Room for n more bytes, which stand for the window's offset `natural`. */
static uint8_t *step(struct emit *e, size_t n, unsigned natural)
{
	struct patch_site *s = e->site;
	uint8_t *p = e->out + e->used;

	if (n > e->room - e->used || s->steps == ARRAY_SIZE(s->step))
		return NULL;
	s->step[s->steps].at = (uint8_t)e->used;
	s->step[s->steps++].natural = (uint8_t)natural;
	e->used += n;
	return p;
}

/* je/jne to where the short one went, which must be in the text. */
static bool emit_branch(struct emit *e, const struct patch_text *t, const uint8_t *w, unsigned natural)
{
	uint64_t target = e->site->win + natural + 2 + (uint64_t)(int64_t)(int8_t)w[1];
	uint8_t *p = step(e, 6, natural);

	if (!p || target < t->off || target >= t->end)
		return false;
	p[0] = 0x0f;
	p[1] = (uint8_t)(w[0] + 0x10);
	return put_rel32(p + 2, e->at + e->used, target);
}

static bool emit_window(struct emit *e, const struct patch_text *t, const uint8_t *w, const struct patch_proof *p)
{
	unsigned natural = 0;

	for (unsigned i = 0; i < p->count; natural += p->len[i++]) {
		uint8_t *q;

		if (p->compare && i == 1) {
			if (!emit_branch(e, t, w + natural, natural))
				return false;
			continue;
		}
		q = step(e, p->len[i], natural);
		if (!q)
			return false;
		memcpy(q, w + natural, p->len[i]);
		if (p->rip >> i & 1 &&
		    !put_rel32(q + p->len[i] - 4, e->at + e->used, e->site->win + natural + p->len[i] +
			       (uint64_t)(int64_t)get_rel32(w + natural + p->len[i] - 4)))
			return false;
		/* What it compares lies at the same distance from the segment. */
		if (p->compare && i == 0 &&
		    !put_rel32(q + 2, e->at, e->site->win + (uint64_t)(int64_t)get_rel32(w + 2)))
			return false;
	}
	return true;
}

size_t patch_emit(const struct patch_text *t, const uint8_t *code, size_t n, const struct patch_proof *p,
		  uint64_t site, uint64_t tramp, uint8_t *out, size_t room, struct patch_site *ret)
{
	struct patch_site s = { .site = site, .win = site - p->back, .tramp = tramp, .first = p->len[0] };
	struct emit e = { .out = out, .room = MIN(room, (size_t)UINT8_MAX), .at = tramp, .site = &s };
	const uint8_t *w = code + n - 2 - p->back;
	uint8_t *q;

	if (s.first < JUMP_SIZE || s.first > sizeof(s.orig) || !emit_window(&e, t, w, p))
		return 0;
	q = step(&e, 7, p->back);       /* lea site+2(%rip),%rcx */
	if (!q)
		return 0;
	memcpy(q, "\x48\x8d\x0d", 3);
	if (!put_rel32(q + 3, tramp + e.used, site + 2))
		return 0;
	q = step(&e, 6, p->back);       /* jmp *slot(%rip) */
	if (!q)
		return 0;
	memcpy(q, "\xff\x25", 2);
	if (!put_rel32(q + 2, tramp + e.used, patch_slot(t)))
		return 0;
	memcpy(s.orig, w, s.first);
	s.tramp_size = (uint8_t)e.used;
	*ret = s;
	return e.used;
}

void patch_jump(const struct patch_site *s, uint8_t *out)
{
	out[0] = 0xe9;
	/* Both lie in one segment, which is small. */
	KASSERT(put_rel32(out + 1, s->win + JUMP_SIZE, s->tramp));
	for (unsigned i = JUMP_SIZE; i < s->first; i++)
		out[i] = 0xcc;
}

uint64_t patch_natural(const struct patch_site *s, uint64_t off)
{
	unsigned at = (unsigned)(off - s->tramp), i = 0;

	while (i + 1 < s->steps && s->step[i + 1].at <= at)
		i++;
	return s->win + s->step[i].natural;
}
