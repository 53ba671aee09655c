/* SPDX-License-Identifier: Apache-2.0 */
/* Netlink sockets: netlink(7).
 *
 * A request is answered while it is sent (queue.c).
 * Trust: requests are copied, bounded, and parsed from the copy. */
#include "kernel/net/netlink/sock.h"
#include <linux_abi/ioctl.h>

#define REQUEST_MAX 32768u

/* An error, or with err 0 the acknowledgement.  The request is quoted unless the
 * socket wants less. */
static void put_error(struct nl_request *r, int err, const struct nl_sock *k)
{
	struct { int32_t err; struct linux_nlmsghdr h; } __packed e = { err, r->h };
	bool capped = !err || k->opt[NETLINK_CAP_ACK], text = r->text && err && k->opt[NETLINK_EXT_ACK];
	uint16_t flags = (uint16_t)((capped ? NLM_F_CAPPED : 0) | (text ? NLM_F_ACK_TLVS : 0));
	bool dump = r->dump;

	r->dump = false;
	nl_begin(r, NLMSG_ERROR, &e, sizeof e);
	if (!capped)
		nl_bytes(r, r->body, r->size);
	if (text)
		nl_attr(r, NLMSGERR_ATTR_MSG, r->text, strlen(r->text) + 1);
	if (!r->out.failed)
		memcpy(r->out.p + r->open + offsetof(struct linux_nlmsghdr, flags), &flags, sizeof flags);
	nl_end(r);
	r->dump = dump;
}

static void put_done(struct nl_request *r, int err)
{
	int32_t v = err;

	nl_begin(r, NLMSG_DONE, &v, sizeof v);
	nl_end(r);
}

/* ---- requests ---- */

static int serve(struct nl_sock *k, const struct linux_nlmsghdr *h, const uint8_t *body)
{
	struct nl_request r = { .h = *h, .body = body, .size = h->len - sizeof *h, .ns = k->ns, .pid = k->pid,
				.strict = k->opt[NETLINK_GET_STRICT_CHK], .admin = k->admin && capable(CAP_NET_ADMIN) };
	bool get = (h->type & 3) == 2 || k->protocol != NETLINK_ROUTE;
	int err = 0;

	sbuf_init(&r.out);
	/* The same bits mean something else in a request that changes. */
	r.dump = get && (h->flags & NLM_F_DUMP) == NLM_F_DUMP;
	if (h->type >= NLMSG_MIN_TYPE && !r.size && k->protocol == NETLINK_ROUTE)
		r.dump = false;         /* not even a family: nothing is asked */
	else if (h->type >= NLMSG_MIN_TYPE)
		err = k->protocol == NETLINK_ROUTE ? route_request(&r) : k->protocol == NETLINK_GENERIC ?
		      generic_request(&r) : diag_request(&r);
	else
		r.dump = false;
	if (err && err != -EOPNOTSUPP && r.dump) {
		r.out.n = 0;
		put_done(&r, err);
	} else if (err) {
		r.out.n = 0;
		put_error(&r, err, k);
	} else if (r.dump) {
		put_done(&r, 0);
	} else if (h->flags & NLM_F_ACK) {
		put_error(&r, 0, k);
	}
	return nl_answer(k, &r);
}

/* Of who asks first its process id, else a negative number, found at random: many
 * sockets of one process do not make the search long. */
static void autobind(struct nl_sock *k)
{
	uint32_t want = (uint32_t)current_task()->tg->tgid, next;
	struct nl_sock *o;
	bool taken;

	krandom(&next, sizeof next);
	spin_lock(&nl_all_lock);
	while (!k->pid) {
		taken = false;
		list_for_each(o, &nl_all, all_link)
			if (o != k && o->pid == want && o->protocol == k->protocol && o->ns == k->ns)
				taken = true;
		if (!taken)
			k->pid = want;
		want = 0x80000000u + next++ % (0x80000000u - 4096u);
	}
	spin_unlock(&nl_all_lock);
}

static long nl_sendmsg(struct socket *s, struct sock_msg *m)
{
	struct nl_sock *k = s->priv;
	size_t n = m->it->left, at = 0;
	struct linux_sockaddr_nl to = { 0 };
	struct linux_nlmsghdr h;
	uint8_t *buf;
	int err = 0;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	to.pid = __atomic_load_n(&k->to_pid, __ATOMIC_RELAXED);
	if (m->name.size) {
		if (m->name.size < sizeof to || m->name.u.family != AF_NETLINK)
			return -EINVAL;
		memcpy(&to, &m->name.u, sizeof to);
		if ((to.pid || to.groups) && !capable(CAP_NET_ADMIN))
			return -EPERM;
	}
	if (n > REQUEST_MAX)
		return -EMSGSIZE;
	if (!n)
		return -ENODATA;
	autobind(k);
	buf = kmalloc(n + 1);
	if (!buf)
		return -ENOBUFS;
	if (iter_copy_in(m->it, buf, n) != n)
		err = -EFAULT;
	else if (to.pid)                /* programs do not talk to each other here */
		err = -ECONNREFUSED;
	while (!err && n - at >= sizeof h) {
		memcpy(&h, buf + at, sizeof h);
		if (h.len < sizeof h || h.len > n - at)
			break;
		if (h.flags & NLM_F_REQUEST && k->protocol != NETLINK_KOBJECT_UEVENT)   /* nobody answers there */
			err = serve(k, &h, buf + at + sizeof h);
		at += MIN(align_up(h.len, 4), (uint64_t)(n - at));
	}
	kfree(buf);
	return err ? err : (long)n;
}

/* ---- receiving ---- */

static long nl_recvmsg(struct socket *s, struct sock_msg *m)
{
	struct nl_sock *k = s->priv;
	uint64_t deadline = sock_deadline(s->rcvtimeo_ns);
	struct linux_sockaddr_nl from = { .family = AF_NETLINK };
	struct nl_answer *a = NULL;
	size_t n, got;
	long ret;
	int err;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	mutex_lock(&k->read_lock);
	while (!a) {
		if (!nl_ready(k, &err)) {
			if (m->nonblock) {
				mutex_unlock(&k->read_lock);
				return -EAGAIN;
			}
			mutex_unlock(&k->read_lock);
			ret = WAIT_EVENT(&k->wq, TASK_INTERRUPTIBLE, deadline, nl_ready(k, &err));
			if (ret)
				return sock_wait_error((int)ret, s->rcvtimeo_ns);
			mutex_lock(&k->read_lock);
		}
		if (err) {
			mutex_unlock(&k->read_lock);
			return err;
		}
		a = nl_first(k);
	}
	from.groups = a->groups;
	n = MIN(a->size, m->it->left);
	got = iter_copy_out(m->it, a->data, n);
	ret = got < n ? -EFAULT : m->flags & MSG_TRUNC ? (long)a->size : (long)n;
	if (n < a->size)
		m->ret_flags |= MSG_TRUNC;
	m->name.size = sizeof from;
	memcpy(&m->name.u, &from, sizeof from);
	m->cred = (struct linux_ucred){ 0, 0, 0 };
	m->have_cred = true;
	if (!(m->flags & MSG_PEEK))
		nl_first_done(k, a);
	mutex_unlock(&k->read_lock);
	return ret;
}

/* ---- the rest ---- */

static uint64_t groups_of(const struct nl_sock *k) { return k->protocol == NETLINK_ROUTE ? UINT64_MAX : UINT32_MAX; }

static int nl_bind(struct socket *s, const struct sock_addr *a)
{
	struct nl_sock *k = s->priv;
	struct linux_sockaddr_nl nl;
	struct nl_sock *o;
	int err = 0;

	if (a->size < sizeof nl || a->u.family != AF_NETLINK)
		return -EINVAL;
	memcpy(&nl, &a->u, sizeof nl);
	if (k->pid && nl.pid != k->pid)
		return -EINVAL;
	if (nl.pid && !k->pid) {
		spin_lock(&nl_all_lock);
		list_for_each(o, &nl_all, all_link)
			if (o != k && o->pid == nl.pid && o->protocol == k->protocol && o->ns == k->ns)
				err = -EADDRINUSE;
		if (!err)
			k->pid = nl.pid;
		spin_unlock(&nl_all_lock);
	}
	if (err)
		return err;
	autobind(k);
	spin_lock(&nl_all_lock);
	k->groups = (k->groups & ~(uint64_t)UINT32_MAX) | (nl.groups & groups_of(k));
	k->grouped = true;
	spin_unlock(&nl_all_lock);
	return 0;
}

static int nl_connect(struct socket *s, const struct sock_addr *a, bool nonblock)
{
	struct nl_sock *k = s->priv;
	struct linux_sockaddr_nl nl;

	if (a->size < sizeof nl)
		return -EINVAL;
	memcpy(&nl, &a->u, sizeof nl);
	if (nl.family != AF_UNSPEC && nl.family != AF_NETLINK)
		return -EINVAL;
	if (nl.family == AF_UNSPEC)
		nl.pid = 0;
	else if ((nl.pid || nl.groups) && !capable(CAP_NET_ADMIN))
		return -EPERM;
	else
		autobind(k);
	__atomic_store_n(&k->to_pid, nl.pid, __ATOMIC_RELAXED);
	return 0;
}

static int nl_getname(struct socket *s, bool peer, struct sock_addr *ret)
{
	struct nl_sock *k = s->priv;
	struct linux_sockaddr_nl nl = { .family = AF_NETLINK, .pid = peer ? __atomic_load_n(&k->to_pid, __ATOMIC_RELAXED) : k->pid,
					.groups = peer ? 0 : (uint32_t)k->groups };

	memset(ret, 0, sizeof *ret);
	ret->size = sizeof nl;
	memcpy(&ret->u, &nl, sizeof nl);
	return 0;
}

static int nl_setsockopt(struct socket *s, int level, int opt, const void *val, size_t size)
{
	struct nl_sock *k = s->priv;
	int32_t v;

	if (size < sizeof v && level != SOL_NETLINK)
		return -ENOPROTOOPT;
	v = 0;                          /* of too little nothing is read: netlink_setsockopt() */
	if (size >= sizeof v)
		memcpy(&v, val, sizeof v);
	if (level == SOL_SOCKET && (opt == SO_RCVBUF || (opt == SO_RCVBUFFORCE && capable(CAP_NET_ADMIN))))
		k->rcvbuf = (size_t)sock_buf_size(opt, v);
	if (level != SOL_NETLINK || opt <= 0 || opt > NETLINK_GET_STRICT_CHK || opt == NETLINK_LIST_MEMBERSHIPS ||
	    opt == NETLINK_RX_RING || opt == NETLINK_TX_RING)
		return -ENOPROTOOPT;
	if (opt == NETLINK_LISTEN_ALL_NSID && !capable(CAP_NET_BROADCAST))
		return -EPERM;
	if (opt > NETLINK_DROP_MEMBERSHIP) {
		k->opt[opt] = !!v;
		return 0;
	}
	if (v < 1 || v > RTNLGRP_MAX || !(groups_of(k) >> (v - 1) & 1))
		return -EINVAL;
	spin_lock(&nl_all_lock);
	k->grouped = true;
	if (opt == NETLINK_ADD_MEMBERSHIP)
		k->groups |= 1ull << (v - 1);
	else
		k->groups &= ~(1ull << (v - 1));
	spin_unlock(&nl_all_lock);
	return 0;
}

static int nl_getsockopt(struct socket *s, int level, int opt, void *val, size_t *size)
{
	struct nl_sock *k = s->priv;
	int32_t v;

	if (level == SOL_NETLINK && opt == NETLINK_LIST_MEMBERSHIPS) {
		*size = k->grouped ? MIN(*size, k->protocol == NETLINK_KOBJECT_UEVENT ? 4 : sizeof k->groups) : 0;
		memcpy(val, &k->groups, *size);
		return 0;
	}
	if (level == SOL_NETLINK) {
		if (opt <= NETLINK_DROP_MEMBERSHIP || opt > NETLINK_GET_STRICT_CHK || opt == NETLINK_RX_RING ||
		    opt == NETLINK_TX_RING)
			return -ENOPROTOOPT;
		if (*size < sizeof v)
			return -EINVAL;
		v = k->opt[opt];
	} else if (level == SOL_SOCKET && opt == SO_ERROR) {
		spin_lock(&k->lock);
		v = k->error;
		k->error = 0;
		spin_unlock(&k->lock);
	} else {
		return -ENOPROTOOPT;
	}
	*size = MIN(*size, sizeof v);
	memcpy(val, &v, *size);
	return 0;
}

static uint32_t nl_poll(struct socket *s, struct poll_table *pt)
{
	struct nl_sock *k = s->priv;
	uint32_t ev = POLLOUT | POLLWRNORM | POLLWRBAND;

	poll_wait(pt, &k->wq);
	spin_lock(&k->lock);
	if (!list_empty(&k->queue))
		ev |= POLLIN | POLLRDNORM;
	if (k->error)
		ev |= POLLERR;
	spin_unlock(&k->lock);
	return ev;
}

static long nl_ioctl(struct socket *s, unsigned cmd, uint64_t arg) { return net_ioctl(s, cmd, arg); }

static void nl_attach(struct socket *s, struct file *f)
{
	struct nl_sock *k = s->priv;

	k->ino = f->inode->ino;
}

static void nl_release(struct socket *s)
{
	struct nl_sock *k = s->priv;

	if (!k)
		return;
	spin_lock(&nl_all_lock);
	list_del(&k->all_link);
	spin_unlock(&nl_all_lock);
	nl_queue_free(k);
	(void)filter_detach(&k->filter);
	netns_put(k->ns);
	kfree(k);
}

static struct filter_slot *nl_filter(struct socket *s) { return &((struct nl_sock *)s->priv)->filter; }

static const struct sock_ops nl_ops = {
	.bind = nl_bind,
	.connect = nl_connect,
	.getname = nl_getname,
	.sendmsg = nl_sendmsg,
	.recvmsg = nl_recvmsg,
	.setsockopt = nl_setsockopt,
	.getsockopt = nl_getsockopt,
	.poll = nl_poll,
	.ioctl = nl_ioctl,
	.attach = nl_attach,
	.release = nl_release,
	.filter = nl_filter,
	.out_of_band = true,
	.error_queue = true,            /* MSG_ERRQUEUE means nothing */
};

int netlink_create(struct socket *s)
{
	struct nl_sock *k;

	if (s->type != SOCK_RAW && s->type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (s->protocol != NETLINK_ROUTE && s->protocol != NETLINK_SOCK_DIAG && s->protocol != NETLINK_KOBJECT_UEVENT &&
	    s->protocol != NETLINK_GENERIC)
		return -EPROTONOSUPPORT;
	k = kzalloc(sizeof *k);
	if (!k)
		return -ENOMEM;
	waitq_init(&k->wq);
	mutex_init(&k->read_lock);
	list_init(&k->queue);
	k->ns = netns_get(netns_current());
	k->protocol = s->protocol;
	k->type = s->type;
	k->rcvbuf = (size_t)sock_buf_first(SOCK_RMEM_DEFAULT);
	k->admin = capable(CAP_NET_ADMIN);
	spin_lock(&nl_all_lock);
	list_push_back(&nl_all, &k->all_link);
	spin_unlock(&nl_all_lock);
	s->priv = k;
	s->ops = &nl_ops;
	return 0;
}

void net_show_netlink(struct netns *ns, struct sbuf *s)
{
	struct nl_sock *k;

	spin_lock(&nl_all_lock);
	list_for_each(k, &nl_all, all_link)
		if (k->ns == ns)
			sbuf_printf(s, "0000000000000000 %-3d %-10u %08x %-8u %-8u %-5d %-8d %-8u %-8llu\n", k->protocol,
				    k->pid, (unsigned)k->groups, (unsigned)k->queued, 0u, 0, 2, 0u, (unsigned long long)k->ino);
	spin_unlock(&nl_all_lock);
}
