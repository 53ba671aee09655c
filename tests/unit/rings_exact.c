/* SPDX-License-Identifier: Apache-2.0 */
/* rings_exact.c: rings of packet sockets, every word and byte of them foretold.
 *
 * One process sends frames of a protocol that nobody else speaks and looks at the ring,
 * so a model says which frame lies where, which are dropped, and when a block is given. */
#include <errno.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tests/unit/model.h"
#include "tests/unit/rings.h"

#define STEPS 120
#define BLOCKS 4u
#define BLOCK_FRAMES 128u               /* the shortest takes 96 bytes, a block 8192 */
#define LINK 14u

/* ---- frames that say which they are ---- */

static uint8_t byte_of(uint32_t nr, uint32_t at)
{
	return at == 12 ? RINGS_TYPE >> 8 : at == 13 ? RINGS_TYPE & 0xff : (uint8_t)(nr * 37 + at * 11 + (at >> 8));
}

int rings_say(long s, uint32_t nr, uint32_t size, uint32_t before)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(RINGS_TYPE), .sll_ifindex = 1 };
	uint8_t b[10 + RINGS_FRAME] = { 0 };
	long r;

	for (uint32_t i = 0; i < size; i++)
		b[before + i] = byte_of(nr, i);
	u_put(data_page(), b, before + size);
	u_put(args_page(), &ll, sizeof ll);
	r = u(SYS_sendto, s, data_page(), before + size, 0, args_page(), sizeof ll);
	return r != (long)(before + size) && RINGS_WRONG(r, size);
}

int rings_check(uint64_t at, uint32_t nr, uint32_t from, uint32_t n)
{
	uint8_t b[RINGS_FRAME];

	u_get(b, at, n);
	for (uint32_t i = 0; i < n; i++)
		if (b[i] != byte_of(nr, from + i))
			return RINGS_WRONG(nr, i);
	return 0;
}

/* ---- any ring ---- */

struct sent { uint32_t nr, size; };     /* a frame */

struct ring {
	long talker, s;
	uint64_t at;
	int version;
	bool cooked;
	struct tpacket_req3 q;
	uint32_t reserve, mac, net;     /* as they are to be */
	uint32_t nr, taken, dropped;    /* frames; the last two since the statistics were read */
};

static void set_int(long s, int opt, uint32_t v)
{
	u_put(args_page(), &v, sizeof v);
	u(SYS_setsockopt, s, SOL_PACKET, opt, args_page(), sizeof v);
}

static int make(struct ring *r)
{
	uint32_t head = r->version == TPACKET_V3 ? 48 : 32;
	uint64_t size = (uint64_t)r->q.tp_block_size * r->q.tp_block_nr;
	long err;

	r->cooked = below(2);
	r->net = ((head + 20 + 15) & ~15u) + 16 + r->reserve;
	r->mac = r->cooked ? r->net : r->net - LINK;
	r->talker = u(SYS_socket, AF_PACKET, SOCK_RAW, 0);
	r->s = u(SYS_socket, AF_PACKET, r->cooked ? SOCK_DGRAM : SOCK_RAW, htons(RINGS_TYPE));
	set_int(r->s, PACKET_VERSION, (uint32_t)r->version);
	set_int(r->s, PACKET_RESERVE, r->reserve);
	u_put(args_page(), &r->q, sizeof r->q);
	err = u(SYS_setsockopt, r->s, SOL_PACKET, PACKET_RX_RING, args_page(),
		r->version == TPACKET_V3 ? sizeof r->q : sizeof(struct tpacket_req));
	if (err)
		return RINGS_WRONG(err, r->version);
	r->at = (uint64_t)u(SYS_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_SHARED, r->s, 0);
	return (int64_t)r->at < 0 && RINGS_WRONG(r->at, size);
}

static int unmake(struct ring *r)
{
	struct { uint32_t packets, drops, freezes; } st = { 0 };
	uint32_t n = sizeof st;

	u_put(args_page(), &n, sizeof n);
	u(SYS_getsockopt, r->s, SOL_PACKET, PACKET_STATISTICS, args_page() + 64, args_page());
	u_get(&st, args_page() + 64, sizeof st);
	u(SYS_munmap, r->at, (uint64_t)r->q.tp_block_size * r->q.tp_block_nr);
	u(SYS_close, r->s);
	u(SYS_close, r->talker);
	if (st.packets != r->taken + r->dropped || st.drops != r->dropped)
		return RINGS_WRONG(st.packets, st.drops);
	return 0;
}

static bool readable(const struct ring *r)
{
	struct pollfd p = { (int)r->s, POLLIN, 0 };

	u_put(args_page(), &p, sizeof p);
	return u(SYS_poll, args_page(), 1, 0) == 1;
}

static uint32_t seen_size(const struct ring *r, const struct sent *f) { return f->size - (r->cooked ? LINK : 0); }

static uint32_t any_size(void) { return LINK + below(below(3) ? 200 : below(2) ? 2000 : RINGS_FRAME - LINK); }

/* ---- versions 1 and 2: frames, one behind the other ---- */

static int check_frame(const struct ring *r, uint64_t at, const struct sent *f)
{
	uint32_t size = seen_size(r, f), room = r->mac < r->q.tp_frame_size ? r->q.tp_frame_size - r->mac : 0;
	struct sockaddr_ll ll;
	uint32_t len, snaplen;
	uint16_t mac, net;

	if (r->version == TPACKET_V1) {
		struct tpacket_hdr h;

		u_get(&h, at, sizeof h);
		len = h.tp_len;
		snaplen = h.tp_snaplen;
		mac = h.tp_mac;
		net = h.tp_net;
	} else {
		struct tpacket2_hdr h;

		u_get(&h, at, sizeof h);
		len = h.tp_len;
		snaplen = h.tp_snaplen;
		mac = h.tp_mac;
		net = h.tp_net;
	}
	u_get(&ll, at + 32, sizeof ll);
	if (len != size || snaplen != MIN(size, room) || ll.sll_protocol != htons(RINGS_TYPE))
		return RINGS_WRONG(len, snaplen);
	if (mac != r->mac || net != r->net)
		return RINGS_WRONG(mac, net);
	return rings_check(at + mac, f->nr, r->cooked ? LINK : 0, snaplen);
}

static int frames_step(struct ring *r, struct sent *there, uint32_t *head, uint32_t *count)
{
	uint32_t frames = r->q.tp_frame_nr, per = r->q.tp_block_size / r->q.tp_frame_size, tail, none = 0, status;
	uint64_t at;

	if (below(2)) {
		struct sent f = { r->nr++, any_size() };

		if (*count < frames) {
			there[*head] = f;
			*head = (*head + 1) % frames;
			++*count;
			r->taken++;
		} else {
			r->dropped++;
		}
		return rings_say(r->talker, f.nr, f.size, 0);
	}
	if (readable(r) != (*count > 0))
		return RINGS_WRONG(*count, frames);
	tail = (*head + frames - *count) % frames;
	at = r->at + (uint64_t)(tail / per) * r->q.tp_block_size + (uint64_t)(tail % per) * r->q.tp_frame_size;
	u_get(&status, at, sizeof status);
	if ((status & TP_STATUS_USER) != (*count > 0))
		return RINGS_WRONG(status, *count);
	if (!*count)
		return 0;
	if (check_frame(r, at, &there[tail]))
		return 1;
	u_put(at, &none, sizeof none);
	--*count;
	return 0;
}

static int frames(int version)
{
	static struct sent there[BLOCKS * 16384 / 64];
	struct ring r = { .version = version, .reserve = below(2) ? 0 : below(100) };
	uint32_t head = 0, count = 0, least = 52 + r.reserve;
	int bad = 0;

	r.q.tp_block_size = 4096u << below(3);
	r.q.tp_block_nr = 1 + below(BLOCKS);
	r.q.tp_frame_size = (least + 15) & ~15u;
	if (below(3))
		r.q.tp_frame_size += 16 * below((4096 - r.q.tp_frame_size) / 16 + 1);
	r.q.tp_frame_nr = r.q.tp_block_size / r.q.tp_frame_size * r.q.tp_block_nr;
	bad = make(&r);
	for (unsigned i = 0; !bad && i < STEPS; i++)
		bad = frames_step(&r, there, &head, &count);
	return bad || unmake(&r);
}

/* ---- version 3: blocks that fill ---- */

struct block { bool given; uint32_t used, count; struct sent f[BLOCK_FRAMES]; };
struct blocks { struct ring r; struct block b[BLOCKS]; uint32_t head, tail, begin; uint64_t seq; };

static uint32_t room(const struct blocks *x) { return x->r.q.tp_block_size - x->begin; }

static void give(struct blocks *x)
{
	x->b[x->head].given = true;
	x->head = (x->head + 1) % x->r.q.tp_block_nr;
}

static int blocks_say(struct blocks *x)
{
	struct sent f = { x->r.nr++, any_size() };
	uint32_t whole = (MIN(x->r.mac + seen_size(&x->r, &f), room(x)) + 7) & ~7u;
	struct block *b = &x->b[x->head];

	if (!b->given && b->count && b->used + whole >= x->r.q.tp_block_size) {
		give(x);
		b = &x->b[x->head];
	}
	if (b->given) {
		x->r.dropped++;
	} else {
		if (!b->count)
			b->used = x->begin;
		b->f[b->count++] = f;
		b->used += whole;
		x->r.taken++;
	}
	return rings_say(x->r.talker, f.nr, f.size, 0);
}

static int check_block(const struct blocks *x, uint64_t base, const struct block *b)
{
	struct tpacket_block_desc d;
	struct tpacket3_hdr h;
	uint64_t at = base + x->begin;

	u_get(&d, base, sizeof d);
	if (d.version != TPACKET_V3 || d.offset_to_priv != sizeof d || d.hdr.bh1.offset_to_first_pkt != x->begin)
		return RINGS_WRONG(d.version, d.hdr.bh1.offset_to_first_pkt);
	if (d.hdr.bh1.num_pkts != b->count || d.hdr.bh1.blk_len != b->used || d.hdr.bh1.seq_num != x->seq)
		return RINGS_WRONG(d.hdr.bh1.num_pkts, d.hdr.bh1.blk_len);
	for (uint32_t i = 0; i < b->count; i++, at += h.tp_next_offset) {
		uint32_t size = seen_size(&x->r, &b->f[i]), mac = MIN(x->r.mac, room(x)), kept = MIN(size, room(x) - mac);

		u_get(&h, at, sizeof h);
		if (h.tp_len != size || h.tp_snaplen != kept || h.tp_mac != mac || h.tp_net != x->r.net)
			return RINGS_WRONG(h.tp_snaplen, h.tp_mac);
		if (h.tp_next_offset != (i + 1 < b->count ? (mac + kept + 7) & ~7u : 0))
			return RINGS_WRONG(h.tp_next_offset, i);
		if (rings_check(at + mac, b->f[i].nr, x->r.cooked ? LINK : 0, kept))
			return 1;
	}
	return 0;
}

static int blocks_step(struct blocks *x)
{
	struct block *b = &x->b[x->tail];
	uint64_t base = x->r.at + (uint64_t)x->tail * x->r.q.tp_block_size;
	uint32_t status, at = offsetof(struct tpacket_block_desc, hdr.bh1.block_status);

	if (below(3))
		return blocks_say(x);
	if (below(2)) {                 /* what there is is given to who asks */
		if (!x->b[x->head].given && x->b[x->head].count)
			give(x);
		if (readable(&x->r) != b->given)
			return RINGS_WRONG(x->head, x->tail);
	}
	u_get(&status, base + at, sizeof status);
	if ((status & TP_STATUS_USER) != b->given)
		return RINGS_WRONG(status, x->tail);
	if (!b->given)
		return 0;
	x->seq++;
	if (check_block(x, base, b))
		return 1;
	b->given = false;
	b->count = 0;
	status = TP_STATUS_KERNEL;
	u_put(base + at, &status, sizeof status);
	x->tail = (x->tail + 1) % x->r.q.tp_block_nr;
	return 0;
}

/* The program's own part of a block stays as it is. */
static int private(const struct blocks *x, bool write)
{
	uint32_t size = x->begin - (uint32_t)sizeof(struct tpacket_block_desc);
	uint8_t b[8192];

	for (uint32_t i = 0; i < x->r.q.tp_block_nr; i++) {
		uint64_t at = x->r.at + (uint64_t)i * x->r.q.tp_block_size + sizeof(struct tpacket_block_desc);

		memset(b, 0xa5, size);
		if (write)
			u_put(at, b, size);
		u_get(b, at, size);
		for (uint32_t k = 0; k < size; k++)
			if (b[k] != 0xa5)
				return RINGS_WRONG(i, k);
	}
	return 0;
}

static int blocks(void)
{
	static struct blocks x;
	uint32_t least;
	int bad;

	x = (struct blocks){ .r = { .version = TPACKET_V3, .reserve = below(2) ? 0 : below(100) } };
	least = 68 + x.r.reserve;
	x.r.q.tp_block_size = 4096u << below(2);
	x.r.q.tp_block_nr = 1 + below(BLOCKS);
	x.r.q.tp_frame_size = (least + 15) & ~15u;
	x.r.q.tp_frame_nr = x.r.q.tp_block_size / x.r.q.tp_frame_size * x.r.q.tp_block_nr;
	x.r.q.tp_retire_blk_tov = below(2) ? 0 : UINT32_MAX;
	/* At most: one byte of a block behind both headers. */
	if (below(2))
		x.r.q.tp_sizeof_priv = below(3) ? below(1000) : ((x.r.q.tp_block_size - 48 - least - 1) & ~7u) - below(9);
	x.begin = 48 + ((x.r.q.tp_sizeof_priv + 7) & ~7u);
	bad = make(&x.r) || private(&x, true);
	for (unsigned i = 0; !bad && i < STEPS; i++)
		bad = blocks_step(&x);
	return bad || private(&x, false) || unmake(&x.r);
}

int rings_exact(void)
{
	return frames(TPACKET_V1) || frames(TPACKET_V2) || blocks();
}
