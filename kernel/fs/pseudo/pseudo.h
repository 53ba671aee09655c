/* SPDX-License-Identifier: Apache-2.0 */
/* pseudo.h: what proc and sysfs share: trees that are tables, files whose text
 * is made when it is read.
 *
 * A text file keeps the text of its last read at position 0 per open file, so
 * that a reader who comes back in pieces sees one moment. */
#ifndef NACRE_KERNEL_FS_PSEUDO_H
#define NACRE_KERNEL_FS_PSEUDO_H

#include "kernel/vfs/vfs.h"

struct pseudo_node {
	const char *name;               /* NULL ends a table */
	uint32_t mode;                  /* with type */
	void (*show)(struct sbuf *s);
	void (*show_arg)(struct sbuf *s, uint64_t arg); /* in place of show, for tables made at run time */
	uint64_t arg;
	int (*store)(const char *text, size_t n);       /* NULL: -EPERM; n is without the newline */
	int (*store_arg)(const char *text, size_t n, uint64_t arg);     /* in place of store */
	const struct pseudo_node *children;             /* directories */
	const char *link;                               /* symlinks */
	/* Directories with more than the table: names made up on the way. */
	int (*lookup)(struct inode *dir, const char *name, size_t n, struct inode **ret);
	int (*readdir)(struct file *f, struct dir_sink *s, uint64_t first_pos);
	bool strict;                    /* a directory like /proc/sys: root has no more rights below than the modes say */
	bool (*revalidate)(struct inode *dir, const char *name, size_t n, struct inode *cached);
};
#define PSEUDO_FILE(n, fn) { .name = (n), .mode = S_IFREG | 0444, .show = (fn) }
#define PSEUDO_RW(n, fn, st) { .name = (n), .mode = S_IFREG | 0644, .show = (fn), .store = (st) }
#define PSEUDO_DIR(n, kids) { .name = (n), .mode = S_IFDIR | 0555, .children = (kids) }
#define PSEUDO_LINK(n, to) { .name = (n), .mode = S_IFLNK | 0777, .link = (to) }

/* An inode for a node of a table (which must live for ever). */
int __must_check pseudo_inode(struct super_block *sb, const struct pseudo_node *n, struct inode **ret);
/* A super block whose root is the table's directory node. */
int __must_check pseudo_super(const struct fs_type *t, uint64_t magic, const struct pseudo_node *root,
			      struct super_block **ret);

/* Text files by function: for inodes with private data of their own.  An
 * inode's open calls pseudo_text_open(). */
struct pseudo_text_ops {
	int (*fill)(struct file *f, struct sbuf *s);
	int (*store)(struct file *f, const char *text, size_t n);
	bool pwrite;                    /* may be written at a position, which says nothing */
	bool at_pos;                    /* the same, and writing moves it */
};
extern const struct file_ops pseudo_text_fops;
int pseudo_text_open(struct file *f, const struct pseudo_text_ops *ops);
/* Entries of a table into a directory listing, positions from first. */
bool pseudo_emit(struct dir_sink *s, struct file *f, const char *name, uint64_t ino, uint32_t mode);
int pseudo_setattr(struct inode *i, const struct kattr *a);

#endif
