/* SPDX-License-Identifier: Apache-2.0 */
/* renameat2 flags, linkat, O_TMPFILE, unlinkat: what is refused and why. */
#include "abi.h"
#define NOREPLACE 1
#define EXCHANGE 2
#define WHITEOUT 4
static long rn(const char *a, const char *b, unsigned f) { return syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, f); }
static void touch(const char *n) { close(open(n, O_RDWR | O_CREAT, 0644)); }
int main(void)
{
	struct stat st, s2;
	char b[100];
	int f, d;
	enter_tmp();
	touch("a"); touch("b"); mkdir("d", 0755); mkdir("e", 0755); touch("d/x"); symlink("a", "l"); symlink("gone", "dl");
	V(rn("a", "b", NOREPLACE)); V(rn("a", "c", NOREPLACE)); V(rn("c", "a", 0)); V(rn("a", "nope", EXCHANGE)); V(rn("a", "d", EXCHANGE)); V(stat("a", &st)); V(S_ISDIR(st.st_mode)); V(rn("a", "d", EXCHANGE));
	V(rn("a", "b", EXCHANGE | NOREPLACE)); V(rn("a", "b", 8)); V(rn("a", "b", EXCHANGE | WHITEOUT)); V(rn("d", "d/sub", EXCHANGE)); V(rn("d", "d/x", EXCHANGE));
	V(rn("a", "a", NOREPLACE)); V(rn("a", "a", 0)); V(rename("d", "d/in")); V(rename("d/x", "d")); V(rename("e", "d")); V(rename("d", "e")); V(stat("e/x", &st)); V(rename("a", "e")); V(rename("e", "a"));
	V(rename("a/", "z")); V(rename("a", "z/")); V(rename("e", "z/")); V(rename("z", "e/")); V(rename(".", "q")); V(rename("e/.", "q")); V(rename("e/..", "q")); V(rename("a", "..")); V(rename("a", ".")); V(rename("", "a")); V(rename("a", "")); V(rename("nope", "a")); V(rename("a/x", "b")); V(rename("a", "nope/x"));
	symlink("b", "lb"); symlink("d", "ld"); V(rename("lb/", "d")); V(rename("lb/", "z")); V(rename("ld/", "z")); V(rename("ld/", "a")); V(rename("ld", "d/")); V(rename("ld", "z/")); V(rename("a/", "d")); V(rename("a", "d/")); V(rename("d/", "a")); V(rename("d", "a/")); V(rename("d", "lb/")); V(rename("d/", "ld/")); V(rename("a/", "a/")); V(rn("a/", "d", EXCHANGE)); V(rn("a", "d/", EXCHANGE)); V(rn("d", "a/", EXCHANGE)); V(rn("d/", "d/x/", EXCHANGE)); V(rn("d/", "a", NOREPLACE)); unlink("lb"); unlink("ld");
	V(rename("l", "l2")); V(lstat("l2", &st)); V(S_ISLNK(st.st_mode)); V(rename("b", "l2")); V(lstat("l2", &st)); V(S_ISREG(st.st_mode));
	link("a", "a2"); V(rename("a", "a2")); V(stat("a", &st)); V(stat("a2", &s2)); V(st.st_nlink);
	V(link("e", "e2")); V(link("nope", "n2")); V(link("a", "a2")); V(link("a/", "a3")); V(link("a", "a3/")); V(link("dl", "dl2")); V(lstat("dl2", &st)); V(S_ISLNK(st.st_mode)); V(linkat(AT_FDCWD, "dl", AT_FDCWD, "dl3", AT_SYMLINK_FOLLOW)); symlink("a", "la"); V(linkat(AT_FDCWD, "la", AT_FDCWD, "la2", AT_SYMLINK_FOLLOW)); V(lstat("la2", &st)); V(S_ISREG(st.st_mode)); V(linkat(AT_FDCWD, "a", AT_FDCWD, "q", 0x8000)); V(linkat(AT_FDCWD, "", AT_FDCWD, "q", 0));
	V(symlink("", "s")); V(symlink("x", "a")); V(symlink("x", "")); V(symlink("x", "new/")); V(symlink("x", "nope/new")); memset(b, 'x', 99); b[99] = 0;
	V(readlink("a", b, 10)); V(readlink("dl", b, 2)); V(readlink("dl", b, 0)); V(readlink("nope", b, 10)); V(readlink("dl", (char *)8, 10)); V(readlink("dl/", b, 10));
	d = open("dl", O_PATH | O_NOFOLLOW); V(readlinkat(d, "", b, 10)); V(readlinkat(AT_FDCWD, "", b, 10));
	f = open(".", O_TMPFILE | O_RDWR, 0640); V(f >= 0); V(write(f, "tmp", 3)); V(fstat(f, &st)); V(st.st_nlink); V(st.st_size); snprintf(b, 100, "/proc/self/fd/%d", f); V(linkat(AT_FDCWD, b, AT_FDCWD, "t", AT_SYMLINK_FOLLOW)); V(stat("t", &st)); V(st.st_size); V(st.st_nlink); V(st.st_mode & 07777);
	V(linkat(AT_FDCWD, b, AT_FDCWD, "t2", AT_SYMLINK_FOLLOW)); close(f); f = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600); snprintf(b, 100, "/proc/self/fd/%d", f); V(linkat(AT_FDCWD, b, AT_FDCWD, "t3", AT_SYMLINK_FOLLOW)); V(open(".", O_TMPFILE | O_RDONLY, 0600)); V(open("a", O_TMPFILE | O_RDWR, 0600)); V(open("nope", O_TMPFILE | O_RDWR, 0600));
	f = open("t", O_RDWR); unlink("t"); unlink("t2"); V(fstat(f, &st)); V(st.st_nlink); snprintf(b, 100, "/proc/self/fd/%d", f); V(linkat(AT_FDCWD, b, AT_FDCWD, "t4", AT_SYMLINK_FOLLOW));
	V(unlink("e")); V(unlink("a/")); V(unlink(".")); V(unlink("/")); V(rmdir("a")); V(rmdir(".")); V(rmdir("..")); V(rmdir("e/.")); V(rmdir("e")); V(rmdir("/")); V(unlinkat(AT_FDCWD, "e", AT_REMOVEDIR)); V(unlinkat(AT_FDCWD, "e", 1)); unlink("e/x"); V(rmdir("e/")); V(rmdir("nope")); V(unlink("nope")); V(unlink(""));
	V(mkdir("m/", 0755)); V(mkdir("m", 0755)); V(mkdir("", 0755)); V(mkdir("nope/m", 0755)); V(mkdir("a/m", 0755)); V(mkdir("/", 0755)); V(mkdir(".", 0755)); V(mkdir("m/..", 0755)); V(mkdir("dl", 0755)); V(mknod("mk", S_IFREG | 0600, 0)); V(mknod("mk", S_IFREG | 0600, 0)); V(mknod("mf", S_IFIFO | 0600, 0)); V(mknod("ms", S_IFSOCK | 0600, 0)); V(mknod("md", S_IFDIR | 0600, 0)); V(mknod("ml", S_IFLNK | 0600, 0)); V(mknod("mz", 0600, 0)); V(mknod("mx", 0170000, 0));
	return 0;
}
