/* SPDX-License-Identifier: Apache-2.0 */
/* ops.h: one request's decoded form, and the table of what the gofer does. */
#ifndef NACRE_GOFER_OPS_H
#define NACRE_GOFER_OPS_H

#include "host/gofer/nodes.h"

struct gofer_call {
	struct gofer_req req;           /* a copy; checked by ops_decode() */
	char name[HC_NAME_MAX + 1];     /* NUL-terminated */
	char name2[HC_LINK_MAX + 1];
	/* results */
	struct gofer_rep rep;
	int fd;                         /* to hand over, or -1; the caller closes */
	uint8_t *data;                  /* GOFER_DATA_MAX bytes */
	size_t data_size;
};

/* Set c->rep, c->fd and c->data from c->req and the names. */
void ops_run(struct gofer_call *c);
/* Open /proc/self/fd, by which held objects are opened again; before the
 * process leaves the host's mount namespace.  Becomes the working directory
 * with ops_enter().  A descriptor or -errno. */
int ops_prepare(void);
int ops_enter(int procfd);

/* This process's identity, from before the lock-down; constant after. */
extern uint32_t ops_own_uid, ops_own_gid;

/* ops_fetch.c */
void op_fetch(struct gofer_call *c, struct node *dir);

/* ops_write.c */
void op_setattr(struct gofer_call *c, struct node *n);
void op_create(struct gofer_call *c, struct node *dir);
void op_mkdir(struct gofer_call *c, struct node *dir);
void op_mknod(struct gofer_call *c, struct node *dir);
void op_symlink(struct gofer_call *c, struct node *dir);
void op_setxattr(struct gofer_call *c, struct node *n);
void op_link(struct gofer_call *c, struct node *n);
void op_unlink(struct gofer_call *c, struct node *dir);
void op_rename(struct gofer_call *c, struct node *dir);

/* Shared: look at what name in dir is now, and enter it. */
int ops_enter_name(struct node *dir, const char *name, uint64_t *ret_node, struct hc_attr *ret_attr);
int ops_enter_fd(struct node *dir, const char *name, int fd, uint64_t *ret_node, struct hc_attr *ret_attr);
void ops_attr(const struct stat *st, int64_t btime_ns, bool hollow, struct hc_attr *ret);
/* fstatat(2) with the time of birth, 0 if the file system has none. */
int ops_stat(int dirfd, const char *name, int flags, struct stat *ret, int64_t *ret_btime_ns);
/* Open what the O_PATH descriptor fd of a regular file holds. */
int ops_reopen_fd(int fd, int flags);
/* Entries from fd's position on into out; *ret_end: all that follow are there. */
int ops_list(int fd, uint8_t *out, size_t room, size_t *ret_size, bool *ret_end);
/* Open a held regular file or directory again; flags as open(2). */
int ops_reopen(const struct node *n, int flags);
bool ops_name_ok(const char *name, size_t size);
#define OPS_FD_NAME 16
/* The attributes that may be seen and set. */
bool ops_xattr_ok(const char *name);
/* The name of a held object in the working directory /proc/self/fd. */
const char *ops_fd_name(const struct node *n, char buf[OPS_FD_NAME]);

#endif
