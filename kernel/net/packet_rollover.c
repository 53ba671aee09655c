/* SPDX-License-Identifier: Apache-2.0 */
/* PACKET_FANOUT_ROLLOVER and the flag of that name: a member of a group without room passes a
 * frame on to the next that has some (packet(7), PACKET_ROLLOVER_STATS).
 *
 * Whether a ring has room is read from what the program maps, which may sleep: so members are
 * taken (counted) under ns->lock and asked without it. */
#include "kernel/net/packet_sock.h"

static enum packet_room room_of(struct packet_sock *k)
{
	enum packet_room room;
	size_t most = (size_t)word(&k->rcvbuf);

	if (packet_ring_there(&k->ring)) {
		room = packet_ring_room(&k->ring);
	} else {
		spin_lock(&k->lock);
		room = k->queued < most - most / 4 ? PACKET_ROOM : k->queued < most ? PACKET_LITTLE_ROOM : PACKET_FULL;
		spin_unlock(&k->lock);
	}
	__atomic_store_n(&k->rollover.pressed, room != PACKET_ROOM, __ATOMIC_RELAXED);
	return room;
}

void packet_rollover_look(struct packet_sock *k)
{
	if (__atomic_load_n(&k->rollover.pressed, __ATOMIC_RELAXED))
		(void)room_of(k);
}

/* Does one flow fill most of what came lately?  Then its frames are those to pass on. */
static bool is_huge(struct packet_sock *k, const struct frame *f)
{
	uint32_t h = packet_flow(f), victim, count = 0;

	krandom(&victim, sizeof victim);
	spin_lock(&k->lock);
	for (unsigned i = 0; i < PACKET_FLOWS; i++)
		count += k->rollover.flows[i] == h;
	k->rollover.flows[victim % PACKET_FLOWS] = h;
	spin_unlock(&k->lock);
	return count > PACKET_FLOWS / 2;
}

/* All of k's group, counted, in the order of their places. */
static unsigned members(struct packet_sock *k, struct packet_sock **to)
{
	struct packet_sock *o;
	unsigned n = 0;

	spin_lock(&k->ns->lock);
	list_for_each(o, &k->ns->packets, link)
		if (n < PACKET_FANOUT_MEMBERS && same_group(k, o) && ref_get_unless_zero(&o->ref))
			to[n++] = o;
	spin_unlock(&k->ns->lock);
	return n;
}

/* -1: nobody. */
static int next_with_room(struct packet_sock *k, struct packet_sock **all, unsigned n, const struct packet_sock *but)
{
	unsigned first;

	spin_lock(&k->lock);
	first = MIN(k->rollover.last, n - 1);
	spin_unlock(&k->lock);
	for (unsigned i = 0; i < n; i++) {
		unsigned place = (first + i) % n;
		struct packet_sock *o = all[place];

		if (o != but && !__atomic_load_n(&o->rollover.pressed, __ATOMIC_RELAXED) && room_of(o) == PACKET_ROOM)
			return (int)place;
	}
	return -1;
}

struct packet_sock *packet_rollover(struct packet_sock *k, const struct frame *f)
{
	bool self = k->fanout.type != PACKET_FANOUT_ROLLOVER;
	enum packet_room room = self ? room_of(k) : PACKET_FULL;
	struct packet_sock **all, *win = k;
	unsigned n;
	int place;

	if (room == PACKET_ROOM || (room == PACKET_LITTLE_ROOM && !is_huge(k, f)))
		return k;
	all = kmalloc(PACKET_FANOUT_MEMBERS * sizeof(struct packet_sock *));
	if (!all)
		return k;
	n = members(k, all);
	place = n ? next_with_room(k, all, n, self ? k : NULL) : -1;
	spin_lock(&k->lock);
	if (place < 0) {
		k->rollover.failed++;
	} else {
		k->rollover.last = (unsigned)place;
		k->rollover.all++;
		k->rollover.huge += room == PACKET_LITTLE_ROOM;
	}
	spin_unlock(&k->lock);
	if (place >= 0) {
		win = all[place];
		ref_get(&win->ref);
		packet_put(k);
	}
	for (unsigned i = 0; i < n; i++)
		packet_put(all[i]);
	kfree(all);
	return win;
}

int packet_rollover_stats(struct packet_sock *k, void *val, size_t *size)
{
	struct linux_tpacket_rollover_stats st;
	bool rolls;

	spin_lock(&k->ns->lock);
	rolls = packet_rolls(k);
	spin_unlock(&k->ns->lock);
	if (!rolls)
		return -EINVAL;
	spin_lock(&k->lock);
	st = (struct linux_tpacket_rollover_stats){ k->rollover.all, k->rollover.huge, k->rollover.failed };
	spin_unlock(&k->lock);
	*size = MIN(*size, sizeof st);
	memcpy(val, &st, *size);
	return 0;
}
