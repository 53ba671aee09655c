/* SPDX-License-Identifier: Apache-2.0 */
/* Options of packet sockets. */
#include "kernel/net/inet/inet.h"
#include "kernel/net/packet_sock.h"

#define MEMBERS_MAX 128u

/* lo takes everything: memberships are counted, so that leaving one that was never
 * joined says so. */
static int member(struct packet_sock *k, bool add, const void *val, size_t size)
{
	struct linux_packet_mreq r;
	int err = 0;

	if (size < sizeof r)
		return -EINVAL;
	memcpy(&r, val, sizeof r);
	if (r.ifindex != LO_INDEX)
		return add ? -ENODEV : 0;
	if (add && (r.alen > ETH_ALEN || r.type > PACKET_MR_UNICAST))
		return -EINVAL;
	spin_lock(&k->lock);
	if (add && k->members == MEMBERS_MAX)
		err = -ENOBUFS;
	else if (add)
		k->members++;
	else if (k->members)
		k->members--;
	spin_unlock(&k->lock);
	return err;
}

static int32_t *number(struct packet_sock *k, int opt)
{
	switch (opt) {
	case PACKET_AUXDATA: return &k->auxdata;
	case PACKET_ORIGDEV: return &k->origdev;
	case PACKET_VERSION: return &k->version;
	case PACKET_RESERVE: return &k->reserve;
	case PACKET_LOSS: return &k->loss;
	case PACKET_TIMESTAMP: return &k->timestamp;
	case PACKET_IGNORE_OUTGOING: return &k->ignore_outgoing;
	case PACKET_VNET_HDR: return &k->vnet_hdr;
	case PACKET_TX_HAS_OFF: return &k->tx_has_off;
	case PACKET_QDISC_BYPASS: return &k->bypass;
	default: return NULL;
	}
}

static int join(struct packet_sock *k, const void *val, size_t size)
{
	struct packet_fanout g;
	struct packet_sock *o, *other = NULL;
	unsigned count = 0;
	uint32_t v;
	int err;

	if (size != sizeof v && size != sizeof(uint64_t))       /* struct fanout_args is longer */
		return -EINVAL;
	memcpy(&v, val, sizeof v);
	err = packet_fanout_parse(v, &g);
	if (err)
		return err;
	spin_lock(&k->ns->lock);
	if (k->fanout.set)
		err = -EALREADY;
	else if (g.flags & PACKET_FANOUT_FLAG_UNIQUEID && g.id)
		err = -EINVAL;
	if (!err && g.flags & PACKET_FANOUT_FLAG_UNIQUEID) {
		g.flags &= (uint16_t)~PACKET_FANOUT_FLAG_UNIQUEID;
		list_for_each(o, &k->ns->packets, link)         /* one more than any */
			if (o->fanout.set && o->fanout.id >= g.id)
				g.id = (uint16_t)(o->fanout.id + 1);
	}
	list_for_each(o, &k->ns->packets, link)
		if (!err && o->fanout.set && o->fanout.id == g.id) {
			other = o;
			count++;
		}
	if (other && (other->fanout.type != g.type || other->fanout.flags != g.flags || other->protocol != k->protocol ||
		      other->ifindex != k->ifindex))
		err = -EINVAL;
	if (!err && !k->protocol)
		err = -EINVAL;          /* it gets nothing yet */
	if (!err && count == PACKET_FANOUT_MEMBERS)
		err = -ENOSPC;
	if (!err) {
		k->fanout.id = g.id;    /* its filter has a lock of its own */
		k->fanout.type = g.type;
		k->fanout.flags = g.flags;
		k->fanout.turn = 0;
		list_del(&k->link);     /* places are in the order of joining */
		list_push_back(&k->ns->packets, &k->link);
		k->fanout.set = true;
		if (other)
			filter_share(&other->fanout.filter, &k->fanout.filter);
	}
	spin_unlock(&k->ns->lock);
	return err;
}

void packet_fanout_leave(struct packet_sock *k)
{
	struct packet_sock *o, *last = k;

	if (k->fanout.set)
		list_for_each(o, &k->ns->packets, link)
			if (same_group(k, o))
				last = o;
	if (last == k)
		return;
	last->fanout.turn = k->fanout.turn;
	list_del(&last->link);
	list_push_back(&k->link, &last->link);  /* before it */
}

static int fanout_program(struct packet_sock *k, const void *val, size_t size)
{
	struct packet_sock *o;
	bool right;
	int err;

	spin_lock(&k->ns->lock);
	right = k->fanout.set && k->fanout.type == PACKET_FANOUT_CBPF;
	spin_unlock(&k->ns->lock);
	if (!right)                     /* once it is right it stays so */
		return -EINVAL;
	err = filter_attach(&k->fanout.filter, val, size);
	if (err)
		return err;
	spin_lock(&k->ns->lock);
	list_for_each(o, &k->ns->packets, link)
		if (o != k && same_group(k, o))
			filter_share(&k->fanout.filter, &o->fanout.filter);
	spin_unlock(&k->ns->lock);
	return 0;
}

static bool has_ring(struct packet_sock *k) { return packet_ring_there(&k->ring) || packet_ring_there(&k->tx); }

/* The one or the other: both in one mapping are not there. */
static int set_ring(struct packet_sock *k, bool tx, const void *val, size_t size)
{
	struct packet_ring *r = tx ? &k->tx : &k->ring, *other = tx ? &k->ring : &k->tx;
	int32_t version = word(&k->version);
	struct linux_tpacket_req3 q;
	int err = -EBUSY;

	if (tx && version == TPACKET_V3 && size >= sizeof q) {
		memcpy(&q, val, sizeof q);
		if (q.block_nr && (q.retire_blk_tov || q.sizeof_priv || q.feature_req_word))
			return -EINVAL; /* frames that are sent lie as in version 2 */
	}
	mutex_lock(&k->ring_lock);
	if (!packet_ring_there(other))
		err = packet_ring_set(r, val, size, version, (uint32_t)word(&k->reserve));
	mutex_unlock(&k->ring_lock);
	return err;
}

int packet_setsockopt(struct socket *s, int level, int opt, const void *val, size_t size)
{
	struct packet_sock *k = s->priv;
	int32_t v = 0, *to = number(k, opt);

	if (size >= sizeof v)
		memcpy(&v, val, sizeof v);
	if (level == SOL_SOCKET && (opt == SO_RCVBUF || opt == SO_RCVBUFFORCE) && size >= sizeof v &&
	    (opt == SO_RCVBUF || capable(CAP_NET_ADMIN)))
		set_word(&k->rcvbuf, sock_buf_size(opt, v));
	if (level != SOL_PACKET)
		return -ENOPROTOOPT;
	if (opt == PACKET_ADD_MEMBERSHIP || opt == PACKET_DROP_MEMBERSHIP)
		return member(k, opt == PACKET_ADD_MEMBERSHIP, val, size);
	if (opt == PACKET_RX_RING || opt == PACKET_TX_RING)
		return set_ring(k, opt == PACKET_TX_RING, val, size);
	if (opt == PACKET_FANOUT)
		return join(k, val, size);
	if (opt == PACKET_FANOUT_DATA)
		return fanout_program(k, val, size);
	if (!to)
		return -ENOPROTOOPT;
	if (opt == PACKET_VNET_HDR && k->type != SOCK_RAW)
		return -EINVAL;
	if ((opt == PACKET_VERSION || opt == PACKET_RESERVE || opt == PACKET_VNET_HDR || opt == PACKET_LOSS) && has_ring(k))
		return -EBUSY;
	if (opt == PACKET_AUXDATA || opt == PACKET_ORIGDEV ? size < sizeof v : size != sizeof v)
		return -EINVAL;
	if (opt == PACKET_VERSION && (v < TPACKET_V1 || v > TPACKET_V3))
		return -EINVAL;
	if ((opt == PACKET_RESERVE && v < 0) || (opt == PACKET_IGNORE_OUTGOING && (v < 0 || v > 1)))
		return -EINVAL;
	if (opt == PACKET_TX_HAS_OFF && has_ring(k))
		return 0;               /* and nothing changes, as on Linux */
	set_word(to, opt == PACKET_VERSION || opt == PACKET_RESERVE || opt == PACKET_TIMESTAMP ? v : !!v);
	return 0;
}

static int get_stats(struct packet_sock *k, void *val, size_t *size)
{
	struct { struct linux_tpacket_stats st; uint32_t freezes; } v = { 0 };      /* version 3 has the last */

	spin_lock(&k->lock);
	v.st = k->stats;
	k->stats = (struct linux_tpacket_stats){ 0 };
	spin_unlock(&k->lock);
	v.st.packets += v.st.drops;
	*size = MIN(*size, word(&k->version) == TPACKET_V3 ? sizeof v : sizeof v.st);
	memcpy(val, &v, *size);
	return 0;
}

int packet_getsockopt(struct socket *s, int level, int opt, void *val, size_t *size)
{
	struct packet_sock *k = s->priv;
	int32_t v, *from = number(k, opt);

	if (level == SOL_SOCKET && opt == SO_ERROR) {
		spin_lock(&k->lock);
		v = k->error;
		k->error = 0;
		spin_unlock(&k->lock);
		return opt_ret(v, val, size);
	}
	if (level != SOL_PACKET)
		return -ENOPROTOOPT;
	if (opt == PACKET_STATISTICS)
		return get_stats(k, val, size);
	if (opt == PACKET_ROLLOVER_STATS)
		return packet_rollover_stats(k, val, size);
	if (opt == PACKET_HDRLEN) {     /* a version goes in, a size comes out */
		if (*size < sizeof v)
			return -EINVAL;
		memcpy(&v, val, sizeof v);
		if (v < TPACKET_V1 || v > TPACKET_V3)
			return -EINVAL;
		return opt_ret(v == TPACKET_V3 ? sizeof(struct linux_tpacket3_hdr) : sizeof(struct linux_tpacket2_hdr), val,
			       size);
	}
	if (opt == PACKET_FANOUT) {
		spin_lock(&k->ns->lock);
		v = k->fanout.set ? (int32_t)(k->fanout.id | ((uint32_t)k->fanout.type | k->fanout.flags) << 16) : 0;
		spin_unlock(&k->ns->lock);
		return opt_ret(v, val, size);
	}
	return from ? opt_ret(word(from), val, size) : -ENOPROTOOPT;
}
