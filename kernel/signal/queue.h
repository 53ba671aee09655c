/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of pending sets; used inside kernel/signal/ only. */
#ifndef NACRE_KERNEL_SIGNAL_QUEUE_H
#define NACRE_KERNEL_SIGNAL_QUEUE_H

#include "kernel/signal/signal.h"

/* NULL: no memory or `limit` reached for this user. */
struct sigqueue *sigqueue_new(uint32_t uid, uint64_t limit);
void sigqueue_free(struct sigqueue *q);

#endif
