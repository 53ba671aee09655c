/* SPDX-License-Identifier: Apache-2.0 */
/* Queues of netlink sockets: an answer waits in pieces that readers' buffers
 * hold, an announcement goes to the sockets of its name space that joined the
 * group.  Bounds: each queue by its receive buffer (announcements) or a fixed size
 * (answers), and all together. */
#include "kernel/net/netlink/sock.h"

#define ANSWER_MAX (16u << 20)          /* of one request */
#define TOTAL_MAX (64u << 20)
#define PIECE 4096u                     /* libc reads with less than 8 KiB */
#define OVERHEAD 640u                   /* what Linux counts for a message */

static uint64_t queued_total;           /* atomic */
struct spinlock nl_all_lock = SPINLOCK_INIT;
struct list nl_all = LIST_INIT(nl_all);

static size_t cost(const struct nl_answer *a) { return a->room + OVERHEAD; }

static struct nl_answer *answer_new(const void *data, size_t size, uint32_t groups)
{
	struct nl_answer *a;

	if (__atomic_add_fetch(&queued_total, size + sizeof *a, __ATOMIC_RELAXED) > TOTAL_MAX)
		a = NULL;
	else
		a = kmalloc(sizeof *a + size);
	if (!a) {
		__atomic_fetch_sub(&queued_total, size + sizeof *a, __ATOMIC_RELAXED);
		return NULL;
	}
	a->size = a->room = (uint32_t)size;
	a->groups = groups;
	list_init(&a->link);
	memcpy(a->data, data, size);
	return a;
}

static void answer_free(struct nl_answer *a)
{
	if (!a)
		return;
	__atomic_fetch_sub(&queued_total, a->room + sizeof *a, __ATOMIC_RELAXED);
	kfree(a);
}

static void free_all(struct list *l)
{
	while (!list_empty(l)) {
		struct nl_answer *a = list_first(l, struct nl_answer, link);

		list_del(&a->link);
		answer_free(a);
	}
}

/* What the socket's filter leaves of a; false: nothing. */
static bool filter(struct nl_sock *k, struct nl_answer *a)
{
	struct frame f;
	size_t keep;

	if (!filter_there(&k->filter))
		return true;
	frame_bytes(&f, a->data, a->size);
	if (!filter_run(&k->filter, &f, 0, &keep))
		return false;
	a->size = (uint32_t)keep;
	return true;
}

/* a is consumed.  A queue that is full says so to its reader. */
static bool push(struct nl_sock *k, struct nl_answer *a, size_t limit)
{
	bool ok;

	if (a && !filter(k, a)) {
		answer_free(a);
		return true;
	}
	spin_lock(&k->lock);
	ok = a && (!k->queued || k->queued + cost(a) <= limit);
	if (ok) {
		k->queued += cost(a);
		list_push_back(&k->queue, &a->link);
	} else {
		k->error = ENOBUFS;
	}
	spin_unlock(&k->lock);
	if (!ok)
		answer_free(a);
	return ok;
}

/* Messages that fit into PIECE together; a dump's end comes alone, as netlink_dump() has it. */
static size_t piece_at(const struct sbuf *s, size_t at)
{
	size_t n = 0;

	while (at + n < s->n) {
		struct linux_nlmsghdr h;
		size_t len;

		memcpy(&h, s->p + at + n, sizeof h);
		len = MIN(align_up((size_t)h.len, 4), s->n - at - n);
		if (n && (n + len > PIECE || h.type == NLMSG_DONE))
			break;
		n += len;
	}
	return n;
}

int nl_answer(struct nl_sock *k, struct nl_request *r)
{
	size_t at = 0, n, limit = r->dump ? ANSWER_MAX : k->rcvbuf;
	bool ok = !r->out.failed;

	while (ok && at < r->out.n) {
		n = piece_at(&r->out, at);
		ok = push(k, answer_new(r->out.p + at, n, 0), limit);
		at += n;
	}
	sbuf_free(&r->out);
	waitq_wake_all(&k->wq, POLLIN | POLLRDNORM);
	return ok ? 0 : -ENOBUFS;
}

int netlink_takes(struct file *f)
{
	if (!file_is_socket(f))
		return -ENOTSOCK;
	return socket_of(f)->family == AF_NETLINK ? 0 : -EINVAL;
}

void netlink_give(struct file *f, const void *data, size_t n)
{
	struct nl_sock *k = socket_of(f)->priv;

	(void)push(k, answer_new(data, n, 0), k->rcvbuf);       /* full: its reader is told */
	waitq_wake_all(&k->wq, POLLIN | POLLRDNORM);
}

static bool member(const struct nl_sock *k, const struct nl_request *r, unsigned group)
{
	return k->ns == r->ns && k->protocol == NETLINK_ROUTE && k->groups >> (group - 1) & 1;
}

/* The copies are made before the list is locked; who joins in between misses
 * this one. */
void nl_announce(struct nl_request *r, unsigned group)
{
	unsigned n = 0, made = 0;
	struct list copies;
	struct nl_sock *k;

	list_init(&copies);
	spin_lock(&nl_all_lock);
	list_for_each(k, &nl_all, all_link)
		n += member(k, r, group);
	spin_unlock(&nl_all_lock);
	for (; made < n && !r->out.failed; made++) {
		struct nl_answer *a = answer_new(r->out.p + r->open, r->out.n - r->open, 1u << (group - 1) % 32);

		if (!a)
			break;
		list_push_back(&copies, &a->link);
	}
	spin_lock(&nl_all_lock);
	list_for_each(k, &nl_all, all_link) {
		struct nl_answer *a = NULL;

		if (!member(k, r, group))
			continue;
		if (!list_empty(&copies)) {
			a = list_first(&copies, struct nl_answer, link);
			list_del(&a->link);
		}
		push(k, a, k->rcvbuf);
		waitq_wake_all(&k->wq, POLLIN | POLLRDNORM);
	}
	spin_unlock(&nl_all_lock);
	free_all(&copies);
	r->out.n = r->open;
}

bool nl_ready(struct nl_sock *k, int *ret_err)
{
	bool ok;

	spin_lock(&k->lock);
	*ret_err = -k->error;
	k->error = 0;
	ok = !list_empty(&k->queue) || *ret_err;
	spin_unlock(&k->lock);
	return ok;
}

struct nl_answer *nl_first(struct nl_sock *k)
{
	struct nl_answer *a;

	spin_lock(&k->lock);
	a = list_empty(&k->queue) ? NULL : list_first(&k->queue, struct nl_answer, link);
	spin_unlock(&k->lock);
	return a;
}

void nl_first_done(struct nl_sock *k, struct nl_answer *a)
{
	spin_lock(&k->lock);
	list_del(&a->link);
	k->queued -= cost(a);
	spin_unlock(&k->lock);
	answer_free(a);
}

void nl_queue_free(struct nl_sock *k) { free_all(&k->queue); }
