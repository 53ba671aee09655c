/* SPDX-License-Identifier: Apache-2.0 */
/* Private to packet.c and packet_*.c: a packet socket. */
#ifndef NACRE_KERNEL_NET_PACKET_SOCK_H
#define NACRE_KERNEL_NET_PACKET_SOCK_H

#include "kernel/net/packet.h"

#define PACKET_FLOWS 16u
struct packet_rollover {
	bool pressed;                   /* was found without room; atomic */
	/* the socket's lock */
	unsigned last;                  /* whose place was the last to take a frame */
	uint32_t flows[PACKET_FLOWS];   /* of frames that came */
	uint64_t all, huge, failed;
};

struct packet_sock {
	struct ref ref;
	struct netns *ns;               /* counted */
	int type;
	uint32_t uid;
	uint64_t ino;                   /* atomic */
	struct waitq wq;
	struct mutex read_lock;
	struct filter_slot filter;
	struct mutex ring_lock;         /* while one of the two is set or freed */
	struct packet_ring ring, tx;    /* to receive into, to send from; at most one of them is set */
	struct list link;               /* ns->lock */
	/* ns->lock to write */
	uint16_t protocol;              /* ETH_P_, host order; 0: nothing */
	int32_t ifindex;                /* 0: any */
	struct packet_fanout fanout;
	struct spinlock lock;
	/* lock */
	struct list queue;
	size_t queued;
	int32_t error;
	struct linux_tpacket_stats stats;
	unsigned members;
	struct packet_rollover rollover;
	/* single words: word(), set_word() */
	int32_t rcvbuf, version, auxdata, origdev, reserve, loss, timestamp, ignore_outgoing, vnet_hdr, tx_has_off,
		bypass;
};

static inline int32_t word(const int32_t *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }
static inline void set_word(int32_t *p, int32_t v) { __atomic_store_n(p, v, __ATOMIC_RELAXED); }

/* Of one fan-out group?  ns->lock held. */
static inline bool same_group(const struct packet_sock *a, const struct packet_sock *b)
{
	return a && a->fanout.set && b->fanout.set && a->fanout.id == b->fanout.id;
}

/* packet.c: what k sends, for its link layer and without. */
void packet_transmit(struct packet_sock *k, uint16_t protocol, const uint8_t *buf, size_t n);
/* packet_tx.c: the frames that are ready in k->tx; how many bytes, or why the first that cannot go cannot. */
long packet_tx_send(struct packet_sock *k, uint16_t protocol);
void packet_put(struct packet_sock *k);
/* packet_rollover.c; ns->lock held, or k was known to roll under it. */
static inline bool packet_rolls(const struct packet_sock *k)
{
	return k->fanout.set && (k->fanout.type == PACKET_FANOUT_ROLLOVER || k->fanout.flags & PACKET_FANOUT_FLAG_ROLLOVER);
}
/* Who gets f instead of k, which its group chose: k's reference becomes one of the result.  May sleep. */
struct packet_sock *packet_rollover(struct packet_sock *k, const struct frame *f);
void packet_rollover_look(struct packet_sock *k);       /* the program has looked: there may be room again */
int packet_rollover_stats(struct packet_sock *k, void *val, size_t *size);      /* -EINVAL */
/* packet_opts.c */
int packet_setsockopt(struct socket *s, int level, int opt, const void *val, size_t size);
/* k is about to go: the last of its group takes its place, as on Linux.  ns->lock held. */
void packet_fanout_leave(struct packet_sock *k);
int packet_getsockopt(struct socket *s, int level, int opt, void *val, size_t *size);

#endif
