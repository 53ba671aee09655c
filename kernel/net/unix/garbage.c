/* SPDX-License-Identifier: Apache-2.0 */
/* Unix sockets that only queues of each other still hold.
 *
 * A socket whose descriptor was sent into its own queue, or into a ring of
 * such sockets, and then closed everywhere, would live for ever.  Every socket
 * counts how often it waits in a queue (inflight).  One whose file has no
 * other reference is a candidate; taking away what the candidates' own queues
 * hold leaves a count above zero for those that somebody outside can still
 * reach, and whatever those hold is reachable too.  The rest is garbage: its
 * queues are emptied, and ordinary reference counting does what remains.
 *
 * gc_lock makes the look one snapshot: descriptors enter and leave queues
 * under it.  A file in flight but not yet queued counts as held from outside.
 * A listener with connections to accept is never a candidate.
 *
 * Trust: descriptors in flight are bounded in all, so is the work of a look;
 * looks happen in proportion to what is sent and closed. */
#include "kernel/net/unix/unix.h"

#define IN_FLIGHT_MAX 16384u
#define GC_MIN 32u                      /* sockets in flight that are worth a look */

static struct spinlock gc_lock = SPINLOCK_INIT;
/* gc_lock */
static struct list all = LIST_INIT(all);
static unsigned in_flight, sockets_in_flight, since_look;
static bool running;

void unix_gc_add(struct unix_sock *u)
{
	list_init(&u->gc_link);
	spin_lock(&gc_lock);
	list_push_back(&all, &u->all_link);
	spin_unlock(&gc_lock);
}

void unix_gc_del(struct unix_sock *u)
{
	spin_lock(&gc_lock);
	list_del(&u->all_link);
	spin_unlock(&gc_lock);
}

void unix_for_each(void (*fn)(struct unix_sock *u, void *arg), void *arg)
{
	struct unix_sock *u;

	spin_lock(&gc_lock);
	list_for_each(u, &all, all_link)
		fn(u, arg);
	spin_unlock(&gc_lock);
}

static struct unix_sock *sock_of(struct file *f)
{
	return file_is_socket(f) && socket_of(f)->family == AF_UNIX ? socket_of(f)->priv : NULL;
}

static void count(struct scm *s, int step)
{
	in_flight += s->count * (unsigned)step;
	for (unsigned i = 0; i < s->count; i++) {
		struct unix_sock *u = sock_of(s->files[i]);

		if (!u)
			continue;
		u->inflight += (unsigned)step;
		u->file = s->files[i];
		sockets_in_flight += (unsigned)step;
	}
}

bool unix_scm_charge(struct scm *s)
{
	bool ok;

	unix_gc_maybe();
	spin_lock(&gc_lock);
	ok = in_flight + s->count <= IN_FLIGHT_MAX;
	if (ok)
		count(s, 1);
	else
		since_look += in_flight;        /* the next one looks for garbage */
	spin_unlock(&gc_lock);
	return ok;
}

struct scm *unix_scm_take(struct scm **slot)
{
	struct scm *s;

	spin_lock(&gc_lock);
	s = *slot;
	*slot = NULL;
	count(s, -1);
	spin_unlock(&gc_lock);
	return s;
}

/* ---- the look; gc_lock held ---- */

static void find_candidates(struct list *found)
{
	struct unix_sock *u;

	list_for_each(u, &all, all_link) {
		u->gc_state = GC_NONE;
		if (!u->inflight || !list_empty(&u->pending) || ref_read(&u->file->ref) != u->inflight)
			continue;
		u->gc_state = GC_CANDIDATE;
		u->gc_count = u->inflight;
		list_push_back(found, &u->gc_link);
	}
}

/* Apply fn to every candidate that waits in u's queue. */
static void for_queued(struct unix_sock *u, void (*fn)(struct unix_sock *c, struct list *arg), struct list *arg)
{
	struct unix_msg *m;

	spin_lock(&u->lock);
	list_for_each(m, &u->queue, link)
		for (unsigned i = 0; m->scm && i < m->scm->count; i++) {
			struct unix_sock *c = sock_of(m->scm->files[i]);

			if (c && c->gc_state == GC_CANDIDATE)
				fn(c, arg);
		}
	spin_unlock(&u->lock);
}

static void discount(struct unix_sock *c, struct list *arg)
{
	(void)arg;
	c->gc_count--;
}

static void revive(struct unix_sock *c, struct list *live)
{
	c->gc_state = GC_LIVE;
	list_del(&c->gc_link);
	list_push_back(live, &c->gc_link);
}

/* What stays on found is garbage, with a reference each. */
static void look(struct list *found)
{
	struct unix_sock *u, *tmp;
	struct list live;

	list_init(&live);
	find_candidates(found);
	list_for_each(u, found, gc_link)
		for_queued(u, discount, NULL);
	list_for_each_safe(u, tmp, found, gc_link)
		if (u->gc_count)
			revive(u, &live);
	while (!list_empty(&live)) {
		u = list_first(&live, struct unix_sock, gc_link);
		list_del(&u->gc_link);
		for_queued(u, revive, &live);
	}
	list_for_each(u, found, gc_link)
		unix_get(u);
}

void unix_gc_maybe(void)
{
	struct unix_sock *u;
	struct list found;

	list_init(&found);
	spin_lock(&gc_lock);
	since_look++;
	if (running || sockets_in_flight < GC_MIN || since_look < sockets_in_flight / 4) {
		spin_unlock(&gc_lock);
		return;
	}
	running = true;
	since_look = 0;
	look(&found);
	spin_unlock(&gc_lock);
	while (!list_empty(&found)) {
		u = list_first(&found, struct unix_sock, gc_link);
		list_del(&u->gc_link);
		unix_purge(u);
		unix_put(u);
	}
	spin_lock(&gc_lock);
	running = false;
	spin_unlock(&gc_lock);
}
