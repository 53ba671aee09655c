/* SPDX-License-Identifier: Apache-2.0 */
/* Segments for who watches lo: made up from what a connection does, while a
 * packet socket or a raw socket for TCP exists.  Acknowledgements without data are shown in the
 * handshake only. */
#include "kernel/net/inet/dgram.h"
#include "kernel/net/inet/tcp.h"
#include "kernel/net/packet.h"

/* Where the numbers of from's bytes begin: the same whenever it is asked. */
static uint32_t first_number(const struct endpoint *from, const struct endpoint *to)
{
	uint64_t ports = (uint64_t)from->port << 16 | to->port;

	return (uint32_t)hash_u64(ports ^ hash_bytes(from->ip.b, sizeof from->ip.b));
}

static void show_raw(struct netns *ns, const struct frame *f, const struct endpoint *from, const struct endpoint *to)
{
	struct dgram *g = dgram_msg_new(frame_size(f) - f->transport);

	if (!g)
		return;
	frame_copy(f, f->transport, g->data, g->size);
	g->from = *from;
	g->to = *to;
	g->ttl = net_ttl(ns, ip_is_v4(&to->ip));
	dgram_to_raw(ns, g, IPPROTO_TCP);
	kfree(g);
}

static void segment(struct netns *ns, const struct endpoint *from, const struct endpoint *to, uint8_t flags,
		    uint64_t sent, uint64_t received, const uint8_t *p, size_t n)
{
	struct frame_tcp t = { .flags = flags, .seq = first_number(from, to) + (uint32_t)sent + !(flags & FRAME_SYN) };
	struct frame f;

	if (flags & FRAME_ACK)
		t.ack = first_number(to, from) + (uint32_t)received + 1;
	frame_tcp(&f, from, to, &t, p, n);
	packet_show(ns, &f);
	if (__atomic_load_n(&ns->raw_count, __ATOMIC_RELAXED))
		show_raw(ns, &f, from, to);
}

void tcp_show_connect(const struct tcp_sock *t, bool accepted)
{
	struct endpoint a = t->in.local, b = t->in.remote;
	struct netns *ns = t->in.ns;

	segment(ns, &a, &b, FRAME_SYN, 0, 0, NULL, 0);
	if (!accepted) {
		segment(ns, &b, &a, FRAME_RST | FRAME_ACK, 0, 0, NULL, 0);
		return;
	}
	segment(ns, &b, &a, FRAME_SYN | FRAME_ACK, 0, 0, NULL, 0);
	segment(ns, &a, &b, FRAME_ACK, 0, 0, NULL, 0);
}

/* How many bytes t has sent and received. */
static void counts(struct tcp_sock *t, struct tcp_sock *peer, uint64_t *ret_sent, uint64_t *ret_received)
{
	tcp_lock(peer);
	*ret_sent = peer->rcv_seq;
	spin_unlock(&peer->lock);
	tcp_lock(t);
	*ret_received = t->rcv_seq + t->done;   /* a FIN has a number */
	spin_unlock(&t->lock);
}

/* Of what t sends behind so many more bytes; not counted yet. */
void tcp_numbers(struct tcp_sock *t, struct tcp_sock *peer, size_t ahead, struct frame_tcp *ret)
{
	struct endpoint a = t->in.local, b = t->in.remote;
	uint64_t sent, received;

	counts(t, peer, &sent, &received);
	ret->seq = first_number(&a, &b) + (uint32_t)(sent + ahead) + 1;
	ret->ack = first_number(&b, &a) + (uint32_t)received + 1;
}

void tcp_show(struct tcp_sock *t, struct tcp_sock *peer, uint8_t flags, const uint8_t *p, size_t n)
{
	struct endpoint a = t->in.local, b = t->in.remote;
	uint64_t sent, received;

	counts(t, peer, &sent, &received);
	if (!n)
		segment(t->in.ns, &a, &b, flags, sent, received, NULL, 0);
	for (size_t piece, at = 0; at < n; at += piece) {
		piece = MIN(n - at, (size_t)TCP_MSS);
		segment(t->in.ns, &a, &b, flags, sent + at, received, p + at, piece);
	}
}
