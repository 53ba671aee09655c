/* SPDX-License-Identifier: Apache-2.0 */
/* Filters of sockets: classic BPF over a frame, checked once, run often.
 *
 * A load outside of the frame ends a program with 0 (drop).  Loads at negative offsets
 * name the network or link header or facts about the packet (linux/filter.h:
 * SKF_NET_OFF, SKF_LL_OFF, SKF_AD_OFF). */
#include "kernel/lib/bpf.h"
#include "kernel/net/frame.h"
#include <linux_abi/packet.h>

struct sock_filter { struct ref ref; unsigned count; struct linux_sock_filter insn[]; };

#define AD_OFF (-0x1000)
#define NET_OFF (-0x100000)
#define LINK_OFF (-0x200000)
enum { AD_PROTOCOL = 0, AD_PKTTYPE = 4, AD_IFINDEX = 8, AD_MARK = 20, AD_QUEUE = 24, AD_HATYPE = 28, AD_RXHASH = 32,
       AD_CPU = 36, AD_XOR_X = 40, AD_VLAN_TAG = 44, AD_VLAN_PRESENT = 48, AD_RANDOM = 56, AD_VLAN_TPID = 60 };

/* Loads from the frame; the remainder. */
static bool extra(const struct linux_sock_filter *f)
{
	switch (f->code) {
	case BPF_LD | BPF_W | BPF_ABS: case BPF_LD | BPF_H | BPF_ABS: case BPF_LD | BPF_B | BPF_ABS:
	case BPF_LD | BPF_W | BPF_IND: case BPF_LD | BPF_H | BPF_IND: case BPF_LD | BPF_B | BPF_IND:
	case BPF_LDX | BPF_B | BPF_MSH:
	case BPF_ALU | BPF_MOD | BPF_X:
		return true;
	case BPF_ALU | BPF_MOD | BPF_K:
		return f->k;
	default:
		return false;
	}
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
		err = bpf_check(p->insn, p->count, extra);
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
	case AD_CPU: *a = plat_cpu_self(); return true;
	case AD_QUEUE: case AD_RXHASH: case AD_VLAN_TAG: case AD_VLAN_PRESENT: case AD_VLAN_TPID:
		*a = 0;
		return true;
	default: return false;
	}
}

/* n (1, 2 or 4) bytes at offset k, in network order; false: outside. */
static bool word(const struct view *v, int64_t k, unsigned n, uint32_t *ret)
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

static bool load(const void *data, const struct linux_sock_filter *f, uint32_t x, uint32_t *a)
{
	unsigned n = (f->code & 0x18) == BPF_W ? 4 : (f->code & 0x18) == BPF_H ? 2 : 1;
	const struct view *v = data;
	int64_t k = (int32_t)f->k;

	if ((f->code & 0xe0) == BPF_ABS && k < 0 && k >= AD_OFF)
		return about(v, (uint32_t)(k - AD_OFF), x, a);
	return word(v, (f->code & 0xe0) == BPF_IND ? (int32_t)(f->k + x) : k, n, a);
}

uint32_t filter_value(struct filter_slot *s, const struct frame *f, size_t start)
{
	struct view v = { f, start, frame_size(f) - start };
	struct sock_filter *p = get(s);
	uint32_t ret = p ? bpf_interpret(p->insn, p->count, (uint32_t)v.size, load, &v) : 0;

	put(p);
	return ret;
}

void filter_share(struct filter_slot *from, struct filter_slot *to) { put(exchange(to, get(from))); }

bool filter_run(struct filter_slot *s, const struct frame *f, size_t start, size_t *ret_keep)
{
	struct view v = { f, start, frame_size(f) - start };
	struct sock_filter *p = filter_there(s) ? get(s) : NULL;
	uint32_t keep;

	*ret_keep = v.size;
	if (!p)
		return true;
	keep = bpf_interpret(p->insn, p->count, (uint32_t)v.size, load, &v);
	*ret_keep = MIN(v.size, (size_t)keep);
	put(p);
	return keep;
}
