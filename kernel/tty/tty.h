/* SPDX-License-Identifier: Apache-2.0 */
/* tty.h: terminals: line discipline, pseudo-terminals, the host's terminal,
 * job control.
 *
 * A tty has a slave side (what programs call the terminal) and a far side: a
 * master file (pseudo-terminal), or the host stream 0/1 (the terminal that
 * `nacre` itself was given).  Input goes far side -> line discipline -> ibuf ->
 * slave readers; output goes slave writers -> output processing -> obuf -> far
 * side.  Both buffers are bounded; whoever is too fast waits.
 *
 * Locks: tty->lock (spin) guards buffers and settings; session->tty,
 * tty->session and tty->pgrp change under task_list_lock (pgrp is read freely).
 * Signals, wake-ups and host calls happen with no tty lock held.
 * Source: kernel/tty/. */
#ifndef NACRE_KERNEL_TTY_H
#define NACRE_KERNEL_TTY_H

#include "kernel/sched/sched.h"
#include "kernel/vfs/vfs.h"
#include <linux_abi/termios.h>

struct session;
struct boot_params;

#define TTY_IBUF 4096u
#define TTY_OBUF 16384u
#define TTY_MAX 1024
#define TTY_MAJOR_PTS 136
#define TTY_HOST_INDEX 0

struct tty {
	struct ref ref;
	int index;                      /* /dev/pts/N; constant */
	bool host;                      /* far side is the host's terminal; constant */
	struct inode *inode;            /* of devpts; table's lifetime */

	/* task_list_lock */
	struct session *session;        /* whose controlling terminal it is */
	int32_t pgrp;                   /* foreground group, 0 none */

	struct spinlock lock;           /* the rest */
	struct linux_termios2 t;
	struct linux_termios fixed;     /* TIOCSLCKTRMIOS: bits of t that nobody changes */
	struct linux_winsize ws;
	unsigned slaves;                /* open slave files */
	bool slave_seen;                /* one was open since the master opened */
	bool master;                    /* far side is there */
	bool slave_locked;              /* TIOCSPTLCK */
	bool hung_up;                   /* for good */
	bool exclusive;                 /* TIOCEXCL */
	bool out_stopped;               /* ^S, TCOOFF */
	bool lnext;                     /* the next character is literal */
	bool packet;
	uint8_t pkt_status;
	uint32_t column, canon_column;  /* for erasing tabs */
	/* Free-running counters; [tail, head) is in the ring, [tail, canon)
	 * are complete lines. */
	uint32_t ihead, itail, icanon;
	uint32_t ohead, otail;
	uint8_t ibuf[TTY_IBUF];
	uint8_t idelim[TTY_IBUF / 8];   /* the character ends a line */
	uint8_t ieof[TTY_IBUF / 8];     /* … and stands for end of file */
	uint8_t obuf[TTY_OBUF];

	uint32_t in_busy, out_busy;     /* host side: one pump at a time */
	struct waitq in_wait;           /* slave readers */
	struct waitq out_wait;          /* slave writers, drain */
	struct waitq master_wait;       /* the master's readers and writers */
};

/* ---- tty.c: table and life ---- */
struct tty *tty_get(struct tty *t);
void tty_put(struct tty *t);
struct tty *tty_by_index_get(int index);        /* NULL: no such terminal */
int tty_next_index(int from);                   /* lowest used >= from, -1 */
int __must_check tty_new(bool host, struct tty **ret);
/* The far side is gone: everybody learns it, SIGHUP to the session. */
void tty_hangup(struct tty *t);
/* The terminal of the host, made at the first call. -ENOMEM */
int __must_check tty_host_init(const struct boot_params *bp, struct tty **ret);
struct tty *tty_host(void);                     /* borrowed; NULL: none */
void tty_set_winsize(struct tty *t, const struct linux_winsize *ws);

/* ---- ldisc.c ---- */
/* Input from the far side.  Returns how many bytes were taken; fewer when the
 * reader is behind. */
size_t tty_receive(struct tty *t, const uint8_t *p, size_t n);
/* Room for input without losing any?  t->lock held. */
size_t tty_input_room_locked(struct tty *t);
/* Output of the slave through OPOST into obuf; bytes taken. */
size_t tty_output_locked(struct tty *t, const uint8_t *p, size_t n);
/* Take what a read may have now, at most n.  *ret_eof: an end-of-file mark was
 * consumed. */
size_t tty_take_input(struct tty *t, uint8_t *p, size_t n, bool *ret_eof);
size_t tty_input_ready_locked(struct tty *t);   /* bytes, or 1 for a lone EOF mark */
void tty_flush_locked(struct tty *t, bool input, bool output);
void tty_flow_locked(struct tty *t, bool stop); /* ^S and ^Q; a master in packet mode is told */
/* Status bytes of packet mode (TIOCPKT_). */
#define PKT_FLUSHREAD 1u
#define PKT_FLUSHWRITE 2u
#define PKT_STOP 4u
#define PKT_START 8u
#define PKT_NOSTOP 16u
#define PKT_DOSTOP 32u
void tty_termios_changed_locked(struct tty *t, uint32_t old_lflag);
void tty_default_termios(struct linux_termios2 *t);

/* ---- slave.c, master.c ---- */
extern const struct file_ops tty_slave_fops, tty_master_fops;
int tty_slave_open(struct tty *t, struct file *f);      /* takes a reference */
int tty_open_current(struct inode *i, struct file *f);  /* /dev/tty */
int tty_open_console(struct inode *i, struct file *f);
int tty_open_pts(struct inode *i, struct file *f);
int tty_open_ptmx(struct inode *i, struct file *f);

/* ---- ioctl.c ---- */
long tty_ioctl(struct tty *t, struct file *f, bool master, unsigned cmd, uint64_t arg);

/* ---- jobctl.c ---- */
/* May current read from / change this terminal?  0; -EIO; -ERESTARTSYS after
 * the group was sent signo. */
int tty_check_job(struct tty *t, int signo);
/* Make it the controlling terminal of current's session.  force: steal. */
int tty_set_controlling(struct tty *t, bool force);
void tty_drop_controlling(void);                /* TIOCNOTTY */
struct tty *tty_of_current_get(void);           /* NULL: none */
/* The leader of a session ends (kernel/task/exit.c calls it). */
void tty_session_exit(struct task *t);
void tty_signal_pgrp(struct tty *t, int signo);

/* ---- hostside.c ---- */
/* Move input in and output out, as far as the host takes it; callable
 * anywhere without locks, also from the event handler. */
void tty_host_pump_in(struct tty *t);
void tty_host_pump_out(struct tty *t);
void tty_host_winch(void);

#endif
