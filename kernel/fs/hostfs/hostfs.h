/* SPDX-License-Identifier: Apache-2.0 */
/* hostfs.h: private to kernel/fs/hostfs.
 *
 * hostfs shows a tree of the host.  An inode stands for one object of the
 * host, found again by (device, inode) in the super block's table, so that
 * hard links share it.  The host may change the tree at any time: attributes
 * and name bindings are believed for HOSTFS_VALID_NS only.
 *
 * Trust: all that comes from the host side is checked in check.c before it is
 * used; a wrong answer becomes EIO and harms nobody but the asker.
 *
 * Locks: hostfs_sb.lock (spin) guards the table and the list of idle handles;
 * hostfs_node.open_lock (mutex, below inode->lock) the open handles and the
 * memory object; attributes live in the inode and are replaced as a whole
 * under hostfs_node.attr_lock. */
#ifndef NACRE_KERNEL_FS_HOSTFS_H
#define NACRE_KERNEL_FS_HOSTFS_H

#include "kernel/vfs/vfs.h"
#include <hostcall.h>

#define HOSTFS_MAGIC 0x6e6163          /* what statfs reports when the host does not say */
#define HOSTFS_VALID_NS NSEC_PER_SEC
#define HOSTFS_BUCKETS 4096
#define HOSTFS_IDLE_MAX 256            /* handles kept open without an open file */
#define HOSTFS_NEG_SLOTS 16            /* names lately not found, per directory */
#define HOSTFS_IO_CHUNK (256u << 10)

struct hostfs_sb {
	struct ref ref;                         /* the super block and every node */
	struct super_block *sb;
	uint64_t root_dev;
	bool readonly;
	struct spinlock lock;
	struct list table[HOSTFS_BUCKETS];      /* hostfs_node.link */
	struct list idle;                       /* hostfs_node.idle_link, oldest first */
	unsigned idle_count;
};

struct hostfs_neg { uint32_t hash; uint64_t until_ns; };

struct hostfs_node {
	struct inode *inode;                    /* not counted: we are its priv */
	struct hostfs_sb *hs;
	uint64_t handle;                        /* hc node */
	uint64_t dev, ino;                      /* identity; constant */
	struct list link;                       /* hs->lock */
	struct list idle_link;                  /* hs->lock */

	struct spinlock attr_lock;
	uint64_t valid_until_ns;
	uint32_t bind_hash;                     /* the name that led here last */
	uint64_t bind_until_ns;
	struct hostfs_neg *neg;                 /* directories, made when first needed */
	char *link_text;                        /* symlinks: constant for an inode; attr_lock */

	struct mutex open_lock;
	uint64_t rfile, wfile;                  /* hc files, 0 = none */
	bool wfile_readable;
	unsigned opens;
	/* For mmap, id 0 = none yet; mappings borrow them, so they stay until
	 * the inode goes.  wobj serves writable shared mappings. */
	plat_obj_t obj, wobj;
};

static inline struct hostfs_node *hostfs_node(struct inode *i) { return i->priv; }

/* check.c: what the host said, made safe. */
int hostfs_errno(int err);
int hostfs_check_attr(const struct hc_attr *a);
bool hostfs_check_name(const char *name, size_t n);

/* super.c */
/* An inode for what the host calls node; consumes the node handle, also on
 * failure. */
int __must_check hostfs_iget(struct hostfs_sb *hs, uint64_t node, const struct hc_attr *a,
			     struct inode **ret);
void hostfs_apply_attr(struct hostfs_node *n, const struct hc_attr *a);
int hostfs_refresh(struct inode *i, bool force);
void hostfs_evict(struct inode *i);

/* inode.c, dir.c, file.c */
extern const struct inode_ops hostfs_inode_ops;
extern const struct file_ops hostfs_dir_ops;
extern const struct file_ops hostfs_file_ops;
int hostfs_open(struct inode *i, struct file *f);
int hostfs_truncate_node(struct hostfs_node *n, uint64_t size);
void hostfs_close_handles(struct hostfs_node *n);

#endif
