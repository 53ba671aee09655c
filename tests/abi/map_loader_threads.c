/* SPDX-License-Identifier: Apache-2.0 */
/* A library's range that one thread maps as a dynamic linker does, while two
 * others wait to read it: when they are told, they see it whole. */
#include "abi.h"

#define PAGES 8
#define ROUNDS 150

static volatile int round_of, seen[2];
static uint32_t *volatile range;
static volatile int wrong;

static void *reader(void *arg)
{
	int me = (int)(long)arg;

	for (int r = 1; r <= ROUNDS; r++) {
		while (round_of != r)
			;
		/* The last page shows the file's first one. */
		if (((volatile uint32_t *)range)[(PAGES - 1) * 1024] != 100)
			__atomic_add_fetch(&wrong, 1, __ATOMIC_SEQ_CST);
		seen[me] = r;
	}
	return NULL;
}

int main(void)
{
	pthread_t t[2];
	int fd;

	enter_tmp();
	fd = open("lib", O_RDWR | O_CREAT, 0600);
	for (uint32_t i = 0; i < PAGES; i++) {
		uint32_t page[1024] = { 100 + i };

		V(write(fd, page, sizeof page));
	}
	for (long i = 0; i < 2; i++)
		V(pthread_create(&t[i], NULL, reader, (void *)i));
	for (int r = 1; r <= ROUNDS; r++) {
		char *p = mmap(NULL, PAGES * 4096, PROT_READ, MAP_PRIVATE | MAP_DENYWRITE, fd, 0);

		for (int i = 0; i < 30; i++)
			mprotect(p + (i & 1) * 4096, 4096, i & 2 ? PROT_READ : PROT_READ | PROT_EXEC);
		mmap(p + (PAGES - 1) * 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE, fd, 0);
		range = (uint32_t *)p;
		round_of = r;
		while (seen[0] != r || seen[1] != r)
			sched_yield();
		munmap(p, PAGES * 4096);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	V(wrong);
	unlink("lib");
	return 0;
}
