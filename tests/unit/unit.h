/* SPDX-License-Identifier: Apache-2.0 */
/* unit.h: between the units built as kernel code and the hosted runner. */
#ifndef NACRE_UNIT_H
#define NACRE_UNIT_H

struct unit_result { unsigned failed; char text[200]; };
struct unit_test { const char *name; void (*fn)(void); };
void unit_begin(void);
/* The i-th test of all; NULL when there are no more. */
const struct unit_result *unit_run(unsigned i, const char **ret_name);

/* -- for units -- */
extern const struct unit_test unit_patch_tests[], unit_cpuid_tests[], unit_bpf_tests[];      /* these end with a NULL name */
void unit_check(_Bool good, const char *file, int line, const char *what);
/* Every process but init gets SIGKILL: what sleeps must end. */
void unit_kill_all(void);
void unit_dump_tasks(void (*print)(const char *line));
/* The calling CPU begins or ends to read without locks; between them no system call. */
void unit_lockless(_Bool begin);

/* Programs of the fake machine, each in a file of its name. */
int sockets_model(int arg), accept_model(int arg), tcp_model(int arg), packets_model(int arg), rings_model(int arg), walks(int arg), lockless(int arg),
	granted_close(int arg);

#endif
