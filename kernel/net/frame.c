/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of packets that nobody sends: RFC 791, 8200, 768. */
#include "kernel/net/frame.h"
#include <linux_abi/packet.h>

struct ip4 { uint8_t vihl, tos; uint16_t len, id, frag; uint8_t ttl, proto; uint16_t sum; uint32_t src, dst; };
struct ip6 { uint8_t head[4]; uint16_t len; uint8_t next, hops; uint8_t src[16], dst[16]; };
struct udp { uint16_t from, to, len, sum; };
struct tcp { uint16_t from, to; uint32_t seq, ack; uint8_t off, flags; uint16_t window, sum, urgent; };
_Static_assert(sizeof(struct tcp) == 20, "TCP header");
_Static_assert(sizeof(struct ip4) == 20 && sizeof(struct ip6) == 40 && sizeof(struct udp) == 8, "headers");

uint32_t frame_sum(uint32_t sum, const void *p, size_t n)
{
	const uint8_t *b = p;
	uint64_t s = sum;

	for (; n > 1; n -= 2, b += 2)
		s += (uint32_t)b[0] << 8 | (uint32_t)b[1];
	if (n)
		s += (uint32_t)b[0] << 8;
	while (s >> 32)
		s = (s & UINT32_MAX) + (s >> 32);
	return (uint32_t)s;
}

uint16_t frame_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

uint32_t frame_pseudo(const struct ipaddr *from, const struct ipaddr *to, uint8_t protocol, size_t size)
{
	size_t skip = ip_is_v4(from) ? 12 : 0;
	uint32_t sum = (uint32_t)protocol + (uint32_t)(size >> 16) + (uint32_t)(size & 0xffff);

	sum = frame_sum(sum, from->b + skip, sizeof from->b - skip);
	return frame_sum(sum, to->b + skip, sizeof to->b - skip);
}

static void put_link(struct frame *f, uint16_t protocol)
{
	uint16_t type = be16(protocol);

	memset(f, 0, sizeof *f);
	f->protocol = protocol;
	f->kind = PACKET_HOST;
	memcpy(f->head + FRAME_LINK_SIZE - sizeof type, &type, sizeof type);
	f->net = f->head_size = FRAME_LINK_SIZE;
}

static void put_head(struct frame *f, const void *p, size_t n)
{
	memcpy(f->head + f->head_size, p, n);
	f->head_size += (unsigned)n;
	f->transport = f->head_size;
}

uint16_t frame_number(void)
{
	static uint16_t counter;

	return __atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED);
}

/* extra: bytes of the transport header that follows. */
static void put_ip(struct frame *f, const struct endpoint *from, const struct endpoint *to, uint8_t protocol,
		   uint8_t ttl, uint8_t tos, size_t extra)
{
	bool v4 = ip_is_v4(&to->ip);

	if (v4) {
		struct ip4 h = { .vihl = 0x45, .tos = tos, .len = be16((uint16_t)(sizeof h + extra + f->body_size)),
				 .id = be16(frame_number()), .frag = be16(0x4000),
				 .ttl = ttl, .proto = protocol, .src = be32(ip_v4(&from->ip)), .dst = be32(ip_v4(&to->ip)) };

		h.sum = be16(frame_fold(frame_sum(0, &h, sizeof h)));
		put_head(f, &h, sizeof h);
	} else {
		struct ip6 h = { .head = { (uint8_t)(0x60 | tos >> 4), (uint8_t)(tos << 4) },
				 .len = be16((uint16_t)(extra + f->body_size)), .next = protocol, .hops = ttl };

		memcpy(h.src, from->ip.b, sizeof h.src);
		memcpy(h.dst, to->ip.b, sizeof h.dst);
		put_head(f, &h, sizeof h);
	}
}

static void begin(struct frame *f, const struct endpoint *to, const void *body, size_t size)
{
	put_link(f, ip_is_v4(&to->ip) ? ETH_P_IP : ETH_P_IPV6);
	f->body = body;
	f->body_size = size;
	if (ip_is_multicast(&to->ip))
		f->kind = PACKET_MULTICAST;
	else if (ip_is_broadcast(&to->ip))
		f->kind = PACKET_BROADCAST;
}

void frame_ip(struct frame *f, const struct endpoint *from, const struct endpoint *to, uint8_t protocol, uint8_t ttl,
	      uint8_t tos, const void *body, size_t size)
{
	begin(f, to, body, size);
	put_ip(f, from, to, protocol, ttl, tos, 0);
}

void frame_udp(struct frame *f, const struct endpoint *from, const struct endpoint *to, uint8_t protocol, uint8_t ttl,
	       uint8_t tos, const void *body, size_t size)
{
	struct udp h = { be16(from->port), be16(to->port), be16((uint16_t)(sizeof h + size)), 0 };
	uint32_t sum;
	unsigned at;

	begin(f, to, body, size);
	put_ip(f, from, to, protocol, ttl, tos, sizeof h);
	sum = frame_sum(frame_pseudo(&from->ip, &to->ip, protocol, sizeof h + size), &h, sizeof h);
	h.sum = be16(frame_fold(frame_sum(sum, body, size)));
	if (!h.sum)
		h.sum = 0xffff;
	at = f->transport;
	put_head(f, &h, sizeof h);
	f->transport = at;
}

void frame_tcp(struct frame *f, const struct endpoint *from, const struct endpoint *to, const struct frame_tcp *t,
	       const void *body, size_t size)
{
	struct tcp h = { .from = be16(from->port), .to = be16(to->port), .seq = be32(t->seq), .ack = be32(t->ack),
			 .off = sizeof h / 4 << 4, .flags = t->flags, .window = t->flags & FRAME_RST ? 0 : 0xffff };
	uint32_t sum;
	unsigned at;

	begin(f, to, body, size);
	put_ip(f, from, to, IPPROTO_TCP, 64, 0, sizeof h);
	sum = frame_sum(frame_pseudo(&from->ip, &to->ip, IPPROTO_TCP, sizeof h + size), &h, sizeof h);
	h.sum = be16(frame_fold(frame_sum(sum, body, size)));
	at = f->transport;
	put_head(f, &h, sizeof h);
	f->transport = at;
}

void frame_bytes(struct frame *f, const void *body, size_t size)
{
	memset(f, 0, sizeof *f);
	f->body = body;
	f->body_size = size;
}

void frame_copy(const struct frame *f, size_t at, void *to, size_t n)
{
	size_t head = at < f->head_size ? MIN(n, f->head_size - at) : 0;

	if (head)
		memcpy(to, f->head + at, head);
	if (n > head)
		memcpy((uint8_t *)to + head, f->body + (at + head - f->head_size), n - head);
}
