/* SPDX-License-Identifier: Apache-2.0 */
/* UDP: udp(7).  A message goes into the queue of whoever is bound there; to
 * nobody, it comes back as ECONNREFUSED for a sender that is connected. */
#include "kernel/net/inet/dgram.h"

#define UDP_MAX4 65507u
#define UDP_MAX6 65527u
#define GROUP_MAX 32u

static void send_group(struct dgram_sock *d, struct dgram *g)
{
	struct inet_sock *to[GROUP_MAX];
	unsigned n = 0;

	if (ip_is_v4(&g->to.ip) ? d->in.opt[OPT_MC_LOOP] : d->in.opt[OPT6_MC_LOOP])
		n = inet_find_udp_group(d->in.ns, &g->to, &g->from, to, GROUP_MAX);
	for (unsigned k = 0; k < n; k++) {
		struct dgram *copy = dgram_msg_new(g->size);

		if (copy) {
			copy->from = g->from;
			copy->to = g->to;
			copy->ttl = g->ttl;
			copy->tos = g->tos;
			memcpy(copy->data, g->data, g->size);
			dgram_deliver(dgram_of(to[k]), copy);
		}
		dgram_put(dgram_of(to[k]));
	}
	kfree(g);
}

static void send_one(struct dgram_sock *d, struct dgram *g)
{
	struct inet_sock *to;
	struct net_link *lo = &d->in.ns->lo;

	__atomic_fetch_add(&lo->rx_packets, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&lo->rx_bytes, g->size + 28, __ATOMIC_RELAXED);
	if (ip_is_multicast(&g->to.ip)) {
		send_group(d, g);
		return;
	}
	to = inet_find_udp(d->in.ns, &g->to, &g->from);
	if (!to) {
		dgram_refused(d, g);
		return;
	}
	dgram_deliver(dgram_of(to), g);
	dgram_put(dgram_of(to));
}

static long udp_sendmsg(struct socket *s, struct sock_msg *m)
{
	struct dgram_sock *d = s->priv;
	size_t n = m->it->left;
	struct endpoint to, from;
	struct dgram *g;
	int err;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (n > 0xffff)
		return -EMSGSIZE;
	err = dgram_destination(s, m, true, &to, &from);
	if (!err)
		err = dgram_send_check(d);
	if (err)
		return err;
	if (n > (ip_is_v4(&to.ip) ? UDP_MAX4 : UDP_MAX6))
		return -EMSGSIZE;
	g = dgram_msg_new(n);
	if (!g)
		return -ENOBUFS;
	if (iter_copy_in(m->it, g->data, n) != n) {
		kfree(g);
		return -EFAULT;
	}
	g->to = to;
	g->from = from;
	err = dgram_set_ttl_tos(d, g, m);
	if (err) {
		kfree(g);
		return err;
	}
	send_one(d, g);
	return (long)n;
}

static int udp_setsockopt(struct socket *s, int level, int opt, const void *val, size_t size)
{
	struct dgram_sock *d = s->priv;
	int32_t v;

	if (level != IPPROTO_UDP)
		return dgram_setsockopt(s, level, opt, val, size);
	if (size < sizeof v)
		return -EINVAL;
	memcpy(&v, val, sizeof v);
	if (opt != UDP_NO_CHECK6_TX && opt != UDP_NO_CHECK6_RX)
		return -ENOPROTOOPT;
	d->opt_no_check = !!v;
	return 0;
}

static int udp_getsockopt(struct socket *s, int level, int opt, void *val, size_t *size)
{
	struct dgram_sock *d = s->priv;

	if (level != IPPROTO_UDP)
		return dgram_getsockopt(s, level, opt, val, size);
	if (opt == UDP_CORK)
		return opt_ret(0, val, size);
	if (opt == UDP_NO_CHECK6_TX || opt == UDP_NO_CHECK6_RX)
		return opt_ret(d->opt_no_check, val, size);
	return -ENOPROTOOPT;
}

static const struct sock_ops udp_ops = {
	.bind = dgram_bind,
	.connect = dgram_connect,
	.getname = dgram_getname,
	.sendmsg = udp_sendmsg,
	.recvmsg = dgram_recvmsg,
	.shutdown = dgram_shutdown,
	.setsockopt = udp_setsockopt,
	.getsockopt = udp_getsockopt,
	.poll = dgram_poll,
	.ioctl = dgram_ioctl,
	.attach = dgram_attach,
	.release = dgram_release,
	.out_of_band = true,
	.error_queue = true,
};

int udp_create(struct socket *s)
{
	s->protocol = IPPROTO_UDP;
	s->priv = dgram_new(s, PROTO_UDP);
	if (!s->priv)
		return -ENOMEM;
	s->ops = &udp_ops;
	return 0;
}
