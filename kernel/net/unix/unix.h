/* SPDX-License-Identifier: Apache-2.0 */
/* Private to kernel/net/unix/.
 *
 * A unix_sock is counted: its socket holds one reference, its peer one, each
 * message that it sent one (until it is read, so that the sender's buffer
 * space comes back to it), a listener one per connection not yet accepted.
 *
 * LOCKS: unix_table_lock (names) and unix_sock.lock are spinlocks; two
 * unix_sock locks are never held at once.  read_lock (mutex) lets one reader
 * at a time take from the queue: only its holder removes messages, so the
 * first one stays while it is copied out without a spinlock. */
#ifndef NACRE_KERNEL_NET_UNIX_H
#define NACRE_KERNEL_NET_UNIX_H

#include "kernel/net/socket.h"
#include "kernel/task/task.h"

#define SUN_PATH_OFFSET 2u
#define SUN_PATH_MAX 108u
#define UNIX_SHUT_RCV 1u
#define UNIX_SHUT_SEND 2u

struct unix_addr {                      /* immutable once set */
	struct ref ref;
	struct sock_addr a;             /* as bind() got it, with a NUL after a path */
};

enum unix_state { UNIX_OPEN, UNIX_LISTEN, UNIX_CONNECTED };

struct unix_sock {
	struct ref ref;
	int type;
	struct waitq wq;                /* everything: readers, writers, connectors, pollers */
	struct mutex read_lock;
	struct spinlock lock;

	/* lock */
	enum unix_state state;
	bool dead;                      /* its socket was closed */
	uint32_t shutdown;              /* UNIX_SHUT_ */
	int32_t error;                  /* SO_ERROR */
	struct unix_sock *peer;         /* counted; stays after the peer's death */
	struct list queue;              /* unix_msg.link */
	uint64_t queued;                /* bytes of data in queue */
	struct list pending;            /* listener: embryos by pending_link */
	unsigned pending_count, backlog;
	struct list pending_link;       /* listener->lock */
	struct linux_ucred cred;        /* what the peer sees by SO_PEERCRED */
	struct unix_addr *addr;         /* counted */

	int64_t wmem;                   /* sent and not yet read; atomic */
	int32_t sndbuf;                 /* copy of socket.sndbuf for accepted ones */
	bool passcred;

	/* garbage.c, its lock */
	struct list all_link, gc_link;
	unsigned inflight;              /* how often its file waits in a queue */
	struct file *file;              /* valid while inflight */
	unsigned gc_count;
	uint64_t ino;                   /* of its file, for /proc/net/unix; 0: none */
	enum { GC_NONE, GC_CANDIDATE, GC_LIVE } gc_state;

	/* unix_table_lock */
	struct list name_link;          /* abstract names */
	struct inode *inode;            /* bound path; counted */
};

struct unix_msg {
	struct list link;
	struct unix_sock *from;         /* counted */
	struct unix_addr *name;         /* counted; the sender's at sending */
	struct linux_ucred cred;
	struct scm *scm;
	uint32_t size, off;             /* off: stream bytes already read */
	uint32_t charge;
	uint8_t data[];
};

struct unix_sock *unix_get(struct unix_sock *u);
void unix_put(struct unix_sock *u);
void unix_addr_put(struct unix_addr *a);
static inline bool unix_is_stream(const struct unix_sock *u) { return u->type == SOCK_STREAM; }
static inline bool unix_is_dgram(const struct unix_sock *u) { return u->type == SOCK_DGRAM; }
/* The peer with a reference, or NULL. */
struct unix_sock *unix_peer_get(struct unix_sock *u);
struct unix_addr *unix_addr_get(struct unix_sock *u);

/* names.c */
int unix_bind(struct socket *s, const struct sock_addr *a);
int unix_find(const struct sock_addr *a, struct unix_sock **ret);       /* counted */
void unix_unbind(struct unix_sock *u);
int unix_autobind(struct unix_sock *u);

/* garbage.c */
void unix_gc_add(struct unix_sock *u);
void unix_gc_del(struct unix_sock *u);
bool unix_scm_charge(struct scm *s);            /* its descriptors are in flight; false: too many */
/* No longer; *slot (a queued message's) becomes NULL, the descriptors the
 * caller's. */
struct scm *unix_scm_take(struct scm **slot);
void unix_gc_maybe(void);                       /* descriptors were sent, a socket closed; no lock held */

/* Each socket in turn under the collector's lock: fn takes only u->lock. */
void unix_for_each(void (*fn)(struct unix_sock *u, void *arg), void *arg);

/* message.c */
long unix_sendmsg(struct socket *s, struct sock_msg *m);
long unix_recvmsg(struct socket *s, struct sock_msg *m);
void unix_purge(struct unix_sock *u);           /* drop everything queued */
void unix_msg_free(struct unix_msg *m);
bool unix_writable(struct unix_sock *u);

#endif
