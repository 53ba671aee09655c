/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: run the kernel's units on the fake machine.
 *
 *   unit-asan [--long] [--sockets SECONDS [FIRST_SEED]] [NAME SEED [FAIL_AT [COUNT]]]
 *
 * Every run of a program is a process of its own.  Without arguments: the
 * library's units, every program under several seeds, then with each early
 * operation failing once (any exit is fine but a panic, a sanitizer's report
 * or a hang).  With arguments: one run, repeated exactly. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "platform/testhost/testhost.h"
#include "tests/unit/unit.h"

#ifdef UNIT_SMP
#define CPUS 3
#define SEEDS 3
#else
#define CPUS 1
#define SEEDS 6
#endif
#define SECONDS 30

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
const char *__tsan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0:abort_on_error=1:detect_stack_use_after_return=0"; }
const char *__ubsan_default_options(void) { return "print_stacktrace=1:halt_on_error=1:abort_on_error=1"; }
const char *__tsan_default_options(void) { return "halt_on_error=1:abort_on_error=1:atexit_sleep_ms=0:report_signal_unsafe=0:second_deadlock_stack=1"; }

static unsigned failures;

static const char *const models[] = { "sockets-model", "accept-model", "tcp-model", "packets-model", "rings-model" };

static bool is_model(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(models); i++)
		if (!strcmp(name, models[i]))
			return true;
	return false;
}

static void print(const char *line)
{
	(void)!write(2, line, strlen(line));
}

static void dump(void)
{
	unit_dump_tasks(print);
}

/* Torn or not: the run failed already. */
static void on_alarm(int signo)
{
	print("no end in time:\n");
	/* What the programs said so far may be why. */
	(void)!write(2, testhost.out, testhost.out_used);
	dump();
	signal(signo, SIG_DFL);
	raise(signo);
}

static void configure(const char *name, uint64_t seed, uint64_t fail_at)
{
	testhost = (struct testhost_config){ .cpus = CPUS, .seed = seed, .kick_one_in = seed ? 7 : 0,
					     .fail_at = fail_at, .fail_count = 1, .out_size = 1 << 20, .dump = dump };
	/* Random calls put tasks to sleep for good; SIGKILL must still end them. */
	if (!strcmp(name, "chaos"))
		testhost.all_asleep = unit_kill_all;
	/* Every second run of a model has faults. */
	if (is_model(name) && seed % 2)
		testhost.fail_one_in = 200;
	testhost.out = calloc(1, testhost.out_size);
}

/* Exit status of one run, or -signal.  Its messages go to *text. */
static int run(const char *name, uint64_t seed, uint64_t fail_at, char *text, size_t size)
{
	int fd[2], st;
	size_t used = 0;
	ssize_t n;
	pid_t p;

	if (pipe(fd))
		exit(2);
	fflush(NULL);
	p = fork();
	if (!p) {
		dup2(fd[1], 1);
		dup2(fd[1], 2);
		close(fd[0]);
		close(fd[1]);
		signal(SIGALRM, on_alarm);
		alarm(SECONDS);
		configure(name, seed, fail_at);
		testhost_boot(name);
	}
	close(fd[1]);
	while ((n = read(fd[0], text + used, size - 1 - used)) > 0)
		used += (size_t)n;
	close(fd[0]);
	text[used] = 0;
	if (p < 0 || waitpid(p, &st, 0) != p)
		exit(2);
	return WIFEXITED(st) ? WEXITSTATUS(st) : -WTERMSIG(st);
}

static char text[1 << 16];

static void report(const char *name, uint64_t seed, uint64_t fail_at, int status)
{
	printf("not ok %s: seed %llu fail_at %llu: status %d\n%s\n", name, (unsigned long long)seed,
	       (unsigned long long)fail_at, status, text);
	failures++;
}

static void program(const char *name, unsigned seeds, unsigned faults)
{
	unsigned before = failures;

	for (uint64_t seed = 0; seed < seeds && failures == before; seed++) {
		int st = run(name, seed, 0, text, sizeof text);

		/* Random calls may kill the first program. */
		if (strcmp(name, "chaos") ? st != 0 : st < 0 || st == 125 || st == 99)
			report(name, seed, 0, st);
	}
	for (uint64_t at = 1; at <= faults && failures == before; at++) {
		int st = run(name, 0, at, text, sizeof text);

		/* That all sleep is fine: a partner may have failed to start. */
		if (st < 0)
			report(name, 0, at, st);
	}
	if (failures == before)
		printf("ok %s\n", name);
	fflush(stdout);
}

/* The models of sockets in turn, under seed after seed. */
static int sockets(unsigned seconds, uint64_t first)
{
	time_t end = time(NULL) + (time_t)seconds;
	unsigned runs = 0;

	for (; time(NULL) < end && !failures; runs++) {
		const char *name = models[runs % ARRAY_SIZE(models)];
		uint64_t seed = first + runs / ARRAY_SIZE(models);
		int st = run(name, seed, 0, text, sizeof text);

		/* Without memory the first program may not start (90, signals). */
		if (st && !(seed % 2 && st > 1 && st != 99 && st != 125))
			report(name, seed, 0, st);
	}
	printf("%s sockets-model: %u runs\n", failures ? "not ok" : "ok", runs);
	return failures != 0;
}

int main(int argc, char **argv)
{
	const struct unit_result *r;
	const char *name;
	bool full = argc > 1 && !strcmp(argv[1], "--long");

	if (argc > 2 && !strcmp(argv[1], "--sockets"))
		return sockets((unsigned)atoi(argv[2]), argc > 3 ? strtoull(argv[3], NULL, 0) : 1);
	if (argc > 1 && !full) {
		signal(SIGALRM, on_alarm);
		alarm(SECONDS);
		configure(argv[1], argc > 2 ? strtoull(argv[2], NULL, 0) : 0, argc > 3 ? strtoull(argv[3], NULL, 0) : 0);
		if (argc > 4)
			testhost.fail_count = strtoull(argv[4], NULL, 0);
		testhost_boot(argv[1]);
	}
	configure("", 1, 0);
	testhost_cpu_begin();
	unit_begin();
	for (unsigned i = 0; (r = unit_run(i, &name)); i++) {
		printf(r->failed ? "not ok lib-%s: %u failed, first %s\n" : "ok lib-%s\n", name, r->failed, r->text);
		failures += !!r->failed;
	}
	for (unsigned i = 0; i < testhost_program_count; i++) {
		const char *name = testhost_programs[i].name;

		if (is_model(name))
			continue;       /* --sockets */
		if (!strcmp(name, "chaos"))
			program(name, CPUS > 1 ? 4 : full ? 400 : 40, 0);
		else
			program(name, SEEDS, CPUS > 1 ? 0 : full ? 1500 : 60);
	}
	return failures != 0;
}
