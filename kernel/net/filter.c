/* SPDX-License-Identifier: Apache-2.0 */
/* Filters of sockets: classic BPF over a frame, checked once, run often.
 *
 * filter_attach() admits only known instructions, jumps forward inside the
 * program and a return at the end: what passed ends after at most as many steps as
 * it has instructions.  A load outside of the frame ends it with 0 (drop).  Loads at
 * negative offsets name the network or link header or facts about the packet
 * (linux/filter.h: SKF_NET_OFF, SKF_LL_OFF, SKF_AD_OFF). */
#include "kernel/net/frame.h"
#include <linux_abi/packet.h>
#include <linux_abi/seccomp.h>

struct sock_filter { struct ref ref; unsigned count; struct linux_sock_filter insn[]; };

#define AD_OFF (-0x1000)
#define NET_OFF (-0x100000)
#define LINK_OFF (-0x200000)
enum { AD_PROTOCOL = 0, AD_PKTTYPE = 4, AD_IFINDEX = 8, AD_MARK = 20, AD_QUEUE = 24, AD_HATYPE = 28, AD_RXHASH = 32,
       AD_CPU = 36, AD_XOR_X = 40, AD_VLAN_TAG = 44, AD_VLAN_PRESENT = 48, AD_RANDOM = 56, AD_VLAN_TPID = 60 };

static bool valid_load(const struct linux_sock_filter *f)
{
	switch (f->code) {
	case BPF_LD | BPF_W | BPF_ABS: case BPF_LD | BPF_H | BPF_ABS: case BPF_LD | BPF_B | BPF_ABS:
	case BPF_LD | BPF_W | BPF_IND: case BPF_LD | BPF_H | BPF_IND: case BPF_LD | BPF_B | BPF_IND:
	case BPF_LDX | BPF_B | BPF_MSH:
	case BPF_LD | BPF_IMM: case BPF_LDX | BPF_IMM:
	case BPF_LD | BPF_W | BPF_LEN: case BPF_LDX | BPF_W | BPF_LEN:
		return true;
	case BPF_LD | BPF_MEM: case BPF_LDX | BPF_MEM: case BPF_ST: case BPF_STX:
		return f->k < BPF_MEMWORDS;
	default:
		return false;
	}
}

static bool valid_alu(const struct linux_sock_filter *f)
{
	bool k = !(f->code & BPF_X);

	switch (f->code & 0xf0) {
	case BPF_ADD: case BPF_SUB: case BPF_MUL: case BPF_OR: case BPF_AND: case BPF_XOR: return true;
	case BPF_DIV: case BPF_MOD: return !k || f->k;
	case BPF_LSH: case BPF_RSH: return !k || f->k < 32;
	case BPF_NEG: return k;
	default: return false;
	}
}

static bool valid(const struct linux_sock_filter *f, unsigned left)
{
	switch (BPF_CLASS(f->code)) {
	case BPF_LD: case BPF_LDX: case BPF_ST: case BPF_STX: return valid_load(f);
	case BPF_ALU: return valid_alu(f);
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

static int check(const struct sock_filter *p)
{
	for (unsigned i = 0; i < p->count; i++)
		if (p->insn[i].code & ~0xffu || !valid(&p->insn[i], p->count - 1 - i))
			return -EINVAL;
	return BPF_CLASS(p->insn[p->count - 1].code) == BPF_RET ? 0 : -EINVAL;
}

static void put(struct sock_filter *p)
{
	if (p && ref_put(&p->ref))
		kfree(p);
}

static struct sock_filter *exchange(struct filter_slot *s, struct sock_filter *p)
{
	struct sock_filter *old;

	spin_lock(&s->lock);
	old = s->filter;
	__atomic_store_n(&s->filter, p, __ATOMIC_RELAXED);
	spin_unlock(&s->lock);
	return old;
}

static struct sock_filter *get(struct filter_slot *s)
{
	struct sock_filter *p;

	spin_lock(&s->lock);
	p = s->filter;
	if (p)
		ref_get(&p->ref);
	spin_unlock(&s->lock);
	return p;
}

int filter_attach(struct filter_slot *s, const void *val, size_t size)
{
	struct linux_sock_fprog u;
	struct sock_filter *p;
	int err;

	if (size != sizeof u)
		return -EINVAL;
	memcpy(&u, val, sizeof u);
	if (!u.filter || !u.len || u.len > BPF_MAXINSNS)
		return -EINVAL;
	p = kmalloc(sizeof *p + u.len * sizeof p->insn[0]);
	if (!p)
		return -ENOMEM;
	ref_init(&p->ref);
	p->count = u.len;
	err = copy_in(p->insn, (uaddr){ u.filter }, u.len * sizeof p->insn[0]);
	if (!err)
		err = check(p);
	if (err)
		kfree(p);
	else
		put(exchange(s, p));
	return err;
}

int filter_detach(struct filter_slot *s)
{
	struct sock_filter *old = exchange(s, NULL);

	put(old);
	return old ? 0 : -ENOENT;
}

long filter_get(struct filter_slot *s, uaddr to, unsigned room)
{
	struct sock_filter *p = get(s);
	long n = p ? p->count : 0;
	int err = 0;

	if (room && room < n)
		err = -EINVAL;
	else if (room && n)
		err = copy_out(to, p->insn, p->count * sizeof p->insn[0]);
	put(p);
	return err ? err : n;
}

/* What a program sees: f from start on. */
struct view { const struct frame *f; size_t start, size; };

static bool about(const struct view *v, uint32_t what, uint32_t x, uint32_t *a)
{
	switch (what) {
	case AD_PROTOCOL: *a = v->f->protocol; return true;
	case AD_PKTTYPE: *a = v->f->kind; return true;
	case AD_IFINDEX: *a = LO_INDEX; return true;
	case AD_HATYPE: *a = ARPHRD_LOOPBACK; return true;
	case AD_MARK: *a = v->f->mark; return true;
	case AD_XOR_X: *a ^= x; return true;
	case AD_RANDOM: krandom(a, sizeof *a); return true;
	case AD_QUEUE: case AD_RXHASH: case AD_CPU: case AD_VLAN_TAG: case AD_VLAN_PRESENT: case AD_VLAN_TPID:
		*a = 0;
		return true;
	default: return false;
	}
}

/* n (1, 2 or 4) bytes at offset k, in network order; false: outside. */
static bool load(const struct view *v, int64_t k, unsigned n, uint32_t *ret)
{
	size_t end = frame_size(v->f);
	uint8_t b[4];
	uint64_t at;

	if (k >= 0)
		at = v->start + (uint64_t)k;
	else if (k >= NET_OFF)
		at = v->f->net + (uint64_t)(k - NET_OFF);
	else if (k >= LINK_OFF)
		at = (uint64_t)(k - LINK_OFF);
	else
		return false;
	if (at + n > end)
		return false;
	frame_copy(v->f, at, b, n);
	*ret = 0;
	for (unsigned i = 0; i < n; i++)
		*ret = *ret << 8 | b[i];
	return true;
}

static bool alu(unsigned op, uint32_t *a, uint32_t v)
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
	case BPF_LSH: *a = *a << (v & 31); break;
	case BPF_RSH: *a = *a >> (v & 31); break;
	default: *a = -*a; break;       /* BPF_NEG */
	}
	return true;
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

static bool load_a(const struct view *v, const struct linux_sock_filter *i, uint32_t x, uint32_t *a)
{
	unsigned n = (i->code & 0x18) == BPF_W ? 4 : (i->code & 0x18) == BPF_H ? 2 : 1;
	int64_t k = (int32_t)i->k;

	if ((i->code & 0xe0) == BPF_ABS && k < 0 && k >= AD_OFF)
		return about(v, (uint32_t)(k - AD_OFF), x, a);
	return load(v, (i->code & 0xe0) == BPF_IND ? (int32_t)(i->k + x) : k, n, a);
}

static uint32_t run(const struct sock_filter *p, const struct view *v)
{
	uint32_t a = 0, x = 0, mem[BPF_MEMWORDS] = { 0 };

	for (unsigned pc = 0; pc < p->count; pc++) {
		const struct linux_sock_filter *i = &p->insn[pc];
		uint32_t arg = i->code & BPF_X ? x : i->k, b;
		bool ok = true;

		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			switch (i->code & 0xe0) {
			case BPF_ABS: case BPF_IND: ok = load_a(v, i, x, &a); break;
			case BPF_MEM: a = mem[i->k]; break;
			case BPF_LEN: a = (uint32_t)v->size; break;
			default: a = i->k; break;
			}
			break;
		case BPF_LDX:
			switch (i->code & 0xe0) {
			case BPF_MSH:
				ok = load(v, (int32_t)i->k, 1, &b);
				x = ok ? (b & 15) * 4 : 0;
				break;
			case BPF_MEM: x = mem[i->k]; break;
			case BPF_LEN: x = (uint32_t)v->size; break;
			default: x = i->k; break;
			}
			break;
		case BPF_ST: mem[i->k] = a; break;
		case BPF_STX: mem[i->k] = x; break;
		case BPF_ALU: ok = alu(i->code & 0xf0, &a, arg); break;
		case BPF_JMP:
			if ((i->code & 0xf0) == BPF_JA)
				pc += i->k;
			else
				pc += taken(i->code & 0xf0, a, arg) ? i->jt : i->jf;
			break;
		case BPF_RET: return i->code & BPF_A ? a : i->k;
		default:
			if ((i->code & 0xf8) == BPF_TXA)
				a = x;
			else
				x = a;
		}
		if (!ok)
			return 0;
	}
	return 0;
}

bool filter_run(struct filter_slot *s, const struct frame *f, size_t start, size_t *ret_keep)
{
	struct view v = { f, start, frame_size(f) - start };
	struct sock_filter *p = filter_there(s) ? get(s) : NULL;
	uint32_t keep;

	*ret_keep = v.size;
	if (!p)
		return true;
	keep = run(p, &v);
	*ret_keep = MIN(v.size, (size_t)keep);
	put(p);
	return keep;
}
