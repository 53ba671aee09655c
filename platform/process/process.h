/* SPDX-License-Identifier: Apache-2.0 */
/* process.h: the process platform's contract with the rest of the sandbox
 * process and with the monitor that starts it.
 *
 * The sandbox process is PID 1 of a private PID namespace.  Its threads are
 * the virtual CPUs (one each), a reaper that notices dead stubs, and an event
 * thread for streams and the monitor's control channel.  The stubs are its
 * children (clone with CLONE_PARENT), so that the host ends them with it.
 *
 * Source: platform/process/. */
#ifndef NACRE_PLATFORM_PROCESS_H
#define NACRE_PLATFORM_PROCESS_H

#include <base/types.h>
#include <boot.h>
#include <hostcall.h>

/* All descriptors are owned by the sandbox from here on. */
struct sandbox_config {
	struct boot_params boot;
	int gofer_fd;                   /* SOCK_SEQPACKET, one per CPU would follow in gofer_cpu_fd */
	int gofer_cpu_fd[64];           /* CPU i's own channel; -1 when unused */
	int stream_fd[HC_STREAM_COUNT]; /* -1 when absent */
	int control_fd;                 /* SOCK_SEQPACKET with the monitor (host/monitor/control.h) */
	int log_fd;                     /* plat_log(), reports */
	int stats_fd;                   /* struct stats_area (include/stats.h), or -1 */
	bool scheduled_alone;           /* to the host's scheduler the sandbox is a group of its own */
};

/* Called in the sandbox process after its namespaces exist and before its
 * last lock-down.  Makes kernel memory and the template stub, calls
 * isolate_sandbox() (host/isolate/isolate.h), then starts CPU 0 in
 * kernel_main().  Does not return. */
__noreturn void sandbox_main(const struct sandbox_config *cfg);

/* Inside the sandbox process: a descriptor of the caller's own for an open
 * hc_file handle; -EBADF when there is none, -EMFILE. */
int hc_file_dup(uint64_t file);
/* The descriptor, kept open until unuse; or an error. */
int hc_file_use(uint64_t file);
void hc_file_unuse(uint64_t file);
void views_forget(uint64_t file);       /* views.c: this handle ends */
void hc_file_give_back(void);           /* descriptors of files not in use */

/* Raise event bits (any thread): they are or-ed in and CPU 0 is kicked. */
void process_events_raise(uint64_t bits);

/* Set-up and shutdown of the hostcall side (hc_*.c).  hc_init() is called by
 * sandbox_main() before the lock-down; it may start the event thread. */
int hc_init(const struct sandbox_config *cfg);

#endif
