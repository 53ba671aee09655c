/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that choose a socket of a SO_REUSEPORT group (socket(7)): classic BPF over the
 * body of a datagram, or over nothing for a TCP connection; the result is a place in the
 * group, in the order of binding.  Every member holds the program; who joins gets it. */
#include "kernel/net/inet/inet.h"

static bool fellows(const struct inet_sock *a, const struct inet_sock *b)
{
	return a != b && a->reuseport && b->reuseport && a->uid == b->uid && a->family == b->family &&
	       a->v6only == b->v6only && a->local.port == b->local.port && ip_equal(&a->local.ip, &b->local.ip);
}

void inet_reuse_join(struct inet_sock *i, struct list *bound)
{
	struct inet_sock *o;

	if (!i->reuseport || i->child)
		return;
	list_for_each(o, bound, port_link)
		if (fellows(i, o) && filter_there(&o->chooser)) {
			filter_share(&o->chooser, &i->chooser);
			return;
		}
}

/* Its program, or none (NULL), becomes that of the whole group. */
static void share(struct inet_sock *i)
{
	struct inet_sock *o;

	spin_lock(&i->ns->lock);
	if (i->hashed)
		list_for_each(o, inet_bound_list(i), port_link)
			if (fellows(i, o))
				filter_share(&i->chooser, &o->chooser);
	spin_unlock(&i->ns->lock);
}

static bool may_choose(struct inet_sock *i)
{
	bool may;

	spin_lock(&i->ns->lock);
	may = i->reuseport;
	spin_unlock(&i->ns->lock);
	return may;
}

int inet_reuse_attach(struct inet_sock *i, const void *val, size_t size)
{
	int err;

	if (i->proto < 0 || !may_choose(i))
		return -EINVAL;
	err = filter_attach(&i->chooser, val, size);
	if (!err)
		share(i);
	return err;
}

int inet_reuse_detach(struct inet_sock *i)
{
	int err;

	if (i->proto < 0 || !may_choose(i))
		return -EINVAL;
	err = filter_detach(&i->chooser);
	if (!err)
		share(i);
	return err;
}

struct inet_sock *inet_reuse_choose(struct inet_sock *win, struct list *bound, const struct reuse_packet *p)
{
	uint32_t place;
	struct inet_sock *o;
	struct frame f;

	if (win->proto == PROTO_TCP)
		frame_tcp(&f, p->from, p->to, &(struct frame_tcp){ .flags = FRAME_SYN }, NULL, 0);
	else
		frame_udp(&f, p->from, p->to, (uint8_t)win->protocol, 64, 0, p->body, p->size);
	place = filter_value(&win->chooser, &f, f.head_size);
	list_for_each(o, bound, port_link)
		if ((o == win || fellows(win, o)) && o->listening == win->listening && !o->remote.port && !place--)
			return o;
	return win;                     /* no such place: as without a program */
}
