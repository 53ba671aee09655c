/* SPDX-License-Identifier: Apache-2.0 */
/* Ancillary data of messages: SCM_RIGHTS, SCM_CREDENTIALS (unix(7), cmsg(3)).
 *
 * Trust: lengths come from the program and are checked against the buffer
 * before use.  Dropping a message
 * may drop the last reference to a socket with messages of its own, and so on:
 * scm_free() only queues, one task at a time takes the queue off, so the depth
 * of the kernel stack does not depend on what the program built. */
#include "kernel/net/socket.h"
#include "kernel/task/task.h"

#define CONTROL_MAX 20480u

static struct spinlock doom_lock = SPINLOCK_INIT;
static struct list doomed = LIST_INIT(doomed);  /* doom_lock */
static bool draining;                           /* doom_lock */

struct scm *scm_new(unsigned room)
{
	struct scm *s = kmalloc(sizeof *s + room * sizeof s->files[0]);

	if (!s)
		return NULL;
	memset(s, 0, sizeof *s);
	s->room = room;
	list_init(&s->link);
	return s;
}

static void scm_destroy(struct scm *s)
{
	for (unsigned i = 0; i < s->count; i++)
		file_put(s->files[i]);
	kfree(s);
}

void scm_free(struct scm *s)
{
	if (!s)
		return;
	spin_lock(&doom_lock);
	list_push_back(&doomed, &s->link);
	if (draining) {
		spin_unlock(&doom_lock);
		return;
	}
	draining = true;
	while (!list_empty(&doomed)) {
		s = list_first(&doomed, struct scm, link);
		list_del(&s->link);
		spin_unlock(&doom_lock);
		scm_destroy(s);
		spin_lock(&doom_lock);
	}
	draining = false;
	spin_unlock(&doom_lock);
}

/* ---- sending ---- */

static int add_rights(struct sock_msg *m, uint64_t at, uint64_t size)
{
	unsigned n = (unsigned)(size / sizeof(int32_t));
	int32_t fd[16];

	if (!n)
		return 0;
	if (n > SCM_MAX_FD - (m->scm ? m->scm->count : 0))
		return -EINVAL;
	if (!m->scm || m->scm->room - m->scm->count < n) {
		/* A second list of descriptors is rare: room for all of them. */
		struct scm *s = scm_new(m->scm ? SCM_MAX_FD : n);

		if (!s)
			return -ENOMEM;
		if (m->scm) {
			memcpy(s->files, m->scm->files, m->scm->count * sizeof s->files[0]);
			s->count = m->scm->count;
			kfree(m->scm);
		}
		m->scm = s;
	}
	for (unsigned i = 0; i < n; i++) {
		struct file *f;

		if (i % ARRAY_SIZE(fd) == 0 &&
		    copy_in(fd, (uaddr){ at + i * sizeof *fd }, MIN(n - i, (unsigned)ARRAY_SIZE(fd)) * sizeof *fd))
			return -EFAULT;
		f = fd_get_any(fd[i % ARRAY_SIZE(fd)]);
		if (!f)
			return -EBADF;
		epoll_seen(current_task()->files, f);
		m->scm->files[m->scm->count++] = f;
	}
	return 0;
}

static int add_cred(struct sock_msg *m, uint64_t at, uint64_t size)
{
	const struct cred *c = current_cred();
	struct linux_ucred u;

	if (size != sizeof u)
		return -EINVAL;
	if (copy_in(&u, (uaddr){ at }, sizeof u))
		return -EFAULT;
	if (u.uid == UINT32_MAX || u.gid == UINT32_MAX)
		return -EINVAL;
	if (u.pid != current_task()->tg->tgid && capable(CAP_SYS_ADMIN)) {
		struct task *t = task_find_get(u.pid);

		if (!t)
			return -ESRCH;
		task_put(t);
	}
	if (u.pid != current_task()->tg->tgid && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (u.uid != c->uid && u.uid != c->euid && u.uid != c->suid && !capable(CAP_SETUID))
		return -EPERM;
	if (u.gid != c->gid && u.gid != c->egid && u.gid != c->sgid && !capable(CAP_SETGID))
		return -EPERM;
	m->cred = u;
	m->cred_given = true;
	return 0;
}

/* What other levels say about one message is looked at by the protocol. */
static int keep_for_protocol(struct sock_msg *m, const struct linux_cmsghdr *h, uint64_t at, uint64_t size)
{
	struct sock_cmsg *c = &m->cmsg[m->cmsg_count];

	if (copy_in(c->data, (uaddr){ at }, size))
		return -EFAULT;
	c->level = h->level;
	c->type = h->type;
	c->size = (uint32_t)size;
	m->cmsg_count++;
	return 0;
}

int scm_send(const struct socket *s, struct sock_msg *m, uint64_t control, uint64_t size)
{
	bool passes = s->family == AF_UNIX || s->family == AF_NETLINK;
	struct task *t = current_task();
	struct linux_cmsghdr h;
	uint64_t off = 0;
	int err = 0;

	m->cred = (struct linux_ucred){ t->tg->tgid, t->cred->uid, t->cred->gid };
	if (!size)
		return 0;
	if (size > CONTROL_MAX)
		return -ENOBUFS;
	if (!control)
		return -EFAULT;
	while (!err && size - off >= sizeof h) {
		uint64_t body;

		if (copy_in(&h, (uaddr){ control + off }, sizeof h)) {
			err = -EFAULT;
			break;
		}
		if (h.len < sizeof h || h.len > size - off) {
			err = -EINVAL;
			break;
		}
		body = h.len - sizeof h;
		if (h.level == SOL_SOCKET && passes) {
			if (h.type == SCM_RIGHTS)
				err = add_rights(m, control + off + sizeof h, body);
			else if (h.type == SCM_CREDENTIALS)
				err = add_cred(m, control + off + sizeof h, body);
			else
				err = -EINVAL;
		} else if (body <= sizeof m->cmsg[0].data && m->cmsg_count < SOCK_CMSG_MAX) {
			err = keep_for_protocol(m, &h, control + off + sizeof h, body);
		}
		if (CMSG_ALIGN_UP(h.len) >= size - off)
			break;
		off += CMSG_ALIGN_UP(h.len);
	}
	if (!err && m->scm && !m->scm->count) {
		scm_free(m->scm);
		m->scm = NULL;
	}
	if (err) {
		scm_free(m->scm);
		m->scm = NULL;
	}
	return err;
}

/* ---- receiving ---- */

void sock_put_cmsg(struct sock_msg *m, int level, int type, const void *p, size_t n)
{
	struct sock_cmsg *c;

	if (m->cmsg_count == SOCK_CMSG_MAX)
		return;
	c = &m->cmsg[m->cmsg_count++];
	*c = (struct sock_cmsg){ .level = level, .type = type, .size = (uint32_t)n };
	memcpy(c->data, p, n);
}

#define TSTAMPING_RX_SOFTWARE (1 << 3 | 1 << 4)         /* SOF_TIMESTAMPING_RX_SOFTWARE, _SOFTWARE */

void sock_put_times(const struct socket *s, struct sock_msg *m, int64_t time_ns, bool packet)
{
	struct linux_timespec ts[3] = { ns_timespec(time_ns) };
	struct linux_timeval tv = { ts[0].sec, ts[0].nsec / (int64_t)NSEC_PER_USEC };

	if (s->tstamp == TSTAMP_US)
		sock_put_cmsg(m, SOL_SOCKET, s->tstamp_new ? SO_TIMESTAMP_NEW : SO_TIMESTAMP, &tv, sizeof tv);
	else if (s->tstamp == TSTAMP_NS)
		sock_put_cmsg(m, SOL_SOCKET, s->tstamp_new ? SO_TIMESTAMPNS_NEW : SO_TIMESTAMPNS, &ts[0], sizeof ts[0]);
	if (packet && (s->tstamping & TSTAMPING_RX_SOFTWARE) == TSTAMPING_RX_SOFTWARE)
		sock_put_cmsg(m, SOL_SOCKET, s->tstamp_new ? SO_TIMESTAMPING_NEW : SO_TIMESTAMPING, ts, sizeof ts);
}

/* One header and its data; cut to the room that is left, which is said. */
static size_t put(struct sock_msg *m, int level, int type, const void *data, size_t n, uint64_t at, uint64_t room)
{
	struct { struct linux_cmsghdr h; uint8_t data[sizeof m->cmsg[0].data]; } __packed out;

	out.h = (struct linux_cmsghdr){ sizeof out.h + n, level, type };
	memcpy(out.data, data, n);
	if (room < out.h.len) {
		m->ret_flags |= MSG_CTRUNC;
		if (room < sizeof out.h)
			return 0;
		out.h.len = room;
	}
	if (copy_out((uaddr){ at }, &out, out.h.len)) {
		m->ret_flags |= MSG_CTRUNC;
		return 0;
	}
	return MIN(CMSG_ALIGN_UP(out.h.len), room);
}

static size_t put_rights(struct sock_msg *m, uint64_t at, uint64_t room)
{
	struct linux_cmsghdr h = { 0, SOL_SOCKET, SCM_RIGHTS };
	unsigned fit = room > sizeof h ? (unsigned)MIN((room - sizeof h) / sizeof(int32_t), m->scm->count) : 0;
	unsigned i;

	for (i = 0; i < fit; i++) {
		int32_t fd = fd_alloc(0, m->flags & MSG_CMSG_CLOEXEC);

		if (fd < 0)
			break;
		if (copy_out((uaddr){ at + sizeof h + i * sizeof fd }, &fd, sizeof fd)) {
			fd_release_unused(fd);
			break;
		}
		fd_install(fd, file_get(m->scm->files[i]));
	}
	if (i < m->scm->count)
		m->ret_flags |= MSG_CTRUNC;
	if (!i)
		return 0;
	h.len = sizeof h + i * sizeof(int32_t);
	if (copy_out((uaddr){ at }, &h, sizeof h))
		return 0;
	return MIN(CMSG_ALIGN_UP(h.len), room);
}

/* SO_PASSPIDFD: a descriptor for the sender's process. */
static size_t put_pidfd(struct sock_msg *m, uint64_t at, uint64_t room)
{
	struct file *f = NULL;
	size_t used;
	int32_t fd;

	if (room < sizeof(struct linux_cmsghdr) + sizeof fd) {
		m->ret_flags |= MSG_CTRUNC;
		return 0;
	}
	fd = m->group ? pidfd_new_file(m->group, 0, &f) : -ESRCH;
	if (!fd)
		fd = fd_alloc(0, true);
	used = put(m, SOL_SOCKET, SCM_PIDFD, &fd, sizeof fd, at, room);
	if (f && fd >= 0 && used)
		fd_install(fd, f);
	else if (f) {
		if (fd >= 0)
			fd_release_unused(fd);
		file_put(f);
	}
	return used;
}

void scm_drop(struct sock_msg *m)
{
	scm_free(m->scm);
	m->scm = NULL;
	if (m->group)
		tgroup_put(m->group);
	m->group = NULL;
}

size_t scm_recv(struct sock_msg *m, const struct socket *s, uint64_t control, uint64_t size)
{
	size_t used = 0;

	if (!control) {
		size = 0;
		if (s->passpidfd)
			m->ret_flags |= MSG_CTRUNC;
	}
	for (unsigned i = 0; i < m->cmsg_count; i++)
		used += put(m, m->cmsg[i].level, m->cmsg[i].type, m->cmsg[i].data, m->cmsg[i].size, control + used, size - used);
	if (s->passcred)
		used += put(m, SOL_SOCKET, SCM_CREDENTIALS, &m->cred, sizeof m->cred, control + used, size - used);
	if (m->scm)
		used += put_rights(m, control + used, size - used);
	if (s->passpidfd && control)
		used += put_pidfd(m, control + used, size - used);
	scm_drop(m);
	return used;
}
