/* SPDX-License-Identifier: Apache-2.0 */
/* grant.h: reads that a program is given with the answer to epoll_wait(2) or poll(2).
 *
 * A program that is told that a descriptor has something reads it next.  If what
 * read(2) would return is short, its bytes go to the program's mailbox together with
 * the answer, and the read needs no trap.  They stay in their object (a socket's queue,
 * a counter) until that run of the program has ended; then they are taken out if the
 * program has used the grant.
 *
 * Nobody may be able to tell.  An object with a grant points at it, under its own
 * lock; whoever takes that lock to look at the contents or to change them ends the grant first
 * (grant_used()), which is one atomic instruction against the program's: the program
 * has read before, and the bytes go now, or it will trap.  So nothing comes between a grant
 * and the contents that it was made of.  What a read does beside taking bytes (waking
 * somebody who waits for room) must be nothing: such objects grant nothing.
 *
 * A grant ends with the run that it was made for.  What that run did not come to may be granted
 * anew for the next one, until the program asks again what can be read.
 *
 * Descriptors keep their meaning: grants are made by the one task that may post calls
 * about its table (files_post_claim_fd()) on its way to user mode, behind its last chance to
 * leave the CPU, and end with that run; who changes the table otherwise visits this CPU first.
 * Filters, tracers and --strace see every call: such tasks get none.
 *
 * Source: kernel/ipc/grant.c */
#ifndef NACRE_KERNEL_GRANT_H
#define NACRE_KERNEL_GRANT_H

#include "kernel/vfs/vfs.h"

struct grant {
	struct plat_uctx *u;
	struct file *file;
	int fd;
	unsigned nr;
	uint32_t size;
	bool used;                      /* the object's lock */
};

/* For file_ops.grant, with the object's lock held.  Room for n bytes, or NULL; then
 * they are there, and the object points at g: false: it must not. */
uint8_t *grant_place(struct grant *g, size_t n);
bool __must_check grant_give(struct grant *g, size_t n);
/* The object's lock held; it points at g no longer.  True: the program has read g->size bytes. */
bool grant_used(struct grant *g);

/* The current task has been told that fd, which is f, can be read. */
void grant_wish(struct file *f, int fd);
void grant_wishes_over(void);                   /* what it has been told before is old */
/* It is about to run, and will not leave the CPU before; it has run. */
void grants_make(struct task *t);
void grants_over(struct task *t);
void grants_free(struct task *t);
/* Would anybody learn that q is woken with key? */
bool waitq_asks(struct waitq *q, uint32_t key);

#endif
