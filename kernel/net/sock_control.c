/* SPDX-License-Identifier: Apache-2.0 */
/* How messages are sent: SO_ZEROCOPY, SO_TXTIME, and what ancillary data of the
 * level SOL_SOCKET says about one message (socket(7), Documentation/networking/
 * timestamping.rst, msg_zerocopy.rst).  Nothing waits on lo for its time. */
#include "kernel/net/socket.h"
#include "kernel/task/task.h"
#include <linux_abi/inet.h>

#define TXTIME_FLAGS 3u                 /* SOF_TXTIME_DEADLINE_MODE, SOF_TXTIME_REPORT_ERRORS */

static int set_zerocopy(struct socket *s, const void *val, size_t size)
{
	int32_t v;

	if (size < sizeof v)
		return -EINVAL;
	memcpy(&v, val, sizeof v);
	if (s->family != AF_INET && s->family != AF_INET6)
		return -EOPNOTSUPP;
	if (s->type != SOCK_STREAM && (s->type != SOCK_DGRAM || s->protocol != IPPROTO_UDP))
		return -EOPNOTSUPP;
	if (v < 0 || v > 1)
		return -EINVAL;
	s->zerocopy = v;
	return 0;
}

static int set_txtime(struct socket *s, const void *val, size_t size)
{
	struct linux_sock_txtime t;

	if (size != sizeof t)
		return -EINVAL;
	memcpy(&t, val, sizeof t);
	if (t.flags & ~TXTIME_FLAGS)
		return -EINVAL;
	if (t.clockid != CLOCK_MONOTONIC && !capable(CAP_NET_ADMIN))
		return -EPERM;
	if (t.clockid != CLOCK_MONOTONIC && t.clockid != CLOCK_REALTIME && t.clockid != CLOCK_TAI)
		return -EINVAL;
	s->txtime = t;
	s->timed_sends = true;
	return 0;
}

int sock_set_sending(struct socket *s, int opt, const void *val, size_t size)
{
	return opt == SO_ZEROCOPY ? set_zerocopy(s, val, size) : opt == SO_TXTIME ? set_txtime(s, val, size) : -ENOPROTOOPT;
}

int sock_get_sending(const struct socket *s, int opt, void *val, size_t *size)
{
	int32_t on = s->zerocopy;

	if (opt != SO_ZEROCOPY && opt != SO_TXTIME)
		return -ENOPROTOOPT;
	*size = MIN(*size, opt == SO_TXTIME ? sizeof s->txtime : sizeof on);
	memcpy(val, opt == SO_TXTIME ? (const void *)&s->txtime : (const void *)&on, *size);
	return 0;
}

static int one_number(const struct sock_cmsg *c, uint32_t *ret)
{
	if (c->size != sizeof *ret)
		return -EINVAL;
	memcpy(ret, c->data, sizeof *ret);
	return 0;
}

static int control(const struct socket *s, const struct sock_cmsg *c, struct sock_control *ret)
{
	uint32_t v;
	int err;

	switch (c->type) {
	case SCM_RIGHTS:                /* of Unix sockets, and no error elsewhere */
	case SCM_CREDENTIALS:
		return 0;
	case SO_MARK:
		if (!capable(CAP_NET_RAW) && !capable(CAP_NET_ADMIN))
			return -EPERM;
		return one_number(c, &v);
	case SO_PRIORITY:
		err = one_number(c, &v);
		return err ? err : v <= 6 || capable(CAP_NET_ADMIN) || capable(CAP_NET_RAW) ? 0 : -EPERM;
	case SO_TIMESTAMPING:
	case SO_TIMESTAMPING_NEW:
		err = one_number(c, &v);
		if (err || v & ~SOF_TIMESTAMPING_TX_RECORD_MASK)
			return -EINVAL;
		ret->tstamping = (ret->tstamping & ~SOF_TIMESTAMPING_TX_RECORD_MASK) | v;
		return 0;
	case SO_TXTIME:
		return s->timed_sends && c->size == sizeof(uint64_t) ? 0 : -EINVAL;
	case SCM_TS_OPT_ID:
		if (s->type == SOCK_STREAM || !(s->tstamping & SOF_TIMESTAMPING_OPT_ID))
			return -EINVAL;
		ret->have_id = true;
		return one_number(c, &ret->stamp_id);
	default:
		return -EINVAL;
	}
}

int sock_control(const struct socket *s, const struct sock_msg *m, struct sock_control *ret)
{
	int err = 0;

	*ret = (struct sock_control){ .tstamping = (uint32_t)s->tstamping };
	for (unsigned i = 0; !err && i < m->cmsg_count; i++)
		if (m->cmsg[i].level == SOL_SOCKET)
			err = control(s, &m->cmsg[i], ret);
	return err;
}
