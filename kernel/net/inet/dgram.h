/* SPDX-License-Identifier: Apache-2.0 */
/* Private to UDP and ICMP: sockets that get whole messages.
 *
 * Locks: read_lock (mutex) of the reader > lock.  A message is made and filled
 * before it is queued; a queue that is full drops what comes, as a network
 * does. */
#ifndef NACRE_KERNEL_NET_DGRAM_H
#define NACRE_KERNEL_NET_DGRAM_H

#include "kernel/net/inet/inet.h"

#define DGRAM_SHUT_RCV 1u
#define DGRAM_SHUT_SEND 2u
#define DGRAM_OVERHEAD 256u

struct dgram {
	struct list link;
	struct endpoint from, to;
	uint8_t ttl, tos;
	uint16_t ip_id, ip_frag;        /* IPv4's header, for raw sockets; both 0: a number is chosen */
	struct ip_options options;
	int64_t time_ns;                /* wall clock at arrival */
	uint32_t error;                 /* in an error queue: errno */
	uint8_t origin, code;           /* … SO_EE_ORIGIN_ … */
	uint32_t info, data_number;     /* … ee_info, ee_data */
	uint32_t drops;                 /* lost at the receiver before it */
	uint16_t segment;               /* UDP_SEGMENT: in pieces of this size; 0: one */
	uint32_t size, room;            /* room: what was asked for, which counts; a filter may leave less */
	uint8_t data[];
};

struct dgram_sock {
	struct inet_sock in;            /* first */
	struct waitq wq;
	struct mutex read_lock;
	struct spinlock lock;
	/* lock */
	struct list queue;
	uint64_t queued;                /* with overhead */
	int32_t rcvbuf, error;
	uint8_t shutdown;
	uint64_t drops;
	bool chose6;                    /* in.ns->lock: the address of ours was chosen for IPv6 */
	int64_t last_ns;                /* when the last message came that was read */
	int32_t opt_cork, opt_no_check, opt_gro;
	int32_t opt_coverage[2];        /* UDP-Lite */
	uint32_t icmp_filter[8];        /* a bit per type: not wanted */
	uint16_t opt_segment;
	int32_t opt_checksum;           /* IPV6_CHECKSUM; -1: none; atomic */
	/* cork_lock (mutex, outermost) */
	struct mutex cork_lock;
	struct dgram *pending;          /* UDP_CORK, MSG_MORE: what is being put together */
};

static inline size_t dgram_cost(const struct dgram *m) { return m->room + DGRAM_OVERHEAD; }
static inline struct dgram_sock *dgram_of(struct inet_sock *i) { return container_of(i, struct dgram_sock, in); }
/* Of UDP and UDP-Lite. */
static inline struct udp_tally *dgram_tally(const struct dgram_sock *d, bool v6)
{
	struct net_tally *n = &d->in.ns->tally;

	return d->in.proto == PROTO_UDPLITE ? &n->udplite[v6] : &n->udp[v6];
}
struct dgram_sock *dgram_new(struct socket *s, int proto);
void dgram_put(struct dgram_sock *d);
void dgram_attach(struct socket *s, struct file *f);
void dgram_release(struct socket *s);
struct dgram *dgram_msg_new(size_t size);       /* NULL: no memory */
/* Queue m at d, or drop it; consumes m. */
void dgram_deliver(struct dgram_sock *d, struct dgram *m);
/* What d sent came back: ECONNREFUSED.  Consumes m (may be NULL). */
void dgram_refused(struct dgram_sock *d, struct dgram *m);
long dgram_recvmsg(struct socket *s, struct sock_msg *m);
/* A pending error, once; -EPIPE after shutdown. */
int dgram_send_check(struct dgram_sock *d);
int dgram_connect(struct socket *s, const struct sock_addr *a, bool nonblock);
int dgram_getname(struct socket *s, bool peer, struct sock_addr *ret);
int dgram_shutdown(struct socket *s, int how);
int dgram_bind(struct socket *s, const struct sock_addr *a);
uint32_t dgram_poll(struct socket *s, struct poll_table *pt);
long dgram_ioctl(struct socket *s, unsigned cmd, uint64_t arg);
int dgram_setsockopt(struct socket *s, int level, int opt, const void *val, size_t size);
int dgram_getsockopt(struct socket *s, int level, int opt, void *val, size_t *size);
void dgram_too_long(struct dgram_sock *d, const struct endpoint *to);    /* EMSGSIZE, for the error queue */
bool dgram_charge(size_t n);                    /* false: all sockets together hold too much */
void dgram_uncharge_size(size_t n);
void dgram_uncharge(struct dgram *m);           /* it left its queue */

/* errors.c: the times of g, which goes now, if they are wanted; make: its headers. */
struct sock_control;
void dgram_stamp(struct socket *s, struct dgram_sock *d, const struct sock_control *c, const struct dgram *g,
		 typeof(frame_ip) *make);

/* icmp.c: a copy for each raw socket that wants this protocol */
void dgram_to_raw(struct netns *ns, const struct dgram *g, int protocol);

/* answer.c.  g goes over lo: who looks there sees it, and raw sockets do. */
void inet_pass(struct netns *ns, const struct dgram *g, int protocol);
void inet_answer(struct netns *ns, const struct dgram *g, int protocol);
bool inet_is_echo(const struct dgram *g, int protocol);
struct dgram *inet_echo_reply(struct netns *ns, const struct dgram *g, int protocol);    /* NULL: none */
/* The checksum of g's first n bytes, at an offset in them. */
void inet_sum(const struct dgram *g, int protocol, size_t at, size_t n);
bool inet_sum_fine(const struct dgram *g, int protocol, size_t n);
/* Nobody has the port that g was sent to; about: g as it would lie on the link. */
void inet_port_unreachable(struct netns *ns, const struct dgram *g, const struct frame *about);
/* udp.c: a copy of g, which has ports, to who is bound there; false: nobody. */
bool udp_receive(struct netns *ns, const struct dgram *g, bool local);

/* dgram_send.c: what ancillary data and options say about one message. */
struct dgram_control { int32_t ttl, tos, link; bool have_from; struct ipaddr from; uint16_t segment; 
			struct ip_options options; };
int dgram_control(struct dgram_sock *d, const struct sock_msg *m, bool v4, struct dgram_control *ret);
int dgram_autobind(struct dgram_sock *d);
/* to "any" becomes loopback.  -ENETUNREACH, -EACCES (broadcast) … */
int dgram_route(struct socket *s, struct dgram_sock *d, struct endpoint *to, int32_t link, struct ipaddr *ret_src);
/* Where a message goes and what its source is; binds the socket when it has no
 * port.  -EDESTADDRREQ, -EINVAL, -ENETUNREACH, -EACCES … */
int dgram_destination(struct socket *s, const struct sock_msg *m, bool ports, struct endpoint *ret_to,
		      struct endpoint *ret_from, struct dgram_control *ret_ctl);

#endif
