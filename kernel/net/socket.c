/* SPDX-License-Identifier: Apache-2.0 */
/* The socket layer: making sockets, names, connecting.  Messages are in
 * socket_msg.c, options in sockopt.c.  Families are listed here; each is a
 * sock_ops of its own. */
#include "kernel/net/net.h"
#include "kernel/net/packet.h"
#include "kernel/net/settings.h"
#include "kernel/net/socket_file.h"
#include "kernel/syscall/syscall.h"
#include "kernel/task/task.h"
#include <linux_abi/ioctl.h>

static const sock_create_fn families[AF_MAX] = {
	[AF_UNIX] = unix_create,
	[AF_INET] = inet_create,
	[AF_INET6] = inet_create,
	[AF_NETLINK] = netlink_create,
	[AF_PACKET] = packet_create,
};

/* ---- files ---- */

static long socket_read(struct file *f, struct iter *to, uint64_t *pos)
{
	(void)pos;
	if (!to->left)
		return 0;
	return socket_recv_iter(f, to);
}

static long socket_write(struct file *f, struct iter *from, uint64_t *pos)
{
	(void)pos;
	return socket_send_iter(f, from);
}

static uint32_t socket_poll(struct file *f, struct poll_table *pt)
{
	struct socket *s = f->priv;

	return s->ops->poll(s, pt);
}

static long socket_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct socket *s = f->priv;
	int32_t v = f->owner.pid;
	int err;

	if (cmd == FIOSETOWN || cmd == SIOCSPGRP) {
		err = copy_in(&v, (uaddr){ arg }, sizeof v);
		return err ? err : file_set_owner(f, v, v < 0 ? F_OWNER_PGRP : F_OWNER_PID);
	}
	if (cmd == FIOGETOWN || cmd == SIOCGPGRP)
		return copy_out((uaddr){ arg }, &v, sizeof v);
	return s->ops->ioctl ? s->ops->ioctl(s, cmd, arg) : -ENOTTY;
}

static bool socket_grant(struct file *f, struct grant *g)
{
	struct socket *s = f->priv;

	return s->ops->grant && !__atomic_load_n(&s->late_error, __ATOMIC_RELAXED) && s->ops->grant(s, g);
}

static void socket_grant_over(struct file *f, struct grant *g)
{
	struct socket *s = f->priv;

	s->ops->grant_over(s, g);
}

static void socket_free(struct socket *s)
{
	if (s->ops)
		s->ops->release(s);
	kfree(s);
}

static void socket_release(struct file *f) { socket_free(f->priv); }

/* O_DIRECT is for files that have blocks. */
static int socket_set_flags(struct file *f, uint32_t flags) { return flags & O_DIRECT ? -EINVAL : 0; }

static int socket_mmap(struct file *f, __unused_arg unsigned prot, __unused_arg unsigned map_flags, uint64_t off,
		       uint64_t size, struct mmap_target *ret)
{
	struct socket *s = f->priv;

	return s->ops->mmap ? s->ops->mmap(s, off, size, ret) : -ENODEV;
}

static const struct file_ops socket_fops = {
	.set_flags = socket_set_flags,
	.read = socket_read,
	.write = socket_write,
	.poll = socket_poll,
	.grant = socket_grant,
	.grant_over = socket_grant_over,
	.ioctl = socket_ioctl,
	.mmap = socket_mmap,
	.release = socket_release,
	.type_name = "socket",
};

bool file_is_socket(const struct file *f) { return f->ops == &socket_fops; }

static struct socket *socket_new(int family, int type, int protocol)
{
	struct socket *s = kzalloc(sizeof *s);

	if (!s)
		return NULL;
	s->family = family;
	s->type = type;
	s->protocol = protocol;
	s->sndbuf = sock_buf_first(SOCK_WMEM_DEFAULT);
	s->rcvbuf = sock_buf_first(SOCK_RMEM_DEFAULT);
	s->rcvlowat = 1;
	s->incoming_cpu = -1;
	s->pacing = UINT64_MAX;
	s->txrehash = type == SOCK_STREAM && family != AF_UNIX;
	s->reuseaddr = (family == AF_INET || family == AF_INET6) && type == SOCK_RAW;
	return s;
}

/* The name of the protocol, as /proc/net/protocols has it. */
static const char *protocol_name(const struct socket *s)
{
	bool v6 = s->family == AF_INET6;

	if (s->family == AF_UNIX)
		return s->type == SOCK_STREAM ? "UNIX-STREAM" : "UNIX";
	if (s->family == AF_NETLINK)
		return "NETLINK";
	if (s->family == AF_PACKET)
		return "PACKET";
	if (s->type == SOCK_STREAM)
		return v6 ? "TCPv6" : "TCP";
	if (s->type == SOCK_RAW)
		return v6 ? "RAWv6" : "RAW";
	if (s->protocol == IPPROTO_UDPLITE)
		return v6 ? "UDPLITEv6" : "UDP-Lite";
	if (s->protocol == IPPROTO_ICMP || s->protocol == IPPROTO_ICMPV6)
		return v6 ? "PINGv6" : "PING";
	return v6 ? "UDPv6" : "UDP";
}

#define NAME_ATTR "system.sockprotoname"

static long socket_getxattr(struct inode *i, const char *name, void *buf, size_t size)
{
	size_t n = strlen(i->priv) + 1;

	if (strcmp(name, NAME_ATTR))
		return -EOPNOTSUPP;
	if (size && size < n)
		return -ERANGE;
	memcpy(buf, i->priv, MIN(size, n));
	return (long)n;
}

static long socket_listxattr(__unused_arg struct inode *i, void *buf, size_t size)
{
	if (size && size < sizeof NAME_ATTR)
		return -ERANGE;
	memcpy(buf, NAME_ATTR, MIN(size, sizeof NAME_ATTR));
	return sizeof NAME_ATTR;
}

static const struct inode_ops socket_iops = {
	.setattr = anon_setattr, .getxattr = socket_getxattr, .listxattr = socket_listxattr,
};

/* A file for s, which is consumed also on failure. */
static int socket_file(struct socket *s, int flags, struct file **ret)
{
	struct inode *i = anon_inode_new(S_IFSOCK | 0777);
	int err = -ENOMEM;

	if (i) {
		i->ops = &socket_iops;
		i->priv = (void *)protocol_name(s);
		err = file_new_anon(&socket_fops, s, O_RDWR | (flags & SOCK_NONBLOCK), i, ret);
		inode_put(i);
	}
	if (err)
		socket_free(s);
	else
		(*ret)->mode |= FMODE_STREAM;
	if (!err && s->ops && s->ops->attach)
		s->ops->attach(s, *ret);
	return err;
}

static int socket_make(int family, int type, int protocol, struct socket **ret)
{
	struct socket *s;
	int err;

	if (family < 0 || family >= AF_MAX)
		return -EAFNOSUPPORT;
	if (type > SOCK_PACKET)
		return -EINVAL;
	if (!families[family])
		return -EAFNOSUPPORT;
	s = socket_new(family, type, protocol);
	if (!s)
		return -ENOMEM;
	err = families[family](s);
	if (err) {
		kfree(s);
		return err;
	}
	*ret = s;
	return 0;
}

#define TYPE_FLAGS (SOCK_NONBLOCK | SOCK_CLOEXEC)

SYSCALL3(socket, int, family, int, type, int, protocol)
{
	struct socket *s;
	struct file *f;
	int fd, err;

	if (type & ~(SOCK_TYPE_MASK | TYPE_FLAGS))
		return -EINVAL;
	err = socket_make(family, type & SOCK_TYPE_MASK, protocol, &s);
	if (err)
		return err;
	err = socket_file(s, type, &f);
	if (err)
		return err;
	fd = fd_add(f, type & SOCK_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

static int pair_files(int family, int type, int protocol, struct file **f)
{
	struct socket *a, *b;
	int err = socket_make(family, type & SOCK_TYPE_MASK, protocol, &a);

	if (err)
		return err;
	err = socket_make(family, type & SOCK_TYPE_MASK, protocol, &b);
	if (err) {
		socket_free(a);
		return err;
	}
	err = a->ops->pair ? a->ops->pair(a, b) : -EOPNOTSUPP;
	if (err) {
		socket_free(a);
		socket_free(b);
		return err;
	}
	err = socket_file(a, type, &f[0]);
	if (err) {
		socket_free(b);
		return err;
	}
	err = socket_file(b, type, &f[1]);
	if (err)
		file_put(f[0]);
	return err;
}

SYSCALL4(socketpair, int, family, int, type, int, protocol, uaddr, ufds)
{
	struct file *f[2];
	int err;

	if (type & ~(SOCK_TYPE_MASK | TYPE_FLAGS))
		return -EINVAL;
	err = pair_files(family, type, protocol, f);
	return err ? err : fd_add_two(f, type & SOCK_CLOEXEC, ufds);
}

/* ---- addresses ---- */

int sock_addr_from_user(struct sock_addr *a, uaddr u, int size)
{
	memset(a, 0, sizeof *a);
	if (size < 0 || (size_t)size > sizeof a->u.ss)
		return -EINVAL;
	a->size = (unsigned)size;
	return size ? copy_in(&a->u, u, (size_t)size) : 0;
}

int sock_addr_to_user(const struct sock_addr *a, uaddr u, uaddr usize)
{
	int32_t room, whole = (int32_t)a->size;
	int err = copy_in(&room, usize, sizeof room);

	if (err)
		return err;
	if (room < 0)
		return -EINVAL;
	err = copy_out(u, &a->u, MIN((unsigned)room, a->size));
	return err ? err : copy_out(usize, &whole, sizeof whole);
}

static long bind_socket(struct socket *s, uaddr uname, int size)
{
	struct sock_addr a;
	int err = sock_addr_from_user(&a, uname, size);

	if (err)
		return err;
	return s->ops->bind ? s->ops->bind(s, &a) : -EOPNOTSUPP;
}

SYSCALL3(bind, int, fd, uaddr, uname, int, size)
{
	return SOCKET_CALL(fd, bind_socket(socket_of(f), uname, size));
}

static long listen_socket(struct socket *s, int backlog)
{
	int most = (int)net_setting(netns_current(), SET_core_somaxconn);

	if ((unsigned)backlog > (unsigned)most)
		backlog = most;
	return s->ops->listen ? s->ops->listen(s, backlog) : -EOPNOTSUPP;
}

SYSCALL2(listen, int, fd, int, backlog)
{
	return SOCKET_CALL(fd, listen_socket(socket_of(f), backlog));
}

/* A connection of f's, as a file with no descriptor yet. */
static int accept_file(struct file *f, int flags, uaddr uname, uaddr usize, struct file **ret)
{
	struct socket *s = socket_of(f), *fresh;
	struct sock_addr a = { 0 };
	int err;

	if (!s->ops->accept)
		return -EOPNOTSUPP;
	fresh = socket_new(s->family, s->type, s->protocol);
	if (!fresh)
		return -ENOMEM;
	fresh->passcred = s->passcred;
	fresh->passpidfd = s->passpidfd;
	/* First, because a connection that was taken out cannot go back. */
	err = socket_file(fresh, flags, ret);
	if (err)
		return err;
	err = s->ops->accept(s, fresh, f->flags & O_NONBLOCK);
	if (!err && fresh->ops->attach)
		fresh->ops->attach(fresh, *ret);
	if (!err && uname.va)
		err = fresh->ops->getname(fresh, true, &a);
	if (!err && uname.va)
		err = sock_addr_to_user(&a, uname, usize);
	if (err)
		file_put(*ret);
	return err;
}

static long accept_fd(struct file *f, uaddr uname, uaddr usize, int flags)
{
	struct file *nf;
	int err, fd = fd_alloc(0, flags & SOCK_CLOEXEC);

	if (fd < 0)
		return fd;
	err = accept_file(f, flags, uname, usize, &nf);
	if (err) {
		fd_release_unused(fd);
		return err;
	}
	fd_install(fd, nf);
	return fd;
}

static long accept_call(int fd, uaddr uname, uaddr usize, int flags)
{
	if (flags & ~TYPE_FLAGS) {
		struct file *f = fd_get(fd);

		file_put(f);
		return f ? -EINVAL : -EBADF;
	}
	return SOCKET_CALL(fd, accept_fd(f, uname, usize, flags));
}

SYSCALL3(accept, int, fd, uaddr, uname, uaddr, usize) { return accept_call(fd, uname, usize, 0); }
SYSCALL4(accept4, int, fd, uaddr, uname, uaddr, usize, int, flags)
{
	return accept_call(fd, uname, usize, flags);
}

static long connect_socket(struct file *f, uaddr uname, int size)
{
	struct socket *s = socket_of(f);
	struct sock_addr a;
	int err = sock_addr_from_user(&a, uname, size);

	if (err)
		return err;
	return s->ops->connect ? s->ops->connect(s, &a, f->flags & O_NONBLOCK) : -EOPNOTSUPP;
}

SYSCALL3(connect, int, fd, uaddr, uname, int, size)
{
	return SOCKET_CALL(fd, connect_socket(f, uname, size));
}

static long get_name(struct socket *s, uaddr uname, uaddr usize, bool peer)
{
	struct sock_addr a = { 0 };
	int err = s->ops->getname(s, peer, &a);

	return err ? err : sock_addr_to_user(&a, uname, usize);
}

SYSCALL3(getsockname, int, fd, uaddr, uname, uaddr, usize)
{
	return SOCKET_CALL(fd, get_name(socket_of(f), uname, usize, false));
}

SYSCALL3(getpeername, int, fd, uaddr, uname, uaddr, usize)
{
	return SOCKET_CALL(fd, get_name(socket_of(f), uname, usize, true));
}

static long shutdown_socket(struct socket *s, int how)
{
	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	return s->ops->shutdown ? s->ops->shutdown(s, how) : -EOPNOTSUPP;
}

SYSCALL2(shutdown, int, fd, int, how) { return SOCKET_CALL(fd, shutdown_socket(socket_of(f), how)); }

/* ---- waiting ---- */

uint64_t sock_deadline(uint64_t timeo_ns)
{
	uint64_t d;

	if (!timeo_ns || add_overflows(plat_time_mono_ns(), timeo_ns, &d))
		return NO_DEADLINE;
	return d;
}

int sock_wait_error(int err, uint64_t timeo_ns)
{
	if (err == -ETIMEDOUT)
		return -EAGAIN;
	if (err == -EINTR)
		return timeo_ns ? -EINTR : -ERESTARTSYS;
	return err;
}
