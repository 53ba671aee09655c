/* SPDX-License-Identifier: Apache-2.0 */
/* sysctl_net.h: private to sysctl_net.c and sysctl_inet.c. */
#ifndef NACRE_KERNEL_FS_PROC_SYSCTL_NET_H
#define NACRE_KERNEL_FS_PROC_SYSCTL_NET_H

#include "kernel/fs/proc/proc.h"
#include "kernel/net/settings.h"

/* A number at *at, decimal, octal or hexadecimal, between blanks; -EINVAL. */
int sysctl_number(const char *text, size_t n, size_t *at, int64_t *ret);

#define SYSCTL_PAIR(name) void name##_show(struct sbuf *s); int name##_store(const char *text, size_t n)
SYSCTL_PAIR(sysctl_congestion);
SYSCTL_PAIR(sysctl_reserved_ports);
SYSCTL_PAIR(sysctl_ping_groups);
SYSCTL_PAIR(sysctl_fastopen_key);
SYSCTL_PAIR(sysctl_ttl);
/* arg: the first of three settings. */
void sysctl_three_show(struct sbuf *s, uint64_t arg);
int sysctl_three_store(const char *text, size_t n, uint64_t arg);
/* arg: SET_conf6_…_disable_ipv6. */
int sysctl_disable6_store(const char *text, size_t n, uint64_t arg);
/* arg: enum sock_mem. */
void sysctl_sock_mem_show(struct sbuf *s, uint64_t arg);
int sysctl_sock_mem_store(const char *text, size_t n, uint64_t arg);

#endif
