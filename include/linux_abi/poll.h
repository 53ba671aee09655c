/* SPDX-License-Identifier: Apache-2.0 */
/* poll(2), select(2). */
#ifndef NACRE_LINUX_ABI_POLL_H
#define NACRE_LINUX_ABI_POLL_H

#include <base/types.h>

#define POLLIN 0x001
#define POLLPRI 0x002
#define POLLOUT 0x004
#define POLLERR 0x008
#define POLLHUP 0x010
#define POLLNVAL 0x020
#define POLLRDNORM 0x040
#define POLLRDBAND 0x080
#define POLLWRNORM 0x100
#define POLLWRBAND 0x200
#define POLLMSG 0x400
#define POLLREMOVE 0x1000
#define POLLRDHUP 0x2000

struct linux_pollfd { int32_t fd; int16_t events, revents; };
_Static_assert(sizeof(struct linux_pollfd) == 8, "pollfd");

#define FD_SETSIZE_BITS 64              /* bits of one word of an fd_set */

#endif
