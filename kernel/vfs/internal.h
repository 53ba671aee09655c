/* SPDX-License-Identifier: Apache-2.0 */
/* Private to kernel/vfs/: mounts, the dentry cache, the path walk, small
 * shared helpers of the system calls.
 *
 * A dentry's inode never changes: a name that appears or goes gets a new
 * dentry, the old one is unhashed.  So d->inode is read without a lock by
 * whoever holds a reference.  d->parent and d->name change under dcache_lock
 * (rename). */
#ifndef NACRE_KERNEL_VFS_INTERNAL_H
#define NACRE_KERNEL_VFS_INTERNAL_H

#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

/* ---- dentry cache (dcache.c) ---- */
extern struct spinlock dcache_lock;
/* A new dentry, not in the cache.  Consumes inode (NULL: negative) only on
 * success. */
struct dentry *dentry_new(struct dentry *parent, const char *name, size_t n, struct inode *inode);
struct dentry *dcache_find(struct dentry *parent, const char *name, size_t n);   /* counted */
/* The same within lockless_begin(), not counted; NULL says nothing.  What it
 * yields counts if changes_none(&dcache_moves, moves) afterwards. */
struct dentry *dcache_peek(struct dentry *parent, const char *name, size_t n, uint32_t moves);
extern struct changes dcache_moves;
static inline void dentry_mark(struct dentry *d)
{
	if (!__atomic_load_n(&d->used, __ATOMIC_RELAXED))
		__atomic_store_n(&d->used, true, __ATOMIC_RELAXED);
}
void dcache_add(struct dentry *d);
void dcache_unhash(struct dentry *d);
/* Rename: d becomes name in parent; new_name, made by dentry_name_new(), is d's
 * from then on. */
void dcache_move(struct dentry *d, struct dentry *parent, char *new_name, size_t n);
char *dentry_name_new(const char *name, size_t n);
void dentry_name_free(char *name);              /* that no dentry ever had; NULL is fine */
/* True when a is b or an ancestor of b. */
bool dcache_is_ancestor(struct dentry *a, struct dentry *b);
struct dentry *dentry_parent_get(struct dentry *d);
void dcache_drop_sb(struct super_block *sb);
void dcache_init(void);

/* ---- mounts (mount.c) ---- */
struct mount {
	struct ref ref;                 /* the tree holds one while attached */
	struct super_block *sb;         /* counted */
	struct dentry *root;            /* counted */
	char *source;
	uint32_t id;
	uint32_t flags;                 /* MNT_; atomic word */
	/* mount_lock */
	struct mntns *ns;               /* NULL: detached */
	struct mount *parent;           /* counted; NULL: a root or detached */
	struct dentry *point;           /* counted */
	struct mount *hash_next, **hash_prev;   /* hash_prev: NULL when it is on nothing */
	struct list ns_link;
	struct list children, child_link;       /* what lies on it; among those of its parent */
	uint32_t group, master;         /* peers; whose slave it is; 0: none.  Names: the lists say who */
	struct list peers;              /* a ring: the others of its group */
	struct list slaves, slave_link; /* of its group, as many as this member keeps; in such a list */
	bool unbindable;
	bool expiring;                  /* MNT_EXPIRE was said once */
	struct lockless gone;
	/* mount_sem: notes of the operation that goes on, propagate.c and copies of trees */
	bool victim;
	struct mount *twin;             /* its copy */
	struct mount_reach { struct mount *first, *up, *next, **copies; } reach;
	unsigned at;                    /* in a mount_tree, from 1 */
};
struct mntns {
	struct ref ref;
	uint64_t ino;
	/* mount_lock */
	struct mount *root;
	struct list mounts;             /* in mount order */
	unsigned count;
	unsigned coming;                /* mount_sem: copies that propagation is going to make */
};
extern struct spinlock mount_lock;
struct mount *mount_get(struct mount *m);
void mount_put(struct mount *m);
/* Descend onto whatever is mounted at p (repeatedly).  True if it moved. */
bool mount_descend(struct path *p);
/* The same within lockless_begin(), not counted; right if mount_changes says
 * that nothing changed meanwhile. */
void mount_peek(struct path *p);
extern struct changes mount_changes;
void mount_lock_change(void);                   /* mount_lock, to change a tree */
void mount_unlock_change(void);
/* From a mount's root to the place it sits on.  False at the top. */
bool mount_ascend(struct path *p);
struct mount *mount_new(struct super_block *sb, struct dentry *root, unsigned flags, const char *source);
int mount_attach_at(struct mntns *ns, struct mount *m, struct path *at);   /* consumes m on success */
/* Trees and groups change one at a time: mount_sem (mutex, outside all other locks);
 * who holds it may look at them without mount_lock. */
extern struct mutex mount_sem;
extern unsigned mounts_count;                   /* of all namespaces; mount_lock */
#define MOUNT_MAX 10000u                        /* per namespace */
void mount_link_locked(struct mntns *ns, struct mount *m, struct mount *parent, struct dentry *point);
void mount_unlink_locked(struct mount *m, struct path *ret_up); /* what it held goes to *ret_up */
struct mount *mount_child_locked(struct mount *m, struct dentry *d);
/* The next of top and what is on it, each behind its parent; skip: without what is on m.  mount_sem. */
struct mount *mount_next(struct mount *m, struct mount *top, bool skip);

/* ---- propagation (propagate.c); mount_sem is held ---- */
/* Mounts that are not attached yet: the first is the top, each lies on a place
 * of an earlier one. */
struct mount_tree {
	unsigned count;
	struct mount_branch { struct mount *m; unsigned on; struct dentry *point; } *branch;    /* point: borrowed */
};
/* Attach it at a path and, by copies, wherever that propagates to.  Consumes the
 * mounts on success. */
int __must_check mount_graft(const struct mount_tree *tree, const struct path *at);
/* What is at `to` now also goes to its peers: after a move. */
int __must_check mount_spread(struct mount *top, const struct path *to);
/* Detach m, what is on it, and what went with it.  Not lazy: -EBUSY when in use
 * (the caller holds one reference). */
int __must_check mount_detach(struct mount *m, bool lazy);
/* MS_SHARED and so on. */
void mount_set_type_locked(struct mount *m, uint64_t type);
void mount_leave_locked(struct mount *m);       /* its peers and its master */
void mount_join_locked(struct mount *m, struct mount *o);      /* m, of no group, gets those of o */
void mount_hash_locked(struct mount *m);        /* parent and point are set */
void mount_unhash_locked(struct mount *m);      /* harmless when it is on nothing */
static inline bool mount_readonly(const struct mount *m)
{
	return m && ((__atomic_load_n(&m->flags, __ATOMIC_RELAXED) & MNT_READONLY) || m->sb->readonly);
}

/* ---- path walk (namei.c) ---- */
struct walk {
	struct path root, cur;          /* counted; empty until it is needed, walk_root(), walk_to_last() */
	struct path start;              /* BENEATH, IN_ROOT: not above this; counted */
	unsigned flags, links;
	bool need_dir, opening;         /* opening: LOOKUP_OPEN, at the last component */
	bool slow;                      /* the quick walk came no further here */
	char *own;                      /* heap string that p points into */
	const char *p;                  /* what is left to walk */
	/* set by walk_to_last */
	const char *last;
	size_t last_size;               /* 0: the path ends at cur itself */
	bool trailing;
};
int walk_init(struct walk *w, int dfd, const char *name, unsigned flags);
void walk_end(struct walk *w);
/* cur becomes the directory of the last component. */
int walk_to_last(struct walk *w);
/* quickwalk.c: as many components as the caches know, from cur or the start;
 * whole: also the last one.  0 (perhaps none) or -ENOENT. */
int walk_quick(struct walk *w, bool whole);
/* d need not be asked about until then, unless its directory's names_changed
 * is another. */
void dentry_lease(struct dentry *d, uint64_t until_ns, uint32_t names_changed);
/* Step from cur to the child.  0 moved; 1 a link was put in front of the rest
 * (not with LINK_STAY). */
enum walk_link { LINK_STAY, LINK_FOLLOW, LINK_FOLLOW_LAST };
int walk_one(struct walk *w, const char *name, size_t n, enum walk_link link);
/* A symlink inode found in cur: prepare to walk its text.  0 text is in p;
 * 2 jumped (magic link): cur is the target. */
int walk_follow(struct walk *w, struct inode *link);
static inline bool name_is_dots(const char *s, size_t n)
{
	return n && s[0] == '.' && (n == 1 || (n == 2 && s[1] == '.'));
}
/* The child of dir: positive or negative dentry, counted, or -errno (-ENOENT
 * where negatives are not kept). */
int lookup_child(struct dentry *dir, const char *name, size_t n, bool open, struct dentry **ret);
int lookup_child_locked(struct dentry *dir, const char *name, size_t n, struct dentry **ret);
/* After a successful create: make name in dir positive.  dir->lock is held.
 * spare was made by dentry_new(..., NULL inode) beforehand. */
void dentry_instantiate(struct dentry *spare, struct inode *inode);

/* Directory-change checks (dirops.c); dir->lock held. */
int may_create(const struct path *dir);
int may_delete(const struct path *dir, struct dentry *victim, bool is_dir);
uint32_t current_umask(void);
void rename_init(void);

/* ---- directories that all may write to (sticky.c) ---- */
/* 0, or that the last name of a path may not be followed, linked, opened. */
int sticky_may_follow(struct inode *dir, const struct inode *link);
int sticky_may_link(struct inode *i);
int sticky_may_open(struct inode *dir, struct inode *i);

/* ---- small helpers ---- */
/* A path name from user memory; name_put() it. */
int __must_check name_from_user(ustr name, char **ret);
void name_put(char *s);                 /* NULL is fine */
/* Path or descriptor: with AT_EMPTY_PATH an empty name means dfd itself. */
int __must_check path_at_user(int dfd, ustr name, int at_flags, unsigned lookup, struct path *ret);
int dentry_open(const struct path *p, uint32_t flags, bool created, struct file **ret);
struct file *file_alloc(void);
int file_open_path(const struct path *p, uint32_t flags, bool exec, struct file **ret);
/* f, just opened, no longer counts as a writer of its inode. */
void file_no_writer(struct file *f);
void files_anon_init(void);
bool inode_is_anon(const struct inode *i);      /* has no name in any file system */
int files_set_cloexec(int fd, bool on);
void locks_free_inode(struct inode *i);
int vfs_truncate_inode(struct inode *i, uint64_t size, struct file *f);
int open_user(int dfd, ustr name, uint32_t flags, uint32_t mode, unsigned resolve);
void file_remove_privs(struct file *f);
long file_rw(struct file *f, struct iter *it, uint64_t *pos, bool write);
#define FILE_RW_MAX 0x7ffff000ul        /* what Linux moves at most in one call */
bool file_has_positions(const struct file *f);          /* pread(2) and pwrite(2) work */
void rw_notify(struct file *f, long n, bool write);     /* inotify: n bytes were read or written */
long file_rw_at(struct file *f, struct iter *it, int64_t off, bool write);      /* pread(2), pwrite(2) */
int file_sync(struct file *f, bool data_only);          /* fsync(2) */
bool owner_or_capable(const struct inode *i);
void fs_info_init(struct fs_info *f, const struct path *root);
/* The current task's, counted; cwd may be NULL. */
void fs_paths(struct path *root, struct path *cwd);

bool files_post_claim_alone(struct task *t);
/* The current task's platform is told from now on which numbers are not in use. */
void files_tell_free(void);
int files_install_at(unsigned fd, struct file *f, bool cloexec);       /* 0, or -EBUSY: it is in use */

#endif
