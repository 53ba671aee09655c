/* SPDX-License-Identifier: Apache-2.0 */
/* Options of level TCP: ranges, defaults, inheritance, TCP_INFO. tcp(7). */
#include "abi.h"
#include "inet.h"

static const struct { const char *name; int opt; } opts[] = {
	{ "NODELAY", 1 }, { "MAXSEG", 2 }, { "CORK", 3 }, { "KEEPIDLE", 4 }, { "KEEPINTVL", 5 }, { "KEEPCNT", 6 },
	{ "SYNCNT", 7 }, { "LINGER2", 8 }, { "DEFER_ACCEPT", 9 }, { "WINDOW_CLAMP", 10 },
	{ "QUICKACK", 12 }, { "THIN_LINEAR", 16 }, { "THIN_DUPACK", 17 }, { "USER_TIMEOUT", 18 }, { "REPAIR_QUEUE", 20 },
	{ "FASTOPEN", 23 }, { "NOTSENT_LOWAT", 25 }, { "SAVE_SYN", 27 }, { "FASTOPEN_CONNECT", 30 },
	{ "FASTOPEN_NO_COOKIE", 34 }, { "INQ", 36 }, { "TX_DELAY", 37 }, { "unknown", 99 }, { "zero", 0 },
};

static void each(int v)
{
	for (unsigned i = 0; i < sizeof opts / sizeof *opts; i++) {
		int s = socket(AF_INET, SOCK_STREAM, 0);
		int err = setsockopt(s, IPPROTO_TCP, opts[i].opt, &v, sizeof v) ? errno : 0;
		int got = int_opt(s, IPPROTO_TCP, opts[i].opt);

		if (opts[i].opt == TCP_WINDOW_CLAMP)
			got = 0;
		SAY("%s := %d: %s, %d\n", opts[i].name, v, err ? abi_errno(err) : "ok", got);
		close(s);
	}
}

static void sizes(void)
{
	int s = socket(AF_INET, SOCK_STREAM, 0), v = 1;
	char name[32] = "";
	socklen_t n;

	SAY("sizes\n");
	V(setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &v, 3));
	V(setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &v, 100));
	V(setsockopt(s, IPPROTO_TCP, TCP_NODELAY, NULL, sizeof v));
	v = -1;
	n = 2;
	V(getsockopt(s, IPPROTO_TCP, TCP_KEEPIDLE, &v, &n));
	SAY("%d %x\n", (int)n, v);
	n = 0;
	V(getsockopt(s, IPPROTO_TCP, TCP_KEEPIDLE, &v, &n));
	n = 100;
	V(getsockopt(s, IPPROTO_TCP, TCP_KEEPIDLE, name, &n));
	SAY("%d\n", (int)n);
	n = -1;
	V(getsockopt(s, IPPROTO_TCP, TCP_KEEPIDLE, &v, &n));
	n = sizeof v;
	V(getsockopt(s, 77, 1, &v, &n));
	V(setsockopt(s, 77, 1, &v, sizeof v));
	SAY("congestion\n");
	V(setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
	n = sizeof name;
	V(getsockopt(s, IPPROTO_TCP, TCP_CONGESTION, name, &n));
	SAY("%s %d\n", name, (int)n);
	V(setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "nonesuch", 8));
	V(setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "", 0));
	n = 3;
	memset(name, 0, sizeof name);
	V(getsockopt(s, IPPROTO_TCP, TCP_CONGESTION, name, &n));
	SAY("%.3s %d\n", name, (int)n);
	V(setsockopt(s, IPPROTO_TCP, 31, "nonesuch", 8));
	n = sizeof name;
	V(getsockopt(s, IPPROTO_TCP, 31, name, &n));
	SAY("%d\n", (int)n);
	close(s);
}

static void inherited(void)
{
	int l = listener(3), c, a, v;

	SAY("inherited by accept\n");
	for (unsigned i = 0; i < sizeof opts / sizeof *opts; i++) {
		v = opts[i].opt == TCP_MAXSEG ? 1000 : opts[i].opt == TCP_WINDOW_CLAMP ? 100000 : opts[i].opt == 20 ? 0 : 1;
		setsockopt(l, IPPROTO_TCP, opts[i].opt, &v, sizeof v);
	}
	c = dial(l);
	write(c, "x", 1);
	a = accept(l, NULL, NULL);
	for (unsigned i = 0; i < sizeof opts / sizeof *opts; i++)
		if (opts[i].opt != TCP_WINDOW_CLAMP && opts[i].opt != TCP_QUICKACK && opts[i].opt != TCP_MAXSEG)
			SAY("%s %d\n", opts[i].name, int_opt(a, IPPROTO_TCP, opts[i].opt));
	SAY("set while connected\n");
	V(setsockopt(a, IPPROTO_TCP, TCP_MAXSEG, &(int){ 500 }, sizeof(int)));
	V(setsockopt(a, IPPROTO_TCP, TCP_FASTOPEN, &(int){ 5 }, sizeof(int)));
	V(setsockopt(a, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &(int){ 1 }, sizeof(int)));
	V(setsockopt(l, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &(int){ 1 }, sizeof(int)));
	V(setsockopt(a, IPPROTO_TCP, 34, &(int){ 0 }, sizeof(int)));    /* TCP_FASTOPEN_NO_COOKIE */
	V(setsockopt(a, IPPROTO_TCP, TCP_DEFER_ACCEPT, &(int){ 5 }, sizeof(int)));
	V(setsockopt(a, IPPROTO_TCP, 31, "nonesuch", 8));
	close(a);
	close(c);
	close(l);
}

/* TCP_FASTOPEN_KEY: one or two. */
static void keys(int s)
{
	static const char key[49] = "0123456789abcdef0123456789ABCDEF0123456789abcdef";
	char got[65];
	socklen_t n;

	for (socklen_t size = 0; size < sizeof key; size = size == 15 || size == 31 ? size + 1 : size < 32 ? size + 5 : 48) {
		SAY("key of %u: %s", size, setsockopt(s, IPPROTO_TCP, 33, key, size) ? abi_errno(errno) : "ok");
		for (unsigned room = 4; room <= 64; room *= 4) {
			n = room;
			memset(got, 0, sizeof got);
			getsockopt(s, IPPROTO_TCP, 33, got, &n);
			SAY(", %u %s", n, got);
		}
		SAY("\n");
		if (size == 48)
			break;
	}
}

static void key_holders(void)
{
	int p[2], l = listener(1);

	keys(l);
	tcp_pair(p);
	keys(p[0]);
	keys(p[1]);
}

static void reserved(void)
{
	int s[] = { socket(AF_INET, SOCK_STREAM, 0), socket(AF_INET6, SOCK_DGRAM, 0), socket(AF_UNIX, SOCK_STREAM, 0) };

	for (unsigned i = 0; i < 3; i++) {      /* SO_RESERVE_MEM: more takes a memory cgroup */
		V(setsockopt(s[i], SOL_SOCKET, 73, &(int){ -1 }, sizeof(int)));
		V(int_opt(s[i], SOL_SOCKET, 73));
	}
}

static void info(void)
{
	int p[2];
	/* More than the libc of old knows. */
	union { struct tcp_info i; uint64_t w[64]; uint32_t h[128]; } u;
	struct tcp_info i;
	socklen_t n = sizeof i;
	char b[100];

	SAY("TCP_INFO\n");
	p[0] = socket(AF_INET, SOCK_STREAM, 0);
	V(getsockopt(p[0], IPPROTO_TCP, TCP_INFO, &i, &n));
	SAY("state %d options %d retrans %d\n", i.tcpi_state, i.tcpi_options, i.tcpi_retransmits);
	close(p[0]);
	p[0] = listener(7);
	n = sizeof i;
	V(getsockopt(p[0], IPPROTO_TCP, TCP_INFO, &i, &n));
	SAY("listener %d: %u of %u\n", i.tcpi_state, i.tcpi_unacked, i.tcpi_sacked);
	p[1] = dial(p[0]);
	V(getsockopt(p[0], IPPROTO_TCP, TCP_INFO, &i, &n));
	SAY("listener %d: %u of %u\n", i.tcpi_state, i.tcpi_unacked, i.tcpi_sacked);
	close(p[0]);
	close(p[1]);
	tcp_pair(p);
	write(p[0], "0123456789", 10);
	msleep(60);
	read(p[1], b, sizeof b);
	write(p[1], "0123", 4);
	msleep(60);
	n = sizeof u;
	memset(&u, 0, sizeof u);
	V(getsockopt(p[0], IPPROTO_TCP, TCP_INFO, &u, &n));
	i = u.i;
	V(n >= 232);
	SAY("state %d ca %d retransmits %d probes %d backoff %d options %d\n", i.tcpi_state,
	    i.tcpi_ca_state, i.tcpi_retransmits, i.tcpi_probes, i.tcpi_backoff, i.tcpi_options & 7);
	SAY("unacked %u lost %u retrans %u total %u pmtu %u advmss %u cwnd %d\n", i.tcpi_unacked,
	    i.tcpi_lost, i.tcpi_retrans, i.tcpi_total_retrans, i.tcpi_pmtu, i.tcpi_advmss, i.tcpi_snd_cwnd >= 10);
	SAY("mss %d rto %d ato %d rtt %d\n", i.tcpi_snd_mss > 1000, i.tcpi_rto >= 200000, i.tcpi_ato >= 0,
	    i.tcpi_rtt > 0 && i.tcpi_rtt < 1000000);
	SAY("acked with the SYN %llu received %llu sent %llu notsent %u data segs %u %u\n",
	    (unsigned long long)u.w[15], (unsigned long long)u.w[16], (unsigned long long)u.w[25], u.h[36], u.h[38],
	    u.h[39]);
	SAY("last data sent %d received %d\n", i.tcpi_last_data_sent > 20 && i.tcpi_last_data_sent < 2000,
	    i.tcpi_last_data_recv > 20 && i.tcpi_last_data_recv < 2000);
	n = 8;
	V(getsockopt(p[0], IPPROTO_TCP, TCP_INFO, &i, &n));
	V(n);
	V(setsockopt(p[0], IPPROTO_TCP, TCP_INFO, &i, sizeof i));
	V(int_opt(p[0], IPPROTO_TCP, TCP_MAXSEG) > 1000);
	close(p[0]);
	close(p[1]);
}

static void inq(void)
{
	int p[2];
	char b[4], c[128];
	struct iovec v = { b, sizeof b };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c };
	struct cmsghdr *h;

	SAY("TCP_INQ\n");
	tcp_pair(p);
	V(setsockopt(p[1], IPPROTO_TCP, 36, &(int){ 2 }, sizeof(int)));
	V(setsockopt(p[1], IPPROTO_TCP, 36, &(int){ 1 }, sizeof(int)));
	write(p[0], "0123456789", 10);
	V(recvmsg(p[1], &m, 0));
	h = CMSG_FIRSTHDR(&m);
	V(h && h->cmsg_level == SOL_TCP && h->cmsg_type == 36);
	if (h)
		V(*(int *)CMSG_DATA(h));
	V(m.msg_flags);
	shutdown(p[0], SHUT_WR);
	msleep(10);
	m.msg_controllen = sizeof c;
	v.iov_len = 4;
	V(recvmsg(p[1], &m, 0));
	h = CMSG_FIRSTHDR(&m);
	if (h)
		V(*(int *)CMSG_DATA(h));
	m.msg_controllen = 0;
	V(recvmsg(p[1], &m, 0));
	V(m.msg_flags);
	m.msg_controllen = sizeof c;
	V(recvmsg(p[1], &m, 0));
	h = CMSG_FIRSTHDR(&m);
	if (h)
		V(*(int *)CMSG_DATA(h));
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	each(0);
	each(1);
	each(-1);
	each(600);
	each(100000);
	sizes();
	inherited();
	info();
	key_holders();
	reserved();
	inq();
	return 0;
}
