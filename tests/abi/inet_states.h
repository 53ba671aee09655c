/* SPDX-License-Identifier: Apache-2.0 */
/* TCP: every operation in every state, with every kind of poll.  Three programs, since each takes seconds. */
#ifndef ABI_INET_STATES_H
#define ABI_INET_STATES_H
#include "states.h"
#include "inet.h"

static void fresh(struct inst *i) { i->s = socket(inet_family, SOCK_STREAM, 0); }
static int nonblocking(void) { return socket(inet_family, SOCK_STREAM | SOCK_NONBLOCK, 0); }

static void bound(struct inst *i)
{
	struct sockaddr_storage a;

	fresh(i);
	bind(i->s, (void *)&a, loop_name(&a, 0));
}

static void listening(struct inst *i) { i->s = listener(3); }
static void with_queue(struct inst *i) { listening(i); i->peer = dial(i->s); }
static void queue_gone(struct inst *i) { listening(i); close(dial(i->s)); }
static void listener_shut(struct inst *i) { listening(i); shutdown(i->s, SHUT_RD); }
static void listener_shut_wr(struct inst *i) { with_queue(i); shutdown(i->s, SHUT_WR); }

/* Somebody whose queue is full, and a name at which nobody listens (nor will
 * another program of this machine: it is bound): of the family at hand. */
static int crowded = -1;
static struct sockaddr_storage dead;
static socklen_t dead_size = sizeof dead;

static void with_family(int family, int mapped)
{
	int held;

	inet_family = family;
	inet_mapped = mapped;
	crowded = listener(0);
	(void)dial(crowded);
	held = socket(family, SOCK_STREAM, 0);
	bind(held, (void *)&dead, loop_name(&dead, 0));
	dead_size = sizeof dead;
	getsockname(held, (void *)&dead, &dead_size);
}

static void connecting(struct inst *i)
{
	i->s = nonblocking();
	dial_with(i->s, crowded);
}

static void connecting_shut(struct inst *i) { connecting(i); shutdown(i->s, SHUT_RDWR); }

static void refused(struct inst *i)
{
	i->s = nonblocking();
	connect(i->s, (void *)&dead, dead_size);
}

static void refused_told(struct inst *i) { refused(i); int_opt(i->s, SOL_SOCKET, SO_ERROR); }

static void refused_blocking(struct inst *i)
{
	fresh(i);
	connect(i->s, (void *)&dead, dead_size);
}

static void connected(struct inst *i)
{
	int p[2];

	tcp_pair(p);
	i->s = p[0];
	i->peer = p[1];
}

static void accepted(struct inst *i)
{
	int p[2];

	tcp_pair(p);
	i->s = p[1];
	i->peer = p[0];
}

static void feed(struct inst *i) { (void)!write(i->peer, "data", 4); }
static void hit(struct inst *i)
{
	setsockopt(i->peer, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
	close(i->peer);
	i->peer = -1;
}
static void drop(struct inst *i) { close(i->peer); i->peer = -1; }

static void with_data(struct inst *i) { connected(i); feed(i); }
static void shut_rd(struct inst *i) { connected(i); shutdown(i->s, SHUT_RD); }
static void shut_rd_data(struct inst *i) { with_data(i); shutdown(i->s, SHUT_RD); }
static void shut_wr(struct inst *i) { connected(i); shutdown(i->s, SHUT_WR); }
static void shut_wr_data(struct inst *i) { with_data(i); shutdown(i->s, SHUT_WR); }
static void shut_both(struct inst *i) { connected(i); shutdown(i->s, SHUT_RDWR); }
static void peer_shut(struct inst *i) { accepted(i); shutdown(i->peer, SHUT_WR); }
static void peer_shut_data(struct inst *i) { connected(i); feed(i); shutdown(i->peer, SHUT_WR); }
static void peer_shut_rd(struct inst *i) { connected(i); shutdown(i->peer, SHUT_RD); }
static void peer_shut_both(struct inst *i) { connected(i); shutdown(i->peer, SHUT_RDWR); }
static void peer_closed(struct inst *i) { connected(i); drop(i); }
static void peer_closed_data(struct inst *i) { with_data(i); drop(i); }
static void peer_closed_unread(struct inst *i) { connected(i); (void)!write(i->s, "unread", 6); drop(i); }
static void peer_closed_written(struct inst *i) { peer_closed(i); send(i->s, "x", 1, MSG_NOSIGNAL); }
static void peer_reset(struct inst *i) { connected(i); hit(i); }
static void peer_reset_told(struct inst *i) { peer_reset(i); int_opt(i->s, SOL_SOCKET, SO_ERROR); }
static void peer_reset_data(struct inst *i) { with_data(i); hit(i); }
static void shut_wr_reset(struct inst *i) { shut_wr(i); hit(i); }
static void shut_wr_peer_closed(struct inst *i) { shut_wr(i); drop(i); }
static void peer_shut_reset(struct inst *i) { peer_shut(i); hit(i); }
static void both_shut(struct inst *i) { connected(i); shutdown(i->s, SHUT_WR); shutdown(i->peer, SHUT_WR); }
static void both_shut_data(struct inst *i) { with_data(i); shutdown(i->s, SHUT_WR); shutdown(i->peer, SHUT_WR); }
static void both_shut_second(struct inst *i) { connected(i); shutdown(i->peer, SHUT_WR); shutdown(i->s, SHUT_WR); }

static void unconnected(struct inst *i)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	connected(i);
	connect(i->s, &none, sizeof none);
}

static void peer_unconnected(struct inst *i)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	connected(i);
	connect(i->peer, &none, sizeof none);
}

static void full(struct inst *i)
{
	static char b[65536];
	int small = 4608;

	connected(i);
	setsockopt(i->s, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	setsockopt(i->peer, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	while (send(i->s, b, sizeof b, NB) > 0)
		;
}

static void urgent(struct inst *i) { connected(i); send(i->peer, "ab!", 3, MSG_OOB); }
static void urgent_only(struct inst *i) { connected(i); send(i->peer, "!", 1, MSG_OOB); }
static void urgent_inline(struct inst *i)
{
	connected(i);
	setsockopt(i->s, SOL_SOCKET, SO_OOBINLINE, &(int){ 1 }, sizeof(int));
	send(i->peer, "ab!", 3, MSG_OOB);
}
static void urgent_read(struct inst *i) { char c; urgent(i); recv(i->s, &c, 1, MSG_OOB); }
static void corked(struct inst *i)
{
	connected(i);
	setsockopt(i->s, IPPROTO_TCP, TCP_CORK, &(int){ 1 }, sizeof(int));
}
static void low_water(struct inst *i)
{
	connected(i);
	setsockopt(i->s, SOL_SOCKET, SO_RCVLOWAT, &(int){ 10 }, sizeof(int));
	feed(i);
}

static const struct state states[] = {
	{ "fresh", fresh }, { "bound", bound }, { "listening", listening }, { "listening with one", with_queue },
	{ "listening, the one is gone", queue_gone }, { "listener shut", listener_shut },
	{ "listener shut for writing", listener_shut_wr }, { "connecting", connecting },
	{ "connecting, shut", connecting_shut }, { "refused", refused }, { "refused and told", refused_told },
	{ "refused while waiting", refused_blocking }, { "connected", connected }, { "accepted", accepted },
	{ "with data", with_data }, { "shut for reading", shut_rd }, { "shut for reading with data", shut_rd_data },
	{ "shut for writing", shut_wr }, { "shut for writing with data", shut_wr_data }, { "shut for both", shut_both },
	{ "peer shut for writing", peer_shut }, { "peer shut for writing, data", peer_shut_data },
	{ "peer shut for reading", peer_shut_rd }, { "peer shut for both", peer_shut_both }, { "peer closed", peer_closed },
	{ "peer closed, data", peer_closed_data }, { "peer closed, had not read", peer_closed_unread },
	{ "peer closed, written since", peer_closed_written }, { "reset", peer_reset }, { "reset and told", peer_reset_told },
	{ "reset, data", peer_reset_data }, { "shut for writing and reset", shut_wr_reset },
	{ "shut for writing, peer closed", shut_wr_peer_closed }, { "end of file, then reset", peer_shut_reset },
	{ "both shut, first", both_shut }, { "both shut, data", both_shut_data }, { "both shut, second", both_shut_second },
	{ "unconnected", unconnected }, { "peer unconnected", peer_unconnected }, { "full", full }, { "urgent", urgent },
	{ "urgent only", urgent_only }, { "urgent inline", urgent_inline }, { "urgent, read", urgent_read },
	{ "corked", corked }, { "below the low-water mark", low_water },
};

/* FIN_WAIT1, CLOSING and LAST_ACK last as long as an acknowledgement takes. */
static void op_state(struct inst *i) { SAY("%d", tcp_state(i->s)); }
static void op_again(struct inst *i)
{
	fcntl(i->s, F_SETFL, O_NONBLOCK);
	SAY("%s", res(connect(i->s, (void *)&dead, dead_size)));
	msleep(1);
	SAY(" %s then %x", res(connect(i->s, (void *)&dead, dead_size)), bits(i->s));
}
static void op_bind(struct inst *i)
{
	struct sockaddr_storage a;

	SAY("%s", res(bind(i->s, (void *)&a, loop_name(&a, 0))));
}
static void op_tcp(struct inst *i)
{
	int v = 1;

	SAY("fastopen %s", res(setsockopt(i->s, IPPROTO_TCP, TCP_FASTOPEN, &v, sizeof v)));
	SAY(" fastopen connect %s", res(setsockopt(i->s, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &v, sizeof v)));
	SAY(" mss %s", int_opt(i->s, IPPROTO_TCP, TCP_MAXSEG) > 0 ? "some" : "none");
	SAY(" sendto %s", res(sendto(i->s, "x", 1, NB, (void *)&(struct sockaddr_in){ .sin_family = AF_INET },
				     sizeof(struct sockaddr_in))));
}
static const struct op more[] = { { "state", op_state }, { "connect", op_again }, { "bind", op_bind }, { "tcp", op_tcp } };

static void tcp_states(const char *kind, int family, int mapped)
{
	with_family(family, mapped);
	all_states(kind, SOCK_STREAM, states, LEN(states), 250, more, LEN(more));
}
#endif
