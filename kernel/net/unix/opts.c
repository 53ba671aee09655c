/* SPDX-License-Identifier: Apache-2.0 */
/* Unix sockets: options, readiness, ioctls.  unix(7), socket(7). */
#include "kernel/net/unix/unix.h"
#include <linux_abi/ioctl.h>

static void set_pass(struct unix_sock *u, uint32_t bit, int32_t on)
{
	if (on)
		__atomic_fetch_or(&u->pass, bit, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&u->pass, ~bit, __ATOMIC_RELAXED);
}

int unix_setsockopt(struct socket *s, int level, int opt, const void *val, size_t size)
{
	struct unix_sock *u = s->priv;
	int32_t v;

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (size < sizeof v)
		return -ENOPROTOOPT;    /* the layer says what is wrong */
	memcpy(&v, val, sizeof v);
	switch (opt) {
	case SO_PASSCRED:
		set_pass(u, UNIX_PASS_CRED, v);
		break;
	case SO_PASSPIDFD:
		set_pass(u, UNIX_PASS_PIDFD, v);
		s->passpidfd = v;
		return 0;
	case SO_TIMESTAMP:
	case SO_TIMESTAMPNS:
	case SO_TIMESTAMP_NEW:
	case SO_TIMESTAMPNS_NEW:
		__atomic_store_n(&u->stamps, !!v, __ATOMIC_RELAXED);
		break;
	case SO_PEEK_OFF:
		__atomic_store_n(&u->peek_off, v, __ATOMIC_RELAXED);
		return 0;
	case SO_SNDBUF:
	case SO_SNDBUFFORCE:
		if (opt == SO_SNDBUF || capable(CAP_NET_ADMIN)) {
			v = sock_buf_size(opt, v);
			__atomic_store_n(&u->sndbuf, v, __ATOMIC_SEQ_CST);
			waitq_wake_all(&u->wr, POLL_OUT_KEYS);
		}
		break;
	}
	return -ENOPROTOOPT;            /* the layer keeps it */
}

struct filter_slot *unix_filter(struct socket *s) { return &((struct unix_sock *)s->priv)->filter; }

static int get_groups(struct unix_sock *u, void *val, size_t *size)
{
	struct cred *c = NULL;
	size_t room = *size;
	int err = 0;

	spin_lock(&u->lock);
	if (u->peer_cred)
		c = cred_get(u->peer_cred);
	spin_unlock(&u->lock);
	if (!c)
		return -ENODATA;
	*size = c->ngroups * sizeof c->groups[0];
	if (room < *size)
		err = -ERANGE;
	else
		memcpy(val, c->groups, *size);
	cred_put(c);
	return err;
}

static struct linux_ucred peer_ucred(struct unix_sock *u)
{
	struct linux_ucred c = { 0, UINT32_MAX, UINT32_MAX };

	spin_lock(&u->lock);
	if (u->peer_cred)
		c = (struct linux_ucred){ u->peer_group->tgid, u->peer_cred->euid, u->peer_cred->egid };
	spin_unlock(&u->lock);
	return c;
}

int unix_getsockopt(struct socket *s, int level, int opt, void *val, size_t *size)
{
	struct unix_sock *u = s->priv;
	struct linux_ucred c;
	int32_t v;

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	switch (opt) {
	case SO_PEERCRED:
		c = peer_ucred(u);
		*size = MIN(*size, sizeof c);
		memcpy(val, &c, *size);
		return 0;
	case SO_PEERGROUPS: return get_groups(u, val, size);
	case SO_ERROR: v = -unix_take_error(u); break;
	case SO_ACCEPTCONN: v = unix_load(u->state) == UNIX_LISTEN; break;
	case SO_PASSPIDFD: v = s->passpidfd; break;
	case SO_PEEK_OFF: v = __atomic_load_n(&u->peek_off, __ATOMIC_RELAXED); break;
	default: return -ENOPROTOOPT;
	}
	*size = MIN(*size, sizeof v);
	memcpy(val, &v, *size);
	return 0;
}

int unix_peer_pidfd(struct socket *s, struct file **ret)
{
	struct unix_sock *u = s->priv;
	struct tgroup *g = NULL;
	int err;

	spin_lock(&u->lock);
	if (u->peer_group)
		g = tgroup_get(u->peer_group);
	spin_unlock(&u->lock);
	if (!g)
		return -ENODATA;
	err = pidfd_new_file(g, 0, ret);
	tgroup_put(g);
	return err;
}

/* What u has sent and a reader has taken counts against it no longer. */
static void settle_peer(struct unix_sock *u)
{
	struct unix_sock *p;

	if (!unix_is_stream(u))
		return;
	spin_lock(&u->lock);
	p = u->peer && unix_granted(u->peer) ? unix_get(u->peer) : NULL;
	spin_unlock(&u->lock);
	if (p)
		unix_settle_slow(p);
	unix_put(p);
}

uint32_t unix_poll(struct socket *s, struct poll_table *pt)
{
	struct unix_sock *u = s->priv;
	bool writable;
	uint32_t ev = 0;

	poll_wait(pt, &u->rd);
	poll_wait(pt, &u->wr);
	unix_settle(u);
	settle_peer(u);
	writable = unix_writable(u) && (!unix_is_dgram(u) || unix_peer_has_room(u));
	spin_lock(&u->lock);
	if (u->error)
		ev |= POLLERR;
	if (u->shutdown == UNIX_SHUT_BOTH)
		ev |= POLLHUP;
	if (u->shutdown & UNIX_SHUT_RCV)
		ev |= POLLRDHUP | POLL_IN_KEYS;
	if (!list_empty(&u->queue) || !list_empty(&u->pending))
		ev |= POLL_IN_KEYS;
	if (u->oob)
		ev |= POLLPRI;
	/* A connection-oriented socket that is not connected: unix_poll(). */
	if (!unix_is_dgram(u) && u->state == UNIX_OPEN)
		ev |= POLLHUP;
	if (writable && u->state != UNIX_LISTEN)
		ev |= POLL_OUT_KEYS | POLLWRBAND;
	spin_unlock(&u->lock);
	return ev;
}

/* Does the next read begin at the urgent mark?  sockatmark(3). */
static bool at_urgent_mark(struct unix_sock *u)
{
	struct unix_msg *m, *next;

	if (list_empty(&u->queue))
		return false;
	m = list_first(&u->queue, struct unix_msg, link);
	next = m->link.next == &u->queue ? NULL : list_next(m, link);
	return m == u->oob || (m->off == m->size && (!u->oob || next == u->oob));
}

/* SIOCUNIXFILE: a descriptor for the name's file. */
static long file_of_name(struct unix_sock *u)
{
	struct file *f;
	int err, fd;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	err = unix_open_path(u, &f);
	if (err)
		return err;
	fd = fd_add(f, true);
	if (fd < 0)
		file_put(f);
	return fd;
}

long unix_ioctl(struct socket *s, unsigned cmd, uint64_t arg)
{
	struct unix_sock *u = s->priv;
	int32_t n = 0;

	switch (cmd) {
	case FIONREAD:
		unix_settle(u);
		spin_lock(&u->lock);
		if (u->state == UNIX_LISTEN)
			n = -EINVAL;
		else if (!unix_is_dgram(u))
			n = (int32_t)u->queued;
		else if (!list_empty(&u->queue))
			n = (int32_t)list_first(&u->queue, struct unix_msg, link)->size;
		spin_unlock(&u->lock);
		break;
	case SIOCOUTQ:
		settle_peer(u);
		n = (int32_t)__atomic_load_n(&u->wmem, __ATOMIC_RELAXED);
		break;
	case SIOCATMARK:
		if (!unix_is_stream(u))
			return -EOPNOTSUPP;
		unix_settle(u);
		spin_lock(&u->lock);
		n = u->state == UNIX_LISTEN ? !list_empty(&u->pending) : at_urgent_mark(u);
		spin_unlock(&u->lock);
		break;
	case SIOCUNIXFILE: return file_of_name(u);
	default:
		return cmd == SIOCGSTAMP || cmd == SIOCGSTAMPNS ? -ENOTTY : net_ioctl(s, cmd, arg);
	}
	return n < 0 ? n : copy_out((uaddr){ arg }, &n, sizeof n);
}
