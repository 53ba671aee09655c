/* SPDX-License-Identifier: Apache-2.0 */
/* exec.h: between the ELF loader (elf.c) and the first stack (exec_stack.c). */
#ifndef NACRE_KERNEL_MM_EXEC_H
#define NACRE_KERNEL_MM_EXEC_H

#include "kernel/mm/internal.h"

struct exec_layout {
	uint64_t phdr, phnum, base, entry;      /* for the auxiliary vector */
	bool exec_stack;
};

/* Map the stack, fill in arguments, environment and auxiliary vector. */
int __must_check exec_stack_build(struct mm *mm, const struct exec_args *a,
				  const struct exec_layout *l, uint64_t *ret_sp);

#endif
