/* SPDX-License-Identifier: Apache-2.0 */
/* socket.h: what a protocol family gives to the socket layer.
 *
 * The layer (socket.c, socket_msg.c, sockopt.c) reads and checks what comes
 * from the program and calls the family with kernel copies; only message
 * bodies stay in user memory, behind an iter.  A socket lives as long as its
 * file. */
#ifndef NACRE_KERNEL_NET_SOCKET_H
#define NACRE_KERNEL_NET_SOCKET_H

#include "kernel/vfs/vfs.h"
#include <linux_abi/socket.h>

struct sock_ops;
struct filter_slot;

struct socket {
	const struct sock_ops *ops;
	void *priv;                     /* the family's */
	int family, type, protocol;
	struct spinlock lock;           /* the options below */
	uint64_t rcvtimeo_ns, sndtimeo_ns;      /* 0 = for ever */
	int32_t sndbuf, rcvbuf, rcvlowat;
	int32_t priority, mark;
	int32_t late_error;             /* of recvmmsg, for the next call; atomic */
	uint64_t cookie;                /* SO_COOKIE; 0: not asked for yet; atomic */
	struct linux_linger linger;
	int32_t tstamping;              /* SO_TIMESTAMPING: SOF_TIMESTAMPING_ */
	int32_t incoming_cpu, buf_lock, txrehash, busy_poll, bound_link;
	struct linux_sock_txtime txtime;
	uint64_t pacing;                /* SO_MAX_PACING_RATE */
	uint32_t kept;                  /* a bit for each option that is a mere switch: sockopt.c */
	uint8_t tstamp;                 /* TSTAMP_ */
	bool tstamp_new;                /* by an option that is named _NEW */
	bool timed_sends;               /* SO_TXTIME */
	bool zerocopy;
	_Atomic bool passcred, passpidfd, reuseaddr, reuseport, keepalive, broadcast, oobinline, dontroute;
};
enum { TSTAMP_OFF, TSTAMP_US, TSTAMP_NS };      /* SO_TIMESTAMP, SO_TIMESTAMPNS */

struct sock_addr { unsigned size; union { uint16_t family; struct linux_sockaddr_storage ss; } u; };

/* Ancillary data: descriptors on their way. */
struct scm {
	struct list link;               /* scm_free()'s own */
	unsigned count, room;
	uint32_t uid;                   /* whose limit they count against, while in flight */
	struct file *files[];           /* counted */
};

/* Ancillary data that a protocol makes for the receiver. */
#define SOCK_CMSG_MAX 6u
struct sock_cmsg { int32_t level, type; uint32_t size; uint8_t data[48]; };

struct sock_msg {
	struct iter *it;
	uint32_t flags;                 /* MSG_* of the caller */
	bool nonblock;
	struct sock_addr name;          /* size 0: none. send: destination; receive: result */
	struct scm *scm;                /* send: given, consumed on success; receive: result, owned by the caller */
	struct linux_ucred cred;        /* send: to attach; receive: of the sender */
	bool have_cred;
	bool cred_given;                /* send: cred is the program's own choice */
	struct tgroup *group;           /* receive: the sender's process; counted, owned by the caller */
	uint32_t ret_flags;             /* receive: MSG_TRUNC, MSG_EOR … */
	unsigned cmsg_count;
	struct sock_cmsg cmsg[SOCK_CMSG_MAX];   /* receive: by the protocol; send: for it */
};

struct sock_ops {
	int (*bind)(struct socket *s, const struct sock_addr *a);
	int (*listen)(struct socket *s, int backlog);
	/* fresh: made by the layer, to be filled. */
	int (*accept)(struct socket *s, struct socket *fresh, bool nonblock);
	int (*connect)(struct socket *s, const struct sock_addr *a, bool nonblock);
	int (*pair)(struct socket *a, struct socket *b);
	int (*getname)(struct socket *s, bool peer, struct sock_addr *ret);
	long (*sendmsg)(struct socket *s, struct sock_msg *m);
	long (*recvmsg)(struct socket *s, struct sock_msg *m);
	int (*shutdown)(struct socket *s, int how);
	/* val is a kernel copy; -ENOPROTOOPT when unknown.  Called first. */
	int (*setsockopt)(struct socket *s, int level, int opt, const void *val, size_t size);
	/* -ERANGE: *size says what is needed. */
	int (*getsockopt)(struct socket *s, int level, int opt, void *val, size_t *size);
	int (*peer_pidfd)(struct socket *s, struct file **ret);         /* SO_PEERPIDFD; optional */
	uint32_t (*poll)(struct socket *s, struct poll_table *pt);
	bool (*grant)(struct socket *s, struct grant *g);       /* as of file_ops; optional, both */
	void (*grant_over)(struct socket *s, struct grant *g);
	long (*ioctl)(struct socket *s, unsigned cmd, uint64_t arg);
	/* s has its file now; optional. */
	void (*attach)(struct socket *s, struct file *f);
	void (*release)(struct socket *s);      /* priv may be NULL */
	int (*mmap)(struct socket *s, uint64_t off, uint64_t size, struct mmap_target *ret);   /* optional */
	struct filter_slot *(*filter)(struct socket *s);        /* SO_ATTACH_FILTER; optional */
	bool out_of_band;                       /* sendmsg and recvmsg know MSG_OOB */
	bool error_queue;                       /* recvmsg knows MSG_ERRQUEUE */
};

/* Fill s (type, protocol set).  -ESOCKTNOSUPPORT, -EPROTONOSUPPORT … */
typedef int (*sock_create_fn)(struct socket *s);
int unix_create(struct socket *s);

#define SOCK_BUF_DEFAULT 212992         /* where no setting says another */
#define SOCK_BUF_MAX (4 << 20)
#define SOCK_BUF_MIN 4608
#define SOCK_SNDBUF_MIN SOCK_BUF_MIN
#define SOCK_RCVBUF_MIN 2304
/* net.core.rmem_default … : of all name spaces. */
enum sock_mem { SOCK_RMEM_DEFAULT, SOCK_RMEM_MAX, SOCK_WMEM_DEFAULT, SOCK_WMEM_MAX };
int32_t sock_mem(enum sock_mem which);
int32_t sock_buf_first(enum sock_mem which);            /* of a new socket: whatever is set, it ends */
int sock_mem_set(enum sock_mem which, int64_t v);       /* -EINVAL */
/* What opt, SO_SNDBUF, SO_RCVBUF or one of these with FORCE, makes of a value. */
int32_t sock_buf_size(int opt, int32_t v);

/* ---- the layer's own ---- */
static inline struct socket *socket_of(struct file *f) { return f->priv; }
bool file_is_socket(const struct file *f);
/* The value of expr, in which f is the socket file behind fd; or the error. */
#define SOCKET_CALL(fd, expr) ({                                            \
	struct fd_use use_ = fd_use(fd);                                    \
	struct file *f = use_.file;                                         \
	long ret_ = !f ? -EBADF : !file_is_socket(f) ? -ENOTSOCK : (expr);  \
	fd_done(use_);                                                      \
	ret_; })
uint64_t sock_deadline(uint64_t timeo_ns);
/* What a broken-off wait returns: -EAGAIN at the timeout, restart or EINTR. */
int sock_wait_error(int err, uint64_t timeo_ns);
bool sock_kept(const struct socket *s, int opt);        /* is the switch on? */
/* Ancillary data of a received message. */
void sock_put_cmsg(struct sock_msg *m, int level, int type, const void *p, size_t n);
/* What SO_TIMESTAMP and its kin want of a message that came then (wall clock);
 * packet: it came as one, so SO_TIMESTAMPING has it too. */
void sock_put_times(const struct socket *s, struct sock_msg *m, int64_t time_ns, bool packet);
static inline bool sock_wants_times(const struct socket *s) { return s->tstamp || s->tstamping; }
int sock_addr_from_user(struct sock_addr *a, uaddr u, int size);
/* Writes at most *usize bytes and the whole length back. */
int sock_addr_to_user(const struct sock_addr *a, uaddr u, uaddr usize);

/* What ancillary data of the level SOL_SOCKET says about one message, and
 * otherwise the socket (sock_control.c).  -EINVAL, -EPERM. */
struct sock_control { uint32_t tstamping; uint32_t stamp_id; bool have_id; };
int __must_check sock_control(const struct socket *s, const struct sock_msg *m, struct sock_control *ret);
/* SO_ZEROCOPY, SO_TXTIME, SO_TIMESTAMPING.  -ENOPROTOOPT: another one. */
int sock_set_sending(struct socket *s, int opt, const void *val, size_t size);
int sock_get_sending(const struct socket *s, int opt, void *val, size_t *size);

struct scm *scm_new(unsigned room);
void scm_free(struct scm *s);           /* NULL is fine; safe at any depth */
int scm_send(const struct socket *s, struct sock_msg *m, uint64_t control, uint64_t size);
/* Returns the bytes of control used; files that found room are the task's. */
size_t scm_recv(struct sock_msg *m, const struct socket *s, uint64_t control, uint64_t size);
void scm_drop(struct sock_msg *m);      /* what a receiver did not ask for */

#endif
