/* SPDX-License-Identifier: Apache-2.0 */
/* System V semaphores: semget(2), semop(2), semctl(2).
 *
 * One spinlock for all sets: an operation is a handful of additions.  A
 * semop() that cannot go sleeps on its set's queue and tries anew whenever a
 * value changes.  Undo records hang on the set, by process; the process's last
 * thread applies them (sem_exit_group). */
#include "kernel/ipc/ipc.h"
#include "kernel/ipc/sysv.h"
#include "kernel/syscall/syscall.h"

#define LLU(v) ((unsigned long long)(v))
#define SEMMSL 32000
#define SEMMNS 1024000000               /* as told; what memory is given for: */
#define SEMS_MAX 1024000
#define SEMOPM 500u
#define SEMVMX 32767
#define OPS_INLINE 8

struct sem { uint16_t value; int32_t pid; uint16_t ncnt, zcnt; };

struct undo { struct list link; int32_t tgid; int16_t adj[]; };

struct semset {
	struct sysv_object o;
	int64_t otime;
	unsigned count;
	struct waitq wq;
	struct list undos;
	struct sem sem[];
};

static struct sysv_table sets;
static unsigned sems_total;             /* sets.lock */
static uint32_t undo_total;             /* atomic: nothing to do at exits while 0 */

static void put(struct semset *s)
{
	struct undo *u, *tmp;

	if (!ref_put(&s->o.ref))
		return;
	list_for_each_safe(u, tmp, &s->undos, link) {
		kfree(u);
		__atomic_fetch_sub(&undo_total, 1, __ATOMIC_RELAXED);
	}
	kfree(s);
}

static struct semset *find(int32_t id) { return (struct semset *)sysv_find(&sets, id); }

SYSCALL3(semget, int, key, int, n, int, flags)
{
	struct semset *s = NULL;
	struct sysv_object *o;
	long ret;

	if (n < 0 || n > SEMMSL)
		return -EINVAL;
	if (n) {
		s = kzalloc(sizeof *s + (size_t)n * sizeof s->sem[0]);
		if (!s)
			return -ENOMEM;
		s->count = (unsigned)n;
		waitq_init(&s->wq);
		list_init(&s->undos);
	}
	spin_lock(&sets.lock);
	ret = sysv_get_existing(&sets, key, flags, &o);
	if (o) {
		if ((unsigned)n > ((struct semset *)o)->count)
			ret = -EINVAL;
	} else if (!ret) {
		if (!s)
			ret = -EINVAL;
		else if (sems_total + s->count > SEMS_MAX)
			ret = -ENOSPC;
		else
			ret = sysv_insert(&sets, &s->o, key, flags);
		if (!ret) {
			sems_total += s->count;
			ret = s->o.id;
			s = NULL;
		}
	}
	spin_unlock(&sets.lock);
	kfree(s);
	return ret;
}

/* ---- semop ---- */

struct attempt {
	struct semset *s;
	const struct linux_sembuf *op;
	unsigned n;
	struct undo *undo;              /* spare, used when the process has none */
	bool want_undo;
	int32_t tgid;
	int result;                     /* 0 done, -EAGAIN would sleep, else error */
	struct sem *counted;            /* where we stand in ncnt or zcnt */
	bool counted_zero;
};

static struct undo *find_undo(struct semset *s, int32_t tgid)
{
	struct undo *u;

	list_for_each(u, &s->undos, link)
		if (u->tgid == tgid)
			return u;
	return NULL;
}

/* All or nothing; sets.lock held. */
static int try_ops(struct attempt *a, struct sem **blocker, bool *zero)
{
	struct undo *u = a->want_undo ? find_undo(a->s, a->tgid) : NULL;
	unsigned i;
	int err = 0;

	for (i = 0; i < a->n; i++) {
		const struct linux_sembuf *op = &a->op[i];
		struct sem *m = &a->s->sem[op->num];
		int v = (int)m->value + op->op;

		if (!op->op && m->value) {
			*blocker = m;
			*zero = true;
			err = -EAGAIN;
		} else if (v < 0) {
			*blocker = m;
			*zero = false;
			err = -EAGAIN;
		} else if (v > SEMVMX) {
			err = -ERANGE;
		} else if (op->flg & SEM_UNDO) {
			int adj = (u ? u->adj[op->num] : 0) - op->op;

			if (adj < -SEMVMX - 1 || adj > SEMVMX)
				err = -ERANGE;
		}
		if (err) {
			if (err == -EAGAIN && op->flg & IPC_NOWAIT)
				*blocker = NULL;
			break;
		}
		m->value = (uint16_t)v;
	}
	if (err) {
		while (i--)
			a->s->sem[a->op[i].num].value = (uint16_t)(a->s->sem[a->op[i].num].value - a->op[i].op);
		return err;
	}
	if (a->want_undo && !u) {
		u = a->undo;
		a->undo = NULL;
		u->tgid = a->tgid;
		list_push_back(&a->s->undos, &u->link);
		__atomic_fetch_add(&undo_total, 1, __ATOMIC_RELAXED);
	}
	for (i = 0; i < a->n; i++) {
		const struct linux_sembuf *op = &a->op[i];

		a->s->sem[op->num].pid = a->tgid;
		if (op->flg & SEM_UNDO)
			u->adj[op->num] = (int16_t)(u->adj[op->num] - op->op);
	}
	a->s->otime = sysv_now();
	return 0;
}

static void uncount(struct attempt *a)
{
	if (a->counted)
		a->counted_zero ? a->counted->zcnt-- : a->counted->ncnt--;
	a->counted = NULL;
}

/* True when there is no more to wait for. */
static bool attempt(struct attempt *a)
{
	struct sem *blocker = NULL;
	bool zero = false, done;

	spin_lock(&sets.lock);
	uncount(a);
	a->result = a->s->o.removed ? -EIDRM : try_ops(a, &blocker, &zero);
	done = a->result != -EAGAIN || !blocker;
	if (!done) {
		a->counted = blocker;
		a->counted_zero = zero;
		zero ? blocker->zcnt++ : blocker->ncnt++;
	}
	spin_unlock(&sets.lock);
	return done;
}

static int check_ops(struct semset *s, const struct linux_sembuf *op, unsigned n, bool *undo)
{
	bool alters = false;

	*undo = false;
	for (unsigned i = 0; i < n; i++) {
		if (op[i].num >= s->count)
			return -EFBIG;
		alters |= op[i].op != 0;
		*undo |= (op[i].flg & SEM_UNDO) != 0;
	}
	return sysv_permitted(&s->o, alters ? 2 : 4) ? 0 : -EACCES;
}

static long semop_run(struct task *t, int id, const struct linux_sembuf *op, unsigned n, uint64_t deadline)
{
	struct attempt a = { .op = op, .n = n, .tgid = t->tg->tgid };
	long err;
	int w = 0;

	spin_lock(&sets.lock);
	a.s = find(id);
	err = a.s ? check_ops(a.s, op, n, &a.want_undo) : -EINVAL;
	if (!err)
		ref_get(&a.s->o.ref);
	spin_unlock(&sets.lock);
	if (err)
		return err;
	if (a.want_undo) {
		a.undo = kzalloc(sizeof *a.undo + a.s->count * sizeof a.undo->adj[0]);
		if (!a.undo) {
			put(a.s);
			return -ENOMEM;
		}
	}
	if (!attempt(&a))
		w = WAIT_EVENT(&a.s->wq, TASK_INTERRUPTIBLE, deadline, attempt(&a));
	spin_lock(&sets.lock);
	uncount(&a);
	spin_unlock(&sets.lock);
	err = a.result;
	if (w && err == -EAGAIN)
		err = w == -ETIMEDOUT ? -EAGAIN : -EINTR;
	if (!err)
		waitq_wake_all(&a.s->wq, 0);
	kfree(a.undo);
	put(a.s);
	return err;
}

static long semop_call(struct task *t, int id, uaddr uops, size_t n, uaddr utimeout)
{
	struct linux_sembuf small[OPS_INLINE], *op = small;
	uint64_t deadline;
	long ret;

	if (!n)
		return -EINVAL;
	if (n > SEMOPM)
		return -E2BIG;
	ret = deadline_from_user(utimeout, &deadline);
	if (ret)
		return ret;
	if (n > OPS_INLINE) {
		op = kmalloc(n * sizeof *op);
		if (!op)
			return -ENOMEM;
	}
	ret = copy_in(op, uops, n * sizeof *op);
	if (!ret)
		ret = semop_run(t, id, op, (unsigned)n, deadline);
	if (op != small)
		kfree(op);
	return ret;
}

SYSCALL3(semop, int, id, uaddr, uops, size_t, n) { return semop_call(t, id, uops, n, (uaddr){ 0 }); }
SYSCALL4(semtimedop, int, id, uaddr, uops, size_t, n, uaddr, utimeout)
{
	return semop_call(t, id, uops, n, utimeout);
}

bool sem_has_undo(const struct tgroup *g)
{
	bool found = false;

	if (!__atomic_load_n(&undo_total, __ATOMIC_RELAXED))
		return false;
	spin_lock(&sets.lock);
	for (unsigned i = 0; i < sets.top && !found; i++)
		found = sets.slot[i] && find_undo((struct semset *)sets.slot[i], g->tgid);
	spin_unlock(&sets.lock);
	return found;
}

/* The process ends: what it asked to undo is undone, as far as values allow. */
void sem_exit_group(struct tgroup *g)
{
	if (!__atomic_load_n(&undo_total, __ATOMIC_RELAXED))
		return;
	for (unsigned i = 0; i < __atomic_load_n(&sets.top, __ATOMIC_RELAXED); i++) {
		struct semset *s;
		struct undo *u = NULL;

		spin_lock(&sets.lock);
		s = (struct semset *)sets.slot[i];
		if (s)
			u = find_undo(s, g->tgid);
		if (u) {
			list_del(&u->link);
			__atomic_fetch_sub(&undo_total, 1, __ATOMIC_RELAXED);
			for (unsigned k = 0; k < s->count; k++) {
				int v = (int)s->sem[k].value + u->adj[k];

				if (!u->adj[k])
					continue;
				s->sem[k].value = (uint16_t)(v < 0 ? 0 : MIN(v, SEMVMX));
				s->sem[k].pid = g->tgid;
			}
			ref_get(&s->o.ref);
		}
		spin_unlock(&sets.lock);
		if (u) {
			waitq_wake_all(&s->wq, 0);
			put(s);
			kfree(u);
		}
	}
}

/* ---- semctl ---- */

static long info(int cmd, uaddr arg)
{
	struct linux_seminfo si = {
		.semmap = SEMMNS, .semmni = SYSV_SLOTS, .semmns = SEMMNS, .semmnu = SEMMNS,
		.semmsl = SEMMSL, .semopm = SEMOPM, .semume = SEMOPM, .semusz = 20,
		.semvmx = SEMVMX, .semaem = SEMVMX,
	};
	unsigned top;

	spin_lock(&sets.lock);
	if (cmd == SEM_INFO) {
		si.semusz = (int32_t)sets.used;
		si.semaem = (int32_t)sems_total;
	}
	top = sets.top;
	spin_unlock(&sets.lock);
	if (copy_out(arg, &si, sizeof si))
		return -EFAULT;
	return top ? (long)top - 1 : 0;
}

/* Values of a whole set in or out, through a kernel array. */
static long all_values(struct semset *s, int cmd, uaddr arg)
{
	uint16_t *v = kmalloc(s->count * sizeof *v);
	long err = v ? 0 : -ENOMEM;
	struct undo *u;

	if (!err && cmd == SEM_SETALL)
		err = copy_in(v, arg, s->count * sizeof *v);
	for (unsigned i = 0; !err && cmd == SEM_SETALL && i < s->count; i++)
		if (v[i] > SEMVMX)
			err = -ERANGE;
	if (!err) {
		spin_lock(&sets.lock);
		for (unsigned i = 0; i < s->count; i++) {
			if (cmd == SEM_SETALL)
				s->sem[i].value = v[i];
			else
				v[i] = s->sem[i].value;
		}
		if (cmd == SEM_SETALL) {
			list_for_each(u, &s->undos, link)
				memset(u->adj, 0, s->count * sizeof u->adj[0]);
			s->o.ctime = sysv_now();
		}
		spin_unlock(&sets.lock);
		if (cmd == SEM_SETALL)
			waitq_wake_all(&s->wq, 0);
		else
			err = copy_out(arg, v, s->count * sizeof *v);
	}
	kfree(v);
	return err;
}

void sysvipc_show_sem(struct sbuf *out)
{
	struct semset *s, copy;

	sbuf_printf(out, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
	for (unsigned i = 0; i < SYSV_SLOTS; i++) {
		spin_lock(&sets.lock);
		s = (struct semset *)sets.slot[i];
		if (s) {
			copy.o = s->o;
			copy.otime = s->otime;
			copy.count = s->count;
		}
		spin_unlock(&sets.lock);
		if (s)
			sbuf_printf(out, "%10d %10d  %4o %10u %5u %5u %5u %5u %10llu %10llu\n", copy.o.key, copy.o.id,
				    copy.o.mode, copy.count, copy.o.uid, copy.o.gid, copy.o.cuid, copy.o.cgid,
				    LLU(copy.otime), LLU(copy.o.ctime));
	}
}

static long stat_out(struct semset *s, uaddr arg)
{
	struct linux_semid_ds ds;

	memset(&ds, 0, sizeof ds);
	spin_lock(&sets.lock);
	sysv_fill_perm(&s->o, &ds.perm);
	ds.otime = s->otime;
	ds.ctime = s->o.ctime;
	ds.nsems = s->count;
	spin_unlock(&sets.lock);
	return copy_out(arg, &ds, sizeof ds);
}

static long remove_set(struct semset *s)
{
	spin_lock(&sets.lock);
	if (s->o.removed) {
		spin_unlock(&sets.lock);
		return -EIDRM;
	}
	sysv_remove(&sets, &s->o);
	sems_total -= s->count;
	spin_unlock(&sets.lock);
	waitq_wake_all(&s->wq, 0);
	put(s);                         /* the table's */
	return 0;
}

static long one_value(struct task *t, struct semset *s, unsigned num, int cmd, uint64_t arg)
{
	struct sem *m = &s->sem[num];
	int32_t v = (int32_t)arg;
	struct undo *u;
	long ret = 0;

	if (cmd == SEM_SETVAL && (v < 0 || v > SEMVMX))
		return -ERANGE;
	spin_lock(&sets.lock);
	switch (cmd) {
	case SEM_GETVAL: ret = m->value; break;
	case SEM_GETPID: ret = m->pid; break;
	case SEM_GETNCNT: ret = m->ncnt; break;
	case SEM_GETZCNT: ret = m->zcnt; break;
	default:
		m->value = (uint16_t)v;
		m->pid = t->tg->tgid;
		s->o.ctime = sysv_now();
		list_for_each(u, &s->undos, link)
			u->adj[num] = 0;
	}
	spin_unlock(&sets.lock);
	if (cmd == SEM_SETVAL)
		waitq_wake_all(&s->wq, 0);
	return ret;
}

static long set_perm(struct semset *s, uaddr arg)
{
	struct linux_semid_ds ds;

	if (copy_in(&ds, arg, sizeof ds))
		return -EFAULT;
	spin_lock(&sets.lock);
	sysv_set_perm(&s->o, &ds.perm);
	spin_unlock(&sets.lock);
	return 0;
}

/* What a command needs: 0 owner, else the permission bits. */
static unsigned need(int cmd)
{
	switch (cmd) {
	case IPC_RMID:
	case IPC_SET: return 0;
	case SEM_SETVAL:
	case SEM_SETALL: return 2;
	default: return 4;
	}
}

SYSCALL4(semctl, int, id, int, num, int, cmd, uint64_t, arg)
{
	struct semset *s;
	long ret = 0;

	cmd &= ~IPC_64;
	if (cmd == IPC_INFO || cmd == SEM_INFO)
		return info(cmd, (uaddr){ arg });
	if (cmd < 0 || cmd > SEM_STAT_ANY)
		return -EINVAL;
	spin_lock(&sets.lock);
	if (cmd == SEM_STAT || cmd == SEM_STAT_ANY)
		s = (struct semset *)sysv_at(&sets, id);
	else
		s = find(id);
	if (!s)
		ret = -EINVAL;
	else if (need(cmd) ? cmd != SEM_STAT_ANY && !sysv_permitted(&s->o, need(cmd)) : !sysv_owner(&s->o))
		ret = need(cmd) ? -EACCES : -EPERM;
	else
		ref_get(&s->o.ref);
	spin_unlock(&sets.lock);
	if (ret)
		return ret;
	switch (cmd) {
	case IPC_RMID: ret = remove_set(s); break;
	case IPC_SET: ret = set_perm(s, (uaddr){ arg }); break;
	case IPC_STAT: ret = stat_out(s, (uaddr){ arg }); break;
	case SEM_STAT:
	case SEM_STAT_ANY:
		ret = stat_out(s, (uaddr){ arg });
		if (!ret)
			ret = s->o.id;
		break;
	case SEM_GETALL:
	case SEM_SETALL: ret = all_values(s, cmd, (uaddr){ arg }); break;
	case SEM_GETVAL:
	case SEM_GETPID:
	case SEM_GETNCNT:
	case SEM_GETZCNT:
	case SEM_SETVAL:
		ret = num < 0 || (unsigned)num >= s->count ? -EINVAL : one_value(t, s, (unsigned)num, cmd, arg);
		break;
	default: ret = -EINVAL;
	}
	put(s);
	return ret;
}
