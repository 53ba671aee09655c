/* SPDX-License-Identifier: Apache-2.0 */
/* Rings of packet sockets (PACKET_RX_RING; versions 1 and 2 here): frames in memory that the
 * program maps.  The program owns a frame while its status says so; what it writes there is looked
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
	uint64_t least = (version == TPACKET_V3 ? TPACKET3_HDRLEN : TPACKET2_HDRLEN) + (uint64_t)reserve, begin;
	struct linux_tpacket_req3 q3 = { 0 };
	struct linux_tpacket_req q;
	uint32_t per_block;
	int err = 0;

	if (size < (version == TPACKET_V3 ? sizeof q3 : sizeof q))
		return -EINVAL;
	memcpy(&q3, val, version == TPACKET_V3 ? sizeof q3 : sizeof q);
	memcpy(&q, &q3, sizeof q);      /* begins alike */
	begin = sizeof(struct linux_tpacket_block) + align_up((uint64_t)q3.sizeof_priv, 8);
	mutex_lock(&r->lock);
	if (r->set && (r->mapped || q.block_nr)) {
		err = -EBUSY;
	} else if (!q.block_nr) {
		if (q.frame_nr)
			err = -EINVAL;
		else
			packet_ring_free(r);
	} else if (!q.block_size || q.block_size > INT32_MAX || q.block_size % PLAT_PAGE_SIZE || q.frame_size % ALIGNMENT ||
		   q.frame_size < least || q.frame_size > q.block_size ||
		   (version == TPACKET_V3 && q.block_size <= begin + least)) {
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
			r->head = r->used = 0;
			r->version = version;
			r->blocks = q.block_nr;
			r->begin = (uint32_t)begin;
			r->seq = 0;
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

uint64_t packet_ring_place(const struct packet_ring *r, uint32_t n)
{
	return (uint64_t)(n / r->per_block) * r->block_size + (uint64_t)(n % r->per_block) * r->frame_size;
}

static bool is_free(const struct packet_ring *r, uint32_t n)
{
	uint32_t status;

	return !plat_obj_read(r->obj, packet_ring_place(r, n), &status, sizeof status) && status == TP_STATUS_KERNEL;
}

struct packet_layout packet_ring_layout(size_t header, bool link, uint32_t reserve)
{
	struct packet_layout l;

	if (link) {
		l.net = l.mac = (uint32_t)align_up(header, ALIGNMENT) + LINK_ROOM + reserve;
	} else {
		l.net = (uint32_t)align_up(header + LINK_ROOM, ALIGNMENT) + reserve;
		l.mac = l.net - FRAME_LINK_SIZE;
	}
	return l;
}

/* The header of a frame, of 32 bytes in both versions; a status that is the kernel's. */
static void put_header(uint8_t *to, const struct packet_ring *r, const struct packet_facts *p, struct packet_layout l,
		       size_t whole, size_t kept)
{
	uint32_t sec = (uint32_t)((uint64_t)p->time_ns / NSEC_PER_SEC), nsec = (uint32_t)((uint64_t)p->time_ns % NSEC_PER_SEC);
	struct linux_tpacket1_hdr h1 = { .len = (uint32_t)whole, .snaplen = (uint32_t)kept, .mac = (uint16_t)l.mac,
					 .net = (uint16_t)l.net, .sec = sec, .usec = nsec / (uint32_t)NSEC_PER_USEC };
	struct linux_tpacket2_hdr h2 = { .len = (uint32_t)whole, .snaplen = (uint32_t)kept, .mac = (uint16_t)l.mac,
					 .net = (uint16_t)l.net, .sec = sec, .nsec = nsec };

	memcpy(to, r->version == TPACKET_V1 ? (void *)&h1 : (void *)&h2, sizeof h2);
}

static bool put_frame(struct packet_ring *r, const struct frame *f, size_t start, size_t keep, const struct packet_facts *p)
{
	struct packet_layout l = packet_ring_layout(TPACKET2_HDRLEN, start, p->reserve);
	struct { uint8_t h[32]; struct linux_sockaddr_ll ll; } __packed h = { .ll = packet_name(f) };
	uint64_t status = TP_STATUS_USER | (p->losing ? TP_STATUS_LOSING : 0), at = packet_ring_place(r, r->head);
	size_t n = l.mac < r->frame_size ? MIN(keep, (size_t)(r->frame_size - l.mac)) : 0;
	uint8_t *buf;
	bool ok;

	if (l.net > UINT16_MAX || !is_free(r, r->head))
		return false;
	buf = kmalloc(n + 1);
	if (!buf)
		return false;
	put_header(h.h, r, p, l, frame_size(f) - start, n);
	frame_copy(f, start, buf, n);
	/* The status last: from then on the frame is the program's. */
	ok = !plat_obj_write(r->obj, at, &h, sizeof h) && (!n || !plat_obj_write(r->obj, at + l.mac, buf, n)) &&
	     !plat_obj_write(r->obj, at, &status, r->version == TPACKET_V1 ? sizeof status : sizeof(uint32_t));
	if (ok)
		r->head = (r->head + 1) % r->frames;
	kfree(buf);
	return ok;
}

bool packet_ring_put(struct packet_ring *r, const struct frame *f, size_t start, size_t keep, const struct packet_facts *p)
{
	bool ok;

	mutex_lock(&r->lock);
	ok = r->set && (r->version == TPACKET_V3 ? packet_ring3_put : put_frame)(r, f, start, keep, p);
	mutex_unlock(&r->lock);
	return ok;
}

enum packet_room packet_ring_room(struct packet_ring *r)
{
	bool (*look)(const struct packet_ring *, uint32_t);
	enum packet_room room = PACKET_FULL;
	uint32_t n;

	mutex_lock(&r->lock);
	look = r->version == TPACKET_V3 ? packet_ring3_free : is_free;
	n = r->version == TPACKET_V3 ? r->blocks : r->frames;
	if (r->set && n && look(r, (r->head + n / 4) % n))
		room = PACKET_ROOM;
	else if (r->set && look(r, r->head))
		room = PACKET_LITTLE_ROOM;
	mutex_unlock(&r->lock);
	return room;
}

bool packet_ring_ready(struct packet_ring *r)
{
	bool ready;

	mutex_lock(&r->lock);
	if (r->set && r->version == TPACKET_V3)
		ready = packet_ring3_ready(r);
	else
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
