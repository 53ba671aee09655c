/* SPDX-License-Identifier: Apache-2.0 */
/* Private to kernel/net/netlink/: answers are built as text, then queued. */
#ifndef NACRE_KERNEL_NETLINK_H
#define NACRE_KERNEL_NETLINK_H

#include "kernel/net/net.h"
#include "kernel/task/task.h"
#include <linux_abi/netlink.h>

/* One request and the answer under way. */
struct nl_request {
	struct linux_nlmsghdr h;
	const uint8_t *body;            /* h.len - header bytes, kernel copy */
	size_t size;
	struct netns *ns;
	uint32_t pid;                   /* of the asking socket */
	struct sbuf out;
	size_t open;                    /* where the message being built starts */
	bool dump;
};
/* A message of this type with a fixed part; attributes follow; nl_end(). */
void nl_begin(struct nl_request *r, uint16_t type, const void *fixed, size_t size);
void nl_attr(struct nl_request *r, uint16_t type, const void *p, size_t n);
static inline void nl_u32(struct nl_request *r, uint16_t type, uint32_t v) { nl_attr(r, type, &v, sizeof v); }
static inline void nl_u8(struct nl_request *r, uint16_t type, uint8_t v) { nl_attr(r, type, &v, sizeof v); }
void nl_end(struct nl_request *r);
/* The attribute `type` behind `fixed` bytes of the body; NULL: none. */
const void *nl_find(const struct nl_request *r, size_t fixed, uint16_t type, size_t *ret_size);

/* route.c: 0 or the error of the answer. */
int route_request(struct nl_request *r);

#endif
