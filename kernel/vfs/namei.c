/* SPDX-License-Identifier: Apache-2.0 */
/* The path walk, path_resolution(7) and openat2(2).
 *
 * Iterative: a symlink's text is put in front of what is left to walk, at most
 * SYMLOOP_MAX times, so hostile depth costs heap that is bounded by
 * SYMLOOP_MAX * PATH_MAX and no stack.  `cur` is always a counted path; each
 * step looks the child up in the dentry cache and asks the file system only
 * when the cache does not know.
 *
 * Locks: none held across steps; a directory's inode lock while its file
 * system is asked. */
#include "kernel/vfs/internal.h"
#include <stats.h>

int name_from_user(ustr name, char **ret)
{
	size_t size;
	char *s = kbuf_get(PATH_MAX, &size);
	int n;

	if (!s)
		return -ENOMEM;
	n = (int)copy_in_str(s, name, PATH_MAX);
	if (n < 0) {
		name_put(s);
		return n;
	}
	*ret = s;
	return 0;
}

void name_put(char *s)
{
	kbuf_put(s, KBUF_SMALL);
}

static const struct path *walk_root(struct walk *w)
{
	if (!w->root.dentry)
		fs_paths(&w->root, NULL);
	return &w->root;
}

int walk_init(struct walk *w, int dfd, const char *name, unsigned flags)
{
	bool scoped = flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT);

	*w = (struct walk){ .flags = flags, .p = name };
	if (!*name && !(flags & LOOKUP_EMPTY))
		return -ENOENT;
	if ((flags & LOOKUP_BENEATH) && *name == '/')
		return -EXDEV;
	if (*name == '/' && !(flags & LOOKUP_IN_ROOT))
		return 0;
	if (dfd == AT_FDCWD) {
		if (scoped)
			fs_paths(&w->root, &w->cur);
	} else {
		struct file *f = fd_get_any(dfd);

		if (!f)
			return -EBADF;
		if (!f->path.dentry || (*name && !S_ISDIR(inode_mode(f->inode)))) {
			file_put(f);
			return -ENOTDIR;
		}
		w->cur = f->path;
		path_get(&w->cur);
		file_put(f);
	}
	if (scoped) {
		w->start = w->cur;
		path_get(&w->start);
		if (flags & LOOKUP_IN_ROOT) {
			if (w->root.dentry)
				path_put(&w->root);
			w->root = w->start;
			path_get(&w->root);
		}
	}
	return 0;
}

void walk_end(struct walk *w)
{
	if (w->root.dentry)
		path_put(&w->root);
	if (w->cur.dentry)
		path_put(&w->cur);
	if (w->start.dentry)
		path_put(&w->start);
	kfree(w->own);
	w->own = NULL;
}

/* d of dir is right; names: what dir's names_changed was before that was known. */
static void take_lease(struct dentry *dir, struct dentry *d, uint32_t names)
{
	const struct inode_ops *ops = dir->inode->ops;

	if (ops->lease_ns)
		dentry_lease(d, ops->lease_ns(dir->inode, d->name, d->name_size, d->inode), names);
}

/* Ask the file system; dir->inode->lock is held. */
static int lookup_real(struct dentry *dir, const char *name, size_t n, bool open, struct dentry **ret)
{
	struct inode *di = dir->inode, *child = NULL;
	uint32_t names = __atomic_load_n(&di->names_changed, __ATOMIC_ACQUIRE);
	struct dentry *d;
	int err;

	if (!di->ops || !di->ops->lookup)
		return -ENOTDIR;
	err = (open && di->ops->lookup_open ? di->ops->lookup_open : di->ops->lookup)(di, name, n, &child);
	if (err && err != -ENOENT)
		return err;
	if (err && dir->sb->nocache)
		return -ENOENT;
	d = dentry_new(dir, name, n, child);
	if (!d) {
		if (child)
			inode_put(child);
		return -ENOMEM;
	}
	take_lease(dir, d, names);
	dcache_add(d);
	*ret = d;
	return 0;
}

/* From the cache, if it is still right. */
static struct dentry *lookup_cached(struct dentry *dir, const char *name, size_t n)
{
	const struct inode_ops *ops = dir->inode->ops;
	struct dentry *d = dcache_find(dir, name, n);
	uint32_t names = __atomic_load_n(&dir->inode->names_changed, __ATOMIC_ACQUIRE);
	bool good = true;

	if (!d)
		return NULL;
	if (__atomic_load_n(&d->mounted, __ATOMIC_RELAXED))
		return d;
	if (d->inode && ops->revalidate)
		good = ops->revalidate(dir->inode, name, n, d->inode);
	else if (!d->inode && ops->revalidate_negative)
		good = ops->revalidate_negative(dir->inode, name, n);
	if (good) {
		if (ops->lease_ns)
			dentry_lease(d, ops->lease_ns(dir->inode, name, n, d->inode), names);
		return d;
	}
	dcache_unhash(d);
	dentry_put(d);
	return NULL;
}

int lookup_child_locked(struct dentry *dir, const char *name, size_t n, struct dentry **ret)
{
	struct dentry *d = lookup_cached(dir, name, n);

	if (d) {
		*ret = d;
		return 0;
	}
	return lookup_real(dir, name, n, false, ret);
}

int lookup_child(struct dentry *dir, const char *name, size_t n, bool open, struct dentry **ret)
{
	struct dentry *d = lookup_cached(dir, name, n);
	int err;

	if (d) {
		*ret = d;
		return 0;
	}
	mutex_lock(&dir->inode->lock);
	d = dcache_find(dir, name, n);  /* somebody else asked meanwhile */
	if (d) {
		*ret = d;
		err = 0;
	} else {
		err = lookup_real(dir, name, n, open, ret);
	}
	mutex_unlock(&dir->inode->lock);
	return err;
}

void dentry_instantiate(struct dentry *spare, struct inode *inode)
{
	struct dentry *old = dcache_find(spare->parent, spare->name, spare->name_size);

	if (old) {
		dcache_unhash(old);
		dentry_put(old);
	}
	spare->inode = inode;
	dcache_add(spare);
}

static int step_dotdot(struct walk *w)
{
	for (;;) {
		struct dentry *parent;

		if ((w->flags & LOOKUP_BENEATH) && path_equal(&w->cur, &w->start))
			return -EXDEV;
		if (path_equal(&w->cur, walk_root(w)))
			break;
		if (w->cur.dentry != w->cur.mnt->root) {
			parent = dentry_parent_get(w->cur.dentry);
			dentry_put(w->cur.dentry);
			w->cur.dentry = parent;
			break;
		}
		if (w->flags & LOOKUP_NO_XDEV)
			return w->cur.mnt->parent ? -EXDEV : 0;
		if (!mount_ascend(&w->cur))
			break;
	}
	if (mount_descend(&w->cur) && (w->flags & LOOKUP_NO_XDEV))
		return -EXDEV;
	return 0;
}

/* A link's text goes in front of what is left to walk. */
static int put_in_front(struct walk *w, const char *text, size_t n)
{
	size_t rest = strlen(w->p);
	char *joined;

	if (*text == '/') {
		if (w->flags & LOOKUP_BENEATH)
			return -EXDEV;
		if ((w->flags & LOOKUP_NO_XDEV) && walk_root(w)->mnt != w->cur.mnt)
			return -EXDEV;
	}
	joined = kmalloc(n + rest + 1);
	if (!joined)
		return -ENOMEM;
	memcpy(joined, text, n);
	memcpy(joined + n, w->p, rest + 1);
	if (*text == '/') {
		path_put(&w->cur);
		w->cur = *walk_root(w);
		path_get(&w->cur);
	}
	kfree(w->own);
	w->own = joined;
	w->p = joined;
	w->slow = false;
	return 0;
}

int walk_follow(struct walk *w, struct inode *link)
{
	size_t cap;
	char *text;
	long n;
	int err;

	if ((w->flags & LOOKUP_NO_SYMLINKS) || (mount_flags(w->cur.mnt) & MNT_NOSYMFOLLOW))
		return -ELOOP;
	if (++w->links > SYMLOOP_MAX)
		return -ELOOP;
	if (link->ops->get_link_path) {
		struct path to;

		if (w->flags & LOOKUP_NO_MAGICLINKS)
			return -ELOOP;
		if (w->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT))
			return -EXDEV;
		err = link->ops->get_link_path(link, &to);
		if (err)
			return err;
		if ((w->flags & LOOKUP_NO_XDEV) && to.mnt != w->cur.mnt) {
			path_put(&to);
			return -EXDEV;
		}
		path_put(&w->cur);
		w->cur = to;
		return 2;
	}
	if (!link->ops->readlink)
		return -EINVAL;
	text = kbuf_get(PATH_MAX, &cap);
	if (!text)
		return -ENOMEM;
	n = link->ops->readlink(link, text, PATH_MAX - 1);
	if (n <= 0 || n >= PATH_MAX)
		err = n < 0 ? (int)n : -ENOENT;
	else if (memchr(text, 0, (size_t)n))
		err = -EINVAL;
	else
		err = put_in_front(w, text, (size_t)n);
	kbuf_put(text, cap);
	return err;
}

int walk_one(struct walk *w, const char *name, size_t n, enum walk_link link)
{
	struct dentry *d;
	struct inode *di = w->cur.dentry->inode;
	int err;

	stats_bump(&plat_stats()->n[STATS_WALK_STEP], 1);

	if (!S_ISDIR(inode_mode(di)))
		return -ENOTDIR;
	err = inode_permission(di, MAY_EXEC);
	if (err)
		return err;
	if (name_is_dots(name, n))
		return n == 1 ? 0 : step_dotdot(w);
	err = lookup_child(w->cur.dentry, name, n, w->opening, &d);
	if (err)
		return err;
	if (!d->inode) {
		dentry_put(d);
		return -ENOENT;
	}
	if (S_ISLNK(inode_mode(d->inode)) && link != LINK_STAY) {
		err = link == LINK_FOLLOW_LAST ? sticky_may_follow(di, d->inode) : 0;
		if (!err)
			err = walk_follow(w, d->inode);
		dentry_put(d);
		return err < 0 ? err : err == 0;
	}
	dentry_put(w->cur.dentry);
	w->cur.dentry = d;
	return mount_descend(&w->cur) && (w->flags & LOOKUP_NO_XDEV) ? -EXDEV : 0;
}

static void walk_start(struct walk *w)
{
	if (w->cur.dentry)
		return;
	if (*w->p == '/') {
		w->cur = *walk_root(w);
		path_get(&w->cur);
	} else {
		fs_paths(&w->root, &w->cur);
	}
}

static int walk_on(struct walk *w, bool whole)
{
	for (;;) {
		const char *name, *rest;
		size_t n;
		int err = walk_quick(w, whole);

		if (err)
			return err;
		walk_start(w);
		while (*w->p == '/')
			w->p++;
		name = w->p;
		while (*w->p && *w->p != '/')
			w->p++;
		n = (size_t)(w->p - name);
		if (n > NAME_MAX)
			return -ENAMETOOLONG;
		for (rest = w->p; *rest == '/'; rest++)
			;
		if (!*rest) {
			w->last = name;
			w->last_size = n;
			w->trailing = n && *w->p == '/';
			if (w->trailing)
				w->need_dir = true;
			return 0;
		}
		err = walk_one(w, name, n, LINK_FOLLOW);
		if (err < 0)
			return err;
		if (err == 0 && !S_ISDIR(inode_mode(w->cur.dentry->inode)))
			return -ENOTDIR;
	}
}

int walk_to_last(struct walk *w)
{
	return walk_on(w, false);
}

static int walk_whole(struct walk *w)
{
	int err;

	do {
		err = walk_on(w, true);
		if (err)
			return err;
		if (!w->last_size)
			break;
		w->opening = (w->flags & LOOKUP_OPEN) && !w->need_dir;
		err = walk_one(w, w->last, w->last_size,
			       (w->flags & LOOKUP_FOLLOW) || w->need_dir ? LINK_FOLLOW_LAST : LINK_STAY);
		w->opening = false;
	} while (err == 1);
	if (err)
		return err;
	if ((w->need_dir || (w->flags & LOOKUP_DIRECTORY)) && !S_ISDIR(inode_mode(w->cur.dentry->inode)))
		return -ENOTDIR;
	return 0;
}

int path_lookup(int dfd, const char *name, unsigned flags, struct path *ret)
{
	struct walk w;
	int err = walk_init(&w, dfd, name, flags);

	if (!err)
		err = walk_whole(&w);
	if (!err) {
		*ret = w.cur;
		w.cur = (struct path){ 0 };
	}
	walk_end(&w);
	return err;
}

int path_lookup_user(int dfd, ustr name, unsigned flags, struct path *ret)
{
	char *s = NULL;
	int err = name_from_user(name, &s);

	if (err)
		return err;
	err = path_lookup(dfd, s, flags, ret);
	name_put(s);
	return err;
}

int path_at_user(int dfd, ustr name, int at_flags, unsigned lookup, struct path *ret)
{
	char *s = NULL;
	int err = name_from_user(name, &s);

	if (err)
		return err;
	if (!*s && (at_flags & AT_EMPTY_PATH) && dfd != AT_FDCWD) {
		struct file *f;

		name_put(s);
		f = fd_get_any(dfd);
		if (!f)
			return -EBADF;
		if (!f->path.dentry) {
			file_put(f);
			return -ENOTDIR;        /* callers that know anonymous files look themselves */
		}
		*ret = f->path;
		path_get(ret);
		file_put(f);
		return 0;
	}
	if (at_flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	err = path_lookup(dfd, s, lookup, ret);
	name_put(s);
	return err;
}

int path_lookup_parent(int dfd, const char *name, unsigned flags, struct path *ret_dir,
		       char *last, size_t *ret_last_size, bool *ret_trailing_slash)
{
	struct walk w;
	int err = walk_init(&w, dfd, name, flags);

	if (!err)
		err = walk_to_last(&w);
	if (!err && !S_ISDIR(inode_mode(w.cur.dentry->inode)))
		err = -ENOTDIR;
	if (!err) {
		memcpy(last, w.last, w.last_size);
		last[w.last_size] = 0;
		*ret_last_size = w.last_size;
		*ret_trailing_slash = w.trailing;
		*ret_dir = w.cur;
		w.cur = (struct path){ 0 };
	}
	walk_end(&w);
	return err;
}
