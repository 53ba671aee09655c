/* SPDX-License-Identifier: Apache-2.0 */
/* rings_model.c: packet rings of all versions, fan-out groups and ports that are shared.
 *
 * First one process alone, whose every byte is foretold (rings_exact.c, groups_exact.c).
 * Then meddlers: threads that share packet sockets give them rings at the bounds of what
 * is allowed, write anywhere into them while they are filled, join and leave groups and
 * close all that while talkers talk; processes do the same to a port that they share,
 * with random programs that choose.  Nothing is believed then, but every call ends and all memory comes back. */
#include <errno.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "tests/unit/model.h"
#include "tests/unit/rings.h"
#include "tests/unit/unit.h"

#define ROUNDS 4
#define MEDDLERS 3
#define THREADS 2
#define TALKERS 2
#define STEPS 60
#define POOL 4
#define MAP_MAX (1u << 20)
#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

static uint32_t bad, talking;           /* atomic */

int rings_wrong(const char *file, int line, long a, long b)
{
	model_say("%s: line %d: %ld %ld\n", strrchr(file, '/') + 1, line, a, b);
	set(bad, 1);
	return 1;
}

/* A meddler's; its threads use the same without asking each other. */
struct slot { long s; uint64_t at, size; };
static struct meddler { struct slot packet[POOL]; uint32_t threads; } meddlers[MEDDLERS];

static void option(long s, int level, int opt, const void *v, size_t n)
{
	u_put(args_page() + 512, v, n);
	u(SYS_setsockopt, s, level, opt, args_page() + 512, n);
}

static void option_int(long s, int level, int opt, uint32_t v) { option(s, level, opt, &v, sizeof v); }

/* A place of a slot, shared by threads. */
static long fd_of(struct slot *x) { return get(x->s); }

/* ---- rings ---- */

static uint32_t near(uint32_t v) { return v + below(33) - 16; }

static void ring_set(struct slot *x)
{
	static const uint32_t bounds[] = { 0, 1, 7, 8, 0x7fffffff, 0x80000000, UINT32_MAX - 7, UINT32_MAX };
	int version = (int)below(3);
	uint32_t head = version == TPACKET_V3 ? 68 : 52, reserve = below(3) ? 0 : below(2) ? below(4000) : 65000 + below(1000);
	struct tpacket_req3 q = { .tp_block_size = 4096u << below(5), .tp_block_nr = 1 + below(3) };

	q.tp_frame_size = (head + reserve + 15) & ~15u;
	q.tp_frame_size += 16 * below(below(2) ? 3 : 200);
	if (q.tp_frame_size)
		q.tp_frame_nr = q.tp_block_size / q.tp_frame_size * q.tp_block_nr;
	q.tp_retire_blk_tov = below(2) ? below(3) : (uint32_t)testhost_random();
	if (below(2))                   /* as much as there may be, or a bit more */
		q.tp_sizeof_priv = below(3) ? near(q.tp_block_size - 48 - head - reserve) : bounds[below(ARRAY_SIZE(bounds))];
	if (!below(5))
		((uint32_t *)&q)[below(7)] = below(2) ? bounds[below(ARRAY_SIZE(bounds))] : (uint32_t)testhost_random();
	option_int(fd_of(x), SOL_PACKET, PACKET_VERSION, (uint32_t)version);
	option_int(fd_of(x), SOL_PACKET, PACKET_RESERVE, reserve);
	option(fd_of(x), SOL_PACKET, below(4) ? PACKET_RX_RING : PACKET_TX_RING, &q,
	       version == TPACKET_V3 || !below(5) ? sizeof q : sizeof(struct tpacket_req));
}

static void ring_map(struct slot *x)
{
	uint64_t size = (uint64_t)(4096u << below(5)) * (1 + below(3));
	long at;

	if (get(x->at))
		return;
	at = u(SYS_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_of(x), 0);
	if (at < 0)
		return;
	set(x->size, size);
	set(x->at, (uint64_t)at);
}

/* Any word, often one that both sides look at. */
static void ring_spoil(struct slot *x)
{
	uint64_t v = below(2) ? below(3) : testhost_random(), at = get(x->at), size = get(x->size), off;

	if (!at || size > MAP_MAX)
		return;
	off = below(3) ? (uint64_t)below((unsigned)(size / 4096)) * 4096 + below(24) * 4 : below((unsigned)size / 4) * 4ul;
	if (off + 4 <= size)
		u_put(at + off, &v, 4);
}

static void ring_look(struct slot *x)
{
	struct pollfd p = { (int)fd_of(x), POLLIN, 0 };

	u_put(args_page(), &p, sizeof p);
	u(SYS_poll, args_page(), 1, below(2));
}

static void ring_give_back(struct slot *x)
{
	uint64_t at = get(x->at), size = get(x->size), none = 0;

	for (uint64_t off = 0; at && size <= MAP_MAX && off < size; off += 4096) {
		u_put(at + off, &none, 4);      /* version 1 and 2 */
		u_put(at + off + 8, &none, 4);  /* version 3 */
	}
}

/* ---- meddlers ---- */

static void packet_new(struct slot *x)
{
	static const uint16_t protocols[] = { 3, 0x0800, RINGS_TYPE, 0 };

	set(x->s, u(SYS_socket, AF_PACKET, below(4) ? SOCK_RAW : SOCK_DGRAM, htons(protocols[below(below(2) ? 1 : 4)])));
}

/* Nobody accepts: a connect() that blocks ends when the last SYN is due (every third), when the
 * program has waited enough, or when another process makes room. */
static long stream_new(void)
{
	bool blocks = below(2);
	long s = u(SYS_socket, AF_INET, SOCK_STREAM | (blocks ? 0 : SOCK_NONBLOCK), 0);
	struct timeval enough = { 0, 1000 };

	if (blocks && below(3))
		option(s, SOL_SOCKET, SO_SNDTIMEO, &enough, sizeof enough);
	else if (blocks)
		option_int(s, IPPROTO_TCP, TCP_USER_TIMEOUT, 1);
	return s;
}

static long port_new(void)
{
	struct sockaddr_in a = { AF_INET, htons(RINGS_PORT), { htonl(INADDR_LOOPBACK) }, { 0 } };
	long s = below(5) ? u(SYS_socket, AF_INET, SOCK_DGRAM, 0) : stream_new();

	option_int(s, SOL_SOCKET, SO_REUSEPORT, below(6) != 0);
	if (!below(3))                  /* before it has a group */
		model_attach_any(s, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF);
	u_put(args_page(), &a, sizeof a);
	u(SYS_bind, s, args_page(), sizeof a);
	if (!below(3))
		u(SYS_listen, s, 2);
	return s;
}

/* What is ready in a ring to send from, or the data page. */
static void ring_send(struct slot *x)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(RINGS_TYPE), .sll_ifindex = 1 };

	if (below(3))
		option_int(fd_of(x), SOL_PACKET, below(2) ? PACKET_LOSS : PACKET_TX_HAS_OFF, below(2));
	u_put(args_page(), &ll, sizeof ll);
	u(SYS_sendto, fd_of(x), data_page(), below(100), MSG_DONTWAIT, args_page(), sizeof ll);
}

static void packet_step(struct slot *x)
{
	long s = fd_of(x);

	switch (below(18)) {
	case 16: case 17: ring_send(x); break;
	case 0: u(SYS_close, s); packet_new(x); break;
	case 1: case 2: ring_set(x); break;
	case 3: option_int(s, SOL_PACKET, PACKET_VNET_HDR, below(2)); break;
	case 4: case 5:
		option_int(s, SOL_PACKET, PACKET_FANOUT, below(2) | (below(8) | below(2) * (below(8) << 12)) << 16);
		break;
	case 6: model_attach_any(s, SOL_PACKET, PACKET_FANOUT_DATA); break;
	case 7: model_attach_any(s, SOL_SOCKET, SO_ATTACH_FILTER); break;
	case 8: u(SYS_recvfrom, s, data_page(), below(DATA), MSG_DONTWAIT, 0, 0); break;
	case 9: ring_map(x); break;
	case 10: case 11: case 12: ring_spoil(x); break;
	case 13: ring_give_back(x); break;
	case 14: {
		uint64_t at = get(x->at);

		if (below(4) || !at)
			break;
		set(x->at, 0);
		u(SYS_munmap, at, get(x->size));
		break;
	}
	default: ring_look(x);
	}
}

static void port_step(long *at)
{
	struct sockaddr_in a = { AF_INET, htons(RINGS_PORT), { htonl(INADDR_LOOPBACK) }, { 0 } };
	long s = *at;

	switch (below(7)) {
	case 0: u(SYS_close, s); *at = port_new(); break;
	case 1: case 2: model_attach_any(s, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF); break;
	case 3: option_int(s, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, 0); break;
	case 4: u(SYS_recvfrom, s, data_page(), DATA, MSG_DONTWAIT, 0, 0); break;
	case 5:
		if (below(4))
			break;
		a.sin_family = below(2) ? AF_INET : AF_UNSPEC;
		u_put(args_page(), &a, sizeof a);
		u(SYS_connect, s, args_page(), sizeof a);
		break;
	default: pause_us(1 + below(200));
	}
}

static void meddle(struct meddler *m)
{
	for (int i = 0; i < 10 * STEPS && get(talking) && !get(bad); i++)
		packet_step(&m->packet[below(POOL)]);
}

/* Of a group that others have members in. */
static int port_meddler(int nr)
{
	long s[POOL];

	for (unsigned i = 0; i < POOL; i++)
		s[i] = port_new();
	for (int i = 0; i < 10 * STEPS && get(talking) && !get(bad); i++)
		port_step(&s[below(POOL)]);
	return nr < 0;
}

static int thread(int nr)
{
	meddle(&meddlers[nr]);
	add(meddlers[nr].threads, -1u);
	u(SYS_exit, 0);
	return 0;
}

/* Leaves with threads in the middle of their calls, or when they have ended. */
static int meddler(int nr)
{
	struct meddler *m = &meddlers[nr];
	bool wait = below(2);

	for (unsigned i = 0; i < POOL; i++) {
		m->packet[i].at = 0;
		packet_new(&m->packet[i]);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		add(m->threads, 1);
		if (u_clone(THREAD_FLAGS, thread, nr) < 0)
			add(m->threads, -1u);
	}
	meddle(m);
	for (unsigned i = 0; wait && get(m->threads) && i < 100; i++)
		pause_us(200);
	u(SYS_exit_group, 0);
	return 0;
}

/* ---- talkers ---- */

static void talk_port(void)
{
	struct sockaddr_in a = { AF_INET, htons(RINGS_PORT), { htonl(INADDR_LOOPBACK) }, { 0 } };
	long s = below(6) ? u(SYS_socket, AF_INET, SOCK_DGRAM, 0) : stream_new();

	u_put(args_page(), &a, sizeof a);
	u(SYS_connect, s, args_page(), sizeof a);
	for (int i = 0; i < 4; i++)
		u(SYS_sendto, s, data_page(), below(DATA), MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
	u(SYS_close, s);
}

static void talk_frame(void)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(below(2) ? 0x0800 : RINGS_TYPE),
				  .sll_ifindex = 1 };
	long s = u(SYS_socket, AF_PACKET, below(2) ? SOCK_RAW : SOCK_DGRAM, 0);

	if (below(2))
		option_int(s, SOL_PACKET, PACKET_VNET_HDR, 1);
	u_put(args_page(), &ll, sizeof ll);
	for (int i = 0; i < 3; i++)
		u(SYS_sendto, s, data_page(), below(2) ? below(40) : below(DATA), MSG_DONTWAIT, args_page(), sizeof ll);
	u(SYS_close, s);
}

static int talker(int nr)
{
	for (int i = 0; i < STEPS && !get(bad); i++)
		(below(3) ? talk_port : talk_frame)();
	add(talking, -1u);
	return nr < 0;
}

static int play(void)
{
	if (!model_faults && (rings_exact() || groups_exact()))
		return 1;
	memset(meddlers, 0, sizeof meddlers);
	set(talking, TALKERS);
	for (int i = 0; i < MEDDLERS; i++)
		u_fork(meddler, i);
	for (int i = 0; i < MEDDLERS; i++)
		u_fork(port_meddler, i);
	for (int i = 0; i < TALKERS; i++)
		if (u_fork(talker, i) < 0)
			add(talking, -1u);
	while (u(SYS_wait4, -1, 0, 0, 0) != -ECHILD)
		;
	return (int)get(bad);
}

int rings_model(int arg)
{
	return arg < 0 || model_rounds(play, ROUNDS);
}
