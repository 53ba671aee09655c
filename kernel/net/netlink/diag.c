/* SPDX-License-Identifier: Apache-2.0 */
/* NETLINK_SOCK_DIAG: sockets as ss(8) asks for them, sock_diag(7): TCP, UDP,
 * Unix and netlink ones; all, or the one with these addresses.  Other families and
 * protocols are not there (ENOENT), ss then reads /proc/net. */
#include "kernel/net/diag.h"
#include "kernel/net/netlink/sock.h"

#define SOCK_DIAG_BY_FAMILY 20
#define DIAG_INFO 2
#define DIAG_CONG 4
#define DIAG_TOS 5
#define DIAG_SKMEMINFO 7
#define DIAG_SHUTDOWN 8
#define DIAG_V6ONLY 11
#define REQ_BYTECODE 1
#define REQ_PROTOCOL 3                  /* of more than 8 bits: MPTCP, of which there are no sockets */

struct sockid { uint16_t sport, dport; uint32_t src[4], dst[4], link, cookie[2]; };
struct inet_req { uint8_t family, protocol, ext, pad; uint32_t states; struct sockid id; };
struct inet_msg { uint8_t family, state, timer, retrans; struct sockid id; uint32_t expires, rqueue, wqueue, uid, inode; };
_Static_assert(sizeof(struct inet_req) == 56, "inet_diag_req_v2");
_Static_assert(sizeof(struct inet_msg) == 72, "inet_diag_msg");

struct unix_req { uint8_t family, protocol; uint16_t pad; uint32_t states, ino, show, cookie[2]; };
struct unix_msg_k { uint8_t family, type, state, pad; uint32_t ino, cookie[2]; };
_Static_assert(sizeof(struct unix_req) == 24, "unix_diag_req");
_Static_assert(sizeof(struct unix_msg_k) == 16, "unix_diag_msg");
enum { UNIX_NAME, UNIX_VFS, UNIX_PEER, UNIX_ICONS, UNIX_RQLEN, UNIX_MEMINFO, UNIX_SHUTDOWN, UNIX_UID };
#define SHOW_NAME 1u
#define SHOW_PEER 4u
#define SHOW_RQLEN 16u
#define SHOW_UID 64u

/* ---- the filter: a small program that ss makes of its expression ---- */

struct op { uint8_t code, yes; uint16_t no; };
enum { OP_NOP, OP_JMP, OP_S_GE, OP_S_LE, OP_D_GE, OP_D_LE, OP_AUTO, OP_S_COND, OP_D_COND, OP_DEV, OP_MARK, OP_S_EQ,
       OP_D_EQ };
struct host { uint8_t family, prefix; uint16_t pad; int32_t port; };

static bool host_matches(const uint8_t *p, size_t n, const struct endpoint *e)
{
	struct ipaddr net = ip_any6;
	struct host h;
	size_t size;

	if (n < sizeof h)
		return false;
	memcpy(&h, p, sizeof h);
	size = h.family == AF_INET ? 4 : h.family == AF_INET6 ? 16 : 0;
	if (n < sizeof h + size || h.prefix > size * 8)
		return false;
	if (h.port != -1 && h.port != e->port)
		return false;
	if (!h.prefix)
		return true;
	if (h.family == AF_INET)
		net = ip_any4;
	memcpy(net.b + (h.family == AF_INET ? 12 : 0), p + sizeof h, size);
	/* A mapped prefix of IPv6 counts the 96 bits before the address. */
	if (h.family == AF_INET6 && ip_is_v4(&net))
		return h.prefix >= 96 ? ip_in_prefix(&e->ip, &net, h.prefix - 96u) : ip_is_v4(&e->ip);
	return ip_in_prefix(&e->ip, &net, h.prefix);
}

/* Jumps go forward only, so it ends; false also for a program that makes no
 * sense. */
static bool passes(const uint8_t *p, size_t n, const struct inet_diag *d)
{
	while (n >= sizeof(struct op)) {
		struct op op, arg = { 0 };
		size_t step;
		bool yes;

		memcpy(&op, p, sizeof op);
		if (n >= 2 * sizeof op)
			memcpy(&arg, p + sizeof op, sizeof arg);
		switch (op.code) {
		case OP_NOP: yes = true; break;
		case OP_JMP: yes = false; break;
		case OP_S_GE: yes = d->local.port >= arg.no; break;
		case OP_S_LE: yes = d->local.port <= arg.no; break;
		case OP_D_GE: yes = d->remote.port >= arg.no; break;
		case OP_D_LE: yes = d->remote.port <= arg.no; break;
		case OP_S_EQ: yes = d->local.port == arg.no; break;
		case OP_D_EQ: yes = d->remote.port == arg.no; break;
		case OP_AUTO: yes = !d->port_locked; break;
		case OP_S_COND: yes = host_matches(p + sizeof op, n - sizeof op, &d->local); break;
		case OP_D_COND: yes = host_matches(p + sizeof op, n - sizeof op, &d->remote); break;
		default: yes = false;
		}
		step = yes ? op.yes : op.no;
		if (step < sizeof op)
			return false;
		if (step >= n)
			return step == n;       /* one past the end: refused */
		p += step;
		n -= step;
	}
	return !n;
}

/* ---- IP ---- */

struct inet_query {
	struct nl_request *r;
	struct inet_req q;
	const uint8_t *code;
	size_t code_size;
	bool one, found;
};

static void put_id(struct sockid *id, const struct inet_diag *d)
{
	*id = (struct sockid){ .sport = be16(d->local.port), .dport = be16(d->remote.port),
			       .cookie = { (uint32_t)d->ino, 0 } };
	memcpy(id->src, d->local.ip.b + (d->family == AF_INET ? 12 : 0), d->family == AF_INET ? 4 : 16);
	memcpy(id->dst, d->remote.ip.b + (d->family == AF_INET ? 12 : 0), d->family == AF_INET ? 4 : 16);
}

static void put_inet(struct nl_request *r, const struct inet_diag *d, uint8_t ext)
{
	struct inet_msg m = { .family = (uint8_t)d->family, .state = d->state, .timer = d->timer,
			      .expires = d->expires_ms, .rqueue = d->rqueue, .wqueue = d->wqueue, .uid = d->uid,
			      .inode = (uint32_t)d->ino };
	bool listens = d->state == TCP_LISTEN;
	uint32_t mem[9] = { listens ? 0 : d->rqueue, (uint32_t)d->rcvbuf, 0, (uint32_t)d->sndbuf, 0, listens ? 0 : d->wqueue };

	put_id(&m.id, d);
	nl_begin(r, SOCK_DIAG_BY_FAMILY, &m, sizeof m);
	if (d->state != TCP_TIME_WAIT)
		nl_u8(r, DIAG_SHUTDOWN, d->shutdown);
	if (ext & 1u << (DIAG_TOS - 1))
		nl_u8(r, DIAG_TOS, d->tos);
	if (d->family == AF_INET6 && (d->state == TCP_LISTEN || d->state == TCP_CLOSE))
		nl_u8(r, DIAG_V6ONLY, d->v6only);
	if (ext & 1u << (DIAG_SKMEMINFO - 1))
		nl_attr(r, DIAG_SKMEMINFO, mem, sizeof mem);
	if (d->info)
		nl_attr(r, DIAG_INFO, d->info, d->info_size);
	if (ext & 1u << (DIAG_CONG - 1) && d->congestion)
		nl_attr(r, DIAG_CONG, d->congestion, strlen(d->congestion) + 1);
	nl_end(r);
}

static void each_inet(const struct inet_diag *d, void *arg)
{
	struct inet_query *q = arg;
	const struct sockid *id = &q->q.id;

	if (d->family != q->q.family)
		return;
	if (q->one) {
		struct sockid own;

		put_id(&own, d);
		if (q->found || own.sport != id->sport || own.dport != id->dport || memcmp(own.src, id->src, sizeof own.src) ||
		    memcmp(own.dst, id->dst, sizeof own.dst))
			return;
		q->found = true;
	} else if (!(q->q.states & 1u << d->state) || (id->sport && be16(id->sport) != d->local.port) ||
		   (id->dport && be16(id->dport) != d->remote.port) || (q->code && !passes(q->code, q->code_size, d))) {
		return;
	}
	put_inet(q->r, d, q->q.ext);
}

static int inet_request(struct nl_request *r)
{
	struct inet_query q = { .r = r, .one = !r->dump };
	uint32_t whole;
	int err, proto;

	if (r->size < sizeof q.q)
		return -EINVAL;
	memcpy(&q.q, r->body, sizeof q.q);
	if (nl_get_u32(r, sizeof q.q, REQ_PROTOCOL, &whole) && whole != q.q.protocol)
		return whole == IPPROTO_MPTCP && r->dump ? 0 : -ENOENT;
	if (q.q.protocol != IPPROTO_TCP && q.q.protocol != IPPROTO_UDP)
		return -ENOENT;
	proto = q.q.protocol == IPPROTO_TCP ? PROTO_TCP : PROTO_UDP;
	q.code = nl_find(r, sizeof q.q, REQ_BYTECODE, &q.code_size);
	err = inet_diag_each(r->ns, proto, q.q.ext & 1u << (DIAG_INFO - 1), each_inet, &q);
	return err ? err : q.one && !q.found ? -ENOENT : 0;
}

/* ---- Unix ---- */

struct unix_query { struct nl_request *r; struct unix_req q; bool one, found; };

static void each_unix(const struct unix_diag *d, void *arg)
{
	struct unix_query *q = arg;
	struct unix_msg_k m = { .family = AF_UNIX, .type = d->type, .state = d->state, .ino = (uint32_t)d->ino,
				.cookie = { (uint32_t)d->ino, 0 } };
	uint32_t queues[2] = { d->rqueue, d->wqueue }, peer = (uint32_t)d->peer_ino;

	if (q->one ? q->found || d->ino != q->q.ino : !(q->q.states & 1u << d->state))
		return;
	q->found = true;
	nl_begin(q->r, SOCK_DIAG_BY_FAMILY, &m, sizeof m);
	if (q->q.show & SHOW_NAME && d->name)
		nl_attr(q->r, UNIX_NAME, d->name, d->name_size);
	if (q->q.show & SHOW_PEER && d->peer_ino)
		nl_attr(q->r, UNIX_PEER, &peer, sizeof peer);
	if (q->q.show & SHOW_RQLEN)
		nl_attr(q->r, UNIX_RQLEN, queues, sizeof queues);
	nl_u8(q->r, UNIX_SHUTDOWN, d->shutdown);
	if (q->q.show & SHOW_UID)
		nl_attr(q->r, UNIX_UID, &d->uid, sizeof d->uid);
	nl_end(q->r);
}

static int unix_request(struct nl_request *r)
{
	struct unix_query q = { .r = r, .one = !r->dump };

	if (r->size < sizeof q.q)
		return -EINVAL;
	memcpy(&q.q, r->body, sizeof q.q);
	if (q.one && !q.q.ino)
		return -EINVAL;
	unix_diag_each(r->ns, each_unix, &q);
	return q.one && !q.found ? -ENOENT : 0;
}

/* ---- netlink ---- */

struct netlink_req { uint8_t family, protocol; uint16_t pad; uint32_t ino, show, cookie[2]; };
struct netlink_msg { uint8_t family, type, protocol, state; uint32_t pid, dst_pid, dst_group, ino, cookie[2]; };
_Static_assert(sizeof(struct netlink_req) == 20, "netlink_diag_req");
_Static_assert(sizeof(struct netlink_msg) == 28, "netlink_diag_msg");
enum { NETLINK_D_MEMINFO, NETLINK_D_GROUPS };
#define SHOW_D_MEMINFO 1u
#define SHOW_D_GROUPS 2u
#define PROTO_ALL 255
#define PROTO_LIMIT 32

static int netlink_sockets(struct nl_request *r)
{
	struct netlink_req q;
	struct nl_sock *k;

	if (r->size < sizeof q || !r->dump) {
		r->dump = false;
		return r->size < sizeof q ? -EINVAL : -EOPNOTSUPP;
	}
	memcpy(&q, r->body, sizeof q);
	if (q.protocol != PROTO_ALL && q.protocol >= PROTO_LIMIT)
		return -ENOENT;
	spin_lock(&nl_all_lock);
	list_for_each(k, &nl_all, all_link) {
		struct netlink_msg m = { .family = AF_NETLINK, .type = (uint8_t)k->type, .protocol = (uint8_t)k->protocol,
					 .state = TCP_CLOSE, .pid = k->pid, .ino = (uint32_t)k->ino, .cookie = { (uint32_t)k->ino, 0 } };
		uint32_t mem[9] = { (uint32_t)k->queued, (uint32_t)k->rcvbuf };

		/* One that was never bound is not in Linux's table. */
		if ((!k->pid && !k->grouped) || k->ns != r->ns ||
		    (q.protocol != PROTO_ALL && q.protocol != k->protocol))
			continue;
		nl_begin(r, SOCK_DIAG_BY_FAMILY, &m, sizeof m);
		if (q.show & SHOW_D_GROUPS && k->grouped)
			nl_attr(r, NETLINK_D_GROUPS, &k->groups, sizeof k->groups);
		if (q.show & SHOW_D_MEMINFO)
			nl_attr(r, NETLINK_D_MEMINFO, mem, sizeof mem);
		nl_end(r);
	}
	spin_unlock(&nl_all_lock);
	return 0;
}

int diag_request(struct nl_request *r)
{
	if (r->h.type != SOCK_DIAG_BY_FAMILY)
		return r->h.type == 21 ? -EOPNOTSUPP : -EINVAL;         /* SOCK_DESTROY */
	if (r->size < 2)
		return -EINVAL;
	switch (r->body[0]) {
	case AF_INET:
	case AF_INET6: return inet_request(r);
	case AF_UNIX: return unix_request(r);
	case AF_NETLINK: return netlink_sockets(r);
	default:
		r->dump = false;        /* refused before a dump begins */
		return r->body[0] >= AF_MAX ? -EINVAL : -ENOENT;
	}
}
