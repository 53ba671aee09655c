/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors of many, empty and bad pieces going into files, pipes and sockets. */
/* variants: static */
#include "abi.h"

#define PIECES 40

static char text[4096], back[8192];

/* Pieces of 0, 7, 14 ... bytes out of order; their sum. */
static size_t pieces(struct iovec *v, unsigned n)
{
	size_t sum = 0;

	for (unsigned i = 0; i < n; i++) {
		v[i].iov_len = i % 5 * 7;
		v[i].iov_base = text + (n - i) * 64;
		sum += v[i].iov_len;
	}
	return sum;
}

static int same(const struct iovec *v, unsigned n, const char *p)
{
	for (unsigned i = 0; i < n; p += v[i++].iov_len)
		if (memcmp(p, v[i].iov_base, v[i].iov_len))
			return 0;
	return 1;
}

static void through(const char *what, int to, int from, unsigned n)
{
	struct iovec v[PIECES];
	size_t sum = pieces(v, n), got = 0;
	ssize_t r, w = writev(to, v, (int)n);

	memset(back, 0, sizeof back);
	while (got < sum && (r = read(from, back + got, sizeof back - got)) > 0)
		got += (size_t)r;
	SAY("%s, %u pieces: wrote %zd, read %zu, same %d\n", what, n, w, got, same(v, n, back));
}

/* The third piece ends in memory that is not there. */
static void bad(const char *what, int to, int from)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec v[4] = { { text, 10 }, { text + 10, 10 }, { page + 4000, 200 }, { text, 5 } };

	munmap(page + 4096, 4096);
	V(writev(to, v, 4));
	while (recv(from, back, sizeof back, MSG_DONTWAIT) > 0)
		;
	v[2] = (struct iovec){ page + 4096, 1 };
	SAY("%s:\n", what);
	V(writev(to, v, 4));
	munmap(page, 4096);
}

static void message(int to, int from)
{
	struct iovec v[PIECES];
	struct msghdr m = { .msg_iov = v, .msg_iovlen = PIECES };
	size_t sum = pieces(v, PIECES);
	ssize_t n = sendmsg(to, &m, 0);

	SAY("message: all sent %d\n", n == (ssize_t)sum);
	memset(back, 0, sizeof back);
	n = recv(from, back, sizeof back, 0);
	SAY("message: all there %d, same %d\n", n == (ssize_t)sum, same(v, PIECES, back));
}

/* What a call reads is what the call before it wrote. */
static void just_read(int to, int from)
{
	char a[16] = "", b[16] = "";
	struct iovec v[2] = { { a, 4 }, { b, 4 } };

	V(write(to, "abcd", 4));
	V(read(from, a, 4));
	V(write(to, "efgh", 4));
	V(read(from, b, 4));
	V(writev(to, v, 2));
	V(read(from, back, 8));
	SAY("%.8s\n", back);
}

int main(void)
{
	int p[2], s[2], d[2], f;

	enter_tmp();
	for (unsigned i = 0; i < sizeof text; i++)
		text[i] = (char)(i * 31 + i / 256);
	pipe(p);
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, d);
	f = open("f", O_RDWR | O_CREAT, 0600);
	for (unsigned n = 1; n <= PIECES; n += n < 4 ? 1 : 12) {
		through("pipe", p[1], p[0], n);
		through("stream", s[0], s[1], n);
		through("file", f, open("f", O_RDONLY), n);
		ftruncate(f, 0);
		lseek(f, 0, SEEK_SET);
	}
	message(s[0], s[1]);
	message(d[0], d[1]);
	bad("stream", s[0], s[1]);
	bad("datagram", d[0], d[1]);
	just_read(s[0], s[1]);
	return 0;
}
