/* SPDX-License-Identifier: Apache-2.0 */
/* capget(2), capset(2).  The CAP_ numbers are in kernel/task/task.h. */
#ifndef NACRE_LINUX_ABI_CAPABILITY_H
#define NACRE_LINUX_ABI_CAPABILITY_H

#include <base/types.h>

#define _LINUX_CAPABILITY_VERSION_1 0x19980330u
#define _LINUX_CAPABILITY_VERSION_2 0x20071026u
#define _LINUX_CAPABILITY_VERSION_3 0x20080522u

struct linux_cap_header { uint32_t version; int32_t pid; };
struct linux_cap_data { uint32_t effective, permitted, inheritable; };

#endif
