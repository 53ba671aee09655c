/* SPDX-License-Identifier: Apache-2.0 */
/* System V identifiers, keys and permissions; see sysv.h. */
#include "kernel/ipc/sysv.h"

int64_t sysv_now(void) { return (int64_t)(plat_time_real_ns() / NSEC_PER_SEC); }

struct sysv_object *sysv_at(struct sysv_table *t, int32_t id)
{
	return id >= 0 && sysv_slot(id) < SYSV_SLOTS ? t->slot[sysv_slot(id)] : NULL;
}

struct sysv_object *sysv_find(struct sysv_table *t, int32_t id)
{
	struct sysv_object *o = sysv_at(t, id);

	return o && o->id == id ? o : NULL;
}

struct sysv_object *sysv_find_key(struct sysv_table *t, int32_t key)
{
	for (unsigned i = 0; i < t->top; i++)
		if (t->slot[i] && t->slot[i]->key == key)
			return t->slot[i];
	return NULL;
}

int sysv_insert(struct sysv_table *t, struct sysv_object *o, int32_t key, int flags)
{
	const struct cred *c = current_cred();
	unsigned i;

	for (i = 0; i < SYSV_SLOTS && t->slot[i]; i++)
		;
	if (i == SYSV_SLOTS)
		return -ENOSPC;
	ref_init(&o->ref);
	o->removed = false;
	o->key = key;
	o->uid = o->cuid = c->euid;
	o->gid = o->cgid = c->egid;
	o->mode = (uint32_t)flags & 0777;
	o->ctime = sysv_now();
	o->id = (int32_t)((t->seq[i] & SYSV_SEQ_MAX) << SYSV_SHIFT | i);
	t->slot[i] = o;
	t->used++;
	t->top = MAX(t->top, i + 1);
	return 0;
}

void sysv_remove(struct sysv_table *t, struct sysv_object *o)
{
	unsigned i = sysv_slot(o->id);

	t->slot[i] = NULL;
	t->seq[i]++;
	t->used--;
	o->removed = true;
}

bool sysv_permitted(const struct sysv_object *o, unsigned want)
{
	const struct cred *c = current_cred();
	unsigned bits = o->mode;

	if (c->euid == o->uid || c->euid == o->cuid)
		bits >>= 6;
	else if (c->egid == o->gid || c->egid == o->cgid || cred_in_group(c, o->gid) ||
		 cred_in_group(c, o->cgid))
		bits >>= 3;
	return (bits & want) == want || capable(CAP_IPC_OWNER);
}

bool sysv_owner(const struct sysv_object *o)
{
	uint32_t euid = current_cred()->euid;

	return euid == o->uid || euid == o->cuid || capable(CAP_SYS_ADMIN);
}

void sysv_fill_perm(const struct sysv_object *o, struct linux_ipc_perm *p)
{
	memset(p, 0, sizeof *p);
	p->key = o->key;
	p->uid = o->uid;
	p->gid = o->gid;
	p->cuid = o->cuid;
	p->cgid = o->cgid;
	p->mode = o->mode;
	p->seq = (uint16_t)(o->id >> SYSV_SHIFT);
}

void sysv_set_perm(struct sysv_object *o, const struct linux_ipc_perm *p)
{
	o->uid = p->uid;
	o->gid = p->gid;
	o->mode = (o->mode & ~0777u) | (p->mode & 0777);
	o->ctime = sysv_now();
}

long sysv_get_existing(struct sysv_table *t, int32_t key, int flags, struct sysv_object **ret)
{
	struct sysv_object *o = key == IPC_PRIVATE ? NULL : sysv_find_key(t, key);
	unsigned want = ((unsigned)flags | (unsigned)flags >> 3 | (unsigned)flags >> 6) & 7;

	*ret = NULL;
	if (!o)
		return key == IPC_PRIVATE || flags & IPC_CREAT ? 0 : -ENOENT;
	if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
		return -EEXIST;
	if (!sysv_permitted(o, want & 6))
		return -EACCES;
	*ret = o;
	return o->id;
}
