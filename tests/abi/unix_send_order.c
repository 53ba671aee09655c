/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with the sender of a Unix datagram is told before what is wrong with its
 * receiver. */
#include "unix.h"

static int addressed(int s, const char *to, const void *b, size_t n)
{
	struct sockaddr_un a = { AF_UNIX, "" };

	strcpy(a.sun_path, to);
	return (int)sendto(s, b, n, 0, (void *)&a, sizeof a);
}

int main(void)
{
	static char big[1 << 20];
	int s, p[2], small = 1;

	enter_tmp();
	signal(SIGPIPE, SIG_IGN);
	s = usock(SOCK_DGRAM);
	SAY("-- shut down\n");
	V(send(s, "x", 1, 0));
	V(addressed(s, "nowhere", "x", 1));
	V(shutdown(s, SHUT_WR));
	V(send(s, "x", 1, 0));
	V(send(s, (void *)8, 1, 0));
	V(addressed(s, "nowhere", "x", 1));
	V(send(s, big, sizeof big, 0));
	V(send(s, "x", 1, MSG_OOB));
	close(s);

	SAY("-- the peer is gone\n");
	socketpair(AF_UNIX, SOCK_DGRAM, 0, p);
	close(p[1]);
	V(send(p[0], "x", 1, 0));
	V(send(p[0], "x", 1, 0));
	V(addressed(p[0], "nowhere", "x", 1));
	V(shutdown(p[0], SHUT_WR));
	V(send(p[0], "x", 1, 0));
	close(p[0]);

	SAY("-- a small buffer\n");
	s = usock(SOCK_DGRAM);
	V(setsockopt(s, SOL_SOCKET, SO_SNDBUF, &small, sizeof small));
	V(send(s, big, sizeof big, 0));
	V(addressed(s, "nowhere", big, sizeof big));
	V(send(s, (void *)8, 1, 0));
	close(s);
	return 0;
}
