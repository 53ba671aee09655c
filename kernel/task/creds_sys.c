/* SPDX-License-Identifier: Apache-2.0 */
/* Changing one's ids: getuid(2) … setgroups(2).
 *
 * Each call builds a changed copy and publishes it; the old one lives until
 * its last reader is done.  Rules: setuid(2), setreuid(2), setresuid(2),
 * setfsuid(2), capabilities(7) "Effect of user ID changes". */
#include "kernel/syscall/syscall.h"
#include "kernel/task/cred.h"
#include "kernel/task/internal.h"
#include <linux_abi/prctl.h>

DECLARE_UPTR(up_uid, uint32_t);

#define NGROUPS_MAX 65536
#define KEEP UINT32_MAX
#define FS_CAPS (1ull << CAP_CHOWN | 1ull << CAP_DAC_OVERRIDE | 1ull << CAP_DAC_READ_SEARCH | \
		 1ull << CAP_FOWNER | 1ull << CAP_FSETID | 1ull << CAP_LINUX_IMMUTABLE | \
		 1ull << CAP_MKNOD)

/* Consumes new. */
void cred_commit(struct task *t, struct cred *new)
{
	struct cred *old = t->cred;
	bool ids = old->euid != new->euid || old->egid != new->egid ||
		   old->fsuid != new->fsuid || old->fsgid != new->fsgid;

	if (ids || (new->cap_permitted & ~old->cap_permitted)) {
		__atomic_store_n(&t->tg->dumpable, false, __ATOMIC_RELAXED);
		__atomic_store_n(&t->pdeath_signal, 0, __ATOMIC_RELAXED);
	}
	spin_lock(&task_list_lock);
	t->cred = new;
	spin_unlock(&task_list_lock);
	cred_put(old);
}

static struct cred *copy(struct task *t)
{
	return cred_copy(t->cred, t->cred->ngroups);
}

/* Capabilities follow the ids. */
static void fix_caps(struct cred *n, const struct cred *o)
{
	bool had = o->uid == 0 || o->euid == 0 || o->suid == 0;
	bool has = n->uid == 0 || n->euid == 0 || n->suid == 0;

	if (n->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (had && !has) {
		if (!(n->securebits & SECBIT_KEEP_CAPS)) {
			n->cap_permitted = 0;
			n->cap_effective = 0;
		}
		n->cap_ambient = 0;
	}
	if (o->euid == 0 && n->euid != 0)
		n->cap_effective = 0;
	if (o->euid != 0 && n->euid == 0)
		n->cap_effective = n->cap_permitted;
}

static void fix_fs_caps(struct cred *n, uint32_t old_fsuid)
{
	if (n->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (old_fsuid == 0 && n->fsuid != 0)
		n->cap_effective &= ~FS_CAPS;
	if (old_fsuid != 0 && n->fsuid == 0)
		n->cap_effective |= n->cap_permitted & FS_CAPS;
}

SYSCALL0(getuid) { return t->cred->uid; }
SYSCALL0(geteuid) { return t->cred->euid; }
SYSCALL0(getgid) { return t->cred->gid; }
SYSCALL0(getegid) { return t->cred->egid; }

SYSCALL1(setuid, uint32_t, uid)
{
	const struct cred *o = t->cred;
	struct cred *n;

	if (uid == KEEP)
		return -EINVAL;
	n = copy(t);
	if (!n)
		return -ENOMEM;
	if (capable(CAP_SETUID)) {
		n->uid = n->suid = uid;
	} else if (uid != o->uid && uid != o->suid) {
		cred_put(n);
		return -EPERM;
	}
	n->euid = n->fsuid = uid;
	fix_caps(n, o);
	cred_commit(t, n);
	return 0;
}

SYSCALL1(setgid, uint32_t, gid)
{
	const struct cred *o = t->cred;
	struct cred *n;

	if (gid == KEEP)
		return -EINVAL;
	n = copy(t);
	if (!n)
		return -ENOMEM;
	if (capable(CAP_SETGID)) {
		n->gid = n->sgid = gid;
	} else if (gid != o->gid && gid != o->sgid) {
		cred_put(n);
		return -EPERM;
	}
	n->egid = n->fsgid = gid;
	cred_commit(t, n);
	return 0;
}

SYSCALL2(setreuid, uint32_t, ruid, uint32_t, euid)
{
	const struct cred *o = t->cred;
	bool priv = capable(CAP_SETUID);
	struct cred *n;

	if (!priv && ruid != KEEP && ruid != o->uid && ruid != o->euid)
		return -EPERM;
	if (!priv && euid != KEEP && euid != o->uid && euid != o->euid && euid != o->suid)
		return -EPERM;
	n = copy(t);
	if (!n)
		return -ENOMEM;
	if (ruid != KEEP)
		n->uid = ruid;
	if (euid != KEEP)
		n->euid = euid;
	if (ruid != KEEP || (euid != KEEP && euid != o->uid))
		n->suid = n->euid;
	n->fsuid = n->euid;
	fix_caps(n, o);
	cred_commit(t, n);
	return 0;
}

SYSCALL2(setregid, uint32_t, rgid, uint32_t, egid)
{
	const struct cred *o = t->cred;
	bool priv = capable(CAP_SETGID);
	struct cred *n;

	if (!priv && rgid != KEEP && rgid != o->gid && rgid != o->egid)
		return -EPERM;
	if (!priv && egid != KEEP && egid != o->gid && egid != o->egid && egid != o->sgid)
		return -EPERM;
	n = copy(t);
	if (!n)
		return -ENOMEM;
	if (rgid != KEEP)
		n->gid = rgid;
	if (egid != KEEP)
		n->egid = egid;
	if (rgid != KEEP || (egid != KEEP && egid != o->gid))
		n->sgid = n->egid;
	n->fsgid = n->egid;
	cred_commit(t, n);
	return 0;
}

static bool one_of(uint32_t id, uint32_t a, uint32_t b, uint32_t c)
{
	return id == KEEP || id == a || id == b || id == c;
}

SYSCALL3(setresuid, uint32_t, ruid, uint32_t, euid, uint32_t, suid)
{
	const struct cred *o = t->cred;
	struct cred *n;

	if (!capable(CAP_SETUID) &&
	    (!one_of(ruid, o->uid, o->euid, o->suid) || !one_of(euid, o->uid, o->euid, o->suid) ||
	     !one_of(suid, o->uid, o->euid, o->suid)))
		return -EPERM;
	n = copy(t);
	if (!n)
		return -ENOMEM;
	if (ruid != KEEP)
		n->uid = ruid;
	if (euid != KEEP)
		n->euid = euid;
	if (suid != KEEP)
		n->suid = suid;
	n->fsuid = n->euid;
	fix_caps(n, o);
	cred_commit(t, n);
	return 0;
}

SYSCALL3(setresgid, uint32_t, rgid, uint32_t, egid, uint32_t, sgid)
{
	const struct cred *o = t->cred;
	struct cred *n;

	if (!capable(CAP_SETGID) &&
	    (!one_of(rgid, o->gid, o->egid, o->sgid) || !one_of(egid, o->gid, o->egid, o->sgid) ||
	     !one_of(sgid, o->gid, o->egid, o->sgid)))
		return -EPERM;
	n = copy(t);
	if (!n)
		return -ENOMEM;
	if (rgid != KEEP)
		n->gid = rgid;
	if (egid != KEEP)
		n->egid = egid;
	if (sgid != KEEP)
		n->sgid = sgid;
	n->fsgid = n->egid;
	cred_commit(t, n);
	return 0;
}

static long out3(up_uid r, up_uid e, up_uid s, uint32_t rv, uint32_t ev, uint32_t sv)
{
	int err = copy_out_obj(r, &rv);

	if (!err)
		err = copy_out_obj(e, &ev);
	if (!err)
		err = copy_out_obj(s, &sv);
	return err;
}

SYSCALL3(getresuid, up_uid, r, up_uid, e, up_uid, s)
{
	return out3(r, e, s, t->cred->uid, t->cred->euid, t->cred->suid);
}

SYSCALL3(getresgid, up_uid, r, up_uid, e, up_uid, s)
{
	return out3(r, e, s, t->cred->gid, t->cred->egid, t->cred->sgid);
}

SYSCALL1(setfsuid, uint32_t, uid)
{
	const struct cred *o = t->cred;
	uint32_t old = o->fsuid;
	struct cred *n;

	if (uid == KEEP || uid == old ||
	    (!capable(CAP_SETUID) && uid != o->uid && uid != o->euid && uid != o->suid))
		return old;
	n = copy(t);
	if (!n)
		return old;
	n->fsuid = uid;
	fix_fs_caps(n, old);
	cred_commit(t, n);
	return old;
}

SYSCALL1(setfsgid, uint32_t, gid)
{
	const struct cred *o = t->cred;
	uint32_t old = o->fsgid;
	struct cred *n;

	if (gid == KEEP || gid == old ||
	    (!capable(CAP_SETGID) && gid != o->gid && gid != o->egid && gid != o->sgid))
		return old;
	n = copy(t);
	if (!n)
		return old;
	n->fsgid = gid;
	cred_commit(t, n);
	return old;
}

SYSCALL2(getgroups, int, size, uaddr, list)
{
	const struct cred *c = t->cred;
	int err;

	if (size < 0)
		return -EINVAL;
	if (size) {
		if ((uint32_t)size < c->ngroups)
			return -EINVAL;
		err = copy_out(list, c->groups, c->ngroups * sizeof(c->groups[0]));
		if (err)
			return err;
	}
	return c->ngroups;
}

/* In ascending order, as Linux keeps and shows them.  Heap sort: no recursion, no memory. */
static void sort_groups(uint32_t *g, uint32_t n)
{
	for (uint32_t end = n, from = n / 2; end > 1; ) {
		uint32_t root, child, v;

		if (from) {
			root = --from;
			v = g[root];
		} else {
			root = 0;
			v = g[--end];
			g[end] = g[0];
		}
		for (; (child = 2 * root + 1) < end; root = child) {
			if (child + 1 < end && g[child + 1] > g[child])
				child++;
			if (g[child] <= v)
				break;
			g[root] = g[child];
		}
		g[root] = v;
	}
}

SYSCALL2(setgroups, int, size, uaddr, list)
{
	struct cred *n;
	int err;

	if (!capable(CAP_SETGID))
		return -EPERM;
	if ((unsigned)size > NGROUPS_MAX)
		return -EINVAL;
	n = cred_copy(t->cred, (uint32_t)size);
	if (!n)
		return -ENOMEM;
	err = copy_in(n->groups, list, (size_t)size * sizeof(n->groups[0]));
	if (err) {
		cred_put(n);
		return err;
	}
	n->ngroups = (uint32_t)size;
	sort_groups(n->groups, n->ngroups);
	cred_commit(t, n);
	return 0;
}
