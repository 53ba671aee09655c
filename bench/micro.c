/* SPDX-License-Identifier: Apache-2.0 */
/* micro.c: what basic operations cost, in microseconds.
 *
 * Prints one line "name value" per operation: the median of several batches.
 * The same static binary runs natively and in each sandbox. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCHES 9

static const char *self;

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void measure(const char *name, void (*fn)(int), int rounds)
{
	double v[BATCHES];

	fn(rounds / 10 + 1);
	for (int i = 0; i < BATCHES; i++) {
		double t = now_us();

		fn(rounds);
		v[i] = (now_us() - t) / rounds;
	}
	qsort(v, BATCHES, sizeof *v, compare);
	printf("%s %.3f\n", name, v[BATCHES / 2]);
	fflush(stdout);
}

static void b_getpid(int n) { while (n--) syscall(SYS_getpid); }
static void b_clock(int n) { struct timespec t; while (n--) clock_gettime(CLOCK_MONOTONIC, &t); }
static void b_open(int n) { while (n--) close(open("/etc/passwd", O_RDONLY)); }
static void b_stat(int n) { struct stat s; while (n--) stat("/etc/passwd", &s); }

static void b_read(int n)
{
	static int fd = -1;
	char b[4096];

	if (fd < 0)
		fd = open("/etc/passwd", O_RDONLY);
	while (n--)
		if (pread(fd, b, sizeof b, 0) < 0)
			exit(1);
}

static void b_fork(int n)
{
	while (n--) {
		pid_t p = fork();

		if (!p)
			_exit(0);
		waitpid(p, NULL, 0);
	}
}

static void spawn(int n, int vforked)
{
	while (n--) {
		pid_t p = vforked ? vfork() : fork();

		if (!p) {
			execl(self, self, "nothing", (char *)0);
			_exit(1);
		}
		waitpid(p, NULL, 0);
	}
}
static void b_exec(int n) { spawn(n, 0); }
static void b_vexec(int n) { spawn(n, 1); }

static void b_mmap(int n)
{
	while (n--) {
		char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		*(volatile char *)p = 1;
		munmap(p, 4096);
	}
}

static void b_mprotect(int n)
{
	static char *p;

	if (!p) {
		p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		*(volatile char *)p = 1;
	}
	while (n--) {
		mprotect(p, 4096, PROT_READ);
		mprotect(p, 4096, PROT_READ | PROT_WRITE);
	}
}

static void b_touch(int n)
{
	char *p = mmap(NULL, (size_t)n * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < n; i++)
		*(volatile char *)(p + (size_t)i * 4096) = 1;
	munmap(p, (size_t)n * 4096);
}

static void echo(int in, int out)
{
	char c;

	while (read(in, &c, 1) == 1)
		if (write(out, &c, 1) != 1)
			break;
}

static void b_pipe(int n)
{
	int a[2], b[2];
	char c = 0;

	if (pipe(a) || pipe(b))
		exit(1);
	if (!fork()) {
		close(a[1]);
		close(b[0]);
		echo(a[0], b[1]);
		_exit(0);
	}
	close(a[0]);
	close(b[1]);
	while (n--)
		if (write(a[1], &c, 1) != 1 || read(b[0], &c, 1) != 1)
			exit(1);
	close(a[1]);
	close(b[0]);
	wait(NULL);
}

static void b_unix(int n)
{
	int s[2];
	char c = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		exit(1);
	if (!fork()) {
		close(s[0]);
		echo(s[1], s[1]);
		_exit(0);
	}
	close(s[1]);
	while (n--)
		if (write(s[0], &c, 1) != 1 || read(s[0], &c, 1) != 1)
			exit(1);
	close(s[0]);
	wait(NULL);
}

static uint32_t *words;

static void await(uint32_t *w, uint32_t v)
{
	uint32_t x;

	while ((x = __atomic_load_n(w, __ATOMIC_ACQUIRE)) != v)
		syscall(SYS_futex, w, FUTEX_WAIT, x, NULL, NULL, 0);
}

static void post(uint32_t *w, uint32_t v)
{
	__atomic_store_n(w, v, __ATOMIC_RELEASE);
	syscall(SYS_futex, w, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void b_futex(int n)
{
	words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!fork()) {
		for (uint32_t i = 1; i <= (uint32_t)n; i++) {
			await(words, i);
			post(words + 16, i);
		}
		_exit(0);
	}
	for (uint32_t i = 1; i <= (uint32_t)n; i++) {
		post(words, i);
		await(words + 16, i);
	}
	wait(NULL);
	munmap(words, 4096);
}

static void b_sleep(int n)
{
	struct timespec t = { 0, 50000 };

	while (n--)
		nanosleep(&t, NULL);
}

int main(int argc, char **argv)
{
	static const struct { const char *name; void (*fn)(int); int rounds; } all[] = {
		{ "getpid", b_getpid, 2000 }, { "clock_gettime", b_clock, 20000 }, { "open+close", b_open, 500 },
		{ "stat", b_stat, 500 }, { "pread 4K", b_read, 500 }, { "fork+wait", b_fork, 40 },
		{ "fork+exec+wait", b_exec, 20 }, { "vfork+exec+wait", b_vexec, 20 }, { "mmap+touch+munmap", b_mmap, 500 },
		{ "mprotect pair", b_mprotect, 500 }, { "first touch", b_touch, 2000 }, { "pipe round trip", b_pipe, 400 },
		{ "unix round trip", b_unix, 400 }, { "futex round trip", b_futex, 400 }, { "nanosleep 50us", b_sleep, 50 },
	};

	self = argv[0];
	if (argc > 1 && !strcmp(argv[1], "nothing"))
		return 0;
	for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
		if (argc < 2 || strstr(all[i].name, argv[1]))
			measure(all[i].name, all[i].fn, all[i].rounds);
	return 0;
}
