/* SPDX-License-Identifier: Apache-2.0 */
/* Reads that are answered in advance (grant.h): wishes, grants and their end. */
#include "kernel/ipc/grant.h"
#include "kernel/task/task.h"
#include <linux_abi/syscall_nr.h>
#include <stats.h>

/* A grant costs what its bytes cost to go over, so it must bring something. */
#define CREDIT_FIRST 64
#define CREDIT_MAX 256
#define CREDIT_USED 3                   /* one that was used is worth so many that were not */
#define WISHES_MAX 32u
#define REST 1024u                      /* wishes unheard before the next try */
#define CALLS 61u                       /* system calls that are told apart, by their number */
#define LEADS_MAX 4
#define TRIES 3u                        /* runs in which a wish is granted and not used */

struct wish {
	struct file *file;              /* compared only; NULL: granted and used, or not to be granted */
	int fd;
	unsigned tries;
};
struct task_grants {                    /* self */
	int32_t credit;
	uint32_t unheard;
	unsigned wishes, first, count;  /* first: all before it are over */
	unsigned window;                /* so many are granted for the next run */
	unsigned from;                  /* the call from which this run returned */
	int8_t leads[CALLS];            /* whether the program reads after that: not below 0 */
	bool full;                      /* the mailbox has no room for one more */
	struct wish wish[WISHES_MAX];
	struct { struct grant g; struct wish *of; } grant[PLAT_GRANTS_MAX];
};

uint8_t *grant_place(struct grant *g, size_t n)
{
	struct task *t = current_task();
	uint8_t *to = n && n <= PLAT_GRANT_MAX ? plat_grant_place(t->mm->as, g->u, n) : NULL;

	t->grants->full |= !to && n && n <= PLAT_GRANT_MAX;
	return to;
}

bool grant_give(struct grant *g, size_t n)
{
	g->size = (uint32_t)n;
	g->used = false;
	return plat_grant_add(g->u, g->fd, n);
}

bool grant_used(struct grant *g) { return g->used = !plat_grant_end(g->u, g->nr); }

void grant_wish(struct file *f, int fd)
{
	struct task *t = current_task();
	struct task_grants *all = t->grants;

	if (!f->ops->grant || !t->uctx.answers.valid)
		return;
	if (!all) {
		all = t->grants = kzalloc(sizeof *all);
		if (!all)
			return;
		all->credit = CREDIT_FIRST;
		all->window = PLAT_GRANTS_MAX;
	}
	if (all->credit <= 0) {
		if (++all->unheard < REST)
			return;
		all->unheard = 0;
		all->credit = CREDIT_FIRST / 4;
	}
	if (all->wishes == WISHES_MAX)
		return;
	if (all->wishes < all->window)
		plat_grants_expect(t->mm->as, &t->uctx, all->wishes);
	all->wish[all->wishes++] = (struct wish){ .file = f, .fd = fd };
	t->grants_due = true;
}

void grant_wishes_over(void)
{
	struct task *t = current_task();

	if (t->grants_due)
		t->grants->wishes = t->grants->first = 0;
	t->grants_due = false;
}

/* What is too much for one run, and what the last one did not come to, is for the next ones. */
void grants_make(struct task *t)
{
	struct task_grants *all = t->grants;
	uint64_t nr = t->uctx.regs.orig_rax;

	if (nr == NR_read || nr == NR_recvfrom)         /* it would have had use for a grant */
		all->leads[all->from] = MIN(all->leads[all->from] + 2, LEADS_MAX);
	all->from = (unsigned)(nr % CALLS);
	if (all->leads[all->from] < 0)
		return;
	all->full = false;
	for (unsigned i = all->first; i < all->wishes && all->count < all->window && t->uctx.answers.valid; i++) {
		struct wish *w = &all->wish[i];
		struct file *f = w->file;
		struct grant *g = &all->grant[all->count].g;

		if (!f)
			continue;
		*g = (struct grant){ .u = &t->uctx, .file = f, .fd = w->fd, .nr = all->count };
		if (files_post_claim_fd(w->fd, f) && f->ops->grant && (f->mode & FMODE_READ) && f->ops->grant(f, g))
			all->grant[all->count++].of = w;
		else if (all->full && all->count)
			break;
		else
			w->file = NULL;
	}
	while (all->first < all->wishes && !all->wish[all->first].file)
		all->first++;
	t->grants_due = all->first < all->wishes;
	if (!t->grants_due)
		all->wishes = all->first = 0;
	t->granted = all->count;
}

void grants_over(struct task *t)
{
	struct task_grants *all = t->grants;
	unsigned used = 0;

	for (unsigned i = 0; i < all->count; i++) {
		struct grant *g = &all->grant[i].g;
		struct wish *w = all->grant[i].of;

		g->file->ops->grant_over(g->file, g);
		if (g->used || ++w->tries == TRIES)
			w->file = NULL;
		if (!g->used)
			continue;
		used++;
		t->io.rchar += g->size;
		t->io.syscr++;
	}
	plat_grants_over(&t->uctx);
	stats_bump(&plat_stats()->n[STATS_GRANTS], all->count);
	stats_bump(&plat_stats()->n[STATS_GRANTS_USED], used);
	all->credit = MIN(all->credit - (int32_t)all->count + CREDIT_USED * (int32_t)used, CREDIT_MAX);
	all->leads[all->from] += used ? all->leads[all->from] < LEADS_MAX : -(all->leads[all->from] > -LEADS_MAX);
	/* A program that reads and writes in turns gets one ahead, one that reads all at once all. */
	all->window = MIN(used == all->count ? used * 2 : used + 1, PLAT_GRANTS_MAX);
	all->count = 0;
	t->granted = false;
}

void grants_free(struct task *t) { kfree(t->grants); }
