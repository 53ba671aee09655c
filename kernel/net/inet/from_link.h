/* SPDX-License-Identifier: Apache-2.0 */
/* from_link.h: the way up from the link, for packet sockets.  Source: from_link.c. */
#ifndef NACRE_KERNEL_NET_FROM_LINK_H
#define NACRE_KERNEL_NET_FROM_LINK_H

#include "kernel/net/net.h"

/* n bytes of this type (ETH_P_, host order) behind the link's header.  No lock held. */
void inet_from_link(struct netns *ns, uint16_t type, const uint8_t *p, size_t n);

#endif
