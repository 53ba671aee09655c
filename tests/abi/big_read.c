/* SPDX-License-Identifier: Apache-2.0 */
/* Large reads of a host's file: contents, the end, and memory that cannot be
 * written, in the middle and at the start. */
/* variants: static */
#include "abi.h"

#define MB (1u << 20)

static char small[MB + MB / 2];

static bool same(const char *p, off_t off, size_t n) { return !memcmp(p, small + off, n); }

int main(void)
{
	int fd = open("/lib/x86_64-linux-gnu/libc.so.6", O_RDONLY);
	char *m = mmap(0, 4 * MB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct stat st;

	V(fstat(fd, &st));
	for (size_t at = 0; at < sizeof(small); at += 4096)
		if (pread(fd, small + at, 4096, (off_t)at) != 4096)
			SAY("short\n");
	V(pread(fd, m, MB, 0)); SAY("%d\n", same(m, 0, MB));
	V(pread(fd, m + 5, MB, 12345)); SAY("%d %d\n", same(m + 5, 12345, MB), m[MB + 5]);
	V(read(fd, m, MB)); SAY("%d\n", same(m, 0, MB));
	V(lseek(fd, 0, SEEK_CUR));
	V(pread(fd, m, 3 * MB, MB) == st.st_size - MB); SAY("%d\n", same(m, MB, MB / 2));
	V(pread(fd, m, 2 * MB, st.st_size)); V(pread(fd, m, MB, -1));
	struct iovec v[3] = { { m, 600000 }, { m + 2 * MB, 10 }, { m + MB, 600000 } };
	V(preadv(fd, v, 3, 7)); SAY("%d %d %d\n", same(m, 7, 600000), same(m + 2 * MB, 600007, 10), same(m + MB, 600017, 600000));
	/* A hole, memory that is read only, both in the middle and at the start. */
	memset(m, 1, 4 * MB);
	V(munmap(m + 700 * 1024, 4096));
	V(pread(fd, m, MB, 0)); SAY("%d %d\n", same(m, 0, 700 * 1024), m[701 * 1024 + 4096]);
	V(pread(fd, m + 700 * 1024, MB, 0)); V(pread(fd, m + 704 * 1024 - 10, MB, 0));
	V(mprotect(m + 2 * MB, 4096, PROT_READ));
	V(pread(fd, m + 2 * MB, MB, 0)); V(pread(fd, m + 2 * MB - 600 * 1024, MB, 0)); SAY("%d\n", m[2 * MB]);
	V(pread(fd, (void *)16, MB, 0)); V(pread(fd, (void *)(1ul << 62), MB, 0)); V(pread(fd, (void *)-4096ul, MB, 0));
	/* A private mapping of the file itself: its pages become ours. */
	char *f = mmap(0, MB, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	V(pread(fd, f, MB, 4096)); SAY("%d\n", same(f, 4096, MB));
	V(pread(fd, m, 4096, 0)); SAY("%d\n", same(m, 0, 4096));
	pid_t p = fork();
	if (!p) {
		memset(f, 0, MB);
		V(pread(fd, f, MB, 1)); SAY("%d\n", same(f, 1, MB));
		_exit(0);
	}
	wait_say("child", p);
	SAY("%d\n", same(f, 4096, MB));
	return 0;
}
