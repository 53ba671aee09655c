/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: the descriptors that the sandbox was given as stdio and log.
 *
 * They are shared with other processes of the host, so O_NONBLOCK is never
 * set on them.  What never blocks is found per stream: sockets take
 * MSG_DONTWAIT; pipes take RWF_NOWAIT where the host has it; descriptors that
 * are already non-blocking (the monitor opens a terminal anew for us) are
 * used as they are; the rest is asked by poll(2) first, and then gets no
 * more than PIPE_BUF bytes, which a ready pipe takes without waiting. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include "host/isolate/isolate.h"
#include "platform/process/hc.h"

HOST_CALLS(sandbox, preadv2, pwritev2, recvmsg, sendmsg, poll, lseek);

#define OVERFLOW_ID 65534u      /* what an unmapped owner reads as: user_namespaces(7) */

enum stream_kind { STREAM_ABSENT, STREAM_DIRECT, STREAM_SOCKET, STREAM_NOWAIT, STREAM_POLLED };

static struct { int fd; enum stream_kind kind; bool regular; } streams[HC_STREAM_COUNT];
static uint32_t owner_uid, owner_gid;   /* for those that this user namespace cannot name */

int hc_stream_init(const struct sandbox_config *cfg)
{
	struct stat st;
	unsigned i;
	long flags;

	owner_uid = cfg->boot.uid;
	owner_gid = cfg->boot.gid;
	for (i = 0; i < HC_STREAM_COUNT; i++) {
		streams[i].fd = cfg->stream_fd[i];
		if (streams[i].fd < 0)
			continue;
		flags = fcntl(streams[i].fd, F_GETFL);
		if (flags < 0 || fstat(streams[i].fd, &st))
			return -errno;
		streams[i].regular = S_ISREG(st.st_mode);
		if (S_ISSOCK(st.st_mode))
			streams[i].kind = STREAM_SOCKET;
		else if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode) || S_ISDIR(st.st_mode) ||
			 flags & O_NONBLOCK)
			streams[i].kind = STREAM_DIRECT;
		else if (S_ISFIFO(st.st_mode))
			streams[i].kind = STREAM_NOWAIT;
		else
			streams[i].kind = STREAM_POLLED;
	}
	return 0;
}

static uint32_t readiness(int fd, short want)
{
	struct pollfd p = { .fd = fd, .events = want };
	uint32_t bits = 0;

	if (raw(SYS_poll, &p, 1, 0) <= 0)
		return 0;
	if (p.revents & (POLLIN | POLLRDHUP))
		bits |= HC_POLL_IN;
	if (p.revents & POLLOUT)
		bits |= HC_POLL_OUT;
	if (p.revents & POLLHUP)
		bits |= HC_POLL_HUP;
	if (p.revents & (POLLERR | POLLNVAL))
		bits |= HC_POLL_ERR;
	return bits;
}

int hc_stream_read(uint32_t stream, void *buf, size_t n, size_t *ret_n)
{
	struct iovec iov = { .iov_base = buf };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	long got;
	int fd;

	if (stream >= HC_STREAM_COUNT || streams[stream].kind == STREAM_ABSENT)
		return -EBADF;
	fd = streams[stream].fd;
	iov.iov_len = MIN(n, (size_t)HC_IO_MAX);
	switch (streams[stream].kind) {
	case STREAM_SOCKET:
		got = raw(SYS_recvmsg, fd, &msg, MSG_DONTWAIT);
		break;
	case STREAM_NOWAIT:
		got = raw(SYS_preadv2, fd, &iov, 1, -1l, -1l, RWF_NOWAIT);
		if (got != -EOPNOTSUPP && got != -ENOSYS)
			break;
		streams[stream].kind = STREAM_POLLED;
		/* fallthrough */
	case STREAM_POLLED:
		if (!readiness(fd, POLLIN))
			return -EAGAIN;
		/* fallthrough */
	default:
		got = raw(SYS_preadv2, fd, &iov, 1, -1l, -1l, 0);
	}
	if (got < 0)
		return got == -EINTR ? -EAGAIN : (int)got;
	*ret_n = (size_t)got;
	return 0;
}

int hc_stream_write(uint32_t stream, const void *buf, size_t n, size_t *ret_n)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	long got;
	int fd;

	if (stream >= HC_STREAM_COUNT || streams[stream].kind == STREAM_ABSENT)
		return -EBADF;
	fd = streams[stream].fd;
	iov.iov_len = MIN(n, (size_t)HC_IO_MAX);
	switch (streams[stream].kind) {
	case STREAM_SOCKET:
		got = raw(SYS_sendmsg, fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case STREAM_NOWAIT:
		got = raw(SYS_pwritev2, fd, &iov, 1, -1l, -1l, RWF_NOWAIT);
		if (got != -EOPNOTSUPP && got != -ENOSYS)
			break;
		streams[stream].kind = STREAM_POLLED;
		/* fallthrough */
	case STREAM_POLLED:
		if (!(readiness(fd, POLLOUT) & (HC_POLL_OUT | HC_POLL_ERR | HC_POLL_HUP)))
			return -EAGAIN;
		iov.iov_len = MIN(n, (size_t)PIPE_BUF);
		/* fallthrough */
	default:
		got = raw(SYS_pwritev2, fd, &iov, 1, -1l, -1l, 0);
	}
	if (got < 0)
		return got == -EINTR ? -EAGAIN : (int)got;
	*ret_n = (size_t)got;
	return 0;
}

uint32_t hc_stream_poll(uint32_t stream, uint32_t arm)
{
	if (stream >= HC_STREAM_COUNT || streams[stream].kind == STREAM_ABSENT)
		return HC_POLL_ERR;
	if (arm)
		hc_event_arm(stream, streams[stream].fd, arm);
	return readiness(streams[stream].fd, POLLIN | POLLOUT | POLLRDHUP);
}

int hc_stream_seek(uint32_t stream, int64_t off, int whence, uint64_t *ret)
{
	long at;

	if (stream >= HC_STREAM_COUNT || streams[stream].kind == STREAM_ABSENT)
		return -EBADF;
	if (!streams[stream].regular)
		return -ESPIPE;
	if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END)
		return -EINVAL;
	at = raw(SYS_lseek, streams[stream].fd, off, whence);
	if (at < 0)
		return (int)at;
	*ret = (uint64_t)at;
	return 0;
}

int hc_stream_getattr(uint32_t stream, struct hc_attr *ret_attr)
{
	int err;

	if (stream >= HC_STREAM_COUNT || streams[stream].kind == STREAM_ABSENT)
		return -EBADF;
	err = hc_fd_getattr(streams[stream].fd, ret_attr);
	if (err)
		return err;
	if (ret_attr->uid == OVERFLOW_ID)
		ret_attr->uid = owner_uid;
	if (ret_attr->gid == OVERFLOW_ID)
		ret_attr->gid = owner_gid;
	return 0;
}
