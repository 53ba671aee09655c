/* SPDX-License-Identifier: Apache-2.0 */
/* Files mapped as dynamic linkers map them (MAP_DENYWRITE): whoever looks next
 * finds them mapped. */
/* variants: static */
#include "abi.h"
#include <linux/futex.h>
#include <setjmp.h>

enum { P = 4096, N = 6 };

static int fd;
static sigjmp_buf back;

static void caught(int signo, siginfo_t *si, void *u)
{
	(void)u;
	siglongjmp(back, signo * 100 + si->si_code);
}

static int touch(char *at, bool write)
{
	int r = sigsetjmp(back, 1);

	if (r)
		return r;
	if (write)
		*(volatile char *)at = '!';
	return *(volatile char *)at;
}

static char *fresh(void)
{
	char *m = mmap(0, N * P, PROT_READ, MAP_PRIVATE | MAP_DENYWRITE, fd, 0);

	if (m == MAP_FAILED)
		exit(1);
	return m;
}

static char *library(void)
{
	char *m = fresh();
	int how = MAP_PRIVATE | MAP_DENYWRITE | MAP_FIXED;

	V(mmap(m + P, P, PROT_READ | PROT_EXEC, how, fd, P) == m + P);
	V(mmap(m + 2 * P, P, PROT_READ, how, fd, 0) == m + 2 * P);
	return m;
}

static void say(const char *what, const char *m)
{
	printf("%s: %c%c%c%c\n", what, m[0], m[P], m[2 * P], m[3 * P]);
}

static void touches(void)
{
	char *m = library();

	say("read", m);
	munmap(m, N * P);
	m = library();
	V(touch(m + 3 * P, true));
	V(touch(m + 3 * P, false));
	munmap(m, N * P);
	m = library();
	V(mmap(m + 3 * P, P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_DENYWRITE | MAP_FIXED, fd, 4 * P) == m + 3 * P);
	V(touch(m + 3 * P + 1, true));
	V(mmap(m + 4 * P, 2 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == m + 4 * P);
	V(touch(m + 5 * P, false));
	V(mprotect(m + 3 * P, P, PROT_READ));
	V(touch(m + 3 * P, true));
	say("segments", m);
	munmap(m, N * P);
	m = library();
	V(mmap(m + 4 * P, P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == m + 4 * P);
	V(touch(m + 4 * P, true));
	munmap(m, N * P);
	m = library();
	V(munmap(m + P, P));
	V(touch(m + P, false));
	V(touch(m + 2 * P, false));
	munmap(m, N * P);
	V(touch(m, false));
	m = library();
	V(mprotect(m, P, PROT_NONE));
	V(touch(m, false));
	munmap(m, N * P);
}

static void *thread(void *m)
{
	return (void *)(intptr_t)touch((char *)m + 2 * P, false);
}

static void calls(void)
{
	unsigned char vec[N];
	char buf[P], *m = library(), *n;
	struct iovec l = { buf, 8 }, r = { m + P, 8 };
	int p[2], status;
	pthread_t t;
	void *got;

	V(pipe(p));
	V(write(p[1], m + 2 * P - 4, 8));
	V(read(p[0], buf, 8));
	printf("%.8s\n", buf);
	munmap(m, N * P);
	m = library();
	V(read(p[0] + 1000, m, 1));
	V(write(p[1], "x", 1));
	V(read(p[0], m, 1));
	munmap(m, N * P);
	r.iov_base = (m = library()) + P;
	V(process_vm_readv(getpid(), &l, 1, &r, 1, 0));
	munmap(m, N * P);
	m = library();
	V(mincore(m, N * P, vec));
	munmap(m, N * P);
	m = library();
	V(madvise(m, N * P, MADV_DONTNEED));
	say("dontneed", m);
	munmap(m, N * P);
	m = library();
	V(mlock(m, P));
	V(munlock(m, P));
	say("locked", m);
	munmap(m, N * P);
	m = library();
	n = mremap(m, P, 2 * P, MREMAP_MAYMOVE);
	V(n == MAP_FAILED);
	V(touch(n, false));
	V(touch(n + P, false));
	munmap(n, 2 * P);
	munmap(m, N * P);
	m = library();
	V(syscall(SYS_futex, m + 3 * P, FUTEX_WAIT, 0x33333334, 0, 0, 0));
	munmap(m, N * P);
	m = library();
	if (fork() == 0) {
		say("child", m);
		_exit(0);
	}
	wait(&status);
	V(status);
	say("parent", m);
	munmap(m, N * P);
	m = library();
	pthread_create(&t, NULL, thread, m);
	V(touch(m + P, false));
	pthread_join(t, &got);
	printf("thread %ld\n", (long)(intptr_t)got);
	munmap(m, N * P);
	/* Many at once, read in another order. */
	char *many[20];
	for (int i = 0; i < 20; i++)
		many[i] = fresh();
	for (int i = 19; i >= 0; i -= 3)
		say("many", many[i]);
	for (int i = 0; i < 20; i++)
		munmap(many[i], N * P);
}

static void ends(void)
{
	char *m = mmap(0, 9 * P, PROT_READ, MAP_PRIVATE | MAP_DENYWRITE, fd, 0);

	V(touch(m + 8 * P, false));
	munmap(m, 9 * P);
	m = library();
	V(ftruncate(fd, 2 * P));
	V(touch(m + 3 * P, false));
	V(touch(m + 1, false));
	munmap(m, N * P);
	m = library();
	V(pwrite(fd, "new", 3, 0));
	V(ftruncate(fd, N * P));
	printf("%.3s %d\n", m, m[3 * P]);
	munmap(m, N * P);
	m = library();
	close(fd);
	unlink("map_loader.file");
	V(touch(m, false));
	/* Never touched: the process ends with it. */
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO };
	char page[P];

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	fd = open("map_loader.file", O_CREAT | O_TRUNC | O_RDWR, 0755);
	for (int i = 0; i < N; i++) {
		memset(page, '0' + i, P);
		V(write(fd, page, P));
	}
	touches();
	calls();
	ends();
	return 0;
}
