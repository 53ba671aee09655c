/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities: capget(2), capset(2), and the part of prctl(2) about them.
 * Rules: capabilities(7). */
#include "kernel/syscall/syscall.h"
#include "kernel/task/cred.h"
#include "kernel/task/internal.h"
#include <linux_abi/capability.h>
#include <linux_abi/prctl.h>

DECLARE_UPTR(up_cap_header, struct linux_cap_header);

/* How many words of data a version has; an unknown one is told the newest. */
static int read_header(up_cap_header uh, struct linux_cap_header *h, unsigned *ret_words)
{
	int err = copy_in_obj(h, uh);

	if (err)
		return err;
	switch (h->version) {
	case _LINUX_CAPABILITY_VERSION_1:
		*ret_words = 1;
		return 0;
	case _LINUX_CAPABILITY_VERSION_2:
	case _LINUX_CAPABILITY_VERSION_3:
		*ret_words = 2;
		return 0;
	default:
		h->version = _LINUX_CAPABILITY_VERSION_3;
		err = copy_out(((uaddr){ uh.va }), &h->version, sizeof(h->version));
		return err ? err : -EINVAL;
	}
}

SYSCALL2(capget, up_cap_header, uh, uaddr, udata)
{
	struct linux_cap_header h;
	struct linux_cap_data d[2];
	struct cred *c;
	unsigned words = 0;
	int err = read_header(uh, &h, &words);

	if (err)
		return err == -EINVAL && !udata.va ? 0 : err;
	if (h.pid < 0)
		return -EINVAL;
	if (h.pid && h.pid != t->tid) {
		struct task *o = task_find_get(h.pid);

		if (!o)
			return -ESRCH;
		c = task_get_cred(o);
		task_put(o);
	} else {
		c = cred_get(t->cred);
	}
	for (unsigned i = 0; i < 2; i++) {
		d[i].effective = (uint32_t)(c->cap_effective >> (32 * i));
		d[i].permitted = (uint32_t)(c->cap_permitted >> (32 * i));
		d[i].inheritable = (uint32_t)(c->cap_inheritable >> (32 * i));
	}
	cred_put(c);
	return udata.va ? copy_out(udata, d, words * sizeof(d[0])) : 0;
}

SYSCALL2(capset, up_cap_header, uh, uaddr, udata)
{
	struct linux_cap_header h;
	struct linux_cap_data d[2] = { 0 };
	const struct cred *o = t->cred;
	uint64_t eff, perm, inh;
	struct cred *n;
	unsigned words = 0;
	int err = read_header(uh, &h, &words);

	if (err)
		return err;
	if (h.pid && h.pid != t->tid)
		return -EPERM;
	err = copy_in(d, udata, words * sizeof(d[0]));
	if (err)
		return err;
	eff = (d[0].effective | (uint64_t)d[1].effective << 32) & CAP_FULL_SET;
	perm = (d[0].permitted | (uint64_t)d[1].permitted << 32) & CAP_FULL_SET;
	inh = (d[0].inheritable | (uint64_t)d[1].inheritable << 32) & CAP_FULL_SET;
	if (!capable(CAP_SETPCAP) && (inh & ~(o->cap_inheritable | o->cap_permitted)))
		return -EPERM;
	if ((inh & ~(o->cap_inheritable | o->cap_bounding)) || (perm & ~o->cap_permitted) || (eff & ~perm))
		return -EPERM;
	n = cred_copy(o, o->ngroups);
	if (!n)
		return -ENOMEM;
	n->cap_effective = eff;
	n->cap_permitted = perm;
	n->cap_inheritable = inh;
	n->cap_ambient &= perm & inh;
	cred_commit(t, n);
	return 0;
}

static long ambient(struct cred *n, const uint64_t *a)
{
	uint64_t cap = a[2], bit;

	if (a[1] == PR_CAP_AMBIENT_CLEAR_ALL) {
		if (a[2] || a[3] || a[4])
			return -EINVAL;
		n->cap_ambient = 0;
		return 0;
	}
	if (cap > CAP_LAST || a[3] || a[4])
		return -EINVAL;
	bit = 1ull << cap;
	switch (a[1]) {
	case PR_CAP_AMBIENT_IS_SET:
		return !!(n->cap_ambient & bit);
	case PR_CAP_AMBIENT_RAISE:
		if (!(n->cap_permitted & bit) || !(n->cap_inheritable & bit) ||
		    (n->securebits & SECBIT_NO_CAP_AMBIENT_RAISE))
			return -EPERM;
		n->cap_ambient |= bit;
		return 0;
	case PR_CAP_AMBIENT_LOWER:
		n->cap_ambient &= ~bit;
		return 0;
	default:
		return -EINVAL;
	}
}

static long set_securebits(struct cred *n, uint64_t bits)
{
	uint32_t old = n->securebits, locked = (old & SECBIT_LOCKS) >> 1;

	if (bits & ~(uint64_t)SECBIT_ALL || ((old ^ bits) & locked) ||
	    (old & SECBIT_LOCKS & ~bits) || !capable(CAP_SETPCAP))
		return -EPERM;
	n->securebits = (uint32_t)bits;
	return 0;
}

static long change(struct cred *n, int op, const uint64_t *a)
{
	switch (op) {
	case PR_CAPBSET_DROP:
		if (!capable(CAP_SETPCAP))
			return -EPERM;
		if (a[1] > CAP_LAST)
			return -EINVAL;
		n->cap_bounding &= ~(1ull << a[1]);
		return 0;
	case PR_CAP_AMBIENT:
		return ambient(n, a);
	case PR_SET_SECUREBITS:
		return set_securebits(n, a[1]);
	case PR_SET_KEEPCAPS:
		if (a[1] > 1)
			return -EINVAL;
		if (n->securebits & SECBIT_KEEP_CAPS << 1)
			return -EPERM;
		n->securebits &= ~SECBIT_KEEP_CAPS;
		if (a[1])
			n->securebits |= SECBIT_KEEP_CAPS;
		return 0;
	default:
		return -EINVAL;
	}
}

long cred_prctl(struct task *t, int op, const uint64_t *a, bool *ret_handled)
{
	struct cred *n;
	long r;

	*ret_handled = true;
	switch (op) {
	case PR_CAPBSET_READ:
		return a[1] > CAP_LAST ? -EINVAL : (long)(t->cred->cap_bounding >> a[1] & 1);
	case PR_GET_SECUREBITS:
		return t->cred->securebits;
	case PR_GET_KEEPCAPS:
		return !!(t->cred->securebits & SECBIT_KEEP_CAPS);
	case PR_CAPBSET_DROP:
	case PR_CAP_AMBIENT:
	case PR_SET_SECUREBITS:
	case PR_SET_KEEPCAPS:
		n = cred_copy(t->cred, t->cred->ngroups);
		if (!n)
			return -ENOMEM;
		r = change(n, op, a);
		if (r)
			cred_put(n);
		else
			cred_commit(t, n);
		return r;
	default:
		*ret_handled = false;
		return 0;
	}
}
