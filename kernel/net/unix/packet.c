/* SPDX-License-Identifier: Apache-2.0 */
/* Unix datagram and seqpacket sockets: sending and receiving.
 *
 * A receiver that is not connected back to the sender takes qlen messages and
 * one more; then senders wait on its `room`, and senders that poll
 * are remembered in its `pollers` and woken on their own queue: a poll table may
 * hang on an object that outlives the call only. */
#include "kernel/net/unix/unix.h"

static struct spinlock relay_lock = SPINLOCK_INIT;

/* ---- room at the receiver ---- */

static bool is_full(struct unix_sock *u, struct unix_sock *to)
{
	return to != u && unix_load(to->peer) != u && unix_load(to->queue_count) > to->qlen;
}

void unix_relay_wake(struct unix_sock *to)
{
	for (;;) {
		struct unix_sock *u = NULL;

		spin_lock(&relay_lock);
		if (!list_empty(&to->pollers)) {
			u = list_first(&to->pollers, struct unix_sock, poller_link);
			list_del(&u->poller_link);
		}
		spin_unlock(&relay_lock);
		if (!u)
			return;
		waitq_wake_all(&u->wr, POLL_OUT_KEYS);
		unix_put(u);
	}
}

void unix_relay_del(struct unix_sock *u)
{
	bool linked;

	spin_lock(&relay_lock);
	linked = !list_empty(&u->poller_link);
	list_del(&u->poller_link);
	spin_unlock(&relay_lock);
	if (linked)
		unix_put(u);
}

static void relay_add(struct unix_sock *u, struct unix_sock *to)
{
	spin_lock(&relay_lock);
	if (list_empty(&u->poller_link))
		unix_get(u);
	list_del(&u->poller_link);
	list_push_back(&to->pollers, &u->poller_link);
	spin_unlock(&relay_lock);
}

bool unix_peer_has_room(struct unix_sock *u)
{
	struct unix_sock *to = unix_peer_get(u);
	bool room = true;

	if (to && is_full(u, to)) {
		relay_add(u, to);
		/* Again: it may have been read before we were on the list. */
		room = !is_full(u, to) || unix_load(to->dead);
	}
	unix_put(to);
	return room;
}

/* ---- sending ---- */

/* Consumes m on success.  -EAGAIN: its queue is full. */
static int deliver(struct unix_sock *u, struct unix_sock *to, struct unix_msg *m)
{
	int err = 0;

	spin_lock(&to->lock);
	if (unix_is_dgram(to) && to->peer && to->peer != u)
		err = -EPERM;
	else if (to->dead)
		err = unix_is_dgram(to) ? -ECONNREFUSED : -EPIPE;
	else if (to->shutdown & UNIX_SHUT_RCV)
		err = -EPIPE;
	else if (is_full(u, to))
		err = -EAGAIN;
	if (!err) {
		list_push_back(&to->queue, &m->link);
		to->queued += m->size;
		__atomic_store_n(&to->queue_count, to->queue_count + 1, __ATOMIC_SEQ_CST);
	}
	spin_unlock(&to->lock);
	if (!err)
		waitq_wake(&to->rd, 1, POLL_IN_KEYS);
	return err;
}

/* What the receiver's filter leaves of m; false: nothing, which the sender is not told. */
static bool filter(struct unix_sock *to, struct unix_msg *m)
{
	struct frame f;
	size_t keep;

	if (!filter_there(&to->filter))
		return true;
	frame_bytes(&f, m->data, m->size);
	if (!filter_run(&to->filter, &f, 0, &keep))
		return false;
	m->size = (uint32_t)keep;
	return true;
}

static bool peer_can_go(struct unix_sock *u, struct unix_sock *to)
{
	return !is_full(u, to) || unix_load(to->dead) || (unix_load(to->shutdown) & UNIX_SHUT_RCV);
}

static int send_one(struct socket *s, struct unix_sock *u, struct unix_sock *to, struct sock_msg *sm,
		    size_t n, uint64_t deadline)
{
	struct unix_msg *m;
	int err = unix_msg_new(u, to, sm, n, &m);

	if (err)
		return err;
	if (__atomic_load_n(&to->stamps, __ATOMIC_RELAXED))
		m->time_ns = vfs_now_ns();
	if (!filter(to, m)) {
		unix_msg_free(m);
		return 0;
	}
	while ((err = deliver(u, to, m)) == -EAGAIN && !sm->nonblock) {
		err = WAIT_EVENT(&to->room, TASK_INTERRUPTIBLE, deadline, peer_can_go(u, to));
		if (err) {
			err = sock_wait_error(err, s->sndtimeo_ns);
			break;
		}
	}
	if (err)
		unix_msg_free(m);
	return err;
}

/* u has another peer now, or none: what the old one sent is gone, and it is
 * told if it was connected to u. */
void unix_dgram_disconnected(struct unix_sock *u, struct unix_sock *old)
{
	bool some = unix_load(u->queue_count);

	if (some) {
		mutex_lock(&u->read_lock);
		unix_purge(u);
		mutex_unlock(&u->read_lock);
		waitq_wake_all(&u->room, POLL_OUT_KEYS);
		unix_relay_wake(u);
		spin_lock(&old->lock);
		some = !old->dead && old->peer == u;
		if (some)
			__atomic_store_n(&old->error, ECONNRESET, __ATOMIC_SEQ_CST);
		spin_unlock(&old->lock);
		if (some)
			unix_wake_all(old, POLLERR);
	}
}

static void peer_died(struct unix_sock *u, struct unix_sock *to)
{
	bool mine;

	spin_lock(&u->lock);
	mine = u->peer == to;
	if (mine) {
		__atomic_store_n(&u->peer, NULL, __ATOMIC_SEQ_CST);
		__atomic_store_n(&u->state, UNIX_OPEN, __ATOMIC_SEQ_CST);
	}
	spin_unlock(&u->lock);
	if (!mine)
		return;
	unix_relay_del(u);
	unix_dgram_disconnected(u, to);
	unix_put(to);
}

/* Nobody to send to; the message is looked at first. */
static int nobody(struct sock_msg *sm)
{
	uint8_t b[256];
	size_t n;

	while ((n = MIN(sm->it->left, sizeof b)) > 0)
		if (iter_copy_in(sm->it, b, n) != n)
			return -EFAULT;
	return -ENOTCONN;
}

long unix_send_packet(struct socket *s, struct unix_sock *u, struct sock_msg *sm)
{
	uint64_t deadline = sock_deadline(s->sndtimeo_ns);
	bool named = unix_is_dgram(u) && sm->name.size;
	struct unix_sock *to = NULL;
	size_t n = sm->it->left;
	int err = 0;

	if (!unix_is_dgram(u) && unix_load(u->state) != UNIX_CONNECTED)
		return -ENOTCONN;
	if (sm->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (named)
		err = unix_addr_check(&sm->name);
	if (!err && __atomic_load_n(&u->pass, __ATOMIC_RELAXED) && !__atomic_load_n(&u->addr, __ATOMIC_RELAXED))
		err = unix_autobind(u);
	if (!err && n > (size_t)unix_load(u->sndbuf) - 32)
		err = -EMSGSIZE;
	/* What is wrong with the sender comes before the question for whom this is. */
	if (!err)
		err = unix_wait_room(s, u, sm, deadline);
	if (!err && named) {
		err = unix_find(u, &sm->name, &to);
	} else if (!err) {
		to = unix_peer_get(u);
		err = to ? 0 : nobody(sm);
	}
	if (!err)
		err = send_one(s, u, to, sm, n, deadline);
	if (err == -ECONNREFUSED && to && !named)
		peer_died(u, to);
	unix_put(to);
	return err ? err : (long)n;
}

/* ---- receiving ---- */

/* A message is here, or the verdict: *err, or *end. */
static bool readable(struct unix_sock *u, uint32_t off, bool *end, int *err)
{
	bool ready = true;

	*end = false;
	*err = 0;
	spin_lock(&u->lock);
	if (u->error) {
		*err = -u->error;
	} else if (off ? u->queued > off : !list_empty(&u->queue)) {
		;
	} else if (u->shutdown & UNIX_SHUT_RCV) {
		*end = true;
	} else {
		ready = false;
	}
	spin_unlock(&u->lock);
	return ready;
}

/* The message that holds byte `off` of all (0: the first), or NULL. */
static struct unix_msg *message_at(struct unix_sock *u, uint32_t *off)
{
	struct unix_msg *m = unix_msg_first(u);

	while (m && *off && *off >= m->size) {
		*off -= m->size;
		m = unix_msg_next(u, m);
	}
	return m;
}

/* Wait for a message with read_lock held (dropped meanwhile).  1: the end. */
static int wait_message(struct socket *s, struct unix_sock *u, struct sock_msg *sm, uint64_t deadline,
			struct unix_msg **ret, uint32_t *ret_off)
{
	for (;;) {
		uint32_t off = unix_peek_offset(u, sm);
		bool end;
		int err, werr;

		if (readable(u, off, &end, &err)) {
			/* A datagram socket that is shut down has no end. */
			if (end && unix_is_dgram(u) && sm->nonblock)
				return -EAGAIN;
			if (end || err)
				return err ? unix_take_error(u) : 1;
			*ret_off = off;
			*ret = message_at(u, ret_off);
			if (*ret)
				return 0;
		}
		if (sm->nonblock)
			return -EAGAIN;
		mutex_unlock(&u->read_lock);
		werr = WAIT_EVENT(&u->rd, TASK_INTERRUPTIBLE, deadline, readable(u, off, &end, &err));
		mutex_lock(&u->read_lock);
		if (werr)
			return sock_wait_error(werr, s->rcvtimeo_ns);
	}
}

/* left: counted under the lock, so exactly one reader sees the queue open. */
static void took_one(struct unix_sock *u, unsigned left)
{
	if (unix_is_dgram(u) && left == u->qlen) {
		waitq_wake_all(&u->room, POLL_OUT_KEYS);
		unix_relay_wake(u);
	}
}

long unix_recv_packet(struct socket *s, struct unix_sock *u, struct sock_msg *sm)
{
	uint64_t deadline = sock_deadline(s->rcvtimeo_ns);
	bool peek = sm->flags & MSG_PEEK;
	struct unix_msg *m;
	size_t n, got;
	uint32_t off = 0;
	long ret;
	int w;

	if (!unix_is_dgram(u) && unix_load(u->state) != UNIX_CONNECTED)
		return -ENOTCONN;
	if (sm->flags & MSG_OOB)
		return -EOPNOTSUPP;
	mutex_lock(&u->read_lock);
	w = wait_message(s, u, sm, deadline, &m, &off);
	if (w) {
		mutex_unlock(&u->read_lock);
		return w < 0 ? w : 0;
	}
	n = MIN((size_t)(m->size - off), sm->it->left);
	got = iter_copy_out(sm->it, m->data + off, n);
	ret = got < n ? -EFAULT : sm->flags & MSG_TRUNC ? (long)(m->size - off) : (long)n;
	if (n < m->size - off)
		sm->ret_flags |= MSG_TRUNC;
	if (ret >= 0) {
		if (sock_wants_times(s))
			sock_put_times(s, sm, m->time_ns ? m->time_ns : vfs_now_ns(), false);
		unix_take_sender(m, sm);
		unix_take_scm(m, sm, peek);
		unix_peek_move(u, peek, peek ? n : m->size);
	}
	if (!peek)
		took_one(u, unix_msg_remove(u, m));
	mutex_unlock(&u->read_lock);
	return ret;
}
