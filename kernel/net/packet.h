/* SPDX-License-Identifier: Apache-2.0 */
/* packet.h: packet sockets, packet(7): who sees what goes over lo.  Nothing goes
 * there, so the protocols describe what would (frame.h) when somebody looks.
 * Source: kernel/net/packet.c, packet_ring.c. */
#ifndef NACRE_KERNEL_NET_PACKET_H
#define NACRE_KERNEL_NET_PACKET_H

#include "kernel/net/frame.h"
#include <linux_abi/packet.h>

int packet_create(struct socket *s);

/* Does anybody look?  Asked before a frame is made. */
static inline bool packet_watched(const struct netns *ns)
{
	return __atomic_load_n(&ns->packet_count, __ATOMIC_RELAXED);
}
/* f goes out on lo and comes in again.  No lock held, and from no timer. */
void packet_show(struct netns *ns, struct frame *f);

/* ---- the socket's own ---- */
struct linux_sockaddr_ll packet_name(const struct frame *f);   /* where it came from */

/* packet_ring.c; zero: none.  None of these with a spinlock held. */
struct packet_ring {
	struct mutex lock;
	bool set;                       /* atomic to read */
	bool mapped;                    /* ever */
	plat_obj_t obj;
	uint64_t size;
	int32_t version;
	uint32_t block_size, frame_size, per_block, frames, head;
	/* version 3: head is a block, of which so much is full (0: it is not begun) */
	uint32_t blocks, begin, used, count, last;      /* begin: behind its header; last: where the last frame is */
	uint64_t seq;
	uint32_t first_sec, first_nsec, last_sec, last_nsec;
};
/* packet_fanout.c; all under ns->lock */
struct packet_fanout {
	bool set;
	uint16_t id;
	uint8_t type;
	uint16_t flags;
	uint32_t turn;                  /* of the group's first */
	struct filter_slot filter;      /* PACKET_FANOUT_DATA, the same in the whole group */
};
#define PACKET_FANOUT_MEMBERS 256u
int packet_fanout_parse(uint32_t v, struct packet_fanout *ret);         /* -EINVAL */
unsigned packet_fanout_place(struct packet_fanout *g, const struct frame *f, unsigned count);   /* below count */
uint32_t packet_flow(const struct frame *f);            /* the same for both directions of a flow */
struct packet_facts { int64_t time_ns; uint32_t reserve; bool losing; };
/* Where in a frame of the ring the network and the link header come; link: there is none. */
struct packet_layout { uint32_t mac, net; };
struct packet_layout packet_ring_layout(size_t header, bool link, uint32_t reserve);
/* val: struct tpacket_req, or tpacket_req3.  -EINVAL, -EBUSY, -ENOMEM. */
int packet_ring_set(struct packet_ring *r, const void *val, size_t size, int32_t version, uint32_t reserve);
void packet_ring_free(struct packet_ring *r);
uint64_t packet_ring_place(const struct packet_ring *r, uint32_t n);    /* of frame n; versions 1 and 2, and to send */
bool packet_ring_put(struct packet_ring *r, const struct frame *f, size_t start, size_t keep,
		     const struct packet_facts *p);            /* false: no room */
enum packet_room { PACKET_FULL, PACKET_LITTLE_ROOM, PACKET_ROOM };      /* little: less than three quarters are free */
enum packet_room packet_ring_room(struct packet_ring *r);
bool packet_ring_ready(struct packet_ring *r);          /* the program has not given the last frame back */
/* packet_ring3.c: version 3; lock held */
bool packet_ring3_put(struct packet_ring *r, const struct frame *f, size_t start, size_t keep,
		      const struct packet_facts *p);
bool packet_ring3_free(const struct packet_ring *r, uint32_t block);
bool packet_ring3_ready(struct packet_ring *r);         /* gives the program what there is */
struct mmap_target;
int packet_ring_mmap(struct packet_ring *r, uint64_t off, uint64_t size, struct mmap_target *ret);
static inline bool packet_ring_there(const struct packet_ring *r) { return __atomic_load_n(&r->set, __ATOMIC_ACQUIRE); }

#endif
