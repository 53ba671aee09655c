/* SPDX-License-Identifier: Apache-2.0 */
/* micro.c: runs micro-benchmarks, and times whole programs.
 *
 *   micro list                          names, one a line, "GROUP NAME"
 *   micro run INPUT SCRATCH MS NAME…    measure each for about MS milliseconds
 *   micro ops INPUT SCRATCH N NAME      do the operation N times (for counting host calls)
 *   micro busy INPUT SCRATCH START S     rounds of mixed work from the wall clock's START for S seconds
 *   micro time COMMAND [ARGUMENT…]      run a program, time it from start to wait
 *
 * Prints a line "begin NAME" before each benchmark and then one of
 * "ok NAME MEDIAN_NS P10_NS P90_NS OPERATIONS", "skip NAME why", "fail NAME why".
 * A failure ends the program, so that nothing is measured in a broken state;
 * the runner starts it again for the rest.  The figure of a run is the median
 * over batches of about 1 ms; the runner takes medians over runs. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "micro.h"

#define BATCH_NS 1000000u
#define BATCHES_MAX 4096u

const char *bench_input, *bench_scratch;
static const char *current = "-";
static pid_t main_pid;

static const struct { const char *name; const struct bench *list; } groups[] = {
	{ "entry", bench_entry }, { "file", bench_file }, { "ipc", bench_ipc }, { "socket", bench_socket },
	{ "process", bench_process }, { "memory", bench_memory }, { "event", bench_event },
};

uint64_t bench_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void bench_die(const char *fmt, ...)
{
	va_list ap;
	char text[256];

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	printf("fail %s %s%s\n", current, text, getpid() == main_pid ? "" : " (partner)");
	fflush(stdout);
	_exit(3);
}

const char *bench_path(const char *dir, const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

void bench_check(long result, const char *what)
{
	if (result < 0)
		bench_die("%s: %s", what, strerror(errno));
}

void bench_reap(pid_t pid)
{
	int status;

	bench_check(waitpid(pid, &status, 0), "waitpid");
	if (status)
		bench_die("child ended with status %#x", (unsigned)status);
}

static const struct bench *find(const char *name)
{
	for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++)
		for (const struct bench *b = groups[g].list; b->name; b++)
			if (!strcmp(b->name, name))
				return b;
	return NULL;
}

static uint64_t run_batch(const struct bench *b, unsigned n)
{
	uint64_t t0 = bench_now_ns(), own = b->run(n);

	return own ? own : bench_now_ns() - t0;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(const struct bench *b, uint64_t budget_ns)
{
	static double sample[BATCHES_MAX];
	unsigned count = 0, n = 1, max = b->max_batch ? b->max_batch : 1u << 22;
	uint64_t end, ops = 0;

	/* Warm up (the first one alone may take long) and find a batch that takes long enough. */
	run_batch(b, 1);
	while (run_batch(b, n) < BATCH_NS / 2 && n < max)
		n = n * 2 > max ? max : n * 2;
	end = bench_now_ns() + budget_ns;
	do {
		sample[count++] = (double)run_batch(b, n) / n;
		ops += n;
	} while (count < BATCHES_MAX && (bench_now_ns() < end || count < 3));
	qsort(sample, count, sizeof(sample[0]), compare);
	printf("ok %s %.2f %.2f %.2f %llu\n", b->name, sample[count / 2], sample[count / 10],
	       sample[count * 9 / 10], (unsigned long long)ops);
}

static void run_named(const char *name, uint64_t budget_ns, unsigned ops)
{
	const struct bench *b = find(name);
	const char *why;

	current = name;
	printf("begin %s\n", name);
	fflush(stdout);         /* also: children must not inherit text */
	if (!b)
		bench_die("no such benchmark");
	why = b->setup ? b->setup() : NULL;
	if (why) {
		printf("skip %s %s\n", name, why);
		return;
	}
	if (budget_ns) {
		measure(b, budget_ns);
	} else {
		while (ops > 0) {
			unsigned n = b->max_batch && ops > b->max_batch ? b->max_batch : ops;

			b->run(n);
			ops -= n;
		}
		printf("ok %s 0 0 0 0\n", name);
	}
	if (b->teardown)
		b->teardown();
	fflush(stdout);
}

static int time_command(char **argv)
{
	uint64_t t0 = bench_now_ns(), ns;
	pid_t pid = vfork();
	int status;

	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	bench_check(pid, "vfork");
	bench_check(waitpid(pid, &status, 0), "waitpid");
	ns = bench_now_ns() - t0;
	if (WIFSIGNALED(status))
		printf("\nfail time killed by signal %d\n", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		printf("\nfail time exit status %d\n", WEXITSTATUS(status));
	else
		printf("\nok time %llu %llu %llu 1\n", (unsigned long long)ns, (unsigned long long)ns,
		       (unsigned long long)ns);
	return status != 0;
}

/* One round: some 50 us of computing, a read of 4 KB, a stat. */
static int busy(double start, unsigned seconds)
{
	int fd = open(bench_path(bench_input, "file4k"), O_RDONLY);
	static char buf[4096];
	struct timespec now;
	volatile uint64_t x = 88172645463325252u;
	unsigned long rounds = 0;
	struct stat st;
	double t;

	bench_check(fd, "open");
	for (;;) {
		clock_gettime(CLOCK_REALTIME, &now);
		t = (double)now.tv_sec + (double)now.tv_nsec / 1e9 - start;
		if (t >= seconds)
			break;
		if (t < 0) {
			usleep((useconds_t)(t < -1 ? 1000000 : -t * 1000000));
			continue;
		}
		for (int i = 0; i < 28000; i++) {
			uint64_t v = x;

			v ^= v << 13;
			v ^= v >> 7;
			x = v ^ v << 17;
		}
		if (pread(fd, buf, sizeof(buf), 0) != sizeof(buf))
			bench_die("pread");
		bench_check(stat(bench_path(bench_input, "file1m"), &st), "stat");
		rounds++;
	}
	printf("ok busy %lu\n", rounds);
	return 0;
}

int main(int argc, char **argv)
{
	main_pid = getpid();
	if (argc == 2 && !strcmp(argv[1], "list")) {
		for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++)
			for (const struct bench *b = groups[g].list; b->name; b++)
				printf("%s %s\n", groups[g].name, b->name);
		return 0;
	}
	if (argc == 6 && !strcmp(argv[1], "busy")) {
		bench_input = argv[2];
		return busy(atof(argv[4]), (unsigned)atoi(argv[5]));
	}
	if (argc >= 3 && !strcmp(argv[1], "time"))
		return time_command(argv + 2);
	if (argc >= 6 && (!strcmp(argv[1], "run") || !strcmp(argv[1], "ops"))) {
		unsigned long v = strtoul(argv[4], NULL, 10);

		bench_input = argv[2];
		bench_scratch = argv[3];
		for (int i = 5; i < argc; i++)
			run_named(argv[i], argv[1][0] == 'r' ? (uint64_t)v * 1000000u : 0, (unsigned)v);
		return 0;
	}
	fprintf(stderr, "usage: micro list | run INPUT SCRATCH MS NAME... | ops INPUT SCRATCH N NAME | busy INPUT SCRATCH START S | time COMMAND...\n");
	return 2;
}
