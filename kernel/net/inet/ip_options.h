/* SPDX-License-Identifier: Apache-2.0 */
/* ip_options.h: options in the header of IPv4 packets (ip_options.c), and extension headers of IPv6
 * (ip6_options.c). */
#ifndef NACRE_KERNEL_NET_IP_OPTIONS_H
#define NACRE_KERNEL_NET_IP_OPTIONS_H

#include "kernel/net/net.h"

#define IP_OPTIONS_MAX 40u
/* IPv4: size is a multiple of 4.  IPv6: hop bytes of a hop-by-hop header, then one of destination options. */
struct ip_options { uint8_t size, hop, b[IP_OPTIONS_MAX]; };

/* IP_OPTIONS, and ancillary data IP_RETOPTS.  -EINVAL, -EPERM (source routes). */
int __must_check ip_options_parse(struct ip_options *ret, const void *val, size_t size);
/* A packet goes over lo: what both ends write into its options. */
void ip_options_travel(struct ip_options *p, const struct ipaddr *from, const struct ipaddr *to);
/* What an answer to a packet with these options has, or IP_RETOPTS tells. */
void ip_options_reply(const struct ip_options *got, struct ip_options *ret);

/* What a socket has for all its messages. */
struct ip6_headers {
	bool has_hop, has_before, has_dst;
	uint8_t hop[IP_OPTIONS_MAX], before_route[IP_OPTIONS_MAX], dst[IP_OPTIONS_MAX];
};
struct inet_sock;
struct sock_msg;
bool ip6_is_header(int opt);            /* IPV6_HOPOPTS and its kin */
int ip6_set_header(struct inet_sock *i, int opt, const void *val, size_t size);        /* -EINVAL, -EPERM, -ENOBUFS */
int ip6_get_header(struct inet_sock *i, int opt, void *val, size_t *size);
int __must_check ip6_kept_headers(struct inet_sock *i, struct ip_options *ret);        /* -ENOBUFS: too many */
/* One of a message's ancillary data. */
int __must_check ip6_add_header(struct ip_options *p, int type, const uint8_t *data, size_t size);
bool ip6_headers_fine(const struct ip_options *p);      /* false: the receiver drops such a message */
void ip6_describe_headers(const struct inet_sock *i, const struct ip_options *p, struct sock_msg *m);

#endif
