/* SPDX-License-Identifier: Apache-2.0 */
/* hc.h: what the hc_*.c files of the sandbox process share.
 *
 * They implement include/hostcall.h: nodes through the gofer (hc_node.c),
 * open files and streams on descriptors held here (hc_file.c, hc_stream.c),
 * readiness and the monitor's messages (hc_event.c).  All host calls are raw:
 * CPU threads run on kernel stacks, nothing may rest on libc's errno. */
#ifndef NACRE_PLATFORM_PROCESS_HC_H
#define NACRE_PLATFORM_PROCESS_HC_H

#include <sys/stat.h>
#include "lib/raw.h"
#include "platform/process/process.h"
#include "platform/process/stats.h"

/* Host calls are counted. */
#undef raw
#define raw(...) (stats_host(STATS_FIRST(__VA_ARGS__, 0)), \
	RAW_PICK(__VA_ARGS__, RAW_6, RAW_5, RAW_4, RAW_3, RAW_2, RAW_1, RAW_0)(__VA_ARGS__))

/* A futex lock for the short sections here; not fair, not recursive. */
struct hc_lock { uint32_t word; };      /* 0 free, 1 taken, 2 taken with sleepers */
void hc_lock_take(struct hc_lock *l);
bool hc_lock_try(struct hc_lock *l);
void hc_lock_release(struct hc_lock *l);

/* hc_file.c: put a received descriptor into the table; closes it on error.
 * Owners come from the gofer: seen from this process's user namespace every
 * one of the host's reads 65534. */
int __must_check hc_file_enter(int fd, uint64_t node, uint32_t flags,
			       const struct hc_attr *attr, uint64_t *ret_file);
void hc_file_init(void);

/* hc_node.c: the node's file once more. */
int __must_check hc_node_reopen(uint64_t node, uint32_t flags, int *ret_fd);
/* node got a new owner: what is open follows. */
void hc_file_owner_changed(uint64_t node, const struct hc_attr *attr);
void hc_attr_from_stat(const struct stat *st, struct hc_attr *ret);
int hc_fd_getattr(int fd, struct hc_attr *ret_attr);

/* util.c: the host's CPU that runs this. */
uint32_t host_cpu(void);

int hc_node_init(const struct sandbox_config *cfg);
int hc_stream_init(const struct sandbox_config *cfg);
int hc_event_init(const struct sandbox_config *cfg);
/* Arm stream n once for HC_POLL_ bits. */
void hc_event_arm(uint32_t stream, int fd, uint32_t arm);

#endif
