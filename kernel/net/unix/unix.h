/* SPDX-License-Identifier: Apache-2.0 */
/* Private to kernel/net/unix/.
 *
 * A unix_sock is counted: its socket holds one reference, its peer one, each
 * message that it sent one (until it is read, so that the sender's buffer
 * space comes back to it), a listener one per connection not yet accepted, a
 * full receiver one per sender that polls for room.
 *
 * LOCKS: read_lock (mutex) > gc_lock (garbage.c) > unix_sock.lock, a listener's
 * before that of a connection it has not accepted; otherwise two unix_sock locks
 * are never held at once.  unix_table_lock (names.c) comes before unix_sock.lock;
 * relay_lock (packet.c) is alone.  read_lock lets one reader at a time take from
 * the queue: only its holder removes messages, so the first one stays while it
 * is copied out without a spinlock. */
#ifndef NACRE_KERNEL_NET_UNIX_H
#define NACRE_KERNEL_NET_UNIX_H

#include "kernel/ipc/grant.h"
#include "kernel/ipc/ipc.h"
#include "kernel/net/frame.h"
#include "kernel/task/task.h"

#define SUN_PATH_OFFSET 2u
#define SUN_PATH_MAX 108u
#define UNIX_SHUT_RCV 1u
#define UNIX_SHUT_SEND 2u
#define UNIX_SHUT_BOTH 3u
#define UNIX_PASS_CRED 1u
#define UNIX_PASS_PIDFD 2u
#define UNIX_PASS_LATER 4u              /* not accepted yet: nobody knows */

struct unix_addr {                      /* immutable once set */
	struct ref ref;
	struct sock_addr a;             /* as bind() got it, with a NUL after a path */
};

enum unix_state { UNIX_OPEN, UNIX_LISTEN, UNIX_CONNECTED };

struct unix_sock {
	struct ref ref;
	int type;
	unsigned qlen;                  /* net.unix.max_dgram_qlen at its birth */
	struct netns *ns;               /* counted */
	struct waitq rd;                /* readers, acceptors, pollers */
	struct waitq wr;                /* who waits for its own buffer's room, pollers */
	struct waitq room;              /* others: senders to a full queue, connectors to a full backlog */
	struct mutex read_lock;
	struct filter_slot filter;      /* of whole messages */
	struct spinlock lock;

	/* lock */
	enum unix_state state;
	bool dead;                      /* its socket was closed */
	uint32_t shutdown;              /* UNIX_SHUT_ */
	int32_t error;                  /* SO_ERROR */
	struct unix_sock *peer;         /* counted; stays after the peer's death */
	struct list queue;              /* unix_msg.link */
	uint64_t queued;                /* bytes of data in queue */
	unsigned queue_count;           /* messages; read freely */
	struct grant *grant;            /* of the only message in queue: unix_settle() */
	struct unix_msg *oob;           /* of queue: the urgent byte, not yet read */
	struct list pending;            /* listener: embryos by pending_link */
	unsigned pending_count, backlog;
	struct list pending_link;       /* listener->lock */
	struct cred *peer_cred;         /* counted; SO_PEERCRED, SO_PEERGROUPS */
	struct tgroup *peer_group;      /* counted; its process, SO_PEERPIDFD */
	struct unix_addr *addr;         /* counted */
	struct file *sfile;             /* its socket's, not counted: SIGURG */

	int64_t wmem;                   /* sent and not yet read; atomic */
	bool nospace;                   /* a sender found no room since it was told of some; atomic */
	int32_t sndbuf;                 /* copy of socket.sndbuf for accepted ones */
	uint32_t pass;                  /* UNIX_PASS_; atomic */
	int32_t peek_off;               /* SO_PEEK_OFF, -1: none; atomic */
	bool stamps;                    /* wants times of arrival; atomic */

	/* garbage.c, its lock */
	struct list all_link, flight_link, gc_link;
	unsigned inflight;              /* how often its file waits in a queue */
	struct file *file;              /* valid while inflight */
	unsigned gc_count;
	uint64_t ino;                   /* of its file, for /proc/net/unix; 0: none */
	uint32_t uid;                   /* of its file, before ino is set */
	enum { GC_NONE, GC_CANDIDATE, GC_LIVE } gc_state;

	/* packet.c, relay_lock */
	struct list pollers;            /* senders by poller_link, each counted */
	struct list poller_link;

	/* unix_table_lock */
	struct list name_link;          /* abstract names */
	struct inode *inode;            /* bound path; counted by path */
	struct path path;               /* counted */
};

struct unix_msg {
	struct list link;
	struct unix_sock *from;         /* counted; its name, if it has one by then, is told */
	struct linux_ucred cred;
	struct tgroup *group;           /* counted; NULL unless a pidfd may be asked for */
	struct scm *scm;
	int64_t time_ns;                /* wall clock; 0: nobody asked */
	uint32_t size, off;             /* off: stream bytes already read */
	uint32_t charge;
	uint8_t *data;                  /* room, or a block of its own */
	uint8_t room[];
};
#define UNIX_PIECE 32768u               /* the largest block that the heap keeps when it is freed */
#define UNIX_INLINE 2048u               /* data up to this size share the message's block */

#define unix_load(x) __atomic_load_n(&(x), __ATOMIC_SEQ_CST)

/* A reader may have taken the message without a trap: with this it is gone, or will
 * not be taken so.  No lock held, but read_lock.  Who adds to the queue looks again. */
void unix_settle_slow(struct unix_sock *u);
static inline bool unix_granted(const struct unix_sock *u) { return __atomic_load_n(&u->grant, __ATOMIC_ACQUIRE); }
static inline void unix_settle(struct unix_sock *u)
{
	if (unlikely(unix_granted(u)))
		unix_settle_slow(u);
}
bool unix_grant(struct socket *s, struct grant *g);
void unix_grant_over(struct socket *s, struct grant *g);

struct unix_sock *unix_get(struct unix_sock *u);
void unix_put(struct unix_sock *u);
void unix_addr_put(struct unix_addr *a);
static inline bool unix_is_stream(const struct unix_sock *u) { return u->type == SOCK_STREAM; }
static inline bool unix_is_dgram(const struct unix_sock *u) { return u->type == SOCK_DGRAM; }
/* The peer with a reference, or NULL. */
struct unix_sock *unix_peer_get(struct unix_sock *u);
struct unix_addr *unix_addr_get(struct unix_sock *u);
void unix_wake_all(struct unix_sock *u, uint32_t key);  /* state changed; 0: any event */
#define UNIX_ENDED (POLL_IN_KEYS | POLLRDHUP | POLL_OUT_KEYS)
#define UNIX_HUNG_UP (UNIX_ENDED | POLLHUP | POLLERR)
int unix_take_error(struct unix_sock *u);       /* SO_ERROR as -errno, cleared */

/* names.c */
int unix_bind(struct socket *s, const struct sock_addr *a);
int unix_addr_check(const struct sock_addr *a);
/* The socket of u's type with this name; counted. */
int unix_find(struct unix_sock *u, const struct sock_addr *a, struct unix_sock **ret);
void unix_unbind(struct unix_sock *u);
int unix_autobind(struct unix_sock *u);
int unix_open_path(struct unix_sock *u, struct file **ret);     /* O_PATH; -ENOENT: not bound to one */

/* opts.c */
int unix_setsockopt(struct socket *s, int level, int opt, const void *val, size_t size);
int unix_getsockopt(struct socket *s, int level, int opt, void *val, size_t *size);
int unix_peer_pidfd(struct socket *s, struct file **ret);
uint32_t unix_poll(struct socket *s, struct poll_table *pt);
struct filter_slot *unix_filter(struct socket *s);
long unix_ioctl(struct socket *s, unsigned cmd, uint64_t arg);

/* garbage.c */
void unix_gc_add(struct unix_sock *u);
void unix_gc_del(struct unix_sock *u);
int unix_scm_charge(struct scm *s);             /* its descriptors are in flight; -ETOOMANYREFS, -ENOMEM */
/* No longer; *slot (a queued message's) becomes NULL, the descriptors the
 * caller's. */
struct scm *unix_scm_take(struct scm **slot);
struct scm *unix_scm_peek(const struct scm *s); /* a copy, or NULL */
void unix_gc_maybe(void);                       /* descriptors were sent, a socket closed; no lock held */

/* Each socket in turn under the collector's lock: fn takes only u->lock. */
void unix_for_each(void (*fn)(struct unix_sock *u, void *arg), void *arg);

/* message.c */
void unix_purge(struct unix_sock *u);           /* drop everything queued, connections to accept included */
int unix_msg_new(struct unix_sock *u, struct unix_sock *to, struct sock_msg *sm, size_t n, struct unix_msg **ret);
void unix_msg_free(struct unix_msg *m);
bool unix_writable(struct unix_sock *u);
bool unix_has_room(struct unix_sock *u);
int unix_wait_room(struct socket *s, struct unix_sock *u, struct sock_msg *m, uint64_t deadline);
struct unix_msg *unix_msg_first(struct unix_sock *u);
struct unix_msg *unix_msg_next(struct unix_sock *u, struct unix_msg *m);       /* read_lock held */
unsigned unix_msg_unlink(struct unix_sock *u, struct unix_msg *m);      /* read_lock, u->lock held; messages left */
unsigned unix_msg_remove(struct unix_sock *u, struct unix_msg *m);      /* read_lock held; messages left */
void unix_take_sender(struct unix_msg *m, struct sock_msg *sm);
void unix_take_scm(struct unix_msg *m, struct sock_msg *sm, bool peek);
uint32_t unix_peek_offset(struct unix_sock *u, const struct sock_msg *sm);
void unix_peek_move(struct unix_sock *u, bool peek, size_t n);

/* stream.c, packet.c */
long unix_send_stream(struct socket *s, struct unix_sock *u, struct sock_msg *m);
long unix_recv_stream(struct socket *s, struct unix_sock *u, struct sock_msg *m);
long unix_send_packet(struct socket *s, struct unix_sock *u, struct sock_msg *m);
long unix_recv_packet(struct socket *s, struct unix_sock *u, struct sock_msg *m);
/* May u, which asks by poll, send to its peer now?  If not, u->wr is woken. */
bool unix_peer_has_room(struct unix_sock *u);
void unix_dgram_disconnected(struct unix_sock *u, struct unix_sock *old);
void unix_relay_wake(struct unix_sock *to);     /* room, or death */
void unix_relay_del(struct unix_sock *u);

#endif
