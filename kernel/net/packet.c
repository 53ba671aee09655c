/* SPDX-License-Identifier: Apache-2.0 */
/* Packet sockets.
 *
 * A frame on lo is shown twice to sockets for all protocols, as Linux does: going
 * out (PACKET_OUTGOING) and coming in; to sockets for its protocol, coming in.  What a
 * packet socket sends is seen by packet sockets, and goes up to IP: from_link.c.
 *
 * Locks: ns->lock for the list and the groups; packet_sock.lock alone or in it.  Queues count against
 * the bound of all message sockets (dgram_charge). */
#include "kernel/net/inet/dgram.h"
#include "kernel/net/inet/from_link.h"
#include "kernel/net/packet_sock.h"
#include <linux_abi/ioctl.h>

#define WATCHERS_MAX 64u
#define FRAME_MAX (65536u + FRAME_LINK_SIZE)

struct packet {
	struct list link;
	int64_t time_ns;
	uint32_t size, whole;           /* kept, and what it was */
	uint16_t protocol;
	uint8_t kind;
	uint8_t data[];
};

static size_t cost(const struct packet *p) { return p->size + sizeof *p; }

static void packet_free(struct packet *p)
{
	dgram_uncharge_size(cost(p));
	kfree(p);
}

void packet_put(struct packet_sock *k)
{
	if (!ref_put(&k->ref))
		return;
	while (!list_empty(&k->queue)) {
		struct packet *p = list_first(&k->queue, struct packet, link);

		list_del(&p->link);
		packet_free(p);
	}
	(void)filter_detach(&k->filter);
	(void)filter_detach(&k->fanout.filter);
	packet_ring_free(&k->ring);
	packet_ring_free(&k->tx);
	netns_put(k->ns);
	kfree(k);
}

/* ---- showing ---- */

static void count_drop(struct packet_sock *k)
{
	spin_lock(&k->lock);
	k->stats.drops++;
	spin_unlock(&k->lock);
}

struct linux_sockaddr_ll packet_name(const struct frame *f)
{
	return (struct linux_sockaddr_ll){ AF_PACKET, be16(f->protocol), LO_INDEX, ARPHRD_LOOPBACK, f->kind, ETH_ALEN, { 0 } };
}

static void to_ring(struct packet_sock *k, const struct frame *f, size_t start, size_t keep)
{
	struct packet_facts facts = { vfs_now_ns(), (uint32_t)word(&k->reserve), false };
	bool ok;

	spin_lock(&k->lock);
	facts.losing = k->stats.drops;
	spin_unlock(&k->lock);
	ok = packet_ring_put(&k->ring, f, start, keep, &facts);
	spin_lock(&k->lock);
	*(ok ? &k->stats.packets : &k->stats.drops) += 1;
	spin_unlock(&k->lock);
	if (ok)
		waitq_wake_all(&k->wq, POLLIN | POLLRDNORM);
}

static void deliver(struct packet_sock *k, const struct frame *f)
{
	size_t start = k->type == SOCK_DGRAM ? f->net : 0, keep;
	struct packet *p;
	bool full;

	if (!filter_run(&k->filter, f, start, &keep))
		return;
	if (packet_ring_there(&k->ring)) {
		to_ring(k, f, start, keep);
		return;
	}
	p = kmalloc(sizeof *p + keep);
	if (!p || !dgram_charge(sizeof *p + keep)) {
		kfree(p);
		count_drop(k);
		return;
	}
	*p = (struct packet){ .time_ns = vfs_now_ns(), .size = (uint32_t)keep, .whole = (uint32_t)(frame_size(f) - start),
			      .protocol = f->protocol, .kind = f->kind };
	frame_copy(f, start, p->data, keep);
	spin_lock(&k->lock);
	full = k->queued && k->queued + cost(p) > (size_t)word(&k->rcvbuf);
	if (full) {
		k->stats.drops++;
	} else {
		k->stats.packets++;
		k->queued += cost(p);
		list_push_back(&k->queue, &p->link);
	}
	spin_unlock(&k->lock);
	if (full)
		packet_free(p);
	else
		waitq_wake_all(&k->wq, POLLIN | POLLRDNORM);
}

static bool wants(const struct packet_sock *k, const struct frame *f)
{
	if (k->ifindex && k->ifindex != LO_INDEX)
		return false;
	if (f->kind == PACKET_OUTGOING)
		return k->protocol == ETH_P_ALL && (k->fanout.set || !word(&k->ignore_outgoing)); /* the group's flag: of_group() */
	return k->protocol == ETH_P_ALL || k->protocol == f->protocol;
}

/* Who of k's group gets f; NULL: that was asked for one before it. */
static struct packet_sock *of_group(struct netns *ns, struct packet_sock *k, const struct frame *f)
{
	struct packet_sock *o, *win = k;
	unsigned count = 0, place;

	list_for_each(o, &ns->packets, link)
		if (same_group(k, o) && !count++ && o != k)
			return NULL;
	if (f->kind == PACKET_OUTGOING && k->fanout.flags & PACKET_FANOUT_FLAG_IGNORE_OUTGOING)
		return NULL;
	place = packet_fanout_place(&k->fanout, f, count);
	list_for_each(o, &ns->packets, link)
		if (same_group(k, o) && !place--)
			win = o;
	return win;
}

static void show(struct netns *ns, const struct frame *f, const struct packet_sock *but)
{
	struct packet_sock *to[WATCHERS_MAX], *k;
	uint64_t rolls = 0;             /* bits, by place in to */
	unsigned n = 0;

	spin_lock(&ns->lock);
	list_for_each(k, &ns->packets, link) {
		struct packet_sock *who = k;

		if (n == WATCHERS_MAX || k == but || same_group(but, k) || !wants(k, f))
			continue;
		if (k->fanout.set)
			who = of_group(ns, k, f);
		if (!who || !ref_get_unless_zero(&who->ref))
			continue;
		rolls |= (uint64_t)packet_rolls(who) << n;
		to[n++] = who;
	}
	spin_unlock(&ns->lock);
	for (unsigned i = 0; i < n; i++) {
		k = rolls >> i & 1 ? packet_rollover(to[i], f) : to[i];
		deliver(k, f);
		packet_put(k);
	}
}

/* from does not see its own packet go out. */
static void show_both(struct netns *ns, struct frame *f, const struct packet_sock *from)
{
	uint8_t kind = f->kind;

	f->kind = PACKET_OUTGOING;
	show(ns, f, from);
	f->kind = kind;
	show(ns, f, NULL);
}

void packet_show(struct netns *ns, struct frame *f)
{
	KASSERT(sched_may_sleep());     /* a ring is filled under a mutex, and the next watcher may have one */
	show_both(ns, f, NULL);
}

/* ---- names ---- */

static int packet_bind(struct socket *s, const struct sock_addr *a)
{
	struct packet_sock *k = s->priv;
	struct linux_sockaddr_ll ll;

	if (a->size < sizeof ll || a->u.family != AF_PACKET)
		return -EINVAL;
	memcpy(&ll, &a->u, sizeof ll);
	if (ll.ifindex && ll.ifindex != LO_INDEX)
		return -ENODEV;
	spin_lock(&k->ns->lock);
	if (k->fanout.set) {
		spin_unlock(&k->ns->lock);
		return -EINVAL;
	}
	if (ll.protocol)
		k->protocol = be16(ll.protocol);
	k->ifindex = ll.ifindex;
	spin_unlock(&k->ns->lock);
	if (ll.ifindex && !__atomic_load_n(&k->ns->lo.up, __ATOMIC_RELAXED)) {
		spin_lock(&k->lock);
		k->error = ENETDOWN;
		spin_unlock(&k->lock);
	}
	return 0;
}

static int packet_getname(struct socket *s, bool peer, struct sock_addr *ret)
{
	struct packet_sock *k = s->priv;
	struct linux_sockaddr_ll ll = { .family = AF_PACKET };

	if (peer)
		return -EOPNOTSUPP;
	spin_lock(&k->ns->lock);
	ll.protocol = be16(k->protocol);
	ll.ifindex = k->ifindex;
	spin_unlock(&k->ns->lock);
	if (ll.ifindex) {
		ll.hatype = ARPHRD_LOOPBACK;
		ll.halen = ETH_ALEN;
	}
	memset(ret, 0, sizeof *ret);
	ret->size = (unsigned)offsetof(struct linux_sockaddr_ll, addr) + ll.halen;
	memcpy(&ret->u, &ll, sizeof ll);
	return 0;
}

/* ---- sending ---- */

/* Where to and as what; *ret_protocol in host order. */
static int destination(struct packet_sock *k, const struct sock_msg *m, uint16_t *ret_protocol)
{
	struct linux_sockaddr_ll ll;
	int32_t index;

	spin_lock(&k->ns->lock);
	index = k->ifindex;
	*ret_protocol = k->protocol;
	spin_unlock(&k->ns->lock);
	if (m->name.size) {
		if (m->name.size < offsetof(struct linux_sockaddr_ll, addr))
			return -EINVAL;
		memcpy(&ll, &m->name.u, sizeof ll);
		if (m->name.size < offsetof(struct linux_sockaddr_ll, addr) + (size_t)ll.halen)
			return -EINVAL;
		*ret_protocol = be16(ll.protocol);
		index = ll.ifindex;
	}
	if (index != LO_INDEX)
		return -ENXIO;
	return __atomic_load_n(&k->ns->lo.up, __ATOMIC_RELAXED) ? 0 : -ENETDOWN;
}

void packet_transmit(struct packet_sock *k, uint16_t protocol, const uint8_t *buf, size_t n)
{
	size_t link = k->type == SOCK_DGRAM ? 0 : FRAME_LINK_SIZE;
	static const uint8_t none[ETH_ALEN];
	struct frame f = { .kind = PACKET_HOST, .protocol = protocol };
	uint16_t type = be16(protocol);

	if (!link) {
		memcpy(f.head + FRAME_LINK_SIZE - sizeof type, &type, sizeof type);
		f.head_size = FRAME_LINK_SIZE;
	} else {                        /* its own link header says what it is */
		memcpy(&type, buf + FRAME_LINK_SIZE - sizeof type, sizeof type);
		f.protocol = be16(type);
	}
	f.net = f.transport = FRAME_LINK_SIZE;
	f.body = buf;
	f.body_size = n;
	show_both(k->ns, &f, k);
	/* The link's address is all zeros: what is for another is not for us. */
	if (!link || !memcmp(buf, none, sizeof none))
		inet_from_link(k->ns, f.protocol, buf + link, n - link);
}

static long packet_sendmsg(struct socket *s, struct sock_msg *m)
{
	struct packet_sock *k = s->priv;
	size_t n = m->it->left, head = s->type == SOCK_DGRAM ? FRAME_LINK_SIZE : 0, skip = 0;
	uint16_t protocol;
	uint8_t *buf;
	struct linux_virtio_net_hdr vnet;
	int err = destination(k, m, &protocol);

	if (!err && packet_ring_there(&k->tx))
		return packet_tx_send(k, protocol);
	if (!err && word(&k->vnet_hdr)) {
		if (n < sizeof vnet)
			return -EINVAL;
		if (iter_copy_in(m->it, &vnet, sizeof vnet) != sizeof vnet)
			return -EFAULT;
		skip = sizeof vnet;
		n -= skip;
	}
	if (!err && n + head > FRAME_MAX)
		err = -EMSGSIZE;
	if (!err && n + head < FRAME_LINK_SIZE)
		err = -EINVAL;
	if (err)
		return err;
	buf = kmalloc(n + 1);
	if (!buf)
		return -ENOBUFS;
	if (iter_copy_in(m->it, buf, n) != n) {
		kfree(buf);
		return -EFAULT;
	}
	packet_transmit(k, protocol, buf, n);
	kfree(buf);
	return (long)(n + skip);
}

/* ---- receiving ---- */

static bool ready(struct packet_sock *k, int *err)
{
	bool ok;

	spin_lock(&k->lock);
	*err = -k->error;
	k->error = 0;
	ok = *err || !list_empty(&k->queue);
	spin_unlock(&k->lock);
	return ok;
}

static void describe(const struct socket *s, const struct packet_sock *k, const struct packet *p, struct sock_msg *m)
{
	struct linux_sockaddr_ll ll = packet_name(&(struct frame){ .protocol = p->protocol, .kind = p->kind });

	m->name.size = sizeof ll;
	memcpy(&m->name.u, &ll, sizeof ll);
	if (sock_wants_times(s))
		sock_put_times(s, m, p->time_ns, true);
	if (word(&k->auxdata)) {
		struct linux_tpacket_auxdata aux = { .status = TP_STATUS_USER, .len = p->whole, .snaplen = p->size,
						     .net = k->type == SOCK_DGRAM ? 0 : FRAME_LINK_SIZE };

		sock_put_cmsg(m, SOL_PACKET, PACKET_AUXDATA, &aux, sizeof aux);
	}
}

static long packet_recvmsg(struct socket *s, struct sock_msg *m)
{
	struct packet_sock *k = s->priv;
	uint64_t deadline = sock_deadline(s->rcvtimeo_ns);
	struct linux_virtio_net_hdr vnet = { 0 };
	bool peek = m->flags & MSG_PEEK;
	struct packet *p = NULL;
	size_t n, got, head;
	int err, wait;
	long ret;

	if (m->flags & MSG_ERRQUEUE)
		return -EAGAIN;
	mutex_lock(&k->read_lock);
	while (!ready(k, &err)) {
		if (m->nonblock) {
			err = -EAGAIN;
			break;
		}
		mutex_unlock(&k->read_lock);
		wait = WAIT_EVENT(&k->wq, TASK_INTERRUPTIBLE, deadline, ready(k, &err));
		mutex_lock(&k->read_lock);
		err = wait ? sock_wait_error(wait, s->rcvtimeo_ns) : err;
		if (err)
			break;
	}
	if (!err) {
		spin_lock(&k->lock);
		p = list_empty(&k->queue) ? NULL : list_first(&k->queue, struct packet, link);
		if (p && !peek) {
			list_del(&p->link);
			k->queued -= cost(p);
		}
		spin_unlock(&k->lock);
	}
	if (!p) {
		mutex_unlock(&k->read_lock);
		return err ? err : -EAGAIN;
	}
	head = word(&k->vnet_hdr) ? sizeof vnet : 0;
	if (m->it->left < head) {
		ret = -EINVAL;          /* and the packet is gone, as on Linux */
		goto out;
	}
	got = iter_copy_out(m->it, &vnet, head);
	n = MIN((size_t)p->size, m->it->left);
	if (got == head)
		got += iter_copy_out(m->it, p->data, n);
	ret = got < head + n ? -EFAULT : (m->flags & MSG_TRUNC ? (long)p->size : (long)n) + (long)head;
	if (n < p->size)
		m->ret_flags |= MSG_TRUNC;
	describe(s, k, p, m);
out:
	if (!peek)
		packet_free(p);
	mutex_unlock(&k->read_lock);
	packet_rollover_look(k);
	return ret;
}

static uint32_t packet_poll(struct socket *s, struct poll_table *pt)
{
	struct packet_sock *k = s->priv;
	uint32_t ev = POLLOUT | POLLWRNORM | POLLWRBAND;

	poll_wait(pt, &k->wq);
	spin_lock(&k->lock);
	if (!list_empty(&k->queue))
		ev |= POLLIN | POLLRDNORM;
	if (k->error)
		ev |= POLLERR;
	spin_unlock(&k->lock);
	if (packet_ring_there(&k->ring) && packet_ring_ready(&k->ring))
		ev |= POLLIN | POLLRDNORM;
	packet_rollover_look(k);
	return ev;
}

static long packet_ioctl(struct socket *s, unsigned cmd, uint64_t arg)
{
	struct packet_sock *k = s->priv;
	int32_t n = 0;

	if (cmd == FIONREAD) {
		spin_lock(&k->lock);
		if (!list_empty(&k->queue))
			n = (int32_t)list_first(&k->queue, struct packet, link)->size;
		spin_unlock(&k->lock);
	} else if (cmd != SIOCOUTQ) {
		return net_ioctl(s, cmd, arg);
	}
	return copy_out((uaddr){ arg }, &n, sizeof n);
}

static void packet_release(struct socket *s)
{
	struct packet_sock *k = s->priv;

	if (!k)
		return;
	spin_lock(&k->ns->lock);
	packet_fanout_leave(k);
	list_del(&k->link);
	__atomic_store_n(&k->ns->packet_count, k->ns->packet_count - 1, __ATOMIC_RELAXED);
	spin_unlock(&k->ns->lock);
	packet_put(k);
}

static int packet_mmap(struct socket *s, uint64_t off, uint64_t size, struct mmap_target *ret)
{
	struct packet_sock *k = s->priv;

	return packet_ring_mmap(packet_ring_there(&k->tx) ? &k->tx : &k->ring, off, size, ret);
}

static struct filter_slot *packet_filter(struct socket *s) { return &((struct packet_sock *)s->priv)->filter; }

static void packet_attach(struct socket *s, struct file *f)
{
	struct packet_sock *k = s->priv;

	__atomic_store_n(&k->ino, f->inode->ino, __ATOMIC_RELAXED);
}

void net_show_packet(struct netns *ns, struct sbuf *s)
{
	struct packet_sock *k;

	spin_lock(&ns->lock);
	list_for_each(k, &ns->packets, link) {
		spin_lock(&k->lock);
		sbuf_printf(s, "%016x %-6d %-4d %04x   %-5d %1d %-6u %-6u %-6llu\n", 0, 3, k->type, k->protocol, k->ifindex,
			    k->protocol != 0, (unsigned)k->queued, k->uid, (unsigned long long)__atomic_load_n(&k->ino, __ATOMIC_RELAXED));
		spin_unlock(&k->lock);
	}
	spin_unlock(&ns->lock);
}

static const struct sock_ops packet_ops = {
	.bind = packet_bind,
	.getname = packet_getname,
	.sendmsg = packet_sendmsg,
	.recvmsg = packet_recvmsg,
	.setsockopt = packet_setsockopt,
	.getsockopt = packet_getsockopt,
	.poll = packet_poll,
	.ioctl = packet_ioctl,
	.filter = packet_filter,
	.mmap = packet_mmap,
	.attach = packet_attach,
	.release = packet_release,
	.out_of_band = true,
	.error_queue = true,
};

int packet_create(struct socket *s)
{
	struct packet_sock *k;

	if (!capable(CAP_NET_RAW))
		return -EPERM;
	if (s->type != SOCK_RAW && s->type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	k = kzalloc(sizeof *k);
	if (!k)
		return -ENOMEM;
	ref_init(&k->ref);
	waitq_init(&k->wq);
	mutex_init(&k->read_lock);
	mutex_init(&k->ring_lock);
	mutex_init(&k->ring.lock);
	mutex_init(&k->tx.lock);
	list_init(&k->queue);
	list_init(&k->link);
	k->ns = netns_get(netns_current());
	k->type = s->type;
	k->uid = current_cred()->euid;
	k->protocol = be16((uint16_t)s->protocol);
	k->rcvbuf = sock_buf_first(SOCK_RMEM_DEFAULT);
	spin_lock(&k->ns->lock);
	list_push_back(&k->ns->packets, &k->link);
	__atomic_store_n(&k->ns->packet_count, k->ns->packet_count + 1, __ATOMIC_RELAXED);
	spin_unlock(&k->ns->lock);
	s->priv = k;
	s->ops = &packet_ops;
	return 0;
}
