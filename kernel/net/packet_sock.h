/* SPDX-License-Identifier: Apache-2.0 */
/* Private to packet.c and packet_opts.c: a packet socket. */
#ifndef NACRE_KERNEL_NET_PACKET_SOCK_H
#define NACRE_KERNEL_NET_PACKET_SOCK_H

#include "kernel/net/packet.h"

struct packet_sock {
	struct ref ref;
	struct netns *ns;               /* counted */
	int type;
	uint32_t uid;
	uint64_t ino;                   /* atomic */
	struct waitq wq;
	struct mutex read_lock;
	struct filter_slot filter;
	struct packet_ring ring;
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

/* packet_opts.c */
int packet_setsockopt(struct socket *s, int level, int opt, const void *val, size_t size);
/* k is about to go: the last of its group takes its place, as on Linux.  ns->lock held. */
void packet_fanout_leave(struct packet_sock *k);
int packet_getsockopt(struct socket *s, int level, int opt, void *val, size_t *size);

#endif
