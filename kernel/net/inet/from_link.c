/* SPDX-License-Identifier: Apache-2.0 */
/* What packet sockets put on lo comes in again: ip_rcv() and ipv6_rcv() for what a
 * program made itself.  Hostile bytes: everything is checked against the size.
 *
 * IPv4 does not believe packets from or to its own addresses that nobody routed here
 * (ip-sysctl: accept_local, route_localnet); IPv6 does.  Fragments and extension headers
 * are for nobody. */
#include "kernel/net/inet/dgram.h"
#include "kernel/net/inet/from_link.h"
#include "kernel/net/settings.h"
#include <linux_abi/packet.h>

struct ip4 { uint8_t vihl, tos; uint16_t len, id, frag; uint8_t ttl, proto; uint16_t sum; uint32_t src, dst; };
struct ip6 { uint8_t head[4]; uint16_t len; uint8_t next, hops; uint8_t src[16], dst[16]; };
_Static_assert(sizeof(struct ip4) == 20 && sizeof(struct ip6) == 40, "headers");

static bool loopback4(uint32_t a) { return a >> 24 == 127; }

/* Would Linux take a packet between these two from the link? */
static bool believed(struct netns *ns, uint32_t src, uint32_t dst)
{
	bool own = net_setting(ns, SET_conf4_all_accept_local) || net_setting(ns, SET_conf4_lo_accept_local);
	bool routed = net_setting(ns, SET_conf4_all_route_localnet) || net_setting(ns, SET_conf4_lo_route_localnet);
	struct ipaddr from = ip_from_v4(src);

	if (!(src >> 24) || ip_is_multicast(&from) || ip_is_broadcast(&from))
		return false;
	if ((loopback4(src) || loopback4(dst)) && !routed)
		return false;
	return own || !net_is_local(ns, &from);
}

/* The message that p is, or NULL. */
static struct dgram *from_ip4(struct netns *ns, const uint8_t *p, size_t n, int *ret_protocol)
{
	struct dgram *g;
	struct ip4 h;
	size_t head, size;

	if (n < sizeof h)
		return NULL;
	memcpy(&h, p, sizeof h);
	head = (size_t)(h.vihl & 15) * 4;
	size = be16(h.len);
	if (h.vihl >> 4 != 4 || head < sizeof h || size < head || size > n || be16(h.frag) & 0x3fff ||
	    frame_fold(frame_sum(0, p, head)) || !believed(ns, be32(h.src), be32(h.dst)))
		return NULL;
	g = dgram_msg_new(size - head);
	if (!g)
		return NULL;
	memcpy(g->data, p + head, g->size);
	g->from.ip = ip_from_v4(be32(h.src));
	g->to.ip = ip_from_v4(be32(h.dst));
	g->ttl = h.ttl;
	g->tos = h.tos;
	g->ip_id = be16(h.id);
	g->ip_frag = be16(h.frag);
	*ret_protocol = h.proto;
	return g;
}

static struct dgram *from_ip6(const uint8_t *p, size_t n, int *ret_protocol)
{
	struct dgram *g;
	struct ip6 h;

	if (n < sizeof h)
		return NULL;
	memcpy(&h, p, sizeof h);
	if (h.head[0] >> 4 != 6 || be16(h.len) > n - sizeof h || h.src[0] == 0xff)
		return NULL;
	g = dgram_msg_new(be16(h.len));
	if (!g)
		return NULL;
	memcpy(g->data, p + sizeof h, g->size);
	memcpy(g->from.ip.b, h.src, sizeof h.src);
	memcpy(g->to.ip.b, h.dst, sizeof h.dst);
	g->ttl = h.hops;
	g->tos = (uint8_t)(h.head[0] << 4 | h.head[1] >> 4);
	*ret_protocol = h.next;
	return g;
}

void inet_from_link(struct netns *ns, uint16_t type, const uint8_t *p, size_t n)
{
	struct dgram *g = NULL;
	int protocol = 0;

	if (type == ETH_P_IP)
		g = from_ip4(ns, p, n, &protocol);
	else if (type == ETH_P_IPV6)
		g = from_ip6(p, n, &protocol);
	/* An address of IPv4 inside one of IPv6 is nobody's on a link. */
	if (g && type == ETH_P_IPV6 && (ip_is_v4(&g->from.ip) || ip_is_v4(&g->to.ip))) {
		kfree(g);
		return;
	}
	if (!g)
		return;
	if (net_is_local(ns, &g->to.ip) || ip_is_multicast(&g->to.ip) || ip_is_broadcast(&g->to.ip)) {
		dgram_to_raw(ns, g, protocol);
		inet_answer(ns, g, protocol);
	}
	kfree(g);
}
