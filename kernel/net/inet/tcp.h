/* SPDX-License-Identifier: Apache-2.0 */
/* Private to TCP: connections without packets.
 *
 * The two sockets of a connection point at each other.  send() puts bytes into
 * the peer's receive queue; FIN and RST are calls on the peer.  What an
 * acknowledgement would say is true at once, so FIN_WAIT1, LAST_ACK, CLOSING
 * and SYN_RECV do not occur, and TIME_WAIT is a record in the port table.
 *
 * References: a socket's file holds one, its peer one, the accept queue of a
 * listener one.  Peers hold each other; the circle is opened when a socket is
 * closed by its owner (orphan) and over (TCP_CLOSE), whichever comes last.
 *
 * Locks: two tcp_sock locks are never held at once.  write_lock (mutex) of the
 * sender lets one writer at a time at the peer's queue, read_lock one reader;
 * user memory is touched under these only, and sendfile() reads its file.
 * Neither is held while waiting.
 * tcp_sock.lock is taken by tcp_lock(): nobody sees a queue of which the program may be reading.
 * Order: write_lock or read_lock > inode->lock of a file > ns->lock >
 * tcp_sock.lock. */
#ifndef NACRE_KERNEL_NET_TCP_H
#define NACRE_KERNEL_NET_TCP_H

#include "kernel/ipc/grant.h"
#include "kernel/net/inet/inet.h"

#define TCP_SHUT_RCV 1u
#define TCP_SHUT_SEND 2u
#define TCP_SHUT_BOTH 3u
#define TCP_OPT_COUNT 40

/* Bytes on their way: chunks of which [r, w) is waiting.  The writer fills
 * [w, cap) without a lock and then moves w; the reader moves r.  The bytes of a
 * file may be lent: full from the beginning, and not ours to write to. */
struct tcp_chunk {
	struct tcp_chunk *next;
	struct lent *lent;
	uint8_t *data;
	uint32_t cap, r, w;
};
struct tcp_queue {
	struct tcp_chunk *head, *tail;
	uint64_t bytes;
	uint64_t held;                  /* of these the last, not to be seen yet: TCP_CORK, MSG_MORE */
	bool writing;                   /* the tail is being filled: it stays */
};
static inline uint64_t tcp_queue_seen(const struct tcp_queue *q) { return q->bytes - q->held; }

/* Without segments only this of the MSS is left: a corked writer's bytes go
 * when they would fill one. */
#define TCP_MSS 65483u

enum tcp_timer { TCP_TIMER_FLUSH, TCP_TIMER_STALL, TCP_TIMER_DEFER, TCP_TIMER_SYN, TCP_TIMERS };

struct tcp_sock {
	struct inet_sock in;            /* first */
	struct waitq wq;
	struct mutex read_lock, write_lock;
	struct spinlock lock;

	/* lock */
	_Atomic uint8_t state;          /* lock to write; looked at without it */
	uint8_t shutdown;
	_Atomic bool done;              /* a FIN came: reads end quietly; the same */
	_Atomic bool fin_read;          /* the reader was told of it; shown only; no lock */
	bool fin_due;                   /* one was sent, behind more than our buffer holds */
	bool orphan;                    /* closed by its owner */
	_Atomic bool lazy;              /* in SYN_SENT: the first write connects; lock to write */
	bool connecting;                /* connect() has not told its result yet */
	bool given_up;                  /* shutdown() came before that: only a disconnect helps */
	bool full;                      /* a writer found this queue full: wake it */
	bool awaited;                   /* the peer's close() waits until all fits our buffer */
	int32_t error;                  /* SO_ERROR */
	struct tcp_sock *peer;          /* counted */
	struct tcp_queue rq;
	struct grant *grant;            /* of what is in it; tcp_lock() */
	uint64_t rcv_seq, read_seq;     /* bytes that came and that were read, ever */
	uint64_t urg_seq;               /* where the urgent byte is */
	_Atomic bool urg_here;          /* there is a mark at or after read_seq; looked at without it */
	bool urg_valid;                 /* its byte has not been read */
	uint8_t urg_byte;
	int32_t rcvbuf, sndbuf;         /* 0: sized by the kernel */
	int32_t notsent, notsent_first; /* TCP_NOTSENT_LOWAT, or of the name space; 0 or less: none */
	int32_t rcvbuf_first, sndbuf_first, sndbuf_most, lowat_most;    /* tcp_rmem, tcp_wmem; constant */
	bool oobinline, keepalive;

	/* listener; lock */
	struct list accept_queue;       /* link; counted */
	unsigned accept_count, backlog; /* count: with those being set up */
	struct list syn_queue;          /* link of those who wait for room; counted */
	struct list link;               /* the listener's lock */
	struct tcp_sock *listener;      /* while in its syn_queue; counted */
	bool syn_queued;                /* own lock: link may be in use */
	struct list deferred;           /* link of children without data yet (tcp_connect.c); counted */
	struct tcp_sock *defers;        /* own lock: the listener in whose list we are; counted */

	/* tcp_timer.c; lock */
	uint64_t due[TCP_TIMERS];       /* 0: not set */
	bool timer_armed;               /* holds a reference */
	bool timers_off;                /* closed: none is armed any more */
	struct ktimer timer;
	uint64_t stall_seq;             /* the peer's read_seq when its queue was full */

	struct file *file;              /* lock; not counted; for SIGURG */

	int32_t opt[TCP_OPT_COUNT];
	uint64_t bytes_sent, start_ns;  /* these are shown only: TCP_INFO */
	uint64_t last_sent_ns, last_received_ns;
	uint32_t segs_out, segs_in;
	_Atomic uint32_t mss;           /* of the connection, by TCP_MAXSEG of both sides */
	uint8_t congestion;             /* index of its name */
	uint8_t fast, fast_fail;        /* tcp_fastopen.c: FAST_; FAIL_, for TCP_INFO */
	bool fast_data, syn_data;       /* bytes go with the SYN; they were taken */
	uint8_t fastopen_key[32], fastopen_key_size;            /* lock */
};

/* What the program has read meanwhile is no longer in the queue. */
void tcp_grant_settle(struct tcp_sock *t);
static inline void tcp_lock(struct tcp_sock *t)
{
	spin_lock(&t->lock);
	if (unlikely(t->grant))
		tcp_grant_settle(t);
}

/* Does our buffer hold all that waits?  What is more has not come yet, for all
 * that a program can see.  lock held */
static inline bool tcp_fits(const struct tcp_sock *t)
{
	return t->rq.bytes <= (uint64_t)(t->rcvbuf ? t->rcvbuf : t->rcvbuf_first);
}
static inline struct tcp_sock *tcp_of(struct inet_sock *i) { return container_of(i, struct tcp_sock, in); }
struct tcp_sock *tcp_new(struct socket *s);
struct tcp_sock *tcp_get(struct tcp_sock *t);
void tcp_put(struct tcp_sock *t);
struct tcp_sock *tcp_peer_get(struct tcp_sock *t);      /* NULL: none */
static inline bool tcp_connected(uint8_t state)
{
	return state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT || state == TCP_FIN_WAIT2;
}

/* What t sent, into a tally; nobody else writes to t. */
void tcp_tally(const struct tcp_sock *t, struct net_tally *to);

/* t waited too long for its peer, or (syn) to get one: ETIMEDOUT. */
void tcp_give_up(struct tcp_sock *t, bool syn);

/* tcp_state.c: what the other side (NULL: nobody yet) does to t, when it still is
 * the other side.  No lock held. */
void tcp_receive_fin(struct tcp_sock *t, struct tcp_sock *from);
void tcp_receive_rst(struct tcp_sock *t, struct tcp_sock *from);
int tcp_shutdown(struct socket *s, int how);
void tcp_release(struct socket *s);
void tcp_disconnect(struct tcp_sock *t);        /* connect(AF_UNSPEC) */
void tcp_abort(struct tcp_sock *t);             /* a connection nobody accepted; consumed */

/* tcp_connect.c */
int tcp_connect(struct socket *s, const struct sock_addr *a, bool nonblock);
int tcp_listen(struct socket *s, int backlog);
int tcp_accept(struct socket *s, struct socket *fresh, bool nonblock);
void tcp_listener_close(struct tcp_sock *l);
void tcp_syn_cancel(struct tcp_sock *t);

void tcp_defer_done(struct tcp_sock *c);        /* c has data, or waited long enough: to be accepted */
void tcp_defer_reset(struct tcp_sock *c);       /* c was reset before: nobody will see it */
void tcp_ack_now(struct tcp_sock *t);           /* t's ACK need not wait for data */

/* tcp_fastopen.c */
enum { FAST_NOT, FAST_ASKS, FAST_COOKIE, FAST_NEEDLESS };
enum { FAIL_NO_COOKIE = 1, FAIL_NOT_ACKED };
bool tcp_fastopen_client(const struct tcp_sock *t);
bool tcp_fastopen_all(const struct tcp_sock *t);        /* every listener is one of fast open */
void tcp_fastopen_need_key(struct netns *ns);
/* t connects so; true: its first bytes go at once. */
bool tcp_fastopen_begin(struct tcp_sock *t, const struct ipaddr *to);
/* t found l, which makes c. */
void tcp_fastopen_meet(struct tcp_sock *t, struct tcp_sock *c, const struct tcp_sock *l);
/* MSG_FASTOPEN, or the first write after a lazy connect(): connects. */
int tcp_fastopen_send(struct socket *s, struct tcp_sock *t, const struct sock_msg *m);
int tcp_connect_lazy(struct socket *s, struct tcp_sock *t, bool nonblock);     /* tcp_connect.c */

/* tcp_send.c */
long tcp_sendmsg(struct socket *s, struct sock_msg *m);
uint64_t tcp_room(struct tcp_sock *to, int32_t sndbuf);        /* to->lock held */
bool tcp_roomy(struct tcp_sock *to, int32_t sndbuf);           /* the same; worth waking a writer for */
uint64_t tcp_unsent(struct tcp_sock *t);        /* what the peer's buffer has not taken yet */
void tcp_push(struct tcp_sock *t);              /* what was held back goes now; no lock held */
bool tcp_can_write(struct tcp_sock *t);         /* no lock held; false: t->wq is woken when it changes */
/* t->lock held.  True is true; false: ask tcp_can_write(). */
bool tcp_can_write_at_once(const struct tcp_sock *t);

/* tcp_show.c: when packet_watched().  What t sends to its peer, before it counts; flags:
 * FRAME_ (frame.h). */
void tcp_show(struct tcp_sock *t, struct tcp_sock *peer, uint8_t flags, const uint8_t *p, size_t n);
void tcp_numbers(struct tcp_sock *t, struct tcp_sock *peer, size_t ahead, struct frame_tcp *ret);
void tcp_show_connect(const struct tcp_sock *t, bool accepted);

/* tcp_recv.c */
long tcp_recvmsg(struct socket *s, struct sock_msg *m);
uint32_t tcp_poll(struct socket *s, struct poll_table *pt);
bool tcp_grant(struct socket *s, struct grant *g);
void tcp_grant_over(struct socket *s, struct grant *g);

/* tcp_timer.c: an armed timer keeps t.  No lock held. */
void tcp_timers_init(struct tcp_sock *t);
/* Keeps an earlier one of the same kind. */
void tcp_timer_set(struct tcp_sock *t, enum tcp_timer k, uint64_t due_ns);
void tcp_timer_clear(struct tcp_sock *t, enum tcp_timer k);
void tcp_timers_off(struct tcp_sock *t);

/* tcp_queue.c: lock of the queue's owner held unless noted */
uint64_t tcp_queue_total(void);
/* No lock.  NULL: no memory. */
struct tcp_chunk *tcp_chunk_new(size_t want);
struct tcp_chunk *tcp_chunk_lent(struct iter *it, size_t n);    /* NULL: copy */
void tcp_chunk_free(struct tcp_chunk *c);
/* Everything that can go; to be freed by tcp_chunks_free() without the lock. */
struct tcp_chunk *tcp_queue_purge(struct tcp_queue *q);
void tcp_chunks_free(struct tcp_chunk *c);
/* The chunk that holds all bytes, and stays when they are read; or NULL. */
struct tcp_chunk *tcp_queue_whole(const struct tcp_queue *q);
/* A chunk with room at the end for some of n bytes, now being written to; NULL:
 * append a new one. */
struct tcp_chunk *tcp_queue_tail(struct tcp_queue *q, size_t n);
void tcp_queue_append(struct tcp_queue *q, struct tcp_chunk *c);
void tcp_queue_wrote(struct tcp_queue *q, size_t n);
/* n bytes of the head were read; what became free goes to *ret_free. */
void tcp_queue_read(struct tcp_queue *q, size_t n, struct tcp_chunk **ret_free);

/* tcp_opts.c */
int tcp_setsockopt(struct socket *s, int level, int opt, const void *val, size_t size);
int tcp_getsockopt(struct socket *s, int level, int opt, void *val, size_t *size);
long tcp_ioctl(struct socket *s, unsigned cmd, uint64_t arg);
void tcp_opt_defaults(struct tcp_sock *t);
const char *tcp_congestion_name(const struct tcp_sock *t);

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
int32_t tcp_rcvbuf(const struct tcp_sock *t);   /* as SO_RCVBUF and SO_SNDBUF show them; lock held */
int32_t tcp_sndbuf(const struct tcp_sock *t);
/* Milliseconds until the keepalive timer of a silent connection fires; 0: none
 * runs.  Every probe would be answered at once, so it only starts again.  lock held */
uint32_t tcp_keepalive_ms(const struct tcp_sock *t);
/* Of a connection between these two, by what they set. */
uint32_t tcp_mss(const struct tcp_sock *t, const struct tcp_sock *l);
void tcp_fill_info(struct tcp_sock *t, struct tcp_info_k *ret);

extern const struct sock_ops tcp_ops;

#endif
