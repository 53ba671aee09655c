/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/net/tcp, udp, raw and their IPv6 twins: proc(5).  One look under the
 * name space's lock; the text of a socket is a line of fixed width, as ss(8)
 * and old tools expect. */
#include "kernel/net/inet/dgram.h"
#include "kernel/net/inet/tcp.h"

#define USER_HZ 100u

static void put_addr(struct sbuf *s, const struct endpoint *e, bool v6)
{
	uint32_t w[4];

	memcpy(w, e->ip.b, sizeof w);
	if (v6)
		sbuf_printf(s, "%08X%08X%08X%08X:%04X ", w[0], w[1], w[2], w[3], e->port);
	else
		sbuf_printf(s, "%08X:%04X ", w[3], e->port);
}

static bool wanted(const struct inet_sock *i, bool v6) { return (i->family == AF_INET6) == v6; }

static void tcp_line(struct sbuf *s, unsigned n, struct inet_sock *i, bool v6)
{
	struct tcp_sock *t = tcp_of(i);
	uint64_t rx;
	uint32_t alive;
	uint8_t state;
	bool orphan;

	tcp_lock(t);
	state = t->state;
	alive = tcp_keepalive_ms(t);
	orphan = t->orphan;
	rx = state == TCP_LISTEN ? t->accept_count : t->rq.bytes + (t->done && !t->fin_read);
	spin_unlock(&t->lock);
	sbuf_printf(s, "%4u: ", n);
	put_addr(s, &i->local, v6);
	put_addr(s, &i->remote, v6);
	sbuf_printf(s, "%02X %08X:%08X %02X:%08X 00000000 %5u        0 %llu 1 0000000000000000 100 0 0 10 0\n",
		    state, 0u, (unsigned)rx, alive ? 2u : 0u, alive / (1000 / USER_HZ), i->uid,
		    orphan ? 0ull : (unsigned long long)__atomic_load_n(&i->ino, __ATOMIC_RELAXED));
}

static void waiting_line(struct sbuf *s, unsigned n, const struct time_wait *w, bool v6, uint64_t now)
{
	uint64_t left = w->end_ns > now ? (w->end_ns - now) / (NSEC_PER_SEC / USER_HZ) : 0;

	sbuf_printf(s, "%4u: ", n);
	put_addr(s, &w->local, v6);
	put_addr(s, &w->remote, v6);
	sbuf_printf(s, "06 00000000:00000000 03:%08X 00000000     0        0 0 3 0000000000000000\n", (unsigned)left);
}

void net_show_tcp(struct netns *ns, struct sbuf *s, bool v6)
{
	uint64_t now = plat_time_mono_ns();
	struct inet_sock *i;
	struct time_wait *w;
	unsigned n = 0;

	spin_lock(&ns->lock);
	/* Listeners first. */
	for (int listening = 1; listening >= 0; listening--)
		list_for_each(i, &ns->all, all_link)
			if (i->proto == PROTO_TCP && wanted(i, v6) && i->hashed && i->listening == !!listening &&
			    tcp_of(i)->state != TCP_CLOSE && !inet_gone(i, now))
				tcp_line(s, n++, i, v6);
	list_for_each(w, &ns->time_wait, age_link)
		if ((w->family == AF_INET6) == v6 && w->end_ns > now)
			waiting_line(s, n++, w, v6, now);
	spin_unlock(&ns->lock);
}

static void dgram_line(struct sbuf *s, struct inet_sock *i, unsigned slot, bool v6)
{
	struct endpoint local = i->local, remote = i->remote;
	struct dgram_sock *d = dgram_of(i);

	if (i->type == SOCK_RAW) {      /* the number of the protocol, and none */
		local.port = (uint16_t)i->protocol;
		remote.port = 0;
	}
	spin_lock(&d->lock);
	sbuf_printf(s, "%5u: ", slot);
	put_addr(s, &local, v6);
	put_addr(s, &remote, v6);
	sbuf_printf(s, "%02X %08X:%08X 00:00000000 00000000 %5u        0 %llu 2 0000000000000000 %llu\n",
		    i->remote.port ? TCP_ESTABLISHED : TCP_CLOSE, 0u, (unsigned)d->queued, i->uid,
		    (unsigned long long)__atomic_load_n(&i->ino, __ATOMIC_RELAXED), (unsigned long long)d->drops);
	spin_unlock(&d->lock);
}

void net_show_udp(struct netns *ns, int proto, struct sbuf *s, bool v6)
{
	struct inet_sock *i;

	spin_lock(&ns->lock);
	list_for_each(i, &ns->all, all_link)
		if (i->proto == proto && wanted(i, v6) && i->hashed)
			dgram_line(s, i, i->local.port % PORT_BUCKETS, v6);
	spin_unlock(&ns->lock);
}

static void show_portless(struct netns *ns, struct sbuf *s, bool v6, int type)
{
	struct inet_sock *i;

	spin_lock(&ns->lock);
	list_for_each(i, &ns->all, all_link)
		if (i->proto < 0 && i->type == type && wanted(i, v6))
			dgram_line(s, i, type == SOCK_RAW ? (unsigned)i->protocol : i->local.port, v6);
	spin_unlock(&ns->lock);
}

void net_show_raw(struct netns *ns, struct sbuf *s, bool v6) { show_portless(ns, s, v6, SOCK_RAW); }
void net_show_icmp(struct netns *ns, struct sbuf *s, bool v6) { show_portless(ns, s, v6, SOCK_DGRAM); }

struct net_counts net_count(struct netns *ns)
{
	struct net_counts c = { .tcp_bytes = tcp_queue_total() };
	struct inet_sock *i;

	spin_lock(&ns->lock);
	c.waiting = ns->time_wait_count;
	list_for_each(i, &ns->all, all_link) {
		bool v6 = i->family == AF_INET6;

		c.all++;
		if (i->proto == PROTO_TCP) {
			struct tcp_sock *t = tcp_of(i);

			tcp_lock(t);
			c.orphans += t->orphan;
			c.established += t->state == TCP_ESTABLISHED || t->state == TCP_CLOSE_WAIT;
			*(v6 ? &c.tcp6 : &c.tcp4) += t->state != TCP_CLOSE;
			spin_unlock(&t->lock);
		} else if (i->proto == PROTO_UDP) {
			*(v6 ? &c.udp6 : &c.udp4) += i->hashed;
		} else if (i->type == SOCK_RAW) {
			*(v6 ? &c.raw6 : &c.raw4) += 1;
		}
	}
	spin_unlock(&ns->lock);
	return c;
}

void net_traffic(struct netns *ns, struct net_tally *ret)
{
	uint64_t *from = (uint64_t *)(void *)&ns->tally, *to = (uint64_t *)(void *)ret;
	struct inet_sock *i;

	spin_lock(&ns->lock);
	for (size_t k = 0; k < sizeof *ret / sizeof *to; k++)
		to[k] = __atomic_load_n(&from[k], __ATOMIC_RELAXED);
	list_for_each(i, &ns->all, all_link)
		if (i->proto == PROTO_TCP) {
			struct tcp_sock *t = tcp_of(i);

			tcp_lock(t);
			tcp_tally(t, ret);
			spin_unlock(&t->lock);
		}
	spin_unlock(&ns->lock);
}
