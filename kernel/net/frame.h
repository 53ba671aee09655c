/* SPDX-License-Identifier: Apache-2.0 */
/* frame.h: packets as they would lie on the link.  None is ever made to carry
 * data; a frame describes one to who looks: filters and packet sockets.  The
 * headers are made, the body is borrowed.  Source: kernel/net/frame.c. */
#ifndef NACRE_KERNEL_NET_FRAME_H
#define NACRE_KERNEL_NET_FRAME_H

#include "kernel/net/net.h"

#define FRAME_LINK_SIZE 14u
#define FRAME_HEAD_MAX (FRAME_LINK_SIZE + 40u + 20u)

struct frame {
	uint8_t head[FRAME_HEAD_MAX];
	unsigned head_size;
	unsigned net, transport;        /* where in head the headers begin */
	const uint8_t *body;
	size_t body_size;
	uint16_t protocol;              /* ETH_P_, host order */
	uint8_t kind;                   /* PACKET_ */
	uint32_t mark;
};

uint16_t frame_number(void);             /* of the next packet of IPv4 */
/* A message of this IP protocol: link and network header.  Then one of the next. */
void frame_ip(struct frame *f, const struct endpoint *from, const struct endpoint *to, uint8_t protocol, uint8_t ttl,
	      uint8_t tos, const void *body, size_t size);
struct frame_tcp { uint32_t seq, ack; uint8_t flags; };  /* FRAME_ */
#define FRAME_FIN 0x01
#define FRAME_SYN 0x02
#define FRAME_RST 0x04
#define FRAME_PSH 0x08
#define FRAME_ACK 0x10
void frame_tcp(struct frame *f, const struct endpoint *from, const struct endpoint *to, const struct frame_tcp *t,
	       const void *body, size_t size);
void frame_udp(struct frame *f, const struct endpoint *from, const struct endpoint *to, uint8_t protocol, uint8_t ttl,
	       uint8_t tos, const void *body, size_t size);
/* Bytes and no network: Unix sockets, netlink. */
void frame_bytes(struct frame *f, const void *body, size_t size);
static inline size_t frame_size(const struct frame *f) { return f->head_size + f->body_size; }
/* [at, at + n) must lie inside. */
void frame_copy(const struct frame *f, size_t at, void *to, size_t n);
/* The Internet checksum of some bytes, goes on from sum; and with the addresses of a packet. */
uint32_t frame_sum(uint32_t sum, const void *p, size_t n);
uint16_t frame_fold(uint32_t sum);
uint32_t frame_pseudo(const struct ipaddr *from, const struct ipaddr *to, uint8_t protocol, size_t size);

/* ---- filter.c: classic BPF over frames, SO_ATTACH_FILTER ---- */
struct sock_filter;
struct filter_slot { struct spinlock lock; struct sock_filter *filter; };       /* zero: none */
/* val: struct sock_fprog.  -EINVAL, -EFAULT, -ENOMEM. */
int __must_check filter_attach(struct filter_slot *s, const void *val, size_t size);
int filter_detach(struct filter_slot *s);               /* -ENOENT */
/* SO_GET_FILTER: how many instructions, copied out if there is room; -EINVAL. */
long filter_get(struct filter_slot *s, uaddr to, unsigned room);
/* Does the socket want f, of which it sees what begins at `start`?  How many bytes of that. */
bool filter_run(struct filter_slot *s, const struct frame *f, size_t start, size_t *ret_keep);
/* What the program returns; 0: there is none. */
uint32_t filter_value(struct filter_slot *s, const struct frame *f, size_t start);
/* to has from's program (or none, as from) from now on. */
void filter_share(struct filter_slot *from, struct filter_slot *to);
static inline bool filter_there(const struct filter_slot *s)
{
	return __atomic_load_n(&s->filter, __ATOMIC_RELAXED);
}

#endif
