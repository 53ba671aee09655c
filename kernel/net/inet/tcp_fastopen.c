/* SPDX-License-Identifier: Apache-2.0 */
/* TCP fast open: RFC 7413, tcp(7).
 *
 * A server that wants it (TCP_FASTOPEN, the second bit of tcp_fastopen) gives who asks a
 * cookie; with one the first bytes go with the SYN, and a socket that does not block sends them
 * without waiting.  On lo connecting takes no time, so the bytes follow at once; what a program
 * sees is who may send before it is connected, and TCP_INFO.  Cookies are remembered by address,
 * a few for each name space; their keys are kept for who reads them.
 *
 * With TCP_FASTOPEN_CONNECT connect() only remembers where to ("lazy"), when there is a
 * cookie, and the first write connects. */
#include "kernel/net/inet/tcp.h"
#include "kernel/net/settings.h"

/* tcp_fastopen: ip-sysctl */
#define CLIENT 1
#define SERVER 2
#define CLIENT_NO_COOKIE 4
#define SERVER_NO_COOKIE 0x200
#define SERVER_ALL 0x400

static int64_t setting(const struct tcp_sock *t) { return net_setting(t->in.ns, SET_ipv4_tcp_fastopen); }

bool tcp_fastopen_client(const struct tcp_sock *t) { return setting(t) & CLIENT; }

bool tcp_fastopen_all(const struct tcp_sock *t) { return (setting(t) & (SERVER | SERVER_ALL)) == (SERVER | SERVER_ALL); }

void tcp_fastopen_need_key(struct netns *ns)
{
	struct fastopen_key fresh = { .size = 16, .made = true };

	krandom(fresh.b, fresh.size);
	spin_lock(&ns->lock);
	if (!ns->fastopen_key.made)
		ns->fastopen_key = fresh;
	spin_unlock(&ns->lock);
}

/* ns->lock held */
static bool has_cookie(const struct netns *ns, const struct ipaddr *to)
{
	bool found = false;

	for (unsigned k = 0; k < MIN(ns->cookie_count, COOKIES_MAX); k++)
		found |= ip_equal(&ns->cookies[k], to);
	return found;
}

static void remember(struct netns *ns, const struct ipaddr *to)
{
	spin_lock(&ns->lock);
	if (!has_cookie(ns, to)) {
		ns->cookies[ns->cookie_count % COOKIES_MAX] = *to;
		if (++ns->cookie_count == 2 * COOKIES_MAX)
			ns->cookie_count = COOKIES_MAX;
	}
	spin_unlock(&ns->lock);
}

bool tcp_fastopen_begin(struct tcp_sock *t, const struct ipaddr *to)
{
	bool needless = setting(t) & CLIENT_NO_COOKIE || t->opt[TCP_FASTOPEN_NO_COOKIE], cookie;

	spin_lock(&t->in.ns->lock);
	cookie = has_cookie(t->in.ns, to);
	spin_unlock(&t->in.ns->lock);
	t->fast = needless ? FAST_NEEDLESS : cookie ? FAST_COOKIE : FAST_ASKS;
	t->syn_data = false;
	t->fast_fail = t->fast == FAST_ASKS ? FAIL_NO_COOKIE : 0;
	return t->fast != FAST_ASKS;
}

void tcp_fastopen_meet(struct tcp_sock *t, struct tcp_sock *c, const struct tcp_sock *l)
{
	bool server = setting(l) & SERVER && l->opt[TCP_FASTOPEN] > 0;
	bool lax = setting(l) & SERVER_NO_COOKIE || l->opt[TCP_FASTOPEN_NO_COOKIE];

	if (server && !lax && t->fast == FAST_ASKS)
		remember(t->in.ns, &t->in.remote.ip);
	c->syn_data = t->syn_data = t->fast_data && server && (lax || t->fast == FAST_COOKIE);
	if (t->fast_data && !t->syn_data)
		t->fast_fail = FAIL_NOT_ACKED;
}

int tcp_fastopen_send(struct socket *s, struct tcp_sock *t, const struct sock_msg *m)
{
	const struct sock_addr *a = &m->name;
	struct endpoint to;
	bool lazy;
	int err;

	if (!tcp_fastopen_client(t) || (a->size >= sizeof a->u.family && a->u.family == AF_UNSPEC))
		return -EOPNOTSUPP;
	tcp_lock(t);
	lazy = t->lazy;
	t->lazy = false;
	spin_unlock(&t->lock);
	if (!lazy && !(m->flags & MSG_FASTOPEN))
		return 0;               /* another thread's write connects */
	if (lazy) {
		t->fast_data = m->it->left;
		err = tcp_connect_lazy(s, t, m->nonblock);
	} else {
		if (t->state != TCP_CLOSE || t->peer)
			return t->state == TCP_SYN_SENT ? -EALREADY : -EISCONN;
		err = inet_addr_parse(&t->in, a, false, &to);
		if (err)
			return err;
		t->fast_data = tcp_fastopen_begin(t, &to.ip) && m->it->left;
		err = tcp_connect(s, a, m->nonblock);
	}
	/* What went with the SYN need not wait to be told that it is connected. */
	return err == -EINPROGRESS && t->fast_data && t->state != TCP_SYN_SENT ? 0 : err;
}
