/* SPDX-License-Identifier: Apache-2.0 */
/* openat2: sizes, flags that open() ignores, RESOLVE_*. */
#include "abi.h"
struct how { uint64_t flags, mode, resolve, more; };
static long o2(int d, const char *p, uint64_t fl, uint64_t m, uint64_t r, size_t n, uint64_t more)
{
	struct how h = { fl, m, r, more };
	int fd = syscall(SYS_openat2, d, p, &h, n), e = errno;
	if (fd >= 0) { close(fd); return 0; }
	errno = e;
	return -1;
}
#define T(...) V(o2(__VA_ARGS__))
#define NO_XDEV 1
#define NO_MAGIC 2
#define NO_SYM 4
#define BENEATH 8
#define IN_ROOT 16
#define CACHED 32
int main(void)
{
	int d, f;
	enter_tmp();
	mkdir("d", 0755); mkdir("d/e", 0755); d = open("d", O_RDONLY | O_DIRECTORY);
	close(f = open("d/f", O_RDWR | O_CREAT, 0644)); close(open("x", O_RDWR | O_CREAT, 0644));
	symlink("f", "d/l"); symlink("../x", "d/up"); symlink("/x", "d/abs"); symlink("e", "d/le"); symlink("e/../../x", "d/sly"); symlink("loop", "d/loop");
	f = open("d/f", O_RDWR);
	T(d, "f", O_RDONLY, 0, 0, 24, 0); T(d, "f", O_RDONLY, 0, 0, 32, 0); T(d, "f", O_RDONLY, 0, 0, 32, 1); T(d, "f", O_RDONLY, 0, 0, 16, 0); T(d, "f", O_RDONLY, 0, 0, 0, 0);
	T(d, "f", O_RDONLY, 0, 0, 5000, 0); V(syscall(SYS_openat2, d, "f", 8L, 24));
	T(d, "f", O_RDONLY, 0644, 0, 24, 0); T(d, "f", 1ull << 40, 0, 0, 24, 0); T(d, "f", 0x80000000, 0, 0, 24, 0); T(d, "f", O_RDONLY, 0, 64, 24, 0); T(d, "f", O_RDONLY, 0, 1ull << 33, 24, 0);
	T(d, "new", O_RDWR | O_CREAT, 0644, 0, 24, 0); T(d, "new2", O_RDWR | O_CREAT, 010644, 0, 24, 0); T(d, "new3", O_RDWR | O_CREAT, 1ull << 33, 0, 24, 0);
	T(d, "f", O_PATH | O_RDWR, 0, 0, 24, 0); T(d, "f", O_PATH | O_TRUNC, 0, 0, 24, 0); T(d, "f", O_PATH | O_NOFOLLOW | O_CLOEXEC, 0, 0, 24, 0); T(d, "e", O_DIRECTORY | O_CREAT, 0644, 0, 24, 0);
	T(d, ".", O_TMPFILE | O_RDONLY, 0600, 0, 24, 0); T(d, "f", 3, 0, 0, 24, 0); T(d, "f", O_RDONLY | O_TMPFILE, 0, 0, 24, 0);
	T(d, "l", O_RDONLY, 0, NO_SYM, 24, 0); T(d, "le/.", O_RDONLY, 0, NO_SYM, 24, 0); T(d, "l", O_PATH | O_NOFOLLOW, 0, NO_SYM, 24, 0); T(d, "f", O_RDONLY, 0, NO_SYM, 24, 0);
	T(d, "../x", O_RDONLY, 0, BENEATH, 24, 0); T(d, "/etc", O_RDONLY, 0, BENEATH, 24, 0); T(d, "up", O_RDONLY, 0, BENEATH, 24, 0); T(d, "abs", O_RDONLY, 0, BENEATH, 24, 0); T(d, "e/../f", O_RDONLY, 0, BENEATH, 24, 0); T(d, "sly", O_RDONLY, 0, BENEATH, 24, 0); T(d, "e/..", O_RDONLY, 0, BENEATH, 24, 0); T(d, "..", O_RDONLY, 0, BENEATH, 24, 0); T(d, ".", O_RDONLY, 0, BENEATH, 24, 0);
	T(d, "../x", O_RDONLY, 0, IN_ROOT, 24, 0); T(d, "/f", O_RDONLY, 0, IN_ROOT, 24, 0); T(d, "/../../f", O_RDONLY, 0, IN_ROOT, 24, 0); T(d, "up", O_RDONLY, 0, IN_ROOT, 24, 0); T(d, "abs", O_RDONLY, 0, IN_ROOT, 24, 0); T(d, "..", O_RDONLY, 0, IN_ROOT, 24, 0);
	T(d, "f", O_RDONLY, 0, IN_ROOT | BENEATH, 24, 0); T(AT_FDCWD, "/proc/self/exe", O_RDONLY, 0, NO_MAGIC, 24, 0); T(AT_FDCWD, "/proc/self/cwd/x", O_RDONLY, 0, NO_MAGIC, 24, 0); T(AT_FDCWD, "/proc/self/status", O_RDONLY, 0, NO_MAGIC, 24, 0); T(AT_FDCWD, "/proc/self/exe", O_PATH | O_NOFOLLOW, 0, NO_MAGIC, 24, 0);
	T(AT_FDCWD, "/proc", O_RDONLY, 0, NO_XDEV, 24, 0); T(AT_FDCWD, "/proc/self/status", O_RDONLY, 0, NO_XDEV, 24, 0); T(d, "f", O_RDONLY, 0, NO_XDEV, 24, 0); T(d, "f", O_RDWR | O_TRUNC, 0, CACHED, 24, 0); T(d, "new9", O_RDWR | O_CREAT, 0600, CACHED, 24, 0);
	T(d, "loop", O_RDONLY, 0, 0, 24, 0); T(d, "loop", O_RDONLY, 0, NO_SYM, 24, 0); T(f, "f", O_RDONLY, 0, 0, 24, 0); T(99, "f", O_RDONLY, 0, 0, 24, 0); T(d, "", O_RDONLY, 0, 0, 24, 0); T(d, "f/", O_RDONLY, 0, 0, 24, 0); T(d, "nope", O_RDONLY, 0, BENEATH, 24, 0);
	V(syscall(SYS_openat2, d, 8L, &(struct how){ 0 }, 24));
	return 0;
}
