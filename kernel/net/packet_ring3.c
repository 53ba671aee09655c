/* SPDX-License-Identifier: Apache-2.0 */
/* Rings of version 3: blocks that fill with frames of any size, one behind the other.
 *
 * A block goes to the program when the next frame does not fit, and when the program polls:
 * that is the end of the time that a block may wait (retire_blk_tov), as nobody looks
 * earlier.  A program that never polls and only reads the status gets full blocks. */
#include "kernel/net/packet.h"

#define FRAME_ALIGNMENT 8u

static uint64_t block_at(const struct packet_ring *r, uint32_t k) { return (uint64_t)k * r->block_size; }

bool packet_ring3_free(const struct packet_ring *r, uint32_t k)
{
	uint32_t status;

	return !plat_obj_read(r->obj, block_at(r, k) + offsetof(struct linux_tpacket_block, status), &status, sizeof status) &&
	       !(status & TP_STATUS_USER);
}

/* The block at the head, which has frames, becomes the program's. */
static void give(struct packet_ring *r, uint32_t flags)
{
	struct linux_tpacket_block b = {
		.version = TPACKET_V3, .offset_to_priv = sizeof b, .num_pkts = r->count, .offset_to_first = r->begin,
		.blk_len = r->used, .seq_num = ++r->seq, .first_sec = r->first_sec, .first_nsec = r->first_nsec,
		.last_sec = r->last_sec, .last_nsec = r->last_nsec,
	};
	uint32_t status = TP_STATUS_USER | flags, none = 0;
	uint64_t at = block_at(r, r->head);

	/* The status last.  What cannot be written is lost with the memory behind it. */
	if (!plat_obj_write(r->obj, at + r->last + offsetof(struct linux_tpacket3_hdr, next_offset), &none, sizeof none) &&
	    !plat_obj_write(r->obj, at, &b, sizeof b))
		(void)!plat_obj_write(r->obj, at + offsetof(struct linux_tpacket_block, status), &status, sizeof status);
	r->head = (r->head + 1) % r->blocks;
	r->used = 0;
}

bool packet_ring3_put(struct packet_ring *r, const struct frame *f, size_t start, size_t keep, const struct packet_facts *p)
{
	struct packet_layout l = packet_ring_layout(TPACKET3_HDRLEN, start, p->reserve);
	struct { struct linux_tpacket3_hdr h; struct linux_sockaddr_ll ll; } h = { .ll = packet_name(f) };
	uint32_t most = r->block_size - r->begin, sec, nsec, whole;
	uint64_t at;
	uint8_t *buf;
	size_t n;
	bool ok;

	if (l.net > UINT16_MAX)
		return false;
	l.mac = MIN(l.mac, most);       /* a block so small has headers only: packet_ring_set() */
	n = MIN(keep, (size_t)(most - l.mac));
	whole = (uint32_t)align_up(l.mac + n, FRAME_ALIGNMENT);
	if (r->used && r->used + whole >= r->block_size)        /* Linux fills none to its end */
		give(r, p->losing ? TP_STATUS_LOSING : 0);
	if (!r->used && !packet_ring3_free(r, r->head))
		return false;
	buf = kmalloc(n + 1);
	if (!buf)
		return false;
	sec = (uint32_t)((uint64_t)p->time_ns / NSEC_PER_SEC);
	nsec = (uint32_t)((uint64_t)p->time_ns % NSEC_PER_SEC);
	if (!r->used) {
		r->used = r->begin;
		r->count = 0;
		r->first_sec = sec;
		r->first_nsec = nsec;
		r->last = r->begin;
	}
	h.h = (struct linux_tpacket3_hdr){ .next_offset = whole, .sec = sec, .nsec = nsec, .snaplen = (uint32_t)n,
					   .len = (uint32_t)(frame_size(f) - start), .status = TP_STATUS_USER,
					   .mac = (uint16_t)l.mac, .net = (uint16_t)l.net };
	frame_copy(f, start, buf, n);
	at = block_at(r, r->head) + r->used;
	ok = !plat_obj_write(r->obj, at, &h, sizeof h) && (!n || !plat_obj_write(r->obj, at + l.mac, buf, n));
	kfree(buf);
	if (ok) {
		r->last = r->used;
		r->used += whole;
		r->count++;
		r->last_sec = sec;
		r->last_nsec = nsec;
	} else if (!r->count) {
		r->used = 0;
	}
	return ok;
}

bool packet_ring3_ready(struct packet_ring *r)
{
	if (r->used && r->count)
		give(r, TP_STATUS_BLK_TMO);
	return !packet_ring3_free(r, r->head ? r->head - 1 : r->blocks - 1);
}
