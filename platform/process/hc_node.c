/* SPDX-License-Identifier: Apache-2.0 */
/* Host nodes: requests to the gofer (host/gofer/gofer.h), one channel per CPU.
 *
 * A CPU has at most one request outstanding, since the kernel does not switch
 * tasks inside a host call; threads that are no CPU share the last channel.
 *
 * Each channel's thread of the gofer stays on one of the host's CPUs, and a
 * request takes a channel whose thread is where the asker is: the asker sleeps
 * until it is answered, so its CPU is free, and nobody has to be woken on
 * another.  A CPU's own channel is there for it when no other fits.
 *
 * Trust: a reply is hostile.  Its size, sequence number, error, data size and
 * descriptor count are checked here; what remains (contents of attributes and
 * names) is the kernel's to check. */
#include <errno.h>
#include <platform.h>
#include <string.h>
#include <sys/socket.h>
#include "host/gofer/gofer.h"
#include "host/isolate/isolate.h"
#include "platform/process/hc.h"

HOST_CALLS(sandbox, sendmsg, recvmsg, close);

#define ERRNO_MAX 133

/* An asker that hops to and fro is not followed: moving costs as much as a
 * wake-up. */
#define STEADY 3u

struct channel {
	struct hc_lock lock;
	int fd;                 /* constant; -1: none */
	uint32_t near;          /* the host's CPU of its thread, + 1; 0: not used yet; atomic */
	uint32_t strays;        /* by the lock, as below: requests in a row from elsewhere */
	uint32_t seq;
};

static struct channel channels[PLAT_MAX_CPUS + 1];      /* last: everybody else */
static unsigned channel_count;                          /* of CPUs; constant */

struct reply {
	struct gofer_rep rep;
	void *data;             /* room for it, or NULL */
	size_t room;
	size_t size;            /* what came */
	int fd;                 /* -1, or received; the caller's */
};

int hc_node_init(const struct sandbox_config *cfg)
{
	unsigned i;

	for (i = 0; i < PLAT_MAX_CPUS; i++) {
		channels[i].fd = cfg->gofer_cpu_fd[i];
		if (channels[i].fd >= 0)
			channel_count = i + 1;
	}
	channels[PLAT_MAX_CPUS].fd = cfg->gofer_fd;
	return 0;
}

static bool near(struct channel *ch, uint32_t place)
{
	return ch->fd >= 0 && __atomic_load_n(&ch->near, __ATOMIC_RELAXED) == place;
}

/* A channel of a CPU whose thread is at place, locked, or NULL. */
static struct channel *take_near(uint32_t place)
{
	for (unsigned i = 0; i < channel_count; i++)
		if (near(&channels[i], place) && hc_lock_try(&channels[i].lock))
			return &channels[i];
	return NULL;
}

/* Locked, with the place for its thread set. */
static struct channel *take_channel(void)
{
	struct channel *others = &channels[PLAT_MAX_CPUS], *own = others, *ch = NULL;
	uint32_t here = host_cpu() + 1;
	unsigned cpu = plat_cpu_self();

	if (cpu < PLAT_MAX_CPUS && channels[cpu].fd >= 0)
		own = &channels[cpu];
	if (own != others && near(own, here) && hc_lock_try(&own->lock))
		ch = own;
	if (!ch && own != others)
		ch = take_near(here);
	if (!ch && own != others)
		ch = take_near(0);
	if (!ch) {
		hc_lock_take(&own->lock);
		ch = own;
	}
	if (near(ch, here) || !ch->near || ++ch->strays == STEADY) {
		__atomic_store_n(&ch->near, here, __ATOMIC_RELAXED);
		ch->strays = 0;
	}
	return ch;
}

static int send_request(struct channel *ch, struct gofer_req *req, const char *name,
			const char *name2)
{
	struct iovec iov[3] = {
		{ .iov_base = req, .iov_len = sizeof(*req) },
		{ .iov_base = (void *)(uintptr_t)name, .iov_len = req->name_size },
		{ .iov_base = (void *)(uintptr_t)name2, .iov_len = req->name2_size },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 3 };
	long n;

	do
		n = raw(SYS_sendmsg, ch->fd, &msg, MSG_NOSIGNAL);
	while (n == -EINTR);
	return n < 0 ? (n == -EPIPE || n == -ECONNRESET ? -EIO : (int)n) : 0;
}

/* Descriptors that came: at most one may be kept. */
static int take_fds(struct msghdr *msg, struct reply *r)
{
	struct cmsghdr *cm;
	int fds[4], err = 0;
	size_t i, n;

	for (cm = CMSG_FIRSTHDR(msg); cm; cm = CMSG_NXTHDR(msg, cm)) {
		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		n = MIN(n, ARRAY_SIZE(fds));
		memcpy(fds, CMSG_DATA(cm), n * sizeof(int));
		for (i = 0; i < n; i++) {
			if (r->fd < 0) {
				r->fd = fds[i];
			} else {
				raw(SYS_close, fds[i]);
				err = -EIO;
			}
		}
	}
	return err;
}

static int receive_reply(struct channel *ch, struct reply *r)
{
	union { char buf[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control;
	struct iovec iov[2] = {
		{ .iov_base = &r->rep, .iov_len = sizeof(r->rep) },
		{ .iov_base = r->data, .iov_len = r->room },
	};
	struct msghdr msg = {
		.msg_iov = iov, .msg_iovlen = r->room ? 2 : 1,
		.msg_control = control.buf, .msg_controllen = sizeof(control.buf),
	};
	long n;
	int err;

	do
		n = raw(SYS_recvmsg, ch->fd, &msg, MSG_CMSG_CLOEXEC);
	while (n == -EINTR);
	if (n < 0)
		return -EIO;
	err = take_fds(&msg, r);
	if (err)
		return err;
	if (n < (long)sizeof(r->rep) || msg.msg_flags & MSG_TRUNC)
		return -EIO;
	r->size = (size_t)n - sizeof(r->rep);
	if (r->rep.seq != ch->seq || r->rep.data_size != r->size)
		return -EIO;
	if (r->rep.err > 0 || r->rep.err < -ERRNO_MAX)
		return -EIO;
	if (r->rep.err)
		return r->rep.err;
	if (r->rep.has_fd && r->fd < 0)
		return -ENFILE;         /* no room in our descriptor table */
	return 0;
}

/* r->fd: a descriptor that came, or -1. */
static int exchange_fd(struct gofer_req *req, const char *name, const char *name2, struct reply *r)
{
	struct channel *ch = take_channel();
	int err;

	stats_bump(&stats_mine->gofer[req->op % STATS_GOFER_OPS], 1);
	r->fd = -1;
	r->size = 0;
	req->seq = ++ch->seq;
	req->cpu = ch->near;
	err = ch->fd < 0 ? -EIO : send_request(ch, req, name, name2);
	if (!err)
		err = receive_reply(ch, r);
	hc_lock_release(&ch->lock);
	if (err && r->fd >= 0) {
		raw(SYS_close, r->fd);
		r->fd = -1;
	}
	return err;
}

/* want_fd: the reply must carry a descriptor; otherwise it must not. */
static int exchange(struct gofer_req *req, const char *name, const char *name2,
		    struct reply *r, bool want_fd)
{
	int err = exchange_fd(req, name, name2, r);

	if (err || want_fd == (r->fd >= 0))
		return err;
	if (r->fd >= 0)
		raw(SYS_close, r->fd);
	r->fd = -1;
	return -EIO;
}

static bool name_ok(const char *name, size_t n)
{
	if (n < 1 || n > HC_NAME_MAX || memchr(name, '/', n) || memchr(name, 0, n))
		return false;
	return !(name[0] == '.' && (n == 1 || (n == 2 && name[1] == '.')));
}

static int entry_result(const struct reply *r, uint64_t *ret_node, struct hc_attr *ret_attr)
{
	if (!r->rep.node)
		return -EIO;
	*ret_node = r->rep.node;
	*ret_attr = r->rep.attr;
	return 0;
}

int hc_lookup(uint64_t dir, const char *name, size_t name_size, uint64_t *ret_node,
	      struct hc_attr *ret_attr)
{
	struct gofer_req req = { .op = HC_OP_LOOKUP, .node = dir };
	struct reply r = { 0 };
	int err;

	if (!name_ok(name, name_size))
		return name_size > HC_NAME_MAX ? -ENAMETOOLONG : -EINVAL;
	req.name_size = (uint32_t)name_size;
	err = exchange(&req, name, NULL, &r, false);
	return err ? err : entry_result(&r, ret_node, ret_attr);
}

int hc_getattr(uint64_t node, struct hc_attr *ret_attr)
{
	struct gofer_req req = { .op = HC_OP_GETATTR, .node = node };
	struct reply r = { 0 };
	int err = exchange(&req, NULL, NULL, &r, false);

	if (!err)
		*ret_attr = r.rep.attr;
	return err;
}

int hc_setattr(uint64_t node, uint32_t mask, const struct hc_attr *attr, struct hc_attr *ret_attr)
{
	struct gofer_req req = { .op = HC_OP_SETATTR, .node = node, .mask = mask, .attr = *attr };
	struct reply r = { 0 };
	int err = exchange(&req, NULL, NULL, &r, false);

	if (!err && mask & (HC_SET_UID | HC_SET_GID))
		hc_file_owner_changed(node, &r.rep.attr);
	if (!err && ret_attr)
		*ret_attr = r.rep.attr;
	return err;
}

static int data_call(struct gofer_req *req, const char *name, void *buf, size_t size,
		     size_t *ret_size)
{
	struct reply r = { .data = buf, .room = MIN(size, (size_t)GOFER_DATA_MAX) };
	int err;

	req->size = (uint32_t)r.room;
	err = exchange(req, name, NULL, &r, false);
	if (!err)
		*ret_size = r.size;
	return err;
}

int hc_readlink(uint64_t node, char *buf, size_t size, size_t *ret_size)
{
	struct gofer_req req = { .op = HC_OP_READLINK, .node = node };

	return data_call(&req, NULL, buf, size, ret_size);
}

/* Every record must lie inside what came. */
static bool dirents_ok(const uint8_t *p, size_t n)
{
	struct hc_dirent d;
	size_t at = 0, len;

	while (at < n) {
		if (n - at < sizeof(d))
			return false;
		memcpy(&d, p + at, sizeof(d));
		len = align_up(sizeof(d) + d.name_size, 8);
		if (len > n - at || !name_ok((const char *)p + at + sizeof(d), d.name_size))
			return false;
		at += len;
	}
	return true;
}

int hc_readdir(uint64_t dir, uint64_t cookie, void *buf, size_t size, size_t *ret_size,
	       bool *ret_end)
{
	struct gofer_req req = { .op = HC_OP_READDIR, .node = dir, .cookie = cookie };
	struct reply r = { .data = buf, .room = MIN(size, (size_t)HC_DIRENT_BATCH) };
	int err;

	req.size = (uint32_t)r.room;
	err = exchange(&req, NULL, NULL, &r, false);
	if (err)
		return err;
	if (!dirents_ok(buf, r.size) || (!r.size && !r.rep.end))
		return -EIO;
	*ret_size = r.size;
	*ret_end = r.rep.end;
	return 0;
}

/* Names, and handles of other directories before some. */
static unsigned names_count(const char *names, size_t size)
{
	unsigned count = 0;
	size_t at, n;

	for (at = 0; at < size; at += n + 1, count++) {
		if (!names[at])
			at += 1 + sizeof(uint64_t);
		n = at < size ? strnlen(names + at, size - at) : 0;
		if (at >= size || n == size - at || !name_ok(names + at, n))
			return 0;
	}
	return count;
}

/* Every record must lie inside what came, and say no more than it may; a file
 * is handed over with the first record only, and then it is there. */
static bool fetched_ok(const uint8_t *p, size_t n, unsigned names, const struct reply *r)
{
	struct hc_fetched e;
	unsigned count = 0;
	size_t at = 0;
	bool file = false;

	while (at < n) {
		if (n - at < sizeof(e) || count++ == names)
			return false;
		memcpy(&e, p + at, sizeof(e));
		at += sizeof(e);
		if (align_up(e.data_size, 8) > n - at || e.err > 0 || e.err < -ERRNO_MAX)
			return false;
		if (e.flags & ~(HC_FETCHED_DATA | HC_FETCHED_LIST | HC_FETCHED_FILE) ||
		    (e.err && (e.flags || e.node || e.data_size)))
			return false;
		if (e.flags & HC_FETCHED_LIST && !dirents_ok(p + at, e.data_size))
			return false;
		if (e.flags & HC_FETCHED_FILE) {
			if (count != 1 || !e.node)
				return false;
			file = true;
		}
		at += align_up(e.data_size, 8);
	}
	return count && file == (r->fd >= 0);
}

int hc_fetch(uint64_t dir, const char *names, size_t names_size, uint32_t flags,
	     uint16_t files_ahead, uint16_t dirs_ahead, void *buf, size_t size,
	     size_t *ret_size, uint64_t *ret_file)
{
	struct gofer_req req = {
		.op = HC_OP_FETCH, .node = dir, .flags = flags, .name2_size = (uint32_t)names_size,
		.cookie = files_ahead | (uint32_t)dirs_ahead << 16,
	};
	struct reply r = { .data = buf, .room = MIN(size, (size_t)GOFER_DATA_MAX) };
	struct hc_fetched first;
	unsigned count;
	int err;

	if (names_size > HC_LINK_MAX)
		return -EINVAL;
	count = names_count(names, names_size);
	if (!count || count > HC_FETCH_NAMES)
		return -EINVAL;
	req.size = (uint32_t)r.room;
	err = exchange_fd(&req, NULL, names, &r);
	if (err)
		return err;
	if (!fetched_ok(buf, r.size, count, &r)) {
		if (r.fd >= 0)
			raw(SYS_close, r.fd);
		return -EIO;
	}
	*ret_file = 0;
	if (r.fd >= 0) {
		memcpy(&first, buf, sizeof(first));
		/* No room for it: it is opened when it is needed. */
		if (hc_file_enter(r.fd, first.node, HC_OPEN_READ, &first.attr, ret_file))
			*ret_file = 0;
	}
	*ret_size = r.size;
	return 0;
}

static int open_node(uint64_t node, uint32_t flags, struct reply *r)
{
	struct gofer_req req = { .op = HC_OP_OPEN, .node = node, .flags = flags };
	int err = exchange(&req, NULL, NULL, r, true);

	if (err != -ENFILE && err != -EMFILE)
		return err;
	hc_file_give_back();
	return exchange(&req, NULL, NULL, r, true);
}

int hc_open(uint64_t node, uint32_t flags, uint64_t *ret_file)
{
	struct reply r = { 0 };
	int err = open_node(node, flags, &r);

	return err ? err : hc_file_enter(r.fd, node, flags, &r.rep.attr, ret_file);
}

int hc_node_reopen(uint64_t node, uint32_t flags, int *ret_fd)
{
	struct reply r = { 0 };
	int err = open_node(node, flags, &r);

	if (!err)
		*ret_fd = r.fd;
	return err;
}

int hc_create(uint64_t dir, const char *name, size_t name_size, uint32_t mode, uint32_t uid,
	      uint32_t gid, uint32_t open_flags, uint64_t *ret_node, struct hc_attr *ret_attr,
	      uint64_t *ret_file)
{
	struct gofer_req req = {
		.op = HC_OP_CREATE, .node = dir, .mode = mode, .uid = uid, .gid = gid,
		.flags = ret_file ? open_flags : 0, .name_size = (uint32_t)name_size,
	};
	struct reply r = { 0 };
	int err;

	if (!name_ok(name, name_size))
		return -EINVAL;
	err = exchange(&req, name, NULL, &r, req.flags != 0);
	if (err)
		return err;
	if (r.fd >= 0) {
		err = hc_file_enter(r.fd, r.rep.node, open_flags, &r.rep.attr, ret_file);
		if (err)
			return err;
	}
	return entry_result(&r, ret_node, ret_attr);
}

static int make(enum hc_op op, uint64_t dir, const char *name, size_t name_size, uint32_t mode, uint32_t uid,
		uint32_t gid, uint64_t *ret_node, struct hc_attr *ret_attr)
{
	struct gofer_req req = {
		.op = op, .node = dir, .mode = mode, .uid = uid, .gid = gid,
		.name_size = (uint32_t)name_size,
	};
	struct reply r = { 0 };
	int err;

	if (!name_ok(name, name_size))
		return -EINVAL;
	err = exchange(&req, name, NULL, &r, false);
	return err ? err : entry_result(&r, ret_node, ret_attr);
}

int hc_mkdir(uint64_t dir, const char *name, size_t name_size, uint32_t mode, uint32_t uid,
	     uint32_t gid, uint64_t *ret_node, struct hc_attr *ret_attr)
{
	return make(HC_OP_MKDIR, dir, name, name_size, mode, uid, gid, ret_node, ret_attr);
}

int hc_mknod(uint64_t dir, const char *name, size_t name_size, uint32_t mode, uint32_t uid,
	     uint32_t gid, uint64_t *ret_node, struct hc_attr *ret_attr)
{
	return make(HC_OP_MKNOD, dir, name, name_size, mode, uid, gid, ret_node, ret_attr);
}

int hc_symlink(uint64_t dir, const char *name, size_t name_size, const char *target,
	       size_t target_size, uint32_t uid, uint32_t gid, uint64_t *ret_node,
	       struct hc_attr *ret_attr)
{
	struct gofer_req req = {
		.op = HC_OP_SYMLINK, .node = dir, .uid = uid, .gid = gid,
		.name_size = (uint32_t)name_size, .name2_size = (uint32_t)target_size,
	};
	struct reply r = { 0 };
	int err;

	if (!name_ok(name, name_size) || !target_size)
		return -EINVAL;
	if (target_size > HC_LINK_MAX)
		return -ENAMETOOLONG;
	err = exchange(&req, name, target, &r, false);
	return err ? err : entry_result(&r, ret_node, ret_attr);
}

int hc_link(uint64_t node, uint64_t dir, const char *name, size_t name_size)
{
	struct gofer_req req = {
		.op = HC_OP_LINK, .node = node, .node2 = dir, .name_size = (uint32_t)name_size,
	};
	struct reply r = { 0 };

	if (!name_ok(name, name_size))
		return -EINVAL;
	return exchange(&req, name, NULL, &r, false);
}

int hc_unlink(uint64_t dir, const char *name, size_t name_size, bool is_dir)
{
	struct gofer_req req = {
		.op = HC_OP_UNLINK, .node = dir, .flags = is_dir, .name_size = (uint32_t)name_size,
	};
	struct reply r = { 0 };

	if (!name_ok(name, name_size))
		return -EINVAL;
	return exchange(&req, name, NULL, &r, false);
}

int hc_rename(uint64_t olddir, const char *oldname, size_t oldname_size, uint64_t newdir,
	      const char *newname, size_t newname_size, uint32_t flags)
{
	struct gofer_req req = {
		.op = HC_OP_RENAME, .node = olddir, .node2 = newdir, .flags = flags,
		.name_size = (uint32_t)oldname_size, .name2_size = (uint32_t)newname_size,
	};
	struct reply r = { 0 };

	if (!name_ok(oldname, oldname_size) || !name_ok(newname, newname_size))
		return -EINVAL;
	return exchange(&req, oldname, newname, &r, false);
}

int hc_statfs(uint64_t node, struct hc_statfs *ret)
{
	struct gofer_req req = { .op = HC_OP_STATFS, .node = node };
	struct reply r = { 0 };
	int err = exchange(&req, NULL, NULL, &r, false);

	if (!err)
		*ret = r.rep.statfs;
	return err;
}

int hc_getxattr(uint64_t node, const char *name, void *buf, size_t size, size_t *ret_size)
{
	struct gofer_req req = { .op = HC_OP_GETXATTR, .node = node };
	size_t n = strnlen(name, HC_NAME_MAX + 1);

	if (!n || n > HC_NAME_MAX)
		return -ERANGE;
	req.name_size = (uint32_t)n;
	return data_call(&req, name, buf, size, ret_size);
}

int hc_setxattr(uint64_t node, const char *name, const void *value, size_t size, uint32_t flags)
{
	struct gofer_req req = { .op = HC_OP_SETXATTR, .node = node, .flags = flags };
	size_t n = strnlen(name, HC_NAME_MAX + 1);
	struct reply r = { 0 };

	if (!n || n > HC_NAME_MAX)
		return -ERANGE;
	if (size > HC_XATTR_SET_MAX)
		return -ENOSPC;
	req.name_size = (uint32_t)n;
	req.name2_size = (uint32_t)size;
	return exchange(&req, name, value, &r, false);
}

int hc_listxattr(uint64_t node, void *buf, size_t size, size_t *ret_size)
{
	struct gofer_req req = { .op = HC_OP_LISTXATTR, .node = node };

	return data_call(&req, NULL, buf, size, ret_size);
}

/* Handles that may wait for company. */
static struct hc_lock lazy_lock;
static uint64_t lazy[32];
static unsigned lazy_count;

void hc_forget(uint64_t node, bool lazily)
{
	struct gofer_req req = { .op = HC_OP_FORGET, .node = node };
	struct reply r = { 0 };
	uint64_t batch[ARRAY_SIZE(lazy)];
	bool wait = false;

	hc_lock_take(&lazy_lock);
	if (lazily && lazy_count < ARRAY_SIZE(lazy)) {
		lazy[lazy_count++] = node;
		wait = true;
	} else {
		memcpy(batch, lazy, lazy_count * sizeof(batch[0]));
		req.name2_size = (uint32_t)(lazy_count * sizeof(batch[0]));
		lazy_count = 0;
	}
	hc_lock_release(&lazy_lock);
	/* Nothing to be done about a failure: the gofer is gone, or the handle was. */
	if (!wait && exchange(&req, NULL, (const char *)batch, &r, false))
		return;
}
