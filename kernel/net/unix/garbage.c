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
 * gc_lock makes the look one snapshot: descriptors enter and leave queues, and
 * are copied by MSG_PEEK, under it.  A file in flight but not yet queued counts as
 * held from outside.  What waits at connections that a listener has not accepted
 * counts as the listener's.
 *
 * Trust: descriptors in flight are bounded in all and for each user (unix(7),
 * ETOOMANYREFS), so is the work of a look, which visits sockets in flight and
 * their queues only; looks happen in proportion to what is sent and closed. */
#include "kernel/net/unix/unix.h"

#define IN_FLIGHT_MAX 16384u
#define GC_MIN 32u                      /* sockets in flight that are worth a look */

static struct spinlock gc_lock = SPINLOCK_INIT;
struct user { struct list link; uint32_t uid; unsigned count; };

/* gc_lock */
static struct list all = LIST_INIT(all);
static struct list flying = LIST_INIT(flying);  /* unix_sock.flight_link: inflight > 0 */
static struct list users = LIST_INIT(users);    /* who has descriptors in flight */
static unsigned in_flight, sockets_in_flight, since_look;
static bool running;

void unix_gc_add(struct unix_sock *u)
{
	list_init(&u->gc_link);
	list_init(&u->flight_link);
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
		if (!u->inflight)
			list_push_back(&flying, &u->flight_link);
		u->inflight += (unsigned)step;
		if (!u->inflight)
			list_del(&u->flight_link);
		u->file = s->files[i];
		sockets_in_flight += (unsigned)step;
	}
}

static struct user *find_user(uint32_t uid)
{
	struct user *w;

	list_for_each(w, &users, link)
		if (w->uid == uid)
			return w;
	return NULL;
}

/* uid's entry, *fresh used when there was none. */
static struct user *get_user(uint32_t uid, struct user **fresh)
{
	struct user *w = find_user(uid);

	if (w || !*fresh)
		return w;
	w = *fresh;
	*fresh = NULL;
	w->uid = uid;
	w->count = 0;
	list_push_front(&users, &w->link);
	return w;
}

/* A user may have as many in flight as one process may have open. */
int unix_scm_charge(struct scm *s)
{
	bool free_of_it = capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN);
	uint64_t limit = rlimit_cur(RLIMIT_NOFILE);
	struct user *fresh, *w;
	int err = 0;

	unix_gc_maybe();
	fresh = kmalloc(sizeof *fresh);
	s->uid = current_cred()->uid;
	spin_lock(&gc_lock);
	w = get_user(s->uid, &fresh);
	if (!w) {
		err = -ENOMEM;
	} else if (in_flight + s->count > IN_FLIGHT_MAX || (w->count > limit && !free_of_it)) {
		err = -ETOOMANYREFS;
		since_look += in_flight;        /* the next one looks for garbage */
	} else {
		count(s, 1);
		w->count += s->count;
	}
	spin_unlock(&gc_lock);
	kfree(fresh);
	return err;
}

struct scm *unix_scm_take(struct scm **slot)
{
	struct user *w;
	struct scm *s;

	spin_lock(&gc_lock);
	s = *slot;
	*slot = NULL;
	count(s, -1);
	w = find_user(s->uid);
	w->count -= s->count;
	if (w->count)
		w = NULL;
	else
		list_del(&w->link);
	spin_unlock(&gc_lock);
	kfree(w);
	return s;
}

struct scm *unix_scm_peek(const struct scm *s)
{
	struct scm *c = scm_new(s->count);

	if (!c)
		return NULL;
	spin_lock(&gc_lock);
	for (unsigned i = 0; i < s->count; i++)
		c->files[c->count++] = file_get(s->files[i]);
	spin_unlock(&gc_lock);
	return c;
}

/* ---- the look; gc_lock held ---- */

static void find_candidates(struct list *found)
{
	struct unix_sock *u;

	list_for_each(u, &flying, flight_link) {
		u->gc_state = GC_NONE;
		if (ref_read(&u->file->ref) != u->inflight)
			continue;
		u->gc_state = GC_CANDIDATE;
		u->gc_count = u->inflight;
		list_push_back(found, &u->gc_link);
	}
}

/* u->lock held. */
static void for_messages(struct unix_sock *u, void (*fn)(struct unix_sock *c, struct list *arg), struct list *arg)
{
	struct unix_msg *m;

	list_for_each(m, &u->queue, link)
		for (unsigned i = 0; m->scm && i < m->scm->count; i++) {
			struct unix_sock *c = sock_of(m->scm->files[i]);

			if (c && c->gc_state == GC_CANDIDATE)
				fn(c, arg);
		}
}

/* Apply fn to every candidate that waits in u's queue, or in those of the
 * connections that u would accept. */
static void for_queued(struct unix_sock *u, void (*fn)(struct unix_sock *c, struct list *arg), struct list *arg)
{
	struct unix_sock *e;

	spin_lock(&u->lock);
	for_messages(u, fn, arg);
	list_for_each(e, &u->pending, pending_link) {
		spin_lock(&e->lock);
		for_messages(e, fn, arg);
		spin_unlock(&e->lock);
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
