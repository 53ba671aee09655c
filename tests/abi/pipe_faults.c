/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes and buffers that are bad from some byte on: what is read or written is
 * what whole slots of the pipe make, nothing is lost; and how many writes of
 * odd sizes a pipe takes. */
/* variants: static */
#include "abi.h"

#define AREA 131072

static const int good_sizes[] = { 0, 1, 100, 3000, 4095, 4096, 4097, 5000, 8192, 9000, 12288, 20000, 33000, 70000 };
static unsigned char data[300000], rest[300000];
static unsigned char *area, *end;       /* nothing is mapped from end on */
static int fd[2];

#define GOODS (sizeof(good_sizes) / sizeof(good_sizes[0]))

static int queued(void) { int n = -1; ioctl(fd[0], FIONREAD, &n); return n; }

static void fresh(void)
{
	close(fd[0]);
	close(fd[1]);
	if (pipe2(fd, O_NONBLOCK))
		_exit(1);
}

static const char *result(long r) { static char b[40]; sprintf(b, "%ld", r); return r < 0 ? abi_errno(errno) : b; }

static void reads(const int *writes)
{
	for (unsigned g = 0; g < GOODS; g++) {
		long total = 0, r, left;

		fresh();
		for (int i = 0; writes[i]; i++)
			total += write(fd[1], data + total, writes[i]);
		memset(area, 0xee, AREA);
		/* Some is read before, so that a slot is begun. */
		r = read(fd[0], area, writes[0] % 7);
		SAY("read of %ld, %d good: %ld, then ", total, good_sizes[g], r);
		left = r < 0 ? 0 : r;
		errno = 0;
		r = read(fd[0], end - good_sizes[g], total + 5000);
		SAY("%s, queued %d", result(r), queued());
		if (r > 0) {
			SAY(", right %d", !memcmp(end - good_sizes[g], data + left, r));
			left += r;
		}
		r = read(fd[0], rest, sizeof rest);
		SAY(", rest %d\n", left + (r > 0 ? r : 0) == total && (r <= 0 || !memcmp(rest, data + left, r)));
	}
}

static void writes(int before, int size)
{
	for (unsigned g = 0; g < GOODS; g++) {
		long r;

		fresh();
		if (before)
			write(fd[1], data, before);
		memcpy(end - good_sizes[g], data + before, good_sizes[g]);
		errno = 0;
		r = write(fd[1], end - good_sizes[g], size);
		SAY("write of %d after %d, %d good: %s, queued %d", size, before, good_sizes[g], result(r), queued());
		errno = 0;
		r = write(fd[1], end - good_sizes[g], good_sizes[g] + 50);
		SAY(", again %s, queued %d\n", result(r), queued());
	}
}

static void vectors(void)
{
	for (unsigned g = 0; g < GOODS; g++) {
		struct iovec v[2] = { { area, 3000 }, { end - good_sizes[g], 40000 } };
		long r;

		fresh();
		errno = 0;
		r = writev(fd[1], v, 2);
		SAY("writev, %d good: %s, queued %d", good_sizes[g], result(r), queued());
		fresh();
		write(fd[1], data, 43000);
		errno = 0;
		r = readv(fd[0], v, 2);
		SAY(", readv %s, queued %d\n", result(r), queued());
	}
}

/* Until there is no more room, then a little is read: who fits now? */
static void fills(int size, int taken)
{
	struct pollfd p = { fd[1], POLLOUT };
	long r, n = 0;

	fresh();
	p.fd = fd[1];
	while ((r = write(fd[1], data, size)) == size && n < 5000)
		n++;
	SAY("%d bytes: %ld times, then %s, queued %d", size, n, result(r), queued());
	r = read(fd[0], rest, taken);
	SAY(", %ld taken: room %d", r, poll(&p, 1, 0));
	r = write(fd[1], data, 4096);
	SAY(", page %s", result(r));
	r = write(fd[1], data, 1);
	SAY(", byte %s, queued %d", result(r), queued());
	r = fcntl(fd[1], F_SETPIPE_SZ, 32768);
	SAY(", half %s", result(r));
	r = fcntl(fd[1], F_SETPIPE_SZ, 131072);
	SAY(", double %s", result(r));
	r = write(fd[1], data, 100000);
	SAY(", more %s, queued %d\n", result(r), queued());
}

int main(void)
{
	static const int w[][5] = { { 10000 }, { 40000 }, { 65536 }, { 100, 5000 }, { 4096, 4096, 4096 },
				    { 3000, 3000, 3000 }, { 20000, 20001, 7, 4089 }, { 16384, 5, 30000 } };

	for (unsigned i = 0; i < sizeof data; i++)
		data[i] = (unsigned char)(i * 7 + i / 251);
	area = mmap(NULL, 2 * AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(area + AREA, AREA);
	end = area + AREA;
	fresh();
	for (unsigned i = 0; i < sizeof w / sizeof w[0]; i++)
		reads(w[i]);
	writes(0, 40000);
	writes(100, 40000);
	writes(100, 70000);
	writes(4096, 4000);
	writes(4000, 90);
	vectors();
	for (int taken = 1; taken <= 8192; taken *= 2) {
		fills(1, taken);
		fills(1000, taken);
		fills(3000, taken);
		fills(4096, taken);
		fills(5000, taken);
		fills(30001, taken);
	}
	return 0;
}
