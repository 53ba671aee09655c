/* SPDX-License-Identifier: Apache-2.0 */
/* gofer.h: the wire protocol between sandbox and gofer, and the gofer's entry.
 *
 * One SOCK_SEQPACKET channel per virtual CPU plus one for everybody else; one
 * request is outstanding per channel.  A request is struct gofer_req, then
 * name_size bytes, then name2_size bytes.  A reply is struct gofer_rep, then
 * data_size bytes; an opened file's descriptor rides on it as SCM_RIGHTS.
 *
 * Both sides validate: the gofer treats each request as hostile, the sandbox
 * (platform/process/hc_node.c) each reply. */
#ifndef NACRE_GOFER_H
#define NACRE_GOFER_H

#include <base/types.h>
#include <hostcall.h>

#define GOFER_MAX_ROOTS 64
#define GOFER_MAX_CHANNELS 65
#define GOFER_DATA_MAX HC_XATTR_MAX
STATIC_ASSERT(GOFER_DATA_MAX >= HC_DIRENT_BATCH);
#define GOFER_NAMES_MAX (HC_NAME_MAX + HC_LINK_MAX)

struct gofer_req {
	uint32_t op;            /* enum hc_op */
	uint32_t seq;           /* comes back in the reply */
	uint64_t node, node2;   /* node2: RENAME's new directory, LINK's directory */
	uint64_t cookie;        /* READDIR; FETCH: files_ahead | dirs_ahead << 16 */
	uint32_t size;          /* room for the reply's data */
	uint32_t flags;         /* OPEN, CREATE: HC_OPEN_; RENAME: HC_RENAME_; UNLINK: 1 = directory; SETXATTR: HC_XATTR_; FETCH: HC_FETCH_ */
	uint32_t mode, uid, gid;
	uint32_t mask;          /* SETATTR: HC_SET_ */
	uint32_t name_size;     /* 0..HC_NAME_MAX */
	uint32_t name2_size;    /* RENAME: new name; SYMLINK: target; SETXATTR: value; FETCH: names; FORGET: more handles */
	uint32_t cpu;           /* the host's CPU to answer from next, + 1; 0: any */
	uint32_t pad;
	struct hc_attr attr;    /* SETATTR */
};

struct gofer_rep {
	int32_t err;            /* 0 or a negative errno */
	uint32_t seq;
	uint64_t node;
	uint32_t data_size;
	uint32_t has_fd;
	uint32_t end;           /* READDIR: no entry follows */
	uint32_t pad;
	struct hc_attr attr;
	struct hc_statfs statfs;
};

STATIC_ASSERT(sizeof(struct hc_attr) == 96);
STATIC_ASSERT(sizeof(struct gofer_req) == 72 + 96);
STATIC_ASSERT(sizeof(struct gofer_rep) == 32 + 96 + 56);

/* The handle of root i, known to the monitor before the gofer runs. */
#define GOFER_ROOT_HANDLE(i) ((1ull << 32) | ((uint64_t)(i) + 1))

struct gofer_root {
	int fd;                 /* O_PATH directory */
	bool writable;
};

struct gofer_config {
	struct gofer_root roots[GOFER_MAX_ROOTS];
	size_t root_count;
	int channel[GOFER_MAX_CHANNELS];
	size_t channel_count;
	unsigned node_fd_max;   /* tests: descriptors kept for nodes; 0 = from RLIMIT_NOFILE */
	bool isolate;           /* namespaces, capabilities, Landlock, seccomp */
};

/* The gofer's life, in its own process: returns the exit status when all
 * channels are closed. */
int gofer_main(const struct gofer_config *cfg);

#endif
