/* SPDX-License-Identifier: Apache-2.0 */
/* read and write on sockets: socket_msg.c for socket.c. */
#ifndef NACRE_KERNEL_NET_SOCKET_FILE_H
#define NACRE_KERNEL_NET_SOCKET_FILE_H

#include "kernel/net/socket.h"

long socket_recv_iter(struct file *f, struct iter *to);
long socket_send_iter(struct file *f, struct iter *from);

#endif
