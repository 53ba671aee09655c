/* SPDX-License-Identifier: Apache-2.0 */
/* sock.h: netlink sockets and their queues, for netlink.c and queue.c only. */
#ifndef NACRE_KERNEL_NETLINK_SOCK_H
#define NACRE_KERNEL_NETLINK_SOCK_H

#include "kernel/net/frame.h"
#include "kernel/net/netlink/netlink.h"

#define NL_OPTS 16

/* A message or several; a filter may leave less than `room`, which is what counts. */
struct nl_answer { struct list link; uint32_t size, room, groups; uint8_t data[]; };

struct nl_sock {
	struct netns *ns;
	int protocol, type;
	struct waitq wq;
	struct mutex read_lock;
	struct spinlock lock;
	/* lock */
	struct list queue;
	size_t queued;
	uint32_t pid;
	uint32_t to_pid;                /* connect()'s; atomic */
	uint64_t groups;                /* bit n - 1: group n */
	bool grouped;                   /* they were set once */
	struct filter_slot filter;
	size_t rcvbuf;
	bool admin;                     /* its opener had CAP_NET_ADMIN */
	int32_t error;
	int32_t opt[NL_OPTS];
	uint64_t ino;
	struct list all_link;           /* nl_all_lock */
};

extern struct spinlock nl_all_lock;
extern struct list nl_all;              /* nl_all_lock */

/* ---- queue.c ---- */
/* What was built goes into k's own queue.  -ENOBUFS. */
int __must_check nl_answer(struct nl_sock *k, struct nl_request *r);
bool nl_ready(struct nl_sock *k, int *ret_err);         /* something to read, or an error (taken) */
struct nl_answer *nl_first(struct nl_sock *k);          /* stays; k->read_lock */
void nl_first_done(struct nl_sock *k, struct nl_answer *a);
void nl_queue_free(struct nl_sock *k);                  /* nobody else has k */

#endif
