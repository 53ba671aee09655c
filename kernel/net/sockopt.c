/* SPDX-License-Identifier: Apache-2.0 */
/* setsockopt(2), getsockopt(2): the family is asked first, then the options
 * that every socket has (socket(7)). */
#include "kernel/net/socket.h"
#include "kernel/syscall/syscall.h"

#define OPT_MAX 4096u

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

static int32_t buf_size(int32_t v, bool force)
{
	int32_t max = force ? INT32_MAX / 2 : SOCK_BUF_DEFAULT;

	if (v < 0)
		v = max;
	v = MIN(MIN(v, max), SOCK_BUF_MAX);
	/* The kernel doubles the value for its own use, and shows that. */
	return MAX(v * 2, SOCK_BUF_MIN);
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
		lg.onoff = !!lg.onoff;
		s->linger = lg;
		return 0;
	}
	if (size < sizeof v)
		return -EINVAL;
	memcpy(&v, val, sizeof v);
	switch (opt) {
	case SO_DEBUG: return v && !capable(CAP_NET_ADMIN) ? -EACCES : 0;
	case SO_REUSEADDR: s->reuseaddr = v; return 0;
	case SO_REUSEPORT: s->reuseport = v; return 0;
	case SO_KEEPALIVE: s->keepalive = v; return 0;
	case SO_BROADCAST: s->broadcast = v; return 0;
	case SO_OOBINLINE: s->oobinline = v; return 0;
	case SO_DONTROUTE: s->dontroute = v; return 0;
	case SO_TIMESTAMP:
	case SO_TIMESTAMPNS: s->timestamp = v; return 0;
	case SO_PASSCRED: s->passcred = v; return 0;
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
	v = buf_size(v, opt == SO_SNDBUFFORCE || opt == SO_RCVBUFFORCE);
	if (opt == SO_SNDBUF || opt == SO_SNDBUFFORCE)
		s->sndbuf = v;
	else
		s->rcvbuf = v;
	return 0;
}

static int get_common(struct socket *s, int opt, void *val, size_t *size)
{
	struct linux_timeval tv;
	uint64_t ns;
	int32_t v;

	switch (opt) {
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

SYSCALL5(setsockopt, int, fd, int, level, int, opt, uaddr, uval, int, size)
{
	uint8_t buf[512];
	size_t n;
	int err;
	struct file *f;
	struct socket *s;

	if (size < 0)
		return -EINVAL;
	f = socket_get_file(fd, &err);
	if (!f)
		return err;
	s = socket_of(f);
	n = MIN((size_t)size, sizeof buf);
	err = copy_in(buf, uval, n);
	if (!err)
		err = s->ops->setsockopt ? s->ops->setsockopt(s, level, opt, buf, n) : -ENOPROTOOPT;
	if (err == -ENOPROTOOPT && level == SOL_SOCKET)
		err = set_common(s, opt, buf, n);
	file_put(f);
	return err;
}

SYSCALL5(getsockopt, int, fd, int, level, int, opt, uaddr, uval, uaddr, usize)
{
	uint8_t *buf;
	int32_t size;
	size_t n;
	int err;
	struct file *f = socket_get_file(fd, &err);
	struct socket *s;

	if (!f)
		return err;
	s = socket_of(f);
	buf = kzalloc(OPT_MAX);
	err = buf ? copy_in(&size, usize, sizeof size) : -ENOMEM;
	if (!err && size < 0)
		err = -EINVAL;
	if (err)
		goto out;
	n = MIN((size_t)size, (size_t)OPT_MAX);
	err = s->ops->getsockopt ? s->ops->getsockopt(s, level, opt, buf, &n) : -ENOPROTOOPT;
	if (err == -ENOPROTOOPT && level == SOL_SOCKET)
		err = get_common(s, opt, buf, &n);
	if (!err)
		err = copy_out(uval, buf, n);
	size = (int32_t)n;
	if (!err)
		err = copy_out(usize, &size, sizeof size);
out:
	kfree(buf);
	file_put(f);
	return err;
}
