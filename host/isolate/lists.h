/* SPDX-License-Identifier: Apache-2.0 */
/* lists.h: the generated allow lists (gen_lists.py), and the installer. */
#ifndef NACRE_ISOLATE_LISTS_H
#define NACRE_ISOLATE_LISTS_H

#include <stddef.h>

struct isolate_call { const char *name; int nr; };

extern const struct isolate_call isolate_sandbox_calls[], isolate_gofer_calls[],
	isolate_monitor_calls[];
extern const size_t isolate_sandbox_count, isolate_gofer_count, isolate_monitor_count;

/* Set no_new_privs and install the filter on all threads.  0 or -errno. */
int seccomp_install(const struct isolate_call *calls, size_t count);

#endif
