/* SPDX-License-Identifier: Apache-2.0 */
/* statx: masks, flags, what is filled in; fstatat flags. */
#include "abi.h"
#include <sys/sysmacros.h>
#include <linux/stat.h>
static long sx(int d, const char *p, int f, unsigned m, void *b) { return syscall(SYS_statx, d, p, f, m, b); }
static void show(const char *what, int d, const char *p, int f, unsigned m)
{
	struct statx_t { uint32_t mask, blksize; uint64_t attributes; uint32_t nlink, uid, gid; uint16_t mode, pad; uint64_t ino, size, blocks, am; } s;
	char b[256];
	memset(b, 0x55, sizeof b);
	if (sx(d, p, f, m, b)) { printf("%s: %s\n", what, abi_errno(errno)); return; }
	memcpy(&s, b, sizeof s);
	printf("%s: mask %x nlink %u mode %o size %llu blksize>0 %d ino %d uid %d pad %u\n", what, s.mask & m & 0x7ff, S_ISDIR(s.mode) ? 0 : s.nlink, s.mode,
	       S_ISDIR(s.mode) || d == 1 ? 0ull : (unsigned long long)s.size, s.blksize > 0, s.ino > 0, s.uid == geteuid(), s.pad);
}
int main(void)
{
	struct stat st, st2;
	char b[256];
	int d, f, l;
	umask(022);
	enter_tmp();
	f = open("f", O_RDWR | O_CREAT, 0644); write(f, "12345", 5);
	symlink("f", "l"); symlink("nowhere", "dangling"); link("f", "f2"); mkdir("d", 0755); mkfifo("p", 0600);
	d = open("d", O_RDONLY); l = open("l", O_PATH | O_NOFOLLOW);
	show("basic", AT_FDCWD, "f", 0, STATX_BASIC_STATS);
	show("type only", AT_FDCWD, "f", 0, STATX_TYPE);
	show("none", AT_FDCWD, "f", 0, 0);
	show("link", AT_FDCWD, "l", AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS);
	show("followed", AT_FDCWD, "l", 0, STATX_BASIC_STATS);
	show("dangling", AT_FDCWD, "dangling", 0, STATX_BASIC_STATS);
	show("dir", AT_FDCWD, "d", AT_STATX_FORCE_SYNC, STATX_BASIC_STATS);
	show("fifo", AT_FDCWD, "p", AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_BASIC_STATS);
	show("empty path", f, "", AT_EMPTY_PATH, STATX_BASIC_STATS);
	show("empty path, cwd", AT_FDCWD, "", AT_EMPTY_PATH, STATX_BASIC_STATS);
	show("empty path, O_PATH link", l, "", AT_EMPTY_PATH, STATX_BASIC_STATS);
	show("empty without flag", f, "", 0, STATX_BASIC_STATS);
	show("both syncs", AT_FDCWD, "f", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_BASIC_STATS);
	show("bad flag", AT_FDCWD, "f", 0x10000000, STATX_BASIC_STATS);
	show("reserved mask", AT_FDCWD, "f", 0, 0x80000000u);
	show("unknown mask", AT_FDCWD, "f", 0, 0x40000000u | STATX_SIZE);
	show("at dir", d, "../f", 0, STATX_SIZE);
	show("at file", f, "x", 0, STATX_SIZE);
	show("bad fd", 99, "f", 0, STATX_SIZE);
	show("bad fd, absolute", 99, "/", 0, STATX_SIZE);
	V(sx(AT_FDCWD, (void *)8, 0, 0xfff, b)); V(sx(AT_FDCWD, "f", 0, 0xfff, (void *)8)); V(sx(f, NULL, 0, 0xfff, b));
	V(fstatat(AT_FDCWD, "l", &st, AT_SYMLINK_NOFOLLOW)); V(S_ISLNK(st.st_mode)); V(st.st_size);
	V(fstatat(f, "", &st, AT_EMPTY_PATH)); V(st.st_nlink); V(fstatat(f, "", &st, 0)); V(fstatat(AT_FDCWD, "f", &st, 0x8000));
	V(fstatat(AT_FDCWD, "f/", &st, 0)); V(fstatat(AT_FDCWD, "l/", &st, 0)); V(fstatat(AT_FDCWD, "d/.", &st, 0)); V(lstat("d/", &st)); V(fstat(l, &st)); V(S_ISLNK(st.st_mode));
	stat("f", &st); stat("f2", &st2); V(st.st_ino == st2.st_ino); V(st.st_dev == st2.st_dev); V(st.st_rdev);
	V(stat("/dev/null", &st)); V(major(st.st_rdev)); V(minor(st.st_rdev)); V(st.st_size); V(st.st_blocks);
	V(stat("/dev/zero", &st)); V(minor(st.st_rdev)); V(stat("/dev/full", &st)); V(minor(st.st_rdev)); V(stat("/dev/urandom", &st)); V(minor(st.st_rdev)); V(stat("/dev/tty", &st)); V(major(st.st_rdev)); V(minor(st.st_rdev)); V(stat("/dev/ptmx", &st)); V(S_ISCHR(st.st_mode));
	return 0;
}
