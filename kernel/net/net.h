/* SPDX-License-Identifier: Apache-2.0 */
/* net.h: network name spaces, links, addresses and the way to them.
 *
 * Layers: socket.h (files and system calls) > protocols (kernel/net/inet) >
 * this header (which address is reachable through which link).  The only link
 * is lo; a packet for it is never made: protocols hand data from socket to
 * socket within one name space.  A link to the outside would be another struct
 * net_link that net_route() answers with.
 *
 * Every address is an IPv6 one; IPv4 is ::ffff:a.b.c.d.
 *
 * Locks: netns->lock (spin) guards the port tables; protocols' socket locks are
 * taken after it or alone, never before.  Source: kernel/net/netns.c. */
#ifndef NACRE_KERNEL_NET_NET_H
#define NACRE_KERNEL_NET_NET_H

#include "kernel/net/socket.h"
#include <linux_abi/inet.h>

struct ipaddr { uint8_t b[16]; };
struct endpoint { struct ipaddr ip; uint16_t port; uint32_t scope; };   /* port in host order */

static inline uint16_t be16(uint16_t v) { return __builtin_bswap16(v); }
static inline uint32_t be32(uint32_t v) { return __builtin_bswap32(v); }

extern const struct ipaddr ip_any4, ip_any6, ip_loop4, ip_loop6;
static inline bool ip_equal(const struct ipaddr *a, const struct ipaddr *b) { return !memcmp(a, b, sizeof *a); }
static inline bool ip_is_v4(const struct ipaddr *a) { return !memcmp(a, &ip_any4, 12); }
static inline uint32_t ip_v4(const struct ipaddr *a) { uint32_t v; memcpy(&v, a->b + 12, 4); return be32(v); }
struct ipaddr ip_from_v4(uint32_t host_order);
static inline bool ip_is_any(const struct ipaddr *a) { return ip_equal(a, &ip_any4) || ip_equal(a, &ip_any6); }
bool ip_is_multicast(const struct ipaddr *a);
bool ip_is_broadcast(const struct ipaddr *a);

/* ---- links ---- */
#define LO_INDEX 1
#define LO_MTU 65536
struct net_link {
	const char *name;
	int32_t index;
	uint32_t mtu;
	uint16_t type;                  /* ARPHRD_ */
	bool up;                        /* atomic */
	bool was_up;                    /* ever */
};
uint32_t net_link_flags(const struct net_link *l);      /* IFF_ */

/* ---- what went over lo, for /proc/net/snmp and its like; atomics; [0] IPv4, [1] IPv6 ---- */
struct udp_tally { uint64_t in, no_ports, in_errors, out, rcvbuf_errors; };
struct net_tally {
	uint64_t packets[2], bytes[2];  /* TCP's when a socket ends; net_traffic() has all */
	uint64_t tcp_segments, active_opens, passive_opens, attempt_fails, estab_resets, out_resets;
	struct udp_tally udp[2], udplite[2];
	uint64_t echoes[2], replies[2];
};
static inline void net_tally(uint64_t *p, uint64_t n) { __atomic_fetch_add(p, n, __ATOMIC_RELAXED); }

/* ---- name spaces ---- */
#define PORT_BUCKETS 1024u
enum { PROTO_TCP, PROTO_UDP, PROTO_UDPLITE, PROTO_COUNT };
struct port_bucket { struct list bound, children, waiting; };   /* kernel/net/inet/ports.c */

#define PORT_MAP_SIZE 8192u
/* For the cookies of TCP fast open: one, or it and the one before. */
struct fastopen_key { uint8_t b[32], size; bool made; };
#define COOKIES_MAX 8u

struct netns {
	struct ref ref;
	uint64_t id;                    /* for /proc/PID/ns/net */
	struct net_link lo;
	struct net_tally tally;
	struct spinlock lock;
	/* lock */
	struct port_bucket *ports[PROTO_COUNT];
	struct list time_wait;          /* oldest first */
	unsigned time_wait_count;
	struct list all;                /* inet_sock.all_link */
	uint16_t port_first, port_last; /* ip_local_port_range */
	uint16_t port_privileged;       /* ip_unprivileged_port_start */
	bool nonlocal_bind, v6only;     /* ip_nonlocal_bind, bindv6only */
	bool lacks_loopback;            /* an address that lo began with was taken away */
	uint8_t default_ttl;            /* ip_default_ttl */
	uint8_t congestion;             /* tcp_congestion_control: net_congestion_name() */
	uint8_t *reserved_ports;        /* ip_local_reserved_ports: a bit for each; NULL: none */
	uint32_t ping_groups[2];        /* ping_group_range */
	struct fastopen_key fastopen_key;
	struct ipaddr cookies[COOKIES_MAX];     /* who gave one: inet/tcp_fastopen.c */
	unsigned cookie_count;
	unsigned dgram_qlen;            /* net.unix.max_dgram_qlen; atomic */
	int64_t *settings;              /* settings.h; NULL: as at first; atomic, set once */
	struct list addresses, routes, rules, neighbours;       /* route.h */
	unsigned address_count, route_count, rule_count, neighbour_count;
	unsigned raw_count;             /* raw sockets; atomic to read */
	struct list packets;            /* packet_sock.link */
	unsigned packet_count;          /* of these, and of raw sockets that see TCP; atomic to read */
};
static inline uint8_t net_ttl(const struct netns *ns, bool v4) { return v4 ? ns->default_ttl : 64; }
struct netns *netns_new(void);          /* lo is down; NULL: no memory, or too many (ENOSPC) */
int netns_need_ports(struct netns *ns, int proto);       /* its table is there; -ENOMEM */
struct netns *netns_get(struct netns *ns);
void netns_put(struct netns *ns);
struct netns *netns_current(void);      /* borrowed: of the current task */
struct task;
struct netns *task_netns_get(struct task *t);   /* counted */
/* current enters ns, whose reference it takes. */
void task_enter_netns(struct netns *ns);
struct netns *netns_boot(void);         /* the first one, lo up; counted */

/* route.c, addr.c.  Is it an address of ours? */
bool net_is_local(struct netns *ns, const struct ipaddr *a);
/* How *dst is reached and the source address to use; dst "any" becomes
 * loopback.  link: the one that the program named, or 0.  -ENETUNREACH,
 * -EHOSTUNREACH, -EACCES, -EINVAL as the route says. */
enum net_kind { NET_LOCAL, NET_BROADCAST, NET_MULTICAST };
int __must_check net_route(struct netns *ns, struct ipaddr *dst, int32_t link, struct ipaddr *ret_src,
			   enum net_kind *ret_kind);
/* May a socket be bound to it?  Multicast and broadcast may. */
bool net_may_bind(struct netns *ns, const struct ipaddr *a);

/* Interface ioctls (netdevice(7)) of any socket; -ENOTTY when not one. */
long net_ioctl(struct socket *s, unsigned cmd, uint64_t arg);
long net_ethtool(uint64_t arg);                 /* SIOCETHTOOL about lo; ethtool.c */

/* Names of congestion control; find: -ENOENT. */
const char *net_congestion_name(unsigned k);
int net_congestion_find(const char *name, size_t n);

/* ---- families ---- */
int inet_create(struct socket *s);      /* AF_INET, AF_INET6 */
int netlink_create(struct socket *s);
/* n bytes into the queue of a netlink socket, as a message of the kernel's; for
 * mq_notify(2).  netlink_takes: 0, -ENOTSOCK, -EINVAL. */
int netlink_takes(struct file *f);
void netlink_give(struct file *f, const void *data, size_t n);

/* ---- /proc/net ---- */
void net_show_tcp(struct netns *ns, struct sbuf *s, bool v6);
void net_show_udp(struct netns *ns, int proto, struct sbuf *s, bool v6);
void net_show_unix(struct netns *ns, struct sbuf *s);
void net_show_arp(struct netns *ns, struct sbuf *s);
void net_show_netlink(struct netns *ns, struct sbuf *s);
void net_show_packet(struct netns *ns, struct sbuf *s);
void net_show_raw(struct netns *ns, struct sbuf *s, bool v6);
void net_show_icmp(struct netns *ns, struct sbuf *s, bool v6);  /* ping sockets */
struct net_counts { unsigned all, tcp4, tcp6, udp4, udp6, raw4, raw6, orphans, waiting, established; uint64_t tcp_bytes; };
struct net_counts net_count(struct netns *ns);
/* The name space's tally with the connections that live: packets, bytes, tcp_segments. */
void net_traffic(struct netns *ns, struct net_tally *ret);

#endif
