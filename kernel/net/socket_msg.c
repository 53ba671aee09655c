/* SPDX-License-Identifier: Apache-2.0 */
/* Messages: sendto, recvfrom, sendmsg, recvmsg, sendmmsg, recvmmsg, and read
 * and write on sockets.  Headers are copied once and checked; the family gets
 * an iter for the body. */
#include "kernel/ipc/ipc.h"
#include "kernel/net/socket_file.h"
#include "kernel/syscall/syscall.h"

#define MMSG_MAX 1024u

/* -EPIPE raises SIGPIPE unless the caller declined. */
static long send_done(struct sock_msg *m, long ret)
{
	if (ret == -EPIPE && !(m->flags & MSG_NOSIGNAL))
		ipc_raise_sigpipe();
	if (m->scm) {
		scm_free(m->scm);
		m->scm = NULL;
	}
	return ret;
}

static long send_prepared(struct file *f, struct sock_msg *m)
{
	struct socket *s = socket_of(f);

	m->nonblock = (m->flags & MSG_DONTWAIT) || (f->flags & O_NONBLOCK);
	if (m->flags & MSG_OOB && !s->ops->out_of_band)
		return send_done(m, -EOPNOTSUPP);
	return send_done(m, s->ops->sendmsg(s, m));
}

static long recv_prepared(struct file *f, struct sock_msg *m)
{
	struct socket *s = socket_of(f);

	m->nonblock = (m->flags & MSG_DONTWAIT) || (f->flags & O_NONBLOCK);
	if (m->flags & MSG_OOB && !s->ops->out_of_band)
		return -EOPNOTSUPP;
	if (m->flags & MSG_ERRQUEUE && !s->ops->error_queue)
		return -EAGAIN;
	return s->ops->recvmsg(s, m);
}

long socket_recv_iter(struct file *f, struct iter *to)
{
	struct sock_msg m = { .it = to };
	long ret = recv_prepared(f, &m);

	scm_free(m.scm);
	return ret;
}

long socket_send_iter(struct file *f, struct iter *from)
{
	struct sock_msg m = { .it = from };
	int err = scm_send(&m, 0, 0);

	return err ? err : send_prepared(f, &m);
}

SYSCALL6(sendto, int, fd, uaddr, buf, size_t, n, unsigned, flags, uaddr, uname, int, size)
{
	struct sock_msg m = { .flags = flags };
	struct iter it;
	int err;
	struct file *f = socket_get_file(fd, &err);
	long ret;

	if (!f)
		return err;
	iter_user(&it, buf, MIN(n, (size_t)0x7ffff000));
	m.it = &it;
	if (uname.va)
		err = sock_addr_from_user(&m.name, uname, size);
	if (!err)
		err = scm_send(&m, 0, 0);
	ret = err ? err : send_prepared(f, &m);
	file_put(f);
	return ret;
}

SYSCALL6(recvfrom, int, fd, uaddr, buf, size_t, n, unsigned, flags, uaddr, uname, uaddr, usize)
{
	struct sock_msg m = { .flags = flags };
	struct iter it;
	int err;
	struct file *f = socket_get_file(fd, &err);
	long ret;

	if (!f)
		return err;
	iter_user(&it, buf, MIN(n, (size_t)0x7ffff000));
	m.it = &it;
	ret = recv_prepared(f, &m);
	scm_free(m.scm);
	if (ret >= 0 && uname.va && usize.va) {
		err = sock_addr_to_user(&m.name, uname, usize);
		if (err)
			ret = err;
	}
	file_put(f);
	return ret;
}

static long sendmsg_file(struct file *f, const struct linux_msghdr *h, unsigned flags)
{
	struct sock_msg m = { .flags = flags };
	struct iter it;
	long ret;
	int err = 0;

	if (h->name && h->namelen)
		err = sock_addr_from_user(&m.name, (uaddr){ h->name },
					  MIN(h->namelen, (int)sizeof m.name.u.ss));
	if (err)
		return err;
	if (h->iovlen > 1024)
		return -EMSGSIZE;
	err = iter_user_iovec(&it, (uaddr){ h->iov }, h->iovlen);
	if (err)
		return err;
	m.it = &it;
	err = scm_send(&m, h->control, h->controllen);
	ret = err ? err : send_prepared(f, &m);
	iter_free(&it);
	return ret;
}

/* The results go back into uh, whose header was read into h. */
static long recvmsg_file(struct file *f, struct linux_msghdr *h, uaddr uh, unsigned flags)
{
	struct sock_msg m = { .flags = flags };
	struct iter it;
	uint64_t control_used;
	long ret;
	int err;

	if (h->namelen < 0)
		return -EINVAL;
	if (h->iovlen > 1024)
		return -EMSGSIZE;
	err = iter_user_iovec(&it, (uaddr){ h->iov }, h->iovlen);
	if (err)
		return err;
	m.it = &it;
	ret = recv_prepared(f, &m);
	iter_free(&it);
	if (ret < 0) {
		scm_free(m.scm);
		return ret;
	}
	control_used = scm_recv(&m, socket_of(f)->passcred, h->control, h->controllen);
	if (h->name) {
		int32_t whole = (int32_t)m.name.size;

		if (copy_out((uaddr){ h->name }, &m.name.u, MIN((unsigned)h->namelen, m.name.size)) ||
		    copy_out(uaddr_add(uh, offsetof(struct linux_msghdr, namelen)), &whole, sizeof whole))
			return -EFAULT;
	}
	if (m.flags & MSG_CMSG_CLOEXEC)
		m.ret_flags |= MSG_CMSG_CLOEXEC;
	if (copy_out(uaddr_add(uh, offsetof(struct linux_msghdr, controllen)), &control_used, sizeof control_used) ||
	    copy_out(uaddr_add(uh, offsetof(struct linux_msghdr, flags)), &m.ret_flags, sizeof m.ret_flags))
		return -EFAULT;
	return ret;
}

SYSCALL3(sendmsg, int, fd, uaddr, umsg, unsigned, flags)
{
	struct linux_msghdr h;
	int err;
	struct file *f = socket_get_file(fd, &err);
	long ret;

	if (!f)
		return err;
	ret = copy_in(&h, umsg, sizeof h);
	if (!ret)
		ret = sendmsg_file(f, &h, flags);
	file_put(f);
	return ret;
}

SYSCALL3(recvmsg, int, fd, uaddr, umsg, unsigned, flags)
{
	struct linux_msghdr h;
	int err;
	struct file *f = socket_get_file(fd, &err);
	long ret;

	if (!f)
		return err;
	ret = copy_in(&h, umsg, sizeof h);
	if (!ret)
		ret = recvmsg_file(f, &h, umsg, flags);
	file_put(f);
	return ret;
}

static uaddr mmsg_at(uaddr v, unsigned i) { return uaddr_add(v, (uint64_t)i * sizeof(struct linux_mmsghdr)); }

SYSCALL4(sendmmsg, int, fd, uaddr, uvec, unsigned, n, unsigned, flags)
{
	int err;
	struct file *f = socket_get_file(fd, &err);
	unsigned i;
	long ret = 0;

	if (!f)
		return err;
	n = MIN(n, MMSG_MAX);
	for (i = 0; i < n; i++) {
		struct linux_mmsghdr h;
		uint32_t len;

		ret = copy_in(&h, mmsg_at(uvec, i), sizeof h);
		if (!ret)
			ret = sendmsg_file(f, &h.hdr, flags);
		if (ret < 0)
			break;
		len = (uint32_t)ret;
		ret = copy_out(uaddr_add(mmsg_at(uvec, i), offsetof(struct linux_mmsghdr, len)), &len, sizeof len);
		if (ret)
			break;
	}
	file_put(f);
	return i ? (long)i : ret;
}

SYSCALL5(recvmmsg, int, fd, uaddr, uvec, unsigned, n, unsigned, flags, uaddr, utimeout)
{
	uint64_t deadline;
	int err = deadline_from_user(utimeout, &deadline);
	struct file *f;
	unsigned i;
	long ret = 0;

	if (err)
		return err;
	f = socket_get_file(fd, &err);
	if (!f)
		return err;
	n = MIN(n, MMSG_MAX);
	for (i = 0; i < n; i++) {
		struct linux_mmsghdr h;
		uint32_t len;

		ret = copy_in(&h, mmsg_at(uvec, i), sizeof h);
		if (!ret)
			ret = recvmsg_file(f, &h.hdr, mmsg_at(uvec, i), flags & ~(unsigned)MSG_WAITFORONE);
		if (ret < 0)
			break;
		len = (uint32_t)ret;
		ret = copy_out(uaddr_add(mmsg_at(uvec, i), offsetof(struct linux_mmsghdr, len)), &len, sizeof len);
		if (ret)
			break;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		/* The time is looked at between messages: recvmmsg(2), BUGS. */
		if (deadline != NO_DEADLINE && plat_time_mono_ns() >= deadline) {
			i++;
			break;
		}
	}
	file_put(f);
	return i ? (long)i : ret;
}
