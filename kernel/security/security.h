/* SPDX-License-Identifier: Apache-2.0 */
/* security.h: seccomp inside the guest.
 *
 * A program's own filters (seccomp(2)): they protect it from itself and say
 * nothing about the sandbox's boundary.  Filters are immutable, counted, and
 * form a chain from the newest to the oldest; a child shares its parent's.
 * Source: kernel/security/. */
#ifndef NACRE_KERNEL_SECURITY_H
#define NACRE_KERNEL_SECURITY_H

#include <base/types.h>
#include <linux_abi/seccomp.h>

struct task;
struct file;

/* Called by the dispatcher for each system call of the current task when
 * t->seccomp_mode is not 0, with t->syscall_nr and registers set.  0: go on;
 * nonzero: the call is skipped and its result is *ret (a signal may have been
 * queued).  Does not return when the filter says kill. */
int seccomp_check(struct task *t, long *ret);

void seccomp_task_fork(struct task *child, struct task *parent);        /* shares the chain */
void seccomp_task_free(struct task *t);
void seccomp_task_exit(struct task *t);         /* it makes no more system calls */
/* prctl(PR_SET_SECCOMP) and PR_GET_SECCOMP. */
/* For a tracer of o: the program of filter n (oldest first) or, without a buffer, its length; flags of the filter that
 * ubuf names. */
long seccomp_tell_filter(struct task *o, uint64_t n, uint64_t ubuf);
long seccomp_tell_metadata(struct task *o, uint64_t size, uint64_t ubuf);
long seccomp_prctl_set(struct task *t, uint64_t mode, uint64_t filter);

/* ---- notify.c: filters that ask another process ---- */
struct listener;
struct listener *listener_new(void);            /* one reference; NULL: no memory */
int __must_check listener_file(struct listener *l, struct file **ret);  /* takes one of its own */
/* The filter is gone for good; drops the reference. */
void listener_orphan(struct listener *l);
/* As seccomp_check(), for a call that the filter asks about.  Sleeps. */
int listener_ask(struct listener *l, bool wait_killable, const struct linux_seccomp_data *d, long *ret);

/* ---- bpf.c: classic BPF over struct linux_seccomp_data ---- */
int __must_check bpf_validate(const struct linux_sock_filter *prog, unsigned count);
uint32_t bpf_run(const struct linux_sock_filter *prog, unsigned count,
		 const struct linux_seccomp_data *d);

#endif
