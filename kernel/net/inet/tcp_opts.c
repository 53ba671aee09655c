/* SPDX-License-Identifier: Apache-2.0 */
/* TCP: options (tcp(7)), TCP_INFO, ioctls, the table of operations.  What
 * tunes timers and segments is checked, kept and shown: on lo nothing is lost,
 * so no timer would ever act. */
#include "kernel/net/inet/tcp.h"
#include <linux_abi/ioctl.h>

#define SNDBUF_INITIAL 16384
#define SNDBUF_CONNECTED 2626560
#define RCVBUF_INITIAL 131072
#define MSS_LO 32768

struct tcp_rule { uint8_t opt; int32_t min, max, initial; bool flag; };
static const struct tcp_rule rules[] = {
	{ TCP_NODELAY, 0, 0, 0, true }, { TCP_CORK, 0, 0, 0, true },
	{ TCP_MAXSEG, 88, 32767, 536, false }, { TCP_KEEPIDLE, 1, 32767, 7200, false },
	{ TCP_KEEPINTVL, 1, 32767, 75, false }, { TCP_KEEPCNT, 1, 127, 9, false },
	{ TCP_SYNCNT, 1, 127, 6, false }, { TCP_LINGER2, INT32_MIN, INT32_MAX, 60, false },
	{ TCP_DEFER_ACCEPT, INT32_MIN, INT32_MAX, 0, false }, { TCP_WINDOW_CLAMP, 0, INT32_MAX, 0, false },
	{ TCP_QUICKACK, 0, 0, 1, true }, { TCP_THIN_LINEAR_TIMEOUTS, 0, 1, 0, false },
	{ TCP_THIN_DUPACK, 0, 1, 0, false }, { TCP_USER_TIMEOUT, 0, INT32_MAX, 0, false },
	{ TCP_FASTOPEN, 0, INT32_MAX, 0, false }, { TCP_NOTSENT_LOWAT, INT32_MIN, INT32_MAX, 0, false },
	{ TCP_SAVE_SYN, 0, 1, 0, false }, { TCP_FASTOPEN_CONNECT, 0, 1, 0, false },
	{ TCP_INQ, 0, 1, 0, false }, { TCP_TIMESTAMP, INT32_MIN, INT32_MAX, 0, false },
};

static const struct tcp_rule *rule(int opt)
{
	for (unsigned k = 0; k < ARRAY_SIZE(rules); k++)
		if (rules[k].opt == opt)
			return &rules[k];
	return NULL;
}

void tcp_opt_defaults(struct tcp_sock *t)
{
	for (unsigned k = 0; k < ARRAY_SIZE(rules); k++)
		t->opt[rules[k].opt] = rules[k].initial;
}

static int set_tcp(struct tcp_sock *t, int opt, const void *val, size_t size)
{
	const struct tcp_rule *r;
	int32_t v;

	if (opt == TCP_CONGESTION) {
		const char *name = val;
		size_t n = strnlen(name, size);

		return (n == 5 && !memcmp(name, "cubic", 5)) || (n == 4 && !memcmp(name, "reno", 4)) ? 0 : -ENOENT;
	}
	if (opt == TCP_ULP)
		return t->state == TCP_ESTABLISHED ? -ENOENT : -ENOTCONN;
	if (size < sizeof v)
		return -EINVAL;
	r = rule(opt);
	if (!r)
		return -ENOPROTOOPT;
	memcpy(&v, val, sizeof v);
	if (r->flag)
		v = !!v;
	else if (v < r->min || v > r->max)
		return -EINVAL;
	if (opt == TCP_FASTOPEN && t->state != TCP_CLOSE && t->state != TCP_LISTEN)
		return -EINVAL;
	t->opt[opt] = v;
	return 0;
}

static void set_buf(struct socket *s, struct tcp_sock *t, int opt, const void *val, size_t size)
{
	int32_t v;

	if (size < sizeof v)
		return;
	memcpy(&v, val, sizeof v);
	v = v < 0 ? SOCK_BUF_DEFAULT : MIN(v, SOCK_BUF_DEFAULT);
	v = MAX(v * 2, SOCK_BUF_MIN);
	spin_lock(&t->lock);
	*(opt == SO_SNDBUF ? &t->sndbuf : &t->rcvbuf) = v;
	spin_unlock(&t->lock);
	waitq_wake_all(&t->wq, POLLOUT | POLLWRNORM);
}

int tcp_setsockopt(struct socket *s, int level, int opt, const void *val, size_t size)
{
	struct tcp_sock *t = s->priv;
	int32_t v;

	if (level == IPPROTO_TCP)
		return set_tcp(t, opt, val, size);
	if (level == SOL_SOCKET && (opt == SO_SNDBUF || opt == SO_RCVBUF))
		set_buf(s, t, opt, val, size);
	if (level == SOL_SOCKET && opt == SO_OOBINLINE && size >= sizeof v) {
		memcpy(&v, val, sizeof v);
		spin_lock(&t->lock);
		t->oobinline = v;
		spin_unlock(&t->lock);
	}
	return inet_setsockopt_common(s, &t->in, level, opt, val, size);
}

/* The beginning of struct tcp_info: what makes sense without segments. */
struct tcp_info_k {
	uint8_t state, ca_state, retransmits, probes, backoff, options, wscale, flags;
	uint32_t rto, ato, snd_mss, rcv_mss, unacked, sacked, lost, retrans, fackets;
	uint32_t last_data_sent, last_ack_sent, last_data_recv, last_ack_recv;
	uint32_t pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering;
	uint32_t rcv_rtt, rcv_space, total_retrans;
	uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
	uint32_t segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out;
	uint64_t delivery_rate, busy_time, rwnd_limited, sndbuf_limited;
	uint32_t delivered, delivered_ce;
	uint64_t bytes_sent, bytes_retrans;
	uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd;
};
_Static_assert(sizeof(struct tcp_info_k) == 232, "tcp_info");

static void fill_info(struct tcp_sock *t, struct tcp_info_k *i)
{
	memset(i, 0, sizeof *i);
	spin_lock(&t->lock);
	i->state = t->state;
	i->options = tcp_connected(t->state) ? 7 : 0;
	i->wscale = tcp_connected(t->state) ? 0x77 : 0;
	i->rto = 201000;
	i->snd_mss = i->rcv_mss = i->advmss = MSS_LO;
	i->pmtu = LO_MTU;
	i->rtt = 20;
	i->rttvar = 10;
	i->snd_ssthresh = INT32_MAX;
	i->snd_cwnd = 10;
	i->reordering = 3;
	i->rcv_space = i->rcv_ssthresh = 65483;
	i->bytes_sent = i->bytes_acked = t->bytes_sent;
	i->bytes_received = t->rcv_seq;
	i->max_pacing_rate = UINT64_MAX;
	i->unacked = t->state == TCP_LISTEN ? t->accept_count : 0;
	i->sacked = t->state == TCP_LISTEN ? t->backlog : 0;
	spin_unlock(&t->lock);
}

static int get_tcp(struct tcp_sock *t, int opt, void *val, size_t *size)
{
	const struct tcp_rule *r;
	struct tcp_info_k info;
	char name[16] = "cubic";

	switch (opt) {
	case TCP_INFO:
		fill_info(t, &info);
		*size = MIN(*size, sizeof info);
		memcpy(val, &info, *size);
		return 0;
	case TCP_CONGESTION:
		*size = MIN(*size, sizeof name);
		memcpy(val, name, *size);
		return 0;
	case TCP_MAXSEG:
		return opt_ret(t->state == TCP_CLOSE || t->state == TCP_LISTEN ? t->opt[opt] : MSS_LO - 1 + 1, val, size);
	}
	r = rule(opt);
	return r ? opt_ret(t->opt[opt], val, size) : -ENOPROTOOPT;
}

int tcp_getsockopt(struct socket *s, int level, int opt, void *val, size_t *size)
{
	struct tcp_sock *t = s->priv;
	int32_t v;

	if (level == IPPROTO_TCP)
		return get_tcp(t, opt, val, size);
	if (level != SOL_SOCKET)
		return inet_getsockopt_common(s, &t->in, level, opt, val, size);
	spin_lock(&t->lock);
	switch (opt) {
	case SO_ERROR:
		v = t->error;
		t->error = 0;
		break;
	case SO_ACCEPTCONN:
		v = t->state == TCP_LISTEN;
		break;
	case SO_SNDBUF:
		v = t->sndbuf ? t->sndbuf : tcp_connected(t->state) ? SNDBUF_CONNECTED : SNDBUF_INITIAL;
		break;
	case SO_RCVBUF:
		v = t->rcvbuf ? t->rcvbuf : RCVBUF_INITIAL;
		break;
	default:
		spin_unlock(&t->lock);
		return -ENOPROTOOPT;
	}
	spin_unlock(&t->lock);
	return opt_ret(v, val, size);
}

/* What the peer has not taken into its own buffer yet. */
static int32_t unsent(struct tcp_sock *t)
{
	struct tcp_sock *p = tcp_peer_get(t);
	uint64_t n = 0, own;

	if (!p)
		return 0;
	spin_lock(&p->lock);
	own = p->rcvbuf ? (uint64_t)p->rcvbuf : RCVBUF_INITIAL;
	if (p->rq.bytes > own)
		n = p->rq.bytes - own;
	spin_unlock(&p->lock);
	tcp_put(p);
	return (int32_t)n;
}

long tcp_ioctl(struct socket *s, unsigned cmd, uint64_t arg)
{
	struct tcp_sock *t = s->priv;
	int32_t n = 0;

	switch (cmd) {
	case FIONREAD:
		spin_lock(&t->lock);
		if (t->state == TCP_LISTEN)
			n = -EINVAL;
		else if (t->urg_here && !t->oobinline && t->urg_seq > t->read_seq)
			n = (int32_t)(t->urg_seq - t->read_seq);
		else
			n = (int32_t)t->rq.bytes;
		spin_unlock(&t->lock);
		break;
	case SIOCOUTQ:
		if (t->state == TCP_LISTEN)
			return -EINVAL;
		n = unsent(t);
		break;
	case SIOCATMARK:
		spin_lock(&t->lock);
		n = t->urg_here && t->urg_seq == t->read_seq;
		spin_unlock(&t->lock);
		break;
	default:
		return net_ioctl(s, cmd, arg);
	}
	return n < 0 ? n : copy_out((uaddr){ arg }, &n, sizeof n);
}

static void tcp_attach(struct socket *s, struct file *f)
{
	struct tcp_sock *t = s->priv;

	t->in.ino = f->inode->ino;
}

static int tcp_bind(struct socket *s, const struct sock_addr *a)
{
	struct tcp_sock *t = s->priv;
	struct endpoint e;
	int err = inet_addr_parse(&t->in, a, true, &e);

	if (err)
		return err;
	if (!ip_is_any(&e.ip) && !net_is_local(t->in.ns, &e.ip) && !t->in.opt[OPT_FREEBIND] && !t->in.opt[OPT6_FREEBIND])
		return -EADDRNOTAVAIL;
	if (t->state != TCP_CLOSE || t->peer)
		return -EINVAL;
	return inet_bind_port(&t->in, &e);
}

static int tcp_getname(struct socket *s, bool peer, struct sock_addr *ret)
{
	struct tcp_sock *t = s->priv;

	return inet_getname_common(&t->in, peer, tcp_connected(t->state), ret);
}

const struct sock_ops tcp_ops = {
	.bind = tcp_bind,
	.listen = tcp_listen,
	.accept = tcp_accept,
	.connect = tcp_connect,
	.getname = tcp_getname,
	.sendmsg = tcp_sendmsg,
	.recvmsg = tcp_recvmsg,
	.shutdown = tcp_shutdown,
	.setsockopt = tcp_setsockopt,
	.getsockopt = tcp_getsockopt,
	.poll = tcp_poll,
	.ioctl = tcp_ioctl,
	.attach = tcp_attach,
	.release = tcp_release,
	.out_of_band = true,
};

int tcp_create(struct socket *s)
{
	s->protocol = IPPROTO_TCP;
	s->priv = tcp_new(s);
	if (!s->priv)
		return -ENOMEM;
	s->ops = &tcp_ops;
	return 0;
}
