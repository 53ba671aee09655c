/* SPDX-License-Identifier: Apache-2.0 */
/* Unix sockets: life, connecting, options, readiness.  unix(7). */
#include "kernel/net/net.h"
#include "kernel/net/unix/unix.h"
#include <linux_abi/ioctl.h>

static struct unix_sock *unix_new(int type)
{
	struct unix_sock *u = kzalloc(sizeof *u);

	if (!u)
		return NULL;
	ref_init(&u->ref);
	u->type = type;
	waitq_init(&u->wq);
	mutex_init(&u->read_lock);
	list_init(&u->queue);
	list_init(&u->pending);
	list_init(&u->pending_link);
	list_init(&u->name_link);
	u->sndbuf = SOCK_BUF_DEFAULT;
	unix_gc_add(u);
	return u;
}

struct unix_sock *unix_get(struct unix_sock *u)
{
	ref_get(&u->ref);
	return u;
}

/* Peers hold each other: the chain ends where a closed socket let go. */
void unix_put(struct unix_sock *u)
{
	while (u && ref_put(&u->ref)) {
		struct unix_sock *peer = u->peer;

		unix_gc_del(u);
		unix_addr_put(u->addr);
		kfree(u);
		u = peer;
	}
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

static struct linux_ucred my_cred(void)
{
	struct task *t = current_task();

	return (struct linux_ucred){ t->tg->tgid, t->cred->euid, t->cred->egid };
}

/* The other side of a connection closes: end of file, or a reset when it
 * never read what we sent. */
static void tell_peer(struct unix_sock *p, bool reset)
{
	spin_lock(&p->lock);
	p->shutdown |= UNIX_SHUT_RCV | UNIX_SHUT_SEND;
	if (reset)
		p->error = ECONNRESET;
	spin_unlock(&p->lock);
	waitq_wake_all(&p->wq, 0);
}

/* u's socket (or a connection never accepted) is over.  Takes the socket's
 * reference. */
static void unix_close(struct unix_sock *u)
{
	struct unix_sock *peer, *e, *client;
	bool unread;

	unix_unbind(u);
	spin_lock(&u->lock);
	u->dead = true;
	u->shutdown = UNIX_SHUT_RCV | UNIX_SHUT_SEND;
	peer = u->peer;
	u->peer = NULL;
	unread = !list_empty(&u->queue);
	spin_unlock(&u->lock);
	if (peer && !unix_is_dgram(u))
		tell_peer(peer, unread);
	unix_put(peer);
	/* A dead listener gets no new embryos; the old ones are closed. */
	for (;;) {
		spin_lock(&u->lock);
		e = list_empty(&u->pending) ? NULL : list_first(&u->pending, struct unix_sock, pending_link);
		if (e)
			list_del(&e->pending_link);
		spin_unlock(&u->lock);
		if (!e)
			break;
		spin_lock(&e->lock);
		client = e->peer;
		e->peer = NULL;
		e->dead = true;
		spin_unlock(&e->lock);
		if (client)
			tell_peer(client, true);
		unix_put(client);
		unix_purge(e);
		unix_put(e);
	}
	unix_purge(u);
	waitq_wake_all(&u->wq, 0);
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

	u->ino = f->inode->ino;
}

/* ---- connections ---- */

static int unix_listen(struct socket *s, int backlog)
{
	struct unix_sock *u = s->priv;
	int err = 0;

	if (unix_is_dgram(u))
		return -EOPNOTSUPP;
	spin_lock(&u->lock);
	if (!u->addr || u->state == UNIX_CONNECTED) {
		err = -EINVAL;
	} else {
		u->state = UNIX_LISTEN;
		u->backlog = (unsigned)backlog;
		u->cred = my_cred();
	}
	spin_unlock(&u->lock);
	if (!err)
		waitq_wake_all(&u->wq, 0);      /* room, perhaps */
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

static bool pending_room(struct unix_sock *l)
{
	bool ok;

	spin_lock(&l->lock);
	ok = l->dead || l->state != UNIX_LISTEN || l->pending_count <= l->backlog;
	spin_unlock(&l->lock);
	return ok;
}

/* u connects to listener l. */
static int connect_stream(struct socket *s, struct unix_sock *u, struct unix_sock *l, bool nonblock)
{
	uint64_t deadline = sock_deadline(s->sndtimeo_ns);
	struct unix_sock *e;
	struct linux_ucred lcred;
	int err;

	if (l->type != u->type)
		return -EPROTOTYPE;
	e = unix_new(u->type);
	if (!e)
		return -ENOMEM;
	e->state = UNIX_CONNECTED;
	e->cred = my_cred();
	e->peer = unix_get(u);
	for (;;) {
		/* u becomes connected first: the embryo can be used at once. */
		spin_lock(&u->lock);
		err = u->state == UNIX_CONNECTED ? -EISCONN : u->state == UNIX_LISTEN ? -EINVAL : 0;
		if (!err) {
			u->state = UNIX_CONNECTED;
			u->peer = unix_get(e);
		}
		spin_unlock(&u->lock);
		if (err)
			break;
		spin_lock(&l->lock);
		lcred = l->cred;
		spin_unlock(&l->lock);
		err = push_pending(l, e);
		spin_lock(&u->lock);
		if (err) {
			u->state = UNIX_OPEN;
			u->peer = NULL;
		} else {
			u->cred = lcred;
		}
		spin_unlock(&u->lock);
		if (!err)
			break;
		unix_put(e);            /* what u->peer held */
		if (err != -EAGAIN || nonblock)
			break;
		err = WAIT_EVENT(&l->wq, TASK_INTERRUPTIBLE, deadline, pending_room(l));
		if (err) {
			err = sock_wait_error(err, s->sndtimeo_ns);
			break;
		}
	}
	if (err) {
		unix_put(e);            /* puts u as well: e->peer */
		return err;
	}
	waitq_wake_all(&l->wq, POLLIN | POLLRDNORM);
	waitq_wake_all(&u->wq, POLLOUT | POLLWRNORM);
	return 0;
}

static int connect_dgram(struct unix_sock *u, struct unix_sock *to)
{
	struct unix_sock *old;

	if (to && to->type != SOCK_DGRAM) {
		unix_put(to);
		return -EPROTOTYPE;
	}
	spin_lock(&u->lock);
	old = u->peer;
	u->peer = to;                   /* the reference of the lookup */
	u->state = to ? UNIX_CONNECTED : UNIX_OPEN;
	spin_unlock(&u->lock);
	if (to) {
		/* As on Linux: whoever it is connected to. */
		spin_lock(&u->lock);
		u->cred = my_cred();
		spin_unlock(&u->lock);
	}
	unix_put(old);
	waitq_wake_all(&u->wq, 0);
	return 0;
}

static int unix_connect(struct socket *s, const struct sock_addr *a, bool nonblock)
{
	struct unix_sock *u = s->priv, *to = NULL;
	int err;

	if (a->size >= SUN_PATH_OFFSET && a->u.family == AF_UNSPEC && unix_is_dgram(u))
		return connect_dgram(u, NULL);
	err = unix_find(a, &to);
	if (err)
		return err;
	if (s->passcred && !u->addr)
		err = unix_autobind(u);
	if (err) {
		unix_put(to);
		return err;
	}
	if (unix_is_dgram(u))
		return connect_dgram(u, to);
	err = connect_stream(s, u, to, nonblock);
	unix_put(to);
	return err;
}

static bool pop_pending(struct unix_sock *l, struct unix_sock **ret, int *err)
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
		*err = -EINVAL;
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
	if (!pop_pending(l, &e, &err)) {
		if (nonblock)
			return -EAGAIN;
		werr = WAIT_EVENT(&l->wq, TASK_INTERRUPTIBLE, sock_deadline(s->rcvtimeo_ns),
				  pop_pending(l, &e, &err));
		if (werr)
			return sock_wait_error(werr, s->rcvtimeo_ns);
	}
	if (err)
		return err;
	fresh->ops = &unix_ops;
	fresh->priv = e;                /* the listener's reference */
	fresh->passcred = s->passcred;
	waitq_wake_all(&l->wq, POLLOUT | POLLWRNORM);   /* connectors */
	return 0;
}

static int unix_pair(struct socket *sa, struct socket *sb)
{
	struct unix_sock *a = sa->priv, *b = sb->priv;

	a->peer = unix_get(b);
	b->peer = unix_get(a);
	a->state = b->state = UNIX_CONNECTED;
	a->cred = b->cred = my_cred();
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
	u->shutdown |= mine;
	spin_unlock(&u->lock);
	waitq_wake_all(&u->wq, 0);
	p = unix_is_dgram(u) ? NULL : unix_peer_get(u);
	if (p) {
		spin_lock(&p->lock);
		p->shutdown |= theirs;
		spin_unlock(&p->lock);
		waitq_wake_all(&p->wq, 0);
		unix_put(p);
	}
	return 0;
}

/* ---- options, readiness ---- */

static int unix_setsockopt(struct socket *s, int level, int opt, const void *val, size_t size)
{
	struct unix_sock *u = s->priv;
	int32_t v;

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (opt == SO_SNDBUF && size >= sizeof v) {
		memcpy(&v, val, sizeof v);
		v = v < 0 ? SOCK_BUF_DEFAULT : MIN(v, SOCK_BUF_DEFAULT);
		__atomic_store_n(&u->sndbuf, MAX(v * 2, SOCK_BUF_MIN), __ATOMIC_RELAXED);
	}
	return -ENOPROTOOPT;            /* the layer keeps it */
}

static int unix_getsockopt(struct socket *s, int level, int opt, void *val, size_t *size)
{
	struct unix_sock *u = s->priv;
	struct linux_ucred c;
	int32_t v;

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	switch (opt) {
	case SO_PEERCRED:
		spin_lock(&u->lock);
		c = u->cred;
		if (u->state == UNIX_OPEN)
			c = (struct linux_ucred){ 0, UINT32_MAX, UINT32_MAX };
		spin_unlock(&u->lock);
		*size = MIN(*size, sizeof c);
		memcpy(val, &c, *size);
		return 0;
	case SO_ERROR:
		spin_lock(&u->lock);
		v = u->error;
		u->error = 0;
		spin_unlock(&u->lock);
		break;
	case SO_ACCEPTCONN:
		v = u->state == UNIX_LISTEN;
		break;
	default:
		return -ENOPROTOOPT;
	}
	*size = MIN(*size, sizeof v);
	memcpy(val, &v, *size);
	return 0;
}

static uint32_t unix_poll(struct socket *s, struct poll_table *pt)
{
	struct unix_sock *u = s->priv;
	bool writable = unix_writable(u);
	uint32_t ev = 0;

	poll_wait(pt, &u->wq);
	spin_lock(&u->lock);
	if (u->error)
		ev |= POLLERR;
	if (u->shutdown == (UNIX_SHUT_RCV | UNIX_SHUT_SEND))
		ev |= POLLHUP;
	if (u->shutdown & UNIX_SHUT_RCV)
		ev |= POLLRDHUP | POLLIN | POLLRDNORM;
	if (!list_empty(&u->queue) || !list_empty(&u->pending))
		ev |= POLLIN | POLLRDNORM;
	/* A connection-oriented socket that is not connected: unix_poll(). */
	if (!unix_is_dgram(u) && u->state == UNIX_OPEN)
		ev |= POLLHUP;
	if (writable && u->state != UNIX_LISTEN)
		ev |= POLLOUT | POLLWRNORM | POLLWRBAND;
	spin_unlock(&u->lock);
	return ev;
}

static long unix_ioctl(struct socket *s, unsigned cmd, uint64_t arg)
{
	struct unix_sock *u = s->priv;
	struct unix_msg *m;
	int32_t n = 0;

	switch (cmd) {
	case FIONREAD:
		spin_lock(&u->lock);
		if (u->state == UNIX_LISTEN) {
			n = -EINVAL;
		} else if (unix_is_stream(u)) {
			n = (int32_t)u->queued;
		} else if (!list_empty(&u->queue)) {
			m = list_first(&u->queue, struct unix_msg, link);
			n = (int32_t)m->size;
		}
		spin_unlock(&u->lock);
		break;
	case SIOCOUTQ:
		n = (int32_t)__atomic_load_n(&u->wmem, __ATOMIC_RELAXED);
		break;
	default:
		return cmd >= SIOCGIFNAME ? net_ioctl(s, cmd, arg) : -ENOTTY;      /* interfaces: any socket does */
	}
	return n < 0 ? n : copy_out((uaddr){ arg }, &n, sizeof n);
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
	.ioctl = unix_ioctl,
	.attach = unix_attach,
	.release = unix_release,
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
	s->priv = unix_new(s->type);
	if (!s->priv)
		return -ENOMEM;
	s->ops = &unix_ops;
	return 0;
}
