/* SPDX-License-Identifier: Apache-2.0 */
/* exec.h: between the ELF loader (elf.c) and the first stack (exec_stack.c). */
#ifndef NACRE_KERNEL_MM_EXEC_H
#define NACRE_KERNEL_MM_EXEC_H

#include "kernel/mm/internal.h"

struct exec_layout {
	uint64_t phdr, phnum, base, entry;      /* for the auxiliary vector */
	bool exec_stack;
};

/* The first stack: its mapping, then arguments, environment and auxiliary
 * vector in a buffer of the kernel, and, when the mapping is there, their copy. */
struct exec_stack {
	uint64_t bottom;                /* user address of the buffer: the stack pointer */
	size_t size;
	char *buf;                      /* freed by exec_stack_free() */
	uint64_t execfn, strings, platform, random;     /* offsets in the buffer */
};
int __must_check exec_stack_build(struct mm *mm, const struct exec_args *a,
				  const struct exec_layout *l, struct exec_stack *st);
int __must_check exec_stack_copy(struct mm *mm, const struct exec_stack *st);
void exec_stack_free(struct exec_stack *st);

#endif
