/* SPDX-License-Identifier: Apache-2.0 */
/* sys.h: private to kernel/fs/sys. */
#ifndef NACRE_KERNEL_FS_SYS_H
#define NACRE_KERNEL_FS_SYS_H

#include "kernel/fs/pseudo/pseudo.h"

extern const struct pseudo_node sysfs_lo_nodes[];       /* net.c: /sys/class/net/lo */

#endif
