/* SPDX-License-Identifier: Apache-2.0 */
/* The table of tasks: pid hash, process list, lifetime of task and tgroup.
 *
 * References: the table holds one on every published task and one on every
 * published group; a running task holds one on itself (dropped after its last
 * switch); every task holds one on its group.  Group to parent and children
 * are plain pointers under task_list_lock.
 * Locks: task_list_lock for everything here but the counts. */
#include "kernel/ipc/grant.h"
#include "kernel/fs/tmpfs/tmpfs.h"
#include "kernel/net/net.h"
#include "kernel/security/security.h"
#include "kernel/task/internal.h"
#include <boot.h>
#include <linux_abi/utsname.h>

#define TID_HASH 4096u

struct spinlock task_list_lock = SPINLOCK_INIT;
struct list tgroup_list = LIST_INIT(tgroup_list);
struct container *container0;

static struct list tid_hash[TID_HASH];          /* task_list_lock */
static unsigned published;                      /* task_list_lock; read freely */
static bool pid_wrapped;                        /* task_list_lock */
static uint64_t start_order;                    /* task_list_lock */

static struct list *tid_bucket(int32_t tid)
{
	return &tid_hash[(uint32_t)tid % TID_HASH];
}

void task_table_init(void)
{
	for (unsigned i = 0; i < TID_HASH; i++)
		list_init(&tid_hash[i]);
}

unsigned task_count(void)
{
	return __atomic_load_n(&published, __ATOMIC_RELAXED);
}

/* ---- structs ---- */

struct task *task_new(void)
{
	struct task *t = kzalloc(sizeof(*t));
	size_t xsize = align_up(plat_xstate_size(), PLAT_PAGE_SIZE);

	if (!t)
		return NULL;
	/* The heap aligns from a page upwards; xstate wants 64 bytes. */
	t->uctx.xstate = kzalloc(xsize);
	if (!t->uctx.xstate) {
		kfree(t);
		return NULL;
	}
	ref_init(&t->ref);
	list_init(&t->thread_link);
	list_init(&t->hash_link);
	list_init(&t->ptracees);
	sigpending_init(&t->pending);
	t->syscall_nr = -1;
	t->timer_slack_ns = TIMER_SLACK_NS;
	return t;
}

struct task *task_get(struct task *t)
{
	ref_get(&t->ref);
	return t;
}

static void task_free(struct task *t)
{
	if (t->sighand)
		sighand_put(t->sighand);
	if (t->cred)
		cred_put(t->cred);
	if (t->utsns)
		utsns_put(t->utsns);
	netns_put(t->netns);
	seccomp_task_free(t);
	if (t->tg)
		tgroup_put(t->tg);
	plat_user_end(&t->uctx);
	grants_free(t);
	kfree(t->uctx.xstate);
	kfree(t);
}

void task_put(struct task *t)
{
	if (t && ref_put(&t->ref))
		task_free(t);
}

/* Set-up failed half-way: what task_exit() would have dropped goes here. */
void task_free_unstarted(struct task *t)
{
	if (t->files)
		files_put(t->files);
	if (t->fs)
		fs_info_put(t->fs);
	if (t->mntns)
		mntns_put(t->mntns);
	if (t->mm)
		mm_put(t->mm);
	if (t->vfork && ref_put(&t->vfork->ref))
		kfree(t->vfork);
	if (t->se.kstack_top)
		sched_task_free(t);
	task_put(t);
}

struct tgroup *tgroup_new(void)
{
	struct tgroup *g = kzalloc(sizeof(*g));

	if (!g)
		return NULL;
	ref_init(&g->ref);
	list_init(&g->threads);
	list_init(&g->children);
	list_init(&g->sibling);
	list_init(&g->all_link);
	spin_init(&g->lock);
	sigpending_init(&g->pending);
	waitq_init(&g->child_wait);
	waitq_init(&g->exit_wait);
	g->start_ns = plat_time_mono_ns();
	g->dumpable = true;
	itimer_init(g);
	return g;
}

struct tgroup *tgroup_get(struct tgroup *g)
{
	ref_get(&g->ref);
	return g;
}

void tgroup_put(struct tgroup *g)
{
	if (!g || !ref_put(&g->ref))
		return;
	sigpending_flush(&g->pending, ~0ull);   /* nobody else can see it */
	if (g->session)
		session_put(g->session);
	kfree(g);
}

struct session *session_new(int32_t sid)
{
	struct session *s = kzalloc(sizeof(*s));

	if (s) {
		ref_init(&s->ref);
		s->sid = sid;
	}
	return s;
}

struct session *session_get(struct session *s)
{
	ref_get(&s->ref);
	return s;
}

void session_put(struct session *s)
{
	if (ref_put(&s->ref))
		kfree(s);
}

struct utsns *utsns_copy(struct utsns *from)
{
	struct utsns *ns = kzalloc(sizeof(*ns));

	if (!ns)
		return NULL;
	ref_init(&ns->ref);
	spin_init(&ns->lock);
	if (from) {
		spin_lock(&from->lock);
		memcpy(ns->hostname, from->hostname, sizeof(ns->hostname));
		memcpy(ns->domainname, from->domainname, sizeof(ns->domainname));
		spin_unlock(&from->lock);
	}
	return ns;
}

void utsns_put(struct utsns *ns)
{
	if (ref_put(&ns->ref))
		kfree(ns);
}

void container_init(const struct boot_params *bp)
{
	struct container *c = kzalloc(sizeof(*c));
	struct pidns *p = kzalloc(sizeof(*p));

	if (!c || !p)
		kpanic("no memory for the first container");
	ref_init(&c->ref);
	ref_init(&p->ref);
	p->next_pid = 1;
	p->ino = 0xeffffffcu;
	c->pidns = p;
	c->utsns = utsns_copy(NULL);
	c->mntns = mntns_new();
	if (!c->utsns || !c->mntns)
		kpanic("no memory for the first namespaces");
	kstrlcpy(c->utsns->hostname, bp->hostname ? bp->hostname : "nacre", sizeof(c->utsns->hostname));
	kstrlcpy(c->utsns->domainname, "(none)", sizeof(c->utsns->domainname));
	c->memory_limit = bp->memory_limit;
	c->pids_limit = bp->pids_limit;
	tmpfs_memory(bp->memory_limit);
	container0 = c;
}

/* ---- pids ---- */

struct task *task_find_locked(int32_t tid)
{
	struct task *t;

	list_for_each(t, tid_bucket(tid), hash_link)
		if (t->tid == tid)
			return t;
	return NULL;
}

/* A number is taken while a task, a process group or a session bears it. */
static bool pid_in_use_locked(int32_t pid)
{
	struct tgroup *g;

	if (task_find_locked(pid))
		return true;
	if (!pid_wrapped)
		return false;
	list_for_each(g, &tgroup_list, all_link)
		if (g->pgid == pid || (g->session && g->session->sid == pid))
			return true;
	return false;
}

int pid_take_locked(int32_t pid)
{
	bool was = pid_wrapped;

	if (pid < 1 || pid >= PID_MAX)
		return -EINVAL;
	pid_wrapped = true;             /* numbers come out of turn from now on */
	if (!pid_in_use_locked(pid))
		return 0;
	pid_wrapped = was;
	return -EEXIST;
}

int pid_alloc_locked(struct pidns *ns, int32_t *ret)
{
	/* At most TASKS_MAX tasks, each with three numbers: a free one comes
	 * soon. */
	for (unsigned tries = 0; tries < 4 * TASKS_MAX; tries++) {
		int32_t pid = ns->next_pid;

		if (pid >= PID_MAX) {
			pid = PID_RESERVED;
			pid_wrapped = true;
		}
		ns->next_pid = pid + 1;
		if (!pid_in_use_locked(pid)) {
			*ret = pid;
			return 0;
		}
	}
	return -EAGAIN;
}

void task_publish_locked(struct task *t)
{
	task_get(t);
	list_push_back(tid_bucket(t->tid), &t->hash_link);
	list_push_back(&t->tg->threads, &t->thread_link);
	t->tg->thread_count++;
	__atomic_store_n(&published, published + 1, __ATOMIC_RELAXED);
}

void tgroup_publish_locked(struct tgroup *g)
{
	tgroup_get(g);
	g->start_order = ++start_order;
	list_push_back(&tgroup_list, &g->all_link);
	if (g->parent)
		list_push_back(&g->parent->children, &g->sibling);
}

/* Out of hash and thread list; the table's reference passes to the caller. */
void task_unhash_locked(struct task *t)
{
	list_del(&t->hash_link);
	list_del(&t->thread_link);
	__atomic_store_n(&published, published - 1, __ATOMIC_RELAXED);
}

/* exec by a thread other than the leader: it takes over the leader's number. */
void task_rehash_locked(struct task *t, int32_t tid)
{
	list_del(&t->hash_link);
	t->tid = tid;
	list_push_back(tid_bucket(tid), &t->hash_link);
}

unsigned task_count_uid_locked(uint32_t uid)
{
	struct tgroup *g;
	unsigned n = 0;

	list_for_each(g, &tgroup_list, all_link)
		if (!g->zombie && g->leader->cred && g->leader->cred->uid == uid)
			n += g->thread_count;
	return n;
}

/* ---- finding ---- */

struct task *task_find_get(int32_t tid)
{
	struct task *t;

	spin_lock(&task_list_lock);
	t = task_find_locked(tid);
	if (t)
		task_get(t);
	spin_unlock(&task_list_lock);
	return t;
}

struct tgroup *tgroup_find_get(int32_t tgid)
{
	struct tgroup *g = NULL;
	struct task *t;

	spin_lock(&task_list_lock);
	t = task_find_locked(tgid);
	if (t && t->tg->tgid == tgid)
		g = tgroup_get(t->tg);
	spin_unlock(&task_list_lock);
	return g;
}

struct mm *task_get_mm(struct task *t)
{
	struct mm *mm;

	spin_lock(&task_list_lock);
	mm = t->mm;
	if (mm)
		mm_get(mm);
	spin_unlock(&task_list_lock);
	return mm;
}

struct files *task_get_files(struct task *t)
{
	struct files *f;

	spin_lock(&task_list_lock);
	f = t->files;
	if (f)
		files_get(f);
	spin_unlock(&task_list_lock);
	if (f)
		files_settle(f);
	return f;
}

struct fs_info *task_get_fs(struct task *t)
{
	struct fs_info *f;

	spin_lock(&task_list_lock);
	f = t->fs;
	if (f)
		fs_info_get(f);
	spin_unlock(&task_list_lock);
	return f;
}

struct cred *task_get_cred(struct task *t)
{
	struct cred *c;

	spin_lock(&task_list_lock);
	c = cred_get(t->cred);
	spin_unlock(&task_list_lock);
	return c;
}
