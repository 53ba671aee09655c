/* SPDX-License-Identifier: Apache-2.0 */
/* fallocate modes, SEEK_DATA and SEEK_HOLE, truncate, limits of offsets. */
#include "abi.h"
static char buf[65536];
static int zero(int f, off_t o, size_t n) { if (pread(f, buf, n, o) != (ssize_t)n) return -1; for (size_t i = 0; i < n; i++) if (buf[i]) return 0; return 1; }
int main(void)
{
	struct stat st;
	int f, r, p[2], d;
	enter_tmp(); pipe(p);
	f = open("f", O_RDWR | O_CREAT, 0644); r = open("f", O_RDONLY); d = open(".", O_RDONLY);
	V(fallocate(f, 0, 0, 10000)); fstat(f, &st); V(st.st_size); V(zero(f, 0, 10000));
	V(fallocate(f, 1, 0, 50000)); fstat(f, &st); V(st.st_size); V(fallocate(f, 0, 0, 0)); V(fallocate(f, 0, -1, 10)); V(fallocate(f, 0, 0, -1)); V(fallocate(r, 0, 0, 10)); V(fallocate(p[1], 0, 0, 10)); V(fallocate(d, 0, 0, 10)); V(fallocate(99, 0, 0, 10)); V(fallocate(f, 0, 1ll << 62, 1ll << 62)); V(fallocate(f, 0x800, 0, 10)); V(fallocate(f, 2, 0, 10));
	memset(buf, 'x', sizeof buf); pwrite(f, buf, 65536, 0); V(fallocate(f, 3, 4096, 8192)); V(zero(f, 4096, 8192)); V(zero(f, 0, 10)); V(zero(f, 12288, 10)); fstat(f, &st); V(st.st_size); V(fallocate(f, 3, 100, 50)); V(zero(f, 100, 50)); V(zero(f, 99, 2)); V(fallocate(f, 3, 65536, 100)); V(fallocate(f, 3, 1000000, 100));
	ftruncate(f, 0); ftruncate(f, 1 << 20); pwrite(f, "x", 1, 262144);
	V(lseek(f, 0, SEEK_HOLE)); V(lseek(f, 262144, SEEK_DATA)); V(lseek(f, 0, SEEK_DATA)); V(lseek(f, 1 << 20, SEEK_DATA)); V(lseek(f, 1 << 20, SEEK_HOLE)); V(lseek(f, (1 << 20) - 1, SEEK_HOLE)); V(lseek(f, -1, SEEK_DATA)); V(lseek(f, 0, 5)); V(lseek(f, 300000, SEEK_DATA)); V(lseek(p[0], 0, SEEK_SET)); V(lseek(f, -5, SEEK_SET)); V(lseek(f, 5, SEEK_SET)); V(lseek(f, -10, SEEK_CUR)); V(lseek(f, 0, SEEK_CUR)); V(lseek(f, -5, SEEK_END)); V(lseek(f, 1ll << 40, SEEK_SET)); V(read(f, buf, 10));
	V(ftruncate(f, -1)); V(ftruncate(r, 0)); V(ftruncate(p[1], 0)); V(ftruncate(d, 0)); V(truncate("f", 100)); V(truncate(".", 100)); V(truncate("nope", 100)); V(truncate("f", -1)); fstat(f, &st); V(st.st_size);
	pwrite(f, "data", 4, 0); ftruncate(f, 2); ftruncate(f, 4); pread(f, buf, 4, 0); V(buf[2] == 0 && buf[3] == 0);
	V(pread(f, buf, 10, -1)); V(pwrite(f, buf, 10, -1)); V(pread(p[0], buf, 10, 0)); V(pwrite(p[1], buf, 10, 0)); V(pread(f, buf, 10, 1ll << 50)); V(read(d, buf, 10)); V(pread(d, buf, 10, 0)); V(write(d, buf, 10)); V(pread(f, (void *)8, 4, 0)); V(pwrite(f, (void *)8, 4, 0)); V(read(f, NULL, 0)); V(write(r, "x", 1)); V(read(f, buf, (size_t)-1)); 
	V(lseek(d, 0, SEEK_SET)); V(lseek(d, -1, SEEK_SET)); V(posix_fadvise(f, 0, 0, POSIX_FADV_DONTNEED)); V(posix_fadvise(f, 0, 0, 77)); V(posix_fadvise(p[0], 0, 0, 0)); V(posix_fadvise(99, 0, 0, 0)); V(posix_fadvise(f, 0, -1, 0)); V(readahead(f, 0, 4096)); V(readahead(p[0], 0, 4096)); V(syscall(SYS_sync_file_range, f, 0, 0, 2)); V(syscall(SYS_sync_file_range, f, 0, 0, 8)); V(syscall(SYS_sync_file_range, f, -1, 0, 2)); V(syscall(SYS_sync_file_range, p[0], 0, 0, 2)); V(fsync(f)); V(fdatasync(f)); V(fsync(p[0])); V(fsync(99)); V(fsync(d)); V(syncfs(f)); V(syncfs(99));
	return 0;
}
