/* SPDX-License-Identifier: Apache-2.0 */
/* sendfile from files of every kind to stream sockets: all bytes in order, and
 * the position moves by what the socket took, whatever ends the call. */
#include "abi.h"
#include "inet.h"
#include <sys/sendfile.h>

#define BIG 700001

static uint8_t data[BIG], got[BIG + 100];
static size_t filled;


static void *fill(void *fd)
{
	ssize_t n;

	filled = 0;
	while (filled < sizeof got && (n = read(*(int *)fd, got + filled, sizeof got - filled)) > 0)
		filled += (size_t)n;
	return NULL;
}

static void pair(int family, int p[2])
{
	if (family == AF_UNIX)
		socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	else
		tcp_pair(p);
}

/* The whole file and a part, by position argument and by the file's own. */
static void all(const char *what, int family, int f)
{
	off_t off = 12345;
	pthread_t t;
	int p[2];

	SAY("-- %s\n", what);
	pair(family, p);
	pthread_create(&t, NULL, fill, &p[1]);
	V(write(p[0], data, 100));
	V(sendfile(p[0], f, &off, 50));
	V(sendfile(p[0], f, &off, BIG));        /* more than there is */
	V(off);
	V(sendfile(p[0], f, &off, 10));
	off = BIG + 5;
	V(sendfile(p[0], f, &off, 10));
	V(lseek(f, 0, SEEK_SET));
	V(sendfile(p[0], f, NULL, 4097));
	V(lseek(f, 0, SEEK_CUR));
	V(shutdown(p[0], SHUT_WR));
	pthread_join(t, NULL);
	V(filled);
	V(memcmp(got, data, 100));
	V(memcmp(got + 100, data + 12345, BIG - 12345));
	V(memcmp(got + 100 + BIG - 12345, data, 4097));
	close(p[0]);
	close(p[1]);
}

/* A socket that takes a part only; it goes on where it stopped. */
static void part(const char *what, int family, int f)
{
	long sum = 0, n, rounds = 0;
	off_t off = 0;
	pthread_t t;
	int p[2], v = 20000;

	SAY("-- part, %s\n", what);
	pair(family, p);
	setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &v, sizeof v);
	setsockopt(p[1], SOL_SOCKET, SO_RCVBUF, &v, sizeof v);
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	while ((n = sendfile(p[0], f, &off, BIG)) > 0)
		sum += n;
	n = errno;
	V(n == EAGAIN);
	V(sum > 0 && sum < BIG && off == sum);
	pthread_create(&t, NULL, fill, &p[1]);
	while (sum < BIG && rounds++ < 100000) {
		poll(&(struct pollfd){ .fd = p[0], .events = POLLOUT }, 1, 1000);
		n = sendfile(p[0], f, &off, BIG);
		if (n > 0)
			sum += n;
		if (off != sum)
			break;
	}
	V(sum);
	V(off);
	shutdown(p[0], SHUT_WR);
	pthread_join(t, NULL);
	V(filled);
	V(memcmp(got, data, BIG));
	close(p[1]);
	if (family == AF_INET)                  /* the reset is known at the second write */
		V(sendfile(p[0], f, (off = 0, &off), 1) == -1);
	V(sendfile(p[0], f, (off = 7, &off), 100));
	V(off);
	close(p[0]);
}

/* The file is cut while the socket is full. */
static int cut_file;

static void *cut(void *fd)
{
	msleep(100);
	ftruncate(cut_file, 1000);
	return fill(fd);
}

static void shrinks(int f)
{
	off_t off = 0;
	int p[2], v = 4096;
	pthread_t t;
	long n;

	SAY("-- cut\n");
	tcp_pair(p);
	setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &v, sizeof v);
	setsockopt(p[1], SOL_SOCKET, SO_RCVBUF, &v, sizeof v);
	cut_file = f;
	pthread_create(&t, NULL, cut, &p[1]);
	n = sendfile(p[0], f, &off, BIG);
	V(n >= 1000 && n < BIG && off == n);
	V(shutdown(p[0], SHUT_WR));
	pthread_join(t, NULL);
	V((long)filled == n);
	V(memcmp(got, data, 1000));
	close(p[0]);
	close(p[1]);
}

/* What is cut off a file or written over a hole in it does not reach a socket
 * that has it already. */
static void kept(int m)
{
	off_t off = 0;
	int p[2];

	SAY("-- kept\n");
	ftruncate(m, 0);
	V(pwrite(m, data, 300000, 0));
	tcp_pair(p);
	V(sendfile(p[0], m, &off, 200000));
	V(sendfile(p[0], m, &off, 100000));
	V(fallocate(m, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8192, 16384));
	V(pwrite(m, data + 99, 4096, 8192));
	V(ftruncate(m, 131072));
	V(pwrite(m, data + 7, 65536, 131072));
	V(ftruncate(m, 0));
	V(pwrite(m, data + 5, 100000, 0));
	V(recv(p[1], got, 1000, MSG_PEEK));
	V(memcmp(got, data, 1000));
	V(recv(p[1], got, 150001, MSG_WAITALL));
	V(memcmp(got, data, 150001));
	close(m);
	V(recv(p[1], got, 149999, MSG_WAITALL));
	V(memcmp(got, data + 150001, 149999));
	close(p[0]);
	close(p[1]);
}

static void others(void)
{
	int f, p[2];

	SAY("-- others\n");
	tcp_pair(p);
	f = open("w", O_WRONLY | O_CREAT, 0600);
	V(sendfile(p[0], f, NULL, 10));
	V(sendfile(p[0], p[1], NULL, 10));
	close(f);
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	int f, m = memfd_create("m", 0);

	enter_tmp();
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < BIG; i++)
		data[i] = (uint8_t)(i * 7 + i / 251 + i / 65537);
	f = open("f", O_RDWR | O_CREAT, 0600);
	V(write(f, data, BIG));
	V(write(m, data, BIG));
	all("file, tcp", AF_INET, f);
	all("memfd, tcp", AF_INET, m);
	all("file, unix", AF_UNIX, f);
	part("file, tcp", AF_INET, f);
	part("memfd, unix", AF_UNIX, m);
	shrinks(f);
	shrinks(m);
	kept(m);
	others();
	unlink("f");
	unlink("w");
	return 0;
}
