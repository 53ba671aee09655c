/* SPDX-License-Identifier: Apache-2.0 */
/* Private to kernel/net/inet/: what TCP, UDP and ICMP sockets share.
 *
 * An inet_sock is the first member of each protocol's socket and is counted by
 * that protocol.  The port tables (ports.c) hold no reference: who is found
 * there is taken with ref_get_unless_zero, and a socket leaves before it is
 * freed. */
#ifndef NACRE_KERNEL_NET_INET_H
#define NACRE_KERNEL_NET_INET_H

#include "kernel/net/net.h"
#include "kernel/task/task.h"

#define EPHEMERAL_FIRST 32768u
#define EPHEMERAL_COUNT 28232u

enum inet_opt {                         /* integers that programs set and read back */
	OPT_TOS, OPT_TTL, OPT_HDRINCL, OPT_RECVOPTS, OPT_RETOPTS, OPT_PKTINFO, OPT_MTU_DISCOVER,
	OPT_RECVERR, OPT_RECVTTL, OPT_RECVTOS, OPT_FREEBIND, OPT_TRANSPARENT, OPT_RECVORIGDST,
	OPT_MINTTL, OPT_NODEFRAG, OPT_BIND_NO_PORT, OPT_MC_TTL, OPT_MC_LOOP, OPT_MC_ALL, OPT_MC_IF,
	OPT6_HOPS, OPT6_MC_IF, OPT6_MC_HOPS, OPT6_MC_LOOP, OPT6_MTU_DISCOVER, OPT6_RECVERR,
	OPT6_MC_ALL, OPT6_RECVPKTINFO, OPT6_RECVHOPLIMIT, OPT6_DONTFRAG, OPT6_RECVTCLASS,
	OPT6_TCLASS, OPT6_AUTOFLOW, OPT6_FREEBIND, OPT_COUNT
};

struct membership { struct ipaddr group; };
#define MEMBERSHIPS_MAX 20u

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
	bool hashed;
	bool port_locked;               /* bind() named or chose the port */
	bool addr_locked;               /* bind() named the address */
	bool listening;
	bool child;                     /* in the bucket's children */
	bool reuseaddr, reuseport, v6only;

	int32_t opt[OPT_COUNT];         /* single words: read freely */
	struct membership *members;     /* ns->lock */
	unsigned member_count;
};

/* addr.c: between struct sockaddr and endpoints.  for_bind: any address is
 * fine.  -EINVAL, -EAFNOSUPPORT, -ENETUNREACH (IPv4 by a v6only socket). */
int inet_addr_parse(const struct inet_sock *i, const struct sock_addr *a, bool for_bind, struct endpoint *ret);
void inet_addr_format(const struct inet_sock *i, const struct endpoint *e, struct sock_addr *ret);
int inet_getname_common(struct inet_sock *i, bool peer, bool connected, struct sock_addr *ret);

/* ports.c */
void inet_sock_init(struct inet_sock *i, struct socket *s, int proto);
void inet_sock_fini(struct inet_sock *i);       /* leaves the tables; the memory is the caller's */
/* bind(2): e->port 0 chooses.  -EADDRINUSE, -EADDRNOTAVAIL, -EINVAL (bound). */
int inet_bind_port(struct inet_sock *i, const struct endpoint *e);
/* A local port for a connection to i->remote; local.ip is set already. */
int inet_bind_connect(struct inet_sock *i);
void inet_add_child(struct inet_sock *i);       /* an accepted connection */
void inet_release_port(struct inet_sock *i);
int inet_listen_port(struct inet_sock *i, bool on);     /* -EADDRINUSE */
/* Who listens there, with a reference. */
struct inet_sock *inet_find_listener(struct netns *ns, const struct endpoint *to, const struct endpoint *from);
/* The best UDP socket, with a reference; multicast: those after prev (put). */
struct inet_sock *inet_find_udp(struct netns *ns, const struct endpoint *to, const struct endpoint *from);
unsigned inet_find_udp_group(struct netns *ns, const struct endpoint *to, const struct endpoint *from,
			     struct inet_sock **ret, unsigned max);
void inet_time_wait_add(struct inet_sock *i);
struct time_wait {
	struct list link, age_link;     /* bucket; ns->time_wait */
	struct endpoint local, remote;
	int family;
	bool reuseaddr, reuseport;
	uint64_t since_ns, end_ns;
};

/* opts.c: levels SOL_IP, SOL_IPV6 and the common ones that ports need. */
int inet_setsockopt_common(struct socket *s, struct inet_sock *i, int level, int opt, const void *val, size_t size);
int inet_getsockopt_common(struct socket *s, struct inet_sock *i, int level, int opt, void *val, size_t *size);
int opt_int(const void *val, size_t size, int32_t *ret);
int opt_ret(int32_t v, void *val, size_t *size);
void inet_opt_defaults(struct inet_sock *i);

int tcp_create(struct socket *s);
int udp_create(struct socket *s);
int ping_create(struct socket *s);      /* ICMP echo: datagram and raw */

#endif
