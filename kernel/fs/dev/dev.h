/* SPDX-License-Identifier: Apache-2.0 */
/* dev.h: character devices of the sandbox.  Private to kernel/fs/dev/. */
#ifndef NACRE_KERNEL_FS_DEV_H
#define NACRE_KERNEL_FS_DEV_H

#include "kernel/vfs/vfs.h"

/* mem.c */
extern const struct file_ops null_fops, zero_fops, full_fops, random_fops;
/* stdio.c */
void stdio_stream_event(unsigned n);

#endif
