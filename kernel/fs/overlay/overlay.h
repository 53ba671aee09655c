/* SPDX-License-Identifier: Apache-2.0 */
/* overlay.h: private to kernel/fs/overlay/.
 *
 * A private tmpfs (upper) over a tree that is never written (lower, a hostfs).
 * An overlay inode stands for an object of one or both:
 *  - directories may have both: then they are merged, unless the upper one is
 *    marked opaque;
 *    A directory that was renamed takes its lower one along (redirect);
 *  - everything else is the upper object when there is one, else the lower.
 * Changing a lower object first copies it up (copyup.c): its parents, then it.
 * Removing a name that the lower layer has leaves a whiteout in the upper
 * directory: an inode of a type that no program can make.
 * The marks of upper inodes are attributes that programs cannot see
 * (trusted.overlay.*): "opaque", and "origin" with the inode number to keep.
 *
 * Layers are used through their inode operations, without dentries.
 *
 * Locks, outer first: overlay inode->lock (the VFS takes it) > ovl_inode.copy_up
 * > ovl_super.commit > inode->lock of upper and lower inodes.  ovl_super.lock
 * (spin) guards the inode tables. */
#ifndef NACRE_KERNEL_OVERLAY_H
#define NACRE_KERNEL_OVERLAY_H

#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

#define OVL_BUCKETS 1024u
#define S_IFWHT 0160000u
#define OVL_XATTR "trusted.overlay."
#define OVL_OPAQUE OVL_XATTR "opaque"
#define OVL_ORIGIN OVL_XATTR "origin"
#define OVL_UPPER_INO (1ull << 48)      /* numbers of objects born above */

struct ovl_super {
	struct super_block *sb, *upper_sb, *lower_sb;
	struct mutex commit;            /* an object appears in the upper layer */
	struct inode *whiteout;         /* commit */
	struct spinlock lock;
	struct list by_upper[OVL_BUCKETS], by_lower[OVL_BUCKETS];
	/* Lower files with several names that were copied up: all names lead to
	 * the one copy.  Never shrinks; bounded by such files. */
	struct list index[OVL_BUCKETS];
	struct list redirect[OVL_BUCKETS];      /* by upper directory */
};

struct ovl_index { struct list link; uint64_t lower_ino; struct inode *upper; };

/* A renamed directory that still merges with its lower one; gone with it. */
struct ovl_redirect { struct list link; struct inode *upper, *lower; };

struct ovl_inode {
	struct inode *inode;            /* we are its priv */
	struct ovl_super *os;
	struct inode *upper;            /* counted; set once, by copy-up; read with ovl_upper() */
	struct inode *lower;            /* counted; constant; directories: to merge with */
	struct mutex copy_up;
	/* Where to copy up to, while there is no upper: constant. */
	struct inode *parent;           /* counted */
	char *name;
	uint32_t name_size;
	bool gone;                      /* that name was removed */
	/* The only name of an object born above is in this directory, and the
	 * lower layer had no such name then: removing it needs no whiteout.
	 * Compared, never followed; commit. */
	const struct inode *pure_dir;
	struct list upper_link, lower_link;     /* os->lock */
};

static inline struct ovl_inode *ovl_i(const struct inode *i) { return i->priv; }
static inline struct inode *ovl_upper(const struct ovl_inode *oi)
{
	return __atomic_load_n(&oi->upper, __ATOMIC_ACQUIRE);
}
static inline struct inode *ovl_real(const struct ovl_inode *oi)
{
	struct inode *u = ovl_upper(oi);

	return u ? u : oi->lower;
}
static inline bool ovl_is_whiteout(const struct inode *i) { return (inode_mode(i) & S_IFMT) == S_IFWHT; }

/* inode.c */
/* The overlay inode of (upper, lower), either may be NULL; both references are
 * consumed, also on failure. */
int ovl_iget(struct ovl_super *os, struct inode *upper, struct inode *lower, struct inode *parent,
	     const char *name, size_t n, struct inode **ret);
void ovl_sync(struct inode *i);         /* the overlay inode's fields from the real one */
uint64_t ovl_ino_of_upper(struct inode *upper);
/* Lookups in one layer, with its lock; -ENOENT. */
int ovl_layer_lookup(struct inode *dir, const char *name, size_t n, struct inode **ret);
/* The same for the lower layer, which may know by heart that there is none. */
int ovl_lower_lookup(struct inode *lower_dir, const char *name, size_t n, bool open, struct inode **ret);
/* Does the lower layer show name in dir (whatever the upper one says)? */
bool ovl_lower_has(struct inode *dir, const char *name, size_t n);
bool ovl_mark(struct inode *upper, const char *attr);
int ovl_set_mark(struct inode *upper, const char *attr, const void *v, size_t n);
void ovl_evict(struct inode *i);
int ovl_getattr(struct inode *i, struct kstat *ret);
int ovl_setattr(struct inode *i, const struct kattr *a);
void ovl_hash_upper(struct ovl_inode *oi);

/* redirect.c */
int ovl_redirect_add(struct ovl_super *os, struct inode *upper, struct inode *lower);
struct inode *ovl_redirect_find(struct ovl_super *os, struct inode *upper);    /* counted lower or NULL */
void ovl_redirect_drop(struct ovl_super *os, struct inode *upper);
void ovl_redirect_free(struct ovl_super *os);

/* copyup.c: make sure there is an upper object; data false: its contents will
 * be thrown away at once. */
int ovl_copy_up(struct inode *i, bool data);

/* dirops.c */
extern const struct inode_ops ovl_dir_iops, ovl_file_iops, ovl_link_iops, ovl_node_iops;

/* readdir.c */
extern const struct file_ops ovl_dir_fops;
bool ovl_dir_empty(struct inode *dir, int *ret_err);
int ovl_clean_whiteouts(struct inode *upper_dir);

/* file.c */
extern const struct file_ops ovl_file_fops;
int ovl_open(struct inode *i, struct file *f);

#endif
