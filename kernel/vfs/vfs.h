/* SPDX-License-Identifier: Apache-2.0 */
/* vfs.h: inodes, dentries, mounts, paths, open files, descriptors, polling.
 *
 * Shape: a super_block is a mounted file system; an inode its object; a dentry
 * a name in a directory (positive or negative); a mount places a super_block's
 * root on a dentry within a mount namespace.  A path is (mount, dentry), both
 * counted.  A file is an open description; a descriptor is a slot in a files
 * table.
 *
 * Locks: inode->lock (mutex) serializes changes of a directory or of a file's
 * data and attributes; dentry tree links under dcache_lock (spin, private);
 * mount trees under mount_lock (spin, private).  See sched.h for the order.
 * Source: kernel/vfs/; file systems in kernel/fs/<name>/. */
#ifndef NACRE_KERNEL_VFS_H
#define NACRE_KERNEL_VFS_H

#include "kernel/mm/mm.h"
#include "kernel/sched/lockless.h"
#include <linux_abi/fcntl.h>            /* O_*, AT_*, F_*, … */
#include <linux_abi/poll.h>             /* POLL* */
#include <linux_abi/stat.h>             /* S_*, struct linux_stat, linux_statx, linux_statfs */
#include <linux_abi/time.h>             /* struct linux_timespec … */

struct inode;
struct dentry;
struct mount;
struct file;
struct super_block;
struct path;
struct fs_info;
struct mntns;
struct boot_params;
struct grant;
struct task;
struct cred;

#define PATH_MAX 4096
#define NAME_MAX 255
#define SYMLOOP_MAX 40

struct kstat {                          /* what getattr yields */
	uint64_t dev, ino;
	uint32_t mode, nlink, uid, gid;
	uint64_t rdev, size, blksize, blocks;   /* blocks of 512 */
	int64_t atime_ns, mtime_ns, ctime_ns, btime_ns;
};

#define ATTR_MODE 1u
#define ATTR_UID 2u
#define ATTR_GID 4u
#define ATTR_SIZE 8u
#define ATTR_ATIME 16u
#define ATTR_MTIME 32u
#define ATTR_CTIME 64u
struct kattr { uint32_t mask; uint32_t mode, uid, gid; bool chown; uint64_t size; int64_t atime_ns, mtime_ns, ctime_ns; };

struct kstatfs { uint64_t type, bsize, blocks, bfree, bavail, files, ffree, namelen, flags; };

/* Readdir: emit returns false when the buffer is full (stop, keep position).
 * A file system's readdir reports "." and ".." too: begin with
 * dir_emit_dots(), which does that for positions 0 and 1 and leaves f->pos at
 * 2 or above; false means full (return 0). */
struct dir_sink {
	bool (*emit)(struct dir_sink *s, const char *name, size_t n, uint64_t ino, uint8_t dtype, int64_t next_pos);
};
bool __must_check dir_emit_dots(struct file *f, struct dir_sink *s);

/* Names are spans without NUL.  Every operation may sleep; permission checks
 * are the VFS's (generic, by mode bits) unless .permission is given.  dir->lock
 * is held for the changing operations and lookup; the inode's own lock for
 * setattr, setxattr, removexattr.  Not held: getattr, getxattr, listxattr,
 * readlink, open, revalidate, permission and every file operation.  rename
 * holds both directories, unlink and rmdir also the victim, link the target.
 * A write with O_APPEND: the file system moves *pos to the end under its lock.
 * Paths reach an inode's lock after file->pos_lock. */
struct inode_ops {
	bool bindable;                  /* mount(MS_BIND), though its own mount is in no name space */
	/* Find name: *ret counted inode, or -ENOENT (a negative dentry follows
	 * unless the super block says nocache). */
	int (*lookup)(struct inode *dir, const char *name, size_t n, struct inode **ret);
	/* The same when name is going to be opened for reading next, if that
	 * makes a difference; NULL: none. */
	int (*lookup_open)(struct inode *dir, const char *name, size_t n, struct inode **ret);
	int (*create)(struct inode *dir, const char *name, size_t n, uint32_t mode, struct inode **ret);
	int (*mkdir)(struct inode *dir, const char *name, size_t n, uint32_t mode, struct inode **ret);
	int (*mknod)(struct inode *dir, const char *name, size_t n, uint32_t mode, uint64_t rdev, struct inode **ret);
	int (*symlink)(struct inode *dir, const char *name, size_t n, const char *target, struct inode **ret);
	int (*link)(struct inode *dir, const char *name, size_t n, struct inode *target);
	int (*unlink)(struct inode *dir, const char *name, size_t n, struct inode *victim);
	int (*rmdir)(struct inode *dir, const char *name, size_t n, struct inode *victim);
	int (*rename)(struct inode *odir, const char *on, size_t onn, struct inode *victim_src,
		      struct inode *ndir, const char *nn, size_t nnn, struct inode *victim_dst, unsigned flags);
	int (*tmpfile)(struct inode *dir, uint32_t mode, struct inode **ret);   /* O_TMPFILE */
	/* Symlinks: text into buf (size PATH_MAX), length returned. */
	long (*readlink)(struct inode *i, char *buf, size_t size);
	/* Magic links (/proc/PID/fd/N, cwd, exe, root): jump straight to a path
	 * (counted).  NULL on ordinary links. */
	int (*get_link_path)(struct inode *i, struct path *ret);
	int (*getattr)(struct inode *i, struct kstat *ret);     /* NULL: from the inode */
	int (*setattr)(struct inode *i, const struct kattr *a); /* NULL: -EPERM */
	int (*permission)(struct inode *i, unsigned may);       /* NULL: generic */
	long (*getxattr)(struct inode *i, const char *name, void *buf, size_t size);
	long (*listxattr)(struct inode *i, void *buf, size_t size);
	int (*setxattr)(struct inode *i, const char *name, const void *v, size_t n, int flags);
	int (*removexattr)(struct inode *i, const char *name);
	/* Make file->ops ready (device switch, hostfs handle).  NULL: nothing. */
	int (*open)(struct inode *i, struct file *f);
	void (*evict)(struct inode *i);         /* last reference gone: free private */
	/* Cached dentry still right?  false: drop and look up again.  NULL: yes.
	 * Called on the directory's ops, for positive entries. */
	bool (*revalidate)(struct inode *dir, const char *name, size_t n, struct inode *cached);
	/* The same for a cached "no such name".  NULL: yes. */
	bool (*revalidate_negative)(struct inode *dir, const char *name, size_t n);
	/* Asked after a lookup or one of these two answered (cached NULL: that
	 * there is none): until when (monotonic) nobody needs to ask again.
	 * 0 or NULL: ask each time. */
	uint64_t (*lease_ns)(struct inode *dir, const char *name, size_t n, struct inode *cached);
};

struct patch_file;
struct inode {
	struct ref ref;
	struct super_block *sb;
	const struct inode_ops *ops;
	const struct file_ops *fops;            /* default for opened files */
	uint64_t ino;
	/* Up to the times: once others can find it, changed under the lock (the file
	 * system's own, if it has one) by inode_set_...(), looked at without it by
	 * inode_mode() and so on.  The type and rdev never change. */
	uint32_t mode, uid, gid;
	uint32_t nlink;
	uint64_t rdev, size, blocks;
	int64_t atime_ns, mtime_ns, ctime_ns, btime_ns;
	struct mutex lock;
	void *priv;                             /* of the file system */
	void *pipe;                             /* FIFO or bound Unix socket */
	struct flock_ctx *flocks;               /* kernel/vfs/locks.c */
	struct list notify;                     /* inotify marks; notify_lock */
	struct patch_file *patch;               /* kernel/mm/patch_file.c: copies of its text; its lock */
	uint8_t write_hint;                     /* F_SET_RW_HINT: kept and shown; atomic */
	bool linkable;                          /* O_TMPFILE: has no name yet and may get one; lock */
	uint32_t writable_maps;                 /* shared mappings that may write (kernel/mm); atomic */
	int32_t deny_write;                     /* >0: being executed … <0 open writers; atomics */
	uint32_t readers;                       /* open descriptions, of regular files for reading only; atomic */
	uint32_t close_offers;                  /* open descriptions whose close may be posted; atomic */
	uint32_t names_changed;                 /* directories: leases of entries end; atomic */
	struct lockless gone;                   /* the walk may look at it without a reference */
};
struct inode *inode_new(struct super_block *sb, uint32_t mode);  /* NULL: no memory */
static inline uint32_t inode_mode(const struct inode *i) { return __atomic_load_n(&i->mode, __ATOMIC_RELAXED); }
static inline uint32_t inode_uid(const struct inode *i) { return __atomic_load_n(&i->uid, __ATOMIC_RELAXED); }
static inline uint32_t inode_gid(const struct inode *i) { return __atomic_load_n(&i->gid, __ATOMIC_RELAXED); }
static inline void inode_set_mode(struct inode *i, uint32_t bits)
{ __atomic_store_n(&i->mode, (inode_mode(i) & S_IFMT) | (bits & S_IALLUGO), __ATOMIC_RELAXED); }
static inline void inode_set_owner(struct inode *i, uint32_t uid, uint32_t gid)
{
	__atomic_store_n(&i->uid, uid, __ATOMIC_RELAXED);
	__atomic_store_n(&i->gid, gid, __ATOMIC_RELAXED);
}
/* inode_nlink(), inode_set_nlink() and so on: each field whole, not all of one moment. */
#define INODE_FIELD(type, name, field) \
static inline type inode_##name(const struct inode *i) { return __atomic_load_n(&i->field, __ATOMIC_RELAXED); } \
static inline void inode_set_##name(struct inode *i, type v) { __atomic_store_n(&i->field, v, __ATOMIC_RELAXED); }
INODE_FIELD(uint32_t, nlink, nlink)
INODE_FIELD(uint64_t, size, size)
INODE_FIELD(uint64_t, blocks, blocks)
INODE_FIELD(int64_t, atime, atime_ns)
INODE_FIELD(int64_t, mtime, mtime_ns)
INODE_FIELD(int64_t, ctime, ctime_ns)
INODE_FIELD(int64_t, btime, btime_ns)
#undef INODE_FIELD
struct inode *inode_get(struct inode *i);
void inode_put(struct inode *i);

struct dentry {
	struct ref ref;
	struct inode *inode;                    /* NULL: negative */
	struct dentry *parent;                  /* counted; self for a root */
	struct super_block *sb;
	char *name; uint32_t name_size; uint32_t hash;
	struct dentry *hash_next, **hash_prev;  /* hash_prev: dcache_lock */
	uint64_t lease_ns;                      /* until then it is right without asking; atomic */
	uint32_t lease_of;                      /* if the directory's names_changed is this; atomic */
	struct list child_link, children, lru_link;
	bool unhashed;                          /* removed: "(deleted)"; never a root; atomic */
	bool used;                              /* found since the cache looked at it; atomic */
	uint32_t mounted;                       /* how many mounts sit on it */
	struct lockless gone;
};
static inline bool dentry_unhashed(const struct dentry *d)
{ return __atomic_load_n(&d->unhashed, __ATOMIC_RELAXED); }
struct dentry *dentry_get(struct dentry *d);
void dentry_put(struct dentry *d);

struct path { struct mount *mnt; struct dentry *dentry; };
static inline bool path_equal(const struct path *a, const struct path *b)
{ return a->mnt == b->mnt && a->dentry == b->dentry; }
void path_get(struct path *p);
void path_put(struct path *p);                  /* clears it */

/* Wake-ups for poll carry POLL* keys; a table collects where a poller waits. */
struct poll_table {
	void (*queue)(struct poll_table *pt, struct waitq *q);
};
static inline void poll_wait(struct poll_table *pt, struct waitq *q) { if (pt) pt->queue(pt, q); }

struct mmap_target {                            /* how a file is mapped */
	plat_obj_t obj;                         /* borrowed: the file that the VMA counts keeps it alive
						 * (so inode or file->priv owns it and frees it last) */
	uint64_t off;
	bool anonymous;                         /* /dev/zero private: plain memory */
	bool no_write;                          /* shared: mprotect() must never make it writable */
};

struct file_ops {
	/* pos: in-out position (pread/pwrite pass their own).  Bytes moved or
	 * -errno.  Blocking unless f->flags has O_NONBLOCK. */
	long (*read)(struct file *f, struct iter *to, uint64_t *pos);
	long (*write)(struct file *f, struct iter *from, uint64_t *pos);
	/* Optional: as iter_source.lend.  What is written to the file later may
	 * be seen by who holds it (sendfile(2), NOTES); what is cut off stays. */
	size_t (*lend)(struct file *f, uint64_t pos, size_t n, struct lent **ret, uint8_t **ret_bytes);
	int64_t (*lseek)(struct file *f, int64_t off, int whence);      /* NULL: -ESPIPE */
	int (*readdir)(struct file *f, struct dir_sink *s);             /* from f->pos, advances it */
	/* Present readiness; registers on pt when given. NULL: always in|out. */
	uint32_t (*poll)(struct file *f, struct poll_table *pt);
	/* Optional, both: kernel/ipc/grant.h.  All that read(2) would give now is granted (true), or
	 * nothing; a grant of this file ends, if it has not, and what was read goes. */
	bool (*grant)(struct file *f, struct grant *g);
	void (*grant_over)(struct file *f, struct grant *g);
	long (*ioctl)(struct file *f, unsigned cmd, uint64_t arg);      /* NULL: -ENOTTY */
	int (*mmap)(struct file *f, unsigned prot, unsigned map_flags, uint64_t off, uint64_t size, struct mmap_target *ret);
	void (*mmap_written)(struct file *f);           /* msync(2) of a shared mapping: the times */
	int (*fsync)(struct file *f, bool data_only);
	int (*truncate)(struct file *f, uint64_t size);                 /* NULL: through setattr */
	int (*fallocate)(struct file *f, int mode, uint64_t off, uint64_t n);
	int (*flush)(struct file *f, struct task *t);                   /* each close(2) */
	void (*release)(struct file *f);                                /* the last reference */
	int (*set_flags)(struct file *f, uint32_t new_flags);           /* F_SETFL; NULL: fine */
	void (*show_fdinfo)(struct file *f, struct sbuf *s);
	long (*seals)(struct file *f, unsigned cmd, uint32_t seals);    /* F_ADD_SEALS, F_GET_SEALS; NULL: -EINVAL */
	bool no_pwrite;                         /* as Linux's seq files: -ESPIPE */
	bool quiet_close;                       /* nobody can tell when one for reading only was closed, but as fd_offer_close() knows */
	const char *type_name;                  /* "pipe", "socket", "anon_inode:[eventfd]": how /proc shows it; NULL: path */
};

struct file {
	struct ref ref;
	const struct file_ops *ops;
	struct path path;                       /* empty for anonymous files */
	struct inode *inode;                    /* counted */
	uint32_t flags;                         /* O_ACCMODE | O_APPEND | O_NONBLOCK | O_DIRECT | O_PATH …; lock */
	uint32_t mode;                          /* FMODE_ below */
	uint64_t pos;                           /* pos_lock for read, write, lseek of seekable files */
	struct mutex pos_lock;
	struct spinlock lock;
	struct cred *cred;                      /* of the opener */
	void *priv;
	struct waitq *wq_hint;                  /* the queue epoll may use; optional */
	struct list epoll_links;                /* kernel/ipc/epoll.c */
	struct file_owner {                     /* F_SETOWN; lock */
		int32_t pid;                    /* -pgrp; 0: nobody */
		uint32_t type;                  /* F_OWNER_*; of a thread: that one only */
		uint32_t uid, euid;             /* of who set it */
	} owner;
	int32_t sigio;                          /* F_SETSIG; lock */
	struct sigio *async;                    /* O_ASYNC: kernel/ipc/sigio.c */
	bool close_offered;                     /* counted in inode->close_offers */
	bool shared;                            /* atomic: was in more than one table */
};
/* Signals about a file: kernel/ipc/sigio.c. */
void sigio_init(void);
int sigio_set(struct file *f, int fd, bool on);         /* O_ASYNC; -ENOMEM */
void sigio_file_gone(struct file *f);                   /* f->async is set */
void sigio_urgent(struct file *f);                      /* SIGURG to the owner; no lock held */
void sigio_message(struct file *f, int fd);             /* a lease or a directory: to the owner; no lock held */
void file_own_unowned(struct file *f);                  /* current's process, if nobody is its owner */
struct files;
/* F_NOTIFY: kernel/ipc/dnotify.c.  owner NULL: everybody's. */
void dnotify_init(void);
int dnotify_set(struct file *f, int fd, uint32_t arg);
void dnotify_close(struct file *f, struct files *owner);
int file_set_owner(struct file *f, int32_t who, uint32_t type); /* F_OWNER_*; -ESRCH, -EINVAL */
static inline bool file_appends(const struct file *f, const struct iter *it) { return (f->flags & O_APPEND) || it->append; }
#define FMODE_READ 1u
#define FMODE_WRITE 2u
#define FMODE_SEEK 4u                           /* has a position */
#define FMODE_PATH 8u                           /* O_PATH: no I/O */
#define FMODE_STREAM 16u                        /* pos is meaningless */
#define FMODE_EXEC 32u                          /* path_open_exec: nobody may open it for writing meanwhile */
#define FMODE_READER 128u                       /* counted in inode->readers; VFS only */
#define FMODE_WRITER 64u                        /* counted in inode->deny_write; VFS only */

struct file *file_get(struct file *f);
void file_put(struct file *f);                  /* may sleep */
/* An open description without a name: pipes, eventfd, sockets …  inode: one
 * from anon_inode_new() or NULL for the shared anonymous one. */
int __must_check file_new_anon(const struct file_ops *ops, void *priv, uint32_t flags,
			       struct inode *inode, struct file **ret);
/* Where /proc/PID/fd/N leads: the file's own path, or for a file without one
 * (pipe, socket, stream) a path of its own over the same inode, so that it can
 * be opened again: inode->ops->open or fifo_open().  kernel/vfs/filelink.c */
int __must_check file_link_path(struct file *f, struct path *ret);
/* The same for an inode outside every tree; its sb must be set. */
int __must_check inode_link_path(struct inode *i, struct path *ret);
uint32_t file_getfl(const struct file *f);      /* F_GETFL: with O_LARGEFILE */
int anon_setattr(struct inode *i, const struct kattr *a);
struct inode *anon_inode_new(uint32_t mode);    /* S_IFIFO, S_IFSOCK: own ino */

/* ---- descriptors ---- */
struct files;
struct files *files_new(void);
struct files *files_get(struct files *fs);
struct files *files_share(struct files *fs);      /* the same, by its task, for another that will use it as well */
void files_put(struct files *fs);               /* closes all on the last */
int __must_check files_copy(struct files *from, struct files **ret);   /* fork */
int __must_check files_unshare(struct task *t);
void files_close_on_exec(struct files *fs);
/* Lowest free >= min, below RLIMIT_NOFILE: -EMFILE.  Reserves. */
int __must_check fd_alloc(unsigned min, bool cloexec);
void fd_install(int fd, struct file *f);        /* consumes the reference */
void fd_release_unused(int fd);
int __must_check fd_add(struct file *f, bool cloexec);   /* alloc+install; consumes f only on success */
/* As dup2(2): the number fd, whatever it was.  Consumes f on success. */
int __must_check files_replace(unsigned fd, struct file *f, bool cloexec);
/* Both get numbers, which go to ufds, or neither.  Consumes f in any case. */
int __must_check fd_add_two(struct file *const f[2], bool cloexec, uaddr ufds);
unsigned fd_table_size(void);                   /* slots of the current task's table; fork and growth change it */
struct file *fd_get(int fd);                    /* counted; NULL: EBADF; O_PATH files excluded */
struct file *fd_get_any(int fd);                /* O_PATH too */
/* As fd_get(), for the length of this system call: not counted while no other
 * task has the table, as then nobody can close it.  For calls that do not close. */
struct fd_use { struct file *file; bool counted; };
struct fd_use fd_use(int fd);
static inline void fd_done(struct fd_use u)
{
	if (u.counted)
		file_put(u.file);
}
struct file *files_lookup_get(struct files *fs, int fd);         /* another task's */
int files_next_fd(struct files *fs, int from);  /* lowest open fd >= from, -1 */
bool files_cloexec(struct files *fs, int fd);
int fd_close(int fd);
/* kernel/ipc/epoll_post.c.  The current task is the one that may post changes of its sets:
 * true as long as these files are in these slots. */
bool files_post_claim(int epfd, const struct file *set, int fd, const struct file *f);
bool files_post_claim_fd(int fd, const struct file *f); /* that slot alone */
/* From now on nobody posts (for good: ever), and what was posted has been done.  May sleep. */
void files_posts_end(struct files *fs, bool for_good);
void files_poster_exits(struct files *fs, const struct task *t);
/* Somebody else looks at this table now: what its poster has posted is done.  May sleep. */
void files_settle(struct files *fs);
/* kernel/vfs/closepost.c */
void fd_offer_close(int fd, struct file *f);
void fd_offer_fcntl(int fd, const struct file *f, unsigned cmd);
bool fd_post_do(const struct plat_post *p);     /* false: a call of another kind */
/* The current task's F_GETFL has another answer for some file. */
static inline void fd_flags_changed(struct plat_uctx *u) { u->fds.flagged = 0; }
/* Who has closed a file by posting has done so: for whoever could tell.  May sleep. */
void closes_settle(void);
static inline void closes_settle_of(const struct inode *i)
{
	if (unlikely(__atomic_load_n(&i->close_offers, __ATOMIC_SEQ_CST)))
		closes_settle();
}
/* f, counted, of table fs becomes known elsewhere.  May sleep. */
void epoll_seen(struct files *fs, struct file *f);

/* ---- per-task file system context ---- */
struct fs_info { struct ref ref; struct spinlock lock; struct path root, cwd; uint32_t umask; };
struct fs_info *fs_info_copy(struct fs_info *f);
struct fs_info *fs_info_get(struct fs_info *f);
void fs_info_put(struct fs_info *f);

/* ---- path walk (of the current task) ---- */
#define LOOKUP_FOLLOW 1u                        /* the last component if it is a link */
#define LOOKUP_DIRECTORY 2u                     /* -ENOTDIR otherwise */
#define LOOKUP_EMPTY 4u                         /* AT_EMPTY_PATH */
#define LOOKUP_NO_SYMLINKS 8u                   /* openat2 RESOLVE_ */
#define LOOKUP_NO_MAGICLINKS 16u
#define LOOKUP_NO_XDEV 32u
#define LOOKUP_BENEATH 64u
#define LOOKUP_IN_ROOT 128u
#define LOOKUP_OPEN 256u                        /* the last component is opened for reading next */
#define LOOKUP_ASK 512u                         /* leases do not count */
int __must_check path_lookup(int dfd, const char *name, unsigned flags, struct path *ret);
int __must_check path_lookup_user(int dfd, ustr name, unsigned flags, struct path *ret);
/* The parent directory of the last component, which goes to last (NAME_MAX+1).
 * *ret_trailing_slash says whether one followed. */
int __must_check path_lookup_parent(int dfd, const char *name, unsigned flags, struct path *ret_dir,
				    char *last, size_t *ret_last_size, bool *ret_trailing_slash);
int __must_check path_open(int dfd, const char *name, uint32_t flags, uint32_t mode,
			   unsigned resolve, struct file **ret);
int __must_check path_open_exec(int dfd, const char *name, int at_flags, struct file **ret);  /* X_OK, regular */
/* Make an entry (mode's type: directory, regular file, socket, FIFO, device)
 * with these mode bits (no umask); ret may be NULL: its path, counted. */
int __must_check path_make(int dfd, const char *name, uint32_t mode, uint64_t rdev, struct path *ret);
/* Absolute name as seen from root (NULL: the current task's); "(unreachable)"
 * and " (deleted)" as Linux.  Writes backwards into buf, returns the start or
 * an ERR below 0 as *ret_err. */
char *path_name(const struct path *p, const struct path *root, char *buf, size_t size, int *ret_err);

#define MAY_EXEC 1u
#define MAY_WRITE 2u
#define MAY_READ 4u
uint32_t lease_break_time(void);                /* seconds; 0: for ever; lease.c */
void lease_break_time_set(uint32_t s);
/* fs.protected_* (sticky.c). */
enum sticky_setting { PROTECTED_SYMLINKS, PROTECTED_HARDLINKS, PROTECTED_FIFOS, PROTECTED_REGULAR, PROTECTED_COUNT };
uint32_t sticky_setting(enum sticky_setting s);
void sticky_set(enum sticky_setting s, uint32_t v);
int __must_check inode_permission(struct inode *i, unsigned may);        /* current's fsuid */
int __must_check path_permission(const struct path *p, unsigned may);    /* with read-only mounts */
int vfs_getattr(const struct path *p, struct kstat *ret);
int vfs_setattr(const struct path *p, struct kattr *a);                  /* checks and applies, clears suid */
int inode_getattr(struct inode *i, struct kstat *ret);
void inode_touch(struct inode *i, uint32_t attr_mask);                   /* times = now */
int64_t vfs_now_ns(void);                                                /* wall clock */

/* Kernel-internal I/O. */
long file_read_kernel(struct file *f, void *buf, size_t n, uint64_t pos);
long file_write_kernel(struct file *f, const void *buf, size_t n, uint64_t pos);
/* The memory object behind a file for mmap and exec; see mmap_target. */
int file_mmap(struct file *f, unsigned prot, unsigned map_flags, uint64_t off, uint64_t size, struct mmap_target *ret);

/* ---- file systems and mounts ---- */
struct fs_type {
	const char *name;
	bool nodev;                     /* "nodev" in /proc/filesystems */
	/* Make a super block; data is mount(2)'s option string or NULL, arg is
	 * kernel-internal (struct boot_mount *, lower paths). */
	int (*mount)(const struct fs_type *t, const char *source, const char *data,
		     const void *arg, struct super_block **ret);
};
struct super_ops {
	int (*statfs)(struct super_block *sb, struct kstatfs *ret);
	void (*kill)(struct super_block *sb);   /* the last mount is gone */
	void (*show_options)(struct super_block *sb, struct sbuf *s);
	/* What mountinfo calls a mount's root; without: its path in the file system. */
	void (*show_root)(const struct inode *root, struct sbuf *s);
};
struct super_block {
	struct ref ref;
	const struct fs_type *type;
	const struct super_ops *ops;
	uint64_t dev;                   /* st_dev, unique */
	struct dentry *root;
	uint64_t magic;
	bool readonly, nocache;         /* nocache: no negative dentries, always revalidate */
	void *priv;
	uint64_t next_ino;
};
struct super_block *super_new(const struct fs_type *t, const struct super_ops *ops, uint64_t magic);
int __must_check super_set_root(struct super_block *sb, struct inode *root);     /* consumes root */
void super_put(struct super_block *sb);

#define MNT_READONLY 1u
#define MNT_NOSUID 2u
#define MNT_NODEV 4u
#define MNT_NOEXEC 8u
#define MNT_NOATIME 16u
#define MNT_NODIRATIME 32u
#define MNT_STRICTATIME 64u                     /* without these two: relatime */
#define MNT_NOSYMFOLLOW 128u
unsigned mount_flags(const struct mount *m);      /* MNT_* now (wanted by T: exec, suid) */
/* Does reading f now move its time of access, which is atime, last changed at this time? */
bool file_reads_touch(const struct file *f, int64_t atime_ns, int64_t changed_ns);
struct mntns *mntns_new(void);
struct mntns *mntns_get(struct mntns *ns);
void mntns_put(struct mntns *ns);
int __must_check mntns_copy(struct mntns *from, struct mntns **ret, struct fs_info *fs);
/* Mount sb's root on `at` (NULL dentry: as the namespace's root). */
int __must_check mount_attach(struct mntns *ns, struct super_block *sb, struct path *at,
			      unsigned flags, const char *source);
int mount_root_path(struct mntns *ns, struct path *ret);
/* For /proc/mounts, mountinfo: text of every mount reachable from root. */
void mounts_show(struct mntns *ns, const struct path *root, bool mountinfo, struct sbuf *s);

extern const struct fs_type *const fs_types[];  /* NULL-terminated: kernel/vfs/fs_types.c */
const struct fs_type *fs_type_find(const char *name);
extern const struct fs_type tmpfs_type, proc_type, sysfs_type, devtmpfs_type, devpts_type,
	overlay_type, hostfs_type;

/* Lay out container 0's tree from boot_params (kernel/vfs/boot.c). */
int vfs_boot_mounts(const struct boot_params *bp, struct mntns *ns, struct fs_info *fs);

/* Helpers for file systems. */
/* Owner of a new inode in dir: current's fsuid, fsgid or dir's gid when that is
 * setgid (which new directories inherit). */
void inode_init_owner(struct inode *i, const struct inode *dir);
/* Apply a to the fields of i (not the size): most of a setattr. */
void inode_apply_attr(struct inode *i, const struct kattr *a);
void inode_fill_stat(struct inode *i, struct kstat *ret);
/* open of an inode outside any path walk (overlay layers): no checks. */
int __must_check inode_open_internal(struct inode *i, uint32_t flags, struct file **ret);
/* A path to an inode that has no name anywhere (memfd): below sb's root in a
 * mount of sb that no namespace has; *mnt caches that mount.  Consumes i on
 * success.  /proc shows "/NAME (deleted)". */
int __must_check path_nameless(struct mount **mnt, struct super_block *sb, const char *name, size_t n,
			       struct inode *i, struct path *ret);
/* Its description is no writer, as on Linux: the file may be run while that is open. */
int __must_check path_open_nameless(const struct path *p, uint32_t flags, struct file **ret);
/* Called for each file whose last reference goes: kernel/ipc/epoll.c (wanted by V) */
void epoll_file_gone(struct file *f);
int64_t generic_lseek(struct file *f, int64_t off, int whence);          /* by inode size */
int64_t sizeless_lseek(struct file *f, int64_t off, int whence);         /* directories, text that is made when it is read */
int64_t noop_lseek(struct file *f, int64_t off, int whence);             /* allowed, and means nothing */
/* Device numbers: open of a char device inode looks here. */
const struct file_ops *chrdev_ops(uint64_t rdev);                        /* NULL: -ENXIO */
int chrdev_open(struct inode *i, struct file *f);
int fifo_open(struct inode *i, struct file *f);                          /* kernel/ipc/pipe.c */
#define MAJOR(dev) ((uint32_t)((dev) >> 8 & 0xfff))
#define MINOR(dev) ((uint32_t)(((dev) & 0xff) | ((dev) >> 12 & 0xfff00)))
#define MKDEV(ma, mi) (((uint64_t)(ma) << 8) | ((mi) & 0xff) | (((uint64_t)(mi) & ~0xffull) << 12))

/* inotify events, called by the VFS after the fact: kernel/ipc/inotify.c. */
void notify_inode(struct inode *i, uint32_t mask, uint32_t cookie);
void notify_child(struct inode *dir, const char *name, size_t n, uint32_t mask, uint32_t cookie);
void notify_inode_gone(struct inode *i);
void notify_inode_unlinked(struct inode *i);            /* the same, unless it is open */
bool notify_watches_any(void);
/* The object of a path and, by name, the directory it is in. */
void notify_path(const struct path *p, uint32_t mask);
/* d's parent with a reference, its name (NAME_MAX + 1 bytes of room, no NUL);
 * NULL for a root. */
struct dentry *dentry_parent_name(struct dentry *d, char *name, size_t *ret_n);

/* File locks dropped with a files table or a file: kernel/vfs/locks.c. */
void locks_release_file(struct file *f);
void locks_release_posix(struct file *f, struct files *owner);

/* The stdio streams of the sandbox as files (kernel/fs/dev/stdio.c) */
/* Host events HC_EVENT_STREAM(n) and HC_EVENT_WINCH: kernel/task/boot.c sets the
 * event handler and passes those on (wanted by T). */
void stdio_events(uint64_t events);
int __must_check stdio_open(unsigned n, const struct boot_params *bp, struct file **ret);

void vfs_init(void);

#endif
