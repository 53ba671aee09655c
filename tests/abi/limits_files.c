/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on files at their limits: what is asked of the wrong kind, at the end of all positions, or of nobody. */
#include "abi.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/statfs.h>
#include <sys/timerfd.h>
#include <linux/fs.h>

static char *bad = (void *)0x10, buf[5000];

static void owners(void)
{
	struct stat st;

	close(creat("o", 0600));
	for (int i = 0; i < 3; i++) {
		chmod("o", i ? 06707 : 06777);
		V(chown("o", -1, i == 2 ? getgid() : -1));
		stat("o", &st);
		SAY("%o\n", st.st_mode);
	}
	mkdir("od", 0755);
	chmod("od", 06777);
	V(chown("od", getuid(), -1));
	stat("od", &st);
	SAY("%o\n", st.st_mode);
}

static void ranges(void)
{
	int a = open("ra", O_CREAT | O_RDWR, 0600), b = open("rb", O_CREAT | O_RDWR, 0600), d = open(".", O_RDONLY);
	loff_t x = -1, y = 0;

	V(write(a, "hello world", 11));
	V(copy_file_range(a, 0, d, 0, 5, 0));
	V(copy_file_range(a, &x, b, &y, 5, 0));
	x = -10;
	V(copy_file_range(a, &x, b, &y, 5, 0));
	x = 100;
	V(copy_file_range(a, &x, b, &y, 5, 0));
	x = 0, y = LLONG_MAX;
	V(copy_file_range(a, &x, b, &y, 5, 0));
	x = -1;
	V(sendfile(b, a, &x, 5));
	V(pread(a, buf, 5, LLONG_MAX));
	V(pwrite(a, "x", 1, LLONG_MAX));
	V(lseek(a, LLONG_MAX, SEEK_END));
	V(syncfs(open("ra", O_PATH)));
	V(syscall(SYS_utimensat, a, NULL, NULL, AT_SYMLINK_NOFOLLOW));
}

static void entries(void)
{
	int d = open(".", O_RDONLY);

	V(syscall(SYS_getdents64, d, bad, 1000));
	V(syscall(SYS_getdents64, d, buf, 1));
	V(syscall(SYS_getdents64, d, buf, sizeof buf) > 0);
}

static void kinds(void)
{
	int p[2], q[2], e = eventfd(1, EFD_NONBLOCK), t = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), n = 1;
	int f = open("f", O_CREAT | O_RDWR, 0600), s = socket(AF_UNIX, SOCK_STREAM, 0);
	struct iovec v = { "abc", 3 };
	struct statfs sf;
	sigset_t none;

	sigemptyset(&none);
	V(pipe(p) | pipe(q));
	V(splice(e, NULL, p[1], NULL, 8, 0));
	V(splice(t, NULL, p[1], NULL, 8, 0));
	V(splice(open("/dev/null", O_RDONLY), NULL, p[1], NULL, 4, 0));
	V(splice(open("/dev/zero", O_RDONLY), NULL, p[1], NULL, 4, 0));
	V(splice(p[0], NULL, e, NULL, 4, 0));
	V(vmsplice(q[1], &v, 1, 0x10));
	V(lseek(e, 10, SEEK_SET));
	V(lseek(t, 10, SEEK_END));
	V(lseek(epoll_create1(0), 1, SEEK_SET));
	V(lseek(signalfd(-1, &none, 0), 1, SEEK_SET));
	V(lseek(inotify_init(), 1, SEEK_SET));
	V(pread(e, buf, 8, 0));
	V(fcntl(f, F_SETFL, O_ASYNC));
	V(fcntl(f, F_GETFL) & O_ASYNC);
	V(ioctl(f, FIOASYNC, &n));
	V(ioctl(e, FIOASYNC, &n));
	V(ioctl(p[0], FIOASYNC, &n));
	V(fcntl(p[0], F_GETFL) & O_ASYNC);
	n = 0;
	V(ioctl(f, FIOASYNC, &n));
	V(ioctl(f, FIGETBSZ, &n));
	SAY("%d\n", n);
	V(ioctl(f, FICLONE, 99));
	V(ioctl(f, FICLONE, p[0]));
	V(ioctl(f, FICLONE, open(".", O_RDONLY)));
	V(ioctl(f, FICLONE, open("f", O_WRONLY)));
	V(fstatfs(p[0], &sf));
	SAY("%lx\n", (long)sf.f_type);
	V(fstatfs(s, &sf));
	SAY("%lx\n", (long)sf.f_type);
	V((long)mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_HUGETLB, f, 0));
}

/* A descriptor that is a place only opens no file: closing it releases no lock. */
static void place_keeps_locks(void)
{
	struct flock l = { .l_type = F_WRLCK }, seen = l;
	int f = open("lk", O_CREAT | O_RDWR, 0600);

	V(fcntl(f, F_SETLK, &l));
	V(close(open("lk", O_PATH)));
	for (int i = 0; i < 2; i++) {
		pid_t c = fork();

		if (!c) {
			V(fcntl(f, F_GETLK, &seen));
			SAY("%d\n", seen.l_type == F_WRLCK);
			_exit(0);
		}
		wait_say("seen", c);
		V(close(open("lk", O_RDONLY)));
	}
}

int main(void)
{
	enter_tmp();
	place_keeps_locks();
	owners();
	ranges();
	entries();
	kinds();
	return 0;
}
