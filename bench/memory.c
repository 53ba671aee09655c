/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c: mappings and page faults.  Faults are timed alone, without the
 * mmap or the fork that prepares them; the figure is per page. */
#include <sys/mman.h>
#include <unistd.h>

#include "micro.h"

#define PAGE 4096u
#define PAGES 512u

static volatile char *page;

static volatile char *map(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		bench_die("mmap");
	return p;
}

static uint64_t run_mmap(unsigned n)
{
	while (n--) {
		volatile char *p = map(PAGE);

		*p = 1;
		munmap((void *)p, PAGE);
	}
	return 0;
}

static const char *setup_page(void)
{
	page = map(PAGE);
	*page = 1;
	return NULL;
}

static void end_page(void) { munmap((void *)page, PAGE); }

static uint64_t run_mprotect(unsigned n)
{
	while (n--) {
		bench_check(mprotect((void *)page, PAGE, PROT_READ), "mprotect");
		bench_check(mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE), "mprotect");
	}
	return 0;
}

/* n is at most PAGES (max_batch). */
static uint64_t run_first_touch(unsigned n)
{
	volatile char *p = map(PAGES * PAGE);
	uint64_t t0 = bench_now_ns(), ns;

	for (unsigned i = 0; i < n; i++)
		p[i * PAGE] = 1;
	ns = bench_now_ns() - t0;
	munmap((void *)p, PAGES * PAGE);
	return ns ? ns : 1;
}

/* The child keeps the pages shared until the parent has written them all. */
static uint64_t run_cow(unsigned n)
{
	volatile char *p = map(PAGES * PAGE);
	int hold[2];
	uint64_t t0, ns;
	pid_t pid;
	char c;

	for (unsigned i = 0; i < n; i++)
		p[i * PAGE] = 1;
	bench_check(pipe(hold), "pipe");
	pid = fork();
	bench_check(pid, "fork");
	if (pid == 0) {
		close(hold[1]);
		while (read(hold[0], &c, 1) > 0)
			;
		_exit(p[0] == 1 ? 0 : 1);
	}
	close(hold[0]);
	t0 = bench_now_ns();
	for (unsigned i = 0; i < n; i++)
		p[i * PAGE] = 2;
	ns = bench_now_ns() - t0;
	close(hold[1]);
	bench_reap(pid);
	munmap((void *)p, PAGES * PAGE);
	return ns ? ns : 1;
}

const struct bench bench_memory[] = {
	{ "mmap+touch+munmap", NULL, run_mmap, NULL, 0 },
	{ "mprotect-pair", setup_page, run_mprotect, end_page, 0 },
	{ "first-touch", NULL, run_first_touch, NULL, PAGES },
	{ "copy-on-write", NULL, run_cow, NULL, PAGES },
	{ NULL, NULL, NULL, NULL, 0 },
};
