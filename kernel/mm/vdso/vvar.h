/* SPDX-License-Identifier: Apache-2.0 */
/* vvar.h: the page of clock parameters that the vDSO reads.
 *
 * The kernel writes it, every task maps it read-only, directly below the
 * vDSO's image.  seq is odd while the rest changes; 0 means never filled. */
#ifndef NACRE_KERNEL_MM_VDSO_VVAR_H
#define NACRE_KERNEL_MM_VDSO_VVAR_H

#include <stdint.h>

struct vvar {
	uint32_t seq;
	uint32_t valid;                 /* 0: always trap */
	uint64_t base_cycles, limit_cycles;
	uint64_t mono_ns, real_ns;
	uint32_t mult, shift;
	uint64_t gate;                  /* plat_syscall_gate(): constant, 0 without */
};

#endif
