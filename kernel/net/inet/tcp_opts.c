/* SPDX-License-Identifier: Apache-2.0 */
/* TCP: options (tcp(7)), TCP_INFO, ioctls, the table of operations.  What
 * tunes segments and retransmissions is checked, kept and shown: on lo nothing is
 * lost, so none of it would ever act. */
#include "kernel/net/inet/tcp.h"
#include "kernel/net/settings.h"
#include <linux_abi/ioctl.h>

#define SNDBUF_CONNECTED 2626560
#define FIN_TIMEOUT 60
#define MSS_INITIAL 536
#define TIMESTAMP_SIZE 12               /* in each segment */
#define FIN_TIMEOUT_MAX 120
#define RTO_MAX 120
#define TX_DELAY_MAX ((1 << 28) - 1)    /* microseconds; Linux, too, delays nothing on lo, which has no queue */
#define OPT_SYN_DATA 32                 /* TCPI_OPT_SYN_DATA */
#define REPAIR 19
#define REPAIR_QUEUE 20

enum { PLAIN, FLAG, ACCEPTED };         /* ACCEPTED: no effect, always shows its initial value */
struct tcp_rule { uint8_t opt; int32_t min, max, initial; uint8_t kind; };
static const struct tcp_rule rules[] = {
	{ TCP_NODELAY, 0, 0, 0, FLAG }, { TCP_CORK, 0, 0, 0, FLAG },
	{ TCP_MAXSEG, 88, 32767, 0, PLAIN }, { TCP_KEEPIDLE, 1, 32767, 7200, PLAIN },
	{ TCP_KEEPINTVL, 1, 32767, 75, PLAIN }, { TCP_KEEPCNT, 1, 127, 9, PLAIN },
	{ TCP_SYNCNT, 1, 127, 6, PLAIN }, { TCP_LINGER2, INT32_MIN, INT32_MAX, FIN_TIMEOUT, PLAIN },
	{ TCP_DEFER_ACCEPT, INT32_MIN, INT32_MAX, 0, PLAIN }, { TCP_WINDOW_CLAMP, INT32_MIN, INT32_MAX, 0, PLAIN },
	{ TCP_QUICKACK, 0, 0, 1, FLAG }, { TCP_THIN_LINEAR_TIMEOUTS, 0, 1, 0, PLAIN },
	{ TCP_THIN_DUPACK, 0, 1, 0, ACCEPTED }, { TCP_USER_TIMEOUT, 0, INT32_MAX, 0, PLAIN },
	{ TCP_FASTOPEN, 0, INT32_MAX, 0, PLAIN }, { TCP_NOTSENT_LOWAT, INT32_MIN, INT32_MAX, 0, PLAIN },
	{ TCP_SAVE_SYN, 0, 2, 0, PLAIN }, { TCP_FASTOPEN_CONNECT, 0, 1, 0, PLAIN },
	{ TCP_FASTOPEN_NO_COOKIE, 0, 1, 0, PLAIN },
	{ TCP_INQ, 0, 1, 0, PLAIN }, { TCP_TX_DELAY, 0, TX_DELAY_MAX, 0, PLAIN },
};
static const char *const congestion[] = { "cubic", "reno" };

const char *tcp_congestion_name(const struct tcp_sock *t) { return congestion[t->congestion]; }

static const struct tcp_rule *rule(int opt)
{
	for (unsigned k = 0; k < ARRAY_SIZE(rules); k++)
		if (rules[k].opt == opt)
			return &rules[k];
	return NULL;
}

/* A buffer of this kernel's, whatever the setting says. */
static int32_t within(int64_t v, int32_t least) { return (int32_t)MIN(MAX(v, (int64_t)least), (int64_t)SOCK_BUF_MAX); }

void tcp_opt_defaults(struct tcp_sock *t)
{
	for (unsigned k = 0; k < ARRAY_SIZE(rules); k++)
		t->opt[rules[k].opt] = rules[k].initial;
	t->mss = TCP_MSS;
	t->congestion = t->in.ns->congestion;
	t->rcvbuf_first = within(net_setting(t->in.ns, SET_tcp_mem_rmem1), SOCK_RCVBUF_MIN);
	t->sndbuf_first = within(net_setting(t->in.ns, SET_tcp_mem_wmem1), SOCK_SNDBUF_MIN);
	t->sndbuf_most = within(net_setting(t->in.ns, SET_tcp_mem_wmem2), SOCK_SNDBUF_MIN);
	t->notsent_first = (int32_t)net_setting(t->in.ns, SET_ipv4_tcp_notsent_lowat);  /* UINT32_MAX: none */
	t->notsent = t->notsent_first;
	t->lowat_most = MAX((int32_t)net_setting(t->in.ns, SET_tcp_mem_rmem2) / 2, 1);
	t->opt[TCP_KEEPIDLE] = (int32_t)net_setting(t->in.ns, SET_ipv4_tcp_keepalive_time);
	t->opt[TCP_KEEPINTVL] = (int32_t)net_setting(t->in.ns, SET_ipv4_tcp_keepalive_intvl);
	t->opt[TCP_KEEPCNT] = (int32_t)net_setting(t->in.ns, SET_ipv4_tcp_keepalive_probes);
	t->opt[TCP_SYNCNT] = (int32_t)net_setting(t->in.ns, SET_ipv4_tcp_syn_retries);
	t->opt[TCP_LINGER2] = (int32_t)net_setting(t->in.ns, SET_ipv4_tcp_fin_timeout);
}

const char *net_congestion_name(unsigned k) { return congestion[k]; }

int net_congestion_find(const char *name, size_t n)
{
	for (unsigned k = 0; k < ARRAY_SIZE(congestion); k++)
		if (n == strlen(congestion[k]) && !memcmp(name, congestion[k], n))
			return (int)k;
	return -ENOENT;
}

static int set_name(struct tcp_sock *t, const char *name, size_t size)
{
	int k = net_congestion_find(name, strnlen(name, size));

	if (!size)
		return -EINVAL;
	if (k < 0)
		return k;
	t->congestion = (uint8_t)k;
	return 0;
}

/* Seconds as a number of SYN-ACKs sent again, each after twice the time, and
 * back: what Linux keeps. */
static int32_t whole_backoffs(int32_t seconds)
{
	int32_t period = 1, timeout = 1;

	if (seconds <= 0)
		return 0;
	for (int n = 1; seconds > period && n < 255; n++) {
		timeout = MIN(timeout * 2, RTO_MAX);
		period += timeout;
	}
	return period;
}

/* What a value that is in range becomes. */
static int adjust(struct tcp_sock *t, int opt, int32_t *v)
{
	bool idle = t->state == TCP_CLOSE || t->state == TCP_LISTEN;

	switch (opt) {
	case TCP_WINDOW_CLAMP:
		if (!*v)
			return t->state == TCP_CLOSE ? 0 : -EINVAL;
		*v = MAX(*v, SOCK_RCVBUF_MIN / 2);
		return 0;
	case TCP_LINGER2:
		*v = *v < 0 ? -1 : !*v ? FIN_TIMEOUT : MIN(*v, FIN_TIMEOUT_MAX);
		return 0;
	case TCP_DEFER_ACCEPT:
		*v = whole_backoffs(*v);
		return 0;
	case TCP_FASTOPEN:
		*v = MIN(*v, (int32_t)net_setting(t->in.ns, SET_core_somaxconn));
		if (idle)
			tcp_fastopen_need_key(t->in.ns);
		return idle ? 0 : -EINVAL;
	case TCP_FASTOPEN_NO_COOKIE:
		return idle ? 0 : -EINVAL;
	case TCP_FASTOPEN_CONNECT:
		if (!tcp_fastopen_client(t))
			return -EOPNOTSUPP;
		return t->state == TCP_CLOSE ? 0 : -EINVAL;
	default:
		return 0;
	}
}

/* For the cookies of a listener, which nobody needs; one key, or it and the one before. */
static int set_key(struct tcp_sock *t, const void *val, size_t size)
{
	if (size != sizeof t->fastopen_key / 2 && size != sizeof t->fastopen_key)
		return -EINVAL;
	tcp_lock(t);
	memcpy(t->fastopen_key, val, size);
	t->fastopen_key_size = (uint8_t)size;
	spin_unlock(&t->lock);
	return 0;
}

static int get_key(struct tcp_sock *t, void *val, size_t *size)
{
	tcp_lock(t);
	*size = MIN(*size, (size_t)t->fastopen_key_size);
	memcpy(val, t->fastopen_key, *size);
	spin_unlock(&t->lock);
	return 0;
}

static int set_tcp(struct tcp_sock *t, int opt, const void *val, size_t size)
{
	const struct tcp_rule *r;
	int32_t v;
	int err;

	if (opt == TCP_CONGESTION)
		return set_name(t, val, size);
	if (opt == TCP_FASTOPEN_KEY)
		return set_key(t, val, size);
	if (opt == TCP_ULP)             /* none is there */
		return size ? -ENOENT : -EINVAL;
	if (size < sizeof v)
		return -EINVAL;
	if (opt == REPAIR || opt == REPAIR_QUEUE || opt == TCP_TIMESTAMP)
		return -EPERM;          /* for checkpoints of a Linux kernel's own state */
	r = rule(opt);
	if (!r)
		return -ENOPROTOOPT;
	memcpy(&v, val, sizeof v);
	if (r->kind == FLAG)
		v = !!v;
	else if ((v || opt != TCP_MAXSEG) && (v < r->min || v > r->max))
		return -EINVAL;
	err = adjust(t, opt, &v);
	if (err || r->kind == ACCEPTED)
		return err;
	t->opt[opt] = v;
	if (opt == TCP_NOTSENT_LOWAT)
		t->notsent = v ? v : t->notsent_first;
	if ((opt == TCP_CORK && !v) || (opt == TCP_NODELAY && v))
		tcp_push(t);
	if (opt == TCP_QUICKACK && v)
		tcp_ack_now(t);
	return 0;
}

static void set_buf(struct tcp_sock *t, int opt, const void *val, size_t size)
{
	int32_t v;

	if (size < sizeof v)
		return;
	memcpy(&v, val, sizeof v);
	v = sock_buf_size(opt, v);
	tcp_lock(t);
	__atomic_store_n(opt == SO_SNDBUF || opt == SO_SNDBUFFORCE ? &t->sndbuf : &t->rcvbuf, v, __ATOMIC_RELAXED);
	spin_unlock(&t->lock);
	waitq_wake_all(&t->wq, POLLOUT | POLLWRNORM);
}

int tcp_setsockopt(struct socket *s, int level, int opt, const void *val, size_t size)
{
	struct tcp_sock *t = s->priv;
	int32_t v;

	if (level == IPPROTO_TCP)
		return set_tcp(t, opt, val, size);
	if (level == SOL_SOCKET && (opt == SO_SNDBUF || opt == SO_RCVBUF ||
				    ((opt == SO_SNDBUFFORCE || opt == SO_RCVBUFFORCE) && capable(CAP_NET_ADMIN))))
		set_buf(t, opt, val, size);
	if (level == SOL_SOCKET && (opt == SO_TIMESTAMPING || opt == SO_TIMESTAMPING_NEW) && size >= sizeof v) {
		memcpy(&v, val, sizeof v);      /* numbers of bytes sent: of a connection */
		if (v & SOF_TIMESTAMPING_OPT_ID && !(s->tstamping & SOF_TIMESTAMPING_OPT_ID) &&
		    (t->state == TCP_CLOSE || t->state == TCP_LISTEN))
			return -EINVAL;
		if (v & SOF_TIMESTAMPING_OPT_ID && !(s->tstamping & SOF_TIMESTAMPING_OPT_ID))
			__atomic_store_n(&t->in.errors.stamp_next, (uint32_t)t->bytes_sent, __ATOMIC_RELAXED);
	}
	if (level == SOL_SOCKET && opt == SO_RCVLOWAT && size >= sizeof v) {
		memcpy(&v, val, sizeof v);
		s->rcvlowat = v < 0 || v > t->lowat_most ? t->lowat_most : MAX(v, 1);
		return 0;
	}
	if (level == SOL_SOCKET && (opt == SO_OOBINLINE || opt == SO_KEEPALIVE) && size >= sizeof v) {
		memcpy(&v, val, sizeof v);
		tcp_lock(t);
		*(opt == SO_OOBINLINE ? &t->oobinline : &t->keepalive) = v;
		spin_unlock(&t->lock);
	}
	return inet_setsockopt_common(s, &t->in, level, opt, val, size);
}

uint32_t tcp_mss(const struct tcp_sock *t, const struct tcp_sock *l)
{
	uint32_t a = (uint32_t)t->opt[TCP_MAXSEG], b = (uint32_t)l->opt[TCP_MAXSEG], n = a && b ? MIN(a, b) : a + b;

	return n ? n - TIMESTAMP_SIZE : TCP_MSS;
}

static uint32_t ms_since(uint64_t then, uint64_t now) { return (uint32_t)((now - then) / NSEC_PER_MSEC); }

void tcp_fill_info(struct tcp_sock *t, struct tcp_info_k *i)
{
	uint64_t now = plat_time_mono_ns();
	bool up;

	memset(i, 0, sizeof *i);
	i->notsent_bytes = (uint32_t)tcp_unsent(t);
	tcp_lock(t);
	up = tcp_connected(t->state);
	i->state = t->state;
	i->options = up ? 7 | (t->syn_data ? OPT_SYN_DATA : 0) : 0;
	i->flags = (uint8_t)(t->fast_fail << 1);
	i->wscale = up ? 0x77 : 0;
	i->rto = up ? 201000 : 1000000;
	i->snd_mss = up ? t->mss : MSS_INITIAL;
	i->rcv_mss = i->snd_mss;
	i->advmss = TCP_MSS;
	i->pmtu = up ? LO_MTU - 1 : 0;
	i->rtt = up ? 20 : 0;
	i->rttvar = up ? 10 : 250000;
	i->snd_ssthresh = INT32_MAX;
	i->snd_cwnd = 10;
	i->reordering = 3;
	i->rcv_space = i->rcv_ssthresh = TCP_MSS;
	if (up) {
		i->last_data_sent = ms_since(t->last_sent_ns ? t->last_sent_ns : t->start_ns, now);
		i->last_data_recv = ms_since(t->last_received_ns ? t->last_received_ns : t->start_ns, now);
		i->last_ack_recv = MIN(i->last_data_recv, i->last_data_sent);
	}
	i->bytes_sent = t->bytes_sent;
	i->bytes_acked = t->bytes_sent - MIN(t->bytes_sent, (uint64_t)i->notsent_bytes) + (up && !t->in.child);  /* the SYN */
	i->bytes_received = t->rcv_seq;
	i->segs_out = i->data_segs_out = i->delivered = t->segs_out;
	i->segs_in = i->data_segs_in = t->segs_in;
	i->snd_wnd = (uint32_t)t->rcvbuf_first / 2;
	i->max_pacing_rate = UINT64_MAX;
	if (t->state == TCP_LISTEN) {
		i->unacked = t->accept_count;
		i->sacked = t->backlog;
	}
	spin_unlock(&t->lock);
}

static int get_text(const char *text, size_t room, void *val, size_t *size)
{
	*size = MIN(*size, room);
	memset(val, 0, *size);
	memcpy(val, text, MIN(*size, strlen(text)));
	return 0;
}

static int get_tcp(struct tcp_sock *t, int opt, void *val, size_t *size)
{
	bool idle = t->state == TCP_CLOSE || t->state == TCP_LISTEN;
	const struct tcp_rule *r;
	struct tcp_info_k info;

	switch (opt) {
	case TCP_INFO:
		tcp_fill_info(t, &info);
		*size = MIN(*size, sizeof info);
		memcpy(val, &info, *size);
		return 0;
	case TCP_CONGESTION:
		return get_text(congestion[t->congestion], 16, val, size);
	case TCP_FASTOPEN_KEY:
		return get_key(t, val, size);
	case TCP_ULP:
		*size = 0;
		return 0;
	case TCP_MAXSEG:
		if (!idle)
			return opt_ret((int32_t)t->mss, val, size);
		return opt_ret(t->opt[opt] ? t->opt[opt] : MSS_INITIAL, val, size);
	case TCP_TIMESTAMP:
		return opt_ret((int32_t)(uint32_t)(plat_time_mono_ns() / NSEC_PER_MSEC), val, size);
	case TCP_CC_INFO:               /* cubic has none to tell */
	case TCP_SAVED_SYN:             /* there was no packet */
		*size = 0;
		return 0;
	case REPAIR:
		return opt_ret(0, val, size);
	case REPAIR_QUEUE:
		return -EINVAL;
	}
	r = rule(opt);
	return r ? opt_ret(t->opt[opt], val, size) : -ENOPROTOOPT;
}

int32_t tcp_rcvbuf(const struct tcp_sock *t) { return t->rcvbuf ? t->rcvbuf : t->rcvbuf_first; }

int32_t tcp_sndbuf(const struct tcp_sock *t)
{
	return t->sndbuf ? t->sndbuf : tcp_connected(t->state) ? MIN(SNDBUF_CONNECTED, t->sndbuf_most) : t->sndbuf_first;
}

int tcp_getsockopt(struct socket *s, int level, int opt, void *val, size_t *size)
{
	struct tcp_sock *t = s->priv;
	int32_t v;

	if (level == IPPROTO_TCP)
		return get_tcp(t, opt, val, size);
	if (level != SOL_SOCKET)
		return inet_getsockopt_common(s, &t->in, level, opt, val, size);
	tcp_lock(t);
	switch (opt) {
	case SO_ERROR:
		v = t->error;
		t->error = 0;
		break;
	case SO_ACCEPTCONN:
		v = t->state == TCP_LISTEN;
		break;
	case SO_SNDBUF:
		v = tcp_sndbuf(t);
		break;
	case SO_RCVBUF:
		v = tcp_rcvbuf(t);
		break;
	default:
		spin_unlock(&t->lock);
		return inet_getsockopt_common(s, &t->in, level, opt, val, size);
	}
	spin_unlock(&t->lock);
	return opt_ret(v, val, size);
}

long tcp_ioctl(struct socket *s, unsigned cmd, uint64_t arg)
{
	struct tcp_sock *t = s->priv;
	int32_t n = 0;

	switch (cmd) {
	case FIONREAD:
		tcp_lock(t);
		if (t->state == TCP_LISTEN)
			n = -EINVAL;
		else if (t->urg_here && !t->oobinline && t->urg_seq >= t->read_seq)
			n = (int32_t)(t->urg_seq - t->read_seq);
		else
			n = (int32_t)tcp_queue_seen(&t->rq);
		spin_unlock(&t->lock);
		break;
	case SIOCOUTQ:
	case SIOCOUTQNSD:
		if (t->state == TCP_LISTEN)
			return -EINVAL;
		n = (int32_t)tcp_unsent(t);
		break;
	case SIOCATMARK:
		tcp_lock(t);
		n = t->urg_here && t->urg_seq == t->read_seq;
		spin_unlock(&t->lock);
		break;
	case SIOCGSTAMP:
	case SIOCGSTAMPNS:
		return -ENOENT;         /* never kept for bytes */
	default:
		return net_ioctl(s, cmd, arg);
	}
	return n < 0 ? n : copy_out((uaddr){ arg }, &n, sizeof n);
}

static void tcp_attach(struct socket *s, struct file *f)
{
	struct tcp_sock *t = s->priv;

	__atomic_store_n(&t->in.ino, f->inode->ino, __ATOMIC_RELAXED);      /* it is in the tables already */
	tcp_lock(t);
	t->file = f;
	spin_unlock(&t->lock);
}

static int tcp_bind(struct socket *s, const struct sock_addr *a)
{
	struct tcp_sock *t = s->priv;

	struct endpoint any = { .ip = t->in.family == AF_INET ? ip_any4 : ip_any6 }, e;
	int err;

	if (t->state != TCP_CLOSE || inet_has_port(&t->in)) {
		err = inet_bind_check(&t->in, a, &e);
		return err ? err : -EINVAL;
	}
	err = inet_bind(&t->in, a);
	if (err)
		return err;
	/* A connection that is over may have left its remote end. */
	spin_lock(&t->in.ns->lock);
	t->in.remote = any;
	spin_unlock(&t->in.ns->lock);
	return 0;
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
	.grant = tcp_grant,
	.grant_over = tcp_grant_over,
	.filter = inet_filter,
	.ioctl = tcp_ioctl,
	.attach = tcp_attach,
	.release = tcp_release,
	.out_of_band = true,
	.error_queue = true,
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
