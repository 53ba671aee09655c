/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_model.c: the states of TCP, over IPv4, IPv6 and IPv4 by IPv6 sockets.
 *
 * A walker owns both ends of a connection and makes random calls on them, none
 * of which sleeps, and says beforehand what each will do: how many bytes are
 * there to read, whether the end of the stream or a reset comes, which state
 * TCP_INFO tells, what poll() reports.  On loopback nothing is on its way: what
 * one end does is known at the other when the call returns.
 *
 * Beside the walkers somebody reads the tables of all connections.  A call may be
 * refused for want of memory when faults are on; then nothing has happened. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tests/unit/model.h"
#include "tests/unit/unit.h"

#define ROUNDS 4
#define WALKERS 4
#define WALKS 6
#define STEPS 40

/* States as TCP_INFO tells them; several may be right. */
#define ST(n) (1u << (n))
#define IS_OVER (ST(TCP_CLOSE) | ST(TCP_TIME_WAIT))

struct end {
	long fd;                        /* -1: closed */
	uint32_t states;
	bool shut_rd, shut_wr;
	bool dead;                      /* reset, or said to be so by the peer */
	bool over;                      /* both directions have ended in order, or it was disconnected */
	bool eof;                       /* the peer sends no more */
	uint64_t sent, got;             /* bytes of this end's stream; of the peer's */
};

struct pair { struct end e[2]; uint32_t seed; int step; };

static uint32_t bad;                    /* atomic */

static int wrong(const struct pair *p, const struct end *x, int line, long a, long b)
{
	const struct end *y = &p->e[x == p->e];

	model_say("line %d: step %d: %ld %ld (states %x shut %d%d dead %d over %d eof %d sent %llu got %llu, peer's %x %d%d sent %llu got %llu)\n",
		  line, p->step, a, b, x->states, x->shut_rd, x->shut_wr, x->dead, x->over, x->eof, (unsigned long long)x->sent,
		  (unsigned long long)x->got, y->states, y->shut_rd, y->shut_wr, (unsigned long long)y->sent,
		  (unsigned long long)y->got);
	set(bad, 1);
	return 1;
}
#define WRONG(a, b) wrong(p, x, __LINE__, (long)(a), (long)(b))
#define CALL(p, i) struct end *x = &(p)->e[i], *y = &(p)->e[1 - (i)]; (void)y

static uint8_t byte_at(const struct pair *p, int from, uint64_t i) { return (uint8_t)(i * 31 + p->seed + (unsigned)from * 101); }
static bool refused(long r) { return model_faults && (r == -ENOMEM || r == -ENOBUFS || r == -EINTR || r == -EAGAIN); }
static uint64_t unread(const struct end *x, const struct end *y) { return y->sent - x->got; }

/* ---- what calls do ---- */

static void dies(struct end *x)
{
	x->dead = true;
	x->states = IS_OVER;
}

/* x sends no more, in order. */
static void finishes(struct end *x, struct end *y)
{
	y->eof = true;
	if (x->eof) {
		/* It was the second: both have ended. */
		x->over = y->over = true;
		x->states = y->states = IS_OVER;
	} else {
		x->states = ST(TCP_FIN_WAIT2);
		if (!y->dead && !y->over)
			y->states = ST(TCP_CLOSE_WAIT);
	}
}

static int do_send(struct pair *p, int i)
{
	CALL(p, i);
	uint8_t buf[2000];
	size_t n = 1 + below(below(2) ? 20 : sizeof buf);
	bool gone = y->fd < 0 || (y->shut_rd && y->shut_wr);
	long r;

	for (size_t k = 0; k < n; k++)
		buf[k] = byte_at(p, i, x->sent + k);
	u_put(data_page(), buf, n);
	r = u(SYS_sendto, x->fd, data_page(), n, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
	if (x->dead || x->shut_wr || x->over) {
		if (r != -EPIPE && r != -ECONNRESET && !refused(r))
			return WRONG(r, n);
		return 0;
	}
	if (r > (long)n || (r <= 0 && r != -EAGAIN && !refused(r)))
		return WRONG(r, n);
	if (r <= 0)
		return !refused(r) && unread(y, x) < 2000 ? WRONG(r, n) : 0;
	if (gone) {
		/* Answered by a reset. */
		dies(x);
		if (y->fd >= 0)
			dies(y);
		return 0;
	}
	x->sent += (uint64_t)r;
	return 0;
}

static int do_recv(struct pair *p, int i)
{
	CALL(p, i);
	uint8_t buf[3000];
	size_t n = 1 + below(below(2) ? 20 : sizeof buf);
	uint64_t there = unread(x, y);
	bool peek = !below(3);
	long r = u(SYS_recvfrom, x->fd, data_page(), n, MSG_DONTWAIT | (peek ? MSG_PEEK : 0), 0, 0);

	if (r > 0) {
		if ((uint64_t)r > there || (r < (long)MIN(n, there) && !model_faults))
			return WRONG(r, there);
		u_get(buf, data_page(), (size_t)r);
		for (long k = 0; k < r; k++)
			if (buf[k] != byte_at(p, 1 - i, x->got + (uint64_t)k))
				return WRONG(k, r);
		if (!peek)
			x->got += (uint64_t)r;
		return 0;
	}
	if (refused(r))
		return 0;
	/* Which of them comes after a reset depends on what was said already. */
	if (x->dead || x->over)
		return r == 0 || r == -ECONNRESET || r == -EPIPE || r == -ENOTCONN ? (there && !x->dead && !x->states) : WRONG(r, there);
	if (there)
		return WRONG(r, there);
	return r == (x->eof || x->shut_rd ? 0 : -EAGAIN) ? 0 : WRONG(r, 0);
}

static int do_shutdown(struct pair *p, int i)
{
	CALL(p, i);
	int how = (int)below(3);
	long r = u(SYS_shutdown, x->fd, how);

	if (x->dead || x->over)
		return r && r != -ENOTCONN && !refused(r) ? WRONG(r, how) : 0;
	if (r)
		return refused(r) ? 0 : WRONG(r, how);
	x->shut_rd |= how != SHUT_WR;
	if (how != SHUT_RD && !x->shut_wr) {
		x->shut_wr = true;
		finishes(x, y);
	}
	return 0;
}

static int do_close(struct pair *p, int i)
{
	CALL(p, i);
	struct { int32_t on, seconds; } linger = { 1, 0 };
	bool abort = !below(4);

	u_put(args_page(), &linger, sizeof linger);
	if (abort && u(SYS_setsockopt, x->fd, SOL_SOCKET, SO_LINGER, args_page(), sizeof linger))
		abort = false;
	abort |= unread(x, y) > 0;
	u(SYS_close, x->fd);
	x->fd = -1;
	if (x->dead || x->over)
		return 0;
	if (abort)
		dies(y);
	else if (!x->shut_wr)
		finishes(x, y);
	return 0;
}

static int do_disconnect(struct pair *p, int i)
{
	CALL(p, i);
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	long r;

	u_put(args_page(), &none, sizeof none);
	r = u(SYS_connect, x->fd, args_page(), sizeof none);
	if (r)
		return refused(r) ? 0 : WRONG(r, 0);
	/* A socket like a new one: of no more interest. */
	u(SYS_close, x->fd);
	x->fd = -1;
	if (!x->dead && !x->over)
		dies(y);
	return 0;
}

/* ---- what is told ---- */

static int check_state(struct pair *p, int i)
{
	CALL(p, i);
	struct tcp_info info = { 0 };
	uint64_t a = args_page();
	int32_t n = sizeof info;
	long r;

	u_put(a, &n, 4);
	r = u(SYS_getsockopt, x->fd, IPPROTO_TCP, TCP_INFO, a + 64, a);
	if (r)
		return refused(r) ? 0 : WRONG(r, 0);
	u_get(&info, a + 64, 1);
	return x->states & ST(info.tcpi_state) ? 0 : WRONG(info.tcpi_state, 0);
}

static int check_poll(struct pair *p, int i)
{
	CALL(p, i);
	struct pollfd f = { (int)x->fd, POLLIN | POLLOUT | POLLRDHUP, 0 };
	long r;
	int v;

	u_put(args_page(), &f, sizeof f);
	r = u(SYS_poll, args_page(), 1, 0);
	if (r < 0)
		return refused(r) ? 0 : WRONG(r, 0);
	u_get(&f, args_page(), sizeof f);
	v = f.revents;
	if (!(v & POLLHUP) != !(x->dead || x->over || (x->shut_rd && x->shut_wr) || (x->eof && x->shut_wr)))
		return WRONG(v, POLLHUP);
	if ((v & POLLERR) && !x->dead)
		return WRONG(v, POLLERR);
	if (!(v & POLLIN) != !(unread(x, y) || x->eof || x->shut_rd || x->dead || x->over) && !x->dead)
		return WRONG(v, POLLIN);
	if (!(v & POLLRDHUP) != !(x->eof || x->shut_rd || x->dead || x->over) && !x->dead)
		return WRONG(v, POLLRDHUP);
	return 0;
}

static int check_count(struct pair *p, int i)
{
	CALL(p, i);
	int32_t v;
	long r = u(SYS_ioctl, x->fd, FIONREAD, args_page());

	if (r)
		return refused(r) ? 0 : WRONG(r, 0);
	u_get(&v, args_page(), 4);
	/* The end of the stream counts as one once nothing else is there, as in Linux. */
	return x->dead || x->over || (uint64_t)v == unread(x, y) ? 0 : WRONG(v, unread(x, y));
}

static int walk(struct pair *p)
{
	static int (*const calls[])(struct pair *, int) = {
		do_send, do_send, do_send, do_recv, do_recv, do_recv, check_state, check_poll, check_count, do_shutdown, do_close,
		do_disconnect,
	};

	for (p->step = 0; p->step < STEPS; p->step++) {
		int i = (int)below(2);
		unsigned k = below((unsigned)ARRAY_SIZE(calls) + 8);

		/* Ends come late enough for something to happen before. */
		k = k < ARRAY_SIZE(calls) ? k : k % 9;
		if (p->e[i].fd < 0)
			i = 1 - i;
		if (p->e[i].fd < 0)
			return 0;
		if (calls[k](p, i) || (p->e[i].fd >= 0 && below(2) && check_state(p, i)))
			return 1;
	}
	return 0;
}

static int connect_pair(struct pair *p, int family, bool mapped)
{
	long s = u(SYS_socket, family, SOCK_STREAM, 0), c = u(SYS_socket, family, SOCK_STREAM, 0), a = -1;
	uint32_t n;

	memset(p, 0, sizeof *p);
	p->seed = (uint32_t)testhost_random();
	if (s >= 0 && c >= 0 && !bind_anywhere(family, mapped, s) && !u(SYS_listen, s, 1)) {
		u_get(&n, args_page() + 256, 4);
		if (!u(SYS_connect, c, args_page(), n))
			a = u(SYS_accept4, s, 0, 0, 0);
	}
	if (s >= 0)
		u(SYS_close, s);
	p->e[0] = p->e[1] = (struct end){ .fd = -1, .states = ST(TCP_ESTABLISHED) };
	if (a < 0) {
		if (c >= 0)
			u(SYS_close, c);
		return -1;
	}
	p->e[0].fd = c;
	p->e[1].fd = a;
	return 0;
}

static int walker(int nr)
{
	struct pair p;

	for (unsigned i = 0; i < WALKS && !get(bad); i++) {
		unsigned kind = ((unsigned)nr + i) % 3;

		if (connect_pair(&p, kind ? AF_INET6 : AF_INET, kind == 2))
			continue;
		walk(&p);
		for (int k = 0; k < 2; k++)
			if (p.e[k].fd >= 0)
				u(SYS_close, p.e[k].fd);
	}
	return 0;
}

/* The first program's: names of one that ends stay in the cache for long. */
static const char *const tables[] = { "/proc/1/net/tcp", "/proc/1/net/tcp6", "/proc/1/net/sockstat", "/proc/1/net/unix" };

/* All of a table, in pieces; what it says is about others. */
static int onlooker(int nr)
{
	for (unsigned i = 0; i < 12; i++) {
		long f = u(SYS_open, u_str(args_page(), tables[below(4)]), O_RDONLY, 0);

		while (f >= 0 && u(SYS_read, f, data_page(), 1 + below(DATA - 1)) > 0)
			u(SYS_sched_yield);
		if (f >= 0)
			u(SYS_close, f);
	}
	return nr;
}

static int play_round(void)
{
	for (int i = 0; i < WALKERS; i++)
		u_fork(walker, i);
	u_fork(onlooker, 0);
	while (u(SYS_wait4, -1, 0, 0, 0) != -ECHILD)
		;
	return (int)get(bad);
}

int tcp_model(int arg)
{
	unsigned faults = testhost.fail_one_in;

	/* These names are in the cache before blocks are counted. */
	set(testhost.fail_one_in, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(tables); i++)
		u(SYS_close, u(SYS_open, u_str(args_page(), tables[i]), O_RDONLY, 0));
	set(testhost.fail_one_in, faults);
	return model_rounds(play_round, ROUNDS);
}
