/* SPDX-License-Identifier: Apache-2.0 */
/* Message sockets: life, queues, names, readiness, options.  udp(7), raw(7). */
#include "kernel/net/inet/dgram.h"
#include <linux_abi/ioctl.h>

#define QUEUED_MAX (64u << 20)

static uint64_t queued_total;           /* atomic */

void dgram_uncharge_size(size_t n) { __atomic_fetch_sub(&queued_total, n, __ATOMIC_RELAXED); }

struct dgram_sock *dgram_new(struct socket *s, int proto)
{
	struct dgram_sock *d = kzalloc(sizeof *d);

	if (!d)
		return NULL;
	inet_sock_init(&d->in, s, proto);
	waitq_init(&d->wq);
	mutex_init(&d->read_lock);
	mutex_init(&d->cork_lock);
	list_init(&d->queue);
	d->rcvbuf = sock_buf_first(SOCK_RMEM_DEFAULT);
	inet_sock_publish(&d->in);
	return d;
}

static void purge(struct list *l)
{
	struct dgram *m;

	while (!list_empty(l)) {
		m = list_first(l, struct dgram, link);
		list_del(&m->link);
		dgram_uncharge(m);
		kfree(m);
	}
}

void dgram_put(struct dgram_sock *d)
{
	if (!d || !ref_put(&d->in.ref))
		return;
	inet_sock_fini(&d->in);
	purge(&d->queue);
	if (d->pending)
		dgram_uncharge(d->pending);
	kfree(d->pending);
	kfree(d);
}

void dgram_attach(struct socket *s, struct file *f)
{
	struct dgram_sock *d = s->priv;

	__atomic_store_n(&d->in.ino, f->inode->ino, __ATOMIC_RELAXED);
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
	m->size = m->room = (uint32_t)size;
	return m;
}

void dgram_deliver(struct dgram_sock *d, struct dgram *m)
{
	uint64_t charge = dgram_cost(m);
	bool drop = __atomic_add_fetch(&queued_total, charge, __ATOMIC_RELAXED) > QUEUED_MAX;

	m->time_ns = vfs_now_ns();
	spin_lock(&d->lock);
	if (!drop)
		drop = d->queued + (d->queued ? charge : 0) > (uint64_t)__atomic_load_n(&d->rcvbuf, __ATOMIC_RELAXED);
	if (drop) {
		d->drops++;
	} else {
		d->queued += charge;
		m->drops = (uint32_t)d->drops;
		list_push_back(&d->queue, &m->link);
	}
	spin_unlock(&d->lock);
	if (drop) {
		__atomic_fetch_sub(&queued_total, charge, __ATOMIC_RELAXED);
		if (d->in.proto >= 0) {
			net_tally(&dgram_tally(d, !ip_is_v4(&m->to.ip))->in_errors, 1);
			net_tally(&dgram_tally(d, !ip_is_v4(&m->to.ip))->rcvbuf_errors, 1);
		}
		kfree(m);
		return;
	}
	waitq_wake(&d->wq, 1, POLLIN | POLLRDNORM);
}

bool dgram_charge(size_t n)
{
	if (__atomic_add_fetch(&queued_total, n, __ATOMIC_RELAXED) <= QUEUED_MAX)
		return true;
	dgram_uncharge_size(n);
	return false;
}

/* How much of a message the ICMP message about it quotes: 576 bytes with all
 * headers (RFC 1812, 4.3.2.3), 1280 with IPv6 (RFC 4443, 3.1). */
#define QUOTED4 520u
#define QUOTED6 1184u

/* An error for the queue of d; m is consumed. */
static void queue_error(struct dgram_sock *d, struct dgram *m)
{
	size_t n = MIN(m->size, ip_is_v4(&m->to.ip) ? QUOTED4 : QUOTED6);
	struct dgram *q = dgram_msg_new(n);

	if (q) {
		memcpy(q->data, m->data, n);
		q->from = m->from;
		q->to = m->to;
		q->error = m->error;
		q->origin = m->error == EMSGSIZE ? SO_EE_ORIGIN_LOCAL :
			    ip_is_v4(&m->to.ip) ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6;
		inet_errors_add(&d->in, &d->wq, q);
	}
	kfree(m);
}

static bool wants_errors(const struct dgram_sock *d, const struct ipaddr *to)
{
	return d->in.opt[ip_is_v4(to) ? OPT_RECVERR : OPT6_RECVERR];
}

void dgram_refused(struct dgram_sock *d, struct dgram *m)
{
	/* What a connected socket sent elsewhere is not its own: the answer finds nobody. */
	bool keep = wants_errors(d, &m->to.ip);
	bool tell = keep || (m->to.port == d->in.remote.port && ip_equal(&m->to.ip, &d->in.remote.ip));

	if (keep) {
		m->error = ECONNREFUSED;
		queue_error(d, m);
	} else {
		kfree(m);
	}
	if (!tell)
		return;
	spin_lock(&d->lock);
	d->error = ECONNREFUSED;
	spin_unlock(&d->lock);
	waitq_wake_all(&d->wq, POLLERR);
}

void dgram_too_long(struct dgram_sock *d, const struct endpoint *to)
{
	struct dgram *m = wants_errors(d, &to->ip) ? dgram_msg_new(0) : NULL;

	if (!m)
		return;
	m->to = *to;
	m->error = EMSGSIZE;
	queue_error(d, m);
}

void dgram_uncharge(struct dgram *m) { dgram_uncharge_size(dgram_cost(m)); }

/* ---- names ---- */

static void set_remote(struct dgram_sock *d, const struct endpoint *to, const struct ipaddr *src)
{
	struct ipaddr any = d->in.family == AF_INET ? ip_any4 : ip_any6;

	spin_lock(&d->in.ns->lock);
	d->in.remote = to ? *to : (struct endpoint){ .ip = any };
	/* The address that a connection chose outlives the next one, not the disconnection. */
	if (!d->in.addr_locked && (!to || ip_is_any(&d->in.local.ip) || ip_is_v4(&d->in.local.ip) != ip_is_v4(src))) {
		d->chose6 = to && (d->chose6 || !ip_is_v4(src));
		d->in.local.ip = to ? *src : any;
	}
	spin_unlock(&d->in.ns->lock);
	if (!to)
		inet_release_chosen_port(&d->in);
}

/* An IPv4 address of ours does not go with one of IPv6, nor one that bind() named the other way. */
static bool mixed(const struct dgram_sock *d, const struct endpoint *to)
{
	bool from4 = ip_is_v4(&d->in.local.ip), to4 = ip_is_v4(&to->ip);

	return from4 ? !to4 && !d->chose6 : to4 && d->in.addr_locked;
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
	err = dgram_autobind(d);
	if (!err)
		err = inet_addr_parse(&d->in, a, false, &to);
	if (!err && inet_needs_scope(&to.ip) && !to.scope && !inet_bound_link(&d->in) && !d->in.opt[OPT6_MC_IF])
		err = -EINVAL;
	if (!err)
		err = dgram_route(s, d, &to, 0, &src);
	if (!err && mixed(d, &to))
		err = -EAFNOSUPPORT;
	if (err)
		return err;
	set_remote(d, &to, &src);
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

	return inet_bind(&d->in, a);
}

int dgram_shutdown(struct socket *s, int how)
{
	struct dgram_sock *d = s->priv;
	bool connected = d->in.remote.port || !ip_is_any(&d->in.remote.ip);

	/* It acts also where it fails, as inet_shutdown() has it. */
	spin_lock(&d->lock);
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
	if (d->error || inet_errors_any(&d->in))
		ev |= POLLERR | (sock_kept(s, SO_SELECT_ERR_QUEUE) ? POLLPRI : 0);
	if (d->shutdown & DGRAM_SHUT_RCV)
		ev |= POLLIN | POLLRDNORM | POLLRDHUP;
	if (d->shutdown == (DGRAM_SHUT_RCV | DGRAM_SHUT_SEND))
		ev |= POLLHUP;
	if (!list_empty(&d->queue))
		ev |= POLLIN | POLLRDNORM;
	spin_unlock(&d->lock);
	return ev;
}

/* When the last message came that was received: socket(7). */
static long last_arrival(struct dgram_sock *d, bool ns, uint64_t arg)
{
	struct linux_timespec t;

	spin_lock(&d->lock);
	t = ns_timespec(d->last_ns);
	spin_unlock(&d->lock);
	if (!t.sec)
		return -ENOENT;
	if (!ns)
		t.nsec /= (int64_t)NSEC_PER_USEC;       /* a timeval has the same shape */
	return copy_out((uaddr){ arg }, &t, sizeof t);
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
	} else if (cmd == SIOCGSTAMP || cmd == SIOCGSTAMPNS) {
		return last_arrival(d, cmd == SIOCGSTAMPNS, arg);
	} else if (cmd != SIOCOUTQ) {
		return net_ioctl(s, cmd, arg);
	}
	return copy_out((uaddr){ arg }, &n, sizeof n);
}

int dgram_setsockopt(struct socket *s, int level, int opt, const void *val, size_t size)
{
	struct dgram_sock *d = s->priv;
	int32_t v;
	int err;

	if (level == SOL_SOCKET && (opt == SO_RCVBUF || (opt == SO_RCVBUFFORCE && capable(CAP_NET_ADMIN))) && size >= sizeof v) {
		memcpy(&v, val, sizeof v);
		__atomic_store_n(&d->rcvbuf, sock_buf_size(opt, v), __ATOMIC_RELAXED);
	}
	if (level == SOL_SOCKET && (opt == SO_TIMESTAMPING || opt == SO_TIMESTAMPING_NEW) && size >= sizeof v) {
		memcpy(&v, val, sizeof v);
		if (v & SOF_TIMESTAMPING_OPT_ID && !(s->tstamping & SOF_TIMESTAMPING_OPT_ID))
			__atomic_store_n(&d->in.errors.stamp_next, 0, __ATOMIC_RELAXED);
	}
	err = inet_setsockopt_common(s, &d->in, level, opt, val, size);
	if (!err && opt == (level == IPPROTO_IP ? IP_RECVERR : IPV6_RECVERR) && level != SOL_SOCKET &&
	    !d->in.opt[level == IPPROTO_IP ? OPT_RECVERR : OPT6_RECVERR])
		inet_errors_drop(&d->in, false);
	return err;
}

int dgram_getsockopt(struct socket *s, int level, int opt, void *val, size_t *size)
{
	struct dgram_sock *d = s->priv;
	int32_t v;

	if (level != SOL_SOCKET || opt != SO_ERROR)
		return inet_getsockopt_common(s, &d->in, level, opt, val, size);
	spin_lock(&d->lock);
	v = d->error;
	d->error = 0;
	spin_unlock(&d->lock);
	return opt_ret(v, val, size);
}
