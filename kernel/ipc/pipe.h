/* SPDX-License-Identifier: Apache-2.0 */
/* pipe.h: a pipe's ring of slots, for pipe.c and pipe_ring.c only. */
#ifndef NACRE_KERNEL_IPC_PIPE_H
#define NACRE_KERNEL_IPC_PIPE_H

#include "kernel/ipc/ipc.h"

#define PIPE_DEFAULT 65536u
#define PIPE_MAX (1u << 20)             /* anybody's */
#define PIPE_PAGE 4096u

struct pipe {
	struct mutex lock;

	/* lock */
	uint64_t head, tail;            /* slots begun, emptied */
	uint32_t begun;                 /* bytes read of the slot at tail */
	uint16_t *fill;                 /* by slot: bytes, with those read */
	uint8_t *packet;                /* by slot, of those in use: whether one; NULL: none ever */
	/* lock; read without it */
	uint64_t filled;                /* bytes in it */
	uint64_t held;                  /* slots in use */
	uint32_t size;                  /* power of two, at least a page */
	uint32_t chunk;                 /* PIPE_PAGE or BIG_CHUNK */
	uint8_t **chunks;               /* size / PIPE_PAGE slots, size / chunk of them in use */
	uint8_t *spare;                 /* a page */
	uint32_t readers, writers;      /* open files */
	uint32_t reader_opens, writer_opens;    /* ever: FIFO rendezvous */

	struct waitq rd, wr;
	unsigned files;                 /* table_lock of pipe.c */
	bool pair;                      /* made by pipe(2): opening it by /proc/PID/fd never waits */
};

#define pipe_load(x) __atomic_load_n(&(x), __ATOMIC_SEQ_CST)
#define pipe_store(x, v) __atomic_store_n(&(x), (v), __ATOMIC_SEQ_CST)

/* Without the lock: bytes in it, slots that are free. */
static inline uint64_t pipe_used(const struct pipe *p) { return pipe_load(p->filled); }
static inline uint64_t pipe_space(const struct pipe *p)
{
	uint64_t held = pipe_load(p->held), all = pipe_load(p->size) / PIPE_PAGE;

	return held >= all ? 0 : all - held;
}

struct pipe *pipe_new(void);            /* NULL: no memory */
void pipe_free(struct pipe *p);         /* no file has it open */

/* ---- lock held ---- */
size_t pipe_take(struct pipe *p, struct iter *to);      /* bytes; 0 of a pipe with some: bad memory */
void pipe_drop(struct pipe *p, size_t n);               /* at most what is in it */
size_t pipe_look(struct pipe *p, uint8_t *to, size_t n);
/* What is over whole pages goes into the rest of the last slot, if it fits.  -EFAULT. */
int __must_check pipe_top_up(struct pipe *p, struct iter *from, size_t *ret_done);
/* As much as there are slots for.  -EFAULT, -ENOMEM, perhaps after some bytes. */
int __must_check pipe_put(struct pipe *p, struct iter *from, bool packets, size_t *ret_done);
int __must_check pipe_resize(struct pipe *p, uint32_t size);    /* a power of two; -EBUSY, -ENOMEM */

#endif
