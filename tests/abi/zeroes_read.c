/* SPDX-License-Identifier: Apache-2.0 */
/* Zeroes that a call hands out (/dev/zero, holes of a file) are there when it
 * returns, for whoever looks then; what cannot be written ends them. */
#include "abi.h"

#define AREA (300 * 1024)

static char *area;              /* read-only at its end, a hole behind */
static int zero, file, fd[2];

/* Changed bytes of the first n, and whether any beside them are. */
static void look(const char *what, size_t at, size_t n)
{
	size_t in = 0, out = 0;

	for (size_t i = 0; i < AREA; i++) {
		if (i >= at && i < at + n)
			in += area[i] != 0;
		else
			out += area[i] != 'x';
	}
	SAY("%s: %zu not zero, %zu of others\n", what, in, out);
}

static void sizes(void)
{
	static const size_t size[] = { 0, 1, 7, 24, 25, 255, 256, 512, 4096, 5000, 65536, 65537, 200000 };

	for (unsigned i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		memset(area, 'x', AREA);
		V(read(zero, area + i * 13, size[i]));
		look("zero", i * 13, size[i]);
		memset(area, 'x', AREA);
		V(pread(file, area + i * 5, size[i], 4096 * 3 + 1));
		look("hole", i * 5, size[i]);
	}
}

static void pieces(void)
{
	struct iovec v[10];

	for (unsigned i = 0; i < 10; i++)
		v[i] = (struct iovec){ area + i * 3000, i * 300 };
	memset(area, 'x', AREA);
	V(readv(zero, v, 10));
	look("ten pieces", 9 * 3000, 2700);
	for (unsigned i = 0; i < 10; i++)
		SAY("%d ", area[i * 3000] + (area[i * 3000 + 299 + i] << 8));
	SAY("\n");
	/* One over the other, and data among holes. */
	V(pwrite(file, "data", 4, 5000));
	memset(area, 'x', AREA);
	V(pread(file, area, 10000, 0));
	SAY("%.4s %d %d %d\n", area + 5000, area[4999], area[5004], area[10000]);
	V(pwrite(file, "\0\0\0", 4, 5000));
}

static void no_place(void)
{
	char *end = area + AREA;

	memset(area, 'x', AREA);
	V(read(zero, end, 100));
	V(read(zero, end - 100, 4096));
	look("to read-only memory", AREA - 100, 100);
	memset(area, 'x', AREA);
	V(read(zero, end - 70000, 100000));
	look("much", AREA - 70000, 70000);
	V(read(zero, end + 4096, 1));
	V(read(zero, (void *)-4096l, 1));
	V(read(zero, NULL, 512));
	V(pread(file, end, 100, 4096));
	V(pread(file, NULL, 100, 4096));
}

/* The next call, another process, another thread's memory. */
static void seen(void)
{
	char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), buf[512];
	int status;

	memset(area, 'x', 4096);
	V(read(zero, area + 8, 512));
	V(write(fd[1], area, 528));
	V(read(fd[0], buf, 512));
	SAY("%.8s %d %d\n", buf, buf[8], buf[511]);
	V(read(fd[0], buf, 16));
	SAY("%d %.8s\n", buf[7], buf + 8);
	memset(shared, 'x', 4096);
	if (fork() == 0)
		_exit(read(zero, shared + 4, 600) != 600);
	wait(&status);
	SAY("child %d: %.4s %d %d %c\n", WEXITSTATUS(status), shared, shared[4], shared[603], shared[604]);
	/* Memory that was never touched, or was given back. */
	V(madvise(area, 65536, MADV_DONTNEED));
	V(read(zero, area, 65536));
	SAY("%d %d\n", area[0], area[65535]);
	/* Another's copy of the page stays as it was. */
	memset(area, 'y', 4096);
	if (fork() == 0) {
		V(read(zero, area, 4096));
		_exit(area[4095]);
	}
	wait(&status);
	SAY("child %d, parent %c\n", WEXITSTATUS(status), area[0]);
	munmap(shared, 4096);
}

int main(void)
{
	char name[] = "/tmp/zeroesXXXXXX";

	area = mmap(NULL, AREA + 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(area + AREA, 4096, PROT_READ);
	munmap(area + AREA + 4096, 4096);
	zero = open("/dev/zero", O_RDONLY);
	file = mkstemp(name);
	unlink(name);
	V(ftruncate(file, 1 << 20));
	V(pipe(fd));
	sizes();
	pieces();
	no_place();
	seen();
	return 0;
}
