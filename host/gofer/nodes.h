/* SPDX-License-Identifier: Apache-2.0 */
/* nodes.h: the gofer's table of file-system objects that the sandbox names.
 *
 * A handle is slot and generation; a stale or invented one is refused with
 * -ESTALE.  A node is held by an O_PATH descriptor.  Beyond a limit the least
 * recently used descriptors are closed, and opened again by parent and name
 * with a check that the same object (device, inode, type) is still there.
 *
 * Locking: one mutex for the table; file-system calls of an operation happen
 * outside it, on a pinned node. */
#ifndef NACRE_GOFER_NODES_H
#define NACRE_GOFER_NODES_H

#include <sys/stat.h>
#include "host/gofer/gofer.h"

struct node {
	uint32_t slot, gen;
	uint64_t lookups;       /* handles the sandbox holds */
	uint32_t pins;          /* operations in flight: no eviction, no free */
	uint32_t children;      /* nodes whose parent this is */
	int fd;                 /* O_PATH, -1 when evicted */
	uint32_t root;          /* index of its root */
	uint32_t type;          /* S_IFMT bits; an inode's type never changes */
	bool hollow;            /* stands for a forbidden file system: an empty directory */
	bool writable;
	uint64_t dev, ino;
	struct node *parent;    /* NULL for a root */
	char *name;             /* in parent */
	struct node *hash_next;
	struct node *lru_prev, *lru_next;       /* on the list while fd >= 0 and not a root */
};

int nodes_init(const struct gofer_config *cfg);
/* The pinned node behind a handle, its descriptor open; or -errno. */
int __must_check node_pin(uint64_t handle, struct node **ret);
void node_unpin(struct node *n);
/* Enter what was found as name in parent (pinned); takes fd, also on error.
 * One lookup is counted. */
int __must_check node_enter(struct node *parent, const char *name, int fd,
			    const struct stat *st, bool hollow, uint64_t *ret_handle);
/* The same for what was only looked at, if it is held already: the number of a
 * held object cannot become another's. */
bool node_enter_known(struct node *parent, const char *name, const struct stat *st, uint64_t *ret_handle);
/* name in parent now is the object (dev, ino): remember the new place. */
void node_moved(struct node *parent, const char *name, uint64_t dev, uint64_t ino);
int node_forget(uint64_t handle);
/* Open name in dirfd without following anything; O_PATH. */
int node_open_path(int dirfd, const char *name);
/* How many nodes and descriptors there are (tests). */
void nodes_count(size_t *ret_nodes, size_t *ret_fds);

#endif
