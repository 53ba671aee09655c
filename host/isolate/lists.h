/* SPDX-License-Identifier: Apache-2.0 */
/* lists.h: the generated allow lists (gen_lists.py), and the installer. */
#ifndef NACRE_ISOLATE_LISTS_H
#define NACRE_ISOLATE_LISTS_H

#include <stddef.h>

struct isolate_call { const char *name; int nr; };

extern const struct isolate_call isolate_sandbox_calls[], isolate_gofer_calls[],
	isolate_monitor_calls[];
extern const size_t isolate_sandbox_count, isolate_gofer_count, isolate_monitor_count;

/* Every call's name; ends with nr -1. */
extern const struct isolate_call isolate_names[];

/* The program that seccomp_install() would install, at most
 * SECCOMP_FILTER_MAX instructions; returns its length. */
#define SECCOMP_FILTER_MAX 316
struct sock_filter;
size_t seccomp_build(const struct isolate_call *calls, size_t count,
		     struct sock_filter *filter);

/* Set no_new_privs and install the filter on all threads.  0 or -errno. */
int seccomp_install(const struct isolate_call *calls, size_t count);

#endif
