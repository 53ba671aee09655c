/* SPDX-License-Identifier: Apache-2.0 */
/* Private to kernel/fs/tmpfs/. */
#ifndef NACRE_KERNEL_TMPFS_INTERNAL_H
#define NACRE_KERNEL_TMPFS_INTERNAL_H

#include "kernel/fs/tmpfs/tmpfs.h"
#include <linux_abi/xattr.h>

struct tmpfs_super {
	uint64_t limit;                 /* bytes; constant but for remount */
	uint64_t max_inodes;
	bool by_pages;                  /* mounted with a size: only data counts, and by whole pages, as on Linux */
	struct spinlock lock;
	uint64_t used, inodes;          /* lock */
	struct list pending;            /* lock: names of dying directories (tmpfs_dir_free) */
	bool draining;                  /* lock */
};

/* One name in a directory; the directory's order is by cookie. */
struct tmpfs_entry {
	struct list hash, order;
	struct inode *inode;            /* counted */
	int64_t cookie;                 /* never reused within the directory */
	uint32_t name_hash;
	uint8_t name_size;
	char name[];
};

struct tmpfs_dir {                      /* inode->lock */
	struct list *buckets;
	unsigned bucket_count, count;
	struct list order;
	int64_t next_cookie;
};

/* pages.c: a piece of a file that is not small. */
#define TMPFS_CHUNK 65536ul
#define TMPFS_PAGES_MAX (64ul << 20)    /* larger files are memory objects */
struct tmpfs_chunk {
	uint8_t *bytes;                 /* TMPFS_CHUNK, or NULL */
	struct lent *lent;              /* holds bytes, once they were lent */
	uint32_t present;               /* a bit for each page that exists */
	uint32_t promised;              /* fallocate(2): counted, and does not exist yet */
};

struct tmpfs_data {                     /* inode->lock */
	uint8_t *small;                 /* at first; cap bytes, the rest reads as zero */
	size_t cap;
	bool paged, has_obj, mapped;    /* at most one of paged, has_obj */
	struct tmpfs_chunk *chunk;      /* when paged */
	unsigned chunk_count;
	plat_obj_t obj;
	uint64_t obj_size;              /* multiple of a page; equals the rounded size once mapped */
	uint64_t charged;               /* the data's part of tmpfs_inode.charged */
	uint64_t unsynced;              /* charged by guess since the object was last asked */
	uint32_t seals;
	bool may_seal;
};

struct tmpfs_xattr { struct list link; char *name; uint8_t *value; size_t size; };

struct tmpfs_inode {
	struct super_block *sb;
	uint64_t charged;               /* bytes of the super block's limit; inode->lock */
	struct list xattrs;             /* inode->lock */
	unsigned xattr_count;
	union {
		struct tmpfs_dir dir;
		struct tmpfs_data data;
		char *target;           /* symlink, constant */
	};
};

static inline struct tmpfs_inode *tmpfs_i(const struct inode *i) { return i->priv; }
static inline struct tmpfs_super *tmpfs_sb(const struct super_block *sb) { return sb->priv; }

/* Take n more bytes of the limit: -ENOSPC. */
int __must_check tmpfs_charge(struct tmpfs_inode *ti, uint64_t n);
void tmpfs_uncharge(struct tmpfs_inode *ti, uint64_t n);
struct inode *tmpfs_inode_new(struct super_block *sb, const struct inode *dir, uint32_t mode, int *ret_err);

extern const struct inode_ops tmpfs_dir_iops, tmpfs_file_iops, tmpfs_link_iops, tmpfs_node_iops;
extern const struct file_ops tmpfs_dir_fops, tmpfs_file_fops;

void tmpfs_dir_free(struct tmpfs_inode *ti);
void tmpfs_data_free(struct tmpfs_inode *ti);
int tmpfs_data_resize(struct inode *i, uint64_t size);
void tmpfs_data_sync_charge(struct inode *i);
int __must_check tmpfs_data_charge(struct inode *i, uint64_t n);
void tmpfs_data_uncharge(struct inode *i, uint64_t n);

/* pages.c; inode->lock.  begin: from the small buffer to pages.  read and write
 * return the bytes that moved; fewer than n: memory of the program that faulted,
 * for a write *ret_err says what.  clear: [from, to) reads as zero, whole pages
 * of it are given back.  store: into an object that has no page yet.  seek: the
 * first byte from `from` on that is data or hole, or size. */
int __must_check tmpfs_pages_begin(struct inode *i);
void tmpfs_pages_free(struct tmpfs_inode *ti);
size_t tmpfs_pages_read(struct tmpfs_data *d, struct iter *to, uint64_t pos, size_t n);
/* As file_ops.lend. */
size_t tmpfs_pages_lend(struct tmpfs_data *d, uint64_t pos, size_t n, struct lent **ret, uint8_t **ret_bytes);
size_t tmpfs_pages_write(struct inode *i, struct iter *from, uint64_t pos, size_t n, int *ret_err);
void tmpfs_pages_clear(struct inode *i, uint64_t from, uint64_t to);
int __must_check tmpfs_pages_store(struct tmpfs_data *d, uint64_t size, plat_obj_t o);
/* Space for [from, to): counted now, or -ENOSPC. */
int __must_check tmpfs_pages_promise(struct inode *i, uint64_t from, uint64_t to);
uint64_t tmpfs_pages_seek(struct tmpfs_data *d, uint64_t from, uint64_t size, bool want_data);

int tmpfs_getattr(struct inode *i, struct kstat *ret);
int tmpfs_setattr(struct inode *i, const struct kattr *a);
long tmpfs_getxattr(struct inode *i, const char *name, void *buf, size_t size);
long tmpfs_listxattr(struct inode *i, void *buf, size_t size);
int tmpfs_setxattr(struct inode *i, const char *name, const void *v, size_t n, int flags);
int tmpfs_removexattr(struct inode *i, const char *name);
void tmpfs_xattrs_free(struct tmpfs_inode *ti);
void tmpfs_evict(struct inode *i);

#endif
