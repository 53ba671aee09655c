/* SPDX-License-Identifier: Apache-2.0 */
/* sendmmsg and recvmmsg; messages larger than buffers; sendfile, splice and tee
 * through TCP. */
#include "abi.h"
#include "inet.h"
#include <sys/sendfile.h>

static void many(void)
{
	int p[2];
	char b[8][16] = { "one", "three", "seven..", "" };
	struct iovec v[8];
	struct mmsghdr m[8] = { 0 };
	struct timespec t = { 0, 50000000 };
	long long start;

	udp_pair(p);
	for (int i = 0; i < 8; i++) {
		v[i] = (struct iovec){ b[i], strlen(b[i]) };
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &v[i], .msg_iovlen = 1 };
	}
	V(sendmmsg(p[0], m, 4, 0));
	SAY("%u %u %u %u\n", m[0].msg_len, m[1].msg_len, m[2].msg_len, m[3].msg_len);
	for (int i = 0; i < 8; i++)
		v[i].iov_len = 4;
	V(recvmmsg(p[1], m, 8, MSG_DONTWAIT, NULL));
	for (int i = 0; i < 4; i++)
		SAY("%u flags %x\n", m[i].msg_len, m[i].msg_hdr.msg_flags);
	V(recvmmsg(p[1], m, 8, MSG_DONTWAIT, NULL));
	V(sendmmsg(p[0], m, 0, 0));
	V(recvmmsg(p[1], m, 0, MSG_DONTWAIT, NULL));
	send(p[0], "a", 1, 0);
	send(p[0], "b", 1, 0);
	V(recvmmsg(p[1], m, 8, MSG_WAITFORONE, NULL));
	send(p[0], "c", 1, 0);
	V(recvmmsg(p[1], m, 1, 0, &t));
	SAY("time left: %d\n", t.tv_sec == 0 && t.tv_nsec > 0 && t.tv_nsec <= 50000000);
	start = now_ms();
	t = (struct timespec){ 0, 0 };
	send(p[0], "d", 1, 0);
	V(recvmmsg(p[1], m, 4, 0, &t));
	V(now_ms() - start < 1000);
	t.tv_nsec = 2000000000;
	V(recvmmsg(p[1], m, 4, MSG_DONTWAIT, &t));
	V(recvmmsg(p[1], NULL, 1, MSG_DONTWAIT, NULL));
	V(sendmmsg(p[0], NULL, 1, 0));
	SAY("an error in the middle\n");
	for (int i = 0; i < 3; i++)
		v[i] = (struct iovec){ b[i], 2 };
	v[1].iov_base = (void *)8;
	V(sendmmsg(p[0], m, 3, 0));
	V(sendmmsg(p[0], m + 1, 2, 0));
	V(recvmmsg(p[1], m + 1, 1, MSG_DONTWAIT, NULL));
	V(recvmmsg(-1, m, 1, 0, NULL));
	V(sendmmsg(0, m, 1, 0));
	close(p[0]);
	close(p[1]);
}

static long drain(int s, char first, size_t n)
{
	static char b[1 << 16];
	size_t got = 0;
	bool good = true;

	while (got < n) {
		ssize_t k = read(s, b, sizeof b);

		if (k <= 0)
			break;
		for (ssize_t i = 0; i < k; i++)
			good &= b[i] == (char)(first + (got + (size_t)i) / 4096);
		got += (size_t)k;
	}
	return good ? (long)got : -2;
}

static void files(void)
{
	int p[2], pp[2], f, st;
	off_t off;
	pid_t c;

	SAY("sendfile\n");
	enter_tmp();
	f = open("f", O_RDWR | O_CREAT, 0600);
	for (int i = 0; i < 100; i++) {
		char b[4096];

		memset(b, i, sizeof b);
		write(f, b, sizeof b);
	}
	tcp_pair(p);
	fflush(stdout);
	c = fork();
	if (!c) {
		close(p[0]);
		_exit(drain(p[1], 0, 409600) == 409600 ? 0 : 1);
	}
	off = 0;
	{
		size_t left = 409600;

		while (left) {
			ssize_t k = sendfile(p[0], f, &off, left);

			if (k <= 0)
				break;
			left -= (size_t)k;
		}
		SAY("left %zu offset %ld\n", left, (long)off);
	}
	wait_say("reader", c);
	V(sendfile(p[0], f, &off, 100));
	V(sendfile(f, p[0], NULL, 100));
	SAY("splice\n");
	pipe(pp);
	V(write(pp[1], "through a pipe", 14));
	V(splice(pp[0], NULL, p[0], NULL, 14, 0));
	V(splice(p[1], NULL, pp[1], NULL, 100, 0));
	{
		char b[32] = "";

		V(read(pp[0], b, sizeof b));
		SAY("%s\n", b);
	}
	V(splice(p[1], NULL, p[0], NULL, 100, 0));
	V(splice(p[0], &off, pp[1], NULL, 10, 0));
	V(tee(p[0], pp[1], 10, 0));
	close(p[0]);
	V(splice(p[1], NULL, pp[1], NULL, 100, 0));
	close(p[1]);
	SAY("sendfile to a peer that is gone\n");
	signal(SIGPIPE, SIG_IGN);
	tcp_pair(p);
	close(p[1]);
	msleep(20);
	off = 0;
	V(sendfile(p[0], f, &off, 10) >= -1);
	msleep(20);
	off = 0;
	V(sendfile(p[0], f, &off, 10));
	close(p[0]);
	SAY("non-blocking: what fits\n");
	tcp_pair(p);
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &(int){ 5000 }, sizeof(int));
	st = 0;
	for (int i = 0; i < 1000; i++) {
		off = 0;
		if (sendfile(p[0], f, &off, 409600) < 0) {
			st = errno;
			break;
		}
	}
	SAY("%s\n", abi_errno(st));
	close(p[0]);
	close(p[1]);
	unlink("f");
}

int main(void)
{
	many();
	files();
	return 0;
}
