/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of Unix sockets, copied from the sender before any lock is taken.
 * Small ones are one block of memory; the data of others have a block of their
 * own, so that a power of two of bytes takes no more than that.  What a sender has in flight counts against its own send
 * buffer, and all queues together against a bound of the kernel's. */
#include "kernel/net/unix/unix.h"

#define QUEUED_MAX (512u << 20)
#define OVERFLOW_ID 65534u

static uint64_t queued_total;           /* charge of all messages; atomic */

bool unix_has_room(struct unix_sock *u) { return unix_load(u->wmem) < unix_load(u->sndbuf); }

bool unix_writable(struct unix_sock *u) { return unix_load(u->wmem) * 4 <= unix_load(u->sndbuf); }

/* What n bytes cost a sender: not less than the heap gives for them, and for
 * small messages what Linux counts (a buffer and its header), so that as many
 * fit into a send buffer. */
static uint32_t charge_of(size_t n)
{
	size_t block = 512, large = n > UNIX_INLINE ? n : n + sizeof(struct unix_msg) + 256;

	while (block < large && block < UNIX_PIECE)
		block *= 2;
	return (uint32_t)MAX(block, large) + 256;
}

void unix_msg_free(struct unix_msg *m)
{
	struct unix_sock *from = m->from;
	int64_t was, size = unix_load(from->sndbuf);

	if (m->scm)
		scm_free(unix_scm_take(&m->scm));
	__atomic_fetch_sub(&queued_total, m->charge, __ATOMIC_RELAXED);
	was = __atomic_fetch_sub(&from->wmem, m->charge, __ATOMIC_SEQ_CST);
	if ((was - m->charge) * 4 <= size) {
		bool told = unix_load(from->nospace) && __atomic_exchange_n(&from->nospace, false, __ATOMIC_SEQ_CST);

		waitq_wake_all(&from->wr, POLL_OUT_KEYS | (told ? POLL_SPACE_KEY : 0));
	}
	unix_put(from);
	if (m->group)
		tgroup_put(m->group);
	if (m->data != m->room)
		kfree(m->data);
	kfree(m);
}

static struct unix_msg *pop(struct unix_sock *u)
{
	struct unix_msg *m;

	spin_lock(&u->lock);
	m = list_empty(&u->queue) ? NULL : list_first(&u->queue, struct unix_msg, link);
	if (m) {
		list_del(&m->link);
		u->queued -= m->size - m->off;
		__atomic_store_n(&u->queue_count, u->queue_count - 1, __ATOMIC_SEQ_CST);
		u->oob = NULL;
	}
	spin_unlock(&u->lock);
	return m;
}

static void drain(struct unix_sock *u)
{
	struct unix_msg *m;

	while ((m = pop(u)))
		unix_msg_free(m);
}

/* The connection after e (the first for NULL), with a reference; drops e's. */
static struct unix_sock *next_pending(struct unix_sock *l, struct unix_sock *e)
{
	struct list *at;
	struct unix_sock *n = NULL;

	spin_lock(&l->lock);
	at = e ? e->pending_link.next : l->pending.next;
	if (at != &l->pending && (!e || at != &e->pending_link))
		n = unix_get(list_entry(at, struct unix_sock, pending_link));
	spin_unlock(&l->lock);
	unix_put(e);
	return n;
}

void unix_purge(struct unix_sock *u)
{
	struct unix_sock *e = NULL;

	while ((e = next_pending(u, e)))
		drain(e);
	drain(u);
}

/* Who sent it, if either end wants to know. */
static void set_sender(struct unix_msg *m, struct unix_sock *u, struct unix_sock *to, struct sock_msg *sm)
{
	uint32_t pass = __atomic_load_n(&u->pass, __ATOMIC_RELAXED) | __atomic_load_n(&to->pass, __ATOMIC_RELAXED);

	if (!pass && !sm->cred_given) {
		m->cred = (struct linux_ucred){ 0, OVERFLOW_ID, OVERFLOW_ID };
		return;
	}
	m->cred = sm->cred;
	if (!(pass & (UNIX_PASS_PIDFD | UNIX_PASS_LATER)))
		return;
	m->group = sm->cred_given ? tgroup_find_get(sm->cred.pid) : tgroup_get(current_task()->tg);
}

/* n bytes from the iter; takes over sm->scm on success. */
int unix_msg_new(struct unix_sock *u, struct unix_sock *to, struct sock_msg *sm, size_t n, struct unix_msg **ret)
{
	uint32_t charge = charge_of(n);
	struct unix_msg *m = NULL;
	uint8_t *data;
	int err;

	if (__atomic_fetch_add(&queued_total, charge, __ATOMIC_RELAXED) <= QUEUED_MAX)
		m = kmalloc(sizeof *m + (n > UNIX_INLINE ? 0 : n));
	data = m && n > UNIX_INLINE ? kmalloc(n) : m ? m->room : NULL;
	if (!data) {
		kfree(m);
		__atomic_fetch_sub(&queued_total, charge, __ATOMIC_RELAXED);
		return -ENOBUFS;
	}
	memset(m, 0, sizeof *m);
	m->data = data;
	list_init(&m->link);
	m->charge = charge;
	m->size = (uint32_t)n;
	m->from = unix_get(u);
	set_sender(m, u, to, sm);
	__atomic_fetch_add(&u->wmem, charge, __ATOMIC_SEQ_CST);
	if (iter_copy_in(sm->it, m->data, n) != n) {
		unix_msg_free(m);
		return -EFAULT;
	}
	if (sm->scm) {
		err = unix_scm_charge(sm->scm);
		if (err) {
			unix_msg_free(m);
			return err;
		}
		m->scm = sm->scm;
		sm->scm = NULL;
	}
	*ret = m;
	return 0;
}

/* ---- room in the sender's own buffer ---- */

static bool send_can_go(struct unix_sock *u)
{
	return unix_has_room(u) || (unix_load(u->shutdown) & UNIX_SHUT_SEND) || unix_load(u->error);
}

int unix_wait_room(struct socket *s, struct unix_sock *u, struct sock_msg *m, uint64_t deadline)
{
	int err = 0;

	if (!send_can_go(u)) {
		__atomic_store_n(&u->nospace, true, __ATOMIC_SEQ_CST);
		if (m->nonblock)
			return -EAGAIN;
		err = WAIT_EVENT(&u->wr, TASK_INTERRUPTIBLE, deadline, send_can_go(u));
		if (err)
			return sock_wait_error(err, s->sndtimeo_ns);
	}
	err = unix_load(u->error) ? unix_take_error(u) : 0;
	if (err)
		return err;
	return unix_load(u->shutdown) & UNIX_SHUT_SEND ? -EPIPE : 0;
}

/* ---- for readers ---- */

struct unix_msg *unix_msg_first(struct unix_sock *u)
{
	struct unix_msg *m;

	spin_lock(&u->lock);
	m = list_empty(&u->queue) ? NULL : list_first(&u->queue, struct unix_msg, link);
	spin_unlock(&u->lock);
	return m;
}

struct unix_msg *unix_msg_next(struct unix_sock *u, struct unix_msg *m)
{
	struct unix_msg *n;

	spin_lock(&u->lock);
	n = m->link.next == &u->queue ? NULL : list_next(m, link);
	spin_unlock(&u->lock);
	return n;
}

unsigned unix_msg_unlink(struct unix_sock *u, struct unix_msg *m)
{
	unsigned left = u->queue_count - 1;

	list_del(&m->link);
	u->queued -= m->size - m->off;
	__atomic_store_n(&u->queue_count, left, __ATOMIC_SEQ_CST);
	if (u->oob == m)
		u->oob = NULL;
	return left;
}

unsigned unix_msg_remove(struct unix_sock *u, struct unix_msg *m)
{
	unsigned left;

	spin_lock(&u->lock);
	left = unix_msg_unlink(u, m);
	spin_unlock(&u->lock);
	unix_msg_free(m);
	return left;
}

/* The descriptors of a message become the reader's, or copies when peeking. */
void unix_take_scm(struct unix_msg *m, struct sock_msg *sm, bool peek)
{
	if (m->scm && !sm->scm)
		sm->scm = peek ? unix_scm_peek(m->scm) : unix_scm_take(&m->scm);
}

void unix_take_sender(struct unix_msg *m, struct sock_msg *sm)
{
	const struct unix_addr *name = __atomic_load_n(&m->from->addr, __ATOMIC_ACQUIRE);

	sm->cred = m->cred;
	sm->have_cred = true;
	if (name)
		sm->name = name->a;
	if (m->group && !sm->group)
		sm->group = tgroup_get(m->group);
}

/* SO_PEEK_OFF: where a peek begins, and how reads move it (socket(7)). */
uint32_t unix_peek_offset(struct unix_sock *u, const struct sock_msg *sm)
{
	int32_t off = __atomic_load_n(&u->peek_off, __ATOMIC_RELAXED);

	return sm->flags & MSG_PEEK && off > 0 ? (uint32_t)off : 0;
}

void unix_peek_move(struct unix_sock *u, bool peek, size_t n)
{
	int32_t off = __atomic_load_n(&u->peek_off, __ATOMIC_RELAXED);
	int64_t to = peek ? (int64_t)off + (int64_t)n : (int64_t)off - (int64_t)n;

	if (off >= 0)
		__atomic_store_n(&u->peek_off, (int32_t)MIN(MAX(to, (int64_t)0), (int64_t)INT32_MAX), __ATOMIC_RELAXED);
}
