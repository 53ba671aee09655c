/* SPDX-License-Identifier: Apache-2.0 */
/* Unix sockets of all three types: every operation in every state. */
#include "states.h"
#include "unix.h"

static int named(int type, struct sockaddr_un *a)
{
	int s = usock(type);
	socklen_t n = sizeof *a;

	bind(s, (void *)&(sa_family_t){ AF_UNIX }, sizeof(sa_family_t));
	getsockname(s, (void *)a, &n);
	return s;
}
#define NAME_SIZE ((socklen_t)(offsetof(struct sockaddr_un, sun_path) + 6))

static void fresh(struct inst *i) { i->s = usock(i->type); }
static void bound(struct inst *i) { struct sockaddr_un a; i->s = named(i->type, &a); }
static void pair(struct inst *i) { int p[2]; upair(i->type, p); i->s = p[0]; i->peer = p[1]; }
static void feed(struct inst *i) { (void)!write(i->peer, "data", 4); }
static void drop(struct inst *i) { close(i->peer); i->peer = -1; }
static void with_data(struct inst *i) { pair(i); feed(i); }
static void shut_rd(struct inst *i) { pair(i); shutdown(i->s, SHUT_RD); }
static void shut_rd_data(struct inst *i) { with_data(i); shutdown(i->s, SHUT_RD); }
static void shut_wr(struct inst *i) { pair(i); shutdown(i->s, SHUT_WR); }
static void shut_both(struct inst *i) { pair(i); shutdown(i->s, SHUT_RDWR); }
static void peer_shut_rd(struct inst *i) { pair(i); shutdown(i->peer, SHUT_RD); }
static void peer_shut_wr(struct inst *i) { pair(i); shutdown(i->peer, SHUT_WR); }
static void peer_shut_data(struct inst *i) { with_data(i); shutdown(i->peer, SHUT_WR); }
static void peer_shut_both(struct inst *i) { pair(i); shutdown(i->peer, SHUT_RDWR); }
static void both_shut(struct inst *i) { pair(i); shutdown(i->s, SHUT_WR); shutdown(i->peer, SHUT_WR); }
static void peer_closed(struct inst *i) { pair(i); drop(i); }
static void peer_closed_data(struct inst *i) { with_data(i); drop(i); }
static void peer_closed_unread(struct inst *i) { pair(i); (void)!write(i->s, "unread", 6); drop(i); }
static void full(struct inst *i)
{
	static char b[1000];

	pair(i);
	while (send(i->s, b, sizeof b, NB) > 0)
		;
}
static void out_of_band(struct inst *i) { with_data(i); send(i->peer, "!", 1, MSG_OOB | NB); }
static void with_fds(struct inst *i)
{
	int fd = 0;

	pair(i);
	send_fds(i->peer, "fd", 2, &fd, 1, NULL, 0);
}
static void with_creds(struct inst *i)
{
	pair(i);
	setint(i->s, SO_PASSCRED, 1);
	feed(i);
}
static void empty_message(struct inst *i) { pair(i); send(i->peer, "", 0, NB); }
static void three_messages(struct inst *i) { with_data(i); feed(i); send(i->peer, "end", 3, NB | MSG_EOR); }
static void peeked(struct inst *i) { with_data(i); setint(i->s, SO_PEEK_OFF, 2); }
static void low_water(struct inst *i) { with_data(i); setint(i->s, SO_RCVLOWAT, 10); }

/* ---- connection types ---- */
static void listening(struct inst *i) { bound(i); listen(i->s, 1); }
static void with_queue(struct inst *i)
{
	struct sockaddr_un a;

	i->s = named(i->type, &a);
	listen(i->s, 1);
	i->peer = usock(i->type);
	connect(i->peer, (void *)&a, NAME_SIZE);
}
static void queue_gone(struct inst *i) { with_queue(i); drop(i); }
static void listener_shut(struct inst *i) { with_queue(i); shutdown(i->s, SHUT_RD); }
static void accepted(struct inst *i)
{
	with_queue(i);
	i->aux = i->s;
	i->s = accept(i->aux, NULL, NULL);
}
static void not_accepted(struct inst *i)
{
	int l;

	with_queue(i);
	l = i->s;
	i->s = i->peer;
	i->peer = -1;
	i->aux = l;
}
static void never_accepted(struct inst *i) { not_accepted(i); close(i->aux); i->aux = -1; }
static void no_room(struct inst *i)
{
	struct sockaddr_un a;

	i->aux = named(i->type, &a);
	listen(i->aux, 0);
	i->peer = usock(i->type);
	connect(i->peer, (void *)&a, NAME_SIZE);
	i->s = socket(AF_UNIX, i->type | SOCK_NONBLOCK, 0);
	connect(i->s, (void *)&a, NAME_SIZE);
}
static void refused(struct inst *i)
{
	struct sockaddr_un a;

	i->aux = named(i->type, &a);
	i->s = usock(i->type);
	connect(i->s, (void *)&a, NAME_SIZE);
}

/* ---- datagrams ---- */
static void to_name(struct inst *i)
{
	struct sockaddr_un a;

	i->peer = named(i->type, &a);
	i->s = usock(i->type);
	connect(i->s, (void *)&a, NAME_SIZE);
}
static void name_gone(struct inst *i) { to_name(i); drop(i); }
static void taken(struct inst *i)
{
	struct sockaddr_un a;

	i->s = named(i->type, &a);
	i->peer = usock(i->type);
	connect(i->peer, (void *)&a, NAME_SIZE);
	feed(i);
}
static void name_full(struct inst *i)
{
	to_name(i);
	while (send(i->s, "m", 1, NB) > 0)
		;
}
static void no_longer_connected(struct inst *i)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	with_data(i);
	connect(i->s, &none, sizeof none);
}

#define COMMON { "fresh", fresh }, { "bound", bound }, { "pair", pair }, { "pair with data", with_data }, \
	{ "shut for reading", shut_rd }, { "shut for reading, data", shut_rd_data }, { "shut for writing", shut_wr }, \
	{ "shut for both", shut_both }, { "peer shut for reading", peer_shut_rd }, { "peer shut for writing", peer_shut_wr }, \
	{ "peer shut for writing, data", peer_shut_data }, { "peer shut for both", peer_shut_both }, \
	{ "both shut", both_shut }, { "peer closed", peer_closed }, { "peer closed, data", peer_closed_data }, \
	{ "peer closed, had not read", peer_closed_unread }, { "full", full }, { "out of band", out_of_band }, \
	{ "with descriptors", with_fds }, { "with credentials", with_creds }, { "empty message", empty_message }, \
	{ "three messages", three_messages }, { "peek offset", peeked }, { "below the low-water mark", low_water }
#define CONNECTIONS { "listening", listening }, { "listening with one", with_queue }, \
	{ "listening, the one is gone", queue_gone }, { "listener shut", listener_shut }, { "accepted", accepted }, \
	{ "not accepted yet", not_accepted }, { "never accepted", never_accepted }, { "no room", no_room }, \
	{ "refused", refused }
static const struct state connections[] = { COMMON, CONNECTIONS };
static const struct state datagrams[] = {
	COMMON, { "sends to a name", to_name }, { "the name is gone", name_gone }, { "is sent to", taken },
	{ "name's queue is full", name_full }, { "no longer connected", no_longer_connected },
};

static void op_connect(struct inst *i)
{
	struct sockaddr_un a;
	int l = named(i->type, &a);

	if (i->type != SOCK_DGRAM)
		listen(l, 5);
	SAY("%s", res(connect(i->s, (void *)&a, NAME_SIZE)));
	SAY(" %s then %x", res(connect(i->s, (void *)&a, NAME_SIZE)), bits(i->s));
	close(l);
}
static void op_bind(struct inst *i)
{
	SAY("%s", res(bind(i->s, (void *)&(sa_family_t){ AF_UNIX }, sizeof(sa_family_t))));
}
static void op_sendto(struct inst *i)
{
	struct sockaddr_un a;
	int t = named(i->type, &a);

	SAY("%s", res(sendto(i->s, "to", 2, NB, (void *)&a, NAME_SIZE)));
	SAY(" %s", res(sendto(i->s, "to", 2, NB, (void *)&a, 1)));
	close(t);
}
static void op_creds(struct inst *i)
{
	struct ucred u = { -7, 0, 0 };
	socklen_t n = sizeof u;

	SAY("%s", res(getsockopt(i->s, SOL_SOCKET, SO_PEERCRED, &u, &n)));
	SAY(" %s", u.pid == getpid() ? "mine" : u.pid ? "other" : "none");
}
static void op_fds(struct inst *i)
{
	int fd = 0;
	char b[64];
	struct got g;

	SAY("send %s", res(send_fds(i->s, "fd", 2, &fd, 1, NULL, NB)));
	g = recv_all(i->s, b, sizeof b, CTL, NB);
	SAY(" ");
	close_got(g);
	if (g.n < 0)
		SAY("%s", abi_errno(g.err));
	else
		SAY("%zd flags %x fds %d%s", g.n, g.flags, g.nfds, g.cred ? " cred" : "");
}
static const struct op more[] = {
	{ "connect", op_connect }, { "bind", op_bind }, { "sendto", op_sendto }, { "credentials", op_creds }, { "descriptors", op_fds },
};

int main(void)
{
	all_states("stream", SOCK_STREAM, connections, LEN(connections), 1, more, LEN(more));
	all_states("seqpacket", SOCK_SEQPACKET, connections, LEN(connections), 1, more, LEN(more));
	all_states("dgram", SOCK_DGRAM, datagrams, LEN(datagrams), 1, more, LEN(more));
	return 0;
}
