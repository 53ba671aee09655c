/* SPDX-License-Identifier: Apache-2.0 */
/* nacre: the command.  One file per verb; this one finds it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "lib/build_id.h"
#include "runtime/options.h"

struct launch_caller caller;

static const char usage[] =
"usage: nacre do [options] [--] COMMAND...    run a command of this machine in a sandbox\n"
"       nacre run [options] DIR [--] [COMMAND...]   the same in a root file system\n"
"       nacre doctor [--json] [--surface]     what this machine offers\n"
"       nacre stats [--json] [PID]            work done by a sandbox that runs\n"
"       nacre --version | --help\n"
"\n"
"Exit status: the command's; 128+N killed by signal N; 126 not executable, 127 not\n"
"found; 125 nacre itself failed.\n";

/* Descriptors 0 to 2 must exist, or the next ones opened become stdio. */
static int stdio_fill(void)
{
	int i, fd;

	for (i = 0; i < 3; i++) {
		if (fcntl(i, F_GETFD) >= 0 || errno != EBADF)
			continue;
		fd = open("/dev/null", O_RDWR);
		if (fd != i)
			return -1;
		caller.stdio_closed[i] = true;
	}
	return 0;
}

/* The program starts with them; nacre itself waits for its children. */
static void signals_note(void)
{
	struct sigaction sa;
	sigset_t blocked;
	int i;

	sigprocmask(SIG_BLOCK, NULL, &blocked);
	for (i = 1; i <= 64; i++) {
		if (!sigaction(i, NULL, &sa) && sa.sa_handler == SIG_IGN)
			caller.signals_ignored |= 1ull << (i - 1);
		if (sigismember(&blocked, i) == 1)
			caller.signals_blocked |= 1ull << (i - 1);
	}
	signal(SIGCHLD, SIG_DFL);
}

int main(int argc, char **argv)
{
	static const struct { const char *name; int (*fn)(int argc, char **argv); } verbs[] = {
		{ "do", cmd_do }, { "run", cmd_run }, { "doctor", cmd_doctor },
		{ "stats", cmd_stats },
	};
	size_t i;

	if (stdio_fill())
		return LAUNCH_FAILED;
	signals_note();
	if (argc < 2) {
		fputs(usage, stderr);
		return LAUNCH_FAILED;
	}
	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(argv[1], verbs[i].name))
			return verbs[i].fn(argc, argv);
	if (!strcmp(argv[1], "--version")) {
		printf("nacre %s\n", build_id());
		return 0;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		fputs(usage, stdout);
		return 0;
	}
	fprintf(stderr, "nacre: unknown command %s; try `nacre --help`\n", argv[1]);
	return LAUNCH_FAILED;
}
