/* SPDX-License-Identifier: Apache-2.0 */
/* Memory calls have happened when they return: for the program, its signal
 * handlers, its children and those who look from outside.  What the host
 * refuses has not happened. */
#include <setjmp.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

#include "abi.h"

#define PAGE 4096ul
#define MANY 70000u

static sigjmp_buf env;
static volatile int faults;

static void on_segv(int signo)
{
	faults += signo == SIGSEGV;
	siglongjmp(env, 1);
}

/* 0 nothing there, 1 can be read, 2 can be written too */
static int access_of(volatile char *p)
{
	volatile int how = 0;

	if (!sigsetjmp(env, 1)) {
		(void)*p;
		how = 1;
		*p = *p;
		how = 2;
	}
	return how;
}

static char *map(size_t pages)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void at_once(void)
{
	unsigned right = 0;
	char *p, *old;

	for (unsigned i = 0; i < 200; i++) {
		p = map(3);
		memset(p, 1, 3 * PAGE);
		right += access_of(p) == 2;
		mprotect(p + PAGE, PAGE, PROT_READ);
		right += access_of(p) == 2 && access_of(p + PAGE) == 1 && access_of(p + 2 * PAGE) == 2;
		mprotect(p, 3 * PAGE, PROT_READ);               /* three areas */
		right += access_of(p) == 1 && access_of(p + 2 * PAGE) == 1;
		mprotect(p, 3 * PAGE, PROT_READ | PROT_WRITE);
		madvise(p + PAGE, PAGE, MADV_DONTNEED);
		right += p[0] == 1 && p[PAGE] == 0 && p[2 * PAGE] == 1;
		right += mmap(p + PAGE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + PAGE;
		right += access_of(p) == 2 && access_of(p + PAGE) == 0 && access_of(p + 2 * PAGE) == 2;
		munmap(p + 2 * PAGE, PAGE);
		right += access_of(p) == 2 && access_of(p + 2 * PAGE) == 0;
		munmap(p, 3 * PAGE);
		right += access_of(p) == 0;
		old = sbrk(0);
		right += sbrk(3 * PAGE) == old && access_of(old + PAGE) == 2;
		right += sbrk(-3 * (long)PAGE) == old + 3 * PAGE && access_of(old + 2 * PAGE) == 0;
	}
	SAY("at once: %u of 2000\n", right);
}

/* Other calls use what a memory call has just made or taken away. */
static void used_by_calls(void)
{
	unsigned right = 0;
	int fd[2];
	char *p;

	if (pipe(fd))
		exit(1);
	for (unsigned i = 0; i < 100; i++) {
		pid_t pid;
		int st;

		p = map(2);
		right += write(fd[1], "hello", 5) == 5 && read(fd[0], p + PAGE - 2, 5) == 5 && !memcmp(p + PAGE - 2, "hello", 5);
		mprotect(p + PAGE, PAGE, PROT_READ);
		right += write(fd[1], p + PAGE - 2, 5) == 5 && read(fd[0], p + PAGE, 5) == -1 && errno == EFAULT;
		right += read(fd[0], p, 5) == 5 && !memcmp(p, "hello", 5);
		munmap(p, PAGE);
		right += write(fd[1], p, 5) == -1 && errno == EFAULT && write(fd[1], p + PAGE, 3) == 3 && read(fd[0], p + PAGE, 3) == -1;
		pid = fork();
		if (pid == 0)
			_exit(access_of(p) == 0 && access_of(p + PAGE) == 1 ? 7 : 1);
		waitpid(pid, &st, 0);
		right += WIFEXITED(st) && WEXITSTATUS(st) == 7;
		munmap(p + PAGE, PAGE);
		p = map(1);
		right += read(fd[0], p, 3) == 3 && !memcmp(p, "llo", 3);
		munmap(p, PAGE);
	}
	SAY("used by calls: %u of 600\n", right);
	close(fd[0]);
	close(fd[1]);
}

/* A handler runs between the call and the program. */
static volatile sig_atomic_t seen;
static char *volatile watched;

static void on_alarm(int signo)
{
	(void)signo;
	seen++;
	if (watched)
		*watched = 5;
}

static void interrupted(void)
{
	struct itimerval it = { { 0, 300 }, { 0, 300 } }, none = { { 0, 0 }, { 0, 0 } };
	unsigned wrong = 0;
	char *p = map(1);

	setitimer(ITIMER_REAL, &it, NULL);
	for (unsigned i = 0; i < 5000 || seen < 20; i++) {
		char *q = map(1);

		watched = q;
		*q = 1;
		wrong += mprotect(q, PAGE, PROT_READ | PROT_WRITE) != 0;
		watched = p;
		wrong += munmap(q, PAGE) != 0;
	}
	setitimer(ITIMER_REAL, &none, NULL);
	SAY("interrupted: wrong %u\n", wrong);
	munmap(p, PAGE);
}

/* From outside. */
static void looked_at(void)
{
	unsigned right = 0;
	char line[64];
	char *p;

	for (unsigned i = 0; i < 20; i++) {
		char buf[20000];
		ssize_t n, got = 0;
		int fd;

		p = map(1);
		mprotect(p, PAGE, i & 1 ? PROT_READ : PROT_NONE);
		fd = open("/proc/self/maps", O_RDONLY);
		while ((n = read(fd, buf + got, sizeof(buf) - 1 - (size_t)got)) > 0)
			got += n;
		close(fd);
		buf[got] = 0;
		snprintf(line, sizeof(line), "%lx-%lx %sp", (unsigned long)p, (unsigned long)p + PAGE, i & 1 ? "r--" : "---");
		right += strstr(buf, line) != NULL;
		munmap(p, PAGE);
	}
	SAY("in maps: %u\n", right);
}

/* Several threads at once, each in places of its own. */
static void *worker(void *arg)
{
	unsigned *right = arg;

	for (unsigned i = 0; i < 2000; i++) {
		char *p = map(3);

		memset(p, 7, 3 * PAGE);
		mprotect(p + PAGE, PAGE, PROT_READ);
		/* Two areas and a border, then one. */
		*right += madvise(p, 3 * PAGE, MADV_DONTNEED) == 0 && p[0] == 0 && p[PAGE] == 0 && p[3 * PAGE - 1] == 0;
		p[0] = 5;
		*right += madvise(p, PAGE, MADV_DONTNEED) == 0 && p[0] == 0;
		munmap(p + PAGE, PAGE);
		*right += madvise(p, 3 * PAGE, MADV_DONTNEED) == -1 && errno == ENOMEM;
		munmap(p, 3 * PAGE);
	}
	return NULL;
}

static void threads(void)
{
	unsigned right[3] = { 0, 0, 0 };
	pthread_t t[3];

	for (unsigned i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, worker, &right[i]);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	SAY("threads: %u %u %u\n", right[0], right[1], right[2]);
}

/* As many mappings as there may be, and one more. */
static char *many[MANY];

static bool mapped(char *p)
{
	unsigned char v;

	return mincore(p, PAGE, &v) == 0;
}

static void too_many(void)
{
	unsigned n = 0, kept = 0;
	char *p = map(3), *q;
	int err;

	memset(p, 9, 3 * PAGE);
	/* Neighbours that differ are never one mapping. */
	while (n < MANY) {
		q = mmap(NULL, PAGE, n & 1 ? PROT_READ : PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (q == MAP_FAILED)
			break;
		many[n++] = q;
	}
	err = errno;
	SAY("many: %d, then %s\n", n > 60000 && n < 65530, abi_errno(err));
	/* Until the last place is taken. */
	while (mprotect(p + PAGE, PAGE, PROT_READ) == 0 && n < MANY && kept < 10) {
		mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE);
		q = mmap(NULL, PAGE, kept & 1 ? PROT_NONE : PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (q != MAP_FAILED)
			many[n++] = q;
		kept++;
	}
	V(mprotect(p + PAGE, PAGE, PROT_READ));
	SAY("all as before: %d %d %d\n", access_of(p), access_of(p + PAGE), access_of(p + 2 * PAGE));
	V(munmap(p + PAGE, PAGE));
	SAY("still there: %d %d %d, %d\n", mapped(p), mapped(p + PAGE), mapped(p + 2 * PAGE), p[PAGE]);
	q = map(1);
	SAY("one more: %d\n", q != NULL);
	for (unsigned i = 0; i < n; i += 2)
		munmap(many[i], PAGE);
	V(munmap(p + PAGE, PAGE));
	SAY("gone: %d %d %d\n", mapped(p), mapped(p + PAGE), mapped(p + 2 * PAGE));
	for (unsigned i = 1; i < n; i += 2)
		munmap(many[i], PAGE);
}

/* The same with mappings that only the host tells apart. */
static void too_many_below(void)
{
	char *big = mmap(NULL, 2 * MANY * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *p = map(5), *q;

	mprotect(p, PAGE, PROT_READ);
	mprotect(p + 4 * PAGE, PAGE, PROT_READ);
	memset(p + PAGE, 9, 3 * PAGE);
	for (size_t i = 0; i < MANY; i++)
		madvise(big + 2 * i * PAGE, PAGE, MADV_NOHUGEPAGE);
	V(mprotect(p + 2 * PAGE, PAGE, PROT_READ));
	SAY("as before: %d %d %d\n", access_of(p + PAGE), access_of(p + 2 * PAGE), access_of(p + 3 * PAGE));
	V(munmap(p + 2 * PAGE, PAGE));
	SAY("still there: %d %d %d, %d\n", mapped(p + PAGE), mapped(p + 2 * PAGE), mapped(p + 3 * PAGE), p[2 * PAGE]);
	q = mmap(NULL, PAGE, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	SAY("one more: %s\n", q == MAP_FAILED ? abi_errno(errno) : "fits");
	munmap(big, 2 * MANY * PAGE);
	V(munmap(p + 2 * PAGE, PAGE));
	SAY("there: %d\n", mapped(p + 2 * PAGE));
	SAY("heap: %d\n", sbrk(PAGE) != (void *)-1);
	munmap(p, 5 * PAGE);
}

int main(void)
{
	struct sigaction sa = { .sa_handler = on_segv, .sa_flags = SA_NODEFER }, al = { .sa_handler = on_alarm };

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGALRM, &al, NULL);
	at_once();
	used_by_calls();
	interrupted();
	looked_at();
	threads();
	too_many();
	too_many_below();
	return 0;
}
