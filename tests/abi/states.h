/* SPDX-License-Identifier: Apache-2.0 */
/* states.h: every operation on a socket in every state.  A test names the
 * states; each has a builder that makes one more socket in that state, with its
 * peer where it has one.  All are built first and looked at later, so that what
 * Linux does a little later (delayed acknowledgements) has happened. */
#ifndef ABI_STATES_H
#define ABI_STATES_H
#include "abi.h"
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sendfile.h>

struct inst { int s, peer, aux, type; };
struct state { const char *name; void (*build)(struct inst *); };

#define NB (MSG_DONTWAIT | MSG_NOSIGNAL)
#define ALL_EVENTS (POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | POLLWRNORM | POLLRDBAND | POLLWRBAND)

/* The value, or the name of the error. */
static const char *res(long v)
{
	static char b[8][24];
	static int k;
	char *p = b[k++ & 7];

	if (v < 0)
		snprintf(p, sizeof b[0], "%s", abi_errno(errno));
	else
		snprintf(p, sizeof b[0], "%ld", v);
	return p;
}
/* Only whether it is zero: sizes of buffers differ. */
__attribute__((unused)) static const char *some(long v) { return v > 0 ? "some" : res(v); }

static int bits(int s)
{
	struct pollfd p = { s, ALL_EVENTS, 0 };

	poll(&p, 1, 0);
	return p.revents;
}

static int ep_wait(int ep)
{
	struct epoll_event e = { 0 };

	return epoll_wait(ep, &e, 1, 0) == 1 ? (int)e.events : 0;
}

static int ep_with(int s, unsigned mode)
{
	struct epoll_event e = { .events = ALL_EVENTS | mode };
	int ep = epoll_create1(0);

	epoll_ctl(ep, EPOLL_CTL_ADD, s, &e);
	return ep;
}

static void op_poll(struct inst *i) { SAY("%x", bits(i->s)); }

static void op_poll_none(struct inst *i)
{
	struct pollfd p = { i->s, 0, 0 };

	SAY("%d %x", poll(&p, 1, 0), p.revents);
}

static void op_select(struct inst *i)
{
	fd_set r, w, x;
	struct timeval t = { 0 };

	if (i->s >= FD_SETSIZE)
		i->s = dup2(i->s, FD_SETSIZE - 1);
	FD_ZERO(&r);
	FD_SET(i->s, &r);
	w = x = r;
	select(i->s + 1, &r, &w, &x, &t);
	SAY("%s%s%s", FD_ISSET(i->s, &r) ? "r" : "", FD_ISSET(i->s, &w) ? "w" : "", FD_ISSET(i->s, &x) ? "x" : "");
}

static void op_epoll(struct inst *i)
{
	int l = ep_with(i->s, 0), e = ep_with(i->s, EPOLLET), o = ep_with(i->s, EPOLLONESHOT);

	SAY("level %x %x", ep_wait(l), ep_wait(l));
	SAY(" edge %x %x", ep_wait(e), ep_wait(e));
	SAY(" once %x %x", ep_wait(o), ep_wait(o));
	close(l), close(e), close(o);
}

static void act_shut_rd(struct inst *i) { SAY("%s", res(shutdown(i->s, SHUT_RD))); }
static void act_shut_wr(struct inst *i) { SAY("%s", res(shutdown(i->s, SHUT_WR))); }
static void act_shut_rdwr(struct inst *i) { SAY("%s", res(shutdown(i->s, SHUT_RDWR))); }
static void act_send(struct inst *i) { SAY("%s", res(send(i->s, "abc", 3, NB))); }
static void act_recv(struct inst *i) { char b[256]; SAY("%s", res(recv(i->s, b, sizeof b, NB))); }
static void act_unconnect(struct inst *i)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	SAY("%s", res(connect(i->s, &none, sizeof none)));
}

/* What edges an operation makes at its own socket and at the peer. */
static void edges(struct inst *i, void (*act)(struct inst *))
{
	int e = ep_with(i->s, EPOLLET), p = i->peer >= 0 ? ep_with(i->peer, EPOLLET) : -1;

	ep_wait(e);
	if (p >= 0)
		ep_wait(p);
	act(i);
	msleep(1);
	/* Linux tells a sender of datagrams that its message has left. */
	if (act != act_send || i->type != SOCK_DGRAM)
		SAY(" edge %x", ep_wait(e));
	if (p >= 0)
		SAY(" peer's %x", ep_wait(p));
	close(e), close(p);
}

static void op_shut_rd(struct inst *i) { edges(i, act_shut_rd); SAY(" then %x", bits(i->s)); }
static void op_shut_wr(struct inst *i) { edges(i, act_shut_wr); SAY(" then %x", bits(i->s)); }
static void op_shut_rdwr(struct inst *i) { edges(i, act_shut_rdwr); SAY(" then %x", bits(i->s)); }
static void op_send(struct inst *i) { edges(i, act_send); SAY(" then %x", bits(i->s)); }
static void op_recv(struct inst *i) { edges(i, act_recv); SAY(" then %x", bits(i->s)); }
static void op_unconnect(struct inst *i) { edges(i, act_unconnect); SAY(" then %x", bits(i->s)); }

static void op_recv_all(struct inst *i)
{
	char b[256];

	for (int k = 0; k < 4; k++)
		SAY("%s ", res(recv(i->s, b, sizeof b, NB)));
	SAY("then %x", bits(i->s));
}

static void op_recv_odd(struct inst *i)
{
	int domain = 0;
	socklen_t n = sizeof domain;
	char b[256];

	getsockopt(i->s, SOL_SOCKET, SO_DOMAIN, &domain, &n);
	SAY("peek %s ", res(recv(i->s, b, sizeof b, NB | MSG_PEEK)));
	/* A Unix stream looks at the message behind, too. */
	if (i->type != SOCK_STREAM || domain != AF_UNIX)
		SAY("none %s ", res(recv(i->s, b, 0, NB | MSG_PEEK)));
	SAY("urgent %s ", res(recv(i->s, b, sizeof b, NB | MSG_OOB)));
	SAY("errors %s ", res(recv(i->s, b, sizeof b, NB | MSG_ERRQUEUE)));
	SAY("trunc %s ", res(recv(i->s, b, 1, NB | MSG_TRUNC | MSG_PEEK)));
	SAY("all %s", res(recv(i->s, b, sizeof b, NB | MSG_WAITALL)));
}

static void op_recv_time(struct inst *i)
{
	struct timeval t = { 0, 5000 };
	char b[256];

	setsockopt(i->s, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
	SAY("%s", res(recv(i->s, b, sizeof b, MSG_WAITALL)));
}

static void op_send_twice(struct inst *i)
{
	SAY("%s ", res(send(i->s, "abc", 3, NB)));
	msleep(1);
	SAY("%s ", res(send(i->s, "abc", 3, NB)));
	SAY("%s ", res(send(i->s, "", 0, NB)));
	SAY("then %x", bits(i->s));
}

static void op_send_odd(struct inst *i)
{
	SAY("none %s ", res(send(i->s, "", 0, NB)));
	SAY("urgent %s ", res(send(i->s, "u", 1, NB | MSG_OOB)));
	SAY("bad %s", res(send(i->s, (void *)8, 3, NB)));
}

static void op_readwrite(struct inst *i)
{
	char b[8];

	fcntl(i->s, F_SETFL, O_NONBLOCK);
	SAY("read 0 %s ", res(read(i->s, b, 0)));
	SAY("read %s ", res(read(i->s, b, 2)));
	SAY("readv %s ", res(readv(i->s, &(struct iovec){ b, 2 }, 1)));
	SAY("write 0 %s", res(write(i->s, b, 0)));
}

static void op_sigpipe(struct inst *i)
{
	signal(SIGPIPE, SIG_IGN);
	fcntl(i->s, F_SETFL, O_NONBLOCK);
	SAY("%s ", res(write(i->s, "q", 1)));
	msleep(1);
	SAY("%s", res(write(i->s, "q", 1)));
}

static void op_error(struct inst *i)
{
	int v = -1, w = -1;
	socklen_t n = sizeof v;

	getsockopt(i->s, SOL_SOCKET, SO_ERROR, &v, &n);
	getsockopt(i->s, SOL_SOCKET, SO_ERROR, &w, &n);
	SAY("%s %d then %x", v ? abi_errno(v) : "0", w, bits(i->s));
}

static void op_names(struct inst *i)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof a, m = sizeof a;

	memset(&a, 0, sizeof a);
	SAY("own %s", res(getsockname(i->s, (void *)&a, &n)));
	SAY(" %d peer %s", (int)n, res(getpeername(i->s, (void *)&a, &m)));
}

static void op_ioctl(struct inst *i)
{
	int v = -1;

	SAY("in %s", res(ioctl(i->s, FIONREAD, &v)));
	SAY(" %d", v);
	v = -1;
	SAY(" out %s", res(ioctl(i->s, SIOCOUTQ, &v)));
	v = -1;
	SAY(" mark %s", res(ioctl(i->s, SIOCATMARK, &v)));
	SAY(" %d", v);
}

static void op_accept(struct inst *i)
{
	int c;

	fcntl(i->s, F_SETFL, O_NONBLOCK);
	c = accept(i->s, NULL, NULL);
	SAY("%s", c < 0 ? res(c) : "ok");
	c = accept4(i->s, NULL, NULL, 1);
	SAY(" %s then %x", c < 0 ? res(c) : "ok", bits(i->s));
}

static void op_listen(struct inst *i)
{
	SAY("%s", res(listen(i->s, 3)));
	SAY(" then %x", bits(i->s));
}

static void op_options(struct inst *i)
{
	struct linger lg = { 0, 3 };
	int v = -1, one = 1;
	socklen_t n = sizeof v;

	SAY("listens %s", res(getsockopt(i->s, SOL_SOCKET, SO_ACCEPTCONN, &v, &n)));
	SAY(" %d", v);
	SAY(" linger %s", res(setsockopt(i->s, SOL_SOCKET, SO_LINGER, &lg, sizeof lg)));
	SAY(" reuse %s", res(setsockopt(i->s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one)));
	SAY(" port %s", res(setsockopt(i->s, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one)));
	SAY(" alive %s", res(setsockopt(i->s, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one)));
	SAY(" creds %s", res(setsockopt(i->s, SOL_SOCKET, SO_PASSCRED, &one, sizeof one)));
	SAY(" peek %s", res(setsockopt(i->s, SOL_SOCKET, SO_PEEK_OFF, &one, sizeof one)));
	SAY(" low %s", res(setsockopt(i->s, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof one)));
}

static void op_splice(struct inst *i)
{
	int p[2];

	fcntl(i->s, F_SETFL, O_NONBLOCK);
	if (pipe(p))
		return;
	SAY("in %s", res(splice(i->s, NULL, p[1], NULL, 10, SPLICE_F_NONBLOCK)));
	(void)!write(p[1], "xyz", 3);
	signal(SIGPIPE, SIG_IGN);
	SAY(" out %s", res(splice(p[0], NULL, i->s, NULL, 3, SPLICE_F_NONBLOCK)));
	close(p[0]), close(p[1]);
}

static void op_sendfile(struct inst *i)
{
	int f = memfd_create("f", 0);
	off_t at = 0;

	fcntl(i->s, F_SETFL, O_NONBLOCK);
	signal(SIGPIPE, SIG_IGN);
	(void)!write(f, "from a file", 11);
	SAY("%s", res(sendfile(i->s, f, &at, 11)));
	SAY(" at %ld", (long)at);
	close(f);
}

static void op_mmsg(struct inst *i)
{
	char b[2][8];
	struct iovec io[2] = { { b[0], 8 }, { b[1], 8 } };
	struct mmsghdr m[2] = { { { .msg_iov = &io[0], .msg_iovlen = 1 }, 0 }, { { .msg_iov = &io[1], .msg_iovlen = 1 }, 0 } };

	SAY("recv %s", res(recvmmsg(i->s, m, 2, NB, NULL)));
	io[0].iov_len = io[1].iov_len = 2;
	m[0].msg_hdr.msg_flags = m[1].msg_hdr.msg_flags = 0;
	SAY(" send %s", res(sendmmsg(i->s, m, 2, NB)));
	SAY(" recv %s", res(recvmmsg(i->s, m, 2, NB | MSG_WAITFORONE, NULL)));
}

/* What the other side sees of close(). */
static void op_close(struct inst *i)
{
	char b[256];
	int e;

	if (i->peer < 0) {
		SAY("no peer");
		return;
	}
	e = ep_with(i->peer, EPOLLET);
	ep_wait(e);
	SAY("%s", res(close(i->s)));
	i->s = -1;
	msleep(1);
	SAY(" edge %x poll %x", ep_wait(e), bits(i->peer));
	SAY(" %s", res(recv(i->peer, b, sizeof b, NB)));
	SAY(" %s", res(recv(i->peer, b, sizeof b, NB)));
	SAY(" %s", res(send(i->peer, "abc", 3, NB)));
	msleep(1);
	SAY(" %s then %x", res(send(i->peer, "abc", 3, NB)), bits(i->peer));
	close(e);
}

static void op_peer(struct inst *i)
{
	char b[256];

	if (i->peer < 0) {
		SAY("none");
		return;
	}
	SAY("%x", bits(i->peer));
	SAY(" recv %s", res(recv(i->peer, b, sizeof b, NB)));
	SAY(" send %s", res(send(i->peer, "abc", 3, NB)));
	msleep(1);
	SAY(" makes %x", bits(i->s));
}

/* Calls that are not for sockets. */
static void op_file(struct inst *i)
{
	char b[8];

	SAY("lseek %s", res(lseek(i->s, 0, SEEK_SET)));
	SAY(" pread %s", res(pread(i->s, b, 1, 0)));
	SAY(" truncate %s", res(ftruncate(i->s, 0)));
	SAY(" allocate %s", res(fallocate(i->s, 0, 0, 1)));
	SAY(" sync %s", res(fsync(i->s)));
	SAY(" dirents %s", res(syscall(SYS_getdents64, i->s, b, sizeof b)));
	if (i->type != SOCK_STREAM)     /* Linux maps what TCP received */
		SAY(" map %s", mmap(NULL, 4096, PROT_READ, MAP_SHARED, i->s, 0) == MAP_FAILED ? abi_errno(errno) : "ok");
	SAY(" dir %s", res(fchdir(i->s)));
	SAY(" advise %s", abi_errno(posix_fadvise(i->s, 0, 0, 0)));
}

struct op { const char *name; void (*run)(struct inst *); };
static const struct op ops[] = {
	{ "poll", op_poll }, { "poll for nothing", op_poll_none }, { "select", op_select }, { "epoll", op_epoll },
	{ "recv", op_recv }, { "recv four", op_recv_all }, { "recv odd", op_recv_odd }, { "recv timed", op_recv_time },
	{ "send", op_send }, { "send twice", op_send_twice }, { "send odd", op_send_odd }, { "read write", op_readwrite },
	{ "write twice", op_sigpipe }, { "shut RD", op_shut_rd }, { "shut WR", op_shut_wr }, { "shut both", op_shut_rdwr },
	{ "error", op_error }, { "names", op_names }, { "ioctl", op_ioctl }, { "accept", op_accept }, { "listen", op_listen },
	{ "unconnect", op_unconnect }, { "options", op_options }, { "splice", op_splice }, { "sendfile", op_sendfile },
	{ "mmsg", op_mmsg }, { "close", op_close }, { "peer", op_peer }, { "not for sockets", op_file },
};
#define NOPS (sizeof ops / sizeof ops[0])

/* settle: how long Linux may need until nothing moves any more. */
static void all_states(const char *kind, int type, const struct state *st, size_t n, int settle, const struct op *more,
		       size_t nmore)
{
	size_t per = NOPS + nmore;
	struct inst *all = calloc(n * per, sizeof *all);
	struct rlimit rl;

	signal(SIGPIPE, SIG_IGN);
	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	for (size_t k = 0; k < n * per; k++) {
		all[k] = (struct inst){ -1, -1, -1, type };
		st[k / per].build(&all[k]);
	}
	msleep(settle);
	for (size_t k = 0; k < n * per; k++) {
		const struct op *op = k % per < NOPS ? &ops[k % per] : &more[k % per - NOPS];

		SAY("%s %s, %s: ", kind, st[k / per].name, op->name);
		op->run(&all[k]);
		SAY("\n");
		close(all[k].s), close(all[k].peer), close(all[k].aux);
	}
	free(all);
}
#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#endif
