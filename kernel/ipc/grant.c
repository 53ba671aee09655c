/* SPDX-License-Identifier: Apache-2.0 */
/* Reads that are answered in advance (grant.h): wishes, grants and their end. */
#include "kernel/ipc/grant.h"
#include "kernel/task/task.h"
#include <stats.h>

/* A grant costs what its bytes cost to go over, so it must bring something. */
#define CREDIT_FIRST 64
#define CREDIT_MAX 256
#define CREDIT_USED 3                   /* one that was used is worth so many that were not */
#define WISHES_MAX 32u
#define REST 1024u                      /* wishes unheard before the next try */

struct task_grants {                    /* self */
	int32_t credit;
	uint32_t unheard;
	unsigned wishes, heard, count;
	struct { struct file *file; int fd; } wish[WISHES_MAX];         /* files: compared only */
	struct grant grant[PLAT_GRANTS_MAX];
};

uint8_t *grant_place(struct grant *g, size_t n)
{
	return n && n <= PLAT_GRANT_MAX ? plat_grant_place(current_task()->mm->as, g->u, n) : NULL;
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
	}
	if (all->credit <= 0) {
		if (++all->unheard < REST)
			return;
		all->unheard = 0;
		all->credit = CREDIT_FIRST / 4;
	}
	if (all->wishes == WISHES_MAX)
		return;
	if (all->wishes < PLAT_GRANTS_MAX)
		plat_grants_expect(t->mm->as, &t->uctx, all->wishes);
	all->wish[all->wishes].file = f;
	all->wish[all->wishes++].fd = fd;
	t->grants_due = true;
}

void grant_wishes_over(void)
{
	struct task *t = current_task();

	if (t->grants_due)
		t->grants->wishes = t->grants->heard = 0;
	t->grants_due = false;
}

/* What is too much for one run is for the next ones. */
void grants_make(struct task *t)
{
	struct task_grants *all = t->grants;

	while (all->heard < all->wishes && all->count < PLAT_GRANTS_MAX && t->uctx.answers.valid) {
		struct file *f = all->wish[all->heard].file;
		int fd = all->wish[all->heard++].fd;
		struct grant *g = &all->grant[all->count];

		if (!files_post_claim_fd(fd, f) || !f->ops->grant || !(f->mode & FMODE_READ))
			continue;
		*g = (struct grant){ .u = &t->uctx, .file = f, .fd = fd, .nr = all->count };
		if (f->ops->grant(f, g))
			all->count++;
	}
	t->grants_due = all->heard < all->wishes;
	if (!t->grants_due)
		all->wishes = all->heard = 0;
	t->granted = all->count;
}

void grants_over(struct task *t)
{
	struct task_grants *all = t->grants;
	unsigned used = 0;

	for (unsigned i = 0; i < all->count; i++) {
		struct grant *g = &all->grant[i];

		g->file->ops->grant_over(g->file, g);
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
	all->count = 0;
	t->granted = false;
}

void grants_free(struct task *t) { kfree(t->grants); }
