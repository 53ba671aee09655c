/* SPDX-License-Identifier: Apache-2.0 */
/* stat, chmod, chown, utimens, xattr, statx, statfs. */
#include "abi.h"
#include <sys/statfs.h>
#include <sys/xattr.h>
int main(void)
{
	enter_tmp(); struct stat st; int fd = open("f", O_CREAT | O_RDWR, 0644); write(fd, "hello", 5);
	V(chmod("f", 04755)); stat("f", &st); SAY("%o\n", st.st_mode); V(fchmod(fd, 0600)); V(fchmodat(AT_FDCWD, "f", 0640, 0)); stat("f", &st); SAY("%o %ld\n", st.st_mode, (long)st.st_size); V(chmod("nope", 0600)); V(fchmod(99, 0)); V(chown("f", -1, -1)); V(lchown("nope", 0, 0)); SAY("mine %d %d\n", st.st_uid == geteuid(), st.st_gid == getegid());
	struct timespec t[2] = { { 1000000000, 123 }, { 1234567890, 999999999 } }; V(utimensat(AT_FDCWD, "f", t, 0)); stat("f", &st); SAY("%ld.%ld %ld.%ld\n", st.st_atim.tv_sec, st.st_atim.tv_nsec, st.st_mtim.tv_sec, st.st_mtim.tv_nsec); t[0].tv_nsec = UTIME_OMIT; t[1].tv_nsec = UTIME_NOW; V(futimens(fd, t)); stat("f", &st); SAY("%ld %d\n", st.st_atim.tv_sec, st.st_mtim.tv_sec > 1600000000); t[0].tv_nsec = 2000000000; V(futimens(fd, t)); V(utimensat(AT_FDCWD, "nope", NULL, 0)); struct timeval tv[2] = { { 5, 6 }, { 7, 8 } }; V(utimes("f", tv)); stat("f", &st); SAY("%ld %ld\n", st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	stat("f", &st); time_t m = st.st_mtime; write(fd, "x", 1); stat("f", &st); SAY("mtime moved %d\n", st.st_mtime > m); V(stat("nope", &st)); V(stat("f/x", &st)); V(fstat(99, &st)); V(fstatat(AT_FDCWD, "", &st, 0)); V(fstatat(fd, "", &st, AT_EMPTY_PATH)); V(fstatat(AT_FDCWD, "f", &st, 0x9999999)); SAY("type %o blocks %d blksize %d\n", st.st_mode & S_IFMT, st.st_blocks > 0, st.st_blksize >= 512);
	struct statx sx; V(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &sx)); SAY("%#x %llu %o\n", sx.stx_mask & STATX_BASIC_STATS, (unsigned long long)sx.stx_size, sx.stx_mode); V(statx(AT_FDCWD, "f", 0x40000000, 0, &sx)); struct statfs sf; V(statfs(".", &sf)); SAY("%d %d\n", sf.f_bsize > 0, sf.f_namelen >= 255); V(fstatfs(99, &sf)); V(stat((char *)8, &st)); V(stat("f", (void *)8));
	char b[100]; V(setxattr("f", "user.k", "value", 5, 0)); V(getxattr("f", "user.k", b, 100)); SAY("%.5s\n", b); V(getxattr("f", "user.k", b, 2)); V(getxattr("f", "user.k", NULL, 0)); V(getxattr("f", "user.none", b, 100)); V(setxattr("f", "user.k", "v2", 2, XATTR_CREATE)); V(setxattr("f", "user.n", "v2", 2, XATTR_REPLACE)); V(listxattr("f", b, 100)); SAY("%s\n", b); V(removexattr("f", "user.k")); V(removexattr("f", "user.k")); V(listxattr("f", b, 100)); V(fsetxattr(fd, "user.q", "", 0, 0)); V(fgetxattr(fd, "user.q", b, 10)); V(setxattr("f", "bad", "x", 1, 0));
	V(mknod("reg", S_IFREG | 0600, 0)); stat("reg", &st); SAY("%o\n", st.st_mode); V(mknod("fifo", S_IFIFO | 0600, 0)); V(mknod("sock", S_IFSOCK | 0600, 0)); stat("sock", &st); SAY("%o\n", st.st_mode); V(open("sock", O_RDONLY)); stat("/dev/null", &st); SAY("null %o %lx\n", st.st_mode & S_IFMT, (long)st.st_rdev); V(open("/dev/null", O_RDONLY) > 0);
	return 0;
}
