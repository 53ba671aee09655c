/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials: immutable counted objects, capable(), access between tasks.
 *
 * A task changes its own only, by publishing a changed copy under
 * task_list_lock (creds_sys.c); readers of other tasks take a reference with
 * task_get_cred(). */
#include "kernel/task/internal.h"

struct cred *cred_get(struct cred *c)
{
	ref_get(&c->ref);
	return c;
}

void cred_put(struct cred *c)
{
	if (c && ref_put(&c->ref))
		kfree(c);
}

struct cred *cred_copy(const struct cred *c, uint32_t ngroups)
{
	struct cred *n = kmalloc(sizeof(*n) + ngroups * sizeof(n->groups[0]));

	if (!n)
		return NULL;
	/* all but the count, which others change meanwhile */
	memcpy((uint8_t *)n + sizeof(n->ref), (const uint8_t *)c + sizeof(c->ref), sizeof(*n) - sizeof(n->ref));
	ref_init(&n->ref);
	n->ngroups = MIN(ngroups, c->ngroups);
	memcpy(n->groups, c->groups, n->ngroups * sizeof(n->groups[0]));
	return n;
}

bool cred_in_group(const struct cred *c, uint32_t gid)
{
	if (c->fsgid == gid)
		return true;
	for (uint32_t i = 0; i < c->ngroups; i++)
		if (c->groups[i] == gid)
			return true;
	return false;
}

const struct cred *current_cred(void)
{
	return current_task()->cred;
}

bool capable(unsigned cap)
{
	return current_task()->cred->cap_effective >> cap & 1;
}

/* ptrace(2), "access mode checking", with real ids. */
bool task_may_access(struct task *t)
{
	struct task *self = current_task();
	const struct cred *me = self->cred;
	struct cred *c;
	bool ok;

	if (t->tg == self->tg)
		return true;
	if (capable(CAP_SYS_PTRACE))
		return true;
	c = task_get_cred(t);
	ok = me->uid == c->uid && me->uid == c->euid && me->uid == c->suid &&
	     me->gid == c->gid && me->gid == c->egid && me->gid == c->sgid &&
	     (c->cap_permitted & ~me->cap_permitted) == 0 &&
	     __atomic_load_n(&t->tg->dumpable, __ATOMIC_RELAXED);
	cred_put(c);
	return ok;
}
