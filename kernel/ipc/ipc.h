/* SPDX-License-Identifier: Apache-2.0 */
/* ipc.h: what the rest of the kernel may ask of pipes, polling, epoll and the
 * other descriptor-shaped IPC.  fifo_open(), notify_*() and epoll_file_gone()
 * are declared in kernel/vfs/vfs.h. */
#ifndef NACRE_KERNEL_IPC_H
#define NACRE_KERNEL_IPC_H

#include "kernel/vfs/vfs.h"

struct sbuf;
struct tgroup;

/* fcntl(2) F_GETPIPE_SZ, F_SETPIPE_SZ: bytes, or -EBADF when f is no pipe,
 * -EBUSY, -EPERM, -EINVAL. */
uint32_t pipe_size_max(uint32_t set);           /* fs.pipe-max-size, made the next power of two if set; 0: too much */
long pipe_get_size(struct file *f);
long pipe_set_size(struct file *f, uint64_t size);
/* Bytes waiting in a pipe; -EBADF when f is none (splice, tee). */
long pipe_queued(struct file *f);
/* Bytes that surely fit in one write; -EBADF. */
long pipe_room(struct file *f);
/* Copy up to n queued bytes without taking them: tee(2). */
long pipe_peek(struct file *f, void *buf, size_t n);
/* Take n bytes that were seen there away, whatever packets they are. */
void pipe_skip(struct file *f, size_t n);

/* Sizes of POSIX message queues, /proc/sys/fs/mqueue; atomic. */
struct mq_limits { uint32_t msg_max, msg_default, size_max, size_default, queues_max; };
extern struct mq_limits mq_limits;
#define MQ_HARD_MSG 65536u
#define MQ_HARD_SIZE (16u << 20)
#define MQ_HARD_QUEUES 1024u            /* ours: also for who may pass queues_max */

/* SIGPIPE to the current task, as from itself. */
void ipc_raise_sigpipe(void);

/* In a wake-up's key, with POLLOUT: there was no room before.  SIGIO is for such
 * moments only; epoll sees them all. */
#define POLL_SPACE_KEY 0x10000u

/* A descriptor for an object of ours.  priv is consumed: on failure by free_priv
 * or the file's release. */
int ipc_new_fd(const struct file_ops *ops, void *priv, void (*free_priv)(void *),
	       uint32_t flags, bool cloexec);

/* ---- waiting on many files at once (kernel/ipc/pollwait.c) ---- */
#define POLL_WAITERS_INLINE 8
#define POLL_IN_KEYS (POLLIN | POLLRDNORM)
#define POLL_OUT_KEYS (POLLOUT | POLLWRNORM)
struct poll_waiter { struct waiter w; struct poll_wait_set *set; };
struct poll_waiter_page;
struct poll_wait_set {
	struct poll_table pt;           /* first: pass &set->pt to file_ops.poll */
	struct task *task;
	uint32_t triggered;
	int error;                      /* -ENOMEM */
	unsigned inline_count;
	struct poll_waiter inline_waiters[POLL_WAITERS_INLINE];
	struct poll_waiter_page *pages;
};
void poll_wait_set_init(struct poll_wait_set *s);
void poll_wait_set_free(struct poll_wait_set *s);
/* Sleep until one of the queues was woken since the last call.  0, -EINTR,
 * -ETIMEDOUT. */
int __must_check poll_wait_set_sleep(struct poll_wait_set *s, uint64_t deadline_ns);
/* Present readiness of f; registers with s when given. */
uint32_t file_poll(struct file *f, struct poll_wait_set *s);

/* Monotonic deadline from a user's relative timespec (va 0: none).  -EINVAL,
 * -EFAULT. */
int __must_check deadline_from_user(uaddr uts, uint64_t *ret_deadline);

/* SEM_UNDO, when the last thread of a process ends; no lock held. */
void sem_exit_group(struct tgroup *g);
bool sem_has_undo(const struct tgroup *g);

/* /proc/sysvipc: a heading, a line for each object; no lock held. */
void sysvipc_show_shm(struct sbuf *s);
void sysvipc_show_sem(struct sbuf *s);
void sysvipc_show_msg(struct sbuf *s);

bool inotify_is(const struct file *f);
/* ---- epoll_post.c: changes of epoll sets that need no trap ---- */
/* What the task has posted is done.  First thing after it trapped. */
void epoll_posts_do(struct task *t);
/* The current task's slot fd no longer holds f; files->lock held. */
void epoll_fd_gone(int fd, const struct file *f);

/* ---- eventfd.c ---- */
bool eventfd_is(const struct file *f);
void eventfd_signal(struct file *f);    /* adds 1; never sleeps */

#endif
