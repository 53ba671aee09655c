/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID and /proc/PID/task/TID: directories of tables, and the inodes in
 * them.  See proc.h for how they name their task. */
#include "kernel/fs/proc/proc.h"
#include <linux_abi/dirent.h>

#define INO_PID(tid) (((uint64_t)(uint32_t)(tid) + 1) << 20)
#define INO_THREAD (1ull << 56)
#define INO_FD(fd) (4096 + (uint64_t)(fd) * 2)

struct task *pid_task_get(struct inode *i)
{
	struct pid_ref *r = pid_ref(i);
	struct task *t = task_find_get(r->tid);

	if (t && t->tg->start_order != r->birth) {
		task_put(t);
		t = NULL;
	}
	return t;
}

int proc_dir_group_get(struct file *f, struct tgroup **ret)
{
	struct task *t;

	if (f->ops != &pid_dir_fops || pid_ref(f->inode)->thread || pid_ref(f->inode)->e)
		return -EBADF;
	t = pid_task_get(f->inode);
	if (!t)
		return -ESRCH;
	*ret = tgroup_get(t->tg);
	task_put(t);
	return 0;
}

bool pid_may(struct task *t, bool guarded)
{
	return !guarded || t == current_task() || t->tg == current_task()->tg || task_may_access(t);
}

void pid_evict(struct inode *i)
{
	kfree(i->priv);
	i->priv = NULL;
}

/* Files of a process belong to who it runs as; those of a zombie, but for its
 * directories that anybody may read, to root. */
static void set_owner(struct inode *i, struct task *t)
{
	struct cred *c = task_get_cred(t);
	struct mm *mm = task_get_mm(t);
	bool owned = mm || i->mode == (S_IFDIR | 0555);

	i->uid = c && owned ? c->euid : 0;
	i->gid = c && owned ? c->egid : 0;
	if (mm)
		mm_put(mm);
	if (c)
		cred_put(c);
}

/* ---- files and links ---- */

static int entry_fill(struct file *f, struct sbuf *s)
{
	struct pid_ref *r = pid_ref(f->inode);
	struct task *t = pid_task_get(f->inode);
	int err = -ESRCH;

	if (!t)
		return err;
	if (r->e && !pid_may(t, r->e->guarded))
		err = -EACCES;
	else if (r->fdinfo)
		err = pid_fdinfo_fill(t, r->fd, s);
	else if (r->e && r->e->fill)
		err = r->e->fill(t, s);
	else
		err = -EINVAL;
	task_put(t);
	return err;
}

static int entry_store(struct file *f, const char *text, size_t n)
{
	struct pid_ref *r = pid_ref(f->inode);
	struct task *t = pid_task_get(f->inode);
	int err = -ESRCH;

	if (!t)
		return err;
	err = r->e && r->e->store ? r->e->store(t, text, n) : -EINVAL;
	task_put(t);
	return err;
}

static const struct pseudo_text_ops entry_text = { entry_fill, entry_store, false, false };
static const struct pseudo_text_ops entry_pwrite_text = { entry_fill, entry_store, true, false };

static int entry_open(struct inode *i, struct file *f)
{
	struct pid_ref *r = pid_ref(i);
	struct task *t = pid_task_get(i);
	bool may;

	if (!t)
		return -ESRCH;
	may = !r->e || pid_may(t, r->e->guarded);
	task_put(t);
	if (!may)
		return -EACCES;
	if (r->e && r->e->fops) {
		f->ops = r->e->fops;
		return 0;
	}
	return pseudo_text_open(f, r->e && r->e->pwrite ? &entry_pwrite_text : &entry_text);
}

static const struct inode_ops entry_iops = {
	.open = entry_open, .evict = pid_evict, .setattr = pseudo_setattr,
};

static int link_path(struct inode *i, struct path *ret)
{
	struct pid_ref *r = pid_ref(i);
	struct task *t = pid_task_get(i);
	int err = -ENOENT;

	if (!t)
		return err;
	if (!pid_may(t, true))
		err = -EACCES;
	else if (r->e->link)
		err = r->e->link(t, ret);
	task_put(t);
	return err;
}

static long link_readlink(struct inode *i, char *buf, size_t size)
{
	struct pid_ref *r = pid_ref(i);
	struct task *t;
	struct path p;
	char *tmp, *at;
	long n;
	int err;

	if (r->e->link_text) {
		t = pid_task_get(i);
		if (!t)
			return -ENOENT;
		n = pid_may(t, true) ? r->e->link_text(t, buf, size) : -EACCES;
		task_put(t);
		return n;
	}
	err = link_path(i, &p);
	if (err)
		return err;
	tmp = kmalloc(PATH_MAX);
	if (!tmp) {
		path_put(&p);
		return -ENOMEM;
	}
	at = path_name(&p, NULL, tmp, PATH_MAX, &err);
	path_put(&p);
	n = err;
	if (!err) {
		n = (long)MIN(strlen(at), size);
		memcpy(buf, at, (size_t)n);
	}
	kfree(tmp);
	return n;
}

static const struct inode_ops link_iops = {
	.readlink = link_readlink, .get_link_path = link_path, .evict = pid_evict,
};

int pid_inode(struct super_block *sb, struct task *t, const struct pid_entry *e, bool thread,
	      int fd, bool fdinfo, uint32_t mode, struct inode **ret)
{
	struct pid_ref *r = kzalloc(sizeof(*r));
	struct inode *i = r ? inode_new(sb, mode) : NULL;

	if (!i) {
		kfree(r);
		return -ENOMEM;
	}
	r->tid = t->tid;
	r->birth = t->tg->start_order;
	r->thread = thread;
	r->e = e;
	r->fd = fd;
	r->fdinfo = fdinfo;
	i->priv = r;
	i->ino = INO_PID(t->tid) | (thread ? INO_THREAD : 0);
	if (e)
		i->ino += (uint64_t)(uintptr_t)e >> 3 & 0xfff;
	if (fd >= 0)
		i->ino += INO_FD(fd) + fdinfo;
	set_owner(i, t);
	switch (mode & S_IFMT) {
	case S_IFDIR:
		i->nlink = 2;
		i->ops = e ? e->dir_iops : &pid_dir_iops;
		i->fops = e ? e->dir_fops : &pid_dir_fops;
		break;
	case S_IFLNK:
		i->ops = fd >= 0 ? &pid_fd_link_iops : &link_iops;
		i->size = fd >= 0 ? 64 : 0;
		break;
	default:
		i->ops = &entry_iops;
	}
	*ret = i;
	return 0;
}

/* ---- the directory of a task ---- */

static const struct pid_entry *find_entry(const struct pid_entry *e, const char *name, size_t n, bool thread)
{
	for (; e->name; e++)
		if (strlen(e->name) == n && !memcmp(e->name, name, n) &&
		    !(thread && n == 4 && !memcmp(name, "task", 4)))
			return e;
	return NULL;
}

static const struct pid_entry *table_of(struct inode *dir)
{
	return pid_ref(dir)->e ? pid_ref(dir)->e->children : pid_entries;
}

static int dir_lookup(struct inode *dir, const char *name, size_t n, struct inode **ret)
{
	struct pid_ref *r = pid_ref(dir);
	const struct pid_entry *e = find_entry(table_of(dir), name, n, r->thread);
	struct task *t;
	int err;

	if (!e)
		return -ENOENT;
	t = pid_task_get(dir);
	if (!t)
		return -ENOENT;
	err = pid_inode(dir->sb, t, e, r->thread, -1, false, e->mode, ret);
	task_put(t);
	return err;
}

static int dir_readdir(struct file *f, struct dir_sink *s)
{
	struct pid_ref *r = pid_ref(f->inode);
	struct task *t;
	uint64_t k = 2;

	t = pid_task_get(f->inode);
	if (!t)
		return -ENOENT;
	task_put(t);
	if (!dir_emit_dots(f, s))
		return 0;
	for (const struct pid_entry *e = table_of(f->inode); e->name; e++) {
		if (r->thread && !strcmp(e->name, "task"))
			continue;
		if (f->pos == k++ &&
		    !pseudo_emit(s, f, e->name, f->inode->ino + ((uint64_t)(uintptr_t)e >> 3 & 0xfff), e->mode))
			return 0;
	}
	return 0;
}

const struct inode_ops pid_dir_iops = { .lookup = dir_lookup, .evict = pid_evict };
const struct file_ops pid_dir_fops = { .readdir = dir_readdir, .lseek = generic_lseek };

/* ---- /proc and /proc/PID/task ---- */

static int32_t parse_tid(const char *name, size_t n)
{
	uint64_t v;

	if (!n || n > 9 || name[0] == '0' || kparse_u64(name, n, &v) || v > INT32_MAX)
		return -1;
	return (int32_t)v;
}

static struct task *leader_get(int32_t tgid)
{
	struct task *t = tgid > 0 ? task_find_get(tgid) : NULL;

	if (t && t->tg->tgid != tgid) {
		task_put(t);
		t = NULL;
	}
	return t;
}

int pid_lookup_root(struct inode *dir, const char *name, size_t n, struct inode **ret)
{
	struct task *t = task_find_get(parse_tid(name, n));
	int err;

	if (!t)
		return -ENOENT;
	err = pid_inode(dir->sb, t, NULL, false, -1, false, S_IFDIR | 0555, ret);
	task_put(t);
	return err;
}

bool pid_revalidate_root(struct inode *dir, const char *name, size_t n, struct inode *cached)
{
	struct task *t;

	if (parse_tid(name, n) < 0)
		return true;
	t = pid_task_get(cached);
	if (!t)
		return false;
	set_owner(cached, t);
	task_put(t);
	return true;
}

int32_t proc_next_tgid(int32_t from)
{
	struct tgroup *g;
	int32_t best = -1;

	spin_lock(&task_list_lock);
	list_for_each(g, &tgroup_list, all_link)
		if (g->tgid >= from && (best < 0 || g->tgid < best))
			best = g->tgid;
	spin_unlock(&task_list_lock);
	return best;
}

/* Positions of processes are their numbers, above all table entries. */
#define POS_PID 0x1000

int pid_readdir_root(struct file *f, struct dir_sink *s, uint64_t first_pos)
{
	char name[16];

	if (f->pos < POS_PID)
		f->pos = POS_PID;
	for (;;) {
		int32_t id = proc_next_tgid((int32_t)MIN(f->pos - POS_PID, (uint64_t)INT32_MAX));

		if (id < 0)
			return 0;
		ksnprintf(name, sizeof(name), "%d", id);
		if (!s->emit(s, name, strlen(name), INO_PID(id), DT_DIR, POS_PID + (int64_t)id + 1))
			return 0;
		f->pos = POS_PID + (uint64_t)id + 1;
	}
}

static int task_lookup(struct inode *dir, const char *name, size_t n, struct inode **ret)
{
	struct task *t = task_find_get(parse_tid(name, n));
	int err = -ENOENT;

	if (t && t->tg->start_order == pid_ref(dir)->birth)
		err = pid_inode(dir->sb, t, NULL, true, -1, false, S_IFDIR | 0555, ret);
	if (t)
		task_put(t);
	return err;
}

static int32_t next_tid(struct tgroup *g, int32_t from)
{
	struct task *t;
	int32_t best = -1;

	spin_lock(&task_list_lock);
	list_for_each(t, &g->threads, thread_link)
		if (t->tid >= from && (best < 0 || t->tid < best))
			best = t->tid;
	spin_unlock(&task_list_lock);
	return best;
}

static int task_readdir(struct file *f, struct dir_sink *s)
{
	struct task *t;
	char name[16];

	if (!dir_emit_dots(f, s))
		return 0;
	t = leader_get(pid_ref(f->inode)->tid);
	if (!t)
		return -ENOENT;
	for (;;) {
		int32_t id = next_tid(t->tg, (int32_t)MIN(f->pos - 2, (uint64_t)INT32_MAX));

		if (id < 0)
			break;
		ksnprintf(name, sizeof(name), "%d", id);
		if (!s->emit(s, name, strlen(name), INO_PID(id) | INO_THREAD, DT_DIR, (int64_t)id + 3))
			break;
		f->pos = (uint64_t)id + 3;
	}
	task_put(t);
	return 0;
}

/* A link for each thread: so programs see whether they have only one. */
static int task_dir_getattr(struct inode *i, struct kstat *ret)
{
	struct task *t = pid_task_get(i), *each;

	inode_fill_stat(i, ret);
	if (!t)
		return 0;
	spin_lock(&task_list_lock);
	list_for_each(each, &t->tg->threads, thread_link)
		ret->nlink++;
	spin_unlock(&task_list_lock);
	task_put(t);
	return 0;
}

const struct inode_ops pid_task_dir_iops = {
	.lookup = task_lookup, .getattr = task_dir_getattr, .evict = pid_evict, .revalidate = pid_revalidate_root,
};
const struct file_ops pid_task_dir_fops = { .readdir = task_readdir, .lseek = generic_lseek };
