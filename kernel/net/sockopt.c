/* SPDX-License-Identifier: Apache-2.0 */
/* setsockopt(2), getsockopt(2): the family is asked first, then the options
 * that every socket has (socket(7)). */
#include "kernel/net/socket.h"
#include "kernel/syscall/syscall.h"

#define OPT_MAX 262144u                 /* every group that a process can have */

static uint64_t timeo_get(const struct linux_timeval *tv, int *err)
{
	*err = 0;
	if (tv->usec < 0 || tv->usec >= 1000000) {
		*err = -EDOM;
		return 0;
	}
	if (tv->sec < 0)
		return 1;               /* the past: at once */
	if ((uint64_t)tv->sec > INT64_MAX / NSEC_PER_SEC - 1)
		return 0;
	return (uint64_t)tv->sec * NSEC_PER_SEC + (uint64_t)tv->usec * NSEC_PER_USEC;
}

int32_t sock_buf_size(int32_t v, int32_t min, bool force)
{
	int32_t max = force ? SOCK_BUF_MAX : SOCK_BUF_DEFAULT;

	if (v < 0)
		v = force ? 0 : max;
	/* The kernel doubles the value for its own use, and shows that. */
	return MAX(MIN(v, max) * 2, min);
}

static uint64_t cookie_of(struct socket *s)
{
	static uint64_t last;
	uint64_t none = 0, fresh;

	if (!__atomic_load_n(&s->cookie, __ATOMIC_RELAXED)) {
		fresh = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
		(void)__atomic_compare_exchange_n(&s->cookie, &none, fresh, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	}
	return __atomic_load_n(&s->cookie, __ATOMIC_RELAXED);
}

static int set_common(struct socket *s, int opt, const void *val, size_t size)
{
	struct linux_timeval tv;
	struct linux_linger lg;
	uint64_t ns;
	int32_t v;
	int err = 0;

	if (opt == SO_RCVTIMEO || opt == SO_SNDTIMEO) {
		if (size < sizeof tv)
			return -EINVAL;
		memcpy(&tv, val, sizeof tv);
		ns = timeo_get(&tv, &err);
		if (err)
			return err;
		*(opt == SO_RCVTIMEO ? &s->rcvtimeo_ns : &s->sndtimeo_ns) = ns;
		return 0;
	}
	if (opt == SO_LINGER) {
		if (size < sizeof lg)
			return -EINVAL;
		memcpy(&lg, val, sizeof lg);
		s->linger = lg.onoff ? (struct linux_linger){ 1, lg.linger } : (struct linux_linger){ 0, s->linger.linger };
		return 0;
	}
	if (size < sizeof v)
		return -EINVAL;
	memcpy(&v, val, sizeof v);
	switch (opt) {
	case SO_DEBUG: return v && !capable(CAP_NET_ADMIN) ? -EACCES : 0;
	case SO_REUSEADDR: s->reuseaddr = v; return 0;
	case SO_REUSEPORT:
		if (v && s->family != AF_INET && s->family != AF_INET6)
			return -EOPNOTSUPP;
		s->reuseport = v;
		return 0;
	case SO_KEEPALIVE: s->keepalive = v; return 0;
	case SO_BROADCAST: s->broadcast = v; return 0;
	case SO_OOBINLINE: s->oobinline = v; return 0;
	case SO_DONTROUTE: s->dontroute = v; return 0;
	case SO_TIMESTAMP:
	case SO_TIMESTAMPNS: s->timestamp = v; return 0;
	case SO_PASSCRED:
		if (s->family != AF_UNIX && s->family != AF_NETLINK)
			return -EOPNOTSUPP;
		s->passcred = v;
		return 0;
	case SO_PASSPIDFD:
	case SO_PEEK_OFF:
		return -EOPNOTSUPP;     /* the family knows it, or not */
	case SO_PASSSEC:
	case SO_NO_CHECK: return 0;
	case SO_PRIORITY:
		if ((v < 0 || v > 6) && !capable(CAP_NET_ADMIN))
			return -EPERM;
		s->priority = v;
		return 0;
	case SO_MARK:
		if (!capable(CAP_NET_ADMIN))
			return -EPERM;
		s->mark = v;
		return 0;
	case SO_RCVLOWAT:
		s->rcvlowat = v < 0 ? INT32_MAX : v ? v : 1;
		return 0;
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		if (!capable(CAP_NET_ADMIN))
			return -EPERM;
		break;
	case SO_SNDBUF:
	case SO_RCVBUF:
		break;
	case SO_TYPE:
	case SO_PROTOCOL:
	case SO_DOMAIN:
	case SO_ERROR:
	default:
		return -ENOPROTOOPT;
	}
	if (opt == SO_SNDBUF || opt == SO_SNDBUFFORCE)
		s->sndbuf = sock_buf_size(v, SOCK_SNDBUF_MIN, opt == SO_SNDBUFFORCE);
	else
		s->rcvbuf = sock_buf_size(v, SOCK_RCVBUF_MIN, opt == SO_RCVBUFFORCE);
	return 0;
}

static int get_common(struct socket *s, int opt, void *val, size_t *size)
{
	struct linux_ucred nobody = { 0, UINT32_MAX, UINT32_MAX };
	struct linux_timeval tv;
	uint64_t ns;
	int32_t v;

	switch (opt) {
	case SO_PEERCRED:
		*size = MIN(*size, sizeof nobody);
		memcpy(val, &nobody, *size);
		return 0;
	case SO_PEERGROUPS:
		return -ENODATA;
	case SO_PASSPIDFD:
	case SO_PEEK_OFF:
		return -EOPNOTSUPP;
	case SO_COOKIE:
		if (*size < sizeof ns)
			return -EINVAL;
		*size = sizeof ns;
		ns = cookie_of(s);
		memcpy(val, &ns, sizeof ns);
		return 0;
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
		ns = opt == SO_RCVTIMEO ? s->rcvtimeo_ns : s->sndtimeo_ns;
		tv = (struct linux_timeval){ (int64_t)(ns / NSEC_PER_SEC),
					     (int64_t)(ns % NSEC_PER_SEC / NSEC_PER_USEC) };
		*size = MIN(*size, sizeof tv);
		memcpy(val, &tv, *size);
		return 0;
	case SO_LINGER:
		*size = MIN(*size, sizeof s->linger);
		memcpy(val, &s->linger, *size);
		return 0;
	case SO_TYPE: v = s->type; break;
	case SO_DOMAIN: v = s->family; break;
	case SO_PROTOCOL: v = s->protocol; break;
	case SO_SNDBUF: v = s->sndbuf; break;
	case SO_RCVBUF: v = s->rcvbuf; break;
	case SO_RCVLOWAT: v = s->rcvlowat; break;
	case SO_SNDLOWAT: v = 1; break;
	case SO_REUSEADDR: v = s->reuseaddr; break;
	case SO_REUSEPORT: v = s->reuseport; break;
	case SO_KEEPALIVE: v = s->keepalive; break;
	case SO_BROADCAST: v = s->broadcast; break;
	case SO_OOBINLINE: v = s->oobinline; break;
	case SO_DONTROUTE: v = s->dontroute; break;
	case SO_TIMESTAMP: v = s->timestamp; break;
	case SO_PASSCRED: v = s->passcred; break;
	case SO_PRIORITY: v = s->priority; break;
	case SO_MARK: v = s->mark; break;
	case SO_DEBUG:
	case SO_NO_CHECK:
	case SO_PASSSEC:
	case SO_ERROR:
	case SO_ACCEPTCONN: v = 0; break;
	default: return -ENOPROTOOPT;
	}
	*size = MIN(*size, sizeof v);
	memcpy(val, &v, *size);
	return 0;
}

static long set_option(struct socket *s, int level, int opt, uaddr uval, int size)
{
	uint8_t buf[512];
	size_t n = MIN((size_t)size, sizeof buf);
	int err;

	if (size < 0)
		return -EINVAL;
	err = copy_in(buf, uval, n);
	if (!err)
		err = s->ops->setsockopt ? s->ops->setsockopt(s, level, opt, buf, n) : -ENOPROTOOPT;
	if (err == -ENOPROTOOPT && level == SOL_SOCKET)
		err = set_common(s, opt, buf, n);
	return err;
}

SYSCALL5(setsockopt, int, fd, int, level, int, opt, uaddr, uval, int, size)
{
	return SOCKET_CALL(fd, set_option(socket_of(f), level, opt, uval, size));
}

static long get_peer_pidfd(struct socket *s, uaddr uval, uaddr usize, int32_t size)
{
	struct file *f;
	int32_t fd;
	int err;

	size = MIN(size, (int32_t)sizeof fd);
	err = s->ops->peer_pidfd(s, &f);
	if (err)
		return err;
	fd = fd_alloc(0, true);
	err = fd < 0 ? fd : copy_out(uval, &fd, (size_t)size);
	if (!err)
		err = copy_out(usize, &size, sizeof size);
	if (err) {
		if (fd >= 0)
			fd_release_unused(fd);
		file_put(f);
		return err;
	}
	fd_install(fd, f);
	return 0;
}

static long get_option(struct socket *s, int level, int opt, uaddr uval, uaddr usize)
{
	uint8_t small[256], *buf = small;
	int32_t size;
	size_t n;
	int err = copy_in(&size, usize, sizeof size);

	if (err)
		return err;
	if (size < 0)
		return -EINVAL;
	if (level == SOL_SOCKET && opt == SO_PEERPIDFD)
		return s->ops->peer_pidfd ? get_peer_pidfd(s, uval, usize, size) : -ENODATA;
	n = MIN((size_t)size, (size_t)OPT_MAX);
	if (n > sizeof small)
		buf = kmalloc(n);
	if (!buf)
		return -ENOMEM;
	memset(buf, 0, MAX(n, sizeof small));
	err = s->ops->getsockopt ? s->ops->getsockopt(s, level, opt, buf, &n) : -ENOPROTOOPT;
	if (err == -ENOPROTOOPT && level == SOL_SOCKET)
		err = get_common(s, opt, buf, &n);
	if (level == SOL_SOCKET && opt == SO_ERROR && n == sizeof size && __atomic_load_n(&s->late_error, __ATOMIC_RELAXED)) {
		size = __atomic_exchange_n(&s->late_error, 0, __ATOMIC_RELAXED);
		memcpy(buf, &size, sizeof size);
	}
	if (!err)
		err = copy_out(uval, buf, n);
	size = (int32_t)n;
	if ((!err || err == -ERANGE) && copy_out(usize, &size, sizeof size))
		err = -EFAULT;
	if (buf != small)
		kfree(buf);
	return err;
}

SYSCALL5(getsockopt, int, fd, int, level, int, opt, uaddr, uval, uaddr, usize)
{
	return SOCKET_CALL(fd, get_option(socket_of(f), level, opt, uval, usize));
}
