/* SPDX-License-Identifier: Apache-2.0 */
/* mmap, munmap, mprotect, mremap: contents and errors. */
/* variants: static */
#include "abi.h"
int main(void)
{
	char *m = mmap(0, 5 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); for (int i = 0; i < 5; i++) m[i * 4096] = 'a' + i;
	V(munmap(m + 4096, 4096)); V(munmap(m + 4096, 4096)); V(msync(m, 5 * 4096, MS_SYNC)); V(mprotect(m, 3 * 4096, PROT_READ)); V(mprotect(m + 2 * 4096, 4096, PROT_READ)); V(mprotect(m + 1, 4096, PROT_READ)); V(mprotect(m + 8192, 4096, 0x1000));
	SAY("%c %c %c\n", m[0], m[2 * 4096], m[4 * 4096]);
	V(munmap(m + 1, 4096)); V(munmap(m, 0)); V(mmap(0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)); V(mmap(0, 4096, PROT_READ, MAP_ANONYMOUS, -1, 0)); V(mmap(0, 4096, PROT_READ, MAP_PRIVATE, -1, 0)); V(mmap((void *)123, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)); V(mmap(0, 1ul << 62, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	char *f = mmap(m + 4096, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0); SAY("fixed %d zero %d\n", f == m + 4096, f[0]); V(mmap(m, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
	char *g = mmap(0, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); g[0] = 'x'; g[4096] = 'y'; char *h = mremap(g, 8192, 16 * 4096, MREMAP_MAYMOVE); SAY("%c%c %d\n", h[0], h[4096], h[15 * 4096]); h = mremap(h, 16 * 4096, 4096, 0); SAY("%c\n", h[0]); V(mremap(h, 4096, 4096, 99)); V(mremap(h + 1, 4096, 8192, MREMAP_MAYMOVE)); V(mremap((void *)(1ul << 40), 4096, 8192, MREMAP_MAYMOVE));
	char *dst = mmap(0, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); char *k = mremap(h, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, dst + 4096); SAY("%d %c\n", k == dst + 4096, k[0]);
	char *s = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), *pv = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); strcpy(s, "before"); strcpy(pv, "before"); pid_t p = fork(); if (!p) { strcpy(s, "child"); strcpy(pv, "child"); _exit(0); } wait_say("child", p); SAY("%s %s\n", s, pv);
	enter_tmp(); int fd = open("f", O_RDWR | O_CREAT, 0600); write(fd, "hello file", 10); char *q = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *r = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0); SAY("%s %s %d\n", q, r, q[100]); q[0] = 'J'; r[1] = 'E'; SAY("%s %s\n", q, r); char b[20] = ""; pread(fd, b, 10, 0); SAY("%s\n", b); pwrite(fd, "XY", 2, 8); SAY("%s\n", q); V(msync(q, 4096, MS_SYNC)); V(munmap(q, 4096)); V(close(fd)); SAY("%s\n", r);
	fd = open("f", O_RDONLY); V(mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)); OK(mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0)); V(mmap(0, 4096, PROT_READ, MAP_PRIVATE, fd, 1)); int wo = open("f", O_WRONLY); V(mmap(0, 4096, PROT_READ, MAP_PRIVATE, wo, 0)); int dir = open(".", O_RDONLY); V(mmap(0, 4096, PROT_READ, MAP_PRIVATE, dir, 0));
	char *d = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); d[0] = 1; V(madvise(d, 8192, MADV_DONTNEED)); SAY("%d\n", d[0]); V(madvise(d, 8192, 9999)); V(madvise(d + 1, 1, MADV_NORMAL)); unsigned char vec[2]; d[0] = 1; V(mincore(d, 8192, vec)); SAY("%d\n", vec[0] & 1); V(mincore((void *)(1ul << 41), 4096, vec)); V(mlock(d, 8192)); V(munlock(d, 8192));
	char *b0 = sbrk(0), *b1 = sbrk(100000); SAY("%d\n", b0 == b1); b1[99999] = 1; SAY("%d\n", (char *)sbrk(0) - b0 == 100000); brk(b0);
	int mf = memfd_create("m", MFD_CLOEXEC | MFD_ALLOW_SEALING); ftruncate(mf, 8192); char *mm = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, mf, 0); mm[5] = 'q'; pread(mf, b, 1, 5); SAY("%c\n", b[0]); V(fcntl(mf, F_GET_SEALS)); V(fcntl(mf, F_ADD_SEALS, F_SEAL_SHRINK)); V(ftruncate(mf, 0)); V(fcntl(mf, F_ADD_SEALS, F_SEAL_WRITE)); V(memfd_create("m", 0x8000));
	return 0;
}
