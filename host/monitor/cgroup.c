/* SPDX-License-Identifier: Apache-2.0 */
/* The memory cgroup of a sandbox, where the host delegates one; and what the cpu controller makes of it.
 *
 * How it works: version 1: a child of our own memory cgroup.  Version 2: a
 * sibling of our own cgroup (processes live in leaves only), whose parent
 * must be writable and pass the memory controller down.  Where neither can be
 * made the kernel inside accounts by itself.
 *
 * Clean-up: the monitor removes the directory at its end.  A janitor process
 * holds a pipe of the monitor and does it when the monitor was killed; it
 * holds nothing else and is gone some milliseconds after.  When that was
 * killed as well, the next sandbox with a limit removes what is stale. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "host/isolate/isolate.h"
#include "host/monitor/monitor.h"

HOST_CALLS(monitor, rmdir, openat, read, write, close, clock_nanosleep, wait4);

static bool read_text(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n, used = 0;

	if (fd < 0)
		return false;
	while ((n = read(fd, buf + used, size - 1 - (size_t)used)) > 0)
		used += n;
	close(fd);
	buf[used] = 0;
	return n == 0;
}

static int write_text(const char *dir, const char *file, const char *text)
{
	char path[640];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* Is word in a list with commas? */
static bool listed(const char *list, const char *word)
{
	size_t n = strlen(word);
	const char *p;

	for (p = strstr(list, word); p; p = strstr(p + n, word))
		if ((p == list || p[-1] == ',') && (p[n] == ',' || !p[n]))
			return true;
	return false;
}

/* Our cgroup's path from /proc/self/cgroup: controller "memory" is version 1,
 * "" (hierarchy 0) version 2. */
static bool own_path(const char *controller, char *path, size_t size)
{
	char text[4096], *line, *save = NULL, *name, *p;

	if (!read_text("/proc/self/cgroup", text, sizeof(text)))
		return false;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		name = strchr(line, ':');
		p = name ? strchr(name + 1, ':') : NULL;
		if (!p)
			continue;
		*p++ = 0;
		name++;
		if (*controller ? listed(name, controller) : !*name && line[0] == '0') {
			snprintf(path, size, "%s", p);
			return true;
		}
	}
	return false;
}

static bool has_word(const char *path, const char *word)
{
	char text[512], *p, *save = NULL;

	if (!read_text(path, text, sizeof(text)))
		return false;
	for (p = strtok_r(text, " \n", &save); p; p = strtok_r(NULL, " \n", &save))
		if (!strcmp(p, word))
			return true;
	return false;
}

static bool usable(const char *dir)
{
	return access(dir, W_OK | X_OK) == 0;
}

enum cgroup_kind cgroup_probe(char base[400])
{
	static const char *const v2_mounts[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	char path[256], file[480], *slash;
	size_t i;

	if (own_path("memory", path, sizeof(path))) {
		snprintf(base, 400, "/sys/fs/cgroup/memory%s", path);
		if (usable(base))
			return CGROUP_V1;
		/* In a container our path may be above what is mounted. */
		snprintf(base, 400, "/sys/fs/cgroup/memory");
		snprintf(file, sizeof(file), "%s/memory.limit_in_bytes", base);
		if (usable(base) && !access(file, F_OK))
			return CGROUP_V1;
	}
	if (!own_path("", path, sizeof(path)))
		return CGROUP_NONE;
	for (i = 0; i < ARRAY_SIZE(v2_mounts); i++) {
		snprintf(base, 400, "%s%s", v2_mounts[i], path);
		slash = strrchr(base, '/');
		if (slash && strlen(base) > strlen(v2_mounts[i]) + 1)
			*slash = 0;             /* the parent: we are a leaf */
		snprintf(file, sizeof(file), "%s/cgroup.subtree_control", base);
		if (usable(base) && has_word(file, "memory")) {
			snprintf(file, sizeof(file), "%s/cgroup.procs", base);
			if (!access(file, W_OK))
				return CGROUP_V2;
		}
	}
	base[0] = 0;
	return CGROUP_NONE;
}

bool cgroup_session_alone(void)
{
	char text[16], path[256];

	if (!read_text("/proc/sys/kernel/sched_autogroup_enabled", text, sizeof(text)) || text[0] != '1')
		return false;
	/* Files that only the real root has, or only it has not: a container may see its own as "/". */
	if (own_path("cpu", path, sizeof(path)))
		return !strcmp(path, "/") && !access("/sys/fs/cgroup/cpu/release_agent", F_OK);
	return !own_path("", path, sizeof(path)) ||
	       (!strcmp(path, "/") && !access("/sys/fs/cgroup/cgroup.procs", F_OK) &&
		access("/sys/fs/cgroup/cgroup.type", F_OK));
}

/* Removal fails while the last process is still dying. */
static void remove_patiently(const char *path)
{
	const struct timespec pause = { .tv_nsec = 2000000 };
	unsigned i;

	for (i = 0; i < 2500 && rmdir(path) && errno == EBUSY; i++)
		nanosleep(&pause, NULL);
}

/* What an earlier monitor left when its janitor was killed too. */
static void remove_stale(const char *base)
{
	char path[700];
	struct dirent *e;
	DIR *d = opendir(base);
	int pid;

	while (d && (e = readdir(d)))
		if (sscanf(e->d_name, "nacre-%d-", &pid) == 1 && kill(pid, 0) && errno == ESRCH) {
			snprintf(path, sizeof(path), "%s/%s", base, e->d_name);
			rmdir(path);            /* refused while anybody is inside */
		}
	if (d)
		closedir(d);
}

static int janitor_start(struct cgroup *g)
{
	int pipefd[2];
	pid_t pid;
	char c;

	if (pipe2(pipefd, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid < 0) {
		close(pipefd[0]);
		close(pipefd[1]);
		return -errno;
	}
	if (!pid) {
		setsid();
		prctl(PR_SET_NAME, "nacre-janitor");
		if (isolate_close_fds_except(&pipefd[0], 1))
			_exit(1);
		while (read(pipefd[0], &c, 1) < 0 && errno == EINTR)
			;
		remove_patiently(g->path);
		_exit(0);
	}
	close(pipefd[0]);
	g->janitor = pid;
	g->janitor_fd = pipefd[1];
	return 0;
}

bool cgroup_new(struct cgroup *g, uint64_t bytes)
{
	char base[400], text[32];
	enum cgroup_kind kind = cgroup_probe(base);
	int err;

	*g = (struct cgroup){ .janitor_fd = -1 };
	if (kind == CGROUP_NONE)
		return false;
	remove_stale(base);
	g->v2 = kind == CGROUP_V2;
	snprintf(g->path, sizeof(g->path), "%s/nacre-%d-%ld", base, (int)getpid(), (long)time(NULL));
	if (mkdir(g->path, 0755))
		return false;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)bytes);
	err = write_text(g->path, g->v2 ? "memory.max" : "memory.limit_in_bytes", text);
	/* A limit of resident memory: swap would only hide it.  Absent without
	 * swap accounting. */
	if (!err && g->v2)
		(void)write_text(g->path, "memory.swap.max", "0");
	else if (!err)
		(void)write_text(g->path, "memory.memsw.limit_in_bytes", text);
	if (!err)
		err = janitor_start(g);
	if (err) {
		rmdir(g->path);
		return false;
	}
	return true;
}

int cgroup_enter(const struct cgroup *g, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)pid);
	return write_text(g->path, "cgroup.procs", text);
}

uint64_t cgroup_oom_kills(const struct cgroup *g)
{
	char path[640], text[1024], *p;

	snprintf(path, sizeof(path), "%s/%s", g->path, g->v2 ? "memory.events" : "memory.oom_control");
	if (!read_text(path, text, sizeof(text)))
		return 0;
	p = strstr(text, "oom_kill ");
	return p ? strtoull(p + 9, NULL, 10) : 0;
}

void cgroup_free(struct cgroup *g)
{
	remove_patiently(g->path);
	close(g->janitor_fd);
	waitpid(g->janitor, NULL, 0);
}
