/* SPDX-License-Identifier: Apache-2.0 */
/* The quick walk: as far as the caches know the way, without locks, counts or
 * clock.
 *
 * A run of plain components (no "..", no link to follow, nothing that the
 * file system must be asked) is stepped through within one lockless section:
 * dentries, inodes and mounts are looked at but not counted.  Only where it
 * ends the mount and the dentry are counted.  Then dcache_moves and
 * mount_changes must be what they were at the start: nothing was renamed or
 * mounted meanwhile, so all steps were right at one moment, the end.  (A name
 * that was removed or made meanwhile was right at its own moment: the same
 * holds for the slow walk.)  In any doubt nothing has happened, and the slow
 * walk does it.
 *
 * An entry of a file system that must be asked (hostfs) is taken as it is
 * during its lease.  "Now" is when the task entered the kernel or last got its
 * CPU: a call never sees more than the lease's length into the past, counted
 * from its start. */
#include "kernel/vfs/internal.h"
#include <stats.h>

#define QUICK_FLAGS (LOOKUP_FOLLOW | LOOKUP_DIRECTORY | LOOKUP_EMPTY | LOOKUP_OPEN)

void dentry_lease(struct dentry *d, uint64_t until_ns, uint32_t names_changed)
{
	__atomic_store_n(&d->lease_of, names_changed, __ATOMIC_RELAXED);
	__atomic_store_n(&d->lease_ns, until_ns, __ATOMIC_RELEASE);
}

/* May d in dir be used without asking? */
static bool believed(const struct dentry *d, const struct inode *dir, uint64_t now_ns)
{
	if (d->inode ? !dir->ops->revalidate : !dir->ops->revalidate_negative)
		return true;
	return __atomic_load_n(&d->lease_ns, __ATOMIC_ACQUIRE) > now_ns &&
	       __atomic_load_n(&d->lease_of, __ATOMIC_RELAXED) ==
	       __atomic_load_n(&dir->names_changed, __ATOMIC_RELAXED);
}

/* May the task search dir?  false: the slow walk decides. */
static bool searchable(struct inode *dir)
{
	return S_ISDIR(inode_mode(dir)) && dir->ops && !dir->ops->permission && !inode_permission(dir, MAY_EXEC);
}

static struct path start_of(const struct walk *w)
{
	struct fs_info *fs = current_task()->fs;
	struct path p = w->cur;

	if (!p.dentry) {
		spin_lock(&fs->lock);
		p = *w->p == '/' ? fs->root : fs->cwd;
		spin_unlock(&fs->lock);
	}
	return p;
}

/* Steps on from *at.  Returns what is left of the path, or NULL: there is no
 * such name. */
static const char *steps(const struct walk *w, const char *p, bool whole, uint32_t moves, struct path *at)
{
	uint64_t now_ns = sched_entered_ns();

	for (;;) {
		const char *name, *rest;
		struct inode *dir = at->dentry->inode;
		struct dentry *d;
		size_t n;

		while (*p == '/')
			p++;
		name = p;
		while (*p && *p != '/')
			p++;
		n = (size_t)(p - name);
		for (rest = p; *rest == '/'; rest++)
			;
		/* The last one only if it is wanted and no slash follows. */
		if (!n || n > NAME_MAX || (!*rest && (!whole || *p)))
			return name;
		if (!searchable(dir))
			return name;
		if (name_is_dots(name, n)) {
			if (n == 1)
				continue;
			return name;
		}
		d = dcache_peek(at->dentry, name, n, moves);
		if (!d)
			return name;
		if (!__atomic_load_n(&d->mounted, __ATOMIC_ACQUIRE)) {
			if (!believed(d, dir, now_ns))
				return name;
			if (!d->inode)
				return NULL;
			if (S_ISLNK(inode_mode(d->inode)) && (*rest || (w->flags & LOOKUP_FOLLOW)))
				return name;
			at->dentry = d;
		} else {
			at->dentry = d;
			mount_peek(at);
		}
	}
}

static bool undisturbed(uint32_t moves, uint32_t mounts)
{
	return changes_none(&dcache_moves, moves) && changes_none(&mount_changes, mounts);
}

int walk_quick(struct walk *w, bool whole)
{
	struct path at, from;
	uint32_t moves, mounts;
	const char *rest;
	bool good, got_mnt = false, got_dentry = false;

	if ((w->flags & ~QUICK_FLAGS) || w->slow)
		return 0;
	lockless_begin();
	moves = changes_now(&dcache_moves);
	mounts = changes_now(&mount_changes);
	at = from = start_of(w);
	rest = steps(w, w->p, whole, moves, &at);
	good = !rest || !path_equal(&at, &from);
	if (rest && good) {
		got_mnt = ref_get_unless_zero(&at.mnt->ref);
		got_dentry = got_mnt && ref_get_unless_zero(&at.dentry->ref);
		good = got_dentry;
	}
	good = good && undisturbed(moves, mounts);
	lockless_end();
	if (good && !rest)
		return -ENOENT;
	if (good) {
		if (w->cur.dentry)
			path_put(&w->cur);
		w->cur = at;
		w->p = rest;
		stats_bump(&plat_stats()->n[STATS_WALK_QUICK], 1);
		return 0;
	}
	if (got_dentry)
		dentry_put(at.dentry);
	if (got_mnt)
		mount_put(at.mnt);
	w->slow = true;
	return 0;
}
