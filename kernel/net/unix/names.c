/* SPDX-License-Identifier: Apache-2.0 */
/* Names of Unix sockets: paths (an inode of type socket knows who is bound to
 * it) and abstract names (a hash table; each type of socket and each network
 * name space has names of its own). */
#include "kernel/net/unix/unix.h"

#define TABLE_SIZE 256u
#define AUTOBIND_TRIES 64

static struct spinlock unix_table_lock = SPINLOCK_INIT;
static struct list table[TABLE_SIZE];   /* unix_table_lock; lazily made */
static bool table_ready;

static struct list *slot(const struct unix_addr *a)
{
	if (!table_ready) {
		for (unsigned i = 0; i < TABLE_SIZE; i++)
			list_init(&table[i]);
		table_ready = true;
	}
	return &table[hash_bytes(&a->a.u, a->a.size) % TABLE_SIZE];
}

static struct unix_addr *addr_new(const struct sock_addr *a)
{
	struct unix_addr *n = kzalloc(sizeof *n);

	if (!n)
		return NULL;
	ref_init(&n->ref);
	n->a = *a;
	return n;
}

void unix_addr_put(struct unix_addr *a)
{
	if (a && ref_put(&a->ref))
		kfree(a);
}

struct unix_addr *unix_addr_get(struct unix_sock *u)
{
	struct unix_addr *a;

	spin_lock(&u->lock);
	a = u->addr;
	if (a)
		ref_get(&a->ref);
	spin_unlock(&u->lock);
	return a;
}

/* unix_table_lock held. */
static struct unix_sock *find_abstract(const struct unix_sock *like, const struct unix_addr *a)
{
	struct unix_sock *u;

	list_for_each(u, slot(a), name_link)
		if (u->type == like->type && u->ns == like->ns && u->addr->a.size == a->a.size &&
		    !memcmp(&u->addr->a.u, &a->a.u, a->a.size))
			return u;
	return NULL;
}

static bool is_path(const struct sock_addr *a)
{
	return a->size > SUN_PATH_OFFSET && a->u.ss.data[0];
}

/* The path without relying on a NUL within the user's size. */
static void path_of(const struct sock_addr *a, char *buf)
{
	size_t n = MIN(a->size - SUN_PATH_OFFSET, SUN_PATH_MAX);

	memcpy(buf, a->u.ss.data, n);
	buf[n] = 0;
}

int unix_addr_check(const struct sock_addr *a)
{
	if (a->size <= SUN_PATH_OFFSET || a->size > SUN_PATH_OFFSET + SUN_PATH_MAX ||
	    a->u.family != AF_UNIX)
		return -EINVAL;
	return 0;
}

/* u->addr is set once; the address consumed. */
static int set_addr(struct unix_sock *u, struct unix_addr *a)
{
	int err = 0;

	spin_lock(&u->lock);
	if (u->addr)
		err = -EINVAL;
	else
		__atomic_store_n(&u->addr, a, __ATOMIC_RELEASE);
	spin_unlock(&u->lock);
	if (err)
		unix_addr_put(a);
	return err;
}

static int bind_abstract(struct unix_sock *u, struct unix_addr *a)
{
	int err = 0;

	spin_lock(&unix_table_lock);
	if (find_abstract(u, a)) {
		err = -EADDRINUSE;
		unix_addr_put(a);
	} else {
		err = set_addr(u, a);
		if (!err)
			list_push_back(slot(a), &u->name_link);
	}
	spin_unlock(&unix_table_lock);
	return err;
}

static int bind_path(struct unix_sock *u, struct unix_addr *a)
{
	char name[SUN_PATH_MAX + 1];
	uint32_t mask = __atomic_load_n(&current_task()->fs->umask, __ATOMIC_RELAXED), mode;
	struct path p;
	int err;

	path_of(&a->a, name);
	/* The length that getsockname() shows counts the NUL: unix(7). */
	memset(a->a.u.ss.data, 0, sizeof a->a.u.ss.data);
	memcpy(a->a.u.ss.data, name, strlen(name));
	a->a.size = SUN_PATH_OFFSET + (unsigned)strlen(name) + 1;
	spin_lock(&u->lock);
	mode = u->sfile ? inode_mode(u->sfile->inode) & S_IALLUGO : 0777;      /* fchmod(2) before bind(2) */
	spin_unlock(&u->lock);
	err = path_make(AT_FDCWD, name, S_IFSOCK | (mode & ~mask), 0, &p);
	if (err) {
		unix_addr_put(a);
		return err == -EEXIST ? -EADDRINUSE : err;
	}
	err = set_addr(u, a);
	if (!err) {
		spin_lock(&unix_table_lock);
		u->path = p;
		u->inode = p.dentry->inode;
		u->inode->pipe = u;
		spin_unlock(&unix_table_lock);
	} else {
		path_put(&p);
	}
	return err;
}

int unix_open_path(struct unix_sock *u, struct file **ret)
{
	struct path p = { 0 };
	int err;

	spin_lock(&unix_table_lock);
	if (u->inode) {
		p = u->path;
		path_get(&p);
	}
	spin_unlock(&unix_table_lock);
	if (!p.dentry)
		return -ENOENT;
	err = path_open_nameless(&p, O_PATH, ret);
	path_put(&p);
	return err;
}

int unix_autobind(struct unix_sock *u)
{
	static const char digits[] = "0123456789abcdef";
	int err = -EADDRINUSE;

	for (int i = 0; i < AUTOBIND_TRIES && err == -EADDRINUSE; i++) {
		struct sock_addr a = { .size = SUN_PATH_OFFSET + 6 };
		struct unix_addr *n;
		uint32_t r;

		krandom(&r, sizeof r);
		a.u.family = AF_UNIX;
		for (unsigned k = 1; k <= 5; k++, r >>= 4)
			a.u.ss.data[k] = (uint8_t)digits[r & 15];
		n = addr_new(&a);
		if (!n)
			return -ENOMEM;
		err = bind_abstract(u, n);
	}
	return err == -EINVAL ? 0 : err;        /* somebody bound it meanwhile */
}

/* A socket has one name; what is wrong with the path is said first. */
static int bind_again(const struct sock_addr *a)
{
	char name[SUN_PATH_MAX + 1], *slash = name;
	struct path p;
	int err;

	if (!is_path(a))
		return -EINVAL;
	path_of(a, name);
	err = path_lookup(AT_FDCWD, name, 0, &p);
	if (!err) {
		path_put(&p);
		return -EADDRINUSE;
	}
	if (err != -ENOENT)
		return err;
	for (char *c = name; *c; c++)
		if (*c == '/')
			slash = c;
	if (slash > name) {
		*slash = 0;
		err = path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW, &p);
		if (err)
			return err;
		path_put(&p);
	}
	return -EINVAL;
}

int unix_bind(struct socket *s, const struct sock_addr *a)
{
	struct unix_sock *u = s->priv;
	struct unix_addr *n;
	bool named = __atomic_load_n(&u->addr, __ATOMIC_RELAXED);
	int err;

	if (a->size == SUN_PATH_OFFSET && a->u.family == AF_UNIX)
		return named ? 0 : unix_autobind(u);
	err = unix_addr_check(a);
	if (err)
		return err;
	if (named)
		return bind_again(a);
	n = addr_new(a);
	if (!n)
		return -ENOMEM;
	return is_path(a) ? bind_path(u, n) : bind_abstract(u, n);
}

static int find_path(struct unix_sock *like, const struct sock_addr *a, struct unix_sock **ret)
{
	char name[SUN_PATH_MAX + 1];
	struct unix_sock *u = NULL;
	struct inode *i;
	struct path p;
	int err;

	path_of(a, name);
	err = path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	i = p.dentry->inode;
	err = i ? path_permission(&p, MAY_WRITE) : -ENOENT;
	if (!err && S_ISSOCK(i->mode)) {
		spin_lock(&unix_table_lock);
		u = i->pipe;
		if (u && !ref_get_unless_zero(&u->ref))
			u = NULL;
		spin_unlock(&unix_table_lock);
	}
	path_put(&p);
	if (!err && !u)
		err = -ECONNREFUSED;
	if (!err && u->type != like->type) {
		unix_put(u);
		return -EPROTOTYPE;
	}
	*ret = u;
	return err;
}

int unix_find(struct unix_sock *like, const struct sock_addr *a, struct unix_sock **ret)
{
	struct unix_addr key = { .a = *a };
	struct unix_sock *u;
	int err = unix_addr_check(a);

	if (err)
		return err;
	if (is_path(a))
		return find_path(like, a, ret);
	spin_lock(&unix_table_lock);
	u = find_abstract(like, &key);
	if (u && !ref_get_unless_zero(&u->ref))
		u = NULL;
	spin_unlock(&unix_table_lock);
	if (!u)
		return -ECONNREFUSED;
	*ret = u;
	return 0;
}

void unix_unbind(struct unix_sock *u)
{
	struct path p = { 0 };

	spin_lock(&unix_table_lock);
	list_del(&u->name_link);
	if (u->inode) {
		p = u->path;
		u->inode->pipe = NULL;
		u->inode = NULL;
	}
	spin_unlock(&unix_table_lock);
	if (p.dentry)
		path_put(&p);
}
