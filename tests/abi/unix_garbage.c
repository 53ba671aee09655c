/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets that hold each other in their queues are collected; live ones stay. */
#include "abi.h"

static int send_fds(int to, const int *fd, int n)
{
	char cb[CMSG_SPACE(16 * sizeof(int))] = { 0 };
	struct iovec io = { "x", 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = cb, .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fd, n * sizeof(int));
	return sendmsg(to, &m, 0);
}

/* The limit of descriptors in flight counts garbage too, and Linux collects in
 * its own time. */
static int send_fds_soon(int to, const int *fd, int n)
{
	int r = send_fds(to, fd, n);

	for (int i = 0; i < 2000 && r < 0 && errno == ETOOMANYREFS; i++) {
		usleep(1000);
		r = send_fds(to, fd, n);
	}
	return r;
}

static int recv_fds(int from, int *fd, int n)
{
	char cb[CMSG_SPACE(16 * sizeof(int))] = { 0 }, b;
	struct iovec io = { &b, 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = cb, .msg_controllen = sizeof cb };
	struct cmsghdr *c;

	if (recvmsg(from, &m, 0) != 1 || !(c = CMSG_FIRSTHDR(&m)))
		return -1;
	memcpy(fd, CMSG_DATA(c), n * sizeof(int));
	return (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
}

int main(void)
{
	int keep[2], inner[2], got[2], failed = 0;

	/* A live chain: inner waits in keep's queue, with itself inside. */
	socketpair(AF_UNIX, SOCK_DGRAM, 0, keep);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, inner);
	V(send_fds(inner[0], inner, 2));
	V(send_fds(keep[0], inner, 2));
	close(inner[0]);
	close(inner[1]);
	for (int i = 0; i < 12000; i++) {
		int a[2], b[2], all[4];

		socketpair(AF_UNIX, i & 1 ? SOCK_STREAM : SOCK_DGRAM, 0, a);
		socketpair(AF_UNIX, SOCK_STREAM, 0, b);
		memcpy(all, a, sizeof a);
		memcpy(all + 2, b, sizeof b);
		if (send_fds_soon(a[0], all, 4) != 1 || send_fds_soon(b[1], all, 4) != 1)
			failed++;
		for (int k = 0; k < 4; k++)
			close(all[k]);
	}
	SAY("failed %d\n", failed);
	V(recv_fds(keep[1], got, 2));
	V(recv_fds(got[1], inner, 2));
	V(send(inner[0], "hello", 5, 0));
	char b[8] = "";
	V(recv(got[1], b, 8, 0));
	SAY("%s\n", b);
	return 0;
}
