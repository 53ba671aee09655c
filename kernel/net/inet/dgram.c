/* SPDX-License-Identifier: Apache-2.0 */
/* Message sockets: queues, receiving, names, readiness.  udp(7), raw(7). */
#include "kernel/net/inet/dgram.h"
#include <linux_abi/ioctl.h>

#define OVERHEAD 256u
#define QUEUED_MAX (64u << 20)

static uint64_t queued_total;           /* atomic */

struct dgram_sock *dgram_new(struct socket *s, int proto)
{
	struct dgram_sock *d = kzalloc(sizeof *d);

	if (!d)
		return NULL;
	inet_sock_init(&d->in, s, proto);
	waitq_init(&d->wq);
	mutex_init(&d->read_lock);
	list_init(&d->queue);
	list_init(&d->errors);
	d->rcvbuf = SOCK_BUF_DEFAULT;
	return d;
}

static void purge(struct list *l)
{
	struct dgram *m;

	while (!list_empty(l)) {
		m = list_first(l, struct dgram, link);
		list_del(&m->link);
		__atomic_fetch_sub(&queued_total, m->size + OVERHEAD, __ATOMIC_RELAXED);
		kfree(m);
	}
}

void dgram_put(struct dgram_sock *d)
{
	if (!d || !ref_put(&d->in.ref))
		return;
	inet_sock_fini(&d->in);
	purge(&d->queue);
	purge(&d->errors);
	kfree(d);
}

void dgram_attach(struct socket *s, struct file *f)
{
	struct dgram_sock *d = s->priv;

	d->in.ino = f->inode->ino;
}

void dgram_release(struct socket *s)
{
	struct dgram_sock *d = s->priv;

	if (!d)
		return;
	inet_release_port(&d->in);
	spin_lock(&d->lock);
	d->shutdown = DGRAM_SHUT_RCV | DGRAM_SHUT_SEND;
	spin_unlock(&d->lock);
	dgram_put(d);
}

struct dgram *dgram_msg_new(size_t size)
{
	struct dgram *m = kmalloc(sizeof *m + size);

	if (!m)
		return NULL;
	memset(m, 0, sizeof *m);
	list_init(&m->link);
	m->size = (uint32_t)size;
	return m;
}

void dgram_deliver(struct dgram_sock *d, struct dgram *m)
{
	uint64_t charge = m->size + OVERHEAD;
	bool drop = __atomic_add_fetch(&queued_total, charge, __ATOMIC_RELAXED) > QUEUED_MAX;

	m->time_ns = vfs_now_ns();
	spin_lock(&d->lock);
	if (!drop)
		drop = d->queued + (d->queued ? charge : 0) > (uint64_t)d->rcvbuf;
	if (drop) {
		d->drops++;
	} else {
		d->queued += charge;
		list_push_back(&d->queue, &m->link);
	}
	spin_unlock(&d->lock);
	if (drop) {
		__atomic_fetch_sub(&queued_total, charge, __ATOMIC_RELAXED);
		kfree(m);
		return;
	}
	waitq_wake_all(&d->wq, POLLIN | POLLRDNORM);
}

void dgram_refused(struct dgram_sock *d, struct dgram *m)
{
	bool keep = m && (d->in.opt[OPT_RECVERR] || d->in.opt[OPT6_RECVERR]);

	spin_lock(&d->lock);
	if (keep && d->error_count < ERRORS_MAX) {
		m->error = ECONNREFUSED;
		__atomic_add_fetch(&queued_total, m->size + OVERHEAD, __ATOMIC_RELAXED);
		list_push_back(&d->errors, &m->link);
		d->error_count++;
		m = NULL;
	}
	if (keep || d->in.remote.port)
		d->error = ECONNREFUSED;
	spin_unlock(&d->lock);
	kfree(m);
	if (keep || d->in.remote.port)
		waitq_wake_all(&d->wq, POLLERR);
}

/* ---- sending ---- */

int dgram_set_ttl_tos(struct dgram_sock *d, struct dgram *g, const struct sock_msg *m)
{
	bool v4 = ip_is_v4(&g->to.ip);
	int level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
	int32_t ttl = d->in.opt[v4 ? OPT_TTL : OPT6_HOPS], tos = d->in.opt[v4 ? OPT_TOS : OPT6_TCLASS];

	for (unsigned i = 0; i < m->cmsg_count; i++) {
		const struct sock_cmsg *c = &m->cmsg[i];
		bool is_ttl = c->type == (v4 ? IP_TTL : IPV6_HOPLIMIT);
		int32_t v;

		if (c->level != level || (!is_ttl && c->type != (v4 ? IP_TOS : IPV6_TCLASS)))
			continue;
		if (c->size == sizeof v)
			memcpy(&v, c->data, sizeof v);
		else if (v4 && !is_ttl && c->size == 1)
			v = c->data[0];
		else
			return -EINVAL;
		if (v > 255 || v < (v4 ? is_ttl : -1))
			return -EINVAL;
		if (v < 0)
			continue;               /* as the socket says */
		*(is_ttl ? &ttl : &tos) = v;
	}
	g->ttl = (uint8_t)ttl;
	g->tos = (uint8_t)tos;
	return 0;
}

/* ---- receiving ---- */

static void add_cmsg(struct sock_msg *m, int level, int type, const void *p, size_t n)
{
	struct sock_cmsg *c;

	if (m->cmsg_count == SOCK_CMSG_MAX)
		return;
	c = &m->cmsg[m->cmsg_count++];
	*c = (struct sock_cmsg){ .level = level, .type = type, .size = (uint32_t)n };
	memcpy(c->data, p, n);
}

static void describe(struct socket *s, struct dgram_sock *d, const struct dgram *g, struct sock_msg *m)
{
	const int32_t *opt = d->in.opt;
	struct sock_addr a;
	int32_t v;

	if (s->timestamp) {
		struct linux_timeval tv = { g->time_ns / (int64_t)NSEC_PER_SEC,
					    g->time_ns % (int64_t)NSEC_PER_SEC / (int64_t)NSEC_PER_USEC };

		add_cmsg(m, SOL_SOCKET, SO_TIMESTAMP, &tv, sizeof tv);
	}
	if (ip_is_v4(&g->to.ip)) {
		uint32_t to = be32(ip_v4(&g->to.ip));

		if (opt[OPT_PKTINFO]) {
			struct linux_in_pktinfo pi = { LO_INDEX, to, to };

			add_cmsg(m, IPPROTO_IP, IP_PKTINFO, &pi, sizeof pi);
		}
		if (opt[OPT_RECVTTL]) {
			v = g->ttl;
			add_cmsg(m, IPPROTO_IP, IP_TTL, &v, sizeof v);
		}
		if (opt[OPT_RECVTOS])
			add_cmsg(m, IPPROTO_IP, IP_TOS, &g->tos, 1);
		if (opt[OPT_RECVORIGDST]) {
			struct inet_sock v4 = { .family = AF_INET };

			inet_addr_format(&v4, &g->to, &a);
			add_cmsg(m, IPPROTO_IP, IP_RECVORIGDSTADDR, &a.u, a.size);
		}
	}
	if (d->in.family != AF_INET6)
		return;
	if (opt[OPT6_RECVPKTINFO]) {
		struct linux_in6_pktinfo pi = { .ifindex = LO_INDEX };

		memcpy(pi.addr, g->to.ip.b, sizeof pi.addr);
		add_cmsg(m, IPPROTO_IPV6, IPV6_PKTINFO, &pi, sizeof pi);
	}
	if (opt[OPT6_RECVHOPLIMIT] && !ip_is_v4(&g->to.ip)) {
		v = g->ttl;
		add_cmsg(m, IPPROTO_IPV6, IPV6_HOPLIMIT, &v, sizeof v);
	}
	if (opt[OPT6_RECVTCLASS] && !ip_is_v4(&g->to.ip)) {
		v = g->tos;
		add_cmsg(m, IPPROTO_IPV6, IPV6_TCLASS, &v, sizeof v);
	}
}

static long recv_error(struct dgram_sock *d, struct sock_msg *m)
{
	struct { struct linux_sock_extended_err e; uint8_t offender[28]; } __packed info = { 0 };
	struct sock_addr a;
	struct dgram *g = NULL;
	bool v6 = d->in.family == AF_INET6;
	size_t n, got;

	spin_lock(&d->lock);
	if (!list_empty(&d->errors)) {
		g = list_first(&d->errors, struct dgram, link);
		list_del(&g->link);
		d->error_count--;
		d->error = list_empty(&d->errors) ? 0 : ECONNREFUSED;
	}
	spin_unlock(&d->lock);
	if (!g)
		return -EAGAIN;
	n = MIN((size_t)g->size, m->it->left);
	got = iter_copy_out(m->it, g->data, n);
	if (n < g->size)
		m->ret_flags |= MSG_TRUNC;
	m->ret_flags |= MSG_ERRQUEUE;
	inet_addr_format(&d->in, &g->to, &m->name);
	info.e.err = g->error;
	if (ip_is_v4(&g->to.ip)) {      /* destination unreachable, port */
		info.e.origin = SO_EE_ORIGIN_ICMP;
		info.e.type = 3;
		info.e.code = 3;
	} else {
		info.e.origin = SO_EE_ORIGIN_ICMP6;
		info.e.type = 1;
		info.e.code = 4;
	}
	inet_addr_format(&d->in, &(struct endpoint){ .ip = g->to.ip }, &a);
	memcpy(info.offender, &a.u, MIN((size_t)a.size, sizeof info.offender));
	add_cmsg(m, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &info, sizeof info.e + a.size);
	__atomic_fetch_sub(&queued_total, g->size + OVERHEAD, __ATOMIC_RELAXED);
	kfree(g);
	return got < n ? -EFAULT : (long)n;
}

static bool ready(struct dgram_sock *d, int *ret)
{
	bool ok = true;

	*ret = 0;
	spin_lock(&d->lock);
	if (d->error) {
		*ret = -d->error;
		d->error = 0;
	} else if (!list_empty(&d->queue)) {
		;
	} else if (d->shutdown & DGRAM_SHUT_RCV) {
		*ret = 1;
	} else {
		ok = false;
	}
	spin_unlock(&d->lock);
	return ok;
}

long dgram_recvmsg(struct socket *s, struct sock_msg *m)
{
	struct dgram_sock *d = s->priv;
	uint64_t deadline = sock_deadline(s->rcvtimeo_ns);
	bool peek = m->flags & MSG_PEEK;
	struct dgram *g;
	size_t n, got;
	int verdict, err;
	long ret;

	if (m->flags & MSG_ERRQUEUE)
		return recv_error(d, m);
	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	mutex_lock(&d->read_lock);
	for (;;) {
		if (ready(d, &verdict)) {
			if (verdict)
				goto out;
			break;
		}
		verdict = -EAGAIN;
		if (m->nonblock)
			goto out;
		mutex_unlock(&d->read_lock);
		err = WAIT_EVENT(&d->wq, TASK_INTERRUPTIBLE, deadline, ready(d, &verdict));
		mutex_lock(&d->read_lock);
		if (err)
			verdict = sock_wait_error(err, s->rcvtimeo_ns);
		if (verdict)
			goto out;
	}
	spin_lock(&d->lock);
	g = list_empty(&d->queue) ? NULL : list_first(&d->queue, struct dgram, link);
	if (g && !peek) {
		list_del(&g->link);
		d->queued -= g->size + OVERHEAD;
	}
	spin_unlock(&d->lock);
	if (!g) {                       /* cannot happen while read_lock is held */
		verdict = -EAGAIN;
		goto out;
	}
	n = MIN((size_t)g->size, m->it->left);
	got = iter_copy_out(m->it, g->data, n);
	ret = got < n ? -EFAULT : m->flags & MSG_TRUNC ? (long)g->size : (long)n;
	if (n < g->size)
		m->ret_flags |= MSG_TRUNC;
	inet_addr_format(&d->in, &g->from, &m->name);
	describe(s, d, g, m);
	if (!peek) {
		__atomic_fetch_sub(&queued_total, g->size + OVERHEAD, __ATOMIC_RELAXED);
		kfree(g);
	}
	mutex_unlock(&d->read_lock);
	return ret;
out:
	mutex_unlock(&d->read_lock);
	return verdict < 0 ? verdict : 0;
}

int dgram_send_check(struct dgram_sock *d)
{
	int err = 0;

	spin_lock(&d->lock);
	if (d->error) {
		err = -d->error;
		d->error = 0;
	} else if (d->shutdown & DGRAM_SHUT_SEND) {
		err = -EPIPE;
	}
	spin_unlock(&d->lock);
	return err;
}

/* ---- names ---- */

static int autobind(struct dgram_sock *d)
{
	struct endpoint e = { .ip = d->in.local.ip };
	int err;

	if (d->in.hashed || d->in.proto < 0)
		return 0;
	err = inet_bind_port(&d->in, &e);
	return err == -EINVAL ? 0 : err;        /* another thread was faster */
}

/* Multicast on lo, by a socket that names lo. */
static int route(struct socket *s, struct dgram_sock *d, struct endpoint *to, struct ipaddr *ret_src)
{
	if (ip_is_broadcast(&to->ip))
		return s->broadcast ? -ENETUNREACH : -EACCES;
	if (!ip_is_multicast(&to->ip))
		return net_route(d->in.ns, &to->ip, ret_src);
	if (!d->in.ns->lo.up || !(d->in.opt[OPT_MC_IF] || d->in.opt[OPT6_MC_IF] || to->scope == LO_INDEX))
		return -ENETUNREACH;
	*ret_src = ip_is_v4(&to->ip) ? ip_loop4 : ip_loop6;
	return 0;
}

int dgram_destination(struct socket *s, const struct sock_msg *m, bool ports, struct endpoint *ret_to,
		      struct endpoint *ret_from)
{
	struct dgram_sock *d = s->priv;
	struct ipaddr src;
	int err;

	if (m->name.size) {
		err = inet_addr_parse(&d->in, &m->name, false, ret_to);
		if (err)
			return err;
		if (ports && !ret_to->port)
			return -EINVAL;
	} else {
		if (!d->in.remote.port && ip_is_any(&d->in.remote.ip))
			return -EDESTADDRREQ;
		*ret_to = d->in.remote;
	}
	err = route(s, d, ret_to, &src);
	if (!err && ports)
		err = autobind(d);
	if (err)
		return err;
	*ret_from = d->in.local;
	if (ip_is_any(&ret_from->ip) || ip_is_multicast(&ret_from->ip))
		ret_from->ip = src;
	return ip_is_v4(&ret_from->ip) == ip_is_v4(&ret_to->ip) ? 0 : -EINVAL;
}

static void set_remote(struct dgram_sock *d, const struct endpoint *to, const struct ipaddr *src)
{
	struct ipaddr any = d->in.family == AF_INET ? ip_any4 : ip_any6;

	spin_lock(&d->in.ns->lock);
	d->in.remote = to ? *to : (struct endpoint){ .ip = any };
	if (!d->in.addr_locked)
		d->in.local.ip = to ? *src : any;
	spin_unlock(&d->in.ns->lock);
}

int dgram_connect(struct socket *s, const struct sock_addr *a, bool nonblock)
{
	struct dgram_sock *d = s->priv;
	struct endpoint to;
	struct ipaddr src;
	int err;

	if (a->size >= sizeof(uint16_t) && a->u.family == AF_UNSPEC) {
		set_remote(d, NULL, NULL);
		return 0;
	}
	err = inet_addr_parse(&d->in, a, false, &to);
	if (!err)
		err = route(s, d, &to, &src);
	if (!err && d->in.addr_locked && ip_is_v4(&d->in.local.ip) != ip_is_v4(&to.ip))
		err = -EAFNOSUPPORT;
	if (!err)
		err = autobind(d);
	if (err)
		return err;
	set_remote(d, &to, &src);
	spin_lock(&d->lock);
	d->error = 0;
	spin_unlock(&d->lock);
	return 0;
}

int dgram_getname(struct socket *s, bool peer, struct sock_addr *ret)
{
	struct dgram_sock *d = s->priv;

	return inet_getname_common(&d->in, peer, d->in.remote.port, ret);
}

int dgram_bind(struct socket *s, const struct sock_addr *a)
{
	struct dgram_sock *d = s->priv;
	struct endpoint e;
	int err = inet_addr_parse(&d->in, a, true, &e);

	if (err)
		return err;
	if (!ip_is_any(&e.ip) && !net_is_local(d->in.ns, &e.ip) && !ip_is_multicast(&e.ip) &&
	    !d->in.opt[OPT_FREEBIND] && !d->in.opt[OPT6_FREEBIND])
		return -EADDRNOTAVAIL;
	if (d->in.proto >= 0)
		return inet_bind_port(&d->in, &e);
	spin_lock(&d->in.ns->lock);
	d->in.local = e;
	d->in.addr_locked = !ip_is_any(&e.ip);
	spin_unlock(&d->in.ns->lock);
	return 0;
}

int dgram_shutdown(struct socket *s, int how)
{
	struct dgram_sock *d = s->priv;
	bool connected = d->in.remote.port || !ip_is_any(&d->in.remote.ip);

	spin_lock(&d->lock);
	if (connected)
		d->shutdown |= how == SHUT_RD ? DGRAM_SHUT_RCV : how == SHUT_WR ? DGRAM_SHUT_SEND :
			       DGRAM_SHUT_RCV | DGRAM_SHUT_SEND;
	spin_unlock(&d->lock);
	waitq_wake_all(&d->wq, 0);
	return connected ? 0 : -ENOTCONN;
}

/* ---- readiness and options ---- */

uint32_t dgram_poll(struct socket *s, struct poll_table *pt)
{
	struct dgram_sock *d = s->priv;
	uint32_t ev = POLLOUT | POLLWRNORM | POLLWRBAND;

	poll_wait(pt, &d->wq);
	spin_lock(&d->lock);
	if (d->error || !list_empty(&d->errors))
		ev |= POLLERR;
	if (d->shutdown & DGRAM_SHUT_RCV)
		ev |= POLLIN | POLLRDNORM | POLLRDHUP;
	if (d->shutdown == (DGRAM_SHUT_RCV | DGRAM_SHUT_SEND))
		ev |= POLLHUP;
	if (!list_empty(&d->queue))
		ev |= POLLIN | POLLRDNORM;
	spin_unlock(&d->lock);
	return ev;
}

long dgram_ioctl(struct socket *s, unsigned cmd, uint64_t arg)
{
	struct dgram_sock *d = s->priv;
	int32_t n = 0;

	if (cmd == FIONREAD) {
		spin_lock(&d->lock);
		if (!list_empty(&d->queue))
			n = (int32_t)list_first(&d->queue, struct dgram, link)->size;
		spin_unlock(&d->lock);
	} else if (cmd != SIOCOUTQ) {
		return net_ioctl(s, cmd, arg);
	}
	return copy_out((uaddr){ arg }, &n, sizeof n);
}

int dgram_setsockopt(struct socket *s, int level, int opt, const void *val, size_t size)
{
	struct dgram_sock *d = s->priv;
	int32_t v;

	if (level == SOL_SOCKET && opt == SO_RCVBUF && size >= sizeof v) {
		memcpy(&v, val, sizeof v);
		v = v < 0 ? SOCK_BUF_DEFAULT : MIN(v, SOCK_BUF_DEFAULT);
		__atomic_store_n(&d->rcvbuf, MAX(v * 2, SOCK_BUF_MIN), __ATOMIC_RELAXED);
	}
	return inet_setsockopt_common(s, &d->in, level, opt, val, size);
}

int dgram_getsockopt(struct socket *s, int level, int opt, void *val, size_t *size)
{
	struct dgram_sock *d = s->priv;
	int32_t v;

	if (level != SOL_SOCKET)
		return inet_getsockopt_common(s, &d->in, level, opt, val, size);
	if (opt != SO_ERROR)
		return -ENOPROTOOPT;
	spin_lock(&d->lock);
	v = d->error;
	d->error = 0;
	spin_unlock(&d->lock);
	return opt_ret(v, val, size);
}
