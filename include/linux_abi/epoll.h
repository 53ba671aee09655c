/* SPDX-License-Identifier: Apache-2.0 */
/* epoll(7). */
#ifndef NACRE_LINUX_ABI_EPOLL_H
#define NACRE_LINUX_ABI_EPOLL_H

#include <base/types.h>

#define EPOLL_CLOEXEC 02000000
#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3

#define EPOLLIN 0x001u
#define EPOLLPRI 0x002u
#define EPOLLOUT 0x004u
#define EPOLLERR 0x008u
#define EPOLLHUP 0x010u
#define EPOLLNVAL 0x020u
#define EPOLLRDNORM 0x040u
#define EPOLLRDBAND 0x080u
#define EPOLLWRNORM 0x100u
#define EPOLLWRBAND 0x200u
#define EPOLLMSG 0x400u
#define EPOLLRDHUP 0x2000u
#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP (1u << 29)
#define EPOLLONESHOT (1u << 30)
#define EPOLLET (1u << 31)

struct linux_epoll_event { uint32_t events; uint64_t data; } __packed;
_Static_assert(sizeof(struct linux_epoll_event) == 12, "epoll_event");

#endif
