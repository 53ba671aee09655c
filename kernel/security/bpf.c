/* SPDX-License-Identifier: Apache-2.0 */
/* Classic BPF over struct linux_seccomp_data: check once, run often.
 *
 * bpf_validate() admits only known instructions, aligned loads inside the
 * data, jumps forward inside the program, and a return at the end: a program
 * that passed ends after at most `count` steps and touches nothing else.
 * Scratch words start as zero. */
#include "kernel/lib/lib.h"
#include "kernel/security/security.h"

#define DATA_SIZE ((uint32_t)sizeof(struct linux_seccomp_data))

static bool valid_load(const struct linux_sock_filter *f)
{
	switch (f->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		return f->k <= DATA_SIZE - 4 && !(f->k & 3);
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
	case BPF_ST:
	case BPF_STX:
		return f->k < BPF_MEMWORDS;
	case BPF_LD | BPF_IMM:
	case BPF_LDX | BPF_IMM:
	case BPF_LD | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_W | BPF_LEN:
		return true;
	default:
		return false;
	}
}

static bool valid_alu(const struct linux_sock_filter *f)
{
	bool k = !(f->code & BPF_X);

	switch (f->code & 0xf0) {
	case BPF_ADD: case BPF_SUB: case BPF_MUL: case BPF_OR: case BPF_AND: case BPF_XOR:
		return true;
	case BPF_DIV:
		return !k || f->k;
	case BPF_LSH: case BPF_RSH:
		return !k || f->k < 32;
	case BPF_NEG:
		return k;
	default:
		return false;
	}
}

static bool valid_jump(const struct linux_sock_filter *f, unsigned left)
{
	switch (f->code & 0xf0) {
	case BPF_JA:
		return !(f->code & BPF_X) && f->k < left;
	case BPF_JEQ: case BPF_JGT: case BPF_JGE: case BPF_JSET:
		return f->jt < left && f->jf < left;
	default:
		return false;
	}
}

int bpf_validate(const struct linux_sock_filter *prog, unsigned count)
{
	if (!count || count > BPF_MAXINSNS)
		return -EINVAL;
	for (unsigned i = 0; i < count; i++) {
		const struct linux_sock_filter *f = &prog[i];
		bool ok = false;

		if (f->code & ~0xffu)
			return -EINVAL;
		switch (BPF_CLASS(f->code)) {
		case BPF_LD: case BPF_LDX: case BPF_ST: case BPF_STX:
			ok = valid_load(f);
			break;
		case BPF_ALU:
			ok = valid_alu(f);
			break;
		case BPF_JMP:
			ok = valid_jump(f, count - 1 - i);
			break;
		case BPF_RET:
			ok = f->code == (BPF_RET | BPF_K) || f->code == (BPF_RET | BPF_A);
			break;
		case BPF_MISC:
			ok = f->code == (BPF_MISC | BPF_TAX) || f->code == (BPF_MISC | BPF_TXA);
			break;
		}
		if (!ok)
			return -EINVAL;
	}
	return BPF_CLASS(prog[count - 1].code) == BPF_RET ? 0 : -EINVAL;
}

static uint32_t alu(unsigned op, uint32_t a, uint32_t v, bool *ret_stop)
{
	switch (op) {
	case BPF_ADD: return a + v;
	case BPF_SUB: return a - v;
	case BPF_MUL: return a * v;
	case BPF_DIV:
		if (!v)
			*ret_stop = true;       /* by X: the program ends with 0 */
		return v ? a / v : 0;
	case BPF_OR: return a | v;
	case BPF_AND: return a & v;
	case BPF_XOR: return a ^ v;
	case BPF_LSH: return v < 32 ? a << v : 0;
	case BPF_RSH: return v < 32 ? a >> v : 0;
	default: return -a;             /* BPF_NEG */
	}
}

static bool taken(unsigned op, uint32_t a, uint32_t v)
{
	switch (op) {
	case BPF_JEQ: return a == v;
	case BPF_JGT: return a > v;
	case BPF_JGE: return a >= v;
	default: return a & v;          /* BPF_JSET */
	}
}

uint32_t bpf_run(const struct linux_sock_filter *prog, unsigned count, const struct linux_seccomp_data *d)
{
	uint32_t a = 0, x = 0, mem[BPF_MEMWORDS] = { 0 };
	bool stop = false;

	for (unsigned i = 0; i < count && !stop; i++) {
		const struct linux_sock_filter *f = &prog[i];
		uint32_t v = f->code & BPF_X ? x : f->k;

		switch (BPF_CLASS(f->code)) {
		case BPF_LD:
			if (f->code == (BPF_LD | BPF_W | BPF_ABS))
				memcpy(&a, (const char *)d + f->k, sizeof(a));
			else if ((f->code & 0xe0) == BPF_MEM)
				a = mem[f->k];
			else
				a = (f->code & 0xe0) == BPF_LEN ? DATA_SIZE : f->k;
			break;
		case BPF_LDX:
			if ((f->code & 0xe0) == BPF_MEM)
				x = mem[f->k];
			else
				x = (f->code & 0xe0) == BPF_LEN ? DATA_SIZE : f->k;
			break;
		case BPF_ST:
			mem[f->k] = a;
			break;
		case BPF_STX:
			mem[f->k] = x;
			break;
		case BPF_ALU:
			a = alu(f->code & 0xf0, a, v, &stop);
			break;
		case BPF_JMP:
			if ((f->code & 0xf0) == BPF_JA)
				i += f->k;
			else
				i += taken(f->code & 0xf0, a, v) ? f->jt : f->jf;
			break;
		case BPF_RET:
			return f->code & BPF_A ? a : f->k;
		case BPF_MISC:
			if (f->code & BPF_TXA)
				a = x;
			else
				x = a;
			break;
		}
	}
	return SECCOMP_RET_KILL_THREAD;
}
