/* SPDX-License-Identifier: Apache-2.0 */
/* socket.c: round trips, bandwidth and connections over Unix stream sockets and
 * TCP on the loopback, between two processes. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "micro.h"

#define CHUNK 65536

static int sock;
static pid_t partner;
static char chunk[CHUNK];

static void serve(int fd, bool drain)
{
	ssize_t r;

	if (drain) {
		while (read(fd, chunk, CHUNK) > 0)
			;
		_exit(0);
	}
	while ((r = read(fd, chunk, 64)) > 0)
		if (write(fd, chunk, (size_t)r) != r)
			break;
	_exit(0);
}

static const char *setup_unix(bool drain)
{
	int fd[2];

	bench_check(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), "socketpair");
	partner = fork();
	bench_check(partner, "fork");
	if (partner == 0) {
		close(fd[0]);
		serve(fd[1], drain);
	}
	close(fd[1]);
	sock = fd[0];
	return NULL;
}

static const char *setup_tcp(bool drain)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	static char why[128];

	if (listener < 0 && (errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT)) {
		snprintf(why, sizeof(why), "no AF_INET: %s", strerror(errno));
		return why;
	}
	bench_check(listener, "socket");
	if (bind(listener, (struct sockaddr *)&at, len) < 0 || listen(listener, 1) < 0) {
		snprintf(why, sizeof(why), "no loopback: %s", strerror(errno));
		close(listener);
		return why;
	}
	bench_check(getsockname(listener, (struct sockaddr *)&at, &len), "getsockname");
	partner = fork();
	bench_check(partner, "fork");
	if (partner == 0) {
		int fd = accept(listener, NULL, NULL);

		bench_check(fd, "accept");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		serve(fd, drain);
	}
	close(listener);
	sock = socket(AF_INET, SOCK_STREAM, 0);
	bench_check(sock, "socket");
	bench_check(connect(sock, (struct sockaddr *)&at, sizeof(at)), "connect");
	setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return NULL;
}

static const char *setup_unix_echo(void) { return setup_unix(false); }
static const char *setup_unix_drain(void) { return setup_unix(true); }
static const char *setup_tcp_echo(void) { return setup_tcp(false); }
static const char *setup_tcp_drain(void) { return setup_tcp(true); }

static uint64_t run_echo(unsigned n)
{
	char c = 'x';

	while (n--)
		if (write(sock, &c, 1) != 1 || read(sock, &c, 1) != 1)
			bench_die("socket round trip");
	return 0;
}

static uint64_t run_write64k(unsigned n)
{
	while (n--)
		for (size_t done = 0; done < CHUNK;) {
			ssize_t r = write(sock, chunk + done, CHUNK - done);

			bench_check(r, "write to socket");
			done += (size_t)r;
		}
	return 0;
}

static void end_socket(void)
{
	close(sock);
	bench_reap(partner);
}

/* ---- a connection: connect, one byte there, end of file back, close ---- */

static struct sockaddr_storage address;
static socklen_t address_size;

static const char *setup_connect(int family)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };      /* autobind: an abstract name */
	int listener = socket(family, SOCK_STREAM, 0), fd;
	char c;

	address_size = sizeof(address);
	if (listener < 0 || (family == AF_INET ? bind(listener, (void *)&in, sizeof(in))
				: bind(listener, (void *)&un, sizeof(un.sun_family))) < 0 ||
	    listen(listener, 64) < 0 || getsockname(listener, (void *)&address, &address_size) < 0) {
		close(listener);
		return "no such sockets here";
	}
	partner = fork();
	bench_check(partner, "fork");
	if (partner == 0) {
		do {
			fd = accept(listener, NULL, NULL);
			bench_check(fd, "accept");
			if (read(fd, &c, 1) != 1)
				c = 'q';
			close(fd);
		} while (c != 'q');
		_exit(0);
	}
	close(listener);
	return NULL;
}

static const char *setup_connect_unix(void) { return setup_connect(AF_UNIX); }
static const char *setup_connect_tcp(void) { return setup_connect(AF_INET); }

static void connect_once(char c)
{
	int fd = socket(address.ss_family, SOCK_STREAM, 0);

	bench_check(fd, "socket");
	bench_check(connect(fd, (void *)&address, address_size), "connect");
	if (write(fd, &c, 1) != 1 || read(fd, &c, 1) != 0)
		bench_die("conversation");
	close(fd);
}

static uint64_t run_connect(unsigned n)
{
	while (n--)
		connect_once('x');
	return 0;
}

static void end_connect(void)
{
	connect_once('q');
	bench_reap(partner);
}

const struct bench bench_socket[] = {
	{ "unix-roundtrip", setup_unix_echo, run_echo, end_socket, 0 },
	{ "unix-64K-write", setup_unix_drain, run_write64k, end_socket, 0 },
	{ "tcp-roundtrip", setup_tcp_echo, run_echo, end_socket, 0 },
	{ "tcp-64K-write", setup_tcp_drain, run_write64k, end_socket, 0 },
	{ "unix-connect", setup_connect_unix, run_connect, end_connect, 0 },
	{ "tcp-connect", setup_connect_tcp, run_connect, end_connect, 2000 },
	{ NULL, NULL, NULL, NULL, 0 },
};
