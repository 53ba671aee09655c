/* SPDX-License-Identifier: Apache-2.0 */
/* tmpfs.h: files in memory; also what memfd_create and the overlay's upper
 * layer are made of. */
#ifndef NACRE_KERNEL_TMPFS_H
#define NACRE_KERNEL_TMPFS_H

#include "kernel/vfs/vfs.h"

/* A file without a place in any tree, open for reading and writing: memfd,
 * shared memory.  name is for /proc ("/memfd:NAME").  flags: TMPFS_FILE_*. */
#define TMPFS_FILE_SEALS 1u             /* F_ADD_SEALS allowed; otherwise sealed */
#define TMPFS_FILE_NOEXEC 2u            /* F_SEAL_EXEC from the start, and more may come */
int __must_check tmpfs_new_file(const char *name, uint64_t size, uint32_t flags, struct file **ret);

/* Called once, before the first of them: the sandbox's memory limit, 0 for none. */
void tmpfs_memory(uint64_t limit);
/* A private tmpfs; limit in bytes (0: the default), mode of its root. */
int __must_check tmpfs_new_super(uint64_t limit, uint32_t mode, struct super_block **ret);

/* An inode of sb without a name (nlink 0) of any type, owned by root: link()
 * gives it names. */
struct inode *tmpfs_node_new(struct super_block *sb, uint32_t mode, int *ret_err);

#endif
