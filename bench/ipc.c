/* SPDX-License-Identifier: Apache-2.0 */
/* ipc.c: conversations by pipe and futex.  The partner is a forked process, or
 * a thread; it echoes until the other side closes or says stop. */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "micro.h"

#define CHUNK 65536

static int there[2], back[2];
static pid_t partner;
static char chunk[CHUNK];

/* ---- pipe ---- */

static const char *setup_pipe(void)
{
	char c;

	bench_check(pipe(there), "pipe");
	bench_check(pipe(back), "pipe");
	partner = fork();
	bench_check(partner, "fork");
	if (partner == 0) {
		close(there[1]);
		close(back[0]);
		while (read(there[0], &c, 1) == 1)
			if (write(back[1], &c, 1) != 1)
				break;
		_exit(0);
	}
	close(there[0]);
	close(back[1]);
	return NULL;
}

static uint64_t run_pipe(unsigned n)
{
	char c = 'x';

	while (n--)
		if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
			bench_die("pipe round trip");
	return 0;
}

static void end_pipe(void)
{
	close(there[1]);
	close(back[0]);
	bench_reap(partner);
}

/* The partner takes all that comes and answers nothing. */
static const char *setup_drain(void)
{
	bench_check(pipe(there), "pipe");
	bench_check(pipe(back), "pipe");
	partner = fork();
	bench_check(partner, "fork");
	if (partner == 0) {
		close(there[1]);
		while (read(there[0], chunk, CHUNK) > 0)
			;
		_exit(0);
	}
	close(there[0]);
	close(back[1]);
	return NULL;
}

static uint64_t run_write64k(unsigned n)
{
	while (n--)
		for (size_t done = 0; done < CHUNK;) {
			ssize_t r = write(there[1], chunk + done, CHUNK - done);

			bench_check(r, "write to pipe");
			done += (size_t)r;
		}
	return 0;
}

/* ---- futex ---- */

static struct shared { _Atomic uint32_t word[2]; _Atomic uint32_t stop; } *shared;
static pthread_t thread;
static int private_flag;

static void raise_word(int i)
{
	atomic_store(&shared->word[i], 1);
	bench_check(syscall(SYS_futex, &shared->word[i], FUTEX_WAKE | private_flag, 1, NULL, NULL, 0), "futex wake");
}

static void await_word(int i)
{
	while (!atomic_exchange(&shared->word[i], 0))
		if (syscall(SYS_futex, &shared->word[i], FUTEX_WAIT | private_flag, 0, NULL, NULL, 0) < 0
		    && errno != EAGAIN && errno != EINTR)
			bench_die("futex wait: %s", strerror(errno));
}

static void *echo(void *arg)
{
	for (;;) {
		await_word(0);
		if (atomic_load(&shared->stop))
			return arg;
		raise_word(1);
	}
}

static void new_words(void)
{
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		bench_die("mmap");
}

static const char *setup_futex_process(void)
{
	new_words();
	private_flag = 0;
	partner = fork();
	bench_check(partner, "fork");
	if (partner == 0) {
		echo(NULL);
		_exit(0);
	}
	return NULL;
}

static const char *setup_futex_thread(void)
{
	new_words();
	private_flag = FUTEX_PRIVATE_FLAG;
	if (pthread_create(&thread, NULL, echo, NULL))
		bench_die("pthread_create");
	return NULL;
}

static uint64_t run_futex(unsigned n)
{
	while (n--) {
		raise_word(0);
		await_word(1);
	}
	return 0;
}

static void stop_words(void)
{
	atomic_store(&shared->stop, 1);
	raise_word(0);
}

static void end_futex_process(void)
{
	stop_words();
	bench_reap(partner);
	munmap(shared, 4096);
}

static void end_futex_thread(void)
{
	stop_words();
	pthread_join(thread, NULL);
	munmap(shared, 4096);
}

const struct bench bench_ipc[] = {
	{ "pipe-roundtrip", setup_pipe, run_pipe, end_pipe, 0 },
	{ "pipe-64K-write", setup_drain, run_write64k, end_pipe, 0 },
	{ "futex-processes", setup_futex_process, run_futex, end_futex_process, 0 },
	{ "futex-threads", setup_futex_thread, run_futex, end_futex_thread, 0 },
	{ NULL, NULL, NULL, NULL, 0 },
};
