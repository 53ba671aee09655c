/* SPDX-License-Identifier: Apache-2.0 */
/* Rings of packet sockets (PACKET_RX_RING, version 2): frames in memory that the program
 * maps.  The program owns a frame while its status says so; what it writes there is looked
 * at for that word only.
 *
 * The memory is an object that goes with the socket: mappings borrow it, so a ring that
 * was ever mapped stays (EBUSY). */
#include "kernel/net/packet.h"
#include "kernel/vfs/vfs.h"

#define RING_MAX (64u << 20)
#define ALIGNMENT 16u
#define LINK_ROOM 16u           /* for a link header, and to align what follows it */

int packet_ring_set(struct packet_ring *r, const void *val, size_t size, int32_t version, uint32_t reserve)
{
	struct linux_tpacket_req q;
	uint32_t per_block;
	int err = 0;

	if (size < sizeof q)
		return -EINVAL;
	memcpy(&q, val, sizeof q);
	mutex_lock(&r->lock);
	if (r->set && (r->mapped || q.block_nr)) {
		err = -EBUSY;
	} else if (!q.block_nr) {
		if (q.frame_nr)
			err = -EINVAL;
		else
			packet_ring_free(r);
	} else if (version != TPACKET_V2 || !q.block_size || q.block_size % PLAT_PAGE_SIZE || q.frame_size % ALIGNMENT ||
		   q.frame_size < TPACKET2_HDRLEN + reserve || q.frame_size > q.block_size) {
		err = -EINVAL;
	} else {
		per_block = q.block_size / q.frame_size;
		if ((uint64_t)per_block * q.block_nr != q.frame_nr)
			err = -EINVAL;
		else if ((uint64_t)q.block_size * q.block_nr > RING_MAX)
			err = -ENOMEM;
		else
			err = plat_obj_new((uint64_t)q.block_size * q.block_nr, &r->obj);
		if (!err) {
			r->size = (uint64_t)q.block_size * q.block_nr;
			r->block_size = q.block_size;
			r->frame_size = q.frame_size;
			r->per_block = per_block;
			r->frames = q.frame_nr;
			r->head = 0;
			__atomic_store_n(&r->set, true, __ATOMIC_RELEASE);
		}
	}
	mutex_unlock(&r->lock);
	return err == -ENFILE || err == -EFBIG ? -ENOMEM : err;
}

void packet_ring_free(struct packet_ring *r)
{
	if (r->set)
		plat_obj_free(r->obj);
	__atomic_store_n(&r->set, false, __ATOMIC_RELEASE);
}

static uint64_t place(const struct packet_ring *r, uint32_t n)
{
	return (uint64_t)(n / r->per_block) * r->block_size + (uint64_t)(n % r->per_block) * r->frame_size;
}

static bool is_free(const struct packet_ring *r, uint32_t n)
{
	uint32_t status;

	return !plat_obj_read(r->obj, place(r, n), &status, sizeof status) && status == TP_STATUS_KERNEL;
}

bool packet_ring_put(struct packet_ring *r, const struct frame *f, size_t start, size_t keep, const struct packet_facts *p)
{
	uint32_t link = start ? LINK_ROOM : 0, net, mac, status = TP_STATUS_USER | (p->losing ? TP_STATUS_LOSING : 0);
	struct { struct linux_tpacket2_hdr h; struct linux_sockaddr_ll ll; } __packed h = { .ll = packet_name(f) };
	uint8_t *buf = NULL;
	uint64_t at;
	size_t n = 0;
	bool ok;

	if (link) {
		net = mac = (uint32_t)align_up(TPACKET2_HDRLEN, ALIGNMENT) + LINK_ROOM + p->reserve;
	} else {
		net = (uint32_t)align_up(TPACKET2_HDRLEN + LINK_ROOM, ALIGNMENT) + p->reserve;
		mac = net - FRAME_LINK_SIZE;
	}
	mutex_lock(&r->lock);
	ok = r->set && mac < r->frame_size && is_free(r, r->head);
	if (ok) {
		n = MIN(keep, (size_t)(r->frame_size - mac));
		buf = kmalloc(n + 1);
	}
	if (buf) {
		h.h = (struct linux_tpacket2_hdr){ .len = (uint32_t)(frame_size(f) - start), .snaplen = (uint32_t)n,
						   .mac = (uint16_t)mac, .net = (uint16_t)net,
						   .sec = (uint32_t)((uint64_t)p->time_ns / NSEC_PER_SEC),
						   .nsec = (uint32_t)((uint64_t)p->time_ns % NSEC_PER_SEC) };
		frame_copy(f, start, buf, n);
		at = place(r, r->head);
		/* The status last: from then on the frame is the program's. */
		ok = !plat_obj_write(r->obj, at, &h, sizeof h) && !plat_obj_write(r->obj, at + mac, buf, n) &&
		     !plat_obj_write(r->obj, at, &status, sizeof status);
		if (ok)
			r->head = (r->head + 1) % r->frames;
	}
	mutex_unlock(&r->lock);
	kfree(buf);
	return ok && buf;
}

bool packet_ring_ready(struct packet_ring *r)
{
	bool ready;

	mutex_lock(&r->lock);
	ready = r->set && !is_free(r, r->head ? r->head - 1 : r->frames - 1);
	mutex_unlock(&r->lock);
	return ready;
}

int packet_ring_mmap(struct packet_ring *r, uint64_t off, uint64_t size, struct mmap_target *ret)
{
	int err = -EINVAL;

	mutex_lock(&r->lock);
	if (r->set && !off && size == r->size) {
		*ret = (struct mmap_target){ .obj = r->obj };
		r->mapped = true;
		err = 0;
	}
	mutex_unlock(&r->lock);
	return err;
}
