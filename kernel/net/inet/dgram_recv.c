/* SPDX-License-Identifier: Apache-2.0 */
/* Message sockets: receiving, with what the receiver wants to know about a
 * message (ancillary data of ip(7), ipv6(7), socket(7)). */
#include "kernel/net/inet/dgram.h"

static void describe_options(const int32_t *opt, const struct ip_options *got, struct sock_msg *m)
{
	struct ip_options back;

	if (opt[OPT_RECVOPTS])
		sock_put_cmsg(m, IPPROTO_IP, IP_RECVOPTS, got->b, got->size);
	if (!opt[OPT_RETOPTS])
		return;
	ip_options_reply(got, &back);
	sock_put_cmsg(m, IPPROTO_IP, IP_RETOPTS, back.b, back.size);
}

void inet_describe(struct socket *s, const struct inet_sock *i, const struct dgram *g, struct sock_msg *m)
{
	const int32_t *opt = i->opt;
	struct sock_addr a;
	int32_t v;

	if (s && sock_wants_times(s))
		sock_put_times(s, m, g->time_ns, true);
	if (s && sock_kept(s, SO_RXQ_OVFL) && g->drops)
		sock_put_cmsg(m, SOL_SOCKET, SO_RXQ_OVFL, &g->drops, sizeof g->drops);
	if (i->family == AF_INET6 && (opt[OPT6_RECVPKTINFO] || opt[OPT6_OLD_PKTINFO])) {
		struct linux_in6_pktinfo pi = { .ifindex = LO_INDEX };

		memcpy(pi.addr, g->to.ip.b, sizeof pi.addr);
		if (opt[OPT6_RECVPKTINFO])
			sock_put_cmsg(m, IPPROTO_IPV6, IPV6_PKTINFO, &pi, sizeof pi);
		if (opt[OPT6_OLD_PKTINFO] && !ip_is_v4(&g->to.ip))
			sock_put_cmsg(m, IPPROTO_IPV6, IPV6_2292PKTINFO, &pi, sizeof pi);
	}
	if (ip_is_v4(&g->to.ip)) {
		uint32_t to = be32(ip_v4(&g->to.ip));

		if (opt[OPT_PKTINFO]) {
			struct linux_in_pktinfo pi = { LO_INDEX, i->proto < 0 && i->type == SOCK_DGRAM ? 0 : to, to };

			sock_put_cmsg(m, IPPROTO_IP, IP_PKTINFO, &pi, sizeof pi);
		}
		if (opt[OPT_RECVTTL]) {
			v = g->ttl;
			sock_put_cmsg(m, IPPROTO_IP, IP_TTL, &v, sizeof v);
		}
		if (opt[OPT_RECVTOS])
			sock_put_cmsg(m, IPPROTO_IP, IP_TOS, &g->tos, 1);
		if (g->options.size)
			describe_options(opt, &g->options, m);
		if (opt[OPT_RECVORIGDST]) {
			struct inet_sock v4 = { .family = AF_INET };

			inet_addr_format(&v4, &g->to, &a);
			sock_put_cmsg(m, IPPROTO_IP, IP_RECVORIGDSTADDR, &a.u, a.size);
		}
	}
	if (i->family != AF_INET6)
		return;
	if (opt[OPT6_RECVHOPLIMIT] && !ip_is_v4(&g->to.ip)) {
		v = g->ttl;
		sock_put_cmsg(m, IPPROTO_IPV6, IPV6_HOPLIMIT, &v, sizeof v);
	}
	if (opt[OPT6_OLD_HOPLIMIT] && !ip_is_v4(&g->to.ip)) {
		v = g->ttl;
		sock_put_cmsg(m, IPPROTO_IPV6, IPV6_2292HOPLIMIT, &v, sizeof v);
	}
	if (opt[OPT6_RECVTCLASS] && !ip_is_v4(&g->to.ip)) {
		v = g->tos;
		sock_put_cmsg(m, IPPROTO_IPV6, IPV6_TCLASS, &v, sizeof v);
	}
	if (g->options.size && !ip_is_v4(&g->to.ip))
		ip6_describe_headers(i, &g->options, m);
	if (opt[OPT6_RECVORIGDST] && !ip_is_v4(&g->to.ip)) {
		inet_addr_format(i, &g->to, &a);
		sock_put_cmsg(m, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, &a.u, a.size);
	}
}

/* The message with byte number *off of all that is queued, 0: the first; *off
 * becomes the place in it.  lock held */
static struct dgram *message_at(struct dgram_sock *d, size_t *off)
{
	struct dgram *g;

	list_for_each(g, &d->queue, link) {
		if (!*off || *off < g->size)
			return g;
		*off -= g->size;
	}
	return NULL;
}

static bool ready(struct dgram_sock *d, size_t off, int *ret)
{
	bool ok = true;

	*ret = 0;
	spin_lock(&d->lock);
	if (d->error) {
		*ret = -d->error;
		d->error = 0;
	} else if (message_at(d, &off)) {
		;
	} else if (d->shutdown & DGRAM_SHUT_RCV) {
		*ret = 1;
	} else {
		ok = false;
	}
	spin_unlock(&d->lock);
	return ok;
}

static long recv_error(struct socket *s, struct dgram_sock *d, struct sock_msg *m)
{
	int32_t next;
	long ret = inet_recv_error(s, &d->in, m, &next);

	if (next < 0)
		return ret;
	spin_lock(&d->lock);
	d->error = next;
	spin_unlock(&d->lock);
	return ret;
}

long dgram_recvmsg(struct socket *s, struct sock_msg *m)
{
	struct dgram_sock *d = s->priv;
	uint64_t deadline = sock_deadline(s->rcvtimeo_ns);
	bool peek = m->flags & MSG_PEEK;
	struct dgram *g;
	size_t n, got, off;
	int verdict, err;
	long ret;

	if (m->flags & MSG_ERRQUEUE)
		return recv_error(s, d, m);
	mutex_lock(&d->read_lock);
	for (;;) {
		off = inet_peek_offset(&d->in, peek);
		if (ready(d, off, &verdict)) {
			if (verdict > 0 && m->nonblock)
				verdict = -EAGAIN;      /* shut down: no end for who does not wait */
			if (verdict)
				goto out;
			break;
		}
		verdict = -EAGAIN;
		if (m->nonblock)
			goto out;
		mutex_unlock(&d->read_lock);
		err = WAIT_EVENT(&d->wq, TASK_INTERRUPTIBLE, deadline, ready(d, off, &verdict));
		mutex_lock(&d->read_lock);
		if (err)
			verdict = sock_wait_error(err, s->rcvtimeo_ns);
		if (verdict)
			goto out;
	}
	spin_lock(&d->lock);
	g = message_at(d, &off);
	if (g && !peek) {
		list_del(&g->link);
		if (!s->tstamp && !(s->tstamping & SOF_TIMESTAMPING_SOFTWARE))
			d->last_ns = g->time_ns;        /* who gets it with the message need not ask */
		d->queued -= dgram_cost(g);
	}
	spin_unlock(&d->lock);
	if (!g) {                       /* cannot happen while read_lock is held */
		verdict = -EAGAIN;
		goto out;
	}
	n = MIN((size_t)g->size - off, m->it->left);
	got = iter_copy_out(m->it, g->data + off, n);
	ret = got < n ? -EFAULT : m->flags & MSG_TRUNC ? (long)g->size : (long)n;
	if (n < g->size - off)
		m->ret_flags |= MSG_TRUNC;
	inet_peek_move(&d->in, peek, peek ? n : g->size);
	inet_addr_format(&d->in, &g->from, &m->name);
	inet_describe(s, &d->in, g, m);
	if (d->opt_gro && g->segment) {
		int32_t seg = g->segment;

		sock_put_cmsg(m, IPPROTO_UDP, UDP_GRO, &seg, sizeof seg);
	}
	if (!peek) {
		if (d->in.proto >= 0)
			net_tally(&dgram_tally(d, !ip_is_v4(&g->to.ip))->in, 1);
		dgram_uncharge(g);
		kfree(g);
	}
	mutex_unlock(&d->read_lock);
	return ret;
out:
	mutex_unlock(&d->read_lock);
	return verdict < 0 ? verdict : 0;
}
