/* SPDX-License-Identifier: Apache-2.0 */
/* Socket calls as test suites of the system calls try them: wrong descriptors of
 * every kind, wrong pointers and sizes, odd levels and options, times of arrival. */
#include "unix.h"
#include "inet.h"
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#define BAD ((void *)8)

static void every_call(const char *what, int fd)
{
	struct sockaddr_in a = loopback(9);
	struct msghdr m = { 0 };
	struct mmsghdr mm = { 0 };
	socklen_t n = sizeof a;
	int v = 1;

	SAY("-- %s\n", what);
	V(accept(fd, NULL, NULL));
	V(accept4(fd, NULL, NULL, 1));
	V(bind(fd, (void *)&a, sizeof a));
	V(bind(fd, BAD, sizeof a));
	V(connect(fd, (void *)&a, sizeof a));
	V(listen(fd, 1));
	V(getsockname(fd, (void *)&a, &n));
	V(getpeername(fd, (void *)&a, &n));
	V(getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, &n));
	V(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, sizeof v));
	V(send(fd, "x", 1, MSG_NOSIGNAL));
	V(sendto(fd, "x", 1, MSG_NOSIGNAL, (void *)&a, sizeof a));
	V(sendmsg(fd, &m, MSG_NOSIGNAL));
	V(sendmsg(fd, BAD, MSG_NOSIGNAL));
	V(sendmmsg(fd, &mm, 1, MSG_NOSIGNAL));
	V(recv(fd, &v, 1, MSG_DONTWAIT));
	V(recvmsg(fd, &m, MSG_DONTWAIT));
	V(recvmsg(fd, BAD, MSG_DONTWAIT));
	V(recvmmsg(fd, &mm, 1, MSG_DONTWAIT, NULL));
	V(recvmmsg(fd, &mm, 1, MSG_DONTWAIT, BAD));
	V(recvmmsg(fd, &mm, 1, MSG_DONTWAIT, &(struct timespec){ 1, -1 }));
	V(shutdown(fd, SHUT_RDWR));
	V(shutdown(fd, 3));
}

static void not_sockets(void)
{
	int p[2];
	sigset_t none;

	sigemptyset(&none);
	(void)!pipe(p);
	every_call("no descriptor", 9999);
	every_call("file", open("/dev/null", O_RDWR));
	every_call("path", open("/", O_PATH));
	every_call("pipe", p[0]);
	every_call("directory", open("/", O_RDONLY | O_DIRECTORY));
	every_call("epoll", epoll_create1(0));
	every_call("eventfd", eventfd(0, 0));
	every_call("timerfd", timerfd_create(CLOCK_MONOTONIC, 0));
	every_call("signalfd", signalfd(-1, &none, 0));
	every_call("inotify", inotify_init());
	every_call("memfd", memfd_create("m", 0));
	every_call("pidfd", (int)syscall(SYS_pidfd_open, getpid(), 0));
}

/* Filters, labels, busy polling, pacing, memory. */
static const char left_out[] = { 22, 23, 24, 26, 27, 30, 31, 41, 42, 46, 47, 50, 51, 52, 54, 55, 56, 59, 60, 61, 69, 70, 73, 0 };

static void pointers(int family, int type)
{
	int s = socket(family, type, 0);
	struct sockaddr_storage a = { .ss_family = (sa_family_t)family };
	socklen_t n = sizeof a, zero = 0, minus = (socklen_t)-1, huge = 1 << 30;
	char buf[64];
	int v = 1;

	SAY("-- family %d type %d\n", family, type);
	V(socket(family, type, 255));
	V(socket(family, type, -1));
	V(socket(family, type | 0x10000, 0));
	V(bind(s, BAD, sizeof a));
	V(bind(s, (void *)&a, 1));
	V(bind(s, (void *)&a, 3));
	V(bind(s, (void *)&a, minus));
	V(bind(s, (void *)&a, sizeof a + 1));
	V(connect(s, BAD, sizeof a));
	V(connect(s, (void *)&a, 3));
	V(connect(s, (void *)&a, minus));
	a.ss_family = 47;
	V(connect(s, (void *)&a, sizeof(struct sockaddr_in)));
	V(connect(s, (void *)&a, sizeof(struct sockaddr_in6)));
	V(bind(s, (void *)&a, sizeof(struct sockaddr_in)));
	V(getsockname(s, BAD, &n));
	V(getsockname(s, (void *)&a, BAD));
	V(getsockname(s, (void *)&a, &minus));
	V(getsockname(s, (void *)&a, &zero));
	V(getsockopt(s, SOL_SOCKET, SO_TYPE, BAD, &n));
	V(getsockopt(s, SOL_SOCKET, SO_TYPE, &v, BAD));
	minus = (socklen_t)-1;
	V(getsockopt(s, SOL_SOCKET, SO_TYPE, &v, &minus));
	zero = 0;
	V(getsockopt(s, SOL_SOCKET, SO_TYPE, &v, &zero));
	n = 2;
	V(getsockopt(s, SOL_SOCKET, SO_TYPE, &v, &n));
	for (int k = 0; k < 8; k++) {
		static const int levels[] = { 0, 1, 6, 17, 41, 132, 255, 270 };
		int level = levels[k], g, w;

		n = sizeof v;
		g = getsockopt(s, level, 190, &v, &n) ? errno : 0;
		w = setsockopt(s, level, 190, &v, sizeof v) ? errno : 0;
		SAY("level %d: %s", level, abi_errno(g));
		SAY(" %s\n", abi_errno(w));
	}
	for (int opt = 1; opt <= 75; opt++) {
		long r[4];

		if (strchr(left_out, opt))
			continue;
		r[0] = setsockopt(s, SOL_SOCKET, opt, BAD, sizeof v) ? errno : 0;
		r[1] = setsockopt(s, SOL_SOCKET, opt, &v, 0) ? errno : 0;
		r[2] = setsockopt(s, SOL_SOCKET, opt, &v, 1) ? errno : 0;
		n = 0;
		r[3] = getsockopt(s, SOL_SOCKET, opt, &v, &n) ? errno : 0;
		SAY("option %d: ", opt);
		for (int k = 0; k < 4; k++)
			SAY("%s ", abi_errno((int)r[k]));
		SAY("%d\n", (int)n);
	}
	V(send(s, BAD, 10, MSG_NOSIGNAL));
	V(sendto(s, buf, 10, MSG_NOSIGNAL, BAD, sizeof a));
	V(sendto(s, buf, 10, MSG_NOSIGNAL, (void *)&a, minus));
	V(sendmsg(s, &(struct msghdr){ .msg_iovlen = 1025 }, MSG_NOSIGNAL));
	V(sendmsg(s, &(struct msghdr){ .msg_iov = BAD, .msg_iovlen = 1 }, MSG_NOSIGNAL));
	V(sendmsg(s, &(struct msghdr){ .msg_control = BAD, .msg_controllen = 40 }, MSG_NOSIGNAL));
	V(sendmsg(s, &(struct msghdr){ .msg_control = buf, .msg_controllen = huge }, MSG_NOSIGNAL));
	V(sendmsg(s, &(struct msghdr){ .msg_name = buf, .msg_namelen = minus }, MSG_NOSIGNAL));
	V(recv(s, BAD, 10, MSG_DONTWAIT));
	V(recvmsg(s, &(struct msghdr){ .msg_iovlen = 1025 }, MSG_DONTWAIT));
	V(recvmsg(s, &(struct msghdr){ .msg_name = buf, .msg_namelen = minus }, MSG_DONTWAIT));
	V(sendmmsg(s, BAD, 2, MSG_NOSIGNAL));
	V(sendmmsg(s, BAD, 0, MSG_NOSIGNAL));
	V(recvmmsg(s, BAD, 2, MSG_DONTWAIT, NULL));
	V(recvmmsg(s, BAD, 0, MSG_DONTWAIT, NULL));
	V(ioctl(s, FIONREAD, BAD));
	V(ioctl(s, SIOCATMARK, BAD));
	V(ioctl(s, FIONBIO, BAD));
	V(ioctl(s, FIOASYNC, BAD));
	V(ioctl(s, SIOCGIFCONF, BAD));
	V(ioctl(s, SIOCGIFFLAGS, BAD));
	V(ioctl(s, SIOCSIFFLAGS, BAD));
	V(ioctl(s, SIOCGIFNAME, BAD));
	V(ioctl(s, SIOCGPGRP, BAD));
	V(ioctl(s, SIOCSPGRP, BAD));
	V(ioctl(s, TCGETS, buf));
	V(ioctl(s, 0x12345, buf));
	V(ioctl(s, SIOCGSTAMP, buf));
	V(ioctl(s, SIOCPROTOPRIVATE, buf));
	close(s);
}

static void as_files(int family, int type)
{
	struct stat st = { 0 };
	char b[64];
	int s = socket(family, type, 0), d;

	SAY("-- as a file: family %d type %d\n", family, type);
	V(fstat(s, &st));
	SAY("mode %o size %ld links %d block %d\n", st.st_mode, (long)st.st_size, (int)st.st_nlink, (int)st.st_blksize);
	V(fchmod(s, 0600));
	fstat(s, &st);
	SAY("mode %o\n", st.st_mode);
	V(fchown(s, (uid_t)-1, (gid_t)-1));
	V(futimens(s, NULL));
	V(ftruncate(s, 5));
	V(lseek(s, 1, SEEK_CUR));
	V(pread(s, b, 1, 0));
	V(pwrite(s, b, 1, 0));
	V(fsync(s));
	V(fdatasync(s));
	V(syncfs(s));
	V(flock(s, LOCK_EX | LOCK_NB));
	V(fcntl(s, F_GETFL));
	V(fcntl(s, F_SETFL, O_APPEND | O_NONBLOCK | O_DIRECT));
	V(fcntl(s, F_GETFL));
	V(fcntl(s, F_SETLK, &(struct flock){ .l_type = F_WRLCK }));
	V(fcntl(s, F_GETPIPE_SZ));
	V(fcntl(s, F_GET_SEALS));
	V(openat(s, "x", O_RDONLY));
	V(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, s, 0) == MAP_FAILED && type != SOCK_STREAM);
	V(posix_fallocate(s, 0, 1));
	V(copy_file_range(s, NULL, 1, NULL, 1, 0));
	snprintf(b, sizeof b, "/proc/self/fd/%d", s);
	V(open(b, O_RDWR));
	V(chmod(b, 0640));
	V(truncate(b, 0));
	d = dup(s);
	V(fcntl(d, F_DUPFD_CLOEXEC, 0) > 0);
	memset(b, 0, sizeof b);
	snprintf(b, sizeof b, "/proc/self/fd/%d", s);
	{
		char to[64] = "";
		ssize_t n = readlink(b, to, sizeof to - 1);

		SAY("link %d %.8s\n", n > 0, to);
	}
	close(s), close(d);
}

/* ---- SO_TIMESTAMP and its kin ---- */

static void say_times(const char *what, int s)
{
	char ctl[512], b[16];
	struct iovec io = { b, sizeof b };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof ctl };
	ssize_t n = recvmsg(s, &m, MSG_DONTWAIT);

	SAY("%s: %zd", what, n);
	for (struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		struct timespec t[3] = { 0 }, now;

		memcpy(t, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0) < sizeof t ? c->cmsg_len - CMSG_LEN(0) : sizeof t);
		clock_gettime(CLOCK_REALTIME, &now);
		SAY(" level %d type %d size %d %s", c->cmsg_level, c->cmsg_type, (int)(c->cmsg_len - CMSG_LEN(0)),
		    c->cmsg_level != SOL_SOCKET ? "" : llabs(now.tv_sec - t[0].tv_sec) < 10 ? "now" : "never");
	}
	SAY("\n");
}

static void times(const char *what, int from, int to)
{
	static const int opts[] = { SO_TIMESTAMP, SO_TIMESTAMPNS, 63, 64 };
	int v = 1, zero = 0;

	for (unsigned k = 0; k < 4; k++) {
		SAY("%s, option %d\n", what, opts[k]);
		V(setsockopt(to, SOL_SOCKET, opts[k], &v, sizeof v));
		V(int_opt(to, SOL_SOCKET, SO_TIMESTAMP));
		V(int_opt(to, SOL_SOCKET, SO_TIMESTAMPNS));
		V(int_opt(to, SOL_SOCKET, opts[k]));
		V(send(from, "abc", 3, 0));
		msleep(2);
		say_times("received", to);
		V(setsockopt(to, SOL_SOCKET, opts[k], &zero, sizeof zero));
	}
	v = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
	V(setsockopt(to, SOL_SOCKET, SO_TIMESTAMPING, &v, sizeof v));
	V(int_opt(to, SOL_SOCKET, SO_TIMESTAMPING));
	V(send(from, "abc", 3, 0));
	msleep(2);
	say_times("received", to);
}

static void all_times(void)
{
	int p[2], u;
	struct sockaddr_in a;

	/* Linux begins to take times a while after the first has asked. */
	u = socket(AF_INET, SOCK_DGRAM, 0);
	setsockopt(u, SOL_SOCKET, SO_TIMESTAMP, &(int){ 1 }, sizeof(int));
	msleep(100);
	tcp_pair(p);
	times("tcp", p[0], p[1]);
	upair(SOCK_STREAM, p);
	times("unix stream", p[0], p[1]);
	upair(SOCK_DGRAM, p);
	times("unix dgram", p[0], p[1]);
	upair(SOCK_SEQPACKET, p);
	times("unix seqpacket", p[0], p[1]);
	p[0] = socket(AF_INET, SOCK_DGRAM, 0);
	u = socket(AF_INET, SOCK_DGRAM, 0);
	a = loopback(0);
	bind(u, (void *)&a, sizeof a);
	a = name_of(u);
	connect(p[0], (void *)&a, sizeof a);
	times("udp", p[0], u);
}

int main(void)
{
	not_sockets();
	pointers(AF_INET, SOCK_STREAM);
	pointers(AF_INET, SOCK_DGRAM);
	pointers(AF_INET6, SOCK_STREAM);
	pointers(AF_INET6, SOCK_DGRAM);
	pointers(AF_UNIX, SOCK_STREAM);
	pointers(AF_UNIX, SOCK_DGRAM);
	pointers(AF_UNIX, SOCK_SEQPACKET);
	as_files(AF_INET, SOCK_STREAM);
	as_files(AF_INET, SOCK_DGRAM);
	as_files(AF_UNIX, SOCK_STREAM);
	as_files(AF_UNIX, SOCK_DGRAM);
	all_times();
	return 0;
}
