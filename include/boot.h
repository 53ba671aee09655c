/* SPDX-License-Identifier: Apache-2.0 */
/* boot.h: what the monitor tells the kernel at start.
 *
 * Built by the platform from the monitor's validated configuration; read-only
 * and valid for the whole life of the kernel.  Strings are NUL-terminated. */
#ifndef NACRE_BOOT_H
#define NACRE_BOOT_H

#include <base/types.h>

enum boot_mount_kind {
	BOOT_MOUNT_HOST = 1,    /* hc_root tree; read-only or writable as `readonly` */
	BOOT_MOUNT_OVERLAY,     /* private tmpfs layer above hc_root (copy-up) */
	BOOT_MOUNT_TMPFS,
	BOOT_MOUNT_PROC,
	BOOT_MOUNT_SYSFS,
	BOOT_MOUNT_DEV,         /* null zero full random urandom tty ptmx pts/ shm/ fd std* */
	BOOT_MOUNT_HIDE,        /* an empty unreadable file or directory over target */
};

/* In mount order; [0] is "/".  A missing target is created in the writable
 * layer where there is one. */
struct boot_mount {
	uint32_t kind;
	bool readonly;
	const char *target;     /* absolute path inside */
	uint64_t hc_root;       /* HOST, OVERLAY: root handle from the gofer */
	uint64_t size;          /* TMPFS: limit in bytes, 0 = default */
	uint32_t mode;          /* TMPFS: mode of its root, 0 = 0755 */
};

enum boot_stdio_kind { BOOT_STDIO_NULL, BOOT_STDIO_STREAM, BOOT_STDIO_TTY };

struct boot_params {
	uint32_t version;                       /* BOOT_VERSION */
	uint32_t cpu_count;
	/* So many CPUs may run programs whose system calls come densely before
	 * they hold each other up; 0: as many as there are. */
	uint32_t dense_cpus;
	const char *const *argv;                /* program and arguments, NULL-terminated */
	const char *const *envp;
	const char *cwd;                        /* absolute; falls back to "/" when missing */
	const char *hostname;
	uint32_t uid, gid;
	const uint32_t *groups;
	size_t group_count;
	const struct boot_mount *mounts;
	size_t mount_count;
	/* Streams 0,1,2 of hostcall.h.  TTY: the stream is the host terminal in
	 * raw mode; the kernel makes /dev/pts/0 of it, with its line discipline,
	 * as the program's controlling terminal. */
	uint32_t stdio[3];                      /* enum boot_stdio_kind */
	uint16_t tty_rows, tty_cols;
	uint64_t memory_limit;                  /* bytes, 0 = none; the kernel's own accounting */
	bool memory_by_cgroup;                  /* the host enforces memory_limit exactly */
	uint32_t pids_limit;                    /* processes and threads at once, 0 = what the platform can */
	bool strace;                            /* decoded system calls to the log stream */
	uint64_t nofile_limit;                  /* hard RLIMIT_NOFILE inside */
	uint64_t signals_ignored, signals_blocked;      /* bit n-1: the program starts so with signal n */
	const char *build_id;
};

#define BOOT_VERSION 4

#endif
