/* SPDX-License-Identifier: Apache-2.0 */
/* packet.h: packet sockets, packet(7): who sees what goes over lo.  Nothing goes
 * there, so the protocols describe what would (frame.h) when somebody looks.
 * Source: kernel/net/packet.c, packet_ring.c. */
#ifndef NACRE_KERNEL_NET_PACKET_H
#define NACRE_KERNEL_NET_PACKET_H

#include "kernel/net/frame.h"
#include <linux_abi/packet.h>

int packet_create(struct socket *s);

/* Does anybody look?  Asked before a frame is made. */
static inline bool packet_watched(const struct netns *ns)
{
	return __atomic_load_n(&ns->packet_count, __ATOMIC_RELAXED);
}
/* f goes out on lo and comes in again.  No lock held. */
void packet_show(struct netns *ns, struct frame *f);

#endif
