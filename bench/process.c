/* SPDX-License-Identifier: Apache-2.0 */
/* process.c: threads, fork, vfork and exec, each to its end. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "micro.h"

#define BIG (64u << 20)

static char *big;

static void *nothing(void *arg) { return arg; }

static uint64_t run_thread(unsigned n)
{
	pthread_t t;

	while (n--)
		if (pthread_create(&t, NULL, nothing, NULL) || pthread_join(t, NULL))
			bench_die("thread");
	return 0;
}

static uint64_t run_fork(unsigned n)
{
	while (n--) {
		pid_t pid = fork();

		bench_check(pid, "fork");
		if (pid == 0)
			_exit(0);
		bench_reap(pid);
	}
	return 0;
}

static void become_true(void)
{
	static char *argv[] = { "true", NULL }, *envp[] = { NULL };

	execve("/bin/true", argv, envp);
	_exit(127);
}

static uint64_t run_fork_exec(unsigned n)
{
	while (n--) {
		pid_t pid = fork();

		bench_check(pid, "fork");
		if (pid == 0)
			become_true();
		bench_reap(pid);
	}
	return 0;
}

static uint64_t run_vfork_exec(unsigned n)
{
	while (n--) {
		pid_t pid = vfork();

		bench_check(pid, "vfork");
		if (pid == 0)
			become_true();
		bench_reap(pid);
	}
	return 0;
}

static const char *setup_big(void)
{
	big = mmap(NULL, BIG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (big == MAP_FAILED)
		bench_die("mmap of 64 MB");
	memset(big, 1, BIG);
	return NULL;
}

static void end_big(void) { munmap(big, BIG); }

const struct bench bench_process[] = {
	{ "thread+join", NULL, run_thread, NULL, 0 },
	{ "fork+wait", NULL, run_fork, NULL, 0 },
	{ "fork+exec+wait", NULL, run_fork_exec, NULL, 0 },
	{ "vfork+exec+wait", NULL, run_vfork_exec, NULL, 0 },
	{ "fork+wait-64MB", setup_big, run_fork, end_big, 0 },
	{ NULL, NULL, NULL, NULL, 0 },
};
