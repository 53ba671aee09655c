/* SPDX-License-Identifier: Apache-2.0 */
/* What IP answers to packets that programs made themselves (raw(7)): echo requests,
 * datagrams for a UDP socket or for nobody, segments for a TCP port (RFC 9293, 3.5.2).
 *
 * Such a segment never changes a connection: what would be part of one is left without an
 * answer, and a SYN for a listener finds an acknowledgement and, as its sender has no
 * connection that knows of it, a reset behind that. */
#include "kernel/net/inet/dgram.h"
#include "kernel/net/inet/tcp.h"
#include "kernel/net/packet.h"
#include "kernel/net/settings.h"

#define ICMP4_ECHO 8
#define ICMP4_REPLY 0
#define ICMP6_ECHO 128
#define ICMP6_REPLY 129
#define QUOTE_MAX 548u                  /* with the headers before it 576: RFC 1812, 4.3.2.3 */

struct echo { uint8_t type, code; uint16_t sum, id, seq; };
struct udp { uint16_t from, to, len, sum; };
struct tcp { uint16_t from, to; uint32_t seq, ack; uint8_t off, flags; uint16_t window, sum, urgent; };
_Static_assert(sizeof(struct tcp) == 20, "TCP header");

void inet_pass(struct netns *ns, const struct dgram *g, int protocol)
{
	bool v6 = !ip_is_v4(&g->to.ip);
	struct net_tally *n = &ns->tally;
	struct frame f;

	net_tally(&n->packets[v6], 1);
	net_tally(&n->bytes[v6], g->size + (v6 ? 40 : 20));
	if (inet_is_echo(g, protocol))
		net_tally(&n->echoes[v6], 1);
	else if (g->size && protocol == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP) && g->data[0] == (v6 ? ICMP6_REPLY : ICMP4_REPLY))
		net_tally(&n->replies[v6], 1);
	if (packet_watched(ns)) {
		frame_ip(&f, &g->from, &g->to, (uint8_t)protocol, g->ttl, g->tos, g->data, g->size);
		packet_show(ns, &f);
	}
	dgram_to_raw(ns, g, protocol);
}

void inet_sum(const struct dgram *g, int protocol, size_t at, size_t n)
{
	uint8_t *data = (uint8_t *)g->data;
	uint32_t sum = protocol == IPPROTO_ICMP ? 0 : frame_pseudo(&g->from.ip, &g->to.ip, (uint8_t)protocol, n);
	uint16_t v;

	memset(data + at, 0, sizeof v);
	v = be16(frame_fold(frame_sum(sum, data, n)));
	if (!v && protocol != IPPROTO_ICMP)
		v = 0xffff;
	memcpy(data + at, &v, sizeof v);
}

bool inet_sum_fine(const struct dgram *g, int protocol, size_t n)
{
	uint32_t sum = protocol == IPPROTO_ICMP ? 0 : frame_pseudo(&g->from.ip, &g->to.ip, (uint8_t)protocol, n);

	return !frame_fold(frame_sum(sum, g->data, n));
}

bool inet_is_echo(const struct dgram *g, int protocol)
{
	return g->size >= sizeof(struct echo) && !g->data[1] &&
	       ((protocol == IPPROTO_ICMPV6 && g->data[0] == ICMP6_ECHO) ||
		(protocol == IPPROTO_ICMP && g->data[0] == ICMP4_ECHO));
}

/* Does the name space answer this echo request? */
static bool answers(struct netns *ns, const struct dgram *g, bool v6, bool local)
{
	if (net_setting(ns, v6 ? SET_icmp6_echo_ignore_all : SET_ipv4_icmp_echo_ignore_all))
		return false;
	return local || !net_setting(ns, v6 ? SET_icmp6_echo_ignore_multicast : SET_ipv4_icmp_echo_ignore_broadcasts);
}

struct dgram *inet_echo_reply(struct netns *ns, const struct dgram *g, int protocol)
{
	bool local = net_is_local(ns, &g->to.ip), v6 = protocol == IPPROTO_ICMPV6;
	struct dgram *r = answers(ns, g, v6, local) ? dgram_msg_new(g->size) : NULL;

	if (!r)
		return NULL;
	memcpy(r->data, g->data, g->size);
	r->from = local ? g->to : g->from;
	r->to = g->from;
	r->ttl = net_ttl(ns, !v6);
	r->tos = g->tos;
	if (g->options.size && !v6) {
		ip_options_reply(&g->options, &r->options);
		ip_options_travel(&r->options, &r->from.ip, &r->to.ip);
	}
	r->data[0] = v6 ? ICMP6_REPLY : ICMP4_REPLY;
	inet_sum(r, protocol, offsetof(struct echo, sum), r->size);
	return r;
}

void inet_port_unreachable(struct netns *ns, const struct dgram *g, const struct frame *about)
{
	bool v4 = ip_is_v4(&g->to.ip);
	size_t n = MIN(frame_size(about) - about->net, (size_t)QUOTE_MAX);
	struct dgram *r = dgram_msg_new(8 + n);
	int protocol = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;

	if (!r)
		return;
	memset(r->data, 0, 8);
	r->data[0] = v4 ? 3 : 1;
	r->data[1] = v4 ? 3 : 4;
	frame_copy(about, about->net, r->data + 8, n);
	r->from = g->to;
	r->to = g->from;
	r->ttl = net_ttl(ns, v4);
	r->tos = v4 ? 0xc0 | (g->tos & 0x1e) : 0;
	inet_sum(r, protocol, 2, r->size);
	inet_pass(ns, r, protocol);
	kfree(r);
}

/* local: not for a group; known: its sender would get an answer. */
static void answer_udp(struct netns *ns, const struct dgram *g, bool local, bool known)
{
	struct dgram *c;
	struct frame f;
	struct udp h;
	size_t n;

	if (g->size < sizeof h)
		return;
	memcpy(&h, g->data, sizeof h);
	n = be16(h.len);
	if (n < sizeof h || n > g->size)
		return;
	if (h.sum || !ip_is_v4(&g->to.ip))      /* IPv4 may go without */
		if (!inet_sum_fine(g, IPPROTO_UDP, n))
			return;
	c = dgram_msg_new(n - sizeof h);
	if (!c)
		return;
	memcpy(c->data, g->data + sizeof h, c->size);
	c->from = g->from;
	c->to = g->to;
	c->from.port = be16(h.from);
	c->to.port = be16(h.to);
	c->ttl = g->ttl;
	c->tos = g->tos;
	c->options = g->options;
	if (!udp_receive(ns, c, local) && local && known) {
		frame_ip(&f, &g->from, &g->to, IPPROTO_UDP, g->ttl, g->tos, g->data, g->size);
		inet_port_unreachable(ns, g, &f);
	}
	kfree(c);
}

static void send_segment(struct netns *ns, const struct endpoint *from, const struct endpoint *to, struct frame_tcp t)
{
	struct dgram *r = dgram_msg_new(sizeof(struct tcp));
	struct frame f;

	if (!r)
		return;
	frame_tcp(&f, from, to, &t, NULL, 0);
	frame_copy(&f, f.transport, r->data, sizeof(struct tcp));
	r->from = *from;
	r->to = *to;
	r->ttl = net_ttl(ns, ip_is_v4(&to->ip));
	inet_pass(ns, r, IPPROTO_TCP);
	kfree(r);
}

static void answer_tcp(struct netns *ns, const struct dgram *g)
{
	struct endpoint from = g->from, to = g->to;
	struct frame_tcp t = { .flags = FRAME_RST };
	struct inet_sock *l;
	struct tcp h;
	size_t head;

	if (g->size < sizeof h)
		return;
	memcpy(&h, g->data, sizeof h);
	head = (size_t)(h.off >> 4) * 4;
	if (head < sizeof h || head > g->size || !inet_sum_fine(g, IPPROTO_TCP, g->size) || h.flags & FRAME_RST)
		return;
	from.port = be16(h.from);
	to.port = be16(h.to);
	if (inet_has_pair(ns, &to, &from))
		return;
	l = inet_find_listener(ns, &to, &from);
	if (l)
		tcp_put(tcp_of(l));
	if (l && !(h.flags & (FRAME_ACK | FRAME_SYN)))
		return;
	if (h.flags & FRAME_ACK) {
		t.seq = be32(h.ack);
	} else {
		t.ack = be32(h.seq) + (uint32_t)(g->size - head) + !!(h.flags & FRAME_SYN) + !!(h.flags & FRAME_FIN);
		t.flags |= FRAME_ACK;
	}
	if (l && !(h.flags & FRAME_ACK)) {
		t = (struct frame_tcp){ .ack = be32(h.seq) + 1, .flags = FRAME_SYN | FRAME_ACK };
		krandom(&t.seq, sizeof t.seq);
		send_segment(ns, &to, &from, t);
		send_segment(ns, &from, &to, (struct frame_tcp){ .seq = t.ack, .flags = FRAME_RST });
	} else {
		send_segment(ns, &to, &from, t);
	}
}

void inet_answer(struct netns *ns, const struct dgram *g, int protocol)
{
	bool local = net_is_local(ns, &g->to.ip), known = net_is_local(ns, &g->from.ip);
	struct dgram *r;

	if (protocol == IPPROTO_UDP)
		answer_udp(ns, g, local, known);
	if (!known)
		return;                 /* nobody here would get the answer */
	if (inet_is_echo(g, protocol) && inet_sum_fine(g, protocol, g->size)) {
		r = inet_echo_reply(ns, g, protocol);
		if (r)
			inet_pass(ns, r, protocol);
		kfree(r);
	} else if (protocol == IPPROTO_TCP && local) {
		answer_tcp(ns, g);
	}
}
