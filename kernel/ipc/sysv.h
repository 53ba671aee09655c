/* SPDX-License-Identifier: Apache-2.0 */
/* What semaphores and message queues of System V share: a table of objects
 * with an identifier, a key, owners and a mode (svipc(7)).  The caller's
 * spinlock guards a table and its objects. */
#ifndef NACRE_KERNEL_IPC_SYSV_H
#define NACRE_KERNEL_IPC_SYSV_H

#include "kernel/task/task.h"
#include <linux_abi/ipc.h>

#define SYSV_SLOTS 32000u
#define SYSV_SHIFT 15           /* identifiers: sequence number << SYSV_SHIFT | slot */
#define SYSV_SEQ_MAX 0xffffu

struct sysv_object {                    /* first in semaphore sets and queues */
	struct ref ref;                 /* the table and each call that sleeps on it */
	bool removed;
	int32_t id, key;
	uint32_t uid, gid, cuid, cgid, mode;
	int64_t ctime;
};

struct sysv_table {
	struct spinlock lock;
	struct sysv_object *slot[SYSV_SLOTS];
	uint16_t seq[SYSV_SLOTS];
	unsigned used, top;
};

int64_t sysv_now(void);
static inline unsigned sysv_slot(int32_t id) { return (unsigned)id & ((1u << SYSV_SHIFT) - 1); }
/* All of these: table->lock held. */
struct sysv_object *sysv_find(struct sysv_table *t, int32_t id);         /* NULL: EINVAL */
struct sysv_object *sysv_at(struct sysv_table *t, int32_t id);   /* xxx_STAT: whatever is in the slot of id, or NULL */
struct sysv_object *sysv_find_key(struct sysv_table *t, int32_t key);
/* Into the table with a fresh identifier; -ENOSPC. */
int sysv_insert(struct sysv_table *t, struct sysv_object *o, int32_t key, int flags);
/* Out of the table; the table's reference is the caller's to drop. */
void sysv_remove(struct sysv_table *t, struct sysv_object *o);
bool sysv_permitted(const struct sysv_object *o, unsigned want);         /* 4 read, 2 write */
bool sysv_owner(const struct sysv_object *o);
void sysv_fill_perm(const struct sysv_object *o, struct linux_ipc_perm *p);
void sysv_set_perm(struct sysv_object *o, const struct linux_ipc_perm *p);

/* The common part of xxxget(2): the identifier, -errno, or 1 in *ret_new when
 * an object is to be made (lock dropped by the caller either way). */
long sysv_get_existing(struct sysv_table *t, int32_t key, int flags, struct sysv_object **ret);

#endif
