/* SPDX-License-Identifier: Apache-2.0 */
/* exec.h: the parts of execve(2). */
#ifndef NACRE_KERNEL_TASK_EXEC_H
#define NACRE_KERNEL_TASK_EXEC_H

#include "kernel/mm/mm.h"
#include "kernel/task/task.h"

struct exec_strings {                           /* NUL-separated, packed */
	char *p;
	size_t size, cap;
	unsigned count;
};
int __must_check exec_strings_add(struct exec_strings *s, const char *text, size_t n);
/* A NULL-terminated array of string pointers in user memory.  -E2BIG. */
int __must_check exec_strings_user(struct exec_strings *s, uaddr array, uint64_t limit);
void exec_strings_free(struct exec_strings *s);
uint64_t exec_args_limit(void);

/* Open name, follow "#!", run it.  On success the calling task is the new
 * program: 0, with fresh registers.  The strings stay the caller's; argv may
 * be changed. */
int __must_check exec_run(struct task *t, int dfd, const char *name, int at_flags,
			  struct exec_strings *argv, struct exec_strings *envp);

/* The other threads of the group end; the caller becomes its leader.
 * -EAGAIN: the group is ending anyway. */
int __must_check exec_de_thread(struct task *t);

#endif
