/* SPDX-License-Identifier: Apache-2.0 */
/* bpf.h: classic BPF, checked once, run often: filters of system calls
 * (kernel/security/bpf.c) and of sockets (kernel/net/filter.c).
 *
 * bpf_check() admits only known instructions, scratch words that exist, jumps forward
 * inside the program, and a return at the end: what passed ends after at most as many
 * steps as it has instructions.  What a program looks at, its two users say: which loads
 * may be there, and what they find.  Scratch words start as zero.
 * Trust: programs are hostile; they are copied before they are checked. */
#ifndef NACRE_KERNEL_BPF_H
#define NACRE_KERNEL_BPF_H

#include "kernel/lib/lib.h"
#include <linux_abi/seccomp.h>

/* Is this load or arithmetic, which not every user has, one of the user's? */
typedef bool bpf_extra_fn(const struct linux_sock_filter *f);
/* Does one of those loads; X as it is, *a into A; for BPF_MSH a byte.  false: ends the program with 0. */
typedef bool bpf_load_fn(const void *data, const struct linux_sock_filter *f, uint32_t x, uint32_t *a);

static inline bool bpf_valid_alu(const struct linux_sock_filter *f)
{
	bool k = !(f->code & BPF_X);

	switch (f->code & 0xf0) {
	case BPF_ADD: case BPF_SUB: case BPF_MUL: case BPF_OR: case BPF_AND: case BPF_XOR: return true;
	case BPF_DIV: return !k || f->k;
	case BPF_LSH: case BPF_RSH: return !k || f->k < 32;
	case BPF_NEG: return k;
	default: return false;
	}
}

/* left: instructions that follow. */
static inline bool bpf_valid(const struct linux_sock_filter *f, unsigned left)
{
	switch (BPF_CLASS(f->code)) {
	case BPF_LD: case BPF_LDX: case BPF_ST: case BPF_STX:
		switch (f->code) {
		case BPF_LD | BPF_IMM: case BPF_LDX | BPF_IMM:
		case BPF_LD | BPF_W | BPF_LEN: case BPF_LDX | BPF_W | BPF_LEN: return true;
		case BPF_LD | BPF_MEM: case BPF_LDX | BPF_MEM: case BPF_ST: case BPF_STX: return f->k < BPF_MEMWORDS;
		default: return false;
		}
	case BPF_ALU: return bpf_valid_alu(f);
	case BPF_JMP:
		switch (f->code & 0xf0) {
		case BPF_JA: return !(f->code & BPF_X) && f->k < left;
		case BPF_JEQ: case BPF_JGT: case BPF_JGE: case BPF_JSET: return f->jt < left && f->jf < left;
		default: return false;
		}
	case BPF_RET: return f->code == (BPF_RET | BPF_K) || f->code == (BPF_RET | BPF_A);
	default: return f->code == (BPF_MISC | BPF_TAX) || f->code == (BPF_MISC | BPF_TXA);
	}
}

static inline int bpf_check(const struct linux_sock_filter *prog, unsigned count, bpf_extra_fn *extra)
{
	if (!count || count > BPF_MAXINSNS)
		return -EINVAL;
	for (unsigned i = 0; i < count; i++)
		if (prog[i].code & ~0xffu || !(bpf_valid(&prog[i], count - 1 - i) || extra(&prog[i])))
			return -EINVAL;
	return BPF_CLASS(prog[count - 1].code) == BPF_RET ? 0 : -EINVAL;
}

static inline bool bpf_alu(unsigned op, uint32_t *a, uint32_t v)
{
	switch (op) {
	case BPF_ADD: *a += v; break;
	case BPF_SUB: *a -= v; break;
	case BPF_MUL: *a *= v; break;
	case BPF_DIV:
	case BPF_MOD:
		if (!v)
			return false;
		*a = op == BPF_DIV ? *a / v : *a % v;
		break;
	case BPF_OR: *a |= v; break;
	case BPF_AND: *a &= v; break;
	case BPF_XOR: *a ^= v; break;
	case BPF_LSH: *a <<= v & 31; break;     /* by X: as the processor does, and Linux */
	case BPF_RSH: *a >>= v & 31; break;
	default: *a = -*a; break;       /* BPF_NEG */
	}
	return true;
}

static inline bool bpf_taken(unsigned op, uint32_t a, uint32_t v)
{
	switch (op) {
	case BPF_JEQ: return a == v;
	case BPF_JGT: return a > v;
	case BPF_JGE: return a >= v;
	default: return a & v;          /* BPF_JSET */
	}
}

/* What a checked program returns.  size: what BPF_LEN says.  Inlined into each user, with its load. */
static inline __attribute__((always_inline))
uint32_t bpf_interpret(const struct linux_sock_filter *prog, unsigned count, uint32_t size,
		       bpf_load_fn *load, const void *data)
{
	uint32_t a = 0, x = 0, mem[BPF_MEMWORDS] = { 0 };

	for (unsigned pc = 0; pc < count; pc++) {
		const struct linux_sock_filter *f = &prog[pc];
		uint32_t v = f->code & BPF_X ? x : f->k, b = 0;

		switch (BPF_CLASS(f->code)) {
		case BPF_LD:
			switch (f->code & 0xe0) {
			case BPF_IMM: a = f->k; break;
			case BPF_MEM: a = mem[f->k]; break;
			case BPF_LEN: a = size; break;
			default:
				if (!load(data, f, x, &a))
					return 0;
			}
			break;
		case BPF_LDX:
			switch (f->code & 0xe0) {
			case BPF_IMM: x = f->k; break;
			case BPF_MEM: x = mem[f->k]; break;
			case BPF_LEN: x = size; break;
			default:                /* BPF_MSH */
				if (!load(data, f, 0, &b))
					return 0;
				x = (b & 15) * 4;
			}
			break;
		case BPF_ST: mem[f->k] = a; break;
		case BPF_STX: mem[f->k] = x; break;
		case BPF_ALU:
			if (!bpf_alu(f->code & 0xf0, &a, v))
				return 0;
			break;
		case BPF_JMP:
			if ((f->code & 0xf0) == BPF_JA)
				pc += f->k;
			else
				pc += bpf_taken(f->code & 0xf0, a, v) ? f->jt : f->jf;
			break;
		case BPF_RET:
			return f->code & BPF_A ? a : f->k;
		default:
			if (f->code & BPF_TXA)
				a = x;
			else
				x = a;
		}
	}
	return 0;
}

#endif
