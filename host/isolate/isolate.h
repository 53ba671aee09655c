/* SPDX-License-Identifier: Apache-2.0 */
/* isolate.h: each process of a sandbox gives up what it does not need.
 *
 * The allow lists are generated at build time from annotations beside the
 * callers:   HOST_CALLS(sandbox, futex, pread64)   anywhere in a C file that
 * makes these host system calls in that kind of process.  The macro expands
 * to nothing; host/isolate/gen_lists.py collects it, so code and filter
 * cannot drift.  Kinds: sandbox, gofer, monitor. */
#ifndef NACRE_ISOLATE_H
#define NACRE_ISOLATE_H

#include <base/types.h>

#define HOST_CALLS(kind, ...) _Static_assert(1, #kind)

/* Drop capabilities, apply Landlock where present, set no_new_privs and
 * install the seccomp list of this kind on all threads (TSYNC).  What is not
 * listed kills the process.  0 or -errno with a line on stderr. */
int __must_check isolate_sandbox(void);
int __must_check isolate_gofer(void);
int __must_check isolate_monitor(void);

/* What must happen before threads exist: namespaces (where this process may
 * make them), capabilities, Landlock.  isolate_sandbox_early() is called
 * before sandbox_main(), so that the stubs inherit it. */
struct gofer_config;
int __must_check isolate_sandbox_early(void);
int __must_check isolate_gofer_early(const struct gofer_config *cfg);

/* Pieces of the above, for doctor and tests.  keep: capability bits. */
int __must_check isolate_drop_caps(uint64_t keep);
int __must_check isolate_empty_root(void);
/* Print the number of a forbidden call before ending (nacre --debug). */
extern bool isolate_debug;

/* Close every descriptor but the n listed ones (sorted or not). */
int __must_check isolate_close_fds_except(const int *keep, size_t n);

/* Before threads exist: make the descriptor table as large as it will be.  The
 * host grows the table of several threads by synchronize_rcu(), 10 ms a time. */
void isolate_reserve_fds(void);

/* For `nacre doctor --surface`: the names in a kind's list. */
const char *const *isolate_list(const char *kind, size_t *ret_count);

#endif
