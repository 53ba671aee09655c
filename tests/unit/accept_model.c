/* SPDX-License-Identifier: Apache-2.0 */
/* accept_model.c: listeners with short queues, served and called by teams of
 * threads that share a descriptor table.
 *
 * Every call has a number, which the caller sends and wants back.  The model
 * knows:
 *  - a number is served once, and who wants it back gets it unless the server
 *    says that it did not answer;
 *  - no more wait in a queue than its backlog allows (connections that were
 *    made, less calls of accept() that began, is never more);
 *  - in the end as many connections were accepted as were made;
 *  - within a table a descriptor has one owner at a time.
 *
 * Threads of a team may be threads of one process, or processes that share
 * nothing but the table.  A server hands what it accepted to whichever
 * colleague comes first.  At the end the listener is shut while threads sleep in
 * accept(): they must come back. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/unit/model.h"
#include "tests/unit/unit.h"

#define ROUNDS 4
#define QUEUES 2
#define TEAMS 3                         /* of a queue; the first one serves */
#define MEMBERS 3
#define CALLS 10
#define NUMBERS (TEAMS * MEMBERS * CALLS)
#define FDS 512
#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

enum kind { UNIX_STREAM, UNIX_SEQPACKET, TCP4, TCP6, TCP_MAPPED, KINDS };

static struct queue {
	enum kind kind;
	int fd;
	unsigned backlog, early;        /* early: the server gives up after so many, 0: does not */
	uint8_t name[128];
	uint32_t name_size;
	long pid[TEAMS];
	/* atomics */
	uint32_t connected, maybe, accepting, accepted;
	uint32_t over, ended, killed, wrong, slot;
	uint32_t seen[NUMBERS], unanswered[NUMBERS];
	struct team {
		bool processes;
		uint32_t running;
		uint32_t owner[FDS];
	} team[TEAMS];
} queues[QUEUES];

static int wrong(struct queue *q, int line, long a, long b)
{
	model_say("line %d: kind %d backlog %u: %ld %ld (connected %u maybe %u accepting %u accepted %u ended %u)\n", line,
		  (int)q->kind, q->backlog, a, b, get(q->connected), get(q->maybe), get(q->accepting), get(q->accepted),
		  get(q->ended));
	set(q->wrong, 1);
	return 1;
}
#define WRONG(q, a, b) wrong(q, __LINE__, (long)(a), (long)(b))

static bool is_unix(const struct queue *q) { return q->kind <= UNIX_SEQPACKET; }
static int type_of(const struct queue *q) { return q->kind == UNIX_SEQPACKET ? SOCK_SEQPACKET : SOCK_STREAM; }
static int family_of(const struct queue *q) { return is_unix(q) ? AF_UNIX : q->kind == TCP4 ? AF_INET : AF_INET6; }
/* A call that was broken off needs no explanation. */
static bool excused(struct queue *q) { return get(q->ended) || get(q->killed) || model_faults; }

/* With faults those may have died for whom a call waits. */
static void limit_waits(long fd)
{
	uint64_t a = args_page() + 512;
	int64_t t[2] = { 0, 300000 };

	u_put(a, t, sizeof t);
	for (int tries = 0; tries < 20 && model_faults; tries++)
		if (!u(SYS_setsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, a, sizeof t) &&
		    !u(SYS_setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, a, sizeof t))
			return;
}

/* ---- descriptors of a team ---- */

static void take(struct queue *q, struct team *t, long fd)
{
	if (fd >= FDS || __atomic_exchange_n(&t->owner[fd], 1, __ATOMIC_SEQ_CST))
		WRONG(q, fd, 0);
}

static void drop(struct team *t, long fd)
{
	set(t->owner[fd], 0);
	u(SYS_close, fd);
}

/* Another number for the same file, or numbers that come and go. */
static long juggle(struct queue *q, struct team *t, long fd)
{
	uint64_t a = args_page() + 512;
	int32_t p[2];
	long d;

	switch (below(6)) {
	case 0:
		d = u(SYS_dup, fd);
		if (d < 0)
			return fd;
		take(q, t, d);
		drop(t, fd);
		return d;
	case 1:
		if (u(SYS_pipe2, a, 0))
			return fd;
		u_get(p, a, 8);
		take(q, t, p[0]);
		take(q, t, p[1]);
		/* Onto a number of ours. */
		u(SYS_dup3, fd, p[0], below(2) ? O_CLOEXEC : 0);
		drop(t, p[0]);
		drop(t, p[1]);
		return fd;
	case 2:
		d = u(SYS_fcntl, fd, F_DUPFD_CLOEXEC, below(40));
		if (d >= 0) {
			take(q, t, d);
			drop(t, d);
		}
		return fd;
	}
	return fd;
}

static void hang_up(struct team *t, long fd)
{
	struct { int32_t on, seconds; } linger = { 1, 0 };

	if (!below(5)) {
		u_put(args_page(), &linger, sizeof linger);
		u(SYS_setsockopt, fd, SOL_SOCKET, SO_LINGER, args_page(), sizeof linger);
	}
	drop(t, fd);
}

/* ---- calling ---- */

static void check_queue(struct queue *q)
{
	uint32_t made = get(q->connected), begun = get(q->accepting);

	if (made > begun + q->backlog + 1)
		WRONG(q, made, begun);
}

/* connect() that goes on in the background: has it come to something? */
static long await_connect(struct queue *q, long fd)
{
	struct pollfd p = { (int)fd, POLLOUT, 0 };
	uint64_t a = args_page() + 512;
	int32_t v = 0, n = 4;

	add(q->maybe, 1);
	u_put(a, &p, sizeof p);
	if (u(SYS_poll, a, 1, 2000) <= 0)
		return -EAGAIN;
	u_put(a + 16, &n, 4);
	if (u(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, a + 8, a + 16))
		return -EAGAIN;
	u_get(&v, a + 8, 4);
	u_get(&p, a, sizeof p);
	return v ? -v : p.revents & POLLOUT ? 0 : -EAGAIN;
}

/* A port that nobody listens at any more may be given to who calls it. */
static bool is_self(long fd)
{
	uint8_t name[2][128] = { { 0 } };
	uint64_t a = args_page();
	int32_t n = 128;

	for (int k = 0; k < 2; k++) {
		u_put(a, &n, 4);
		if (u(k ? SYS_getpeername : SYS_getsockname, fd, a + 64, a))
			return false;
		u_get(name[k], a + 64, 64);
	}
	return !memcmp(name[0], name[1], 28);
}

static long dial(struct queue *q, struct team *t, long *ret_fd)
{
	bool nonblock = below(2);
	uint64_t a = args_page();
	long fd = u(SYS_socket, family_of(q), type_of(q) | (nonblock ? SOCK_NONBLOCK : 0), 0), r;

	if (fd < 0)
		return no_room(fd) ? -EAGAIN : fd;
	take(q, t, fd);
	limit_waits(fd);
	u_put(a, q->name, q->name_size);
	r = u(SYS_connect, fd, a, q->name_size);
	if (r == -EINPROGRESS || (r == -EINTR && !is_unix(q)))
		r = await_connect(q, fd);
	if (!r && !is_unix(q) && is_self(fd)) {
		if (!excused(q))
			WRONG(q, fd, 0);
		r = -ECONNREFUSED;
	}
	if (!r) {
		add(q->connected, 1);
		check_queue(q);
		if (nonblock)
			u(SYS_fcntl, fd, F_SETFL, O_RDWR);
		*ret_fd = juggle(q, t, fd);
		return 0;
	}
	hang_up(t, fd);
	return r;
}

static void call(struct queue *q, struct team *t, uint32_t number)
{
	uint64_t d = data_page();
	uint32_t got = 0;
	long fd = -1, r = dial(q, t, &fd);

	if (r) {
		if (!no_room(r) && !(r == -ETIMEDOUT && !is_unix(q)) &&
		    !((r == -ECONNREFUSED || r == -ECONNRESET) && excused(q)))
			WRONG(q, r, number);
		return;
	}
	if (!below(8))
		goto out;
	u_put(d, &number, 4);
	r = u(SYS_sendto, fd, d, 4, MSG_NOSIGNAL, 0, 0);
	if (r != 4) {
		if (!no_room(r) && !((r == -EPIPE || r == -ECONNRESET) && excused(q)))
			WRONG(q, r, number);
		goto out;
	}
	if (!below(8))
		goto out;
	do {
		r = u(SYS_recvfrom, fd, d, 4, MSG_WAITALL, 0, 0);
	} while (r == -EINTR);
	u_get(&got, d, 4);
	if (r == 4 ? got != number || !get(q->seen[number]) : r > 0)
		WRONG(q, got, number);
	if (r <= 0 && !get(q->unanswered[number]) && !excused(q))
		WRONG(q, r, number);
out:
	hang_up(t, fd);
}

static void call_all(struct queue *q, unsigned team, unsigned member)
{
	for (unsigned i = 0; i < CALLS; i++)
		call(q, &q->team[team], (team * MEMBERS + member) * CALLS + i);
}

/* ---- serving ---- */

static void serve(struct queue *q, struct team *t, long fd)
{
	uint64_t d = data_page();
	uint32_t number = 0;
	long r;

	limit_waits(fd);
	fd = juggle(q, t, fd);
	do {
		r = u(SYS_recvfrom, fd, d, 4, MSG_WAITALL, 0, 0);
	} while (r == -EINTR);
	if (r == 4) {
		u_get(&number, d, 4);
		if (number >= NUMBERS) {
			WRONG(q, number, 0);
			goto out;
		}
		if (!below(6) || model_faults)
			set(q->unanswered[number], 1);
		if (__atomic_exchange_n(&q->seen[number], 1, __ATOMIC_SEQ_CST))
			WRONG(q, number, 1);
		if (!get(q->unanswered[number]) || model_faults) {
			r = u(SYS_sendto, fd, d, 4, MSG_NOSIGNAL, 0, 0);
			if (r != 4 && r != -EPIPE && r != -ECONNRESET && !no_room(r))
				WRONG(q, r, number);
			/* Closed with data that the other side was yet to read. */
			drop(t, fd);
			return;
		}
	} else if (r && r != -ECONNRESET && !no_room(r)) {
		WRONG(q, r, 0);
	}
out:
	hang_up(t, fd);
}

static long accept_one(struct queue *q)
{
	struct pollfd p = { q->fd, POLLIN, 0 };
	long r;

	if (!below(3)) {
		u_put(args_page(), &p, sizeof p);
		u(SYS_poll, args_page(), 1, 1 + below(3));
	}
	add(q->accepting, 1);
	r = u(SYS_accept4, q->fd, 0, 0, below(2) ? SOCK_CLOEXEC : 0);
	if (r < 0)
		add(q->accepting, (uint32_t)-1);
	return r;
}

static void serve_all(struct queue *q)
{
	struct team *t = &q->team[0];

	for (;;) {
		uint32_t other;
		long r = accept_one(q);

		if (r < 0) {
			/* With faults perhaps nobody is left who shuts it. */
			if ((r == -EINVAL || model_faults) && get(q->ended))
				return;
			if (!no_room(r) && r != -ECONNABORTED) {
				WRONG(q, r, 0);
				return;
			}
			continue;
		}
		take(q, t, r);
		add(q->accepted, 1);
		/* To whom it may concern. */
		other = __atomic_exchange_n(&q->slot, (uint32_t)r + 1, __ATOMIC_SEQ_CST);
		if (other)
			serve(q, t, other - 1);
		other = __atomic_exchange_n(&q->slot, 0, __ATOMIC_SEQ_CST);
		if (other)
			serve(q, t, other - 1);
	}
}

/* A member that died without memory has not said so. */
static bool team_works(struct team *t)
{
	pause_us(50);
	if (t->processes)
		while (u(SYS_wait4, -1, 0, WNOHANG, 0) > 0)
			;
	return get(t->running) && !(t->processes && u(SYS_wait4, -1, 0, WNOHANG, 0) == -ECHILD);
}

/* Nobody calls any more: everybody who did is let in, then it is over. */
static void end_serving(struct queue *q)
{
	struct pollfd p = { q->fd, POLLIN, 0 };
	uint32_t accepted, made;

	while (!get(q->over) && !(q->early && get(q->accepted) >= q->early) && team_works(&q->team[0]))
		;
	if (get(q->over) && !model_faults)
		do {
			pause_us(50);
			u_put(args_page(), &p, sizeof p);
		} while (u(SYS_poll, args_page(), 1, 0) != 0);
	else
		set(q->killed, 1);
	set(q->ended, 1);
	while (u(SYS_shutdown, q->fd, SHUT_RDWR) && model_faults)
		;
	while (team_works(&q->team[0]))
		;
	accepted = get(q->accepted);
	made = get(q->connected);
	if (!get(q->killed) && !model_faults && (accepted < made || accepted > made + get(q->maybe)))
		WRONG(q, accepted, made);
}

/* ---- teams ---- */

static int member(int arg)
{
	unsigned nr = (unsigned)arg % MEMBERS, team = (unsigned)arg / MEMBERS % TEAMS;
	struct queue *q = &queues[(unsigned)arg / MEMBERS / TEAMS];

	(void)u_page();                 /* without that it ends here */
	if (team)
		call_all(q, team, nr);
	else
		serve_all(q);
	add(q->team[team].running, (uint32_t)-1);
	if (!q->team[team].processes)
		u(SYS_exit, 0);
	return 0;
}

static int leader(int arg)
{
	unsigned team = (unsigned)arg % TEAMS;
	struct queue *q = &queues[(unsigned)arg / TEAMS];
	struct team *t = &q->team[team];

	for (unsigned i = 0; i < QUEUES; i++)
		if (queues[i].fd >= 0 && (team || &queues[i] != q))
			u(SYS_close, queues[i].fd);
	for (unsigned i = 0; i < MEMBERS; i++) {
		add(t->running, 1);
		if (u_clone(t->processes ? CLONE_FILES | SIGCHLD : THREAD_FLAGS, member, arg * MEMBERS + (int)i) < 0)
			add(t->running, (uint32_t)-1);
	}
	if (!team)
		end_serving(q);
	while (team_works(t))
		;
	return 0;
}

static void make_queue(struct queue *q)
{
	long s;

	memset(q, 0, sizeof *q);
	q->fd = -1;
	q->kind = below(KINDS);
	q->backlog = below(5);
	q->early = below(4) ? 0 : 1 + below(20);
	for (unsigned i = 0; i < TEAMS; i++) {
		q->pid[i] = -1;
		q->team[i].processes = below(2);
	}
	s = u(SYS_socket, family_of(q), type_of(q), 0);
	if (s < 0)
		return;
	if (bind_anywhere(family_of(q), q->kind == TCP_MAPPED, s) || u(SYS_listen, s, q->backlog)) {
		u(SYS_close, s);
		return;
	}
	limit_waits(s);
	q->fd = (int)s;
	u_get(&q->name_size, args_page() + 256, 4);
	u_get(q->name, args_page(), q->name_size);
}

static void harass(void)
{
	for (unsigned i = 0; i < 12; i++) {
		struct queue *q = &queues[below(QUEUES)];
		unsigned team = below(TEAMS);

		pause_us(below(3) ? 2 : 60);
		if (q->pid[team] < 0)
			continue;
		/* Threads end together; a process leaves its descriptors to the others. */
		if (!below(8) && !q->team[team].processes) {
			set(q->killed, 1);
			u(SYS_kill, q->pid[team], SIGKILL);
		} else {
			u(SYS_kill, q->pid[team], SIGUSR1);
		}
	}
}

/* One of the teams is over, with all its members. */
static void team_over(long pid)
{
	for (struct queue *q = queues; q < queues + QUEUES; q++) {
		bool calling = false;

		for (unsigned i = 0; i < TEAMS; i++) {
			if (q->pid[i] == pid)
				q->pid[i] = -1;
			calling |= i && q->pid[i] >= 0;
		}
		if (!calling)
			set(q->over, 1);
		if (q->pid[0] < 0)
			set(q->ended, 1);
	}
}

static int play_round(void)
{
	int bad = 0;
	long p;

	for (struct queue *q = queues; q < queues + QUEUES; q++)
		q->fd = -1;
	for (struct queue *q = queues; q < queues + QUEUES; q++)
		make_queue(q);
	handle_usr1();
	for (int i = 0; i < QUEUES * TEAMS; i++)
		if (queues[i / TEAMS].fd >= 0)
			queues[i / TEAMS].pid[i % TEAMS] = u_fork(leader, i);
	for (struct queue *q = queues; q < queues + QUEUES; q++)
		if (q->fd >= 0)
			u(SYS_close, q->fd);
	harass();
	team_over(0);                   /* those that did not begin */
	while ((p = u(SYS_wait4, -1, 0, 0, 0)) != -ECHILD)
		if (p > 0)
			team_over(p);
	for (struct queue *q = queues; q < queues + QUEUES; q++)
		bad |= (int)get(q->wrong);
	return bad;
}

int accept_model(int arg) { return model_rounds(play_round, ROUNDS); }
