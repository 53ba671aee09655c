/* SPDX-License-Identifier: Apache-2.0 */
/* proc.h: private to kernel/fs/proc.
 *
 * proc(5) of the sandbox: nothing in it comes from the host's /proc.  Inodes of
 * processes hold no task: they name it by number and birth and look it up at
 * each use, so that caches keep no dead process. */
#ifndef NACRE_KERNEL_FS_PROC_H
#define NACRE_KERNEL_FS_PROC_H

#include "kernel/fs/pseudo/pseudo.h"
#include "kernel/task/task.h"

struct pid_entry;

struct pid_ref {                        /* inode->priv below /proc/PID */
	int32_t tid;
	uint64_t birth;                 /* tgroup.start_order */
	bool thread;                    /* below /proc/PID/task/TID */
	const struct pid_entry *e;      /* NULL: a numbered entry of fd or fdinfo */
	int fd;
	bool fdinfo;
};
static inline struct pid_ref *pid_ref(struct inode *i) { return i->priv; }

struct pid_entry {
	const char *name;               /* NULL ends a table */
	uint32_t mode;
	bool guarded;                   /* only who may trace the task */
	bool pwrite;                    /* as in pseudo_text_ops */
	int (*fill)(struct task *t, struct sbuf *s);
	int (*store)(struct task *t, const char *text, size_t n);
	int (*link)(struct task *t, struct path *ret);          /* magic link */
	long (*link_text)(struct task *t, char *buf, size_t size);      /* its text, when not a path */
	const struct inode_ops *dir_iops;       /* directories */
	const struct file_ops *dir_fops;
	const struct file_ops *fops;            /* files of their own kind */
	const struct pid_entry *children;       /* directories of a task's own */
};

/* pid.c */
struct task *pid_task_get(struct inode *i);     /* NULL: gone */
/* Of an open /proc/PID.  EBADF: it is none; ESRCH: gone. */
int proc_dir_group_get(struct file *f, struct tgroup **ret);
int pid_inode(struct super_block *sb, struct task *t, const struct pid_entry *e, bool thread,
	      int fd, bool fdinfo, uint32_t mode, struct inode **ret);
int pid_lookup_root(struct inode *dir, const char *name, size_t n, struct inode **ret);
int pid_readdir_root(struct file *f, struct dir_sink *s, uint64_t first_pos);
bool pid_revalidate_root(struct inode *dir, const char *name, size_t n, struct inode *cached);
void pid_evict(struct inode *i);
bool pid_may(struct task *t, bool guarded);
extern const struct inode_ops pid_dir_iops;     /* a process or a thread */
extern const struct file_ops pid_dir_fops;
extern const struct inode_ops pid_task_dir_iops;
extern const struct file_ops pid_task_dir_fops;
/* pid_table.c */
extern const struct pid_entry pid_entries[], pid_ns_entries[], pid_net_entries[], pid_net_stat_entries[];

/* pid_fd.c */
extern const struct inode_ops pid_fd_dir_iops, pid_fdinfo_dir_iops, pid_fd_link_iops;
extern const struct file_ops pid_fd_dir_fops;
int pid_fdinfo_fill(struct task *t, int fd, struct sbuf *s);
/* pid_mem.c */
int pid_maps(struct task *t, struct sbuf *s);
int pid_smaps(struct task *t, struct sbuf *s);
int pid_smaps_rollup(struct task *t, struct sbuf *s);
int pid_cmdline(struct task *t, struct sbuf *s);
int pid_environ(struct task *t, struct sbuf *s);
int pid_auxv(struct task *t, struct sbuf *s);
int pid_statm(struct task *t, struct sbuf *s);
int pid_exe(struct task *t, struct path *ret);
extern const struct file_ops pid_mem_fops;
struct mem_numbers { uint64_t size, rss, text, data, stack, lib, locked, peak_rss; };
void pid_mem_numbers(struct task *t, struct mem_numbers *ret);
/* pid_stat.c */
int pid_stat(struct task *t, struct sbuf *s);
int pid_status(struct task *t, struct sbuf *s);
/* pid_misc.c: the small ones, used by pid_table.c only */

/* system.c, cpuinfo.c, sysctl.c, net.c */
void proc_cpuinfo(struct sbuf *s);
void proc_stat(struct sbuf *s);
void proc_meminfo(struct sbuf *s);
extern const struct pseudo_node proc_sys_children[], proc_sys_net_children[];

/* All processes, by number: the lowest tgid >= from, or -1. */
int32_t proc_next_tgid(int32_t from);

#define USER_HZ_NS 10000000ull

#endif
