/* SPDX-License-Identifier: Apache-2.0 */
/* micro.h: what the micro-benchmarks share.
 *
 * A benchmark is one entry of a table.  setup() makes what the operation
 * needs and returns NULL, or why it cannot be measured here (the text is shown
 * as "skipped").  run(n) does the operation n times; it returns 0 when all of
 * it is to be timed, or the nanoseconds that count.  teardown() may be NULL.
 * Anything unexpected ends in bench_die(): a wrong result is never a figure. */
#ifndef BENCH_MICRO_H
#define BENCH_MICRO_H
#include <stdint.h>
#include <sys/types.h>

struct bench {
	const char *name;
	const char *(*setup)(void);
	uint64_t (*run)(unsigned n);
	void (*teardown)(void);
	unsigned max_batch;     /* of operations; 0: as many as fill a batch */
};

extern const struct bench bench_entry[], bench_file[], bench_ipc[], bench_socket[],
	bench_process[], bench_memory[], bench_event[];

/* Directory of the inputs (read only: file4k, file1m, dir500) and one to write in. */
extern const char *bench_input, *bench_scratch;

uint64_t bench_now_ns(void);
__attribute__((noreturn, format(printf, 1, 2))) void bench_die(const char *fmt, ...);
const char *bench_path(const char *dir, const char *name);      /* static buffer */
void bench_check(long result, const char *what);                /* dies when negative, with errno */
void bench_reap(pid_t pid);                                     /* waits, dies unless status 0 */
#endif
