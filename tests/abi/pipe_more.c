/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes, splice, tee, sendfile and vectors as test suites of the system calls try them:
 * full and small pipes, who blocks and what wakes him, how much is moved, bad halves of buffers. */
#include "unix.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>

#define NB SPLICE_F_NONBLOCK
static char big[1 << 20] __attribute__((aligned(4096))), other[1 << 20];
static int sigs;
static void count(int s) { (void)s; sigs++; }
static void *filled(void)
{
	for (size_t i = 0; i < sizeof big; i++)
		big[i] = (char)(i * 7 + i / 4096);
	return big;
}

/* Does what later, from a thread. */
static struct { int fd, ms; size_t n; long ret; int err; char what; } later;
static void *do_later(void *x)
{
	msleep(later.ms);
	switch (later.what) {
	case 'r': later.ret = read(later.fd, other, later.n); break;
	case 'w': later.ret = write(later.fd, big, later.n); break;
	case 'c': later.ret = close(later.fd); break;
	}
	later.err = errno;
	return x;
}
static pthread_t start(char what, int fd, size_t n)
{
	pthread_t t;

	later.what = what;
	later.fd = fd;
	later.n = n;
	later.ms = 30;
	pthread_create(&t, NULL, do_later, NULL);
	return t;
}
static void join(pthread_t t)
{
	pthread_join(t, NULL);
	SAY("later: %ld\n", later.ret);
}

static void make(int kind, int *p)
{
	static const char *const names[] = { "pipe", "nonblocking", "small", "named", "named blocking" };

	SAY("-- %s\n", names[kind]);
	if (kind < 3) {
		(void)!pipe2(p, kind == 1 ? O_NONBLOCK : 0);
		if (kind == 2)
			V(fcntl(p[0], F_SETPIPE_SZ, 0));
		if (kind == 1) {
			V(fcntl(p[0], F_SETFL, 0));
			V(fcntl(p[1], F_SETFL, 0));
		}
		return;
	}
	unlink("fifo");
	V(mkfifo("fifo", 0644));
	V(open("fifo", O_WRONLY | O_NONBLOCK));
	p[0] = open("fifo", O_RDONLY | O_NONBLOCK);
	p[1] = open("fifo", O_WRONLY | (kind == 3 ? O_NONBLOCK : 0));
	V(fcntl(p[0], F_SETFL, 0));
	V(fcntl(p[1], F_SETFL, 0));
}

static void pipes(int kind)
{
	struct stat a, b;
	struct statfs f;
	pthread_t t;
	char path[40];
	int p[2], n, size;

	make(kind, p);
	fstat(p[0], &a);
	fstat(p[1], &b);
	SAY("one inode %d, size %d, mode %o\n", a.st_ino == b.st_ino, (int)a.st_size, a.st_mode & S_IFMT);
	V(fstatfs(p[0], &f));
	if (kind < 3)
		SAY("%lx %ld %ld\n", (long)f.f_type, (long)f.f_bsize, (long)f.f_namelen);
	V(fcntl(p[0], F_GETFL));
	V(fcntl(p[1], F_GETFL));
	V(write(p[0], "x", 1));
	V(read(p[1], path, 1));
	V(write(p[1], "x", 0));
	V(lseek(p[0], 0, SEEK_SET));
	V(lseek(p[1], -4, SEEK_END));
	V(pread(p[1], path, 1, 0));
	V(pwrite(p[0], path, 1, 0));
	V(preadv(p[1], &(struct iovec){ path, 1 }, 1, 0));
	V(preadv2(p[0], &(struct iovec){ NULL, 0 }, 1, 2, 0));
	V(ftruncate(p[1], 0));
	V(fsync(p[0]));
	V(fallocate(p[1], 0, 0, 10));
	V(ioctl(p[1], FIONREAD, &n));
	SAY("%d\n", n);
	size = fcntl(p[1], F_GETPIPE_SZ);
	SAY("size %d %d\n", size, fcntl(p[0], F_GETPIPE_SZ));
	V(fcntl(p[0], F_SETPIPE_SZ, size + 1));
	V(fcntl(p[1], F_SETPIPE_SZ, 0));
	V(fcntl(p[1], F_SETPIPE_SZ, -1));
	V(fcntl(p[1], F_SETPIPE_SZ, 0x7fffffffffffffff));
	V(fcntl(p[1], F_SETPIPE_SZ, 1u << 31));
	V(fcntl(p[1], F_SETPIPE_SZ, size));
	V(write(p[1], big, (size_t)size));
	V(ioctl(p[0], FIONREAD, &n));
	SAY("%d\n", n);
	SAY("full: %x %x\n", revents(p[0], EVERY), revents(p[1], EVERY));
	fcntl(p[1], F_SETFL, O_NONBLOCK);
	V(write(p[1], "x", 1));
	if (size > 8192)
		V(fcntl(p[1], F_SETPIPE_SZ, size / 2));
	V(read(p[0], other, 1));
	SAY("%x\n", revents(p[1], EVERY));
	V(write(p[1], "x", 1));
	V(read(p[0], other, 4095));
	SAY("%x\n", revents(p[1], EVERY));
	V(write(p[1], big, 4097));
	V(write(p[1], big, 4096));
	while (read(p[0], other, 5000) == 5000)
		;
	V(write(p[1], big, 2 * (size_t)size));
	V(read(p[0], other, sizeof other));
	fcntl(p[1], F_SETFL, 0);
	/* Who blocks is woken by data, by room, by the end. */
	t = start('w', p[1], 3);
	V(read(p[0], other, 100));
	join(t);
	(void)!write(p[1], big, (size_t)size);
	t = start('r', p[0], (size_t)size);
	V(write(p[1], big, 100));
	join(t);
	V(read(p[0], other, sizeof other));
	(void)!write(p[1], big, 4);
	close(dup(p[1]));
	if (kind < 3) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", p[0]);
		n = open(path, O_RDONLY | O_NONBLOCK);
		V(read(n, other, 9));
		V(read(n, other, 9));
		close(n);
		V(lstat(path, &a));
	}
	t = start('c', p[1], 0);
	V(read(p[0], other, kind < 3 ? 9 : 4));
	join(t);
	V(read(p[0], other, 9));
	SAY("%x\n", revents(p[0], EVERY));
	close(p[0]);
	/* Without readers. */
	make(kind, p);
	sigs = 0;
	t = start('c', p[0], 0);
	V(write(p[1], big, 2 * (size_t)fcntl(p[1], F_GETPIPE_SZ)));
	join(t);
	V(write(p[1], big, 1));
	V(write(p[1], big, 0));
	SAY("%x signals %d\n", revents(p[1], EVERY), sigs);
	V(ioctl(p[1], FIONREAD, &n));
	SAY("%d\n", n);
	close(p[1]);
	V(close(p[1]));
}

static void splices(void)
{
	int a[2], b[2], f, m;
	pthread_t t;
	loff_t off;

	(void)!pipe(a);
	(void)!pipe(b);
	f = open("data", O_RDWR | O_CREAT, 0600);
	(void)!write(f, big, 200000);
	m = memfd_create("m", 0);
	lseek(f, 0, SEEK_SET);
	V(splice(f, NULL, a[1], NULL, 4096, 0));
	V(lseek(f, 0, SEEK_CUR));
	V(splice(f, NULL, a[1], NULL, 1 << 20, 0));
	V(lseek(f, 0, SEEK_CUR));
	V(splice(f, NULL, a[1], NULL, 1, NB));
	V(splice(a[0], NULL, b[1], NULL, 1 << 20, 0));
	V(splice(a[0], NULL, b[1], NULL, 1, NB));
	V(splice(b[0], NULL, m, NULL, 1000, 0));
	off = 100;
	V(splice(b[0], NULL, m, &off, 1000, 0));
	SAY("%d %d\n", (int)off, (int)lseek(m, 0, SEEK_CUR));
	V(tee(b[0], a[1], 5000, 0));
	V(tee(b[0], a[1], 5000, 0));
	V(tee(a[0], a[1], 1, 0));
	V(tee(f, a[1], 1, 0));
	V(tee(a[0], f, 1, 0));
	V(tee(a[0], b[1], 1, 0x10));
	V(tee(a[1], b[1], 1, 0));
	V(tee(a[0], b[0], 1, 0));
	V(tee(-1, b[1], 1, 0));
	V(tee(a[0], -1, 1, 0));
	V(tee(a[0], b[1], 0, 0));
	V(splice(a[0], NULL, a[1], NULL, 1, 0));
	V(splice(a[0], &off, b[1], NULL, 1, 0));
	V(splice(a[0], NULL, b[1], &off, 1, 0));
	V(splice(f, NULL, m, NULL, 1, 0));
	V(splice(f, NULL, a[1], NULL, 1, 0x10));
	V(splice(-1, NULL, a[1], NULL, 1, 0));
	V(splice(f, NULL, -1, NULL, 1, 0));
	V(splice(-1, NULL, -1, NULL, 0, 0));
	V(splice(f, (void *)8, a[1], NULL, 1, 0));
	off = -1;
	V(splice(f, &off, a[1], NULL, 1, 0));
	V(splice(b[0], NULL, m, &off, 2, 0));
	off = INT64_MAX - 1;
	V(splice(b[0], NULL, m, &off, 3, 0));
	V(splice(f, &off, a[1], NULL, 3, 0));
	off = 1000000;
	V(splice(f, &off, a[1], NULL, 3, 0));
	while (splice(a[0], NULL, m, NULL, 1 << 20, NB) > 0)
		;
	while (splice(b[0], NULL, m, NULL, 1 << 20, NB) > 0)
		;
	V(splice(a[0], NULL, open("/dev/null", O_WRONLY), NULL, 1, NB));
	V(splice(open("/dev/zero", O_RDONLY), NULL, a[1], NULL, 100, 0));
	V(splice(open("/dev/full", O_RDONLY), NULL, a[1], NULL, 100, 0));
	V(read(a[0], other, 300));
	/* Waiting for data, for room; for a page where there is not a whole one. */
	t = start('w', a[1], 4096);
	V(splice(a[0], NULL, b[1], NULL, 8192, 0));
	join(t);
	V(read(b[0], other, 9000));
	t = start('w', a[1], 4096);
	V(tee(a[0], b[1], 8192, 0));
	join(t);
	V(read(b[0], other, 9000));
	(void)!write(b[1], big, 65536);
	t = start('r', b[0], 65536);
	V(tee(a[0], b[1], 8192, 0));
	join(t);
	V(read(b[0], other, 9000));
	V(read(a[0], other, 9000));
	V(fcntl(b[1], F_SETPIPE_SZ, 8192));
	(void)!write(b[1], big, 4096);
	(void)!write(a[1], big, 8192);
	V(splice(a[0], NULL, b[1], NULL, 8192, 0));
	V(read(b[0], other, 4096));
	V(tee(a[0], b[1], 8192, 0));
	V(read(b[0], other, 9000));
	V(fcntl(b[1], F_SETPIPE_SZ, 4096));
	(void)!write(b[1], big, 4096 - 128);
	struct itimerval v = { { 0, 0 }, { 0, 60000 } };
	setitimer(ITIMER_REAL, &v, NULL);
	lseek(f, 0, SEEK_SET);
	V(splice(f, NULL, b[1], NULL, 4096, 0));
	fcntl(a[0], F_SETFL, O_NONBLOCK);
	while (read(a[0], other, 4096) > 0)
		;
	fcntl(a[0], F_SETFL, 0);
	setitimer(ITIMER_REAL, &v, NULL);
	V(splice(a[0], NULL, m, NULL, 1, 0));
	setitimer(ITIMER_REAL, &v, NULL);
	V(tee(a[0], b[1], 1, 0));
	close(a[1]);
	V(splice(a[0], NULL, m, NULL, 1, 0));
	close(b[0]);
	sigs = 0;
	V(splice(f, NULL, b[1], NULL, 1, 0));
	SAY("signals %d\n", sigs);
	/* Between sockets and pipes. */
	int s[2];
	upair(SOCK_STREAM, s);
	(void)!pipe(a);
	(void)!write(a[1], "through", 7);
	V(splice(a[0], NULL, s[0], NULL, 100, 0));
	V(splice(s[1], NULL, a[1], NULL, 100, 0));
	V(read(a[0], other, 100));
	V(splice(s[1], NULL, a[1], NULL, 100, NB));
	fcntl(s[1], F_SETFL, O_NONBLOCK);
	V(splice(s[1], NULL, a[1], NULL, 100, 0));
	close(s[0]);
	V(splice(s[1], NULL, a[1], NULL, 100, 0));
	(void)!write(a[1], "through", 7);
	V(splice(a[0], NULL, s[1], NULL, 100, 0));
	V(vmsplice(a[1], &(struct iovec){ big, 5000 }, 1, 0));
	V(vmsplice(a[0], &(struct iovec){ other, 100 }, 1, 0));
	V(vmsplice(a[1], &(struct iovec){ big, 5000 }, 1025, 0));
	V(vmsplice(a[1], NULL, 1, 0));
	V(vmsplice(a[1], NULL, 0, 0));
	V(vmsplice(a[1], &(struct iovec){ (void *)8, 5000 }, 1, 0));
	V(vmsplice(a[1], &(struct iovec){ big, 1 << 19 }, 1, NB));
	V(vmsplice(a[1], &(struct iovec){ big, 1 << 19 }, 1, NB));
	V(vmsplice(f, &(struct iovec){ big, 5 }, 1, 0));
	V(vmsplice(-1, &(struct iovec){ big, 5 }, 1, 0));
	/* sendfile: a pipe takes what it has room for. */
	(void)!pipe(b);
	lseek(f, 0, SEEK_SET);
	V(sendfile(b[1], f, NULL, 200000));
	V(lseek(f, 0, SEEK_CUR));
	t = start('r', b[0], 65536);
	V(sendfile(b[1], f, NULL, 100));
	join(t);
	V(read(b[0], other, sizeof other));
	off = 199990;
	V(sendfile(b[1], f, &off, 100));
	V(sendfile(b[1], f, &off, 100));
	SAY("%d\n", (int)off);
	off = 0;
	ftruncate(m, 0);
	lseek(m, 0, SEEK_SET);
	(void)!write(m, "c", 1);
	V(sendfile(m, m, &off, 1 << 20));
	SAY("%d\n", (int)off);
	V(sendfile(m, f, NULL, (size_t)-1));
	off = INT64_MAX - 1;
	V(sendfile(m, f, &off, 3));
	V(sendfile(m, f, (void *)8, 3));
	V(sendfile(open("data", O_WRONLY | O_APPEND), f, NULL, 3));
	V(sendfile(open("data", O_RDONLY | O_APPEND), f, NULL, 3));
	V(sendfile(-1, f, NULL, 3));
	V(sendfile(m, -1, NULL, 3));
	int e = eventfd(1, 0);
	V(sendfile(m, e, NULL, 8));
	V(sendfile(e, f, NULL, 8));
}

static void bad_halves(void)
{
	char *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *edge = m + 4095;
	int f = open("half", O_RDWR | O_CREAT, 0600), p[2], s[2];
	struct iovec io = { edge, 4096 }, two[2] = { { m, 5 }, { m + 4096, 5 } };
	struct stat st;

	mprotect(m + 4096, 4096, PROT_NONE);
	(void)!write(f, "hello world", 11);
	lseek(f, 0, SEEK_SET);
	V(read(f, edge, 4096));
	V(lseek(f, 0, SEEK_CUR));
	V(pread(f, edge, 10, 0));
	V(readv(f, &io, 1));
	V(preadv(f, &io, 1, 0));
	V(readv(f, two, 2));
	V(lseek(f, 0, SEEK_CUR));
	V(syscall(SYS_getdents64, open(".", O_RDONLY), edge, 4096));
	V(syscall(SYS_getdents64, open(".", O_RDONLY), edge, 10));
	int d = open(".", O_RDONLY), total = 0, n;
	V(n = syscall(SYS_getdents64, d, m + 4096 - 30, 4096));
	while (n > 0) {
		total += n;
		n = (int)syscall(SYS_getdents64, d, other, 4096);
	}
	lseek(d, 0, SEEK_SET);
	V(syscall(SYS_getdents64, d, other, 4096) == total);
	for (int k = 0; k < 2; k++) {
		if (k)
			upair(SOCK_STREAM, p);
		else
			(void)!pipe(p);
		s[0] = p[!k ? 0 : 0];
		s[1] = p[1];
		fcntl(s[0], F_SETFL, O_NONBLOCK);
		V(write(s[1], m + 4096, 10));
		V(read(s[0], other, 10));
		V(write(s[1], "abcdef", 6));
		V(read(s[0], m + 4096, 3));
		V(read(s[0], other, 3));
		V(readv(s[0], two, 2));
		V(read(s[0], other, 9));
	}
	for (int k = 0; k < 2; k++) {
		upair(k ? SOCK_SEQPACKET : SOCK_DGRAM, s);
		fcntl(s[0], F_SETFL, O_NONBLOCK);
		V(write(s[1], edge, 10));
		V(writev(s[1], two, 2));
		V(read(s[0], other, 10));
		V(write(s[1], "abcdefghij", 10));
		V(read(s[0], edge, 5));
		V(read(s[0], other, 10));
		V(write(s[1], "abcdefghij", 10));
		V(readv(s[0], two, 2));
		V(read(s[0], other, 10));
	}
	fstat(f, &st);
	SAY("size %d\n", (int)st.st_size);
}

int main(void)
{
	struct sigaction a = { .sa_handler = count };
	int p[2];

	enter_tmp();
	filled();
	sigaction(SIGPIPE, &a, NULL);
	sigaction(SIGALRM, &a, NULL);
	for (int k = 0; k < 5; k++)
		pipes(k);
	V(pipe2(p, 0xdead));
	V(pipe2(p, O_CLOEXEC | O_NONBLOCK | O_DIRECT));
	V(fcntl(p[0], F_GETFD) + fcntl(p[1], F_GETFD));
	V(fcntl(p[0], F_GETFL));
	V(fcntl(p[1], F_GETFL));
	V(pipe(NULL));
	V(pipe((void *)8));
	mkfifo("fi", 0644);
	V(open("fi", O_RDONLY | O_NONBLOCK) >= 0);
	V(open("fi", O_RDWR | O_NONBLOCK | O_TRUNC) >= 0);
	V(truncate("fi", 0));
	V(open("fi", O_RDONLY | O_DIRECTORY));
	splices();
	bad_halves();
	return 0;
}
