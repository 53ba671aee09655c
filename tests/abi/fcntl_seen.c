/* SPDX-License-Identifier: Apache-2.0 */
/* variants: dynamic */
/* fcntl(2) of descriptors open for reading has been done when it has returned, for
 * whoever can tell, although the program makes no further call; numbers and flags
 * are those that they would be after any other calls. */
#include "abi.h"

#define WARM 600                        /* by then these calls are as cheap as they get */

static struct shared {
	int go, done, seen;
	pid_t owner;
	int fd;
} *sh;
static char dir[256], name[300];

/* No system call: the answer of the observer that fork has made for this step. */
static int observed(int step)
{
	__atomic_store_n(&sh->go, step, __ATOMIC_RELEASE);
	while (__atomic_load_n(&sh->done, __ATOMIC_ACQUIRE) != step)
		;
	return sh->seen;
}

static void observe(int step, int (*look)(void))
{
	if (fork())
		return;
	while (__atomic_load_n(&sh->go, __ATOMIC_ACQUIRE) != step)
		sched_yield();
	sh->seen = look();
	__atomic_store_n(&sh->done, step, __ATOMIC_RELEASE);
	_exit(0);
}

/* What a walk over a tree does with each directory. */
static void warm_up(void)
{
	for (int i = 0; i < WARM; i++) {
		int fd = open(dir, O_RDONLY | O_DIRECTORY), n, m;

		if (fcntl(fd, F_GETFL) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC))
			printf("warm-up: %s\n", abi_errno(errno));
		n = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		m = fcntl(n, F_DUPFD, 0);
		if (close(fd) || close(n) || close(m))
			printf("warm-up: %s\n", abi_errno(errno));
	}
}

static int look_fd(void)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof path, "/proc/%d/fd/%d", sh->owner, sh->fd);
	return !lstat(path, &st);
}

static int look_cloexec(void)
{
	char path[64], line[128];
	unsigned flags = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", sh->owner, sh->fd);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof line, f))
		(void)sscanf(line, "flags: %o", &flags);
	if (f)
		fclose(f);
	return !!(flags & O_CLOEXEC);
}

static int look_limit(void)
{
	struct rlimit r = { 4, 4096 }, old;

	prlimit(sh->owner, RLIMIT_NOFILE, NULL, &old);
	r.rlim_max = old.rlim_max;
	return prlimit(sh->owner, RLIMIT_NOFILE, &r, NULL);
}

static void seen_by_others(void)
{
	int fd, seen;

	observe(1, look_fd);
	warm_up();
	fd = open(name, O_RDONLY);
	sh->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	seen = observed(1);
	SAY("a duplicate in /proc: %d\n", seen);
	wait(NULL);
	close(sh->fd);
	close(fd);

	observe(2, look_cloexec);
	warm_up();
	sh->fd = fd = open(name, O_RDONLY);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	seen = observed(2);
	SAY("FD_CLOEXEC in /proc: %d\n", seen);
	wait(NULL);
	observe(3, look_cloexec);
	warm_up();
	close(fd);
	sh->fd = fd = open(name, O_RDONLY | O_CLOEXEC);
	fcntl(fd, F_SETFD, 0);
	seen = observed(3);
	SAY("and away: %d\n", seen);
	wait(NULL);
	close(fd);
}

/* Numbers are the lowest that are free, whatever took and freed them. */
static void numbers(void)
{
	int a = open(name, O_RDONLY), b = fcntl(a, F_DUPFD, 0), p[2], c, d;

	SAY("next: %d\n", b - a);
	close(a);
	c = fcntl(b, F_DUPFD_CLOEXEC, 0);
	SAY("freed: %d, flag %d\n", c - a, fcntl(c, F_GETFD));
	OK(pipe(p));
	d = fcntl(b, F_DUPFD, 0);
	SAY("behind a pipe: %d\n", d - p[1]);
	close(p[0]);
	SAY("the pipe's: %d\n", fcntl(d, F_DUPFD, 0) == p[0]);
	V(dup2(p[1], 40));
	SAY("behind dup2: %d\n", fcntl(d, F_DUPFD, 40));
	V(fcntl(d, F_DUPFD, 70));
	V(fcntl(d, F_DUPFD, 62));
	V(fcntl(d, F_DUPFD, 62));
	V(fcntl(d, F_DUPFD, -1));
	V(fcntl(d, F_DUPFD, 1 << 30));
	V(fcntl(70, F_GETFD));
	V(fcntl(50, F_DUPFD, 0));
	V(read(62, name, 0));
	V(close_range(a, 100, 0));
	V(fcntl(d, F_GETFL));
}

static void flags_of(const char *what, int fd) { SAY("%s: %#x\n", what, fcntl(fd, F_GETFL)); }

static void flags(void)
{
	int a = open(dir, O_RDONLY | O_DIRECTORY), b, c, on = 1;

	warm_up();
	b = open(dir, O_RDONLY | O_DIRECTORY);
	c = open(name, O_RDONLY | O_NONBLOCK);
	flags_of("directory", b);
	flags_of("file", c);
	flags_of("directory again", b);
	V(fcntl(b, F_SETFL, O_NONBLOCK));
	flags_of("changed", b);
	flags_of("the other", a);
	flags_of("the file", c);
	V(fcntl(c, F_SETFL, 0));
	flags_of("its own", c);
	c = fcntl(c, F_DUPFD, 0);
	flags_of("its duplicate", c);
	V(ioctl(c, FIONBIO, &on));
	flags_of("by ioctl", c);
	V(fcntl(c, F_SETFD, 7));
	V(fcntl(c, F_GETFD));
	V(fcntl(c, F_SETFD, 2));
	V(fcntl(c, F_GETFD));
	V(close_range(a, 100, 0));
}

/* What a child has is what was there. */
static void inherited(void)
{
	int fd, n, st;

	warm_up();
	fd = open(name, O_RDONLY);
	n = fcntl(fd, F_DUPFD, 0);
	fcntl(n, F_SETFD, FD_CLOEXEC);
	close(fd);
	if (!fork())
		_exit(fcntl(n, F_GETFD) * 2 + (fcntl(fd, F_GETFD) < 0));
	wait(&st);
	SAY("in a child: %d\n", WEXITSTATUS(st));
	V(close(n));
}

static void limits(void)
{
	struct rlimit r = { 0, 0 };
	int fd, n;

	warm_up();
	fd = open(name, O_RDONLY);
	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = (rlim_t)fd + 2;
	OK(setrlimit(RLIMIT_NOFILE, &r));
	n = fcntl(fd, F_DUPFD, 0);
	SAY("room for one: %d\n", n - fd);
	V(fcntl(fd, F_DUPFD, 0));
	V(fcntl(fd, F_DUPFD, 60));
	close(n);
	r.rlim_cur = 1000;
	OK(setrlimit(RLIMIT_NOFILE, &r));
	observe(4, look_limit);
	close(fd);
	warm_up();
	fd = open(name, O_RDONLY);
	n = observed(4);
	SAY("the other's limit: %d\n", n);
	V(fcntl(fd, F_DUPFD, 0));
	wait(NULL);
}

int main(void)
{
	sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sh->owner = getpid();
	snprintf(dir, sizeof dir, "/dev/shm/nacre-fcntl-%d", getpid());
	snprintf(name, sizeof name, "%s/f", dir);
	OK(mkdir(dir, 0700));
	close(open(name, O_CREAT | O_RDWR | O_EXCL, 0600));
	seen_by_others();
	numbers();
	flags();
	inherited();
	limits();
	unlink(name);
	rmdir(dir);
	return 0;
}
