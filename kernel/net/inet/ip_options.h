/* SPDX-License-Identifier: Apache-2.0 */
/* ip_options.h: options in the header of IPv4 packets.  Source: ip_options.c */
#ifndef NACRE_KERNEL_NET_IP_OPTIONS_H
#define NACRE_KERNEL_NET_IP_OPTIONS_H

#include "kernel/net/net.h"

#define IP_OPTIONS_MAX 40u
struct ip_options { uint8_t size, b[IP_OPTIONS_MAX]; };  /* a multiple of 4 */

/* IP_OPTIONS, and ancillary data IP_RETOPTS.  -EINVAL, -EPERM (source routes). */
int __must_check ip_options_parse(struct ip_options *ret, const void *val, size_t size);
/* A packet goes over lo: what both ends write into its options. */
void ip_options_travel(struct ip_options *p, const struct ipaddr *from, const struct ipaddr *to);
/* What an answer to a packet with these options has, or IP_RETOPTS tells. */
void ip_options_reply(const struct ip_options *got, struct ip_options *ret);

#endif
