/* SPDX-License-Identifier: Apache-2.0 */
/* readv, writev, preadv2, pwritev2: vectors that are too long, faulty, empty; RWF_ flags. */
#include "abi.h"
#ifndef RWF_APPEND
#define RWF_APPEND 0x10
#endif
static long pr2(int f, struct iovec *v, int n, off_t o, int fl) { return syscall(SYS_preadv2, f, v, n, o, 0, fl); }
static long pw2(int f, struct iovec *v, int n, off_t o, int fl) { return syscall(SYS_pwritev2, f, v, n, o, 0, fl); }
int main(void)
{
	char b[64] = "", *bad = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec v[3] = { { "abc", 3 }, { "", 0 }, { "defg", 4 } }, w[3] = { { b, 2 }, { b + 2, 3 }, { b + 5, 10 } }, x[2], *big = calloc(2000, sizeof *big);
	struct stat st;
	int f, p[2];
	enter_tmp(); munmap(bad + 4096, 4096); pipe(p);
	f = open("f", O_RDWR | O_CREAT, 0644);
	V(writev(f, v, 3)); V(lseek(f, 0, SEEK_SET)); V(readv(f, w, 3)); V(strcmp(b, "abcdefg")); V(preadv(f, w, 3, 3)); V(memcmp(b, "defg", 4)); V(pwritev(f, v, 1, 10)); V(lseek(f, 0, SEEK_CUR)); V(lseek(f, 0, SEEK_END));
	V(readv(f, w, 0)); V(writev(f, v, 0)); V(readv(f, w, -1)); V(readv(f, w, 1025)); V(writev(f, big, 1024)); V(readv(99, w, 1)); V(readv(f, (void *)8, 1)); V(writev(f, (void *)8, 1));
	x[0] = (struct iovec){ b, SIZE_MAX / 2 }; x[1] = (struct iovec){ b, SIZE_MAX / 2 }; V(writev(f, x, 2)); x[0].iov_len = -1; V(readv(f, x, 1)); V(preadv(f, w, 1, -1)); V(preadv(p[0], w, 1, 0)); V(pwritev(p[1], v, 1, 0));
	x[0] = (struct iovec){ "ok", 2 }; x[1] = (struct iovec){ (void *)8, 4 }; V(pwritev(f, x, 2, 0)); x[0] = (struct iovec){ bad + 4094, 5 }; V(pwritev(f, x, 1, 0)); lseek(f, 0, SEEK_SET); x[0] = (struct iovec){ bad + 4094, 5 }; V(preadv(f, x, 1, 0));
	V(pr2(f, w, 1, 0, 0)); V(pr2(f, w, 1, -1, 0)); V(lseek(f, 0, SEEK_CUR)); V(pr2(f, w, 1, -2, 0)); V(pr2(f, w, 1, 0, 0x1000)); V(pw2(f, v, 1, 0, RWF_APPEND)); V(fstat(f, &st)); V(st.st_size); V(lseek(f, 0, SEEK_CUR)); V(pw2(f, v, 1, -1, RWF_APPEND)); V(lseek(f, 0, SEEK_CUR)); V(pw2(f, v, 1, 0, 2)); V(pw2(f, v, 1, 0, 4)); V(pr2(f, w, 1, 0, 1)); V(pr2(p[0], w, 1, -1, 8)); V(pr2(p[0], w, 1, 0, 0)); V(pw2(p[1], v, 1, -1, 0)); V(pr2(p[0], w, 1, -1, 8)); V(pr2(f, w, 1, 0, 0x10));
	f = open("f", O_WRONLY | O_APPEND); V(pwrite(f, "zz", 2, 0)); V(fstat(f, &st)); V(st.st_size); V(readv(f, w, 1));
	return 0;
}
