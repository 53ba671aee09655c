/* SPDX-License-Identifier: Apache-2.0 */
/* patch_proof.c: may the instruction before a system call be replaced?
 *
 * All that is known is that a task executed the two bytes at the site as a
 * system call; a hostile one may have jumped to bytes that are no
 * instruction, in a file that others use.  So the proof rests on the file's
 * bytes alone: a window of whole instructions from a short list must lead
 * exactly to the site, its first instruction must be one of three that
 * compilers and libraries use there, distinctive enough not to be found
 * inside other instructions, and what stands before must not be able to
 * swallow its first byte.  In doubt: no.
 *
 *  1. mov $nr,%eax with the number the call was made with, which nothing in
 *     the window changes.
 *  2. mov between a 64-bit register and a place on the stack: syscall(3) and
 *     the slow paths of cancellation points.
 *  3. cmpb $0,x(%rip) and its short conditional jump: read(3) of glibc.
 *
 * Only the first instruction is replaced: each instruction boundary of the
 * text stays one.  Nothing in the window writes rsp or uses memory but the
 * stack (and the compare), so all of it may run elsewhere; an address that lea
 * takes relative to rip is made the same again there.
 * Source: AMD64 Architecture Programmer's Manual, volume 3. */
#include "kernel/mm/patch.h"
#include <linux_abi/syscall_nr.h>

#define NR_MAX 1024u
#define REX_W 8u
#define REX_R 4u
#define REX_X 2u
#define REX_B 1u

enum kind { PLAIN, MOV_NR, STACK_MOVE, COMPARE, JUMP, RIP_LEA };

struct insn {
	uint8_t len;
	bool eax;                       /* writes eax or a part of it */
	enum kind kind;
};

/* ModRM of an instruction between registers or with a place relative to rsp.
 * *ret_rm is the register, or 16 for memory. */
static unsigned modrm(const uint8_t *p, size_t n, unsigned rex, unsigned *ret_reg, unsigned *ret_rm)
{
	static const uint8_t disp[3] = { 0, 1, 4 };
	unsigned mod;

	if (!n)
		return 0;
	mod = p[0] >> 6;
	*ret_reg = (p[0] >> 3 & 7) | (rex & REX_R ? 8 : 0);
	*ret_rm = (p[0] & 7) | (rex & REX_B ? 8 : 0);
	if (mod == 3)
		return 1;
	if ((p[0] & 7) != 4 || n < 2 || p[1] != 0x24 || (rex & (REX_X | REX_B)))
		return 0;
	*ret_rm = 16;
	return 2 + disp[mod];
}

static bool decode_modrm(const uint8_t *p, size_t n, unsigned rex, unsigned op, struct insn *i)
{
	unsigned reg, rm, m = modrm(p, n, rex, &reg, &rm), dest, imm = 0;

	if (!m)
		return false;
	switch (op) {
	case 0x89:                      /* mov reg -> rm */
		dest = rm;
		break;
	case 0x8b:                      /* mov rm -> reg */
		dest = reg;
		break;
	case 0x31: case 0x33:           /* xor */
	case 0x63:                      /* movslq */
		if (rm == 16 || (op == 0x63 && !(rex & REX_W)))
			return false;
		dest = op == 0x31 ? rm : reg;
		break;
	case 0x80: case 0x81: case 0x83: /* arithmetic with a constant */
		if (rm == 16 || (op == 0x80 && !rex))
			return false;
		imm = op == 0x81 ? 4 : 1;
		dest = rm;
		break;
	case 0xf7:                      /* not, neg */
		if (rm == 16 || ((reg & 7) != 2 && (reg & 7) != 3))
			return false;
		dest = rm;
		break;
	default:
		return false;
	}
	if (dest == 4)
		return false;
	i->eax = dest == 0;
	if ((op == 0x89 || op == 0x8b) && rm == 16 && m >= 3 && (rex & ~REX_R) == (0x40 | REX_W))
		i->kind = STACK_MOVE;
	i->len = (uint8_t)(m + imm);
	return true;
}

/* What follows the opcode of lea, which computes and touches nothing. */
static bool decode_lea(const uint8_t *p, size_t n, unsigned rex, struct insn *i)
{
	unsigned mod, rm, dest, size;

	if (!n)
		return false;
	mod = p[0] >> 6;
	rm = p[0] & 7;
	if (mod == 3 || (rm == 4 && n < 2))
		return false;
	dest = (p[0] >> 3 & 7) | (rex & REX_R ? 8 : 0);
	size = rm == 4 ? 2 : 1;
	if (mod == 1)
		size += 1;
	else if (mod == 2 || (p[size - 1] & 7) == 5)
		size += 4;
	if (dest == 4)
		return false;
	i->eax = dest == 0;
	i->kind = mod == 0 && rm == 5 ? RIP_LEA : PLAIN;
	i->len = (uint8_t)size;
	return true;
}

/* One instruction of the list, at p; n bytes may be looked at. */
static bool decode(const uint8_t *p, size_t n, struct insn *i)
{
	unsigned rex = 0, at = 0, op;

	*i = (struct insn){ .kind = PLAIN };
	if (n && (p[0] & 0xf0) == 0x40)
		rex = p[at++];
	if (at >= n)
		return false;
	op = p[at++];
	if (op >= 0xb8 && op <= 0xbf) { /* mov $imm32,%r32 */
		if ((rex && rex != (0x40 | REX_B)) || (!rex && op == 0xbc))
			return false;
		i->eax = !rex && op == 0xb8;
		i->kind = i->eax ? MOV_NR : PLAIN;
		i->len = (uint8_t)(at + 4);
	} else if (op == 0x80 && !rex && n >= 7 && p[1] == 0x3d) {
		if (p[6])
			return false;
		i->kind = COMPARE;
		i->len = 7;
	} else if ((op == 0x74 || op == 0x75) && !rex) {
		i->kind = JUMP;
		i->len = 2;
	} else if (op == 0x8d) {
		if (!decode_lea(p + at, n - at, rex, i))
			return false;
		i->len = (uint8_t)(i->len + at);
	} else {
		if (!decode_modrm(p + at, n - at, rex, op, i))
			return false;
		i->len = (uint8_t)(i->len + at);
	}
	return i->len <= n;
}

/* The byte before an instruction may be a part of it.  The prefixes that are
 * not here mean nothing to the three kinds of first instruction, nor to the
 * jump that comes after them then. */
static bool prefix(uint8_t b)
{
	switch (b) {
	case 0x64: case 0x65: case 0x66: case 0x67: case 0xf0: case 0x0f:
		return true;
	default:
		return (b & 0xf0) == 0x40;
	}
}

/* Opcodes with ModRM and a 32-bit constant. */
static bool takes_imm32(uint8_t op) { return op == 0xc7 || op == 0x81 || op == 0x69 || op == 0xf7; }
static bool disp8_plain(uint8_t m) { return (m & 0xc0) == 0x40 && (m & 7) != 4; }
static bool disp8_sib(uint8_t m) { return (m & 0xc7) == 0x44; }
static bool disp32_sib(uint8_t m) { return (m & 0xc7) == 0x84; }

/* b8 of "mov $nr,%eax" as the displacement, ModRM or SIB byte of an
 * instruction that begins earlier and ends with the same four bytes.  Those that would touch memory near address nr
 * cannot have been executed; lea and long nops can. */
static bool mov_nr_doubtful(const uint8_t *w, size_t before)
{
	if (before >= 2 && takes_imm32(w[-2]) && disp8_plain(w[-1]))
		return true;
	if (before >= 3 && takes_imm32(w[-3]) && disp8_sib(w[-2]))
		return true;
	if (before >= 1 && w[-1] == 0x8d)
		return true;
	if (before >= 2 && w[-2] == 0x0f && (w[-1] == 0x0d || (w[-1] & 0xf8) == 0x18))
		return true;
	if (before >= 2 && disp32_sib(w[-1]) && (w[-2] == 0x8d || w[-2] == 0x1f))
		return true;
	return false;
}

/* Some of the window inside the constant of a movabs: programs that make code
 * hold pieces of it so. */
static bool in_movabs(const uint8_t *w, size_t before)
{
	for (size_t k = 2; k <= 9 && k <= before; k++) {
		const uint8_t *p = w - k;

		if ((p[0] & 0xf8) == 0x48 && (p[1] & 0xf8) == 0xb8)
			return true;
	}
	return false;
}

static bool nr_good(uint64_t nr)
{
	/* See patch_prove_return(). */
	return nr < NR_MAX && nr != NR_rt_sigreturn;
}

/* The number that mov $nr,%eax says is the one it was called with. */
static bool number(const uint8_t *w, uint64_t nr, uint16_t *ret)
{
	uint64_t said = w[1] | w[2] << 8 | w[3] << 16 | (uint64_t)w[4] << 24;

	if (nr == PATCH_NR_ANY ? !nr_good(said) : said != nr)
		return false;
	*ret = (uint16_t)said;
	return true;
}

static bool window(const uint8_t *w, size_t n, uint64_t nr, struct patch_proof *ret)
{
	struct patch_proof p = { .back = (uint8_t)n, .nr = PATCH_NR_ANY };
	enum kind first = PLAIN;
	struct insn i;

	while (n) {
		if (p.count == PATCH_STEPS || !decode(w, n, &i))
			return false;
		if (!p.count) {
			first = i.kind;
			if (first != MOV_NR && first != STACK_MOVE && first != COMPARE)
				return false;
			if (first == MOV_NR && !number(w, nr, &p.nr))
				return false;
		} else if ((i.kind == JUMP) != (first == COMPARE && p.count == 1) || i.kind == COMPARE ||
			   (i.eax && first == MOV_NR)) {
			return false;
		}
		if (i.kind == RIP_LEA)
			p.rip |= (uint8_t)(1u << p.count);
		p.len[p.count++] = i.len;
		w += i.len;
		n -= i.len;
	}
	if (first == COMPARE && p.count < 2)
		return false;
	p.compare = first == COMPARE;
	*ret = p;
	return true;
}

bool patch_prove(const uint8_t *code, size_t n, bool at_start, uint64_t nr, struct patch_proof *ret)
{
	size_t avail;

	if (n < 2 || code[n - 2] != 0x0f || code[n - 1] != 0x05 || (nr != PATCH_NR_ANY && !nr_good(nr)))
		return false;
	avail = n - 2;
	for (size_t back = 5; back <= avail && back <= PATCH_LOOKBACK; back++) {
		const uint8_t *w = code + avail - back;
		size_t before = avail - back;

		if (!before && !at_start)
			return false;
		if ((before && prefix(w[-1])) || !window(w, back, nr, ret))
			continue;
		if ((w[0] == 0xb8 && mov_nr_doubtful(w, before)) || in_movabs(w, before))
			return false;
		return true;
	}
	return false;
}

/* Unwinders know the return from a signal by these bytes, or by the tables. */
bool patch_prove_return(const uint8_t *code, size_t n, struct patch_proof *ret)
{
	static const uint8_t bytes[] = { 0x48, 0xc7, 0xc0, NR_rt_sigreturn, 0, 0, 0, 0x0f, 0x05 };

	if (n < sizeof(bytes) || memcmp(code + n - sizeof(bytes), bytes, sizeof(bytes)))
		return false;
	*ret = (struct patch_proof){ .back = sizeof(bytes) - 2, .count = 1, .len = { sizeof(bytes) - 2 },
				     .nr = NR_rt_sigreturn };
	return true;
}
