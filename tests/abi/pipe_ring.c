/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes come out of a pipe as they went in, whatever the sizes of writes and
 * reads, also when its size changes in the middle; and every call takes what
 * it takes on Linux. */
/* variants: static */
#include "abi.h"

static unsigned char out[200000], in[200000];
static uint64_t written, seen;
static int fd[2];
static uint32_t seed = 1, results;

static uint32_t next(uint32_t n) { seed = seed * 1103515245 + 12345; return (seed >> 8) % n; }
static void note(long r) { results = results * 31 + (uint32_t)r; }
static unsigned char byte_at(uint64_t i) { return (unsigned char)(i * 7 + i / 251); }

static void some_write(size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = byte_at(written + i);
	ssize_t r = write(fd[1], out, n);
	note(r);
	if (r > 0)
		written += (size_t)r;
	else if (errno != EAGAIN)
		SAY("write %s\n", abi_errno(errno));
}

static bool some_read(size_t n)
{
	ssize_t r = read(fd[0], in, n);

	note(r);
	if (r < 0)
		return false;
	for (ssize_t i = 0; i < r; i++)
		if (in[i] != byte_at(seen + (uint64_t)i)) {
			SAY("wrong byte\n");
			_exit(1);
		}
	seen += (uint64_t)r;
	return r > 0;
}

static uint32_t any_size(void)
{
	static const uint32_t max[] = { 10, 5000, 20000, 70000, 200000 };

	return 1 + next(max[next(5)]);
}

int main(void)
{
	int queued, spread[2];

	V(pipe2(fd, O_NONBLOCK));
	for (int i = 0; i < 6000; i++) {
		if (next(2))
			some_write(any_size());
		else
			some_read(any_size());
		if (i % 50 == 49) {
			int r = fcntl(fd[0], F_SETPIPE_SZ, 4096 << next(6));
			note(r);
			if (r < 0 && errno != EBUSY)
				SAY("resize %s\n", abi_errno(errno));
		}
	}
	while (some_read(sizeof(in)))
		;
	SAY("all read: %d\n", seen == written);
	SAY("results %x\n", results);
	/* A ring half full of a big write, then small ones round the end. */
	V(fcntl(fd[0], F_SETPIPE_SZ, 65536));
	for (int i = 0; i < 50; i++) {
		some_write(65536);
		some_read(40000);
		some_write(4096);
		some_write(3000);
		some_read(30000);
	}
	SAY("results %x\n", results);
	V(ioctl(fd[0], FIONREAD, &queued));
	SAY("queued as counted: %d\n", queued == (int)(written - seen));
	V(pipe2(spread, O_NONBLOCK));
	ssize_t t = tee(fd[0], spread[1], 50000, SPLICE_F_NONBLOCK);
	ssize_t c = read(spread[0], in, sizeof(in));
	bool same = t > 0 && c == t;
	for (ssize_t i = 0; i < c; i++)
		same &= in[i] == byte_at(seen + (uint64_t)i);
	SAY("tee: %d\n", same);
	while (some_read(sizeof(in)))
		;
	SAY("all read: %d\n", seen == written);
	/* A reader that cannot take it leaves it there. */
	some_write(40000);
	V(read(fd[0], (void *)16, 1000));
	V(write(fd[1], (void *)16, 40000));
	while (some_read(sizeof(in)))
		;
	SAY("all read: %d\n", seen == written);
	return 0;
}
