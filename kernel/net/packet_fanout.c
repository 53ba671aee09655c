/* SPDX-License-Identifier: Apache-2.0 */
/* PACKET_FANOUT (packet(7)): of the sockets of a group one gets each frame. */
#include "kernel/net/packet.h"

uint32_t packet_flow(const struct frame *f)
{
	bool v4 = f->protocol == ETH_P_IP;
	size_t size = v4 ? 4 : 16, at = f->net + (v4 ? 12 : 8), ports = f->transport;
	uint8_t a[16], b[16];
	uint16_t p[2];
	uint32_t h;

	if ((!v4 && f->protocol != ETH_P_IPV6) || at + 2 * size > frame_size(f) || ports + sizeof p > frame_size(f))
		return f->protocol;
	frame_copy(f, at, a, size);
	frame_copy(f, at + size, b, size);
	frame_copy(f, ports, p, sizeof p);
	h = hash_bytes(a, size) + hash_bytes(b, size);
	return (uint32_t)hash_u64((uint64_t)h << 32 | ((uint32_t)p[0] + p[1]));
}

unsigned packet_fanout_place(struct packet_fanout *g, const struct frame *f, unsigned count)
{
	uint32_t v = 0;

	switch (g->type) {
	case PACKET_FANOUT_HASH: v = packet_flow(f); break;
	case PACKET_FANOUT_LB: v = ++g->turn; break;
	case PACKET_FANOUT_CPU: v = plat_cpu_self(); break;
	case PACKET_FANOUT_RND: krandom(&v, sizeof v); break;
	case PACKET_FANOUT_CBPF: v = filter_value(&g->filter, f, f->net); break;
	default: break;
	}
	return v % count;
}

int packet_fanout_parse(uint32_t v, struct packet_fanout *ret)
{
	uint8_t type = (uint8_t)(v >> 16);
	uint16_t flags = (uint16_t)(v >> 16 & 0xff00);

	if (type > PACKET_FANOUT_CBPF || (type == PACKET_FANOUT_ROLLOVER && flags & PACKET_FANOUT_FLAG_ROLLOVER))
		return -EINVAL;
	*ret = (struct packet_fanout){ .set = true, .id = (uint16_t)v, .type = type, .flags = flags };
	return 0;
}
