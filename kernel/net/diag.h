/* SPDX-License-Identifier: Apache-2.0 */
/* diag.h: what protocols tell about their sockets: sock_diag(7).  The family
 * walks its sockets and calls back with one after the other, no lock held. */
#ifndef NACRE_KERNEL_NET_DIAG_H
#define NACRE_KERNEL_NET_DIAG_H

#include "kernel/net/net.h"

struct inet_diag {
	int family, proto;              /* PROTO_ */
	uint8_t state, timer, shutdown;
	uint32_t expires_ms, rqueue, wqueue, uid;
	uint64_t ino;
	struct endpoint local, remote;
	bool v6only, port_locked;
	uint8_t tos;
	int32_t rcvbuf, sndbuf;
	const char *congestion;
	const void *info;               /* struct tcp_info, or NULL */
	size_t info_size;
};
typedef void (*inet_diag_fn)(const struct inet_diag *d, void *arg);
/* kernel/net/inet/diag.c; -ENOMEM */
int __must_check inet_diag_each(struct netns *ns, int proto, bool want_info, inet_diag_fn fn, void *arg);

struct unix_diag {
	uint8_t type, state, shutdown;
	uint32_t rqueue, wqueue, uid;
	uint64_t ino, peer_ino;
	const char *name;               /* as bind() got it; NULL: none */
	size_t name_size;
};
/* kernel/net/unix/show.c.  fn is called under a lock and must not sleep. */
void unix_diag_each(struct netns *ns, void (*fn)(const struct unix_diag *d, void *arg), void *arg);

#endif
