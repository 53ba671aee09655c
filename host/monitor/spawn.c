/* SPDX-License-Identifier: Apache-2.0 */
/* Making the gofer and the sandbox process.
 *
 * Both are forked without exec: the start costs no loading, and what they
 * inherit is given up piece by piece: descriptors, the caller's environment
 * and arguments, namespaces, capabilities (host/isolate).
 *
 * The sandbox process is made in new user, PID, mount, network, IPC, UTS and
 * cgroup namespaces.  An unprivileged caller maps itself; root maps an
 * identity that nobody else on the host has, one per sandbox.
 *
 * Neither outlives the monitor: each asks for SIGKILL on its death, then
 * checks that it is still there. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "host/isolate/isolate.h"
#include "host/monitor/monitor.h"

/* Far above what distributions and useradd give out. */
#define PRIVATE_ID_BASE 0x70000000u
#define NOBODY 65534u

extern char **environ;

static void reset_signals(void)
{
	sigset_t none;
	int i;

	for (i = 1; i < 32; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The caller's arguments and environment: what the program may have of them
 * was copied; secrets in the rest are none of the sandbox's business. */
static void scrub_environment(void)
{
	char **e;

	for (e = environ; e && *e; e++)
		explicit_bzero(*e, strlen(*e));
	environ = NULL;
}

int spawn_gofer(const struct gofer_config *cfg, pid_t *ret_pid)
{
	int keep[GOFER_MAX_ROOTS + GOFER_MAX_CHANNELS + 1];
	pid_t parent = getpid(), pid = fork();
	size_t n = 0, i;

	if (pid < 0)
		return -errno;
	if (pid) {
		*ret_pid = pid;
		return 0;
	}
	reset_signals();
	setsid();
	prctl(PR_SET_NAME, "nacre-gofer");
	for (i = 0; i < cfg->root_count; i++)
		keep[n++] = cfg->roots[i].fd;
	for (i = 0; i < cfg->channel_count; i++)
		keep[n++] = cfg->channel[i];
	keep[n++] = 2;
	scrub_environment();
	if (isolate_close_fds_except(keep, n) || prctl(PR_SET_PDEATHSIG, SIGKILL))
		_exit(1);
	if (getppid() != parent)
		_exit(1);
	_exit(gofer_main(cfg));
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int write_map(pid_t pid, const char *file, uint32_t id)
{
	char path[64], text[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	snprintf(text, sizeof(text), "%u %u 1\n", id, id);
	return write_file(path, text);
}

/* Give the child's user namespace one identity; which one is in ret_id. */
static int map_ids(pid_t pid, uint32_t *ret_uid, uint32_t *ret_gid)
{
	const uint32_t candidates[] = {
		PRIVATE_ID_BASE + ((uint32_t)pid & 0xffffff), NOBODY, 0,
	};
	char path[64];
	size_t i;
	int err;

	if (geteuid()) {
		snprintf(path, sizeof(path), "/proc/%d/setgroups", (int)pid);
		err = write_file(path, "deny");
		if (err && err != -ENOENT)
			return err;
		*ret_uid = geteuid();
		*ret_gid = getegid();
		err = write_map(pid, "uid_map", *ret_uid);
		return err ? err : write_map(pid, "gid_map", *ret_gid);
	}
	err = -EINVAL;
	for (i = 0; i < ARRAY_SIZE(candidates); i++) {
		err = write_map(pid, "uid_map", candidates[i]);
		if (!err)
			err = write_map(pid, "gid_map", candidates[i]);
		if (!err) {
			*ret_uid = *ret_gid = candidates[i];
			return 0;
		}
	}
	return err;
}

static __noreturn void child_main(struct sandbox_config *cfg, int control, int monitor_end)
{
	int keep[HC_STREAM_COUNT + 64 + 8];
	struct control_msg m;
	struct pollfd p = { .fd = control, .events = POLLIN };
	size_t n = 0, i;

	close(monitor_end);
	reset_signals();
	setsid();
	prctl(PR_SET_NAME, "nacre-sandbox");
	/* The identity exists once the monitor says so: a, b = uid, gid. */
	if (recv(control, &m, sizeof(m), 0) != sizeof(m) || m.type != CONTROL_GO)
		_exit(LAUNCH_FAILED);
	if (m.reserved && setgroups(0, NULL)) {
		perror("nacre: sandbox: setgroups");
		_exit(LAUNCH_FAILED);
	}
	if (setresgid(m.b, m.b, m.b) || setresuid(m.a, m.a, m.a)) {
		perror("nacre: sandbox: cannot take its identity");
		_exit(LAUNCH_FAILED);
	}
	/* Changing identity cleared both of these. */
	if (prctl(PR_SET_DUMPABLE, 1) || prctl(PR_SET_PDEATHSIG, SIGKILL) ||
	    (poll(&p, 1, 0) == 1 && p.revents & POLLHUP))
		_exit(LAUNCH_FAILED);

	cfg->control_fd = control;
	for (i = 0; i < HC_STREAM_COUNT; i++)
		keep[n++] = cfg->stream_fd[i];
	for (i = 0; i < ARRAY_SIZE(cfg->gofer_cpu_fd); i++)
		if (cfg->gofer_cpu_fd[i] >= 0)
			keep[n++] = cfg->gofer_cpu_fd[i];
	keep[n++] = cfg->gofer_fd;
	keep[n++] = cfg->control_fd;
	keep[n++] = cfg->log_fd;
	keep[n++] = cfg->stats_fd;
	if (cfg->log_fd != 2 && dup2(cfg->log_fd, 2) < 0)
		_exit(LAUNCH_FAILED);
	keep[n++] = 2;                  /* errors of set-up */
	scrub_environment();
	if (isolate_close_fds_except(keep, n) || isolate_sandbox_early())
		_exit(LAUNCH_FAILED);
	sandbox_main(cfg);
}

int spawn_sandbox(struct sandbox_config *cfg, const struct cgroup *cgroup, pid_t *ret_pid,
		  int *ret_control)
{
	unsigned long ns = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
			   CLONE_NEWCGROUP;
	struct control_msg go = { .type = CONTROL_GO };
	bool userns = true;
	int pair[2], err = 0;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	pid = (pid_t)syscall(SYS_clone, ns | CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
	if (pid < 0 && !geteuid() && (errno == EPERM || errno == ENOSPC || errno == EINVAL)) {
		userns = false;
		pid = (pid_t)syscall(SYS_clone, ns | SIGCHLD, 0, 0, 0, 0);
	}
	if (pid < 0) {
		err = -errno;
		fprintf(stderr, "nacre: cannot make the sandbox's namespaces: %s\n"
			"  User namespaces may be forbidden here; `nacre doctor` says what to change.\n",
			strerror(errno));
		close(pair[0]);
		close(pair[1]);
		return err;
	}
	if (!pid)
		child_main(cfg, pair[1], pair[0]);
	close(pair[1]);
	if (userns) {
		err = map_ids(pid, &go.a, &go.b);
		if (err)
			fprintf(stderr, "nacre: cannot map the sandbox's identity: %s\n", strerror(-err));
	} else {
		/* Root where user namespaces are forbidden: the identity alone. */
		go.a = go.b = PRIVATE_ID_BASE + ((uint32_t)pid & 0xffffff);
	}
	go.reserved = !geteuid();               /* may drop supplementary groups */
	if (!err && cgroup) {
		err = cgroup_enter(cgroup, pid);
		if (err)
			fprintf(stderr, "nacre: cannot put the sandbox into its cgroup: %s\n", strerror(-err));
	}
	if (!err && send(pair[0], &go, sizeof(go), MSG_NOSIGNAL) != sizeof(go))
		err = -errno;
	if (err) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		close(pair[0]);
		return err;
	}
	*ret_pid = pid;
	*ret_control = pair[0];
	return 0;
}
