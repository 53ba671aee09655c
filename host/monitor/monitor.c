/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor: a sandbox's life cycle.
 *
 * How it works: opens the roots, makes the channels, starts gofer and sandbox
 * (spawn.c), gives up its rights, and then only forwards: signals and window
 * sizes in, the exit status out.  It owns the terminal's mode and the cgroup.
 *
 * Signals: in raw mode keys are bytes and arrive inside by themselves.
 * Otherwise SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 are passed
 * to the foreground group inside.  A program that ignores SIGTERM, SIGHUP,
 * SIGQUIT or a SIGINT that no keyboard sent (shells drop one that comes while
 * they start a program) has END_TIMEOUT_MS, or until the signal comes again;
 * then the sandbox is killed.  Every other deadly signal kills it at once.
 * What nacre's caller ignores only the program decides about, which starts
 * ignoring it, and a deadly signal that it blocks stays pending.
 *
 * Trust: all that counts from the sandbox is one exit status in 0..255. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "host/isolate/isolate.h"
#include "host/monitor/monitor.h"
#include "host/monitor/stats.h"
#include "lib/build_id.h"

HOST_CALLS(monitor, poll, read, write, recvfrom, sendto, wait4, kill, ioctl, close,
	   exit_group, rt_sigprocmask, rt_sigaction, rt_sigreturn, getpid, gettid, tgkill,
	   clock_nanosleep, clock_gettime, munmap, mmap, brk, newfstatat, lseek);

#define END_TIMEOUT_MS 5000
#define LAST_WORDS_MAX 64u       /* of a sandbox that has ended */
#define NOFILE_MIN 256u         /* channels, stubs, and some files */

struct monitor {
	struct sandbox_procs procs;
	struct console console;
	struct cgroup cgroup;
	bool has_cgroup;
	uint64_t memory_limit;
	int signal_fd;
	int status;             /* -1 until known */
	bool gofer_gone;
	int gofer_status;
	bool sandbox_gone;
	int sandbox_status;     /* waitpid's */
	uint64_t ignored;       /* signals that the caller ignores: the program starts so */
	int ending_signal;      /* forwarded and not obeyed yet */
	struct timespec kill_at;
	int stats_fd;           /* -1: none */
	FILE *stats_out;        /* the report of --stats, or NULL */
	bool stats_json;
	struct stats_usage usage;
};

static const int forwarded[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 };
static const int deadly[] = { SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGIO, SIGPWR, SIGSTKFLT };
static const int watched[] = { SIGCHLD, SIGWINCH, SIGTSTP, SIGCONT };

static int open_root(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), probe;

	if (fd < 0) {
		fprintf(stderr, "nacre: %s: %s\n", path, strerror(errno));
		return -1;
	}
	probe = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (probe < 0) {
		fprintf(stderr, "nacre: %s: cannot be read: %s\n", path, strerror(errno));
		close(fd);
		return -1;
	}
	close(probe);
	return fd;
}

static unsigned default_cpus(void)
{
	cpu_set_t set;
	int n;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	n = CPU_COUNT(&set);
	return n < 1 ? 1 : n > 64 ? 64 : (unsigned)n;
}

static int make_channels(unsigned cpus, struct gofer_config *g, struct sandbox_config *s)
{
	unsigned i;
	int pair[2];

	for (i = 0; i < ARRAY_SIZE(s->gofer_cpu_fd); i++)
		s->gofer_cpu_fd[i] = -1;
	for (i = 0; i <= cpus; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
			return -errno;
		g->channel[g->channel_count++] = pair[1];
		if (i == 0)
			s->gofer_fd = pair[0];
		else
			s->gofer_cpu_fd[i - 1] = pair[0];
	}
	return 0;
}

static int open_roots(const struct launch *l, struct gofer_config *g, struct boot_mount *mounts)
{
	size_t i;
	int fd;

	for (i = 0; i < l->mount_count; i++) {
		const struct launch_mount *m = &l->mounts[i];

		mounts[i] = (struct boot_mount){
			.kind = m->kind, .readonly = m->readonly, .target = m->target, .mode = m->mode,
		};
		if (m->kind != BOOT_MOUNT_HOST && m->kind != BOOT_MOUNT_OVERLAY)
			continue;
		fd = open_root(m->source);
		if (fd < 0)
			return -ENOENT;
		mounts[i].hc_root = GOFER_ROOT_HANDLE(g->root_count);
		g->roots[g->root_count++] = (struct gofer_root){
			.fd = fd, .writable = m->kind == BOOT_MOUNT_HOST && !m->readonly,
		};
	}
	return 0;
}

/* Where decoded system calls go; follows the caller's rights and umask. */
static int open_strace(const struct launch *l)
{
	int fd;

	if (!l->strace_file)
		return fcntl(2, F_DUPFD_CLOEXEC, 3);
	fd = open(l->strace_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
	if (fd < 0)
		fprintf(stderr, "nacre: %s: %s\n", l->strace_file, strerror(errno));
	return fd;
}

static uint64_t nofile_hard(void)
{
	struct rlimit r;

	return getrlimit(RLIMIT_NOFILE, &r) ? 0 : r.rlim_max;
}

/* The kernel's descriptors are not the host's: a low limit of the host holds
 * only open host files down. */
static uint64_t nofile_inside(void)
{
	return MIN(MAX(nofile_hard(), 4096ul), 1048576ul);
}

static void watch_signals(struct monitor *m, uint64_t blocked)
{
	sigset_t set;
	size_t i;

	/* Blocked signals come to signalfd also when they are ignored: the
	 * program may have set a handler. */
	sigemptyset(&set);
	for (i = 0; i < ARRAY_SIZE(forwarded); i++)
		sigaddset(&set, forwarded[i]);
	for (i = 0; i < ARRAY_SIZE(deadly); i++)
		if (!(blocked >> (deadly[i] - 1) & 1))
			sigaddset(&set, deadly[i]);
	for (i = 0; i < ARRAY_SIZE(watched); i++)
		sigaddset(&set, watched[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	m->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void tell(struct monitor *m, uint32_t type, uint32_t a, uint32_t b)
{
	struct control_msg msg = { .type = type, .a = a, .b = b };

	/* A full channel means that the sandbox does not listen; the time-out
	 * of ending signals is the remedy. */
	(void)!send(m->procs.control_fd, &msg, sizeof(msg), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void tell_size(struct monitor *m)
{
	if (m->console.active && console_size(&m->console))
		tell(m, CONTROL_WINCH, m->console.rows, m->console.cols);
}

static void reap(struct monitor *m, int options)
{
	if (!m->sandbox_gone && wait4(m->procs.sandbox, &m->sandbox_status, options, &m->usage.sandbox) == m->procs.sandbox)
		m->sandbox_gone = true;
	if (!m->gofer_gone && wait4(m->procs.gofer, &m->gofer_status, options, &m->usage.gofer) == m->procs.gofer)
		m->gofer_gone = true;
}

static void stop_self(struct monitor *m)
{
	sigset_t set, old;

	console_restore(&m->console);
	kill(m->procs.sandbox, SIGSTOP);
	sigemptyset(&set);
	sigaddset(&set, SIGCONT);
	sigprocmask(SIG_UNBLOCK, &set, &old);
	raise(SIGSTOP);
	sigprocmask(SIG_SETMASK, &old, NULL);
	console_raw(&m->console);
	kill(m->procs.sandbox, SIGCONT);
	tell_size(m);
}

static bool listed(int sig, const int *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (list[i] == sig)
			return true;
	return false;
}

/* true: the sandbox is to be killed; m->status is set. */
static bool handle_signal(struct monitor *m, const struct signalfd_siginfo *info)
{
	int sig = (int)info->ssi_signo;
	bool ignored = m->ignored >> (sig - 1) & 1;

	if (listed(sig, deadly, ARRAY_SIZE(deadly))) {
		if (ignored)
			return false;
		m->status = 128 + sig;
		return true;
	}
	switch (sig) {
	case SIGCHLD:
		reap(m, WNOHANG);
		return false;
	case SIGWINCH:
		tell_size(m);
		return false;
	case SIGTSTP:
		if (!ignored)
			stop_self(m);
		return false;
	case SIGCONT:
		console_raw(&m->console);
		return false;
	case SIGINT:
		if (info->ssi_code > 0)         /* Ctrl-C: the program may go on */
			break;
		/* fallthrough */
	case SIGTERM:
	case SIGHUP:
	case SIGQUIT:
		if (ignored)
			break;
		if (m->ending_signal == sig) {
			m->status = 128 + sig;
			return true;
		}
		m->ending_signal = sig;
		clock_gettime(CLOCK_MONOTONIC, &m->kill_at);
		m->kill_at.tv_sec += END_TIMEOUT_MS / 1000;
		break;
	default:
		break;
	}
	tell(m, CONTROL_SIGNAL, (uint32_t)sig, 0);
	return false;
}

static bool read_signals(struct monitor *m)
{
	struct signalfd_siginfo info;

	while (read(m->signal_fd, &info, sizeof(info)) == sizeof(info))
		if (handle_signal(m, &info))
			return true;
	return false;
}

/* true: the sandbox said its last word. */
static bool read_control(struct monitor *m)
{
	struct control_msg msg;
	ssize_t n = recv(m->procs.control_fd, &msg, sizeof(msg), MSG_DONTWAIT | MSG_TRUNC);

	/* It ended before it had read all; its last word comes behind that. */
	if (n < 0 && errno == ECONNRESET)
		n = recv(m->procs.control_fd, &msg, sizeof(msg), MSG_DONTWAIT | MSG_TRUNC);
	if (n < 0)
		return errno != EAGAIN && errno != EINTR;
	if (n == 0)
		return true;
	if (n == sizeof(msg) && msg.type == CONTROL_EXIT && msg.a <= 255) {
		m->status = (int)msg.a;
		return true;
	}
	return false;
}

static int until_kill_ms(const struct monitor *m)
{
	struct timespec now;
	int64_t ms;

	if (!m->ending_signal)
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (m->kill_at.tv_sec - now.tv_sec) * 1000 + (m->kill_at.tv_nsec - now.tv_nsec) / 1000000;
	return ms < 0 ? 0 : (int)ms;
}

static void watch(struct monitor *m)
{
	struct pollfd p[2] = {
		{ .fd = m->procs.control_fd, .events = POLLIN },
		{ .fd = m->signal_fd, .events = POLLIN },
	};
	int n, timeout;

	/* It may have changed after it was read and before signals were watched. */
	tell_size(m);
	for (;;) {
		timeout = until_kill_ms(m);
		if (timeout == 0) {
			m->status = 128 + m->ending_signal;
			return;
		}
		n = poll(p, 2, timeout);
		if (n < 0 && errno != EINTR)
			return;
		/* The exit status first: the death of the process follows it. */
		if (n > 0 && p[0].revents && read_control(m))
			return;
		if (n > 0 && p[1].revents && read_signals(m))
			return;
		if (m->gofer_gone && !m->sandbox_gone)
			return;
	}
}

static void report_death(const struct monitor *m)
{
	const char *why = "";

	if (m->gofer_gone && !m->sandbox_gone) {
		fprintf(stderr, "nacre: the gofer (file server) ended unexpectedly: %s %d\n",
			WIFSIGNALED(m->gofer_status) ? "signal" : "status",
			WIFSIGNALED(m->gofer_status) ? WTERMSIG(m->gofer_status)
						     : WEXITSTATUS(m->gofer_status));
		return;
	}
	if (m->has_cgroup && cgroup_oom_kills(&m->cgroup))
		why = " (the memory limit)";
	else if (WIFSIGNALED(m->sandbox_status) && WTERMSIG(m->sandbox_status) == SIGSYS)
		why = " (a host call outside its list)";
	if (WIFSIGNALED(m->sandbox_status))
		fprintf(stderr, "nacre: the sandbox was killed by signal %d, %s%s\n",
			WTERMSIG(m->sandbox_status), strsignal(WTERMSIG(m->sandbox_status)), why);
	else if (WEXITSTATUS(m->sandbox_status) != LAUNCH_FAILED)   /* else it said why itself */
		fprintf(stderr, "nacre: the sandbox ended without an exit status (%d)\n",
			WEXITSTATUS(m->sandbox_status));
}

/* End of file on the channel, or the end of the gofer because the sandbox had gone, may be
 * seen before the sandbox's last word and before its death. */
static void await_end(struct monitor *m)
{
	const struct timespec pause = { .tv_nsec = 2000000 };
	unsigned i;

	for (i = 0; i < 100 && !m->sandbox_gone &&
	     (!m->gofer_gone || (WIFEXITED(m->gofer_status) && !WEXITSTATUS(m->gofer_status))); i++) {
		reap(m, WNOHANG);
		if (!m->sandbox_gone)
			nanosleep(&pause, NULL);
	}
	for (i = 0; i < LAST_WORDS_MAX && m->status < 0 && !read_control(m); i++)
		;
}

/* Kill what is left and wait for it: nothing survives the monitor. */
static void finish(struct monitor *m)
{
	bool unexpected;
	uint64_t kills;

	if (m->status < 0)
		await_end(m);
	unexpected = m->status < 0;
	if (unexpected) {
		console_restore(&m->console);
		report_death(m);
		m->status = LAUNCH_FAILED;
	}
	if (!m->sandbox_gone)
		kill(m->procs.sandbox, SIGKILL);
	if (!m->gofer_gone)
		kill(m->procs.gofer, SIGKILL);
	reap(m, 0);
	console_restore(&m->console);
	if (m->stats_out)
		stats_report(m->stats_fd, m->stats_out, m->stats_json, &m->usage);
	if (!m->has_cgroup)
		return;
	kills = cgroup_oom_kills(&m->cgroup);
	if (kills && !unexpected)
		fprintf(stderr, "nacre: the memory limit of %llu MiB was reached: %llu process%s killed inside\n",
			(unsigned long long)(m->memory_limit >> 20), (unsigned long long)kills,
			kills == 1 ? " was" : "es were");
	cgroup_free(&m->cgroup);
}

int monitor_run(const struct launch *l)
{
	static struct gofer_config gofer;       /* large, and one per process */
	static struct sandbox_config sandbox;
	static struct boot_mount mounts[LAUNCH_MOUNTS_MAX];
	static struct monitor m;
	unsigned cpus = l->cpu_count ? MIN(l->cpu_count, 64u) : default_cpus();
	int err;

	m.status = -1;
	if (nofile_hard() < NOFILE_MIN) {
		fprintf(stderr, "nacre: at most %llu open files are allowed here (ulimit -Hn); %u are needed\n",
			(unsigned long long)nofile_hard(), NOFILE_MIN);
		return LAUNCH_FAILED;
	}
	prctl(PR_SET_DUMPABLE, 1);
	if (open_roots(l, &gofer, mounts))
		return LAUNCH_FAILED;
	err = console_prepare(&m.console, l, sandbox.boot.stdio, sandbox.stream_fd);
	sandbox.stream_fd[HC_STREAM_LOG] = -1;
	if (l->strace) {
		sandbox.stream_fd[HC_STREAM_LOG] = open_strace(l);
		if (sandbox.stream_fd[HC_STREAM_LOG] < 0)
			return LAUNCH_FAILED;
	}
	m.stats_fd = sandbox.stats_fd = stats_new(l->stats);
	if (l->stats && stats_open(l->stats_file, &m.stats_out, &m.stats_json))
		return LAUNCH_FAILED;
	sandbox.log_fd = fcntl(2, F_DUPFD_CLOEXEC, 3);
	if (!err)
		err = make_channels(cpus, &gofer, &sandbox);
	if (err || sandbox.log_fd < 0) {
		fprintf(stderr, "nacre: cannot prepare: %s\n", strerror(err ? -err : errno));
		return LAUNCH_FAILED;
	}
	m.memory_limit = l->memory_limit;
	if (l->memory_limit)
		m.has_cgroup = cgroup_new(&m.cgroup, l->memory_limit);
	sandbox.scheduled_alone = cgroup_session_alone();
	sandbox.boot.version = BOOT_VERSION;
	sandbox.boot.cpu_count = cpus;
	sandbox.boot.dense_cpus = (default_cpus() + 1) / 2;     /* a core for the kernel's thread, one for the program's */
	sandbox.boot.argv = (const char *const *)l->argv;
	sandbox.boot.envp = (const char *const *)l->envp;
	sandbox.boot.cwd = l->cwd;
	sandbox.boot.hostname = l->hostname;
	sandbox.boot.uid = l->uid;
	sandbox.boot.gid = l->gid;
	sandbox.boot.groups = l->groups;
	sandbox.boot.group_count = l->group_count;
	sandbox.boot.mounts = mounts;
	sandbox.boot.mount_count = l->mount_count;
	sandbox.boot.tty_rows = m.console.rows;
	sandbox.boot.tty_cols = m.console.cols;
	sandbox.boot.memory_limit = l->memory_limit;
	sandbox.boot.memory_by_cgroup = m.has_cgroup;
	sandbox.boot.pids_limit = l->pids_limit;
	sandbox.boot.strace = l->strace;
	sandbox.boot.nofile_limit = nofile_inside();
	sandbox.boot.signals_ignored = m.ignored = l->caller.signals_ignored;
	sandbox.boot.signals_blocked = l->caller.signals_blocked;
	sandbox.boot.build_id = build_id();
	gofer.isolate = true;

	watch_signals(&m, l->caller.signals_blocked);
	err = m.signal_fd < 0 ? -errno : spawn_gofer(&gofer, &m.procs.gofer);
	if (err) {
		fprintf(stderr, "nacre: cannot start: %s\n", strerror(-err));
		if (m.has_cgroup)
			cgroup_free(&m.cgroup);
		return LAUNCH_FAILED;
	}
	if (console_raw(&m.console))
		m.console.active = false;
	err = spawn_sandbox(&sandbox, m.has_cgroup ? &m.cgroup : NULL, &m.procs.sandbox,
			    &m.procs.control_fd);
	if (err) {
		m.sandbox_gone = true;
		m.status = LAUNCH_FAILED;
	} else {
		int keep[] = { 0, 1, 2, m.signal_fd, m.procs.control_fd,
			       m.has_cgroup ? m.cgroup.janitor_fd : -1, m.stats_fd,
			       m.stats_out ? fileno(m.stats_out) : -1 };

		/* Everything else belongs to the others now. */
		if (isolate_close_fds_except(keep, ARRAY_SIZE(keep)) || isolate_monitor())
			m.status = LAUNCH_FAILED;
		else
			watch(&m);
	}
	finish(&m);
	return m.status;
}
