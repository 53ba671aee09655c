/* SPDX-License-Identifier: Apache-2.0 */
/* A file's bytes in whatever way they are kept, against an array: random writes,
 * truncations, holes and mappings at sizes up to past what stays in the kernel's
 * memory; where data and holes are, the space in use; buffers that end in
 * memory that is not there. */
#define _GNU_SOURCE
#include "abi.h"

#define MAX_SIZE (3u << 20)
static uint8_t model[MAX_SIZE], buf[MAX_SIZE];
static uint64_t seed = 1;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % n;
}

/* Positions near the borders of pages and larger units are likelier. */
static uint32_t place(uint32_t max)
{
	uint32_t at = rnd(max + 1);

	switch (rnd(4)) {
	case 0: return at & ~4095u;
	case 1: return at & ~65535u;
	case 2: at = (at & ~65535u) + rnd(5) - 2; return at > max ? 0 : at;
	default: return at;
	}
}

static void extents(int f, off_t size)
{
	struct stat st;
	off_t at = 0;
	unsigned n = 0;
	uint64_t h = 0;

	while (at < size && n < 2000) {
		off_t data = lseek(f, at, SEEK_DATA), hole;

		if (data < 0)
			break;
		hole = lseek(f, data, SEEK_HOLE);
		h = (h ^ (uint64_t)data) * 0x100000001b3ull;
		h = (h ^ (uint64_t)hole) * 0x100000001b3ull;
		at = hole;
		n++;
	}
	fstat(f, &st);
	SAY("size %ld blocks %ld extents %u %016llx\n", (long)st.st_size, (long)st.st_blocks, n, (unsigned long long)h);
}

static bool same(int f, uint32_t size, bool mapped)
{
	struct stat st;
	bool ok = !fstat(f, &st) && st.st_size == size;

	if (!size)
		return ok;
	if (mapped) {
		void *p = mmap(NULL, size, PROT_READ, MAP_SHARED, f, 0);

		ok = ok && p != MAP_FAILED && !memcmp(p, model, size);
		munmap(p, size);
		return ok;
	}
	memset(buf, 0xee, size);
	return ok && pread(f, buf, size, 0) == (ssize_t)size && !memcmp(buf, model, size);
}

static uint32_t step(int f, uint32_t size)
{
	uint32_t at = place(MAX_SIZE - 1), n = rnd(8) ? 1 + rnd(20000) : 1 + rnd(300000), keep;

	n = n > MAX_SIZE - at ? MAX_SIZE - at : n;
	switch (rnd(8)) {
	case 0: case 1: case 2: case 3:
		at = rnd(2) && size < MAX_SIZE - n ? size : at;
		for (uint32_t i = 0; i < n; i++)
			buf[i] = (uint8_t)(i * 7 + at + seed);
		if (pwrite(f, buf, n, at) != (ssize_t)n)
			return UINT32_MAX;
		memcpy(model + at, buf, n);
		return at + n > size ? at + n : size;
	case 4:
		keep = rnd(3) ? place(MAX_SIZE) : rnd(6) * 4096;
		if (ftruncate(f, keep))
			return UINT32_MAX;
		if (keep < size)
			memset(model + keep, 0, size - keep);
		return keep;
	case 5:
		if (fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, n))
			return UINT32_MAX;
		memset(model + at, 0, n);
		return size;
	case 6:
		n = rnd(100000);
		memset(buf, 0xaa, n);
		keep = at < size ? (n < size - at ? n : size - at) : 0;
		return pread(f, buf, n, at) == (ssize_t)keep && !memcmp(buf, model + at, keep) ? size : UINT32_MAX;
	default:
		return same(f, size, false) ? size : UINT32_MAX;
	}
}

static void play(unsigned steps, unsigned map_from)
{
	int f = memfd_create("play", 0);
	uint32_t size = 0;

	memset(model, 0, sizeof(model));
	for (unsigned k = 0; k < steps && size != UINT32_MAX; k++) {
		size = step(f, size);
		if (size != UINT32_MAX && k % 10 == 9) {
			if (!same(f, size, k >= map_from))
				size = UINT32_MAX;
			else
				extents(f, size);
		}
	}
	SAY("end %u\n", size);
	close(f);
}

/* Files of a few pages. */
static void little(int f, off_t at, size_t n, off_t cut, off_t punch)
{
	ftruncate(f, 0);
	V(pwrite(f, buf, n, at)); extents(f, at + (off_t)n);
	V(ftruncate(f, cut)); extents(f, cut);
	V(fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, punch, 8192)); extents(f, cut);
	V(lseek(f, 0, SEEK_DATA)); V(lseek(f, 0, SEEK_HOLE));
}

/* The last page of the buffer is not there. */
static void faults(size_t have, size_t n, off_t at, bool fill)
{
	int f = memfd_create("faults", 0);
	char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct stat st;

	memset(p, 'x', 1 << 20);
	memset(buf, 'o', 300000);
	if (fill)
		pwrite(f, buf, 200000, 0);
	munmap(p + have, (1 << 20) - have);
	V(pwrite(f, p, n, at));
	fstat(f, &st); V(st.st_size);
	ftruncate(f, 300000);
	memset(buf, 0, 300000); V(pread(f, buf, 300000, 0));
	size_t x = 0, o = 0; for (size_t i = 0; i < 300000; i++) { x += buf[i] == 'x'; o += buf[i] == 'o'; }
	V(x); V(o);
	V(pread(f, p, n, 0));
	close(f); munmap(p, have);
}

int main(void)
{
	int f = memfd_create("little", 0);

	little(f, 40960, 4096, 50000, 0); little(f, 0, 9000, 9000, 0); little(f, 0, 9000, 100, 0);
	little(f, 5000, 100, 20000, 1); little(f, 4096, 1, 4096, 0); little(f, 0, 30000, 30000, 6000);
	for (unsigned k = 0; k < 6; k++) {
		V(ftruncate(f, k * 3000)); extents(f, k * 3000);
		V(pwrite(f, "x", 1, k * 5000)); extents(f, k * 5000 + 1);
	}
	close(f);
	for (unsigned k = 0; k < 6; k++) {
		seed = k + 1;
		play(200, k % 2 ? 120 : 1000);
	}
	faults(131072, 200000, 0, false); faults(131072, 200000, 0, true);
	faults(65536, 131072, 65536, false); faults(4096, 70000, 150000, true);
	faults(4096, 100000, 196608, false);
	/* past what the kernel keeps itself */
	f = memfd_create("large", 0);
	V(pwrite(f, "abc", 3, 100000)); V(pwrite(f, "def", 3, (64l << 20) - 1)); V(pwrite(f, "ghi", 3, 5l << 30));
	extents(f, (5l << 30) + 3);
	char c[3]; V(pread(f, c, 3, 100000)); V(memcmp(c, "abc", 3)); V(pread(f, c, 3, (64l << 20) - 1)); V(memcmp(c, "def", 3));
	V(ftruncate(f, 200000)); V(pread(f, c, 3, 100000)); V(memcmp(c, "abc", 3)); extents(f, 200000);
	V(lseek(f, 200000, SEEK_DATA)); V(lseek(f, 199999, SEEK_HOLE)); V(lseek(f, -1, SEEK_HOLE));
	return 0;
}
