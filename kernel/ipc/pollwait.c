/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting on many files: the set of wait-queue entries behind poll and select.
 *
 * Each file's poll operation names one or more queues; an entry is put on
 * each.  A wake-up sets `triggered` and wakes the task, which then asks all
 * files again (without registering again).  Entries beyond a few live on the
 * heap; their number is bounded by RLIMIT_NOFILE times the few queues a file
 * has. */
#include "kernel/ipc/ipc.h"
#include "kernel/task/task.h"

#define WAITERS_PER_PAGE 60

struct poll_waiter_page {
	struct poll_waiter_page *next;
	unsigned count;
	struct poll_waiter w[WAITERS_PER_PAGE];
};

static bool woken(struct waiter *w, uint32_t key)
{
	struct poll_waiter *pw = container_of(w, struct poll_waiter, w);
	struct poll_wait_set *s = pw->set;

	(void)key;
	__atomic_store_n(&s->triggered, 1, __ATOMIC_SEQ_CST);
	return sched_wake(s->task, WAKE_NORMAL);
}

static struct poll_waiter *new_waiter(struct poll_wait_set *s)
{
	struct poll_waiter_page *p = s->pages;

	if (s->inline_count < POLL_WAITERS_INLINE)
		return &s->inline_waiters[s->inline_count++];
	if (!p || p->count == WAITERS_PER_PAGE) {
		p = kmalloc(sizeof *p);
		if (!p)
			return NULL;
		p->count = 0;
		p->next = s->pages;
		s->pages = p;
	}
	return &p->w[p->count++];
}

static void enqueue(struct poll_table *pt, struct waitq *q)
{
	struct poll_wait_set *s = container_of(pt, struct poll_wait_set, pt);
	struct poll_waiter *pw = new_waiter(s);

	if (!pw) {
		s->error = -ENOMEM;
		return;
	}
	pw->set = s;
	waiter_init(&pw->w);
	pw->w.fn = woken;
	waitq_add(q, &pw->w);
}

void poll_wait_set_init(struct poll_wait_set *s)
{
	s->pt.queue = enqueue;
	s->task = current_task();
	s->triggered = 0;
	s->error = 0;
	s->inline_count = 0;
	s->pages = NULL;
}

void poll_wait_set_free(struct poll_wait_set *s)
{
	struct poll_waiter_page *p, *next;

	for (unsigned i = 0; i < s->inline_count; i++)
		waitq_del(&s->inline_waiters[i].w);
	for (p = s->pages; p; p = next) {
		next = p->next;
		for (unsigned i = 0; i < p->count; i++)
			waitq_del(&p->w[i].w);
		kfree(p);
	}
	s->pages = NULL;
	s->inline_count = 0;
}

int poll_wait_set_sleep(struct poll_wait_set *s, uint64_t deadline_ns)
{
	int err = 0;

	for (;;) {
		sched_prepare(TASK_INTERRUPTIBLE);
		if (__atomic_exchange_n(&s->triggered, 0, __ATOMIC_SEQ_CST)) {
			err = 0;
			break;
		}
		if (err)
			break;
		err = sched_block(deadline_ns);
	}
	sched_finish();
	return err;
}

uint32_t file_poll(struct file *f, struct poll_wait_set *s)
{
	if (!f->ops || !f->ops->poll)
		return POLL_IN_KEYS | POLL_OUT_KEYS;
	return f->ops->poll(f, s ? &s->pt : NULL);
}

int deadline_from_user(uaddr uts, uint64_t *ret_deadline)
{
	struct linux_timespec ts;
	int64_t ns;
	int err;

	*ret_deadline = NO_DEADLINE;
	if (!uts.va)
		return 0;
	err = copy_in(&ts, uts, sizeof ts);
	if (err)
		return err;
	ns = timespec_ns(&ts);
	if (ns < 0)
		return -EINVAL;
	if (ns == 0)
		*ret_deadline = 0;
	else if (add_overflows(plat_time_mono_ns(), (uint64_t)ns, ret_deadline))
		*ret_deadline = NO_DEADLINE;
	return 0;
}

int ipc_new_fd(const struct file_ops *ops, void *priv, void (*free_priv)(void *),
	       uint32_t flags, bool cloexec)
{
	struct file *f;
	int fd, err = file_new_anon(ops, priv, flags, NULL, &f);

	if (err) {
		free_priv(priv);
		return err;
	}
	fd = fd_add(f, cloexec);
	if (fd < 0)
		file_put(f);
	return fd;
}
