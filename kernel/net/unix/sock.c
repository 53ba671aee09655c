/* SPDX-License-Identifier: Apache-2.0 */
/* Unix sockets: life and connecting.  unix(7).  Options and readiness are in
 * opts.c, messages in stream.c and packet.c. */
#include "kernel/net/unix/unix.h"

#define set(x, v) __atomic_store_n(&(x), (v), __ATOMIC_SEQ_CST)

static struct unix_sock *unix_new(int type, struct netns *ns)
{
	struct unix_sock *u = kzalloc(sizeof *u);

	if (!u)
		return NULL;
	ref_init(&u->ref);
	u->type = type;
	u->ns = netns_get(ns);
	u->qlen = __atomic_load_n(&ns->dgram_qlen, __ATOMIC_RELAXED);
	waitq_init(&u->rd);
	waitq_init(&u->wr);
	waitq_init(&u->room);
	mutex_init(&u->read_lock);
	list_init(&u->queue);
	list_init(&u->pending);
	list_init(&u->pending_link);
	list_init(&u->pollers);
	list_init(&u->poller_link);
	list_init(&u->name_link);
	u->sndbuf = sock_buf_first(SOCK_WMEM_DEFAULT);
	u->peek_off = -1;
	unix_gc_add(u);
	return u;
}

struct unix_sock *unix_get(struct unix_sock *u)
{
	ref_get(&u->ref);
	return u;
}

static void drop_peer_cred(struct unix_sock *u)
{
	if (u->peer_cred)
		cred_put(u->peer_cred);
	if (u->peer_group)
		tgroup_put(u->peer_group);
	u->peer_cred = NULL;
	u->peer_group = NULL;
}

/* Peers hold each other: the chain ends where a closed socket let go. */
void unix_put(struct unix_sock *u)
{
	while (u && ref_put(&u->ref)) {
		struct unix_sock *peer = u->peer;

		unix_gc_del(u);
		unix_addr_put(u->addr);
		drop_peer_cred(u);
		netns_put(u->ns);
		(void)filter_detach(&u->filter);
		kfree(u);
		u = peer;
	}
}

void unix_wake_all(struct unix_sock *u, uint32_t key)
{
	waitq_wake_all(&u->rd, key);
	waitq_wake_all(&u->wr, key);
}

int unix_take_error(struct unix_sock *u)
{
	int err;

	spin_lock(&u->lock);
	err = -u->error;
	set(u->error, 0);
	spin_unlock(&u->lock);
	return err;
}

struct unix_sock *unix_peer_get(struct unix_sock *u)
{
	struct unix_sock *p;

	spin_lock(&u->lock);
	p = u->peer;
	if (p)
		unix_get(p);
	spin_unlock(&u->lock);
	return p;
}

/* u's peer is the current process (nobody looks at u yet, or u->lock). */
static void peer_is_current(struct unix_sock *u)
{
	struct task *t = current_task();

	u->peer_cred = cred_get(t->cred);
	u->peer_group = tgroup_get(t->tg);
}

/* The other side of a connection closes: end of file, or a reset when it
 * never read what we sent. */
static void tell_peer(struct unix_sock *p, bool reset)
{
	spin_lock(&p->lock);
	set(p->shutdown, UNIX_SHUT_BOTH);
	if (reset)
		set(p->error, ECONNRESET);
	spin_unlock(&p->lock);
	unix_wake_all(p, UNIX_HUNG_UP);
}

/* A connection that nobody will accept. */
static void close_embryo(struct unix_sock *e)
{
	struct unix_sock *client;

	spin_lock(&e->lock);
	client = e->peer;
	set(e->peer, NULL);
	set(e->dead, true);
	spin_unlock(&e->lock);
	if (client)
		tell_peer(client, true);
	unix_put(client);
	unix_purge(e);
	unix_put(e);
}

/* Would a close lose something?  An empty message in front does not count.
 * u->lock held. */
static bool has_unread(struct unix_sock *u)
{
	struct unix_msg *m;

	if (list_empty(&u->queue))
		return false;
	m = list_first(&u->queue, struct unix_msg, link);
	return m->off < m->size || m->link.next != &u->queue;
}

/* u's socket is over.  Takes the socket's reference. */
static void unix_close(struct unix_sock *u)
{
	struct unix_sock *peer, *e;
	bool unread;

	unix_unbind(u);
	spin_lock(&u->lock);
	set(u->dead, true);
	set(u->shutdown, UNIX_SHUT_BOTH);
	u->sfile = NULL;
	peer = u->peer;
	set(u->peer, NULL);
	unread = has_unread(u);
	spin_unlock(&u->lock);
	if (peer && !unix_is_dgram(u))
		tell_peer(peer, unread);
	unix_put(peer);
	unix_relay_del(u);
	/* A dead listener gets no new embryos; the old ones are closed. */
	for (;;) {
		spin_lock(&u->lock);
		e = list_empty(&u->pending) ? NULL : list_first(&u->pending, struct unix_sock, pending_link);
		if (e)
			list_del(&e->pending_link);
		spin_unlock(&u->lock);
		if (!e)
			break;
		close_embryo(e);
	}
	unix_purge(u);
	unix_wake_all(u, 0);
	waitq_wake_all(&u->room, 0);
	unix_relay_wake(u);
	unix_put(u);
}

static void unix_release(struct socket *s)
{
	if (!s->priv)
		return;
	unix_close(s->priv);
	unix_gc_maybe();
}

static void unix_attach(struct socket *s, struct file *f)
{
	struct unix_sock *u = s->priv;

	spin_lock(&u->lock);
	u->sfile = f;
	u->uid = inode_uid(f->inode);
	spin_unlock(&u->lock);
	__atomic_store_n(&u->ino, f->inode->ino, __ATOMIC_RELAXED);
}

/* ---- connections ---- */

static int unix_listen(struct socket *s, int backlog)
{
	struct unix_sock *u = s->priv;
	struct cred *old_cred = NULL;
	struct tgroup *old_group = NULL;
	int err = 0;

	if (unix_is_dgram(u))
		return -EOPNOTSUPP;
	spin_lock(&u->lock);
	if (!u->addr || u->state == UNIX_CONNECTED) {
		err = -EINVAL;
	} else {
		set(u->state, UNIX_LISTEN);
		u->backlog = (unsigned)backlog;
		old_cred = u->peer_cred;
		old_group = u->peer_group;
		peer_is_current(u);
	}
	spin_unlock(&u->lock);
	if (old_cred) {
		cred_put(old_cred);
		tgroup_put(old_group);
	}
	if (!err)
		waitq_wake_all(&u->room, 0);
	return err;
}

/* Queue e at listener l.  -EAGAIN: no room now. */
static int push_pending(struct unix_sock *l, struct unix_sock *e)
{
	int err = 0;

	spin_lock(&l->lock);
	if (l->dead || l->state != UNIX_LISTEN || l->shutdown & UNIX_SHUT_RCV) {
		err = -ECONNREFUSED;
	} else if (l->pending_count > l->backlog) {
		err = -EAGAIN;
	} else {
		list_push_back(&l->pending, &e->pending_link);
		l->pending_count++;
		e->addr = l->addr;
		ref_get(&e->addr->ref);
	}
	spin_unlock(&l->lock);
	return err;
}

/* What push_pending() would say. */
static int pending_room(struct unix_sock *l)
{
	int err;

	spin_lock(&l->lock);
	err = l->dead || l->state != UNIX_LISTEN || l->shutdown & UNIX_SHUT_RCV ? -ECONNREFUSED :
	      l->pending_count > l->backlog ? -EAGAIN : 0;
	spin_unlock(&l->lock);
	return err;
}

/* Whom u is connected to, if l took the connection. */
static void adopt_cred(struct unix_sock *u, struct unix_sock *l)
{
	struct cred *c;
	struct tgroup *g;

	spin_lock(&l->lock);
	c = cred_get(l->peer_cred);
	g = tgroup_get(l->peer_group);
	spin_unlock(&l->lock);
	spin_lock(&u->lock);
	u->peer_cred = c;
	u->peer_group = g;
	spin_unlock(&u->lock);
}

/* u takes e for its peer, or gives it up again.  It is connected before e is
 * queued: e can be used at once. */
static int set_connected(struct unix_sock *u, struct unix_sock *e)
{
	int err;

	spin_lock(&u->lock);
	err = u->state == UNIX_CONNECTED ? -EISCONN : u->state == UNIX_LISTEN ? -EINVAL : 0;
	if (!err) {
		set(u->state, UNIX_CONNECTED);
		set(u->peer, unix_get(e));
	}
	spin_unlock(&u->lock);
	return err;
}

static void unset_connected(struct unix_sock *u, struct unix_sock *e)
{
	spin_lock(&u->lock);
	set(u->state, UNIX_OPEN);
	set(u->peer, NULL);
	spin_unlock(&u->lock);
	unix_put(e);
}

/* u connects to listener l. */
static int connect_stream(struct socket *s, struct unix_sock *u, struct unix_sock *l, bool nonblock)
{
	uint64_t deadline = sock_deadline(s->sndtimeo_ns);
	struct unix_sock *e = unix_new(u->type, l->ns);
	int err;

	if (!e)
		return -ENOMEM;
	e->state = UNIX_CONNECTED;
	e->pass = UNIX_PASS_LATER;
	peer_is_current(e);
	e->peer = unix_get(u);
	for (;;) {
		err = pending_room(l);
		if (!err) {
			err = set_connected(u, e);
			if (err)
				break;
			err = push_pending(l, e);
			if (!err)
				break;
			unset_connected(u, e);
		}
		if (err != -EAGAIN || nonblock)
			break;
		err = WAIT_EVENT(&l->room, TASK_INTERRUPTIBLE, deadline, pending_room(l) != -EAGAIN);
		if (err) {
			err = sock_wait_error(err, s->sndtimeo_ns);
			break;
		}
	}
	if (err) {
		unix_put(e);            /* puts u as well: e->peer */
		return err;
	}
	adopt_cred(u, l);
	waitq_wake(&l->rd, 1, POLL_IN_KEYS);
	waitq_wake_all(&u->wr, POLL_OUT_KEYS);
	return 0;
}

/* Consumes the reference to `to`; NULL: to nobody. */
static int connect_dgram(struct unix_sock *u, struct unix_sock *to)
{
	struct unix_sock *old, *theirs = to ? unix_load(to->peer) : NULL;

	if (theirs && theirs != u) {
		unix_put(to);
		return -EPERM;
	}
	spin_lock(&u->lock);
	old = u->peer;
	set(u->peer, to);
	set(u->state, to ? UNIX_CONNECTED : UNIX_OPEN);
	spin_unlock(&u->lock);
	if (old && old != to) {
		unix_relay_del(u);
		unix_dgram_disconnected(u, old);
	}
	unix_put(old);
	if (to || old)
		waitq_wake_all(&u->wr, POLL_OUT_KEYS);
	return 0;
}

static int unix_connect(struct socket *s, const struct sock_addr *a, bool nonblock)
{
	struct unix_sock *u = s->priv, *to = NULL;
	int err;

	if (a->size < sizeof a->u.family)
		return -EINVAL;
	if (a->u.family == AF_UNSPEC && unix_is_dgram(u))
		return connect_dgram(u, NULL);
	err = unix_addr_check(a);
	if (!err && __atomic_load_n(&u->pass, __ATOMIC_RELAXED) && !__atomic_load_n(&u->addr, __ATOMIC_RELAXED))
		err = unix_autobind(u);
	if (!err)
		err = unix_find(u, a, &to);
	if (err)
		return err;
	if (unix_is_dgram(u))
		return connect_dgram(u, to);
	err = connect_stream(s, u, to, nonblock);
	unix_put(to);
	return err;
}

static bool pop_pending(struct unix_sock *l, bool nonblock, struct unix_sock **ret, int *err)
{
	*ret = NULL;
	*err = 0;
	spin_lock(&l->lock);
	if (l->state != UNIX_LISTEN || l->dead) {
		*err = -EINVAL;
	} else if (!list_empty(&l->pending)) {
		*ret = list_first(&l->pending, struct unix_sock, pending_link);
		list_del(&(*ret)->pending_link);
		l->pending_count--;
	} else if (l->shutdown & UNIX_SHUT_RCV) {
		*err = nonblock ? -EAGAIN : -EINVAL;
	}
	spin_unlock(&l->lock);
	return *ret || *err;
}

static const struct sock_ops unix_ops;

static int unix_accept(struct socket *s, struct socket *fresh, bool nonblock)
{
	struct unix_sock *l = s->priv, *e;
	int err, werr;

	if (unix_is_dgram(l))
		return -EOPNOTSUPP;
	if (!pop_pending(l, nonblock, &e, &err)) {
		if (nonblock)
			return -EAGAIN;
		werr = WAIT_EVENT(&l->rd, TASK_INTERRUPTIBLE, sock_deadline(s->rcvtimeo_ns),
				  pop_pending(l, false, &e, &err));
		if (werr)
			return sock_wait_error(werr, s->rcvtimeo_ns);
	}
	if (err)
		return err;
	fresh->ops = &unix_ops;
	fresh->priv = e;                /* the listener's reference */
	__atomic_store_n(&e->pass, __atomic_load_n(&l->pass, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
	waitq_wake_all(&l->room, POLL_OUT_KEYS);
	return 0;
}

static int unix_pair(struct socket *sa, struct socket *sb)
{
	struct unix_sock *a = sa->priv, *b = sb->priv;

	a->peer = unix_get(b);
	b->peer = unix_get(a);
	a->state = b->state = UNIX_CONNECTED;
	peer_is_current(a);
	peer_is_current(b);
	return 0;
}

static int unix_getname(struct socket *s, bool peer, struct sock_addr *ret)
{
	struct unix_sock *u = s->priv, *p = NULL;
	struct unix_addr *a;

	if (peer) {
		p = unix_peer_get(u);
		if (!p)
			return -ENOTCONN;
		u = p;
	}
	a = unix_addr_get(u);
	if (a) {
		*ret = a->a;
	} else {
		memset(ret, 0, sizeof *ret);
		ret->size = SUN_PATH_OFFSET;
		ret->u.family = AF_UNIX;
	}
	unix_addr_put(a);
	unix_put(p);
	return 0;
}

static int unix_shutdown(struct socket *s, int how)
{
	struct unix_sock *u = s->priv, *p;
	uint32_t mine = how == SHUT_RD ? UNIX_SHUT_RCV : how == SHUT_WR ? UNIX_SHUT_SEND :
			UNIX_SHUT_RCV | UNIX_SHUT_SEND;
	uint32_t theirs = (mine & UNIX_SHUT_RCV ? UNIX_SHUT_SEND : 0) |
			  (mine & UNIX_SHUT_SEND ? UNIX_SHUT_RCV : 0);

	spin_lock(&u->lock);
	set(u->shutdown, u->shutdown | mine);
	spin_unlock(&u->lock);
	unix_wake_all(u, 0);
	waitq_wake_all(&u->room, 0);
	p = unix_is_dgram(u) ? NULL : unix_peer_get(u);
	if (p) {
		spin_lock(&p->lock);
		set(p->shutdown, p->shutdown | theirs);
		spin_unlock(&p->lock);
		unix_wake_all(p, theirs == UNIX_SHUT_BOTH ? UNIX_HUNG_UP : theirs & UNIX_SHUT_RCV ? UNIX_ENDED : 0);
		unix_put(p);
	}
	return 0;
}

static long unix_sendmsg(struct socket *s, struct sock_msg *m)
{
	struct unix_sock *u = s->priv;

	return unix_is_stream(u) ? unix_send_stream(s, u, m) : unix_send_packet(s, u, m);
}

static long unix_recvmsg(struct socket *s, struct sock_msg *m)
{
	struct unix_sock *u = s->priv;

	return unix_is_stream(u) ? unix_recv_stream(s, u, m) : unix_recv_packet(s, u, m);
}

static const struct sock_ops unix_ops = {
	.bind = unix_bind,
	.listen = unix_listen,
	.accept = unix_accept,
	.connect = unix_connect,
	.pair = unix_pair,
	.getname = unix_getname,
	.sendmsg = unix_sendmsg,
	.recvmsg = unix_recvmsg,
	.shutdown = unix_shutdown,
	.setsockopt = unix_setsockopt,
	.getsockopt = unix_getsockopt,
	.poll = unix_poll,
	.grant = unix_grant,
	.grant_over = unix_grant_over,
	.peer_pidfd = unix_peer_pidfd,
	.ioctl = unix_ioctl,
	.filter = unix_filter,
	.attach = unix_attach,
	.release = unix_release,
	.out_of_band = true,
	.error_queue = true,            /* which is to say: MSG_ERRQUEUE means nothing */
};

int unix_create(struct socket *s)
{
	if (s->protocol && s->protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	s->protocol = 0;
	switch (s->type) {
	case SOCK_RAW:                  /* believe it or not: unix_create() */
		s->type = SOCK_DGRAM;
		break;
	case SOCK_STREAM:
	case SOCK_DGRAM:
	case SOCK_SEQPACKET:
		break;
	default:
		return -ESOCKTNOSUPPORT;
	}
	s->priv = unix_new(s->type, netns_current());
	if (!s->priv)
		return -ENOMEM;
	s->ops = &unix_ops;
	return 0;
}
