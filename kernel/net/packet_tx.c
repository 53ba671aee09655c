/* SPDX-License-Identifier: Apache-2.0 */
/* Rings to send from (PACKET_TX_RING): the program fills frames and says by their status that they
 * are to go; a call that sends, whatever else it has, sends those at the head.
 *
 * What the program maps may change at any time: a header is read once, the data copied once.
 * Frames go at once and are the program's again, so none is ever seen on its way.
 *
 * Locks: tx.lock, held while frames are shown; rings that are filled meanwhile have other locks. */
#include "kernel/net/packet_sock.h"
#include "kernel/task/task.h"

#define VLAN_SIZE 4u            /* what Linux lets a frame be longer for */
#define AT_ONCE 4096u           /* of one call: a program that fills as fast as we send does not keep us */
#define BYTES_AT_ONCE (16l << 20)

struct tx_header { uint32_t status, len, next; uint16_t mac, net; };

static size_t header_size(const struct packet_ring *r)
{
	return r->version == TPACKET_V3 ? sizeof(struct linux_tpacket3_hdr) : sizeof(struct linux_tpacket2_hdr);
}

static bool read_header(const struct packet_ring *r, uint64_t at, struct tx_header *ret)
{
	union { struct linux_tpacket1_hdr v1; struct linux_tpacket2_hdr v2; struct linux_tpacket3_hdr v3; } h;

	if (plat_obj_read(r->obj, at, &h, header_size(r)))
		return false;
	if (r->version == TPACKET_V1)
		*ret = (struct tx_header){ (uint32_t)h.v1.status, h.v1.len, 0, h.v1.mac, h.v1.net };
	else if (r->version == TPACKET_V2)
		*ret = (struct tx_header){ h.v2.status, h.v2.len, 0, h.v2.mac, h.v2.net };
	else
		*ret = (struct tx_header){ h.v3.status, h.v3.len, h.v3.next_offset, h.v3.mac, h.v3.net };
	return true;
}

static bool set_status(const struct packet_ring *r, uint64_t at, uint64_t status)
{
	if (r->version == TPACKET_V3)
		at += offsetof(struct linux_tpacket3_hdr, status);
	return !plat_obj_write(r->obj, at, &status, r->version == TPACKET_V1 ? sizeof status : sizeof(uint32_t));
}

/* Where in its frame the data is, and how long; or why it cannot go. */
static long locate(const struct packet_sock *k, const struct tx_header *h, uint32_t *ret_off, uint32_t *ret_skip)
{
	const struct packet_ring *r = &k->tx;
	uint32_t first = (uint32_t)header_size(r), link = k->type == SOCK_RAW ? FRAME_LINK_SIZE : 0, len = h->len;
	uint32_t room = r->frame_size - first, most = k->ns->lo.mtu + link + VLAN_SIZE;
	bool vnet = word(&k->vnet_hdr);

	if (room > most && !vnet)
		room = most;
	*ret_off = first;
	*ret_skip = 0;
	if (h->next)
		return -EINVAL;
	if (len > room)
		return -EMSGSIZE;
	if (word(&k->tx_has_off)) {
		*ret_off = k->type == SOCK_DGRAM ? h->net : h->mac;
		if (*ret_off < first || *ret_off > r->frame_size - len)
			return -EINVAL;
	}
	if (vnet) {
		*ret_skip = sizeof(struct linux_virtio_net_hdr);
		if (len < *ret_skip)
			return -EINVAL;
		len -= *ret_skip;
	}
	if (len < link)
		return -EINVAL;
	return len > k->ns->lo.mtu + link && !vnet ? -EMSGSIZE : (long)len;
}

static long send_frame(struct packet_sock *k, const struct tx_header *h, uint64_t at, uint16_t protocol)
{
	uint32_t off, skip;
	long n = locate(k, h, &off, &skip);
	uint8_t *buf;

	if (n < 0)
		return n;
	buf = kmalloc((size_t)n + 1);
	if (!buf)
		return -ENOBUFS;
	if (n && plat_obj_read(k->tx.obj, at + off + skip, buf, (size_t)n)) {
		kfree(buf);
		return -ENOBUFS;
	}
	packet_transmit(k, protocol, buf, (size_t)n);
	kfree(buf);
	return n;
}

long packet_tx_send(struct packet_sock *k, uint16_t protocol)
{
	struct packet_ring *r = &k->tx;
	bool lossy = word(&k->loss);
	struct tx_header h;
	long sum = 0, n;

	mutex_lock(&r->lock);
	for (uint32_t done = 0; r->set && done < AT_ONCE && sum < BYTES_AT_ONCE; done++) {
		uint64_t at = packet_ring_place(r, r->head);

		if (!read_header(r, at, &h) || h.status != TP_STATUS_SEND_REQUEST)
			break;
		n = send_frame(k, &h, at, protocol);
		if (n < 0 && (!lossy || n == -ENOBUFS)) {
			(void)!set_status(r, at, n == -ENOBUFS ? TP_STATUS_SEND_REQUEST : TP_STATUS_WRONG_FORMAT);
			sum = n == -ENOBUFS && sum ? sum : n;
			break;
		}
		if (!set_status(r, at, TP_STATUS_KERNEL))
			break;
		r->head = (r->head + 1) % r->frames;
		if (n > 0)
			sum += n;
	}
	mutex_unlock(&r->lock);
	return sum;
}
