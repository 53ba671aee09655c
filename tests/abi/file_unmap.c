/* SPDX-License-Identifier: Apache-2.0 */
/* Removal of file mappings: whole, in parts, beside others of the same file; what
 * is gone faults at once, also for a child and another thread, and the file's
 * space and locks do not wait for the next call. */
#define _GNU_SOURCE
#include "abi.h"
#include <setjmp.h>
#include <sys/statfs.h>
#define PAGE 4096

static sigjmp_buf back;
static void on_fault(int sig) { (void)sig; siglongjmp(back, 1); }

/* Which of n pages can be read, a letter each: what is there, or '-'. */
static const char *look(const char *p, int n)
{
	static char s[64];

	for (volatile int i = 0; i < n; i++)
		s[i] = sigsetjmp(back, 1) ? '-' : *(volatile const char *)(p + i * PAGE);
	s[n] = 0;
	return s;
}

static char *map(int f, int first, int pages, int prot)
{
	return mmap(NULL, (size_t)pages * PAGE, prot, MAP_PRIVATE, f, (off_t)first * PAGE);
}

static void *looker(void *p) { return (void *)(long)strcmp(look(p, 8), "--------"); }

int main(void)
{
	char fill[PAGE], *p, *q;
	struct flock lock = { .l_type = F_WRLCK };
	pthread_t t;
	void *r;
	int f, status;

	enter_tmp();
	signal(SIGSEGV, on_fault);
	signal(SIGBUS, on_fault);
	f = open("f", O_RDWR | O_CREAT, 0600);
	for (int i = 0; i < 8; i++) {
		memset(fill, 'a' + i, PAGE);
		write(f, fill, PAGE);
	}
	p = map(f, 0, 8, PROT_READ);
	SAY("%s\n", look(p, 8)); V(munmap(p, 8 * PAGE)); SAY("%s\n", look(p, 8));
	p = map(f, 0, 8, PROT_READ | PROT_WRITE);
	p[0] = 'X'; p[7 * PAGE] = 'Y';
	V(munmap(p + 2 * PAGE, PAGE)); SAY("%s\n", look(p, 8));         /* the middle */
	V(munmap(p, PAGE)); SAY("%s\n", look(p, 8));                    /* an edge */
	V(munmap(p, 4 * PAGE)); SAY("%s\n", look(p, 8));                /* over a gap */
	V(munmap(p + 4 * PAGE, 4 * PAGE)); SAY("%s\n", look(p, 8));
	V(munmap(p, 8 * PAGE));                                         /* nothing there */
	/* beside another piece of the same file: one mapping to the host, maybe */
	p = map(f, 0, 8, PROT_READ);
	for (int i = 0; i < 8; i += 2)
		mmap(p + i * PAGE, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, f, i * PAGE);
	V(munmap(p + 2 * PAGE, 2 * PAGE)); SAY("%s\n", look(p, 8));
	V(munmap(p, 2 * PAGE)); V(munmap(p + 6 * PAGE, 2 * PAGE)); SAY("%s\n", look(p, 8));
	/* mapped again at once, at the same place and elsewhere */
	q = mmap(p, 8 * PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, f, 0); V(q == p); SAY("%s\n", look(p, 8));
	V(munmap(p, 8 * PAGE)); q = mmap(p, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(q, 'z', 8 * PAGE); SAY("%s\n", look(q, 8)); munmap(q, 8 * PAGE);
	/* copies that meet what is gone */
	p = map(f, 0, 8, PROT_READ | PROT_WRITE);
	munmap(p, 8 * PAGE); V(pread(f, p, 10, 0)); V(pwrite(f, p, 10, 0)); V(stat(p, NULL));
	/* a child and a thread that come right after */
	p = map(f, 0, 8, PROT_READ); munmap(p, 8 * PAGE);
	if (!fork())
		_exit(strcmp(look(p, 8), "--------"));
	wait(&status); V(status);
	p = map(f, 0, 8, PROT_READ); munmap(p, 8 * PAGE);
	pthread_create(&t, NULL, looker, p); pthread_join(t, &r); V((long)r);
	/* the last of an open file description: its lock is gone for others */
	int g = open("f", O_RDWR); flock(g, LOCK_EX);
	p = map(g, 0, 8, PROT_READ); close(g);
	V(flock(f, LOCK_EX | LOCK_NB)); V(munmap(p, 8 * PAGE)); V(flock(f, LOCK_EX | LOCK_NB));
	V(fcntl(f, F_GETLK, &lock));
	/* many, so that what is left over would be noticed */
	for (int i = 0; i < 3000; i++) {
		p = map(f, i % 8, 1, PROT_READ);
		if (p == MAP_FAILED || *p != (i % 8 ? 'a' + i % 8 : 'a') || munmap(p, PAGE))
			SAY("map %d\n", i);
	}
	return 0;
}
