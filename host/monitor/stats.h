/* SPDX-License-Identifier: Apache-2.0 */
/* stats.h: the counters of a sandbox (include/stats.h), made and reported.
 *
 * They lie in a file without a name that the monitor makes and keeps open; the
 * sandbox maps it.  Who may look at the monitor's descriptors (/proc/PID/fd:
 * its user and root) may read them: that is all the access control, and the
 * host kernel's.  What is read is the sandbox's word: hostile numbers. */
#ifndef NACRE_MONITOR_STATS_H
#define NACRE_MONITOR_STATS_H

#include <base/types.h>
#include <stdio.h>
#include <sys/resource.h>

#define STATS_FILE_NAME "nacre-stats"

/* What the host counted for the processes, when they are gone. */
struct stats_usage {
	struct rusage sandbox;          /* with its stubs */
	struct rusage gofer;
};

/* The file, empty; timed: system calls are to be timed.  -1: none to be had,
 * the sandbox counts for itself. */
int stats_new(bool timed);
/* Open the report's file (NULL: stderr); *ret_json: by its name.  0 or -errno
 * with a line on stderr. */
int stats_open(const char *path, FILE **ret_out, bool *ret_json);
/* Read fd and print; usage may be NULL.  Uses malloc, read and lseek.  -errno. */
int stats_report(int fd, FILE *out, bool json, const struct stats_usage *usage);

#endif
