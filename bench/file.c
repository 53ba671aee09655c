/* SPDX-License-Identifier: Apache-2.0 */
/* file.c: reads, writes, paths and directories.  Input files belong to the
 * host, what is written goes to the scratch directory. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "micro.h"

static int fd;
static char *big;
static char path[4096];

static void open_at(const char *dir, const char *name, int flags)
{
	fd = open(bench_path(dir, name), flags, 0600);
	bench_check(fd, name);
}

static void close_fd(void) { close(fd); }

static const char *setup_zero(void) { open_at("/dev", "zero", O_RDONLY); return NULL; }
static const char *setup_null(void) { open_at("/dev", "null", O_WRONLY); return NULL; }
static const char *setup_4k(void) { open_at(bench_input, "file4k", O_RDONLY); return NULL; }

static const char *setup_write(void)
{
	open_at(bench_scratch, "micro.dat", O_RDWR | O_CREAT | O_TRUNC);
	return NULL;
}

static const char *setup_1m(void)
{
	open_at(bench_input, "file1m", O_RDONLY);
	big = big ? big : malloc(1 << 20);
	return NULL;
}

static uint64_t run_read1(unsigned n)
{
	char c;

	while (n--)
		if (read(fd, &c, 1) != 1)
			bench_die("read of /dev/zero");
	return 0;
}

static uint64_t run_write1(unsigned n)
{
	while (n--)
		if (write(fd, "x", 1) != 1)
			bench_die("write to /dev/null");
	return 0;
}

static uint64_t run_pread4k(unsigned n)
{
	static char page[4096];

	while (n--)
		if (pread(fd, page, 4096, 0) != 4096)
			bench_die("short pread");
	return 0;
}

static uint64_t run_pwrite4k(unsigned n)
{
	static char page[4096];

	while (n--)
		if (pwrite(fd, page, 4096, 0) != 4096)
			bench_die("short pwrite");
	return 0;
}

static uint64_t run_pread1m(unsigned n)
{
	while (n--)
		if (pread(fd, big, 1 << 20, 0) != 1 << 20)
			bench_die("short pread");
	return 0;
}

static const char *setup_path(void)
{
	const char *p = bench_path(bench_input, "file4k");
	size_t i = 0;

	do
		path[i] = p[i];
	while (p[i++]);
	return NULL;
}

static uint64_t run_stat(unsigned n)
{
	struct stat st;

	while (n--)
		bench_check(stat(path, &st), "stat");
	return 0;
}

static uint64_t run_open(unsigned n)
{
	while (n--) {
		int f = open(path, O_RDONLY);

		bench_check(f, "open");
		close(f);
	}
	return 0;
}

static uint64_t run_create(unsigned n)
{
	const char *p = bench_path(bench_scratch, "created");

	while (n--) {
		int f = open(p, O_WRONLY | O_CREAT | O_EXCL, 0600);

		bench_check(f, "create");
		close(f);
		bench_check(unlink(p), "unlink");
	}
	return 0;
}

static uint64_t run_readdir(unsigned n)
{
	const char *p = bench_path(bench_input, "dir500");

	while (n--) {
		DIR *d = opendir(p);
		unsigned count = 0;

		if (!d)
			bench_die("opendir");
		while (readdir(d))
			count++;
		closedir(d);
		if (count != 502)
			bench_die("%u entries instead of 502", count);
	}
	return 0;
}

const struct bench bench_file[] = {
	{ "read-1B-zero", setup_zero, run_read1, close_fd, 0 },
	{ "write-1B-null", setup_null, run_write1, close_fd, 0 },
	{ "pread-4K", setup_4k, run_pread4k, close_fd, 0 },
	{ "pwrite-4K", setup_write, run_pwrite4k, close_fd, 0 },
	{ "pread-1M", setup_1m, run_pread1m, close_fd, 0 },
	{ "stat", setup_path, run_stat, NULL, 0 },
	{ "open+close", setup_path, run_open, NULL, 0 },
	{ "create+unlink", NULL, run_create, NULL, 0 },
	{ "readdir-500", NULL, run_readdir, NULL, 0 },
	{ NULL, NULL, NULL, NULL, 0 },
};
