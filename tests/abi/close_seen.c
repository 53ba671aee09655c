/* SPDX-License-Identifier: Apache-2.0 */
/* variants: dynamic */
/* A file that was opened for reading is closed when close(2) has returned, for
 * whoever can tell, although the program that closed it makes no further call. */
#include "abi.h"
#include <sys/inotify.h>
#include <sys/statfs.h>

#define WARM 600                        /* by then closes are as cheap as they get */
#define BIG (8 << 20)

static struct shared {
	int go, done, seen;
	pid_t owner;
	int fd, space;
	long had;
} *sh;
static char dir[256], name[300];

static void wait_for(int *word, int v)
{
	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != v)
		sched_yield();
}

/* No system call: the answer of the observer that fork has made for this step. */
static int observed(int step)
{
	__atomic_store_n(&sh->go, step, __ATOMIC_RELEASE);
	while (__atomic_load_n(&sh->done, __ATOMIC_ACQUIRE) != step)
		;
	return sh->seen;
}

static void warm_up(void)
{
	for (int i = 0; i < WARM; i++) {
		int fd = open(name, O_RDONLY);

		if (fd < 0 || close(fd))
			printf("warm-up: %s\n", abi_errno(errno));
	}
}

static int fds_of(pid_t p, int fd)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof path, "/proc/%d/fd/%d", p, fd);
	return !lstat(path, &st);
}

static long space(void)
{
	struct statfs s;

	return statfs(dir, &s) ? -1 : (long)(s.f_bfree * (unsigned long)s.f_bsize);
}

/* What is looked at; done before the step (1: get ready) and in it. */
static int look_fd(void) { return fds_of(sh->owner, sh->fd); }
static int look_unlinked(void) { return unlink(name) ? -1 : space() - sh->had > BIG / 2; }
static int look_flock(void)
{
	int fd = open(name, O_RDONLY), got = flock(fd, LOCK_EX | LOCK_NB);

	close(fd);
	return got;
}
static int look_lock(void)
{
	struct flock l = { .l_type = F_WRLCK };
	int fd = open(name, O_RDWR), got = fcntl(fd, F_SETLK, &l);

	close(fd);
	return got;
}

static void observe(int step, int (*look)(void))
{
	if (fork())
		return;
	wait_for(&sh->go, step);
	sh->seen = look();
	__atomic_store_n(&sh->done, step, __ATOMIC_RELEASE);
	_exit(0);
}

/* A new one, of which nobody knows anything. */
static void file(int size)
{
	static char page[4096] = "x";
	int fd;

	unlink(name);
	fd = open(name, O_CREAT | O_RDWR | O_EXCL, 0600);
	for (int i = 0; i < size; i += (int)sizeof page)
		if (write(fd, page, sizeof page) != sizeof page)
			printf("write: %s\n", abi_errno(errno));
	close(fd);
}

/* In the table of another task; the observer is older than the descriptor. */
static void table(void)
{
	int fd, seen;

	observe(1, look_fd);
	warm_up();
	sh->fd = fd = open(name, O_RDONLY);
	close(fd);
	seen = observed(1);
	SAY("in /proc: %d\n", seen);
	wait(NULL);

	observe(2, look_fd);
	warm_up();
	fd = open(name, O_RDONLY);
	sh->fd = fcntl(fd, F_DUPFD, 0);
	close(fd);
	close(sh->fd);
	seen = observed(2);
	SAY("a duplicate in /proc: %d\n", seen);
	wait(NULL);
	V(close(fd));
	V(close(sh->fd));
	V(open(name, O_RDONLY) == fd);
	close(fd);
	V(read(fd, name, 0));
	V(open(name, O_RDONLY) == fd && dup2(0, fd) == fd && close(fd) == 0);
	V(close(fd));
}

static void locks(void)
{
	struct flock l = { .l_type = F_WRLCK };
	int fd, other, seen;

	observe(3, look_lock);
	warm_up();
	other = open(name, O_RDONLY);
	fd = open(name, O_RDWR);
	V(fcntl(fd, F_SETLK, &l));
	close(other);                   /* releases it, fcntl(2) */
	seen = observed(3);
	SAY("a record lock: %d\n", seen);
	wait(NULL);
	close(fd);

	file(1);
	observe(4, look_flock);
	warm_up();
	fd = open(name, O_RDONLY);
	V(flock(fd, LOCK_EX));
	close(fd);
	seen = observed(4);
	SAY("a flock: %d\n", seen);
	wait(NULL);
}

static int look_flock_soon(void)
{
	int got = -1;

	for (int i = 0; i < 500 && got; i++) {
		got = look_flock();
		if (got)
			msleep(10);
	}
	return got;
}

/* A child that has the description locks it after our own closes, and ends: that frees it. */
static void inherited(void)
{
	int fd, n, seen, locked;

	file(1);
	observe(6, look_flock_soon);
	warm_up();
	fd = open(name, O_RDONLY);
	if (!fork()) {
		wait_for(&sh->go, 5);
		sh->seen = flock(fd, LOCK_EX);
		__atomic_store_n(&sh->done, 5, __ATOMIC_RELEASE);
		_exit(0);
	}
	n = fcntl(fd, F_DUPFD, 0);
	close(fd);
	close(n);
	locked = observed(5);
	seen = observed(6);
	SAY("a flock by a child: %d %d\n", locked, seen);
	while (wait(NULL) > 0)
		;
}

/* Pages of a file that was removed while it was open come back at once. */
static void unlinked(void)
{
	int seen = 0;

	/* Others use the file system as well. */
	for (int i = 0; i < 50 && seen != 1; i++) {
		int fd;

		file(BIG);
		observe(10 + i, look_unlinked);
		for (int k = 0; k < 100; k++)
			close(open(name, O_RDONLY));
		fd = open(name, O_RDONLY);
		sh->had = space();
		close(open(name, O_RDONLY));
		close(fd);
		seen = observed(10 + i);
		wait(NULL);
	}
	SAY("space: %d\n", seen);
	file(1);
}

/* An observer that comes while the file is open. */
static int watch(int ready)
{
	struct pollfd p = { .fd = inotify_init1(0), .events = POLLIN };
	int ret;

	if (inotify_add_watch(p.fd, name, IN_CLOSE_NOWRITE) < 0)
		return -1;
	__atomic_store_n(&sh->done, ready, __ATOMIC_RELEASE);
	ret = poll(&p, 1, 10000);
	close(p.fd);
	return ret;
}

static void watched(int step, bool early)
{
	int fd, seen;

	if (!fork()) {
		wait_for(&sh->go, step);
		sh->seen = watch(step);
		__atomic_store_n(&sh->done, step + 1, __ATOMIC_RELEASE);
		_exit(0);
	}
	warm_up();
	if (early)
		observed(step);
	fd = open(name, O_RDONLY);
	if (!early)
		observed(step);
	close(fd);
	seen = observed(step + 1);
	SAY("a watch: %d\n", seen);
	wait(NULL);
}

static int turn;

static void *user(void *arg)
{
	char c;

	wait_for(&turn, 1);
	sh->seen = read(*(int *)arg, &c, 0) < 0 ? errno : 0;
	__atomic_store_n(&turn, 2, __ATOMIC_RELEASE);
	return NULL;
}

/* A thread that shares the table. */
static void threads(void)
{
	int before, fd;
	pthread_t t;

	warm_up();
	before = open(name, O_RDONLY);
	fd = before;
	pthread_create(&t, NULL, user, &fd);
	for (int i = 0; i < 100; i++)
		close(open(name, O_RDONLY));
	close(before);
	__atomic_store_n(&turn, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != 2)
		;
	SAY("by a thread: %s\n", abi_errno(sh->seen));
	pthread_join(t, NULL);
}

/* Closed ones are not inherited by who comes next, nor kept by a full table. */
static void next(void)
{
	struct rlimit r;
	int fd, n = 0, st;

	warm_up();
	fd = open(name, O_RDONLY);
	close(fd);
	if (!fork())
		_exit(fcntl(fd, F_GETFD) == -1 && errno == EBADF);
	wait(&st);
	SAY("by a child: %d\n", WEXITSTATUS(st));
	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = (rlim_t)fd + 1;
	setrlimit(RLIMIT_NOFILE, &r);
	for (int i = 0; i < 100; i++) {
		int k = open(name, O_RDONLY);

		n += k == fd && open(name, O_RDONLY) == -1 && errno == EMFILE && !close(k);
	}
	SAY("in a table of this size: %d\n", n);
}

int main(void)
{
	sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sh->owner = getpid();
	snprintf(dir, sizeof dir, "/dev/shm/nacre-close-%d", getpid());
	snprintf(name, sizeof name, "%s/f", dir);
	OK(mkdir(dir, 0700));
	file(1);
	table();
	locks();
	inherited();
	unlinked();
	watched(100, false);
	watched(200, true);
	threads();
	next();
	unlink(name);
	OK(rmdir(dir));
	return 0;
}
