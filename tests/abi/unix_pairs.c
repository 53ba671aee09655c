/* SPDX-License-Identifier: Apache-2.0 */
/* Connected Unix sockets, however they came to be connected (socketpair, names in
 * the file system, abstract names) and of each type: what test suites of the
 * system calls expect of any pair. */
#include "unix.h"
#include <net/if.h>
#include <sys/sendfile.h>

#define NB (MSG_DONTWAIT | MSG_NOSIGNAL)

enum { PAIR, FILES, ABSTRACT };
static int kind, type, p[2];
static char big[1 << 20];

static void make(void)
{
	static int count;
	char a[40], b[40];

	if (kind == PAIR) {
		upair(type, p);
		return;
	}
	snprintf(a, sizeof a, "%spairs-%d-%d-a", kind == ABSTRACT ? "@" : "", (int)getpid(), ++count);
	snprintf(b, sizeof b, "%spairs-%d-%d-b", kind == ABSTRACT ? "@" : "", (int)getpid(), count);
	p[0] = usock(type);
	p[1] = usock(type);
	ubind(p[0], a);
	ubind(p[1], b);
	if (type == SOCK_DGRAM) {
		if (uconnect(p[0], b) || uconnect(p[1], a))
			perror("connect");
		return;
	}
	listen(p[0], 1);
	if (uconnect(p[1], a))
		perror("connect");
	int s = accept(p[0], NULL, NULL);
	close(p[0]);
	p[0] = s;
}
static void drop(void) { close(p[0]); close(p[1]); }

static void transfer(void)
{
	struct mmsghdr m[10], many[1025];
	struct iovec io[10], one = { big, 1 };
	char b[64];
	int i;

	make();
	V(write(p[0], "abc", 3));
	V(recv(p[1], (void *)8, 3, NB));
	V(recv(p[1], b, 9, NB));
	memset(m, 0, sizeof m);
	for (i = 0; i < 10; i++) {
		io[i] = (struct iovec){ b, 3 };
		m[i].msg_hdr.msg_iov = &io[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	V(sendmmsg(p[0], m, 10, 0));
	SAY("%u %u\n", m[0].msg_len, m[9].msg_len);
	V(recvmmsg(p[1], m, 10, MSG_DONTWAIT, NULL));
	SAY("%u %u\n", m[0].msg_len, m[9].msg_len);
	V(recvmmsg(p[1], m, 1, 0, &(struct timespec){ -1, -1 }));
	V(recvmmsg(p[1], m, 1, 0, &(struct timespec){ 0, 1000000000 }));
	V(recvmmsg(p[1], NULL, 0, NB, NULL));
	V(sendmmsg(p[1], NULL, 0, NB));
	V(sendmmsg(p[1], NULL, 1, NB));
	V(recvmmsg(p[1], NULL, 1, NB, NULL));
	write(p[0], "0123456789", 10);
	memset(m, 0, sizeof m);
	for (i = 0; i < 2; i++) {
		m[i].msg_hdr.msg_iov = &io[i];
		m[i].msg_hdr.msg_iovlen = 1;
		io[i].iov_len = 10;
	}
	V(recvmmsg(p[1], m, 2, 0, &(struct timespec){ 0, 1 }));
	SAY("%u\n", m[0].msg_len);
	memset(many, 0, sizeof many);
	for (i = 0; i < 1025; i++)
		many[i].msg_hdr = (struct msghdr){ .msg_iov = &one, .msg_iovlen = 1 };
	i = sendmmsg(p[0], many, 1025, NB);
	SAY("at most 1024: %d, some: %d\n", i <= 1024, i > 0);
	V(sendmsg(p[0], &(struct msghdr){ .msg_iov = &one, .msg_iovlen = 1025 }, NB));
	V(sendmsg(p[0], &(struct msghdr){ .msg_iov = &one, .msg_iovlen = (size_t)-1 }, NB));
	V(sendmsg(p[0], &(struct msghdr){ .msg_iov = NULL, .msg_iovlen = 1 }, NB));
	V(recvmsg(p[0], &(struct msghdr){ .msg_iov = &one, .msg_iovlen = 1025 }, NB));
	drop();
}

static void flags(void)
{
	static const int combos[] = { 0, MSG_PEEK, MSG_TRUNC, MSG_PEEK | MSG_TRUNC };
	char b[64], ctl[64];
	struct iovec io = { b, 5 };

	for (int i = 0; i < 4; i++)
		for (int room = 0; room < 2; room++) {
			struct msghdr m = { .msg_flags = -1 };

			make();
			SAY("combination %d, room %d\n", i, room);
			if (room) {
				m.msg_control = ctl;
				m.msg_controllen = sizeof ctl;
			}
			V(recvmsg(p[1], &m, combos[i] | NB | MSG_CMSG_CLOEXEC));
			SAY("flags %x\n", m.msg_flags);
			write(p[0], "0123456789", 10);
			V(recvmsg(p[1], &m, combos[i] | NB));
			SAY("flags %x control %zu\n", m.msg_flags, m.msg_controllen);
			m.msg_iov = &io;
			m.msg_iovlen = 1;
			V(recvmsg(p[1], &m, combos[i] | NB | MSG_CTRUNC | MSG_EOR));
			SAY("flags %x control %zu length %zu\n", m.msg_flags, m.msg_controllen, io.iov_len);
			while (recv(p[1], b, sizeof b, NB) > 0)
				;
			V(recv(p[1], b, 0, NB | combos[i]));
			V(read(p[1], b, 0));
			shutdown(p[0], SHUT_WR);
			m = (struct msghdr){ .msg_flags = -1 };
			V(recvmsg(p[1], &m, combos[i] | NB));
			SAY("flags %x\n", m.msg_flags);
			V(recv(p[1], b, 9, NB | combos[i]));
			drop();
		}
	make();
	V(recv(p[1], b, 9, MSG_WAITALL | MSG_DONTWAIT));
	write(p[0], "0123456789", 10);
	V(recv(p[1], b, 10, MSG_WAITALL));
	settime(p[1], SO_RCVTIMEO, 50);
	write(p[0], "0123456789", 10);
	V(recv(p[1], b, 20, MSG_WAITALL));
	V(recv(p[1], b, 20, MSG_ERRQUEUE | NB));
	V(send(p[0], "x", 1, MSG_MORE | NB));
	V(send(p[0], "x", 1, MSG_CONFIRM | NB));
	V(send(p[0], "x", 1, MSG_DONTROUTE | NB));
	V(send(p[0], "x", 1, MSG_EOR | NB));
	V(send(p[0], "x", 1, MSG_FASTOPEN | NB));
	V(send(p[0], "x", 1, MSG_ZEROCOPY | NB));
	V(send(p[0], "x", 1, MSG_ERRQUEUE | NB));
	V(send(p[0], "x", 1, MSG_SYN | NB));
	V(send(p[0], "x", 1, MSG_PEEK | NB));
	V(send(p[0], "x", 1, MSG_TRUNC | NB));
	V(send(p[0], "x", 1, MSG_CTRUNC | NB));
	V(send(p[0], "x", 1, 0x10000000 | NB));
	V(sendto(p[0], "x", 1, NB, NULL, 5));
	V(sendto(p[0], "x", 1, NB, (void *)8, 5));
	V(sendto(p[0], "x", 1, NB, (void *)8, 0));
	V(sendto(p[0], "x", 1, NB, (void *)b, (socklen_t)-1));
	V(sendto(p[0], "x", 1, NB, (void *)b, 129));
	V(recvfrom(p[1], b, 1, NB, (void *)8, NULL));
	V(recvfrom(p[1], b, 1, NB, (void *)8, (void *)8));
	V(recvfrom(p[1], b, 1, NB, NULL, (void *)8));
	drop();
}

static void timeouts(void)
{
	static const struct timeval t[] = { { 89, 44000 }, { 0, 2000000 }, { 0, -1 }, { -1, 0 }, { 123, 456000 }, { INT64_MAX, 999999 },
		{ 0, 1000000 }, { 0, 0 } };
	char b[8];

	make();
	for (unsigned i = 0; i < sizeof t / sizeof *t; i++) {
		for (int o = 0; o < 2; o++) {
			struct timeval g = { -3, -3 }, more[2] = { t[i], t[i] };
			socklen_t n = sizeof g;

			V(setsockopt(p[0], SOL_SOCKET, o ? SO_SNDTIMEO : SO_RCVTIMEO, &t[i], sizeof g));
			V(getsockopt(p[0], SOL_SOCKET, o ? SO_SNDTIMEO : SO_RCVTIMEO, &g, &n));
			SAY("%ld %ld %u\n", (long)g.tv_sec, (long)g.tv_usec, n);
			V(setsockopt(p[0], SOL_SOCKET, o ? SO_SNDTIMEO : SO_RCVTIMEO, more, sizeof more));
			V(setsockopt(p[0], SOL_SOCKET, o ? SO_SNDTIMEO : SO_RCVTIMEO, more, sizeof g - 1));
			n = sizeof g + 8;
			V(getsockopt(p[0], SOL_SOCKET, o ? SO_SNDTIMEO : SO_RCVTIMEO, more, &n));
			SAY("%u\n", n);
			n = 3;
			V(getsockopt(p[0], SOL_SOCKET, o ? SO_SNDTIMEO : SO_RCVTIMEO, more, &n));
			SAY("%u\n", n);
		}
	}
	V(setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ -1, 0 }, sizeof(struct timeval)));
	V(read(p[0], b, 8));
	V(setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ 0, 10 }, sizeof(struct timeval)));
	V(read(p[0], b, 8));
	V(recv(p[0], b, 8, 0));
	V(recvmsg(p[0], &(struct msghdr){ .msg_iov = &(struct iovec){ b, 8 }, .msg_iovlen = 1 }, 0));
	V(recvmmsg(p[0], &(struct mmsghdr){ .msg_hdr.msg_iovlen = 0 }, 1, 0, NULL));
	V(setsockopt(p[0], SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){ 0, 10 }, sizeof(struct timeval)));
	while (send(p[0], big, 100, 0) > 0)
		;
	SAY("full: %s\n", abi_errno(errno));
	drop();
}

static void buffers(void)
{
	int n, max;

	make();
	V(setint(p[0], SO_SNDBUF, INT_MAX));
	max = intopt(p[0], SO_SNDBUF);
	V(setint(p[0], SO_SNDBUF, 0));
	SAY("least %d\n", intopt(p[0], SO_SNDBUF));
	n = intopt(p[0], SO_SNDBUF) + (max - intopt(p[0], SO_SNDBUF)) / 4;
	V(setint(p[0], SO_SNDBUF, n));
	SAY("doubled %d\n", intopt(p[0], SO_SNDBUF) == 2 * n);
	V(setint(p[0], SO_RCVBUF, -1));
	SAY("most %d\n", intopt(p[0], SO_RCVBUF) > 400000);
	V(setint(p[0], SO_RCVBUF, 0));
	SAY("least %d\n", intopt(p[0], SO_RCVBUF));
	drop();
	make();
	V(send(p[0], big, 16384, NB));
	V(setint(p[0], SO_SNDBUF, 4096));
	V(send(p[0], big, 16384, NB));
	drop();
	make();
	n = intopt(p[0], SO_SNDBUF);
	while (send(p[0], big, (size_t)n / 4, NB) > 0)
		;
	SAY("full: %s, poll %x\n", abi_errno(errno), revents(p[0], EVERY));
	V(setint(p[0], SO_SNDBUF, n * 2));
	V(send(p[0], big, (size_t)n / 4, NB) > 0);
	drop();
	make();
	if (type != SOCK_STREAM) {
		V(send(p[0], big, 3 * (size_t)intopt(p[0], SO_SNDBUF), NB));
		V(send(p[0], big, (size_t)intopt(p[0], SO_SNDBUF), NB));
		V(send(p[0], big, (size_t)intopt(p[0], SO_SNDBUF) - 32, NB));
		V(send(p[0], big, (size_t)intopt(p[0], SO_SNDBUF) - 31, NB));
		V(recv(p[1], big, sizeof big, NB));
	}
	drop();
}

static void options(void)
{
	static const int opts[] = { SO_BROADCAST, SO_PASSCRED, SO_NO_CHECK, SO_REUSEADDR, SO_REUSEPORT, SO_KEEPALIVE,
		SO_OOBINLINE, SO_DEBUG, SO_DONTROUTE, SO_TIMESTAMP, SO_TIMESTAMPNS, SO_PASSSEC, SO_RXQ_OVFL,
		SO_SELECT_ERR_QUEUE, SO_WIFI_STATUS, SO_NOFCS, SO_LOCK_FILTER, SO_ZEROCOPY, SO_PRIORITY, SO_MARK,
		SO_BUSY_POLL, SO_PEEK_OFF, SO_RCVLOWAT, SO_SNDLOWAT, SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_ERROR,
		SO_ACCEPTCONN, SO_BSDCOMPAT, SO_DETACH_FILTER, SO_TXTIME, SO_RESERVE_MEM, -1, 200 };
	struct linger l = { 1, 5 };
	socklen_t n = sizeof l;
	char c = 1;

	make();
	for (unsigned i = 0; i < sizeof opts / sizeof *opts; i++) {
		SAY("%d: %d, ", opts[i], intopt(p[0], opts[i]));
		V(setint(p[0], opts[i], 1));
		SAY("%d\n", intopt(p[0], opts[i]));
		V(setint(p[0], opts[i], 0));
		V(setint(p[0], opts[i], -1));
		SAY("%d %d\n", intopt(p[0], opts[i]), intopt(p[1], opts[i]));
		V(setsockopt(p[0], SOL_SOCKET, opts[i], &c, 1));
		V(setsockopt(p[0], SOL_SOCKET, opts[i], NULL, 4));
		V(setsockopt(p[0], SOL_SOCKET, opts[i], NULL, 0));
		n = 1;
		V(getsockopt(p[0], SOL_SOCKET, opts[i], &c, &n));
		SAY("%u %d\n", n, n == 1 ? c : 0);
		n = (socklen_t)-1;
		V(getsockopt(p[0], SOL_SOCKET, opts[i], &c, &n));
		n = 0;
		V(getsockopt(p[0], SOL_SOCKET, opts[i], NULL, &n));
	}
	n = sizeof l;
	V(setsockopt(p[0], SOL_SOCKET, SO_LINGER, &l, sizeof l));
	l.l_onoff = 7;
	V(getsockopt(p[0], SOL_SOCKET, SO_LINGER, &l, &n));
	SAY("%d %d %u\n", l.l_onoff, l.l_linger, n);
	l = (struct linger){ 1, -1 };
	V(setsockopt(p[0], SOL_SOCKET, SO_LINGER, &l, sizeof l));
	V(getsockopt(p[0], SOL_SOCKET, SO_LINGER, &l, &n));
	SAY("%d %d %u\n", l.l_onoff, l.l_linger, n);
	l = (struct linger){ 0, 9 };
	V(setsockopt(p[0], SOL_SOCKET, SO_LINGER, &l, sizeof l));
	V(getsockopt(p[0], SOL_SOCKET, SO_LINGER, &l, &n));
	SAY("%d %d %u\n", l.l_onoff, l.l_linger, n);
	drop();
}

static void shut(void)
{
	char b[16];

	for (int how = 0; how < 3; how++) {
		make();
		send(p[0], "abc", 3, NB);
		V(shutdown(p[0], how));
		V(send(p[1], "abc", 3, NB));
		V(send(p[0], "def", 3, NB));
		V(recv(p[0], b, 9, NB));
		V(recv(p[1], b, 9, NB));
		V(recv(p[1], b, 9, NB));
		V(recv(p[0], b, 9, NB));
		POLL(p[0]);
		POLL(p[1]);
		V(shutdown(p[1], how));
		V(shutdown(p[1], how));
		POLL(p[0]);
		POLL(p[1]);
		V(shutdown(p[0], 3));
		V(shutdown(p[0], -1));
		drop();
		make();
		write(p[0], "unread", 6);
		shutdown(p[1], SHUT_RDWR);
		V(recv(p[0], b, 9, NB));
		close(p[1]);
		V(recv(p[0], b, 9, NB));
		V(recv(p[0], b, 9, NB));
		V(intopt(p[0], SO_ERROR));
		close(p[0]);
		make();
		close(p[0]);
		V(send(p[1], "abc", 3, NB));
		V(recv(p[1], b, 9, NB));
		V(send(p[1], "abc", 3, NB));
		POLL(p[1]);
		struct sockaddr_un a;
		socklen_t n = sizeof a;
		V(getpeername(p[1], (void *)&a, &n));
		close(p[1]);
	}
}

static void ioctls(void)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	char path[40];
	int n = -1;

	make();
	V(ioctl(p[1], FIONREAD, &n));
	SAY("%d\n", n);
	V(ioctl(p[0], SIOCOUTQ, &n));
	SAY("%d\n", n);
	write(p[0], "dangerous", 9);
	V(ioctl(p[1], FIONREAD, &n));
	SAY("%d\n", n);
	write(p[0], "more", 4);
	V(ioctl(p[1], FIONREAD, &n));
	SAY("%d\n", n);
	V(ioctl(p[1], FIONREAD, NULL));
	V(ioctl(p[0], SIOCOUTQ, NULL));
	V(ioctl(p[0], SIOCGIFINDEX, &ifr));
	V(ioctl(p[0], SIOCATMARK, &n));
	V(ioctl(p[0], FIOGETOWN, &n));
	V(ioctl(p[0], SIOCGPGRP, &n));
	SAY("%d\n", n);
	V(ioctl(p[0], SIOCGSTAMP, path));
	V(ioctl(p[0], 0x5401, path));
	V(ioctl(p[0], 0, path));
	V(ioctl(p[0], 0xdead, path));
	V(ioctl(p[0], FIOQSIZE, path));
	snprintf(path, sizeof path, "/proc/self/fd/%d", p[0]);
	V(open(path, O_WRONLY));
	V(open(path, O_RDONLY));
	V(lseek(p[0], 0, SEEK_SET));
	V(pread(p[0], path, 1, 0));
	V(pwrite(p[0], path, 1, 0));
	V(ftruncate(p[0], 0));
	V(fsync(p[0]));
	V(fdatasync(p[0]));
	V(fallocate(p[0], 0, 0, 1));
	V(posix_fadvise(p[0], 0, 0, 0));
	V(flock(p[0], LOCK_EX | LOCK_NB));
	V(flock(p[0], LOCK_UN));
	V(fcntl(p[0], F_SETLK, &(struct flock){ .l_type = F_WRLCK }));
	V(fcntl(p[0], F_GETFL));
	V(fcntl(p[0], F_SETPIPE_SZ, 4096));
	V(fcntl(p[0], F_GETPIPE_SZ));
	V(fcntl(p[0], F_SETLEASE, F_RDLCK));
	V(mmap(NULL, 4096, PROT_READ, MAP_SHARED, p[0], 0) == MAP_FAILED);
	SAY("%s\n", abi_errno(errno));
	V(sendfile(p[0], p[1], NULL, 4));
	V(copy_file_range(p[0], NULL, p[1], NULL, 4, 0));
	drop();
}

int main(void)
{
	static const char *const kinds[] = { "pair", "files", "abstract" };
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

	enter_tmp();
	signal(SIGPIPE, SIG_IGN);
	for (kind = PAIR; kind <= ABSTRACT; kind++)
		for (int i = 0; i < 3; i++) {
			type = types[i];
			SAY("---- %s, type %d\n", kinds[kind], type);
			transfer();
			flags();
			timeouts();
			buffers();
			options();
			shut();
			ioctls();
		}
	return 0;
}
