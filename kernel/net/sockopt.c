/* SPDX-License-Identifier: Apache-2.0 */
/* setsockopt(2), getsockopt(2): the family is asked first, then the options
 * that every socket has (socket(7)). */
#include "kernel/net/packet.h"
#include "kernel/syscall/syscall.h"

#define LINGER_EVER ((int32_t)(uint32_t)(INT64_MAX / 250))       /* what is left of the longest time, in 250ths */
#define ASK_MAX 144u                    /* struct group_filter, no source */
#define SET_MAX 8448u                   /* struct group_filter with all sources */
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

static int32_t mem[] = { SOCK_BUF_DEFAULT, SOCK_BUF_DEFAULT, SOCK_BUF_DEFAULT, SOCK_BUF_DEFAULT };       /* atomic */

int32_t sock_mem(enum sock_mem which) { return __atomic_load_n(&mem[which], __ATOMIC_RELAXED); }

int32_t sock_buf_first(enum sock_mem which) { return MIN(sock_mem(which), SOCK_BUF_MAX); }

int sock_mem_set(enum sock_mem which, int64_t v)
{
	if (v < (which < SOCK_WMEM_DEFAULT ? SOCK_RCVBUF_MIN : SOCK_SNDBUF_MIN) || v > INT32_MAX)
		return -EINVAL;
	__atomic_store_n(&mem[which], (int32_t)v, __ATOMIC_RELAXED);
	return 0;
}

int32_t sock_buf_size(int opt, int32_t v)
{
	bool send = opt == SO_SNDBUF || opt == SO_SNDBUFFORCE, force = opt == SO_SNDBUFFORCE || opt == SO_RCVBUFFORCE;
	int32_t max = force ? SOCK_BUF_MAX : MIN(sock_mem(send ? SOCK_WMEM_MAX : SOCK_RMEM_MAX), SOCK_BUF_MAX);

	if (v < 0)
		v = force ? 0 : max;
	/* The kernel doubles the value for its own use, and shows that. */
	return MAX(MIN(v, max) * 2, send ? SOCK_SNDBUF_MIN : SOCK_RCVBUF_MIN);
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

/* Options that are kept and shown, and no more. */
static const uint8_t switches[] = {
	SO_RXQ_OVFL, SO_NOFCS, SO_LOCK_FILTER, SO_SELECT_ERR_QUEUE, SO_RCVMARK, SO_DEBUG, SO_NO_CHECK, SO_PASSSEC,
	SO_WIFI_STATUS, SO_PREFER_BUSY_POLL, SO_RCVPRIORITY,
};

static uint32_t switch_bit(int opt)
{
	for (unsigned k = 0; k < ARRAY_SIZE(switches); k++)
		if (switches[k] == opt)
			return 1u << k;
	return 0;
}

bool sock_kept(const struct socket *s, int opt) { return s->kept & switch_bit(opt); }

static int set_switch(struct socket *s, int opt, int32_t v)
{
	if (opt == SO_LOCK_FILTER && !v && sock_kept(s, opt))
		return -EPERM;
	if (opt == SO_RCVMARK && !capable(CAP_NET_RAW) && !capable(CAP_NET_ADMIN))
		return -EPERM;
	if ((opt == SO_DEBUG || opt == SO_PREFER_BUSY_POLL) && v && !capable(CAP_NET_ADMIN))
		return opt == SO_DEBUG ? -EACCES : -EPERM;
	if (opt == SO_PASSSEC && s->family != AF_UNIX && s->family != AF_NETLINK)
		return -EOPNOTSUPP;
	s->kept = v ? s->kept | switch_bit(opt) : s->kept & ~switch_bit(opt);
	return 0;
}

static int set_times(struct socket *s, int opt, int32_t v)
{
	bool fresh = opt == SO_TIMESTAMP_NEW || opt == SO_TIMESTAMPNS_NEW || opt == SO_TIMESTAMPING_NEW;

	if (opt == SO_TIMESTAMPING || opt == SO_TIMESTAMPING_NEW) {
		if (v & ~SOF_TIMESTAMPING_ALL || (v & SOF_TIMESTAMPING_OPT_ID_TCP && !(v & SOF_TIMESTAMPING_OPT_ID)) ||
		    (v & SOF_TIMESTAMPING_OPT_STATS && !(v & SOF_TIMESTAMPING_OPT_TSONLY)))
			return -EINVAL;
		s->tstamping = v;
		s->tstamp_new = fresh;
		return 0;
	}
	s->tstamp = !v ? TSTAMP_OFF : opt == SO_TIMESTAMP || opt == SO_TIMESTAMP_NEW ? TSTAMP_US : TSTAMP_NS;
	if (v)
		s->tstamp_new = fresh;
	return 0;
}

static int32_t get_times(const struct socket *s, int opt)
{
	switch (opt) {
	case SO_TIMESTAMP: return s->tstamp == TSTAMP_US && !s->tstamp_new;
	case SO_TIMESTAMPNS: return s->tstamp == TSTAMP_NS && !s->tstamp_new;
	case SO_TIMESTAMP_NEW: return s->tstamp && s->tstamp_new;
	case SO_TIMESTAMPNS_NEW: return s->tstamp == TSTAMP_NS && s->tstamp_new;
	case SO_TIMESTAMPING: return s->tstamping;
	default: return s->tstamp_new ? s->tstamping : 0;
	}
}

/* A socket with no link to be tied to: the name is looked at. */
static int set_device(const char *name, size_t size)
{
	size_t n = strnlen(name, MIN(size, (size_t)15));
	const char *lo = netns_current()->lo.name;

	return n && (n != strlen(lo) || memcmp(name, lo, n)) ? -ENODEV : 0;
}

/* The peer's name where it fits: SO_PEERNAME. */
static int get_peer_name(struct socket *s, void *val, size_t *size)
{
	struct sock_addr a = { 0 };

	if (s->ops->getname(s, true, &a))
		return -ENOTCONN;
	if (a.size < *size)
		return -EINVAL;
	memcpy(val, &a.u, *size);
	return 0;
}

/* Hints for drivers: checked and kept. */
static int set_busy_poll(struct socket *s, int opt, int32_t v)
{
	bool budget = opt == SO_BUSY_POLL_BUDGET;

	if (v < 0 || (budget && v > 0xffff))
		return -EINVAL;
	if (budget && v && !capable(CAP_NET_ADMIN))
		return -EPERM;
	if (!budget)
		s->busy_poll = v;
	return 0;
}

static int get_memory(struct socket *s, void *val, size_t *size)
{
	uint32_t info[9] = { [1] = (uint32_t)s->rcvbuf, [3] = (uint32_t)s->sndbuf };
	int32_t buf[2] = { s->rcvbuf, s->sndbuf };

	for (unsigned k = 0; k < 2; k++) {
		size_t n = sizeof buf[k];

		if (s->ops->getsockopt && !s->ops->getsockopt(s, SOL_SOCKET, k ? SO_SNDBUF : SO_RCVBUF, &buf[k], &n))
			info[k * 2 + 1] = (uint32_t)buf[k];
	}
	*size = MIN(*size, sizeof info);
	memcpy(val, info, *size);
	return 0;
}

/* A number that is shown whole to who has room. */
static int get_wide(uint64_t v, bool clamp, void *val, size_t *size)
{
	uint32_t low = clamp && v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;

	*size = MIN(*size, *size < sizeof v ? sizeof low : sizeof v);
	memcpy(val, *size == sizeof v ? (void *)&v : (void *)&low, *size);
	return 0;
}

/* Nobody can have a descriptor of an eBPF program: bpf(2) makes none. */
static int not_a_program(size_t size, int32_t fd)
{
	struct file *f = size == sizeof fd ? fd_get(fd) : NULL;

	if (size == sizeof fd && !f)
		return -EBADF;
	file_put(f);
	return -EINVAL;
}

static int set_common(struct socket *s, int opt, const void *val, size_t size)
{
	struct linux_timeval tv;
	struct linux_linger lg;
	uint64_t ns;
	int32_t v;
	int err = 0;

	if (opt == SO_BINDTODEVICE)
		return set_device(val, size);
	if (opt == SO_RCVTIMEO || opt == SO_SNDTIMEO || opt == SO_RCVTIMEO_NEW || opt == SO_SNDTIMEO_NEW) {
		if (size < sizeof tv)
			return -EINVAL;
		memcpy(&tv, val, sizeof tv);
		ns = timeo_get(&tv, &err);
		if (err)
			return err;
		*(opt == SO_RCVTIMEO || opt == SO_RCVTIMEO_NEW ? &s->rcvtimeo_ns : &s->sndtimeo_ns) = ns;
		return 0;
	}
	if (opt == SO_LINGER) {
		if (size < sizeof lg)
			return -EINVAL;
		memcpy(&lg, val, sizeof lg);
		if (lg.linger < 0)      /* as good as for ever */
			lg.linger = LINGER_EVER;
		s->linger = lg.onoff ? (struct linux_linger){ 1, lg.linger } : (struct linux_linger){ 0, s->linger.linger };
		return 0;
	}
	err = sock_set_sending(s, opt, val, size);
	if (err != -ENOPROTOOPT)
		return err;
	if (size < sizeof v)
		return -EINVAL;
	memcpy(&v, val, sizeof v);
	switch (opt) {
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
	case SO_TIMESTAMPNS:
	case SO_TIMESTAMPING:
	case SO_TIMESTAMP_NEW:
	case SO_TIMESTAMPNS_NEW:
	case SO_TIMESTAMPING_NEW: return set_times(s, opt, v);
	case SO_INCOMING_CPU: s->incoming_cpu = v; return 0;
	case SO_RESERVE_MEM: return v < 0 ? -EINVAL : -EOPNOTSUPP;      /* of a memory cgroup: there is none */
	case SO_BUF_LOCK:
		if (v & ~3)
			return -EINVAL;
		s->buf_lock = v;
		return 0;
	case SO_TXREHASH:
		if (s->type != SOCK_STREAM || s->family == AF_UNIX)
			return -EOPNOTSUPP;
		if (v < -1 || v > 1)
			return -EINVAL;
		s->txrehash = v == -1 ? 1 : v;
		return 0;
	case SO_RXQ_OVFL:
	case SO_NOFCS:
	case SO_LOCK_FILTER:
	case SO_SELECT_ERR_QUEUE:
	case SO_RCVMARK:
	case SO_DEBUG:
	case SO_NO_CHECK:
	case SO_PASSSEC:
	case SO_WIFI_STATUS:
	case SO_PREFER_BUSY_POLL:
	case SO_RCVPRIORITY: return set_switch(s, opt, v);
	case SO_BINDTOIFINDEX:
		if (s->bound_link && !capable(CAP_NET_RAW))
			return -EPERM;
		if (v < 0)
			return -EINVAL;
		s->bound_link = v;
		return 0;
	case SO_BUSY_POLL:
	case SO_BUSY_POLL_BUDGET: return set_busy_poll(s, opt, v);
	case SO_MAX_PACING_RATE:
		s->pacing = v == -1 ? UINT64_MAX : (uint32_t)v;
		if (size >= sizeof s->pacing)
			memcpy(&s->pacing, val, sizeof s->pacing);
		return 0;
	case SO_CNX_ADVICE:             /* about a route: there is one way only */
	case SO_BSDCOMPAT: return 0;
	case SO_PASSCRED:
		if (s->family != AF_UNIX && s->family != AF_NETLINK)
			return -EOPNOTSUPP;
		s->passcred = v;
		return 0;
	case SO_ATTACH_BPF:
	case SO_ATTACH_REUSEPORT_EBPF: return not_a_program(size, v);
	case SO_ATTACH_REUSEPORT_CBPF:
	case SO_DETACH_REUSEPORT_BPF: return -EINVAL;   /* in no group */
	case SO_PASSPIDFD:
	case SO_PEEK_OFF:
		return -EOPNOTSUPP;     /* the family knows it, or not */
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
		s->sndbuf = sock_buf_size(opt, v);
	else
		s->rcvbuf = sock_buf_size(opt, v);
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
	case SO_PEERNAME: return get_peer_name(s, val, size);
	case SO_BINDTODEVICE:
		*size = 0;
		return 0;
	case SO_PASSPIDFD:
	case SO_PEEK_OFF:
		return -EOPNOTSUPP;
	case SO_COOKIE:
	case SO_NETNS_COOKIE:
		if (opt == SO_COOKIE ? *size < sizeof ns : *size != sizeof ns)
			return -EINVAL;
		*size = sizeof ns;
		ns = opt == SO_COOKIE ? cookie_of(s) : netns_current()->id + 1;
		memcpy(val, &ns, sizeof ns);
		return 0;
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
	case SO_RCVTIMEO_NEW:
	case SO_SNDTIMEO_NEW:
		ns = opt == SO_RCVTIMEO || opt == SO_RCVTIMEO_NEW ? s->rcvtimeo_ns : s->sndtimeo_ns;
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
	case SO_TIMESTAMPING:
	case SO_TIMESTAMPING_NEW: return get_wide((uint32_t)get_times(s, opt), false, val, size);
	case SO_TIMESTAMP:
	case SO_TIMESTAMPNS:
	case SO_TIMESTAMP_NEW:
	case SO_TIMESTAMPNS_NEW: v = get_times(s, opt); break;
	case SO_MAX_PACING_RATE: return get_wide(s->pacing, true, val, size);
	case SO_MEMINFO: return get_memory(s, val, size);
	case SO_BUSY_POLL: v = s->busy_poll; break;
	case SO_INCOMING_CPU: v = s->incoming_cpu; break;
	case SO_BUF_LOCK: v = s->buf_lock; break;
	case SO_TXREHASH:
		if (s->type != SOCK_STREAM || s->family == AF_UNIX)
			return -EOPNOTSUPP;
		v = s->txrehash;
		break;
	case SO_RXQ_OVFL:
	case SO_NOFCS:
	case SO_LOCK_FILTER:
	case SO_SELECT_ERR_QUEUE:
	case SO_DEBUG:
	case SO_NO_CHECK:
	case SO_WIFI_STATUS:
	case SO_PREFER_BUSY_POLL:
	case SO_RCVPRIORITY:
	case SO_RCVMARK: v = sock_kept(s, opt); break;
	case SO_BPF_EXTENSIONS: v = 64; break;
	case SO_PASSCRED:
		if (s->family != AF_UNIX && s->family != AF_NETLINK)
			return -EOPNOTSUPP;
		v = s->passcred;
		break;
	case SO_PRIORITY: v = s->priority; break;
	case SO_MARK: v = s->mark; break;
	case SO_BINDTOIFINDEX: v = s->bound_link; break;
	case SO_BSDCOMPAT:
	case SO_INCOMING_NAPI_ID:
	case SO_RESERVE_MEM:
	case SO_ERROR:
	case SO_ACCEPTCONN: v = 0; break;
	case SO_PASSSEC:
		if (s->family != AF_UNIX && s->family != AF_NETLINK)
			return -EOPNOTSUPP;
		v = sock_kept(s, opt);
		break;
	default: return sock_get_sending(s, opt, val, size);
	}
	*size = MIN(*size, sizeof v);
	memcpy(val, &v, *size);
	return 0;
}

static int set_filter(struct socket *s, int opt, const void *val, size_t size)
{
	if (size < sizeof(int32_t))
		return -EINVAL;
	if (sock_kept(s, SO_LOCK_FILTER))
		return -EPERM;
	return opt == SO_ATTACH_FILTER ? filter_attach(s->ops->filter(s), val, size) : filter_detach(s->ops->filter(s));
}

/* The size is a number of instructions. */
static long get_filter(struct socket *s, uaddr uval, uaddr usize, int32_t room)
{
	long n = filter_get(s->ops->filter(s), uval, (unsigned)room);
	int32_t count = (int32_t)n;

	return n < 0 ? n : copy_out(usize, &count, sizeof count);
}

static long set_option(struct socket *s, int level, int opt, uaddr uval, int size)
{
	uint8_t small[512], *buf = small;
	size_t n;
	int err;

	if (size < 0)
		return -EINVAL;
	n = MIN((size_t)size, (size_t)SET_MAX);
	if (n > sizeof small)
		buf = kmalloc(n);
	if (!buf)
		return -ENOBUFS;
	err = copy_in(buf, uval, n);
	if (!err && level == SOL_SOCKET && (opt == SO_ATTACH_FILTER || opt == SO_DETACH_FILTER) && s->ops->filter)
		err = set_filter(s, opt, buf, n);
	else if (!err)
		err = s->ops->setsockopt ? s->ops->setsockopt(s, level, opt, buf, n) : -ENOPROTOOPT;
	if (err == -ENOPROTOOPT && level == SOL_SOCKET)
		err = set_common(s, opt, buf, n);
	if (buf != small)
		kfree(buf);
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
	size_t n, ask = 0;
	int err = copy_in(&size, usize, sizeof size);

	if (err)
		return err;
	if (size < 0)
		return -EINVAL;
	if (level == SOL_SOCKET && opt == SO_PEERPIDFD)
		return s->ops->peer_pidfd ? get_peer_pidfd(s, uval, usize, size) : -ENODATA;
	if (level == SOL_SOCKET && opt == SO_ATTACH_FILTER && s->ops->filter)
		return get_filter(s, uval, usize, size);
	n = MIN((size_t)size, (size_t)OPT_MAX);
	if (n > sizeof small)
		buf = kmalloc(n);
	if (!buf)
		return -ENOMEM;
	memset(buf, 0, MAX(n, sizeof small));
	/* Some options read what they answer to: PACKET_HDRLEN, the lists of multicast groups. */
	if (level == SOL_PACKET && n >= sizeof size)
		ask = sizeof size;
	else if ((level == IPPROTO_IP || level == IPPROTO_IPV6) && (opt == IP_MSFILTER || opt == MCAST_MSFILTER))
		ask = MIN(n, (size_t)ASK_MAX);
	if (ask && copy_in(buf, uval, ask)) {
		if (buf != small)
			kfree(buf);
		return -EFAULT;
	}
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
