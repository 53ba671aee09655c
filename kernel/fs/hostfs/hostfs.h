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
 * Messages to the gofer are what costs, so one brings what comes next as well:
 * a directory that was listed is looked up many names at a time (ahead.c),
 * and small contents, link texts, listings of subdirectories and what is in the
 * directories that follow come along when such things were wanted before
 * (hostfs_sb.*_credit).  All of it is
 * believed for HOSTFS_VALID_NS like any other attribute.
 *
 * Locks: hostfs_sb.lock (spin) guards the table and the lists;
 * hostfs_node.open_lock (mutex, below inode->lock) the open handles and the
 * memory object; attributes live in the inode and are replaced as a whole
 * under hostfs_node.attr_lock, which is below no other lock of hostfs. */
#ifndef NACRE_KERNEL_FS_HOSTFS_H
#define NACRE_KERNEL_FS_HOSTFS_H

#include "kernel/vfs/vfs.h"
#include <hostcall.h>

#define HOSTFS_MAGIC 0x6e6163          /* what statfs reports when the host does not say */
#define HOSTFS_VALID_NS NSEC_PER_SEC
#define HOSTFS_BUCKETS 4096
#define HOSTFS_IDLE_MAX 256            /* handles kept open without an open file */
#define HOSTFS_RECENT_MAX 1024         /* fetched inodes that nobody has asked for yet */
#define HOSTFS_NEG_SLOTS 16            /* names lately not found, per directory */
#define HOSTFS_IO_CHUNK (256u << 10)
#define HOSTFS_BLOBS_MAX (4u << 20)    /* bytes of contents */
#define HOSTFS_LISTINGS_MAX (2u << 20) /* bytes of listings */
#define HOSTFS_LISTING_MAX 8192u       /* entries of one; longer directories are streamed */
#define HOSTFS_CREDIT_MAX 128

struct hostfs_sb {
	struct ref ref;                         /* the super block and every node */
	struct super_block *sb;
	uint64_t root_dev;
	bool readonly;
	struct spinlock lock;
	struct list table[HOSTFS_BUCKETS];      /* hostfs_node.link */
	struct list idle;                       /* hostfs_node.idle_link, oldest first */
	unsigned idle_count;
	struct list recent;                     /* hostfs_node.recent_link, counted, oldest first */
	unsigned recent_count;
	struct list blobs, listings;            /* hostfs_node.blob_link, .listing_link; oldest first */
	/* Atomic: bytes in use; how much to read ahead of what is asked: spent
	 * by reading ahead, earned when that was used. */
	size_t blob_bytes, listing_bytes;
	int file_credit, dir_credit, tree_credit;       /* tree: directories whose names are asked for */
	uint32_t changes;                       /* by our own hand, of names and contents: what was
						 * asked for meanwhile may be older */
};

struct hostfs_neg { uint32_t hash; uint64_t until_ns; };

/* The contents of a small file, as they were. */
struct hostfs_blob {
	struct ref ref;
	uint64_t until_ns;                      /* atomic */
	bool ahead;                             /* nobody has asked for it yet; atomic */
	bool settled;                           /* times tell it from any later version */
	size_t size;
	uint8_t bytes[];
};

/* The names of a directory, as they were. */
struct hostfs_entry { uint64_t ino; uint32_t hash, at; uint8_t type, size; };
struct hostfs_listing {
	struct ref ref;
	uint64_t until_ns;                      /* atomic; what is older serves as a hint */
	bool ahead;                             /* as of a blob; atomic */
	bool asked;                             /* names were looked up by it; atomic */
	bool together;                          /* came with others: a tree is walked; constant */
	bool names_ahead;                       /* so did attributes of its entries; atomic */
	uint32_t count, slots;                  /* slots: a power of two */
	size_t bytes;
	struct hostfs_entry *entries;
	uint32_t *index;                        /* entry + 1, by hash; 0: none */
	char *names;
};

struct hostfs_node {
	struct inode *inode;                    /* not counted: we are its priv */
	struct hostfs_sb *hs;
	uint64_t handle;                        /* hc node; files: 0 until one is needed; atomic */
	uint64_t dev, ino;                      /* identity; constant */
	int64_t btime_ns;                       /* 0: not known */
	struct list link, idle_link, recent_link, blob_link, listing_link;      /* hs->lock */

	struct spinlock attr_lock;
	uint64_t valid_until_ns;
	bool reads_touch;                       /* atomic: what was last asked is older than the next read */
	uint32_t bind_hash;                     /* the name that led here last */
	uint64_t bind_until_ns;
	char *name;                             /* and where it was, */
	struct inode *dir;                      /* counted; not of directories: */
	uint64_t dir_dev, dir_ino;              /* theirs may be gone */
	struct hostfs_neg *neg;                 /* directories, made when first needed */
	char *link_text;                        /* symlinks: constant for an inode */
	struct hostfs_blob *blob;               /* counted; never together with wfile or wobj */
	struct hostfs_listing *listing;         /* counted */

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
/* An inode for what the host calls node, found as name in dir (NULL: a root).
 * Consumes the node handle, also on failure; only directories need one. */
int __must_check hostfs_iget(struct hostfs_sb *hs, struct inode *dir, const char *name, size_t n,
			     uint64_t node, const struct hc_attr *a, struct inode **ret);
void hostfs_apply_attr(struct hostfs_node *n, const struct hc_attr *a);
int hostfs_refresh(struct inode *i, bool force);
void hostfs_evict(struct inode *i);
/* One name of it is gone. */
void hostfs_unlinked(struct hostfs_node *n);
/* The object is now called name in dir; NULL: it lost its name. */
void hostfs_set_place(struct hostfs_node *n, struct inode *dir, const char *name, size_t size);
int __must_check hostfs_place(struct hostfs_node *n, char name[HC_NAME_MAX + 1], struct inode **ret_dir);
/* Its node handle; of a file whose name now leads elsewhere -ESTALE. */
int __must_check hostfs_handle(struct hostfs_node *n, uint64_t *ret);
struct list *hostfs_bucket(struct hostfs_sb *hs, uint64_t dev, uint64_t ino);
/* Keep i for a while, since it was not asked for yet. */
void hostfs_hold(struct hostfs_sb *hs, struct inode *i);

/* lookup.c */
uint32_t hostfs_name_hash(const char *name, size_t n);
void hostfs_bind(struct inode *i, struct hostfs_node *d, uint32_t hash);
void hostfs_unbind(struct inode *i);
int hostfs_lookup(struct inode *dir, const char *name, size_t n, struct inode **ret);
int hostfs_lookup_open(struct inode *dir, const char *name, size_t n, struct inode **ret);
bool hostfs_revalidate(struct inode *dir, const char *name, size_t n, struct inode *cached);
bool hostfs_revalidate_negative(struct inode *dir, const char *name, size_t n);
uint64_t hostfs_lease_ns(struct inode *dir, const char *name, size_t n, struct inode *cached);
/* What was believed about dir's names may be wrong: no lease counts. */
void hostfs_end_leases(struct inode *dir);
/* Ask for name, for what purpose, and for others of dir's listing l (NULL:
 * none), e being name's place in it.  *ret_file: it came open (TO_READ and
 * TO_MAP only). */
enum hostfs_purpose { HOSTFS_TO_LOOK, HOSTFS_TO_LIST, HOSTFS_TO_READ, HOSTFS_TO_MAP, HOSTFS_TO_DESCEND };
int hostfs_fetch(struct inode *dir, const char *name, size_t n, struct hostfs_listing *l, int64_t e,
		 enum hostfs_purpose what, uint64_t *ret_file, struct inode **ret);
void hostfs_credit(int *credit, int change);
static inline uint32_t hostfs_changes(const struct hostfs_sb *hs)
{
	return __atomic_load_n(&hs->changes, __ATOMIC_SEQ_CST);
}

/* What a listing's entry stands for, if it was fetched lately: with hs->lock
 * held; counted. */
struct hostfs_node *hostfs_known_locked(struct hostfs_node *d, const struct hostfs_entry *e, uint64_t now);
struct inode *hostfs_known_get(struct hostfs_node *d, const struct hostfs_entry *e);

/* ahead.c: the names of one message, as hc_fetch() takes them. */
struct hostfs_names {
	char text[HC_LINK_MAX];
	size_t size, bytes;                     /* bytes: of contents, about */
	unsigned count, dir_count;
	struct inode *dir[1 + HC_FETCH_DIRS];   /* of the first, and others: counted */
	size_t at;                              /* of the one to be taken next, and its directory */
	unsigned at_dir;
};
void hostfs_names_init(struct hostfs_names *a, struct inode *dir, const char *name, size_t n);
void hostfs_names_done(struct hostfs_names *a);
/* The first one is entry e of l: what is worth asking for as well, for this
 * purpose; contents of so many files and listings of so many directories. */
void hostfs_names_neighbours(struct hostfs_names *a, struct hostfs_listing *l, uint32_t e, enum hostfs_purpose what,
			     unsigned files, unsigned dirs);
/* One after another, count times. */
struct inode *hostfs_names_next(struct hostfs_names *a, const char **ret_name);

/* listing.c */
struct hostfs_listing *hostfs_listing_get(struct hostfs_node *d);      /* counted or NULL */
void hostfs_listing_put(struct hostfs_sb *hs, struct hostfs_listing *l);
bool hostfs_listing_fresh(const struct hostfs_listing *l);
/* Of packed records that make up the whole directory. */
void hostfs_listing_take(struct hostfs_node *d, const uint8_t *p, size_t size);
/* d's fresh listing, asking the host if need be; -E2BIG: too long to keep, or
 * too many are kept already. */
int __must_check hostfs_list(struct hostfs_node *d, struct hostfs_listing **ret);
/* Entry of name, or -1. */
int64_t hostfs_listing_find(const struct hostfs_listing *l, uint32_t hash, const char *name, size_t n);
void hostfs_listing_drop(struct hostfs_node *d);

/* blob.c */
/* n's contents if they are fresh; counted or NULL. */
struct hostfs_blob *hostfs_blob_get(struct hostfs_node *n);
void hostfs_blob_put(struct hostfs_sb *hs, struct hostfs_blob *b);
bool hostfs_blob_room(const struct hostfs_sb *hs);
void hostfs_blob_take(struct hostfs_node *n, const struct hc_attr *a, const uint8_t *p, size_t size, bool ahead);
void hostfs_blob_drop(struct hostfs_node *n);
/* attr_lock held; a: what the host says now.  Returns a blob to put. */
struct hostfs_blob *hostfs_blob_check_locked(struct hostfs_node *n, const struct hc_attr *a);

/* inode.c, dir.c, file.c */
extern const struct inode_ops hostfs_inode_ops;
extern const struct file_ops hostfs_dir_ops;
extern const struct file_ops hostfs_file_ops;
int hostfs_open(struct inode *i, struct file *f);
/* file is open for reading: keep it for the opening that follows. */
void hostfs_keep_open(struct hostfs_node *n, uint64_t file);
int hostfs_truncate_node(struct hostfs_node *n, uint64_t size);
void hostfs_close_handles(struct hostfs_node *n);
void hostfs_link_keep(struct hostfs_node *node, const char *text, size_t n);

#endif
