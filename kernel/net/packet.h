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
	uint32_t block_size, frame_size, per_block, frames, head;
};
struct packet_facts { int64_t time_ns; uint32_t reserve; bool losing; };
/* val: struct tpacket_req.  -EINVAL, -EBUSY, -ENOMEM. */
int packet_ring_set(struct packet_ring *r, const void *val, size_t size, int32_t version, uint32_t reserve);
void packet_ring_free(struct packet_ring *r);
bool packet_ring_put(struct packet_ring *r, const struct frame *f, size_t start, size_t keep,
		     const struct packet_facts *p);            /* false: no room */
bool packet_ring_ready(struct packet_ring *r);          /* the program has not given the last frame back */
struct mmap_target;
int packet_ring_mmap(struct packet_ring *r, uint64_t off, uint64_t size, struct mmap_target *ret);
static inline bool packet_ring_there(const struct packet_ring *r) { return __atomic_load_n(&r->set, __ATOMIC_ACQUIRE); }

#endif
