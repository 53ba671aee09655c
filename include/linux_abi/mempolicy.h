/* SPDX-License-Identifier: Apache-2.0 */
/* Memory policies: set_mempolicy(2), mbind(2). */
#ifndef NACRE_LINUX_ABI_MEMPOLICY_H
#define NACRE_LINUX_ABI_MEMPOLICY_H

#define MPOL_DEFAULT 0u
#define MPOL_PREFERRED 1u
#define MPOL_BIND 2u
#define MPOL_INTERLEAVE 3u
#define MPOL_LOCAL 4u
#define MPOL_PREFERRED_MANY 5u
#define MPOL_MAX 6u

#define MPOL_F_STATIC_NODES 0x8000u
#define MPOL_F_RELATIVE_NODES 0x4000u
#define MPOL_F_NUMA_BALANCING 0x2000u
#define MPOL_MODE_FLAGS 0xe000u

#define MPOL_F_NODE 1u
#define MPOL_F_ADDR 2u
#define MPOL_F_MEMS_ALLOWED 4u

#define MPOL_MF_STRICT 1u
#define MPOL_MF_MOVE 2u
#define MPOL_MF_MOVE_ALL 4u

#endif
