/* SPDX-License-Identifier: Apache-2.0 */
/* launch.h: what to run, and the monitor that runs it.
 *
 * The runtime fills struct launch from options or an OCI bundle; the monitor
 * validates what only it can see (roots that open, stdio, cgroups), starts
 * gofer and sandbox, and stays until both are gone. */
#ifndef NACRE_MONITOR_LAUNCH_H
#define NACRE_MONITOR_LAUNCH_H

#include <base/types.h>
#include <boot.h>

#define LAUNCH_MOUNTS_MAX 64
/* The status of nacre's own errors, as other container tools have it. */
#define LAUNCH_FAILED 125

struct launch_mount {
	uint32_t kind;          /* enum boot_mount_kind */
	bool readonly;
	const char *source;     /* HOST, OVERLAY: a directory of the host */
	const char *target;     /* absolute, inside */
	uint32_t mode;
};

/* What nacre's caller left it and execve(2) hands on. */
struct launch_caller {
	bool stdio_closed[3];           /* was closed when nacre was started */
	uint64_t signals_ignored, signals_blocked;      /* bit n-1: signal n */
};

struct launch {
	char *const *argv;
	char *const *envp;
	const char *cwd;
	const char *hostname;
	uint32_t uid, gid;
	const uint32_t *groups;
	size_t group_count;
	struct launch_mount mounts[LAUNCH_MOUNTS_MAX];
	size_t mount_count;
	unsigned cpu_count;     /* 0: what the caller may use */
	uint64_t memory_limit;  /* bytes, 0 = none */
	uint32_t pids_limit;    /* processes and threads, 0 = none of its own */
	bool strace;
	const char *strace_file;        /* NULL: stderr */
	bool stats;             /* time system calls, and report at the end */
	const char *stats_file;         /* NULL: stderr */
	struct launch_caller caller;
};

/* Runs it all; the exit status for the shell. */
int monitor_run(const struct launch *l);

#endif
