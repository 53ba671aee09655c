/* SPDX-License-Identifier: Apache-2.0 */
/* sockets_model.c: random socket operations of several processes, with faults,
 * interruptions and kills, against a small model.
 *
 * A lane is a pair of connected sockets with one process that writes and one
 * that reads.  Byte i of a stream and the content of packet i are functions of
 * the lane and i, so the reader alone can tell a lost, doubled, altered or
 * reordered byte; the writer publishes how much it may have sent (before a
 * call) and how much was accepted (after it).  At an end of file that no kill
 * explains, everything accepted must have been read.  After a round all
 * sockets are closed: the kernel must hold as many blocks as before.
 *
 * Which operations come is a matter of the seed; any call may be refused for
 * want of memory when faults are on, but never loses what it accepted.  A sleep
 * that nobody ends is noticed by the machine (status 99). */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/unit/model.h"
#include "tests/unit/unit.h"

#define ROUNDS 4
#define LANES 6
#define OPS 50

enum kind { STREAM_PAIR, STREAM_NAMED, TCP, TCP6, TCP_MAPPED, SEQPACKET, DGRAM_PAIR, DGRAM_NAMED, UDP, UDP6, KINDS };

static struct lane {
	enum kind kind;
	uint32_t seed;
	int fd[2];                      /* writer's, reader's */
	long pid[2];
	bool leaves_early;              /* the reader does */
	/* atomics */
	uint64_t may_have, accepted, received;
	uint32_t killed, over, wrong;
} lanes[LANES];

static bool is_stream(const struct lane *l) { return l->kind <= TCP_MAPPED; }
static bool is_udp(const struct lane *l) { return l->kind >= UDP; }
static bool is_unix(const struct lane *l) { return !is_udp(l) && (l->kind < TCP || l->kind > TCP_MAPPED); }
static uint8_t byte_at(const struct lane *l, uint64_t i) { return (uint8_t)((i * 0x9e37 + l->seed) ^ (i >> 8)); }

static int wrong(struct lane *l, int line, long a, long b)
{
	model_say("line %d: kind %d lane %d: %ld %ld (may have %llu accepted %llu received %llu)\n", line, (int)l->kind,
		  (int)(l - lanes), a, b, (unsigned long long)get(l->may_have), (unsigned long long)get(l->accepted),
		  (unsigned long long)get(l->received));
	set(l->wrong, 1);
	return 1;
}
#define WRONG(l, a, b) wrong(l, __LINE__, (long)(a), (long)(b))

/* Descriptors of the other lanes would keep their ends open. */
static void close_others(const struct lane *mine, int keep)
{
	for (struct lane *l = lanes; l < lanes + LANES; l++)
		for (int k = 0; k < 2; k++)
			if (l->fd[k] >= 0 && (l != mine || k != keep))
				u(SYS_close, l->fd[k]);
}

/* A set that watches the socket, in a set of its own; both go at once. */
static void watch(int fd)
{
	static const uint32_t modes[] = { EPOLLIN, EPOLLIN | EPOLLOUT | EPOLLET, EPOLLOUT | EPOLLONESHOT };
	struct epoll_event e = { .events = modes[below(3)] };
	long in = u(SYS_epoll_create1, 0), out = u(SYS_epoll_create1, 0);
	uint64_t a = args_page();

	u_put(a, &e, sizeof e);
	if (in >= 0)
		u(SYS_epoll_ctl, in, EPOLL_CTL_ADD, fd, a);
	if (in >= 0 && out >= 0) {
		u(SYS_epoll_ctl, out, EPOLL_CTL_ADD, in, a);
		u(SYS_epoll_wait, out, a + 64, 1, below(3));
	}
	if (in >= 0)
		u(SYS_close, in);
	if (out >= 0)
		u(SYS_close, out);
}

/* What neither side's data may notice. */
static void disturb(int fd)
{
	uint64_t a = args_page();
	int32_t v = (int32_t)below(70000), n = 4;
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };

	switch (below(9)) {
	case 8:
		watch(fd);
		break;
	case 0:
		u_put(a, &v, 4);
		u(SYS_setsockopt, fd, SOL_SOCKET, below(2) ? SO_SNDBUF : SO_RCVBUF, a, 4);
		break;
	case 1:
		u_put(a, &p, sizeof p);
		u(SYS_poll, a, 1, below(2));
		break;
	case 2:
		u_put(a, &n, 4);
		u(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, a + 8, a);
		break;
	case 3:
		v = 128;
		u_put(a, &v, 4);
		u(SYS_getpeername, fd, a + 8, a);
		break;
	case 4:
		u(SYS_close, u(SYS_dup, fd));
		break;
	default:
		u(SYS_sched_yield);
	}
}

/* Killed, or ended for want of memory, which nobody knows yet. */
static bool may_die(struct lane *l) { return get(l->killed) || model_faults; }

/* A control message with one descriptor: cmsg(3). */
struct one_fd { uint64_t size; int32_t level, type, fd; };

/* ---- writing ---- */

/* For SCM_RIGHTS: a socket of a pair whose other end goes at once, or the
 * writer's own, which makes a circle when its reader leaves early. */
static long fd_to_send(const struct lane *l)
{
	uint64_t a = args_page() + 512;
	int32_t p[2];

	if (!below(3))
		return u(SYS_dup, l->fd[0]);
	if (u(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, a))
		return -1;
	u_get(p, a, 8);
	u(SYS_close, p[1]);
	return p[0];
}

/* n bytes at data_page(), in one of the ways to send. */
static long send_somehow(struct lane *l, size_t n, int flags)
{
	uint64_t a = args_page(), d = data_page();
	struct iovec io[2] = { { (void *)d, n / 3 }, { (void *)(d + n / 3), n - n / 3 } };
	struct msghdr m = { .msg_iov = (void *)(a + 128), .msg_iovlen = 2 };
	struct one_fd c = { CMSG_LEN(4), SOL_SOCKET, SCM_RIGHTS, 0 };
	long fd = -1, r;

	switch (below(4)) {
	case 0:
		if (flags & MSG_DONTWAIT)
			return u(SYS_sendto, l->fd[0], d, n, flags, 0, 0);
		return u(SYS_write, l->fd[0], d, n);
	case 1:
		return u(SYS_sendto, l->fd[0], d, n, flags, 0, 0);
	case 2:
		if (is_unix(l))
			fd = fd_to_send(l);
	}
	if (fd >= 0) {
		c.fd = (int32_t)fd;
		u_put(a + 256, &c, sizeof c);
		m.msg_control = (void *)(a + 256);
		m.msg_controllen = CMSG_SPACE(4);
	}
	u_put(a + 128, io, sizeof io);
	u_put(a, &m, sizeof m);
	r = u(SYS_sendmsg, l->fd[0], a, flags);
	if (fd >= 0)
		u(SYS_close, fd);
	return r;
}

static int random_flags(void) { return MSG_NOSIGNAL | (below(3) ? 0 : MSG_DONTWAIT); }

static bool peer_went(struct lane *l, long r)
{
	return (r == -EPIPE || r == -ECONNRESET || r == -ECONNREFUSED || r == -ENOTCONN) && (l->leaves_early || may_die(l));
}

static int write_stream(struct lane *l)
{
	static const unsigned sizes[] = { 4, 300, 3000, DATA - 1 };
	uint8_t buf[DATA];

	for (unsigned i = 0; i < OPS; i++) {
		uint64_t at = l->accepted;
		size_t n = 1 + below(sizes[below(4)]);
		long r;

		for (size_t k = 0; k < n; k++)
			buf[k] = byte_at(l, at + k);
		u_put(data_page(), buf, n);
		set(l->may_have, at + n);
		r = send_somehow(l, n, random_flags());
		if (peer_went(l, r))
			return 0;
		if (r < 0 ? !no_room(r) : (size_t)r > n)
			return WRONG(l, r, n);
		set(l->accepted, at + (uint64_t)MAX(r, 0l));
		set(l->may_have, l->accepted);
		if (!below(3))
			disturb(l->fd[0]);
	}
	if (below(2))
		u(SYS_shutdown, l->fd[0], SHUT_WR);
	return 0;
}

/* Packet i: its number, its size, then the lane's bytes from i on. */
static int write_packets(struct lane *l)
{
	uint8_t buf[2048];
	unsigned tries = 0;

	for (uint32_t i = 0; i < OPS && tries < 20 * OPS; tries++) {
		uint32_t n = 8 + below(below(2) ? 40 : (unsigned)sizeof buf - 8);
		long r;

		for (uint32_t k = 8; k < n; k++)
			buf[k] = byte_at(l, i + k);
		memcpy(buf, &i, 4);
		memcpy(buf + 4, &n, 4);
		u_put(data_page(), buf, n);
		set(l->may_have, i + 1);
		r = send_somehow(l, n, random_flags());
		if (peer_went(l, r))
			return 0;
		if (r == (long)n)
			set(l->accepted, ++i);
		else if (!no_room(r) && r != -EMSGSIZE)
			return WRONG(l, r, n);
		if (!below(3))
			disturb(l->fd[0]);
	}
	return 0;
}

static int writer(int i)
{
	struct lane *l = &lanes[i];
	int bad;

	close_others(l, 0);
	bad = is_stream(l) ? write_stream(l) : write_packets(l);
	set(l->over, 1);
	return bad;
}

/* ---- reading ---- */

/* Descriptors that came along are closed, whether or not they fitted. */
static void close_received(uint64_t control, uint64_t used)
{
	struct one_fd c;

	if (used < CMSG_LEN(4))
		return;
	u_get(&c, control, sizeof c);
	if (c.level == SOL_SOCKET && c.type == SCM_RIGHTS)
		u(SYS_close, c.fd);
}

static long receive_somehow(struct lane *l, size_t n, int flags)
{
	uint64_t a = args_page(), d = data_page();
	struct iovec io[2] = { { (void *)d, n / 2 }, { (void *)(d + n / 2), n - n / 2 } };
	struct msghdr m = { .msg_iov = (void *)(a + 128), .msg_iovlen = 2, .msg_control = (void *)(a + 256) };
	long r;

	switch (below(3)) {
	case 0:
		if (!flags)
			return u(SYS_read, l->fd[1], d, n);
		/* fall through */
	case 1:
		return u(SYS_recvfrom, l->fd[1], d, n, flags, 0, 0);
	}
	m.msg_controllen = below(3) ? 64 : below(20);
	u_put(a + 128, io, sizeof io);
	u_put(a, &m, sizeof m);
	r = u(SYS_recvmsg, l->fd[1], a, flags);
	if (r >= 0) {
		u_get(&m, a, sizeof m);
		close_received(a + 256, m.msg_controllen);
	}
	return r;
}

static int check_bytes(struct lane *l, uint64_t at, long n)
{
	uint8_t buf[DATA];

	u_get(buf, data_page(), (size_t)n);
	for (long k = 0; k < n; k++)
		if (buf[k] != byte_at(l, at + (uint64_t)k))
			return WRONG(l, k, n);
	return at + (uint64_t)n > get(l->may_have) ? WRONG(l, at, n) : 0;
}

/* No more is there than was sent. */
static int check_queued(struct lane *l)
{
	int32_t v;
	long r = u(SYS_ioctl, l->fd[1], FIONREAD, args_page());

	if (r)
		return no_room(r) ? 0 : WRONG(l, r, 0);
	u_get(&v, args_page(), 4);
	return v < 0 || get(l->received) + (uint64_t)v > get(l->may_have) ? WRONG(l, v, 0) : 0;
}

static int read_stream(struct lane *l)
{
	static const int some[] = { 0, 0, MSG_DONTWAIT, MSG_PEEK, MSG_WAITALL, MSG_PEEK | MSG_DONTWAIT };

	for (unsigned i = 0; !l->leaves_early || i < 10; i++) {
		size_t n = 1 + below(below(2) ? 60 : DATA - 1);
		int flags = some[below(6)];
		long r = receive_somehow(l, n, flags);

		if (r > 0) {
			if (check_bytes(l, l->received, r))
				return 1;
			if (!(flags & MSG_PEEK))
				set(l->received, l->received + (uint64_t)r);
		} else if (!r || (r == -ECONNRESET && may_die(l))) {
			/* What was accepted before a kill may still be unknown. */
			if (get(l->received) < get(l->accepted) && !get(l->killed))
				return WRONG(l, r, 0);
			return 0;
		} else if (!no_room(r)) {
			return WRONG(l, r, n);
		}
		if (!below(4) && check_queued(l))
			return 1;
		if (!below(4))
			disturb(l->fd[1]);
	}
	return 0;
}

static int check_packet(struct lane *l, long r, size_t room, bool peek)
{
	uint8_t buf[2048];
	uint32_t nr, size;

	if (r < 8)
		return WRONG(l, r, room);
	u_get(buf, data_page(), (size_t)r);
	memcpy(&nr, buf, 4);
	memcpy(&size, buf + 4, 4);
	if ((long)MIN(size, room) != r || nr >= get(l->may_have))
		return WRONG(l, nr, size);
	/* Only UDP may drop what its receiver has no room for. */
	if (is_udp(l) ? nr < l->received : nr != l->received)
		return WRONG(l, nr, size);
	for (long k = 8; k < r; k++)
		if (buf[k] != byte_at(l, nr + (uint64_t)k))
			return WRONG(l, nr, k);
	if (!peek)
		set(l->received, nr + 1ull);
	return 0;
}

static int read_packets(struct lane *l)
{
	static const int some[] = { 0, 0, 0, MSG_DONTWAIT, MSG_PEEK, MSG_PEEK | MSG_DONTWAIT };

	for (unsigned i = 0; !l->leaves_early || i < 10; i++) {
		size_t room = below(4) ? 2048 : 8 + below(60);
		int flags = some[below(6)];
		bool over = get(l->over) || get(l->killed);
		long r = receive_somehow(l, room, flags);

		if (r > 0) {
			if (check_packet(l, r, room, flags & MSG_PEEK))
				return 1;
		} else if (!r || r == -ECONNRESET || (r == -EAGAIN && over)) {
			/* "over" was seen before the queue was found empty. */
			if (!is_udp(l) && get(l->received) < get(l->accepted) && !get(l->killed))
				return WRONG(l, r, 0);
			return 0;
		} else if (!no_room(r)) {
			return WRONG(l, r, room);
		}
		if (!below(4))
			disturb(l->fd[1]);
	}
	return 0;
}

static int reader(int i)
{
	struct lane *l = &lanes[i];
	int64_t t[2] = { 0, 20000 };

	close_others(l, 1);
	/* Datagrams have no end: look now and then whether the writer is done. */
	if (!is_stream(l)) {
		u_put(args_page(), t, sizeof t);
		u(SYS_setsockopt, l->fd[1], SOL_SOCKET, SO_RCVTIMEO, args_page(), sizeof t);
	}
	return is_stream(l) ? read_stream(l) : read_packets(l);
}

/* ---- lanes ---- */

static int make_pair(struct lane *l, int type)
{
	int32_t p[2];

	if (u(SYS_socketpair, AF_UNIX, type, 0, args_page()))
		return -1;
	u_get(p, args_page(), 8);
	l->fd[0] = p[below(2)];
	l->fd[1] = p[0] + p[1] - l->fd[0];
	return 0;
}

static int make_connected(struct lane *l, int family, int type, bool mapped)
{
	long s = u(SYS_socket, family, type, 0), c = u(SYS_socket, family, type, 0), fd = -1;
	uint32_t n;

	if (s >= 0 && c >= 0 && !bind_anywhere(family, mapped, s)) {
		u_get(&n, args_page() + 256, 4);
		if (type == SOCK_DGRAM) {
			if (!u(SYS_connect, c, args_page(), n)) {
				l->fd[0] = (int)c;
				l->fd[1] = (int)s;
				return 0;
			}
		} else if (!u(SYS_listen, s, 3) && !u(SYS_connect, c, args_page(), n)) {
			fd = u(SYS_accept, s, 0, 0);
		}
	}
	if (s >= 0)
		u(SYS_close, s);
	if (fd < 0) {
		if (c >= 0)
			u(SYS_close, c);
		return -1;
	}
	l->fd[0] = (int)(below(2) ? c : fd);
	l->fd[1] = (int)(c + fd) - l->fd[0];
	return 0;
}

static void make_lane(struct lane *l)
{
	int r = -1;

	*l = (struct lane){ .kind = below(KINDS), .seed = (uint32_t)testhost_random(), .fd = { -1, -1 },
			    .pid = { -1, -1 }, .leaves_early = !below(6) };
	switch (l->kind) {
	case STREAM_PAIR: r = make_pair(l, SOCK_STREAM); break;
	case STREAM_NAMED: r = make_connected(l, AF_UNIX, SOCK_STREAM, false); break;
	case TCP: r = make_connected(l, AF_INET, SOCK_STREAM, false); break;
	case TCP6: r = make_connected(l, AF_INET6, SOCK_STREAM, false); break;
	case TCP_MAPPED: r = make_connected(l, AF_INET6, SOCK_STREAM, true); break;
	case SEQPACKET: r = make_pair(l, SOCK_SEQPACKET); break;
	case DGRAM_PAIR: r = make_pair(l, SOCK_DGRAM); break;
	case DGRAM_NAMED: r = make_connected(l, AF_UNIX, SOCK_DGRAM, false); break;
	case UDP6: r = make_connected(l, AF_INET6, SOCK_DGRAM, false); break;
	default: r = make_connected(l, AF_INET, SOCK_DGRAM, false); break;
	}
	if (r)
		l->fd[0] = l->fd[1] = -1;
}

/* Signals and kills while the lanes run. */
static void harass(void)
{
	for (unsigned i = 0; i < 12; i++) {
		struct lane *l = &lanes[below(LANES)];
		int k = (int)below(2);

		pause_us(below(3) ? 2 : 60);
		if (l->pid[k] < 0)
			continue;
		if (!below(12)) {
			set(l->killed, 1);
			u(SYS_kill, l->pid[k], SIGKILL);
		} else {
			u(SYS_kill, l->pid[k], SIGUSR1);
		}
	}
}

static int play_round(void)
{
	int bad = 0;

	for (unsigned i = 0; i < LANES; i++)
		lanes[i].fd[0] = lanes[i].fd[1] = -1;
	for (unsigned i = 0; i < LANES; i++)
		make_lane(&lanes[i]);
	handle_usr1();
	for (unsigned i = 0; i < LANES; i++) {
		struct lane *l = &lanes[i];

		if (l->fd[0] < 0)
			continue;
		l->pid[0] = u_fork(writer, (int)i);
		l->pid[1] = u_fork(reader, (int)i);
		/* Without one of them the other sees a kill. */
		if (l->pid[0] < 0 || l->pid[1] < 0)
			set(l->killed, 1);
	}
	close_others(NULL, 0);
	harass();
	for (;;) {
		long p = u(SYS_wait4, -1, 0, 0, 0);

		if (p == -ECHILD)
			break;
		for (unsigned i = 0; i < LANES; i++)
			if (p > 0 && p == lanes[i].pid[0])
				set(lanes[i].over, 1);
	}
	for (unsigned i = 0; i < LANES; i++)
		bad |= (int)get(lanes[i].wrong);
	return bad;
}

int sockets_model(int arg) { return model_rounds(play_round, ROUNDS); }
