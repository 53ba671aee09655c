/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers that end in a hole, on TCP: a piece is copied whole or not at all.  And what a connected UDP socket
 * that sends elsewhere is told, MSG_FASTOPEN on a connection, a negative time to linger. */
#include "abi.h"
#include "inet.h"

#define R(what, e) do { errno = 0; long r_ = (long)(e); \
	SAY("%s: %ld %s\n", what, r_, r_ < 0 ? abi_errno(errno) : ""); } while (0)

static char *hole_after(size_t n)
{
	char *p = mmap(NULL, 131072, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(p + 65536, 65536, PROT_NONE);
	return p + 65536 - n;
}

static void tcp(void)
{
	int p[2], l = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	char b[64], *few = hole_after(3);
	struct iovec v[2] = { { few, 10 }, { b, 3 } };
	struct linger lg = { 1, -1 };

	bind(l, (void *)&a, n);
	listen(l, 1);
	getsockname(l, (void *)&a, &n);
	p[0] = socket(AF_INET, SOCK_STREAM, 0);
	connect(p[0], (void *)&a, n);
	p[1] = accept(l, NULL, NULL);
	R("send", send(p[0], few, 10, 0));
	R("writev", writev(p[0], v, 2));
	R("nothing came", recv(p[1], b, sizeof b, MSG_DONTWAIT));
	send(p[0], "hello", 5, 0);
	R("recv", recv(p[1], few, 10, MSG_DONTWAIT));
	R("look", recv(p[1], few, 10, MSG_DONTWAIT | MSG_PEEK));
	R("all is still there", recv(p[1], b, sizeof b, MSG_DONTWAIT));
	R("MSG_FASTOPEN", send(p[0], "ab", 2, MSG_FASTOPEN));
	R("linger", setsockopt(p[0], SOL_SOCKET, SO_LINGER, &lg, sizeof lg));
	n = sizeof lg;
	R("linger", getsockopt(p[0], SOL_SOCKET, SO_LINGER, &lg, &n));
	SAY("%d %s\n", lg.l_onoff, lg.l_linger == -1 ? "one less than none" : "long");
	R("no lease", fcntl(p[0], F_SETLEASE, F_RDLCK));
	close(p[0]);
	close(p[1]);
	close(l);
}

static void udp(void)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0), t = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, gone = a;
	socklen_t n = sizeof a;

	bind(t, (void *)&gone, n);
	getsockname(t, (void *)&gone, &n);
	close(t);
	t = socket(AF_INET, SOCK_DGRAM, 0);
	bind(t, (void *)&a, n);
	getsockname(t, (void *)&a, &n);
	connect(s, (void *)&a, n);
	SAY("connected, and sends elsewhere\n");
	R("to nobody", sendto(s, "x", 1, 0, (void *)&gone, n));
	msleep(5);
	R("error", int_opt(s, SOL_SOCKET, SO_ERROR));
	close(t);
	R("where it is connected", send(s, "x", 1, 0));
	msleep(5);
	R("error", int_opt(s, SOL_SOCKET, SO_ERROR));
	close(s);
}

int main(void)
{
	tcp();
	udp();
	return 0;
}
