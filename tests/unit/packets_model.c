/* SPDX-License-Identifier: Apache-2.0 */
/* packets_model.c: packet sockets whose programs mean no good.
 *
 * Watchers have rings, which they map, overwrite while they are filled, take away and
 * set up anew with odd sizes; they attach filters made of random instructions.  Talkers
 * make everything that is shown on lo: UDP, ICMP, TCP with its clocks and resets, frames.
 * A watcher believes nothing but this: what a frame says lies inside the frame, a filter
 * that was taken ends, every call ends, and all memory comes back (model_rounds()). */
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tests/unit/model.h"
#include "tests/unit/unit.h"

#define ROUNDS 4
#define WATCHERS 3
#define TALKERS 3
#define STEPS 60
#define FRAME 2048u
#define ETH_ALL htons(3)

static uint32_t bad, talking;           /* atomic */

static int wrong(int line, long a, long b)
{
	model_say("packets: line %d: %ld %ld\n", line, a, b);
	set(bad, 1);
	return 1;
}

/* ---- filters ---- */

/* Any instructions; a good end makes the kernel look at them. */
void model_attach_any(long s, int level, int opt)
{
	static const uint8_t codes[] = {
		0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0c, 0x15, 0x16, 0x1c, 0x1d, 0x20, 0x25, 0x28, 0x2c, 0x30,
		0x34, 0x3c, 0x40, 0x45, 0x48, 0x50, 0x60, 0x61, 0x64, 0x6c, 0x74, 0x7c, 0x80, 0x81, 0x84, 0x87, 0x94, 0x9c,
		0xa4, 0xac, 0xb1,
	};
	static const uint32_t offsets[] = { 0, 1, 13, 14, 23, 54, 0x7fffffff, 0x80000000, 0xfffff000, 0xfffff004, 0xfffff028,
					    0xfffff038, 0xffffffff, 0xfff00000, 0xfff0000e, 0xffefffff, 0xffe00000, 0xffdfffff };
	struct sock_filter f[16];
	struct { uint16_t count; uint64_t at; } prog = { 1 + (uint16_t)below(ARRAY_SIZE(f)), data_page() };

	for (unsigned i = 0; i < prog.count; i++)
		f[i] = (struct sock_filter){ below(20) ? codes[below(sizeof codes)] : (uint16_t)testhost_random(),
					     (uint8_t)below(below(9) ? 5 : 256), (uint8_t)below(below(9) ? 5 : 256),
					     below(2) ? offsets[below(ARRAY_SIZE(offsets))] : below(40) };
	f[prog.count - 1] = (struct sock_filter){ BPF_RET | (below(2) ? BPF_K : BPF_A), 0, 0, below(2) ? 0xffff : below(60) };
	u_put(data_page(), f, sizeof f);
	u_put(args_page(), &prog, sizeof prog);
	u(SYS_setsockopt, s, level, opt, args_page(), sizeof prog);
}

static void attach_any(long s) { model_attach_any(s, SOL_SOCKET, SO_ATTACH_FILTER); }

static void option(long s, int level, int opt, int32_t v)
{
	u_put(args_page() + 512, &v, sizeof v);         /* beside a name */
	u(SYS_setsockopt, s, level, opt, args_page() + 512, sizeof v);
}

/* ---- watchers ---- */

struct ring { long s; uint64_t at, size; uint32_t frames; };

static void ring_make(struct ring *r)
{
	struct tpacket_req q = { 4096 << below(3), 1 + below(3), FRAME, 0 };

	q.tp_frame_nr = q.tp_block_size / FRAME * q.tp_block_nr;
	if (!below(6))                  /* nonsense */
		((uint32_t *)&q)[below(4)] = (uint32_t)testhost_random();
	option(r->s, SOL_PACKET, PACKET_VERSION, TPACKET_V2);
	if (!below(3))
		option(r->s, SOL_PACKET, PACKET_RESERVE, below(2) ? (int32_t)below(4000) : (int32_t)testhost_random());
	u_put(args_page(), &q, sizeof q);
	if (u(SYS_setsockopt, r->s, SOL_PACKET, PACKET_RX_RING, args_page(), sizeof q) || !q.tp_block_nr)
		return;
	r->size = (uint64_t)q.tp_block_size * q.tp_block_nr;
	r->frames = (uint32_t)(r->size / FRAME);
	if (q.tp_frame_size != FRAME || r->size > 1 << 20 || !below(4))
		return;                 /* filled, and nobody maps it */
	r->at = (uint64_t)u(SYS_mmap, 0, r->size, PROT_READ | PROT_WRITE, MAP_SHARED, r->s, 0);
	if ((int64_t)r->at < 0)
		r->at = 0;
}

/* What is there lies inside its frame, unless this program has just written there: nobody else does. */
static int ring_read(struct ring *r, bool honest)
{
	for (uint32_t i = 0; r->at && i < r->frames; i++) {
		uint64_t at = r->at + (uint64_t)i * FRAME;
		struct tpacket2_hdr h;
		uint32_t none = 0;

		u_get(&h, at, sizeof h);
		if (!(h.tp_status & TP_STATUS_USER))
			continue;
		/* PACKET_RESERVE may leave no room at all: then nothing is kept, and tp_mac is beyond the frame. */
		if (honest && ((h.tp_snaplen && h.tp_mac + (uint64_t)h.tp_snaplen > FRAME) || h.tp_snaplen > h.tp_len ||
			       h.tp_mac < sizeof h))
			return wrong(__LINE__, h.tp_mac, h.tp_snaplen);
		u_put(at, &none, sizeof none);
	}
	return 0;
}

static void ring_spoil(struct ring *r)
{
	uint64_t v = testhost_random();
	uint32_t i = below(r->frames ? r->frames : 1);

	if (r->at)
		u_put(r->at + (uint64_t)i * FRAME + below(8) * 4, &v, 4);
}

static int watcher(int nr)
{
	struct ring r = { u(SYS_socket, AF_PACKET, below(3) ? SOCK_RAW : SOCK_DGRAM, ETH_ALL), 0, 0, 0 };
	bool honest = nr == 0;

	/* As long as somebody talks, unless who did was killed for want of memory. */
	for (int i = 0; r.s >= 0 && i < 20 * STEPS && get(talking) && !get(bad); i++) {
		switch (below(10)) {
		case 0: case 1:
			if (!r.size)
				ring_make(&r);
			break;
		case 2: attach_any(r.s); break;
		case 3: option(r.s, SOL_SOCKET, SO_DETACH_FILTER, 0); break;
		case 4: option(r.s, SOL_PACKET, below(2) ? PACKET_RESERVE : PACKET_IGNORE_OUTGOING, (int32_t)below(3)); break;
		case 5: u(SYS_recvfrom, r.s, data_page(), DATA, MSG_DONTWAIT | (below(4) ? 0 : MSG_PEEK), 0, 0); break;
		case 6:
			if (!honest)
				ring_spoil(&r);
			break;
		case 7:
			if (!honest && r.at && !below(4)) {     /* the socket still has it */
				u(SYS_munmap, r.at, r.size);
				r.at = 0;
			}
			break;
		case 8: pause_us(1 + below(400)); break;
		default:
			if (ring_read(&r, honest))
				return 1;
		}
	}
	return 0;                       /* its ring goes with it, perhaps while somebody fills it */
}

/* ---- talkers ---- */

static void say_udp(long s, uint64_t name)
{
	u(SYS_sendto, s, data_page(), below(DATA), MSG_DONTWAIT, name, 16);
	u(SYS_recvfrom, s, data_page(), DATA, MSG_DONTWAIT, 0, 0);
}

static void talk_udp(void)
{
	struct sockaddr_in closed = { AF_INET, htons(9), { htonl(INADDR_LOOPBACK) }, { 0 } };
	long s = u(SYS_socket, AF_INET, SOCK_DGRAM, 0);

	if (bind_anywhere(AF_INET, false, s) == 0) {
		u(SYS_connect, s, args_page(), 16);
		if (!below(3))
			attach_any(s);
		for (int i = 0; i < 4; i++)
			say_udp(s, 0);
	}
	u_put(args_page(), &closed, sizeof closed);
	say_udp(s, args_page());
	u(SYS_close, s);
}

static void talk_frames(void)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(0x0800), .sll_ifindex = 1 };
	bool cooked = below(2);
	long s = u(SYS_socket, AF_PACKET, cooked ? SOCK_DGRAM : SOCK_RAW, 0);

	u_put(args_page(), &ll, sizeof ll);
	u(SYS_sendto, s, data_page(), below(2) ? below(40) : below(DATA), 0, args_page(), sizeof ll);
	u(SYS_close, s);
}

static void talk_icmp(void)
{
	struct sockaddr_in to = { AF_INET, 0, { htonl(INADDR_LOOPBACK) }, { 0 } };
	uint8_t ping[16] = { 8 };
	long s = u(SYS_socket, AF_INET, SOCK_RAW, IPPROTO_ICMP);

	u_put(args_page(), &to, sizeof to);
	if (below(2))
		attach_any(s);
	u_put(args_page(), &to, sizeof to);
	u_put(data_page(), ping, sizeof ping);
	u(SYS_sendto, s, data_page(), sizeof ping, MSG_DONTWAIT, args_page(), sizeof to);
	u(SYS_recvfrom, s, data_page(), DATA, MSG_DONTWAIT, 0, 0);
	u(SYS_close, s);
}

/* Accepts that are put off and sends that nobody reads end by a clock. */
static void talk_tcp(void)
{
	long l = u(SYS_socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), c = u(SYS_socket, AF_INET, SOCK_STREAM, 0), a;

	if (l < 0 || c < 0 || bind_anywhere(AF_INET, false, l))
		goto out;
	u(SYS_listen, l, 2);
	option(l, SOL_SOCKET, SO_RCVBUF, 4096);
	if (below(2))
		option(l, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
	u(SYS_connect, c, args_page(), 16);
	a = u(SYS_accept4, l, 0, 0, SOCK_NONBLOCK);
	option(c, IPPROTO_TCP, TCP_USER_TIMEOUT, 1);
	option(c, SOL_SOCKET, SO_SNDBUF, 4096);
	for (unsigned i = 0; i < 20; i++)
		if (u(SYS_sendto, c, data_page(), DATA, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0) < 0)
			break;
	if (below(2))
		pause_us(2000);
	if (below(2))
		u(SYS_shutdown, c, SHUT_WR);
	if (below(2)) {
		struct linger now = { 1, 0 };

		u_put(args_page(), &now, sizeof now);
		u(SYS_setsockopt, c, SOL_SOCKET, SO_LINGER, args_page(), sizeof now);
	}
	u(SYS_recvfrom, a, data_page(), DATA, MSG_DONTWAIT, 0, 0);
	if (a >= 0)
		u(SYS_close, a);
out:
	u(SYS_close, c);
	u(SYS_close, l);
}

static int talker(int nr)
{
	static void (*const talks[])(void) = { talk_udp, talk_frames, talk_icmp, talk_tcp };

	for (int i = 0; i < STEPS / 2 && !get(bad); i++)
		talks[below(ARRAY_SIZE(talks))]();
	add(talking, -1u);
	return nr < 0;
}

static int play(void)
{
	set(talking, TALKERS);
	for (int i = 0; i < WATCHERS; i++)
		u_fork(watcher, i);
	for (int i = 0; i < TALKERS; i++)
		if (u_fork(talker, i) < 0)
			add(talking, -1u);
	while (u(SYS_wait4, -1, 0, 0, 0) != -ECHILD)
		;
	return (int)get(bad);
}

int packets_model(int arg)
{
	return arg < 0 || model_rounds(play, ROUNDS);
}
