/* SPDX-License-Identifier: Apache-2.0 */
/* Netlink sockets: netlink(7).
 *
 * A request is answered while it is sent: the answer waits in the socket's
 * queue in pieces that readers' buffers hold.  What a request changed is
 * announced to the sockets of its name space that joined the group.  Queues are
 * bounded, each by its receive buffer (announcements) or a fixed size (answers),
 * and all together.
 * Trust: requests are copied, bounded, and parsed from the copy. */
#include "kernel/net/frame.h"
#include "kernel/net/netlink/netlink.h"
#include <linux_abi/ioctl.h>

#define REQUEST_MAX 32768u
#define ANSWER_MAX (16u << 20)          /* of one request */
#define TOTAL_MAX (64u << 20)
#define PIECE 4096u                     /* libc reads with less than 8 KiB */
#define OPTS 16
#define OVERHEAD 640u                   /* what Linux counts for a message */

struct answer { struct list link; uint32_t size, groups; uint8_t data[]; };
static uint64_t queued_total;           /* atomic */

struct nl_sock {
	struct netns *ns;
	int protocol;
	struct waitq wq;
	struct mutex read_lock;
	struct spinlock lock;
	/* lock */
	struct list queue;
	size_t queued;
	uint32_t pid;
	uint64_t groups;                /* bit n - 1: group n */
	bool grouped;                   /* they were set once */
	struct filter_slot filter;
	size_t rcvbuf;
	bool admin;                     /* its opener had CAP_NET_ADMIN */
	int32_t error;
	int32_t opt[OPTS];
	uint64_t ino;
	struct list all_link;           /* all_lock */
};

static struct spinlock all_lock = SPINLOCK_INIT;
static struct list all = LIST_INIT(all);

/* ---- building ---- */

static void pad(struct sbuf *s)
{
	static const uint8_t zero[4];

	if (s->n % 4)
		sbuf_write(s, zero, 4 - s->n % 4);
}

void nl_begin(struct nl_request *r, uint16_t type, const void *fixed, size_t size)
{
	struct linux_nlmsghdr h = { 0, type, r->dump ? NLM_F_MULTI : 0, r->h.seq, r->pid };

	r->open = r->out.n;
	sbuf_write(&r->out, &h, sizeof h);
	sbuf_write(&r->out, fixed, size);
	pad(&r->out);
}

void nl_attr(struct nl_request *r, uint16_t type, const void *p, size_t n)
{
	struct linux_nlattr a = { (uint16_t)(sizeof a + n), type };

	sbuf_write(&r->out, &a, sizeof a);
	sbuf_write(&r->out, p, n);
	pad(&r->out);
}

void nl_end(struct nl_request *r)
{
	uint32_t len = (uint32_t)(r->out.n - r->open);

	if (!r->out.failed)
		memcpy(r->out.p + r->open, &len, sizeof len);
}

const void *nl_find(const struct nl_request *r, size_t fixed, uint16_t type, size_t *ret_size)
{
	size_t at = align_up(fixed, 4);
	struct linux_nlattr a;

	while (at + sizeof a <= r->size) {
		memcpy(&a, r->body + at, sizeof a);
		if (a.len < sizeof a || a.len > r->size - at)
			return NULL;
		if ((a.type & 0x3fff) == type) {
			*ret_size = a.len - sizeof a;
			return r->body + at + sizeof a;
		}
		at += align_up(a.len, 4);
	}
	return NULL;
}

bool nl_get_u32(const struct nl_request *r, size_t fixed, uint16_t type, uint32_t *ret)
{
	size_t n;
	const void *p = nl_find(r, fixed, type, &n);

	if (!p || n != sizeof *ret)
		return false;
	memcpy(ret, p, sizeof *ret);
	return true;
}

bool nl_get_ip(const struct nl_request *r, size_t fixed, uint16_t type, uint8_t family, struct ipaddr *ret)
{
	size_t n;
	const void *p = nl_find(r, fixed, type, &n);
	uint32_t v4;

	if (!p || n != (family == AF_INET ? sizeof v4 : sizeof *ret))
		return false;
	if (family == AF_INET) {
		memcpy(&v4, p, sizeof v4);
		*ret = ip_from_v4(be32(v4));
	} else {
		memcpy(ret, p, sizeof *ret);
	}
	return true;
}

void nl_put_ip(struct nl_request *r, uint16_t type, const struct ipaddr *ip)
{
	if (ip_is_v4(ip))
		nl_attr(r, type, ip->b + 12, 4);
	else
		nl_attr(r, type, ip->b, sizeof ip->b);
}

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
	if (!capped) {
		sbuf_write(&r->out, r->body, r->size);
		pad(&r->out);
	}
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

/* ---- queues ---- */

static struct answer *answer_new(const void *data, size_t size, uint32_t groups)
{
	struct answer *a;

	if (__atomic_add_fetch(&queued_total, size + sizeof *a, __ATOMIC_RELAXED) > TOTAL_MAX)
		a = NULL;
	else
		a = kmalloc(sizeof *a + size);
	if (!a) {
		__atomic_fetch_sub(&queued_total, size + sizeof *a, __ATOMIC_RELAXED);
		return NULL;
	}
	a->size = (uint32_t)size;
	a->groups = groups;
	list_init(&a->link);
	memcpy(a->data, data, size);
	return a;
}

static void answer_free(struct answer *a)
{
	if (!a)
		return;
	__atomic_fetch_sub(&queued_total, a->size + sizeof *a, __ATOMIC_RELAXED);
	kfree(a);
}

/* What the socket's filter leaves of a; false: nothing. */
static bool filter(struct nl_sock *k, struct answer *a)
{
	struct frame f;
	size_t keep;

	if (!filter_there(&k->filter))
		return true;
	frame_bytes(&f, a->data, a->size);
	if (!filter_run(&k->filter, &f, 0, &keep))
		return false;
	__atomic_fetch_sub(&queued_total, a->size - keep, __ATOMIC_RELAXED);
	a->size = keep;
	return true;
}

/* a is consumed.  A queue that is full says so to its reader. */
static bool push(struct nl_sock *k, struct answer *a, size_t limit)
{
	bool ok;

	if (a && !filter(k, a)) {
		answer_free(a);
		return true;
	}
	spin_lock(&k->lock);
	ok = a && (!k->queued || k->queued + a->size + OVERHEAD <= limit);
	if (ok) {
		k->queued += a->size + OVERHEAD;
		list_push_back(&k->queue, &a->link);
	} else {
		k->error = ENOBUFS;
	}
	spin_unlock(&k->lock);
	if (!ok)
		answer_free(a);
	return ok;
}

/* Messages that fit into PIECE together. */
static size_t piece_at(const struct sbuf *s, size_t at)
{
	size_t n = 0;

	while (at + n < s->n) {
		struct linux_nlmsghdr h;
		size_t len;

		memcpy(&h, s->p + at + n, sizeof h);
		len = MIN(align_up((size_t)h.len, 4), s->n - at - n);
		if (n && n + len > PIECE)
			break;
		n += len;
	}
	return n;
}

static int enqueue(struct nl_sock *k, struct nl_request *r)
{
	size_t at = 0, n, limit = r->dump ? ANSWER_MAX : k->rcvbuf;
	bool ok = !r->out.failed;

	while (ok && at < r->out.n) {
		n = piece_at(&r->out, at);
		ok = push(k, answer_new(r->out.p + at, n, 0), limit);
		at += n;
	}
	sbuf_free(&r->out);
	waitq_wake_all(&k->wq, POLLIN | POLLRDNORM);
	return ok ? 0 : -ENOBUFS;
}

int netlink_takes(struct file *f)
{
	if (!file_is_socket(f))
		return -ENOTSOCK;
	return socket_of(f)->family == AF_NETLINK ? 0 : -EINVAL;
}

void netlink_give(struct file *f, const void *data, size_t n)
{
	struct nl_sock *k = socket_of(f)->priv;

	(void)push(k, answer_new(data, n, 0), k->rcvbuf);       /* full: its reader is told */
	waitq_wake_all(&k->wq, POLLIN | POLLRDNORM);
}

static bool member(const struct nl_sock *k, const struct nl_request *r, unsigned group)
{
	return k->ns == r->ns && k->protocol == NETLINK_ROUTE && k->groups >> (group - 1) & 1;
}

/* The copies are made before the list is locked; who joins in between misses
 * this one. */
void nl_announce(struct nl_request *r, unsigned group)
{
	unsigned n = 0, made = 0;
	struct list copies;
	struct nl_sock *k;

	list_init(&copies);
	spin_lock(&all_lock);
	list_for_each(k, &all, all_link)
		n += member(k, r, group);
	spin_unlock(&all_lock);
	for (; made < n && !r->out.failed; made++) {
		struct answer *a = answer_new(r->out.p + r->open, r->out.n - r->open, 1u << (group - 1) % 32);

		if (!a)
			break;
		list_push_back(&copies, &a->link);
	}
	spin_lock(&all_lock);
	list_for_each(k, &all, all_link) {
		struct answer *a = NULL;

		if (!member(k, r, group))
			continue;
		if (!list_empty(&copies)) {
			a = list_first(&copies, struct answer, link);
			list_del(&a->link);
		}
		push(k, a, k->rcvbuf);
		waitq_wake_all(&k->wq, POLLIN | POLLRDNORM);
	}
	spin_unlock(&all_lock);
	while (!list_empty(&copies)) {
		struct answer *a = list_first(&copies, struct answer, link);

		list_del(&a->link);
		answer_free(a);
	}
	r->out.n = r->open;
}

/* ---- requests ---- */

static int serve(struct nl_sock *k, const struct linux_nlmsghdr *h, const uint8_t *body)
{
	struct nl_request r = { .h = *h, .body = body, .size = h->len - sizeof *h, .ns = k->ns, .pid = k->pid,
				.strict = k->opt[NETLINK_GET_STRICT_CHK], .admin = k->admin && capable(CAP_NET_ADMIN) };
	bool get = (h->type & 3) == 2 || k->protocol == NETLINK_SOCK_DIAG;
	int err = 0;

	sbuf_init(&r.out);
	/* The same bits mean something else in a request that changes. */
	r.dump = get && (h->flags & NLM_F_DUMP) == NLM_F_DUMP;
	if (h->type >= NLMSG_MIN_TYPE)
		err = k->protocol == NETLINK_ROUTE ? route_request(&r) : diag_request(&r);
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
	return enqueue(k, &r);
}

static void autobind(struct nl_sock *k)
{
	uint32_t want = (uint32_t)current_task()->tg->tgid, tries = 0;
	struct nl_sock *o;
	bool taken;

	spin_lock(&all_lock);
	while (!k->pid) {
		taken = false;
		list_for_each(o, &all, all_link)
			if (o != k && o->pid == want && o->protocol == k->protocol && o->ns == k->ns)
				taken = true;
		if (!taken)
			k->pid = want;
		want = (uint32_t)(-4096 - (int32_t)tries++);
	}
	spin_unlock(&all_lock);
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
	if (m->name.size) {
		if (m->name.size < sizeof to || m->name.u.family != AF_NETLINK)
			return -EINVAL;
		memcpy(&to, &m->name.u, sizeof to);
		if (to.pid)
			return -ECONNREFUSED;
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

static bool ready(struct nl_sock *k, int *err)
{
	bool ok;

	spin_lock(&k->lock);
	*err = -k->error;
	k->error = 0;
	ok = !list_empty(&k->queue) || *err;
	spin_unlock(&k->lock);
	return ok;
}

static long nl_recvmsg(struct socket *s, struct sock_msg *m)
{
	struct nl_sock *k = s->priv;
	uint64_t deadline = sock_deadline(s->rcvtimeo_ns);
	struct linux_sockaddr_nl from = { .family = AF_NETLINK };
	struct answer *a = NULL;
	size_t n, got;
	long ret;
	int err;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	mutex_lock(&k->read_lock);
	while (!a) {
		if (!ready(k, &err)) {
			if (m->nonblock) {
				mutex_unlock(&k->read_lock);
				return -EAGAIN;
			}
			mutex_unlock(&k->read_lock);
			ret = WAIT_EVENT(&k->wq, TASK_INTERRUPTIBLE, deadline, ready(k, &err));
			if (ret)
				return sock_wait_error((int)ret, s->rcvtimeo_ns);
			mutex_lock(&k->read_lock);
		}
		if (err) {
			mutex_unlock(&k->read_lock);
			return err;
		}
		spin_lock(&k->lock);
		a = list_empty(&k->queue) ? NULL : list_first(&k->queue, struct answer, link);
		spin_unlock(&k->lock);
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
	if (!(m->flags & MSG_PEEK)) {
		spin_lock(&k->lock);
		list_del(&a->link);
		k->queued -= a->size + OVERHEAD;
		spin_unlock(&k->lock);
		answer_free(a);
	}
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
	if (k->pid && nl.pid && nl.pid != k->pid)
		return -EINVAL;
	if (nl.pid && !k->pid) {
		spin_lock(&all_lock);
		list_for_each(o, &all, all_link)
			if (o != k && o->pid == nl.pid && o->protocol == k->protocol && o->ns == k->ns)
				err = -EADDRINUSE;
		if (!err)
			k->pid = nl.pid;
		spin_unlock(&all_lock);
	}
	if (err)
		return err;
	autobind(k);
	spin_lock(&all_lock);
	k->groups = (k->groups & ~(uint64_t)UINT32_MAX) | (nl.groups & groups_of(k));
	k->grouped = true;
	spin_unlock(&all_lock);
	return 0;
}

static int nl_connect(struct socket *s, const struct sock_addr *a, bool nonblock)
{
	struct linux_sockaddr_nl nl;

	if (a->size < sizeof nl)
		return -EINVAL;
	memcpy(&nl, &a->u, sizeof nl);
	if (nl.family == AF_UNSPEC)
		return 0;
	if (nl.family != AF_NETLINK)
		return -EINVAL;
	autobind(s->priv);
	return nl.pid ? -ECONNREFUSED : 0;
}

static int nl_getname(struct socket *s, bool peer, struct sock_addr *ret)
{
	struct nl_sock *k = s->priv;
	struct linux_sockaddr_nl nl = { .family = AF_NETLINK, .pid = peer ? 0 : k->pid,
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
	if (level == SOL_SOCKET && (opt == SO_RCVBUF || opt == SO_RCVBUFFORCE))
		k->rcvbuf = v < 0 ? SOCK_BUF_MAX : MAX((size_t)MIN(v, SOCK_BUF_DEFAULT) * 2, (size_t)2304);
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
	spin_lock(&all_lock);
	k->grouped = true;
	if (opt == NETLINK_ADD_MEMBERSHIP)
		k->groups |= 1ull << (v - 1);
	else
		k->groups &= ~(1ull << (v - 1));
	spin_unlock(&all_lock);
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
	spin_lock(&all_lock);
	list_del(&k->all_link);
	spin_unlock(&all_lock);
	while (!list_empty(&k->queue)) {
		struct answer *a = list_first(&k->queue, struct answer, link);

		list_del(&a->link);
		answer_free(a);
	}
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
	if (s->protocol != NETLINK_ROUTE && s->protocol != NETLINK_SOCK_DIAG && s->protocol != NETLINK_KOBJECT_UEVENT)
		return -EPROTONOSUPPORT;
	k = kzalloc(sizeof *k);
	if (!k)
		return -ENOMEM;
	waitq_init(&k->wq);
	mutex_init(&k->read_lock);
	list_init(&k->queue);
	k->ns = netns_get(netns_current());
	k->protocol = s->protocol;
	k->rcvbuf = SOCK_BUF_DEFAULT;
	k->admin = capable(CAP_NET_ADMIN);
	spin_lock(&all_lock);
	list_push_back(&all, &k->all_link);
	spin_unlock(&all_lock);
	s->priv = k;
	s->ops = &nl_ops;
	return 0;
}

void net_show_netlink(struct netns *ns, struct sbuf *s)
{
	struct nl_sock *k;

	spin_lock(&all_lock);
	list_for_each(k, &all, all_link)
		if (k->ns == ns)
			sbuf_printf(s, "0000000000000000 %-3d %-10u %08x %-8u %-8u %-5d %-8d %-8u %-8llu\n", k->protocol,
				    k->pid, (unsigned)k->groups, (unsigned)k->queued, 0u, 0, 2, 0u, (unsigned long long)k->ino);
	spin_unlock(&all_lock);
}
