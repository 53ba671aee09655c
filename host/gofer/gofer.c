/* SPDX-License-Identifier: Apache-2.0 */
/* The gofer: fetches files for a sandbox that opens no path itself.
 *
 * How it works: one thread per channel receives a request, checks its shape,
 * runs it (ops.c) and answers.  Threads share only the node table.  The end
 * of channel 0 means that the sandbox is gone: the process exits.
 *
 * Trust: the sandbox is hostile.  Descriptors that it sends are dropped by
 * the host's kernel, since no room for them is offered; a request of a wrong
 * size is answered with -EPROTO. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <malloc.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host/gofer/ops.h"
#include "host/gofer/place.h"
#include "host/isolate/isolate.h"

HOST_CALLS(gofer, recvfrom, sendmsg, exit_group, exit, futex, rt_sigprocmask, mprotect,
	   madvise, set_robust_list, rseq);

#define THREAD_STACK (128u << 10)

static int decode(struct gofer_call *c, const uint8_t *buf, size_t n)
{
	size_t n1, n2;

	if (n < sizeof(c->req))
		return -EPROTO;
	memcpy(&c->req, buf, sizeof(c->req));
	n1 = c->req.name_size;
	n2 = c->req.name2_size;
	if (n1 > HC_NAME_MAX || n2 > HC_LINK_MAX || n != sizeof(c->req) + n1 + n2)
		return -EPROTO;
	memcpy(c->name, buf + sizeof(c->req), n1);
	c->name[n1] = 0;
	memcpy(c->name2, buf + sizeof(c->req) + n1, n2);
	c->name2[n2] = 0;
	return 0;
}

static int answer(int channel, struct gofer_call *c)
{
	union { char buf[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control = { 0 };
	struct iovec iov[2] = {
		{ .iov_base = &c->rep, .iov_len = sizeof(c->rep) },
		{ .iov_base = c->data, .iov_len = c->data_size },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = c->data_size ? 2 : 1 };
	struct cmsghdr *cm;

	if (c->rep.err)
		iov[1].iov_len = c->data_size = 0;
	c->rep.seq = c->req.seq;
	c->rep.data_size = (uint32_t)c->data_size;
	if (c->fd >= 0 && !c->rep.err) {
		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof(control.buf);
		cm = CMSG_FIRSTHDR(&msg);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cm), &c->fd, sizeof(int));
		c->rep.has_fd = 1;
	}
	return sendmsg(channel, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void serve(int channel)
{
	static const size_t req_max = sizeof(struct gofer_req) + GOFER_NAMES_MAX;
	uint8_t *buf = malloc(req_max + 1);
	uint8_t *data = malloc(GOFER_DATA_MAX);
	struct gofer_call *c = calloc(1, sizeof(*c));
	struct place place = { 0 };
	ssize_t n;

	while (buf && data && c) {
		/* One byte more than the largest, so that a longer one shows. */
		n = recv(channel, buf, req_max + 1, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		memset(&c->rep, 0, sizeof(c->rep));
		c->fd = -1;
		c->data = data;
		c->data_size = 0;
		c->rep.err = decode(c, buf, (size_t)n);
		if (!c->rep.err)
			ops_run(c);
		if (c->rep.err > 0 || c->rep.err < -4095)
			c->rep.err = -EIO;
		n = answer(channel, c);
		if (c->fd >= 0)
			close(c->fd);
		if (n)
			break;
		place_near(&place, c->req.cpu);
	}
	free(buf);
	free(data);
	free(c);
}

static void *channel_thread(void *arg)
{
	serve((int)(intptr_t)arg);
	return NULL;
}

static int start_threads(const struct gofer_config *cfg)
{
	pthread_attr_t attr;
	pthread_t t;
	size_t i;
	int err;

	if (pthread_attr_init(&attr) || pthread_attr_setstacksize(&attr, THREAD_STACK) ||
	    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED))
		return -ENOMEM;
	for (i = 1; i < cfg->channel_count; i++) {
		err = pthread_create(&t, &attr, channel_thread, (void *)(intptr_t)cfg->channel[i]);
		if (err)
			return -err;
	}
	pthread_attr_destroy(&attr);
	return 0;
}

int gofer_main(const struct gofer_config *cfg)
{
	int err, procfd;

	umask(0);
	signal(SIGPIPE, SIG_IGN);
	/* One heap of libc's: to make another when threads contend, and to give it
	 * back, libc opens files. */
	mallopt(M_ARENA_MAX, 1);
	procfd = ops_prepare();
	if (procfd < 0)
		return 1;
	err = nodes_init(cfg);
	place_init();
	if (!err && cfg->isolate)
		err = isolate_gofer_early(cfg);
	isolate_reserve_fds();
	if (!err)
		err = ops_enter(procfd);
	if (!err)
		err = start_threads(cfg);
	if (!err && cfg->isolate)
		err = isolate_gofer();
	if (err)
		return 1;
	serve(cfg->channel[0]);
	return 0;
}
