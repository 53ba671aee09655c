/* SPDX-License-Identifier: Apache-2.0 */
/* patch_decode.c: sizes of x86-64 instructions, and whether a pair of bytes is
 * one of a function's.
 *
 * One letter for each opcode says what follows it:
 *   .  nothing            M  ModRM             x  refused
 *   b  1 byte             B  ModRM and 1 byte  p  a legacy prefix
 *   w  2 bytes            z  2 or 4 bytes, by operand size
 *   e  3 bytes (enter)    Z  ModRM and 2 or 4  v  2, 4 or 8 (mov)
 *   r  4-byte branch      o  8 or 4, by address size (movabs)
 *   f  group 3, F6        F  group 3, F7       8  pop, or else XOP: refused
 * What is invalid in 64-bit mode, privileged and rare, or of another size on
 * another maker's processors is refused.
 * Source: AMD64 Architecture Programmer's Manual, volume 3, appendix A; Intel
 * SDM, volume 2, chapter 2 (VEX, EVEX).
 *
 * Trust: the bytes are hostile; nothing beyond n is looked at. */
#include "kernel/mm/patch.h"

#define INSN_MAX 15u
#define REX_W 8u

static const char one_byte[256 + 1] =
	"MMMMbzxx" "MMMMbzx0" "MMMMbzxx" "MMMMbzxx"     /* 00 */
	"MMMMbzpx" "MMMMbzpx" "MMMMbzpx" "MMMMbzpx"     /* 20 */
	"RRRRRRRR" "RRRRRRRR" "........" "........"     /* 40 */
	"xxEMpppp" "zZbB...." "bbbbbbbb" "bbbbbbbb"     /* 60 */
	"BZxBMMMM" "MMMMMMM8" "........" "..x....."     /* 80 */
	"oooo...." "bz......" "bbbbbbbb" "vvvvvvvv"     /* a0 */
	"BBw.VVBZ" "e.w..bx." "MMMMxxx." "MMMMMMMM"     /* c0 */
	"bbbbbbbb" "rrxb...." "p.pp..fF" "......MM";    /* e0 */

static const char two_byte[256 + 1] =
	"MMMMx..." "..x.xMxx" "MMMMMMMM" "MMMMMMMM"     /* 00 */
	"xxxxxxxx" "MMMMMMMM" "......xx" "TxHxxxxx"     /* 20 */
	"MMMMMMMM" "MMMMMMMM" "MMMMMMMM" "MMMMMMMM"     /* 40 */
	"MMMMMMMM" "MMMMMMMM" "BBBBMMM." "xxxxMMMM"     /* 60 */
	"rrrrrrrr" "rrrrrrrr" "MMMMMMMM" "MMMMMMMM"     /* 80 */
	"...MBMxx" "..xMBMMM" "MMMMMMMM" "MMBMMMMM"     /* a0 */
	"MMBMBBBM" "........" "MMMMMMMM" "MMMMMMMM"     /* c0 */
	"MMMMMMMM" "MMMMMMMM" "MMMMMMMM" "MMMMMMMx";    /* e0 */

struct prefixes { bool size16, addr32; unsigned rex; };

/* Bytes of ModRM, SIB and displacement; 0: not all there. */
static size_t modrm_size(const uint8_t *p, size_t n)
{
	unsigned mod, rm;
	size_t size = 1;

	if (!n)
		return 0;
	mod = p[0] >> 6;
	rm = p[0] & 7;
	if (mod == 3)
		return 1;
	if (rm == 4) {
		if (n < 2)
			return 0;
		size = 2;
		if (mod == 0 && (p[1] & 7) == 5)
			size += 4;
	} else if (mod == 0 && rm == 5) {
		size += 4;
	}
	return size + (mod == 1 ? 1 : mod == 2 ? 4 : 0);
}

/* What follows an opcode of this kind; -1: refused. */
static int rest_size(char kind, const uint8_t *p, size_t n, const struct prefixes *f)
{
	const int wide = f->rex & REX_W ? 4 : f->size16 ? 2 : 4;
	int m = 0;

	if (kind == 'M' || kind == 'B' || kind == 'Z' || kind == 'f' || kind == 'F' || kind == '8') {
		m = (int)modrm_size(p, n);
		if (!m)
			return -1;
	}
	switch (kind) {
	case '.': return 0;
	case 'b': return 1;
	case 'w': return 2;
	case 'e': return 3;
	case 'z': return wide;
	case 'v': return f->rex & REX_W ? 8 : wide;
	case 'o': return f->addr32 ? 4 : 8;
	case 'r': return wide == 4 ? 4 : -1;
	case 'M': return m;
	case 'B': return m + 1;
	case 'Z': return m + wide;
	case 'f': return m + ((p[0] & 0x38) < 0x10 ? 1 : 0);
	case 'F': return m + ((p[0] & 0x38) < 0x10 ? wide : 0);
	case '8': return p[0] & 0x38 ? -1 : m;
	default: return -1;
	}
}

/* An opcode of a VEX or EVEX map at p: its size with all that follows. */
static int vector_size(unsigned map, const uint8_t *p, size_t n, bool evex)
{
	unsigned op;
	size_t m;
	bool imm;

	if (!n || map == 0 || (map > 3 && !(evex && (map == 5 || map == 6))))
		return -1;
	op = p[0];
	if (map == 1 && op == 0x77)     /* vzeroupper */
		return evex ? -1 : 1;
	imm = map == 3 || (map == 1 && ((op >= 0x70 && op <= 0x73) || op == 0xc2 || (op >= 0xc4 && op <= 0xc6)));
	m = modrm_size(p + 1, n - 1);
	if (!m)
		return -1;
	/* The displacement of EVEX is scaled, not longer. */
	return (int)(1 + m + imm);
}

static int vex_size(const uint8_t *p, size_t n)
{
	int rest;

	if (p[0] == 0xc5) {
		rest = n < 2 ? -1 : vector_size(1, p + 2, n - 2, false);
		return rest < 0 ? -1 : 2 + rest;
	}
	if (p[0] == 0xc4) {
		rest = n < 3 ? -1 : vector_size(p[1] & 31, p + 3, n - 3, false);
		return rest < 0 ? -1 : 3 + rest;
	}
	if (n < 4 || (p[1] & 8) || !(p[2] & 4))
		return -1;
	rest = vector_size(p[1] & 7, p + 4, n - 4, true);
	return rest < 0 ? -1 : 4 + rest;
}

unsigned patch_insn_size(const uint8_t *p, size_t n)
{
	struct prefixes f = { .rex = 0 };
	size_t at = 0;
	char kind;
	int rest;

	n = MIN(n, (size_t)INSN_MAX);
	while (at < n && one_byte[p[at]] == 'p') {
		f.size16 |= p[at] == 0x66;
		f.addr32 |= p[at] == 0x67;
		at++;
	}
	if (at < n && one_byte[p[at]] == 'R')
		f.rex = p[at++];
	if (at >= n)
		return 0;
	kind = one_byte[p[at]];
	if (kind == 'V' || kind == 'E') {
		/* Segments and the address size are the only prefixes it may have. */
		for (size_t k = 0; k < at; k++)
			if (p[k] == 0x66 || (p[k] & 0xf0) == 0xf0 || (p[k] & 0xf0) == 0x40)
				return 0;
		rest = vex_size(p + at, n - at);
	} else {
		at++;
		if (kind == '0') {
			if (at >= n)
				return 0;
			kind = two_byte[p[at++]];
			if (kind == 'T' || kind == 'H') {
				if (at >= n)
					return 0;
				at++;
				kind = kind == 'T' ? 'M' : 'B';
			}
		}
		rest = rest_size(kind, p + at, n - at, &f);
	}
	if (rest < 0 || (size_t)rest > n - at)
		return 0;
	return (unsigned)(at + (size_t)rest);
}

bool patch_insn_at(const uint8_t *code, size_t n, size_t want, unsigned size)
{
	bool found = false;
	size_t at = 0;

	while (at < n) {
		unsigned k = patch_insn_size(code + at, n - at);

		if (!k)
			return false;
		if (at == want && k == size)
			found = true;
		at += k;
	}
	return found;
}
