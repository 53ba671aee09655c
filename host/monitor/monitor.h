/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.h: what the monitor's files share. */
#ifndef NACRE_MONITOR_H
#define NACRE_MONITOR_H

#include <sys/types.h>
#include <termios.h>
#include "host/gofer/gofer.h"
#include "host/monitor/control.h"
#include "host/monitor/launch.h"
#include "platform/process/process.h"

/* -- console.c -- */
struct console {
	bool active;            /* stdin and stdout are our terminal, in the foreground */
	bool raw;               /* it is in raw mode now */
	struct termios saved;
	uint16_t rows, cols;
};
/* Find what stdio is; stream_fd[0..2] become descriptors for the sandbox. */
int console_prepare(struct console *c, const struct launch *l, uint32_t stdio[3], int stream_fd[3]);
int console_raw(struct console *c);
void console_restore(struct console *c);
bool console_size(struct console *c);   /* true when it changed */

/* -- cgroup.c -- */
struct cgroup { char path[512]; bool v2; pid_t janitor; int janitor_fd; };
enum cgroup_kind { CGROUP_NONE, CGROUP_V1, CGROUP_V2 };
/* Where a memory cgroup could be made: its parent directory. */
enum cgroup_kind cgroup_probe(char base[400]);
/* Make one with a limit of bytes; false when the host gives none. */
bool cgroup_new(struct cgroup *g, uint64_t bytes);
/* Is a session of its own also a group of its own to the host's scheduler
 * (sched(7), autogroup)?  Only in the root of the cpu controller. */
bool cgroup_session_alone(void);
int cgroup_enter(const struct cgroup *g, pid_t pid);
uint64_t cgroup_oom_kills(const struct cgroup *g);
/* Remove it; everything inside must be dead or dying. */
void cgroup_free(struct cgroup *g);

/* -- spawn.c -- */
struct sandbox_procs {
	pid_t gofer, sandbox;
	int control_fd;
};
int spawn_gofer(const struct gofer_config *cfg, pid_t *ret_pid);
/* cfg->control_fd is set in the child. ret_control: the monitor's end. */
int spawn_sandbox(struct sandbox_config *cfg, const struct cgroup *cgroup, pid_t *ret_pid,
		  int *ret_control);

#endif
