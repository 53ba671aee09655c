/* SPDX-License-Identifier: Apache-2.0 */
/* System V message queues: msgget(2), msgop(2), msgctl(2).
 *
 * Messages are copied before and after the one spinlock of all queues is
 * taken.  Sleepers try anew whenever their queue changes. */
#include "kernel/ipc/ipc.h"
#include "kernel/ipc/sysv.h"
#include "kernel/syscall/syscall.h"

#define LLU(v) ((unsigned long long)(v))
#define MSGMAX 8192u
#define MSGMNB 16384u
#define BYTES_MAX (32u << 20)           /* of all queues */

struct msg { struct list link; int64_t type; uint32_t size; uint8_t data[]; };

struct msgqueue {
	struct sysv_object o;
	struct list msgs;
	uint64_t bytes, count, max_bytes;
	int64_t stime, rtime;
	int32_t lspid, lrpid;
	struct waitq wq;
};

static struct sysv_table queues;
static uint64_t bytes_total;            /* queues.lock */

static struct msgqueue *find(int32_t id) { return (struct msgqueue *)sysv_find(&queues, id); }

static void put(struct msgqueue *q)
{
	struct msg *m, *tmp;

	if (!ref_put(&q->o.ref))
		return;
	list_for_each_safe(m, tmp, &q->msgs, link)
		kfree(m);
	kfree(q);
}

SYSCALL2(msgget, int, key, int, flags)
{
	struct msgqueue *q = kzalloc(sizeof *q);
	struct sysv_object *o;
	long ret;

	if (!q)
		return -ENOMEM;
	list_init(&q->msgs);
	waitq_init(&q->wq);
	q->max_bytes = MSGMNB;
	spin_lock(&queues.lock);
	ret = sysv_get_existing(&queues, key, flags, &o);
	if (!o && !ret) {
		ret = sysv_insert(&queues, &q->o, key, flags);
		if (!ret) {
			ret = q->o.id;
			q = NULL;
		}
	}
	spin_unlock(&queues.lock);
	kfree(q);
	return ret;
}

/* The queue with a reference; want: permission bits. */
static int get(int id, unsigned want, struct msgqueue **ret)
{
	struct msgqueue *q;
	int err = 0;

	spin_lock(&queues.lock);
	q = find(id);
	if (!q)
		err = -EINVAL;
	else if (!sysv_permitted(&q->o, want))
		err = -EACCES;
	else
		ref_get(&q->o.ref);
	spin_unlock(&queues.lock);
	*ret = q;
	return err;
}

/* ---- send ---- */

/* True when it is done with (result set). */
static bool try_send(struct msgqueue *q, struct msg *m, int *result)
{
	bool room;

	spin_lock(&queues.lock);
	*result = 0;
	room = q->bytes + m->size <= q->max_bytes && q->count + 1 <= q->max_bytes &&
	       bytes_total + m->size <= BYTES_MAX;
	if (q->o.removed) {
		*result = -EIDRM;
	} else if (room) {
		list_push_back(&q->msgs, &m->link);
		q->bytes += m->size;
		bytes_total += m->size;
		q->count++;
		q->stime = sysv_now();
		q->lspid = current_task()->tg->tgid;
	} else {
		*result = -EAGAIN;
	}
	spin_unlock(&queues.lock);
	return *result != -EAGAIN;
}

SYSCALL4(msgsnd, int, id, uaddr, umsg, size_t, size, int, flags)
{
	struct msgqueue *q;
	struct msg *m;
	int64_t type;
	int err, result;

	if (size > MSGMAX || id < 0)
		return -EINVAL;
	err = copy_in(&type, umsg, sizeof type);
	if (err)
		return err;
	if (type < 1)
		return -EINVAL;
	m = kmalloc(sizeof *m + size);
	if (!m)
		return -ENOMEM;
	m->type = type;
	m->size = (uint32_t)size;
	err = copy_in(m->data, uaddr_add(umsg, sizeof type), size);
	if (!err)
		err = get(id, 2, &q);
	if (err) {
		kfree(m);
		return err;
	}
	if (!try_send(q, m, &result) && !(flags & IPC_NOWAIT)) {
		err = wait_event_interruptible(&q->wq, try_send(q, m, &result));
		if (err)
			result = -ERESTARTNOHAND;
	}
	if (result)
		kfree(m);
	else
		waitq_wake_all(&q->wq, 0);
	put(q);
	return result;
}

/* ---- receive ---- */

static struct msg *pick(struct msgqueue *q, int64_t type, int flags)
{
	struct msg *m, *best = NULL;

	list_for_each(m, &q->msgs, link) {
		if (type == 0)
			return m;
		if (type > 0) {
			if ((m->type == type) != !!(flags & MSG_EXCEPT))
				return m;
		} else if (m->type <= -type && (!best || m->type < best->type)) {
			best = m;
		}
	}
	return best;
}

/* A copy of the message at place `type`, which stays there; msg room for MSGMAX bytes. */
static int copy_at(struct msgqueue *q, int64_t type, int flags, size_t size, struct msg *copy)
{
	int result;
	struct msg *m, *at = NULL;
	int64_t n = 0;

	spin_lock(&queues.lock);
	list_for_each(m, &q->msgs, link) {
		if (n++ == type) {
			at = m;
			break;
		}
	}
	result = q->o.removed ? -EIDRM : !at ? -ENOMSG : 0;
	if (!result && at->size > size)
		result = flags & MSG_NOERROR ? -EINVAL : -E2BIG;
	if (!result) {
		copy->type = at->type;
		copy->size = at->size;
		memcpy(copy->data, at->data, at->size);
	}
	spin_unlock(&queues.lock);
	return result;
}

static bool try_recv(struct msgqueue *q, int64_t type, int flags, size_t size, struct msg **ret, int *result)
{
	struct msg *m;

	spin_lock(&queues.lock);
	*result = 0;
	*ret = NULL;
	m = q->o.removed ? NULL : pick(q, type, flags);
	if (q->o.removed) {
		*result = -EIDRM;
	} else if (!m) {
		*result = -ENOMSG;
	} else if (m->size > size && !(flags & MSG_NOERROR)) {
		*result = -E2BIG;
	} else {
		list_del(&m->link);
		q->bytes -= m->size;
		bytes_total -= m->size;
		q->count--;
		q->rtime = sysv_now();
		q->lrpid = current_task()->tg->tgid;
		*ret = m;
	}
	spin_unlock(&queues.lock);
	return *result != -ENOMSG;
}

static long recv_out(struct msg *m, uaddr umsg, size_t size)
{
	size_t n = MIN((size_t)m->size, size);

	if (copy_out(umsg, &m->type, sizeof m->type) || copy_out(uaddr_add(umsg, sizeof m->type), m->data, n))
		return -EFAULT;
	return (long)n;
}

static long recv_copy(int id, uaddr umsg, size_t size, int64_t type, int flags)
{
	struct msgqueue *q;
	struct msg *m;
	int result;

	if ((flags & MSG_EXCEPT) || !(flags & IPC_NOWAIT))
		return -EINVAL;
	m = kmalloc(sizeof *m + MSGMAX);
	if (!m)
		return -ENOMEM;
	result = get(id, 4, &q);
	if (!result) {
		result = copy_at(q, type, flags, size, m);
		put(q);
	}
	if (!result)
		result = (int)recv_out(m, umsg, size);
	kfree(m);
	return result;
}

SYSCALL5(msgrcv, int, id, uaddr, umsg, size_t, size, int64_t, type, int, flags)
{
	struct msgqueue *q;
	struct msg *m = NULL;
	int err, result;
	long ret;

	if (id < 0 || (int64_t)size < 0)
		return -EINVAL;
	if (flags & MSG_COPY)
		return recv_copy(id, umsg, size, type, flags);
	if (type == INT64_MIN)
		type = -INT64_MAX;
	err = get(id, 4, &q);
	if (err)
		return err;
	if (!try_recv(q, type, flags, size, &m, &result) && !(flags & IPC_NOWAIT)) {
		err = wait_event_interruptible(&q->wq, try_recv(q, type, flags, size, &m, &result));
		if (err)
			result = -ERESTARTNOHAND;
	}
	ret = result;
	if (m) {
		waitq_wake_all(&q->wq, 0);
		ret = recv_out(m, umsg, size);
		kfree(m);
	}
	put(q);
	return ret;
}

/* ---- control ---- */

static long info(int cmd, uaddr arg)
{
	struct linux_msginfo mi = {
		.msgpool = SYSV_SLOTS * (MSGMNB / 1024), .msgmap = MSGMNB, .msgmax = MSGMAX, .msgmnb = MSGMNB,
		.msgmni = SYSV_SLOTS, .msgssz = 16, .msgtql = MSGMNB, .msgseg = 0xffff,
	};
	unsigned top;

	spin_lock(&queues.lock);
	if (cmd == MSG_INFO) {
		uint64_t n = 0;

		for (unsigned i = 0; i < queues.top; i++)
			n += queues.slot[i] ? ((struct msgqueue *)queues.slot[i])->count : 0;
		mi.msgpool = (int32_t)queues.used;
		mi.msgmap = (int32_t)n;
		mi.msgtql = (int32_t)bytes_total;
	}
	top = queues.top;
	spin_unlock(&queues.lock);
	if (copy_out(arg, &mi, sizeof mi))
		return -EFAULT;
	return top ? (long)top - 1 : 0;
}

/* queues.lock held */
static void fill_ds_locked(const struct msgqueue *q, struct linux_msqid_ds *ds)
{
	memset(ds, 0, sizeof *ds);
	sysv_fill_perm(&q->o, &ds->perm);
	ds->stime = q->stime;
	ds->rtime = q->rtime;
	ds->ctime = q->o.ctime;
	ds->cbytes = q->bytes;
	ds->qnum = q->count;
	ds->qbytes = q->max_bytes;
	ds->lspid = q->lspid;
	ds->lrpid = q->lrpid;
}

void sysvipc_show_msg(struct sbuf *s)
{
	struct linux_msqid_ds d;
	struct msgqueue *q;
	int32_t id = 0;

	sbuf_printf(s, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid"
		    "      stime      rtime      ctime\n");
	for (unsigned i = 0; i < SYSV_SLOTS; i++) {
		spin_lock(&queues.lock);
		q = (struct msgqueue *)queues.slot[i];
		if (q) {
			fill_ds_locked(q, &d);
			id = q->o.id;
		}
		spin_unlock(&queues.lock);
		if (q)
			sbuf_printf(s, "%10d %10d  %4o  %10llu %10llu %5u %5u %5u %5u %5u %5u %10llu %10llu %10llu\n",
				    d.perm.key, id, d.perm.mode, LLU(d.cbytes), LLU(d.qnum), (unsigned)d.lspid,
				    (unsigned)d.lrpid, d.perm.uid, d.perm.gid, d.perm.cuid, d.perm.cgid,
				    LLU(d.stime), LLU(d.rtime), LLU(d.ctime));
	}
}

static long stat_out(struct msgqueue *q, uaddr arg)
{
	struct linux_msqid_ds ds;

	spin_lock(&queues.lock);
	fill_ds_locked(q, &ds);
	spin_unlock(&queues.lock);
	return copy_out(arg, &ds, sizeof ds);
}

static long set_queue(struct msgqueue *q, uaddr arg)
{
	struct linux_msqid_ds ds;
	long err = 0;

	if (copy_in(&ds, arg, sizeof ds))
		return -EFAULT;
	spin_lock(&queues.lock);
	if (ds.qbytes > MSGMNB && !capable(CAP_SYS_RESOURCE)) {
		err = -EPERM;
	} else {
		sysv_set_perm(&q->o, &ds.perm);
		q->max_bytes = MIN(ds.qbytes, (uint64_t)BYTES_MAX);
	}
	spin_unlock(&queues.lock);
	waitq_wake_all(&q->wq, 0);
	return err;
}

static long remove_queue(struct msgqueue *q)
{
	spin_lock(&queues.lock);
	if (q->o.removed) {
		spin_unlock(&queues.lock);
		return -EIDRM;
	}
	sysv_remove(&queues, &q->o);
	bytes_total -= q->bytes;
	spin_unlock(&queues.lock);
	waitq_wake_all(&q->wq, 0);
	put(q);                         /* the table's */
	return 0;
}

SYSCALL3(msgctl, int, id, int, cmd, uaddr, arg)
{
	struct msgqueue *q;
	bool by_index, owner;
	long ret = 0;

	cmd &= ~IPC_64;
	if (cmd == IPC_INFO || cmd == MSG_INFO)
		return info(cmd, arg);
	by_index = cmd == MSG_STAT || cmd == MSG_STAT_ANY;
	owner = cmd == IPC_RMID || cmd == IPC_SET;
	if (!by_index && !owner && cmd != IPC_STAT)
		return -EINVAL;
	spin_lock(&queues.lock);
	if (by_index)
		q = (struct msgqueue *)sysv_at(&queues, id);
	else
		q = find(id);
	if (!q)
		ret = -EINVAL;
	else if (owner && !sysv_owner(&q->o))
		ret = -EPERM;
	else if (!owner && cmd != MSG_STAT_ANY && !sysv_permitted(&q->o, 4))
		ret = -EACCES;
	else
		ref_get(&q->o.ref);
	spin_unlock(&queues.lock);
	if (ret)
		return ret;
	if (cmd == IPC_RMID)
		ret = remove_queue(q);
	else if (cmd == IPC_SET)
		ret = set_queue(q, arg);
	else
		ret = stat_out(q, arg);
	if (!ret && by_index)
		ret = q->o.id;
	put(q);
	return ret;
}
