/* SPDX-License-Identifier: Apache-2.0 */
/* groups_exact.c: who of a group gets what: PACKET_FANOUT, SO_ATTACH_REUSEPORT_CBPF; and
 * the header of PACKET_VNET_HDR.  A model has each member's queue. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tests/unit/model.h"
#include "tests/unit/rings.h"

#define MEMBERS 6u
#define STEPS 60
#define LINK 14u

static void set_int(long s, int level, int opt, uint32_t v)
{
	u_put(args_page(), &v, sizeof v);
	u(SYS_setsockopt, s, level, opt, args_page(), sizeof v);
}

static long attach(long s, int level, int opt, const struct sock_filter *f, uint16_t count)
{
	struct { uint16_t count; uint64_t at; } prog = { count, data_page() };

	u_put(data_page(), f, count * sizeof *f);
	u_put(args_page(), &prog, sizeof prog);
	return u(SYS_setsockopt, s, level, opt, args_page(), sizeof prog);
}

static const struct sock_filter first_byte[] = { { BPF_LD | BPF_B | BPF_ABS, 0, 0, 0 }, { BPF_RET | BPF_A, 0, 0, 0 } };

/* ---- fan-out ---- */

struct member { long s; uint32_t there, nr[STEPS], size[STEPS]; };
struct group { long talker; uint32_t type, count, sent, drained, turn; struct member m[MEMBERS]; };

/* Whose place is known: PACKET_FANOUT_LB, _ROLLOVER and _QM (the first has room), _CBPF. */
static bool foretold(const struct group *g)
{
	return g->type != PACKET_FANOUT_HASH && g->type != PACKET_FANOUT_CPU && g->type != PACKET_FANOUT_RND;
}

static int receive(struct group *g, struct member *m, uint32_t nr, uint32_t size)
{
	long r = u(SYS_recvfrom, m->s, data_page(), DATA, MSG_DONTWAIT, 0, 0);

	if (r != (long)size)
		return RINGS_WRONG(r, size);
	g->drained++;
	return rings_check(data_page(), nr, 0, size);
}

static int drain(struct group *g, struct member *m)
{
	for (uint32_t i = 0; i < m->there; i++)
		if (receive(g, m, m->nr[i], m->size[i]))
			return 1;
	m->there = 0;
	if (!foretold(g))
		while (u(SYS_recvfrom, m->s, data_page(), DATA, MSG_DONTWAIT, 0, 0) > 0)
			g->drained++;
	if (u(SYS_recvfrom, m->s, data_page(), DATA, MSG_DONTWAIT, 0, 0) != -EAGAIN)
		return RINGS_WRONG(g->type, g->count);
	return 0;
}

static int join(struct group *g)
{
	struct member *m = &g->m[g->count];
	long err;
	uint32_t v = 77 | g->type << 16;

	if (g->count == MEMBERS)
		return 0;
	*m = (struct member){ .s = u(SYS_socket, AF_PACKET, SOCK_RAW, htons(RINGS_TYPE)) };
	u_put(args_page(), &v, sizeof v);
	err = u(SYS_setsockopt, m->s, SOL_PACKET, PACKET_FANOUT, args_page(), sizeof v);
	if (!g->count && g->type == PACKET_FANOUT_CBPF && !err)
		err = attach(m->s, SOL_PACKET, PACKET_FANOUT_DATA, first_byte, 2);
	if (!g->count)
		g->turn = 0;
	g->count++;
	return err ? RINGS_WRONG(err, g->type) : 0;
}

/* The last takes the place. */
static int leave(struct group *g)
{
	uint32_t k = below(g->count);

	if (g->count == 1)
		return 0;
	if (drain(g, &g->m[k]))
		return 1;
	u(SYS_close, g->m[k].s);
	g->m[k] = g->m[--g->count];
	return 0;
}

static int send_one(struct group *g)
{
	uint32_t nr = g->sent++, size = LINK + 1 + below(300), place = 0;
	uint8_t first = (uint8_t)(nr * 37 + LINK * 11);
	struct member *m;

	if (g->type == PACKET_FANOUT_LB)
		place = ++g->turn % g->count;
	else if (g->type == PACKET_FANOUT_CBPF)
		place = first % g->count;
	m = &g->m[place];
	if (foretold(g)) {
		m->nr[m->there] = nr;
		m->size[m->there++] = size;
	}
	return rings_say(g->talker, nr, size, 0);
}

static int fanout(uint32_t type)
{
	struct group g = { .talker = u(SYS_socket, AF_PACKET, SOCK_RAW, 0), .type = type };
	int bad = join(&g);

	for (unsigned i = 0; !bad && i < STEPS; i++) {
		unsigned what = below(10);

		if (what < 2)
			bad = join(&g);
		else if (what == 2)
			bad = leave(&g);
		else if (what == 3)
			bad = drain(&g, &g.m[below(g.count)]);
		else
			bad = send_one(&g);
	}
	for (uint32_t k = 0; k < g.count; k++) {
		bad = bad || drain(&g, &g.m[k]);
		u(SYS_close, g.m[k].s);
	}
	u(SYS_close, g.talker);
	return bad || (g.sent != g.drained && RINGS_WRONG(g.sent, g.drained));
}

/* ---- headers for offloads ---- */

static int vnet(void)
{
	long talker = u(SYS_socket, AF_PACKET, SOCK_RAW, 0), s = u(SYS_socket, AF_PACKET, SOCK_RAW, htons(RINGS_TYPE)), r;
	uint8_t head[10], none[10] = { 0 };
	int bad = 0;

	set_int(s, SOL_PACKET, PACKET_VNET_HDR, 1);
	set_int(talker, SOL_PACKET, PACKET_VNET_HDR, 1);
	for (uint32_t nr = 0; !bad && nr < 20; nr++) {
		uint32_t size = LINK + below(400), room = below(3) ? DATA : below(600);
		bool whole = below(2);

		bad = rings_say(talker, nr, size, sizeof head);
		if (bad)
			break;
		r = u(SYS_recvfrom, s, data_page(), room, MSG_DONTWAIT | (whole ? MSG_TRUNC : 0), 0, 0);
		if (room < sizeof head) {       /* and the frame is gone */
			bad = r != -EINVAL && RINGS_WRONG(r, room);
			continue;
		}
		if (r != (long)(sizeof head + (whole ? size : MIN(size, room - sizeof head))))
			bad = RINGS_WRONG(r, room);
		u_get(head, data_page(), sizeof head);
		if (memcmp(head, none, sizeof head))
			bad = RINGS_WRONG(head[0], nr);
		bad = bad || rings_check(data_page() + sizeof head, nr, 0, (uint32_t)MIN(size, room - sizeof head));
	}
	r = u(SYS_sendto, talker, data_page(), 9, 0, args_page(), sizeof(struct sockaddr_ll));
	u(SYS_close, s);
	u(SYS_close, talker);
	return bad || (r != -EINVAL && RINGS_WRONG(r, 9));
}

/* ---- ports that are shared ---- */

static long port_socket(long *ret)
{
	struct sockaddr_in a = { AF_INET, htons(RINGS_PORT), { htonl(INADDR_LOOPBACK) }, { 0 } };

	*ret = u(SYS_socket, AF_INET, SOCK_DGRAM, 0);
	set_int(*ret, SOL_SOCKET, SO_REUSEPORT, 1);
	u_put(args_page(), &a, sizeof a);
	return u(SYS_bind, *ret, args_page(), sizeof a);
}

/* Who has the message of these bytes; -1: nobody, -2: another one. */
static int who_got(const long *s, uint32_t n, uint8_t first, uint32_t size)
{
	int who = -1;
	uint8_t b;

	for (uint32_t i = 0; i < n; i++) {
		long r = u(SYS_recvfrom, s[i], data_page(), DATA, MSG_DONTWAIT, 0, 0);

		if (r < 0)
			continue;
		u_get(&b, data_page(), 1);
		if (who >= 0 || r != (long)size || b != first)
			return -2;
		who = (int)i;
	}
	return who;
}

static int shared_port(void)
{
	struct sockaddr_in to = { AF_INET, htons(RINGS_PORT), { htonl(INADDR_LOOPBACK) }, { 0 } };
	long s[MEMBERS], out = u(SYS_socket, AF_INET, SOCK_DGRAM, 0), err;
	uint32_t n = 2 + below(MEMBERS - 2), before = 1 + below(n);
	bool chosen = true;
	int bad = 0;

	for (uint32_t i = 0; i < n; i++) {
		err = port_socket(&s[i]);
		if (!err && i + 1 == before)    /* who comes later gets it from the group */
			err = attach(s[below(before)], SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, first_byte, 2);
		if (err)
			bad = RINGS_WRONG(err, i);
	}
	for (unsigned i = 0; !bad && i < STEPS; i++) {
		uint8_t b[300] = { (uint8_t)below(n + 2) };
		uint32_t size = 1 + below(sizeof b);
		int who;

		if (i == STEPS / 2) {           /* from any of them, for all */
			set_int(s[below(n)], SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, 0);
			chosen = false;
		}
		u_put(data_page(), b, size);
		u_put(args_page(), &to, sizeof to);
		if (u(SYS_sendto, out, data_page(), size, 0, args_page(), sizeof to) != (long)size)
			bad = RINGS_WRONG(i, size);
		who = who_got(s, n, b[0], size);
		if (who < 0 || (chosen && b[0] < n && who != b[0]))
			bad = RINGS_WRONG(who, b[0]);
	}
	for (uint32_t i = 0; i < n; i++)
		u(SYS_close, s[i]);
	u(SYS_close, out);
	return bad;
}

int groups_exact(void)
{
	for (uint32_t type = PACKET_FANOUT_HASH; type <= PACKET_FANOUT_CBPF; type++)
		if (fanout(type))
			return 1;
	return vnet() || shared_port();
}
