#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# 2,000 connections at once, TCP and Unix: one server with epoll, one client;
# each carries messages, all idle ones stay, all end.
. "$(dirname "$0")/lib.sh"
cat >t.c <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define N 2000
#define MUST(x) ({ long r_ = (x); if (r_ < 0) { perror(#x); exit(1); } r_; })

static void serve(int listener)
{
	struct epoll_event ev[64], one = { .events = EPOLLIN, .data.fd = listener };
	int ep = MUST(epoll_create1(0)), open = 0, accepted = 0, peak = 0;
	char buf[4096];

	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, listener, &one));
	while (accepted < N || open) {
		int n = MUST(epoll_wait(ep, ev, 64, 20000));
		if (!n)
			exit(3);
		for (int i = 0; i < n; i++) {
			int fd = ev[i].data.fd;
			if (fd == listener) {
				one.data.fd = MUST(accept4(listener, NULL, NULL, SOCK_NONBLOCK));
				one.events = EPOLLIN;
				MUST(epoll_ctl(ep, EPOLL_CTL_ADD, one.data.fd, &one));
				accepted++;
				if (++open > peak)
					peak = open;
				continue;
			}
			ssize_t got = read(fd, buf, sizeof buf);
			if (got <= 0) {
				close(fd);
				open--;
			} else if (write(fd, buf, got) != got) {
				exit(4);
			}
		}
	}
	printf("server: %d accepted, %d at once\n", accepted, peak);
	exit(0);
}

static int fds[N];

static void run(struct sockaddr *a, socklen_t len)
{
	int l = MUST(socket(a->sa_family, SOCK_STREAM, 0)), st, bad = 0;
	struct pollfd p[N];
	pid_t kid;
	char buf[64], want[64];

	MUST(bind(l, a, len));
	MUST(listen(l, 256));
	MUST(getsockname(l, a, &len));
	fflush(stdout);
	kid = MUST(fork());
	if (!kid)
		serve(l);
	close(l);
	for (int i = 0; i < N; i++) {
		fds[i] = MUST(socket(a->sa_family, SOCK_STREAM, 0));
		MUST(connect(fds[i], a, len));
	}
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < N; i++) {
			int n = sprintf(buf, "connection %d round %d", i, round);
			if (write(fds[i], buf, n) != n)
				bad++;
		}
		for (int i = 0; i < N; i++) {
			int n = sprintf(want, "connection %d round %d", i, round);
			if (recv(fds[i], buf, n, MSG_WAITALL) != n || memcmp(buf, want, n))
				bad++;
		}
	}
	for (int i = 0; i < N; i++)
		p[i] = (struct pollfd){ fds[i], POLLIN | POLLOUT, 0 };
	printf("client: %d wrong, %d writable\n", bad, poll(p, N, 0));
	for (int i = 0; i < N; i++)
		close(fds[i]);
	MUST(waitpid(kid, &st, 0));
	printf("status %d\n", st);
}

int main(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "sock" };
	struct rlimit r;

	MUST(getrlimit(RLIMIT_NOFILE, &r));
	r.rlim_cur = r.rlim_max;
	MUST(setrlimit(RLIMIT_NOFILE, &r));
	run((struct sockaddr *)&in, sizeof in);
	run((struct sockaddr *)&un, sizeof un);
	unlink("sock");
	return 0;
}
C
gcc -O1 -o t t.c
half="server: 2000 accepted, 2000 at once
client: 0 wrong, 2000 writable
status 0"
expect "many connections" "$half
$half" "$(box timeout 60 ./t 2>err.txt)"
