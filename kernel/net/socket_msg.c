/* SPDX-License-Identifier: Apache-2.0 */
/* Messages: sendto, recvfrom, sendmsg, recvmsg, sendmmsg, recvmmsg, and read
 * and write on sockets.  Headers are copied once and checked; the family gets
 * an iter for the body. */
#include "kernel/ipc/ipc.h"
#include "kernel/net/socket_file.h"
#include "kernel/syscall/syscall.h"

#define MMSG_MAX 1024u

/* All but the room for ancillary data. */
static void msg_init(struct sock_msg *m, struct iter *it, unsigned flags)
{
	memset(m, 0, offsetof(struct sock_msg, cmsg));
	m->it = it;
	m->flags = flags;
}

/* Writing to a stream that is over raises SIGPIPE unless the caller declined. */
static long send_prepared(struct file *f, struct sock_msg *m)
{
	struct socket *s = socket_of(f);
	long ret;

	m->nonblock = (m->flags & MSG_DONTWAIT) || (f->flags & O_NONBLOCK);
	if (m->flags & MSG_OOB && !s->ops->out_of_band)
		ret = -EOPNOTSUPP;
	else
		ret = s->ops->sendmsg(s, m);
	if (ret == -EPIPE && s->type == SOCK_STREAM && !(m->flags & MSG_NOSIGNAL))
		ipc_raise_sigpipe();
	scm_drop(m);
	return ret;
}

static long recv_prepared(struct file *f, struct sock_msg *m)
{
	struct socket *s = socket_of(f);

	m->nonblock = (m->flags & MSG_DONTWAIT) || (f->flags & O_NONBLOCK);
	if (__atomic_load_n(&s->late_error, __ATOMIC_RELAXED))
		return -__atomic_exchange_n(&s->late_error, 0, __ATOMIC_RELAXED);
	if (m->flags & MSG_OOB && !s->ops->out_of_band)
		return -EOPNOTSUPP;
	if (m->flags & MSG_ERRQUEUE && !s->ops->error_queue)
		return -EAGAIN;
	return s->ops->recvmsg(s, m);
}

long socket_recv_iter(struct file *f, struct iter *to)
{
	struct sock_msg m;
	long ret;

	msg_init(&m, to, to->nowait ? MSG_DONTWAIT : 0);
	ret = recv_prepared(f, &m);
	scm_drop(&m);
	return ret;
}

long socket_send_iter(struct file *f, struct iter *from)
{
	struct sock_msg m;
	int err;

	msg_init(&m, from, 0);
	err = scm_send(socket_of(f), &m, 0, 0);
	return err ? err : send_prepared(f, &m);
}

static long send_buffer(struct file *f, uaddr buf, size_t n, unsigned flags, uaddr uname, int size)
{
	struct sock_msg m;
	struct iter it;
	int err = 0;

	iter_user(&it, buf, MIN(n, (size_t)0x7ffff000));
	msg_init(&m, &it, flags);
	if (uname.va)
		err = sock_addr_from_user(&m.name, uname, size);
	if (!err)
		err = scm_send(socket_of(f), &m, 0, 0);
	return err ? err : send_prepared(f, &m);
}

SYSCALL6(sendto, int, fd, uaddr, buf, size_t, n, unsigned, flags, uaddr, uname, int, size)
{
	return SOCKET_CALL(fd, send_buffer(f, buf, n, flags, uname, size));
}

static long recv_buffer(struct file *f, uaddr buf, size_t n, unsigned flags, uaddr uname, uaddr usize)
{
	struct sock_msg m;
	struct iter it;
	long ret;
	int err = 0;

	iter_user(&it, buf, MIN(n, (size_t)0x7ffff000));
	msg_init(&m, &it, flags);
	ret = recv_prepared(f, &m);
	scm_drop(&m);
	if (ret >= 0 && uname.va)
		err = sock_addr_to_user(&m.name, uname, usize);
	return err ? err : ret;
}

SYSCALL6(recvfrom, int, fd, uaddr, buf, size_t, n, unsigned, flags, uaddr, uname, uaddr, usize)
{
	return SOCKET_CALL(fd, recv_buffer(f, buf, n, flags, uname, usize));
}

static long send_header(struct file *f, uaddr umsg, unsigned flags)
{
	struct sock_msg m;
	struct linux_msghdr h;
	struct iter it;
	long ret;
	int err = copy_in(&h, umsg, sizeof h);

	if (err)
		return err;
	msg_init(&m, &it, flags);
	if (h.name && h.namelen < 0)
		return -EINVAL;
	if (h.name && h.namelen)
		err = sock_addr_from_user(&m.name, (uaddr){ h.name },
					  MIN(h.namelen, (int)sizeof m.name.u.ss));
	if (err)
		return err;
	if (h.iovlen > 1024)
		return -EMSGSIZE;
	err = iter_user_iovec(&it, (uaddr){ h.iov }, h.iovlen);
	if (err)
		return err;
	err = scm_send(socket_of(f), &m, h.control, h.controllen);
	ret = err ? err : send_prepared(f, &m);
	iter_free(&it);
	return ret;
}

/* The results go back into the header at umsg. */
static long recv_header(struct file *f, uaddr umsg, unsigned flags)
{
	struct sock_msg m;
	struct linux_msghdr h;
	struct iter it;
	uint64_t control_used;
	long ret;
	int err = copy_in(&h, umsg, sizeof h);

	if (err)
		return err;
	msg_init(&m, &it, flags);
	if (h.name && h.namelen < 0)
		return -EINVAL;
	if (h.iovlen > 1024)
		return -EMSGSIZE;
	err = iter_user_iovec(&it, (uaddr){ h.iov }, h.iovlen);
	if (err)
		return err;
	ret = recv_prepared(f, &m);
	iter_free(&it);
	if (ret < 0) {
		scm_drop(&m);
		return ret;
	}
	control_used = scm_recv(&m, socket_of(f), h.control, h.controllen);
	if (h.name) {
		int32_t whole = (int32_t)m.name.size;

		if (copy_out((uaddr){ h.name }, &m.name.u, MIN((unsigned)h.namelen, m.name.size)) ||
		    copy_out(uaddr_add(umsg, offsetof(struct linux_msghdr, namelen)), &whole, sizeof whole))
			return -EFAULT;
	}
	if (m.flags & MSG_CMSG_CLOEXEC)
		m.ret_flags |= MSG_CMSG_CLOEXEC;
	if (copy_out(uaddr_add(umsg, offsetof(struct linux_msghdr, controllen)), &control_used, sizeof control_used) ||
	    copy_out(uaddr_add(umsg, offsetof(struct linux_msghdr, flags)), &m.ret_flags, sizeof m.ret_flags))
		return -EFAULT;
	return ret;
}

SYSCALL3(sendmsg, int, fd, uaddr, umsg, unsigned, flags)
{
	return flags & MSG_CMSG_COMPAT ? -EINVAL : SOCKET_CALL(fd, send_header(f, umsg, flags));
}

SYSCALL3(recvmsg, int, fd, uaddr, umsg, unsigned, flags)
{
	return flags & MSG_CMSG_COMPAT ? -EINVAL : SOCKET_CALL(fd, recv_header(f, umsg, flags));
}

/* ---- several at once ---- */

static uaddr mmsg_at(uaddr v, unsigned i) { return uaddr_add(v, (uint64_t)i * sizeof(struct linux_mmsghdr)); }

/* Where the header of element i goes: it is the first field. */
static int put_mmsg_len(uaddr v, unsigned i, long n)
{
	uint32_t len = (uint32_t)n;

	return copy_out(uaddr_add(mmsg_at(v, i), offsetof(struct linux_mmsghdr, len)), &len, sizeof len);
}

static long send_many(struct file *f, uaddr uvec, unsigned n, unsigned flags)
{
	unsigned i;
	long ret = 0;

	n = MIN(n, MMSG_MAX);
	for (i = 0; i < n; i++) {
		ret = send_header(f, mmsg_at(uvec, i), flags);
		if (ret >= 0)
			ret = put_mmsg_len(uvec, i, ret);
		if (ret < 0)
			break;
	}
	return i ? (long)i : ret;
}

SYSCALL4(sendmmsg, int, fd, uaddr, uvec, unsigned, n, unsigned, flags)
{
	return flags & MSG_CMSG_COMPAT ? -EINVAL : SOCKET_CALL(fd, send_many(f, uvec, n, flags));
}

/* SO_ERROR, as -errno. */
static long pending_error(struct socket *s)
{
	int32_t v = __atomic_exchange_n(&s->late_error, 0, __ATOMIC_RELAXED);
	size_t size = sizeof v;

	if (v)
		return -v;
	if (!s->ops->getsockopt || s->ops->getsockopt(s, SOL_SOCKET, SO_ERROR, &v, &size))
		return 0;
	return -v;
}

static long recv_many(struct file *f, uaddr uvec, unsigned n, unsigned flags, uint64_t deadline)
{
	long ret = pending_error(socket_of(f));
	unsigned i;

	if (ret)
		return ret;
	n = MIN(n, MMSG_MAX);
	for (i = 0; i < n; i++) {
		ret = recv_header(f, mmsg_at(uvec, i), flags & ~(unsigned)MSG_WAITFORONE);
		if (ret >= 0)
			ret = put_mmsg_len(uvec, i, ret);
		if (ret < 0)
			break;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		/* The time is looked at between messages: recvmmsg(2), BUGS. */
		if (deadline != NO_DEADLINE && plat_time_mono_ns() >= deadline) {
			i++;
			break;
		}
	}
	/* What ended it after some messages is for the next call. */
	if (i && ret < 0 && ret != -EAGAIN)
		__atomic_store_n(&socket_of(f)->late_error, ret == -ERESTARTSYS ? EINTR : (int)-ret, __ATOMIC_RELAXED);
	return i ? (long)i : ret;
}

SYSCALL5(recvmmsg, int, fd, uaddr, uvec, unsigned, n, unsigned, flags, uaddr, utimeout)
{
	uint64_t deadline, now;
	int err = deadline_from_user(utimeout, &deadline);
	struct linux_timespec left;
	long ret;

	if (flags & MSG_CMSG_COMPAT)
		return -EINVAL;
	if (err)
		return err;
	ret = SOCKET_CALL(fd, recv_many(f, uvec, n, flags, deadline));
	if (ret <= 0 || !utimeout.va)
		return ret;
	now = plat_time_mono_ns();
	left = ns_timespec(deadline > now && deadline != NO_DEADLINE ? (int64_t)(deadline - now) : 0);
	return copy_out(utimeout, &left, sizeof left) ? -EFAULT : ret;
}
