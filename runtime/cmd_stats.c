/* SPDX-License-Identifier: Apache-2.0 */
/* `nacre stats`: the work that a running sandbox has done so far.
 *
 * The monitor keeps the counters' file open (host/monitor/stats.h): it is
 * found among the descriptors of the process, which the host shows to the
 * process's user and to root.  A process of somebody else may pretend to be a
 * monitor: what is opened must be a regular file of the right size. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host/monitor/stats.h"
#include "runtime/options.h"

static const char usage_text[] =
"usage: nacre stats [--json] [PID]\n"
"\n"
"Print the work done so far by the sandbox whose `nacre` process is PID: entries,\n"
"hand-offs, system calls, host calls, messages to the gofer.  Without PID: the\n"
"sandboxes that can be asked.  Times are counted for sandboxes started with\n"
"--stats only.\n";

static bool all_digits(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n && !s[n] && n < 10;
}

/* A descriptor, or -errno; -ENOENT: no monitor. */
static int counters_open(const char *pid)
{
	char path[300], target[64];
	struct dirent *e;
	struct stat st;
	int err = -ENOENT, fd;
	ssize_t n;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	d = opendir(path);
	if (!d)
		return -errno;
	while (err == -ENOENT && (e = readdir(d))) {
		if (!all_digits(e->d_name))
			continue;
		n = readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = 0;
		if (strcmp(target, "/memfd:" STATS_FILE_NAME " (deleted)"))
			continue;
		fd = openat(dirfd(d), e->d_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd < 0) {
			err = -errno;
		} else if (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
			   st.st_size != (off_t)sizeof(struct stats_area)) {
			close(fd);
		} else {
			err = fd;
		}
	}
	closedir(d);
	return err;
}

/* The command line, printable, shortened. */
static void command_print(const char *pid)
{
	char path[300], line[100];
	size_t n, i;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);
	f = fopen(path, "re");
	n = f ? fread(line, 1, sizeof(line) - 1, f) : 0;
	if (f)
		fclose(f);
	for (i = 0; i + 1 < n; i++)
		if (!isprint((unsigned char)line[i]))
			line[i] = ' ';
	line[n] = 0;
	printf("%8s  %s\n", pid, line);
}

static int list(void)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	size_t n = 0;
	int fd;

	while (d && (e = readdir(d))) {
		if (!all_digits(e->d_name))
			continue;
		fd = counters_open(e->d_name);
		if (fd < 0)
			continue;
		close(fd);
		command_print(e->d_name);
		n++;
	}
	if (d)
		closedir(d);
	if (!n)
		fputs("nacre: no sandbox of yours runs\n", stderr);
	return n ? 0 : 1;
}

int cmd_stats(int argc, char **argv)
{
	const char *pid = NULL;
	bool json = false;
	int i, fd;

	for (i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			fputs(usage_text, stdout);
			return 0;
		}
		if (!strcmp(argv[i], "--json")) {
			json = true;
		} else if (!pid && all_digits(argv[i])) {
			pid = argv[i];
		} else {
			fprintf(stderr, "nacre: stats: %s: a process id was expected; try `nacre stats --help`\n", argv[i]);
			return LAUNCH_FAILED;
		}
	}
	if (!pid)
		return list();
	fd = counters_open(pid);
	if (fd < 0) {
		fprintf(stderr, "nacre: stats: process %s: %s\n", pid,
			fd == -ENOENT ? "is not the monitor of a sandbox; `nacre stats` lists them" : strerror(-fd));
		return LAUNCH_FAILED;
	}
	return stats_report(fd, stdout, json, NULL) ? LAUNCH_FAILED : 0;
}
