/* SPDX-License-Identifier: Apache-2.0 */
/* devpts.h: the file system of pseudo-terminals, /dev/pts.
 * Source: kernel/fs/devpts/devpts.c. */
#ifndef NACRE_KERNEL_FS_DEVPTS_H
#define NACRE_KERNEL_FS_DEVPTS_H

#include <base/types.h>

struct tty;

/* Give t its inode, owned by current; -ENOMEM.  t keeps it to its end. */
int __must_check devpts_make_inode(struct tty *t);

#endif
