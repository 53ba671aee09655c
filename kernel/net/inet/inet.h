/* SPDX-License-Identifier: Apache-2.0 */
/* Private to kernel/net/inet/: what TCP, UDP and ICMP sockets share.
 *
 * An inet_sock is the first member of each protocol's socket and is counted by
 * that protocol.  The port tables (ports.c) hold no reference: who is found
 * there is taken with ref_get_unless_zero, and a socket leaves before it is
 * freed. */
#ifndef NACRE_KERNEL_NET_INET_H
#define NACRE_KERNEL_NET_INET_H

#include "kernel/net/frame.h"
#include "kernel/net/inet/ip_options.h"
#include "kernel/task/task.h"

enum inet_opt {                         /* integers that programs set and read back */
	OPT_TOS, OPT_TTL, OPT_HDRINCL, OPT_RECVOPTS, OPT_RETOPTS, OPT_PKTINFO, OPT_MTU_DISCOVER,
	OPT_RECVERR, OPT_RECVTTL, OPT_RECVTOS, OPT_FREEBIND, OPT_TRANSPARENT, OPT_RECVORIGDST,
	OPT_MINTTL, OPT_NODEFRAG, OPT_BIND_NO_PORT, OPT_MC_TTL, OPT_MC_LOOP, OPT_MC_ALL, OPT_MC_IF,
	OPT6_HOPS, OPT6_MC_IF, OPT6_MC_HOPS, OPT6_MC_LOOP, OPT6_MTU_DISCOVER, OPT6_RECVERR,
	OPT6_MC_ALL, OPT6_RECVPKTINFO, OPT6_RECVHOPLIMIT, OPT6_DONTFRAG, OPT6_RECVTCLASS,
	OPT6_TCLASS, OPT6_AUTOFLOW, OPT6_FREEBIND, OPT6_TRANSPARENT, OPT6_RECVORIGDST,
	OPT_PASSSEC, OPT_CHECKSUM, OPT_RECVFRAGSIZE, OPT_RFC4884, OPT_UNICAST_IF,
	OPT6_OLD_PKTINFO, OPT6_OLD_HOPLIMIT, OPT6_OLD_HOPOPTS, OPT6_OLD_DSTOPTS, OPT6_OLD_RTHDR,
	OPT6_HOPOPTS, OPT6_DSTOPTS, OPT6_RTHDR, OPT6_PATHMTU, OPT6_FLOWINFO, OPT6_FLOWINFO_SEND,
	OPT6_ALERT_ISOLATE, OPT6_RFC4884, OPT6_MINHOPS, OPT6_RECVFRAGSIZE, OPT6_UNICAST_IF, OPT6_PREFER,
	OPT_BOUND_LINK, OPT6_HDRINCL, OPT_COUNT
};

/* A group, and from whom: all but the listed, or the listed only.  The list has room
 * for `room`. */
#define SOURCES_MAX 64u                 /* mld_max_msf */
#define SOURCES4_MAX 10u                /* igmp_max_msf */
struct membership { struct ipaddr group; bool include, filtered; uint8_t count, room; struct ipaddr *source; };
#define MEMBERSHIPS_MAX 20u

/* What is told about messages that were sent (MSG_ERRQUEUE): errors.c. */
struct inet_errors {
	struct spinlock lock;           /* a leaf */
	struct list queue;              /* struct dgram; empty and uncounted: looked at without the lock */
	uint64_t bytes;
	uint32_t zerocopy_next;         /* number of the next call with MSG_ZEROCOPY */
	uint32_t stamp_next;            /* of the next message with a time; TCP: of the first byte, atomic */
};

struct inet_sock {
	struct ref ref;
	struct netns *ns;               /* counted */
	int family, type, protocol, proto;      /* proto: PROTO_ or -1 (no ports) */
	uint32_t uid;
	uint64_t ino;                   /* of its file, for /proc; 0: none */
	struct list all_link;           /* ns->lock */

	/* ns->lock to write; the owner's own calls read freely */
	struct endpoint local, remote;
	struct list port_link;
	_Atomic bool hashed;
	_Atomic bool bound;             /* by bind() */
	_Atomic bool port_locked;       /* bind() named the port */
	_Atomic bool addr_locked;       /* bind() named the address */
	_Atomic bool listening;
	_Atomic bool child;             /* in the bucket's children */
	_Atomic bool reuseaddr, reuseport, v6only;
	_Atomic uint64_t gone_ns;       /* TCP, closed by its owner: from then on as if not there; 0: never */

	struct inet_errors errors;
	struct filter_slot chooser;     /* of its SO_REUSEPORT group: reuseport.c */
	struct filter_slot filter;      /* not run for TCP, which has no packets */
	int32_t opt[OPT_COUNT];         /* single words: read freely */
	uint16_t port_first, port_last; /* IP_LOCAL_PORT_RANGE; 0: as the name space has it */
	int32_t peek_off;               /* SO_PEEK_OFF, -1: none; atomic */
	uint32_t mc_addr;               /* IP_MULTICAST_IF, network order */
	int32_t sticky_link;            /* IPV6_PKTINFO */
	struct ip_options options;      /* IP_OPTIONS; ns->lock */
	struct ip6_headers *headers;    /* ns->lock; set once */
	struct membership *members;     /* ns->lock */
	unsigned member_count;
};

/* addr.c: between struct sockaddr and endpoints.  for_bind: any address is
 * fine.  -EINVAL, -EAFNOSUPPORT, -ENETUNREACH (IPv4 by a v6only socket). */
int inet_addr_parse(const struct inet_sock *i, const struct sock_addr *a, bool for_bind, struct endpoint *ret);
void inet_addr_format(const struct inet_sock *i, const struct endpoint *e, struct sock_addr *ret);
/* An IPv6 address that means something on a named link only. */
static inline bool inet_needs_scope(const struct ipaddr *a)
{
	return (a->b[0] == 0xff && (a->b[1] & 15) <= 2) || (a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80);
}
int inet_getname_common(struct inet_sock *i, bool peer, bool connected, struct sock_addr *ret);

/* ports.c */
void inet_sock_init(struct inet_sock *i, struct socket *s, int proto);
/* From now on others find it: last, when all around i is set up. */
void inet_sock_publish(struct inet_sock *i);
void inet_sock_fini(struct inet_sock *i);       /* leaves the tables; the memory is the caller's */
/* bind(2): all the checks, then inet_bind_port() or, with
 * IP_BIND_ADDRESS_NO_PORT, the address only. */
int inet_bind(struct inet_sock *i, const struct sock_addr *a);
/* What bind() says of the address itself; the socket may be bound already. */
int inet_bind_check(struct inet_sock *i, const struct sock_addr *a, struct endpoint *ret);
/* Nobody waits for the other side's FIN longer than this, and the port is free. */
void inet_gone_after(struct inet_sock *i, uint64_t ns);
static inline bool inet_gone(const struct inet_sock *i, uint64_t now) { return i->gone_ns && now >= i->gone_ns; }
/* e->port 0 chooses.  -EADDRINUSE, -EINVAL (bound).  by_bind: not by listen() or
 * sending. */
int inet_bind_port(struct inet_sock *i, const struct endpoint *e, bool by_bind);
/* A local port for a connection to i->remote; local.ip is set already. */
int inet_bind_connect(struct inet_sock *i);
void inet_add_child(struct inet_sock *i);       /* an accepted connection */
void inet_release_port(struct inet_sock *i);
void inet_release_chosen_port(struct inet_sock *i);      /* unless bind() named it */
bool inet_has_port(struct inet_sock *i);         /* for who may race with the other side of a connection */
int inet_listen_port(struct inet_sock *i, bool on);     /* -EADDRINUSE */
/* Who listens there, with a reference. */
struct inet_sock *inet_find_listener(struct netns *ns, const struct endpoint *to, const struct endpoint *from);
/* Does a connection with these two ends exist? */
bool inet_has_pair(struct netns *ns, const struct endpoint *local, const struct endpoint *remote);
/* The best UDP socket, with a reference; multicast: those after prev (put). */
struct inet_sock *inet_find_udp(struct netns *ns, int proto, const struct endpoint *to, const struct endpoint *from,
				const void *body, size_t size);
/* For a multicast or broadcast message: all who want it. */
unsigned inet_find_udp_group(struct netns *ns, int proto, const struct endpoint *to, const struct endpoint *from,
			     struct inet_sock **ret, unsigned max);
bool inet_wants_group(const struct inet_sock *i, const struct endpoint *to, const struct ipaddr *from);  /* ns->lock */
/* IP_TTL. */
static inline int32_t inet_ttl(const struct inet_sock *i)
{
	return i->opt[OPT_TTL] < 0 ? i->ns->default_ttl : i->opt[OPT_TTL];
}
/* The link a socket is tied to, for a destination of this family; 0: none. */
static inline int32_t inet_bound_link(const struct inet_sock *i) { return i->opt[OPT_BOUND_LINK]; }
void inet_time_wait_add(struct inet_sock *i);
struct time_wait {
	struct list link, age_link;     /* bucket; ns->time_wait */
	struct endpoint local, remote;
	int family;
	bool reuseaddr, reuseport;
	uint64_t since_ns, end_ns;
};

struct list *inet_bound_list(const struct inet_sock *i);        /* where it is as one that is bound; ns->lock held */

/* reuseport.c.  SO_ATTACH_REUSEPORT_CBPF, SO_DETACH_REUSEPORT_BPF: -EINVAL, -ENOENT. */
int inet_reuse_attach(struct inet_sock *i, const void *val, size_t size);
int inet_reuse_detach(struct inet_sock *i);
/* i gets the program of its group; ns->lock held. */
void inet_reuse_join(struct inet_sock *i, struct list *bound);
/* What win's program makes of a packet; ns->lock held. */
struct reuse_packet { const struct endpoint *to, *from; const void *body; size_t size; };
struct inet_sock *inet_reuse_choose(struct inet_sock *win, struct list *bound, const struct reuse_packet *p);

/* members.c: multicast groups; the options of the levels SOL_IP and SOL_IPV6 about
 * them.  -ENOPROTOOPT: another option. */
int inet_set_members(struct inet_sock *i, int level, int opt, const void *val, size_t size);
/* IP_MSFILTER, MCAST_MSFILTER: val says which group before it is the answer. */
int inet_get_members(struct inet_sock *i, int level, int opt, void *val, size_t *size);
void inet_members_free(struct inet_sock *i);    /* nobody finds it any more */

/* errors.c.  wq: of who waits for POLLERR. */
struct dgram;
void inet_errors_init(struct inet_sock *i);
bool inet_errors_any(struct inet_sock *i);
/* all: what is not an error too. */
void inet_errors_drop(struct inet_sock *i, bool all);
/* Consumes m. */
void inet_errors_add(struct inet_sock *i, struct waitq *wq, struct dgram *m);
/* MSG_ERRQUEUE.  *ret_next: the error that the socket has from now on, or -1: as it was. */
long inet_recv_error(struct socket *s, struct inet_sock *i, struct sock_msg *m, int32_t *ret_next);
/* Times of a message that goes now, f or NULL: described by head (addresses, ttl, tos). */
bool inet_wants_stamps(const struct socket *s, const struct sock_control *c, bool *ret_body);
void inet_tell_stamps(struct socket *s, struct inet_sock *i, struct waitq *wq, const struct sock_control *c,
		      const struct dgram *head, const struct frame *f, uint32_t id);
/* A call with MSG_ZEROCOPY: what will tell its end, made before; NULL in *ret: not wanted.  -ENOBUFS. */
int __must_check inet_zerocopy_begin(struct socket *s, struct inet_sock *i, const struct sock_msg *m, struct dgram **ret);
void inet_zerocopy_end(struct inet_sock *i, struct waitq *wq, struct dgram *note, bool sent);
/* What the receiver wants to know about g; s NULL: of its addresses only. */
void inet_describe(struct socket *s, const struct inet_sock *i, const struct dgram *g, struct sock_msg *m);

struct filter_slot *inet_filter(struct socket *s);
/* opts.c: levels SOL_IP, SOL_IPV6 and the common ones that ports need. */
int inet_setsockopt_common(struct socket *s, struct inet_sock *i, int level, int opt, const void *val, size_t size);
int inet_getsockopt_common(struct socket *s, struct inet_sock *i, int level, int opt, void *val, size_t *size);
int opt_ret(int32_t v, void *val, size_t *size);
void inet_opt_defaults(struct inet_sock *i);

/* SO_PEEK_OFF: where a look begins (0 unless peeking), and how looking and
 * reading move it. */
size_t inet_peek_offset(const struct inet_sock *i, bool peek);
void inet_peek_move(struct inet_sock *i, bool peek, size_t n);

int tcp_create(struct socket *s);
int udp_create(struct socket *s);        /* UDP, UDP-Lite */
int ping_create(struct socket *s);      /* ICMP echo: datagram and raw */

#endif
