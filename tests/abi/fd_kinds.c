/* SPDX-License-Identifier: Apache-2.0 */
/* Every call that takes any descriptor, with a descriptor of every kind: what works,
 * and with which error what does not; splice and its kin in all combinations. */
#include "unix.h"
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/statfs.h>
#include <sys/timerfd.h>
#include <sys/xattr.h>

static struct kind { const char *name; int fd; } kinds[40];
static int count;

static void add(const char *name, int fd) { kinds[count++] = (struct kind){ name, fd }; }
static void open_all(void)
{
	static char b[100];
	sigset_t none;
	int p[2];

	sigemptyset(&none);
	count = 0;
	int fd = open("file", O_RDWR | O_CREAT, 0600);
	(void)!write(fd, "0123456789", 10);
	lseek(fd, 0, SEEK_SET);
	add("file", fd);
	add("file for reading", open("file", O_RDONLY));
	add("file for writing", open("out", O_WRONLY | O_CREAT, 0600));
	add("file for appending", open("out", O_WRONLY | O_APPEND));
	add("path", open("file", O_PATH));
	add("directory", open(".", O_RDONLY | O_DIRECTORY));
	add("null", open("/dev/null", O_RDWR));
	add("zero", open("/dev/zero", O_RDWR));
	add("full", open("/dev/full", O_RDWR));
	add("urandom", open("/dev/urandom", O_RDONLY));
	(void)!pipe2(p, O_NONBLOCK);
	(void)!write(p[1], b, 9);
	add("pipe to read", p[0]);
	add("pipe to write", p[1]);
	mkfifo("fifo", 0600);
	add("fifo", open("fifo", O_RDWR | O_NONBLOCK));
	add("unix stream", socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
	add("unix dgram", socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p);
	(void)!write(p[1], b, 9);
	add("unix pair", p[0]);
	socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, p);
	(void)!write(p[1], b, 9);
	add("unix dgram pair", p[0]);
	socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, p);
	(void)!write(p[1], b, 9);
	add("unix seqpacket pair", p[0]);
	add("tcp", socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	add("udp", socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
	add("netlink", socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, 0));
	add("epoll", epoll_create1(0));
	add("eventfd", eventfd(3, EFD_NONBLOCK));
	add("signalfd", signalfd(-1, &none, SFD_NONBLOCK));
	add("timerfd", timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	add("inotify", inotify_init1(IN_NONBLOCK));
	fd = memfd_create("m", 0);
	(void)!write(fd, b, 9);
	lseek(fd, 0, SEEK_SET);
	add("memfd", fd);
	fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	add("ptmx", fd);
}
static void close_all(void) { for (int i = 3; i < 120; i++) close(i); }

/* Its calls one by one: a fresh set for each, so that no state is left over. */
static char buf[64];
static struct iovec io = { buf, 8 }, none = { NULL, 0 };
#define CALLS(X) \
	X(read(fd, buf, 8)) X(read(fd, buf, 0)) X(read(fd, NULL, 8)) X(write(fd, buf, 8)) X(write(fd, buf, 0)) \
	X(write(fd, (void *)8, 8)) X(pread(fd, buf, 8, 0)) X(pread(fd, buf, 8, -1)) X(pwrite(fd, buf, 8, 0)) \
	X(readv(fd, &io, 1)) X(readv(fd, &io, 0)) X(readv(fd, &none, 1)) X(writev(fd, &io, 1)) \
	X(writev(fd, &io, 0)) X(writev(fd, &none, 1)) X(preadv(fd, &io, 1, 0)) X(pwritev(fd, &io, 1, 0)) X(preadv2(fd, &io, 1, -1, 0)) \
	X(pwritev2(fd, &io, 1, -1, RWF_HIPRI)) X(preadv2(fd, &none, 1, 0, 0)) \
	X(lseek(fd, 0, SEEK_SET)) X(lseek(fd, 3, SEEK_CUR)) X(lseek(fd, 0, 99)) \
	X(ftruncate(fd, 5)) X(ftruncate(fd, -1)) X(fallocate(fd, 0, 0, 10)) \
	X(fsync(fd)) X(fdatasync(fd)) X(syncfs(fd)) X(readahead(fd, 0, 8)) \
	X(posix_fadvise(fd, 0, 0, POSIX_FADV_NORMAL)) X(posix_fadvise(fd, 0, 0, 99)) \
	X(flock(fd, LOCK_EX | LOCK_NB)) X(fcntl(fd, F_SETLK, &(struct flock){ .l_type = F_WRLCK })) \
	X(fcntl(fd, F_SETLK, &(struct flock){ .l_type = F_RDLCK })) X(fcntl(fd, F_GETLK, &(struct flock){ 0 })) \
	X(fcntl(fd, F_OFD_SETLK, &(struct flock){ .l_type = F_RDLCK })) X(fcntl(fd, F_GETFD)) X(fcntl(fd, F_GETFL)) \
	X(fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC)) X(fcntl(fd, F_SETFL, O_DIRECT | O_NONBLOCK)) \
	X(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK)) X(fcntl(fd, F_GETOWN)) X(fcntl(fd, F_SETOWN, 0)) X(fcntl(fd, F_GETSIG)) \
	X(fcntl(fd, F_SETSIG, 65)) X(fcntl(fd, F_SETSIG, 10)) X(fcntl(fd, F_GETLEASE)) \
	X(fcntl(fd, F_NOTIFY, 0)) X(fcntl(fd, F_GETPIPE_SZ)) X(fcntl(fd, F_SETPIPE_SZ, 8192)) X(fcntl(fd, F_GET_SEALS)) \
	X(fcntl(fd, F_ADD_SEALS, 0)) X(fcntl(fd, 999)) X(fcntl(fd, F_GET_RW_HINT, buf)) \
	X(ioctl(fd, FIONREAD, buf)) X(ioctl(fd, FIONBIO, &(int){ 1 })) X(ioctl(fd, FIONBIO, NULL)) \
	X(ioctl(fd, FIOASYNC, &(int){ 1 })) X(ioctl(fd, FIOASYNC, NULL)) X(ioctl(fd, FIOCLEX)) X(ioctl(fd, FIONCLEX)) \
	X(ioctl(fd, FIOQSIZE, buf)) X(ioctl(fd, TIOCGWINSZ, buf)) X(ioctl(fd, TCGETS, buf)) X(ioctl(fd, TIOCOUTQ, buf)) \
	X(ioctl(fd, SIOCATMARK, buf)) X(ioctl(fd, _IO(0, 2), NULL)) X(ioctl(fd, 0)) X(ioctl(fd, 0xdeadbeef, buf)) \
	X(ioctl(fd, FIOGETOWN, buf)) X(ioctl(fd, FIOSETOWN, &(int){ 0 })) \
	X(ep(fd, EPOLLIN)) X(ep(fd, EPOLLIN | EPOLLEXCLUSIVE)) X(revents(fd, EVERY)) X(sel(fd)) \
	X(accept(fd, NULL, NULL)) X(listen(fd, 1)) X(shutdown(fd, 2)) X(recv(fd, buf, 8, MSG_DONTWAIT)) \
	X(send(fd, buf, 8, MSG_DONTWAIT | MSG_NOSIGNAL)) X(fchmod(fd, 0600)) X(fchown(fd, (uid_t)-1, (gid_t)-1)) \
	X(futimens(fd, NULL)) X(fchdir(fd)) X(syscall(SYS_getdents64, fd, buf, 64)) X(syscall(SYS_getdents64, fd, buf, 1)) \
	X(mm(fd, MAP_SHARED)) X(mm(fd, MAP_PRIVATE)) \
	X(fgetxattr(fd, "user.x", buf, 8)) X(fsetxattr(fd, "user.x", buf, 8, XATTR_REPLACE)) X(fremovexattr(fd, "user.x")) \
	X(flistxattr(fd, NULL, 0) < 0) X(inotify_add_watch(fd, ".", IN_CREATE)) X(inotify_rm_watch(fd, 99)) \
	X(signalfd(fd, (sigset_t *)buf, 0) < 0) X(timerfd_gettime(fd, (struct itimerspec *)buf)) \
	X(timerfd_settime(fd, 0, &(struct itimerspec){ 0 }, NULL)) X(epoll_ctl(fd, EPOLL_CTL_ADD, 0, NULL)) \
	X(epoll_ctl(fd, EPOLL_CTL_DEL, 0, NULL)) X(epoll_wait(fd, (struct epoll_event *)buf, 1, 0)) \
	X(openat(fd, "x", O_RDONLY)) X(fstatfs(fd, &sfs)) X(mode(fd)) \
	X(name(fd))

static struct statfs sfs;
static int ep(int fd, unsigned events)
{
	struct epoll_event e = { events, { 0 } };

	return epoll_ctl(epoll_create1(0), EPOLL_CTL_ADD, fd, &e);
}
static int sel(int fd)
{
	fd_set r, w, x;

	FD_ZERO(&r);
	FD_SET(fd, &r);
	w = x = r;
	int n = select(fd + 1, &r, &w, &x, &(struct timeval){ 0, 0 });
	return n < 0 ? n : n * 1000 + !!FD_ISSET(fd, &r) * 100 + !!FD_ISSET(fd, &w) * 10 + !!FD_ISSET(fd, &x);
}
static int mm(int fd, int flags)
{
	void *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (m == MAP_FAILED)
		return -1;
	munmap(m, 4096);
	return 0;
}
static int mode(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? -1 : (int)st.st_mode;
}
/* What /proc says that it is, without numbers. */
static int name(int fd)
{
	char path[40], to[200];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(path, to, sizeof to - 1);
	if (n < 0)
		return -1;
	to[n] = 0;
	if (to[0] != '/' || !strncmp(to, "/memfd", 6))
		SAY("(%.*s) ", (int)strcspn(to, "[0123456789"), to);
	return 0;
}
static const char *res(long long v)
{
	static char b[4][24];
	static int k;
	char *p = b[k++ & 3];

	if (v < 0)
		snprintf(p, sizeof b[0], "%s", abi_errno(errno));
	else
		snprintf(p, sizeof b[0], "%lld", v);
	return p;
}

/* Where kernels of this decade differ, and what would change the host's devices. */
static bool skipped(const char *what, const char *kind, int fd)
{
	struct stat st = { 0 };
	bool device = !fstat(fd, &st) && (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode));
	bool event = !strcmp(kind, "epoll") || !strcmp(kind, "eventfd") || !strcmp(kind, "signalfd") ||
		     !strcmp(kind, "timerfd") || !strcmp(kind, "inotify");

	if (!strncmp(what, "ioctl", 5))
		return !strcmp(kind, "epoll") || !strcmp(kind, "urandom");
	if (!strncmp(what, "fch", 3) || !strncmp(what, "futimens", 8) || strstr(what, "xattr"))
		return event || device;
	if (strstr(what, "O_DIRECT"))
		return !strcmp(kind, "memfd") || !strncmp(kind, "file", 4);
	return !strncmp(what, "mm(", 3) && !strcmp(kind, "tcp");
}

static void one_call(const char *what, int c)
{
	open_all();
	for (int i = 0; i < count; i++) {
		int fd = kinds[i].fd, n = 0;
		long long v = 0;

		if (skipped(what, kinds[i].name, fd))
			continue;
		errno = 0;
#define X(e) if (n++ == c) v = (long long)(e);
		CALLS(X)
#undef X
		SAY("%s with %s: %s\n", what, kinds[i].name, res(v));
	}
	close_all();
}

/* From and to every kind, by splice, sendfile, tee, copy_file_range and vmsplice. */
static int full_pipe(int *p)
{
	(void)!pipe2(p, O_NONBLOCK);
	return (int)write(p[1], "abcdefgh", 8);
}
static void pairs(void)
{
	int n, p[2];
	loff_t off;

	open_all();
	n = count;
	close_all();
	for (int i = 0; i < n; i++) {
		open_all();
		full_pipe(p);
		errno = 0;
		SAY("splice %s to pipe: %s, ", kinds[i].name, res(splice(kinds[i].fd, NULL, p[1], NULL, 4, SPLICE_F_NONBLOCK)));
		off = 0;
		SAY("at 0: %s, ", res(splice(kinds[i].fd, &off, p[1], NULL, 4, SPLICE_F_NONBLOCK)));
		off = -1;
		SAY("at -1: %s, ", res(splice(kinds[i].fd, &off, p[1], NULL, 4, SPLICE_F_NONBLOCK)));
		SAY("pipe to it: %s, ", res(splice(p[0], NULL, kinds[i].fd, NULL, 4, SPLICE_F_NONBLOCK)));
		off = 0;
		SAY("at 0: %s, ", res(splice(p[0], NULL, kinds[i].fd, &off, 4, SPLICE_F_NONBLOCK)));
		off = INT64_MAX - 1;
		SAY("at the end: %s, ", res(splice(p[0], NULL, kinds[i].fd, &off, 4, SPLICE_F_NONBLOCK)));
		SAY("tee %s, ", res(tee(kinds[i].fd, p[1], 4, SPLICE_F_NONBLOCK)));
		SAY("%s, ", res(tee(p[0], kinds[i].fd, 4, SPLICE_F_NONBLOCK)));
		SAY("vmsplice %s\n", res(vmsplice(kinds[i].fd, &io, 1, SPLICE_F_NONBLOCK)));
		close_all();
		for (int k = 0; k < n; k++) {
			open_all();
			SAY("%s to %s: splice %s, ", kinds[i].name, kinds[k].name,
			    res(splice(kinds[i].fd, NULL, kinds[k].fd, NULL, 4, SPLICE_F_NONBLOCK)));
			SAY("sendfile %s, ", res(sendfile(kinds[k].fd, kinds[i].fd, NULL, 4)));
			SAY("copy %s, ", res(copy_file_range(kinds[i].fd, NULL, kinds[k].fd, NULL, 4, 0)));
			off = 2;
			SAY("sendfile at 2 %s, ", res(sendfile(kinds[k].fd, kinds[i].fd, &off, 4)));
			off = -1;
			SAY("at -1 %s, ", res(sendfile(kinds[k].fd, kinds[i].fd, &off, 4)));
			SAY("none %s %s, ", res(sendfile(kinds[k].fd, kinds[i].fd, NULL, 0)),
			    res(splice(kinds[i].fd, NULL, kinds[k].fd, NULL, 0, 0)));
			SAY("tee %s\n", res(tee(kinds[i].fd, kinds[k].fd, 4, SPLICE_F_NONBLOCK)));
			close_all();
		}
	}
}

int main(void)
{
	static const char *const names[] = {
#define X(e) #e,
		CALLS(X)
#undef X
	};

	enter_tmp();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN);
	for (int c = 0; c < (int)(sizeof names / sizeof *names); c++)
		one_call(names[c], c);
	pairs();
	return 0;
}
